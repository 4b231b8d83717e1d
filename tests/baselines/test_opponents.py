"""The variational autoencoder and the PCA residual: what they add to the autoencoder, by hand and on woven tiles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from woven import woven

from aitex_utils.baselines.autoencoder import Autoencoder
from aitex_utils.baselines.pca_residual import PcaResidual
from aitex_utils.baselines.strip_maps import predict_strip_by_tiles
from aitex_utils.baselines.variational import VariationalAutoencoder
from aitex_utils.errors import InputError
from aitex_utils.patchcore import TileResult
from aitex_utils.scoring import max_score
from aitex_utils.tiling import tile_fabric

SMALL = {"latent_channels": 4, "width": 4, "depth": 2, "batch_size": 8, "crop_size": 16, "lr": 0.01, "smoothing": 1.0}
NORMAL, TEST = woven(8, 0, 32, 32, noise=4), woven(6, 1, 32, 32, noise=4)
DEFECTIVE = TEST.copy()
DEFECTIVE[:, 10:16, 18:24] = 30

pytestmark = pytest.mark.usefixtures("one_thread")


def small(**parameters: object) -> VariationalAutoencoder:
    return VariationalAutoencoder(**{**SMALL, **parameters})


# The variational autoencoder


def test_it_learns_and_defects_score_higher():
    network = small(steps=150, error="pixel").fit(NORMAL)
    assert np.mean(network.losses_[-10:]) < 0.4 * network.losses_[0]
    assert network.predict(DEFECTIVE).scores.min() > network.predict(TEST).scores.max()
    assert network.encode(TEST).shape == (6, 8, 8, 4)


def test_the_loss_is_the_error_plus_the_divergence():
    """With variances of 1 and means m, the divergence of each number is m squared, halved."""
    network = small(beta=0.3)

    def encoder(images: torch.Tensor) -> torch.Tensor:
        return torch.cat([torch.full((2, 4, 4, 4), 1.5), torch.zeros(2, 4, 4, 4)], dim=1)

    crops = torch.randn(2, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    loss = network._loss(encoder, lambda codes: torch.zeros_like(crops), crops, torch.Generator().manual_seed(0))
    divergence = 2 * 4 * 4 * 4 * 1.5**2 / 2
    assert float(loss) == pytest.approx(float((crops**2).mean()) + 2 * 0.3 * divergence / (2 * 16 * 16), rel=1e-5)


def test_the_decoder_gets_draws_of_the_right_mean_and_spread():
    network, seen = small(), []

    def encoder(images: torch.Tensor) -> torch.Tensor:
        return torch.cat([torch.full((2, 4, 40, 40), 2.0), torch.full((2, 4, 40, 40), np.log(0.25))], dim=1)

    def decoder(codes: torch.Tensor) -> torch.Tensor:
        seen.append(codes)
        return torch.zeros(2, 1, 16, 16)

    network._loss(encoder, decoder, torch.zeros(2, 1, 16, 16), torch.Generator().manual_seed(0))
    assert float(seen[0].mean()) == pytest.approx(2, abs=0.03) and float(seen[0].std()) == pytest.approx(0.5, abs=0.02)


def test_training_draws_from_the_seed_and_a_test_draws_nothing():
    first, second, other = (small(steps=4, seed=seed).fit(NORMAL) for seed in (0, 0, 1))
    assert first.losses_ == second.losses_ != other.losses_
    np.testing.assert_array_equal(first.predict(TEST).maps, first.predict(TEST).maps)


def test_files_are_told_apart_from_those_of_the_autoencoder(tmp_path: Path):
    network = small(steps=2, beta=0.5).fit(NORMAL)
    file = network.save(tmp_path / "vae.npz")
    loaded = VariationalAutoencoder.load(file)
    assert loaded.parameters() == network.parameters() and loaded.beta == 0.5
    np.testing.assert_array_equal(loaded.predict(TEST).maps, network.predict(TEST).maps)
    with pytest.raises(InputError, match="no readable autoencoder"):
        Autoencoder.load(file)


def test_a_negative_weight_is_refused():
    with pytest.raises(InputError, match="^beta is -1"):
        small(beta=-1)


# The PCA residual


def test_residuals_are_those_of_scikit_learn():
    patches = np.random.default_rng(0).normal(size=(3, 4, 4, 6)).astype(np.float32) * np.arange(1, 7)
    detector = PcaResidual(explained=0.8, normalize_positions=False, smoothing=0).fit_patches(patches)
    flat = patches.reshape(-1, 6)
    pca = PCA(0.8).fit(flat)
    assert len(detector.directions_) == pca.n_components_ < 6
    expected = np.linalg.norm(flat - pca.inverse_transform(pca.transform(flat)), axis=1).reshape(3, 4, 4)
    maps = detector.predict_patches(patches, (4, 4)).maps
    np.testing.assert_allclose(maps, expected, rtol=1e-3)


def test_patches_in_the_subspace_score_nothing_and_others_their_distance():
    rng = np.random.default_rng(0)
    patches = np.zeros((2, 8, 8, 3), np.float32)
    patches[..., :2] = rng.normal(size=(2, 8, 8, 2))
    detector = PcaResidual(explained=0.99, normalize_positions=False, smoothing=0).fit_patches(patches)
    moved = patches.copy()
    moved[0, 3, 5, 2] = 7
    maps = detector.predict_patches(moved, (8, 8)).maps
    assert maps[0, 3, 5] == pytest.approx(7, rel=1e-3) and np.delete(maps.ravel(), 3 * 8 + 5).max() < 1e-3


def test_normalised_residuals_are_level_over_the_tile():
    patches = np.random.default_rng(0).normal(size=(40, 8, 8, 5)).astype(np.float32)
    patches[:, 0] *= 3
    ratios = []
    for normalize in (False, True):
        detector = PcaResidual(explained=0.5, normalize_positions=normalize, smoothing=0).fit_patches(patches)
        maps = detector.predict_patches(patches, (8, 8)).maps
        ratios.append(maps[:, 0].mean() / maps[:, 1:].mean())
    assert ratios[0] > 2 and 0.8 < ratios[1] < 1.25


@pytest.mark.parametrize(
    ("options", "message"), [({"explained": 1}, "^explained is 1"), ({"smoothing": -1}, "^smooth")]
)
def test_wrong_parameters_are_refused(options: dict, message: str):
    with pytest.raises(InputError, match=message):
        PcaResidual(**options)
    with pytest.raises(InputError, match="not fitted yet"):
        PcaResidual().predict_patches(np.zeros((1, 2, 2, 3)))


# Strips


def test_maps_of_overlapping_tiles_fade_into_each_other():
    """A detector that errs at each tile's left edge: with overlap the error there counts little."""

    def at_the_edge(tiles: np.ndarray) -> TileResult:
        maps = np.zeros(tiles.shape, np.float32)
        maps[:, :, 0] = 1
        return TileResult(maps, max_score(maps))

    strip = np.random.default_rng(0).integers(80, 160, (256, 1024), np.uint8)
    plain, blended = (predict_strip_by_tiles(at_the_edge, strip, overlap=overlap) for overlap in (0, 128))
    np.testing.assert_array_equal(plain.corners, tile_fabric(strip)[1])
    assert plain.tile_scores.tolist() == [1, 1, 1, 1]
    assert blended.tile_scores[0] == 1 and blended.tile_scores[1:].max() < 0.02  # nothing overlaps the strip's own edge


