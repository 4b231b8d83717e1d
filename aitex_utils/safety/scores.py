"""Checks of labels, scores, maps and distances: what a detector returns, and what measures and figures take."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import InputError, check_number, is_pair, shown
from .arrays import as_array

RAGGED = "join its parts with np.concatenate([part.ravel() for part in parts])"


def check_scores(scores: np.ndarray, name: str, *, nan: bool = False) -> np.ndarray:
    """Return scores as float32 or float64 if they are finite, and at least one.

    Parameters
    ----------
    scores : array_like, any shape
        Bools, integers or real numbers.
    name : str
        Name of the argument, for the message.
    nan : bool
        Allow NaN, for maps that are NaN outside the fabric.

    Returns
    -------
    ndarray
        Of the same shape; no copy where the dtype is right.

    Raises
    ------
    InputError
        If there is no score, or one is not finite.

    Examples
    --------
    >>> check_scores([1, 2], "scores")
    array([1., 2.])
    """
    scores = as_array(scores, name, RAGGED)
    if scores.dtype.kind not in "fiub" or not scores.size:
        raise InputError(f"{name} contains {scores.size} values of {scores.dtype}, expected at least one real number.")
    if scores.dtype not in (np.float32, np.float64):
        scores = scores.astype(np.float64)
    bad = np.count_nonzero(np.isinf(scores) if nan else ~np.isfinite(scores))
    if bad:
        kinds = "infinity" if nan else "NaN or infinity"
        raise InputError(f"{name} contains {kinds} in {bad} of {scores.size} places: leave those out.")
    return scores


def check_labels(labels: np.ndarray, name: str) -> np.ndarray:
    """Return labels or a mask as bools.

    Parameters
    ----------
    labels : array_like, any shape
        Bools, or 0 and 1.
    name : str
        Name of the argument, for the message.

    Returns
    -------
    ndarray
        Of the same shape.

    Raises
    ------
    InputError
        If a value is neither 0 nor 1.

    Examples
    --------
    >>> check_labels([0, 1], "labels")
    array([False,  True])
    """
    labels = as_array(labels, name, RAGGED)
    if labels.dtype != bool and not np.isin(labels, (0, 1)).all():
        raise InputError(f"{name} contains values other than 0 and 1: make it True where defective, with {name} > 0.")
    return labels.astype(bool, copy=False)


def check_real(values: np.ndarray, name: str = "distances") -> np.ndarray:
    """Return values as an array of real numbers, NaN and infinity among them.

    Parameters
    ----------
    values : array_like, any shape
        Bools, integers or real numbers.
    name : str
        Name of the argument, for the message.

    Returns
    -------
    ndarray
        No copy where none is needed.

    Raises
    ------
    InputError
        If the values are something else.

    Examples
    --------
    >>> check_real([[1.0, 2.0]]).shape
    (1, 2)
    """
    values = as_array(values, name)
    if values.dtype.kind == "c":
        raise InputError(f"{name} has dtype {values.dtype}, expected real numbers: take {name}.real or np.abs({name}).")
    return values


def check_float32(values: np.ndarray, name: str = "distances") -> np.ndarray:
    """Return values as float32. Values that float32 cannot represent become infinity.

    Parameters
    ----------
    values : array_like, any shape
        As in `check_real`.
    name : str
        Name of the argument, for the message.

    Returns
    -------
    ndarray
        float32; no copy where none is needed.

    Raises
    ------
    InputError
        If the values are not real numbers.

    Examples
    --------
    >>> check_float32([1, 2]).dtype
    dtype('float32')
    """
    with np.errstate(over="ignore"):
        return check_real(values, name).astype(np.float32, copy=False)


def check_pair(name: str, value: Any, allowed: str = "(-inf, inf)") -> tuple[float, float]:
    """Return two numbers as a tuple.

    Parameters
    ----------
    name : str
        Name of the argument, for the message.
    value : tuple, list or ndarray
        Two finite numbers.
    allowed : str
        Interval of each, as in `errors.check_number`.

    Returns
    -------
    first, second : float

    Raises
    ------
    InputError
        If `value` is something else.

    Examples
    --------
    >>> check_pair("scale", [0, 2])
    (0.0, 2.0)
    """
    if not is_pair(value):
        raise InputError(f"{name} is {shown(value)}: give two numbers, for example (0.0, 2.0).")
    return check_number(f"{name}[0]", value[0], allowed), check_number(f"{name}[1]", value[1], allowed)


def check_map(anomaly_map: np.ndarray, name: str = "anomaly_map") -> np.ndarray:
    """Return the anomaly map of one strip or tile as float32 or float64.

    Parameters
    ----------
    anomaly_map : array_like, shape (H, W)
        NaN outside the fabric.
    name : str
        Name of the argument, for the message.

    Returns
    -------
    ndarray, shape (H, W)

    Raises
    ------
    InputError
        If the map has another shape, contains infinity, or is NaN everywhere.

    Examples
    --------
    >>> check_map([[1, 2]])
    array([[1., 2.]])
    """
    anomaly_map = check_real(anomaly_map, name)
    if anomaly_map.ndim != 2 or np.isnan(anomaly_map).all():
        raise InputError(f"{name} has shape {anomaly_map.shape}, expected (H, W) with at least one value not NaN.")
    return check_scores(anomaly_map, name, nan=True)


def check_columns(name: str, value: Any, width: int) -> tuple[int, int]:
    """Return the first column of a region and the column after its last.

    Parameters
    ----------
    name : str
        Name of the argument, for the message.
    value : tuple, list or ndarray
        Two integers.
    width : int
        Width of the image in px.

    Returns
    -------
    start, stop : int

    Raises
    ------
    InputError
        If `value` is something else, or the region is empty or reaches out of the image.

    Examples
    --------
    >>> check_columns("region", (0, 64), 64)
    (0, 64)
    """
    are_columns = is_pair(value) and all(
        isinstance(column, (int, np.integer)) and not isinstance(column, np.timedelta64) for column in value
    )
    if not are_columns or not 0 <= value[0] < value[1] <= width:
        raise InputError(f"{name} is {shown(value)}, expected first and last column + 1, integers within 0..{width}.")
    return int(value[0]), int(value[1])
