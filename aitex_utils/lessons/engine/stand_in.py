"""Use a learner's own function if it is right, else the course's, so that a notebook can continue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aitex_utils.errors import InputError

from .catalogue import entries
from .compare import plain_text
from .display import say
from .judge import judge


def yours_or_ours(name: str, answer: Any) -> Callable[..., Any]:
    """Return the learner's function if it solves an exercise, else the course's, and show which one.

    Parameters
    ----------
    name : str
        Number of the exercise, "02.1".
    answer : object
        The learner's function.

    Returns
    -------
    callable

    Raises
    ------
    InputError
        If there is no exercise with this number.

    Notes
    -----
    Unlike `check`, it counts no try and gives no hint: it is for cells that use the result of an earlier exercise.

    Examples
    --------
    >>> reference = yours_or_ours("00.1", None)
    ○ Exercise 00.1  It is not solved yet, so the course's own function is used from here on.
    >>> callable(reference)
    True
    """
    name = plain_text(name)
    exercise = entries(name, "EXERCISES").get(name)
    if exercise is None:
        raise InputError(f'There is no exercise {name[:40]!r}: write the number as in the text, for example "01.2".')
    if judge(exercise, answer).passed:
        say("info", f"Exercise {name}", "Your own function is used from here on.")
        return answer
    say("open", f"Exercise {name}", "It is not solved yet, so the course's own function is used from here on.")
    return exercise.reference
