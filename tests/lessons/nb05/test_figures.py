"""Figures of notebook 05: what they draw is what their sentences say."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils.errors import InputError
from aitex_utils.lessons.nb05.figures import (
    at_a_border,
    plot_alarms,
    plot_bars,
    plot_cells,
    plot_codes,
    plot_lines,
    plot_trade,
    plot_walk,
)

LINE_OF_FIVE = np.array([[0.0, 0.0], [1.0, 0.0], [4.5, 0.0], [5.2, 0.0], [9.0, 0.0]])
TWO = np.array([[2.0, 0.0], [8.0, 0.0]])


def drawn(axis, label: str) -> np.ndarray:
    """Return the points (N, 2) of the line of that label."""
    (line,) = [line for line in axis.lines if line.get_label() == label]
    return np.column_stack(line.get_data())


def test_bars_have_their_numbers():
    figure, sentence = plot_bars(["a", "b"], [1.0, 20.5], "ms", title="Time")
    assert [bar.get_width() for bar in figure.axes[0].patches] == [1.0, 20.5]
    assert [text.get_text() for text in figure.axes[0].texts] == ["1", "20.5"]
    assert sentence == "Time, in ms: a 1, b 20.5."
    with pytest.raises(InputError, match="1 names for 2 values"):
        plot_bars(["a"], [1, 2], "ms", title="Time")


def test_lines_share_logarithmic_axes():
    figure, sentence = plot_lines(
        [1, 10, 1000], {"a": [1, 2, 3], "b": [5, 5, 50]}, ("size", "time"), title="T", level=("floor", 7.0)
    )
    axis = figure.axes[0]
    assert (axis.get_xscale(), axis.get_yscale()) == ("log", "log")
    assert drawn(axis, "b").tolist() == [[1, 5], [10, 5], [1000, 50]]
    assert drawn(axis, "floor")[:, 1].tolist() == [7, 7]
    assert sentence == "T, time, for size from 1 to 1,000: a from 1 to 3; b from 5 to 50. floor: 7 throughout."
    assert "floor" not in plot_lines([1, 2], {"a": [1, 2]}, ("x", "y"), title="T")[1]
    with pytest.raises(InputError, match="'a' has 2 values, expected one for each x, 3"):
        plot_lines([1, 2, 3], {"a": [1, 2]}, ("x", "y"), title="T")


def test_cells_show_what_one_probe_misses():
    figure, sentence = plot_cells(LINE_OF_FIVE, TWO, np.array([4.9, 0.0]), 1, title="1 probe")
    axis = figure.axes[0]
    assert drawn(axis, "vectors looked at")[:, 0].tolist() == [0, 1, 4.5]
    assert drawn(axis, "vectors left out")[:, 0].tolist() == [5.2, 9]
    assert drawn(axis, "to the one found")[:, 0].tolist() == [4.9, 4.5]
    assert drawn(axis, "to the nearest")[:, 0].tolist() == [4.9, 5.2]
    assert sentence == (
        "1 probe: 2 cells, 1 of them probed, which hold 3 of 5 vectors. Found at 0.40; the nearest lies at 0.30."
    )


def test_cells_that_are_all_probed_miss_nothing():
    figure, sentence = plot_cells(LINE_OF_FIVE, TWO, np.array([4.9, 0.0]), 2, title="2 probes")
    assert sentence.endswith("2 of them probed, which hold 5 of 5 vectors. Found at 0.30; that is the nearest.")
    assert "to the nearest" not in [line.get_label() for line in figure.axes[0].lines]


def test_an_empty_cell_finds_nothing():
    centroids = np.array([[4.0, 0.0], [4.0, 90.0]])
    figure, sentence = plot_cells(LINE_OF_FIVE, centroids, np.array([4.0, 80.0]), 1, title="Empty")
    assert sentence.endswith("which hold 0 of 5 vectors.")
    assert "to the one found" not in [line.get_label() for line in figure.axes[0].lines]


def test_a_point_at_a_border_is_the_one_that_loses_most():
    tries = np.array([[1.0, 0.0], [4.86, 0.0], [4.95, 0.0], [8.0, 0.0]])  # 4.95 finds 4.5 and misses 5.2
    assert at_a_border(LINE_OF_FIVE, TWO, tries).tolist() == [4.95, 0.0]
    with pytest.raises(InputError, match="No point is served worse by one cell than by two"):
        at_a_border(LINE_OF_FIVE, TWO, tries[[0, 3]])


def test_cells_want_a_plane():
    with pytest.raises(InputError, match=r"vectors has shape \(5, 3\), expected \(N, 2\)"):
        plot_cells(np.zeros((5, 3)), np.zeros((2, 3)), np.zeros(3), 1, title="Three")


def test_a_walk_is_counted_and_says_where_it_ends():
    links = [[1], [0, 2], [1, 3], [2, 4], [3]]
    figure, sentence = plot_walk(LINE_OF_FIVE, links, [0, 1, 2], np.array([4.5, 1.0]))
    assert drawn(figure.axes[0], "walk").tolist() == [[0, 0], [1, 0], [4.5, 0]]
    assert sentence == (
        "A walk of 2 steps through a graph of 5 vectors, which compared 4 of them and ends at a distance of 1.00, "
        "the nearest."
    )
    stuck = plot_walk(LINE_OF_FIVE, links, [0, 1], np.array([4.5, 1.0]))[1]
    assert stuck.endswith("compared 3 of them and ends at a distance of 3.64, while the nearest lies at 1.00.")


def test_codes_draw_each_vector_to_its_crossing():
    books = np.array([[[0.0], [5.0]], [[0.0], [1.0]]])
    figure, sentence = plot_codes(np.array([[1.0, 0.0], [4.0, 0.0], [5.0, 1.0]]), books)
    assert drawn(figure.axes[0], "what codes say").tolist() == [[0, 0], [5, 0], [5, 1]]
    assert sentence == (
        "3 vectors drawn to the 3 crossings that their codes name, out of 4 possible: 0.67 off on average, "
        "1.00 at most."
    )


def test_families_are_joined_and_all_named():
    figure, sentence = plot_trade(["flat", "ivf 1", "ivf 8"], [1.0, 0.5, 0.9], [100.0, 2.0, 8.0])
    axis = figure.axes[0]
    assert [list(line.get_xdata()) for line in axis.lines] == [[100.0], [2.0, 8.0]]
    assert {text.get_text() for text in axis.texts} == {"flat", "ivf 1", "ivf 8"}
    assert sentence.endswith("flat 1.00 in 100; ivf 1 0.50 in 2; ivf 8 0.90 in 8.")
    with pytest.raises(InputError, match="2 names, 1 recalls and 2 times"):
        plot_trade(["a", "b"], [1.0], [1.0, 2.0])


def test_names_of_points_side_by_side_keep_apart():
    names = ["flat", "ivf 1", "ivf 8", "hnsw 16", "hnsw 64", "pq 19", "coreset"]
    recall, micros = [1.0, 0.64, 0.985, 0.972, 0.991, 0.33, 0.1], [228.0, 9, 31, 34.8, 36.3, 450, 33]
    figure, _ = plot_trade(names, recall, micros)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) == 7
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:i])
        assert figure.axes[0].get_window_extent().contains(*box.min)


def test_sizes_are_written_in_full():
    sentence = plot_lines([512, 32768], {"a": [1, 2]}, ("size", "time"), title="T")[1]
    assert "for size from 512 to 32,768" in sentence


def test_alarms_are_counted_where_nothing_was_added():
    before, after = np.array([9.0, 8.0, 9.0, 6.0]), np.array([0.0, 6.0, 0.0, 2.0])
    figure, sentence = plot_alarms(before, after, 5.0, np.array([True, False, True, False]))
    assert drawn(figure.axes[0], "after")[:, 1].tolist() == [0, 6, 0, 2]
    assert {line.get_linestyle() for line in figure.axes[0].lines if line.get_label() != "threshold"} == {"None"}
    assert [patch.get_x() for patch in figure.axes[0].patches] == [-0.5, 1.5]
    assert sentence == (
        "Of the 2 tiles that weren't added 2 had a score above the threshold before, and 1 have one after; their mean "
        "score went from 7.00 to 4.00."
    )
    with pytest.raises(InputError, match=r"added is int64 of shape \(\), expected a truth value for each score"):
        plot_alarms(before, after, 5.0, np.int64(2))
