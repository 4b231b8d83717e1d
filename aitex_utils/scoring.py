"""Distances -> anomaly map and image score: max, mean, top share, the paper's reweighting and a variant of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .errors import InputError, is_whole
from .fast.bf16_bound import bfloat16_is_quick
from .fast.pruned_search import FEWEST, RoundedSearch
from .pooling import parts_of
from .tiling import untile

if TYPE_CHECKING:
    from .memory_bank import MemoryBank

IMAGE_SCORES = ("max", "mean", "top", "reweighted", "reweighted_by_patch")


def anomaly_maps(distances: np.ndarray, shape: tuple[int, int], smoothing: float = 0.0) -> np.ndarray:
    """Return anomaly maps of tiles: distances of patches (N, H', W') -> (N, H, W) float32.

    Resized bilinearly to `shape` = (H, W); then, if `smoothing` > 0, a Gaussian of that standard deviation in px
    (section 3.3 of Roth et al., 2022, who take 4), mirrored at the tile's border.
    """
    import torch
    import torch.nn.functional as F
    from scipy.ndimage import gaussian_filter

    distances = np.ascontiguousarray(distances, dtype=np.float32)
    if distances.ndim != 3 or 0 in distances.shape:
        raise InputError(f"distances has shape {distances.shape}, expected (N, H', W') with at least one tile.")
    if not 0 <= smoothing < np.inf:
        raise InputError(f"smoothing is {smoothing}, expected a standard deviation in px of at least 0 (0 = none).")
    maps = F.interpolate(torch.from_numpy(distances)[:, None], tuple(shape), mode="bilinear", align_corners=False)
    maps = maps[:, 0].numpy()  # (N, 1, H, W) -> (N, H, W)
    return gaussian_filter(maps, sigma=(0, smoothing, smoothing)) if smoothing else maps


def strip_map(maps: np.ndarray, corners: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Stitch the maps of a strip's tiles (N, h, w) into one (H, W) float32, blended in overlaps, NaN off the fabric."""
    return untile(np.asarray(maps, dtype=np.float32), corners, shape)


def usual_distances(distances: np.ndarray, share: float = 0.9) -> np.ndarray:
    """Return which distance is usual at each place of a normal tile: (n, H', W') -> (H', W') float32, above 0.

    Near its edge a tile's patches lie farther from the bank than in its middle, for what a network sees beyond the
    edge isn't fabric; without a correction false alarms stand there. The `share`-quantiles of a row's and of a column's
    distances, multiplied and divided by that of all, are the usual distance. distances : see `distances_to_others`.
    """
    rows, columns = np.quantile(distances, share, axis=(0, 2)), np.quantile(distances, share, axis=(0, 1))
    overall = max(float(np.quantile(distances, share)), 1e-6)
    return np.maximum(rows[:, None] * columns / overall, 1e-3 * overall).astype(np.float32)


def usual_in_rows(distances: Sequence[np.ndarray], share: float = 0.9) -> np.ndarray:
    """Return which distance is usual in each row of whole normal strips, each (H', W'): (H', 1) float32, above 0.

    As `usual_distances`, but a strip has an edge above and below only, so that the `share`-quantile of a row says all.
    """
    usual = np.quantile(np.concatenate(distances, axis=1), share, axis=1)
    return np.maximum(usual, max(1e-3 * float(usual.max()), 1e-6)).astype(np.float32)[:, None]


def distances_together(distances: Sequence[np.ndarray]) -> np.ndarray:
    """Return the geometric mean of a patch's distances by several ways of pooling: m times (...) -> (...) float32.

    A product is large where all of them are: a sharp way sees where a defect ends but is unsteady on cloth, a smooth
    one is steady but blurs; an alarm of one alone is damped. Units, and what is usual in each, don't matter.
    """
    if len(distances) == 1:
        return distances[0]
    return np.exp(np.mean([np.log(np.maximum(one, 1e-12)) for one in distances], axis=0)).astype(np.float32)


