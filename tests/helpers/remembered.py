"""Slow functions that are called once for equal arguments, where tests look at something else."""

from __future__ import annotations

import functools
import pickle
from collections.abc import Callable
from typing import Any


@functools.cache
def remembered(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that calls `function` once for equal arguments, the state of a generator included."""
    results: dict[bytes, Any] = {}

    def again(*arguments: Any) -> Any:
        key = pickle.dumps(arguments)
        if key not in results:
            results[key] = function(*arguments)
        return results[key]

    return again
