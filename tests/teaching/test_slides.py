"""Slides and the handout: their texts, their figures, and the pages as a browser lays them out."""

from __future__ import annotations

import html.parser
import http.server
import importlib.util
import json
import re
import shutil
import struct
import subprocess
import sys
import threading
import zlib
from base64 import b64encode
from functools import cache
from pathlib import Path

import build as notebook_build
import pytest
from browser import axe_script, chromium, violations
from house_style import breaches
from house_style import check as house_style
from named_in_pages import unknown_sections
from project_root import ROOT
from prose import page
from sentences import of_markdown

from aitex_utils.commands import slides as command
from aitex_utils.errors import InputError, MissingError
from aitex_utils.teaching.numbers import MARKER, fill_numbers
from aitex_utils.teaching.slides.browser import command_line, find_browser, print_pdf
from aitex_utils.teaching.slides.build import HANDOUT, NO_BROWSER, build_decks, deck_names, figure_finder, read_deck
from aitex_utils.teaching.slides.decks import split_slides
from aitex_utils.teaching.slides.figures import Figure, notebook_figures
from aitex_utils.teaching.slides.formulas import to_mathml
from aitex_utils.teaching.slides.markup import render, render_notes
from aitex_utils.teaching.slides.pages import deck_page, handout_page, index_page

NAMES = deck_names(ROOT)
DECKS = [name for name in NAMES if name != HANDOUT]
BROWSER = find_browser()
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium, Chrome or Edge is installed here")
QUESTION = re.compile(r"^> \*\*Ask first\.\*\* .+\?", re.MULTILINE)


def text_of(name: str) -> str:
    folder = ROOT / "teaching"
    return (folder / "handout.md" if name == HANDOUT else folder / "slides" / f"{name}.md").read_text(encoding="utf-8")