def distances_to_others(
    samples: Sequence[tuple[int, np.ndarray]], kept: Sequence[np.ndarray], owner: Sequence[np.ndarray]
) -> list[np.ndarray]:
    """Return the distances (H', W') of normal tiles or strips to the patches that were kept of all *others*.

    The distance to its own kept patches would be too small, as no new tile's is. Those of which nothing but their own
    is kept are left out. samples : numbers and patches (H', W', C); kept and owner : by way of pooling, (k, C / ways)
    and (k,), the number of each.
    """
    known = [one for one in samples if not any((of == one[0]).all() for of in owner)]
    if not known:
        raise InputError("All kept patches are of one tile or strip: fit on more, or keep more patches, to use level.")

    def one_way(way: int, bank: np.ndarray, of: np.ndarray) -> list[np.ndarray]:
        # One search for all, gone when the next way's is made: it takes memory.
        search = RoundedSearch(bank) if len(bank) >= FEWEST and bfloat16_is_quick() else None
        parts = [(number, parts_of(patches, len(kept))[way]) for number, patches in known]
        return [_distances_to(part, bank, of == number, search) for number, part in parts]

    by_way = [one_way(way, *pair) for way, pair in enumerate(zip(kept, owner, strict=True))]
    return [distances_together(of) for of in zip(*by_way, strict=True)]


def _distances_to(patches: np.ndarray, kept: np.ndarray, but: np.ndarray, search: RoundedSearch | None) -> np.ndarray:
    """Return the distances (H', W') of patches (H', W', C) to those of `kept` (k, C), without `but` (k,) bool."""
    from .memory_bank import MemoryBank

    flat = patches.reshape(-1, patches.shape[-1]).astype(np.float32)
    if search is None:
        return MemoryBank().add(kept[~but]).nearest(flat, 1)[0].reshape(patches.shape[:2])
    return np.linalg.norm(flat - kept[search.nearest(flat, but)], axis=1).reshape(patches.shape[:2])


