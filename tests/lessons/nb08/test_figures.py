"""Figures of notebook 08 draw the values that their captions state, all maps on one scale."""

from __future__ import annotations

import time

import numpy as np
import pytest

from aitex_utils.errors import InputError
from aitex_utils.lessons.nb08 import figures


def gallery() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return two tiles, their maps and masks. The second map reaches 2, and the first mask is marked."""
    tiles, maps, masks = np.zeros((2, 64, 64), np.uint8), np.zeros((2, 64, 64)), np.zeros((2, 64, 64), bool)
    maps[1, 20:30, 20:30], masks[0, 40:50, 5:9] = 2, True
    return tiles, maps, masks


def test_gallery_has_one_scale_and_outlines():
    figure, caption = figures.plot_gallery(*gallery(), ["1.", "2."], threshold=1.5)
    (first, second), (first_map, second_map) = figure.axes[:2], figure.axes[2:4]
    assert [axis.images[0].get_clim() for axis in (first_map, second_map)] == [(0, 2), (0, 2)]
    assert [len(axis.lines) for axis in (first, second, first_map, second_map)] == [1, 0, 1, 0]  # outlines of the mask
    assert [len(axis.collections) for axis in (first, second, first_map, second_map)] == [0, 0, 0, 1]  # of the map
    assert caption.startswith("2 tiles") and "1 map reaches 1.5," in caption and "1 tile has a marked" in caption


def test_gallery_without_alarms_and_defects_reports_none():
    tiles, maps, masks = gallery()
    figure, caption = figures.plot_gallery(tiles, maps, np.zeros_like(masks), ["1.", "2."], threshold=3)
    assert figure.axes[2].images[0].get_clim() == figures.SCALE
    assert "No map reaches 3" in caption and "marked" not in caption


def test_gallery_refuses_unequal_counts():
    with pytest.raises(InputError, match="2 tiles, 2 maps, 2 masks and 1 titles"):
        figures.plot_gallery(*gallery(), ["1."])
    with pytest.raises(InputError, match="at least one tile"):
        figures.plot_gallery(*(part[:0] for part in gallery()), [])


@pytest.fixture
def strip() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return a strip, its map before and after a fix, and a mask of one pixel."""
    image = np.random.default_rng(0).integers(80, 120, (256, 900)).astype(np.uint8)
    before, after, mask = np.full(image.shape, 0.5), np.zeros(image.shape), np.zeros(image.shape, bool)
    mask[100, 500] = True
    after[95:105, 495:505] = 1.7
    return image, before, after, mask


def test_crops_are_at_full_size_with_one_scale_and_the_strip_s_own_pixels(strip):
    image, before, after, mask = strip
    places = {"spot": (100, 500), "corner": (0, 0)}
    figure, caption = figures.plot_before_after(image, before, after, places, mask=mask)
    axes = np.array(figure.axes[:6]).reshape(3, 2)
    figure.draw_without_rendering()
    for axis in axes[1:].flat:
        assert axis.images[0].get_clim() == figures.SCALE
    for row in axes:
        assert row[0].get_xlim() == (427.5, 571.5) and row[0].get_ylim() == (171.5, 27.5)
        assert row[1].get_xlim() == (-0.5, 143.5) and row[1].get_ylim() == (143.5, -0.5)
        assert row[0].get_window_extent().width / figure.dpi * 82 >= 0.97 * 144  # px on the screen, see figure_html
        assert len(row[0].lines) == 1 and not row[1].lines
    x, y = axes[0, 0].lines[0].get_data()
    assert (min(x), max(x), min(y), max(y)) == (498, 502, 98, 102)  # outside the marked pixel
    np.testing.assert_array_equal(axes[2, 0].images[0].get_array(), after[28:172, 428:572])
    assert len(axes[2, 0].collections) == 1 and not axes[1, 0].collections  # only after reaches 1
    assert "spot 0.50 and 1.70, corner 0.50 and 0.00" in caption


def test_crops_of_a_map_with_gaps_are_drawn(strip):
    image, before, after, _ = strip
    after[:, :450] = np.nan
    _, caption = figures.plot_before_after(image, before, after, {"edge": (128, 450)}, names=("all", "cropped"))
    assert "Highest values, first all, then cropped: edge 0.50 and 1.70" in caption


