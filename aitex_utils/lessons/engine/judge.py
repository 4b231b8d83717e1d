"""Judge a learner's answer: not attempted, crashed, wrong kind, wrong shape, a known mistake, wrong value, or right.

An exercise has a reference solution, the cases on which it is tried, and its known mistakes. Each mistake is a function
that errs in exactly one way. An answer with the same results on all cases gets the hint of that mistake.
"""

from __future__ import annotations

import copy
import inspect
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

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
    is_unchanged,
    plain,
    safely,
)
from .contain import TIME_LIMIT, TimeLimitError, contained, own_defaults, time_limit
from .crash import explain_crash
from .describe import describe_kind, explain_difference
from .diagnose import explain_order, explain_pattern
from .kinds import explain_wrong_kind


@dataclass(frozen=True)
class Mistake:
    """A known mistake of an exercise.

    Parameters
    ----------
    name : str
        Short name.
    hint : str
        Message for an answer that makes this mistake.
    wrong : callable
        A function that makes it.

    Examples
    --------
    >>> Mistake("squared", "You square each number.", lambda x: x * x).wrong(3)
    9
    """

    name: str
    hint: str
    wrong: Callable[..., Any]


@dataclass(frozen=True)
class Exercise:
    """An exercise with all that is needed to judge an answer.

    Parameters
    ----------
    id : str
        Number of the exercise: notebook and position, "02.1".
    task : str
        Task in one sentence.
    reference : callable
        The course's own solution.
    cases : callable
        Returns the arguments of each call, a sequence of tuples. The first case should be small enough to be shown.
    mistakes : tuple of Mistake
        Known mistakes, tried in this order.
    hints : tuple of str
        From general to concrete.
    praise : str
        Message for a right answer.
    tolerance : float
        Largest allowed difference between numbers, see `compare.close`.
    agree : callable, optional
        ``agree(expected, actual, *arguments)`` decides if closeness is not the criterion, as with ties or any order.
    observe : callable, optional
        ``observe(result, *arguments)`` returns the value to compare instead of the result, for functions that change
        their arguments. It receives the arguments as the call left them.
    returns : str
        Kind of result that the task asks for, one of `kinds.KINDS` such as "an integer" or "a tensor". The right value
        of another kind is refused with a sentence. Without it, any kind passes.

    Examples
    --------
    >>> double = Exercise("09.1", "Double x.", lambda x: 2 * x, lambda: [(3,)], (), ("Add x to itself.",))
    >>> double.reference(3)
    6
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
    returns: str = ""


def judge(exercise: Exercise, answer: Any) -> Verdict:
    """Judge an answer of any kind.

    Parameters
    ----------
    exercise : Exercise
        Exercise to which the answer belongs.
    answer : object
        The learner's function. None and `...` are no attempt. Whatever it is or does is no error here.

    Returns
    -------
    Verdict

    Notes
    -----
    Two exceptions pass through: Ctrl-C, and an error of the exercise's own reference or cases. A function that does not
    return is stopped after 30 seconds where that is possible, see `contain.time_limit`.

    Examples
    --------
    >>> double = Exercise("09.1", "Double x.", lambda x: 2 * x, lambda: [(3,)], (), ())
    >>> judge(double, lambda x: x + x).message
    'Right.'
    >>> judge(double, lambda x: x).message
    'Not yet right in the tested case: for x=3 it returns 3, expected 6.'
    """
    try:
        _check_function(answer)
        return _judge_function(exercise, answer)
    except Refused as refused:
        return refused.verdict


def _check_function(answer: Any) -> None:
    """Raise `Refused` if the answer is not a function."""
    if answer is None or answer is ...:
        message = "Not attempted yet: there is no answer. Pass the name of your function, without parentheses."
        raise Refused(Verdict(NOT_ATTEMPTED, message))
    if not callable(answer):
        surplus = "quotation marks" if issubclass(type(answer), str) else "parentheses, so that it is not called"
        message = (
            f"This is {safely(describe_kind, answer)}, not a function: pass the function's name without {surplus}."
        )
        raise Refused(Verdict(WRONG_KIND, message))


def _judge_function(exercise: Exercise, answer: Callable) -> Verdict:
    """Compare the results of all cases with the expected results, then with the results of the known mistakes."""
    with own_defaults():
        cases = [tuple(case) for case in exercise.cases()]
        expected = [_call_own(exercise, exercise.reference, copy.deepcopy(case)) for case in cases]
    try:
        with time_limit(TIME_LIMIT):
            calls = [_call_answer(exercise, answer, case) for case in cases]
    except TimeLimitError:
        message = f"Your function was stopped after {TIME_LIMIT:g} seconds. Does it contain a loop that never ends?"
        raise Refused(Verdict(CRASHED, message)) from None
    results, wrong_kind = [result for result, _ in calls], next((text for _, text in calls if text), "")
    wrong = [i for i, case in enumerate(cases) if not _agrees(exercise, expected[i], results[i], case)]
    if not wrong and wrong_kind:
        return Verdict(WRONG_KIND, f"The value is right, but not its type. {wrong_kind}")
    if not wrong:
        return Verdict(PASSED, exercise.praise or "Right.")
    for mistake in exercise.mistakes:
        if _makes_mistake(exercise, mistake, cases, results):
            return Verdict(MISTAKE, mistake.hint, mistake.name)
    order = safely(lambda values: explain_order(values, partial(_agrees_in, exercise, expected, cases)), results, "")
    if order:
        return Verdict(WRONG_VALUE, order)
    first, case = wrong[0], cases[wrong[0]]
    names = _argument_names(answer, len(case)) or _argument_names(exercise.reference, len(case))
    tested = f"{len(wrong)} of {len(cases)} tested cases" if len(cases) > 1 else "the tested case"

    def explained(result: Any) -> Verdict:
        return explain_difference(expected[first], result, case, tested, exercise.tolerance, names)

    verdict = safely(explained, results[first], Verdict(WRONG_VALUE, f"Not yet right in {tested}."))
    pattern = safely(lambda values: explain_pattern(expected, values, cases), results, "")
    return Verdict(verdict.kind, f"{verdict.message} {pattern}".strip())


def _agrees_in(exercise: Exercise, expected: Sequence[Any], cases: Sequence[tuple], i: int, result: Any) -> bool:
    return _agrees(exercise, expected[i], result, cases[i])


def _argument_names(function: Any, count: int) -> tuple[str, ...]:
    """Return the names of a function's first `count` arguments, or nothing if it does not name them."""
    function = safely(inspect.unwrap, function, function)
    if not isinstance(function, types.FunctionType) or function.__code__.co_argcount < count:
        return ()
    return function.__code__.co_varnames[:count]


