"""The data of notebook 03: tiles of one fabric for the figures, and split tiles of three fabrics for the comparison."""

from __future__ import annotations

import contextlib
import functools
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np

from aitex_utils.lessons.cache import cached
from aitex_utils.lessons.data import lesson_strips, profile
from aitex_utils.strips import Strip, list_strips, split_strips
from aitex_utils.tiling import crop_tiles, tile_fabric, tile_labels

FABRICS = 3  # those with most defective strips
MIN_MARKED = 300  # px of the defect in the example
MANY_TILES, MANY_STRIPS = 32, 4
TRAINING_TILES, TEST_TILES = 16, 12  # per fabric, test tiles of each label
SEED = 0


class Lesson(NamedTuple):
    """Tiles of one fabric.

    Parameters
    ----------
    fabric : str
        Number of the fabric.
    normal_tiles : ndarray, shape (8, 256, 256)
        Normal tiles of one strip, uint8.
    other_normal : ndarray, shape (256, 256)
        A normal tile of another strip.
    example, example_mask : ndarray, shape (256, 256)
        The tile whose defect differs most in brightness from the rest of the tile, and its ground-truth mask.
    many_tiles : ndarray, shape (32, 256, 256)
        Normal tiles of four strips.

    Examples
    --------
    >>> tile = np.zeros((256, 256), np.uint8)
    >>> Lesson("00", tile[None], tile, tile, tile > 0, tile[None]).fabric
    '00'
    """

    fabric: str
    normal_tiles: np.ndarray
    other_normal: np.ndarray
    example: np.ndarray
    example_mask: np.ndarray
    many_tiles: np.ndarray


class Split(NamedTuple):
    """Training tiles and test tiles of one fabric, from different strips.

    Parameters
    ----------
    fabric : str
        Number of the fabric.
    training : ndarray, shape (N, 256, 256)
        Normal tiles, uint8.
    test : ndarray, shape (T, 256, 256)
        Normal tiles of other strips, then defective tiles.
    masks : ndarray, shape (T, 256, 256)
        Ground-truth masks of the test tiles.
    labels : ndarray, shape (T,)
        True for defective tiles.

    Examples
    --------
    >>> tiles = np.zeros((2, 256, 256), np.uint8)
    >>> Split("00", tiles, tiles, tiles > 0, np.array([False, True])).labels.sum()
    np.int64(1)
    """

    fabric: str
    training: np.ndarray
    test: np.ndarray
    masks: np.ndarray
    labels: np.ndarray


