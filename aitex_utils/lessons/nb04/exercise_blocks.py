"""Exercises 04.3 and 04.4: the bytes that greedy moves, and choices inside a pool of the farthest patches."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from aitex_utils.lessons.engine.judge import Exercise, Mistake

Array = np.ndarray

# 04.3 -----------------------------------------------------------------------------------------------------------------


def _bytes_cases() -> list[tuple]:
    return [(10, 2, 3, 2), (1000, 152, 10, 1), (36_864, 128, 2000, 300), (5, 3, 4, 8)]


def _full_passes(k: int, block: int) -> int:
    return -(-k // block)


def _bytes_moved(
    n: int,
    channels: int,
    k: int,
    block: int = 1,
    *,
    itemsize: int = 4,
    transfers: int = 2,
    count_passes: Callable[[int, int], float] = _full_passes,
) -> float:
    """Count the bytes moved, or with a mistake; each pass moves the array of nearest distances `transfers` times."""
    return count_passes(k, block) * itemsize * n * (channels + transfers)


BYTES_MOVED = Exercise(
    id="04.3",
    task="The bytes that pass between memory and processor while k patches are chosen, `block` of them in each pass.",
    reference=_bytes_moved,
    cases=_bytes_cases,
    mistakes=(
        Mistake(
            "eight bytes a number",
            "Twice too many: float32 means 32 bits. How many bytes is that?",
            partial(_bytes_moved, itemsize=8),
        ),
        Mistake(
            "numbers, not bytes",
            "You counted numbers. How many bytes does each take?",
            partial(_bytes_moved, itemsize=1),
        ),
        Mistake(
            "nearest left out",
            "The patches are counted. But each pass also reads the N nearest distances and writes them back.",
            partial(_bytes_moved, transfers=0),
        ),
        Mistake(
            "nearest counted once",
            "Nearly: the nearest distances are read *and* written in each pass, so they count twice.",
            partial(_bytes_moved, transfers=1),
        ),
        Mistake(
            "not rounded up",
            "A part of a pass doesn't exist: if the last block isn't full, it still takes a whole pass.",
            partial(_bytes_moved, count_passes=lambda k, block: k / block),
        ),
        Mistake(
            "rounded down",
            "The last block, if it isn't full, is forgotten: it takes a pass too.",
            partial(_bytes_moved, count_passes=lambda k, block: k // block),
        ),
        Mistake(
            "block ignored",
            "Right where one patch is chosen in each pass. If a pass serves `block` of them at once, how many passes "
            "are there?",
            partial(_bytes_moved, count_passes=lambda k, block: k),
        ),
        Mistake(
            "start not counted",
            "One of the k is left out, the start. The distances to it have to be computed too.",
            partial(_bytes_moved, count_passes=lambda k, block: _full_passes(k - 1, block)),
        ),
    ),
    hints=(
        "First count the passes: how many does it take for k patches if each pass serves `block` of them?",
        "One pass reads N times C numbers (the patches) and N numbers (the nearest distances), and writes N numbers.",
        "`-(-k // block)` rounds up (so does `math.ceil`). The bytes of a pass are 4 times (N C + 2 N).",
    ),
    praise="You can say now how long memory alone would take, before any code runs.",
)

# 04.4 -----------------------------------------------------------------------------------------------------------------


def _pool_cases() -> list[tuple]:
    """Return the pool (P, C), squared distances to the nearest centre (P,), the floor and the most to choose.

    In the first case all numbers are whole and one of them equals the floor. The last case is cut off by `most`.
    """
    rng = np.random.default_rng(1)
    small = np.array([[0, 0], [0, 2], [7, 0], [0, 4]], np.float32), np.array([30, 26, 25, 27], np.float32), 25.0, 9
    wide = rng.normal(size=(40, 3)).astype(np.float32) * 3
    near = rng.uniform(4, 9, size=40).astype(np.float32)
    below_one = wide * np.float32(0.3), near * np.float32(0.1), 0.42, 40
    return [small, (wide, near, 3.9, 40), below_one, (wide * 2, near * 3, 11.0, 4)]


def _choose_inside(
    pool: Array,
    near: Array,
    floor: float,
    most: int,
    *,
    stop: str = "below",
    bounded: bool = True,
    lowered: bool = True,
) -> list[int]:
    """Choose in the pool, or with a mistake; `stop` is "below", "at", "after" or "never" the floor."""
    near, chosen = np.array(near), []
    while len(chosen) < (most if bounded else len(near)):
        best = int(near.argmax())
        is_low = near[best] <= floor if stop == "at" else near[best] < floor
        if is_low and stop in ("below", "at"):
            break
        chosen.append(best)
        if is_low and stop == "after":
            break
        if lowered:
            near = np.minimum(near, ((pool - pool[best]) ** 2).sum(axis=1))
        near[best] = -1.0
    return chosen


def _only_the_last_counts(pool: Array, near: Array, floor: float, most: int) -> list[int]:
    """Forget the distances from before the last choice."""
    chosen: list[int] = []
    while len(chosen) < most and near.max() >= floor:
        chosen.append(int(near.argmax()))
        near = ((pool - pool[chosen[-1]]) ** 2).sum(axis=1)
    return chosen


def _floor_squared(pool: Array, near: Array, floor: float, most: int) -> list[int]:
    return _choose_inside(pool, near, floor**2, most)


def _distances_among_squares(pool: Array, near: Array, floor: float, most: int) -> list[int]:
    """Lower the squared distances by distances that are not squared."""
    near, chosen = np.array(near), []
    while len(chosen) < most and near.max() >= floor:
        chosen.append(int(near.argmax()))
        near = np.minimum(near, np.linalg.norm(pool - pool[chosen[-1]], axis=1))
    return chosen


CHOOSE_INSIDE = Exercise(
    id="04.4",
    task="The positions in the pool that greedy would choose, for as long as the pool is sure to hold the farthest.",
    reference=_choose_inside,
    cases=_pool_cases,
    mistakes=(
        Mistake(
            "floor ignored",
            "You choose on although all that is left in the pool has fallen below the floor. Then a patch outside may "
            "be farther, and greedy would take that one.",
            partial(_choose_inside, stop="never"),
        ),
        Mistake(
            "one too late",
            "You stop, but one choice too late: ask *before* choosing whether the best one is still at least the "
            "floor.",
            partial(_choose_inside, stop="after"),
        ),
        Mistake(
            "equal refused",
            "A patch exactly at the floor is refused. Nothing outside is farther than the floor, so one that is *at "
            "least* as far may be taken. (If all were equal, you would choose none, and never get on.)",
            partial(_choose_inside, stop="at"),
        ),
        Mistake(
            "not lowered",
            "You take the farthest by the distances they had at the beginning. But each choice brings its neighbours "
            "nearer: their distances have to be lowered before the next choice.",
            partial(_choose_inside, lowered=False),
        ),
        Mistake(
            "distances among squares",
            "`near` and `floor` are squared distances, but you lower them by distances that aren't squared. Which of "
            "the two do you compare?",
            _distances_among_squares,
        ),
        Mistake(
            "only the last counts",
            "You keep only the distances to the last one chosen, so that patches near an earlier one seem far again. "
            "What did `near` say before? Of the old and the new, which one counts?",
            _only_the_last_counts,
        ),
        Mistake(
            "floor squared again",
            "`floor` is squared already, as `near` is: compare the two as they are.",
            _floor_squared,
        ),
        Mistake(
            "most ignored",
            "Right, but for the last word: never more than `most`, since the coreset may be full before the pool "
            "is dry.",
            partial(_choose_inside, bounded=False),
        ),
    ),
    hints=(
        "It is the greedy of exercise 04.2, on the pool alone, with two differences: `near` is there from the "
        "beginning, and you stop when its largest value is below the floor.",
        "The loop: while fewer than `most` are chosen, take `best = near.argmax()`. Is `near[best]` below the floor? "
        "Then stop. Otherwise note it, and lower `near`.",
        "`((pool - pool[best]) ** 2).sum(axis=1)` are the squared distances to the one just chosen; "
        "`np.minimum(near, ...)` is a new array, so that the one you were given stays as it was.",
    ),
    praise="Most of greedy's work now happens inside a small array that stays close to the processor.",
)
