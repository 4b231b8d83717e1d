"""Notebook 03: right and typically wrong answers, and the cases on which answers are tried."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .receptive_field import receptive_field

if TYPE_CHECKING:
    import torch

# 03.1, the receptive field --------------------------------------------------------------------------------------------

Chain = Sequence[tuple[int, int]]


def chains() -> list[tuple]:
    """Return chains of layers (kernel, stride)."""
    return [([(3, 2), (3, 1)],), ([(3, 1), (5, 1), (3, 1)],), ([(3, 2), (3, 1), (5, 2), (5, 1), (3, 2)],), ([(1, 1)],)]


def stride_forgotten(chain: Chain) -> tuple[int, int]:
    """Widen the field by each kernel as if its positions were pixels."""
    return 1 + sum(kernel - 1 for kernel, _ in chain), receptive_field(chain)[1]


def stride_too_soon(chain: Chain) -> tuple[int, int]:
    """Let a layer's own stride widen its own kernel."""
    side, stride = 1, 1
    for kernel, step in chain:
        stride *= step
        side += (kernel - 1) * stride
    return side, stride


def kernels_multiplied(chain: Chain) -> tuple[int, int]:
    """Multiply the kernels."""
    return int(np.prod([kernel for kernel, _ in chain])), receptive_field(chain)[1]


def whole_kernel_added(chain: Chain) -> tuple[int, int]:
    """Add k positions for a kernel of side k instead of k - 1."""
    side, stride = 1, 1
    for kernel, step in chain:
        side += kernel * stride
        stride *= step
    return side, stride


def strides_added(chain: Chain) -> tuple[int, int]:
    """Add the strides instead of multiplying them."""
    side, stride = 1, 1
    for kernel, step in chain:
        side += (kernel - 1) * stride
        stride += step
    return side, stride


def swapped(chain: Chain) -> tuple[int, int]:
    """Return the stride first."""
    return receptive_field(chain)[::-1]


def last_stride(chain: Chain) -> tuple[int, int]:
    """Return the stride of the last layer."""
    return receptive_field(chain)[0], chain[-1][1]


def stride_replaced(chain: Chain) -> tuple[int, int]:
    """Keep the stride of one layer only while going through the chain."""
    side, stride = 1, 1
    for kernel, step in chain:
        side, stride = side + (kernel - 1) * stride, step
    return side, stride


def rule_against_direction(chain: Chain) -> tuple[int, int]:
    """Combine the rule for one direction with the other direction. Both such combinations agree."""
    side = 1
    for kernel, step in chain:
        side = (side - 1) * step + kernel
    return side, receptive_field(chain)[1]


def own_stride_only(chain: Chain) -> tuple[int, int]:
    """Widen each kernel by the stride of its own layer only."""
    return 1 + sum((kernel - 1) * step for kernel, step in chain), receptive_field(chain)[1]


def as_floats(chain: Chain) -> tuple[float, float]:
    """Return both numbers as floats."""
    side, stride = receptive_field(chain)
    return float(side), float(stride)


def equal_and_whole(expected: Any, answer: Any, *_: Any) -> bool:
    """Say whether two results are equal and of one type, both integers or both floats."""
    expected, answer = np.asarray(expected), np.asarray(answer)
    return (
        expected.shape == answer.shape and expected.dtype.kind == answer.dtype.kind and bool((expected == answer).all())
    )


# 03.3, the mean over a neighbourhood ----------------------------------------------------------------------------------


def feature_maps() -> list[tuple]:
    """Return feature maps (C, H, W), with the side of the neighbourhood."""
    rng = np.random.default_rng(0)
    ramp = np.arange(9, dtype=np.float32).reshape(1, 3, 3) - 2
    return [
        (ramp, 3),
        (rng.normal(size=(2, 5, 4)).astype(np.float32), 3),
        (rng.normal(size=(2, 6, 7)).astype(np.float32), 5),
    ]


def neighbourhoods(feature_map: np.ndarray, side: int, statistic: Callable = np.mean) -> np.ndarray:
    """Return a statistic over the part of each neighbourhood that lies on the map."""
    reach, (channels, height, width) = side // 2, feature_map.shape
    result = np.empty((channels, height, width), np.float64)
    for row in range(height):
        for column in range(width):
            rows = slice(max(0, row - reach), row + reach + 1)
            columns = slice(max(0, column - reach), column + reach + 1)
            result[:, row, column] = statistic(feature_map[:, rows, columns], axis=(1, 2))
    return result


def padded(feature_map: np.ndarray, side: int, mode: str) -> np.ndarray:
    """Return the means over whole neighbourhoods of a map that is padded first."""
    reach = side // 2
    larger = np.pad(np.asarray(feature_map, np.float64), ((0, 0), (reach, reach), (reach, reach)), mode=mode)
    return neighbourhoods(larger, side)[:, reach:-reach, reach:-reach]


def below_zero(feature_map: np.ndarray, side: int) -> np.ndarray:
    """Let slices begin below 0: they then count from the end and are empty."""
    reach, result = side // 2, np.empty(feature_map.shape)
    for row in range(feature_map.shape[1]):
        for column in range(feature_map.shape[2]):
            rows, columns = (slice(centre - reach, centre + reach + 1) for centre in (row, column))
            result[:, row, column] = feature_map[:, rows, columns].mean(axis=(1, 2))
    return result


