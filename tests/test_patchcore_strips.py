"""Strips fitted and scored whole, and a strip judged by what is usual in itself: by hand, the slow way, refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from woven import woven

from aitex_utils import PatchCore
from aitex_utils import features as features_module
from aitex_utils.errors import InputError
from aitex_utils.features import PatchFeatures
from aitex_utils.pooling import parts_of
from aitex_utils.scoring import above_usual, anomaly_maps, distances_to_others, usual_in_rows

SIDE = 64
STRIPS = list(woven(3, 11, SIDE, 320))
pytestmark = pytest.mark.usefixtures("one_thread")


def whole(**parameters: object) -> PatchCore:
    return PatchCore(**{"size": SIDE, **parameters})


@pytest.fixture(scope="module")
def detector() -> PatchCore:
    return whole().fit_strips(STRIPS, side=SIDE)


def stained(strip: np.ndarray, column: int, row: int = 30) -> np.ndarray:
    strip = strip.copy()
    strip[row - 5 : row + 5, column - 5 : column + 5] //= 3
    return strip


# what is usual


def usual_of(patches: list[np.ndarray], chosen: np.ndarray, share: float = 0.9) -> np.ndarray:
    flat = np.concatenate([p.reshape(-1, p.shape[-1]) for p in patches])
    owner = np.concatenate([np.full(p.shape[0] * p.shape[1], i) for i, p in enumerate(patches)])
    return usual_in_rows(distances_to_others(list(enumerate(patches)), [flat[chosen]], [owner[chosen]]), share)


def test_usual_in_rows_by_hand():
    # Two strips of one row, one of them longer; all patches kept. 0 and 10 lie 1 and 6 from the other's 1, 4, 4;
    # 1, 4, 4 lie 1, 4, 4 from 0 and 10.
    patches = [np.array([[[0.0], [10.0]]], np.float32), np.array([[[1.0], [4.0], [4.0]]], np.float32)]
    np.testing.assert_allclose(usual_of(patches, np.arange(5), 1.0), [[6.0]])
    np.testing.assert_allclose(usual_of(patches, np.arange(5), 0.5), [[4.0]])
    # Kept of the second strip is the last 4 alone, of the first 0: 0 and 10 lie 4 and 6 away, 1, 4, 4 lie 1, 4, 4.
    np.testing.assert_allclose(usual_of(patches, np.array([0, 4]), 0.0), [[1.0]])


@settings(max_examples=20, deadline=None)
@given(widths=st.lists(st.integers(1, 9), min_size=2, max_size=4), rows=st.integers(1, 3), seed=st.integers(0, 999))
def test_usual_in_rows_against_the_obvious_way(widths: list[int], rows: int, seed: int):
    random = np.random.default_rng(seed)
    patches = [random.normal(size=(rows, width, 3)).astype(np.float32) for width in widths]
    owner = np.concatenate([np.full(rows * width, i) for i, width in enumerate(widths)])
    chosen = random.permutation(len(owner))[: max(2, len(owner) // 2)]
    if len(set(owner[chosen])) < 2:
        chosen = np.arange(len(owner))
    flat = np.concatenate([p.reshape(-1, 3) for p in patches])
    found = []
    for i, of in enumerate(patches):
        others = flat[chosen[owner[chosen] != i]]
        found.append(cdist(of.reshape(-1, 3), others).min(axis=1).reshape(rows, -1))
    expected = np.quantile(np.concatenate(found, axis=1), 0.9, axis=1)
    np.testing.assert_allclose(usual_of(patches, chosen)[:, 0], expected, rtol=1e-3, atol=1e-3 * expected.max())


# a strip judged by its own usual


def test_above_usual_by_hand():
    # Medians of the columns 3, 3.5, 4, 7, running over five of them the same; of the rows of what is left -1.25, 1.25.
    found = np.array([[1.0, 2.0, 3.0, np.nan, 9.0], [5.0, 5.0, 5.0, np.nan, 5.0]], np.float32)
    expected = [[-0.75, -0.25, 0.25, np.nan, 3.25], [0.75, 0.25, -0.25, np.nan, -3.25]]
    np.testing.assert_allclose(above_usual(found, 0.5), expected)
    assert above_usual(found, 0.25).dtype == np.float32


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 20),
    width=st.integers(1, 50),
    baseline=st.sampled_from([0, 0.25, 0.6]),
    seed=st.integers(0, 99),
)
def test_above_usual_against_the_obvious_way(height: int, width: int, baseline: float, seed: int):
    found = np.random.default_rng(seed).normal(size=(height, width)).astype(np.float32)
    columns = np.quantile(found, baseline, axis=0)
    around = np.pad(columns, height, mode="edge")
    rest = found - np.array([np.median(around[x : x + 2 * height + 1]) for x in range(width)])
    rows = np.quantile(rest, baseline, axis=1)
    half = height // 8 if height // 4 % 2 == 0 else height // 4 // 2
    around = np.pad(rows, half, mode="symmetric")
    expected = rest - np.array([np.median(around[y : y + 2 * half + 1]) for y in range(height)])[:, None]
    np.testing.assert_allclose(above_usual(found, baseline), expected, atol=1e-5)


def test_light_that_drifts_is_taken_off_and_long_defects_stay():
    drift = np.linspace(0, 4, 600)[None] + np.linspace(0, 1, 64)[:, None]
    pick, spot = drift.copy(), drift.copy()
    pick[30:36] += 1  # all along the strip, but only six rows high
    spot[:, 300:350] += 1  # from edge to edge, but not as wide as the strip is high
    left = above_usual(drift, 0.25)
    assert left.max() < 0.6  # of 5
    assert above_usual(pick, 0.25)[30:36].min() > 0.9 + left.min()
    np.testing.assert_allclose((above_usual(spot, 0.25) - left)[:, 300:350], 1, atol=0.4)
    broad = drift.copy()
    broad[20:60] += 1  # too high to be told from how the strip is
    assert (above_usual(broad, 0.25) - left)[20:60].mean() < 0.5


# whole strips


def test_a_strip_and_a_tile_are_seen_alike_away_from_their_ends():
    tile = STRIPS[0][:, :SIDE]
    features = PatchFeatures(padding="reflect", size=2 * SIDE)
    np.testing.assert_allclose(
        features.raw_of_strip(tile, SIDE), features.transform(tile[None])[0], rtol=1e-3, atol=1e-3
    )
    strip = features.raw_of_strip(STRIPS[0], SIDE)
    assert strip.shape == (16, 80, 152)  # 64 and 320 px at twice the size, a patch every 8 px
    first = PatchFeatures(layers="blocks.0", padding="reflect", pooling=1)  # its field is small
    np.testing.assert_allclose(
        first.raw_of_strip(STRIPS[0], SIDE)[:, :24], first.transform(STRIPS[0][None, :, :SIDE])[0][:, :24], atol=1e-3
    )


@pytest.mark.parametrize("padding", ["reflect", "zeros"])
def test_a_wide_strip_is_seen_in_pieces_and_no_patch_differs(padding: str, monkeypatch: pytest.MonkeyPatch):
    strip, features = woven(1, 5, SIDE, 1600)[0], PatchFeatures(padding=padding)
    seen, outputs = [], PatchFeatures._layer_outputs
    monkeypatch.setattr(
        PatchFeatures, "_layer_outputs", lambda self, images: seen.append(images.shape[-1]) or outputs(self, images)
    )
    monkeypatch.setattr(features_module, "PIECE", 1600)
    at_once = features.raw_of_strip(strip, SIDE)
    monkeypatch.setattr(features_module, "PIECE", 256)
    in_pieces = features.raw_of_strip(strip, SIDE)
    assert seen == [1600, 256 + 192, *[256 + 2 * 192] * 4, 256 + 192 + 64, 64 + 192]
    np.testing.assert_allclose(in_pieces, at_once, atol=1e-4)
    monkeypatch.setattr(features_module, "MARGIN", 32)  # less than a position sees
    assert abs(features.raw_of_strip(strip, SIDE) - at_once).max() > 0.01


def test_a_strip_is_scored_whole(detector: PatchCore):
    strip = stained(STRIPS[2], 200)
    found = detector.score_strip(strip, region=(20, 310))
    assert detector.whole_ and detector.usual_.shape == (8, 1) and detector.tile_shape_ == (SIDE, SIDE)
    patches = detector.features.raw_of_strip(strip[:, 20:310], SIDE)
    parts = zip(np.split(patches, 2, axis=-1), [detector.bank_, *detector.more_banks_], strict=True)
    both = [cdist(part.reshape(-1, 152), bank.vectors_).min(axis=1) for part, bank in parts]
    distances = np.sqrt(both[0] * both[1]).reshape(patches.shape[:2])
    expected = above_usual(anomaly_maps((distances / detector.usual_)[None], (SIDE, 290), 2.0)[0], 0.25)
    np.testing.assert_allclose(found.map[:, 20:310], expected, rtol=2e-3, atol=2e-3)
    assert np.isnan(found.map[:, :20]).all() and np.isnan(found.map[:, 310:]).all()
    assert abs(np.nanargmax(found.map) % 320 - 200) <= 12
    crops = [found.map[r : r + SIDE, c : c + SIDE].max() for r, c in found.corners]
    np.testing.assert_array_equal(found.tile_scores, crops)
    assert found.score == max(crops) and found.region == (20, 310)


def test_a_strip_that_is_unlike_all_others_all_over_raises_no_alarm_by_that(detector: PatchCore):
    """Light that differs over a whole strip lifts its distances everywhere; less its own usual, little is left."""
    dim = (STRIPS[1] * 0.8).astype(np.uint8)
    own, absolute = whole(), whole(baseline=None)
    for one in (own, absolute):
        one.fit_strips(STRIPS[:1] + STRIPS[2:], side=SIDE)
    rise = {
        name: one.score_strip(dim, region=(0, 320)).score - one.score_strip(STRIPS[1], region=(0, 320)).score
        for name, one in (("own", own), ("absolute", absolute))
    }
    assert rise["own"] < 0.5 * rise["absolute"]


def test_a_tile_detector_takes_the_strips_usual_off_too():
    with_own, without = (
        whole(baseline=b).fit(np.concatenate([s[None, :, :SIDE] for s in STRIPS])) for b in (0.5, None)
    )
    strip = stained(STRIPS[1], 100)
    found, plain = (one.score_strip(strip, region=(0, 320)) for one in (with_own, without))
    np.testing.assert_allclose(found.map, above_usual(plain.map, 0.5), rtol=1e-5, atol=1e-6)
    assert found.tile_scores[1] == found.map[:, SIDE : 2 * SIDE].max()
    np.testing.assert_array_equal(plain.tile_scores, without.score(np.stack(np.split(strip, 5, axis=1))).scores)


@pytest.mark.parametrize(
    "parameters", [{}, {"whiten": True}, {"level": False}, {"image_score": "top"}, {"pooling": (3, 1)}]
)
def test_saved_and_loaded_it_scores_strips_the_same(parameters: dict, tmp_path: Path):
    detector = whole(**parameters).fit_strips(STRIPS, side=SIDE)
    detector.save(tmp_path / "saved")
    loaded = PatchCore.load(tmp_path / "saved")
    assert loaded.parameters() == detector.parameters() and loaded.whole_
    before, after = (one.score_strip(STRIPS[0], region=(0, 320)) for one in (detector, loaded))
    np.testing.assert_array_equal(after.map, before.map)
    np.testing.assert_array_equal(after.tile_scores, before.tile_scores)


def test_strips_may_come_one_by_one():
    together, one_by_one = (whole().fit_strips(of, side=SIDE) for of in (STRIPS, iter(STRIPS)))
    np.testing.assert_array_equal(together.bank_.vectors_, one_by_one.bank_.vectors_)


def test_one_strip_is_enough():
    one = whole().fit_strips(STRIPS[:1], side=SIDE)
    parts = parts_of(one.features.raw_of_strip(STRIPS[0], SIDE), 2)
    for part, bank in zip(parts, [one.bank_, *one.more_banks_], strict=True):
        assert (cdist(bank.vectors_, part.reshape(-1, 152)).min(axis=1) == 0).all()
    assert (one.usual_ > 0).all()
    assert abs(np.nanargmax(one.score_strip(stained(STRIPS[1], 100), region=(0, 320)).map) % 320 - 100) <= 12


# refusals


def test_what_cannot_be_done_with_strips_is_refused(detector: PatchCore):
    with pytest.raises(InputError, match=r"fitted on whole strips: score strips with score_strip, or fit on tiles"):
        detector.score(STRIPS[0][None, :, :SIDE])
    with pytest.raises(InputError, match="There are no strips to learn from: give at least one"):
        whole().fit_strips([])
    with pytest.raises(InputError, match="image_score reweighted needs tiles: fit on tiles, or take 'max'"):
        whole(image_score="reweighted").fit_strips(STRIPS)
    with pytest.raises(InputError, match=r"fabric of a strip is 64 x 320 px, expected 256 px of height and at least"):
        whole().fit_strips(STRIPS)
    with pytest.raises(InputError, match=r"The strip is float64 of shape \(64, 320\), expected \(H, W\) uint8"):
        whole().fit_strips([STRIPS[0] * 1.0], side=SIDE)
    for wrong in (-0.1, 1.1, "low"):
        with pytest.raises(InputError, match=f"baseline is {wrong!r}, expected a quantile from 0 to 1"):
            PatchCore(baseline=wrong)


def test_pooling_is_that_of_tiles_or_of_strips_where_none_is_given(tmp_path: Path):
    detector = whole()
    assert detector.features.pooling == 3 and detector.parameters()["pooling"] is None
    assert detector.fit_strips(STRIPS, side=SIDE).features.pooling == ((3,), (1,))
    detector.save(tmp_path / "saved")
    assert PatchCore.load(tmp_path / "saved").features.pooling == ((3,), (1,))
    tiles = np.concatenate([strip[None, :, :SIDE] for strip in STRIPS])
    patches = whole().features.transform(tiles)  # pooled as tiles are
    assert detector.fit_patches(patches).features.pooling == 3 and not detector.whole_
    assert detector.fit_strips(STRIPS, side=SIDE).fit(tiles).features.pooling == 3 and not detector.more_banks_
    given = whole(pooling=(5, 3)).fit_strips(STRIPS, side=SIDE)
    assert given.features.pooling == (5, 3) and given.parameters()["pooling"] == [5, 3]
