"""k-center greedy against brute force in float64, up to ties, and against the reference."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from clouds import clouds
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from aitex_utils import coreset
from aitex_utils.coreset import k_center_greedy, k_center_greedy_reference
from aitex_utils.errors import InputError
from aitex_utils.fast import bf16_bound, greedy_blocks

BOTH = pytest.mark.parametrize("greedy", [k_center_greedy, k_center_greedy_reference])


def squared_distances(points: np.ndarray) -> np.ndarray:
    """Return all squared distances (N, N), float64, from differences."""
    points = points.astype(np.float64)
    return ((points[:, None] - points[None]) ** 2).sum(axis=2)


def assert_greedy(points: np.ndarray, indices: np.ndarray, radii: np.ndarray) -> None:
    """Check that each choice is the farthest from all previous ones, and each radius the covering radius.

    Squares are compared. They are computed from norms in float32, so the tolerance is 16 roundings of the largest.
    """
    squares = squared_distances(points)
    tolerance = 16 * np.finfo(np.float32).eps * squares.max()
    assert indices.dtype == np.int64 and radii.dtype == np.float32 and indices.shape == radii.shape
    assert len(set(indices.tolist())) == len(indices)
    nearest = squares[indices[0]]
    for choice in range(len(indices)):
        nearest = np.minimum(nearest, squares[indices[choice]])
        assert abs(float(radii[choice]) ** 2 - nearest.max()) <= tolerance
        if choice + 1 < len(indices):
            assert nearest[indices[choice + 1]] >= nearest.max() - tolerance
    assert np.all(np.diff(radii.astype(np.float64) ** 2) <= tolerance)


@st.composite
def grids(draw: st.DrawFn) -> np.ndarray:
    """Draw points on a small grid: many ties and duplicates, no rounding."""
    shape = draw(st.tuples(st.integers(1, 60), st.integers(1, 3)))
    return draw(hnp.arrays(np.float32, shape, elements=st.integers(-3, 3).map(float)))


SIZES = ("POOL", "SHORTLIST", "ROWS", "CENTRES", "GROUP")  # constants that must not change the result
EXAMPLES = [(1, 1, 1, 1, 1), (3, 2, 3, 2, 2), (16, 7, 16, 9, 4), tuple(getattr(coreset, name) for name in SIZES)]


def set_size(patched: pytest.MonkeyPatch, name: str, size: int) -> None:
    """Set a constant in each of the three modules that has it."""
    for module in (coreset, bf16_bound, greedy_blocks):
        if hasattr(module, name):
            patched.setattr(module, name, size)


@pytest.fixture(params=[(sizes, fast) for sizes in EXAMPLES for fast in (False, True)], ids=str)
def block_sizes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set tiny pools and blocks, which cause many updates, with or without the bound in bfloat16."""
    for name, size in zip(SIZES, request.param[0], strict=True):
        set_size(monkeypatch, name, size)
    monkeypatch.setattr(coreset, "has_fast_bf16", lambda: request.param[1])


@BOTH
def test_choices_on_a_line_by_hand(greedy):
    """From 0 the choices are 12 (12 away), 7 (5 from 12), 3 (3 from 0) and 1 (1 from 0)."""
    line = np.array([[0], [1], [3], [7], [12]], np.float32)
    indices, radii = greedy(line, 5, seed=0, start=0)
    assert indices.tolist() == [0, 4, 3, 2, 1]
    np.testing.assert_allclose(radii, [12, 5, 3, 1, 0], rtol=1e-5, atol=1e-3)
    indices, radii = greedy(line, 2, seed=0, start=2)
    assert indices.tolist() == [2, 4]
    np.testing.assert_allclose(radii, [9, 4], rtol=1e-5)  # 12 is 9 away; then 7 is 4 from 3


@BOTH
def test_a_single_point_is_chosen_with_radius_0(greedy):
    indices, radii = greedy(np.array([[3.0, 4.0]]), 1, seed=5)
    assert indices.tolist() == [0] and radii.tolist() == [0.0]


@BOTH
@pytest.mark.parametrize("k", [1, 2, 9, 40])
def test_equal_points_are_each_chosen_once(greedy, k, block_sizes):
    indices, radii = greedy(np.full((40, 3), 7.7, np.float32), k, seed=1)
    assert len(set(indices.tolist())) == k
    np.testing.assert_allclose(radii, 0, atol=1e-6)


