"""Figures of notebook 05 draw the values that their captions state."""

from __future__ import annotations

import re

import numpy as np
import pytest

from aitex_utils.errors import InputError
from aitex_utils.lessons.nb05.figures import (
    plot_alarms,
    plot_bars,
    plot_cells,
    plot_codes,
    plot_lines,
    plot_nprobe,
    plot_tradeoff,
    plot_walk,
)
from aitex_utils.lessons.nb05.toy import toy_bank

VECTORS = np.array([[0.0, 0.0], [1.0, 0.0], [4.5, 0.0], [5.2, 0.0], [9.0, 0.0]])
CENTROIDS = np.array([[2.0, 0.0], [8.0, 0.0]])
LABELS = {"xlabel": "size", "ylabel": "time", "title": "T"}


def drawn(axis, label: str) -> np.ndarray:
    """Return the points (N, 2) of the line with that label."""
    (line,) = [line for line in axis.lines if line.get_label() == label]
    return np.column_stack(line.get_data())


def labels_of(figure) -> list[str]:
    return [line.get_label() for line in figure.axes[0].lines]


def numbers(caption: str) -> list[float]:
    return [float(number) for number in re.findall(r"\d+(?:\.\d+)?", caption)]


def test_bars_have_their_values_beside_them():
    figure, caption = plot_bars(["a", "b"], [1.0, 20.5], "ms", title="Time")
    assert [bar.get_width() for bar in figure.axes[0].patches] == [1.0, 20.5]
    assert [text.get_text() for text in figure.axes[0].texts] == ["1", "20.5"]
    assert caption == "Time (ms). a: 1; b: 20.5."
    with pytest.raises(InputError, match="1 names for 2 values"):
        plot_bars(["a"], [1, 2], "ms", title="Time")


def test_bars_can_have_a_spread():
    figure, caption = plot_bars(["a", "b"], [1.0, 20.5], "ms", title="Time", spreads=[(0.5, 2.0), (20.0, 30.0)])
    axis = figure.axes[0]
    assert [segment[:, 0].tolist() for segment in axis.collections[0].get_segments()] == [[0.5, 2.0], [20.0, 30.0]]
    assert [text.xy for text in axis.texts] == [(2.0, 0), (30.0, 1)] and axis.get_xlim()[1] > 30
    assert "fastest to the slowest run" in caption
    with pytest.raises(InputError, match="1 spreads for 2 values"):
        plot_bars(["a", "b"], [1, 2], "ms", title="Time", spreads=[(0, 1)])


def test_lines_share_logarithmic_axes():
    figure, caption = plot_lines([1, 10, 1000], {"a": [1, 2, 3], "b": [5, 5, 50]}, **LABELS)
    axis = figure.axes[0]
    assert (axis.get_xscale(), axis.get_yscale(), axis.get_xlabel(), axis.get_ylabel()) == (
        "log",
        "log",
        "size",
        "time",
    )
    assert drawn(axis, "b").tolist() == [[1, 5], [10, 5], [1000, 50]]
    assert "a from 1 to 3; b from 5 to 50" in caption
    with pytest.raises(InputError, match="'a' has 2 values, expected one for each x, 3"):
        plot_lines([1, 2, 3], {"a": [1, 2]}, **LABELS)


def test_a_reference_is_a_horizontal_line():
    figure, caption = plot_lines([1, 10], {"a": [1, 2]}, **LABELS, reference=("floor", 7.0))
    assert drawn(figure.axes[0], "floor")[:, 1].tolist() == [7, 7] and "floor: 7" in caption
    assert "floor" not in plot_lines([1, 10], {"a": [1, 2]}, **LABELS)[1]


def test_sizes_are_written_in_full():
    assert "from 512 to 32,768" in plot_lines([512, 32768], {"a": [1, 2]}, **LABELS)[1]


def test_cells_show_the_result_and_the_nearest_that_one_probe_misses():
    figure, caption = plot_cells(VECTORS, CENTROIDS, np.array([4.9, 0.0]), 1, title="One")
    axis = figure.axes[0]
    assert drawn(axis, "vectors searched")[:, 0].tolist() == [0, 1, 4.5]
    assert drawn(axis, "other vectors")[:, 0].tolist() == [5.2, 9]
    assert drawn(axis, "to the result")[:, 0].tolist() == [4.9, 4.5]
    assert drawn(axis, "to the nearest")[:, 0].tolist() == [4.9, 5.2]
    assert numbers(caption) == [2, 1, 3, 5, 0.40, 0.30]  # cells, probed, vectors searched, vectors, and distances


def test_cells_that_are_all_probed_miss_nothing():
    figure, caption = plot_cells(VECTORS, CENTROIDS, np.array([4.9, 0.0]), 2, title="Two")
    assert numbers(caption) == [2, 2, 5, 5, 0.30] and "the nearest vector" in caption
    assert "to the nearest" not in labels_of(figure)


def test_no_marker_hides_the_vector_across_the_border():
    bank = toy_bank()
    figure, _ = plot_cells(bank.vectors, bank.centroids, bank.patch, 1, title="Toy")
    axis = figure.axes[0]
    figure.draw_without_rendering()
    (ring,), (patch,) = (
        [line for line in axis.lines if line.get_label() == label] for label in ("nearest vector", "patch")
    )
    points = axis.transData.transform([np.ravel(line.get_data()) for line in (ring, patch)]) * 72 / figure.dpi
    assert np.linalg.norm(points[0] - points[1]) > (ring.get_markersize() + patch.get_markersize()) / 2
    assert ring.get_zorder() > patch.get_zorder() and ring.get_markerfacecolor() == "none"


