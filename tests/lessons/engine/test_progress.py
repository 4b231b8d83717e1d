"""Progress is kept whatever happens to its file, and no damage to the file stops a check."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from project_root import ROOT

import aitex_utils
from aitex_utils.files import atomic_write
from aitex_utils.lessons import check, hint, progress_table, sign
from aitex_utils.lessons.engine import progress
from aitex_utils.lessons.engine.compare import CRASHED, WRONG_KIND, WRONG_SHAPE, WRONG_VALUE
from aitex_utils.lessons.engine.progress import parse_progress, progress_file, read_progress, update_entry, update_name

EMPTY = {"version": 2, "exercises": {}, "quiz": {}, "predictions": {}}
COURSE = {"course": aitex_utils.__version__}  # which each write adds
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00")


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
    """Return the entry of exercise 09.1 without its times, whose form is checked."""
    found = dict(read_progress()["exercises"]["09.1"])
    times = [found.pop(key) for key in ("first", "last") if key in found]
    assert all(TIME.fullmatch(time) for time in times) and times == sorted(times)
    return found


def files(folder: Path) -> list[str]:
    """Return the names of all files of a folder but the lock's."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the user's folder for data of programs, an empty one; the file is not named by COURSE_PROGRESS."""
    monkeypatch.delenv("COURSE_PROGRESS")
    monkeypatch.setattr("platformdirs.user_data_path", lambda name, appauthor: tmp_path / "home" / name)
    monkeypatch.setattr(progress, "FORMER_FILE", tmp_path / "notebooks" / "progress.json")
    (tmp_path / "notebooks").mkdir()
    return tmp_path / "home"


def checkout(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pretend that the course lies in a folder."""
    folder.mkdir(exist_ok=True)
    if not (folder / "LICENSE.txt").exists():
        (folder / "LICENSE.txt").touch()
    monkeypatch.setattr(progress, "PROJECT", folder)
    return folder


def test_the_place_of_the_file(monkeypatch: pytest.MonkeyPatch, file: Path, home: Path):
    monkeypatch.setenv("COURSE_PROGRESS", str(file))
    assert progress_file() == file
    monkeypatch.setenv("COURSE_PROGRESS", "mine.json")
    assert progress_file() == Path.cwd() / "mine.json"
    for unset in (lambda: monkeypatch.setenv("COURSE_PROGRESS", ""), lambda: monkeypatch.delenv("COURSE_PROGRESS")):
        unset()
        assert home in progress_file().parents and ROOT not in progress_file().parents


def test_each_user_and_each_checkout_has_its_own_progress(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch):
    checkout(tmp_path / "one", monkeypatch)
    update_entry("quiz", "09.q1", tries=1)
    checkout(tmp_path / "two", monkeypatch)
    assert read_progress() == EMPTY
    checkout(tmp_path / "one", monkeypatch)
    assert read_progress()["quiz"] == {"09.q1": {"tries": 1}}
    monkeypatch.setattr("platformdirs.user_data_path", lambda name, appauthor: tmp_path / "another home" / name)
    assert read_progress() == EMPTY


def test_a_moved_checkout_keeps_its_progress_and_a_changed_licence_does_no_harm(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
):
    first = checkout(tmp_path / "one", monkeypatch)
    update_entry("quiz", "09.q1", tries=1)
    first.rename(tmp_path / "two")
    second = checkout(tmp_path / "two", monkeypatch)
    assert read_progress()["quiz"] == {"09.q1": {"tries": 1}}
    os.utime(second / "LICENSE.txt", (1, 1))
    assert read_progress()["quiz"] == {"09.q1": {"tries": 1}}
    checkout(tmp_path / "one", monkeypatch)  # another course in the old place
    assert read_progress() == EMPTY


