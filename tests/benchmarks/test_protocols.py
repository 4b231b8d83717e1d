"""The tiles on which protocols A and B work."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from protocols import FabricTiles, concatenate, evaluate_tiles, read_fabric_tiles, slanted
from small_aitex import make_small

from aitex_utils.errors import InputError
from aitex_utils.region import fabric_region
from aitex_utils.tiling import tile


def test_tiles_are_clean_ones_of_normal_strips_and_defective_ones(small_tiles: FabricTiles):
    strips, clean, defective = small_tiles.strips, small_tiles.clean, small_tiles.defective
    assert all(strips[i].is_normal for i in clean.strips) and not clean.masks.any()
    assert not any(strips[i].is_normal for i in defective.strips) and defective.masks.any(axis=(1, 2)).all()
    assert len(clean) == len(clean.strips) == len(clean.spans)
    assert (clean.spans == [0, 256]).all() and (defective.spans == [0, 256]).all()


def test_masks_lie_on_their_tiles(small_tiles: FabricTiles):
    number = small_tiles.defective.strips[0]
    strip = small_tiles.strips[number]
    start, stop = fabric_region(strip.read())
    masks = tile(strip.read_mask()[:, start:stop])[0]
    own = small_tiles.defective[small_tiles.defective.strips == number]
    np.testing.assert_array_equal(own.masks, masks[masks.any(axis=(1, 2))])


@pytest.mark.slow
def test_spans_say_where_there_is_fabric_in_uncropped_tiles(small_practice: Path, small_fabric: str):
    tiles = read_fabric_tiles(small_practice, small_fabric, crop=False)
    first = tiles.clean[tiles.clean.strips == tiles.clean.strips[0]]
    image = tiles.strips[tiles.clean.strips[0]].read()
    start, stop = fabric_region(image)
    corners = sorted({*range(0, image.shape[1] - 255, 256), image.shape[1] - 256})
    expected = [[min(max(start - c, 0), 256), min(max(stop - c, 0), 256)] for c in corners]
    assert first.spans.tolist() == expected and expected[0][0] > 0


def test_a_shifted_crop_begins_elsewhere(small_practice: Path, small_fabric: str, small_tiles: FabricTiles):
    shifted = read_fabric_tiles(small_practice, small_fabric, shifts=(24,))
    np.testing.assert_array_equal(shifted.clean.tiles[0, :, :-24], small_tiles.clean.tiles[0, :, 24:])
    early = read_fabric_tiles(small_practice, small_fabric, shifts=(-16,))
    np.testing.assert_array_equal(early.clean.tiles[0, :, 16:], small_tiles.clean.tiles[0, :, :-16])
    assert early.clean.spans[0].tolist() == [16, 256]
    strip = small_tiles.strips[early.defective.strips[0]]
    start, stop = fabric_region(strip.read())
    masks = tile(strip.read_mask()[:, start - 16 : stop])[0]
    own = early.defective[early.defective.strips == early.defective.strips[0]]
    np.testing.assert_array_equal(own.masks, masks[masks.any(axis=(1, 2))])


def test_each_strip_draws_its_own_shift_whatever_the_others_are(small_practice: Path, small_fabric: str):
    shifts = {-16: None, 24: None, 0: None}
    each = {shift: read_fabric_tiles(small_practice, small_fabric, shifts=(shift,)) for shift in shifts}
    drawn = read_fabric_tiles(small_practice, small_fabric, shifts=tuple(shifts))
    taken = []
    for strip in np.unique(drawn.clean.strips):
        own = drawn.clean.tiles[drawn.clean.strips == strip][0]
        firsts = {shift: tiles.clean.tiles[tiles.clean.strips == strip][0] for shift, tiles in each.items()}
        taken += [shift for shift, first in firsts.items() if np.array_equal(own, first)]
    assert len(taken) == len(np.unique(drawn.clean.strips)) and len(set(taken)) > 1


@pytest.mark.parametrize("slant", [-8, 8])
def test_a_slanted_strip_keeps_its_middle_row_and_moves_image_and_mask_alike(slant: int):
    image = np.zeros((65, 80), np.uint8)
    image[:, 38:43] = 200
    moved, mask = slanted(image, slant), slanted(image > 0, slant)
    assert mask.dtype == bool and moved.dtype == np.uint8
    np.testing.assert_array_equal(moved[32], image[32])
    for row, middle in ((0, 40 - slant / 2), (64, 40 + slant / 2)):
        assert np.flatnonzero(moved[row]).mean() == np.flatnonzero(mask[row]).mean() == middle
    assert slanted(image, 0) is image


def test_some_tiles_keep_their_ground_truth(small_tiles: FabricTiles):
    clean, defective = small_tiles.clean[np.array([3, 1])], small_tiles.defective
    np.testing.assert_array_equal(clean.tiles, small_tiles.clean.tiles[[3, 1]])
    joined = concatenate([clean, defective])
    result = evaluate_tiles(small_tiles.strips, joined, joined.tiles.astype(np.float32))
    assert result.labels.tolist() == [False] * 2 + [True] * len(defective)
    np.testing.assert_array_equal(result.scores, joined.tiles.max(axis=(1, 2)))
    assert result.map_strips == joined.strips.tolist()


def test_a_fabric_without_defective_strips_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    root = make_small(tmp_path, ("00",))
    monkeypatch.setattr("protocols.fabric_region", lambda image: (0, image.shape[1]))
    assert len(read_fabric_tiles(root, "00").defective) == 2
    for mask in (root / "Mask_images").iterdir():
        mask.unlink()
    with pytest.raises(InputError, match="3 normal strips and 0 defective"):
        read_fabric_tiles(root, "00")
