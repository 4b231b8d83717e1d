"""Progress is kept whatever happens to its file, and nothing that happens to it stops a check."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from checks_example import EXERCISE

from aitex_utils import atomic_write as files
from aitex_utils import lessons as checks
from aitex_utils.lessons import check, hint
from aitex_utils.lessons.engine import progress
from aitex_utils.lessons.engine.progress import note, progress_file, read_progress

EMPTY = {"version": 1, "exercises": {}, "quiz": {}, "predictions": {}}
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "deep" / "progress.json"))
    monkeypatch.setattr(checks, "entries", lambda name, kind: {"09.1": EXERCISE})
    monkeypatch.setattr(progress, "_unwritten", {})
    (tmp_path / "deep").mkdir()
    yield tmp_path / "deep" / "progress.json"


def right(x: Any) -> Any:
    return 2 * x


def entry() -> dict[str, Any]:
    return read_progress()["exercises"]["09.1"]


def test_where_it_is_kept(monkeypatch: pytest.MonkeyPatch, kept: Path):
    assert progress_file() == kept
    for unset in ("", None):
        monkeypatch.setenv("COURSE_PROGRESS", "") if unset == "" else monkeypatch.delenv("COURSE_PROGRESS")
        assert progress_file() == ROOT / "notebooks" / "progress.json"


def test_tries_and_hints_are_counted_until_it_passes_and_passed_stays(kept: Path):
    check("09.1")
    assert not kept.exists()  # not attempted is no try
    check("09.1", lambda x: x)
    assert entry() == {"tries": 1, "passed": False}
    hint("09.1")
    check("09.1", right)
    assert entry() == {"tries": 2, "passed": True, "hints": 1}
    for later in (right, lambda x: x, None):
        check("09.1", later)
    assert entry() == {"tries": 2, "passed": True, "hints": 1}
    assert json.loads(kept.read_text())["exercises"] == {"09.1": entry()}


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
def test_a_damaged_file_is_set_aside(content: bytes, kept: Path, capsys: pytest.CaptureFixture):
    for number in ("", "2"):
        kept.write_bytes(content)
        check("09.1", right)
        aside = kept.with_name(f"progress-unreadable{number}.json")
        assert aside.read_bytes() == content
        assert f"progress.json couldn't be read; it is kept as {aside.name}" in capsys.readouterr().out
        assert entry() == {"tries": 1, "passed": True}


def test_a_mark_that_editors_set_is_no_damage(kept: Path):
    note("exercises", "09.1", tries=3)
    kept.write_text(kept.read_text(), encoding="utf-8-sig")
    assert entry() == {"tries": 3}


@pytest.mark.parametrize("damage", ["x", [1], None, {"tries": "x", "passed": "no", "hints": -2}, {"tries": True}])
def test_a_damaged_entry_starts_anew(damage: Any, kept: Path):
    kept.write_text(json.dumps(EMPTY | {"exercises": {"09.1": damage}, "quiz": {"09.q1": {"tries": 4}}}))
    hint("09.1")
    check("09.1", lambda x: x)
    assert entry() == {"tries": 1, "hints": 1, "passed": False}
    assert read_progress()["quiz"] == {"09.q1": {"tries": 4}}


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO])
def test_where_nothing_can_be_written_checks_and_hints_go_on(
    code: int, kept: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    note("exercises", "09.1", hints=1)
    before = kept.read_text()

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(files.tempfile, "mkdtemp", refuse)
        hint("09.1")
        hint("09.1")
        check("09.1", right)
        said = " ".join(capsys.readouterr().out.split())
    assert said.count("Progress isn't kept") == 1
    assert "Hint 2 of 3" in said and "Hint 3 of 3" in said and "Exercise 09.1 passed" in said
    assert kept.read_text() == before and os.listdir(kept.parent) == ["progress.json"]
    note("quiz", "09.q1", tries=1)  # there is space again
    assert json.loads(kept.read_text())["exercises"]["09.1"] == {"tries": 1, "passed": True, "hints": 3}
    assert progress._unwritten == {}


def test_a_file_that_can_be_neither_read_nor_set_aside_is_left_alone(
    kept: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    kept.write_text("mine")

    def refuse(*_: Any) -> None:
        raise PermissionError

    with monkeypatch.context() as patch:
        patch.setattr(progress.os, "replace", refuse)
        hint("09.1")
    hint("09.1")
    check("09.1", right)
    said = capsys.readouterr().out
    assert said.count("can't be read, so progress isn't kept") == 1 and "Hint 2 of 3" in said
    assert kept.read_text() == "mine" and os.listdir(kept.parent) == ["progress.json"]


def test_a_folder_of_that_name_is_left_alone(kept: Path, capsys: pytest.CaptureFixture):
    kept.mkdir()
    (kept / "mine.txt").write_text("mine")
    check("09.1", right)
    check("09.1", right)
    said = capsys.readouterr().out
    assert said.count("can't be read, so progress isn't kept") == 1 and said.count("Exercise 09.1 passed") == 2
    assert [p.name for p in kept.parent.rglob("*")] == ["progress.json", "mine.txt"]


def test_two_notebooks_at_once_leave_a_whole_file(kept: Path):
    code = "import sys\nfrom aitex_utils.lessons.engine.progress import note\n"
    code += "for i in range(40): note('quiz', sys.argv[1], tries=1)"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    running = [subprocess.Popen([sys.executable, "-c", code, name], env=environment) for name in "ab"]
    while any(one.poll() is None for one in running):
        if kept.exists():
            assert json.loads(kept.read_text())["version"] == 1
    assert [one.returncode for one in running] == [0, 0]
    assert set(read_progress()["quiz"]) <= {"a", "b"} and os.listdir(kept.parent) == ["progress.json"]


def test_one_notebook_after_the_other_loses_nothing(kept: Path):
    note("quiz", "09.q1", tries=1)
    text = json.loads(kept.read_text())
    text["exercises"]["08.1"] = {"tries": 5, "passed": True}  # as another kernel would write
    kept.write_text(json.dumps(text))
    check("09.1", right)
    assert read_progress()["exercises"]["08.1"] == {"tries": 5, "passed": True}
