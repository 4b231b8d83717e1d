"""The parts of the block-wise greedy coreset: find the farthest patches, and update distances to new centres."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .exact_distances import rounding_of_products, squared_distances_at

ROWS = 2048  # patches of one product: what fits into a core's cache


class End(NamedTuple):
    """The first patch that was left out of a selection of the farthest.

    Examples
    --------
    >>> End(4.0, 7).comes_before(4.0, 8), End(4.0, 7).comes_before(5.0, 8)
    (True, False)
    """

    squared_distance: float
    index: int

    def comes_before(self, squared_distance: float, index: int) -> bool:
        """Return whether it is farther than another patch, or as far and of lower index.

        Parameters
        ----------
        squared_distance : float
            Squared distance of the other patch to its nearest centre.
        index : int
            Its index.

        Returns
        -------
        bool
        """
        return (-self.squared_distance, self.index) < (-squared_distance, index)


def farthest_places(nearest: np.ndarray, most: int) -> tuple[np.ndarray, End]:
    """Return the places of the `most` farthest, sorted, equals by lowest index, and the first place left out.

    Parameters
    ----------
    nearest : ndarray, shape (N,)
        Squared distance of each patch to its nearest centre.
    most : int
        Largest number of places.

    Returns
    -------
    places : ndarray, shape (n,)
        n is `most`, or N if that is less.
    end : End

    Examples
    --------
    >>> places, end = farthest_places(np.array([5.0, 1.0, 7.0, 5.0]), 2)
    >>> places.tolist(), end.index
    ([0, 2], 3)
    """
    if len(nearest) <= most:
        return np.arange(len(nearest)), End(-np.inf, len(nearest))
    floor = np.partition(nearest, -most)[-most]
    farther, equal = np.flatnonzero(nearest > floor), np.flatnonzero(nearest == floor)
    taken = most - len(farther)
    places = np.sort(np.concatenate([farther, equal[:taken]]))
    if taken < len(equal):
        return places, End(float(floor), int(equal[taken]))
    below = nearest < floor
    return places, End(float(nearest.max(where=below, initial=-np.inf)), 0)


def lower_rows(
    points: np.ndarray, squared_norms: np.ndarray, nearest: np.ndarray, centres: np.ndarray, rows: np.ndarray
) -> None:
    """Lower `nearest`, in the given rows, to the squared distances from the centres of indices `centres`.

    Parameters
    ----------
    points : ndarray, shape (N, D)
        float32.
    squared_norms : ndarray, shape (N,)
        Their squared lengths.
    nearest : ndarray, shape (N,)
        Squared distance of each point to its nearest centre, changed in place.
    centres : ndarray, shape (F,)
        Indices of points that became centres.
    rows : ndarray, shape (n,)
        Indices of the points whose distances can change, sorted.

    Examples
    --------
    >>> line, nearest = np.array([[0.0], [1.0], [3.0]], np.float32), np.array([0.0, 1.0, 9.0], np.float32)
    >>> lower_rows(line, line[:, 0] ** 2, nearest, np.array([2]), np.array([1, 2]))
    >>> nearest.tolist()
    [0.0, 1.0, 0.0]
    """
    import torch

    all_points = torch.from_numpy(points)
    centre_points = points[centres]
    weights = torch.from_numpy(-2 * centre_points.T)  # (D, F) because |p - c|^2 = |p|^2 + (|c|^2 - 2 p.c)
    offsets = torch.from_numpy(squared_norms[centres])
    longest = float(np.sqrt(squared_norms[centres].max()))
    for begin in range(0, len(rows), ROWS):
        block = rows[begin : begin + ROWS]
        if block[-1] - block[0] == len(block) - 1:  # neighbours in memory: no copy
            block_points = all_points[block[0] : block[-1] + 1]
        else:
            block_points = all_points.index_select(0, torch.from_numpy(block))
        products = torch.addmm(offsets, block_points, weights)  # (rows, F): squared distances less |p|^2
        least, norms = products.amin(dim=1).numpy(), squared_norms[block]
        slack = rounding_of_products(np.sqrt(norms), longest, points.shape[1])
        closer = np.flatnonzero(least + norms < nearest[block] + slack)
        if not len(closer):
            continue
        limit = torch.from_numpy((least + 2 * slack)[closer].astype(np.float32))
        of_closer, candidates = torch.nonzero(products[torch.from_numpy(closer)] <= limit[:, None], as_tuple=True)
        pair_rows = block[closer[of_closer.numpy()]]
        exact = squared_distances_at(points, pair_rows, centre_points, candidates.numpy())
        np.minimum.at(nearest, pair_rows, exact.astype(np.float32))


def rounded_squared_distances(points: np.ndarray, squared_norms: np.ndarray) -> np.ndarray:
    """Return the squared distances between all points, rounded.

    Parameters
    ----------
    points : ndarray, shape (n, D)
        float32.
    squared_norms : ndarray, shape (n,)
        Their squared lengths.

    Returns
    -------
    ndarray, shape (n, n)
        float32, by PyTorch as all products here, because threads of two libraries would wait for each other.

    Examples
    --------
    >>> rounded_squared_distances(np.array([[1.0], [3.0]]), np.array([1.0, 9.0])).tolist()
    [[0.0, 4.0], [4.0, 0.0]]
    """
    import torch

    tensor, norms = torch.from_numpy(points), torch.from_numpy(squared_norms)
    return torch.addmm(norms[:, None] + norms, tensor, tensor.T, alpha=-2).numpy()
