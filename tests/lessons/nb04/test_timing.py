"""Timings have a warm-up, a median and a range; verdicts follow from them alone."""

from __future__ import annotations

import time

import pytest

from aitex_utils.lessons.nb04.timing import Timing, compare_times, describe_blocks, describe_module, time_call

FAST, SLOW, WIDE = Timing(1.0, 0.9, 1.2), Timing(3.0, 2.8, 3.1), Timing(1.5, 0.8, 9.0)


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
    assert Timing(0.5, 0.25, 0.75).times(10) == Timing(5, 2.5, 7.5)


def test_the_faster_one_is_named_whatever_the_order():
    for pair in (("A", FAST, "B", SLOW), ("B", SLOW, "A", FAST)):
        assert compare_times(*pair) == "On this machine, A is 3.0 times as fast as B."


def test_overlapping_ranges_rank_nothing():
    for other in (FAST, SLOW):
        assert "cannot rank" in compare_times("A", WIDE, "B", other)


def test_the_verdict_on_the_module_follows_the_measurement():
    assert "pays at this size" in describe_module(SLOW, FAST)
    assert "cost more than they save" in describe_module(FAST, SLOW)
    assert "cannot rank" in describe_module(WIDE, FAST)


def test_the_verdict_on_blocks_follows_the_measurement():
    one, many = Timing(1.0, 1.0, 1.0), Timing(8.0, 8.0, 8.0)
    assert "1 in 8 of the time" in describe_blocks(one, many, 64)
    assert "machine is busy" in describe_blocks(many, one, 64)
    assert "memory is not the limit" in describe_blocks(one, Timing(60.0, 60.0, 60.0), 64)
