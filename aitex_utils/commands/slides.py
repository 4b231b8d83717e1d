"""`python course.py slides`: build the slides of the notebooks, and the handout, as HTML and PDF."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from aitex_utils.commands.launching import run_command
from aitex_utils.errors import InputError
from aitex_utils.files.paths import full_path
from aitex_utils.strips import PROJECT
from aitex_utils.teaching.slides.build import HANDOUT, build_decks, deck_names


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
    >>> main(["99"])
    1
    """
    parser = argparse.ArgumentParser(
        prog="course.py slides", description="Build slides of notebooks, and the handout, as HTML and PDF."
    )
    parser.add_argument("names", nargs="*", metavar="NN", help="numbers of notebooks, or handout (default: all)")
    parser.add_argument("--out", type=Path, default=PROJECT / "slides-out", help="folder to write to (slides-out)")
    parser.add_argument("--no-pdf", action="store_true", help="make no PDF")
    options = parser.parse_args(arguments)
    known = deck_names(PROJECT)
    names = [name.zfill(2) if name.isdigit() else name for name in options.names] or known
    try:
        if known == [HANDOUT]:
            raise InputError(
                "This copy of the course has no teaching/slides, from which slides are built: run the command in the "
                "whole course."
            )
        for name in names:
            if name not in known:
                raise InputError(f"There are no slides {name!r}: choose from {', '.join(known)}.")
        build_decks(PROJECT, list(dict.fromkeys(names)), full_path(options.out, "--out"), pdf=not options.no_pdf)
    except InputError as error:
        print(f"slides: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
