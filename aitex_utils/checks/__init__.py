"""Checks that answer a learner's exercise: `check`, `hint`, `predict` and `reveal`, `calibration`, `quiz`.

One file a notebook holds its exercises (`nb01.py`, ...). Nothing is sent anywhere; see `progress.py` for what is kept.
"""

from __future__ import annotations

import math
from importlib import import_module
from typing import Any

from .compare import NOT_ATTEMPTED, Verdict
from .display import say
from .judge import Exercise, Mistake, judge
from .progress import note, read_progress
from .quiz import Question, pick

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
    "quiz",
    "reveal",
]
CONFIDENCE = 0.8  # how sure a learner is asked to be that the truth lies within a guess


def lesson(name: Any, kind: str) -> dict[str, Any]:
    """Return the exercises (`EXERCISES`) or questions (`QUESTIONS`) of the notebook that `name`, "02.1", belongs to."""
    number = str(name).split(".")[0]
    try:
        module = import_module(f".nb{number}", __name__)
    except (ImportError, ValueError):
        return {}
    return {entry.id: entry for entry in getattr(module, kind, ())}


def check(name: str, answer: Any = None) -> None:
    """Judge an answer to the exercise `name`, say what is right or wrong with it, and keep the try. Never raises."""
    exercise = lesson(name, "EXERCISES").get(name)
    if exercise is None:
        say("open", f"{name}", 'There is no exercise of that number: write it as in the heading, for example "01.2".')
        return
    verdict = judge(exercise, answer)
    if verdict.kind == NOT_ATTEMPTED:
        say("open", f"Exercise {name}", verdict.told)
        return
    entry = note("exercises", name, tries=1, **({"passed": True} if verdict.passed else {}))
    if verdict.passed:
        tries = entry["tries"]
        say("passed", f"Exercise {name} passed", verdict.told + (f" ({tries} tries)" if tries > 1 else ""))
        return
    more = "" if verdict.mistake or not exercise.hints else f'  A hint: `hint("{name}")`.'
    say("wrong", f"Exercise {name}: {'not yet' if verdict.mistake else verdict.kind}", verdict.told + more)


def hint(name: str) -> None:
    """Give the next hint of the exercise `name`; after the last one, start again."""
    exercise = lesson(name, "EXERCISES").get(name)
    if exercise is None or not exercise.hints:
        say("open", f"{name}", 'There is no hint of that number: write it as in the heading, for example "01.2".')
        return
    used = note("exercises", name, hints=1)["hints"]
    at = (used - 1) % len(exercise.hints)
    say("hint", f"Hint {at + 1} of {len(exercise.hints)} for {name}", exercise.hints[at])


def predict(name: str, low: float | None = None, high: float | None = None, *, unit: str = "") -> None:
    """Keep a guess before the result is seen: a range in which you are 80 % sure that it lies."""
    numbers = [_number(low), _number(high)]
    if None in numbers:
        say(
            "open",
            f"Guess {name}",
            "Write a lowest and a highest value between which you are 80 % sure the answer lies.",
        )
        return
    low, high = sorted(numbers)
    note("predictions", name, low=low, high=high, truth=None)
    say("told", f"Guess {name} kept", f"{low:g} to {high:g} {unit}".strip() + ". Now see.")


def reveal(name: str, truth: float, *, unit: str = "") -> None:
    """Compare the result with the guess of that name."""
    value = _number(truth)
    entry = read_progress()["predictions"].get(name)
    if (
        value is None
        or not isinstance(entry, dict)
        or _number(entry.get("low")) is None
        or _number(entry.get("high")) is None
    ):
        say(
            "open",
            f"Guess {name}",
            "No guess was kept. A guess made before makes the result stick; try it on the next one.",
        )
        return
    note("predictions", name, truth=float(value))
    held = entry["low"] <= value <= entry["high"]
    told = f"It is {value:.4g} {unit}".strip() + f"; you said {entry['low']:g} to {entry['high']:g}."
    say("passed" if held else "wrong", f"Guess {name}: {'within' if held else 'outside'} your range", told)


def calibration() -> None:
    """Say how many of all guesses held the truth; with ranges of 80 % it should be about four of five."""
    entries = [e for e in read_progress()["predictions"].values() if isinstance(e, dict)]
    known = [e for e in entries if all(_number(e.get(key)) is not None for key in ("low", "high", "truth"))]
    if not known:
        say("open", "Calibration", "No guess has met its result yet.")
        return
    held = sum(e["low"] <= e["truth"] <= e["high"] for e in known)
    wanted, n = CONFIDENCE * len(known), len(known)
    spread = math.sqrt(n * CONFIDENCE * (1 - CONFIDENCE))
    told = f"{held} of your {n} ranges held the result; ranges of 80 % should hold about {wanted:.1f} of {n}."
    if held < wanted - spread:
        told += " Yours were too narrow: you are surer than you may be. Widen them."
    elif held > wanted + spread and n >= 5:
        told += " Yours were wider than they need be: you know more than you think."
    else:
        told += " That is as good as one can ask of so few."
    say("told", "Calibration", told)


def quiz(name: str, choice: str | None = None) -> None:
    """Answer a question of the quiz by its letter, for example `quiz("01.q1", "b")`; without a letter it is asked."""
    question = lesson(name, "QUESTIONS").get(name)
    if question is None:
        say("open", f"{name}", 'There is no question of that number: write it as in the text, for example "01.q1".')
        return
    right, told = pick(question, choice)
    if right is None:
        say("open", f"Question {name}", told)
        return
    note("quiz", name, tries=1, **({"passed": True} if right else {}))
    say("passed" if right else "wrong", f"Question {name}: {'right' if right else 'not that'}", told)


def _number(value: Any) -> float | None:
    """Return a finite real number as float, None for anything else."""
    try:
        number = float(value)
    except Exception:  # noqa: BLE001 - whatever a learner wrote, it isn't a number
        return None
    return number if math.isfinite(number) else None
