"""Maps and image scores: both reweightings worked out by hand, the rest against slow and literal ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aitex_utils import scoring
from aitex_utils.errors import InputError
from aitex_utils.memory_bank import MemoryBank
from aitex_utils.scoring import (
    IMAGE_SCORES,
    anomaly_maps,
    image_scores,
    max_score,
    mean_score,
    reweighted_by_patch_score,
    reweighted_score,
    strip_map,
    top_score,
)
from aitex_utils.tiling import tile


def bank_of(*vectors: tuple[float, ...]) -> MemoryBank:
    return MemoryBank().add(np.array(vectors, np.float32))


def tile_of(*patches: tuple[float, ...]) -> np.ndarray:
    """One tile's patches, (1, P, C) float32."""
    return np.array([patches], np.float32)


# A line with the bank at -1, 0 and 2.5 and the worst patch p at 1. Nearest to p is m* = 0, so s* = 1.
# The two nearest to m* are 0 and -1, at 1 and 2 from p; the two nearest to p are 0 and 2.5, at 1 and 1.5 from p.
LINE = ((-1.0,), (0.0,), (2.5,))


def test_reweighted_takes_the_neighbours_of_the_banks_vector():
    # s = (1 - e^1 / (e^1 + e^2)) * 1 = 1 / (1 + 1/e) = 0.7310586
    score = reweighted_score(tile_of((1.0,), (0.1,), (-0.9,)), bank_of(*LINE), b=2)
    np.testing.assert_allclose(score, [0.7310586], rtol=1e-6)
    assert score.dtype == np.float32


def test_reweighted_by_patch_takes_the_neighbours_of_the_patch():
    # s = (1 - e^1 / (e^1 + e^1.5)) * 1 = 1 / (1 + e^-0.5) = 0.6224593
    score = reweighted_by_patch_score(tile_of((1.0,), (0.1,), (-0.9,)), bank_of(*LINE), b=2)
    np.testing.assert_allclose(score, [0.6224593], rtol=1e-6)
    assert score.dtype == np.float32


def test_reweighted_takes_distances_from_the_patch_and_not_from_the_banks_vector():
    # p = (0, 0), bank (3, 0), (3, 4), (0, 12): m* = (3, 0), s* = 3; |p - m| are 3, 5 and 12.
    # s = 3 (1 - e^3 / (e^3 + e^5 + e^12)) = 3 (1 - 1 / (1 + e^2 + e^9)) = 3 (1 - 1 / 8111.47298) = 2.99963015
    # The distances from m* (0, 4, 12.4) or the squared ones (9, 25, 144) would give others.
    bank = bank_of((3, 0), (3, 4), (0, 12))
    np.testing.assert_allclose(reweighted_score(tile_of((0, 0)), bank, b=3), [2.99963015], rtol=1e-6)
    # With b = 2: 3 (1 - 1 / (1 + e^2)) = 3 * 0.88079708
    np.testing.assert_allclose(reweighted_score(tile_of((0, 0)), bank, b=2), [2.6423912], rtol=1e-6)
    np.testing.assert_allclose(reweighted_by_patch_score(tile_of((0, 0)), bank, b=2), [2.6423912], rtol=1e-6)


@pytest.mark.parametrize("score", [reweighted_score, reweighted_by_patch_score])
def test_each_tile_is_scored_by_its_own_worst_patch(score):
    tiles = np.array([[[1.0], [0.1]], [[-0.9], [1.0]], [[0.5], [0.0]]], np.float32)
    both = score(tiles, bank_of(*LINE), b=2)
    alone = [score(tiles[i : i + 1], bank_of(*LINE), b=2)[0] for i in range(3)]
    np.testing.assert_array_equal(both, alone)
    assert both[0] == both[1] > both[2]


@pytest.mark.parametrize("score", [reweighted_score, reweighted_by_patch_score])
def test_a_lonely_neighbour_raises_and_a_crowded_one_lowers(score):
    # Ten equal vectors: each has a tenth of the sum, so s = 0.9 s*.
    np.testing.assert_allclose(score(tile_of((2.0,)), bank_of(*[(0.0,)] * 10), b=10), [1.8], rtol=1e-6)
    # Nine others much farther: e^2 / (e^2 + 9 e^50) vanishes, and s = s*.
    far = bank_of((0.0,), *[(-48.0,)] * 9)
    np.testing.assert_allclose(score(tile_of((2.0,)), far, b=10), [2.0], rtol=1e-6)


