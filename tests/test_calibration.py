"""Position-wise normalisation and background subtraction: by hand, and compared with slow, literal versions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from aitex_utils import calibration
from aitex_utils.calibration import leave_one_out_distances, position_scale, row_scale, subtract_background
from aitex_utils.errors import InputError


def flatten(patches: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return all patches (n, C), and the number of the tile or strip of each (n,)."""
    groups = np.repeat(np.arange(len(patches)), [p.shape[0] * p.shape[1] for p in patches])
    return np.concatenate([p.reshape(-1, p.shape[-1]) for p in patches]), groups


def leave_one_out(patches: Sequence[np.ndarray], indices: np.ndarray) -> list[np.ndarray]:
    """Return leave-one-out distances; `indices` are those of the coreset among all patches."""
    flat, groups = flatten(patches)
    return leave_one_out_distances(list(enumerate(patches)), [flat[indices]], [groups[indices]])


def leave_one_out_reference(patches: Sequence[np.ndarray], indices: np.ndarray) -> list[np.ndarray]:
    """Return the same from all pairwise distances."""
    flat, groups = flatten(patches)
    distances = []
    for i, own in enumerate(patches):
        others = flat[indices[groups[indices] != i]]
        if len(others):
            distances.append(cdist(own.reshape(-1, own.shape[-1]), others).min(axis=1).reshape(own.shape[:2]))
    return distances


def random_coreset(rng: np.random.Generator, patches: Sequence[np.ndarray], ratio: float) -> np.ndarray:
    """Return indices of a share of all patches, from two tiles or strips at least."""
    _, groups = flatten(patches)
    indices = rng.permutation(len(groups))[: max(2, round(ratio * len(groups)))]
    return indices if len(set(groups[indices])) > 1 else np.arange(len(groups))


# Leave-one-out distances


def test_leave_one_out_distances_by_hand():
    # One channel, one row of two positions; all patches are in the coreset.
    patches = np.array([[[[0.0], [10.0]]], [[[1.0], [14.0]]]], np.float32)  # (2, 1, 2, 1)
    # 0 and 10 lie 1 and 4 from the other tile's 1 and 14; these lie 1 and 4 from 0 and 10.
    np.testing.assert_allclose(leave_one_out(patches, np.arange(4)), [[[1, 4]], [[1, 4]]])
    # Without 14 in the coreset, 10 lies 9 from 1.
    np.testing.assert_allclose(leave_one_out(patches, np.arange(3)), [[[1, 9]], [[1, 4]]])


@given(
    widths=st.lists(st.integers(1, 9), min_size=2, max_size=5),
    rows=st.integers(1, 3),
    ratio=st.floats(0.3, 1),
    seed=st.integers(0, 999),
)
def test_leave_one_out_distances_equal_the_reference(widths: list[int], rows: int, ratio: float, seed: int):
    rng = np.random.default_rng(seed)
    patches = [rng.normal(size=(rows, width, 3)).astype(np.float32) for width in widths]
    indices = random_coreset(rng, patches, ratio)
    results, expected = leave_one_out(patches, indices), leave_one_out_reference(patches, indices)
    for distances, reference in zip(results, expected, strict=True):
        assert distances.dtype == np.float32
        np.testing.assert_allclose(distances, reference, rtol=1e-4, atol=1e-5)


@given(n=st.integers(2, 5), width=st.integers(1, 30), seed=st.integers(0, 99))
def test_pruned_search_and_memory_bank_give_the_same_leave_one_out_distances(n: int, width: int, seed: int):
    rng = np.random.default_rng(seed)
    patches = [rng.normal(size=(2, width, 6)).astype(np.float32) for _ in range(n)]
    indices = np.sort(random_coreset(rng, patches, 0.5))
    searches, results = [], {}
    for fast in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(calibration, "MIN_SIZE", 1)
            patch.setattr(calibration, "has_fast_bf16", lambda fast=fast: fast)
            patch.setattr(calibration, "PrunedSearch", recording(calibration.PrunedSearch, searches))
            results[fast] = leave_one_out(patches, indices)
    assert len(searches) == 1  # one for all tiles, and only where it is fast
    for pruned, exact in zip(results[True], results[False], strict=True):
        np.testing.assert_allclose(pruned, exact, rtol=1e-4, atol=1e-5)


