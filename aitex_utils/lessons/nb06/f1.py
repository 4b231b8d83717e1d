"""Exercise 06.4: F1-max, and the threshold that reaches it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from aitex_utils.lessons.engine.compare import close, plain
from aitex_utils.lessons.engine.judge import Exercise, Mistake

from .measures import counts, scored_cases

Array = np.ndarray


def f1_max(labels: Array, scores: Array, above: Callable = np.greater_equal, *, lowest: bool = False) -> tuple:
    thresholds, hits, calls = counts(labels, scores, above)
    f1 = 2 * hits / (calls + labels.sum())
    best = len(f1) - 1 - f1[::-1].argmax() if lowest else f1.argmax()
    return float(f1[best]), float(thresholds[best])


def _by(mean: Callable[[Array, Array], Array]) -> Callable[[Array, Array], tuple]:
    def wrong(labels: Array, scores: Array) -> tuple:
        thresholds, hits, calls = counts(labels, scores)
        found = mean(hits / calls, hits / labels.sum())
        best = found.argmax()
        return float(found[best]), float(thresholds[best])

    return wrong


def _by_accuracy(told: str) -> Callable[[Array, Array], tuple]:
    def wrong(labels: Array, scores: Array) -> tuple:
        thresholds, hits, calls = counts(labels, scores)
        right = (2 * hits + len(labels) - labels.sum() - calls) / len(labels)
        best = right.argmax()
        f1 = 2 * hits / (calls + labels.sum())
        return float((f1 if told == "f1" else right)[best]), float(thresholds[best])

    return wrong


def _between(labels: Array, scores: Array) -> tuple:
    f1, threshold = f1_max(labels, scores)
    below = scores[scores < threshold]
    return f1, float((threshold + below.max()) / 2 if len(below) else threshold)


def _some_threshold(labels: Array, scores: Array) -> str:
    """Stand for any threshold at all with the F1 that belongs to it, see `_as_expected`."""
    return "any"


def _as_expected(expected: Any, got: Any, labels: Array, scores: Array) -> bool:
    """Say whether both numbers are those expected, or where any threshold is, whether the F1 belongs to it."""
    if isinstance(expected, str):
        called = scores >= got[1]
        f1 = 2 * (called & labels).sum() / (called.sum() + labels.sum())
        return got.shape == (2,) and bool(np.isclose(got[0], f1, atol=1e-5))
    return close(plain(expected, False), got, 1e-5)


_ACCURACY = (
    "The best accuracy was looked for. Where nearly all is normal, accuracy is best when nothing is called. "
    "F1 has no place for true negatives."
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
            "as soon as one of the two is.",
            _by(lambda precision, recall: (precision + recall) / 2),
        ),
        Mistake(
            "two forgotten",
            "All values are half of what they should be: the harmonic mean is 2 PR / (P + R).",
            _by(lambda p, r: p * r / np.maximum(p + r, 1e-12)),
        ),
        Mistake(
            "nothing found",
            "At one threshold there is no hit at all. Precision and recall are both 0 there, and 0 / 0 is no number: "
            "it then passes for the largest. With 2 TP / (2 TP + FP + FN) it can't happen.",
            _by(lambda p, r: 2 * p * r / (p + r)),
        ),
        Mistake(
            "strictly above",
            "At each threshold only what lies *above* it is called. The rule is score >= threshold.",
            lambda labels, scores: f1_max(labels, scores, np.greater),
        ),
        Mistake(
            "lowest of several",
            "The F1 is right. Several thresholds reach it, and asked for is the highest of them.",
            lambda labels, scores: f1_max(labels, scores, lowest=True),
        ),
        Mistake(
            "between two scores",
            "The F1 is right, but your threshold lies halfway to the next score. Asked for is the score itself, as "
            "the rule is score >= threshold.",
            _between,
        ),
        Mistake("accuracy", _ACCURACY, _by_accuracy("f1")),
        Mistake("accuracy", _ACCURACY, _by_accuracy("accuracy")),
        Mistake(
            "threshold first",
            "Both numbers are right. Their order isn't: the F1 comes first, then the threshold.",
            lambda labels, scores: f1_max(labels, scores)[::-1],
        ),
        Mistake(
            "the F1 alone",
            "Only the F1 comes back. Return two numbers, the F1 and the threshold that reaches it.",
            lambda labels, scores: f1_max(labels, scores)[0],
        ),
        Mistake(
            "other thresholds",
            "The F1 belongs to your threshold, but another threshold is better, or is the one asked for. What is "
            "called changes at the scores and nowhere else: try just the distinct scores, all of them.",
            _some_threshold,
        ),
    ),
    (
        "For each distinct score as a threshold: TP, how many defective things are called; FP, how many normal ones; "
        "FN, how many defective ones are missed.",
        "2 TP + FP + FN is the number of things called plus the number of defective things.",
        "Go through the thresholds from high to low, and replace the best so far only where the new F1 is larger.",
    ),
    "The best F1, and the threshold that was chosen with the answers in sight.",
    agree=_as_expected,
)
