"""Paths through the course: plans of lessons in `teaching/paths`, and notebooks with only their sections.

A plan is a page with a line "Slot: 90 minutes, from 0:00." and a table that begins with the columns

| time | minutes | step | form |

A step is a section ("00, 1. A strip of fabric with a defect") or anything else, such as "Break". The form of a section
is "all", or "no exercise" where the class leaves its exercise for later. `course.py build` fills in the minutes of
sections, by the model in `timing.py`, and all times. The minutes of other steps are written by hand. The last step is
"Spare", with the minutes that are left.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
import objectives
import timing
from nbformat import NotebookNode

from aitex_utils.errors import InputError

SLOT = re.compile(r"^Slot: (\d+) minutes, from (\d+):(\d\d)\.$", re.MULTILINE)
ROW = re.compile(r"^\| *(\d+:\d\d)? *\| *(\d+)? *\| *([^|]+?) *\| *(all|no exercise)? *\|(.*)$", re.MULTILINE)
TABLE = re.compile(r"^\| *time *\| *minutes *\| *step *\| *form *\|.*\n\|[-:| ]+\n((?: *\|.*\n?)+)", re.MULTILINE)
STEP = re.compile(r"(\d\d), (.+)")
SPARE = "Spare"
KNOWN = re.compile(r"^\*\*You need to know\*\*(?:.+\n?)+", re.MULTILINE)
NOTEBOOK_LINK = re.compile(r"\[([^\]]+)\]\((\d\d_\w+)\.ipynb(?:#[^)]*)?\)")
OPENING = """# {title}: part of the path {path}
{version}
This notebook contains {count} of the {total} sections of notebook {number}. They keep their numbers. Where the text
refers to another section, look into the whole notebook.
{later}{able}{known}
**Contents**

{contents}

**Time**: about {minutes} minutes in a class.

