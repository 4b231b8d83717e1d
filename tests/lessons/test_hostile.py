"""Hostile learners: functions that change what is around them, objects made to break things, any arguments."""

from __future__ import annotations

import builtins
import os
import random
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from checks_example import EXERCISE, doubled, exercise
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aitex_utils.lessons import calibration, check, hint, judge, predict, progress_table, quiz, reveal, yours
from aitex_utils.lessons.engine import contain
from aitex_utils.lessons.engine import judge as judge_module
from aitex_utils.lessons.engine.progress import read_progress
from aitex_utils.lessons.nb03 import exercises as nb03_exercises

pytestmark = pytest.mark.usefixtures("one_exercise")


# What a function changes around itself


def replace_functions() -> None:
    np.sum = np.isclose = np.asarray = np.array_equal = builtins.len = torch.cat = None
    del np.linalg.norm


def change_settings() -> None:
    np.seterr(all="raise")
    np.set_printoptions(precision=1)
    np.random.seed(3)
    random.seed(3)
    torch.manual_seed(3)
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    torch.set_grad_enabled(False)
    warnings.simplefilter("error")
    sys.setrecursionlimit(400)
    os.chdir("/")
    sys.stdout = sys.stderr = None


def state() -> list:
    functions = [np.sum, np.isclose, np.asarray, np.array_equal, np.linalg.norm, builtins.len, torch.cat]
    random_numbers = [random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()]
    of_torch = [torch.get_default_dtype(), torch.get_default_device(), torch.is_grad_enabled()]
    others = [
        np.geterr(),
        np.get_printoptions(),
        sys.getrecursionlimit(),
        Path.cwd(),
        sys.stdout,
        list(warnings.filters),
    ]
    return [functions, random_numbers, of_torch, others]


@pytest.mark.parametrize("change", [replace_functions, change_settings])
@pytest.mark.parametrize("end", ["return", "raise", "exit", "interrupt"])
def test_what_a_function_changes_for_all_is_undone(change: Callable, end: str):
    def answer(x):
        result = x + x
        change()
        if end == "raise":
            raise ValueError("no")
        if end == "exit":
            sys.exit()
        if end == "interrupt":
            raise KeyboardInterrupt
        return result

    before = state()
    if end == "interrupt":
        with pytest.raises(KeyboardInterrupt):
            judge(EXERCISE, answer)
    else:
        assert judge(EXERCISE, answer).kind == ("passed" if end == "return" else "crashed")
    assert state() == before
    assert judge(EXERCISE, doubled).passed and judge(EXERCISE, lambda x: x * x).mistake == "squared"


@pytest.mark.parametrize("number", ["03.2", "03.3", "03.4"])
@pytest.mark.parametrize("setting", ["device", "dtype"])
def test_a_notebook_s_settings_of_torch_do_not_break_an_exercise(number: str, setting: str):
    task = next(task for task in nb03_exercises.EXERCISES if task.id == number)
    torch.set_default_device("meta" if setting == "device" else "cpu")
    torch.set_default_dtype(torch.float64 if setting == "dtype" else torch.float32)
    try:
        assert judge(task, task.reference).passed
        assert judge(task, lambda *_: None).kind == "wrong kind"
    finally:
        torch.set_default_device(None)
        torch.set_default_dtype(torch.float32)


def test_methods_of_a_result_change_nothing_either():
    class Result:
        def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
            change_settings()
            return np.array([2.0, 6.0])

    before = state()
    judge(EXERCISE, lambda x: Result())
    assert state() == before


def test_a_call_that_spoils_its_arguments_does_not_spoil_the_next_one():
    seen: list = []

    def answer(x, numbers):
        seen.append((x.copy(), list(numbers)))
        x[:] = -1
        numbers.clear()
        raise ValueError

    task = exercise(lambda x, numbers: x.sum() + len(numbers), (np.ones(2), [1]), (np.ones(3), [1, 2]))
    for _ in range(2):
        assert judge(task, answer).kind == "crashed"
    assert all(x.tolist() == [1, 1] and numbers == [1] for x, numbers in seen)
    assert judge(task, lambda x, numbers: x.sum() + len(numbers)).passed


