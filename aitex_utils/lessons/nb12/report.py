"""The first lines of an inspection's report, read from its page."""

from __future__ import annotations

import html
import re
from os import PathLike
from pathlib import Path

from aitex_utils.errors import InputError

OUTCOME = re.compile(r'<p class="outcome">(.*?)</p>', re.DOTALL)
WARNINGS = re.compile(r'<section class="warnings".*?</section>', re.DOTALL)
ITEM = re.compile(r"<li>(.*?)</li>", re.DOTALL)
TAG = re.compile(r"<[^>]+>")


def report_summary(path: str | PathLike) -> list[str]:
    """Return the outcome and the warnings of a report.

    Parameters
    ----------
    path : path
        The page `report.html` of an inspection.

    Returns
    -------
    list of str
        The outcome first.

    Raises
    ------
    InputError
        If the page is missing, or is no report.

    Examples
    --------
    >>> report_summary("no/such/report.html")
    Traceback (most recent call last):
    ...
    aitex_utils.errors.InputError: no/such/report.html cannot be read: run `python course.py inspect` first.
    """
    try:
        page = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be read: run `python course.py inspect` first.") from error
    outcome, warnings = OUTCOME.search(page), WARNINGS.search(page)
    if outcome is None:
        raise InputError(f"{path} is no report of an inspection: name the report.html in the folder of its results.")
    return [_text(part) for part in (outcome[1], *(ITEM.findall(warnings[0]) if warnings else ()))]


def _text(piece: str) -> str:
    return " ".join(html.unescape(TAG.sub("", piece)).split())
