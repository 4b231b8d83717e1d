"""Copies for a class: no solutions, no worked answers, no answers to the quiz, and all of them in solutions.zip."""

from __future__ import annotations

import ast
import io
import re
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
sys.path.insert(0, str(NOTEBOOKS))

import build as builder  # noqa: E402
import class_copy  # noqa: E402

SOURCES = sorted(builder.SOURCE.glob("[0-9][0-9]_*.py"))
TEXT = """Before

<details><summary>{}</summary>

the answer

</details>

after"""


def copy_of(*sources: str) -> list[str]:
    cells = [nbformat.v4.new_markdown_cell(source) for source in sources]
    return [cell.source for cell in class_copy.without_solutions(nbformat.v4.new_notebook(cells=cells)).cells]


@pytest.mark.parametrize("summary", ["Solution of 09.1", "Answer", "Worked answer, for the fabric", "A model answer"])
def test_boxes_with_answers_go(summary: str):
    assert copy_of(TEXT.format(summary)) == ["Before\n\nafter"]


@pytest.mark.parametrize("summary", ["In depth: a proof", "Rubric, 5 points"])
def test_boxes_that_explain_stay(summary: str):
    assert copy_of(TEXT.format(summary)) == [TEXT.format(summary)]


def test_a_cell_that_was_only_an_answer_goes_and_the_text_says_so():
    box = TEXT.format("Answer").removeprefix("Before\n\n").removesuffix("\n\nafter")
    text = "The\nsolution is folded away below the check. Go on."
    assert copy_of(box, text) == ["This copy has no solutions. Go on."]


def bodies(source: Path) -> dict[str, str]:
    """Return the body of each solved exercise without its docstring, as Python writes it."""
    found = {}
    for cell in builder.solved(source).cells:
        if name := cell.cell_type == "code" and cell.metadata.get("exercise"):
            function = next(node for node in ast.parse(cell.source).body if isinstance(node, ast.FunctionDef))
            lines = cell.source.splitlines()[function.body[1].lineno - 1 : function.end_lineno]
            found[name] = "\n".join(line.strip() for line in lines)
    return found


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_no_copy_contains_a_solution_or_an_answer(source: Path):
    learner = builder.learner(source)
    copy = class_copy.without_solutions(learner)
    whole, left = (
        "\n".join(line.strip() for cell in n.cells for line in cell.source.splitlines()) for n in (learner, copy)
    )
    for name, body in bodies(source).items():
        assert body in whole, f"the test misses the solution of {name}"
        assert body not in left, f"the solution of {name} is in the copy"
    summaries = re.findall(r"<summary>(.*?)</summary>", left)
    assert all(re.match(r"In depth|Rubric", summary) for summary in summaries)
    assert not re.search(r"\bfolded\b", left), "the text points to a box that is not there"
    assert not [c for c in copy.cells if re.search(r'^quiz\("[^"]+", "\w"', c.source, re.MULTILINE)]
    code = [[cell.source for cell in n.cells if cell.cell_type == "code"] for n in (learner, copy)]
    assert code[0] == code[1]


def test_the_command_writes_copies_and_the_solutions(tmp_path: Path, capsys: pytest.CaptureFixture):
    before = (builder.FOLDER / "06_scores.ipynb").read_bytes()
    assert builder.main(["--class", "6", "--out", str(tmp_path / "copy")]) == 0
    assert "contains 1 notebooks" in capsys.readouterr().out
    (copy,) = (tmp_path / "copy" / "learners").iterdir()
    assert copy.name == "06_scores.ipynb" and "Solution of" not in copy.read_text(encoding="utf-8")
    with zipfile.ZipFile(io.BytesIO((tmp_path / "copy" / "solutions.zip").read_bytes())) as archive:
        assert archive.namelist() == ["06_scores.ipynb"]
        assert archive.read("06_scores.ipynb") == (builder.SOLVED / "06_scores.ipynb").read_bytes()
    assert (builder.FOLDER / "06_scores.ipynb").read_bytes() == before


def test_a_folder_of_a_teacher_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture):
    (tmp_path / "marks.csv").write_text("a,1\n", encoding="utf-8")
    assert builder.main(["--class", "6", "--out", str(tmp_path)]) == 1
    assert "marks.csv" in capsys.readouterr().err and [p.name for p in tmp_path.iterdir()] == ["marks.csv"]


def test_out_without_class_is_refused(capsys: pytest.CaptureFixture):
    with pytest.raises(SystemExit):
        builder.main(["--out", "somewhere"])
    assert "--out needs --class" in capsys.readouterr().err
