"""Exercises of notebook 11: right answers pass however they are written, typical mistakes get their own hints."""

from __future__ import annotations

from collections.abc import Callable

import lesson_cells as lessons
import numpy as np
import pytest

from aitex_utils.lessons import judge
from aitex_utils.lessons.nb11 import reference
from aitex_utils.lessons.nb11.exercises import EXERCISES, QUESTIONS
from aitex_utils.lessons.nb11.toy import farthest_first

BY_ID = {exercise.id: exercise for exercise in EXERCISES}
NAMES = {
    "11.1": "tree_bound",
    "11.2": "merge_coresets",
    "11.3": "largest_block",
    "11.4": "split_worker_time",
    "11.5": "shortest_time",
}


@pytest.fixture(scope="module")
def solutions() -> dict[str, Callable]:
    return lessons.functions(lessons.builder.solved, NAMES)


# Right answers, written in other ways.


def bound_by_recursion(radii, parents):
    def of(node):
        children = [child for child in range(len(radii)) if parents[child] == node]
        return radii[node] + max(map(of, children), default=0)

    return of(len(radii) - 1)


def bound_by_walks(radii, parents):
    """Walk from each node to the root, and take the longest way."""
    ways = []
    for node in range(len(radii)):
        way = 0
        while node >= 0:
            way += radii[node]
            node = parents[node]
        ways.append(way)
    return np.max(ways)


def merge_by_loops(coresets, radii, k):
    """Choose without the helper."""
    union = [patch for coreset in coresets for patch in coreset]
    chosen = [union[0]]
    while len(chosen) < k:
        distances = [min(np.linalg.norm(patch - other) for other in chosen) for patch in union]
        chosen.append(union[int(np.argmax(distances))])
    radius = max(min(np.linalg.norm(patch - other) for other in chosen) for patch in union)
    return np.array(chosen), radius + np.max(radii)


def merge_by_stacking(coresets, radii, k):
    union = np.vstack(coresets)
    indices, radius = farthest_first(union, k)
    return [union[indices], radius + sorted(radii)[-1]]


def block_by_loop(limit, base, workers, strip_patches, patch_bytes):
    block = 0
    while workers * (base + (block + strip_patches) * patch_bytes) <= limit:
        block += strip_patches
    return block


def block_by_division(limit, base, workers, strip_patches, patch_bytes):
    patches = max(int((limit / workers - base) / patch_bytes), 0)
    return patches - patches % strip_patches


def split_by_loop(begins, ends, moving, workers, wall):
    computing = waiting = 0
    for begin, end, moved in zip(begins, ends, moving, strict=True):
        computing += end - begin - moved
    waiting = workers * wall - computing - sum(moving)
    return computing, sum(moving), waiting


def split_as_array(begins, ends, moving, workers, wall):
    lengths = np.subtract(ends, begins)
    return np.array([np.sum(lengths - moving), np.sum(moving), wall * workers - np.sum(lengths)])


def time_by_recursion(seconds, needs, workers):
    def end(task):
        return seconds[task] + max((end(before) for before in needs[task]), default=0)

    return max([*map(end, range(len(seconds))), sum(seconds) / workers])


def time_by_arrays(seconds, needs, workers):
    begins = np.zeros(len(seconds))
    for task, before in enumerate(needs):
        if before:
            begins[task] = (begins + seconds)[before].max()
    return max((begins + seconds).max(), seconds.sum() / workers)


RIGHT = {
    "11.1": (bound_by_recursion, bound_by_walks),
    "11.2": (merge_by_loops, merge_by_stacking),
    "11.3": (block_by_loop, block_by_division),
    "11.4": (split_by_loop, split_as_array),
    "11.5": (time_by_recursion, time_by_arrays),
}


@pytest.mark.parametrize(("number", "answer"), [(n, f) for n, both in RIGHT.items() for f in both])
def test_a_right_answer_passes_however_it_is_written(number: str, answer: Callable):
    verdict = judge(BY_ID[number], answer)
    assert verdict.passed, verdict.message


# Wrong answers, as a learner would type them.


def bound_with(join, own=True, root=True):
    def answer(radii, parents):
        bounds = [0.0] * len(radii)
        for node in range(len(radii)):
            children = [bounds[child] for child in range(node) if parents[child] == node]
            bounds[node] = radii[node] + (join(children) if children else 0)
        return bounds[-1] if root else bounds[-1] - radii[-1]

    return answer


def bound_overwritten(radii, parents):
    bounds = radii.copy()
    for node, parent in enumerate(parents):
        if parent >= 0:
            bounds[parent] = radii[parent] + bounds[node]
    return bounds[-1]


def bound_of_blocks_and_root(radii, parents):
    blocks = [r for node, r in enumerate(radii) if node not in parents]
    return radii[-1] + max(blocks) if len(radii) > 1 else radii[-1]


def bound_by_levels(radii, parents):
    levels = {}
    for node in range(len(radii)):
        depth, other = 0, node
        while parents[other] >= 0:
            depth, other = depth + 1, parents[other]
        levels[depth] = max(levels.get(depth, 0), radii[node])
    return sum(levels.values())


