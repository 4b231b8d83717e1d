"""A notebook runs with its stubs, and solved each of its sections runs alone from `start-here` on and says the same.

Both runs of a notebook share a kernel, because a kernel takes some seconds to start. Sections forget all before each.
The whole solved notebook is executed by `course.py build`.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import nbformat
import pytest
from lesson_cells import pictures_have_alt_text, sections
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
sys.path.insert(0, str(NOTEBOOKS))

import build as builder  # noqa: E402

HANG = 1200  # s per cell: a limit that catches a hang, not a slow or busy machine
SOURCES = sorted(builder.SOURCE.glob("[0-9][0-9]_*.py"))
TIMES = re.compile(r"\d\s?(?:s|ms|µs|us|min|[KMG]i?B(?:/s)?)\b|\b(?:seconds?|milliseconds?|times|faster|slower)\b")
TABLE_OF_TIMES = re.compile(r"\b(?:milliseconds|microseconds|seconds|ms|µs|s)\b")  # in the head of a table
STATE = re.compile(r"127\.0\.0\.1:\d+|^Uses (?:the course's|your) ")  # a free port; what passed in this session
SPREAD = re.compile(r"\d\s+\([\d.,]+ to [\d.,]+\)")
# What a restart of the kernel leaves behind: no names, no functions that passed, no open figures. It takes no seconds.
RESTART = """
get_ipython().reset(new_session=False)
from aitex_utils.lessons.engine.yours import forget_passed
forget_passed()
from matplotlib import pyplot
pyplot.close("all")
del forget_passed, pyplot
"""
OF_LEARNER = re.compile(r"^(?:progress_table|calibration|check|predict|reveal|quiz)\(", re.MULTILINE)  # what was done


def sections_with_code(cells: list[NotebookNode]) -> dict[str, list[NotebookNode]]:
    """Return the cells of code of each section by its heading, from its cell `start-here` on."""
    found = {}
    for heading, code in sections(cells):
        code = [cell for cell in code if cell.source != builder.KERNEL_CHECK]
        starts = [i for i, cell in enumerate(code) if "start-here" in cell.metadata.get("tags", [])]
        if code:
            found[heading] = code[starts[0] :] if starts else code
    return found


def without_outputs(cells: list[NotebookNode]) -> list[NotebookNode]:
    return [nbformat.v4.new_code_cell(cell.source, metadata=cell.metadata) for cell in cells]


def printed(cell: NotebookNode) -> str:
    """Return what a cell prints and shows, as text; progress bars are no text."""
    outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    texts = [output.get("text") or output.get("data", {}).get("text/plain", "") + "\n" for output in outputs]
    return "".join(texts)  # progress on stderr can divide a printed line into two outputs


def lines_without_times(text: str) -> list[str]:
    """Return the lines without times (a unit, or a spread below a head with a unit), ports, and passed exercises."""
    lines, head = [], ""
    for line in text.splitlines():
        head = line if not SPREAD.search(line) else head
        if STATE.search(line):
            continue
        if line.strip() and not TIMES.search(line) and not (SPREAD.search(line) and TABLE_OF_TIMES.search(head)):
            lines.append(line)
    return lines


def differences(first: list[NotebookNode], second: list[NotebookNode]) -> list[str]:
    """Return the lines that the second run prints and the first did not, apart from times and sizes.

    A second run can print less, because the results of long steps are kept.
    """
    new = []
    for one, two in zip(first, second, strict=True):
        if not OF_LEARNER.search(one.source):
            lines = set(printed(one).splitlines())
            new += [line for line in lines_without_times(printed(two)) if line not in lines]
    return new


def has_error(cell: NotebookNode) -> bool:
    return any(output.output_type == "error" for output in cell.outputs)


def failed_checks(cells: list[NotebookNode]) -> list[str]:
    checks = [printed(cell) for cell in cells if cell.source.startswith("check(")]
    return [text for text in checks if not (text.startswith("✓ Exercise") and " passed " in text)]


def new_lines(before: list[NotebookNode], after: list[NotebookNode]) -> list[str]:
    """Return the lines that sections print and the same cells of the whole notebook did not, where they ran."""
    by_source = {cell.source: cell for cell in before if not has_error(cell)}
    found = [cell for cell in after if cell.source in by_source]
    return differences([by_source[cell.source] for cell in found], found)


def run_sections(
    by_heading: dict[str, list[NotebookNode]], cache: Path, before: list[NotebookNode] | None = None
) -> tuple[list[NotebookNode], list[str]]:
    """Run cells, then each section as after a restart; return the cells with outputs, and what goes wrong."""
    restart = nbformat.v4.new_code_cell(RESTART)
    first = before or []
    cells = first + [cell for of_section in by_heading.values() for cell in (restart, *of_section)]
    headings = [""] * len(first)
    headings += [heading for heading, of_section in by_heading.items() for _ in (restart, *of_section)]
    copies = without_outputs(cells)
    notebook = nbformat.v4.new_notebook(cells=copies)
    try:
        builder.execute(notebook, allow=("NotImplementedError",), timeout=HANG, cache=cache)
    except CellExecutionError as error:
        broken = next(i for i, cell in enumerate(copies) if any(o.output_type == "error" for o in cell.outputs))
        return copies, [f"{headings[broken]}: {error.ename}: {error.evalue}\n{error.traceback[-1500:]}"]
    return copies, []


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_a_notebook_runs_with_stubs_and_its_solved_sections_say_the_same(source: Path, caches: Path):
    read = nbformat.read(NOTEBOOKS / f"{source.stem}.ipynb", as_version=4)
    stubs = [cell for cell in read.cells if cell.cell_type == "code" and cell.source != builder.KERNEL_CHECK]
    by_heading = sections_with_code(builder.solved(source).cells)
    ran, failures = run_sections(by_heading, caches / source.stem, stubs)
    assert not failures, "\n\n".join(failures)
    with_stubs, alone = ran[: len(stubs)], ran[len(stubs) :]
    pictures_have_alt_text(with_stubs)
    pictures_have_alt_text(alone)
    ran_twice = {cell.source for cell in with_stubs if not has_error(cell)} & {cell.source for cell in alone}
    assert len(ran_twice) > len(stubs) / 2  # else little is compared
    wrong = [f"{cell.source[:60]}: a stub is left" for cell in alone if has_error(cell)]
    wrong += failed_checks(alone)
    assert not (found := wrong + new_lines(with_stubs, alone)), "\n\n".join(found)


# The tests notice a breach


def made(source: str, *outputs: str) -> NotebookNode:
    texts = [nbformat.v4.new_output("stream", text=text) for text in outputs]
    return nbformat.v4.new_code_cell(source, outputs=texts)


def test_a_line_that_changes_is_noticed():
    one, two = made("print(x)", "3 patches\n"), made("print(x)", "4 patches\n")
    assert differences([one], [one]) == [] and differences([one], [two]) == ["4 patches"]


def test_a_line_can_come_in_two_parts():
    assert differences([made("a", "PCA 0.9, ", "PatchCore 1.0\n")], [made("a", "PCA 0.9, PatchCore 1.0\n")]) == []


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("0.31 s", "0.30 s"),
        ("2.5 times faster", "0.9 times faster"),
        ("Computing memory for the first time.\n3\n", "3\n"),
        ("copies 11.2 GB/s", "copies 9.1 GB/s"),
        ("22.1 GiB free", "22.0 GiB free"),
        ("choice  milliseconds\na  4.6 (4.6 to 5.1)  1.0\nb  6 (5 to 7)  2", "choice  milliseconds\nb  7 (6 to 8)  2"),
    ],
)
def test_times_sizes_and_kept_results_may_differ(one: str, two: str):
    assert differences([made("a", one)], [made("a", two)]) == []


def test_a_check_that_no_longer_passes_is_noticed():
    passed, failed = "✓ Exercise 09.1 passed  Right.", "✗ Exercise 09.1: wrong value  No."
    assert failed_checks([made("check('09.1', f)", passed), made("x", failed)]) == []
    assert failed_checks([made("check('09.1', f)", failed)]) == [failed]


def test_a_section_begins_with_its_cell_that_starts_it():
    def code(source: str, *tags: str) -> NotebookNode:
        return nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)})

    text = nbformat.v4.new_markdown_cell
    cells = [
        text("# T"),
        code("0"),
        text("## A"),
        code("1"),
        code("2", "start-here"),
        code("3"),
        text("## B"),
        code("4"),
    ]
    found = {heading: [cell.source for cell in code] for heading, code in sections_with_code(cells).items()}
    assert found == {"": ["0"], "A": ["2", "3"], "B": ["4"]}


@pytest.mark.slow
def test_a_section_that_needs_an_earlier_one_is_noticed(tmp_path: Path):
    first = "import math\ndef round_up(x):\n    return math.ceil(x)"
    needs = {name: [made(first)] for name in ("A", "B")}
    assert run_sections(needs, tmp_path)[1] == []
    _, (failure,) = run_sections({**needs, "C": [made("round_up(2.5)")], "D": [made("1")]}, tmp_path)
    assert failure.startswith("C: NameError")
    kept = "from aitex_utils.lessons.engine.yours import keep_passed, yours\nkeep_passed('00.1', abs)"
    asks = "from aitex_utils.lessons.engine.yours import yours\nassert yours('00.1', round) is round"
    assert run_sections({"A": [made(kept)], "B": [made(asks)]}, tmp_path)[1] == []
    stub = "def f():\n    raise NotImplementedError\nf()"
    (before, *_), failures = run_sections({"A": [made("1")]}, tmp_path, [made(stub)])
    assert failures == [] and has_error(before)


def test_lines_of_a_section_are_compared_with_its_cells_in_the_whole_notebook():
    whole = [made("a", "1\n"), made("b", "2\n"), made("c", "3\n"), made("d")]
    whole[3].outputs = [nbformat.v4.new_output("error", ename="NotImplementedError", evalue="", traceback=[])]
    sections_ran = [made("restart"), made("b", "2\n"), made("c", "4\n"), made("d", "5\n")]
    assert new_lines(whole, sections_ran) == ["4"]  # a stub says nothing of what its solution prints
