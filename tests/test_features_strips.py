"""Patches of whole strips: the same as those of tiles away from the edges, and the same from pieces as at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from woven import woven

from aitex_utils import features as features_module
from aitex_utils.features import PatchFeatures

SIZE = 64
STRIP = woven(1, 11, SIZE, 320)[0]
pytestmark = pytest.mark.usefixtures("one_thread")


def test_a_strip_of_one_tile_has_the_patches_of_that_tile():
    features, tile = PatchFeatures(padding="reflect", size=2 * SIZE), STRIP[:, :SIZE]
    expected = features.transform(tile[None])[0]
    np.testing.assert_allclose(features.extract_strip(tile, SIZE), expected, rtol=1e-3, atol=1e-3)


def test_a_strip_is_resized_as_its_tiles_are():
    features = PatchFeatures(padding="reflect", size=2 * SIZE)
    assert features.extract_strip(STRIP, SIZE).shape == (16, 80, 152)  # 64 x 320 px at twice the size, one per 8 px
    assert PatchFeatures().extract_strip(STRIP, SIZE).shape == (8, 40, 152)
    assert PatchFeatures().extract_strip(STRIP[:, :85], SIZE).shape == (8, 12, 152)  # 85 px, rounded to 96


def test_strip_and_tile_agree_away_from_the_edge_of_the_tile():
    features = PatchFeatures(layers="blocks.0", padding="reflect", pooling=1)  # a small receptive field
    of_tile = features.transform(STRIP[None, :, :SIZE])[0]
    np.testing.assert_allclose(features.extract_strip(STRIP, SIZE)[:, :24], of_tile[:, :24], atol=1e-3)


def recording(function: Callable, widths: list[int]) -> Callable:
    """Return the method, with the width of each call's images added to a list."""

    def recorded(self: PatchFeatures, images: torch.Tensor) -> list[torch.Tensor]:
        widths.append(images.shape[-1])
        return function(self, images)

    return recorded


@pytest.mark.parametrize("padding", ["reflect", "zeros"])
def test_a_wide_strip_has_the_same_patches_from_pieces(padding: str, monkeypatch: pytest.MonkeyPatch):
    strip, features, widths = woven(1, 5, SIZE, 1600)[0], PatchFeatures(padding=padding), []
    monkeypatch.setattr(PatchFeatures, "layer_outputs", recording(PatchFeatures.layer_outputs, widths))
    monkeypatch.setattr(features_module, "PIECE", 1600)
    at_once = features.extract_strip(strip, SIZE)
    monkeypatch.setattr(features_module, "PIECE", 256)
    from_pieces = features.extract_strip(strip, SIZE)
    assert widths == [1600, 256 + 192, *[256 + 2 * 192] * 4, 256 + 192 + 64, 64 + 192]
    np.testing.assert_allclose(from_pieces, at_once, atol=1e-4)
    monkeypatch.setattr(features_module, "MARGIN", 32)  # less than the receptive field
    assert abs(features.extract_strip(strip, SIZE) - at_once).max() > 0.01
