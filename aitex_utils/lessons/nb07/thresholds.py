"""Rules for a threshold, and the false-alarm rate that each of them has on new strips."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from aitex_utils import metrics
from aitex_utils.lessons.scored_tiles import ScoredFabric

RATE, PERCENTILE, GAIN = 0.1, 0.9, 1.2
RULES = ("conformal", "percentile x gain", "highest normal score", "F1-max on the test set")


def gain_threshold(normal_scores: np.ndarray, percentile: float = PERCENTILE, gain: float = GAIN) -> float:
    """Return a percentile of normal scores times a gain.

    Parameters
    ----------
    normal_scores : ndarray, shape (n,)
        Scores of the calibration set.
    percentile : float
        0 to 1.
    gain : float
        Factor, chosen by hand.

    Returns
    -------
    float

    Examples
    --------
    >>> gain_threshold(np.array([1.0, 2.0, 3.0]), 0.5, 1.5)
    3.0
    """
    return float(np.quantile(normal_scores, percentile)) * gain


def highest_normal(normal_scores: np.ndarray) -> float:
    """Return the next number above the highest normal score: F1-adaptive without any defective tile.

    anomalib 2.7 takes the highest normal score and flags larger scores. Here a score equal to the threshold is flagged.

    Parameters
    ----------
    normal_scores : ndarray, shape (n,)
        Scores of the calibration set.

    Returns
    -------
    float

    Examples
    --------
    >>> 3 < highest_normal(np.array([1.0, 3.0])) < 3.001
    True
    """
    return float(np.nextafter(np.max(normal_scores), np.inf))


def threshold_by_rule(rule: str, normal_scores: np.ndarray, labels: np.ndarray, scores: np.ndarray) -> float:
    """Return the threshold of one of `RULES`.

    Parameters
    ----------
    rule : str
        One of `RULES`.
    normal_scores : ndarray, shape (n,)
        Scores of the calibration set.
    labels, scores : ndarray, shape (N,)
        The test set, which only F1-max uses.

    Returns
    -------
    float
        Infinity if the calibration set is too small for the promised rate.

    Examples
    --------
    >>> threshold_by_rule("conformal", np.arange(3.0), np.zeros(0), np.zeros(0))
    inf
    """
    if rule == "F1-max on the test set":
        return metrics.f1_max(labels, scores)[1]
    if rule == "percentile x gain":
        return gain_threshold(normal_scores)
    if rule == "highest normal score":
        return highest_normal(normal_scores)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # too few scores: infinity says so
        return metrics.conformal_threshold(normal_scores, RATE)


def rates_by_rule(fabrics: Sequence[ScoredFabric], n_calibration: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the false-alarm rate on new normal strips and the recall of each rule, for each choice of strips.

    Parameters
    ----------
    fabrics : sequence of ScoredFabric
        Scored tiles.
    n_calibration : int
        Number of normal strips that give the threshold. The other normal strips are new.

    Returns
    -------
    dict of str to (ndarray, ndarray)
        By rule: false-alarm rates and recalls, one per choice of strips and fabric.

    Examples
    --------
    >>> rates_by_rule(load_scores(), 3)["conformal"][0].shape  # doctest: +SKIP
    (30,)
    """
    found: dict[str, list[tuple[float, float]]] = {rule: [] for rule in RULES}
    for f in fabrics:
        scores, normal = f.scores, f.of_normal_strip
        for chosen in combinations(np.unique(f.strips[normal]), n_calibration):
            known = np.isin(f.strips, chosen)
            new, test = normal & ~known, ~known
            for rule in RULES:
                threshold = threshold_by_rule(rule, scores[known], f.labels[test], scores[test])
                found[rule].append(((scores[new] >= threshold).mean(), (scores[f.labels] >= threshold).mean()))
    return {rule: tuple(np.array(pairs).T) for rule, pairs in found.items()}


def rates_by_source(fabrics: Sequence[ScoredFabric], rate: float = RATE) -> dict[str, np.ndarray]:
    """Return false-alarm rates on two new normal strips by the source of the conformal threshold.

    Parameters
    ----------
    fabrics : sequence of ScoredFabric
        Scored tiles.
    rate : float
        Promised rate.

    Returns
    -------
    dict of str to ndarray
        Sources are the fitted tiles, other tiles of the training strips, and three other strips. One rate per choice
        of three strips and fabric.

    Examples
    --------
    >>> list(rates_by_source([]))
    ['fitted tiles', 'same strips', 'other strips']
    """
    rates: dict[str, list[float]] = {"fitted tiles": [], "same strips": [], "other strips": []}
    for f in fabrics:
        scores, normal = f.scores, f.of_normal_strip
        for chosen in combinations(np.unique(f.strips[normal]), 3):
            known = np.isin(f.strips, chosen)
            sources = (f.fitted, f.same_strips, scores[known])
            for name, source in zip(rates, sources, strict=True):
                threshold = metrics.conformal_threshold(source, rate)
                rates[name].append(float((scores[normal & ~known] >= threshold).mean()))
    return {name: np.array(values) for name, values in rates.items()}


def rates_in_light(
    scores: Mapping[float, np.ndarray], strips: np.ndarray, n_calibration: int = 3, rate: float = RATE
) -> dict[float, float]:
    """Return the false-alarm rate on new strips for each change of the light, as the mean over choices of strips.

    Parameters
    ----------
    scores : mapping of float to ndarray, each of shape (N,)
        Scores of normal tiles by the factor that multiplies their grey values. The factor 1 is the light of the fit.
    strips : ndarray, shape (N,)
        Name of each tile's strip.
    n_calibration : int
        Number of strips that give the threshold, in the light of the fit.
    rate : float
        Promised rate.

    Returns
    -------
    dict of float to float

    Examples
    --------
    >>> scores = {1.0: np.arange(20.0), 1.2: np.arange(20.0) + 30}
    >>> rates_in_light(scores, np.repeat(["a", "b"], 10), 1, 0.2)
    {1.0: 0.5, 1.2: 1.0}
    """
    rates: dict[float, list[float]] = {factor: [] for factor in scores}
    for chosen in combinations(np.unique(strips), n_calibration):
        known = np.isin(strips, chosen)
        threshold = metrics.conformal_threshold(scores[1.0][known], rate)
        for factor, of_light in scores.items():
            rates[factor].append(float((of_light[~known] >= threshold).mean()))
    return {factor: float(np.mean(values)) for factor, values in rates.items()}
