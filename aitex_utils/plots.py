"""The figures that every part of the course uses, readable without colour, each with a sentence on what it shows.

Every function returns (figure, caption). `show` displays both, the caption also as alt text. Panels that are compared
share one colour scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from . import metrics
from .errors import InputError, check_integer, check_number
from .safety.arrays import as_array, check_tiles
from .safety.scores import check_labels, check_map, check_pair, check_real, check_scores

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

MAP_COLOURS = "cividis"
NORMAL, DEFECTIVE, LINE, FOURTH = "#0072B2", "#D55E00", "#000000", "#009E73"  # distinct for colour-blind readers
COLOURS = (NORMAL, DEFECTIVE, LINE, FOURTH)
OUTLINE_DISTANCE = 2  # px between a region and its outline
LINE_STYLES, MARKERS = ("-", "--", ":", "-."), "osD^vP"
OUTSIDE = {"loc": "center left", "bbox_to_anchor": (1.01, 0.5)}  # a legend beside the axes


def show(figure: Figure, caption: str) -> None:
    """Display a figure with its caption, which is also its alt text. Outside a notebook, print the caption.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Figure to display.
    caption : str
        Caption of the figure.

    Examples
    --------
    >>> show(*plot_image(np.zeros((4, 8), np.uint8)))
    Strip: 4 rows by 8 columns, mean grey 0 of 255.
    """
    from IPython import get_ipython
    from IPython.display import display

    if get_ipython() is None:
        print(caption)
        return
    display({"text/html": figure_html(figure, caption), "text/plain": caption}, raw=True)


def figure_html(figure: Figure, caption: str, *, dpi: int = 110) -> str:
    """Return a figure as HTML, with its caption also as alt text.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Figure to encode as PNG.
    caption : str
        Caption of the figure.
    dpi : int
        Resolution of the PNG.

    Returns
    -------
    str

    Examples
    --------
    >>> figure_html(*plot_image(np.zeros((4, 8), np.uint8))).startswith("<figure")
    True
    """
    import base64
    import html
    import io

    width = round(82 * figure.get_figwidth())  # px: letters of 10 points have a page's reading size
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=dpi, bbox_inches="tight")
    text, data = html.escape(caption, quote=True), base64.b64encode(file.getvalue()).decode()
    return (
        f'<figure style="margin:0"><img src="data:image/png;base64,{data}" alt="{text}" '
        f'style="max-width:100%;width:{width}px"><figcaption>{text}</figcaption></figure>'
    )


def make_axes(rows: int, columns: int, size: tuple[float, float], **options) -> tuple[Figure, Axes | np.ndarray]:
    """Return a figure that pyplot does not manage, and its axes, so nothing is drawn twice or left in memory.

    Parameters
    ----------
    rows, columns : int
        Grid of axes.
    size : tuple of float
        Width and height in inches.
    **options
        Passed to `Figure.subplots`.

    Returns
    -------
    figure : matplotlib.figure.Figure
    axes : matplotlib.axes.Axes or ndarray of Axes

    Examples
    --------
    >>> figure, axes = make_axes(1, 2, (4, 2))
    >>> len(axes)
    2
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.subplots(rows, columns, **options)


def use_log_x(axis: Axes) -> None:
    """Make the x axis logarithmic, with plain numbers 1, 2, 5, 10, ... that do not overlap over one to three decades.

    Parameters
    ----------
    axis : matplotlib.axes.Axes
        Axes with values above 0.

    Examples
    --------
    >>> figure, axis = make_axes(1, 1, (4, 3))
    >>> use_log_x(axis)
    >>> axis.get_xscale()
    'log'
    """
    axis.set_xscale("log")
    _use_plain_numbers(axis.xaxis)


def use_log_y(axis: Axes) -> None:
    """Make the y axis logarithmic, as `use_log_x` does with the x axis.

    Parameters
    ----------
    axis : matplotlib.axes.Axes
        Axes with values above 0.

    Examples
    --------
    >>> figure, axis = make_axes(1, 1, (4, 3))
    >>> use_log_y(axis)
    >>> axis.get_yscale()
    'log'
    """
    axis.set_yscale("log")
    _use_plain_numbers(axis.yaxis)


