"""Figures of notebook 03: what they draw, and the values in their captions."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch

from aitex_utils.backbones import load_backbone
from aitex_utils.lessons.nb03.figures import (
    plot_distances,
    plot_field,
    plot_spectrum,
    plot_squares,
    plot_two_levels,
)
from aitex_utils.lessons.nb03.receptive_field import layer_chain, receptive_field
from aitex_utils.plots import figure_html


def test_squares_lie_around_the_centre():
    figure, caption = plot_squares(np.zeros((256, 256), np.uint8), {"small": 20, "large": 300.0}, title="Fields")
    small, large = figure.axes[0].lines
    assert (small.get_xdata().min(), small.get_xdata().max(), small.get_ydata().min()) == (118, 138, 118)
    assert np.ptp(large.get_ydata()) == 300 and small.get_linestyle() != large.get_linestyle()
    assert "256 px: small 20 px, large 300 px" in caption


def test_many_squares_reuse_the_line_styles():
    figure, _ = plot_squares(np.zeros((8, 8), np.uint8), {f"layer {i}": i for i in range(1, 8)})
    styles = [line.get_linestyle() for line in figure.axes[0].lines]
    assert len(styles) == 7 and styles[:3] == styles[4:]


def test_a_spectrum_falls_and_states_the_share_of_the_first_directions():
    figure, caption = plot_spectrum(np.array([1.0] * 10 + [90.0]), 0.5)
    variance, floor = figure.axes[0].lines
    assert variance.get_ydata()[0] == 90 and set(floor.get_ydata()) == {0.5}
    assert "the first 10 of 11 directions have 99 % of it" in caption and "not above any of them" in caption


def test_a_floor_above_some_variances_says_how_many():
    assert "above 2 of them" in plot_spectrum(np.array([1.0, 2.0, 9.0]), 2.5)[1]


FIELDS = {"blocks.0": (7, 2), "blocks.2": (67, 8), "blocks.4": (339, 16)}


def test_a_field_moves_with_its_position_and_is_described():
    tile = np.zeros((256, 256), np.uint8)
    figure, caption = plot_field(tile, FIELDS, layer=1, row=128, column=200)
    field, neighbour = figure.axes[0].lines[:2]
    assert np.ptp(field.get_xdata()) == 67 and np.mean([field.get_ydata().min(), field.get_ydata().max()]) == 135
    assert (neighbour.get_xdata() - field.get_xdata() == 8).all()
    assert "Position (16, 25) of 32 x 32 in blocks.2" in caption and "shares 88 %" in caption


def test_the_field_s_part_outside_the_tile_is_stated():
    tile = np.zeros((256, 256), np.uint8)
    assert "67 px, 0 % of it outside" in plot_field(tile, FIELDS, layer=1, row=128, column=128)[1]
    inside = 41 * 41 / 67**2  # the corner position is centred at (7, 7)
    assert f"{1 - inside:.0%}".replace("%", " %") in plot_field(tile, FIELDS, layer=1, row=0, column=0)[1]
    assert "(15, 15) of 16 x 16" in plot_field(tile, FIELDS, layer=2, row=255, column=255)[1]


def test_a_field_is_redrawn_in_time_for_a_slider():
    tile = np.zeros((256, 256), np.uint8)
    times = []
    for row in range(4):
        begin = time.perf_counter()
        figure_html(*plot_field(tile, FIELDS, layer=1, row=60 * row, column=0), dpi=75)
        times.append(time.perf_counter() - begin)
    assert min(times) < 20  # catches a hang: a fraction of a second on a quiet machine


@pytest.mark.parametrize("layer", ["blocks.0", "blocks.1", "blocks.2"])
def test_the_drawn_field_is_where_the_gradient_is(layer: str):
    network = load_backbone(pretrained=False).network.eval()
    kept = []
    network.get_submodule(layer).register_forward_hook(lambda module, inputs, output: kept.append(output))
    images = torch.rand(1, 3, 256, 256, generator=torch.Generator().manual_seed(0)).requires_grad_()
    network(images)
    side, stride = receptive_field(layer_chain(network, layer))
    row = 160 // stride
    (gradient,) = torch.autograd.grad(kept[0][:, :, row, row].sum(), images)
    rows = np.flatnonzero((gradient != 0).any(0).any(0).any(1).numpy())
    drawn = plot_field(np.zeros((256, 256), np.uint8), {layer: (side, stride)}, layer=0, row=160, column=160)[0]
    edges = drawn.axes[0].lines[0].get_ydata()
    assert (rows[0] - 0.5, rows[-1] + 0.5) == (edges.min(), edges.max())


def test_distances_of_coarse_grids_cover_the_whole_tile():
    mask = np.zeros((64, 64), bool)
    mask[8:16, 8:16] = True
    figure, caption = plot_distances(np.zeros((64, 64), np.uint8), mask, {"a": np.eye(8), "b": np.eye(2)}, caption="C.")
    assert caption == "C." and len(figure.axes) == 3
    assert all(list(axis.images[0].get_extent()) == [-0.5, 63.5, 63.5, -0.5] for axis in figure.axes)
    assert all(axis.lines for axis in figure.axes)


def test_both_levels_have_a_panel_with_the_means():
    tile, pixel = np.array([[0.8, 0.9], [0.6, 0.7]]), np.array([[0.9, 0.9], [0.5, 0.6]])
    figure, caption = plot_two_levels(["x", "y"], tile, pixel, ["00", "01"])
    assert [axis.get_xlabel() for axis in figure.axes] == ["tile AUROC", "pixel-level AUROC"]
    assert "x 0.850 and 0.900, y 0.650 and 0.550" in caption
