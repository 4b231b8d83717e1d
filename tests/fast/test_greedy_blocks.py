"""The parts of the block-wise greedy coreset, each compared with a literal version."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from aitex_utils.fast import greedy_blocks
from aitex_utils.fast.greedy_blocks import End, farthest_places, lower_rows, rounded_squared_distances

pytestmark = pytest.mark.usefixtures("one_thread")


@given(st.lists(st.integers(0, 4), min_size=1, max_size=30), st.integers(1, 31))
def test_the_farthest_are_the_largest_and_of_equals_the_lowest_index(values: list[int], most: int):
    nearest = np.array(values, np.float32)
    order = sorted(range(len(values)), key=lambda place: (-values[place], place))
    places, end = farthest_places(nearest, most)
    assert places.tolist() == sorted(order[:most])
    assert [end.comes_before(values[place], place) for place in order[:most]] == [False] * min(most, len(values))
    if most < len(values):
        first = order[most]
        assert end.comes_before(values[first], first + 1) and end.squared_distance == values[first]


def test_an_end_comes_before_what_is_nearer_or_as_far_and_later():
    end = End(4.0, 7)
    others = [(3.0, 0), (4.0, 8), (4.0, 7), (4.0, 6), (5.0, 9)]
    assert [end.comes_before(*other) for other in others] == [True, True, False, False, False]


@settings(max_examples=40)
@given(n=st.integers(1, 60), channels=st.integers(1, 9), rows=st.integers(1, 70), seed=st.integers(0, 999))
def test_rows_are_lowered_to_the_nearest_new_centre(n: int, channels: int, rows: int, seed: int):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(n, channels)).astype(np.float32)
    before = rng.random(n).astype(np.float32) * 3
    centres = rng.permutation(n)[: rng.integers(1, n + 1)]
    changeable = np.flatnonzero(rng.random(n) < 0.7)
    nearest = before.copy()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(greedy_blocks, "ROWS", rows)
        lower_rows(points, (points**2).sum(axis=1), nearest, centres, changeable)
    squared = cdist(points.astype(float), points[centres].astype(float)).min(axis=1) ** 2
    expected = before.copy()
    expected[changeable] = np.minimum(before, squared)[changeable]
    np.testing.assert_allclose(nearest, expected, rtol=1e-6, atol=1e-12)


def test_distances_between_all_points():
    points = np.random.default_rng(0).normal(size=(20, 5)).astype(np.float32)
    actual = rounded_squared_distances(points, (points**2).sum(axis=1))
    np.testing.assert_allclose(actual, cdist(points, points) ** 2, atol=1e-5)