def _makes_mistake(exercise: Exercise, mistake: Mistake, cases: Sequence[tuple], results: Sequence[Any]) -> bool:
    """Say whether the answer and the mistake have the same results. A mistake that raises an error has none."""
    try:
        with contained(), own_defaults():
            mistaken = [_call_own(exercise, mistake.wrong, copy.deepcopy(case)) for case in cases]
    except Exception:  # noqa: BLE001 - it errs on purpose
        return False
    return all(_agrees(exercise, m, r, case) for m, r, case in zip(mistaken, results, cases, strict=True))


def _call_own(exercise: Exercise, function: Callable, arguments: tuple) -> Any:
    """Call a function of the exercise and return the value to compare, see `Exercise.observe`."""
    result = function(*arguments)
    return result if exercise.observe is None else exercise.observe(result, *arguments)


def _call_answer(exercise: Exercise, answer: Callable, case: tuple) -> tuple[Any, str]:
    """Call the answer on a copy of the arguments, silently.

    Return its result in the form of `plain`, and what is wrong with its kind, see `Exercise.returns`.
    """
    arguments = copy.deepcopy(case)
    try:
        with contained():
            result = answer(*arguments)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a learner's code can raise anything, SystemExit too
        unknown = Verdict(CRASHED, "Your function stopped with an error that cannot be shown.")
        raise Refused(safely(lambda error: explain_crash(error, answer, exercise.id), error, unknown)) from None
    try:
        with contained():
            wrong_kind = explain_wrong_kind(result, exercise.returns) if exercise.returns else ""
            result = plain(result)
            if exercise.observe is not None:
                result = plain(exercise.observe(result, *arguments))
            unchanged = all(map(is_unchanged, arguments, case))
    except (KeyboardInterrupt, Refused):
        raise
    except BaseException as error:  # noqa: BLE001 - so can the methods of its result
        kind = safely(describe_kind, result)
        message = f"It returns {kind}, which cannot be read as numbers ({type(error).__name__})."
        raise Refused(Verdict(WRONG_KIND, message)) from None
    if not unchanged:
        message = "Your function changes its arguments. Work on a copy (`.copy()`), or build a new array."
        raise Refused(Verdict(WRONG_VALUE, message))
    return result, wrong_kind


def _agrees(exercise: Exercise, expected: Any, actual: Any, case: tuple) -> bool:
    """Say whether a result is as good as the expected one. An exception of the comparison counts as no."""
    try:
        with contained():
            if exercise.agree is not None:
                return bool(exercise.agree(expected, actual, *copy.deepcopy(case)))
            return close(plain(expected, False), actual, exercise.tolerance)
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - a result that breaks the comparison is not right
        return False
