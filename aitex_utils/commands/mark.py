"""`python course.py mark ANSWERS KEY`: mark the answers to the graded assignment against the secret masks."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from aitex_utils.commands.launching import run_command
from aitex_utils.errors import InputError
from aitex_utils.teaching.assignment_mark import Mark, check_register, mark_answers, read_key, write_register


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Arguments of the command line. None takes the arguments of the process.

    Returns
    -------
    int
        Exit code, 1 if no answer could be marked.

    Examples
    --------
    >>> main(["no/such/folder", "no/such/key"])
    1
    """
    parser = argparse.ArgumentParser(prog="course.py mark", description="Mark the answers to the graded assignment.")
    parser.add_argument("answers", type=Path, help="folder with a folder or a ZIP file for each learner")
    parser.add_argument("key", type=Path, help="the teacher's folder that `course.py pack` made")
    parser.add_argument("--csv", type=Path, help="file for the register, one line per learner")
    options = parser.parse_args(arguments)
    try:
        if options.csv is not None:
            check_register(options.csv)
        marks = mark_answers(options.answers, read_key(options.key))
        if options.csv is not None:
            write_register(marks, options.csv)
    except InputError as error:
        print(f"mark: {error}", file=sys.stderr)
        return 1
    for mark in marks:
        print(f"{mark.learner}: {mark.refused}" if mark.refused else describe_marks(mark), flush=True)
    return int(all(mark.refused for mark in marks))


def describe_marks(mark: Mark) -> str:
    """Return the marks of a learner in one line.

    Parameters
    ----------
    mark : Mark
        Marks of an answer that was not refused.

    Returns
    -------
    str

    Examples
    --------
    >>> names = ["auroc", "auroc_low", "auroc_high", "ap", "aupro_0.3", "promised_rate", "realised_rate"]
    >>> values = dict.fromkeys([*names, "binomial_low", "binomial_high", "recall"], 0.5)
    >>> values |= {"false_alarms": 1, "clean_tiles": 2, "promise": "kept", "found": 3, "defective_tiles": 6}
    >>> describe_marks(Mark("ann", "", values))[:45]
    'ann: AUROC 0.500 (0.500 to 0.500), AP 0.500, '
    """
    values = mark.values
    rate, low, high = (100 * values[name] for name in ("realised_rate", "binomial_low", "binomial_high"))
    return (
        f"{mark.learner}: AUROC {values['auroc']:.3f} ({values['auroc_low']:.3f} to {values['auroc_high']:.3f}), "
        f"AP {values['ap']:.3f}, AUPRO {values['aupro_0.3']:.3f}, "
        f"false alarms {values['false_alarms']} of {values['clean_tiles']}, {rate:.1f} % ({low:.1f} to {high:.1f} %) "
        f"for {100 * values['promised_rate']:g} % promised: {values['promise']}, "
        f"defective tiles found {values['found']} of {values['defective_tiles']}"
    )


if __name__ == "__main__":
    sys.exit(run_command(main))
