"""Rule out points whose nearest centre cannot change, by inner products in bfloat16 with a known rounding error.

Some processors multiply bfloat16 several times as fast as float32. A bfloat16 number has 8 significant bits, so
rounding changes it by at most 1 part in 256. For a point p and a centre c only s = p.c - |c|^2 / 2 matters: the
nearest centre has the largest s. A product of two rounded factors is off by at most 2 parts in 256 of |p| |c|
(Cauchy-Schwarz inequality).
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

GROUP = 64  # centres, or vectors, that share one bound
ROWS = 4096  # points in one product: more do not stay in the cache
COLUMNS = 32  # matrices in bfloat16 are padded to a multiple of this, as the processor reads them
UNIT_ROUNDOFF = 2.0**-8  # of bfloat16
_off: list[bool] = []  # one entry for each `bf16_off` that is entered


class Bf16Bound:
    """Points in bfloat16, to find those that might get a nearer centre when new centres are added.

    Parameters
    ----------
    points : ndarray, shape (N, C)
        Points, float32.
    squared_norms : ndarray, shape (N,)
        Their squared lengths, float32.

    Notes
    -----
    s = p.c - |c|^2 / 2 + shift equals (|p|^2 - |p - c|^2) / 2 + shift and is largest for the nearest centre. Three more
    columns of the points are ones, and the same columns of the centres are shift - |c|^2 / 2 in three parts, so one
    matrix product gives s. With the shift every s that matters is above 0, and positive numbers have the same order as
    their bits read as int16.

    Examples
    --------
    >>> points = np.array([[0.0], [1.0], [10.0]], np.float32)
    >>> bound = Bf16Bound(points, points[:, 0] ** 2)
    >>> squared_distances = points[:, 0] ** 2  # to the centre at index 0
    >>> [rows.tolist() for rows in bound.candidates(np.array([2]), squared_distances)]
    [[2]]
    """

    def __init__(self, points: np.ndarray, squared_norms: np.ndarray) -> None:
        import torch

        self.squared_norms, self.norms = squared_norms, np.sqrt(squared_norms)
        width = points.shape[1]
        self.points = zeros_bf16(len(points), width + 3)
        self.points[:, :width], self.points[:, width : width + 3] = torch.from_numpy(points), 1
        self.ones_column = width  # the first of the three

    def candidates(self, new_centres: np.ndarray, nearest: np.ndarray) -> list[np.ndarray]:
        """Return the points that might lie nearer to a new centre than to all previous ones.

        Parameters
        ----------
        new_centres : ndarray, shape (F,)
            Indices of points that became centres.
        nearest : ndarray, shape (N,)
            Squared distance of each point to its nearest previous centre.

        Returns
        -------
        list of ndarray
            For each `GROUP` of the new centres the indices of those points, sorted. No other point can change.
        """
        import torch

        n_groups = -(-len(new_centres) // GROUP)
        padded_norms = np.zeros(n_groups * GROUP, np.float32)
        padded_norms[: len(new_centres)] = self.norms[new_centres]
        # Rounding of two factors, per group, with room for float32's own rounding, and then the rounding of s itself.
        product_error = 2.02 * UNIT_ROUNDOFF * padded_norms.reshape(n_groups, GROUP).max(axis=1)  # times |p|
        shift = float(max(nearest.max(), 0.0)) / 2
        error = 1.02 * UNIT_ROUNDOFF * (shift + self.squared_norms / 2)
        shift += float((error + self.norms * product_error.max()).max()) * 1.01 + 1e-6
        error += 1.02 * UNIT_ROUNDOFF * shift
        shift += 1.02 * UNIT_ROUNDOFF * shift
        threshold = torch.from_numpy(shift + (self.squared_norms - nearest) / 2 - error)[:, None]  # (N, 1)
        norms, product_error = torch.from_numpy(self.norms)[:, None], torch.from_numpy(-product_error)[None]
        centres = zeros_bf16(n_groups * GROUP, self.points.shape[1])
        centres[: len(new_centres)] = self.points[new_centres]
        offsets = torch.zeros(
            len(centres), dtype=torch.float32, device="cpu"
        )  # centres that only pad the last group have s = 0
        offsets[: len(new_centres)] = torch.from_numpy(shift - self.squared_norms[new_centres] / 2)
        split_bf16(centres, self.ones_column, offsets)
        maxima = torch.empty((len(nearest), n_groups), dtype=torch.int16, device="cpu")
        for rows, of_rows in group_maxima(self.points, centres.T.contiguous(), ROWS):
            maxima[rows] = of_rows
        possible = maxima.view(torch.bfloat16).float() >= torch.addcmul(threshold, norms, product_error)
        group, rows = torch.nonzero(possible.T.contiguous(), as_tuple=True)
        return np.split(rows.numpy(), np.searchsorted(group.numpy(), np.arange(1, n_groups)))


def zeros_bf16(rows: int, columns: int) -> torch.Tensor:
    """Return zeros in bfloat16, with the columns padded to the width that the processor reads.

    Parameters
    ----------
    rows, columns : int
        Smallest size.

    Returns
    -------
    torch.Tensor, shape (rows, >= columns)

    Examples
    --------
    >>> zeros_bf16(2, 33).shape
    torch.Size([2, 64])
    """
    import torch

    return torch.zeros((rows, -(-columns // COLUMNS) * COLUMNS), dtype=torch.bfloat16, device="cpu")


def split_bf16(matrix: torch.Tensor, column: int, values: torch.Tensor) -> None:
    """Write float32 values into three columns of a bfloat16 matrix, whose sum is as exact as the values.

    Parameters
    ----------
    matrix : torch.Tensor, shape (N, >= column + 3)
        bfloat16, changed in place.
    column : int
        First of the three columns.
    values : torch.Tensor, shape (N,)
        float32.

    Examples
    --------
    >>> import torch
    >>> matrix = zeros_bf16(1, 3)
    >>> split_bf16(matrix, 0, torch.tensor([0.1234567]))
    >>> round(float(matrix.float().sum()), 7)
    0.1234567
    """
    for place in range(column, column + 3):
        matrix[:, place] = values
        values = values - matrix[:, place].float()


def group_maxima(points: torch.Tensor, centres: torch.Tensor, step: int) -> Iterator[tuple[slice, torch.Tensor]]:
    """Yield the largest inner product of each point with each `GROUP` of centres, `step` points at a time.

    Parameters
    ----------
    points : torch.Tensor, shape (N, D)
        bfloat16.
    centres : torch.Tensor, shape (D, F)
        bfloat16, transposed; `GROUP` divides F.
    step : int
        Number of points in one product.

    Yields
    ------
    rows : slice
        Which points.
    maxima : torch.Tensor, shape (rows, F / GROUP)
        int16, the bits of the bfloat16 maximum; right where it is positive, else not above 0.

    Examples
    --------
    >>> import torch
    >>> ((rows, maxima),) = group_maxima(torch.ones(1, 32, dtype=torch.bfloat16),
    ...                                  torch.ones(32, 64, dtype=torch.bfloat16), step=4)
    >>> maxima.view(torch.bfloat16).item()
    32.0
    """
    import torch

    product = torch.empty((step, centres.shape[1]), dtype=torch.bfloat16, device="cpu")
    for begin in range(0, len(points), step):
        block = points[begin : begin + step]
        bits = torch.mm(block, centres, out=product[: len(block)]).view(torch.int16)  # (rows, F)
        yield slice(begin, begin + step), bits.view(len(block), -1, GROUP).amax(dim=2)


def has_fast_bf16() -> bool:
    """Return whether this processor multiplies bfloat16 at least twice as fast as float32, measured once in 10 ms.

    Returns
    -------
    bool
        It decides how fast nearest neighbours and coresets are found, not which. False inside `bf16_off`.

    Examples
    --------
    >>> isinstance(has_fast_bf16(), bool)
    True
    """
    return not _off and _multiplies_bf16_fast()


@contextlib.contextmanager
def bf16_off() -> Iterator[None]:
    """Do without bfloat16 inside a `with` block, as on a processor that lacks it. Results stay the same.

    Yields
    ------
    None

    Examples
    --------
    >>> with bf16_off():
    ...     has_fast_bf16()
    False
    """
    _off.append(True)
    try:
        yield
    finally:
        _off.pop()


@functools.cache
def _multiplies_bf16_fast() -> bool:
    import time

    import torch

    seconds = {}
    for dtype in (torch.float32, torch.bfloat16):
        left, right = (torch.ones(shape, dtype=dtype, device="cpu") for shape in ((ROWS, 128), (128, 512)))
        times = []
        for _ in range(5):
            begin = time.perf_counter()
            left @ right
            times.append(time.perf_counter() - begin)
        seconds[dtype] = min(times)
    return seconds[torch.bfloat16] < seconds[torch.float32] / 2


@np.errstate(invalid="ignore")  # some BLAS libraries raise the flag on products of finite numbers (numpy #24067)
def balanced_partition_order(points: np.ndarray, size: int) -> np.ndarray:
    """Return an order of points in which each `size` consecutive points lie near each other.

    Parameters
    ----------
    points : ndarray, shape (N, C)
        float32.
    size : int
        Size of a part.

    Returns
    -------
    ndarray, shape (N,)
        Indices of the points.

    Notes
    -----
    The points are halved again and again, across an approximation of their direction of largest variance: from a far
    point to the mean, improved by a few power iterations.

    Examples
    --------
    >>> parts = balanced_partition_order(np.array([[0.0], [9.0], [1.0], [8.0]]), size=2).reshape(2, 2)
    >>> sorted(sorted(part) for part in parts.tolist())
    [[0, 2], [1, 3]]
    """
    order, parts = np.arange(len(points)), [(0, len(points))]
    while parts:
        begin, end = parts.pop()
        if end - begin <= size:
            continue
        part = order[begin:end]
        centred = points[part]
        centred -= centred.mean(axis=0)
        direction = centred[(centred**2).sum(axis=1).argmax()]
        for _ in range(4):
            direction = direction / max(float(np.linalg.norm(direction)), 1e-12)
            direction = centred.T @ (centred @ direction)
        half = (end - begin) // 2 // size * size or size
        order[begin:end] = part[np.argpartition(centred @ direction, half - 1)]
        parts += [(begin, begin + half), (begin + half, end)]
    return order
