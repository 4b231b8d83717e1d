"""Text in the cells of a CSV file that people open in a spreadsheet."""

from __future__ import annotations

import re

FORMULA = ("=", "+", "-", "@")  # first characters that a spreadsheet takes for the start of a formula
# Line breaks, commands to a terminal, and characters that change the direction of the text after them.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")


def text_cell(text: str) -> str:
    r"""Return a text for a cell: in one line, and no formula for a spreadsheet.

    Parameters
    ----------
    text : str
        Any text, also from a file of unknown origin.

    Returns
    -------
    str
        Control characters are spaces, and so are characters that turn the direction of text. A text that a spreadsheet
        would take for a formula begins with an apostrophe. Halves of a surrogate pair, which UTF-8 cannot have, are
        written as escape sequences.

    Examples
    --------
    >>> text_cell("=1+1"), text_cell("two\r\nlines")
    ("'=1+1", 'two lines')
    """
    shown = one_line(text)
    return f"'{shown}" if shown.startswith(FORMULA) else shown


def one_line(text: str) -> str:
    r"""Return a text of unknown origin, such as the name of a file, in one line that a terminal and a file can take.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        As `text_cell`, without the apostrophe.

    Examples
    --------
    >>> one_line("ben\r\nann: AUROC 1.000")
    'ben ann: AUROC 1.000'
    """
    return CONTROL.sub(" ", text.encode("utf-8", "backslashreplace").decode("utf-8")).strip()
