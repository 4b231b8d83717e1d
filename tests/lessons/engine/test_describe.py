"""The words for a difference: kinds, shapes, values, and where the first difference is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from checks_example import exercise, verdict_on

from aitex_utils.lessons import judge


@pytest.mark.parametrize(
    ("result", "expected", "words"),
    [
        (1048577, 1048576, "returns 1048577, expected 1048576"),
        (0.1234567, 0.1234572, "returns 0.1234567, expected 0.1234572"),
        (np.float32(2), 1.0, "returns 2, expected 1"),
        (True, False, "returns True, expected False"),
        (np.array([True, True]), np.array([True, False]), "At [1] it returns True, expected False"),
        (np.array([0.0, np.nan]), np.array([0.0, 1.0]), "At [1] it returns nan, expected 1"),
        (np.array([np.inf]), np.array([-np.inf]), "At [0] it returns inf, expected -inf"),
    ],
)
def test_numbers_are_written_with_enough_digits(result: Any, expected: Any, words: str):
    assert words in verdict_on(result, expected, tolerance=1e-7).message


@pytest.mark.parametrize(
    ("result", "expected", "words"),
    [
        ("text", 1, "a string, expected a single number"),
        ({"a": 1}, 1, "a dictionary, expected a single number"),
        ({1}, 1, "a set, expected a single number"),
        (len, 1, "a function, expected a single number"),
        (dict, 1, "the class dict, expected a single number"),
        (object(), 1, "an object of type object, expected a single number"),
        (1j, 1.0, "a single value of type complex128, expected a single number"),
        ([1j, 1], [1, 1], "an array of complex numbers of shape (2,), expected an array of shape (2,)"),
        (["a", "b"], [1, 1], "an array of strings of shape (2,), expected an array of"),
        (np.array([1, 2], object), [1, 2], "an array of Python objects of shape (2,), expected"),
        ([[1, 2], [3]], np.ones((2, 2)), "2 values (an array of shape (2,), an array of shape (1,)), expected"),
        ([None, 2.0], np.ones(2), "2 values (None, a single number), expected an array of shape (2,)"),
        (["a", 1], ("a", "1"), "2 values (a string, a single number), expected an array of strings of"),
        ((np.ones(2), np.ones(3)), np.ones(2), "2 values (an array of shape (2,), an array of shape (3,)), expected"),
        (np.ones(3), (np.ones(2), 1.0), "an array of shape (3,), expected 2 values (an array of"),
        ({"a": 1}, {"b": 1}, "'b' is missing, 'a' is unexpected"),
    ],
)
def test_kinds_are_named(result: Any, expected: Any, words: str):
    verdict = verdict_on(result, expected)
    assert verdict.kind == "wrong kind" and words in verdict.message


@pytest.mark.parametrize(
    ("result", "expected", "words"),
    [
        (np.ones(2), (np.ones(3), 1), "value 1 is wrong. It returns a single number, expected an array of shape"),
        ((1, "a"), (1, None), "value 2 is wrong. It returns a string, expected None"),
        (("a", len), ("a", max), "value 2 is wrong."),
        ((np.ones(3), np.ones(2)), (np.ones(3), np.ones(4)), "value 2 is wrong. The shape is (2,), expected (4,)"),
        ([np.ones(3), np.zeros(3)], (np.ones(3), np.ones(3)), "value 2 is wrong."),
    ],
)
def test_the_wrong_value_of_several_is_named(result: Any, expected: Any, words: str):
    message = verdict_on(result, expected).message
    assert message.startswith("Of the 2 returned values,") and words in message


@pytest.mark.parametrize(
    ("result", "expected", "words"),
    [
        ("a", "b", "for no arguments it returns 'a', expected 'b'"),
        ("a" * 999, "b", "for no arguments it returns a string, expected 'b'"),
        (["a", "b"], ("a", "c"), "returns ['a', 'b'], expected ['a', 'c']"),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, "belongs to 'b', for no arguments"),
    ],
)
def test_other_values_are_shown(result: Any, expected: Any, words: str):
    verdict = verdict_on(result, expected)
    assert verdict.kind == "wrong value" and words in verdict.message and "tested case" in verdict.message


def test_arguments_have_the_learner_s_names_or_else_the_reference_s():
    task = exercise(lambda masks, size, name: 0, ([1.5] * 99, 4, "b"))
    assert "for a (a list of 99 items), b=4, c='b' it returns 1" in judge(task, lambda a, b, c: 1).message
    for answer in (lambda *_: 1, type("A", (), {"__call__": lambda self, *_: 1})()):
        assert "for masks (a list of 99 items), size=4, name='b' it returns 1" in judge(task, answer).message
    routine = exercise(lambda call, x: 0, (np.sum, np.zeros((4, 5))))
    assert "for call (the function sum), x (an array of shape (4, 5)) it" in judge(routine, lambda *_: 1).message


def test_arguments_without_names_are_shown_by_value():
    assert "for 1, 'b' it returns 3.5, expected 3" in verdict_on(3.5, 3, 1, "b").message
    assert "for no arguments it returns 3, expected 4" in verdict_on(3, 4).message
    assert "for an array of shape (9, 9)" in verdict_on(np.zeros((2, 2)), np.zeros((2, 3)), np.zeros((9, 9))).message


@pytest.mark.parametrize(
    ("argument", "text"),
    [
        (np.arange(19), f"x={list(range(19))} it"),
        (np.arange(20), "x (an array of shape (20,)) it"),
        (np.full((2, 9), 1 / 3), f"x=[{str([0.3333] * 9)}, {str([0.3333] * 9)}] it"),
        (np.full(19, -8.354e-05), "x=[-0.00008354, -0.00008354,"),
        ([np.arange(3), np.ones((1, 2))], "x=[[0, 1, 2], [[1.0, 1.0]]] it"),
        ([np.arange(10), np.ones(10)], "x (a list of 2 items) it"),
        ((1, np.array([True])), "x=(1, [True]) it"),
        ((1.5,), "x=(1.5,) it"),
        (np.float32(0.5), "x=0.5 it"),
        (1e-05, "x=0.00001 it"),
        (np.zeros((0, 3)), "x=[] it"),
    ],
)
def test_an_argument_of_fewer_than_20_numbers_is_shown(argument: Any, text: str):
    assert f"for {text}" in judge(exercise(lambda x: 0, (argument,)), lambda x: 1).message


def test_a_small_tensor_is_shown():
    torch = pytest.importorskip("torch")
    task = exercise(lambda x: 0, (torch.arange(6.0).reshape(1, 2, 3),))
    assert "for x=[[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]] it" in judge(task, lambda x: 1).message
    task = exercise(lambda x: 0, (torch.zeros(2, 2, 5),))
    assert "x (a tensor of shape (2, 2, 5)) it" in judge(task, lambda x: 1).message


def test_several_numbers_are_counted():
    task = exercise(lambda x: (x, 2 * x), (1.0,))
    message = judge(task, lambda x: (x, 3 * x)).message
    assert "For x=1.0, 1 of 2 values is wrong. At [1] it returns 3, expected 2" in message
    message = judge(task, lambda x: (x + 1, 3 * x)).message
    assert "For x=1.0, 2 of 2 values are wrong. At [0] it returns 2, expected 1" in message


def test_an_address_in_memory_is_not_shown():
    message = judge(exercise(lambda random: 1, (np.random.default_rng(0),)), lambda random: 2).message
    assert "random (an object of type Generator)" in message and "0x" not in message


def test_huge_values_are_kept_short():
    wide = np.broadcast_to(0.0, (10**6, 10**6))  # a copy would need 8 TB
    assert "(1000000, 1000000), expected (2,)" in judge(exercise(lambda: np.zeros(2), ()), lambda: wide).message
    message = verdict_on(2, 1, np.zeros((999, 9)), "a" * 10**6, [1.5] * 10**5).message
    assert "for an array of shape (999, 9), a string, a list of 100000 items it returns 2" in message
    assert len(judge(exercise(lambda: 1, ()), lambda: ["a" * 10**6, 1, *"abcdefgh"]).message) < 200
