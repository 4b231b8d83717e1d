"""Figures on hand-made maps: what their sentence says, one colour scale, and `show` in and out of a notebook."""

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
from matplotlib.figure import Figure

from aitex_utils.errors import InputError
from aitex_utils.plots import (
    DEFECTIVE,
    MAP_COLOURS,
    NORMAL,
    describe_map,
    plot_curves,
    plot_image,
    plot_scores,
    plot_strip,
    plot_tiles,
    show,
)

EXCEEDED = "what one place in a hundred exceeds"


def peaked(shape: tuple[int, int], row: int, column: int, height: float = 8.0, ground: float = 2.0) -> np.ndarray:
    anomaly_map = np.full(shape, ground, np.float32)
    anomaly_map[row, column] = height
    return anomaly_map


def boxed(shape: tuple[int, int], rows: slice, columns: slice) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[rows, columns] = True
    return mask


def pictures(figure: Figure) -> list:
    return [image for axis in figure.axes for image in axis.images]


def maps_in(figure: Figure) -> list:
    return [image for image in pictures(figure) if image.get_cmap().name == MAP_COLOURS]


GREY = np.full((16, 3000), 100, np.uint8)


# describe_map


def test_a_map_is_described_by_place_and_height():
    assert describe_map(peaked((16, 3000), 9, 2310, 8.2)) == f"highest at column 2,310, row 9: 4.1 times {EXCEEDED}"
    wide = np.where(np.arange(3000) < 2000, np.nan, peaked((16, 3000), 9, 2310, 8.2))  # off the fabric: NaN
    assert describe_map(wide) == f"highest at column 2,310, row 9: 4.1 times {EXCEEDED}"
    assert describe_map([[1.0, 3.0], [1.0, 1.0]]) == f"highest at column 1, row 0: 3.0 times {EXCEEDED}"


def test_a_map_whose_median_is_zero_is_described_without_a_ratio():
    assert describe_map(peaked((4, 4), 1, 2, ground=0)) == "highest at column 2, row 1: nearly everywhere else it is 0"
    assert describe_map(np.zeros((4, 4))) == "highest at column 0, row 0: nearly everywhere else it is 0"


@pytest.mark.parametrize("wrong", [np.full((2, 2), np.nan), np.zeros(4), np.zeros((1, 2, 2)), np.zeros((0, 5))])
def test_a_map_without_values_is_refused(wrong: np.ndarray):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InputError, match=r"anomaly_map has shape .*expected \(H, W\) with at least one value not"):
            describe_map(wrong)


# strips


def test_an_image_is_drawn_as_it_is_and_described():
    figure, sentence = plot_image(GREY, title="0001_000_00")
    assert sentence == "0001_000_00: 16 rows by 3,000 columns, mean grey 100 of 255."
    (drawn,) = pictures(figure)
    assert drawn.get_clim() == (0, 255)
    _, sentence = plot_image(GREY, boxed(GREY.shape, slice(3, 6), slice(1200, 1300)))
    assert sentence.endswith("; what is outlined lies in columns 1,200 to 1,299, rows 3 to 5.")


def test_a_strip_is_drawn_above_its_map():
    anomaly_map = peaked(GREY.shape, 9, 2310, 8.2)
    anomaly_map[:, :500] = np.nan
    figure, sentence = plot_strip(GREY, anomaly_map, title="0001_000_00")
    assert isinstance(figure, Figure)
    assert sentence == f"0001_000_00: the map is highest at column 2,310, row 9: 4.1 times {EXCEEDED}."
    strip, below = pictures(figure)
    np.testing.assert_array_equal(strip.get_array(), GREY)
    assert strip.get_clim() == (0, 255)
    assert below.get_clim() == pytest.approx((2, 8.2)) and below.get_cmap().name == MAP_COLOURS
    assert below.get_array().mask[:, :500].all()  # no colour where there is no fabric
    assert figure.axes[0].get_title() == "0001_000_00"


def test_strips_that_are_compared_share_the_scale_that_is_given():
    figures = [plot_strip(GREY, peaked(GREY.shape, 1, 1, height), scale=(1.0, 20.0))[0] for height in (5.0, 19.0)]
    assert [maps_in(f)[0].get_clim() for f in figures] == [(1, 20), (1, 20)]
    assert maps_in(plot_strip(GREY, peaked(GREY.shape, 1, 1), scale=(0.0, 0.5))[0])[0].get_clim() == (0, 0.5)


@pytest.mark.parametrize(("column", "told"), [(2310, "lies in it"), (100, "lies outside it")])
def test_a_mask_is_outlined_on_the_strip_not_on_the_map_and_told(column: int, told: str):
    mask = boxed(GREY.shape, slice(8, 12), slice(2300, 2401))
    figure, sentence = plot_strip(GREY, peaked(GREY.shape, 9, column), mask)
    assert sentence.endswith(f". The defect's mask spans columns 2,300 to 2,400, and the highest point {told}.")
    bare, _ = plot_strip(GREY, peaked(GREY.shape, 9, column))
    assert [len(axis.collections) for axis in bare.axes[:2]] == [0, 0]
    assert [len(axis.collections) for axis in figure.axes[:2]] == [1, 0]


