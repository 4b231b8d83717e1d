"""Figures of notebook 07: what they draw, what they say, and the live curve in a notebook and outside."""

from __future__ import annotations

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from aitex_utils.errors import InputError
from aitex_utils.lessons.nb07.figures import LiveCurve, plot_agreement, plot_dots, plot_gaps, plot_losses, plot_rows


def test_losses_are_drawn_with_the_mean_of_twenty():
    figure, sentence = plot_losses([1.0] * 20 + [0.5] * 10, 100)
    each, means = figure.axes[0].lines
    assert len(each.get_xdata()) == 30 and means.get_ydata().tolist() == [1.0, 0.5]
    assert means.get_xdata().tolist() == [10.5, 25.5] and figure.axes[0].get_xlim() == (0, 100)
    assert sentence == "Loss by step, 30 of 100, 1.00 at first, now 0.750 (mean of the last twenty)."
    with pytest.raises(InputError, match="no losses yet"):
        plot_losses([], 10)


def test_outside_a_notebook_the_live_curve_says_its_last_sentence_once(capsys: pytest.CaptureFixture):
    live = LiveCurve(steps=50, every=25)
    for step in range(1, 51):
        live([1.0] * step)
    assert capsys.readouterr().out.splitlines() == [plot_losses([1.0] * 50, 50)[1]]


def test_in_a_notebook_only_the_last_picture_of_the_live_curve_is_stored():
    code = "from aitex_utils.lessons.nb07.figures import LiveCurve\nlive = LiveCurve(steps=7, every=2)\n"
    code += "for step in range(1, 8):\n    live([1 / n for n in range(1, step + 1)])"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    (output,) = notebook.cells[0].outputs
    assert output.output_type == "display_data" and "7 of 7" in output.data["text/plain"]
    assert 'alt="Loss by step, 7 of 7' in output.data["text/html"]


def test_rows_share_a_scale_each_and_outline_masks_where_they_hide_nothing():
    greys, maps = np.zeros((2, 8, 8), np.uint8), np.arange(128.0).reshape(2, 8, 8)
    masks = np.zeros((2, 8, 8), bool)
    masks[0, 2:4, 2:4] = True
    rows = {"tile": greys, "rebuilt": greys, "map": maps}
    figure, sentence = plot_rows(rows, ["a", "b"], "Told.", masks=masks)
    pictures = [axis for axis in figure.axes if axis.images]
    assert [axis.images[0].get_clim() for axis in pictures] == [(0, 255)] * 4 + [(0, 127)] * 2 and sentence == "Told."
    assert [bool(axis.collections) for axis in pictures] == [True, False, False, False, True, False]
    assert [axis.get_title() for axis in pictures] == ["a", "b", "", "", "", ""]
    figure, _ = plot_rows({"map": maps}, ["a", "b"], "Told.", scales={"map": (0, 1)})
    assert figure.axes[0].images[0].get_clim() == (0, 1)


@pytest.mark.parametrize("rows", [{"map": np.zeros((2, 4, 4))}, {"map": np.zeros((4, 4))}])
def test_rows_want_a_picture_for_each_title(rows: dict):
    with pytest.raises(InputError, match=r"map has shape .*, expected \(N, H, W\) with N = 3"):
        plot_rows(rows, ["a", "b", "c"], "Told.")


def test_gaps_tell_median_and_interval():
    figure, sentence = plot_gaps({"a": np.linspace(-1, 1, 201), "b": np.full(5, 0.2)}, what="AUROC, a minus b")
    assert "a +0.000 (-0.950 to +0.950); b +0.200 (+0.200 to +0.200)" in sentence
    assert [line.get_xdata()[0] for line in figure.axes[0].lines[:2]] == pytest.approx([0, 0.2])
    with pytest.raises(InputError, match="no differences"):
        plot_gaps({}, what="x")


def test_dots_are_drawn_for_each_case_that_a_name_has():
    figure, sentence = plot_dots({"one": {"few": 0.5, "many": 0.9}, "two": {"many": 0.8}}, what="tile AUROC")
    few, many = figure.axes[0].lines
    assert list(few.get_xdata()) == [0.5] and list(many.get_xdata()) == [0.9, 0.8] and list(many.get_ydata()) == [0, 1]
    assert sentence == "tile AUROC. one: few 0.500, many 0.900; two: many 0.800."
    for nothing in ({}, {"one": {}}):
        with pytest.raises(InputError, match="nothing to draw"):
            plot_dots(nothing, what="x")


def test_agreement_counts_who_found_what():
    one, other = np.array([1, 3, 3, 1, 9]), np.array([2, 2, 4, 4, 9])
    labels = np.array([1, 1, 1, 1, 0])
    _, sentence = plot_agreement(one, other, labels, (3, 4), ("A", "B"))
    assert sentence == "Of 4 tiles with a defect, above its threshold: both 1, only A 1, only B 1, neither 1."
    with pytest.raises(InputError, match="differ, expected"):
        plot_agreement(one, other[:2], labels, (3, 4), ("A", "B"))
