"""`python course.py bench demo [--data DIR]`: the demo on each fabric in turn, a process each, into a results file.

The file is `demo_aitex.json` or `demo_practice.json`; the folder of strips is not named in it. Then the tables of the
pages are written anew.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tables import write_results, write_tables

from aitex_utils.errors import InputError
from aitex_utils.strips import PRACTICE, find_aitex, list_strips


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
                    "aitex_utils.demo",
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
        write_results(name, results)
        write_tables()
    except InputError as error:
        print(f"bench demo: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
