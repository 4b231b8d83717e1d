"""Figures of notebook 11 draw the values that their captions state."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils.errors import InputError
from aitex_utils.lessons.nb11 import figures, toy
from aitex_utils.lessons.nb11.cases import slow_programs
from aitex_utils.lessons.nb11.records import Task

TASKS = [
    Task("block 0", 5, 10.0, 12.0, 9),
    Task("block 1", 7, 10.5, 13.0, 9),
    Task("merge 1.0", 7, 13.0, 13.5, 9),
]


def test_growth_has_a_panel_per_unit_and_states_where_a_limit_is_crossed():
    strips = [1, 10, 100]
    panels = {"GiB": {"all": [1.0, 10.0, 100.0]}, "hours": {"all": [1.0, 100.0, 10_000.0]}}
    limits = {"GiB": ("16 GiB", 16), "hours": ("24 hours", 24)}
    figure, caption = figures.plot_growth(strips, panels, limits, {"AITEX": 50})
    assert len(figure.axes) == 2
    line = next(line for line in figure.axes[1].lines if line.get_label() == "all")
    assert line.get_ydata().tolist() == [1, 100, 10_000]
    assert "above 16 GiB from about 16 strips" in caption and "hours: all from 1 to 10,000" in caption
    never = figures.plot_growth(strips, {"GiB": {"all": [1.0, 2.0, 3.0]}}, {"GiB": ("16 GiB", 16)}, {})[1]
    assert "above" not in never
    with pytest.raises(InputError, match="one for each number of strips"):
        figures.plot_growth(strips, {"GiB": {"all": [1.0]}}, {"GiB": ("16 GiB", 16)}, {})
    with pytest.raises(InputError, match="not above 0"):
        figures.plot_growth(strips, {"GiB": {"all": [0.0, 1.0, 2.0]}}, {"GiB": ("16 GiB", 16)}, {})


def test_circles_have_the_stated_radii_and_the_worst_patch_is_marked():
    union = toy.join_two(toy.two_blocks())
    figure, caption = figures.plot_union(union)
    left, right = figure.axes
    assert {round(circle.get_radius(), 9) for circle in left.patches} == {round(r, 9) for r in union.radii}
    assert {circle.get_radius() for circle in right.patches} == {union.radius} and len(right.patches) == 12
    star = np.array(next(line for line in right.lines if line.get_label() == "worst patch").get_xydata()[0])
    assert np.linalg.norm(union.chosen - star, axis=1).min() == pytest.approx(union.measured)
    steps = [line for line in right.lines if line.get_label() in ("at most r", "at most R")]
    lengths = [np.linalg.norm(np.diff(line.get_xydata(), axis=0)) for line in steps]
    assert lengths[0] <= max(union.radii) + 1e-9 and lengths[1] <= union.radius + 1e-9
    assert f"The worst patch is {union.measured:.2f} away, and the bound is {union.bound:.2f}." in caption


def test_levels_and_sizes_are_drawn():
    figure, _ = figures.plot_levels([1.0, 2.0, 3.0], [1.0, 1.2, 1.1], single=0.9)
    bound, measured, single = figure.axes[0].lines
    assert bound.get_ydata().tolist() == [1, 2, 3] and measured.get_ydata().tolist() == [1, 1.2, 1.1]
    assert single.get_ydata()[0] == 0.9
    figure, _ = figures.plot_sizes([10, 20], [2.0, 1.5], 1.4)
    assert figure.axes[0].lines[0].get_ydata().tolist() == [2.0, 1.5]
    for draw in (lambda: figures.plot_levels([1.0], []), lambda: figures.plot_sizes([1], [], 1.0)):
        with pytest.raises(InputError, match="give each"):
            draw()


def test_parts_add_up():
    figure, caption = figures.plot_parts({"one": {"fit": 2.0}, "two": {"start": 3.0, "fit": 1.0}})
    assert caption == "Seconds: one 2.0 s (fit 2.0 s); two 4.0 s (start 3.0 s, fit 1.0 s)."
    ends = {round(bar.get_x() + bar.get_width(), 6) for bar in figure.axes[0].patches}
    assert {2.0, 4.0} <= ends
    with pytest.raises(InputError, match="less than 0 seconds"):
        figures.plot_parts({"one": {"fit": -1.0}})


def test_a_timeline_has_a_bar_per_task_and_marks_killed_workers():
    figure, caption = figures.plot_timeline(TASKS, killed=[5])
    axis = figure.axes[0]
    bars = [(bar.get_x(), bar.get_width()) for bar in axis.patches]
    assert bars == [(0.0, 2.0), (0.5, 2.5), (3.0, 0.5)]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["worker 1 (killed)", "worker 2"]
    assert caption == (
        "3 tasks of 2 workers in 3.5 s: worker 1 (killed) 1 task, busy 2.0 s; worker 2 2 tasks, busy 3.0 s."
    )
    with pytest.raises(InputError, match="no tasks"):
        figures.plot_timeline([])


def test_a_graph_states_its_longest_chain():
    names, needs = ["a", "b", "c", "d"], [[], [], [0, 1], [1]]
    figure, caption = figures.plot_graph(names, [1.0, 2.0, 3.0, 0.5], needs)
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert sum(text == "" for text in texts) == 3 and any(text.startswith("d\n0.50 s") for text in texts)
    assert caption == "4 tasks of 6.5 s together. Tasks per column: 2, 2. The longest chain is b, c: 5.0 s."
    with pytest.raises(InputError, match="needs a later one"):
        figures.plot_graph(["a"], [1.0], [[0]])
    with pytest.raises(InputError, match="give each task all"):
        figures.plot_graph(["a"], [1.0, 2.0], [[]])


def test_cases_are_drawn_below_each_other():
    figure, caption = figures.plot_cases(*slow_programs())
    assert [axis.get_title() for axis in figure.axes] == ["A", "B", "C"]
    striped = [bar for bar in figure.axes[1].patches if bar.get_hatch()]
    assert len(striped) == 4 and "A 11 s (first task after 7 s, worker 1 busy for 4 s, worker 2" in caption
    assert "worker 1 busy for 12 s, worker 2 busy for 12 s, 16 s of moving data in all); C 9 s" in caption
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert sorted(labels) == ["computes", "end of the program", "moves data"]
    with pytest.raises(InputError, match="give each case one"):
        figures.plot_cases({"A": TASKS}, [])
    with pytest.raises(InputError, match="has no tasks"):
        figures.plot_cases({"A": []}, [1.0])


def test_searches_are_drawn_against_their_time():
    figure, caption = figures.plot_search(["one", "nprobe 1", "nprobe 2"], [1.0, 0.5, 0.75], [40.0, 4.0, 8.0], exact=1)
    curve, point = figure.axes[0].lines
    assert curve.get_xydata().tolist() == [[4.0, 0.5], [8.0, 0.75]] and point.get_xydata().tolist() == [[40.0, 1.0]]
    assert caption.endswith("nprobe 2 0.750 in 8 ms.")
    with pytest.raises(InputError, match="give all"):
        figures.plot_search(["one"], [1.0, 1.0], [1.0], exact=1)
