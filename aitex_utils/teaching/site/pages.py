"""Which texts of the course become pages of the site, their file names, groups and order."""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from aitex_utils.errors import InputError

HERE = Path(__file__).resolve().parent
BUILDER = (".py", ".css", ".js", ".html")  # files of this package: style, script, template, and the version of KaTeX
MANIFEST_FILE = "site.json"  # in a built site: what it consists of, and the digest of what it was built from
FIRST = "README.md"
SINGLE = {  # group of each page that is not found by its folder, in the site's order
    FIRST: "Course",
    "notebooks/glossary.md": "Reference",
    "benchmarks/README.md": "Reference",
    "data/README.md": "Reference",
    "aitex_utils/scale/README.md": "Reference",
    "CHANGELOG.md": "Project",
    "CONTRIBUTING.md": "Project",
    "CODE_OF_CONDUCT.md": "Project",
    "LICENSE-text.md": "Project",
}
GROUPS = ("Course", "Notebooks", "Capstone", "Reference", "Teaching", "Project")
TITLE = re.compile(r"^# +(.+?)\s*$", re.MULTILINE)
PICTURE = re.compile(r"[^\s()<>\"']+\.(?:png|jpe?g|svg|gif|webp)\b")
DAMAGE = (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError)  # by files that are no notebooks
SLIDES = ("teaching/slides/", "teaching/handout.md")  # sources of another format


class Page(NamedTuple):
    """One page of the site.

    Parameters
    ----------
    source : str
        Path of the text in the repository, with `/`.
    file : str
        Name of the HTML file.
    title : str
        Text of the first heading, as Markdown.
    group : str
        One of `GROUPS`, for the table of contents; pages in subfolders of `teaching` add the folder's name.

    Examples
    --------
    >>> Page("notebooks/glossary.md", "glossary.html", "Glossary", "Reference").file
    'glossary.html'
    """

    source: str
    file: str
    title: str
    group: str


def file_name(source: str) -> str:
    """Return the name of a text's HTML file. All files lie in one folder, so the folders become part of the name.

    Parameters
    ----------
    source : str
        Path in the repository.

    Returns
    -------
    str

    Examples
    --------
    >>> [file_name(name) for name in ("README.md", "notebooks/solved/05_faiss.ipynb", "data/README.md")]
    ['index.html', '05_faiss.html', 'data.html']
    >>> file_name("teaching/paths/lab90.md")
    'teaching-paths-lab90.html'
    """
    if source == FIRST:
        return "index.html"
    stem = re.sub(r"\.(md|ipynb)$", "", source)
    stem = re.sub(r"^(notebooks/(solved/)?|aitex_utils/)|/README$", "", stem)
    return stem.replace("/", "-") + ".html"


def find_pages(root: Path) -> list[Page]:
    """Return the pages of the course in the site's order: the front page, the notebooks, then all other texts.

    Parameters
    ----------
    root : Path
        Folder of the course.

    Returns
    -------
    list of Page

    Raises
    ------
    InputError
        If the front page or the solved notebooks are missing, a notebook cannot be read, or two pages have one name.

    Examples
    --------
    >>> root = Path(__file__).parents[3]
    >>> pages = find_pages(root)
    >>> pages[0].file, pages[1].file
    ('index.html', '00_start_here.html')
    """
    groups = {name: group for name, group in SINGLE.items() if (root / name).is_file()}
    notebooks = sorted((root / "notebooks" / "solved").glob("[0-9][0-9]_*.ipynb"))
    if FIRST not in groups or not notebooks:
        raise InputError(
            f"{root} has no {FIRST} or no notebooks/solved, which the site shows: run the command in the whole course."
        )
    groups |= {path.relative_to(root).as_posix(): "Notebooks" for path in notebooks}
    for folder, group in (("notebooks/capstone", "Capstone"), ("teaching", "Teaching")):
        names = [path.relative_to(root).as_posix() for path in (root / folder).rglob("*.md")]
        for name in sorted(names, key=_readme_first):
            inner = name[len(folder) + 1 :].split("/")[:-1]
            if not name.startswith(SLIDES):
                groups[name] = " ".join([group, *([f"({'/'.join(inner)})"] if inner else [])])
    sources: dict[str, str] = {}
    for name in groups:
        other = sources.setdefault(file_name(name).casefold(), name)  # some disks make no difference between A and a
        if other != name:
            raise InputError(f"{other} and {name} would become the same page {file_name(name)}: rename one of them.")
    pages = [Page(name, file_name(name), _title(root / name), group) for name, group in groups.items()]
    return sorted(pages, key=lambda page: (GROUPS.index(page.group.split(" ")[0]), page.group))


