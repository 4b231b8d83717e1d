"""Verdicts follow from the timings alone."""

from __future__ import annotations

from aitex_utils.lessons.nb04.verdicts import compare_times, describe_blocks, describe_module
from aitex_utils.lessons.timing import Timing

FAST, SLOW, WIDE = Timing(1.0, 0.9, 1.2), Timing(3.0, 2.8, 3.1), Timing(1.5, 0.8, 9.0)


def test_the_faster_one_is_named_whatever_the_order():
    for pair in (("A", FAST, "B", SLOW), ("B", SLOW, "A", FAST)):
        assert compare_times(*pair) == "On this machine, A is 3.0 times as fast as B."


def test_overlapping_ranges_rank_nothing():
    for other in (FAST, SLOW):
        assert "cannot rank" in compare_times("A", WIDE, "B", other)


def test_the_verdict_on_the_module_follows_the_measurement():
    assert "pays off at this size" in describe_module(SLOW, FAST)
    assert "cost more than they save" in describe_module(FAST, SLOW)
    assert "cannot rank" in describe_module(WIDE, FAST)


def test_the_verdict_on_blocks_follows_the_measurement():
    one, many = Timing(1.0, 1.0, 1.0), Timing(8.0, 8.0, 8.0)
    assert "1/8 of the time" in describe_blocks(one, many, 64)
    assert "machine is busy" in describe_blocks(many, one, 64)
    assert "memory is not the limit" in describe_blocks(one, Timing(60.0, 60.0, 60.0), 64)
