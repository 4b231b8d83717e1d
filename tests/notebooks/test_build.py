"""The builder: stubs instead of solutions, equal bytes from equal sources, and a check that notices what is stale."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
sys.path.insert(0, str(NOTEBOOKS))

import build as builder  # noqa: E402

SOURCES = sorted(builder.SOURCE.glob("*.py"))
SOURCE = '''# %% [markdown]
# # A title, {{results/some.json: a.b: .2f}}

# %% exercise="09.1"
import numpy as np


def twice(x, *, times: float = 2) -> float:
    """Return x, two times.

    Longer.
    """
    many = times
    return many * x


twice(1)

# %%
check("09.1", twice)

# %%
predict("09.a", 3, 5, unit="s")

# %%
quiz("09.q1", "b")
'''


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the source of a course with one notebook, in a folder of its own."""
    folder = tmp_path / "notebooks"
    (folder / "source").mkdir(parents=True)
    (tmp_path / "benchmarks" / "results").mkdir(parents=True)
    (tmp_path / "benchmarks" / "results" / "some.json").write_text('{"a": {"b": 0.123}}')
    monkeypatch.setattr(builder, "FOLDER", folder)
    monkeypatch.setattr(builder, "SOURCE", folder / "source")
    monkeypatch.setattr(builder, "SOLVED", folder / "solved")
    monkeypatch.setattr(builder, "BENCHMARKS", tmp_path / "benchmarks")
    monkeypatch.setattr(builder, "MEASURED", tmp_path / "benchmarks" / "results" / "notebooks.json")
    source = folder / "source" / "09_test.py"
    source.write_text(SOURCE)
    return source


def test_the_stub_stands_where_the_solution_was(course: Path):
    cells = builder.learner(course).cells
    stub, solution = ast.parse(cells[1].source), ast.parse(SOURCE.split("# %%")[2].split("\n", 1)[1])
    taken, given = (next(n for n in tree.body if isinstance(n, ast.FunctionDef)) for tree in (stub, solution))
    assert ast.dump(taken.args) == ast.dump(given.args) and ast.dump(taken.returns) == ast.dump(given.returns)
    assert ast.get_docstring(taken) == ast.get_docstring(given)
    assert ast.unparse(taken.body[1:]) == "raise NotImplementedError('09.1')"
    assert taken.lineno == given.lineno and cells[1].source.startswith("import numpy")
    assert cells[1].source.endswith("twice(1)")


def test_the_solution_is_folded_away_below_the_check(course: Path):
    cells = builder.learner(course).cells
    assert cells[2].source == 'check("09.1", twice)'
    assert cells[3].cell_type == "markdown" and cells[3].source.startswith("<details><summary>Solution of 09.1")
    assert "return many * x" in cells[3].source


def test_guesses_and_quiz_lose_their_answers(course: Path):
    sources = [cell.source for cell in builder.learner(course).cells]
    assert 'predict("09.a", low=..., high=..., unit="s")' in sources
    assert 'quiz("09.q1", "")' in sources


def test_numbers_come_from_results_files(course: Path):
    assert builder.solved(course).cells[0].source == "# A title, 0.12"


def test_a_key_with_a_full_stop_stands_in_quotation_marks(course: Path):
    (builder.BENCHMARKS / "results" / "some.json").write_text('{"a": {"b.1, c %": {"d": 0.5}, "e": 2}}')
    text = '{{results/some.json: a."b.1, c %".d: .2f}} and {{results/some.json: a.e}}'
    assert builder.filled(text, "09_test") == "0.50 and 2"


def test_a_number_without_its_file_is_reported(course: Path, capsys: pytest.CaptureFixture):
    course.write_text(SOURCE.replace("some.json", "other.json"))
    assert builder.main([]) == 1
    assert "other.json" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('check("09.1", twice)', "pass", "no cell calls check for the exercise 09.1"),
        ('    """Return x, two times.\n\n    Longer.\n    """\n', "", "needs a docstring"),
        ("twice(1)", "def other():\n    pass", "has 2 functions"),
    ],
)
def test_a_source_that_cannot_be_built_is_refused(course: Path, old: str, new: str, message: str):
    course.write_text(SOURCE.replace(old, new))
    with pytest.raises(builder.SourceError, match=message):
        builder.learner(course)


def test_two_builds_are_the_same_bytes_and_ids_are_unique(course: Path):
    course.write_text(SOURCE + "\n# %%\n1 + 1\n\n# %%\n1 + 1\n")
    one, two = builder.text(builder.learner(course)), builder.text(builder.learner(course))
    assert one == two
    ids = [cell.id for cell in nbformat.reads(one, as_version=4).cells]
    assert len(set(ids)) == len(ids)


def test_build_executes_measures_and_then_agrees(course: Path, capsys: pytest.CaptureFixture):
    course.write_text("# %% [markdown]\n# Takes {{cost}}.\n\n# %%\nprint(6 * 7)\n")
    assert builder.main(["--check"]) == 1
    assert "is missing" in capsys.readouterr().out
    assert builder.main([]) == 0
    assert builder.main(["--check"]) == 0
    solved = json.loads((builder.SOLVED / "09_test.ipynb").read_text())
    assert solved["cells"][1]["outputs"][0]["text"] == ["42\n"]
    assert "about 10 seconds" in "".join(solved["cells"][0]["source"])
    assert json.loads(builder.MEASURED.read_text())["09_test"]["peak_memory_mib"] > 10
    course.write_text(course.read_text().replace("Takes", "It takes"))
    assert builder.main(["--check"]) == 1
    assert "stale" in capsys.readouterr().out


def test_a_notebook_without_a_source_is_reported(course: Path, capsys: pytest.CaptureFixture):
    course.unlink()
    (builder.FOLDER / "08_gone.ipynb").write_text("{}")
    assert builder.main(["--check"]) == 1
    assert "08_gone.ipynb has no source" in capsys.readouterr().out


def test_a_cell_that_fails_ends_the_build_with_its_name(course: Path, capsys: pytest.CaptureFixture):
    course.write_text("# %%\n1 / 0\n")
    assert builder.main([]) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert not (builder.SOLVED / "09_test.ipynb").exists()


def test_the_course_s_notebooks_agree_with_their_sources(capsys: pytest.CaptureFixture):
    assert SOURCES
    assert builder.main(["--check"]) == 0, capsys.readouterr().out


@pytest.mark.parametrize("source", SOURCES, ids=lambda s: s.stem)
def test_a_cell_of_code_has_at_most_15_lines(source: Path):
    for cell in builder.solved(source).cells:
        if cell.cell_type == "code" and "exercise" not in cell.metadata:
            lines = [line for line in cell.source.splitlines() if line.strip()]
            assert len(lines) <= 15, cell.source


def test_only_the_still_picture_of_a_widget_is_kept(course: Path):
    course.write_text(
        "# %%\nfrom IPython.display import display\n"
        f'display({{"{builder.WIDGET}": {{"model_id": "1"}}, "text/html": "<img>", "text/plain": "a"}}, raw=True)\n'
        f'display({{"{builder.WIDGET}": {{"model_id": "2"}}, "text/plain": "a bar"}}, raw=True)\n'
        'display({"text/plain": "a text"}, raw=True)\n'
    )
    assert builder.main([]) == 0
    outputs = json.loads((builder.SOLVED / "09_test.ipynb").read_text())["cells"][0]["outputs"]
    assert [output["data"] for output in outputs] == [
        {"text/html": ["<img>"], "text/plain": ["a"]},
        {"text/plain": ["a text"]},
    ]
