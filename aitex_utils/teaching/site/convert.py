"""A notebook or a page of Markdown as HTML: nbconvert's Markdown and highlighting, then links, tables, figures, ids."""

from __future__ import annotations

import base64
import hashlib
import html
import posixpath
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from aitex_utils.teaching.site.pages import DAMAGE, Page, texts, unreadable

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

DATA_IMAGE = re.compile(r'src="data:image/(png|jpeg|svg\+xml);base64,([A-Za-z0-9+/=\s]+)"')
SIDE_BY_SIDE = re.compile(r"display:\s*flex")  # how `lessons.sliders` lays out its still images
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
CONTENTS_FROM = 3  # sections from which a page gets a list of its sections


class Section(NamedTuple):
    """A heading and the text below it, up to the next heading.

    Parameters
    ----------
    anchor : str
        Id of the heading, "" above the first one.
    heading : str
        Text of the heading.
    level : int
        1 to 6.
    text : str
        Text below the heading, in one line.

    Examples
    --------
    >>> Section("what-you-need", "What you need", 2, "Python.").anchor
    'what-you-need'
    """

    anchor: str
    heading: str
    level: int
    text: str


class Converted(NamedTuple):
    """A page as HTML, with all that its links, search and pictures need.

    Parameters
    ----------
    body : str
        HTML of the page's content.
    title : str
        Text of its first heading.
    sections : list of Section
        All sections, for the search.
    images : dict of str to bytes
        Files that the page shows, by their path in the site.
    has_formulas : bool
        Whether the page needs KaTeX.

    Examples
    --------
    >>> Converted("<h1>Data</h1>", "Data", [], {}, False).title
    'Data'
    """

    body: str
    title: str
    sections: list[Section]
    images: dict[str, bytes]
    has_formulas: bool


def convert(page: Page, root: Path, files: Mapping[str, str]) -> Converted:
    """Return a page as HTML.

    Parameters
    ----------
    page : Page
        Page to convert.
    root : Path
        Folder of the course.
    files : mapping of str to str
        HTML file of each text of the site, by its path in the repository.

    Returns
    -------
    Converted

    Raises
    ------
    InputError
        If the text cannot be read.

    Examples
    --------
    >>> root = Path(__file__).parents[3]
    >>> page = Page("notebooks/glossary.md", "glossary.html", "Glossary", "Reference")
    >>> convert(page, root, {}).title
    'Glossary'
    """
    from bs4 import BeautifulSoup

    images: dict[str, bytes] = {}
    cells = texts(root / page.source)
    try:
        content = _images_as_files("\n".join(map(_cell_html, cells)), images)
    except DAMAGE as error:  # outputs that are none
        raise unreadable(root / page.source, error) from error
    soup = BeautifulSoup(content, "html.parser")
    _set_heading_ids(soup, is_notebook=page.source.endswith(".ipynb"))
    _rewrite_links(soup, page, root, files)
    _copy_images(soup, page, root, images)
    _frame_tables(soup)
    _frame_code(soup)
    _add_steppers(soup)
    _add_contents(soup)
    first = soup.find("h1")
    title = first.get_text(" ", strip=True) if first else page.title
    return Converted(str(soup), title, _sections(soup), images, soup.find(class_="math") is not None)


def _cell_html(cell: Mapping) -> str:
    if cell["cell_type"] == "markdown":
        return f'<div class="text">{_markdown(cell["source"])}</div>'
    if cell["cell_type"] != "code" or not cell["source"].strip():
        return ""
    from nbconvert.filters.highlight import Highlight2HTML

    code = Highlight2HTML(pygments_lexer="python3")(cell["source"])
    return f'<div class="code">{code}</div>' + "".join(_output_html(output) for output in cell.get("outputs", ()))


def _markdown(source: str) -> str:
    """Return Markdown as HTML. Formulas become elements of the class `math`, which `site.js` hands to KaTeX."""
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    class Renderer(IPythonRenderer):
        """nbconvert's renderer, except for formulas."""

        def block_math(self, body: str) -> str:
            return f'<div class="math scroll" data-label="Formula">{html.escape(body)}</div>'

        def inline_math(self, body: str) -> str:
            return f'<span class="math">{html.escape(body)}</span>'

    return MarkdownWithMath(renderer=Renderer(escape=False, exclude_anchor_links=True)).render(source)


def _output_html(output: Mapping) -> str:
    from nbconvert.filters.ansi import ansi2html

    data = output.get("data", {})
    if "text/html" in data:
        return f'<div class="output">{"".join(data["text/html"])}</div>'
    lines = output.get("text") or data.get("text/plain") or output.get("traceback") or ()
    joined = ("\n" if "traceback" in output else "").join(lines)
    return f'<div class="output"><pre>{ansi2html(joined.rstrip())}</pre></div>' if joined.strip() else ""


def _images_as_files(text: str, images: dict[str, bytes]) -> str:
    """Move images inside the HTML into files, named by their content, so equal ones are kept once."""

    def moved(found: re.Match) -> str:
        content = base64.b64decode(found[2])
        name = f"images/{hashlib.sha256(content).hexdigest()[:16]}.{found[1].split('+')[0]}"
        images[name] = content
        return f'src="{name}"'

    return DATA_IMAGE.sub(moved, text)


