"""Strips: predicted tile by tile, fitted and predicted as a whole, and with their background subtracted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from detectors import NORMAL, SIZE, paper, stain
from scipy.spatial.distance import cdist
from woven import woven

from aitex_utils import PatchCore, patchcore
from aitex_utils.calibration import leave_one_out_distances, row_scale, subtract_background
from aitex_utils.errors import InputError
from aitex_utils.features import split_branches
from aitex_utils.region import Region
from aitex_utils.scoring import anomaly_maps
from aitex_utils.tiling import tile

STRIPS = list(woven(3, 11, SIZE, 320))
pytestmark = pytest.mark.usefixtures("one_thread")


def small(**parameters: object) -> PatchCore:
    """Return a detector with the defaults and an input size of 64 px."""
    return PatchCore(**{"size": SIZE, **parameters})


@pytest.fixture(scope="module")
def tile_detector() -> PatchCore:
    return paper(smoothing=2.0).fit(NORMAL)


@pytest.fixture(scope="module")
def strip_detector() -> PatchCore:
    return small().fit_strips(STRIPS, tile_size=SIZE)


def column_of_maximum(strip_map: np.ndarray) -> int:
    return int(np.nanargmax(strip_map)) % strip_map.shape[1]


# Fitted on tiles


def test_a_strip_is_predicted_as_its_tiles_are(tile_detector: PatchCore):
    strip = stain(woven(1, 7, SIZE, 300)[0], row=30, column=200)
    result = tile_detector.predict_strip(strip, region=(20, 20 + 4 * SIZE))
    of_tiles = tile_detector.predict(np.stack([strip[:, 20 + SIZE * i : 20 + SIZE * (i + 1)] for i in range(4)]))
    np.testing.assert_array_equal(result.tile_scores, of_tiles.scores)
    np.testing.assert_array_equal(result.map[:, 20 : 20 + 4 * SIZE], np.concatenate(list(of_tiles.maps), axis=1))
    assert np.isnan(result.map[:, :20]).all() and np.isnan(result.map[:, 20 + 4 * SIZE :]).all()
    assert result.map.shape == strip.shape and result.map.dtype == np.float32
    assert result.score == of_tiles.scores.max() and isinstance(result.score, float)
    assert result.corners.tolist() == [[0, 20 + SIZE * i] for i in range(4)]
    assert result.region == (20, 20 + 4 * SIZE)
    assert abs(column_of_maximum(result.map) - 200) <= 16


def test_overlapping_tiles_are_blended(tile_detector: PatchCore):
    strip = woven(1, 8, SIZE, 200)[0]
    result = tile_detector.predict_strip(strip, region=(0, 200), overlap=32)
    tiles, corners = tile(strip, size=SIZE, overlap=32)
    np.testing.assert_array_equal(result.corners, corners)
    maps = tile_detector.predict(tiles).maps
    assert np.isfinite(result.map).all()
    shared = slice(40, 50)  # columns that the first two tiles cover
    low, high = (f(maps[0][:, shared], maps[1][:, 8:18]) for f in (np.minimum, np.maximum))
    assert ((result.map[:, shared] >= low - 1e-5) & (result.map[:, shared] <= high + 1e-5)).all()
    assert not np.allclose(result.map[:, shared], maps[0][:, shared])


@pytest.mark.parametrize("kind", ["tile_detector", "strip_detector"])
def test_the_fabric_is_located_where_no_region_is_given(
    kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
):
    detector, strip = request.getfixturevalue(kind), woven(1, 9, SIZE, 200)[0]
    found = Region(30, 170)
    monkeypatch.setattr(patchcore, "fabric_region", lambda image: found)
    located, given = detector.predict_strip(strip), detector.predict_strip(strip, region=(30, 170))
    assert located.region == (30, 170)
    np.testing.assert_array_equal(located.map, given.map)
    assert np.isfinite(located.map[:, 30:170]).all() and np.isnan(located.map[:, :30]).all()
    found.is_certain = False
    with pytest.warns(UserWarning, match=r"not certain .* columns \(30, 170\): pass region"):
        detector.predict_strip(strip)


@pytest.mark.parametrize(
    ("strip", "region", "message"),
    [
        (np.zeros((SIZE, 200), np.float32), (0, 200), "strip has dtype float32, expected uint8"),
        (np.zeros((1, SIZE, 200), np.uint8), (0, 200), r"strip .*shape \(1, 64, 200\), .*\(H, W\)"),
        (np.zeros((SIZE, 200), np.uint8), (0, 201), r"^region is \(0, 201\), .*0\.\.200"),
        (np.zeros((SIZE, 200), np.uint8), (-70, 200), r"^region is \(-70, 200\)"),
        (np.zeros((SIZE, 200), np.uint8), (90, 90), r"^region is \(90, 90\)"),
        (np.zeros((SIZE, 200), np.uint8), (0, 63), "smaller than a tile of 64 px"),
        (np.zeros((SIZE - 1, 200), np.uint8), (0, 200), "smaller than a tile of 64 px"),
    ],
)
def test_wrong_strips_and_regions_are_refused(
    tile_detector: PatchCore, strip: np.ndarray, region: tuple[int, int], message: str
):
    with pytest.raises(InputError, match=message):
        tile_detector.predict_strip(strip, region=region)


# Background


def test_a_tile_detector_subtracts_the_background_of_a_strip():
    tiles = np.concatenate([strip[None, :, :SIZE] for strip in STRIPS])
    subtracting, plain = (small(background_quantile=quantile).fit(tiles) for quantile in (0.5, None))
    strip = stain(STRIPS[1], row=30, column=100)
    result, expected = (detector.predict_strip(strip, region=(0, 320)) for detector in (subtracting, plain))
    np.testing.assert_allclose(result.map, subtract_background(expected.map, 0.5), rtol=1e-5, atol=1e-6)
    assert result.background == pytest.approx(np.median(expected.map - result.map), rel=1e-5)
    assert expected.background == 0
    assert result.tile_scores[1] == result.map[:, SIZE : 2 * SIZE].max()
    of_tiles = plain.predict(np.stack(np.split(strip, 5, axis=1)))
    np.testing.assert_array_equal(expected.tile_scores, of_tiles.scores)


def test_reweighted_tile_scores_come_from_the_patches_and_not_from_the_map():
    detector = paper(image_score="reweighted", background_quantile=0.5).fit(NORMAL)
    strip = stain(STRIPS[1], row=30, column=100)
    scores = detector.predict_strip(strip, region=(0, 320)).tile_scores
    np.testing.assert_array_equal(scores, detector.predict(np.stack(np.split(strip, 5, axis=1))).scores)


def test_a_strip_that_is_darker_everywhere_raises_the_score_less_without_its_background():
    dark = (STRIPS[1] * 0.8).astype(np.uint8)
    increase = {}
    for quantile in (0.25, None):
        detector = small(background_quantile=quantile).fit_strips(STRIPS[:1] + STRIPS[2:], tile_size=SIZE)
        scores = [detector.predict_strip(strip, region=(0, 320)).score for strip in (dark, STRIPS[1])]
        increase[quantile] = scores[0] - scores[1]
    assert increase[0.25] < 0.5 * increase[None]


# Fitted on strips


def test_a_strip_is_predicted_as_a_whole(strip_detector: PatchCore):
    strip = stain(STRIPS[2], row=30, column=200)
    result = strip_detector.predict_strip(strip, region=(20, 310))
    assert strip_detector.fitted_on_strips_ and strip_detector.tile_shape_ == (SIZE, SIZE)
    assert strip_detector.position_scale_.shape == (8, 1) and len(strip_detector.banks_) == 2
    patches = strip_detector.features.extract_strip(strip[:, 20:310], SIZE)
    branches = zip(np.split(patches, 2, axis=-1), strip_detector.banks_, strict=True)
    first, second = (cdist(branch.reshape(-1, 152), bank.vectors_).min(axis=1) for branch, bank in branches)
    distances = np.sqrt(first * second).reshape(patches.shape[:2]) / strip_detector.position_scale_
    expected = subtract_background(anomaly_maps(distances[None], (SIZE, 290), 2.0)[0], 0.25)
    np.testing.assert_allclose(result.map[:, 20:310], expected, rtol=2e-3, atol=2e-3)
    assert np.isnan(result.map[:, :20]).all() and np.isnan(result.map[:, 310:]).all()
    assert abs(column_of_maximum(result.map) - 200) <= 12
    maxima = [result.map[row : row + SIZE, column : column + SIZE].max() for row, column in result.corners]
    np.testing.assert_array_equal(result.tile_scores, maxima)
    assert result.score == max(maxima) and result.region == (20, 310)


@pytest.mark.parametrize("quantile", [0.25, None])
def test_tile_scores_of_other_kinds_come_from_the_map_too(quantile: float | None):
    detector = small(image_score="mean", background_quantile=quantile).fit_strips(STRIPS, tile_size=SIZE)
    result = detector.predict_strip(STRIPS[0], region=(0, 320))
    means = [result.map[:, column : column + SIZE].mean() for _, column in result.corners]
    np.testing.assert_allclose(result.tile_scores, means, rtol=1e-4, atol=1e-6)


def test_the_row_scale_is_learned_from_the_other_strips(strip_detector: PatchCore):
    patches = [strip_detector.features.extract_strip(strip, SIZE) for strip in STRIPS]
    groups = []
    for branch, bank in enumerate(strip_detector.banks_):
        of_strips = [split_branches(of_strip, 2)[branch].reshape(-1, 152) for of_strip in patches]
        groups.append(np.argmax([(cdist(bank.vectors_, flat) == 0).any(axis=1) for flat in of_strips], axis=0))
    samples = [(i, of_strip[:, ::4]) for i, of_strip in enumerate(patches)]
    distances = leave_one_out_distances(samples, [bank.vectors_ for bank in strip_detector.banks_], groups)
    np.testing.assert_allclose(strip_detector.position_scale_, row_scale(distances), rtol=1e-4)


def test_strips_can_arrive_one_by_one(strip_detector: PatchCore):
    one_by_one = small().fit_strips(iter(STRIPS), tile_size=SIZE)
    for bank, expected in zip(one_by_one.banks_, strip_detector.banks_, strict=True):
        np.testing.assert_array_equal(bank.vectors_, expected.vectors_)


def test_a_single_strip_is_enough():
    detector = small().fit_strips(STRIPS[:1], tile_size=SIZE)
    branches = split_branches(detector.features.extract_strip(STRIPS[0], SIZE), 2)
    for branch, bank in zip(branches, detector.banks_, strict=True):
        assert (cdist(bank.vectors_, branch.reshape(-1, 152)).min(axis=1) == 0).all()
    assert (detector.position_scale_ > 0).all()
    result = detector.predict_strip(stain(STRIPS[1], row=30, column=100), region=(0, 320))
    assert abs(column_of_maximum(result.map) - 100) <= 12


def test_a_detector_can_be_fitted_on_tiles_and_strips_in_turn(strip_detector: PatchCore):
    detector = small().fit(NORMAL).fit_strips(STRIPS, tile_size=SIZE)
    result, expected = (each.predict_strip(STRIPS[0], region=(0, 320)) for each in (detector, strip_detector))
    np.testing.assert_array_equal(result.map, expected.map)
    patches = detector.features.transform(NORMAL)
    assert not detector.fit_patches(patches, (SIZE, SIZE)).fitted_on_strips_ and len(detector.banks_) == 2
    np.testing.assert_array_equal(detector.predict(NORMAL).maps, small().fit(NORMAL).predict(NORMAL).maps)


# Refusals


@pytest.mark.parametrize(
    ("fit", "message"),
    [
        (lambda: small().fit_strips([]), "no strips to learn from: give at least one"),
        (
            lambda: small(image_score="reweighted", pooling=3).fit_strips(STRIPS),
            "^image_score reweighted needs tiles: .*'max'",
        ),
        (lambda: small().fit_strips(STRIPS), "strip is 64 x 320 px, expected 256 px of height"),
        (lambda: small().fit_strips([STRIPS[0][:, :60]], tile_size=SIZE), "strip is 64 x 60 px, .*that width"),
        (lambda: small().fit_strips([STRIPS[0] * 1.0], tile_size=SIZE), "strip has dtype float64, expected uint8"),
        (lambda: small(sampler="random").fit_strips(STRIPS, memory=1.0), "sampler greedy, .*leave memory out"),
        (lambda: small(whiten=True).fit_strips(STRIPS, memory=1.0), "without whitening, .*leave memory out"),
    ],
)
def test_strips_that_cannot_be_fitted_are_refused(fit: Callable, message: str):
    with pytest.raises(InputError, match=message):
        fit()


def test_tiles_are_refused_after_a_fit_on_strips(strip_detector: PatchCore):
    with pytest.raises(InputError, match="fitted on strips: .*predict_strip, or fit on tiles"):
        strip_detector.predict(STRIPS[0][None, :, :SIZE])
