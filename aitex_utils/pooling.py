"""Layer outputs -> patches: each position averaged with its neighbours, in one way or in several side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .errors import InputError, is_whole

if TYPE_CHECKING:
    import torch

SMOOTH_AND_SHARP = ((3,), (1,))  # pooled over 3 x 3 positions, and not pooled


def join_layers(outputs: Sequence[torch.Tensor], pooling: int | Sequence) -> torch.Tensor:
    """Pool, resize and concatenate layer outputs: list of (B, C_i, H_i, W_i) -> (B, H_1, W_1, sum of C_i).

    Each is averaged over `pooling` x `pooling` positions (at a border over those that exist), then resized bilinearly
    to the grid of the first (section 3.1 of the paper, equations 2 and 3). `pooling` as in
    `PatchFeatures`: pooled in m ways, what comes has m times as many channels, way by way.
    """
    import torch
    import torch.nn.functional as F

    if _is_several(pooling):
        return torch.cat([join_layers(outputs, one) for one in pooling], dim=-1)
    sides = (pooling,) if isinstance(pooling, int) else tuple(pooling)
    grid, joined = outputs[0].shape[-2:], []
    for i, output in enumerate(outputs):
        side = sides[min(i, len(sides) - 1)]
        if side > 1:
            output = F.avg_pool2d(output, side, stride=1, padding=side // 2, count_include_pad=False)
        if output.shape[-2:] != grid:
            output = F.interpolate(output, grid, mode="bilinear", align_corners=False)
        joined.append(output.permute(0, 2, 3, 1))  # (B, C, H', W') -> (B, H', W', C)
    return torch.cat(joined, dim=-1).contiguous()


def check_pooling(pooling: int | Sequence) -> int | tuple:
    """Return the pooling in plain whole numbers and tuples; raise `InputError` unless all are odd."""
    if _is_several(pooling):
        return tuple(check_pooling(one if isinstance(one, (list, tuple)) else (one,)) for one in pooling)
    several = isinstance(pooling, (list, tuple))
    sides = tuple(pooling) if several else (pooling,)
    if not sides or not all(is_whole(side) and side >= 1 and side % 2 for side in sides):
        raise InputError(f"pooling is {pooling!r}, expected an odd number of positions, for example 3 (1 = none).")
    return tuple(int(side) for side in sides) if several else int(pooling)


def ways_of(pooling: int | Sequence) -> int:
    """Return in how many ways a patch is pooled, 1 but for a tuple of tuples."""
    return len(pooling) if _is_several(pooling) else 1


def parts_of(patches: np.ndarray, ways: int) -> list[np.ndarray]:
    """Return the parts of patches (..., C) that were pooled in one way each, (..., C / ways), without copying."""
    if patches.shape[-1] % ways:
        raise InputError(
            f"patches has {patches.shape[-1]} channels, not {ways} equal parts: make them with the detector's features."
        )
    return np.split(patches, ways, axis=-1)


def part_of_all(patches: Sequence[np.ndarray], ways: int, way: int) -> np.ndarray:
    """Return one way's part of many patches, each (..., C), in one array (n, C / ways); copied where it must be."""
    parts = [parts_of(one, ways)[way] for one in patches]
    flat = [part.reshape(-1, part.shape[-1]) for part in parts]
    return np.concatenate(flat) if len(flat) > 1 else np.ascontiguousarray(flat[0])


def _is_several(pooling: int | Sequence) -> bool:
    return isinstance(pooling, (list, tuple)) and any(isinstance(one, (list, tuple)) for one in pooling)
