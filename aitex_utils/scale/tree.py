"""A tree of unions: where the coresets of all blocks exceed one memory, they are merged level by level.

Each inner node of the tree merges the coresets of at most `fan_in` neighbouring nodes. Blocks and inner nodes keep at
most ``block_size // fan_in`` patches. So no step sees more patches than a block has, however many blocks there are. The
root keeps at most ``block_size`` patches. So the bank of a long stream is smaller than the coreset sampling ratio asks.

The bound on the covering radius adds along the levels. Let R(v) be the radius of the greedy choice at node v, over the
union of its children's coresets. Let r(v) be the bound of v: each patch below v lies within r(v) of a patch that v
keeps. For a block, r(v) is the covering radius of its choice. A patch below v lies below one child c, within r(c) of a
patch that c keeps, and that patch lies within R(v) of a patch that v keeps. So r(v) = R(v) + max r(c), and by induction
the bound of the root is at most the sum over the levels of the largest radius of each level. With few levels it stays
small: B blocks need about log B / log fan_in levels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from ..errors import check_integer
from ..streaming_coreset import BlockCoreset, CoresetResult, join_blocks, kept_patches, merge_blocks

Node = TypeVar("Node")


def node_limit(block_size: int, fan_in: int | None) -> int | None:
    """Return how many patches a node of the tree keeps at most, so that `fan_in` nodes together fill one block.

    Parameters
    ----------
    block_size : int
        Patches per block.
    fan_in : int or None
        Nodes that are merged at once; None for one union of all blocks, without a limit.

    Returns
    -------
    int or None

    Raises
    ------
    InputError
        If `fan_in` is below 2 or above `block_size`.

    Examples
    --------
    >>> node_limit(65_536, 8)
    8192
    """
    if fan_in is None:
        return None
    return block_size // check_integer("fan_in", fan_in, 2, block_size, "the patches per block")


def neighbours(nodes: Sequence[Node], fan_in: int) -> list[list[Node]]:
    """Return nodes in groups of neighbours of nearly equal size, at most `fan_in` in each.

    Parameters
    ----------
    nodes : sequence
        Nodes of one level, in the order of their numbers.
    fan_in : int
        Largest size of a group.

    Returns
    -------
    list of list

    Examples
    --------
    >>> neighbours(range(7), 3)
    [[0, 1], [2, 3], [4, 5, 6]]
    """
    n_groups = -(-len(nodes) // fan_in)
    ends = [len(nodes) * (i + 1) // n_groups for i in range(n_groups)]
    return [list(nodes[begin:end]) for begin, end in zip([0, *ends[:-1]], ends, strict=True)]


def climb(
    nodes: Sequence[Node], fan_in: int | None, merge_level: Callable[[int, list[list[Node]]], list[Node]]
) -> list[Node]:
    """Merge nodes level by level until one union can take the rest.

    Parameters
    ----------
    nodes : sequence
        Blocks, in the order of their numbers.
    fan_in : int or None
        Nodes that are merged at once; None merges none.
    merge_level : callable
        Takes the number of a level, from 1, and its groups, and returns a node for each group.

    Returns
    -------
    list
        At most `fan_in` nodes.

    Examples
    --------
    >>> climb([1, 2, 3, 4, 5], 2, lambda level, groups: [sum(group) for group in groups])
    [1, 14]
    """
    nodes, level = list(nodes), 0
    while fan_in is not None and len(nodes) > fan_in:
        level += 1
        nodes = merge_level(level, neighbours(nodes, fan_in))
    return nodes


def join_tree(
    blocks: Sequence[BlockCoreset], ratio: float, *, seed: int, fan_in: int | None, limit: int | None, **options
) -> CoresetResult:
    """Join blocks in one process through a tree of unions.

    Parameters
    ----------
    blocks : sequence of BlockCoreset
        All blocks of the stream, in the order of their numbers.
    ratio : float
        Coreset sampling ratio, above 0 and up to 1.
    seed : int
        The seed of the blocks.
    fan_in : int or None
        Blocks or nodes that are merged at once; None joins all blocks in one union.
    limit : int or None
        Patches that a node keeps at most, see `node_limit`.
    **options
        Further arguments of `streaming_coreset.join_blocks`.

    Returns
    -------
    CoresetResult
        Its radius is the bound that adds along the levels.

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from aitex_utils.streaming_coreset import reduce_block
    >>> line = np.arange(40, dtype=np.float32).reshape(4, 10, 1)
    >>> blocks = [reduce_block([line + 40 * i], 0.1, seed=0, first=i, limit=8) for i in range(4)]
    >>> join_tree(blocks, 0.1, seed=0, fan_in=2, limit=8).vectors[0].shape
    (16, 1)
    """
    device, samples = options.get("device", "cpu"), options.pop("samples", None)
    if samples is None:
        samples = [sample for block in blocks for sample in block.samples]

    def merge(group: list[BlockCoreset]) -> BlockCoreset:
        k = kept_patches(ratio, sum(block.n_patches for block in group), limit)
        return merge_blocks(group, k, seed=seed, consume=options.get("consume", False), device=device)

    top = climb(blocks, fan_in, lambda _, groups: [merge(group) for group in groups])
    return join_blocks(top, ratio, seed=seed, samples=samples, **options)
