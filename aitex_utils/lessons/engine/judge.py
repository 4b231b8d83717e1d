"""Judge a learner's answer: not attempted, crashed, wrong kind, wrong shape, a known mistake, wrong value, or right.

An exercise brings a reference, the cases on which it is tried, and its typical mistakes. Each mistake is a function
that errs in just that way; an answer that gives the same on every case gets that mistake's hint.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import inspect
import io
import linecache
import re
import traceback
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
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
    `tolerance`. Where an answer also does something to its arguments, `observe(given, *arguments)` says what is to be
    compared instead of `given`; it sees the arguments as the call left them.
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
    observe: Callable[..., Any] | None = None


def judge(exercise: Exercise, answer: Any) -> Verdict:
    """Judge an answer of any kind. Whatever the answer does is no error here; only one that never ends holds it up.

    Two things do pass through: Ctrl-C, and an error in the exercise's own reference or cases, which is ours.
    """
    try:
        return _judged(exercise, answer)
    except Refused as refused:
        return refused.verdict


def _judged(exercise: Exercise, answer: Any) -> Verdict:
    if answer is None or answer is ...:
        return Verdict(
            NOT_ATTEMPTED, "Not attempted yet: there is no answer. Give the name of your function, without parentheses."
        )
    if not callable(answer):
        without = "quotation marks" if issubclass(type(answer), str) else "parentheses, so that it isn't called"
        return Verdict(WRONG_KIND, f"This is {safely(kind, answer)}, not a function: give its name without {without}.")
    cases = [tuple(case) for case in exercise.cases()]
    expected = [_observed(exercise, exercise.reference, copy.deepcopy(case)) for case in cases]
    got = [_called(exercise, answer, case) for case in cases]
    wrong = [i for i, case in enumerate(cases) if not _agrees(exercise, expected[i], got[i], case)]
    if not wrong:
        return Verdict(PASSED, exercise.praise or "Right.")
    for mistake in exercise.mistakes:
        made = _made(exercise, mistake, cases)
        if made is not None and all(_agrees(exercise, m, g, case) for m, g, case in zip(made, got, cases, strict=True)):
            return Verdict(MISTAKE, mistake.hint, mistake.name)
    first, names = wrong[0], _names(answer, len(cases[0])) or _names(exercise.reference, len(cases[0]))
    how_often = f"{len(wrong)} of the {len(cases)} cases" if len(cases) > 1 else "the one case"
    how_often += " that were tested" if len(cases) > 1 else " that was tested"

    def compared(given: Any) -> Verdict:
        return difference(expected[first], given, cases[first], how_often, exercise.tolerance, names)

    return safely(compared, got[first], Verdict(WRONG_VALUE, f"Not yet right in {how_often}."))


def _names(function: Any, count: int) -> tuple[str, ...]:
    """Return what a function calls its first `count` arguments; nothing where it doesn't name them."""
    function = safely(inspect.unwrap, function, function)
    if not isinstance(function, types.FunctionType) or function.__code__.co_argcount < count:
        return ()
    return function.__code__.co_varnames[:count]


def _made(exercise: Exercise, mistake: Mistake, cases: Sequence[tuple]) -> list[Any] | None:
    """Return what a mistake makes of each case; None where it breaks on one, which the answer didn't."""
    try:
        with _silence():
            return [_observed(exercise, mistake.wrong, copy.deepcopy(case)) for case in cases]
    except Exception:  # noqa: BLE001 - it errs on purpose
        return None


class _Nowhere(io.TextIOBase):
    """Takes what is printed, and keeps nothing of it."""

    def write(self, text: str) -> int:
        return len(text)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep prints, progress bars and warnings of what is called from the screen."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        with contextlib.redirect_stdout(_Nowhere()), contextlib.redirect_stderr(_Nowhere()):
            yield


def _observed(exercise: Exercise, function: Callable, arguments: tuple) -> Any:
    """Call a function of ours; return what is to be compared, see `Exercise.observe`."""
    given = function(*arguments)
    return given if exercise.observe is None else exercise.observe(given, *arguments)


