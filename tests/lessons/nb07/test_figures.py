"""Figures of notebook 07: the drawn values are those of the data, and the captions report them."""

from __future__ import annotations

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


def test_operating_curve_reports_half_of_the_defects_and_the_limit():
    false_alarms, detected = np.array([0.0, 40.0, 80.0]), np.array([0.2, 0.5, 0.9])
    figure, caption = figures.plot_operating_curve(false_alarms, detected, smallest_measurable=50, per="100 m")
    axis = figure.axes[0]
    assert axis.lines[0].get_xdata().tolist() == [40, 80] and axis.get_xlabel() == "false alarms per 100 m"
    assert axis.patches[0].get_x() + axis.patches[0].get_width() == pytest.approx(50)
    for text in ("at 40 false alarms per 100 m", "20 % are", "Below 50 false alarms"):
        assert text in caption
