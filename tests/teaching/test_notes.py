"""The teacher's notes, questions and cards: complete, up to date, and with references that lead somewhere."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import nbformat
import notes as teacher_notes
import pytest
import timing
from project_root import ROOT

from aitex_utils.errors import InputError
from aitex_utils.lessons.engine.catalogue import entries
from aitex_utils.teaching.notes import fill_table, remarks, reveals, stated_seconds, stated_times

TEACHING, NOTEBOOKS = ROOT / "teaching", ROOT / "notebooks"
NAMES = sorted(path.stem for path in NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
HEADINGS = [
    *("The story", "Plan", "Results of the reveals", "Slow cells"),
    *("Effects that the practice fabric does not show", "Exercises"),
]
EXERCISE = re.compile(r"^### (.+)\n\n\*(?:Easy|Medium|Hard), \d+ minutes\.\*", re.MULTILINE)
SHORT = re.compile(r"For (45|90) minutes, teach sections ((?:\d+, )+\d+ and \d+)(?:, without exercise (\d\d\.\d+))?\.")
LENGTH = re.compile(r"^### Exercise (\d\d\.\d+): .+\n\n\*(?:Easy|Medium|Hard), (\d+) minutes\.\*", re.MULTILINE)
NUMBERED = re.compile(r"Exercise (\d\d\.\d+):")
MISTAKE = re.compile(r"^- \*(.+?)\*: ([^\n]+(?:\n  [^\n]+)*)", re.MULTILINE)
QUESTION = re.compile(r"^(\d)\. \*\*(.+?\?)\*\*\n((?:   .+\n)+)", re.MULTILINE)
BASIS = re.compile(r"\*Sections?\s+(\d+(?:(?:,|\s+and)\s+\d+)*)\.\*$")
CARD = re.compile(
    r"^## (\d+)\. .+\n\n- \*\*Question\*\*: (?:.+\n  )*.+\?\n"
    r"- \*\*Cell\*\*: \[notebook (\d\d)\]\(\.\./notebooks/(\w+)\.ipynb\),\s+\*(.+?)\*,\s+`(.+)`\.\n"
    r"- \*\*Refutation\*\*: .+",
    re.MULTILINE,
)


@cache
def cells(name: str, folder: str = "") -> list:
    return nbformat.read(NOTEBOOKS / folder / f"{name}.ipynb", as_version=4).cells


@cache
def note(name: str) -> str:
    return (TEACHING / "notes" / f"{name[:2]}.md").read_text(encoding="utf-8")


def part(text: str, heading: str) -> str:
    """Return a page's text below a heading of level 2."""
    return re.split(r"^## ", text.split(f"\n## {heading}\n")[1], flags=re.MULTILINE)[0]


def title(name: str) -> str:
    return re.match(r"# (.+)", cells(name)[0].source)[1]


def sections_with_code(name: str) -> dict[str, list[str]]:
    """Return the lines of code of each section of a learner's notebook."""
    found: dict[str, list[str]] = {"": []}
    for cell in cells(name):
        if cell.cell_type == "markdown":
            found |= {heading: [] for heading in timing.headings(cell.source)}
        else:
            found[list(found)[-1]] += [line.strip() for line in cell.source.splitlines()]
    return found


def test_there_is_a_note_for_each_notebook():
    assert len(NAMES) == 13
    assert sorted(path.stem for path in (TEACHING / "notes").glob("[0-9]*.md")) == [name[:2] for name in NAMES]
    index = (TEACHING / "notes" / "README.md").read_text(encoding="utf-8")
    for name in NAMES:
        assert f"| [{title(name)}](../../notebooks/{name}.ipynb) | [{name[:2]}]({name[:2]}.md) |" in index


@pytest.mark.parametrize("name", NAMES)
def test_the_notes_have_the_same_headings(name: str):
    assert note(name).startswith(f"# {title(name)}\n")
    assert re.findall(r"^## (.+)", note(name), re.MULTILINE) == HEADINGS
    assert len(re.findall(r"^\d\. ", part(note(name), "The story"), re.MULTILINE)) == 5
    assert len(re.findall(r"^- \*\*", part(note(name), HEADINGS[4]), re.MULTILINE)) >= 3


@pytest.mark.parametrize("name", NAMES)
def test_the_tables_agree_with_the_notebooks(name: str):
    assert teacher_notes.with_tables(note(name), name) == note(name), "run `python course.py build`"


def test_a_table_that_is_not_up_to_date_is_noticed():
    shown = "| 00.a | 6. Tile scores, AUROC and a threshold | "
    stale = re.sub(re.escape(shown) + "[^|]+", shown + "1 % ", note("00_start_here"))
    assert stale != note("00_start_here")
    assert teacher_notes.with_tables(stale, "00_start_here") == note("00_start_here")


