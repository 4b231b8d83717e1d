"""Saving and loading: the same bank comes back, and a failed save changes nothing."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from aitex_utils import atomic_write as files
from aitex_utils.errors import InputError
from aitex_utils.memory_bank import HEADER, INDEX, KINDS, VECTORS, MemoryBank


def normal_patches(n: int, channels: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, channels)).astype(np.float32)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return MemoryBank().add(normal_patches(20, 4)).save(tmp_path / "bank", about={"backbone": "x"})


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_comes_back(tmp_path: Path, kind: str):
    bank = MemoryBank(kind, cells=9, probes=4, breadth=33).add(normal_patches(400, 8))
    folder = bank.save(str(tmp_path / "Prüfung 1" / "bank"))
    assert sorted(os.listdir(folder)) == sorted([HEADER, INDEX, VECTORS])
    loaded = MemoryBank.load(str(folder))
    assert (loaded.kind, len(loaded), loaded.nbytes) == (bank.kind, 400, bank.nbytes)
    patches = normal_patches(60, 8, 1)
    for bank_ in (bank, loaded):
        bank_.add(patches[:7])
    np.testing.assert_array_equal(loaded.vectors_, bank.vectors_)
    for one, other in zip(loaded.nearest(patches, 5), bank.nearest(patches, 5), strict=True):
        np.testing.assert_array_equal(one, other)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.text(st.sampled_from("abcdefghij_"), min_size=1, max_size=6)


@settings(max_examples=40, deadline=None)
@given(
    hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6), elements=st.floats(-9, 9, width=32)),
    st.dictionaries(st.text(max_size=5), JSON, max_size=3),
    st.dictionaries(
        NAMES, hnp.arrays(hnp.scalar_dtypes(), hnp.array_shapes(min_dims=0, max_dims=3, max_side=3)), max_size=3
    ),
)
def test_what_is_saved_beside_comes_back(tmp_path_factory: pytest.TempPathFactory, vectors, about, arrays):
    folder = tmp_path_factory.getbasetemp() / "again"  # each example replaces the one before
    MemoryBank().add(vectors).save(folder, about=about, arrays=arrays)
    loaded = MemoryBank.load(folder)
    np.testing.assert_array_equal(loaded.vectors_, vectors)
    assert loaded.vectors_.dtype == np.float32
    assert loaded.about == about
    assert loaded.arrays.keys() == arrays.keys()
    for name, array in arrays.items():
        assert loaded.arrays[name].dtype == array.dtype and loaded.arrays[name].shape == array.shape
        assert loaded.arrays[name].tobytes() == array.tobytes()


def test_header(saved: Path):
    header = json.loads((saved / HEADER).read_text(encoding="utf-8"))
    assert header.pop("sha256") == {
        name: hashlib.sha256((saved / name).read_bytes()).hexdigest() for name in (INDEX, VECTORS)
    }
    assert header == {
        "format": "aitex_utils memory bank",
        "version": 1,
        "kind": "flat",
        "vectors": 20,
        "channels": 4,
        "about": {"backbone": "x"},
    }


def test_saving_twice_gives_the_same_bytes(saved: Path, tmp_path: Path):
    MemoryBank.load(saved).save(tmp_path / "second", about={"backbone": "x"})
    assert contents(tmp_path / "second") == contents(saved)


def fail_after(calls: int, whole: Callable, error: BaseException) -> Callable:
    """Return `whole`, but for one call, after so many that go well."""

    def failing(*arguments, **options):
        nonlocal calls
        calls -= 1
        if calls == -1:  # once: what mends it afterwards works
            raise error
        return whole(*arguments, **options)

    return failing


FULL, READ_ONLY = OSError(errno.ENOSPC, "No space left"), OSError(errno.EROFS, "Read-only file system")
NUMPY_FULL = OSError("80 requested and 3 written")


@pytest.mark.parametrize(
    ("owner", "name", "calls"), [(np, "save", 0), (np, "save", 1), (files.os, "replace", 0), (files.os, "replace", 1)]
)
@pytest.mark.parametrize(
    ("error", "expected", "message"),
    [
        (FULL, InputError, r"^The disk is full \(\d+ MiB free\), so .*bank wasn't written: free some space"),
        (NUMPY_FULL, InputError, "^The disk is full"),
        (READ_ONLY, InputError, r"bank can't be written: the folder .* is read-only for you\. Choose another"),
        (KeyboardInterrupt(), KeyboardInterrupt, None),
    ],
)
def test_failed_save_leaves_the_older_one(saved: Path, monkeypatch, owner, name, calls, error, expected, message):
    before = contents(saved.parent)
    bigger = MemoryBank().add(normal_patches(30, 4))
    with monkeypatch.context() as patched:
        patched.setattr(owner, name, fail_after(calls, getattr(owner, name), error))
        with pytest.raises(expected, match=message):
            bigger.save(saved, arrays={"mean": np.zeros(4)})
    assert contents(saved.parent) == before
    assert os.listdir(saved.parent) == ["bank"]
    assert len(MemoryBank.load(saved)) == 20
    bigger.save(saved)
    assert len(MemoryBank.load(saved)) == 30


def test_failed_first_save_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(np, "save", fail_after(0, np.save, FULL))
    with pytest.raises(InputError, match="The disk is full"):
        MemoryBank().add(normal_patches(3, 4)).save(tmp_path / "bank")
    assert os.listdir(tmp_path) == []


def test_about_that_is_no_json_leaves_the_older_one(saved: Path):
    before = contents(saved.parent)
    with pytest.raises(TypeError):
        MemoryBank().add(normal_patches(3, 4)).save(saved, about={"a": object()})
    with pytest.raises(ValueError, match="[Oo]bject arrays"):
        MemoryBank().add(normal_patches(3, 4)).save(saved, arrays={"a": np.array([None])})
    assert contents(saved.parent) == before


def test_saves_that_are_refused(tmp_path: Path):
    bank = MemoryBank()
    with pytest.raises(InputError, match="^The memory bank is empty: there is nothing to save, add patches first"):
        bank.save(tmp_path / "bank")
    bank.add(normal_patches(3, 4))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "thesis.txt").write_text("years of work")
    (tmp_path / "file").write_text("more")
    before = contents(tmp_path)
    for name in ("folder", "file"):
        with pytest.raises(InputError, match=f"{name} is there already and is no memory bank: choose another name"):
            bank.save(tmp_path / name)
    for name in ("vectors", "../x", "a/b", ""):
        with pytest.raises(InputError, match=f"^arrays holds '{name}', expected plain names except 'vectors'"):
            bank.save(tmp_path / "bank", arrays={name: np.zeros(3)})
    assert contents(tmp_path) == before
