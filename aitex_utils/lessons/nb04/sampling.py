"""Greedy sampling as notebook 04 builds it: the course's versions of its exercises, and the fast greedy around them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from aitex_utils.memory_bank import MemoryBank

POOL_SIZE = 512  # farthest patches among which the next ones are chosen
ROWS = 4096  # patches of one product: its result fits into a core's cache


def covering_radius(patches: np.ndarray, chosen: np.ndarray) -> float:
    """Return the largest distance of any patch to its nearest chosen patch (exercise 04.1).

    Parameters
    ----------
    patches : ndarray, shape (N, C)
        Patches to cover.
    chosen : ndarray, shape (k, C)
        Chosen patches, or any other centres.

    Returns
    -------
    float

    Examples
    --------
    >>> covering_radius(np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([[0.0, 0.0]]))
    5.0
    """
    return float(np.linalg.norm(patches[:, None] - chosen, axis=2).min(axis=1).max())


def radius_by_search(patches: np.ndarray, chosen: np.ndarray) -> float:
    """Return the covering radius of many patches, with a memory bank that searches in blocks.

    Parameters
    ----------
    patches : ndarray, shape (N, C)
        Patches to cover.
    chosen : ndarray, shape (k, C)
        Chosen patches, or any other centres.

    Returns
    -------
    float

    Examples
    --------
    >>> radius_by_search(np.array([[0.0, 0.0], [3.0, 4.0]], np.float32), np.zeros((1, 2), np.float32))
    5.0
    """
    return float(MemoryBank().add(chosen).search(patches)[0].max())


def farthest_first(patches: np.ndarray, k: int, start: int) -> tuple[np.ndarray, np.ndarray]:
    """Choose k patches, each the farthest from all previous choices (exercise 04.2).

    Parameters
    ----------
    patches : ndarray, shape (N, C)
        Patches.
    k : int
        Number of choices.
    start : int
        Index of the first choice.

    Returns
    -------
    indices : ndarray, shape (k,)
        In the order of choice.
    radii : ndarray, shape (k,)
        Covering radius after each choice.

    Examples
    --------
    >>> indices, radii = farthest_first(np.array([[0.0], [1.0], [5.0], [9.0], [20.0]]), 3, 1)
    >>> indices.tolist(), radii.tolist()
    ([1, 4, 3], [19.0, 8.0, 4.0])
    """
    nearest = np.full(len(patches), np.inf, np.float32)
    indices, radii, best = [], [], start
    for _ in range(k):
        indices.append(best)
        nearest = np.minimum(nearest, np.linalg.norm(patches - patches[best], axis=1))
        best = int(nearest.argmax())
        radii.append(nearest[best])
    return np.array(indices), np.array(radii)


def bytes_moved(n: int, channels: int, k: int, block: int = 1) -> int:
    """Return the bytes moved while k of n patches are chosen, `block` per pass (exercise 04.3).

    Parameters
    ----------
    n, channels : int
        Numbers of patches and of their channels.
    k : int
        Number of choices.
    block : int
        Choices that one pass serves.

    Returns
    -------
    int

    Examples
    --------
    >>> bytes_moved(10, 2, 3, 2)
    320
    """
    return -(-k // block) * 4 * (n * channels + 2 * n)


def choose_inside(pool: np.ndarray, near: np.ndarray, floor: float, most: int) -> list[int]:
    """Choose greedily inside a pool, as long as its farthest patch is at least as far as the floor (exercise 04.4).

    Parameters
    ----------
    pool : ndarray, shape (P, C)
        The farthest patches.
    near : ndarray, shape (P,)
        Squared distance of each to its nearest centre.
    floor : float
        Squared distance that no patch outside the pool exceeds.
    most : int
        Largest number of choices.

    Returns
    -------
    list of int
        Positions in the pool, in the order of choice.

    Examples
    --------
    >>> pool = np.array([[0.0, 0.0], [0.0, 2.0], [7.0, 0.0], [0.0, 4.0]])
    >>> choose_inside(pool, np.array([30.0, 26.0, 25.0, 27.0]), 25.0, 9)
    [0, 2]
    """
    chosen: list[int] = []
    while len(chosen) < most:
        best = int(near.argmax())
        if near[best] < floor:
            break
        chosen.append(best)
        near = np.minimum(near, ((pool - pool[best]) ** 2).sum(axis=1))
    return chosen


def size_for(radii: np.ndarray, max_radius: float) -> int:
    """Return the smallest coreset size whose radius is at most `max_radius`, or 0 (exercise 04.5).

    Parameters
    ----------
    radii : ndarray, shape (K,)
        Covering radius after each choice.
    max_radius : float
        Largest radius allowed.

    Returns
    -------
    int

    Examples
    --------
    >>> size_for(np.array([9.0, 6.0, 5.0, 2.0]), 5.0)
    3
    """
    enough = np.flatnonzero(np.asarray(radii) <= max_radius)
    return int(enough[0]) + 1 if len(enough) else 0


def update_nearest(patches: np.ndarray, nearest: np.ndarray, centres: np.ndarray, rows: int = ROWS) -> np.ndarray:
    """Return the squared distance of each patch to its nearest centre, after some centres were added.

    Parameters
    ----------
    patches : ndarray, shape (N, C)
        Patches.
    nearest : ndarray, shape (N,)
        Squared distances to the nearest previous centre.
    centres : ndarray, shape (m, C)
        New centres.
    rows : int
        Patches per product.

    Returns
    -------
    ndarray, shape (N,)

    Examples
    --------
    >>> patches = np.array([[0.0, 0.0], [3.0, 4.0]], np.float32)
    >>> update_nearest(patches, np.full(2, np.inf, np.float32), patches[:1]).tolist()
    [0.0, 25.0]
    """
    result, weights, offsets = nearest.copy(), -2 * centres.T, (centres**2).sum(axis=1)
    for begin in range(0, len(patches), rows):
        part = slice(begin, begin + rows)
        products = patches[part] @ weights
        products += offsets
        squared = products.min(axis=1) + (patches[part] ** 2).sum(axis=1)
        result[part] = np.minimum(nearest[part], squared.clip(0))
    return result


def fast_greedy(
    patches: np.ndarray,
    k: int,
    start: int,
    choose: Callable[[np.ndarray, np.ndarray, float, int], Sequence[int]],
    size: int = POOL_SIZE,
) -> tuple[np.ndarray, int]:
    """Choose k patches in greedy's order, inside pools of the farthest patches.

    Parameters
    ----------
    patches : ndarray, shape (N, C)
        Patches.
    k : int
        Number of choices.
    start : int
        Index of the first choice.
    choose : callable
        Chooses inside a pool, see `choose_inside`.
    size : int
        Patches in a pool.

    Returns
    -------
    indices : ndarray, shape (k,)
        In the order of choice.
    passes : int
        How many times all patches were read.

    Examples
    --------
    >>> patches = np.array([[0.0], [1.0], [5.0], [9.0], [20.0]], np.float32)
    >>> order, passes = fast_greedy(patches, 3, 1, choose_inside, size=2)
    >>> order.tolist(), passes
    ([1, 4, 3], 2)
    """
    nearest = np.full(len(patches), np.inf, np.float32)
    order, done, passes = [start], 0, 0
    while True:
        nearest = update_nearest(patches, nearest, patches[order[done:]])
        done, passes = len(order), passes + 1
        if done == k:
            return np.array(order), passes
        pool = np.argpartition(nearest, -size)[-size:]
        chosen = choose(patches[pool], nearest[pool], nearest[pool].min(), k - done)
        order += pool[chosen].tolist()
