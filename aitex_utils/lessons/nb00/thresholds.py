"""Three thresholds from which the learner chooses one."""

from __future__ import annotations

import numpy as np

from aitex_utils.errors import InputError
from aitex_utils.safety.scores import check_scores

ALLOWED = 0.05  # share of clean tiles that the mill allows the detector to flag
SHARES = {"A": 4 * ALLOWED, "B": ALLOWED, "C": 0.0}  # largest share of clean tiles that each line flags


def candidate_thresholds(clean: np.ndarray) -> dict[str, float]:
    """Return three thresholds: A flags too many clean tiles, B as many as allowed, C none.

    Parameters
    ----------
    clean : ndarray, shape (n,)
        Scores of clean tiles, at least 20. A tile is flagged if its score reaches the threshold.

    Returns
    -------
    dict of str to float

    Raises
    ------
    InputError
        If there are too few scores.

    Examples
    --------
    >>> candidate_thresholds(np.arange(20.0))
    {'A': 15.5, 'B': 18.5, 'C': 19.95}
    """
    clean = check_scores(clean, "clean")
    if len(clean) < 1 / ALLOWED:
        raise InputError(f"clean has {len(clean)} scores, expected at least {1 / ALLOWED:.0f}.")
    return {name: _lowest_threshold(clean, share) for name, share in SHARES.items()}


def _lowest_threshold(clean: np.ndarray, share: float) -> float:
    """Return a threshold that at most this share of the scores reach, in the middle of the gap between two scores."""
    ordered = np.sort(np.asarray(clean, dtype=float))[::-1]
    below = ordered[int(share * len(ordered) + 1e-9)]  # the highest score that must not reach it
    above = ordered[ordered > below]
    margin = 0.05 * (ordered[0] - ordered[-1]) if len(above) == 0 else (above[-1] - below) / 2
    return float(below + max(margin, np.spacing(below)))
