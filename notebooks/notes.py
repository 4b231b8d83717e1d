"""The tables of the teacher's notes in `teaching/notes`, made from the notebooks by `course.py build`.

A note has three such tables. The plan has the minutes of `notebooks/timing.py`. The second table has the results that
the reveals of the executed notebook show. The third has the cost, measured and as the notebook states it. The remarks
in the last columns are written by hand, and stay.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import nbformat
import timing

from aitex_utils.teaching.notes import fill_table, remarks, reveals, stated_times

NOTEBOOKS = Path(__file__).resolve().parent
PROJECT = NOTEBOOKS.parent
OPENING, ALL = "Opening", "All"
PLAN = ("section", "minutes in class", "minutes of exercises", "what to do")
REVEALS = ("guess", "section", "result", "what it shows")
COST = ("what", "time or memory")


def notebook_names() -> list[str]:
    """Return the names of the notebooks, "00_start_here" and so on."""
    return sorted(path.stem for path in NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))


def plan_rows(sections: Sequence[timing.Section]) -> list[tuple[str, ...]]:
    """Return a row for each section, for the opening, and for all sections with the minutes to start."""
    rows = [
        (section.heading or OPENING, str(max(1, round(section.in_class))), str(round(1.5 * section.exercise_minutes)))
        for section in sections
    ]
    exercises = sum(round(1.5 * section.exercise_minutes) for section in sections)
    return [*rows, (ALL, str(timing.rounded(timing.in_class(sections))), str(exercises))]


def cost_rows(measured: dict[str, float], stated: Sequence[tuple[str, str]]) -> list[tuple[str, ...]]:
    """Return the measured cost of a notebook, and one row for each time that it states."""
    return [
        ("Whole notebook, measured", f"{measured['seconds']:.0f} s"),
        ("Slowest cell, measured", f"{measured['slowest_cell_seconds']:.0f} s"),
        ("Peak memory, measured", f"{measured['peak_memory_mib']:,.0f} MiB"),
        *stated,
    ]


def with_tables(text: str, name: str) -> str:
    """Return the text of the note of a notebook, with its three tables made anew."""
    learner = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    executed = nbformat.read(NOTEBOOKS / "solved" / f"{name}.ipynb", as_version=4)
    measured = json.loads((PROJECT / "benchmarks" / "results" / "notebooks.json").read_text(encoding="utf-8"))[name]
    shown = [(reveal.name, reveal.section, reveal.result) for reveal in reveals(executed.cells)]
    text = fill_table(text, "plan", PLAN, plan_rows(timing.sections(learner.cells)))
    text = fill_table(text, "reveals", REVEALS, shown)
    return fill_table(text, "cost", COST, cost_rows(measured, stated_times(executed.cells)))


def kept_sections(teaching: Path, name: str) -> set[str]:
    """Return the sections of a notebook that its note marks with *Keep*."""
    page = teaching / "notes" / f"{name[:2]}.md"
    plan = remarks(page.read_text(encoding="utf-8"), "plan") if page.is_file() else {}
    return {section for section, remark in plan.items() if remark.startswith("Keep.")}


def note_pages(teaching: Path) -> dict[Path, str]:
    """Return the notes with new tables, by their paths, of all notebooks that were executed."""
    pages = {}
    for name in notebook_names():
        page = teaching / "notes" / f"{name[:2]}.md"
        if page.is_file() and (NOTEBOOKS / "solved" / f"{name}.ipynb").is_file():
            pages[page] = with_tables(page.read_text(encoding="utf-8"), name)
    return pages
