"""Text and results files say the same; the practice fabric holds to its demands."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import tables  # noqa: E402


@pytest.mark.parametrize("page", [p for p in tables.PAGES if p.is_file()], ids=lambda p: p.parent.name)
def test_a_page_s_tables_are_what_the_results_files_hold(page: Path):
    text = page.read_text(encoding="utf-8")
    assert "<!-- table:" in text
    assert tables.with_tables(text) == text, "run `python benchmarks/tables.py`"


def test_a_changed_figure_is_noticed(monkeypatch: pytest.MonkeyPatch):
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    found = tables.results("demo_aitex")
    fabric = next(iter(found))
    found[fabric]["pixel_ap"] += 0.01
    read = tables.results
    monkeypatch.setattr(tables, "results", lambda name: found if name == "demo_aitex" else read(name))
    assert tables.with_tables(page) != page


def test_the_practice_fabric_holds_to_its_demands():
    demands = tables.results("practice_fabric")["demands"]
    assert len(demands) == 8
    assert [d["demand"] for d in demands if not d["held"]] == []


def test_the_figure_of_results_has_a_mark_for_each_detector_and_fabric():
    import results_picture

    contest = tables.results("notebook_07")["practice"]
    axes = results_picture.drawn(contest).axes[0]
    marks = [line for line in axes.lines if line.get_linestyle() == "None"]
    values = {round(float(line.get_xdata()[0]), 4) for line in marks}
    expected = {of[key]["tile_auroc_c1"] for of in contest["fabrics"].values() for key in tables.DETECTORS}
    assert values == expected and len(axes.get_legend().get_texts()) == len(tables.DETECTORS)


def test_results_are_written_where_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tables, "RESULTS", tmp_path)
    tables.write_results("tried", {"b": [1, 2.5], "a": None})
    assert tables.results("tried") == {"b": [1, 2.5], "a": None}
    assert (tmp_path / "tried.json").read_text(encoding="utf-8").endswith("}\n")
