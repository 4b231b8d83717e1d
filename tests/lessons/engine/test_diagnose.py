"""Slips that show in the results: swapped, transposed, off by one, one missing, another axis, a factor, an order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from checks_example import exercise

from aitex_utils.lessons import judge

RNG = np.random.default_rng(0)
MATRIX = RNG.normal(size=(5, 3))


def message(reference: Callable, answer: Callable, *cases: tuple, **changes: Any) -> str:
    verdict = judge(exercise(reference, *cases, **changes), answer)
    assert not verdict.passed and not verdict.mistake
    return verdict.message


@pytest.mark.parametrize("cast", [tuple, list])
def test_two_results_in_the_wrong_order(cast: Callable):
    text = message(
        lambda x: (x.min(), x.argmin()), lambda x: cast([x.argmin(), x.min()]), (MATRIX,), (np.array([3.0, 2.5]),)
    )
    assert text == "Both results are right, but in the wrong order: exchange them in the `return`."


def test_two_arrays_in_the_wrong_order_as_the_exercise_compares_them():
    def agree(expected: Any, actual: Any, x: np.ndarray) -> bool:
        return len(actual) == 2 and np.allclose(actual[0], expected[0]) and np.allclose(actual[1], expected[1])

    text = message(lambda x: (x, x + 1), lambda x: (x + 1, x), (np.arange(3),), agree=agree)
    assert text.startswith("Both results are right")


def test_only_one_case_in_the_wrong_order_is_something_else():
    def answer(x):
        return (x, 2) if x < 2 else (2, x)

    assert "wrong order" not in message(lambda x: (x, 2), answer, (1,), (5,))


def test_a_transposed_result():
    text = message(lambda x: x, lambda x: x.T, (MATRIX,), (RNG.normal(size=(3, 3)),))
    assert text == "Rows and columns are exchanged: this is the transpose of the expected array."


@pytest.mark.parametrize(
    ("step", "words"),
    [(1, "Every value is too large by 1."), (-1, "Every value is too small by 1."), (2, "expected 3.")],
)
def test_integers_that_are_off_by_one(step: int, words: str):
    text = message(lambda x: 3 * x, lambda x: 3 * x + step, (1,), (np.arange(1, 4),))
    assert words in text and ("by 1" in text) == (abs(step) == 1)


def test_one_wrong_number_alone_shows_no_pattern():
    assert message(lambda x: 3, lambda x: 4, (1,)).endswith("it returns 4, expected 3.")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda x: x[:-1], "The last value is missing, and all others are right."),
        (lambda x: x[1:], "The first value is missing"),
        (lambda x: np.append(x, 9.0), "The last value is one too many"),
        (lambda x: np.append(9.0, x), "The first value is one too many"),
    ],
)
def test_one_value_too_few_or_too_many(answer: Callable, words: str):
    text = message(lambda x: x, answer, (np.array([1.0, 2.0]),), (RNG.normal(size=4),))
    assert words in text and "The shape is" in text
    assert "others are right" not in message(lambda x: x, lambda x: answer(x) + 1, (np.array([1.0, 7.0]),))


@pytest.mark.parametrize(("wanted", "given", "words"), [(1, 0, "value per column here"), (0, 1, "value per row here")])
def test_the_other_axis(wanted: int, given: int, words: str):
    text = message(lambda x: x.sum(axis=wanted), lambda x: x.sum(axis=given), (MATRIX,))
    assert words in text and text.endswith("check `axis`.")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda x: 2 * x, "Every value is 2 times the expected one."),
        (lambda x: x / 2, "Every value is 0.5 times"),
        (lambda x: 100 * x, "Every value is 100 times"),
        (lambda x: -x, "Every value has the opposite sign."),
        (lambda x: x**2, "Every value is the square of the expected one."),
        (lambda x: np.sqrt(x), "Every value is the square root of the expected one."),
        (lambda x: np.sort(x)[::-1], "The values are right, but in another order."),
        (lambda x: np.where(x > 2, np.nan, x), "The result contains NaN"),
        (lambda x: np.where(x > 2, np.inf, x), "The result contains an infinite value"),
        (lambda x: x + 0.25, ""),
    ],
)
def test_what_all_values_have_in_common(answer: Callable, words: str):
    text = message(lambda x: x, answer, (np.array([1.5, 2.5, 3.0]),))
    assert words in text and text.startswith("Not yet right in the tested case.")
    assert words or text.endswith("expected 1.5.")


@pytest.mark.parametrize(
    ("expected", "actual"),
    [("a", "b"), (len, max), ({"a": 1}, {"a": 2}), (1, "b"), (np.array(["a"]), np.array(["b"])), ([], 1)],
)
def test_strings_functions_and_other_kinds_show_no_pattern(expected: Any, actual: Any):
    text = message(lambda: expected, lambda: actual, ())
    assert "Every value" not in text and "order" not in text
