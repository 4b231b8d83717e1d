"""The learner's notebooks for a class: without solutions, worked answers and answers to the quiz.

A learner's notebook has its solutions and answers in folded `<details>`. A class copy has only the folded boxes that
explain or grade: "In depth" and "Rubric". `course.py build --class` writes the copies and a `solutions.zip`.
"""

from __future__ import annotations

import re

import nbformat
from nbformat import NotebookNode

BOX = re.compile(r"\n*<details><summary>(.*?)</summary>.*?</details>\n*", re.DOTALL)
KEPT = re.compile(r"In depth\b|Rubric\b")
FOLDED_AWAY = re.compile(r"The\s+solution\s+is\s+folded\s+away\s+below\s+the\s+check\.")
INSTEAD = "This copy has no solutions."


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
