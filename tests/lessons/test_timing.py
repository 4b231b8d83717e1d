"""Timings have a warm-up, a median and a range."""

from __future__ import annotations

import time

import pytest

from aitex_utils.lessons.timing import Timing, time_call


def test_the_warm_up_is_not_timed(monkeypatch: pytest.MonkeyPatch):
    clock, calls = iter([0.0, 1.0, 10.0, 13.0, 20.0, 22.0]), []
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    result, timing = time_call(lambda: calls.append(1) or len(calls), repeats=3)
    assert (result, timing) == (4, Timing(2.0, 1.0, 3.0))


def test_without_a_warm_up_there_is_one_call_less():
    calls = []
    time_call(lambda: calls.append(1), repeats=2, warm_up=False)
    assert len(calls) == 2


def test_times_are_shown_in_a_fitting_unit():
    assert str(Timing(0.5, 0.25, 0.75)) == "500 ms (250 to 750 ms)"
    assert str(Timing(2, 1, 123)) == "2.00 s (1.00 to 123 s)"
    assert Timing(0.5, 0.25, 0.75).scaled(10) == Timing(5, 2.5, 7.5)


def test_a_timing_is_the_median_of_runs_after_a_warm_up(monkeypatch: pytest.MonkeyPatch):
    calls, clock = [], iter([0.0, 3.0, 10.0, 11.0, 20.0, 29.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    _, timing = time_call(lambda: calls.append(1), repeats=3)
    assert len(calls) == 4 and timing == Timing(3.0, 1.0, 9.0)
    assert timing.scaled(10).written("µs") == "30.0 µs (10.0 to 90.0)"
