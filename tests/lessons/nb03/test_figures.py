"""Figures of notebook 03: what they draw is what their sentences say."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils.errors import InputError
from aitex_utils.lessons.nb03.figures import plot_choices, plot_differences, plot_panels, plot_spectrum, plot_squares


def test_panels_share_one_scale_and_have_a_bar():
    images = [np.zeros((4, 4)), np.ones((2, 2)), np.full((3, 3), 0.5)]
    figure, sentence = plot_panels(images, ["a", "b", "c"], "Three.", scale=(0, 1), columns=2)
    drawn = [axis.images[0] for axis in figure.axes if axis.images]
    assert [d.get_clim() for d in drawn] == [(0, 1)] * 3 and sentence == "Three."
    assert [axis.get_title() for axis in figure.axes[:3]] == ["a", "b", "c"]
    assert len(figure.axes) == 5  # four places and the bar


def test_panels_without_a_scale_have_each_their_own_and_no_bar():
    figure, _ = plot_panels([np.arange(4.0).reshape(2, 2), np.arange(9.0).reshape(3, 3)], ["a", "b"], "Two.")
    assert [axis.images[0].get_clim() for axis in figure.axes] == [(0, 3), (0, 8)]


def test_panels_get_squares_about_a_pixel_where_these_fit():
    images = [np.zeros((8, 8)), np.zeros((8, 8))]
    figure, _ = plot_panels(images, ["a", "b"], "Two.", squares=[(4, 3), (4, 20)])
    (line,) = figure.axes[0].lines
    assert (line.get_xdata().min(), line.get_xdata().max()) == (2.5, 5.5)  # around the pixels 3, 4 and 5
    assert (line.get_ydata().min(), line.get_ydata().max()) == (2.5, 5.5)
    assert not figure.axes[1].lines
    with pytest.raises(InputError, match="1 squares for 2 images"):
        plot_panels(images, ["a", "b"], "Two.", squares=[(4, 3)])


@pytest.mark.parametrize(("images", "titles"), [([], []), ([np.zeros((2, 2))], [])])
def test_panels_want_a_title_each(images: list, titles: list):
    with pytest.raises(InputError, match="give each image one"):
        plot_panels(images, titles, "None.")


def test_squares_lie_around_the_middle():
    figure, sentence = plot_squares(np.zeros((256, 256), np.uint8), {"one": 20, "two": 300.0}, title="Fields")
    (one, two) = figure.axes[0].lines
    assert (one.get_xdata().min(), one.get_xdata().max(), one.get_ydata().min()) == (118, 138, 118)
    assert np.ptp(two.get_ydata()) == 300 and one.get_linestyle() != two.get_linestyle()
    assert sentence == "Fields, as squares on a tile of 256 px: one 20 px, two 300 px."


def test_choices_show_each_fabric_and_the_mean():
    values = np.array([[0.5, 0.7], [0.9, 1.0]])
    figure, sentence = plot_choices(["a", "b"], values, ["00", "02"], title="Layers")
    assert [line.get_xdata().tolist() for line in figure.axes[0].lines] == [[0.5, 0.9], [0.7, 1.0]]
    means = [segment[0][0] for segment in figure.axes[0].collections[0].get_segments()]
    assert means == pytest.approx([0.6, 0.95])
    assert sentence.endswith("a 0.600 (0.50 to 0.70), b 0.950 (0.90 to 1.00).")
    with pytest.raises(InputError, match=r"expected \(2, 3\)"):
        plot_choices(["a", "b"], values, ["00", "02", "03"], title="Layers")


def test_differences_name_those_clear_of_zero():
    drawn = np.stack([np.linspace(-1, 1, 101), np.linspace(0.1, 0.2, 101), np.linspace(-0.3, -0.2, 101)])
    figure, sentence = plot_differences(["a", "b", "c"], drawn)
    assert "Clear of zero: b, c; the widest interval is 1.90 wide." in sentence
    assert figure.axes[0].lines[0].get_xdata().tolist() == pytest.approx([0, 0.15, -0.25])
    assert "Clear of zero: none" in plot_differences(["a"], drawn[:1])[1]


def test_a_spectrum_falls_and_says_what_the_widest_hold():
    figure, sentence = plot_spectrum(np.array([1.0] * 10 + [90.0]), 0.5)
    assert figure.axes[0].lines[0].get_ydata()[0] == 90 and sentence.endswith(
        "the ten widest of 11 hold 99% of it. The floor lies below all of them."
    )
    assert plot_spectrum(np.array([1.0, 2.0, 9.0]), 2.5)[1].endswith("The floor lies above 2 of them.")
