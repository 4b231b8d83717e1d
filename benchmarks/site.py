"""`python course.py bench site`: size of the course's static pages, and the time that building them takes.

Builds the site in a temporary folder, with the formulas kept from an earlier build. Written to `results/site.json`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from results_files import write_results

from aitex_utils.commands.launching import run_command
from aitex_utils.commands.profiling import versions
from aitex_utils.errors import InputError
from aitex_utils.teaching.site.build import build_site
from aitex_utils.teaching.site.formulas import KATEX
from aitex_utils.teaching.site.npm_packages import load_archive


def measure() -> dict[str, Any]:
    """Return the size of the site, and the time of its build.

    Returns
    -------
    dict
        `pages`, `files`, `megabytes`, `largest_page_megabytes`, `seconds`, `cpu_seconds` and `katex`.

    Raises
    ------
    InputError
        If the formulas cannot be had, or a text cannot be read.
    """
    load_archive(KATEX)
    with tempfile.TemporaryDirectory() as folder:
        begin = time.process_time()
        built = build_site(Path(folder, "site"))
        cpu_seconds = time.process_time() - begin
        largest = max(path.stat().st_size for path in Path(folder, "site").glob("*.html"))
    return {
        "pages": built.pages,
        "files": built.files,
        "megabytes": round(built.size / 1e6, 1),
        "largest_page_megabytes": round(largest / 1e6, 2),
        "seconds": round(built.seconds, 1),
        "cpu_seconds": round(cpu_seconds, 1),
        "katex": KATEX.version,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write the results, and return the exit code."""
    argparse.ArgumentParser(prog="course.py bench site", description=__doc__.splitlines()[0]).parse_args(arguments)
    try:
        results = measure()
    except InputError as error:
        print(f"bench site: {error}", file=sys.stderr)
        return 1
    write_results("site", {**results, "versions": versions()})
    print(f"{results['pages']} pages, {results['megabytes']} MB, built in {results['cpu_seconds']} s of computing.")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
