"""The figures of a solved notebook, with the words that describe them."""

from __future__ import annotations

import base64
import html
import json
import re
import struct
from dataclasses import dataclass
from pathlib import Path

from ...errors import InputError, MissingError
from ..site.pages import DAMAGE

SECTION = re.compile(r"^## (\d+)\. ", re.MULTILINE)
PNG = r'<img src="data:image/png;base64,([A-Za-z0-9+/=\s]+)"'
IMAGE = re.compile(PNG + r' alt="([^"]*)"(?: style="[^"]*?width:(\d+)px)?')


@dataclass(frozen=True)
class Figure:
    """A picture of a notebook.

    Parameters
    ----------
    png : str
        The picture as base64.
    alt : str
        Description in words and numbers.
    width, height : int
        Size in px at which the notebook shows it.

    Examples
    --------
    >>> Figure("", "Two tiles.", 400, 200).aspect
    2.0
    """

    png: str
    alt: str
    width: int
    height: int

    @property
    def aspect(self) -> float:
        """Return width divided by height."""
        return self.width / self.height


def notebook_figures(path: Path) -> dict[str, Figure]:
    """Return the figures of an executed notebook by section and number.

    Parameters
    ----------
    path : Path
        Notebook with outputs.

    Returns
    -------
    dict of str to Figure
        The key `3/2` is the second figure of section 3.

    Raises
    ------
    InputError
        If the file is missing or no notebook.

    Examples
    --------
    >>> notebook_figures(Path("no_such.ipynb"))
    Traceback (most recent call last):
    ...
    aitex_utils.errors.MissingError: no_such.ipynb is missing: make it with `python course.py build`.
    """
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        found: dict[str, Figure] = {}
        section, number = "0", 0
        for cell in cells:
            if cell["cell_type"] == "markdown":
                for heading in SECTION.findall("".join(cell["source"])):
                    section, number = heading, 0
            for output in cell.get("outputs", ()):
                for png, alt, width in IMAGE.findall("".join(output.get("data", {}).get("text/html", ""))):
                    number += 1
                    found[f"{section}/{number}"] = _figure(png, html.unescape(alt), width)
    except FileNotFoundError as error:
        raise MissingError(f"{path} is missing: make it with `python course.py build`.") from error
    except (*DAMAGE, ZeroDivisionError, struct.error) as error:
        raise InputError(f"{path} is no notebook: make it again with `python course.py build`.") from error
    return found


def _figure(png: str, alt: str, width: str) -> Figure:
    """Return a figure with its size: the width that the page gives it, or its own."""
    columns, rows = struct.unpack(">II", base64.b64decode(png[:44])[16:24])
    shown = int(width or columns)
    return Figure(png, alt, shown, max(1, round(shown * rows / columns)))
