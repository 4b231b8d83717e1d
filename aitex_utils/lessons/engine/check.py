"""Answer an exercise: `check` judges it, `hint` gives the next hint."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from .catalogue import find_entry
from .compare import NOT_ATTEMPTED, Verdict
from .display import say
from .judge import judge
from .progress import read_entry, update_entry
from .yours import keep_passed


def check(name: str, answer: Any = None) -> None:
    """Judge an answer, show what is right or wrong with it, and count the try.

    Parameters
    ----------
    name : str
        Number of the exercise, "02.1".
    answer : object
        Your function. Whatever it is or does is no error here.

    Notes
    -----
    Tries are counted until the exercise passes. An exercise that passed once stays passed. Until the kernel ends,
    `yours` returns the version that passed last. The progress file also keeps the times of the first and the last
    counted try, and the last mistake.

    Examples
    --------
    >>> check("00.1")
    ○ Exercise 00.1  Not attempted yet: there is no answer. Pass the name of your function, without
      parentheses.
    """
    exercise = find_entry(name, "EXERCISES")
    if exercise is None:
        return
    name = exercise.id
    try:
        verdict = judge(exercise, answer)
    except KeyboardInterrupt:
        say("open", f"Exercise {name}", "Interrupted before the answer was judged: this try does not count.")
        raise
    if verdict.kind == NOT_ATTEMPTED:
        say("open", f"Exercise {name}", verdict.message)
        return
    before = read_entry("exercises", name).get("passed") is True
    entry = update_entry("exercises", name, **_changes(verdict, before))
    if verdict.passed:
        keep_passed(name, answer)
        tries = f" ({entry['tries']} tries)" if entry["tries"] > 1 and not before else ""
        say("passed", f"Exercise {name} passed", verdict.message + tries)
        return
    more = "" if verdict.mistake or not exercise.hints else f' For a hint, run `hint("{name}")`.'
    say("wrong", f"Exercise {name}: {'not yet' if verdict.mistake else verdict.kind}", verdict.message + more)


def _changes(verdict: Verdict, before: bool) -> dict[str, Any]:
    """Return how a try changes the entry of its exercise, which can have passed before."""
    if before:
        return {"tries": 0, "passed": True}
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
    changes = {"tries": 1, "passed": verdict.passed, "first": now, "last": now}
    return changes if verdict.passed else {**changes, "mistake": verdict.mistake or verdict.kind}


def hint(name: str) -> None:
    """Show the next hint of an exercise, and the first hint again after the last.

    Parameters
    ----------
    name : str
        Number of the exercise, "02.1".

    Examples
    --------
    >>> hint("00.1")  # doctest: +ELLIPSIS
    ? Hint 1 of ... for 00.1  ...
    """
    exercise = find_entry(name, "EXERCISES")
    if exercise is None:
        return
    name = exercise.id
    if not exercise.hints:
        say("open", f"Exercise {name}", "This exercise has no hints.")
        return
    used = update_entry("exercises", name, hints=1)["hints"]
    i = (used - 1) % len(exercise.hints)
    again = "You have seen all hints. Here is the first one again: " if used > 1 and i == 0 else ""
    say("hint", f"Hint {i + 1} of {len(exercise.hints)} for {name}", again + exercise.hints[i])
