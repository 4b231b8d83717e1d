"""Questions with one right choice, and something to learn from each wrong one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Question:
    """A question, its choices by letter with what is said to whoever takes them, and the letter of the right one."""

    id: str
    text: str
    choices: dict[str, tuple[str, str]]
    right: str


def pick(question: Question, choice: Any) -> tuple[bool | None, str]:
    """Return whether a choice is right, and what to say; None for no choice, or one that isn't there."""
    letters = ", ".join(question.choices)
    if choice is None:
        asked = "\n".join(f"{letter}) {text}" for letter, (text, _) in question.choices.items())
        return None, f"{question.text}\n{asked}"
    if issubclass(type(choice), str) and not choice.strip():
        return None, f"Not answered yet: put your letter, one of {letters}, between the empty quotation marks."
    letter = choice.strip().rstrip(".)").lower() if issubclass(type(choice), str) else ""
    if letter not in question.choices:
        return None, f"Choose one of {letters}, as a letter in quotes."
    return letter == question.right, question.choices[letter][1]
