"""Sentences of notebook 12 follow from the numbers."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils.datasets.dataset_check import Issue
from aitex_utils.errors import InputError
from aitex_utils.lessons.nb12.setup import Judged, LaterSet
from aitex_utils.lessons.nb12.verdicts import (
    describe_drift,
    describe_learning,
    false_alarm_rate,
    faults_found,
    first_alarm,
)


def later(scores: list[float], is_good: list[bool]) -> LaterSet:
    return LaterSet([], np.array(is_good), np.array(scores), np.linspace(100, 60, len(scores)))


def test_only_good_pictures_count_as_false_alarms():
    given = later([1, 5, 5, 1], [True, False, True, True])
    assert false_alarm_rate(given, 3.0) == pytest.approx(1 / 3)
    assert false_alarm_rate(given, 3.0, slice(2, None)) == 0.5
    with pytest.raises(InputError, match="no good picture"):
        false_alarm_rate(given, 3.0, slice(1, 2))


def test_the_drift_compares_the_first_quarter_with_the_last():
    text = describe_drift(later([1, 1, 1, 1, 1, 1, 1, 9], [True] * 8), 3.0, 0.05)
    assert "Promised 5 %" in text and "0 % of the first quarter, 50 % of the last quarter" in text
    assert "97 in the first quarter, 63 in the last quarter" in text


def test_an_alarm_that_is_never_raised_comes_after_the_last_picture():
    assert first_alarm(np.array([1.0, 5.0, 9.0])) == 2
    assert first_alarm(np.array([1.0, 2.0])) == 3


@pytest.mark.parametrize(
    ("after", "words"),
    [([1.0, 1.0], "2 are flagged before and 0 after. Their mean score falls by 67 %"), ([6.0, 6.0], "rises by")],
)
def test_learning_is_described_by_flags_and_mean(after: list[float], words: str):
    assert words in describe_learning(np.array([3.0, 3.0]), np.array(after), 2.0, "picture with the mark")


def test_a_fault_is_found_by_the_end_of_its_path():
    issues = [Issue("C:/x/train/good/dark.jpg", "brightness differs from the good pictures", "")]
    found = faults_found(issues, ["train/good/dark.jpg", "train/good/copy.jpg"])
    assert found == {
        "train/good/dark.jpg": "brightness differs from the good pictures",
        "train/good/copy.jpg": "not found",
    }


def test_shares_by_kind_begin_with_the_good_pictures():
    judged = Judged(
        list("abcd"), np.array([False, True, True, False]), ["knot", "good", "good", "knot"], np.arange(4.0)
    )
    assert list(judged.found_by_kind(2.0).items()) == [("good", 0.5), ("knot", 0.5)]
