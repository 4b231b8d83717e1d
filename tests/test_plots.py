"""Figures of hand-made maps: their captions, one colour scale, outlines, and `show` in and outside a notebook."""

from __future__ import annotations

import base64
import html
import io
import math
import re
import subprocess
import sys
import warnings
from pathlib import Path

import IPython
import IPython.display
import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from aitex_utils.errors import InputError
from aitex_utils.plots import (
    COLOURS,
    DEFECTIVE,
    LINE,
    LINE_STYLES,
    MAP_COLOURS,
    MARKERS,
    NORMAL,
    describe_map,
    draw_intervals,
    draw_outline,
    figure_html,
    make_axes,
    plot_curves,
    plot_image,
    plot_scores,
    plot_strip,
    plot_tiles,
    show,
    use_log_x,
    use_log_y,
)

GREY = np.full((16, 3000), 100, np.uint8)
TILES = np.random.default_rng(0).integers(0, 256, (5, 16, 16), dtype=np.uint8)


def peak(shape: tuple[int, int], row: int, column: int, height: float = 8.0, ground: float = 2.0) -> np.ndarray:
    """Return a map with one value higher than the rest."""
    anomaly_map = np.full(shape, ground, np.float32)
    anomaly_map[row, column] = height
    return anomaly_map


def box(shape: tuple[int, int], rows: slice, columns: slice) -> np.ndarray:
    """Return a mask of one rectangle."""
    mask = np.zeros(shape, bool)
    mask[rows, columns] = True
    return mask


def images_of(figure: Figure) -> list[AxesImage]:
    return [image for axis in figure.axes for image in axis.images]


def maps_of(figure: Figure) -> list[AxesImage]:
    return [image for image in images_of(figure) if image.get_cmap().name == MAP_COLOURS]


# Axes


def test_axes_form_a_grid_of_the_given_size_that_pyplot_does_not_manage():
    before = plt.get_fignums()
    figure, axes = make_axes(2, 3, (5, 4), squeeze=False, sharex=True)
    assert type(figure) is Figure and axes.shape == (2, 3) and tuple(figure.get_size_inches()) == (5, 4)
    assert all(axis.figure is figure for axis in axes.flat)
    assert axes[0, 0].get_shared_x_axes().joined(axes[0, 0], axes[1, 2])
    assert isinstance(make_axes(1, 1, (3, 2))[1], Axes)
    assert plt.get_fignums() == before


@pytest.mark.parametrize("ends", [(17, 525), (0.4, 3), (1, 1000)])
def test_the_numbers_below_a_logarithmic_axis_are_plain_and_do_not_overlap(ends: tuple[float, float]):
    figure, axis = make_axes(1, 1, (6, 3))
    use_log_x(axis)
    axis.set_xlim(*ends)
    figure.canvas.draw()
    labels = [tick for which in ("major", "minor") for tick in axis.get_xticklabels(which=which) if tick.get_text()]
    inside = [tick for tick in labels if ends[0] <= tick.get_position()[0] <= ends[1]]
    boxes = sorted((tick.get_window_extent() for tick in inside), key=lambda box: box.x0)
    assert len(inside) >= 3 and all(float(tick.get_text()) > 0 for tick in inside)
    assert all(left.x1 < right.x0 for left, right in zip(boxes, boxes[1:], strict=False))


def test_the_numbers_beside_a_logarithmic_axis_are_plain():
    figure, axis = make_axes(1, 1, (6, 3))
    use_log_y(axis)
    axis.set_ylim(3, 90)
    figure.canvas.draw()
    texts = [tick.get_text() for which in ("major", "minor") for tick in axis.get_yticklabels(which=which)]
    assert axis.get_yscale() == "log" and {"5", "10", "20", "50"} <= {text for text in texts if text}


# Intervals


