"""Blocks of a stream: the plan, the blocks and their union depend on data, block size and seed alone."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from aitex_utils.coreset import coreset_size, k_center_greedy
from aitex_utils.errors import InputError
from aitex_utils.streaming_coreset import (
    RESERVOIR_SIZE,
    join_blocks,
    kept_patches,
    merge_blocks,
    plan_blocks,
    reduce_block,
    sample_numbers,
)


def clouds(seed: int, n: int, channels: int = 4) -> list[np.ndarray]:
    """Return the patches of n tiles (4, 10, C), each tile in one of three clusters."""
    rng = np.random.default_rng(seed)
    return [(rng.normal(size=(4, 10, channels)) + 3 * rng.integers(3)).astype(np.float32) for _ in range(n)]


def reduced(tiles: list[np.ndarray], ratio: float, block_size: int, seed: int, **options):
    plan = plan_blocks(tiles, lambda tile: tile.shape[0] * tile.shape[1], block_size, seed=seed)
    return [
        reduce_block(block.items, ratio, seed=seed, first=block.first, sampled=block.sampled, **options)
        for block in plan
    ]


@given(sizes=st.lists(st.integers(1, 90), max_size=40), block_size=st.integers(1, 200))
def test_a_plan_has_every_item_once_in_order_and_closes_a_block_as_soon_as_it_is_full(sizes, block_size):
    blocks = list(plan_blocks(enumerate(sizes), lambda item: item[1], block_size, seed=0))
    assert [item for block in blocks for item in block.items] == list(enumerate(sizes))
    assert [block.number for block in blocks] == list(range(len(blocks)))
    for block in blocks:
        assert block.first == block.items[0][0]
        assert sum(size for _, size in block.items[:-1]) < block_size
    assert all(sum(size for _, size in block.items) >= block_size for block in blocks[:-1])


def test_a_plan_draws_items_only_as_they_are_needed():
    drawn = []

    def stream():
        for item in range(100):
            drawn.append(item)
            yield item

    plan = plan_blocks(stream(), lambda item: 10, 30, seed=0)
    next(plan)
    assert drawn == [0, 1, 2]


@given(count=st.integers(1, 400), seed=st.integers(0, 99))
def test_the_samples_of_a_stream_are_among_the_candidates_of_its_blocks(count: int, seed: int):
    blocks = list(plan_blocks(range(count), lambda item: 1, 7, seed=seed))
    candidates = {number for block in blocks for number in block.sampled}
    samples = sample_numbers(count, seed)
    assert set(samples) <= candidates and samples == sorted(samples)
    assert len(samples) == min(count, RESERVOIR_SIZE)
    for block in blocks:
        assert set(block.sampled) <= set(range(block.first, block.first + len(block.items)))


def test_candidates_are_few_in_a_long_stream():
    blocks = plan_blocks(range(20_000), lambda item: 1, 100, seed=3)
    expected = RESERVOIR_SIZE * (1 + np.log(20_000 / RESERVOIR_SIZE))
    assert sum(len(block.sampled) for block in blocks) == pytest.approx(expected, rel=0.2)


@pytest.mark.slow
def test_every_item_is_sampled_with_the_same_chance():
    counts = np.zeros(200)
    for seed in range(1000):
        counts[sample_numbers(200, seed)] += 1
    deviation = np.sqrt(1000 * 0.32 * 0.68)  # of a count, 320 expected
    assert abs(counts - 320).max() < 4.5 * deviation
    assert np.std(counts) == pytest.approx(deviation, rel=0.2)


@settings(max_examples=25)
@given(
    seed=st.integers(0, 99),
    n=st.integers(1, 9),
    ratio=st.floats(0.05, 1.0),
    block_size=st.integers(1, 200),
    n_branches=st.sampled_from([1, 2]),
)
def test_every_patch_lies_within_the_bound_of_the_union(seed, n, ratio, block_size, n_branches):
    tiles = clouds(seed, n)
    flat = np.concatenate([tile.reshape(-1, 4) for tile in tiles])
    result = join_blocks(reduced(tiles, ratio, block_size, seed, n_branches=n_branches), ratio, seed=seed)
    for columns, vectors, groups in zip(np.split(np.arange(4), n_branches), result.vectors, result.groups, strict=True):
        assert len(vectors) == coreset_size(ratio, len(flat)) == len(groups)
        assert cdist(flat[:, columns], vectors).min(axis=1).max() <= result.radius + 1e-3
        for vector, group in zip(vectors, groups, strict=True):
            assert (tiles[group].reshape(-1, 4)[:, columns] == vector).all(axis=1).any()


def test_a_single_block_gives_one_greedy_choice_among_all_patches():
    tiles = clouds(3, 6)
    flat = np.concatenate([tile.reshape(-1, 4) for tile in tiles])
    indices, radii = k_center_greedy(flat, coreset_size(0.2, len(flat)), seed=5)
    result = join_blocks(reduced(tiles, 0.2, 10**6, seed=5), 0.2, seed=5)
    np.testing.assert_array_equal(result.vectors[0], flat[indices])
    np.testing.assert_array_equal(result.groups[0], indices // 40)
    assert result.radius == float(radii[-1])


def test_the_order_in_which_blocks_are_reduced_plays_no_part():
    tiles = clouds(1, 8)
    plan = list(plan_blocks(tiles, lambda tile: 40, 80, seed=0))
    backwards = {
        block.number: reduce_block(block.items, 0.1, seed=0, first=block.first, sampled=block.sampled)
        for block in reversed(plan)
    }
    one = join_blocks(reduced(tiles, 0.1, 80, seed=0), 0.1, seed=0)
    other = join_blocks([backwards[number] for number in range(len(plan))], 0.1, seed=0)
    np.testing.assert_array_equal(one.vectors, other.vectors)
    np.testing.assert_array_equal(one.groups, other.groups)
    assert one.radius == other.radius
    assert [number for number, _ in one.samples] == [number for number, _ in other.samples] == list(range(8))


def test_the_bound_of_a_merged_block_is_its_own_radius_plus_the_largest_below():
    blocks = reduced(clouds(2, 8), 0.1, 80, seed=0)
    union = np.concatenate([block.vectors[0] for block in blocks])
    _, radii = k_center_greedy(union, 10, seed=0)
    merged = merge_blocks(blocks, 10, seed=0)
    largest = max(float(block.radii[0][-1]) for block in blocks)
    np.testing.assert_allclose(merged.radii[0], radii + largest, rtol=1e-6)
    assert merged.n_patches == 320 and not merged.samples
    assert len(merge_blocks(blocks, 10**6, seed=0).vectors[0]) == len(union)


def test_the_first_patches_of_a_block_are_the_block_of_fewer_patches():
    (block,) = reduced(clouds(2, 4), 0.2, 10**6, seed=0)
    fewer = merge_blocks([block], 5, seed=0)
    (limited,) = reduced(clouds(2, 4), 0.2, 10**6, seed=0, limit=5)
    for one, other in zip(dataclasses.astuple(fewer)[:3], dataclasses.astuple(limited)[:3], strict=True):
        np.testing.assert_array_equal(one, other)


def test_consumed_blocks_give_up_their_vectors_and_the_result_is_the_same():
    blocks, again = (reduced(clouds(2, 8), 0.1, 80, seed=0) for _ in range(2))
    one, other = join_blocks(blocks, 0.1, seed=0, consume=True), join_blocks(again, 0.1, seed=0)
    np.testing.assert_array_equal(one.vectors, other.vectors)
    assert all(block.vectors == [None] for block in blocks) and again[0].vectors[0] is not None


def test_samples_keep_every_column_of_the_stride_and_are_no_views():
    (block,) = reduced(clouds(0, 3), 0.1, 10**6, seed=0, column_stride=4)
    for number, patches in block.samples:
        np.testing.assert_array_equal(patches, clouds(0, 3)[number][:, ::4])
        assert patches.base is None


def test_wrong_arguments_are_refused():
    with pytest.raises(InputError, match="nothing to learn from: give at least one tile or strip"):
        join_blocks([], 0.1, seed=0)
    with pytest.raises(InputError, match="^coreset_ratio is 2, .* up to 1"):
        kept_patches(2, 100)
    with pytest.raises(InputError, match="^seed is -1"):
        list(plan_blocks([1], lambda item: 1, 1, seed=-1))
