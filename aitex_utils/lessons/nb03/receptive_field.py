"""Receptive field and stride of a layer, computed from kernels and strides.

Follows Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019
(doi 10.23915/distill.00021), for networks whose longest path is a plain chain: shorter paths, such as the shortcuts of
a residual network, have smaller fields.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from aitex_utils.errors import InputError

if TYPE_CHECKING:
    from torch import nn


def layer_chain(network: nn.Module, layer: str) -> list[tuple[int, int]]:
    """Return kernel and stride of every convolution and max pooling up to the end of a layer.

    Parameters
    ----------
    network : torch.nn.Module
        Network whose modules run in the order of `named_modules`.
    layer : str
        Name of a module.

    Returns
    -------
    list of (int, int)
        Kernel side and stride. The shortcuts of residual networks (`downsample`) are left out.

    Raises
    ------
    InputError
        If there is no convolution up to a layer of this name.

    Examples
    --------
    >>> from torch import nn
    >>> layer_chain(nn.Sequential(nn.Conv2d(3, 8, 5, stride=2), nn.ReLU(), nn.Conv2d(8, 8, 3)), "2")
    [(5, 2), (3, 1)]
    """
    from torch import nn

    chain, length = [], 0
    for name, module in network.named_modules():
        if isinstance(module, (nn.Conv2d, nn.MaxPool2d)) and "downsample" not in name:
            sides = (module.kernel_size, module.stride)
            chain.append(tuple(side[0] if isinstance(side, tuple) else side for side in sides))
        if name == layer or name.startswith(f"{layer}."):
            length = len(chain)
    if not length:
        raise InputError(f"The network has no convolution up to a layer {layer!r}: take a name of named_modules().")
    return chain[:length]


def receptive_field(chain: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Return side and stride of the receptive field behind a chain of layers.

    Parameters
    ----------
    chain : sequence of (int, int)
        Kernel side and stride of each layer.

    Returns
    -------
    side : int
        Number of pixels in a row that can change one position's value.
    stride : int
        Distance in px between the fields of two neighbouring positions.

    Examples
    --------
    >>> receptive_field([(3, 2), (3, 1)])
    (7, 2)
    """
    side, stride = 1, 1
    for kernel, step in chain:
        side += (kernel - 1) * stride
        stride *= step
    return side, stride
