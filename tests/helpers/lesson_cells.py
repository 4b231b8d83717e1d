"""Helpers shared by the tests of all exercises: cells of a notebook, their functions, and the hint of a mistake."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from nbformat import NotebookNode

from aitex_utils.lessons import Exercise, judge

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
sys.path.insert(0, str(NOTEBOOKS))

import build as builder  # noqa: E402
import timing  # noqa: E402

# Imports of earlier cells on which the exercises of a notebook rely; the other exercises import all they need.
KNOWN: dict[str, dict[str, Any]] = {
    **{number: {"np": np} for number in ("00", "01", "04", "05", "09")},
    "03": {"np": np, "torch": torch},
}


def source_of(number: str) -> Path:
    """Return the source of the notebook with that number, "02"."""
    (path,) = builder.SOURCE.glob(f"{number}_*.py")
    return path


@functools.cache
def cells_of(build: Callable[[Path], NotebookNode], number: str) -> list[NotebookNode]:
    """Return the cells of a notebook to read; `build`, which runs once, is `builder.solved` or `builder.learner`."""
    return build(source_of(number)).cells


def exercise_cells(build: Callable[[Path], NotebookNode], number: str) -> dict[str, str]:
    """Return the exercise cells of a notebook by exercise; `build` is `builder.solved` or `builder.learner`."""
    return {c.metadata["exercise"]: c.source for c in cells_of(build, number) if "exercise" in c.metadata}


def sections(cells: list[NotebookNode]) -> Iterator[tuple[str, list[NotebookNode]]]:
    """Yield the heading and the cells of code of each section, and of what comes before the first."""
    heading: str = ""
    code: list[NotebookNode] = []
    for cell in cells:
        if cell.cell_type == "code":
            code.append(cell)
        elif found := timing.headings(cell.source):
            yield heading, code
            heading, code = found[-1], []
    yield heading, code


def defined(source: str, name: str, known: Mapping[str, Any] | None = None) -> Callable:
    """Run a cell after the imports in `known`, and return the function `name` that it defines."""
    namespace = dict(known or {})
    exec(compile(source, "<cell>", "exec"), namespace)
    return namespace[name]


def functions(build: Callable[[Path], NotebookNode], names: Mapping[str, str]) -> dict[str, Callable]:
    """Return the functions of a notebook's exercises; `names` contains their names, {"02.1": "unfold", ...}."""
    number = next(iter(names))[:2]
    cells = exercise_cells(build, number)
    assert set(cells) == set(names)
    return {exercise: defined(cells[exercise], name, KNOWN.get(number)) for exercise, name in names.items()}


def draws_its_own_hint(exercise: Exercise, mistake: str, answer: Callable) -> None:
    """Assert that an answer with a known mistake gets the hint of that mistake."""
    verdict = judge(exercise, answer)
    assert verdict.mistake == mistake, f"{verdict.mistake or verdict.kind}: {verdict.message}"
    assert verdict.message == next(m.hint for m in exercise.mistakes if m.name == mistake)


def pictures_have_alt_text(cells: list[NotebookNode]) -> None:
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    pictures = [output for output in outputs if "<img" in output.get("data", {}).get("text/html", "")]
    assert pictures, "a notebook without a picture"
    for picture in pictures:
        assert 'alt="' in picture.data["text/html"] and 'alt=""' not in picture.data["text/html"]
    assert not [o for o in outputs if "image/png" in o.get("data", {})], "a picture without alt text: use plots.show"
