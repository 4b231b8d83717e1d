"""Tables made from results by hand."""

from __future__ import annotations

from typing import Any

import pytest
import results_files
import tables_accuracy
import tables_demo
import tables_front
import tables_independent
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
    expected = [["small", "practice fabric 1 and 2; AITEX 3 and 4", "met"], ["fast", "40.0", "**missed**"]]
    assert rows(tables_practice.demands_table()) == expected


def test_the_time_of_coreset_sampling_is_compared_with_ours(monkeypatch: pytest.MonkeyPatch):
    measured = [{"patches": n, "chosen": n // 10, "ours": n / 1e6, "reference": n / 1e4} for n in (10_000, 400_000)]
    monkeypatch.setattr(tables_speed, "read_results", lambda name: {"coreset": measured})
    table = tables_speed.coreset_table()
    assert rows(table.split("\n\n")[1])[0] == ["10,000", "1,000", "0.01 s", "1.0 s, 100.0 times", "–"]
    caption = tables_speed.coreset_caption(measured)
    assert "10 to 400 thousand" in caption and caption.endswith("one pass per choice 1 to 40 s; ours 0.01 to 0.4 s.")
    assert table.startswith(f"![{caption}]")


def test_independent_results_have_dashes_intervals_and_a_mean_with_the_demo(monkeypatch: pytest.MonkeyPatch):
    ours = dict.fromkeys(tables_demo.MEASURES, 0.9) | {"tile_auroc_c1_interval": [0.8, 1.0]}
    counts = {"strips_fitted": 5, "strips_tested": 6, "tiles_defective": 7}
    fabrics = {"01": {**counts, "ours": ours, "anomalib": {"tile_auroc_c1": 0.7}}}
    demo = {"00": dict.fromkeys(tables_demo.MEASURES, 0.6), "02": dict.fromkeys(tables_demo.MEASURES, 0.3)}
    results = {"independent": {"fabrics": fabrics}, "demo_aitex": demo}
    monkeypatch.setattr(tables_independent, "read_results", results.get)
    assert rows(tables_independent.independent_table()) == [
        ["01", "ours", "0.900 (0.800–1.000)", *["0.900"] * 5, "5", "6", "7"],
        ["01", "anomalib 2.7", "0.700", *["–"] * 5, "5", "6", "7"],
        ["mean over 3 fabrics", "ours", *["0.600"] * 6, "", "", ""],
    ]


@pytest.mark.parametrize(("fast", "words"), [(True, "2 cores with fast bfloat16"), (False, "2 cores")])
def test_the_front_page_shows_each_detector_and_the_speed(fast: bool, words: str, monkeypatch: pytest.MonkeyPatch):
    mean = {"tile_auroc": 0.9, "intervals": {"tile_auroc": [0.8, 1.0]}}
    model = {"tiles": 3, "fit_seconds": 0.5, "anomalib_fit_seconds": 40.0, "tile_ms": 20.0, "anomalib_tile_ms": 60.0}
    results = {
        "accuracy_c": {"detectors": {"ours": {"mean": mean, "mean_confirming": {"tile_auroc": 0.7}}}},
        "speed": {"model": model, "machine": {"cores": 2, "has_fast_bf16": fast}},
    }
    monkeypatch.setattr(tables_front, "read_results", results.get)
    table, lines = tables_front.front_table().split("\n\n")
    assert [row[1:] for row in rows(table)] == [["0.900 (0.800–1.000)", "–", "–"], ["0.700", "–", "–"]]
    ours = f"on {words}. Our detector fits 3 tiles in 0.50 s and predicts a tile in 20 ms."
    assert " ".join(lines.split()).endswith(f"{ours} anomalib takes 40 s and 60 ms.")


def test_the_speed_is_stated_without_anomalib_too(monkeypatch: pytest.MonkeyPatch):
    """`bench speed` without `--anomalib` writes no times of anomalib, and makes the pages anew."""
    results = results_files.read_results("speed")
    measured = {name: value for name, value in results["model"].items() if "anomalib" not in name}
    rows = [{name: value for name, value in row.items() if name != "anomalib"} for row in results["coreset"]]

    def read(name: str) -> dict[str, Any]:
        return {**results, "model": measured, "coreset": rows} if name == "speed" else results_files.read_results(name)

    for module in (tables_speed, tables_front):
        monkeypatch.setattr(module, "read_results", read)
    words = " ".join([*tables_speed.speed_in_words().split(), *tables_front.speed_sentence().split()])
    assert "anomalib" not in words and " s. With one pass" in words and words.endswith(" ms.")
