"""Paths: the plans fit into their slots, their sections exist, and their notebooks hold these sections only."""

from __future__ import annotations

import re
import runpy
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import named_in_pages
import nbformat
import pytest
from nbformat import NotebookNode

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
sys.path.insert(0, str(NOTEBOOKS))

import build as builder  # noqa: E402
import objectives  # noqa: E402
import plans  # noqa: E402
import timing  # noqa: E402

from aitex_utils.errors import InputError  # noqa: E402

PLANS = plans.plan_pages(builder.teaching())
HEAD = "Slot: {} minutes, from {}.\n\n| time | minutes | step | form | note |\n|---|---|---|---|---|\n"
ROWS = """| | 4 | Start | | |
| | | 09, 1. One | all | a |
| 7:77 | 99 | 09, 2. Two | no exercise | b |
| | | Spare | | |
"""


@pytest.fixture(scope="module")
def notebooks() -> dict[str, NotebookNode]:
    return builder.learners()


@pytest.fixture
def small() -> dict[str, NotebookNode]:
    """Return a notebook of three sections, each with a cell of code."""
    text, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    opening = "# 09 A title\n\n**You will be able to**\n1. double (exercise 09.1).\n\n**You need to know** 1 + 1."
    exercise = "### Exercise 09.1: Twice\n\n*Easy, 10 minutes.* Do it. See [08](08_test.ipynb)."
    cells = [text(opening), text("## 1. One\n\n" + exercise), code(builder.KERNEL_CHECK), code("1")]
    cells += [text("## 2. Two\n\n*Easy, 10 minutes.* " + "word " * 100), code("2")]
    cells += [text("## 3. Three"), code("3")]
    return {"09_test": nbformat.v4.new_notebook(cells=cells)}


