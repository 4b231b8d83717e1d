"""SSIM and error maps: worked by hand, held against the formula spelt out window by window, and every refusal."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays

from aitex_utils.errors import InputError
from aitex_utils.ssim import error_maps, ssim_maps

IMAGES = arrays(np.uint8, (2, 12, 13))


def ssim_window_by_window(one: np.ndarray, other: np.ndarray, value_range: float = 255.0) -> np.ndarray:
    """Equation 13 of Wang et al. (2004), literally: a window of 11 x 11 Gaussian weights around each pixel."""
    reach = np.arange(-5, 6)
    weights = np.exp(-(reach[:, None] ** 2 + reach[None] ** 2) / (2 * 1.5**2))
    weights /= weights.sum()
    padded = [np.pad(image.astype(float), 5, mode="symmetric") for image in (one, other)]
    found = np.empty(one.shape)
    for row in range(one.shape[0]):
        for column in range(one.shape[1]):
            a, b = (image[row : row + 11, column : column + 11] for image in padded)
            mean_a, mean_b = (weights * a).sum(), (weights * b).sum()
            var_a, var_b = (weights * (a - mean_a) ** 2).sum(), (weights * (b - mean_b) ** 2).sum()
            covariance = (weights * (a - mean_a) * (b - mean_b)).sum()
            c1, c2 = (0.01 * value_range) ** 2, (0.03 * value_range) ** 2
            found[row, column] = ((2 * mean_a * mean_b + c1) * (2 * covariance + c2)) / (
                (mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)
            )
    return found


@settings(max_examples=20, deadline=None)
@given(IMAGES, IMAGES)
def test_ssim_is_the_formula_window_by_window(one: np.ndarray, other: np.ndarray):
    expected = [ssim_window_by_window(a, b) for a, b in zip(one, other, strict=True)]
    np.testing.assert_allclose(ssim_maps(one, other), expected, atol=1e-5)


def test_ssim_of_another_range_is_the_formula_too():
    one, other = np.random.default_rng(0).random((2, 1, 14, 12))
    expected = ssim_window_by_window(one[0], other[0], 1.0)
    np.testing.assert_allclose(ssim_maps(one, other, value_range=1.0)[0], expected, atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(IMAGES, IMAGES)
def test_ssim_is_symmetric_bounded_and_one_for_equal_images(one: np.ndarray, other: np.ndarray):
    maps = ssim_maps(one, other)
    assert maps.dtype == np.float32 and np.abs(maps).max() <= 1 + 1e-6
    np.testing.assert_array_equal(maps, ssim_maps(other, one))
    np.testing.assert_allclose(ssim_maps(one, one), 1, atol=1e-6)


def test_ssim_of_flat_images_is_that_of_their_means():
    c1 = 2.55**2
    expected = (2 * 100 * 150 + c1) / (100**2 + 150**2 + c1)
    np.testing.assert_allclose(ssim_maps(np.full((1, 8, 8), 100), np.full((1, 8, 8), 150)), expected, rtol=1e-6)


def test_pixel_errors_are_absolute_differences_in_grey_levels():
    tiles, rebuilt = np.array([[[3, 200]]], np.uint8), np.array([[[5, 100]]], np.uint8)
    found = error_maps(tiles, rebuilt, "pixel")
    assert found.tolist() == [[[2, 100]]] and found.dtype == np.float32


def test_ssim_errors_are_one_minus_similarity():
    one, other = np.random.default_rng(0).integers(0, 256, (2, 1, 16, 16), dtype=np.uint8)
    np.testing.assert_allclose(error_maps(one, other), 1 - ssim_maps(one, other))


def test_smoothing_stays_within_a_tile_and_keeps_the_mean():
    tiles = np.zeros((2, 32, 32), np.uint8)
    rebuilt = tiles.astype(np.float32)
    rebuilt[0, 16, 16] = 100
    found = error_maps(tiles, rebuilt, "pixel", smoothing=2)
    assert found[1].max() == 0 and found[0].mean() == pytest.approx(100 / 32**2, rel=1e-4)
    assert found[0, 16, 16] == found[0].max() == pytest.approx(100 / (2 * np.pi * 2**2), rel=0.02)


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        (np.zeros((4, 4)), np.zeros((4, 4)), r"shapes \(4, 4\) and \(4, 4\), expected the same \(N, H, W\)"),
        (np.zeros((1, 4, 4)), np.zeros((1, 4, 5)), r"shapes \(1, 4, 4\) and \(1, 4, 5\)"),
        (np.zeros((0, 4, 4)), np.zeros((0, 4, 4)), r"shapes \(0, 4, 4\)"),
        (np.zeros((1, 4, 4)), np.full((1, 4, 4), np.nan), "hold NaN, infinity or no numbers"),
        (np.full((1, 4, 4), np.inf), np.zeros((1, 4, 4)), "hold NaN, infinity or no numbers"),
        (np.zeros((1, 4, 4), bool), np.zeros((1, 4, 4)), "give finite grey values"),
    ],
)
def test_images_that_can_t_be_compared_are_refused(one: np.ndarray, other: np.ndarray, told: str):
    for compare in (ssim_maps, error_maps):
        with pytest.raises(InputError, match=told):
            compare(one, other)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"error": "mse"}, "error is 'mse': choose one of ssim, pixel"),
        ({"smoothing": -1}, "smoothing is -1, expected a number of px"),
        ({"smoothing": np.nan}, "smoothing is nan"),
        ({"smoothing": "4"}, "smoothing is '4'"),
    ],
)
def test_errors_that_aren_t_known_are_refused(options: dict, told: str):
    with pytest.raises(InputError, match=told):
        error_maps(np.zeros((1, 4, 4)), np.zeros((1, 4, 4)), **options)
