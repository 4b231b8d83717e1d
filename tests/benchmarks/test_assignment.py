"""The benchmark of the assignment's samples: counts on small predictions, and tables, without a detector."""

from __future__ import annotations

import json
from pathlib import Path

import assignment
import numpy as np
import pytest
import tables_assignment

from aitex_utils.patchcore import StripResult


def result(*scores: float) -> StripResult:
    return StripResult(np.zeros((1, 1)), max(scores), np.array(scores), np.zeros((len(scores), 2), int), (0, 1))


def test_flagged_tiles_and_strips_are_counted():
    found = assignment.flagged({"a": result(1, 2, 3), "b": result(0, 1), "c": result(5, 5)}, 2.0)
    assert (found["tiles_flagged"], found["tiles"], found["strips_flagged"], found["strips"]) == (4, 7, 2, 3)
    assert [row["strip"] for row in found["highest"]] == ["c", "a", "b"]


def test_a_strip_that_differs_is_noticed_and_the_others_are_not():
    alike, other = np.arange(20.0), np.arange(20.0) + 5
    assert assignment.one_strip_left_out([alike, alike, other], 0.05) == [
        *({"k": 0, "n": 20}, {"k": 0, "n": 20}),
        {"k": 5, "n": 20},
    ]


def test_another_assignment_is_not_used(tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(assignment, "write_results", lambda *_: pytest.fail("nothing was measured"))
    key = tmp_path / "assignment" / "teacher" / "key.json"
    key.parent.mkdir(parents=True)
    key.write_text(json.dumps({"secret": "another one of words", **assignment.SIZE}))
    assert assignment.main(["--keep", str(tmp_path)]) == 1
    assert "choose another folder for --keep" in capsys.readouterr().err


def test_the_tables_show_the_marks():
    for name, table in tables_assignment.TABLES.items():
        text = table()
        assert text.count("\n") >= 4, name
    assert (
        f"**{tables_assignment.read_results('assignment')['weak']['mark']['promise']}**"
        in tables_assignment.TABLES["assignment_marks_weak"]()
    )