def test_minutes_and_times_are_filled_in(small: dict[str, NotebookNode]):
    found = plans.refreshed(HEAD.format(60, "9:05") + ROWS, small, "test")
    one, two = timing.sections(small["09_test"].cells)[1:3]
    assert one.in_class > 15 and two.in_class > 15
    first, second = plans.steps(ROWS, small, "test")[1:]
    assert (first.minutes, second.minutes) == (16, 1) and second.minutes == -(-(two.in_class - 15) // 1)
    assert [line for line in found.splitlines() if "09, " in line or "Spare" in line] == [
        "| 9:09 | 16 | 09, 1. One | all | a |",
        "| 9:25 | 1 | 09, 2. Two | no exercise | b |",
        "| 9:26 | 39 | Spare |  | |",
    ]
    assert plans.refreshed(found, small, "test") == found


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("1. One", "1. Uno"), "the sections are: 1. One; 2. Two; 3. Three"),
        (("09, 1", "08, 1"), "no such notebook"),
        (("| all |", "| |"), "its form is missing"),
        (("| 4 | Start", "| | Start"), "'Start' of test has no minutes"),
        (("| 4 | Start", "| 50 | Start"), "exceeds its slot by 7 minutes"),
        (("Slot", "Time"), "is no plan"),
        (("| all |", "| All |"), r"row '\| \| \| 09, 1. One \| All \| a \|', which is no step: write its minutes"),
        (("| 4 | Start", "| 4 min | Start"), "4 min .* is no step"),
        (("| | | Spare | | |\n", ""), "no step Spare at its end"),
        (("| | 4 | Start | | |", "| | | Spare | | |"), "no step Spare at its end, or another one"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(small: dict[str, NotebookNode], change: tuple[str, str], message: str):
    text = (HEAD.format(60, "0:00") + ROWS).replace(*change)
    with pytest.raises(InputError, match=message):
        plans.refreshed(text, small, "test")


def test_the_notebook_of_a_path_has_its_sections_only(small: dict[str, NotebookNode]):
    (made,) = plans.path_notebooks(ROWS, small, {}, "test").values()
    assert [heading for heading, _ in timing.by_section(made.cells)] == ["", "1. One", "2. Two"]
    assert [cell.source for cell in made.cells if cell.cell_type == "code"] == [builder.KERNEL_CHECK, "1", "2"]
    opening = made.cells[0].source
    assert "2 of the 3 sections" in opening and "1. double.\n" in opening and "**You need to know** 1 + 1." in opening
    assert "Exercises for later: 2. Two." in opening
    assert "See 08." in made.cells[2].source  # no link to a notebook that is not in the path


def test_the_notebook_of_a_path_states_the_version_of_the_course(small: dict[str, NotebookNode]):
    line = "*Version 1.2.3 of the course, 2027-03-04.*"
    assert "Version" not in plans.path_notebooks(ROWS, small, {}, "test")["09_test"].cells[0].source
    first = small["09_test"].cells[0]
    first.source = first.source.replace("# 09 A title\n", f"# 09 A title\n\n{line}\n")
    opening = plans.path_notebooks(ROWS, small, {}, "test")["09_test"].cells[0].source
    assert opening.splitlines()[1:4] == ["", line, ""]


def test_an_objective_whose_exercise_is_left_out_is_not_promised(small: dict[str, NotebookNode]):
    rows = ROWS.replace("| 09, 1. One | all", "| 09, 1. One | no exercise")
    opening = plans.path_notebooks(rows, small, {}, "test")["09_test"].cells[0].source
    assert "You will be able to" not in opening and "Exercises for later: 09.1, 2. Two." in opening


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_a_plan_fits_into_its_slot_and_has_its_parts(path: Path, notebooks: dict[str, NotebookNode]):
    text = PLANS[path]
    minutes = [int(match[2]) for match in plans.ROW.finditer(text)]
    assert sum(minutes) == int(plans.SLOT.search(text)[1]) and min(minutes) >= 0
    for part in ("## Questions", "## Where to stop", "| if late |", f"python course.py path {path.stem}"):
        assert part in text, part
    headings = [step.heading for step in plans.steps(text, notebooks, path.stem) if step.notebook]
    assert len(headings) >= 5
    asked = {int(number) for number in re.findall(r"\bquestion (\d)\b", text)}
    answered = {int(number) for number in re.findall(r"^(\d)\. \*", text, re.MULTILINE)}
    assert asked == answered


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_the_notebooks_of_a_path_are_whole(path: Path, notebooks: dict[str, NotebookNode]):
    made = plans.path_notebooks(PLANS[path], notebooks, objectives.extras(builder.teaching()), path.stem)
    steps = [step for step in plans.steps(PLANS[path], notebooks, path.stem) if step.notebook]
    assert set(made) == {stem for stem in notebooks if stem[:2] in {step.notebook for step in steps}}
    for stem, notebook in made.items():
        nbformat.validate(builder.with_ids(notebook.cells, stem))
        parts = dict(timing.by_section(notebook.cells))
        assert list(parts)[1:] == [step.heading for step in steps if step.notebook == stem[:2]]
        setups = [cell for cell in notebook.cells if cell.source == builder.KERNEL_CHECK]
        assert len(setups) == 1 and notebook.cells[1] == setups[0]
        for heading, own in list(parts.items())[1:]:
            code = [cell for cell in own if cell.cell_type == "code"]
            starts = [cell for cell in code if "start-here" in cell.metadata.get("tags", [])]
            assert not starts or starts[0] == code[0], heading
            assert starts or all(re.match(r"quiz\(|progress_table|from aitex_utils", cell.source) for cell in code)
        text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
        anchors = {heading.replace(" ", "-") for heading in parts}
        assert set(re.findall(r"\]\(#(.+)\)$", text, re.MULTILINE)) <= anchors
        assert {match[2] for match in plans.NOTEBOOK_LINK.finditer(text)} <= set(made)
        solutions = [cell for cell in notebook.cells if cell.source.startswith("<details><summary>Solution")]
        stubs = [cell for cell in notebook.cells if "exercise" in cell.metadata]
        assert len(solutions) == len(stubs) and all("NotImplementedError" in cell.source for cell in stubs)


def misplaced(text: str, notebooks: dict[str, NotebookNode]) -> list[str]:
    """Return the tasks and sections that a plan names and that are not there.

    A row of a section names tasks of this section only, and sections of its notebook.
    """
    by_number = {stem[:2]: notebook for stem, notebook in notebooks.items()}
    bad, own = named_in_pages.unknown_tasks(text), set()
    for *_, step, _, remarks in plans.ROW.findall(text):
        if match := plans.STEP.fullmatch(step):
            number, heading = match.groups()
            own.add(number)
            asked = {part.heading: part for part in objectives.parts(by_number[number].cells)}[heading]
            known = {*asked.exercises, *asked.guesses, *asked.questions}
            bad += [found[0] for found in named_in_pages.TASK.finditer(remarks) if found[0] not in known]
            bad += named_in_pages.unknown_sections(remarks, [number])
    return bad + named_in_pages.unknown_sections(plans.ROW.sub("", text), own)


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_the_tasks_and_sections_that_a_plan_names_are_there(path: Path, notebooks: dict[str, NotebookNode]):
    assert misplaced(PLANS[path], notebooks) == []


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("Solve 00.1 together", "Solve 00.9 together", ["00.9", "00.9"]),
        ("Solve 00.1 together", "Solve 00.2 together", ["00.2"]),  # an exercise of the next section
        ("without section 5", "without section 50", ["section 50"]),
        ("After section 4", "After section 40", ["section 40"]),
    ],
)
def test_a_task_or_section_that_is_not_there_is_noticed(
    notebooks: dict[str, NotebookNode], old: str, new: str, found: list[str]
):
    text = PLANS[builder.teaching() / "paths" / "lab45.md"]
    assert old in text and misplaced(text.replace(old, new), notebooks) == found


