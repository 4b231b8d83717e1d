"""Find an exercise, a quiz question or a guess by its number, in the folder or the source of its notebook."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from types import FunctionType
from typing import Any

from aitex_utils.strips import PROJECT

from .compare import plain_text
from .display import say

LESSONS = Path(__file__).resolve().parent.parent
SOURCES = PROJECT / "notebooks" / "source"
GUESS = re.compile(r'^predict\("([^"]+)"', re.MULTILINE)
NOUNS = {"EXERCISES": "exercise", "QUESTIONS": "question"}
EXAMPLES = {"EXERCISES": '"01.2"', "QUESTIONS": '"01.q1"'}


def entries(name: Any, kind: str) -> dict[str, Any]:
    """Return the exercises or the questions of a notebook.

    Parameters
    ----------
    name : object
        Number of an exercise or question of the notebook, or of the notebook: "02.1", "02.q1" or "02".
    kind : str
        "EXERCISES" or "QUESTIONS".

    Returns
    -------
    dict
        `Exercise` or `Question` by number. It is empty if there is no such notebook.

    Examples
    --------
    >>> "00.1" in entries("00", "EXERCISES"), entries("xx", "EXERCISES")
    (True, {})
    """
    number = plain_text(name)[:2]
    if not (number.isdigit() and (LESSONS / f"nb{number}" / "exercises.py").is_file()):
        return {}
    module = import_module(f"aitex_utils.lessons.nb{number}.exercises")
    return {entry.id: entry for entry in getattr(module, kind, ())}


def guess_names(name: Any) -> list[str]:
    """Return the names of the guesses of a notebook, in their order.

    Parameters
    ----------
    name : object
        Name of a guess of the notebook, "02.a", or its number.

    Returns
    -------
    list of str
        Empty if there is no such notebook, or its source cannot be read.

    Examples
    --------
    >>> "00.a" in guess_names("00"), guess_names("xx")
    (True, [])
    """
    number = plain_text(name)[:2]
    if not (number.isdigit() and number.isascii()):
        return []
    try:
        sources = sorted(SOURCES.glob(f"{number}_*.py"))
        return list(dict.fromkeys(GUESS.findall("".join(path.read_text(encoding="utf-8") for path in sources))))
    except (OSError, ValueError):
        return []


def find_entry(name: Any, kind: str) -> Any:
    """Return the exercise or question with a number, or None with a message if there is none.

    Parameters
    ----------
    name : object
        Number, "02.1" or "02.q1". Other values are a learner's slip, which the message explains.
    kind : str
        "EXERCISES" or "QUESTIONS".

    Returns
    -------
    Exercise, Question or None

    Examples
    --------
    >>> find_entry("00.1", "EXERCISES").id
    '00.1'
    >>> find_entry(1.2, "EXERCISES")
    ○ 1.2  There is no exercise with this number. Write the number in quotes, as in the text, for
      example "01.2".
    """
    number = str.__str__(name) if issubclass(type(name), str) else None  # without the methods of a subclass
    entry = entries(number, kind).get(number)
    if entry is None:
        say("open", *_explain_missing(name, kind))
    return entry


def _explain_missing(name: Any, kind: str) -> tuple[str, str]:
    """Return the title and the message for a number that does not exist, or an answer in the number's place."""
    title, noun, example = plain_text(name)[:40], NOUNS[kind], EXAMPLES[kind]
    if issubclass(type(name), FunctionType):
        call = f"check({example}, {name.__name__[:40]})"
        return f"Which {noun}?", f"The number is missing. It comes first, in quotes, for example `{call}`."
    if kind == "QUESTIONS" and len(title) == 1 and title.isalpha():
        call = f'quiz({example}, "{title}")'
        return title, f"The number of the question is missing. It comes first, for example `{call}`."
    message = f"There is no {noun} with this number. Write the number in quotes, as in the text, for example {example}."
    return title, message
