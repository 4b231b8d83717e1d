"""Figures of notebook 02: what they draw, and the values in their captions."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils.errors import InputError
from aitex_utils.lessons.nb02.figures import (
    SPAN,
    describe_found,
    describe_separation,
    plane_points,
    plot_coreset,
    plot_fields,
    plot_found,
    plot_image_scores,
    plot_nearest,
    plot_patch,
    plot_refolded,
    plot_reweighted,
    plot_steps,
)
from aitex_utils.lessons.nb02.reference import reweighted

BANK = np.array([[0.0, 0.0], [3.0, 1.0], [0.0, 2.0]])


def test_points_of_the_plane_go_row_by_row_from_the_bottom_left():
    points, shape = plane_points(5, 3)
    assert points.shape == (15, 2) and shape == (3, 5)
    np.testing.assert_allclose(points[[0, 4, 14]], [[SPAN[0], SPAN[2]], [SPAN[1], SPAN[2]], [SPAN[1], SPAN[3]]])


def test_fields_share_a_scale_and_are_read_at_the_points():
    points, shape = plane_points()
    right, up = points[:, 0].reshape(shape) + 5, points[:, 1].reshape(shape) + 5
    figure, caption = plot_fields(BANK, {"right": right, "up": up}, {"here": np.array([1.0, 2.0])}, label="sum")
    assert "size 3 " in caption and "the sum on one scale from 0 to 9.2" in caption
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
    assert caption == (
        "The nearest vector of the patch at (0.0, 1.2) is the vector at (0.0, 2.0). Their distance is 0.75. Factor 0.9."
    )
    axis = figure.axes[0]
    assert "the 2 nearest to m*" in [text.get_text() for text in axis.get_legend().get_texts()]
    circle = max((line for line in axis.lines), key=lambda line: len(line.get_xdata()))
    radii = np.hypot(circle.get_xdata() - 0.0, circle.get_ydata() - 1.25)
    np.testing.assert_allclose(radii, 0.75)


def test_a_caption_without_a_note_ends_with_the_distance():
    assert plot_patch(BANK, np.array([0.0, 1.0]), 0)[1].endswith("1.00.")
    assert "vector at (0.0, 0.0)" in plot_patch(np.array([[-0.01, 0.0]]), np.array([0.0, 1.0]), 0)[1]  # no minus sign


def test_refolded_maps_say_how_many_positions_kept_their_colour():
    colours = np.linspace(0, 1, 12).reshape(3, 2, 2)
    figure, caption = plot_refolded({"map": colours, "other": np.where(np.arange(2) == 0, colours, 0.5)})
    assert "map 100 %, other 50 %" in caption
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), colours.transpose(1, 2, 0))


def test_image_scores_are_bars_by_tile():
    maps = {"knot": np.eye(3), "light": np.full((3, 3), 0.5)}
    scores = {"max": {"knot": 1.0, "light": 0.5}, "mean": {"knot": 1 / 3, "light": 0.5}}
    figure, caption = plot_image_scores(maps, scores)
    assert "max: knot 1.00, light 0.50. mean: knot 0.33, light 0.50" in caption
    assert {image.get_clim() for axis in figure.axes[:2] for image in axis.images} == {(0.0, 1.0)}
    assert [bar.get_height() for bar in figure.axes[2].patches] == [1.0, 1 / 3, 0.5, 0.5]


def test_the_callbacks_of_the_sliders_find_the_nearest_vector_and_equation_7():
    caption = plot_nearest(BANK, 0.0, 1.25)[1]
    assert caption.endswith("is the vector at (0.0, 2.0). Their distance is 0.75.")
    figure, caption = plot_reweighted(BANK, 0.0, 1.25, 2)
    expected = reweighted(np.array([0.0, 1.25]), BANK, 2)
    assert f"s* = 0.75 becomes s = {expected:.2f} (lowest possible factor with b = 2: 0.500)" in caption
    assert "the 2 nearest to m*" in [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert "becomes s = 0.00" in plot_reweighted(BANK, 0.0, 1.25, 1)[1]


def test_the_callbacks_are_quick_over_the_whole_range():
    bank = np.random.default_rng(0).normal(size=(48, 2))
    for x, y in ((-4.0, -2.6), (4.0, 2.8)):
        assert "nan" not in plot_reweighted(bank, x, y, 20)[1] + plot_nearest(bank, x, y)[1]


def test_a_coreset_is_numbered_and_has_circles_of_its_radius():
    figure, caption = plot_coreset(BANK, np.array([1, 0]), 2.0)
    assert (
        caption
        == "Coreset: 2 of 3 patches, numbered in the order of choice. Circles of the covering radius 2.00 cover all."
    )
    axis = figure.axes[0]
    assert [text.get_text() for text in axis.texts] == ["1", "2"]
    circle = next(line for line in axis.lines if line.get_linestyle() == ":")
    np.testing.assert_allclose(np.hypot(circle.get_xdata() - 3.0, circle.get_ydata() - 1.0), 2.0)


def test_steps_have_shapes_and_an_optional_step_is_dashed():
    steps = [("", "tile", (8, 8)), ("1 search", "distances", (1024,)), ("optional\nmean", "score", ())]
    figure, caption = plot_steps({"Test": steps})
    assert caption == "Test: tile (8, 8), 1 search, distances (1024,), optional mean, score."
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert "distances\n(1,024,)" in texts and "score\none number" in texts
    styles = [text.arrow_patch.get_linestyle() for text in figure.axes[0].texts if getattr(text, "arrow_patch", None)]
    assert styles == ["-", "--"]
    with pytest.raises(InputError):
        plot_steps({"Test": []})


def peaks(*positions: tuple[int, int]) -> np.ndarray:
    maps = np.zeros((len(positions), 64, 64))
    for i, position in enumerate(positions):
        maps[i][position] = i + 1.0
    return maps


def test_found_defects_are_those_with_the_peak_near_the_mask():
    masks = np.zeros((4, 64, 64), bool)
    masks[:, 30:33, 30:33] = True
    maps = peaks((31, 31), (32, 40), (32, 41), (60, 31))
    text = describe_found(["a", "b", "c", "d"], masks, maps)
    assert text == (
        "Highest score in the mask or within 8 px of it: 2 of 4 tiles. Elsewhere: c (inside of the tile), "
        "d (at the edge of the tile)."
    )
    assert describe_found(["a"], masks[:1], maps[:1]).endswith("1 of 1 tile.")
    assert describe_found(["no mask"], masks[:1] & False, maps[:1]).endswith("no mask (inside of the tile).")


def test_defective_tiles_are_drawn_with_masks_and_maps_on_one_scale():
    masks, maps = peaks((31, 31), (9, 9)) > 0, peaks((31, 31), (9, 9))
    figure, caption = plot_found(np.zeros((2, 64, 64), np.uint8), masks, maps, ("nep", "crease"))
    assert caption.endswith("Highest score: nep 1.0, crease 2.0.")
    assert [axis.get_title() for axis in figure.axes[:2]] == ["nep", "crease"]
    assert all(axis.lines for axis in figure.axes[:2]), "the outlines"
    assert {image.get_clim() for axis in figure.axes[2:4] for image in axis.images} == {(0.0, 2.0)}
    with pytest.raises(InputError, match="1 names for 2"):
        plot_found(np.zeros((2, 64, 64), np.uint8), masks, maps, ("nep",))


def test_separation_counts_scores_above_all_normal_ones():
    text = describe_separation(np.array([1.0, 3.0]), np.array([3.0, 3.5, 2.0]), "mean")
    assert text == "mean: 1 of 3 defective tiles score above all 2 normal tiles (highest normal score 3.00)."
