"""Measurements of notebook 08: profiles, costs, and the map on which a planted flaw shows."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils.errors import InputError
from aitex_utils.lessons.nb08 import reference
from aitex_utils.lessons.nb08.measures import cost_curve, map_with_high_defect, tile_profile


def test_a_profile_is_a_high_quantile_of_all_tiles_per_column():
    maps = [np.ones((256, 512)), np.ones((256, 256))]
    maps[0][:, 0] = 5  # 1 in 3 tiles
    maps[1][:20, 9] = 7  # 1 in 38 pixels
    profile = tile_profile(maps)
    assert profile.shape == (256,) and profile[0] == 5 and (profile[1:] == 1).all()
    with pytest.raises(InputError, match="no maps"):
        tile_profile([])


def test_the_lowest_cost_of_the_curve_is_the_cheapest_threshold():
    rng = np.random.default_rng(0)
    labels = rng.random(90) < 0.3
    scores = np.round(rng.normal(size=90) + labels, 2)
    for prices in ((1.0, 3.0), (2.0, 1.0)):
        thresholds, costs = cost_curve(labels, scores, *prices)
        threshold, cost = reference.cheapest_threshold(labels, scores, *prices)
        in_units = cost / (prices[1] * labels.sum())
        if np.isfinite(threshold):
            assert costs.min() == pytest.approx(in_units) and costs[thresholds == threshold] == pytest.approx(in_units)
        else:
            assert costs.min() >= 1
        assert (np.diff(thresholds) > 0).all()


def test_the_flaw_is_visible_and_its_repair_removes_it():
    high = map_with_high_defect()
    middle, beside = np.s_[:, 198:202], np.s_[:, 185:194]
    flawed, repaired = (f(high, 33) for f in (reference.background_of_colleague, reference.repaired_background))
    far = np.median(flawed[:, 60:150])
    assert np.median(flawed[beside]) < far - 0.5 and abs(np.median(repaired[beside]) - far) < 0.15
    assert np.median(repaired[middle]) > 3.8 and np.median(flawed[middle]) < 3.5
    assert abs(np.median(repaired[:, 350:]) - np.median(repaired[:, 20:60])) < 0.1  # the slope is gone
