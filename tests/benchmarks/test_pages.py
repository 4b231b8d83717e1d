"""The pages contain what the results files contain."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pages
import pytest
import results_files


@pytest.mark.parametrize("page", [page for page in pages.PAGES if page.is_file()], ids=lambda page: page.parent.name)
def test_the_tables_of_a_page_are_those_of_the_results_files(page: Path):
    text = page.read_text(encoding="utf-8")
    assert "<!-- table:" in text
    assert pages.with_tables(text) == text, "run `python benchmarks/pages.py`"


CHANGED = [  # (page, results file, keys of a value that the page shows)
    (0, "accuracy_c", ("detectors", "anomalib", "mean_confirming", "tile_auroc")),
    (0, "speed", ("model", "fit_seconds")),
    (1, "demo_aitex", ("00", "pixel_ap")),
    (1, "independent", ("fabrics", "01", "ours", "aupro_0.3")),
    (1, "independent", ("fabrics", "04", "anomalib", "tile_auroc_c2")),
    (1, "independent", ("other_crop", "fabrics", "00", "anomalib", "tile_auroc")),
    (1, "independent", ("fabric_region", "right")),
    (1, "independent", ("measured", "seed")),
    (2, "capstone", ("a", "first", "recall", "k")),
    (2, "capstone", ("a", "second", "threshold")),
    (3, "capstone", ("b", "f1")),
]


@pytest.mark.parametrize(("index", "name", "keys"), CHANGED, ids=lambda value: str(value))
def test_a_changed_value_changes_the_page(
    index: int, name: str, keys: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    page = pages.PAGES[index].read_text(encoding="utf-8")
    for file in results_files.RESULTS.glob("*.json"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    results = part = results_files.read_results(name)
    for key in keys[:-1]:
        part = part[key]
    part[keys[-1]] += 1
    (tmp_path / f"{name}.json").write_text(json.dumps(results), encoding="utf-8")
    monkeypatch.setattr(results_files, "RESULTS", tmp_path)
    assert pages.with_tables(page) != page


def test_each_table_is_on_a_page():
    text = "".join(page.read_text(encoding="utf-8") for page in pages.PAGES)
    assert {name for _, name, _ in pages.PLACE.findall(text)} == set(pages.TABLES)


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: page.parent.name)
def test_each_picture_and_link_of_a_table_leads_to_a_file(page: Path):
    tables = [match[0] for match in pages.PLACE.finditer(page.read_text(encoding="utf-8"))]
    targets = [target for table in tables for target in re.findall(r"\]\(([^)]+)\)", table)]
    assert [target for target in targets if not (page.parent / target).is_file()] == []


def test_each_benchmark_is_in_the_table_of_commands():
    text = pages.PAGES[1].read_text(encoding="utf-8")
    heads = [path.read_text(encoding="utf-8")[:80] for path in results_files.BENCHMARKS.glob("*.py")]
    commands = {match[1] for head in heads if (match := re.match(r'"""`python course\.py bench (\w+)', head))}
    assert len(commands) >= 10
    assert set(re.findall(r"^\| `python course\.py bench (\w+)` \|", text, re.MULTILINE)) == commands
