"""Receptive field and stride of a layer, computed from kernels and strides.

The rule is from Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019
(doi 10.23915/distill.00021). It applies to networks whose longest path is a plain chain. Shorter paths, such as the
shortcuts of a residual network, have smaller fields.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from aitex_utils.errors import InputError

if TYPE_CHECKING:
    from torch import nn


def layer_chain(network: nn.Module, layer: str) -> list[tuple[int, int]]:
    """Return kernel and stride of every convolution and pooling up to the end of a layer.

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
        if isinstance(module, (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d)) and "downsample" not in name:
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


def side_with_share(influence: np.ndarray, share: float = 0.9) -> int:
    """Return the side of the square around the centre of mass that contains a share of the influence.

    Parameters
    ----------
    influence : ndarray, shape (H, W)
        Influence of each pixel, not negative.
    share : float
        Share, 0 to 1.

    Returns
    -------
    int
        Odd number of pixels.

    Examples
    --------
    >>> influence = np.zeros((9, 9))
    >>> influence[3:6, 3:6] = 1
    >>> side_with_share(influence), side_with_share(influence, share=0.1)
    (3, 1)
    """
    total = influence.sum()
    height, width = influence.shape
    row = round(float(influence.sum(axis=1) @ np.arange(height) / total))
    column = round(float(influence.sum(axis=0) @ np.arange(width) / total))
    half = 0
    while True:
        rows, columns = (slice(max(0, centre - half), centre + half + 1) for centre in (row, column))
        if influence[rows, columns].sum() >= share * total or half > max(influence.shape):
            return 2 * half + 1
        half += 1
