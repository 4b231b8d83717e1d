"""Cached results that are damaged, half-written, read by several processes or deleted do not stop a lesson."""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aitex_utils.commands import data
from aitex_utils.files import atomic_write
from aitex_utils.lessons import cache
from aitex_utils.lessons.cache import cached, clear_cache


def make() -> dict[str, np.ndarray]:
    return {"a": np.arange(3.0), "b": np.array(7)}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def edit(entry: Path, change: Callable[[dict], Any]) -> None:
    header = json.loads((entry / "header.json").read_text())
    change(header)
    (entry / "header.json").write_text(json.dumps(header))


@pytest.mark.parametrize(
    "damage",
    [
        lambda entry: (entry / "a.npy").write_bytes((entry / "a.npy").read_bytes()[:-1]),
        lambda entry: (entry / "a.npy").write_bytes((entry / "a.npy").read_bytes()[:-1] + b"x"),
        lambda entry: (entry / "a.npy").write_bytes(b""),
        lambda entry: (entry / "a.npy").unlink(),
        lambda entry: edit(entry, lambda header: header["sha256"].update({"../b": "0" * 64})),
        lambda entry: edit(entry, lambda header: header["sha256"].update(a=5)),
    ],
)
def test_a_damaged_entry_is_computed_again(damage: Callable, folder: Path, printed: Callable[[], str]):
    cached("toy", make)
    printed()
    damage(folder / "toy")
    np.testing.assert_array_equal(cached("toy", make)["a"], [0.0, 1.0, 2.0])
    assert "damaged" in printed()
    cached("toy", make)
    assert printed() == ""


@pytest.mark.parametrize(
    "damage",
    [
        lambda entry: (entry / "header.json").write_bytes(b"{"),
        lambda entry: (entry / "header.json").write_bytes(b"\xff"),
        lambda entry: (entry / "header.json").write_bytes(b"[" * 100_000),
        lambda entry: (entry / "header.json").write_text("[]"),
        lambda entry: (entry / "header.json").write_text("{}"),
        lambda entry: (entry / "header.json").write_text('{"made_of": 1, "sha256": 2}'),
        lambda entry: (entry / "header.json").unlink(),
        lambda entry: ((entry / "header.json").unlink(), (entry / "header.json").mkdir()),
        lambda entry: (entry / "thesis.txt").write_text("years of work"),
    ],
)
def test_a_folder_that_is_not_provably_an_entry_is_left_alone(
    damage: Callable, folder: Path, printed: Callable[[], str]
):
    """The result is computed, returned and not kept; no file of that folder is touched."""
    cached("toy", make, size=1)
    damage(folder / "toy")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    printed()
    np.testing.assert_array_equal(cached("toy", make, size=2)["a"], [0.0, 1.0, 2.0])
    assert "toy is not cached: " in printed()
    assert clear_cache() == 0
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_hidden_pickle_is_never_loaded(folder: Path, printed: Callable[[], str]):
    cached("toy", make)
    np.save(folder / "toy" / "a.npy", np.array([{}]), allow_pickle=True)
    edit(folder / "toy", lambda header: header["sha256"].update(a=atomic_write.sha256(folder / "toy" / "a.npy")))
    printed()
    assert cached("toy", make)["a"][1] == 1.0 and "damaged" in printed()


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "full"), OSError(errno.EROFS, "ro"), OSError("requested and"), OSError(errno.EIO, "io")],
)
@pytest.mark.parametrize("place", ["save", "mkdir"])
def test_a_result_that_cannot_be_written_is_still_returned(
    place: str, error: OSError, folder: Path, printed: Callable[[], str], monkeypatch: pytest.MonkeyPatch
):
    cached("toy", make, size=1)
    printed()
    before = {path.name: path.read_bytes() for path in (folder / "toy").iterdir()}

    def refuse(*_: Any, **__: Any) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(*((cache.np, "save") if place == "save" else (atomic_write.os, "mkdir")), refuse)
        assert cached("toy", make, size=2)["b"] == 7
    assert "toy is not cached: " in printed()
    assert {path.name: path.read_bytes() for path in (folder / "toy").iterdir()} == before
    assert os.listdir(folder) == ["toy"]
    cached("toy", make, size=1)
    assert printed() == ""


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_interrupted_write_leaves_the_previous_entry(
    error: type[BaseException], folder: Path, printed: Callable[[], str], monkeypatch: pytest.MonkeyPatch
):
    cached("toy", make, size=1)
    save, calls = np.save, []

    def interrupted(path: Path, *rest: Any, **options: Any) -> None:
        calls.append(path)
        if len(calls) == 2:
            raise error
        save(path, *rest, **options)

    with monkeypatch.context() as patch:
        patch.setattr(cache.np, "save", interrupted)
        with pytest.raises(error):
            cached("toy", make, size=2)
    assert os.listdir(folder) == ["toy"] and len(calls) == 2
    printed()
    cached("toy", make, size=1)
    assert printed() == ""


