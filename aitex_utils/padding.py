"""Padding of a backbone's convolutions beyond the edge of a tile: zeros, as in training, or the tile mirrored."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


def use_reflect_padding(network: nn.Module) -> nn.Module:
    """Let each padded 2-D convolution of a network pad by reflection instead of zeros, in place.

    Zeros look like nothing in a fabric, and every patch whose receptive field reaches across the edge is affected by
    them. With reflection a convolution sees the fabric's own texture there, at a few per cent more time.

    Parameters
    ----------
    network : torch.nn.Module
        Network to change. Weights, names of blocks and shapes of outputs stay as they are; networks without padded
        convolutions stay unchanged.

    Returns
    -------
    torch.nn.Module
        The same network.

    Notes
    -----
    A feature map smaller than its padding cannot be reflected. It is continued by its border values.

    Examples
    --------
    >>> layer = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 3, padding=1, bias=False))
    >>> _ = torch.nn.init.ones_(layer[0].weight)
    >>> with torch.no_grad():
    ...     use_reflect_padding(layer)(torch.ones(1, 1, 4, 4)).unique().tolist()
    [9.0]
    """
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if _pads_zeros(child):
                setattr(module, name, ReflectConv2d(child))
    return network


def conv_padding(conv: nn.Conv2d, shape: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return how many positions a convolution adds around its input.

    Parameters
    ----------
    conv : torch.nn.Conv2d
        Convolution, with any padding.
    shape : tuple of int
        Height and width of the input.

    Returns
    -------
    top, bottom, left, right : int

    Examples
    --------
    >>> conv_padding(torch.nn.Conv2d(1, 1, 3, padding=1), (8, 8))
    (1, 1, 1, 1)
    """
    added = []
    for side, kernel, stride, dilation, axis in zip(
        shape, conv.kernel_size, conv.stride, conv.dilation, (0, 1), strict=True
    ):
        if _pads_as_tensorflow(conv):
            total = max((-(-side // stride) - 1) * stride + (kernel - 1) * dilation + 1 - side, 0)
            before = total // 2
        elif conv.padding == "same":
            total = dilation * (kernel - 1)
            before = total // 2
        else:
            before, total = conv.padding[axis], 2 * conv.padding[axis]
        added += [before, total - before]
    return added[0], added[1], added[2], added[3]


class ReflectConv2d(nn.Module):
    """A convolution whose input is reflected at its borders first.

    Parameters
    ----------
    conv : torch.nn.Conv2d
        Convolution with zero padding.

    Examples
    --------
    >>> ReflectConv2d(nn.Conv2d(1, 1, 3, padding=1))(torch.ones(1, 1, 4, 4)).shape
    torch.Size([1, 1, 4, 4])
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the convolution of the reflected input.

        Parameters
        ----------
        x : torch.Tensor, shape (B, C, H, W)
            Input.

        Returns
        -------
        torch.Tensor, shape (B, C', H', W')
        """
        top, bottom, left, right = conv_padding(self.conv, (x.shape[-2], x.shape[-1]))
        if top or bottom or left or right:
            fits = max(top, bottom) < x.shape[-2] and max(left, right) < x.shape[-1]
            x = F.pad(x, (left, right, top, bottom), mode="reflect" if fits else "replicate")
        conv = self.conv
        return F.conv2d(x, conv.weight, conv.bias, conv.stride, 0, conv.dilation, conv.groups)


def _pads_zeros(module: nn.Module) -> bool:
    if not isinstance(module, nn.Conv2d) or module.padding_mode != "zeros" or max(module.kernel_size) == 1:
        return False
    if _pads_as_tensorflow(module) or module.padding == "same":
        return True
    return module.padding != "valid" and any(module.padding)


def _pads_as_tensorflow(module: nn.Module) -> bool:
    """Return True for timm's `Conv2dSame`, which pads by the input's size: more on the right and below."""
    return type(module).__name__ == "Conv2dSame"
