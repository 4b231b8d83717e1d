"""The data of notebook 01: all strips with their fabric's columns, and the patches and splits of the leakage lab."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from aitex_utils import coreset, features, memory_bank, patchcore, region
from aitex_utils.features import PatchFeatures
from aitex_utils.lessons.cache import cached
from aitex_utils.lessons.data import lesson_strips, profile
from aitex_utils.lessons.tile_sampling import evenly_spaced
from aitex_utils.region import fabric_region
from aitex_utils.scoring import smooth
from aitex_utils.strips import Strip, list_strips
from aitex_utils.tiling import tile, tile_labels

from . import leakage
from .leakage import LeakageResult, leakage_experiment, tile_distances

N_NORMAL, N_DEFECTIVE, N_DRAWS = 8, 13, 10  # strips of the leakage lab, and draws of its tiles


@dataclass(frozen=True)
class LessonStrips:
    """All strips of the folder, with the columns that show fabric.

    Parameters
    ----------
    root : Path
        Folder of the strips.
    strips : tuple of Strip
        All strips.
    limits : ndarray, shape (S, 2)
        First column of the fabric of each strip, and the column after the last.
    has_marks : ndarray, shape (S,)
        True where a defective strip has a mask that marks at least one pixel.

    Examples
    --------
    >>> strip = Strip("0001_000_02", "02", "000", Path())
    >>> data = LessonStrips(Path(), (strip,), np.array([[100, 600]]), np.array([False]))
    >>> data.fabrics, data.columns["0001_000_02"]
    (['02'], slice(100, 600, None))
    """

    root: Path
    strips: tuple[Strip, ...]
    limits: np.ndarray
    has_marks: np.ndarray

    @property
    def fabrics(self) -> list[str]:
        """Names of the fabrics that have normal strips."""
        return sorted({strip.fabric for strip in self.strips if strip.is_normal})

    @property
    def is_normal(self) -> np.ndarray:
        """True for normal strips, shape (S,)."""
        return np.array([strip.is_normal for strip in self.strips])

    @property
    def columns(self) -> dict[str, slice]:
        """Columns of the fabric, by strip id."""
        return {strip.id: slice(int(a), int(b)) for strip, (a, b) in zip(self.strips, self.limits, strict=True)}

    @property
    def marked(self) -> list[Strip]:
        """Defective strips of `fabrics` with a mask that marks at least one pixel."""
        pairs = zip(self.strips, self.has_marks, strict=True)
        return [strip for strip, has_marks in pairs if has_marks and strip.fabric in self.fabrics]

    @property
    def first_of_each(self) -> list[Strip]:
        """The first normal strip of each fabric."""
        return [next(s for s in self.strips if s.fabric == name and s.is_normal) for name in self.fabrics]

    @property
    def example(self) -> Strip:
        """The strip of `first_of_each` whose fabric begins last."""
        return max(self.first_of_each, key=lambda strip: self.columns[strip.id].start)

    def cut(self, strip: Strip, image: np.ndarray) -> np.ndarray:
        """Return the tiles of a strip's fabric, cut from its image, its mask or a changed image.

        Parameters
        ----------
        strip : Strip
            One of `strips`.
        image : ndarray, shape (256, W)
            Image of the strip's size.

        Returns
        -------
        ndarray, shape (N, 256, 256)
        """
        return tile(image[:, self.columns[strip.id]])[0]

    def area_shares(self, strip: Strip) -> np.ndarray:
        """Return the marked share of the area of each tile of a strip.

        Parameters
        ----------
        strip : Strip
            One of `marked`.

        Returns
        -------
        ndarray, shape (N,)
        """
        return self.cut(strip, strip.read_mask()).mean(axis=(1, 2))

    def cut_defect(self, widest: int = 192) -> tuple[Strip, tuple[int, int]]:
        """Return the widest defect that the seams of tiles without overlap cut.

        Parameters
        ----------
        widest : int
            Largest width of the defect in px.

        Returns
        -------
        strip : Strip
        columns : (int, int)
            First column of the defect in the strip's fabric, and the column after the last. If no defect is cut, the
            widest defect.
        """
        found = []
        for strip in self.marked:
            mask = strip.read_mask()[:, self.columns[strip.id]]
            seams = np.arange(256, mask.shape[1] // 256 * 256, 256)
            for first, end in _column_runs(mask):
                if end - first <= widest:
                    found.append((bool(((first < seams) & (seams < end)).any()), end - first, strip.id, first, strip))
        _, width, _, first, strip = max(found)
        return strip, (first, first + width)


def _column_runs(mask: np.ndarray, gap: int = 4) -> list[tuple[int, int]]:
    """Return the runs of columns with marked pixels. Gaps of up to `gap` columns do not end a run."""
    columns = np.flatnonzero(mask.any(axis=0))
    if not len(columns):
        return []
    breaks = np.flatnonzero(np.diff(columns) > gap)
    firsts, lasts = columns[[0, *(breaks + 1)]], columns[[*breaks, -1]]
    return [(int(first), int(last) + 1) for first, last in zip(firsts, lasts, strict=True)]


def load_strips() -> LessonStrips:
    """Return all strips of this profile with their fabric's columns, from the cache if they are there.

    Returns
    -------
    LessonStrips

    Examples
    --------
    >>> data = load_strips()  # doctest: +SKIP
    """
    return _load(profile())


@lru_cache(maxsize=1)
def _load(profile_name: str) -> LessonStrips:
    root = lesson_strips()
    strips = tuple(list_strips(root))

    def find_columns() -> dict[str, np.ndarray]:
        limits = [fabric_region(strip.read()) for strip in tqdm(strips, desc="strips")]
        has_marks = [bool(strip.masks) and bool(strip.read_mask().any()) for strip in strips]
        return {"limits": np.array(limits), "has_marks": np.array(has_marks)}

    arrays = cached(f"nb01_strips_{profile_name}", find_columns, data=root, code=[region])
    return LessonStrips(root, strips, **arrays)


@dataclass(frozen=True)
class LeakageData:
    """The tiles of one fabric as patches, for the leakage lab.

    Parameters
    ----------
    fabric : str
        Name of the fabric.
    training_strips, defective_strips : list of Strip
        Normal strips, and defective strips with marked pixels.
    patches : ndarray, shape (N, P, C)
        The P patches of each clean tile of the normal strips.
    groups : ndarray, shape (N,)
        Strip of each clean tile.
    defective_patches : ndarray, shape (M, P, C)
        The patches of the defective tiles.
    distances : ndarray, shape (N, N)
        Output of `leakage.tile_distances`.

    Examples
    --------
    >>> patches = np.zeros((2, 4, 3), np.float32)
    >>> print(LeakageData("02", [], [], patches, np.array(["a", "b"]), patches[:1], np.zeros((2, 2))).describe())
    Fabric 02: 2 clean tiles of 2 normal strips, 1 defective tile.
    """

    fabric: str
    training_strips: list[Strip]
    defective_strips: list[Strip]
    patches: np.ndarray
    groups: np.ndarray
    defective_patches: np.ndarray
    distances: np.ndarray

    def describe(self) -> str:
        """Return the numbers of tiles in a sentence.

        Returns
        -------
        str
        """
        n_defective = len(self.defective_patches)
        return (
            f"Fabric {self.fabric}: {len(self.patches)} clean tiles of {len(np.unique(self.groups))} normal strips, "
            f"{n_defective} defective tile{'' if n_defective == 1 else 's'}."
        )


def load_leakage() -> LeakageData:
    """Return the patches of one fabric, from the cache if they are there.

    Returns
    -------
    LeakageData
        The fabric with the most marked strips.

    Examples
    --------
    >>> lab = load_leakage()  # doctest: +SKIP
    """
    return _load_leakage(profile())


@lru_cache(maxsize=1)
def _load_leakage(profile_name: str) -> LeakageData:
    data = load_strips()
    fabric, training, defective = leakage_strips(data)

    def extract() -> dict[str, np.ndarray]:
        patches, defective_patches = extract_patches(data, training, defective)
        groups = np.array([s.id for s in training for _ in data.cut(s, s.read())])
        distances = tile_distances(patches)
        return {
            "patches": patches,
            "groups": groups,
            "defective_patches": defective_patches,
            "distances": distances,
        }

    arrays = cached(
        f"nb01_patches_{profile_name}",
        extract,
        data=data.root,
        code=[extract_patches, leakage_strips, tile_distances, PatchFeatures],
        strips=[strip.id for strip in (*training, *defective)],
    )
    return LeakageData(fabric, training, defective, **arrays)


def leakage_strips(data: LessonStrips) -> tuple[str, list[Strip], list[Strip]]:
    """Return the fabric of the leakage lab, and evenly spaced strips of it.

    Parameters
    ----------
    data : LessonStrips
        All strips.

    Returns
    -------
    fabric : str
        The fabric with the most marked strips.
    training, defective : list of Strip
        At most 8 normal and 13 marked strips.

    Examples
    --------
    >>> strips = [Strip(f"{i:04d}_{code}_02", "02", code, Path()) for code in ("000", "030") for i in range(9)]
    >>> data = LessonStrips(Path(), tuple(strips), np.zeros((18, 2), int), np.arange(18) >= 9)
    >>> [len(part) for part in leakage_strips(data)]
    [2, 8, 9]
    """
    fabric = max(data.fabrics, key=lambda name: (sum(s.fabric == name for s in data.marked), name))
    normal = [strip for strip in data.strips if strip.fabric == fabric and strip.is_normal]
    marked = [strip for strip in data.marked if strip.fabric == fabric]
    return fabric, _evenly_spaced(normal, N_NORMAL), _evenly_spaced(marked, N_DEFECTIVE)


def _evenly_spaced(strips: Sequence[Strip], n: int) -> list[Strip]:
    return [strips[i] for i in evenly_spaced(len(strips), n)]


def extract_patches(
    data: LessonStrips, training: Sequence[Strip], defective: Sequence[Strip], strength: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return the patches of the clean tiles of normal strips, and of the defective tiles of defective strips.

    Parameters
    ----------
    data : LessonStrips
        All strips.
    training, defective : sequence of Strip
        Normal and defective strips.
    strength : float
        Strength of the change of light and focus, see `recordings`; 0 leaves the strips unchanged.

    Returns
    -------
    patches : ndarray, shape (N, P, C)
    defective_patches : ndarray, shape (M, P, C)

    Examples
    --------
    >>> data = load_strips()  # doctest: +SKIP
    >>> extract_patches(data, *leakage_strips(data)[1:])[0].shape  # doctest: +SKIP
    (112, 1024, 152)
    """
    strips = [*training, *defective]
    images = change_recordings([strip.read() for strip in strips], strength)
    tiles = [data.cut(strip, image) for strip, image in zip(strips, images, strict=True)]
    clean = np.concatenate(tiles[: len(training)])
    marked = [
        part[tile_labels(data.cut(strip, strip.read_mask()))]
        for strip, part in zip(defective, tiles[len(training) :], strict=True)
    ]
    maps = PatchFeatures().transform(np.concatenate([clean, *marked]))  # (N + M, H', W', C)
    patches = maps.reshape(len(maps), -1, maps.shape[-1])
    return patches[: len(clean)], patches[len(clean) :]


