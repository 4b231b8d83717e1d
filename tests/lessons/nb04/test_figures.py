"""Figures of notebook 04 draw the values that their captions state."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils.errors import InputError
from aitex_utils.lessons.nb04.figures import (
    plot_chosen,
    plot_covering,
    plot_greedy_step,
    plot_histograms,
    plot_lines,
    plot_pool,
    plot_times,
    plot_two_measures,
)

POINTS = np.array([[0, 0], [3, 4], [6, 8], [6, 7]], np.float32)


def test_covering_draws_discs_of_the_radius_and_a_cross_on_the_worst():
    figure, caption = plot_covering(POINTS, {"two": POINTS[[0, 2]], "one": POINTS[:1]}, numbered=True)
    left, right = figure.axes
    assert {patch.get_radius() for patch in left.patches} == {5.0} and len(left.patches) == 4
    assert [patch.get_radius() for patch in right.patches] == [10.0, 10.0]
    assert left.lines[2].get_xydata().tolist() == [[3, 4]] and right.lines[2].get_xydata().tolist() == [[6, 8]]
    assert [text.get_text() for text in left.texts] == ["1", "2"]
    assert "5.00" in left.get_title() and "10.00" in right.get_title()
    assert "two 5.00, one 10.00" in caption
    assert left.get_xlim() == right.get_xlim()


def test_covering_shows_a_missing_centre_as_a_hollow_circle():
    choices = {"all": POINTS[:2], "first missing": POINTS[1:2]}
    figure, caption = plot_covering(POINTS, choices, absent={"first missing": POINTS[0]})
    hollow = [[line for line in axis.lines if line.get_markerfacecolor() == "none"] for axis in figure.axes]
    assert hollow[0] == [] and [line.get_xydata().tolist() for line in hollow[1]] == [[[0, 0]]]
    assert "hollow" in caption and "hollow" not in plot_covering(POINTS, choices)[1]


def test_covering_without_numbers_has_none():
    assert not plot_covering(POINTS, {"two": POINTS[:2]})[0].axes[0].texts


def test_chosen_gives_no_radius_away():
    figure, caption = plot_chosen(POINTS, {"two": POINTS[[0, 2]]})
    axis = figure.axes[0]
    assert not axis.patches and [len(line.get_xydata()) for line in axis.lines] == [4, 2]
    assert axis.get_title() == "two" and "radius" not in caption.lower() and "5" not in caption


def test_panels_without_a_choice_are_empty():
    figure, _ = plot_chosen(POINTS, {str(i): POINTS[:1] for i in range(4)})
    assert [axis.axison for axis in figure.axes] == [True] * 4 + [False] * 2


@pytest.mark.parametrize("plot", [plot_chosen, plot_covering])
@pytest.mark.parametrize(
    ("points", "choices", "message"),
    [(np.zeros((3, 3)), {"a": np.zeros((1, 3))}, r"\(3, 3\), expected \(N, 2\)"), (POINTS, {}, "no choice")],
)
def test_a_plane_and_centres_are_needed(plot, points: np.ndarray, choices: dict, message: str):
    with pytest.raises(InputError, match=message):
        plot(points, choices)


@pytest.mark.parametrize("outside", [False, True])
def test_a_legend_outside_covers_no_line(outside: bool):
    lines = {"a": (np.array([1.0, 2.0]), np.array([1.0, 2.0]))}
    figure, _ = plot_lines(lines, "One.", xlabel="n", ylabel="s", legend_outside=outside)
    figure.draw_without_rendering()
    axis = figure.axes[0]
    assert bool(axis.get_legend().get_window_extent().overlaps(axis.get_window_extent())) != outside


def test_lines_have_their_scales_and_intervals():
    x = np.array([1.0, 10.0])
    lines = {"a": (x, x), "b": (x, 2 * x, x, 3 * x)}
    figure, caption = plot_lines(lines, "Two.", xlabel="n", ylabel="s", xscale="log")
    axis = figure.axes[0]
    assert (axis.get_xscale(), axis.get_yscale(), axis.get_xlabel(), caption) == ("log", "linear", "n", "Two.")
    assert axis.lines[1].get_ydata().tolist() == [2, 20]
    assert axis.lines[0].get_linestyle() != axis.lines[1].get_linestyle()
    assert [s[:, 1].tolist() for s in axis.collections[0].get_segments()] == [[1, 3], [10, 30]]
    assert plot_lines(lines, "", xlabel="", ylabel="", yscale="log")[0].axes[0].get_yscale() == "log"


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_line_has_two_arrays_or_four(count: int):
    lines = {"a": (np.arange(2),) * count} if count else {}
    with pytest.raises(InputError, match=r"\(x, y, low, high\)"):
        plot_lines(lines, "", xlabel="", ylabel="")


def test_histograms_are_shares_and_give_their_medians():
    values = {"a": np.arange(5.0), "b": np.full(4, 2.5)}
    figure, caption = plot_histograms(values, xlabel="distance", title="Two samples")
    assert caption == "Two samples. Medians: a 2.00, b 2.50."
    axis = figure.axes[0]
    assert axis.get_xlabel() == "distance"
    assert sorted(round(patch.get_xy()[:, 1].max(), 6) for patch in axis.patches) == [0.2, 1.0]


def test_the_pool_s_floor_is_its_smallest_distance():
    figure, caption = plot_pool(np.array([1.0, 5.0, 3.0, 4.0, 2.0]), 2)
    line, floor = figure.axes[0].lines
    assert line.get_ydata().tolist() == [5, 4, 3, 2, 1]
    assert floor.get_ydata()[0] == 4 and "4.00" in caption
    for size in (0, 5):
        with pytest.raises(InputError, match=f"pool_size is {size}, expected a whole number from 1 to 4"):
            plot_pool(np.arange(5.0), size)


def test_times_are_dots_with_ranges_on_a_logarithmic_scale():
    figure, caption = plot_times({"slow": 212.34, "fast": (0.5, 0.25, 2.0)})
    axis = figure.axes[0]
    assert not axis.patches  # bars have no meaningful length on a logarithmic axis
    assert [line.get_xdata()[0] for line in axis.lines] == [212.34, 0.5]
    assert [[x for x, _ in part.get_segments()[0]] for part in axis.collections] == [[212.34, 212.34], [0.25, 2.0]]
    assert [text.get_text() for text in axis.texts] == ["212 s", "0.5 s"]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["slow", "fast"]
    assert axis.get_xscale() == "log"
    assert caption == "Times in seconds on a logarithmic scale: slow 212, fast 0.5 (0.25 to 2)."


ORDER, RADII = np.array([0, 2]), np.array([10.0, 5.0])


@pytest.mark.parametrize(("steps", "radius", "worst"), [(1, 10.0, 2), (2, 5.0, 1)])
def test_a_greedy_step_has_discs_of_its_radius_and_a_cross_on_the_next(steps: int, radius: float, worst: int):
    figure, caption = plot_greedy_step(POINTS, ORDER, RADII, steps)
    left, right = figure.axes
    assert {patch.get_radius() for patch in left.patches} == {radius} and len(left.patches) == 2 * steps
    assert left.lines[2].get_xydata().tolist() == [POINTS[worst].tolist()]
    assert right.lines[0].get_ydata().tolist() == RADII.tolist()
    assert right.lines[1].get_xydata().tolist() == [[steps, radius]]
    assert f"radius is {radius:.2f}" in caption and f"Index {worst} is chosen next" in caption


@pytest.mark.parametrize("steps", [0, 3, 1.5])
def test_a_greedy_step_must_exist(steps: float):
    with pytest.raises(InputError, match=f"steps is {steps}, expected a whole number from 1 to 2"):
        plot_greedy_step(POINTS, ORDER, RADII, steps)


def test_two_measures_have_a_panel_each():
    figure, caption = plot_two_measures([5, 10], {"a": np.array([[2.0, 1.0], [0.5, 0.25]]), "b": np.ones((2, 2))})
    worst, mean = figure.axes
    assert worst.lines[0].get_ydata().tolist() == [2, 1] and mean.lines[0].get_ydata().tolist() == [0.5, 0.25]
    assert [text.get_text() for text in worst.get_legend().get_texts()] == ["a", "b"]
    assert "At 10: a worst 1.00, mean 0.25; b worst 1.00, mean 1.00." in caption


@pytest.mark.parametrize("distances", [{}, {"a": np.ones((2, 3))}, {"a": np.full((2, 2), np.nan)}])
def test_two_measures_need_finite_values_of_all_sizes(distances: dict):
    with pytest.raises(InputError):
        plot_two_measures([5, 10], distances)
