"""Greedy coreset selection on a GPU: one pass over all points per choice, as in the reference."""

from __future__ import annotations

import numpy as np

from ..safety.torch_defaults import torch_defaults
from .exact_distances import rounding_of_products

BLOCK = 2**22  # numbers of one block of differences, which bounds memory to BLOCK x 16 bytes


@torch_defaults()
def k_center_greedy_torch(
    points: np.ndarray, k: int, first: int, device: str, *, progress: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Choose k points, each farthest from all previous choices, on any device of PyTorch.

    Parameters
    ----------
    points : ndarray, shape (N, D)
        Points between which distances are measured, float32.
    k : int
        Number of choices, 1 to N.
    first : int
        Index of the first choice.
    device : str
        Device, as PyTorch knows it.
    progress : bool
        Show a bar.

    Returns
    -------
    indices : ndarray, shape (k,)
        int64, in the order of choice, all different.
    squared_radii : ndarray, shape (k,)
        float32, squared covering radius after each choice.

    Notes
    -----
    A GPU reads its memory so fast that one pass per choice takes less time than the CPU's blocks. As in
    `coreset.k_center_greedy_reference`, products in float32 only find the points that might have come nearer. Their
    distances are computed from differences, in float64 where the device has it (Apple's GPUs do not). Of equally far
    points, the lowest index is chosen. So the choices equal the reference's choices, up to rounding.

    Memory on the device: 4 N D bytes for the points, and blocks of fixed size.

    Examples
    --------
    >>> points = np.array([[0.0], [1.0], [5.0], [9.0]], np.float32)
    >>> indices, squared_radii = k_center_greedy_torch(points, 3, 0, "cpu")
    >>> indices.tolist(), squared_radii.tolist()
    ([0, 3, 2], [81.0, 16.0, 1.0])
    """
    import torch
    from tqdm.auto import tqdm

    with torch.inference_mode():
        cloud = torch.from_numpy(points).to(device)  # (N, D)
        lengths = torch.linalg.vector_norm(cloud, dim=1)  # (N,)
        squared_norms = lengths.square()
        slack = rounding_of_products(lengths, lengths.max(), cloud.shape[1])
        exact = torch.float32 if cloud.device.type == "mps" else torch.float64
        nearest = torch.full_like(squared_norms, torch.inf)  # squared distance to the nearest choice, -1 for a choice
        indices = np.empty(k, np.int64)
        squared_radii = torch.empty(k, device=device)
        farthest = first
        for choice in tqdm(range(k), desc="coreset", unit="patch", disable=not progress):
            indices[choice], centre = farthest, cloud[farthest]
            squared = torch.addmv(squared_norms, cloud, centre, alpha=-2) + squared_norms[farthest]
            closer = torch.nonzero(squared < nearest + slack)[:, 0]  # the others cannot have come nearer
            for rows in closer.split(max(1, BLOCK // cloud.shape[1])):
                differences = cloud[rows].to(exact) - centre.to(exact)
                nearest[rows] = torch.minimum(nearest[rows], differences.square().sum(dim=1).float())
            nearest[farthest] = -1.0
            farthest = int(nearest.argmax())
            squared_radii[choice] = nearest[farthest].clamp(min=0.0)
        return indices, squared_radii.cpu().numpy()
