"""Numbers in sentences and figures: counts with their noun, shares that keep clear of 0 and 100 %, and checks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from aitex_utils.errors import InputError


def count(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun, in the singular after 1.

    Parameters
    ----------
    number : int
        How many there are.
    noun : str
        Noun in the singular.
    plural : str
        Noun in the plural, if it is not the singular with an s.

    Returns
    -------
    str

    Examples
    --------
    >>> count(1, "tile"), count(1200, "tile"), count(2, "box", "boxes")
    ('1 tile', '1,200 tiles', '2 boxes')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def percent(share: float, digits: int = 0) -> str:
    """Return a share in per cent, with 0 % only for 0 and 100 % only for 1.

    Parameters
    ----------
    share : float
        Share, 0 to 1.
    digits : int
        Digits after the decimal point.

    Returns
    -------
    str

    Examples
    --------
    >>> percent(0.125), percent(0.0004, 1), percent(0.9999), percent(0)
    ('12 %', 'less than 0.1 %', 'more than 99 %', '0 %')
    """
    text, step = f"{100 * share:.{digits}f}", 10.0**-digits
    if share > 0 and float(text) == 0:
        return f"less than {step:.{digits}f} %"
    if share < 1 and float(text) == 100:
        return f"more than {100 - step:.{digits}f} %"
    return f"{text} %"


def number_text(value: float, digits: int = 4) -> str:
    """Return a number with few digits, without an exponent where it can be read so.

    Parameters
    ----------
    value : float
        Number. It can be NaN or infinite.
    digits : int
        Significant digits.

    Returns
    -------
    str
        Text that `float` reads. It has an exponent below 1e-7 and from 1e15 on.

    Examples
    --------
    >>> number_text(-8.354e-05), number_text(1234567.0), number_text(0.25), number_text(3e-12)
    ('-0.00008354', '1235000', '0.25', '3e-12')
    """
    value = float(value)
    text = f"{value:.{digits}g}"
    if "e" not in text or not 1e-7 <= abs(value) < 1e15:
        return text
    return np.format_float_positional(float(text), trim="-")


def check_values(values: Mapping[str, ArrayLike], *, nan: bool = False, positive: bool = False) -> None:
    """Refuse values that a figure cannot show.

    Parameters
    ----------
    values : mapping of str to array
        Arrays by the name of an argument, or of a line, a panel, ...
    nan : bool
        NaN is allowed beside other values: a map without fabric at its ends.
    positive : bool
        All values must be above 0, as on a logarithmic axis.

    Raises
    ------
    InputError
        If there are no arrays, or one is empty, or contains NaN or infinity, or a value that is not above 0.

    Examples
    --------
    >>> try:
    ...     check_values({"scores": [1.0, np.nan]})
    ... except InputError as error:
    ...     print(error)
    scores contains NaN or infinity: leave those values out.
    """
    if not values:
        raise InputError("There is nothing to draw: give at least one array, by its name.")
    for name, given in values.items():
        array = np.asarray(given)
        if not array.size:
            raise InputError(f"{name} has shape {array.shape}: it is empty, give at least one value.")
        if array.dtype.kind not in "biuf":
            raise InputError(f"{name} has dtype {array.dtype}, expected real numbers.")
        if nan and np.isnan(array).all():
            raise InputError(f"{name} contains nothing but NaN: give at least one number.")
        if not (np.isfinite(array) | (np.isnan(array) if nan else False)).all():
            raise InputError(f"{name} contains {'' if nan else 'NaN or '}infinity: leave those values out.")
        if positive and not (array > 0).all():
            raise InputError(f"{name} contains values that are not above 0, which a logarithmic axis cannot show.")
