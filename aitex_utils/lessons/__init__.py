"""Checks that answer an exercise: `check`, `hint`, `predict`, `reveal`, `calibration`, `quiz`, `progress_table`.

One folder per notebook holds its exercises, its quiz and its figures (`nb01/`, ...). Nothing is sent anywhere;
`engine/progress.py` says what is kept.
"""

from __future__ import annotations

import math
from types import FunctionType
from typing import Any

from .engine.catalogue import entries
from .engine.compare import NOT_ATTEMPTED, Verdict, safely
from .engine.display import say
from .engine.judge import Exercise, Mistake, judge
from .engine.progress import note, noted, read_progress
from .engine.quiz import Question, pick
from .engine.table import progress_table

__all__ = [
    "Exercise",
    "Mistake",
    "Question",
    "Verdict",
    "calibration",
    "check",
    "hint",
    "judge",
    "predict",
    "progress_table",
    "quiz",
    "reveal",
]
CONFIDENCE = 0.8  # how sure a learner is asked to be that the truth lies within a guess
UNLIKELY = 0.1  # so rare a count of hits isn't put down to chance


def _named(name: Any, kind: str, what: str) -> Any:
    """Return the exercise or question of that name; say so and return None where there is none."""
    entry = entries(name, kind).get(name) if issubclass(type(name), str) else None
    if entry is None:
        title, example = safely(str, name)[:40], '"01.q1"' if kind == "QUESTIONS" else '"01.2"'
        told = f"There is no {what} of that number: write it in quotes, as in the text, for example {example}."
        if issubclass(type(name), FunctionType):
            title, own = f"Which {what}?", name.__name__[:40]
            told = f"The number is missing: it stands first, in quotes, for example `check({example}, {own})`."
        elif kind == "QUESTIONS" and len(title) == 1 and title.isalpha():
            told = f'The number of the question is missing: it stands first, for example `quiz({example}, "{title}")`.'
        say("open", title, told)
    return entry


def check(name: str, answer: Any = None) -> None:
    """Judge an answer to the exercise `name`, say what is right or wrong with it, and keep the try.

    Whatever the answer is or does is no error here. Tries are counted until it passes, and once passed it stays so.
    """
    exercise = _named(name, "EXERCISES", "exercise")
    if exercise is None:
        return
    verdict = judge(exercise, answer)
    if verdict.kind == NOT_ATTEMPTED:
        say("open", f"Exercise {name}", verdict.told)
        return
    before = noted("exercises", name).get("passed") is True
    entry = note("exercises", name, tries=0 if before else 1, passed=before or verdict.passed)
    if verdict.passed:
        tries = f" ({entry['tries']} tries)" if entry["tries"] > 1 and not before else ""
        say("passed", f"Exercise {name} passed", verdict.told + tries)
        return
    more = "" if verdict.mistake or not exercise.hints else f'  A hint: `hint("{name}")`.'
    say("wrong", f"Exercise {name}: {'not yet' if verdict.mistake else verdict.kind}", verdict.told + more)


def hint(name: str) -> None:
    """Give the next hint of the exercise `name`; after the last one, say so and start again."""
    exercise = _named(name, "EXERCISES", "exercise")
    if exercise is None:
        return
    if not exercise.hints:
        say("open", f"Exercise {name}", "There is no hint for this one.")
        return
    used = note("exercises", name, hints=1)["hints"]
    at = (used - 1) % len(exercise.hints)
    again = "That was the last one; from the start: " if used > 1 and at == 0 else ""
    say("hint", f"Hint {at + 1} of {len(exercise.hints)} for {name}", again + exercise.hints[at])


