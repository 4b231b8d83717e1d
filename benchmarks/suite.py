"""`python course.py bench suite`: how long the tests take, all of them and with --quick.

Written to `results/tests.json`, from which `course.py test` says beforehand how long it takes. Use a quiet machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

from results_files import write_results

from aitex_utils.commands.launching import run_command
from aitex_utils.strips import PROJECT


def minutes_of(*options: str) -> float:
    """Run the tests with further options of `course.py test`.

    Parameters
    ----------
    *options : str
        Options.

    Returns
    -------
    float
        Minutes that the tests took.

    Raises
    ------
    subprocess.CalledProcessError
        If a test fails.
    """
    begin = time.perf_counter()
    subprocess.run([sys.executable, PROJECT / "course.py", "test", "-q", *options], cwd=PROJECT, check=True)
    return round((time.perf_counter() - begin) / 60, 1)


def main() -> int:
    """Run the tests twice and write the minutes.

    Returns
    -------
    int
        Exit status: 0, or 1 if a test failed, so nothing was written.
    """
    try:
        quick, full = minutes_of("--quick"), minutes_of()
    except subprocess.CalledProcessError:
        print("suite: a test failed, so nothing was written.", file=sys.stderr)
        return 1
    minutes = {"full_minutes": full, "quick_minutes": quick, "cores": os.cpu_count()}
    write_results("tests", minutes)
    print(minutes)
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
