"""The speed benchmark's own arithmetic: what is extrapolated, what is drawn. No time is tested."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import results_files
import speed

from aitex_utils.fast import bf16_bound
from aitex_utils.strips import list_strips

pytestmark = pytest.mark.usefixtures("one_thread")


def test_the_time_of_the_reference_is_extrapolated_from_its_first_choices(monkeypatch: pytest.MonkeyPatch):
    """Half a second for the first two choices, and a hundredth of a second for each further choice."""
    clock = [0.0]

    def choose(patches: np.ndarray, n: int, **options: object) -> tuple[np.ndarray, np.ndarray]:
        clock[0] += 0.5 + 0.01 * (n - 2)
        return np.arange(n), np.arange(n, 0, -1)

    monkeypatch.setattr(speed, "k_center_greedy_reference", choose)
    monkeypatch.setattr(speed.time, "perf_counter", lambda: clock[0])
    for k, chosen in ((1002, speed.TIMED_CHOICES + 2), (50, 50)):
        seconds, radii = speed.reference_seconds(np.ones((5, 2), np.float32), k)
        assert seconds == pytest.approx(0.5 + 0.01 * (k - 2)) and len(radii) == chosen


def test_a_row_of_the_coreset_says_how_far_off_its_radii_are(monkeypatch: pytest.MonkeyPatch):
    patches = np.random.default_rng(0).normal(size=(600, 8)).astype(np.float32)
    monkeypatch.setattr(speed, "practice_patches", lambda count: patches)
    monkeypatch.setattr(speed, "SIZES", (600,))
    monkeypatch.setattr(speed, "REPEATS", 1)
    monkeypatch.setattr(bf16_bound, "_multiplies_bf16_fast", lambda: True)
    (row,) = speed.measure_coreset(None)
    assert (row["patches"], row["chosen"]) == (600, 60) and "anomalib" not in row and row["ours_without_bf16"] > 0
    assert row["radius_off"] < 1e-5 and row["last_off"] < 1e-5
    right = speed.k_center_greedy

    def wrong(*args: object, **options: object) -> tuple[np.ndarray, np.ndarray]:
        indices, radii = right(*args, **options)
        return indices, radii * 1.01

    monkeypatch.setattr(speed, "k_center_greedy", wrong)
    (row,) = speed.measure_coreset(None)
    assert row["radius_off"] == pytest.approx(0.01, rel=0.01) and row["last_off"] == pytest.approx(0.01, rel=0.02)


def test_ten_times_as_many_strips_are_extrapolated_with_the_power(monkeypatch: pytest.MonkeyPatch):
    rows = [{"patches": n, "ours": 1e-9 * n**1.5} for n in (10, 50_000, 100_000, 400_000)]
    rows[0]["ours"] = 99.0  # too small to count
    assert speed.coreset_power(rows) == pytest.approx(1.5)
    output = '{"seconds": 400, "seconds_coming": 380}\n'
    monkeypatch.setattr(speed.subprocess, "run", lambda *_, **__: type("Done", (), {"stdout": output}))
    assert speed.measure_whole(rows)["seconds_ten_times"] == round(3800 + 10**1.5 * 20)
    assert "seconds_ten_times" not in speed.measure_whole([])


def test_the_figure_has_a_line_for_each_implementation():
    rows = [{"patches": n, "chosen": n // 10, "ours": n / 1e6, "reference": n / 1e4} for n in (10_000, 400_000)]
    lines = speed.draw(rows).axes[0].get_lines()
    assert [line.get_label() for line in lines] == ["one pass per choice", "ours"]
    np.testing.assert_allclose(lines[1].get_xydata(), [[10_000, 0.01], [400_000, 0.4]])
    assert len({line.get_linestyle() for line in lines}) == len({line.get_marker() for line in lines}) == 2


@pytest.mark.slow
def test_tiles_are_other_crops_where_strips_run_out(small_practice: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(speed, "PRACTICE", small_practice)
    few = speed.practice_tiles(5)
    assert few.shape == (5, 256, 256)
    many = speed.practice_tiles(60)  # three strips have some forty
    assert len(many) == 60 and len(np.unique(many.reshape(60, -1), axis=0)) == 60
    np.testing.assert_array_equal(many[:5], few)


def test_patches_are_projected(small_practice: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(speed, "PRACTICE", small_practice)
    patches = speed.practice_patches(1700, channels=16)
    assert patches.shape == (1700, 16) and patches.dtype == np.float32 and patches.flags.c_contiguous


def test_the_stream_of_strips_is_another_piece_each_time(small_practice: Path):
    strips = [strip for strip in list_strips(small_practice) if strip.is_normal][:2]
    stream = speed.StripStream(strips, 5)
    fabrics = list(stream)
    assert len(fabrics) == 5 and stream.end > 0
    np.testing.assert_array_equal(fabrics[2], fabrics[0][:, speed.SHIFT :])
    np.testing.assert_array_equal(fabrics[4], fabrics[0][:, 2 * speed.SHIFT :])


@pytest.mark.slow
def test_a_fit_on_the_stream_says_what_it_kept(small_practice: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(speed, "PRACTICE", small_practice)
    monkeypatch.setattr(speed, "AITEX_STRIPS", 2)
    monkeypatch.setattr(speed, "PatchCore", lambda **options: speed.__dict__["real"](size=128, **options))
    monkeypatch.setitem(speed.__dict__, "real", __import__("aitex_utils").PatchCore)
    measured = speed.fit_whole()
    assert measured["strips"] == 2 and measured["kept"] > 10 and measured["peak_gib"] > 0
    assert 0 <= measured["seconds_coming"] <= measured["seconds"]


@pytest.mark.slow
def test_the_parts_of_a_prediction_are_timed(small_practice: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(speed, "PRACTICE", small_practice)
    monkeypatch.setattr(speed, "MODEL_TILES", (3, 2))
    monkeypatch.setattr(speed, "REPEATS", 1)
    monkeypatch.setattr(speed, "RECIPE", {**speed.RECIPE, "size": 128})
    monkeypatch.setattr(bf16_bound, "_multiplies_bf16_fast", lambda: True)

    def seconds_of(work) -> float:
        work()
        return 6.0

    monkeypatch.setattr(speed, "seconds_of", seconds_of)

    class Runner:
        def run_script(self, script: str, arrays: dict, *arguments: object) -> dict[str, float]:
            assert len(arrays["training"]) == 3 and len(arrays["test"]) == 2
            return {"fit_seconds": 7.0, "seconds_per_tile": 0.5}

    measured = speed.measure_model(Runner())
    assert measured["tiles"] == 3 and measured["kept"] == round(0.1 * 3 * measured["patches_a_tile"])
    assert measured["anomalib_fit_seconds"] == 7 and measured["anomalib_tile_ms"] == 500
    per_tile = {
        "tile_ms",
        "backbone_ms",
        "backbone_by_eight_ms",
        "search_ms",
        "search_faiss_ms",
        "tile_without_bf16_ms",
    }
    assert {measured[name] for name in per_tile} == {3000} and measured["fit_seconds"] == 6


@pytest.mark.slow
def test_limits_are_positive():
    limits = speed.measure_limits()
    assert set(limits) == {"memory_gb_s", "float32_gflop_s", "bfloat16_gflop_s"} and min(limits.values()) > 0


def test_the_machine_is_described():
    machine = speed.describe_machine()
    assert machine["cores"] >= 1 and machine["threads"] >= 1 and machine["processor"]
    assert set(machine["flags"]) <= set(speed.FLAGS)


def test_a_second_processor_has_results_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(results_files, "RESULTS", tmp_path)
    monkeypatch.setattr(speed, "measure_limits", lambda: {"memory_gb_s": 1.0})
    monkeypatch.setattr(speed, "write_pages", lambda: None)
    assert speed.main(["--only", "limits", "--second"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["speed_second.json"]
    assert results_files.read_results("speed_second")["limits"] == {"memory_gb_s": 1.0}
