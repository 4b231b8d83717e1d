"""Exercises of notebook 10: right answers pass in any form, and each typical wrong answer gets its own hint."""

from __future__ import annotations

from collections.abc import Callable

import lesson_cells as lessons
import numpy as np
import pytest

from aitex_utils import MemoryBank
from aitex_utils.lessons import judge
from aitex_utils.lessons.nb10 import reference
from aitex_utils.lessons.nb10.exercises import EXERCISES

BY_ID = {exercise.id: exercise for exercise in EXERCISES}
NAMES = {"10.1": "patch_origin", "10.2": "search_quality", "10.3": "pareto_front", "10.4": "optimism"}


@pytest.fixture(scope="module")
def solutions() -> dict[str, Callable]:
    return lessons.functions(lessons.builder.solved, NAMES)


# Right answers, each written in two other ways.


def origin_by_unravel(index, grid, tile_shape):
    tile, row, column = np.unravel_index(index, (index // (grid[0] * grid[1]) + 1, *grid))
    return [tile, row * tile_shape[0] // grid[0], column * tile_shape[1] // grid[1]]


def origin_by_remainders(index, grid, tile_shape):
    per_tile = grid[0] * grid[1]
    inside = index % per_tile
    strides = np.array(tile_shape) // np.array(grid)
    return index // per_tile, inside // grid[1] * strides[0], inside % grid[1] * strides[1]


def quality_in_loops(exact, approximate):
    right = same = 0
    for one, other in zip(exact.tolist(), approximate.tolist(), strict=True):
        pairs = [(e, a) for row, rows in zip(one, other, strict=True) for e, a in zip(row, rows, strict=True)]
        right += sum(a <= e * (1 + 1e-6) for e, a in pairs)
        same += max(a for _, a in pairs) <= max(e for e, _ in pairs) * (1 + 1e-6)
    return right / exact.size, same / len(exact)


def quality_by_isclose(exact, approximate):
    maxima = [d.reshape(len(d), -1).max(axis=1) for d in (exact, approximate)]
    return np.array([np.isclose(exact, approximate, rtol=1e-6, atol=0).mean(), np.isclose(*maxima, rtol=1e-6).mean()])


def front_by_pairs(times, aurocs):
    n = len(times)

    def dominates(j, i):
        if times[j] > times[i] or aurocs[j] < aurocs[i]:
            return False
        return times[j] != times[i] or aurocs[j] != aurocs[i]

    return np.array([i for i in range(n) if not any(dominates(j, i) for j in range(n))])


def front_by_sorting(times, aurocs):
    order = np.lexsort((-aurocs, times))
    front, best, fastest_with_best = [], -np.inf, None
    for i in order:
        if aurocs[i] > best:
            best, fastest_with_best = aurocs[i], times[i]
            front.append(i)
        elif aurocs[i] == best and times[i] == fastest_with_best:
            front.append(i)
    return np.sort(front)


def optimism_in_a_loop(shown, hidden):
    total = 0.0
    for one, other in zip(shown.tolist(), hidden.tolist(), strict=True):
        best = one.index(max(one))
        total += one[best] - other[best]
    return total / len(shown)


def optimism_by_take(shown, hidden):
    chosen = np.argmax(shown, axis=1)[:, None]
    return np.mean(np.take_along_axis(shown - hidden, chosen, axis=1))


RIGHT = {
    "10.1": (origin_by_unravel, origin_by_remainders),
    "10.2": (quality_in_loops, quality_by_isclose),
    "10.3": (front_by_pairs, front_by_sorting),
    "10.4": (optimism_in_a_loop, optimism_by_take),
}


@pytest.mark.parametrize(("number", "answer"), [(n, f) for n, both in RIGHT.items() for f in both])
def test_right_answer_passes_in_any_form(number: str, answer: Callable):
    verdict = judge(BY_ID[number], answer)
    assert verdict.passed, verdict.message


# Wrong answers, as a learner would type them.


def origin_with(first, second, strides=lambda g, s: (s[0] // g[0], s[1] // g[1]), finish=lambda t, r, c, s: (t, r, c)):
    def answer(index, grid, tile_shape):
        tile, rest = first(index, grid)
        row, column = second(rest, grid)
        down, right = strides(grid, tile_shape)
        return finish(tile, row * down, column * right, (down, right))

    return answer


def per_tile(index, grid):
    return index // (grid[0] * grid[1]), index % (grid[0] * grid[1])


def per_row(rest, grid):
    return rest // grid[1], rest % grid[1]


def quality_with(second, first=lambda right, exact, approximate: right.mean()):
    def answer(exact, approximate):
        right = approximate <= exact * (1 + 1e-6)
        return first(right, exact, approximate), second(right, exact, approximate)

    return answer


def tile_maxima(exact, approximate):
    return approximate.max((1, 2)) <= exact.max((1, 2)) * (1 + 1e-6)


def at_exact_maximum(right, exact, approximate):
    return np.mean([r.flat[e.argmax()] for r, e in zip(right, exact, strict=True)])


def front_with(better):
    def answer(times, aurocs):
        keep = []
        for i in range(len(times)):
            rivals = [j for j in range(len(times)) if j != i and better(times[j], aurocs[j], times[i], aurocs[i])]
            if not rivals:
                keep.append(i)
        return np.array(keep, dtype=int)

    return answer


def neighbours_in_time(times, aurocs):
    order = sorted(range(len(times)), key=lambda i: (times[i], -aurocs[i]))
    keep = [order[0]]
    for a, b in zip(order, order[1:], strict=False):
        if aurocs[b] > aurocs[a]:
            keep.append(b)
    return np.array(sorted(keep))


def rising_aurocs(times, aurocs):
    keep, best = [], -1.0
    for i in np.argsort(times, kind="stable"):
        if aurocs[i] > best:
            keep.append(i)
            best = aurocs[i]
    return np.array(keep)


def chosen_with(pick, value=lambda shown, hidden, i, j: shown[i, j] - hidden[i, j], finish=np.mean):
    def answer(shown, hidden):
        return finish([value(shown, hidden, i, pick(shown, hidden, i)) for i in range(len(shown))])

    return answer


def best_shown(shown, hidden, i):
    return int(shown[i].argmax())


WRONG = [
    ("10.1", "column by column", origin_with(per_tile, lambda rest, grid: (rest % grid[0], rest // grid[0]))),
    ("10.1", "divided by rows", origin_with(per_tile, lambda rest, grid: (rest // grid[0], rest % grid[0]))),
    ("10.1", "row and column exchanged", origin_with(per_tile, per_row, finish=lambda t, r, c, s: (t, c, r))),
    ("10.1", "patches for pixels", origin_with(per_tile, per_row, strides=lambda g, s: (1, 1))),
    (
        "10.1",
        "middle for corner",
        origin_with(per_tile, per_row, finish=lambda t, r, c, s: (t, r + s[0] // 2, c + s[1] // 2)),
    ),
    ("10.1", "row of the whole set", origin_with(lambda i, g: (i // (g[0] * g[1]), i), per_row)),
    ("10.1", "tile by its rows", origin_with(lambda i, g: (i // g[0], i % g[0]), per_row)),
    ("10.1", "strides exchanged", origin_with(per_tile, per_row, strides=lambda g, s: (s[1] // g[1], s[0] // g[0]))),
    ("10.2", "patch of the maximum", quality_with(at_exact_maximum)),
    (
        "10.2",
        "place of the maximum",
        quality_with(lambda r, e, a: np.mean([x.argmax() == y.argmax() for x, y in zip(e, a, strict=True)])),
    ),
    ("10.2", "all patches of a tile", quality_with(lambda r, e, a: r.reshape(len(r), -1).all(1).mean())),
    ("10.2", "one maximum for all tiles", quality_with(lambda r, e, a: float(a.max() <= e.max()))),
    (
        "10.2",
        "tiles for patches",
        quality_with(lambda r, e, a: tile_maxima(e, a).mean(), lambda r, e, a: tile_maxima(e, a).mean()),
    ),
    ("10.2", "no tolerance", lambda e, a: (np.mean(e == a), np.mean(e.max((1, 2)) == a.max((1, 2))))),
    (
        "10.2",
        "exchanged",
        quality_with(lambda r, e, a: r.mean(), lambda r, e, a: tile_maxima(e, a).mean()),
    ),
    (
        "10.2",
        "misses for hits",
        quality_with(lambda r, e, a: (~tile_maxima(e, a)).mean(), lambda r, e, a: (~r).mean()),
    ),
    (
        "10.2",
        "counts for shares",
        quality_with(lambda r, e, a: tile_maxima(e, a).sum(), lambda r, e, a: r.sum()),
    ),
    ("10.3", "both better", front_with(lambda t, a, t0, a0: t < t0 and a > a0)),
    ("10.3", "equal runs removed", front_with(lambda t, a, t0, a0: t <= t0 and a >= a0)),
    ("10.3", "one of two equal runs", lambda t, a: np.array(sorted(rising_aurocs(t, a)))),
    ("10.3", "one of two equal runs, in order of time", rising_aurocs),
    ("10.3", "either is better", front_with(lambda t, a, t0, a0: t < t0 or a > a0)),
    ("10.3", "slow is good", front_with(lambda t, a, t0, a0: t >= t0 and a >= a0 and (t, a) != (t0, a0))),
    ("10.3", "low AUROC is good", front_with(lambda t, a, t0, a0: t <= t0 and a <= a0 and (t, a) != (t0, a0))),
    (
        "10.3",
        "dominated runs",
        lambda t, a: np.array([i for i in range(len(t)) if i not in front_by_pairs(t, a)], dtype=int),
    ),
    ("10.3", "compared with the next only", neighbours_in_time),
    ("10.3", "the best only", lambda t, a: np.array([i for i in range(len(t)) if a[i] == max(a)])),
    ("10.3", "mask for positions", lambda t, a: np.array([i in front_by_pairs(t, a) for i in range(len(t))])),
    ("10.3", "in order of time", lambda t, a: np.array(sorted(front_by_pairs(t, a), key=lambda i: t[i]))),
    ("10.4", "best of each", lambda s, h: np.mean(s.max(1)) - np.mean(h.max(1))),
    ("10.4", "all pairs of draws", lambda s, h: (s[:, s.argmax(1)] - h[:, s.argmax(1)]).mean()),
    ("10.4", "rows for columns", lambda s, h: (s[s.argmax(0)] - h[s.argmax(0)]).mean()),
    ("10.4", "chosen on hidden", chosen_with(lambda s, h, i: int(h[i].argmax()))),
    ("10.4", "one choice for all draws", chosen_with(lambda s, h, i: int(s.mean(0).argmax()))),
    ("10.4", "mean of all detectors", lambda s, h: s.mean() - h.mean()),
    ("10.4", "against the mean", chosen_with(best_shown, lambda s, h, i, j: s[i, j] - h[i].mean())),
    ("10.4", "sign exchanged", chosen_with(best_shown, lambda s, h, i, j: h[i, j] - s[i, j])),
    ("10.4", "absolute values", chosen_with(best_shown, lambda s, h, i, j: abs(s[i, j] - h[i, j]))),
    ("10.4", "largest difference", lambda s, h: np.mean([max(d) for d in s - h])),
    (
        "10.4",
        "draws for detectors",
        lambda s, h: np.mean([s[s[:, j].argmax(), j] - h[s[:, j].argmax(), j] for j in range(s.shape[1])]),
    ),
    ("10.4", "one value per draw", chosen_with(best_shown, finish=np.array)),
]


@pytest.mark.parametrize(("number", "name", "answer"), WRONG, ids=lambda v: v if isinstance(v, str) else "")
def test_typical_wrong_answer_gets_its_own_hint(number: str, name: str, answer: Callable):
    lessons.draws_its_own_hint(BY_ID[number], name, answer)


def test_every_mistake_is_tried_above():
    assert {(n, m) for n, m, _ in WRONG} == {(e.id, m.name) for e in EXERCISES for m in e.mistakes}


# The functions of the notebook agree with the package.


def test_the_origin_is_the_place_in_the_array(solutions: dict):
    patches = np.arange(3 * 4 * 6).reshape(3, 4, 6)
    for index in range(patches.size):
        tile, top, left = solutions["10.1"](index, (4, 6), (32, 96))
        assert patches[tile, top // 8, left // 16] == index
        assert reference.patch_origin(index, (4, 6), (32, 96)) == (tile, top, left)


def test_the_quality_of_an_exact_search_is_1_and_of_a_sparse_graph_less(solutions: dict):
    rng = np.random.default_rng(0)
    vectors, patches = rng.random((2000, 8), np.float32), rng.random((10 * 16, 8), np.float32)
    exact = MemoryBank().add(vectors).search(patches)[0].reshape(10, 4, 4)
    graph = MemoryBank("hnsw", M=2, ef_search=1).add(vectors).search(patches)[0].reshape(10, 4, 4)
    assert solutions["10.2"](exact, exact) == (1.0, 1.0)
    recall, unchanged = solutions["10.2"](exact, graph)
    assert recall < 0.9 and 0 <= unchanged < 1
    np.testing.assert_allclose(reference.search_quality(exact, graph), (recall, unchanged))


def test_no_run_on_the_front_is_dominated_and_each_other_run_is(solutions: dict):
    rng = np.random.default_rng(0)
    times, aurocs = rng.integers(1, 9, 40).astype(float), rng.integers(1, 9, 40) / 10
    front = solutions["10.3"](times, aurocs)
    np.testing.assert_array_equal(front, reference.pareto_front(times, aurocs))

    def is_dominated(i: int) -> bool:
        return any(
            times[j] <= times[i] and aurocs[j] >= aurocs[i] and (times[j], aurocs[j]) != (times[i], aurocs[i])
            for j in range(40)
        )

    assert [i for i in range(40) if not is_dominated(i)] == front.tolist()


def test_the_optimism_of_equal_detectors_grows_with_their_number(solutions: dict):
    values = [solutions["10.4"](*reference.simulate_contests(k, 0.05)) for k in (1, 2, 10, 30)]
    np.testing.assert_allclose(
        values, [reference.optimism(*reference.simulate_contests(k, 0.05)) for k in (1, 2, 10, 30)]
    )
    assert abs(values[0]) < 0.005 and values == sorted(values) and 0.08 < values[-1] < 0.12


@pytest.mark.parametrize(
    ("number", "answer", "part"),
    [("10.3", lambda t, a: front_by_pairs(t, a).tolist(), "array of integers")],
)
def test_the_right_value_of_another_kind_is_refused(number: str, answer: Callable, part: str):
    verdict = judge(BY_ID[number], answer)
    assert not verdict.passed and part in verdict.message, verdict.message


def test_the_examples_in_the_text_hold(solutions: dict):
    assert solutions["10.1"](7, (2, 3), (16, 24)) == (1, 0, 8)
    pair = np.array([[[1.0, 2.0]], [[3.0, 1.0]]]), np.array([[[1.5, 2.0]], [[3.5, 1.0]]])
    assert solutions["10.2"](*pair) == (0.5, 0.5)
    assert solutions["10.3"](np.array([10, 20, 30]), np.array([0.8, 0.7, 0.9])).tolist() == [0, 2]
    contests = np.array([[0.9, 0.8], [0.7, 0.8]]), np.array([[0.8, 0.9], [0.9, 0.7]])
    assert solutions["10.4"](*contests) == pytest.approx(0.1)
