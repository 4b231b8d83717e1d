"""All patches -> the few that stand for them: k-center greedy, and random and k-means beside it.

The paper (section 3.2, algorithm 1) chooses greedily the patch that is farthest from all chosen before. The covering
radius, the largest distance of any patch to the nearest chosen one, is then at most twice the best possible
(Gonzalez, "Clustering to minimize the maximum intercluster distance", 1985).
"""

from __future__ import annotations

import warnings

import numpy as np

from .errors import InputError, check_patches, is_whole
from .fast.bf16_bound import GROUP, Rounded, bfloat16_is_quick, nearby

POOL, FEW = 4096, 128  # the farthest patches, and the farthest of those, among which is chosen before more is updated
ROWS, FRESH = 2048, 768  # patches x centres of one product in an update: what fits into a core's cache


def k_center_greedy(
    patches: np.ndarray,
    k: int,
    *,
    seed: int,
    projection: int | None = 128,
    start: int | None = None,
    progress: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Choose k patches, each the farthest from those before it; exact, and by blocks instead of point by point.

    Parameters
    ----------
    patches : (N, C) float32.
    k : how many, 1..N.
    seed : draws the first patch and the projection.
    projection : dimensions of a Gaussian random projection in which distances are measured (Johnson-Lindenstrauss,
        section 3.2 of the paper); None, or at least C, measures them as they are.
    start : index of the first patch; None draws it.

    Returns
    -------
    indices : (k,) int64 in the order of choice, all different; the first m of them are the answer for k = m.
    radii : (k,) float32, covering radius after each choice, in the space in which distances are measured.

    Notes
    -----
    The obvious way, `k_center_greedy_obvious`, reads all N patches for each choice. Here a choice is made among the
    `FEW` farthest of the `POOL` farthest patches, as long as one of them is at least as far as all outside were when
    they were drawn; distances only shrink, so that one is the farthest of all. When none is left, the pool is brought
    up to date with one matrix product for all centres chosen since, and when none is left there, all patches are.
    That last step is most of the work, and nearly all of it is for nothing: few patches come nearer to a centre. Two
    bounds tell which can't. A patch whose distance d to its centre is at most half the covering radius can't: every new
    centre is at least a radius away from that centre, so by the triangle inequality at least d away from the patch.
    And where the processor multiplies bfloat16 much sooner, the product is made in it first; a patch whose distance,
    less the most that rounding can have taken, isn't below d can't either. The others are computed in float32.
    Memory: the projected patches, 4 N min(C, projection) bytes (6 with bfloat16), and blocks of fixed size.
    """
    points, first = _prepared(patches, k, seed, projection, start)
    from tqdm.auto import tqdm

    squares = np.einsum("ij,ij->i", points, points)  # (N,)
    nearest = np.full(len(points), np.inf, np.float32)  # squared distance to the nearest centre; -1 for a centre
    indices, squared_radii = np.empty(k, np.int64), np.empty(k, np.float32)
    indices[0], chosen, done = first, 1, 0
    rounded = Rounded(points, squares) if k > 1 and bfloat16_is_quick() else None
    with tqdm(total=k, desc="coreset", unit="patch", disable=not progress) as bar:
        while True:
            least = squared_radii[chosen - 2] if chosen > 1 else 0.0  # no fresh centre was nearer to an older one
            _bring_up_to_date(points, squares, nearest, indices[done:chosen], least / 4, rounded)
            squared_radii[chosen - 1] = max(nearest.max(), 0.0)
            bar.update(chosen - done)
            if chosen == k:
                return indices, np.sqrt(squared_radii)
            done, chosen = chosen, _choose_in_pool(points, squares, nearest, indices, squared_radii, chosen)


def _bring_up_to_date(points, squares, nearest, fresh, settled: float, rounded: Rounded | None) -> None:
    """Lower `nearest` (N,) to the squared distances from the centres `fresh`, where it is above `settled`."""
    if rounded is None or np.isinf(nearest.max()):  # at the very first centre all is still to be found
        _lower(points, squares, nearest, fresh, np.flatnonzero(nearest > settled))
    else:
        ordered = fresh[nearby(points[fresh], GROUP)]  # like ones together: fewer groups are near to a patch
        for begin in range(0, len(fresh), FRESH):
            part = ordered[begin : begin + FRESH]
            for group, rows in enumerate(rounded.may_change(part, nearest)):
                _lower(points, squares, nearest, part[group * GROUP : (group + 1) * GROUP], rows)
    nearest[fresh] = -1.0


def _lower(points, squares, nearest, fresh, active) -> None:
    """Lower `nearest` in the rows `active` to the squared distances from the centres `fresh`."""
    import torch

    every = torch.from_numpy(points)
    weights = torch.from_numpy(-2 * points[fresh].T)  # (C, F); |p - c|^2 = |p|^2 + (|c|^2 - 2 p.c)
    offsets = torch.from_numpy(squares[fresh])
    for begin in range(0, len(active), ROWS):
        rows = active[begin : begin + ROWS]
        if rows[-1] - rows[0] == len(rows) - 1:
            rows = slice(rows[0], rows[-1] + 1)  # neighbours in memory: no copy
        mine = every[rows] if isinstance(rows, slice) else every.index_select(0, torch.from_numpy(rows))
        products = torch.addmm(offsets, mine, weights)  # (rows, F)
        squared = products.amin(dim=1).numpy() + squares[rows]
        nearest[rows] = np.minimum(nearest[rows], squared.clip(0))


def _choose_in_pool(points, squares, nearest, indices, squared_radii, chosen: int) -> int:
    """Choose among the farthest patches until one outside might be farther; return how many are chosen then.

    On entry `nearest` is up to date. The last one chosen here gets its radius from the caller's next update.
    """
    pool, floor = _farthest(nearest, POOL)
    near, pool_points, pool_squares = nearest[pool], points[pool], squares[pool]
    while chosen < len(indices):
        few, low = _farthest(near, FEW)
        low = max(low, floor)
        close, centres, begin = near[few], pool_points[few], chosen
        between = _squared(centres, pool_squares[few], centres, pool_squares[few]).numpy()  # (few, few)
        picked = []
        while chosen < len(indices):
            best = int(close.argmax())
            if close[best] < low:
                break
            squared_radii[chosen - 1] = max(close[best], 0.0)
            indices[chosen] = pool[few[best]]
            picked.append(best)
            chosen += 1
            np.minimum(close, between[best], out=close, where=close >= 0)
            close[best] = -1.0
        if chosen == begin:
            break
        fresh = few[picked]
        squared = _squared(pool_points, pool_squares, pool_points[fresh], pool_squares[fresh]).amin(dim=1).numpy()
        np.minimum(near, squared, out=near, where=near >= 0)
        near[fresh] = -1.0
    return chosen


def _farthest(near: np.ndarray, most: int) -> tuple[np.ndarray, float]:
    """Return the places of the `most` farthest, sorted (of equals the lowest first), and how far the last is.

    No patch outside is farther than that; where none is outside, it is minus infinity.
    """
    if len(near) <= most:
        return np.arange(len(near)), -np.inf
    places = np.sort(np.argpartition(near, -most)[-most:])
    return places, float(near[places].min())


def _squared(points, squares, centres, centre_squares):
    """Return squared distances (n, m), by torch as all products here: threads of two libraries wait for each other."""
    import torch

    offsets = torch.from_numpy(squares)[:, None] + torch.from_numpy(centre_squares)
    return torch.addmm(offsets, torch.from_numpy(points), torch.from_numpy(centres).T, alpha=-2).clamp_(min=0)


def k_center_greedy_obvious(
    patches: np.ndarray, k: int, *, seed: int, projection: int | None = 128, start: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The same as `k_center_greedy`, the obvious way: one pass over all patches per choice, their norms cached.

    Bound by memory traffic: each choice reads 4 N min(C, projection) bytes. Kept as the reference for tests and
    lessons.
    """
    points, best = _prepared(patches, k, seed, projection, start)
    squares = np.einsum("ij,ij->i", points, points)
    nearest = np.full(len(points), np.inf, np.float32)
    indices, radii = np.empty(k, np.int64), np.empty(k, np.float32)
    for choice in range(k):
        indices[choice] = best
        squared = squares - 2 * (points @ points[best]) + squares[best]
        np.minimum(nearest, squared.clip(0), out=nearest, where=nearest >= 0)
        nearest[best] = -1.0
        best = int(nearest.argmax())
        radii[choice] = np.sqrt(max(nearest[best], 0.0))
    return indices, radii


def random_subset(patches: np.ndarray, k: int, *, seed: int) -> np.ndarray:
    """Return indices (k,) int64 of patches drawn at random without repetition: the baseline of every sampler."""
    _check_k(k, len(check_patches(patches)))
    return np.random.default_rng(seed).choice(len(patches), size=k, replace=False).astype(np.int64)


def k_means(patches: np.ndarray, k: int, *, seed: int) -> np.ndarray:
    """Return k centres (k, C) float32 of scikit-learn's mini-batch k-means: means, not members of `patches`."""
    from sklearn.cluster import MiniBatchKMeans

    patches = check_patches(patches)
    _check_k(k, len(patches))
    means = MiniBatchKMeans(k, init="random", n_init=1, batch_size=max(1024, 2 * k), max_iter=10, random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message="Number of distinct clusters"
        )  # equal patches: equal centres do no harm
        return np.ascontiguousarray(means.fit(patches).cluster_centers_, dtype=np.float32)


def coreset_size(share: float, n: int) -> int:
    """Return how many of n patches the share (0..1] keeps: rounded, and at least one."""
    if not 0 < share <= 1:
        raise InputError(f"coreset is {share}, expected a share above 0 and up to 1, for example 0.10.")
    return max(1, round(share * n))


def _check_k(k: int, n: int) -> None:
    if not is_whole(k) or not 1 <= k <= n:
        raise InputError(f"k is {k!r}, expected a whole number from 1 to the number of patches, {n}.")


def _prepared(patches, k, seed, projection, start) -> tuple[np.ndarray, int]:
    """Check the arguments; return the points (N, D) in which distances are measured, and the first choice."""
    patches = check_patches(patches)
    _check_k(k, len(patches))
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
