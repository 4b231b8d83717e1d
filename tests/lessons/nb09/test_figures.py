"""Figures of notebook 09: they show the data, and the live curve works in and out of notebooks."""

from __future__ import annotations

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from aitex_utils.errors import InputError
from aitex_utils.lessons.nb09.figures import LiveCurve, plot_agreement, plot_dots, plot_losses, plot_profiles, plot_rows


def test_losses_are_drawn_with_their_means_over_20_steps():
    figure, caption = plot_losses([1.0] * 20 + [0.5] * 10, 100)
    each, means = figure.axes[0].lines
    assert len(each.get_xdata()) == 30 and means.get_ydata().tolist() == [1.0, 0.5]
    assert means.get_xdata().tolist() == [10.5, 25.5] and figure.axes[0].get_xlim() == (0, 100)
    assert "30 of 100" in caption and "1.00 at the first step" in caption and "0.750" in caption


def test_losses_need_a_step():
    with pytest.raises(InputError, match="no losses yet"):
        plot_losses([], 10)


def test_outside_a_notebook_the_live_curve_prints_its_last_caption_once(capsys: pytest.CaptureFixture):
    live = LiveCurve(steps=50, every=25)
    for step in range(1, 51):
        live([1.0] * step)
    assert capsys.readouterr().out.splitlines() == [plot_losses([1.0] * 50, 50)[1]]


@pytest.mark.slow
def test_in_a_notebook_only_the_last_figure_of_the_live_curve_is_stored():
    code = "from aitex_utils.lessons.nb09.figures import LiveCurve\nlive = LiveCurve(steps=7, every=2)\n"
    code += "for step in range(1, 8):\n    live([1 / n for n in range(1, step + 1)])"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
    (output,) = notebook.cells[0].outputs
    assert output.output_type == "display_data" and "7 of 7" in output.data["text/plain"]
    assert f'alt="{output.data["text/plain"]}"' in output.data["text/html"]


def rows_and_masks() -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return two grey rows and a row of maps, and masks. The first is marked in part, the third as a whole."""
    greys, maps = np.zeros((3, 8, 8), np.uint8), np.arange(192.0).reshape(3, 8, 8)
    masks = np.zeros((3, 8, 8), bool)
    masks[0, 2:4, 2:4] = masks[2] = True
    return {"tile": greys, "reconstruction": greys, "map": maps}, masks


def test_each_row_has_one_scale():
    rows, _ = rows_and_masks()
    figure, caption = plot_rows(rows, ["a", "b", "c"], "A caption.")
    images = [axis.images[0] for axis in figure.axes if axis.images]
    assert [image.get_clim() for image in images] == [(0, 255)] * 6 + [(0, 191)] * 3 and caption == "A caption."
    titles = [axis.get_title() for axis in figure.axes if axis.images]
    assert titles == ["a", "b", "c"] + [""] * 6
    figure, _ = plot_rows({"map": rows["map"]}, ["a", "b", "c"], "A caption.", scales={"map": (0, 1)})
    assert [axis.images[0].get_clim() for axis in figure.axes[:3]] == [(0, 1)] * 3


def test_masks_are_outlined_where_they_hide_nothing():
    rows, masks = rows_and_masks()
    figure, _ = plot_rows(rows, ["a", "b", "c"], "A caption.", masks=masks)
    outlines = [len(axis.lines) for axis in figure.axes if axis.images]
    assert outlines == [1, 0, 0, 0, 0, 0, 1, 0, 0]


@pytest.mark.parametrize("rows", [{"map": np.zeros((2, 4, 4))}, {"map": np.zeros((4, 4))}])
def test_rows_need_an_image_for_each_title(rows: dict):
    with pytest.raises(InputError, match=r"map has shape .*, expected \(N, H, W\) with N = 3"):
        plot_rows(rows, ["a", "b", "c"], "A caption.")
    with pytest.raises(InputError, match="masks has shape"):
        plot_rows({"map": np.zeros((3, 4, 4))}, ["a", "b", "c"], "A caption.", masks=np.zeros((2, 4, 4), bool))


def test_dots_are_drawn_for_each_case_that_a_name_has():
    figure, caption = plot_dots({"first": {"few": 0.5, "many": 0.9}, "second": {"many": 0.8}}, label="tile AUROC")
    few, many = figure.axes[0].lines
    assert list(few.get_xdata()) == [0.5] and list(few.get_ydata()) == [0]
    assert list(many.get_xdata()) == [0.9, 0.8] and list(many.get_ydata()) == [0, 1]
    assert few.get_marker() != many.get_marker()
    assert "first: 0.500 (few), 0.900 (many); second: 0.800 (many)" in caption


@pytest.mark.parametrize("values", [{}, {"first": {}}])
def test_dots_need_a_case_for_each_name(values: dict):
    with pytest.raises(InputError, match="nothing to draw"):
        plot_dots(values, label="tile AUROC")


def test_agreement_counts_detected_tiles():
    scores_a, scores_b = np.array([1, 3, 3, 3, 1, 9]), np.array([2, 2, 2, 4, 4, 9])
    labels = np.array([1, 1, 1, 1, 1, 0])
    figure, caption = plot_agreement(scores_a, scores_b, labels, (3, 4), ("A", "B"))
    clean, defective, *thresholds = figure.axes[0].lines
    assert clean.get_xdata().tolist() == [9] and defective.get_ydata().tolist() == [2, 2, 2, 4, 4]
    assert thresholds[0].get_xdata()[0] == 3 and thresholds[1].get_ydata()[0] == 4
    for text in ("5 defective tiles", "1 found by both", "2 only by A", "1 only by B", "1 by neither"):
        assert text in caption


def test_agreement_needs_equal_shapes():
    with pytest.raises(InputError, match=r"scores_a \(3,\), scores_b \(2,\) and labels \(3,\) differ"):
        plot_agreement(np.zeros(3), np.zeros(2), np.ones(3), (3, 4), ("A", "B"))


@pytest.mark.slow
def test_a_second_training_gets_a_figure_of_its_own(notebook_output: list, monkeypatch: pytest.MonkeyPatch):
    shown: list[list[dict]] = []

    def display(content: dict, **_: object) -> object:
        shown.append([content])
        return type("Output", (), {"update": lambda self, content, raw: shown[-1].append(content)})()

    monkeypatch.setattr("IPython.display.display", display)
    live = LiveCurve(steps=4, every=2)
    for _ in range(2):
        for step in range(1, 5):
            live([1.0] * step)
    assert [len(contents) for contents in shown] == [2, 2]


def test_profiles_are_drawn_from_zero_with_their_ends_in_the_caption():
    profiles = {"a": np.array([12.0, 6.0, 5.0]), "b": np.array([5.0, 5.0, 4.0])}
    figure, caption = plot_profiles(profiles)
    (axis,) = figure.axes
    assert [line.get_ydata().tolist() for line in axis.lines] == [[12, 6, 5], [5, 5, 4]]
    assert axis.get_ylim()[0] == 0 and axis.get_ylim()[1] > 12 and "(px)" in axis.get_xlabel()
    assert "a, 12.0 on the outermost pixels and 5.0 at 2 px" in caption
