"""How much of a tile one position of a layer can see: receptive field and stride, computed from kernels and strides.

Follows Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019
(doi 10.23915/distill.00021), for networks whose widest path is a plain chain: branches that skip layers see less.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from aitex_utils.errors import InputError

if TYPE_CHECKING:
    from torch import nn


def layer_chain(network: nn.Module, layer: str) -> list[tuple[int, int]]:
    """Return (kernel, stride) of every convolution and max pooling up to the end of `layer`, in the network's order.

    The shortcuts of residual networks (`downsample`) run beside the chain and are left out.
    """
    from torch import nn

    chain, last = [], 0
    for name, module in network.named_modules():
        if isinstance(module, (nn.Conv2d, nn.MaxPool2d)) and "downsample" not in name:
            sides = (module.kernel_size, module.stride)
            chain.append(tuple(side[0] if isinstance(side, tuple) else side for side in sides))
        if name == layer or name.startswith(f"{layer}."):
            last = len(chain)
    if not last:
        raise InputError(f"The network has no convolution up to a layer {layer!r}: take a name of named_modules().")
    return chain[:last]


def receptive_field(chain: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Return (side, stride) in input pixels of the positions behind a chain of layers, each (kernel, stride).

    Side: how many pixels in a row can change one position's value. Stride: how far apart two neighbours look.

    >>> receptive_field([(3, 2), (3, 1)])
    (7, 2)
    """
    side, stride = 1, 1
    for kernel, step in chain:
        side += (kernel - 1) * stride
        stride *= step
    return side, stride
