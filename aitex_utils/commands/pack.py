"""`python course.py pack --seed SECRET`: make the graded assignment, strips of an unseen fabric and their key."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from aitex_utils.commands.launching import run_command
from aitex_utils.errors import InputError
from aitex_utils.strips import PROJECT
from aitex_utils.teaching.assignment_pack import ASSIGNMENT, LEARNER, TEACHER, make_assignment

TASK = "teaching/assignment/task.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Arguments of the command line. None takes the arguments of the process.

    Returns
    -------
    int
        Exit code, 1 after an error.

    Examples
    --------
    >>> main(["--seed", "short"])
    1
    """
    parser = argparse.ArgumentParser(
        prog="course.py pack", description="Make the graded assignment: a learner's folder, and the teacher's key."
    )
    parser.add_argument("--seed", required=True, metavar="SECRET", help="several words that only the teacher knows")
    parser.add_argument("--out", type=Path, default=ASSIGNMENT, help="new folder (data/assignment)")
    parser.add_argument("--training", type=int, default=12, help="normal strips to learn from (12)")
    parser.add_argument("--normal", type=int, default=12, help="normal test strips (12)")
    parser.add_argument("--defective", type=int, default=12, help="defective test strips (12)")
    options = parser.parse_args(arguments)
    numbers = {name: getattr(options, name) for name in ("training", "normal", "defective")}
    try:
        folder = make_assignment(options.seed, options.out, **numbers, progress=True)
    except InputError as error:
        print(f"pack: {error}", file=sys.stderr)
        return 1
    source = "" if (PROJECT / TASK).is_file() else " from the whole course, because this copy lacks that page"
    print(f"Give {folder / LEARNER} to the learners, with {TASK}{source}.")
    print(f"Keep {folder / TEACHER} to yourself: it contains masks, codes and the secret.")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
