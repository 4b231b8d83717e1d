"""Exact nearest-neighbour search, with most vectors ruled out by a bound in bfloat16.

For a query p the nearest vector m has the largest s = p.m - |m|^2 / 2. Processors with fast bfloat16 compute all s,
rounded, in a tenth of the time. The rounding error is bounded, so a group of vectors is skipped if its largest s is
certainly below another group's largest s. The vectors of a group lie near each other: the more alike they are, the
fewer groups remain, mostly two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..safety.torch_defaults import torch_defaults
from .bf16_bound import GROUP, UNIT_ROUNDOFF, balanced_partition_order, group_maxima, split_bf16, zeros_bf16
from .exact_distances import rounding_of_products, squared_distances_at

if TYPE_CHECKING:
    import torch

ROWS, PRODUCT = 1024, 2**23  # queries, and numbers, of one product in bfloat16: it stays in the cache
MIN_SIZE = 1024  # vectors, and queries at once, from which the bound is worth its overhead


class PrunedSearch:
    """An index of vectors for exact search of the nearest neighbour.

    Parameters
    ----------
    vectors : ndarray, shape (N, C)
        float32.

    Notes
    -----
    The result equals the result of `exact_distances.brute_force_search`, bit for bit.

    Examples
    --------
    >>> vectors = np.random.default_rng(0).standard_normal((200, 8)).astype(np.float32)
    >>> squared_distances, indices = PrunedSearch(vectors).search(vectors[[3, 77]])
    >>> indices.tolist()
    [3, 77]
    """

    def __init__(self, vectors: np.ndarray) -> None:
        import torch

        self.vectors = vectors
        self.mean = vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
        order = balanced_partition_order(vectors - self.mean, GROUP)
        self.order = np.concatenate([order, np.repeat(order[-1:], -len(order) % GROUP)])
        points = vectors[self.order]
        points -= self.mean  # smaller norms: tighter bounds
        half_squares = np.einsum("ij,ij->i", points, points) / 2
        self.points = torch.from_numpy(points).view(-1, GROUP, points.shape[1])  # (groups, GROUP, C)
        self.half_squares = torch.from_numpy(half_squares).view(-1, GROUP)
        self.norms = (2 * self.half_squares.amax(dim=1)).sqrt()  # (groups,), the largest of each
        # Columns: the vector, three parts of -|m|^2 / 2, and one for the shift of a query.
        width = points.shape[1]
        rounded = zeros_bf16(len(points), width + 4)
        rounded[:, :width], rounded[:, width + 3] = torch.from_numpy(points), 1
        split_bf16(rounded, width, torch.from_numpy(-half_squares))
        self.transposed = rounded.T.contiguous()

    def search(self, queries: np.ndarray, exclude: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return the nearest vector to each query, the lowest index among equally near vectors.

        Parameters
        ----------
        queries : ndarray, shape (n, C)
            float32.
        exclude : ndarray, shape (N,), optional
            Bool, True for vectors that do not count; at least one must remain.

        Returns
        -------
        squared_distances : ndarray, shape (n,)
            float64, computed from differences.
        indices : ndarray, shape (n,)
            int64.
        """
        import torch

        points = torch.from_numpy(queries - self.mean)
        half_squares, transposed = self.half_squares, self.transposed
        if exclude is not None:
            excluded = torch.from_numpy(exclude[self.order])
            half_squares = half_squares.masked_fill(excluded.view(-1, GROUP), torch.inf)
            transposed = transposed.clone()
            transposed[points.shape[1], excluded] = -3e38  # their s is below any other
        lengths, longest = points.norm(dim=1).numpy(), float(self.norms.max())
        # Rounding of s, twice: of the largest and of another one.
        slack = torch.from_numpy(rounding_of_products(lengths, longest, points.shape[1]).astype(np.float32))
        highest = torch.full((len(points),), -torch.inf, dtype=torch.float32, device="cpu")  # s of the nearest, rounded
        squares, indices = np.full(len(points), np.inf), np.full(len(points), len(self.vectors))
        with torch.inference_mode(), torch_defaults():
            possible = self._possible_groups(points, half_squares, transposed)  # (groups, n)
            for group in torch.nonzero(possible.any(dim=1))[:, 0].tolist():
                rows = torch.nonzero(possible[group])[:, 0]
                s = torch.addmm(-half_squares[group], points[rows], self.points[group].T)
                highest[rows] = torch.maximum(highest[rows], s.amax(dim=1))
                is_near = (s >= (highest - slack)[rows, None]) & (s > -torch.inf)  # -inf is excluded
                near, places = torch.nonzero(is_near, as_tuple=True)
                pairs = rows[near].numpy(), self.order[group * GROUP + places.numpy()]
                self._keep_nearest(queries, *pairs, squares, indices)
        return squares, indices

    def _keep_nearest(
        self, queries: np.ndarray, rows: np.ndarray, candidates: np.ndarray, squares: np.ndarray, indices: np.ndarray
    ) -> None:
        """Lower `squares` and `indices` where a candidate is nearer than what they hold, or as near and comes first."""
        of_pairs = squared_distances_at(queries, rows, self.vectors, candidates)
        order = np.lexsort((candidates, of_pairs, rows))
        first = order[np.unique(rows[order], return_index=True)[1]]
        rows, of_pairs, candidates = rows[first], of_pairs[first], candidates[first]
        nearer = (of_pairs < squares[rows]) | ((of_pairs == squares[rows]) & (candidates < indices[rows]))
        squares[rows[nearer]], indices[rows[nearer]] = of_pairs[nearer], candidates[nearer]

    def _possible_groups(
        self, points: torch.Tensor, half_squares: torch.Tensor, transposed: torch.Tensor
    ) -> torch.Tensor:
        """Return, (groups, n) bool, whether a group might contain the nearest vector to a query."""
        import torch

        width, n_groups, least = points.shape[1], len(half_squares), float((2 * half_squares.min()).sqrt())
        norms = points.norm(dim=1, keepdim=True)  # (n, 1)
        # Cauchy-Schwarz: rounding of two factors, and of their sum, with room for float32's own rounding.
        product_error = 2.02 * UNIT_ROUNDOFF * norms * self.norms  # (n, groups)
        # The vector of least norm has s of at least -|p| |m| - |m|^2 / 2. Shifted by that, the largest s is above 0,
        # where numbers have the same order as their bits read as int16, whose maximum is found faster.
        shift = 1.05 * (norms * least + least**2 / 2 + product_error.amax(dim=1, keepdim=True)) + 1e-6
        rounded = zeros_bf16(len(points), len(transposed))
        rounded[:, :width], rounded[:, width : width + 3], rounded[:, width + 3 : width + 4] = points, 1, shift
        step = max(64, min(ROWS, PRODUCT // (n_groups * GROUP)))
        possible = torch.empty((n_groups, len(points)), dtype=torch.bool, device="cpu")
        for rows, maxima in group_maxima(rounded, transposed, step):
            highest = maxima.view(torch.bfloat16).float()
            error = product_error[rows] + 1.02 * UNIT_ROUNDOFF * highest.abs()
            certain = (highest - error).amax(dim=1, keepdim=True)
            possible[:, rows] = (highest + error >= certain).T
        return possible
