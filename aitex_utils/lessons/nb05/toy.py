"""The toys of notebook 05: cells, a graph and codes in a plane, few enough vectors to see what a search does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from aitex_utils.errors import InputError


class CellSearch(NamedTuple):
    """A search in the cells around the centroids nearest to a patch.

    Examples
    --------
    >>> vectors, centroids = np.array([[0.0], [4.5], [5.2]]), np.array([[2.0], [8.0]])
    >>> search = search_cells(vectors, centroids, np.array([4.9]), nprobe=1)
    >>> search.result, search.nearest
    (1, 2)
    """

    probed: np.ndarray  # (nprobe,) cells that are searched, the nearest first
    is_searched: np.ndarray  # (N,) bool, True for vectors in these cells
    distances: np.ndarray  # (N,) from the patch to all vectors
    result: int | None  # nearest vector in these cells, None where they are empty
    nearest: int  # nearest of all vectors


def nearest_index(points: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Return the index of the nearest vector to each point.

    Parameters
    ----------
    points : ndarray, shape (n, C)
        Queries.
    vectors : ndarray, shape (M, C)
        Vectors, or centroids.

    Returns
    -------
    ndarray, shape (n,)

    Examples
    --------
    >>> nearest_index(np.array([[1.0], [9.0]]), np.array([[0.0], [10.0]])).tolist()
    [0, 1]
    """
    return ((points[:, None] - vectors[None]) ** 2).sum(axis=2).argmin(axis=1)


def search_cells(vectors: np.ndarray, centroids: np.ndarray, patch: np.ndarray, nprobe: int) -> CellSearch:
    """Search the cells around the centroids nearest to a patch.

    Parameters
    ----------
    vectors : ndarray, shape (N, C)
        The bank; each vector belongs to the cell of its nearest centroid.
    centroids : ndarray, shape (nlist, C)
        One per cell.
    patch : ndarray, shape (C,)
        Query.
    nprobe : int
        Number of cells searched.

    Returns
    -------
    CellSearch

    Examples
    --------
    >>> vectors, centroids = np.array([[0.0], [4.5], [5.2]]), np.array([[2.0], [8.0]])
    >>> search_cells(vectors, centroids, np.array([4.9]), nprobe=2).result
    2
    """
    probed = np.argsort(((centroids - patch) ** 2).sum(axis=1))[:nprobe]
    is_searched = np.isin(nearest_index(vectors, centroids), probed)
    distances = np.linalg.norm(vectors - patch, axis=1)
    result = int(np.where(is_searched, distances, np.inf).argmin()) if is_searched.any() else None
    return CellSearch(probed, is_searched, distances, result, int(distances.argmin()))


def border_patch(vectors: np.ndarray, centroids: np.ndarray, patches: np.ndarray) -> np.ndarray:
    """Return the patch that loses most when one cell is searched instead of two.

    Parameters
    ----------
    vectors : ndarray, shape (N, C)
        The bank.
    centroids : ndarray, shape (nlist, C)
        One per cell.
    patches : ndarray, shape (n, C)
        Patches to choose from. Those whose nearest vector lies in neither cell do not count.

    Returns
    -------
    ndarray, shape (C,)

    Raises
    ------
    InputError
        If no patch loses anything.

    Examples
    --------
    >>> vectors, centroids = np.array([[0.0], [4.5], [5.2]]), np.array([[2.0], [8.0]])
    >>> border_patch(vectors, centroids, np.array([[1.0], [4.9], [6.0]])).tolist()
    [4.9]
    """
    distances = np.linalg.norm(patches[:, None] - vectors, axis=2)  # (n, N)
    order = ((patches[:, None] - centroids) ** 2).sum(axis=2).argsort(axis=1)  # (n, nlist)
    cell_of = nearest_index(vectors, centroids)
    with_one, with_two = (
        np.where((order[:, :nprobe, None] == cell_of).any(axis=1), distances, np.inf).min(axis=1) for nprobe in (1, 2)
    )
    counts = (with_two == distances.min(axis=1)) & np.isfinite(with_one)
    loss = np.subtract(with_one, with_two, out=np.full(len(patches), -1.0), where=counts)
    if loss.max() <= 0:
        raise InputError("No patch loses anything with one cell instead of two: give more patches, or more centroids.")
    return patches[loss.argmax()]


def count_compared(graph: Sequence[Sequence[int]], path: Sequence[int]) -> int:
    """Count the vectors whose distance a walk computes: those on its path, and all their neighbours.

    Parameters
    ----------
    graph : sequence of sequence of int
        Neighbours of each vector.
    path : sequence of int
        Vectors that the walk passes.

    Returns
    -------
    int

    Examples
    --------
    >>> count_compared([[1], [0, 2], [1, 3], [2]], [0, 1])
    3
    """
    return len(set(path) | {neighbour for vector in path for neighbour in graph[vector]})


def reconstruct(vectors: np.ndarray, codebooks: np.ndarray) -> np.ndarray:
    """Replace each channel of each vector by the nearest entry of its codebook.

    Parameters
    ----------
    vectors : ndarray, shape (N, S)
        Each channel is a part of its own.
    codebooks : ndarray, shape (S, K, 1)
        K entries per part.

    Returns
    -------
    ndarray, shape (N, S)

    Examples
    --------
    >>> codebooks = np.array([[[0.0], [5.0]], [[0.0], [1.0]]])
    >>> reconstruct(np.array([[4.0, 0.2]]), codebooks).tolist()
    [[5.0, 0.0]]
    """
    codes = [nearest_index(vectors[:, [s]], codebook) for s, codebook in enumerate(codebooks)]
    return np.stack([codebook[code, 0] for codebook, code in zip(codebooks, codes, strict=True)], axis=1)
