"""Figures of the report that are drawn once: most tests that write a report look at something else in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from remembered import remembered

from aitex_utils.inspection import figures, page

NAMES = ("curves", "score_histogram")


@contextmanager
def figures_drawn_once() -> Iterator[None]:
    """Let reports show the figure that was drawn before for equal arguments, until the `with` block is left."""
    with pytest.MonkeyPatch.context() as patch:
        for name in NAMES:
            patch.setattr(page, name, remembered(getattr(figures, name)))
        yield
