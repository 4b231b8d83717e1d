"""Nearest neighbours on a GPU, in blocks: all rounded distances are computed, and the smallest are kept."""

from __future__ import annotations

import numpy as np

from ..safety.torch_defaults import torch_defaults
from .exact_distances import squared_distances_at

PRODUCT = 2**26  # numbers of one product, which bounds memory to PRODUCT x 4 bytes
BLOCK = 2**22  # numbers of one block of differences, in float64


class TorchSearch:
    """Vectors on a device of PyTorch, in which the nearest neighbours of queries are found as in FAISS's flat index.

    Parameters
    ----------
    vectors : ndarray, shape (N, C)
        float32.
    device : str
        Device, as PyTorch knows it.

    Notes
    -----
    The squared distances of `search` come from products in float32, as FAISS's do, and are as inexact. `memory_bank`
    computes the distances of the neighbours anew, and searches anew where rounding leaves a doubt. So the result of a
    memory bank does not depend on the device, up to rounding in float64.

    Examples
    --------
    >>> search = TorchSearch(np.array([[0.0], [2.0], [5.0]], np.float32), "cpu")
    >>> [array.tolist() for array in search.search(np.array([[1.5]], np.float32), 2)]
    [[[0.25, 2.25]], [[1, 0]]]
    """

    def __init__(self, vectors: np.ndarray, device: str) -> None:
        import torch

        self.vectors = vectors
        self.points = torch.from_numpy(np.array(vectors)).to(device)  # (N, C), a writable copy
        self.squared_norms = torch.linalg.vector_norm(self.points, dim=1).square()  # (N,)

    @torch_defaults()
    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the k nearest vectors to each query, up to rounding.

        Parameters
        ----------
        queries : ndarray, shape (n, C)
            float32.
        k : int
            Number of neighbours, 1 to N.

        Returns
        -------
        squared_distances : ndarray, shape (n, k)
            float32, rounded, nearest first.
        indices : ndarray, shape (n, k)
            int64; of equal distances any index can come first.
        """
        import torch

        squares, indices = np.empty((len(queries), k), np.float32), np.empty((len(queries), k), np.int64)
        step = max(1, PRODUCT // len(self.points))
        with torch.inference_mode():
            for begin in range(0, len(queries), step):
                rows = slice(begin, begin + step)
                block = torch.from_numpy(np.array(queries[rows])).to(self.points.device)
                partial = torch.addmm(self.squared_norms, block, self.points.T, alpha=-2)  # (n, N), less |p|^2
                nearest, places = partial.topk(k, dim=1, largest=False)
                own = torch.linalg.vector_norm(block, dim=1, keepdim=True).square()  # |p|^2
                squares[rows], indices[rows] = (nearest + own).cpu().numpy(), places.cpu().numpy()
        return squares, indices

    @torch_defaults()
    def squared_distances(self, queries: np.ndarray, indices: np.ndarray) -> np.ndarray:
        """Return the squared distances of queries to some vectors each, from differences in float64.

        Parameters
        ----------
        queries : ndarray, shape (n, C)
            float32.
        indices : ndarray, shape (n, m)
            Indices of vectors.

        Returns
        -------
        ndarray, shape (n, m)
            float64. Apple's GPUs have no float64, so there the CPU computes them.
        """
        import torch

        if self.points.device.type == "mps":
            rows = np.repeat(np.arange(len(queries)), indices.shape[1])
            return squared_distances_at(queries, rows, self.vectors, indices.ravel()).reshape(indices.shape)
        squares = np.empty(indices.shape)
        step = max(1, BLOCK // (indices.shape[1] * queries.shape[1]))
        with torch.inference_mode():
            for begin in range(0, len(queries), step):
                rows = slice(begin, begin + step)
                block = torch.from_numpy(np.array(queries[rows])).to(self.points.device).double()[:, None]  # (n, 1, C)
                near = self.points[torch.from_numpy(indices[rows]).to(self.points.device)]  # (n, m, C)
                squares[rows] = (near.double() - block).square().sum(dim=2).cpu().numpy()
        return squares
