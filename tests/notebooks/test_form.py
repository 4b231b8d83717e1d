"""The form of a notebook in its source: first cell, objectives, sections that run on their own, words, exercises."""

from __future__ import annotations

import ast
import re
import sys
from importlib import import_module
from pathlib import Path

import jupytext
import nbformat
import pytest
import yaml
from lesson_cells import sections
from nbformat import NotebookNode

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
sys.path.insert(0, str(NOTEBOOKS))

import build as builder  # noqa: E402
import timing  # noqa: E402

MAX_WORDS = 3500  # outside folded parts
START = "# Start here again after a restart"
OBJECTIVES = re.compile(r"^\*\*You will be able to\*\*:?\n+(.*?)(?=\n\n|\n\*\*|\Z)", re.DOTALL | re.MULTILINE)
NUMBERED = re.compile(r"^(?:\d+\.|-) ", re.MULTILINE)
HEADING = re.compile(r"^### +(.+)$", re.MULTILINE)
TASK = re.compile(r"^(Exercise|Open task)\b")

Cells = list[NotebookNode]


def read_cells(source: Path) -> Cells:
    return jupytext.read(source, fmt="py:percent").cells


def markdown(cells: Cells) -> str:
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def missing_starts(cells: Cells) -> list[str]:
    """Return the sections whose first cell of code cannot start them after a restart."""
    return [
        heading or "before the first section"
        for heading, code in sections(cells)
        if code
        and not ("start-here" in code[0].metadata.get("tags", []) and code[0].source.splitlines()[:1] == [START])
    ]


def objectives(text: str) -> list[str]:
    found = OBJECTIVES.search(text)
    return [" ".join(part.split()) for part in NUMBERED.split(found[1])[1:]] if found else []


def has_exercise(objective: str, exercises: set[str], headings: list[str]) -> bool:
    """Say whether an objective names an exercise by its number, the open task, or a heading in italics."""
    named = set(re.findall(r"\b\d\d\.\d+\b", objective))
    if named:
        return named <= exercises
    titles = {heading.lower() for heading in headings}
    if "open task" in objective.lower():
        return any(title.startswith("open task") for title in titles)
    return any(title.lower() in titles for title in re.findall(r"\*([^*]+)\*", objective))


def without_minutes(text: str) -> list[str]:
    """Return the headings of exercises and open tasks that do not say their difficulty and minutes."""
    parts = re.split(r"^#{1,6} ", text, flags=re.MULTILINE)
    return [part.splitlines()[0] for part in parts if TASK.match(part) and not timing.EXERCISE_LINE.search(part)]


@pytest.fixture(params=sorted(builder.SOURCE.glob("[0-9][0-9]_*.py")), ids=lambda path: path.stem)
def source(request: pytest.FixtureRequest) -> Path:
    return request.param


def test_each_section_with_code_begins_with_a_cell_that_starts_it(source: Path):
    assert missing_starts(read_cells(source)) == []


def test_each_objective_names_an_exercise(source: Path):
    text = markdown(read_cells(source))
    module = import_module(f"aitex_utils.lessons.nb{source.stem[:2]}.exercises")
    exercises = {exercise.id for exercise in module.EXERCISES}
    found = objectives(text)
    assert 3 <= len(found) <= 5, found
    assert [o for o in found if not has_exercise(o, exercises, HEADING.findall(text))] == []


def test_each_exercise_has_a_heading_with_difficulty_and_minutes(source: Path):
    cells = read_cells(source)
    text = markdown(cells)
    assert without_minutes(text) == []
    numbers = re.findall(r"^### Exercise (\d\d\.\d+):", text, re.MULTILINE)
    assert numbers == [cell.metadata["exercise"] for cell in cells if "exercise" in cell.metadata]
    assert any(heading.startswith("Open task: ") for heading in HEADING.findall(text)), "no open task"


def test_the_first_cell_states_version_and_date_of_the_course_below_the_title(source: Path):
    assert read_cells(source)[0].source.splitlines()[1:4] == ["", "*{{version}}.*", ""]
    citation = yaml.safe_load((NOTEBOOKS.parent / "CITATION.cff").read_text(encoding="utf-8"))
    line = f"*Version {citation['version']} of the course, {citation['date-released']}.*"
    for notebook in (builder.solved(source), builder.learner(source)):
        assert notebook.cells[0].source.splitlines()[2] == line


def test_the_first_cell_has_contents_minutes_and_cost(source: Path):
    first = read_cells(source)[0].source
    assert "\n\n{{contents}}\n" in first
    assert "{{minutes}}" in first and "{{cost}}" in first
    assert "**You need to know**" in first


def test_the_words_outside_folded_parts_are_not_too_many(source: Path):
    words = timing.word_count(markdown(read_cells(source)))
    assert words <= MAX_WORDS, words


def test_a_folded_in_depth_box_is_short(source: Path):
    boxes = re.findall(r"<summary>In depth(.*?)</details>", markdown(read_cells(source)), re.DOTALL)
    assert [box[:60] for box in boxes if timing.word_count(box) > 160] == []  # 150, and its title


