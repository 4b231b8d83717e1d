"""Figures of the toy: what they draw and what their sentences say."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils.errors import InputError
from aitex_utils.lessons.nb02.figures import (
    SPAN,
    plane,
    plot_fields,
    plot_image_scores,
    plot_patch,
    plot_refolded,
    plot_steps,
)

BANK = np.array([[0.0, 0.0], [3.0, 1.0], [0.0, 2.0]])


def test_the_plane_runs_row_by_row_from_the_bottom_left():
    places, shape = plane(5, 3)
    assert places.shape == (15, 2) and shape == (3, 5)
    np.testing.assert_allclose(places[[0, 4, 14]], [[SPAN[0], SPAN[2]], [SPAN[1], SPAN[2]], [SPAN[1], SPAN[3]]])


def test_fields_share_a_scale_and_are_read_at_the_points():
    places, shape = plane()
    right, up = places[:, 0].reshape(shape) + 5, places[:, 1].reshape(shape) + 5
    figure, sentence = plot_fields(BANK, {"right": right, "up": up}, {"here": np.array([1.0, 2.0])}, label="sum")
    assert sentence.startswith("3 remembered patches in the plane of two channels; sum on one scale from 0 to 9.2. ")
    assert sentence.endswith("right: here 6.00. up: here 7.00.")
    assert {image.get_clim() for axis in figure.axes for image in axis.images} == {(0, right.max())}
    assert "right: highest 9.20" in plot_fields(BANK, {"right": right})[1]


def test_each_field_can_have_a_bank_of_its_own_and_normal_points_another_mark():
    places, shape = plane()
    fields, more = {"a": places[:, 0].reshape(shape), "b": places[:, 1].reshape(shape)}, np.array([[2.0, 2.0]])
    banks = {"a": BANK, "b": np.concatenate([BANK, more])}
    figure, sentence = plot_fields(banks, fields, {"rare, normal": BANK[0], "off": BANK[1]})
    assert sentence.startswith("3 or 4 remembered patches in ")
    for axis, of_field in zip(figure.axes, (3, 4), strict=False):
        lines = {line.get_marker(): line for line in axis.lines}
        assert len(lines["o"].get_xdata()) == of_field
        assert lines["D"].get_color() != lines["X"].get_color()
        assert (lines["D"].get_xdata()[0], lines["X"].get_xdata()[0]) == (0, 3)
    with pytest.raises(InputError, match="give each field its own"):
        plot_fields({"a": BANK}, fields)


def test_fields_of_different_shapes_are_refused():
    with pytest.raises(InputError, match="reshape them"):
        plot_fields(BANK, {"flat": np.ones(10)})
    with pytest.raises(InputError, match="expected one"):
        plot_fields(BANK, {"a": np.ones((2, 3)), "b": np.ones((3, 2))})


def test_a_patch_s_sentence_gives_its_place_and_its_distance():
    figure, sentence = plot_patch(BANK, np.array([0.0, 1.25]), 2, neighbours=np.array([2, 0]), told="Factor 0.9")
    assert sentence == ("The patch at (0.0, 1.2): its nearest vector lies at (0.0, 2.0), 0.75 away. Factor 0.9.")
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert "the 2 nearest to m*" in labels
    assert plot_patch(BANK, np.array([0.0, 1.0]), 0)[1].endswith("1.00 away.")
    assert "lies at (0.0, 0.0)" in plot_patch(np.array([[-0.01, 0.0]]), np.array([0.0, 1.0]), 0)[1]


def test_refolded_maps_tell_how_much_kept_its_place():
    colours = np.linspace(0, 1, 12).reshape(3, 2, 2)
    sentence = plot_refolded({"map": colours, "other": np.where(np.arange(2) == 0, colours, 0.5)})[1]
    assert sentence.endswith("map: 100%; other: 50%.")


def test_image_scores_are_told_by_name():
    maps = {"knot": np.eye(3), "light": np.full((3, 3), 0.5)}
    figure, sentence = plot_image_scores(
        maps, {"max": {"knot": 1.0, "light": 0.5}, "mean": {"knot": 1 / 3, "light": 0.5}}
    )
    assert sentence.endswith("max: knot 1.00, light 0.50; mean: knot 0.33, light 0.50.")
    assert {image.get_clim() for axis in figure.axes[:2] for image in axis.images} == {(0.0, 1.0)}


def test_steps_are_numbered():
    assert plot_steps({"cut": "tiles", "look": "a\nmap"})[1] == (
        "2 steps, one after the other. 1. cut: tiles; 2. look: a map."
    )
