"""Whitening: unit covariance for normal patches, and a floor for directions that hardly vary."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils.errors import InputError
from aitex_utils.features import PatchFeatures

pytestmark = pytest.mark.usefixtures("one_thread")


def random_tiles(n: int, side: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, side, side), dtype=np.uint8)


def correlated_patches(n: int, channels: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(channels, channels)) + 4 * np.eye(channels)
    return (rng.normal(size=(n, channels)) @ mixing + 10).astype(np.float32)


@pytest.fixture
def features() -> PatchFeatures:
    return PatchFeatures(whiten=True, pretrained=False)


def test_whitened_normal_patches_have_about_the_identity_as_covariance(features: PatchFeatures):
    patches = correlated_patches(4000, 6)
    white = features.fit_whitening(patches).apply_whitening(patches)
    assert white.dtype == np.float32
    np.testing.assert_allclose(white.mean(axis=0), 0, atol=1e-3)
    # The floor scales each variance v by v / (v + floor): at most 3 % where v is 1/30 of the mean or more.
    variances = np.linalg.eigvalsh(np.cov(patches.T))
    assert variances[0] > variances.mean() / 30
    np.testing.assert_allclose(np.cov(white.T, bias=True), np.eye(6), atol=0.03)


def test_the_floor_bounds_the_scale_of_a_direction_without_variance(features: PatchFeatures):
    patches = correlated_patches(500, 4)
    patches[:, 2] = 5
    features.fit_whitening(patches)
    mean_variance = np.cov(patches.T, bias=True).trace() / 4
    shifted = patches[:1].copy()
    shifted[0, 2] += 1
    distance = np.linalg.norm(features.apply_whitening(shifted) - features.apply_whitening(patches[:1]))
    assert distance == pytest.approx(1 / np.sqrt(1e-3 * mean_variance), rel=1e-3)  # the floor alone, not 1 / 0


def test_equal_patches_are_whitened_to_zeros_of_the_same_shape(features: PatchFeatures):
    equal = np.full((2, 3, 3, 5), 7, np.float32)
    white = features.fit_whitening(equal).apply_whitening(equal)
    assert white.shape == equal.shape
    np.testing.assert_array_equal(white, 0)


def test_fit_transform_equals_fit_and_then_transform():
    tiles = random_tiles(4, 64)
    one_pass, two_passes = PatchFeatures(whiten=True), PatchFeatures(whiten=True)
    patches = one_pass.fit_transform(tiles)
    assert two_passes.fit(tiles) is two_passes
    np.testing.assert_array_equal(one_pass.mean_, two_passes.mean_)
    np.testing.assert_array_equal(one_pass.whitening_, two_passes.whitening_)
    # Whitened batch by batch or all at once: the matrix product rounds differently.
    np.testing.assert_allclose(two_passes.transform(tiles), patches, atol=1e-3)
    assert np.abs(patches).max() > 1
    assert patches.shape == (4, 8, 8, 152) and patches.dtype == np.float32


def test_without_whitening_fit_learns_nothing():
    tiles, features = random_tiles(2, 64), PatchFeatures(pretrained=False)
    assert features.fit(tiles) is features and not hasattr(features, "mean_")
    patches = features.transform(tiles)
    np.testing.assert_array_equal(features.fit_transform(tiles), patches)
    assert features.apply_whitening(patches) is patches


def test_transform_before_fit_is_refused(features: PatchFeatures):
    with pytest.raises(InputError, match=r"not fitted yet: call fit\(tiles\)"):
        features.transform(random_tiles(1, 64))
