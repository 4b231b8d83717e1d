"""Tables of the benchmark `paths`."""

from __future__ import annotations

from results_files import read_results
from tables_format import markdown_table


def paths_table() -> str:
    """Make the table of how long the notebooks of each plan compute.

    Returns
    -------
    str
    """
    rows = []
    for name, found in read_results("paths")["paths"].items():
        longest = max(found["sections"], key=lambda section: section["slowest"])
        where = f"{longest['notebook'][:2]}, {longest['section']}"
        rows.append([name, f"{found['seconds'] / 60:.1f} minutes", f"{longest['slowest']:.0f} s", where])
    return markdown_table(["plan", "computing in all", "longest cell", "in section"], rows)


TABLES = {"paths": paths_table}