def predict(name: str, low: float | None = None, high: float | None = None, *, unit: str = "") -> None:
    """Keep a guess before the result is seen: a range in which you are 80 % sure that it lies.

    It may be changed until the result is revealed; what is guessed after that doesn't count.
    """
    name, unit, numbers = safely(str, name), _spelt(unit), (_number(low), _number(high))
    if None in numbers:
        say(
            "open",
            f"Guess {name}",
            "Write a lowest and a highest value between which you are 80 % sure the answer lies.",
        )
        return
    low, high = sorted(numbers)
    guess = _guess(name)
    if guess and guess[2] is not None and guess[:2] != (low, high):
        told = f"You have seen the result, so your guess from before stays: {guess[0]:g} to {guess[1]:g} {unit}"
        say("open", f"Guess {name}", told.strip() + ".")
        return
    if guess is None or guess[:2] != (low, high):
        note("predictions", name, low=low, high=high, truth=None)
    told = f"{low:g} to {high:g} {unit}".strip() + "."
    if unit == "%" and 0 < high <= 1:
        meant = f"{100 * low:g}", f"{100 * high:g}"
        told += f" Do you mean {meant[0]} to {meant[1]} %? Then write {meant[0]} and {meant[1]}, and run it again."
    say("told", f"Guess {name} kept", told + " Now see.")


def reveal(name: str, truth: float, *, unit: str = "") -> None:
    """Compare the result with the guess of that name."""
    name, unit, value = safely(str, name), _spelt(unit), _number(truth)
    if value is None:
        say("open", f"Guess {name}", "The result isn't a single finite number, so no guess can be compared with it.")
        return
    guess, told = _guess(name), f"It is {value:.4g} {unit}".strip()
    if guess is None:
        more = "No guess was kept. A guess made before makes the result stick; try it on the next one."
        say("open", f"Guess {name}", f"{told}. {more}")
        return
    note("predictions", name, truth=value)
    held = guess[0] <= value <= guess[1]
    told += f"; you said {guess[0]:g} to {guess[1]:g}."
    say("passed" if held else "wrong", f"Guess {name}: {'within' if held else 'outside'} your range", told)


def calibration() -> None:
    """Say how many of all guesses held the truth; with ranges of 80 % it should be about four of five."""
    guesses = [guess for name in read_progress()["predictions"] if (guess := _guess(name))]
    known = [(low, high, truth) for low, high, truth in guesses if truth is not None]
    if not known:
        say("open", "Calibration", "No guess has met its result yet.")
        return
    n, held = len(known), sum(low <= truth <= high for low, high, truth in known)
    ranges = "range" if n == 1 else "ranges"
    told = f"So far in the course {held} of your {n} {ranges} held the result; "
    told += f"of ranges of 80 % about {CONFIDENCE * n:.1f} of {n} should."
    if _chance(range(held + 1), n) < UNLIKELY:
        told += " Yours were too narrow: you are surer than you may be. Widen them."
    elif _chance(range(held, n + 1), n) < UNLIKELY:
        told += " Yours were wider than they need be: you know more than you think."
    else:
        told += " That agrees with 80 %, as far as so few can tell."
    say("told", "Calibration", told)


def _chance(held: range, n: int) -> float:
    """Return how probable it is that so many of `n` ranges of 80 % hold the result (binomial)."""
    return sum(math.comb(n, k) * CONFIDENCE**k * (1 - CONFIDENCE) ** (n - k) for k in held)


def quiz(name: str, choice: str | None = None) -> None:
    """Answer a question of the quiz by its letter, for example `quiz("01.q1", "b")`; without a letter it is asked."""
    question = _named(name, "QUESTIONS", "question")
    if question is None:
        return
    right, told = pick(question, choice)
    if right is None:
        say("open", f"Question {name}", told)
        return
    before = noted("quiz", name).get("passed") is True
    note("quiz", name, tries=0 if before else 1, passed=before or right)
    say("passed" if right else "wrong", f"Question {name}: {'right' if right else 'not that'}", told)


def _guess(name: str) -> tuple[float, float, float | None] | None:
    """Return a guess as lowest, highest and true value (None before it is known); None if there is no guess."""
    entry = noted("predictions", name)
    low, high, truth = (_number(entry.get(key)) for key in ("low", "high", "truth"))
    return None if low is None or high is None else (low, high, truth)


def _spelt(unit: str) -> str:
    return "%" if unit == "per cent" else unit


def _number(value: Any) -> float | None:
    """Return a finite real number as float, None for anything else."""
    number = safely(float, value, math.nan)
    return number if math.isfinite(number) else None
