"""Figures of notebook 01: what they draw and what their sentences say."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils.lessons.nb01 import figures as lab_plots
from aitex_utils.lessons.nb01.leakage import Exams
from aitex_utils.tiling import tile

STRIP = np.tile(np.arange(1000) % 256, (256, 1)).astype(np.uint8)


def test_images_share_one_scale_and_are_named():
    figure, told = lab_plots.plot_images({"one": np.zeros((4, 8)), "two": np.full((4, 8), 7.0)})
    assert [axis.images[0].get_clim() for axis in figure.axes] == [(0, 7), (0, 7)]
    assert told == "2 pictures on one scale: one (4 x 8 px), two (4 x 8 px)."


def test_a_region_is_told_with_medians_inside_and_outside():
    unlike = np.repeat([30.0, 2.0], [20, 42])
    figure, told = lab_plots.plot_region(STRIP, unlike, 16, (320, 1000), title="Strip x")
    assert told.startswith("Strip x: fabric from column 320 to 1,000")
    assert "2.0 times" in told and told.endswith("left of it 30.0 times.")
    assert [line.get_xdata()[0] for line in figure.axes[0].lines] == [320, 1000]


def test_a_region_without_a_bed_says_nothing_of_one():
    assert "left of it" not in lab_plots.plot_region(STRIP, np.ones(62), 16, (0, 1000))[1]


def test_begins_are_told_by_fabric_and_kind():
    begins, normal = np.array([10, 30, 50, 5]), np.array([True, True, False, True])
    figure, told = lab_plots.plot_begins(begins, normal, ["00", "00", "00", "01"])
    assert "fabric 00 20 and 50; fabric 01 5 and none" in told
    assert {text.get_text() for text in figure.axes[0].get_legend().get_texts()} == {
        "normal strips",
        "defective strips",
    }


def test_a_grid_outlines_each_tile_and_says_what_neighbours_share():
    figure, told = lab_plots.plot_grid(STRIP, tile(STRIP)[1], 256, title="Tiles here")
    assert told == "Tiles here: 4 tiles; neighbours share 0 px, the last two 24 px."
    middles = [patch.get_x() + patch.get_width() / 2 for patch in figure.axes[0].patches]
    assert middles == [m for m in (128, 384, 640, 872) for _ in range(2)]  # its area and its outline
    assert {patch.get_width() for patch in figure.axes[0].patches} == {256}
    assert lab_plots.plot_grid(STRIP[:, :256], np.array([[0, 0]]), 256)[1] == "Tiles: 1 tiles."


def test_rules_are_counted():
    _, told = lab_plots.plot_rules((0, 0.01), (9, 4), 1000)
    assert told == "Defective tiles of 1,000 by the rule: any pixel 9, 1.0% 4."


def test_resemblance_tells_within_and_between():
    distances = np.array([[np.nan, 1, 4], [3, np.nan, 6], [4, 6, np.nan]])
    figure, told = lab_plots.plot_resemblance(distances, np.array(["a", "a", "b"]))
    assert told == "Distances between 3 tiles of 2 strips: 2.00 within a strip, 5.00 between strips, on average."
    assert {line.get_xdata()[0] for line in figure.axes[0].lines} >= {1.5}


def test_exams_show_every_score_and_the_medians():
    exams = Exams(np.array([[1.0, 2.0], [3.0, 4.0]]), np.full((2, 2), 5.0), {"defective": np.full((2, 3), 9.0)})
    figure, told = lab_plots.plot_exams(exams)
    assert [len(line.get_xdata()) for line in figure.axes[0].lines[::2]] == [4, 4, 6]
    assert told.endswith("clean, known strips 2.5, clean, new strips 5.0, defective 9.0.")


def test_gaps_come_with_mean_and_interval():
    figure, told = lab_plots.plot_gaps({"as it is": [0.0, 0.1, 0.2], "other": [0.3, 0.3, 0.3]})
    assert "as it is +0.1000 (-0.1484 to +0.3484)" in told and "other +0.3000 (+0.3000 to +0.3000)" in told
    assert figure.axes[0].lines[0].get_xdata() == pytest.approx([0.0, 0.1, 0.2])
