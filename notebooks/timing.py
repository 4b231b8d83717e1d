"""The model of time: how many minutes a notebook takes, by section, from its words, code, exercises and questions.

The model stands in for measured minutes. `Section.fluent` is for a reader alone who programs every day, and
`Section.in_class` for a class. Folded parts (`<details>`: "In depth" boxes, answers, solutions) are not counted.

`python notebooks/timing.py 04` prints the table of a notebook. `course.py build` writes the table of all notebooks to
`teaching/timing.md`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from aitex_utils.teaching.notes import stated_seconds

EXERCISE_LINE = re.compile(r"^\*(Easy|Medium|Hard), (\d+) minutes\.\*", re.MULTILINE)  # `*Medium, 10 minutes.*`
TRY_IT = re.compile(r"^\*\*Try it\.\*\*", re.MULTILINE)
GUESS, QUESTION = re.compile(r"^predict\(", re.MULTILINE), re.compile(r"^quiz\(", re.MULTILINE)
FOLDED = re.compile(r"<details\b.*?</details>", re.DOTALL)
UNREAD = re.compile(r"```.*?```|\$\$.*?\$\$|\{\{.*?\}\}|</?[a-zA-Z][^>]*>|(?<=\])\([^)]*\)", re.DOTALL)
CONTENTS = re.compile(r"^- \[.*\]\(#.*\)$", re.MULTILINE)
VERSION = re.compile(r"^\*Version .+ of the course, .+\*$", re.MULTILINE)  # below the title, as `build.py` writes it
FENCED = re.compile(r"^ {0,3}```.*?^ {0,3}```", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^## +(.+?)(?: +#+)? *$", re.MULTILINE)
ELSEWHERE = re.compile(r"notebooks?\s+(\d\d(?:(?:, | and | to )\d\d)*)(?:,\s+sections?\s+[\d, andto]+)?", re.IGNORECASE)
SECTIONS = re.compile(r"(?<![\w-])sections?\s+(\d+)(?:(,| and| to)\s+(\d+))?(?:\s+and\s+(\d+))?", re.IGNORECASE)
TIMING_PAGE = """# Timing

`python course.py build` writes this page from the notebooks, so do not edit it. The minutes are estimates by a model in
`notebooks/timing.py`, and no class has measured them yet. The columns are:

- **words**, **code** (lines), **exercises** (stated minutes), **guesses**, **questions** and **tries**: the parts of a
  section that take time. Folded boxes do not count.
- **wait**: seconds of computing that the text of the section states, including the runs of a *Try it*. They hold for
  the first run on two cores without a GPU. Sections without a value compute for a few seconds at most. If the class
  left out an earlier section, a section that reads its results also computes them.
- **fluent** and **class**: minutes for a reader alone who programs every day, and for a class.
- **refers to**: earlier sections and other notebooks that the text mentions. The code needs none of them: each section
  runs on its own from its cell *Start here again after a restart*. In place of an earlier exercise, it uses the
  function of the course.
- **skip**: any class can skip the section. It is not the first, and it has no exercise, no open task, and no guess or
  question of an objective. No later section refers to it, and the [notes](notes/README.md) do not mark it with *Keep*.
  The teacher then says its main result in one sentence. The notes say which further sections a short class skips.
"""
TOTALS = """## All notebooks

The minutes include 2 minutes to start a notebook alone, and 4 in a class. The seconds of a run from the first cell to
the last were measured on two cores (`benchmarks/results/notebooks.json`).