def test_crops_without_a_place_or_with_other_shapes_are_refused(strip):
    image, before, after, _ = strip
    for arguments in ((image, before, after, {}), (image, before[:, 1:], after, {"a": (1, 1)})):
        with pytest.raises(InputError, match="give a place, and equal shapes"):
            figures.plot_before_after(*arguments)


def test_profiles_are_lines_with_a_reference():
    lines = {"zeros": np.array([3.0, 1.0, 1.0]), "mirrored": np.array([1.5, 1.0, 1.0])}
    figure, caption = figures.plot_profiles(lines, xlabel="x", ylabel="y", title="T", reference=1)
    axis = figure.axes[0]
    assert [line.get_ydata()[0] for line in axis.lines[:2]] == [3.0, 1.5] and axis.lines[2].get_ydata()[0] == 1
    assert "zeros 3.00, mirrored 1.50" in caption and (axis.get_xlabel(), axis.get_ylabel()) == ("x", "y")


def test_a_chain_is_drawn_from_top_to_bottom():
    figure, caption = figures.plot_chain(["a", "b"], [0.8, 0.9], title="tile AUROC")
    axis = figure.axes[0]
    assert list(axis.lines[1].get_xdata()) == [0.8, 0.9] and axis.get_ylim() == (1.5, -0.5)
    assert [text.get_text() for text in axis.texts] == ["0.800", "0.900"] and "a 0.800, b 0.900" in caption


def test_costs_have_a_marker_at_the_lowest():
    curves = {"a": (np.array([1.0, 2.0, 3.0]), np.array([4.0, 0.5, 2.0]))}
    figure, caption = figures.plot_costs(curves)
    assert figure.axes[0].lines[1].get_xydata().tolist() == [[2.0, 0.5]] and "a, 0.50 at 2.00" in caption


@pytest.fixture
def crop() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    truth = np.zeros((224, 224), bool)
    truth[100:110, 50:150] = True
    one = np.where(truth, 1.4, 0.5) + 0.2 * rng.standard_normal(truth.shape)
    return {"image": rng.integers(80, 120, truth.shape).astype(np.uint8), "anomaly_map": one, "truth": truth}


def test_the_slider_s_figure_follows_threshold_and_closing(crop: dict):
    few = figures.plot_cleaning(**crop, threshold=1.0, closing=1, min_area=30)[0]
    raw, cleaned = few.axes[2].images[0].get_array(), few.axes[3].images[0].get_array()
    np.testing.assert_array_equal(raw, crop["anomaly_map"] >= 1)
    assert cleaned.sum() < raw.sum()
    wide = figures.plot_cleaning(**crop, threshold=1.0, closing=15, min_area=30)[0].axes[3].images[0].get_array()
    assert wide.sum() > cleaned.sum()
    high = figures.plot_cleaning(**crop, threshold=1.9, closing=1, min_area=30)[1]
    assert "cleaned, 0 components, IoU 0 %" in high


def test_an_even_closing_becomes_odd_and_the_learner_s_function_is_called(crop: dict):
    calls = []

    def clean(mask, closing, min_area):
        calls.append((closing, min_area))
        return mask

    figures.plot_cleaning(**crop, threshold=1.0, closing=14, min_area=30, clean=clean)
    assert calls == [(15, 30)]


def test_the_slider_s_figure_is_quick(crop: dict):
    figures.plot_cleaning(**crop, threshold=1.0, closing=15, min_area=30)
    start = time.perf_counter()
    figures.plot_cleaning(**crop, threshold=1.0, closing=15, min_area=30)
    assert time.perf_counter() - start < 20  # catches a hang: it takes a fraction of a second on a quiet machine


def test_a_shadow_is_one_row_of_each_map():
    maps = {"one": np.array([[0.0, 1.0], [2.0, -3.0]]), "two": np.zeros((2, 2))}
    figure, caption = figures.plot_shadow(maps, 1)
    assert figure.axes[0].lines[0].get_ydata().tolist() == [2.0, -3.0] and "one 2.00 and -3.00" in caption
