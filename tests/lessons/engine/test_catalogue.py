"""Finding exercises and questions by number, and explaining a number that does not exist."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from aitex_utils.lessons import check, quiz
from aitex_utils.lessons.engine import catalogue
from aitex_utils.lessons.engine.catalogue import entries, find_entry, guess_names


def test_a_notebook_s_exercises_and_questions_are_found_by_any_of_their_numbers():
    for kind, name in (("EXERCISES", "00.1"), ("QUESTIONS", "00.q1")):
        assert find_entry(name, kind).id == name
        assert entries("00", kind).keys() == entries(name, kind).keys()


@pytest.mark.parametrize("name", [None, 1.2, "", "99.1", "xx", "../x", "\0", "²3.1", ["01.2"], {}])
def test_other_names_have_no_entries(name: object):
    assert entries(name, "EXERCISES") == {}


@pytest.mark.parametrize("number", ["00", "01", "02", "03", "04", "05", "06", "07", "08", "09"])
def test_a_notebook_s_guesses_are_found_by_any_of_their_names(number: str):
    names = guess_names(number)
    assert names and len(set(names)) == len(names) and all(name.startswith(f"{number}.") for name in names)
    assert guess_names(names[-1]) == names


@pytest.mark.parametrize("name", [None, "", "xx", "../", "²3", "99.a", {}])
def test_other_names_have_no_guesses(name: object):
    assert guess_names(name) == []


def test_a_source_that_cannot_be_read_has_no_guesses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(catalogue, "SOURCES", tmp_path)
    (tmp_path / "00_x.py").write_bytes(b'predict("00.a", \xff')
    assert guess_names("00.a") == [] == guess_names("01.a")


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