def sources_digest(root: Path) -> str:
    """Return a digest of all that the site is built from: texts, the pictures that they name, and this package.

    Parameters
    ----------
    root : Path
        Folder of the course.

    Returns
    -------
    str
        SHA-256 of their names and contents.

    Raises
    ------
    InputError
        As `find_pages`.

    Examples
    --------
    >>> len(sources_digest(Path(__file__).parents[3]))
    64
    """
    names = [page.source for page in find_pages(root)]
    names += sorted({picture for name in names for picture in _pictures(root, name)})
    sources = {name: root / name for name in names}
    builder = sorted(path.relative_to(HERE).as_posix() for path in HERE.rglob("*") if path.suffix in BUILDER)
    sources |= {f"builder/{name}": HERE / name for name in builder}
    digest = hashlib.sha256()
    for name, path in sources.items():
        content = path.read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{name}\n{len(content)}\n".encode() + content)
    return digest.hexdigest()


def _pictures(root: Path, source: str) -> set[str]:
    """Return the files of the course with pictures that a text names, by their paths in the repository."""
    cells = [cell["source"] for cell in texts(root / source) if cell["cell_type"] == "markdown"]
    named = {name for text in cells for name in PICTURE.findall(text)}
    paths = {posixpath.normpath(posixpath.join(posixpath.dirname(source), name)) for name in named}
    return {path for path in paths if not path.startswith(("../", "/")) and os.path.isfile(root / path)}


def by_group(pages: Sequence[Page]) -> dict[str, list[Page]]:
    """Return the pages of each group, in the order of the pages.

    Parameters
    ----------
    pages : sequence of Page
        Pages of the site.

    Returns
    -------
    dict of str to list of Page

    Examples
    --------
    >>> by_group([Page("a.md", "a.html", "A", "Project"), Page("b.md", "b.html", "B", "Project")])["Project"][1].title
    'B'
    """
    found: dict[str, list[Page]] = {}
    for page in pages:
        found.setdefault(page.group, []).append(page)
    return found


def texts(path: Path) -> list[dict]:
    """Return the cells of a notebook, or a page of Markdown as its only cell.

    Parameters
    ----------
    path : Path
        `.md` or `.ipynb` file.

    Returns
    -------
    list of dict
        With the keys of a notebook's cells.

    Raises
    ------
    InputError
        If the file is not readable, or is not a notebook.

    Examples
    --------
    >>> texts(Path(__file__).parents[3] / "notebooks" / "glossary.md")[0]["cell_type"]
    'markdown'
    """
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".md":
            return [{"cell_type": "markdown", "source": text}]
        cells = json.loads(text)["cells"]
        return [{**cell, "cell_type": cell["cell_type"], "source": _joined(cell["source"])} for cell in cells]
    except DAMAGE as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: Exception) -> InputError:
    """Return the message about a text that cannot be read, or not as what it should be.

    Parameters
    ----------
    path : Path
        `.md` or `.ipynb` file.
    error : Exception
        The reason.

    Returns
    -------
    InputError

    Examples
    --------
    >>> print(unreadable(Path("a.ipynb"), KeyError("cells")))
    a.ipynb cannot be read (KeyError): build it with `python course.py build`, or clone the course again.
    """
    return InputError(
        f"{path} cannot be read ({type(error).__name__}): build it with `python course.py build`, or clone the course "
        "again."
    )


def _joined(source: str | Sequence[str]) -> str:
    return source if isinstance(source, str) else "".join(source)


def _readme_first(name: str) -> tuple:
    folder, _, last = name.rpartition("/")
    return folder, last != "README.md", last


def _title(path: Path) -> str:
    cells: Sequence[Mapping] = texts(path)
    found = TITLE.search("\n\n".join(cell["source"] for cell in cells if cell["cell_type"] == "markdown"))
    return found[1] if found else path.stem
