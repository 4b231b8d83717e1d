"""Every notebook runs from its own start and an empty cache: solved to its end, the learner's up to its stubs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
sys.path.insert(0, str(NOTEBOOKS))

import build as builder  # noqa: E402

HANG = 1200  # s per cell: a limit that catches a hang, not a slow or busy machine
SOURCES = sorted(builder.SOURCE.glob("[0-9][0-9]_*.py"))


def outputs_of(notebook: NotebookNode) -> list[NotebookNode]:
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def pictures_have_alt_text(notebook: NotebookNode) -> None:
    outputs = outputs_of(notebook)
    pictures = [output for output in outputs if "<img" in output.get("data", {}).get("text/html", "")]
    assert pictures, "a notebook without a picture"
    for picture in pictures:
        assert 'alt="' in picture.data["text/html"] and 'alt=""' not in picture.data["text/html"]
    assert not [o for o in outputs if "image/png" in o.get("data", {})], "a picture without alt text: use plots.show"


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES, ids=lambda p: p.stem)
def test_a_solved_notebook_runs_to_its_end_and_passes_its_own_checks(source: Path, caches: Path):
    notebook = builder.solved(source)
    cost = builder.execute(notebook, timeout=HANG, cache=caches / source.stem)
    print(f"{source.stem}: {cost}")
    pictures_have_alt_text(notebook)
    for cell in notebook.cells:
        if cell.source.startswith("check("):
            answer = "".join(o.get("data", {}).get("text/plain", "") for o in cell.outputs)
            assert answer.startswith("✓ Exercise") and " passed " in answer, f"{cell.source} was answered: {answer}"


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES, ids=lambda p: p.stem)
def test_a_learner_s_notebook_runs_up_to_its_stubs(source: Path, caches: Path):
    notebook = nbformat.read(NOTEBOOKS / f"{source.stem}.ipynb", as_version=4)
    builder.execute(notebook, allow=("NotImplementedError",), timeout=HANG, cache=caches / source.stem)
    pictures_have_alt_text(notebook)


@pytest.mark.parametrize("source", SOURCES, ids=lambda p: p.stem)
def test_what_was_measured_keeps_the_promise_to_learners(source: Path):
    cost = json.loads(builder.MEASURED.read_text(encoding="utf-8"))[source.stem]
    assert cost["seconds"] < 180 and cost["slowest_cell_seconds"] < 60
    assert cost["peak_memory_mib"] < 4096
