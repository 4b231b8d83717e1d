"""The course's own functions for the exercises of notebook 05, with which its cells run until yours pass."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

TOLERANCE = 1e-5  # relative: a vector this much farther than the nearest vector is a tie


def exact_search(patches: np.ndarray, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the nearest vector of each patch by one matrix product.

    Parameters
    ----------
    patches : ndarray, shape (n, C)
        Queries.
    vectors : ndarray, shape (M, C)
        The bank.

    Returns
    -------
    distances : ndarray, shape (n,)
        Not squared.
    indices : ndarray, shape (n,)

    Examples
    --------
    >>> distances, indices = exact_search(np.array([[0.0, 0], [6, 7]]), np.array([[0.0, 0], [3, 4], [6, 8]]))
    >>> distances.tolist(), indices.tolist()
    ([0.0, 1.0], [0, 2])
    """
    squares = (patches**2).sum(axis=1)[:, None] - 2 * patches @ vectors.T + (vectors**2).sum(axis=1)
    indices = squares.argmin(axis=1)
    return np.sqrt(np.maximum(squares[np.arange(len(indices)), indices], 0)), indices


def recall_at_one(patches: np.ndarray, vectors: np.ndarray, indices: np.ndarray, exact_indices: np.ndarray) -> float:
    """Return the share of patches for which a search found a vector as near as the nearest vector.

    Parameters
    ----------
    patches : ndarray, shape (n, C)
        Queries.
    vectors : ndarray, shape (M, C)
        The bank.
    indices : ndarray, shape (n,)
        Vectors found, -1 for none.
    exact_indices : ndarray, shape (n,)
        Vectors found by an exact search.

    Returns
    -------
    float

    Examples
    --------
    >>> vectors = np.array([[0.0], [4.0], [9.0]])
    >>> recall_at_one(np.array([[1.0], [3.0]]), vectors, np.array([0, -1]), np.array([0, 1]))
    0.5
    """
    distances = np.linalg.norm(patches - vectors[indices], axis=1)
    nearest = np.linalg.norm(patches - vectors[exact_indices], axis=1)
    return float(((distances <= nearest * (1 + TOLERANCE)) & (indices >= 0)).mean())


def recall_of_cells(distances: np.ndarray, is_searched: np.ndarray) -> float:
    """Return recall@1 of a search in cells, from all distances and from the vectors that were searched.

    Parameters
    ----------
    distances : ndarray, shape (n, M)
        From each patch to each vector.
    is_searched : ndarray, shape (n, M)
        Bool, True if the vector is in a cell that was searched for the patch.

    Returns
    -------
    float

    Examples
    --------
    >>> recall_of_cells(np.array([[1.0, 2.0], [2.0, 1.0]]), np.array([[True, False], [True, False]]))
    0.5
    """
    found = np.where(is_searched, distances, np.inf).min(axis=1)
    return float((found <= distances.min(axis=1) * (1 + TOLERANCE)).mean())


def search_cells(
    patches: np.ndarray, vectors: np.ndarray, centroids: np.ndarray, nprobe: int
) -> tuple[np.ndarray, np.ndarray]:
    """Find the nearest vector of each patch in the cells of the nearest centroids.

    Parameters
    ----------
    patches : ndarray, shape (n, C)
        Queries.
    vectors : ndarray, shape (M, C)
        The bank.
    centroids : ndarray, shape (nlist, C)
        Each vector belongs to the cell of its nearest centroid.
    nprobe : int
        Number of cells searched.

    Returns
    -------
    distances : ndarray, shape (n,)
        Not squared; infinity if the cells contain no vector.
    indices : ndarray, shape (n,)
        -1 if the cells contain no vector.

    Examples
    --------
    >>> vectors, centroids = np.array([[0], [1], [4.5], [5.2], [9]]), np.array([[2], [8]])
    >>> [search_cells(np.array([[4.9]]), vectors, centroids, nprobe)[1].tolist() for nprobe in (1, 2)]
    [[2], [3]]
    """
    cell_of = exact_search(vectors, centroids)[1]
    distances, indices = np.full(len(patches), np.inf), np.full(len(patches), -1)
    for i, patch in enumerate(patches):
        cells = np.linalg.norm(centroids - patch, axis=1).argsort()[:nprobe]
        members = np.flatnonzero(np.isin(cell_of, cells))
        if len(members):
            to_members = np.linalg.norm(vectors[members] - patch, axis=1)
            distances[i], indices[i] = to_members.min(), members[to_members.argmin()]
    return distances, indices


def encode(vectors: np.ndarray, codebooks: np.ndarray) -> tuple[np.ndarray, int]:
    """Return the code of each part of each vector, and the bytes of codes and codebooks.

    Parameters
    ----------
    vectors : ndarray, shape (N, C)
        The bank.
    codebooks : ndarray, shape (S, K, C / S)
        K entries for each of the S parts, at most 256.

    Returns
    -------
    codes : ndarray, shape (N, S)
        uint8.
    size : int
        Bytes.

    Examples
    --------
    >>> codebooks = np.array([[[0], [5]], [[9], [0]]], np.float32)
    >>> codes, size = encode(np.array([[4, 8]], np.float32), codebooks)
    >>> codes.tolist(), size
    ([[1, 0]], 18)
    """
    parts = vectors.reshape(len(vectors), len(codebooks), -1)  # (N, S, C / S)
    columns = [exact_search(parts[:, s], codebook)[1] for s, codebook in enumerate(codebooks)]
    codes = np.stack(columns, axis=1).astype(np.uint8)
    return codes, codes.nbytes + codebooks.nbytes


def add_later(invlists: Sequence[Sequence[int]], centroids: np.ndarray, new: np.ndarray) -> list[list[int]]:
    """Return inverted lists with the indices of new vectors added.

    Parameters
    ----------
    invlists : sequence of sequence of int
        Indices of the vectors of each cell.
    centroids : ndarray, shape (nlist, C)
        They stay as they are.
    new : ndarray, shape (n, C)
        New vectors; their indices follow the existing ones.

    Returns
    -------
    list of list of int

    Examples
    --------
    >>> add_later([[0, 2], [1], []], np.array([[0], [10], [20]]), np.array([[9], [1], [12]]))
    [[0, 2, 4], [1, 3, 5], []]
    """
    grown, first = [list(cell) for cell in invlists], sum(len(cell) for cell in invlists)
    for i, cell in enumerate(exact_search(new, centroids)[1]):
        grown[cell].append(first + i)
    return grown
