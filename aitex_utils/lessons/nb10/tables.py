"""The kept runs as a table that can be sorted, and as CSV."""

from __future__ import annotations

import csv
import html
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aitex_utils.errors import check_choice
from aitex_utils.files.atomic_write import atomic_write
from aitex_utils.lessons.engine.display import show_html

from .runs import FIGURES, Run

# Columns that are always there: heading -> (name of the number, format).
NUMBERS = {
    "tile AUROC": ("tile_auroc", ".3f"),
    "AP": ("average_precision", ".3f"),
    "pixel AUROC": ("pixel_auroc", ".3f"),
    "ms per tile": ("ms_per_tile", ".1f"),
    "bank MiB": ("bank_mib", ".2f"),
}
COLUMNS = ("run", *NUMBERS)
HEADINGS = {  # of choices with long names
    "coreset_ratio": "coreset",
    "normalize_positions": "normalised",
    "background_quantile": "background",
    "image_score": "score",
}
HIDDEN = ("false_alarm_rate",)  # a choice of the threshold, which the other columns do not depend on


def sort_runs(runs: Sequence[Run], sort_by: str = "run", descending: bool = False) -> list[Run]:
    """Return runs in the order of a column.

    Parameters
    ----------
    runs : sequence of Run
        Runs.
    sort_by : str
        One of `COLUMNS`.
    descending : bool
        Largest first.

    Returns
    -------
    list of Run
        Runs with equal values stay in their order.

    Raises
    ------
    InputError
        If there is no such column.

    Examples
    --------
    >>> sort_runs([], "tile AUROC")
    []
    """
    check_choice("sort_by", sort_by, COLUMNS)
    return sorted(runs, key=lambda run: _value(run, sort_by), reverse=descending)


def table_cells(runs: Sequence[Run]) -> list[list[str]]:
    """Return the cells of a table of runs: their numbers, and the choices in which they differ.

    Parameters
    ----------
    runs : sequence of Run
        Runs.

    Returns
    -------
    list of list of str
        The first row has the headings.

    Examples
    --------
    >>> table_cells([])
    [['run', 'tile AUROC', 'AP', 'pixel AUROC', 'ms per tile', 'bank MiB']]
    """
    choices = differing_choices(runs)
    rows = [["run", *NUMBERS, *(HEADINGS.get(name, name) for name in choices)]]
    for run in runs:
        own = run.choices.to_json()
        numbers = [format(run.figures[name], form) for name, form in NUMBERS.values()]
        rows.append([str(run.number), *numbers, *(_short(own[name]) for name in choices)])
    return rows


def differing_choices(runs: Sequence[Run]) -> list[str]:
    """Return the names of the choices in which runs differ.

    Parameters
    ----------
    runs : sequence of Run
        Runs.

    Returns
    -------
    list of str

    Examples
    --------
    >>> differing_choices([])
    []
    """
    if not runs:
        return []
    all_choices = [run.choices.to_json() for run in runs]
    return [n for n in all_choices[0] if n not in HIDDEN and any(c[n] != all_choices[0][n] for c in all_choices)]


def plain_table(runs: Sequence[Run]) -> str:
    """Return a table of runs as text.

    Parameters
    ----------
    runs : sequence of Run
        Runs, in their order.

    Returns
    -------
    str

    Examples
    --------
    >>> print(plain_table([]))
    run  tile AUROC  AP  pixel AUROC  ms per tile  bank MiB
    """
    rows = table_cells(runs)
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def html_table(runs: Sequence[Run], sort_by: str = "run", descending: bool = False) -> str:
    """Return a table of runs as HTML.

    Parameters
    ----------
    runs : sequence of Run
        Runs, in their order.
    sort_by : str
        Column by which they are sorted. An arrow in its heading shows the direction.
    descending : bool
        Largest first.

    Returns
    -------
    str

    Examples
    --------
    >>> html_table([]).count("<th ")
    6
    """
    head, *body = table_cells(runs)
    style = "padding:.1em .6em;text-align:right;white-space:nowrap;line-height:1.35"
    arrow, order = ("▾", "descending") if descending else ("▴", "ascending")
    sorted_by = {sort_by: (f' aria-sort="{order}"', f" {arrow}")}
    marks = [(name, *sorted_by.get(name, ("", ""))) for name in head]
    headings = "".join(
        f'<th scope="col"{sort} style="{style}">{html.escape(name)}{arrow}</th>' for name, sort, arrow in marks
    )
    rows = "".join(
        "<tr>" + "".join(f'<td style="{style}">{html.escape(cell)}</td>' for cell in row) + "</tr>" for row in body
    )
    return f"<table><thead><tr>{headings}</tr></thead><tbody>{rows}</tbody></table>"


def show_table(runs: Sequence[Run], sort_by: str = "run", descending: bool = False) -> None:
    """Show runs as a sorted table.

    Parameters
    ----------
    runs : sequence of Run
        Runs.
    sort_by, descending
        As in `sort_runs`.

    Examples
    --------
    >>> show_table([])
    There is no run yet: call run().
    """
    ordered = sort_runs(runs, sort_by, descending)
    if not ordered:
        print("There is no run yet: call run().")
        return
    show_html(html_table(ordered, sort_by, descending), plain_table(ordered))


def to_csv(runs: Sequence[Run]) -> str:
    """Return runs as CSV: number, date, all choices, all numbers, and the versions.

    Parameters
    ----------
    runs : sequence of Run
        Runs.

    Returns
    -------
    str

    Examples
    --------
    >>> to_csv([]).startswith("run,made,")
    True
    """
    versions = list(dict.fromkeys(name for run in runs for name in run.versions))
    choices = list(runs[0].choices.to_json()) if runs else []
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["run", "made", *choices, *FIGURES, *(f"version of {name}" for name in versions)])
    for run in runs:
        own = [_text(value) for value in run.choices.to_json().values()]
        numbers = [repr(run.figures[name]) for name in FIGURES]
        writer.writerow([run.number, run.made, *own, *numbers, *(run.versions.get(name, "") for name in versions)])
    return file.getvalue()


def write_csv(runs: Sequence[Run], path: str | os.PathLike) -> Path:
    """Write runs as a CSV file, whole or not at all.

    Parameters
    ----------
    runs : sequence of Run
        Runs.
    path : path
        File to write.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_csv([], f"{folder}/runs.csv").name
    'runs.csv'
    """
    with atomic_write(path) as temporary:
        temporary.write_text(to_csv(runs), encoding="utf-8", newline="")
    return Path(path)


def _value(run: Run, column: str) -> float:
    return run.number if column == "run" else run.figures[NUMBERS[column][0]]


def _text(value: Any) -> str:
    """Return a choice as text for a cell."""
    if isinstance(value, list):
        return " + ".join(_text(part) for part in value)
    return "" if value is None else str(value)


def _short(value: Any) -> str:
    """Return a choice as a short text for a table."""
    return _text(value).replace("efficientnet_", "").replace("blocks.", "b")
