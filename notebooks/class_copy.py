"""The notebooks and the course for a class: without solutions, worked answers and answers to the quiz.

A learner's notebook has its solutions and answers in folded `<details>`. A class copy has only the folded boxes that
explain or grade: "In depth" and "Rubric". `course.py build --class` writes the copies, a `solutions.zip`, and a whole
course with these copies. The course lacks all files that show solutions, and all files that work only with them.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection

import nbformat
from nbformat import NotebookNode

from aitex_utils.errors import InputError

BOX = re.compile(r"\n*<details><summary>(.*?)</summary>.*?</details>\n*", re.DOTALL)
KEPT = re.compile(r"In depth\b|Rubric\b")
FOLDED_AWAY = re.compile(r"The\s+solution\s+is\s+folded\s+away\s+below\s+the\s+check\.")
INSTEAD = "This copy has no solutions."
# Folders and files with solutions, or of use only with them. Learners need three of the pages, which have no answers.
TEACHERS = ("notebooks/source/", "notebooks/solved/", "teaching/", "tests/", ".ci/", ".github/")
TEACHERS += ("benchmarks/assignment.py", "benchmarks/paths.py")
PAGES = {"teaching/platforms.md", "teaching/offline.md", "teaching/collecting.md"}
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s#][^)\s]*)\)")
NOTICE = """

> This copy of the course is for a class. It has no solved notebooks, no sources of notebooks, no tests and no plans of
> lessons. The commands that need them say so.

"""


def without_solutions(notebook: NotebookNode) -> NotebookNode:
    """Return a copy of a learner's notebook without the folded boxes that give something away.

    Cells that consist of such a box go. The ids of cells whose text changes are set by the caller.
    """
    copy = nbformat.from_dict(notebook)
    kept = []
    for cell in copy.cells:
        if cell.cell_type == "markdown":
            text = BOX.sub(_box, cell.source).strip("\n")
            cell.source = FOLDED_AWAY.sub(INSTEAD, text)
            if not text:
                continue
        kept.append(cell)
    copy.cells = kept
    return copy


def _box(match: re.Match) -> str:
    """Return a box that stays, or a blank line."""
    return match[0] if KEPT.match(match[1]) else "\n\n"


def is_for_learners(name: str) -> bool:
    """Return whether a course for a class contains a file unchanged. Notebooks are written anew."""
    return name in PAGES or not (name.startswith(TEACHERS) or name.endswith(".ipynb"))


def without_dangling_links(name: str, page: str, kept: Collection[str], left_out: Collection[str]) -> str:
    """Return a page with the words of a link in place of each link to a file that was left out.

    A link to a folder stays if one of the kept files is in the folder.
    """

    def words(match: re.Match) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(name), match[2].split("#")[0]))
        is_kept, is_left_out = (any(f"{n}/".startswith(f"{target}/") for n in names) for names in (kept, left_out))
        return match[1] if is_left_out and not is_kept else match[0]

    return LINK.sub(words, page)


def with_notice(front_page: str) -> str:
    """Return the front page of the course with a notice below its title that says what the copy lacks."""
    title, separator, rest = front_page.partition("\n\n")
    if not separator:
        raise InputError(
            "README.md has no blank line below its title, where the notice about a copy for a class belongs: add one, "
            "and run it again."
        )
    return title + NOTICE + rest