def valid_only(feature_map: np.ndarray, side: int) -> np.ndarray:
    """Return the means over whole neighbourhoods only."""
    reach = side // 2
    return neighbourhoods(feature_map, side)[:, reach:-reach, reach:-reach]


def over_channels(feature_map: np.ndarray, side: int) -> np.ndarray:
    """Return the mean over the channels too."""
    return np.broadcast_to(neighbourhoods(feature_map, side).mean(axis=0), feature_map.shape)


def window_cut(feature_map: np.ndarray, side: int, start: int = 0, stop: int = 0) -> np.ndarray:
    """Begin each window `start` positions late, and end it `stop` positions early."""
    reach, (channels, height, width) = side // 2, feature_map.shape
    result = np.empty((channels, height, width), np.float64)
    for row in range(height):
        for column in range(width):
            rows, columns = (
                slice(max(0, centre - reach + start), centre + reach + 1 - stop) for centre in (row, column)
            )
            result[:, row, column] = feature_map[:, rows, columns].mean(axis=(1, 2))
    return result


def channels_blurred(feature_map: np.ndarray, side: int) -> np.ndarray:
    """Average over neighbouring channels too, as a filter with one size for all axes does."""
    from scipy.ndimage import uniform_filter

    return uniform_filter(np.asarray(feature_map, np.float64), size=side)


# 03.4, two layers on one grid -----------------------------------------------------------------------------------------


def outputs() -> list[tuple]:
    """Return pairs of an early output (B, C1, H, W) and a late one (B, C2, h, w)."""
    import torch

    generator = torch.Generator().manual_seed(0)
    shapes = [((1, 2, 4, 4), (1, 3, 2, 2)), ((2, 3, 6, 8), (2, 5, 3, 4)), ((1, 1, 9, 9), (1, 2, 3, 3))]
    return [tuple(torch.rand(*shape, generator=generator) for shape in pair) for pair in shapes]


def channels_second(early: torch.Tensor, late: torch.Tensor, **options: Any) -> torch.Tensor:
    """Resize `late` to the grid of `early` and concatenate their channels: (B, C1 + C2, H, W)."""
    import torch
    import torch.nn.functional as F

    options = options or {"mode": "bilinear", "align_corners": False}
    return torch.cat([early, F.interpolate(late, early.shape[-2:], **options)], dim=1)


def joined(early: torch.Tensor, late: torch.Tensor) -> torch.Tensor:
    """Return patches (B, H, W, C1 + C2)."""
    return channels_second(early, late).permute(0, 2, 3, 1)


def nearest(early: torch.Tensor, late: torch.Tensor) -> torch.Tensor:
    """Resize by repeating the nearest value."""
    return channels_second(early, late, mode="nearest").permute(0, 2, 3, 1)


def corners_aligned(early: torch.Tensor, late: torch.Tensor) -> torch.Tensor:
    """Resize with aligned corners."""
    return channels_second(early, late, mode="bilinear", align_corners=True).permute(0, 2, 3, 1)


def reshaped(early: torch.Tensor, late: torch.Tensor) -> torch.Tensor:
    """Reshape to the right shape instead of moving the channels."""
    both = channels_second(early, late)
    return both.reshape(len(both), *both.shape[2:], both.shape[1])


def coarse_grid(early: torch.Tensor, late: torch.Tensor) -> torch.Tensor:
    """Resize `early` to the grid of `late`."""
    return late_first(late, early)


def late_first(early: torch.Tensor, late: torch.Tensor) -> torch.Tensor:
    """Put the channels of `late` first."""
    import torch

    patches = joined(early, late)
    return torch.cat([patches[..., early.shape[1] :], patches[..., : early.shape[1]]], dim=-1)


def swapped_sides(early: torch.Tensor, late: torch.Tensor) -> torch.Tensor:
    """Swap rows and columns."""
    return joined(early, late).transpose(1, 2)


# 03.5, whitening ------------------------------------------------------------------------------------------------------


def clouds() -> list[tuple]:
    """Return normal patches with a mean and skew principal directions, one of them nearly flat; others; a floor."""
    cases = []
    for seed, spreads in ((0, (3.0, 0.5)), (1, (4.0, 1.0, 0.02)), (2, (0.5, 2.0, 1.0, 0.3))):
        rng = np.random.default_rng(seed)
        directions, _ = np.linalg.qr(rng.normal(size=(len(spreads),) * 2))
        mean = rng.normal(size=len(spreads)) * 5
        normal = (rng.normal(size=(400, len(spreads))) * spreads) @ directions + mean
        patches = rng.normal(size=(5, len(spreads))) * 3 + mean
        cases.append((normal.astype(np.float32), patches.astype(np.float32), 1e-3))
    return cases


