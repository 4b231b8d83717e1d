"""Composable coresets: more patches than memory can hold, reduced block by block.

`plan_blocks` divides a stream of tiles or strips into blocks, `reduce_block` reduces each block to a coreset, and
`join_blocks` reduces the union of these coresets to one coreset. Each depends on its arguments alone, so blocks can be
reduced in any order, in one process or on many machines (`scale`). `composable_coreset` does all of it in one process,
and reduces only when memory is full.

Let r be the largest covering radius of a block's coreset and R the radius of the last choice, over their union. Each
patch lies within r of a patch in the union, and that patch lies within R of a chosen patch. So every patch lies within
r + R of a chosen patch. One greedy choice among all patches has at most twice the best possible radius (Gonzalez,
1985). If each block kept as many patches as the final coreset, r + R would be at most four times the best possible
radius. Here a block keeps 1.5 times its share, which is fewer. Coresets that can be joined in this way are called
composable (Indyk, Mahabadi, Mahdian and Mirrokni, PODS 2014).
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

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
class Block:
    """Neighbouring tiles or strips of a stream that are reduced together.

    Parameters
    ----------
    number : int
        Number of the block, from 0.
    first : int
        Number of its first tile or strip, from 0.
    items : list
        Its tiles or strips.
    sampled : tuple of int
        Numbers of the tiles or strips among them whose patches can become samples for the position scale.

    Examples
    --------
    >>> [block.items for block in plan_blocks("abcde", lambda item: 40, 100, seed=0)]
    [['a', 'b', 'c'], ['d', 'e']]
    """

    number: int
    first: int
    items: list[Any]
    sampled: tuple[int, ...]


@dataclass(frozen=True)
class BlockCoreset:
    """The coreset of a block, or of several blocks together.

    Parameters
    ----------
    vectors : sequence of ndarray, each of shape (k, C / n_branches)
        Chosen patches in the order of choice, float32, one array per branch.
    groups : sequence of ndarray, each of shape (k,)
        For each chosen patch the number of its tile or strip, int64, one array per branch.
    radii : sequence of ndarray, each of shape (k,)
        Covering radius after each choice, or its bound where blocks were merged, float32, one array per branch.
    n_patches : int
        Number of patches that the coreset represents.
    samples : list of (int, ndarray)
        Numbers and patches (H', W'', C) of some tiles or strips, for the position scale.

    Examples
    --------
    >>> block = reduce_block([np.arange(8, dtype=np.float32).reshape(1, 8, 1)], 0.25, seed=0)
    >>> len(block.vectors[0]), block.n_patches
    (3, 8)
    """

    vectors: Sequence[np.ndarray]
    groups: Sequence[np.ndarray]
    radii: Sequence[np.ndarray]
    n_patches: int
    samples: list[tuple[int, np.ndarray]] = field(default_factory=list)


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


def plan_blocks(
    items: Iterable[Any], size_of: Callable[[Any], float], block_size: float, *, seed: int
) -> Iterator[Block]:
    """Divide a stream of tiles or strips into blocks, which depend on the stream, `block_size` and `seed` alone.

    Parameters
    ----------
    items : iterable
        Tiles or strips, or whatever stands for them, one by one.
    size_of : callable
        Returns the number of patches of an item. An estimate suffices: it only decides where a block ends.
    block_size : float
        Number of patches with which a block is full. Tiles and strips stay whole, so a block can have more.
    seed : int
        Seed of the samples, see `sample_numbers`.

    Yields
    ------
    Block
        In the order of the stream. An item whose patches can be samples in the end is marked as such in its block.

    Examples
    --------
    >>> blocks = list(plan_blocks(range(5), lambda item: 40, 100, seed=0))
    >>> [(block.number, block.first, block.items) for block in blocks]
    [(0, 0, [0, 1, 2]), (1, 3, [3, 4])]
    """
    rng, lowest = np.random.default_rng(check_seed(seed)), []  # priorities of the samples so far
    number, count, size = 0, 0, 0.0
    waiting: list[Any] = []
    sampled: list[int] = []
    for item in items:
        waiting.append(item)
        size += size_of(item)
        priority = float(rng.random())
        if len(lowest) < RESERVOIR_SIZE or priority < lowest[-1]:
            sampled.append(count)
            bisect.insort(lowest, priority)
            del lowest[RESERVOIR_SIZE:]
        count += 1
        if size >= block_size:
            yield Block(number, count - len(waiting), waiting, tuple(sampled))
            number, size, waiting, sampled = number + 1, 0.0, [], []
    if waiting:
        yield Block(number, count - len(waiting), waiting, tuple(sampled))


def sample_numbers(count: int, seed: int) -> list[int]:
    """Draw the tiles or strips that are the samples of a stream of `count`, each with the same chance.

    Parameters
    ----------
    count : int
        Number of tiles or strips of the stream.
    seed : int
        Seed of the draw.

    Returns
    -------
    list of int
        At most `RESERVOIR_SIZE` numbers, ascending.

    Notes
    -----
    Each tile or strip gets a random priority by its number, and the lowest priorities are drawn. A longer stream has
    the same priorities at its beginning. So the samples are among the candidates that `plan_blocks` marks while the
    tiles or strips arrive. There are about 64 (1 + ln(count / 64)) candidates.

    Examples
    --------
    >>> sample_numbers(3, seed=0)
    [0, 1, 2]
    """
    priorities = np.random.default_rng(check_seed(seed)).random(count)
    return sorted(np.argsort(priorities, kind="stable")[:RESERVOIR_SIZE].tolist())


def reduce_block(
    patches: Sequence[np.ndarray],
    ratio: float,
    *,
    seed: int,
    first: int = 0,
    sampled: Sequence[int] = (),
    n_branches: int = 1,
    column_stride: int = 1,
    limit: int | None = None,
    device: str = "cpu",
) -> BlockCoreset:
    """Reduce the patches of a block to `OVERSAMPLING` times its share of the coreset.

    Parameters
    ----------
    patches : sequence of ndarray, each of shape (H', W', C)
        Patches of the block's tiles or strips, float32.
    ratio : float
        Coreset sampling ratio of the whole coreset, above 0 and up to 1.
    seed : int
        Seed of the coreset, the same for all blocks, so that all measure distances in one projection.
    first : int
        Number of the first tile or strip.
    sampled : sequence of int
        Numbers of the tiles or strips whose patches are kept as samples, see `Block`.
    n_branches : int
        Branches of the pooling, side by side in the channels.
    column_stride : int
        Stride of the columns in the samples.
    limit : int, optional
        Largest number of patches to keep; None sets none.
    device : {"auto", "cpu", "cuda", "cuda:N", "mps"}
        Where patches are chosen, as in `coreset.k_center_greedy`.

    Returns
    -------
    BlockCoreset

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> tile = np.arange(40, dtype=np.float32).reshape(4, 10, 1)
    >>> block = reduce_block([tile, tile + 100], 0.1, seed=0, first=6, sampled=[7])
    >>> len(block.vectors[0]), sorted(set(block.groups[0].tolist())), [number for number, _ in block.samples]
    (12, [6, 7], [7])
    """
    n_patches = sum(one.shape[0] * one.shape[1] for one in patches)
    k = kept_patches(ratio, n_patches, limit)
    coreset = _choose_from_items(patches, k, first=first, n_branches=n_branches, seed=seed, device=device)
    coreset.samples.extend((number, patches[number - first][:, ::column_stride].copy()) for number in sampled)
    return coreset


def kept_patches(ratio: float, n_patches: int, limit: int | None = None) -> int:
    """Return how many patches a block keeps: `OVERSAMPLING` times its share of the coreset.

    Parameters
    ----------
    ratio : float
        Coreset sampling ratio of the whole coreset, above 0 and up to 1.
    n_patches : int
        Number of patches that the block represents.
    limit : int, optional
        Largest number of patches to keep; None sets none.

    Returns
    -------
    int

    Examples
    --------
    >>> kept_patches(0.05, 65_536), kept_patches(0.05, 65_536, limit=4_096)
    (4916, 4096)
    """
    k = min(n_patches, round(OVERSAMPLING * coreset_size(ratio, n_patches)))
    return k if limit is None else min(k, limit)


def merge_blocks(
    blocks: Sequence[BlockCoreset],
    k: int,
    *,
    seed: int,
    consume: bool = False,
    progress: bool = False,
    device: str = "cpu",
) -> BlockCoreset:
    """Reduce the union of several blocks' coresets to at most k patches.

    Parameters
    ----------
    blocks : sequence of BlockCoreset
        At least one, in the order of their numbers. Results of this function can be among them.
    k : int
        Number of patches to keep; all are kept if the union has fewer.
    seed : int
        The seed of the blocks.
    consume : bool
        Empty the vectors of the blocks once they are copied, so that no coreset is in memory twice.
    progress : bool
        Show a bar.
    device : {"auto", "cpu", "cuda", "cuda:N", "mps"}
        Where patches are chosen, as in `coreset.k_center_greedy`.

    Returns
    -------
    BlockCoreset
        Without samples. A radius is the radius of the choice over the union plus the largest radius of the blocks. If
        there is one block, it is its first k patches, with the radius that they have.

    Raises
    ------
    InputError
        If k or the seed is out of range.

    Examples
    --------
    >>> line = np.arange(40, dtype=np.float32).reshape(4, 10, 1)
    >>> blocks = [reduce_block([line + 40 * i], 0.1, seed=0, first=i) for i in range(2)]
    >>> merged = merge_blocks(blocks, 8, seed=0)
    >>> len(merged.vectors[0]), merged.n_patches, bool(merged.radii[0][-1] >= blocks[0].radii[0][-1])
    (8, 80, True)
    """
    options = {"seed": seed, "progress": progress, "device": device}
    chosen = [_merge_branch(blocks, branch, k, consume, **options) for branch in range(len(blocks[0].vectors))]
    vectors, groups, radii = zip(*chosen, strict=True)
    return BlockCoreset(list(vectors), list(groups), list(radii), sum(block.n_patches for block in blocks))


def join_blocks(
    blocks: Sequence[BlockCoreset],
    ratio: float,
    *,
    seed: int,
    samples: Sequence[tuple[int, np.ndarray]] | None = None,
    consume: bool = False,
    progress: bool = False,
    device: str = "cpu",
) -> CoresetResult:
    """Reduce the union of all blocks' coresets to the coreset of the stream.

    Parameters
    ----------
    blocks : sequence of BlockCoreset
        All blocks of the stream, in the order of their numbers.
    ratio : float
        Coreset sampling ratio, above 0 and up to 1.
    seed : int
        The seed of the blocks.
    samples : sequence of (int, ndarray), optional
        Samples for the position scale; None takes all samples of the blocks.
    consume : bool
        Empty the vectors of the blocks once they are copied, so that no coreset is in memory twice.
    progress : bool
        Show a bar.
    device : {"auto", "cpu", "cuda", "cuda:N", "mps"}
        Where patches are chosen, as in `coreset.k_center_greedy`.

    Returns
    -------
    CoresetResult
        Its radius is a bound, as in `merge_blocks`. A single block that was not limited gives the coreset and the
        radius of one greedy choice among all its patches.

    Raises
    ------
    InputError
        If there are no blocks or an argument is out of range.

    Examples
    --------
    >>> line = np.arange(40, dtype=np.float32).reshape(4, 10, 1)
    >>> blocks = [reduce_block([line + 40 * i], 0.1, seed=0, first=i) for i in range(2)]
    >>> result = join_blocks(blocks, 0.1, seed=0)
    >>> result.vectors[0].shape, result.groups[0].shape
    ((8, 1), (8,))
    """
    if not len(blocks):
        raise InputError("There is nothing to learn from: give at least one tile or strip.")
    if samples is None:
        samples = [sample for block in blocks for sample in block.samples]
    k = coreset_size(ratio, sum(block.n_patches for block in blocks))
    whole = merge_blocks(blocks, k, seed=seed, consume=consume, progress=progress, device=device)
    radius = max(float(radii[-1]) for radii in whole.radii)
    return CoresetResult(list(whole.vectors), list(whole.groups), radius, list(samples))


def _choose_from_items(
    patches: Sequence[np.ndarray], k: int, *, first: int = 0, n_branches: int, **options: Any
) -> BlockCoreset:
    """Return k of the patches of tiles or strips, chosen in each branch by itself."""
    sizes = [one.shape[0] * one.shape[1] for one in patches]
    numbers = np.repeat(np.arange(first, first + len(patches)), sizes)
    vectors, groups, radii = [], [], []
    for branch in range(n_branches):  # one at a time: fewer copies in memory
        flat = stack_branch(patches, n_branches, branch)
        indices, radii_of_choices = k_center_greedy(flat, k, **options)
        vectors.append(flat[indices])
        groups.append(numbers[indices])
        radii.append(radii_of_choices)
    return BlockCoreset(vectors, groups, radii, len(numbers))


def _merge_branch(
    blocks: Sequence[BlockCoreset], branch: int, k: int, consume: bool, **options: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return vectors, groups and bounds on the radius of at most k patches of one branch."""
    if len(blocks) == 1:
        return tuple(part[branch][:k] for part in (blocks[0].vectors, blocks[0].groups, blocks[0].radii))
    parts = [block.groups[branch] for block in blocks]
    groups, ends = np.concatenate(parts), np.cumsum([len(part) for part in parts])
    reach = max(float(block.radii[branch][-1]) for block in blocks)
    union = None
    for block, end, part in zip(blocks, ends, parts, strict=True):  # written in place: no block is in memory twice
        vectors = block.vectors[branch]
        union = np.empty((len(groups), vectors.shape[1]), np.float32) if union is None else union
        union[end - len(part) : end] = vectors
        if consume:
            block.vectors[branch] = vectors = None
    indices, radii = k_center_greedy(union, min(k, len(union)), **options)
    return union[indices], groups[indices], radii + np.float32(reach)


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
        self._reduced: list[BlockCoreset] = []
        self.waiting_patches = 0

    def add(self, patches: np.ndarray) -> None:
        self.waiting.append(patches)
        self.count += 1
        self.waiting_patches += patches.shape[0] * patches.shape[1]

    def working_bytes(self) -> float:
        return self.waiting_patches * WORKING_COPIES * 4 * self.waiting[0].shape[-1]

    def has_reduced(self) -> bool:
        return bool(self._reduced)

    def reduce_waiting(self) -> None:
        """Reduce what waits to a coreset."""
        first = self.count - len(self.waiting)
        block = reduce_block(self.waiting, self._ratio, first=first, n_branches=self._n_branches, **self._options)
        self._reduced.append(block)
        self.waiting.clear()
        self.waiting_patches = 0

    def last_choice(self, progress: bool) -> tuple[list[np.ndarray], list[np.ndarray], float]:
        """Return vectors, groups and radius of the coreset of the union, or of all patches if no block was reduced."""
        if self.has_reduced():
            if self.waiting:
                self.reduce_waiting()
            result = join_blocks(self._reduced, self._ratio, consume=True, progress=progress, **self._options)
            return result.vectors, result.groups, result.radius
        k = coreset_size(self._ratio, self.waiting_patches)
        options = {"n_branches": self._n_branches, "progress": progress, **self._options}
        whole = _choose_from_items(self.waiting, k, **options)
        return list(whole.vectors), list(whole.groups), max(float(radii[-1]) for radii in whole.radii)
