"""What surely can't change, told by products in bfloat16: quick on some processors, and wrong by no more than is known.

bfloat16 has 8 bits: a number is rounded by one part in 256 at most. For a patch p and a centre c all that matters of
their distance is s = p.c - |c|^2 / 2, largest for the nearest centre; of two rounded factors their product is off by
two parts in 256 of |p| |c| at most (Cauchy and Schwarz).
"""

from __future__ import annotations

import functools

import numpy as np

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
        self.points = torch.zeros((len(points), -(-(width + 3) // COLUMNS) * COLUMNS), dtype=torch.bfloat16)
        self.points[:, :width], self.points[:, width : width + 3] = torch.from_numpy(points), 1
        self.ones = slice(width, width + 3)

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
        centres = torch.zeros((groups * GROUP, self.points.shape[1]), dtype=torch.bfloat16)
        centres[: len(fresh)] = self.points[fresh]
        left = torch.zeros(len(centres))  # centres that only fill up the last group have s = 0
        left[: len(fresh)] = torch.from_numpy(shift - self.squares[fresh] / 2)
        for column in range(self.ones.start, self.ones.stop):
            centres[:, column] = left
            left = left - centres[:, column].float()
        turned = centres.T.contiguous()
        product = torch.empty((ROWS, len(centres)), dtype=torch.bfloat16)
        highest = torch.empty((len(nearest), groups), dtype=torch.int16)
        for begin in range(0, len(nearest), ROWS):
            mine = self.points[begin : begin + ROWS]
            found = torch.mm(mine, turned, out=product[: len(mine)]).view(torch.int16)  # (rows, F)
            torch.amax(found.view(-1, groups, GROUP), dim=2, out=highest[begin : begin + ROWS])
        may = highest.view(torch.bfloat16).float() >= torch.addcmul(threshold, norms, wide)
        group, rows = torch.nonzero(may.T.contiguous(), as_tuple=True)
        return np.split(rows.numpy(), np.searchsorted(group.numpy(), np.arange(1, groups)))


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
        here = points[mine] - points[mine].mean(axis=0)
        across = here[(here**2).sum(axis=1).argmax()]
        for _ in range(4):
            across = across / max(float(np.linalg.norm(across)), 1e-12)
            across = here.T @ (here @ across)
        half = (end - begin) // 2 // size * size or size
        order[begin:end] = mine[np.argpartition(here @ across, half - 1)]
        parts += [(begin, begin + half), (begin + half, end)]
    return order
