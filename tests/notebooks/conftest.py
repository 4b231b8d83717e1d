"""What the tests that execute notebooks share: the profile of the course, and notebooks that are built once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import build as builder
import nbformat
import pytest
from nbformat import NotebookNode


@pytest.fixture(scope="session", autouse=True)
def _built_once() -> Iterator[None]:
    """Build each notebook of the course once, and give each test a copy. A test's own course is built each time."""
    course = builder.SOURCE, builder.BENCHMARKS, builder.MEASURED

    def once(build: Callable[[Path], NotebookNode]) -> Callable[[Path], NotebookNode]:
        built: dict[Path, NotebookNode] = {}

        def copy(source: Path) -> NotebookNode:
            if source.parent != course[0] or (builder.SOURCE, builder.BENCHMARKS, builder.MEASURED) != course:
                return build(source)
            if source not in built:
                built[source] = build(source)
            return nbformat.from_dict(built[source])

        return copy

    with pytest.MonkeyPatch.context() as patch:
        for name in ("solved", "learner"):
            patch.setattr(builder, name, once(getattr(builder, name)))
        yield


@pytest.fixture(autouse=True)
def _fast_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AITEX_PROFILE", raising=False)
