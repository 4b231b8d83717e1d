"""Write the site into a folder: pages, style, search index and formulas, whole or not at all."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from aitex_utils.files.atomic_write import atomic_write
from aitex_utils.files.data_folder import PROJECT
from aitex_utils.files.ownership import Manifest
from aitex_utils.teaching.copies import write_files
from aitex_utils.teaching.site.convert import Converted, convert
from aitex_utils.teaching.site.formulas import KATEX, unpack
from aitex_utils.teaching.site.npm_packages import PACKAGES, load_archive, read_archive
from aitex_utils.teaching.site.pages import MANIFEST_FILE, Page, by_group, find_pages, sources_digest

OUT = PROJECT / "site"
HERE = Path(__file__).resolve().parent


class Built(NamedTuple):
    """Numbers of a finished build.

    Parameters
    ----------
    pages, files : int
        Numbers of HTML pages and of all files.
    size : int
        Bytes of all files.
    seconds : float
        Duration of the build.

    Examples
    --------
    >>> Built(30, 250, 12_000_000, 9.5).pages
    30
    """

    pages: int
    files: int
    size: int
    seconds: float


def _listed(parsed: Any) -> dict[str, int | None]:
    if parsed["made_by"] != "course.py site":
        raise ValueError("another program wrote it")
    return dict(parsed["files"])


SITE = Manifest(MANIFEST_FILE, "a built site", _listed)


def build_site(
    out: str | os.PathLike = OUT, *, katex: Path | None = None, root: Path = PROJECT, kept: Path = PACKAGES
) -> Built:
    """Build the course as static pages. Nothing is executed: outputs come from the solved notebooks.

    Parameters
    ----------
    out : path
        Folder of the site. An earlier site in it is replaced.
    katex : Path, optional
        KaTeX's archive. None takes the archive of an earlier build, or fetches it.
    root : Path
        Folder of the course.
    kept : Path
        Folder where the archive is kept between builds.

    Returns
    -------
    Built

    Raises
    ------
    InputError
        If the folder contains anything but a site, a text cannot be read, or the formulas cannot be had.

    Examples
    --------
    >>> build_site("no/such/folder", katex=Path("no/such.tgz"))
    Traceback (most recent call last):
    aitex_utils.errors.InputError: There is no file no/such.tgz: fetch it with `npm pack katex@0.19.1`.
    """
    begin, pages = time.perf_counter(), find_pages(root)
    archive = load_archive(KATEX, kept) if katex is None else read_archive(KATEX, katex)
    files = {f"assets/{name}": content for name, content in unpack(archive).items()}
    for name in ("site.css", "site.js"):
        files[f"assets/{name}"] = (HERE / "assets" / name).read_bytes()
    with atomic_write(out, folder=True, manifest=SITE) as folder:
        names = {page.source: page.file for page in pages}
        converted = {page.file: convert(page, root, names) for page in pages}
        for page in converted.values():
            files |= page.images
        files["assets/search-index.js"] = search_index(pages, converted).encode()
        files |= {name: text.encode() for name, text in render(pages, converted).items()}
        sizes = write_files(folder, files)
        content = {"made_by": "course.py site", "sources": sources_digest(root), "files": sizes}
        manifest = json.dumps(content, indent=1) + "\n"
        (folder / MANIFEST_FILE).write_text(manifest, encoding="utf-8", newline="\n")
    size = sum(sizes.values()) + len(manifest)
    return Built(len(pages), len(files) + 1, size, time.perf_counter() - begin)


def search_index(pages: Sequence[Page], converted: Mapping[str, Converted]) -> str:
    """Return the search index as a script: a page that was opened from the disk can load scripts, but no data.

    Parameters
    ----------
    pages : sequence of Page
        Pages of the site.
    converted : mapping of str to Converted
        Their content, by file.

    Returns
    -------
    str
        JavaScript that sets `courseIndex`, a list of [address, page title, heading, text].

    Examples
    --------
    >>> page = Page("a.md", "a.html", "A", "Project")
    >>> print(search_index([page], {"a.html": Converted("", "A", [], {}, False)}))
    window.courseIndex = [];
    """
    rows = [
        [f"{page.file}#{section.anchor}" if section.anchor else page.file, title, section.heading, section.text]
        for page in pages
        for title in [converted[page.file].title]
        for section in converted[page.file].sections
    ]
    return "window.courseIndex = " + json.dumps(rows, ensure_ascii=False, separators=(",", ":")) + ";"


def render(pages: Sequence[Page], converted: Mapping[str, Converted]) -> dict[str, str]:
    """Return the HTML of each page, with header, table of contents, previous and next.

    Parameters
    ----------
    pages : sequence of Page
        Pages of the site, in order.
    converted : mapping of str to Converted
        Their content, by file.

    Returns
    -------
    dict of str to str
        HTML by file.

    Examples
    --------
    >>> page = Page("a.md", "a.html", "A", "Project")
    >>> "<title>" in render([page], {"a.html": Converted("<h1>A</h1>", "A", [], {}, False)})["a.html"]
    True
    """
    import jinja2

    loader = jinja2.FileSystemLoader(str(HERE / "templates"))
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = environment.get_template("page.html")
    groups = by_group(pages)
    return {
        page.file: template.render(
            page=page,
            content=converted[page.file],
            titles={file: content.title for file, content in converted.items()},
            groups=groups,
            before=pages[index - 1] if index else None,
            after=pages[index + 1] if index + 1 < len(pages) else None,
            is_notebook=page.source.endswith(".ipynb"),
        )
        for index, page in enumerate(pages)
    }
