"""Exercises of notebook 04: right answers pass however they are written, typical mistakes get their own hints."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Callable

import jupytext
import lesson_cells as lessons
import numpy as np
import pytest
import torch

from aitex_utils.coreset import k_center_greedy
from aitex_utils.lessons import judge
from aitex_utils.lessons.engine import judge as judge_module
from aitex_utils.lessons.nb04 import decisions, sampling
from aitex_utils.lessons.nb04.exercises import EXERCISES

BY_ID = {exercise.id: exercise for exercise in EXERCISES}
NAMES = {
    "04.1": "covering_radius",
    "04.2": "farthest_first",
    "04.3": "bytes_moved",
    "04.4": "choose_inside",
    "04.5": "size_for",
    "04.6": "best_ratio",
}


@pytest.fixture(scope="module")
def solutions() -> dict[str, Callable]:
    return lessons.functions(lessons.builder.solved, NAMES)


# Right answers, written in two other ways each.


def radius_by_loops(patches, chosen):
    worst = 0.0
    for p in patches:
        worst = max(worst, min(math.dist(p, c) for c in chosen))
    return worst


def radius_by_torch(patches, chosen):
    return torch.cdist(torch.from_numpy(patches), torch.from_numpy(chosen)).amin(dim=1).max()


def greedy_from_start(patches, k, start):
    chosen = [start]
    nearest = ((patches - patches[start]) ** 2).sum(1)
    radii = [nearest.max() ** 0.5]
    while len(chosen) < k:
        chosen.append(int(np.argmax(nearest)))
        nearest = np.minimum(nearest, ((patches - patches[chosen[-1]]) ** 2).sum(1))
        radii.append(nearest.max() ** 0.5)
    return chosen, radii


def greedy_from_scratch(patches, k, start):
    """Compute all distances to all centres anew for each choice."""
    chosen, radii = [start], []
    while True:
        nearest = np.array([min(math.dist(p, patches[c]) for c in chosen) for p in patches])
        radii.append(nearest.max())
        if len(chosen) == k:
            return np.array(chosen), radii
        chosen.append(nearest.argmax())


def bytes_by_math(n, channels, k, block=1):
    return math.ceil(k / block) * (n * channels * 4 + 2 * n * 4)


def bytes_by_counting(n, channels, k, block=1):
    total = 0
    for _ in range(0, k, block):
        total += np.zeros((n, channels), np.float32).nbytes + 2 * np.zeros(n, np.float32).nbytes
    return total


def inside_by_product(pool, near, floor, most):
    near, lengths, chosen = near.copy(), (pool**2).sum(1), []
    while near.max() >= floor and len(chosen) < most:
        b = near.argmax()
        chosen.append(b)
        near = np.minimum(near, lengths - 2 * pool @ pool[b] + lengths[b])
    return np.array(chosen)


def inside_by_loops(pool, near, floor, most):
    near, chosen = list(near), []
    for _ in range(most):
        best = max(range(len(near)), key=near.__getitem__)
        if near[best] < floor:
            return chosen
        chosen.append(best)
        near = [min(d, math.dist(p, pool[best]) ** 2) for d, p in zip(near, pool, strict=True)]
    return chosen


def size_by_loop(radii, max_radius):
    for size, radius in enumerate(radii, 1):
        if radius <= max_radius:
            return size
    return 0


def size_by_search(radii, max_radius):
    size = len(radii) - np.searchsorted(radii[::-1], max_radius, side="right") + 1
    return 0 if size > len(radii) else size


def ratio_by_loop(ratios, mib, ms, cost, max_mib, max_ms):
    best, lowest = 0.0, math.inf
    for ratio, memory, time, euros in zip(ratios, mib, ms, cost, strict=True):
        if memory <= max_mib and time <= max_ms and euros < lowest:
            best, lowest = ratio, euros
    return best


def ratio_by_shortening(ratios, mib, ms, cost, max_mib, max_ms):
    fits = np.logical_and(mib <= max_mib, ms <= max_ms)
    return ratios[fits][np.argmin(cost[fits])] if fits.any() else 0


RIGHT = {
    "04.1": (radius_by_loops, radius_by_torch),
    "04.2": (greedy_from_start, greedy_from_scratch),
    "04.3": (bytes_by_math, bytes_by_counting),
    "04.4": (inside_by_product, inside_by_loops),
    "04.5": (size_by_loop, size_by_search),
    "04.6": (ratio_by_loop, ratio_by_shortening),
}


@pytest.mark.parametrize(("number", "answer"), [(n, f) for n, both in RIGHT.items() for f in both])
def test_a_right_answer_passes_however_it_is_written(number: str, answer: Callable):
    verdict = judge(BY_ID[number], answer)
    assert verdict.passed, verdict.message


# Wrong answers, as a learner would type them.


def distance_table(patches, chosen):
    return np.linalg.norm(patches[:, None, :] - chosen[None, :, :], axis=-1)


def greedy_without_start(patches, k, start):
    nearest = np.linalg.norm(patches - patches[start], axis=1)
    indices, radii = [], []
    for _ in range(k):
        new = nearest.argmax()
        indices.append(new)
        nearest = np.minimum(nearest, np.linalg.norm(patches - patches[new], axis=1))
        radii.append(nearest.max())
    return np.array(indices), np.array(radii)


def greedy_too_few(patches, k, start):
    indices, radii = greedy_without_start(patches, k, start)
    return indices[:-1], radii[:-1]


def greedy_too_many(patches, k, start):
    indices, radii = [start], [np.linalg.norm(patches - patches[start], axis=1).max()]
    more, further = greedy_without_start(patches, k, start)
    return np.append(indices, more), np.append(radii, further)


def greedy_keeping(rule, late=True, output=lambda indices, radii, patches: (indices, radii)):
    """Return the loop of the notebook with another rule for the distance that is kept of each patch."""

    def answer(patches, k, start):
        nearest, best, indices, radii = None, start, [], []
        for _ in range(k):
            indices.append(best)
            if not late:
                radii.append(np.inf if nearest is None else nearest[best])
            new = np.linalg.norm(patches - patches[best], axis=1)
            nearest = new if nearest is None else rule(nearest, new)
            best = np.argmax(nearest)
            if late:
                radii.append(nearest[best])
        return output(np.array(indices), np.array(radii), patches)

    return answer


def greedy_with_a_first_zero(patches, k, start):
    """Note the radius at the top of the loop, before any distance is computed."""
    nearest, best, indices, radii = None, start, [], []
    while len(indices) < k:
        radii.append(0 if nearest is None else nearest.max())
        indices.append(best)
        new = np.linalg.norm(patches - patches[best], axis=1)
        nearest = new if nearest is None else np.minimum(nearest, new)
        best = np.argmax(nearest)
    return indices, radii


def greedy_from_zero(patches, k, start):
    return greedy_from_start(patches, k, 0)


def greedy_from_the_outermost(patches, k, start):
    return greedy_from_start(patches, k, int(((patches - patches.mean(0)) ** 2).sum(1).argmax()))


def greedy_into_zeros(patches, k, start):
    """Collect the indices in an array of decimal numbers."""
    indices, radii = np.zeros(k), np.zeros(k)
    indices[:], radii[:] = greedy_from_start(patches, k, start)
    return indices, radii


def bytes_with(passes=lambda k, b: math.ceil(k / b), per_pass=lambda n, c: 4 * (n * c + 2 * n)):
    return lambda n, channels, k, block=1: passes(k, block) * per_pass(n, channels)


def inside(is_low=lambda value, floor: value < floor, lower=True, after=False, bounded=True, squares=True):
    def answer(pool, near, floor, most):
        near, chosen = near.copy(), []
        for _ in range(most if bounded else len(pool)):
            best = int(np.argmax(near))
            stop = is_low(near[best], floor)
            if stop and not after:
                break
            chosen.append(best)
            if stop:
                break
            to_new = ((pool - pool[best]) ** 2).sum(1)
            if lower:
                near = np.minimum(near, to_new if squares else np.sqrt(to_new))
            near[best] = 0 if lower else -1
        return chosen

    return answer


def inside_by_the_last(pool, near, floor, most):
    chosen = []
    for _ in range(most):
        best = np.argmax(near)
        if near[best] < floor:
            break
        chosen.append(best)
        near = np.linalg.norm(pool - pool[best], axis=1) ** 2
    return chosen


def inside_struck_out(pool, near, floor, most):
    near, chosen = near.copy(), []
    while len(chosen) < most and near.max() >= floor:
        chosen.append(near.argmax())
        near[chosen[-1]] = 0
    return chosen


def inside_as_decimals(pool, near, floor, most):
    chosen = np.zeros(len(pool))
    positions = inside_by_product(pool, near, floor, most)
    chosen[: len(positions)] = positions
    return chosen[: len(positions)]


def inside_one_short(pool, near, floor, most):
    return inside_by_product(pool, near, floor, most - 1)


def ratio_of(fits=lambda mib, ms, a, b: (mib <= a) & (ms <= b), choose=None, empty=0.0):
    """Return an answer to 04.6 with another mask, another choice among what fits, or another result without any."""

    def cheapest(ratios, cost, mask):
        return ratios[np.where(mask, cost, np.inf).argmin()]

    def answer(ratios, mib, ms, cost, max_mib, max_ms):
        mask = fits(mib, ms, max_mib, max_ms)
        if not mask.any():
            return ratios[0] if empty is None else empty
        return (choose or cheapest)(ratios, cost, mask)

    return answer


def inside_sorted(pool, near, floor, most):
    return np.argsort(-near)[: min(most, (near >= floor).sum())]


WRONG = [
    ("04.1", "squared", lambda p, c: ((p[:, None] - c) ** 2).sum(2).min(1).max()),
    ("04.1", "mean", lambda p, c: distance_table(p, c).min(1).mean()),
    ("04.1", "farthest of all pairs", lambda p, c: np.max(distance_table(p, c))),
    ("04.1", "axes swapped", lambda p, c: distance_table(p, c).min(0).max()),
    ("04.1", "axes swapped", lambda p, c: max(min(math.dist(x, y) for x in p) for y in c)),
    ("04.1", "largest first", lambda p, c: distance_table(p, c).max(1).min()),
    ("04.1", "one for all", lambda p, c: min(max(math.dist(x, y) for x in p) for y in c)),
    ("04.1", "median", lambda p, c: np.median(distance_table(p, c).min(1))),
    ("04.1", "length over the wrong axis", lambda p, c: np.linalg.norm(p[:, None] - c, axis=1).min(1).max()),
    ("04.1", "city-block distance", lambda p, c: max(min(np.abs(x - y).sum() for y in c) for x in p)),
    ("04.2", "start ignored", greedy_from_zero),
    ("04.2", "start ignored", greedy_from_the_outermost),
    ("04.2", "swapped results", lambda p, k, start: greedy_from_start(p, k, start)[::-1]),
    ("04.2", "decimal indices", greedy_into_zeros),
    ("04.2", "radii missing", lambda p, k, start: greedy_from_start(p, k, start)[0]),
    ("04.2", "start missing", greedy_without_start),
    ("04.2", "start missing, one less", greedy_too_few),
    ("04.2", "one more", greedy_too_many),
    ("04.2", "only the last counts", greedy_keeping(lambda old, new: new)),
    ("04.2", "farthest kept", greedy_keeping(np.maximum)),
    ("04.2", "added up", greedy_keeping(lambda old, new: old + new)),
    ("04.2", "squared radii", greedy_keeping(np.minimum, output=lambda i, r, p: (i, r**2))),
    ("04.2", "radius too early", greedy_keeping(np.minimum, late=False)),
    ("04.2", "radius too early", greedy_with_a_first_zero),
    ("04.2", "patches for indices", greedy_keeping(np.minimum, output=lambda i, r, p: (p[i], r))),
    ("04.3", "eight bytes a number", bytes_with(per_pass=lambda n, c: 8 * n * (c + 2))),
    ("04.3", "numbers, not bytes", bytes_with(per_pass=lambda n, c: n * c + 2 * n)),
    ("04.3", "nearest left out", bytes_with(per_pass=lambda n, c: 4 * n * c)),
    ("04.3", "nearest counted once", bytes_with(per_pass=lambda n, c: 4 * (n * c + n))),
    ("04.3", "not rounded up", bytes_with(lambda k, b: k / b)),
    ("04.3", "rounded down", bytes_with(lambda k, b: int(k / b))),
    ("04.3", "nearest moved per choice", lambda n, c, k, b=1: 4 * n * (c * math.ceil(k / b) + 2 * k)),
    ("04.3", "one patch alone", bytes_with(per_pass=lambda n, c: 4 * (c + 2 * n))),
    ("04.3", "last block counted twice", bytes_with(lambda k, b: k // b + 1)),
    ("04.3", "last block counted twice", bytes_with(lambda k, b: int(k / b) + 1)),
    ("04.3", "one pass more", bytes_with(lambda k, b: math.ceil(k / b) + 1)),
    ("04.3", "decimal bytes", bytes_with(lambda k, b: np.ceil(k / b))),
    ("04.3", "block ignored", bytes_with(lambda k, b: k)),
    ("04.3", "start not counted", bytes_with(lambda k, b: math.ceil((k - 1) / b))),
    ("04.4", "floor ignored", inside(lambda value, floor: False)),
    ("04.4", "one too late", inside(after=True)),
    ("04.4", "equal refused", inside(lambda value, floor: value <= floor)),
    ("04.4", "not lowered", inside(lower=False)),
    ("04.4", "not lowered", inside_sorted),
    ("04.4", "not lowered", inside_struck_out),
    ("04.4", "only the last counts", inside_by_the_last),
    ("04.4", "floor squared again", inside(lambda value, floor: value < floor * floor)),
    ("04.4", "distances among squares", inside(squares=False)),
    ("04.4", "most ignored", inside(bounded=False)),
    ("04.4", "one less than most", inside_one_short),
    ("04.4", "decimal positions", inside_as_decimals),
    ("04.4", "patches for positions", lambda *args: args[0][inside_by_product(*args)]),
    ("04.4", "sorted", lambda *args: np.sort(inside_by_product(*args))),
    ("04.5", "radius for size", lambda r, w: r[r <= w][0] if (r <= w).any() else 0),
    ("04.5", "decimal size", lambda r, w: float(size_by_loop(r, w))),
    ("04.6", "limits ignored", lambda ratios, mib, ms, cost, max_mib, max_ms: ratios[cost.argmin()]),
    ("04.6", "memory ignored", ratio_of(lambda mib, ms, a, b: ms <= b)),
    ("04.6", "time ignored", ratio_of(lambda mib, ms, a, b: mib <= a)),
    ("04.6", "one limit is enough", ratio_of(lambda mib, ms, a, b: (mib <= a) | (ms <= b))),
    ("04.6", "equal refused", ratio_of(lambda mib, ms, a, b: (mib < a) & (ms < b))),
    ("04.6", "limits reversed", ratio_of(lambda mib, ms, a, b: (mib > a) & (ms > b))),
    ("04.6", "position shifted", ratio_of(choose=lambda ratios, cost, mask: ratios[np.argmin(cost[mask])])),
    ("04.6", "index for ratio", ratio_of(choose=lambda r, cost, m: np.flatnonzero(m)[cost[m].argmin()])),
    ("04.6", "cost for ratio", ratio_of(choose=lambda ratios, cost, mask: min(cost[mask]))),
    ("04.6", "largest that fits", ratio_of(choose=lambda ratios, cost, mask: max(ratios[mask]))),
    ("04.6", "smallest that fits", ratio_of(choose=lambda ratios, cost, mask: min(ratios[mask]))),
    ("04.6", "dearest", ratio_of(choose=lambda ratios, cost, mask: ratios[mask][cost[mask].argmax()])),
    ("04.6", "first if none", ratio_of(empty=None)),
    ("04.5", "index for size", lambda radii, max_radius: (radii <= max_radius).argmax()),
    ("04.5", "index for size", lambda r, w: np.argmax(r <= w) if (r <= w).any() else 0),
    ("04.5", "strictly below", lambda r, w: np.argmax(r < w) + 1 if (r < w).any() else 0),
    ("04.5", "argmax of nothing", lambda r, w: int(np.argmax(r <= w)) + 1),
    ("04.5", "one more than there are", lambda r, w: sum(x > w for x in r) + 1),
    ("04.5", "all if never", lambda r, w: min(np.sum(r > w) + 1, len(r))),
    ("04.5", "how many", lambda r, w: sum(r <= w)),
    ("04.5", "how many", lambda r, w: len([x for x in r if x <= w])),
    ("04.5", "rising taken for granted", lambda r, w: np.searchsorted(r, w)),
    ("04.5", "rising taken for granted", lambda r, w: np.searchsorted(r, w, side="right") + 1),
    ("04.5", "last one", lambda r, w: np.max(np.flatnonzero(r <= w), initial=-1) + 1),
]


@pytest.mark.parametrize(("number", "name", "answer"), WRONG, ids=lambda v: v if isinstance(v, str) else "")
def test_a_typical_wrong_answer_draws_its_own_hint(number: str, name: str, answer: Callable):
    lessons.draws_its_own_hint(BY_ID[number], name, answer)


def test_every_mistake_is_made_by_hand_above():
    assert {(n, m) for n, m, _ in WRONG} == {(e.id, m.name) for e in EXERCISES for m in e.mistakes}


def inside_without_break(pool, near, floor, most):
    """Do nothing below the floor, for ever."""
    near, chosen = near.copy(), []
    while len(chosen) < most:
        best = int(near.argmax())
        if near[best] >= floor:
            chosen.append(best)
            near = np.minimum(near, ((pool - pool[best]) ** 2).sum(1))
    return chosen


def test_a_loop_without_break_is_stopped_with_a_sentence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(judge_module, "TIME_LIMIT", 0.3)
    verdict = judge(BY_ID["04.4"], inside_without_break)
    assert not verdict.passed and "stopped after 0.3 seconds" in verdict.message and "never ends" in verdict.message


def test_a_list_of_indices_and_radii_is_taken_for_two_arrays():
    assert judge(BY_ID["04.2"], lambda p, k, start: list(greedy_from_start(p, k, start))).passed


@pytest.mark.parametrize(
    ("number", "answer", "shown"),
    [
        ("04.1", lambda p, c: 1.0, "[[0, 0], [3, 4], [6, 8]]"),
        ("04.2", lambda p, k, start: (np.zeros(k, int), np.ones(k)), "[[0], [1], [5], [9], [20]]"),
        ("04.4", lambda pool, near, floor, most: [1], "[30, 26, 25, 27]"),
        ("04.5", lambda radii, max_radius: 4, "[9, 6, 5, 2.5, 2, 1]"),
    ],
)
def test_a_small_input_is_shown_whole(number: str, answer: Callable, shown: str):
    assert shown in judge(BY_ID[number], answer).message.replace(".0", "")


# The notebook's code agrees with the module and with the course's own functions.


def fast_greedy_of(choose: Callable) -> Callable:
    """Return the notebook's fast greedy, with `choose` for the step inside the pool."""
    cells = [cell.source for cell in jupytext.read(lessons.source_of("04")).cells if cell.cell_type == "code"]
    helper, source = (next(c for c in cells if f"def {name}(" in c) for name in ("update_nearest", "fast_greedy"))
    namespace: dict = {"np": np}
    exec(compile(f"{helper}\n\n{source}", "<cell>", "exec"), namespace)
    return lambda patches, k, start, **options: namespace["fast_greedy"](patches, k, start, choose, **options)


