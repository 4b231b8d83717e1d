"""An exception of the learner's function: which error, on which line of the learner's own code, or only a stub."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from checks_example import EXERCISE, exercise

from aitex_utils.lessons import judge


def test_a_stub_is_not_attempted():
    def stub(x):
        raise NotImplementedError("09.1")  # your code instead of this line

    def bare(x):
        raise NotImplementedError

    for answer in (stub, bare, functools.partial(stub)):
        verdict = judge(EXERCISE, answer)
        assert verdict.kind == "not attempted" and "`raise NotImplementedError`" in verdict.message


def test_a_not_implemented_error_of_a_library_is_a_crash():
    def library(x: Any) -> None:
        exec(compile("raise NotImplementedError('not implemented for Byte')", "library.py", "exec"))

    verdict = judge(EXERCISE, lambda x: library(x))
    assert verdict.kind == "crashed" and "NotImplementedError: not implemented for Byte" in verdict.message


@pytest.mark.parametrize("multiply", [lambda a, b: a @ b, np.dot, lambda a, b: np.matmul(np.stack([a, a]), b)])
def test_numpy_shapes_that_do_not_multiply_are_named(multiply: Callable):
    message = judge(EXERCISE, lambda x: multiply(np.ones((3, 2)), np.ones((1, 2)))).message
    left, right = ("3, 2", "1, 2") if multiply is np.dot else ("..., 2", "1, ...")
    assert f"ValueError: a product of shapes ({left}) and ({right})," in message
    assert "operand" not in message and "aligned" not in message


def test_tensor_shapes_that_do_not_multiply_are_named():
    torch = pytest.importorskip("torch")
    message = judge(EXERCISE, lambda x: torch.ones(3, 2) @ torch.ones(1, 2)).message
    assert "RuntimeError: a product of shapes (3, 2) and (1, 2)," in message


def test_a_crash_names_the_line():
    def answer(x):
        y = x + 1
        return y[9]  # too far

    verdict = judge(EXERCISE, answer)
    line = answer.__code__.co_firstlineno + 2
    assert verdict.kind == "crashed" and "IndexError: index 9 is out of bounds" in verdict.message
    assert verdict.message.endswith(f"line {line} of test_crash.py: `return y[9]  # too far`.")


def test_the_innermost_line_of_the_learner_s_own_code_is_named():
    def inner(x):
        return np.zeros(2).reshape(x.shape)

    def answer(x):
        return inner(np.zeros(3))

    assert "`return np.zeros(2).reshape(x.shape)`" in judge(EXERCISE, answer).message


def test_a_crash_in_a_cell_names_its_own_line_not_the_helper_s():
    namespace: dict[str, Any] = {}
    exec(compile("def helper(x):\n    return 1 / 0", "/tmp/ipykernel_1/2.py", "exec"), namespace)
    exec(compile("\n\ndef answer(x):\n    return helper(x)", "/tmp/ipykernel_1/1.py", "exec"), namespace)
    message = judge(EXERCISE, namespace["answer"]).message
    assert "ZeroDivisionError: division by zero." in message and message.endswith("line 4 of its cell.")


@pytest.mark.parametrize("wrap", [functools.partial, lambda f: type("A", (), {"__call__": lambda self, x: f(x)})()])
def test_a_crash_in_a_partial_or_an_object_names_the_line(wrap: Callable):
    def answer(x):
        raise ValueError("no")

    message = judge(EXERCISE, wrap(answer)).message
    assert "ValueError: no. " in message and "of test_crash.py: `" in message


def test_an_error_text_with_a_full_stop_gets_no_second_one():
    def answer(*_):
        raise ValueError("labels must be 0 or 1.")

    assert "labels must be 0 or 1. The" in judge(EXERCISE, answer).message


@pytest.mark.parametrize("answer", [lambda: 1, lambda x, y: x, lambda x, *, y: x, type("Empty", (), {}), len])
def test_wrong_arguments_are_asked_about(answer: Callable):
    verdict = judge(exercise(lambda *_: 1, (1, 2, 3)), answer)
    assert verdict.kind == "crashed" and "same arguments as the stub?" in verdict.message


@pytest.mark.parametrize("answer", [lambda x: [x].sort()[0], lambda x: len([].append(x)), lambda x: [x].sort().copy()])
def test_the_result_of_a_function_that_returns_none_is_explained(answer: Callable):
    assert "`sort` and `append` change their object and return None" in judge(EXERCISE, answer).message


def test_another_type_error_says_nothing_of_none():
    def answer(x):
        return x + "a"

    assert "return None" not in judge(EXERCISE, answer).message


def test_another_crash_is_not_asked_about():
    for task, answer in ((EXERCISE, lambda x: [][9]), (exercise(lambda x: 1, (5,)), len)):
        verdict = judge(task, answer)
        assert verdict.kind == "crashed" and "stub" not in verdict.message
