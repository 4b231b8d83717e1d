"""Figures of notebook 08: failures, crops of a strip before and after a fix, costs and masks, each with a caption."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from aitex_utils.errors import InputError
from aitex_utils.lessons.wording import check_values, count
from aitex_utils.plots import COLOURS, LINE, LINE_STYLES, MAP_COLOURS, MARKERS, OUTSIDE, draw_outline, make_axes

from .reference import clean_mask
from .verdicts import count_components, overlap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SCALE = (0.0, 2.0)  # of all maps in units of the threshold
PX_PER_INCH = 82  # as in `plots.figure_html`, so one pixel of a crop is one pixel on the screen
TICKS = 0.7  # inches beside a crop for the numbers on its axes


def plot_gallery(
    tiles: np.ndarray, maps: np.ndarray, masks: np.ndarray, titles: Sequence[str], *, threshold: float = 1.0
) -> tuple[Figure, str]:
    """Draw tiles above their anomaly maps, with outlines of the masks and of what reaches the threshold.

    Parameters
    ----------
    tiles : ndarray, shape (N, H, W)
        Grey tiles.
    maps : ndarray, shape (N, H, W)
        Anomaly maps in units of the threshold, all drawn on the scale of this notebook.
    masks : ndarray, shape (N, H, W)
        Ground-truth masks, bool.
    titles : sequence of str
        One per tile.
    threshold : float
        Threshold of the detector.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If the counts differ, or there are no tiles.

    Examples
    --------
    >>> tiles = np.zeros((2, 8, 8))
    >>> plot_gallery(tiles, tiles, tiles.astype(bool), ["1.", "2."])[1]
    '2 tiles of 8 x 8 px above their maps, all on one scale. No map reaches 1.'
    """
    if not len(tiles) == len(maps) == len(masks) == len(titles) or not len(tiles):
        raise InputError(
            f"There are {len(tiles)} tiles, {len(maps)} maps, {len(masks)} masks and {len(titles)} titles: "
            "give one of each per tile, and at least one tile."
        )
    check_values({"tiles": tiles, "maps": maps}, nan=True)
    figure, axes = make_axes(2, len(tiles), (1.9 * len(tiles) + 0.6, 4.1), squeeze=False)
    for column, (tile, anomaly_map, mask) in enumerate(zip(tiles, maps, masks, strict=True)):
        above, below = axes[:, column]
        above.imshow(tile, cmap="gray", **_grey_range(tile), origin="upper")
        drawn = below.imshow(anomaly_map, cmap=MAP_COLOURS, vmin=SCALE[0], vmax=SCALE[1], origin="upper")
        for axis in (above, below):
            axis.set_axis_off()
            draw_outline(axis, mask, linewidth=1.1)
        if np.nanmax(anomaly_map) >= threshold > np.nanmin(anomaly_map):
            below.contour(anomaly_map, levels=[threshold], colors="white", linewidths=0.9)
        above.set_title(titles[column], fontsize=9)
    figure.colorbar(drawn, ax=axes, label="anomaly score (threshold = 1)", fraction=0.03, pad=0.01)
    reached = int((np.nanmax(maps, axis=(1, 2)) >= threshold).sum())
    marked = sum(bool(mask.any()) for mask in masks)
    own = "its map" if len(tiles) == 1 else "their maps"
    size = f"{tiles.shape[1]} x {tiles.shape[2]} px"
    caption = f"{count(len(tiles), 'tile')} of {size} above {own}, all on one scale. "
    caption += f"{count(reached, 'map')} {'reaches' if reached == 1 else 'reach'}" if reached else "No map reaches"
    caption += f" {threshold:.3g}" + (", outlined in white." if reached else ".")
    with_defect = (
        f" {count(marked, 'tile')} {'has' if marked == 1 else 'have'} a marked defect, outlined in both images."
    )
    return figure, caption + (with_defect if marked else "")


def plot_before_after(
    image: np.ndarray,
    before: np.ndarray,
    after: np.ndarray,
    places: Mapping[str, tuple[int, int]],
    *,
    mask: np.ndarray | None = None,
    names: tuple[str, str] = ("before", "after"),
    side: int = 144,
) -> tuple[Figure, str]:
    """Draw crops of a strip at full size above two maps of them, both maps on one scale.

    Parameters
    ----------
    image : ndarray, shape (H, W)
        Grey values, uint8.
    before, after : ndarray, shape (H, W)
        Maps in units of the threshold.
    places : mapping of str to (int, int)
        Row and column of the middle of each crop, by its title.
    mask : ndarray, shape (H, W), optional
        Ground-truth mask, outlined outside the defect.
    names : (str, str)
        Names of the two maps.
    side : int
        Side of a crop in px.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If the shapes differ, or there is no place.

    Examples
    --------
    >>> grey = np.zeros((200, 300), np.uint8)
    >>> plot_before_after(grey, grey + 0.5, grey + 1.5, {"knot": (100, 150)})[1]
    'Crops of 144 x 144 px above their maps, all maps on one scale. White lines surround pixels at or \
above the threshold, 1. Highest values, first before, then after: knot 0.50 and 1.50.'
    """
    if not places or not image.shape == before.shape == after.shape:
        shapes = f"image {image.shape}, before {before.shape}, after {after.shape}"
        raise InputError(
            f"There are {len(places)} places, and the shapes are {shapes}: give a place, and equal shapes."
        )
    check_values({"before": before, "after": after}, nan=True)
    width = side / PX_PER_INCH
    figure, axes = make_axes(
        3, len(places), ((width + TICKS) * len(places) + 1.3, 3 * (width + 0.4) + 0.3), squeeze=False
    )
    highest = []
    for column, (title, (row, middle)) in enumerate(places.items()):
        window = _window(image.shape, row, middle, side)
        for axis, values in zip(axes[:, column], (image, before, after), strict=True):
            drawn = _draw_crop(axis, values, window)
            if mask is not None:
                _outline_in(axis, mask, window)
        axes[0, column].set_title(title, fontsize=10)
        axes[-1, column].set_xlabel("column (px)")
        highest.append(f"{title} {np.nanmax(before[window]):.2f} and {np.nanmax(after[window]):.2f}")
    for axis, name in zip(axes[:, 0], ("strip", *names), strict=True):
        axis.set_ylabel(f"{name}\nrow (px)")
    figure.colorbar(drawn, ax=axes, label="anomaly score (threshold = 1)", fraction=0.04, pad=0.01)
    caption = f"Crops of {side} x {side} px above their maps, all maps on one scale. White lines "
    caption += f"surround pixels at or above the threshold, 1. Highest values, first {names[0]}, then {names[1]}: "
    return figure, f"{' '.join(caption.split())} {', '.join(highest)}."


def _window(shape: tuple[int, ...], row: int, column: int, side: int) -> tuple[slice, slice]:
    """Return the crop of a side around a place, moved into the image."""
    starts = [
        int(np.clip(place - side // 2, 0, max(0, n - side))) for place, n in zip((row, column), shape, strict=True)
    ]
    return np.s_[starts[0] : starts[0] + side, starts[1] : starts[1] + side]


def _draw_crop(axis: Axes, values: np.ndarray, window: tuple[slice, slice]):
    """Draw a crop of an image (uint8) or of a map, with the strip's own rows and columns on the axes."""
    rows, columns = window
    crop = values[window]
    extent = (
        columns.start - 0.5,
        columns.start + crop.shape[1] - 0.5,
        rows.start + crop.shape[0] - 0.5,
        rows.start - 0.5,
    )
    look = {"extent": extent, "origin": "upper", "interpolation": "none"}
    if values.dtype == np.uint8:
        return axis.imshow(crop, cmap="gray", **_grey_range(crop), **look)
    drawn = axis.imshow(crop, cmap=MAP_COLOURS, vmin=SCALE[0], vmax=SCALE[1], **look)
    if np.nanmax(crop) >= 1 > np.nanmin(crop):
        across, down = (np.arange(n) + part.start for n, part in zip(crop.shape[::-1], (columns, rows), strict=True))
        axis.contour(across, down, crop, levels=[1], colors="white", linewidths=0.9)
    axis.locator_params(nbins=4)
    axis.set(xlim=extent[:2], ylim=extent[2:])
    return drawn


