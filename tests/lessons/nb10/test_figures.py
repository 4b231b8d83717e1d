"""Figures of notebook 10 draw the values that their captions state."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from aitex_utils.errors import InputError
from aitex_utils.lessons.nb10 import figures


def dashboard(threshold: float | None = 0.5, **changed: object):
    rng = np.random.default_rng(0)
    mask = np.zeros((64, 300), bool)
    mask[20:30, 100:120] = True
    given = {"image": rng.integers(80, 120, mask.shape).astype(np.uint8), "anomaly_map": mask * 2.0, "mask": mask}
    given |= {"labels": np.arange(20) % 4 == 0, "scores": np.linspace(0, 1, 20)}
    return figures.plot_dashboard(**given | {"threshold": threshold, "title": "A"} | changed), given


def test_the_dashboard_shows_strip_map_curves_and_histogram():
    (figure, caption), given = dashboard()
    by_title = {axis.get_title(): axis for axis in figure.axes}
    strip, shown_map = figure.axes[:2]
    np.testing.assert_array_equal(strip.images[0].get_array(), given["image"])
    np.testing.assert_array_equal(shown_map.images[0].get_array(), given["anomaly_map"])
    assert len(strip.lines) == 1 and not shown_map.lines  # the outline would hide the map
    roc = next(axis for title, axis in by_title.items() if title.startswith("ROC"))
    np.testing.assert_allclose(roc.lines[0].get_xdata(), roc_curve(given["labels"], given["scores"])[0])
    histogram = by_title["scores of the tiles"]
    assert histogram.lines[0].get_xdata()[0] == 0.5
    assert "Tile AUROC 0.4" in caption and "Of 15 clean tiles" in caption and "Of 5 defective tiles" in caption


def test_a_dashboard_without_a_threshold_says_so():
    (figure, caption), _ = dashboard(None)
    assert caption.endswith("There is no threshold.")
    assert not next(axis for axis in figure.axes if axis.get_title() == "scores of the tiles").lines


def test_a_dashboard_of_equal_scores_is_drawn():
    (_, caption), _ = dashboard(scores=np.ones(20))
    assert "Tile AUROC 0.500" in caption


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"mask": np.zeros((4, 4), bool)}, "differ in shape"),
        ({"scores": np.zeros(3)}, "differ in shape"),
        ({"labels": np.zeros(20, bool)}, "one class"),
        ({"scores": np.full(20, np.nan)}, "NaN"),
    ],
)
def test_a_dashboard_refuses_what_cannot_be_drawn(changed: dict, message: str):
    with pytest.raises(InputError, match=message):
        dashboard(**changed)


def neighbours(**changed: object):
    rng = np.random.default_rng(0)
    crops = [[rng.integers(0, 99, (16, 16)).astype(np.uint8) for _ in range(n)] for n in (3, 2)]
    given = {"query": crops[0][0], "crops": crops, "squares": [[(4, 5)] * 3, [(0, 0)] * 2], "side": 8}
    given |= {"distances": [np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0])], "query_square": (2, 3)}
    return figures.plot_neighbours(
        **given | {"branches": ["pooled", "not pooled"], "where": "strip a"} | changed
    ), crops


def test_neighbours_are_rows_of_crops_with_squares_and_distances():
    (figure, caption), crops = neighbours()
    axes = np.array(figure.axes).reshape(2, 4)
    for row, of_branch in enumerate(crops):
        for column, crop in enumerate(of_branch):
            np.testing.assert_array_equal(axes[row, column + 1].images[0].get_array(), crop)
    assert not axes[1, 3].images
    x, y = axes[0, 1].lines[0].get_data()
    assert (min(x), max(x), min(y), max(y)) == (5, 12, 4, 11)
    x, y = axes[0, 0].lines[0].get_data()
    assert (min(x), min(y)) == (3, 2)
    assert axes[0, 2].get_title() == "distance\n2.00" and "pooled: 1.00, 2.00, 3.00; not pooled: 4.00, 5.00" in caption
    scales = {axis.images[0].get_clim() for axis in axes.flat if axis.images}
    assert len(scales) == 1


def test_neighbours_of_nothing_are_refused():
    for changed in ({"crops": [], "squares": [], "distances": [], "branches": []}, {"crops": [[], []]}):
        with pytest.raises(InputError, match="no neighbours"):
            neighbours(**changed)


def test_ranks_have_a_marker_for_each_detector():
    figure, caption = figures.plot_ranks({"nep": {"a": 0.5, "b": 1.0}, "knots": {"a": 0.25}}, label="share")
    first, second = figure.axes[0].lines
    assert list(first.get_xdata()) == [0.5, 0.25] and list(first.get_ydata()) == [-0.1, 0.9]
    assert (
        list(second.get_xdata()) == [1.0]
        and list(second.get_ydata()) == [0.1]
        and first.get_marker() != second.get_marker()
    )
    assert caption == "Share: nep 50 % (a), 100 % (b); knots 25 % (a)."


def test_misses_are_grouped_by_the_exact_distance():
    exact = np.random.default_rng(0).permutation(100).astype(float) + 1
    approximate = np.where(exact > 90, exact * 2, exact)
    figure, caption = figures.plot_misses(exact.reshape(10, 10), approximate.reshape(10, 10))
    assert [bar.get_height() for bar in figure.axes[0].patches] == [1.0] * 9 + [0.0]
    assert "1.000 of the nearest, 0.000 of the farthest" in caption
    with pytest.raises(InputError, match="give equally many"):
        figures.plot_misses(exact, exact[:50])


def test_the_front_is_marked_and_other_runs_are_not():
    figure, caption = figures.plot_front(["a", "b", "c"], np.array([9, 5, 7]), np.array([0.9, 0.7, 0.6]), [0, 1])
    others, front = figure.axes[0].lines
    assert front.get_xydata().tolist() == [[5, 0.7], [9, 0.9]] and others.get_xydata().tolist() == [[7, 0.6]]
    assert caption.endswith("On the Pareto front: b (5 ms, 0.700), a (9 ms, 0.900).")
    with pytest.raises(InputError, match="give one each"):
        figures.plot_front(["a"], np.ones(2), np.ones(2), [0])


def test_the_leaderboard_shows_intervals_and_shown_strips():
    intervals = np.array([[0.7, 0.9], [0.6, 0.8]])
    figure, caption = figures.plot_leaderboard(
        ["run 1", "run 2"], np.array([0.9, 0.95]), np.array([0.8, 0.7]), intervals
    )
    axis = figure.axes[0]
    assert axis.collections[0].get_segments()[1].tolist() == [[0.6, 1.0], [0.8, 1.0]]
    assert [line.get_xdata().tolist() for line in axis.lines[:2]] == [[0.8, 0.7], [0.9, 0.95]]
    assert "run 2 0.700 (0.60 to 0.80, shown strips 0.950)" in caption
    with pytest.raises(InputError, match="an AUROC and an interval for each"):
        figures.plot_leaderboard(["run 1"], np.ones(2), np.ones(1), intervals)


def test_optimism_is_drawn_against_the_number_of_detectors():
    figure, caption = figures.plot_optimism([1, 10], [0.85, 0.92], [0.85, 0.84], 0.85)
    shown, hidden, truth = figure.axes[0].lines
    assert shown.get_ydata().tolist() == [0.85, 0.92] and hidden.get_ydata().tolist() == [0.85, 0.84]
    assert truth.get_ydata()[0] == 0.85 and "0.920 (10 detectors)" in caption
    with pytest.raises(InputError, match="give one each"):
        figures.plot_optimism([1], [0.85, 0.92], [0.85, 0.84], 0.85)
