"""The cache: an entry is computed again if an ingredient changed, and the message says which one."""

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
from project_root import ROOT

from aitex_utils.errors import InputError, MissingError
from aitex_utils.files import atomic_write
from aitex_utils.lessons.cache import cache_folder, cached


def make() -> dict[str, np.ndarray]:
    return {"a": np.arange(3.0), "b": np.array(7)}


def make_more() -> dict[str, np.ndarray]:
    return {"a": np.arange(4.0)}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def strips(tmp_path: Path) -> Path:
    folder = tmp_path / "strips" / "deep"
    folder.mkdir(parents=True)
    (folder / "a.png").write_bytes(b"abc")
    return tmp_path / "strips"


def typed(source: str) -> Any:
    """Return the function `typed` of a source that no file contains, as if it was typed into a terminal."""
    namespace: dict[str, Any] = {"np": np}
    exec(source, namespace)
    return namespace["typed"]


def test_an_entry_is_kept_and_read_again(folder: Path, printed: Callable[[], str]):
    first = cached("toy", make, size=3)
    assert printed() == "Computing toy for the first time."
    second = cached("toy", make, size=3)
    assert printed() == ""
    for arrays in (first, second):
        assert arrays.keys() == {"a", "b"} and arrays["b"].shape == () and arrays["b"] == 7
        np.testing.assert_array_equal(arrays["a"], [0.0, 1.0, 2.0])
        assert arrays["a"].dtype == np.float64 and arrays["a"].flags.writeable
    assert sorted(os.listdir(folder / "toy")) == ["a.npy", "b.npy", "header.json"]


def test_the_place_of_the_cache(monkeypatch: pytest.MonkeyPatch, folder: Path):
    assert cache_folder() == folder
    monkeypatch.setenv("COURSE_CACHE", "")
    assert cache_folder() == ROOT / "data" / "cache"


@pytest.mark.parametrize(
    ("change", "ingredients"),
    [
        ({"size": 4}, {"the parameter size"}),
        ({"more": 1}, {"the parameter more"}),
        ({"size": None}, {"the parameter size"}),
        ({"make": make_more}, {"the code of make", "the code of make_more"}),
        ({"code": (os.path,)}, {f"the code of {os.path.__name__}", "the code of atomic_write"}),
        ({"code": ()}, {"the code of atomic_write"}),
        ({"data": None}, {"the strips"}),
        ({"size": 4, "data": None}, {"the parameter size", "the strips"}),
    ],
)
def test_a_changed_ingredient_is_named(change: dict, ingredients: set, strips: Path, printed: Callable[[], str]):
    arguments = {"make": make, "data": strips, "code": (atomic_write,), "size": 3}
    cached("toy", **arguments)
    printed()
    cached("toy", **(arguments | change))
    named = printed().removeprefix("Computing toy again, because ").removesuffix(" changed.").split(" and ")
    assert sorted(named) == sorted(ingredients)
    cached("toy", **(arguments | change))
    assert printed() == ""
    cached("toy", **arguments)  # and back
    assert printed() != ""


@pytest.mark.parametrize(
    "change",
    [
        lambda strips: (strips / "deep" / "a.png").write_bytes(b"abcd"),
        lambda strips: os.utime(strips / "deep" / "a.png", (1, 1)),
        lambda strips: (strips / "b.png").write_bytes(b""),
        lambda strips: (strips / "deep" / "a.png").unlink(),
        lambda strips: (strips / "deep").rename(strips / "other"),
    ],
)
def test_changed_strips_are_noticed(change: Callable, strips: Path, printed: Callable[[], str]):
    cached("toy", make, data=strips)
    printed()
    change(strips)
    cached("toy", make, data=strips)
    assert "because the strips changed" in printed()


def test_missing_strips_are_reported(tmp_path: Path):
    with pytest.raises(MissingError, match="none does not exist.*`python course.py data`"):
        cached("toy", make, data=tmp_path / "none")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (1, 2),
        ([1, 2], [2, 1]),
        ({"a": {"b": 1}}, {"a": {"b": 2}}),
        (np.zeros(9999), np.arange(9999) == 5000),
        (np.arange(9999), np.where(np.arange(9999) == 5000, 7, np.arange(9999))),  # their repr is the same
        (np.zeros((2, 3)), np.zeros((3, 2))),
        (np.zeros(2, np.float32), np.zeros(1, np.float64)),
        (Path("a"), Path("b")),
        (None, False),
        (np.float32(0.1), np.float32(0.2)),
        ([np.arange(3)], [np.arange(1, 4)]),
    ],
)
def test_parameters_are_compared_by_value(first: Any, second: Any, printed: Callable[[], str]):
    for value, word in ((first, "first"), (first, ""), (second, "changed"), (second, ""), (first, "changed")):
        cached("toy", make, value=value)
        assert word in printed() if word else printed() == ""


