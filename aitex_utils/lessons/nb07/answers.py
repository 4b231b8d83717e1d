"""Right answers and typical wrong ones to the exercises of notebook 07, and what they are tried on; see `nb07.py`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from aitex_utils import duel, metrics

Layers = Sequence[tuple[int, int, int]]

# 07.1 -----------------------------------------------------------------------------------------------------------------


def encoders() -> list[tuple]:
    return [
        (8, [(4, 2, 1)], 2),
        (9, [(4, 2, 1)], 2),
        (256, [(4, 2, 1)] * 3, 4),
        (30, [(5, 3, 2), (3, 2, 1), (1, 1, 0)], 3),
        (37, [(3, 2, 1), (5, 1, 2), (3, 1, 0)], 1),
    ]


def code_side(
    side: int, layers: Layers, sides_padded: int = 2, more: int = 1, divide: Callable = lambda a, b: a // b
) -> int:
    for kernel, stride, padding in layers:
        side = divide(side + sides_padded * padding - kernel, stride) + more
    return side


def code_size(side: int, layers: Layers, channels: int) -> tuple[int, float]:
    end = code_side(side, layers)
    return end, side**2 / (end**2 * channels)


def with_side(**how) -> Callable:
    """Return a wrong answer whose side is reckoned otherwise, and whose ratio follows from it."""

    def answer(side: int, layers: Layers, channels: int) -> tuple[int, float]:
        end = code_side(side, layers, **how)
        return end, side**2 / (end**2 * channels)

    return answer


def with_ratio(ratio: Callable[[int, int, int], float]) -> Callable:
    """Return a wrong answer whose side is right, and whose ratio is `ratio(side, end, channels)`."""

    def answer(side: int, layers: Layers, channels: int) -> tuple[int, float]:
        end = code_side(side, layers)
        return end, ratio(side, end, channels)

    return answer


def strides_only(side: int, layers: Layers, channels: int) -> tuple[int, float]:
    end = side
    for _, stride, _ in layers:
        end //= stride
    return end, side**2 / (end**2 * channels)


# 07.2 -----------------------------------------------------------------------------------------------------------------


def windows() -> list[tuple]:
    rng = np.random.default_rng(2)
    dark, light = rng.integers(30, 120, (4, 4), np.uint8), rng.integers(100, 250, (4, 4), np.uint8)
    share = rng.random((2, 5, 3))
    return [
        (np.array([[10, 20], [30, 40]], np.uint8), np.array([[20, 20], [30, 50]], np.uint8), 255.0),
        (light, (light - np.uint8(40)) // np.uint8(2), 255.0),
        (dark, light, 255.0),
        (share[0], 0.7 * share[0] + 0.3 * share[1], 1.0),
        (np.full((3, 3), 100, np.uint8), np.full((3, 3), 103, np.uint8), 255.0),
    ]


def ssim(
    one: np.ndarray,
    other: np.ndarray,
    value_range: float = 255.0,
    power: int = 2,
    share: float = 1.0,
    less: tuple[int, int] = (0, 0),
    means: bool = True,
    structure: bool = True,
) -> float:
    """SSIM of two windows; `power`, `share` of the constants and n - `less` (variance, covariance) can be wrong."""
    a, b = np.asarray(one, float), np.asarray(other, float)
    c1, c2 = share * (0.01 * value_range) ** power, share * (0.03 * value_range) ** power
    of_means = (2 * a.mean() * b.mean() + c1) / (a.mean() ** 2 + b.mean() ** 2 + c1)
    together = ((a - a.mean()) * (b - b.mean())).sum() / (a.size - less[1])
    of_spreads = (2 * together + c2) / (a.var(ddof=less[0]) + b.var(ddof=less[0]) + c2)
    return (of_means if means else 1.0) * (of_spreads if structure else 1.0)


def ssim_wrapped(one: np.ndarray, other: np.ndarray, value_range: float = 255.0) -> float:
    """The covariance as mean of the products less the product of the means, the products in the images' own type."""
    c1, c2 = (0.01 * value_range) ** 2, (0.03 * value_range) ** 2
    together = (one * other).mean() - one.mean() * other.mean()
    top = (2 * one.mean() * other.mean() + c1) * (2 * together + c2)
    return top / ((one.mean() ** 2 + other.mean() ** 2 + c1) * (one.var() + other.var() + c2))


def ssim_of_spreads(one: np.ndarray, other: np.ndarray, value_range: float = 255.0) -> float:
    """Twice the product of the standard deviations where twice the covariance belongs."""
    a, b = one.astype(float), other.astype(float)
    c2 = (0.03 * value_range) ** 2
    return ssim(a, b, value_range, structure=False) * (2 * a.std() * b.std() + c2) / (a.var() + b.var() + c2)


def ssim_below_not_squared(one: np.ndarray, other: np.ndarray, value_range: float = 255.0) -> float:
    a, b = one.astype(float), other.astype(float)
    c2 = (0.03 * value_range) ** 2
    together = ((a - a.mean()) * (b - b.mean())).mean()
    return ssim(a, b, value_range, structure=False) * (2 * together + c2) / (a.std() + b.std() + c2)


# 07.3 -----------------------------------------------------------------------------------------------------------------


