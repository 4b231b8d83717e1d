"""Errors near the edges of tiles: the mean by distance to the edge, and where the largest value of a map lies."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from aitex_utils.lessons.wording import percent

FRAME = 8  # px


def edge_distances(side: int) -> np.ndarray:
    """Return the distance of each pixel of a tile to the nearest edge.

    Parameters
    ----------
    side : int
        Side of the tile in px.

    Returns
    -------
    ndarray, shape (side, side)
        Whole numbers, 0 for the outermost pixels.

    Examples
    --------
    >>> edge_distances(4).tolist()
    [[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]
    """
    line = np.minimum(np.arange(side), np.arange(side)[::-1])
    return np.minimum(line[:, None], line)


def error_by_distance(errors: np.ndarray, width: int) -> np.ndarray:
    """Return the mean error at each distance to the edge of a tile (exercise 09.6).

    Parameters
    ----------
    errors : ndarray, shape (N, S, S)
        Error maps.
    width : int
        Number of distances, from 0.

    Returns
    -------
    ndarray, shape (width,)
        Mean over all tiles and all pixels at this distance.

    Examples
    --------
    >>> error_by_distance(np.array([[[8, 8, 8], [8, 1, 8], [8, 8, 8]]]), 2).tolist()
    [8.0, 1.0]
    """
    distances = edge_distances(errors.shape[-1])
    return np.array([errors[:, distances == distance].mean() for distance in range(width)])


def peak_edge_distances(maps: np.ndarray) -> np.ndarray:
    """Return how far the largest value of each map lies from the nearest edge.

    Parameters
    ----------
    maps : ndarray, shape (N, S, S)
        Anomaly maps of tiles.

    Returns
    -------
    ndarray, shape (N,)
        Distances in px, 0 for the outermost pixels.

    Examples
    --------
    >>> maps = np.zeros((2, 5, 5))
    >>> maps[0, 2, 2] = maps[1, 4, 1] = 1
    >>> peak_edge_distances(maps).tolist()
    [2, 0]
    """
    return edge_distances(maps.shape[-1]).ravel()[maps.reshape(len(maps), -1).argmax(axis=1)]


def peaks_in_frame(maps: np.ndarray, width: int = FRAME) -> float:
    """Return the share of maps whose largest value lies less than `width` px from an edge.

    Parameters
    ----------
    maps : ndarray, shape (N, S, S)
        Anomaly maps of tiles.
    width : int
        Width of the frame in px.

    Returns
    -------
    float

    Examples
    --------
    >>> maps = np.zeros((2, 5, 5))
    >>> maps[0, 2, 2] = maps[1, 4, 1] = 1
    >>> peaks_in_frame(maps, 2)
    0.5
    """
    return float((peak_edge_distances(maps) < width).mean())


def share_of_frame(side: int, width: int = FRAME) -> float:
    """Return the share of a tile's pixels that lie in its frame.

    Parameters
    ----------
    side : int
        Side of the tile in px.
    width : int
        Width of the frame in px.

    Returns
    -------
    float

    Examples
    --------
    >>> round(share_of_frame(256), 3)
    0.121
    """
    return float((edge_distances(side) < width).mean())


def describe_peaks(shares: Mapping[str, float], expected: float) -> str:
    """Say how often the largest value of a clean tile lies in its frame, beside the share of the frame's pixels.

    Parameters
    ----------
    shares : mapping of str to float
        Share of clean tiles by detector.
    expected : float
        Share of the pixels.

    Returns
    -------
    str

    Examples
    --------
    >>> print(describe_peaks({"A": 1.0, "B": 0.1}, 0.12))
    The frame has 12 % of a tile's pixels. It contains the highest value of the map in these shares of the clean tiles:
    A 100 %, far more than by chance
    B 10 %
    """
    lines = [f"The frame has {percent(expected)} of a tile's pixels. It contains the highest value of the map in"]
    lines[0] += " these shares of the clean tiles:"
    for name, share in shares.items():
        far = ", far more than by chance" if share > 3 * expected else ""
        lines.append(f"{name} {percent(share)}{far}")
    return "\n".join(lines)
