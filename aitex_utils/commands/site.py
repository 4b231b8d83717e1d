"""`python course.py site`: build the course as static pages that open from the disk."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from aitex_utils.commands.launching import run_command
from aitex_utils.errors import InputError
from aitex_utils.teaching.site.build import OUT, build_site


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
    >>> main(["--out", "no/such/folder", "--katex", "no/such.tgz"])
    1
    """
    parser = argparse.ArgumentParser(
        prog="course.py site", description="Build the course as static pages, from the solved notebooks and the texts."
    )
    parser.add_argument("--out", type=Path, default=OUT, metavar="FOLDER", help="where to write (site)")
    parser.add_argument("--katex", type=Path, metavar="FILE", help="KaTeX's archive, if it cannot be fetched here")
    options = parser.parse_args(arguments)
    try:
        built = build_site(options.out, katex=options.katex)
    except InputError as error:
        print(f"site: {error}", file=sys.stderr)
        return 1
    print(f"Built {built.pages} pages, {built.size / 1e6:.0f} MB, in {built.seconds:.0f} s.")
    print(f"Open {Path(options.out, 'index.html')} in a browser.")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
