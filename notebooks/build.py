"""`python course.py build`: make the learner's and the solved, executed notebooks from `notebooks/source/NN_*.py`.

A source is a jupytext percent script, solved, with these conventions:

- `# %% exercise="01.2"` marks a cell with one function, solved. The learner gets signature, docstring and a stub that
  raises `NotImplementedError("01.2")`. The solution is folded away below the cell that calls `check("01.2", ...)`.
- `predict("01.a", 3, 5)` and `quiz("01.q1", "b")` lose the answer.
- A widget is kept as its still picture, if it has one, because sliders do not work in a file.
- A cell tagged `this-machine` keeps no output, because its output describes one machine.
- Each notebook that uses `aitex_utils` gets a first cell which says how to choose the course's kernel, if it is not.
- `{{results/NAME.json: key.key: .3f}}` in a text becomes a number from a results file under `benchmarks/` (a key with a
  full stop stands in quotation marks). `{{cost}}` becomes the seconds and the memory of this notebook, from
  `benchmarks/results/notebooks.json`, which executing writes.
- `{{contents}}`, alone on its line, becomes a list of links to the `## ` headings. `{{minutes}}` becomes the minutes
  for a learner, such as "90 minutes", by the model in `timing.py`. The model reads the minutes of an exercise from a
  line that begins with its difficulty and minutes, such as `*Medium, 10 minutes.*`.
- `{{version}}` becomes version and date of the course, from `aitex_utils.__version__` and `CHANGELOG.md`.
- With the notebooks, a build writes the pages for teachers that follow from them: `teaching/timing.md`,
  `teaching/objectives.md`, the minutes of the plans in `teaching/paths`, and the tables of `teaching/notes`.
- `--class` writes copies without solutions for a class instead, and a course that contains them.
- A cell tagged `start-here` begins with the comment `# Start here again after a restart`. It is the first code cell of
  a section, and from it on the section runs in a new kernel.

The same source always makes the same bytes: a cell's id is a hash of the notebook's name, the cell's text and how many
previous cells have the same text. So the id also shows whether a cell is as it was built: a notebook with a cell that
was written or changed by hand is never replaced.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import jupytext
import nbformat
import psutil
from filelock import FileLock
from markdown_it import MarkdownIt
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode

from aitex_utils import __version__
from aitex_utils.commands.launching import run_command
from aitex_utils.errors import InputError
from aitex_utils.files.atomic_write import atomic_write

FOLDER = Path(__file__).resolve().parent
sys.path.append(str(FOLDER))  # `course.py build` runs this file without its folder

import class_copy  # noqa: E402
import notes  # noqa: E402
import objectives  # noqa: E402
import plans  # noqa: E402
import timing  # noqa: E402

from aitex_utils.teaching.copies import with_list_of_files, write_copies, zipped  # noqa: E402
from aitex_utils.teaching.numbers import fill_numbers  # noqa: E402
from aitex_utils.teaching.stick import course_files, path_files  # noqa: E402

CHANGELOG = FOLDER.parent / "CHANGELOG.md"
SOURCE, SOLVED, BENCHMARKS = FOLDER / "source", FOLDER / "solved", FOLDER.parent / "benchmarks"
MEASURED = BENCHMARKS / "results" / "notebooks.json"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "file_extension": ".py"},
}
LINKED = re.compile(r"[\w .,:!?/'&+=()-]+", re.ASCII)  # JupyterLab compares a link with the heading, undecoded
LINKED_RULE = "English letters, digits, spaces and .,:!?/'&+=()-"
WIDGET = "application/vnd.jupyter.widget-view+json"
GUESS = re.compile(r'^(predict\("[^"]+"), [^,]+, [^,)]+(.*\))$', re.MULTILINE)
KERNEL_CHECK = """try:
    import aitex_utils