@pytest.mark.parametrize(("nprobe", "recall", "is_found"), [(1, 0.88, False), (2, 0.99, True), (12, 1.0, True)])
def test_the_slider_s_figure_shows_a_search_and_the_curves(nprobe: int, recall: float, is_found: bool):
    bank = toy_bank()
    figure, caption = plot_nprobe(bank, nprobe)
    plane, curves = figure.axes
    assert ("nearest vector" in [line.get_label() for line in plane.lines]) != is_found
    recalls = drawn(curves, "recall@1")
    assert recalls[nprobe - 1].tolist() == [nprobe, pytest.approx(recall, abs=0.01)] and len(recalls) == 12
    assert f"recall@1 is {recalls[nprobe - 1, 1]:.2f}" in caption and caption.startswith(f"nprobe = {nprobe}, ")
    rings = [line.get_data() for line in curves.lines if line.get_markersize() == 11]
    assert [float(np.ravel(x)[0]) for x, _ in rings] == [nprobe, nprobe]
    assert plot_nprobe(bank, nprobe)[1] == caption


def test_an_empty_cell_has_no_result():
    centroids = np.array([[4.0, 0.0], [4.0, 90.0]])
    figure, caption = plot_cells(VECTORS, centroids, np.array([4.0, 80.0]), 1, title="Empty")
    assert numbers(caption) == [2, 1, 0, 5]
    assert "to the result" not in labels_of(figure)


def test_cells_need_a_plane():
    with pytest.raises(InputError, match=r"vectors has shape \(5, 3\), expected \(N, 2\)"):
        plot_cells(np.zeros((5, 3)), np.zeros((2, 3)), np.zeros(3), 1, title="Three")


def test_a_walk_is_counted_and_the_caption_says_where_it_ends():
    graph, patch = [[1], [0, 2], [1, 3], [2, 4], [3]], np.array([4.5, 1.0])
    figure, caption = plot_walk(VECTORS, graph, [0, 1, 2], patch)
    assert drawn(figure.axes[0], "walk").tolist() == [[0, 0], [1, 0], [4.5, 0]]
    assert numbers(caption) == [2, 5, 4, 1.00]  # steps, vectors, distances computed, and distance at the end
    assert numbers(plot_walk(VECTORS, graph, [0, 1], patch)[1]) == [1, 5, 3, 3.64, 1.00]


def test_codes_draw_each_vector_to_its_reconstruction():
    codebooks = np.array([[[0.0], [5.0]], [[0.0], [1.0]]])
    figure, caption = plot_codes(np.array([[1.0, 0.0], [4.0, 0.0], [5.0, 1.0]]), codebooks)
    assert drawn(figure.axes[0], "reconstructions").tolist() == [[0, 0], [5, 0], [5, 1]]
    assert numbers(caption) == [
        3,
        3,
        4,
        0.67,
        1.00,
    ]  # vectors, crossings, possible crossings, then mean and largest error


def test_families_are_joined_and_all_are_named():
    figure, caption = plot_tradeoff(["flat", "ivf 1", "ivf 8"], [1.0, 0.5, 0.9], [100.0, 2.0, 8.0])
    axis = figure.axes[0]
    assert [list(line.get_xdata()) for line in axis.lines] == [[100.0], [2.0, 8.0]]
    assert {text.get_text() for text in axis.texts} == {"flat", "ivf 1", "ivf 8"}
    assert caption.endswith("flat 1.00 in 100 µs; ivf 1 0.50 in 2 µs; ivf 8 0.90 in 8 µs.")
    with pytest.raises(InputError, match="2 names, 1 recalls and 2 times"):
        plot_tradeoff(["a", "b"], [1.0], [1.0, 2.0])


def test_names_of_neighbouring_points_keep_apart():
    names = ["flat", "ivf 1", "ivf 8", "hnsw 16", "hnsw 64", "pq 19", "coreset"]
    recalls, times = [1.0, 0.64, 0.985, 0.972, 0.991, 0.33, 0.1], [228.0, 9, 31, 34.8, 36.3, 450, 33]
    figure, _ = plot_tradeoff(names, recalls, times)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) == 7
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:i])
        assert figure.axes[0].get_window_extent().contains(*box.min)


def test_alarms_are_counted_among_tiles_that_were_not_added():
    before, after = np.array([9.0, 8.0, 9.0, 6.0]), np.array([0.0, 6.0, 0.0, 2.0])
    figure, caption = plot_alarms(before, after, 5.0, np.array([True, False, True, False]))
    axis = figure.axes[0]
    assert drawn(axis, "after")[:, 1].tolist() == [0, 6, 0, 2]
    assert {line.get_linestyle() for line in axis.lines if line.get_label() != "threshold"} == {"None"}
    assert [patch.get_x() for patch in axis.patches] == [-0.5, 1.5]
    assert numbers(caption) == [2, 2, 1, 7.00, 4.00]  # tiles, flagged before, flagged after, and mean scores
    with pytest.raises(InputError, match=r"added is int64 of shape \(\), expected one truth value per tile"):
        plot_alarms(before, after, 5.0, np.int64(2))
