"""Pictures of any size: scaled and tiled by the rule, judged as tiles are, with a threshold that keeps its promise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from woven import woven

from aitex_utils.errors import InputError
from aitex_utils.inspection import judge
from aitex_utils.inspection.judge import (
    PictureRule,
    add_pictures,
    count_tiles,
    cut_picture,
    find_threshold,
    fit_pictures,
    mark_regions,
    pictures_needed,
    predict_picture,
    scale_picture,
    split_good,
    tiles_of,
    to_own_pixels,
)
from aitex_utils.patchcore import PatchCore

pytestmark = pytest.mark.usefixtures("one_thread")
RULE = PictureRule(side=96, tile_size=64, overlap=16)
QUICK = {"size": 64, "seed": 0}


def pictures(n: int, seed: int = 0, height: int = 96, width: int = 96) -> np.ndarray:
    return woven(n, seed, height, width)


@pytest.fixture(scope="module")
def detector() -> PatchCore:
    return fit_pictures(pictures(4), RULE, n_tiles=16, **QUICK)


# Scaling and tiling


@given(height=st.integers(1, 400), width=st.integers(1, 400), side=st.sampled_from([None, 64, 96, 128]))
def test_a_scaled_picture_holds_a_tile_and_keeps_its_proportions(height: int, width: int, side: int | None):
    rule = PictureRule(side=side, tile_size=64, overlap=0)
    scaled = scale_picture(np.zeros((height, width), np.uint8), rule)
    assert min(scaled.shape) >= 64 and (side is None or min(scaled.shape) <= max(side, min(64, side)))
    if 64 <= min(height, width) <= (side or 400):
        assert scaled.shape == (height, width)
    elif 64 * max(height, width) >= 64 * min(height, width) and min(height, width) >= 8:
        assert max(scaled.shape) / min(scaled.shape) == pytest.approx(max(height, width) / min(height, width), rel=0.02)
    assert count_tiles((height, width), rule) == len(cut_picture(scaled, rule)[0])


def test_colours_are_cut_like_grey_values():
    colour = np.random.default_rng(0).integers(0, 256, (100, 130, 3), np.uint8)
    tiles, corners = cut_picture(colour, RULE)
    assert tiles.shape == (len(corners), 64, 64, 3)
    for i, (row, column) in enumerate(corners):
        np.testing.assert_array_equal(tiles[i], colour[row : row + 64, column : column + 64])


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"tile_size": 8}, "^tile_size is 8"),
        ({"overlap": 256}, "^overlap is 256"),
        ({"side": 100}, "^side is 100"),
        ({"colour": 1}, "^colour is 1"),
    ],
)
def test_senseless_rules_are_refused(rule: dict, message: str):
    with pytest.raises(InputError, match=message):
        PictureRule(**rule)


@pytest.mark.parametrize(
    "image", [np.zeros((4, 4, 4), np.uint8), np.zeros(4, np.uint8), np.zeros((4, 4)), np.zeros((0, 4), np.uint8)]
)
def test_no_picture_is_refused(image: np.ndarray):
    with pytest.raises(InputError, match="^image has .*Picture.read"):
        next(tiles_of([image], RULE))


# Prediction


def test_a_picture_of_one_tile_gets_the_map_of_the_tile(detector: PatchCore):
    tile = pictures(1, 5, 64, 64)
    result = predict_picture(detector, tile[0], PictureRule(side=None, tile_size=64, overlap=16))
    expected = detector.predict(tile)
    np.testing.assert_array_equal(result.map, expected.maps[0])
    assert result.score == expected.maps.max() and result.shape == (64, 64)


def test_a_defect_is_found_where_it_is_in_the_picture_s_own_pixels(detector: PatchCore):
    image = np.repeat(np.repeat(pictures(1, 7)[0], 2, axis=0), 2, axis=1)  # 192 x 192, scaled down to 96 x 96
    image[120:150, 40:70] = 20
    result = predict_picture(detector, image, RULE)
    anomaly_map = to_own_pixels(result.map, result.shape)
    row, column = np.unravel_index(int(np.argmax(anomaly_map)), anomaly_map.shape)
    assert anomaly_map.shape == (192, 192) and 110 <= row < 160 and 30 <= column < 80
    normal = max(predict_picture(detector, one, RULE).score for one in pictures(4, 11))
    assert result.score > normal
    found = to_own_pixels(mark_regions(result.map, 0.7 * result.score, patch=8), result.shape)
    assert found[128:142, 48:62].mean() > 0.8 and found[:80].mean() < 0.05


def test_batches_do_not_change_a_map(detector: PatchCore, monkeypatch: pytest.MonkeyPatch):
    image = pictures(1, 3, 96, 200)[0]
    expected = predict_picture(detector, image, RULE).map
    monkeypatch.setattr(detector.features, "batch_size", 1)
    np.testing.assert_array_equal(predict_picture(detector, image, RULE).map, expected)


def test_the_bank_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(judge, "MAX_BANK", 20)
    small = fit_pictures(pictures(4), RULE, n_tiles=16, **QUICK)
    assert [len(bank) for bank in small.banks_] == [20, 20]


# Threshold


@pytest.mark.parametrize("n", [19, 20, 57, 99])
def test_the_threshold_keeps_its_promise_on_average(n: int):
    rng = np.random.default_rng(n)
    rates = []
    for _ in range(400):
        scores = rng.lognormal(size=n + 50).astype(np.float32)
        threshold, _, is_kept = find_threshold(scores[:n], 0.05)
        assert is_kept
        rates.append(np.mean(scores[n:] >= threshold))
    assert np.mean(rates) < 0.06


def test_few_pictures_promise_what_they_can():
    for n in (1, 3, 6, 7, 18):
        scores = np.random.default_rng(n).random(n)
        threshold, promise, is_kept = find_threshold(scores, 0.05)
        assert not is_kept and f"1 in {n + 1} " in promise and "19 held-out" in promise
        assert np.isfinite(threshold) and threshold > np.float32(scores.max())
    assert pictures_needed(0.05) == 19 and pictures_needed(0.3) == 3


@given(n=st.integers(2, 1000), rate=st.sampled_from([0.01, 0.05, 0.2]))
def test_the_split_uses_each_picture_once(n: int, rate: float):
    training, calibration = split_good(n, rate)
    assert sorted([*training, *calibration]) == list(range(n)) and len(training) >= len(calibration) >= 1
    if n // 2 >= pictures_needed(rate):
        assert len(calibration) >= pictures_needed(rate)


@pytest.mark.parametrize("n", [0, 1])
def test_a_single_good_picture_is_not_enough(n: int):
    with pytest.raises(InputError, match=f"{n} good pictures? can be used: give at least 2"):
        split_good(n, 0.05)


# Regions


def test_regions_close_gaps_drop_noise_and_keep_the_peak():
    values = np.zeros((64, 64), np.float32)
    values[10:30, 10:18] = values[10:30, 21:30] = 2  # a gap of 3 px, narrower than a patch
    values[50, 50] = 1.5  # noise
    found = mark_regions(values, 1.0, patch=8)
    assert found[20, 19] and found[10:30, 10:18].all() and not found[50, 50]
    values[50, 50] = 3  # the peak
    assert mark_regions(values, 1.0, patch=8)[50, 50]
    assert not mark_regions(values, 4.0).any()


@given(seed=st.integers(0, 99), threshold=st.floats(0, 1))
def test_a_flagged_picture_has_a_region_and_no_other_has_one(seed: int, threshold: float):
    values = np.random.default_rng(seed).random((20, 30)).astype(np.float32)
    assert mark_regions(values, threshold).any() == (values.max() >= threshold)


def test_a_region_at_the_edge_stays_at_the_edge():
    values = np.zeros((40, 40), np.float32)
    values[:12, :12] = 1
    np.testing.assert_array_equal(mark_regions(values, 1.0), values > 0)


# Further good pictures


def test_further_pictures_are_learned_and_known_ones_are_kept(detector: PatchCore, tmp_path):
    other = 255 - pictures(4, 20) // 3  # light cloth of low contrast
    learned = PatchCore.load(detector.save(tmp_path / "saved"))
    old, new = pictures(1, 30)[0], 255 - pictures(1, 31)[0] // 3
    before = [predict_picture(learned, image, RULE).score for image in (old, new)]
    add_pictures(learned, other, RULE, n_before=16, n_tiles=16)
    after = [predict_picture(learned, image, RULE).score for image in (old, new)]
    assert after[1] < 0.7 * before[1] and after[0] < 1.3 * before[0]
    both = fit_pictures([*pictures(4), *other], RULE, n_tiles=32, **QUICK)
    anew = [predict_picture(both, image, RULE).score for image in (old, new)]
    np.testing.assert_allclose(after, anew, rtol=0.25)
    assert [len(bank) for bank in learned.banks_] == [len(bank) for bank in both.banks_]


def test_a_refused_addition_changes_nothing(detector: PatchCore):
    before = dict(vars(detector))
    with pytest.raises(InputError):
        add_pictures(detector, [np.zeros((4, 4), np.float32)], RULE, n_before=16, n_tiles=1)
    with pytest.raises(InputError, match="nothing to learn from"):
        add_pictures(detector, [], RULE, n_before=16, n_tiles=1)
    assert all(vars(detector)[name] is value for name, value in before.items())
    whitened = PatchCore(whiten=True, **QUICK).fit(pictures(4, 0, 64, 64))
    with pytest.raises(InputError, match="whitening"):
        add_pictures(whitened, pictures(1), RULE, n_before=4, n_tiles=4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: scale_picture(np.zeros((4, 4)), RULE), "image has dtype float64, expected uint8: read it with"),
        (lambda: cut_picture(pictures(1)[0], "fine"), "rule is 'fine', expected a PictureRule"),
        (lambda: next(tiles_of(7, RULE)), "images is 7: give a list of pictures"),
        (lambda: fit_pictures(pictures(1), RULE, n_tiles=0), "n_tiles is 0, expected a whole number of at least 1"),
        (lambda: count_tiles((96,), RULE), "shape is .96,., expected height and width"),
        (lambda: predict_picture(RULE, pictures(1)[0], RULE), "detector is PictureRule.*, expected the PatchCore that"),
        (lambda: predict_picture(PatchCore(), pictures(1)[0], RULE), "call fit"),
        (lambda: add_pictures(PatchCore(), pictures(1), RULE, n_before=1, n_tiles=1), "call fit_pictures first"),
        (lambda: split_good(4, 0.5, -1), "seed is -1"),
        (lambda: find_threshold([1e300], 0.5), "good_scores contains NaN or infinity"),
        (lambda: mark_regions(np.full((2, 2), np.nan), 1.0), "anomaly_map contains NaN"),
        (lambda: mark_regions(np.ones((2, 2)), np.nan), "threshold is nan"),
        (lambda: mark_regions(np.ones((2, 2)), 1.0, 0), "patch is 0"),
        (lambda: to_own_pixels(np.ones(4), (2, 2)), "values has shape .4,."),
        (lambda: to_own_pixels(np.ones((2, 2)), (10**6, 10**6)), "larger than a picture that can be read"),
    ],
)
def test_what_cannot_be_judged_is_refused(call: Callable, message: str):
    with pytest.raises(InputError, match=message):
        call()


def test_a_picture_that_is_too_narrow_is_refused_before_it_fills_the_memory():
    narrow = np.zeros((2, 10**6), np.uint8)
    for call in (lambda: scale_picture(narrow, RULE), lambda: count_tiles(narrow.shape, RULE)):
        with pytest.raises(
            InputError, match="1000000 x 2 px would be analysed at 32000000 x 64 px.* cut it into shorter"
        ):
            call()


def test_a_threshold_beyond_all_scores_marks_nothing():
    assert not mark_regions(np.ones((4, 4), np.float32), np.inf).any()
    assert not mark_regions(np.ones((4, 4), np.float32), 1e300).any()
