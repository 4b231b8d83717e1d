"""`python course.py bench bundle FOLDER ...`: sizes of memory sticks that `course.py bundle` made.

Written to `results/bundle.json`, where a stick replaces an earlier one of the same system and build of PyTorch. Sticks
for different systems can be measured one after the other. `--environment FOLDER` measures the disk space that an
environment takes, such as `.venv`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

from results_files import read_results_if_any, write_results

from aitex_utils.commands.launching import run_command, torch_build
from aitex_utils.errors import InputError
from aitex_utils.teaching.stick import ARCHIVE, read_manifest


def measure_stick(folder: Path) -> dict[str, dict[str, Any]]:
    """Measure what each system of a stick needs of it.

    Parameters
    ----------
    folder : Path
        Folder that `course.py bundle` made.

    Returns
    -------
    dict
        By "system, build", such as "linux, cpu": the version of PyTorch and of Python, the number of wheels, the bytes
        of the wheels and of the course without them.

    Raises
    ------
    InputError
        If the folder contains no finished stick.
    """
    content = read_manifest(folder)
    if not content.get("systems"):
        raise InputError(f"{folder} contains no finished stick: make one with `python course.py bundle`.")
    found = {}
    for name, system in content["systems"].items():
        wheels = {wheel for files in system["wheels"].values() for wheel in files}
        found[f"{name}, {'cuda' if system['has_cuda'] else 'cpu'}"] = {
            "torch": " and ".join(dict.fromkeys(system["torch"].values())),
            "pythons": sorted(system["wheels"]),
            "wheels": len(wheels),
            "wheel_bytes": sum((folder / "wheels" / wheel).stat().st_size for wheel in wheels),
            "course_bytes": (folder / ARCHIVE).stat().st_size,
        }
    return found


def measure_environment(folder: Path) -> dict[str, int]:
    """Measure the disk space of an environment.

    Parameters
    ----------
    folder : Path
        Folder of the environment.

    Returns
    -------
    dict
        Bytes of all files by the build of PyTorch: "cpu" or "cuda".

    Raises
    ------
    InputError
        If there is no PyTorch in it.
    """
    places = [str(path) for path in sorted(folder.rglob("site-packages/torch"))]
    spec = ModuleSpec("torch", None, is_package=True)
    spec.submodule_search_locations = places
    build = torch_build(lambda name: spec)
    if not build:
        raise InputError(f"{folder} contains no PyTorch: name an environment of the course.")
    return {build: sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure sticks and environments, and write the results.

    Parameters
    ----------
    arguments : sequence of str, optional
        Arguments of the command line. None takes the arguments of the process.

    Returns
    -------
    int
        Exit status, 1 after an error.
    """
    parser = argparse.ArgumentParser(prog="course.py bench bundle", description="Measure memory sticks.")
    parser.add_argument("sticks", nargs="*", type=Path, help="folders that `course.py bundle` made")
    parser.add_argument("--environment", nargs="*", type=Path, default=[], help="environments of the course")
    options = parser.parse_args(arguments)
    results = {"sticks": {}, "environments": {}, **read_results_if_any("bundle")}
    try:
        for folder in options.sticks:
            results["sticks"].update(measure_stick(folder))
        for folder in options.environment:
            results["environments"].update(measure_environment(folder))
    except InputError as error:
        print(f"bundle: {error}", file=sys.stderr)
        return 1
    write_results("bundle", results)
    print(results)
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
