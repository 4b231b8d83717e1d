"""The quiz: which choice is right, the explanation of each, and choices that do not exist."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from aitex_utils.lessons import quiz
from aitex_utils.lessons.engine.progress import read_progress

pytestmark = pytest.mark.usefixtures("one_exercise")


@pytest.mark.parametrize("choice", ["b", "B", " b ", "b)", "B."])
def test_the_right_choice_in_any_spelling(choice: str, printed: Callable[[], str]):
    quiz("09.q1", choice)
    assert printed() == "✓ Question 09.q1: right Yes, two and two."


def test_a_wrong_choice_is_explained(printed: Callable[[], str]):
    quiz("09.q1", "a")
    assert printed() == "✗ Question 09.q1: not right That is one too few."


def test_without_a_choice_the_question_is_shown(printed: Callable[[], str]):
    quiz("09.q1")
    assert printed() == "○ Question 09.q1 What is <twice> two? a) three b) four"


@pytest.mark.parametrize("choice", ["", " ", "c", "ab", 1, True, ..., ["b"], b"b", np.array("b"), np.ones(3)])
def test_a_choice_that_does_not_exist_counts_no_try(choice: object, printed: Callable[[], str]):
    quiz("09.q1", choice)
    text = printed()
    assert text.startswith("○ Question 09.q1") and "one of a, b," in text
    assert ("Not answered yet" in text) == (choice in ("", " ") if isinstance(choice, str) else False)
    assert read_progress()["quiz"] == {}


def test_tries_are_counted_until_the_question_is_passed():
    for choice in "abab":
        quiz("09.q1", choice)
    assert read_progress()["quiz"] == {"09.q1": {"tries": 2, "passed": True}}
