"""Decisions of notebook 04: the figure and the costs lead to the answers that the notebook calls right."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils.lessons.nb04.decisions import MILL, best_ratio, daily_cost, toy_distances
from aitex_utils.lessons.nb04.toy import nearest_distances, toy_patches

PRICES = {"tiles": 200_000, "defective": 100, "euro_per_hour": 2, "euro_per_miss": 25}  # of the notebook


def test_greedy_is_best_by_the_worst_patch_and_k_means_by_the_mean():
    sizes = (5, 10, 20, 40, 80)
    found = toy_distances(toy_patches(), sizes)
    assert found.keys() == {"greedy", "random", "k-means"}
    for i in range(len(sizes)):
        assert min(found, key=lambda name: found[name][0, i]) == "greedy"
        assert min(found, key=lambda name: found[name][1, i]) == "k-means"
    assert max(found, key=lambda name: found[name][0].mean()) == "random"


def test_toy_distances_are_the_worst_and_the_mean():
    points = np.array([[0, 0], [0, 1], [4, 0]], np.float32)
    worst, mean = toy_distances(points, [3], draws=2)["random"]
    assert worst == mean == 0
    distances = nearest_distances(points, points[:1])
    assert (distances.max(), distances.mean()) == (4, pytest.approx(5 / 3))


def test_the_mill_s_best_ratio_is_1_in_10():
    cost = daily_cost(MILL.ms, MILL.misses, **PRICES)
    np.testing.assert_allclose(cost, [100.83, 80.89, 79.83, 115.22], atol=0.01)
    assert best_ratio(*MILL[:3], cost, 512, 40) == 0.1
    fits = (MILL.mib <= 512) & (MILL.ms <= 40)
    assert MILL.ratios[fits].tolist() == [0.1, 0.01]
    assert MILL.mib.argmin() == 3 and MILL.misses.argmin() == 1  # the two other reasons are wrong


def test_the_model_answer_s_numbers():
    (saved,) = np.diff(daily_cost(MILL.ms[2:], [0, 0], **PRICES))
    (lost,) = np.diff(daily_cost([0, 0], MILL.misses[2:], **PRICES))
    assert -saved == pytest.approx(2, abs=0.2) and 37 < lost < 38
    seconds = PRICES["tiles"] * (MILL.ms[2] - MILL.ms[3]) / 1000
    assert seconds == 3800


@pytest.mark.parametrize(("euro_per_hour", "best"), [(35, 0.1), (36, 0.01)])
def test_the_ratio_changes_between_35_and_36_euros_per_hour(euro_per_hour: float, best: float):
    cost = daily_cost(MILL.ms, MILL.misses, **(PRICES | {"euro_per_hour": euro_per_hour}))
    assert best_ratio(*MILL[:3], cost, 512, 40) == best


def test_without_a_ratio_in_the_limits_there_is_none():
    assert best_ratio(*MILL[:3], MILL.misses, 1, 1) == 0.0
