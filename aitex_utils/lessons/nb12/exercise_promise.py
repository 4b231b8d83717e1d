"""Exercises 12.1 and 12.2: how many pictures a promise needs, and what became of it in many splits."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from aitex_utils.lessons.engine.judge import Exercise, Mistake
from aitex_utils.metrics import conformal_threshold

from .reference import pictures_to_take, realised_rates

Array = np.ndarray

# 12.1 -----------------------------------------------------------------------------------------------------------------

RATES = (0.05, 0.01, 0.1, 0.5, 0.03, 0.002)

PICTURES_TO_TAKE = Exercise(
    id="12.1",
    task="The number of good pictures that a promise needs.",
    reference=pictures_to_take,
    cases=lambda: [(rate,) for rate in RATES],
    returns="an integer",
    mistakes=(
        Mistake(
            "held-out half only",
            "This is the number of held-out pictures. The detector learns from another half: take twice as many.",
            lambda rate: pictures_to_take(rate) // 2,
        ),
        Mistake(
            "new picture not counted",
            "You hold out 1 / rate pictures. With n held-out pictures the lowest rate is 1 / (n + 1), so one less is "
            "enough.",
            lambda rate: pictures_to_take(rate) + 2,
        ),
        Mistake(
            "one off in total",
            "You subtract 1 from the total. Subtract it from the held-out half, and then double.",
            lambda rate: pictures_to_take(rate) + 1,
        ),
        Mistake(
            "one added",
            "You add 1 to the number 1 / rate. With n held-out pictures, n + 1 must reach 1 / rate: subtract 1.",
            lambda rate: pictures_to_take(rate) + 4,
        ),
        Mistake(
            "rounded down",
            "You round down, so for 0.03 the lowest rate is above the promise. Round up: `math.ceil`.",
            lambda rate: 2 * (math.floor(1 / rate + 1e-9) - 1),
        ),
        Mistake(
            "doubled before rounding",
            "You double before you round, so for 0.03 the held-out half is not a whole number. Round first.",
            lambda rate: math.ceil(2 / rate - 1e-9) - 2,
        ),
    ),
    hints=(
        "With n held-out pictures, the lowest rate that can be promised is 1 / (n + 1). Which n makes it small enough?",
        "n must be at least 1 / rate - 1, and it is a whole number.",
        "Half of the pictures are held out, so return 2 * n.",
    ),
    praise="The number depends on the promise alone, not on the cloth. A stricter promise needs more pictures.",
)

# 12.2 -----------------------------------------------------------------------------------------------------------------


def _split_cases() -> list[tuple]:
    """Return scores, orders, counts and rates: a small case, a case with ties, and many draws."""
    rng = np.random.default_rng(5)
    few = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    orders = np.array([rng.permutation(6) for _ in range(4)])
    ties = np.round(rng.normal(2, 0.2, 30), 1)
    many = rng.gamma(4.0, size=40)
    return [
        (few, orders, 3, 0.3),
        (ties, np.array([rng.permutation(30) for _ in range(6)]), 12, 0.2),
        (many, np.array([rng.permutation(40) for _ in range(8)]), 19, 0.05),
    ]


def _rates(
    scores: Array,
    orders: Array,
    n_held_out: int,
    rate: float,
    *,
    threshold: Callable[[Array, float], float] = conformal_threshold,
    held_out: Callable[[Array, int], Array] = lambda s, n: s[:n],
    judged: Callable[[Array, int], Array] = lambda s, n: s[n:],
) -> Array:
    """Return the rates with one part of the reference replaced."""
    shuffled = [scores[order] for order in orders]
    return np.array([(judged(s, n_held_out) >= threshold(held_out(s, n_held_out), rate)).mean() for s in shuffled])


REALISED_RATES = Exercise(
    id="12.2",
    task="The share of flagged good pictures in each split.",
    reference=realised_rates,
    cases=_split_cases,
    mistakes=(
        Mistake(
            "held-out pictures judged",
            "You judge the pictures that set the threshold. Judge the others: `[n_held_out:]`.",
            partial(_rates, judged=lambda s, n: s[:n]),
        ),
        Mistake(
            "all pictures judged",
            "You judge all pictures, also those that set the threshold. Judge the others only: `[n_held_out:]`.",
            partial(_rates, judged=lambda s, n: s),
        ),
        Mistake(
            "parts exchanged",
            "You exchanged the parts: the first `n_held_out` pictures set the threshold, and the others are judged.",
            partial(_rates, held_out=lambda s, n: s[n:], judged=lambda s, n: s[:n]),
        ),
        Mistake(
            "plain quantile",
            "`np.quantile` forgets the new picture: its rate is too high with few pictures. Use `conformal_threshold`.",
            partial(_rates, threshold=lambda s, rate: float(np.quantile(s, 1 - rate))),
        ),
        Mistake(
            "highest held-out score",
            "You always take the highest held-out score as threshold. Let `conformal_threshold` choose by the rate.",
            partial(_rates, threshold=lambda s, rate: float(np.nextafter(s.max(), np.inf))),
        ),
        Mistake(
            "order ignored",
            "Each draw must use its own order: `scores[order]`. Yours splits the scores as they are given.",
            lambda s, orders, n, rate: _rates(s, np.array([np.arange(len(s))] * len(orders)), n, rate),
        ),
        Mistake(
            "one number",
            "The rates are right. Return one rate per draw, not their mean.",
            lambda *given: realised_rates(*given).mean(),
        ),
        Mistake(
            "counts",
            "You count flagged pictures. Divide by the number of judged pictures.",
            lambda s, orders, n, rate: realised_rates(s, orders, n, rate) * (len(s) - n),
        ),
        Mistake(
            "share of all",
            "You divide by the number of all pictures. Divide by the number of judged pictures.",
            lambda s, orders, n, rate: realised_rates(s, orders, n, rate) * (len(s) - n) / len(s),
        ),
        Mistake(
            "not flagged",
            "This is the share of pictures that are *not* flagged. A picture is flagged if its score >= threshold.",
            lambda *given: 1 - realised_rates(*given),
        ),
    ),
    hints=(
        "In each draw: shuffle, split, find the threshold on the first part, count on the second part.",
        "`shuffled = scores[order]`, then `conformal_threshold(shuffled[:n_held_out], false_alarms)`.",
        "`(shuffled[n_held_out:] >= threshold).mean()` is the rate of one draw.",
    ),
    praise="A promise holds on average over splits. A single split can be far off.",
)
