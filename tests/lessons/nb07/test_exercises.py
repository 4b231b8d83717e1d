"""Exercises of notebook 07: right answers pass in any form, and each typical wrong answer gets its own hint."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from lesson_cells import draws_its_own_hint

from aitex_utils.lessons import judge
from aitex_utils.lessons.nb07.exercises import EXERCISES

BY_ID = {exercise.id: exercise for exercise in EXERCISES}


# Right answers, each written in two other ways.


def aupro_by_segments(regions, normal, max_fpr):
    area, x0, y0 = 0.0, 0.0, 0.0
    for t in sorted({float(v) for part in [*regions, normal] for v in part}, reverse=True):
        x1, y1 = np.mean(normal >= t), np.mean([np.mean(r >= t) for r in regions])
        if x1 > max_fpr:
            y1, x1 = y0 + (y1 - y0) * (max_fpr - x0) / (x1 - x0), max_fpr
        area += (x1 - x0) * (y0 + y1) / 2
        x0, y0 = x1, y1
        if x0 >= max_fpr:
            break
    return area / max_fpr


def aupro_by_module(regions, normal, max_fpr):
    """Lay the regions side by side, separated by a column of pixels that are not evaluated."""
    from aitex_utils import metrics

    maps = [np.append(r, np.nan)[None] for r in regions] + [np.array([normal])]
    masks = [np.append(np.ones(len(r)), 0)[None] for r in regions] + [np.zeros((1, len(normal)))]
    return metrics.aupro(maps, masks, max_fpr)


def rows_by_list(groups, rng):
    names = sorted(set(groups.tolist()))
    rows = []
    for i in rng.integers(0, len(names), len(names)):
        rows += [row for row, name in enumerate(groups) if name == names[i]]
    return np.array(rows)


def rows_in_another_order(groups, rng):
    names = np.unique(groups)
    return np.concatenate([np.where(groups == n)[0] for n in rng.choice(names, len(names), replace=True)])[::-1]


def threshold_by_sorting(fitted, held_out, today, false_alarm_rate):
    n = len(held_out)
    k = math.ceil((n + 1) * (1 - false_alarm_rate))
    return sorted(held_out)[k - 1] if k <= n else float("inf")


def threshold_from_above(fitted, held_out, today, false_alarm_rate):
    allowed = math.floor((len(held_out) + 1) * false_alarm_rate)  # scores at the threshold or above, with the new one
    return np.inf if allowed < 1 else np.sort(held_out)[::-1][allowed - 1]


def tuned_by_sklearn(scores, labels, tuning):
    from sklearn.metrics import roc_auc_score

    rated = [roc_auc_score(labels[tuning], row[tuning]) for row in scores]
    best = rated.index(max(rated))
    return best, roc_auc_score(labels[~tuning], scores[best, ~tuning])


def tuned_by_splitting(scores, labels, tuning):
    chosen = int(np.argmax(pair_shares(scores[:, tuning], labels[tuning])))
    return [chosen, pair_shares(scores[chosen : chosen + 1, ~tuning], labels[~tuning])[0]]


def pair_shares(scores, labels):
    differences = scores[:, labels][:, :, None] - scores[:, ~labels][:, None]
    return (np.sign(differences) / 2 + 0.5).mean(axis=(1, 2))


def point_by_counts(threshold, labels, scores, normal_per_100_m, defective_per_100_m):
    fp, tp = np.sum((scores >= threshold) & ~labels), np.sum((scores >= threshold) & labels)
    false_alarms = normal_per_100_m * fp / np.sum(~labels)
    misses = defective_per_100_m * np.sum(labels & (scores < threshold)) / labels.sum()
    hits = defective_per_100_m * tp / labels.sum()
    return false_alarms, misses, 1 if fp + tp == 0 else hits / (hits + false_alarms)


def point_by_array(threshold, labels, scores, normal_per_100_m, defective_per_100_m):
    flagged = np.where(scores < threshold, 0.0, 1.0)
    false_alarms, hits = (flagged[labels == is_bad].mean() for is_bad in (False, True))
    rates = np.array([false_alarms * normal_per_100_m, hits * defective_per_100_m])
    with np.errstate(invalid="ignore"):
        return np.array([rates[0], defective_per_100_m - rates[1], np.nan_to_num(rates[1] / rates.sum(), nan=1.0)])


RIGHT = {
    "07.1": (aupro_by_segments, aupro_by_module),
    "07.2": (rows_by_list, rows_in_another_order),
    "07.3": (threshold_by_sorting, threshold_from_above),
    "07.4": (tuned_by_sklearn, tuned_by_splitting),
    "07.5": (point_by_counts, point_by_array),
}


@pytest.mark.parametrize(("number", "answer"), [(n, f) for n, both in RIGHT.items() for f in both])
def test_right_answer_passes_in_any_form(number: str, answer: Callable):
    verdict = judge(BY_ID[number], answer)
    assert verdict.passed, verdict.message


# Wrong answers, as a learner would type them.


def aupro_at(
    thresholds=lambda regions, normal: np.unique(np.concatenate([*regions, normal])),
    area=lambda y, x: np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2),
):
    def answer(regions, normal, max_fpr):
        x, y = [0], [0]
        for t in sorted(thresholds(regions, normal), reverse=True):
            x.append((normal >= t).mean())
            y.append(np.mean([(r >= t).mean() for r in regions]))
        end = np.interp(max_fpr, x, y)
        inside = np.array(x) <= max_fpr
        return area(np.append(np.array(y)[inside], end), np.append(np.array(x)[inside], max_fpr)) / max_fpr

    return answer


def spaced(count):
    def thresholds(regions, normal):
        scores = np.concatenate([*regions, normal])
        return np.linspace(scores.min(), scores.max(), count)

    return thresholds


def aupro_with(
    overlap=lambda regions, t: np.mean([np.mean(r >= t) for r in regions]),
    false_positive_rate=lambda normal, t: np.mean(normal >= t),
    origin=True,
    cut=True,
    line=True,
    divide=True,
    inside=lambda x, limit: x <= limit,
):
    def answer(regions, normal, max_fpr):
        ts = np.unique(np.concatenate([*regions, normal]))[::-1]
        x = [0.0] * origin + [false_positive_rate(normal, t) for t in ts]
        y = [0.0] * origin + [overlap(regions, t) for t in ts]
        if cut:
            kept = [i for i in range(len(x)) if inside(x[i], max_fpr)]
            end = [np.interp(max_fpr, x, y)] if line else []
            x, y = [x[i] for i in kept] + [max_fpr] * line, [y[i] for i in kept] + end
        area = sum((x[i + 1] - x[i]) * (y[i + 1] + y[i]) / 2 for i in range(len(x) - 1))
        return area / max_fpr if divide else area

    return answer


def rows_once(groups, rng):
    names = np.unique(groups)
    return np.where(np.isin(groups, rng.choice(names, len(names))))[0]


def rows_of_all(groups, rng):
    names = rng.permutation(np.unique(groups))
    return np.concatenate([np.flatnonzero(groups == n) for n in names])


def rows_by_tile_list(count):
    def answer(groups, rng):
        return np.concatenate([np.flatnonzero(groups == n) for n in rng.choice(groups, size=count(groups))])

    return answer


def threshold_with(
    scores=lambda f, h, t: h, rank=lambda n, rate: math.ceil((n + 1) * (1 - rate)), few=lambda s: math.inf, index=-1
):
    def answer(fitted, held_out, today, false_alarm_rate):
        s = sorted(scores(fitted, held_out, today))
        k = rank(len(s), false_alarm_rate)
        return few(s) if k > len(s) else s[k + index]

    return answer


def threshold_clipped(held_out, rate):
    k = int(np.ceil((1 + len(held_out)) * (1 - rate)))
    return np.sort(held_out)[np.clip(k, 0, len(held_out) - 1)]


def unsorted_threshold(fitted, held_out, today, false_alarm_rate):
    k = math.ceil((len(held_out) + 1) * (1 - false_alarm_rate))
    return np.inf if k > len(held_out) else held_out[k - 1]


def falling_threshold(fitted, held_out, today, false_alarm_rate):
    k = math.ceil((len(held_out) + 1) * (1 - false_alarm_rate))
    return np.inf if k > len(held_out) else sorted(held_out, reverse=True)[k - 1]


def threshold_by_quantile(method):
    return lambda fitted, held_out, today, rate: np.quantile(held_out, 1 - rate, method=method)


def threshold_by_normal_distribution(ddof):
    def answer(fitted, held_out, today, false_alarm_rate):
        from scipy.stats import norm

        return np.mean(held_out) + norm.ppf(1 - false_alarm_rate) * np.std(held_out, ddof=ddof)

    return answer


def rate_of_all_pixels(regions, normal, max_fpr):
    n = len(normal) + len(np.concatenate(regions))
    return aupro_with(false_positive_rate=lambda values, t: np.sum(values >= t) / n)(regions, normal, max_fpr)


def another_draw(seed):
    return lambda groups, rng: rows_in_another_order(groups, np.random.default_rng(seed))


def rounded_rank(rounding):
    return threshold_with(rank=lambda n, rate: rounding((n + 1) * (1 - rate)))


def tuned(choose, report, result=lambda best, area: (best, area), better=np.argmax):
    """Return an answer that chooses and reports on the tiles that two functions of `tuning` select."""

    def answer(scores, labels, tuning):
        best = int(better(pair_shares(scores[:, choose(tuning)], labels[choose(tuning)])))
        return result(best, float(pair_shares(scores[:, report(tuning)], labels[report(tuning)])[best]))

    return answer


def everywhere(tuning):
    return np.ones(len(tuning), bool)


def own(tuning):
    return tuning


def rest(tuning):
    return ~tuning


def highest_of_others(scores, labels, tuning):
    best = int(np.argmax(pair_shares(scores[:, tuning], labels[tuning])))
    return best, pair_shares(scores[:, ~tuning], labels[~tuning]).max()


def point_with(
    flag=lambda scores, threshold: scores >= threshold,
    rate=lambda flagged, labels: flagged[~labels].mean(),
    found=lambda flagged, labels: flagged[labels].mean(),
    result=lambda false_alarms, hits, defective, precision: (false_alarms, defective - hits, precision),
    nothing=1.0,
):
    def answer(threshold, labels, scores, normal, defective):
        flagged = flag(scores, threshold)
        false_alarms, hits = rate(flagged, labels) * normal, found(flagged, labels) * defective
        precision = hits / (hits + false_alarms) if hits + false_alarms > 0 else nothing
        return result(false_alarms, hits, defective, precision)

    return answer


def point_with_test_precision(threshold, labels, scores, normal, defective):
    flagged = scores >= threshold
    precision = np.sum(flagged & labels) / flagged.sum() if flagged.any() else 1
    return flagged[~labels].mean() * normal, (~flagged)[labels].mean() * defective, precision


def point_in_shares(threshold, labels, scores, normal, defective):
    false_alarms, misses, precision = point_by_counts(threshold, labels, scores, normal, defective)
    return false_alarms / normal, misses / defective, precision


WRONG = [
    ("07.1", "pixels pooled", aupro_with(overlap=lambda regions, t: np.mean(np.concatenate(regions) >= t))),
    ("07.1", "touched is found", aupro_with(overlap=lambda regions, t: np.mean([np.any(r >= t) for r in regions]))),
    ("07.1", "not divided", aupro_with(divide=False)),
    ("07.1", "the whole curve", aupro_with(cut=False)),
    ("07.1", "the whole curve", aupro_with(cut=False, divide=False)),
    ("07.1", "cut before the limit", aupro_with(line=False)),
    ("07.1", "top of a step", aupro_with(inside=lambda x, limit: x < limit)),
    ("07.1", "steps", aupro_at(area=lambda y, x: np.sum(np.diff(x) * y[1:]))),
    ("07.1", "steps", aupro_at(area=lambda y, x: np.sum(np.diff(x) * y[:-1]))),
    ("07.1", "thresholds of the normals", aupro_at(lambda regions, normal: np.unique(normal))),
    *(("07.1", "even thresholds", aupro_at(spaced(count))) for count in (37, 100, 1000)),
    ("07.1", "not from zero", aupro_with(origin=False)),
    (
        "07.1",
        "strictly above",
        aupro_with(lambda regions, t: np.mean([np.mean(r > t) for r in regions]), lambda n, t: np.mean(n > t)),
    ),
    ("07.1", "rate of all pixels", rate_of_all_pixels),
    ("07.2", "tiles resampled", lambda groups, rng: rng.integers(0, len(groups), len(groups))),
    ("07.2", "each strip once at most", rows_once),
    ("07.2", "without replacement", rows_of_all),
    ("07.2", "long strips more often", rows_by_tile_list(lambda groups: len(set(groups)))),
    ("07.2", "long strips more often", rows_by_tile_list(len)),
    ("07.2", "names for rows", lambda groups, rng: rng.choice(np.unique(groups), len(set(groups)))),
    *(("07.2", "another draw", another_draw(seed)) for seed in (0, 42)),
    ("07.3", "from the fitted tiles", threshold_with(lambda f, h, t: f)),
    ("07.3", "from the test set", threshold_with(lambda f, h, t: t)),
    ("07.3", "all normals together", threshold_with(lambda f, h, t: [*f, *h])),
    ("07.3", "n for n + 1", threshold_with(rank=lambda n, rate: math.ceil(n * (1 - rate)))),
    ("07.3", "one rank too high", threshold_with(index=0)),
    ("07.3", "one rank too high", lambda f, h, t, rate: threshold_clipped(h, rate)),
    *(("07.3", "rounded down", rounded_rank(rounding)) for rounding in (int, math.floor, round)),
    ("07.3", "not sorted", unsorted_threshold),
    ("07.3", "sorted falling", falling_threshold),
    ("07.3", "no infinity", threshold_with(few=lambda s: s[-1])),
    ("07.3", "the other end", threshold_with(rank=lambda n, rate: math.ceil((n + 1) * rate))),
    *(("07.3", "plain quantile", threshold_by_quantile(m)) for m in ("linear", "higher", "nearest")),
    *(("07.3", "a bell curve", threshold_by_normal_distribution(ddof)) for ddof in (0, 1)),
    ("07.4", "chosen and reported on all", tuned(everywhere, everywhere)),
    ("07.4", "reported on the tuning tiles", tuned(own, own)),
    ("07.4", "reported on all", tuned(own, everywhere)),
    ("07.4", "chosen on all", tuned(everywhere, rest)),
    ("07.4", "chosen on the others", tuned(rest, rest)),
    ("07.4", "roles swapped", tuned(rest, own)),
    ("07.4", "AUROC first", tuned(own, rest, lambda best, area: (area, best))),
    ("07.4", "the AUROC alone", tuned(own, rest, lambda best, area: area)),
    ("07.4", "highest AUROC of the others", highest_of_others),
    ("07.4", "lowest", tuned(own, rest, better=np.argmin)),
    ("07.5", "precision of the test", point_with_test_precision),
    (
        "07.5",
        "hits for misses",
        point_with(result=lambda false_alarms, hits, _, precision: (false_alarms, hits, precision)),
    ),
    ("07.5", "all alarms", point_with(result=lambda f, hits, defective, p: (f + hits, defective - hits, p))),
    ("07.5", "shares", point_in_shares),
    (
        "07.5",
        "recall for precision",
        point_with(result=lambda f, hits, defective, p: (f, defective - hits, hits / defective)),
    ),
    ("07.5", "strictly above", point_with(lambda scores, threshold: scores > threshold)),
    *(("07.5", "no alarm", point_with(nothing=value)) for value in (0, math.nan)),
    (
        "07.5",
        "share of all tiles",
        point_with(rate=lambda f, labels: (f & ~labels).mean(), found=lambda f, labels: (f & labels).mean()),
    ),
]


@pytest.mark.parametrize(("number", "name", "answer"), WRONG, ids=lambda v: v if isinstance(v, str) else "")
def test_typical_wrong_answer_gets_its_own_hint(number: str, name: str, answer: Callable):
    draws_its_own_hint(BY_ID[number], name, answer)


def test_every_mistake_is_tried_above():
    assert {(n, m) for n, m, _ in WRONG} == {(e.id, m.name) for e in EXERCISES for m in e.mistakes}


def test_positions_as_floats_and_a_list_are_refused_by_their_kind():
    for convert in (lambda rows: rows.astype(float), list):
        verdict = judge(BY_ID["07.2"], lambda groups, rng, convert=convert: convert(rows_in_another_order(groups, rng)))
        assert verdict.kind == "wrong kind" and "array of integers" in verdict.message
