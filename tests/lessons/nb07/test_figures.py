"""Figures of notebook 07: the drawn values are those of the data, and the captions report them."""

from __future__ import annotations

import time

import numpy as np
import pytest

from aitex_utils.lessons.nb07 import figures


def test_region_overlap_is_read_at_the_limits():
    figure, caption = figures.plot_region_overlap(np.array([0.0, 0.1, 1.0]), np.array([0.0, 0.5, 1.0]), (0.3, 0.05))
    assert [line.get_xdata()[0] for line in figure.axes[0].lines[1:]] == [0.05, 0.3]
    assert "0.25 at a false-positive rate of 0.05" in caption and "0.61 at a false-positive rate of 0.3" in caption


def test_intervals_of_both_units_are_drawn():
    intervals = {"strips": {"AUROC": (0.6, 0.9)}, "tiles": {"AUROC": (0.7, 0.85)}}
    figure, caption = figures.plot_intervals_by_unit({"AUROC": 0.8}, intervals, label="tile-level measure")
    bars = [lines.get_segments()[0][:, 0].tolist() for lines in figure.axes[0].collections]
    assert bars == [[0.6, 0.9], [0.7, 0.85]]
    assert [line.get_xdata().tolist() for line in figure.axes[0].lines] == [[0.8], [0.8]]
    assert caption.startswith("Tile-level measure")
    assert "AUROC 0.800 (0.600 to 0.900 over strips, 0.700 to 0.850 over tiles)" in caption


def test_coverage_is_drawn_beside_the_claim():
    coverage = {"strips resampled": [0.9, 0.88], "tiles resampled": [0.91, 0.6]}
    figure, caption = figures.plot_coverage([0.0, 0.5], coverage, confidence=0.95)
    drawn = [list(line.get_ydata()) for line in figure.axes[0].lines]
    assert drawn == [[0.9, 0.88], [0.91, 0.6], [0.95, 0.95]]
    assert "95 %" in caption and "strips resampled 90 %, 88 %; tiles resampled 91 %, 60 %" in caption


def test_false_alarm_rates_show_each_trial_and_the_mean():
    rates = {"fitted": np.array([0.5, 0.7]), "others": np.array([0.0, 0.2])}
    figure, caption = figures.plot_false_alarm_rates(rates, promised=0.1)
    axis = figure.axes[0]
    assert sorted(axis.lines[0].get_xdata()) == [0.5, 0.7]
    assert [bar.get_segments()[0][0][0] for bar in axis.collections] == pytest.approx([0.6, 0.1])
    assert axis.lines[-1].get_xdata()[0] == 0.1
    assert caption.endswith("fitted 60.0 % (50.0 % to 70.0 %); others 10.0 % (0.0 % to 20.0 %).")


def test_rates_by_rule_are_drawn_beside_the_promise():
    rates = {"conformal": [0.12, 0.1], "gain": [0.3, 0.2]}
    figure, caption = figures.plot_rates_by_rule([1, 4], rates, promised=0.1)
    drawn = [list(line.get_ydata()) for line in figure.axes[0].lines]
    assert drawn == [[0.12, 0.1], [0.3, 0.2], [0.1, 0.1]]
    assert caption.endswith("promised 10 %: conformal 12 % to 10 %; gain 30 % to 20 %.") and "1 to 4" in caption


def test_light_is_drawn_for_each_fabric():
    figure, caption = figures.plot_light({"00": {0.8: 0.5, 1.0: 0.1}, "01": {0.8: 0.0, 1.0: 0.2}}, promised=0.1)
    lines = figure.axes[0].lines
    assert [list(line.get_xdata()) for line in lines[:2]] == [[0.8, 1.0]] * 2
    assert [list(line.get_ydata()) for line in lines] == [[0.5, 0.1], [0.0, 0.2], [0.1, 0.1]]
    assert caption.endswith("fabric 00 50 % at x 0.8, 10 % at x 1; fabric 01 0 % at x 0.8, 20 % at x 1.")


LABELS, SCORES = np.array([False, False, True, True]), np.array([1.0, 2.0, 2.0, 3.0])


def point(threshold: float) -> tuple[float, float, float]:
    flagged = SCORES >= threshold
    return 100.0 * flagged[:2].mean(), 1.0 - flagged[2:].mean(), 0.25


def test_alarms_are_drawn_at_all_thresholds_and_marked_at_one():
    figure, caption = figures.plot_alarms(LABELS, SCORES, 2.0, point, 30.0)
    left, right = figure.axes
    assert left.lines[0].get_xdata()[0] == 2.0
    curve, mark = right.lines
    assert curve.get_xdata().tolist() == [100, 50, 1] and curve.get_ydata().tolist() == [0, 0, 0.5]
    assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (50, 0)
    assert right.patches[0].get_x() + right.patches[0].get_width() == pytest.approx(30)
    assert caption == "With the threshold 2.00: 50 false alarms and 0.00 misses per 100 m, precision 25.0 %."


def test_alarms_that_the_test_cannot_measure_are_named():
    caption = figures.plot_alarms(LABELS, SCORES, 2.5, point, 30.0)[1]
    assert "fewer than 30 false alarms per 100 m" in caption and "0.50 misses" in caption and "precision" not in caption


def test_redrawing_with_a_slider_is_quick():
    rng = np.random.default_rng(0)
    labels, scores = np.arange(600) < 60, rng.normal(size=600)

    def quick_point(threshold: float) -> tuple[float, float, float]:
        flagged = scores >= threshold
        return float(flagged[~labels].mean()), 1 - float(flagged[labels].mean()), 0.5

    start = time.perf_counter()
    figures.plot_alarms(labels, scores, 1.0, quick_point, 0.01)
    assert time.perf_counter() - start < 20  # catches a hang: about 0.1 s on a quiet machine
