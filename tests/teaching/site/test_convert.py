"""Markdown, code and outputs as HTML: formulas, links, ids, tables, images, still images of sliders, contents."""

from __future__ import annotations

import base64
import json

import pytest
from bs4 import BeautifulSoup

from aitex_utils.errors import InputError
from aitex_utils.teaching.site.convert import convert
from aitex_utils.teaching.site.pages import Page

PNG = base64.b64encode(b"one picture").decode()
FILES = {"notebooks/solved/05_faiss.ipynb": "05_faiss.html", "notebooks/capstone/README.md": "capstone.html"}


@pytest.fixture
def convert_text(tmp_path):
    """Return a function that converts Markdown, or a list of cells, as `notebooks/page` and returns both results."""

    def run(content):
        name = "notebooks/page.md" if isinstance(content, str) else "notebooks/page.ipynb"
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps({"cells": content}), encoding="utf-8")
        converted = convert(Page(name, "page.html", "Page", "Reference"), tmp_path, FILES)
        return converted, BeautifulSoup(converted.body, "html.parser")

    return run


def code(source, *outputs):
    return {"cell_type": "code", "source": source, "outputs": list(outputs)}


def shown(text):
    return {"output_type": "display_data", "data": {"text/html": text}}


def test_formulas_stay_as_written(convert_text):
    converted, soup = convert_text("# T\n\nA bank $M_{a} < \\hat x_b$.\n\n$$\\lVert x \\rVert_2$$\n")
    assert converted.has_formulas
    assert [element.name for element in soup.select(".math")] == ["span", "div"]
    assert [element.get_text() for element in soup.select(".math")] == ["M_{a} < \\hat x_b", "\\lVert x \\rVert_2"]


def test_a_dollar_in_code_is_no_formula(convert_text):
    assert not convert_text("# T\n\n`cost $a + $b`\n")[0].has_formulas


@pytest.mark.parametrize(
    ("link", "address"),
    [
        ("05_faiss.ipynb", "05_faiss.html"),
        ("solved/05_faiss.ipynb#4.-IVF", "05_faiss.html#4.-IVF"),
        ("capstone/README.md#samples", "capstone.html#samples"),
        ("capstone/", "capstone.html"),
        ("https://arxiv.org/abs/2106.08265", "https://arxiv.org/abs/2106.08265"),
        ("#here", "#here"),
    ],
)
def test_links_lead_to_pages(convert_text, link, address):
    assert convert_text(f"# T\n\n[text]({link})\n")[1].find("a")["href"] == address


def test_a_link_to_another_file_becomes_its_path(convert_text):
    soup = convert_text("# T\n\nSee [the search](../aitex_utils/memory_bank.py), please.\n")[1]
    assert soup.find("a") is None
    assert soup.find("p").get_text() == "See the search (aitex_utils/memory_bank.py), please."


def test_ids_are_those_that_links_use(convert_text):
    page = convert_text("# The page\n\n## How to run it?\n\n## How to run it?\n")[1]
    assert [heading["id"] for heading in page.find_all("h2")] == ["how-to-run-it", "how-to-run-it-1"]
    notebook = convert_text([{"cell_type": "markdown", "source": "# N\n\n## 3. FAISS's cells\n"}])[1]
    assert notebook.find("h2")["id"] == "3.-FAISS's-cells"


def test_an_anchor_of_the_text_gives_way_to_the_heading(convert_text):
    soup = convert_text('# T\n\n<a id="samples"></a>\n\n## Samples\n')[1]
    assert [element.name for element in soup.find_all(id="samples")] == ["h2"]


def test_tables_scroll_and_their_headers_have_a_direction(convert_text):
    soup = convert_text("# T\n\n| | mean |\n|---|---|\n| a | 1 |\n")[1]
    table = soup.find("table")
    assert table.parent["class"] == ["scroll", "table"] and table.parent["data-label"] == "Table: T"
    assert [(cell.name, cell.get("scope")) for cell in table.select("thead tr > *")] == [("td", None), ("th", "col")]


def test_equal_pictures_are_one_file(convert_text):
    figure = f'<figure><img src="data:image/png;base64,{PNG}" alt="Alt"></figure>'
    converted, soup = convert_text(
        [{"cell_type": "markdown", "source": "# N"}, code("a", shown(figure), shown(figure))]
    )
    assert list(converted.images.values()) == [b"one picture"]
    assert [image["src"] for image in soup.find_all("img")] == 2 * list(converted.images)


def test_a_picture_named_from_the_root_of_the_disk_is_not_copied(convert_text, tmp_path_factory):
    picture = tmp_path_factory.mktemp("elsewhere") / "a.png"
    picture.write_bytes(b"a picture")
    converted, soup = convert_text(f"# T\n\n![one]({picture.as_posix()})\n")
    assert converted.images == {} and soup.find("img")["alt"] == "one"


def test_stills_of_a_slider_become_states(convert_text):
    stills = "".join(
        f'<div><figure><img src="data:image/png;base64,{PNG}" alt="sigma {n}"></figure></div>' for n in (1, 2, 3)
    )
    soup = convert_text([code("a", shown(f'<div style="display:flex;gap:1em">{stills}</div>'))])[1]
    assert [image["alt"] for image in soup.select(".states > figure > img")] == ["sigma 1", "sigma 2", "sigma 3"]


def test_a_single_still_is_no_slider(convert_text):
    still = '<div style="display:flex"><figure><img alt="a"></figure></div>'
    assert convert_text([code("a", shown(still))])[1].select(".states") == []


def test_printed_text_is_escaped(convert_text):
    soup = convert_text([code("print('<b>')", {"output_type": "stream", "text": ["<b> & ", "more\n"]})])[1]
    assert soup.select_one(".output pre").get_text() == "<b> & more"


def test_a_list_of_sections_is_added_where_the_text_has_none(convert_text):
    sections = "".join(f"## Part {n}\n\nText {n}.\n\n" for n in (1, 2, 3))
    soup = convert_text("# T\n\n" + sections)[1]
    assert [link["href"] for link in soup.select("nav.here a")] == ["#part-1", "#part-2", "#part-3"]
    own = "".join(f"- [{n}](#part-{n})\n" for n in (1, 2, 3))
    assert convert_text(f"# T\n\n{own}\n{sections}")[1].select("nav.here") == []
    assert convert_text(f"# T\n\n{own[:14]}\n{sections}")[1].select("nav.here")
    assert convert_text("# T\n\n## A\n\n## B\n")[1].select("nav.here") == []


def test_sections_hold_text_and_code_but_no_outputs(convert_text):
    cells = [
        {"cell_type": "markdown", "source": "# N\n\nIntro *now*.\n\n## A\n\nText."},
        code("x = 1", shown("<p>no</p>")),
    ]
    sections = convert_text(cells)[0].sections
    assert [(s.heading, s.level, s.text) for s in sections] == [("N", 1, "Intro now."), ("A", 2, "Text. x = 1")]


@pytest.mark.parametrize(
    "outputs",
    [
        3,
        [3],
        [{"data": []}],
        [{"data": {"text/html": 5}}],
        [{"data": {"text/html": '<img src="data:image/png;base64,a"'}}],
    ],
)
def test_a_notebook_with_damaged_outputs_is_named(tmp_path, outputs):
    cell = {"cell_type": "code", "source": "1", "outputs": outputs}
    (tmp_path / "a.ipynb").write_text(json.dumps({"cells": [cell]}))
    with pytest.raises(InputError, match=r"a\.ipynb cannot be read .* course\.py build"):
        convert(Page("a.ipynb", "a.html", "A", "Course"), tmp_path, {})
