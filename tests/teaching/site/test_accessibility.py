"""Accessibility of all notebooks and pages: by their structure, by the style sheet, and by axe-core in Chromium."""

from __future__ import annotations

import json
import re

import ipywidgets as widgets
import pytest
from accessible import bad_links, contrast, issues, stills_of_sliders, unlabelled
from browser import axe_script, chromium, need_browser, outside_requests, site_page, violations
from bs4 import BeautifulSoup
from fetched import lacking
from project_root import ROOT

from aitex_utils.errors import MissingError
from aitex_utils.teaching.site.build import HERE, build_site
from aitex_utils.teaching.site.pages import texts

SOLVED = sorted((ROOT / "notebooks" / "solved").glob("*.ipynb"))
STYLE = (HERE / "assets" / "site.css").read_text(encoding="utf-8")
GOOD = """<html lang="en"><body><main><h1 id="t">T</h1><a href="#a">A</a><a href="#b">B</a><a href="#c">C</a>
<h2 id="a">A</h2><img src="x.png" alt="A curve."><h3>D</h3><h2 id="b">B</h2><table><thead><tr><th scope="col">n</th>
</tr></thead></table><h2 id="c">C</h2><label for="s">S</label><input id="s"></main></body></html>"""
BREACHES = [
    ("<h1 id", "<h1>Two</h1><h1 id", "2 headings of level 1"),
    ("<h3>D</h3>", "<h4>D</h4>", "level 4 after level 2"),
    ("<h3>D</h3>", "<h3></h3>", "is empty"),
    (' alt="A curve."', "", "no alt text"),
    (' alt="A curve."', ' alt=""', "no alt text"),
    ('<th scope="col">n</th>', "<td>n</td>", "has no headers"),
    ('<th scope="col">n</th>', "<th>n</th>", "no direction"),
    (">n</th>", "></th>", "header is empty"),
    ('<a href="#b">B</a>', "", "1 of 3 sections"),
    ('<a href="#b">B</a>', '<a href="#b"></a>', "no text"),
    ('<a href="#c">', '<a href="#x">', "leads nowhere"),
    ('<label for="s">S</label>', "", "no label"),
    ("<h3>D</h3>", "<details>D</details>", "no summary"),
    ("<h3>D</h3>", "<button></button>", "button has no text"),
    ("<h3>D</h3>", '<div class="states"></div>', "no still image"),
    ("<h3>D</h3>", '<b style="color:red">bad</b>', "colour alone"),
    (' lang="en"', "", "no language"),
    ("<h3>D</h3>", '<p id="a">D</p>', "occurs twice"),
]


def colours(theme: str) -> dict[str, str]:
    """Return the colours of a theme by their names in the style sheet."""
    start = ":root {" if theme == "light" else ':root[data-theme="dark"] {'
    block = STYLE.split(start, 1)[1].split("}", 1)[0]
    return dict(re.findall(r"--(\w+): (#[0-9a-f]+)", block))


def test_a_good_page_has_no_issues():
    assert issues(GOOD) == []


@pytest.mark.parametrize(("part", "change", "said"), BREACHES)
def test_each_breach_is_noticed(part, change, said):
    assert part in GOOD
    assert any(said in issue for issue in issues(GOOD.replace(part, change)))


@pytest.mark.xdist_group("site")
def test_every_page_of_the_course(rendered):
    pages, images = rendered
    assert len(pages) > 20
    found = {name: issues(text) for name, text in pages.items()}
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


@pytest.mark.xdist_group("site")
def test_links_of_all_pages_lead_somewhere(rendered):
    pages, images = rendered
    assets = {f"assets/{name}" for name in ("site.css", "site.js", "katex.css", "katex.js")}
    assert bad_links(pages, {*pages, *images, *assets}) == []


@pytest.mark.xdist_group("site")
@pytest.mark.parametrize("path", SOLVED, ids=lambda path: path.stem)
def test_each_slider_has_its_stills(rendered, path):
    sliders = stills_of_sliders(texts(path))
    assert [call for call, stills in sliders if stills < 2] == []
    states = BeautifulSoup(rendered[0][f"{path.stem}.html"], "html.parser").find_all(class_="states")
    assert [len(one.find_all("figure")) for one in states] == [stills for _, stills in sliders]


def test_a_slider_without_stills_is_noticed_beside_others():
    def output(stills):
        return {"data": {"text/html": ['<div style="display:flex">', "<figure>" * stills, "</div>"]}}

    source = "show_with_sliders(draw, stills, x=X)\nsliders.show_with_sliders(draw, x=X)"
    cells = [
        {"cell_type": "markdown", "source": "Call `show_with_sliders(draw)`."},
        {"cell_type": "code", "source": "show_with_sliders(draw, stills, y=Y)", "outputs": [output(2)]},
        {"cell_type": "code", "source": source, "outputs": [{"text": "3"}, output(3), output(1)]},
        {"cell_type": "code", "source": "show_with_sliders(draw, z=Z)", "outputs": []},
    ]
    assert [stills for _, stills in stills_of_sliders(cells)] == [2, 3, 1, 0]
    assert "stills" in stills_of_sliders(cells)[1][0] and "stills" not in stills_of_sliders(cells)[2][0]


def test_only_modules_whose_tests_look_at_the_labels_make_widgets():
    files = [*(ROOT / "aitex_utils").rglob("*.py"), *(ROOT / "notebooks" / "source").glob("*.py")]
    makers = [path for path in files if re.search(r"(import|from) ipywidgets", path.read_text(encoding="utf-8"))]
    lessons = ROOT / "aitex_utils" / "lessons"
    assert {path.relative_to(lessons).as_posix() for path in makers} == {"sliders.py", "nb10/jobs.py", "nb10/panel.py"}


