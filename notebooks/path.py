"""`python course.py path lab90 [--out FOLDER] [--class]`: make notebooks with only the sections of a path."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent))

import build  # noqa: E402
import class_copy  # noqa: E402
import objectives  # noqa: E402
import plans  # noqa: E402

from aitex_utils.commands.launching import run_command  # noqa: E402
from aitex_utils.errors import InputError  # noqa: E402
from aitex_utils.teaching.copies import write_copies  # noqa: E402


def make_path(name: str, folder: Path, *, for_class: bool = False) -> list[str]:
    """Write the notebooks of a path into a folder, and return their names."""
    known = {path.stem: text for path, text in plans.plan_pages(build.teaching()).items()}
    if not known:
        raise InputError(
            "This copy of the course has no teaching/paths, which names the sections: run it in the whole course, and "
            f"copy the folder data/{name} from there."
        )
    if name not in known:
        raise InputError(f"There is no path {name!r}: choose from {', '.join(known)}.")
    extra = objectives.extras(build.teaching())
    notebooks = plans.path_notebooks(known[name], build.learners(), extra, name)
    if not notebooks:
        raise InputError(f"The plan {name} names no section of a notebook: write steps such as `00, 1. ...` into it.")
    if for_class:
        notebooks = {stem: class_copy.without_solutions(notebook) for stem, notebook in notebooks.items()}
    texts = {stem: build.text(build.with_ids(n.cells, f"{name}/{stem}")) for stem, n in notebooks.items()}
    write_copies(folder, {f"{stem}.ipynb": content.encode() for stem, content in texts.items()})
    return list(texts)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the notebooks of a path, and return the exit code."""
    parser = argparse.ArgumentParser(prog="course.py path", description="Make notebooks with the sections of a path.")
    parser.add_argument("path", metavar="PATH", help="name of a plan in teaching/paths, such as lab90")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where to write (data/ and the name of the path)")
    parser.add_argument("--class", dest="for_class", action="store_true", help="leave out solutions and answers")
    given = parser.parse_args(arguments)
    folder = given.out or build.FOLDER.parent / "data" / Path(given.path).name
    try:
        stems = make_path(given.path, folder, for_class=given.for_class)
    except build.FAILURES as error:
        print(f"path: {error}", file=sys.stderr)
        return 1
    for stem in stems:
        print(f"{stem}.ipynb")
    print(f"The notebooks of the path are in {folder}. The plan is teaching/paths/{given.path}.md.")
    if given.out is None:
        print(f"This command opens the first: python course.py lab data/{given.path}/{stems[0]}.ipynb")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
