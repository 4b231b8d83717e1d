"""Tables of the teacher's notes that come from an executed notebook: what each reveal showed, and where cells are slow.

A page names such a table with a comment, `<!-- plan -->`, `<!-- reveals -->` or `<!-- cost -->`, and ends it with
`<!-- end -->`. Its last column can belong to the author. A new table keeps these remarks, by the first column.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aitex_utils.errors import InputError

HEADING = re.compile(r"^## +(.+?) *$", re.MULTILINE)
REVEAL = re.compile(r'^\s*reveal\("([^"]+)"', re.MULTILINE)
RESULT = re.compile(r"Guess ([\w.]+): .*?The result is (.+?)\. Your guess was ")
COUNTS = {"a": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5}
TAKES = re.compile(rf"\btakes? (?:about|up to) (\d+|{'|'.join(COUNTS)}) (second|minute)s?\b")
FOLDED = re.compile(r"<details\b.*?</details>", re.DOTALL)
SENTENCE = re.compile(r"(?<=[.:?*])\s+(?=[A-Z*`])")


@dataclass(frozen=True)
class Reveal:
    """A result that a notebook shows after a guess.

    Parameters
    ----------
    name : str
        Name of the guess, "00.a".
    section : str
        Heading of its section, without the number signs.
    result : str
        Result as the executed notebook shows it, with its unit.

    Examples
    --------
    >>> Reveal("00.a", "6. Tile scores", "96 %").result
    '96 %'
    """

    name: str
    section: str
    result: str


def reveals(cells: Sequence[Mapping[str, Any]]) -> list[Reveal]:
    """Return the results that the reveals of an executed notebook show, in their order.

    Parameters
    ----------
    cells : sequence of dict
        Cells of the notebook, as nbformat stores them.

    Returns
    -------
    list of Reveal

    Raises
    ------
    InputError
        If a cell calls `reveal` and its outputs do not show the result.

    Examples
    --------
    >>> shown = {"data": {"text/plain": "✓ Guess 01.a: within your range  The result is 3 px. Your guess was 2 to 4."}}
    >>> cell = {"cell_type": "code", "source": 'reveal("01.a", 3, unit="px")', "outputs": [shown]}
    >>> reveals([{"cell_type": "markdown", "source": "## 1. Where"}, cell])
    [Reveal(name='01.a', section='1. Where', result='3 px')]
    """
    found, section = [], ""
    for cell in cells:
        if cell["cell_type"] == "markdown":
            section = ([section] + HEADING.findall(cell["source"]))[-1]
            continue
        shown = dict(RESULT.findall(_plain_outputs(cell.get("outputs", ()))))
        for name in REVEAL.findall(cell["source"]):
            if name not in shown:
                raise InputError(f"The reveal of guess {name} shows no result. Execute the notebook again.")
            found.append(Reveal(name, section, shown[name]))
    return found


def _plain_outputs(outputs: Sequence[Mapping[str, Any]]) -> str:
    """Return the plain text of the outputs of a cell on one line."""
    texts = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs]
    return " ".join(" ".join("".join(text).split()) for text in texts)


def stated_times(cells: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    r"""Return the sentences of a notebook that state how long a cell takes, each with the heading of its section.

    Parameters
    ----------
    cells : sequence of dict
        Cells of the notebook, as nbformat stores them.

    Returns
    -------
    list of tuple of str
        Heading and sentence. The part before the first heading is left out, because it is about the whole notebook.

    Examples
    --------
    >>> text = "## 1. Maps\n\nFitting takes about 20 seconds. It is cached."
    >>> stated_times([{"cell_type": "markdown", "source": text}])
    [('1. Maps', 'Fitting takes about 20 seconds.')]
    """
    found, section = [], ""
    for cell in cells:
        if cell["cell_type"] != "markdown":
            continue
        for block in re.split(r"\n\s*\n", FOLDED.sub(" ", cell["source"])):
            if heading := HEADING.findall(block):
                section = heading[-1]
                continue
            for sentence in SENTENCE.split(" ".join(block.split())):
                if section and TAKES.search(sentence):
                    found.append((section, sentence.rstrip(":")))
    return found


def stated_seconds(text: str) -> int:
    r"""Return the seconds of computing that the sentences of a text state, all together.

    Parameters
    ----------
    text : str
        Markdown, without its folded parts.

    Returns
    -------
    int
        The first value of each sentence, in "about 3 seconds, or up to a minute with a loop".

    Examples
    --------
    >>> stated_seconds("Fitting takes about\n20 seconds. The cell takes up to two minutes. The rest takes seconds.")
    140
    """
    found = TAKES.findall(" ".join(text.split()))
    return sum((COUNTS.get(number) or int(number)) * (60 if unit == "minute" else 1) for number, unit in found)


def fill_table(text: str, name: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    r"""Return a page in which one table is made anew. The remarks in its last column stay.

    Parameters
    ----------
    text : str
        Text of the page.
    name : str
        Name in the comment before the table.
    columns : sequence of str
        Headings of all columns. If there is one more than a row has cells, the last column is for remarks.
    rows : sequence of sequence of str
        Cells of each row. The first cell identifies the row.

    Returns
    -------
    str

    Raises
    ------
    InputError
        If the page has no such table.

    Examples
    --------
    >>> page = "<!-- plan -->\n| a | b | c |\n|---|---|---|\n| x | 1 | Keep. |\n<!-- end -->"
    >>> print(fill_table(page, "plan", ("a", "b", "c"), [("x", "2"), ("y", "3")]))
    <!-- plan -->
    | a | b | c |
    |---|---|---|
    | x | 2 | Keep. |
    | y | 3 |  |
    <!-- end -->
    """
    place = re.search(rf"(<!-- {name} -->\n)(.*?)(<!-- end -->)", text, re.DOTALL)
    if place is None:
        raise InputError(f"The page has no table {name}. Write <!-- {name} --> and <!-- end --> where it belongs.")
    kept = remarks(text, name)
    lines = [columns, ["---"] * len(columns)]
    lines += [[*row, kept.get(row[0], "")][: len(columns)] for row in rows]
    table = "".join("|---" * len(line) + "|\n" if line[0] == "---" else f"| {' | '.join(line)} |\n" for line in lines)
    return text[: place.start()] + place[1] + table + place[3] + text[place.end() :]


def remarks(text: str, name: str) -> dict[str, str]:
    r"""Return the last column of a table of a page, by its first column.

    Parameters
    ----------
    text : str
        Text of the page.
    name : str
        Name in the comment before the table.

    Returns
    -------
    dict of str
        Empty if the page has no such table.

    Examples
    --------
    >>> remarks("<!-- plan -->\n| a | b |\n|---|---|\n| x | Keep. |\n<!-- end -->", "plan")
    {'x': 'Keep.'}
    """
    place = re.search(rf"<!-- {name} -->\n(.*?)<!-- end -->", text, re.DOTALL)
    lines = place[1].splitlines()[2:] if place else []
    cells = [[part.strip() for part in line.strip().strip("|").split("|")] for line in lines]
    return {row[0]: row[-1] for row in cells}
