"""The pages of the whole course, rendered once for the tests of this folder, without KaTeX."""

from __future__ import annotations

import pytest
from project_root import ROOT

from aitex_utils.teaching.site.build import render
from aitex_utils.teaching.site.convert import convert
from aitex_utils.teaching.site.pages import find_pages


@pytest.fixture(scope="session")
def rendered():
    """Return the HTML of each page of the course, and the names of all its images."""
    pages = find_pages(ROOT)
    names = {page.source: page.file for page in pages}
    converted = {page.file: convert(page, ROOT, names) for page in pages}
    images = {name for content in converted.values() for name in content.images}
    return render(pages, converted), images
