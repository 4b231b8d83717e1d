"""Exercise 04.6: the cheapest coreset sampling ratio within limits of memory and time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from aitex_utils.lessons.engine.judge import Exercise, Mistake

from .decisions import best_ratio

Array = np.ndarray


def _ratio_cases() -> list[tuple]:
    """Return ratios, memory, times, costs and two limits.

    In the cases the second ratio, memory alone, time alone and no ratio at all is the point. One is exactly at a limit.
    """
    ratios = np.array([1.0, 0.5, 0.25, 0.1, 0.01])
    mib, ms = np.array([800.0, 400.0, 200.0, 80.0, 8.0]), np.array([100.0, 50.0, 25.0, 10.0, 1.0])
    rising, mixed = np.array([20.0, 25.0, 30.0, 45.0, 90.0]), np.array([30.0, 40.0, 60.0, 35.0, 50.0])
    falling = np.array([90.0, 70.0, 60.0, 50.0, 40.0])
    return [
        (ratios, mib, ms, mixed, 200.0, 30.0),
        (ratios, mib, ms, rising, 80.0, 100.0),
        (ratios, mib, ms, rising, 900.0, 25.0),
        (ratios, mib, ms, rising, 1.0, 0.5),
        (ratios[::-1].copy(), mib[::-1].copy(), ms[::-1].copy(), falling, 900.0, 40.0),
    ]


def _allowed(mib: Array, ms: Array, max_mib: float, max_ms: float) -> Array:
    return (mib <= max_mib) & (ms <= max_ms)


def _wrong_limits(
    ratios: Array, mib: Array, ms: Array, cost: Array, max_mib: float, max_ms: float, *, fits: Callable[..., Array]
) -> float:
    """Choose the cheapest ratio of those that another rule allows."""
    allowed = fits(mib, ms, max_mib, max_ms)
    return float(ratios[np.where(allowed, cost, np.inf).argmin()]) if allowed.any() else 0.0


def _wrong_choice(
    ratios: Array, mib: Array, ms: Array, cost: Array, max_mib: float, max_ms: float, *, choose: Callable[..., float]
) -> float:
    """Choose by another rule among the ratios within the limits."""
    allowed = _allowed(mib, ms, max_mib, max_ms)
    return choose(ratios, cost, allowed) if allowed.any() else 0.0


def _first_if_none(ratios: Array, mib: Array, ms: Array, cost: Array, max_mib: float, max_ms: float) -> float:
    return float(ratios[np.where(_allowed(mib, ms, max_mib, max_ms), cost, np.inf).argmin()])


SHIFTED = (
    "You search the shortened array of allowed costs, but use the position in the full array. Shorten `ratios` with "
    "the same mask first."
)

BEST_RATIO = Exercise(
    id="04.6",
    task="The cheapest coreset sampling ratio within a limit of memory and a limit of time, or 0 if there is none.",
    reference=best_ratio,
    cases=_ratio_cases,
    mistakes=(
        Mistake(
            "limits ignored",
            "You return the cheapest ratio of all. Does it fit into the memory, and is it fast enough?",
            partial(_wrong_limits, fits=lambda mib, ms, max_mib, max_ms: np.ones(len(mib), bool)),
        ),
        Mistake(
            "memory ignored",
            "The time limit is respected. The memory limit is not: compare `mib` with `max_mib` as well.",
            partial(_wrong_limits, fits=lambda mib, ms, max_mib, max_ms: ms <= max_ms),
        ),
        Mistake(
            "time ignored",
            "The memory limit is respected. The time limit is not: compare `ms` with `max_ms` as well.",
            partial(_wrong_limits, fits=lambda mib, ms, max_mib, max_ms: mib <= max_mib),
        ),
        Mistake(
            "one limit is enough",
            "You allow a ratio that respects one of the two limits. It must respect both: use `&`, not `|`.",
            partial(_wrong_limits, fits=lambda mib, ms, max_mib, max_ms: (mib <= max_mib) | (ms <= max_ms)),
        ),
        Mistake(
            "equal refused",
            "A ratio that lies exactly at a limit is allowed: compare with `<=`.",
            partial(_wrong_limits, fits=lambda mib, ms, max_mib, max_ms: (mib < max_mib) & (ms < max_ms)),
        ),
        Mistake(
            "limits reversed",
            "You choose among the ratios that exceed the limits. Reverse the comparison.",
            partial(_wrong_limits, fits=lambda mib, ms, max_mib, max_ms: (mib > max_mib) & (ms > max_ms)),
        ),
        Mistake(
            "position shifted",
            SHIFTED,
            partial(_wrong_choice, choose=lambda ratios, cost, fits: float(ratios[cost[fits].argmin()])),
        ),
        Mistake(
            "index for ratio",
            "You return the position of the right ratio. The task asks for the ratio itself.",
            partial(_wrong_choice, choose=lambda ratios, cost, fits: int(np.where(fits, cost, np.inf).argmin())),
        ),
        Mistake(
            "cost for ratio",
            "You return the lowest cost. The task asks for the ratio that has this cost.",
            partial(_wrong_choice, choose=lambda ratios, cost, fits: float(cost[fits].min())),
        ),
        Mistake(
            "largest that fits",
            "You return the largest ratio within the limits. A larger bank is not always cheaper: look at `cost`.",
            partial(_wrong_choice, choose=lambda ratios, cost, fits: float(ratios[fits].max())),
        ),
        Mistake(
            "smallest that fits",
            "You return the smallest ratio within the limits. Its misses can cost more than it saves: look at `cost`.",
            partial(_wrong_choice, choose=lambda ratios, cost, fits: float(ratios[fits].min())),
        ),
        Mistake(
            "dearest",
            "You return the ratio with the highest cost. The task asks for the lowest cost.",
            partial(_wrong_choice, choose=lambda ratios, cost, fits: float(ratios[np.where(fits, cost, -1).argmax()])),
        ),
        Mistake(
            "first if none",
            "Right, except where no ratio is within the limits: `argmin` then returns position 0. Check `.any()` "
            "first, and return 0.0.",
            _first_if_none,
        ),
    ),
    hints=(
        "Make a Boolean mask first: which ratios respect both limits? Then find the lowest cost among them.",
        "`fits = (mib <= max_mib) & (ms <= max_ms)`. If `fits.any()` is False, return 0.0.",
        "`np.where(fits, cost, np.inf).argmin()` is the position of the cheapest ratio that fits.",
    ),
    praise="You can now justify a coreset sampling ratio with its costs.",
)
