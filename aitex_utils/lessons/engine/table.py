"""A learner's progress as a table: state, tries and hints used, per exercise and question."""

from __future__ import annotations

import html

from .compare import plain_text
from .display import show_html
from .progress import is_kept, progress_file, read_count, read_entry, read_progress

COLUMNS = ("exercise", "state", "tries", "hints used")
SIGNS = {"passed": "✓", "open": "○"}

Row = tuple[str, str, int, int]


def progress_rows() -> list[Row]:
    """Return the rows of the progress table.

    Returns
    -------
    list of tuple
        (name, state, tries, hints used) of each exercise and question that has been tried. The state is "passed" or
        "open".

    Examples
    --------
    >>> from aitex_utils.lessons.engine.progress import update_entry
    >>> _ = update_entry("exercises", "02.1", tries=2, passed=True)
    >>> progress_rows()
    [('02.1', 'passed', 2, 0)]
    """
    progress, rows = read_progress(), []
    for part in ("exercises", "quiz"):
        for name in sorted(progress[part]):
            entry = read_entry(part, name)
            state = "passed" if entry.get("passed") is True else "open"
            rows.append((name, state, read_count(entry, "tries"), read_count(entry, "hints")))
    return rows


def progress_table() -> None:
    """Show which exercises and questions are passed, with tries and hints, and where the progress is kept.

    Examples
    --------
    >>> progress_table()  # doctest: +ELLIPSIS
    No exercise or question has been tried yet.
    The progress is kept in ...progress.json. You can hand this file to a teacher. Nothing is sent anywhere.
    The file contains no name. To add yours for a teacher, run sign("...").
    """
    rows, name = progress_rows(), read_progress().get("name")
    passed = sum(state == "passed" for _, state, _, _ in rows)
    summary = f"{passed} of {len(rows)} passed." if rows else "No exercise or question has been tried yet."
    place = f"The progress is kept in {progress_file()}. You can hand this file to a teacher. Nothing is sent anywhere."
    table = _html_table(rows, summary) if rows else f"<p>{summary}</p>"
    signed = 'The file contains no name. To add yours for a teacher, run sign("...").'
    if name:
        signed = f"It is signed as {plain_text(name)}. To remove the name, run unsign()."
    lines = [place, signed] if is_kept() else [f"The progress is not kept: {progress_file()} cannot be written."]
    words = "".join(f"<p>{html.escape(line)}</p>" for line in lines)
    show_html(f"{table}{words}", "\n".join([*_text_lines(rows), summary, *lines]))


def _text_lines(rows: list[Row]) -> list[str]:
    """Return the lines of the table for a terminal, none if there are no rows."""
    heading = "  {:<10} {:<8} {:>5} {:>11}".format(*COLUMNS)
    lines = [f"{SIGNS[state]} {name:<10} {state:<8} {tries:>5} {hints:>11}" for name, state, tries, hints in rows]
    return [heading, *lines] if rows else []


def _html_table(rows: list[Row], caption: str) -> str:
    titles = "".join(f'<th scope="col">{title}</th>' for title in COLUMNS)
    body = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th><td>{SIGNS[state]} {state}</td><td>{tries}</td><td>{hints}</td>'
        "</tr>"
        for name, state, tries, hints in rows
    )
    return f"<table><caption>{caption}</caption><tr>{titles}</tr>{body}</table>"