def test_intervals_are_drawn_from_top_to_bottom_with_their_names():
    figure, axis = make_axes(1, 1, (4, 2))
    intervals = np.array([[-0.1, 0.0, 0.2], [0.1, 0.3, 0.4], [0.5, 0.6, 0.7]])
    draw_intervals(axis, ["a", "b", "c"], intervals)
    (lines,) = axis.collections
    np.testing.assert_allclose([path.vertices[:, 0] for path in lines.get_paths()], intervals[:, ::2])
    np.testing.assert_allclose([path.vertices[:, 1] for path in lines.get_paths()], [[0, 0], [1, 1], [2, 2]])
    middles, reference = axis.lines
    np.testing.assert_allclose(middles.get_xydata(), np.column_stack([intervals[:, 1], np.arange(3)]))
    assert set(reference.get_xdata()) == {0.0}
    figure.canvas.draw()
    labels = axis.get_yticklabels()
    assert [label.get_text() for label in labels] == ["a", "b", "c"]
    heights = [label.get_window_extent().y0 for label in labels]
    assert heights == sorted(heights, reverse=True)


def test_the_reference_of_intervals_is_optional():
    for reference, lines in ((None, 1), (0.5, 2)):
        _, axis = make_axes(1, 1, (4, 2))
        draw_intervals(axis, ["a"], [[0.0, 0.1, 0.2]], reference=reference)
        assert len(axis.lines) == lines
        assert reference is None or set(axis.lines[1].get_xdata()) == {reference}


@pytest.mark.parametrize(
    ("names", "intervals"), [(["a"], np.zeros((2, 3))), (["a"], np.zeros((1, 2))), (["a"], np.zeros(3)), ([], [])]
)
def test_intervals_without_a_low_middle_and_high_for_each_name_are_refused(names: list, intervals: np.ndarray):
    _, axis = make_axes(1, 1, (4, 2))
    with pytest.raises(InputError, match=rf"^intervals has shape \(.*expected \({len(names)}, 3\)"):
        draw_intervals(axis, names, intervals)


# Outlines


def outline_of(mask: np.ndarray) -> list[np.ndarray]:
    """Return the points (n, 2), as (column, row), of each line that `draw_outline` draws."""
    _, axis = make_axes(1, 1, (2, 2))
    draw_outline(axis, mask)
    return [line.get_xydata() for line in axis.lines]


def points_along(line: np.ndarray) -> np.ndarray:
    """Return points (n, 2) close together along a line, without those at which it is interrupted."""
    parts = np.linspace(line[:-1], line[1:], 9).reshape(-1, 2)
    return parts[~np.isnan(parts).any(axis=1)]


