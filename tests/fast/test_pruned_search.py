"""The nearest vector found by a bound in bfloat16: against comparing with all, and what the bound rests on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from aitex_utils import memory_bank
from aitex_utils.fast.bf16_bound import GROUP, nearby
from aitex_utils.fast.pruned_search import RoundedSearch
from aitex_utils.memory_bank import MemoryBank

pytestmark = pytest.mark.usefixtures("one_thread")


def is_nearest(patches: np.ndarray, vectors: np.ndarray, indices: np.ndarray) -> bool:
    """Say whether what was found is as near as the nearest, up to float32's rounding of |p|^2 - 2 p.m + |m|^2."""
    squared = cdist(patches.astype(float), vectors.astype(float)) ** 2
    rounding = 1e-5 * max((patches**2).sum(axis=1).max(), (vectors**2).sum(axis=1).max())
    return bool((squared[np.arange(len(patches)), indices] <= squared.min(axis=1) + rounding).all())


@settings(max_examples=60, deadline=None)
@given(
    vectors=st.integers(1, 400),
    patches=st.integers(1, 50),
    channels=st.integers(1, 70),
    kind=st.sampled_from(["normal", "far from 0", "clusters", "duplicates", "all the same", "on the vectors", "tiny"]),
    seed=st.integers(0, 999),
)
def test_the_nearest_is_found(vectors: int, patches: int, channels: int, kind: str, seed: int):
    random = np.random.default_rng(seed)
    bank, asked = (random.normal(size=(n, channels)).astype(np.float32) for n in (vectors, patches))
    if kind == "far from 0":
        bank, asked = bank + 30, asked * 5 - 40
    elif kind == "clusters":
        bank = bank * 0.05 + 9 * random.normal(size=(3, channels))[random.integers(3, size=vectors)]
    elif kind == "duplicates":
        bank = bank[random.integers(max(1, vectors // 5), size=vectors)]
    elif kind == "all the same":
        bank[:] = bank[0]
    elif kind == "on the vectors":
        asked = bank[random.integers(vectors, size=patches)]
    elif kind == "tiny":
        bank, asked = bank * 1e-6, asked * 1e-6
    bank, asked = bank.astype(np.float32), asked.astype(np.float32)
    search, without = RoundedSearch(bank), random.random(vectors) < random.random()
    assert is_nearest(asked, bank, search.nearest(asked))
    if not without.all():
        found = search.nearest(asked, without)
        places = np.cumsum(~without) - 1  # of those that count, among themselves
        assert not without[found].any() and is_nearest(asked, bank[~without], places[found])
    assert is_nearest(asked, bank, search.nearest(asked))  # as before


@settings(max_examples=60, deadline=None)
@given(spread=st.floats(0.01, 100), channels=st.integers(1, 12), seed=st.integers(0, 999))
def test_no_group_is_left_out_that_holds_the_nearest(spread: float, channels: int, seed: int):
    """With one channel there is no luck in how roundings add up: they are as large as the bound allows for."""
    random = np.random.default_rng(seed)
    bank = random.normal(size=(20 * GROUP, channels)).astype(np.float32)
    asked = (spread * random.normal(size=(200, channels))).astype(np.float32)
    search = RoundedSearch(bank)
    may = search._may_hold(torch.from_numpy(asked - search.mean), search.half, search.turned).numpy()
    nearest = cdist(asked, bank[search.order]).argmin(axis=1)
    assert may.shape == (20, 200) and may[nearest // GROUP, np.arange(200)].all()


@pytest.mark.parametrize("length", [0.0, 1e-3, 0.01, 0.1])
def test_rounding_of_norms_and_of_sums_is_allowed_for(length: float):
    """Asked near the middle of a sphere that is none: vectors that differ by less than one rounding decide."""
    random = np.random.default_rng(0)
    radii = (10 + 0.02 * random.random(256)).astype(np.float32)
    bank = np.concatenate([np.diag(radii), -np.diag(radii)])  # 8 groups
    asked = random.normal(size=(4000, 256))
    asked = (length * asked / np.linalg.norm(asked, axis=1, keepdims=True)).astype(np.float32)
    search = RoundedSearch(bank)
    ordered = bank[search.order].astype(float)
    best = (asked.astype(float) @ ordered.T - (ordered**2).sum(axis=1) / 2).argmax(axis=1)
    may = search._may_hold(torch.from_numpy(asked), search.half, search.turned).numpy()
    assert may[best // GROUP, np.arange(len(asked))].all()


def test_most_groups_are_left_out_where_vectors_differ():
    random = np.random.default_rng(0)
    bank = (20 * random.normal(size=(30, 16))[random.integers(30, size=3000)]).astype(np.float32)
    bank += random.normal(size=bank.shape).astype(np.float32)
    search = RoundedSearch(bank)
    asked = bank[::7] + random.normal(size=(429, 16)).astype(np.float32)
    may = search._may_hold(torch.from_numpy(asked - search.mean), search.half, search.turned)
    assert may.float().mean() < 0.25


@settings(max_examples=30, deadline=None)
@given(count=st.integers(1, 300), size=st.integers(1, 70), seed=st.integers(0, 99))
def test_the_order_holds_each_once(count: int, size: int, seed: int):
    points = np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float32)
    np.testing.assert_array_equal(np.sort(nearby(points, size)), np.arange(count))


def test_neighbours_in_the_order_lie_near_each_other():
    points = np.random.default_rng(0).permutation(640).astype(np.float32)[:, None]
    groups = points[nearby(points, 64)].reshape(10, 64)
    assert (np.ptp(groups, axis=1) == 63).all()  # on a line: ten pieces of it


def test_a_bank_finds_the_same_with_and_without(monkeypatch: pytest.MonkeyPatch):
    random = np.random.default_rng(0)
    vectors, more, asked = (random.normal(size=(n, 24)).astype(np.float32) for n in (1500, 200, 1100))
    used = []
    original = RoundedSearch.nearest
    monkeypatch.setattr(RoundedSearch, "nearest", lambda self, p: used.append(len(p)) or original(self, p))
    found = {}
    for quick in (True, False):
        monkeypatch.setattr(memory_bank, "bfloat16_is_quick", lambda quick=quick: quick)
        bank = MemoryBank().add(vectors)
        first = bank.nearest(asked)
        bank.add(more)  # what was prepared for the first ones is made anew
        found[quick] = (*first, *bank.nearest(asked), *bank.nearest(asked[:20]), *bank.nearest(asked, 2))
    assert used == [1100, 1100]  # once for each bank, not for a few patches, nor for two neighbours
    for with_it, without in zip(found[True], found[False], strict=True):
        np.testing.assert_allclose(with_it, without, rtol=1e-6)
    assert (found[True][3] >= 1500).any()
