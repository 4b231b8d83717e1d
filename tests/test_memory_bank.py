"""Searching: the flat bank against brute force in float64, the others for what they promise; adding; messages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from aitex_utils import memory_bank
from aitex_utils.errors import InputError
from aitex_utils.memory_bank import KINDS, MemoryBank


def all_distances(patches: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """(n, N) float64, by differences."""
    differences = patches[:, None].astype(np.float64) - vectors[None].astype(np.float64)
    return np.sqrt((differences**2).sum(axis=2))


def normal_patches(n: int, channels: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, channels)).astype(np.float32)


def assert_true_and_sorted(bank: MemoryBank, patches: np.ndarray, distances: np.ndarray, indices: np.ndarray) -> None:
    """What is returned is the distance to what is named, each vector named once, nearest first, nothing after -1."""
    assert distances.dtype == np.float32 and indices.dtype == np.int64 and distances.shape == indices.shape
    truth = all_distances(patches, bank.vectors_)
    for row, (near, who) in enumerate(zip(distances, indices, strict=True)):
        found = who >= 0
        assert np.all(np.isinf(near[~found])) and np.all(who[~found] == -1)
        assert not np.any(found[np.argmin(found) :]) or found.all()  # the missing ones come last
        assert len(set(who[found].tolist())) == found.sum()
        np.testing.assert_allclose(near[found], truth[row, who[found]], rtol=1e-5, atol=1e-12)
        assert np.all(np.diff(near[found]) >= 0)


def assert_nearest(bank: MemoryBank, patches: np.ndarray, distances: np.ndarray, indices: np.ndarray) -> None:
    """Up to ties they are the nearest: the j-th distance is the j-th of all. FAISS chooses by rounded squares."""
    assert_true_and_sorted(bank, patches, distances, indices)
    assert (indices >= 0).all()
    truth = np.sort(all_distances(patches, bank.vectors_), axis=1)[:, : indices.shape[1]]
    norms = (patches.astype(float) ** 2).sum(1).max() + (bank.vectors_.astype(float) ** 2).sum(1).max()
    np.testing.assert_allclose(
        distances.astype(float) ** 2, truth**2, atol=16 * np.finfo(np.float32).eps * norms + 1e-30
    )


def some_arrays(max_rows: int) -> st.SearchStrategy[np.ndarray]:
    """Values on a grid (ties, duplicates) or anywhere."""
    values = st.one_of(st.integers(-4, 4).map(float), st.floats(-100, 100, width=32))
    return hnp.arrays(np.float32, st.tuples(st.integers(1, max_rows), st.just(3)), elements=values)


def test_by_hand():
    bank = MemoryBank().add(np.array([[0, 0], [3, 4], [6, 8]], np.float32))
    distances, indices = bank.nearest(np.array([[0, 0], [6, 7]], np.float32), 3)
    np.testing.assert_allclose(distances, [[0, 5, 10], [1, 4.2426407, 9.2195444]], rtol=1e-6)  # 5, not its square 25
    assert indices.tolist() == [[0, 1, 2], [2, 1, 0]]
    assert bank.nearest([[3, 4]])[1].tolist() == [[1]]


@settings(max_examples=80, deadline=None)
@given(some_arrays(40), some_arrays(30), st.data())
def test_flat_finds_the_nearest(vectors, patches, data):
    bank = MemoryBank().add(vectors)
    k = data.draw(st.integers(1, len(vectors)))
    assert_nearest(bank, patches, *bank.nearest(patches, k))


@pytest.mark.parametrize("n", [1, 19, 20, 21, 500])  # FAISS takes another way from 20 patches on
@pytest.mark.parametrize("k", [1, 7, 100])
def test_flat_finds_the_nearest_of_many(n: int, k: int):
    bank = MemoryBank().add(normal_patches(800, 40))
    patches = normal_patches(n, 40, seed=1)
    assert_nearest(bank, patches, *bank.nearest(patches, k))


def test_the_yardstick_refuses_squares_and_second_best():
    bank, patches = MemoryBank().add(normal_patches(50, 4)), normal_patches(10, 4, 1)
    distances, indices = bank.nearest(patches, 3)
    for wrong in ((distances**2, indices), (distances[:, ::-1], indices[:, ::-1]), (distances[:, 1:], indices[:, 1:])):
        with pytest.raises(AssertionError):
            assert_nearest(bank, patches, *wrong)


@pytest.mark.parametrize("channels", [1, 2, 3, 17, 160])
def test_distances_do_not_depend_on_how_many_are_searched_at_once(channels: int, monkeypatch: pytest.MonkeyPatch):
    bank, patches = MemoryBank().add(normal_patches(300, channels)), normal_patches(60, channels, 1)
    distances, indices = bank.nearest(patches, 3)
    for size in (1, 19, 50):
        parts = [bank.nearest(patches[i : i + size], 3) for i in range(0, len(patches), size)]
        np.testing.assert_array_equal(np.concatenate([p[0] for p in parts]), distances)
        np.testing.assert_array_equal(np.concatenate([p[1] for p in parts]), indices)
    for block in (7, 100):
        monkeypatch.setattr(memory_bank, "BLOCK", block)
        np.testing.assert_array_equal(bank.nearest(patches, 3)[0], distances)


def test_memory_is_bounded_for_many_neighbours(monkeypatch: pytest.MonkeyPatch):
    bank, sizes = MemoryBank().add(normal_patches(100, 2)), []
    search = bank._nearest_block
    monkeypatch.setattr(bank, "_nearest_block", lambda patches, k: sizes.append(len(patches) * k) or search(patches, k))
    monkeypatch.setattr(memory_bank, "BLOCK", 300)
    for k in (1, 50, 100):
        bank.nearest(normal_patches(700, 2), k)
    assert max(sizes) == 300


def test_a_patch_of_the_bank_is_at_distance_zero():
    vectors = normal_patches(200, 30) * 100
    distances, indices = MemoryBank().add(vectors).nearest(vectors)
    assert np.all(distances == 0) and indices[:, 0].tolist() == list(range(200))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_returns_true_distances(kind: str):
    bank = MemoryBank(kind).add(normal_patches(600, 8))
    assert len(bank) == 600 and bank.vectors_.shape == (600, 8)
    patches = normal_patches(150, 8, 1)
    distances, indices = bank.nearest(patches, 5)
    assert_true_and_sorted(bank, patches, distances, indices)
    truth = np.argsort(all_distances(patches, bank.vectors_), axis=1)[:, :5]
    recall = np.mean([len(set(a) & set(b)) / 5 for a, b in zip(indices.tolist(), truth.tolist(), strict=True)])
    assert recall > {"flat": 0.999, "ivf": 0.2, "hnsw": 0.9, "pq": 0.2}[bank.kind]


def test_ivf_that_looks_everywhere_is_exact():
    bank = MemoryBank("ivf", cells=10, probes=10).add(normal_patches(600, 8))
    patches = normal_patches(50, 8, 1)
    assert_nearest(bank, patches, *bank.nearest(patches, 9))


def test_fewer_found_than_wanted():
    """Two far clusters, one cell each, one cell probed: the rest is -1 and infinity, not a distance to vector -1."""
    near = normal_patches(80, 4)
    bank = MemoryBank("ivf", cells=2, probes=1).add(np.concatenate([near, near + 1000]))
    patches = normal_patches(20, 4, 1)
    distances, indices = bank.nearest(patches, 100)
    assert_true_and_sorted(bank, patches, distances, indices)
    assert np.all(indices[:, :80] < 80) and np.all(indices[:, :80] >= 0) and np.all(indices[:, 80:] == -1)


def test_parameters_reach_the_index():
    patches = normal_patches(600, 12)
    ivf = MemoryBank("ivf", cells=5, probes=3).add(patches)._index
    assert (ivf.nlist, ivf.nprobe) == (5, 3)
    default = MemoryBank("ivf").add(patches)._index
    assert (default.nlist, default.nprobe) == (600 // 39, 1)
    assert MemoryBank("hnsw", breadth=17).add(patches)._index.hnsw.efSearch == 17
    assert MemoryBank("pq", code_bytes=6).add(patches)._index.pq.M == 6
    wide = normal_patches(600, 36)
    assert MemoryBank("pq").add(wide)._index.pq.M == 4  # the largest divisor of 36 up to 36 / 8
    assert MemoryBank("pq").add(wide[:, :16])._index.pq.M == 2  # 16 / 8 itself
    assert MemoryBank("pq").add(patches[:, :7])._index.pq.M == 1
    assert MemoryBank("pq").add(patches[:, :1])._index.pq.M == 1


@settings(max_examples=40, deadline=None)
@given(some_arrays(40), st.data())
def test_adding_later_is_adding_at_once(vectors, data):
    cut = data.draw(st.integers(0, len(vectors)))
    later = MemoryBank()
    for part in (vectors[:cut], vectors[cut:]):
        if len(part):
            assert later.add(part) is later
    at_once = MemoryBank().add(vectors)
    assert len(later) == len(at_once) == len(vectors)
    np.testing.assert_array_equal(later.vectors_, vectors)
    for one, other in zip(later.nearest(vectors, len(vectors)), at_once.nearest(vectors, len(vectors)), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kind", KINDS)
def test_added_later_is_found(kind: str):
    bank = MemoryBank(kind, code_bytes=2).add(normal_patches(400, 8))
    far = normal_patches(30, 8, 1) + 50
    bank.add(far)
    distances, indices = bank.nearest(far, 1)
    assert np.all(indices >= 400)
    assert_true_and_sorted(bank, far, distances, indices)
    if kind != "pq":  # whose codes can't tell such far ones apart
        np.testing.assert_array_equal(indices[:, 0], np.arange(400, 430))


def test_bank_keeps_its_own_copy():
    patches = normal_patches(10, 3)
    bank = MemoryBank().add(patches)
    patches[:] = 7
    assert not np.any(bank.vectors_ == 7)
    assert bank.nearest(patches, 1)[0].min() > 1


def test_bytes():
    bank = MemoryBank()
    assert len(bank) == bank.nbytes == bank.index_nbytes == 0
    bank.add(normal_patches(1000, 16))
    assert 64_000 <= bank.index_nbytes < 65_000
    assert bank.nbytes == bank.index_nbytes + 64_000
    assert MemoryBank("pq", code_bytes=4).add(normal_patches(1000, 16)).index_nbytes < 30_000


def test_unknown_kind():
    with pytest.raises(InputError, match="^There is no index of kind 'exact': choose one of flat, ivf, hnsw, pq"):
        MemoryBank("exact")


@pytest.mark.parametrize("name", ["cells", "probes", "links", "breadth", "code_bytes"])
def test_numbers_of_an_index(name: str):
    for value in (0, -1, 2.0, True, "4"):
        with pytest.raises(InputError, match=f"^{name} is {value!r}, expected a whole number from 1 on"):
            MemoryBank(**{name: value})
    for kind in KINDS:
        assert len(MemoryBank(kind, **{name: np.int64(4)}).add(normal_patches(300, 8))) == 300


def test_empty_bank():
    with pytest.raises(InputError, match=r"^The memory bank is empty: add normal patches \(or call fit\) before"):
        MemoryBank().nearest(np.zeros((1, 3)))
    with pytest.raises(InputError, match="it is empty, give at least one patch"):
        MemoryBank().add(np.zeros((0, 3)))


@pytest.mark.parametrize("k", [0, -1, 6, 1.0, True, None])
def test_k(k):
    bank = MemoryBank().add(normal_patches(5, 3))
    with pytest.raises(
        InputError, match="^k is .*, expected a whole number from 1 to the number of patches in the bank, 5"
    ):
        bank.nearest(np.zeros((1, 3)), k)
    assert bank.nearest(np.zeros((1, 3)), np.int64(5))[0].shape == (1, 5)


def test_channels_and_values():
    bank = MemoryBank().add(normal_patches(5, 3))
    for method in (bank.add, bank.nearest):
        with pytest.raises(InputError, match="^patches has 4 channels but the bank holds 3: take them from the same"):
            method(np.zeros((1, 4)))
        with pytest.raises(InputError, match="^patches holds NaN or infinity in 1 of 2 rows, first in row 1"):
            method(np.array([[0, 0, 0], [0, np.nan, 0]]))
        with pytest.raises(InputError, match=r"^patches has shape \(3,\), expected \(N, C\)"):
            method(np.zeros(3))
    assert len(bank) == 5


def test_what_training_needs():
    with pytest.raises(
        InputError, match="^pq needs at least 256 patches to learn its codes, 255 are there: use kind='flat'"
    ):
        MemoryBank("pq").add(normal_patches(255, 4))
    with pytest.raises(InputError, match="^code_bytes is 3, expected a divisor of the 4 channels"):
        MemoryBank("pq", code_bytes=3).add(normal_patches(300, 4))
    refused = MemoryBank("ivf", cells=11)
    with pytest.raises(InputError, match="^cells is 11 but only 10 patches are there to train them: take fewer cells"):
        refused.add(normal_patches(10, 4))
    assert len(refused) == 0
    assert len(refused.add(normal_patches(100, 5))) == 100  # a refused add leaves a bank that can be used
    assert len(MemoryBank("ivf").add(normal_patches(1, 4))) == 1


def test_auto_is_exact_up_to_a_size_and_looks_far_enough_beyond(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(memory_bank, "EXACT_UP_TO", 2000)
    random = np.random.default_rng(0)
    vectors, asked = (random.normal(size=(n, 10)).astype(np.float32) for n in (4000, 500))
    small, large = MemoryBank("auto").add(vectors[:2000]), MemoryBank("auto").add(vectors)
    assert (small.kind, large.kind) == ("flat", "ivf")
    assert small.add(vectors[2000:]).kind == "flat"  # what was chosen at first stays
    exact = small.nearest(asked)[0]
    assert np.mean(large.nearest(asked)[0] <= exact * 1.00001) > 0.97
    assert 1 < large._index.nprobe <= large._index.nlist
    loaded = MemoryBank.load(large.save(tmp_path / "saved"))
    assert loaded.kind == "ivf" and loaded._index.nprobe == large._index.nprobe
    np.testing.assert_array_equal(loaded.nearest(asked)[1], large.nearest(asked)[1])
    monkeypatch.setattr(memory_bank, "RECALL", 0.3)
    assert MemoryBank("auto").add(vectors)._index.nprobe < large._index.nprobe
    monkeypatch.setattr(memory_bank, "RECALL", 1.1)  # never reached: all cells, and an end
    assert MemoryBank("auto").add(vectors)._index.nprobe >= large._index.nlist
