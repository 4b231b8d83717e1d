"""From patches of tiles to maps, step by step: distances, normalisation, padding, and which pooling each step takes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from detectors import NORMAL, SIZE, TEST, paper
from scipy.spatial.distance import cdist
from woven import woven

from aitex_utils import PatchCore, patchcore, streaming_coreset
from aitex_utils.errors import InputError
from aitex_utils.features import split_branches
from aitex_utils.patchcore import TileResult
from aitex_utils.scoring import anomaly_maps, reweighted_score

TWO_BRANCHES = ((3,), (1,))
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def detector() -> PatchCore:
    return paper(normalize_positions=True, smoothing=2.0).fit(NORMAL)


@pytest.fixture(scope="module")
def patches(detector: PatchCore) -> np.ndarray:
    return detector.features.transform(TEST)


# Distances


@pytest.mark.parametrize("n_neighbors", [1, 3])
def test_patch_distances_are_means_over_the_nearest_vectors(detector: PatchCore, patches: np.ndarray, n_neighbors: int):
    pairs = cdist(patches.reshape(-1, 152), detector.bank_.vectors_)
    expected = np.sort(pairs, axis=1)[:, :n_neighbors].mean(axis=1).reshape(6, 8, 8)
    distances = detector.patch_distances(patches, n_neighbors)
    assert distances.dtype == np.float32 and distances.shape == (6, 8, 8)
    np.testing.assert_allclose(distances, expected, rtol=1e-4)
    for part, shape in ((patches[0], (8, 8)), (patches[0, 0], (8,)), (patches[0, 0, 0], ())):
        of_part = detector.patch_distances(part, n_neighbors)
        assert of_part.shape == shape
        np.testing.assert_allclose(of_part, distances[(0,) * (3 - len(shape))], rtol=1e-5)


def test_patch_distances_of_two_branches_are_geometric_means():
    two = paper(pooling=TWO_BRANCHES).fit(NORMAL)
    assert len(two.banks_) == 2 and two.bank_ is two.banks_[0]
    patches = two.features.transform(TEST)
    branches = zip(two.banks_, split_branches(patches, 2), strict=True)
    pairs = [cdist(branch.reshape(-1, 152), bank.vectors_) for bank, branch in branches]
    for n_neighbors in (1, 2):
        first, second = (np.sort(of_branch, axis=1)[:, :n_neighbors].mean(axis=1) for of_branch in pairs)
        distances = two.patch_distances(patches, n_neighbors)
        np.testing.assert_allclose(distances.ravel(), np.sqrt(first * second), rtol=1e-4)


def test_patch_distances_are_not_normalised(detector: PatchCore, patches: np.ndarray):
    plain = paper(smoothing=2.0).fit(NORMAL)
    np.testing.assert_array_equal(detector.patch_distances(patches), plain.patch_distances(patches))


@pytest.mark.parametrize("n_neighbors", [0, 10**6, 1.5])
def test_more_neighbours_than_patches_in_the_bank_are_refused(
    detector: PatchCore, patches: np.ndarray, n_neighbors: object
):
    with pytest.raises(InputError, match=f"^n_neighbors is {n_neighbors}, .*1 to {len(detector.bank_)}, .*in the bank"):
        detector.patch_distances(patches, n_neighbors)


def test_patches_that_do_not_divide_into_the_branches_are_refused():
    two = paper(pooling=TWO_BRANCHES).fit_patches(np.ones((1, 2, 2, 4), np.float32))
    with pytest.raises(InputError, match="^patches has 5 channels, .*2 branches: .*detector's features"):
        two.patch_distances(np.ones((1, 2, 2, 5), np.float32))


# Maps and scores from distances


def test_predict_distances_normalises_and_makes_maps_and_scores(detector: PatchCore):
    distances = np.random.default_rng(0).uniform(1, 2, (3, 8, 8)).astype(np.float32)
    result = detector.predict_distances(distances)
    normalized = distances / detector.position_scale_
    np.testing.assert_allclose(result.scores, normalized.max(axis=(1, 2)), rtol=1e-6)
    np.testing.assert_allclose(result.maps, anomaly_maps(normalized, (SIZE, SIZE), 2.0), rtol=1e-6)


@pytest.mark.parametrize("parameters", [{}, {"normalize_positions": True}, {"image_score": "reweighted"}])
def test_predict_predict_patches_and_predict_distances_agree(parameters: dict):
    detector = paper(**parameters).fit(NORMAL)
    patches = detector.features.transform(TEST)
    expected = detector.predict(TEST)
    by_distances = detector.predict_distances(detector.patch_distances(patches), patches)
    for result in (detector.predict_patches(patches), by_distances):
        assert isinstance(result, TileResult)
        np.testing.assert_allclose(result.maps, expected.maps, rtol=1e-5)
        np.testing.assert_allclose(result.scores, expected.scores, rtol=1e-5)


def test_reweighted_scores_take_the_patches_beside_the_distances():
    detector = paper(image_score="reweighted").fit(NORMAL)
    patches = detector.features.transform(TEST)
    scores = detector.predict_distances(np.ones((6, 8, 8), np.float32), patches).scores
    np.testing.assert_array_equal(scores, reweighted_score(patches.reshape(6, 64, 152), detector.bank_))


# Position-wise normalisation


@pytest.mark.parametrize("sampler", ["greedy", "random"])
def test_normalisation_divides_distances_by_the_position_scale(sampler: str):
    plain = paper(sampler=sampler, smoothing=0).fit(NORMAL)
    normalized = paper(sampler=sampler, smoothing=0, normalize_positions=True).fit(NORMAL)
    np.testing.assert_array_equal(normalized.bank_.vectors_, plain.bank_.vectors_)
    assert plain.position_scale_ is None and normalized.position_scale_.shape == (8, 8)
    patches = plain.features.transform(TEST)
    distances = plain.bank_.search(patches.reshape(-1, 152))[0].reshape(len(TEST), 8, 8)
    expected = (distances / normalized.position_scale_).max(axis=(1, 2))
    np.testing.assert_allclose(normalized.predict(TEST).scores, expected, rtol=1e-4)


def test_normalisation_moves_the_highest_points_of_normal_tiles_away_from_the_border():
    at_border = {}
    for normalize in (False, True):
        maps = paper(smoothing=0, normalize_positions=normalize).fit(NORMAL).predict(woven(40, seed=2)).maps
        highest = [np.unravel_index(anomaly_map.argmax(), anomaly_map.shape) for anomaly_map in maps]
        at_border[normalize] = np.mean([min(*place, *(SIZE - 1 - np.array(place))) < 8 for place in highest])
    assert at_border[True] < at_border[False]


def test_the_position_scale_is_learned_from_a_limited_number_of_tiles(monkeypatch: pytest.MonkeyPatch):
    samples = []
    monkeypatch.setattr(streaming_coreset, "RESERVOIR_SIZE", 4)
    monkeypatch.setattr(patchcore, "leave_one_out_distances", recording(patchcore.leave_one_out_distances, samples))
    paper(normalize_positions=True).fit(NORMAL)
    assert [number for number, _ in samples] == [0, 2, 5, 7]  # evenly spaced among eight


def recording(function: Callable, samples: list) -> Callable:
    """Return the function, with its first argument added to a list."""

    def recorded(first: list, *rest: object) -> object:
        samples.extend(first)
        return function(first, *rest)

    return recorded


def test_normalisation_needs_several_tiles_and_the_positions_of_patches():
    with pytest.raises(InputError, match="one tile or strip: fit on more.*normalize_positions=False"):
        paper(normalize_positions=True).fit(NORMAL[:1])
    with pytest.raises(InputError, match=r"^normalize_positions .*\(N, H', W', C\).*\(20, 152\)"):
        paper(normalize_positions=True).fit_patches(np.ones((20, 152), np.float32))


# Padding and pooling


def test_reflect_padding_changes_the_patches_at_the_border():
    zeros, reflect = (paper(padding=padding).features.transform(TEST[:1])[0] for padding in ("zeros", "reflect"))
    assert zeros.shape == reflect.shape and not np.allclose(zeros[0], reflect[0], rtol=0.01)


def test_tiles_and_strips_have_the_same_pooling():
    default = PatchCore(size=SIZE)
    assert default.pooling == default.features.pooling == TWO_BRANCHES
    assert default.parameters()["pooling"] == [[3], [1]]
    given = PatchCore(size=SIZE, pooling=(5, 3))
    assert given.features.pooling == (5, 3) and given.parameters()["pooling"] == [5, 3]


@pytest.mark.parametrize("whiten", [False, True])
def test_a_refit_on_strips_or_tiles_forgets_the_fit_before(whiten: bool):
    strips = [np.concatenate(list(NORMAL[i : i + 4]), axis=1) for i in (0, 4)]
    detector = PatchCore(size=SIZE, whiten=whiten).fit(NORMAL).fit_strips(strips, tile_size=SIZE)
    assert detector.fitted_on_strips_ and len(detector.banks_) == 2
    assert hasattr(detector.features, "whitening_") == whiten
    on_strips = PatchCore(size=SIZE, whiten=whiten).fit_strips(strips, tile_size=SIZE)
    np.testing.assert_array_equal(detector.predict_strip(strips[0]).map, on_strips.predict_strip(strips[0]).map)
    assert detector.fit(NORMAL).fitted_on_strips_ is False and len(detector.banks_) == 2
    on_tiles = PatchCore(size=SIZE, whiten=whiten).fit(NORMAL)
    np.testing.assert_array_equal(detector.predict(TEST).maps, on_tiles.predict(TEST).maps)
