"""The detector on small woven tiles: what it learns and predicts, seeds, parameters, and what it refuses."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from detectors import DEFECTIVE, NORMAL, SIZE, STAIN, TEST, paper
from scipy.spatial.distance import cdist

from aitex_utils import PatchCore, backbones, features
from aitex_utils.coreset import random_subset
from aitex_utils.errors import InputError
from aitex_utils.scoring import anomaly_maps, reweighted_score

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module", autouse=True)
def shared_backbones() -> Iterator[None]:
    """Load each backbone once: zero padding leaves it unchanged, so detectors can share it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(features, "load_backbone", cache(backbones.load_backbone))
        yield


@pytest.fixture(scope="module")
def detector() -> PatchCore:
    return paper(smoothing=2.0).fit(NORMAL)


# Fit and predict


def test_shapes_types_and_learned_attributes(detector: PatchCore):
    result = detector.predict(TEST)
    assert result.maps.shape == (6, SIZE, SIZE) and result.maps.dtype == np.float32
    assert result.scores.shape == (6,) and result.scores.dtype == np.float32
    assert np.isfinite(result.maps).all() and (result.scores > 0).all()
    (bank,) = detector.banks_
    assert bank is detector.bank_
    assert bank.vectors_.shape == (round(0.10 * 8 * 8 * 8), 152)  # a tenth of the patches of 8 tiles of 8 x 8
    assert detector.tile_shape_ == (SIZE, SIZE) and detector.radius_ > 0
    assert detector.fitted_on_strips_ is False and detector.position_scale_ is None


def test_fit_returns_the_detector_and_a_bank_of_at_least_one_patch():
    detector = paper(coreset_ratio=0.01)
    assert detector.fit(NORMAL[:1]) is detector
    assert len(detector.bank_) == 1  # the ratio gives 0.64 of a patch


def test_defects_score_higher_than_all_normal_tiles_and_are_localised(detector: PatchCore):
    normal, defective = detector.predict(TEST), detector.predict(DEFECTIVE)
    assert defective.scores.min() > 1.1 * normal.scores.max()
    for anomaly_map in defective.maps:
        place = np.unravel_index(anomaly_map.argmax(), anomaly_map.shape)
        assert np.abs(np.subtract(place, STAIN)).max() <= 16  # two positions of 8 px


def test_training_tiles_have_distance_zero_to_a_complete_bank():
    complete = paper(coreset_ratio=1.0, smoothing=0.0).fit(NORMAL[:2])
    assert complete.radius_ == 0
    result = complete.predict(NORMAL[:2])
    np.testing.assert_array_equal(result.scores, 0)
    np.testing.assert_array_equal(result.maps, 0)


def test_predict_extracts_patches_searches_the_bank_and_makes_maps(detector: PatchCore):
    patches = detector.features.transform(TEST)  # (6, 8, 8, 152)
    distances = cdist(patches.reshape(-1, 152), detector.bank_.vectors_).min(axis=1).reshape(6, 8, 8)
    for result in (detector.predict(TEST), detector.predict_patches(patches)):
        np.testing.assert_allclose(result.scores, distances.max(axis=(1, 2)), rtol=1e-4)
        np.testing.assert_allclose(result.maps, anomaly_maps(distances, (SIZE, SIZE), 2.0), rtol=1e-3)


def test_the_bank_contains_patches_of_the_training_tiles():
    detector = paper(sampler="random", coreset_ratio=0.25, seed=3).fit(NORMAL[:2])
    patches = detector.features.transform(NORMAL[:2]).reshape(-1, 152)
    np.testing.assert_array_equal(detector.bank_.vectors_, patches[random_subset(patches, 32, seed=3)])
    assert detector.radius_ is None


def test_patches_without_positions_suffice_without_normalisation(detector: PatchCore):
    patches = detector.features.transform(NORMAL)
    flat = paper(smoothing=2.0).fit_patches(patches.reshape(-1, 152), (SIZE, SIZE))
    np.testing.assert_array_equal(flat.predict(TEST).maps, detector.predict(TEST).maps)


