"""The course's own functions for the exercises of notebook 02: one formula of PatchCore each."""

from __future__ import annotations

import numpy as np


def reconstruction_errors(points: np.ndarray, mean: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Return the distance between each point and its reconstruction by a linear autoencoder.

    Parameters
    ----------
    points : ndarray, shape (N, C)
        Points to reconstruct.
    mean : ndarray, shape (C,)
        Mean of the training points.
    directions : ndarray, shape (K, C)
        Orthonormal directions of the code.

    Returns
    -------
    ndarray, shape (N,)

    Examples
    --------
    >>> reconstruction_errors(np.array([[3.0, 4.0]]), np.zeros(2), np.array([[1.0, 0.0]]))
    array([4.])
    """
    codes = (points - mean) @ directions.T  # (N, K)
    return np.linalg.norm(points - (codes @ directions + mean), axis=1)


def unfold(feature_map: np.ndarray) -> np.ndarray:
    """Return the patches of a feature map, row by row.

    Parameters
    ----------
    feature_map : ndarray, shape (C, H', W')
        Feature map, channels first.

    Returns
    -------
    ndarray, shape (H' * W', C)

    Examples
    --------
    >>> unfold(np.arange(12).reshape(2, 2, 3))[:2].tolist()
    [[0, 6], [1, 7]]
    """
    return feature_map.reshape(len(feature_map), -1).T


def nearest(patches: np.ndarray, bank: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distance between each patch and its nearest vector of the bank, and the index of that vector.

    Parameters
    ----------
    patches : ndarray, shape (n, C)
        Patches to test.
    bank : ndarray, shape (M, C)
        Memory bank.

    Returns
    -------
    distances : ndarray, shape (n,)
    indices : ndarray, shape (n,)

    Examples
    --------
    >>> nearest(np.array([[0.0, 1.0]]), np.array([[9.0, 9.0], [0.0, 0.0]]))
    (array([1.]), array([1]))
    """
    table = np.linalg.norm(patches[:, None] - bank[None], axis=2)  # (n, M)
    return table.min(axis=1), table.argmin(axis=1)


def image_scores(distances: np.ndarray, share: float) -> tuple[float, float, float]:
    """Return three image scores: the maximum, the mean and the mean of the largest share of distances.

    Parameters
    ----------
    distances : ndarray, shape (H', W')
        Distances of a tile's patches.
    share : float
        Share of the distances in the third score, 0 to 1; at least one distance counts.

    Returns
    -------
    maximum, mean, top : float

    Examples
    --------
    >>> image_scores(np.array([[1.0, 9.0], [8.0, 2.0]]), 0.5)
    (9.0, 5.0, 8.5)
    """
    count = max(1, round(share * distances.size))
    largest = np.sort(distances, axis=None)[-count:]
    return float(distances.max()), float(distances.mean()), float(largest.mean())


def reweighted(patch: np.ndarray, bank: np.ndarray, b: int) -> float:
    """Return the reweighted score of a patch, equation 7 of the paper, without overflow.

    Parameters
    ----------
    patch : ndarray, shape (C,)
        Patch to score.
    bank : ndarray, shape (M, C)
        Memory bank.
    b : int
        Number of vectors nearest to m*, m* included.

    Returns
    -------
    float

    Examples
    --------
    >>> bank = np.array([[0.0], [1.0], [9.0], [12.0]])
    >>> round(reweighted(np.array([5.5]), bank, 2), 2)
    3.33
    """
    to_patch = np.linalg.norm(bank - patch, axis=1)  # (M,)
    m_star = to_patch.argmin()
    neighbours = np.linalg.norm(bank - bank[m_star], axis=1).argsort()[:b]  # m* among them
    largest = to_patch[neighbours].max()
    weights = np.exp(to_patch[neighbours] - largest)
    return float((1 - np.exp(to_patch[m_star] - largest) / weights.sum()) * to_patch[m_star])