def blank(width: int, height: int) -> str:
    """Return an empty picture of this size, as base64."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" * (1 + -(-width // 8))) * height)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return b64encode(png).decode()


@cache
def blank_figure(reference: str) -> Figure:
    """Return the figure of a reference, with an empty picture of its size, so that pages are small."""
    figure = FIND(reference)
    return Figure(blank(*png_size(figure)), figure.alt, figure.width, figure.height)


FIND = figure_finder(ROOT)
ONE = Figure(blank(40, 30), "A tile & its <map>.", 40, 30)


def png_size(figure: Figure) -> tuple[int, int]:
    from base64 import b64decode

    return struct.unpack(">II", b64decode(figure.png[:44])[16:24])


@cache
def checks_of_text():
    """Return the module that checks the pages of the course."""
    spec = importlib.util.spec_from_file_location("checks_of_text", ROOT / "tests" / "project" / "test_text.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_notebook_has_a_deck():
    assert [path.stem[:2] for path in sorted((ROOT / "notebooks" / "source").glob("*.py"))] == DECKS


@pytest.mark.parametrize("name", DECKS)
def test_a_deck_has_10_to_14_slides_with_notes_and_ends_with_a_summary(name: str):
    slides = read_deck(ROOT, name)
    assert 10 <= len(slides) <= 14
    assert slides[0].title == page(notebook_text(name)).headings[0]
    assert [slide.title for slide in slides if not slide.notes] == []
    titles = " ".join(slide.title.lower() for slide in slides)
    assert "honest limits" in titles and slides[-1].title == "Summary and what comes next"
    assert "**Next**:" in slides[-1].body
    assert len({slide.title for slide in slides}) == len(slides)


def notebook_text(name: str) -> str:
    source = next((ROOT / "notebooks" / "source").glob(f"{name}_*.py"))
    return re.search(r"^# (# .+)$", source.read_text(encoding="utf-8"), re.MULTILINE)[1]


@pytest.mark.parametrize("name", DECKS)
def test_a_deck_asks_before_it_shows(name: str):
    slides = read_deck(ROOT, name)
    asking = [bool(QUESTION.search(slide.body)) for slide in slides]
    assert sum(asking) >= 5 and not asking[0] and not asking[-1]
    quotes = sum(len(re.findall(r"^> ", slide.body, re.MULTILINE)) for slide in slides)
    assert quotes == sum(asking), "a blockquote is a question, in one line"


@pytest.mark.parametrize("name", DECKS)
def test_every_figure_of_a_deck_exists_and_is_described(name: str):
    references = re.findall(r"\(figure:([\d/]+)\)", text_of(name))
    assert len(references) >= 6
    for reference in references:
        assert reference.startswith(f"{name}/")
        figure = FIND(reference)
        assert len(figure.alt.split()) >= 3 and min(figure.width, figure.height) > 0


@pytest.mark.parametrize("name", DECKS)
def test_every_section_that_a_deck_names_exists(name: str):
    assert unknown_sections(text_of(name), [name]) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_text_keeps_the_rules_of_the_course(name: str):
    path = ROOT / "teaching" / ("handout.md" if name == HANDOUT else f"slides/{name}.md")
    found = [f"line {breach.line}: {breach.rule}: {breach.words!r}" for breach in house_style(path)]
    checks = checks_of_text()
    notes = "\n\n".join(re.findall(r"<!--(.*?)-->", text_of(name), re.DOTALL))
    found += [f"notes: {rule}: {words!r}" for part in of_markdown(notes) for _, rule, words, _ in breaches(part)]
    for text in (text_of(name), notes):
        found += checks.misspelt(page(text).prose)
        found += checks.typed_numbers(text, [])
    assert found == []


@pytest.mark.parametrize("name", NAMES)
def test_numbers_come_from_results_files_as_in_the_notebooks(name: str):
    for marker in MARKER.finditer(text_of(name)):
        assert fill_numbers(marker[0], ROOT / "benchmarks") == notebook_build.filled(marker[0], name)


def test_a_missing_number_is_refused(tmp_path: Path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "x.json").write_text('{"a": {"b c": 0.25}, "list": [1, 2]}')
    assert fill_numbers('{{results/x.json: a."b c": .0%}} of {{ results/x.json: list.1 }}', tmp_path) == "25 % of 2"
    for marker in ("{{results/x.json: a.no}}", "{{results/none.json: a}}", "{{results/x.json: a: .1f}}"):
        with pytest.raises(InputError, match="correct the marker"):
            fill_numbers(marker, tmp_path)


class Loads(html.parser.HTMLParser):
    """Everything of a page that a browser would load, and every tag."""

    def __init__(self, text: str):
        super().__init__()
        self.loads: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attributes:
            assert not name.startswith("on"), f"{name} is a script"
            if name in ("src", "srcset", "poster", "data", "action", "background", "xlink:href"):
                self.loads.append(value or "")
            if name == "href" and tag != "a":
                self.loads.append(value or "")


def page_of(name: str) -> str:
    return (handout_page if name == HANDOUT else deck_page)(read_deck(ROOT, name), blank_figure)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_loads_nothing_and_has_a_policy(name: str):
    text = page_of(name)
    found = Loads(text)
    assert [load for load in found.loads if not load.startswith(("data:image/png;base64,", "data:,"))] == []
    assert "default-src 'none'; img-src data:" in text
    assert re.findall(r"@import|url\(|fetch\(|XMLHttpRequest|WebSocket|sendBeacon", text) == []
    assert not found.tags & {"iframe", "object", "embed", "form", "video", "audio"}
    assert text.count("<img") == text.count(' alt="') == len(re.findall(r"\(figure:", text_of(name)))


HOSTILE = """# Title <script>alert(1)</script>

<img src="http://127.0.0.1:{port}/img" onerror="alert(1)"> <iframe src="http://127.0.0.1:{port}/frame"></iframe>

<svg onload="alert(1)">

