"""What surely can't change, told by products in bfloat16: quick on some processors, and wrong by no more than is known.

bfloat16 has 8 bits: a number is rounded by one part in 256 at most. For a patch p and a centre c all that matters of
their distance is s = p.c - |c|^2 / 2, largest for the nearest centre; of two rounded factors their product is off by
two parts in 256 of |p| |c| at most (Cauchy and Schwarz).
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

GROUP = 64  # centres, or vectors, for which the bound is asked together
ROWS = 4096  # patches of one product in bfloat16: more don't stay in the cache
COLUMNS = 32  # columns in bfloat16 are filled up to a multiple of this, as the processor takes them
UNIT = 2.0**-8  # unit roundoff of bfloat16


class Rounded:
    """The patches in bfloat16, to tell which of them surely keep their centre when new ones are chosen.

    s = p.c - |c|^2 / 2 + shift is (|p|^2 - |p - c|^2) / 2 + shift, largest for the nearest centre. Three more columns
    hold ones, and those of the centres shift - |c|^2 / 2 in three parts, so that one product gives s. With the shift
    every s that matters is above 0, and numbers above 0 are in the same order as their bits read as int16.
    """

    def __init__(self, points: np.ndarray, squares: np.ndarray) -> None:
        import torch

        self.squares, self.norms = squares, np.sqrt(squares)
        width = points.shape[1]
        self.points = blank(len(points), width + 3)
        self.points[:, :width], self.points[:, width : width + 3] = torch.from_numpy(points), 1
        self.ones = width  # the first of their columns

    def may_change(self, fresh: np.ndarray, nearest: np.ndarray) -> list[np.ndarray]:
        """Return for each `GROUP` of the centres the rows whose squared distance to one may be below `nearest` (N,)."""
        import torch

        # Two roundings of factors, by group, with some room for float32's; then that of s itself.
        groups = -(-len(fresh) // GROUP)
        filled = np.concatenate([self.norms[fresh], np.zeros(groups * GROUP - len(fresh), np.float32)])
        wide = 2.02 * UNIT * filled.reshape(groups, GROUP).max(axis=1)  # (groups,), times |p|
        shift = float(max(nearest.max(), 0.0)) / 2
        error = 1.02 * UNIT * (shift + self.squares / 2)
        shift += float((error + self.norms * wide.max()).max()) * 1.01 + 1e-6
        error += 1.02 * UNIT * shift
        shift += 1.02 * UNIT * shift
        threshold = torch.from_numpy(shift + (self.squares - nearest) / 2 - error)[:, None]
        norms, wide = torch.from_numpy(self.norms)[:, None], torch.from_numpy(-wide)[None]
        centres = blank(groups * GROUP, self.points.shape[1])
        centres[: len(fresh)] = self.points[fresh]
        offsets = torch.zeros(len(centres))  # centres that only fill up the last group have s = 0
        offsets[: len(fresh)] = torch.from_numpy(shift - self.squares[fresh] / 2)
        put_in_three(centres, self.ones, offsets)
        highest = torch.empty((len(nearest), groups), dtype=torch.int16)
        for rows, found in highest_of_groups(self.points, centres.T.contiguous(), ROWS):
            highest[rows] = found
        may = highest.view(torch.bfloat16).float() >= torch.addcmul(threshold, norms, wide)
        group, rows = torch.nonzero(may.T.contiguous(), as_tuple=True)
        return np.split(rows.numpy(), np.searchsorted(group.numpy(), np.arange(1, groups)))


def blank(rows: int, columns: int) -> torch.Tensor:
    """Return zeros (rows, at least so many columns) in bfloat16, as wide as the processor takes them."""
    import torch

    return torch.zeros((rows, -(-columns // COLUMNS) * COLUMNS), dtype=torch.bfloat16)


def put_in_three(rounded: torch.Tensor, column: int, values: torch.Tensor) -> None:
    """Write float32 values (N,) into three columns of bfloat16, whose sum is as exact as they are."""
    for place in range(column, column + 3):
        rounded[:, place] = values
        values = values - rounded[:, place].float()


def highest_of_groups(rounded: torch.Tensor, turned: torch.Tensor, step: int) -> Iterator[tuple[slice, torch.Tensor]]:
    """Yield, `step` rows at a time, where they are and the largest product with each `GROUP` columns of `turned`.

    (rows, groups) int16, the bits of bfloat16: right where it is above 0, and else not above 0.
    """
    import torch

    product = torch.empty((step, turned.shape[1]), dtype=torch.bfloat16)
    for begin in range(0, len(rounded), step):
        mine = rounded[begin : begin + step]
        found = torch.mm(mine, turned, out=product[: len(mine)]).view(torch.int16)  # (rows, F)
        yield slice(begin, begin + step), found.view(len(mine), -1, GROUP).amax(dim=2)


@functools.cache
def bfloat16_is_quick() -> bool:
    """Say whether this processor multiplies bfloat16 at least twice as fast as float32, measured once, in 10 ms."""
    import time

    import torch

    seconds = {}
    for kind in (torch.float32, torch.bfloat16):
        one, other = torch.ones((ROWS, 128), dtype=kind), torch.ones((128, 512), dtype=kind)
        times = []
        for _ in range(5):
            begin = time.perf_counter()
            one @ other
            times.append(time.perf_counter() - begin)
        seconds[kind] = min(times)
    return seconds[torch.bfloat16] < seconds[torch.float32] / 2


def nearby(points: np.ndarray, size: int) -> np.ndarray:
    """Return an order (N,) of points (N, C) in which each `size` that follow one another lie near each other.

    They are halved again and again, across the direction in which they spread most: from a far point to their mean,
    bettered by a few power iterations.
    """
    order, parts = np.arange(len(points)), [(0, len(points))]
    while parts:
        begin, end = parts.pop()
        if end - begin <= size:
            continue
        mine = order[begin:end]
        here = points[mine]
        here -= here.mean(axis=0)
        across = here[(here**2).sum(axis=1).argmax()]
        for _ in range(4):
            across = across / max(float(np.linalg.norm(across)), 1e-12)
            across = here.T @ (here @ across)
        half = (end - begin) // 2 // size * size or size
        order[begin:end] = mine[np.argpartition(here @ across, half - 1)]
        parts += [(begin, begin + half), (begin + half, end)]
    return order
