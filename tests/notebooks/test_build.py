"""The builder: stubs instead of solutions, equal bytes from equal sources, and a check that notices what is stale."""

from __future__ import annotations

import ast
import errno
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from killing import killed_at_each_step, killed_at_random, needs_fork

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
sys.path.insert(0, str(NOTEBOOKS))

import build as builder  # noqa: E402

from aitex_utils.errors import InputError  # noqa: E402

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


def test_version_and_date_come_from_the_package_and_the_changelog(
    course: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    course.write_text("# %% [markdown]\n# # A title\n#\n# *{{version}}.*\n")
    changelog = course.parents[2] / "CHANGELOG.md"
    changelog.write_text("# Changelog\n\n## [Unreleased]\n\n## [2.0.1] - 2027-03-04\n\n## [1.9.0] - 2026-12-31\n")
    monkeypatch.setattr(builder, "CHANGELOG", changelog)
    monkeypatch.setattr(builder, "__version__", "2.0.1")
    for notebook in (builder.solved(course), builder.learner(course)):
        assert notebook.cells[0].source == "# A title\n\n*Version 2.0.1 of the course, 2027-03-04.*"
    monkeypatch.setattr(builder, "__version__", "2.0")
    assert builder.main([]) == 1
    assert "CHANGELOG.md has no release 2.0: add its heading" in capsys.readouterr().err


def test_a_new_version_executes_no_notebook(course: Path, monkeypatch: pytest.MonkeyPatch):
    course.write_text(SOURCE.replace("# # A title", "# # A title {{version}}"))
    runs = []
    monkeypatch.setattr(builder, "execute", lambda notebook, **_: runs.append(notebook) or {})
    monkeypatch.setattr(builder, "_keep_cost", lambda *_: None)
    changelog = course.parents[2] / "CHANGELOG.md"
    monkeypatch.setattr(builder, "CHANGELOG", changelog)
    for version in ("1.0.0", "1.0.1"):
        changelog.write_text(f"## [{version}] - 2027-03-04\n")
        monkeypatch.setattr(builder, "__version__", version)
        builder.build(course, again=False)
        for folder in (builder.FOLDER, builder.SOLVED):
            assert f"Version {version} of" in (folder / "09_test.ipynb").read_text(encoding="utf-8")
    assert len(runs) == 1


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


@pytest.mark.slow
def test_build_executes_measures_and_then_agrees(
    course: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
):
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
    monkeypatch.setattr(builder, "execute", lambda notebook: pytest.fail("executed for a changed text"))
    assert builder.main([]) == 0
    assert builder.main(["--check"]) == 0
    again = json.loads((builder.SOLVED / "09_test.ipynb").read_text())
    assert again["cells"][1] == solved["cells"][1]
    course.write_text(course.read_text().replace("6 * 7", "6 * 8"))
    with pytest.raises(pytest.fail.Exception):
        builder.main([])


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


# Bad arguments and damaged files


@pytest.mark.parametrize("option", [[], ["--check"], ["--again"]])
@pytest.mark.parametrize("number", ["99", "9x", "09_test", "notebooks/source/09_test.py"])
def test_an_unknown_notebook_is_an_error(course: Path, capsys: pytest.CaptureFixture, option: list[str], number: str):
    assert builder.main([*option, "9", number]) == 2
    output = capsys.readouterr()
    assert output.err == f"build: There is no notebook {number}: choose from 09.\n" and output.out == ""
    assert not builder.SOLVED.exists()


def test_a_number_of_one_digit(course: Path, capsys: pytest.CaptureFixture):
    course.write_text("# %%\n1\n")
    assert builder.main(["--check", "9"]) == 1
    assert "notebooks/09_test.ipynb is missing" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("content", ["", "{", "{}", "[]", '{"cells": 3, "nbformat": 4}', "\udcff"])
def test_a_damaged_notebook_is_stale(course: Path, capsys: pytest.CaptureFixture, content: str):
    course.write_text("# %%\n1\n")
    builder.SOLVED.mkdir()
    for folder in (builder.FOLDER, builder.SOLVED):
        (folder / "09_test.ipynb").write_bytes(content.encode("utf-8", "surrogateescape"))
    assert builder.main(["--check"]) == 1
    assert capsys.readouterr().out.count("is stale") == 2
    assert builder._read(builder.SOLVED / "09_test.ipynb") is None
    capsys.readouterr()
    assert builder.main([]) == (1 if content else 0)  # it can be a learner's, whom a merge left with a broken file
    output = capsys.readouterr().err
    assert ("solved/09_test.ipynb cannot be read as a notebook" in output and output.count("\n") == 1) or not content


# A learner's work


def changed(path: Path, change: Callable[[list[dict]], object]) -> bytes:
    """Change the cells of a notebook, save it as JupyterLab does, and return its bytes."""
    notebook = nbformat.read(path, as_version=4)
    change(notebook.cells)
    notebook.metadata["kernelspec"]["display_name"] = "Python 3 (ipykernel)"
    path.write_text(json.dumps(notebook, indent=1) + "\n")
    return path.read_bytes()


def solve(cells: list[dict]) -> None:
    cells[1].source = cells[1].source.replace('raise NotImplementedError("09.1")', "return x + x") + "\n\ntwice(3)"


def run_all(cells: list[dict]) -> None:
    """Execute, which leaves outputs, counts and an empty cell at the end."""
    for cell in cells:
        if cell.cell_type == "code":
            cell.execution_count, cell.outputs = 7, [nbformat.v4.new_output("stream", text="4\n")]
            cell.metadata["execution"] = {"iopub.execute_input": "2030-01-01T00:00:00Z"}
    cells.append(nbformat.v4.new_code_cell(""))


WORK = {
    "a solved exercise": solve,
    "a note": lambda cells: cells.insert(0, nbformat.v4.new_markdown_cell("My notes.")),
    "a cell of code": lambda cells: cells.append(nbformat.v4.new_code_cell("x = 1")),
    "a changed text": lambda cells: cells[0].update(source="# My title"),
}
NO_WORK = {
    "saved": lambda cells: None,
    "executed": run_all,
    "fewer cells": lambda cells: cells.pop(),
    "another order": lambda cells: cells.reverse(),
    "a cell twice": lambda cells: cells.append(nbformat.v4.new_code_cell(cells[2].source)),
    "without ids": lambda cells: [cell.pop("id") for cell in cells],
}


@pytest.mark.parametrize("folder", ["FOLDER", "SOLVED"])
@pytest.mark.parametrize("case", WORK)
@pytest.mark.parametrize("option", [[], ["--again"]])
def test_a_learner_s_work_is_not_replaced(quick_build, capsys, case: str, folder: str, option: list[str]):
    assert quick_build() == 0
    path = getattr(builder, folder) / "09_test.ipynb"
    source = builder.SOURCE / "09_test.py"
    before = changed(path, WORK[case])
    capsys.readouterr()
    for text in (SOURCE, SOURCE.replace("A title", "Another title")):
        source.write_text(text)
        assert builder.main(option) == 1
        output = capsys.readouterr()
        assert output.err.count("\n") == 1 and f"{path.parent.name}/09_test.ipynb contains work of yours" in output.err
        assert "rename" in output.err and "delete" in output.err and output.out == ""
        assert path.read_bytes() == before


@pytest.mark.parametrize("case", NO_WORK)
def test_a_notebook_that_was_only_run_or_saved_is_replaced(quick_build, course: Path, case: str):
    assert quick_build() == 0
    changed(builder.FOLDER / "09_test.ipynb", NO_WORK[case])
    assert builder.main([]) == 0 == builder.main(["--check"])
    if case != "without ids":  # then nothing shows that it is an earlier build
        changed(builder.FOLDER / "09_test.ipynb", NO_WORK[case])
        course.write_text(SOURCE.replace("A title", "Another title").replace("many * x", "x * many"))
        assert builder.main([]) == 0 == builder.main(["--check"])


def test_work_that_is_saved_while_the_build_runs_is_not_replaced(quick_build, course: Path, monkeypatch, capsys):
    assert quick_build() == 0
    path, execute, before = builder.FOLDER / "09_test.ipynb", builder.execute, []

    def learner_saves(notebook: nbformat.NotebookNode) -> dict[str, float]:
        before.append(changed(path, solve))
        return execute(notebook)

    monkeypatch.setattr(builder, "execute", learner_saves)
    assert builder.main(["--again"]) == 1
    assert "contains work of yours" in capsys.readouterr().err and path.read_bytes() == before[0]


@pytest.mark.parametrize("source", SOURCES, ids=lambda s: s.stem)
def test_the_course_s_notebooks_are_builds(source: Path):
    """Also of an earlier source."""
    empty = nbformat.v4.new_notebook()
    for folder in (builder.FOLDER, builder.SOLVED):
        builder.refuse_work(folder / f"{source.stem}.ipynb", empty)


def test_builds_at_the_same_time_keep_each_other_s_costs(course: Path, monkeypatch: pytest.MonkeyPatch):
    read = builder._measured

    def slow() -> dict:
        measured = read()
        time.sleep(0.1)
        return measured

    monkeypatch.setattr(builder, "_measured", slow)
    threads = [threading.Thread(target=builder._keep_cost, args=(f"0{i}", {"seconds": i})) for i in range(5)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert read() == {f"0{i}": {"seconds": i} for i in range(5)}


@pytest.mark.parametrize("content", ["{", '{"a": 3}', '{"a": {"b": "words"}}', "[]", '{"a": []}'])
def test_a_result_that_is_not_there_is_reported(course: Path, capsys: pytest.CaptureFixture, content: str):
    (builder.BENCHMARKS / "results" / "some.json").write_text(content)
    assert builder.main(["--check"]) == 1
    error = capsys.readouterr().err
    assert "09_test" in error and "some.json" in error and error.count("\n") == 1


def test_damaged_costs_are_reported(course: Path, capsys: pytest.CaptureFixture):
    builder.MEASURED.write_text('{"09_test": ')
    course.write_text("# %% [markdown]\n# {{cost}}\n\n# %%\n1\n")
    assert builder.main([]) == 1
    assert f"{builder.MEASURED} is damaged" in capsys.readouterr().err


def test_a_source_with_wrong_syntax_is_reported(course: Path, capsys: pytest.CaptureFixture):
    course.write_text('# %% exercise="09.1"\ndef twice(:\n')
    assert builder.main(["--check"]) == 1
    assert capsys.readouterr().err.startswith("build: ")


@pytest.mark.slow
def test_a_kernel_that_dies_is_reported(course: Path, capsys: pytest.CaptureFixture):
    course.write_text("# %%\nimport os\nos._exit(1)\n")
    assert builder.main([]) == 1
    assert "memory ran out" in capsys.readouterr().err and not (builder.SOLVED / "09_test.ipynb").exists()


# Another kernel


def first_code_cell(path: Path) -> str:
    return next(cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code")


@pytest.mark.parametrize("source", SOURCES, ids=lambda s: s.stem)
def test_the_first_cell_of_every_notebook_says_how_to_choose_the_kernel(source: Path):
    for folder in (builder.FOLDER, builder.SOLVED):
        assert first_code_cell(folder / f"{source.stem}.ipynb") == builder.KERNEL_CHECK


def test_another_kernel_gets_one_sentence(tmp_path: Path):
    """-S leaves out the installed packages, -I the working directory."""
    command = [sys.executable, "-S", "-I", "-c", builder.KERNEL_CHECK]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    lines = done.stderr.strip().splitlines()
    assert done.returncode == 1 and "Select Kernel" in lines[-1] and ".venv" in lines[-1]
    assert "ModuleNotFoundError" not in done.stderr


def test_the_course_s_kernel_passes_in_silence():
    command = [sys.executable, "-c", builder.KERNEL_CHECK]
    done = subprocess.run(command, cwd=NOTEBOOKS.parent, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_notebook_without_the_package_has_no_such_cell(course: Path):
    assert builder.KERNEL_CHECK not in [cell.source for cell in builder.learner(course).cells]


# Killed


@pytest.fixture
def quick_build(course: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], object]:
    """Return a build that executes nothing, with all its temporary folders in `tmp_path / "scratch"`."""
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))

    def execute(notebook: nbformat.NotebookNode) -> dict[str, float]:
        with tempfile.TemporaryDirectory(prefix=f"{builder.RUNS}{os.getpid()}-") as folder:
            Path(folder, "cache").write_bytes(bytes(1000))
        return {"seconds": 1.0, "peak_memory_mib": 100}

    monkeypatch.setattr(builder, "execute", execute)
    return lambda: builder.main(["--again"])


def all_are_whole() -> None:
    """Read all files that a build writes, after a kill."""
    for path in [*builder.FOLDER.glob("*.ipynb"), *builder.SOLVED.glob("*.ipynb")]:
        nbformat.validate(nbformat.read(path, as_version=4))
    if builder.MEASURED.exists():
        assert json.loads(builder.MEASURED.read_text())["09_test"]["peak_memory_mib"] == 100


def nothing_is_left(folder: Path) -> None:
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    assert files == [
        *["benchmarks", "benchmarks/results", "benchmarks/results/.notebooks.json.lock"],
        *["benchmarks/results/notebooks.json", "benchmarks/results/some.json"],
        *["notebooks", "notebooks/09_test.ipynb", "notebooks/solved", "notebooks/solved/09_test.ipynb"],
        *["notebooks/source", "notebooks/source/09_test.py", "scratch"],
    ]


@pytest.mark.slow
@needs_fork
def test_a_build_that_is_killed_leaves_nothing_half_written(quick_build: Callable[[], object], tmp_path: Path):
    kills = 0
    for _ in killed_at_each_step(quick_build):
        all_are_whole()
        kills += 1
    assert kills > 10
    assert quick_build() == 0
    nothing_is_left(tmp_path)


@needs_fork
@pytest.mark.slow
def test_a_build_that_is_killed_50_times(quick_build: Callable[[], object], tmp_path: Path):
    for _ in killed_at_random(quick_build, kills=50, within=0.3):
        all_are_whole()
    assert quick_build() == 0
    nothing_is_left(tmp_path)


def test_a_write_that_breaks_off_leaves_the_old_notebooks(quick_build: Callable[[], object], capsys, monkeypatch):
    """As on a disk that fills up, or in a process that is killed between two blocks of a file."""
    assert quick_build() == 0
    paths = [builder.FOLDER / "09_test.ipynb", builder.SOLVED / "09_test.ipynb", builder.MEASURED]
    before = [path.read_bytes() for path in paths]
    real = Path.write_text

    def half(self: Path, text: str, *args: object, **options: object) -> int:
        if self.suffix in (".ipynb", ".json"):
            real(self, text[: len(text) // 2], *args, **options)
            raise OSError(errno.ENOSPC, "No space left on device", str(self))
        return real(self, text, *args, **options)

    monkeypatch.setattr(Path, "write_text", half)
    capsys.readouterr()
    assert quick_build() == 1
    assert capsys.readouterr().err.count("\n") == 1
    for source in builder.SOURCE.glob("*.py"):
        with pytest.raises(InputError):
            builder._write(builder.FOLDER / f"{source.stem}.ipynb", builder.learner(source))
    assert [path.read_bytes() for path in paths] == before


def test_a_folder_of_a_build_that_still_runs_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    names = [f"{builder.RUNS}{os.getpid()}-abc", f"{builder.RUNS}{ended.pid}-abc", f"{builder.RUNS}mine", "other"]
    for name in names:
        (tmp_path / name).mkdir()
    builder._remove_leftovers()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([names[0], *names[2:]])


@pytest.mark.slow
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
