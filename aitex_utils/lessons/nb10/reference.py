"""The course's solutions of the exercises of notebook 10."""

from __future__ import annotations

import numpy as np


def patch_origin(index: int, grid: tuple[int, int], tile_shape: tuple[int, int]) -> tuple[int, int, int]:
    """Return the tile of a training patch, and the upper left pixel of its square.

    Parameters
    ----------
    index : int
        Position of the patch among all training patches, tile by tile and row by row.
    grid : tuple of int
        Rows and columns of the patches of a tile.
    tile_shape : tuple of int
        Height and width of a tile in px, multiples of the grid.

    Returns
    -------
    tile, top, left : int
        Number of the tile, and row and column of the pixel.

    Examples
    --------
    >>> patch_origin(7, (2, 3), (16, 24))
    (1, 0, 8)
    """
    rows, columns = grid
    tile, position = divmod(index, rows * columns)
    row, column = divmod(position, columns)
    return tile, row * (tile_shape[0] // rows), column * (tile_shape[1] // columns)


def search_quality(exact: np.ndarray, approximate: np.ndarray) -> tuple[float, float]:
    """Return the recall@1 over all patches, and the share of tiles whose score an approximate search leaves unchanged.

    Parameters
    ----------
    exact, approximate : ndarray, shape (N, H', W')
        Distances of the patches of N tiles to the nearest vector that each search finds.

    Returns
    -------
    recall, unchanged : float

    Examples
    --------
    >>> search_quality(np.array([[[1.0, 2.0]], [[3.0, 1.0]]]), np.array([[[1.5, 2.0]], [[3.5, 1.0]]]))
    (0.5, 0.5)
    """
    limit = 1 + 1e-6
    maxima = [distances.max(axis=(1, 2)) for distances in (exact, approximate)]
    return float((approximate <= exact * limit).mean()), float((maxima[1] <= maxima[0] * limit).mean())


def pareto_front(times: np.ndarray, aurocs: np.ndarray) -> np.ndarray:
    """Return the positions of the runs that no other run dominates.

    Parameters
    ----------
    times : ndarray, shape (n,)
        Time per tile.
    aurocs : ndarray, shape (n,)
        AUROC.

    Returns
    -------
    ndarray
        Positions in ascending order.

    Examples
    --------
    >>> pareto_front(np.array([10, 20, 30]), np.array([0.8, 0.7, 0.9])).tolist()
    [0, 2]
    """
    no_worse = (times <= times[:, None]) & (aurocs >= aurocs[:, None])  # [i, j]: run j is no worse than run i
    better = (times < times[:, None]) | (aurocs > aurocs[:, None])
    return np.flatnonzero(~(no_worse & better).any(axis=1))


def optimism(shown: np.ndarray, hidden: np.ndarray) -> float:
    """Return by how much the AUROC of the chosen detector on the shown strips exceeds its AUROC on the hidden strips.

    Parameters
    ----------
    shown, hidden : ndarray, shape (draws, k)
        AUROC of k detectors in each draw, on the shown and on the hidden strips.

    Returns
    -------
    float
        Mean over the draws. In each draw, the detector with the highest shown AUROC is chosen.

    Examples
    --------
    >>> optimism(np.array([[0.9, 0.8], [0.7, 0.8]]), np.array([[0.8, 0.9], [0.9, 0.7]]))
    0.1
    """
    chosen = shown.argmax(axis=1)
    draws = np.arange(len(shown))
    return float(round((shown[draws, chosen] - hidden[draws, chosen]).mean(), 12))


def simulate_contests(k: int, error: float, *, truth: float = 0.85, draws: int = 2000, seed: int = 0) -> np.ndarray:
    """Return the measured AUROCs of k detectors that are all equally good.

    Parameters
    ----------
    k : int
        Number of detectors.
    error : float
        Standard deviation of a measured AUROC around the true AUROC.
    truth : float
        True AUROC of all detectors.
    draws : int
        Number of contests.
    seed : int
        Seed of the random errors.

    Returns
    -------
    ndarray, shape (2, draws, k)
        On the shown and on the hidden strips. Values above 1 are cut.

    Examples
    --------
    >>> simulate_contests(3, 0.04).shape
    (2, 2000, 3)
    """
    errors = np.random.default_rng(seed).normal(0, error, (2, draws, k))
    return np.minimum(truth + errors, 1.0)