except ModuleNotFoundError:
    message = "This kernel is not the course's: choose .venv with Select Kernel (top right), or run course.py lab."
    raise ImportError(message) from None"""
RUNS = "course-build-"  # the folders of running builds in the temporary folder start with this and the process id
QUIZ = re.compile(r'^quiz\("([^"]+)", "\w"\)$', re.MULTILINE)


class SourceError(Exception):
    """A source or notebook with which nothing can be built. The message names it and says why."""


FAILURES = (SourceError, InputError, OSError, ValueError, SyntaxError, CellExecutionError)
FAILURES += (NotImplementedError,)  # a disk without locks


def solved(source: Path) -> NotebookNode:
    """Return the solved notebook of a source, not executed: numbers filled in, cell ids set."""
    cells = jupytext.read(source, fmt="py:percent").cells
    texts = [cell for cell in cells if cell.cell_type == "markdown"]
    for cell in texts:
        cell.source = filled(cell.source, source.stem)
    code = [index for index, cell in enumerate(cells) if cell.cell_type == "code"]
    if any("aitex_utils" in cells[index].source for index in code):
        cells.insert(code[0], nbformat.v4.new_code_cell(KERNEL_CHECK))
    whole = "\n\n".join(cell.source for cell in texts)
    if "{{contents}}" in whole:
        _replace("{{contents}}", _contents(texts, source.name), texts)
    if "{{minutes}}" in whole:
        open_cells = [_without_answers(cell, source.name) for cell in cells]
        _replace("{{minutes}}", f"{timing.rounded(timing.fluent(timing.sections(open_cells)))} minutes", texts)
    return with_ids(cells, source.stem)


def _replace(placeholder: str, text: str, cells: Sequence[NotebookNode]) -> None:
    for cell in cells:
        cell.source = cell.source.replace(placeholder, text)


def learner(source: Path) -> NotebookNode:
    """Return the learner's notebook of a source: stubs for solutions, guesses and quiz open, solutions folded away."""
    cells, folded = [], {}
    for cell in solved(source).cells:
        if name := cell.cell_type == "code" and cell.metadata.get("exercise"):
            folded[name] = cell.source
        cells.append(_without_answers(cell, source.name))
        for name in [n for n in folded if cell.cell_type == "code" and f'check("{n}"' in cell.source]:
            cells.append(nbformat.v4.new_markdown_cell(_folded(name, folded.pop(name))))
    if folded:
        raise SourceError(f"{source.name}: no cell calls check for the exercise {', '.join(folded)}.")
    return with_ids(cells, source.stem)


def _without_answers(cell: NotebookNode, file: str) -> NotebookNode:
    """Return a copy of a cell with a stub in place of a solution, and without the answers to guesses and questions."""
    cell = nbformat.from_dict(cell)
    if cell.cell_type == "code":
        if name := cell.metadata.get("exercise"):
            cell.source = stub(cell.source, name, file)
        cell.source = GUESS.sub(r"\1, low=..., high=...\2", cell.source)
        cell.source = QUIZ.sub(r'quiz("\1", "")', cell.source)
    return cell


def _contents(cells: Sequence[NotebookNode], file: str) -> str:
    """Return a list of links to the `## ` headings, which JupyterLab and nbconvert name by their text."""
    links = []
    for cell in cells:
        tokens = MarkdownIt("commonmark").parse(cell.source)
        for opening, inline in zip(tokens, tokens[1:], strict=False):
            if opening.type != "heading_open" or opening.tag != "h2":
                continue
            text = "".join(part.content for part in inline.children or [])
            if not LINKED.fullmatch(text):
                raise SourceError(f"{file}: JupyterLab cannot link to the heading {text!r}: use {LINKED_RULE}.")
            links.append(f"- [{inline.content}](#{text.replace(' ', '-')})")
    if len(set(links)) < len(links):
        raise SourceError(f"{file}: two sections have one heading, so a link cannot distinguish them.")
    return "\n".join(links)


def stub(solution: str, name: str, file: str) -> str:
    """Replace the body of the one function in `solution` by a stub. Signature and docstring stay."""
    functions = [node for node in ast.parse(solution).body if isinstance(node, ast.FunctionDef)]
    if len(functions) != 1:
        raise SourceError(f"{file}: the cell of exercise {name} has {len(functions)} functions, expected one.")
    body = functions[0].body
    if ast.get_docstring(functions[0]) is None or len(body) < 2:
        raise SourceError(
            f"{file}: the function of exercise {name} needs a docstring, which the learner keeps, and a body."
        )
    lines = solution.splitlines()
    kept, after = lines[: body[0].end_lineno], lines[functions[0].end_lineno :]
    indent = " " * body[0].col_offset
    return "\n".join([*kept, f'{indent}raise NotImplementedError("{name}")  # your code instead of this line', *after])


