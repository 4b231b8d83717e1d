"""A solved notebook runs to its end and once more, and each section runs alone from its cell `start-here` on.

The sections of a notebook share a kernel, because a kernel takes some seconds to start, and forget all before each.
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
COUNTING = re.compile(r"^(?:progress_table|calibration)\(", re.MULTILINE)  # they count what was done before


def code_of(source: Path) -> list[NotebookNode]:
    """Return the cells of code of the solved notebook, without the check of the kernel."""
    cells = [cell for cell in builder.solved(source).cells if cell.cell_type == "code"]
    return [cell for cell in cells if cell.source != builder.KERNEL_CHECK]


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


def run(cells: list[NotebookNode], cache: Path) -> list[NotebookNode]:
    """Run cells in a new kernel; return them with their outputs."""
    copies = without_outputs(cells)
    builder.execute(nbformat.v4.new_notebook(cells=copies), timeout=HANG, cache=cache)
    return copies


def printed(cell: NotebookNode) -> str:
    """Return what a cell prints and shows, as text; progress bars are no text."""
    outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    texts = [output.get("text") or output.get("data", {}).get("text/plain", "") + "\n" for output in outputs]
    return "".join(texts)  # progress on stderr can divide a printed line into two outputs


def lines_without_times(text: str) -> list[str]:
    """Return the lines that state no time: no unit in them, and no spread in a table whose head names a unit."""
    lines, head = [], ""
    for line in text.splitlines():
        head = line if not SPREAD.search(line) else head
        if line.strip() and not TIMES.search(line) and not (SPREAD.search(line) and TABLE_OF_TIMES.search(head)):
            lines.append(line)
    return lines


def differences(first: list[NotebookNode], second: list[NotebookNode]) -> list[str]:
    """Return the lines that the second run prints and the first did not, apart from times and sizes.

    A second run can print less, because the results of long steps are kept.
    """
    new = []
    for one, two in zip(first, second, strict=True):
        if not COUNTING.search(one.source):
            lines = set(printed(one).splitlines())
            new += [line for line in lines_without_times(printed(two)) if line not in lines]
    return new


def failed_checks(cells: list[NotebookNode]) -> list[str]:
    checks = [printed(cell) for cell in cells if cell.source.startswith("check(")]
    return [text for text in checks if not (text.startswith("✓ Exercise") and " passed " in text)]


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_a_solved_notebook_runs_twice_in_one_kernel_and_says_the_same(source: Path, caches: Path):
    cells = code_of(source)
    ran = run([*cells, *cells], caches / source.stem)
    first, second = ran[: len(cells)], ran[len(cells) :]
    pictures_have_alt_text(first)
    assert failed_checks(ran) == []
    assert not (found := differences(first, second)), "\n\n".join(found)


def run_sections(by_heading: dict[str, list[NotebookNode]], cache: Path) -> list[str]:
    """Run each section as after a restart of the kernel; return what goes wrong, by its heading."""
    restart = nbformat.v4.new_code_cell(RESTART)
    cells = [cell for of_section in by_heading.values() for cell in (restart, *of_section)]
    headings = [heading for heading, of_section in by_heading.items() for _ in (restart, *of_section)]
    copies = without_outputs(cells)
    try:
        builder.execute(nbformat.v4.new_notebook(cells=copies), timeout=HANG, cache=cache)
    except CellExecutionError as error:
        broken = next(i for i, cell in enumerate(copies) if any(o.output_type == "error" for o in cell.outputs))
        return [f"{headings[broken]}: {error.ename}: {error.evalue}\n{error.traceback[-1500:]}"]
    by_cell = zip(headings, copies, strict=True)
    return [f"{heading}: {text}" for heading, cell in by_cell for text in failed_checks([cell])]


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_each_section_runs_on_its_own_after_a_restart(source: Path, caches: Path):
    failures = run_sections(sections_with_code(builder.solved(source).cells), caches / source.stem)
    assert not failures, "\n\n".join(failures)


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
    assert run_sections(needs, tmp_path) == []
    (failure,) = run_sections({**needs, "C": [made("round_up(2.5)")], "D": [made("1")]}, tmp_path)
    assert failure.startswith("C: NameError")
    kept = "from aitex_utils.lessons.engine.yours import keep_passed, yours\nkeep_passed('00.1', abs)"
    asks = "from aitex_utils.lessons.engine.yours import yours\nassert yours('00.1', round) is round"
    assert run_sections({"A": [made(kept)], "B": [made(asks)]}, tmp_path) == []
