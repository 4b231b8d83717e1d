"""An answer of any kind never makes `check` fail: generated values, and objects made to break it."""

from __future__ import annotations

import asyncio
import functools
import gc
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

from aitex_utils.lessons import check, hint, judge, quiz
from aitex_utils.lessons.engine import catalogue
from aitex_utils.lessons.engine import check as check_module
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
METHODS = (
    *("__eq__", "__ne__", "__hash__", "__repr__", "__str__", "__array__", "__iter__", "__len__", "__bool__"),
    *("__getattr__", "__getattribute__", "__float__", "__int__", "__index__", "__format__", "__getitem__", "__class__"),
    *("__deepcopy__", "__reduce_ex__", "__contains__", "__array_interface__", "__array_struct__", "__lt__"),
)


def raising(method: str, error: type[BaseException] = RuntimeError) -> Any:
    """Return an object that raises `error` from one method, or from "all"."""

    def broken(*_: Any, **__: Any) -> Any:
        raise error("from within")

    names = METHODS if method == "all" else (method,)
    kind = type("Broken", (), {name: property(broken) if name == "__class__" else broken for name in names})
    return object.__new__(kind)


@given(answer=ANSWERS, expected=st.sampled_from(EXPECTED))
def test_any_value_is_judged(answer: Any, expected: Any):
    verdict = judge(exercise(lambda: expected, ()), lambda: answer)
    assert verdict.kind in KINDS and 0 < len(verdict.message) < 2000
    assert judge(EXERCISE, answer).kind in {WRONG_KIND, NOT_ATTEMPTED}


NEARLY_RIGHT = st.lists(st.sampled_from([1, 3.0, np.float32(3), True, "3", None, 1 + 1e-9, [1], 4]), max_size=3)


@given(answer=NEARLY_RIGHT | NEARLY_RIGHT.map(tuple))
def test_only_the_expected_numbers_pass(answer: Any):
    is_right = len(answer) == 2 and all(isinstance(part, (int, float, np.float32)) for part in answer)
    is_right = is_right and np.allclose(np.array(answer, float), [1, 3])
    assert judge(exercise(lambda: np.array([1.0, 3.0]), ()), lambda: answer).passed == is_right


@given(hnp.arrays(st.sampled_from(["f4", "f8", "i8", "u1", "?"]), hnp.array_shapes(max_dims=3, max_side=4)))
def test_the_expected_array_passes_in_every_form(array: np.ndarray):
    for form in (array, array.tolist(), np.asfortranarray(array), array.copy().view()):
        assert judge(exercise(lambda: array, ()), functools.partial(lambda result: result, form)).passed
    assert not judge(exercise(lambda: array, ()), lambda: array[None]).passed


@pytest.mark.slow
@pytest.mark.parametrize("error", [RuntimeError, SystemExit, RecursionError, GeneratorExit, NotImplementedError])
@pytest.mark.parametrize("method", ["all", *METHODS])
def test_an_object_whose_methods_raise_is_judged(method: str, error: type[BaseException]):
    broken = raising(method, error)
    results = [broken, [broken], (broken, 1), {"a": broken}, [[broken, 1], [2]], np.array([0, 0], object)]
    results[-1][1] = broken
    for result in results:
        for expected in (1, np.ones(2), (1, 1), {"a": 1}, broken):
            verdict = judge(exercise(lambda e=expected: e, (), agree=None), lambda r=result: r)
            assert verdict.kind in KINDS
    assert judge(EXERCISE, broken).kind == WRONG_KIND
    assert not judge(exercise(lambda: 1, (), agree=lambda expected, actual: actual == expected), lambda: broken).passed


@pytest.mark.parametrize(
    "error",
    [ValueError, SystemExit, MemoryError, RecursionError, StopIteration, GeneratorExit, asyncio.CancelledError],
)
def test_any_exception_is_a_crash(error: type[BaseException]):
    def answer(x):
        raise error("because")

    verdict = judge(EXERCISE, answer)
    assert verdict.kind == CRASHED and f"{error.__name__}: because" in verdict.message


class Wordless(Exception):
    def __str__(self) -> str:
        raise SystemExit


@pytest.mark.parametrize(
    "error", [Wordless(), ValueError("word " * 10**5), ValueError("\ud800\x1b[31m"), ValueError(b"\xff")]
)
def test_the_text_of_an_error_can_raise_or_be_endless(error: Exception):
    def answer(x):
        raise error

    verdict = judge(EXERCISE, answer)
    assert verdict.kind == CRASHED and type(error).__name__ in verdict.message and len(verdict.message) < 500


