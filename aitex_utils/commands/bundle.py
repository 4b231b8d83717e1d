"""`python course.py bundle`: make a folder for a memory stick, from which the course starts without a network."""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import runpy
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from aitex_utils.commands.launching import run_command
from aitex_utils.errors import InputError
from aitex_utils.files.paths import full_path
from aitex_utils.practice.generate import make_practice_fabric, practice_is_there
from aitex_utils.strips import PRACTICE, PROJECT
from aitex_utils.teaching.stick import ARCHIVE, make_stick
from aitex_utils.teaching.wheels import SYSTEMS, Target, this_system

PYTHONS = ("3.10", "3.11", "3.12", "3.13")
LIMIT = 1.5e9  # bytes: a stick of 8 GB then has space for three systems


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
    >>> main(["linux", "--out", __file__])
    1
    """
    here = ".".join(platform.python_version_tuple()[:2])
    parser = argparse.ArgumentParser(
        prog="course.py bundle", description="Make a folder for a memory stick: the course, and packages for it."
    )
    parser.add_argument("systems", nargs="*", metavar="SYSTEM", help=f"{', '.join(SYSTEMS)} (default: this system)")
    parser.add_argument("--out", default=PROJECT / "data" / "stick", help="folder to make or complete (data/stick)")
    parser.add_argument("--python", nargs="+", choices=PYTHONS, default=[here], help=f"versions of Python ({here})")
    parser.add_argument(
        "--torch",
        choices=("cpu", "cuda", "pypi"),
        help="PyTorch without CUDA, with CUDA, or PyPI's (cpu, if it is there)",
    )
    parser.add_argument(
        "--class",
        dest="for_class",
        action="store_true",
        help="a course without solutions, as `course.py build --class` makes it",
    )
    options = parser.parse_args(arguments)
    systems = list(dict.fromkeys(options.systems)) or [this_system()]
    unknown = [system for system in systems if system not in SYSTEMS]
    if unknown:
        parser.error(f"there is no system {unknown[0]!r}: choose from {', '.join(SYSTEMS)}.")
    targets = [Target(system, python) for system in systems for python in dict.fromkeys(options.python)]
    try:
        folder = full_path(options.out, "--out")
        if not practice_is_there(PRACTICE):
            make_practice_fabric(PRACTICE, progress=True)
        choice = options.torch or os.environ.get("COURSE_TORCH", "")
        with class_course() if options.for_class else contextlib.nullcontext(PROJECT) as root:
            content = make_stick(folder, targets, root=root, choice=choice, say=lambda text: print(text, flush=True))
    except InputError as error:
        print(f"bundle: {error}", file=sys.stderr)
        return 1
    for line in describe(content, (folder / ARCHIVE).stat().st_size):
        print(line)
    print(f"Copy the folder {folder} onto the stick. Its README.txt says how to start.")
    return 0


@contextlib.contextmanager
def class_course() -> Iterator[Path]:
    """Build the course without solutions in a temporary folder, as `course.py build --class` does, and delete it later.

    Yields
    ------
    Path
        Folder of the course without solutions.

    Raises
    ------
    InputError
        If the build fails.

    Examples
    --------
    >>> class_course.__name__
    'class_course'
    """
    build = runpy.run_path(str(PROJECT / "notebooks" / "build.py"))  # the builder is no part of the package
    with tempfile.TemporaryDirectory(prefix="course-class-", ignore_cleanup_errors=True) as place:
        folder = Path(place, "copy")
        try:
            build["make_class_copy"](build["all_sources"](), folder)
        except BrokenPipeError:  # nothing reads the output any more
            raise
        except build["FAILURES"] as error:
            raise InputError(f"The course without solutions cannot be built: {error}") from error
        yield folder / "course"


def describe(content: dict[str, Any], course_bytes: int) -> list[str]:
    """Return a line about each system of a stick.

    Parameters
    ----------
    content : dict
        Content of its bundle.json.
    course_bytes : int
        Size of the course without packages.

    Returns
    -------
    list of str

    Examples
    --------
    >>> system = {"bytes": 10**9, "torch": {"3.11": "2.9.0"}, "has_cuda": False, "wheels": {"3.11": ["a", "b"]}}
    >>> describe({"systems": {"windows": system}}, 10**8)
    ['windows: 1.10 GB, 2 wheels, PyTorch 2.9.0 without CUDA.']
    """
    lines = []
    for name, system in content["systems"].items():
        size = system["bytes"] + course_bytes
        count = len({wheel for wheels in system["wheels"].values() for wheel in wheels})
        torch = " and ".join(dict.fromkeys(system["torch"].values()))
        cuda = "with" if system["has_cuda"] else "without"
        line = f"{name}: {size / 1e9:.2f} GB, {count} wheels, PyTorch {torch} {cuda} CUDA."
        if size > LIMIT and system["has_cuda"]:
            line += " PyTorch without CUDA would save most of it: `--torch cpu` takes it from PyTorch's own index."
        lines.append(line)
    return lines


if __name__ == "__main__":
    sys.exit(run_command(main))
