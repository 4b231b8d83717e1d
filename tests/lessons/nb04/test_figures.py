"""Figures of notebook 04: what they draw is what their sentences say."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils.errors import InputError
from aitex_utils.lessons.nb04.figures import (
    plot_covering,
    plot_intervals,
    plot_lines,
    plot_pool,
    plot_spreads,
    plot_times,
    toy_patches,
)

POINTS = np.array([[0, 0], [3, 4], [6, 8], [6, 7]], np.float32)


def test_the_toy_is_the_same_each_time_and_has_a_rare_corner():
    toy = toy_patches()
    assert toy.shape == (700, 2) and toy.dtype == np.float32 and np.array_equal(toy, toy_patches())
    assert np.sum((toy[:, 0] > 2) & (toy[:, 1] < -1.3)) == 8
    assert not np.array_equal(toy, toy_patches(seed=2))


def test_covering_draws_discs_of_the_radius_and_crosses_out_the_worst():
    figure, sentence = plot_covering(POINTS, {"two": POINTS[[0, 2]], "one": POINTS[:1]}, numbers=True)
    left, right = figure.axes
    assert {patch.get_radius() for patch in left.patches} == {5.0} and len(left.patches) == 4
    assert [patch.get_radius() for patch in right.patches] == [10.0, 10.0]
    assert left.lines[2].get_xydata().tolist() == [[3, 4]] and right.lines[2].get_xydata().tolist() == [[6, 8]]
    assert [text.get_text() for text in left.texts] == ["1", "2"]
    assert left.get_title() == "two: radius 5.00" and sentence.endswith("Radius: two 5.00, one 10.00.")
    assert left.get_xlim() == right.get_xlim()


def test_covering_shows_where_one_is_missing():
    choices = {"all": POINTS[:2], "first missing": POINTS[1:2]}
    figure, sentence = plot_covering(POINTS, choices, absent={"first missing": POINTS[0]})
    left, right = figure.axes
    assert len(right.lines) == len(left.lines) + 1
    hollow = [line for line in right.lines if line.get_markerfacecolor() == "none"]
    assert [line.get_xydata().tolist() for line in hollow] == [[[0, 0]]]
    assert sentence.endswith("A hollow circle stands for the one that is missing.")
    assert "hollow" not in plot_covering(POINTS, choices)[1]


def test_covering_without_discs_gives_no_radius_away():
    figure, sentence = plot_covering(POINTS, {"two": POINTS[[0, 2]]}, discs=False)
    assert not figure.axes[0].patches and len(figure.axes[0].lines) == 2
    assert "adius" not in sentence + figure.axes[0].get_title() and "5" not in sentence


@pytest.mark.parametrize(("points", "choices"), [(np.zeros((3, 3)), {"a": np.zeros((1, 3))}), (POINTS, {})])
def test_covering_wants_a_plane_and_centres(points: np.ndarray, choices: dict):
    with pytest.raises(InputError, match=r"expected \(N, 2\), and at least one choice"):
        plot_covering(points, choices)


def test_a_legend_beside_covers_no_line():
    lines = {"a": (np.array([1.0, 2.0]), np.array([1.0, 2.0]))}
    for beside in (False, True):
        figure, _ = plot_lines(lines, "One.", x="n", y="s", beside=beside)
        figure.draw_without_rendering()
        axis = figure.axes[0]
        assert axis.get_legend().get_window_extent().overlaps(axis.get_window_extent()) is not beside


def test_lines_have_their_scales_and_intervals():
    x = np.array([1.0, 10.0])
    lines = {"a": (x, x), "b": (x, 2 * x, x, 3 * x)}
    figure, sentence = plot_lines(lines, "Two.", x="n", y="s", log="x", at={"here": 5})
    axis = figure.axes[0]
    assert (axis.get_xscale(), axis.get_yscale(), axis.get_xlabel(), sentence) == ("log", "linear", "n", "Two.")
    assert axis.lines[1].get_ydata().tolist() == [2, 20]
    assert axis.lines[0].get_linestyle() != axis.lines[1].get_linestyle()
    assert [s[:, 1].tolist() for s in axis.collections[0].get_segments()] == [[1, 3], [10, 30]]
    assert axis.texts[0].get_text() == "here"
    assert plot_lines({"a": (x, x)}, "", x="", y="", log="xy")[0].axes[0].get_yscale() == "log"
    for wrong in ({}, {"a": (x,)}, {"a": (x, x, x)}):
        with pytest.raises(InputError, match="Each line wants"):
            plot_lines(wrong, "", x="", y="")


def test_spreads_name_their_medians():
    figure, sentence = plot_spreads({"a": np.arange(5.0), "b": np.full(4, 2.5)}, x="distance", what="Two things")
    assert sentence == "Two things. Medians: a 2.00, b 2.50."
    assert figure.axes[0].get_xlabel() == "distance"


def test_the_pool_s_floor_is_its_smallest():
    figure, sentence = plot_pool(np.array([1.0, 5.0, 3.0, 4.0, 2.0]), 2)
    assert figure.axes[0].lines[0].get_ydata().tolist() == [5, 4, 3, 2, 1]
    assert figure.axes[0].lines[1].get_ydata()[0] == 4 and sentence.endswith("than its floor, 4.00.")
    for size in (0, 5):
        with pytest.raises(InputError, match=f"size is {size}, expected a number of patches above 0"):
            plot_pool(np.arange(5.0), size)


def test_times_are_bars_on_a_logarithmic_scale():
    figure, sentence = plot_times({"slow": 212.34, "fast": 0.5})
    assert [bar.get_width() for bar in figure.axes[0].patches] == [212.34, 0.5]
    assert figure.axes[0].get_xscale() == "log" and sentence == "Seconds: slow 212, fast 0.5."


def test_intervals_hold_nineteen_of_twenty():
    drawn = np.stack([np.linspace(-1, 1, 201), np.linspace(0.1, 0.2, 201)])
    figure, sentence = plot_intervals(["a", "b"], drawn, x="tile AUROC, minus all")
    segments = figure.axes[0].collections[0].get_segments()
    assert segments[0][:, 0].tolist() == pytest.approx([-0.95, 0.95])
    assert sentence == (
        "Tile AUROC, minus all, median and interval of 95 %: a +0.000 (-0.950 to +0.950); b +0.150 (+0.103 to +0.198)."
    )
    with pytest.raises(InputError, match="expected \\(1, draws\\)"):
        plot_intervals(["a"], drawn, x="")
