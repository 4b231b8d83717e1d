"""Timings that other programs disturb little: a warm-up, then the median of several runs with its range."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Timing(NamedTuple):
    """Seconds of several runs.

    Parameters
    ----------
    median, low, high : float
        Median, shortest and longest run, in seconds.

    Examples
    --------
    >>> print(Timing(0.0021, 0.002, 0.004))
    2.10 ms (2.00 to 4.00 ms)
    >>> Timing(0.002, 0.001, 0.004).scaled(1000).written("ms")
    '2.0 ms (1.0 to 4.0)'
    """

    median: float
    low: float
    high: float

    def scaled(self, factor: float) -> Timing:
        """Return the timing of several such runs, or in another unit.

        Parameters
        ----------
        factor : float
            Number of runs, or such as 1000 for milliseconds.

        Returns
        -------
        Timing
        """
        return Timing(*(factor * value for value in self))

    def written(self, unit: str) -> str:
        """Return the median with its unit, and the range in brackets.

        Parameters
        ----------
        unit : str
            Unit of the numbers.

        Returns
        -------
        str
        """
        return f"{self.median:.1f} {unit} ({self.low:.1f} to {self.high:.1f})"

    def __str__(self) -> str:
        unit, scale = ("s", 1.0) if self.median >= 1 else ("ms", 1000.0)
        shown = (f"{scale * seconds:.0f}" if scale * seconds >= 100 else f"{scale * seconds:.2f}" for seconds in self)
        median, low, high = shown
        return f"{median} {unit} ({low} to {high} {unit})"


def time_call(call: Callable[[], Any], repeats: int = 5, *, warm_up: bool = True) -> tuple[Any, Timing]:
    """Return the result of the last run, and the timing of all runs after the warm-up.

    Parameters
    ----------
    call : callable
        Called without arguments.
    repeats : int
        Number of timed runs.
    warm_up : bool
        Run once before, which is not timed.

    Returns
    -------
    result : object
    timing : Timing

    Examples
    --------
    >>> result, timing = time_call(lambda: sum(range(10)), repeats=3)
    >>> result, timing.low <= timing.median <= timing.high
    (45, True)
    """
    if warm_up:
        call()
    seconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        result = call()
        seconds.append(time.perf_counter() - begin)
    return result, Timing(float(np.median(seconds)), min(seconds), max(seconds))