def _grey_range(image: np.ndarray) -> dict[str, float]:
    """Return the grey values that become black and white, so that faint defects are visible."""
    low, high = np.quantile(image, [0.005, 0.995])
    return {"vmin": low, "vmax": max(high, low + 1)}


def _outline_in(axis: Axes, mask: np.ndarray, window: tuple[slice, slice]) -> None:
    """Draw the outline of a mask in a crop whose axes show the strip's rows and columns."""
    first = len(axis.lines)
    draw_outline(axis, mask[window], linewidth=1.0)
    for line in axis.lines[first:]:
        x, y = line.get_data()
        line.set_data(np.add(x, window[1].start), np.add(y, window[0].start))


def plot_profiles(
    profiles: Mapping[str, np.ndarray], *, xlabel: str, ylabel: str, title: str, reference: float | None = None
) -> tuple[Figure, str]:
    """Draw lines over positions, with their highest values in the caption.

    Parameters
    ----------
    profiles : mapping of str to ndarray of shape (n,)
        One value per column, by name.
    xlabel, ylabel : str
        Labels of the axes.
    title : str
        First words of the caption.
    reference : float, optional
        Value at which a dotted line is drawn.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> line = np.array([4.0, 1.0, 1.0, 1.0, 2.0])
    >>> plot_profiles({"zeros": line}, xlabel="column (px)", ylabel="score", title="Mean score")[1]
    'Mean score. Highest value, as a multiple of the median of the line: zeros 4.00.'
    """
    check_values(profiles)
    figure, axis = make_axes(1, 1, (7.2, 3.1))
    for i, (name, values) in enumerate(profiles.items()):
        look = {"color": COLOURS[i % len(COLOURS)], "linestyle": LINE_STYLES[i % len(LINE_STYLES)], "label": name}
        axis.plot(np.arange(len(values)), values, **look)
    if reference is not None:
        axis.axhline(reference, color="0.5", linestyle=":")
    axis.set(xlabel=xlabel, ylabel=ylabel)
    axis.legend(**OUTSIDE)
    ratios = ", ".join(f"{name} {np.max(v) / np.median(v):.2f}" for name, v in profiles.items())
    return figure, f"{title}. Highest value, as a multiple of the median of the line: {ratios}."


