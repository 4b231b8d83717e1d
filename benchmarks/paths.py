"""`python course.py bench paths [NAME ...]`: how long the notebooks of each plan for a class compute.

The notebooks are run in their order, with stubs in the exercises, as learners run them. Each plan begins with an empty
cache, on the practice fabric. Written to `results/paths.json`, where a plan replaces its earlier row. Use a quiet
machine.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from pages import write_pages
from results_files import read_results_if_any, write_results
from speed import describe_machine

from aitex_utils.commands.launching import run_command
from aitex_utils.strips import PROJECT

sys.path.append(str(PROJECT / "notebooks"))

import build  # noqa: E402
import path  # noqa: E402
import plans  # noqa: E402
import timing  # noqa: E402

SHORTEST = 5.0  # s: a wait that is printed


def cell_seconds(cell: NotebookNode) -> float:
    """Return how long a cell ran, as the kernel reported it.

    Parameters
    ----------
    cell : NotebookNode
        Cell that nbclient executed.

    Returns
    -------
    float
        0 for a cell that did not run.

    Examples
    --------
    >>> times = {"iopub.status.busy": "2026-01-01T10:00:00.500000Z"}
    >>> times["shell.execute_reply"] = "2026-01-01T10:00:02.000000Z"
    >>> cell_seconds(nbformat.from_dict({"metadata": {"execution": times}}))
    1.5
    """
    times = cell.metadata.get("execution", {})
    if not {"iopub.status.busy", "shell.execute_reply"} <= set(times):
        return 0.0
    begin, end = (times[name].replace("Z", "+00:00") for name in ("iopub.status.busy", "shell.execute_reply"))
    return (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds()


def measure_path(name: str) -> dict[str, Any]:
    """Run the notebooks of a plan in their order.

    Parameters
    ----------
    name : str
        Name of a plan in `teaching/paths`.

    Returns
    -------
    dict
        `seconds` of all cells, and `sections`: for each the notebook, the heading, `seconds` and `slowest`, the seconds
        of its slowest cell.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell fails, apart from the stubs of exercises.
    """
    sections = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, name)
        for stem in path.make_path(name, folder):
            notebook = nbformat.read(folder / f"{stem}.ipynb", as_version=4)
            build.execute(notebook, allow=("NotImplementedError",), cache=Path(place, "cache"))
            for heading, cells in timing.by_section(notebook.cells):
                seconds = [cell_seconds(cell) for cell in cells]
                found = {"notebook": stem, "section": heading, "seconds": round(sum(seconds), 1)}
                sections.append({**found, "slowest": round(max(seconds, default=0.0), 1)})
    return {"seconds": round(sum(one["seconds"] for one in sections), 1), "sections": sections}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure plans, write the results, and return the exit code."""
    known = [page.stem for page in plans.plan_pages(build.teaching())]
    parser = argparse.ArgumentParser(prog="course.py bench paths", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)} (all)")
    names = parser.parse_args(arguments).names or known
    results = read_results_if_any("paths")
    for name in names or [""]:  # without plans, `make_path` says what is missing
        try:
            measured = measure_path(name)
        except build.FAILURES as error:
            print(f"bench paths: {error}", file=sys.stderr)
            return 1
        results.setdefault("paths", {})[name] = {**measured, "machine": describe_machine()}
        write_results("paths", results)
        print(f"{name}: {measured['seconds']:.0f} s of computing")
        for one in (one for one in measured["sections"] if one["slowest"] >= SHORTEST):
            print(f"  {one['notebook'][:2]}, {one['section']}: {one['seconds']:.0f} s, one cell {one['slowest']:.0f} s")
    write_pages()
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
