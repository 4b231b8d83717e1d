"""Anomaly maps and image-level scores: worked by hand, and compared with SciPy, torch and the formulas of the paper."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from aitex_utils.errors import InputError
from aitex_utils.memory_bank import MemoryBank
from aitex_utils.scoring import (
    IMAGE_SCORES,
    anomaly_maps,
    geometric_mean_distance,
    image_scores,
    max_score,
    mean_score,
    reweighted_by_patch_score,
    reweighted_score,
    smooth,
    stitch_maps,
    top_fraction_score,
)
from aitex_utils.tiling import tile

REWEIGHTED = pytest.mark.parametrize("score", [reweighted_score, reweighted_by_patch_score])


def bank_of(*vectors: tuple[float, ...]) -> MemoryBank:
    return MemoryBank().add(np.array(vectors, np.float32))


def tile_of(*patches: tuple[float, ...]) -> np.ndarray:
    """One tile's patches, (1, P, C) float32."""
    return np.array([patches], np.float32)


# Reweighted scores. A line with the bank at -1, 0 and 2.5, and the farthest patch p at 1. Nearest to p is m* = 0, so
# s* = 1. The two vectors nearest to m* are 0 and -1, at 1 and 2 from p; the two nearest to p are 0 and 2.5, at 1 and
# 1.5 from p.
LINE = ((-1.0,), (0.0,), (2.5,))


def test_reweighted_score_takes_the_neighbours_of_the_nearest_vector():
    # s = (1 - e^1 / (e^1 + e^2)) * 1 = 1 / (1 + 1/e) = 0.7310586
    score = reweighted_score(tile_of((1.0,), (0.1,), (-0.9,)), bank_of(*LINE), b=2)
    np.testing.assert_allclose(score, [0.7310586], rtol=1e-6)
    assert score.dtype == np.float32


def test_reweighted_by_patch_score_takes_the_neighbours_of_the_patch():
    # s = (1 - e^1 / (e^1 + e^1.5)) * 1 = 1 / (1 + e^-0.5) = 0.6224593
    score = reweighted_by_patch_score(tile_of((1.0,), (0.1,), (-0.9,)), bank_of(*LINE), b=2)
    np.testing.assert_allclose(score, [0.6224593], rtol=1e-6)
    assert score.dtype == np.float32


def test_the_softmax_takes_distances_from_the_patch_not_from_its_nearest_vector():
    # p = (0, 0), bank (3, 0), (3, 4), (0, 12): m* = (3, 0), s* = 3; |p - m| are 3, 5 and 12.
    # s = 3 (1 - e^3 / (e^3 + e^5 + e^12)) = 3 (1 - 1 / (1 + e^2 + e^9)) = 3 (1 - 1 / 8111.47298) = 2.99963015
    # The distances from m* (0, 4, 12.4) or the squared ones (9, 25, 144) would give other scores.
    bank = bank_of((3, 0), (3, 4), (0, 12))
    np.testing.assert_allclose(reweighted_score(tile_of((0, 0)), bank, b=3), [2.99963015], rtol=1e-6)
    # With b = 2: 3 (1 - 1 / (1 + e^2)) = 3 * 0.88079708
    np.testing.assert_allclose(reweighted_score(tile_of((0, 0)), bank, b=2), [2.6423912], rtol=1e-6)
    np.testing.assert_allclose(reweighted_by_patch_score(tile_of((0, 0)), bank, b=2), [2.6423912], rtol=1e-6)


@REWEIGHTED
def test_each_tile_is_scored_by_its_own_farthest_patch(score: Callable):
    tiles = np.array([[[1.0], [0.1]], [[-0.9], [1.0]], [[0.5], [0.0]]], np.float32)
    together = score(tiles, bank_of(*LINE), b=2)
    alone = [score(tiles[i : i + 1], bank_of(*LINE), b=2)[0] for i in range(3)]
    np.testing.assert_array_equal(together, alone)
    assert together[0] == together[1] > together[2]


