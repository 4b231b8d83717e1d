"""Reference answers and typical wrong answers to the exercises of notebook 09, and their test cases."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from aitex_utils import metrics, scoring

from .resampling import resample_strips

Array = np.ndarray
Layers = Sequence[tuple[int, int, int]]  # kernel, stride, padding of each
Answer = Callable[..., Array]

# 09.1 -----------------------------------------------------------------------------------------------------------------


def latent_cases() -> list[tuple]:
    """Return sides, layers and latent channels."""
    return [
        (8, [(4, 2, 1)], 2),
        (9, [(4, 2, 1)], 2),
        (256, [(4, 2, 1)] * 3, 4),
        (30, [(5, 3, 2), (3, 2, 1), (1, 1, 0)], 3),
        (37, [(3, 2, 1), (5, 1, 2), (3, 1, 0)], 1),
    ]


def latent_side(
    side: int,
    layers: Layers,
    *,
    padded_ends: int = 2,
    extra: int = 1,
    divide: Callable[[int, int], int] = lambda length, stride: length // stride,
) -> int:
    """Return the side of the latent code. The keyword arguments make the typical mistakes."""
    for kernel, stride, padding in layers:
        side = divide(side + padded_ends * padding - kernel, stride) + extra
    return side


def latent_size(side: int, layers: Layers, latent_channels: int) -> tuple[int, float]:
    """Return the side of the latent code, and the tile's numbers per number of the code."""
    end = latent_side(side, layers)
    return end, side**2 / (end**2 * latent_channels)


def with_side(**mistake) -> Callable:
    """Return a wrong answer with a mistake in the side, from which its ratio follows."""

    def answer(side: int, layers: Layers, latent_channels: int) -> tuple[int, float]:
        end = latent_side(side, layers, **mistake)
        return end, side**2 / (end**2 * latent_channels)

    return answer


def with_ratio(ratio: Callable[[int, int, int], float]) -> Callable:
    """Return a wrong answer with the right side, and with `ratio(side, end, latent_channels)`."""

    def answer(side: int, layers: Layers, latent_channels: int) -> tuple[int, float]:
        end = latent_side(side, layers)
        return end, ratio(side, end, latent_channels)

    return answer


def strides_only(side: int, layers: Layers, latent_channels: int) -> tuple[int, float]:
    """Divide the side by the strides."""
    end = side
    for _, stride, _ in layers:
        end //= stride
    return end, side**2 / (end**2 * latent_channels)


# 09.2 -----------------------------------------------------------------------------------------------------------------


