"""Chromium and axe-core for tests of pages, or the reason why they are not here."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from project_root import ROOT

from aitex_utils.teaching.slides.browser import find_browser

AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]


@contextmanager
def chromium() -> Iterator:
    """Yield a browser, or skip the test with the reason."""
    api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install playwright")
    program = find_browser()
    if program is None:
        pytest.skip("there is no Chromium on this computer: install it with the system's packages")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def axe_script() -> str:
    """Return axe-core's script, or skip the test with the reason."""
    archives = sorted((ROOT / "data" / "packages").glob("axe-core*.tgz"))
    if not archives:
        pytest.skip("axe-core is not in data/packages: run `npm pack axe-core` there")
    with tarfile.open(fileobj=io.BytesIO(archives[-1].read_bytes())) as archive:
        return archive.extractfile("package/axe.min.js").read().decode("utf-8")


def violations(page, axe: str) -> list[str]:
    """Return the rules of WCAG 2.1 A and AA that an open page breaks, with the first element of each, by axe-core."""
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
