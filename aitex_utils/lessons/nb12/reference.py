"""The course's solutions of the exercises of notebook 12."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from aitex_utils.metrics import conformal_threshold

SLACK, CAP = 0.5, 3.0  # standard deviations: drift that is not counted, and the most that one picture counts


def pictures_to_take(false_alarms: float) -> int:
    """Return how many good pictures a promise needs if half of them are held out.

    Parameters
    ----------
    false_alarms : float
        Promised false-alarm rate, above 0 and below 1.

    Returns
    -------
    int

    Examples
    --------
    >>> pictures_to_take(0.05)
    38
    """
    return 2 * (math.ceil(1 / Fraction(str(float(false_alarms)))) - 1)


def realised_rates(scores: np.ndarray, orders: np.ndarray, n_held_out: int, false_alarms: float) -> np.ndarray:
    """Return the share of flagged good pictures in each of many splits.

    Parameters
    ----------
    scores : ndarray, shape (n,)
        Scores of good pictures that the detector did not learn.
    orders : ndarray, shape (draws, n)
        A permutation of the pictures per draw: the first `n_held_out` set the threshold, the others are judged.
    n_held_out : int
        Number of held-out pictures.
    false_alarms : float
        Promised false-alarm rate.

    Returns
    -------
    ndarray, shape (draws,)

    Examples
    --------
    >>> realised_rates(np.array([1.0, 2.0, 3.0]), np.array([[0, 1, 2], [2, 1, 0]]), 1, 0.5)
    array([1., 0.])
    """
    rates = []
    for order in orders:
        shuffled = scores[order]
        threshold = conformal_threshold(shuffled[:n_held_out], false_alarms)
        rates.append((shuffled[n_held_out:] >= threshold).mean())
    return np.array(rates)


def cusum(scores: np.ndarray, held_out: np.ndarray) -> np.ndarray:
    """Return the cumulative sum (CUSUM) of scores above the mean score of held-out good pictures.

    Parameters
    ----------
    scores : ndarray, shape (n,)
        Scores in the order of time.
    held_out : ndarray, shape (m,)
        Scores of held-out good pictures.

    Returns
    -------
    ndarray, shape (n,)
        The sum after each picture, in standard deviations of the held-out scores.

    Examples
    --------
    >>> cusum(np.array([2.0, 5.0, 0.0]), np.array([-1.0, 1.0]))
    array([1.5, 4. , 3.5])
    """
    total, sums = 0.0, []
    for z in (scores - held_out.mean()) / held_out.std():
        total = max(0.0, total + min(float(z), CAP) - SLACK)
        sums.append(total)
    return np.array(sums)


def track_threshold(scores: np.ndarray, start: float, false_alarms: float, step: float) -> np.ndarray:
    """Return the thresholds of a rule that keeps the share of flagged pictures at the promised rate.

    Parameters
    ----------
    scores : ndarray, shape (n,)
        Scores in the order of time.
    start : float
        Threshold of the first picture.
    false_alarms : float
        Promised false-alarm rate.
    step : float
        Size of the correction.

    Returns
    -------
    ndarray, shape (n,)
        The threshold with which each picture was judged.

    Notes
    -----
    This is quantile tracking, the simplest part of Angelopoulos, Candès and Tibshirani, Conformal PID Control for Time
    Series Prediction, NeurIPS 2023.

    Examples
    --------
    >>> track_threshold(np.array([5.0, 0.0, 0.0]), 4.0, 0.25, 1.0)
    array([4.  , 4.75, 4.5 ])
    """
    threshold, thresholds = start, []
    for score in scores:
        thresholds.append(threshold)
        flagged = score >= threshold
        threshold += step * (float(flagged) - false_alarms)
    return np.array(thresholds)
