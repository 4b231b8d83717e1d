"""Exercise 06.4: F1-max, and the threshold that reaches it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from aitex_utils.lessons.engine.compare import close, plain
from aitex_utils.lessons.engine.judge import Exercise, Mistake

from .exercise_auroc_ap import count_flagged, scored_cases

Array = np.ndarray


ANY_THRESHOLD = "any"  # stands for any threshold with the F1 that belongs to it, see `_agrees`


def _f1_at_scores(labels: Array, scores: Array, is_flagged: Callable = np.greater_equal) -> tuple[Array, Array]:
    """Return the F1 at each distinct score as a threshold, and these thresholds, from high to low."""
    thresholds, true_positives, flagged = count_flagged(labels, scores, is_flagged)
    return 2 * true_positives / (flagged + labels.sum()), thresholds


def f1_max(labels: Array, scores: Array, is_flagged: Callable = np.greater_equal) -> tuple[float, float]:
    """Return the best F1 of all thresholds, and the highest threshold that reaches it."""
    f1, thresholds = _f1_at_scores(labels, scores, is_flagged)
    best = f1.argmax()
    return float(f1[best]), float(thresholds[best])


def _lowest_threshold(labels: Array, scores: Array) -> tuple[float, float]:
    f1, thresholds = _f1_at_scores(labels, scores)
    best = len(f1) - 1 - f1[::-1].argmax()
    return float(f1[best]), float(thresholds[best])


def _best_mean(mean: Callable[[Array, Array], Array]) -> Callable[[Array, Array], tuple]:
    """Return the search for the best of another mean of precision and recall."""

    def wrong(labels: Array, scores: Array) -> tuple[float, float]:
        thresholds, true_positives, flagged = count_flagged(labels, scores)
        means = mean(true_positives / flagged, true_positives / labels.sum())
        best = means.argmax()
        return float(means[best]), float(thresholds[best])

    return wrong


def _most_accurate(labels: Array, scores: Array) -> tuple[float, float, float]:
    """Return the F1 and the accuracy where the accuracy is best, and that threshold."""
    thresholds, true_positives, flagged = count_flagged(labels, scores)
    accuracy = (2 * true_positives + len(labels) - labels.sum() - flagged) / len(labels)
    best = accuracy.argmax()
    return float(_f1_at_scores(labels, scores)[0][best]), float(accuracy[best]), float(thresholds[best])


def _between_two_scores(labels: Array, scores: Array) -> tuple[float, float]:
    f1, threshold = f1_max(labels, scores)
    smaller = scores[scores < threshold]
    return f1, float((threshold + smaller.max()) / 2 if len(smaller) else threshold)


def _agrees(expected: Any, answer: Any, labels: Array, scores: Array) -> bool:
    """Return whether both numbers are as expected. With `ANY_THRESHOLD`, whether the F1 belongs to the threshold."""
    if isinstance(expected, str):
        flagged = scores >= answer[1]
        f1 = 2 * (flagged & labels).sum() / (flagged.sum() + labels.sum())
        return answer.shape == (2,) and bool(np.isclose(answer[0], f1, atol=1e-5))
    return close(plain(expected, False), answer, 1e-5)


_ACCURACY = (
    "This is the threshold of the best accuracy. If nearly all tiles are normal, accuracy can be best when nothing "
    "is flagged. F1 does not count true negatives."
)
F1_MAX = Exercise(
    "06.4",
    "The best F1 of any threshold, and the highest threshold that reaches it.",
    f1_max,
    scored_cases,
    (
        Mistake(
            "arithmetic mean",
            "This is the plain mean of precision and recall. F1 is their harmonic mean, 2 PR / (P + R), which is small "
            "as soon as one of the two is small.",
            _best_mean(lambda precision, recall: (precision + recall) / 2),
        ),
        Mistake(
            "two forgotten",
            "The F1 is half of what it should be: the harmonic mean is 2 PR / (P + R).",
            _best_mean(lambda p, r: p * r / np.maximum(p + r, 1e-12)),
        ),
        Mistake(
            "nothing found",
            "At one threshold there is no hit. Precision and recall are both 0, so the formula gives 0 / 0 = NaN, "
            "which `max` then takes for the largest value. 2 TP / (2 TP + FP + FN) avoids this.",
            _best_mean(lambda p, r: 2 * p * r / (p + r)),
        ),
        Mistake(
            "strictly above",
            "At each threshold you count only the scores *above* it. The rule is score >= threshold.",
            lambda labels, scores: f1_max(labels, scores, np.greater),
        ),
        Mistake(
            "lowest of several",
            "The F1 is right. Several thresholds reach it, and the task asks for the highest of them.",
            _lowest_threshold,
        ),
        Mistake(
            "between two scores",
            "The F1 is right, but your threshold lies halfway to the next score. The task asks for the score itself, "
            "because the rule is score >= threshold.",
            _between_two_scores,
        ),
        Mistake("accuracy", _ACCURACY, lambda labels, scores: _most_accurate(labels, scores)[::2]),
        Mistake("accuracy", _ACCURACY, lambda labels, scores: _most_accurate(labels, scores)[1:]),
        Mistake(
            "threshold first",
            "Both numbers are right, but in the wrong order: the F1 comes first, then the threshold.",
            lambda labels, scores: f1_max(labels, scores)[::-1],
        ),
        Mistake(
            "the F1 alone",
            "Your function returns only the F1. Return two numbers, the F1 and the threshold that reaches it.",
            lambda labels, scores: f1_max(labels, scores)[0],
        ),
        Mistake(
            "other thresholds",
            "The F1 belongs to your threshold, but another threshold is better, or equally good and higher. The "
            "set of flagged samples changes only at the scores, so try exactly the distinct scores.",
            lambda labels, scores: ANY_THRESHOLD,
        ),
    ),
    (
        "For each distinct score as a threshold: TP, the number of defective samples flagged; FP, the number of normal "
        "samples flagged; FN, the number of defective samples missed.",
        "2 TP + FP + FN is the number of flagged samples plus the number of defective samples.",
        "Go through the thresholds from high to low, and replace the best so far only where the new F1 is larger.",
    ),
    "You found the best F1. Its threshold was chosen with the test labels in sight.",
    agree=_agrees,
)
