"""Exercises 06.2 and 06.3: AUROC and average precision, both with ties."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from aitex_utils.lessons.engine.compare import close, plain
from aitex_utils.lessons.engine.judge import Exercise, Mistake

Array = np.ndarray


class Between(NamedTuple):
    """The values that sorting tied scores can give, from the worst order to the best."""

    low: float
    high: float


def _agrees(expected: Any, answer: Any, *case: Any) -> bool:
    """Return whether an answer equals the expected value, or lies in the expected range."""
    if isinstance(expected, Between):
        return np.shape(answer) == () and bool(expected.low - 1e-9 <= answer <= expected.high + 1e-9)
    return close(plain(expected, False), answer, 1e-5)


def scored_cases() -> list[tuple]:
    """Return labels and scores: few, with ties, with normal scores on top, many with and without ties."""
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


def _mean_over_pairs(value: Callable[[Array], Array]) -> Callable[[Array, Array], float]:
    """Return a measure: the mean of `value` over the score differences (defective - normal) of all pairs."""
    return lambda labels, scores: float(value(scores[labels][:, None] - scores[~labels]).mean())


auroc = _mean_over_pairs(lambda difference: (difference > 0) + 0.5 * (difference == 0))
_ties_lost = _mean_over_pairs(lambda difference: difference > 0)
_ties_won = _mean_over_pairs(lambda difference: difference >= 0)


def _ties_in_any_order(labels: Array, scores: Array) -> Between:
    return Between(_ties_lost(labels, scores), _ties_won(labels, scores))


def _accuracy_at_median(labels: Array, scores: Array) -> float:
    return float(((scores >= np.median(scores)) == labels).mean())


AUROC = Exercise(
    "06.2",
    "The share of pairs in the right order, where a tie counts as 0.5.",
    auroc,
    scored_cases,
    (
        Mistake(
            "ties lost",
            "Right except for ties: a pair with equal scores counts as 0 here. Equal scores do not distinguish the "
            "two samples. A guess would be right half of the time: what is such a pair worth?",
            _ties_lost,
        ),
        Mistake(
            "ties won",
            "Right except for ties: a pair with equal scores counts as 1 here. A detector that gives all tiles the "
            "same score would reach 1. What is such a pair worth?",
            _ties_won,
        ),
        Mistake(
            "ties in order",
            "Right except for ties: sorting puts equal scores in some order, so the result depends on which of them "
            "happens to come first. Compare pairs, and count equal scores as 0.5.",
            _ties_in_any_order,
        ),
        Mistake(
            "upside down",
            "This is the share of pairs in which the *normal* tile scores higher (1 minus the AUROC). A defective tile "
            "should have the higher score.",
            _mean_over_pairs(lambda difference: (difference < 0) + 0.5 * (difference == 0)),
        ),
        Mistake(
            "pairs of one kind",
            "Each defective sample was compared with all samples. Only pairs of one defective and one normal sample "
            "count.",
            lambda labels, scores: float(
                ((scores[:, None] > scores) + 0.5 * (scores[:, None] == scores))[labels].mean()
            ),
        ),
        Mistake(
            "one threshold",
            "This is the accuracy at one threshold. AUROC has no threshold and depends only on the order within pairs.",
            _accuracy_at_median,
        ),
    ),
    (
        "`scores[labels]` are the scores of the defective tiles, and `scores[~labels]` are the normal "
        "scores. How many pairs are there?",
        "`defective[:, None] - normal` has one row for each defective sample and one column for each normal sample.",
        "Take the mean of a table that is 1 where the difference is above 0, 0.5 where it is 0, and 0 elsewhere.",
    ),
    "This is the AUROC without a curve: a share of pairs, ties included.",
    agree=_agrees,
)


# 06.3 average precision


def count_flagged(labels: Array, scores: Array, is_flagged: Callable = np.greater_equal) -> tuple[Array, Array, Array]:
    """Return the distinct scores as thresholds, from high to low, and the true positives and all flagged at each."""
    thresholds = np.unique(scores)[::-1]
    flagged = is_flagged(scores, thresholds[:, None])  # (T, N)
    return thresholds, (flagged & labels).sum(axis=1), flagged.sum(axis=1)


def average_precision(labels: Array, scores: Array, is_flagged: Callable = np.greater_equal) -> float:
    """Return the sum of precision times recall gained, over the distinct scores."""
    _, true_positives, flagged = count_flagged(labels, scores, is_flagged)
    precision, recall = true_positives / np.maximum(flagged, 1), true_positives / labels.sum()
    return float((precision * np.diff(recall, prepend=0)).sum())


def _ties_one_by_one(labels: Array, scores: Array) -> Between:
    def in_order(comes_last: Array) -> float:
        ordered = labels[np.lexsort((comes_last, -scores))]  # by falling score, ties by `comes_last`
        return float((ordered.cumsum() / np.arange(1, len(ordered) + 1))[ordered].mean())

    return Between(in_order(labels), in_order(~labels))


def _trapezoids(first_precision: float | None) -> Callable[[Array, Array], float]:
    """Return the area under straight lines, which begin at recall 0 and `first_precision` if that is given."""

    def wrong(labels: Array, scores: Array) -> float:
        _, true_positives, flagged = count_flagged(labels, scores)
        precision, recall = true_positives / flagged, true_positives / labels.sum()
        if first_precision is not None:
            precision, recall = np.append(first_precision, precision), np.append(0, recall)
        return float((np.diff(recall) * (precision[1:] + precision[:-1]) / 2).sum())

    return wrong


def _mean_precision(labels: Array, scores: Array) -> float:
    _, true_positives, flagged = count_flagged(labels, scores)
    return float((true_positives / flagged).mean())


def _recall_for_precision(labels: Array, scores: Array) -> float:
    recall = count_flagged(labels, scores)[1] / labels.sum()
    return float((recall * np.diff(recall, prepend=0)).sum())


def _interpolated(labels: Array, scores: Array) -> float:
    """Return the AP with the highest precision at this recall or a higher one, as in older object detection."""
    _, true_positives, flagged = count_flagged(labels, scores)
    precision, recall = true_positives / flagged, true_positives / labels.sum()
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float((envelope * np.diff(recall, prepend=0)).sum())


_SLANTED = (
    "The points of the curve are joined by straight lines. Precision does not change linearly between two thresholds, "
    "so these lines give another area. Multiply each gain in recall by the precision at its own threshold."
)
AP = Exercise(
    "06.3",
    "The average precision, from the distinct scores.",
    average_precision,
    scored_cases,
    (
        Mistake(
            "ties one by one",
            "Right except for ties: samples with the same score are flagged one after the other. The result "
            "then depends on which of them happens to come first. Samples with the same score cross the threshold "
            "together.",
            _ties_one_by_one,
        ),
        *(Mistake("joined by lines", _SLANTED, _trapezoids(first)) for first in (None, 1.0, 0.0)),
        Mistake(
            "interpolated precision",
            "Each precision was replaced by the highest precision at this recall or a higher one. Some benchmarks of "
            "object detection do this, and the result is too high. Take the precision at its own threshold.",
            _interpolated,
        ),
        Mistake(
            "mean of the precisions",
            "This is the plain mean of the precisions at all thresholds. A threshold that finds nothing new should "
            "not count: weight each precision by the recall gained there.",
            _mean_precision,
        ),
        Mistake(
            "strictly above",
            "At each threshold you count only the scores *above* it. The rule of this course is score >= threshold, so "
            "a score equal to the threshold is flagged too.",
            lambda labels, scores: average_precision(labels, scores, np.greater),
        ),
        Mistake(
            "recall for precision",
            "The hits are always divided by the number of all defective samples. That is recall. Precision divides "
            "them by the number of flagged samples.",
            _recall_for_precision,
        ),
    ),
    (
        "`np.unique(scores)[::-1]` are the thresholds, from high to low. At each threshold, which samples are flagged, "
        "and how many of these are defective?",
        "With `flagged = scores >= threshold`: the hits are `(flagged & labels).sum()`. Precision and recall are "
        "the hits divided by two different totals.",
        "Keep the recall at the previous threshold, 0 at the start, and add up precision * (recall - recall_before).",
    ),
    "Your average precision flags samples with the same score together.",
    agree=_agrees,
)