def is_on_mask(points: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return whether each point (column, row) lies on a pixel of the mask; a pixel reaches half a pixel each way."""
    columns, rows = np.floor(points.T + 0.5).astype(int)
    inside = (rows >= 0) & (rows < mask.shape[0]) & (columns >= 0) & (columns < mask.shape[1])
    on_mask = np.zeros(len(points), bool)
    on_mask[inside] = mask[rows[inside], columns[inside]]
    return on_mask


def test_the_outline_surrounds_a_pixel_at_a_distance_of_two_pixels():
    (line,) = outline_of(box((20, 30), slice(8, 9), slice(12, 13)))
    np.testing.assert_array_equal(line[0], line[-1])  # closed
    assert np.abs(line - [12, 8]).max(axis=1).tolist() == [2] * len(line)
    assert line.min(axis=0).tolist() == [10, 6] and line.max(axis=0).tolist() == [14, 10]


def test_each_region_and_each_hole_has_an_outline():
    mask = box((60, 60), slice(5, 10), slice(5, 10)) | box((60, 60), slice(20, 50), slice(20, 50))
    assert len(outline_of(mask)) == 2
    mask[30:40, 30:40] = False
    lines = outline_of(mask)
    assert len(lines) == 3
    assert not any(is_on_mask(points_along(line), mask).any() for line in lines)
    assert outline_of(np.zeros((9, 9), bool)) == []


@given(arrays(bool, st.tuples(st.integers(1, 24), st.integers(1, 24)), elements=st.booleans(), fill=st.just(False)))
def test_no_point_of_an_outline_lies_on_the_mask(mask: np.ndarray):
    mask = np.pad(mask, 3)
    for line in outline_of(mask):
        assert not is_on_mask(points_along(line), mask).any()


@pytest.mark.parametrize(
    "mask",
    [
        box((20, 40), slice(0, 5), slice(10, 20)),
        box((20, 40), slice(0, 20), slice(10, 12)),
        box((20, 40), slice(15, 20), slice(36, 40)),
        box((20, 40), slice(1, 3), slice(10, 20)),
    ],
)
def test_no_point_of_an_outline_lies_on_a_mask_at_the_border_of_the_image(mask: np.ndarray):
    lines = outline_of(mask)
    assert lines
    for line in lines:
        assert not is_on_mask(points_along(line), mask).any()


def test_an_outline_leaves_the_limits_of_the_axes_at_the_image():
    _, axis = make_axes(1, 1, (2, 2))
    axis.imshow(np.zeros((20, 40)))
    draw_outline(axis, box((20, 40), slice(0, 5), slice(30, 40)))
    assert axis.get_xlim() == (-0.5, 39.5) and axis.get_ylim() == (19.5, -0.5)


def test_an_outline_takes_masks_of_zeros_and_ones_and_a_colour():
    _, axis = make_axes(1, 1, (2, 2))
    draw_outline(axis, np.eye(12, dtype=np.uint8), colour=LINE, linewidth=2.0)
    (line,) = axis.lines
    assert line.get_color() == LINE and line.get_linewidth() == 2


# Describing a map


def test_a_map_is_described_by_the_place_of_its_maximum_and_its_ratio_to_the_99_percent_quantile():
    anomaly_map = peak((16, 3000), 9, 2310, 8.2)
    outside_fabric = np.where(np.arange(3000) < 2000, np.nan, anomaly_map)
    for described in (anomaly_map, outside_fabric):
        assert re.search(r"column 2,310, row 9, at 4\.1 times .*99 % quantile", describe_map(described))
    assert re.search(r"column 1, row 0, at 3\.0 times", describe_map([[1.0, 3.0], [1.0, 1.0]]))


@pytest.mark.parametrize(
    ("ground", "height", "place", "quantile"),
    [(0, 8, "column 2, row 1", "0"), (0, 0, "column 0, row 0", "0"), (-1, 2, "column 2, row 1", "below 0")],
)
def test_a_map_whose_quantile_is_not_above_zero_is_described_without_a_ratio(
    ground: float, height: float, place: str, quantile: str
):
    description = describe_map(peak((4, 4), 1, 2, height, ground))
    assert re.search(rf"{place}.*99 % quantile is {quantile}$", description) and "times" not in description


@pytest.mark.parametrize("anomaly_map", [np.full((2, 2), np.nan), np.zeros(4), np.zeros((1, 2, 2)), np.zeros((0, 5))])
def test_a_map_without_values_is_refused(anomaly_map: np.ndarray):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InputError, match=r"^anomaly_map has shape \(.*\(H, W\) .*not NaN"):
            describe_map(anomaly_map)


# Strips


def test_an_image_is_drawn_on_the_full_grey_scale():
    figure, caption = plot_image(GREY, title="0001_000_00")
    assert re.match(r"0001_000_00: 16 rows by 3,000 columns, .*100 of 255\.$", caption)
    (drawn,) = images_of(figure)
    assert drawn.get_clim() == (0, 255)
    assert figure.axes[0].get_title() == "0001_000_00" and not figure.axes[0].lines


def test_a_mask_is_outlined_on_an_image_and_its_extent_is_in_the_caption():
    figure, caption = plot_image(GREY, box(GREY.shape, slice(3, 6), slice(1200, 1300)))
    assert re.search(r"between columns 1,200 and 1,299, and between rows 3 and 5\.$", caption)
    (line,) = figure.axes[0].lines
    assert line.get_color() == DEFECTIVE
    assert line.get_xdata().min() == 1198 and line.get_xdata().max() == 1301
    figure, caption = plot_image(GREY, np.zeros(GREY.shape, bool))
    assert "marked" not in caption and not figure.axes[0].lines


def test_a_strip_is_drawn_above_its_map():
    anomaly_map = peak(GREY.shape, 9, 2310, 8.2)
    anomaly_map[:, :500] = np.nan
    figure, caption = plot_strip(GREY, anomaly_map, title="0001_000_00")
    assert caption == f"0001_000_00: the map is {describe_map(anomaly_map)}."
    above, below = images_of(figure)
    np.testing.assert_array_equal(above.get_array(), GREY)
    assert above.get_clim() == (0, 255)
    assert below.get_clim() == pytest.approx((2, 8.2)) and below.get_cmap().name == MAP_COLOURS
    assert below.get_array().mask[:, :500].all()  # no colour where there is no fabric
    assert figure.axes[0].get_title() == "0001_000_00"


def test_compared_strips_share_the_given_scale():
    figures = [plot_strip(GREY, peak(GREY.shape, 1, 1, height), scale=(1.0, 20.0))[0] for height in (5.0, 19.0)]
    assert [maps_of(figure)[0].get_clim() for figure in figures] == [(1, 20), (1, 20)]
    assert maps_of(plot_strip(GREY, peak(GREY.shape, 1, 1), scale=(0.0, 0.5))[0])[0].get_clim() == (0, 0.5)


@pytest.mark.parametrize(("column", "place"), [(2310, "one"), (100, "not one")])
def test_a_mask_is_outlined_on_the_strip_and_not_on_the_map(column: int, place: str):
    mask = box(GREY.shape, slice(8, 12), slice(2300, 2401))
    figure, caption = plot_strip(GREY, peak(GREY.shape, 9, column), mask)
    assert "The marked pixels lie between columns 2,300 and 2,400. " in caption
    assert caption.endswith(f" The highest point of the map is {place} of these pixels.")
    assert [len(axis.lines) for axis in figure.axes[:2]] == [1, 0]
    for no_mask in (None, np.zeros(GREY.shape, bool)):
        figure, caption = plot_strip(GREY, peak(GREY.shape, 9, column), no_mask)
        assert "marked" not in caption and [len(axis.lines) for axis in figure.axes[:2]] == [0, 0]


def test_strips_maps_and_masks_of_different_shapes_are_refused():
    with pytest.raises(InputError, match=r"^anomaly_map has shape \(16, 10\), .*\(16, 3000\)"):
        plot_strip(GREY, np.zeros((16, 10)))
    with pytest.raises(InputError, match=r"^mask has shape \(16, 10\), .*\(16, 3000\)"):
        plot_strip(GREY, np.zeros(GREY.shape), np.zeros((16, 10), bool))
    with pytest.raises(InputError, match=r"^mask has shape \(16, 10\), .*\(16, 3000\)"):
        plot_image(GREY, np.zeros((16, 10), bool))
    with pytest.raises(InputError, match=r"^image has shape \(1, 16, 3000\), .*\(H, W\)"):
        plot_image(GREY[None])
    with pytest.raises(InputError, match="^anomaly_map has .*not NaN"):
        plot_strip(GREY, np.full(GREY.shape, np.nan))


# Galleries


def test_a_gallery_of_tiles():
    figure, caption = plot_tiles(TILES, titles=list("abcde"), columns=3)
    assert caption == "5 tiles of 16 x 16 px."
    assert len(figure.axes) == 6 and [axis.get_title() for axis in figure.axes] == ["a", "b", "c", "d", "e", ""]
    for drawn, expected in zip(images_of(figure), TILES, strict=True):
        np.testing.assert_array_equal(drawn.get_array(), expected)
        assert drawn.get_clim() == (0, 255)
    assert plot_tiles(TILES[:1])[0].axes[0].get_title() == "tile 0"


def test_maps_below_their_tiles_share_one_scale():
    maps = np.stack([peak((16, 16), i, 2 * i, 10.0 + i) for i in (0, 1, 4, 3, 2)])
    maps[0, 5, 5] = 0.5
    figure, caption = plot_tiles(TILES, maps, columns=2, label="distance")
    assert re.match("5 tiles of 16 x 16 px .*one scale", caption) and f"Tile 2 ({describe_map(maps[2])})" in caption
    drawn = maps_of(figure)
    assert [image.get_clim() for image in drawn] == [(0.5, 14)] * 5
    tiles = [image for image in images_of(figure) if image not in drawn]
    for i, (tile, anomaly_map) in enumerate(zip(tiles, drawn, strict=True)):
        np.testing.assert_array_equal(tile.get_array(), TILES[i])
        np.testing.assert_array_equal(anomaly_map.get_array(), maps[i])
        above, below = tile.axes.get_subplotspec(), anomaly_map.axes.get_subplotspec()
        assert below.rowspan.start == above.rowspan.start + 1 and below.colspan.start == above.colspan.start
    assert "distance" in [axis.get_ylabel() for axis in figure.axes]  # of the colour bar


def test_maps_with_nan_share_the_scale_of_the_other_values():
    maps = np.stack([peak((16, 16), 3, 4, 9.0), peak((16, 16), 5, 6, 12.0)])
    maps[0, :, 8:] = np.nan
    figure, caption = plot_tiles(TILES[:2], maps)
    assert [image.get_clim() for image in maps_of(figure)] == [(2, 12)] * 2
    assert f"Tile 1 ({describe_map(maps[1])})" in caption


def test_maps_and_titles_that_do_not_fit_the_tiles_are_refused():
    with pytest.raises(InputError, match=r"^maps has shape \(5, 8, 8\), .*\(5, 16, 16\)"):
        plot_tiles(TILES, np.zeros((5, 8, 8)))
    with pytest.raises(InputError, match="2 titles for 5 tiles"):
        plot_tiles(TILES, titles=["a", "b"])
    with pytest.raises(InputError, match="^tiles has shape"):
        plot_tiles(TILES[0])


# Scores and curves


def test_histograms_with_a_threshold():
    normal, defective = np.array([1.0, 2.0, 3.0, 4.0]), np.array([3.0, 5.0])
    figure, caption = plot_scores(normal, defective, 3.0, samples="strips")
    assert re.match("Scores of 4 normal and 2 defective strips: medians 2.50 and 4.00\\. ", caption)
    assert re.search("50.0 % of the normal and 100.0 % of the defective strips .*threshold", caption)
    (axis,) = figure.axes
    names = [text.get_text() for text in axis.get_legend().get_texts()]
    assert names == ["normal strips", "defective strips", "threshold"]
    heights = np.array([patch.get_height() for patch in axis.patches]).reshape(2, 30)
    np.testing.assert_allclose(heights.sum(axis=1), 1)  # shares of each class, whatever its size
    edges = np.array([[patch.get_x() for patch in axis.patches]]).reshape(2, 30)
    np.testing.assert_array_equal(edges[0], edges[1])  # the same bins for both
    assert edges[0, 0] == 1 and heights[0, 0] == 0.25 and heights[1, 29] == 0.5
    (line,) = axis.lines
    assert set(line.get_xdata()) == {3.0}


def test_the_unit_labels_the_score_axis():
    scores = np.arange(3.0)
    assert plot_scores(scores, scores)[0].axes[0].get_xlabel() == "anomaly score"
    assert "median = 1" in plot_scores(scores, scores, unit="median = 1")[0].axes[0].get_xlabel()


def test_histograms_without_a_threshold_of_equal_scores_or_with_an_infinite_threshold():
    figure, caption = plot_scores(np.ones(3), np.ones(2))
    assert re.match("Scores of 3 normal and 2 defective tiles: medians 1.00 and 1.00.$", caption)
    assert not figure.axes[0].lines
    figure, caption = plot_scores(np.ones(3), np.ones(2), math.inf)
    assert "0.0 % of the normal and 0.0 % of the defective" in caption and not figure.axes[0].lines
    figure.savefig(io.BytesIO(), format="png")


def test_scores_of_one_class_are_refused():
    with pytest.raises(InputError, match="3 normal and 0 defective strips: give"):
        plot_scores(np.ones(3), np.zeros(0), samples="strips")


def test_curves_and_their_areas():
    labels, scores = np.array([0, 0, 1, 1]), np.array([0.1, 0.6, 0.4, 0.9])
    figure, caption = plot_curves(labels, scores, samples="strips")
    # 3 of 4 pairs are in the right order. The precision at the two defects is 1 and 2/3, with half the recall each.
    assert re.search("curves of 4 strips: AUROC 0.750, AP 0.833; by chance 0.5 and 0.500", caption)
    left, right = figure.axes
    assert "0.750" in left.get_title() and "0.833" in right.get_title()
    assert {tuple(point) for point in left.lines[0].get_xydata()} == {(0, 0), (0, 0.5), (0.5, 0.5), (0.5, 1), (1, 1)}
    assert {tuple(point) for point in right.lines[0].get_xydata()} >= {(0.5, 1.0)}


def test_the_caption_of_curves_names_the_prevalence_as_the_ap_by_chance():
    assert "by chance 0.5 and 0.250" in plot_curves([0, 1, 0, 0], [0.1, 0.2, 0.3, 0.4])[1]


def test_curves_of_one_class_show_chance_alone():
    with pytest.warns(UserWarning, match="labels are normal"):
        figure, caption = plot_curves(np.zeros(3, bool), np.arange(3.0))
    assert "AUROC nan" in caption and [len(axis.lines) for axis in figure.axes] == [1, 1]


# All figures


def every_figure() -> list[tuple[Figure, str]]:
    maps = np.stack([peak((16, 16), 1, 1)] * 5)
    mask = box(GREY.shape, slice(2, 5), slice(3, 9))
    return [
        plot_image(GREY, mask),
        plot_strip(GREY, peak(GREY.shape, 9, 50), mask),
        plot_tiles(TILES, maps),
        plot_scores(np.arange(4.0), np.arange(3.0), 1.0),
        plot_curves([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4]),
    ]


def test_every_figure_has_a_caption_and_is_not_managed_by_pyplot():
    before = plt.get_fignums()
    for figure, caption in every_figure():
        assert type(figure) is Figure and caption.endswith(".") and not caption.endswith("..")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            figure.canvas.draw()
    assert plt.get_fignums() == before


def test_normal_and_defective_differ_in_more_than_hue():
    figure, _ = plot_scores(np.arange(4.0), np.arange(3.0))
    hatches = [patch.get_hatch() or "" for patch in figure.axes[0].patches]
    assert set(hatches[:30]) == {""} and set(hatches[30:]) == {"//"}


def test_every_colour_has_a_line_style_and_a_marker_of_its_own():
    assert len(set(COLOURS)) == len(set(LINE_STYLES)) == 4 <= len(set(MARKERS))
    assert COLOURS[:2] == (NORMAL, DEFECTIVE)


def test_the_module_imports_nothing_heavy():
    code = "import sys, aitex_utils.plots; print([m for m in ('matplotlib', 'torch', 'IPython') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[1])
    assert done.stdout.strip() == "[]", done.stderr


# Display


def test_show_outside_a_notebook_prints_the_caption(capsys: pytest.CaptureFixture):
    show(*plot_tiles(TILES))
    assert capsys.readouterr().out == "5 tiles of 16 x 16 px.\n"


def test_show_in_a_notebook_displays_the_figure_with_its_caption(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    bundles = []
    monkeypatch.setattr(IPython, "get_ipython", lambda: object())
    monkeypatch.setattr(IPython.display, "display", lambda bundle, raw: bundles.append(bundle))
    figure = plot_tiles(TILES)[0]
    show(figure, "A caption.")
    (bundle,) = bundles
    assert bundle["text/plain"] == "A caption." and capsys.readouterr().out == ""
    assert re.sub('base64,[^"]*', "", bundle["text/html"]) == re.sub(
        'base64,[^"]*', "", figure_html(figure, "A caption.")
    )


def test_html_has_the_figure_as_png_and_the_caption_escaped_and_as_alt_text():
    caption = 'Highest at "column" 3 & <row> 4.'
    figure = plot_tiles(TILES, columns=2)[0]
    text = figure_html(figure, caption)
    image = re.search(r'<img src="data:image/png;base64,([^"]+)" alt="([^"]*)" style="[^"]*width:(\d+)px">', text)
    assert base64.b64decode(image[1]).startswith(b"\x89PNG")
    assert html.unescape(image[2]) == caption
    assert int(image[3]) == round(82 * figure.get_figwidth())
    shown = re.search("<figcaption>(.*)</figcaption>", text)[1]
    assert html.unescape(shown) == caption and "<" not in shown


def test_the_resolution_of_the_png_is_given_in_dpi():
    sizes = []
    for dpi in (50, 100):
        encoded = re.search('base64,([^"]+)', figure_html(plot_tiles(TILES)[0], "", dpi=dpi))[1]
        sizes.append(plt.imread(io.BytesIO(base64.b64decode(encoded))).shape[1])
    assert sizes[1] == pytest.approx(2 * sizes[0], rel=0.02)
