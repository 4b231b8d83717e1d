"""Figures that several notebooks share: what is drawn, the numbers in their captions, and what they refuse."""

from __future__ import annotations

import re
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from aitex_utils.errors import InputError
from aitex_utils.lessons.figures import plot_intervals, plot_panels, plot_settings
from aitex_utils.plots import LINE, MAP_COLOURS, MARKERS

IMAGES = list(np.random.default_rng(0).random((5, 8, 12)))
VALUES = np.array([[0.8, 0.9, 0.7], [0.5, 0.6, 0.65]])  # (choices, fabrics)
FABRICS = ["00", "01", "02"]


def images_of(figure: Figure) -> list[AxesImage]:
    return [image for axis in figure.axes for image in axis.images]


# Panels


def test_panels_are_drawn_in_rows_with_their_titles():
    figure, caption = plot_panels(IMAGES, list("abcde"), "Five images.", columns=3)
    assert caption == "Five images."
    assert len(figure.axes) == 6 and [axis.get_title() for axis in figure.axes] == [*"abcde", ""]
    for drawn, image in zip(images_of(figure), IMAGES, strict=True):
        np.testing.assert_array_equal(drawn.get_array(), image)
        assert drawn.get_cmap().name == MAP_COLOURS
    assert len(plot_panels(IMAGES[:2], ["a", "b"], "", columns=3)[0].axes) == 2


def test_panels_share_a_scale_where_it_is_given():
    figure, _ = plot_panels(IMAGES, list("abcde"), "", scale=(-1.0, 2.0))
    assert {image.get_clim() for image in images_of(figure) if image.get_array().shape == (8, 12)} == {(-1, 2)}
    assert len(figure.axes) == 6  # five panels and a colour bar
    figure, _ = plot_panels(IMAGES[:2], ["a", "b"], "")
    assert [image.get_clim() for image in images_of(figure)] == [(i.min(), i.max()) for i in IMAGES[:2]]
    assert len(figure.axes) == 2


def test_grey_and_colour_images_have_no_colour_bar():
    colour = [np.zeros((4, 4, 3))]
    for images, colours in ((IMAGES[:1], "gray"), (colour, MAP_COLOURS)):
        figure, _ = plot_panels(images, ["a"], "", colours=colours, scale=(0, 1))
        assert len(figure.axes) == 1


def test_squares_surround_the_middle_of_the_images_unless_they_are_wider():
    images = [np.zeros((20, 20))] * 3
    figure, _ = plot_panels(images, list("abc"), "", squares=[(9, 6), (9, 20), (4, 3)])
    first, second, third = (axis.lines for axis in figure.axes)
    assert len(first) == len(third) == 1 and not second
    square = first[0].get_xydata()
    assert square.min(axis=0).tolist() == [6, 6] and square.max(axis=0).tolist() == [12, 12]
    np.testing.assert_array_equal(square[0], square[-1])
    assert third[0].get_xydata().min() == 2.5


@pytest.mark.parametrize(
    ("images", "titles", "squares", "message"),
    [
        (IMAGES, ["a"], (), "1 titles for 5 images: give"),
        ([], [], (), "0 titles for 0 images"),
        (IMAGES[:2], ["a", "b"], [(1, 1)], "1 squares for 2 images: give"),
    ],
)
def test_panels_without_a_title_or_a_square_each_are_refused(images: list, titles: list, squares: list, message: str):
    with pytest.raises(InputError, match=message):
        plot_panels(images, titles, "", squares=squares)


# Choices


def test_choices_have_a_marker_for_each_fabric_and_a_line_for_the_mean():
    figure, caption = plot_settings(["256 px", "448 px"], VALUES, FABRICS, title="Input size")
    (axis,) = figure.axes
    for i, line in enumerate(axis.lines):
        np.testing.assert_array_equal(line.get_xydata(), np.column_stack([VALUES[:, i], [0, 1]]))
        assert line.get_marker() == MARKERS[i] and line.get_label() == f"fabric {FABRICS[i]}"
    assert len(axis.lines) == 3
    (means,) = axis.collections
    np.testing.assert_allclose([path.vertices[:, 0] for path in means.get_paths()], [[0.8, 0.8], [7 / 12, 7 / 12]])
    np.testing.assert_array_equal(means.get_colors()[0], to_rgba(LINE))
    assert [label.get_text() for label in axis.get_yticklabels()] == ["256 px", "448 px"]
    assert axis.get_ylim()[0] > axis.get_ylim()[1]  # the first choice on top
    assert axis.get_title() == "Input size" and "AUROC" in axis.get_xlabel()
    assert re.match(
        r"Input size, .*AUROC .*: 256 px 0\.800 \(0\.70 to 0\.90\), 448 px 0\.583 \(0\.50 to 0\.65\)\.$", caption
    )


def test_more_fabrics_than_markers_can_be_drawn():
    fabrics = [f"{i:02}" for i in range(len(MARKERS) + 2)]
    figure, _ = plot_settings(["a"], np.linspace(0, 1, len(fabrics))[None], fabrics, title="t")
    assert [line.get_marker() for line in figure.axes[0].lines] == [*MARKERS, *MARKERS[:2]]


def test_values_of_another_shape_than_the_names_are_refused():
    with pytest.raises(InputError, match=r"^values has shape \(2, 3\), expected \(2, 2\)"):
        plot_settings(["a", "b"], VALUES, FABRICS[:2], title="t")


# Intervals


def test_intervals_are_the_median_and_the_95_percent_of_the_resamples():
    resamples = [np.arange(-20, 21) / 100, np.arange(0, 81) / 100]
    figure, caption = plot_intervals(["1 %", "10 %"], resamples, label="tile AUROC, choice - default")
    (axis,) = figure.axes
    expected = [[-0.19, 0.19], [0.02, 0.78]]
    np.testing.assert_allclose([path.vertices[:, 0] for path in axis.collections[0].get_paths()], expected)
    np.testing.assert_allclose(axis.lines[0].get_xdata(), [0, 0.4], atol=1e-12)
    assert axis.get_xlabel() == "tile AUROC, choice - default"
    assert [label.get_text() for label in axis.get_yticklabels()] == ["1 %", "10 %"]
    numbers = r"1 % \+0\.000 \(-0\.190 to \+0\.190\); 10 % \+0\.400 \(\+0\.020 to \+0\.780\)\.$"
    assert re.match(rf"Tile AUROC, choice - default, median and 95 % interval: {numbers}", caption)


def test_resamples_of_different_lengths_can_be_drawn():
    figure, _ = plot_intervals(["a", "b"], [np.zeros(3), np.ones(5)], label="difference")
    np.testing.assert_array_equal(figure.axes[0].lines[0].get_xdata(), [0, 1])


@pytest.mark.parametrize(("names", "resamples"), [(["a", "b"], [np.zeros(3)]), ([], [])])
def test_resamples_that_do_not_match_the_names_are_refused(names: list, resamples: list):
    with pytest.raises(InputError, match=f"{len(resamples)} arrays for {len(names)} names: give"):
        plot_intervals(names, resamples, label="difference")


# All figures


def test_every_figure_has_a_caption_and_is_not_managed_by_pyplot():
    before = plt.get_fignums()
    for figure, caption in (
        plot_panels(IMAGES, list("abcde"), "Five images.", scale=(0, 1), squares=[(4, 3)] * 5),
        plot_settings(["a", "b"], VALUES, FABRICS, title="Choices"),
        plot_intervals(["a"], [np.linspace(-1, 1)], label="difference"),
    ):
        assert type(figure) is Figure and caption.endswith(".")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            figure.canvas.draw()
    assert plt.get_fignums() == before
