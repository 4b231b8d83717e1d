"""Exercises of notebook 12: right answers pass in any form, and each typical wrong answer gets its own hint."""

from __future__ import annotations

import math
from collections.abc import Callable

import lesson_cells as lessons
import numpy as np
import pytest

from aitex_utils.inspection.judge import pictures_needed
from aitex_utils.lessons import judge
from aitex_utils.lessons.nb12 import reference
from aitex_utils.lessons.nb12.exercises import EXERCISES
from aitex_utils.metrics import conformal_threshold

BY_ID = {exercise.id: exercise for exercise in EXERCISES}
NAMES = {"12.1": "pictures_to_take", "12.2": "realised_rates", "12.3": "cusum", "12.4": "track_threshold"}


@pytest.fixture(scope="module")
def solutions() -> dict[str, Callable]:
    return lessons.functions(lessons.builder.solved, NAMES)


# Right answers, each written in two other ways.


def take_by_trying(false_alarms):
    n = 1
    while 1 / (n + 1) > false_alarms * (1 + 1e-9):
        n += 1
    return n + n


def take_by_rounding(false_alarms):
    return 2 * (math.ceil(round(1 / false_alarms, 6)) - 1)


def rates_by_sorting(scores, orders, n_held_out, false_alarms):
    rank = math.ceil((n_held_out + 1) * (1 - false_alarms) - 1e-9)
    result = []
    for order in orders:
        highest = sorted(scores[i] for i in order[:n_held_out])[rank - 1]
        result.append(sum(scores[i] > highest for i in order[n_held_out:]) / (len(scores) - n_held_out))
    return result


def rates_by_matrix(scores, orders, n_held_out, false_alarms):
    table = scores[orders]
    thresholds = [conformal_threshold(row[:n_held_out], false_alarms) for row in table]
    return np.mean(table[:, n_held_out:] >= np.array(thresholds)[:, None], axis=1)


def cusum_by_where(scores, held_out):
    steps = np.minimum((scores - np.mean(held_out)) / np.std(held_out), 3) - 0.5
    sums = np.zeros(len(scores) + 1)
    for i, step in enumerate(steps):
        sums[i + 1] = np.where(sums[i] + step > 0, sums[i] + step, 0)
    return sums[1:]


def cusum_by_minimum(scores, held_out):
    steps = np.clip((scores - held_out.mean()) / held_out.std(), None, 3) - 0.5
    path = np.cumsum(steps)
    return path - np.minimum(np.minimum.accumulate(path), 0)


def track_by_counting(scores, start, false_alarms, step):
    flags, thresholds = 0, []
    for i, score in enumerate(scores):
        threshold = start + step * (flags - i * false_alarms)
        thresholds.append(threshold)
        flags += score >= threshold
    return thresholds


def track_by_branches(scores, start, false_alarms, step):
    thresholds = np.empty(len(scores))
    now = start
    for i in range(len(scores)):
        thresholds[i] = now
        now = now + step * (1 - false_alarms) if scores[i] >= now else now - step * false_alarms
    return thresholds


RIGHT = {
    "12.1": (take_by_trying, take_by_rounding),
    "12.2": (rates_by_sorting, rates_by_matrix),
    "12.3": (cusum_by_where, cusum_by_minimum),
    "12.4": (track_by_counting, track_by_branches),
}


@pytest.mark.parametrize(("number", "answer"), [(n, f) for n, both in RIGHT.items() for f in both])
def test_right_answer_passes_in_any_form(number: str, answer: Callable):
    verdict = judge(BY_ID[number], answer)
    assert verdict.passed, verdict.message


# Wrong answers, as a learner would type them.


def rates_with(held_out=lambda s, n: s[:n], judged=lambda s, n: s[n:], threshold=conformal_threshold):
    def answer(scores, orders, n_held_out, false_alarms):
        result = []
        for order in orders:
            shuffled = scores[order]
            limit = threshold(held_out(shuffled, n_held_out), false_alarms)
            result.append(np.mean(judged(shuffled, n_held_out) >= limit))
        return np.array(result)

    return answer


def rates_then(finish):
    def answer(scores, orders, n_held_out, false_alarms):
        rates = rates_with()(scores, orders, n_held_out, false_alarms)
        return finish(rates, len(scores), n_held_out)

    return answer