<style>@import url(http://127.0.0.1:{port}/style);</style>

[link](javascript:alert(1)) [data](data:text/html,x) <javascript:alert(1)>

`<b>` and "quotes" & more

<!-- <script src="http://127.0.0.1:{port}/notes"></script> -->
"""


def test_hostile_markdown_is_escaped():
    text = deck_page(split_slides(HOSTILE.format(port=1)), blank_figure)
    found = Loads(text)  # which asserts that no attribute is a script
    assert found.loads == ["data:,"]
    assert not found.tags & {"img", "iframe", "svg", "b"}
    assert text.count("<script>") == 1 and text.count("<style>") == 1
    assert "javascript:" not in re.sub(r">[^<]*<", "><", text)
    assert "<title>Title &lt;script&gt;" in text


def test_an_alt_text_is_escaped():
    drawn = render("![A \\<b\\> \\& c](figure:x)", lambda key: ONE).figures[0]
    assert 'alt="A tile &amp; its &lt;map&gt;."' in drawn
    assert "<figcaption>A &lt;b&gt; &amp; c</figcaption>" in drawn
    assert (
        "<figcaption>A tile &amp; its &lt;map&gt;.</figcaption>" in render("![](figure:x)", lambda key: ONE).figures[0]
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("![x](http://example.org/a.png)", "no figure of a notebook"),
        ("![x](/etc/passwd)", "no figure of a notebook"),
        ("Some ![x](figure:00/1/1) words", "own paragraph"),
        ("# ![x](figure:00/1/1)\n\n## ![x](figure:00/1/1)", "own paragraph"),
        ("> ![x](figure:00/1/1)", "own paragraph"),
        ("![x](figure:4)", "no reference to a figure"),
        ("![x](figure:00/../1)", "no reference to a figure"),
        ("![x](figure:77/1/1)", "no solved notebook 77"),
        ("![x](figure:00/1/9)", "has no figure 1/9: choose one of 1/1"),
    ],
)
def test_what_is_no_figure_is_refused(text: str, message: str):
    with pytest.raises(InputError, match=message):
        render(f"Text\n\n{text}", FIND)


def test_notes_have_no_figures():
    with pytest.raises(InputError, match="move it to a slide"):
        render_notes("![](figure:00/1/1)")


@pytest.mark.parametrize(
    "latex",
    [
        r"\nosuch{x}",
        r"\text{<img src=x onerror=alert(1)>}",
        r'\text{<img src="x"/>}',
        r"\text{</mtext></math><script>alert(1)</script>}",
        r"\href{javascript:alert(1)}{x}",
        r"\text{a & b}",
        r"\frac{1",
        r"\left( x",
    ],
)
def test_a_formula_with_markup_or_unknown_commands_is_refused(latex: str):
    with pytest.raises(InputError, match="write it another way|leave it out"):
        to_mathml(latex)


def test_formulas_are_drawn():
    assert to_mathml("a < b") == "<math><mrow><mi>a</mi><mo>&lt;</mo><mi>b</mi></mrow></math>"
    shown = to_mathml(r"r(\mathcal C) = \max_{p \in \mathcal P} \lVert p \rVert, \mathbb R", display=True)
    assert shown.startswith('<math display="block">') and "<munder><mo>max</mo>" in shown
    assert "𝒞" in shown and "𝒫" in shown and "ℝ" in shown and "mathvariant" not in shown
    assert "<munder>" not in to_mathml(r"\max_p d")
    rendered = render("Let $d$ be\n\n$$d^2$$\n\nthe score of $5, not $ 6.", blank_figure).text
    assert rendered.count("<math") == 2 and "$5, not $ 6" in rendered


def test_slides_are_split_at_lines_of_hyphens():
    text = "# One\n\n```\n---\n```\n\n<!-- a -->\n\n---\n## Two\n\n| a |\n|---|\n| b |\n<!--\nb\n\nc\n-->"
    one, two = split_slides(text)
    assert (one.title, one.notes, one.body) == ("One", "a", "# One\n\n```\n---\n```")
    assert (two.title, two.notes) == ("Two", "b\n\nc") and "|---|" in two.body
    with pytest.raises(InputError, match="Slide 2 of 99.md has no heading"):
        split_slides("# One\n\n---\n\nText", "99.md")


def test_what_follows_a_question_is_hidden_at_first():
    after = render("Text\n\n> Why?\n\nBecause.", blank_figure)
    before = render("Because.\n\n> Why?", blank_figure)
    shown = render("![](figure:x)\n\n> Why?\n\n![](figure:x)", lambda key: ONE)
    assert (after.is_asking, before.is_asking, shown.is_asking) == (True, False, True)
    assert ['class="later"' in one for one in shown.figures] == [False, True]


def test_figures_are_beside_or_below_the_text():
    def layout(text: str, *sizes: tuple[int, int]) -> str:
        figures = iter([Figure(ONE.png, "x", *size) for size in sizes])
        return render(text + "\n\n![](figure:x)" * len(sizes), lambda key: next(figures)).layout

    assert layout("Text") == "plain"
    assert layout("Text", (150, 100)) == "beside"
    assert layout("", (150, 100)) == ""
    assert layout("Text", (300, 100)) == ""
    assert layout("Text", (310, 100), (400, 100)) == "stacked"
    assert layout("Text", (290, 100), (400, 100)) == ""
    assert layout("Text", (80, 100), (80, 100)) == "beside"


def test_figures_are_found_by_section_and_number(tmp_path: Path):
    def output(alt: str, style: str = "") -> dict:
        image = f'<figure><img src="data:image/png;base64,{blank(40, 20)}" alt="{alt}"{style}></figure>'
        return {"output_type": "display_data", "data": {"text/html": image}}

    cells = [
        {"cell_type": "code", "source": [], "outputs": [output("before")]},
        {"cell_type": "markdown", "source": ["# T\n", "\n", "## 1. One\n", "\n", "### Exercise 1.2\n"]},
        {"cell_type": "code", "source": [], "outputs": [output("a &amp; b", ' style="max-width:100%;width:20px"')]},
        {"cell_type": "code", "source": [], "outputs": [{"output_type": "stream", "text": "x"}, output("c")]},
        {"cell_type": "markdown", "source": "## 2. Two"},
        {"cell_type": "code", "source": [], "outputs": [output("d") | {"metadata": {}}]},
    ]
    path = tmp_path / "00_x.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    found = notebook_figures(path)
    assert {key: figure.alt for key, figure in found.items()} == {
        "0/1": "before",
        "1/1": "a & b",
        "1/2": "c",
        "2/1": "d",
    }
    assert (found["1/1"].width, found["1/1"].height) == (20, 10)
    for broken in ("{", "[]", "[" * 100_000, '{"cells": [3]}', '{"cells": [{"cell_type": "markdown"}]}'):
        path.write_text(broken)
        with pytest.raises(InputError, match="is no notebook"):
            notebook_figures(path)
    with pytest.raises(MissingError):
        notebook_figures(tmp_path / "none.ipynb")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of one deck and the handout, without notebooks."""
    for name in ("slides/00.md", "handout.md"):
        (tmp_path / "teaching" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "teaching" / name).write_text(
            f"# The {name}\n\nText.\n\n---\n\n## Second\n\nMore.\n", encoding="utf-8"
        )
    return tmp_path


def test_building_without_a_browser_says_so_once(project: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("aitex_utils.teaching.slides.build.find_browser", lambda: None)
    said: list[str] = []
    out = project / "out put"
    written = build_decks(project, ["00", "handout"], out, say=said.append)
    assert (
        [path.name for path in written]
        == ["00.html", "handout.html", "index.html"]
        == sorted(p.name for p in out.iterdir())
    )
    assert said[-1] == NO_BROWSER and len(said) == 3
    assert 'href="00.html"' in (out / "index.html").read_text(encoding="utf-8")
    said.clear()
    build_decks(project, ["00"], out, pdf=False, say=said.append)
    assert len(said) == 1


def test_a_browser_that_fails_is_named(project: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("aitex_utils.teaching.slides.build.find_browser", lambda: Path(sys.executable))
    with pytest.raises(InputError, match="made no PDF of 00.html .exit code.*COURSE_BROWSER"):
        build_decks(project, ["00"], project / "out", say=lambda line: None)


@pytest.mark.parametrize("name", ["00.html", "handout.pdf", "index.html", "00.pdf/", "handout.html"])
def test_a_file_of_another_program_is_not_replaced(project: Path, monkeypatch: pytest.MonkeyPatch, name: str):
    program = [f"#!{sys.executable}", "import pathlib, sys", "pdf = next(a for a in sys.argv if 'to-pdf' in a)"]
    program += ["pathlib.Path(pdf.partition('=')[2]).write_bytes(b'%PDF-1.4 %%EOF')"]
    (project / "browser").write_text("\n".join(program))
    (project / "browser").chmod(0o755)
    monkeypatch.setattr("aitex_utils.teaching.slides.build.find_browser", lambda: project / "browser")
    out = project / "website"
    for _ in range(2):  # its own files are replaced
        build_decks(project, ["00", "handout"], out, say=str)
    path = out / name.rstrip("/")
    path.unlink()
    path.mkdir() if name.endswith("/") else path.write_text("years of work" * 999)
    before = {file.name: file.stat().st_mtime_ns for file in out.iterdir()}
    with pytest.raises(InputError, match=f"{path.name} (was not written by this command|cannot be read).*--out"):
        build_decks(project, ["00", "handout"], out, say=str)
    assert {file.name: file.stat().st_mtime_ns for file in out.iterdir()} == before


def test_a_browser_that_is_missing_is_named(project: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COURSE_BROWSER", "no/such/browser")
    said: list[str] = []
    build_decks(project, ["00"], project / "out", say=said.append)
    assert "COURSE_BROWSER names no/such/browser, which is no program" in said[-1]


def test_the_browser_can_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("COURSE_BROWSER", sys.executable)
    assert find_browser() == Path(sys.executable)
    monkeypatch.setenv("COURSE_BROWSER", str(tmp_path / "none"))
    assert find_browser() is None
    monkeypatch.delenv("COURSE_BROWSER")
    monkeypatch.setattr(shutil, "which", lambda name: sys.executable if name == "msedge" else None)
    assert find_browser() is not None


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    built = []
    monkeypatch.setattr(command, "build_decks", lambda *given, pdf: built.append((*given[1:], pdf)))
    assert command.main(["4", "04", "handout", "--out", str(tmp_path), "--no-pdf"]) == 0
    assert command.main([]) == 0
    assert built == [(["04", "handout"], tmp_path, False), (NAMES, ROOT / "slides-out", True)]
    assert command.main(["4", "x"]) == 1
    assert "There are no slides 'x': choose from 00, 01" in capsys.readouterr().err
    assert "/slides-out/" in (ROOT / ".gitignore").read_text().splitlines()


def test_a_checklist_has_boxes():
    text = handout_page(split_slides("# List\n\n- [ ] One\n- Two [ ] x"), blank_figure)
    assert '<li class="box">One</li>' in text and "<li>Two [ ] x</li>" in text


def test_an_index_lists_pages():
    assert index_page({"a.html": "A < B"}).count("A &lt; B") == 1


# What a browser says of each slide or sheet. Rectangles are compared on the slide's own scale.
MEASURE = """
const report = [];
for (const slide of document.querySelectorAll(".slide, .page")) {
  slide.style.display = slide.matches(".slide") ? "flex" : "block";
  const whole = slide.getBoundingClientRect(), problems = [];
  const inside = (box, one, slack) => one.left >= box.left - slack && one.right <= box.right + slack
    && one.top >= box.top - slack && one.bottom <= box.bottom + slack;
  const scale = slide.matches(".slide") ? whole.width / 1280 : whole.width / slide.offsetWidth;
  const edge = { left: whole.left + 12 * scale, right: whole.right - 12 * scale };
  Object.assign(edge, { top: whole.top, bottom: whole.bottom - 30 * scale });
  for (const one of slide.querySelectorAll(".content, .content *, .columns *, h1, h2")) {
    if (!inside(edge, one.getBoundingClientRect(), 1)) problems.push(`${one.tagName} outside the slide`);
  }
  const text = slide.querySelector(".text"), figures = slide.querySelector(".figures");
  if (text) {
    for (const one of text.querySelectorAll("*")) {
      const box = text.getBoundingClientRect();
      if (!inside(box, one.getBoundingClientRect(), 2)) problems.push(`${one.tagName} outside the text`);
    }
    if (figures) {
      const a = text.getBoundingClientRect(), b = figures.getBoundingClientRect();
      if (a.right > b.left + 1 && a.bottom > b.top + 1) problems.push("text over figures");
    }
  }
  for (const one of slide.querySelectorAll("img")) {
    const box = one.getBoundingClientRect();
    const [width, height] = [box.width / scale, box.height / scale];
    if (width * height < 60000 && slide.matches(".slide")) problems.push(`small figure ${width} x ${height}`);
  }
  if (problems.length) report.push([slide.querySelector("h1, h2").textContent, ...new Set(problems)]);
}
document.body.textContent = JSON.stringify(report);
"""


def in_browser(text: str, script: str, folder: Path) -> list:
    """Return the JSON that a script leaves as the page's only text."""
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    script = f'addEventListener("load", () => {{ {script} }});'
    path = folder / "measured.html"
    path.write_text(text.replace("</body>", f"<script>{script}</script></body>"), encoding="utf-8")
    arguments = ("--window-size=1280,720", "--virtual-time-budget=10000", "--dump-dom", path.as_uri())
    line = command_line(BROWSER, str(folder / "profile"), *arguments)
    done = subprocess.run(line, capture_output=True, timeout=300, check=True)
    return json.loads(html.unescape(re.search(r"<body[^>]*>(.*)</body>", done.stdout.decode(), re.DOTALL)[1]))


@pytest.mark.slow
@needs_browser
def test_no_slide_overflows(tmp_path: Path):
    slides = [slide for name in DECKS for slide in read_deck(ROOT, name)]
    assert in_browser(deck_page(slides, blank_figure), MEASURE, tmp_path) == []


@pytest.mark.slow
@needs_browser
def test_the_handout_stays_on_its_sheets(tmp_path: Path):
    assert in_browser(page_of(HANDOUT), MEASURE, tmp_path) == []


@pytest.mark.slow
@needs_browser
def test_what_overflows_is_noticed(tmp_path: Path):
    long = "\n".join(f"- line {i}" for i in range(40))
    wide = "$$" + " + ".join(f"x_{{{i}}}" for i in range(30)) + "$$\n\n![](figure:x)"
    text = f"# Fine\n\nText.\n\n---\n\n## Long\n\n{long}\n\n---\n\n## Wide\n\n{wide}"
    figure = Figure(blank(900, 700), "x", 900, 700)
    found = in_browser(deck_page(split_slides(text), lambda key: figure), MEASURE, tmp_path)
    assert [line[0] for line in found] == ["Long", "Wide"]


KEYS = """
const press = (key) => dispatchEvent(new KeyboardEvent("keydown", { key, cancelable: true }));
const seen = [], look = () => seen.push([document.querySelector(".slide.shown h1, .slide.shown h2").textContent,
  getComputedStyle(document.querySelector(".slide.shown .text > p")).visibility, document.body.className,
  location.hash]);
look();
for (const key of ["ArrowRight", " ", "ArrowLeft", "End", "Home", "n", "o", "Escape", "x"]) { press(key); look(); }
document.body.textContent = JSON.stringify(seen);
"""


@pytest.mark.slow
@needs_browser
def test_keys_turn_slides_and_show_answers(tmp_path: Path):
    text = "# One\n\nText.\n\n---\n\n## Two\n\n> Why?\n\nBecause.\n\n<!-- Wait. -->"
    seen = in_browser(deck_page(split_slides(text), blank_figure), KEYS, tmp_path)
    assert seen == [
        ["One", "visible", "script", "#1"],
        ["Two", "hidden", "script", "#2"],
        ["Two", "visible", "script", "#2"],
        ["One", "visible", "script", "#1"],
        ["Two", "visible", "script", "#2"],
        ["One", "visible", "script", "#1"],
        ["One", "visible", "script noted", "#1"],
        ["One", "visible", "script noted all", "#1"],
        ["One", "visible", "script noted", "#1"],
        ["One", "visible", "script noted", "#1"],
    ]


def shows_text_and_pictures(pdf: Path) -> bool:
    """Return whether a PDF has letters and pictures: hidden slides make empty pages."""
    content = pdf.read_bytes()
    return b"/Type /Font" in content and b"/Subtype /Image" in content


def sheets(pdf: Path) -> list[tuple[int, int]]:
    """Return the size of each page of a PDF in mm."""
    content = pdf.read_bytes()
    boxes = re.findall(rb"/MediaBox\s*\[\s*([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+)\s*\]", content)
    assert len(boxes) == len(re.findall(rb"/Type\s*/Page\b(?!s)", content))
    return [(round(float(x) / 72 * 25.4), round(float(y) / 72 * 25.4)) for _, _, x, y in boxes]


@pytest.mark.slow
@needs_browser
def test_the_handout_has_two_a4_pages(tmp_path: Path):
    (tmp_path / "handout.html").write_text(page_of(HANDOUT), encoding="utf-8")
    print_pdf(BROWSER, tmp_path / "handout.html", tmp_path / "handout.pdf")
    assert sheets(tmp_path / "handout.pdf") == [(210, 297)] * 2
    assert shows_text_and_pictures(tmp_path / "handout.pdf")
    assert [path.name for path in tmp_path.iterdir()] in (
        ["handout.html", "handout.pdf"],
        ["handout.pdf", "handout.html"],
    )


@pytest.mark.slow
@needs_browser
def test_a_deck_prints_one_slide_on_each_page(tmp_path: Path):
    (tmp_path / "04.html").write_text(page_of("04"), encoding="utf-8")
    print_pdf(BROWSER, tmp_path / "04.html", tmp_path / "04.pdf")
    assert sheets(tmp_path / "04.pdf") == [(339, 190)] * len(read_deck(ROOT, "04"))  # 1280 x 720 px
    assert shows_text_and_pictures(tmp_path / "04.pdf")


@pytest.mark.slow
@needs_browser
def test_no_request_leaves_a_page(tmp_path: Path):
    asked: list[str] = []

    class Listener(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(404)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{server.server_port}"
        text = deck_page(split_slides(HOSTILE.format(port=server.server_port)), blank_figure)
        inside = text.replace("</section>", f'<img src="{address}/slipped"></section>', 1)  # the policy stops even this
        bare = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", inside)
        for page_text, expected in ((text, []), (inside, []), (bare, ["/slipped"])):
            (tmp_path / "page.html").write_text(page_text, encoding="utf-8")
            line = command_line(BROWSER, str(tmp_path / "profile"), "--dump-dom", (tmp_path / "page.html").as_uri())
            line = [argument for argument in line if "resolver" not in argument]  # so only the policy stops it
            subprocess.run(line, capture_output=True, timeout=300, check=True)
            assert asked == expected
    finally:
        server.shutdown()
        server.server_close()


def found_by_axe(text: str, keys: str, folder: Path) -> list[str]:
    """Return the violations of a page as it opens, and after each of these keys."""
    axe, path = axe_script(), folder / "page.html"
    path.write_text(text, encoding="utf-8")
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(120_000)
        page.goto(path.as_uri())
        found = violations(page, axe)
        for key in keys:
            page.keyboard.press(key)
            found += violations(page, axe)
    return found


@pytest.mark.slow
def test_axe_finds_nothing_on_any_slide_and_in_the_handout(tmp_path: Path):
    slides = [slide for name in DECKS for slide in read_deck(ROOT, name)]
    assert found_by_axe(deck_page(slides, blank_figure), "no", tmp_path) == []  # with notes, then all slides at once
    assert found_by_axe(page_of(HANDOUT), "", tmp_path) == []


@pytest.mark.slow
def test_axe_sees_an_answer_that_is_hidden_at_first(tmp_path: Path):
    text = deck_page(split_slides("# One\n\nText.\n\n---\n\n## Two\n\n> Why?\n\nBecause."), blank_figure)
    assert found_by_axe(text.replace("<p>Because", '<p style="color:#ccc">Because'), "", tmp_path) == []
    (found,) = found_by_axe(text.replace("<p>Because", '<p style="color:#ccc">Because'), "o", tmp_path)
    assert found.startswith("color-contrast") and "Because" in found
