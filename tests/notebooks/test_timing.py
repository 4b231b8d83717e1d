"""The model of time: what counts in a notebook, and the placeholders `{{contents}}` and `{{minutes}}` of the build."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import jupytext
import pytest
from markdown_it import MarkdownIt

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
README = (NOTEBOOKS.parent / "README.md").read_text(encoding="utf-8")
sys.path.insert(0, str(NOTEBOOKS))

import build as builder  # noqa: E402
import timing  # noqa: E402

SOURCE = '''# %% [markdown]
# # 09 A title
#
# **Contents**
#
# {{contents}}
#
# **Time**: about {{minutes}} for you.
#
# ## 1. Words in `code`, and (more)
#
# One two three. [Four](https://example.org) and $x + y$.
#
# ```
# ## not a heading
# ```
#
# <details><summary>In depth: nothing</summary>
#
# *Hard, 90 minutes.* Nobody counts this.
#
# </details>

# %%
print("a line")

predict("09.a", 3, 5)

# %% [markdown]
# ### Exercise 09.1: Twice
#
# *Medium, 10 minutes.* Double it.

# %% exercise="09.1"
def twice(x):
    """Return x, two times."""
    many = 2
    return many * x

# %%
check("09.1", twice)

# %% [markdown]
# **Try it.** Change the number.
#
# ## Quiz

# %%
quiz("09.q1", "b")
'''


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "09_test.py"
    file.write_text(SOURCE, encoding="utf-8")
    return file


def test_a_section_contains_what_takes_time(source: Path):
    start, first, quiz = timing.sections(builder.learner(source).cells)
    assert (start.heading, first.heading, quiz.heading) == ("", "1. Words in `code`, and (more)", "Quiz")
    assert (first.exercise_minutes, first.guesses, first.questions, first.tries) == (10, 1, 0, 1)
    assert first.code_lines == 2 + 3 + 1  # the stub, not the solution
    assert (quiz.words, quiz.code_lines, quiz.questions) == (1, 1, 1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("One two, three - four.", 4),
        ("**Bold** and *emphasis*: `code x`", 5),
        ("A [link](https://example.org/a b) and a <br> break, 3 < 4 > 2", 8),
        ("Before <details><summary>In depth</summary>\n\nnot counted\n\n</details> after", 2),
        ("```python\nx = 1\n```\nafter", 1),
        ("- [1. A section](#1.-A-section)\n- [Quiz](#Quiz)\n- [paper](https://example.org)", 1),
        ("It takes {{cost}}.", 2),
        ("# Title\n\n*{{version}}.*\n\n*Version 1.0.0 of the course, 2027-03-04.*\n\n*Version 2* is new.", 5),
        ("", 0),
    ],
)
def test_words_are_those_that_are_read(text: str, words: int):
    assert timing.word_count(text) == words


def test_the_minutes_follow_the_model():
    sections = [timing.Section("a", 300, 60, 10, 2, 1, 1), timing.Section("b", 150)]
    assert timing.fluent(sections) == pytest.approx(10 + 450 / 150 + 60 / 30 + 1.5 * 2 + 1 + 3 + 2)
    assert timing.in_class(sections) == pytest.approx(15 + 450 / 130 + 60 / 20 + 2 * 2 + 1 + 3 + 4)


@pytest.mark.parametrize(
    ("minutes", "expected"), [(0.2, 5), (27.4, 25), (27.5, 30), (58, 60), (62.4, 60), (62.6, 60), (66, 70), (94, 90)]
)
def test_minutes_are_rounded_to_5_and_above_an_hour_to_10(minutes: float, expected: int):
    assert timing.rounded(minutes) == expected


def test_the_build_fills_in_contents_and_minutes(source: Path):
    for notebook in (builder.solved(source), builder.learner(source)):
        text = notebook.cells[0].source
        links = "- [1. Words in `code`, and (more)](#1.-Words-in-code,-and-(more))\n- [Quiz](#Quiz)"
        assert f"**Contents**\n\n{links}\n\n**Time**: about 20 minutes for you." in text


def test_the_links_lead_to_the_headings_as_jupyterlab_names_them(source: Path):
    tokens = [t for t in MarkdownIt("commonmark").parse(builder.solved(source).cells[0].source) if t.type == "inline"]
    links = [part.attrs["href"] for token in tokens for part in token.children if part.type == "link_open"]
    assert links[:2] == ["#1.-Words-in-code,-and-(more)", "#Quiz"]


@pytest.mark.slow
def test_in_the_page_that_nbconvert_makes_each_link_has_its_target(source: Path):
    nbconvert = pytest.importorskip("nbconvert")
    page = nbconvert.HTMLExporter().from_notebook_node(builder.solved(source))[0]
    for anchor in ("1.-Words-in-code,-and-(more)", "Quiz"):
        assert f'href="#{anchor}"' in page and f'id="{anchor}"' in page


def test_the_minutes_do_not_depend_on_where_they_are_asked_for(source: Path):
    """The built learner's notebook, with contents and minutes filled in, takes as long as the build says."""
    minutes = timing.rounded(timing.fluent(timing.sections(builder.learner(source).cells)))
    assert f"about {minutes} minutes" in builder.learner(source).cells[0].source


