"""How a text is shown: what is stressed in a notebook, and what a terminal leaves out."""

from __future__ import annotations

import pytest

from aitex_utils.lessons.engine import display

TEXTS = [  # as written, in a notebook, in a terminal
    ("Only the *last* one.", "Only the <em>last</em> one.", "Only the last one."),
    ("*at most* and (*never*).", "<em>at most</em> and (<em>never</em>).", "at most and (never)."),
    ("`a *b* c` is *code*", "`a *b* c` is <em>code</em>", "`a *b* c` is code"),
    ("2 * 3 * 4, n*m*k, f(*args, **more)", None, None),
    ("one *star, and\nanother* line", None, None),
    ("**two** and *", None, None),
]


@pytest.mark.parametrize(("text", "stressed", "plain"), TEXTS)
def test_asterisks_stress_words_and_nothing_else(text: str, stressed: str | None, plain: str | None):
    assert display._stressed(text, "em") == (text if stressed is None else stressed)
    assert display._stressed(text, "") == (text if plain is None else plain)


def test_a_terminal_shows_no_asterisks(capsys: pytest.CaptureFixture):
    display.say("told", "Title", "the *smallest* of `a * b`")
    assert capsys.readouterr().out.strip().endswith("Title  the smallest of `a * b`")


def test_a_notebook_shows_them_stressed(monkeypatch: pytest.MonkeyPatch):
    shown: list[str] = []
    monkeypatch.setattr(display, "show_words", lambda plain, markup: shown.append(markup))
    display.say("told", "Title", "the *smallest* of `a * b` & more")
    assert "the <em>smallest</em> of <code>a * b</code> &amp; more" in shown[0]