class Interrupting(Exception):
    def __str__(self) -> str:
        raise KeyboardInterrupt


@pytest.mark.parametrize("place", ["answer", "agree", "value", "error"])
def test_ctrl_c_passes_through(place: str):
    def stop(*_: Any) -> Any:
        raise KeyboardInterrupt

    def fail(x):
        raise Interrupting

    answers = {"answer": stop, "agree": doubled, "error": fail}
    answer = answers.get(place, lambda x: raising("__array__", KeyboardInterrupt))
    task = exercise(doubled, (np.ones(2),), agree=stop if place == "agree" else None)
    out = sys.stdout
    with pytest.raises(KeyboardInterrupt):
        judge(task, answer)
    assert sys.stdout is out


def test_endless_recursion_is_a_crash():
    def answer(x):
        return answer(x)

    verdict = judge(EXERCISE, answer)
    assert verdict.kind == CRASHED and "RecursionError" in verdict.message


def test_values_that_contain_themselves_are_of_the_wrong_kind():
    endless_list: list = []
    endless_list.append(endless_list)
    endless_dict: dict = {}
    endless_dict["a"] = endless_dict
    for result in (endless_list, endless_dict, (endless_list, 1)):
        for expected in (1, {"a": 1}, ([1], 1)):
            assert judge(exercise(lambda e=expected: e, ()), lambda r=result: r).kind == WRONG_KIND


def test_functions_as_results_are_of_the_wrong_kind():
    def returning_itself(x):
        return returning_itself

    assert "returns a function" in judge(EXERCISE, returning_itself).message
    assert "returns the class str" in judge(EXERCISE, lambda x: str).message
    assert judge(EXERCISE, judge).kind == CRASHED


def test_a_coroutine_function_is_refused_without_a_warning():
    async def answer(x):
        return 2 * x

    async def generating(x):
        yield 1

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        verdict = judge(EXERCISE, answer)
        gc.collect()
    assert caught == []
    assert verdict.kind == WRONG_KIND and "`async`" in verdict.message
    assert judge(EXERCISE, generating).kind == WRONG_KIND


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (type("Answer", (), {"__init__": lambda self, x: None}), WRONG_KIND),
        (functools.partial(int), CRASHED),
        (print, WRONG_KIND),
    ],
)
def test_classes_partials_and_builtins_are_called_too(answer: Callable, kind: str):
    assert judge(EXERCISE, answer).kind == kind


def test_a_class_a_partial_or_an_object_can_be_right():
    class Doubling:
        def __call__(self, x):
            return x + x

        def method(self, x):
            return x + x

    for answer in (Doubling(), Doubling().method, functools.partial(np.multiply, 2)):
        assert judge(EXERCISE, answer).passed
    assert not judge(EXERCISE, functools.lru_cache(lambda x: 2)).passed


def test_prints_warnings_and_progress_bars_of_an_answer_are_hidden(capfd: pytest.CaptureFixture):
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


def test_global_settings_of_an_answer_are_undone(capfd: pytest.CaptureFixture):
    before = np.geterr()

    def careless(x):
        np.seterr(all="raise")
        sys.stdout = sys.stderr = None
        return x + x

    assert judge(EXERCISE, careless).passed
    print("still here")
    assert np.geterr() == before and capfd.readouterr().out == "still here\n"


@pytest.mark.parametrize("ask", [check, hint, quiz])
def test_a_name_of_any_kind_is_answered(ask: Callable, capsys: pytest.CaptureFixture):
    noun = "question" if ask is quiz else "exercise"
    for name in (None, 1.2, "", "99.1", "01", "../x", "nb", "\0", "²3.1", ["01.2"], {}, raising("all")):
        ask(name)
        assert f"There is no {noun} with this number" in " ".join(capsys.readouterr().out.split())


@given(answer=ANSWERS)
def test_check_itself_with_any_answer(answer: Any):
    titles: list = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalogue, "entries", lambda name, kind: {"09.1": EXERCISE})
        patch.setattr(check_module, "update_entry", lambda part, name, **changes: {"tries": 1})
        patch.setattr(check_module, "read_entry", lambda part, name: {})
        patch.setattr(check_module, "say", lambda look, title, message: titles.append(title))
        check("09.1", answer)
        check("09.1", lambda x: answer)
    assert len(titles) == 2 and all(title.startswith("Exercise 09.1") for title in titles)


def test_unprintable_letters_in_a_crash_can_be_shown(one_exercise, capsys: pytest.CaptureFixture):
    def answer(x):
        raise ValueError("\ud800 \x1b[31m \0")

    check("09.1", answer)
    assert "ValueError: ? ?[31m ?." in capsys.readouterr().out
