"""Files of one learner are recognised by the times of first tries, and no file disappears without a word."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aitex_utils.teaching.learners import gather
from aitex_utils.teaching.progress_files import Attempt, LeftOut, ProgressFile

BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=timezone.utc)


def tried(first: float, last: float | None = None, tries: int = 1) -> Attempt:
    """Return an attempt at these minutes."""
    times = (BEGIN + timedelta(minutes=minute) for minute in (first, first if last is None else last))
    return Attempt(False, tries, 0, *times)


def file(path: str, name: str = "", **attempts: Attempt) -> ProgressFile:
    return ProgressFile(path, name, "1.0.0", {f"01.{key[1:]}": attempt for key, attempt in attempts.items()})


def labels(*files: ProgressFile) -> list[str]:
    return [learner.label for learner in gather(files, []).learners]


def test_the_later_of_two_copies_counts_whatever_its_name_in_the_folder():
    early = file("z.json", e1=tried(0))
    late = file("a.json", "Ada", e1=tried(0, 5, tries=2), e2=tried(6))
    for order in ((early, late), (late, early)):
        found = gather(order, [LeftOut("m.json", "is empty: ask for it again.")])
        assert [(learner.label, learner.content) for learner in found.learners] == [("Ada", late)]
        assert [out.file for out in found.left_out] == ["m.json", "z.json"]
        assert found.left_out[1].reason == "is an earlier copy of a.json: the later file counts."


def test_a_name_that_was_withdrawn_is_not_shown():
    signed, withdrawn = file("a.json", "Ada", e1=tried(0)), file("b.json", e1=tried(0), e2=tried(9))
    assert labels(signed, withdrawn) == ["b"]


def test_two_learners_of_one_name_are_told_apart_by_their_files():
    assert labels(file("a.json", "Kim", e1=tried(0)), file("b.json", "kim", e1=tried(1))) == [
        *("Kim (a.json)", "kim (b.json)"),
    ]


def test_files_without_a_common_exercise_are_one_learner_s_only_if_signed_with_one_name():
    assert labels(file("a.json", "Kim", e1=tried(0)), file("b.json", " KIM ", e2=tried(1))) == [" KIM "]
    assert labels(file("a.json", e1=tried(0)), file("b.json", e2=tried(1))) == ["a", "b"]
    old = Attempt(True, 1, 0)  # of version 1, without times
    assert labels(file("a.json", e1=old), file("b.json", e1=old)) == ["a", "b"]


def test_a_copy_under_another_name_is_shown_and_remarked():
    found = gather([file("a.json", "Ada", e1=tried(0)), file("b.json", "Ben", e1=tried(0))], [])
    assert [learner.label for learner in found.learners] == ["Ada", "Ben"] and found.twins == (("Ben", "Ada"),)
    assert found.left_out == ()
    assert gather([file("a.json", "Ada", e1=tried(0)), file("b.json", "Ben", e1=tried(1))], []).twins == ()


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("ada.json", "ada"),
        ("1b/ada.json", "1b/ada"),
        ("Ada_77/progress.json", "Ada_77"),
        ("progress.json", "progress"),
        ("x/PROGRESS.JSON", "x"),
    ],
)
def test_an_unsigned_file_is_named_by_its_path(path: str, label: str):
    assert labels(file(path)) == [label]


def test_a_learner_can_be_called_like_another_with_its_file():
    files = file("a.json", "Kim", e1=tried(0)), file("b.json", "Kim", e1=tried(1)), file("c.json", "Kim (a.json)")
    assert len(set(labels(*files))) == 3


MINUTES = st.integers(0, 2).map(tried)
FILES = st.lists(
    st.builds(
        lambda name, attempts: ProgressFile("", name, "", attempts),
        st.sampled_from(["", "Ada", "ada", "Ben", "Ada (1.json)"]),
        st.dictionaries(st.sampled_from(["01.1", "01.2"]), MINUTES, max_size=2),
    ),
    max_size=8,
)


@given(FILES, st.randoms())
def test_each_file_counts_or_is_left_out_and_the_order_of_reading_does_not_matter(files, luck):
    files = [replace(content, file=f"{number}.json") for number, content in enumerate(files)]
    found = gather(files, [])
    counted = [learner.content.file for learner in found.learners]
    assert sorted([*counted, *(out.file for out in found.left_out)]) == [content.file for content in files]
    names = [learner.label for learner in found.learners]
    assert len(set(names)) == len(names)
    luck.shuffle(files)
    assert gather(files, []) == found
