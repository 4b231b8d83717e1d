"""What a network sees beyond a tile's edge: zeros, as in training, or the tile itself, mirrored.

Zeros look like nothing in a fabric, and every patch whose field reaches across the edge feels them (notebook 03). With
mirrored borders a convolution goes on in the fabric's own texture, at a few per cent more time.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from .errors import InputError

PADDINGS = ("reflect", "zeros")


def mirror_borders(network: nn.Module) -> nn.Module:
    """Let each 2-D convolution of a network, in place, pad by reflection instead of zeros; return the network.

    Weights, names of blocks and shapes of outputs stay as they are. A map smaller than what is to be added, which
    can't be mirrored, is continued by its border values. Networks without padded convolutions stay unchanged.
    """
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if _pads_zeros(child):
                setattr(module, name, _Mirrored(child))
    return network


def _pads_zeros(module: nn.Module) -> bool:
    if not isinstance(module, nn.Conv2d) or module.padding_mode != "zeros" or max(module.kernel_size) == 1:
        return False
    return _pads_as_needed(module) or module.padding == "same" or (module.padding != "valid" and any(module.padding))


def _pads_as_needed(module: nn.Module) -> bool:
    """True for timm's `Conv2dSame`, which pads by the input's size as TensorFlow does: more on the right and below."""
    return type(module).__name__ == "Conv2dSame"


class _Mirrored(nn.Module):
    """A convolution whose input is mirrored at its borders first."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        top, bottom, left, right = around(self.conv, (x.shape[-2], x.shape[-1]))
        if top or bottom or left or right:
            fits = max(top, bottom) < x.shape[-2] and max(left, right) < x.shape[-1]
            x = F.pad(x, (left, right, top, bottom), mode="reflect" if fits else "replicate")
        conv = self.conv
        return F.conv2d(x, conv.weight, conv.bias, conv.stride, 0, conv.dilation, conv.groups)


def around(conv: nn.Conv2d, shape: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return how many positions a convolution adds to an input (H, W) above, below, left and right."""
    added = []
    for side, kernel, stride, dilation, index in zip(
        shape, conv.kernel_size, conv.stride, conv.dilation, (0, 1), strict=True
    ):
        if _pads_as_needed(conv):
            total = max((-(-side // stride) - 1) * stride + (kernel - 1) * dilation + 1 - side, 0)
            before = total // 2
        elif conv.padding == "same":
            total = dilation * (kernel - 1)
            before = total // 2
        else:
            before, total = conv.padding[index], 2 * conv.padding[index]
        added += [before, total - before]
    return added[0], added[1], added[2], added[3]


def check_padding(padding: object) -> str:
    """Return the padding's name; raise `InputError` for one that isn't known."""
    if padding not in PADDINGS:
        raise InputError(f"padding is {padding!r}: choose one of {', '.join(PADDINGS)}.")
    return str(padding)
