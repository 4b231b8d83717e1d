"""Figures of notebook 06: the drawn values are those of the data, and the captions report them."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils import metrics
from aitex_utils.errors import InputError
from aitex_utils.lessons.nb06 import figures


def test_bank_on_line_has_an_arrow_to_the_nearest_vector():
    figure, caption = figures.plot_bank_on_line(np.array([0.0, 2.0, 5.0]), {"p": 1.4, "q": 4.0}, note="A note.")
    arrows = [text for text in figure.axes[0].texts if text.arrow_patch is not None]
    assert [arrow.xy[0] for arrow in arrows] == [2.0, 5.0]
    assert caption.startswith("3 vectors") and "p at 1.4, q at 4" in caption and caption.endswith(" A note.")


def test_share_of_pairs_is_the_auroc():
    normal, defective = np.array([3.0, 1.0, 2.0]), np.array([2.0, 4.0])
    figure, caption = figures.plot_pairs(normal, defective)
    order = figure.axes[0].images[0].get_array()
    assert order.tolist() == [[1, 0, -1], [1, 1, 1]]
    assert [tick.get_text() for tick in figure.axes[1].get_yticklabels()] == ["wrong", "tie", "right"]
    assert "2 x 3 = 6 pairs" in caption and "66.7 % are in the right order, 16.7 % are ties" in caption
    area = metrics.auroc(np.array([0, 0, 0, 1, 1]), np.append(normal, defective))
    assert area == pytest.approx((order > 0).mean() + (order == 0).mean() / 2)


def test_prevalence_falls_to_the_right():
    measures = {"AUROC": np.array([0.8, 0.7]), "AP": np.array([0.5, 0.1])}
    figure, caption = figures.plot_prevalence(np.array([0.1, 0.01]), measures)
    axis = figure.axes[0]
    assert axis.get_xscale() == "log" and axis.xaxis_inverted()
    assert [line.get_ydata().tolist() for line in axis.lines] == [[0.8, 0.7], [0.5, 0.1], [0.1, 0.01]]
    assert axis.lines[0].get_marker() != axis.lines[1].get_marker()
    assert "from 10 % to 1.0 %" in caption and "AUROC from 0.800 to 0.700; AP from 0.500 to 0.100" in caption


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


def gallery() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return two tiles, their maps, of which the second reaches 2, and masks, of which the first is marked."""
    tiles, maps, masks = np.zeros((2, 64, 64), np.uint8), np.zeros((2, 64, 64)), np.zeros((2, 64, 64), bool)
    maps[1, 20:30, 20:30], masks[0, 40:50, 5:9] = 2, True
    return tiles, maps, masks


def test_gallery_has_one_scale_and_outlines():
    figure, caption = figures.plot_gallery(*gallery(), ["1.", "2."], threshold=1.5)
    (first, second), (first_map, second_map) = figure.axes[:2], figure.axes[2:4]
    assert [axis.images[0].get_clim() for axis in (first_map, second_map)] == [(0, 2), (0, 2)]
    assert [len(axis.lines) for axis in (first, second, first_map, second_map)] == [1, 0, 1, 0]  # outlines of the mask
    assert [len(axis.collections) for axis in (first, second, first_map, second_map)] == [0, 0, 0, 1]  # of the map
    assert caption.startswith("2 tiles") and "1 map reaches 1.5," in caption and "1 tile has a marked" in caption


def test_gallery_without_alarms_and_defects_reports_none():
    tiles, maps, masks = gallery()
    figure, caption = figures.plot_gallery(tiles, maps, np.zeros_like(masks), ["1.", "2."], threshold=3)
    assert figure.axes[2].images[0].get_clim() == (0, 3)
    assert "No map reaches 3" in caption and "marked" not in caption


def test_gallery_refuses_unequal_counts():
    with pytest.raises(InputError, match="2 tiles, 2 maps, 2 masks and 1 titles"):
        figures.plot_gallery(*gallery(), ["1."])
    with pytest.raises(InputError, match="at least one tile"):
        figures.plot_gallery(*(part[:0] for part in gallery()), [])


def test_operating_curve_reports_half_of_the_defects_and_the_limit():
    false_alarms, detected = np.array([0.0, 40.0, 80.0]), np.array([0.2, 0.5, 0.9])
    figure, caption = figures.plot_operating_curve(false_alarms, detected, smallest_measurable=50, per="100 m")
    axis = figure.axes[0]
    assert axis.lines[0].get_xdata().tolist() == [40, 80] and axis.get_xlabel() == "false alarms per 100 m"
    assert axis.patches[0].get_x() + axis.patches[0].get_width() == pytest.approx(50)
    for text in ("at 40 false alarms per 100 m", "20 % are", "Below 50 false alarms"):
        assert text in caption
