"""AUROC and average precision without the checks of `metrics`, for bootstraps that compute them hundreds of times."""

from __future__ import annotations

import numpy as np


def quick_auroc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Return the AUROC as a share of pairs, ties half.

    Parameters
    ----------
    labels : ndarray, shape (N,)
        Bool, True = defective.
    scores : ndarray, shape (N,)
        Scores, finite.

    Returns
    -------
    float
        NaN if there is one class only.

    Examples
    --------
    >>> quick_auroc(np.array([False, True, True]), np.array([0.2, 0.2, 0.9]))
    0.75
    """
    difference = scores[labels][:, None] - scores[~labels]
    return float(((difference > 0) + 0.5 * (difference == 0)).mean()) if difference.size else float("nan")


def quick_average_precision(labels: np.ndarray, scores: np.ndarray) -> float:
    """Return the average precision: the precision at each score of a defective tile, weighted by the recall gained.

    Parameters
    ----------
    labels : ndarray, shape (N,)
        Bool, True = defective.
    scores : ndarray, shape (N,)
        Scores, finite.

    Returns
    -------
    float
        NaN if there is one class only.

    Examples
    --------
    >>> quick_average_precision(np.array([False, True, True]), np.array([0.5, 0.2, 0.9]))
    0.8333333333333333
    """
    if labels.all() or not labels.any():
        return float("nan")
    _, place = np.unique(-scores, return_inverse=True)  # the highest score first
    gained = np.bincount(place, labels)
    precision = gained.cumsum() / np.bincount(place).cumsum()
    return float((gained * precision).sum() / labels.sum())