def test_an_empty_mask_outlines_nothing():
    _, sentence = plot_strip(GREY, peaked(GREY.shape, 9, 50), np.zeros(GREY.shape, bool))
    assert "mask" not in sentence


def test_strips_maps_and_masks_of_different_shapes_are_refused():
    with pytest.raises(InputError, match=r"anomaly_map has shape \(16, 10\), expected that of the image, \(16, 3000\)"):
        plot_strip(GREY, np.zeros((16, 10)))
    with pytest.raises(InputError, match="mask has shape"):
        plot_strip(GREY, np.zeros(GREY.shape), np.zeros((16, 10), bool))
    with pytest.raises(InputError, match="mask has shape"):
        plot_image(GREY, np.zeros((16, 10), bool))
    with pytest.raises(InputError, match=r"image has shape \(1, 16, 3000\), expected \(H, W\)"):
        plot_image(GREY[None])
    with pytest.raises(InputError, match="at least one value not NaN"):
        plot_strip(GREY, np.full(GREY.shape, np.nan))


# galleries

TILES = np.random.default_rng(0).integers(0, 256, (5, 16, 16), dtype=np.uint8)


def test_a_gallery_of_tiles():
    figure, sentence = plot_tiles(TILES, titles=list("abcde"), columns=3)
    assert sentence == "5 tiles of 16 x 16 px."
    assert len(figure.axes) == 6 and [a.get_title() for a in figure.axes] == ["a", "b", "c", "d", "e", ""]
    for drawn, expected in zip(pictures(figure), TILES, strict=True):
        np.testing.assert_array_equal(drawn.get_array(), expected)
        assert drawn.get_clim() == (0, 255)
    assert plot_tiles(TILES[:1])[0].axes[0].get_title() == "tile 0"


def test_maps_below_their_tiles_share_one_scale():
    maps = np.stack([peaked((16, 16), i, 2 * i, 10.0 + i) for i in (0, 1, 4, 3, 2)])
    maps[0, 5, 5] = 0.5
    figure, sentence = plot_tiles(TILES, maps, columns=2)
    assert sentence == (
        "5 tiles of 16 x 16 px with their maps on one scale; "
        "tile 2 (highest at column 8, row 4: 7.0 times what one place in a hundred exceeds) is the highest."
    )
    drawn = maps_in(figure)
    assert [m.get_clim() for m in drawn] == [(0.5, 14)] * 5
    tiles = [picture for picture in pictures(figure) if picture not in drawn]
    for tile, anomaly_map, i in zip(tiles, drawn, range(5), strict=True):
        np.testing.assert_array_equal(tile.get_array(), TILES[i])
        np.testing.assert_array_equal(anomaly_map.get_array(), maps[i])
        above, below = tile.axes.get_subplotspec(), anomaly_map.axes.get_subplotspec()
        assert below.rowspan.start == above.rowspan.start + 1 and below.colspan.start == above.colspan.start


def test_maps_with_nan_still_share_the_scale_of_the_rest():
    maps = np.stack([peaked((16, 16), 3, 4, 9.0), peaked((16, 16), 5, 6, 12.0)])
    maps[0, :, 8:] = np.nan
    figure, sentence = plot_tiles(TILES[:2], maps)
    assert [m.get_clim() for m in maps_in(figure)] == [(2, 12)] * 2
    assert "tile 1 (highest at column 6, row 5" in sentence


def test_wrong_galleries_are_refused():
    with pytest.raises(InputError, match=r"maps has shape \(5, 8, 8\), expected that of the tiles, \(5, 16, 16\)"):
        plot_tiles(TILES, np.zeros((5, 8, 8)))
    with pytest.raises(InputError, match="There are 2 titles for 5 tiles"):
        plot_tiles(TILES, titles=["a", "b"])
    with pytest.raises(InputError, match="tiles has shape"):
        plot_tiles(TILES[0])


# scores and curves


def test_histograms_with_a_threshold():
    normal, defective = np.array([1.0, 2.0, 3.0, 4.0]), np.array([3.0, 5.0])
    figure, sentence = plot_scores(normal, defective, 3.0, what="strips")
    assert sentence == (
        "Scores of 4 normal and 2 defective strips: medians 2.50 and 4.00; "
        "50.0% of the normal and 100.0% of the defective lie at or above the threshold."
    )
    (axis,) = figure.axes
    assert [t.get_text() for t in axis.get_legend().get_texts()] == ["normal strips", "defective strips", "threshold"]
    heights = np.array([patch.get_height() for patch in axis.patches]).reshape(2, 30)
    np.testing.assert_allclose(heights.sum(axis=1), 1)  # shares of each, whatever their number
    edges = np.array([[patch.get_x() for patch in axis.patches]]).reshape(2, 30)
    np.testing.assert_array_equal(edges[0], edges[1])  # the same bins for both
    assert edges[0, 0] == 1 and heights[0, 0] == 0.25 and heights[1, 29] == 0.5
    (line,) = axis.lines
    assert set(line.get_xdata()) == {3.0}
    assert axis.get_xlabel() == "score (distance)"
    figure, _ = plot_scores(normal, defective, unit="median = 1")
    assert figure.axes[0].get_xlabel() == "score (median = 1)"


