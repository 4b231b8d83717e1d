"""What counts as right in another form, what doesn't, and the words for each difference."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from checks_example import verdict_on


@pytest.mark.parametrize(
    ("got", "expected", "words"),
    [
        (1048577, 1048576, "it gives 1048577, expected 1048576"),
        (0.1234567, 0.1234572, "it gives 0.1234567, expected 0.1234572"),
        (np.float32(2), 1.0, "it gives 2, expected 1"),
        (True, False, "it gives True, expected False"),
        (np.array([True, True]), np.array([True, False]), "At [1] it gives True, expected False"),
        (np.array([0.0, np.nan]), np.array([0.0, 1.0]), "At [1] it gives nan, expected 1"),
        (np.array([np.inf]), np.array([-np.inf]), "At [0] it gives inf, expected -inf"),
    ],
)
def test_figures_can_be_told_apart(got: Any, expected: Any, words: str):
    assert words in verdict_on(got, expected, tolerance=1e-7).told


@pytest.mark.parametrize(
    ("got", "expected", "words"),
    [
        (None, 1, "Your function returns None. Is the `return` missing?"),
        ((v for v in "ab"), [1, 2], "Your function gives a generator or an iterator. Make a list or an array of it."),
        (map(int, "12"), [1, 2], "gives a generator or an iterator"),
        (range(10**15), [1, 2], "a range of 1,000,000,000,000,000 values, too many to read"),
        ("text", 1, "It returns a text, expected a single number."),
        ({"a": 1}, 1, "It returns a dictionary, expected a single number."),
        ({1}, 1, "It returns a set, expected a single number."),
        (len, 1, "It returns a function, expected a single number."),
        (dict, 1, "It returns the class dict, expected a single number."),
        (object(), 1, "It returns an object of type object, expected a single number."),
        (1j, 1.0, "It returns a single value of type complex128, expected a single number."),
        ([1j, 1], [1, 1], "It returns an array of complex numbers of shape (2,), expected an array of shape (2,)."),
        (["a", "b"], [1, 1], "It returns an array of texts of shape (2,), expected an array of"),
        (np.array([1, 2], object), [1, 2], "It returns an array of Python objects of shape (2,), expected"),
        ([[1, 2], [3]], np.ones((2, 2)), "returns 2 things (an array of shape (2,), an array of shape (1,)), expect"),
        ([None, 2.0], np.ones(2), "It returns 2 things (None, a single number), expected an array of shape (2,)."),
        (["a", 1], ("a", "1"), "It returns 2 things (a text, a single number), expected an array of texts of"),
        (np.ones(2), (np.ones(3), 1), "number 1 is off. It returns a single number, expected an array of shape"),
        ((1, "a"), (1, None), "number 2 is off. It returns a text, expected None."),
        ((np.ones(2), np.ones(3)), np.ones(2), "It returns 2 things (an array of shape (2,), an array of shape"),
        ("a", "b", "Not yet right in the one case that was tested: for no arguments it gives 'a', expected 'b'."),
        ("a" * 999, "b", "for no arguments it gives a text, expected 'b'."),
        ({"a": 1}, {"b": 1}, "The dictionary's keys aren't those expected: 'b' is missing, 'a' is too many."),
        ({"a": 1}, {"a": 2}, "its values aren't. The first that is off is 'a', for no arguments."),
        (["a", "b"], ("a", "c"), "for no arguments it gives ['a', 'b'], expected ['a', 'c']."),
        (np.ones(3), (np.ones(2), 1.0), "It returns an array of shape (3,), expected 2 things (an array of"),
        (
            ("a", len),
            ("a", max),
            "number 2 is off. Not yet right in the one case that was tested: for no arguments it g",
        ),
    ],
)
def test_words_for_other_kinds(got: Any, expected: Any, words: str):
    verdict = verdict_on(got, expected)
    assert words in verdict.told and not verdict.passed


def test_the_thing_that_is_off_is_named():
    verdict = verdict_on((np.ones(3), np.ones(2)), (np.ones(3), np.ones(4)))
    assert verdict.kind == "wrong shape"
    assert verdict.told == (
        "Of the 2 things that it returns, number 2 is off. The shape is (2,), expected (4,) for no arguments."
    )
    stacked = verdict_on([np.ones(3), np.zeros(3)], (np.ones(3), np.ones(3)))
    assert "number 2 is off. Not yet right in the one case that was tested. For no arguments the shape" in stacked.told


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        ([1, 2], np.array([1.0, 2.0])),
        ((1, 2), np.array([1, 2])),
        ([[1, 2], [3, 4]], np.array([[1.0, 2.0], [3.0, 4.0]])),
        ([np.ones(2), np.ones(2)], np.ones((2, 2))),
        ((np.ones(2), np.ones(2)), np.ones((2, 2))),
        ([np.ones(2), np.zeros(2)], (np.ones(2), np.zeros(2))),
        ([np.ones(2), np.zeros(3)], (np.ones(2), np.zeros(3))),
        (range(3), np.arange(3)),
        (3.0, 3),
        (np.int64(3), 3.0),
        (np.array(3.0), 3),
        (Fraction(1, 2), 0.5),
        ([Fraction(1, 2), 1], [0.5, 1.0]),
        (1, True),
        (np.array([0, 1]), np.array([False, True])),
        (np.array([False, True]), [0, 1]),
        (np.float16(0.5), 0.5),
        (np.array([1, 2], np.uint8), [1.0, 2.0]),
        (float("nan"), np.nan),
        ([np.inf, 1 + 1e-9], [np.inf, 1.0]),
        (np.str_("a"), "a"),
        (["a", "b"], ("a", "b")),
        (("a", 1), ["a", 1.0]),
        ({"b": [1, 2], "a": None}, {"a": None, "b": np.array([1, 2])}),
        ({1, 2}, frozenset([2, 1])),
        ([], np.zeros(0)),
        ((None, 1), (None, 1)),
    ],
)
def test_right_in_another_form(got: Any, expected: Any):
    verdict = verdict_on(got, expected)
    assert verdict.passed, verdict.told


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (3 + 1e-3, 3),
        (250_001, 250_000),  # 1e-5 of it is more than one
        (np.array([10**6 + 1]), np.array([10**6])),
        (250_000.5, 250_000),
        (np.array([0, 255]), np.array([False, True])),
        ("1", 1),
        (["1", "2"], [1, 2]),
        (("a", "1"), ("a", 1)),
        (np.nan, 0.0),
        (1 + 0j, 1.0),
        ([1, 2], np.array([[1, 2]])),
        (np.ones(1), 1.0),
        (b"a", "a"),
    ],
)
def test_not_right(got: Any, expected: Any):
    assert not verdict_on(got, expected).passed


def test_tensors():
    torch = pytest.importorskip("torch")
    wanted = np.array([[1.0, 2.0], [3.0, 4.0]])
    tensor = torch.tensor(wanted, dtype=torch.float32, requires_grad=True)
    for answer in (tensor, tensor.to(torch.bfloat16), list(tensor), [[*row] for row in tensor], tuple(tensor)):
        assert verdict_on(answer, wanted).passed
    assert verdict_on(tensor[0, 0], 1).passed and verdict_on(1, tensor[0, 0]).passed
    assert verdict_on(tensor[:1], wanted).kind == "wrong shape"
    assert verdict_on(torch.nn.Linear(1, 1), 1.0).told.startswith("It returns an object of type Linear")
    sparse = verdict_on(torch.eye(2).to_sparse(), np.eye(2))
    assert sparse.kind == "wrong kind" and "It returns an object of type Tensor, which can't be read" in sparse.told
