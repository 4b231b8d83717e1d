"""Tables made from results by hand."""

from __future__ import annotations

from typing import Any

import pytest
import tables_accuracy
import tables_practice
import tables_speed


def rows(table: str) -> list[list[str]]:
    """Return the cells of a Markdown table below its head."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.strip().splitlines()[2:]]


@pytest.fixture
def accuracy(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Let the tables of accuracy be made from results that a test fills, equal for all protocols."""
    results: dict[str, Any] = {"ours_minus": {}, "detectors": {}}
    monkeypatch.setattr(tables_accuracy, "read_results", lambda name: results)
    return results


def test_a_detector_that_was_not_run_has_dashes(accuracy: dict[str, Any]):
    by_fabric = {"00": {"by_seed": [{"tile_auroc": 0.7}]}, "02": {"by_seed": [{"tile_auroc": 0.9}]}}
    mean = {"tile_auroc": 0.75, "intervals": {"tile_auroc": [0.7, 0.8]}}
    accuracy["detectors"] = {"ours": {"mean": mean, "fabrics": by_fabric}}
    by_label = {row[0]: row[1:] for row in rows(tables_accuracy.headline_table())}
    assert by_label["split by tile (B)"] == ["0.750 (0.700–0.800)", "–", "–"]
    assert by_label["first split only"] == ["0.800", "–", "–"]
    assert by_label["split by strip (C), pixel AP"] == ["–", "–", "–"]


def test_differences_have_a_column_for_each_set_of_fabrics(accuracy: dict[str, Any]):
    accuracy["ours_minus"] = {"paper": {"tile_auroc": [0.1, 0.05, 0.15]}}
    accuracy["ours_minus_confirming"] = {"paper": {"tile_auroc": [0.2, -0.1, 0.3]}}
    table = rows(tables_accuracy.differences_table())
    assert [row[0] for row in table] == ["A", "B", "C"]
    expected = ["+0.100 (+0.050 to +0.150)", "–", "+0.200 (-0.100 to +0.300)"]
    assert table[0][1:] == ["the paper's recipe", "tile AUROC", *expected]


def test_defects_are_averaged_by_their_tiles(accuracy: dict[str, Any]):
    def fabrics(*aurocs: float) -> dict[str, Any]:
        tiles = (1, 3)
        codes = [{"002": {"tiles": n, "tile_auroc": a}} for n, a in zip(tiles, aurocs, strict=True)]
        return {"fabrics": {"00": {"codes": codes[0]}, "02": {"codes": codes[1]}}}

    accuracy["detectors"] = {"ours": fabrics(1.0, 0.6), "paper": fabrics(0.0, 0.4)}
    assert rows(tables_accuracy.codes_table()) == [["002 broken end", "4", "0.700", "0.300"]]


def test_a_demand_that_is_missed_stands_out(monkeypatch: pytest.MonkeyPatch):
    demands = [
        {"demand": "small", "measured": {"practice": [1.0, 2.0], "aitex": [3.0, 4.0]}, "met": True},
        {"demand": "fast", "measured": 40.0, "met": False},
    ]
    monkeypatch.setattr(tables_practice, "read_results", lambda name: {"demands": demands})
    expected = [["small", "practice 1 and 2; aitex 3 and 4", "met"], ["fast", "40.0", "**missed**"]]
    assert rows(tables_practice.demands_table()) == expected


def test_the_time_of_coreset_sampling_is_compared_with_ours(monkeypatch: pytest.MonkeyPatch):
    measured = [{"patches": n, "chosen": n // 10, "ours": n / 1e6, "reference": n / 1e4} for n in (10_000, 400_000)]
    monkeypatch.setattr(tables_speed, "read_results", lambda name: {"coreset": measured})
    table = tables_speed.coreset_table()
    assert rows(table.split("\n\n")[1])[0] == ["10,000", "1,000", "0.01 s", "1.0 s, 100.0 times", "–"]
    caption = tables_speed.coreset_caption(measured)
    assert "10 to 400 thousand" in caption and caption.endswith("one pass per choice 1 to 40 s; ours 0.01 to 0.4 s.")
    assert table.startswith(f"![{caption}]")
