"""Exercises of notebook 06: right answers pass in any form, and each typical wrong answer gets its own hint."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from lesson_cells import draws_its_own_hint

from aitex_utils.lessons import judge
from aitex_utils.lessons.nb06.exercises import EXERCISES

BY_ID = {exercise.id: exercise for exercise in EXERCISES}


# Right answers, each written in two other ways.


def scores_by_loop(patches, bank, b):
    worst, s_star = None, -1.0
    for patch in patches:
        distance = min(math.dist(patch, m) for m in bank)
        if distance > s_star:
            worst, s_star = patch, distance
    m_star = min(bank, key=lambda m: math.dist(worst, m))
    of_m_star = sorted(bank, key=lambda m: math.dist(m_star, m))[:b]
    of_patch = sorted(bank, key=lambda m: math.dist(worst, m))[:b]
    sums = [sum(math.exp(math.dist(worst, m)) for m in neighbours) for neighbours in (of_m_star, of_patch)]
    return [s_star * (1 - math.exp(s_star) / total) for total in sums]


def scores_by_torch(patches, bank, b):
    import torch

    patches, bank = torch.from_numpy(patches), torch.from_numpy(bank)
    nearest, index = torch.cdist(patches, bank).min(1)
    i = nearest.argmax()
    distances, m_star = torch.cdist(patches[i : i + 1], bank)[0], bank[index[i]]
    of_m_star = distances[torch.cdist(m_star[None], bank)[0].topk(b, largest=False).indices]
    of_patch = distances.topk(b, largest=False).values
    return tuple(nearest[i] * (1 - torch.softmax(exponents, 0).min()) for exponents in (of_m_star, of_patch))


def auroc_by_sklearn(labels, scores):
    from sklearn.metrics import roc_auc_score

    return roc_auc_score(labels, scores)


def auroc_by_loop(labels, scores):
    pairs = [(d, n) for d in scores[labels] for n in scores[~labels]]
    return sum(1 if d > n else 0.5 if d == n else 0 for d, n in pairs) / len(pairs)


def ap_by_sklearn(labels, scores):
    from sklearn.metrics import average_precision_score

    return average_precision_score(labels, scores)


def ap_by_groups(labels, scores):
    total = true_positives = flagged = 0
    for value in sorted(set(scores.tolist()), reverse=True):
        gained = int(labels[scores == value].sum())
        true_positives, flagged = true_positives + gained, flagged + int((scores == value).sum())
        total += gained / labels.sum() * true_positives / flagged
    return total


def f1_by_sklearn(labels, scores):
    from sklearn.metrics import f1_score

    thresholds = sorted(set(scores.tolist()), reverse=True)
    f1 = [f1_score(labels, scores >= t, zero_division=0) for t in thresholds]
    return max(f1), thresholds[int(np.argmax(np.round(f1, 12)))]


def f1_by_precision(labels, scores):
    best = (0, 0)
    for t in np.unique(scores):
        p, r = labels[scores >= t].mean(), (scores >= t)[labels].mean()
        f1 = 2 * p * r / (p + r) if p + r else 0
        if f1 >= best[0] - 1e-12:
            best = (f1, t)
    return np.array(best)


def scaled_by_loop(maps, calibration):
    low, high = min(map(np.min, calibration)), max(map(np.max, calibration))
    return [(anomaly_map.max() - low) / (high - low) for anomaly_map in maps]


def scaled_before(maps, calibration):
    scaled = (maps - np.min(calibration)) / np.ptp(calibration)
    return scaled.reshape(len(maps), -1).max(axis=1)


RIGHT = {
    "06.1": (scores_by_loop, scores_by_torch),
    "06.2": (auroc_by_sklearn, auroc_by_loop),
    "06.3": (ap_by_sklearn, ap_by_groups),
    "06.4": (f1_by_sklearn, f1_by_precision),
    "06.5": (scaled_by_loop, scaled_before),
}


@pytest.mark.parametrize(("number", "answer"), [(n, f) for n, both in RIGHT.items() for f in both])
def test_right_answer_passes_in_any_form(number: str, answer: Callable):
    verdict = judge(BY_ID[number], answer)
    assert verdict.passed, verdict.message


# Wrong answers, as a learner would type them.


def norms(a, b):
    return np.sqrt(((a - b) ** 2).sum(-1))


def scores_with(
    worst=lambda d: d.min(1).argmax(),
    neighbours=lambda to_m, to_p, b: (np.argsort(to_m)[:b], np.argsort(to_p)[:b]),
    exponents=lambda to_m, to_p: (to_p, to_p),
    finish=lambda share, s: (1 - share) * s,
    distance=norms,
):
    def answer(patches, bank, b):
        d = np.array([[distance(p, m) for m in bank] for p in patches])
        to_p = d[worst(d)]
        m = to_p.argmin()
        to_m = np.array([distance(bank[m], vector) for vector in bank])
        pairs = zip(neighbours(to_m, to_p, b), exponents(to_m, to_p), strict=True)
        return tuple(finish(np.exp(to_p[m]) / np.exp(t[n]).sum(), to_p[m]) for n, t in pairs)

    return answer


def of_each_patch(combine):
    single = scores_with()

    def answer(patches, bank, b):
        return combine(np.array([single(p[None], bank, b) for p in patches]), axis=0)

    return answer


def pairs_counted(value):
    def answer(labels, scores):
        return np.mean([value(d, n) for d in scores[labels] for n in scores[~labels]])

    return answer


def auroc_by_rank(labels, scores):
    order = np.argsort(scores, kind="stable")
    below, total = 0, 0
    for i in order:
        if labels[i]:
            total += below
        else:
            below += 1
    return total / (labels.sum() * below)


def auroc_by_curve(order):
    """Walk along the ROC curve one sample at a time, without grouping equal scores."""

    def answer(labels, scores):
        sorted_labels = labels[order(scores)]
        tpr = np.concatenate([[0], np.cumsum(sorted_labels) / labels.sum()])
        fpr = np.concatenate([[0], np.cumsum(~sorted_labels) / (~labels).sum()])
        return np.sum(np.diff(fpr) * (tpr[1:] + tpr[:-1]) / 2)

    return answer


def auroc_by_rank_sum(kind):
    def answer(labels, scores):
        rank = np.argsort(np.argsort(scores, kind=kind), kind=kind) + 1
        n, m = labels.sum(), (~labels).sum()
        return (rank[labels].sum() - n * (n + 1) / 2) / (n * m)

    return answer


FALLING = {
    "stable": lambda scores: np.argsort(-scores, kind="stable"),
    "quick": lambda scores: np.argsort(-scores),
    "reversed": lambda scores: np.argsort(scores)[::-1],
    "reversed, stable": lambda scores: np.argsort(scores, kind="stable")[::-1],
    "sorted": lambda scores: sorted(range(len(scores)), key=lambda i: scores[i], reverse=True),
}


def auroc_of_all_pairs(labels, scores):
    return np.mean([(d > s) + (d == s) / 2 for d in scores[labels] for s in scores])


def accuracy_at_the_median(labels, scores):
    return np.mean((scores >= np.median(scores)) == labels)


def curve(labels, scores, strictly=False):
    p, r = [], []
    for t in sorted(set(scores), reverse=True):
        flagged = scores > t if strictly else scores >= t
        true_positives = np.sum(flagged & labels)
        p.append(true_positives / max(1, flagged.sum()))
        r.append(true_positives / labels.sum())
    return np.array(p), np.array(r)


def ap_one_by_one(order):
    def answer(labels, scores):
        true_positives, total = 0, 0.0
        for flagged, i in enumerate(order(scores), 1):
            if labels[i]:
                true_positives += 1
                total += true_positives / flagged
        return total / labels.sum()

    return answer


def ap_slanted(first=None):
    def answer(labels, scores):
        p, r = curve(labels, scores)
        if first is not None:
            p, r = np.array([first, *p]), np.array([0, *r])
        return sum((r[i + 1] - r[i]) * (p[i] + p[i + 1]) / 2 for i in range(len(p) - 1))

    return answer


def ap_stepped(height=lambda p, r: p, strictly=False):
    def answer(labels, scores):
        p, r = curve(labels, scores, strictly)
        return np.sum(height(p, r) * (r - np.append(0, r[:-1])))

    return answer


def f1_with(value, strictly=False, better=lambda new, best: new > best, result=lambda f1, t: (f1, t)):
    def answer(labels, scores):
        best, at = -1, None
        p, r = curve(labels, scores, strictly)
        for a, b, t in zip(p, r, sorted(set(scores), reverse=True), strict=True):
            if better(value(a, b), best):
                best, at = value(a, b), t
        return result(best, at)

    return answer


def harmonic(p, r):
    return 2 * p * r / (p + r) if p + r else 0.0


def f1_nan(labels, scores):
    p, r = curve(labels, scores)
    f1 = 2 * p * r / (p + r)
    return f1.max(), np.unique(scores)[::-1][np.argmax(f1)]


def f1_by_accuracy(accuracy):
    def answer(labels, scores):
        thresholds = np.unique(scores)[::-1]
        correct = [np.mean((scores >= t) == labels) for t in thresholds]
        t = thresholds[np.argmax(correct)]
        flagged = scores >= t
        f1 = 2 * np.sum(flagged & labels) / (flagged.sum() + labels.sum())
        return (max(correct) if accuracy else f1), t

    return answer


def f1_halfway(labels, scores):
    f1, t = f1_with(harmonic)(labels, scores)
    lower = [s for s in scores if s < t]
    return f1, (t + max(lower)) / 2 if lower else t


def f1_at(thresholds, better=lambda new, best: new > best):
    def answer(labels, scores):
        best, at = -1, None
        for t in thresholds(scores)[::-1]:
            tp, fp, fn = (np.sum(x) for x in ((scores >= t) & labels, (scores >= t) & ~labels, (scores < t) & labels))
            f1 = 2 * tp / (2 * tp + fp + fn)
            if better(f1, best):
                best, at = f1, t
        return best, at

    return answer


def ap_interpolated(labels, scores):
    p, r = curve(labels, scores)
    best_from_here = [max(p[i:]) for i in range(len(p))]
    return sum(b * (r[i] - (r[i - 1] if i else 0)) for i, b in enumerate(best_from_here))


def scaled_with(low, high, score=lambda scaled: scaled.max(axis=(1, 2))):
    def answer(maps, calibration):
        a, b = (np.reshape(end(maps, calibration), (-1, 1, 1)) for end in (low, high))
        return score((maps - a) / (b - a))

    return answer


def of_each(function):
    return lambda maps, calibration: [function(anomaly_map) for anomaly_map in maps]


def of_calibration(function):
    return lambda maps, calibration: function(calibration)


def of_tested(function):
    return lambda maps, calibration: function(maps)


ENDS = of_calibration(np.min), of_calibration(np.max)
WRONG = [
    ("06.1", "neighbours of the patch", scores_with(neighbours=lambda m, p, b: (np.argsort(p)[:b],) * 2)),
    ("06.1", "neighbours of m* twice", scores_with(neighbours=lambda m, p, b: (np.argsort(m)[:b],) * 2)),
    ("06.1", "swapped", lambda patches, bank, b: scores_with()(patches, bank, b)[::-1]),
    ("06.1", "each patch reweighted", of_each_patch(np.max)),
    ("06.1", "mean over the patches", of_each_patch(np.mean)),
    ("06.1", "first patch", scores_with(worst=lambda d: 0)),
    (
        "06.1",
        "nearest left out",
        scores_with(neighbours=lambda m, p, b: (np.argsort(m)[1 : b + 1], np.argsort(p)[1 : b + 1])),
    ),
    ("06.1", "squared distances", scores_with(distance=lambda a, b: ((a - b) ** 2).sum())),
    ("06.1", "distances from m*", scores_with(exponents=lambda m, p: (m, p))),
    ("06.1", "not one minus", scores_with(finish=lambda share, s: share * s)),
    ("06.1", "the factor alone", scores_with(finish=lambda share, s: 1 - share)),
    ("06.2", "ties lost", pairs_counted(lambda d, n: d > n)),
    ("06.2", "ties won", pairs_counted(lambda d, n: d >= n)),
    ("06.2", "ties in order", auroc_by_rank),
    *(("06.2", "ties in order", auroc_by_curve(order)) for order in FALLING.values()),
    *(("06.2", "ties in order", auroc_by_rank_sum(kind)) for kind in ("stable", "quicksort", "heapsort")),
    ("06.2", "upside down", pairs_counted(lambda d, n: (n > d) + (n == d) / 2)),
    ("06.2", "pairs of one kind", auroc_of_all_pairs),
    ("06.2", "one threshold", accuracy_at_the_median),
    *(("06.3", "ties one by one", ap_one_by_one(order)) for order in FALLING.values()),
    ("06.3", "joined by lines", ap_slanted()),
    ("06.3", "joined by lines", ap_slanted(1)),
    ("06.3", "joined by lines", ap_slanted(0)),
    ("06.3", "mean of the precisions", lambda labels, scores: np.mean(curve(labels, scores)[0])),
    ("06.3", "strictly above", ap_stepped(strictly=True)),
    ("06.3", "recall for precision", ap_stepped(lambda p, r: r)),
    ("06.3", "interpolated precision", ap_interpolated),
    ("06.4", "arithmetic mean", f1_with(lambda p, r: (p + r) / 2)),
    ("06.4", "two forgotten", f1_with(lambda p, r: harmonic(p, r) / 2)),
    ("06.4", "nothing found", f1_nan),
    ("06.4", "strictly above", f1_with(harmonic, strictly=True)),
    ("06.4", "lowest of several", f1_with(harmonic, better=lambda new, best: new >= best - 1e-12)),
    ("06.4", "between two scores", f1_halfway),
    ("06.4", "accuracy", f1_by_accuracy(True)),
    ("06.4", "accuracy", f1_by_accuracy(False)),
    ("06.4", "the F1 alone", f1_with(harmonic, result=lambda f1, t: f1)),
    ("06.4", "threshold first", f1_with(harmonic, result=lambda f1, t: (t, f1))),
    ("06.4", "other thresholds", f1_at(lambda s: np.linspace(s.min(), s.max(), 100))),
    ("06.4", "other thresholds", f1_at(lambda s: np.linspace(0, 1, 101))),
    ("06.4", "other thresholds", f1_at(lambda s: np.arange(s.min(), s.max(), 0.01))),
    ("06.5", "scale of its own", scaled_with(of_each(np.min), of_each(np.max))),
    ("06.5", "shifted by its own minimum", lambda m, c: (m.max((1, 2)) - m.min((1, 2))) / (c.max() - c.min())),
    ("06.5", "scale of the test", scaled_with(of_tested(np.min), of_tested(np.max))),
    ("06.5", "clipped", scaled_with(*ENDS, lambda scaled: np.minimum(scaled, 1).max(axis=(1, 2)))),
    *(
        ("06.5", "scale of each calibration map", scaled_with(*(of_calibration(end) for end in ends)))
        for ends in (
            (lambda c: c.min((1, 2)).mean(), lambda c: c.max((1, 2)).mean()),
            (lambda c: np.median(c.min((1, 2))), lambda c: np.median(c.max((1, 2)))),
        )
    ),
    ("06.5", "not shifted", scaled_with(of_calibration(lambda c: 0), of_calibration(np.max))),
    ("06.5", "divided by the highest", lambda m, c: (m.max(axis=(1, 2)) - c.min()) / c.max()),
    ("06.5", "maps", scaled_with(*ENDS, lambda scaled: scaled)),
    ("06.5", "mean of the map", scaled_with(*ENDS, lambda scaled: scaled.mean(axis=(1, 2)))),
]


@pytest.mark.parametrize(("number", "name", "answer"), WRONG, ids=lambda v: v if isinstance(v, str) else "")
def test_typical_wrong_answer_gets_its_own_hint(number: str, name: str, answer: Callable):
    draws_its_own_hint(BY_ID[number], name, answer)


def test_every_mistake_is_tried_above():
    assert {(n, m) for n, m, _ in WRONG} == {(e.id, m.name) for e in EXERCISES for m in e.mistakes}