def window_cases() -> list[tuple]:
    """Return pairs of windows, grey levels and fractions, with the range of their values."""
    rng = np.random.default_rng(2)
    dark, light = rng.integers(30, 120, (4, 4), np.uint8), rng.integers(100, 250, (4, 4), np.uint8)
    fractions = rng.random((2, 5, 3))
    return [
        (np.array([[10, 20], [30, 40]], np.uint8), np.array([[20, 20], [30, 50]], np.uint8), 255.0),
        (light, (light - np.uint8(40)) // np.uint8(2), 255.0),
        (dark, light, 255.0),
        (fractions[0], 0.7 * fractions[0] + 0.3 * fractions[1], 1.0),
        (np.full((3, 3), 100, np.uint8), np.full((3, 3), 103, np.uint8), 255.0),
    ]


def ssim(
    window_a: Array,
    window_b: Array,
    value_range: float = 255.0,
    *,
    power: int = 2,
    scale: float = 1.0,
    ddof: tuple[int, int] = (0, 0),
    means: bool = True,
    structure: bool = True,
) -> float:
    """Return the SSIM of two windows. The keyword arguments make the typical mistakes.

    `power` and `scale` change the constants, `ddof` the divisors of the variances and of the covariance.
    """
    a, b = np.asarray(window_a, float), np.asarray(window_b, float)
    c1, c2 = scale * (0.01 * value_range) ** power, scale * (0.03 * value_range) ** power
    of_means = (2 * a.mean() * b.mean() + c1) / (a.mean() ** 2 + b.mean() ** 2 + c1)
    covariance = ((a - a.mean()) * (b - b.mean())).sum() / (a.size - ddof[1])
    of_structure = (2 * covariance + c2) / (a.var(ddof=ddof[0]) + b.var(ddof=ddof[0]) + c2)
    return (of_means if means else 1.0) * (of_structure if structure else 1.0)


def ssim_in_uint8(window_a: Array, window_b: Array, value_range: float = 255.0) -> float:
    """Return the SSIM with the covariance as mean product minus product of means, without conversion to float."""
    c1, c2 = (0.01 * value_range) ** 2, (0.03 * value_range) ** 2
    covariance = (window_a * window_b).mean() - window_a.mean() * window_b.mean()
    numerator = (2 * window_a.mean() * window_b.mean() + c1) * (2 * covariance + c2)
    return numerator / ((window_a.mean() ** 2 + window_b.mean() ** 2 + c1) * (window_a.var() + window_b.var() + c2))


def ssim_without_covariance(window_a: Array, window_b: Array, value_range: float = 255.0) -> float:
    """Return the SSIM with the product of the standard deviations instead of the covariance."""
    a, b = window_a.astype(float), window_b.astype(float)
    c2 = (0.03 * value_range) ** 2
    return ssim(a, b, value_range, structure=False) * (2 * a.std() * b.std() + c2) / (a.var() + b.var() + c2)


def ssim_without_variances(window_a: Array, window_b: Array, value_range: float = 255.0) -> float:
    """Return the SSIM with standard deviations instead of variances in the denominator."""
    a, b = window_a.astype(float), window_b.astype(float)
    c2 = (0.03 * value_range) ** 2
    covariance = ((a - a.mean()) * (b - b.mean())).mean()
    return ssim(a, b, value_range, structure=False) * (2 * covariance + c2) / (a.std() + b.std() + c2)


# 09.3 -----------------------------------------------------------------------------------------------------------------


def error_cases() -> list[tuple]:
    """Return tiles, their reconstructions, and a standard deviation of the Gaussian."""
    rng = np.random.default_rng(0)
    small = np.array([[[3, 200, 90], [10, 120, 60]]], np.uint8), np.array([[[5, 100, 70], [10, 140, 50]]], np.uint8)
    tiles, reconstructed = rng.integers(0, 256, (2, 3, 12, 10), np.uint8)
    reconstructed[1] = tiles[1]
    return [(*small, 1.0), (tiles, reconstructed, 1.5), (reconstructed, tiles, 0.8)]


def smoothed_errors(
    tiles: Array,
    reconstructed: Array,
    sigma: float,
    *,
    error: Callable[[Array], Array] = np.abs,
    across_tiles: bool = False,
    finish: Callable[[Array], Array] = lambda maps: maps,
    smooth: bool = True,
) -> Array:
    """Return error maps, smoothed within each tile. The keyword arguments make the typical mistakes."""
    maps = error(np.asarray(tiles, float) - np.asarray(reconstructed, float))
    return finish(_smoothed(maps, sigma, across_tiles=across_tiles) if smooth else maps)


def wrapped_errors(tiles: Array, reconstructed: Array, sigma: float, dtype: type = np.uint8) -> Array:
    """Return error maps subtracted in uint8, where 3 - 5 is 254, and converted afterwards."""
    return _smoothed(np.abs(tiles - reconstructed).astype(dtype), sigma)


def integer_errors(tiles: Array, reconstructed: Array, sigma: float) -> Array:
    """Return error maps smoothed as integers, which cuts off their fractions."""
    return _smoothed(np.abs(tiles.astype(int) - reconstructed.astype(int)), sigma)


def _smoothed(maps: Array, sigma: float, *, across_tiles: bool = False) -> Array:
    """Smooth maps (N, H, W) down, then across. Fractions of integers are cut off both times, as SciPy does."""
    cut = np.asarray if maps.dtype.kind == "f" else np.trunc
    maps = maps.astype(float)
    if across_tiles:
        maps = scoring.smooth(maps.reshape(len(maps), -1), (sigma, 0.0)).reshape(maps.shape)
    down = [cut(scoring.smooth(one, (sigma, 0.0))) for one in maps]
    return np.stack([cut(scoring.smooth(one, (0.0, sigma))) for one in down])


# 09.4 -----------------------------------------------------------------------------------------------------------------


def difference_cases() -> list[tuple]:
    """Return labels, scores of two detectors, groups and resamples: of few tiles, and of more."""
    rng = np.random.default_rng(5)
    cases = []
    for n_tiles, n_strips, n_resamples, deviations in ((9, 5, 2, (1, 2)), (24, 8, 6, (2, 1))):
        groups = np.arange(n_tiles) * n_strips // n_tiles
        labels = (groups < n_strips // 2) & (rng.random(n_tiles) < 0.6)
        for strip in (0, 1):
            labels[np.flatnonzero(groups == strip)[0]] = True
        labels[np.flatnonzero(groups == 0)[-1]] = False
        scores_a, scores_b = labels + rng.normal(0, np.array(deviations)[:, None], (2, n_tiles))
        order = rng.permutation(n_tiles)  # the tiles of a strip are not neighbours
        resamples = resample_strips(labels, groups, n_resamples, seed=3)
        # Each resample contains a strip with tiles of both kinds, and one of them contains it twice.
        resamples[:, 0] = resamples[0, 1] = 0
        cases.append((labels[order], scores_a[order], scores_b[order], groups[order], resamples))
    return cases


def with_rows(choose_rows: Callable[[Array, Array], Array], finish: Callable = lambda values: values) -> Answer:
    """Return an answer that takes, for each resample, the tiles in `choose_rows(groups, strips)`."""

    def answer(labels: Array, scores_a: Array, scores_b: Array, groups: Array, resamples: Array) -> Array:
        values = []
        for strips in resamples:
            rows = choose_rows(groups, strips)
            values.append(metrics.auroc(labels[rows], scores_a[rows]) - metrics.auroc(labels[rows], scores_b[rows]))
        return finish(np.array(values))

    return answer


def all_rows(groups: Array, strips: Array) -> Array:
    """Return the rows of the tiles of the given strips. A strip that is given twice brings its tiles twice."""
    return np.concatenate([np.flatnonzero(groups == strip) for strip in strips])


def paired_differences(labels: Array, scores_a: Array, scores_b: Array, groups: Array, resamples: Array) -> Array:
    """Return the difference (a - b) in tile AUROC of each resample."""
    return with_rows(all_rows)(labels, scores_a, scores_b, groups, resamples)


def unpaired_differences(labels: Array, scores_a: Array, scores_b: Array, groups: Array, resamples: Array) -> Array:
    """Evaluate the second detector on the next resample."""
    rows_a = [all_rows(groups, strips) for strips in resamples]
    rows_b = [*rows_a[1:], rows_a[0]]
    pairs = zip(rows_a, rows_b, strict=True)
    return np.array([metrics.auroc(labels[a], scores_a[a]) - metrics.auroc(labels[b], scores_b[b]) for a, b in pairs])


def mean_over_strips(labels: Array, scores_a: Array, scores_b: Array, groups: Array, resamples: Array) -> Array:
    """Take the AUROC of each strip that contains tiles of both kinds, then the mean over the strips."""
    values = []
    for strips in resamples:
        by_strip = [np.flatnonzero(groups == strip) for strip in strips]
        both_kinds = [rows for rows in by_strip if 0 < labels[rows].sum() < len(rows)]
        differences = [
            metrics.auroc(labels[rows], scores_a[rows]) - metrics.auroc(labels[rows], scores_b[rows])
            for rows in both_kinds
        ]
        values.append(np.mean(differences))
    return np.array(values)


# 09.5 -----------------------------------------------------------------------------------------------------------------


def rank_cases() -> list[tuple]:
    """Return values of several shapes and normal values, some of them tied."""
    rng = np.random.default_rng(0)
    ties = rng.integers(0, 6, 40).astype(float)
    return [
        (np.array([[[1.0, 2.0, 7.0]]]), np.array([2.0, 1.0, 4.0, 3.0])),
        (rng.normal(1, 2, (2, 3, 4)), rng.normal(0, 1, 50)),
        (rng.integers(-1, 8, (2, 3, 3)).astype(float), ties),
    ]


def rank_with_equal(values: Array, normal: Array) -> Array:
    """Count equal normal values as smaller."""
    return np.searchsorted(np.sort(normal), values, side="right") / len(normal)


def min_max_scaled(values: Array, normal: Array) -> Array:
    """Scale values linearly from the lowest to the highest normal value."""
    return (values - normal.min()) / (normal.max() - normal.min())
