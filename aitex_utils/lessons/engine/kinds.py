"""The kinds of values that an exercise can ask for, such as an integer or a tensor, beyond the right value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .compare import is_tensor
from .describe import describe_kind


def _dtype_kind(value: Any) -> str:
    """Return the letter of NumPy for the type of a number or array: "b", "i", "u", "f", ..., or nothing."""
    if type(value) in (bool, int, float):
        return {bool: "b", int: "i", float: "f"}[type(value)]
    return value.dtype.kind if isinstance(value, (np.ndarray, np.generic)) else ""


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray)


# For each kind: whether a value has it, and how a value of another kind becomes one.
KINDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "an integer": (
        lambda value: _dtype_kind(value) in ("i", "u") and not np.ndim(value),
        "`//` divides to an integer, and `int(...)` converts a float.",
    ),
    "a Boolean": (
        lambda value: _dtype_kind(value) == "b" and not np.ndim(value),
        "A comparison gives True or False, and `bool(...)` converts a number.",
    ),
    "an array": (_is_array, "`np.asarray(...)` makes an array of a list or a tensor."),
    "an array of integers": (
        lambda value: _is_array(value) and value.ndim > 0 and _dtype_kind(value) in ("i", "u"),
        "`np.asarray(..., dtype=int)` makes one.",
    ),
    "an array of Booleans": (
        lambda value: _is_array(value) and value.ndim > 0 and _dtype_kind(value) == "b",
        "A comparison of arrays makes one, and so does `.astype(bool)`.",
    ),
    "a tensor": (is_tensor, "`torch.as_tensor(...)` makes a tensor of an array or a list."),
    "a list": (lambda value: isinstance(value, list), "`list(...)` makes a list."),
    "a tuple": (lambda value: isinstance(value, tuple), "`return a, b` returns a tuple."),
    "an integer and a number": (
        lambda value: isinstance(value, (tuple, list)) and len(value) == 2 and _dtype_kind(value[0]) in ("i", "u"),
        "The first one counts, so it is an integer: `//` divides to an integer, and `int(...)` converts a float.",
    ),
}


def explain_wrong_kind(value: Any, wanted: str) -> str:
    """Say that a value is not of the kind that was asked for, and how to convert it.

    Parameters
    ----------
    value : object
        The result of a function.
    wanted : str
        One of `KINDS`.

    Returns
    -------
    str
        Empty if the value is of this kind.

    Examples
    --------
    >>> explain_wrong_kind(4.0, "an integer")
    'It returns a float, and the task asks for an integer. `//` divides to an integer, and `int(...)` converts a float.'
    >>> explain_wrong_kind(4, "an integer")
    ''
    """
    has_kind, conversion = KINDS[wanted]
    if has_kind(value):
        return ""
    return f"It returns {_name(value)}, and the task asks for {wanted}. {conversion}"


def _name(value: Any) -> str:
    """Name the kind of a value with its type of number."""
    if is_tensor(value):
        return "a tensor"
    noun = {"b": "Boolean", "i": "integer", "u": "integer", "f": "float"}.get(_dtype_kind(value))
    if noun is None:
        return describe_kind(value)
    if np.ndim(value):
        return f"an array of {noun}s"
    return f"an {noun}" if noun == "integer" else f"a {noun}"
