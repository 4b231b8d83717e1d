"""Kept results that are damaged, half written, read by several at once or deleted: no reason for a lesson to stop."""

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

from aitex_utils import atomic_write as files
from aitex_utils.lessons import cache
from aitex_utils.lessons.cache import cached, clear_cache
from aitex_utils.practice import generate as fabric


def make() -> dict[str, np.ndarray]:
    return {"a": np.arange(3.0), "b": np.array(7)}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def said(capsys: pytest.CaptureFixture) -> Callable[[], str]:
    """Return what was printed since the last call."""
    return lambda: capsys.readouterr().out.strip()


@pytest.mark.parametrize(
    "damage",
    [
        lambda entry: (entry / "a.npy").write_bytes((entry / "a.npy").read_bytes()[:-1]),
        lambda entry: (entry / "a.npy").write_bytes((entry / "a.npy").read_bytes()[:-1] + b"x"),
        lambda entry: (entry / "a.npy").write_bytes(b""),
        lambda entry: (entry / "a.npy").unlink(),
        lambda entry: (entry / "header.json").write_bytes(b"{"),
        lambda entry: (entry / "header.json").write_bytes(b"\xff"),
        lambda entry: (entry / "header.json").write_bytes(b"[" * 100_000),
        lambda entry: (entry / "header.json").write_text("[]"),
        lambda entry: (entry / "header.json").write_text("{}"),
        lambda entry: (entry / "header.json").write_text('{"made_of": 1, "sha256": 2}'),
        lambda entry: edit(entry, lambda header: header["sha256"].update({"../b": "0" * 64})),
        lambda entry: edit(entry, lambda header: header["sha256"].update(a=5)),
        lambda entry: ((entry / "header.json").unlink(), (entry / "header.json").mkdir()),
    ],
)
def test_a_damaged_entry_is_made_anew(damage: Callable, folder: Path, said: Callable):
    cached("toy", make)
    said()
    damage(folder / "toy")
    np.testing.assert_array_equal(cached("toy", make)["a"], [0.0, 1.0, 2.0])
    assert said() == "toy: computing it, since what was kept is damaged."
    cached("toy", make)
    assert said() == ""


def edit(entry: Path, change: Callable[[dict], Any]) -> None:
    header = json.loads((entry / "header.json").read_text())
    change(header)
    (entry / "header.json").write_text(json.dumps(header))


def test_a_hidden_pickle_is_never_loaded(folder: Path, said: Callable):
    cached("toy", make)
    np.save(folder / "toy" / "a.npy", np.array([{}]), allow_pickle=True)
    edit(folder / "toy", lambda header: header["sha256"].update(a=files.sha256(folder / "toy" / "a.npy")))
    said()
    assert cached("toy", make)["a"][1] == 1.0 and "damaged" in said()


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "full"), OSError(errno.EROFS, "ro"), OSError("requested and"), OSError(errno.EIO, "io")],
)
@pytest.mark.parametrize("where", ["save", "mkdtemp"])
def test_where_nothing_can_be_kept_the_result_is_still_given(
    where: str, error: OSError, folder: Path, said: Callable, monkeypatch: pytest.MonkeyPatch
):
    cached("toy", make, size=1)
    said()
    before = {p.name: p.read_bytes() for p in (folder / "toy").iterdir()}

    def refuse(*_: Any, **__: Any) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(*((cache.np, "save") if where == "save" else (files.tempfile, "mkdtemp")), refuse)
        assert cached("toy", make, size=2)["b"] == 7
    assert "\ntoy isn't kept for next time: " in said()
    assert {p.name: p.read_bytes() for p in (folder / "toy").iterdir()} == before and os.listdir(folder) == ["toy"]
    cached("toy", make, size=1)
    assert said() == ""


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_interrupted_write_leaves_what_was_there(
    error: type[BaseException], folder: Path, said: Callable, monkeypatch: pytest.MonkeyPatch
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
    said()
    cached("toy", make, size=1)
    assert said() == ""


def test_an_error_of_make_passes_through(folder: Path):
    with pytest.raises(ZeroDivisionError):
        cached("toy", lambda: {"a": 1 / 0})
    assert not folder.exists()


def test_many_readers_and_writers_at_once(folder: Path):
    wrong: list[Any] = []

    def use(size: int) -> None:
        for _ in range(10):
            got = cached("toy", lambda: {"a": np.full(1000, float(size)), "b": np.array(size)}, size=size)
            if not (got["a"] == size).all() or got["b"] != size:
                wrong.append(got)

    threads = [threading.Thread(target=use, args=(n % 2,)) for n in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert wrong == []


def test_an_entry_replaced_while_it_is_read_is_never_mixed(folder: Path, monkeypatch: pytest.MonkeyPatch):
    cached("toy", make, size=1)
    load, loads = np.load, []

    def replace_and_load(*arguments: Any, **options: Any) -> Any:
        loads.append(arguments)
        if len(loads) == 2:  # the last array
            cache._write(folder / "toy", {}, {"a": np.full(3, 9.0), "b": np.array(9)})
        return load(*arguments, **options)

    monkeypatch.setattr(cache.np, "load", replace_and_load)
    got = cached("toy", make, size=1)
    assert len(loads) == 2 and got["b"] == 7 and list(got["a"]) == [0.0, 1.0, 2.0]


def test_clearing(folder: Path, said: Callable):
    assert clear_cache() == 0
    cached("one", make)
    cached("two", make)
    (folder / ".one.abcd1234" / "one").mkdir(parents=True)  # as a write that was killed leaves it
    (folder / ".one.abcd1234" / "one" / "a.npy").write_bytes(b"12345")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    (folder / "mine").mkdir()
    (folder / "mine" / "letter.txt").write_text("precious")
    (folder / ".config.abcd1234").mkdir()
    (folder / "letter.txt").write_text("precious")
    (folder.parent / "elsewhere").mkdir()
    (folder.parent / "elsewhere" / "header.json").write_text("precious")
    (folder / "link").symlink_to(folder.parent / "elsewhere")
    assert clear_cache() == size
    assert (folder.parent / "elsewhere" / "header.json").is_file()
    assert sorted(os.listdir(folder)) == [".config.abcd1234", "letter.txt", "link", "mine"]
    said()
    cached("one", make)
    assert said() == "one: computing it, for the first time."


def test_course_py_data_clear_cache(folder: Path, said: Callable, tmp_path: Path):
    cached("toy", lambda: {"a": np.zeros(2**17)})
    said()
    assert fabric.main(["--clear-cache", "--folder", str(tmp_path / "practice")]) == 0
    assert said() == "The cache is cleared, 1.0 MiB are free again."
    assert os.listdir(folder) == [] and not (tmp_path / "practice").exists()