@pytest.mark.parametrize("image_score", ["max", "mean", "top", "reweighted", "reweighted_by_patch"])
def test_each_image_score_separates_defective_from_normal_tiles(image_score: str, detector: PatchCore):
    patches = detector.features.transform(NORMAL)
    other = paper(image_score=image_score).fit_patches(patches, (SIZE, SIZE))
    normal, defective = other.predict(TEST[3:]).scores, other.predict(DEFECTIVE).scores
    assert defective.min() > normal.max()
    if image_score == "reweighted":
        patches = other.features.transform(DEFECTIVE).reshape(3, -1, 152)
        np.testing.assert_allclose(defective, reweighted_score(patches, detector.bank_), rtol=1e-5)


@pytest.mark.parametrize("whiten", [False, True])
@pytest.mark.parametrize("sampler", ["greedy", "random", "k_means"])
def test_each_sampler_detects_defects_with_and_without_whitening(sampler: str, whiten: bool):
    detector = paper(sampler=sampler, whiten=whiten, coreset_ratio=0.3, image_score="top").fit(NORMAL)
    assert detector.predict(DEFECTIVE).scores.min() > detector.predict(TEST).scores.max()


# Seeds and side effects


@pytest.mark.parametrize("sampler", ["greedy", "random", "k_means"])
def test_equal_seeds_give_equal_bits_and_other_seeds_do_not(sampler: str, monkeypatch: pytest.MonkeyPatch):
    if sampler == "greedy":  # the default: backbones loaded anew, and as many threads as a user has
        monkeypatch.setattr(features, "load_backbone", backbones.load_backbone)
        torch.set_num_threads(os.cpu_count() or 1)
    detectors = [paper(sampler=sampler, seed=seed).fit(NORMAL) for seed in (4, 4, 5)]
    first, second, other = (detector.predict(TEST) for detector in detectors)
    torch.set_num_threads(1)
    np.testing.assert_array_equal(detectors[0].bank_.vectors_, detectors[1].bank_.vectors_)
    np.testing.assert_array_equal(first.scores, second.scores)
    np.testing.assert_array_equal(first.maps, second.maps)
    assert not np.array_equal(first.scores, other.scores)


def test_a_second_fit_replaces_the_first():
    twice = paper(seed=2).fit(DEFECTIVE).fit(NORMAL)
    np.testing.assert_array_equal(twice.predict(TEST).scores, paper(seed=2).fit(NORMAL).predict(TEST).scores)


def test_fit_leaves_numpys_global_random_state_unchanged():
    np.random.seed(0)
    expected = np.random.random()
    np.random.seed(0)
    paper(sampler="k_means").fit(NORMAL[:1])
    assert np.random.random() == expected


def test_fit_and_predict_leave_the_tiles_unchanged():
    tiles = NORMAL.copy()
    paper().fit(tiles).predict(tiles)
    np.testing.assert_array_equal(tiles, NORMAL)


