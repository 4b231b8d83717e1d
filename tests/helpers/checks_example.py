"""A made-up exercise and question, on which the engine of the lessons is tested."""

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
        Mistake("squared", "You square each number.", lambda x: x * x),
        Mistake("breaks", "This hint is never given.", lambda x: x[7]),
        Mistake("halved", "You halve each number.", lambda x: x / 2),
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
    """Return an exercise with that reference and those cases, without mistakes and hints unless given."""
    fields = {"mistakes": (), "hints": ()} | changes
    return Exercise(id="09.1", task="", reference=reference, cases=lambda: list(cases), **fields)


def verdict_on(result: Any, expected: Any, *arguments: Any, **changes: Any) -> Verdict:
    """Judge a function that returns `result` where `expected` is right."""
    return judge(exercise(lambda *_: expected, arguments, **changes), lambda *_: result)
