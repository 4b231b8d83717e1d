"""Compare a learner's result with the expected one, whatever its type.

Nothing here trusts the learner's values: they can be of any type, and their own methods can raise.
"""

from __future__ import annotations

import inspect
import numbers
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
MAX_TEXT = 200  # characters of a name
MAX_VALUES = 10**7  # values that are read or copied, because a `range` can have more than fit into memory


@dataclass(frozen=True)
class Verdict:
    """The result of judging an answer.

    Parameters
    ----------
    kind : str
        One of the constants `PASSED` to `WRONG_VALUE`.
    message : str
        Text for the learner.
    mistake : str
        Name of the known mistake, empty if there is none.

    Examples
    --------
    >>> Verdict(PASSED, "Right.").passed
    True
    """

    kind: str
    message: str
    mistake: str = ""

    @property
    def passed(self) -> bool:
        """True if the answer is right."""
        return self.kind == PASSED


class Refused(Exception):
    """An answer that cannot be compared.

    Parameters
    ----------
    verdict : Verdict
        Verdict on the answer.

    Examples
    --------
    >>> Refused(Verdict(WRONG_KIND, "This is not a number.")).verdict.kind
    'wrong kind'
    """

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.message)
        self.verdict = verdict


def plain(value: Any, is_result: bool = True) -> Any:
    """Convert a value to the form in which values are compared.

    Parameters
    ----------
    value : object
        Value to convert. Its own methods can raise.
    is_result : bool
        `value` is all that a function returned, not a part of it. None is then refused.

    Returns
    -------
    object
        Numbers, arrays, tensors and sequences of equal parts as ndarray, other sequences as tuple, dictionaries with
        converted values. Strings, sets and functions stay unchanged.

    Raises
    ------
    Refused
        If the value cannot be compared: None as a result, a coroutine, an iterator or a huge range.

    Examples
    --------
    >>> plain([1, 2])
    array([1, 2])
    >>> plain(([1, 2], "a"))
    (array([1, 2]), 'a')
    """
    _refuse_incomparable(value, is_result)
    if isinstance(value, dict):
        return {key: plain(part, False) for key, part in value.items()}
    if isinstance(value, (tuple, list)):
        return _plain_sequence(value)
    if value is None or isinstance(value, (str, bytes, set, frozenset)) or callable(value):
        return value
    if hasattr(value, "detach"):  # a torch tensor
        value = value.detach().cpu()
        value = (value.float() if str(value.dtype) == "torch.bfloat16" else value).numpy()  # NumPy has no bfloat16
    if isinstance(value, numbers.Number) and not isinstance(value, (int, complex, np.generic)):
        value = float(value)  # fractions and decimals too
    array = np.asarray(value)
    if array.dtype == object and array.ndim == 0:
        return float(value) if isinstance(value, int) else value
    return array.copy() if array.size <= MAX_VALUES else array  # a function can reuse the memory in its next call


def _refuse_incomparable(value: Any, is_result: bool) -> None:
    """Raise `Refused` for values that no comparison can read."""
    if value is None and is_result:
        raise Refused(Verdict(WRONG_KIND, "Your function returns None. Is the `return` missing?"))
    if inspect.iscoroutine(value):
        value.close()
        raise Refused(
            Verdict(WRONG_KIND, "Your function is an `async def`, which returns no value: leave out `async`.")
        )
    if isinstance(value, Iterator):
        raise Refused(
            Verdict(WRONG_KIND, "Your function returns a generator or an iterator. Turn it into a list or an array.")
        )
    if isinstance(value, range) and len(value) > MAX_VALUES:
        raise Refused(Verdict(WRONG_KIND, f"Your function returns a range of {len(value):,} values, too many to read."))


def _plain_sequence(value: tuple | list) -> Any:
    """Return a list or tuple as one array if its parts have one shape, else as a tuple of its parts."""
    if all(isinstance(part, str) for part in value):
        return np.asarray(value)
    if isinstance(value, list) or not any(isinstance(p, (list, tuple)) or np.ndim(p) for p in value):
        try:
            array = np.asarray(value)
        except Exception:  # noqa: BLE001 - rows of different lengths, tensors that require a gradient, ...
            array = np.asarray(None)
        if array.dtype.kind in "biufc":  # NumPy would also turn numbers beside a string into strings
            return array
    parts = tuple(plain(part, False) for part in value)
    is_even = all(isinstance(p, np.ndarray) for p in parts) and len({p.shape for p in parts}) == 1
    return np.asarray(parts) if is_even and (isinstance(value, list) or parts[0].ndim == 0) else parts


def close(expected: Any, actual: Any, tolerance: float) -> bool:
    """Say whether two values agree, integers and Booleans exactly.

    Parameters
    ----------
    expected, actual : object
        Values in the form that `plain` returns.
    tolerance : float
        Largest allowed difference between numbers. It is absolute, and for floats relative as well.

    Returns
    -------
    bool

    Examples
    --------
    >>> close(np.array(0.5), np.array(0.5 + 1e-9), 1e-5), close(np.array(250_000), np.array(250_001), 1e-5)
    (True, False)
    """
    expected, actual = align(expected, actual)
    if isinstance(expected, tuple) and isinstance(actual, tuple):
        pairs = zip(expected, actual, strict=False)
        return len(expected) == len(actual) and all(close(e, a, tolerance) for e, a in pairs)
    if isinstance(expected, dict) and isinstance(actual, dict):
        return expected.keys() == actual.keys() and all(close(expected[k], actual[k], tolerance) for k in expected)
    if isinstance(expected, np.ndarray) and isinstance(actual, np.ndarray):
        if expected.shape != actual.shape:
            return False
        if is_numeric(expected) and is_numeric(actual):
            return not find_differences(expected, actual, tolerance).any()
        return expected.dtype.kind == actual.dtype.kind and bool(np.array_equal(expected, actual))
    for types in (str, bytes, (set, frozenset)):
        if isinstance(expected, types) and isinstance(actual, types):
            return bool(expected == actual)
    return type(expected) is type(actual) and bool(expected == actual)


