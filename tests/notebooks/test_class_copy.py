"""Copies for a class: no solutions, no worked answers, no answers to the quiz, and all of them in solutions.zip.

The course for a class contains these copies, works without all that it lacks, and is what a memory stick takes.
"""

from __future__ import annotations

import ast
import io
import json
import os
import re
import runpy
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import nbformat
import pytest

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
sys.path.insert(0, str(NOTEBOOKS))

import build as builder  # noqa: E402
import class_copy  # noqa: E402

from aitex_utils.commands.bundle import class_course  # noqa: E402
from aitex_utils.errors import InputError  # noqa: E402
from aitex_utils.teaching.copies import changed_files, copied_files, write_copies  # noqa: E402
from aitex_utils.teaching.stick import course_files, path_files  # noqa: E402

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
    assert not (tmp_path / "copy" / "course").exists()  # which needs all notebooks
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


# The course for a class


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that the command writes for all notebooks."""
    folder = tmp_path_factory.mktemp("class") / "copy"
    assert builder.main(["--class", "--out", str(folder)]) == 0
    return folder


@pytest.fixture
def course(made: Path) -> Path:
    return made / "course"


def texts_in(name: str, content: bytes) -> str:
    """Return the text of a file with each line stripped, of a notebook the text of its cells. Pictures have none."""
    try:
        text = content.decode("utf-8")
    except ValueError:
        return ""
    if name.endswith(".ipynb"):
        text = "\n".join(cell.source for cell in nbformat.reads(text, as_version=4).cells)
    return "\n".join(line.strip() for line in text.splitlines())


OF_TEACHERS = ("assignment", "paths")


def test_the_course_lacks_what_shows_solutions_and_has_all_else(made: Path):
    names = {name.removeprefix("course/") for name in copied_files(made) if name.startswith("course/")}
    gone = {name for name in course_files() if name not in names}
    assert {name.split("/")[0] for name in gone} == {"notebooks", "teaching", "tests", "benchmarks", ".ci", ".github"}
    assert {name for name in gone if name.startswith("benchmarks/")} == {f"benchmarks/{n}.py" for n in OF_TEACHERS}
    folders = {name.rpartition("/")[0] for name in gone if name.startswith("notebooks/")}
    assert folders == {"notebooks/source", "notebooks/solved"}
    assert {name for name in names if name.startswith("teaching/")} == class_copy.PAGES
    assert not any(name.startswith("site/") for name in names)
    for source in SOURCES:
        copy = (made / "learners" / f"{source.stem}.ipynb").read_bytes()
        assert (made / "course" / "notebooks" / f"{source.stem}.ipynb").read_bytes() == copy


def test_no_file_of_the_course_contains_a_solution(made: Path):
    """The course's own functions stay in `aitex_utils`: exercises are checked with them, and the detector uses one."""
    solutions = {name: body for source in SOURCES for name, body in bodies(source).items()}
    assert len(solutions) > 50
    found = set()
    for name in copied_files(made):
        if name.startswith("course/"):
            text = texts_in(name, (made / name).read_bytes())
            found |= {(name.removeprefix("course/"), number) for number, body in solutions.items() if body in text}
    others = {(name, number) for name, number in found if not name.startswith("aitex_utils/lessons/nb")}
    assert others == {("aitex_utils/tiling.py", "01.4")} and len(found) > 1, "or the test no longer finds any"


def test_links_of_the_course_lead_somewhere(course: Path):
    for page in course.rglob("*.md"):
        for link in re.findall(r"\]\(([^)#:\s]+)(?:#[^)\s]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.relative_to(course)} links to {link}"
    front = (course / "README.md").read_text(encoding="utf-8")
    assert class_copy.NOTICE.strip() in front and "(teaching/platforms.md)" in front and "How to adopt it" in front


def test_only_links_to_what_was_left_out_become_words():
    page = "[a](x/a.md#top), [b\nb](../x/b.md), [c](x), ![d](x/a.png), [e](#x), [f](https://x/a.md), [g](x/c.md)"
    left_out = ["pages/x/a.md", "x/b.md", "pages/x/a.png"]
    changed = class_copy.without_dangling_links("pages/p.md", page, ["pages/p.md"], left_out)
    assert changed == "a, b\nb, c, ![d](x/a.png), [e](#x), [f](https://x/a.md), [g](x/c.md)"


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        ("x/c.md", "[whole](x/), inner"),
        ("x/yy.md", "[whole](x/), inner"),
        ("x/y/d.md", "[whole](x/), [inner](x/y)"),
        ("x.md", "whole, inner"),
    ],
)
def test_a_link_to_a_folder_becomes_words_only_if_no_file_is_left_in_it(kept: str, expected: str):
    page, left_out = "[whole](x/), [inner](x/y)", ["x/a.md", "x/y/b.md"]
    assert class_copy.without_dangling_links("p.md", page, ["p.md", kept], left_out) == expected