def test_a_widget_without_a_label_is_noticed():
    parts = [widgets.IntSlider(), widgets.Button(), widgets.HTML(), widgets.Checkbox(description="largest first")]
    box = widgets.VBox([widgets.HBox(parts), widgets.Tab([widgets.Text(description=" ")])])
    assert unlabelled(box) == ["IntSlider", "Button", "tab 0", "Text"]
    box.children[1].set_title(0, "Result")
    for control in (*parts, box.children[1].children[0]):
        control.description = "row"
    assert unlabelled(box) == []


def test_the_page_quotes_what_was_measured():
    text = " ".join((ROOT / "teaching" / "accessibility.md").read_text(encoding="utf-8").split())
    measured = json.loads((ROOT / "benchmarks" / "results" / "site.json").read_text(encoding="utf-8"))
    size, seconds = round(measured["megabytes"]), round(measured["cpu_seconds"])
    sentence = f"It had {measured['pages']} pages and {size} MB, and took {seconds} seconds of computing on one core."
    assert sentence in text
    assert f"The largest page had {measured['largest_page_megabytes']:.1f} MB without its pictures." in text
    assert f"npm pack katex@{measured['katex']}" in text


def test_contrast_is_that_of_the_standard():
    assert contrast("#000", "#ffffff") == 21 and contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_colour_of_text_has_enough_contrast(theme):
    named = colours(theme)
    grounds, texts = ("ground", "panel"), set(named) - {"ground", "panel", "line", "mark"}
    assert len(texts) == 8
    low = [(t, g) for t in texts for g in grounds if contrast(named[t], named[g]) < 4.5]
    assert low == []
    assert contrast(named["text"], named["mark"]) >= 4.5 and contrast(named["quiet"], named["mark"]) >= 4.5


def test_the_systems_dark_colours_are_the_chosen_dark_ones():
    block = STYLE.split('not([data-theme="light"]) {', 1)[1].split("}", 1)[0]
    assert dict(re.findall(r"--(\w+): (#[0-9a-f]+)", block)) == colours("dark")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Return the folder of the built site, or skip the test where KaTeX cannot be had."""
    need_browser()
    folder = tmp_path_factory.mktemp("built") / "site"
    try:
        build_site(folder)
    except MissingError as error:  # the registry cannot be reached
        lacking(str(error))
    return folder


@pytest.fixture(scope="module")
def axe():
    """Return axe-core's script, or skip the test before the site is built."""
    return axe_script()


@pytest.mark.slow
@pytest.mark.xdist_group("site")
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_no_violation_no_request_and_no_sideways_scrolling(axe, site, scheme, width):
    found = {}
    with chromium() as browser:
        for path in sorted(site.glob("*.html")):
            page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
            page.set_default_timeout(300_000)
            asked, errors = outside_requests(page), []
            page.on("pageerror", lambda error, errors=errors: errors.append(str(error)))
            page.goto(site_page(site, path.name))
            wrong = [*asked, *errors, *violations(page, axe)]
            excess, formulas = page.evaluate(
                "[document.documentElement.scrollWidth - innerWidth, document.querySelectorAll('.katex-error').length]"
            )
            wrong += [f"{excess} px too wide"] * (excess > 0) + [f"{formulas} formulas are wrong"] * (formulas > 0)
            if wrong:
                found[path.name] = wrong
            page.close()
    assert found == {}


@pytest.mark.slow
@pytest.mark.xdist_group("site")
def test_a_violation_and_a_request_are_noticed(axe, tmp_path):
    bad = '<html><title>t</title><img src="http://localhost:9/x.png"><details><summary>Solution</summary>'
    bad += '<p style="color:#999">pale</p></details></html>'  # what is folded is looked at, too
    (tmp_path / "bad.html").write_text(bad, encoding="utf-8")
    with chromium() as browser:
        page = browser.new_page()
        asked = outside_requests(page)
        page.goto(site_page(tmp_path, "bad.html"))
        found = {issue.split(":")[0] for issue in violations(page, axe)}
        assert {"image-alt", "color-contrast", "html-has-lang"} <= found
        assert asked == ["http://localhost:9/x.png"]


@pytest.mark.slow
@pytest.mark.xdist_group("site")
def test_search_theme_states_and_keyboard(site):
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(120_000)
        asked = outside_requests(page)
        page.goto(site_page(site, "02_understanding_patchcore.html"))
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the text"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "site-main"
        page.get_by_role("searchbox", name="Search").fill("covering radius")
        page.wait_for_selector("#site-results li")
        assert "sections found" in page.text_content("#site-results [role=status]")
        page.keyboard.press("Escape")
        assert page.is_hidden("#site-results")
        page.get_by_role("button", name="Colours").click()
        assert page.evaluate("document.documentElement.dataset.theme") == "light"
        slider = page.locator(".state-control input").first
        slider.focus()
        page.keyboard.press("Home")
        assert slider.get_attribute("aria-valuetext") == page.locator(".states img").first.get_attribute("alt")
        page.keyboard.press("End")
        assert page.locator(".states").first.locator("figure:visible").count() == 2
        assert page.locator(".katex").count() > 20
        page.emulate_media(media="print")
        assert (
            page.is_hidden("#site-contents")
            and page.locator(".put-away:visible").count() == page.locator(".put-away").count()
        )
        assert asked == []