@REWEIGHTED
def test_an_isolated_neighbour_keeps_the_score_and_a_crowded_one_lowers_it(score: Callable):
    # Ten equal vectors: each has a tenth of the sum, so s = 0.9 s*.
    np.testing.assert_allclose(score(tile_of((2.0,)), bank_of(*[(0.0,)] * 10), b=10), [1.8], rtol=1e-6)
    # Nine others much farther: e^2 / (e^2 + 9 e^50) vanishes, and s = s*.
    far = bank_of((0.0,), *[(-48.0,)] * 9)
    np.testing.assert_allclose(score(tile_of((2.0,)), far, b=10), [2.0], rtol=1e-6)


class LossyBank(MemoryBank):
    """A bank whose search loses the query itself among its neighbours, as an approximate index can."""

    def search(self, patches: np.ndarray, k: int = 1) -> tuple[np.ndarray, np.ndarray]:
        if k == 1:
            return super().search(patches, 1)
        distances, indices = super().search(patches, k + 1)
        return distances[:, 1:], indices[:, 1:]


def test_the_nearest_vector_counts_among_its_neighbours_where_the_index_loses_it():
    lossy = LossyBank().add(np.array([*LINE, (30.0,)], np.float32))
    # The search returns -1 and 2.5 as the neighbours of m* = 0; m* takes the place of the last: as by hand above.
    np.testing.assert_allclose(reweighted_score(tile_of((1.0,)), lossy, b=2), [0.7310586], rtol=1e-6)


class ShortBank(MemoryBank):
    """A bank whose search returns two neighbours at most, as an approximate index can."""

    def search(self, patches: np.ndarray, k: int = 1) -> tuple[np.ndarray, np.ndarray]:
        distances, indices = (array.copy() for array in super().search(patches, k))
        distances[:, 2:], indices[:, 2:] = np.inf, -1
        return distances, indices


def test_neighbours_that_the_index_does_not_return_are_left_out():
    short = ShortBank().add(np.array(LINE, np.float32))
    np.testing.assert_allclose(reweighted_score(tile_of((1.0,)), short, b=3), [0.7310586], rtol=1e-6)
    np.testing.assert_allclose(reweighted_by_patch_score(tile_of((1.0,)), short, b=3), [0.6224593], rtol=1e-6)


def test_equal_vectors_in_the_bank():
    # m* = 0 three times: whichever of them are taken, all are 1 from p, so with b = 2 the weight is 1/2.
    bank = bank_of((0.0,), (0.0,), (0.0,), (-1.0,))
    np.testing.assert_allclose(reweighted_score(tile_of((1.0,)), bank, b=2), [0.5], rtol=1e-6)
    # With b = 4: 1 - e / (3 e + e^2) = 1 - 1 / (3 + e) = 0.8251223
    np.testing.assert_allclose(reweighted_score(tile_of((1.0,)), bank, b=4), [0.8251223], rtol=1e-6)


@REWEIGHTED
def test_large_distances_neither_overflow_nor_give_nan(score: Callable):
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        np.testing.assert_allclose(score(tile_of((1e4,)), bank_of((0.0,), (0.0,)), b=2), [5e3], rtol=1e-6)
        np.testing.assert_allclose(score(tile_of((1e4,)), bank_of((0.0,), (-1e4,)), b=2), [1e4], rtol=1e-6)
        np.testing.assert_allclose(score(tile_of((0.0,)), bank_of((0.0,), (1e4,)), b=2), [0.0])


@REWEIGHTED
def test_a_patch_of_the_bank_scores_zero(score: Callable):
    np.testing.assert_array_equal(score(tile_of((0.0,), (-1.0,)), bank_of(*LINE), b=3), [0.0])


@REWEIGHTED
def test_one_neighbour_gives_the_distance_itself(score: Callable):
    np.testing.assert_array_equal(score(tile_of((1.0,), (0.2,)), bank_of(*LINE), b=1), np.float32([1.0]))
    np.testing.assert_array_equal(score(tile_of((4.0,)), bank_of((0.0,)), b=1), np.float32([4.0]))


@REWEIGHTED
@pytest.mark.parametrize("b", [4, 0, -1, 2.0, True])
def test_more_neighbours_than_patches_in_the_bank_are_refused(score: Callable, b: object):
    with pytest.raises(InputError, match=rf"^b is {b}, .* 1 to 3, .* in the bank"):
        score(tile_of((1.0,)), bank_of(*LINE), b=b)


