"""The benchmark of inexact crops: every crop is measured, and the table shows what each costs on each fabric."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import crops
import pytest
import tables_crops
from crops import CROPS
from tables_crops import EXACT, losses


def test_a_loss_is_the_exact_crop_minus_the_inexact_one(monkeypatch: pytest.MonkeyPatch):
    measured = {
        EXACT: {"fabrics": {"00": {"tile_auroc": 0.99}, "02": {"tile_auroc": 0.95}}},
        "late": {"fabrics": {"00": {"tile_auroc": 0.90}, "02": {"tile_auroc": 0.96}}},
    }
    assert losses(measured, "late") == pytest.approx({"00": 0.09, "02": -0.01})
    for values, mean in zip(measured.values(), (0.97, 0.93), strict=True):
        values["mean"] = {"tile_auroc": mean, "pixel_ap": 0.25}
    monkeypatch.setattr(tables_crops, "read_results", lambda name: {"crops": measured, "fabrics": ["00", "02"]})
    assert tables_crops.crops_table().splitlines()[2:] == [
        "| exact | 0.990 | 0.950 | 0.970 |  | 0.250 |",
        "| late | 0.900 | 0.960 | 0.930 | +0.040 | 0.250 |",
    ]


@pytest.mark.slow
def test_each_crop_is_measured(
    small_practice: Path, small_fabric: str, quick: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    few = {EXACT: {}, "late": {"shifts": (24,)}}
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    monkeypatch.setattr(crops, "CROPS", few)
    monkeypatch.setattr(crops, "PARAMETERS", quick)
    results = crops.assemble({small_fabric: crops.measure_fabric(small_practice, small_fabric)})
    assert list(results) == list(few)
    scores = [results[crop]["fabrics"][small_fabric]["tile_auroc"] for crop in few]
    assert scores[0] != scores[1] and all(0 <= score <= 1 for score in scores)
    assert results[EXACT]["mean"]["tile_auroc"] == scores[0]


def test_the_names_of_the_crops_say_their_errors():
    for name, errors in CROPS.items():
        sizes = [abs(error) for drawn in errors.values() for error in drawn]
        assert bool(sizes) == (name != EXACT)
        assert len(set(sizes)) > 1 or all(str(size) in name for size in sizes)
