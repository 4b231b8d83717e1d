"""Means over seeds and fabrics, and paired differences."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from comparison import Summary, cached_summary, fabric_mean, mean_of_nested, paired_difference, summarize


def summary(values: list[float], *resamples: list[float]) -> Summary:
    """Return a summary of one measure, x, with a value and resamples per seed."""
    return Summary({"x": float(np.mean(values)), "by_seed": [{"x": v} for v in values]}, {"x": np.array(resamples)})


def test_means_leave_out_what_is_not_defined():
    parts = [{"a": 1.0, "n": 3, "codes": {"x": 1.0}}, {"a": math.nan, "n": 4, "codes": {"x": 0.0}}]
    assert mean_of_nested(parts) == {"a": 1.0, "n": 3, "codes": {"x": 0.5}}
    assert mean_of_nested([math.nan, math.nan]) is None


def test_differences_are_paired_on_common_seeds_and_averaged_over_fabrics():
    ours = {
        "00": summary([0.5, 9.0], [0.3, 0.4, 0.5], [7, 7, 7]),
        "02": summary([0.7, 9.0], [0.6] * 3, [7, 7, 7]),
    }
    other = {"00": summary([0.2], [0.2, 0.3, 0.4]), "02": summary([0.6], [0.3] * 3)}  # one seed: the first of ours
    assert paired_difference(ours, other) == {"x": pytest.approx([0.2, 0.2, 0.2])}


def test_the_mean_over_fabrics_has_an_interval_of_means():
    means = fabric_mean({"00": summary([0.5], [0.4, 0.6]), "02": summary([0.9], [1.0, 1.0])})
    assert means["x"] == pytest.approx(0.7)
    assert means["intervals"]["x"] == pytest.approx(np.quantile([0.7, 0.8], [0.025, 0.975]).tolist())


def results(make_result, n_seeds: int) -> list:
    rng = np.random.default_rng(2)
    labels, strips, codes = np.arange(60) >= 40, np.arange(60) // 5, ["000"] * 8 + ["002"] * 4
    return [make_result(rng.normal(size=60) + labels, labels, strips, codes) for _ in range(n_seeds)]


def test_a_summary_has_means_over_seeds_and_equal_resamples_for_equal_results(make_result):
    three = results(make_result, 3)
    ours = summarize(three)
    assert ours.resamples["tile_auroc"].shape == (3, 1000) and len(ours.measures["by_seed"]) == 3
    by_seed = [measures["tile_auroc"] for measures in ours.measures["by_seed"]]
    assert ours.measures["tile_auroc"] == pytest.approx(np.mean(by_seed)) and len(set(by_seed)) == 3
    low, high = ours.measures["intervals"]["tile_auroc"]
    assert low < ours.measures["tile_auroc"] < high
    difference = paired_difference({"00": ours}, {"00": summarize(three[:2])})
    assert difference["tile_auroc"] == [0, 0, 0] and difference["pixel_ap"] == [0, 0, 0]


def test_a_summary_is_read_from_the_cache_until_an_ingredient_changes(
    make_result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "strips").mkdir()
    calls = []

    def run_tests() -> list:
        calls.append(1)
        return results(make_result, 1)

    first = cached_summary("some", run_tests, tmp_path / "strips", seeds=1)
    again = cached_summary("some", run_tests, tmp_path / "strips", seeds=1)
    assert len(calls) == 1 and again.measures == first.measures
    np.testing.assert_array_equal(again.resamples["pixel_ap"], first.resamples["pixel_ap"])
    cached_summary("some", run_tests, tmp_path / "strips", seeds=2)
    assert len(calls) == 2