# Parameters


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {
            "layers": ["blocks.1"],
            "size": 128,
            "pooling": 5,
            "whiten": True,
            "batch_size": 3,
            "coreset_ratio": 0.5,
            "sampler": "k_means",
            "index": "hnsw",
            "background_quantile": 0.5,
            "smoothing": 0.0,
            "image_score": "top",
            "seed": 7,
        },
        {"pooling": [[3], [1]], "normalize_positions": True},
    ],
)
def test_parameters_survive_json_and_the_constructor(parameters: dict):
    detector = paper(**parameters)
    reported = detector.parameters()
    assert parameters.items() <= reported.items()
    assert reported["layers"] == list(detector.features.layers)
    assert PatchCore(**json.loads(json.dumps(reported))).parameters() == reported


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"coreset_ratio": 0}, "^coreset_ratio is 0, .*above 0 and up to 1, .*0.1"),
        ({"coreset_ratio": 1.5}, "^coreset_ratio is 1.5"),
        ({"coreset_ratio": -0.1}, "^coreset_ratio is -0.1"),
        ({"coreset_ratio": float("nan")}, "^coreset_ratio is nan"),
        ({"coreset_ratio": "0.1"}, "^coreset_ratio is '0.1'"),
        ({"coreset_ratio": True}, "^coreset_ratio is True"),
        ({"sampler": "best"}, "^sampler is 'best': choose .*greedy, random, k_means"),
        ({"index": "tree"}, "^index is 'tree': choose .*flat, ivf, hnsw, pq, auto"),
        ({"image_score": "sum"}, "^image_score is 'sum': choose .*max, mean, top, reweighted"),
        ({"padding": "same"}, "^padding is 'same': choose .*reflect, zeros"),
        ({"smoothing": -1}, "^smoothing is -1, .*at least 0"),
        ({"smoothing": float("nan")}, "^smoothing is nan"),
        ({"smoothing": None}, "^smoothing is None"),
        ({"background_quantile": -0.1}, "^background_quantile is -0.1, .*0 and up to 1"),
        ({"background_quantile": 1.1}, "^background_quantile is 1.1"),
        ({"background_quantile": "low"}, "^background_quantile is 'low'"),
        ({"seed": -1}, "^seed is -1, .*from 0"),
        ({"seed": 0.5}, "^seed is 0.5"),
        ({"seed": None}, "^seed is None"),
        ({"seed": 2**32}, "^seed is 4294967296"),
        ({"pooling": 2}, "^pooling is 2, .*odd"),
        ({"size": 8}, "^size is 8, .*from 32"),
        ({"batch_size": 0}, "^batch_size is 0"),
        ({"layers": ("blocks.99",)}, "no layer 'blocks.99'"),
        ({"backbone": "lite0"}, "no backbone 'lite0'"),
        ({"normalize_positions": True, "sampler": "k_means"}, "^normalize_positions .*greedy or random"),
        ({"image_score": "reweighted", "pooling": ((3,), (1,))}, "^image_score reweighted .*pooling=3"),
    ],
)
def test_wrong_parameters_are_refused_before_anything_is_extracted(parameters: dict, message: str):
    with pytest.raises(InputError, match=message):
        paper(**parameters)


def test_parameters_are_keyword_only():
    with pytest.raises(TypeError):
        PatchCore("efficientnet_lite0")


# Refusals at work


@pytest.mark.parametrize(
    "use",
    [
        lambda detector, _: detector.predict(TEST),
        lambda detector, _: detector.predict_strip(TEST[0], region=(0, SIZE)),
        lambda detector, _: detector.predict_patches(np.zeros((1, 8, 8, 152), np.float32)),
        lambda detector, _: detector.patch_distances(np.zeros((1, 152), np.float32)),
        lambda detector, folder: detector.save(folder / "saved"),
    ],
)
def test_a_detector_that_is_not_fitted_is_refused(use: Callable, tmp_path: Path):
    with pytest.raises(InputError, match=r"not fitted yet: call fit\(tiles\)"):
        use(paper(), tmp_path)
    assert not list(tmp_path.iterdir())


def test_tiles_of_another_size_are_refused(detector: PatchCore):
    with pytest.raises(InputError, match="^tiles are 96 x 64 px .*fitted on 64 x 64: tile"):
        detector.predict(np.zeros((1, 96, 64), np.uint8))


@pytest.mark.parametrize("tiles", [np.full((1, SIZE, SIZE), np.nan), TEST[0], TEST[:0], TEST.astype(int)])
def test_only_grey_tiles_are_accepted(tiles: np.ndarray, detector: PatchCore):
    for method in (detector.predict, paper().fit):
        with pytest.raises(InputError, match="^tiles has "):
            method(tiles)


@pytest.mark.parametrize("sampler", ["greedy", "random", "k_means"])
def test_nan_does_not_enter_the_bank(sampler: str):
    patches = np.ones((20, 152), np.float32)
    patches[7, 3] = np.nan
    with pytest.raises(InputError, match="^patches contains NaN .*1 of 20 rows, first in row 7"):
        paper(sampler=sampler).fit_patches(patches)


def test_the_reweighted_score_takes_all_of_a_bank_of_fewer_than_nine():
    detector = paper(coreset_ratio=0.05, image_score="reweighted").fit(NORMAL[:1])
    assert len(detector.bank_) == 3
    patches = detector.features.transform(TEST)
    expected = reweighted_score(patches.reshape(len(TEST), -1, patches.shape[-1]), detector.bank_, b=3)
    np.testing.assert_allclose(detector.predict(TEST).scores, expected, rtol=1e-5)
