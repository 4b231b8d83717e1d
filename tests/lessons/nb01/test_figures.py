"""Figures of notebook 01: what they draw, and the values in their captions."""

from __future__ import annotations

import time

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from aitex_utils.lessons.nb01 import figures
from aitex_utils.lessons.nb01.leakage import LeakageResult
from aitex_utils.plots import figure_html
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
    assert caption == "Tiles here: 4 tiles, neighbours share 0 px, the last two 24 px."
    middles = [patch.get_x() + patch.get_width() / 2 for patch in figure.axes[0].patches]
    assert middles == [middle for middle in (128, 384, 640, 872) for _ in range(2)]  # its area and its outline
    assert {patch.get_width() for patch in figure.axes[0].patches} == {256}
    assert figures.plot_grid(STRIP[:, :256], np.array([[0, 0]]), 256)[1] == "Tiles: 1 tile."


def test_rules_have_a_bar_each_with_its_count():
    figure, caption = figures.plot_rules((0, 0.01), (9, 4), 1000)
    assert [bar.get_height() for bar in figure.axes[0].patches] == [9, 4]
    assert [text.get_text() for text in figure.axes[0].texts] == ["9", "4"]
    assert "1,000" in caption and "any marked pixel 9, at least 1 % 4" in caption


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
    assert "as it is +0.100 (-0.148 to +0.348); other +0.300 (+0.300 to +0.300)" in caption
    axis = figure.axes[0]
    means, _, repetitions, _ = axis.lines  # the reference line at 0 is second
    assert means.get_xdata() == pytest.approx([0.1, 0.3])
    assert repetitions.get_xdata() == pytest.approx([0.0, 0.1, 0.2])
    low, high = axis.collections[0].get_segments()[0][:, 0]
    assert (low, high) == pytest.approx((-0.1484, 0.3484), abs=1e-4)
    assert [text.get_text() for text in axis.get_yticklabels()] == ["as it is", "other"]


def test_the_overlap_shows_which_tiles_contain_the_defect_whole():
    for overlap, defect, whole in ((0, (250, 262), 0), (64, (250, 262), 1), (0, (10, 20), 1)):
        corners = tile(STRIP, 256, overlap)[1]
        figure, caption = figures.plot_overlap(STRIP, corners, 256, overlap, defect)
        above, below = figure.axes
        bars = [(bar.get_x(), bar.get_facecolor()) for bar in below.patches]
        assert sorted(x for x, _ in bars) == corners[:, 1].tolist() and len(bars) == len(corners)
        assert sum(colour == to_rgba(figures.NORMAL) for _, colour in bars) == whole
        assert ("No tile contains the whole defect" in caption) == (whole == 0)
        assert f"Overlap {overlap} px: {len(corners)} tiles (4 without overlap)" in caption
        assert f"columns {defect[0]} to {defect[1] - 1}" in caption
        assert [line.get_xdata()[0] for line in above.lines] == list(defect)


def test_the_overlap_counts_columns_in_several_tiles():
    caption = figures.plot_overlap(STRIP, tile(STRIP, 256, 0)[1], 256, 0, (10, 20))[1]
    assert "24 of 1,000 columns are in two or more tiles" in caption  # only the last tile was moved back


def test_a_slider_redraws_the_overlap_quickly():
    strip = np.zeros((256, 3584), np.uint8)
    times = []
    for overlap in (0, 64, 192):
        start = time.perf_counter()
        figures_html = figure_html(*figures.plot_overlap(strip, tile(strip, 256, overlap)[1], 256, overlap, (250, 260)))
        times.append(time.perf_counter() - start)
        assert "Overlap" in figures_html
    assert min(times) < 20  # catches a hang: 0.2 s on a quiet machine


def test_compression_shows_how_many_pixels_change():
    before = np.zeros((4, 5), np.uint8)
    after = before.copy()
    after[0, :2] = 3, 255
    figure, caption = figures.plot_compression(before, after)
    assert caption == "JPEG changes 10 % of the pixels, by up to 255 grey levels."
    assert figure.axes[1].images[0].get_array().max() == 255


def test_sets_are_drawn_as_marks_and_strips_in_several_sets_are_counted():
    groups = np.array(["b", "a", "a", "b", "c"])
    splits = {"By tile": {"training": np.array([0, 1]), "test": np.array([2, 3, 4])}}
    splits["By strip"] = {"training": np.array([0, 3]), "test": np.array([1, 2, 4])}
    figure, caption = figures.plot_sets(groups, splits)
    sentences = ["By tile: 2 of 3 strips have tiles in more than one set.", "By strip: 0 of 3 strips"]
    assert caption.startswith(" ".join(sentences))
    training, test = figure.axes[0].lines
    assert training.get_xydata().tolist() == [[0, 1], [0, 0]] and len(test.get_xdata()) == 3
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["a", "b", "c"]


def test_the_two_sides_name_both_tests():
    figure, caption = figures.plot_two_sides()
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert "side A: 4 strips" in texts and "side B: 4 strips" in texts and "test 2:\nsplit by strip" in texts
    assert "Test 1" in caption and "Test 2" in caption


def test_both_aurocs_have_a_row_per_set_of_strips():
    low, high = np.array([[1.0, 2.0]]), np.array([[4.0, 4.0]])
    draws = [LeakageResult(low, high, {"defective": np.array([[3.0, 5.0]])})] * 2
    figure, caption = figures.plot_split_aurocs({"unchanged": draws, "strength 2": draws})
    assert len(figure.axes[0].get_yticks()) == 4
    assert "unchanged 1.000 split by tile, 0.500 split by strip; strength 2 1.000" in caption
