"""A made-up exercise and question, on which the checks themselves are tested."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from aitex_utils.lessons import Exercise, Mistake, Question, Verdict, judge


def doubled(x: np.ndarray) -> np.ndarray:
    return 2 * x


EXERCISE = Exercise(
    id="09.1",
    task="Double each number.",
    reference=doubled,
    cases=lambda: [(np.array([1.0, 3.0]),), (np.arange(6.0).reshape(2, 3),)],
    mistakes=(
        Mistake("squared", "You multiply each number by itself.", lambda x: x * x),
        Mistake("breaks", "This hint is never given.", lambda x: x[7]),
        Mistake("halved", "You take half of it.", lambda x: x / 2),
    ),
    hints=("Think of adding.", "Add it to itself.", "`x + x`"),
    praise="Now you can double.",
)
QUESTION = Question(
    "09.q1",
    "What is <twice> two?",
    {"a": ("three", "That is one too few."), "b": ("four", "Yes, two and two.")},
    "b",
)


def exercise(reference: Callable[..., Any], *cases: tuple, **changes: Any) -> Exercise:
    """An exercise of that reference and those cases, without typical mistakes unless given."""
    given = {"mistakes": (), "hints": ()} | changes
    return Exercise(id="09.1", task="", reference=reference, cases=lambda: list(cases), **given)


def verdict_on(answer: Any, expected: Any, *arguments: Any, **changes: Any) -> Verdict:
    """Judge a function that gives `answer`, where `expected` was expected."""
    return judge(exercise(lambda *_: expected, arguments, **changes), lambda *_: answer)
