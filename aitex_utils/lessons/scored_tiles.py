"""The tiles of three fabrics, scored by the paper's PatchCore, on which notebooks 06 and 07 evaluate it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from aitex_utils.patchcore import PAPER, PatchCore
from aitex_utils.scoring import anomaly_maps, max_score, reweighted_by_patch_score, reweighted_score, stitch_maps
from aitex_utils.strips import Strip, list_strips
from aitex_utils.tiling import tile_fabric, tile_labels

from .cache import cached
from .data import lesson_root, profile
from .tile_sampling import evenly_spaced, tiles_and_masks

FABRICS, NORMAL, DEFECTIVE = 3, 8, 6  # fabrics, and the most strips of each kind per fabric
FIT_TILES, CALIBRATION_STRIPS, SEED = 20, 2, 0
KINDS = ("distances", "reweighted", "labels", "marked", "strips", "corners", "calibration", "fitted", "same_strips")


class ScoredFabric(NamedTuple):
    """The scores of the N tiles of a fabric that its detector has not seen.

    Scores are divided by `unit`, the median score of the calibration tiles, so a typical normal tile has the score 1.

    Parameters
    ----------
    fabric : str
        Number of the fabric.
    distances : ndarray, shape (N, 32, 32)
        Patch-level anomaly scores.
    reweighted : ndarray, shape (N, 2)
        Scores by equation 7 and by its variant, both from distances in their own unit.
    labels : ndarray, shape (N,)
        True for defective tiles.
    marked : ndarray, shape (N,)
        Number of marked pixels.
    strips : ndarray, shape (N,)
        Name of each tile's strip.
    corners : ndarray, shape (N, 2)
        Row and column of each tile's upper left pixel in its strip.
    calibration : ndarray, shape (N,)
        True for tiles of the calibration strips, which take no part in the test.
    fitted : ndarray, shape (20,)
        Scores of the tiles in the memory bank.
    same_strips : ndarray, shape (20,)
        Scores of other tiles of the training strips.
    unit : float
        Distance that counts as 1.

    Examples
    --------
    >>> load_scores()[0].scores.shape  # doctest: +SKIP
    (149,)
    """

    fabric: str
    distances: np.ndarray
    reweighted: np.ndarray
    labels: np.ndarray
    marked: np.ndarray
    strips: np.ndarray
    corners: np.ndarray
    calibration: np.ndarray
    fitted: np.ndarray
    same_strips: np.ndarray
    unit: float

    @property
    def scores(self) -> np.ndarray:
        """Largest distance of each tile, (N,)."""
        return max_score(self.distances)

    @property
    def of_normal_strip(self) -> np.ndarray:
        """True for tiles of strips without any defect, (N,)."""
        return np.array([name in _normal_strips() for name in self.strips])


class PooledTiles(NamedTuple):
    """The test tiles of all fabrics in one test.

    Parameters
    ----------
    labels : ndarray, shape (N,)
        True for defective tiles.
    scores : ndarray, shape (N,)
        Largest distance of each tile, in units of its fabric.
    strips : ndarray, shape (N,)
        Name of each tile's strip.
    of_normal_strip : ndarray, shape (N,)
        True for tiles of strips without any defect.

    Examples
    --------
    >>> PooledTiles(*np.zeros((4, 3))).scores.shape
    (3,)
    """

    labels: np.ndarray
    scores: np.ndarray
    strips: np.ndarray
    of_normal_strip: np.ndarray


def load_scores() -> list[ScoredFabric]:
    """Return the scored tiles of three fabrics, from the cache if they are there.

    Returns
    -------
    list of ScoredFabric

    Notes
    -----
    From eight normal strips of a fabric, the detector is fitted on 20 tiles of three. Two others are the calibration
    set. The rest, and up to six defective strips, are the test.

    Examples
    --------
    >>> len(load_scores())  # doctest: +SKIP
    3
    """
    return _scores(profile())


def pool_test(fabrics: Sequence[ScoredFabric]) -> PooledTiles:
    """Return the test tiles of all fabrics together, without the calibration tiles.

    Parameters
    ----------
    fabrics : sequence of ScoredFabric
        Output of `load_scores`.

    Returns
    -------
    PooledTiles

    Examples
    --------
    >>> pool_test(load_scores()).labels.sum()  # doctest: +SKIP
    57
    """
    parts = [
        [of_tile[~f.calibration] for of_tile in (f.labels, f.scores, f.strips, f.of_normal_strip)] for f in fabrics
    ]
    return PooledTiles(*(np.concatenate(of_all) for of_all in zip(*parts, strict=True)))


def strip_with_map(fabric: ScoredFabric, name: str, smoothing: float = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a strip, its anomaly map and its mask.

    Parameters
    ----------
    fabric : ScoredFabric
        The strip's fabric.
    name : str
        Name of the strip.
    smoothing : float
        Standard deviation of the Gaussian in px.

    Returns
    -------
    strip : ndarray, shape (H, W)
        uint8.
    anomaly_map : ndarray, shape (H, W)
        NaN outside the fabric.
    mask : ndarray, shape (H, W)
        bool.

    Examples
    --------
    >>> strip, anomaly_map, mask = strip_with_map(fabric, fabric.strips[0])  # doctest: +SKIP
    """
    strip, rows = find_strip(name), fabric.strips == name
    mask = strip.read_mask()
    maps = anomaly_maps(fabric.distances[rows], (256, 256), smoothing)
    return strip.read(), stitch_maps(maps, fabric.corners[rows], mask.shape), mask


