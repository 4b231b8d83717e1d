"""`python course.py bench demo [--data DIR]`: the demo on each fabric in turn, in a process each, into a results file.

The file is `demo_aitex.json` or `demo_practice.json`. It does not name the folder of the strips. Then the tables of the
pages are made anew.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pages import write_pages
from results_files import write_results

from aitex_utils.commands.launching import run_command
from aitex_utils.errors import InputError
from aitex_utils.strips import PRACTICE, find_aitex, list_strips


def missed_tiles(folder: Path, *, at_most: int = 4, min_share: float = 0.05) -> list[dict[str, Any]]:
    """Return the defective tiles that most clean tiles of normal strips outscore, from a demo's `scores.csv`.

    Parameters
    ----------
    folder : Path
        Folder that the demo wrote.
    at_most : int
        Largest number of tiles.
    min_share : float
        A tile is missed if more than this share of the clean tiles scores at least as high.

    Returns
    -------
    list of dict
        Strip, defect and column of each tile, and the share of clean tiles above it, the largest first.
    """
    with (folder / "scores.csv").open(encoding="utf-8", newline="") as file:
        tiles = [row for row in csv.DictReader(file) if row["level"] == "tile" and row["defective"]]
    clean_scores = np.array([float(row["score"]) for row in tiles if row["code"] == "000"])
    missed = []
    for row in tiles:
        share = float((clean_scores >= float(row["score"])).mean())
        if row["defective"] == "1" and share > min_share:
            place = {"strip": row["strip"], "defect": row["defect"], "column": int(row["column"])}
            missed.append({**place, "normals_above": round(share, 3)})
    return sorted(missed, key=lambda tile: -tile["normals_above"])[:at_most]


def run_demo_process(root: Path, fabric: str) -> dict[str, Any] | None:
    """Run the demo on one fabric, in a process of its own so that its peak memory is its own.

    Parameters
    ----------
    root : Path
        Folder of the strips.
    fabric : str
        Two digits.

    Returns
    -------
    dict or None
        Measures, with the tiles that it missed; None if the demo failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "aitex_utils.commands.demo", "--data", str(root)]
        if subprocess.run([*command, "--fabric", fabric, "--out", folder]).returncode:
            return None
        measures = json.loads(Path(folder, "figures.json").read_text(encoding="utf-8"))
        measures.pop("files", None)  # their sizes say nothing about the detector
        return {**measures, "missed": missed_tiles(Path(folder))}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark from the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Arguments of the command line. None takes the arguments of the process.

    Returns
    -------
    int
        Exit status.
    """
    parser = argparse.ArgumentParser(prog="course.py bench demo", description="The demo on each fabric in turn.")
    parser.add_argument(
        "--data", metavar="DIR", help="folder with strips (default: AITEX_ROOT, data/aitex, or the practice fabric)"
    )
    options = parser.parse_args(arguments)
    try:
        root = find_aitex(options.data)
        results = {}
        for fabric in sorted({strip.fabric for strip in list_strips(root) if strip.is_normal}):
            measures = run_demo_process(root, fabric)
            if measures is None:
                return 1
            results[fabric] = measures
        is_practice = root.resolve() == PRACTICE.resolve()
        write_results("demo_practice" if is_practice else "demo_aitex", results)
        write_pages()
    except InputError as error:
        print(f"bench demo: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