def test_an_error_of_make_passes_through(folder: Path):
    with pytest.raises(ZeroDivisionError):
        cached("toy", lambda: {"a": 1 / 0})
    assert not folder.exists()


def test_several_readers_and_writers_at_once(folder: Path):
    mixed: list[Any] = []

    def use(size: int) -> None:
        for _ in range(10):
            arrays = cached("toy", lambda: {"a": np.full(1000, float(size)), "b": np.array(size)}, size=size)
            if not (arrays["a"] == size).all() or arrays["b"] != size:
                mixed.append(arrays)

    threads = [threading.Thread(target=use, args=(n % 2,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert mixed == []


def test_an_entry_replaced_during_a_read_is_not_mixed(folder: Path, monkeypatch: pytest.MonkeyPatch):
    cached("toy", make, size=1)
    load, loads = np.load, []

    def replace_and_load(*arguments: Any, **options: Any) -> Any:
        loads.append(arguments)
        if len(loads) == 2:  # the last array
            cache._write(folder / "toy", {}, {"a": np.full(3, 9.0), "b": np.array(9)})
        return load(*arguments, **options)

    monkeypatch.setattr(cache.np, "load", replace_and_load)
    arrays = cached("toy", make, size=1)
    assert len(loads) == 2 and arrays["b"] == 7 and list(arrays["a"]) == [0.0, 1.0, 2.0]


def test_clearing_deletes_entries_and_nothing_else(folder: Path, printed: Callable[[], str]):
    assert clear_cache() == 0
    cached("one", make)
    cached("two", make)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    (folder / ".one.abcd1234" / "one").mkdir(parents=True)  # nothing proves where this one comes from
    (folder / ".one.abcd1234" / "one" / "a.npy").write_bytes(b"12345")
    (folder / "site").mkdir()
    (folder / "site" / "header.json").write_text('{"title": "mine", "sha256": {}}')
    cached("three", make)
    (folder / "three" / "letter.txt").write_text("precious")
    (folder / "mine").mkdir()
    (folder / "mine" / "letter.txt").write_text("precious")
    (folder / ".config.abcd1234").mkdir()
    (folder / "letter.txt").write_text("precious")
    (folder.parent / "elsewhere").mkdir()
    (folder.parent / "elsewhere" / "header.json").write_text("precious")
    (folder / "link").symlink_to(folder.parent / "elsewhere")
    assert clear_cache() == size
    assert (folder.parent / "elsewhere" / "header.json").is_file()
    assert sorted(os.listdir(folder)) == [
        ".config.abcd1234",
        ".one.abcd1234",
        "letter.txt",
        "link",
        "mine",
        "site",
        "three",
    ]
    assert sorted(os.listdir(folder / "three")) == ["a.npy", "b.npy", "header.json", "letter.txt"]
    printed()
    cached("one", make)
    assert "first" in printed()


def test_course_py_data_clear_cache(folder: Path, printed: Callable[[], str], tmp_path: Path):
    cached("toy", lambda: {"a": np.zeros(2**17)})
    printed()
    assert data.main(["--clear-cache", "--folder", str(tmp_path / "practice")]) == 0
    assert "1.0 MiB" in printed()
    assert os.listdir(folder) == [] and not (tmp_path / "practice").exists()