# Bad input of the PCA residual


def grid(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).random(shape, np.float32)


@pytest.mark.parametrize(
    ("patches", "says"),
    [
        (grid(2, 4, 4), "expected \\(N, H', W', C\\)"),
        (grid(0, 4, 4, 6), "expected \\(N, H', W', C\\)"),
        (np.full((2, 4, 4, 6), np.nan), "NaN"),
        (np.ones((2, 4, 4, 6)), "All patches are equal"),
    ],
)
def test_a_refused_fit_leaves_the_detector_as_it_was(patches: np.ndarray, says: str):
    detector = PcaResidual().fit_patches(grid(3, 4, 4, 6))
    before = detector.predict_patches(grid(2, 4, 4, 6)).maps
    with pytest.raises(InputError, match=says):
        detector.fit_patches(patches)
    assert np.array_equal(detector.predict_patches(grid(2, 4, 4, 6)).maps, before)


@pytest.mark.parametrize(
    ("patches", "says"), [(grid(2, 4, 4, 5), "5 channels.* had 6"), (grid(2, 3, 4, 6), "3 x 4 patches.* had 4 x 4")]
)
def test_patches_unlike_those_of_the_fit_are_refused(patches: np.ndarray, says: str):
    with pytest.raises(InputError, match=says):
        PcaResidual().fit_patches(grid(3, 4, 4, 6)).predict_patches(patches)


def test_a_detector_that_is_not_fitted_says_so():
    detector = PcaResidual()
    strip, tiles = np.zeros((64, 128), np.uint8), np.zeros((1, 64, 64), np.uint8)
    for call in (lambda: detector.predict(tiles), lambda: detector.predict_strip(strip), lambda: detector.nbytes):
        with pytest.raises(InputError, match="not fitted yet"):
            call()
