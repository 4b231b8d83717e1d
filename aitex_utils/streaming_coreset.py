"""Composable coresets: more patches than memory can hold, reduced block by block.

Each block of tiles or strips is reduced to a coreset of its own, and the union of these coresets to one coreset. Let r
be the largest covering radius of a block's coreset and R the radius of the last choice, over their union. Each patch
lies within r of a patch in the union, and that patch lies within R of a chosen patch. So every patch lies within r + R
of a chosen patch. One greedy choice among all patches has at most twice the best possible radius (Gonzalez, 1985). If
each block kept as many patches as the final coreset, r + R would be at most four times the best possible radius. Here a
block keeps 1.5 times its share, which is fewer. Coresets that can be joined in this way are called composable (Indyk,
Mahabadi, Mahdian and Mirrokni, PODS 2014).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from .coreset import coreset_size, k_center_greedy
from .errors import InputError, check_integer, check_number, check_seed
from .features import stack_branch
from .safety.devices import check_device

BLOCK_SIZE = 65_536  # patches, counted in each branch, reduced together, at least (strips and tiles stay whole)
WORKING_COPIES = 3.5  # memory of a coreset selection, in sizes of its patches: them, joined, projected, in bfloat16
OVERSAMPLING = 1.5  # a block keeps so many times its share, which leaves the last choice a choice
RESERVOIR_SIZE = 64  # tiles or strips that are kept as samples, for the position scale
COARSER = 8  # stride of the columns in samples that must be kept beside the blocks, in strides of the others


@dataclass(frozen=True)
class CoresetResult:
    """The coreset of a stream of tiles or strips.

    Parameters
    ----------
    vectors : list of ndarray, each of shape (k, C / n_branches)
        Chosen patches, float32, one array per branch.
    groups : list of ndarray, each of shape (k,)
        For each chosen patch the number of its tile or strip, from 0, one array per branch.
    radius : float or None
        Covering radius, or its bound r + R where blocks were reduced, the largest of the branches; in the projected
        space of `coreset.k_center_greedy`. None for samplers that measure none.
    samples : list of (int, ndarray)
        Numbers and patches (H', W'', C) of some tiles or strips, for the position scale.

    Examples
    --------
    >>> composable_coreset([np.zeros((2, 2, 3), np.float32)], 0.5, seed=0).groups[0].tolist()
    [0, 0]
    """

    vectors: list[np.ndarray]
    groups: list[np.ndarray]
    radius: float | None
    samples: list[tuple[int, np.ndarray]]


def composable_coreset(
    patches: Iterable[np.ndarray],
    ratio: float,
    *,
    seed: int,
    memory: float | None = None,
    n_branches: int = 1,
    column_stride: int = 1,
    progress: bool = False,
    device: str = "cpu",
) -> CoresetResult:
    """Choose a share of the patches of tiles or strips that arrive one by one.

    Parameters
    ----------
    patches : iterable of ndarray, each of shape (H', W', C)
        Patches of one tile or strip each, float32.
    ratio : float
        Coreset sampling ratio, above 0 and up to 1.
    seed : int
        Seed of the coresets and of the samples.
    memory : float, optional
        GiB that the patches can take. Blocks are reduced only when it is reached. None never does. At least one block
        and a few copies of it are held, `OVERSAMPLING` times the coreset, and the samples.
    n_branches : int
        Branches of the pooling, side by side in the channels; each gets a coreset of its own.
    column_stride : int
        Stride of the columns in the samples, `COARSER` times larger where blocks were reduced.
    progress : bool
        Show a bar for the last choice.
    device : {"auto", "cpu", "cuda", "cuda:N", "mps"}
        Where patches are chosen, as in `coreset.k_center_greedy`.

    Returns
    -------
    CoresetResult

    Raises
    ------
    InputError
        If there are no patches or an argument is out of range.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> tiles = (rng.standard_normal((32, 32, 8)).astype(np.float32) for _ in range(3))
    >>> result = composable_coreset(tiles, 0.01, seed=0)
    >>> result.vectors[0].shape, len(result.samples)
    ((31, 8), 3)
    """
    memory = None if memory is None else check_number("memory", memory, "(0, inf)", example=4)
    seed, device = check_seed(seed), check_device(device)
    reservoir = _Reservoir(COARSER * column_stride if column_stride > 1 else 1, seed)  # tiles need all
    blocks = _Blocks(ratio, check_integer("n_branches", n_branches, 1, BLOCK_SIZE), seed, device)
    for one in patches:
        reservoir.add(one)
        blocks.add(one)
        is_full = memory is not None and blocks.working_bytes() > memory * 2**30
        if blocks.waiting_patches >= BLOCK_SIZE // n_branches and (is_full or blocks.has_reduced()):
            blocks.reduce_waiting()
    if not blocks.count:
        raise InputError("There is nothing to learn from: give at least one tile or strip.")
    samples = reservoir.samples if blocks.has_reduced() else spread_samples(blocks.waiting, column_stride)
    vectors, groups, radius = blocks.last_choice(progress)
    return CoresetResult(vectors, groups, radius, samples)


def spread_samples(patches: Sequence[np.ndarray], column_stride: int = 1) -> list[tuple[int, np.ndarray]]:
    """Return some tiles or strips with their numbers, evenly spaced, all if they are few.

    Parameters
    ----------
    patches : sequence of ndarray, each of shape (H', W', C)
        Patches of one tile or strip each.
    column_stride : int
        Stride of the columns.

    Returns
    -------
    list of (int, ndarray)
        At most `RESERVOIR_SIZE` numbers and patches (H', W'', C).

    Examples
    --------
    >>> [number for number, _ in spread_samples([np.zeros((1, 8, 2))] * 3, column_stride=4)]
    [0, 1, 2]
    """
    count = min(len(patches), RESERVOIR_SIZE)
    numbers = np.unique(np.linspace(0, len(patches) - 1, count).round().astype(int))
    return [(int(number), patches[number][:, ::column_stride]) for number in numbers]


class _Reservoir:
    """A random sample of the tiles or strips seen so far, each with the same chance (reservoir sampling)."""

    def __init__(self, column_stride: int, seed: int) -> None:
        self.samples: list[tuple[int, np.ndarray]] = []
        self._column_stride, self._rng, self._seen = column_stride, np.random.default_rng(seed), 0

    def add(self, patches: np.ndarray) -> None:
        self._seen += 1
        full = len(self.samples) >= RESERVOIR_SIZE
        place = int(self._rng.integers(self._seen)) if full else len(self.samples)
        if place < RESERVOIR_SIZE:
            kept = patches[:, :: self._column_stride].copy()  # not a view, which would keep all columns
            self.samples[place : place + 1] = [(self._seen - 1, kept)]


class _Blocks:
    """Tiles or strips that wait to be reduced, and the coresets of the blocks reduced so far."""

    def __init__(self, ratio: float, n_branches: int, seed: int, device: str) -> None:
        self.count = 0  # tiles or strips so far
        self._ratio, self._n_branches, self._options = ratio, n_branches, {"seed": seed, "device": device}
        self.waiting: list[np.ndarray] = []
        self._coresets: list[list[np.ndarray]] = [[] for _ in range(n_branches)]  # per branch, per block
        self._groups: list[list[np.ndarray]] = [[] for _ in range(n_branches)]
        self.waiting_patches = 0
        self._total, self._largest_radius = 0, 0.0

    def add(self, patches: np.ndarray) -> None:
        self.waiting.append(patches)
        self.count += 1
        self.waiting_patches += patches.shape[0] * patches.shape[1]
        self._total += patches.shape[0] * patches.shape[1]

    def working_bytes(self) -> float:
        return self.waiting_patches * WORKING_COPIES * 4 * self.waiting[0].shape[-1]

    def has_reduced(self) -> bool:
        return bool(self._coresets[0])

    def reduce_waiting(self) -> None:
        """Reduce what waits to a coreset."""
        groups = self._waiting_groups()
        k = min(len(groups), round(OVERSAMPLING * coreset_size(self._ratio, len(groups))))
        for branch in range(self._n_branches):
            block = stack_branch(self.waiting, self._n_branches, branch)
            indices, radii = k_center_greedy(block, k, **self._options)
            self._coresets[branch].append(block[indices])
            self._groups[branch].append(groups[indices])
            self._largest_radius = max(self._largest_radius, float(radii[-1]))
        self.waiting.clear()
        self.waiting_patches = 0

    def last_choice(self, progress: bool) -> tuple[list[np.ndarray], list[np.ndarray], float]:
        """Return vectors, groups and radius of the coreset of the union, or of all patches if no block was reduced."""
        reduced = self.has_reduced()
        if reduced and self.waiting:
            self.reduce_waiting()
        chosen = [self._choose(branch, reduced, progress) for branch in range(self._n_branches)]
        vectors, groups, radii = zip(*chosen, strict=True)
        return list(vectors), list(groups), self._largest_radius + max(radii)

    def _choose(self, branch: int, reduced: bool, progress: bool) -> tuple[np.ndarray, np.ndarray, float]:
        if reduced:
            union, groups = np.concatenate(self._coresets[branch]), np.concatenate(self._groups[branch])
            self._coresets[branch].clear()  # frees memory
        else:
            union, groups = stack_branch(self.waiting, self._n_branches, branch), self._waiting_groups()
        k = min(coreset_size(self._ratio, self._total), len(union))
        indices, radii = k_center_greedy(union, k, progress=progress, **self._options)
        return union[indices], groups[indices], float(radii[-1])

    def _waiting_groups(self) -> np.ndarray:
        """Return for each waiting patch the number of its tile or strip."""
        first = self.count - len(self.waiting)
        sizes = [one.shape[0] * one.shape[1] for one in self.waiting]
        return np.repeat(np.arange(first, self.count), sizes)
