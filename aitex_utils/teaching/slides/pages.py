"""Pages of slides: one file of HTML each, which needs no network and loads nothing."""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Mapping, Sequence
from pathlib import Path

from .decks import Slide
from .markup import FindFigure, join_figures, render, render_notes

FOLDER = Path(__file__).parent
KEYS = (
    "Arrow keys turn slides, and first show the answer to a question. The key n shows the notes, o shows all slides, "
)
KEYS += "and f fills the screen."
GENERATOR = "course.py slides"  # by which the command recognises its own files
BOX = '<li class="box">'  # of a checklist


def deck_page(slides: Sequence[Slide], find_figure: FindFigure) -> str:
    """Return a deck as a page.

    Parameters
    ----------
    slides : sequence of Slide
        Slides in their order.
    find_figure : callable
        Returns the figure of a reference such as `04/3/2`.

    Returns
    -------
    str

    Raises
    ------
    InputError
        If a slide refers to a figure that does not exist, or a formula cannot be drawn.

    Examples
    --------
    >>> page = deck_page([Slide("Tiles", "# Tiles", "Ask first.")], lambda key: None)
    >>> "default-src 'none'" in page, page.count("<section")
    (True, 1)
    """
    title = slides[0].title
    parts = []
    for number, slide in enumerate(slides, 1):
        markup = render(slide.body, find_figure)
        text = f'<div class="text">{markup.text}</div>' if markup.text else ""
        kind = "slide" + (" title" if number == 1 else "") + (" asking" if markup.is_asking else "")
        parts.append(
            f'<section class="{kind}" aria-label="Slide {number}">\n{markup.heading}'
            f'<div class="content {markup.layout}">{text}{join_figures(markup.figures)}</div>\n'
            f'<span class="name">{html.escape(title)}</span><span class="number">{number} / {len(slides)}</span>\n'
            f'</section>\n<aside class="notes" aria-label="Notes of slide {number}">{render_notes(slide.notes)}</aside>'
        )
    return _page(title, "\n".join(parts), "deck.css", _read("deck.js"))


def handout_page(slides: Sequence[Slide], find_figure: FindFigure) -> str:
    """Return a handout as a page, one sheet of A4 for each slide.

    Parameters
    ----------
    slides : sequence of Slide
        Sheets in their order. A list item that begins with `[ ]` gets a box to tick.
    find_figure : callable
        Returns the figure of a reference such as `04/3/2`.

    Returns
    -------
    str

    Raises
    ------
    InputError
        As `deck_page`.

    Examples
    --------
    >>> handout_page([Slide("Sheet", "# Sheet", "")], lambda key: None).count('class="page"')
    1
    """
    parts = []
    for slide in slides:
        markup = render(slide.body, find_figure)
        parts.append(
            f'<section class="page">\n{markup.heading}{join_figures(markup.figures)}'
            f'<div class="columns">{markup.text.replace("<li>[ ] ", BOX)}</div>\n</section>'
        )
    return _page(slides[0].title, "\n".join(parts), "handout.css")


def index_page(titles: Mapping[str, str]) -> str:
    """Return a page with a link to each page of a folder.

    Parameters
    ----------
    titles : mapping of str to str
        Title of each file.

    Returns
    -------
    str

    Examples
    --------
    >>> '<a href="04.html">Coreset &amp; co</a>' in index_page({"04.html": "Coreset & co"})
    True
    """
    items = "\n".join(
        f'<li><a href="{html.escape(file, quote=True)}">{html.escape(title)}</a></li>' for file, title in titles.items()
    )
    body = f'<main class="page"><h1>Slides</h1>\n<p>{KEYS}</p>\n<ul>\n{items}\n</ul></main>'
    return _page("Slides", body, "handout.css")


def _page(title: str, body: str, style: str, script: str = "") -> str:
    """Return a page whose policy allows its own style, script and embedded pictures, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    policy += f"; script-src 'sha256-{digest}'" if script else ""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="generator" content="{GENERATOR}">\n<title>{html.escape(title)}</title>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<link rel="icon" href="data:,">\n'
        f"<style>{_read(style)}</style>\n</head>\n<body>\n{body}\n"
        + (f"<script>{script}</script>\n" if script else "")
        + "</body>\n</html>\n"
    )


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
