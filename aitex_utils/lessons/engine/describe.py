"""Put into words how a result differs from the expected one, and what kind of value something is."""

from __future__ import annotations

import inspect
import numbers
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from aitex_utils.lessons.wording import number_text

from .compare import (
    WRONG_KIND,
    WRONG_SHAPE,
    WRONG_VALUE,
    Verdict,
    align,
    close,
    find_differences,
    is_numeric,
    is_tensor,
    plain,
    safely,
)

MAX_LENGTH = 60  # characters of a value that is shown
MAX_SIZE = 8  # values of an array of strings that is shown
MAX_NUMBERS = 20  # from so many numbers on, an array is described instead of shown
DTYPE_NAMES = {"O": "Python objects", "c": "complex numbers", "U": "strings", "S": "bytes", "M": "dates"}
TYPE_NAMES = {
    str: "a string",
    bytes: "bytes",
    dict: "a dictionary",
    list: "a list",
    set: "a set",
    bool: "a Boolean value",
}


class _Case(NamedTuple):
    """The first wrong case: its arguments in words, how many cases are wrong, and the tolerance."""

    arguments: str
    tested: str
    tolerance: float


def explain_difference(
    expected: Any, actual: Any, case: tuple, tested: str, tolerance: float = 1e-5, names: Sequence[str] = ()
) -> Verdict:
    """Explain how a result differs from the expected one: in kind, in shape or in value, and where first.

    Parameters
    ----------
    expected, actual : object
        Expected value, and the result in the form that `plain` returns.
    case : tuple
        Arguments of the first wrong call.
    tested : str
        How many cases are wrong, for the message.
    tolerance : float
        As in `close`.
    names : sequence of str
        Names of the arguments in the function.

    Returns
    -------
    Verdict
        Of the kind "wrong kind", "wrong shape" or "wrong value".

    Examples
    --------
    >>> explain_difference(3, plain(4), (1,), "the tested case", names=["x"]).message
    'Not yet right in the tested case: for x=1 it returns 4, expected 3.'
    """
    return _explain(expected, actual, _Case(_arguments(case, names), tested, tolerance))


def _explain(expected: Any, actual: Any, case: _Case) -> Verdict:
    is_tuple = isinstance(expected, tuple)  # several single numbers, not an array
    expected, actual = align(plain(expected, False), actual)
    if (
        isinstance(expected, np.ndarray)
        and isinstance(actual, np.ndarray)
        and is_numeric(actual) == is_numeric(expected)
    ):
        if expected.shape != actual.shape:
            return Verdict(WRONG_SHAPE, _explain_shape(expected, actual, case))
        if is_numeric(actual):
            return Verdict(WRONG_VALUE, _explain_values(expected, actual, case, is_tuple))
    if isinstance(expected, tuple) and isinstance(actual, tuple) and len(expected) == len(actual):
        for i, (e, a) in enumerate(zip(expected, actual, strict=True)):
            if not close(e, a, case.tolerance):
                part = _explain(e, a, case)
                return Verdict(
                    part.kind, f"Of the {len(expected)} returned values, value {i + 1} is wrong. {part.message}"
                )
    if isinstance(expected, dict) and isinstance(actual, dict):
        return _explain_entries(expected, actual, case)
    if describe_kind(expected) == describe_kind(actual):
        pair = _short_text(actual), _short_text(expected)
        wanted = f", expected {pair[1]}" if pair[0] != pair[1] else ""
        return Verdict(
            WRONG_VALUE, f"Not yet right in {case.tested}: for {case.arguments} it returns {pair[0]}{wanted}."
        )
    return Verdict(WRONG_KIND, f"{_explain_kinds(expected, actual)}.")


def _explain_kinds(expected: Any, actual: Any) -> str:
    return f"It returns {describe_kind(actual)}, expected {describe_kind(expected)}"


def _explain_shape(expected: np.ndarray, actual: np.ndarray, case: _Case) -> str:
    if not (expected.ndim and actual.ndim):
        return f"{_explain_kinds(expected, actual)} for {case.arguments}."
    return f"The shape is {actual.shape}, expected {expected.shape} for {case.arguments}."


def _explain_values(expected: np.ndarray, actual: np.ndarray, case: _Case, is_tuple: bool) -> str:
    """Say how many numbers differ, and which is the first."""
    differs = find_differences(expected, actual, case.tolerance)
    if not differs.any():
        return f"Not yet right in {case.tested}: the values are close to the expected ones, but not accepted here."
    position = tuple(int(i) for i in np.argwhere(differs)[0]) if expected.ndim else ()
    pair = _format_numbers(actual[position], expected[position])
    if expected.ndim == 0:
        return f"Not yet right in {case.tested}: for {case.arguments} it returns {pair[0]}, expected {pair[1]}."
    n_wrong = int(differs.sum())
    wrong = f"{n_wrong} of {differs.size} values {'is' if n_wrong == 1 else 'are'} wrong"
    shape = "" if is_tuple else " the shape is right, but"
    return (
        f"Not yet right in {case.tested}. For {case.arguments}{',' if is_tuple else ''}{shape} {wrong}. "
        f"At [{', '.join(map(str, position))}] it returns {pair[0]}, expected {pair[1]}."
    )


