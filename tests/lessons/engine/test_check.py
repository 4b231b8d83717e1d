"""`check` shows the verdict, and `hint` the hints in turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import nbformat
import pytest
from checks_example import EXERCISE
from lesson_cells import builder

from aitex_utils.lessons import check, hint
from aitex_utils.lessons.engine import catalogue
from aitex_utils.lessons.engine.progress import read_progress

pytestmark = pytest.mark.usefixtures("one_exercise")


def test_check_shows_each_verdict_with_its_sign(printed: Callable[[], str]):
    check("09.1")
    assert printed().startswith("○ Exercise 09.1 Not attempted yet")
    check("09.1", lambda x: x + 1)
    text = printed()
    assert text.startswith("✗ Exercise 09.1: wrong value") and text.endswith('`hint("09.1")`.')
    check("09.1", lambda x: x * x)
    assert printed() == "✗ Exercise 09.1: not yet You square each number."
    check("09.1", lambda x: x + x)
    assert printed() == "✓ Exercise 09.1 passed Now you can double. (3 tries)"
    check("09.1", lambda x: x + x)
    assert printed() == "✓ Exercise 09.1 passed Now you can double."


def test_hints_come_in_order_and_start_again(printed: Callable[[], str]):
    for number in (1, 2, 3):
        hint("09.1")
        assert printed() == f"? Hint {number} of 3 for 09.1 {EXERCISE.hints[number - 1]}"
    hint("09.1")
    text = printed()
    assert text.startswith("? Hint 1 of 3") and "again" in text and text.endswith(EXERCISE.hints[0])
    assert read_progress()["exercises"]["09.1"] == {"hints": 4}


def test_an_exercise_without_hints_offers_none(printed: Callable[[], str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(catalogue, "entries", lambda name, kind: {"09.1": replace(EXERCISE, hints=())})
    check("09.1", lambda x: x + 1)
    assert "hint(" not in printed()
    hint("09.1")
    assert "no hints" in printed() and "hints" not in read_progress()["exercises"]["09.1"]


@pytest.mark.slow
def test_in_a_notebook_an_answer_that_does_not_end_is_stopped_with_a_sentence():
    """In a kernel of Jupyter, which handles interrupts in its own way."""
    cells = [
        "import sys\nimport numpy as np\nfrom aitex_utils.lessons import check\n"
        "sys.modules['aitex_utils.lessons.engine.judge'].TIME_LIMIT = 0.5"
    ]
    for body in ("while True: pass", "while True: np.ones(3).sum()", "import time; time.sleep(600)"):
        cells += [f"def endless(tiles, stride):\n    {body}\n\ncheck('00.1', endless)", "print('alive')"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    builder.execute(notebook, timeout=300)
    for judged, next_one in zip(notebook.cells[1::2], notebook.cells[2::2], strict=True):
        answer = " ".join(judged.outputs[0]["data"]["text/plain"].split())
        assert answer.startswith("✗ Exercise 00.1: crashed Your function was stopped after 0.5 seconds."), judged.source
        assert next_one.outputs[0]["text"] == "alive\n"
