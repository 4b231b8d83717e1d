"""Guess a result before it is shown: `predict` keeps a range, `reveal` compares it, `calibration` counts the hits."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from aitex_utils.lessons.wording import count, number_text

from .catalogue import entries, guess_names
from .compare import plain_text, safely
from .display import say
from .progress import read_entry, read_progress, update_entry

CONFIDENCE = 0.8  # probability with which a guessed range should contain the result
SIGNIFICANCE = 0.1  # probability below which a number of hits is not put down to chance
FEW = 5  # guesses, below which a number of hits says nothing yet
MAX_LISTED = 5  # guesses that are listed by name


class _Guess(NamedTuple):
    name: str
    low: float
    high: float
    result: float | None  # None before it is revealed


def predict(name: str, low: float | None = None, high: float | None = None, *, unit: str = "") -> None:
    """Keep a guess of a result: a range that you are 80 % sure contains it.

    Parameters
    ----------
    name : str
        Name of the guess, as in the notebook: "02.a".
    low, high : float
        Ends of the range, in any order.
    unit : str
        Unit of the numbers.

    Notes
    -----
    A guess can be changed until the result is revealed, and not after that.

    Examples
    --------
    >>> predict("00.a", 3, 5, unit="px")
    • Guess 00.a kept  3 to 5 px. Now compare it with the result.
    """
    name, unit, ends = plain_text(name), _unit_sign(unit), (_number(low), _number(high))
    title = f"Guess {name[:40]}"
    known = guess_names(name)
    if name not in known and (known or not entries(name, "EXERCISES")):  # else the notebook's source is not there
        listed = f"Names in this notebook: {', '.join(known)}." if known else 'A name looks like "01.a".'
        say("open", title, f"There is no guess with this name, so it was not kept. {listed}")
        return
    if None in ends:
        say(
            "open",
            title,
            "Give a lowest and a highest value, such that you are 80 % sure that the result lies between them.",
        )
        return
    low, high = sorted(ends)
    guess = _read_guess(name)
    is_new = guess is None or (guess.low, guess.high) != (low, high)
    if guess and guess.result is not None and is_new:
        range_text = f"{_end(guess.low)} to {_end(guess.high)} {unit}".strip()
        say("open", title, f"You have seen the result already, so your earlier guess stays: {range_text}.")
        return
    if is_new:
        update_entry("predictions", name, low=low, high=high, truth=None)
    message = f"{_end(low)} to {_end(high)} {unit}".strip() + "."
    if unit == "%" and 0 < high <= 1:
        percent = _end(100 * low), _end(100 * high)
        message += (
            f" Do you mean {percent[0]} to {percent[1]} %? Then write {percent[0]} and {percent[1]}, and run it again."
        )
    say("info", f"{title} kept", message + " Now compare it with the result.")


def reveal(name: str, truth: float, *, unit: str = "") -> None:
    """Compare a result with the guess of that name.

    Parameters
    ----------
    name : str
        Name of the guess.
    truth : float
        The result.
    unit : str
        Unit of the result.

    Examples
    --------
    >>> predict("00.a", 3, 5)
    • Guess 00.a kept  3 to 5. Now compare it with the result.
    >>> reveal("00.a", 4.5)
    ✓ Guess 00.a: within your range  The result is 4.5. Your guess was 3 to 5.
    """
    name, unit, result = plain_text(name), _unit_sign(unit), _number(truth)
    title = f"Guess {name[:40]}"
    if result is None:
        say("open", title, "The result is not a single finite number, so no guess can be compared with it.")
        return
    guess = _read_guess(name)
    if guess is None:
        message = f"The result is {number_text(result)} {unit}".strip()
        more = "No guess was kept. A result is easier to remember after a guess. Try it with the next result."
        say("open", title, f"{message}. {more}")
        return
    update_entry("predictions", name, truth=result)
    hit = guess.low <= result <= guess.high
    low, high, shown = _texts(guess.low, guess.high, result)
    message = f"The result is {shown} {unit}".strip() + f". Your guess was {low} to {high}."
    say("passed" if hit else "wrong", f"{title}: {'within' if hit else 'outside'} your range", message)


def calibration() -> None:
    """Show how many of your guesses contain the result, which ones do not, and whether that agrees with 80 %.

    Examples
    --------
    >>> calibration()
    ○ Calibration  No guess has been compared with its result yet.
    """
    guesses = [guess for name in sorted(read_progress()["predictions"]) if (guess := _read_guess(name))]
    revealed = [guess for guess in guesses if guess.result is not None]
    if not revealed:
        say("open", "Calibration", "No guess has been compared with its result yet.")
        return
    misses = [guess for guess in revealed if not guess.low <= guess.result <= guess.high]
    n, hits = len(revealed), len(revealed) - len(misses)
    message = f"{hits} of {count(n, 'range')} {'contains' if hits == 1 else 'contain'} the result. "
    message += f"At 80 %, about {CONFIDENCE * n:.1f} are expected. {_list_misses(misses)}"
    if _probability(range(hits + 1), n) < SIGNIFICANCE:
        message += "Your ranges are probably too narrow: you are surer than your results allow. Widen them."
    elif _probability(range(hits, n + 1), n) < SIGNIFICANCE:
        message += "Your ranges are probably wider than necessary. Narrow them a little."
    elif n < FEW:
        more = count(FEW - n, "more guess in another notebook", "more guesses in other notebooks")
        message += "With so few guesses, you cannot yet see whether your ranges are too narrow. "
        message += f"Make {more}, and run this again."
    else:
        message += f"This number agrees with 80 %, as far as {count(n, 'guess', 'guesses')} can show."
    say("info", "Calibration", message)


def _list_misses(misses: list[_Guess]) -> str:
    """List the guesses whose range does not contain the result, and on which side it lies."""
    if not misses:
        return ""
    parts = []
    for guess in misses[:MAX_LISTED]:
        low, high, shown = _texts(guess.low, guess.high, guess.result or 0.0)
        side = "below" if (guess.result or 0.0) < guess.low else "above"
        parts.append(f"{guess.name[:40]} (result {shown}, {side} {low} to {high})")
    rest = f" and {len(misses) - MAX_LISTED} more" if len(misses) > MAX_LISTED else ""
    return f"Outside the range: {', '.join(parts)}{rest}. "


def _probability(hits: range, n: int) -> float:
    """Return the probability of these numbers of hits among `n` ranges of 80 % (binomial distribution)."""
    return sum(math.comb(n, k) * CONFIDENCE**k * (1 - CONFIDENCE) ** (n - k) for k in hits)


def _read_guess(name: str) -> _Guess | None:
    """Return the guess of that name, or None if there is none or its entry is damaged."""
    entry = read_entry("predictions", name)
    low, high, result = (_number(entry.get(key)) for key in ("low", "high", "truth"))
    return None if low is None or high is None else _Guess(name, low, high, result)


def _texts(low: float, high: float, result: float) -> tuple[str, str, str]:
    """Write a range and a result with few digits, but enough to show whether the range contains the result."""
    for digits in (4, 6, 9, 17):
        ends = [number_text(end, max(digits, 6)) for end in (low, high)]
        shown = number_text(result, digits)
        if (float(ends[0]) <= float(shown) <= float(ends[1])) == (low <= result <= high):
            break
    return ends[0], ends[1], shown


def _end(value: float) -> str:
    return number_text(value, 6)


def _unit_sign(unit: Any) -> str:
    text = plain_text(unit)
    return "%" if text == "per cent" else text


def _number(value: Any) -> float | None:
    """Return a finite real number as float, None for anything else."""
    number = safely(float, value, math.nan)
    return number if math.isfinite(number) else None
