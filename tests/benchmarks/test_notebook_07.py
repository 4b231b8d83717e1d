"""The benchmark of notebook 07: rates on new strips, and their summary."""

from __future__ import annotations

import notebook_07
import numpy as np
import pytest
from notebook_06 import FabricScores

from aitex_utils.lessons.nb07.thresholds import RULES


@pytest.fixture
def fabric() -> FabricScores:
    """Return 400 tiles of 10 normal and 10 defective strips. All normal tiles are drawn alike."""
    groups = np.repeat(np.arange(20), 20)
    labels = (groups >= 10) & (np.arange(400) % 10 == 0)
    scores = {"max": np.random.default_rng(0).gamma(4, size=400) + labels * 5.0}
    low = np.zeros(40)
    return FabricScores(scores, labels, groups, groups < 10, np.zeros((400, 1, 1)), np.zeros((400, 2)), [], low, low)


def test_the_conformal_rule_meets_its_rate_and_the_highest_score_is_rarer(fabric: FabricScores):
    summary = notebook_07.summarize_rules({"00": notebook_07.rates_of_rules(fabric)})
    assert summary["conformal"]["rate"] == pytest.approx(0.1, abs=0.03)
    assert summary["highest"]["rate"] == pytest.approx(1 / 101, abs=0.01)
    assert summary["highest"]["recall"] < summary["conformal"]["recall"]
    assert summary["f1_max"]["rate"] < 0.1 and summary["f1_max"]["recall"] > 0.3
    for of_rule in summary.values():
        assert of_rule["lowest"] <= of_rule["rate"] <= of_rule["highest"]


def test_fabrics_count_the_same_whatever_their_number_of_halves():
    rates = {"00": {rule: [(0.2, 0.5)] * 9 for rule in RULES}, "01": {rule: [(0.4, 1.0)] for rule in RULES}}
    summary = notebook_07.summarize_rules(rates)["gain"]
    assert summary["rate"] == pytest.approx(0.3) and summary["recall"] == pytest.approx(0.75)
    assert summary["rate_by_fabric"] == pytest.approx({"00": 0.2, "01": 0.4})
