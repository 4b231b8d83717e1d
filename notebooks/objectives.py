"""Which exercises, guesses and questions belong to which objective of a notebook.

A notebook's first cell lists its objectives, each with its exercises. `teaching/objectives.json` adds the guesses and
the questions of each objective, and those that belong to none ("other"). `course.py build` writes the table of all of
them to `teaching/objectives.md`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import timing
from nbformat import NotebookNode

from aitex_utils.errors import InputError

LIST = re.compile(r"^\*\*You will be able to\*\*\n((?:.+\n?)+)", re.MULTILINE)
ITEM = re.compile(r"^(\d)\. (.*(?:\n +.*)*)", re.MULTILINE)
EXERCISE = re.compile(r"\b\d\d\.\d+\b")
QUESTION = re.compile(r"\b\d\d\.q\d+\b")
SUBHEADING = re.compile(r"^### (.+)$", re.MULTILINE)
DECISION = re.compile(r"Read the \w+ and decide|Choose and justify")  # tasks whose answer is a question's letter
WHERE = re.compile(
    r"\s*(?:\((?:exercises?|question|open task)[^()]*\)|:\s+(?:exercises?|the open task|the exercise)[^:]*)"
)
OBJECTIVES_PAGE = """# Objectives

`python course.py build` writes this page from the first cells of the notebooks and from `objectives.json`.
Each objective has at least one exercise. **Bold** sections contain the exercises, and the others contain guesses and
questions.
"""


@dataclass
class Part:
    """The tasks of a section: exercises by number or title, guesses and questions by number."""

    heading: str
    exercises: list[str] = field(default_factory=list)
    guesses: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)


@dataclass
class Objective:
    """An objective of a notebook and everything that serves it, in the order of the notebook."""

    number: str
    text: str
    exercises: list[str]
    guesses: list[str]
    questions: list[str]
    sections: list[str]
    practised: list[str]  # the sections with its exercises


def parts(cells: Sequence[NotebookNode]) -> list[Part]:
    """Return what each section asks for."""
    found = []
    for heading, own in timing.by_section(cells):
        part, title = Part(heading), ""
        for cell in own:
            if cell.cell_type == "code":
                part.guesses += re.findall(r'^predict\("([^"]+)"', cell.source, re.MULTILINE)
                part.questions += re.findall(r'^quiz\("([^"]+)"', cell.source, re.MULTILINE)
                continue
            for line in timing.FOLDED.sub(" ", cell.source).splitlines():
                if match := SUBHEADING.match(line):
                    title = match[1]
                is_task = timing.EXERCISE_LINE.match(line) or (match and DECISION.match(title))
                if is_task and _name(title or heading) not in part.exercises:
                    part.exercises.append(_name(title or heading))
        found.append(part)
    return found


def _name(title: str) -> str:
    """Return the number of an exercise, or the title of a task without one."""
    match = re.match(r"Exercise (\d\d\.\d+)", title)
    return match[1] if match else title


def objectives(cells: Sequence[NotebookNode], extra: Mapping[str, str], name: str) -> list[Objective]:
    """Return the objectives of a notebook.

    `extra` is its entry of `objectives.json`. An objective without an exercise, a name that the notebook does not have,
    and a guess or question that belongs nowhere raise `InputError`.
    """
    found, asked = [], parts(cells)
    known = {item for part in asked for item in (*part.exercises, *part.guesses, *part.questions)}
    listed = LIST.search(cells[0].source)
    for number, text in ITEM.findall(listed[1] if listed else ""):
        text = " ".join(text.split()).rstrip(";.")
        named = _named(text, asked) | set(extra.get(number, "").split())
        named |= {
            task for part in asked if named & {*part.questions} for task in part.exercises if DECISION.match(task)
        }
        if unknown := sorted(named - known):
            raise InputError(f"{name} has no {unknown[0]!r}: correct objective {number} or teaching/objectives.json.")
        by_kind = {
            kind: [item for part in asked for item in getattr(part, kind) if item in named]
            for kind in ("exercises", "guesses", "questions")
        }
        practised = [part.heading for part in asked if set(part.exercises) & named]
        sections = [part.heading for part in asked if named & {*part.exercises, *part.guesses, *part.questions}]
        if not by_kind["exercises"]:
            raise InputError(f"Objective {number} of {name} has no exercise: name one in the notebook's first cell.")
        found.append(Objective(number, text, *by_kind.values(), sections, practised))
    placed = {item for objective in found for item in (*objective.guesses, *objective.questions)}
    placed |= set(extra.get("other", "").split())
    lost = [item for part in asked for item in (*part.guesses, *part.questions) if item not in placed]
    wrong = [*lost, *sorted(set(extra) - {objective.number for objective in found} - {"other"})]
    wrong += sorted(set(extra.get("other", "").split()) - known)
    if wrong:
        raise InputError(f"{name}: {wrong[0]} has no place in teaching/objectives.json: give it one, or remove it.")
    return found


def _named(text: str, asked: Sequence[Part]) -> set[str]:
    """Return the exercises and questions that the text of an objective names: by number, title or section."""
    tasks = [exercise for part in asked for exercise in part.exercises]
    named = set(EXERCISE.findall(text)) | set(QUESTION.findall(text))
    if "open task" in text:
        named |= {task for task in tasks if task.startswith("Open task")}
    titles = {title.lower() for title in re.findall(r"\*([^*]+)\*", text)}
    named |= {task for task in tasks if task.split(":")[0].lower() in titles}
    for number in re.findall(r"section (\d+)", text):
        for part in asked:
            if timing.number_of(part.heading) == number:
                named |= {*part.exercises}
    return named


def without_places(text: str) -> str:
    """Return the text of an objective without the places of its exercises."""
    return WHERE.sub("", text)


def extras(folder: Path) -> dict[str, dict[str, str]]:
    """Return the content of `objectives.json` in the folder of teaching."""
    path = folder / "objectives.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is not JSON ({error}): correct it, and build again.") from error


def page(notebooks: Mapping[str, NotebookNode], extra: Mapping[str, Mapping[str, str]]) -> str:
    """Return the page `teaching/objectives.md` of learners' notebooks by their names."""
    texts = [OBJECTIVES_PAGE]
    for name, notebook in notebooks.items():
        title = notebook.cells[0].source.splitlines()[0].removeprefix("# ")
        lines = [f"## {title}\n", "| objective | exercises | guesses | questions | sections |", "|---" * 5 + "|"]
        found = objectives(notebook.cells, extra.get(name[:2], {}), name)
        for objective in found:
            sections = [
                f"**{heading}**" if heading in objective.practised else heading for heading in objective.sections
            ]
            cells = [objective.exercises, objective.guesses, objective.questions, sections]
            text = f"{objective.number}. {without_places(objective.text)}"
            lines.append(f"| {text} | " + " | ".join("; ".join(cell) for cell in cells) + " |")
        used = {item for o in found for item in (*o.exercises, *o.guesses, *o.questions)}
        rest = [i for p in parts(notebook.cells) for i in (*p.exercises, *p.guesses, *p.questions) if i not in used]
        lines += [f"\nOutside the objectives: {'; '.join(rest)}."] if rest else []
        texts.append("\n".join(lines) + "\n")
    return "\n".join(texts)