def test_the_file_of_an_earlier_version_is_taken_over_once(home: Path, capsys: pytest.CaptureFixture):
    content = EMPTY | {"quiz": {"09.q1": {"tries": 2}}}
    progress.FORMER_FILE.write_text(json.dumps(content))
    assert read_progress() == content and read_progress() == content
    assert capsys.readouterr().out.count("now kept in") == 1
    assert files(progress.FORMER_FILE.parent) == ["progress-moved.json"]
    progress.FORMER_FILE.write_text(json.dumps(EMPTY))
    assert read_progress() == content


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="the system does not show who owns a file")
def test_the_former_file_of_another_user_is_not_taken_over(home: Path, monkeypatch: pytest.MonkeyPatch):
    progress.FORMER_FILE.write_text(json.dumps(EMPTY | {"quiz": {"09.q1": {"tries": 2}}}))
    monkeypatch.setattr(progress.os, "getuid", lambda: os.stat(progress.FORMER_FILE).st_uid + 1)
    assert read_progress() == EMPTY
    assert files(progress.FORMER_FILE.parent) == ["progress.json"]


def test_an_account_without_a_home_keeps_its_progress_in_the_checkout(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("platformdirs.user_data_path", lambda name, appauthor: Path("~/.local/share") / name)
    folder = checkout(tmp_path / "one", monkeypatch)
    update_entry("quiz", "09.q1", tries=1)
    assert folder / "data" in progress_file().parents and read_progress()["quiz"] == {"09.q1": {"tries": 1}}


def test_a_home_that_is_a_file_costs_one_sentence(home: Path, capsys: pytest.CaptureFixture):
    home.write_text("mine")
    hint("09.1")
    hint("09.1")
    check("09.1", right)
    printed = capsys.readouterr().out
    assert printed.count("not kept") == 1 and "COURSE_PROGRESS" in printed and "Hint 2 of 3" in printed
    assert home.read_text() == "mine"


def test_a_file_of_another_kind_is_not_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    (tmp_path / "thesis.txt").write_text("years of work")
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "thesis.txt"))
    check("09.1", right)
    assert capsys.readouterr().out.count("not kept") == 1
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
    assert "thesis.txt" in files(tmp_path)


