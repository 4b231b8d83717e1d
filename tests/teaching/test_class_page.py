"""The page and the table of a class: complete, escaped, without anything from outside, readable without colour."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from html.parser import HTMLParser
from pathlib import Path

import pytest
from browser import axe_script, chromium, outside_requests, violations
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_class import progress_files, write_class

from aitex_utils.lessons.wording import number_text
from aitex_utils.teaching import class_page as class_page_module
from aitex_utils.teaching import class_summary
from aitex_utils.teaching.class_page import STYLE, class_page
from aitex_utils.teaching.class_summary import course_exercises, course_guesses
from aitex_utils.teaching.class_table import COLUMNS, class_csv
from aitex_utils.teaching.csv_cells import FORMULA
from aitex_utils.teaching.learners import Class, gather
from aitex_utils.teaching.progress_files import Attempt, FolderReader, GuessedRange, LeftOut, ProgressFile

NOW = datetime(2026, 3, 2, 10, 30, tzinfo=timezone.utc)
VOID = {"meta", "link", "br", "path"}
ALLOWED = {
    "html",
    "head",
    "title",
    "style",
    "body",
    "a",
    "header",
    "main",
    "nav",
    "section",
    "h1",
    "h2",
    "h3",
    "p",
    "ul",
}
ALLOWED |= {
    "li",
    "b",
    "em",
    "code",
    "small",
    "span",
    "time",
    "div",
    "table",
    "caption",
    "thead",
    "tbody",
    "tfoot",
    "tr",
}
ALLOWED |= {"th", "td", "svg"} | VOID


class Reader(HTMLParser):
    """The elements of a page, with a check that each one is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert tag == "path"
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += "" if self.open[-1:] == ["style"] else data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def check_page(page: str) -> Reader:
    """Check what holds for every page, and return its elements."""
    page.encode("utf-8")
    reader = Reader(page)
    assert reader.open == [] and {name for name, _ in reader.elements} <= ALLOWED
    assert len(reader.all("h1")) == 1
    assert not any(
        key.startswith("on") or key in ("src", "style") for _, attributes in reader.elements for key in attributes
    )
    links = [attributes["href"] for attributes in [*reader.all("a"), *reader.all("link")]]
    anchors = [attributes["id"] for _, attributes in reader.elements if "id" in attributes]
    assert len(set(anchors)) == len(anchors)
    assert all(link[1:] in anchors if link.startswith("#") else link in ("data:,", "./class.csv") for link in links)
    assert page.count("<table>") == page.count("<caption>") == page.count('<div class="table')
    assert all(attributes.get("scope") in ("col", "row") for attributes in reader.all("th"))
    return reader


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Class:
    folder = tmp_path_factory.mktemp("class")
    write_class(folder, progress_files())
    return gather(*FolderReader(folder).read())


def rows(found: Class, now: datetime | None = None) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(class_csv(found, now))))


def test_a_class_of_thirty_is_shown_in_full(simulated: Class):
    reader = check_page(class_page(simulated, "1b", NOW, table="class.csv"))
    assert len(simulated.learners) == 30 and simulated.left_out == ()
    for learner in simulated.learners:
        assert learner.label in reader.words
        for name, guess in learner.content.guesses.items():
            assert name in reader.words and f"{number_text(guess.low)} to {number_text(guess.high)}" in reader.words
    words = " ".join(reader.words.split())
    assert "30 learners." in words and "Stuck learners" in words and "✓ within" in words and "✗ outside" in words