def unshuffled(scores, orders, n_held_out, false_alarms):
    limit = conformal_threshold(scores[:n_held_out], false_alarms)
    return np.array([np.mean(scores[n_held_out:] >= limit) for _ in orders])


def sums_with(add, middle=np.mean, spread=np.std, of=lambda scores, held_out: held_out, sign=1):
    def answer(scores, held_out):
        total, sums = 0, []
        for score in scores:
            source = of(scores, held_out)
            total = add(total, sign * (score - middle(source)) / spread(source))
            sums.append(total)
        return np.array(sums)

    return answer


def usual(total, z):
    return max(0, total + min(z, 3) - 0.5)


def thresholds_with(change, is_late=False):
    def answer(scores, start, false_alarms, step):
        threshold, thresholds = start, []
        for score in scores:
            judged_with = threshold
            threshold = threshold + change(score >= threshold, false_alarms, step)
            thresholds.append(threshold if is_late else judged_with)
        return np.array(thresholds)

    return answer


def right_change(flagged, rate, step):
    return step * (flagged - rate)


def strict(scores, start, false_alarms, step):
    thresholds = []
    for score in scores:
        thresholds.append(start)
        start = start + step * ((score > start) - false_alarms)
    return np.array(thresholds)


def against_start(scores, start, false_alarms, step):
    threshold, thresholds = start, []
    for score in scores:
        thresholds.append(threshold)
        threshold += step * ((score >= start) - false_alarms)
    return np.array(thresholds)


def flags(scores, start, false_alarms, step):
    return scores >= track_by_branches(scores, start, false_alarms, step)


WRONG = [
    ("12.1", "held-out half only", lambda rate: math.ceil(round(1 / rate, 9)) - 1),
    ("12.1", "new picture not counted", lambda rate: 2 * math.ceil(round(1 / rate, 9))),
    ("12.1", "one off in total", lambda rate: 2 * math.ceil(round(1 / rate, 9)) - 1),
    ("12.1", "one added", lambda rate: 2 * (math.ceil(round(1 / rate, 9)) + 1)),
    ("12.1", "rounded down", lambda rate: 2 * (int(round(1 / rate, 9)) - 1)),
    ("12.1", "doubled before rounding", lambda rate: math.ceil(round(2 * (1 / rate - 1), 9))),
    ("12.2", "held-out pictures judged", rates_with(judged=lambda s, n: s[:n])),
    ("12.2", "all pictures judged", rates_with(judged=lambda s, n: s)),
    ("12.2", "parts exchanged", rates_with(held_out=lambda s, n: s[n:], judged=lambda s, n: s[:n])),
    ("12.2", "plain quantile", rates_with(threshold=lambda s, rate: np.quantile(s, 1 - rate))),
    ("12.2", "highest held-out score", rates_with(threshold=lambda s, rate: max(s) + 1e-9)),
    ("12.2", "order ignored", unshuffled),
    ("12.2", "one number", rates_then(lambda rates, n, m: sum(rates) / len(rates))),
    ("12.2", "counts", rates_then(lambda rates, n, m: np.round(rates * (n - m)))),
    ("12.2", "share of all", rates_then(lambda rates, n, m: np.round(rates * (n - m)) / n)),
    ("12.2", "not flagged", rates_then(lambda rates, n, m: 1 - rates)),
    ("12.3", "below zero", sums_with(lambda total, z: total + min(z, 3) - 0.5)),
    ("12.3", "no slack", sums_with(lambda total, z: max(0, total + min(z, 3)))),
    ("12.3", "no cap", sums_with(lambda total, z: max(0, total + z - 0.5))),
    ("12.3", "cap on the sum", sums_with(lambda total, z: max(0, min(3, total + z - 0.5)))),
    ("12.3", "cap after slack", sums_with(lambda total, z: max(0, total + min(z - 0.5, 3)))),
    ("12.3", "not divided", sums_with(usual, spread=lambda s: 1)),
    ("12.3", "variance", sums_with(usual, spread=np.var)),
    ("12.3", "own mean", sums_with(usual, of=lambda scores, held_out: scores)),
    ("12.3", "sign exchanged", sums_with(usual, sign=-1)),
    ("12.3", "no sum", sums_with(lambda total, z: max(0, min(z, 3) - 0.5))),
    ("12.3", "last sum only", lambda scores, held_out: cusum_by_where(scores, held_out)[-1]),
    ("12.4", "threshold after", thresholds_with(right_change, is_late=True)),
    ("12.4", "sign exchanged", thresholds_with(lambda flagged, rate, step: step * (rate - flagged))),
    ("12.4", "never lowered", thresholds_with(lambda flagged, rate, step: step * flagged)),
    ("12.4", "full fall", thresholds_with(lambda flagged, rate, step: step if flagged else -step)),
    ("12.4", "full rise", thresholds_with(lambda flagged, rate, step: step if flagged else -step * rate)),
    ("12.4", "step left out", thresholds_with(lambda flagged, rate, step: flagged - rate)),
    ("12.4", "strictly above", strict),
    ("12.4", "against the first threshold", against_start),
    ("12.4", "flags", flags),
]