def test_no_update_of_three_processes_is_lost(file: Path):
    code = "from aitex_utils.lessons.engine.progress import update_entry\n"
    code += "for i in range(100): update_entry('quiz', 'both', tries=1)"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    processes = [subprocess.Popen([sys.executable, "-c", code], env=environment) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert read_progress()["quiz"] == {"both": {"tries": 300}}
    assert files(file.parent) == ["progress.json"]


def test_a_process_that_keeps_the_lock_does_not_stop_the_lesson(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    monkeypatch.setattr(progress, "LOCK_SECONDS", 0.1)
    with FileLock(file.with_name(f".{file.name}.lock")):
        update_entry("quiz", "09.q1", tries=1)
        assert not file.exists()  # the other process could write at the same time
        assert capsys.readouterr().out.count("Another notebook") == 1
        assert read_progress()["quiz"] == {"09.q1": {"tries": 1}}
    update_entry("quiz", "09.q1", tries=1)
    assert json.loads(file.read_text())["quiz"] == {"09.q1": {"tries": 2}}


def test_an_update_that_could_not_be_written_is_written_at_the_end_of_the_process(file: Path):
    code = "from aitex_utils.lessons.engine import progress\n"
    code += "progress.LOCK_SECONDS = 0.1\nprogress.update_entry('quiz', '09.q1', tries=1)\ninput()"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with FileLock(file.with_name(f".{file.name}.lock")):
        command = [sys.executable, "-c", code]
        process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert "not kept" in process.stdout.readline()
    process.communicate("\n")
    assert json.loads(file.read_text())["quiz"] == {"09.q1": {"tries": 1}}


def test_an_update_that_could_not_be_written_is_added_to_those_of_others(file: Path, monkeypatch: pytest.MonkeyPatch):
    update_entry("quiz", "09.q1", tries=1)

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patch:
        patch.setattr(atomic_write.os, "mkdir", refuse)
        update_entry("quiz", "09.q1", tries=1)
    content = json.loads(file.read_text())
    content["quiz"]["09.q1"]["tries"] = 10  # another kernel could write
    file.write_text(json.dumps(content))
    update_entry("quiz", "09.q1", tries=1)
    assert json.loads(file.read_text())["quiz"]["09.q1"] == {"tries": 12}


def test_tries_and_hints_are_counted_until_it_passes_and_passed_stays(file: Path):
    check("09.1")
    assert not file.exists()  # "not attempted" is no try
    check("09.1", wrong)
    assert entry() == {"tries": 1, "passed": False, "mistake": "wrong value"}
    hint("09.1")
    check("09.1", right)
    expected = {"tries": 2, "passed": True, "hints": 1, "mistake": "wrong value"}
    assert entry() == expected
    content = file.read_text()
    for answer in (right, wrong, None):
        check("09.1", answer)
    assert entry() == expected and file.read_text() == content


def test_the_first_time_stays_and_the_last_one_changes(file: Path, monkeypatch: pytest.MonkeyPatch):
    times = iter([datetime(2026, 1, 2, 3, minute, tzinfo=timezone.utc) for minute in (4, 5, 6, 7)])
    clock = type("clock", (), {"now": staticmethod(lambda zone: next(times))})
    monkeypatch.setattr(sys.modules["aitex_utils.lessons.engine.check"], "datetime", clock)
    for answer, minute in ((wrong, 4), (wrong, 5), (right, 6), (wrong, 6)):
        check("09.1", answer)
        found = read_progress()["exercises"]["09.1"]
        assert found["first"] == "2026-01-02T03:04:00.000+00:00"
        assert found["last"] == f"2026-01-02T03:0{minute}:00.000+00:00"


def test_the_first_time_of_an_update_that_was_not_written_stays(file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(progress._unwritten, file, [("exercises", "09.1", {"tries": 1, "first": "a", "last": "a"})])
    update_entry("exercises", "09.1", tries=1, first="b", last="b")
    assert json.loads(file.read_text())["exercises"]["09.1"] == {"tries": 2, "first": "a", "last": "b"}


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (lambda x: x * x, "squared"),
        (lambda x: x / 2, "halved"),
        (lambda x: 1 / 0, "crashed"),
        (lambda x: x[:1], "wrong shape"),
        (lambda x: "text", "wrong kind"),
        (lambda x: x + 1, "wrong value"),
    ],
)
def test_the_last_mistake_is_kept(answer: Any, mistake: str, file: Path):
    check("09.1", lambda x: -x)
    check("09.1", answer)
    assert entry() == {"tries": 2, "passed": False, "mistake": mistake}


def test_no_mistake_of_the_course_is_called_like_a_verdict(monkeypatch: pytest.MonkeyPatch):
    """Else a progress file would not show which of both it was."""
    monkeypatch.undo()
    from aitex_utils.lessons.engine.catalogue import LESSONS, entries

    exercises = [e for p in sorted(LESSONS.glob("nb[0-9][0-9]")) for e in entries(p.name[2:], "EXERCISES").values()]
    names = {mistake.name for exercise in exercises for mistake in exercise.mistakes}
    assert len(names) > 100 and not names & {CRASHED, WRONG_KIND, WRONG_SHAPE, WRONG_VALUE}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"version": 3, "exercises": {}, "quiz": {}, "predictions": {}}',
        b'{"version": 1, "exercises": [], "quiz": {}, "predictions": {}}',
        b'{"version": 2, "exercises": [], "quiz": {}, "predictions": {}}',
        b'{"version": 2, "exercises": {}}',
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
    assert entry() == {"tries": 1, "hints": 1, "passed": False, "mistake": "wrong value"}
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
        patch.setattr(atomic_write.os, "mkdir", refuse)
        hint("09.1")
        hint("09.1")
        check("09.1", right)
        printed = " ".join(capsys.readouterr().out.split())
    assert printed.count("not kept") == 1
    assert "Hint 2 of 3" in printed and "Hint 3 of 3" in printed and "Exercise 09.1 passed" in printed
    assert file.read_text() == before and files(file.parent) == ["progress.json"]
    update_entry("quiz", "09.q1", tries=1)  # there is space again
    assert entry() == {"tries": 1, "passed": True, "hints": 3}
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
    assert file.read_text() == "mine" and files(file.parent) == ["progress.json"]


