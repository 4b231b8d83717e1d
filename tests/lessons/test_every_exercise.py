"""Requirements on the exercises and questions of every notebook."""

from __future__ import annotations

import ast
from collections.abc import Callable
from importlib import import_module

import numpy as np
import pytest
from lesson_cells import KNOWN, builder, cells_of, defined, exercise_cells

from aitex_utils.lessons import Exercise, Question, judge

NUMBERS = [path.stem[:2] for path in sorted(builder.SOURCE.glob("[0-9][0-9]_*.py"))]
MODULES = {number: import_module(f"aitex_utils.lessons.nb{number}.exercises") for number in NUMBERS}
EXERCISES = [exercise for module in MODULES.values() for exercise in module.EXERCISES]
QUESTIONS = [question for module in MODULES.values() for question in module.QUESTIONS]
WITHOUT_BACKTICKS = ("03", "04", "05", "06")  # notebooks whose questions are stored without backticks


def function_of(cell: str, number: str) -> Callable:
    (name,) = (part.name for part in ast.parse(cell).body if isinstance(part, ast.FunctionDef))
    return defined(cell, name, KNOWN.get(number))


@pytest.mark.parametrize("number", NUMBERS)
def test_each_exercise_has_its_cell(number: str):
    expected = [exercise.id for exercise in MODULES[number].EXERCISES]
    assert list(exercise_cells(builder.solved, number)) == list(exercise_cells(builder.learner, number)) == expected


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.id)
def test_the_notebook_s_own_solution_passes(exercise: Exercise):
    number = exercise.id[:2]
    verdict = judge(exercise, function_of(exercise_cells(builder.solved, number)[exercise.id], number))
    assert verdict.passed, verdict.message


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.id)
def test_the_stub_is_not_attempted(exercise: Exercise):
    number = exercise.id[:2]
    stub = exercise_cells(builder.learner, number)[exercise.id]
    assert judge(exercise, function_of(stub, number)).kind == "not attempted"


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.id)
def test_another_wrong_answer_gets_no_hint_of_a_known_mistake(exercise: Exercise):
    value = 0.123 if exercise.id.startswith("06") else 0.0  # zeros are a known mistake there
    answer = (lambda *_: object()) if exercise.id in ("01.5", "01.6") else lambda *_: np.full(3, value)
    verdict = judge(exercise, answer)  # three zeros are three sets that share a tile, a known mistake
    assert not verdict.passed and not verdict.mistake


@pytest.mark.parametrize("number", NUMBERS)
def test_questions_are_numbered_from_one(number: str):
    questions = MODULES[number].QUESTIONS
    assert [question.id for question in questions] == [f"{number}.q{i}" for i in range(1, len(questions) + 1)]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.id)
def test_each_question_has_one_right_choice_and_explains_all(question: Question):
    assert question.right in question.choices
    assert all(text and explanation for text, explanation in question.choices.values())


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.id)
def test_the_notebook_contains_the_words_of_each_question(question: Question):
    number = question.id[:2]
    cells = cells_of(builder.solved, number)
    lines = [line for cell in cells if cell.cell_type == "code" for line in cell.source.splitlines()]
    assert f'quiz("{question.id}", "{question.right}")' in lines
    text = " ".join(" ".join(c.source for c in cells if c.cell_type == "markdown").split())
    if number in WITHOUT_BACKTICKS:
        text = text.replace("`", "")
    assert question.text in text
    for letter, (choice, _) in question.choices.items():
        choice = choice.rstrip(".") if number == "00" else choice  # choices without a full stop in the notebook
        assert f"- {letter}) {choice}" in text
