"""How long the tests take: written whole, and not at all if a test fails."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import results_files
import suite


@pytest.mark.parametrize("fails", [False, True])
def test_minutes_are_written_only_if_all_tests_pass(fails: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def run(command: list[str], **_: object) -> None:
        if fails:
            raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(results_files, "RESULTS", tmp_path)
    monkeypatch.setattr(subprocess, "run", run)
    assert suite.main() == int(fails)
    files = list(tmp_path.iterdir())
    assert [file.name for file in files] == ([] if fails else ["tests.json"])
    for file in files:
        assert set(json.loads(file.read_text(encoding="utf-8"))) == {"full_minutes", "quick_minutes", "cores"}
