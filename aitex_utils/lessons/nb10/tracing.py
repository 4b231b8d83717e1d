"""A PatchCore on tiles that keeps the origin of each bank vector: its training tile, and its position in it."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from aitex_utils.calibration import leave_one_out_distances, position_scale
from aitex_utils.coreset import subsample
from aitex_utils.errors import InputError
from aitex_utils.features import split_branches, stack_branch
from aitex_utils.memory_bank import MemoryBank
from aitex_utils.patchcore import PatchCore
from aitex_utils.streaming_coreset import spread_samples

from .jobs import Step, Steps


class TracedDetector:
    """A PatchCore that is fitted step by step and keeps the origin of its bank vectors.

    It makes the same choices as `PatchCore.fit_patches`, by the same public functions, so its predictions are equal.

    Parameters
    ----------
    arguments : dict
        Arguments of `PatchCore`.
    bank_arguments : dict
        Arguments of `MemoryBank`: PatchCore has none for the parameters of an index.

    Attributes
    ----------
    detector : PatchCore
        The detector. It is fitted when the steps have ended.
    origins_ : list of ndarray, each of shape (k, 3)
        For each branch and each bank vector the number of its training tile, and the row and column of its patch. For
        the sampler "k_means", whose vectors are means, the origin is the patch nearest to the mean.
    seconds_ : float
        Seconds of the fit, without the network.

    Examples
    --------
    >>> from .jobs import finish
    >>> patches = np.random.default_rng(0).random((3, 4, 4, 5), np.float32)
    >>> traced = TracedDetector({"pooling": 3, "coreset_ratio": 0.25}, {"kind": "flat"})
    >>> finish(traced.fit_steps(patches, (32, 32))).origins_[0].shape
    (12, 3)
    """

    def __init__(self, arguments: dict[str, Any], bank_arguments: dict[str, Any]) -> None:
        self.detector = PatchCore(**arguments)
        self._bank_arguments = bank_arguments
        MemoryBank(**bank_arguments)  # refuses impossible parameters now, not after the extraction

    def fit_steps(self, patches: np.ndarray, tile_shape: tuple[int, int]) -> Steps[TracedDetector]:
        """Learn from the patches of normal tiles, step by step.

        Parameters
        ----------
        patches : ndarray, shape (N, H', W', C)
            Patches that the detector's features made.
        tile_shape : tuple of int
            Height and width of the tiles in px.

        Returns
        -------
        generator
            Its result is this object.

        Raises
        ------
        InputError
            If the patches have another shape, or a sampler or an index cannot work with so few.
        """
        if np.ndim(patches) != 4:
            raise InputError(f"patches has shape {np.shape(patches)}, expected (N, H', W', C) as from features.")
        start = time.perf_counter()
        detector, grid = self.detector, patches.shape[1:3]
        device, n_branches = detector.features.device, detector.features.n_branches
        vectors, origins, radii = [], [], []
        for branch in range(n_branches):
            yield Step(branch / (n_branches + 2), "coreset" if n_branches == 1 else f"coreset of branch {branch + 1}")
            flat = stack_branch([patches], n_branches, branch)
            chosen = subsample(flat, detector.coreset_ratio, detector.sampler, seed=detector.seed, device=device)
            indices = chosen.indices
            if indices is None:
                indices = MemoryBank().add(flat).search(chosen.vectors, 1)[1][:, 0]
            vectors.append(chosen.vectors)
            radii.append(chosen.radius)
            origins.append(np.stack(np.unravel_index(indices, (len(patches), *grid)), axis=1))
        scale = None
        if detector.normalize_positions:
            yield Step(n_branches / (n_branches + 2), "position-wise normalisation")
            groups = [of_branch[:, 0] for of_branch in origins]
            scale = position_scale(leave_one_out_distances(spread_samples(patches), vectors, groups, device))
        yield Step((n_branches + 1) / (n_branches + 2), "index")
        banks = [MemoryBank(**self._bank_arguments, device=device).add(of_branch) for of_branch in vectors]
        detector.banks_, detector.position_scale_, detector.fitted_on_strips_ = banks, scale, False
        detector.radius_ = None if None in radii else max(radii)
        detector.tile_shape_ = (int(tile_shape[0]), int(tile_shape[1]))
        self.origins_, self.seconds_ = origins, time.perf_counter() - start
        return self


def nearest_vectors(
    patch: np.ndarray, vectors: list[np.ndarray], count: int
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return the nearest bank vectors of a patch in each branch, by an exact search.

    Parameters
    ----------
    patch : ndarray, shape (C,)
        The patch, with all its branches.
    vectors : list of ndarray, each of shape (k, C / n_branches)
        The bank of each branch.
    count : int
        Number of neighbours. A smaller bank gives fewer.

    Returns
    -------
    distances, indices : list of ndarray, each of shape (count,)
        One array per branch, nearest first.

    Examples
    --------
    >>> distances, indices = nearest_vectors(np.array([1.0]), [np.array([[0.0], [3.0]])], 1)
    >>> distances[0].tolist(), indices[0].tolist()
    ([1.0], [0])
    """
    distances, indices = [], []
    for branch, bank in zip(split_branches(patch[None], len(vectors)), vectors, strict=True):
        found = MemoryBank().add(bank).search(branch, min(count, len(bank)))
        distances.append(found[0][0])
        indices.append(found[1][0])
    return distances, indices