class _Tee(io.StringIO):
    """A text stream that passes on all that is written and keeps it."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write(text)
        self._stream.flush()
        return super().write(text)


_said: dict[str, tuple[Path, str]] = {}  # the folder of the strips and the lines about it, by profile


def _root() -> Path:
    """Return the folder of the strips and print the lines about it, but look for it only once per kernel."""
    if profile() in _said:
        root, lines = _said[profile()]
        print(lines, end="", flush=True)
        return root
    with contextlib.redirect_stdout(_Tee(sys.stdout)) as tee:
        root = lesson_strips()
    lines = tee.getvalue().splitlines(keepends=True)
    _said[profile()] = root, "".join(line for line in lines if not line.startswith("Making"))
    return root


def load_lesson() -> Lesson:
    """Return the tiles of the fabric with the most defective strips, from the cache if they are there.

    Returns
    -------
    Lesson

    Examples
    --------
    >>> load_lesson().example.shape  # doctest: +SKIP
    (256, 256)
    """
    return _load_lesson(_root(), profile())


def load_splits() -> list[Split]:
    """Return training and test tiles of the three fabrics with the most defective strips, from the cache if possible.

    Returns
    -------
    list of Split

    Notes
    -----
    A fabric has up to 16 training tiles, 12 normal test tiles and 12 defective test tiles. No strip is on both sides.

    Examples
    --------
    >>> [split.fabric for split in load_splits()]  # doctest: +SKIP
    ['00', '01', '02']
    """
    return _load_splits(_root(), profile())


@functools.lru_cache(maxsize=2)
def _load_lesson(root: Path, name: str) -> Lesson:
    def make() -> dict[str, np.ndarray]:
        normal, defective, ranked = rank_fabrics(root)
        first, second, *more = [strip for strip in normal if strip.fabric == ranked[0]][:MANY_STRIPS]
        tiles, masks = _tiles_and_masks([strip for strip in defective if strip.fabric == ranked[0]])
        example = find_example(tiles, masks)
        by_strip = [tile_fabric(strip.read())[0] for strip in (first, second, *more)]
        return {
            "fabric": np.array(ranked[0]),
            "normal_tiles": by_strip[0][:8],
            "other_normal": by_strip[1][0],
            "example": tiles[example],
            "example_mask": masks[example],
            "many_tiles": np.concatenate(by_strip)[:MANY_TILES],
        }

    code = (rank_fabrics, _tiles_and_masks, find_example, tile_fabric)
    arrays = cached(f"nb03_lesson_{name}", make, data=root, code=code, sizes=[MIN_MARKED, MANY_TILES, MANY_STRIPS])
    return Lesson(**{**arrays, "fabric": str(arrays["fabric"])})


@functools.lru_cache(maxsize=2)
def _load_splits(root: Path, name: str) -> list[Split]:
    def make() -> dict[str, np.ndarray]:
        normal, defective, ranked = rank_fabrics(root)
        arrays = {}
        for fabric in sorted(ranked):
            own = [[strip for strip in strips if strip.fabric == fabric] for strips in (normal, defective)]
            training, test, masks, labels = _draw_split(*own)
            arrays |= {f"{fabric}.training": training, f"{fabric}.test": test}
            arrays |= {f"{fabric}.masks": masks, f"{fabric}.labels": labels}
        return arrays

    code = (rank_fabrics, _draw_split, draw_tiles, _tiles_and_masks)
    arrays = cached(f"nb03_splits_{name}", make, data=root, code=code, sizes=[TRAINING_TILES, TEST_TILES, SEED])
    fabrics = [key.split(".")[0] for key in arrays if key.endswith(".training")]
    return [Split(f, *(arrays[f"{f}.{part}"] for part in Split._fields[1:])) for f in fabrics]


def rank_fabrics(root: Path) -> tuple[list[Strip], list[Strip], list[str]]:
    """Return the normal strips, the defective strips, and the fabrics with the most defective strips.

    Parameters
    ----------
    root : Path
        Folder of the strips.

    Returns
    -------
    normal, defective : list of Strip
        Defective strips without a mask are left out.
    fabrics : list of str
        At most three, by decreasing number of defective strips.

    Examples
    --------
    >>> rank_fabrics(Path("data/practice"))[2]  # doctest: +SKIP
    ['00', '01', '02']
    """
    strips = [strip for strip in list_strips(root) if strip.is_normal or strip.masks]
    normal = [strip for strip in strips if strip.is_normal]
    defective = [strip for strip in strips if not strip.is_normal]
    counts = {strip.fabric: sum(other.fabric == strip.fabric for other in defective) for strip in defective}
    names = set(counts) & {strip.fabric for strip in normal}
    return normal, defective, sorted(names, key=lambda name: (-counts[name], name))[:FABRICS]


def find_example(tiles: np.ndarray, masks: np.ndarray) -> int:
    """Return the index of the tile whose defect differs most in brightness from the rest of the tile.

    Parameters
    ----------
    tiles : ndarray, shape (N, H, W)
        Grey tiles.
    masks : ndarray, shape (N, H, W)
        Ground-truth masks, bool. Tiles with fewer than 300 marked pixels are left out, unless all have fewer.

    Returns
    -------
    int

    Examples
    --------
    >>> tiles = np.random.default_rng(0).integers(90, 110, (2, 32, 32), dtype=np.uint8)
    >>> masks = np.zeros((2, 32, 32), bool)
    >>> masks[:, :20, :20] = True
    >>> tiles[1, :20, :20] += 40
    >>> find_example(tiles, masks)
    1
    """
    marked = masks.sum(axis=(1, 2))
    candidates = np.flatnonzero(marked >= min(MIN_MARKED, marked.max()))
    contrasts = [abs(tiles[i][masks[i]].mean() - tiles[i].mean()) / tiles[i].std() for i in candidates]
    return int(candidates[int(np.argmax(contrasts))])


def draw_tiles(strips: Sequence[Strip], max_tiles: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw tiles at random, clean ones of normal strips or defective ones of defective strips, and their masks.

    Parameters
    ----------
    strips : sequence of Strip
        Strips, all normal or all defective.
    max_tiles : int
        Largest number of tiles.
    rng : Generator
        Source of the draw.

    Returns
    -------
    tiles, masks : ndarray, shape (N, 256, 256)

    Examples
    --------
    >>> draw_tiles([], 4, np.random.default_rng(0))  # doctest: +SKIP
    """
    tiles, masks = _tiles_and_masks(strips)
    candidates = np.flatnonzero(tile_labels(masks) != strips[0].is_normal)
    drawn = rng.permutation(candidates)[:max_tiles]
    return tiles[drawn], masks[drawn]


def _draw_split(
    normal: Sequence[Strip], defective: Sequence[Strip]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return training tiles, test tiles, and the masks and labels of the test tiles of one fabric."""
    rng = np.random.default_rng(SEED)
    fitting, held_out = split_strips(list(normal), share=0.7, seed=SEED)
    clean, clean_masks = draw_tiles(held_out, TEST_TILES, rng)
    marked, marked_masks = draw_tiles(defective, TEST_TILES, rng)
    training, _ = draw_tiles(fitting, TRAINING_TILES, rng)
    labels = np.repeat([False, True], [len(clean), len(marked)])
    return training, np.concatenate([clean, marked]), np.concatenate([clean_masks, marked_masks]), labels


def _tiles_and_masks(strips: Sequence[Strip]) -> tuple[np.ndarray, np.ndarray]:
    """Return the tiles of the strips' fabric, (N, 256, 256), and the same crops of their masks."""
    tiles, masks = [], []
    for strip in strips:
        own, corners = tile_fabric(strip.read())
        tiles.append(own)
        masks.append(crop_tiles(strip.read_mask(), corners))
    return np.concatenate(tiles), np.concatenate(masks)