def align(expected: Any, actual: Any) -> tuple[Any, Any]:
    """Return both values in one form if one is a tuple of arrays and the other an array of the same parts.

    Parameters
    ----------
    expected, actual : object
        Values in the form that `plain` returns.

    Returns
    -------
    expected, actual : object
        Both as tuples or both as arrays where that is possible, else unchanged.

    Examples
    --------
    >>> align((np.zeros(2), np.ones(2)), np.eye(2))[1]
    (array([1., 0.]), array([0., 1.]))
    """
    if isinstance(expected, tuple) and isinstance(actual, np.ndarray) and actual.ndim and len(actual) == len(expected):
        return expected, tuple(np.asarray(part) for part in actual)
    if isinstance(expected, np.ndarray) and isinstance(actual, tuple) and actual:
        shapes = {part.shape if isinstance(part, np.ndarray) else None for part in actual}
        if len(shapes) == 1 and None not in shapes:
            return expected, np.asarray(actual)
    return expected, actual


def find_differences(expected: np.ndarray, actual: np.ndarray, tolerance: float) -> np.ndarray:
    """Return where two arrays of numbers differ.

    Parameters
    ----------
    expected, actual : ndarray of equal shapes
        Numbers. NaN equals NaN.
    tolerance : float
        As in `close`: no relative tolerance for integers, because it would let a large count be off by 1.

    Returns
    -------
    ndarray, same shape
        Bool.

    Examples
    --------
    >>> find_differences(np.array([1.0, 2.0]), np.array([1.0, 3.0]), 1e-5)
    array([False,  True])
    """
    relative = tolerance if expected.dtype.kind == "f" else 0.0
    with np.errstate(all="ignore"):
        return ~np.isclose(actual, expected, rtol=relative, atol=tolerance, equal_nan=True)


def is_numeric(array: np.ndarray) -> bool:
    """Say whether an array contains real numbers or Booleans.

    Parameters
    ----------
    array : ndarray
        Any array.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_numeric(np.array([True])), is_numeric(np.array(["a"]))
    (True, False)
    """
    return array.dtype.kind in "biuf"


def is_tensor(value: Any) -> bool:
    """Say whether a value is a tensor of PyTorch, without importing PyTorch.

    Parameters
    ----------
    value : object
        Any value.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_tensor(np.zeros(2))
    False
    """
    return any(base.__name__ == "Tensor" and base.__module__.startswith("torch") for base in type(value).__mro__)


def is_unchanged(before: Any, after: Any) -> bool:
    """Say whether an argument still has its value after a call.

    Parameters
    ----------
    before, after : object
        The argument before and after the call.

    Returns
    -------
    bool
        True also for types that cannot be compared. NaN equals NaN.

    Examples
    --------
    >>> is_unchanged([np.zeros(2)], [np.zeros(2)]), is_unchanged([np.zeros(2)], [np.ones(2)])
    (True, False)
    """
    if type(before) is not type(after):
        return False
    if isinstance(before, (list, tuple)):
        return len(before) == len(after) and all(map(is_unchanged, before, after))
    if isinstance(before, dict):
        return before.keys() == after.keys() and all(is_unchanged(before[key], after[key]) for key in before)
    if isinstance(before, np.ndarray):
        equal = before.shape == after.shape and np.array_equal(before, after, equal_nan=before.dtype.kind in "fc")
        return bool(equal)
    if hasattr(before, "detach"):
        return is_unchanged(before.detach().cpu().numpy(), after.detach().cpu().numpy())
    return before == after or before != before if type(before) in (int, float, str, bool) else True


def plain_text(value: Any) -> str:
    """Return a value as text of at most 200 characters, the name of its type if it has none.

    Parameters
    ----------
    value : object
        Value whose own methods can raise.

    Returns
    -------
    str
        Exactly a `str`, not a subclass, whose methods could raise.

    Examples
    --------
    >>> plain_text(1.2)
    '1.2'
    """
    return safely(lambda any_value: str.__str__(str(any_value))[:MAX_TEXT], value)


def safely(function: Callable[[Any], Any], value: Any, default: Any = None) -> Any:
    """Return `function(value)`, or a default if the learner's own code raises.

    Parameters
    ----------
    function : callable
        Called with `value`. Only Ctrl-C passes through.
    value : object
        Value whose own methods can raise anything, `SystemExit` included.
    default : object, optional
        Value after an exception. Without a default it is the name of the value's type.

    Returns
    -------
    object

    Examples
    --------
    >>> safely(float, "1.5"), safely(float, "one", 0.0), safely(float, "one")
    (1.5, 0.0, 'str')
    """
    try:
        return function(value)
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - a learner's __str__ can raise anything, SystemExit too
        return type(value).__name__ if default is None else default