def recording(function: Callable, calls: list) -> Callable:
    """Return the function, with the arguments of each call appended to a list."""

    def recorded(*arguments: object) -> object:
        calls.append(arguments)
        return function(*arguments)

    return recorded


def test_distances_of_two_branches_are_combined_by_their_geometric_mean():
    rng = np.random.default_rng(0)
    samples = [(i, rng.normal(size=(2, 3, 8)).astype(np.float32)) for i in range(4)]
    vectors, groups = rng.normal(size=(20, 8)).astype(np.float32), np.arange(20) % 4
    halves, groups_of_halves = (slice(0, 4), slice(4, 8)), (groups, groups[::-1])
    combined = leave_one_out_distances(samples, [vectors[:, half] for half in halves], groups_of_halves)
    alone = [
        leave_one_out_distances([(i, patches[..., half]) for i, patches in samples], [vectors[:, half]], [of_half])
        for half, of_half in zip(halves, groups_of_halves, strict=True)
    ]
    np.testing.assert_allclose(combined, np.sqrt(np.multiply(*alone)), rtol=1e-5)


def test_a_tile_that_owns_all_coreset_patches_of_a_branch_is_left_out():
    samples = [(i, np.full((1, 2, 2), i, np.float32)) for i in range(3)]
    vectors = np.zeros((2, 1), np.float32)
    distances = leave_one_out_distances(samples, [vectors, vectors], [np.array([0, 1]), np.array([0, 0])])
    np.testing.assert_allclose(distances, [[[1, 1]], [[2, 2]]])


def test_a_coreset_from_a_single_tile_is_refused():
    patches = np.random.default_rng(0).normal(size=(1, 2, 2, 3)).astype(np.float32)
    with pytest.raises(InputError, match="one tile or strip: .*larger coreset.*normalize_positions=False"):
        leave_one_out(patches, np.arange(4))


# Position scale


def test_position_scale_by_hand():
    # The quantile of a row times that of a column, divided by that of all; here the medians 2 and 4, 2 and 4, and 3.
    distances = np.array([[[1.0, 3.0], [3.0, 9.0]], [[1.0, 3.0], [3.0, 5.0]], [[1.0, 3.0], [3.0, 5.0]]])
    np.testing.assert_allclose(position_scale(distances, 0.5), [[4 / 3, 8 / 3], [8 / 3, 16 / 3]], rtol=1e-6)
    np.testing.assert_allclose(position_scale(distances, 1.0), [[1, 3], [3, 9]], rtol=1e-6)


@given(n=st.integers(2, 5), height=st.integers(1, 4), width=st.integers(1, 4), seed=st.integers(0, 999))
def test_position_scale_equals_the_definition(n: int, height: int, width: int, seed: int):
    distances = np.random.default_rng(seed).uniform(0.1, 2, (n, height, width)).astype(np.float32)
    rows = [np.quantile(distances[:, row], 0.9) for row in range(height)]
    columns = [np.quantile(distances[:, :, column], 0.9) for column in range(width)]
    scale = position_scale(list(distances))
    assert scale.shape == (height, width) and scale.dtype == np.float32
    np.testing.assert_allclose(scale, np.outer(rows, columns) / np.quantile(distances, 0.9), rtol=1e-5)


@pytest.mark.parametrize("scale_of", [position_scale, row_scale])
def test_distances_of_zero_give_scales_above_zero(scale_of: Callable):
    distances = np.zeros((3, 2, 2), np.float32)
    distances[:, 1] = [[0.0, 0.0], [0.0, 2.0], [0.0, 0.0]]
    for values in (distances, np.zeros_like(distances)):
        scale = scale_of(values)
        assert scale.dtype == np.float32 and np.isfinite(scale).all() and (scale > 0).all()


# Row scale


def test_row_scale_by_hand():
    # Two strips of one row, one of them longer; all patches are in the coreset. 0 and 10 lie 1 and 6 from the other's
    # 1, 4, 4; these lie 1, 4, 4 from 0 and 10.
    patches = [np.array([[[0.0], [10.0]]], np.float32), np.array([[[1.0], [4.0], [4.0]]], np.float32)]
    distances = leave_one_out(patches, np.arange(5))
    np.testing.assert_allclose(row_scale(distances, 1.0), [[6.0]])
    np.testing.assert_allclose(row_scale(distances, 0.5), [[4.0]])
    # With 0 and the last 4 alone in the coreset, 0 and 10 lie 4 and 6 away, and 1, 4, 4 lie 1, 4, 4 away.
    np.testing.assert_allclose(row_scale(leave_one_out(patches, np.array([0, 4])), 0.0), [[1.0]])