def change_recordings(images: Sequence[np.ndarray], strength: float) -> list[np.ndarray]:
    """Give each image another brightness and sharpness, as if each were recorded on another day.

    Parameters
    ----------
    images : sequence of ndarray, each of shape (H, W)
        Grey values, uint8.
    strength : float
        At strength 1 the brightness varies by about 10 %, and the blur has a standard deviation of 0 to 0.6 px.

    Returns
    -------
    list of ndarray, each of shape (H, W)
        uint8. Image i changes in the same way in every call.

    Examples
    --------
    >>> change_recordings([np.full((2, 2), 100, np.uint8)] * 2, 0)[1].tolist()
    [[100, 100], [100, 100]]
    """
    if strength == 0:
        return list(images)
    rng, changed = np.random.default_rng(1), []
    for image in images:
        light, blur = np.exp(0.1 * strength * rng.standard_normal()), 0.6 * strength * rng.random()
        changed.append(smooth(image * light, blur).clip(0, 255).astype(np.uint8))
    return changed


def run_draws(strength: float = 0.0) -> list[LeakageResult]:
    """Return the results of ten draws of the leakage experiment, from the cache if they are there.

    Parameters
    ----------
    strength : float
        Strength of the change of light and focus, see `change_recordings`.

    Returns
    -------
    list of LeakageResult
        With the set of tiles "defective".

    Examples
    --------
    >>> results = run_draws(1)  # doctest: +SKIP
    """
    lab = load_leakage()

    def draw() -> dict[str, np.ndarray]:
        patches, defective = lab.patches, lab.defective_patches
        if strength:
            patches, defective = extract_patches(load_strips(), lab.training_strips, lab.defective_strips, strength)
        seeds = tqdm(range(N_DRAWS), desc="draws")
        results = [leakage_experiment(patches, lab.groups, {"defective": defective}, seed=seed) for seed in seeds]
        return {
            "same": np.stack([result.same for result in results]),
            "new": np.stack([result.new for result in results]),
            "defective": np.stack([result.tile_sets["defective"] for result in results]),
        }

    arrays = cached(
        f"nb01_draws_{profile()}_strength_{strength:g}",
        draw,
        data=load_strips().root,
        code=[extract_patches, change_recordings, leakage, coreset, features, memory_bank, patchcore],
        strength=strength,
        draws=N_DRAWS,
        strips=[strip.id for strip in (*lab.training_strips, *lab.defective_strips)],
    )
    parts = zip(arrays["same"], arrays["new"], arrays["defective"], strict=True)
    return [LeakageResult(same, new, {"defective": defective}) for same, new, defective in parts]
