"""Figures of notebook 02: what they draw, and the values in their captions."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils.errors import InputError
from aitex_utils.lessons.nb02.figures import (
    SPAN,
    plane_points,
    plot_fields,
    plot_image_scores,
    plot_patch,
    plot_refolded,
    plot_steps,
)

BANK = np.array([[0.0, 0.0], [3.0, 1.0], [0.0, 2.0]])


def test_points_of_the_plane_go_row_by_row_from_the_bottom_left():
    points, shape = plane_points(5, 3)
    assert points.shape == (15, 2) and shape == (3, 5)
    np.testing.assert_allclose(points[[0, 4, 14]], [[SPAN[0], SPAN[2]], [SPAN[1], SPAN[2]], [SPAN[1], SPAN[3]]])


def test_fields_share_a_scale_and_are_read_at_the_points():
    points, shape = plane_points()
    right, up = points[:, 0].reshape(shape) + 5, points[:, 1].reshape(shape) + 5
    figure, caption = plot_fields(BANK, {"right": right, "up": up}, {"here": np.array([1.0, 2.0])}, label="sum")
    assert "size 3 " in caption and "sum on one scale from 0 to 9.2" in caption
    assert "right: here 6.00. up: here 7.00" in caption
    assert {image.get_clim() for axis in figure.axes for image in axis.images} == {(0, right.max())}
    assert "right: highest 9.20" in plot_fields(BANK, {"right": right})[1]


def test_a_field_can_have_more_vectors_and_normal_points_have_another_marker():
    points, shape = plane_points()
    fields = {"a": points[:, 0].reshape(shape), "b": points[:, 1].reshape(shape)}
    named = {"rare, normal": BANK[0], "off": BANK[1]}
    figure, caption = plot_fields(BANK, fields, named, added={"b": np.array([[2.0, 2.0]])})
    assert "size 3 or 4 " in caption
    for axis, size in zip(figure.axes, (3, 4), strict=False):
        lines = {line.get_marker(): line for line in axis.lines}
        assert len(lines["o"].get_xdata()) == size
        assert lines["D"].get_color() != lines["X"].get_color()
        assert (lines["D"].get_xdata()[0], lines["X"].get_xdata()[0]) == (0, 3)


def test_vectors_for_an_unknown_field_are_refused():
    with pytest.raises(InputError, match="'c'.*a"):
        plot_fields(BANK, {"a": np.ones((2, 3))}, added={"c": BANK})


def test_fields_of_different_shapes_are_refused():
    with pytest.raises(InputError, match="reshape"):
        plot_fields(BANK, {"flat": np.ones(10)})
    with pytest.raises(InputError, match="expected one"):
        plot_fields(BANK, {"a": np.ones((2, 3)), "b": np.ones((3, 2))})


def test_a_patch_is_drawn_with_its_distance_and_its_neighbours():
    figure, caption = plot_patch(BANK, np.array([0.0, 1.25]), 2, neighbours=np.array([2, 0]), note="Factor 0.9")
    assert caption == "The patch at (0.0, 1.2): its nearest vector is at (0.0, 2.0), at a distance of 0.75. Factor 0.9."
    axis = figure.axes[0]
    assert "the 2 nearest to m*" in [text.get_text() for text in axis.get_legend().get_texts()]
    circle = max((line for line in axis.lines), key=lambda line: len(line.get_xdata()))
    radii = np.hypot(circle.get_xdata() - 0.0, circle.get_ydata() - 1.25)
    np.testing.assert_allclose(radii, 0.75)


def test_a_caption_without_a_note_ends_with_the_distance():
    assert plot_patch(BANK, np.array([0.0, 1.0]), 0)[1].endswith("1.00.")
    assert "is at (0.0, 0.0)" in plot_patch(np.array([[-0.01, 0.0]]), np.array([0.0, 1.0]), 0)[1]  # no minus sign


def test_refolded_maps_say_how_many_positions_kept_their_colour():
    colours = np.linspace(0, 1, 12).reshape(3, 2, 2)
    figure, caption = plot_refolded({"map": colours, "other": np.where(np.arange(2) == 0, colours, 0.5)})
    assert "map 100 %; other 50 %" in caption
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), colours.transpose(1, 2, 0))


def test_image_scores_are_bars_by_tile():
    maps = {"knot": np.eye(3), "light": np.full((3, 3), 0.5)}
    scores = {"max": {"knot": 1.0, "light": 0.5}, "mean": {"knot": 1 / 3, "light": 0.5}}
    figure, caption = plot_image_scores(maps, scores)
    assert "max: knot 1.00, light 0.50; mean: knot 0.33, light 0.50" in caption
    assert {image.get_clim() for axis in figure.axes[:2] for image in axis.images} == {(0.0, 1.0)}
    assert [bar.get_height() for bar in figure.axes[2].patches] == [1.0, 1 / 3, 0.5, 0.5]


def test_steps_are_numbered():
    figure, caption = plot_steps({"cut": "tiles", "look": "a\nmap"})
    assert caption == "2 steps, one after the other. 1. cut: tiles; 2. look: a map."
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts.index("1. cut") < texts.index("2. look") and "a\nmap" in texts
