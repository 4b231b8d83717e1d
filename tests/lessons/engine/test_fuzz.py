"""An answer of any kind never makes `check` fail: made-up values by hypothesis, and objects made to break it."""

from __future__ import annotations

import asyncio
import functools
import gc
import os
import sys
import warnings
from collections.abc import Callable
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from checks_example import EXERCISE, doubled, exercise
from hypothesis import given
from hypothesis import strategies as st

from aitex_utils import lessons as checks
from aitex_utils.lessons import judge
from aitex_utils.lessons.engine.compare import (
    CRASHED,
    MISTAKE,
    NOT_ATTEMPTED,
    PASSED,
    WRONG_KIND,
    WRONG_SHAPE,
    WRONG_VALUE,
)

KINDS = {PASSED, NOT_ATTEMPTED, CRASHED, WRONG_KIND, WRONG_SHAPE, MISTAKE, WRONG_VALUE}
SCALARS = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(), st.complex_numbers(), st.text(), st.binary()),
    *(st.fractions(), st.decimals(), st.dates(), st.just(...), st.just(range(10**18)), st.just(10**400)),
)
ARRAYS = hnp.arrays(
    hnp.scalar_dtypes() | st.just(np.dtype(object)), hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
)
ANSWERS = st.recursive(
    SCALARS | ARRAYS,
    lambda inner: st.one_of(
        *(st.lists(inner, max_size=4), st.lists(inner, max_size=4).map(tuple), st.lists(inner, max_size=4).map(iter)),
        st.dictionaries(st.text() | st.integers(), inner, max_size=3),
    ),
    max_leaves=8,
)
EXPECTED = [
    *(1, 0.5, True, "a", np.array([1.0, 3.0]), np.array([True, False]), np.zeros((2, 0)), (np.ones(2), 1), {"a": 1.0}),
    *(["a", "b"], (1, None), np.float32(2), {1, 2}, [np.ones(2), np.ones(3)]),
]


class Raising:
    """Raises `error` from the one method named, or from all."""

    def __new__(cls, method: str, error: type[BaseException] = RuntimeError) -> Any:
        def broken(*_: Any, **__: Any) -> Any:
            raise error("from within")

        methods = ALL if method == "all" else (method,)
        made = type("Odd", (), {name: property(broken) if name == "__class__" else broken for name in methods})
        return object.__new__(made)


ALL = (
    *("__eq__", "__ne__", "__hash__", "__repr__", "__str__", "__array__", "__iter__", "__len__", "__bool__"),
    *("__getattr__", "__getattribute__", "__float__", "__int__", "__index__", "__format__", "__getitem__", "__class__"),
    *("__deepcopy__", "__reduce_ex__", "__contains__", "__array_interface__", "__array_struct__", "__lt__"),
)


@given(answer=ANSWERS, expected=st.sampled_from(EXPECTED))
def test_any_value_is_judged(answer: Any, expected: Any):
    verdict = judge(exercise(lambda: expected, ()), lambda: answer)
    assert verdict.kind in KINDS and verdict.told and len(verdict.told) < 2000
    assert judge(EXERCISE, answer).kind in {WRONG_KIND, NOT_ATTEMPTED}


@given(answer=ANSWERS)
def test_what_passes_is_what_was_expected(answer: Any):
    """Only what says the same may pass: the text, the shape and the number of things are the same."""
    verdict = judge(exercise(lambda: np.array([1.0, 3.0]), ()), lambda: answer)
    assert verdict.passed == (np.shape(answer) == (2,) and list(answer) == [1, 3] if verdict.passed else False)


@given(hnp.arrays(st.sampled_from(["f4", "f8", "i8", "u1", "?"]), hnp.array_shapes(max_dims=3, max_side=4)))
def test_every_array_is_right_where_it_was_expected(array: np.ndarray):
    for form in (array, array.tolist(), np.asfortranarray(array), array.copy().view()):
        assert judge(exercise(lambda: array, ()), functools.partial(lambda it: it, form)).passed
    assert not judge(exercise(lambda: array, ()), lambda: array[None]).passed


@pytest.mark.parametrize("error", [RuntimeError, SystemExit, RecursionError, GeneratorExit, NotImplementedError])
@pytest.mark.parametrize("method", ["all", *ALL])
def test_an_object_whose_methods_raise_is_judged(method: str, error: type[BaseException]):
    odd = Raising(method, error)
    results = [odd, [odd], (odd, 1), {"a": odd}, [[odd, 1], [2]], np.array([0, 0], object)]
    results[-1][1] = odd
    for result in results:
        for expected in (1, np.ones(2), (1, 1), {"a": 1}, odd):
            verdict = judge(exercise(lambda e=expected: e, (), agree=None), lambda r=result: r)
            assert verdict.kind in KINDS
    assert judge(EXERCISE, odd).kind == WRONG_KIND
    assert not judge(exercise(lambda: 1, (), agree=lambda e, g: g == e), lambda: odd).passed


@pytest.mark.parametrize(
    "error",
    [ValueError, SystemExit, MemoryError, RecursionError, StopIteration, GeneratorExit, asyncio.CancelledError],
)
def test_whatever_is_raised_is_a_crash(error: type[BaseException]):
    def answer(x):
        raise error("because")

    verdict = judge(EXERCISE, answer)
    assert verdict.kind == CRASHED and f"It stopped with {error.__name__}: because" in verdict.told


def test_an_error_whose_words_raise_or_never_end():
    class Wordless(Exception):
        def __str__(self) -> str:
            raise SystemExit

    for error in (Wordless(), ValueError("word " * 10**5), ValueError("\ud800\x1b[31m"), ValueError(b"\xff")):

        def answer(x, error=error):
            raise error

        verdict = judge(EXERCISE, answer)
        assert verdict.kind == CRASHED and len(verdict.told) < 500


