"""The course's own functions for the exercises of notebook 08, on which its cells run if no answer has passed."""

from __future__ import annotations

import numpy as np


def subtract_background(anomaly_map: np.ndarray, quantile: float) -> np.ndarray:
    """Subtract the background of columns, then of rows, from a strip's map (exercise 08.1).

    Parameters
    ----------
    anomaly_map : ndarray, shape (H, W)
        Map without NaN.
    quantile : float
        Quantile that counts as background.

    Returns
    -------
    ndarray, shape (H, W)

    Examples
    --------
    >>> strip = np.full((16, 64), 5.0)
    >>> strip[8, 32] = 7
    >>> above = subtract_background(strip, 0.25)
    >>> float(above[8, 32]), float(above[0, 0])
    (2.0, 0.0)
    """
    from scipy.ndimage import median_filter

    height = len(anomaly_map)
    columns = np.quantile(anomaly_map, quantile, axis=0)
    rest = anomaly_map - median_filter(columns, 2 * height + 1, mode="nearest")
    rows = np.quantile(rest, quantile, axis=1)
    return rest - median_filter(rows, height // 4 | 1, mode="reflect")[:, None]


def normalise_positions(distances: np.ndarray, normal: np.ndarray, quantile: float) -> np.ndarray:
    """Divide distances by the typical distance of normal tiles at each position (exercise 08.2).

    Parameters
    ----------
    distances : ndarray, shape (N, S, S)
        Distances of N tiles.
    normal : ndarray, shape (n, S, S)
        Distances of n normal tiles.
    quantile : float
        Quantile that counts as typical.

    Returns
    -------
    ndarray, shape (N, S, S)

    Examples
    --------
    >>> normal = np.ones((8, 4, 4))
    >>> normal[:, 0] = 3
    >>> normalise_positions(normal[:1], normal, 0.5)[0, :2].tolist()
    [[1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0]]
    """
    rows = np.quantile(normal, quantile, axis=(0, 2))
    columns = np.quantile(normal, quantile, axis=(0, 1))
    return distances / (rows[:, None] * columns / np.quantile(normal, quantile))


def cheapest_threshold(
    labels: np.ndarray, scores: np.ndarray, false_alarm_cost: float, miss_cost: float
) -> tuple[float, float]:
    """Return the threshold with the lowest cost, and this cost (exercise 08.3).

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
    threshold : float
        Highest of the cheapest thresholds, infinity if no alarm at all is cheapest.
    cost : float

    Examples
    --------
    >>> labels, scores = np.array([False, False, True, True]), np.array([0.1, 0.6, 0.4, 0.9])
    >>> cheapest_threshold(labels, scores, 1, 5), cheapest_threshold(labels, scores, 9, 1)
    ((0.4, 1.0), (0.9, 1.0))
    """
    best = (np.inf, float(miss_cost * labels.sum()))  # no alarm at all
    for threshold in np.unique(scores)[::-1]:
        flagged = scores >= threshold
        cost = false_alarm_cost * (flagged & ~labels).sum() + miss_cost * (~flagged & labels).sum()
        if cost < best[1]:
            best = (float(threshold), float(cost))
    return best


def clean_mask(mask: np.ndarray, closing: int, min_area: int) -> np.ndarray:
    """Close a mask, fill its holes and drop its small components (exercise 08.4).

    Parameters
    ----------
    mask : ndarray, shape (H, W)
        Pixels at or above the threshold, bool.
    closing : int
        Side of the square kernel in px, odd.
    min_area : int
        Fewest pixels of a component that is kept.

    Returns
    -------
    ndarray, shape (H, W)
        Bool.

    Examples
    --------
    >>> mask = np.zeros((9, 9), bool)
    >>> mask[2:7, 2:7], mask[4, 4] = True, False
    >>> clean_mask(mask, 1, 9).sum(), clean_mask(mask, 1, 26).sum()
    (np.int64(25), np.int64(0))
    """
    import cv2
    from scipy.ndimage import binary_fill_holes

    closed = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((closing, closing), np.uint8))
    filled = binary_fill_holes(closed).astype(np.uint8)
    _, components, statistics, _ = cv2.connectedComponentsWithStats(filled, connectivity=8)
    kept = statistics[:, cv2.CC_STAT_AREA] >= min_area
    kept[0] = False  # the background
    return kept[components]


def background_of_colleague(anomaly_map: np.ndarray, width: int) -> np.ndarray:
    """Subtract a running *mean* from a map: the flawed function of exercise 08.5.

    Parameters
    ----------
    anomaly_map : ndarray, shape (H, W)
        Map without NaN.
    width : int
        Columns of the window, odd.

    Returns
    -------
    ndarray, shape (H, W)

    Examples
    --------
    >>> background_of_colleague(np.array([[0.0, 3.0, 0.0]]), 3).tolist()
    [[-1.0, 2.0, -1.0]]
    """
    from scipy.ndimage import uniform_filter1d

    columns = np.quantile(anomaly_map, 0.25, axis=0)
    return anomaly_map - uniform_filter1d(columns, width, mode="nearest")


def repaired_background(anomaly_map: np.ndarray, width: int) -> np.ndarray:
    """Subtract a running median from a map: the repaired function of exercise 08.5.

    Parameters
    ----------
    anomaly_map : ndarray, shape (H, W)
        Map without NaN.
    width : int
        Columns of the window, odd.

    Returns
    -------
    ndarray, shape (H, W)

    Examples
    --------
    >>> repaired_background(np.array([[0.0, 3.0, 0.0]]), 3).tolist()
    [[0.0, 3.0, 0.0]]
    """
    from scipy.ndimage import median_filter

    columns = np.quantile(anomaly_map, 0.25, axis=0)
    return anomaly_map - median_filter(columns, width, mode="nearest")
