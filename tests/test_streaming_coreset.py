"""Patches reduced block by block: the bound holds, memory is kept, and with enough of it nothing is reduced."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from woven import woven

from aitex_utils import PatchCore
from aitex_utils import streaming_coreset as blocks
from aitex_utils.coreset import coreset_size, k_center_greedy
from aitex_utils.errors import InputError
from aitex_utils.patchcore import PAPER
from aitex_utils.streaming_coreset import reduce_blocks

SIDE = 64
TINY = 1e-9  # GiB: every block is reduced


def some(seed: int, sizes: list[tuple[int, int]], channels: int = 4) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [(random.normal(size=(*size, channels)) + 3 * random.integers(3)).astype(np.float32) for size in sizes]


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 999),
    sizes=st.lists(st.tuples(st.integers(1, 4), st.integers(1, 9)), min_size=1, max_size=9),
    share=st.floats(0.05, 1.0),
    block=st.integers(1, 60),
    ways=st.sampled_from([1, 2]),
)
def test_all_patches_lie_within_the_bound(seed: int, sizes: list, share: float, block: int, ways: int):
    parts = some(seed, sizes)
    flat = np.concatenate([p.reshape(-1, 4) for p in parts])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK", block)
        found = reduce_blocks(iter(parts), share, seed=seed, memory=TINY, ways=ways)
    assert len(found.kept) == len(found.owner) == ways
    for way, columns in enumerate(np.split(np.arange(4), ways)):
        kept = found.kept[way]
        assert len(kept) == min(coreset_size(share, len(flat)), len(flat)) == len(found.owner[way])
        assert cdist(flat[:, columns], kept).min(axis=1).max() <= found.radius + 1e-3
        for vector, owner in zip(kept, found.owner[way], strict=True):
            assert (parts[owner].reshape(-1, 4)[:, columns] == vector).all(axis=1).any()


def test_the_bound_is_at_most_four_times_the_best(monkeypatch: pytest.MonkeyPatch):
    """Two places far apart in each block: two centres cover all exactly, so that the best radius is 0."""
    monkeypatch.setattr(blocks, "BLOCK", 1)
    parts = [np.repeat(np.array([[[0.0, 0], [9, 9]]], np.float32), 4, axis=0) for _ in range(5)]
    found = reduce_blocks(parts, 2 / 40, seed=0, memory=TINY)
    (kept,) = found.kept
    assert len(kept) == 2 and found.radius == pytest.approx(0, abs=1e-2)
    assert sorted(kept[:, 0].tolist()) == [0, 9]


def test_with_enough_memory_nothing_is_reduced_by_blocks(monkeypatch: pytest.MonkeyPatch):
    parts = some(3, [(4, 9)] * 6)
    monkeypatch.setattr(blocks, "BLOCK", 10)
    flat = np.concatenate([p.reshape(-1, 4) for p in parts])
    chosen, radii = k_center_greedy(flat, coreset_size(0.2, len(flat)), seed=5)
    for memory in (None, 1.0):
        found = reduce_blocks(iter(parts), 0.2, seed=5, memory=memory)
        np.testing.assert_array_equal(found.kept, [flat[chosen]])
        np.testing.assert_array_equal(found.owner, [chosen // 36])
        assert found.radius == pytest.approx(float(radii[-1]))


def test_no_more_than_a_few_blocks_are_held(monkeypatch: pytest.MonkeyPatch):
    sizes = []
    greedy = blocks.k_center_greedy
    monkeypatch.setattr(blocks, "BLOCK", 100)
    monkeypatch.setattr(
        blocks, "k_center_greedy", lambda p, *rest, **more: sizes.append(len(p)) or greedy(p, *rest, **more)
    )
    found = reduce_blocks((p for p in some(1, [(4, 10)] * 100)), 0.05, seed=0, memory=TINY)
    assert max(sizes[:-1]) == 120 and len(sizes) == 35  # three of 40 at a time, and the union
    assert sizes[-1] == 300 == 1.5 * sum(coreset_size(0.05, n) for n in sizes[:-1])
    assert len(found.kept[0]) == 200


def test_samples_are_some_of_all_with_each_the_same_chance(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(blocks, "SAMPLES", 3)
    seen = np.zeros(12)
    for seed in range(200):
        found = reduce_blocks(some(0, [(1, 8)] * 12), 0.5, seed=seed, every=4)
        numbers = [number for number, _ in found.samples]
        assert len(set(numbers)) == 3
        seen[numbers] += 1
        for number, patches in found.samples:
            assert patches.dtype == np.float16 and patches.shape == (1, 2, 4)
            np.testing.assert_allclose(patches, some(0, [(1, 8)] * 12)[number][:, ::4], rtol=2e-3, atol=1e-3)
    assert seen.min() > 25 and seen.max() < 75  # 50 each in the mean


@pytest.mark.usefixtures("one_thread")
def test_a_detector_fitted_by_blocks_finds_the_same_defects(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(blocks, "BLOCK", 200)
    tiles, others = woven(8, seed=0), woven(6, seed=1)
    stained = others[:3].copy()
    stained[:, 20:32, 30:42] //= 3
    for parameters in ({}, {"level": True}):
        recipe = {**PAPER, **parameters}
        whole, parts = PatchCore(**recipe).fit(tiles), PatchCore(**recipe)
        parts.fit(iter(np.split(tiles, 4)), memory=TINY)
        assert len(parts.bank_) == len(whole.bank_) and parts.tile_shape_ == (SIDE, SIDE) and not parts.whole_
        assert parts.radius_ >= cdist(whole.features.transform(tiles).reshape(-1, 152), parts.bank_.vectors_).min(
            axis=1
        ).max() * (1 - 1e-4)
        assert parts.score(stained).scores.min() > parts.score(others).scores[3:].max()
        if parameters:
            np.testing.assert_allclose(parts.usual_, whole.usual_, rtol=0.4)


@pytest.mark.usefixtures("one_thread")
def test_strips_by_blocks(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(blocks, "BLOCK", 100)
    strips = list(woven(4, 11, SIDE, 320))
    whole = PatchCore(size=SIDE).fit_strips(strips, side=SIDE)
    parts = PatchCore(size=SIDE).fit_strips(iter(strips), side=SIDE, memory=TINY)
    assert parts.whole_ and len(parts.bank_) == len(whole.bank_)
    np.testing.assert_allclose(parts.usual_, whole.usual_, rtol=0.4)
    strip = strips[1].copy()
    strip[25:35, 195:205] //= 3
    assert abs(np.nanargmax(parts.score_strip(strip, region=(0, 320)).map) % 320 - 200) <= 12


def test_what_cannot_be_reduced_is_refused():
    tiles = woven(2, seed=0)
    for wrong in ({"sampler": "random"}, {"whiten": True}):
        with pytest.raises(InputError, match="only by greedy and not whitened: leave memory out"):
            PatchCore(**{**PAPER, **wrong}).fit(tiles, memory=1.0)
    with pytest.raises(InputError, match="memory is -1, expected GiB above 0, or None for no limit"):
        PatchCore(**PAPER).fit(tiles, memory=-1)
    with pytest.raises(InputError, match="There is nothing to learn from: give at least one tile or strip"):
        PatchCore(**PAPER).fit(iter([]))
    with pytest.raises(InputError, match="There is nothing to learn from"):
        PatchCore(size=SIDE).fit_strips([], side=SIDE, memory=1.0)
