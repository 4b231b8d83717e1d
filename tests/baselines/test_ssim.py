"""SSIM and error maps: worked by hand, compared with the formula window by window, and every refusal."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays
from scipy.ndimage import gaussian_filter

from aitex_utils.baselines.ssim import ERRORS, error_maps, ssim_maps
from aitex_utils.errors import InputError

IMAGES = arrays(np.uint8, (2, 12, 13))


def ssim_by_windows(image: np.ndarray, other: np.ndarray, value_range: float = 255.0) -> np.ndarray:
    """Return equation 13 of Wang et al. (2004), literally: a window of 11 x 11 Gaussian weights around each pixel."""
    offsets = np.arange(-5, 6)
    weights = np.exp(-(offsets[:, None] ** 2 + offsets[None] ** 2) / (2 * 1.5**2))
    weights /= weights.sum()
    padded = [np.pad(grey.astype(float), 5, mode="symmetric") for grey in (image, other)]
    c1, c2 = (0.01 * value_range) ** 2, (0.03 * value_range) ** 2
    similarity = np.empty(image.shape)
    for row in range(image.shape[0]):
        for column in range(image.shape[1]):
            a, b = (grey[row : row + 11, column : column + 11] for grey in padded)
            mean_a, mean_b = (weights * a).sum(), (weights * b).sum()
            var_a, var_b = (weights * (a - mean_a) ** 2).sum(), (weights * (b - mean_b) ** 2).sum()
            covariance = (weights * (a - mean_a) * (b - mean_b)).sum()
            similarity[row, column] = ((2 * mean_a * mean_b + c1) * (2 * covariance + c2)) / (
                (mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)
            )
    return similarity


# SSIM


@settings(max_examples=20)
@given(IMAGES, IMAGES)
def test_ssim_equals_the_formula_window_by_window(images: np.ndarray, others: np.ndarray):
    expected = [ssim_by_windows(a, b) for a, b in zip(images, others, strict=True)]
    np.testing.assert_allclose(ssim_maps(images, others), expected, atol=1e-5)


def test_ssim_of_another_value_range_equals_the_formula():
    images, others = np.random.default_rng(0).random((2, 1, 14, 12))
    expected = ssim_by_windows(images[0], others[0], 1.0)
    np.testing.assert_allclose(ssim_maps(images, others, value_range=1.0)[0], expected, atol=1e-5)


def test_images_smaller_than_the_window_are_mirrored_again_and_again():
    images, others = np.random.default_rng(0).integers(0, 256, (2, 1, 3, 2), dtype=np.uint8)
    np.testing.assert_allclose(ssim_maps(images, others)[0], ssim_by_windows(images[0], others[0]), atol=1e-5)


@settings(max_examples=20)
@given(IMAGES, IMAGES)
def test_ssim_is_symmetric_bounded_and_one_for_equal_images(images: np.ndarray, others: np.ndarray):
    maps = ssim_maps(images, others)
    assert maps.dtype == np.float32 and np.abs(maps).max() <= 1 + 1e-6
    np.testing.assert_array_equal(maps, ssim_maps(others, images))
    np.testing.assert_allclose(ssim_maps(images, images), 1, atol=1e-6)


def test_ssim_of_uniform_images_by_hand():
    c1 = 2.55**2
    expected = (2 * 100 * 150 + c1) / (100**2 + 150**2 + c1)
    np.testing.assert_allclose(ssim_maps(np.full((1, 8, 8), 100), np.full((1, 8, 8), 150)), expected, rtol=1e-6)


# Error maps


def test_pixel_errors_are_absolute_differences_in_grey_levels():
    tiles, reconstructions = np.array([[[3, 200]]], np.uint8), np.array([[[5, 100]]], np.uint8)
    errors = error_maps(tiles, reconstructions, "pixel")
    assert errors.tolist() == [[[2, 100]]] and errors.dtype == np.float32


def test_ssim_errors_are_one_minus_the_similarity():
    tiles, reconstructions = np.random.default_rng(0).integers(0, 256, (2, 1, 16, 16), dtype=np.uint8)
    np.testing.assert_allclose(error_maps(tiles, reconstructions), 1 - ssim_maps(tiles, reconstructions))


@pytest.mark.parametrize("error", ERRORS)
def test_smoothing_is_a_gaussian_over_each_map(error: str):
    tiles, reconstructions = np.random.default_rng(0).integers(0, 256, (2, 3, 20, 30), dtype=np.uint8)
    expected = gaussian_filter(error_maps(tiles, reconstructions, error), sigma=(0, 2.5, 2.5))
    smoothed = error_maps(tiles, reconstructions, error, smoothing=2.5)
    assert smoothed.dtype == np.float32
    np.testing.assert_allclose(smoothed, expected, rtol=1e-5, atol=1e-6)


def test_smoothing_does_not_cross_tiles_and_keeps_the_mean():
    tiles = np.zeros((2, 32, 32), np.uint8)
    reconstructions = tiles.astype(np.float32)
    reconstructions[0, 16, 16] = 100
    errors = error_maps(tiles, reconstructions, "pixel", smoothing=2)
    assert errors[1].max() == 0 and errors[0].mean() == pytest.approx(100 / 32**2, rel=1e-4)
    assert errors[0, 16, 16] == errors[0].max() == pytest.approx(100 / (2 * np.pi * 2**2), rel=0.02)


# Refusals


@pytest.mark.parametrize(
    ("images", "others", "message"),
    [
        (np.zeros((4, 4)), np.zeros((4, 4)), r"shapes \(4, 4\) and \(4, 4\), .*same \(N, H, W\)"),
        (np.zeros((1, 4, 4)), np.zeros((1, 4, 5)), r"shapes \(1, 4, 4\) and \(1, 4, 5\), .*same"),
        (np.zeros((0, 4, 4)), np.zeros((0, 4, 4)), r"shapes \(0, 4, 4\)"),
        (np.zeros((1, 4, 4)), np.full((1, 4, 4), np.nan), "contain NaN, .*finite grey values"),
        (np.full((1, 4, 4), np.inf), np.zeros((1, 4, 4)), "infinity .*finite grey values"),
        (np.zeros((1, 4, 4), bool), np.zeros((1, 4, 4)), "no numbers: .*grey values"),
    ],
)
def test_images_that_cannot_be_compared_are_refused(images: np.ndarray, others: np.ndarray, message: str):
    for compare in (ssim_maps, error_maps):
        with pytest.raises(InputError, match=message):
            compare(images, others)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"error": "mse"}, "^error is 'mse': choose .*ssim, pixel"),
        ({"smoothing": -1}, "^smoothing is -1, .*at least 0"),
        ({"smoothing": np.nan}, "^smoothing is nan"),
        ({"smoothing": "4"}, "^smoothing is '4'"),
    ],
)
def test_unknown_errors_and_wrong_smoothing_are_refused(options: dict, message: str):
    with pytest.raises(InputError, match=message):
        error_maps(np.zeros((1, 4, 4)), np.zeros((1, 4, 4)), **options)


@pytest.mark.parametrize("value", [1e38, -1e300])
def test_values_that_overflow_are_refused(value: float):
    images = np.full((1, 16, 16), 100.0)
    for call in (ssim_maps, error_maps):
        with pytest.raises(InputError, match="beyond"):
            call(images, np.full_like(images, value))