class Forgetful(MemoryBank):
    """An index that loses the vector that was asked for among its neighbours, as an approximate one may."""

    def nearest(self, patches: np.ndarray, k: int = 1) -> tuple[np.ndarray, np.ndarray]:
        if k == 1:
            return super().nearest(patches, 1)
        distances, indices = super().nearest(patches, k + 1)
        return distances[:, 1:], indices[:, 1:]


def test_the_nearest_vector_itself_is_always_among_its_neighbours():
    lossy = Forgetful().add(np.array([*LINE, (30.0,)], np.float32))
    # Asked for two neighbours of m* = 0 it says -1 and 2.5; m* takes the place of the last: the same as by hand above.
    np.testing.assert_allclose(reweighted_score(tile_of((1.0,)), lossy, b=2), [0.7310586], rtol=1e-6)


def test_neighbours_that_an_approximate_index_did_not_find_are_left_out():
    class Poor(MemoryBank):
        def nearest(self, patches: np.ndarray, k: int = 1) -> tuple[np.ndarray, np.ndarray]:
            distances, indices = (np.array(a) for a in super().nearest(patches, k))
            distances[:, 2:], indices[:, 2:] = np.inf, -1
            return distances, indices

    poor = Poor().add(np.array(LINE, np.float32))
    np.testing.assert_allclose(reweighted_score(tile_of((1.0,)), poor, b=3), [0.7310586], rtol=1e-6)
    np.testing.assert_allclose(reweighted_by_patch_score(tile_of((1.0,)), poor, b=3), [0.6224593], rtol=1e-6)


def test_equal_vectors_in_the_bank():
    # m* = 0 three times: whichever of them are taken, all are 1 from p, so with b = 2 the weight is 1/2.
    bank = bank_of((0.0,), (0.0,), (0.0,), (-1.0,))
    np.testing.assert_allclose(reweighted_score(tile_of((1.0,)), bank, b=2), [0.5], rtol=1e-6)
    # With b = 4: 1 - e / (3 e + e^2) = 1 - 1 / (3 + e) = 0.8251223
    np.testing.assert_allclose(reweighted_score(tile_of((1.0,)), bank, b=4), [0.8251223], rtol=1e-6)


@pytest.mark.parametrize("score", [reweighted_score, reweighted_by_patch_score])
def test_huge_distances_neither_overflow_nor_give_nan(score):
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        np.testing.assert_allclose(score(tile_of((1e4,)), bank_of((0.0,), (0.0,)), b=2), [5e3], rtol=1e-6)
        np.testing.assert_allclose(score(tile_of((1e4,)), bank_of((0.0,), (-1e4,)), b=2), [1e4], rtol=1e-6)
        np.testing.assert_allclose(score(tile_of((0.0,)), bank_of((0.0,), (1e4,)), b=2), [0.0])


@pytest.mark.parametrize("score", [reweighted_score, reweighted_by_patch_score])
def test_a_patch_that_lies_in_the_bank_scores_zero(score):
    np.testing.assert_array_equal(score(tile_of((0.0,), (-1.0,)), bank_of(*LINE), b=3), [0.0])


@pytest.mark.parametrize("score", [reweighted_score, reweighted_by_patch_score])
def test_one_neighbour_gives_the_distance_itself(score):
    np.testing.assert_array_equal(score(tile_of((1.0,), (0.2,)), bank_of(*LINE), b=1), np.float32([1.0]))
    np.testing.assert_array_equal(score(tile_of((4.0,)), bank_of((0.0,)), b=1), np.float32([4.0]))


@pytest.mark.parametrize("score", [reweighted_score, reweighted_by_patch_score])
@pytest.mark.parametrize("b", [4, 0, -1, 2.0, True])
def test_more_neighbours_than_the_bank_holds_are_refused(score, b):
    with pytest.raises(InputError, match=rf"b is {b}, expected a whole number from 1 to the 3 patches in the bank"):
        score(tile_of((1.0,)), bank_of(*LINE), b=b)