@pytest.mark.parametrize("value", [object(), {1, 2}, len, np.array([None]), {(1, 2): 3}, {"a": 1, 2: 3}, 1j])
def test_parameters_without_a_lasting_text_are_refused(value: Any):
    with pytest.raises(InputError, match="^value cannot be part of a fingerprint"):
        cached("toy", make, value=value)


def test_functions_without_source_are_compared_by_bytecode(printed: Callable[[], str]):
    inner = "[v for v in (lambda: {'x', 'y', 'z'})() if v in {'x', 'y'}]"
    for factor, word in ((2, "first"), (2, ""), (3, "the code of typed"), (3, "")):
        cached("toy", typed(f"def typed():\n    {inner}\n    return {{'a': np.ones(2) * {factor}}}"))
        assert word in printed() if word else printed() == ""


def test_callables_of_every_kind_are_accepted(printed: Callable[[], str]):
    function = typed("def typed(): return {'a': np.ones(2)}")
    callable_object = type("Callable", (), {"__call__": lambda self: function()})()
    for make_ones in (
        functools.partial(function),
        callable_object,
        function,
        eval("lambda: {'a': np.ones(2)}", {"np": np}),
    ):
        for is_first in (True, False):
            arrays = cached("ones", make_ones, code=(np.sum, len, dict, np.linalg.norm, types, make_ones))
            assert arrays["a"].tolist() == [1, 1] and bool(printed()) == is_first


def test_the_class_of_a_callable_object_counts(printed: Callable[[], str]):
    def ones() -> Callable:
        class Maker:
            def __call__(self) -> dict[str, np.ndarray]:
                return {"a": np.ones(2)}

        return Maker()

    def zeros() -> Callable:
        class Maker:
            def __call__(self) -> dict[str, np.ndarray]:
                return {"a": np.zeros(2)}

        return Maker()

    for maker, word in ((ones(), "first"), (zeros(), "the code of Maker"), (ones(), "the code of Maker")):
        assert cached("toy", maker)["a"][0] == maker()["a"][0]
        assert word in printed()


def test_the_text_of_bytecode_is_the_same_in_another_process():
    code = "from aitex_utils.lessons.cache import _source\nspace = {}\n"
    code += "text = 'def f(x): return (lambda: 1)() or x in {1.5, None, 2, \\'a\\', \\'b\\', \\'c\\'}'\n"
    code += "exec(text, space)\nprint(_source(space['f']))"
    texts = set()
    for seed in "1234":
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
        texts.add(done.stdout)
    assert len(texts) == 1 and " at 0x" not in texts.pop()


def test_two_functions_of_one_name_both_count(printed: Callable[[], str]):
    one, two, three = (typed(f"def typed():\n    return {n}") for n in (1, 2, 3))
    cached("toy", make, code=(one, two))
    printed()
    for pair in ((three, two), (three, one), (one, three)):
        cached("toy", make, code=pair)
        assert "because the code of typed changed" in printed()


def test_the_arguments_of_a_partial_count(printed: Callable[[], str]):
    def scaled(factor: float) -> dict[str, np.ndarray]:
        return {"a": factor * np.ones(2)}

    for factor, word in ((2.0, "first"), (3.0, "the code of scaled")):
        assert cached("toy", functools.partial(scaled, factor))["a"][0] == factor
        assert word in printed()


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../a", "a\\b", "/tmp/a", ".a", None, "a\0b", "a b"])
def test_names_that_are_no_file_names_are_refused(name: Any, folder: Path):
    (folder.parent / "precious.txt").write_text("mine")
    with pytest.raises(InputError, match="^name is .*, expected letters"):
        cached(name, make)
    with pytest.raises(InputError, match="make of toy names an array .*, expected letters"):
        cached("toy", lambda: {name: np.ones(1)})
    assert os.listdir(folder.parent) == ["precious.txt"]


@pytest.mark.parametrize("value", [[None, 1], [[1], [1, 2]], object(), np.array([{}]), np.array([(1, None)], "i4,O")])
def test_objects_are_refused(value: Any, folder: Path):
    with pytest.raises(InputError, match="'a' of toy contains Python objects"):
        cached("toy", lambda: {"a": value})
    assert not folder.exists()


@pytest.mark.parametrize("value", [np.ones(2), (np.ones(2), np.ones(2)), None])
def test_a_result_that_is_no_dict_is_refused(value: Any):
    with pytest.raises(InputError, match=f"make of toy returns a {type(value).__name__}, expected a dict"):
        cached("toy", lambda: value)
