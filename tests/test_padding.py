"""Reflect padding: by hand, against `torch.nn.functional.pad`, on convolutions of timm, and in whole networks."""

from __future__ import annotations

import pickle

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
from aitex_utils.padding import conv_padding, use_reflect_padding


def test_one_reflected_convolution_by_hand():
    conv = nn.Conv2d(1, 1, 3, padding=1, bias=False)
    conv.weight.data[:] = 1
    x = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    network = use_reflect_padding(nn.Sequential(conv))
    # Reflected about the border positions, [[4 3 4 3], [2 1 2 1], [4 3 4 3], [2 1 2 1]]: sums of nine neighbours.
    expected = torch.tensor([[[[27.0, 24.0], [21.0, 18.0]]]])
    assert torch.equal(network(x), expected)


@settings(max_examples=30)
@given(
    height=st.integers(6, 14),
    width=st.integers(6, 14),
    kernel=st.sampled_from([1, 3, 5]),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 2),
)
def test_any_convolution_equals_padding_first_and_keeps_its_shape(height, width, kernel, stride, dilation):
    torch.manual_seed(0)
    padding = dilation * (kernel // 2)
    conv = nn.Conv2d(2, 3, kernel, stride=stride, padding=padding, dilation=dilation)
    x = torch.randn(1, 2, height, width)
    with_zeros = conv(x)
    output = use_reflect_padding(nn.Sequential(conv))(x)
    padded = F.pad(x, (padding,) * 4, mode="reflect")
    assert output.shape == with_zeros.shape
    torch.testing.assert_close(output, F.conv2d(padded, conv.weight, conv.bias, stride, 0, dilation))


def test_reflection_changes_the_border_and_nothing_else():
    torch.manual_seed(0)
    conv, x = nn.Conv2d(2, 3, 5, padding=2), torch.randn(1, 2, 9, 9)
    with_zeros, reflected = conv(x), use_reflect_padding(nn.Sequential(conv))(x)
    same = torch.isclose(with_zeros, reflected, atol=1e-5).all(dim=1)[0]
    expected = torch.zeros(9, 9, dtype=torch.bool)
    expected[2:-2, 2:-2] = True
    assert torch.equal(same, expected)


def test_conv_padding_equals_the_padding_of_timms_conv2d_same():
    timm_layers = pytest.importorskip("timm.layers")
    conv = timm_layers.create_conv2d(1, 1, 3, stride=2, padding="same")
    assert type(conv).__name__ == "Conv2dSame"
    for side in (7, 8, 15, 16):
        x = torch.randn(1, 1, side, side)
        top, bottom, left, right = conv_padding(conv, (side, side))
        padded = F.pad(x, (left, right, top, bottom))
        torch.testing.assert_close(conv(x), F.conv2d(padded, conv.weight, conv.bias, 2))


def test_padding_same_of_an_even_kernel_adds_more_on_the_right_and_below():
    conv = nn.Conv2d(1, 1, 4, padding="same")
    assert conv_padding(conv, (9, 9)) == (1, 2, 1, 2)
    assert use_reflect_padding(nn.Sequential(conv))(torch.randn(1, 1, 9, 9)).shape[-2:] == (9, 9)


def test_a_map_smaller_than_its_padding_is_continued_by_its_border_values():
    conv = nn.Conv2d(1, 1, 5, padding=2, bias=False)
    conv.weight.data[:] = 1
    output = use_reflect_padding(nn.Sequential(conv))(torch.full((1, 1, 2, 2), 3.0))
    assert torch.equal(output, torch.full((1, 1, 2, 2), 75.0))


def test_convolutions_that_pad_no_zeros_stay_unchanged():
    network = nn.Sequential(
        nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, 1), nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular")
    )
    before = list(network)
    assert list(use_reflect_padding(network)) == before


@pytest.mark.parametrize("name", ["efficientnet_lite0", "resnet18"])
def test_a_whole_network_keeps_its_shapes_and_pads_no_zeros(name: str):
    backbone = load_backbone(name, pretrained=False)
    layers, network = backbone.layers, backbone.network.eval()
    shapes = {}
    for layer in layers:
        network.get_submodule(layer).register_forward_hook(lambda m, i, o, k=layer: shapes.__setitem__(k, o.shape))
    x = torch.zeros(1, 3, 64, 64)
    with torch.inference_mode():
        network(x)
        before = dict(shapes)
        use_reflect_padding(network)(x)
    assert shapes == before
    padded = [m for m in network.modules() if isinstance(m, nn.Conv2d) and m.padding not in ((0, 0), "valid")]
    wrapped = [m.conv for m in network.modules() if hasattr(m, "conv")]
    assert padded and all(any(m is conv for conv in wrapped) for m in padded)


def test_a_constant_tile_has_equal_patches_only_with_reflection():
    tile = np.full((1, 128, 128), 140, np.uint8)

    def relative_spread(padding: str) -> float:
        patches = PatchFeatures(padding=padding, pretrained=False).transform(tile)[0]
        return float(np.abs(patches - patches[8, 8]).max() / np.abs(patches).max())

    assert relative_spread("reflect") < 1e-4 < 1e-2 < relative_spread("zeros")


def test_an_unknown_padding_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match="padding is 'mirror'.* reflect, zeros"):
        PatchFeatures(padding="mirror")


def test_an_extractor_with_reflect_padding_can_be_pickled_and_copied():
    features = PatchFeatures(padding="reflect", pretrained=False)
    tile = np.random.default_rng(0).integers(0, 256, (1, 64, 64), np.uint8)
    again = pickle.loads(pickle.dumps(features))
    np.testing.assert_array_equal(again.transform(tile), features.transform(tile))
