"""Figures of notebook 12 draw the values that their captions state."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils.errors import InputError
from aitex_utils.lessons.nb12 import figures


def test_the_promise_falls_with_the_number_of_pictures():
    figure, caption = figures.plot_promises([10, 40, 200], {"5 %": 38, "1 %": 198})
    np.testing.assert_allclose(figure.axes[0].lines[0].get_ydata(), [100 / 6, 100 / 21, 100 / 101])
    assert "16.7 % with 10 pictures" in caption and "A promise of 1 % needs 198 pictures." in caption
    with pytest.raises(InputError, match="below 2"):
        figures.plot_promises([1, 10], {"5 %": 38})


def test_each_tile_is_drawn_inside_its_square():
    corners = np.array([[0, 0], [0, 224], [128, 0]])
    figure, caption = figures.plot_tiling(np.zeros((384, 480, 3), np.uint8), corners, 256)
    lines = figure.axes[0].lines
    assert len(lines) == 3 and caption.startswith("3 tiles of 256 px cover a picture of 480 x 384 px")
    for (row, column), line in zip(corners, lines, strict=True):
        assert column <= line.get_xdata().min() and line.get_xdata().max() <= column + 256
        assert row <= line.get_ydata().min() and line.get_ydata().max() <= row + 256


def test_shares_are_bars_and_different_kinds_are_refused():
    figure, caption = figures.plot_found(
        {"grey": {"good": 0.0, "dye_stain": 0.25}, "colour": {"good": 0, "dye_stain": 1}}
    )
    assert [bar.get_height() for bar in figure.axes[0].patches] == [0, 25, 0, 100]
    assert "grey: good 0 %, dye stain 25 %. colour: good 0 %, dye stain 100 %." in caption
    with pytest.raises(InputError, match="different kinds"):
        figures.plot_found({"a": {"good": 0.0}, "b": {"knot": 0.0}})


def test_realised_rates_show_mean_and_spread():
    figure, caption = figures.plot_realised({10: np.array([0.0, 0.0, 0.2, 0.2]), 20: np.full(4, 0.05)}, 0.05)
    assert "10 held out: mean 10.0 % of 4 splits, 9 in 10 of them up to 20 %." in caption
    assert figure.axes[0].lines[0].get_xdata() == [10.0]
    sizes = figure.axes[0].collections[0].get_sizes()
    assert len(sizes) == 2 and sizes[0] == sizes[1]


def test_failures_are_shown_with_their_maps_in_units_of_the_threshold():
    image, mask = np.zeros((8, 12, 3), np.uint8), np.zeros((8, 12), bool)
    mask[2:4, 2:4] = True
    figure, caption = figures.plot_failures([image] * 2, [mask * 1.0, mask * 3.0], [mask, ~mask], ["a", "b"], 2.0)
    assert "a 0.50, b 1.50." in caption and caption.startswith("2 pictures above their maps")
    drawn = [axis for axis in figure.axes if axis.images]
    np.testing.assert_array_equal(drawn[3].images[0].get_array(), mask * 3.0)
    with pytest.raises(InputError, match="differ"):
        figures.plot_failures([image], [], [mask], ["a"], 2.0)


def test_regions_are_counted_and_outlined():
    found = np.zeros((40, 60), bool)
    found[2:6, 2:6] = found[20:30, 20:32] = True
    figure, caption = figures.plot_regions(np.zeros((40, 60, 3), np.uint8), found, title="Knot")
    assert caption == "Knot: 2 regions found, 5.7 % of the picture." and len(figure.axes[0].lines) == 2
    with pytest.raises(InputError, match="one size"):
        figures.plot_regions(np.zeros((4, 6, 3), np.uint8), found, title="Knot")


def timeline(**changed):
    given = {
        "scores": np.array([1.0, 2.0, 3.0]),
        "is_good": np.array([True, False, True]),
        "thresholds": {"fixed": 2.5},
    }
    return figures.plot_timeline(**given | {"title": "Lamp"} | changed)


def test_a_timeline_counts_flags_by_label():
    figure, caption = timeline(thresholds={"fixed": 2.5, "tracked": np.array([0.5, 1.5, 3.5])})
    assert "fixed: flags 1 of 2 good and 0 of 1 defective pictures." in caption
    assert "tracked: flags 1 of 2 good and 1 of 1 defective pictures." in caption
    np.testing.assert_array_equal(figure.axes[0].lines[0].get_xdata(), [1, 3])
    np.testing.assert_array_equal(figure.axes[0].lines[3].get_ydata(), [0.5, 1.5, 3.5])


@pytest.mark.parametrize(("sums", "words"), [([0, 5, 9], "reaches 5 at picture 2."), ([0, 1, 2], "stays below 5.")])
def test_a_sum_below_the_timeline_says_when_it_reaches_its_limit(sums: list, words: str):
    figure, caption = timeline(sums=np.array(sums, float))
    assert caption.endswith(words)
    np.testing.assert_array_equal(figure.axes[1].lines[0].get_ydata(), sums)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"scores": np.array([1.0, np.nan, 2.0])}, "NaN"),
        ({"is_good": np.ones(2, bool)}, "differ in shape"),
        ({"sums": np.ones(2)}, "differ in shape"),
    ],
)
def test_a_timeline_refuses_what_cannot_be_drawn(changed: dict, message: str):
    with pytest.raises(InputError, match=message):
        timeline(**changed)