"""


@dataclass
class Section:
    """The parts of a section that take time, from one `## ` heading to the next. The first section has no heading."""

    heading: str
    words: int = 0
    code_lines: int = 0
    exercise_minutes: int = 0
    guesses: int = 0
    questions: int = 0
    tries: int = 0
    wait: int = 0

    @property
    def fluent(self) -> float:
        """Minutes for a fluent reader."""
        own = self.exercise_minutes + 1.5 * self.guesses + self.questions + 3 * self.tries
        return own + self.words / 150 + self.code_lines / 30

    @property
    def in_class(self) -> float:
        """Minutes in a class."""
        own = 1.5 * self.exercise_minutes + 2 * self.guesses + self.questions + 3 * self.tries
        return own + self.words / 130 + self.code_lines / 20


def fluent(sections: Iterable[Section]) -> float:
    """Return the minutes that a notebook takes a fluent reader, with 2 to start it."""
    return 2 + sum(section.fluent for section in sections)


def in_class(sections: Iterable[Section]) -> float:
    """Return the minutes that a notebook takes in a class, with 4 to start it."""
    return 4 + sum(section.in_class for section in sections)


def rounded(minutes: float) -> int:
    """Round minutes to 5 up to an hour, then to 10."""
    step = 5 if minutes < 62.5 else 10
    return max(5, step * int(minutes / step + 0.5))


def word_count(text: str) -> int:
    """Return how many words of Markdown are read.

    Folded parts, code blocks, formulas, a contents list and the version of the course are left out.
    """
    text = UNREAD.sub(" ", VERSION.sub("", CONTENTS.sub("", FOLDED.sub(" ", text))))
    return sum(any(character.isalnum() for character in word) for word in text.split())


def headings(text: str) -> list[str]:
    """Return the `## ` headings of Markdown."""
    return HEADING.findall(FENCED.sub("", text))


def sections(cells: Sequence[NotebookNode]) -> list[Section]:
    """Return the sections of a learner's notebook, in which exercises are stubs."""
    found = []
    for heading, own in by_section(cells):
        section = Section(heading)
        for cell in own:
            if cell.cell_type == "code":
                section.code_lines += sum(bool(line.strip()) for line in cell.source.splitlines())
                section.guesses += len(GUESS.findall(cell.source))
                section.questions += len(QUESTION.findall(cell.source))
            if cell.cell_type == "markdown":
                text = FOLDED.sub(" ", cell.source)
                section.words += word_count(text)
                section.exercise_minutes += sum(int(minutes) for _, minutes in EXERCISE_LINE.findall(text))
                section.tries += len(TRY_IT.findall(text))
                section.wait += stated_seconds(text) if heading else 0
        found.append(section)
    return found


def by_section(cells: Sequence[NotebookNode]) -> list[tuple[str, list[NotebookNode]]]:
    """Return the heading and the cells of each section. A cell of text is divided before each of its headings."""
    found: list[tuple[str, list[NotebookNode]]] = [("", [])]
    for cell in cells:
        if cell.cell_type != "markdown":
            found[-1][1].append(cell)
            continue
        for text in _split(cell.source):
            part = nbformat.from_dict({**cell, "source": text.strip("\n")})
            if heading := headings(FOLDED.sub(" ", text)):
                found.append((heading[0], []))
            found[-1][1].append(part)
    return found


def _split(text: str) -> list[str]:
    """Split Markdown before each `## ` heading."""
    fenced = [range(*match.span()) for pattern in (FENCED, FOLDED) for match in pattern.finditer(text)]
    starts = [m.start() for m in HEADING.finditer(text) if not any(m.start() in block for block in fenced)]
    ends = [0, *starts, len(text)]
    return [text[begin:end] for begin, end in zip(ends, ends[1:], strict=False) if end > begin]


def table(found: Sequence[Section]) -> str:
    """Return one line per section: words, code lines, exercise minutes, guesses, questions, tries and minutes."""
    lines = [f"{'':40} words  code  exercises  guesses  questions  try it  minutes  in class"]
    for section in found:
        numbers = f"{section.words:5} {section.code_lines:5} {section.exercise_minutes:10} {section.guesses:8}"
        minutes = f"{section.fluent:8.1f} {section.in_class:9.1f}"
        lines.append(f"{section.heading[:40]:40} {numbers} {section.questions:10} {section.tries:7} {minutes}")
    total = sum(section.words for section in found)
    return "\n".join([*lines, f"{'all':40} {total:5} {fluent(found):58.1f} {in_class(found):9.1f}"])


def number_of(heading: str) -> str:
    """Return the number of a section, "" if it has none.

    >>> number_of("12. Open task"), number_of("Summary")
    ('12', '')
    """
    match = re.match(r"(\d+)\. ", heading)
    return match[1] if match else ""


