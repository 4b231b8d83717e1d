"""A message as a box in a notebook and as plain lines in a terminal, with the same words."""

from __future__ import annotations

import html
import io
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from project_root import ROOT

from aitex_utils.lessons.engine import display

TEXTS = [  # as written, in a notebook, in a terminal
    ("Only the *last* one.", "Only the <em>last</em> one.", "Only the last one."),
    ("*at most* and (*never*).", "<em>at most</em> and (<em>never</em>).", "at most and (never)."),
    ("`a *b* c` is *code*", "`a *b* c` is <em>code</em>", "`a *b* c` is code"),
    ("2 * 3 * 4, n*m*k, f(*args, **more)", None, None),
    ("one *star, and\nanother* line", None, None),
    ("**two** and *", None, None),
]


@pytest.mark.parametrize(("text", "in_notebook", "in_terminal"), TEXTS)
def test_asterisks_emphasise_words_and_nothing_else(text: str, in_notebook: str | None, in_terminal: str | None):
    assert display._emphasise(text, "em") == (text if in_notebook is None else in_notebook)
    assert display._emphasise(text, "") == (text if in_terminal is None else in_terminal)


def test_a_terminal_shows_no_asterisks(printed: Callable[[], str]):
    display.say("info", "Title", "the *smallest* of `a * b`")
    assert printed() == "• Title the smallest of `a * b`"


def test_a_notebook_shows_emphasis_and_code(notebook_output: list[dict[str, str]]):
    display.say("info", "Title", "the *smallest* of `a * b` & more")
    assert "the <em>smallest</em> of <code>a * b</code> &amp; more" in notebook_output[0]["text/html"]


@pytest.mark.parametrize("look", display.LOOKS)
def test_a_notebook_shows_a_box_with_the_same_words(look: str, notebook_output: list[dict[str, str]]):
    display.say(look, "A <title>", 'a < b & "c", `x[1] > 2`\nand <script>alert(1)</script>')
    markup, plain = notebook_output[0]["text/html"], notebook_output[0]["text/plain"]
    assert "<script" not in markup and "<title" not in markup and "<code>x[1] &gt; 2</code>" in markup
    words = html.unescape(re.sub(r"<[^>]+>", " ", markup))
    assert "".join(words.split()) == "".join(plain.replace("`", "").split())
    assert 'role="status"' in markup


def test_looks_differ_in_more_than_colour(notebook_output: list[dict[str, str]]):
    for look in display.LOOKS:
        display.say(look, "", "")
    without_colour = [re.sub(r"#\w{6}", "", bundle["text/html"]) for bundle in notebook_output]
    assert len(set(without_colour)) == len(display.LOOKS)
    solid = {look for look, markup in zip(display.LOOKS, without_colour, strict=True) if "6px solid" in markup}
    assert solid == {"passed"}


@pytest.mark.parametrize(
    ("name", "base", "is_box"),
    [("ZMQInteractiveShell", object, True), ("TerminalInteractiveShell", object, False), ("NoneType", None, False)],
)
def test_only_shells_with_html_show_a_box(
    name: str, base: Any, is_box: bool, monkeypatch: pytest.MonkeyPatch, printed: Callable[[], str]
):
    shell = type(name, (base,), {}) if base else type(None)
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: print("BOX"))
    for kind in (shell, type("Shell", (shell,), {}) if base else shell):  # a subclass, as in Colab
        monkeypatch.setattr("IPython.get_ipython", kind)
        display.say("passed", "Title", "text")
        assert printed() == ("BOX" if is_box else "✓ Title text")


def test_without_ipython_the_text_is_printed(monkeypatch: pytest.MonkeyPatch, printed: Callable[[], str]):
    monkeypatch.setitem(sys.modules, "IPython", None)
    display.say("wrong", "Title", "text")
    assert printed() == "✗ Title text"


def test_characters_that_a_terminal_lacks_are_replaced(monkeypatch: pytest.MonkeyPatch):
    out = io.TextIOWrapper(io.BytesIO(), encoding="cp1252", newline="\n")
    monkeypatch.setattr(sys, "stdout", out)
    display.say("passed", "Title", "3 µm ✓\ud800\x07")
    out.flush()
    assert out.buffer.getvalue().decode("cp1252") == "? Title  3 µm ???\n"


def test_lines_are_wrapped_between_words(capsys: pytest.CaptureFixture):
    display.say("open", "Title", "first\n" + "some-words " * 30 + "\nlast")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "○ Title  first" and lines[-1] == "last" and max(map(len, lines)) <= 100
    assert all(line.startswith("  some-words") for line in lines[2:-1])


@pytest.mark.parametrize("shell", [[], ["-m", "IPython", "--simple-prompt", "--no-banner", "--colors=NoColor"]])
def test_plain_python_and_ipython_in_a_terminal_print_text(shell: list[str], tmp_path: Path):
    code = "from aitex_utils.lessons import hint, predict; predict('00.a', 1, 2); hint('99.1')"
    own = {"COURSE_PROGRESS": str(tmp_path / "p.json"), "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    environment = os.environ | own | {"IPYTHONDIR": str(tmp_path)}
    command = [sys.executable, *shell, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", env=environment)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()[:2]
    assert first.startswith("• Guess 00.a kept  1 to 2.") and second.startswith("○ 99.1  There is no exercise")