def test_the_grid_and_the_table_agree_with_the_files(simulated: Class):
    page, table = class_page(simulated, "1b", NOW), rows(simulated)
    states = [row["state"] for row in table]
    for state in ("passed", "open", "stuck", "not begun"):
        assert states.count(state) > 3
    for row in table:
        learner = next(one for one in simulated.learners if one.label == row["learner"])
        attempt = learner.content.attempts.get(row["exercise"], Attempt(False, 0, 0))
        assert (row["tries"], row["hints"]) == (str(attempt.tries), str(attempt.hints))
        assert (row["state"] == "passed") is attempt.passed
    exercises = {row["exercise"] for row in table}
    assert len(table) == 30 * len(exercises)
    grids = re.findall(r'<div class="table grid".*?</table>', page, flags=re.DOTALL)
    cells = "".join(grids).count('class="passed"')
    assert (
        cells
        == states.count("passed")
        == sum(attempt.passed for one in simulated.learners for attempt in one.content.attempts.values())
    )


def test_each_state_has_a_sign_and_a_word():
    content = {"00.1": Attempt(True, 2, 1), "00.2": Attempt(False, 4, 0), "01.1": Attempt(False, 1, 0)}
    words = check_page(class_page(gather([ProgressFile("a.json", "Ada", "1.0.0", content)], []), "1b", NOW)).words
    for shown in ("✓ passed2 tries, 1 hint", "▲ stuck4 tries", "○ open1 try", "– not begun"):
        assert shown in words


def test_left_out_files_and_copies_are_named_in_a_sentence():
    attempts = {"00.1": Attempt(True, 1, 0, NOW, NOW), "77.1": Attempt(True, 1, 0)}
    files = [ProgressFile("a.json", "Ada", "", attempts), ProgressFile("b.json", "Ben", "", attempts)]
    found = gather(files, [LeftOut("<x>.json", "is empty: ask the learner for it again.")])
    words = check_page(class_page(found, "1b", NOW)).words
    assert "<x>.json is empty: ask the learner for it again." in words
    assert "Ben and Ada have the same first tries, so one file is a copy of the other." in words
    assert "2 entries of exercises or guesses that this version of the course does not have" in words


def test_a_page_of_a_class_at_work_is_loaded_again_and_its_exercises_stay_open():
    content = {"00.1": Attempt(False, 1, 0, NOW - timedelta(minutes=25), NOW - timedelta(minutes=25))}
    found = gather([ProgressFile("a.json", "Ada", "", content)], [])
    live, later = (class_page(found, "1b", NOW, is_live=is_live) for is_live in (True, False))
    assert '<meta http-equiv="refresh" content="15">' in live and "refresh" not in later
    assert "▲ stuck1 try, 25 min" in check_page(live).words and "○ open1 try" in check_page(later).words
    assert rows(found, NOW)[0]["minutes_open"] == "25" and rows(found, None)[0]["minutes_open"] == "0"


@pytest.mark.parametrize("is_whole", [True, False])
def test_guesses_are_shown_without_the_notebooks_sources_too(monkeypatch: pytest.MonkeyPatch, is_whole: bool):
    if not is_whole:
        for module in (class_page_module, class_summary):
            monkeypatch.setattr(module, "course_guesses", dict)
    content = ProgressFile("a.json", "Ada", guesses={"00.a": GuessedRange(70, 95, 84.0)})
    words = check_page(class_page(gather([content], []), "1b", NOW)).words
    assert "70 to 95" in words and "No guess was made yet" not in words and "1 of 1 ranges" in words
    assert ("Sections and units are missing" in words) != is_whole


def test_an_empty_class_has_a_page():
    assert "0 learners." in check_page(class_page(Class((), (), ()), "1b", NOW, is_live=True)).words