def plot_chain(names: Sequence[str], values: Sequence[float], *, title: str) -> tuple[Figure, str]:
    """Draw a measure after each step of a chain of fixes.

    Parameters
    ----------
    names : sequence of str
        Names of the steps.
    values : sequence of float
        Value after each step.
    title : str
        Title of the figure.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_chain(["plain", "+ 448 px"], [0.8, 0.9], title="Tile AUROC")[1]
    'Tile AUROC after each step: plain 0.800, + 448 px 0.900.'
    """
    check_values({"values": values})
    figure, axis = make_axes(1, 1, (6.6, 0.4 * len(names) + 1.0))
    rows = np.arange(len(names))
    axis.plot(values, rows, "-", color="0.7", zorder=0)
    axis.plot(values, rows, "o", color=COLOURS[0], markersize=8)
    for row, value in enumerate(values):
        axis.annotate(f"{value:.3f}", (value, row), (8, 0), textcoords="offset points", va="center", fontsize=9)
    axis.set(yticks=rows, yticklabels=list(names), ylim=(len(names) - 0.5, -0.5), xlabel=title)
    axis.margins(x=0.15)
    listed = ", ".join(f"{name} {value:.3f}" for name, value in zip(names, values, strict=True))
    return figure, f"{title} after each step: {listed}."


