"""`python course.py data`: make the practice fabric or the practice photographs, or clear the notebooks' results."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from aitex_utils.commands.launching import run_command
from aitex_utils.errors import InputError
from aitex_utils.lessons.cache import clear_cache
from aitex_utils.practice.generate import FABRICS, make_practice_fabric, practice_is_there
from aitex_utils.practice.photographs import PHOTOGRAPHS, make_photographs, photographs_are_there
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
    parser = argparse.ArgumentParser(
        prog="course.py data", description="Make the practice fabric, or the practice photographs."
    )
    parser.add_argument("--photographs", action="store_true", help="make photographs of a cloth instead of strips")
    parser.add_argument("--folder", type=Path, help="where to write (data/practice or data/photographs)")
    parser.add_argument("--seed", type=int, default=0, help="another seed gives other strips or photographs (0)")
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
        if options.photographs:
            _make_photographs(PHOTOGRAPHS if options.folder is None else options.folder, options.seed, options.force)
        else:
            _make_strips(PRACTICE if options.folder is None else options.folder, size, options.force)
    except InputError as error:
        print(f"data: {error}", file=sys.stderr)
        return 1
    return 0


def _make_strips(folder: Path, size: dict[str, int], force: bool) -> None:
    """Make the practice fabric if it is missing, and say so."""
    if practice_is_there(folder, **size) and not force:
        print(f"The practice fabric is there already: {folder}.")
        return
    make_practice_fabric(folder, **size, progress=True)
    strips = f"{size['normal']} normal and {size['defective']} defective strips"
    print(f"Made {size['fabrics']} practice fabrics with {strips} each in {folder}.")


def _make_photographs(folder: Path, seed: int, force: bool) -> None:
    """Make the practice photographs if they are missing, and say what to do with them."""
    if photographs_are_there(folder, seed=seed) and not force:
        print(f"The practice photographs are there already: {folder}.")
        return
    make_photographs(folder, seed=seed, progress=True)
    print(f"Made the practice photographs in {folder}. Inspect them with `python course.py inspect --good {folder}`.")


if __name__ == "__main__":
    sys.exit(run_command(main))