def find_strip(name: str) -> Strip:
    """Return the strip with a name.

    Parameters
    ----------
    name : str
        As in `ScoredFabric.strips`.

    Returns
    -------
    Strip

    Examples
    --------
    >>> find_strip("0001_002_00").defect  # doctest: +SKIP
    '002'
    """
    return _by_name(lesson_root())[name]


def choose_fabrics(root: Path) -> list[str]:
    """Return the fabrics with eight normal strips and the most defective ones.

    Parameters
    ----------
    root : Path
        Folder of the strips.

    Returns
    -------
    list of str

    Examples
    --------
    >>> choose_fabrics(Path("data/practice"))  # doctest: +SKIP
    ['00', '01', '02']
    """
    by_fabric = {fabric: choose_strips(root, fabric) for fabric in sorted({s.fabric for s in list_strips(root)})}
    complete = [f for f, (normal, defective) in by_fabric.items() if len(normal) == NORMAL and defective]
    return sorted(complete, key=lambda f: (-len(by_fabric[f][1]), f))[:FABRICS]


def choose_strips(root: Path, fabric: str) -> tuple[list[Strip], list[Strip]]:
    """Return at most eight normal and six defective strips of a fabric, evenly spaced, with known masks.

    Parameters
    ----------
    root : Path
        Folder of the strips.
    fabric : str
        Two digits.

    Returns
    -------
    normal, defective : list of Strip

    Examples
    --------
    >>> normal, defective = choose_strips(Path("data/practice"), "00")  # doctest: +SKIP
    """
    chosen = []
    for is_normal, most in ((True, NORMAL), (False, DEFECTIVE)):
        own = [s for s in list_strips(root, fabric) if s.is_normal is is_normal]
        own = [s for s in own if is_normal or s.read_known_mask() is not None]
        chosen.append([own[i] for i in evenly_spaced(len(own), most)])
    return chosen[0], chosen[1]


def fit_detector(root: Path, fabric: str) -> tuple[PatchCore, np.ndarray]:
    """Fit the paper's PatchCore on 20 tiles of three normal strips.

    Parameters
    ----------
    root : Path
        Folder of the strips.
    fabric : str
        Two digits.

    Returns
    -------
    detector : PatchCore
    tiles : ndarray, shape (40, 256, 256)
        Tiles of the training strips. The first 20 are in the memory bank.

    Examples
    --------
    >>> detector, tiles = fit_detector(Path("data/practice"), "00")  # doctest: +SKIP
    """
    tiles = tiles_and_masks(choose_strips(root, fabric)[0][::3]).tiles
    tiles = tiles[np.random.default_rng(SEED).permutation(len(tiles))][: 2 * FIT_TILES]
    return PatchCore(**PAPER, seed=SEED).fit(tiles[:FIT_TILES]), tiles