def plot_costs(costs: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> tuple[Figure, str]:
    """Draw the cost of each threshold as a share of the cost of no alarm at all, with a marker at the lowest cost.

    Parameters
    ----------
    costs : mapping of str to (ndarray, ndarray), each of shape (T,)
        By name of a price, the thresholds and their costs.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_costs({"a miss costs 5": (np.array([0.5, 1.0]), np.array([3.0, 1.5]))})[1]
    'Cost against the threshold, in units of the cost of no alarm at all. Lowest: a miss costs 5, 1.50 at 1.00.'
    """
    figure, axis = make_axes(1, 1, (7.2, 3.2))
    lowest = []
    for i, (name, (thresholds, values)) in enumerate(costs.items()):
        check_values({"thresholds": thresholds, name: values})
        best = int(np.argmin(values))
        look = {"color": COLOURS[i % len(COLOURS)], "linestyle": LINE_STYLES[i % len(LINE_STYLES)], "label": name}
        axis.plot(thresholds, values, drawstyle="steps-pre", **look)
        axis.plot(thresholds[best], values[best], MARKERS[i % len(MARKERS)], color=look["color"], markersize=8)
        lowest.append(f"{name}, {values[best]:.2f} at {thresholds[best]:.2f}")
    axis.axhline(1, color=LINE, linestyle=":", linewidth=0.8)
    axis.set(xlabel="threshold (calibrated threshold = 1)", ylabel="cost (no alarm = 1)", yscale="log")
    axis.legend(**OUTSIDE)
    caption = "Cost against the threshold, in units of the cost of no alarm at all."
    return figure, f"{caption} Lowest: {'; '.join(lowest)}."


def plot_masks(
    image: np.ndarray, anomaly_map: np.ndarray, truth: np.ndarray, masks: Mapping[str, np.ndarray]
) -> tuple[Figure, str]:
    """Draw a crop with its map, and masks made from the map, each with the outline of the ground truth.

    Parameters
    ----------
    image : ndarray, shape (H, W)
        Grey values, uint8.
    anomaly_map : ndarray, shape (H, W)
        Map in units of the threshold.
    truth : ndarray, shape (H, W)
        Ground-truth mask, bool.
    masks : mapping of str to ndarray of shape (H, W)
        Masks by name, bool.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> truth = np.eye(8, dtype=bool)
    >>> plot_masks(np.zeros((8, 8), np.uint8), truth * 2.0, truth, {"raw": truth})[1]
    'A crop, its map, and masks with the outline of the ground truth: raw, 1 component, IoU 100 %.'
    """
    check_values({"map": anomaly_map}, nan=True)
    figure, axes = make_axes(1, len(masks) + 2, (2.3 * (len(masks) + 2) + 0.7, 2.7))
    axes[0].imshow(image, cmap="gray", **_grey_range(image), origin="upper")
    drawn = axes[1].imshow(anomaly_map, cmap=MAP_COLOURS, vmin=SCALE[0], vmax=SCALE[1], origin="upper")
    listed = []
    for axis, (name, mask) in zip(axes[2:], masks.items(), strict=True):
        axis.imshow(mask, cmap=MAP_COLOURS, vmin=0, vmax=1, origin="upper", interpolation="none")
        number = count(count_components(mask), "component")
        axis.set_title(f"{name}\n{number}", fontsize=9)
        listed.append(f"{name}, {number}, IoU {100 * overlap(mask, truth):.0f} %")
    for axis, title in zip(axes[:2], ("fabric", "map"), strict=True):
        axis.set_title(title, fontsize=9)
    for axis in axes:
        draw_outline(axis, truth, linewidth=1.0)
        axis.set(xlabel="column (px)")
        axis.locator_params(nbins=3)
    axes[0].set_ylabel("row (px)")
    figure.colorbar(drawn, ax=axes, label="score (threshold = 1)", fraction=0.02, pad=0.01)
    return figure, f"A crop, its map, and masks with the outline of the ground truth: {'; '.join(listed)}."


def plot_cleaning(
    image: np.ndarray,
    anomaly_map: np.ndarray,
    truth: np.ndarray,
    *,
    threshold: float,
    closing: int,
    min_area: int,
    clean: Callable[[np.ndarray, int, int], np.ndarray] = clean_mask,
) -> tuple[Figure, str]:
    """Draw a crop with its map, the mask at a threshold, and the mask after post-processing.

    Parameters
    ----------
    image, anomaly_map, truth : ndarray, shape (H, W)
        As in `plot_masks`.
    threshold : float
        Score from which a pixel belongs to the mask.
    closing, min_area : int
        Arguments of `clean`; an even side of the kernel becomes the next odd number.
    clean : callable
        Function of exercise 08.4.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> truth = np.arange(64).reshape(8, 8) > 55
    >>> options = {"threshold": 1.0, "closing": 1, "min_area": 2}
    >>> plot_cleaning(np.zeros((8, 8), np.uint8), truth * 2.0, truth, **options)[1][-61:]
    'raw, 1 component, IoU 100 %; cleaned, 1 component, IoU 100 %.'
    """
    raw = anomaly_map >= threshold
    return plot_masks(image, anomaly_map, truth, {"raw": raw, "cleaned": clean(raw, closing | 1, min_area)})


def plot_shadow(maps: Mapping[str, np.ndarray], row: int) -> tuple[Figure, str]:
    """Draw one row of several maps as lines.

    Parameters
    ----------
    maps : mapping of str to ndarray of shape (H, W)
        Maps by name.
    row : int
        Row to draw.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_shadow({"mean": np.array([[-1.0, 2.0, -1.0]])}, 0)[1]
    'Row 0 of the maps. Highest and lowest: mean 2.00 and -1.00.'
    """
    check_values(maps)
    figure, axis = make_axes(1, 1, (7.2, 3.0))
    for i, (name, one) in enumerate(maps.items()):
        look = {"color": COLOURS[i % len(COLOURS)], "linestyle": LINE_STYLES[i % len(LINE_STYLES)], "label": name}
        axis.plot(np.arange(one.shape[1]), one[row], linewidth=1.2, **look)
    axis.axhline(0, color="0.5", linestyle=":")
    axis.set(xlabel="column (px)", ylabel="score")
    axis.legend(**OUTSIDE)
    ends = ", ".join(f"{name} {one[row].max():.2f} and {one[row].min():.2f}" for name, one in maps.items())
    return figure, f"Row {row} of the maps. Highest and lowest: {ends}."
