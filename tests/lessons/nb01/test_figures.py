"""Figures of notebook 01: what they draw, and the values in their captions."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils.lessons.nb01 import figures
from aitex_utils.lessons.nb01.leakage import LeakageResult
from aitex_utils.tiling import tile

STRIP = np.tile(np.arange(1000) % 256, (256, 1)).astype(np.uint8)


def test_images_share_one_scale_and_are_named():
    figure, caption = figures.plot_images({"dark": np.zeros((4, 8)), "bright": np.full((4, 8), 7.0)})
    assert [axis.images[0].get_clim() for axis in figure.axes] == [(0, 7), (0, 7)]
    assert [axis.get_title() for axis in figure.axes] == ["dark", "bright"]
    assert "dark (4 x 8 px), bright (4 x 8 px)" in caption


def test_a_region_comes_with_medians_inside_and_outside():
    dissimilarity = np.repeat([30.0, 2.0], [20, 42])
    figure, caption = figures.plot_region(STRIP, dissimilarity, 16, (320, 1000), title="Strip x")
    assert caption.startswith("Strip x: fabric from column 320 to 1,000")
    assert "2.0 inside" in caption and "30.0 left of it" in caption
    assert [line.get_xdata()[0] for line in figure.axes[0].lines] == [320, 1000]
    curve = figure.axes[1].lines[0]
    assert curve.get_xdata()[0] == 8 and np.array_equal(curve.get_ydata(), dissimilarity)  # at the windows' middles


def test_a_region_without_a_bed_has_one_median():
    caption = figures.plot_region(STRIP, np.ones(62), 16, (0, 1000))[1]
    assert "1.0 inside" in caption and "left of it" not in caption


def test_starts_are_drawn_by_fabric_and_kind():
    starts, is_normal = np.array([10, 30, 50, 5]), np.array([True, True, False, True])
    figure, caption = figures.plot_starts(starts, is_normal, ["00", "00", "00", "01"])
    assert "fabric 00 20 and 50; fabric 01 5 and none" in caption
    assert [line.get_xdata().tolist() for line in figure.axes[0].lines] == [[10, 30], [50], [5], []]
    legend = figure.axes[0].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["normal strips", "defective strips"]
    assert [handle.get_marker() for handle in legend.legend_handles] == ["o", "x"]


def test_a_grid_outlines_each_tile_and_says_what_neighbours_share():
    figure, caption = figures.plot_grid(STRIP, tile(STRIP)[1], 256, title="Tiles here")
    assert caption == "Tiles here: 4 tiles; neighbours share 0 px, the last two 24 px."
    middles = [patch.get_x() + patch.get_width() / 2 for patch in figure.axes[0].patches]
    assert middles == [middle for middle in (128, 384, 640, 872) for _ in range(2)]  # its area and its outline
    assert {patch.get_width() for patch in figure.axes[0].patches} == {256}
    assert figures.plot_grid(STRIP[:, :256], np.array([[0, 0]]), 256)[1] == "Tiles: 1 tile."


def test_rules_have_a_bar_each_with_its_count():
    figure, caption = figures.plot_rules((0, 0.01), (9, 4), 1000)
    assert [bar.get_height() for bar in figure.axes[0].patches] == [9, 4]
    assert [text.get_text() for text in figure.axes[0].texts] == ["9", "4"]
    assert "1,000" in caption and "any pixel 9, 1.0% 4" in caption


def test_tile_distances_come_with_means_within_and_between():
    distances = np.array([[np.nan, 1, 4], [3, np.nan, 6], [4, 6, np.nan]])
    figure, caption = figures.plot_tile_distances(distances, np.array(["a", "a", "b"]))
    assert "3 tiles of 2 strips: 2.00 within a strip, 5.00 between strips" in caption
    assert [line.get_ydata()[0] for line in figure.axes[0].lines][0] == 1.5  # between the second and third tile


def test_leakage_shows_every_score_and_the_medians():
    scores = np.array([[1.0, 2.0], [3.0, 4.0]])
    result = LeakageResult(scores, np.full((2, 2), 5.0), {"defective": np.full((2, 3), 9.0)})
    figure, caption = figures.plot_leakage(result)
    assert [len(line.get_xdata()) for line in figure.axes[0].lines[::2]] == [4, 4, 6]
    assert [line.get_xdata()[0] for line in figure.axes[0].lines[1::2]] == [2.5, 5, 9]
    assert "clean, known strips 2.5; clean, new strips 5.0; defective 9.0" in caption


def test_gaps_come_with_mean_and_interval():
    figure, caption = figures.plot_gaps({"as it is": [0.0, 0.1, 0.2], "other": [0.3, 0.3, 0.3]})
    assert "as it is +0.1000 (-0.1484 to +0.3484); other +0.3000 (+0.3000 to +0.3000)" in caption
    axis = figure.axes[0]
    means, _, repetitions, _ = axis.lines  # the reference line at 0 is second
    assert means.get_xdata() == pytest.approx([0.1, 0.3])
    assert repetitions.get_xdata() == pytest.approx([0.0, 0.1, 0.2])
    low, high = axis.collections[0].get_segments()[0][:, 0]
    assert (low, high) == pytest.approx((-0.1484, 0.3484), abs=1e-4)
    assert [text.get_text() for text in axis.get_yticklabels()] == ["as it is", "other"]
