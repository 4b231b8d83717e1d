"""Guesses: kept before the result, compared with it, and counted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from aitex_utils.lessons import calibration, predict, reveal
from aitex_utils.lessons.engine import predictions
from aitex_utils.lessons.engine.progress import read_progress, update_entry

pytestmark = pytest.mark.usefixtures("one_exercise")


@pytest.mark.parametrize(
    "ends",
    [(), (0.5,), (..., ...), (0.1, ...), ("low", "high"), (float("nan"), 1), (1, float("inf")), (None, 1), ([1], [2])],
)
def test_a_guess_without_two_numbers_is_asked_for(ends: tuple, printed: Callable[[], str]):
    predict("09.a", *ends)
    text = printed()
    assert text.startswith("○ Guess 09.a") and "lowest and a highest value" in text
    assert read_progress()["predictions"] == {}


@pytest.mark.parametrize("unit", ["%", "per cent"])
def test_a_share_in_place_of_a_percentage_is_asked_about(unit: str, printed: Callable[[], str]):
    predict("09.p", 0.8, 0.95, unit=unit)
    text = printed()
    assert text.startswith("• Guess 09.p kept 0.8 to 0.95 %.") and "Do you mean 80 to 95 %?" in text
    reveal("09.p", 0.9, unit=unit)
    assert "0.9 %." in printed()


@pytest.mark.parametrize(("ends", "unit"), [((0.8, 1.2), "%"), ((-0.5, 0), "%"), ((0.8, 0.95), "px")])
def test_other_guesses_are_not_asked_about(ends: tuple, unit: str, printed: Callable[[], str]):
    predict("09.q", *ends, unit=unit)
    assert "Do you mean" not in printed()


def test_a_guess_is_compared_with_its_result(printed: Callable[[], str]):
    predict("09.a", 5, np.float32(3), unit="px")
    assert printed().startswith("• Guess 09.a kept 3 to 5 px.")
    reveal("09.a", 4, unit="px")
    text = printed()
    assert text.startswith("✓ Guess 09.a: within your range") and " 4 px." in text and text.endswith("3 to 5.")
    reveal("09.a", np.array(5.5))
    text = printed()
    assert text.startswith("✗ Guess 09.a: outside your range") and " 5.5." in text
    for end in (3, 5.0):
        reveal("09.a", end)
        assert "within your range" in printed()
    assert read_progress()["predictions"] == {"09.a": {"low": 3.0, "high": 5.0, "truth": 5.0}}


def test_a_guess_can_be_changed_before_the_result_but_not_after(printed: Callable[[], str]):
    predict("09.a", 1, 2)
    predict("09.a", 1, 3)
    reveal("09.a", 9)
    printed()
    predict("09.a", 8, 10, unit="px")
    text = printed()
    assert text.startswith("○ Guess 09.a") and text.endswith("stays: 1 to 3 px.")
    predict("09.a", 1, 3)  # the notebook is run again
    assert printed().startswith("• Guess 09.a kept 1 to 3.")
    assert read_progress()["predictions"]["09.a"] == {"low": 1.0, "high": 3.0, "truth": 9.0}


def test_an_unknown_guess_is_refused_with_the_known_ones(monkeypatch: pytest.MonkeyPatch, printed: Callable[[], str]):
    monkeypatch.setattr(predictions, "guess_names", lambda name: ["09.a", "09.b"])
    for name in ("09.zz", "09", "9.a", "", None, 9.1):
        predict(name, 1, 2)
        text = printed()
        assert "no guess with this name" in text and "Names in this notebook: 09.a, 09.b." in text
    predict("09.b", 1, 2)
    assert "kept" in printed() and list(read_progress()["predictions"]) == ["09.b"]


def test_a_guess_of_no_notebook_is_refused(monkeypatch: pytest.MonkeyPatch, printed: Callable[[], str]):
    monkeypatch.undo()
    predict("zz", 1, 2)
    assert 'A name looks like "01.a".' in printed()


def test_without_the_notebook_s_source_any_guess_is_kept(monkeypatch: pytest.MonkeyPatch, printed: Callable[[], str]):
    monkeypatch.setattr(predictions, "guess_names", lambda name: [])
    predict("09.zz", 1, 2)
    assert "kept" in printed()


@pytest.mark.parametrize(
    ("value", "text"),
    [(-8.354e-05, "-0.00008354"), (2.5e6, "2500000"), (1e-9, "1e-09"), (0.1, "0.1")],
)
def test_small_and_large_numbers_are_readable(value: float, text: str, printed: Callable[[], str]):
    predict("09.a", value, value)
    assert f"kept {text} to {text}." in printed()
    reveal("09.a", value)
    assert f"The result is {text}. Your guess was {text} to {text}." in printed()
    reveal("09.b", value)
    assert f"The result is {text}." in printed()


def test_a_result_without_a_guess_is_still_shown(printed: Callable[[], str]):
    reveal("09.b", 4)
    text = printed()
    assert text.startswith("○ Guess 09.b The result is 4.") and "No guess" in text
    update_entry("predictions", "09.c", low="a", high=[2])  # a file edited by hand
    reveal("09.c", 1)
    assert "No guess" in printed()


@pytest.mark.parametrize("truth", [np.nan, None, "text", np.ones(3), 1j])
def test_a_result_that_is_not_a_number_changes_nothing(truth: object, printed: Callable[[], str]):
    predict("09.b", 1, 2)
    printed()
    reveal("09.b", truth)
    text = printed()
    assert text.startswith("○ Guess 09.b") and "single finite number" in text
    assert read_progress()["predictions"]["09.b"]["truth"] is None


@pytest.mark.parametrize(
    ("hits", "n", "expected", "words"),
    [
        (1, 1, "0.8", "4 more guesses in other notebooks,"),
        (0, 1, "0.8", "4 more guesses"),
        (3, 4, "3.2", "1 more guess in another notebook,"),
        (0, 2, "1.6", "too narrow"),
        (5, 5, "4.0", "agrees"),
        (3, 5, "4.0", "agrees"),
        (2, 5, "4.0", "too narrow"),
        (10, 10, "8.0", "agrees"),
        (11, 11, "8.8", "wider"),
    ],
)
def test_calibration(hits: int, n: int, expected: str, words: str, printed: Callable[[], str]):
    update_entry("predictions", "open", low=1.0, high=2.0, truth=None)
    update_entry("predictions", "odd", low="1", high={}, truth="x")
    for i in range(n):
        update_entry("predictions", f"09.{i}", low=0.0, high=1.0, truth=0.5 if i < hits else 2.0)
    calibration()
    text = printed()
    ranges, verb = "range" if n == 1 else "ranges", "contains" if hits == 1 else "contain"
    assert f"{hits} of {n} {ranges} {verb} the result. At 80 %, about {expected} are expected." in text
    assert [word for word in ("agrees", "probably too narrow", "wider", "more guess") if word in text] == [
        next(word for word in ("agrees", "probably too narrow", "wider", "more guess") if word in f"probably {words}")
    ]
    assert words in text and ("Outside the range" in text) == (hits < n)


def test_calibration_lists_the_guesses_that_missed(printed: Callable[[], str]):
    for i, result in enumerate((0.5, -8.354e-05, 12.0, 1.0)):
        update_entry("predictions", f"09.{i}", low=0.0, high=1.0, truth=result)
    calibration()
    assert "Outside the range: 09.1 (result -0.00008354, below 0 to 1), 09.2 (result 12, above 0 to 1)." in printed()
    for i in range(10, 17):
        update_entry("predictions", f"09.{i}", low=0.0, high=1.0, truth=2.0)
    calibration()
    assert " and 4 more." in printed()


def test_calibration_without_a_result(printed: Callable[[], str]):
    update_entry("predictions", "open", low=1.0, high=2.0, truth=None)
    calibration()
    assert printed().startswith("○ Calibration No guess")
