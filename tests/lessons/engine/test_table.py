"""The progress as a table, in a notebook and in a terminal."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from aitex_utils.lessons import check, hint, progress_table, quiz
from aitex_utils.lessons.engine.progress import update_entry, update_name

pytestmark = pytest.mark.usefixtures("one_exercise")


def fill() -> None:
    for answer in (lambda x: x, lambda x: 2 * x):
        check("09.1", answer)
    hint("09.1")
    quiz("09.q1", "a")
    update_entry("exercises", "<b>", tries="many", passed="yes")


def test_an_empty_table_says_so(printed: Callable[[], str]):
    progress_table()
    text = printed()
    assert text.startswith("No exercise or question") and "passed" not in text and "hints used" not in text


def test_a_notebook_shows_a_table(notebook_output: list[dict[str, str]]):
    fill()
    progress_table()
    markup = notebook_output[-1]["text/html"]
    assert '<th scope="row">09.1</th><td>✓ passed</td><td>2</td><td>1</td>' in markup
    assert '<th scope="row">&lt;b&gt;</th><td>○ open</td><td>0</td><td>0</td>' in markup
    assert markup.count("<tr>") == 4 and "<caption>1 of 3 passed.</caption>" in markup and "<b>" not in markup


def test_a_terminal_shows_the_same_rows(capsys: pytest.CaptureFixture):
    fill()
    capsys.readouterr()
    progress_table()
    text = capsys.readouterr().out
    rows = [line.split() for line in text.splitlines()]
    assert rows[0] == ["exercise", "state", "tries", "hints", "used"]
    assert rows[1:4] == [
        ["✓", "09.1", "passed", "2", "1"],
        ["○", "<b>", "open", "0", "0"],
        ["○", "09.q1", *"open 1 0".split()],
    ]
    assert "1 of 3 passed." in text and "progress.json" in text


def test_the_name_in_the_file_is_shown(notebook_output: list[dict[str, str]]):
    for name, words in (("", "contains no name"), ("<i>Ada</i>", "signed as &lt;i&gt;Ada&lt;/i&gt;")):
        update_name(name)
        progress_table()
        assert words in notebook_output[-1]["text/html"] and "<i>" not in notebook_output[-1]["text/html"]
