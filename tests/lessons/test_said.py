"""What a learner is shown: the same words everywhere, guesses and calibration, the quiz, progress as a table."""

from __future__ import annotations

import html
import io
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checks_example import EXERCISE, QUESTION

from aitex_utils import lessons as checks
from aitex_utils.lessons import calibration, check, hint, predict, progress_table, quiz, reveal
from aitex_utils.lessons.engine import display
from aitex_utils.lessons.engine.progress import note, read_progress


@pytest.fixture(autouse=True)
def own_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))
    entries = {"EXERCISES": {"09.1": EXERCISE}, "QUESTIONS": {"09.q1": QUESTION}}
    monkeypatch.setattr(checks, "entries", lambda name, kind: entries[kind])


@pytest.fixture
def said(capsys: pytest.CaptureFixture) -> Any:
    """Return what was printed since the last call, on one line."""
    return lambda: " ".join(capsys.readouterr().out.split())


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """As under a kernel of JupyterLab or VS Code, both ipykernel's; collects what is displayed."""
    shown: list[dict[str, str]] = []
    IPython = pytest.importorskip("IPython")
    monkeypatch.setattr(IPython, "get_ipython", type("ZMQInteractiveShell", (), {}))
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: shown.append(bundle))
    return shown


def words(markup: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).split())


@pytest.mark.parametrize("look", display.LOOKS)
def test_a_notebook_shows_a_box_with_the_same_words(look: str, notebook: list[dict[str, str]]):
    told = 'a < b & "c", `x[1] > 2`\nand <script>alert(1)</script>'
    display.say(look, "A <title>", told)
    markup, plain = notebook[0]["text/html"], notebook[0]["text/plain"]
    assert "<script" not in markup and "<title" not in markup and "<code>x[1] &gt; 2</code>" in markup
    assert words(markup).replace(" ", "") == plain.replace("`", "").replace("\n", "").replace(" ", "")
    assert 'role="status"' in markup


def test_looks_differ_in_more_than_colour(notebook: list[dict[str, str]]):
    for look in display.LOOKS:
        display.say(look, "", "")
    grey = [re.sub(r"#\w{6}", "", shown["text/html"]) for shown in notebook]
    assert len(set(grey)) == len(grey) == 5
    assert len({sign for _, sign in display.LOOKS.values()}) == 5
    solid = {look for look, markup in zip(display.LOOKS, grey, strict=True) if "6px solid" in markup}
    assert solid == {"passed"}


@pytest.mark.parametrize(
    ("name", "base", "in_box"),
    [("ZMQInteractiveShell", object, True), ("TerminalInteractiveShell", object, False), ("NoneType", None, False)],
)
def test_where_a_box_is_shown(name: str, base: Any, in_box: bool, monkeypatch: pytest.MonkeyPatch, said: Any):
    shell = type(name, (base,), {}) if base else type(None)
    monkeypatch.setattr("IPython.get_ipython", shell)
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: print("BOX"))
    display.say("passed", "Title", "text")
    assert said() == ("BOX" if in_box else "✓ Title text")
    derived = type("Shell", (shell,), {}) if in_box else shell  # as Colab does
    monkeypatch.setattr("IPython.get_ipython", derived)
    assert display._in_notebook() == in_box


def test_without_ipython(monkeypatch: pytest.MonkeyPatch, said: Any):
    monkeypatch.setitem(sys.modules, "IPython", None)
    display.say("wrong", "Title", "text")
    assert said() == "✗ Title text"


def test_a_terminal_that_can_t_show_the_signs(monkeypatch: pytest.MonkeyPatch):
    out = io.TextIOWrapper(io.BytesIO(), encoding="cp1252", newline="\n")
    monkeypatch.setattr(sys, "stdout", out)
    display.say("passed", "Title", "3 µm ✓\ud800\x07")
    out.flush()
    assert out.buffer.getvalue().decode("cp1252") == "? Title  3 µm ???\n"


def test_long_words_are_wrapped_by_line(capsys: pytest.CaptureFixture):
    display.say("open", "Title", "first\n" + "some-words " * 30 + "\nlast")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "○ Title  first" and lines[-1] == "last" and max(map(len, lines)) <= 100
    assert all(line.startswith("  some-words") for line in lines[2:-1])


