"""Exercises 11.1 and 11.2: the bound of a tree of unions, and the union of several coresets."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from aitex_utils.lessons.engine.judge import Exercise, Mistake

from .reference import merge_coresets, tree_bound
from .toy import build_tree, farthest_first, toy_stream

Array = np.ndarray

# 11.1 -----------------------------------------------------------------------------------------------------------------


def _tree_cases() -> list[tuple]:
    """Return radii and parents: two blocks, trees whose largest radii are in different branches, uneven trees."""
    tree = build_tree(toy_stream(7), fan_in=3, k=9)
    return [
        (np.array([2.0, 3.0, 1.0]), np.array([2, 2, -1])),
        (np.array([1.0, 2.0, 4.0, 3.0, 5.0, 1.0, 2.0]), np.array([4, 4, 5, 5, 6, 6, -1])),
        (np.array([6.0, 1.0, 1.5, 2.0, 2.0, 3.0, 1.0]), np.array([4, 4, 5, 5, 6, 6, -1])),
        (np.array([2.5, 1.0, 0.5, 0.75, 1.5]), np.array([3, 3, 4, 4, -1])),
        (np.array([1.5]), np.array([-1])),
        (tree.radii, tree.parents),
    ]


def _children(parents: Array) -> list[list[int]]:
    return [[node for node, parent in enumerate(parents) if parent == other] for other in range(len(parents))]


def _bound_by(join: Callable[[list[float]], float]) -> Callable[[Array, Array], float]:
    """Return a function that joins the bounds of the children in another way."""

    def bound(radii: Array, parents: Array) -> float:
        bounds: list[float] = []
        for own, children in zip(radii, _children(parents), strict=True):
            bounds.append(float(own) + (join([bounds[child] for child in children]) if children else 0.0))
        return bounds[-1]

    return bound


def _without_own(radii: Array, parents: Array) -> float:
    return tree_bound(np.append(radii[:-1], 0.0), parents)


def _blocks_and_root(radii: Array, parents: Array) -> float:
    blocks = [float(radii[node]) for node, children in enumerate(_children(parents)) if not children]
    return float(radii[-1]) + (max(blocks) if len(radii) > 1 else 0.0)


def _level_maxima(radii: Array, parents: Array) -> float:
    """Add the largest radius of each level, counted from the root."""
    depths = [0] * len(radii)
    for node in range(len(radii) - 2, -1, -1):
        depths[node] = depths[parents[node]] + 1
    return float(sum(max(r for r, d in zip(radii, depths, strict=True) if d == depth) for depth in set(depths)))


def _largest_own_radius(radii: Array, parents: Array) -> float:
    """Walk down from the root, at each node to the child with the largest own radius."""
    children, node = _children(parents), len(radii) - 1
    bound = float(radii[node])
    while children[node]:
        node = max(children[node], key=lambda child: radii[child])
        bound += float(radii[node])
    return bound


TREE_BOUND = Exercise(
    id="11.1",
    task="The bound on the covering radius at the root of a tree of unions.",
    reference=tree_bound,
    cases=_tree_cases,
    mistakes=(
        Mistake(
            "children added",
            "You add the bounds of all children, so all radii of the tree. A patch lies below *one* child: take the "
            "largest bound.",
            _bound_by(sum),
        ),
        Mistake(
            "mean of the children",
            "You take the mean over the children. A bound must hold for each patch, so take the largest.",
            _bound_by(lambda bounds: sum(bounds) / len(bounds)),
        ),
        Mistake(
            "smallest child",
            "You take the child with the smallest bound. The bound must also hold for patches below the others.",
            _bound_by(min),
        ),
        Mistake(
            "last child",
            "A later child overwrites the bound of an earlier one. Keep the larger value: `max(bounds[parent], ...)`.",
            _bound_by(lambda bounds: bounds[-1]),
        ),
        Mistake(
            "root left out",
            "The radius of the root's own choice is missing: its distance comes on top of the children's bounds.",
            _without_own,
        ),
        Mistake(
            "root only",
            "This is the radius at the root alone. It covers the union of the children's coresets, not the patches.",
            lambda radii, parents: float(radii[-1]),
        ),
        Mistake(
            "blocks and root",
            "You add the root and the largest block. Each level in between adds a step too.",
            _blocks_and_root,
        ),
        Mistake(
            "one per level",
            "You add the largest radius of each level. That is a bound too, but larger than necessary: these radii can "
            "belong to different branches. Follow the branches.",
            _level_maxima,
        ),
        Mistake(
            "largest own radius",
            "You follow the child with the largest own radius. The blocks below another child can have larger radii: "
            "compare the bounds of the children.",
            _largest_own_radius,
        ),
        Mistake(
            "largest radius",
            "This is the largest single radius. The steps from a patch up to the root add up.",
            lambda radii, parents: float(np.max(radii)),
        ),
    ),
    hints=(
        "Walk from the blocks to the root. The bound of a block is its radius. What is the bound of a node with two "
        "children?",
        "The bound of a node is its own radius plus the largest bound of its children. Children come before parents: "
        "one loop over the nodes suffices.",
        "Begin with `bounds = radii.copy()`. For each node with a parent: `bounds[parent] = max(bounds[parent], "
        "radii[parent] + bounds[node])`. Return the last bound.",
    ),
    praise="You can now say how far any patch can be from the bank, before one of them is searched.",
)

# 11.2 -----------------------------------------------------------------------------------------------------------------


def _merge_cases() -> list[tuple]:
    rng = np.random.default_rng(4)
    line = [np.array([[0.0], [1.0], [4.0]]), np.array([[5.0], [9.0]])]
    plane = [rng.normal(size=(7, 2)), rng.normal(2, 1, size=(5, 2)), rng.normal(-1, 2, size=(6, 2))]
    return [(line, [0.5, 2.0], 3), (plane, [0.9, 0.4, 0.6], 6), (plane[:2], [0.2, 1.5], 4)]


def _merged(bound: Callable[[float, Sequence[float]], float]) -> Callable:
    """Return a function that merges rightly and errs in the bound."""

    def merge(coresets: Sequence[Array], radii: Sequence[float], k: int) -> tuple[Array, float]:
        union = np.concatenate(list(coresets))
        indices, radius = farthest_first(union, k)
        return union[indices], bound(radius, radii)

    return merge


def _each_by_itself(coresets: Sequence[Array], radii: Sequence[float], k: int) -> tuple[Array, float]:
    shares = [len(part) for part in np.array_split(np.arange(k), len(coresets))]
    chosen = [farthest_first(part, share) for part, share in zip(coresets, shares, strict=True)]
    kept = [part[indices] for part, (indices, _) in zip(coresets, chosen, strict=True)]
    return np.concatenate(kept), max(radius for _, radius in chosen) + max(radii)


def _first_k(coresets: Sequence[Array], radii: Sequence[float], k: int) -> Array:
    return np.concatenate(list(coresets))[:k]


def _first_alone(coresets: Sequence[Array], radii: Sequence[float], k: int) -> tuple[Array, float]:
    indices, radius = farthest_first(coresets[0], min(k, len(coresets[0])))
    return coresets[0][indices], radius + max(radii)


def _indices(coresets: Sequence[Array], radii: Sequence[float], k: int) -> tuple[Array, float]:
    indices, radius = farthest_first(np.concatenate(list(coresets)), k)
    return indices, radius + max(radii)


MERGE_CORESETS = Exercise(
    id="11.2",
    task="The coreset of a union of coresets, with a bound on its covering radius.",
    reference=merge_coresets,
    cases=_merge_cases,
    mistakes=(
        Mistake(
            "r left out",
            "The patches are right. The bound is the radius over the *union* only. The patches that the blocks left "
            "out are up to r farther.",
            _merged(lambda radius, radii: radius),
        ),
        Mistake(
            "R left out",
            "The patches are right. The bound misses R: the last choice leaves out some patches of the union.",
            _merged(lambda radius, radii: max(radii)),
        ),
        Mistake(
            "radii added",
            "The patches are right. You add the radii of all blocks, but a patch belongs to one block: take the "
            "largest.",
            _merged(lambda radius, radii: radius + sum(radii)),
        ),
        Mistake(
            "mean radius",
            "The patches are right. You add the mean of the radii. The bound must also hold in the worst block.",
            _merged(lambda radius, radii: radius + sum(radii) / len(radii)),
        ),
        Mistake(
            "smallest radius",
            "The patches are right. You add the smallest radius. The bound must also hold in the worst block.",
            _merged(lambda radius, radii: radius + min(radii)),
        ),
        Mistake(
            "larger of both",
            "The patches are right. You take the larger of r and R. A patch can need both steps: add them.",
            _merged(lambda radius, radii: max(radius, *radii)),
        ),
        Mistake(
            "each by itself",
            "You choose a share from each coreset by itself. Concatenate them first, so the choice sees all.",
            _each_by_itself,
        ),
        Mistake(
            "first patches",
            "You keep the first k patches of the union. Choose them with `farthest_first`.",
            lambda coresets, radii, k: (_first_k(coresets, radii, k), merge_coresets(coresets, radii, k)[1]),
        ),
        Mistake(
            "first coreset alone",
            "You choose from the first coreset alone. Concatenate all of them.",
            _first_alone,
        ),
        Mistake(
            "indices for patches",
            "You return indices. Return the patches themselves: `union[indices]`.",
            _indices,
        ),
        Mistake(
            "swapped results",
            "Both results are right, but in the wrong order: the patches come first.",
            lambda *case: merge_coresets(*case)[::-1],
        ),
        Mistake(
            "bound left out",
            "The patches are right. Return the bound too, as the second result.",
            lambda *case: merge_coresets(*case)[0],
        ),
    ),
    hints=(
        "The union of the coresets is an array like any other: choose k of its patches.",
        "`union = np.concatenate(coresets)` and `indices, radius = farthest_first(union, k)`.",
        "Return `union[indices]` and `radius + max(radii)`.",
    ),
    praise="This is all that a cluster has to do at the end, and each node of a tree does the same.",
)
