"""The speed benchmark's own arithmetic: what is extrapolated, what is drawn. No time is tested."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import speed  # noqa: E402


def test_the_obvious_way_is_told_from_its_first_choices(monkeypatch: pytest.MonkeyPatch):
    """Half a second to begin with, and a hundredth for each further choice."""
    clock = [0.0]

    def choose(patches: np.ndarray, n: int, **rest: object) -> tuple[np.ndarray, np.ndarray]:
        clock[0] += 0.5 + 0.01 * (n - 2)
        return np.arange(n), np.arange(n, 0, -1)

    monkeypatch.setattr(speed, "k_center_greedy_obvious", choose)
    monkeypatch.setattr(speed.time, "perf_counter", lambda: clock[0])
    for k, chosen in ((1002, speed.TIMED + 2), (50, 50)):
        seconds, radii = speed.obvious_seconds(np.ones((5, 2), np.float32), k)
        assert seconds == pytest.approx(0.5 + 0.01 * (k - 2)) and len(radii) == chosen


def test_a_coreset_s_row_says_how_far_off_its_radii_are(monkeypatch: pytest.MonkeyPatch):
    patches = np.random.default_rng(0).normal(size=(600, 8)).astype(np.float32)
    monkeypatch.setattr(speed, "patches_for", lambda count: patches)
    monkeypatch.setattr(speed, "SIZES", ((600, 0.1),))
    monkeypatch.setattr(speed, "REPEATS", 1)
    (row,) = speed.coreset(None)
    assert (row["patches"], row["chosen"]) == (600, 60) and "anomalib" not in row
    assert row["radius_off"] < 1e-5 and row["last_off"] < 1e-5
    right = speed.k_center_greedy

    def wrong(*given: object, **rest: object) -> tuple[np.ndarray, np.ndarray]:
        indices, radii = right(*given, **rest)
        return indices, radii * 1.01

    monkeypatch.setattr(speed, "k_center_greedy", wrong)
    (row,) = speed.coreset(None)
    assert row["radius_off"] == pytest.approx(0.01, rel=0.01) and row["last_off"] == pytest.approx(0.01, rel=0.02)


def test_ten_times_as_many_strips_are_told_by_the_curve(monkeypatch: pytest.MonkeyPatch):
    rows = [{"patches": n, "ours": 1e-9 * n**1.5} for n in (10, 50_000, 100_000, 400_000)]
    rows[0]["ours"] = 99.0  # too small to be asked
    assert speed.growth(rows) == pytest.approx(1.5)
    told = '{"seconds": 400, "seconds_coming": 380}'
    monkeypatch.setattr(speed.subprocess, "run", lambda *given, **rest: type("Done", (), {"stdout": told + "\n"}))
    assert speed.whole(rows)["seconds_ten_times"] == round(3800 + 10**1.5 * 20)
    assert "seconds_ten_times" not in speed.whole([])


def test_the_figure_has_a_line_for_each_way_and_says_how_far_it_goes():
    rows = [{"patches": n, "chosen": n // 10, "ours": n / 1e6, "obvious": n / 1e4} for n in (10_000, 400_000)]
    lines = speed.drawn({"coreset": rows}).axes[0].get_lines()
    assert [line.get_label() for line in lines] == ["one pass a choice", "ours"]
    np.testing.assert_allclose(lines[1].get_xydata(), [[10_000, 0.01], [400_000, 0.4]])
    told = speed.speed_sentence(rows)
    assert "from 10 to 400 thousand" in told and told.endswith("one pass a choice 1 to 40 s; ours 0.01 to 0.4 s.")


def test_tiles_are_other_crops_where_strips_run_out(small_practice: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(speed, "PRACTICE", small_practice)
    few = speed.fabric_tiles(5)
    assert few.shape == (5, 256, 256)
    many = speed.fabric_tiles(60)  # three strips hold some forty
    assert len(many) == 60 and len(np.unique(many.reshape(60, -1), axis=0)) == 60
    np.testing.assert_array_equal(many[:5], few)


def test_patches_are_projected(small_practice: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(speed, "PRACTICE", small_practice)
    found = speed.patches_for(1700, channels=16)
    assert found.shape == (1700, 16) and found.dtype == np.float32 and found.flags.c_contiguous


def test_limits_are_what_the_machine_did():
    found = speed.limits()
    assert set(found) == {"memory_gb_s", "float32_gflop_s", "bfloat16_gflop_s"} and min(found.values()) > 0
