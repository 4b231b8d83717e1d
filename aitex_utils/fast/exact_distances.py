"""Nearest neighbours that depend on the vectors alone, not on blocks, threads or processor.

A matrix product gives many squared distances at once, |p - m|^2 = |p|^2 - 2 p.m + |m|^2. Its last digits depend on the
order of the additions, and far from the origin all digits do. So products only find candidates: everything that
rounding could hide. Distances from differences, in float64, decide among them, and the lowest index among equals.
"""

from __future__ import annotations

import numpy as np

PAIRS = 1024  # differences computed at once: they stay in the cache
PRODUCT = 2**21  # numbers of one product in float64
SLACK = 16  # roundings besides the products' roundings: of norms, of the centring, of sums


def paired_squared_distances(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the squared distance of each row on the left to the same row on the right.

    Parameters
    ----------
    left, right : ndarray, shape (n, C)
        float32; one of them can have a single row.

    Returns
    -------
    ndarray, shape (n,)
        float64, computed from differences.

    Examples
    --------
    >>> paired_squared_distances(np.array([[1e4], [1e4 + 2]]), np.array([[1e4]])).tolist()
    [0.0, 4.0]
    """
    n = max(len(left), len(right))
    squares = np.empty(n)
    for begin in range(0, n, PAIRS):
        rows = slice(begin, begin + PAIRS)
        differences = (left[rows] if len(left) > 1 else left).astype(np.float64)
        differences = differences - (right[rows] if len(right) > 1 else right)
        np.einsum("ij,ij->i", differences, differences, out=squares[rows])
    return squares


def squared_distances_at(
    points: np.ndarray, rows: np.ndarray, others: np.ndarray, other_rows: np.ndarray
) -> np.ndarray:
    """Return the squared distances of pairs of rows, given by their indices.

    Parameters
    ----------
    points, others : ndarray, shape (N, C) and (M, C)
        float32.
    rows, other_rows : ndarray, shape (n,)
        Indices into `points` and into `others`.

    Returns
    -------
    ndarray, shape (n,)
        float64, computed from differences.

    Examples
    --------
    >>> line = np.array([[0.0], [1.0], [3.0]])
    >>> squared_distances_at(line, np.array([0, 1]), line, np.array([2, 2])).tolist()
    [9.0, 4.0]
    """
    pieces = [slice(begin, begin + PAIRS) for begin in range(0, len(rows), PAIRS)]
    squares = [paired_squared_distances(points[rows[one]], others[other_rows[one]]) for one in pieces]
    return np.concatenate(squares) if squares else np.empty(0)


def rounding_of_products(lengths: np.ndarray, longest: float, channels: int) -> np.ndarray:
    """Return how far rounding can move a squared distance that float32 products gave.

    Parameters
    ----------
    lengths : ndarray, shape (n,)
        Lengths of the vectors on one side.
    longest : float
        Largest length on the other side.
    channels : int
        Number of channels C.

    Returns
    -------
    ndarray, shape (n,)

    Notes
    -----
    In whatever order C products are added, the error is at most about C u |p| |m| with u = 2^-24 (Higham, "Accuracy and
    Stability of Numerical Algorithms", 2002, section 3.1). Three such sums give (C + `SLACK`) u (|p| + |m|)^2.

    Examples
    --------
    >>> round(float(rounding_of_products(np.array([1.0]), 1.0, 112)[0] / 2**-15), 9)
    1.0
    """
    underflow = 1e-37 * channels  # what is smaller than float32's smallest number is lost
    return (channels + SLACK) * 2.0**-24 * (lengths + longest) ** 2 + underflow


@np.errstate(invalid="ignore")  # some BLAS libraries raise the flag on products of finite numbers (numpy #24067)
def brute_force_search(queries: np.ndarray, vectors: np.ndarray, k: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Compare each query with all vectors, in float64: the reference for every faster search.

    Parameters
    ----------
    queries : ndarray, shape (n, C)
        float32.
    vectors : ndarray, shape (N, C)
        float32.
    k : int
        Number of neighbours, 1 to N.

    Returns
    -------
    squared_distances : ndarray, shape (n, k)
        float64, nearest first.
    indices : ndarray, shape (n, k)
        int64; of equal distances the lower index comes first.

    Examples
    --------
    >>> brute_force_search(np.array([[1.0]]), np.array([[0.0], [2.0], [5.0]]), k=2)[1].tolist()
    [[0, 1]]
    """
    mean = vectors.mean(axis=0, dtype=np.float64)
    centred = vectors - mean
    norms = np.einsum("ij,ij->i", centred, centred)
    longest = float(np.sqrt(norms.max()))
    squares, indices = np.empty((len(queries), k)), np.empty((len(queries), k), np.int64)
    step = max(1, PRODUCT // len(vectors))
    for begin in range(0, len(queries), step):
        block = queries[begin : begin + step]
        points = block - mean
        lengths = np.sqrt(np.einsum("ij,ij->i", points, points))
        partial = norms - 2 * points @ centred.T  # (n, N): squared distances less |p|^2
        kth = np.partition(partial, k - 1, axis=1)[:, k - 1]
        slack = rounding_of_products(lengths, longest, vectors.shape[1]) * 2.0**-28  # float64 has 29 more bits
        rows, candidates = np.nonzero(partial <= (kth + 2 * slack)[:, None])
        of_pairs = squared_distances_at(block, rows, vectors, candidates)
        order = np.lexsort((candidates, of_pairs, rows))
        first = np.searchsorted(rows, np.arange(len(block)))  # rows are sorted, before and after
        taken = order[first[:, None] + np.arange(k)]
        squares[begin : begin + step], indices[begin : begin + step] = of_pairs[taken], candidates[taken]
    return squares, indices
