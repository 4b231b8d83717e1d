"""Exercises 06.2 and 06.3: AUROC and average precision, each with its ties."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from aitex_utils.lessons.engine.compare import close, plain
from aitex_utils.lessons.engine.judge import Exercise, Mistake

Array = np.ndarray


class Between(NamedTuple):
    """What sorting without regard to ties can give: any value between those of the worst and the best order."""

    low: float
    high: float


def _as_expected(expected: Any, got: Any, *case: Any) -> bool:
    """Say whether a value is the one expected, or one of those that a mistake can give."""
    if isinstance(expected, Between):
        return np.shape(got) == () and bool(expected.low - 1e-9 <= got <= expected.high + 1e-9)
    return close(plain(expected, False), got, 1e-5)


def scored_cases() -> list[tuple]:
    """Labels and scores: a small one, ties within and between the classes, normals on top, many, many without a tie."""
    rng = np.random.default_rng(60)
    labels = rng.random(40) < 0.3
    return [
        (np.array([False, False, True, True]), np.array([0.1, 0.6, 0.4, 0.9])),
        (np.array([1, 0, 0, 1, 1, 0, 0, 1, 0], bool), np.array([3.0, 3.0, 4.0, 2.0, 2.0, 2.0, 1.0, 1.0, 1.0])),
        (np.array([0, 1, 0, 1, 0, 0], bool), np.array([9.0, 8.0, 7.0, 3.0, 3.0, 1.0])),
        (np.array([1, 0, 1, 0, 0], bool), np.array([0.9, 0.8, 0.5, 0.5, 0.1])),  # two thresholds with the best F1
        (labels, np.round(rng.normal(size=40) + labels, 1)),
        (labels, rng.normal(size=40) + labels),
    ]


# 06.2 AUROC


def _pairs(right: Callable[[Array], Array]) -> Callable[[Array, Array], float]:
    return lambda labels, scores: float(right(scores[labels][:, None] - scores[~labels]).mean())


auroc = _pairs(lambda apart: (apart > 0) + 0.5 * (apart == 0))


def _in_some_order(labels: Array, scores: Array) -> Between:
    return Between(_pairs(lambda apart: apart > 0)(labels, scores), _pairs(lambda apart: apart >= 0)(labels, scores))


def _at_the_middle(labels: Array, scores: Array) -> float:
    return float(((scores >= np.median(scores)) == labels).mean())


AUROC = Exercise(
    "06.2",
    "The share of pairs in the right order, ties half.",
    auroc,
    scored_cases,
    (
        Mistake(
            "ties lost",
            "Right but for ties: a pair with equal scores counts nothing here. Whoever can't tell two things apart "
            "would guess, and be right every other time: what is such a pair worth?",
            _pairs(lambda apart: apart > 0),
        ),
        Mistake(
            "ties won",
            "Right but for ties: a pair with equal scores counts in full here. A detector that gives all the same "
            "score would reach 1. What is such a pair worth?",
            _pairs(lambda apart: apart >= 0),
        ),
        Mistake(
            "ties by position",
            "Right but for ties: sorting puts equal scores in some order, so that the result depends on which of them "
            "happens to come first. Compare pairs, and give equal ones a half.",
            _in_some_order,
        ),
        Mistake(
            "upside down",
            "This is the share of pairs in which the *normal* thing scores higher (one minus the AUROC). A "
            "defective one should lie above a normal one.",
            _pairs(lambda apart: (apart < 0) + 0.5 * (apart == 0)),
        ),
        Mistake(
            "pairs of one kind",
            "All things were compared with all. Only pairs of one defective and one normal thing count.",
            lambda labels, scores: float(
                ((scores[:, None] > scores) + 0.5 * (scores[:, None] == scores))[labels].mean()
            ),
        ),
        Mistake(
            "one threshold",
            "This is the share of right calls at one threshold. AUROC has no threshold: it only asks how pairs are "
            "ordered.",
            _at_the_middle,
        ),
    ),
    (
        "`scores[labels]` are the defective ones, `scores[~labels]` the normal ones. How many pairs do they make?",
        "`defective[:, None] - normal` has one row for each defective thing and one column for each normal one.",
        "The mean of a table that holds 1 where the difference is above 0, a half where it is 0, and 0 elsewhere.",
    ),
    "AUROC without a curve: a share of pairs, ties included.",
    agree=_as_expected,
)


# 06.3 average precision


def counts(labels: Array, scores: Array, above: Callable = np.greater_equal) -> tuple[Array, Array, Array]:
    """Return the distinct scores from high to low, and hits and calls at each of them as a threshold."""
    thresholds = np.unique(scores)[::-1]
    called = above(scores, thresholds[:, None])  # (T, N)
    return thresholds, (called & labels).sum(axis=1), called.sum(axis=1)


def average_precision(labels: Array, scores: Array, above: Callable = np.greater_equal) -> float:
    _, hits, calls = counts(labels, scores, above)
    precision, recall = hits / np.maximum(calls, 1), hits / labels.sum()
    return float((precision * np.diff(recall, prepend=0)).sum())


def _one_by_one(labels: Array, scores: Array) -> Between:
    def ordered(last: Array) -> float:
        calls = labels[np.lexsort((last, -scores))]  # by falling score; what is `last` comes last of its equals
        return float((calls.cumsum() / np.arange(1, len(calls) + 1))[calls].mean())

    return Between(ordered(labels), ordered(~labels))


def _trapezoids(begin: float | None) -> Callable[[Array, Array], float]:
    def wrong(labels: Array, scores: Array) -> float:
        _, hits, calls = counts(labels, scores)
        precision, recall = hits / calls, hits / labels.sum()
        if begin is not None:
            precision, recall = np.append(begin, precision), np.append(0, recall)
        return float((np.diff(recall) * (precision[1:] + precision[:-1]) / 2).sum())

    return wrong


def _mean_precision(labels: Array, scores: Array) -> float:
    _, hits, calls = counts(labels, scores)
    return float((hits / calls).mean())


def _recall_twice(labels: Array, scores: Array) -> float:
    recall = counts(labels, scores)[1] / labels.sum()
    return float((recall * np.diff(recall, prepend=0)).sum())


_SLANTED = (
    "The points of the curve are joined by straight lines. Between two thresholds precision doesn't move on a line, "
    "and lines flatter. Each gain in recall counts with the precision at its own threshold."
)
AP = Exercise(
    "06.3",
    "The average precision, from the distinct scores.",
    average_precision,
    scored_cases,
    (
        Mistake(
            "ties one by one",
            "Right but for ties: things of one score are called one after the other, so that the result depends on "
            "which of them happens to come first. All that share a score cross the threshold together.",
            _one_by_one,
        ),
        *(Mistake("joined by lines", _SLANTED, _trapezoids(begin)) for begin in (None, 1.0, 0.0)),
        Mistake(
            "mean of the precisions",
            "This is the plain mean of the precisions at all thresholds. A threshold that finds nothing new should "
            "count nothing: weigh each precision by the recall gained there.",
            _mean_precision,
        ),
        Mistake(
            "strictly above",
            "At each threshold only what lies *above* it is called. The rule of this course is score >= threshold: "
            "what has the threshold itself is called too.",
            lambda labels, scores: average_precision(labels, scores, np.greater),
        ),
        Mistake(
            "recall for precision",
            "The hits are divided by all defective things throughout. That is recall. Precision divides them by "
            "how many were called.",
            _recall_twice,
        ),
    ),
    (
        "`np.unique(scores)[::-1]` are the thresholds, from high to low. For each: what is called, and how much of it "
        "is defective?",
        "With `called = scores >= threshold`: the hits are `(called & labels).sum()`, precision and recall are the "
        "hits divided by two different totals.",
        "Keep the recall of the threshold before, 0 at the start, and add up precision * (recall - recall_before).",
    ),
    "Average precision, with things of one score crossing together.",
    agree=_as_expected,
)
