"""The sentences on a map and the three thresholds follow from the values."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils.errors import InputError
from aitex_utils.lessons.nb00.places import describe_places
from aitex_utils.lessons.nb00.thresholds import ALLOWED, candidate_thresholds

MASK = np.zeros((20, 100), bool)
MASK[:, 80] = MASK[:, 20] = MASK[:, 22] = True  # two specks beside each other are one place


def heights(left: slice, right: slice) -> np.ndarray:
    anomaly_map = np.zeros(MASK.shape)
    anomaly_map[left, 20:23] = 2.0
    anomaly_map[right, 80] = 3.0
    return anomaly_map


@pytest.mark.parametrize(
    ("left", "right", "verdict"),
    [
        (slice(None), slice(None), "in 2 of 2 outlined places."),
        (slice(None), slice(0, 5), "in 2 of 2 outlined places. It misses a part of at least one place."),
        (slice(None), slice(0), "in 1 of 2 outlined places. It misses a place entirely."),
        (slice(0), slice(0), "in 0 of 2 outlined places. It misses some places entirely."),
    ],
)
def test_the_verdict_follows_the_map(left: slice, right: slice, verdict: str):
    lines = describe_places(heights(left, right), MASK, limit=1.0)
    assert len(lines) == 3 and lines[0].startswith("Columns 20 to 22") and lines[1].startswith("Columns 80 to 80")
    assert lines[-1] == f"The map exceeds the limit {verdict}"


def test_places_outside_the_fabric_are_left_out():
    anomaly_map = heights(slice(None), slice(None))
    anomaly_map[:, 70:] = np.nan
    assert describe_places(anomaly_map, MASK, 1.0)[-1] == "The map exceeds the limit in 1 of 1 outlined place."


@pytest.mark.parametrize("n", [20, 37, 94, 1000])
@pytest.mark.parametrize("ties", [False, True])
def test_b_is_within_the_limit_a_is_not_and_c_flags_none(n: int, ties: bool):
    clean = np.random.default_rng(n).gamma(2, 1, n).astype(np.float32)
    clean = np.round(clean, 1) if ties else clean
    thresholds = candidate_thresholds(clean)
    flagged = {name: float((clean >= threshold).mean()) for name, threshold in thresholds.items()}
    assert flagged["C"] == 0 and flagged["B"] <= ALLOWED
    assert thresholds["A"] < thresholds["B"] < thresholds["C"]
    if not ties:
        assert flagged["A"] > ALLOWED and flagged["B"] > 0


def test_equal_scores_are_not_flagged_and_few_scores_are_refused():
    assert candidate_thresholds(np.ones(20))["C"] > 1
    with pytest.raises(InputError, match="at least 20"):
        candidate_thresholds(np.ones(19))
