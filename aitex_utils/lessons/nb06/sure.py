"""Exercises 06.6 and 06.7: one bootstrap draw of whole strips, and a threshold from normals alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import numpy as np

from aitex_utils.lessons.engine.judge import Exercise, Mistake

Array = np.ndarray


# 06.6 one draw of strips


def rows_of(strips: Array, drawn: Array) -> Array:
    return np.concatenate([np.flatnonzero(strips == name) for name in drawn])


def redraw(strips: Array, random: np.random.Generator) -> Array:
    names = np.unique(strips)
    return rows_of(strips, random.choice(names, size=len(names)))


def _same_rows(expected: Any, got: Any, *case: Any) -> bool:
    """Say whether both hold the same rows equally often, in whatever order."""
    expected, got = np.asarray(expected), np.asarray(got)
    return expected.shape == got.shape and expected.ndim == 1 and bool((np.sort(expected) == np.sort(got)).all())


def _draw_cases() -> list[tuple]:
    rng = np.random.default_rng(66)
    mixed = rng.permutation(np.repeat(["p", "q", "r", "s", "t", "u"], [1, 7, 3, 3, 5, 2]))
    return [
        (np.array(["a", "a", "b", "c", "c", "c"]), np.random.default_rng(1)),
        (np.repeat(["k", "l", "m", "n", "o"], [4, 4, 6, 2, 5]), np.random.default_rng(3)),
        (mixed, np.random.default_rng(4)),
    ]


def _once_each(strips: Array, random: np.random.Generator) -> Array:
    names = np.unique(strips)
    return np.flatnonzero(np.isin(strips, random.choice(names, size=len(names))))


def _tiles(strips: Array, random: np.random.Generator) -> Array:
    return random.choice(len(strips), size=len(strips))


def _by_length(count: Callable[[Array], int]) -> Callable:
    return lambda strips, random: rows_of(strips, random.choice(strips, size=count(strips)))


_LENGTHS = (
    "The names are drawn from the tiles' list, where a strip with many tiles stands many times. Each strip should have "
    "the same chance: draw from the distinct names, as many as there are."
)
REDRAW = Exercise(
    "06.6",
    "The rows of one bootstrap draw of whole strips.",
    redraw,
    _draw_cases,
    (
        Mistake(
            "tiles redrawn",
            "Single tiles are drawn here, so that a draw mixes parts of all strips. Tiles of a strip are alike: what "
            "would be other next time is the strips. Draw names of strips, and take all tiles of each.",
            _tiles,
        ),
        Mistake(
            "each strip once at most",
            "A strip that was drawn twice is there only once. `np.isin` asks whether a name was drawn, not how "
            "often: go through the names drawn, one after the other.",
            _once_each,
        ),
        Mistake(
            "without replacement",
            "Every strip comes exactly once, so each draw is the data itself and nothing varies. Draw with "
            "replacement: a strip may come twice, and another not at all.",
            lambda strips, random: np.arange(len(strips)),
        ),
        Mistake("long strips more often", _LENGTHS, _by_length(lambda strips: len(np.unique(strips)))),
        Mistake("long strips more often", _LENGTHS, _by_length(len)),
        Mistake(
            "names for rows",
            "These are the names of the strips that were drawn. Asked for are the positions of their tiles, so that "
            "`labels[rows]` and `scores[rows]` work.",
            lambda strips, random: random.choice(np.unique(strips), size=len(np.unique(strips))),
        ),
    ),
    (
        "Three steps: the distinct names; as many draws of a name as there are names; for each name drawn, the "
        "positions of its tiles.",
        "`np.unique(strips)` gives the names, `random.choice(names, size=len(names))` draws with replacement.",
        "`np.flatnonzero(strips == name)` are the positions of one strip's tiles; `np.concatenate` joins them.",
    ),
    "One draw of strips, whole and with replacement; a thousand of them make an interval.",
    agree=_same_rows,
)


# 06.7 a threshold from normals


def threshold(
    fitted: Array,
    held_out: Array,
    today: Array,
    rate: float,
    *,
    of: Callable[[Array, Array, Array], Array] = lambda fitted, held_out, today: held_out,
    more: int = 1,
    shift: int = 1,
    endless: bool = True,
    high: bool = True,
    order: Callable[[Array], Array] = np.sort,
) -> float:
    """Return the score of rank ceil((n + 1)(1 - rate)) of the held-out normals, or with a mistake in it."""
    scores = order(of(fitted, held_out, today))
    rank = math.ceil((len(scores) + more) * (1 - rate if high else rate))
    if rank > len(scores):
        return math.inf if endless else float(scores[-1])
    return float(scores[rank - shift])


def _slip(**slip) -> Callable:
    return lambda fitted, held_out, today, rate: threshold(fitted, held_out, today, rate, **slip)


def _last_at_most(fitted: Array, held_out: Array, today: Array, rate: float) -> float:
    """Return the score after that of the rank, and the last one where there is none."""
    rank = math.ceil((len(held_out) + 1) * (1 - rate))
    return float(np.sort(held_out)[min(rank, len(held_out) - 1)])


def _quantile(method: str) -> Callable:
    return lambda fitted, held_out, today, rate: float(np.quantile(held_out, 1 - rate, method=method))


def _bell(degrees: int) -> Callable:
    def wrong(fitted: Array, held_out: Array, today: Array, rate: float) -> float:
        return float(held_out.mean() + NormalDist().inv_cdf(1 - rate) * held_out.std(ddof=degrees))

    return wrong


def _threshold_cases() -> list[tuple]:
    """Rates are powers of two, so that no rank hangs on rounding; the rank is never n itself."""
    rng = np.random.default_rng(67)
    small = np.array([3.0, 1.0, 4.0, 1.5, 9.0, 2.0, 6.0])
    return [
        (np.array([0.5, 1.0, 0.8]), small, np.array([2.0, 30.0, 8.0]), 0.25),
        (rng.gamma(3, size=40), 1 + rng.gamma(3, size=32), 2 + rng.gamma(3, size=50), 0.125),
        (rng.gamma(3, size=12), 1 + rng.gamma(3, size=9), 2 + rng.gamma(3, size=8), 0.0625),
        (rng.gamma(3, size=64), 1 + rng.gamma(3, size=100), 2 + rng.gamma(3, size=90), 0.0625),
    ]


_PLAIN = (
    "This is the plain quantile of the scores at hand. It says what *they* do, and promises a little too much for a "
    "new one, the more so the fewer there are. Take the rank of n + 1, and a score as it stands."
)
_ONE_TOO_HIGH = "One score too far: k counts from 1 and Python from 0, so the k-th smallest is at index k - 1."
_BELL = (
    "Mean and spread assume a bell curve. Largest distances have a long tail to the right, and there the promise is "
    "broken. The rank assumes nothing of the kind."
)
THRESHOLD = Exercise(
    "06.7",
    "A threshold that keeps a false-alarm rate, from normals alone.",
    threshold,
    _threshold_cases,
    (
        Mistake(
            "from the fitted tiles",
            "The threshold comes from the tiles that the detector was fitted on. They lie near to themselves, so new "
            "normal tiles score higher and raise more alarms than promised. Whose scores are like those to come?",
            _slip(of=lambda fitted, held_out, today: fitted),
        ),
        Mistake(
            "from the test set",
            "The threshold comes from today's tiles, which are the ones to be judged. They may hold defects, and the "
            "more of these there are, the higher it gets and the fewer are found. Choose it before the test is seen.",
            _slip(of=lambda fitted, held_out, today: today),
        ),
        Mistake(
            "all normals together",
            "Fitted and held-out tiles are thrown together. The fitted ones score too low and pull the threshold down.",
            _slip(of=lambda fitted, held_out, today: np.concatenate([fitted, held_out])),
        ),
        Mistake(
            "n for n + 1",
            "The rank is taken among n scores. The new tile is one more, and its place among n + 1 is equally likely "
            "to be any: without the 1 the promise is broken by a little.",
            _slip(more=0),
        ),
        Mistake(
            "one rank too high",
            _ONE_TOO_HIGH,
            _slip(shift=0),
        ),
        Mistake("one rank too high", _ONE_TOO_HIGH, _last_at_most),
        Mistake(
            "not sorted",
            "The scores are taken as they stand in the array. The k-th smallest needs them sorted first, rising.",
            _slip(order=lambda scores: scores),
        ),
        Mistake(
            "sorted falling",
            "The scores are sorted from the highest down, so that the k-th is a low one. Sort them rising.",
            _slip(order=lambda scores: np.sort(scores)[::-1]),
        ),
        Mistake(
            "no infinity",
            "Right, but for few scores and a small rate. Where the rank is larger than n, no score at hand can keep "
            "the promise: the threshold is infinite then.",
            _slip(endless=False),
        ),
        Mistake(
            "the other end",
            "The threshold lies at the low end, so that nearly all normals raise an alarm. The share `rate` should lie "
            "*above* it.",
            _slip(high=False),
        ),
        *(Mistake("plain quantile", _PLAIN, _quantile(method)) for method in ("linear", "higher", "nearest")),
        *(Mistake("a bell curve", _BELL, _bell(degrees)) for degrees in (0, 1)),
    ),
    (
        "First decide whose scores to use: of normals that the detector has seen as little as those to come.",
        "Sort them. The rank is `math.ceil((n + 1) * (1 - rate))`, counted from 1.",
        "If the rank is larger than n, return `math.inf`; else the score of that rank, at index rank - 1.",
    ),
    "A threshold with a promise, made without a single defect.",
)
