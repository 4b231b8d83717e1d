"""The kind of result that an exercise asks for: a right value of another kind is refused with a sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from checks_example import exercise

from aitex_utils.lessons import Mistake, judge
from aitex_utils.lessons.engine.kinds import KINDS, explain_wrong_kind

VALUES = {
    "an integer": [3, np.int64(3), np.array(3)],
    "a Boolean": [True, np.bool_(False), np.array(True)],
    "an array": [np.ones(2), np.ones((2, 2))],
    "an array of integers": [np.arange(2), np.array([1], np.uint8)],
    "an array of Booleans": [np.array([True])],
    "a tensor": [torch.ones(2), torch.nn.Parameter(torch.ones(2))],
    "a list": [[1], []],
    "a tuple": [(1.5, 2)],
    "an integer and a number": [(4, 2.0), (np.int64(4), 2)],
}


@pytest.mark.parametrize("wanted", KINDS)
def test_only_values_of_the_kind_are_accepted(wanted: str):
    for kind, values in VALUES.items():
        for value in values:
            also = {"an array": np.ndarray, "a tuple": tuple}.get(wanted)
            has_kind = kind == wanted or also is not None and isinstance(value, also)
            assert (explain_wrong_kind(value, wanted) == "") == has_kind, (wanted, value)
    for value in (None, "a", object(), 1.5, np.float32(2)):
        assert explain_wrong_kind(value, wanted).endswith(".")


@pytest.mark.parametrize(
    ("wanted", "expected", "result", "words"),
    [
        ("an integer", 4, 4.0, "It returns a float, and the task asks for an integer."),
        ("an integer", 4, np.float32(4), "It returns a float, and"),
        ("a Boolean", True, 1, "It returns an integer, and the task asks for a Boolean."),
        ("an array of Booleans", np.array([True, False]), np.array([1, 0]), "It returns an array of integers, and"),
        ("an array of Booleans", np.array([True, False]), [True, False], "It returns a list, and"),
        ("an array of integers", np.array([1, 2]), np.array([1.0, 2.0]), "It returns an array of floats, and"),
        ("an integer and a number", (4, 2.0), (4.0, 2.0), "and the task asks for an integer and a number."),
        ("a tensor", torch.ones(2), np.ones(2, np.float32), "It returns an array of floats, and the task asks for a"),
        ("an array", np.ones(2), torch.ones(2), "It returns a tensor, and the task asks for an array."),
        ("an array", np.ones(2), [1.0, 1.0], "It returns a list, and the task asks for an array."),
        ("a list", [1, 2], (1, 2), "It returns 2 values (a number, a number), and the task asks for a list."),
    ],
)
def test_a_right_value_of_another_kind_is_refused(wanted: str, expected: Any, result: Any, words: str):
    task = exercise(lambda: expected, (), returns=wanted)
    verdict = judge(task, lambda: result)
    assert verdict.kind == "wrong kind" and words in verdict.message
    assert verdict.message.startswith("The value is right, but not its type.")
    assert judge(task, lambda: expected).passed
    assert judge(exercise(lambda: expected, ()), lambda: result).passed


def test_a_wrong_value_of_another_kind_gets_the_hint_of_its_mistake():
    mistakes = (Mistake("doubled", "You double it.", lambda x: 2 * x),)
    task = exercise(lambda x: x, (3,), (4,), mistakes=mistakes, returns="an integer")
    assert judge(task, lambda x: 2.0 * x).mistake == "doubled"
    assert judge(task, lambda x: x + 0.5).kind == "wrong value"
