"""Exercises 04.3 and 04.4: the bytes that greedy moves, and choices inside a pool of the farthest patches."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from aitex_utils.lessons.engine.judge import Exercise, Mistake

from .kinds import require_kind
from .sampling import bytes_moved

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
    """Count the bytes moved, or with a mistake: each pass moves the array of nearest distances `transfers` times."""
    return count_passes(k, block) * itemsize * n * (channels + transfers)


def _nearest_moved_per_choice(n: int, channels: int, k: int, block: int = 1) -> int:
    return 4 * n * (_full_passes(k, block) * channels + 2 * k)


def _patches_not_counted(n: int, channels: int, k: int, block: int = 1) -> int:
    return _full_passes(k, block) * 4 * (channels + 2 * n)


def _decimal_bytes(n: int, channels: int, k: int, block: int = 1) -> float:
    return float(bytes_moved(n, channels, k, block))


BYTES_MOVED = Exercise(
    id="04.3",
    task="The bytes that pass between memory and processor while k patches are chosen, `block` of them in each pass.",
    reference=bytes_moved,
    cases=_bytes_cases,
    agree=require_kind(bytes_moved),
    mistakes=(
        Mistake(
            "eight bytes a number",
            "Twice as many as needed: float32 means 32 bits. How many bytes is that?",
            partial(_bytes_moved, itemsize=8),
        ),
        Mistake(
            "numbers, not bytes",
            "You counted numbers. How many bytes does each number take?",
            partial(_bytes_moved, itemsize=1),
        ),
        Mistake(
            "nearest left out",
            "The patches are counted. But each pass also reads the n nearest distances and writes them back.",
            partial(_bytes_moved, transfers=0),
        ),
        Mistake(
            "nearest counted once",
            "Almost: the nearest distances are read *and* written in each pass, so they count twice.",
            partial(_bytes_moved, transfers=1),
        ),
        Mistake(
            "nearest moved per choice",
            "The nearest distances are read and written once per pass, not once per choice.",
            _nearest_moved_per_choice,
        ),
        Mistake(
            "one patch alone",
            "A pass reads all n patches, and each has `channels` numbers: n times `channels`.",
            _patches_not_counted,
        ),
        Mistake(
            "not rounded up",
            "There are no partial passes. If the last block is not full, it still takes a whole pass.",
            partial(_bytes_moved, count_passes=lambda k, block: k / block),
        ),
        Mistake(
            "rounded down",
            "The last block is forgotten if it is not full. It takes a pass too.",
            partial(_bytes_moved, count_passes=lambda k, block: k // block),
        ),
        Mistake(
            "last block counted twice",
            "Right where the last block is not full. If k is a multiple of `block`, you count one pass too many: "
            "`k // block + 1` is not rounding up.",
            partial(_bytes_moved, count_passes=lambda k, block: k // block + 1),
        ),
        Mistake(
            "one pass more",
            "You count one pass too many in every case. The start is one of the k.",
            partial(_bytes_moved, count_passes=lambda k, block: _full_passes(k, block) + 1),
        ),
        Mistake(
            "block ignored",
            "Right where each pass serves one choice. If a pass serves `block` choices, how many passes are there?",
            partial(_bytes_moved, count_passes=lambda k, block: k),
        ),
        Mistake(
            "start not counted",
            "One of the k choices is left out, the start. The distances to it have to be computed too.",
            partial(_bytes_moved, count_passes=lambda k, block: _full_passes(k - 1, block)),
        ),
        Mistake(
            "decimal bytes",
            "The value is right, but the task asks for a whole number. `-(-k // block)` and `math.ceil` return an "
            "`int`. `np.ceil` and `/` do not.",
            _decimal_bytes,
        ),
    ),
    hints=(
        "Count the passes first: how many are needed for k patches if each pass serves `block` of them?",
        "One pass reads n times `channels` numbers (the patches) and n numbers (the nearest distances). It writes n "
        "numbers.",
        "`-(-k // block)` rounds up, as `math.ceil` does. The bytes of a pass are 4 times (n times channels + 2 n).",
    ),
    praise="You can now estimate the time for memory access alone, before any code runs.",
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
    fewer: int = 0,
) -> list[int]:
    """Choose in the pool, or with a mistake: `stop` is "below", "at", "after" or "never" the floor."""
    near, chosen = np.array(near), []
    while len(chosen) < (most - fewer if bounded else len(near)):
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


def _decimal_positions(pool: Array, near: Array, floor: float, most: int) -> Array:
    return np.array(_choose_inside(pool, near, floor, most), float)


def _patches_for_positions(pool: Array, near: Array, floor: float, most: int) -> Array:
    return pool[_choose_inside(pool, near, floor, most)]


def _sorted_positions(pool: Array, near: Array, floor: float, most: int) -> list[int]:
    return sorted(_choose_inside(pool, near, floor, most))


CHOOSE_INSIDE = Exercise(
    id="04.4",
    task="The positions in the pool that greedy chooses, as long as the pool is sure to contain the farthest patch.",
    reference=_choose_inside,
    cases=_pool_cases,
    agree=require_kind(_choose_inside),
    mistakes=(
        Mistake(
            "floor ignored",
            "You go on although every patch left in the pool has fallen below the floor. A patch outside can then be "
            "farther, and greedy would choose that patch.",
            partial(_choose_inside, stop="never"),
        ),
        Mistake(
            "one too late",
            "You stop one choice too late. Compare the best patch with the floor *before* you choose it.",
            partial(_choose_inside, stop="after"),
        ),
        Mistake(
            "equal refused",
            "You refuse a patch exactly at the floor. No patch outside is farther than the floor, so a patch that is "
            "*at least* as far is allowed. (If all distances were equal, you would choose none and never finish.)",
            partial(_choose_inside, stop="at"),
        ),
        Mistake(
            "not lowered",
            "You use the distances from the beginning throughout. Each choice brings its neighbours nearer, so lower "
            "`near` before the next choice.",
            partial(_choose_inside, lowered=False),
        ),
        Mistake(
            "distances among squares",
            "`near` and `floor` are squared distances, but you compare them with distances that are not squared.",
            _distances_among_squares,
        ),
        Mistake(
            "only the last counts",
            "You keep the distances to the last choice alone, so patches near an earlier choice seem far again. Take "
            "the smaller of the old and the new distance.",
            _only_the_last_counts,
        ),
        Mistake(
            "floor squared again",
            "`floor` is squared already, like `near`: compare the two as they are.",
            _floor_squared,
        ),
        Mistake(
            "most ignored",
            "Right, except for the last case: never choose more than `most`. The coreset can be full before "
            "the pool is used up.",
            partial(_choose_inside, bounded=False),
        ),
        Mistake(
            "one less than most",
            "Right, except for the last case: you stop one choice before `most`.",
            partial(_choose_inside, fewer=1),
        ),
        Mistake(
            "decimal positions",
            "The values are right, but positions must be whole numbers, because they index an array. Collect them in "
            "a list of `int`.",
            _decimal_positions,
        ),
        Mistake(
            "patches for positions",
            "You return the chosen patches. Return their positions in the pool.",
            _patches_for_positions,
        ),
        Mistake(
            "sorted",
            "The positions are right, but sorted. Return them in the order of choice, because a prefix depends on it.",
            _sorted_positions,
        ),
    ),
    hints=(
        "This is greedy from exercise 04.2 on the pool alone, with two differences. `near` exists from the beginning, "
        "and you stop when its largest value is below the floor.",
        "While fewer than `most` are chosen, take `best = near.argmax()`. If `near[best]` is below the floor, leave "
        "the loop with `break`. Otherwise append `best`, and update `near`.",
        "`((pool - pool[best]) ** 2).sum(axis=1)` are the squared distances to the last choice. "
        "`np.minimum(near, ...)` makes a new array, so the argument stays as it was.",
    ),
    praise="Most of greedy's work now happens in a small array that stays in the processor's cache.",
)
