"""Colour tiles: grey ones score as before, hue alone is seen, and colour is refused where it was not asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from woven import woven

from aitex_utils import PatchCore
from aitex_utils.errors import InputError
from aitex_utils.features import PatchFeatures
from aitex_utils.metrics import auroc

SIZE = 64
GREY = woven(8, seed=0)
TINT = np.array([0.9, 1.0, 0.7])
pytestmark = pytest.mark.usefixtures("one_thread")


def tinted(grey: np.ndarray) -> np.ndarray:
    """Return grey tiles (N, H, W) as yellowish cloth (N, H, W, 3)."""
    return (grey[..., None] * TINT).astype(np.uint8)


def with_hue_stain(tiles: np.ndarray) -> np.ndarray:
    """Return colour tiles with a square whose hue differs and whose grey value (0.299, 0.587, 0.114) does not."""
    stained = tiles.astype(float)
    part = stained[:, 20:44, 20:44]
    part += np.array([24, -24 * (0.299 * 1 - 0.114 * 1) / 0.587, -24])
    return stained.round().clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("size", [SIZE, 112, 40])
def test_the_patches_of_a_grey_tile_are_those_of_equal_channels(size: int):
    colour = np.repeat(GREY[:2, ..., None], 3, axis=-1)
    expected = PatchFeatures(size=size).transform(GREY[:2])
    np.testing.assert_array_equal(PatchFeatures(size=size, colour=True).transform(colour), expected)


def test_a_grey_tile_is_a_colour_tile_with_equal_channels():
    colour = np.repeat(GREY[..., None], 3, axis=-1)
    plain, coloured = PatchFeatures(size=SIZE), PatchFeatures(size=SIZE, colour=True)
    np.testing.assert_array_equal(coloured.transform(GREY), plain.transform(GREY))
    np.testing.assert_array_equal(coloured.transform(colour), plain.transform(GREY))
    expected = PatchCore(size=SIZE).fit(GREY[:6]).predict(GREY[6:])
    detector = PatchCore(size=SIZE, colour=True).fit(colour[:6])
    for tested in (GREY[6:], colour[6:]):
        np.testing.assert_array_equal(detector.predict(tested).maps, expected.maps)
        np.testing.assert_array_equal(detector.predict(tested).scores, expected.scores)


def test_a_stain_that_differs_in_hue_only_is_seen_in_colour_and_not_in_grey():
    cv2 = pytest.importorskip("cv2")
    normal, stained = tinted(GREY), with_hue_stain(tinted(GREY[4:]))
    grey = [np.stack([cv2.cvtColor(tile, cv2.COLOR_RGB2GRAY) for tile in tiles]) for tiles in (normal, stained)]
    assert np.abs(grey[0][4:].astype(int) - grey[1]).max() <= 1
    labels, found = [False] * 2 + [True] * 4, {}
    for colour, tiles in ((True, (normal, stained)), (False, grey)):
        detector = PatchCore(size=SIZE, colour=colour, smoothing=1).fit(tiles[0][:6])
        maps = detector.predict(np.concatenate([tiles[0][6:], tiles[1]])).maps
        found[colour] = auroc(labels, maps.max(axis=(1, 2)))
    assert found[True] == 1 and found[False] < 0.9


def test_colour_is_saved_with_the_detector(tmp_path: Path):
    tiles = tinted(GREY)
    detector = PatchCore(size=SIZE, colour=True).fit(tiles[:6])
    loaded = PatchCore.load(detector.save(tmp_path / "saved"))
    assert loaded.features.colour is True and loaded.parameters()["colour"] is True
    np.testing.assert_array_equal(loaded.predict(tiles[6:]).maps, detector.predict(tiles[6:]).maps)


def test_colour_tiles_come_one_by_one_or_in_batches_and_grey_ones_beside_them():
    tiles = tinted(GREY)
    expected = PatchCore(size=SIZE, colour=True).fit(tiles).predict(tiles[:2]).maps
    for parts in (iter(tiles), iter([tiles[:3], tiles[3:]])):
        np.testing.assert_array_equal(PatchCore(size=SIZE, colour=True).fit(parts).predict(tiles[:2]).maps, expected)
    mixed = PatchCore(size=SIZE, colour=True).fit(iter([GREY[:4], tiles[4:]]))
    assert mixed.predict(GREY[:1]).scores.shape == (1,)
    streamed = PatchCore(size=SIZE, colour=True).fit(iter(tiles), memory=4.0)
    np.testing.assert_array_equal(streamed.predict(tiles[:2]).maps, expected)


@pytest.mark.parametrize("shape", [(2, SIZE, SIZE, 3), (SIZE, SIZE, 3), (2, SIZE, SIZE, 4)])
def test_colour_is_refused_unless_it_was_asked_for(shape: tuple[int, ...]):
    tiles = np.zeros(shape, np.uint8)
    with pytest.raises(InputError, match="make colours grey"):
        PatchFeatures(size=SIZE).transform(tiles)
    if shape != (2, SIZE, SIZE, 3):
        with pytest.raises(InputError, match=r"^tiles has shape"):
            PatchFeatures(size=SIZE, colour=True).transform(tiles)


def test_bad_values_of_colour_tiles_are_refused():
    features = PatchFeatures(size=SIZE, colour=True)
    with pytest.raises(InputError, match="dtype float64, expected uint8"):
        features.transform(np.zeros((1, SIZE, SIZE, 3)))
    with pytest.raises(InputError, match="empty"):
        features.transform(np.zeros((0, SIZE, SIZE, 3), np.uint8))
    with pytest.raises(InputError, match="^colour is 1"):
        PatchCore(colour=1)