def test_histograms_without_a_threshold_of_equal_scores_or_at_infinity():
    figure, sentence = plot_scores(np.ones(3), np.ones(2))
    assert sentence == "Scores of 3 normal and 2 defective tiles: medians 1.00 and 1.00." and not figure.axes[0].lines
    figure, sentence = plot_scores(np.ones(3), np.ones(2), math.inf)
    assert "0.0% of the normal and 0.0% of the defective" in sentence
    figure.savefig(io.BytesIO(), format="png")


def test_no_scores_are_refused():
    with pytest.raises(InputError, match="There are 3 normal and 0 defective strips: give at least one each"):
        plot_scores(np.ones(3), np.zeros(0), what="strips")


def test_curves_and_their_areas():
    labels, scores = np.array([0, 0, 1, 1]), np.array([0.1, 0.6, 0.4, 0.9])
    figure, sentence = plot_curves(labels, scores, what="strips")
    # Pairs in order: 3 of 4. Precision at the two defects 1 and 2/3, each gains half the recall: 5/6.
    assert sentence == (
        "ROC and precision-recall curves of 4 strips: AUROC 0.750, AP 0.833, chance alone would give 0.5 and 0.500."
    )
    left, right = figure.axes
    assert "0.750" in left.get_title() and "0.833" in right.get_title()
    curve = left.lines[0]
    assert {tuple(point) for point in curve.get_xydata()} == {(0, 0), (0, 0.5), (0.5, 0.5), (0.5, 1), (1, 1)}
    assert {tuple(point) for point in right.lines[0].get_xydata()} >= {(0.5, 1.0)}


def test_curves_of_one_class_are_empty_and_say_so():
    with pytest.warns(UserWarning, match="isn't defined"):
        figure, sentence = plot_curves(np.zeros(3, bool), np.arange(3.0))
    assert "AUROC nan" in sentence and len(figure.axes[0].lines) == 1  # chance only


# all of them


def every_figure() -> list[tuple[Figure, str]]:
    maps = np.stack([peaked((16, 16), 1, 1)] * 5)
    strip_map = peaked(GREY.shape, 9, 50)
    return [
        plot_image(GREY, boxed(GREY.shape, slice(2, 5), slice(3, 9))),
        plot_strip(GREY, strip_map, boxed(GREY.shape, slice(2, 5), slice(3, 9))),
        plot_tiles(TILES, maps),
        plot_scores(np.arange(4.0), np.arange(3.0), 1.0),
        plot_curves([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4]),
    ]


def test_every_figure_comes_with_a_sentence_and_pyplot_holds_none():
    before = plt.get_fignums()
    for figure, sentence in every_figure():
        assert type(figure) is Figure and sentence.endswith(".") and not sentence.endswith("..")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            figure.canvas.draw()
    assert plt.get_fignums() == before


def test_normal_and_defective_differ_in_more_than_hue():
    figure, _ = plot_scores(np.arange(4.0), np.arange(3.0))
    hatches = [patch.get_hatch() or "" for patch in figure.axes[0].patches]
    assert set(hatches[:30]) == {""} and set(hatches[30:]) == {"//"}
    assert NORMAL != DEFECTIVE


def test_nothing_heavy_is_imported_with_the_module():
    code = "import sys, aitex_utils.plots; print([m for m in ('matplotlib', 'torch', 'IPython') if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[1])
    assert told.stdout.strip() == "[]", told.stderr


def test_show_outside_a_notebook_prints_the_sentence(capsys: pytest.CaptureFixture):
    show(*plot_tiles(TILES))
    assert capsys.readouterr().out == "5 tiles of 16 x 16 px.\n"


def test_show_in_a_notebook_gives_the_picture_with_alt_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    bundles = []
    monkeypatch.setattr(IPython, "get_ipython", lambda: object())
    monkeypatch.setattr(IPython.display, "display", lambda bundle, raw: bundles.append(bundle))
    sentence = 'Highest at "column" 3 & <row> 4.'
    figure = plot_tiles(TILES)[0]
    show(figure, sentence)
    (bundle,) = bundles
    assert bundle["text/plain"] == sentence and capsys.readouterr().out == ""
    told = re.search(
        r'<img src="data:image/png;base64,([^"]+)" alt="([^"]*)" style="[^"]*width:(\d+)px">', bundle["text/html"]
    )
    assert base64.b64decode(told[1]).startswith(b"\x89PNG")
    assert html.unescape(told[2]) == sentence
    caption = re.search("<figcaption>(.*)</figcaption>", bundle["text/html"])[1]
    assert html.unescape(caption) == sentence and "<" not in caption