def _explain_entries(expected: dict, actual: dict, case: _Case) -> Verdict:
    """Say which keys of a dictionary are missing or unexpected, else the first wrong value."""
    missing, unexpected = [k for k in expected if k not in actual], [k for k in actual if k not in expected]
    if missing or unexpected:
        words = [f"{_short_text(k)} is missing" for k in missing[:3]]
        words += [f"{_short_text(k)} is unexpected" for k in unexpected[:3]]
        return Verdict(WRONG_KIND, f"The dictionary's keys are not the expected ones: {', '.join(words)}.")
    wrong = next((k for k in expected if not close(expected[k], actual[k], case.tolerance)), None)
    first = "" if wrong is None else f" The first wrong value belongs to {_short_text(wrong)}, for {case.arguments}."
    message = f"Not yet right in {case.tested}: the dictionary's keys are right, but not its values.{first}"
    return Verdict(WRONG_VALUE, message)


def _format_numbers(*values: Any) -> tuple[str, ...]:
    """Write numbers with as few digits as distinguish them, but integers and Booleans in full."""
    exact = [str(np.asarray(v).item()) if np.asarray(v).dtype.kind in "biu" else None for v in values]
    for digits in (6, 9, 17):
        texts = tuple(text or number_text(v, digits) for text, v in zip(exact, values, strict=True))
        if len(set(texts)) == len(texts):
            break
    return texts


def describe_kind(value: Any) -> str:
    """Name the kind of a value in a learner's words, without calling the value's own code.

    Parameters
    ----------
    value : object
        Any value.

    Returns
    -------
    str

    Examples
    --------
    >>> describe_kind(np.zeros((2, 3))), describe_kind("a"), describe_kind((1, None))
    ('an array of shape (2, 3)', 'a string', '2 values (a number, None)')
    """
    if isinstance(value, np.ndarray):
        return _describe_array(value)
    if value is None:
        return "None"
    if is_tensor(value):
        return f"a tensor of shape {tuple(value.shape)}"
    name = next((name for known, name in TYPE_NAMES.items() if issubclass(type(value), known)), None)
    if issubclass(type(value), tuple):
        more = ", ..." if len(value) > 4 else ""
        return f"{len(value)} values ({', '.join(describe_kind(part) for part in value[:4])}{more})"
    if issubclass(type(value), numbers.Number) and not name:
        return "a number"
    if issubclass(type(value), type):
        return f"the class {value.__name__}"
    return name or ("a function" if inspect.isroutine(value) else f"an object of type {type(value).__name__}")


def _describe_array(array: np.ndarray) -> str:
    if array.ndim == 0:
        return "a single number" if is_numeric(array) else f"a single value of type {array.dtype}"
    content = "" if is_numeric(array) else f" of {DTYPE_NAMES.get(array.dtype.kind, str(array.dtype))}"
    return f"an array{content} of shape {array.shape}"


def _arguments(case: tuple, names: Sequence[str]) -> str:
    """Name the arguments of a case, small ones with their value."""
    if len(names) < len(case):
        return ", ".join(_short_text(value) for value in case) or "no arguments"
    parts = []
    for name, value in zip(names, case, strict=False):
        text = _short_text(value)
        is_value = not inspect.isroutine(value) and text not in (describe_kind(value), _describe_size(value))
        parts.append(f"{name}={text}" if is_value else f"{name} ({text})")
    return ", ".join(parts) or "no arguments"


def _describe_size(value: Any) -> str:
    return f"{describe_kind(value)} of {len(value)} items" if type(value) is list else describe_kind(value)


def _short_text(value: Any) -> str:
    """Return a small value as text, and the kind of a large one."""
    for digits in (17, 4):  # in full if that is short, else rounded
        numbers_text = safely(lambda value, digits=digits: _numbers_text(value, digits), value, "")
        if 0 < len(numbers_text) < (MAX_LENGTH if digits == 17 else 6 * MAX_LENGTH):
            return numbers_text
    if isinstance(value, np.ndarray):
        text = str(value.tolist()) if value.size <= MAX_SIZE else ""
        return text if 0 < len(text) < MAX_LENGTH else describe_kind(value)
    if type(value) is tuple and any(isinstance(part, np.ndarray) for part in value):
        text = f"({', '.join(map(_short_text, value[:9]))})"
        return text if len(text) < MAX_LENGTH else describe_kind(value)
    if inspect.isroutine(value):
        return f"the function {value.__name__}"
    text = " ".join(safely(repr, value).split())
    return text if len(text) < MAX_LENGTH and " at 0x" not in text else _describe_size(value)  # an address says nothing


def _numbers_text(value: Any, digits: int) -> str:
    """Return an array, a tensor, or a list or tuple of these as text, or nothing for 20 numbers or more."""
    value = plain(value) if is_tensor(value) else value
    leaves: list[float] = []

    def text(part: Any) -> str:
        if isinstance(part, np.ndarray) and not is_numeric(part):
            raise TypeError
        if getattr(part, "size", 0) >= MAX_NUMBERS:
            raise OverflowError
        part = plain(part, False).tolist() if isinstance(part, np.ndarray) or is_tensor(part) else part
        if type(part) in (list, tuple):
            inner = ", ".join(map(text, part))
            return f"[{inner}]" if type(part) is list else f"({inner}{',' if len(part) == 1 else ''})"
        if type(part) not in (bool, int, float):
            raise TypeError
        leaves.append(part)
        if len(leaves) >= MAX_NUMBERS:
            raise OverflowError
        is_long = type(part) is float and (digits < 17 or "e" in repr(part))
        return number_text(part, digits) if is_long else repr(part)

    if isinstance(value, np.generic):
        value = value.item()
    is_collection = type(value) in (list, tuple) or isinstance(value, np.ndarray) and value.size > 0
    return text(value) if is_collection or type(value) is float else ""
