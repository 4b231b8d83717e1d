"""Nearest neighbours on a GPU, in blocks: all rounded distances are computed, and the smallest are kept."""

from __future__ import annotations

import numpy as np

from ..safety.torch_defaults import torch_defaults

PRODUCT = 2**26  # numbers of one product, which bounds memory to PRODUCT x 4 bytes


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
    The squared distances come from products in float32, as FAISS's do, and are as inexact. `memory_bank` computes the
    distances of the neighbours anew, and searches anew where rounding leaves a doubt. So the result of a memory bank
    does not depend on the device.

    Examples
    --------
    >>> search = TorchSearch(np.array([[0.0], [2.0], [5.0]], np.float32), "cpu")
    >>> [array.tolist() for array in search.search(np.array([[1.5]], np.float32), 2)]
    [[[0.25, 2.25]], [[1, 0]]]
    """

    def __init__(self, vectors: np.ndarray, device: str) -> None:
        import torch

        self.mean = vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
        self.points = torch.from_numpy(vectors - self.mean).to(device)  # (N, C), smaller norms: less rounding
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
                block = torch.from_numpy(queries[rows] - self.mean).to(self.points.device)
                partial = torch.addmm(self.squared_norms, block, self.points.T, alpha=-2)  # (n, N), less |p|^2
                nearest, places = partial.topk(k, dim=1, largest=False)
                own = torch.linalg.vector_norm(block, dim=1, keepdim=True).square()  # |p|^2
                squares[rows] = (nearest + own).cpu().numpy()
                indices[rows] = places.cpu().numpy()
        return squares, indices