def _set_heading_ids(soup: BeautifulSoup, *, is_notebook: bool) -> None:
    """Name headings as JupyterLab does in a notebook, and as GitHub does on a page, because links use these names."""
    used: dict[str, int] = {}
    for heading in soup.find_all(HEADINGS):
        text = heading.get_text().strip()
        name = text.replace(" ", "-") if is_notebook else re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        count = used[name] = used.get(name, -1) + 1
        name = f"{name}-{count}" if count else name
        for anchor in soup.find_all(id=name):  # an anchor that the text sets for the same heading
            del anchor["id"]
        heading["id"] = name


def _rewrite_links(soup: BeautifulSoup, page: Page, root: Path, files: Mapping[str, str]) -> None:
    """Let links to texts of the course lead to their pages. A link to another file becomes its path."""
    for link in soup.find_all("a", href=True):
        address, _, anchor = link["href"].partition("#")
        if not address or re.match(r"[a-z]+:", address):
            continue
        target = posixpath.normpath(posixpath.join(posixpath.dirname(page.source), address))
        solved = re.sub(r"^notebooks/(?=\d\d_)", "notebooks/solved/", target)
        file = next((files[name] for name in (target, solved, f"{target}/README.md") if name in files), None)
        if file:
            link["href"] = file + (f"#{anchor}" if anchor else "")
        else:
            _show_path(soup, link, target)


def _show_path(soup: BeautifulSoup, link: Tag, target: str) -> None:
    """Replace a link to a file of the course that is no page by its text and its path."""
    path = soup.new_tag("code")
    path.string = target
    if link.get_text().strip().rstrip("/") == target.rstrip("/") or link.find("img"):
        link.replace_with(path)
        return
    link.insert_after(")")
    link.insert_after(path)
    link.insert_after(" (")
    link.unwrap()


def _copy_images(soup: BeautifulSoup, page: Page, root: Path, images: dict[str, bytes]) -> None:
    for image in soup.find_all("img", src=True):
        if image["src"] in images or re.match(r"[a-z]+:", image["src"]):
            continue
        path = root / posixpath.normpath(posixpath.join(posixpath.dirname(page.source), image["src"]))
        if root in path.parents and path.is_file():
            image["src"] = "images/" + "-".join(path.relative_to(root).parts)
            images[image["src"]] = path.read_bytes()


def _frame_tables(soup: BeautifulSoup) -> None:
    """Give each table a frame that scrolls sideways, headers a direction, and empty headers a plain cell."""
    for table in soup.find_all("table"):
        for header in table.select("thead th"):
            if header.get_text(strip=True):
                header["scope"] = "col"
            else:
                header.name = "td"
        heading = table.find_previous(HEADINGS)
        label = f"Table: {heading.get_text(' ', strip=True)}" if heading else "Table"
        table.wrap(soup.new_tag("div", attrs={"class": "scroll table", "data-label": label}))


def _frame_code(soup: BeautifulSoup) -> None:
    """Mark code and printed text as areas that can scroll, which `site.js` makes reachable with the keyboard."""
    for block in soup.find_all("pre"):
        block["class"] = [*block.get("class", []), "scroll"]
        block["data-label"] = "Output" if block.find_parent(class_="output") else "Code"


def _add_steppers(soup: BeautifulSoup) -> None:
    """Mark the still images of a figure with sliders. `site.js` adds a slider that steps through them."""
    for row in soup.select(".output > div"):
        figures = row.find_all("figure")
        if SIDE_BY_SIDE.search(row.get("style", "")) and len(figures) > 1:
            states = soup.new_tag("div", attrs={"class": "states"})
            row.insert_before(states)
            for figure in figures:
                states.append(figure.extract())
            row.decompose()


def _add_contents(soup: BeautifulSoup) -> None:
    """Add a list of the sections below the first heading, unless the text has one of its own."""
    first, sections = soup.find("h1"), soup.find_all("h2", id=True)
    own = {unquote(link["href"][1:]) for link in soup.find_all("a", href=True) if link["href"].startswith("#")}
    if first is None or len(sections) < CONTENTS_FROM or own.issuperset(section["id"] for section in sections):
        return
    contents = soup.new_tag("nav", attrs={"class": "here", "aria-label": "On this page"})
    entries = soup.new_tag("ul")
    for section in sections:
        link = soup.new_tag("a", attrs={"href": f"#{section['id']}"})
        link.string = section.get_text(" ", strip=True)
        entry = soup.new_tag("li")
        entry.append(link)
        entries.append(entry)
    contents.append(entries)
    first.insert_after(contents)


def _sections(soup: BeautifulSoup) -> list[Section]:
    """Return the text of each section, without outputs, whose captions would be found twice."""
    sections = [["", "", 1, []]]
    for element in soup.find_all(string=True):
        heading = element.find_parent(HEADINGS)
        if heading is not None and heading.get("id") != sections[-1][0]:
            sections.append([heading["id"], heading.get_text(" ", strip=True), int(heading.name[1]), []])
        elif heading is None and element.find_parent(class_=["output", "here"]) is None:
            sections[-1][3].append(str(element))
    return [Section(a, h, n, _one_line(parts)) for a, h, n, parts in sections if a or _one_line(parts)]


def _one_line(parts: Sequence[str]) -> str:
    return " ".join("".join(parts).split())