def test_folded_parts_are_closed(source: Path):
    for cell in read_cells(source):
        if cell.cell_type == "markdown":
            assert cell.source.count("<details>") == cell.source.count("</details>"), cell.source[:200]


def assigned(statement: ast.stmt) -> set[str]:
    """Return the names that a statement outside a function binds, apart from imports."""
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)):
        return set()
    stored = (node for node in ast.walk(statement) if isinstance(node, ast.Name))
    return {node.id for node in stored if isinstance(node.ctx, ast.Store)}


def names_that_change_under_a_slider(cells: Cells) -> list[str]:
    """Return names that a slider's function reads when it draws, and that another statement binds to something else.

    A slider is moved when all cells have run, so its function sees the last value of each global name.
    """
    statements = [part for cell in cells if cell.cell_type == "code" for part in ast.parse(cell.source).body]
    bound: dict[str, set[str]] = {}
    for statement in statements:
        for name in assigned(statement):
            bound.setdefault(name, set()).add(ast.unparse(statement))
    functions = {part.name: part for part in statements if isinstance(part, ast.FunctionDef)}
    calls = [node for part in statements for node in ast.walk(part) if isinstance(node, ast.Call)]
    drawn = [call.args[0] for call in calls if ast.unparse(call.func) == "show_with_sliders"]
    readers = [functions[node.id] for node in drawn if isinstance(node, ast.Name) and node.id in functions]
    readers += [node for node in drawn if isinstance(node, ast.Lambda)]
    read = {node.id for reader in readers for node in ast.walk(reader) if isinstance(node, ast.Name)}
    return sorted(name for name in read if len(bound.get(name, ())) > 1)


def test_what_a_slider_draws_does_not_change_with_later_cells(source: Path):
    assert names_that_change_under_a_slider(read_cells(source)) == []


PERCENTAGE = re.compile(r"\d%(?!\|)")  # not the `57%|` of a progress bar


def test_a_percentage_has_a_space_before_its_sign_in_texts_and_in_what_cells_print(source: Path):
    cells = nbformat.read(builder.SOLVED / f"{source.stem}.ipynb", as_version=4).cells
    shown = [cell.source for cell in cells if cell.cell_type == "markdown"]
    for output in [output for cell in cells for output in cell.get("outputs", [])]:
        shown += [output.get("text", ""), output.get("data", {}).get("text/plain", "")]
    assert [line for text in shown for line in text.splitlines() if PERCENTAGE.search(line)] == []


# The checks notice a breach


def code(source: str, **metadata: object) -> NotebookNode:
    from nbformat.v4 import new_code_cell

    return new_code_cell(source, metadata=metadata)


def text(source: str) -> NotebookNode:
    from nbformat.v4 import new_markdown_cell

    return new_markdown_cell(source)


def test_a_section_that_cannot_be_started_is_noticed():
    good = code(f"{START}\nx = 1", tags=["start-here"])
    for bad in (code("x = 1"), code("x = 1", tags=["start-here"]), code(f"{START}\nx = 1"), code("")):
        assert missing_starts([text("## A"), bad, good, text("## B"), good, bad, text("## C")]) == ["A"]


@pytest.mark.parametrize(
    ("objective", "is_right"),
    [
        ("count patches: exercise 09.1;", True),
        ("count patches: exercises 09.1 and 09.2;", True),
        ("count patches: exercise 09.3;", False),
        ("count patches;", False),
        ("report defects: the open task;", True),
        ("choose: the exercise *read the figure*.", True),
        ("choose: the exercise *read nothing*.", False),
    ],
)
def test_an_objective_without_its_exercise_is_noticed(objective: str, is_right: bool):
    assert has_exercise(objective, {"09.1", "09.2"}, ["Open task: Report", "Read the figure"]) == is_right


def test_objectives_are_read_from_a_list_whose_lines_are_wrapped():
    first = "# T\n\n**You will be able to**\n1. do a,\n   and b: exercise 09.1;\n2. do c.\n\n**You need to know** 3. x"
    assert objectives(first) == ["do a, and b: exercise 09.1;", "do c."]
    assert objectives(first.replace("to**\n", "to**\n\n").replace("1.", "-").replace("2.", "-"))[1] == "do c."


def test_an_exercise_without_minutes_is_noticed():
    with_minutes = "### Exercise 09.1: A\n\n*Medium, 10 minutes.* Text.\n\n"
    for line in ("*medium, 10 minutes.*", "*Medium, 10 minutes*", "Medium, 10 minutes."):
        assert without_minutes(f"{with_minutes}### Open task: B\n\n{line}\n\n## C\n\n*Easy, 3 minutes.*") == [
            "Open task: B"
        ]


@pytest.mark.parametrize(("later", "found"), [("x = 2", ["x"]), ("x = 1", []), ("y = 2", [])])
def test_a_name_that_changes_under_a_slider_is_noticed(later: str, found: list[str]):
    cells = [code("x = 1"), code("def f(k):\n    return x + k\nshow_with_sliders(f, k=1)"), code(later)]
    assert names_that_change_under_a_slider(cells) == found