@pytest.mark.parametrize("name", NAMES)
def test_each_section_and_each_reveal_has_a_remark(name: str):
    plan, shown = remarks(note(name), "plan"), remarks(note(name), "reveals")
    for section in timing.sections(cells(name)):
        assert re.match(r"(Keep|Shorten|Skip)\. \w", plan[section.heading or teacher_notes.OPENING]), section.heading
    assert list(shown) == [reveal.name for reveal in reveals(cells(name, "solved"))]
    assert all(len(remark.split()) >= 5 for remark in shown.values())


@pytest.mark.parametrize("name", NAMES)
def test_the_sections_of_a_short_class_fit(name: str):
    """The row of all sections names the sections for 45 or 90 minutes. With the opening, they take no longer."""
    found = SHORT.fullmatch(remarks(note(name), "plan")[teacher_notes.ALL])
    limit, named, without = int(found[1]), re.findall(r"\d+", found[2]), found[3]
    minutes = {section.heading.split(".")[0]: section.in_class for section in timing.sections(cells(name))}
    markdown = "\n\n".join(cell.source for cell in cells(name) if cell.cell_type == "markdown")
    lengths = {number: int(length) for number, length in LENGTH.findall(markdown)}
    total = 4 + sum(minutes[number] for number in ["", *named]) - (1.5 * lengths[without] if without else 0)
    assert 0.75 * limit <= total <= limit, total


def skipped(name: str, page: str) -> set[str]:
    """Return the sections of a notebook that the page of time lets any class skip."""
    rows = [line.strip("| ").split(" | ") for line in part(page, title(name)).splitlines() if line.endswith("| yes |")]
    return {row[0] for row in rows}


def test_a_section_to_keep_and_a_section_of_a_short_class_are_not_to_skip():
    page = (TEACHING / "timing.md").read_text(encoding="utf-8")
    assert any(skipped(name, page) for name in NAMES)
    for name in NAMES:
        plan = remarks(note(name), "plan")
        found = re.findall(r"\d+", SHORT.fullmatch(plan[teacher_notes.ALL])[2])
        short = {section for section in plan if timing.number_of(section) in found}
        assert len(short) == len(found)
        assert skipped(name, page) & (short | teacher_notes.kept_sections(TEACHING, name)) == set(), name
        assert {section for section in short if plan[section].startswith("Skip.")} == set(), name


def test_the_sections_to_keep_are_those_of_the_note(tmp_path: Path):
    (tmp_path / "notes").mkdir()
    page = "<!-- plan -->\n| a | b |\n|---|---|\n| 1. One | Keep. It. |\n| 2. Two | Keeping it. |\n<!-- end -->\n"
    (tmp_path / "notes" / "09.md").write_text(page, encoding="utf-8")
    assert teacher_notes.kept_sections(tmp_path, "09_test") == {"1. One"}
    assert teacher_notes.kept_sections(tmp_path, "08_test") == set()


@pytest.mark.parametrize("name", NAMES)
def test_each_exercise_is_there_with_three_mistakes(name: str):
    exercises = [
        found for cell in cells(name) if cell.cell_type == "markdown" for found in EXERCISE.findall(cell.source)
    ]
    blocks = re.split(r"^### (.+)\n", part(note(name), "Exercises"), flags=re.MULTILINE)[1:]
    assert blocks[::2] == exercises
    assert set(entries(name[:2], "EXERCISES")) == set(NUMBERED.findall("\n".join(exercises)))
    for heading, block in zip(blocks[::2], blocks[1::2], strict=True):
        mistakes = MISTAKE.findall(block)
        assert len({mistake for mistake, _ in mistakes}) == 3, heading
        assert all(re.search(r'Ask:\s"[^"]+\?"$', " ".join(text.split())) for _, text in mistakes), heading
        if number := NUMBERED.match(heading):
            known = {mistake.name for mistake in entries(name[:2], "EXERCISES")[number[1]].mistakes}
            assert {mistake for mistake, _ in mistakes} <= known, heading


def test_four_questions_per_notebook_have_answers_with_a_basis():
    text = (TEACHING / "discussion.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)", text, re.MULTILINE) == [title(name) for name in NAMES]
    for name in NAMES:
        questions = QUESTION.findall(part(text, title(name)) + "\n")
        assert [number for number, _, _ in questions] == ["1", "2", "3", "4"], name
        sections = {heading.split(".")[0] for heading in sections_with_code(name)}
        for _, question, answer in questions:
            basis = BASIS.search(" ".join(answer.split()))
            assert basis and set(re.findall(r"\d+", basis[1])) <= sections, question
            assert len(answer.split()) >= 25, question


