"""The folder of the site: its files, its links, and what is never overwritten."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from accessible import bad_links
from bs4 import BeautifulSoup

from aitex_utils.commands import site as command
from aitex_utils.errors import InputError
from aitex_utils.teaching.site import build, pages
from aitex_utils.teaching.site.build import build_site
from aitex_utils.teaching.site.pages import sources_digest


@pytest.fixture
def course(tmp_path, monkeypatch):
    """Return a folder with a small course. KaTeX is replaced by three small files."""
    files = {"katex.css": b".katex{}", "katex.js": b"", "katex-license.txt": b"MIT"}
    monkeypatch.setattr(build, "load_archive", lambda package, folder: b"")
    monkeypatch.setattr(build, "unpack", lambda archive: dict(files))
    root = tmp_path / "course"
    (root / "notebooks" / "solved").mkdir(parents=True)
    (root / "README.md").write_text("# The course\n\nSee [first](notebooks/00_first.ipynb).\n", encoding="utf-8")
    cells = [{"cell_type": "markdown", "source": "# 00 First\n\nA formula $x$ for *löss*.\n\n## Part\n"}]
    (root / "notebooks" / "solved" / "00_first.ipynb").write_text(json.dumps({"cells": cells}), encoding="utf-8")
    return root


def snapshot(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_course_makes_the_same_bytes(course, tmp_path):
    built = build_site(tmp_path / "one", root=course)
    build_site(tmp_path / "two", root=course)
    files = snapshot(tmp_path / "one")
    assert files == snapshot(tmp_path / "two")
    assert (built.pages, built.files, built.size) == (2, len(files), sum(map(len, files.values())))


def test_a_site_says_from_what_it_was_built(course, tmp_path):
    def built_from():
        build_site(tmp_path / "site", root=course)
        return json.loads((tmp_path / "site" / "site.json").read_text(encoding="utf-8"))["sources"]

    first = built_from()
    assert first == built_from() == sources_digest(course)
    (course / "README.md").write_text("# The course, changed\n", encoding="utf-8")
    assert sources_digest(course) != first and built_from() == sources_digest(course)


def test_the_digest_of_a_site_covers_all_that_its_pages_show(course, tmp_path, monkeypatch):
    """Texts, pictures of each form, and the package with style, script, template and the version of KaTeX."""
    package = shutil.copytree(pages.HERE, tmp_path / "package")
    monkeypatch.setattr(pages, "HERE", package)
    (course / "notebooks" / "images").mkdir()
    shown = [course / "notebooks" / "images" / name for name in ("a.png", "b.svg", "c.jpg")]
    other = course / "notebooks" / "images" / "d.png"
    for path in (*shown, other):
        path.write_bytes(b"picture")
    (course / "README.md").write_text(
        '# The course\n\n![a](notebooks/images/a.png "A")\n\n<img src="./notebooks/images/b.svg" alt="b">\n',
        encoding="utf-8",
    )
    notebook = course / "notebooks" / "solved" / "00_first.ipynb"
    cell = {"cell_type": "markdown", "source": ["# 00 First\n", "![none](none.png) ![c](../images/c.jpg)"]}
    notebook.write_text(json.dumps({"cells": [cell]}), encoding="utf-8")
    own = [package / name for name in ("assets/site.css", "assets/site.js", "templates/page.html", "formulas.py")]
    digests = [sources_digest(course)]
    for path in (course / "README.md", notebook, *shown, *own):
        path.write_bytes(path.read_bytes() + b" ")
        digests.append(sources_digest(course))
    assert len(set(digests)) == len(digests) == 10
    other.write_bytes(b"another picture")
    assert sources_digest(course) == digests[-1]


def test_a_site_is_replaced_and_stale_files_go(course, tmp_path):
    build_site(tmp_path / "site", root=course)
    (course / "CHANGELOG.md").write_text("# Changes\n", encoding="utf-8")
    build_site(tmp_path / "site", root=course)
    assert (tmp_path / "site" / "CHANGELOG.html").is_file()
    (course / "CHANGELOG.md").unlink()
    build_site(tmp_path / "site", root=course)
    assert not (tmp_path / "site" / "CHANGELOG.html").exists()


@pytest.mark.parametrize("name", ["thesis.txt", "images/mine.png", "assets/extra/notes.md"])
def test_foreign_files_are_never_overwritten(course, tmp_path, name):
    build_site(tmp_path / "site", root=course)
    path = tmp_path / "site" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine", encoding="utf-8")
    before = snapshot(tmp_path / "site")
    with pytest.raises(InputError, match="Nothing was replaced"):
        build_site(tmp_path / "site", root=course)
    assert snapshot(tmp_path / "site") == before


def test_a_changed_page_is_not_replaced(course, tmp_path):
    build_site(tmp_path / "site", root=course)
    page = tmp_path / "site" / "index.html"
    page.write_text(page.read_text(encoding="utf-8") + "my note", encoding="utf-8")
    with pytest.raises(InputError, match=r"index\.html"):
        build_site(tmp_path / "site", root=course)


def test_a_manifest_of_another_program_gives_no_right(course, tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "site.json").write_text('{"made_by": "another", "files": {"index.html": 1}}')
    with pytest.raises(InputError, match="Nothing was replaced"):
        build_site(tmp_path / "site", root=course)


def test_formulas_are_loaded_only_where_there_are_some(course, tmp_path):
    build_site(tmp_path / "site", root=course)
    texts = {name: (tmp_path / "site" / name).read_text(encoding="utf-8") for name in ("index.html", "00_first.html")}
    assert "katex" not in texts["index.html"] and "assets/katex.js" in texts["00_first.html"]


def test_the_search_index_is_a_script_with_each_section(course, tmp_path):
    build_site(tmp_path / "site", root=course)
    text = (tmp_path / "site" / "assets" / "search-index.js").read_text(encoding="utf-8")
    rows = json.loads(re.fullmatch(r"window\.courseIndex = (.*);", text, re.DOTALL)[1])
    assert rows == [
        ["index.html#the-course", "The course", "The course", "See first."],
        ["00_first.html#00-First", "00 First", "00 First", "A formula x for löss."],
        ["00_first.html#Part", "00 First", "Part", ""],
    ]


def test_previous_and_next_follow_the_contents(course, tmp_path):
    build_site(tmp_path / "site", root=course)
    first = BeautifulSoup((tmp_path / "site" / "index.html").read_text(encoding="utf-8"), "html.parser")
    second = BeautifulSoup((tmp_path / "site" / "00_first.html").read_text(encoding="utf-8"), "html.parser")
    assert first.find(rel="prev") is None and first.find(rel="next")["href"] == "00_first.html"
    assert second.find(rel="prev")["href"] == "index.html" and second.find(rel="next") is None
    assert first.select_one("main p a")["href"] == "00_first.html"


def test_the_command_says_size_and_address(course, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "build_site", lambda out, katex: build_site(out, katex=katex, root=course))
    assert command.main(["--out", str(tmp_path / "site")]) == 0
    text = capsys.readouterr().out
    assert "Built 2 pages, 0 MB" in text and str(Path(tmp_path, "site", "index.html")) in text


def test_the_command_ends_in_one_sentence(tmp_path, capsys):
    assert command.main(["--out", str(tmp_path / "site"), "--katex", str(tmp_path / "none.tgz")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("site: There is no file") and error.count("\n") == 1
    assert not (tmp_path / "site").exists()


def test_bad_links_are_noticed():
    pages = {"a.html": '<a href="b.html#x">t</a><a href="#no">t</a><img src="c.png"><p id="y">', "b.html": "<p id=x>"}
    assert bad_links(pages, {"a.html", "b.html"}) == ["a.html: #no", "a.html: c.png"]
