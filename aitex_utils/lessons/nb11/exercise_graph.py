"""Exercises 11.4 and 11.5: where the time of workers goes, and the shortest time of a task graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from aitex_utils.lessons.engine.judge import Exercise, Mistake

from .reference import shortest_time, split_worker_time

Array = np.ndarray
Needs = Sequence[Sequence[int]]

# 11.4 -----------------------------------------------------------------------------------------------------------------


def _time_cases() -> list[tuple]:
    rng = np.random.default_rng(2)
    begins = np.sort(rng.uniform(1, 9, 12))
    ends = begins + rng.uniform(0.2, 0.9, 12)
    return [
        (np.array([2.0, 3.0]), np.array([5.0, 6.0]), np.array([1.0, 0.0]), 2, 6.0),
        (np.array([0.5, 0.5, 3.0]), np.array([3.0, 2.5, 4.5]), np.array([0.25, 0.5, 0.25]), 3, 5.0),
        (begins, ends, rng.uniform(0, 0.15, 12), 4, float(ends.max()) + 1.5),
    ]


def _split(begins: Array, ends: Array, moving: Array, workers: int, wall: float) -> tuple[float, float, float]:
    return split_worker_time(begins, ends, moving, workers, wall)


def _twice(begins: Array, ends: Array, moving: Array, workers: int, wall: float) -> tuple[float, float, float]:
    busy = float(np.sum(ends - begins))
    return busy, float(moving.sum()), workers * wall - busy


def _moving_waits(begins: Array, ends: Array, moving: Array, workers: int, wall: float) -> tuple[float, float, float]:
    computing, moved, waiting = _split(begins, ends, moving, workers, wall)
    return computing, moved, waiting + moved


def _subtracted_twice(begins: Array, ends: Array, moving: Array, workers: int, wall: float) -> tuple:
    computing, moved, waiting = _split(begins, ends, moving, workers, wall)
    return computing, moved, waiting - moved


def _one_worker(begins: Array, ends: Array, moving: Array, workers: int, wall: float) -> tuple[float, float, float]:
    return _split(begins, ends, moving, 1, wall)


def _span(begins: Array, ends: Array, moving: Array, workers: int, wall: float) -> tuple[float, float, float]:
    return _split(begins, ends, moving, workers, float(ends.max() - begins.min()))


SPLIT_WORKER_TIME = Exercise(
    id="11.4",
    task="The time of all workers: computing, moving data, and waiting.",
    reference=split_worker_time,
    cases=_time_cases,
    mistakes=(
        Mistake(
            "moving counted twice",
            "Moving and waiting are right. A task's time contains its moving, so subtract the moving from the "
            "computing.",
            _twice,
        ),
        Mistake(
            "moving counted as waiting",
            "Computing and moving are right. A worker that moves data does not wait: subtract the whole time of the "
            "tasks.",
            _moving_waits,
        ),
        Mistake(
            "moving subtracted twice",
            "Computing and moving are right. For the waiting, you subtract the moving twice: it is part of the time of "
            "the tasks.",
            _subtracted_twice,
        ),
        Mistake(
            "time of one worker",
            "Computing and moving are right. For the waiting, `workers` workers are there for `wall` seconds each.",
            _one_worker,
        ),
        Mistake(
            "from the first task on",
            "Computing and moving are right. The waiting begins when the *program* begins: use `wall`. The time before "
            "the first task is often the largest loss.",
            _span,
        ),
        Mistake(
            "per worker",
            "These are means per worker. Return the sums over all workers.",
            lambda *case: tuple(part / case[3] for part in _split(*case)),
        ),
        Mistake(
            "shares",
            "These are shares. Return seconds.",
            lambda *case: tuple(part / (case[3] * case[4]) for part in _split(*case)),
        ),
        Mistake(
            "swapped results",
            "The values are right, but the order is not: computing, moving, waiting.",
            lambda *case: (_split(*case)[1], _split(*case)[0], _split(*case)[2]),
        ),
    ),
    hints=(
        "All workers together have `workers * wall` seconds. Each second is used for one of three purposes.",
        "The tasks take `(ends - begins).sum()` seconds. A part of them is moving, and the rest is computing.",
        "`busy = (ends - begins).sum()`. Return `busy - moving.sum()`, `moving.sum()` and `workers * wall - busy`.",
    ),
    praise="The largest of the three says where to look first. Waiting at the beginning is the start of the workers.",
)

# 11.5 -----------------------------------------------------------------------------------------------------------------


def _graph_cases() -> list[tuple]:
    """Return graphs: a join, a tree, one whose last task does not end the longest chain, and one with much work."""
    tree = [[], [], [], [], [0, 1], [2, 3], [4, 5]]
    return [
        (np.array([3.0, 5.0, 2.0]), [[], [], [0, 1]], 2),
        (np.array([4.0, 1.0, 2.0, 6.0, 3.0, 0.5, 1.5]), tree, 4),
        (np.array([1.0, 7.0, 2.0, 4.0, 0.25]), [[], [0], [0], [1, 2], [2]], 3),
        (np.array([2.0] * 9 + [1.0]), [[] for _ in range(9)] + [list(range(9))], 2),
    ]


def _ends(seconds: Array, needs: Needs, join: Callable = max) -> list[float]:
    ends: list[float] = []
    for own, before in zip(seconds, needs, strict=True):
        ends.append(float(own) + (join([ends[task] for task in before]) if before else 0.0))
    return ends


def _work(seconds: Array, workers: int) -> float:
    return float(np.sum(seconds)) / workers


def _levels(seconds: Array, needs: Needs, workers: int) -> float:
    """Let each level wait for all tasks of the level before."""
    depths: list[int] = []
    for before in needs:
        depths.append(1 + max((depths[task] for task in before), default=-1))
    longest = [max(s for s, d in zip(seconds, depths, strict=True) if d == level) for level in set(depths)]
    return max(float(sum(longest)), _work(seconds, workers))


SHORTEST_TIME = Exercise(
    id="11.5",
    task="The shortest time in which workers can finish a task graph: its longest chain, or the work per worker.",
    reference=shortest_time,
    cases=_graph_cases,
    mistakes=(
        Mistake(
            "all added",
            "You add the seconds of all tasks. That is the time of one worker.",
            lambda seconds, needs, workers: float(np.sum(seconds)),
        ),
        Mistake(
            "work per worker only",
            "You divide the work by the workers. But a task that needs others has to wait, so the longest chain is a "
            "limit too.",
            lambda seconds, needs, workers: _work(seconds, workers),
        ),
        Mistake(
            "longest chain only",
            "This is the longest chain. With few workers, the work per worker takes longer: return the larger of both.",
            lambda seconds, needs, workers: max(_ends(seconds, needs)),
        ),
        Mistake(
            "both added",
            "You add the two limits. They hold at the same time, so the larger one counts.",
            lambda seconds, needs, workers: max(_ends(seconds, needs)) + _work(seconds, workers),
        ),
        Mistake(
            "smaller of both",
            "You return the smaller limit. Neither can be beaten, so the larger one counts.",
            lambda seconds, needs, workers: min(max(_ends(seconds, needs)), _work(seconds, workers)),
        ),
        Mistake(
            "longest task",
            "For the chain, you take the longest single task. A task begins when those that it needs have ended.",
            lambda seconds, needs, workers: max(float(np.max(seconds)), _work(seconds, workers)),
        ),
        Mistake(
            "chain of the last task",
            "You take the chain that ends at the last task. Another task can end later: take the largest end.",
            lambda seconds, needs, workers: max(_ends(seconds, needs)[-1], _work(seconds, workers)),
        ),
        Mistake(
            "ends added",
            "You add the ends of all tasks that a task needs. They can run at the same time: take the latest end.",
            lambda seconds, needs, workers: max(max(_ends(seconds, needs, sum)), _work(seconds, workers)),
        ),
        Mistake(
            "earliest end",
            "A task waits for *all* tasks that it needs. Take the latest of their ends, not the earliest.",
            lambda seconds, needs, workers: max(max(_ends(seconds, needs, min)), _work(seconds, workers)),
        ),
        Mistake(
            "level by level",
            "You let each level wait for the whole level before. A task waits only for the tasks that it needs.",
            _levels,
        ),
    ),
    hints=(
        "With enough workers, when can each task end? It begins when the last of the tasks that it needs has ended.",
        "Go through the tasks in order, and keep a list of ends: the own seconds plus the latest end of `needs[i]`, or "
        "plus 0 if it needs none.",
        "Return `max(max(ends), seconds.sum() / workers)`.",
    ),
    praise="No scheduler is faster than this. If yours is much slower, look for what the tasks wait for.",
)
