"""Distances from differences, the bound on the rounding of products, and the search that compares with everything."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from aitex_utils.fast import exact_distances
from aitex_utils.fast.exact_distances import (
    brute_force_search,
    paired_squared_distances,
    rounding_of_products,
    squared_distances_at,
)


def random_points(seed: int, n: int, channels: int, offset: float = 0.0) -> np.ndarray:
    return (np.random.default_rng(seed).normal(size=(n, channels)) + offset).astype(np.float32)


@pytest.mark.parametrize("pairs", [1, 3, 1024])
def test_pairs_by_hand_and_against_scipy(pairs: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exact_distances, "PAIRS", pairs)
    left, right = np.array([[0, 0], [1, 1]], np.float32), np.array([[3, 4], [1, 3]], np.float32)
    assert paired_squared_distances(left, right).tolist() == [25.0, 4.0]
    assert paired_squared_distances(left, right[:1]).tolist() == paired_squared_distances(right[:1], left).tolist()
    points, others = random_points(0, 40, 9, 1e4), random_points(1, 30, 9, 1e4)
    rows, other_rows = np.divmod(np.arange(1200), 30)
    expected = cdist(points.astype(float), others.astype(float))[rows, other_rows] ** 2
    np.testing.assert_allclose(squared_distances_at(points, rows, others, other_rows), expected, rtol=1e-12)
    assert squared_distances_at(points, rows[:0], others, rows[:0]).shape == (0,)


@settings(max_examples=60)
@given(seed=st.integers(0, 999), channels=st.integers(1, 300), spread=st.sampled_from([1e-20, 1e-3, 1.0, 1e3]))
def test_no_product_is_off_by_more_than_the_bound(seed: int, channels: int, spread: float):
    left, right = (random_points(seed + i, 50, channels, seed % 3) * np.float32(spread) for i in (0, 1))
    rounded = (left**2).sum(1)[:, None] - 2 * (left @ right.T) + (right**2).sum(1)
    exact = cdist(left.astype(float), right.astype(float)) ** 2
    longest = float(np.linalg.norm(right, axis=1).max())
    bound = rounding_of_products(np.linalg.norm(left, axis=1), longest, channels)
    assert (np.abs(rounded - exact) <= bound[:, None]).all()


@settings(max_examples=60)
@given(
    n=st.integers(1, 60),
    on_grid=st.booleans(),
    offset=st.sampled_from([0.0, 1e4]),
    product=st.sampled_from([1, 50, 2**21]),
    data=st.data(),
)
def test_brute_force_orders_by_distance_then_by_index(n, on_grid, offset, product, data):
    vectors, queries = random_points(n, n, 3, offset), random_points(n + 1, 20, 3, offset)
    if on_grid:
        vectors, queries = np.rint(vectors), np.rint(queries)
    k = data.draw(st.integers(1, n))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(exact_distances, "PRODUCT", product)
        squares, indices = brute_force_search(queries, vectors, k)
    exact = ((queries[:, None].astype(float) - vectors[None].astype(float)) ** 2).sum(axis=2)
    expected = np.argsort(exact, axis=1, kind="stable")[:, :k]
    np.testing.assert_allclose(squares, np.take_along_axis(exact, expected, 1), rtol=1e-12)
    if on_grid:
        np.testing.assert_array_equal(indices, expected)
    assert indices.dtype == np.int64 and squares.dtype == np.float64
