"""Checks for accessibility: structure, names, alt text, tables, contents and contrast of a page, labels of widgets."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from bs4 import BeautifulSoup

HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
BY_COLOUR = re.compile(r"<(?:font|span|b|i|em|strong)\b[^>]*(?<!-)\bcolor\s*[:=][^>]*>[^<]*</")


def issues(html: str) -> list[str]:
    """Return what is wrong with a page, one sentence each."""
    soup = BeautifulSoup(html, "html.parser")
    return [
        *_heading_issues(soup),
        *_name_issues(soup),
        *_table_issues(soup),
        *_contents_issues(soup),
        *[f"colour alone distinguishes {found[0][:60]!r}" for found in BY_COLOUR.finditer(html)],
    ]


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours such as #1c1f24, by the formula of WCAG 2.1, 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _heading_issues(soup: BeautifulSoup) -> list[str]:
    headings = soup.find_all(HEADINGS)
    levels = [int(heading.name[1]) for heading in headings]
    found = [f"{levels.count(1)} headings of level 1"] if levels.count(1) != 1 else []
    for heading, before, level in zip(headings[1:], levels, levels[1:], strict=False):
        if level > before + 1:
            found.append(f"the heading {heading.get_text()!r} is of level {level} after level {before}")
    found += [f"a heading of level {h.name[1]} is empty" for h in headings if not h.get_text(strip=True)]
    names = [element["id"] for element in soup.find_all(id=True)]
    return found + [f"the id {name} occurs twice" for name in sorted(set(names)) if names.count(name) > 1]


def _name_issues(soup: BeautifulSoup) -> list[str]:
    found = []
    if not (soup.html and soup.html.get("lang")):
        found.append("the page states no language")
    found += [f"the image {image.get('src')} has no alt text" for image in soup.find_all("img") if not image.get("alt")]
    found += [f"the link to {link['href']} has no text" for link in soup.find_all("a", href=True) if not _name(link)]
    labelled = {label.get("for") for label in soup.find_all("label")}
    for control in soup.find_all(["input", "select", "textarea"]):
        if not (control.get("aria-label") or control.get("id") in labelled or control.find_parent("label")):
            found.append(f"the control {control.get('id')} has no label")
    found += ["a button has no text" for button in soup.find_all("button") if not _name(button)]
    found += ["a folded text has no summary" for box in soup.find_all("details") if not box.find("summary")]
    for states in soup.find_all(class_="states"):
        if not states.find("figure"):
            found.append("a figure with a slider has no still image")
    return found


def _name(element) -> str:
    texts = [element.get_text(strip=True), element.get("aria-label", "")]
    return "".join(texts + [image.get("alt", "") for image in element.find_all("img")])


def _table_issues(soup: BeautifulSoup) -> list[str]:
    found = []
    for table in soup.find_all("table"):
        headers = table.find_all("th")
        if not headers:
            found.append(f"the table {table.get_text(' ', strip=True)[:40]!r} has no headers")
        found += ["a table header is empty" for header in headers if not header.get_text(strip=True)]
        found += [f"the header {h.get_text()!r} states no direction" for h in headers if not h.get("scope")]
    return found


def _contents_issues(soup: BeautifulSoup) -> list[str]:
    main = soup.find("main") or soup
    sections = {heading["id"] for heading in main.find_all("h2", id=True)}
    linked = {unquote(link["href"][1:]) for link in main.find_all("a", href=True) if link["href"].startswith("#")}
    missing = len(sections - linked)
    found = [f"{missing} of {len(sections)} sections are not in the contents"] if missing and len(sections) > 2 else []
    names = {element["id"] for element in soup.find_all(id=True)}
    inside = {unquote(link["href"][1:]) for link in soup.find_all("a", href=True) if link["href"].startswith("#")}
    return found + [f"the link #{name} leads nowhere" for name in sorted(inside - names - {""})]


def bad_links(pages: dict[str, str], files: set[str]) -> list[str]:
    """Return the links, images and scripts of pages that lead nowhere inside the site."""
    soups = {name: BeautifulSoup(text, "html.parser") for name, text in pages.items()}
    names = {name: {element["id"] for element in soup.find_all(id=True)} for name, soup in soups.items()}
    found = []
    for name, soup in soups.items():
        for element in soup.find_all(["a", "img", "script", "link"]):
            address = element.get("href") or element.get("src") or ""
            if not address or re.match(r"(https?|mailto|data):", address):
                continue
            file, _, anchor = address.partition("#")
            if (file and file not in files) or (anchor and unquote(anchor) not in names.get(file or name, set())):
                found.append(f"{name}: {address}")
    return found


def unlabelled(widget: Any) -> list[str]:
    """Return the kinds of the controls inside a widget that have no description, and the tabs without a title."""
    from ipywidgets import HTML, Tab

    found = []
    if not isinstance(widget, HTML) and not getattr(widget, "description", "a box").strip():
        found.append(type(widget).__name__)
    children = getattr(widget, "children", ())
    if isinstance(widget, Tab):
        found += [f"tab {number}" for number in range(len(children)) if not (widget.get_title(number) or "").strip()]
    return found + [kind for child in children for kind in unlabelled(child)]


def stills_of_sliders(cells: Iterable[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """Return each call of `show_with_sliders` in an executed notebook, and the number of still images that it left."""
    found = []
    for cell in cells:
        if cell["cell_type"] != "code" or "show_with_sliders(" not in cell["source"]:
            continue
        calls = [ast.unparse(node) for node in ast.walk(ast.parse(cell["source"])) if _is_slider_call(node)]
        shown = ["".join(output.get("data", {}).get("text/html", "")) for output in cell.get("outputs", ())]
        stills = [text.count("<figure") for text in shown if "display:flex" in text]  # one output per call, in order
        found += zip(calls, [*stills, *[0] * len(calls)], strict=False)
    return found


def _is_slider_call(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "show_with_sliders"
