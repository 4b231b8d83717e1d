"""Quiz questions with one right choice and an explanation of each choice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .catalogue import find_entry
from .display import say
from .progress import read_entry, update_entry


@dataclass(frozen=True)
class Question:
    """A question of the quiz.

    Parameters
    ----------
    id : str
        Number of the question, "02.q1".
    text : str
        The question.
    choices : dict
        (text, explanation) of each choice, by letter.
    right : str
        Letter of the right choice.

    Examples
    --------
    >>> question = Question("09.q1", "2 + 2?", {"a": ("3", "1 too few."), "b": ("4", "Yes.")}, "b")
    >>> question.choices[question.right]
    ('4', 'Yes.')
    """

    id: str
    text: str
    choices: dict[str, tuple[str, str]]
    right: str


def judge_choice(question: Question, choice: Any) -> tuple[bool | None, str]:
    """Judge a choice.

    Parameters
    ----------
    question : Question
        The question.
    choice : object
        A letter. None asks the question.

    Returns
    -------
    right : bool or None
        None if there is no choice, or not an existing one.
    message : str

    Examples
    --------
    >>> question = Question("09.q1", "2 + 2?", {"a": ("3", "1 too few."), "b": ("4", "Yes.")}, "b")
    >>> judge_choice(question, "A)")
    (False, '1 too few.')
    """
    letters = ", ".join(question.choices)
    if choice is None:
        choices = "\n".join(f"{letter}) {text}" for letter, (text, _) in question.choices.items())
        return None, f"{question.text}\n{choices}"
    text = str.strip(choice) if issubclass(type(choice), str) else None
    if text == "":
        return None, f"Not answered yet: write your letter, one of {letters}, between the quotation marks."
    letter = (text or "").rstrip(".)").lower()
    if letter not in question.choices:
        return None, f"Choose one of {letters}, and write the letter in quotes."
    return letter == question.right, question.choices[letter][1]


def quiz(name: str, choice: str | None = None) -> None:
    """Answer a question of the quiz, or show the question.

    Parameters
    ----------
    name : str
        Number of the question, "02.q1".
    choice : str, optional
        Letter of your choice, in quotes. Without it the question is shown.

    Examples
    --------
    >>> quiz("00.q1", "x")  # doctest: +ELLIPSIS
    ○ Question 00.q1  Choose one of a, b, ... and write the letter in quotes.
    """
    question = find_entry(name, "QUESTIONS")
    if question is None:
        return
    name = question.id
    right, message = judge_choice(question, choice)
    if right is None:
        say("open", f"Question {name}", message)
        return
    before = read_entry("quiz", name).get("passed") is True
    update_entry("quiz", name, tries=0 if before else 1, passed=before or right)
    say("passed" if right else "wrong", f"Question {name}: {'right' if right else 'not right'}", message)
