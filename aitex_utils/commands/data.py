"""`python course.py data`: make the practice fabric, or clear the results that notebooks keep between runs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from aitex_utils.commands.launching import run_command
from aitex_utils.errors import InputError
from aitex_utils.lessons.cache import clear_cache
from aitex_utils.practice.generate import FABRICS, make_practice_fabric, practice_is_there
from aitex_utils.strips import PRACTICE


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
    >>> main(["--folder", "no/such/folder", "--fabrics", "0"])
    1
    """
    parser = argparse.ArgumentParser(prog="course.py data", description="Make the practice fabric.")
    parser.add_argument("--folder", type=Path, default=PRACTICE, help="where to write it (data/practice)")
    parser.add_argument("--seed", type=int, default=0, help="another seed gives other strips (0)")
    parser.add_argument("--fabrics", type=int, default=3, help=f"number of weaves, 1 to {len(FABRICS)} (3)")
    parser.add_argument("--normal", type=int, default=8, help="normal strips of each weave (8)")
    parser.add_argument("--defective", type=int, default=8, help="defective strips of each weave (8)")
    parser.add_argument("--force", action="store_true", help="make it again even if it is there already")
    parser.add_argument("--clear-cache", action="store_true", help="only delete the notebooks' results in data/cache")
    options = parser.parse_args(arguments)
    size = {name: getattr(options, name) for name in ("seed", "fabrics", "normal", "defective")}
    try:
        if options.clear_cache:
            print(f"The cache is cleared: {clear_cache() / 2**20:.1f} MiB are free again.")
            return 0
        if practice_is_there(options.folder, **size) and not options.force:
            print(f"The practice fabric is there already: {options.folder}.")
            return 0
        make_practice_fabric(options.folder, **size, progress=True)
    except InputError as error:
        print(f"data: {error}", file=sys.stderr)
        return 1
    strips = f"{options.normal} normal and {options.defective} defective strips"
    print(f"Made {options.fabrics} practice fabrics with {strips} each in {options.folder}.")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
