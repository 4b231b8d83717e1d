"""Decisions of notebook 04: a sampler from a figure, and a coreset sampling ratio from costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from aitex_utils.coreset import k_center_greedy, k_means, random_subset

from .toy import nearest_distances


class MillCosts(NamedTuple):
    """Measurements of an invented mill for several coreset sampling ratios.

    Parameters
    ----------
    ratios : ndarray, shape (R,)
        Coreset sampling ratios.
    mib : ndarray, shape (R,)
        Memory of the bank.
    ms : ndarray, shape (R,)
        Time per tile.
    misses : ndarray, shape (R,)
        Defective tiles missed, of 1,000.

    Examples
    --------
    >>> MillCosts(*np.ones((4, 2))).ratios.tolist()
    [1.0, 1.0]
    """

    ratios: np.ndarray
    mib: np.ndarray
    ms: np.ndarray
    misses: np.ndarray


MILL = MillCosts(
    np.array([1.0, 0.25, 0.1, 0.01]), np.array([1340, 335, 134, 13]), np.array([210, 53, 21, 2]),
    np.array([31, 30, 31, 46]),
)  # fmt: skip


def daily_cost(
    ms: np.ndarray, misses: np.ndarray, *, tiles: int, defective: int, euro_per_hour: float, euro_per_miss: float
) -> np.ndarray:
    """Return the cost of each ratio per day: computing, and missed defects.

    Parameters
    ----------
    ms : ndarray, shape (R,)
        Time per tile.
    misses : ndarray, shape (R,)
        Defective tiles missed, of 1,000.
    tiles, defective : int
        Tiles per day, and defective tiles among them.
    euro_per_hour, euro_per_miss : float
        Prices.

    Returns
    -------
    ndarray, shape (R,)

    Examples
    --------
    >>> costs = {"tiles": 3600, "defective": 100, "euro_per_hour": 2, "euro_per_miss": 10}
    >>> daily_cost(np.array([1000.0]), np.array([30]), **costs).tolist()
    [32.0]
    """
    hours = tiles * np.asarray(ms) / 1000 / 3600
    return hours * euro_per_hour + defective * np.asarray(misses) / 1000 * euro_per_miss


def best_ratio(
    ratios: np.ndarray, mib: np.ndarray, ms: np.ndarray, cost: np.ndarray, max_mib: float, max_ms: float
) -> float:
    """Return the cheapest ratio within two limits, or 0.0 if none is (exercise 04.6).

    Parameters
    ----------
    ratios, mib, ms, cost : ndarray, shape (R,)
        Coreset sampling ratios, with memory, time per tile and cost of each.
    max_mib, max_ms : float
        Limits; a ratio exactly at a limit is allowed.

    Returns
    -------
    float

    Examples
    --------
    >>> columns = np.array([[1.0, 0.1, 0.01], [800, 80, 8], [100, 10, 1], [20, 30, 90]])
    >>> best_ratio(*columns, 80, 20), best_ratio(*columns, 1, 20)
    (0.1, 0.0)
    """
    fits = (mib <= max_mib) & (ms <= max_ms)
    return float(ratios[np.where(fits, cost, np.inf).argmin()]) if fits.any() else 0.0


def toy_distances(points: np.ndarray, sizes: Sequence[int], draws: int = 20) -> dict[str, np.ndarray]:
    """Return the worst and the mean distance of patches to their nearest centre, by sampler and size.

    Parameters
    ----------
    points : ndarray, shape (N, 2)
        Patches of two channels.
    sizes : sequence of int
        Coreset sizes.
    draws : int
        Draws of the random sampler, whose medians are returned.

    Returns
    -------
    dict of str to ndarray of shape (2, sizes)
        The largest distance, then the mean distance.

    Examples
    --------
    >>> points = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
    >>> toy_distances(points, [4, 8])["greedy"].shape
    (2, 2)
    """

    def measure(centres: np.ndarray) -> tuple[float, float]:
        distances = nearest_distances(points, centres)
        return distances.max(), distances.mean()

    order, _ = k_center_greedy(points, max(sizes), seed=0)
    by_draw = [[measure(points[random_subset(points, m, seed=seed)]) for m in sizes] for seed in range(draws)]
    return {
        "greedy": np.array([measure(points[order[:m]]) for m in sizes]).T,
        "random": np.median(by_draw, axis=0).T,
        "k-means": np.array([measure(k_means(points, m, seed=0)) for m in sizes]).T,
    }
