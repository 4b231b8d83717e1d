"""The function with which a notebook continues: the learner's if it is right, else the course's."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from checks_example import EXERCISE

from aitex_utils.errors import InputError
from aitex_utils.lessons.engine.progress import read_progress
from aitex_utils.lessons.engine.stand_in import yours_or_ours

pytestmark = pytest.mark.usefixtures("one_exercise")


def stub(*arguments):
    raise NotImplementedError("09.1")


def test_a_right_answer_is_used(printed: Callable[[], str]):
    def answer(x):
        return x + x

    assert yours_or_ours("09.1", answer) is answer
    assert printed().startswith("• Exercise 09.1 Your own")


@pytest.mark.parametrize("answer", [None, stub, lambda *a: None, lambda *a: 1 / 0, 3])
def test_otherwise_the_course_s_function_is_used(answer: object, printed: Callable[[], str]):
    assert yours_or_ours("09.1", answer) is EXERCISE.reference
    text = printed()
    assert text.startswith("○ Exercise 09.1") and "the course's own" in text


def test_no_try_is_counted():
    yours_or_ours("09.1", stub)
    assert read_progress()["exercises"] == {}


def test_an_unknown_number_is_refused():
    with pytest.raises(InputError, match="no exercise '09.7'"):
        yours_or_ours("09.7", stub)