@pytest.mark.parametrize(("number", "name", "answer"), WRONG, ids=lambda v: v if isinstance(v, str) else "")
def test_typical_wrong_answer_gets_its_own_hint(number: str, name: str, answer: Callable):
    lessons.draws_its_own_hint(BY_ID[number], name, answer)


def test_every_mistake_is_tried_above():
    assert {(n, m) for n, m, _ in WRONG} == {(e.id, m.name) for e in EXERCISES for m in e.mistakes}


# The functions of the notebook agree with the package.


def test_twice_the_pictures_that_the_inspection_asks_for(solutions: dict):
    for rate in (0.5, 0.1, 0.05, 0.03, 0.01, 0.002):
        assert solutions["12.1"](rate) == reference.pictures_to_take(rate) == 2 * pictures_needed(rate)


def test_the_promise_is_kept_on_average(solutions: dict):
    rng = np.random.default_rng(0)
    scores, orders = rng.gamma(2, size=60), np.array([rng.permutation(60) for _ in range(3000)])
    rates = solutions["12.2"](scores, orders, 19, 0.05)
    np.testing.assert_allclose(rates, reference.realised_rates(scores, orders, 19, 0.05))
    assert abs(rates.mean() - 0.05) < 0.005 and rates.max() > 0.15


def test_the_sum_of_the_notebook_is_that_of_the_package_and_notices_a_small_shift(solutions: dict):
    rng = np.random.default_rng(0)
    held_out = rng.normal(2, 0.1, 400)
    quiet, shifted = rng.normal(2, 0.1, 20), rng.normal(2.2, 0.1, 20)
    for scores in (quiet, shifted):
        np.testing.assert_allclose(solutions["12.3"](scores, held_out), reference.cusum(scores, held_out))
    assert solutions["12.3"](quiet, held_out).max() < 5 < solutions["12.3"](shifted, held_out).max()


@pytest.mark.parametrize("rise", [0.0, 2.0, 20.0])
def test_the_threshold_that_follows_keeps_its_rate_in_any_drift(solutions: dict, rise: float):
    rng = np.random.default_rng(0)
    scores = rng.normal(2, 0.2, 2000) + np.linspace(0, rise, 2000)
    thresholds = solutions["12.4"](scores, 2.4, 0.1, 0.2)
    np.testing.assert_allclose(thresholds, reference.track_threshold(scores, 2.4, 0.1, 0.2))
    assert abs((scores >= thresholds).mean() - 0.1) < 0.06


def test_the_examples_in_the_text_hold(solutions: dict):
    assert solutions["12.1"](0.5) == 2
    rates = solutions["12.2"](np.array([1.0, 2.0, 3.0]), np.array([[0, 1, 2], [2, 1, 0]]), 1, 0.5)
    assert rates.tolist() == [1.0, 0.0]
    assert solutions["12.3"](np.array([2.0, 5.0, 0.0]), np.array([-1.0, 1.0])).tolist() == [1.5, 4.0, 3.5]
    assert solutions["12.4"](np.array([5.0, 0.0, 0.0]), 4.0, 0.25, 1.0).tolist() == [4.0, 4.75, 4.5]