def tiles_and_rebuilt() -> list[tuple]:
    rng = np.random.default_rng(0)
    small = np.array([[[3, 200, 90], [10, 120, 60]]], np.uint8), np.array([[[5, 100, 70], [10, 140, 50]]], np.uint8)
    one, other = rng.integers(0, 256, (2, 3, 12, 10), np.uint8)
    other[1] = one[1]
    return [(*small, 1.0), (one, other, 1.5), (other, one, 0.8)]


def smoothed_errors(
    tiles: np.ndarray,
    rebuilt: np.ndarray,
    sigma: float,
    error: Callable[[np.ndarray], np.ndarray] = np.abs,
    across: bool = False,
    after: Callable[[np.ndarray], np.ndarray] = lambda maps: maps,
    smooth: bool = True,
) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    maps = error(np.asarray(tiles, float) - np.asarray(rebuilt, float))
    return after(gaussian_filter(maps, sigma if across else (0, sigma, sigma)) if smooth else maps)


def wrapped(tiles: np.ndarray, rebuilt: np.ndarray, sigma: float, late: bool = False) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    maps = np.abs(tiles - rebuilt)
    return gaussian_filter(maps.astype(float) if late else maps, (0, sigma, sigma))


def whole(tiles: np.ndarray, rebuilt: np.ndarray, sigma: float) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(np.abs(tiles.astype(int) - rebuilt.astype(int)), (0, sigma, sigma))


# 07.4 -----------------------------------------------------------------------------------------------------------------


def scored_tiles() -> list[tuple]:
    rng = np.random.default_rng(5)
    found = []
    for tiles, strips, draws, better in ((9, 5, 2, 0), (24, 8, 6, 1)):
        of = np.arange(tiles) * strips // tiles
        labels = (of < strips // 2) & (rng.random(tiles) < 0.6)
        for strip in (0, 1):
            labels[np.flatnonzero(of == strip)[0]] = True
        labels[np.flatnonzero(of == 0)[-1]] = False
        one, other = labels + rng.normal(0, [[1 + better], [2 - better]], (2, tiles))
        order = rng.permutation(tiles)  # a strip's tiles don't stand together
        drawn = duel.draw_strips(labels, of, draws, seed=3)
        drawn[:, 0] = drawn[0, 1] = 0  # one at least is drawn twice, and each draw has a strip with tiles of both kinds
        found.append((labels[order], one[order], other[order], of[order], drawn))
    return found


Scored = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def differences(labels, one, other, strips, drawn) -> np.ndarray:
    return duel.paired_differences(metrics.auroc, labels, one, other, strips, drawn)


def by_rows(rows: Callable[[np.ndarray, np.ndarray], np.ndarray], after: Callable = lambda x: x) -> Callable:
    """Return an answer that takes, for each draw, the tiles that `rows(strips, chosen)` names."""

    def answer(labels, one, other, strips, drawn) -> np.ndarray:
        found = []
        for chosen in drawn:
            at = rows(strips, chosen)
            found.append(metrics.auroc(labels[at], one[at]) - metrics.auroc(labels[at], other[at]))
        return after(np.array(found))

    return answer


def all_rows(strips: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """The tiles of the chosen strips, those of a strip drawn twice twice."""
    return np.concatenate([np.flatnonzero(strips == strip) for strip in chosen])


def unpaired(labels, one, other, strips, drawn) -> np.ndarray:
    """The second detector sits the exam of the next draw."""
    own = [metrics.auroc(labels[at], one[at]) for at in (all_rows(strips, chosen) for chosen in drawn)]
    next_ = np.roll(drawn, -1, axis=0)
    theirs = [metrics.auroc(labels[at], other[at]) for at in (all_rows(strips, chosen) for chosen in next_)]
    return np.array(own) - np.array(theirs)


def strip_by_strip(labels, one, other, strips, drawn) -> np.ndarray:
    """The mean over those drawn strips that hold tiles of both kinds, each with an AUROC of its own."""
    found = []
    for chosen in drawn:
        rows = [np.flatnonzero(strips == strip) for strip in chosen]
        both = [at for at in rows if 0 < labels[at].sum() < len(at)]
        gaps = [metrics.auroc(labels[at], one[at]) - metrics.auroc(labels[at], other[at]) for at in both]
        found.append(np.mean(gaps))
    return np.array(found)


# 07.5 -----------------------------------------------------------------------------------------------------------------


def values_and_normal() -> list[tuple]:
    rng = np.random.default_rng(0)
    ties = rng.integers(0, 6, 40).astype(float)
    return [
        (np.array([[[1.0, 2.0, 7.0]]]), np.array([2.0, 1.0, 4.0, 3.0])),
        (rng.normal(1, 2, (2, 3, 4)), rng.normal(0, 1, 50)),
        (rng.integers(-1, 8, (2, 3, 3)).astype(float), ties),
    ]


def equal_too(values: np.ndarray, normal: np.ndarray) -> np.ndarray:
    return np.searchsorted(np.sort(normal), values, side="right") / len(normal)


def stretched(values: np.ndarray, normal: np.ndarray) -> np.ndarray:
    return (values - normal.min()) / (normal.max() - normal.min())