# Functions that do not end


@pytest.mark.slow
@pytest.mark.parametrize("form", ["for ever", "recursion", "generator"])
def test_a_function_that_does_not_end_is_stopped(form: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(judge_module, "TIME_LIMIT", 0.3)

    def endless(x):
        while form == "for ever":
            try:
                sum(range(100))
            except Exception:
                continue
        return endless(x) if form == "recursion" else (x for _ in iter(int, 1))

    begin, stdout = time.perf_counter(), sys.stdout
    verdict = judge(EXERCISE, endless)
    assert verdict.kind in ("crashed", "wrong kind") and time.perf_counter() - begin < 20 and sys.stdout is stdout
    assert ("stopped after 0.3 seconds" in verdict.message) == (form == "for ever")
    assert judge(EXERCISE, doubled).passed
    time.sleep(0.4)  # the time limit of the call that ended is off


@pytest.mark.parametrize("action", [signal.SIG_IGN, signal.SIG_DFL])
def test_the_time_limit_holds_where_interrupts_are_ignored(action: signal.Handlers):
    before = signal.signal(signal.SIGINT, action)  # as in a background job of a shell
    try:
        begin = time.monotonic()
        with pytest.raises(contain.TimeLimitError), contain.time_limit(0.05):
            while time.monotonic() < begin + 60:
                pass
        assert signal.getsignal(signal.SIGINT) == action
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_interrupt_of_the_learner_is_not_taken_for_the_time_limit(printed: Callable[[], str]):
    def answer(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check("09.1", answer)
    assert "does not count" in printed() and read_progress()["exercises"] == {}


def test_a_check_in_another_thread_has_no_limit_and_works(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(judge_module, "TIME_LIMIT", 0.01)
    verdicts: list = []
    thread = threading.Thread(target=lambda: verdicts.append(judge(EXERCISE, lambda x: time.sleep(0.05) or x + x)))
    thread.start()
    thread.join()
    assert verdicts[0].passed


def test_an_interrupt_at_the_last_moment_does_not_escape():
    for _ in range(20):
        try:
            with contain.time_limit(0.002):
                end = time.perf_counter() + 0.002
                while time.perf_counter() < end:
                    pass
        except contain.TimeLimitError:
            pass
    time.sleep(0.02)


# Errors and objects made to break the explanation


class Nameless(type):
    @property
    def __name__(cls) -> str:
        raise SystemExit


class Evil(Exception, metaclass=Nameless):
    def __getattribute__(self, name: str) -> Any:
        raise SystemExit


class OtherText(str):
    """A string whose methods raise."""

    def _raise(self, *_: Any, **__: Any) -> Any:
        raise SystemExit

    strip = rstrip = lower = __getitem__ = __eq__ = __format__ = __str__ = __repr__ = __len__ = encode = _raise
    __hash__ = str.__hash__


def test_an_error_that_cannot_be_read_is_a_crash():
    def answer(x):
        raise Evil

    verdict = judge(EXERCISE, answer)
    assert verdict.kind == "crashed" and verdict.message.endswith(".")


class BrokenObject:
    """An object whose every attribute and conversion raises."""

    def _raise(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("from within")

    __getattribute__ = __eq__ = __hash__ = __repr__ = __str__ = __bool__ = __float__ = __format__ = __iter__ = _raise
    __len__ = __array__ = _raise


OBJECTS = [
    *("x" * 10**6, "<b>&amp;</b>", "\ud800\x00\x1b[31m", "a\nb", 10**400, -(10**400), np.float32(2), True, ...),
    *(np.zeros(3), np.array(np.nan), np.array([2.0]), float, len, lambda x: x, {"a": 1}, range(10**18), b"b"),
    *(BrokenObject(), OtherText("09.1"), OtherText("b"), torch.ones(1), torch.ones(2, requires_grad=True)),
]
PLAIN = st.one_of(st.none(), st.integers(), st.floats(), st.text(), st.complex_numbers(), st.lists(st.integers()))
ODD = PLAIN.map(lambda value: lambda: value) | st.integers(0, len(OBJECTS) - 1).map(lambda i: lambda: OBJECTS[i])
Make = Callable[[], Any]  # a value behind a function, because a failing test would show the value itself


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60)
@given(ODD, ODD, ODD, st.sampled_from(["09.1", "09.q1", "09.a"]))
def test_arguments_of_any_kind_are_answered_in_short_lines(
    capsys: pytest.CaptureFixture, make_first: Make, make_second: Make, make_third: Make, name: str
):
    first, second, third = make_first(), make_second(), make_third()
    calls: list[Callable[[], Any]] = [
        *(lambda: check(first, second), lambda: check(name, second), lambda: hint(first), lambda: hint(name)),
        *(lambda: quiz(first, second), lambda: quiz(name, second), lambda: quiz(first)),
        *(lambda: predict(first, second, third), lambda: predict(name, second, third, unit=first)),
        *(lambda: reveal(first, second), lambda: reveal(name, second, unit=third)),
        *(calibration, progress_table),
    ]
    for call in calls:
        capsys.readouterr()
        assert call() is None
        text = capsys.readouterr().out
        assert 0 < len(text) < 10_000
    assert yours(first, len) is len


def test_a_name_whose_methods_raise_is_read_as_the_text_that_it_is(printed: Callable[[], str]):
    check(OtherText("09.1"), doubled)
    quiz(OtherText("09.q1"), OtherText("b"))
    text = printed()
    assert "Exercise 09.1 passed" in text and "Question 09.q1" in text
    assert set(read_progress()["exercises"]) == {"09.1"}


def test_markup_of_a_learner_is_shown_as_text(notebook_output: list[dict[str, str]]):
    def answer(x):
        raise ValueError("<script>alert(1)</script>")

    check("09.1", answer)
    check("<script>", None)
    check("09.1", lambda x: "<script>")
    quiz("09.q1", "<script>")
    predict("<script>", 1, 2, unit="<script>")
    reveal("<script>", 1.5, unit="<script>")
    progress_table()
    assert len(notebook_output) >= 7
    assert not any("<script>" in bundle["text/html"] for bundle in notebook_output)


# Sentences about guesses that the numbers do not contradict


@given(st.floats(-1e6, 1e6), st.floats(0, 1e3), st.sampled_from([0, 1e-9, -1e-9, 1e-6, -1e-6, 1, -1]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60)
def test_the_printed_numbers_agree_with_within_and_outside(
    capsys: pytest.CaptureFixture, low: float, width: float, beyond: float
):
    high = low + width
    name = f"09.{abs(hash((low, width, beyond)))}"
    predict(name, low, high)
    capsys.readouterr()
    reveal(name, high + beyond)
    text = " ".join(capsys.readouterr().out.split()).rstrip(".")
    shown, guess = text.split("The result is ")[1].split(". Your guess was ")
    ends = [float(end) for end in guess.split(" to ")]
    assert (ends[0] <= float(shown) <= ends[1]) == ("within your range" in text) == (low <= high + beyond <= high)


def test_one_guess_and_many_are_counted_in_words_that_fit(printed: Callable[[], str]):
    predict("09.a", 1, 3)
    reveal("09.a", 2)
    printed()
    calibration()
    assert "Make 4 more guesses" in printed()
    for i in range(9):
        predict(f"09.{i}", 1, 3)
        reveal(f"09.{i}", 2)
    printed()
    calibration()
    assert "as far as 10 guesses can show" in printed()
