"""Comparison that also asks for the kind of number: a right value as a decimal is not a whole number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from aitex_utils.lessons.engine.compare import align, close, plain


def require_kind(reference: Callable[..., Any], tolerance: float = 1e-5) -> Callable[..., bool]:
    """Return an `agree` for an exercise whose task asks for whole numbers.

    Parameters
    ----------
    reference : callable
        The exercise's reference.
    tolerance : float
        As in `close`.

    Returns
    -------
    callable
        It compares values as `close` does. A right value must also have the kind of number of the expected result. The
        kind of a wrong value does not matter, so a known mistake is recognised in either kind.

    Examples
    --------
    >>> agree = require_kind(lambda n: 2 * n)
    >>> agree(6, np.array(6), 3), agree(6, np.array(6.0), 3)
    (True, False)
    >>> agree(5, np.array(5.0), 3)
    True
    """

    def agree(expected: Any, actual: Any, *arguments: Any) -> bool:
        expected = plain(expected, False)
        if not close(expected, actual, tolerance):
            return False
        is_right = close(plain(reference(*arguments), False), actual, tolerance)
        return not is_right or _kinds(expected, actual) or not _is_whole(expected)

    return agree


def _kinds(expected: Any, actual: Any) -> bool:
    """Say whether each part that is expected as whole numbers consists of whole numbers."""
    was_one_array = isinstance(expected, tuple) and isinstance(actual, np.ndarray)  # a list of two arrays is one array
    expected, actual = align(expected, actual)
    if isinstance(expected, tuple) and isinstance(actual, tuple):
        return was_one_array or all(_kinds(e, a) for e, a in zip(expected, actual, strict=True))
    return not _is_whole(expected) or _is_whole(actual)


def _is_whole(value: Any) -> bool:
    if isinstance(value, tuple):
        return any(map(_is_whole, value))
    array = np.asarray(value)
    return array.dtype.kind in "iu" or not array.size
