"""Sentences of notebook 01 follow from the measured values."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils.errors import InputError
from aitex_utils.lessons.nb01 import verdicts
from aitex_utils.lessons.nb01.leakage import LeakageResult


def draws(same: list[float], new: list[float]) -> list[LeakageResult]:
    """Return one result per pair, whose AUROCs are these shares of five hundredths."""
    defective = np.linspace(0, 1, 101)[None]
    return [
        LeakageResult(np.array([[1 - s]]), np.array([[1 - n]]), {"defective": defective})
        for s, n in zip(same, new, strict=True)
    ]


def test_imbalance_counts_clean_tiles_of_defective_strips():
    text = verdicts.describe_imbalance(1, 10, 1)
    assert "Normal strips: 1 tile" in text and "The other 9 (90 %)" in text and text.endswith("91 %.")
    with pytest.raises(InputError, match="check the counts"):
        verdicts.describe_imbalance(5, 3, 4)


@pytest.mark.parametrize(
    ("auroc", "words"),
    [(0.98, "far above guessing"), (0.65, "above guessing"), (0.5, "near guessing"), (0.2, "below guessing")],
)
def test_the_bed_s_auroc_is_compared_with_guessing(auroc: float, words: str):
    assert verdicts.describe_bed("00", auroc) == f"Fabric 00: strip-level AUROC {auroc:.3f}, {words}."


def test_overlapping_intervals_and_a_difference_above_0_are_both_reported():
    text = verdicts.describe_draws("strips", draws([0.7, 0.8, 0.9], [0.65, 0.76, 0.84]))
    assert "intervals overlap" in text and "the interval lies above 0" in text


def test_a_difference_around_0_and_one_below_are_distinguished():
    assert "includes 0" in verdicts.describe_draws("strips", draws([0.8, 0.7], [0.7, 0.8]))
    assert "lies below 0" in verdicts.describe_draws("strips", draws([0.5, 0.5], [0.7, 0.7]))


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        ((0.85, 0.83), (0.87, 0.78), "the split by tile none of it"),
        ((0.85, 0.83), (0.84, 0.78), "the split by tile less than half of it"),
        ((0.85, 0.83), (0.80, 0.83), "The split by tile reports the larger loss"),
        ((0.85, 0.83), (0.85, 0.83), "Both splits report similar changes"),
    ],
)
def test_the_trend_names_the_split_that_shows_the_loss(first: tuple, last: tuple, words: str):
    results = {"unchanged": draws([first[0]], [first[1]]), "strength 2": draws([last[0]], [last[1]])}
    text = verdicts.describe_trend(results)
    assert words in text and text.startswith("From unchanged to strength 2")


def test_novelty_is_a_share_of_pairs():
    results = [LeakageResult(np.array([[1.0, 2.0]]), np.array([[1.5, 3.0]]))]
    assert (
        verdicts.describe_novelty("strips", results)
        == "strips: the tile of the new strip scores higher in 75 % of pairs"
    )
