"""The benchmark of inexact crops: every crop is measured with each detector, and the table shows the worst fabric."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import crops
import pytest
import tables_crops
from crops import CROPS
from tables_crops import EXACT, losses

RESULTS = {
    "ours": {
        EXACT: {"fabrics": {"00": {"tile_auroc": 0.99}, "02": {"tile_auroc": 0.95}}},
        "late": {"fabrics": {"00": {"tile_auroc": 0.90}, "02": {"tile_auroc": 0.96}}},
    }
}


def test_a_loss_is_the_exact_crop_minus_the_inexact_one():
    assert losses(RESULTS, "ours", "late") == pytest.approx({"00": 0.09, "02": -0.01})


@pytest.mark.slow
def test_each_crop_is_measured_with_each_detector(
    small_practice: Path, small_fabric: str, quick: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    few = {EXACT: {}, "late": {"shifts": (24,)}}
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    monkeypatch.setattr(crops, "CROPS", few)
    monkeypatch.setattr(crops, "SEEDS", 1)
    monkeypatch.setattr(crops, "DETECTORS", {"ours": quick, "paper": {**quick, "size": 96}})
    summaries = crops.measure_fabric(small_practice, small_fabric)
    results = crops.assemble({small_fabric: summaries})
    assert list(results) == ["ours", "paper"] and list(results["ours"]) == list(few)
    scores = {results[name][crop]["mean"]["tile_auroc"] for name in results for crop in few}
    assert len(scores) > 1 and all(0 <= score <= 1 for score in scores)
    results |= {"fabrics": [small_fabric]}
    monkeypatch.setattr(tables_crops, "read_results", lambda name: results)
    table = tables_crops.crops_table().splitlines()
    assert len(table) == 4 and table[3].startswith("| late |") and f"({small_fabric})" in table[3]


def test_the_names_of_the_crops_say_their_errors():
    for name, errors in CROPS.items():
        sizes = [abs(error) for drawn in errors.values() for error in drawn]
        assert bool(sizes) == (name != EXACT)
        assert len(set(sizes)) > 1 or all(str(size) in name for size in sizes)