def test_in_a_plain_python_and_in_ipython_s_terminal(tmp_path: Path):
    code = "from aitex_utils.lessons import hint, predict; predict('a', 1, 2); hint('99.1')"
    for command in (["-c", code], ["-m", "IPython", "--simple-prompt", "--no-banner", "--colors=NoColor", "-c", code]):
        done = subprocess.run(
            [sys.executable, *command], capture_output=True, text=True, encoding="utf-8", env=environment(tmp_path)
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("• Guess a kept  1 to 2. Now see.\n○ 99.1  There is no exercise")


def environment(folder: Path) -> dict[str, str]:
    import os

    root = str(Path(__file__).resolve().parents[2])
    own = {"COURSE_PROGRESS": str(folder / "p.json"), "PYTHONPATH": root, "PYTHONIOENCODING": "utf-8"}
    return os.environ | own | {"IPYTHONDIR": str(folder)}


def test_check_says_how_it_stands(said: Any):
    check("09.1")
    assert said().startswith("○ Exercise 09.1 Not attempted yet")
    check("09.1", lambda x: x + 1)
    told = said()
    assert told.startswith("✗ Exercise 09.1: wrong value Not yet right in 2 of the 2 cases that were")
    assert told.endswith('A hint: `hint("09.1")`.')
    check("09.1", lambda x: x * x)
    assert said() == "✗ Exercise 09.1: not yet You multiply each number by itself."
    check("09.1", lambda x: x + x)
    assert said() == "✓ Exercise 09.1 passed Now you can double. (3 tries)"
    check("09.1", lambda x: x + x)
    assert said() == "✓ Exercise 09.1 passed Now you can double."


def test_hints_go_from_gentle_to_concrete_and_round(said: Any):
    for look, expected in enumerate(("Hint 1 of 3 for 09.1 Think of", "Hint 2 of 3", "Hint 3 of 3", "Hint 1 of 3")):
        hint("09.1")
        told = said()
        assert told.startswith(f"? {expected}")
        assert (look == 3) == ("That was the last one; from the start: Think of adding." in told)
    assert read_progress()["exercises"]["09.1"] == {"hints": 4}


def test_a_number_that_was_left_out_is_asked_for(said: Any):
    def receptive_field(x):
        return x

    check(receptive_field)
    assert said() == (
        "○ Which exercise? The number is missing: it stands first, in quotes, for example "
        '`check("01.2", receptive_field)`.'
    )
    quiz("b")
    assert said() == '○ b The number of the question is missing: it stands first, for example `quiz("01.q1", "b")`.'


@pytest.mark.parametrize(
    "guess",
    [(), (0.5,), (..., ...), (0.1, ...), ("low", "high"), (float("nan"), 1), (1, float("inf")), (None, 1), ([1], [2])],
)
def test_what_is_no_guess_is_asked_for(guess: tuple, said: Any):
    predict("09.a", *guess)
    assert said() == (
        "○ Guess 09.a Write a lowest and a highest value between which you are 80 % sure the answer lies."
    )
    assert read_progress()["predictions"] == {}


def test_shares_instead_of_per_cent_are_asked_about(said: Any):
    for unit in ("%", "per cent"):
        predict("09.p", 0.8, 0.95, unit=unit)
        assert said() == (
            "• Guess 09.p kept 0.8 to 0.95 %. Do you mean 80 to 95 %? Then write 80 and 95, and run it again. Now see."
        )
    reveal("09.p", 0.9, unit="per cent")
    assert "It is 0.9 %; you said" in said()
    for guess, unit in (((0.8, 1.2), "%"), ((-0.5, 0), "%"), ((0.8, 0.95), "px")):
        predict("09.q", *guess, unit=unit)
        assert "Do you mean" not in said()


def test_a_guess_meets_its_result(said: Any):
    predict("09.a", 5, np.float32(3), unit="px")
    assert said() == "• Guess 09.a kept 3 to 5 px. Now see."
    reveal("09.a", 4, unit="px")
    assert said() == "✓ Guess 09.a: within your range It is 4 px; you said 3 to 5."
    reveal("09.a", np.array(5.5))
    assert said() == "✗ Guess 09.a: outside your range It is 5.5; you said 3 to 5."
    for edge in (3, 5.0):
        reveal("09.a", edge)
        assert "within your range" in said()
    assert read_progress()["predictions"] == {"09.a": {"low": 3.0, "high": 5.0, "truth": 5.0}}


def test_a_guess_can_be_changed_before_the_result_but_not_after(said: Any):
    predict("09.a", 1, 2)
    predict("09.a", 1, 3)
    reveal("09.a", 9)
    said()
    predict("09.a", 8, 10)
    assert said() == "○ Guess 09.a You have seen the result, so your guess from before stays: 1 to 3."
    predict("09.a", 1, 3)  # the notebook run again
    assert said() == "• Guess 09.a kept 1 to 3. Now see."
    assert read_progress()["predictions"]["09.a"] == {"low": 1.0, "high": 3.0, "truth": 9.0}


def test_a_result_without_a_guess_or_without_a_number(said: Any):
    reveal("09.b", 4)
    assert said().startswith("○ Guess 09.b It is 4. No guess was kept.")
    predict("09.b", 1, 2)
    said()
    for truth in (np.nan, None, "text", np.ones(3), 1j):
        reveal("09.b", truth)
        assert said() == "○ Guess 09.b The result isn't a single finite number, so no guess can be compared with it."
    note("predictions", "09.c", low="a", high=[2])  # somebody's hand was in the file
    reveal("09.c", 1)
    assert "No guess was kept" in said()


@pytest.mark.parametrize(
    ("held", "n", "expected"),
    [
        (0, 0, "No guess has met its result yet."),
        (1, 1, "So far in the course 1 of your 1 range held the result; of ranges of 80 % about 0.8 of 1 should. That"),
        (0, 1, "That agrees with 80 %, as far as so few can tell."),
        (0, 2, "Yours were too narrow: you are surer than you may be. Widen them."),
        (5, 5, "So far in the course 5 of your 5 ranges held the result; of ranges of 80 % about 4.0 of 5 should."),
        (3, 5, "That agrees with 80 %"),
        (2, 5, "Yours were too narrow"),
        (10, 10, "That agrees with 80 %"),
        (11, 11, "Yours were wider than they need be: you know more than you think."),
    ],
)
def test_calibration(held: int, n: int, expected: str, said: Any):
    note("predictions", "open", low=1.0, high=2.0, truth=None)
    note("predictions", "odd", low="1", high={}, truth="x")
    for i in range(n):
        note("predictions", f"09.{i}", low=0.0, high=1.0, truth=0.5 if i < held else 2.0)
    calibration()
    assert expected in said()


@pytest.mark.parametrize("choice", ["b", "B", " b ", "b)", "B."])
def test_the_right_choice(choice: str, said: Any):
    quiz("09.q1", choice)
    assert said() == "✓ Question 09.q1: right Yes, two and two."


def test_a_quiz_tells_what_each_choice_comes_to(said: Any):
    quiz("09.q1")
    assert said() == "○ Question 09.q1 What is <twice> two? a) three b) four"
    for choice in ("c", "ab", 1, True, ..., ["b"], b"b", np.array("b"), np.ones(3)):
        quiz("09.q1", choice)
        assert said() == "○ Question 09.q1 Choose one of a, b, as a letter in quotes."
    for choice in ("", " "):
        quiz("09.q1", choice)
        assert said().endswith("Not answered yet: put your letter, one of a, b, between the empty quotation marks.")
    assert read_progress()["quiz"] == {}
    quiz("09.q1", "a")
    assert said() == "✗ Question 09.q1: not that That is one too few."
    quiz("09.q1", "b")
    quiz("09.q1", "a")
    assert read_progress()["quiz"] == {"09.q1": {"tries": 2, "passed": True}}


def test_progress_as_a_table(notebook: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch, said: Any):
    progress_table()
    assert notebook[-1]["text/plain"].startswith("Nothing was tried yet.")
    for answer in (lambda x: x, lambda x: 2 * x):
        check("09.1", answer)
    hint("09.1")
    quiz("09.q1", "a")
    note("exercises", "<b>", tries="many", passed="yes")
    progress_table()
    plain, markup = notebook[-1]["text/plain"], notebook[-1]["text/html"]
    rows = [line.split() for line in plain.splitlines()]
    assert rows[0] == ["exercise", "state", "tries", "hints", "used"]
    assert ["✓", "09.1", "passed", "2", "1"] in rows and ["○", "09.q1", "open", "1", "0"] in rows
    assert ["○", "<b>", "open", "0", "0"] in rows and "1 of 3 passed that were tried." in plain
    assert '<th scope="row">09.1</th><td>✓ passed</td><td>2</td><td>1</td>' in markup
    assert "<b>" not in markup and "progress.json, a file that you may hand to a teacher" in words(markup)
    monkeypatch.setattr("IPython.get_ipython", lambda: None)
    progress_table()
    assert "✓ 09.1 passed 2 1" in said()
