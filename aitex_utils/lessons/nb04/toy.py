"""The toy of notebook 04: patches of two channels, few enough to see what a coreset covers."""

from __future__ import annotations

import numpy as np

CLUSTERS = (  # centre, standard deviation, number of patches
    ((-2.2, -0.8), 0.45, 430),
    ((1.9, 0.9), 0.55, 220),
    ((2.6, -1.7), 0.12, 8),
)
BRIDGE = 42  # patches between the first two clusters


def toy_patches(seed: int = 1) -> np.ndarray:
    """Draw patches of two channels: two dense clusters, a thin bridge between them, and a rare cluster of eight.

    Parameters
    ----------
    seed : int
        Seed of the draw.

    Returns
    -------
    ndarray, shape (700, 2)
        float32, in random order.

    Examples
    --------
    >>> toy_patches().shape
    (700, 2)
    """
    rng = np.random.default_rng(seed)
    clusters = [rng.normal(centre, deviation, (count, 2)) for centre, deviation, count in CLUSTERS]
    along = rng.uniform(0, 1, (BRIDGE, 1))
    bridge = np.array([-2.2, -0.8]) + along * [3.6, 2.6] + rng.normal(0, 0.12, (BRIDGE, 2))
    return rng.permutation(np.concatenate([*clusters, bridge])).astype(np.float32)


def nearest_distances(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Return the distance of each point to its nearest centre.

    Parameters
    ----------
    points : ndarray, shape (N, C)
        Patches.
    centres : ndarray, shape (k, C)
        Chosen patches, or any other centres.

    Returns
    -------
    ndarray, shape (N,)
        The largest value is the covering radius.

    Examples
    --------
    >>> nearest_distances(np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([[0.0, 0.0]])).tolist()
    [0.0, 5.0]
    """
    return np.linalg.norm(points[:, None] - centres, axis=2).min(axis=1)