def _called(exercise: Exercise, answer: Callable, case: tuple) -> Any:
    """Call the answer on a copy of the arguments, silently; return what it gives in a form that can be compared."""
    arguments = copy.deepcopy(case)
    try:
        with _silence():
            given = answer(*arguments)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a learner's code may raise anything, SystemExit too
        raise Refused(_stopped(error, answer, exercise.id)) from None
    try:
        with _silence():
            given = plain(given)
            if exercise.observe is not None:
                given = plain(exercise.observe(given, *arguments))
            unchanged = all(map(same, arguments, case))
    except (KeyboardInterrupt, Refused):
        raise
    except BaseException as error:  # noqa: BLE001 - so may the methods of what it returns
        told = f"It returns {safely(kind, given)}, which can't be read as numbers ({type(error).__name__})."
        raise Refused(Verdict(WRONG_KIND, told)) from None
    if not unchanged:
        raise Refused(
            Verdict(
                WRONG_VALUE, "Your function changes what it is given. Work on a copy (`.copy()`), or build a new array."
            )
        )
    return given


def _stopped(error: BaseException, answer: Callable, name: str) -> Verdict:
    """Say what was raised and on which line of the learner's own code, without a traceback; a stub isn't attempted."""
    home = safely(_home, answer, "")
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename == home]
    text = _plainly(" ".join(safely(str, error).split()))[:200].rstrip(".")
    stub = text == name or frames[-1].filename == home  # PyTorch raises this error too
    if isinstance(error, NotImplementedError) and stub:
        return Verdict(NOT_ATTEMPTED, "Not attempted yet: replace the line `raise NotImplementedError` by your own.")
    told = f"It stopped with {type(error).__name__}" + (f": {text}" if text else "")
    if not own:
        called_wrongly = isinstance(error, TypeError) and "argument" in text
        asked = " Does your function take the same arguments as the stub?" if called_wrongly else ""
        return Verdict(CRASHED, f"{told}.{asked}")
    at = own[-1].lineno or 0
    line = (linecache.getline(home, at) or own[-1].line or "").strip()[:100]
    place = Path(home).name if home.endswith(".py") and "ipykernel" not in home else "its cell"
    return Verdict(CRASHED, f"{told}. The line is number {at} of {place}" + (f": `{line}`" if line else "") + ".")


def _plainly(text: str) -> str:
    """Put what NumPy and PyTorch say of a product whose shapes don't fit into one sentence; leave the rest."""
    numpy_ = re.search(r"operand 1 has a mismatch in its core dimension 0.*size (\d+) is different from (\d+)\)", text)
    if numpy_:  # it doesn't tell the outer numbers
        return f"you multiply (..., {numpy_[2]}) by ({numpy_[1]}, ...), but the inner numbers must be equal"
    both = re.search(r"shapes \(([\d,]+)\) and \(([\d,]+)\) not aligned", text)
    both = both or re.search(r"shapes cannot be multiplied \(([\dx]+) and ([\dx]+)\)", text)
    if not both:
        return text
    left, right = (shape.replace("x", ",").replace(",", ", ").strip() for shape in both.groups())
    return f"you multiply ({left}) by ({right}), but the inner numbers must be equal"


def _home(answer: Any) -> str:
    """Return the file or cell in which a function, the inside of a partial, a method or a class was written."""
    while isinstance(answer, functools.partial):
        answer = answer.func
    answer = safely(inspect.unwrap, answer)
    part = answer.__init__ if isinstance(answer, type) else answer
    for candidate in (part, type(part).__call__):
        code = safely(lambda it: it.__code__, candidate)
        if isinstance(code, types.CodeType):
            return code.co_filename
    return ""


def _agrees(exercise: Exercise, expected: Any, got: Any, case: tuple) -> bool:
    """Say whether an answer is as good as the expected one; anything odd in the answer means no, never an error."""
    try:
        with _silence():
            if exercise.agree is not None:
                return bool(exercise.agree(expected, got, *copy.deepcopy(case)))
            return close(plain(expected, False), got, exercise.tolerance)
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - an answer that breaks the comparison isn't right
        return False
