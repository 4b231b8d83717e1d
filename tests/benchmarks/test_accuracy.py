"""The benchmark of accuracy: what is compared, what goes into the file, and its command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import accuracy
import numpy as np
import pytest
from comparison import Summary
from results_files import read_results

pytestmark = pytest.mark.usefixtures("one_thread")


def summary(value: float) -> Summary:
    return Summary({"x": value, "by_seed": [{"x": value}]}, {"x": np.full((1, 4), value)})


def test_means_and_differences_are_also_those_of_the_fabrics_that_confirm():
    values = {"ours": (0.9, 0.8, 0.7), "paper": (0.6, 0.6, 0.6)}
    fabrics = ("00", "02", "03")
    summaries = {name: dict(zip(fabrics, map(summary, aurocs), strict=True)) for name, aurocs in values.items()}
    results = accuracy.assemble("C", fabrics, summaries)
    assert results["missing"] == ["06"]
    assert results["ours_minus"]["paper"]["x"] == pytest.approx([0.2] * 3)
    assert results["ours_minus_chosen"]["paper"]["x"] == pytest.approx([0.25] * 3)
    assert results["ours_minus_confirming"]["paper"]["x"] == pytest.approx([0.1] * 3)
    assert results["detectors"]["ours"]["mean_confirming"]["x"] == pytest.approx(0.7)
    assert results["detectors"]["ours"]["mean"]["x"] == pytest.approx(0.8)
    pooled = accuracy.assemble(
        "A", fabrics, {name: {"00_02_03": summary(aurocs[0])} for name, aurocs in values.items()}
    )
    assert "ours_minus_chosen" not in pooled and "mean_chosen" not in pooled["detectors"]["ours"]


def test_anomalib_has_the_coreset_ratio_of_the_protocol():
    assert "anomalib" not in accuracy.detectors_of("C", with_anomalib=False)
    ratios = {p: accuracy.detectors_of(p, with_anomalib=True)["anomalib"]["coreset_ratio"] for p in "BC"}
    assert ratios == {"B": 0.10, "C": 0.01}
    pooled = accuracy.detectors_of("A", with_anomalib=False)
    assert list(pooled) == ["ours", "everywhere", "paper"]
    assert {parameters["coreset_ratio"] for parameters in pooled.values()} == {0.01}


def test_only_ours_finds_the_fabric_and_sees_whole_strips(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(accuracy.protocol_a, "protocol_a", lambda *args, find_fabric: find_fabric)
    monkeypatch.setattr(accuracy.protocol_c, "protocol_c", lambda *args, on_strips: on_strips)

    def option(protocol: str, name: str) -> bool:
        return accuracy.tests_of(protocol, name, {}, Path("none"), ("00",), None, range(1), None)()

    assert {name: option("A", name) for name in ("ours", "everywhere", "paper")} == {
        "ours": True,
        "everywhere": False,
        "paper": False,
    }
    assert option("C", "ours") and not option("C", "paper")


@pytest.mark.slow
@pytest.mark.parametrize("protocol", "ABC")
def test_a_run_writes_what_the_stored_file_contains(
    protocol: str,
    small_practice: Path,
    small_fabric: str,
    quick: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    monkeypatch.setattr(accuracy, "OURS", {**quick, "normalize_positions": True, "background_quantile": 0.25})
    monkeypatch.setattr(accuracy, "PAPER_320", quick)
    monkeypatch.setattr(accuracy, "POOLED", {})
    monkeypatch.setattr(accuracy.measure_cost, "__defaults__", (2, 1))
    results = json.loads(json.dumps(accuracy.run(protocol, small_practice, [small_fabric], 1, 0)))
    stored = read_results(f"accuracy_{protocol.lower()}")
    of_subsets = {"ours_minus_chosen", "ours_minus_confirming", "mean_chosen", "mean_confirming"}
    assert set(results) == set(stored) - of_subsets
    ours, stored_ours = results["detectors"]["ours"], stored["detectors"]["ours"]
    assert set(ours) == set(stored_ours) - of_subsets
    later = {"colour"} if protocol == "C" else set()  # parameters that PatchCore got since the file was written
    assert set(ours["parameters"]) == set(stored_ours["parameters"]) | later
    assert not later & set(stored_ours["parameters"])
    measures, stored_measures = (next(iter(results["fabrics"].values())) for results in (ours, stored_ours))
    assert set(measures) == set(stored_measures) and set(measures["intervals"]) == set(stored_measures["intervals"])
    assert 0.5 < measures["tile_auroc"] <= 1
    strips = results["strips"][small_fabric]
    assert len(strips["normal"]) == 3 and len(strips["defective"]) == 4
    assert ("fitted" in strips) == (protocol == "C")


def test_a_fabric_that_is_missing_is_named(
    small_practice: Path, small_fabric: str, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    ran = []
    monkeypatch.setattr(accuracy, "run", lambda protocol, root, fabrics, *seeds: ran.append((protocol, fabrics)) or {})
    monkeypatch.setattr(accuracy, "write_results", lambda *_: None)
    monkeypatch.setattr(accuracy, "write_pages", lambda: None)
    arguments = ["--protocol", "B", "--data", str(small_practice), "--fabrics", small_fabric, "77"]
    assert accuracy.main(arguments) == 0 and ran == [("B", [small_fabric])]
    assert "Fabric 77 " in capsys.readouterr().err
    assert accuracy.main(["--data", str(small_practice), "--fabrics", "77"]) == 1
    assert "--fabrics" in capsys.readouterr().err


def test_the_ablation_follows_if_it_is_wanted(small_practice: Path, small_fabric: str, monkeypatch: pytest.MonkeyPatch):
    called = []
    monkeypatch.setattr(accuracy, "run", lambda *_: {})
    monkeypatch.setattr(accuracy, "write_results", lambda *_: None)
    monkeypatch.setattr(accuracy, "write_pages", lambda: None)
    done = type("Done", (), {"returncode": 3})
    monkeypatch.setattr(accuracy.subprocess, "run", lambda command: called.append(command) or done)
    arguments = ["--protocol", "B", "--data", str(small_practice), "--fabrics", small_fabric, "--ablation"]
    assert accuracy.main(arguments) == 3
    assert called[0][1].is_file() and called[0][1].name == "ablation.py"
    assert [str(part) for part in called[0][2:]] == ["--data", str(small_practice)]
