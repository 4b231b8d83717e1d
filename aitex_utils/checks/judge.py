"""Judge a learner's answer: not attempted, crashed, wrong kind, wrong shape, a known mistake, wrong value, or right.

An exercise brings a reference, the cases on which it is tried, and its typical mistakes. Each mistake is a function
that errs in just that way; an answer that gives the same on every case gets that mistake's hint.
"""

from __future__ import annotations

import contextlib
import copy
import io
import linecache
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .compare import (
    CRASHED,
    MISTAKE,
    NOT_ATTEMPTED,
    PASSED,
    WRONG_KIND,
    WRONG_VALUE,
    Refused,
    Verdict,
    close,
    difference,
    kind,
    plain,
    safely,
    same,
)


@dataclass(frozen=True)
class Mistake:
    """A typical way to be wrong: its name, the hint that it draws, and a function that makes it."""

    name: str
    hint: str
    wrong: Callable[..., Any]


@dataclass(frozen=True)
class Exercise:
    """What `check` must know of an exercise.

    `cases` gives the arguments of each call; the first should be small enough to be shown. Where closeness isn't what
    makes an answer right (ties, any order), `agree(expected, got, *arguments)` decides; None compares numbers within
    `tolerance`.
    """

    id: str
    task: str
    reference: Callable[..., Any]
    cases: Callable[[], Sequence[tuple]]
    mistakes: tuple[Mistake, ...]
    hints: tuple[str, ...]
    praise: str = ""
    tolerance: float = 1e-5
    agree: Callable[..., bool] | None = None


def judge(exercise: Exercise, answer: Any) -> Verdict:
    """Judge an answer of any kind. Never raises, whatever the answer does; only one that never ends holds it up."""
    try:
        return _judged(exercise, answer)
    except Refused as refused:
        return refused.verdict


def _judged(exercise: Exercise, answer: Any) -> Verdict:
    if answer is None:
        return Verdict(
            NOT_ATTEMPTED, "Not attempted yet: there is no answer. Give the name of your function, without parentheses."
        )
    if not callable(answer):
        raise Refused(
            Verdict(
                WRONG_KIND,
                f"This is {kind(answer)}, not a function: give its name without parentheses, so that it isn't called.",
            )
        )
    cases = [tuple(case) for case in exercise.cases()]
    expected = [exercise.reference(*copy.deepcopy(case)) for case in cases]
    got = [_called(answer, case) for case in cases]
    wrong = [i for i, case in enumerate(cases) if not _agrees(exercise, expected[i], got[i], case)]
    if not wrong:
        return Verdict(PASSED, exercise.praise or "Right.")
    for mistake in exercise.mistakes:
        made = [_made(mistake, case) for case in cases]
        if all(_agrees(exercise, m, g, case) for m, g, case in zip(made, got, cases, strict=True)):
            return Verdict(MISTAKE, mistake.hint, mistake.name)
    first = wrong[0]
    return difference(expected[first], got[first], cases[first], f"{len(wrong)} of {len(cases)} tries")


def _made(mistake: Mistake, case: tuple) -> Any:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return mistake.wrong(*copy.deepcopy(case))


def _called(answer: Callable, case: tuple) -> Any:
    """Call the answer on a copy of the arguments, silently; return what it gives in a form that can be compared."""
    arguments = copy.deepcopy(case)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            given = answer(*arguments)
            given = plain(given)
    except KeyboardInterrupt:
        raise
    except NotImplementedError as error:
        raise Refused(
            Verdict(NOT_ATTEMPTED, "Not attempted yet: replace the line `raise NotImplementedError` by your own.")
        ) from error
    except Refused:
        raise
    except BaseException as error:  # noqa: BLE001 - a learner's code may raise anything, SystemExit too
        raise Refused(Verdict(CRASHED, _crash(error, answer))) from None
    if not all(same(a, b) for a, b in zip(arguments, case, strict=True)):
        raise Refused(
            Verdict(
                WRONG_VALUE, "Your function changes what it is given. Work on a copy (`.copy()`), or build a new array."
            )
        )
    return given


def _crash(error: BaseException, answer: Callable) -> str:
    """Say what was raised and on which line of the learner's own code, without a traceback."""
    home = getattr(getattr(answer, "__code__", None), "co_filename", None)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == home]
    text = " ".join(safely(str, error).split())[:200]
    told = f"It stopped with {type(error).__name__}" + (f": {text}" if text else "")
    if not frames:
        if isinstance(error, TypeError) and "argument" in text:
            return f"{told}. Does your function take the same arguments as the stub?"
        return f"{told}."
    line = (linecache.getline(home, frames[-1].lineno) or frames[-1].line or "").strip()
    return f"{told}. The line is number {frames[-1].lineno} of its cell" + (f": `{line}`" if line else "") + "."


def _agrees(exercise: Exercise, expected: Any, got: Any, case: tuple) -> bool:
    """Say whether an answer is as good as the expected one; anything odd in the answer means no, never an error."""
    try:
        if exercise.agree is not None:
            return bool(exercise.agree(expected, got, *copy.deepcopy(case)))
        return close(plain(expected), got, exercise.tolerance)
    except Exception:  # noqa: BLE001 - an answer that breaks the comparison isn't right
        return False
