"""Tables of the benchmark `bundle`."""

from __future__ import annotations

from results_files import read_results
from tables_format import markdown_table

SYSTEMS = {"linux": "Linux", "windows": "Windows", "macos": "macOS"}
BUILDS = {"cpu": "without CUDA", "cuda": "with CUDA"}


def bundle_table() -> str:
    """Make the table of the sizes of memory sticks.

    Returns
    -------
    str
    """
    rows = []
    for name, stick in read_results("bundle")["sticks"].items():
        system, build = name.split(", ")
        total = (stick["wheel_bytes"] + stick["course_bytes"]) / 1e9
        torch = f"{stick['torch'].split('+')[0]} {BUILDS[build]}"
        rows.append([SYSTEMS[system], ", ".join(stick["pythons"]), torch, str(stick["wheels"]), f"{total:.2f} GB"])
    return markdown_table(["system", "Python", "PyTorch", "wheels", "size of the stick"], sorted(rows))


TABLES = {"bundle": bundle_table}
