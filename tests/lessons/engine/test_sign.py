"""A learner agrees to a name in the progress file, and takes it back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aitex_utils.lessons import check, predict, reveal, sign, unsign
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
