"""The bound in bfloat16: it misses no point that comes nearer, rules out most others, and is made of exact parts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from clouds import clouds
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from aitex_utils.coreset import k_center_greedy
from aitex_utils.fast import bf16_bound
from aitex_utils.fast.bf16_bound import (
    Bf16Bound,
    balanced_partition_order,
    bf16_off,
    group_maxima,
    has_fast_bf16,
    split_bf16,
    zeros_bf16,
)

pytestmark = pytest.mark.usefixtures("one_thread")


# --- Bf16Bound ---


@settings(max_examples=60)
@given(points=clouds(), scale=st.sampled_from([1e-3, 1.0, 50.0]), seed=st.integers(0, 99), data=st.data())
def test_every_point_that_comes_nearer_is_a_candidate(points, scale, seed, data):
    rng = np.random.default_rng(seed)
    points = (points * scale).astype(np.float32)
    new_centres = rng.permutation(len(points))[: data.draw(st.integers(1, len(points)))]
    squared_norms = np.einsum("ij,ij->i", points, points)
    squared = cdist(points.astype(float), points.astype(float)) ** 2
    nearest = squared[:, rng.integers(len(points), size=2)].min(axis=1).astype(np.float32)
    nearest[rng.random(len(points)) < 0.1] = -1.0  # centres
    group = data.draw(st.integers(1, 9))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bf16_bound, "ROWS", data.draw(st.integers(1, 40)))
        patched.setattr(bf16_bound, "GROUP", group)
        candidates = Bf16Bound(points, squared_norms).candidates(new_centres, nearest)
    assert len(candidates) == -(-len(new_centres) // group)
    tolerance = 1e-5 * squared_norms.max()
    for i, rows in enumerate(candidates):
        assert np.all(np.diff(rows) > 0)
        comes_nearer = squared[:, new_centres[i * group : (i + 1) * group]].min(axis=1) < nearest - tolerance
        assert set(np.flatnonzero(comes_nearer)) <= set(rows.tolist())


def test_a_point_is_a_candidate_despite_the_largest_rounding():
    """1 + 2^-8 lies in the middle between two numbers of bfloat16 and is rounded down by 1 part in 256.

    The new centre coincides with the points. The distance of one more point shifts the sum to all places between two
    numbers of bfloat16.
    """
    points = np.array([*[[1 + 2.0**-8]] * 10, [0.0]], np.float32)
    bound, nearest = Bf16Bound(points, (points**2).sum(axis=1)), np.full(11, 1e-6, np.float32)
    for farthest in np.linspace(1e-4, 3, 500):
        nearest[-1] = farthest
        (rows,) = bound.candidates(np.array([0]), nearest)
        assert set(range(10)) <= set(rows.tolist())


def test_most_points_are_ruled_out():
    """A bound that rules out no point would be correct as well."""
    points = np.random.default_rng(0).normal(size=(4000, 64)).astype(np.float32)
    chosen, _ = k_center_greedy(points, 500, seed=0, projection=None)
    nearest = (cdist(points, points[chosen[:400]]) ** 2).min(axis=1).astype(np.float32)
    candidates = Bf16Bound(points, np.einsum("ij,ij->i", points, points)).candidates(chosen[400:], nearest)
    assert sum(map(len, candidates)) < 0.5 * len(candidates) * len(points)


# --- its parts ---


@given(st.integers(1, 5), st.integers(1, 100))
def test_zeros_have_a_width_that_the_processor_reads(rows: int, columns: int):
    zeros = zeros_bf16(rows, columns)
    assert zeros.dtype == torch.bfloat16 and not zeros.any()
    assert len(zeros) == rows and columns <= zeros.shape[1] < columns + 32 and zeros.shape[1] % 32 == 0


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=5), st.integers(0, 4))
def test_three_columns_in_bfloat16_add_up_to_the_float32_value(values: list[float], column: int):
    matrix, exact = zeros_bf16(len(values), 7), torch.tensor(values)
    split_bf16(matrix, column, exact)
    parts = matrix[:, column : column + 3].double()
    torch.testing.assert_close(parts.sum(dim=1), exact.double(), rtol=2**-23, atol=1e-30)
    assert torch.equal(matrix[:, :column], torch.zeros(len(values), column, dtype=torch.bfloat16))


@settings(max_examples=30)
@given(n=st.integers(1, 30), groups=st.integers(1, 3), step=st.integers(1, 20), seed=st.integers(0, 99))
def test_group_maxima_equal_the_maxima_of_the_product(n: int, groups: int, step: int, seed: int):
    generator = torch.Generator().manual_seed(seed)
    points = torch.randn((n, 32), generator=generator).bfloat16()
    centres = torch.randn((32, groups * bf16_bound.GROUP), generator=generator).bfloat16()
    blocks = list(group_maxima(points, centres, step))
    assert [rows.start for rows, _ in blocks] == list(range(0, n, step))
    maxima = torch.cat([block for _, block in blocks]).view(torch.bfloat16).float()
    expected = (points.float() @ centres.float()).view(n, groups, -1).amax(dim=2)
    # Positive maxima differ from the float32 product by rounding; others are only known not to be above 0.
    torch.testing.assert_close(maxima.clip(0), expected.clip(0), rtol=2**-7, atol=1e-3)


def test_the_speed_of_bfloat16_is_compared_with_float32(monkeypatch: pytest.MonkeyPatch):
    """The clock is simulated: five products in float32, then five in bfloat16, each with its own duration."""
    measure = bf16_bound._multiplies_bf16_fast.__wrapped__
    for float32, bfloat16, expected in ((1.0, 0.1, True), (1.0, 0.6, False), (0.1, 1.0, False)):
        steps = [step for seconds in (float32, bfloat16) for step in (0, seconds) * 5]
        ticks = iter(np.cumsum(steps).tolist())
        monkeypatch.setattr("time.perf_counter", lambda ticks=ticks: next(ticks))
        assert measure() is expected


def test_the_speed_of_bfloat16_is_measured_once():
    has_fast_bf16()
    before = bf16_bound._multiplies_bf16_fast.cache_info()
    has_fast_bf16()
    assert bf16_bound._multiplies_bf16_fast.cache_info() == before._replace(hits=before.hits + 1)


def test_bfloat16_can_be_switched_off_for_a_while(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bf16_bound, "_multiplies_bf16_fast", lambda: True)
    with bf16_off():
        assert not has_fast_bf16()
        with pytest.raises(ZeroDivisionError), bf16_off():
            raise ZeroDivisionError
        assert not has_fast_bf16()
    assert has_fast_bf16()


# --- balanced_partition_order ---


@settings(max_examples=30)
@given(count=st.integers(1, 300), size=st.integers(1, 70), seed=st.integers(0, 99))
def test_the_order_contains_each_point_once(count: int, size: int, seed: int):
    points = np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float32)
    np.testing.assert_array_equal(np.sort(balanced_partition_order(points, size)), np.arange(count))


def test_parts_are_separated_along_the_direction_of_largest_variance():
    """The farthest point lies across the long axis of the cloud; power iterations turn the direction to that axis."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(1280, 2)).clip(-2, 2) * [40, 1]
    points[0] = [0, 90]
    halves = points[balanced_partition_order(points.astype(np.float32), 640)].reshape(2, 640, 2)[..., 0]
    low, high = sorted(halves, key=np.mean)
    assert low.max() <= high.min() + 1  # up to the small second coordinate


def test_consecutive_points_on_a_line_form_intervals():
    points = np.random.default_rng(0).permutation(640).astype(np.float32)[:, None]
    parts = points[balanced_partition_order(points, 64)].reshape(10, 64)
    assert (np.ptp(parts, axis=1) == 63).all()
