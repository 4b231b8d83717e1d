"""Numbers of a text, taken from the results files of the benchmarks when the text is built."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from ..errors import InputError

MARKER = re.compile(r"\{\{\s*(results/[\w.]+)\s*:\s*((?:\"[^\"]+\"|[\w.\- ])+?)\s*(?::\s*([^}]+?))?\s*\}\}")


def fill_numbers(text: str, benchmarks: Path) -> str:
    """Return a text with a number from a results file in place of each `{{results/NAME.json: key.key: .3f}}`.

    Parameters
    ----------
    text : str
        Text with markers, in the form that notebooks use.
    benchmarks : Path
        Folder that contains `results`.

    Returns
    -------
    str

    Raises
    ------
    InputError
        If a file or a key is missing.

    Examples
    --------
    >>> fill_numbers("A text without markers.", Path("benchmarks"))
    'A text without markers.'
    """

    def number(marker: re.Match) -> str:
        path = benchmarks / marker[1]
        try:
            value: Any = json.loads(path.read_text(encoding="utf-8"))
            for key in re.findall(r'"[^"]+"|[^.]+', marker[2]):
                key = key.strip(' "')
                value = value[int(key) if isinstance(value, list) else key]
            return format(value, marker[3] or "").replace("%", " %")
        except (OSError, LookupError, TypeError, ValueError, RecursionError) as error:
            reason = f"{type(error).__name__} {error}"
            raise InputError(f"{path} gives no number for {marker[0]} ({reason}): correct the marker.") from error

    return MARKER.sub(number, text)
