"""Figures of the report that are drawn once: most tests that write a report look at something else in it."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from aitex_utils.inspection import figures, page

NAMES = ("curves", "score_histogram")
_drawn: dict[bytes, str] = {}  # in this process


@contextmanager
def figures_drawn_once() -> Iterator[None]:
    """Let reports show the figure that was drawn before for equal arguments, until the `with` block is left."""
    with pytest.MonkeyPatch.context() as patch:
        for name in NAMES:
            patch.setattr(page, name, _once(name, getattr(figures, name)))
        yield


def _once(name: str, draw: Callable[..., str]) -> Callable[..., str]:
    def drawn(*arguments: Any) -> str:
        key = pickle.dumps((name, arguments))
        if key not in _drawn:
            _drawn[key] = draw(*arguments)
        return _drawn[key]

    return drawn
