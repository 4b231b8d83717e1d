"""Figures of notebook 06: smoothing, a bank on a line, pairs and prevalence, each with a caption."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from aitex_utils.lessons.wording import check_values, count, percent
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
from aitex_utils.scoring import anomaly_maps

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_smoothing(grid: np.ndarray, tile: np.ndarray, mask: np.ndarray, sigma: float) -> tuple[Figure, str]:
    """Draw a tile, the distances of its patches, and its smoothed anomaly map, both on the scale of the distances.

    Parameters
    ----------
    grid : ndarray, shape (H', W')
        Distances of the patches.
    tile : ndarray, shape (H, W)
        Grey values, uint8.
    mask : ndarray, shape (H, W)
        Ground-truth mask, bool.
    sigma : float
        Standard deviation of the Gaussian in px.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_smoothing(np.eye(2), np.zeros((8, 8)), np.zeros((8, 8), bool), 0)[1]
    'With sigma = 0 px, the highest value of the smoothed map is 1.0, and the largest distance is 1.0.'
    """
    check_values({"grid": grid, "tile": tile})
    smoothed = anomaly_maps(grid[None], tile.shape, sigma)[0]
    figure, axes = make_axes(1, 3, (8.4, 2.9))
    axes[0].imshow(tile, cmap="gray", vmin=0, vmax=255)
    draw_outline(axes[0], mask, linewidth=1.2)
    for axis, image in zip(axes[1:], (grid, smoothed), strict=True):
        drawn = axis.imshow(image, cmap=MAP_COLOURS, vmin=0, vmax=float(grid.max()))
    figure.colorbar(drawn, ax=axes, label="distance (typical score = 1)", fraction=0.03, pad=0.01)
    h, w = grid.shape
    for axis, title in zip(axes, ("tile and mask", f"{h} x {w} distances", f"map, sigma = {sigma:g} px"), strict=True):
        axis.set_axis_off()
        axis.set_title(title, fontsize=10)
    highest = (
        f"the highest value of the smoothed map is {smoothed.max():.1f}, and the largest distance is {grid.max():.1f}"
    )
    return figure, f"With sigma = {sigma:g} px, {highest}."


def plot_crop(
    image: np.ndarray, anomaly_map: np.ndarray, mask: np.ndarray, *, width: int = 512, title: str = "Crop"
) -> tuple[Figure, str]:
    """Draw the part of a strip around the highest point of its map, at full size, above the same part of the map.

    Parameters
    ----------
    image : ndarray, shape (H, W)
        Grey values, uint8.
    anomaly_map : ndarray, shape (H, W)
        NaN outside the fabric. The scale is the whole map's.
    mask : ndarray, shape (H, W)
        Ground-truth mask, bool.
    width : int
        Number of columns.
    title : str
        Title of the figure.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_crop(np.zeros((4, 8)), np.eye(4, 8), np.zeros((4, 8), bool), width=4)[1]
    'Crop: columns 0 to 3 at full size, around the highest point of the map.'
    """
    check_values({"image": image, "map": anomaly_map}, nan=True)
    column = int(np.unravel_index(np.nanargmax(anomaly_map), anomaly_map.shape)[1])
    left = max(0, min(column - width // 2, image.shape[1] - width))
    part = np.s_[:, left : left + width]
    height, columns = image[part].shape
    figure, (above, below) = make_axes(2, 1, (columns / 70 + 1.5, 2 * height / 70 + 1.0), sharex=True, sharey=True)
    where = {"origin": "upper", "extent": (left - 0.5, left + columns - 0.5, height - 0.5, -0.5)}
    above.imshow(image[part], cmap="gray", vmin=0, vmax=255, **where)
    low, high = float(np.nanmin(anomaly_map)), float(np.nanmax(anomaly_map))
    drawn = below.imshow(anomaly_map[part], cmap=MAP_COLOURS, vmin=low, vmax=high, **where)
    if mask[part].any():
        shifted = np.zeros_like(mask[:, : left + columns])
        shifted[:, left:] = mask[part]
        draw_outline(above, shifted, linewidth=1.2)
    above.set(title=title, ylabel="row (px)")
    below.set(xlabel="column (px)", ylabel="row (px)")
    figure.colorbar(drawn, ax=(above, below), label="anomaly score", fraction=0.04, pad=0.01)
    where_text = f"columns {left:,} to {left + columns - 1:,} at full size, around the highest point of the map"
    return figure, f"{title}: {where_text}."


def plot_bank_on_line(bank: np.ndarray, patches: Mapping[str, float], *, note: str) -> tuple[Figure, str]:
    """Draw a memory bank of one channel as points on a line, with an arrow from each patch to its nearest vector.

    Parameters
    ----------
    bank : ndarray, shape (M,)
        Vectors of the memory bank.
    patches : dict of str to float
        Patches by name.
    note : str
        Last sentence of the caption.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_bank_on_line(np.array([0.0, 2.0]), {"p": 1.4}, note="The distance is 0.6.")[1]
    '2 vectors on a line; patches p at 1.4; an arrow leads from each patch to its nearest vector. The distance is 0.6.'
    """
    check_values({"bank": bank, "patches": list(patches.values())})
    figure, axis = make_axes(1, 1, (7.5, 1.9))
    axis.axhline(0, color="0.8", zorder=0)
    axis.plot(bank, np.zeros(len(bank)), "o", color=NORMAL, markersize=9, label="memory bank")
    for i, (name, patch) in enumerate(patches.items()):
        nearest = bank[np.abs(bank - patch).argmin()]
        axis.plot(patch, 0, "X", color=DEFECTIVE, markersize=10, label="patches" if i == 0 else None)
        axis.annotate(name, (patch, 0), (0, 12), textcoords="offset points", ha="center")
        axis.annotate("", (nearest, -0.35), (patch, -0.35), arrowprops={"arrowstyle": "->", "color": LINE})
    axis.set(ylim=(-0.8, 1), yticks=[], xlabel="the only channel")
    axis.legend(loc="upper left", bbox_to_anchor=(1.01, 1))
    places = ", ".join(f"{name} at {patch:g}" for name, patch in patches.items())
    vectors, arrows = count(len(bank), "vector"), "an arrow leads from each patch to its nearest vector"
    return figure, f"{vectors} on a line; patches {places}; {arrows}. {note}"


def plot_pairs(normal: np.ndarray, defective: np.ndarray) -> tuple[Figure, str]:
    """Draw every pair of a defective and a normal tile as a cell, and the ROC curve as the border of the cells.

    Both axes are sorted by falling score, so a threshold that falls moves to the right and up.

    Parameters
    ----------
    normal, defective : ndarray, shape (n,)
        Scores of the normal and of the defective tiles.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_pairs(np.array([1.0, 3.0]), np.array([3.0]))[1]
    '1 x 2 = 2 pairs of a defective and a normal tile: 50.0 % are in the right order (yellow), and 50.0 % are ties. \
The line between right and wrong pairs is the ROC curve.'
    """
    from matplotlib import colormaps

    check_values({"normal": normal, "defective": defective})
    normal, defective = np.sort(normal)[::-1], np.sort(defective)[::-1]
    order = np.sign(defective[:, None] - normal)  # 1 right, 0 tie, -1 wrong
    figure, axis = make_axes(1, 1, (7, 3.4))
    colours = colormaps[MAP_COLOURS].resampled(3)
    scale = {"cmap": colours, "vmin": -1.5, "vmax": 1.5, "interpolation": "none", "extent": (0, 1, 0, 1)}
    drawn = axis.imshow(order, origin="lower", aspect="auto", **scale)
    thresholds = np.unique(np.concatenate([normal, defective]))[::-1]
    curve = [[0.0, *((scores >= t).mean() for t in thresholds)] for scores in (normal, defective)]
    axis.plot(*curve, color=DEFECTIVE, linewidth=2.5, label="ROC curve")
    bar = figure.colorbar(drawn, ax=axis, ticks=[-1, 0, 1], fraction=0.05)
    bar.ax.set_yticklabels(["wrong", "tie", "right"])
    axis.set(xlabel="normal tiles, by falling score = false-positive rate")
    axis.set(ylabel="defective tiles, by falling score\n= true-positive rate")
    axis.legend(loc="lower right")
    right, tied = float((order > 0).mean()), float((order == 0).mean())
    caption = f"{len(defective)} x {len(normal)} = {order.size:,} pairs of a defective and a normal tile"
    shares = f"{percent(right, 1)} are in the right order (yellow), and {percent(tied, 1)} are ties"
    return figure, f"{caption}: {shares}. The line between right and wrong pairs is the ROC curve."


def plot_prevalence(prevalence: np.ndarray, measures: Mapping[str, np.ndarray]) -> tuple[Figure, str]:
    """Draw measures of a detector against the prevalence of defects, on a logarithmic axis.

    Parameters
    ----------
    prevalence : ndarray, shape (S,)
        Shares of defective samples, falling.
    measures : dict of str to ndarray, each of shape (S,)
        Values of the measures by name.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_prevalence(np.array([0.1, 0.01]), {"AP": np.array([0.5, 0.2])})[1]
    'Measures as the prevalence falls from 10 % to 1.0 %: AP from 0.500 to 0.200.'
    """
    check_values({"prevalence": prevalence}, positive=True)
    check_values(measures)
    figure, axis = make_axes(1, 1, (6.8, 3.3))
    for i, (name, values) in enumerate(measures.items()):
        style = LINE_STYLES[i % len(LINE_STYLES)] + MARKERS[i % len(MARKERS)]
        axis.semilogx(prevalence, values, style, color=LINE if i else NORMAL, label=name)
    axis.semilogx(prevalence, prevalence, ":", color="0.5", label="AP by chance")
    axis.set(xlabel="prevalence (share of defective samples)", ylabel="measure", ylim=(0, 1.02))
    axis.invert_xaxis()
    axis.legend(**OUTSIDE)
    changes = "; ".join(f"{name} from {values[0]:.3f} to {values[-1]:.3f}" for name, values in measures.items())
    return (
        figure,
        f"Measures as the prevalence falls from {percent(prevalence[0])} to {percent(prevalence[-1], 1)}: {changes}.",
    )
