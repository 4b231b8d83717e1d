"""Mirrored borders: against padding by hand, on torch's and timm's convolutions, and what a whole network then sees."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from aitex_utils import PatchFeatures
from aitex_utils.backbones import load_backbone
from aitex_utils.errors import InputError
from aitex_utils.padding import around, check_padding, mirror_borders


def test_one_convolution_by_hand():
    conv = nn.Conv2d(1, 1, 3, padding=1, bias=False)
    conv.weight.data[:] = 1
    x = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    mirrored = mirror_borders(nn.Sequential(conv))
    # Mirrored about the border positions, [[4 3 4 3], [2 1 2 1], [4 3 4 3], [2 1 2 1]]: nine neighbours of each.
    expected = torch.tensor([[[[27.0, 24.0], [21.0, 18.0]]]])
    assert torch.equal(mirrored(x), expected)


@settings(max_examples=30, deadline=None)
@given(
    height=st.integers(6, 14),
    width=st.integers(6, 14),
    kernel=st.sampled_from([1, 3, 5]),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 2),
)
def test_inside_nothing_changes_and_the_shape_stays(height, width, kernel, stride, dilation):
    torch.manual_seed(0)
    padding = dilation * (kernel // 2)
    conv = nn.Conv2d(2, 3, kernel, stride=stride, padding=padding, dilation=dilation)
    x = torch.randn(1, 2, height, width)
    zeros = conv(x)
    network = nn.Sequential(conv)
    found = mirror_borders(network)(x)
    fits = padding < min(height, width)
    by_hand = F.conv2d(
        F.pad(x, (padding,) * 4, mode="reflect" if fits else "replicate"), conv.weight, conv.bias, stride, 0, dilation
    )
    assert found.shape == zeros.shape
    torch.testing.assert_close(found, by_hand)


def test_padding_as_needed_is_that_of_timm():
    timm_layers = pytest.importorskip("timm.layers")
    conv = timm_layers.create_conv2d(1, 1, 3, stride=2, padding="same")
    assert type(conv).__name__ == "Conv2dSame"
    for side in (7, 8, 15, 16):
        x = torch.randn(1, 1, side, side)
        top, bottom, left, right = around(conv, (side, side))
        padded = F.pad(x, (left, right, top, bottom))
        torch.testing.assert_close(conv(x), F.conv2d(padded, conv.weight, conv.bias, 2))


def test_padding_by_the_word_same():
    conv = nn.Conv2d(1, 1, 4, padding="same")
    assert around(conv, (9, 9)) == (1, 2, 1, 2)
    assert mirror_borders(nn.Sequential(conv))(torch.randn(1, 1, 9, 9)).shape[-2:] == (9, 9)


def test_a_map_too_small_to_be_mirrored_is_continued():
    conv = nn.Conv2d(1, 1, 5, padding=2, bias=False)
    conv.weight.data[:] = 1
    found = mirror_borders(nn.Sequential(conv))(torch.full((1, 1, 2, 2), 3.0))
    assert torch.equal(found, torch.full((1, 1, 2, 2), 75.0))


def test_what_pads_nothing_is_left_alone():
    network = nn.Sequential(
        nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, 1), nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular")
    )
    before = list(network)
    assert list(mirror_borders(network)) == before


@pytest.mark.parametrize("name", ["efficientnet_lite0", "resnet18"])
def test_a_whole_network_keeps_its_shapes_and_no_zero_is_left(name: str):
    backbone = load_backbone(name, pretrained=False)
    layers, network = backbone.layers, backbone.network.eval()
    seen = {}
    for layer in layers:
        network.get_submodule(layer).register_forward_hook(lambda m, i, o, k=layer: seen.__setitem__(k, o.shape))
    x = torch.zeros(1, 3, 64, 64)
    with torch.inference_mode():
        network(x)
        before = dict(seen)
        mirror_borders(network)(x)
    assert seen == before
    padded = [m for m in network.modules() if isinstance(m, nn.Conv2d) and m.padding not in ((0, 0), "valid")]
    assert all(any(m is w.conv for w in network.modules() if hasattr(w, "conv")) for m in padded)


def test_an_even_tile_has_the_same_patch_everywhere_only_when_mirrored():
    tile = np.full((1, 128, 128), 140, np.uint8)

    def spread(padding: str) -> float:
        patches = PatchFeatures(padding=padding, pretrained=False).transform(tile)[0]
        return float(np.abs(patches - patches[8, 8]).max() / np.abs(patches).max())

    assert spread("reflect") < 1e-4 < 1e-2 < spread("zeros")


def test_an_unknown_padding_is_refused():
    assert check_padding("zeros") == "zeros"
    with pytest.raises(InputError, match="padding is 'mirror': choose one of reflect, zeros"):
        PatchFeatures(padding="mirror")
