"""`yours` returns the function that passed last in this kernel, else the course's, and says which."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from checks_example import doubled

from aitex_utils.lessons import check, yours
from aitex_utils.lessons.engine.progress import update_entry
from aitex_utils.lessons.engine.yours import forget_passed

pytestmark = pytest.mark.usefixtures("one_exercise")


@pytest.fixture(autouse=True)
def _fresh_kernel() -> Iterator[None]:
    forget_passed()
    yield
    forget_passed()


def twice(x):
    return x + x


@pytest.mark.parametrize("answer", [None, ..., 3, len, lambda x: x * x, lambda x: None])
def test_the_course_s_function_is_used_until_an_answer_passes(answer: Any, printed: Callable[[], str]):
    check("09.1", answer)
    printed()
    assert yours("09.1", doubled) is doubled
    assert printed() == "Uses the course's doubled: exercise 09.1 has not passed yet in this session."


def test_a_function_that_passed_is_used(printed: Callable[[], str]):
    check("09.1", twice)
    printed()
    assert yours("09.1", doubled) is twice
    assert printed() == "Uses your twice (exercise 09.1)."


def test_a_later_version_that_fails_does_not_replace_it():
    check("09.1", twice)
    check("09.1", lambda x: 3 * x)
    check("09.1")
    assert yours("09.1", doubled) is twice


def test_a_later_version_that_passes_replaces_it():
    check("09.1", twice)
    check("09.1", newest := lambda x: 2 * x)
    assert yours("09.1", doubled) is newest


def test_a_pass_in_an_earlier_session_is_not_enough():
    """Progress outlives the kernel, the function does not."""
    update_entry("exercises", "09.1", passed=True)
    assert yours("09.1", doubled) is doubled


@pytest.mark.parametrize("number", ["09.2", "", None, 9.1, [], doubled])
def test_an_unknown_number_is_explained_and_gives_the_fallback(number: Any, printed: Callable[[], str]):
    assert yours(number, doubled) is doubled
    text = printed()
    assert "number" in text and "Uses" not in text


class Nameless:
    """A callable that passes and has no name."""

    def __call__(self, x: Any) -> Any:
        return 2 * x

    def __getattr__(self, name: str) -> Any:
        raise SystemExit


@pytest.mark.parametrize(
    "answer", [lambda x: 2 * x, functools.partial(doubled), Nameless()], ids=["lambda", "partial", "object"]
)
def test_a_function_without_a_name_is_called_a_function(answer: Callable, printed: Callable[[], str]):
    check("09.1", answer)
    printed()
    assert yours("09.1", doubled) is answer
    assert printed() == "Uses your function (exercise 09.1)."


def test_a_fallback_can_be_anything():
    assert yours("09.1", None) is None


def test_a_function_that_fails_later_changes_nothing(one_exercise: Path):
    calls: list[int] = []

    def moody(x):
        calls.append(1)
        if len(calls) > 2:
            raise ValueError("no more")
        return 2 * x

    check("09.1", moody)
    before = one_exercise.read_bytes()
    used = yours("09.1", doubled)
    with pytest.raises(ValueError, match="no more"):
        used(1)
    assert yours("09.1", doubled) is moody and one_exercise.read_bytes() == before
