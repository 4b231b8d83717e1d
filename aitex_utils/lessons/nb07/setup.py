"""Measurements of notebook 07 beyond the scored tiles: maps of the test strips, and scores in another light."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from aitex_utils.lessons.cache import cached
from aitex_utils.lessons.data import lesson_root, profile
from aitex_utils.lessons.scored_tiles import choose_strips, fit_detector, load_scores, score_tiles, strip_with_map
from aitex_utils.lessons.tile_sampling import evenly_spaced, tiles_and_masks
from aitex_utils.patchcore import PatchCore
from aitex_utils.scoring import max_score

FACTORS = (0.6, 0.8, 1.0, 1.25, 1.6)  # of the grey values: fabrics differ about as much
LIGHT_TILES = 8  # per normal strip


class LightScores(NamedTuple):
    """Scores of normal tiles of a fabric in several lights.

    Parameters
    ----------
    fabric : str
        Number of the fabric.
    scores : dict of float to ndarray, each of shape (N,)
        By the factor that multiplies the grey values.
    strips : ndarray, shape (N,)
        Name of each tile's strip.
    grey : float
        Mean grey of the tiles with the factor 1.

    Examples
    --------
    >>> LightScores("00", {1.0: np.ones(2)}, np.array(["a", "b"]), 80.0).fabric
    '00'
    """

    fabric: str
    scores: dict[float, np.ndarray]
    strips: np.ndarray
    grey: float


def load_maps(step: int = 2) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return the maps and masks of all test strips, in units of their fabric.

    Parameters
    ----------
    step : int
        Every n-th pixel in both directions.

    Returns
    -------
    maps : list of ndarray, each of shape (H / step, W / step)
        NaN outside the fabric.
    masks : list of ndarray
        bool, of the same shapes.

    Examples
    --------
    >>> maps, masks = load_maps()  # doctest: +SKIP
    """
    return _maps(profile(), step)


@lru_cache(maxsize=1)
def _maps(_profile: str, step: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    maps, masks = [], []
    for fabric in load_scores():
        for name in np.unique(fabric.strips[~fabric.calibration]):
            _, anomaly_map, mask = strip_with_map(fabric, name)
            maps.append(anomaly_map[::step, ::step])
            masks.append(mask[::step, ::step])
            maps[-1].setflags(write=False)
            masks[-1].setflags(write=False)
    return maps, masks


def pool_pixels(maps: list[np.ndarray], masks: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the labels and scores of all pixels on fabric.

    Parameters
    ----------
    maps, masks : list of ndarray
        Output of `load_maps`.

    Returns
    -------
    labels, scores : ndarray, shape (N,)

    Examples
    --------
    >>> labels, scores = pool_pixels([np.array([[np.nan, 2.0]])], [np.array([[True, True]])])
    >>> labels.tolist(), scores.tolist()
    ([True], [2.0])
    """
    on_fabric = [~np.isnan(anomaly_map) for anomaly_map in maps]
    labels = np.concatenate([mask[on] for mask, on in zip(masks, on_fabric, strict=True)])
    return labels, np.concatenate([anomaly_map[on] for anomaly_map, on in zip(maps, on_fabric, strict=True)])


def split_regions(maps: list[np.ndarray], masks: list[np.ndarray]) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the scores of each region's pixels, and of all normal pixels.

    Parameters
    ----------
    maps, masks : list of ndarray
        Output of `load_maps`.

    Returns
    -------
    regions : list of ndarray
        One array per region. Pixels that touch at a corner belong to one region.
    normal : ndarray, shape (M,)

    Examples
    --------
    >>> regions, normal = split_regions([np.array([[8.0, 5, 3], [1, 2, 1]])], [np.array([[1, 0, 0], [0, 1, 0]], bool)])
    >>> [region.tolist() for region in regions], normal.tolist()
    ([[8.0, 2.0]], [5.0, 3.0, 1.0, 1.0])
    """
    regions, normal = [], []
    for anomaly_map, mask in zip(maps, masks, strict=True):
        numbers, count = ndimage.label(mask, structure=np.ones((3, 3)))
        on_fabric = ~np.isnan(anomaly_map)
        regions += [anomaly_map[(numbers == number) & on_fabric] for number in range(1, count + 1)]
        normal.append(anomaly_map[on_fabric & ~mask])
    return [region for region in regions if len(region)], np.concatenate(normal)


def load_light() -> list[LightScores]:
    """Return scores of normal tiles of new strips in five lights, from the cache if they are there.

    Returns
    -------
    list of LightScores
        One per fabric.

    Examples
    --------
    >>> sorted(load_light()[0].scores)  # doctest: +SKIP
    [0.6, 0.8, 1.0, 1.25, 1.6]
    """
    root, found = lesson_root(), []
    for fabric in load_scores():

        def make(fabric: str = fabric.fabric) -> dict[str, np.ndarray]:
            normal = choose_strips(root, fabric)[0]
            detector = fit_detector(root, fabric)[0]
            drawn = tiles_and_masks([*normal[1::3], *normal[2::3]])
            rows = np.concatenate([_spread(drawn.groups == name) for name in np.unique(drawn.groups)])
            arrays = {"strips": drawn.groups[rows], "grey": np.array(drawn.tiles[rows].mean())}
            for factor in FACTORS:
                tiles = change_light(drawn.tiles[rows], factor)
                arrays[f"{factor}"] = max_score(score_tiles(detector, tiles)[0])
            return arrays

        code = (choose_strips, evenly_spaced, fit_detector, score_tiles, change_light, PatchCore)
        sizes = {"factors": FACTORS, "tiles": LIGHT_TILES, "fabric": fabric.fabric}
        arrays = cached(f"07_{profile()}_light_{fabric.fabric}", make, data=root, code=code, **sizes)
        scores = {factor: arrays[f"{factor}"] / fabric.unit for factor in FACTORS}
        found.append(LightScores(fabric.fabric, scores, arrays["strips"], float(arrays["grey"])))
    return found


def change_light(tiles: np.ndarray, factor: float) -> np.ndarray:
    """Return tiles as a brighter or darker lamp would show them.

    Parameters
    ----------
    tiles : ndarray, shape (N, H, W)
        uint8.
    factor : float
        Multiplies the grey values. Values above 255 are cut off, as in a camera.

    Returns
    -------
    ndarray, shape (N, H, W)
        uint8.

    Examples
    --------
    >>> change_light(np.array([[[100, 240]]], np.uint8), 1.25).tolist()
    [[[125, 255]]]
    """
    return np.clip(np.round(tiles * np.float32(factor)), 0, 255).astype(np.uint8)


def _spread(is_own: np.ndarray) -> np.ndarray:
    """Return up to `LIGHT_TILES` evenly spaced positions of True."""
    rows = np.flatnonzero(is_own)
    return rows[evenly_spaced(len(rows), LIGHT_TILES)]
