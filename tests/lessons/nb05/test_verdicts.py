"""Sentences made from measurements, and timings: they say what the numbers say, whatever the machine."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils.lessons.nb05.verdicts import (
    describe_faster,
    describe_foreign_training,
    describe_intervals,
    describe_search_share,
    describe_squares,
)

LOW, MIXED, HIGH = np.linspace(-0.2, -0.1, 50), np.linspace(-0.1, 0.1, 50), np.linspace(0.1, 0.2, 50)


@pytest.mark.parametrize(
    ("extraction", "search", "share"), [(9.0, 1.0, "10 %"), (7.2, 2.8, "28 %"), (1.0, 9.0, "90 %")]
)
def test_the_share_of_the_search_is_the_measured_one(extraction: float, search: float, share: str):
    assert f"takes {share} of the scoring time per tile" in describe_search_share(extraction, search)


def test_a_change_of_zero_is_no_change():
    sentence = describe_squares((0.9, 0.9), (0.9, 0.88))
    assert sentence == (
        "Squares do not change the AUROC of the largest value. They change the AUROC of the mean by -0.020."
    )
    tiny = describe_squares((0.9, 0.9001), (0.9, 0.9))
    assert "largest value by less than 0.001. They do not change the AUROC of the mean." in tiny


def test_another_fabric_can_also_be_faster():
    sentence = describe_foreign_training((0.98, 10.0), (0.5, 5.0))
    assert "takes 0.5 times as long" in sentence and "from 0.980 to 0.500" in sentence


def test_kinds_are_listed_by_their_interval():
    names = ["a", "b", "c", "d", "e"]
    sentence = describe_intervals(names, [LOW, MIXED, HIGH, LOW, LOW])
    assert sentence == "The 95 % interval is below 0 for a, d and e and is above 0 for c and contains 0 for b."
    assert "too few tiles to distinguish these kinds" in describe_intervals(["a", "b"], [MIXED, MIXED])
    assert "too few" not in describe_intervals(["a", "b"], [MIXED, LOW])


def test_kinds_whose_interval_is_exactly_0_are_equal():
    equal = np.zeros(50)
    assert describe_intervals(["a", "b", "c"], [MIXED, equal, equal]) == (
        "The 95 % interval contains 0 for a. There are too few tiles to distinguish it from the exact search. "
        "b and c give the same AUROC as the exact search in at least 95 % of the resamples."
    )
    assert describe_intervals(["a"], [equal]).startswith("a gives the same AUROC")
    assert "too few" not in describe_intervals(["a", "b"], [LOW, equal])


def test_a_kind_is_faster_only_if_its_slowest_run_beats_the_fastest_exact_one():
    flat = np.array([[1.0, 1.0, 1.0], [5.0, 4.0, 6.0], [50.0, 40.0, 60.0]])
    overlapping = np.array([[2.0, 2.0, 2.0], [3.0, 2.0, 4.5], [9.0, 9.0, 9.0]])
    never = flat * 2
    always = flat / 10
    sentence = describe_faster([10, 1000, 9000], {"flat": flat, "ivf": overlapping, "pq": never, "x": always})
    assert sentence == (
        "ivf is faster than flat only at the largest size measured, 9,000 vectors. pq is not clearly faster than flat "
        "at any size measured. x is faster than flat at all sizes measured."
    )
    partly = {"flat": flat, "ivf": np.array([[2.0, 2.0, 2.0], [3.0, 2.0, 3.5], [9.0, 9.0, 9.0]])}
    assert describe_faster([10, 1000, 9000], partly) == "ivf is faster than flat at 1,000 vectors and above."
