"""Kept results: rebuilt when an ingredient changed, with a word on which."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aitex_utils import atomic_write as files
from aitex_utils.errors import InputError
from aitex_utils.lessons import cache
from aitex_utils.lessons.cache import cached

ROOT = Path(__file__).resolve().parents[2]


def make() -> dict[str, np.ndarray]:
    return {"a": np.arange(3.0), "b": np.array(7)}


def other() -> dict[str, np.ndarray]:
    return {"a": np.arange(4.0)}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def said(capsys: pytest.CaptureFixture) -> Callable[[], str]:
    """Return what was printed since the last call."""
    return lambda: capsys.readouterr().out.strip()


@pytest.fixture
def strips(tmp_path: Path) -> Path:
    folder = tmp_path / "strips" / "deep"
    folder.mkdir(parents=True)
    (folder / "a.png").write_bytes(b"abc")
    return tmp_path / "strips"


def function(text: str, name: str = "typed") -> Any:
    """A function without source text, as when typed into a terminal."""
    space: dict[str, Any] = {"np": np}
    exec(text, space)
    return space[name]


def test_kept_and_read_again(folder: Path, said: Callable):
    first = cached("toy", make, size=3)
    assert said() == "toy: computing it, for the first time."
    second = cached("toy", make, size=3)
    assert said() == ""
    for got in (first, second):
        assert got.keys() == {"a", "b"} and got["b"].shape == () and got["b"] == 7
        np.testing.assert_array_equal(got["a"], [0.0, 1.0, 2.0])
        assert got["a"].dtype == np.float64 and got["a"].flags.writeable
    assert sorted(os.listdir(folder / "toy")) == ["a.npy", "b.npy", "header.json"]


def test_where_it_is_kept(monkeypatch: pytest.MonkeyPatch, folder: Path):
    assert cache.cache_folder() == folder
    monkeypatch.setenv("COURSE_CACHE", "")
    assert cache.cache_folder() == ROOT / "data" / "cache"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"size": 4}, "since the parameter size changed"),
        ({"more": 1}, "since the parameter more changed"),
        ({"size": None}, "since the parameter size changed"),
        ({"make": other}, "since the code of make changed and the code of other changed"),
        ({"code": (os.path,)}, "since the code of posixpath changed and the code of atomic_write changed"),
        ({"code": ()}, "since the code of atomic_write changed"),
        ({"data": None}, "since the strips changed"),
        ({"size": 4, "data": None}, "since the parameter size and the strips changed"),
    ],
)
def test_each_ingredient_is_watched_and_named(change: dict, reason: str, strips: Path, said: Callable):
    given = {"make": make, "data": strips, "code": (files,), "size": 3}
    cached("toy", **given)
    said()
    cached("toy", **(given | change))
    expected = reason.replace("make changed and", "make and").replace("posixpath changed and", "posixpath and")
    told = said()
    assert told.startswith("toy: computing it, since ") and set(told[:-1].split()) == {
        *f"toy: computing it, {expected}".split()
    }
    cached("toy", **(given | change))
    assert said() == ""
    cached("toy", **given)  # and back
    assert said().startswith("toy: computing it, since ")


@pytest.mark.parametrize(
    "touch",
    [
        lambda strips: (strips / "deep" / "a.png").write_bytes(b"abcd"),
        lambda strips: os.utime(strips / "deep" / "a.png", (1, 1)),
        lambda strips: (strips / "b.png").write_bytes(b""),
        lambda strips: (strips / "deep" / "a.png").unlink(),
        lambda strips: (strips / "deep").rename(strips / "other"),
    ],
)
def test_other_strips_are_noticed(touch: Callable, strips: Path, said: Callable):
    cached("toy", make, data=strips)
    said()
    touch(strips)
    cached("toy", make, data=strips)
    assert said() == "toy: computing it, since the strips changed."


def test_strips_that_aren_t_there(tmp_path: Path):
    with pytest.raises(InputError, match="isn't there: make the practice fabric with `python course.py data`"):
        cached("toy", make, data=tmp_path / "none")


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (1, 2),
        ([1, 2], [2, 1]),
        ({"a": {"b": 1}}, {"a": {"b": 2}}),
        (np.zeros(9999), np.arange(9999) == 5000),
        (np.arange(9999), np.where(np.arange(9999) == 5000, 7, np.arange(9999))),  # whose repr is the same
        (np.zeros((2, 3)), np.zeros((3, 2))),
        (np.zeros(2, np.float32), np.zeros(1, np.float64)),
        (Path("a"), Path("b")),
        (None, False),
        (np.float32(0.1), np.float32(0.2)),
        ([np.arange(3)], [np.arange(1, 4)]),
    ],
)
def test_parameters_that_differ_and_that_don_t(one: Any, two: Any, said: Callable):
    for value, expected in ((one, "first"), (one, ""), (two, "changed"), (two, ""), (one, "changed")):
        cached("toy", make, value=value)
        assert expected in said() if expected else said() == ""


@pytest.mark.parametrize("value", [object(), {1, 2}, len, np.array([None]), {(1, 2): 3}, {"a": 1, 2: 3}, 1j])
def test_parameters_without_a_lasting_text_are_refused(value: Any):
    with pytest.raises(InputError, match="value can't be part of a fingerprint: give numbers, texts, paths or arrays"):
        cached("toy", make, value=value)


def test_functions_without_source_text(said: Callable):
    def typed(times: int) -> Any:
        inner = "[v for v in (lambda: {'x', 'y', 'z'})() if v in {'x', 'y'}]"
        return function(f"def typed():\n    {inner}\n    return {{'a': np.ones(2) * {times}}}")

    for times, expected in ((2, "for the first time"), (2, ""), (3, "since the code of typed changed"), (3, "")):
        cached("toy", typed(times))
        assert expected in said() if expected else said() == ""
    for odd in (functools.partial(typed(1)), type("Odd", (), {"__call__": lambda self: make()})(), typed(1)):
        assert set(cached("odd", odd, code=(np.sum, len, dict, np.linalg.norm, types, odd))) <= {"a", "b"}
    cached("none", eval("lambda: {'a': np.ones(2)}", {"np": np}))
    assert "none: computing it, for the first time." in said()


def test_bytecode_s_text_is_the_same_in_another_run():
    code = "from aitex_utils.lessons.cache import _code\nspace = {}\n"
    code += "text = 'def f(x): return (lambda: 1)() or x in {1.5, None, 2, \\'a\\', \\'b\\', \\'c\\'}'\n"
    code += "exec(text, space)\nprint(_code(space['f']))"
    texts = set()
    for seed in "1234":
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
        texts.add(done.stdout)
    assert len(texts) == 1 and " at 0x" not in texts.pop()


def test_two_functions_of_one_name_are_both_watched(said: Callable):
    one, two, three = (function(f"def typed():\n    return {n}") for n in (1, 2, 3))
    cached("toy", make, code=(one, two))
    said()
    for pair in ((three, two), (three, one), (one, three)):
        cached("toy", make, code=pair)
        assert said() == "toy: computing it, since the code of typed changed."


def test_a_partial_s_arguments_are_watched(said: Callable):
    def scaled(by: float) -> dict[str, np.ndarray]:
        return {"a": by * np.ones(2)}

    for by, expected in ((2.0, "first time"), (3.0, "since the code of scaled changed")):
        assert cached("toy", functools.partial(scaled, by))["a"][0] == by
        assert expected in said()


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../a", "a\\b", "/tmp/a", ".a", None, "a\0b", "a b"])
def test_names_that_are_no_folder_s_are_refused(name: Any, folder: Path):
    (folder.parent / "precious.txt").write_text("mine")
    with pytest.raises(InputError, match="name is .*, expected letters, digits"):
        cached(name, make)
    if name != "":
        with pytest.raises(InputError, match="make of toy names an array .*, expected letters, digits"):
            cached("toy", lambda: {name: np.ones(1)})
    assert os.listdir(folder.parent) == ["precious.txt"]


@pytest.mark.parametrize("value", [[None, 1], [[1], [1, 2]], object(), np.array([{}]), np.array([(1, None)], "i4,O")])
def test_objects_are_refused(value: Any, folder: Path):
    with pytest.raises(InputError, match="'a' of toy is no array of numbers or texts but of Python objects"):
        cached("toy", lambda: {"a": value})
    assert not folder.exists()


@pytest.mark.parametrize("value", [np.ones(2), (np.ones(2), np.ones(2)), None])
def test_what_is_no_dict_is_refused(value: Any):
    with pytest.raises(InputError, match=f"make of toy gives a {type(value).__name__}, expected a dict of arrays"):
        cached("toy", lambda: value)
