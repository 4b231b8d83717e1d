"""Figures of notebook 06: the drawn values are those of the data, and the captions report them."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils import metrics
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
    assert order.tolist() == [[1, 1, 1], [-1, 0, 1]]
    assert [tick.get_text() for tick in figure.axes[1].get_yticklabels()] == ["wrong", "tie", "right"]
    assert "2 x 3 = 6 pairs" in caption
    assert "66.7 % are in the right order (yellow), and 16.7 % are ties" in caption
    area = metrics.auroc(np.array([0, 0, 0, 1, 1]), np.append(normal, defective))
    assert area == pytest.approx((order > 0).mean() + (order == 0).mean() / 2)


def test_the_border_of_the_pairs_is_the_roc_curve():
    """Right pairs lie below the curve, wrong pairs above it."""
    rng = np.random.default_rng(0)
    normal, defective = rng.normal(size=23), rng.normal(1, 1, size=17)
    figure, _ = figures.plot_pairs(normal, defective)
    order, curve = figure.axes[0].images[0].get_array(), figure.axes[0].lines[0]
    x, y = curve.get_xdata(), curve.get_ydata()
    assert np.trapezoid(y, x) == pytest.approx((order > 0).mean())
    for row in range(17):
        for column in range(23):
            height = np.interp((column + 0.5) / 23, x, y)  # at the middle of the cell
            assert (order[row, column] > 0) == ((row + 0.5) / 17 < height)
    assert np.allclose(figure.axes[0].images[0].get_extent(), (0, 1, 0, 1))


def test_smoothing_lowers_the_peak_on_the_scale_of_the_distances():
    grid, tile, mask = np.zeros((8, 8)), np.zeros((64, 64)), np.zeros((64, 64), bool)
    grid[3, 3], mask[24:32, 24:32] = 4, True
    peaks = []
    for sigma in (0, 4, 16):
        figure, caption = figures.plot_smoothing(grid, tile, mask, sigma)
        images = [axis.images[0] for axis in figure.axes[1:3]]
        assert [image.get_clim() for image in images] == [(0, 4), (0, 4)]
        assert len(figure.axes[0].lines) == 1 and "largest distance is 4.0" in caption
        peaks.append(float(images[1].get_array().max()))
    assert peaks[0] > peaks[1] > 2 * peaks[2] > 0


def test_a_crop_is_at_full_size_around_the_highest_point():
    image, anomaly_map, mask = np.arange(800).reshape(8, 100), np.full((8, 100), np.nan), np.zeros((8, 100), bool)
    anomaly_map[:, 40:], anomaly_map[4, 70], mask[3:5, 68:73] = 1, 9, True
    figure, caption = figures.plot_crop(image, anomaly_map, mask, width=20)
    above, below = figure.axes[:2]
    assert above.images[0].get_array().tolist() == image[:, 60:80].tolist()
    assert above.images[0].get_extent() == [59.5, 79.5, 7.5, -0.5] and below.images[0].get_clim() == (1, 9)
    assert "columns 60 to 79" in caption
    outline = above.lines[0]
    assert outline.get_xdata().min() < 68 and outline.get_xdata().max() > 72


@pytest.mark.parametrize("column", [0, 99])
def test_a_crop_stays_within_the_strip(column: int):
    anomaly_map = np.zeros((8, 100))
    anomaly_map[2, column] = 1
    caption = figures.plot_crop(anomaly_map, anomaly_map, anomaly_map > 9, width=20)[1]
    assert ("columns 0 to 19" if column == 0 else "columns 80 to 99") in caption


def test_prevalence_falls_to_the_right():
    measures = {"AUROC": np.array([0.8, 0.7]), "AP": np.array([0.5, 0.1])}
    figure, caption = figures.plot_prevalence(np.array([0.1, 0.01]), measures)
    axis = figure.axes[0]
    assert axis.get_xscale() == "log" and axis.xaxis_inverted()
    assert [line.get_ydata().tolist() for line in axis.lines] == [[0.8, 0.7], [0.5, 0.1], [0.1, 0.01]]
    assert axis.lines[0].get_marker() != axis.lines[1].get_marker()
    assert "from 10 % to 1.0 %" in caption and "AUROC from 0.800 to 0.700; AP from 0.500 to 0.100" in caption
