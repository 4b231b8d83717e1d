"""A simulated mill, in which the truth is known: strips whose tiles are correlated, and equally good detectors."""

from __future__ import annotations

import numpy as np

from aitex_utils import metrics

TRUE_RATE, LIMIT = 0.1, 1.2816  # 1 in 10 tiles of all strips that the mill could weave scores above the limit
SEED = 0


def weave_strips(
    correlation: float, strips: int, tiles: int, rng: np.random.Generator, channels: int = 1
) -> np.ndarray:
    """Return random tiles of strips. Each strip is woven on another day, which moves all its tiles.

    Parameters
    ----------
    correlation : float
        Share of the variance that the tiles of a strip have in common, 0 to 1.
    strips, tiles : int
        Number of strips, and of tiles per strip.
    rng : numpy.random.Generator
        Source of the draw.
    channels : int
        Numbers per tile.

    Returns
    -------
    ndarray, shape (strips, tiles, channels)
        Each number has mean 0 and variance 1.

    Examples
    --------
    >>> weave_strips(1.0, 2, 3, np.random.default_rng(0)).std(axis=1).ravel().tolist()
    [0.0, 0.0]
    """
    days = rng.normal(size=(strips, 1, channels))
    return np.sqrt(correlation) * days + np.sqrt(1 - correlation) * rng.normal(size=(strips, tiles, channels))


def coverage(correlation: float, *, strips: int = 20, tiles: int = 12, deliveries: int = 200) -> tuple[float, float]:
    """Return how often a 95 % interval covers the true rate of flagged tiles, over strips and over tiles.

    Parameters
    ----------
    correlation : float
        As in `weave_strips`.
    strips, tiles : int
        Strips of a delivery, and tiles per strip.
    deliveries : int
        Number of simulated deliveries, with two intervals each.

    Returns
    -------
    by_strip, by_tile : float

    Examples
    --------
    >>> by_strip, by_tile = coverage(0.5, deliveries=50)
    >>> by_strip > by_tile
    True
    """
    rng, covered = np.random.default_rng(SEED), np.zeros(2)
    for _ in range(deliveries):
        flagged = weave_strips(correlation, strips, tiles, rng)[..., 0] > LIMIT
        by_strip = flagged.mean(axis=1)[rng.integers(strips, size=(300, strips))]
        by_tile = rng.choice(flagged.ravel(), size=(300, flagged.size))
        for i, resamples in enumerate((by_strip, by_tile)):
            low, high = np.quantile(resamples.mean(axis=1), [0.025, 0.975])
            covered[i] += low <= TRUE_RATE <= high
    return float(covered[0]) / deliveries, float(covered[1]) / deliveries


def leaky_rates(correlation: float, rate: float = TRUE_RATE, *, mills: int = 150) -> dict[str, float]:
    """Return the false-alarm rate on new strips if the threshold comes from fitted tiles, the same or other strips.

    A detector keeps the tiles of three strips. The score of a tile is its distance to the nearest of them.

    Parameters
    ----------
    correlation : float
        As in `weave_strips`.
    rate : float
        Rate for which each threshold is made.
    mills : int
        Number of simulated detectors.

    Returns
    -------
    dict of str to float
        Mean rate by source of the threshold.

    Examples
    --------
    >>> rates = leaky_rates(0.6, mills=30)
    >>> rates["same strips"] > rates["other strips"]
    True
    """
    rng = np.random.default_rng(SEED)
    rates: dict[str, list[float]] = {"same strips": [], "other strips": []}
    for _ in range(mills):
        strips = weave_strips(correlation, 63, 20, rng, channels=3)
        bank = strips[:3, :10].reshape(-1, 3)
        known = {"same strips": strips[:3, 10:], "other strips": strips[3:33]}
        new = _distances(strips[33:], bank)
        for source, tiles in known.items():
            threshold = metrics.conformal_threshold(_distances(tiles, bank), rate)
            rates[source].append(float((new >= threshold).mean()))
    return {source: float(np.mean(values)) for source, values in rates.items()}


def equal_detectors(
    n_settings: int, rng: np.random.Generator, *, normal: int = 60, defective: int = 12, shift: float = 1.19
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the scores of settings that are equally good, so the best one in a test is best by chance.

    Parameters
    ----------
    n_settings : int
        Number of settings.
    rng : numpy.random.Generator
        Source of the draw.
    normal, defective : int
        Number of tiles. Half of them are for tuning.
    shift : float
        How much higher defective tiles score on average: 1.19 makes a true AUROC of 0.8.

    Returns
    -------
    scores : ndarray, shape (n_settings, normal + defective)
    labels, tuning : ndarray, shape (normal + defective,)
        Defective tiles, and tiles for tuning.

    Examples
    --------
    >>> scores, labels, tuning = equal_detectors(20, np.random.default_rng(0))
    >>> scores.shape, int(labels.sum()), int(tuning.sum())
    ((20, 72), 12, 36)
    """
    labels = np.arange(normal + defective) < defective
    return rng.normal(size=(n_settings, len(labels))) + shift * labels, labels, np.arange(len(labels)) % 2 == 0


def _distances(tiles: np.ndarray, bank: np.ndarray) -> np.ndarray:
    """Return the distance of each tile to the nearest vector of the bank."""
    return np.linalg.norm(tiles.reshape(-1, 1, tiles.shape[-1]) - bank, axis=2).min(axis=1)