def bound_from_the_root(radii, parents):
    """Go down to the child with the largest radius, and add."""
    bound, node = radii[-1], len(radii) - 1
    while below := [child for child in range(node) if parents[child] == node]:
        node = below[int(np.argmax(radii[below]))]
        bound = bound + radii[node]
    return bound


def merged_with(bound):
    def answer(coresets, radii, k):
        union = np.concatenate(coresets)
        indices, radius = farthest_first(union, k)
        return union[indices], bound(radius, radii)

    return answer


def merged_each(coresets, radii, k):
    shares = [k // len(coresets) + (i < k % len(coresets)) for i in range(len(coresets))]
    parts = [farthest_first(coreset, share) for coreset, share in zip(coresets, shares, strict=True)]
    chosen = [coreset[indices] for coreset, (indices, _) in zip(coresets, parts, strict=True)]
    return np.concatenate(chosen), max(radius for _, radius in parts) + max(radii)


def merged_first(coresets, radii, k):
    chosen = coresets[0][farthest_first(coresets[0], min(k, len(coresets[0])))[0]]
    return chosen, farthest_first(coresets[0], min(k, len(coresets[0])))[1] + max(radii)


def merged_prefix(coresets, radii, k):
    union = np.concatenate(coresets)
    return union[:k], farthest_first(union, k)[1] + max(radii)


def merged_indices(coresets, radii, k):
    indices, radius = farthest_first(np.concatenate(coresets), k)
    return indices, radius + max(radii)


def chain(seconds, needs, join=max):
    ends = []
    for own, before in zip(seconds, needs, strict=True):
        ends.append(own + (join([ends[task] for task in before]) if before else 0))
    return ends


def time_by_levels(seconds, needs, workers):
    levels, longest = [], {}
    for before in needs:
        levels.append(max((levels[task] + 1 for task in before), default=0))
    for own, level in zip(seconds, levels, strict=True):
        longest[level] = max(longest.get(level, 0), own)
    return max(sum(longest.values()), sum(seconds) / workers)


def moved_wrongly(change):
    def answer(begins, ends, moving, workers, wall):
        busy, moved = (ends - begins).sum(), moving.sum()
        return change(busy, moved, workers, wall, begins, ends)

    return answer


WRONG = [
    ("11.1", "children added", bound_with(sum)),
    ("11.1", "mean of the children", bound_with(np.mean)),
    ("11.1", "smallest child", bound_with(min)),
    ("11.1", "last child", bound_overwritten),
    ("11.1", "root left out", bound_with(max, root=False)),
    ("11.1", "root only", lambda radii, parents: radii[-1]),
    ("11.1", "blocks and root", bound_of_blocks_and_root),
    ("11.1", "one per level", bound_by_levels),
    ("11.1", "largest own radius", bound_from_the_root),
    ("11.1", "largest radius", lambda radii, parents: max(radii)),
    ("11.1", "children added", lambda radii, parents: sum(radii)),
    ("11.2", "r left out", merged_with(lambda radius, radii: radius)),
    ("11.2", "R left out", merged_with(lambda radius, radii: np.max(radii))),
    ("11.2", "radii added", merged_with(lambda radius, radii: np.sum(radii) + radius)),
    ("11.2", "mean radius", merged_with(lambda radius, radii: np.mean(radii) + radius)),
    ("11.2", "smallest radius", merged_with(lambda radius, radii: np.min(radii) + radius)),
    ("11.2", "larger of both", merged_with(lambda radius, radii: max([radius, *radii]))),
    ("11.2", "each by itself", merged_each),
    ("11.2", "first patches", merged_prefix),
    ("11.2", "first coreset alone", merged_first),
    ("11.2", "indices for patches", merged_indices),
    ("11.2", "swapped results", lambda *case: merge_by_loops(*case)[::-1]),
    ("11.2", "bound left out", lambda *case: merge_by_loops(*case)[0]),
    ("11.3", "base left out", lambda limit, base, n, strip, size: limit // n // (strip * size) * strip),
    (
        "11.3",
        "memory of one worker",
        lambda limit, base, n, strip, size: max(0, (limit - base) // (strip * size)) * strip,
    ),
    ("11.3", "base counted once", lambda limit, base, n, strip, size: (limit - base) // n // (strip * size) * strip),
    ("11.3", "not whole strips", lambda limit, base, n, strip, size: max(0, (limit // n - base) // size)),
    (
        "11.3",
        "rounded up",
        lambda limit, base, n, strip, size: max(0, -(-(limit // n - base) // (strip * size))) * strip,
    ),
    ("11.3", "below zero", lambda limit, base, n, strip, size: (limit // n - base) // (strip * size) * strip),
    (
        "11.3",
        "at least one strip",
        lambda limit, base, n, strip, size: max(1, (limit // n - base) // (strip * size)) * strip,
    ),
    ("11.3", "strips for patches", lambda limit, base, n, strip, size: max(0, (limit // n - base) // (strip * size))),
    ("11.3", "bytes for patches", lambda *case: block_by_division(*case) * case[-1]),
    ("11.4", "moving counted twice", moved_wrongly(lambda b, m, n, wall, *_: (b, m, n * wall - b))),
    ("11.4", "moving counted as waiting", moved_wrongly(lambda b, m, n, wall, *_: (b - m, m, n * wall - b + m))),
    ("11.4", "moving subtracted twice", moved_wrongly(lambda b, m, n, wall, *_: (b - m, m, n * wall - b - m))),
    ("11.4", "time of one worker", moved_wrongly(lambda b, m, n, wall, *_: (b - m, m, wall - b))),
    (
        "11.4",
        "from the first task on",
        moved_wrongly(lambda b, m, n, w, begins, ends: (b - m, m, n * (max(ends) - min(begins)) - b)),
    ),
    ("11.4", "per worker", moved_wrongly(lambda b, m, n, wall, *_: ((b - m) / n, m / n, wall - b / n))),
    (
        "11.4",
        "shares",
        moved_wrongly(lambda b, m, n, wall, *_: ((b - m) / n / wall, m / n / wall, 1 - b / n / wall)),
    ),
    ("11.4", "swapped results", moved_wrongly(lambda b, m, n, wall, *_: (m, b - m, n * wall - b))),
    ("11.5", "all added", lambda seconds, needs, workers: sum(seconds)),
    ("11.5", "work per worker only", lambda seconds, needs, workers: np.sum(seconds) / workers),
    ("11.5", "longest chain only", lambda seconds, needs, workers: max(chain(seconds, needs))),
    ("11.5", "both added", lambda s, needs, workers: max(chain(s, needs)) + sum(s) / workers),
    ("11.5", "smaller of both", lambda s, needs, workers: min(max(chain(s, needs)), sum(s) / workers)),
    ("11.5", "longest task", lambda seconds, needs, workers: max(max(seconds), sum(seconds) / workers)),
    ("11.5", "chain of the last task", lambda s, needs, workers: max(chain(s, needs)[-1], sum(s) / workers)),
    ("11.5", "ends added", lambda s, needs, workers: max(max(chain(s, needs, sum)), sum(s) / workers)),
    ("11.5", "earliest end", lambda s, needs, workers: max(max(chain(s, needs, min)), sum(s) / workers)),
    ("11.5", "level by level", time_by_levels),
]


@pytest.mark.parametrize(("number", "name", "answer"), WRONG, ids=lambda v: v if isinstance(v, str) else "")
def test_a_typical_wrong_answer_draws_its_own_hint(number: str, name: str, answer: Callable):
    lessons.draws_its_own_hint(BY_ID[number], name, answer)


def test_every_mistake_is_made_by_hand_above():
    assert {(n, m) for n, m, _ in WRONG} == {(e.id, m.name) for e in EXERCISES for m in e.mistakes}


def test_a_block_size_with_a_decimal_point_is_refused_with_a_sentence():
    verdict = judge(BY_ID["11.3"], lambda *case: float(block_by_loop(*case)))
    assert not verdict.passed and "not its type" in verdict.message


@pytest.mark.parametrize("number", NAMES)
def test_the_notebook_s_solution_is_the_course_s_own_function(number: str, solutions: dict[str, Callable]):
    own = getattr(reference, NAMES[number])
    for case in BY_ID[number].cases():
        for one, other in zip(np.atleast_1d(own(*case)) if number not in ("11.2",) else own(*case),
                              np.atleast_1d(solutions[number](*case)) if number not in ("11.2",) else
                              solutions[number](*case), strict=True):  # fmt: skip
            np.testing.assert_allclose(one, other)


@pytest.mark.parametrize(
    ("number", "case", "expected"),
    [
        ("11.1", (np.array([2.0, 3.0, 1.0]), np.array([2, 2, -1])), 4.0),
        ("11.3", (1000, 100, 2, 30, 4), 90),
        ("11.4", (np.array([2.0, 3.0]), np.array([5.0, 6.0]), np.array([1.0, 0.0]), 2, 6.0), (5, 1, 6)),
        ("11.5", (np.array([3.0, 5.0, 2.0]), [[], [], [0, 1]], 2), 7.0),
    ],
)
def test_the_examples_in_the_text_are_right(number: str, case: tuple, expected: object):
    assert getattr(reference, NAMES[number])(*case) == expected


def test_the_example_of_merging_is_right():
    chosen, bound = reference.merge_coresets([np.array([[0.0], [1.0]]), np.array([[5.0], [9.0]])], [0.5, 2.0], 3)
    assert chosen.ravel().tolist() == [0, 9, 5] and bound == 3


def test_the_question_about_two_blocks_has_the_right_numbers():
    question = next(q for q in QUESTIONS if q.id == "11.q1")
    whole = reference.tree_bound(np.array([2.0, 3.0, 1.0]), np.array([2, 2, -1]))
    first = reference.tree_bound(np.array([2.0, 1.0]), np.array([1, -1]))
    assert question.choices[question.right][0] == f"{first:.0f}" and question.choices["c"][0] == f"{whole:.0f}"
