"""How long the tests take: written whole, and not at all if a test fails."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import results_files
import suite
from project_root import ROOT


@pytest.mark.parametrize("fails", [False, True])
def test_minutes_are_written_only_if_all_tests_pass(fails: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    commands = []

    def run(command: list[str], **_: object) -> None:
        commands.append(command)
        if fails:
            raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(results_files, "RESULTS", tmp_path)
    monkeypatch.setattr(subprocess, "run", run)
    (tmp_path / "tests.json").write_text('{"full_minutes": 12.5}')
    assert suite.main(["quick"]) == int(fails) and "--quick" in commands[-1]
    minutes = json.loads((tmp_path / "tests.json").read_text(encoding="utf-8"))
    assert minutes["full_minutes"] == 12.5 and ("quick_minutes" in minutes) != fails
    assert suite.main([]) == int(fails)
    minutes = json.loads((tmp_path / "tests.json").read_text(encoding="utf-8"))
    assert (minutes["full_minutes"] == 12.5) == fails and ("--quick" in commands[-1]) == fails
    with pytest.raises(SystemExit):
        suite.main(["slow"])


def test_every_benchmark_bears_an_output_that_nothing_reads():
    for path in sorted((ROOT / "benchmarks").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        if f"course.py bench {path.stem}" in text[:200]:
            assert text.endswith("sys.exit(run_command(main))\n"), path


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="a pipe of POSIX")
def test_a_benchmark_whose_output_nothing_reads():
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, ROOT / "benchmarks" / "speed.py", "--help"]
    done = subprocess.run(command, cwd=ROOT, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert done.returncode in (0, 141) and done.stderr == b""  # argparse itself can pass over the error