def _folded(name: str, solution: str) -> str:
    return f"<details><summary>Solution of {name}</summary>\n\n```python\n{solution}\n```\n\n</details>"


def filled(text: str, notebook: str) -> str:
    """Put numbers from results files, this notebook's measured cost, and the version in place of `{{...}}`."""
    if "{{version}}" in text:
        text = text.replace("{{version}}", _version())
    if "{{cost}}" in text:
        text = text.replace("{{cost}}", _cost(notebook))
    try:
        return fill_numbers(text, BENCHMARKS)
    except InputError as error:
        raise SourceError(f"{notebook}: {error}") from error


def _version() -> str:
    """Return version and date of the course in words."""
    release = re.search(
        rf"^## \[{re.escape(__version__)}\] - (\d{{4}}-\d\d-\d\d)$", CHANGELOG.read_text(encoding="utf-8"), re.MULTILINE
    )
    if release is None:
        raise SourceError(f"{CHANGELOG.name} has no release {__version__}: add its heading with a date.")
    return f"Version {__version__} of the course, {release[1]}"


def _cost(notebook: str) -> str:
    measured = _measured()
    if notebook not in measured:
        return "not yet measured"
    seconds, memory = measured[notebook]["seconds"], measured[notebook]["peak_memory_mib"]
    return f"about {_rounded(seconds)} seconds and {memory / 1024:.1f} GiB of memory on two cores"


def _measured() -> dict[str, dict[str, float]]:
    try:
        return json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.is_file() else {}
    except ValueError as error:
        raise SourceError(f"{MEASURED} is damaged ({error}): delete it and run `course.py build --again`.") from error


