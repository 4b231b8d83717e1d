"""Exercise 07.5: false alarms, misses and precision per 100 m at a threshold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from aitex_utils.lessons.engine.judge import Exercise, Mistake

Array = np.ndarray


def operating_point(
    threshold: float,
    labels: Array,
    scores: Array,
    normal_per_100_m: float,
    defective_per_100_m: float,
    *,
    is_flagged: Callable = np.greater_equal,
    without_alarm: float = 1.0,
    of_all: bool = False,
) -> tuple[float, float, float]:
    """Return false alarms per 100 m, misses per 100 m, and the precision of the alarms.

    Parameters
    ----------
    threshold : float
        A tile is flagged if its score >= the threshold.
    labels : ndarray, shape (N,)
        True for defective tiles.
    scores : ndarray, shape (N,)
        Scores of the tiles.
    normal_per_100_m, defective_per_100_m : float
        Number of normal and of defective tiles in 100 m of fabric.
    is_flagged, without_alarm, of_all : object
        Other values make the typical mistakes.

    Returns
    -------
    false_alarms, misses, precision : float
        The precision is 1 if there is no alarm.

    Examples
    --------
    >>> operating_point(2, np.array([0, 0, 1, 1], bool), np.array([1.0, 2, 1, 3]), 100, 10)
    (50.0, 5.0, 0.09090909090909091)
    """
    flagged = is_flagged(scores, threshold)
    rate = (flagged & ~labels).mean() if of_all else flagged[~labels].mean()
    found = (flagged & labels).mean() if of_all else flagged[labels].mean()
    false_alarms, hits = float(rate * normal_per_100_m), float(found * defective_per_100_m)
    precision = hits / (hits + false_alarms) if hits + false_alarms else without_alarm
    return false_alarms, defective_per_100_m - hits, precision


def _with_precision_of_the_test(threshold, labels, scores, normal, defective):
    false_alarms, misses, _ = operating_point(threshold, labels, scores, normal, defective)
    flagged = scores >= threshold
    return false_alarms, misses, float(labels[flagged].mean()) if flagged.any() else 1.0


def _hits(threshold, labels, scores, normal, defective):
    false_alarms, misses, precision = operating_point(threshold, labels, scores, normal, defective)
    return false_alarms, defective - misses, precision


def _all_alarms(threshold, labels, scores, normal, defective):
    false_alarms, misses, precision = operating_point(threshold, labels, scores, normal, defective)
    return false_alarms + defective - misses, misses, precision


def _shares(threshold, labels, scores, normal, defective):
    false_alarms, misses, precision = operating_point(threshold, labels, scores, normal, defective)
    return false_alarms / normal, misses / defective, precision


def _misses_in_precision(threshold, labels, scores, normal, defective):
    false_alarms, misses, _ = operating_point(threshold, labels, scores, normal, defective)
    hits = defective - misses
    return false_alarms, misses, hits / (hits + misses)


def _cases() -> list[tuple]:
    rng = np.random.default_rng(75)
    labels = rng.random(60) < 0.2
    scores = np.round(rng.normal(size=60) + labels, 1)
    return [
        (2.0, np.array([0, 0, 0, 0, 1, 1], bool), np.array([1.0, 1.5, 1.0, 3.0, 2.0, 1.0]), 1000, 10),
        (float(scores[labels][0]), labels, scores, 5000.0, 4.0),
        (float(np.sort(scores)[45]), labels, scores, 200.0, 50.0),
        (99.0, labels, scores, 5000.0, 4.0),
    ]


OPERATING = Exercise(
    id="07.5",
    task="False alarms and misses per 100 m, and the precision of the alarms.",
    reference=operating_point,
    cases=_cases,
    mistakes=(
        Mistake(
            "precision of the test",
            "This is the precision among the *test* tiles, where defects are far more frequent than in the mill. Use "
            "the numbers per 100 m: hits / (hits + false alarms).",
            _with_precision_of_the_test,
        ),
        Mistake(
            "hits for misses",
            "The second number counts the hits per 100 m. Misses are the defective tiles that are *not* flagged.",
            _hits,
        ),
        Mistake(
            "all alarms",
            "The first number counts all alarms, hits included. The task asks for the *false* alarms.",
            _all_alarms,
        ),
        Mistake(
            "shares",
            "The first two numbers are shares. Multiply the share of flagged normal tiles by `normal_per_100_m`, and "
            "the share of missed defective tiles by `defective_per_100_m`.",
            _shares,
        ),
        Mistake(
            "recall for precision",
            "The third number is the recall: hits / (hits + misses). Precision is hits / (hits + false alarms).",
            _misses_in_precision,
        ),
        Mistake(
            "strictly above",
            "Only the scores *above* the threshold are flagged. The rule is score >= threshold.",
            lambda *case: operating_point(*case, is_flagged=np.greater),
        ),
        Mistake(
            "no alarm",
            "Right, except where nothing is flagged: precision is then 0 / 0. The task asks for 1 in this case.",
            lambda *case: operating_point(*case, without_alarm=0.0),
        ),
        Mistake(
            "no alarm",
            "Right, except where nothing is flagged: precision is then 0 / 0. The task asks for 1 in this case.",
            lambda *case: operating_point(*case, without_alarm=float("nan")),
        ),
        Mistake(
            "share of all tiles",
            "The shares are taken among all tiles. Take the share of flagged tiles among the *normal* tiles, "
            "`flagged[~labels].mean()`, and in the same way among the defective tiles.",
            lambda *case: operating_point(*case, of_all=True),
        ),
    ),
    hints=(
        "First compute two shares on the test tiles: the flagged share of the normal tiles, and the flagged share of "
        "the defective tiles.",
        "`flagged[~labels].mean() * normal_per_100_m` is the number of false alarms per 100 m. The hits follow in the "
        "same way, and the misses are the rest of the defective tiles.",
        "The precision is hits / (hits + false alarms), both per 100 m. Return 1 if both are 0.",
    ),
    praise="These are the numbers that a mill needs.",
)
