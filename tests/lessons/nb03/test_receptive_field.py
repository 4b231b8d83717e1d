"""Receptive fields: chains worked out by hand, and the extent of a gradient."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from aitex_utils.backbones import load_backbone
from aitex_utils.errors import InputError
from aitex_utils.lessons.nb03.receptive_field import layer_chain, receptive_field, side_with_share


@pytest.mark.parametrize(
    ("chain", "expected"),
    [([], (1, 1)), ([(3, 1), (3, 1)], (5, 1)), ([(3, 2), (3, 1)], (7, 2)), ([(7, 2), (3, 2), (3, 1)], (19, 4))],
)
def test_hand_worked_chains(chain: list, expected: tuple):
    assert receptive_field(chain) == expected


@pytest.mark.parametrize("layer", ["blocks.0", "blocks.1", "blocks.2", "blocks.3"])
def test_a_gradient_reaches_as_far_as_computed(layer: str):
    network = load_backbone(pretrained=False).network.eval()
    kept = []
    handle = network.get_submodule(layer).register_forward_hook(lambda module, inputs, output: kept.append(output))
    images = torch.rand(2, 3, 256, 256, generator=torch.Generator().manual_seed(0)).requires_grad_()
    network(images)
    handle.remove()
    middle = kept[0].shape[-1] // 2
    (gradient,) = torch.autograd.grad(kept[0][:, :, middle, middle].sum(), images)
    rows, columns = (np.flatnonzero((gradient != 0).any(0).any(0).any(axis).numpy()) for axis in (1, 0))
    side, stride = receptive_field(layer_chain(network, layer))
    assert 256 // kept[0].shape[-1] == stride
    assert rows[-1] - rows[0] + 1 == columns[-1] - columns[0] + 1 == side


def test_shortcuts_are_not_in_the_chain_and_pooling_is():
    network = load_backbone("resnet18", pretrained=False).network
    assert layer_chain(network, "layer1") == [(7, 2), (3, 2)] + [(3, 1)] * 4
    assert receptive_field(layer_chain(network, "layer2")) == (99, 8)


@pytest.mark.parametrize("layer", ["blocks.99", "bn0"])
def test_an_unknown_layer_is_refused(layer: str):
    with pytest.raises(InputError, match=f"{layer}.*named_modules"):
        layer_chain(load_backbone(pretrained=False).network, layer)


def test_average_pooling_counts_too():
    network = load_backbone("densenet121", pretrained=False).network
    strides = [receptive_field(layer_chain(network, f"features.denseblock{i}"))[1] for i in (1, 2, 3)]
    assert strides == [4, 8, 16]


def test_the_square_with_a_share_follows_the_centre_of_mass():
    influence = np.zeros((32, 32))
    influence[4:9, 20:25] = 1
    assert side_with_share(influence, 1.0) == 5 and side_with_share(influence, 0.3) == 3
    assert side_with_share(np.ones((4, 8)), 1.0) >= 8