@pytest.fixture
def small_course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a course with a front page only, which the builder works in."""
    monkeypatch.setattr(builder, "FOLDER", tmp_path / "notebooks")
    (tmp_path / "README.md").write_text("# Course\n\nWelcome.\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_the_front_page_gets_its_notice_with_the_line_ends_of_each_system(small_course: Path, line_end: str):
    """Git for Windows can write line ends of two characters. The copies have the same bytes on each system."""
    page = ["# Course", "", "Welcome to [all](tests/a.py)", "and [one", "more](tests/b.py).", ""]
    (small_course / "README.md").write_bytes(line_end.join(page).encode())
    (small_course / "tests").mkdir()
    for name in ("a.py", "b.py"):
        (small_course / "tests" / name).touch()
    copy = builder.class_course({})["README.md"].decode()
    assert copy == f"# Course{class_copy.NOTICE}Welcome to all\nand one\nmore.\n"


def test_a_front_page_without_a_place_for_the_notice_is_refused(small_course: Path):
    (small_course / "README.md").write_text("# Course\n", encoding="utf-8")
    with pytest.raises(InputError, match="no blank line below its title"):
        builder.class_course({})


def test_a_memory_stick_takes_the_course_as_it_is(made: Path):
    """`course.py bundle --class` makes the stick from a temporary folder, as from any course without git."""
    names = {name.removeprefix("course/") for name in copied_files(made) if name.startswith("course/")}
    practice = {name for name in names if name.startswith("data/practice/")}
    with class_course() as course:
        assert {*course_files(course), *path_files(course), *practice} == names
    assert not course.exists()


def run_in(course: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run Python on the modules of a course, in its folder of notebooks."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("COURSE_")}
    variables |= {"PYTHONPATH": str(course), "COURSE_PROGRESS": str(course.parent.parent / "progress.json")}
    options: dict[str, Any] = {"cwd": course / "notebooks", "env": variables, "capture_output": True, "text": True}
    return subprocess.run([sys.executable, *arguments], **options)


def test_the_set_up_cell_and_a_check_pass_in_the_course(course: Path):
    notebook = nbformat.read(course / "notebooks" / "00_start_here.ipynb", as_version=4)
    setup = next(cell.source for cell in notebook.cells if cell.cell_type == "code")
    assert setup == builder.KERNEL_CHECK
    solved = next(c.source for c in builder.solved(SOURCES[0]).cells if c.metadata.get("exercise") == "00.1")
    name = re.findall(r"^def (\w+)", solved, re.MULTILINE)[0]
    lines = [setup, "import numpy as np", "from aitex_utils.lessons import check, predict", solved]
    lines += [f'check("00.1", {name})', 'predict("00.a", 70, 95)', "print(aitex_utils.__file__)"]
    done = run_in(course, "-c", "\n".join(lines))
    assert (done.returncode, done.stderr) == (0, "") and str(course) in done.stdout
    kept = json.loads((course.parent.parent / "progress.json").read_text(encoding="utf-8"))
    assert kept["exercises"]["00.1"]["passed"] is True and "00.a" in kept["predictions"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["notebooks/path.py", "lab90"],
        ["notebooks/build.py", "06", "--check"],
        ["notebooks/build.py", "--class"],
        ["-m", "aitex_utils.commands.slides"],
        ["-m", "aitex_utils.commands.slides", "00", "handout"],
        ["-m", "aitex_utils.commands.site", "--katex", "no/such.tgz"],
    ],
    ids=" ".join,
)
def test_a_command_that_needs_the_whole_course_says_so_in_one_sentence(course: Path, arguments: list[str]):
    done = run_in(course, *[str(course / one) if one.startswith("notebooks/") else one for one in arguments])
    assert (done.returncode, done.stdout) == (1, "") and done.stderr.count("\n") == 1
    assert "whole course" in done.stderr


def test_the_tests_need_the_whole_course(course: Path):
    """Without setting anything up."""
    complaint = runpy.run_path(str(course / "course.py"))["complaint"]
    assert "run them in the whole course" in complaint("test", ["--quick"])
    assert complaint("lab", []) == complaint("doctor", []) == ""


@pytest.mark.slow
def test_commands_for_learners_run_in_the_course(course: Path):
    for name, *arguments in (["data"], ["demo", "--help"]):
        done = run_in(course, "-m", f"aitex_utils.commands.{name}", *arguments)
        assert done.returncode == 0, done.stderr
    assert (course / "data" / "practice").is_dir()
    doctor = [run_in(root, "-m", "aitex_utils.commands.doctor").returncode for root in (course, NOTEBOOKS.parent)]
    assert doctor[0] == doctor[1]


def test_notebooks_of_paths_lose_their_solutions(small_course: Path, tmp_path: Path, capsys):
    """However they were made. A folder with a changed notebook is left out, with one sentence."""
    cells = [nbformat.v4.new_markdown_cell(TEXT.format(summary)) for summary in ("Solution of 09.1", "Rubric")]
    plain = builder.with_ids(cells, "lab9/09_test")
    for_class = builder.with_ids(class_copy.without_solutions(plain).cells, "lab9/09_test")
    for folder, notebook in {"lab9": plain, "lab8": for_class, "lab7": plain}.items():
        write_copies(tmp_path / "data" / folder, {"09_test.ipynb": builder.text(notebook).encode()})
    (tmp_path / "data" / "lab7" / "notes.txt").write_text("mine", encoding="utf-8")
    copies = {"09_test.ipynb": b"{}"}
    files = builder.class_course(copies)
    expected = {"README.md", "notebooks/09_test.ipynb"}
    expected |= {f"data/{path}/{name}" for path in ("lab8", "lab9") for name in ("09_test.ipynb", "course-copy.json")}
    assert set(files) == expected
    assert files["data/lab9/09_test.ipynb"] == builder.text(for_class).encode()
    assert b"Rubric" in files["data/lab9/09_test.ipynb"] and b"Solution of" not in files["data/lab9/09_test.ipynb"]
    assert capsys.readouterr().out.startswith("data/lab7 is left out, because notes.txt in it was changed or added")
    for name in ("09_test.ipynb", "course-copy.json"):
        (tmp_path / "out" / "lab9").mkdir(parents=True, exist_ok=True)
        (tmp_path / "out" / "lab9" / name).write_bytes(files[f"data/lab9/{name}"])
    assert copied_files(tmp_path / "out" / "lab9") == ["09_test.ipynb"] and not changed_files(tmp_path / "out" / "lab9")
