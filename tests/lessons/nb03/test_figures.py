"""Figures of notebook 03: what they draw, and the values in their captions."""

from __future__ import annotations

import numpy as np

from aitex_utils.lessons.nb03.figures import plot_spectrum, plot_squares


def test_squares_lie_around_the_centre():
    figure, caption = plot_squares(np.zeros((256, 256), np.uint8), {"small": 20, "large": 300.0}, title="Fields")
    small, large = figure.axes[0].lines
    assert (small.get_xdata().min(), small.get_xdata().max(), small.get_ydata().min()) == (118, 138, 118)
    assert np.ptp(large.get_ydata()) == 300 and small.get_linestyle() != large.get_linestyle()
    assert "256 px: small 20 px, large 300 px" in caption


def test_many_squares_reuse_the_line_styles():
    figure, _ = plot_squares(np.zeros((8, 8), np.uint8), {f"layer {i}": i for i in range(1, 8)})
    styles = [line.get_linestyle() for line in figure.axes[0].lines]
    assert len(styles) == 7 and styles[:3] == styles[4:]


def test_a_spectrum_falls_and_states_the_share_of_the_first_directions():
    figure, caption = plot_spectrum(np.array([1.0] * 10 + [90.0]), 0.5)
    variance, floor = figure.axes[0].lines
    assert variance.get_ydata()[0] == 90 and set(floor.get_ydata()) == {0.5}
    assert "the first 10 of 11 directions have 99 % of it" in caption and "not above any of them" in caption


def test_a_floor_above_some_variances_says_how_many():
    assert "above 2 of them" in plot_spectrum(np.array([1.0, 2.0, 9.0]), 2.5)[1]
