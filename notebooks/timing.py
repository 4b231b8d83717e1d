"""The model of time: how many minutes a notebook takes, by section, from its words, code, exercises and questions.

The model stands in for measured minutes. `Section.fluent` is for a reader alone who programs every day, and
`Section.in_class` for a class. Folded parts (`<details>`: "In depth" boxes, answers, solutions) are not counted.

`python notebooks/timing.py 04` prints the table of a notebook.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

EXERCISE_LINE = re.compile(r"^\*(Easy|Medium|Hard), (\d+) minutes\.\*", re.MULTILINE)  # `*Medium, 10 minutes.*`
TRY_IT = re.compile(r"^\*\*Try it\.\*\*", re.MULTILINE)
GUESS, QUESTION = re.compile(r"^predict\(", re.MULTILINE), re.compile(r"^quiz\(", re.MULTILINE)
FOLDED = re.compile(r"<details\b.*?</details>", re.DOTALL)
UNREAD = re.compile(r"```.*?```|\$\$.*?\$\$|\{\{.*?\}\}|</?[a-zA-Z][^>]*>|(?<=\])\([^)]*\)", re.DOTALL)
CONTENTS = re.compile(r"^- \[.*\]\(#.*\)$", re.MULTILINE)
FENCED = re.compile(r"^ {0,3}```.*?^ {0,3}```", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^## +(.+?)(?: +#+)? *$", re.MULTILINE)


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
    """Return how many words of Markdown are read: without folded parts, code blocks, formulas and a contents list."""
    text = UNREAD.sub(" ", CONTENTS.sub("", FOLDED.sub(" ", text)))
    return sum(any(character.isalnum() for character in word) for word in text.split())


def headings(text: str) -> list[str]:
    """Return the `## ` headings of Markdown."""
    return HEADING.findall(FENCED.sub("", text))


def sections(cells: Sequence[NotebookNode]) -> list[Section]:
    """Return the sections of a learner's notebook, in which exercises are stubs."""
    found = [Section("")]
    for cell in cells:
        if cell.cell_type == "code":
            found[-1].code_lines += sum(bool(line.strip()) for line in cell.source.splitlines())
            found[-1].guesses += len(GUESS.findall(cell.source))
            found[-1].questions += len(QUESTION.findall(cell.source))
        if cell.cell_type == "markdown":
            for part in _split(FOLDED.sub(" ", cell.source)):
                if heading := headings(part):
                    found.append(Section(heading[0]))
                found[-1].words += word_count(part)
                found[-1].exercise_minutes += sum(int(minutes) for _, minutes in EXERCISE_LINE.findall(part))
                found[-1].tries += len(TRY_IT.findall(part))
    return found


def _split(text: str) -> list[str]:
    """Split Markdown before each `## ` heading."""
    fenced = [range(*match.span()) for match in FENCED.finditer(text)]
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


if __name__ == "__main__":
    import build

    for number in sys.argv[1:]:
        for source in sorted(build.SOURCE.glob(f"{Path(number).name[:2]}_*.py")):
            print(f"{source.stem}\n{table(sections(build.learner(source).cells))}")