def above_usual(scores: np.ndarray, baseline: float) -> np.ndarray:
    """Return a strip's map less what is usual there on this very strip: (H, W) float32. NaN, off the fabric, stays.

    Strips differ in light and in how they were woven, and both drift along a strip: a strip, or a part of it, that is a
    little unlike the learnt ones isn't a defect; what stands out of its surroundings is. Taken off are, first, the
    `baseline`-quantile of each column, as a running median over 2 H + 1 columns; then that of each row, as a running
    median over a quarter of the rows. So a defect is taken for usual where it fills more than the share
    1 - `baseline` of H neighbouring columns or of H / 8 neighbouring rows: the lower, the larger a defect may be.
    """
    from scipy.ndimage import median_filter

    scores = np.asarray(scores, np.float32)
    height, on = len(scores), ~np.isnan(scores).any(axis=0)
    above = np.full_like(scores, np.nan)
    columns = np.quantile(scores[:, on], baseline, axis=0)
    rest = scores[:, on] - median_filter(columns, 2 * height + 1, mode="nearest")
    rows = np.quantile(rest, baseline, axis=1)
    above[:, on] = rest - median_filter(rows, height // 4 | 1, mode="reflect")[:, None]
    return above


def max_score(distances: np.ndarray) -> np.ndarray:
    """Return the largest distance of each tile: (N, ...) -> (N,). One far patch is enough to raise the alarm."""
    return _flat(distances).max(axis=1)


def mean_score(distances: np.ndarray) -> np.ndarray:
    """Return the mean distance of each tile: (N, ...) -> (N,). A small defect drowns in it."""
    return _flat(distances).mean(axis=1)


def top_score(distances: np.ndarray, share: float = 0.01) -> np.ndarray:
    """Return the mean over the largest `share` of each tile's distances, at least one of them: (N, ...) -> (N,)."""
    if not 0 < share <= 1:
        raise InputError(f"share is {share}, expected a number above 0 and up to 1, for example 0.01.")
    flat = _flat(distances)
    count = max(1, round(share * flat.shape[1]))
    return np.partition(flat, -count, axis=1)[:, -count:].mean(axis=1)


def reweighted_score(patches: np.ndarray, bank: MemoryBank, b: int = 9) -> np.ndarray:
    """Return the paper's image score (equations 6 and 7): patches of tiles (N, P, C) -> (N,) float32.

    With p the tile's worst patch, m* the bank's vector nearest to p, s* = |p - m*|, and N_b(m*) the b vectors of the
    bank nearest to m*, m* itself among them:

        s = (1 - exp|p - m*| / sum over m in N_b(m*) of exp|p - m|) s*

    If m* stands alone in the bank, its neighbours are far from p too, its share of the sum is small, and the score
    stays near s*. With b = 1 the sum is its only term and the formula would make every score 0; s* is returned instead.
    """
    worst, distance, index = _worst(patches, bank)
    _check_b(b, bank)
    if b == 1:
        return distance
    _, neighbours = bank.nearest(bank.vectors_[index], b)  # (N, b): of m*, not of p
    lost = ~(neighbours == index[:, None]).any(axis=1)  # among equal vectors, or by an approximate index
    neighbours[lost, -1] = index[lost]
    to_neighbours = np.linalg.norm(bank.vectors_[neighbours] - worst[:, None], axis=2)  # (N, b)
    to_neighbours[neighbours < 0] = np.inf  # an approximate index found fewer than b
    return _one_minus_softmax(distance, to_neighbours) * distance


def reweighted_by_patch_score(patches: np.ndarray, bank: MemoryBank, b: int = 9) -> np.ndarray:
    """Return a variant often taken for equation 7: the b neighbours of the worst patch p itself, not of m*.

    The factor is then one minus the softmax weight of the smallest of b distances: patches (N, P, C) -> (N,) float32.
    b = 1 returns s*, as in `reweighted_score`.
    """
    worst, distance, _ = _worst(patches, bank)
    _check_b(b, bank)
    if b == 1:
        return distance
    return _one_minus_softmax(distance, bank.nearest(worst, b)[0]) * distance


def image_scores(
    how: str, distances: np.ndarray, patches: np.ndarray, bank: MemoryBank, *, share: float = 0.01, b: int = 9
) -> np.ndarray:
    """Return the image scores (N,) float32 by name, see `IMAGE_SCORES`: distances (N, P), their patches (N, P, C)."""
    if how == "max":
        return max_score(distances)
    if how == "mean":
        return mean_score(distances)
    if how == "top":
        return top_score(distances, share)
    if how == "reweighted":
        return reweighted_score(patches, bank, b)
    if how == "reweighted_by_patch":
        return reweighted_by_patch_score(patches, bank, b)
    raise InputError(f"There is no image score {how!r}: choose one of {', '.join(IMAGE_SCORES)}.")


def _flat(distances: np.ndarray) -> np.ndarray:
    distances = np.asarray(distances, dtype=np.float32)
    if distances.ndim < 2 or 0 in distances.shape:
        raise InputError(
            f"distances has shape {distances.shape}, expected (N, ...) with at least one tile and position."
        )
    return distances.reshape(len(distances), -1)


def _check_b(b: int, bank: MemoryBank) -> None:
    if not is_whole(b) or not 1 <= b <= len(bank):
        raise InputError(
            f"b is {b!r}, expected a whole number from 1 to the {len(bank)} patches in the bank: take a smaller b, "
            "or keep more patches."
        )


def _worst(patches: np.ndarray, bank: MemoryBank) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each tile's worst patch (N, C), its distance to the bank (N,) and the index of its nearest vector (N,)."""
    patches = np.asarray(patches)
    if patches.ndim != 3:
        raise InputError(f"patches has shape {patches.shape}, expected (N, P, C): P patches of each of N tiles.")
    n, p, c = patches.shape
    distances, indices = bank.nearest(patches.reshape(n * p, c), 1)
    at = np.arange(n) * p + distances.reshape(n, p).argmax(axis=1)
    return patches.reshape(n * p, c)[at], distances[at, 0], indices[at, 0]


def _one_minus_softmax(distance: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return 1 - exp(d) / sum(exp(others)) without overflow, the largest subtracted in both; infinite ones left out."""
    others = np.where(np.isfinite(others), others, -np.inf)
    largest = np.maximum(others.max(axis=1), distance)
    total = np.exp(others - largest[:, None]).sum(axis=1)
    return (1 - np.exp(distance - largest) / total).clip(0, 1).astype(np.float32)