def score_tiles(detector: PatchCore, tiles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distances of the patches of tiles, and the two reweighted scores of each tile.

    Parameters
    ----------
    detector : PatchCore
        Fitted detector.
    tiles : ndarray, shape (N, H, W)
        Tiles, uint8.

    Returns
    -------
    distances : ndarray, shape (N, H', W')
    reweighted : ndarray, shape (N, 2)
        By equation 7, and by its variant.

    Examples
    --------
    >>> distances, reweighted = score_tiles(detector, tiles)  # doctest: +SKIP
    """
    distances, reweighted = [], []
    for patches in detector.features.iter_patches(tiles):
        distances.append(detector.patch_distances(patches))
        flat = patches.reshape(len(patches), -1, patches.shape[-1])
        farthest = distances[-1].reshape(len(patches), -1).argmax(axis=1)
        patch = flat[np.arange(len(flat)), farthest][:, None]  # the reweighted scores depend on this patch only
        both = [score(patch, detector.bank_) for score in (reweighted_score, reweighted_by_patch_score)]
        reweighted.append(np.stack(both, axis=1))
    return np.concatenate(distances), np.concatenate(reweighted)


@cache
def _scores(_profile: str) -> list[ScoredFabric]:
    root = lesson_root()
    fabrics = [_load_fabric(root, fabric) for fabric in choose_fabrics(root)]
    for array in (value for fabric in fabrics for value in fabric if isinstance(value, np.ndarray)):
        array.setflags(write=False)
    return fabrics


@cache
def _by_name(root: Path) -> dict[str, Strip]:
    return {strip.id: strip for strip in list_strips(root)}


@cache
def _normal_strips() -> frozenset[str]:
    return frozenset(name for name, strip in _by_name(lesson_root()).items() if strip.is_normal)


def _load_fabric(root: Path, fabric: str) -> ScoredFabric:
    def make() -> dict[str, np.ndarray]:
        return _score_fabric(root, fabric)

    code = (choose_strips, evenly_spaced, fit_detector, score_tiles, _score_fabric, tiles_and_masks, PatchCore)
    arrays = cached(
        f"scores_{profile()}_{fabric}", make, data=root, code=code, fabric=fabric, sizes=[NORMAL, DEFECTIVE, FIT_TILES]
    )
    distances, fitted, same_strips = arrays["distances"], arrays["fitted"], arrays["same_strips"]
    unit = float(np.median(max_score(distances[arrays["calibration"]])))
    in_units = {"distances": distances / unit, "fitted": fitted / unit, "same_strips": same_strips / unit}
    return ScoredFabric(fabric, *((arrays | in_units)[kind] for kind in KINDS), unit)


def _score_fabric(root: Path, fabric: str) -> dict[str, np.ndarray]:
    """Fit the detector of a fabric and score all tiles of its other strips."""
    normal, defective = choose_strips(root, fabric)
    others = [*normal[1::3], *normal[2::3], *defective]
    detector, training = fit_detector(root, fabric)
    drawn = tiles_and_masks(others)
    distances, reweighted = score_tiles(detector, drawn.tiles)
    known = max_score(score_tiles(detector, training)[0])
    corners = np.concatenate([tile_fabric(strip.read())[1] for strip in others])
    calibration = np.isin(drawn.groups, [strip.id for strip in others[:CALIBRATION_STRIPS]])
    return {
        "distances": distances,
        "reweighted": reweighted,
        "labels": tile_labels(drawn.masks),
        "marked": drawn.masks.sum(axis=(1, 2)),
        "strips": drawn.groups,
        "corners": corners,
        "calibration": calibration,
        "fitted": known[:FIT_TILES],
        "same_strips": known[FIT_TILES:],
    }
