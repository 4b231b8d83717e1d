"""Decks: a text of slides, separated by lines of three hyphens, with the speaker's notes in comments."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ...errors import InputError, MissingError

COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)
FENCE = re.compile(r"\s*(```|~~~)")
HEADING = re.compile(r"^#{1,2} (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Slide:
    """One slide.

    Parameters
    ----------
    title : str
        Text of its heading.
    body : str
        Markdown, with the heading.
    notes : str
        Markdown of the speaker's notes.

    Examples
    --------
    >>> Slide("Tiles", "## Tiles", "").title
    'Tiles'
    """

    title: str
    body: str
    notes: str


def split_slides(text: str, name: str = "the text") -> list[Slide]:
    r"""Return the slides of a text.

    Parameters
    ----------
    text : str
        Markdown with a line `---` between slides.
    name : str
        Name of the text, for messages.

    Returns
    -------
    list of Slide

    Raises
    ------
    InputError
        If a slide has no heading.

    Examples
    --------
    >>> [slide.title for slide in split_slides("# One\n\n---\n\n## Two\n\n<!-- Ask first. -->")]
    ['One', 'Two']
    """
    slides = []
    for number, part in enumerate(_parts(text), 1):
        body = COMMENT.sub("", part).strip()
        heading = HEADING.search(body)
        if heading is None:
            raise InputError(f"Slide {number} of {name} has no heading: begin it with a line such as `## Title`.")
        notes = "\n\n".join(note.strip() for note in COMMENT.findall(part))
        slides.append(Slide(heading[1].strip(), body, notes))
    return slides


def read_slides(path: Path) -> list[Slide]:
    """Return the slides of a file.

    Parameters
    ----------
    path : Path
        Markdown file.

    Returns
    -------
    list of Slide

    Raises
    ------
    InputError
        If the file is missing, is no text, or has a slide without a heading.

    Examples
    --------
    >>> read_slides(Path("no_such.md"))
    Traceback (most recent call last):
    ...
    aitex_utils.errors.MissingError: no_such.md is missing: clone the course again.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise MissingError(f"{path} is missing: clone the course again.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as text: save it as UTF-8.") from error
    return split_slides(text, path.name)


def _parts(text: str) -> list[str]:
    """Split a text at lines of three hyphens that are in no block of code."""
    parts: list[list[str]] = [[]]
    is_code = False
    for line in text.splitlines():
        is_code ^= FENCE.match(line) is not None
        if line.strip() == "---" and not is_code:
            parts.append([])
        else:
            parts[-1].append(line)
    return ["\n".join(lines) for lines in parts]
