"""Search with PyTorch on any device, here the CPU: the vectors, distances up to rounding, and blocks of any size."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gpu_path import ON_DEVICE
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from aitex_utils import memory_bank
from aitex_utils.fast import torch_search
from aitex_utils.fast.exact_distances import brute_force_search, rounding_of_products
from aitex_utils.fast.torch_search import TorchSearch
from aitex_utils.memory_bank import KINDS, MemoryBank

pytestmark = pytest.mark.usefixtures("one_thread")
POINTS = ["normal", "far from 0", "duplicates", "grid", "all equal", "tiny", "huge"]


def make_points(kind: str, n_vectors: int, n_queries: int, channels: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return vectors and queries of one kind, float32."""
    rng = np.random.default_rng(seed)
    vectors, queries = rng.normal(size=(n_vectors, channels)), rng.normal(size=(n_queries, channels))
    if kind == "far from 0":
        vectors, queries = vectors + 300, queries + 300
    elif kind == "duplicates":
        vectors = vectors[rng.integers(max(1, n_vectors // 5), size=n_vectors)]
    elif kind == "grid":
        vectors, queries = vectors.round(), queries.round()
    elif kind == "all equal":
        vectors[:] = vectors[0]
    elif kind in ("tiny", "huge"):
        scale = 1e-30 if kind == "tiny" else 1e25
        vectors, queries = scale * vectors, scale * queries
    return vectors.astype(np.float32), queries.astype(np.float32)


def test_neighbours_by_hand():
    vectors = np.array([[0, 0], [3, 4], [6, 8], [0, 1]], np.float32)
    squares, indices = TorchSearch(vectors, ON_DEVICE).search(np.array([[0, 0], [6, 8]], np.float32), 3)
    assert indices.tolist() == [[0, 3, 1], [2, 1, 3]]
    np.testing.assert_allclose(squares, [[0, 1, 25], [0, 25, 85]], atol=1e-5)
    assert squares.dtype == np.float32 and indices.dtype == np.int64


@settings(max_examples=40)
@given(
    n_vectors=st.integers(1, 60),
    n_queries=st.integers(0, 30),
    channels=st.integers(1, 20),
    kind=st.sampled_from(POINTS[:-2]),
    seed=st.integers(0, 999),
    data=st.data(),
)
def test_distances_belong_to_the_indices_and_are_the_smallest(n_vectors, n_queries, channels, kind, seed, data):
    vectors, queries = make_points(kind, n_vectors, n_queries, channels, seed)
    k = data.draw(st.integers(1, n_vectors))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(torch_search, "PRODUCT", data.draw(st.integers(1, 500)))
        squares, indices = TorchSearch(vectors, ON_DEVICE).search(queries, k)
    expected = cdist(queries.astype(float), vectors.astype(float)) ** 2
    lengths = np.linalg.norm(queries, axis=1)
    slack = rounding_of_products(lengths, np.linalg.norm(vectors, axis=1).max(), channels)[:, None]
    assert all(len(set(row)) == k for row in indices.tolist())
    assert (np.abs(squares - np.take_along_axis(expected, indices, 1)) <= slack).all()  # the memory bank's assumption
    assert (np.abs(squares - np.sort(expected, axis=1)[:, :k]) <= slack).all()
    assert (np.diff(squares, axis=1) >= 0).all()


@settings(max_examples=30)
@given(n=st.integers(1, 20), m=st.integers(1, 5), kind=st.sampled_from(POINTS), block=st.integers(1, 300))
def test_distances_of_pairs_are_computed_from_differences(n: int, m: int, kind: str, block: int):
    vectors, queries = make_points(kind, 15, n, 6, seed=n)
    indices = np.random.default_rng(m).integers(15, size=(n, m))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(torch_search, "BLOCK", block)
        squares = TorchSearch(vectors, ON_DEVICE).squared_distances(queries, indices)
    differences = queries[:, None].astype(float) - vectors[indices].astype(float)
    np.testing.assert_allclose(squares, (differences**2).sum(axis=2), rtol=1e-14)
    assert squares.dtype == np.float64


def test_without_float64_on_the_device_the_cpu_computes_the_distances():
    class OnApple:
        device = torch.device("mps")

    vectors, queries = make_points("normal", 15, 4, 6, seed=0)
    search, indices = TorchSearch(vectors, ON_DEVICE), np.array([[0, 3]] * 4)
    expected, search.points = search.squared_distances(queries, indices), OnApple()
    np.testing.assert_allclose(search.squared_distances(queries, indices), expected, rtol=1e-14)


# In a memory bank: the exact neighbours


@settings(max_examples=60)
@given(
    n_vectors=st.integers(1, 80),
    n_queries=st.integers(1, 30),
    channels=st.integers(1, 20),
    kind=st.sampled_from(POINTS),
    seed=st.integers(0, 999),
    data=st.data(),
)
def test_a_bank_on_a_device_equals_brute_force_bit_for_bit(n_vectors, n_queries, channels, kind, seed, data):
    vectors, queries = make_points(kind, n_vectors, n_queries, channels, seed)
    k = data.draw(st.integers(1, min(n_vectors, 6)))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(torch_search, "PRODUCT", data.draw(st.sampled_from([1, 100, 2**26])))
        patched.setattr(memory_bank, "BLOCK_SIZE", data.draw(st.sampled_from([1, 16, 16384])))
        distances, indices = MemoryBank(device=ON_DEVICE).add(vectors).search(queries, k)
    squares, expected = brute_force_search(queries, vectors, k)
    np.testing.assert_array_equal(indices, expected)
    np.testing.assert_array_equal(distances, np.sqrt(squares).astype(np.float32))


def test_of_equally_near_vectors_the_lowest_index_comes_first():
    vectors = np.array([[2.0], [0.0], [2.0], [0.0], [2.0]], np.float32)
    distances, indices = MemoryBank(device=ON_DEVICE).add(vectors).search(np.array([[1.0]], np.float32), 4)
    assert indices.tolist() == [[0, 1, 2, 3]] and distances.tolist() == [[1, 1, 1, 1]]


def test_a_bank_on_a_device_finds_what_is_added_later():
    rng = np.random.default_rng(0)
    bank = MemoryBank(device=ON_DEVICE).add(rng.normal(size=(50, 4)).astype(np.float32))
    bank.search(rng.normal(size=(2, 4)).astype(np.float32))
    later = rng.normal(size=(3, 4)).astype(np.float32) + 9
    assert bank.add(later).search(later)[1][:, 0].tolist() == [50, 51, 52]


def test_only_the_flat_index_is_replaced(monkeypatch: pytest.MonkeyPatch):
    vectors = np.random.default_rng(0).normal(size=(600, 8)).astype(np.float32)
    made = []
    monkeypatch.setattr(memory_bank, "TorchSearch", lambda *a: made.append(a) or TorchSearch(*a))
    for kind in KINDS:
        expected = MemoryBank(kind).add(vectors).search(vectors[:9], 2)
        actual = MemoryBank(kind, device=ON_DEVICE).add(vectors).search(vectors[:9], 2)
        np.testing.assert_array_equal(actual, expected)
    assert len(made) == 2  # flat, and auto, which is flat


def test_a_bank_is_loaded_on_another_device(tmp_path):
    vectors = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    saved = MemoryBank(device=ON_DEVICE).add(vectors).save(tmp_path / "bank")
    for device in ("cpu", ON_DEVICE):
        loaded = MemoryBank.load(saved, device=device)
        assert loaded.device == device and loaded.search(vectors)[1][:, 0].tolist() == list(range(40))
