"""Finding exercises and questions by number, and explaining a number that does not exist."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from aitex_utils.lessons import check, quiz
from aitex_utils.lessons.engine.catalogue import entries, find_entry


def test_a_notebook_s_exercises_and_questions_are_found_by_any_of_their_numbers():
    for kind, name in (("EXERCISES", "00.1"), ("QUESTIONS", "00.q1")):
        assert find_entry(name, kind).id == name
        assert entries("00", kind).keys() == entries(name, kind).keys()


@pytest.mark.parametrize("name", [None, 1.2, "", "99.1", "xx", "../x", "\0", "²3.1", ["01.2"], {}])
def test_other_names_have_no_entries(name: object):
    assert entries(name, "EXERCISES") == {}


def test_an_unknown_number_is_explained(printed: Callable[[], str]):
    assert find_entry("00.99", "EXERCISES") is None
    text = printed()
    assert text.startswith("○ 00.99 There is no exercise") and '"01.2"' in text
    assert find_entry("00.q99", "QUESTIONS") is None
    text = printed()
    assert text.startswith("○ 00.q99 There is no question") and '"01.q1"' in text


def test_a_missing_number_is_asked_for(printed: Callable[[], str]):
    def receptive_field(x):
        return x

    check(receptive_field)
    assert '`check("01.2", receptive_field)`' in printed()
    quiz("b")
    assert '`quiz("01.q1", "b")`' in printed()
