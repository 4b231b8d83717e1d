"""Figures of notebook 01: strips, tiles and the leakage experiment; each comes with a caption, as in `plots`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from aitex_utils.lessons.wording import check_values, count
from aitex_utils.plots import (
    DEFECTIVE,
    LINE,
    LINE_STYLES,
    MAP_COLOURS,
    MARKERS,
    NORMAL,
    draw_intervals,
    make_axes,
)

from .leakage import LeakageResult, mean_interval, within_and_between

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_images(images: Mapping[str, np.ndarray], *, colours: str = "gray") -> tuple[Figure, str]:
    """Draw images one below the other, all on one scale.

    Parameters
    ----------
    images : mapping of str to ndarray, each of shape (H, W)
        Images by title.
    colours : str
        Colour map.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_images({"strip": np.zeros((4, 8))})[1]
    'Images on one scale: strip (4 x 8 px).'
    """
    check_values(images, nan=True)
    figure, axes = make_axes(len(images), 1, (11, 1.35 * len(images) + 0.2), squeeze=False)
    low = min(float(np.nanmin(image)) for image in images.values())
    high = max(float(np.nanmax(image)) for image in images.values())
    for axis, (title, image) in zip(axes[:, 0], images.items(), strict=True):
        axis.imshow(image, cmap=colours, vmin=low, vmax=high, aspect="auto", origin="upper")
        axis.set(title=title, yticks=[])
    axes[-1, 0].set_xlabel("column (px)")
    sizes = ", ".join(f"{title} ({image.shape[0]} x {image.shape[1]:,} px)" for title, image in images.items())
    return figure, f"Images on one scale: {sizes}."


def plot_region(
    strip: np.ndarray, dissimilarity: np.ndarray, window: int, region: tuple[int, int], *, title: str = "Strip"
) -> tuple[Figure, str]:
    """Draw a strip above the dissimilarity of its windows to fabric, with the fabric's limits as lines.

    Parameters
    ----------
    strip : ndarray, shape (H, W)
        Grey values, uint8.
    dissimilarity : ndarray, shape (N,)
        Distance of each window to typical fabric, in multiples of the typical distance.
    window : int
        Width of a window in px.
    region : tuple of int
        First column of the fabric and the column after the last.
    title : str
        Title of the figure.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_region(np.zeros((4, 8), np.uint8), np.array([9.0, 1.0]), 4, (4, 8))[1]
    'Strip: fabric from column 4 to 8; median dissimilarity to fabric 1.0 inside, 9.0 left of it.'
    """
    check_values({"strip": strip})
    check_values({"dissimilarity": dissimilarity}, positive=True)
    figure, (above, below) = make_axes(2, 1, (11, 3), sharex=True)
    above.imshow(strip, cmap="gray", vmin=0, vmax=255, aspect="auto", origin="upper")
    columns = np.arange(len(dissimilarity)) * window
    below.semilogy(columns + window / 2, dissimilarity, color=NORMAL)
    for axis in (above, below):
        for column in region:
            axis.axvline(column, color=DEFECTIVE, linestyle="--")
    above.set(title=title, ylabel="row (px)", xlim=(0, strip.shape[1] + 8))
    below.set(xlabel="column (px)", ylabel="dissimilarity\nto fabric")
    left, right = columns < region[0], columns >= region[1]
    parts = {"inside": ~left & ~right, "left of it": left, "right of it": right}
    medians = [f"{np.median(dissimilarity[part]):.1f} {name}" for name, part in parts.items() if part.any()]
    caption = f"{title}: fabric from column {region[0]:,} to {region[1]:,}; median dissimilarity to fabric "
    return figure, f"{caption}{', '.join(medians)}."


def plot_starts(starts: np.ndarray, is_normal: np.ndarray, fabrics: Sequence[str]) -> tuple[Figure, str]:
    """Draw the column at which the fabric of each strip begins, for normal and defective strips of each fabric.

    Parameters
    ----------
    starts : ndarray, shape (N,)
        First column of the fabric of each strip.
    is_normal : ndarray, shape (N,)
        Bool.
    fabrics : sequence of str
        Fabric of each strip.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_starts(np.array([8, 40]), np.array([True, False]), ["00", "00"])[1]
    'Columns at which the fabric begins, medians of normal and of defective strips: fabric 00 8 and 40.'
    """
    check_values({"starts": starts})
    fabrics, names, medians = np.asarray(fabrics), sorted(set(fabrics)), []
    figure, axis = make_axes(1, 1, (9, 0.7 * len(names) + 1.2))
    for row, name in enumerate(names):
        normal, defective = starts[(fabrics == name) & is_normal], starts[(fabrics == name) & ~is_normal]
        axis.plot(normal, np.full(len(normal), row + 0.15), "o", color=NORMAL, alpha=0.7)
        axis.plot(defective, np.full(len(defective), row - 0.15), "x", color=DEFECTIVE, alpha=0.7)
        texts = [f"{np.median(values):,.0f}" if len(values) else "none" for values in (normal, defective)]
        medians.append(f"fabric {name} {texts[0]} and {texts[1]}")
    axis.set(yticks=range(len(names)), yticklabels=names, xlabel="column where fabric begins (px)", ylabel="fabric")
    axis.set_ylim(-0.6, len(names) - 0.1)
    labels = ["normal strips", "defective strips"]
    axis.legend(axis.lines[:2], labels, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
    caption = "Columns at which the fabric begins, medians of normal and of defective strips: "
    return figure, f"{caption}{'; '.join(medians)}."


def plot_grid(image: np.ndarray, corners: np.ndarray, size: int, *, title: str = "Tiles") -> tuple[Figure, str]:
    """Draw an image and its tiles, in two alternating colours that both remain visible in an overlap.

    Parameters
    ----------
    image : ndarray, shape (H, W)
        Grey values, uint8.
    corners : ndarray, shape (N, 2)
        Row and column of each tile's upper left pixel.
    size : int
        Side of the tiles in px.
    title : str
        Title of the figure.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_grid(np.zeros((4, 10), np.uint8), np.array([[0, 0], [0, 4], [0, 6]]), 4)[1]
    'Tiles: 3 tiles; neighbours share 0 px, the last two 2 px.'
    """
    from matplotlib.patches import Rectangle

    check_values({"image": image, "corners": corners})
    figure, axis = make_axes(1, 1, (11, 1.6))
    axis.imshow(image, cmap="gray", vmin=0, vmax=255, aspect="auto", origin="upper")
    for i, (row, column) in enumerate(corners):
        colour, line = (NORMAL, DEFECTIVE)[i % 2], LINE_STYLES[i % 2]
        axis.add_patch(Rectangle((column, row), size, size, facecolor=colour, alpha=0.3))
        axis.add_patch(Rectangle((column, row), size, size, fill=False, color=colour, linestyle=line, lw=2))
        axis.text(column + size / 2, row + size / 2, str(i), color="white", ha="center", va="center", weight="bold")
    axis.set(title=title, xlabel="column (px)", ylabel="row (px)")
    shared = [int(size - step) for step in np.diff(corners[:, 1])]
    caption = f"{title}: {count(len(corners), 'tile')}"
    if shared:
        caption += f"; neighbours share {shared[0]} px"
    if len(set(shared)) > 1:
        caption += f", the last two {shared[-1]} px"
    return figure, caption + "."


def plot_rules(shares: Sequence[float], counts: Sequence[int], total: int) -> tuple[Figure, str]:
    """Draw the number of defective tiles for several smallest shares of a tile's area.

    Parameters
    ----------
    shares : sequence of float
        Smallest shares that make a tile defective; 0 = any pixel.
    counts : sequence of int
        Number of defective tiles for each.
    total : int
        Number of all tiles.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_rules((0, 0.01), (9, 4), 1000)[1]
    'Defective tiles of 1,000, by the smallest share of their area: any pixel 9, 1.0% 4.'
    """
    check_values({"shares": shares, "counts": counts})
    figure, axis = make_axes(1, 1, (6.5, 3))
    bars = axis.bar(range(len(shares)), counts, color=DEFECTIVE, hatch="//", edgecolor="white")
    names = ["any pixel" if share == 0 else f"{share:.1%}" for share in shares]
    axis.set(xticks=range(len(shares)), xticklabels=names, xlabel="smallest share of the tile's area")
    axis.set_ylabel("defective tiles")
    axis.bar_label(bars)
    axis.margins(y=0.12)
    listed = ", ".join(f"{name} {count}" for name, count in zip(names, counts, strict=True))
    return figure, f"Defective tiles of {total:,}, by the smallest share of their area: {listed}."


def plot_tile_distances(distances: np.ndarray, groups: np.ndarray) -> tuple[Figure, str]:
    """Draw the distances between tiles, with lines between strips.

    Parameters
    ----------
    distances : ndarray, shape (N, N)
        Output of `leakage.tile_distances`.
    groups : ndarray, shape (N,)
        Strip of each tile, the tiles of a strip side by side.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> distances = np.array([[np.nan, 1, 4], [3, np.nan, 6], [4, 6, np.nan]])
    >>> plot_tile_distances(distances, np.array(["a", "a", "b"]))[1]
    'Mean distances between 3 tiles of 2 strips: 2.00 within a strip, 5.00 between strips.'
    """
    check_values({"distances": np.nan_to_num(distances)})
    figure, axis = make_axes(1, 1, (5.6, 4.6))
    drawn = axis.imshow(distances, cmap=MAP_COLOURS, interpolation="nearest", origin="upper")
    edges = np.flatnonzero(groups[1:] != groups[:-1]) + 0.5
    for edge in edges:
        axis.axhline(edge, color="white", lw=0.8)
        axis.axvline(edge, color="white", lw=0.8)
    axis.set(xlabel="tile to which the distance is measured", ylabel="tile")
    figure.colorbar(drawn, ax=axis, label="mean distance of patches")
    means = zip(("within a strip", "between strips"), within_and_between(distances, groups), strict=True)
    listed = ", ".join(f"{mean:.2f} {name}" for name, mean in means if np.isfinite(mean))
    tiles, strips = count(len(groups), "tile"), count(len(np.unique(groups)), "strip")
    return figure, f"Mean distances between {tiles} of {strips}: {listed or 'none, there is no pair'}."


def plot_leakage(result: LeakageResult) -> tuple[Figure, str]:
    """Draw the scores of both detectors: clean tiles of known strips, clean tiles of new strips, defective tiles.

    Parameters
    ----------
    result : LeakageResult
        With the set of tiles "defective".

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> result = LeakageResult(np.array([[1.0, 3.0]]), np.array([[4.0]]), {"defective": np.array([[9.0]])})
    >>> plot_leakage(result)[1]
    'Tile scores, medians: clean, known strips 2.0; clean, new strips 4.0; defective 9.0.'
    """
    names = ("clean, known strips", "clean, new strips", "defective")
    samples = [scores.ravel() for scores in (result.same, result.new, result.tile_sets["defective"])]
    check_values(dict(zip(names, samples, strict=True)))
    figure, axis = make_axes(1, 1, (8, 2.6))
    rng = np.random.default_rng(0)
    for row, (scores, colour, marker) in enumerate(zip(samples, (NORMAL, NORMAL, DEFECTIVE), "oox", strict=True)):
        jitter = row + rng.uniform(-0.2, 0.2, len(scores))
        axis.plot(scores, jitter, marker, color=colour, alpha=0.6)
        axis.plot([np.median(scores)] * 2, [row - 0.35, row + 0.35], color=LINE, lw=2)
    axis.set(yticks=range(3), yticklabels=names, xlabel="tile score (distance)")
    axis.invert_yaxis()
    medians = "; ".join(f"{name} {np.median(scores):.1f}" for name, scores in zip(names, samples, strict=True))
    return figure, f"Tile scores, medians: {medians}."


def plot_gaps(gaps: Mapping[str, Sequence[float]]) -> tuple[Figure, str]:
    """Draw the gap in AUROC of repeated splits, with its mean and the 95 % interval of the mean.

    Parameters
    ----------
    gaps : mapping of str to sequence of float
        Gaps of repeated splits by name, see `leakage.LeakageResult.gap`.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_gaps({"as it is": [0.0, 0.1, 0.2]})[1]
    'Gap in AUROC, split by tile - split by strip, mean and 95 % interval: as it is +0.1000 (-0.1484 to +0.3484).'
    """
    check_values(gaps)
    means, lows, highs = np.transpose([mean_interval(np.asarray(values)) for values in gaps.values()])
    figure, axis = make_axes(1, 1, (8, 0.6 * len(gaps) + 1.1))
    draw_intervals(axis, list(gaps), np.stack([lows, means, highs], axis=1))
    for row, values in enumerate(gaps.values()):
        axis.plot(values, np.full(len(values), row + 0.25), MARKERS[1], color=NORMAL, alpha=0.5)
    axis.set_xlabel("gap in AUROC (split by tile - split by strip)")
    rows = zip(gaps, means, lows, highs, strict=True)
    listed = "; ".join(f"{name} {mean:+.4f} ({low:+.4f} to {high:+.4f})" for name, mean, low, high in rows)
    return figure, f"Gap in AUROC, split by tile - split by strip, mean and 95 % interval: {listed}."