Run the cells from the top down, each with <kbd>Shift</kbd>+<kbd>Enter</kbd>. After a restart of the kernel, continue at
the first code cell of your section."""


@dataclass
class Step:
    """A row of a plan. A step that is no section has no notebook."""

    name: str
    notebook: str  # number
    heading: str
    with_exercise: bool
    minutes: int


def steps(text: str, notebooks: Mapping[str, NotebookNode], name: str) -> list[Step]:
    """Return the steps of a plan without the spare minutes, with the minutes of sections by the model.

    `notebooks` are learners' notebooks by name. A section that does not exist raises `InputError`, and so does a row
    that is no step.
    """
    _check_rows(text, name)
    by_number = {stem[:2]: notebook for stem, notebook in notebooks.items()}
    sections = {
        number: {part.heading: part for part in timing.sections(notebook.cells)}
        for number, notebook in by_number.items()
    }
    found = []
    for _, minutes, step, form, _ in ROW.findall(text):
        if step == SPARE:
            continue
        match = STEP.fullmatch(step)
        if match is None:
            if not minutes:
                raise InputError(f"The step {step!r} of {name} has no minutes: write them into its row.")
            found.append(Step(step, "", "", True, int(minutes)))
            continue
        number, heading = match.groups()
        section = sections.get(number, {}).get(heading)
        if section is None or not form:
            known = "; ".join(heading for heading in sections.get(number, {}) if heading) or "no such notebook"
            reason = "its form is missing (all, or no exercise)" if section else f"the sections are: {known}"
            raise InputError(f"{name} names the section {step!r}, but {reason}. Correct the row.")
        spent = section.in_class - (0 if form == "all" else 1.5 * section.exercise_minutes)
        found.append(Step(step, number, heading, form == "all", max(1, math.ceil(spent - 1e-9))))
    return found


def _check_rows(text: str, name: str) -> None:
    """Raise `InputError` for a row of the table that would be passed over, and for spare minutes before the end."""
    for table in TABLE.findall(text):
        rows = [(line, ROW.fullmatch(line)) for line in table.splitlines()]
        for line, row in rows:
            if row is None:
                raise InputError(
                    f"{name} has the row {line.strip()!r}, which is no step: write its minutes as a number, and its "
                    "form as all, as no exercise, or not at all."
                )
        if [row[3] == SPARE for _, row in rows] != [False] * (len(rows) - 1) + [True]:
            raise InputError(f"The table of {name} has no step {SPARE} at its end, or another one: correct its rows.")


def refreshed(text: str, notebooks: Mapping[str, NotebookNode], name: str) -> str:
    """Return a plan with its minutes and times filled in. A plan that exceeds its slot raises `InputError`."""
    slot = SLOT.search(text)
    if slot is None or not ROW.search(text):
        raise InputError(f"{name} is no plan: it needs a line `Slot: 90 minutes, from 0:00.` and a table of steps.")
    minutes = [step.minutes for step in steps(text, notebooks, name)]
    spare = int(slot[1]) - sum(minutes)
    if spare < 0:
        raise InputError(f"{name} exceeds its slot by {-spare} minutes: remove sections, or leave exercises out.")
    rest = iter([*minutes, spare])
    clock = 60 * int(slot[2]) + int(slot[3])

    def row(match: re.Match) -> str:
        nonlocal clock
        time, spent = f"{clock // 60}:{clock % 60:02}", next(rest)
        clock += spent
        return f"| {time} | {spent} | {match[3]} | {match[4] or ''} |{match[5]}"

    return ROW.sub(row, text)


def path_notebooks(
    text: str, notebooks: Mapping[str, NotebookNode], extra: Mapping[str, Mapping[str, str]], name: str
) -> dict[str, NotebookNode]:
    """Return the notebooks of a path by their names: only its sections, each notebook with one set-up cell."""
    wanted: dict[str, list[Step]] = {}
    for step in steps(text, notebooks, name):
        if step.notebook:
            wanted.setdefault(step.notebook, []).append(step)
    stems = {stem[:2]: stem for stem in notebooks}
    chosen = {stems[number]: own for number, own in wanted.items()}
    found = {}
    for stem, own in chosen.items():
        cells = only_sections(notebooks[stem], own, extra.get(stem[:2], {}), name, stem)
        for cell in cells:
            if cell.cell_type == "markdown":
                cell.source = NOTEBOOK_LINK.sub(lambda match: match[0] if match[2] in chosen else match[1], cell.source)
        found[stem] = nbformat.v4.new_notebook(cells=cells, metadata=notebooks[stem].metadata)
    return found


def only_sections(
    notebook: NotebookNode, chosen: Sequence[Step], extra: Mapping[str, str], path: str, stem: str
) -> list[NotebookNode]:
    """Return an opening, the set-up cell and the cells of the chosen sections, in the order of the notebook."""
    headings = [step.heading for step in chosen]
    in_class = {step.heading for step in chosen if step.with_exercise}
    parts = timing.by_section(notebook.cells)
    asked = {part.heading: part for part in objectives.parts(notebook.cells)}
    first = parts[0][1][0].source
    setup = next((cell for cell in notebook.cells if cell.cell_type == "code"), None)
    is_setup = setup is not None and "ModuleNotFoundError" in setup.source
    kept = [(heading, own) for heading, own in parts if heading in headings]
    practised = {item for heading in in_class for item in asked[heading].exercises}
    later = [item for heading, _ in kept if heading not in in_class for item in asked[heading].exercises]
    able = [o for o in objectives.objectives(notebook.cells, extra, stem) if practised & {*o.exercises}]
    known, version = KNOWN.search(first), timing.VERSION.search(first)
    opening = OPENING.format(
        title=first.splitlines()[0].removeprefix("# "),
        path=path,
        version=f"\n{version[0]}\n" if version else "",
        count=len(kept),
        total=len(parts) - 1,
        number=stem[:2],
        able=_able(objectives.without_places(objective.text) for objective in able),
        later=f"\nExercises for later: {', '.join(later)}.\n" if later else "",
        known=f"\n{known[0].strip()}\n" if known else "",
        contents="\n".join(f"- [{heading}](#{_anchor(heading)})" for heading, _ in kept),
        minutes=timing.rounded(4 + sum(step.minutes for step in chosen)),
    )
    cells = [nbformat.v4.new_markdown_cell(opening), *([nbformat.from_dict(setup)] if is_setup else [])]
    return cells + [nbformat.from_dict(cell) for _, own in kept for cell in own if not (is_setup and cell == setup)]


def _able(texts: Iterable[str]) -> str:
    """Return the list of objectives that a part of a notebook reaches."""
    lines = [f"{i}. {text}" for i, text in enumerate(texts, start=1)]
    return "\n**You will be able to**\n" + ";\n".join(lines) + ".\n" if lines else ""


def _anchor(heading: str) -> str:
    """Return the name by which JupyterLab links to a heading."""
    return re.sub(r"[`*]", "", heading).replace(" ", "-")


def plan_pages(folder: Path) -> dict[Path, str]:
    """Return the texts of the plans in a folder by their paths."""
    return {path: path.read_text(encoding="utf-8") for path in sorted((folder / "paths").glob("*.md"))}
