"""`python course.py class`: read learners' progress files, and write the page and the table of the class."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from aitex_utils.errors import InputError
from aitex_utils.files.paths import full_path
from aitex_utils.lessons.wording import count
from aitex_utils.strips import PROJECT
from aitex_utils.teaching.class_files import check_output, read_class, table_of, watch_class, write_class
from aitex_utils.teaching.csv_cells import one_line
from aitex_utils.teaching.progress_files import FolderReader, find_files

from .launching import run_command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Arguments of the command line. None takes the arguments of the process.

    Returns
    -------
    int
        0, or 1 after an error.

    Examples
    --------
    >>> main(["no/such/folder"])
    1
    """
    options = _parse(arguments)
    try:
        _run(options)
    except InputError as error:
        print(f"class: {error}", file=sys.stderr)
        return 1
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="course.py class", description="Make a page of a class from its progress files.", allow_abbrev=False
    )
    parser.add_argument(
        "folder",
        nargs="?",
        metavar="FOLDER",
        help="folder of progress files (default with --live: the folder of COURSE_PROGRESS)",
    )
    parser.add_argument("--out", metavar="FILE", help="the page, with a CSV beside it (default: data/class/NAME.html)")
    parser.add_argument("--live", action="store_true", help="go on, and write the page anew when a file changes")
    return parser.parse_args(arguments)


def _run(options: argparse.Namespace) -> None:
    folder = _folder(options)
    title = folder.name or "class"
    page = full_path(PROJECT / "data" / "class" / f"{title}.html" if options.out is None else options.out, "--out")
    check_output(page)
    find_files(folder)  # now, so that a wrong folder is no trouble that passes
    if folder in page.parents:
        print(f"The page lies in {folder}, so all who can read that folder can read it: --out names another place.")
    if options.live:
        print(f"Watching {folder}. Open {page.as_uri()} in a browser. Ctrl-C ends it.", flush=True)
        watch_class(folder, title, page, say=_say)
        return
    found = read_class(FolderReader(folder))
    for out in found.left_out:
        print(one_line(f"{out.file} {out.reason}"), file=sys.stderr)
    if not found.learners:
        raise InputError(f"{folder} contains no progress file that can be read: name the folder with learners' files.")
    write_class(found, title, page)
    print(f"{count(len(found.learners), 'learner')}: open {page.as_uri()} in a browser.")
    print(f"The table is {table_of(page)}.")


def _folder(options: argparse.Namespace) -> Path:
    """Return the folder that was named, or that of COURSE_PROGRESS."""
    if options.folder is not None:
        return full_path(options.folder, "FOLDER")
    named = os.environ.get("COURSE_PROGRESS")
    if not (options.live and named):
        raise InputError("Name the folder with the learners' progress files: python course.py class FOLDER.")
    return full_path(named, "COURSE_PROGRESS").parent


def _say(sentence: str) -> None:
    print(sentence, flush=True)


if __name__ == "__main__":
    sys.exit(run_command(main))
