"""Composable coresets: the covering bound holds, memory stays bounded, and with enough memory nothing is reduced."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from aitex_utils import coreset, streaming_coreset
from aitex_utils.coreset import coreset_size, k_center_greedy
from aitex_utils.errors import InputError
from aitex_utils.streaming_coreset import OVERSAMPLING, composable_coreset

NO_MEMORY = 1e-9  # GiB: every block is reduced


def random_patches(seed: int, grids: list[tuple[int, int]], channels: int = 4) -> list[np.ndarray]:
    """Return the patches of tiles (H', W', C), each tile in one of three clusters."""
    rng = np.random.default_rng(seed)
    return [(rng.normal(size=(*grid, channels)) + 3 * rng.integers(3)).astype(np.float32) for grid in grids]


@settings(max_examples=30)
@given(
    seed=st.integers(0, 999),
    grids=st.lists(st.tuples(st.integers(1, 4), st.integers(1, 9)), min_size=1, max_size=9),
    ratio=st.floats(0.05, 1.0),
    block_size=st.integers(1, 60),
    n_branches=st.sampled_from([1, 2]),
)
def test_all_patches_lie_within_the_radius(seed: int, grids: list, ratio: float, block_size: int, n_branches: int):
    tiles = random_patches(seed, grids)
    flat = np.concatenate([patches.reshape(-1, 4) for patches in tiles])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(streaming_coreset, "BLOCK_SIZE", block_size)
        result = composable_coreset(iter(tiles), ratio, seed=seed, memory=NO_MEMORY, n_branches=n_branches)
    assert len(result.vectors) == len(result.groups) == n_branches
    branches = np.split(np.arange(4), n_branches)
    for columns, vectors, groups in zip(branches, result.vectors, result.groups, strict=True):
        assert len(vectors) == coreset_size(ratio, len(flat)) == len(groups)
        assert cdist(flat[:, columns], vectors).min(axis=1).max() <= result.radius + 1e-3
        for vector, group in zip(vectors, groups, strict=True):
            assert (tiles[group].reshape(-1, 4)[:, columns] == vector).all(axis=1).any()


def test_the_radius_is_0_where_every_block_can_be_covered_exactly(monkeypatch: pytest.MonkeyPatch):
    """Each block has the same two points, so two centres cover all of them and the best possible radius is 0."""
    monkeypatch.setattr(streaming_coreset, "BLOCK_SIZE", 1)
    tiles = [np.repeat(np.array([[[0.0, 0], [9, 9]]], np.float32), 4, axis=0) for _ in range(5)]
    result = composable_coreset(tiles, 2 / 40, seed=0, memory=NO_MEMORY)
    (vectors,) = result.vectors
    assert len(vectors) == 2 and result.radius == pytest.approx(0, abs=1e-2)
    assert sorted(vectors[:, 0].tolist()) == [0, 9]


@pytest.mark.parametrize("memory", [None, 1.0])
def test_with_enough_memory_the_result_is_one_greedy_choice(memory: float | None, monkeypatch: pytest.MonkeyPatch):
    tiles = random_patches(3, [(4, 9)] * 6)
    monkeypatch.setattr(streaming_coreset, "BLOCK_SIZE", 10)
    flat = np.concatenate([patches.reshape(-1, 4) for patches in tiles])
    indices, radii = k_center_greedy(flat, coreset_size(0.2, len(flat)), seed=5)
    result = composable_coreset(iter(tiles), 0.2, seed=5, memory=memory)
    np.testing.assert_array_equal(result.vectors, [flat[indices]])
    np.testing.assert_array_equal(result.groups, [indices // 36])
    assert result.radius == pytest.approx(float(radii[-1]))


def test_blocks_are_reduced_as_soon_as_they_are_full(monkeypatch: pytest.MonkeyPatch):
    sizes = []

    def record(patches: np.ndarray, *arguments, **options) -> tuple[np.ndarray, np.ndarray]:
        sizes.append(len(patches))
        return k_center_greedy(patches, *arguments, **options)

    monkeypatch.setattr(streaming_coreset, "BLOCK_SIZE", 100)
    monkeypatch.setattr(streaming_coreset, "k_center_greedy", record)
    result = composable_coreset((patches for patches in random_patches(1, [(4, 10)] * 100)), 0.05, seed=0, memory=1e-9)
    *blocks, union = sizes
    assert max(blocks) == 120 and len(blocks) == 34  # three tiles of 40 patches at a time, and one that is left
    assert union == OVERSAMPLING * sum(coreset_size(0.05, n) for n in blocks)
    assert len(result.vectors[0]) == 200


def test_blocks_are_reduced_only_after_the_memory_is_full_and_from_then_on_at_their_size(monkeypatch):
    sizes, tiles = [], random_patches(1, [(4, 10)] * 40)

    def record(patches: np.ndarray, *arguments, **options) -> tuple[np.ndarray, np.ndarray]:
        sizes.append(len(patches))
        return k_center_greedy(patches, *arguments, **options)

    monkeypatch.setattr(streaming_coreset, "BLOCK_SIZE", 100)
    monkeypatch.setattr(streaming_coreset, "k_center_greedy", record)
    memory = 500 * streaming_coreset.WORKING_COPIES * 4 * 4 / 2**30  # GiB for 500 patches of four channels
    composable_coreset(iter(tiles), 0.05, seed=0, memory=memory)
    first, *blocks = sizes[:-1]
    assert first == 520  # the first multiple of 40 patches above 500
    assert max(blocks) == 120 and first + sum(blocks) == 1600


@pytest.mark.slow
def test_every_tile_is_sampled_with_the_same_chance_where_blocks_are_reduced(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(streaming_coreset, "RESERVOIR_SIZE", 3)
    monkeypatch.setattr(streaming_coreset, "BLOCK_SIZE", 30)
    monkeypatch.setattr(streaming_coreset, "COARSER", 2)
    tiles, counts = random_patches(0, [(1, 8)] * 12), np.zeros(12)
    for seed in range(200):
        samples = composable_coreset(tiles, 0.5, seed=seed, column_stride=2, memory=NO_MEMORY).samples
        numbers = [number for number, _ in samples]
        assert len(set(numbers)) == 3
        counts[numbers] += 1
        for number, patches in samples:
            assert patches.base is None  # a view would keep the whole tile in memory
            np.testing.assert_array_equal(patches, tiles[number][:, ::4])
    assert counts.min() > 25 and counts.max() < 75  # 50 expected, standard deviation 6


def test_wrong_arguments_are_refused():
    tiles = random_patches(0, [(2, 2)])
    for memory in (-1, 0):
        with pytest.raises(InputError, match=f"^memory is {memory}, .* above 0"):
            composable_coreset(tiles, 0.5, seed=0, memory=memory)
    with pytest.raises(InputError, match="^coreset_ratio is 0, .* above 0 and up to 1"):
        composable_coreset(tiles, 0, seed=0)
    with pytest.raises(InputError, match="nothing to learn from: give at least one tile or strip"):
        composable_coreset(iter([]), 0.5, seed=0)
    with pytest.raises(InputError, match="4 channels, .* 3 branches"):
        composable_coreset(tiles, 0.5, seed=0, n_branches=3)
    for n_branches in (0, 2**31):
        with pytest.raises(InputError, match=f"^n_branches is {n_branches}, "):
            composable_coreset(tiles, 0.5, seed=0, n_branches=n_branches)


def test_samples_are_evenly_spaced_where_nothing_was_reduced(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(streaming_coreset, "RESERVOIR_SIZE", 3)
    tiles = random_patches(0, [(1, 8)] * 9)
    for memory in (None, 1.0):
        samples = composable_coreset(tiles, 0.5, seed=5, column_stride=4, memory=memory).samples
        assert [number for number, _ in samples] == [0, 4, 8]
        np.testing.assert_array_equal(samples[1][1], tiles[4][:, ::4])


def test_blocks_and_their_union_are_measured_in_the_same_projection():
    """The radius of all blocks and of the last choice is a bound in one space only if the projection is the same."""
    points = np.random.default_rng(0).normal(size=(500, 40)).astype(np.float32)
    for block in (points[:100], points[100:]):
        whole = coreset._project(points, 8, seed=3)
        np.testing.assert_array_equal(
            coreset._project(block, 8, seed=3), whole[:100] if len(block) == 100 else whole[100:]
        )
