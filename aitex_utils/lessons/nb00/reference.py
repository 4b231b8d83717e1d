"""The course's own solutions of notebook 00."""

from __future__ import annotations

import numpy as np


def count_patches(tiles: np.ndarray, stride: int = 8) -> int:
    """Return the number of patches of all tiles.

    Parameters
    ----------
    tiles : ndarray, shape (N, H, W)
        Tiles whose sides are multiples of the stride.
    stride : int
        Distance in px between neighbouring patches.

    Returns
    -------
    int

    Examples
    --------
    >>> count_patches(np.zeros((1, 448, 448), np.uint8))
    3136
    """
    n, height, width = tiles.shape
    return n * (height // stride) * (width // stride)


def patch_score(patch: np.ndarray, bank: np.ndarray) -> float:
    """Return the Euclidean distance between a patch and the nearest patch of a memory bank.

    Parameters
    ----------
    patch : ndarray, shape (C,)
        Patch to score.
    bank : ndarray, shape (N, C)
        Memory bank.

    Returns
    -------
    float

    Examples
    --------
    >>> float(patch_score(np.array([0.0, 0.0]), np.array([[3.0, 4.0], [6.0, 8.0]])))
    5.0
    """
    return np.sqrt(((bank - patch) ** 2).sum(axis=1)).min()
