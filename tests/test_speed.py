"""The speed benchmark's own arithmetic: what is extrapolated, what is drawn. No time is tested."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))

import speed  # noqa: E402


def test_the_obvious_way_is_told_from_its_first_choices(monkeypatch: pytest.MonkeyPatch):
    """Half a second to begin with, and a hundredth for each further choice."""
    monkeypatch.setattr(speed, "k_center_greedy_obvious", lambda patches, n, **rest: n)
    monkeypatch.setattr(speed, "seconds_of", lambda work: 0.5 + 0.01 * (work() - 2))
    assert speed.obvious_seconds(np.ones((5, 2), np.float32), 1002) == pytest.approx(0.5 + 0.01 * 1000)


def test_the_figure_has_a_line_for_each_way_and_says_how_far_it_goes():
    rows = [{"patches": n, "chosen": n // 10, "ours": n / 1e6, "obvious": n / 1e4} for n in (10_000, 400_000)]
    figure, told = speed.drawn({"coreset": rows})
    lines = figure.axes[0].get_lines()
    assert [line.get_label() for line in lines] == ["obvious way", "ours"]
    np.testing.assert_allclose(lines[1].get_ydata(), [0.01, 0.4])
    assert told.endswith("obvious way 1 to 40 s; ours 0.01 to 0.4 s.")


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