def references(cells: Sequence[NotebookNode]) -> tuple[set[int], set[str]]:
    """Return the sections of the same notebook, and the other notebooks, that the text of a section mentions."""
    text = "\n".join(FOLDED.sub(" ", cell.source) for cell in cells if cell.cell_type == "markdown")
    notebooks = {number for match in ELSEWHERE.finditer(text) for number in _listed(match[1])}
    own = set()
    for first, link, second, third in SECTIONS.findall(ELSEWHERE.sub(" ", text)):
        numbers = [int(number) for number in (first, second, third) if number]
        own |= set(range(numbers[0], numbers[1] + 1)) if link.strip() == "to" else set(numbers)
    return own, notebooks


def _listed(text: str) -> list[str]:
    """Return the numbers in "02, 04 and 06" or "02 to 06"."""
    numbers = re.findall(r"\d\d", text)
    if " to " not in text:
        return numbers
    return [f"{number:02}" for number in range(int(numbers[0]), int(numbers[-1]) + 1)]


def skippable(cells: Sequence[NotebookNode], needed: Iterable[str] = ()) -> set[str]:
    """Return the headings of the sections that any class can skip.

    Objectives or the teacher's notes need the sections in `needed`.
    """
    parts = by_section(cells)[1:]
    first = next((heading for heading, _ in parts if number_of(heading) == "1"), "")
    mentioned = {}
    for heading, own in parts:
        number = number_of(heading)
        mentioned[heading] = {n for n in references(own)[0] if number and n < int(number)}
    referred = {str(number) for numbers in mentioned.values() for number in numbers}
    minutes = {section.heading: section.exercise_minutes for section in sections(cells)}
    return {
        heading
        for heading, own in parts
        if not minutes[heading]
        and heading != first
        and heading not in needed
        and number_of(heading) not in referred
        and not heading.lower().startswith(("recap", "summary", "part "))
    }


def page(notebooks: Mapping[str, NotebookNode], measured: Mapping[str, Mapping], needed: Mapping[str, set[str]]) -> str:
    """Return the page `teaching/timing.md`.

    `notebooks` are learners' notebooks by name, `measured` their costs, and `needed` the sections that no class skips
    because of an objective or of the teacher's notes.
    """
    texts = [TIMING_PAGE]
    totals = []
    for name, notebook in notebooks.items():
        found, skipped = sections(notebook.cells), skippable(notebook.cells, needed.get(name, ()))
        title = notebook.cells[0].source.splitlines()[0].removeprefix("# ")
        cost = measured.get(name, {})
        computer = f"{cost['seconds']:.0f} | {cost['slowest_cell_seconds']:.0f}" if cost else " | "
        totals.append(f"| {title} | {fluent(found):.0f} | {in_class(found):.0f} | {computer} |")
        columns = "words | code | exercises | guesses | questions | tries | wait | fluent | class | refers to | skip"
        lines = [f"## {title}\n", f"| section | {columns} |", "|---" * 12 + "|"]
        for (heading, own), section in zip(by_section(notebook.cells), found, strict=True):
            numbers = [section.words, section.code_lines, section.exercise_minutes, section.guesses]
            numbers += [section.questions, section.tries, section.wait]
            shown = " | ".join(str(number or "") for number in numbers)
            skip = "yes" if heading in skipped else ""
            lines.append(
                f"| {heading or 'Beginning'} | {shown} | {section.fluent:.1f} | {section.in_class:.1f} "
                f"| {_shown(heading, own)} | {skip} |"
            )
        texts.append("\n".join(lines) + "\n")
    head = TOTALS + "| notebook | fluent | class | seconds of computing | slowest cell |\n|---|---|---|---|---|\n"
    texts.insert(1, head + "\n".join(totals) + "\n")
    return "\n".join(texts)


def _shown(heading: str, cells: Sequence[NotebookNode]) -> str:
    """Return the cell "refers to" of a section's row."""
    own, others = references(cells)
    number = number_of(heading)
    earlier = sorted(n for n in own if number and n < int(number))
    texts = [f"section {n}" for n in earlier] + [f"notebook {n}" for n in sorted(others)]
    return ", ".join(texts) if heading else ""


if __name__ == "__main__":
    import build

    for number in sys.argv[1:]:
        for source in sorted(build.SOURCE.glob(f"{Path(number).name[:2]}_*.py")):
            print(f"{source.stem}\n{table(sections(build.learner(source).cells))}")
