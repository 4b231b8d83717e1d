"""Figures that only notebook 03 uses: receptive fields, distances by layer, variances, and AUROC at two levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from aitex_utils.lessons.wording import check_values, percent
from aitex_utils.plots import (
    DEFECTIVE,
    LINE,
    LINE_STYLES,
    MAP_COLOURS,
    MARKERS,
    NORMAL,
    OUTSIDE,
    draw_outline,
    make_axes,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_squares(
    image: np.ndarray, sides: Mapping[str, float], *, title: str = "Receptive fields"
) -> tuple[Figure, str]:
    """Draw squares around the centre of a tile, one per layer.

    Parameters
    ----------
    image : ndarray, shape (H, W)
        Grey tile, uint8.
    sides : mapping of str to float
        Side of each square in px, by layer.
    title : str
        Title of the figure.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_squares(np.zeros((8, 8), np.uint8), {"blocks.0": 7})[1]
    'Receptive fields, as squares on a tile of 8 px: blocks.0 7 px.'
    """
    check_values({"image": image, "sides": list(sides.values())})
    figure, axis = make_axes(1, 1, (5.4, 4.2))
    height, width = image.shape
    axis.imshow(image, cmap="gray", vmin=0, vmax=255, origin="upper")
    for i, (layer, side) in enumerate(sides.items()):
        x = width / 2 + side / 2 * np.array([-1, 1, 1, -1, -1])
        y = height / 2 + side / 2 * np.array([-1, -1, 1, 1, -1])
        style = LINE_STYLES[i % len(LINE_STYLES)]
        axis.plot(x, y, style, color=DEFECTIVE, linewidth=2, label=f"{layer}: {side:.0f} px")
    axis.set(xlim=(-50, width + 50), ylim=(height + 50, -50), xlabel="column (px)", ylabel="row (px)", title=title)
    axis.legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
    listed = ", ".join(f"{layer} {side:.0f} px" for layer, side in sides.items())
    return figure, f"{title}, as squares on a tile of {width} px: {listed}."


def plot_spectrum(variances: np.ndarray, floor: float) -> tuple[Figure, str]:
    """Draw the variances of patches along their principal directions, and the floor that whitening adds.

    Parameters
    ----------
    variances : ndarray, shape (C,)
        Variances, in any order.
    floor : float
        Floor of the variance.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_spectrum(np.array([1.0, 3.0]), floor=2.0)[1]
    'Variance of normal patches by direction, from 3 down to 1: the first 2 of 2 directions have 100 % of it. The \
floor is above 1 of them.'
    """
    check_values({"variances": variances})
    variances = np.sort(variances)[::-1]
    figure, axis = make_axes(1, 1, (6.5, 3))
    axis.semilogy(np.arange(1, len(variances) + 1), variances, color=NORMAL, label="variance")
    axis.axhline(floor, color=LINE, linestyle=":", label="floor")
    axis.set(xlabel="direction, by decreasing variance", ylabel="variance of normal patches")
    axis.legend()
    first, below = variances[:10], int(np.sum(variances < floor))
    caption = f"Variance of normal patches by direction, from {variances[0]:.3g} down to {variances[-1]:.1g}: "
    share = percent(first.sum() / variances.sum()) if variances.sum() > 0 else "none"
    caption += f"the first {len(first)} of {len(variances)} directions have {share} of it. "
    return figure, f"{caption}The floor is {f'above {below} of them' if below else 'not above any of them'}."


def plot_field(
    image: np.ndarray, fields: Mapping[str, tuple[int, int]], *, layer: int, row: int, column: int
) -> tuple[Figure, str]:
    """Draw the receptive field of one position of a layer on a tile, and the field of the next position beside it.

    Parameters
    ----------
    image : ndarray, shape (H, W)
        Grey tile, uint8.
    fields : mapping of str to (int, int)
        Side and stride of the receptive field in px, by layer.
    layer : int
        Index of the layer in `fields`.
    row, column : int
        A pixel of the tile. The layer's position at this pixel is drawn.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Notes
    -----
    Where EfficientNet-Lite0 steps by 2 it pads more at the right and below. This shifts a field by its stride minus 1.

    Examples
    --------
    >>> plot_field(np.zeros((64, 64), np.uint8), {"blocks.0": (7, 2)}, layer=0, row=32, column=0)[1]
    'Position (16, 0) of 32 x 32 in blocks.0. Its field has 7 x 7 px, 29 % of it outside the tile. It shares 71 % with \
the field of the next position.'
    """
    check_values({"image": image, "fields": list(fields.values())})
    name, (side, stride) = list(fields.items())[int(layer)]
    height, width = image.shape
    grid = height // stride, width // stride
    position = min(int(row) // stride, grid[0] - 1), min(int(column) // stride, grid[1] - 1)
    y, x = (stride * index + stride - 1 for index in position)
    figure, axis = make_axes(1, 1, (5.4, 4.4))
    axis.imshow(image, cmap="gray", vmin=0, vmax=255, origin="upper")
    for shift, style, label in ((0, "-", "field"), (stride, "--", "field of the next position")):
        corners = side / 2 * np.array([[-1, 1, 1, -1, -1], [-1, -1, 1, 1, -1]])
        axis.plot(x + shift + corners[0], y + corners[1], style, color=DEFECTIVE, linewidth=2, label=label)
    axis.plot(x, y, "o", color=DEFECTIVE, markersize=4)
    margin = 0.35 * max(height, width)
    axis.set(xlim=(-margin, width + margin), ylim=(height + margin, -margin), xlabel="column (px)", ylabel="row (px)")
    axis.set_title(f"{name}, position ({position[0]}, {position[1]})")
    axis.legend(loc="upper right", fontsize=8)
    inside = [max(0.0, min(c + side / 2, n - 0.5) - max(c - side / 2, -0.5)) for c, n in ((y, height), (x, width))]
    outside, shared = 1 - inside[0] * inside[1] / side**2, max(0, side - stride) / side
    caption = f"Position ({position[0]}, {position[1]}) of {grid[0]} x {grid[1]} in {name}. Its field has {side} x "
    caption += f"{side} px, {percent(outside)} of it outside the tile. "
    return figure, f"{caption}It shares {percent(shared)} with the field of the next position."


def plot_distances(
    image: np.ndarray, mask: np.ndarray, maps: Mapping[str, np.ndarray], *, caption: str
) -> tuple[Figure, str]:
    """Draw a tile with the outline of its defect, and maps of distances beside it, each on its own colour scale.

    Parameters
    ----------
    image : ndarray, shape (H, W)
        Grey tile, uint8.
    mask : ndarray, shape (H, W)
        Ground-truth mask, bool.
    maps : mapping of str to ndarray, each of shape (H', W')
        Distances by title.
    caption : str
        Caption of the figure.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_distances(np.zeros((8, 8), np.uint8), np.eye(8) > 0, {"blocks.2": np.eye(4)}, caption="One map.")[1]
    'One map.'
    """
    check_values({"image": image, **maps})
    height, width = image.shape
    figure, axes = make_axes(1, len(maps) + 1, (2.4 * (len(maps) + 1), 2.5))
    axes[0].imshow(image, cmap="gray", vmin=0, vmax=255, origin="upper")
    axes[0].set_title("tile", fontsize=9)
    for axis, (title, distances) in zip(axes[1:], maps.items(), strict=True):
        axis.imshow(distances, cmap=MAP_COLOURS, origin="upper", extent=(-0.5, width - 0.5, height - 0.5, -0.5))
        axis.set_title(title, fontsize=9)
    for axis in axes:
        draw_outline(axis, mask)
        axis.set_axis_off()
    return figure, caption


def plot_two_levels(
    names: Sequence[str], tile_auroc: np.ndarray, pixel_auroc: np.ndarray, fabrics: Sequence[str]
) -> tuple[Figure, str]:
    """Draw the AUROC of several layers at the level of tiles and at the level of pixels.

    Parameters
    ----------
    names : sequence of str
        Names of the layers.
    tile_auroc, pixel_auroc : ndarray, shape (layers, fabrics)
        AUROC at both levels.
    fabrics : sequence of str
        Numbers of the fabrics.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_two_levels(["blocks.2"], np.array([[0.8, 0.9]]), np.array([[0.9, 0.9]]), ["00", "01"])[1]
    'Mean AUROC over fabrics, tile-level and pixel-level: blocks.2 0.850 and 0.900.'
    """
    check_values({"tile_auroc": tile_auroc, "pixel_auroc": pixel_auroc})
    figure, axes = make_axes(1, 2, (9, 0.42 * len(names) + 1.2), sharey=True)
    rows = np.arange(len(names))
    for axis, values, title in zip(axes, (tile_auroc, pixel_auroc), ("tile", "pixel-level"), strict=True):
        for i, fabric in enumerate(fabrics):
            marker = MARKERS[i % len(MARKERS)]
            axis.plot(values[:, i], rows, marker, color=NORMAL, alpha=0.7, label=f"fabric {fabric}")
        axis.vlines(values.mean(axis=1), rows - 0.3, rows + 0.3, color=LINE, linewidth=2.5, label="mean")
        axis.set(xlabel=f"{title} AUROC")
    axes[0].set(yticks=rows, yticklabels=names)
    axes[0].invert_yaxis()
    axes[1].legend(**OUTSIDE)
    means = zip(names, tile_auroc.mean(axis=1), pixel_auroc.mean(axis=1), strict=True)
    listed = ", ".join(f"{name} {tile:.3f} and {pixel:.3f}" for name, tile, pixel in means)
    return figure, f"Mean AUROC over fabrics, tile-level and pixel-level: {listed}."