def test_a_folder_of_that_name_is_left_alone(file: Path, capsys: pytest.CaptureFixture):
    file.mkdir()
    (file / "mine.txt").write_text("mine")
    check("09.1", right)
    check("09.1", right)
    printed = capsys.readouterr().out
    assert printed.count("not kept") == 1 and printed.count("Exercise 09.1 passed") == 2
    assert (
        f"{file} is a folder" in printed
        and f"set COURSE_PROGRESS to a file in it, such as {file / 'ada.json'}" in printed
    )
    assert files(file.parent) == ["mine.txt"]


def test_the_table_does_not_say_that_progress_is_kept_where_it_is_not(file: Path, capsys: pytest.CaptureFixture):
    file.mkdir()
    check("09.1", right)
    sign("Ada")
    capsys.readouterr()
    progress_table()
    printed = capsys.readouterr().out
    assert "1 of 1 passed." in printed and f"The progress is not kept: {file} cannot be written." in printed
    assert "is kept" not in printed and "Ada" not in printed


def test_two_notebooks_at_once_leave_a_whole_file(file: Path):
    code = "import sys\nfrom aitex_utils.lessons.engine.progress import update_entry\n"
    code += "for i in range(40): update_entry('quiz', sys.argv[1], tries=1)"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    processes = [subprocess.Popen([sys.executable, "-c", code, name], env=environment) for name in "ab"]
    while any(process.poll() is None for process in processes):
        if file.exists():
            assert json.loads(file.read_text())["version"] == 2
    assert [process.returncode for process in processes] == [0, 0]
    assert set(read_progress()["quiz"]) <= {"a", "b"} and files(file.parent) == ["progress.json"]


def test_the_update_of_another_notebook_is_kept(file: Path):
    update_entry("quiz", "09.q1", tries=1)
    content = json.loads(file.read_text())
    content["exercises"]["08.1"] = {"tries": 5, "passed": True}  # written by another kernel
    file.write_text(json.dumps(content))
    check("09.1", right)
    assert read_progress()["exercises"]["08.1"] == {"tries": 5, "passed": True}


# Files of version 1, in which notebook 06 had all of 06 to 08, and 07 was today's 09


def numbered(*names: str) -> dict[str, dict[str, int]]:
    """Return entries that differ."""
    return {name: {"tries": number} for number, name in enumerate(names, 1)}


VERSION_1 = {
    "version": 1,
    "exercises": numbered("01.1", "06.1", "06.4", "06.5", "06.6", "06.7", "07.1", "07.5"),
    "quiz": numbered("06.q1", "06.q2", "06.q3", "06.q4", "06.q5", "06.q6", "07.q1", "x"),
    "predictions": numbered("06.a", "06.b", "06.c", "06.d", "06.e", "06.f", "06.g", "06.z", "07.a"),
}
TODAY = {
    "version": 2,
    "exercises": numbered("01.1", "06.1", "06.4", "07.1", "07.2", "07.3", "09.1", "09.5"),
    "quiz": numbered("06.q1", "06.q2", "07.q1", "07.q2", "07.q3", "07.q4", "09.q1", "x"),
    "predictions": numbered("06.a", "06.b", "07.a", "07.b", "07.c", "07.d", "08.b", "06.z", "09.a"),
}


def test_a_file_of_version_1_gets_the_names_of_today(file: Path):
    file.write_text(json.dumps(VERSION_1))
    assert read_progress() == TODAY == read_progress()