def _use_plain_numbers(axis: Axis) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


def draw_intervals(axis: Axes, names: Sequence[str], intervals: np.ndarray, *, reference: float | None = 0.0) -> None:
    """Draw values with their intervals, one row each, from top to bottom.

    Parameters
    ----------
    axis : matplotlib.axes.Axes
        Where to draw.
    names : sequence of str
        Labels of the rows.
    intervals : ndarray, shape (len(names), 3)
        Low, middle and high of each row.
    reference : float, optional
        Value at which a dotted line is drawn.

    Raises
    ------
    InputError
        If there is not one interval for each name.

    Examples
    --------
    >>> figure, axis = make_axes(1, 1, (4, 2))
    >>> draw_intervals(axis, ["b - a"], np.array([[-0.1, 0.0, 0.2]]))
    """
    intervals = np.asarray(intervals, dtype=float)
    if intervals.shape != (len(names), 3) or not len(names):
        raise InputError(f"intervals has shape {intervals.shape}, expected ({len(names)}, 3): low, middle and high.")
    low, middle, high = intervals.T
    rows = np.arange(len(names))
    axis.hlines(rows, low, high, color=NORMAL, linewidth=3)
    axis.plot(middle, rows, "o", color=LINE)
    if reference is not None:
        axis.axvline(reference, color=LINE, linestyle=":")
    axis.set(yticks=rows, yticklabels=list(names), ylim=(len(names) - 0.5, -0.5))


def describe_map(anomaly_map: np.ndarray) -> str:
    """Say where a map is highest, and how far above its 99 % quantile.

    Parameters
    ----------
    anomaly_map : ndarray, shape (H, W)
        With at least one value that is not NaN.

    Returns
    -------
    str

    Raises
    ------
    InputError
        If the map is not 2-D or all NaN.

    Examples
    --------
    >>> describe_map(np.array([[0.0, 0.0, 2.0]]))
    'highest at column 2, row 0, and its 99 % quantile is 0'
    """
    anomaly_map = check_map(anomaly_map)
    row, column = np.unravel_index(np.nanargmax(anomaly_map), anomaly_map.shape)
    known = anomaly_map[~np.isnan(anomaly_map)]
    quantile = float(np.quantile(known, 0.99, method="lower"))
    place = f"highest at column {column:,}, row {row}"
    if quantile <= 0:
        return f"{place}, and its 99 % quantile is {'below 0' if quantile < 0 else '0'}"
    return f"{place}, at {anomaly_map[row, column] / quantile:.1f} times its 99 % quantile"


def plot_image(image: np.ndarray, mask: np.ndarray | None = None, *, title: str = "Strip") -> tuple[Figure, str]:
    """Draw a strip as it is, with the outline of its mask.

    Parameters
    ----------
    image : ndarray, shape (H, W)
        Grey values, uint8.
    mask : ndarray, shape (H, W), optional
        Ground-truth mask, bool.
    title : str
        Title of the figure.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If the shapes differ.

    Examples
    --------
    >>> plot_image(np.zeros((4, 8), np.uint8))[1]
    'Strip: 4 rows by 8 columns, mean grey 0 of 255.'
    """
    image, mask = _check_same_shape(image, mask=mask)
    figure, axis = make_axes(1, 1, (11, 1.5))
    axis.imshow(image, cmap="gray", vmin=0, vmax=255, aspect="auto", origin="upper")
    caption = f"{title}: {image.shape[0]} rows by {image.shape[1]:,} columns, mean grey {image.mean():.0f} of 255"
    if mask is not None and mask.any():
        draw_outline(axis, mask)
        rows, columns = (np.flatnonzero(mask.any(axis=a)) for a in (1, 0))
        caption += f". The marked pixels lie between columns {columns[0]:,} and {columns[-1]:,}, "
        caption += f"and between rows {rows[0]} and {rows[-1]}"
    axis.set(title=title, xlabel="column (px)", ylabel="row (px)")
    return figure, caption + "."


