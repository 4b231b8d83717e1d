"""The seven verdicts, the tolerance and ties of an exercise, and answers that change their arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from checks_example import EXERCISE, doubled, exercise, verdict_on

from aitex_utils.lessons import Mistake, judge


def test_passed():
    verdict = judge(EXERCISE, lambda x: x + x)
    assert (verdict.kind, verdict.message, verdict.passed) == ("passed", EXERCISE.praise, True)
    assert verdict_on(1, 1).message == "Right."


@pytest.mark.parametrize("answer", [None, ...])
def test_no_answer_is_not_attempted(answer: Any):
    verdict = judge(EXERCISE, answer)
    assert verdict.kind == "not attempted" and "there is no answer" in verdict.message


@pytest.mark.parametrize(
    ("answer", "kind", "surplus"),
    [
        (np.ones(3), "an array of shape (3,)", "parentheses"),
        (1.0, "a number", "parentheses"),
        ("double", "a string", "quotation marks"),
        ([1], "a list", "parentheses"),
        (True, "a Boolean value", "parentheses"),
    ],
)
def test_a_result_in_place_of_the_function(answer: Any, kind: str, surplus: str):
    verdict = judge(EXERCISE, answer)
    assert verdict.kind == "wrong kind"
    assert verdict.message.startswith(f"This is {kind}, not a function") and f"without {surplus}" in verdict.message


def test_wrong_shape():
    verdict = judge(EXERCISE, lambda x: (2 * x)[None])
    assert verdict.kind == "wrong shape" and not verdict.passed
    assert "(1, 2), expected (2,) for x=[1.0, 3.0]" in verdict.message


def test_wrong_value():
    verdict = judge(EXERCISE, lambda x: np.where(x > 2, 7, 2 * x))
    assert verdict.kind == "wrong value" and "2 of 2 tested cases" in verdict.message
    assert "For x=[1.0, 3.0]" in verdict.message and "1 of 2 values is wrong" in verdict.message
    assert "At [1] it returns 7, expected 6" in verdict.message


def test_the_first_wrong_case_is_shown():
    message = judge(EXERCISE, lambda x: np.where(x > 4, 7, 2 * x)).message
    assert "1 of 2 tested cases" in message and "x=[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]" in message
    assert "1 of 6 values" in message and "At [1, 2] it returns 7, expected 10" in message


def test_a_known_mistake_gets_its_hint_alone():
    verdict = judge(EXERCISE, lambda x: [v**2 for v in x] if x.ndim == 1 else x**2)
    assert (verdict.kind, verdict.mistake, verdict.message) == ("mistake", "squared", EXERCISE.mistakes[0].hint)
    assert judge(EXERCISE, lambda x: 0.5 * x).mistake == "halved"


def test_a_mistake_on_some_cases_only_is_another_one():
    assert judge(EXERCISE, lambda x: x * x if x.ndim == 1 else 3 * x).kind == "wrong value"


@pytest.mark.parametrize("error", [ValueError, ZeroDivisionError, AssertionError])
def test_a_mistake_that_raises_is_skipped(error: type):
    def broken(x):
        raise error

    second = Mistake("second", "The second.", lambda x: x + 7)
    for mistakes in ((Mistake("broken", "", broken), second), (second, Mistake("broken", "", broken))):
        task = exercise(doubled, (np.ones(2),), mistakes=mistakes)
        assert judge(task, lambda x: x + 7).mistake == "second"
        assert judge(task, lambda x: x + 5).kind == "wrong value"


def test_the_tolerance_belongs_to_the_exercise():
    assert not verdict_on(1.01, 1.0).passed
    assert verdict_on(1.01, 1.0, tolerance=0.02).passed
    near = verdict_on(np.array([1.01, 5.0]), np.array([1.0, 1.0]), tolerance=0.02)
    assert "1 of 2 values is wrong" in near.message and "At [1]" in near.message


def test_agree_allows_ties():
    def any_maximum(expected: int, actual: Any, x: np.ndarray) -> bool:
        return x[int(actual)] == x[expected]

    task = exercise(lambda x: int(np.argmax(x)), (np.array([1, 5, 5]),), agree=any_maximum)
    assert judge(task, lambda x: 2).passed and judge(task, lambda x: 1).passed
    assert "for x=[1, 5, 5] it returns 0, expected 1" in judge(task, lambda x: 0).message
    assert judge(task, lambda x: 9).kind == "wrong value"  # any_maximum raises, which counts as no


def test_a_result_that_agree_refuses_is_not_called_different():
    message = judge(exercise(lambda: 1, (), agree=lambda *_: False), lambda: 1).message
    assert "close to the expected ones" in message and "expected 1" not in message
    pair = exercise(lambda: (np.ones(2), np.ones(3)), (), agree=lambda *_: False)
    message = judge(pair, lambda: (np.ones(2), np.ones(3))).message
    assert "([1.0, 1.0], [1.0, 1.0, 1.0])" in message and "expected" not in message


def test_observe_replaces_the_result():
    def append_sum(numbers: list) -> None:
        numbers.append(sum(numbers))

    task = exercise(append_sum, ([1, 2],), observe=lambda result, numbers: numbers[-1])
    message = judge(task, lambda numbers: 3).message
    assert "returns 2, expected 3" in message


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
def test_an_answer_that_changes_its_arguments_is_refused(change: Callable):
    torch = pytest.importorskip("torch")
    case = (np.array([1.0, np.nan]), [np.ones(2), np.ones(3)], {"a": 1, "t": torch.ones(2)})

    def changing(*arguments):
        change(*arguments)
        return 1

    verdict = judge(exercise(lambda *_: 1, case), changing)
    assert verdict.kind == "wrong value" and "changes its arguments" in verdict.message
    assert judge(exercise(lambda *_: 1, case), lambda *_: 1).passed


def test_a_reference_or_a_mistake_that_changes_its_arguments_does_no_harm():
    task = exercise(lambda x: x.__imul__(2), (np.ones(2),), mistakes=(Mistake("thrice", "", lambda x: x.__imul__(3)),))
    assert judge(task, lambda x: 2 * x).passed and judge(task, lambda x: 3 * x).mistake == "thrice"


def test_an_answer_can_return_its_argument_or_reuse_its_memory():
    assert judge(exercise(lambda x: x, (np.ones(2),), (np.zeros(2),)), lambda x: x).passed
    buffer = np.zeros(2)

    def reusing(x):
        buffer[:] = 2 * x
        return buffer

    assert judge(exercise(doubled, (np.ones(2),), (np.zeros(2),)), reusing).passed


def test_a_defect_of_the_exercise_itself_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        judge(exercise(lambda: 1 / 0, ()), lambda: 1)
