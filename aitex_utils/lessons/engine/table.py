"""A learner's progress as a table: what passed, in how many tries and with how many hints."""

from __future__ import annotations

import html

from .display import show_words
from .progress import count, noted, progress_file, read_progress

COLUMNS = ("exercise", "state", "tries", "hints used")


def progress_rows() -> list[tuple[str, str, int, int]]:
    """Return (name, state, tries, hints used) of each exercise and question that was tried, in order."""
    kept, rows = read_progress(), []
    for part in ("exercises", "quiz"):
        for name in sorted(kept[part]):
            entry = noted(part, name)
            state = "passed" if entry.get("passed") is True else "open"
            rows.append((name, state, count(entry, "tries"), count(entry, "hints")))
    return rows


def progress_table() -> None:
    """Show which exercises and questions passed, in how many tries and with how many hints, and where that is kept."""
    rows = progress_rows()
    passed = sum(state == "passed" for _, state, _, _ in rows)
    about = f"{passed} of {len(rows)} passed that were tried." if rows else "Nothing was tried yet."
    where = f"Kept in {progress_file()}, a file that you may hand to a teacher; nothing is sent anywhere."
    lines = [f"{'✓' if row[1] == 'passed' else '○'} {row[0]:<10} {row[1]:<8} {row[2]:>5} {row[3]:>11}" for row in rows]
    head = [f"  {COLUMNS[0]:<10} {COLUMNS[1]:<8} {COLUMNS[2]:>5} {COLUMNS[3]:>11}"] if rows else []
    cells = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th><td>{"✓" if state == "passed" else "○"} {state}</td>'
        f"<td>{tries}</td><td>{hints}</td></tr>"
        for name, state, tries, hints in rows
    )
    titles = "".join(f'<th scope="col">{title}</th>' for title in COLUMNS)
    table = f"<table><caption>{about}</caption><tr>{titles}</tr>{cells}</table>" if rows else f"<p>{about}</p>"
    show_words("\n".join([*head, *lines, about, where]), f"{table}<p>{html.escape(where)}</p>")
