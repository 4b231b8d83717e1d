"""`python course.py bench suite [quick] [full]`: how long the fast tests and all tests take.

Written to `results/tests.json`, from which `course.py test` says beforehand how long it takes. A part that is not named
keeps its minutes. Use a quiet machine.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence

from results_files import read_results_if_any, write_results

from aitex_utils.commands.launching import run_command
from aitex_utils.strips import PROJECT

PARTS = {"quick": ("--quick",), "full": ()}  # and their options of `course.py test`


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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tests and write the minutes.

    Parameters
    ----------
    arguments : sequence of str, optional
        Arguments of the command line. None takes the arguments of the process.

    Returns
    -------
    int
        Exit status: 0, or 1 if a test failed, so nothing was written.
    """
    parser = argparse.ArgumentParser(prog="course.py bench suite", description="How long the tests take.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)} (all)")
    parts = parser.parse_args(arguments).parts or list(PARTS)
    if unknown := [part for part in parts if part not in PARTS]:
        parser.error(f"There is no part {unknown[0]!r}: choose from {', '.join(PARTS)}.")
    minutes = read_results_if_any("tests")
    try:
        for part in parts:
            minutes |= {f"{part}_minutes": minutes_of(*PARTS[part]), "cores": os.cpu_count()}
    except subprocess.CalledProcessError:
        print("suite: a test failed, so nothing was written.", file=sys.stderr)
        return 1
    write_results("tests", minutes)
    print(minutes)
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