def test_patches_without_the_axis_of_tiles_are_refused():
    with pytest.raises(InputError, match=r"patches has shape \(5, 1\), expected \(N, P, C\)"):
        reweighted_score(np.zeros((5, 1), np.float32), bank_of(*LINE))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 999), b=st.integers(2, 12), spread=st.sampled_from([0.1, 1.0, 30.0]))
def test_both_reweightings_against_the_formula(seed: int, b: int, spread: float):
    random = np.random.default_rng(seed)
    vectors = (random.normal(size=(12, 3)) * spread).astype(np.float32)
    tiles = (random.normal(size=(2, 5, 3)) * spread).astype(np.float32)
    bank = MemoryBank().add(vectors)
    m, by_bank, by_patch = vectors.astype(np.float64), [], []
    for patches in tiles.astype(np.float64):
        gaps = np.linalg.norm(patches[:, None] - m[None], axis=2)
        p = patches[gaps.min(axis=1).argmax()]
        to_p = np.linalg.norm(m - p, axis=1)
        star = to_p.argmin()
        around = np.argsort(np.linalg.norm(m - m[star], axis=1))[:b]
        for chosen, scores in ((around, by_bank), (np.argsort(to_p)[:b], by_patch)):
            # Equation 7 with numerator and denominator divided by e^s*.
            scores.append((1 - 1 / np.exp(to_p[chosen] - to_p[star]).sum()) * to_p[star])
    np.testing.assert_allclose(reweighted_score(tiles, bank, b), by_bank, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(reweighted_by_patch_score(tiles, bank, b), by_patch, rtol=1e-4, atol=1e-6)


# the plain scores

DISTANCES = np.array([[[1.0, 2.0], [3.0, 10.0]], [[0.0, 0.0], [0.0, 4.0]]], np.float32)


def test_max_and_mean():
    np.testing.assert_array_equal(max_score(DISTANCES), [10, 4])
    np.testing.assert_array_equal(mean_score(DISTANCES), [4, 1])
    assert max_score(DISTANCES).dtype == mean_score(DISTANCES).dtype == np.float32


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.01, [10, 4]), (0.25, [10, 4]), (0.5, [6.5, 2]), (0.75, [5, 4 / 3]), (1.0, [4, 1]), (1, [4, 1])],
)
def test_top_is_the_mean_of_the_largest_share(share: float, expected: list[float]):
    np.testing.assert_allclose(top_score(DISTANCES, share), expected, rtol=1e-6)


def test_top_does_not_disturb_the_distances():
    distances = DISTANCES.copy()
    top_score(distances, 0.5)
    np.testing.assert_array_equal(distances, DISTANCES)


@pytest.mark.parametrize("share", [0, -0.1, 1.01, float("nan")])
def test_a_share_out_of_range_is_refused(share: float):
    with pytest.raises(InputError, match="share is .*, expected a number above 0 and up to 1, for example 0.01"):
        top_score(DISTANCES, share)


@pytest.mark.parametrize("shape", [(3,), (0, 4), (2, 0)])
def test_distances_without_tiles_or_positions_are_refused(shape: tuple[int, ...]):
    for score in (max_score, mean_score, top_score):
        with pytest.raises(InputError, match=r"distances has shape .*at least one tile and position"):
            score(np.zeros(shape, np.float32))


def test_scores_by_name():
    patches = np.array([[[1.0], [0.1]], [[-0.9], [4.0]]], np.float32)
    bank = bank_of(*LINE)
    distances = bank.nearest(patches.reshape(-1, 1))[0].reshape(2, 2)
    expected = {
        "max": max_score(distances),
        "mean": mean_score(distances),
        "top": top_score(distances, 0.5),
        "reweighted": reweighted_score(patches, bank, 2),
        "reweighted_by_patch": reweighted_by_patch_score(patches, bank, 2),
    }
    assert tuple(expected) == IMAGE_SCORES
    for how, scores in expected.items():
        np.testing.assert_array_equal(image_scores(how, distances, patches, bank, share=0.5, b=2), scores)
    np.testing.assert_array_equal(top_score(distances, 0.5), max_score(distances))  # the one larger of two
    with pytest.raises(InputError, match="no image score 'best': choose one of max, mean, top, reweighted, rew"):
        image_scores("best", distances, patches, bank)


# maps