HOSTILE = st.text(max_size=70) | st.sampled_from(
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=y>',
        "</title><h1>",
        "&lt;",
        "=1+1",
        "@a",
        "\u202eabc",
        "\ud800",
        "a\0b",
    ]
)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([1.7e308, -1.7e308, 0.0, 5e-324])
MOMENTS = st.none() | st.datetimes(datetime(2001, 1, 1), datetime(2099, 1, 1)).map(
    lambda time: time.replace(tzinfo=timezone.utc)
)
ATTEMPTS = st.builds(Attempt, st.booleans(), st.integers(0, 9999), st.integers(0, 9999), MOMENTS, MOMENTS, HOSTILE)
GUESSES = st.builds(
    lambda ends, result: GuessedRange(*sorted(ends), result), st.tuples(NUMBERS, NUMBERS), st.none() | NUMBERS
)
NAMES_OF_EXERCISES = st.sampled_from(["00.1", "00.2", "01.1", "<b>"])
CLASSES = st.lists(
    st.builds(
        ProgressFile,
        HOSTILE.map(lambda text: f"{text}.json"),
        HOSTILE.map(lambda text: text[:60]),
        HOSTILE,
        st.dictionaries(NAMES_OF_EXERCISES, ATTEMPTS, max_size=4),
        st.dictionaries(st.sampled_from(["00.a", "01.a", "<b>"]), GUESSES, max_size=3),
    ),
    max_size=4,
)


@settings(max_examples=40)
@given(CLASSES, HOSTILE, st.booleans())
def test_no_file_breaks_the_page_or_the_table(files: list[ProgressFile], title: str, is_live: bool):
    files = [replace(content, file=f"{number}{content.file}") for number, content in enumerate(files)]
    found = gather(files, [LeftOut(title, "is empty: ask for it again.")])
    check_page(class_page(found, title, NOW, is_live=is_live, table="class.csv"))
    text = class_csv(found, NOW if is_live else None)
    text.encode("utf-8")
    table = list(csv.reader(io.StringIO(text, newline="")))
    assert table[0] == list(COLUMNS) and all(len(row) == len(COLUMNS) for row in table)
    assert not any(cell.startswith(FORMULA) for row in table for cell in row)


@pytest.mark.parametrize("ends", [(1e308, 1.7e308), (-1.7e308, -1e308), (1e308, 1e308), (-1.7e308, 1.7e308)])
@pytest.mark.parametrize("result", [None, 1.7e308, 0.0])
def test_a_guess_of_huge_numbers_has_its_row(ends: tuple[float, float], result: float | None):
    content = ProgressFile("a.json", "Ada", guesses={"00.a": GuessedRange(*ends, result)})
    page = class_page(gather([content], []), "1b", NOW)
    assert f"{number_text(ends[0])} to {number_text(ends[1])}" in check_page(page).words
    assert "nan" not in page and "inf" not in re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour, as WCAG 2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def test_the_contrast_is_known():
    assert contrast("#ffffff", "#000000") == pytest.approx(21) and contrast("#777777", "#ffffff") < 4.5


def test_all_colours_have_the_contrast_of_wcag_aa():
    blocks = re.findall(r":root \{(.*?)\}", STYLE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) == 3  # light, dark, paper
    for block in blocks:
        colour = dict(re.findall(r"--(\w+): (#\w{6})", block))
        grounds = [colour[name] for name in ("page", "raised", "passed", "stuck", "open")]
        for text in ("ink", "link"):
            assert min(contrast(colour[text], ground) for ground in grounds[: 5 if text == "ink" else 2]) >= 4.5
        assert min(contrast(colour["muted"], ground) for ground in grounds[:2]) >= 4.5
        assert min(contrast(colour[line], ground) for line in ("hit", "miss") for ground in grounds[:2]) >= 3


def test_the_course_has_what_the_simulated_class_uses(simulated: Class):
    assert {name for one in simulated.learners for name in one.content.attempts} <= set(course_exercises())
    assert {name for one in simulated.learners for name in one.content.guesses} <= set(course_guesses())


@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_axe_finds_nothing_on_the_page_of_a_class(simulated: Class, tmp_path: Path, scheme: str, width: int):
    axe, path = axe_script(), tmp_path / "class.html"
    path.write_text(class_page(simulated, "1b", NOW, table="class.csv"), encoding="utf-8")
    with chromium() as browser:
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page.set_default_timeout(120_000)
        asked = outside_requests(page)
        page.goto(path.as_uri())
        assert violations(page, axe) == [] and asked == []
