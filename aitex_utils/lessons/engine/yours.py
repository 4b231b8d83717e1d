"""Continue with the learner's own function: `check` keeps each one that passes, and `yours` returns it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .catalogue import find_entry
from .compare import safely
from .display import print_line

_passed: dict[str, Callable[..., Any]] = {}  # the last function that passed, by exercise, until the kernel ends


def keep_passed(name: str, answer: Callable[..., Any]) -> None:
    """Keep a function that passed its exercise, for `yours`.

    Parameters
    ----------
    name : str
        Number of the exercise, "02.1".
    answer : callable
        The learner's function.

    Examples
    --------
    >>> keep_passed("00.1", round)
    >>> yours("00.1", abs)(0.7)
    Uses your round (exercise 00.1).
    1
    """
    _passed[name] = answer


def forget_passed() -> None:
    """Forget all functions that passed, as a restart of the kernel does.

    Examples
    --------
    >>> forget_passed()
    """
    _passed.clear()


def yours(name: str, fallback: Callable[..., Any]) -> Callable[..., Any]:
    """Return your function for an exercise if it passed `check` since the kernel started, else the fallback.

    One line says which function it is.

    Parameters
    ----------
    name : str
        Number of the exercise, "02.1".
    fallback : callable
        The course's function with the same arguments.

    Returns
    -------
    callable
        The version that passed last. A later version that fails does not replace it.

    Examples
    --------
    >>> forget_passed()
    >>> yours("00.1", abs)(-2)
    Uses the course's abs: exercise 00.1 has not passed yet in this session.
    2
    """
    exercise = find_entry(name, "EXERCISES")
    if exercise is None:
        return fallback
    answer = _passed.get(exercise.id)
    if answer is None:
        course_name = _name(fallback)
        print_line(f"Uses the course's {course_name}: exercise {exercise.id} has not passed yet in this session.")
        return fallback
    print_line(f"Uses your {_name(answer)} (exercise {exercise.id}).")
    return answer


def _name(function: Any) -> str:
    """Return the name of a function, or "function" if it has none, such as a lambda."""
    name = safely(lambda function: str.__str__(function.__name__), function, "function")
    return name[:60] if name.isidentifier() else "function"
