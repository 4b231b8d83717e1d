"""Which texts become pages, their names and their order."""

from __future__ import annotations

import json

import pytest
from project_root import ROOT

from aitex_utils.errors import InputError
from aitex_utils.teaching.site.pages import GROUPS, by_group, file_name, find_pages, texts


def test_front_page_then_notebooks_then_other_texts():
    pages = find_pages(ROOT)
    sources = [page.source for page in pages]
    assert sources[0] == "README.md"
    assert sources[1:14] == [f"notebooks/solved/{path.name}" for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
    assert {"notebooks/glossary.md", "benchmarks/README.md", "data/README.md", "aitex_utils/scale/README.md"} <= set(
        sources
    )
    teaching = {path.relative_to(ROOT).as_posix() for path in (ROOT / "teaching").glob("*.md")}
    assert teaching - set(sources) == {"teaching/handout.md"}  # a source of slides
    assert {path.relative_to(ROOT).as_posix() for path in (ROOT / "notebooks/capstone").glob("*.md")} <= set(sources)
    assert [group.split(" ")[0] for group in by_group(pages)] == sorted(
        (group.split(" ")[0] for group in by_group(pages)), key=GROUPS.index
    )


def test_each_page_has_a_file_of_its_own():
    files = [page.file for page in find_pages(ROOT)]
    assert len({file.lower() for file in files}) == len(files)
    assert all("/" not in file for file in files)


def test_a_readme_leads_its_folder_and_slides_are_no_pages(tmp_path):
    for name in (
        "README.md",
        "teaching/README.md",
        "teaching/adopting.md",
        "teaching/notes/01.md",
        "teaching/slides/01.md",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# Page {name}\n", encoding="utf-8")
    notebook = tmp_path / "notebooks" / "solved" / "00_first.ipynb"
    notebook.parent.mkdir(parents=True)
    notebook.write_text(json.dumps({"cells": [{"cell_type": "markdown", "source": ["# 00 ", "First"]}]}))
    pages = find_pages(tmp_path)
    assert [page.file for page in pages] == [
        "index.html",
        "00_first.html",
        "teaching.html",
        "teaching-adopting.html",
        "teaching-notes-01.html",
    ]
    assert [page.title for page in pages[:2]] == ["Page README.md", "00 First"]
    assert pages[-1].group == "Teaching (notes)"


@pytest.mark.parametrize("other", ["teaching/notes-01.md", "teaching/Notes/01.md"])
def test_two_texts_of_one_page_are_refused(tmp_path, other):
    for name in ("README.md", "teaching/notes/01.md", other, "notebooks/solved/00_first.ipynb"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text('{"cells": []}')
    with pytest.raises(InputError, match=f"{other}.* would become the same page teaching-.otes-01.html: rename one"):
        find_pages(tmp_path)


def test_names_keep_folders_apart():
    assert file_name("teaching/README.md") != file_name("notebooks/capstone/README.md") != file_name("README.md")


def test_a_folder_without_the_course_is_refused(tmp_path):
    with pytest.raises(InputError, match="run the command in the whole course"):
        find_pages(tmp_path)


@pytest.mark.parametrize("content", ["{", '{"cells": 3}', "[]", "[" * 100_000, '{"cells": [{"source": "a"}]}'])
def test_a_damaged_notebook_is_named(tmp_path, content):
    (tmp_path / "00.ipynb").write_text(content)
    with pytest.raises(InputError, match=r"00\.ipynb cannot be read .* course\.py build"):
        texts(tmp_path / "00.ipynb")
