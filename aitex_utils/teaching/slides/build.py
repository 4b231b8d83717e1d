"""Build decks and the handout from their texts: a file of HTML each, and a PDF where a browser can print one."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from ...errors import InputError
from ...files.atomic_write import atomic_write
from ...files.ownership import refuse_foreign_file
from ..numbers import fill_numbers
from .browser import PDF_SIGN, find_browser, print_pdf
from .decks import Slide, read_slides
from .figures import Figure, notebook_figures
from .markup import FindFigure
from .pages import GENERATOR, deck_page, handout_page, index_page

HANDOUT = "handout"
NO_BROWSER = (
    "No PDF was made, because no Chromium, Chrome or Edge was found: print a page from your browser, or name a browser "
    "with COURSE_BROWSER."
)


def deck_names(project: Path) -> list[str]:
    """Return the names of all texts that can be built.

    Parameters
    ----------
    project : Path
        Folder of the project.

    Returns
    -------
    list of str
        Numbers of notebooks, and `handout`.

    Examples
    --------
    >>> deck_names(Path("no/such/project"))
    ['handout']
    """
    return [*sorted(path.stem for path in (project / "teaching" / "slides").glob("[0-9][0-9].md")), HANDOUT]


def figure_finder(project: Path) -> FindFigure:
    """Return a function that finds a figure of a solved notebook by its reference.

    Parameters
    ----------
    project : Path
        Folder of the project.

    Returns
    -------
    callable
        Takes a reference such as `04/3/2`: notebook, section, number of the figure in this section.

    Examples
    --------
    >>> figure_finder(Path("."))("4")
    Traceback (most recent call last):
    ...
    aitex_utils.errors.InputError: '4' is no reference to a figure: write one such as 04/3/2.
    """

    @cache
    def figures(number: str) -> dict[str, Figure]:
        paths = sorted((project / "notebooks" / "solved").glob(f"{number}_*.ipynb"))
        if not paths:
            raise InputError(f"There is no solved notebook {number}: make it with `python course.py build`.")
        return notebook_figures(paths[0])

    def find(reference: str) -> Figure:
        parts = reference.split("/")
        if len(parts) != 3 or not all(part.isdigit() and part.isascii() for part in parts):
            raise InputError(f"{reference!r} is no reference to a figure: write one such as 04/3/2.")
        found = figures(parts[0])
        key = "/".join(parts[1:])
        if key not in found:
            raise InputError(f"Notebook {parts[0]} has no figure {key}: choose one of {', '.join(found)}.")
        return found[key]

    return find


def read_deck(project: Path, name: str) -> list[Slide]:
    """Return the slides of a deck, or the sheets of the handout, with numbers from the results files.

    Parameters
    ----------
    project : Path
        Folder of the project.
    name : str
        One of `deck_names`.

    Returns
    -------
    list of Slide

    Raises
    ------
    InputError
        If the text is missing, or a number of it.

    Examples
    --------
    >>> read_deck(Path("no/such/project"), "04")
    Traceback (most recent call last):
    ...
    aitex_utils.errors.MissingError: no/such/project/teaching/slides/04.md is missing: clone the course again.
    """
    teaching = project / "teaching"
    slides = read_slides(teaching / "handout.md" if name == HANDOUT else teaching / "slides" / f"{name}.md")
    fields = [(slide.title, slide.body, slide.notes) for slide in slides]
    return [Slide(*(fill_numbers(text, project / "benchmarks") for text in texts)) for texts in fields]


def build_decks(
    project: Path, names: list[str], out: Path, *, pdf: bool = True, say: Callable[[str], object] = print
) -> list[Path]:
    """Write decks and the handout into a folder.

    Parameters
    ----------
    project : Path
        Folder of the project.
    names : list of str
        Some of `deck_names`.
    out : Path
        Folder, made if it is missing. Files of an earlier build are replaced.
    pdf : bool
        Also print PDFs.
    say : callable
        Takes a line for each result.

    Returns
    -------
    list of Path
        Files that were written.

    Raises
    ------
    InputError
        If a text, a figure or a number is missing, a file cannot be written, or another program wrote a file of the
        same name.

    Examples
    --------
    >>> build_decks(Path("."), [], Path("slides-out"))
    []
    """
    finder = figure_finder(project)
    browser = find_browser() if pdf else None
    _refuse_foreign(out, names, has_pdf=browser is not None)
    written: list[Path] = []
    titles = {}
    for name in names:
        slides = read_deck(project, name)
        page = handout_page(slides, finder) if name == HANDOUT else deck_page(slides, finder)
        target = out / f"{name}.html"
        titles[target.name] = slides[0].title
        _write(target, page)
        written.append(target)
        if browser is not None:
            print_pdf(browser, target, target.with_suffix(".pdf"))
            written.append(target.with_suffix(".pdf"))
        say(f"{target.as_posix()}{' and .pdf' if browser is not None else ''}: {slides[0].title}")
    if len(titles) > 1:
        written.append(out / "index.html")
        _write(written[-1], index_page(titles))
    if names and pdf and browser is None:
        named = os.environ.get("COURSE_BROWSER")
        say(
            f"No PDF was made, because COURSE_BROWSER names {named}, which is no program: correct it."
            if named
            else NO_BROWSER
        )
    return written


def _refuse_foreign(out: Path, names: Sequence[str], *, has_pdf: bool) -> None:
    """Raise an error, before any work, if a file in the way is not from this command."""
    advice = "name another folder with --out"
    for name in [*names, *(["index"] if len(names) > 1 else [])]:
        refuse_foreign_file(out / f"{name}.html", f'content="{GENERATOR}"', advice)
        if has_pdf and name != "index":
            refuse_foreign_file(out / f"{name}.pdf", PDF_SIGN, advice)


def _write(target: Path, text: str) -> None:
    with atomic_write(target) as inside:
        inside.write_text(text, encoding="utf-8", newline="\n")
