"""The nearest of many vectors, exactly: a bound in bfloat16 leaves few groups of them to be compared in float32.

For a patch p the nearest vector m is the one with the largest s = p.m - |m|^2 / 2. Processors that multiply bfloat16
quickly give all s rounded, in a tenth of the time; how far rounding can move an s is known, so that all groups of
vectors whose largest s is surely below that of another group are left out. Vectors of a group lie near each other:
the more alike they are, the fewer groups are left, mostly two.
"""

from __future__ import annotations

import numpy as np

from .bf16_bound import GROUP, UNIT, blank, highest_of_groups, nearby, put_in_three

ROWS, PRODUCT = 1024, 2**23  # patches of one product in bfloat16, and its numbers: it stays in the cache
FEWEST = 1024  # vectors, and patches asked for at once, from which on this is worth its overhead


class RoundedSearch:
    """Vectors (N, C) float32 that can be asked for the nearest one to each of many patches; same answer as comparing
    with all in float32, up to the rounding of that.
    """

    def __init__(self, vectors: np.ndarray) -> None:
        import torch

        self.mean = vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
        order = nearby(vectors - self.mean, GROUP)
        self.order = np.concatenate([order, np.repeat(order[-1:], -len(order) % GROUP)])
        points = vectors[self.order]
        points -= self.mean  # smaller norms: tighter bounds
        half = np.einsum("ij,ij->i", points, points) / 2
        self.points = torch.from_numpy(points).view(-1, GROUP, points.shape[1])  # (groups, GROUP, C)
        self.half = torch.from_numpy(half).view(-1, GROUP)
        self.norms = (2 * self.half.amax(dim=1)).sqrt()  # (groups,), the largest of each
        # Columns: the vector, what makes s of p.m (three parts of -|m|^2 / 2), and one for the shift of a row.
        width = points.shape[1]
        rounded = blank(len(points), width + 4)
        rounded[:, :width], rounded[:, width + 3] = torch.from_numpy(points), 1
        put_in_three(rounded, width, torch.from_numpy(-half))
        self.turned = rounded.T.contiguous()

    def nearest(self, patches: np.ndarray, without: np.ndarray | None = None) -> np.ndarray:
        """Return the indices (n,) int64 of the nearest vectors to patches (n, C) float32.

        without : (N,) bool, vectors that don't count; at least one must.
        """
        import torch

        points = torch.from_numpy(patches - self.mean)
        half, turned = self.half, self.turned
        if without is not None:
            left_out = torch.from_numpy(without[self.order])
            half = half.masked_fill(left_out.view(-1, GROUP), torch.inf)
            turned = turned.clone()
            turned[points.shape[1], left_out] = -3e38  # their s is below any other
        best = torch.full((len(points),), -torch.inf)
        found = torch.zeros(len(points), dtype=torch.int64)
        with torch.inference_mode():
            may = self._may_hold(points, half, turned)  # (groups, n)
            for group in torch.nonzero(may.any(dim=1))[:, 0].tolist():
                rows = torch.nonzero(may[group])[:, 0]
                largest, place = torch.addmm(-half[group], points[rows], self.points[group].T).max(dim=1)
                better = largest > best[rows]
                rows = rows[better]
                best[rows], found[rows] = largest[better], place[better] + group * GROUP
        return self.order[found.numpy()]

    def _may_hold(self, points, half, turned):
        """Return for each group, and each of points (n, C), whether the nearest vector may be in it: (groups, n)."""
        import torch

        width, groups, least = points.shape[1], len(half), float((2 * half.min()).sqrt())
        norms = points.norm(dim=1, keepdim=True)  # (n, 1)
        # Of the products by Cauchy and Schwarz: two roundings, and that of their sum, with some room for float32's.
        wide = 2.02 * UNIT * norms * self.norms
        # The vector of least norm has s of at least -|p| |m| - |m|^2 / 2: shifted by that, the largest s is above 0,
        # and numbers above 0 are in the same order as their bits read as int16, whose maximum is found sooner.
        shift = 1.05 * (norms * least + least**2 / 2 + wide.amax(dim=1, keepdim=True)) + 1e-6
        rounded = blank(len(points), len(turned))
        rounded[:, :width], rounded[:, width : width + 3], rounded[:, width + 3 : width + 4] = points, 1, shift
        step = max(64, min(ROWS, PRODUCT // (groups * GROUP)))
        may = torch.empty((groups, len(points)), dtype=torch.bool)
        for rows, found in highest_of_groups(rounded, turned, step):
            highest = found.view(torch.bfloat16).float()
            error = wide[rows] + 1.02 * UNIT * highest.abs()
            surely = (highest - error).amax(dim=1, keepdim=True)
            may[:, rows] = (highest + error >= surely).T
        return may
