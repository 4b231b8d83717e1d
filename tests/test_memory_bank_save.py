"""Saving and loading a memory bank: it comes back, a failed save changes nothing, contradictory files are refused."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from saved_headers import change_header, replace_file

from aitex_utils.errors import InputError
from aitex_utils.files import atomic_write
from aitex_utils.files.persistence import HEADER, INDEX
from aitex_utils.memory_bank import KINDS, MemoryBank

VECTORS = "vectors.npy"


def normal_patches(n: int, channels: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, channels)).astype(np.float32)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return MemoryBank().add(normal_patches(20, 4)).save(tmp_path / "bank", metadata={"backbone": "x"})


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


# --- round trips ---


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_comes_back_and_can_grow(tmp_path: Path, kind: str):
    bank = MemoryBank(kind, nlist=9, nprobe=4, ef_search=33).add(normal_patches(400, 8))
    folder = bank.save(str(tmp_path / "Prüfung 1" / "bank"))
    assert sorted(os.listdir(folder)) == sorted([HEADER, INDEX, VECTORS])
    loaded = MemoryBank.load(str(folder))
    assert (loaded.kind, len(loaded), loaded.nbytes) == (bank.kind, 400, bank.nbytes)
    patches = normal_patches(60, 8, 1)
    bank.add(patches[:7])
    loaded.add(patches[:7])
    np.testing.assert_array_equal(loaded.vectors_, bank.vectors_)
    for actual, expected in zip(loaded.search(patches, 5), bank.search(patches, 5), strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_metadata_and_arrays_come_back_beside_the_vectors(tmp_path: Path):
    vectors, metadata = normal_patches(5, 3), {"layers": ["a", "b"], "radius": 0.5, "size": None}
    arrays = {"mean": np.arange(3.0), "flags": np.array([[True], [False]])}
    loaded = MemoryBank.load(MemoryBank().add(vectors).save(tmp_path / "bank", metadata=metadata, arrays=arrays))
    np.testing.assert_array_equal(loaded.vectors_, vectors)
    assert loaded.vectors_.dtype == np.float32 and loaded.metadata == metadata and loaded.arrays.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(loaded.arrays[name], array, strict=True)


def test_the_header_describes_the_bank(saved: Path):
    header = json.loads((saved / HEADER).read_text(encoding="utf-8"))
    expected = {"kind": "flat", "vectors": 20, "channels": 4, "metadata": {"backbone": "x"}}
    assert {name: header[name] for name in expected} == expected


def test_saving_a_loaded_bank_gives_the_same_bytes(saved: Path, tmp_path: Path):
    MemoryBank.load(saved).save(tmp_path / "second", metadata={"backbone": "x"})
    assert contents(tmp_path / "second") == contents(saved)


# --- saves that fail ---


def fail_at_call(number: int, function: Callable, error: BaseException) -> Callable:
    """Return `function` with one call, counted from 0, that raises the error; later calls succeed again."""
    calls = iter(range(10**6))

    def failing(*arguments, **options):
        if next(calls) == number:
            raise error
        return function(*arguments, **options)

    return failing


FULL, READ_ONLY = OSError(errno.ENOSPC, "No space left"), OSError(errno.EROFS, "Read-only file system")
NUMPY_FULL = OSError("80 requested and 3 written")


@pytest.mark.parametrize(("module", "name"), [(np, "save"), (atomic_write.os, "replace")])
@pytest.mark.parametrize("call", [0, 1])
@pytest.mark.parametrize(
    ("error", "expected", "message"),
    [
        (FULL, InputError, r"^The disk is full \(\d+ MiB free\), so .*bank was not written"),
        (NUMPY_FULL, InputError, "^The disk is full"),
        (READ_ONLY, InputError, "bank cannot be written: the folder .* is read-only"),
        (KeyboardInterrupt(), KeyboardInterrupt, None),
    ],
)
def test_a_failed_save_leaves_the_previous_bank(saved: Path, monkeypatch, module, name, call, error, expected, message):
    before = contents(saved.parent)
    larger = MemoryBank().add(normal_patches(30, 4))
    with monkeypatch.context() as patched:
        patched.setattr(module, name, fail_at_call(call, getattr(module, name), error))
        with pytest.raises(expected, match=message):
            larger.save(saved, arrays={"mean": np.zeros(4)})
    assert contents(saved.parent) == before
    assert os.listdir(saved.parent) == ["bank"]
    assert len(MemoryBank.load(saved)) == 20
    larger.save(saved)
    assert len(MemoryBank.load(saved)) == 30


def test_a_failed_first_save_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(np, "save", fail_at_call(0, np.save, FULL))
    with pytest.raises(InputError, match="The disk is full"):
        MemoryBank().add(normal_patches(3, 4)).save(tmp_path / "bank")
    assert os.listdir(tmp_path) == []


def test_an_empty_bank_and_a_second_array_of_vectors_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match="memory bank is empty.*add patches"):
        MemoryBank().save(tmp_path / "bank")
    with pytest.raises(InputError, match="^arrays contains the name 'vectors', .*another name"):
        MemoryBank().add(normal_patches(3, 4)).save(tmp_path / "bank", arrays={"vectors": np.zeros(3)})
    assert contents(tmp_path) == {}


# --- folders that cannot be loaded ---


@pytest.mark.parametrize("data", [b"", b"PK\x05\x06" + bytes(18), b"\x93NUMPY", b"text"])
def test_an_index_in_another_format_is_refused_although_its_digest_is_right(saved: Path, data: bytes):
    replace_file(saved, INDEX, data)
    with pytest.raises(InputError, match="bank contains no readable index"):
        MemoryBank.load(saved)


@pytest.mark.parametrize("kind", ["exact", "auto", ""])
def test_an_unknown_kind_in_the_header_is_refused(saved: Path, kind: str):
    change_header(saved, kind=kind)
    with pytest.raises(InputError, match=f"bank names an unknown index '{kind}'"):
        MemoryBank.load(saved)


NORMAL = normal_patches(20, 4)


@pytest.mark.parametrize("fields", [{"vectors": 21}, {"channels": 5}, {"kind": "ivf"}])
def test_a_header_that_contradicts_the_files_is_refused(saved: Path, fields: dict):
    change_header(saved, **fields)
    with pytest.raises(InputError, match=r"contradicts itself: its header says (flat|ivf) \(\d+, \d\)"):
        MemoryBank.load(saved)


@pytest.mark.parametrize(
    "vectors", [NORMAL[:19], NORMAL.T, NORMAL[0], NORMAL.astype(np.float64), NORMAL.astype("i4")], ids=str
)
def test_vectors_that_contradict_the_header_are_refused(saved: Path, vectors: np.ndarray):
    np.save(saved.parent / "replacement.npy", vectors)
    replace_file(saved, VECTORS, (saved.parent / "replacement.npy").read_bytes())
    with pytest.raises(InputError, match=r"contradicts itself: its header says flat \(20, 4\)"):
        MemoryBank.load(saved)


@pytest.mark.parametrize(("kind", "n"), [("hnsw", 20), ("flat", 19)])
def test_an_index_that_contradicts_the_header_is_refused(saved: Path, kind: str, n: int):
    replacement = MemoryBank(kind).add(normal_patches(n, 4)).save(saved.parent / "replacement")
    replace_file(saved, INDEX, (replacement / INDEX).read_bytes())
    with pytest.raises(InputError, match=r"contradicts itself: its header says flat \(20, 4\)"):
        MemoryBank.load(saved)
