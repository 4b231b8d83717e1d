"""Exercise 07.2: one bootstrap resample of whole strips."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from aitex_utils.lessons.engine.judge import Exercise, Mistake

Array = np.ndarray
ANOTHER_DRAW = "another draw"  # stands for any draw of whole strips, see `_same_rows`


# 07.2 one resample of strips


def _rows_of(groups: Array, names: Array) -> Array:
    return np.concatenate([np.flatnonzero(groups == name) for name in names])


def resample_strips(groups: Array, rng: np.random.Generator) -> Array:
    """Return the rows of one bootstrap resample of whole strips. groups (N,) is the strip of each tile."""
    names = np.unique(groups)
    return _rows_of(groups, rng.choice(names, size=len(names)))


def _same_rows(expected: Any, answer: Any, groups: Array, rng: np.random.Generator) -> bool:
    """Return whether both contain the same rows equally often, in any order. `ANOTHER_DRAW` stands for any draw."""
    if isinstance(expected, str):
        return _is_draw(np.asarray(answer), groups)
    expected, answer = np.asarray(expected), np.asarray(answer)
    return expected.shape == answer.shape and expected.ndim == 1 and bool((np.sort(expected) == np.sort(answer)).all())


def _is_draw(rows: Array, groups: Array) -> bool:
    """Return whether rows consist of whole strips, as many as there are names, repeated or not."""
    if rows.ndim != 1 or (rows % 1 != 0).any() or rows.min(initial=0) < 0 or rows.max(initial=0) >= len(groups):
        return False
    counts = np.bincount(rows.astype(int), minlength=len(groups))
    by_strip = [np.unique(counts[groups == name]) for name in np.unique(groups)]
    return all(len(times) == 1 for times in by_strip) and sum(times[0] for times in by_strip) == len(by_strip)


def _resample_cases() -> list[tuple]:
    rng = np.random.default_rng(66)
    mixed = rng.permutation(np.repeat(["p", "q", "r", "s", "t", "u"], [1, 7, 3, 3, 5, 2]))
    return [
        (np.array(["a", "a", "b", "c", "c", "c"]), np.random.default_rng(1)),
        (np.repeat(["k", "l", "m", "n", "o"], [4, 4, 6, 2, 5]), np.random.default_rng(3)),
        (mixed, np.random.default_rng(4)),
    ]


def _each_strip_once(groups: Array, rng: np.random.Generator) -> Array:
    names = np.unique(groups)
    return np.flatnonzero(np.isin(groups, rng.choice(names, size=len(names))))


def _single_tiles(groups: Array, rng: np.random.Generator) -> Array:
    return rng.choice(len(groups), size=len(groups))


def _names_of_tiles(count: Callable[[Array], int]) -> Callable:
    """Return a resample of `count(groups)` names, each drawn as often as its strip has tiles."""
    return lambda groups, rng: _rows_of(groups, rng.choice(groups, size=count(groups)))


_LENGTHS = (
    "The names are drawn from `groups`, where a strip with many tiles appears many times. Each strip should have the "
    "same chance: draw from the distinct names, as many as there are."
)
RESAMPLE = Exercise(
    "07.2",
    "The rows of one bootstrap draw of whole strips.",
    resample_strips,
    _resample_cases,
    (
        Mistake(
            "tiles resampled",
            "Single tiles are drawn here, so a draw mixes parts of all strips. A new delivery has other strips, and "
            "tiles of one strip are correlated. Draw names of strips, and take all tiles of each.",
            _single_tiles,
        ),
        Mistake(
            "each strip once at most",
            "A strip that was drawn twice appears only once. `np.isin` shows whether a name was drawn, not how often. "
            "Write a loop over the drawn names.",
            _each_strip_once,
        ),
        Mistake(
            "without replacement",
            "Every strip appears exactly once, so each draw is the data itself and nothing varies. Draw with "
            "replacement: a strip can appear twice, and another not at all.",
            lambda groups, rng: np.arange(len(groups)),
        ),
        Mistake("long strips more often", _LENGTHS, _names_of_tiles(lambda groups: len(np.unique(groups)))),
        Mistake("long strips more often", _LENGTHS, _names_of_tiles(len)),
        Mistake(
            "names for rows",
            "These are the names of the drawn strips. The task asks for the positions of their tiles, so that "
            "`labels[rows]` and `scores[rows]` work.",
            lambda groups, rng: rng.choice(np.unique(groups), size=len(np.unique(groups))),
        ),
        Mistake(
            "another draw",
            "This is a valid draw of whole strips, but not the draw that `rng` makes. Use the given generator, "
            "`rng.choice(names, size=len(names))` with the names in the order of `np.unique`. With a fixed seed of its "
            "own, the function would make the same draw each time.",
            lambda groups, rng: ANOTHER_DRAW,
        ),
    ),
    (
        "Take three steps: the distinct names; as many draws of a name as there are names; for each drawn name, the "
        "positions of its tiles.",
        "`np.unique(groups)` gives the names, and `rng.choice(names, size=len(names))` draws with replacement.",
        "`np.flatnonzero(groups == name)` are the positions of one strip's tiles. `np.concatenate` joins them.",
    ),
    "This is one draw of whole strips, with replacement. Many such draws make an interval.",
    agree=_same_rows,
    returns="an array of integers",
)
