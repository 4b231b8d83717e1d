"""How the tables of the pages show values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown.

    Parameters
    ----------
    head : sequence of str
        Titles of the columns.
    rows : sequence of sequences of str
        Cells.

    Returns
    -------
    str

    Examples
    --------
    >>> print(markdown_table(["fabric", "AUROC"], [["00", "0.991"]]), end="")
    | fabric | AUROC |
    | --- | --- |
    | 00 | 0.991 |
    """
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def value_with_interval(measures: dict[str, Any], name: str) -> str:
    """Return a measure with its interval if it has one.

    Parameters
    ----------
    measures : dict
        Measures by name, and their `intervals`.
    name : str
        Name of the measure.

    Returns
    -------
    str
        A dash if there is no such measure.

    Examples
    --------
    >>> value_with_interval({"auroc": 0.97, "intervals": {"auroc": [0.9, 1.0]}}, "auroc")
    '0.970 (0.900–1.000)'
    """
    if measures.get(name) is None:
        return "–"
    interval = measures.get("intervals", {}).get(name)
    return f"{measures[name]:.3f}" + (" ({:.3f}–{:.3f})".format(*interval) if interval else "")


def difference_with_interval(difference: Sequence[float]) -> str:
    """Return a difference with its interval.

    Parameters
    ----------
    difference : sequence of three floats
        Difference, low and high end of its interval.

    Returns
    -------
    str

    Examples
    --------
    >>> difference_with_interval([0.07, 0.04, 0.1])
    '+0.070 (+0.040 to +0.100)'
    """
    return "{:+.3f} ({:+.3f} to {:+.3f})".format(*difference)
