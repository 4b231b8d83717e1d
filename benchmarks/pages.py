"""Write the tables of the pages from the results files: `python benchmarks/pages.py`. A test compares them.

A page names a table with a comment, `<!-- table: NAME -->`, and ends it with `<!-- end -->`. The text between is
generated.
"""

from __future__ import annotations

import re
from pathlib import Path

import tables_ablation
import tables_accuracy
import tables_assignment
import tables_bundle
import tables_capstone
import tables_crops
import tables_demo
import tables_front
import tables_independent
import tables_inspection
import tables_large_defects
import tables_paths
import tables_practice
import tables_scale
import tables_speed
from results_files import BENCHMARKS

from aitex_utils.files.atomic_write import atomic_write

ASSIGNMENT = BENCHMARKS.parent / "teaching" / "assignment"
CAPSTONE = BENCHMARKS.parent / "notebooks" / "capstone"
PAGES = (
    BENCHMARKS.parent / "README.md",
    BENCHMARKS / "README.md",
    CAPSTONE / "sample_a.md",
    CAPSTONE / "sample_b.md",
    ASSIGNMENT / "sample_strong.md",
    ASSIGNMENT / "sample_weak.md",
    BENCHMARKS.parent / "teaching" / "README.md",
    BENCHMARKS.parent / "teaching" / "offline.md",
)
PLACE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
TABLES = {
    **tables_ablation.TABLES,
    **tables_accuracy.TABLES,
    **tables_assignment.TABLES,
    **tables_bundle.TABLES,
    **tables_capstone.TABLES,
    **tables_demo.TABLES,
    **tables_front.TABLES,
    **tables_independent.TABLES,
    **tables_crops.TABLES,
    **tables_inspection.TABLES,
    **tables_large_defects.TABLES,
    **tables_paths.TABLES,
    **tables_practice.TABLES,
    **tables_scale.TABLES,
    **tables_speed.TABLES,
}


def with_tables(text: str) -> str:
    """Return the text of a page with all its tables made anew.

    Parameters
    ----------
    text : str
        Text of the page.

    Returns
    -------
    str

    Raises
    ------
    FileNotFoundError
        If a results file is missing.

    Examples
    --------
    >>> with_tables("A page without tables.")
    'A page without tables.'
    """
    return PLACE.sub(lambda place: place[1] + TABLES[place[2]]() + place[3], text)


def write_pages() -> None:
    """Make the tables of all pages anew. A page whose results file is missing stays as it is, with a message."""
    for page in PAGES:
        if not page.is_file():
            continue
        try:
            text = with_tables(page.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            name = Path(error.filename).name
            print(f"{page} stays as it is, because the results file {name} is missing.")
            continue
        with atomic_write(page) as path:
            path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write_pages()
