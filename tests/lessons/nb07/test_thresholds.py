"""Rules for thresholds: each has the rate that notebook 07 states, on scores with a known distribution."""

from __future__ import annotations

import math

import numpy as np
import pytest

from aitex_utils import metrics
from aitex_utils.lessons.nb07 import thresholds
from aitex_utils.lessons.scored_tiles import ScoredFabric


def fabric(seed: int = 0, strips: int = 5, tiles: int = 30, unusual: float = 0.0) -> ScoredFabric:
    """Return a fabric whose normal tiles are drawn alike, and whose fitted tiles score half as much."""
    rng = np.random.default_rng(seed)
    n = strips * tiles
    scores = np.concatenate([rng.gamma(4, size=n), 4 + rng.gamma(4, size=tiles)])
    names = np.append(np.repeat([f"n{i}" for i in range(strips)], tiles), np.repeat("d", tiles))
    labels = np.arange(len(scores)) >= n
    return ScoredFabric(
        fabric="00",
        distances=scores[:, None, None],
        reweighted=np.zeros((len(scores), 2)),
        labels=labels,
        marked=labels * 9,
        strips=names,
        corners=np.zeros((len(scores), 2), int),
        calibration=np.isin(names, ["n0", "n1"]),
        fitted=rng.gamma(4, size=200) / 2,
        same_strips=rng.gamma(4, size=200) + unusual,
        unit=1.0,
    )


@pytest.fixture(autouse=True)
def normal_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    names = frozenset(f"n{i}" for i in range(9))
    monkeypatch.setattr("aitex_utils.lessons.scored_tiles._normal_strips", lambda: names)


def test_each_rule_is_its_formula():
    normal, labels, scores = np.arange(1.0, 20.0), np.array([0, 1, 1], bool), np.array([1.0, 2.0, 3.0])

    def by_rule(rule: str) -> float:
        return thresholds.threshold_by_rule(rule, normal, labels, scores)

    assert by_rule("conformal") == metrics.conformal_threshold(normal, 0.1)
    assert by_rule("percentile x gain") == pytest.approx(np.quantile(normal, 0.9) * 1.2)
    assert 19 < by_rule("highest normal score") < 19.001
    assert by_rule("F1-max on the test set") == 2
    assert thresholds.threshold_by_rule("conformal", normal[:3], labels, scores) == math.inf


def test_the_conformal_rate_is_met_and_the_rate_of_the_highest_score_falls():
    fabrics = [fabric(seed) for seed in range(4)]
    by_count = {n: thresholds.rates_by_rule(fabrics, n) for n in (1, 2, 4)}
    for n, rates in by_count.items():
        assert {len(false_alarms) for false_alarms, _ in rates.values()} == {4 * math.comb(5, n)}
        assert rates["conformal"][0].mean() == pytest.approx(0.1, abs=0.04)
        expected = 1 / (30 * n + 1)  # the new tile is the highest of n + 1
        assert rates["highest normal score"][0].mean() == pytest.approx(expected, abs=0.015)
    recalls = [by_count[n]["highest normal score"][1].mean() for n in (1, 4)]
    assert recalls[0] > recalls[1]


def test_rates_by_source_show_the_fitted_tiles():
    rates = thresholds.rates_by_source([fabric(3), fabric(4)])
    assert {len(values) for values in rates.values()} == {20}
    assert rates["fitted tiles"].mean() > 0.4 and rates["other strips"].mean() == pytest.approx(0.1, abs=0.05)
    leaked = thresholds.rates_by_source([fabric(3, unusual=-3.0)])
    assert leaked["same strips"].mean() > 3 * leaked["other strips"].mean()


def test_the_threshold_of_another_light_comes_from_the_known_strips():
    scores = {1.0: np.arange(40.0) % 10, 1.2: np.arange(40.0) % 10 + 5}
    strips = np.repeat(["a", "b", "c", "d"], 10)  # with equal scores, so every choice has the same rates
    rates = thresholds.rates_in_light(scores, strips, 2, 0.25)
    threshold = metrics.conformal_threshold(scores[1.0][:20], 0.25)
    expected = {factor: (of_light[20:] >= threshold).mean() for factor, of_light in scores.items()}
    assert rates == pytest.approx(expected) and rates[1.2] > rates[1.0]
    scores[1.0] = np.where(strips == "a", 99, scores[1.0])  # one strip differs: half of all choices know it
    assert rates[1.0] < thresholds.rates_in_light(scores, strips, 2, 0.25)[1.0] < 0.5
