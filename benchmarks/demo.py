"""`python course.py bench demo [--data DIR]`: the demo on each fabric in turn, a process each, into a results file.

The file is `demo_aitex.json` or `demo_practice.json`; the folder of strips is not named in it. Then the tables of the
pages are written anew.
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
from tables import write_results, write_tables

from aitex_utils.errors import InputError
from aitex_utils.strips import PRACTICE, find_aitex, list_strips


def missed(folder: Path, most: int = 4, above: float = 0.05) -> list[dict[str, Any]]:
    """Return the defective tiles that most clean tiles of normal strips outdo, from a demo's `scores.csv`.

    At most `most`, those that more than the share `above` of the clean tiles score higher than.
    """
    with (folder / "scores.csv").open(encoding="utf-8", newline="") as file:
        tiles = [row for row in csv.DictReader(file) if row["level"] == "tile" and row["defective"]]
    clean = np.array([float(row["score"]) for row in tiles if row["code"] == "000"])
    found = []
    for row in tiles:
        share = float((clean >= float(row["score"])).mean())
        if row["defective"] == "1" and share > above:
            place = {"strip": row["strip"], "defect": row["defect"], "column": int(row["column"])}
            found.append({**place, "normals_above": round(share, 3)})
    return sorted(found, key=lambda tile: -tile["normals_above"])[:most]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="course.py bench demo", description=__doc__.split("\n")[0])
    parser.add_argument(
        "--data", metavar="DIR", help="folder with strips; else AITEX_ROOT, data/aitex, the practice fabric"
    )
    given = parser.parse_args(arguments)
    try:
        root = find_aitex(given.data)
        name = "demo_practice" if root.resolve() == PRACTICE.resolve() else "demo_aitex"
        results = {}
        for fabric in sorted({s.fabric for s in list_strips(root) if s.is_normal}):
            with tempfile.TemporaryDirectory() as folder:
                command = [
                    sys.executable,
                    "-m",
                    "aitex_utils.commands.demo",
                    "--data",
                    str(root),
                    "--fabric",
                    fabric,
                    "--out",
                    folder,
                ]
                if subprocess.run(command).returncode:
                    return 1
                results[fabric] = json.loads((Path(folder) / "figures.json").read_text(encoding="utf-8"))
                results[fabric]["missed"] = missed(Path(folder))
        write_results(name, results)
        write_tables()
    except InputError as error:
        print(f"bench demo: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
