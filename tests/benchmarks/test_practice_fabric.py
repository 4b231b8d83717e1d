"""The demands on the practice fabric, each missed once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import practice_fabric
import pytest
from practice_fabric import PAPER_NAME, check_demands
from results_files import read_results

from aitex_utils.strips import DEFECTS, list_strips

pytestmark = pytest.mark.usefixtures("one_thread")
CODES = sorted(set(DEFECTS) - {"000"})


def measured() -> dict[str, Any]:
    """Return measurements that meet all demands."""
    names = ["our defaults", PAPER_NAME, "384 px"]
    means = {name: {"aitex": 0.8 + i / 50, "practice": 0.78 + i / 50} for i, name in enumerate(names)}
    return {
        "means": means,
        "c1": {"aitex": 0.97, "practice": 0.96},
        "pixels": {"aitex": [10, 100, 200], "practice": [10, 100, 200]},
        "seconds": [10.0, 20.0, 90.0],
        "is_reproducible": True,
        "codes": CODES,
    }


def test_all_demands_can_be_met():
    assert all(demand["met"] for demand in check_demands(**measured()))


@pytest.mark.parametrize(
    ("word", "change"),
    [
        ("under 30 s", {"seconds": [10.0, 40.0, 90.0]}),
        ("equal bytes", {"is_reproducible": False}),
        ("twelve", {"codes": CODES[1:]}),
        ("pixels", {"pixels": {"aitex": [10, 100, 200], "practice": [10, 120, 200]}}),
        ("protocol C1", {"c1": {"aitex": 0.97, "practice": 0.9}}),
        ("below 0.995", {"c1": {"aitex": 1.0, "practice": 0.999}}),
    ],
)
def test_one_missed_demand_is_noticed(word: str, change: dict[str, Any]):
    missed = [demand["demand"] for demand in check_demands(**{**measured(), **change}) if not demand["met"]]
    assert len(missed) == 1 and word in missed[0]


def test_another_accuracy_and_another_order_are_noticed():
    values = measured()
    values["means"][PAPER_NAME]["practice"] = 0.6
    missed = " ".join(demand["demand"] for demand in check_demands(**values) if not demand["met"])
    assert "protocol B" in missed and "Spearman" in missed


def test_the_stored_demands_are_the_demands_here_and_are_met():
    stored = read_results("practice_fabric")
    assert [demand["demand"] for demand in stored["demands"]] == [d["demand"] for d in check_demands(**measured())]
    assert [demand["demand"] for demand in stored["demands"] if not demand["met"]] == []
    assert set(stored["tile_auroc_b"]) == set(practice_fabric.CONFIGURATIONS)


def test_defect_pixels_are_counted_on_the_tiles_of_the_fabric(small_practice: Path):
    pixels = practice_fabric.defect_pixels(small_practice)
    masks = [strip.read_mask() for strip in list_strips(small_practice) if strip.masks]
    assert min(pixels) > 0 and sum(mask.sum() for mask in masks) <= sum(pixels)  # the last tile of a strip overlaps
    assert max(pixels) <= max(mask.sum() for mask in masks)


@pytest.mark.slow
def test_only_missing_rankings_are_measured(
    small_practice: Path, small_fabric: str, quick: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(practice_fabric, "CONFIGURATIONS", {"known": {"size": -1}, "new": quick})  # -1 is refused
    values = practice_fabric.measure_ranking(small_practice, [small_fabric], {"known": {small_fabric: 0.25}})
    assert values["known"] == {small_fabric: 0.25} and 0.5 < values["new"][small_fabric] <= 1


def test_a_ranking_is_kept_while_configuration_data_and_versions_are_the_same(monkeypatch: pytest.MonkeyPatch):
    kept = {name: {"00": 0.5} for name in practice_fabric.CONFIGURATIONS}
    stored: dict[str, Any] = {
        "generator": practice_fabric.GENERATOR,
        "seeds": practice_fabric.SEEDS,
        "versions": practice_fabric.versions(),
        "configurations": {name: dict(parameters) for name, parameters in practice_fabric.CONFIGURATIONS.items()},
        "by_fabric": {"aitex": kept, "practice": kept},
    }
    for parameters in stored["configurations"].values():
        if "layers" in parameters:
            parameters["layers"] = list(parameters["layers"])  # as JSON has it
    monkeypatch.setattr(practice_fabric, "read_results_if_any", lambda name: stored)
    assert practice_fabric.known_rankings() == {"aitex": kept, "practice": kept}
    stored["configurations"]["128 px"]["size"] = 64
    assert set(kept) - set(practice_fabric.known_rankings()["aitex"]) == {"128 px"}
    stored["generator"] = 0  # other practice fabric, the same AITEX
    assert set(practice_fabric.known_rankings()) == {"aitex"}
    stored["versions"] = {**stored["versions"], "numpy": "1.0"}
    assert practice_fabric.known_rankings() == {}


def test_equal_bytes_are_told_from_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    contents = iter([b"a", b"a", b"a", b"a", b"a", b"b"])

    def make(folder: Path) -> None:
        folder.mkdir(parents=True)
        (folder / "strip.png").write_bytes(next(contents))

    monkeypatch.setattr(practice_fabric, "make_practice_fabric", make)
    root, seconds, is_reproducible = practice_fabric.generate_three_times(tmp_path / "equal")
    assert is_reproducible and len(seconds) == 3 and (root / "strip.png").is_file()
    assert not practice_fabric.generate_three_times(tmp_path / "unequal")[2]
    assert np.all(np.array(seconds) >= 0)
