"""The residual of a principal component analysis (exercise 09.8)."""

from __future__ import annotations

import numpy as np


def pca_residuals(patches: np.ndarray, normal: np.ndarray, k: int) -> np.ndarray:
    """Return the distance of patches to the subspace of the k directions of largest variance of normal patches.

    Parameters
    ----------
    patches : ndarray, shape (N, C)
        Patches to score.
    normal : ndarray, shape (M, C)
        Normal patches.
    k : int
        Number of directions.

    Returns
    -------
    ndarray, shape (N,)

    Examples
    --------
    >>> normal = np.array([[0.0, 0], [1, 0], [2, 0]])
    >>> pca_residuals(np.array([[9.0, 0], [1, 3]]), normal, 1).round(6).tolist()
    [0.0, 3.0]
    """
    mean = normal.mean(axis=0)
    vectors = np.linalg.eigh(np.cov(normal, rowvar=False))[1][:, ::-1][:, :k]  # (C, k), by decreasing variance
    centred = patches - mean
    return np.linalg.norm(centred - centred @ vectors @ vectors.T, axis=1)