@pytest.fixture
def command() -> Callable[[list[str]], int]:
    return runpy.run_path(str(NOTEBOOKS / "path.py"))["main"]


def test_the_command_writes_a_path_twice_with_the_same_bytes(
    command: Callable, tmp_path: Path, capsys: pytest.CaptureFixture
):
    out = tmp_path / "out"
    contents = []
    for _ in range(2):
        assert command(["lab45", "--out", str(out)]) == 0
        contents.append({path.name: path.read_bytes() for path in out.iterdir()})
    assert contents[0] == contents[1] and set(contents[0]) == {"00_start_here.ipynb", "course-copy.json"}
    assert f"The notebooks of the path are in {out}" in capsys.readouterr().out
    assert b"Solution of 00.1" in contents[0]["00_start_here.ipynb"]
    assert command(["lab45", "--out", str(out), "--class"]) == 0
    assert b"Solution of 00.1" not in (out / "00_start_here.ipynb").read_bytes()


def test_the_command_says_how_to_open_the_first_notebook(
    command: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    shutil.copytree(builder.teaching(), tmp_path / "teaching")
    monkeypatch.setattr(builder, "FOLDER", tmp_path / "notebooks")
    assert command(["day2"]) == 0
    line = capsys.readouterr().out.splitlines()[-1]
    notebook = Path(line.split("python course.py lab ")[1])
    assert notebook == Path("data/day2/06_scores.ipynb") and (tmp_path / notebook).is_file()


def test_a_plan_without_sections_makes_no_notebooks(
    command: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    shutil.copytree(builder.teaching(), tmp_path / "teaching")
    plan = HEAD.format(60, "0:00") + "| | 4 | Start | | |\n| | | Spare | | |\n"
    (tmp_path / "teaching" / "paths" / "talk.md").write_text(plan)
    monkeypatch.setattr(builder, "FOLDER", tmp_path / "notebooks")
    assert command(["talk"]) == 1 and not (tmp_path / "data").exists()
    assert "The plan talk names no section of a notebook" in capsys.readouterr().err


def test_a_copy_without_the_plans_says_where_to_run_the_command(
    command: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    monkeypatch.setattr(builder, "FOLDER", tmp_path / "notebooks")
    assert command(["lab90"]) == 1
    assert "run it in the whole course, and copy the folder data/lab90 from there" in capsys.readouterr().err


def test_the_command_refuses_an_unknown_path_and_foreign_files(
    command: Callable, tmp_path: Path, capsys: pytest.CaptureFixture
):
    assert command(["lab99", "--out", str(tmp_path / "a")]) == 1 and not (tmp_path / "a").exists()
    assert "choose from day1, day2, lab45, lab90" in capsys.readouterr().err
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "thesis.txt").write_text("years", encoding="utf-8")
    assert command(["lab45", "--out", str(tmp_path / "b")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("path: ") and "thesis.txt" in error and error.count("\n") == 1
