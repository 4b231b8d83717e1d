"""The learner's notebooks run up to their stubs, and what was measured keeps the promise to learners."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import nbformat
import pytest
from lesson_cells import pictures_have_alt_text

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
sys.path.insert(0, str(NOTEBOOKS))

import build as builder  # noqa: E402

HANG = 1200  # s per cell: a limit that catches a hang, not a slow or busy machine
SOURCES = sorted(builder.SOURCE.glob("[0-9][0-9]_*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES, ids=lambda p: p.stem)
def test_a_learner_s_notebook_runs_up_to_its_stubs(source: Path, caches: Path):
    notebook = nbformat.read(NOTEBOOKS / f"{source.stem}.ipynb", as_version=4)
    builder.execute(notebook, allow=("NotImplementedError",), timeout=HANG, cache=caches / source.stem)
    pictures_have_alt_text(notebook.cells)


@pytest.mark.parametrize("source", SOURCES, ids=lambda p: p.stem)
def test_what_was_measured_keeps_the_promise_to_learners(source: Path):
    cost = json.loads(builder.MEASURED.read_text(encoding="utf-8"))[source.stem]
    assert cost["seconds"] < 180 and cost["slowest_cell_seconds"] < 60
    assert cost["peak_memory_mib"] < 4096
