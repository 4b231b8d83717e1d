"""Pooling by layer and in several ways: by hand, against one way at a time, and put together again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from woven import woven

from aitex_utils import PatchCore
from aitex_utils.coreset import k_center_greedy
from aitex_utils.errors import InputError
from aitex_utils.features import PatchFeatures
from aitex_utils.pooling import check_pooling, join_layers, part_of_all, parts_of, ways_of
from aitex_utils.scoring import distances_to_others, distances_together

SIDE = 64
TILES = np.concatenate([strip[None, :, :SIDE] for strip in woven(6, 3, SIDE, 128)])
BOTH = ((3,), (1,))
pytestmark = pytest.mark.usefixtures("one_thread")


def layers() -> list[torch.Tensor]:
    features = PatchFeatures(size=SIDE)
    with torch.inference_mode():
        return features._layer_outputs(features._prepared(TILES[:1]))


def test_pooling_by_hand():
    output = torch.tensor([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 10.0]]]])
    pooled = join_layers([output], ((3,), (1,)))
    assert pooled.shape == (1, 3, 3, 2)
    # At a corner over the four positions that exist, in the middle over all nine; then each position as it is.
    np.testing.assert_allclose(pooled[0, 0, 0], [3, 1])
    np.testing.assert_allclose(pooled[0, 1, 1], [46 / 9, 5])
    np.testing.assert_allclose(pooled[0, 2, 2], [29 / 4, 10])


def test_pooling_by_layer():
    outputs = layers()
    joined = join_layers(outputs, (3, 1))[0].numpy()
    first = outputs[0].shape[1]
    np.testing.assert_allclose(joined[..., :first], join_layers(outputs[:1], 3)[0].numpy(), rtol=1e-6)
    np.testing.assert_array_equal(joined[..., first:], join_layers(outputs, 1)[0].numpy()[..., first:])
    np.testing.assert_array_equal(join_layers(outputs, (3,)).numpy(), join_layers(outputs, 3).numpy())


def test_several_ways_stand_side_by_side():
    outputs, ways = layers(), ((3, 1), (5,), (1,))
    joined = join_layers(outputs, ways).numpy()
    for part, way in zip(parts_of(joined, 3), ways, strict=True):
        np.testing.assert_array_equal(part, join_layers(outputs, way).numpy())


def test_a_part_of_all_is_that_of_each_one_after_the_other():
    random = np.random.default_rng(0)
    several = [random.normal(size=(2, width, 6)).astype(np.float32) for width in (3, 1)]
    flat = np.concatenate([one.reshape(-1, 6) for one in several])
    for way in range(3):
        np.testing.assert_array_equal(part_of_all(several, 3, way), flat[:, 2 * way : 2 * way + 2])
    alone = part_of_all(several[:1], 1, 0)
    assert np.shares_memory(alone, several[0]) and part_of_all(several[:1], 2, 1).flags.c_contiguous


def test_what_a_pooling_may_be():
    assert check_pooling(np.int64(3)) == 3 and check_pooling([3, 1]) == (3, 1) and check_pooling([[3], 1]) == BOTH
    assert (ways_of(3), ways_of((3, 1)), ways_of(BOTH), ways_of(None)) == (1, 1, 2, 1)
    assert PatchFeatures(pooling=(3, 1), pretrained=False).pooling == (3, 1)
    for wrong in ((3, 2), (), [0], (3, "1"), ((3,), (2,)), ((3,), ()), True):
        with pytest.raises(InputError, match="expected an odd number of positions"):
            check_pooling(wrong)
    with pytest.raises(InputError, match="has 5 channels, not 2 equal parts: make them with the detector's features"):
        parts_of(np.zeros((1, 5)), 2)
    for score in ("reweighted", "reweighted_by_patch"):
        with pytest.raises(InputError, match=f"image_score {score} needs one way of pooling: give pooling=3"):
            PatchCore(image_score=score, pooling=BOTH)


def test_distances_together_by_hand():
    found = distances_together([np.array([[1.0, 4.0], [0.0, 9.0]]), np.array([[1.0, 9.0], [5.0, 4.0]])])
    np.testing.assert_allclose(found, [[1, 6], [0, 6]], atol=1e-5)
    assert found.dtype == np.float32
    one = np.array([2.0, 0.0], np.float32)
    np.testing.assert_array_equal(distances_together([one]), one)


@given(st.lists(st.lists(st.floats(0.01, 1e3), min_size=3, max_size=3), min_size=1, max_size=4), st.floats(0.1, 10))
def test_together_is_between_the_ways_and_units_do_not_matter(rows: list[list[float]], unit: float):
    distances = [np.array(row) for row in rows]
    found = distances_together(distances)
    assert (found >= np.min(distances, axis=0) * 0.999).all() and (found <= np.max(distances, axis=0) * 1.001).all()
    scaled = distances_together([distances[0] * unit, *distances[1:]])
    np.testing.assert_allclose(scaled / found, unit ** (1 / len(rows)), rtol=1e-4)


def test_distances_to_others_in_two_ways_are_those_of_each_together():
    random = np.random.default_rng(0)
    samples = [(i, random.normal(size=(2, 3, 8)).astype(np.float32)) for i in range(4)]
    kept, owner = random.normal(size=(20, 8)).astype(np.float32), np.arange(20) % 4
    ways = [slice(0, 4), slice(4, 8)]
    found = distances_to_others(samples, [kept[:, of] for of in ways], [owner, owner[::-1]])
    halves = [
        distances_to_others([(i, p[..., way]) for i, p in samples], [kept[:, way]], [of])
        for way, of in zip(ways, (owner, owner[::-1]), strict=True)
    ]
    np.testing.assert_allclose(found, np.sqrt(np.multiply(*halves)), rtol=1e-5)


def test_what_stands_alone_in_one_way_is_left_out():
    samples = [(i, np.full((1, 2, 2), i, np.float32)) for i in range(3)]
    kept, one = np.zeros((2, 1), np.float32), np.array([0, 0])
    found = distances_to_others(samples, [kept, kept], [np.array([0, 1]), one])
    assert len(found) == 2  # of the first tile nothing but its own is kept in the second way
    np.testing.assert_allclose(found, [[[1, 1]], [[2, 2]]])


def test_each_way_has_a_coreset_and_a_bank_of_its_own(tmp_path: Path):
    detector = PatchCore(size=SIDE, pooling=BOTH, smoothing=0).fit(TILES[:4])
    sharp = PatchCore(size=SIDE, pooling=1).features.transform(TILES[:4]).reshape(-1, 152)
    smooth = PatchCore(size=SIDE, pooling=3).features.transform(TILES[:4]).reshape(-1, 152)
    (second,) = detector.more_banks_
    assert len(detector.bank_) == len(second) == round(0.05 * len(sharp))
    radii = []
    for bank, patches in ((detector.bank_, smooth), (second, sharp)):
        chosen, covering = k_center_greedy(patches, len(bank), seed=0)
        np.testing.assert_allclose(bank.vectors_, patches[chosen], atol=1e-5)
        radii.append(covering[-1])
    assert detector.radius_ == pytest.approx(max(radii), rel=1e-5)
    found = detector.score(TILES[4:])
    patches = detector.features.transform(TILES[4:])
    parts = zip((detector.bank_, second), parts_of(patches, 2), strict=True)
    both = [bank.nearest(part.reshape(-1, 152))[0] for bank, part in parts]
    expected = np.sqrt(both[0] * both[1]).reshape(2, 8, 8) / detector.usual_
    np.testing.assert_allclose(detector.score_patches(patches).maps, found.maps, rtol=1e-5)
    np.testing.assert_allclose(found.scores, expected.max(axis=(1, 2)), rtol=1e-4)
    detector.save(tmp_path / "saved")
    loaded = PatchCore.load(tmp_path / "saved")
    assert loaded.parameters() == detector.parameters() and loaded.pooling == BOTH
    np.testing.assert_array_equal(loaded.score(TILES[4:]).maps, found.maps)
    (tmp_path / "saved" / "bank_2.npy").unlink()
    with pytest.raises(InputError, match=r"bank_2.npy isn't there"):
        PatchCore.load(tmp_path / "saved")


def test_each_way_is_whitened_alone():
    both = PatchFeatures(size=SIDE, pooling=BOTH, whiten=True).fit(TILES)
    one = PatchFeatures(size=SIDE, pooling=1, whiten=True).fit(TILES)
    np.testing.assert_allclose(parts_of(both.transform(TILES), 2)[1], one.transform(TILES), atol=2e-2)
    assert not both.whitening_[:152, 152:].any()
