"""`python course.py bench suite`: how long the tests take, all of them and with --quick.

Written to `results/tests.json`, from which `course.py test` says beforehand how long it takes. Use a quiet machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

from aitex_utils.files.atomic_write import atomic_write
from aitex_utils.strips import PROJECT

RESULTS = PROJECT / "benchmarks" / "results" / "tests.json"


def minutes_of(*options: str) -> float:
    """Run the tests with further options; return the minutes that they took."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-m", "pytest", "-q", *options], cwd=PROJECT, check=True)
    return round((time.perf_counter() - begin) / 60, 1)


def main() -> int:
    """Run the tests twice and write the minutes."""
    try:
        quick, full = minutes_of("-m", "not slow"), minutes_of()
    except subprocess.CalledProcessError:
        print("suite: a test failed, so nothing was written.", file=sys.stderr)
        return 1
    minutes = {"full_minutes": full, "quick_minutes": quick, "cores": os.cpu_count()}
    with atomic_write(RESULTS) as path:
        path.write_text(json.dumps(minutes, indent=2) + "\n", encoding="utf-8")
    print(minutes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
