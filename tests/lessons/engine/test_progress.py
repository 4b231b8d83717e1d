"""Progress is kept whatever happens to its file, and no damage to the file stops a check."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from project_root import ROOT

from aitex_utils.files import atomic_write
from aitex_utils.lessons import check, hint
from aitex_utils.lessons.engine import progress
from aitex_utils.lessons.engine.progress import progress_file, read_progress, update_entry

EMPTY = {"version": 1, "exercises": {}, "quiz": {}, "predictions": {}}


@pytest.fixture(autouse=True)
def file(one_exercise: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the progress file of a fresh session."""
    monkeypatch.setattr(progress, "_unwritten", {})
    return one_exercise


def right(x: Any) -> Any:
    return 2 * x


def wrong(x: Any) -> Any:
    return x


def entry() -> dict[str, Any]:
    return read_progress()["exercises"]["09.1"]


def test_the_place_of_the_file(monkeypatch: pytest.MonkeyPatch, file: Path):
    assert progress_file() == file
    monkeypatch.setenv("COURSE_PROGRESS", "")
    assert progress_file() == ROOT / "notebooks" / "progress.json"
    monkeypatch.delenv("COURSE_PROGRESS")
    assert progress_file() == ROOT / "notebooks" / "progress.json"


def test_tries_and_hints_are_counted_until_it_passes_and_passed_stays(file: Path):
    check("09.1")
    assert not file.exists()  # "not attempted" is no try
    check("09.1", wrong)
    assert entry() == {"tries": 1, "passed": False}
    hint("09.1")
    check("09.1", right)
    assert entry() == {"tries": 2, "passed": True, "hints": 1}
    for answer in (right, wrong, None):
        check("09.1", answer)
    assert entry() == {"tries": 2, "passed": True, "hints": 1}
    assert json.loads(file.read_text())["exercises"] == {"09.1": entry()}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"version": 2, "exercises": {}, "quiz": {}, "predictions": {}}',
        b'{"version": 1, "exercises": [], "quiz": {}, "predictions": {}}',
        b'{"version": 1, "exercises": {}}',
        b"[" * 100_000,
    ],
)
def test_an_unreadable_file_is_renamed(content: bytes, file: Path, capsys: pytest.CaptureFixture):
    for number in ("", "2"):
        file.write_bytes(content)
        check("09.1", right)
        renamed = file.with_name(f"progress-unreadable{number}.json")
        assert renamed.read_bytes() == content
        assert f"now called {renamed.name}" in capsys.readouterr().out
        assert entry() == {"tries": 1, "passed": True}


def test_a_byte_order_mark_is_no_damage(file: Path):
    update_entry("exercises", "09.1", tries=3)
    file.write_text(file.read_text(), encoding="utf-8-sig")
    assert entry() == {"tries": 3}


@pytest.mark.parametrize("damage", ["x", [1], None, {"tries": "x", "passed": "no", "hints": -2}, {"tries": True}])
def test_a_damaged_entry_starts_anew(damage: Any, file: Path):
    file.write_text(json.dumps(EMPTY | {"exercises": {"09.1": damage}, "quiz": {"09.q1": {"tries": 4}}}))
    hint("09.1")
    check("09.1", wrong)
    assert entry() == {"tries": 1, "hints": 1, "passed": False}
    assert read_progress()["quiz"] == {"09.q1": {"tries": 4}}


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO])
def test_checks_and_hints_continue_when_nothing_can_be_written(
    code: int, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    update_entry("exercises", "09.1", hints=1)
    before = file.read_text()

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(atomic_write.tempfile, "mkdtemp", refuse)
        hint("09.1")
        hint("09.1")
        check("09.1", right)
        printed = " ".join(capsys.readouterr().out.split())
    assert printed.count("not kept") == 1
    assert "Hint 2 of 3" in printed and "Hint 3 of 3" in printed and "Exercise 09.1 passed" in printed
    assert file.read_text() == before and os.listdir(file.parent) == ["progress.json"]
    update_entry("quiz", "09.q1", tries=1)  # there is space again
    assert json.loads(file.read_text())["exercises"]["09.1"] == {"tries": 1, "passed": True, "hints": 3}
    assert progress._unwritten == {}


def test_a_file_that_can_be_neither_read_nor_renamed_is_left_alone(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    file.write_text("mine")

    def refuse(*_: Any) -> None:
        raise PermissionError

    with monkeypatch.context() as patch:
        patch.setattr(progress.os, "replace", refuse)
        hint("09.1")
    hint("09.1")
    check("09.1", right)
    printed = capsys.readouterr().out
    assert printed.count("not kept") == 1 and "Hint 2 of 3" in printed
    assert file.read_text() == "mine" and os.listdir(file.parent) == ["progress.json"]


def test_a_folder_of_that_name_is_left_alone(file: Path, capsys: pytest.CaptureFixture):
    file.mkdir()
    (file / "mine.txt").write_text("mine")
    check("09.1", right)
    check("09.1", right)
    printed = capsys.readouterr().out
    assert printed.count("not kept") == 1 and printed.count("Exercise 09.1 passed") == 2
    assert [path.name for path in file.parent.rglob("*")] == ["progress.json", "mine.txt"]


def test_two_notebooks_at_once_leave_a_whole_file(file: Path):
    code = "import sys\nfrom aitex_utils.lessons.engine.progress import update_entry\n"
    code += "for i in range(40): update_entry('quiz', sys.argv[1], tries=1)"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    processes = [subprocess.Popen([sys.executable, "-c", code, name], env=environment) for name in "ab"]
    while any(process.poll() is None for process in processes):
        if file.exists():
            assert json.loads(file.read_text())["version"] == 1
    assert [process.returncode for process in processes] == [0, 0]
    assert set(read_progress()["quiz"]) <= {"a", "b"} and os.listdir(file.parent) == ["progress.json"]


def test_the_update_of_another_notebook_is_kept(file: Path):
    update_entry("quiz", "09.q1", tries=1)
    content = json.loads(file.read_text())
    content["exercises"]["08.1"] = {"tries": 5, "passed": True}  # written by another kernel
    file.write_text(json.dumps(content))
    check("09.1", right)
    assert read_progress()["exercises"]["08.1"] == {"tries": 5, "passed": True}
