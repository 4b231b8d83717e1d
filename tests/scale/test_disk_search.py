"""Inverted lists on disk: the neighbours that FAISS finds with the lists in memory, from a folder that can move."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from aitex_utils import MemoryBank
from aitex_utils.errors import InputError
from aitex_utils.scale.disk_search import DiskIndex, build_disk_index

faiss = pytest.importorskip("faiss")
pytestmark = pytest.mark.skipif(not hasattr(faiss, "OnDiskInvertedLists"), reason="this FAISS has no lists on disk")


def clustered(n: int = 4000, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n, 8)) + 6 * rng.integers(0, 3, (n, 8))).astype(np.float32)


def test_all_cells_give_the_exact_neighbours_and_fewer_cells_give_most(tmp_path: Path):
    vectors, queries = clustered(), clustered(200, seed=1)
    index = DiskIndex(build_disk_index(np.array_split(vectors, 7), tmp_path / "index", nlist=16, training=vectors))
    exact, neighbours = MemoryBank().add(vectors).search(queries, 3)
    distances, indices = index.search(queries, 3, nprobe=16)
    np.testing.assert_array_equal(indices, neighbours)
    np.testing.assert_allclose(distances, exact, rtol=1e-4)
    assert len(index) == 4000 and index.nlist == 16
    recall = [np.mean(index.search(queries, nprobe=nprobe)[1][:, 0] == neighbours[:, 0]) for nprobe in (1, 4, 16)]
    assert recall[0] > 0.5 and recall == sorted(recall) and recall[2] == 1


def test_a_folder_that_was_moved_is_searched_and_has_no_other_files(tmp_path: Path):
    vectors = clustered()
    build_disk_index([vectors], tmp_path / "index", nlist=4)
    shutil.move(tmp_path / "index", tmp_path / "moved")
    assert sorted(os.listdir(tmp_path / "moved")) == ["header.json", "index.faiss", "lists.ivfdata"]
    assert os.path.getsize(tmp_path / "moved" / "index.faiss") < 2000  # the centres of the cells alone
    assert DiskIndex(tmp_path / "moved").search(vectors[5:6], nprobe=4)[1].tolist() == [[5]]


def test_cells_with_too_few_vectors_leave_infinity(tmp_path: Path):
    vectors = np.repeat(np.array([[0.0, 0], [9, 9]], np.float32), [3, 50], axis=0)
    index = DiskIndex(build_disk_index([vectors], tmp_path / "index", nlist=2, training=vectors[[0, -1]]))
    distances, indices = index.search(np.zeros((1, 2)), 5, nprobe=1)
    assert sorted(indices[0].tolist()) == [-1, -1, 0, 1, 2]
    assert np.isinf(distances[indices < 0]).all()


def test_faiss_prints_nothing(tmp_path: Path, capfd: pytest.CaptureFixture):
    print("before", flush=True)
    DiskIndex(build_disk_index([clustered(100)], tmp_path / "index", nlist=2)).search(clustered(2))
    print("after", flush=True)
    assert capfd.readouterr().out == "before\nafter\n"


def test_damage_is_noticed(tmp_path: Path):
    folder = build_disk_index([clustered(100)], tmp_path / "index", nlist=2)
    os.truncate(folder / "lists.ivfdata", 10)
    with pytest.raises(InputError, match="is no index on disk, or is damaged"):
        DiskIndex(folder)
    folder = build_disk_index([clustered(100)], tmp_path / "index", nlist=2)
    (folder / "index.faiss").write_bytes(b"IwFl")
    with pytest.raises(InputError, match="is no index on disk, or is damaged"):
        DiskIndex(folder)


def test_wrong_arguments_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match="no vectors to index"):
        build_disk_index([], tmp_path / "index", nlist=2)
    with pytest.raises(InputError, match="^nlist is 101 but there are 100 vectors"):
        build_disk_index([clustered(100)], tmp_path / "index", nlist=101)
    assert os.listdir(tmp_path) == []
    index = DiskIndex(build_disk_index([clustered(100)], tmp_path / "index", nlist=2))
    for options, message in (({"k": 101}, "^k is 101"), ({"nprobe": 3}, "^nprobe is 3, .* from 1 to 2")):
        with pytest.raises(InputError, match=message):
            index.search(clustered(2), **options)
    with pytest.raises(InputError, match="3 channels but the index has 8"):
        index.search(np.zeros((1, 3)))


VECTORS = np.random.default_rng(0).standard_normal((100, 8)).astype(np.float32)


@pytest.mark.parametrize(
    ("pieces", "training", "says"),
    [
        (None, None, "pieces is None: give arrays of vectors"),
        (3, None, "pieces is 3: give arrays of vectors"),
        (
            [VECTORS, VECTORS[:, :4]],
            None,
            "A piece has 4 channels but the cells have 8: take all vectors from the same",
        ),
        ([VECTORS], VECTORS[:, :4], "A piece has 8 channels but the cells have 4"),
        ([VECTORS * np.float32(1e30)], None, "training has values up to .*e.30, too large to train cells or codes on"),
    ],
)
def test_vectors_that_faiss_cannot_take_are_refused(tmp_path: Path, pieces: object, training: object, says: str):
    with pytest.raises(InputError, match=says):
        build_disk_index(pieces, tmp_path / "index", nlist=2, training=training)
    assert os.listdir(tmp_path) == []


def test_a_full_disk_is_noticed_before_the_lists_are_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    free = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: free)
    with pytest.raises(InputError, match="The disk is full .*index was not written: free some space"):
        build_disk_index([VECTORS], tmp_path / "index", nlist=2)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(("words", "says"), [("No space left on device", "The disk is full"), ("?", "FAISS says '.'")])
def test_an_error_of_faiss_while_it_writes_is_a_sentence(tmp_path: Path, monkeypatch, words: str, says: str):
    def fail(index: object, name: str) -> None:
        raise RuntimeError(words)

    monkeypatch.setattr(faiss, "write_index", fail)
    with pytest.raises(InputError, match=says):
        build_disk_index([VECTORS], tmp_path / "index", nlist=2)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("error", [FileNotFoundError(2, "No such file", "piece_3.npy"), RuntimeError("no device")])
def test_an_error_of_the_pieces_is_raised_as_it_is(tmp_path: Path, monkeypatch, error: Exception):
    def pieces() -> Iterator[np.ndarray]:
        yield VECTORS
        raise error

    monkeypatch.chdir(tmp_path)  # the missing file is beside the index
    with pytest.raises(type(error)) as raised:
        build_disk_index(pieces(), "index", nlist=2)
    assert raised.value is error and os.listdir(tmp_path) == []


def test_an_index_that_faiss_cannot_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise RuntimeError("could not open lists.ivfdata: Permission denied")

    folder = build_disk_index([VECTORS], tmp_path / "index", nlist=2)
    monkeypatch.setattr(faiss, "read_index", fail)
    with pytest.raises(InputError, match="index cannot be read: FAISS says .*Permission denied"):
        DiskIndex(folder)


def test_a_name_that_faiss_cannot_open_is_refused(tmp_path: Path):
    place = tmp_path / os.fsdecode(b"caf\xe9")
    for call in (lambda: build_disk_index([VECTORS], place, nlist=2), lambda: DiskIndex(place)):
        with pytest.raises(InputError, match="is no valid Unicode, so FAISS cannot open it: choose another name"):
            call()


def test_an_index_is_built_without_an_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stdout", None)  # as in pythonw.exe
    assert len(DiskIndex(build_disk_index([VECTORS], tmp_path / "index", nlist=2))) == 100
