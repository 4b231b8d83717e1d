"""The error that a user can fix, and the argument checks that raise it.

Every mistake that a learner, a file or a machine can cause raises `InputError` or a subclass of it. The message is one
sentence that states the value received and what to do next. Any other exception is a defect of this package.
"""

from __future__ import annotations

import numpy as np


class InputError(ValueError):
    """An argument, a file or a machine that cannot be used; the message says what to do next.

    Examples
    --------
    >>> from aitex_utils import PatchCore
    >>> try:
    ...     PatchCore(coreset_ratio=2)
    ... except InputError as error:
    ...     print(error)
    coreset_ratio is 2, expected a number above 0 and up to 1, for example 0.1.
    """


class MissingError(InputError, FileNotFoundError):
    """A file or folder that does not exist; the message says where it belongs.

    Examples
    --------
    >>> issubclass(MissingError, InputError) and issubclass(MissingError, FileNotFoundError)
    True
    """

    def __str__(self) -> str:
        """Return the message alone; `FileNotFoundError` would print an errno."""
        return str(self.args[0]) if self.args else ""


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
        What the largest value is, for the message.

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
    is_integer = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not is_integer or value < low or (high is not None and value > high):
        allowed = f"of at least {low}" if high is None else f"from {low} to {high}"
        raise InputError(f"{name} is {value!r}, expected a whole number {allowed}{meaning and ', ' + meaning}.")
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
    is_number = isinstance(value, (int, float, np.number)) and not isinstance(value, (bool, np.complexfloating))
    inside = is_number and low <= value <= high and abs(value) < np.inf
    if not inside or (value == low and allowed[0] == "(") or (value == high and allowed[-1] == ")"):
        words = f"{'above' if allowed[0] == '(' else 'of at least'} {low:g}"
        if high < np.inf:
            words += f" and {'below' if allowed[-1] == ')' else 'up to'} {high:g}"
        raise InputError(
            f"{name} is {value!r}, expected a number {words}{'' if example is None else f', for example {example}'}."
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
        raise InputError(f"{name} is {value!r}: choose one of {', '.join(choices)}.")
    return value


def check_tiles(tiles: np.ndarray, name: str = "tiles") -> np.ndarray:
    """Return `tiles` as an array if they are grey tiles.

    Parameters
    ----------
    tiles : ndarray, shape (N, H, W)
        Grey tiles, uint8, N >= 1.
    name : str
        Name of the argument, for the message.

    Returns
    -------
    ndarray, shape (N, H, W)

    Raises
    ------
    InputError
        If the shape or the dtype is another one, or the array is empty.

    Examples
    --------
    >>> check_tiles(np.zeros((2, 256, 256), np.uint8)).shape
    (2, 256, 256)
    """
    tiles = np.asarray(tiles)
    if tiles.ndim != 3:
        fix = f"add the first axis with {name}[None]" if tiles.ndim == 2 else "stack grey tiles along the first axis"
        raise InputError(f"{name} has shape {tiles.shape}, expected (N, H, W): {fix}.")
    if tiles.dtype != np.uint8:
        raise InputError(
            f"{name} has dtype {tiles.dtype}, expected uint8 grey values 0..255: convert it with .astype(np.uint8)."
        )
    if 0 in tiles.shape:
        raise InputError(f"{name} has shape {tiles.shape}: it is empty, give at least one tile.")
    return tiles


def check_strip(strip: np.ndarray, height: int | None = None) -> np.ndarray:
    """Return `strip` as an array if it is a grey image.

    Parameters
    ----------
    strip : ndarray, shape (H, W)
        Grey image, uint8.
    height : int, optional
        Required height in px; the strip must be at least as wide.

    Returns
    -------
    ndarray, shape (H, W)

    Raises
    ------
    InputError
        If the shape or the dtype is another one.

    Examples
    --------
    >>> check_strip(np.zeros((256, 4096), np.uint8), height=256).shape
    (256, 4096)
    """
    strip = np.asarray(strip)
    if strip.ndim != 2 or strip.dtype != np.uint8:
        raise InputError(f"The strip is {strip.dtype} of shape {strip.shape}, expected (H, W) uint8 grey values.")
    if height is not None and (strip.shape[0] != height or strip.shape[1] < height):
        raise InputError(
            f"The fabric of a strip is {strip.shape[0]} x {strip.shape[1]} px, expected {height} px of height and "
            "at least that width: crop it, or fit on tiles."
        )
    return strip


def check_patches(patches: np.ndarray, name: str = "patches") -> np.ndarray:
    """Return `patches` as C-contiguous float32 if they are finite feature vectors.

    Parameters
    ----------
    patches : ndarray, shape (N, C)
        Feature vectors of any real dtype, N >= 1.
    name : str
        Name of the argument, for the message.

    Returns
    -------
    ndarray, shape (N, C)
        float32; a copy only where the dtype or the layout requires it.

    Raises
    ------
    InputError
        If the shape is another one, the array is empty, or a value is not a finite real number.

    Examples
    --------
    >>> check_patches(np.eye(2)).dtype
    dtype('float32')
    """
    patches = np.asarray(patches)
    if patches.ndim != 2:
        raise InputError(
            f"{name} has shape {patches.shape}, expected (N, C): unfold a feature map with .reshape(-1, C)."
        )
    if 0 in patches.shape:
        raise InputError(f"{name} has shape {patches.shape}: it is empty, give at least one patch.")
    if not np.issubdtype(patches.dtype, np.number) or np.iscomplexobj(patches):
        raise InputError(
            f"{name} has dtype {patches.dtype}, expected real numbers: convert it with .astype(np.float32)."
        )
    with np.errstate(over="ignore"):  # what float32 cannot represent becomes infinity, which is refused below
        patches = np.ascontiguousarray(patches, dtype=np.float32)
    if not np.isfinite(patches).all():
        rows = np.unique(np.nonzero(~np.isfinite(patches))[0])
        raise InputError(
            f"{name} contains NaN or infinity in {len(rows)} of {len(patches)} rows, first in row {rows[0]}: "
            "leave those rows out."
        )
    return patches
