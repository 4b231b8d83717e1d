"""Timings that other programs disturb little: a warm-up, then the median of several runs with its spread."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Timing(NamedTuple):
    """The median of several runs, with the fastest and the slowest one.

    Examples
    --------
    >>> timing = Timing(0.002, 0.001, 0.004)
    >>> timing.scaled(1000).written("ms")
    '2.0 ms (1.0 to 4.0)'
    """

    median: float
    low: float
    high: float

    def scaled(self, factor: float) -> Timing:
        """Return the timing in another unit.

        Parameters
        ----------
        factor : float
            Such as 1000 for milliseconds.

        Returns
        -------
        Timing
        """
        return Timing(self.median * factor, self.low * factor, self.high * factor)

    def written(self, unit: str) -> str:
        """Return the median with its unit, and the spread in brackets.

        Parameters
        ----------
        unit : str
            Unit of the numbers.

        Returns
        -------
        str
        """
        return f"{self.median:.1f} {unit} ({self.low:.1f} to {self.high:.1f})"


def time_call(call: Callable[[], Any], repeats: int = 7) -> Timing:
    """Time a call: once to warm up, then several times.

    Parameters
    ----------
    call : callable
        Called without arguments.
    repeats : int
        Number of timed runs.

    Returns
    -------
    Timing
        In seconds.

    Examples
    --------
    >>> timing = time_call(lambda: None)
    >>> 0 <= timing.low <= timing.median <= timing.high
    True
    """
    call()
    seconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begin)
    return Timing(float(np.median(seconds)), min(seconds), max(seconds))
