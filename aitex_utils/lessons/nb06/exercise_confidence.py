"""Exercises 06.6 and 06.7: one bootstrap resample of whole strips, and a threshold from normal scores alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import numpy as np

from aitex_utils.lessons.engine.judge import Exercise, Mistake

Array = np.ndarray


# 06.6 one resample of strips


def _rows_of(groups: Array, names: Array) -> Array:
    return np.concatenate([np.flatnonzero(groups == name) for name in names])


def resample_strips(groups: Array, rng: np.random.Generator) -> Array:
    """Return the rows of one bootstrap resample of whole strips. groups (N,) is the strip of each tile."""
    names = np.unique(groups)
    return _rows_of(groups, rng.choice(names, size=len(names)))


def _same_rows(expected: Any, answer: Any, *case: Any) -> bool:
    """Return whether both contain the same rows equally often, in any order."""
    expected, answer = np.asarray(expected), np.asarray(answer)
    return expected.shape == answer.shape and expected.ndim == 1 and bool((np.sort(expected) == np.sort(answer)).all())


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
    "The names are drawn from the tiles' list, where a strip with many tiles stands many times. Each strip should have "
    "the same chance: draw from the distinct names, as many as there are."
)
RESAMPLE = Exercise(
    "06.6",
    "The rows of one bootstrap draw of whole strips.",
    resample_strips,
    _resample_cases,
    (
        Mistake(
            "tiles resampled",
            "Single tiles are drawn here, so that a draw mixes parts of all strips. Tiles of a strip are alike: what "
            "would be other next time is the strips. Draw names of strips, and take all tiles of each.",
            _single_tiles,
        ),
        Mistake(
            "each strip once at most",
            "A strip that was drawn twice is there only once. `np.isin` asks whether a name was drawn, not how "
            "often: go through the names drawn, one after the other.",
            _each_strip_once,
        ),
        Mistake(
            "without replacement",
            "Every strip comes exactly once, so each draw is the data itself and nothing varies. Draw with "
            "replacement: a strip can come twice, and another not at all.",
            lambda groups, rng: np.arange(len(groups)),
        ),
        Mistake("long strips more often", _LENGTHS, _names_of_tiles(lambda groups: len(np.unique(groups)))),
        Mistake("long strips more often", _LENGTHS, _names_of_tiles(len)),
        Mistake(
            "names for rows",
            "These are the names of the strips that were drawn. Asked for are the positions of their tiles, so that "
            "`labels[rows]` and `scores[rows]` work.",
            lambda groups, rng: rng.choice(np.unique(groups), size=len(np.unique(groups))),
        ),
    ),
    (
        "Three steps: the distinct names; as many draws of a name as there are names; for each name drawn, the "
        "positions of its tiles.",
        "`np.unique(groups)` gives the names, `rng.choice(names, size=len(names))` draws with replacement.",
        "`np.flatnonzero(groups == name)` are the positions of one strip's tiles. `np.concatenate` joins them.",
    ),
    "One draw of whole strips, with replacement. A thousand such draws make an interval.",
    agree=_same_rows,
)


# 06.7 a threshold from normal scores


def alarm_threshold(
    fitted: Array,
    held_out: Array,
    today: Array,
    false_alarm_rate: float,
    *,
    choose: Callable[[Array, Array, Array], Array] = lambda fitted, held_out, today: held_out,
    extra: int = 1,
    first_rank: int = 1,
    few_scores: Callable[[Array], float] = lambda scores: math.inf,
    share: Callable[[float], float] = lambda false_alarm_rate: 1 - false_alarm_rate,
    order: Callable[[Array], Array] = np.sort,
) -> float:
    """Return the held-out score of rank ceil((n + 1) (1 - rate)). The keyword arguments make the typical mistakes."""
    scores = order(choose(fitted, held_out, today))
    rank = math.ceil((len(scores) + extra) * share(false_alarm_rate))
    return few_scores(scores) if rank > len(scores) else float(scores[rank - first_rank])


def _with(**mistake) -> Callable:
    """Return `alarm_threshold` with a mistake in it."""

    def wrong(fitted: Array, held_out: Array, today: Array, false_alarm_rate: float) -> float:
        return alarm_threshold(fitted, held_out, today, false_alarm_rate, **mistake)

    return wrong


def _next_score(fitted: Array, held_out: Array, today: Array, false_alarm_rate: float) -> float:
    """Return the score after the score of the rank, or the last one if there is none."""
    rank = math.ceil((len(held_out) + 1) * (1 - false_alarm_rate))
    return float(np.sort(held_out)[min(rank, len(held_out) - 1)])


def _quantile(method: str) -> Callable:
    def wrong(fitted: Array, held_out: Array, today: Array, false_alarm_rate: float) -> float:
        return float(np.quantile(held_out, 1 - false_alarm_rate, method=method))

    return wrong


def _normal_distribution(ddof: int) -> Callable:
    def wrong(fitted: Array, held_out: Array, today: Array, false_alarm_rate: float) -> float:
        return float(held_out.mean() + NormalDist().inv_cdf(1 - false_alarm_rate) * held_out.std(ddof=ddof))

    return wrong


def _threshold_cases() -> list[tuple]:
    """Return scores with rates that are powers of two, so no rank depends on rounding. The rank is never n."""
    rng = np.random.default_rng(67)
    small = np.array([3.0, 1.0, 4.0, 1.5, 9.0, 2.0, 6.0])
    return [
        (np.array([0.5, 1.0, 0.8]), small, np.array([2.0, 30.0, 8.0]), 0.25),
        (rng.gamma(3, size=40), 1 + rng.gamma(3, size=32), 2 + rng.gamma(3, size=50), 0.125),
        (rng.gamma(3, size=12), 1 + rng.gamma(3, size=9), 2 + rng.gamma(3, size=8), 0.0625),
        (rng.gamma(3, size=64), 1 + rng.gamma(3, size=100), 2 + rng.gamma(3, size=90), 0.0625),
    ]


_PLAIN = (
    "This is the plain quantile of the scores at hand. It describes *these* scores, and is a little too optimistic for "
    "a new score, more so with fewer scores. Take the rank of n + 1, and a score as it stands."
)
_ONE_TOO_HIGH = "One score too far: k counts from 1 and Python from 0, so the k-th smallest is at index k - 1."
_BELL = (
    "Mean and spread assume a bell curve. Largest distances have a long tail to the right, and there the promise is "
    "broken. The rank assumes nothing of the kind."
)
THRESHOLD = Exercise(
    "06.7",
    "A threshold that keeps a false-alarm rate, from normals alone.",
    alarm_threshold,
    _threshold_cases,
    (
        Mistake(
            "from the fitted tiles",
            "The threshold comes from the tiles that the detector was fitted on. They lie near to themselves, so new "
            "normal tiles score higher and raise more alarms than promised. Whose scores are like those to come?",
            _with(choose=lambda fitted, held_out, today: fitted),
        ),
        Mistake(
            "from the test set",
            "The threshold comes from today's tiles, but these tiles are the test. They can contain defects. With more "
            "defects among them, the threshold is higher and finds fewer of them. Choose it before the test is seen.",
            _with(choose=lambda fitted, held_out, today: today),
        ),
        Mistake(
            "all normals together",
            "Fitted and held-out tiles are thrown together. The fitted ones score too low and pull the threshold down.",
            _with(choose=lambda fitted, held_out, today: np.concatenate([fitted, held_out])),
        ),
        Mistake(
            "n for n + 1",
            "The rank is taken among n scores. The new tile is one more, and its place among n + 1 is equally likely "
            "to be any: without the 1 the promise is broken by a little.",
            _with(extra=0),
        ),
        Mistake(
            "one rank too high",
            _ONE_TOO_HIGH,
            _with(first_rank=0),
        ),
        Mistake("one rank too high", _ONE_TOO_HIGH, _next_score),
        Mistake(
            "not sorted",
            "The scores are taken as they stand in the array. The k-th smallest needs them sorted first, rising.",
            _with(order=lambda scores: scores),
        ),
        Mistake(
            "sorted falling",
            "The scores are sorted from the highest down, so that the k-th is a low one. Sort them rising.",
            _with(order=lambda scores: np.sort(scores)[::-1]),
        ),
        Mistake(
            "no infinity",
            "Right, but for few scores and a small rate. Where the rank is larger than n, no held-out score has the "
            "stated coverage. Then the threshold is infinite.",
            _with(few_scores=lambda scores: float(scores[-1])),
        ),
        Mistake(
            "the other end",
            "The threshold lies at the low end, so that nearly all normals raise an alarm. The share "
            "`false_alarm_rate` should lie *above* it.",
            _with(share=lambda false_alarm_rate: false_alarm_rate),
        ),
        *(Mistake("plain quantile", _PLAIN, _quantile(method)) for method in ("linear", "higher", "nearest")),
        *(Mistake("a bell curve", _BELL, _normal_distribution(ddof)) for ddof in (0, 1)),
    ),
    (
        "First decide whose scores to use: of normals that the detector has seen as little as those to come.",
        "Sort them. The rank is `math.ceil((n + 1) * (1 - false_alarm_rate))`, counted from 1.",
        "If the rank is larger than n, return `math.inf`. Otherwise return the score at index rank - 1.",
    ),
    "A threshold with a promise, made without a single defect.",
)
