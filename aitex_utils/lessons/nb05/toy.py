"""The toy bank of notebook 05: cells, a graph and codes in a plane, with few enough vectors to show a search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from aitex_utils.errors import InputError

CELLS, N_PATCHES, CLEARANCE = 12, 500, 0.25  # CLEARANCE: a marker covers less than this distance in the figures


class ToyBank(NamedTuple):
    """A bank in a plane, its cells, and patches to search for.

    Examples
    --------
    >>> bank = toy_bank()
    >>> bank.vectors.shape, bank.centroids.shape, bank.patches.shape
    ((240, 2), (12, 2), (500, 2))
    """

    vectors: np.ndarray  # (N, 2) float32
    centroids: np.ndarray  # (nlist, 2) float32
    patches: np.ndarray  # (n, 2) float32
    patch: np.ndarray  # (2,) one of the patches, close to the border of a cell


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


def toy_bank(seed: int = 2) -> ToyBank:
    """Return the toy bank: four groups of vectors, 12 cells, and patches near the vectors.

    Parameters
    ----------
    seed : int
        Seed of the vectors and the patches.

    Returns
    -------
    ToyBank

    Examples
    --------
    >>> bank = toy_bank()
    >>> search = search_cells(bank.vectors, bank.centroids, bank.patch, nprobe=1)
    >>> search.result == search.nearest
    False
    """
    rng = np.random.default_rng(seed)
    middles = np.array([[-2.0, 0.5], [0.2, -1.2], [1.5, 1.2], [3.0, -0.6]])
    vectors = (middles[rng.integers(4, size=240)] + 0.55 * rng.normal(size=(240, 2))).astype(np.float32)
    centroids = k_means(vectors, CELLS)
    patches = vectors[rng.integers(len(vectors), size=N_PATCHES)] + 0.35 * rng.normal(size=(N_PATCHES, 2))
    patches = patches.astype(np.float32)
    inside = ((patches > vectors.min(axis=0)) & (patches < vectors.max(axis=0))).all(axis=1)
    patch = border_patch(vectors, centroids, patches[inside], clearance=CLEARANCE)
    return ToyBank(vectors, centroids, patches, patch)


def k_means(vectors: np.ndarray, k: int, seed: int = 1, steps: int = 30) -> np.ndarray:
    """Return centroids by Lloyd's algorithm.

    Parameters
    ----------
    vectors : ndarray, shape (N, C)
        The bank.
    k : int
        Number of centroids, at most N.
    seed : int
        Seed of the start, which is k of the vectors.
    steps : int
        Number of steps.

    Returns
    -------
    ndarray, shape (k, C)

    Examples
    --------
    >>> sorted(k_means(np.array([[0.0], [1.0], [8.0], [9.0]]), 2).ravel().tolist())
    [0.5, 8.5]
    """
    centroids = vectors[np.random.default_rng(seed).choice(len(vectors), k, replace=False)]
    for _ in range(steps):
        cell_of = nearest_index(vectors, centroids)
        centroids = np.stack(
            [vectors[cell_of == i].mean(axis=0) if (cell_of == i).any() else centroids[i] for i in range(k)]
        )
    return centroids


def toy_codebooks(vectors: np.ndarray, k: int = 6) -> np.ndarray:
    """Return one codebook per channel, by k-means.

    Parameters
    ----------
    vectors : ndarray, shape (N, S)
        Each channel is one part.
    k : int
        Number of entries per codebook.

    Returns
    -------
    ndarray, shape (S, k, 1)

    Examples
    --------
    >>> toy_codebooks(np.array([[0.0, 5.0], [1.0, 5.0], [1.0, 7.0]]), k=2).shape
    (2, 2, 1)
    """
    return np.stack([k_means(vectors[:, [s]], k) for s in range(vectors.shape[1])])


def link_neighbours(vectors: np.ndarray, n_links: int = 3) -> list[list[int]]:
    """Link each vector to the nearest vectors among the vectors before it, in both directions.

    Parameters
    ----------
    vectors : ndarray, shape (N, C)
        The bank.
    n_links : int
        Number of links from each vector to earlier ones.

    Returns
    -------
    list of list of int
        Neighbours of each vector.

    Examples
    --------
    >>> link_neighbours(np.array([[0.0], [9.0], [1.0]]), n_links=1)
    [[1, 2], [0], [0]]
    """
    graph: list[list[int]] = [[] for _ in vectors]
    for i in range(1, len(vectors)):
        for j in np.linalg.norm(vectors[:i] - vectors[i], axis=1).argsort(kind="stable")[:n_links].tolist():
            graph[i].append(j)
            graph[j].append(i)
    return graph


def nprobe_curve(bank: ToyBank) -> tuple[np.ndarray, np.ndarray]:
    """Return recall@1 and the computed distances per patch for each `nprobe`.

    Parameters
    ----------
    bank : ToyBank
        All its patches are searched for.

    Returns
    -------
    recalls : ndarray, shape (nlist,)
        For `nprobe` from 1 to nlist.
    shares : ndarray, shape (nlist,)
        Distances to centroids and to vectors, as a share of the distances of an exact search.

    Examples
    --------
    >>> recalls, shares = nprobe_curve(toy_bank())
    >>> float(recalls[-1]), round(float(shares[-1]), 2)
    (1.0, 1.05)
    """
    order = np.argsort(((bank.patches[:, None] - bank.centroids) ** 2).sum(axis=2), axis=1)  # (n, nlist)
    cell_of = nearest_index(bank.vectors, bank.centroids)
    counts = np.bincount(cell_of, minlength=len(bank.centroids))[order].cumsum(axis=1)  # vectors searched
    cell_of_nearest = cell_of[nearest_index(bank.patches, bank.vectors)]
    position = (order == cell_of_nearest[:, None]).argmax(axis=1)  # of the cell with the nearest vector
    recalls = np.array([(position < nprobe).mean() for nprobe in range(1, len(bank.centroids) + 1)])
    return recalls, (len(bank.centroids) + counts.mean(axis=0)) / len(bank.vectors)


def searched_in_cells(bank: ToyBank, nprobe: int) -> tuple[np.ndarray, np.ndarray]:
    """Return all distances of the toy bank, and which vectors a search in cells compares.

    Parameters
    ----------
    bank : ToyBank
        All its patches are searched for.
    nprobe : int
        Number of cells searched.

    Returns
    -------
    distances : ndarray, shape (n, N)
        From each patch to each vector.
    is_searched : ndarray, shape (n, N)
        Bool, True if the vector is in a searched cell.

    Examples
    --------
    >>> distances, is_searched = searched_in_cells(toy_bank(), 12)
    >>> distances.shape, bool(is_searched.all())
    ((500, 240), True)
    """
    order = np.argsort(((bank.patches[:, None] - bank.centroids) ** 2).sum(axis=2), axis=1)[:, :nprobe]
    is_searched = (order[:, :, None] == nearest_index(bank.vectors, bank.centroids)).any(axis=1)
    return np.linalg.norm(bank.patches[:, None] - bank.vectors, axis=2), is_searched


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


def border_patch(
    vectors: np.ndarray, centroids: np.ndarray, patches: np.ndarray, *, clearance: float = 0.0
) -> np.ndarray:
    """Return the patch that loses most when one cell is searched instead of two.

    Parameters
    ----------
    vectors : ndarray, shape (N, C)
        The bank.
    centroids : ndarray, shape (nlist, C)
        One per cell.
    patches : ndarray, shape (n, C)
        Patches to choose from. Those whose nearest vector lies in neither cell do not count.
    clearance : float
        Smallest distance to the nearest vector, so that a marker at the patch does not cover it.

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
    nearest = distances.min(axis=1)
    counts = (with_two == nearest) & np.isfinite(with_one) & (nearest >= clearance)
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
