"""What was measured of the notebooks keeps the promise to learners."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
sys.path.insert(0, str(NOTEBOOKS))

import build as builder  # noqa: E402

SOURCES = sorted(builder.SOURCE.glob("[0-9][0-9]_*.py"))


@pytest.mark.parametrize("source", SOURCES, ids=lambda p: p.stem)
def test_what_was_measured_keeps_the_promise_to_learners(source: Path):
    cost = json.loads(builder.MEASURED.read_text(encoding="utf-8"))[source.stem]
    assert cost["seconds"] < 180 and cost["slowest_cell_seconds"] < 60
    assert cost["peak_memory_mib"] < 4096
