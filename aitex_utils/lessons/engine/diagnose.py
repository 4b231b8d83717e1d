"""Typical slips that show in the results themselves, whatever the exercise: off by one, swapped, transposed, ..."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .compare import is_numeric, plain

FACTORS = (2.0, 0.5, 100.0, 0.01, -1.0)  # with a typical cause
Pair = tuple[Any, Any]  # the expected result and the learner's, of one case


def explain_order(actual: Sequence[Any], agree: Callable[[int, Any], bool]) -> str:
    """Say that right values are at the wrong place: two results exchanged, or a matrix transposed.

    Parameters
    ----------
    actual : sequence
        Results in the form that `plain` returns, one per case.
    agree : callable
        ``agree(i, result)`` says whether another result would be right in case i.

    Returns
    -------
    str
        One sentence, empty if nothing is recognised.

    Examples
    --------
    >>> explain_order([(np.ones(2), np.array(1))], lambda i, result: np.ndim(result[0]) == 0)
    'Both results are right, but in the wrong order: exchange them in the `return`.'
    """
    return _swapped(actual, agree) or _transposed(actual, agree)


def explain_pattern(expected: Sequence[Any], actual: Sequence[Any], cases: Sequence[tuple]) -> str:
    """Say what the wrong values of all cases have in common.

    Parameters
    ----------
    expected, actual : sequence
        Expected results, and results in the form that `plain` returns, one per case.
    cases : sequence of tuple
        Arguments of each case.

    Returns
    -------
    str
        One or two sentences, empty if nothing is recognised.

    Examples
    --------
    >>> explain_pattern([3, 5], [np.array(4), np.array(6)], [(1,), (2,)])
    'Every value is too large by 1. Does a count or a range end one too late?'
    """
    pairs = [(plain(e, False), a) for e, a in zip(expected, actual, strict=True)]
    axis = _other_axis(pairs, cases)
    found = (pattern(pairs) for pattern in (_not_finite, _one_missing, _by_one, _formula, _other_order))
    return axis or next(filter(None, found), "")


def _swapped(actual: Sequence[Any], agree: Callable[[int, Any], bool]) -> str:
    """Notice two results in reverse order, also if they were returned as one array."""
    parts = [tuple(value) if isinstance(value, np.ndarray) and value.ndim else value for value in actual]
    if not all(isinstance(value, tuple) and len(value) == 2 for value in parts):
        return ""
    if all(agree(i, tuple(plain(part, False) for part in value[::-1])) for i, value in enumerate(parts)):
        return "Both results are right, but in the wrong order: exchange them in the `return`."
    return ""


def _transposed(actual: Sequence[Any], agree: Callable[[int, Any], bool]) -> str:
    is_matrix = all(isinstance(value, np.ndarray) and value.ndim == 2 for value in actual)
    if is_matrix and all(agree(i, value.T) for i, value in enumerate(actual)):
        return "Rows and columns are exchanged: this is the transpose of the expected array."
    return ""


def _not_finite(pairs: Sequence[Pair]) -> str:
    """Notice NaN and infinity where finite numbers are expected."""
    for expected, actual in pairs:
        if _same_shape(expected, actual) and np.isfinite(expected).all():
            if np.isnan(actual).any():
                return "The result contains NaN: 0 / 0 gives it, and so does the root of a negative number."
            if np.isinf(actual).any():
                return "The result contains an infinite value: a division by 0 gives it."
    return ""


def _one_missing(pairs: Sequence[Pair]) -> str:
    """Notice one value too many or too few at the beginning or the end."""
    if not all(_numbers(e) and _numbers(a) and e.ndim and a.ndim == e.ndim for e, a in pairs):
        return ""
    if sum(min(e.size, a.size) for e, a in pairs) < 2:
        return ""
    for cut, place in ((slice(None, -1), "last"), (slice(1, None), "first")):
        if all(_is_part(actual, expected, cut) for expected, actual in pairs):
            return f"The {place} value is missing, and all others are right. Does a range stop or begin one off?"
        if all(_is_part(expected, actual, cut) for expected, actual in pairs):
            return f"The {place} value is one too many, and all others are right. Does a range stop or begin one off?"
    return ""


def _is_part(part: np.ndarray, whole: np.ndarray, cut: slice) -> bool:
    return len(whole) > 0 and whole[cut].shape == part.shape and np.allclose(whole[cut], part)


def _other_axis(pairs: Sequence[Pair], cases: Sequence[tuple]) -> str:
    """Notice one number per column where one per row is expected, or the other way round."""
    for (expected, actual), arguments in zip(pairs, cases, strict=True):
        if not (_numbers(expected) and _numbers(actual) and expected.ndim == actual.ndim == 1):
            continue
        for value in arguments:
            shape = tuple(getattr(value, "shape", ()))
            if len(shape) != 2 or shape[0] == shape[1]:
                continue
            lines = {shape[0]: "row", shape[1]: "column"}
            if len(expected) in lines and len(actual) in lines and len(expected) != len(actual):
                wanted, given = lines[len(expected)], lines[len(actual)]
                return f"There is one value per {given} here, and one per {wanted} is expected: check `axis`."
    return ""


def _by_one(pairs: Sequence[Pair]) -> str:
    joined = _joined(pairs)
    if joined is None or joined[0].dtype.kind not in "iu" or joined[0].size < 2:
        return ""
    difference = joined[1].astype(float) - joined[0]
    for step, word, late in ((1, "large", "late"), (-1, "small", "early")):
        if (difference == step).all():
            return f"Every value is too {word} by 1. Does a count or a range end one too {late}?"
    return ""


def _formula(pairs: Sequence[Pair]) -> str:
    """Notice values that are a multiple, the square or the square root of the expected ones."""
    joined = _joined(pairs)
    if joined is None or np.count_nonzero(joined[0]) < 3:
        return ""
    expected, actual = (values.astype(float) for values in joined)
    formulas = [(factor * expected, f"{factor:g} times") for factor in FACTORS]
    if (expected >= 0).all():
        formulas += [(expected**2, "the square of"), (expected**0.5, "the square root of")]
    words = next((words for values, words in formulas if np.allclose(actual, values, rtol=1e-5, atol=1e-12)), "")
    if words == "-1 times":
        return "Every value has the opposite sign."
    return words and f"Every value is {words} the expected one."


def _other_order(pairs: Sequence[Pair]) -> str:
    is_list = all(_same_shape(e, a) and e.ndim == 1 and e.size > 1 for e, a in pairs)
    if is_list and all(np.allclose(np.sort(e), np.sort(a)) for e, a in pairs):
        return "The values are right, but in another order."
    return ""


def _joined(pairs: Sequence[Pair]) -> Pair | None:
    """Return the numbers of all cases, expected and actual, as one array each, or None if a shape differs."""
    if not all(_same_shape(expected, actual) for expected, actual in pairs):
        return None
    expected, actual = (np.concatenate([np.ravel(values) for values in side]) for side in zip(*pairs, strict=True))
    return (expected, actual) if expected.size and "b" not in expected.dtype.kind + actual.dtype.kind else None


def _same_shape(expected: Any, actual: Any) -> bool:
    return _numbers(expected) and _numbers(actual) and expected.shape == actual.shape


def _numbers(value: Any) -> bool:
    return isinstance(value, np.ndarray) and is_numeric(value)