def test_reading_a_file_of_version_1_leaves_it_until_the_next_update(file: Path):
    file.write_text(json.dumps(VERSION_1))
    content, changed = file.read_bytes(), file.stat().st_mtime_ns
    read_progress()
    assert (file.read_bytes(), file.stat().st_mtime_ns, files(file.parent)) == (content, changed, ["progress.json"])
    update_entry("exercises", "07.1", tries=1)
    expected = TODAY | COURSE | {"exercises": TODAY["exercises"] | {"07.1": {"tries": 5}}}
    assert json.loads(file.read_text()) == expected


def test_a_file_of_version_2_is_not_renamed_again(file: Path):
    content = TODAY | {"exercises": numbered("06.5", "06.6", "06.7", "07.1"), "quiz": numbered("06.q3", "07.q1")}
    file.write_text(json.dumps(content))
    assert read_progress() == content
    update_entry("predictions", "06.c", low=1)
    assert read_progress() == content | COURSE | {"predictions": TODAY["predictions"] | {"06.c": {"low": 1}}}


def test_everything_else_in_a_file_stays(file: Path):
    more = {"name": "Ada", "course": "0.9", "notes": [1, {"a": None}]}
    file.write_text(json.dumps(VERSION_1 | more))
    update_entry("quiz", "09.q1", tries=1)
    expected = TODAY | more | COURSE | {"quiz": TODAY["quiz"] | {"09.q1": {"tries": 8}}}
    assert json.loads(file.read_text()) == expected


def test_a_name_is_added_and_removed_beside_the_updates_of_others(file: Path, monkeypatch: pytest.MonkeyPatch):
    update_entry("quiz", "09.q1", tries=1)
    update_name("Ada")
    update_entry("quiz", "09.q1", tries=1)
    assert read_progress() == EMPTY | COURSE | {"name": "Ada", "quiz": {"09.q1": {"tries": 2}}}
    update_name("")
    assert read_progress() == EMPTY | COURSE | {"quiz": {"09.q1": {"tries": 2}}}

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patch:
        patch.setattr(atomic_write.os, "mkdir", refuse)
        update_name("Ben")
    assert "name" not in json.loads(file.read_text()) and read_progress()["name"] == "Ben"
    update_entry("quiz", "09.q1", tries=1)
    assert json.loads(file.read_text()) == EMPTY | COURSE | {"name": "Ben", "quiz": {"09.q1": {"tries": 3}}}


def test_an_update_that_was_not_written_has_a_name_of_today(file: Path, monkeypatch: pytest.MonkeyPatch):
    file.write_text(json.dumps(VERSION_1))
    monkeypatch.setitem(progress._unwritten, file, [("exercises", "07.1", {"tries": 1})])
    assert read_progress()["exercises"] == TODAY["exercises"] | {"07.1": {"tries": 5}}


def test_the_content_of_a_file_is_parsed_without_the_file():
    assert parse_progress(json.dumps(VERSION_1).encode()) == TODAY
    assert parse_progress(json.dumps(TODAY).encode("utf-8-sig")) == TODAY
    for other in (b"{", b"[]", b"\xff", b"[" * 100_000, json.dumps(TODAY | {"version": 3}).encode()):
        assert parse_progress(other) is None


def test_no_entry_of_version_1_is_lost_where_two_names_become_one(file: Path):
    file.write_text(json.dumps(VERSION_1 | {"exercises": numbered("07.1", "09.1", "06.5")}))
    exercises = read_progress()["exercises"]
    assert exercises["07.1"] == {"tries": 3} and exercises["09.1"] in ({"tries": 1}, {"tries": 2})
    assert {entry["tries"] for entry in exercises.values()} == {1, 2, 3}


def test_the_renamed_entries_exist_in_the_notebooks(monkeypatch: pytest.MonkeyPatch):
    """No fixture changes `entries` here: the names come from the course."""
    monkeypatch.undo()
    from aitex_utils.lessons.engine.catalogue import entries, guess_names

    for name in progress.RENAMED.values():
        kinds = entries(name, "EXERCISES"), entries(name, "QUESTIONS"), guess_names(name)
        is_there = name[:2] != "08" or guess_names("08")
        assert any(name in kind for kind in kinds) or not is_there, name
