"""Every learner's notebook runs: up to its stubs, from its own start, within its time."""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
sys.path.insert(0, str(NOTEBOOKS))

import build as builder  # noqa: E402


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")), ids=lambda p: p.stem)
def test_a_learner_s_notebook_runs_up_to_its_stubs(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("AITEX_PROFILE", raising=False)
    notebook = nbformat.read(path, as_version=4)
    builder.execute(notebook, allow=("NotImplementedError",))
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    pictures = [output for output in outputs if "<img" in output.get("data", {}).get("text/html", "")]
    assert pictures, "a notebook without a picture"
    for picture in pictures:
        assert 'alt="' in picture.data["text/html"] and 'alt=""' not in picture.data["text/html"]
    assert not [o for o in outputs if "image/png" in o.get("data", {})], "a picture without alt text: use plots.show"
