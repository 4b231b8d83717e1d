"""The pages contain what the results files contain."""

from __future__ import annotations

from pathlib import Path

import pages
import pytest
import results_files
import tables_demo


@pytest.mark.parametrize("page", [page for page in pages.PAGES if page.is_file()], ids=lambda page: page.parent.name)
def test_the_tables_of_a_page_are_those_of_the_results_files(page: Path):
    text = page.read_text(encoding="utf-8")
    assert "<!-- table:" in text
    assert pages.with_tables(text) == text, "run `python benchmarks/pages.py`"


def test_a_changed_value_changes_the_page(monkeypatch: pytest.MonkeyPatch):
    page = pages.PAGES[0].read_text(encoding="utf-8")
    results = results_files.read_results("demo_aitex")
    results[next(iter(results))]["pixel_ap"] += 0.01
    monkeypatch.setattr(tables_demo, "read_results", lambda name: results)
    assert pages.with_tables(page) != page


def test_only_the_text_between_the_comments_is_made(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(pages.TABLES, "some", lambda: "| a |\n")
    text = "before\n<!-- table: some -->\nold\n<!-- end -->\nafter <!-- end -->"
    assert pages.with_tables(text) == "before\n<!-- table: some -->\n| a |\n<!-- end -->\nafter <!-- end -->"


def test_a_page_without_its_results_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    whole, lacking = tmp_path / "whole.md", tmp_path / "lacking.md"
    whole.write_text("<!-- table: some -->\n<!-- end -->\n")
    lacking.write_text("<!-- table: demo_aitex -->\nold\n<!-- end -->\n")
    monkeypatch.setattr(pages, "PAGES", (lacking, tmp_path / "none.md", whole))
    monkeypatch.setitem(pages.TABLES, "some", lambda: "new\n")
    monkeypatch.setattr(results_files, "RESULTS", tmp_path)
    pages.write_pages()
    assert "new" in whole.read_text() and "old" in lacking.read_text()
    assert "demo_aitex.json" in capsys.readouterr().out