def test_maps_are_bilinear_by_hand():
    maps = anomaly_maps(np.array([[[0.0, 4.0], [8.0, 12.0]]]), (4, 4))
    along, down = np.array([0.0, 1.0, 3.0, 4.0]), np.array([0.0, 2.0, 6.0, 8.0])
    np.testing.assert_array_equal(maps, (down[:, None] + along)[None])
    assert maps.dtype == np.float32 and maps.flags.c_contiguous


def test_maps_against_literal_bilinear():
    distances = np.random.default_rng(0).random((2, 3, 5)).astype(np.float32)
    maps = anomaly_maps(distances, (12, 15))
    for y in range(12):
        for x in range(15):
            down, along = np.clip([(y + 0.5) / 4 - 0.5, (x + 0.5) / 3 - 0.5], 0, [2, 4])
            r, c = int(down), int(along)
            r2, c2 = min(r + 1, 2), min(c + 1, 4)
            upper = distances[:, r, c] * (1 - along + c) + distances[:, r, c2] * (along - c)
            lower = distances[:, r2, c] * (1 - along + c) + distances[:, r2, c2] * (along - c)
            np.testing.assert_allclose(maps[:, y, x], upper * (1 - down + r) + lower * (down - r), rtol=1e-5)


def test_smoothing_keeps_constants_and_sums_and_spreads_by_its_deviation():
    constant = np.full((2, 8, 8), 3, np.float32)
    np.testing.assert_allclose(anomaly_maps(constant, (64, 64), 4.0), 3, rtol=1e-6)
    impulse = np.zeros((2, 65, 65), np.float32)
    impulse[0, 32, 32] = 1
    smooth = anomaly_maps(impulse, (65, 65), 4.0)
    offsets = np.arange(65) - 32
    assert smooth[0].sum() == pytest.approx(1, rel=1e-5)
    assert (smooth[0].sum(axis=0) * offsets**2).sum() == pytest.approx(16, rel=0.01)  # variance = 4^2 px^2
    np.testing.assert_allclose(smooth[0], smooth[0].T, atol=1e-8)
    np.testing.assert_array_equal(smooth[1], 0)  # one tile never reaches into the next
    np.testing.assert_array_equal(anomaly_maps(impulse, (65, 65)), impulse)


def test_smoothing_mirrors_at_the_border():
    edge = np.zeros((1, 33, 33), np.float32)
    edge[0, :, 0] = 1
    assert anomaly_maps(edge, (33, 33), 2.0).sum() == pytest.approx(33, rel=1e-5)  # nothing is lost over the edge


def test_wrong_distances_and_smoothing_are_refused():
    for shape in ((4, 4), (0, 4, 4), (1, 4, 4, 1)):
        with pytest.raises(InputError, match=r"distances has shape .*expected \(N, H', W'\) with at least one tile"):
            anomaly_maps(np.zeros(shape, np.float32), (8, 8))
    for smoothing in (-1.0, float("nan"), float("inf")):
        with pytest.raises(InputError, match=r"smoothing is .*, expected a standard deviation in px of at least 0"):
            anomaly_maps(np.zeros((1, 4, 4), np.float32), (8, 8), smoothing)


@pytest.mark.parametrize("overlap", [0, 3])
def test_strip_map_undoes_the_tiling_and_is_nan_off_the_fabric(overlap: int):
    whole = np.random.default_rng(1).random((8, 40)).astype(np.float32)
    tiles, corners = tile(whole[:, 5:37], size=8, overlap=overlap)
    stitched = strip_map(tiles, corners + [0, 5], whole.shape)
    np.testing.assert_array_equal(stitched[:, 5:37], whole[:, 5:37])
    assert np.isnan(stitched[:, :5]).all() and np.isnan(stitched[:, 37:]).all()
    assert stitched.dtype == np.float32


def test_strip_map_takes_integers_too_and_refuses_what_does_not_fit():
    tiles, corners = tile(np.arange(64).reshape(4, 16), size=4)
    assert np.isnan(strip_map(tiles, corners, (4, 20))[:, 16:]).all()
    with pytest.raises(InputError, match="reaches out of an image"):
        strip_map(tiles, corners, (4, 15))


def test_softmax_of_equal_distances_is_one_over_their_number():
    factor = scoring._one_minus_softmax(np.float32([5.0]), np.full((1, 9), 5, np.float32))
    np.testing.assert_allclose(factor, [8 / 9], rtol=1e-6)