@REWEIGHTED
def test_patches_without_the_axis_of_tiles_are_refused(score: Callable):
    with pytest.raises(InputError, match=r"^patches has shape \(5, 1\), .*\(N, P, C\)"):
        score(np.zeros((5, 1), np.float32), bank_of(*LINE))


@given(seed=st.integers(0, 999), b=st.integers(2, 12), spread=st.sampled_from([0.1, 1.0, 30.0]))
def test_both_reweighted_scores_equal_the_formula(seed: int, b: int, spread: float):
    rng = np.random.default_rng(seed)
    vectors = (rng.normal(size=(12, 3)) * spread).astype(np.float32)
    tiles = (rng.normal(size=(2, 5, 3)) * spread).astype(np.float32)
    bank = MemoryBank().add(vectors)
    m, by_bank, by_patch = vectors.astype(np.float64), [], []
    for patches in tiles.astype(np.float64):
        distances = np.linalg.norm(patches[:, None] - m[None], axis=2)
        p = patches[distances.min(axis=1).argmax()]
        to_p = np.linalg.norm(m - p, axis=1)
        star = to_p.argmin()
        nearest_to_star = np.argsort(np.linalg.norm(m - m[star], axis=1))[:b]
        for neighbours, scores in ((nearest_to_star, by_bank), (np.argsort(to_p)[:b], by_patch)):
            # Equation 7 with numerator and denominator divided by e^s*.
            scores.append((1 - 1 / np.exp(to_p[neighbours] - to_p[star]).sum()) * to_p[star])
    np.testing.assert_allclose(reweighted_score(tiles, bank, b), by_bank, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(reweighted_by_patch_score(tiles, bank, b), by_patch, rtol=1e-4, atol=1e-6)


# Scores of distances alone

DISTANCES = np.array([[[1.0, 2.0], [3.0, 10.0]], [[0.0, 0.0], [0.0, 4.0]]], np.float32)


def test_max_and_mean():
    np.testing.assert_array_equal(max_score(DISTANCES), [10, 4])
    np.testing.assert_array_equal(mean_score(DISTANCES), [4, 1])
    assert max_score(DISTANCES).dtype == mean_score(DISTANCES).dtype == np.float32


@pytest.mark.parametrize(
    ("fraction", "expected"),
    [(0.01, [10, 4]), (0.25, [10, 4]), (0.5, [6.5, 2]), (0.75, [5, 4 / 3]), (1.0, [4, 1]), (1, [4, 1])],
)
def test_top_fraction_score_is_the_mean_of_the_largest_distances(fraction: float, expected: list[float]):
    np.testing.assert_allclose(top_fraction_score(DISTANCES, fraction), expected, rtol=1e-6)


@pytest.mark.parametrize("score", [mean_score, top_fraction_score])
@pytest.mark.parametrize(("row", "mean"), [([3e38, 3e38], np.inf), ([1e300, 1.0], np.inf), ([1e300, -1e300], np.nan)])
@pytest.mark.filterwarnings("error")
def test_means_beyond_float32_are_infinite_without_a_warning(score: Callable, row: list[float], mean: float):
    options = {} if score is mean_score else {"fraction": 1}
    np.testing.assert_array_equal(score(np.array([row]), **options), np.float32([mean]))


def test_top_fraction_score_leaves_its_input_unchanged():
    distances = DISTANCES.copy()
    top_fraction_score(distances, 0.5)
    np.testing.assert_array_equal(distances, DISTANCES)


@pytest.mark.parametrize("fraction", [0, -0.1, 1.01, float("nan")])
def test_a_fraction_out_of_range_is_refused(fraction: float):
    with pytest.raises(InputError, match=f"^fraction is {fraction}, .*above 0 and up to 1, .*0.01"):
        top_fraction_score(DISTANCES, fraction)


@pytest.mark.parametrize("shape", [(3,), (0, 4), (2, 0)])
def test_distances_without_tiles_or_positions_are_refused(shape: tuple[int, ...]):
    for score in (max_score, mean_score, top_fraction_score):
        with pytest.raises(InputError, match=r"^distances has shape .*at least one tile"):
            score(np.zeros(shape, np.float32))


def test_image_scores_by_name():
    rng = np.random.default_rng(0)
    bank = MemoryBank().add(rng.normal(size=(40, 3)))
    patches = rng.normal(size=(2, 200, 3)).astype(np.float32)
    distances = bank.search(patches.reshape(-1, 3))[0].reshape(2, 200)
    expected = {
        "max": max_score(distances),
        "mean": mean_score(distances),
        "top": np.sort(distances, axis=1)[:, -2:].mean(axis=1),  # 1 %
        "reweighted": reweighted_score(patches, bank, 9),
        "reweighted_by_patch": reweighted_by_patch_score(patches, bank, 9),
    }
    assert tuple(expected) == IMAGE_SCORES
    assert len({score.tobytes() for score in expected.values()}) == 5
    for kind, scores in expected.items():
        np.testing.assert_allclose(image_scores(kind, distances, patches, bank), scores, rtol=1e-6)
    for kind in ("max", "mean", "top"):
        np.testing.assert_allclose(image_scores(kind, distances), expected[kind], rtol=1e-6)
    with pytest.raises(InputError, match="^image_score is 'best': choose .*max.*reweighted_by_patch"):
        image_scores("best", distances, patches, bank)


# Several branches of the pooling


def test_geometric_mean_by_hand():
    distances = [np.array([[1.0, 4.0], [0.0, 9.0]]), np.array([[1.0, 9.0], [5.0, 4.0]])]
    combined = geometric_mean_distance(distances)
    np.testing.assert_allclose(combined, [[1, 6], [0, 6]], atol=1e-5)
    assert combined.dtype == np.float32
    # Of three branches the cube root counts: (1 * 8 * 27)^(1/3) = 6.
    np.testing.assert_allclose(geometric_mean_distance([np.array([x]) for x in (1.0, 8.0, 27.0)]), [6], rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_geometric_mean_with_a_distance_of_zero_is_small_in_any_precision(dtype: type):
    distances = np.array([[0.0, 4.0], [1.0, 1.0]], dtype)
    np.testing.assert_allclose(geometric_mean_distance(distances), [1e-6, 2.0], rtol=1e-3)


def test_the_geometric_mean_of_one_branch_is_that_branch():
    distances = np.array([2.0, 0.0, 1e-20], np.float32)
    np.testing.assert_array_equal(geometric_mean_distance([distances]), distances)


@given(st.lists(st.lists(st.floats(0.01, 1e3), min_size=3, max_size=3), min_size=1, max_size=4), st.floats(0.1, 10))
def test_the_geometric_mean_lies_between_the_branches_and_scales_with_their_units(
    branches: list[list[float]], unit: float
):
    distances = [np.array(branch) for branch in branches]
    combined = geometric_mean_distance(distances)
    assert (combined >= np.min(distances, axis=0) * 0.999).all()
    assert (combined <= np.max(distances, axis=0) * 1.001).all()
    scaled = geometric_mean_distance([distances[0] * unit, *distances[1:]])
    np.testing.assert_allclose(scaled / combined, unit ** (1 / len(branches)), rtol=1e-4)


# Smoothing

SIGMAS = st.one_of(st.just(0.0), st.floats(0.01, 0.13), st.floats(0.2, 12))  # 0.13 and below: a kernel of one tap


@given(
    shape=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    sigma=st.one_of(SIGMAS, st.tuples(SIGMAS, SIGMAS)),
    dtype=st.sampled_from([np.float32, np.float64]),
    seed=st.integers(0, 99),
)
def test_smooth_equals_scipys_gaussian_filter(
    shape: tuple[int, int], sigma: float | tuple[float, float], dtype: type, seed: int
):
    image = np.random.default_rng(seed).random(shape).astype(dtype)
    before = image.copy()
    smoothed = smooth(image, sigma)
    assert smoothed.dtype == dtype
    np.testing.assert_allclose(smoothed, gaussian_filter(image, sigma), atol=2e-6 if dtype == np.float32 else 1e-12)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("sigma", [0, 0.0, (0, 0), 0.1])
def test_a_sigma_of_zero_changes_nothing(sigma: object):
    image = np.random.default_rng(0).random((9, 7)).astype(np.float32)
    np.testing.assert_array_equal(smooth(image, sigma), image)


def test_sigmas_are_given_down_and_right():
    impulse = np.zeros((33, 33))
    impulse[16, 16] = 1
    offsets = np.arange(33) - 16
    for sigma in ((3.0, 1.0), (1.0, 3.0), (0.0, 3.0)):
        smoothed = smooth(impulse, sigma)
        variances = [(smoothed.sum(axis=axis) * offsets**2).sum() for axis in (1, 0)]  # down, right
        np.testing.assert_allclose(variances, np.square(sigma), rtol=0.03)


def test_a_kernel_wider_than_the_image_is_mirrored_again_and_again():
    image = np.random.default_rng(0).random((3, 5)).astype(np.float32)
    np.testing.assert_allclose(smooth(image, 40.0), gaussian_filter(image, 40.0), atol=2e-6)
    np.testing.assert_allclose(smooth(image[:1, :1], 40.0), image[:1, :1], rtol=1e-6)


def test_views_are_smoothed_like_copies():
    image = np.random.default_rng(0).random((20, 30)).astype(np.float32)
    for view in (image[::2, ::3], image.T, image[::-1, 3:9]):
        np.testing.assert_allclose(smooth(view, 1.5), gaussian_filter(view, 1.5), atol=2e-6)


# Maps


def test_maps_are_bilinear_by_hand():
    maps = anomaly_maps(np.array([[[0.0, 4.0], [8.0, 12.0]]]), (4, 4))
    right, down = np.array([0.0, 1.0, 3.0, 4.0]), np.array([0.0, 2.0, 6.0, 8.0])
    np.testing.assert_array_equal(maps, (down[:, None] + right)[None])
    assert maps.dtype == np.float32 and maps.flags.c_contiguous


def average_reference(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return an image averaged over the area of each pixel of a smaller one."""

    def shares(old: int, new: int) -> np.ndarray:
        edges = np.arange(new + 1) * old / new
        covered = np.minimum(edges[1:, None], np.arange(1, old + 1)) - np.maximum(edges[:-1, None], np.arange(old))
        return covered.clip(0) * new / old

    return (shares(image.shape[0], shape[0]) @ image @ shares(image.shape[1], shape[1]).T).astype(np.float32)


def reference_maps(distances: np.ndarray, shape: tuple[int, int], smoothing: float) -> np.ndarray:
    """Return maps resized by torch and smoothed by SciPy."""
    images = torch.from_numpy(distances)[:, None]
    coarser = tuple(min(pair) for pair in zip(distances.shape[1:], shape, strict=True))  # axes that shrink are averaged
    if coarser != distances.shape[1:]:
        images = torch.from_numpy(np.stack([average_reference(one, coarser) for one in distances]))[:, None]
    maps = torch.nn.functional.interpolate(images, shape, mode="bilinear", align_corners=False)[:, 0].numpy()
    return gaussian_filter(maps, sigma=(0, smoothing, smoothing))


@given(
    n=st.integers(1, 3),
    grid=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    shape=st.tuples(st.integers(1, 48), st.integers(1, 48)),
    smoothing=st.sampled_from([0.0, 0.5, 2.0, 4.0]),
    seed=st.integers(0, 99),
)
def test_maps_equal_torchs_interpolation_and_scipys_filter(
    n: int, grid: tuple[int, int], shape: tuple[int, int], smoothing: float, seed: int
):
    distances = np.random.default_rng(seed).random((n, *grid)).astype(np.float32)
    maps = anomaly_maps(distances, shape, smoothing)
    assert maps.shape == (n, *shape) and maps.dtype == np.float32
    np.testing.assert_allclose(maps, reference_maps(distances, shape, smoothing), atol=3e-6)


def test_maps_of_the_default_size_equal_the_reference():
    distances = np.random.default_rng(0).random((2, 56, 56)).astype(np.float32) * 7
    np.testing.assert_allclose(
        anomaly_maps(distances, (256, 256), 2.0), reference_maps(distances, (256, 256), 2.0), rtol=1e-5
    )


def test_smoothing_keeps_constants_and_sums_and_does_not_cross_tiles():
    constant = np.full((2, 8, 8), 3, np.float32)
    np.testing.assert_allclose(anomaly_maps(constant, (64, 64), 4.0), 3, rtol=1e-6)
    impulse = np.zeros((2, 65, 65), np.float32)
    impulse[0, 32, 32] = 1
    maps = anomaly_maps(impulse, (65, 65), 4.0)
    offsets = np.arange(65) - 32
    assert maps[0].sum() == pytest.approx(1, rel=1e-5)
    assert (maps[0].sum(axis=0) * offsets**2).sum() == pytest.approx(16, rel=0.01)  # variance = 4^2 px^2
    np.testing.assert_allclose(maps[0], maps[0].T, atol=1e-8)
    np.testing.assert_array_equal(maps[1], 0)
    np.testing.assert_array_equal(anomaly_maps(impulse, (65, 65)), impulse)


def test_smoothing_mirrors_the_border_so_nothing_is_lost_over_the_edge():
    edge = np.zeros((1, 33, 33), np.float32)
    edge[0, :, 0] = 1
    assert anomaly_maps(edge, (33, 33), 2.0).sum() == pytest.approx(33, rel=1e-5)


def test_wrong_distances_and_smoothing_are_refused():
    for shape in ((4, 4), (0, 4, 4), (1, 4, 4, 1)):
        with pytest.raises(InputError, match=r"^distances has shape .*\(N, H', W'\) .*at least one tile"):
            anomaly_maps(np.zeros(shape, np.float32), (8, 8))
    for smoothing in (-1.0, float("nan"), float("inf")):
        with pytest.raises(InputError, match=f"^smoothing is {smoothing}, .*at least 0"):
            anomaly_maps(np.zeros((1, 4, 4), np.float32), (8, 8), smoothing)


@pytest.mark.parametrize("overlap", [0, 3])
def test_stitched_maps_undo_the_tiling_and_are_nan_outside_the_fabric(overlap: int):
    strip = np.random.default_rng(1).random((8, 40)).astype(np.float32)
    tiles, corners = tile(strip[:, 5:37], size=8, overlap=overlap)
    stitched = stitch_maps(tiles, corners + [0, 5], strip.shape)
    np.testing.assert_array_equal(stitched[:, 5:37], strip[:, 5:37])
    assert np.isnan(stitched[:, :5]).all() and np.isnan(stitched[:, 37:]).all()
    assert stitched.dtype == np.float32


def test_integer_maps_are_stitched_as_float32_and_corners_outside_the_strip_are_refused():
    tiles, corners = tile(np.arange(64).reshape(4, 16), size=4)
    assert np.isnan(stitch_maps(tiles, corners, (4, 20))[:, 16:]).all()
    with pytest.raises(InputError, match=r"row 0, column 12 .*4 x 15 px: give the shape"):
        stitch_maps(tiles, corners, (4, 15))


@pytest.mark.parametrize("axis", [1, 2])
def test_a_far_patch_never_falls_between_the_pixels_of_a_smaller_map(axis: int):
    shape = (16, 56) if axis == 1 else (56, 16)
    for place in range(56):
        distances = np.zeros((1, 56, 56), np.float32)
        distances[0].swapaxes(0, axis - 1)[place, 28] = 7.0
        assert anomaly_maps(distances, shape).max() == pytest.approx(7 * 16 / 56, rel=0.6), place


@pytest.mark.parametrize("distances", ["path", None, [[1, 2], [3]], np.full((1, 2, 2), 1j), np.array([[["a"]]])])
@pytest.mark.parametrize("shape", [(4, 4), (4,), "44", 4, None, (0, 4), (2.5, 4), (True, 4)])
def test_maps_of_hostile_arguments_are_refused(distances: object, shape: object):
    with pytest.raises(InputError):
        anomaly_maps(distances, (4, 4))
    if shape != (4, 4):
        with pytest.raises(InputError, match="^shape"):
            anomaly_maps(np.ones((1, 2, 2)), shape)
