"""The course's solutions of the exercises of notebook 11."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .toy import farthest_first


def tree_bound(radii: np.ndarray, parents: np.ndarray) -> float:
    """Return the bound on the covering radius at the root of a tree of unions (exercise 11.1).

    Parameters
    ----------
    radii : ndarray, shape (n,)
        Radius of the greedy choice at each node.
    parents : ndarray, shape (n,)
        Number of each node's parent, larger than its own; -1 for the root, which is the last node.

    Returns
    -------
    float

    Examples
    --------
    >>> tree_bound(np.array([2.0, 3.0, 1.0]), np.array([2, 2, -1]))
    4.0
    """
    bounds = np.array(radii, float)
    for node, parent in enumerate(parents):
        if parent >= 0:
            bounds[parent] = max(bounds[parent], radii[parent] + bounds[node])
    return float(bounds[-1])


def merge_coresets(coresets: Sequence[np.ndarray], radii: Sequence[float], k: int) -> tuple[np.ndarray, float]:
    """Return k patches of the union of coresets, and a bound on their covering radius (exercise 11.2).

    Parameters
    ----------
    coresets : sequence of ndarray, each of shape (n, C)
        Coresets of blocks.
    radii : sequence of float
        Covering radius of each.
    k : int
        Number of patches to keep.

    Returns
    -------
    chosen : ndarray, shape (k, C)
    bound : float

    Examples
    --------
    >>> merge_coresets([np.array([[0.0], [1.0]]), np.array([[5.0], [9.0]])], [0.5, 2.0], 3)[1]
    3.0
    """
    union = np.concatenate(list(coresets))
    indices, radius = farthest_first(union, k)
    return union[indices], radius + max(radii)


def largest_block(limit: int, base: int, workers: int, strip_patches: int, patch_bytes: int) -> int:
    """Return the largest block, in patches, with which all workers fit into memory (exercise 11.3).

    Parameters
    ----------
    limit : int
        Bytes of memory for all workers.
    base : int
        Bytes that each worker takes before its first block.
    workers : int
        Number of workers.
    strip_patches : int
        Patches of a strip, which is never split.
    patch_bytes : int
        Bytes that a patch takes while its block is reduced, all copies together.

    Returns
    -------
    int
        A multiple of `strip_patches`, 0 if not even one strip fits.

    Examples
    --------
    >>> largest_block(1000, 100, 2, 30, 4)
    90
    """
    room = limit // workers - base
    return max(0, room // (strip_patches * patch_bytes)) * strip_patches


def shortest_time(seconds: np.ndarray, needs: Sequence[Sequence[int]], workers: int) -> float:
    """Return a lower bound on the time of a task graph: its longest chain, or the work per worker (exercise 11.5).

    Parameters
    ----------
    seconds : ndarray, shape (n,)
        Seconds of each task.
    needs : sequence of sequence of int
        For each task the numbers of the tasks that must end before it begins, all smaller than its own.
    workers : int
        Number of workers.

    Returns
    -------
    float

    Examples
    --------
    >>> shortest_time(np.array([3.0, 5.0, 2.0]), [[], [], [0, 1]], 2)
    7.0
    """
    ends: list[float] = []
    for own, before in zip(seconds, needs, strict=True):
        ends.append(float(own) + max((ends[task] for task in before), default=0.0))
    return max(max(ends), float(np.sum(seconds)) / workers)


def split_worker_time(
    begins: np.ndarray, ends: np.ndarray, moving: np.ndarray, workers: int, wall: float
) -> tuple[float, float, float]:
    """Split the time of all workers into computing, moving data, and waiting (exercise 11.4).

    Parameters
    ----------
    begins, ends : ndarray, shape (n,)
        Seconds at which each task began and ended.
    moving : ndarray, shape (n,)
        Seconds of each task in which it moved data instead of computing.
    workers : int
        Number of workers.
    wall : float
        Seconds from the start of the program to its end.

    Returns
    -------
    computing, moving, waiting : float
        Seconds, summed over the workers.

    Examples
    --------
    >>> split_worker_time(np.array([2.0, 3.0]), np.array([5.0, 6.0]), np.array([1.0, 0.0]), 2, 6.0)
    (5.0, 1.0, 6.0)
    """
    busy, moved = float(np.sum(ends - begins)), float(np.sum(moving))
    return busy - moved, moved, workers * wall - busy