def whitened(
    normal: np.ndarray,
    patches: np.ndarray,
    floor: float = 1e-3,
    *,
    learn_from: int = 0,
    centred: bool = True,
    shifted: bool = True,
    own_mean: bool = False,
    power: float = -0.5,
    floored: bool = True,
    floor_as: str = "",
    turn: str = "columns",
) -> np.ndarray:
    """Whiten as the notebook says, or wrongly in one of several ways."""
    source = np.asarray((normal, patches)[learn_from], np.float64)
    mean = source.mean(axis=0)
    from_mean = source - mean if centred else source
    variance, directions = np.linalg.eigh(from_mean.T @ from_mean / len(source))
    least = floor * variance.mean()
    variance = variance.clip(0)
    variance = {
        "absolute": variance + floor,
        "after the root": (np.sqrt(variance) + least) ** 2,
        "maximum": np.maximum(variance, least),
        "maximum of floor": np.maximum(variance, floor),
    }.get(floor_as, variance + (least if floored else 0))
    directions = {"columns": directions, "rows": directions.T, "none": np.eye(len(mean))}[turn]
    if turn == "none":
        variance = source.var(axis=0) * (1 + floor)
    from_mean = patches - (patches.mean(axis=0) if own_mean else mean * shifted)
    return from_mean @ directions * variance**power


def equal_up_to_rotation(expected: Any, answer: Any, *_: Any) -> bool:
    """Say whether lengths and angles agree: the signs of the directions, and their order, are free."""
    expected, answer = np.asarray(expected, np.float64), np.asarray(answer, np.float64)
    if expected.shape != answer.shape:
        return False
    products = expected @ expected.T
    return bool(np.allclose(answer @ answer.T, products, rtol=5e-3, atol=5e-3 * np.abs(products).max()))


# 03.6, preprocessing --------------------------------------------------------------------------------------------------


def grey_tiles() -> list[tuple]:
    """Return grey tiles with values on both sides of 127."""
    rng = np.random.default_rng(0)
    return [(np.array([[[0, 63], [127, 255]]], np.uint8),), (rng.integers(0, 256, (2, 3, 4), dtype=np.uint8),)]


def scaled(
    tiles: np.ndarray, subtract: float = 127, divide: float = 128, *, low: float = 0, kind: str = "float32"
) -> torch.Tensor:
    """Scale tiles in a way that need not be the network's own."""
    import torch

    values = (np.maximum(tiles.astype(np.float64), low) - subtract) / divide
    return torch.from_numpy(values.astype(kind))[:, None].repeat(1, 3, 1, 1)


def int8_overflow(tiles: np.ndarray) -> torch.Tensor:
    """Convert to int8, whose range ends at 127."""
    import torch

    with np.errstate(all="ignore"):
        values = ((tiles.astype(np.int8) - 127) / 128).astype(np.float32)
    return torch.from_numpy(values)[:, None].repeat(1, 3, 1, 1)


def equal_type_and_value(expected: Any, answer: Any, *_: Any) -> bool:
    """Say whether two tensors have one shape, one type and close values."""
    from aitex_utils.lessons.engine.compare import plain

    expected, answer = plain(expected, False), np.asarray(answer)
    if expected.shape != answer.shape or expected.dtype != answer.dtype:
        return False
    return bool(np.allclose(expected, answer, atol=1e-5))


# 03.7, choose and report on different fabrics -------------------------------------------------------------------------


def auroc_tables() -> list[tuple]:
    """Return tables of tile AUROC (choices, fabrics) in which different fabrics favour different choices."""
    small = np.array([[0.95, 0.70, 0.75], [0.80, 0.85, 0.78], [0.60, 0.88, 0.90]])
    rng = np.random.default_rng(2)
    return [(small,), (rng.uniform(0.5, 1, (5, 4)),), (rng.uniform(0.5, 1, (4, 6)),)]


def chosen_on_all(aurocs: np.ndarray) -> np.ndarray:
    """Choose on the mean over all fabrics, the reported fabric included."""
    return aurocs[aurocs.mean(axis=1).argmax()]


def means_of_the_others(aurocs: np.ndarray) -> np.ndarray:
    """Return the mean that decided the choice instead of the AUROC on the held-out fabric."""
    n = aurocs.shape[1]
    return np.array([np.delete(aurocs, fabric, axis=1).mean(axis=1).max() for fabric in range(n)])


def indices_of_choices(aurocs: np.ndarray) -> np.ndarray:
    """Return which choice is best on the other fabrics."""
    n = aurocs.shape[1]
    return np.array([np.delete(aurocs, fabric, axis=1).mean(axis=1).argmax() for fabric in range(n)])


def chosen_on_one(aurocs: np.ndarray) -> np.ndarray:
    """Choose on the fabric that is reported, and report the mean over the others."""
    n = aurocs.shape[1]
    chosen = aurocs.argmax(axis=0)
    return np.array([np.delete(aurocs[chosen[fabric]], fabric).mean() for fabric in range(n)])


def worst_chosen(aurocs: np.ndarray) -> np.ndarray:
    """Take the choice with the lowest mean over the other fabrics."""
    n = aurocs.shape[1]
    chosen = [np.delete(aurocs, fabric, axis=1).mean(axis=1).argmin() for fabric in range(n)]
    return aurocs[chosen, np.arange(n)]