def _rounded(seconds: float) -> int:
    """Round up to ten seconds: the value is a promise, and machines differ."""
    return max(10, int(-(-seconds // 10) * 10))


def _cell_id(name: str, count: int, source: str) -> str:
    return hashlib.sha256(f"{name}\n{count}\n{source}".encode()).hexdigest()[:12]


def with_ids(cells: Sequence[NotebookNode], name: str) -> NotebookNode:
    """Return a notebook of cells whose ids show whether they are as they were built."""
    seen: dict[str, int] = {}
    for cell in cells:
        count = seen[cell.source] = seen.get(cell.source, -1) + 1
        cell.id = _cell_id(name, count, cell.source)
        cell.metadata.pop("exercise", None) if cell.cell_type == "markdown" else None
    notebook = nbformat.v4.new_notebook(cells=list(cells), metadata=json.loads(json.dumps(METADATA)))
    nbformat.validate(notebook)
    return notebook


def text(notebook: NotebookNode) -> str:
    """Return a notebook as the text of its file."""
    return nbformat.writes(notebook) + "\n"


def execute(
    notebook: NotebookNode, *, allow: tuple[str, ...] = (), timeout: int = 1200, cache: Path | None = None
) -> dict[str, float]:
    """Run a notebook's cells in place, with progress and cache in temporary folders, and return seconds and memory.

    `allow` names exceptions with which a cell can end (a learner's stubs). Any other raises `CellExecutionError`.
    `cache` is a folder for results of long steps, if another run should find them.
    """
    from nbclient import NotebookClient

    with tempfile.TemporaryDirectory(prefix=f"{RUNS}{os.getpid()}-") as folder:
        changed = {"COURSE_PROGRESS": str(Path(folder) / "progress.json")}
        changed["COURSE_CACHE"] = str(cache or Path(folder) / "cache")
        before = {key: os.environ.get(key) for key in changed}
        os.environ.update(changed)
        try:
            client = NotebookClient(
                notebook, timeout=timeout, resources={"metadata": {"path": str(FOLDER)}}, allow_error_names=list(allow)
            )
            probe = nbformat.v4.new_code_cell(
                "from aitex_utils.safety.peak_memory import peak_memory_mib\nprint(peak_memory_mib())"
            )
            with client.setup_kernel():
                begin, slowest = time.perf_counter(), 0.0
                for index, cell in enumerate(notebook.cells):
                    started = time.perf_counter()
                    client.execute_cell(cell, index)
                    slowest = max(slowest, time.perf_counter() - started)
                seconds = time.perf_counter() - begin
                notebook.cells.append(probe)
                client.execute_cell(probe, len(notebook.cells) - 1)
            notebook.cells.pop()
        finally:
            for key, value in before.items():
                os.environ.pop(key, None) if value is None else os.environ.__setitem__(key, value)
    memory = float(probe.outputs[0]["text"])
    return {"seconds": round(seconds, 1), "slowest_cell_seconds": round(slowest, 1), "peak_memory_mib": round(memory)}


def _still(outputs: Sequence[NotebookNode]) -> list[NotebookNode]:
    """Return outputs without widgets: their pictures stay, progress bars and others without a picture go."""
    kept = []
    for output in outputs:
        if output.get("data", {}).pop(WIDGET, None) is None or "text/html" in output["data"]:
            kept.append(output)
    return kept


def _without_run(notebook: NotebookNode) -> NotebookNode:
    """Return an executed notebook as it was before execution: no outputs, counts or times."""
    bare = nbformat.from_dict(json.loads(json.dumps(notebook)))
    for cell in bare.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    bare.metadata = nbformat.from_dict(METADATA)
    return bare


def teaching() -> Path:
    """Return the folder of the pages for teachers."""
    return FOLDER.parent / "teaching"


def all_sources() -> list[Path]:
    """Return the sources of all notebooks in their order."""
    if not SOURCE.is_dir():
        raise SourceError(
            "This copy of the course has no notebooks/source, from which notebooks are built: run the command in the "
            "whole course."
        )
    return sorted(SOURCE.glob("[0-9][0-9]_*.py"))


def learners() -> dict[str, NotebookNode]:
    """Return the learner's notebooks of all sources by their names."""
    return {source.stem: learner(source) for source in all_sources()}


def teaching_pages() -> dict[Path, str]:
    """Return the texts of the pages for teachers that follow from the notebooks, by their paths."""
    if not (teaching() / "objectives.json").is_file():
        return {}
    extra, notebooks = objectives.extras(teaching()), learners()
    needed = {}
    for name, notebook in notebooks.items():
        found = objectives.objectives(notebook.cells, extra.get(name[:2], {}), name)
        needed[name] = {heading for objective in found for heading in objective.sections}
        needed[name] |= notes.kept_sections(teaching(), name)
    pages = {
        teaching() / "timing.md": timing.page(notebooks, _measured(), needed),
        teaching() / "objectives.md": objectives.page(notebooks, extra),
    }
    for path, page in plans.plan_pages(teaching()).items():
        pages[path] = plans.refreshed(page, notebooks, path.stem)
    return pages | notes.note_pages(teaching())


def stale_pages() -> list[str]:
    """Say which of the pages for teachers differ from the notebooks."""
    return [
        f"{path.relative_to(FOLDER.parent).as_posix()} is stale: run `python course.py build`."
        for path, page in teaching_pages().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != page
    ]


def write_pages() -> None:
    """Write the pages for teachers that differ from the notebooks."""
    for path, page in teaching_pages().items():
        if not path.is_file() or path.read_text(encoding="utf-8") != page:
            with atomic_write(path) as inside:
                inside.write_text(page, encoding="utf-8", newline="\n")
            print(path.relative_to(FOLDER.parent).as_posix(), flush=True)


def make_class_copy(sources: Sequence[Path], folder: Path) -> None:
    """Write notebooks without solutions, `solutions.zip` and, if no notebook is missing, a course without solutions."""
    copies, solutions = {}, {}
    for source in sources:
        executed = SOLVED / f"{source.stem}.ipynb"
        if not executed.is_file():
            raise SourceError(f"solved/{executed.name} is missing: run `course.py build {source.stem[:2]}` first.")
        copies[executed.name] = _class_notebook(learner(source), f"class/{source.stem}")
        solutions[executed.name] = executed.read_bytes()
    files = {f"learners/{name}": content for name, content in copies.items()}
    files["solutions.zip"] = zipped(solutions)
    if len(sources) == len(all_sources()):
        files |= {f"course/{name}": content for name, content in class_course(copies).items()}
    write_copies(folder, files)


def _class_notebook(notebook: NotebookNode, name: str) -> bytes:
    return text(with_ids(class_copy.without_solutions(notebook).cells, name)).encode()


def class_course(copies: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files of a whole course for a class by their names, with these notebooks in place of its own.

    It contains the practice fabric if it was made, and the notebooks of paths that were made, without their solutions.
    """
    root = FOLDER.parent
    whole = course_files(root)
    names = [name for name in whole if class_copy.is_for_learners(name)]
    names += [p.relative_to(root).as_posix() for p in (root / "data" / "practice").rglob("*") if p.is_file()]
    files = {name: (root / name).read_bytes() for name in names}
    files |= {f"notebooks/{name}": content for name, content in copies.items()}
    paths: dict[Path, dict[str, bytes]] = {}
    for path in [root / name for name in path_files(root) if name.endswith(".ipynb")]:
        notebook = _class_notebook(nbformat.read(path, as_version=4), f"{path.parent.name}/{path.stem}")
        paths.setdefault(path.parent, {})[path.name] = notebook
    for folder, made in paths.items():
        files |= {f"data/{folder.name}/{name}": content for name, content in with_list_of_files(made).items()}
    left_out = set(whole) - set(files)
    for name in [name for name in files if name.endswith(".md")]:
        page = files[name].decode("utf-8").replace("\r\n", "\n")
        page = class_copy.without_dangling_links(name, page, files, left_out)
        files[name] = (class_copy.with_notice(page) if name == "README.md" else page).encode()
    return files


def stale(source: Path) -> list[str]:
    """Say what differs between a source and its two notebooks."""
    found = []
    for target, built in ((FOLDER, learner(source)), (SOLVED, solved(source))):
        path = target / f"{source.stem}.ipynb"
        name = path.relative_to(FOLDER.parent).as_posix()
        if not path.is_file():
            found.append(f"{name} is missing: run `python course.py build`.")
            continue
        current = path.read_text(encoding="utf-8", errors="replace")
        if target == SOLVED:
            notebook = _read(path)
            current = "" if notebook is None else text(_without_run(notebook))
        if current != text(built):
            lines = difflib.unified_diff(current.splitlines(), text(built).splitlines(), n=0, lineterm="")
            changes = "\n".join(line[:160] for line in list(lines)[2:8])
            found.append(f"{name} is stale: run `python course.py build`.\n{changes}")
    return found


def _read(path: Path) -> NotebookNode | None:
    """Return a built notebook, or None if it is missing or damaged."""
    try:
        notebook = nbformat.read(path, as_version=4)
        return notebook if all(isinstance(cell.source, str) for cell in notebook.cells) else None
    except (FileNotFoundError, ValueError, TypeError, LookupError, AttributeError, nbformat.ValidationError):
        return None


def refuse_work(path: Path, built: NotebookNode) -> None:
    """Raise an error if a notebook contains anything but a build: of this source or an earlier one, executed or not."""
    if not path.is_file() or not path.read_bytes().strip():
        return
    name = path.relative_to(FOLDER.parent).as_posix()
    fix = "rename it to keep that, or delete it to drop it, and run `course.py build` again."
    notebook = _read(path)
    if notebook is None:
        raise SourceError(f"{name} cannot be read as a notebook, so it is not replaced: {fix}")
    known = {"", *(cell.source.strip() for cell in built.cells)}
    for cell in notebook.cells:
        ids = (_cell_id(path.stem, count, cell.source) for count in range(len(notebook.cells)))
        if cell.source.strip() not in known and cell.get("id") not in ids:
            line = cell.source.strip().splitlines()[0][:60]
            raise SourceError(f"{name} contains work of yours, such as the cell {line!r}, so it is not replaced: {fix}")


def _remove_leftovers() -> None:
    """Delete the temporary folders of builds that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{RUNS}*"):
        process = folder.name[len(RUNS) :].split("-")[0]
        if process.isdigit() and not psutil.pid_exists(int(process)):
            shutil.rmtree(folder, ignore_errors=True)


def _write(path: Path, notebook: NotebookNode) -> None:
    refuse_work(path, notebook)  # again: executing takes minutes, in which it can have been edited
    with atomic_write(path) as inside:
        inside.write_text(text(notebook), encoding="utf-8", newline="\n")
    print(path.relative_to(FOLDER.parent).as_posix(), flush=True)


def _keep_cost(name: str, cost: dict[str, float]) -> None:
    """Write the cost of a notebook, while other builds can write the costs of their own."""
    with FileLock(MEASURED.with_name(f".{MEASURED.name}.lock"), timeout=60):
        measured = dict(sorted((_measured() | {name: cost}).items()))
        with atomic_write(MEASURED) as inside:
            inside.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")


def build(source: Path, *, again: bool) -> None:
    """Write both notebooks of a source. The solved one is executed if its code changed, or `again`."""
    path = SOLVED / f"{source.stem}.ipynb"
    ran, updated = _read(path), solved(source)
    is_run = again or ran is None or _sources(_code(ran)) != _sources(_code(updated))
    if is_run:
        print(f"Executing {source.stem}, up to three minutes ...", flush=True)
        ran = updated
        _keep_cost(source.stem, execute(ran))
        updated = solved(source)  # with the cost just measured
    if is_run or _sources(ran.cells) != _sources(updated.cells):
        for cell, before in zip(_code(updated), _code(ran), strict=True):
            kept = [] if "this-machine" in cell.metadata.get("tags", []) else _still(before.outputs)
            cell.outputs, cell.execution_count = kept, before.execution_count
        _write(path, updated)
    _write(FOLDER / f"{source.stem}.ipynb", learner(source))


def _code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _sources(cells: Sequence[NotebookNode]) -> list[str]:
    return [cell.source for cell in cells]


def main(arguments: Sequence[str] | None = None) -> int:
    """Build or check notebooks, and return the exit code."""
    parser = argparse.ArgumentParser(prog="course.py build", description="Make the notebooks from notebooks/source.")
    parser.add_argument("notebooks", nargs="*", metavar="NN", help="numbers of notebooks (default: all)")
    parser.add_argument(
        "--check", action="store_true", help="write nothing, and fail if a notebook differs from its source"
    )
    parser.add_argument(
        "--again", action="store_true", help="execute solved notebooks even if their code did not change"
    )
    parser.add_argument(
        "--class",
        dest="for_class",
        action="store_true",
        help="only write copies without solutions, solutions.zip, and a course without solutions",
    )
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where --class writes (data/class-copy)")
    given = parser.parse_args(arguments)
    if given.out and not given.for_class:
        parser.error("--out needs --class: the notebooks themselves have one place.")
    try:
        sources = {source.stem[:2]: source for source in all_sources()}
    except SourceError as error:
        print(f"build: {error}", file=sys.stderr)
        return 1
    wanted = [number.zfill(2) for number in given.notebooks] or list(sources)
    unknown = [number for number in wanted if number not in sources]
    if unknown:
        print(f"build: There is no notebook {', '.join(unknown)}: choose from {', '.join(sources)}.", file=sys.stderr)
        return 2
    sources = [source for number, source in sources.items() if number in wanted]
    try:
        if given.check:
            found = [difference for source in sources for difference in stale(source)]
            found += stale_pages()
            names = {source.stem for source in all_sources()}
            orphans = {p.stem for p in [*FOLDER.glob("[0-9][0-9]_*.ipynb"), *SOLVED.glob("*.ipynb")]} - names
            found += [
                f"{name}.ipynb has no source: delete it, or write notebooks/source/{name}.py."
                for name in sorted(orphans)
            ]
            print("\n".join(found) or f"{len(sources)} sources agree with their notebooks.")
            return 1 if found else 0
        if given.for_class:
            folder = given.out or FOLDER.parent / "data" / "class-copy"
            make_class_copy(sources, folder)
            print(f"{folder} contains {len(sources)} notebooks for learners, and solutions.zip for later.")
            if (folder / "course").is_dir():
                print(f"{folder / 'course'} is the whole course without solutions. Copy it before you work in it.")
            return 0
        _remove_leftovers()
        for source in sources:
            refuse_work(SOLVED / f"{source.stem}.ipynb", solved(source))
            refuse_work(FOLDER / f"{source.stem}.ipynb", learner(source))
        for source in sources:
            build(source, again=given.again)
        write_pages()
    except BrokenPipeError:  # nothing reads the output any more
        raise
    except FAILURES as error:
        print(f"build: {error}", file=sys.stderr)
        return 1
    except DeadKernelError as error:
        print(f"build: {error}, mostly because memory ran out: close other programs.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
