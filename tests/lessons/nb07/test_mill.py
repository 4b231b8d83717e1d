"""The simulated mill of notebook 07: its truth is what it claims."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils.lessons.nb07 import mill
from aitex_utils.lessons.nb07.exercise_tuning import flawed_tune_and_test, tune_and_test


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.8])
def test_woven_tiles_have_the_stated_variance_and_correlation(correlation: float):
    tiles = mill.weave_strips(correlation, 4000, 2, np.random.default_rng(1))[..., 0]
    assert tiles.var() == pytest.approx(1, abs=0.05) and tiles.mean() == pytest.approx(0, abs=0.05)
    assert np.corrcoef(tiles.T)[0, 1] == pytest.approx(correlation, abs=0.05)
    assert (tiles > mill.LIMIT).mean() == pytest.approx(mill.TRUE_RATE, abs=0.01)


def test_coverage_by_tile_falls_with_the_correlation_and_by_strip_hardly():
    (strip_0, tile_0), (strip_5, tile_5) = mill.coverage(0.0), mill.coverage(0.5)
    assert min(strip_0, tile_0) > 0.85 and strip_5 > 0.8
    assert 0.6 < tile_5 < 0.78  # the answer to question 07.q5: about 7 of 10
    assert mill.coverage(0.5) == (strip_5, tile_5)


def test_a_leak_grows_with_the_correlation_and_other_strips_meet_the_rate():
    independent, correlated = mill.leaky_rates(0.0), mill.leaky_rates(0.75)
    assert independent["same strips"] == pytest.approx(0.1, abs=0.03)
    assert correlated["same strips"] > 0.3
    for rates in (independent, correlated):
        assert rates["other strips"] == pytest.approx(0.1, abs=0.03)


def test_the_best_of_equal_detectors_is_best_by_chance():
    rng = np.random.default_rng(0)
    draws = [mill.equal_detectors(20, rng) for _ in range(25)]
    leaky = np.mean([flawed_tune_and_test(*draw)[1] for draw in draws])
    honest = np.mean([tune_and_test(*draw)[1] for draw in draws])
    assert leaky > 0.87 and honest == pytest.approx(0.8, abs=0.04)
    labels, tuning = draws[0][1:]
    assert 0 < labels[tuning].sum() < labels.sum()