def missing_cells(text: str) -> list[str]:
    """Return the cards whose notebook, section or line of code is not there."""
    bad = []
    for number, short, name, section, line in CARD.findall(text):
        lines = sections_with_code(name).get(section, []) if name in NAMES else []
        if name[:2] != short or not any(code.startswith(line) for code in lines):
            bad.append(number)
    return bad


def test_twenty_cards_lead_to_their_cells():
    text = (TEACHING / "misconceptions.md").read_text(encoding="utf-8")
    assert [int(card[0]) for card in CARD.findall(text)] == list(range(1, 21))
    assert len(re.findall(r"^## ", text, re.MULTILINE)) == 20
    assert missing_cells(text) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("*1. Reconstruction and memory*", "*1. Reconstruction*"),
        ('`errors_of = yours("02.1"`', "`errors_of = mine`"),
        ("02_understanding_patchcore.ipynb", "02_patchcore.ipynb"),
        ("[notebook 02]", "[notebook 03]"),
    ],
)
def test_a_card_that_leads_nowhere_is_noticed(old: str, new: str):
    text = (TEACHING / "misconceptions.md").read_text(encoding="utf-8")
    assert "1" in missing_cells(text.replace(old, new))


TYPED = re.compile(r"\d[\d.,]*\s*%|(?<![\w.\"])\d*\.\d+(?!\*)")


@pytest.mark.parametrize("name", [*(f"notes/{name[:2]}.md" for name in NAMES), "discussion.md", "misconceptions.md"])
def test_results_are_not_typed(name: str):
    """Only the generated columns of tables contain results."""
    text = (TEACHING / name).read_text(encoding="utf-8")
    for table in ("plan", "reveals", "cost"):
        text = re.sub(rf"<!-- {table} -->\n.*?<!-- end -->", "\n".join(remarks(text, table).values()), text, flags=re.S)
    prose = re.sub(r"`[^`]+`|\d\d\.(?:\d+|q\d)\b|a 95 % interval|^#.+", " ", text, flags=re.MULTILINE)
    assert TYPED.findall(prose) == []


def test_a_reveal_without_a_result_is_refused():
    cell = {"cell_type": "code", "source": 'reveal("01.a", 3)', "outputs": [{"text": "Guess 01.b: The result is"}]}
    with pytest.raises(InputError, match=r"guess 01\.a shows no result"):
        reveals([cell])


def test_a_page_without_the_table_is_refused():
    with pytest.raises(InputError, match="no table plan"):
        fill_table("# A page", "plan", ("a", "b"), [])


def test_remarks_stay_with_their_rows_and_leave_with_them():
    page = "Before.\n<!-- plan -->\n<!-- end -->\nAfter."
    page = fill_table(page, "plan", ("a", "b", "c"), [("x", "1"), ("y", "2")])
    page = page.replace("| x | 1 |  |", "| x | 1 | Keep. |").replace("| y | 2 |  |", "| y | 2 | Skip. |")
    page = fill_table(page, "plan", ("a", "b", "c"), [("y", "3"), ("z", "4")])
    assert remarks(page, "plan") == {"y": "Skip.", "z": ""}
    assert "| y | 3 | Skip. |" in page and page.startswith("Before.") and page.endswith("After.")


def test_stated_times_are_sentences_about_a_cell():
    text = (
        "## 2. Fit\n\n*Easy, 5 minutes.* A task takes 6 seconds.\n\n**How many?** This takes about\n10 seconds. Fine.\n"
    )
    folded = "<details>\n\nIt takes about 9 seconds.\n\n</details>"
    opening = {"cell_type": "markdown", "source": "**Time**: it takes about 5 minutes."}
    found = stated_times([opening, {"cell_type": "markdown", "source": text + folded}])
    assert found == [("2. Fit", "This takes about 10 seconds.")]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("This takes about 10\nseconds. Fine.", 10),
        ("Fitting takes up to 30 seconds. Both cells take about a minute.", 90),
        ("This takes about two minutes, or up to 5 minutes without a cache.", 120),
        ("It takes 6 seconds. About 4 seconds later it takes a few seconds, or about 3 hours.", 0),
    ],
)
def test_the_seconds_of_all_stated_times_are_added(text: str, seconds: int):
    assert stated_seconds(text) == seconds
    assert (stated_times([{"cell_type": "markdown", "source": f"## 1. One\n\n{text}"}]) != []) == (seconds > 0)
