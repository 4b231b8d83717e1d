"""`course.py class`: what it prints, what it refuses, and where it writes."""

from __future__ import annotations

from pathlib import Path

import pytest
from simulated_class import progress_files, write_class

from aitex_utils.commands import class_page
from aitex_utils.commands.class_page import main


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with three files of learners and a damaged one."""
    monkeypatch.setattr(class_page, "PROJECT", tmp_path / "course")
    monkeypatch.delenv("COURSE_PROGRESS", raising=False)
    write_class(tmp_path / "1b", progress_files(3))
    (tmp_path / "1b" / "cut.json").write_text("{")
    return tmp_path / "1b"


def test_it_writes_a_page_and_a_table_and_names_what_it_leaves_out(folder: Path, capsys: pytest.CaptureFixture):
    assert main([str(folder)]) == 0
    page = folder.parent / "course" / "data" / "class" / "1b.html"
    assert "<h1>Class 1b</h1>" in page.read_text(encoding="utf-8") and page.with_suffix(".csv").is_file()
    shown = capsys.readouterr()
    assert shown.out.startswith(f"3 learners: open {page.as_uri()} in a browser.") and "1b.csv" in shown.out
    assert shown.err == "cut.json is damaged or cut off: ask the learner for it again.\n"


def test_a_page_among_the_files_is_remarked(folder: Path, capsys: pytest.CaptureFixture):
    assert main([str(folder), "--out", str(folder / "page.html")]) == 0
    assert "all who can read that folder can read it" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "Name the folder with the learners' progress files"),
        (["--live"], "Name the folder with the learners' progress files"),
        (["none"], "is no folder: name the folder"),
        (["none", "--live"], "is no folder: name the folder"),
        (["1b/cut.json"], "is no folder: name the folder"),
        (["empty"], "contains no progress file that can be read"),
        (["1b", "--out", "1b.txt"], "let it end in .html"),
        (["1b", "--out", "thesis.html"], "was not written by this command"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    arguments: list[str], says: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    monkeypatch.chdir(folder.parent)
    (folder.parent / "empty").mkdir()
    (folder.parent / "thesis.html").write_text("mine")
    assert main(arguments) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("class: ")]
    assert len(lines) == 1 and says in lines[0]
    assert (folder.parent / "thesis.html").read_text() == "mine"


@pytest.mark.parametrize("is_named", [True, False])
def test_live_watches_the_folder_that_was_named_or_that_of_course_progress(
    is_named: bool, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    watched = []
    monkeypatch.setattr(class_page, "watch_class", lambda place, title, page, say: watched.append((place, title)))
    monkeypatch.setenv("COURSE_PROGRESS", str((folder.parent if is_named else folder) / "me.json"))
    assert main([*([str(folder)] if is_named else []), "--live"]) == 0
    assert watched == [(folder, "1b")] and "Ctrl-C ends it" in capsys.readouterr().out
