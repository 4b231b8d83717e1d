"""What the tests of all notebooks' checks share: exercise cells, their functions, and what a wrong answer must draw."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from nbformat import NotebookNode

from aitex_utils.lessons import Exercise, judge

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
sys.path.insert(0, str(NOTEBOOKS))

import build as builder  # noqa: E402

# What earlier cells of a notebook import, on which its exercises may rely; the others must import all they need.
KNOWN: dict[str, dict[str, Any]] = {
    **{number: {"np": np} for number in ("00", "01", "04", "05", "07")},
    "03": {"np": np, "torch": torch},
}


def source_of(number: str) -> Path:
    """Return the source of the notebook of that number, "02"."""
    (found,) = builder.SOURCE.glob(f"{number}_*.py")
    return found


def exercise_cells(build: Callable[[Path], NotebookNode], number: str) -> dict[str, str]:
    """Return the exercise cells of a solved or a learner's notebook (`builder.solved`, `.learner`), by exercise."""
    cells = build(source_of(number)).cells
    return {c.metadata["exercise"]: c.source for c in cells if "exercise" in c.metadata}


def defined(source: str, name: str, known: Mapping[str, Any] | None = None) -> Callable:
    """Return the function `name` that a cell defines, run with what is `known` from earlier cells."""
    space = dict(known or {})
    exec(compile(source, "<cell>", "exec"), space)
    return space[name]


def functions(build: Callable[[Path], NotebookNode], names: Mapping[str, str]) -> dict[str, Callable]:
    """Return the functions of a notebook's exercises; `names` gives each exercise's, {"02.1": "unfold", ...}."""
    number = next(iter(names))[:2]
    cells = exercise_cells(build, number)
    assert set(cells) == set(names)
    return {exercise: defined(cells[exercise], name, KNOWN.get(number)) for exercise, name in names.items()}


def draws_its_own_hint(exercise: Exercise, mistake: str, answer: Callable) -> None:
    verdict = judge(exercise, answer)
    assert verdict.mistake == mistake, f"{verdict.mistake or verdict.kind}: {verdict.told}"
    assert verdict.told == next(m.hint for m in exercise.mistakes if m.name == mistake)
