"""The seven verdicts, each with its words; tolerance, ties, and answers that change their input."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from checks_example import EXERCISE, doubled, exercise, verdict_on

from aitex_utils.lessons import Mistake, judge


def test_passed():
    verdict = judge(EXERCISE, lambda x: x + x)
    assert (verdict.kind, verdict.told, verdict.passed) == ("passed", "Now you can double.", True)
    assert verdict_on(1, 1).told == "Right."


@pytest.mark.parametrize("answer", [None, ...])
def test_no_answer_is_not_attempted(answer: Any):
    verdict = judge(EXERCISE, answer)
    assert verdict.kind == "not attempted" and "there is no answer. Give the name of your function" in verdict.told


def test_a_stub_is_not_attempted():
    def stub(x):
        raise NotImplementedError("09.1")  # your code instead of this line

    assert judge(EXERCISE, stub).kind == "not attempted"
    assert "replace the line `raise NotImplementedError`" in judge(EXERCISE, functools.partial(stub)).told

    def bare(x):
        raise NotImplementedError

    assert judge(EXERCISE, bare).kind == "not attempted"


def test_a_not_implemented_error_of_a_library_is_a_crash():
    def library(x: Any) -> None:
        exec(compile("raise NotImplementedError('not implemented for Byte')", "library.py", "exec"))

    verdict = judge(EXERCISE, lambda x: library(x))
    assert verdict.kind == "crashed" and "NotImplementedError: not implemented for Byte" in verdict.told


@pytest.mark.parametrize("spelling", [lambda a, b: a @ b, np.dot, lambda a, b: np.matmul(np.stack([a, a]), b)])
def test_shapes_that_do_not_multiply_are_told_plainly(spelling: Callable):
    told = judge(EXERCISE, lambda x: spelling(np.ones((3, 2)), np.ones((1, 2)))).told
    left, right = ("3, 2", "1, 2") if spelling is np.dot else ("..., 2", "1, ...")
    said = f"It stopped with ValueError: you multiply ({left}) by ({right}), but the inner numbers must be equal."
    assert told.startswith(said), told


def test_tensors_that_do_not_multiply_are_told_plainly():
    torch = pytest.importorskip("torch")
    told = judge(EXERCISE, lambda x: torch.ones(3, 2) @ torch.ones(1, 2)).told
    assert "RuntimeError: you multiply (3, 2) by (1, 2), but the inner numbers must be equal." in told


def test_arguments_have_the_names_that_the_learner_gave_them_or_else_the_reference_s():
    task = exercise(lambda masks, size, name: 0, ([1.5] * 99, 4, "b"))
    assert judge(task, lambda a, b, c: 1).told.endswith(
        "tested: for a (a list of 99 things), b=4, c='b' it gives 1, expected 0."
    )
    named = "for masks (a list of 99 things), size=4, name='b' it gives 1"
    for answer in (lambda *_: 1, type("A", (), {"__call__": lambda self, *_: 1})()):
        assert named in judge(task, answer).told
    routine = exercise(lambda call, x: 0, (np.sum, np.zeros((3, 4))))
    assert "for call (the function sum), x (an array of shape (3, 4)) it gives" in judge(routine, lambda *_: 1).told


def test_a_crash_names_the_line():
    def answer(x):
        y = x + 1
        return y[9]  # too far

    verdict = judge(EXERCISE, answer)
    assert verdict.kind == "crashed"
    assert verdict.told.startswith("It stopped with IndexError: index 9 is out of bounds")
    line = answer.__code__.co_firstlineno + 2
    assert verdict.told.endswith(f"The line is number {line} of test_check.py: `return y[9]  # too far`.")


def test_a_crash_in_a_cell_names_its_own_line_not_that_of_a_helper():
    space: dict[str, Any] = {}
    exec(compile("def helper(x):\n    return 1 / 0", "/tmp/ipykernel_1/2.py", "exec"), space)
    exec(compile("\n\ndef answer(x):\n    return helper(x)", "/tmp/ipykernel_1/1.py", "exec"), space)
    assert judge(EXERCISE, space["answer"]).told == (
        "It stopped with ZeroDivisionError: division by zero. The line is number 4 of its cell."
    )


@pytest.mark.parametrize("wrap", [functools.partial, lambda f: type("A", (), {"__call__": lambda self, x: f(x)})()])
def test_a_crash_in_a_partial_or_an_object_names_the_line(wrap: Callable):
    def answer(x):
        raise ValueError("no")

    told = judge(EXERCISE, wrap(answer)).told
    assert told.startswith("It stopped with ValueError: no. The line is number ") and "`raise ValueError" in told


def test_an_error_that_ends_its_own_sentence_gets_no_second_full_stop():
    def answer(*_):
        raise ValueError("labels must be 0 or 1.")

    assert "labels must be 0 or 1. The line" in judge(EXERCISE, answer).told


@pytest.mark.parametrize("answer", [lambda: 1, lambda x, y: x, lambda x, *, y: x, type("Empty", (), {}), len])
def test_wrong_arguments_are_asked_for(answer: Callable):
    verdict = judge(exercise(lambda *_: 1, (1, 2, 3)), answer)
    assert verdict.kind == "crashed" and verdict.told.endswith("take the same arguments as the stub?")


def test_wrong_shape():
    verdict = judge(EXERCISE, lambda x: (2 * x)[None])
    assert verdict.kind == "wrong shape"
    assert verdict.told == "The shape is (1, 2), expected (2,) for x=[1.0, 3.0]."
    assert verdict_on(np.zeros((2, 2)), np.zeros((2, 3)), np.zeros((9, 9))).told.endswith("an array of shape (9, 9).")


def test_a_known_mistake_draws_its_hint_alone():
    verdict = judge(EXERCISE, lambda x: [v**2 for v in x] if x.ndim == 1 else x**2)
    assert (verdict.kind, verdict.mistake) == ("mistake", "squared")
    assert verdict.told == "You multiply each number by itself."
    assert judge(EXERCISE, lambda x: 0.5 * x).mistake == "halved"


def test_a_mistake_made_on_some_cases_only_is_another_one():
    assert judge(EXERCISE, lambda x: x * x if x.ndim == 1 else 3 * x).kind == "wrong value"


@pytest.mark.parametrize("error", [ValueError, ZeroDivisionError, AssertionError])
def test_a_mistake_that_breaks_is_passed_over(error: type):
    def broken(x):
        raise error

    second = Mistake("second", "The second.", lambda x: x + 7)
    for mistakes in ((Mistake("broken", "", broken), second), (second, Mistake("broken", "", broken))):
        task = exercise(doubled, (np.ones(2),), mistakes=mistakes)
        assert judge(task, lambda x: x + 7).mistake == "second"
        assert judge(task, lambda x: x + 5).kind == "wrong value"


def test_wrong_value():
    told = judge(EXERCISE, lambda x: np.where(x > 2, 7, 2 * x)).told
    assert told == (
        "Not yet right in 2 of the 2 cases that were tested. For x=[1.0, 3.0] the shape is right, but 1 of 2 values "
        "differ. At [1] it gives 7, expected 6."
    )
    last = judge(EXERCISE, lambda x: np.where(x > 4, 7, 2 * x)).told
    assert "1 of the 2 cases" in last and "For x=[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]] the shape is right" in last
    assert "1 of 6 values differ. At [1, 2] it gives 7, expected 10." in last
    assert verdict_on(3.5, 3, 1, "b").told == (
        "Not yet right in the one case that was tested: for 1, 'b' it gives 3.5, expected 3."
    )
    assert verdict_on(3, 4).told.endswith("for no arguments it gives 3, expected 4.")


def test_tolerance_is_the_exercise_s():
    assert not verdict_on(1.01, 1.0).passed
    assert verdict_on(1.01, 1.0, tolerance=0.02).passed
    near = verdict_on(np.array([1.01, 5.0]), np.array([1.0, 1.0]), tolerance=0.02)
    assert "1 of 2 values differ. At [1]" in near.told


def test_several_numbers_are_called_so_and_an_address_is_not_shown():
    told = judge(exercise(lambda x: (x, 2 * x), (1.0,)), lambda x: (x, 3 * x)).told
    assert "For x=1.0, 1 of the 2 numbers is off. At [1] it gives 3, expected 2." in told
    told = judge(exercise(lambda x: (x, 2 * x), (1.0,)), lambda x: (x + 1, 3 * x)).told
    assert "For x=1.0, 2 of the 2 numbers differ. At [0] it gives 2, expected 1." in told
    told = judge(exercise(lambda random: 1, (np.random.default_rng(0),)), lambda random: 2).told
    assert "for random (an object of type Generator) it gives 2, expected 1." in told


def test_ties_by_agree():
    def any_maximum(expected: int, got: Any, x: np.ndarray) -> bool:
        return x[int(got)] == x[expected]

    task = exercise(lambda x: int(np.argmax(x)), (np.array([1, 5, 5]),), agree=any_maximum)
    assert judge(task, lambda x: 2).passed and judge(task, lambda x: 1).passed
    assert judge(task, lambda x: 0).told.endswith("for x=[1, 5, 5] it gives 0, expected 1.")
    assert judge(task, lambda x: 9).kind == "wrong value"  # any_maximum raises, which counts as no
    same_but_refused = exercise(lambda: 1, (), agree=lambda *_: False)
    assert "the values are near, but not the ones meant" in judge(same_but_refused, lambda: 1).told
    both = exercise(lambda: (np.ones(2), np.ones(3)), (), agree=lambda *_: False)
    assert judge(both, lambda: (np.ones(2), np.ones(3))).told == (
        "Not yet right in the one case that was tested: for no arguments it gives ([1.0, 1.0], [1.0, 1.0, 1.0])."
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda x, parts, d: x.__imul__(2),
        lambda x, parts, d: parts[0].fill(7),
        lambda x, parts, d: parts.append(1),
        lambda x, parts, d: d.update(a=3),
        lambda x, parts, d: d["t"].add_(1),
        lambda x, parts, d: setattr(x, "shape", (2, 1)),
    ],
)
def test_an_answer_that_changes_its_input_is_told(change: Callable):
    torch = pytest.importorskip("torch")
    case = (np.array([1.0, np.nan]), [np.ones(2), np.ones(3)], {"a": 1, "t": torch.ones(2)})

    def changing(*arguments):
        change(*arguments)
        return 1

    verdict = judge(exercise(lambda *_: 1, case), changing)
    assert verdict.kind == "wrong value" and "changes what it is given. Work on a copy" in verdict.told
    assert judge(exercise(lambda *_: 1, case), lambda *_: 1).passed


def test_a_reference_or_a_mistake_that_changes_its_input_harms_nobody():
    task = exercise(lambda x: x.__imul__(2), (np.ones(2),), mistakes=(Mistake("thrice", "", lambda x: x.__imul__(3)),))
    assert judge(task, lambda x: 2 * x).passed and judge(task, lambda x: 3 * x).mistake == "thrice"


def test_an_answer_that_returns_its_input_or_the_same_memory_each_time():
    assert judge(exercise(lambda x: x, (np.ones(2),), (np.zeros(2),)), lambda x: x).passed
    buffer = np.zeros(2)

    def reusing(x):
        buffer[:] = 2 * x
        return buffer

    assert judge(exercise(doubled, (np.ones(2),), (np.zeros(2),)), reusing).passed


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (np.ones(3), "This is an array of shape (3,), not a function: give its name without parentheses"),
        (1.0, "This is a number, not a function"),
        ("double", "This is a text, not a function: give its name without quotation marks."),
        ([1], "This is a list, not a function"),
        (True, "This is True or False, not a function"),
    ],
)
def test_the_result_instead_of_the_function(answer: Any, words: str):
    verdict = judge(EXERCISE, answer)
    assert verdict.kind == "wrong kind" and verdict.told.startswith(words)


def test_a_defect_of_the_exercise_itself_isn_t_hidden():
    with pytest.raises(ZeroDivisionError):
        judge(exercise(lambda: 1 / 0, ()), lambda: 1)
