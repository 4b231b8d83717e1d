"""Exercises 06.2 to 06.4: AUROC, average precision and F1-max, each with its ties."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .judge import Exercise, Mistake

Array = np.ndarray


def _scored_cases() -> list[tuple]:
    """Labels and scores: a small one, ties within and between the classes, normals on top, and many."""
    rng = np.random.default_rng(60)
    labels = rng.random(40) < 0.3
    return [
        (np.array([False, False, True, True]), np.array([0.1, 0.6, 0.4, 0.9])),
        (np.array([1, 0, 0, 1, 1, 0, 0, 1, 0], bool), np.array([3.0, 3.0, 4.0, 2.0, 2.0, 2.0, 1.0, 1.0, 1.0])),
        (np.array([0, 1, 0, 1, 0, 0], bool), np.array([9.0, 8.0, 7.0, 3.0, 3.0, 1.0])),
        (np.array([1, 0, 1, 0, 0], bool), np.array([0.9, 0.8, 0.5, 0.5, 0.1])),  # two thresholds with the best F1
        (labels, np.round(rng.normal(size=40) + labels, 1)),
    ]


# 06.2 AUROC


def _pairs(right: Callable[[Array], Array]) -> Callable[[Array, Array], float]:
    return lambda labels, scores: float(right(scores[labels][:, None] - scores[~labels]).mean())


auroc = _pairs(lambda apart: (apart > 0) + 0.5 * (apart == 0))


def _by_ranks(labels: Array, scores: Array) -> float:
    ranks = scores.argsort(kind="stable").argsort(kind="stable") + 1
    found, others = labels.sum(), (~labels).sum()
    return float((ranks[labels].sum() - found * (found + 1) / 2) / (found * others))


def _at_the_middle(labels: Array, scores: Array) -> float:
    return float(((scores >= np.median(scores)) == labels).mean())


AUROC = Exercise(
    "06.2",
    "The share of pairs in the right order, ties half.",
    auroc,
    _scored_cases,
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
            "comes first in the array. Compare pairs, and give equal ones a half.",
            _by_ranks,
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
)


# 06.3 average precision


def _counts(labels: Array, scores: Array, above: Callable = np.greater_equal) -> tuple[Array, Array, Array]:
    """Return the distinct scores from high to low, and hits and calls at each of them as a threshold."""
    thresholds = np.unique(scores)[::-1]
    called = above(scores, thresholds[:, None])  # (T, N)
    return thresholds, (called & labels).sum(axis=1), called.sum(axis=1)


def average_precision(labels: Array, scores: Array, above: Callable = np.greater_equal) -> float:
    _, hits, calls = _counts(labels, scores, above)
    precision, recall = hits / np.maximum(calls, 1), hits / labels.sum()
    return float((precision * np.diff(recall, prepend=0)).sum())


def _one_by_one(labels: Array, scores: Array) -> float:
    ordered = labels[np.argsort(-scores, kind="stable")]
    return float((ordered.cumsum() / np.arange(1, len(ordered) + 1))[ordered].mean())


def _trapezoids(begin: float | None) -> Callable[[Array, Array], float]:
    def wrong(labels: Array, scores: Array) -> float:
        _, hits, calls = _counts(labels, scores)
        precision, recall = hits / calls, hits / labels.sum()
        if begin is not None:
            precision, recall = np.append(begin, precision), np.append(0, recall)
        return float((np.diff(recall) * (precision[1:] + precision[:-1]) / 2).sum())

    return wrong


def _mean_precision(labels: Array, scores: Array) -> float:
    _, hits, calls = _counts(labels, scores)
    return float((hits / calls).mean())


def _recall_twice(labels: Array, scores: Array) -> float:
    recall = _counts(labels, scores)[1] / labels.sum()
    return float((recall * np.diff(recall, prepend=0)).sum())


_SLANTED = (
    "The points of the curve are joined by straight lines. Between two thresholds precision doesn't move on a line, "
    "and lines flatter. Each gain in recall counts with the precision at its own threshold."
)
AP = Exercise(
    "06.3",
    "The average precision, from the distinct scores.",
    average_precision,
    _scored_cases,
    (
        Mistake(
            "ties one by one",
            "Right but for ties: things of one score are called one after the other, so that the result depends on "
            "their order in the array. All that share a score cross the threshold together.",
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
)


# 06.4 F1-max


def f1_max(labels: Array, scores: Array, above: Callable = np.greater_equal, *, lowest: bool = False) -> tuple:
    thresholds, hits, calls = _counts(labels, scores, above)
    f1 = 2 * hits / (calls + labels.sum())
    best = len(f1) - 1 - f1[::-1].argmax() if lowest else f1.argmax()
    return float(f1[best]), float(thresholds[best])


def _by(mean: Callable[[Array, Array], Array]) -> Callable[[Array, Array], tuple]:
    def wrong(labels: Array, scores: Array) -> tuple:
        thresholds, hits, calls = _counts(labels, scores)
        found = mean(hits / calls, hits / labels.sum())
        best = found.argmax()
        return float(found[best]), float(thresholds[best])

    return wrong


def _by_accuracy(told: str) -> Callable[[Array, Array], tuple]:
    def wrong(labels: Array, scores: Array) -> tuple:
        thresholds, hits, calls = _counts(labels, scores)
        right = (2 * hits + len(labels) - labels.sum() - calls) / len(labels)
        best = right.argmax()
        f1 = 2 * hits / (calls + labels.sum())
        return float((f1 if told == "f1" else right)[best]), float(thresholds[best])

    return wrong


def _between(labels: Array, scores: Array) -> tuple:
    f1, threshold = f1_max(labels, scores)
    below = scores[scores < threshold]
    return f1, float((threshold + below.max()) / 2 if len(below) else threshold)


_ACCURACY = (
    "The best accuracy was looked for. Where nearly all is normal, accuracy is best when nothing is called. "
    "F1 has no place for true negatives."
)
F1_MAX = Exercise(
    "06.4",
    "The best F1 of any threshold, and the highest threshold that reaches it.",
    f1_max,
    _scored_cases,
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
            "the F1 alone",
            "Only the F1 comes back. Return two numbers, the F1 and the threshold that reaches it.",
            lambda labels, scores: f1_max(labels, scores)[0],
        ),
    ),
    (
        "For each distinct score as a threshold: TP, how many defective things are called; FP, how many normal ones; "
        "FN, how many defective ones are missed.",
        "2 TP + FP + FN is the number of things called plus the number of defective things.",
        "Go through the thresholds from high to low, and replace the best so far only where the new F1 is larger.",
    ),
    "The best F1, and the threshold that was chosen with the answers in sight.",
)
