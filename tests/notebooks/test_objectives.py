"""The tables of time and of objectives: up to date, no objective without an exercise, and what a section refers to."""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
sys.path.insert(0, str(NOTEBOOKS))

import build as builder  # noqa: E402
import objectives  # noqa: E402
import timing  # noqa: E402

from aitex_utils.errors import InputError  # noqa: E402

OPENING = """# 09 A title

**You will be able to**
1. double a number
   (exercise 09.1);
2. choose a factor: the exercise *read the figure and decide*, and section 2;
3. design a test (open task).

**You need to know** nothing."""
EXTRA = {"1": "09.a", "2": "09.q1", "3": "09.q2", "other": ""}


def text(source: str) -> NotebookNode:
    return nbformat.v4.new_markdown_cell(source)


def code(source: str) -> NotebookNode:
    return nbformat.v4.new_code_cell(source)


def cells(opening: str = OPENING) -> list[NotebookNode]:
    return [
        text(opening),
        text("## 1. One\n\nThis takes about 20 seconds.\n\n### Exercise 09.1: Twice\n\n*Easy, 5 minutes.* Do."),
        code('predict("09.a", low=..., high=...)'),
        text("### Read the figure and decide\n\nWhich?"),
        code('quiz("09.q1", "")'),
        text("## 2. Two\n\nAs section 1 shows.\n\n### Find it\n\n*Hard, 10 minutes.* Find it."),
        text("## 3. Three\n\nNothing."),
        text("## 4. Open task\n\n### Open task: A test\n\n*Hard, 30 minutes.* Test."),
        code('quiz("09.q2", "")'),
    ]


def test_exercises_come_from_numbers_titles_sections_and_the_open_task():
    first, second, third = objectives.objectives(cells(), EXTRA, "09")
    assert (first.exercises, first.guesses, first.sections) == (["09.1"], ["09.a"], ["1. One"])
    assert first.text == "double a number (exercise 09.1)"
    assert objectives.without_places(first.text) == "double a number"
    assert second.exercises == ["Read the figure and decide", "Find it"]
    assert (third.exercises, third.questions) == (["Open task: A test"], ["09.q2"])


def test_a_question_of_a_decision_brings_its_task():
    extra = {"1": "09.a 09.q1", "3": "09.q2"}
    assert "Read the figure and decide" in objectives.objectives(cells(), extra, "09")[0].exercises


@pytest.mark.parametrize(
    ("opening", "extra", "message"),
    [
        (OPENING.replace("09.1", "09.7"), EXTRA, "has no '09.7'"),
        (OPENING.replace("(open task)", ""), EXTRA, "Objective 3 of 09 has no exercise"),
        (OPENING, {**EXTRA, "3": ""}, "09.q2 has no place"),
        (OPENING, {**EXTRA, "1": ""}, "09.a has no place"),
        (OPENING, {**EXTRA, "1": "09.z"}, "has no '09.z'"),
        (OPENING, {**EXTRA, "7": "09.a"}, "7 has no place"),
        (OPENING, {**EXTRA, "other": "09.z"}, "09.z has no place"),
    ],
)
def test_what_does_not_fit_is_refused(opening: str, extra: dict[str, str], message: str):
    with pytest.raises(InputError, match=message):
        objectives.objectives(cells(opening), extra, "09")


def test_damaged_json_is_an_error(tmp_path: Path):
    (tmp_path / "objectives.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="is not JSON"):
        objectives.extras(tmp_path)


def test_a_section_states_its_wait():
    assert [section.wait for section in timing.sections(cells())] == [0, 20, 0, 0, 0]


def test_a_box_does_not_divide_a_section():
    cell = text("## A\n\n<details><summary>In depth</summary>\n\n## B\n\n</details>\n\n## C")
    assert [heading for heading, _ in timing.by_section([cell])] == ["", "A", "C"]


@pytest.mark.parametrize(
    ("sentence", "own", "notebooks"),
    [
        ("Sections 3 and 4, and section 7.", {3, 4, 7}, set()),
        ("See sections 3 to 5.", {3, 4, 5}, set()),
        ("A claim of notebook 02, section 9, and of notebooks 04 to 06.", set(), {"02", "04", "05", "06"}),
        ("A cross-section 4 px wide. <details><summary>x</summary>section 8</details>", set(), set()),
    ],
)
def test_references_to_sections_and_notebooks(sentence: str, own: set[int], notebooks: set[str]):
    assert timing.references([text(sentence)]) == (own, notebooks)


def test_a_section_that_nothing_needs_can_be_skipped():
    assert timing.skippable(cells()) == {"3. Three"}
    assert timing.skippable(cells(), ["3. Three"]) == set()
    whole = nbformat.v4.new_notebook(cells=cells())
    for needed, is_skipped in ((set(), True), ({"3. Three"}, False)):
        page = timing.page({"09_test": whole}, {}, {"09_test": needed})
        (row,) = (line for line in page.splitlines() if line.startswith("| 3. Three |"))
        assert row.endswith("| yes |") == is_skipped
    assert timing.skippable([*cells(), text("## 5. Five\n\nBy section 3.")]) == {"5. Five"}


@pytest.fixture(scope="module")
def pages() -> dict[Path, str]:
    return builder.teaching_pages()


def test_the_teacher_s_pages_are_up_to_date(pages: dict[Path, str]):
    assert {path.name for path in pages} >= {"timing.md", "objectives.md", "lab45.md", "lab90.md", "day1.md", "day2.md"}
    for path, page in pages.items():
        assert path.read_text(encoding="utf-8") == page, f"{path.name} is stale: run `python course.py build`"


def test_every_notebook_has_objectives_with_exercises(pages: dict[Path, str]):
    page = pages[builder.teaching() / "objectives.md"]
    for section in page.split("\n## ")[1:]:
        rows = [line.split(" | ") for line in section.splitlines() if line.startswith("| ") and line[2].isdigit()]
        assert 3 <= len(rows) <= 5 and all(row[1].strip() for row in rows), section.splitlines()[0]


def test_the_page_of_time_has_a_row_for_each_section(pages: dict[Path, str]):
    page = pages[builder.teaching() / "timing.md"]
    rows = [line for line in page.splitlines() if line.startswith("| ") and line.count("|") == 13]
    headings = sum(len(timing.by_section(notebook.cells)) for notebook in builder.learners().values())
    assert len(rows) == headings + 13  # and a head for each of the 13 notebooks


def test_a_stale_page_is_noticed_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    page = tmp_path / "teaching" / "timing.md"
    monkeypatch.setattr(builder, "FOLDER", tmp_path / "notebooks")
    monkeypatch.setattr(builder, "teaching_pages", lambda: {page: "new\n"})
    assert builder.stale_pages() == ["teaching/timing.md is stale: run `python course.py build`."]
    builder.write_pages()
    assert page.read_text(encoding="utf-8") == "new\n" and builder.stale_pages() == []