@pytest.mark.parametrize("where", ["answer", "agree", "value"])
def test_ctrl_c_passes_through(where: str):
    def stop(*_: Any) -> Any:
        raise KeyboardInterrupt

    answer = {"answer": stop, "agree": doubled, "value": lambda x: Raising("__array__", KeyboardInterrupt)}[where]
    task = exercise(doubled, (np.ones(2),), agree=stop if where == "agree" else None)
    out = sys.stdout
    with pytest.raises(KeyboardInterrupt):
        judge(task, answer)
    assert sys.stdout is out


def test_endless_recursion_is_a_crash():
    def answer(x):
        return answer(x)

    assert judge(EXERCISE, answer).told.startswith("It stopped with RecursionError: maximum recursion depth exceeded")


def test_things_that_hold_or_return_themselves():
    itself: list = []
    itself.append(itself)
    mapped: dict = {}
    mapped["a"] = mapped
    for result in (itself, mapped, (itself, 1)):
        for expected in (1, {"a": 1}, ([1], 1)):
            assert judge(exercise(lambda e=expected: e, ()), lambda r=result: r).kind == WRONG_KIND

    def returning_itself(x):
        return returning_itself

    assert "It returns a function" in judge(EXERCISE, returning_itself).told
    assert judge(EXERCISE, judge).kind == CRASHED
    assert "It returns the class str" in judge(EXERCISE, lambda x: str).told


def test_a_coroutine_function_is_told_and_leaves_no_warning():
    async def answer(x):
        return 2 * x

    async def generating(x):
        yield 1

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        verdict = judge(EXERCISE, answer)
        gc.collect()
    assert warned == []
    assert verdict.kind == WRONG_KIND and "leave out `async`" in verdict.told
    assert judge(EXERCISE, generating).kind == WRONG_KIND


@pytest.mark.parametrize(
    "made", [type("Answer", (), {"__init__": lambda self, x: None}), functools.partial(int), print]
)
def test_classes_partials_and_builtins_are_functions_too(made: Callable):
    assert judge(EXERCISE, made).kind in {WRONG_KIND, CRASHED}


def test_a_class_a_partial_or_an_object_may_be_right():
    class Doubling:
        def __call__(self, x):
            return x + x

        def method(self, x):
            return x + x

    for answer in (Doubling(), Doubling().method, functools.partial(np.multiply, 2), functools.lru_cache(lambda x: 2)):
        assert judge(EXERCISE, answer).passed == (not hasattr(answer, "cache_info"))


def test_what_is_huge_is_kept_short():
    wide = np.broadcast_to(0.0, (10**6, 10**6))  # 8 TB, were it copied
    assert judge(exercise(lambda: np.zeros(2), ()), lambda: wide).told == (
        "The shape is (1000000, 1000000), expected (2,) for no arguments."
    )
    assert judge(exercise(lambda *_: 1, (np.zeros((999, 9)), "a" * 10**6, [1.5] * 10**5)), lambda *_: 2).told.endswith(
        "for an array of shape (999, 9), a text, a list of 100000 things it gives 2, expected 1."
    )
    assert len(judge(exercise(lambda: 1, ()), lambda: ["a" * 10**6, 1, *"abcdefgh"]).told) < 200


def test_what_is_printed_warned_or_drawn_as_a_bar_is_silenced(capfd: pytest.CaptureFixture):
    from tqdm import tqdm

    def answer(x):
        for _ in tqdm(range(3)):
            print("word " * 10**4)
            print("to stderr", file=sys.stderr)
        warnings.warn("careful", stacklevel=1)
        np.float64(1) / np.float64(0)
        sys.stdout.close()
        return x + x

    assert judge(EXERCISE, answer).passed
    assert capfd.readouterr() == ("", "")
    before = np.geterr()

    def careless(x):
        np.seterr(all="raise")
        sys.stdout = sys.stderr = None
        return x + x

    assert judge(EXERCISE, careless).passed
    print("still here")
    assert np.geterr() == before and capfd.readouterr().out == "still here\n"


@pytest.fixture
def one_exercise(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_PROGRESS", os.fspath(tmp_path / "progress.json"))
    monkeypatch.setattr(checks, "entries", lambda name, kind: {"09.1": EXERCISE})


@pytest.mark.parametrize("called", ["check", "hint", "quiz"])
def test_a_name_of_any_kind_is_answered(called: str, capsys: pytest.CaptureFixture):
    what = "question" if called == "quiz" else "exercise"
    for name in (None, 1.2, "", "99.1", "01", "../x", "nb", "\0", "²3.1", ["01.2"], {}, Raising("all")):
        getattr(checks, called)(name)
        assert f"There is no {what} of that number: write it in quotes" in " ".join(capsys.readouterr().out.split())


@given(answer=ANSWERS)
def test_check_itself_with_any_answer(answer: Any):
    said: list = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checks, "entries", lambda name, kind: {"09.1": EXERCISE})
        patch.setattr(checks, "note", lambda part, name, **changes: {"tries": 1})
        patch.setattr(checks, "noted", lambda part, name: {})
        patch.setattr(checks, "say", lambda look, title, told: said.append(title))
        checks.check("09.1", answer)
        checks.check("09.1", lambda x: answer)
    assert len(said) == 2


def test_odd_letters_in_a_crash_can_be_shown(one_exercise, capsys: pytest.CaptureFixture):
    def answer(x):
        raise ValueError("\ud800 \x1b[31m \0")

    checks.check("09.1", answer)
    assert "ValueError: ? ?[31m ?." in capsys.readouterr().out
