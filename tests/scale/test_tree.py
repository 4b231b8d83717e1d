"""The tree of unions: its bound on the covering radius holds and adds along the levels, and no step sees too much."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from aitex_utils import streaming_coreset
from aitex_utils.coreset import k_center_greedy
from aitex_utils.errors import InputError
from aitex_utils.scale.tree import climb, join_tree, neighbours, node_limit
from aitex_utils.streaming_coreset import join_blocks, plan_blocks, reduce_block


def points(seed: int, n: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [(rng.normal(size=(1, 40, 3)) + 4 * rng.integers(4)).astype(np.float32) for _ in range(n)]


def leaves(tiles: list[np.ndarray], ratio: float, limit: int | None):
    plan = plan_blocks(tiles, lambda tile: 40, 80, seed=0)
    return [reduce_block(block.items, ratio, seed=0, first=block.first, limit=limit) for block in plan]


@settings(max_examples=40)
@given(n=st.integers(1, 40), fan_in=st.integers(2, 5), ratio=st.floats(0.02, 0.5), seed=st.integers(0, 99))
def test_every_patch_lies_within_the_bound_of_the_root(n: int, fan_in: int, ratio: float, seed: int):
    tiles, limit = points(seed, n), node_limit(80, fan_in)
    flat = np.concatenate([tile.reshape(-1, 3) for tile in tiles])
    result = join_tree(leaves(tiles, ratio, limit), ratio, seed=0, fan_in=fan_in, limit=limit)
    assert cdist(flat, result.vectors[0]).min(axis=1).max() <= result.radius + 1e-3
    for vector, group in zip(result.vectors[0], result.groups[0], strict=True):
        assert (tiles[group].reshape(-1, 3) == vector).all(axis=1).any()


def test_the_bound_is_the_sum_of_the_largest_radii_of_the_levels_at_most(monkeypatch: pytest.MonkeyPatch):
    seen: list[tuple[int, float]] = []

    def record(patches: np.ndarray, k: int, **options):
        indices, radii = k_center_greedy(patches, k, **options)
        seen.append((len(patches), float(radii[-1])))
        return indices, radii

    monkeypatch.setattr(streaming_coreset, "k_center_greedy", record)
    limit = node_limit(80, 4)
    blocks = leaves(points(0, 32), 0.1, limit)
    result = join_tree(blocks, 0.1, seed=0, fan_in=4, limit=limit)
    assert len(blocks) == 16 and len(seen) == 16 + 4 + 1
    levels = [seen[:16], seen[16:20], seen[20:]]
    assert result.radius <= sum(max(radius for _, radius in level) for level in levels) * (1 + 1e-6)
    assert result.radius >= max(radius for _, radius in seen)
    assert max(size for size, _ in seen) <= 80  # no step sees more patches than a block has


def test_the_union_of_few_blocks_is_no_tree():
    blocks = leaves(points(0, 8), 0.1, None)
    flat, tree = join_blocks(blocks, 0.1, seed=0), join_tree(blocks, 0.1, seed=0, fan_in=4, limit=None)
    np.testing.assert_array_equal(flat.vectors, tree.vectors)
    assert flat.radius == tree.radius


@given(n=st.integers(1, 300), fan_in=st.integers(2, 9))
def test_groups_have_every_node_once_in_order_and_are_balanced(n: int, fan_in: int):
    groups = neighbours(range(n), fan_in)
    assert [node for group in groups for node in group] == list(range(n))
    sizes = [len(group) for group in groups]
    assert max(sizes) <= fan_in and max(sizes) - min(sizes) <= 1


@given(n=st.integers(1, 3000), fan_in=st.integers(2, 9))
def test_a_tree_has_about_as_many_levels_as_the_logarithm_says(n: int, fan_in: int):
    levels = []

    def merge_level(level: int, groups: list[list[int]]) -> list[int]:
        levels.append(level)
        return [sum(group) for group in groups]

    top = climb([1] * n, fan_in, merge_level)
    assert sum(top) == n and len(top) <= fan_in
    assert levels == list(range(1, len(levels) + 1)) and len(levels) <= np.log(n) / np.log(fan_in) + 1


def test_wrong_arguments_are_refused():
    for fan_in in (1, 81, 2.5):
        with pytest.raises(InputError, match=f"^fan_in is {fan_in}, .* from 2 to 80"):
            node_limit(80, fan_in)
