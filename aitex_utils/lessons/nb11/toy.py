"""Two-dimensional patches of notebook 11: two blocks, their coresets, and a tree of unions over many blocks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class JoinedBlocks(NamedTuple):
    """Two blocks, the coreset of each, and the coreset of their union.

    Parameters
    ----------
    blocks : list of ndarray, each of shape (N, 2)
        Patches.
    kept : list of ndarray, each of shape (k, 2)
        Coreset of each block.
    radii : list of float
        Covering radius of each block's coreset.
    chosen : ndarray, shape (K, 2)
        Coreset of the union of `kept`.
    radius : float
        Its covering radius over the union.

    Examples
    --------
    >>> union = join_two(two_blocks())
    >>> len(union.kept[0]), len(union.chosen)
    (9, 12)
    """

    blocks: list[np.ndarray]
    kept: list[np.ndarray]
    radii: list[float]
    chosen: np.ndarray
    radius: float

    @property
    def bound(self) -> float:
        """Sum of r and R: no patch is farther from the last coreset."""
        return max(self.radii) + self.radius

    @property
    def measured(self) -> float:
        """Largest distance of a patch of any block to the last coreset."""
        return max(covering_radius(block, self.chosen) for block in self.blocks)


class Tree(NamedTuple):
    """A tree of unions. Children have smaller numbers than their parent, and the root is the last node.

    Parameters
    ----------
    radii : ndarray, shape (n,)
        Radius of the greedy choice at each node, over its patches or over the union of its children's coresets.
    parents : ndarray, shape (n,)
        Number of each node's parent, -1 for the root.
    levels : ndarray, shape (n,)
        Level of each node, 0 for blocks.
    measured : ndarray, shape (n,)
        Largest distance of a patch below the node to a patch that the node keeps.

    Examples
    --------
    >>> build_tree(toy_stream(8), fan_in=2, k=10).parents.tolist()
    [8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, -1]
    """

    radii: np.ndarray
    parents: np.ndarray
    levels: np.ndarray
    measured: np.ndarray

    def below(self, node: int) -> tuple[np.ndarray, np.ndarray]:
        """Return radii and parents of the tree whose root is a node.

        Parameters
        ----------
        node : int
            Number of the node.

        Returns
        -------
        radii, parents : ndarray, shape (m,)
        """
        inside = {int(node)}
        for other in range(int(node) - 1, -1, -1):
            if self.parents[other] in inside:
                inside.add(other)
        members = sorted(inside)
        numbers = {member: i for i, member in enumerate(members)} | {-1: -1}
        parents = [numbers.get(int(self.parents[member]), -1) for member in members]
        return self.radii[members], np.array(parents)


def two_blocks(seed: int = 3) -> list[np.ndarray]:
    """Return two blocks of patches that overlap in part.

    Parameters
    ----------
    seed : int
        Seed of the patches.

    Returns
    -------
    list of ndarray, each of shape (150, 2)

    Examples
    --------
    >>> [block.shape for block in two_blocks()]
    [(150, 2), (150, 2)]
    """
    rng = np.random.default_rng(seed)
    first = rng.normal((0, 0), (1.1, 0.7), (150, 2))
    second = rng.normal((2.4, 0.5), (0.8, 1.0), (150, 2))
    return [first, second]


def toy_stream(n_blocks: int, per_block: int = 60, seed: int = 0) -> list[np.ndarray]:
    """Return blocks of a stream that drifts slowly: the centre of the patches moves from block to block.

    Parameters
    ----------
    n_blocks : int
        Number of blocks.
    per_block : int
        Patches of each.
    seed : int
        Seed of the patches.

    Returns
    -------
    list of ndarray, each of shape (per_block, 2)

    Examples
    --------
    >>> len(toy_stream(4)), toy_stream(4)[0].shape
    (4, (60, 2))
    """
    rng = np.random.default_rng(seed)
    centres = np.stack([np.linspace(0, 3, n_blocks), np.zeros(n_blocks)], axis=1)
    return [rng.normal(centre, 1.0, (per_block, 2)) for centre in centres]


def farthest_first(points: np.ndarray, k: int) -> tuple[np.ndarray, float]:
    """Choose k points by k-center greedy, beginning with the first (notebook 04).

    Parameters
    ----------
    points : ndarray, shape (N, C)
        Points.
    k : int
        Number of choices, up to N.

    Returns
    -------
    indices : ndarray, shape (k,)
        In the order of choice.
    radius : float
        Covering radius of the choice.

    Examples
    --------
    >>> farthest_first(np.array([[0.0], [1.0], [5.0], [9.0]]), 3)
    (array([0, 3, 2]), 1.0)
    """
    nearest = np.linalg.norm(points - points[0], axis=1)
    indices = [0]
    for _ in range(k - 1):
        indices.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, np.linalg.norm(points - points[indices[-1]], axis=1))
    return np.array(indices), float(nearest.max())


def covering_radius(points: np.ndarray, chosen: np.ndarray) -> float:
    """Return the largest distance of points to the nearest chosen point.

    Parameters
    ----------
    points : ndarray, shape (N, C)
        Points.
    chosen : ndarray, shape (k, C)
        Coreset.

    Returns
    -------
    float

    Examples
    --------
    >>> covering_radius(np.array([[0.0], [4.0]]), np.array([[1.0]]))
    3.0
    """
    return float(np.linalg.norm(points[:, None] - chosen, axis=2).min(axis=1).max())


def join_two(blocks: list[np.ndarray], k: int = 12, kept: int = 9) -> JoinedBlocks:
    """Reduce each of two blocks, and the union of their coresets.

    Parameters
    ----------
    blocks : list of ndarray, each of shape (N, 2)
        Patches.
    k : int
        Size of the last coreset.
    kept : int
        Size of each block's coreset.

    Returns
    -------
    JoinedBlocks

    Examples
    --------
    >>> union = join_two(two_blocks())
    >>> union.measured <= union.bound
    True
    """
    chosen = [farthest_first(block, kept) for block in blocks]
    coresets = [block[indices] for block, (indices, _) in zip(blocks, chosen, strict=True)]
    union = np.concatenate(coresets)
    indices, radius = farthest_first(union, k)
    return JoinedBlocks(blocks, coresets, [own for _, own in chosen], union[indices], radius)


def build_tree(blocks: list[np.ndarray], *, fan_in: int, k: int) -> Tree:
    """Reduce blocks, and merge their coresets level by level up to one root.

    Parameters
    ----------
    blocks : list of ndarray, each of shape (N, 2)
        Patches.
    fan_in : int
        Nodes that are merged at once.
    k : int
        Patches that each node keeps.

    Returns
    -------
    Tree

    Examples
    --------
    >>> build_tree(toy_stream(4), fan_in=2, k=10).levels.tolist()
    [0, 0, 0, 0, 1, 1, 2]
    """
    from aitex_utils.scale.tree import neighbours

    kept, radii, parents, levels, below = [], [], [], [], []

    def add(points: np.ndarray, level: int, leaves: np.ndarray) -> int:
        indices, radius = farthest_first(points, min(k, len(points)))
        kept.append(points[indices])
        radii.append(radius)
        parents.append(-1)
        levels.append(level)
        below.append(leaves)
        return len(kept) - 1

    nodes = [add(block, 0, block) for block in blocks]
    level = 0
    while len(nodes) > 1:
        level, merged = level + 1, []
        for group in neighbours(nodes, fan_in):
            union, leaves = (np.concatenate([source[node] for node in group]) for source in (kept, below))
            merged.append(add(union, level, leaves))
            for node in group:
                parents[node] = merged[-1]
        nodes = merged
    measured = [covering_radius(leaves, own) for leaves, own in zip(below, kept, strict=True)]
    return Tree(np.array(radii), np.array(parents), np.array(levels), np.array(measured))
