"""The tiles on which protocols A and B work."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from protocols import FabricTiles, concatenate, evaluate_tiles, read_fabric_tiles
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
