"""Coreset subsampling: from all patches to the few that represent them.

The paper (section 3.2, algorithm 1) uses k-center greedy, also called farthest-point sampling: each choice is the patch
farthest from all previous choices. The covering radius, the largest distance of any patch to its nearest choice, is
then at most twice the best possible (Gonzalez, "Clustering to minimize the maximum intercluster distance", 1985).
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np

from .errors import InputError, check_choice, check_integer, check_number, check_patches
from .fast.bf16_bound import GROUP, Bf16Bound, balanced_partition_order, has_fast_bf16

SAMPLERS = ("greedy", "random", "k_means")
POOL, SHORTLIST = 4096, 128  # the farthest patches, and the farthest of those, among which the next choices are made
ROWS, CENTRES = 2048, 768  # patches x centres of one product in an update: what fits into a core's cache


class Subsample(NamedTuple):
    """A coreset, with the indices of its patches and its covering radius where a sampler has them.

    Examples
    --------
    >>> subsample(np.arange(4.0).reshape(4, 1), 0.5, "random", seed=0).vectors.shape
    (2, 1)
    """

    vectors: np.ndarray  # (k, C) float32
    indices: np.ndarray | None  # (k,) int64
    radius: float | None


def k_center_greedy(
    patches: np.ndarray,
    k: int,
    *,
    seed: int,
    projection: int | None = 128,
    start: int | None = None,
    progress: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Choose k patches, each the one farthest from all previous choices; exact, by blocks instead of point by point.

    Parameters
    ----------
    patches : ndarray, shape (N, C)
        Feature vectors, float32.
    k : int
        Number of choices, 1 to N.
    seed : int
        Seed of the first choice and of the projection.
    projection : int, optional
        Dimensions of a Gaussian random projection in which distances are measured (Johnson-Lindenstrauss, section 3.2
        of the paper). None, or at least C, measures them in the patches' own space.
    start : int, optional
        Index of the first choice; None draws it.
    progress : bool
        Show a bar.

    Returns
    -------
    indices : ndarray, shape (k,)
        int64, in the order of choice, all different. The first m of them are the result for k = m.
    radii : ndarray, shape (k,)
        float32, covering radius after each choice, in the space in which distances are measured.

    Raises
    ------
    InputError
        If an argument is out of range or the patches are not finite numbers.

    Notes
    -----
    `k_center_greedy_reference` reads all N patches for each choice. Here choices are made among the `SHORTLIST`
    farthest of the `POOL` farthest patches, as long as one of them is at least as far as every patch outside was when
    the pool was drawn. Distances only shrink, so that patch is the farthest of all. When the shortlist is used up, the
    pool is updated with one matrix product for all new centres; when the pool is used up, all patches are.

    The update of all patches is most of the work, and few patches come nearer to a centre. Two bounds rule out the
    others. A patch whose distance d to its centre is at most half the covering radius cannot change: a new centre is at
    least one radius away from that centre, so by the triangle inequality at least d away from the patch. And where the
    processor multiplies bfloat16 fast, `fast.bf16_bound` rules out patches that rounding cannot have hidden.

    Memory: the projected patches, 4 N min(C, projection) bytes (6 with bfloat16), and blocks of fixed size.

    Examples
    --------
    >>> patches = np.array([[0.0], [1.0], [5.0], [9.0]], np.float32)
    >>> indices, radii = k_center_greedy(patches, 3, seed=0, start=0)
    >>> indices.tolist(), radii.tolist()
    ([0, 3, 2], [9.0, 4.0, 1.0])
    """
    points, first = _prepare(patches, k, seed, projection, start)
    from tqdm.auto import tqdm

    squared_norms = np.einsum("ij,ij->i", points, points)  # (N,)
    nearest = np.full(len(points), np.inf, np.float32)  # squared distance to the nearest centre; -1 for a centre
    indices, squared_radii = np.empty(k, np.int64), np.empty(k, np.float32)
    indices[0], chosen, updated = first, 1, 0
    bound = Bf16Bound(points, squared_norms) if k > 1 and has_fast_bf16() else None
    with tqdm(total=k, desc="coreset", unit="patch", disable=not progress) as bar:
        while True:
            radius = squared_radii[chosen - 2] if chosen > 1 else 0.0  # no new centre was nearer to a previous one
            _update_all(points, squared_norms, nearest, indices[updated:chosen], radius / 4, bound)
            squared_radii[chosen - 1] = max(nearest.max(), 0.0)
            bar.update(chosen - updated)
            if chosen == k:
                return indices, np.sqrt(squared_radii)
            updated = chosen
            picks, pick_radii = _choose_from_pool(points, squared_norms, nearest, k - chosen)
            chosen += len(picks)
            indices[updated:chosen] = picks
            squared_radii[updated - 1 : chosen - 1] = pick_radii


