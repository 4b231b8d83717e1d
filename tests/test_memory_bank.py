"""Memory bank: "flat" against brute force in float64, the other kinds for true distances; adding and messages."""

from __future__ import annotations

from pathlib import Path

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from aitex_utils import memory_bank
from aitex_utils.errors import InputError
from aitex_utils.memory_bank import KINDS, MemoryBank


def all_distances(patches: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Return all Euclidean distances (n, N), float64, from differences."""
    differences = patches[:, None].astype(np.float64) - vectors[None].astype(np.float64)
    return np.sqrt((differences**2).sum(axis=2))


def normal_patches(n: int, channels: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, channels)).astype(np.float32)


def assert_true_and_sorted(bank: MemoryBank, patches: np.ndarray, distances: np.ndarray, indices: np.ndarray) -> None:
    """Check that distances belong to the indices, indices are unique, rows are sorted, and missing ones come last."""
    assert distances.dtype == np.float32 and indices.dtype == np.int64 and distances.shape == indices.shape
    expected = all_distances(patches, bank.vectors_)
    for row, (row_distances, row_indices) in enumerate(zip(distances, indices, strict=True)):
        n_found = int((row_indices >= 0).sum())
        assert np.all(row_indices[n_found:] == -1) and np.all(np.isinf(row_distances[n_found:]))
        found, found_distances = row_indices[:n_found], row_distances[:n_found]
        assert len(set(found.tolist())) == n_found and np.all(found >= 0)
        np.testing.assert_allclose(found_distances, expected[row, found], rtol=1e-5, atol=1e-12)
        assert np.all(np.diff(found_distances) >= 0)


def assert_nearest(bank: MemoryBank, patches: np.ndarray, distances: np.ndarray, indices: np.ndarray) -> None:
    """Check that the j-th distance is the j-th smallest of all, up to ties: FAISS compares rounded squares."""
    assert_true_and_sorted(bank, patches, distances, indices)
    assert (indices >= 0).all()
    expected = np.sort(all_distances(patches, bank.vectors_), axis=1)[:, : indices.shape[1]]
    norms = (patches.astype(float) ** 2).sum(1).max() + (bank.vectors_.astype(float) ** 2).sum(1).max()
    tolerance = 16 * np.finfo(np.float32).eps * norms + 1e-30
    np.testing.assert_allclose(distances.astype(float) ** 2, expected**2, atol=tolerance)


def point_sets(max_rows: int) -> st.SearchStrategy[np.ndarray]:
    """Return a strategy for points (N, 3): on a grid, with ties and duplicates, or anywhere."""
    values = st.one_of(st.integers(-4, 4).map(float), st.floats(-100, 100, width=32))
    return hnp.arrays(np.float32, st.tuples(st.integers(1, max_rows), st.just(3)), elements=values)


# --- search ---


def test_search_by_hand():
    bank = MemoryBank().add(np.array([[0, 0], [3, 4], [6, 8]], np.float32))
    distances, indices = bank.search(np.array([[0, 0], [6, 7]], np.float32), 3)
    np.testing.assert_allclose(distances, [[0, 5, 10], [1, 4.2426407, 9.2195444]], rtol=1e-6)  # 5, not its square 25
    assert indices.tolist() == [[0, 1, 2], [2, 1, 0]]
    assert bank.search([[3, 4]])[1].tolist() == [[1]]


@settings(max_examples=80)
@given(point_sets(40), point_sets(30), st.data())
def test_flat_finds_the_nearest(vectors, patches, data):
    bank = MemoryBank().add(vectors)
    k = data.draw(st.integers(1, len(vectors)))
    assert_nearest(bank, patches, *bank.search(patches, k))


@pytest.mark.parametrize("n", [1, 19, 20, 21, 500])  # FAISS uses another algorithm from 20 queries on
@pytest.mark.parametrize("k", [1, 7, 100])
def test_flat_finds_the_nearest_of_many(n: int, k: int):
    bank = MemoryBank().add(normal_patches(800, 40))
    patches = normal_patches(n, 40, seed=1)
    assert_nearest(bank, patches, *bank.search(patches, k))


def test_the_check_rejects_squared_distances_and_second_nearest_neighbours():
    bank, patches = MemoryBank().add(normal_patches(50, 4)), normal_patches(10, 4, 1)
    distances, indices = bank.search(patches, 3)
    for wrong in ((distances**2, indices), (distances[:, ::-1], indices[:, ::-1]), (distances[:, 1:], indices[:, 1:])):
        with pytest.raises(AssertionError):
            assert_nearest(bank, patches, *wrong)


@pytest.mark.parametrize("channels", [1, 2, 3, 17, 160])
def test_distances_do_not_depend_on_the_number_of_queries(channels: int, monkeypatch: pytest.MonkeyPatch):
    bank, patches = MemoryBank().add(normal_patches(300, channels)), normal_patches(60, channels, 1)
    distances, indices = bank.search(patches, 3)
    for size in (1, 19, 50):
        parts = [bank.search(patches[i : i + size], 3) for i in range(0, len(patches), size)]
        np.testing.assert_array_equal(np.concatenate([part[0] for part in parts]), distances)
        np.testing.assert_array_equal(np.concatenate([part[1] for part in parts]), indices)
    for block_size in (7, 100):
        monkeypatch.setattr(memory_bank, "BLOCK_SIZE", block_size)
        np.testing.assert_array_equal(bank.search(patches, 3)[0], distances)


def test_at_most_block_size_pairs_are_compared_at_once(monkeypatch: pytest.MonkeyPatch):
    bank, pairs = MemoryBank().add(normal_patches(100, 2)), []
    search = bank.index.search
    monkeypatch.setattr(bank.index, "search", lambda patches, k: pairs.append(len(patches) * k) or search(patches, k))
    monkeypatch.setattr(memory_bank, "BLOCK_SIZE", 300)
    for k in (1, 50, 100):
        bank.search(normal_patches(700, 2), k)
    assert max(pairs) <= 300 and sum(pairs) >= 700 * (1 + 50 + 100)


def test_vectors_of_the_bank_are_at_distance_zero():
    vectors = normal_patches(200, 30) * 100
    distances, indices = MemoryBank().add(vectors).search(vectors)
    assert np.all(distances == 0) and indices[:, 0].tolist() == list(range(200))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_returns_true_distances(kind: str):
    bank = MemoryBank(kind).add(normal_patches(600, 8))
    assert len(bank) == 600 and bank.vectors_.shape == (600, 8)
    patches = normal_patches(150, 8, 1)
    distances, indices = bank.search(patches, 5)
    assert_true_and_sorted(bank, patches, distances, indices)
    nearest = np.argsort(all_distances(patches, bank.vectors_), axis=1)[:, :5]
    recall = np.mean([len(set(a) & set(b)) / 5 for a, b in zip(indices.tolist(), nearest.tolist(), strict=True)])
    assert recall > {"flat": 0.999, "ivf": 0.2, "hnsw": 0.9, "pq": 0.2}[bank.kind]


def test_ivf_is_exact_if_it_searches_all_cells():
    bank = MemoryBank("ivf", nlist=10, nprobe=10).add(normal_patches(600, 8))
    patches = normal_patches(50, 8, 1)
    assert_nearest(bank, patches, *bank.search(patches, 9))


def test_missing_neighbours_are_minus_one_and_infinity():
    """Two clusters far apart, one cell each, one cell searched: 80 of 100 neighbours can be found."""
    cluster = normal_patches(80, 4)
    bank = MemoryBank("ivf", nlist=2, nprobe=1).add(np.concatenate([cluster, cluster + 1000]))
    patches = normal_patches(20, 4, 1)
    distances, indices = bank.search(patches, 100)
    assert_true_and_sorted(bank, patches, distances, indices)
    assert np.all(indices[:, :80] < 80) and np.all(indices[:, :80] >= 0) and np.all(indices[:, 80:] == -1)


def test_ivf_finds_a_neighbour_among_equal_vectors_whose_cells_are_empty():
    vectors = np.repeat(normal_patches(3, 4), 200, axis=0)
    distances, indices = MemoryBank("ivf", nlist=50, nprobe=1).add(vectors).search(normal_patches(40, 4, 1))
    assert np.isfinite(distances).all() and (indices >= 0).all()


# --- exactness of "flat" ---


@pytest.mark.slow
@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("kind", ["ordinary", "far from the origin", "duplicates", "huge", "tiny"])
def test_flat_equals_brute_force_bit_for_bit(kind: str, k: int, fast: bool, monkeypatch: pytest.MonkeyPatch):
    vectors, queries = normal_patches(1300, 20), normal_patches(1100, 20, 1)
    queries[:300] = vectors[:300] + np.float32(1e-3)
    if kind == "far from the origin":
        vectors, queries = vectors + 10_000, queries + 10_000
    elif kind == "duplicates":
        vectors[650:], queries[300:] = vectors[:650], vectors[:800]
    elif kind in ("huge", "tiny"):
        factor = np.float32(1e25 if kind == "huge" else 1e-25)
        vectors, queries = vectors * factor, queries * factor
    monkeypatch.setattr(memory_bank, "has_fast_bf16", lambda: fast)
    distances, indices = MemoryBank().add(vectors).search(queries, k)
    squares = ((queries[:, None].astype(float) - vectors[None].astype(float)) ** 2).sum(axis=2)
    expected = np.argsort(squares, axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(indices, expected)
    np.testing.assert_allclose(distances, np.sqrt(np.take_along_axis(squares, expected, 1)), rtol=1e-6)


def test_a_vector_far_from_the_origin_finds_itself():
    rng = np.random.default_rng(0)
    vectors = (1e4 + rng.standard_normal((5000, 152))).astype(np.float32)
    found = MemoryBank("flat").add(vectors).search(vectors[:1500] + np.float32(0.002), 2)[1]
    np.testing.assert_array_equal(found[:, 0], np.arange(1500))


@pytest.mark.parametrize("kind", ["flat", "ivf", "hnsw", "pq"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_add_leaves_the_bank_as_it_was(kind: str, error: type, monkeypatch: pytest.MonkeyPatch):
    bank, more, queries = (
        MemoryBank(kind).add(normal_patches(300, 8)),
        normal_patches(50, 8, 2),
        normal_patches(9, 8, 1),
    )
    before = bank.search(queries, 3)

    def fail(*_: object) -> None:
        raise error("interrupted")

    with monkeypatch.context() as patch:
        patch.setattr(type(bank.index), "add", fail)
        with pytest.raises(error):
            bank.add(more)
    assert len(bank) == len(bank.vectors_) == bank.index.ntotal == 300
    for actual, expected in zip(bank.search(queries, 3), before, strict=True):
        np.testing.assert_array_equal(actual, expected)
    assert len(bank.add(more)) == 350


# --- the FAISS index ---


def test_index_is_the_faiss_index_of_the_vectors():
    patches = normal_patches(50, 6)
    bank = MemoryBank().add(patches)
    assert isinstance(bank.index, faiss.IndexFlatL2) and bank.index is bank.index
    squared, indices = bank.index.search(patches[:5], 3)  # FAISS returns squared distances
    np.testing.assert_allclose(np.sqrt(squared), bank.search(patches[:5], 3)[0], atol=1e-2)
    np.testing.assert_array_equal(indices, bank.search(patches[:5], 3)[1])
    bank.add(patches)
    assert bank.index.ntotal == len(bank) == 100


def test_an_empty_bank_has_no_index():
    with pytest.raises(InputError, match="memory bank is empty.*add normal patches"):
        MemoryBank().index  # noqa: B018 - the property raises


def test_parameters_reach_the_index():
    patches = normal_patches(600, 12)
    ivf = MemoryBank("ivf", nlist=5, nprobe=3).add(patches).index
    assert (ivf.nlist, ivf.nprobe) == (5, 3)
    default = MemoryBank("ivf").add(patches).index
    assert (default.nlist, default.nprobe) == (600 // 39, 1)
    hnsw = MemoryBank("hnsw", M=7, ef_search=17).add(patches).index
    assert hnsw.hnsw.efSearch == 17 and hnsw.hnsw.nb_neighbors(1) == 7  # links on level 1
    pq = MemoryBank("pq", code_size=6).add(patches).index
    assert pq.pq.M == 6


@pytest.mark.parametrize(("channels", "code_size"), [(36, 4), (16, 2), (7, 1), (1, 1)])
def test_the_default_code_size_is_the_largest_divisor_up_to_an_eighth(channels: int, code_size: int):
    index = MemoryBank("pq").add(normal_patches(300, channels)).index
    assert index.pq.M == code_size


def test_auto_is_exact_up_to_a_size_and_has_high_recall_beyond(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(memory_bank, "EXACT_UP_TO", 2000)
    vectors, queries = normal_patches(4000, 10), normal_patches(500, 10, 1)
    small, large = MemoryBank("auto").add(vectors[:2000]), MemoryBank("auto").add(vectors)
    assert (small.kind, large.kind) == ("flat", "ivf")
    assert small.add(vectors[2000:]).kind == "flat"  # the first choice stays
    exact = small.search(queries)[0]
    assert np.mean(large.search(queries)[0] <= exact * 1.00001) > 0.97
    assert 1 < large.index.nprobe <= large.index.nlist
    loaded = MemoryBank.load(large.save(tmp_path / "saved"))
    assert loaded.kind == "ivf" and loaded.index.nprobe == large.index.nprobe
    np.testing.assert_array_equal(loaded.search(queries)[1], large.search(queries)[1])


@pytest.mark.parametrize("recall", [0.3, 1.1])
def test_auto_raises_nprobe_until_the_recall_or_all_cells_are_reached(recall: float, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(memory_bank, "EXACT_UP_TO", 2000)
    vectors = normal_patches(4000, 10)
    default = MemoryBank("auto").add(vectors).index.nprobe
    monkeypatch.setattr(memory_bank, "RECALL", recall)
    index = MemoryBank("auto").add(vectors).index
    assert index.nprobe < default if recall < 1 else index.nprobe >= index.nlist


# --- adding ---


@settings(max_examples=40)
@given(point_sets(40), st.data())
def test_adding_in_two_steps_equals_adding_at_once(vectors, data):
    cut = data.draw(st.integers(0, len(vectors)))
    in_steps = MemoryBank()
    for part in (vectors[:cut], vectors[cut:]):
        if len(part):
            assert in_steps.add(part) is in_steps
    at_once = MemoryBank().add(vectors)
    assert len(in_steps) == len(at_once) == len(vectors)
    np.testing.assert_array_equal(in_steps.vectors_, vectors)
    results = in_steps.search(vectors, len(vectors)), at_once.search(vectors, len(vectors))
    for actual, expected in zip(*results, strict=True):
        np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("kind", KINDS)
def test_vectors_added_later_are_found(kind: str):
    bank = MemoryBank(kind, code_size=2).add(normal_patches(400, 8))
    far = normal_patches(30, 8, 1) + 50
    bank.add(far)
    distances, indices = bank.search(far, 1)
    assert np.all(indices >= 400)
    assert_true_and_sorted(bank, far, distances, indices)
    if kind != "pq":  # the codes of "pq" do not distinguish vectors so far from the training set
        np.testing.assert_array_equal(indices[:, 0], np.arange(400, 430))


def test_the_bank_copies_its_vectors():
    patches = normal_patches(10, 3)
    bank = MemoryBank().add(patches)
    patches[:] = 7
    assert not np.any(bank.vectors_ == 7)
    assert bank.search(patches, 1)[0].min() > 1


def test_nbytes_counts_index_and_vectors():
    bank = MemoryBank()
    assert len(bank) == bank.nbytes == bank.index_nbytes == 0
    bank.add(normal_patches(1000, 16))
    assert 64_000 <= bank.index_nbytes < 65_000
    assert bank.nbytes == bank.index_nbytes + 64_000
    assert MemoryBank("pq", code_size=4).add(normal_patches(1000, 16)).index_nbytes < 30_000


# --- arguments that are refused ---


def test_an_unknown_kind_is_refused():
    with pytest.raises(InputError, match="^kind is 'exact': choose one of flat, ivf, hnsw, pq, auto"):
        MemoryBank("exact")


@pytest.mark.parametrize("name", ["nlist", "nprobe", "M", "ef_search", "code_size"])
def test_parameters_of_an_index_must_be_whole_numbers_above_0(name: str):
    allowed = {"M": "from 2 to 256", "ef_search": "from 1 to 65536"}.get(name, "of at least 1")
    for value in (0, -1, 2.0, True, "4"):
        with pytest.raises(InputError, match=f"^{name} is {value!r}, expected a whole number {allowed}"):
            MemoryBank(**{name: value})
    for kind in KINDS:
        assert len(MemoryBank(kind, **{name: np.int64(4)}).add(normal_patches(300, 8))) == 300


@pytest.mark.parametrize(("name", "value"), [("M", 1), ("M", 257), ("ef_search", 65_537), ("ef_search", 2**40)])
def test_what_would_end_the_process_inside_faiss_is_refused(name: str, value: int):
    with pytest.raises(InputError, match=f"^{name} is {value}, expected a whole number from"):
        MemoryBank("hnsw", **{name: value})


@pytest.mark.parametrize(
    ("kind", "options"),
    [("hnsw", {"M": 2, "ef_search": 1}), ("ivf", {"nlist": 300, "nprobe": 2**40}), ("pq", {"code_size": 8})],
)
def test_extreme_parameters_that_are_allowed_work(kind: str, options: dict):
    bank = MemoryBank(kind, **options).add(normal_patches(300, 8))
    assert np.isfinite(bank.search(normal_patches(20, 8, 1))[0]).all()


def test_an_empty_bank_cannot_be_searched_and_no_patches_cannot_be_added():
    with pytest.raises(InputError, match="memory bank is empty: add normal patches"):
        MemoryBank().search(np.zeros((1, 3)))
    with pytest.raises(InputError, match="at least one patch"):
        MemoryBank().add(np.zeros((0, 3)))


@pytest.mark.parametrize("k", [0, -1, 6, 1.0, True, None])
def test_k_out_of_range_is_refused(k):
    bank = MemoryBank().add(normal_patches(5, 3))
    with pytest.raises(InputError, match=f"^k is {k!r}, .* from 1 to 5, the number of patches in the bank"):
        bank.search(np.zeros((1, 3)), k)
    assert bank.search(np.zeros((1, 3)), np.int64(5))[0].shape == (1, 5)


def test_patches_of_another_number_of_channels_or_without_finite_values_are_refused():
    bank = MemoryBank().add(normal_patches(5, 3))
    for method in (bank.add, bank.search):
        with pytest.raises(InputError, match="^patches has 4 channels but the bank has 3: .*same backbone"):
            method(np.zeros((1, 4)))
        with pytest.raises(InputError, match="^patches contains NaN or infinity in 1 of 2 rows, first in row 1"):
            method(np.array([[0, 0, 0], [0, np.nan, 0]]))
        with pytest.raises(InputError, match=r"^patches has shape \(3,\), expected \(N, C\)"):
            method(np.zeros(3))
    assert len(bank) == 5


def test_an_index_that_cannot_be_trained_is_refused_and_the_bank_stays_usable():
    with pytest.raises(InputError, match="^pq needs at least 256 patches .* 255: use kind='flat'"):
        MemoryBank("pq").add(normal_patches(255, 4))
    with pytest.raises(InputError, match="^code_size is 3, expected a divisor of the 4 channels"):
        MemoryBank("pq", code_size=3).add(normal_patches(300, 4))
    bank = MemoryBank("ivf", nlist=11)
    with pytest.raises(InputError, match="^nlist is 11 .* 10 patches .*fewer"):
        bank.add(normal_patches(10, 4))
    assert len(bank) == 0
    assert len(bank.add(normal_patches(100, 5))) == 100
    assert len(MemoryBank("ivf").add(normal_patches(1, 4))) == 1


@pytest.mark.parametrize("kind", ["ivf", "pq"])
@pytest.mark.parametrize("size", [1e19, -3e38])
def test_vectors_that_would_end_the_process_in_training_are_refused(kind: str, size: float):
    vectors = np.random.default_rng(0).standard_normal((300, 8)).clip(-1, 1).astype(np.float32) * np.float32(size)
    with pytest.raises(InputError, match="too large to train cells or codes on: divide all patches by one number"):
        MemoryBank(kind).add(vectors)