@BOTH
def test_duplicates_are_chosen_last(greedy, block_sizes):
    points = np.repeat(np.array([[0, 0], [8, 0], [0, 4]], np.float32), 5, axis=0)
    indices, radii = greedy(points, 15, seed=0, start=0)
    assert (indices[:3] // 5).tolist() == [0, 1, 2]
    np.testing.assert_allclose(radii[:3], [8, 4, 0], atol=2e-3)
    assert sorted(indices.tolist()) == list(range(15))


@pytest.mark.slow
@BOTH
@settings(max_examples=60)
@given(points=st.one_of(grids(), clouds()), data=st.data())
def test_each_choice_is_the_farthest_patch(greedy, points, data):
    k = data.draw(st.one_of(st.integers(1, len(points)), st.just(len(points))))
    start = data.draw(st.one_of(st.none(), st.integers(0, len(points) - 1)))
    fast = data.draw(st.booleans())
    with pytest.MonkeyPatch.context() as patched:
        for name in SIZES:
            set_size(patched, name, data.draw(st.integers(1, 40), name))
        patched.setattr(coreset, "has_fast_bf16", lambda: fast)
        indices, radii = greedy(points, k, seed=data.draw(st.integers(0, 9)), projection=None, start=start)
    assert start is None or indices[0] == start
    assert len(indices) == k
    assert_greedy(points, indices, radii)


def test_the_check_rejects_a_wrong_order_and_a_wrong_radius():
    points = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    indices, radii = k_center_greedy(points, 10, seed=0)
    assert_greedy(points, indices, radii)
    with pytest.raises(AssertionError):
        assert_greedy(points, indices[[0, 2, 1, *range(3, 10)]], radii)
    with pytest.raises(AssertionError):
        assert_greedy(points, indices, radii * 1.001)


@settings(max_examples=60)
@given(points=st.one_of(grids(), clouds()), data=st.data())
def test_the_result_equals_the_reference_bit_for_bit(points: np.ndarray, data: st.DataObject):
    k = data.draw(st.integers(1, len(points)))
    projection = data.draw(st.sampled_from([None, 1, 4]))
    with pytest.MonkeyPatch.context() as patched:
        for name in SIZES:
            set_size(patched, name, data.draw(st.integers(1, 40), name))
        fast = data.draw(st.booleans())
        patched.setattr(coreset, "has_fast_bf16", lambda: fast)
        results = [
            greedy(points, k, seed=4, projection=projection) for greedy in (k_center_greedy, k_center_greedy_reference)
        ]
    for actual, expected in zip(*results, strict=True):
        np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("fast", [False, True])
def test_the_result_equals_the_reference_with_the_real_block_sizes(fast: bool, monkeypatch: pytest.MonkeyPatch):
    """There are more patches than a pool or a block of rows, and more choices than a pool."""
    monkeypatch.setattr(coreset, "has_fast_bf16", lambda: fast)
    points = np.random.default_rng(0).normal(size=(coreset.POOL + 900, 6)).astype(np.float32)
    k = coreset.POOL + 100
    (indices, radii), expected = (greedy(points, k, seed=0) for greedy in (k_center_greedy, k_center_greedy_reference))
    np.testing.assert_array_equal(indices, expected[0])
    np.testing.assert_array_equal(radii, expected[1])


def test_the_number_of_threads_and_torch_s_precision_change_nothing():
    points = np.random.default_rng(0).normal(size=(5000, 40)).astype(np.float32) + 20
    threads, results = torch.get_num_threads(), []
    try:
        for count, precision in ((1, "highest"), (2, "highest"), (3, "medium")):
            torch.set_num_threads(count)
            torch.set_float32_matmul_precision(precision)
            results.append(k_center_greedy(points, 600, seed=0, projection=16))
            assert torch.get_float32_matmul_precision() == precision
    finally:
        torch.set_num_threads(threads)
        torch.set_float32_matmul_precision("highest")
    for indices, radii in results[1:]:
        np.testing.assert_array_equal(indices, results[0][0])
        np.testing.assert_array_equal(radii, results[0][1])


@BOTH
def test_of_equally_far_patches_the_first_is_chosen(greedy):
    square = np.array([[0, 0], [4, 4], [0, 4], [4, 0], [2, 2]], np.float32)
    assert greedy(square, 5, seed=0, start=4)[0].tolist() == [4, 0, 1, 2, 3]
    assert greedy(np.zeros((6, 2), np.float32), 6, seed=0, start=3)[0].tolist() == [3, 0, 1, 2, 4, 5]


@BOTH
@pytest.mark.parametrize("exponent", [-80, -126, 60, 110])
def test_choices_do_not_depend_on_the_unit(greedy, exponent: int):
    """A square of 2^-80 vanishes in float32, one of 2^110 overflows."""
    points = np.random.default_rng(0).normal(size=(200, 12)).clip(-3, 3).astype(np.float32)
    scaled = np.ldexp(points, exponent)
    if exponent == -126:
        points = np.ldexp(scaled, 126)  # what is left of the last digits of the smallest numbers
    for actual, expected in zip(
        greedy(scaled, 50, seed=1, projection=4), greedy(points, 50, seed=1, projection=4), strict=True
    ):
        np.testing.assert_allclose(
            actual, np.ldexp(expected, exponent) if expected.dtype == np.float32 else expected, rtol=1e-6
        )


@settings(max_examples=40)
@given(points=st.one_of(grids(), clouds()), data=st.data())
def test_fewer_choices_are_the_first_of_more_choices(points, data):
    k = data.draw(st.integers(1, len(points)))
    m = data.draw(st.integers(1, k))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(coreset, "POOL", data.draw(st.integers(1, 40)))
        (more, radii), (fewer, fewer_radii) = (k_center_greedy(points, j, seed=0) for j in (k, m))
    np.testing.assert_array_equal(fewer, more[:m])
    tolerance = 16 * np.finfo(np.float32).eps * squared_distances(points).max()
    np.testing.assert_allclose(fewer_radii**2, radii[:m] ** 2, atol=tolerance + 1e-30)


@BOTH
@settings(max_examples=25)
@given(clouds(), st.integers(1, 6), st.integers(0, 5))
def test_distances_are_measured_in_the_projection(greedy, points, projection, seed):
    """The radii are those of the projected points, which are drawn here again from the same seed."""
    start = len(points) // 2
    indices, radii = greedy(points, len(points), seed=seed, projection=projection, start=start)
    projected, unit, _ = coreset._prepare(points, 1, seed, projection, start)
    assert projected.shape == (len(points), min(projection, points.shape[1]))
    assert_greedy(projected * np.float32(unit), indices, radii)


def test_the_projection_preserves_squared_distances_on_average():
    points = np.random.default_rng(0).normal(size=(60, 400)).astype(np.float32)
    projected, unit, _ = coreset._prepare(points, 1, 0, 128, None)
    projected = projected * unit
    upper = np.triu_indices(60, 1)
    ratio = squared_distances(projected)[upper] / squared_distances(points)[upper]
    assert abs(ratio.mean() - 1) < 0.05 and ratio.std() < 2 * np.sqrt(2 / 128)


@BOTH
def test_a_projection_to_at_least_as_many_channels_is_skipped(greedy):
    points = np.random.default_rng(0).normal(size=(80, 5)).astype(np.float32)
    results = [greedy(points, 20, seed=0, projection=p) for p in (None, 5, 6, 128)]
    for indices, radii in results[1:]:
        np.testing.assert_array_equal(indices, results[0][0])
        np.testing.assert_array_equal(radii, results[0][1])


@BOTH
def test_the_seed_determines_start_and_projection(greedy):
    points = np.random.default_rng(0).normal(size=(200, 30)).astype(np.float32)
    first, again = (greedy(points, 50, seed=7, projection=8) for _ in range(2))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert len({int(greedy(points, 1, seed=s)[0][0]) for s in range(30)}) > 15
    given_start = greedy(points, 50, seed=7, projection=8, start=int(first[0][0]))  # does not change the projection
    np.testing.assert_array_equal(given_start[0], first[0])


def test_the_patches_stay_unchanged():
    points = np.random.default_rng(0).normal(5, 1, (50, 4)).astype(np.float32)
    before = points.copy()
    k_center_greedy(points, 10, seed=0)
    np.testing.assert_array_equal(points, before)


def test_the_covering_radius_is_at_most_twice_the_best_possible():
    """The bound of Gonzalez, against every choice of 3 of 12 points."""
    from itertools import combinations

    for seed in range(10):
        points = np.random.default_rng(seed).normal(size=(12, 2)).astype(np.float32)
        distances = np.sqrt(squared_distances(points))
        best = min(distances[list(three)].min(axis=0).max() for three in combinations(range(12), 3))
        assert best * (1 - 1e-4) <= k_center_greedy(points, 3, seed=seed)[1][-1] <= 2 * best * (1 + 1e-4)


@BOTH
@pytest.mark.parametrize("k", [0, -1, 6, 2.0, True, None, "3"])
def test_k_out_of_range_is_refused(greedy, k):
    with pytest.raises(InputError, match=f"^k is {k!r}, .* from 1 to 5, the number of patches"):
        greedy(np.zeros((5, 2)), k, seed=0)


@BOTH
def test_other_wrong_arguments_are_refused(greedy):
    points = np.zeros((5, 2))
    for start in (-1, 5):
        with pytest.raises(InputError, match=rf"^start is {start}, .* from 0 to 4, the index of the last patch"):
            greedy(points, 1, seed=0, start=start)
    with pytest.raises(InputError, match="^projection is 0, expected a whole number of at least 1, .*None"):
        greedy(points, 1, seed=0, projection=0)
    with pytest.raises(InputError, match=r"patches has shape \(5, 2, 2\), expected \(N, C\)"):
        greedy(np.zeros((5, 2, 2)), 1, seed=0)
    with pytest.raises(InputError, match="NaN or infinity in 1 of 5 rows"):
        greedy(np.array([[0, np.nan], *[[0, 0]] * 4]), 1, seed=0)
    with pytest.raises(InputError, match="at least one patch"):
        greedy(np.zeros((0, 2)), 1, seed=0)


def test_numpy_integers_pass():
    assert len(k_center_greedy(np.eye(5), np.int32(3), seed=0, start=np.int64(2))[0]) == 3
