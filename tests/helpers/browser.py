"""Chromium and axe-core for tests of pages, or the reason why they are not here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from fetched import AXE, fetched, lacking

from aitex_utils.teaching.slides.browser import find_browser

AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
# Opens all folded texts, and waits until the page has noticed it and has been laid out anew.
OPEN = """() => new Promise((done) => {
  for (const box of document.querySelectorAll("details")) box.open = true;
  requestAnimationFrame(() => setTimeout(done));
})"""


def need_browser() -> tuple[ModuleType, Path]:
    """Return Playwright and the program of a browser, or skip the test with the reason."""
    try:
        from playwright import sync_api
    except ImportError:
        lacking("Playwright is not installed: the section Tests in a browser of CONTRIBUTING.md has the command")
    program = find_browser()
    if program is None:
        lacking("there is no Chromium, Chrome or Edge on this computer: install one, or name it with COURSE_BROWSER")
    return sync_api, program


@contextmanager
def chromium() -> Iterator:
    """Yield a browser, or skip the test with the reason."""
    api, program = need_browser()
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def axe_script() -> str:
    """Return axe-core's script, or skip the test with the reason. It is not fetched where there is no browser."""
    need_browser()
    return fetched(AXE, ["axe.min.js"])["axe.min.js"].decode("utf-8")


def violations(page, axe: str) -> list[str]:
    """Return the rules of WCAG 2.1 A and AA that an open page breaks, with the first element of each, by axe-core.

    It first opens all folded texts of the page, because axe-core skips hidden text.
    """
    page.evaluate(OPEN)
    page.evaluate(axe)
    found = page.evaluate(
        "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})", AXE_TAGS
    )
    return [f"{v['id']}: {len(v['nodes'])}, {v['nodes'][0]['html'][:200]}" for v in found["violations"]]


def outside_requests(page) -> list[str]:
    """Return a list that fills with the addresses outside this computer that a page asks for."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if not _is_local(request.url) else None)
    return asked


def _is_local(address: str) -> bool:
    return address.startswith(("file:", "data:", "blob:", "about:"))


def site_page(folder: Path, name: str) -> str:
    """Return the address of a file of a site."""
    return (folder / name).as_uri()
