"""Coreset subsampling: from all patches to the few that represent them.

The paper (section 3.2, algorithm 1) uses k-center greedy, also called farthest-point sampling: each choice is the patch
farthest from all previous choices. The covering radius, the largest distance of any patch to its nearest choice, is
then at most twice the best possible (Gonzalez, "Clustering to minimize the maximum intercluster distance", 1985).

Read `k_center_greedy_reference` first: it is algorithm 1. `subsample` is what `PatchCore` calls, and `k_center_greedy`
is the fast version that it uses.
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np

from .errors import check_choice, check_flag, check_integer, check_number, check_seed
from .fast.bf16_bound import GROUP, Bf16Bound, balanced_partition_order, has_fast_bf16
from .fast.exact_distances import paired_squared_distances, rounding_of_products
from .fast.greedy_blocks import ROWS, farthest_places, lower_rows, rounded_squared_distances
from .fast.torch_greedy import k_center_greedy_torch
from .safety.arrays import check_patches
from .safety.devices import check_device
from .safety.torch_defaults import torch_defaults

SAMPLERS = ("greedy", "random", "k_means")
POOL, SHORTLIST = 4096, 128  # the farthest patches, and the farthest of those, among which the next choices are made
CENTRES = 768  # of one product in an update, with ROWS patches: what fits into a core's cache


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


def k_center_greedy_reference(
    patches: np.ndarray, k: int, *, seed: int, projection: int | None = 128, start: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Choose k patches, each farthest from all previous choices, with one pass over all patches per choice.

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
    points, unit, farthest = _prepare(patches, k, seed, projection, start)
    squared_norms = np.einsum("ij,ij->i", points, points)  # (N,)
    lengths = np.sqrt(squared_norms)
    slack = rounding_of_products(lengths, lengths.max(), points.shape[1])
    nearest = np.full(len(points), np.inf, np.float32)  # squared distance to the nearest choice, -1 for a choice
    indices, radii = np.empty(k, np.int64), np.empty(k, np.float32)
    for choice in range(k):
        indices[choice] = farthest
        squared = squared_norms - 2 * (points @ points[farthest]) + squared_norms[farthest]
        closer = np.flatnonzero(squared < nearest + slack)  # the others cannot have come nearer
        exact = paired_squared_distances(points[closer], points[farthest][None])
        nearest[closer] = np.minimum(nearest[closer], exact)
        nearest[farthest] = -1.0
        farthest = int(nearest.argmax())
        radii[choice] = np.sqrt(max(nearest[farthest], 0.0))
    return indices, radii * np.float32(unit)


def k_center_greedy(
    patches: np.ndarray,
    k: int,
    *,
    seed: int,
    projection: int | None = 128,
    start: int | None = None,
    progress: bool = False,
    device: str = "cpu",
) -> tuple[np.ndarray, np.ndarray]:
    """Choose k patches, each farthest from all previous choices: exact, in blocks instead of point by point.

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
    device : {"auto", "cpu", "cuda", "cuda:N", "mps"}
        Where the choices are made, see `safety.devices.check_device`. A GPU makes them with one pass per choice
        (`fast.torch_greedy`), equal up to rounding.

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
    `k_center_greedy_reference` reads all N patches for each choice. Here choices come from a shortlist: the `SHORTLIST`
    farthest of the `POOL` farthest patches. The shortlist serves as long as one of its patches is at least as far as
    every patch outside was when the pool was drawn. Distances only shrink, so that patch is the farthest of all. When
    the shortlist is used up, the pool is updated with one matrix product for all new centres. When the pool is used up,
    all patches are updated.

    The update of all patches is most of the work, and few patches come nearer to a centre. Two bounds rule out the
    others. The first bound: a patch whose distance d to its centre is at most half the covering radius cannot change. A
    new centre is at least one radius away from that centre, so by the triangle inequality at least d away from the
    patch. The second bound: where the processor multiplies bfloat16 fast, `fast.bf16_bound` rules out patches that
    rounding cannot have hidden.

    The result depends on patches, k, seed, projection and start alone. Products in float32 or bfloat16 only find the
    patches that might have come nearer. Their distances are computed from differences (`fast.exact_distances`). Between
    equally far patches, the lowest index is chosen. The projection is computed without any rounding of sums.

    Memory: the projected patches, 4 N min(C, projection) bytes (6 with bfloat16), and blocks of fixed size.

    Examples
    --------
    >>> patches = np.array([[0.0], [1.0], [5.0], [9.0]], np.float32)
    >>> indices, radii = k_center_greedy(patches, 3, seed=0, start=0)
    >>> indices.tolist(), radii.tolist()
    ([0, 3, 2], [9.0, 4.0, 1.0])
    """
    check_flag("progress", progress)
    device = check_device(device)
    points, unit, first = _prepare(patches, k, seed, projection, start)
    if device != "cpu":
        indices, squared_radii = k_center_greedy_torch(points, k, first, device, progress=progress)
        return indices, np.sqrt(squared_radii) * np.float32(unit)
    from tqdm.auto import tqdm

    squared_norms = np.einsum("ij,ij->i", points, points)  # (N,)
    nearest = np.full(len(points), np.inf, np.float32)  # squared distance to the nearest centre, -1 for a centre
    indices, squared_radii = np.empty(k, np.int64), np.empty(k, np.float32)
    indices[0], chosen, updated = first, 1, 0
    bound = Bf16Bound(points, squared_norms) if k > 1 and has_fast_bf16() else None
    with torch_defaults(), tqdm(total=k, desc="coreset", unit="patch", disable=not progress) as bar:
        while True:
            radius = squared_radii[chosen - 2] if chosen > 1 else 0.0  # no new centre was nearer to a previous one
            _update_all(points, squared_norms, nearest, indices[updated:chosen], radius / 4 * (1 - 1e-6), bound)
            squared_radii[chosen - 1] = max(nearest.max(), 0.0)
            bar.update(chosen - updated)
            if chosen == k:
                return indices, np.sqrt(squared_radii) * np.float32(unit)
            updated = chosen
            picks, pick_radii = _choose_from_pool(points, squared_norms, nearest, k - chosen)
            chosen += len(picks)
            indices[updated:chosen] = picks
            squared_radii[updated - 1 : chosen - 1] = pick_radii


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
    seed = check_seed(seed)
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
    seed = check_seed(seed)
    means = MiniBatchKMeans(k, init="random", n_init=1, batch_size=max(1024, 2 * k), max_iter=10, random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Number of distinct clusters")  # equal centres do no harm
        return np.ascontiguousarray(means.fit(patches).cluster_centers_, dtype=np.float32)


def subsample(
    patches: np.ndarray,
    ratio: float,
    sampler: str = "greedy",
    *,
    seed: int,
    progress: bool = False,
    device: str = "cpu",
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
    device : {"auto", "cpu", "cuda", "cuda:N", "mps"}
        Where `k_center_greedy` makes its choices. The other samplers use the CPU.

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
        indices, radii = k_center_greedy(patches, k, seed=seed, progress=progress, device=device)
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
) -> tuple[np.ndarray, float, int]:
    """Return the checked points (N, D) between which distances are measured, their unit, and the first choice.

    The unit is a power of two near the largest number, so that no square overflows or vanishes in float32.
    """
    patches = check_patches(patches)
    check_integer("k", k, 1, len(patches), "the number of patches")
    if start is not None:
        check_integer("start", start, 0, len(patches) - 1, "the index of the last patch")
    if projection is not None:
        check_integer("projection", projection, 1, meaning="or None for no projection")
    drawn = int(np.random.default_rng(check_seed(seed)).integers(len(patches)))
    first = drawn if start is None else int(start)
    mean = patches.mean(axis=0, dtype=np.float64).astype(np.float32)
    unit = 2.0 ** (np.ceil(np.log2(max(float(patches.max()), -float(patches.min()), 1e-37))) - 1)
    points = patches / np.float32(unit)
    points -= mean / np.float32(unit)  # smaller norms: less rounding
    if projection is not None and projection < patches.shape[1]:
        points = _project(points, projection, seed)
    return points, unit, first


@np.errstate(invalid="ignore")  # some BLAS libraries raise the flag on products of finite numbers (numpy #24067)
def _project(points: np.ndarray, dimensions: int, seed: int) -> np.ndarray:
    """Return Gaussian random projections (N, dimensions) of points (N, C) between -4 and 4.

    Both factors are rounded to whole numbers of so few bits that float64 represents every sum exactly. The result
    therefore does not depend on the order in which a processor and its threads add.
    """
    rng = np.random.default_rng(seed)
    rng.integers(2**32)  # the first choice is drawn from the same seed
    channels = points.shape[1]
    directions = np.rint(rng.standard_normal((channels, dimensions), dtype=np.float32) * 2.0**17)  # below 2^20
    bits = 53 - 20 - int(np.ceil(np.log2(channels)))  # of a coordinate, so that a sum stays below 2^53
    scaled = directions.astype(np.float64) * 2.0 ** (2 - bits)
    projected = np.empty((len(points), dimensions), np.float32)
    for begin in range(0, len(points), ROWS):
        whole = np.rint(points[begin : begin + ROWS].astype(np.float64) * 2.0 ** (bits - 2))
        projected[begin : begin + ROWS] = whole @ scaled * (2.0**-17 / dimensions**0.5)
    return projected


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
        lower_rows(points, squared_norms, nearest, new_centres, np.flatnonzero(nearest > settled))
    else:
        order = balanced_partition_order(points[new_centres], GROUP)  # centres alike together: tighter bounds
        ordered = new_centres[order]
        for begin in range(0, len(ordered), CENTRES):
            part = ordered[begin : begin + CENTRES]
            for group, rows in enumerate(bound.candidates(part, nearest)):
                lower_rows(points, squared_norms, nearest, part[group * GROUP : (group + 1) * GROUP], rows)
    nearest[new_centres] = -1.0


def _choose_from_pool(
    points: np.ndarray, squared_norms: np.ndarray, nearest: np.ndarray, most: int
) -> tuple[list[int], list[float]]:
    """Choose among the farthest patches, until a patch outside the pool might be farther.

    `nearest` is up to date and is not changed. Returns at most `most` indices in the order of choice, and before each
    choice the squared covering radius.
    """
    pool, pool_end = farthest_places(nearest, POOL)
    pool_nearest, pool_points, pool_norms = nearest[pool], points[pool], squared_norms[pool]
    picks: list[int] = []
    radii: list[float] = []
    while len(picks) < most:
        shortlist, end = farthest_places(pool_nearest, SHORTLIST)
        near, candidates, norms = pool_nearest[shortlist], pool_points[shortlist], pool_norms[shortlist]
        between = rounded_squared_distances(candidates, norms)
        slack = rounding_of_products(np.sqrt(norms), float(np.sqrt(norms.max())), points.shape[1])
        new = []
        while len(picks) < most:
            best = int(near.argmax())
            place = int(shortlist[best])
            if end.comes_before(near[best], place) or pool_end.comes_before(near[best], int(pool[place])):
                break
            picks.append(int(pool[place]))
            radii.append(max(float(near[best]), 0.0))
            new.append(place)
            closer = np.flatnonzero(between[best] < near + slack)
            exact = paired_squared_distances(candidates[closer], candidates[best][None])
            near[closer] = np.minimum(near[closer], exact)
            near[best] = -1.0
        if not new:
            break
        lower_rows(pool_points, pool_norms, pool_nearest, np.array(new), np.flatnonzero(pool_nearest >= 0))
        pool_nearest[new] = -1.0
    return picks, radii
