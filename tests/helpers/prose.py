"""What the checks of the text look at: pages, their prose, links, pictures and headings, by a Markdown parser."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

import jupytext
from markdown_it import MarkdownIt
from project_root import ROOT

FORMULA = re.compile(r"(?P<code>(?P<ticks>`+).+?(?P=ticks))|\$\$.+?\$\$|\$[^$\n]+\$", re.DOTALL)
PLACEHOLDER = re.compile(r"\{\{.*?\}\}|<!-- table:.*?<!-- end -->|<!--.*?-->", re.DOTALL)
UNREAD = re.compile(r"<(code|kbd|pre|style|script)\b.*?</\1>", re.DOTALL)
TAG = re.compile(r"<[^>]+>")


@dataclass
class Page:
    """A page of Markdown: what a reader reads, where its links go, its pictures, and the anchors that it offers."""

    prose: str = ""
    links: list[str] = field(default_factory=list)
    pictures: list[tuple[str, str]] = field(default_factory=list)  # (file, alt text)
    headings: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)


@cache
def page(text: str) -> Page:
    """Read Markdown, each text once; code, formulae, placeholders and measured tables are no prose, nor is a tag."""
    found, words = Page(), []
    text = FORMULA.sub(lambda match: match["code"] or " ", PLACEHOLDER.sub(" ", text))
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.type == "html_block":
            words.append(_markup(token.content, found))
        if token.type != "inline":
            continue
        words.append("".join(_inline(token.children or [], found)))
        if token.level == 1 and token.map and text.splitlines()[token.map[0]].startswith("#"):
            found.headings.append(token.content)
    found.prose = "\n\n".join(words)
    return found


def _inline(tokens: list, found: Page) -> Iterator[str]:
    unread = ""  # the tag within which no prose stands
    for token in tokens:
        if token.type == "html_inline" and unread:
            unread = "" if token.content.startswith(f"</{unread}") else unread
        elif unread:
            continue
        elif token.type == "html_inline" and (opened := re.match(r"<(code|kbd|pre)\b", token.content)):
            unread = opened[1]
            yield "`code`"
        elif token.type == "link_open":
            found.links.append(str(token.attrs["href"]))
        elif token.type == "image":
            found.pictures.append((str(token.attrs["src"]), token.content))
            yield f" {token.content} "
        elif token.type == "html_inline":
            yield _markup(token.content, found)
        elif token.type in ("text", "softbreak", "hardbreak", "code_inline"):
            yield {"text": token.content, "code_inline": "`code`"}.get(token.type, " ")


def _markup(markup: str, found: Page) -> str:
    """Take the links, pictures and anchors out of HTML; return the words between its tags."""
    for tag in TAG.findall(markup):
        attributes = {name: html.unescape(value) for name, value in re.findall(r'([\w-]+)="([^"]*)"', tag)}
        found.links += [attributes["href"]] if "href" in attributes else []
        found.ids |= {attributes[name] for name in ("id", "name") if name in attributes}
        if re.match(r"<img\b", tag):
            found.pictures.append((attributes.get("src", ""), attributes.get("alt", "")))
    return html.unescape(TAG.sub(" ", UNREAD.sub(" `code` ", markup)))


def anchors(found: Page, notebook: bool) -> set[str]:
    """Return what may stand behind # in a link to the page: JupyterLab and Git's sites name headings differently."""
    if notebook:
        return found.ids | {heading.replace(" ", "-") for heading in found.headings}
    return found.ids | {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found.headings}


@cache
def pages() -> dict[str, str]:
    """Return the Markdown of every page of the course by its path, read once: texts, and sources of notebooks."""
    texts = ["README.md", "data/README.md", "benchmarks/README.md", "notebooks/glossary.md"]
    texts += ["CHANGELOG.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "LICENSE-text.md"]
    texts += ["teaching/adopting.md", "teaching/platforms.md"]
    texts += ["teaching/README.md", *(f"teaching/paths/{name}.md" for name in ("lab45", "lab90", "day1", "day2"))]
    texts += ["teaching/collecting.md", "teaching/offline.md", "teaching/accessibility.md"]
    texts += sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "notebooks" / "capstone").glob("*.md"))
    texts += ["teaching/discussion.md", "teaching/misconceptions.md"]
    texts += sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "teaching" / "notes").glob("*.md"))
    texts += sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "teaching" / "assignment").glob("*.md"))
    found = {name: (ROOT / name).read_text(encoding="utf-8") for name in texts if (ROOT / name).is_file()}
    for source in sorted((ROOT / "notebooks" / "source").glob("[0-9][0-9]_*.py")):
        cells = [c.source for c in jupytext.read(source, fmt="py:percent").cells if c.cell_type == "markdown"]
        found[source.relative_to(ROOT).as_posix()] = "\n\n".join(cells)
    return found


def listed(name: str) -> list[str]:
    """Return the lines of a list beside the tests, without comments."""
    lines = (ROOT / "tests" / "project" / name).read_text(encoding="utf-8").splitlines()
    return [line.split(" # ")[0].strip() for line in lines if line.strip() and not line.startswith("#")]
