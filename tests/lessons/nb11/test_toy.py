"""The toy of notebook 11: the bound r + R holds, and a tree's bound holds at each node."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from aitex_utils.coreset import k_center_greedy
from aitex_utils.lessons.nb11 import toy
from aitex_utils.lessons.nb11.reference import merge_coresets, tree_bound


def test_greedy_is_the_module_s():
    points = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32)
    indices, radius = toy.farthest_first(points, 15)
    expected, radii = k_center_greedy(points, 15, seed=0, start=0)
    np.testing.assert_array_equal(indices, expected)
    assert radius == pytest.approx(radii[-1], rel=1e-5)


@pytest.mark.parametrize("seed", range(20))
def test_the_measured_radius_is_within_the_bound(seed: int):
    union = toy.join_two(toy.two_blocks(seed))
    everything = np.concatenate(union.blocks)
    assert union.measured == pytest.approx(cdist(everything, union.chosen).min(axis=1).max())
    assert union.measured <= union.bound == max(union.radii) + union.radius
    for block, kept, radius in zip(union.blocks, union.kept, union.radii, strict=True):
        assert cdist(block, kept).min(axis=1).max() == pytest.approx(radius)


def test_two_blocks_are_merged_as_in_the_exercise():
    union = toy.join_two(toy.two_blocks())
    chosen, bound = merge_coresets(union.kept, union.radii, 12)
    np.testing.assert_array_equal(chosen, union.chosen)
    assert bound == union.bound


@pytest.mark.parametrize(("n_blocks", "fan_in"), [(1, 2), (2, 2), (7, 2), (9, 3), (32, 8)])
def test_the_bound_holds_at_each_node_of_a_tree(n_blocks: int, fan_in: int):
    tree = toy.build_tree(toy.toy_stream(n_blocks), fan_in=fan_in, k=10)
    assert (tree.parents[:-1] > np.arange(len(tree.parents) - 1)).all() and tree.parents[-1] == -1
    assert (tree.levels == 0).sum() == n_blocks
    for node, measured in enumerate(tree.measured):
        radii, parents = tree.below(node)
        assert len(radii) == len(parents) and parents[-1] == -1 and radii[-1] == tree.radii[node]
        assert measured <= tree_bound(radii, parents) + 1e-9
    below_root = tree.below(len(tree.radii) - 1)
    np.testing.assert_array_equal(below_root[0], tree.radii)
    np.testing.assert_array_equal(below_root[1], tree.parents)


def test_a_bound_without_a_level_would_be_broken():
    """The bound is no formality: without the blocks' own radii it fails."""
    broken = 0
    for seed in range(20):
        union = toy.join_two(toy.two_blocks(seed))
        broken += union.measured > union.radius
    assert broken > 10