@given(widths=st.lists(st.integers(1, 9), min_size=1, max_size=4), rows=st.integers(1, 3), seed=st.integers(0, 999))
def test_row_scale_is_the_quantile_of_each_row(widths: list[int], rows: int, seed: int):
    rng = np.random.default_rng(seed)
    distances = [rng.uniform(0.1, 2, (rows, width)).astype(np.float32) for width in widths]
    scale = row_scale(distances)
    assert scale.shape == (rows, 1) and scale.dtype == np.float32
    for row in range(rows):
        values = [value for of_strip in distances for value in of_strip[row]]
        assert scale[row, 0] == pytest.approx(np.quantile(values, 0.9), rel=1e-5)


# Background


def test_subtract_background_by_hand():
    # The medians of the columns are 3, 3.5, 4, 7, and their running median over five columns is 3.75. What remains has
    # row medians -1.25 and 1.25, of which each is its own running median.
    strip_map = np.array([[1.0, 2.0, 3.0, np.nan, 9.0], [5.0, 5.0, 5.0, np.nan, 5.0]], np.float32)
    expected = [[-0.75, -0.25, 0.25, np.nan, 3.25], [0.75, 0.25, -0.25, np.nan, -3.25]]
    np.testing.assert_allclose(subtract_background(strip_map, 0.5), expected)
    assert subtract_background(strip_map.astype(np.float64), 0.25).dtype == np.float32


@given(
    height=st.integers(1, 20),
    width=st.integers(1, 50),
    quantile=st.sampled_from([0, 0.25, 0.6]),
    seed=st.integers(0, 99),
)
def test_subtract_background_equals_the_reference(height: int, width: int, quantile: float, seed: int):
    strip_map = np.random.default_rng(seed).normal(size=(height, width)).astype(np.float32)
    padded = np.pad(np.quantile(strip_map, quantile, axis=0), height, mode="edge")
    rest = strip_map - np.array([np.median(padded[x : x + 2 * height + 1]) for x in range(width)])
    half = (height // 4 | 1) // 2
    padded = np.pad(np.quantile(rest, quantile, axis=1), half, mode="symmetric")
    rest = rest - np.array([np.median(padded[y : y + 2 * half + 1]) for y in range(height)])[:, None]
    background = strip_map - rest
    expected = np.maximum(rest, strip_map - max(2.5 * np.median(background), 0))
    np.testing.assert_allclose(subtract_background(strip_map, quantile), expected, atol=1e-5)


def test_slow_changes_are_subtracted_and_long_defects_remain():
    drift = np.linspace(4, 8, 600)[None] + np.linspace(0, 1, 64)[:, None]
    pick, spot, band = drift.copy(), drift.copy(), drift.copy()
    pick[30:36] += 1  # all along the strip, but only six rows high
    spot[:, 300:350] += 1  # from edge to edge, but narrower than the strip is high
    band[20:60] += 1  # more rows than the running median ignores
    rest = subtract_background(drift, 0.25)
    assert rest.max() < 0.6  # of 9
    assert subtract_background(pick, 0.25)[30:36].min() > 0.9 + rest.min()
    np.testing.assert_allclose((subtract_background(spot, 0.25) - rest)[:, 300:350], 1, atol=0.4)
    assert (subtract_background(band, 0.25) - rest)[20:60].mean() < 0.5


def test_a_stretch_far_above_the_rest_of_the_strip_remains():
    strip_map = np.full((64, 1000), 0.9, np.float32)
    strip_map[:, 300:500] = 3.4  # more columns than the running median ignores, as a stretch of another draft
    above = subtract_background(strip_map, 0.25)
    np.testing.assert_allclose(above[:, 330:470], 3.4 - 2.5 * 0.9, rtol=1e-5)
    np.testing.assert_allclose(above[:, 600:], 0, atol=1e-6)


@pytest.mark.parametrize("quantile", [-0.1, 1.1, float("nan"), "low"])
def test_a_quantile_out_of_range_is_refused(quantile: object):
    with pytest.raises(InputError, match=f"^background_quantile is {quantile!r}, .*0 and up to 1, .*0.25"):
        subtract_background(np.zeros((2, 2)), quantile)