@pytest.mark.parametrize("heading", ["Größe", "50 % of it", 'A "quote"', "a < b", "$k$ centres"])
def test_a_heading_to_which_jupyterlab_cannot_link_is_refused(source: Path, heading: str):
    source.write_text(SOURCE.replace("## Quiz", f"## {heading}"), encoding="utf-8")
    with pytest.raises(builder.SourceError, match="cannot link to the heading"):
        builder.solved(source)
    source.write_text(source.read_text(encoding="utf-8").replace("{{contents}}", ""), encoding="utf-8")
    assert builder.solved(source)


def test_two_equal_headings_are_refused(source: Path):
    source.write_text(SOURCE + "\n# %% [markdown]\n# ## Quiz\n", encoding="utf-8")
    with pytest.raises(builder.SourceError, match="two sections"):
        builder.solved(source)


def test_a_source_without_placeholders_is_built_as_it_is(source: Path):
    source.write_text("# %% [markdown]\n# # A title\n#\n# ## Größe\n", encoding="utf-8")
    assert builder.solved(source).cells[0].source == "# A title\n\n## Größe"


def test_the_table_names_each_section_and_the_total(source: Path):
    lines = timing.table(timing.sections(builder.learner(source).cells)).splitlines()
    assert len(lines) == 5 and lines[2].startswith("1. Words") and lines[-1].startswith("all")


@pytest.mark.parametrize("source", sorted(builder.SOURCE.glob("[0-9][0-9]_*.py")), ids=lambda p: p.stem)
def test_each_line_with_minutes_is_understood(source: Path):
    """An exercise whose minutes the model misses makes the stated time too short."""
    text = "\n".join(c.source for c in jupytext.read(source, fmt="py:percent").cells if c.cell_type == "markdown")
    if "{{minutes}}" not in text:
        pytest.skip("states its time in words")
    lines = re.findall(r"^\*\w+, .*minutes.*$", timing.FOLDED.sub("", text), re.MULTILINE)
    assert [line for line in lines if not timing.EXERCISE_LINE.match(line)] == []


TAKES = re.compile(r"(?:\b[Ee]ach \w+ )?\btakes?\b[^.]{0,60}?\b(?:seconds|minutes?|hours?)\b")
OTHER_TIMES = {  # of people, of examples, and of work that no cell does
    "04": ["takes seconds"],
    "09": ["takes minutes"],
    "11": ["takes `wall` seconds", "take 6 seconds", "takes 5 + 2 = 7 seconds", "takes one process 8 seconds"],
    "12": ["takes five minutes"],
}


def unread_waits(text: str) -> list[str]:
    """Return the times of cells in a text that the model of time does not read, or reads once for several cells."""
    found = [match[0] for match in TAKES.finditer(" ".join(timing.FOLDED.sub(" ", text).split()))]
    is_read = [timing.stated_seconds(time) and not time.lower().startswith("each ") for time in found]
    return [time for time, read in zip(found, is_read, strict=True) if not read and "a few seconds" not in time]


@pytest.mark.parametrize("source", sorted(builder.SOURCE.glob("[0-9][0-9]_*.py")), ids=lambda p: p.stem)
def test_each_stated_wait_is_understood(source: Path):
    """A wait in other words would leave the row of its section empty, which means a few seconds at most."""
    parts = timing.by_section(jupytext.read(source, fmt="py:percent").cells)
    text = "\n\n".join(cell.source for heading, own in parts if heading for cell in own if cell.cell_type == "markdown")
    assert unread_waits(text) == OTHER_TIMES.get(source.stem[:2], [])


def test_a_wait_that_is_not_understood_is_noticed():
    text = "This takes 40 seconds. It takes about half a\nminute. It takes a few seconds. It takes up to 30 seconds."
    assert unread_waits(text) == ["takes 40 seconds", "takes about half a minute"]
    assert unread_waits("Each cell takes about 30 seconds.") == ["Each cell takes about 30 seconds"]


ROW = re.compile(r"^\| (\d\d) \| \[([^\]]+)\]\(notebooks/(\w+)\.ipynb\) \| [^|]+ \| (\d+) \|$", re.MULTILINE)


def test_the_map_in_the_readme_states_the_minutes_of_each_notebook():
    rows = {stem: (f"{number} {title}", int(minutes)) for number, title, stem, minutes in ROW.findall(README)}
    expected = {}
    for source in sorted(builder.SOURCE.glob("[0-9][0-9]_*.py")):
        cells = builder.learner(source).cells
        title = next(cell.source for cell in cells if cell.cell_type == "markdown").splitlines()[0].removeprefix("# ")
        expected[source.stem] = (title, timing.rounded(timing.fluent(timing.sections(cells))))
    assert rows == expected, "change the map in README.md"
