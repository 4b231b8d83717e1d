"""Compare what a learner's function gives with what was expected, and put the difference into words.

Nothing here trusts the learner's values: they may be of any type, and their own methods may raise.
"""

from __future__ import annotations

import numbers
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

PASSED, NOT_ATTEMPTED, CRASHED, WRONG_KIND, WRONG_SHAPE, MISTAKE, WRONG_VALUE = (
    "passed",
    "not attempted",
    "crashed",
    "wrong kind",
    "wrong shape",
    "mistake",
    "wrong value",
)


@dataclass(frozen=True)
class Verdict:
    """How an answer was judged: its `kind`, one of the names above, and what the learner is told."""

    kind: str
    told: str
    mistake: str = ""

    @property
    def passed(self) -> bool:
        return self.kind == PASSED


class Refused(Exception):
    """The answer can't be compared; carries the verdict."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict


def plain(value: Any) -> Any:
    """Return numbers, arrays and tensors as arrays, unlike things as tuples; refuse what can't be compared."""
    if value is None:
        raise Refused(Verdict(WRONG_KIND, "Your function returns None. Is the `return` missing?"))
    if isinstance(value, types.GeneratorType) or (isinstance(value, Iterator) and not isinstance(value, np.ndarray)):
        raise Refused(
            Verdict(WRONG_KIND, "Your function gives a generator or an iterator. Make a list or an array of it.")
        )
    if isinstance(value, (str, bytes, dict, set, frozenset)) or callable(value):
        return value
    if hasattr(value, "detach"):  # a torch tensor
        value = value.detach().cpu().numpy()
    if isinstance(value, (tuple, list)) and any(isinstance(part, (np.ndarray, tuple, list)) for part in value):
        parts = tuple(plain(part) for part in value)
        shapes = {getattr(part, "shape", None) for part in parts}
        if len(shapes) > 1 or None in shapes or isinstance(value, tuple):
            return parts
    return np.asarray(value)


def close(expected: Any, got: Any, tolerance: float) -> bool:
    if isinstance(expected, tuple):
        got = tuple(got) if isinstance(got, (tuple, np.ndarray)) else None
        return (
            got is not None
            and len(expected) == len(got)
            and all(
                close(e, np.asarray(g) if not isinstance(g, tuple) else g, tolerance)
                for e, g in zip(expected, got, strict=True)
            )
        )
    if not isinstance(expected, np.ndarray):
        return type(expected) is type(got) and expected == got
    if not isinstance(got, np.ndarray) or got.shape != expected.shape or not _numeric(got):
        return expected.dtype.kind in "US" and isinstance(got, np.ndarray) and bool(np.array_equal(expected, got))
    return bool(np.allclose(got, expected, rtol=tolerance, atol=tolerance, equal_nan=True))


def difference(expected: Any, got: Any, case: tuple, how_often: str) -> Verdict:
    """Say how an answer differs from the expected one: in kind, in shape or in value, and where first."""
    expected = plain(expected)
    wanted, came = kind(expected), kind(got)
    if isinstance(expected, np.ndarray) and isinstance(got, np.ndarray) and _numeric(got) == _numeric(expected):
        if expected.shape != got.shape:
            return Verdict(WRONG_SHAPE, f"The shape is {got.shape}, expected {expected.shape} for {_arguments(case)}.")
        if not _numeric(got):
            return Verdict(WRONG_VALUE, f"Not yet right in {how_often}.")
        apart = ~np.isclose(got, expected, rtol=1e-4, atol=1e-5, equal_nan=True)
        if expected.ndim == 0:
            return Verdict(
                WRONG_VALUE,
                f"Not yet right in {how_often}: for {_arguments(case)} it gives {got:.6g}, expected {expected:.6g}.",
            )
        share = (
            f"{int(apart.sum())} of {apart.size} values differ"
            if apart.any()
            else "the values are near, but not the ones meant"
        )
        where = tuple(int(i) for i in np.argwhere(apart)[0]) if apart.any() else (0,) * expected.ndim
        at = ", ".join(map(str, where))
        return Verdict(
            WRONG_VALUE,
            f"Not yet right in {how_often}: the shape is right, but {share}. At [{at}] it gives {got[where]:.6g}, "
            f"expected {expected[where]:.6g}.",
        )
    if isinstance(expected, tuple) and isinstance(got, tuple) and len(expected) == len(got):
        for i, (e, g) in enumerate(zip(expected, got, strict=True)):
            if not close(e, g, 1e-5):
                inner = difference(e, g, case, how_often)
                return Verdict(
                    inner.kind, f"Of the {len(expected)} things that it returns, number {i + 1} is off. {inner.told}"
                )
    return Verdict(WRONG_KIND, f"It returns {came}, expected {wanted}.")


def _numeric(array: np.ndarray) -> bool:
    return array.dtype.kind in "biuf"


def kind(value: Any) -> str:
    """Name a thing in words a learner knows, without ever calling its own code."""
    if isinstance(value, np.ndarray):
        if value.dtype == object:
            return "an array of Python objects"
        return (
            f"a single {'number' if _numeric(value) else 'value'}"
            if value.ndim == 0
            else f"an array of shape {value.shape}"
        )
    if isinstance(value, tuple):
        return f"{len(value)} things ({', '.join(kind(v) for v in value[:4])})"
    if isinstance(value, numbers.Number):
        return "a number"
    names = {
        str: "a text",
        bytes: "bytes",
        dict: "a dictionary",
        list: "a list",
        type(None): "None",
        bool: "True or False",
    }
    return names.get(type(value), f"an object of type {type(value).__name__}")


def _arguments(case: tuple) -> str:
    """Name the arguments of a case, the small ones by value."""
    told = []
    for value in case:
        if isinstance(value, np.ndarray):
            told.append(f"an array of shape {value.shape}")
        else:
            text = safely(repr, value)
            told.append(text if len(text) < 60 else type(value).__name__)
    return ", ".join(told) or "no arguments"


def same(a: Any, b: Any) -> bool:
    """Say whether two arguments are equal, NaN equal to NaN; what can't be compared counts as equal."""
    try:
        if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
            if a.dtype.kind == "f":
                return np.array_equal(a, b, equal_nan=True)
            return bool(np.array_equal(a, b))
        return bool(np.all(a == b)) if type(a) in (int, float, str, list, tuple) else True
    except Exception:  # noqa: BLE001 - lists of arrays have no single truth value
        return True


def safely(function: Callable[[Any], str], value: Any) -> str:
    try:
        return function(value)
    except Exception:  # noqa: BLE001 - a learner's __str__ may raise too
        return type(value).__name__
