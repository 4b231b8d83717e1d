"""The strips of notebook 08, and the anomaly maps of each recipe on them, computed once and then cached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from aitex_utils import metrics
from aitex_utils.calibration import subtract_background
from aitex_utils.errors import check_choice
from aitex_utils.lessons.cache import cached
from aitex_utils.lessons.data import lesson_root, profile
from aitex_utils.lessons.tile_sampling import evenly_spaced, rank_fabrics
from aitex_utils.patchcore import PAPER, PatchCore
from aitex_utils.region import crop_to_fabric
from aitex_utils.strips import Strip, list_strips
from aitex_utils.tiling import crop_tiles, tile, tile_labels

from .planting import drift_light, plant_defects, plant_large_defects

TRAINING, CALIBRATION, NORMAL, DEFECTIVE = 3, 2, 3, 6  # strips, the last two for the test
FABRIC = "02"  # if it is there, else the fabric with the most defective strips
FALSE_ALARM_RATE = 0.1  # of the threshold, per clean tile
QUANTILE = 0.25  # of background subtraction, as in PatchCore()
RATIO = 0.02  # of all coresets, to save time. PatchCore() takes 0.05
PLAIN: dict[str, Any] = PAPER | {"coreset_ratio": RATIO, "smoothing": 2.0}

# (arguments of PatchCore, fitted on whole strips). Each recipe of the chain adds one fix to the recipe before it.
RECIPES: dict[str, tuple[dict[str, Any], bool]] = {
    "plain": (PLAIN, False),
    "mirrored borders": (PLAIN | {"padding": "reflect"}, False),
    "normalised positions": (PLAIN | {"padding": "reflect", "normalize_positions": True}, False),
    "whole strips": (PLAIN | {"padding": "reflect", "normalize_positions": True}, True),
    "448 px": ({"background_quantile": None, "coreset_ratio": RATIO, "pooling": 3}, True),
    "two poolings": ({"background_quantile": None, "coreset_ratio": RATIO}, True),
    "zeros, normalised": (PLAIN | {"normalize_positions": True}, False),  # not in the chain
}
CHAIN = tuple(RECIPES)[:-1]


class LessonStrips(NamedTuple):
    """The fabric of strips of one kind of fabric, cropped from the bed.

    Parameters
    ----------
    fabric : str
        Two digits.
    training, calibration, test : list of ndarray, each of shape (H, W)
        Grey values, uint8. Training and calibration strips are normal.
    masks : list of ndarray, each of shape (H, W)
        Ground-truth masks of the test strips, bool.
    names, defects : list of str
        Name and defect of each test strip.
    case : ndarray, shape (H, W)
        The first test strip, which is normal, with planted defects.
    planted : dict of str to ndarray of shape (H, W)
        Mask of each planted defect, by name.
    with_bed : ndarray, shape (H, W')
        The first test strip with its bed.
    large : ndarray, shape (H, W)
        The first test strip with two large planted defects.
    large_masks : dict of str to ndarray of shape (H, W)
        Mask of each large defect, by name.

    Examples
    --------
    >>> grey, mask = np.zeros((4, 8), np.uint8), np.zeros((4, 8), bool)
    >>> LessonStrips("00", [grey], [grey], [grey], [mask], ["0001_000_00"], ["none"], grey, {}, grey, grey, {}).fabric
    '00'
    """

    fabric: str
    training: list[np.ndarray]
    calibration: list[np.ndarray]
    test: list[np.ndarray]
    masks: list[np.ndarray]
    names: list[str]
    defects: list[str]
    case: np.ndarray
    planted: dict[str, np.ndarray]
    with_bed: np.ndarray
    large: np.ndarray
    large_masks: dict[str, np.ndarray]

    @property
    def case_mask(self) -> np.ndarray:
        """The union of the masks of all planted defects."""
        return np.any(list(self.planted.values()), axis=0)

    @property
    def places(self) -> dict[str, tuple[int, int]]:
        """Row and column of the middle of each planted defect, by name."""
        middles = {name: np.argwhere(mask).mean(axis=0) for name, mask in self.planted.items()}
        return {name: (int(row), int(column)) for name, (row, column) in middles.items()}


class StripMaps(NamedTuple):
    """Anomaly maps of one recipe in units of its threshold, so 1 is the threshold.

    Parameters
    ----------
    recipe : str
        Name of the recipe.
    calibration, test : list of ndarray, each of shape (H, W)
        Maps of the calibration and the test strips.
    case : ndarray, shape (H, W)
        Map of the strip with planted defects.
    drift_test : list of ndarray, each of shape (H, W)
        Maps of the test strips under drifting light, of the recipe "plain" only.
    drift_case, with_bed : ndarray or None
        Maps of the case strip under drifting light and of the first test strip with its bed, of "plain" only.
    large : ndarray or None
        Map of the strip with large defects, of the recipe "two poolings" only.

    Examples
    --------
    >>> StripMaps("plain", [], [], np.zeros((4, 8)), [], None, None, None).recipe
    'plain'
    """

    recipe: str
    calibration: list[np.ndarray]
    test: list[np.ndarray]
    case: np.ndarray
    drift_test: list[np.ndarray]
    drift_case: np.ndarray | None
    with_bed: np.ndarray | None
    large: np.ndarray | None


class TileTable(NamedTuple):
    """All tiles of the test strips in one table.

    Parameters
    ----------
    labels : ndarray, shape (N,)
        True for defective tiles.
    scores : ndarray, shape (N,)
        Maximum of each tile's map.
    strips : ndarray, shape (N,)
        Position of each tile's strip in the list of test strips.
    corners : ndarray, shape (N, 2)
        Row and column of each tile's upper left pixel in its strip.

    Examples
    --------
    >>> TileTable(np.array([False]), np.array([0.4]), np.array([0]), np.array([[0, 0]])).scores.tolist()
    [0.4]
    """

    labels: np.ndarray
    scores: np.ndarray
    strips: np.ndarray
    corners: np.ndarray


def load_strips() -> LessonStrips:
    """Return the strips of this profile: of fabric 02, or of the fabric with the most defective strips.

    Returns
    -------
    LessonStrips
        The arrays cannot be written to.

    Examples
    --------
    >>> load_strips().fabric  # doctest: +SKIP
    '00'
    """
    return _strips(profile())


def load_maps(recipe: str, background: float | None = QUANTILE) -> StripMaps:
    """Return the maps of a recipe in units of its threshold. The first call fits a detector and caches its maps.

    Parameters
    ----------
    recipe : str
        One of `RECIPES`.
    background : float or None
        Quantile of the background that is subtracted from each map; None subtracts nothing.

    Returns
    -------
    StripMaps

    Raises
    ------
    InputError
        If there is no such recipe.

    Notes
    -----
    The threshold is the conformal threshold of the calibration strips' tiles, for 1 false alarm in 10 clean tiles.

    Examples
    --------
    >>> load_maps("plain").case.shape  # doctest: +SKIP
    (256, 3020)
    """
    check_choice("recipe", recipe, tuple(RECIPES))
    strips, name = load_strips(), f"08_{profile()}_{recipe.replace(', ', '_').replace(' ', '_')}"
    arguments, on_strips = RECIPES[recipe]
    ingredients = {"arguments": arguments, "on_strips": on_strips, "planted": [strips.case, strips.large]}
    code = (_strips, predict_maps, drift_light, PatchCore)
    raw = cached(name, lambda: predict_maps(strips, recipe), data=lesson_root(), code=code, **ingredients)
    return scale_maps(recipe, raw, background)


def scale_maps(recipe: str, raw: Mapping[str, np.ndarray], background: float | None) -> StripMaps:
    """Subtract the background of each map, and divide all maps by the threshold of the calibration maps.

    Parameters
    ----------
    recipe : str
        Name of the recipe.
    raw : mapping of str to ndarray of shape (H, W)
        Output of `predict_maps`.
    background : float or None
        As in `load_maps`. The map with the bed stays as it is.

    Returns
    -------
    StripMaps

    Examples
    --------
    >>> maps = {f"calibration{i}": np.full((256, 1280), 2.0) for i in range(2)} | {"case": np.full((256, 256), 4.0)}
    >>> round(float(scale_maps("plain", maps, None).case[0, 0]), 3)
    2.0
    """
    maps = {}
    for name, one in raw.items():
        values = np.asarray(one, dtype=np.float32)
        maps[name] = values if background is None or name == "with_bed" else subtract_background(values, background)
    numbered = {part: [maps[name] for name in maps if name.startswith(part)] for part in PARTS}
    tile_maxima = np.concatenate([tile_scores(one) for one in numbered["calibration"]])
    threshold = metrics.conformal_threshold(tile_maxima, FALSE_ALARM_RATE)
    scaled = {part: [one / threshold for one in found] for part, found in numbered.items()}
    case, *others = (maps[name] / threshold if name in maps else None for name in SINGLE)
    return StripMaps(recipe, scaled["calibration"], scaled["test"], case, scaled["drift_test"], *others)


PARTS = ("calibration", "test", "drift_test")
SINGLE = ("case", "drift_case", "with_bed", "large")


def predict_maps(strips: LessonStrips, recipe: str) -> dict[str, np.ndarray]:
    """Fit the detector of a recipe, and return the map of each strip in the detector's own units.

    Parameters
    ----------
    strips : LessonStrips
        The strips.
    recipe : str
        One of `RECIPES`.

    Returns
    -------
    dict of str to ndarray of shape (H, W)
        float16, because the maps of all recipes are cached.

    Examples
    --------
    >>> predict_maps(load_strips(), "plain")  # doctest: +SKIP
    """
    arguments, on_strips = RECIPES[recipe]
    detector = PatchCore(**arguments, seed=0)
    if on_strips:
        detector.fit_strips(strips.training)
    else:
        detector.fit(np.concatenate([tile(fabric)[0] for fabric in strips.training]))
    images = {f"calibration{i}": fabric for i, fabric in enumerate(strips.calibration)}
    images |= {f"test{i}": fabric for i, fabric in enumerate(strips.test)} | {"case": strips.case}
    if recipe == "plain":
        images |= {f"drift_test{i}": drift_light(fabric) for i, fabric in enumerate(strips.test)}
        images |= {"drift_case": drift_light(strips.case), "with_bed": strips.with_bed}
    if recipe == CHAIN[-1]:
        images["large"] = strips.large
    return {
        name: detector.predict_strip(image, region=(0, image.shape[1])).map.astype(np.float16)
        for name, image in images.items()
    }


def tile_scores(strip_map: np.ndarray) -> np.ndarray:
    """Return the maximum of each tile of a strip's map.

    Parameters
    ----------
    strip_map : ndarray, shape (H, W)
        Anomaly map of the fabric.

    Returns
    -------
    ndarray, shape (N,)

    Examples
    --------
    >>> tile_scores(np.repeat([[1.0, 2.0]], 256, axis=0).repeat(256, axis=1)).tolist()
    [1.0, 2.0]
    """
    return crop_tiles(strip_map, tile_corners(strip_map)).max(axis=(1, 2))


def tile_corners(image: np.ndarray) -> np.ndarray:
    """Return the corners of the tiles of a strip's fabric.

    Parameters
    ----------
    image : ndarray, shape (256, W)
        Fabric, map or mask.

    Returns
    -------
    ndarray, shape (N, 2)
        Row and column of each tile's upper left pixel.

    Examples
    --------
    >>> tile_corners(np.zeros((256, 600))).tolist()
    [[0, 0], [0, 256], [0, 344]]
    """
    return tile(np.zeros(image.shape, np.uint8))[1]


def tabulate_tiles(maps: Sequence[np.ndarray], strips: LessonStrips) -> TileTable:
    """Return labels, scores and strips of all tiles of the test strips.

    Parameters
    ----------
    maps : sequence of ndarray, each of shape (H, W)
        Maps of the test strips.
    strips : LessonStrips
        The strips.

    Returns
    -------
    TileTable

    Examples
    --------
    >>> grey, mask = np.zeros((256, 512)), np.arange(512) < np.full((256, 1), 9)
    >>> strips = LessonStrips("00", [], [], [grey], [mask], ["a"], ["knots"], grey, {}, grey, grey, {})
    >>> tabulate_tiles([grey + 3], strips).labels.tolist()
    [True, False]
    """
    scores = [tile_scores(one) for one in maps]
    corners = [tile_corners(mask) for mask in strips.masks]
    labels = [tile_labels(crop_tiles(mask, one)) for mask, one in zip(strips.masks, corners, strict=True)]
    numbers = np.repeat(np.arange(len(maps)), [len(of_strip) for of_strip in scores])
    return TileTable(np.concatenate(labels), np.concatenate(scores), numbers, np.concatenate(corners))


@lru_cache(maxsize=1)
def _strips(of_profile: str) -> LessonStrips:
    fabrics = rank_fabrics(lesson_root(), 99)[2]
    fabric = FABRIC if FABRIC in fabrics else fabrics[0]
    strips = list_strips(lesson_root(), fabric)
    normal = _evenly([strip for strip in strips if strip.is_normal], TRAINING + CALIBRATION + NORMAL)
    defective = [strip for strip in strips if not strip.is_normal and strip.read_known_mask() is not None]
    groups = normal[::3][:TRAINING], normal[1::3][:CALIBRATION]
    used = {strip.id for group in groups for strip in group}
    test = [strip for strip in normal if strip.id not in used] + _evenly(defective, DEFECTIVE)
    (training, _), (calibration, _), (tested, masks) = map(_read, (*groups, test))
    case, planted = plant_defects(tested[0], tile_corners(tested[0]))
    large, large_masks = plant_large_defects(tested[0], tile_corners(tested[0]))
    planted_arrays = (case, large, *planted.values(), *large_masks.values())
    for array in (*training, *calibration, *tested, *masks, *planted_arrays):
        array.setflags(write=False)
    names, defects = [strip.id for strip in test], [strip.defect for strip in test]
    bed = test[0].read()
    return LessonStrips(
        fabric, training, calibration, tested, masks, names, defects, case, planted, bed, large, large_masks
    )


def _evenly(strips: Sequence[Strip], most: int) -> list[Strip]:
    """Return at most so many strips, evenly spaced."""
    return [strips[i] for i in evenly_spaced(len(strips), most)]


def _read(strips: Sequence[Strip]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return the fabric of strips, and the same crops of their masks."""
    fabrics, masks = [], []
    for strip in strips:
        fabric, start = crop_to_fabric(strip.read())
        fabrics.append(fabric.copy())
        masks.append(strip.read_mask()[:, start : start + fabric.shape[1]].copy())
    return fabrics, masks
