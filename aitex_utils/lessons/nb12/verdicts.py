"""Sentences of notebook 12 that follow from the results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from aitex_utils.datasets.dataset_check import Issue
from aitex_utils.errors import InputError
from aitex_utils.lessons.wording import count, percent

from .setup import LaterSet


def faults_found(issues: Sequence[Issue], faults: Sequence[str]) -> dict[str, str]:
    """Return the kind of issue that names each faulty file, or "not found".

    Parameters
    ----------
    issues : sequence of Issue
        Output of `check_pictures`.
    faults : sequence of str
        Names of the faulty files.

    Returns
    -------
    dict of str to str

    Examples
    --------
    >>> faults_found([Issue("/x/train/good/copy.jpg", "same picture twice", "")], ["train/good/copy.jpg"])
    {'train/good/copy.jpg': 'same picture twice'}
    """
    found = dict.fromkeys(faults, "not found")
    for issue in issues:
        for name in faults:
            if Path(issue.file).as_posix().endswith(name):
                found[name] = issue.kind
    return found


def false_alarm_rate(later: LaterSet, threshold: float, part: slice = slice(None)) -> float:
    """Return the share of good pictures of a later set that are flagged.

    Parameters
    ----------
    later : LaterSet
        The set.
    threshold : float
        Lowest score that is flagged.
    part : slice
        Part of the set in the order of time.

    Returns
    -------
    float

    Raises
    ------
    InputError
        If the part has no good picture.

    Examples
    --------
    >>> later = LaterSet([], np.array([True, True, False]), np.array([1.0, 3.0, 3.0]), np.zeros(3))
    >>> false_alarm_rate(later, 2.0)
    0.5
    """
    scores = later.scores[part][later.is_good[part]]
    if not scores.size:
        raise InputError("This part has no good picture: choose a larger part.")
    return float((scores >= threshold).mean())


def describe_drift(later: LaterSet, threshold: float, promised: float) -> str:
    """Compare the false-alarm rate of the first quarter of a later set and of its last quarter with the promise.

    Parameters
    ----------
    later : LaterSet
        The set.
    threshold : float
        Lowest score that is flagged.
    promised : float
        Promised rate.

    Returns
    -------
    str

    Examples
    --------
    >>> later = LaterSet([], np.ones(4, bool), np.array([1.0, 1.0, 3.0, 3.0]), np.array([100.0, 98.0, 80.0, 70.0]))
    >>> print(describe_drift(later, 2.0, 0.05))
    Promised 5 %. Flagged good pictures: 0 % of the first quarter, 100 % of the last quarter.
    Mean grey value: 100 in the first quarter, 70 in the last quarter.
    """
    quarter = max(1, len(later.scores) // 4)
    first, last = slice(0, quarter), slice(len(later.scores) - quarter, None)
    rates = [percent(false_alarm_rate(later, threshold, part)) for part in (first, last)]
    greys = [f"{later.brightness[part].mean():.0f}" for part in (first, last)]
    return (
        f"Promised {100 * promised:g} %. Flagged good pictures: {rates[0]} of the first quarter, {rates[1]} of the "
        f"last quarter.\nMean grey value: {greys[0]} in the first quarter, {greys[1]} in the last quarter."
    )


def first_alarm(sums: np.ndarray, limit: float = 5.0) -> int:
    """Return the number of the picture at which a cumulative sum reaches its limit.

    Parameters
    ----------
    sums : ndarray, shape (n,)
        Output of the exercise.
    limit : float
        Limit of the sum.

    Returns
    -------
    int
        From 1; one more than the number of pictures if the limit is never reached.

    Examples
    --------
    >>> first_alarm(np.array([0.0, 3.0, 6.0]))
    3
    """
    reached = np.flatnonzero(np.asarray(sums) >= limit)
    return int(reached[0]) + 1 if reached.size else len(sums) + 1


def describe_learning(before: np.ndarray, after: np.ndarray, threshold: float, noun: str) -> str:
    """Say how many pictures a detector flags before and after it learned from others.

    Parameters
    ----------
    before, after : ndarray, shape (n,)
        Scores of the same pictures.
    threshold : float
        Lowest score that is flagged.
    noun : str
        The pictures, in the singular: "picture with the mark".

    Returns
    -------
    str

    Examples
    --------
    >>> describe_learning(np.array([3.0, 4.0]), np.array([1.0, 4.0]), 2.0, "good picture")
    'Of 2 good pictures, 2 are flagged before and 1 after. Their mean score falls by 29 %.'
    """
    flags = [int((scores >= threshold).sum()) for scores in (before, after)]
    change = float(after.mean() / before.mean() - 1)
    verb = "falls" if change < 0 else "rises"
    head, _, tail = noun.partition(" with ")
    nouns = count(len(before), head) + (f" with {tail}" if tail else "")
    return (
        f"Of {nouns}, {flags[0]} are flagged before and {flags[1]} after. Their mean score {verb} by "
        f"{percent(abs(change))}."
    )
