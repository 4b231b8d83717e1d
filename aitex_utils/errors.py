"""Errors that a user can fix, and the argument checks that raise them.

Every mistake that a learner, a file or a machine can cause raises `InputError` or a subclass of it. The message is one
sentence that states the value received and what to do next. Any other exception is a defect of this package.
"""

from __future__ import annotations

import numpy as np

LARGEST_SEED = 2**32 - 1  # of scikit-learn


class InputError(ValueError):
    """An argument, a file or a machine that cannot be used. The message says what to do next.

    Examples
    --------
    >>> from aitex_utils import PatchCore
    >>> try:
    ...     PatchCore(coreset_ratio=2)
    ... except InputError as error:
    ...     print(error)
    coreset_ratio is 2, expected a number above 0 and up to 1, for example 0.1.
    """

    def __str__(self) -> str:
        """Return the message in one line, whatever a file name in it contains."""
        return " ".join(str(self.args[0]).splitlines()) if self.args else ""


class MissingError(InputError, FileNotFoundError):
    """A file or folder that does not exist. The message says where it belongs.

    Examples
    --------
    >>> issubclass(MissingError, InputError) and issubclass(MissingError, FileNotFoundError)
    True
    """


def check_integer(name: str, value: object, low: int, high: int | None = None, meaning: str = "") -> int:
    """Return `value` as an int if it is a whole number in a range.

    Parameters
    ----------
    name : str
        Name of the argument, for the message.
    value : object
        Value to check. Python and NumPy integers pass, bools do not.
    low, high : int
        Smallest and largest allowed value; no largest one if `high` is None.
    meaning : str
        Name of the largest value, for the message.

    Returns
    -------
    int

    Raises
    ------
    InputError
        If `value` is not a whole number or out of range.

    Examples
    --------
    >>> check_integer("k", np.int64(3), 1)
    3
    """
    is_integer = isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.timedelta64))
    if not is_integer or value < low or (high is not None and value > high):
        allowed = f"of at least {low}" if high is None else f"from {low} to {high}"
        raise InputError(f"{name} is {shown(value)}, expected a whole number {allowed}{meaning and ', ' + meaning}.")
    return int(value)


def check_number(name: str, value: object, allowed: str, *, example: object = None) -> float:
    """Return `value` as a float if it is a finite number in an interval.

    Parameters
    ----------
    name : str
        Name of the argument, for the message.
    value : object
        Value to check. Bools do not pass.
    allowed : str
        Interval in mathematical notation: ``"[0, 1]"``, ``"(0, 1]"``, ``"(0, inf)"``; a round bracket excludes the end.
    example : object, optional
        Value that the message gives as an example.

    Returns
    -------
    float

    Raises
    ------
    InputError
        If `value` is not a number, is NaN or infinite, or lies outside the interval.

    Examples
    --------
    >>> check_number("coreset_ratio", 0.1, "(0, 1]")
    0.1
    """
    low, high = (float(end) for end in allowed[1:-1].split(","))
    is_number = isinstance(value, (int, float, np.number)) and not isinstance(
        value, (bool, np.complexfloating, np.timedelta64)
    )
    inside = is_number and low <= value <= high and abs(value) < np.inf
    if not inside or (value == low and allowed[0] == "(") or (value == high and allowed[-1] == ")"):
        words = f"{'above' if allowed[0] == '(' else 'of at least'} {low:g}"
        if high < np.inf:
            words += f" and {'below' if allowed[-1] == ')' else 'up to'} {high:g}"
        raise InputError(
            f"{name} is {shown(value)}, expected a number {words}"
            f"{'' if example is None else f', for example {example}'}."
        )
    return float(value)


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> str:
    """Return `value` if it is one of the names in `choices`.

    Parameters
    ----------
    name : str
        Name of the argument, for the message.
    value : object
        Value to check.
    choices : tuple of str
        Allowed values.

    Returns
    -------
    str

    Raises
    ------
    InputError
        If `value` is none of them.

    Examples
    --------
    >>> check_choice("padding", "zeros", ("reflect", "zeros"))
    'zeros'
    """
    if not isinstance(value, str) or value not in choices:
        raise InputError(f"{name} is {shown(value)}: choose one of {', '.join(choices)}.")
    return value


def check_flag(name: str, value: object) -> bool:
    """Return `value` as a bool if it is True or False.

    Parameters
    ----------
    name : str
        Name of the argument, for the message.
    value : object
        Value to check. Python and NumPy bools pass; a text such as "no", which Python counts as true, does not.

    Returns
    -------
    bool

    Raises
    ------
    InputError
        If `value` is something else.

    Examples
    --------
    >>> check_flag("whiten", np.True_)
    True
    """
    if not isinstance(value, (bool, np.bool_)):
        raise InputError(f"{name} is {shown(value)}: choose True or False.")
    return bool(value)


def check_shape(name: str, value: object) -> tuple[int, int]:
    """Return `value` as a height and a width.

    Parameters
    ----------
    name : str
        Name of the argument, for the message.
    value : object
        Two whole numbers of at least 1, in a tuple, a list or an array.

    Returns
    -------
    height, width : int

    Raises
    ------
    InputError
        If `value` is something else.

    Examples
    --------
    >>> check_shape("shape", [256, 4096])
    (256, 4096)
    """
    if not is_pair(value):
        raise InputError(f"{name} is {shown(value)}, expected height and width in px, for example (256, 256).")
    return check_integer(f"{name}[0]", value[0], 1), check_integer(f"{name}[1]", value[1], 1)


def check_seed(seed: object) -> int:
    """Return `seed` as an int if NumPy, PyTorch and scikit-learn all take it as a seed.

    Parameters
    ----------
    seed : object
        Value to check.

    Returns
    -------
    int
        0 to `LARGEST_SEED`.

    Raises
    ------
    InputError
        If `seed` is something else.

    Examples
    --------
    >>> check_seed(np.int64(3))
    3
    """
    return check_integer("seed", seed, 0, LARGEST_SEED)


def is_pair(value: object) -> bool:
    """Return whether a value consists of two parts.

    Parameters
    ----------
    value : object
        Any value.

    Returns
    -------
    bool
        True for tuples, lists and 1-D arrays of length 2, whatever the parts are.

    Examples
    --------
    >>> is_pair((0, "x")), is_pair(np.zeros((2, 2)))
    (True, False)
    """
    return isinstance(value, (tuple, list, np.ndarray)) and getattr(value, "ndim", 1) == 1 and len(value) == 2


def shown(value: object) -> str:
    """Return a value as one short line of a message.

    Parameters
    ----------
    value : object
        Any value.

    Returns
    -------
    str
        At most 80 characters.

    Examples
    --------
    >>> shown(np.zeros((2, 2)))
    'array([[0., 0.], [0., 0.]])'
    """
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else text[:77] + "..."
