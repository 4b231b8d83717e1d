"""Sentences of notebook 07: each measurement gets the sentence that is true of it."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils.lessons.nb07 import verdicts


@pytest.mark.parametrize(("by_strip", "words"), [((0.2, 0.8), "3.0 times"), ((0.4, 0.5), "0.5 times")])
def test_the_narrower_interval_is_named(by_strip: tuple[float, float], words: str):
    text = verdicts.describe_width("AP", by_strip, (0.4, 0.6))
    assert words in text and ("The reason is given below" in text) == (words == "0.5 times")


@pytest.mark.parametrize(("same", "leaks"), [(0.08, False), (0.11, False), (0.2, True)])
def test_a_leak_is_stated_only_where_it_is_visible(same: float, leaks: bool):
    rates = {"fitted tiles": np.array([0.9]), "same strips": np.array([same]), "other strips": np.array([0.1])}
    text = verdicts.describe_sources(rates, 0.1)
    assert ("leak into the threshold" in text) == leaks and ("not visible" in text) == (not leaks)
    assert "fitted tiles: 90.0 % on average, 9.0 times the promised rate" in text


@pytest.mark.parametrize(
    ("other", "words"), [(0.9, "0.100 higher"), (0.7, "0.100 lower"), (0.815, "Both results agree")]
)
def test_negatives_are_compared(other: float, words: str):
    assert words in verdicts.describe_negatives(0.8, other)


def test_light_names_the_worst_factor_and_counts_the_fabrics():
    rates = {"00": {0.8: 0.7, 1.0: 0.1, 1.2: 0.3}, "01": {0.8: 0.1, 1.0: 0.09, 1.2: 0.12}, "02": {0.8: 0.5, 1.0: 0.4}}
    lines = verdicts.describe_light(rates, 0.1).splitlines()
    assert "up to 70 % with grey values x 0.8" in lines[0] and "up to 12 % with grey values x 1.2" in lines[1]
    assert lines[-1] == "A change of light breaks the promise on 1 of 3 fabrics."
