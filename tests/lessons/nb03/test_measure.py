"""Measurements of notebook 03: warm-up and medians, paired resampling, and results that come from the cache."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from aitex_utils.lessons.nb03 import measure
from aitex_utils.lessons.nb03.setup import Split


def split_of(labels: list[bool], side: int = 64) -> Split:
    rng = np.random.default_rng(0)
    tiles = rng.integers(90, 110, (len(labels), side, side)).astype(np.uint8)
    masks = np.zeros(tiles.shape, bool)
    masks[labels, 10:30, 10:30] = True
    return Split("00", tiles[~np.array(labels)], np.where(masks, 255, tiles), masks, np.array(labels))


def test_a_choice_is_measured_once_and_then_cached(tmp_path, monkeypatch, capsys: pytest.CaptureFixture):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    splits = [split_of([False, False, True, True])]
    first = measure.measure_choice("blocks.2, 1", {"layers": ("blocks.2",)}, splits)
    assert "Computing nb03_blocks_2_1_fast" in capsys.readouterr().out
    second = measure.measure_choice("blocks.2, 1", {"layers": ("blocks.2",)}, splits)
    assert capsys.readouterr().out == ""
    assert first.tile_auroc == second.tile_auroc == 1 and first.pixel_auroc > 0.7
    assert np.array_equal(first.scores[0], second.scores[0])
    measure.measure_choice("blocks.2, 1", {"layers": ("blocks.2",), "pooling": 1}, splits)
    assert "choice changed" in capsys.readouterr().out


def result(*scores: list[float]) -> measure.Result:
    return measure.Result(np.zeros(1), np.zeros(1), [np.array(s) for s in scores])


def test_resampled_differences_are_paired_and_ties_count_half():
    splits = [split_of([False, False, True, True], side=4)]
    good, tied = result([1, 2, 3, 4]), result([1, 1, 1, 1])
    assert set(measure.bootstrap_differences(good, good, splits, 20)) == {0}
    assert set(measure.bootstrap_differences(good, tied, splits, 20)) == {0.5}
    mixed = measure.bootstrap_differences(result([1, 3.5, 3, 4]), good, splits, 200)
    assert mixed.min() < 0 and mixed.max() == 0


def test_the_warm_up_is_not_counted(monkeypatch: pytest.MonkeyPatch):
    class Slow:
        calls = 0

        def transform(self, tiles):
            self.calls += 1
            clock[0] += 100 if self.calls == 1 else 2
            return np.zeros((len(tiles), 2, 2, 3), np.float32)

    clock = [0.0]
    monkeypatch.setattr(measure.time, "perf_counter", lambda: clock[0])
    cost = measure.measure_costs({"slow": Slow()}, np.zeros((2, 8, 8), np.uint8), rounds=3)["slow"]
    assert cost.milliseconds.tolist() == [1000] * 3 and cost.shape == (2, 2, 3)


def test_a_busy_machine_ends_the_measurement_early_and_is_said(monkeypatch: pytest.MonkeyPatch):
    class Busy:
        def transform(self, tiles):
            clock[0] += 10
            return np.zeros((len(tiles), 1, 1, 1), np.float32)

    clock = [0.0]
    monkeypatch.setattr(measure.time, "perf_counter", lambda: clock[0])
    cost = measure.measure_costs({"busy": Busy()}, np.zeros((1, 8, 8), np.uint8), limit=15)["busy"]
    assert len(cost.milliseconds) == 3
    steady, varied = (measure.Cost(np.array(values), (1, 1, 1)) for values in ([9.0, 10, 11], [5.0, 10, 30]))
    assert "The times vary" not in measure.describe_costs({"a": steady}, "a")
    assert measure.describe_costs({"a": varied}, "a").splitlines()[-1].startswith("The times vary")


def test_costs_are_related_to_the_baseline():
    costs = {"a": measure.Cost(np.array([2.0]), (1, 1, 256)), "b": measure.Cost(np.array([5.0]), (1, 1, 512))}
    lines = measure.describe_costs(costs, "a").splitlines()
    assert len({len(line) for line in lines}) == 1
    assert "2.5" in lines[2] and lines[2].endswith("2") and lines[1].endswith("1")


def test_batches_are_timed_on_the_cpu_and_the_network_comes_back():
    network = torch.nn.Conv2d(1, 1, 3).eval()
    times = measure.time_batches(network, torch.zeros(1, 1, 8, 8), "cpu", (1, 4), rounds=2)
    assert set(times) == {1, 4} and all(len(values) == 2 and (values > 0).all() for values in times.values())
    assert next(network.parameters()).device.type == "cpu" and measure.devices()[0] == "cpu"