def k_center_greedy_reference(
    patches: np.ndarray, k: int, *, seed: int, projection: int | None = 128, start: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Do what `k_center_greedy` does, the obvious way: one pass over all patches per choice.

    Parameters
    ----------
    patches, k, seed, projection, start
        As in `k_center_greedy`.

    Returns
    -------
    indices : ndarray, shape (k,)
    radii : ndarray, shape (k,)

    Notes
    -----
    Bandwidth-bound: each choice reads 4 N min(C, projection) bytes. It is the reference for tests and lessons.

    Examples
    --------
    >>> patches = np.array([[0.0], [1.0], [5.0], [9.0]], np.float32)
    >>> k_center_greedy_reference(patches, 3, seed=0, start=0)[0].tolist()
    [0, 3, 2]
    """
    points, farthest = _prepare(patches, k, seed, projection, start)
    squared_norms = np.einsum("ij,ij->i", points, points)
    nearest = np.full(len(points), np.inf, np.float32)
    indices, radii = np.empty(k, np.int64), np.empty(k, np.float32)
    for choice in range(k):
        indices[choice] = farthest
        squared = squared_norms - 2 * (points @ points[farthest]) + squared_norms[farthest]
        np.minimum(nearest, squared.clip(0), out=nearest, where=nearest >= 0)
        nearest[farthest] = -1.0
        farthest = int(nearest.argmax())
        radii[choice] = np.sqrt(max(nearest[farthest], 0.0))
    return indices, radii


def random_subset(patches: np.ndarray, k: int, *, seed: int) -> np.ndarray:
    """Draw k patches at random without repetition: the baseline of every sampler.

    Parameters
    ----------
    patches : ndarray, shape (N, C)
        Feature vectors.
    k : int
        Number of patches, 1 to N.
    seed : int
        Seed of the draw.

    Returns
    -------
    ndarray, shape (k,)
        Indices, int64.

    Raises
    ------
    InputError
        If k is out of range or the patches are not finite numbers.

    Examples
    --------
    >>> len(set(random_subset(np.eye(9), 4, seed=0).tolist()))
    4
    """
    k = check_integer("k", k, 1, len(check_patches(patches)), "the number of patches")
    return np.random.default_rng(seed).choice(len(patches), size=k, replace=False).astype(np.int64)


def k_means(patches: np.ndarray, k: int, *, seed: int) -> np.ndarray:
    """Return k centres of scikit-learn's mini-batch k-means: means, not members of `patches`.

    Parameters
    ----------
    patches : ndarray, shape (N, C)
        Feature vectors.
    k : int
        Number of centres, 1 to N.
    seed : int
        Seed of the initial centres and of the batches.

    Returns
    -------
    ndarray, shape (k, C)
        float32.

    Raises
    ------
    InputError
        If k is out of range or the patches are not finite numbers.

    Examples
    --------
    >>> k_means(np.repeat([[3.0, 4.0]], 50, axis=0), 1, seed=0).shape
    (1, 2)
    """
    from sklearn.cluster import MiniBatchKMeans

    patches = check_patches(patches)
    k = check_integer("k", k, 1, len(patches), "the number of patches")
    means = MiniBatchKMeans(k, init="random", n_init=1, batch_size=max(1024, 2 * k), max_iter=10, random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Number of distinct clusters")  # equal centres do no harm
        return np.ascontiguousarray(means.fit(patches).cluster_centers_, dtype=np.float32)


def subsample(
    patches: np.ndarray, ratio: float, sampler: str = "greedy", *, seed: int, progress: bool = False
) -> Subsample:
    """Choose a share of the patches with a sampler given by name.

    Parameters
    ----------
    patches : ndarray, shape (N, C)
        Feature vectors, float32.
    ratio : float
        Coreset sampling ratio, above 0 and up to 1.
    sampler : {"greedy", "random", "k_means"}
        `k_center_greedy`, `random_subset` or `k_means`.
    seed : int
        Seed of the sampler.
    progress : bool
        Show a bar.

    Returns
    -------
    Subsample
        Indices are None for "k_means", the radius is None for all but "greedy".

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> subsample(np.arange(4.0).reshape(4, 1), 0.5, seed=0).radius
    1.0
    """
    check_choice("sampler", sampler, SAMPLERS)
    patches = check_patches(patches)
    k = coreset_size(ratio, len(patches))
    if sampler == "k_means":
        return Subsample(k_means(patches, k, seed=seed), None, None)
    if sampler == "random":
        indices, radius = random_subset(patches, k, seed=seed), None
    else:
        indices, radii = k_center_greedy(patches, k, seed=seed, progress=progress)
        radius = float(radii[-1])
    return Subsample(patches[indices], indices, radius)


def coreset_size(ratio: float, n: int) -> int:
    """Return how many of n patches a coreset sampling ratio keeps: rounded, and at least one.

    Parameters
    ----------
    ratio : float
        Above 0 and up to 1.
    n : int
        Number of patches.

    Returns
    -------
    int

    Raises
    ------
    InputError
        If the ratio is out of range.

    Examples
    --------
    >>> coreset_size(0.1, 1024)
    102
    """
    return max(1, round(check_number("coreset_ratio", ratio, "(0, 1]", example=0.1) * n))


def _prepare(
    patches: np.ndarray, k: int, seed: int, projection: int | None, start: int | None
) -> tuple[np.ndarray, int]:
    """Check the arguments; return the points (N, D) between which distances are measured, and the first choice."""
    patches = check_patches(patches)
    check_integer("k", k, 1, len(patches), "the number of patches")
    if start is not None and not 0 <= start < len(patches):
        raise InputError(f"start is {start}, expected the index of a patch, 0 to {len(patches) - 1}.")
    if projection is not None and projection < 1:
        raise InputError(f"projection is {projection}, expected a number of dimensions, or None for no projection.")
    rng = np.random.default_rng(seed)
    drawn = int(rng.integers(len(patches)))  # drawn even if unused: `start` must not change the projection
    first = drawn if start is None else int(start)
    points = patches - patches.mean(axis=0, dtype=np.float64).astype(np.float32)  # smaller norms: less rounding
    if projection is not None and projection < patches.shape[1]:
        directions = rng.standard_normal((patches.shape[1], projection), dtype=np.float32)
        points = points @ (directions / np.float32(np.sqrt(projection)))
    return points, first


def _update_all(
    points: np.ndarray,
    squared_norms: np.ndarray,
    nearest: np.ndarray,
    new_centres: np.ndarray,
    settled: float,
    bound: Bf16Bound | None,
) -> None:
    """Lower `nearest` (N,) to the squared distances from the centres of indices `new_centres`, in place.

    Entries of at most `settled` cannot change.
    """
    if bound is None or np.isinf(nearest.max()):  # at the very first centre all distances are unknown
        _lower_rows(points, squared_norms, nearest, new_centres, np.flatnonzero(nearest > settled))
    else:
        order = balanced_partition_order(points[new_centres], GROUP)  # centres alike together: tighter bounds
        ordered = new_centres[order]
        for begin in range(0, len(ordered), CENTRES):
            part = ordered[begin : begin + CENTRES]
            for group, rows in enumerate(bound.candidates(part, nearest)):
                _lower_rows(points, squared_norms, nearest, part[group * GROUP : (group + 1) * GROUP], rows)
    nearest[new_centres] = -1.0


def _lower_rows(
    points: np.ndarray, squared_norms: np.ndarray, nearest: np.ndarray, centres: np.ndarray, rows: np.ndarray
) -> None:
    """Lower `nearest`, in the given rows, to the squared distances from the centres of indices `centres`."""
    import torch

    all_points = torch.from_numpy(points)
    weights = torch.from_numpy(-2 * points[centres].T)  # (C, F); |p - c|^2 = |p|^2 + (|c|^2 - 2 p.c)
    offsets = torch.from_numpy(squared_norms[centres])
    for begin in range(0, len(rows), ROWS):
        block = rows[begin : begin + ROWS]
        if block[-1] - block[0] == len(block) - 1:  # neighbours in memory: no copy
            block = slice(block[0], block[-1] + 1)
            block_points = all_points[block]
        else:
            block_points = all_points.index_select(0, torch.from_numpy(block))
        products = torch.addmm(offsets, block_points, weights)  # (rows, F)
        squared = products.amin(dim=1).numpy() + squared_norms[block]
        nearest[block] = np.minimum(nearest[block], squared.clip(0))


def _choose_from_pool(
    points: np.ndarray, squared_norms: np.ndarray, nearest: np.ndarray, most: int
) -> tuple[list[int], list[float]]:
    """Choose among the farthest patches, until a patch outside the pool might be farther.

    `nearest` is up to date and is not changed. Returns at most `most` indices in the order of choice, and before each
    choice the squared covering radius.
    """
    pool, pool_floor = _farthest(nearest, POOL)
    pool_nearest, pool_points, pool_norms = nearest[pool], points[pool], squared_norms[pool]
    picks: list[int] = []
    radii: list[float] = []
    while len(picks) < most:
        shortlist, floor = _farthest(pool_nearest, SHORTLIST)
        near, candidates = pool_nearest[shortlist], pool_points[shortlist]
        between = _squared_distances(candidates, pool_norms[shortlist], candidates, pool_norms[shortlist]).numpy()
        new = []
        while len(picks) < most:
            best = int(near.argmax())
            if near[best] < max(floor, pool_floor):
                break
            picks.append(int(pool[shortlist[best]]))
            radii.append(max(float(near[best]), 0.0))
            new.append(best)
            np.minimum(near, between[best], out=near, where=near >= 0)
            near[best] = -1.0
        if not new:
            break
        centres = shortlist[new]
        squared = _squared_distances(pool_points, pool_norms, pool_points[centres], pool_norms[centres])
        np.minimum(pool_nearest, squared.amin(dim=1).numpy(), out=pool_nearest, where=pool_nearest >= 0)
        pool_nearest[centres] = -1.0
    return picks, radii


def _farthest(nearest: np.ndarray, most: int) -> tuple[np.ndarray, float]:
    """Return the places of the `most` farthest, sorted, and the distance of the last: no other place is farther."""
    if len(nearest) <= most:
        return np.arange(len(nearest)), -np.inf
    places = np.sort(np.argpartition(nearest, -most)[-most:])
    return places, float(nearest[places].min())


def _squared_distances(points, squared_norms, centres, centre_norms):
    """Return squared distances (n, m); by torch as all products here, because threads of two libraries would wait."""
    import torch

    offsets = torch.from_numpy(squared_norms)[:, None] + torch.from_numpy(centre_norms)
    return torch.addmm(offsets, torch.from_numpy(points), torch.from_numpy(centres).T, alpha=-2).clamp_(min=0)
