"""Exercise 07.3: a threshold from normal scores alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np

from aitex_utils.lessons.engine.judge import Exercise, Mistake

Array = np.ndarray


# 07.3 a threshold from normal scores


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


def _rounded(rounding: Callable[[float], int]) -> Callable:
    """Return the score of the rank that another rounding gives, where the rank is within the scores."""

    def wrong(fitted: Array, held_out: Array, today: Array, false_alarm_rate: float) -> float:
        rank = rounding((len(held_out) + 1) * (1 - false_alarm_rate))
        return math.inf if rank > len(held_out) else float(np.sort(held_out)[rank - 1])

    return wrong


def _quantile(method: str) -> Callable:
    def wrong(fitted: Array, held_out: Array, today: Array, false_alarm_rate: float) -> float:
        return float(np.quantile(held_out, 1 - false_alarm_rate, method=method))

    return wrong


def _normal_distribution(ddof: int) -> Callable:
    def wrong(fitted: Array, held_out: Array, today: Array, false_alarm_rate: float) -> float:
        return float(held_out.mean() + NormalDist().inv_cdf(1 - false_alarm_rate) * held_out.std(ddof=ddof))

    return wrong


def _threshold_cases() -> list[tuple]:
    """Return scores with rates that are sums of powers of two, so float rounding does not change a rank.

    The last two cases distinguish the ways to round a rank from the rank among n scores.
    """
    rng = np.random.default_rng(67)
    small = np.array([3.0, 1.0, 4.0, 1.5, 9.0, 2.0, 6.0])
    return [
        (np.array([0.5, 1.0, 0.8]), small, np.array([2.0, 30.0, 8.0]), 0.25),
        (rng.gamma(3, size=40), 1 + rng.gamma(3, size=32), 2 + rng.gamma(3, size=50), 0.125),
        (rng.gamma(3, size=12), 1 + rng.gamma(3, size=9), 2 + rng.gamma(3, size=8), 0.0625),
        (rng.gamma(3, size=64), 1 + rng.gamma(3, size=100), 2 + rng.gamma(3, size=90), 0.0625),
        (rng.gamma(3, size=20), 1 + rng.gamma(3, size=10), 2 + rng.gamma(3, size=10), 0.25),
        (rng.gamma(3, size=20), 1 + rng.gamma(3, size=10), 2 + rng.gamma(3, size=10), 0.375),
    ]


_PLAIN = (
    "This is the plain quantile of the held-out scores. It describes *these* scores. For a new score it is slightly "
    "too low, and more so with fewer scores. Take the rank among n + 1 scores, without interpolation."
)
_ONE_TOO_HIGH = "This is the next score: k counts from 1 and Python from 0, so the k-th smallest has index k - 1."
_ROUNDED = (
    "The rank is rounded down to a whole number. If (n + 1) (1 - rate) is not whole, the rank is one too low, and too "
    "many new scores lie above it. Round up, with `math.ceil`."
)
_BELL = (
    "Mean and standard deviation assume a normal distribution. Largest distances have a long tail to the right, so "
    "more new scores lie above the threshold. The rank makes no such assumption."
)
THRESHOLD = Exercise(
    "07.3",
    "A threshold that keeps a false-alarm rate, from normal tiles alone.",
    alarm_threshold,
    _threshold_cases,
    (
        Mistake(
            "from the fitted tiles",
            "The threshold comes from the tiles in the memory bank. Their scores are small by design, so new normal "
            "tiles score higher and raise more alarms than promised. Which tiles has the detector not seen?",
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
            "Fitted and held-out tiles are pooled. The fitted tiles score too low and lower the threshold.",
            _with(choose=lambda fitted, held_out, today: np.concatenate([fitted, held_out])),
        ),
        Mistake(
            "n for n + 1",
            "The rank is taken among n scores. With the new tile there are n + 1, and it is equally likely to have any "
            "rank among them. Without the 1, slightly more alarms are raised than promised.",
            _with(extra=0),
        ),
        Mistake(
            "one rank too high",
            _ONE_TOO_HIGH,
            _with(first_rank=0),
        ),
        Mistake("one rank too high", _ONE_TOO_HIGH, _next_score),
        *(Mistake("rounded down", _ROUNDED, _rounded(rounding)) for rounding in (math.floor, round)),
        Mistake(
            "not sorted",
            "The scores keep the order of the array. Sort them from the lowest to the highest first.",
            _with(order=lambda scores: scores),
        ),
        Mistake(
            "sorted falling",
            "The scores are sorted from the highest to the lowest, so the k-th is a low score. Sort them in "
            "ascending order.",
            _with(order=lambda scores: np.sort(scores)[::-1]),
        ),
        Mistake(
            "no infinity",
            "Right, except for few scores and a small rate. If the rank is larger than n, no held-out score is high "
            "enough for the rate, and the threshold is infinite.",
            _with(few_scores=lambda scores: float(scores[-1])),
        ),
        Mistake(
            "the other end",
            "The threshold lies at the low end, so nearly all normal tiles raise an alarm. The share "
            "`false_alarm_rate` should lie *above* it.",
            _with(share=lambda false_alarm_rate: false_alarm_rate),
        ),
        *(Mistake("plain quantile", _PLAIN, _quantile(method)) for method in ("linear", "higher", "nearest")),
        *(Mistake("a bell curve", _BELL, _normal_distribution(ddof)) for ddof in (0, 1)),
    ),
    (
        "First decide which scores to use. The detector must not have seen their tiles, because it will not have seen "
        "the new tiles either.",
        "Sort them. The rank is `math.ceil((n + 1) * (1 - false_alarm_rate))`, counted from 1.",
        "If the rank is larger than n, return `math.inf`. Otherwise return the score at index rank - 1.",
    ),
    "This threshold needed no defective tile.",
)
