"""A learner agrees to a name in the progress file, takes it back, and copies the file for a teacher."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aitex_utils.lessons import check, hand_in, predict, reveal, sign, unsign
from aitex_utils.teaching.class_files import read_class
from aitex_utils.teaching.progress_files import FolderReader


def content(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text(encoding="utf-8"))


def test_without_agreement_there_is_no_name(one_exercise: Path):
    check("09.1", lambda x: x)
    assert set(content(one_exercise)) == {"version", "exercises", "quiz", "predictions", "course"}


def test_a_name_is_kept_changed_and_removed(one_exercise: Path, printed: Callable[[], str]):
    check("09.1", lambda x: x)
    before = content(one_exercise)
    for given, kept in (("Ada", "Ada"), ("  Zoë \n de  la Cruz ", "Zoë de la Cruz"), ("<script>", "<script>")):
        sign(given)
        text = printed()
        assert f"Signed as {kept} " in text and "unsign()" in text and content(one_exercise) == before | {"name": kept}
    unsign()
    assert "was removed" in printed() and content(one_exercise) == before
    unsign()
    assert "There is no name" in printed() and content(one_exercise) == before


@pytest.mark.parametrize("name", ["", "  ", None, 5, "a" * 61, "\x07", "a\u202eb", "\ud800", ["Ada"], sign])
def test_what_is_no_name_is_refused_with_an_example(name: Any, one_exercise: Path, printed: Callable[[], str]):
    sign("Ada")
    printed()
    sign(name)
    text = printed()
    assert text.startswith("○ Not signed") and 'sign("Ada")' in text and content(one_exercise)["name"] == "Ada"


def test_a_name_that_cannot_be_written_costs_one_sentence(
    one_exercise: Path, printed: Callable[[], str], monkeypatch: pytest.MonkeyPatch
):
    one_exercise.mkdir()
    sign("Ada")
    text = printed()
    assert text.count("not kept") == 1 and "Signed as" not in text


def test_the_command_for_a_class_reads_what_the_course_writes(one_exercise: Path):
    sign("Ada")
    check("09.1", lambda x: x * x)
    predict("09.a", 1, 3)
    reveal("09.a", 2)
    (learner,) = read_class(FolderReader(one_exercise.parent)).learners
    attempt = learner.content.attempts["09.1"]
    assert (learner.label, attempt.tries, attempt.mistake) == ("Ada", 1, "squared")
    assert attempt.first == attempt.last is not None and learner.content.guesses["09.a"].is_hit
    assert content(one_exercise)["course"] == learner.content.course


def test_a_copy_for_a_teacher_lies_in_the_folder_of_the_notebook(
    one_exercise: Path, printed: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "notebooks"
    folder.mkdir()
    monkeypatch.chdir(folder)
    hand_in("ada")
    assert "no progress yet" in printed() and not list(folder.iterdir())
    for answer in (lambda x: x, lambda x: x * x):
        check("09.1", answer)
        printed()
        hand_in("ada")
        assert str(folder / "ada.json") in printed()
        assert (folder / "ada.json").read_bytes() == one_exercise.read_bytes()
    assert [path.name for path in folder.iterdir()] == ["ada.json"]
    (learner,) = read_class(FolderReader(folder)).learners
    assert (learner.label, learner.content.attempts["09.1"].tries) == ("ada", 2)


@pytest.mark.parametrize("name", ["", None, 5, "a/b", "../ada", "ada.json", "a b", "-a", "a" * 61, hand_in])
def test_a_name_that_is_none_for_a_file_is_refused(
    name: Any, one_exercise: Path, printed: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    check("09.1", lambda x: x)
    before = sorted(tmp_path.rglob("*"))
    printed()
    hand_in(name)
    assert printed().startswith("○ Not copied") and sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("kind", ["thesis", "folder", "link", "read-only"])
def test_a_copy_replaces_nothing_but_a_progress_file(
    kind: str, one_exercise: Path, printed: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "notebooks"
    folder.mkdir()
    monkeypatch.chdir(folder)
    check("09.1", lambda x: x)
    if kind == "thesis":
        (folder / "ada.json").write_text("{}")
    elif kind == "folder":
        (folder / "ada.json").mkdir()
    elif kind == "link":
        (tmp_path / "mine.json").write_text("[]")
        (folder / "ada.json").symlink_to(tmp_path / "mine.json")
    else:
        monkeypatch.setattr("os.replace", refused)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    printed()
    hand_in("ada")
    assert printed().startswith("○ Not copied ")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def refused(*_: object) -> None:
    raise PermissionError(13, "Permission denied")
