"""Pruned search: equal to a comparison with all vectors, and the bound on rounding on which it depends."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from aitex_utils import memory_bank
from aitex_utils.fast import pruned_search
from aitex_utils.fast.bf16_bound import GROUP
from aitex_utils.fast.exact_distances import brute_force_search
from aitex_utils.fast.pruned_search import PrunedSearch
from aitex_utils.memory_bank import MemoryBank

pytestmark = pytest.mark.usefixtures("one_thread")


def possible_groups(search: PrunedSearch, queries: np.ndarray) -> np.ndarray:
    """Return, (groups, n) bool, which groups of vectors the bound does not rule out."""
    points = torch.from_numpy(queries - search.mean)
    return search._possible_groups(points, search.half_squares, search.transposed).numpy()


KINDS = ["normal", "far from 0", "clusters", "duplicates", "all equal", "on the vectors", "tiny"]


def make_points(kind: str, n_vectors: int, n_queries: int, channels: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Return vectors and queries of one kind, float32."""
    vectors, queries = (rng.normal(size=(n, channels)).astype(np.float32) for n in (n_vectors, n_queries))
    if kind == "far from 0":
        vectors, queries = vectors + 30, queries * 5 - 40
    elif kind == "clusters":
        vectors = vectors * 0.05 + 9 * rng.normal(size=(3, channels))[rng.integers(3, size=n_vectors)]
    elif kind == "duplicates":
        vectors = vectors[rng.integers(max(1, n_vectors // 5), size=n_vectors)]
    elif kind == "all equal":
        vectors[:] = vectors[0]
    elif kind == "on the vectors":
        queries = vectors[rng.integers(n_vectors, size=n_queries)]
    elif kind == "tiny":
        vectors, queries = vectors * 1e-6, queries * 1e-6
    return [vectors.astype(np.float32), queries.astype(np.float32)]


@settings(max_examples=60)
@given(
    n_vectors=st.integers(1, 400),
    n_queries=st.integers(1, 50),
    channels=st.integers(1, 70),
    kind=st.sampled_from(KINDS),
    seed=st.integers(0, 999),
)
def test_the_nearest_vector_is_found(n_vectors: int, n_queries: int, channels: int, kind: str, seed: int):
    rng = np.random.default_rng(seed)
    vectors, queries = make_points(kind, n_vectors, n_queries, channels, rng)
    search, exclude = PrunedSearch(vectors), rng.random(n_vectors) < rng.random()
    for _ in range(2):  # an exclusion does not last
        squares, indices = search.search(queries)
        expected_squares, expected = brute_force_search(queries, vectors)
        np.testing.assert_array_equal(indices, expected[:, 0])
        np.testing.assert_array_equal(squares, expected_squares[:, 0])
        if not exclude.all():
            squares, indices = search.search(queries, exclude)
            expected_squares, expected = brute_force_search(queries, vectors[~exclude])
            np.testing.assert_array_equal(indices, np.flatnonzero(~exclude)[expected[:, 0]])
            np.testing.assert_array_equal(squares, expected_squares[:, 0])


@settings(max_examples=60)
@given(spread=st.floats(0.01, 100), channels=st.integers(1, 12), seed=st.integers(0, 999))
def test_the_group_of_the_nearest_vector_is_never_ruled_out(spread: float, channels: int, seed: int):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(20 * GROUP, channels)).astype(np.float32)
    queries = (spread * rng.normal(size=(200, channels))).astype(np.float32)
    search = PrunedSearch(vectors)
    possible = possible_groups(search, queries)
    nearest = cdist(queries, vectors[search.order]).argmin(axis=1)
    assert possible.shape == (20, 200) and possible[nearest // GROUP, np.arange(200)].all()


@pytest.mark.parametrize("length", [0.0, 1e-3, 0.01, 0.1])
def test_rounding_of_norms_and_of_sums_is_allowed_for(length: float):
    """Vectors lie nearly on a sphere around the queries: differences below one rounding decide."""
    rng = np.random.default_rng(0)
    radii = (10 + 0.02 * rng.random(256)).astype(np.float32)
    vectors = np.concatenate([np.diag(radii), -np.diag(radii)])  # 8 groups
    queries = rng.normal(size=(4000, 256))
    queries = (length * queries / np.linalg.norm(queries, axis=1, keepdims=True)).astype(np.float32)
    search = PrunedSearch(vectors)
    ordered = vectors[search.order].astype(float)
    nearest = (queries.astype(float) @ ordered.T - (ordered**2).sum(axis=1) / 2).argmax(axis=1)
    assert possible_groups(search, queries)[nearest // GROUP, np.arange(len(queries))].all()


def test_the_group_of_the_nearest_vector_is_not_ruled_out_by_the_largest_rounding(monkeypatch: pytest.MonkeyPatch):
    """All products of the nearest vector are rounded down, all of another vector up, each by almost 1 part in 256.

    With u = 2^-8, both 1 + u and 1 + 3u lie in the middle between two numbers of bfloat16; ties go to 1 and 1 + 4u.
    Both vectors have about the product (1 + u) (1 + 3u) with a query, but from rounded factors the products differ by
    4u. The third channel moves the sums to all places between two numbers of bfloat16. The fourth makes the first
    vector the nearest.
    """
    u, tiny = 2.0**-8, 2.0**-20
    nearest = np.array([0, 1 + 3 * u - tiny, 2.0**-5, u])
    second = np.array([1 + u + tiny, 0, 2.0**-5, 0])
    points = (nearest, second, -nearest, -second, 0 * nearest)  # their mean is 0
    vectors = np.repeat(points, GROUP, axis=0).astype(np.float32)
    queries = np.full((4000, 4), [1 + 3 * u, 1 + u, 0, 2.0**-6])
    queries[:, 2] = np.linspace(0, 0.25, len(queries))
    queries = (queries * 2**10).astype(np.float32)
    monkeypatch.setattr(pruned_search, "balanced_partition_order", lambda points, size: np.arange(len(points)))
    search = PrunedSearch(vectors)
    s = queries.astype(float) @ vectors.T.astype(float) - (vectors.astype(float) ** 2).sum(axis=1) / 2
    assert (s[:, 0] > s[:, GROUP]).all() and (s.argmax(axis=1) < GROUP).all()
    assert possible_groups(search, queries)[0].all()
    np.testing.assert_array_less(search.search(queries)[1], GROUP)


def test_most_groups_are_ruled_out_where_vectors_differ():
    rng = np.random.default_rng(0)
    vectors = (20 * rng.normal(size=(30, 16))[rng.integers(30, size=3000)]).astype(np.float32)
    vectors += rng.normal(size=vectors.shape).astype(np.float32)
    queries = vectors[::7] + rng.normal(size=(429, 16)).astype(np.float32)
    assert possible_groups(PrunedSearch(vectors), queries).mean() < 0.25


def test_a_bank_returns_the_same_with_and_without_pruning(monkeypatch: pytest.MonkeyPatch):
    rng = np.random.default_rng(0)
    vectors, more, queries = (rng.normal(size=(n, 24)).astype(np.float32) for n in (1500, 200, 1100))
    pruned = []  # numbers of queries of each pruned search
    search = PrunedSearch.search
    monkeypatch.setattr(PrunedSearch, "search", lambda self, q: pruned.append(len(q)) or search(self, q))
    results = {}
    for fast in (True, False):
        monkeypatch.setattr(memory_bank, "has_fast_bf16", lambda fast=fast: fast)
        bank = MemoryBank().add(vectors)
        before = bank.search(queries)
        bank.add(more)  # the pruned search of the first vectors is out of date now
        results[fast] = (*before, *bank.search(queries), *bank.search(queries[:20]), *bank.search(queries, 2))
    assert pruned == [1100, 1100]  # once per state of the bank; not for few queries, nor for two neighbours
    for actual, expected in zip(results[True], results[False], strict=True):
        np.testing.assert_array_equal(actual, expected)
    assert (results[True][3] >= 1500).any()