def assert_greedy_up_to_ties(patches: np.ndarray, order: np.ndarray, radii: np.ndarray):
    """Assert that each choice is, in float64, as far from the previous ones as the farthest patch."""
    exact, nearest = patches.astype(np.float64), np.full(len(patches), np.inf)
    assert len(set(order.tolist())) == len(order)
    for place, (index, radius) in enumerate(zip(order, radii, strict=True)):
        if place:
            assert nearest[index] >= nearest.max() * (1 - 1e-4)
        nearest = np.minimum(nearest, np.linalg.norm(exact - exact[index], axis=1))
        assert nearest.max() == pytest.approx(radius, rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("answer", ["notebook", inside_by_product, inside_by_loops])
@pytest.mark.parametrize(("n", "channels", "k", "size"), [(600, 3, 80, 64), (900, 20, 300, 50), (300, 5, 40, 8)])
def test_the_learner_s_fast_greedy_chooses_like_the_module(answer, n, channels, k, size, solutions: dict):
    rng = np.random.default_rng(n)
    patches = (rng.normal(size=(n, channels)) * rng.uniform(0.2, 3, channels)).astype(np.float32)
    fast = fast_greedy_of(solutions["04.4"] if answer == "notebook" else answer)
    for start in (0, n // 2):
        module_order, radii = k_center_greedy(patches, k, seed=0, projection=None, start=start)
        order, passes = fast(patches, k, start, size=size)
        assert order[0] == start and passes < k
        assert_greedy_up_to_ties(patches, order, radii)
        np.testing.assert_array_equal(order, module_order)  # random patches: no two are equally far


def test_among_ties_each_choice_of_the_fast_greedy_is_one_of_the_farthest(solutions: dict):
    corners = np.stack(np.meshgrid(*[np.arange(7.0)] * 3), axis=-1).reshape(-1, 3).astype(np.float32)
    order, _ = fast_greedy_of(solutions["04.4"])(corners, 60, 0, size=40)
    nearest = np.linalg.norm(corners - corners[order[0]], axis=1)
    assert len(set(order.tolist())) == 60
    for index in order[1:]:
        assert nearest[index] >= nearest.max() - 1e-6
        nearest = np.minimum(nearest, np.linalg.norm(corners - corners[index], axis=1))


def test_a_fast_greedy_that_forgets_the_floor_is_noticed():
    patches = np.random.default_rng(3).normal(size=(600, 4)).astype(np.float32)
    _, radii = k_center_greedy(patches, 80, seed=0, projection=None, start=0)
    order, _ = fast_greedy_of(inside(lambda value, floor: False))(patches, 80, 0, size=64)
    with pytest.raises(AssertionError):
        assert_greedy_up_to_ties(patches, order, radii)


def test_the_notebook_s_greedy_is_the_module_s(solutions: dict):
    patches = np.random.default_rng(5).normal(size=(400, 6)).astype(np.float32)
    module_order, module_radii = k_center_greedy(patches, 60, seed=0, projection=None, start=7)
    order, radii = solutions["04.2"](patches, 60, 7)
    np.testing.assert_array_equal(order, module_order)
    np.testing.assert_allclose(radii, module_radii, rtol=1e-4)
    assert solutions["04.1"](patches, patches[order]) == pytest.approx(float(module_radii[-1]), rel=1e-4)
    assert solutions["04.5"](module_radii, module_radii[41]) == 42


def test_the_course_s_functions_are_the_notebook_s(solutions: dict):
    fallbacks = {
        "04.1": sampling.covering_radius,
        "04.2": sampling.farthest_first,
        "04.3": sampling.bytes_moved,
        "04.4": sampling.choose_inside,
        "04.5": sampling.size_for,
        "04.6": decisions.best_ratio,
    }
    assert fallbacks.keys() == solutions.keys()
    for number, fallback in fallbacks.items():
        assert judge(BY_ID[number], fallback).passed
        assert inspect.signature(fallback).parameters.keys() == inspect.signature(solutions[number]).parameters.keys()


def test_the_course_s_fast_greedy_is_the_notebook_s(solutions: dict):
    patches = np.random.default_rng(6).normal(size=(700, 5)).astype(np.float32)
    order, passes = fast_greedy_of(solutions["04.4"])(patches, 90, 4, size=60)
    same_order, same_passes = sampling.fast_greedy(patches, 90, 4, sampling.choose_inside, size=60)
    np.testing.assert_array_equal(order, same_order)
    assert passes == same_passes < 90


# The claims of the text agree with the results that it quotes.

CLAIMS = {
    "ahead of random at every size": lambda d: min(d[f"greedy_minus_random_{s}"]["mean"] for s in (25, 10, 1)) > 0,
    "the lead is largest for the smallest coreset": lambda d: (
        max((25, 10, 1), key=lambda share: d[f"greedy_minus_random_{share}"]["mean"]) == 1
    ),
    "These strips cannot distinguish greedy with 1 in 4 or 1 in 10": lambda d: all(
        d[f"greedy_{share}_minus_all"]["low"] < 0 < d[f"greedy_{share}_minus_all"]["high"] for share in (25, 10)
    ),
    "the best of nine comparisons": lambda d: (
        d["greedy_1_minus_all"]["mean"]
        == max(value["mean"] for name, value in d.items() if name.endswith("_minus_all"))
    ),
    "has a *higher* AUROC than all patches": lambda d: d["greedy_1_minus_all"]["mean"] > 0,
}  # words of the text: what must hold of the differences measured on AITEX


@pytest.mark.parametrize("words", CLAIMS)
def test_claims_about_aitex_agree_with_the_results(words: str):
    cells = jupytext.read(lessons.source_of("04")).cells
    text = " ".join(" ".join(cell.source for cell in cells if cell.cell_type == "markdown").split())
    assert words in text, "the text changed: check the new claim against the results, and test that one"
    results = json.loads((lessons.builder.BENCHMARKS / "results" / "notebook_04.json").read_text(encoding="utf-8"))
    assert CLAIMS[words](results["differences"])


def test_claims_about_speed_agree_with_the_results():
    results = json.loads((lessons.builder.BENCHMARKS / "results" / "speed.json").read_text(encoding="utf-8"))
    limits, rows = results["limits"], [results["coreset"][i] for i in (1, 3, 5)]
    assert limits["float32_gflop_s"] / limits["memory_gb_s"] > 10  # more than ten operations per byte
    gains = [row["reference"] / row["ours"] for row in rows]
    assert gains == sorted(gains) and gains[0] > 2  # the larger the bank, the larger the gain
