"""A bank in shards: what one exact index returns, to the last digit and in the order of equals."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aitex_utils import MemoryBank
from aitex_utils.errors import InputError
from aitex_utils.scale import sharded_search
from aitex_utils.scale.sharded_search import COPIES, ShardedBank, merge_nearest, write_shards


def vectors_and_queries(n: int = 3000, channels: int = 16, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return vectors, many of them equal, and queries that lie among them and on them."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, channels)).astype(np.float32)
    vectors[rng.integers(n, size=n // 5)] = vectors[rng.integers(n, size=n // 5)]
    queries = np.concatenate([rng.normal(size=(60, channels)).astype(np.float32), vectors[::97]])
    return vectors, queries


def assert_same(one: tuple, other: tuple) -> None:
    for left, right in zip(one, other, strict=True):
        np.testing.assert_array_equal(left, right)
        assert left.dtype == right.dtype


@pytest.mark.parametrize("k", [1, 7])
@pytest.mark.parametrize("n_shards", [1, 2, 5])
def test_shards_return_what_one_index_returns(n_shards: int, k: int, tmp_path: Path):
    vectors, queries = vectors_and_queries()
    bank = ShardedBank(write_shards(vectors, tmp_path / "shards", n_shards))
    assert len(bank) == 3000 and bank.n_shards == n_shards
    assert_same(bank.search(queries, k), MemoryBank().add(vectors).search(queries, k))
    assert os.listdir(tmp_path) == ["shards"]  # no queries are left


def test_workers_change_nothing(workers: Any, tmp_path: Path):
    vectors, queries = vectors_and_queries()
    bank = ShardedBank(write_shards(vectors, tmp_path / "shards", 5), workers)
    expected = MemoryBank().add(vectors).search(queries, 3)
    for _ in range(2):
        assert_same(bank.search(queries, 3), expected)


@settings(max_examples=30)
@given(n=st.integers(1, 40), n_shards=st.integers(1, 40), k=st.integers(1, 40), seed=st.integers(0, 99))
def test_equal_distances_come_in_the_order_of_their_indices(n: int, n_shards: int, k: int, seed: int):
    import tempfile

    rng = np.random.default_rng(seed)
    vectors = rng.integers(0, 3, (n, 2)).astype(np.float32)  # few places, many ties
    queries = rng.integers(0, 3, (5, 2)).astype(np.float32)
    k, n_shards = min(k, n), min(n_shards, n)
    with tempfile.TemporaryDirectory() as place:
        bank = ShardedBank(write_shards(vectors, f"{place}/shards", n_shards))
        assert_same(bank.search(queries, k), MemoryBank().add(vectors).search(queries, k))


def test_distances_that_differ_only_in_float64_keep_their_order():
    answers = [(np.array([[1.0 + 1e-12]]), np.array([[0]])), (np.array([[1.0]]), np.array([[9]]))]
    distances, indices = merge_nearest(answers, 2)
    assert indices.tolist() == [[9, 0]] and distances[0, 0] == distances[0, 1]


def test_a_process_keeps_no_more_shards_than_fit_and_reads_only_the_others_again(tmp_path: Path, monkeypatch):
    vectors, queries = vectors_and_queries(300)
    read = []
    real = sharded_search._read
    monkeypatch.setattr(sharded_search, "_read", lambda path: read.append(Path(path).name) or real(path))
    monkeypatch.setattr(sharded_search, "_banks", type(sharded_search._banks)())
    folder = write_shards(vectors, tmp_path / "shards", 5)
    of_one = COPIES * vectors[:60].nbytes / 2**30
    expected = MemoryBank().add(vectors).search(queries)
    for room, kept, again in ((0, 1, 5), (0.5, 1, 5), (2.5, 2, 3), (9, 5, 0)):
        sharded_search._banks.clear()
        bank = ShardedBank(folder, keep_gib=room * of_one)
        for _ in range(2):
            read.clear()
            assert_same(bank.search(queries), expected)
        assert len(sharded_search._banks) == kept
        assert len([name for name in read if name != "queries.npy"]) == again


def test_threads_of_one_process_keep_no_more_shards_than_fit(tmp_path: Path, monkeypatch):
    vectors, queries = vectors_and_queries(300)
    real, seen = sharded_search._read, []

    def read_slowly(path: str) -> bytes:
        time.sleep(0.01)
        seen.append(len(sharded_search._banks))
        return real(path)

    monkeypatch.setattr(sharded_search, "_read", read_slowly)
    monkeypatch.setattr(sharded_search, "_banks", type(sharded_search._banks)())
    with ThreadPoolExecutor(4) as threads:
        bank = ShardedBank(write_shards(vectors, tmp_path / "shards", 8), threads, keep_gib=0)
        for _ in range(2):
            assert_same(bank.search(queries, 3), MemoryBank().add(vectors).search(queries, 3))
    assert len(sharded_search._banks) == 1 and max(seen) == 1


def test_shards_of_another_folder_make_room(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(sharded_search, "_banks", type(sharded_search._banks)())
    vectors, queries = vectors_and_queries(300)
    for name in ("one", "another"):
        ShardedBank(write_shards(vectors, tmp_path / name, 2)).search(queries)
        assert {Path(path).parent.name for path, _ in sharded_search._banks} == {name}


def test_a_memory_mapped_array_is_written_and_shards_are_replaced(tmp_path: Path):
    vectors, queries = vectors_and_queries(500)
    np.save(tmp_path / "vectors.npy", vectors)
    for n_shards in (4, 2):
        mapped = np.load(tmp_path / "vectors.npy", mmap_mode="r")
        bank = ShardedBank(write_shards(mapped, tmp_path / "shards", n_shards))
    assert sorted(os.listdir(tmp_path / "shards")) == ["header.json", "shard_00000.npy", "shard_00001.npy"]
    assert_same(bank.search(queries), MemoryBank().add(vectors).search(queries))


def test_damage_is_noticed(tmp_path: Path):
    vectors, queries = vectors_and_queries(500)
    folder = write_shards(vectors, tmp_path / "shards", 2)
    content = bytearray((folder / "shard_00001.npy").read_bytes())
    content[-1] ^= 1
    (folder / "shard_00001.npy").write_bytes(content)
    with pytest.raises(InputError, match="shard_00001.npy is damaged .*: write the shards again"):
        ShardedBank(folder).search(queries)
    (folder / "shard_00001.npy").unlink()
    with pytest.raises(InputError, match="cannot be read by a worker: .* all workers share"):
        ShardedBank(folder).search(queries)
    (folder / "header.json").write_text("{}")
    with pytest.raises(InputError, match="is no sharded bank"):
        ShardedBank(folder)


def test_wrong_arguments_are_refused(tmp_path: Path):
    vectors, queries = vectors_and_queries(100)
    for wrong in (np.zeros(3), np.zeros((0, 3)), "vectors"):
        with pytest.raises(InputError, match=r"^vectors is no array of shape \(N, C\)"):
            write_shards(wrong, tmp_path / "shards", 1)
    with pytest.raises(InputError, match="^n_shards is 101, .* from 1 to 100"):
        write_shards(vectors, tmp_path / "shards", 101)
    with pytest.raises(InputError, match="is missing: give the folder that write_shards wrote"):
        ShardedBank(tmp_path / "shards")
    bank = ShardedBank(write_shards(vectors, tmp_path / "shards", 2))
    with pytest.raises(InputError, match="^keep_gib is -1"):
        ShardedBank(tmp_path / "shards", keep_gib=-1)
    with pytest.raises(InputError, match="^k is 101, .* from 1 to 100"):
        bank.search(queries, 101)
    with pytest.raises(InputError, match="8 channels but the bank has 16"):
        bank.search(queries[:, :8])
    (tmp_path / "shards" / "thesis.txt").touch()
    with pytest.raises(InputError, match="thesis.txt"):
        write_shards(vectors, tmp_path / "shards", 2)
