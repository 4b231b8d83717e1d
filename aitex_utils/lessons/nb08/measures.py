"""Small measurements of notebook 08: profiles of a tile, costs of all thresholds, and a map with a high defect."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aitex_utils.errors import InputError
from aitex_utils.tiling import crop_tiles

from .setup import tile_corners


def tile_profile(maps: Sequence[np.ndarray]) -> np.ndarray:
    """Return the 90 % quantile of the scores at each column of a tile, in medians of all columns.

    Parameters
    ----------
    maps : sequence of ndarray, each of shape (256, W)
        Maps of normal strips.

    Returns
    -------
    ndarray, shape (256,)

    Examples
    --------
    >>> one = np.ones((256, 512))
    >>> one[:, [0, 256]] = 3
    >>> tile_profile([one])[:3].tolist()
    [3.0, 1.0, 1.0]
    """
    if not len(maps):
        raise InputError("There are no maps: give at least one.")
    tiles = np.concatenate([crop_tiles(one, tile_corners(one)) for one in maps])
    columns = np.quantile(tiles, 0.9, axis=(0, 1))
    return columns / np.median(columns)


def cost_curve(
    labels: np.ndarray, scores: np.ndarray, false_alarm_cost: float, miss_cost: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return all distinct scores as thresholds, and the cost of each as a share of the cost of no alarm at all.

    Parameters
    ----------
    labels : ndarray, shape (N,)
        True for defective tiles.
    scores : ndarray, shape (N,)
        Scores of the tiles.
    false_alarm_cost, miss_cost : float
        Cost of each false alarm and of each miss.

    Returns
    -------
    thresholds, costs : ndarray, shape (T,)
        The thresholds rise.

    Examples
    --------
    >>> labels, scores = np.array([False, True]), np.array([0.2, 0.8])
    >>> [values.tolist() for values in cost_curve(labels, scores, 1, 4)]
    [[0.2, 0.8], [0.25, 0.0]]
    """
    thresholds = np.unique(scores)
    flagged = scores >= thresholds[:, None]  # (T, N)
    false_alarms, misses = (flagged & ~labels).sum(axis=1), (~flagged & labels).sum(axis=1)
    return thresholds, (false_alarm_cost * false_alarms + miss_cost * misses) / (miss_cost * labels.sum())


def map_with_high_defect(shape: tuple[int, int] = (64, 400), width: int = 6, seed: int = 0) -> np.ndarray:
    """Return a made-up map with drifting light and a defect as high as the strip.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns.
    width : int
        Columns of the defect.
    seed : int
        Seed of the noise.

    Returns
    -------
    ndarray, shape (H, W)

    Examples
    --------
    >>> one = map_with_high_defect()
    >>> bool(one[:, 197:203].mean() > one[:, :190].mean() + 3)
    True
    """
    rng = np.random.default_rng(seed)
    result = 1 + 0.15 * rng.standard_normal(shape) + np.linspace(0, 1.5, shape[1])
    middle = shape[1] // 2
    result[:, middle - width // 2 : middle + width // 2] += 4
    return result
