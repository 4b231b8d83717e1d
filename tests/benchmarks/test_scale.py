"""The benchmark of several processes, at a tiny size, and its calculation for a mill."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import results_files
import scale
import tables_scale
from tables_scale import MILL_STRIPS, SIZES, STEPS, bill, constants

from aitex_utils.patchcore import PatchCore
from aitex_utils.strips import list_strips


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, small_practice: Path) -> None:
    """Measure little: small pictures, few strips, few vectors."""
    monkeypatch.setattr(scale, "PRACTICE", small_practice)
    monkeypatch.setattr(scale, "PatchCore", lambda **options: PatchCore(size=64, **options))
    monkeypatch.setattr(scale, "FEWER", 3000)
    monkeypatch.setattr(scale, "AITEX_STRIPS", 4)
    monkeypatch.setattr(scale, "BLOCK_SIZE", 3000)
    monkeypatch.setattr(scale, "WHOLE_STRIPS", (2, 3))
    monkeypatch.setattr(scale, "QUALITY_BLOCK", 3000)
    monkeypatch.setattr(scale, "QUALITY_FABRIC", list_strips(small_practice)[0].fabric)
    monkeypatch.setattr(scale, "VECTORS", 3000)
    monkeypatch.setattr(scale, "QUERIES", 50)
    monkeypatch.setattr(scale, "CHANNELS", 16)
    monkeypatch.setattr(scale, "NLIST", 16)
    monkeypatch.setattr(scale, "NPROBES", (1, 16))


def here(name: str, **arguments: Any) -> dict[str, Any]:
    """Run a measurement in this process."""
    return scale.MEASUREMENTS[name](**arguments)


def practice_vectors(count: int, channels: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return (rng.normal(size=(count, channels)) + 5 * rng.integers(4, size=(count, 1))).astype(np.float32)


@pytest.mark.slow
def test_all_parts_are_measured_and_fill_the_tables(small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(results_files, "RESULTS", tmp_path)
    monkeypatch.setattr(scale, "in_own_process", here)
    monkeypatch.setattr(scale.measure_fits, "__defaults__", (*scale.measure_fits.__defaults__[:-1], here))
    monkeypatch.setattr(scale.measure_whole, "__defaults__", ((), here))
    monkeypatch.setattr(scale, "practice_patches", practice_vectors)
    monkeypatch.setattr(scale, "write_pages", lambda: None)
    monkeypatch.setattr(scale.measure_quality, "__defaults__", (scale.PRACTICE,))
    assert scale.main(["--times", "3", "--workers", "2", "0"]) == 0
    results = json.loads((tmp_path / "scale.json").read_text())
    fits = results["fits"]
    assert [(row["times"], row["strips"], row["workers"]) for row in fits] == [(3, 12, 0), (3, 12, 2)]
    assert all(row["equal"] is True for row in fits)
    for row in fits:
        assert 0 < row["last_choice_seconds"] < row["seconds"] and row["cpu_seconds"] > 0
        assert 0.1 < row["largest_gib"] <= row["total_gib"] and (row["picture_bytes"] > 0) == (row["workers"] > 0)
        assert row["kept"] == pytest.approx(0.01 / row["times"] * row["patches"], abs=1)
        uses_network = row["workers"] > 0 and scale.has_dask()
        # Messages name blocks; pictures and vectors travel in files.
        assert (0 < row["network_bytes"] < row["picture_bytes"]) if uses_network else row["network_bytes"] == 0
    assert [row["strips"] for row in results["whole"]] == [2, 3]
    quality = results["quality"]
    assert list(quality) == ["single", "blocks", "tree"]
    for found in quality.values():
        assert found["mean_distance"] < found["largest_distance"] and 0.5 < found["tile_auroc"] <= 1
    assert quality["single"]["bound"] <= quality["blocks"]["bound"]
    search = results["search"]
    assert search["shards_1"]["equal"] and search["shards_2"]["equal"]
    assert search["disk"]["rows"][-1]["recall"] == 1
    monkeypatch.setattr(tables_scale, "read_results", lambda name: results)
    for table in tables_scale.TABLES.values():
        assert len(table().splitlines()) >= 4


def test_rows_of_fits_are_added_kept_after_each_fit_and_compared_with_one_process():
    paces = iter(range(100))

    def measured(name: str, strips: int = 0, workers: int = 0, ratio: float = 0.0) -> dict[str, Any]:
        if name == "extract_alone":
            return {"seconds": next(paces)}
        if workers == 3:
            raise KeyboardInterrupt
        return {"strips": strips, "workers": workers, "digest": "a" if workers < 2 else "b", "ratio": ratio}

    kept: list[list[dict[str, Any]]] = []
    rows = scale.measure_fits([2], [2], (), kept.append, measured)
    assert [(row["workers"], row["equal"], row["strip_seconds"]) for row in rows] == [(2, None, 0.5)]
    with pytest.raises(KeyboardInterrupt):
        scale.measure_fits([2], [1, 0, 3], rows, kept.append, measured)
    assert [len(rows) for rows in kept] == [1, 2, 3]
    assert [(row["workers"], row["equal"]) for row in kept[-1]] == [(0, True), (1, True), (2, False)]
    # Another kind of processor has other digests: its rows are kept beside them, and compared with each other.
    elsewhere = [{**row, "processor": "P", "digest": "c"} for row in kept[-1] if row["workers"]]
    both = scale.with_comparison([*elsewhere, *kept[-1]])
    assert [row["equal"] for row in both if row["processor"] == "P"] == [True, True]
    assert [row["equal"] for row in both if row["processor"] != "P"] == [True, True, False]
    again = scale.measure_fits([1, 2], [0], kept[-1], kept.append, measured)
    assert [(row["times"], row["workers"]) for row in again] == [(1, 0), (2, 0), (2, 1), (2, 2)]
    assert [row["ratio"] for row in again[:2]] == [0.01, 0.005] and again[0]["strips"] == scale.AITEX_STRIPS


RESULTS = {
    "ratio": 0.01,
    "fits": [
        {
            "processor": processor,
            "strips": strips,
            "workers": workers,
            "block_cpu_seconds": 200.0,
            "patches": 1_000_000,
            "picture_bytes": 100 * 2**20 * (workers > 0),
            "kept": 10_000,
            "channels": 256,
            "union_bytes": 15_000 * 1024,
            "sample_bytes": 50_000 * 1024,
            "last_choice_seconds": 2.25,
        }
        for processor, strips, workers in (("P", 100, 0), ("P", 100, 1), ("of another day", 900, 0))
    ],
    "search": {"processor": "P", "index": {"seconds": 10.0}, "queries": 1000, "vectors": 1_000_000, "channels": 128},
}


def test_the_constants_are_costs_of_one_strip():
    found = constants(RESULTS)
    assert found == {
        "cpu_seconds": 2.0,
        "patches": 10_000,
        "picture_bytes": 2**20,
        "vector_bytes": 1024,
        "choice_nanoseconds": pytest.approx(10),
        "search_nanoseconds": pytest.approx(20),  # in twice as many channels as were searched
    }


def test_the_bill_multiplies_them_and_names_the_step_that_breaks_first():
    found = bill(RESULTS, {"cores": 4, "memory_gib": 16.0, "disk_gib": 500.0})
    assert SIZES["100 looms, a day"] == MILL_STRIPS == 576_000
    million = found["sizes"]["a million strips"]
    assert million["extraction"] == pytest.approx(2e6 / 86_400)
    assert million["pictures"] == pytest.approx(1e6 / 1024)
    union = 1.5 * 0.01 * 1e10
    assert million["blocks"] == pytest.approx(union / 2**20)
    assert million["choice"] == pytest.approx(union**2 * 1e-8 / 86_400)
    assert million["search"] == pytest.approx(1e10 * 1e8 * 2e-8 / 86_400)
    assert million["tree_search"] == pytest.approx(1e10 * 16_384 * 2e-8 / 86_400)
    assert found["breaks_at_strips"]["extraction"] == pytest.approx(4 * 86_400 / 2)
    assert found["order"] == sorted(STEPS, key=found["breaks_at_strips"].__getitem__)
    for name, strips in found["breaks_at_strips"].items():
        limit = {"extraction": 4, "search": 4, "tree_search": 4, "choice": 1, "union": 16}.get(name, 500)
        scaled = million[name] * (strips / 1e6) ** (2 if name in ("choice", "search") else 1)
        assert scaled == pytest.approx(limit)


def test_the_stream_has_as_many_crops_as_it_says_and_all_differ(small_practice: Path):
    strips = [strip for strip in list_strips(small_practice) if strip.is_normal]
    stream = scale.Stream(strips, 7)
    crops = list(stream)
    assert len(crops) == 7 and len({crop.tobytes() for crop in crops}) == 7
    assert stream.nbytes == sum(crop.nbytes for crop in crops)
    assert list(stream) and stream.nbytes == sum(crop.nbytes for crop in crops)
    assert {crop.shape[0] for crop in crops} == {256} and min(crop.shape[1] for crop in crops) > 1000


def test_the_watch_sees_memory_and_time_of_children():
    import subprocess
    import sys

    code = "import time; taken = bytearray(400 * 2**20); end = time.process_time() + 0.3\n"
    code += "while time.process_time() < end: pass"
    with scale.Watch() as watch:
        subprocess.run([sys.executable, "-c", code], check=True)
    assert watch.total_bytes > 400 * 2**20 and watch.total_bytes >= watch.largest_bytes
    assert watch.cpu_seconds > 0.2
