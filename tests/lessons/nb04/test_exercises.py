"""Notebook 04: each typical wrong answer draws its own hint, right ones pass however they are written."""

from __future__ import annotations

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
from aitex_utils.lessons.nb04.exercises import EXERCISES

BY_ID = {exercise.id: exercise for exercise in EXERCISES}
NAMES = {
    "04.1": "covering_radius",
    "04.2": "farthest_first",
    "04.3": "traffic",
    "04.4": "choose_inside",
    "04.5": "size_for",
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
    """Compute all distances to all chosen ones anew for each choice."""
    chosen, radii = [start], []
    while True:
        nearest = np.array([min(math.dist(p, patches[c]) for c in chosen) for p in patches])
        radii.append(nearest.max())
        if len(chosen) == k:
            return np.array(chosen), radii
        chosen.append(nearest.argmax())


def traffic_by_math(n, channels, k, block=1):
    return math.ceil(k / block) * (n * channels * 4 + 2 * n * 4)


def traffic_by_counting(n, channels, k, block=1):
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


def size_by_loop(radii, wanted):
    for size, radius in enumerate(radii, 1):
        if radius <= wanted:
            return size
    return 0


def size_by_search(radii, wanted):
    size = len(radii) - np.searchsorted(radii[::-1], wanted, side="right") + 1
    return 0 if size > len(radii) else size


RIGHT = {
    "04.1": (radius_by_loops, radius_by_torch),
    "04.2": (greedy_from_start, greedy_from_scratch),
    "04.3": (traffic_by_math, traffic_by_counting),
    "04.4": (inside_by_product, inside_by_loops),
    "04.5": (size_by_loop, size_by_search),
}


@pytest.mark.parametrize(("number", "answer"), [(n, f) for n, both in RIGHT.items() for f in both])
def test_a_right_answer_passes_however_it_is_written(number: str, answer: Callable):
    verdict = judge(BY_ID[number], answer)
    assert verdict.passed, verdict.told


# Wrong answers, as a learner would type them.


def table(patches, chosen):
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


def greedy_keeping(rule, late=True, give=lambda indices, radii, patches: (indices, radii)):
    """The loop of the notebook with another rule for what is kept of a patch's distances."""

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
        return give(np.array(indices), np.array(radii), patches)

    return answer


def greedy_with_a_first_zero(patches, k, start):
    """Notes the radius at the top of the loop, where nothing has been measured yet."""
    nearest, best, indices, radii = None, start, [], []
    while len(indices) < k:
        radii.append(0 if nearest is None else nearest.max())
        indices.append(best)
        new = np.linalg.norm(patches - patches[best], axis=1)
        nearest = new if nearest is None else np.minimum(nearest, new)
        best = np.argmax(nearest)
    return indices, radii


def bytes_with(passes=lambda k, b: math.ceil(k / b), of_pass=lambda n, c: 4 * (n * c + 2 * n)):
    return lambda n, channels, k, block=1: passes(k, block) * of_pass(n, channels)


def inside(test=lambda value, floor: value < floor, lower=True, after=False, most_too=True, squares=True):
    def answer(pool, near, floor, most):
        near, chosen = near.copy(), []
        for _ in range(most if most_too else len(pool)):
            best = int(np.argmax(near))
            stop = test(near[best], floor)
            if stop and not after:
                break
            chosen.append(best)
            if stop:
                break
            far = ((pool - pool[best]) ** 2).sum(1)
            if lower:
                near = np.minimum(near, far if squares else np.sqrt(far))
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


def inside_sorted(pool, near, floor, most):
    return np.argsort(-near)[: min(most, (near >= floor).sum())]


WRONG = [
    ("04.1", "squared", lambda p, c: ((p[:, None] - c) ** 2).sum(2).min(1).max()),
    ("04.1", "mean", lambda p, c: table(p, c).min(1).mean()),
    ("04.1", "farthest of all pairs", lambda p, c: np.max(table(p, c))),
    ("04.1", "axes swapped", lambda p, c: table(p, c).min(0).max()),
    ("04.1", "axes swapped", lambda p, c: max(min(math.dist(x, y) for x in p) for y in c)),
    ("04.1", "largest first", lambda p, c: table(p, c).max(1).min()),
    ("04.1", "one for all", lambda p, c: min(max(math.dist(x, y) for x in p) for y in c)),
    ("04.2", "start missing", greedy_without_start),
    ("04.2", "start missing, one less", greedy_too_few),
    ("04.2", "one more", greedy_too_many),
    ("04.2", "only the last counts", greedy_keeping(lambda old, new: new)),
    ("04.2", "farthest kept", greedy_keeping(np.maximum)),
    ("04.2", "added up", greedy_keeping(lambda old, new: old + new)),
    ("04.2", "squared radii", greedy_keeping(np.minimum, give=lambda i, r, p: (i, r**2))),
    ("04.2", "radius too early", greedy_keeping(np.minimum, late=False)),
    ("04.2", "radius too early", greedy_with_a_first_zero),
    ("04.2", "patches for indices", greedy_keeping(np.minimum, give=lambda i, r, p: (p[i], r))),
    ("04.3", "eight bytes a number", bytes_with(of_pass=lambda n, c: 8 * n * (c + 2))),
    ("04.3", "numbers, not bytes", bytes_with(of_pass=lambda n, c: n * c + 2 * n)),
    ("04.3", "nearest left out", bytes_with(of_pass=lambda n, c: 4 * n * c)),
    ("04.3", "nearest counted once", bytes_with(of_pass=lambda n, c: 4 * (n * c + n))),
    ("04.3", "not rounded up", bytes_with(lambda k, b: k / b)),
    ("04.3", "rounded down", bytes_with(lambda k, b: int(k / b))),
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
    ("04.4", "most ignored", inside(most_too=False)),
    ("04.5", "index for size", lambda radii, wanted: (radii <= wanted).argmax()),
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


# What the notebook writes out is what the module does.


def fast_greedy_of(choose: Callable) -> Callable:
    """Return the notebook's fast greedy, with `choose` for the step inside the pool."""
    cells = jupytext.read(lessons.source_of("04")).cells
    source = next(
        c.source for c in cells if "def fast_greedy" in c.source and c.cell_type == "code"
    )
    helper = next(c.source for c in cells if "def lowered" in c.source)
    space: dict = {"np": np}
    exec(compile(helper + "\n\n" + source, "<cell>", "exec"), space)
    return lambda patches, k, start, **options: space["fast_greedy"](patches, k, start, choose, **options)


def assert_greedy_up_to_ties(patches: np.ndarray, order: np.ndarray, radii: np.ndarray):
    """Each choice is, in float64, as far from those before as the farthest patch; `radii` are the module's."""
    exact, nearest = patches.astype(np.float64), np.full(len(patches), np.inf)
    assert len(set(order.tolist())) == len(order)
    for place, (index, radius) in enumerate(zip(order, radii, strict=True)):
        if place:
            assert nearest[index] >= nearest.max() * (1 - 1e-4)
        nearest = np.minimum(nearest, np.linalg.norm(exact - exact[index], axis=1))
        assert nearest.max() == pytest.approx(radius, rel=1e-4)


@pytest.mark.parametrize("answer", ["notebook", inside_by_product, inside_by_loops])
@pytest.mark.parametrize(("n", "channels", "k", "size"), [(600, 3, 80, 64), (900, 20, 300, 50), (300, 5, 40, 8)])
def test_the_learner_s_fast_greedy_chooses_like_the_module(answer, n, channels, k, size, solutions: dict):
    rng = np.random.default_rng(n)
    patches = (rng.normal(size=(n, channels)) * rng.uniform(0.2, 3, channels)).astype(np.float32)
    fast = fast_greedy_of(solutions["04.4"] if answer == "notebook" else answer)
    for start in (0, n // 2):
        given, radii = k_center_greedy(patches, k, seed=0, projection=None, start=start)
        order, passes = fast(patches, k, start, size=size)
        assert order[0] == start and passes < k
        assert_greedy_up_to_ties(patches, order, radii)
        np.testing.assert_array_equal(order, given)  # drawn so that no two are equally far


def test_fast_greedy_among_ties_is_greedy_all_the_same(solutions: dict):
    corners = np.stack(np.meshgrid(*[np.arange(7.0)] * 3), axis=-1).reshape(-1, 3).astype(np.float32)
    order, _ = fast_greedy_of(solutions["04.4"])(corners, 60, 0, size=40)
    _, radii = k_center_greedy(corners, 1, seed=0, projection=None, start=0)
    exact, nearest = corners.astype(np.float64), np.full(len(corners), np.inf)
    for index in order:
        assert nearest[index] >= nearest.max() - 1e-6 or not np.isfinite(nearest).all()
        nearest = np.minimum(nearest, np.linalg.norm(exact - exact[index], axis=1))
    assert radii[0] == pytest.approx(6 * 3**0.5, rel=1e-5)


def test_a_fast_greedy_that_forgets_the_floor_is_noticed():
    patches = np.random.default_rng(3).normal(size=(600, 4)).astype(np.float32)
    _, radii = k_center_greedy(patches, 80, seed=0, projection=None, start=0)
    order, _ = fast_greedy_of(inside(lambda value, floor: False))(patches, 80, 0, size=64)
    with pytest.raises(AssertionError):
        assert_greedy_up_to_ties(patches, order, radii)


def test_the_notebook_s_obvious_greedy_is_the_module_s(solutions: dict):
    patches = np.random.default_rng(5).normal(size=(400, 6)).astype(np.float32)
    given, radii = k_center_greedy(patches, 60, seed=0, projection=None, start=7)
    order, ours = solutions["04.2"](patches, 60, 7)
    np.testing.assert_array_equal(order, given)
    np.testing.assert_allclose(ours, radii, rtol=1e-4)
    assert solutions["04.1"](patches, patches[order]) == pytest.approx(float(radii[-1]), rel=1e-4)
    assert solutions["04.5"](radii, radii[41]) == 42


def test_what_the_text_says_of_aitex_holds():
    found = json.loads((lessons.builder.BENCHMARKS / "results" / "notebook_04.json").read_text(encoding="utf-8"))
    apart = found["differences"]
    ahead = [apart[f"greedy_minus_random_{share}"]["mean"] for share in (25, 10, 1)]
    assert min(ahead) > 0 and max(ahead) == ahead[2]  # greedy ahead at every size, most with the smallest
    for share in (25, 10):
        assert apart[f"greedy_{share}_minus_all"]["low"] < 0 < apart[f"greedy_{share}_minus_all"]["high"]
    assert apart["greedy_1_minus_all"]["mean"] == max(apart[n]["mean"] for n in apart if n.endswith("_minus_all")) > 0