def draw_outline(axis: Axes, mask: np.ndarray, colour: str = DEFECTIVE, linewidth: float = 0.8) -> None:
    """Draw the outlines of a mask's regions, outside the regions, so that thin defects stay visible.

    Parameters
    ----------
    axis : matplotlib.axes.Axes
        Where to draw.
    mask : ndarray, shape (H, W)
        Bool.
    colour : str
        Colour of the lines.
    linewidth : float
        Width in points.

    Examples
    --------
    >>> figure, axis = make_axes(1, 1, (2, 2))
    >>> draw_outline(axis, np.eye(8, dtype=bool))
    >>> len(axis.lines)
    1
    """
    import cv2

    # With room for the line at the image's border.
    padded = np.pad((np.asarray(mask) != 0).astype(np.uint8), OUTLINE_DISTANCE + 1)
    size = 2 * OUTLINE_DISTANCE + 1
    grown = cv2.dilate(padded, np.ones((size, size), np.uint8))
    contours, _ = cv2.findContours(grown, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    for contour in contours:
        x, y = contour[:, 0].T - (OUTLINE_DISTANCE + 1)  # (n, 1, 2) -> two of (n,)
        line = np.append(x, x[0]), np.append(y, y[0])
        axis.plot(*line, color=colour, linewidth=linewidth, scalex=False, scaley=False)


def plot_strip(
    image: np.ndarray,
    anomaly_map: np.ndarray,
    mask: np.ndarray | None = None,
    *,
    title: str = "Strip",
    scale: tuple[float, float] | None = None,
) -> tuple[Figure, str]:
    """Draw a strip above its anomaly map, the mask's outline on the strip alone, because it would hide the map.

    Parameters
    ----------
    image : ndarray, shape (H, W)
        Grey values, uint8.
    anomaly_map : ndarray, shape (H, W)
        NaN outside the fabric.
    mask : ndarray, shape (H, W), optional
        Ground-truth mask, bool.
    title : str
        Title of the figure.
    scale : tuple of float, optional
        Lowest and highest score of the colours: give the same to all strips that are compared.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If the shapes differ.

    Examples
    --------
    >>> plot_strip(np.zeros((4, 8), np.uint8), np.eye(4, 8))[1]
    'Strip: the map is highest at column 0, row 0, at 1.0 times its 99 % quantile.'
    """
    image, anomaly_map, mask = _check_same_shape(image, anomaly_map=anomaly_map, mask=mask)
    caption = f"{title}: the map is {describe_map(anomaly_map)}"
    figure, (above, below) = make_axes(2, 1, (11, 2.6), sharex=True, sharey=True)
    low, high = (
        check_pair("scale", scale)
        if scale is not None
        else (float(np.nanmin(anomaly_map)), float(np.nanmax(anomaly_map)))
    )
    above.imshow(image, cmap="gray", vmin=0, vmax=255, aspect="auto", origin="upper")
    drawn = below.imshow(anomaly_map, cmap=MAP_COLOURS, vmin=low, vmax=high, aspect="auto", origin="upper")
    if mask is not None and mask.any():
        draw_outline(above, mask)
        columns = np.flatnonzero(mask.any(axis=0))
        row, column = np.unravel_index(np.nanargmax(anomaly_map), anomaly_map.shape)
        caption += f". The marked pixels lie between columns {columns[0]:,} and {columns[-1]:,}. "
        caption += f"The highest point of the map is {'' if mask[row, column] else 'not '}one of these pixels"
    above.set(title=title, ylabel="row (px)")
    below.set(xlabel="column (px)", ylabel="row (px)")
    figure.colorbar(drawn, ax=(above, below), label="anomaly score", fraction=0.03, pad=0.01)
    return figure, caption + "."


def plot_tiles(
    tiles: np.ndarray,
    maps: np.ndarray | None = None,
    titles: Sequence[str] | None = None,
    *,
    columns: int = 6,
    label: str = "anomaly score",
) -> tuple[Figure, str]:
    """Draw a gallery of tiles, each above its map if there are maps, all maps on one scale.

    Parameters
    ----------
    tiles : ndarray, shape (N, H, W)
        Grey tiles, uint8.
    maps : ndarray, shape (N, H, W), optional
        Anomaly maps.
    titles : sequence of str, optional
        One per tile.
    columns : int
        Largest number of tiles side by side.
    label : str
        Quantity that the maps show.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If shapes or counts differ.

    Examples
    --------
    >>> plot_tiles(np.zeros((2, 8, 8), np.uint8))[1]
    '2 tiles of 8 x 8 px.'
    """
    tiles = check_tiles(tiles)
    maps = None if maps is None else check_real(maps, "maps")
    if maps is not None and maps.shape != tiles.shape:
        raise InputError(f"maps has shape {maps.shape}, expected the tiles' shape, {tiles.shape}.")
    titles = None if titles is None else list(map(str, titles if np.iterable(titles) else [titles]))
    if titles is not None and len(titles) != len(tiles):
        raise InputError(f"There are {len(titles)} titles for {len(tiles)} tiles: give each tile one, or none at all.")
    columns = min(check_integer("columns", columns, 1), len(tiles))
    step = 1 if maps is None else 2
    rows = -(-len(tiles) // columns) * step
    figure, axes = make_axes(rows, columns, (1.8 * columns, 1.9 * rows), squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    drawn = None
    for i, image in enumerate(tiles):
        row, column = i // columns * step, i % columns
        axes[row, column].imshow(image, cmap="gray", vmin=0, vmax=255, origin="upper")
        axes[row, column].set_title(f"tile {i}" if titles is None else titles[i], fontsize=8)
        if maps is not None:
            low, high = np.nanmin(maps), np.nanmax(maps)
            drawn = axes[row + 1, column].imshow(maps[i], cmap=MAP_COLOURS, vmin=low, vmax=high, origin="upper")
    caption = f"{len(tiles)} tiles of {tiles.shape[1]} x {tiles.shape[2]} px"
    if drawn is not None:
        figure.colorbar(drawn, ax=axes, label=label, fraction=0.03, pad=0.01)
        best = int(np.nanargmax(maps)) // maps[0].size
        caption += f" with their maps on one scale. Tile {best} ({describe_map(maps[best])}) is the highest"
    return figure, caption + "."


def plot_scores(
    normal: np.ndarray,
    defective: np.ndarray,
    threshold: float | None = None,
    *,
    samples: str = "tiles",
    unit: str = "anomaly score",
) -> tuple[Figure, str]:
    """Draw histograms of the scores of normal and defective samples, as shares of each, with the threshold.

    Parameters
    ----------
    normal, defective : ndarray, shape (n,)
        Scores.
    threshold : float, optional
        Drawn as a line if it is finite.
    samples : str
        Name of the samples that the scores belong to.
    unit : str
        Label of the score axis.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If a class is empty.

    Examples
    --------
    >>> plot_scores(np.array([1.0, 2.0]), np.array([2.0, 5.0]), threshold=3)[1]
    'Scores of 2 normal and 2 defective tiles: medians 1.50 and 3.50. 0.0 % of the normal and 50.0 % of the defective \
tiles reach the threshold.'
    """
    normal, defective = as_array(normal, "normal").ravel(), as_array(defective, "defective").ravel()
    if not len(normal) or not len(defective):
        raise InputError(
            f"There are {len(normal)} normal and {len(defective)} defective {samples}: give at least one each."
        )
    normal, defective = check_scores(normal, "normal"), check_scores(defective, "defective")
    if threshold is not None and not (isinstance(threshold, float) and np.isinf(threshold)):
        threshold = check_number("threshold", threshold, "(-inf, inf)", example=0.5)
    figure, axis = make_axes(1, 1, (6, 3.2))
    both = np.concatenate([normal, defective])
    bins = np.linspace(both.min(), both.max(), 31)
    for scores, colour, hatch, name in ((normal, NORMAL, "", "normal"), (defective, DEFECTIVE, "//", "defective")):
        weights, label = np.full(len(scores), 1 / len(scores)), f"{name} {samples}"
        axis.hist(scores, bins, weights=weights, color=colour, alpha=0.55, hatch=hatch, edgecolor=colour, label=label)
    caption = (
        f"Scores of {len(normal)} normal and {len(defective)} defective {samples}: medians {np.median(normal):.2f} and "
        f"{np.median(defective):.2f}"
    )
    if threshold is not None:
        if np.isfinite(threshold):
            axis.axvline(threshold, color=LINE, linestyle="--", label="threshold")
        flagged = [100 * float((np.asarray(scores) >= threshold).mean()) for scores in (normal, defective)]
        caption += f". {flagged[0]:.1f} % of the normal and {flagged[1]:.1f} % of the defective {samples} reach "
        caption += "the threshold"
    axis.set(xlabel=f"score ({unit})" if str(unit) != "anomaly score" else unit, ylabel="share")
    axis.legend()
    return figure, caption + "."


def plot_curves(labels: np.ndarray, scores: np.ndarray, *, samples: str = "tiles") -> tuple[Figure, str]:
    """Draw the ROC curve and the precision-recall curve.

    Parameters
    ----------
    labels : ndarray, shape (N,)
        True = defective.
    scores : ndarray, shape (N,)
        Anomaly scores.
    samples : str
        Name of the samples that the scores belong to.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_curves(np.array([0, 0, 1, 1]), np.array([0.1, 0.6, 0.4, 0.9]))[1]
    'ROC and precision-recall curves of 4 tiles: AUROC 0.750, AP 0.833; by chance 0.5 and 0.500.'
    """
    from sklearn.metrics import precision_recall_curve, roc_curve

    area, precision_mean = metrics.auroc(labels, scores), metrics.average_precision(labels, scores)
    labels, scores = check_labels(labels, "labels").ravel(), check_scores(scores, "scores").ravel()
    figure, (left, right) = make_axes(1, 2, (8, 3.4))
    if not np.isnan(area):
        false_rate, true_rate, _ = roc_curve(labels, scores)
        precision, recall, _ = precision_recall_curve(labels, scores)
        left.plot(false_rate, true_rate, color=NORMAL)
        right.step(recall, precision, where="post", color=NORMAL)
    prevalence = float(np.mean(labels))
    left.plot([0, 1], [0, 1], color=LINE, linestyle=":", label="chance")
    right.axhline(prevalence, color=LINE, linestyle=":", label="chance")
    left.set(xlabel="false-positive rate", ylabel="true-positive rate", title=f"ROC, area {area:.3f}")
    right.set(xlabel="recall", ylabel="precision", title=f"precision-recall, AP {precision_mean:.3f}", ylim=(0, 1.02))
    left.legend()
    right.legend()
    values = f"AUROC {area:.3f}, AP {precision_mean:.3f}"
    caption = f"ROC and precision-recall curves of {np.size(labels)} {samples}"
    return figure, f"{caption}: {values}; by chance 0.5 and {prevalence:.3f}."


def _check_same_shape(image: np.ndarray, **others: np.ndarray | None) -> list[np.ndarray | None]:
    """Return the image and the arrays that belong to it, None where there is none."""
    image = check_real(image, "image")
    if image.ndim != 2 or not image.size:
        raise InputError(f"image has shape {image.shape}, expected (H, W): give one grey strip or tile.")
    arrays = [None if other is None else check_real(other, name) for name, other in others.items()]
    for name, other in zip(others, arrays, strict=True):
        if other is not None and other.shape != image.shape:
            raise InputError(f"{name} has shape {other.shape}, expected the image's shape, {image.shape}.")
    return [image, *arrays]
