"""Figures that several notebooks share, each with a caption as in `plots`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from aitex_utils.errors import InputError
from aitex_utils.plots import DEFECTIVE, LINE, MAP_COLOURS, MARKERS, NORMAL, OUTSIDE, draw_intervals, make_axes

from .wording import check_values

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_panels(
    images: Sequence[np.ndarray],
    titles: Sequence[str],
    caption: str,
    *,
    colours: str = MAP_COLOURS,
    scale: tuple[float, float] | None = None,
    columns: int = 5,
    squares: Sequence[tuple[int, int]] = (),
) -> tuple[Figure, str]:
    """Draw images side by side.

    Parameters
    ----------
    images : sequence of ndarray, each of shape (H, W) or (H, W, 3)
        Images to draw.
    titles : sequence of str
        One per image.
    caption : str
        Caption of the figure.
    colours : str
        Colour map of grey images.
    scale : tuple of float, optional
        Lowest and highest value of the colours, shared by all images.
    columns : int
        Largest number of images side by side.
    squares : sequence of (int, int)
        Centre and side in px, one per image: a square around the pixel (centre, centre), left out where it is wider
        than the image.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If the counts differ, or an image is empty or has no finite value.

    Examples
    --------
    >>> plot_panels([np.eye(3), np.ones((3, 3))], ["left", "right"], "Two matrices.")[1]
    'Two matrices.'
    """
    if len(squares) not in (0, len(images)):
        raise InputError(f"There are {len(squares)} squares for {len(images)} images: give each image one, or none.")
    if not len(images) or len(titles) != len(images):
        raise InputError(f"There are {len(titles)} titles for {len(images)} images: give each image one.")
    check_values({f"image {i}": image for i, image in enumerate(images)}, nan=True)
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    figure, axes = make_axes(rows, columns, (2.1 * columns + 0.4, 2.25 * rows), squeeze=False)
    low, high = scale or (None, None)
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, image, title in zip(axes.flat, images, titles, strict=False):
        drawn = axis.imshow(image, cmap=colours, vmin=low, vmax=high, origin="upper")
        axis.set_title(title, fontsize=9)
    for axis, image, (centre, side) in zip(axes.flat, images, squares, strict=False):
        if side < min(image.shape[:2]):
            x, y = side / 2 * np.array([[-1, 1, 1, -1, -1], [-1, -1, 1, 1, -1]])
            axis.plot(centre + x, centre + y, "--", color=DEFECTIVE, linewidth=1.2)
    if scale and np.ndim(images[-1]) == 2 and colours != "gray":
        figure.colorbar(drawn, ax=axes, fraction=0.03, pad=0.01)
    return figure, caption


def plot_settings(
    names: Sequence[str], values: np.ndarray, fabrics: Sequence[str], *, title: str
) -> tuple[Figure, str]:
    """Draw the tile AUROC of several settings: a marker for each fabric, a line for their mean.

    Parameters
    ----------
    names : sequence of str
        Names of the settings.
    values : ndarray, shape (settings, fabrics)
        Tile AUROC.
    fabrics : sequence of str
        Names of the fabrics.
    title : str
        Title of the figure.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If the shape does not fit the names, or a value is missing.

    Examples
    --------
    >>> plot_settings(["256 px"], np.array([[0.8, 0.9]]), ["00", "01"], title="Input size")[1]
    'Input size, tile AUROC as the mean over fabrics (lowest to highest): 256 px 0.850 (0.80 to 0.90).'
    """
    if np.shape(values) != (len(names), len(fabrics)):
        raise InputError(f"values has shape {np.shape(values)}, expected {(len(names), len(fabrics))}.")
    check_values({"values": values})
    figure, axis = make_axes(1, 1, (7.5, 0.42 * len(names) + 1.1))
    rows = np.arange(len(names))
    for i, fabric in enumerate(fabrics):
        marker = MARKERS[i % len(MARKERS)]
        axis.plot(values[:, i], rows, marker, color=NORMAL, alpha=0.7, label=f"fabric {fabric}")
    axis.vlines(values.mean(axis=1), rows - 0.3, rows + 0.3, color=LINE, linewidth=2.5, label="mean")
    axis.set(yticks=rows, yticklabels=names, xlabel="tile AUROC", title=title)
    axis.invert_yaxis()
    axis.legend(**OUTSIDE)
    pairs = zip(names, values, strict=True)
    means = ", ".join(f"{name} {row.mean():.3f} ({row.min():.2f} to {row.max():.2f})" for name, row in pairs)
    return figure, f"{title}, tile AUROC as the mean over fabrics (lowest to highest): {means}."


def plot_intervals(names: Sequence[str], resamples: Sequence[np.ndarray], *, label: str) -> tuple[Figure, str]:
    """Draw bootstrap differences: the median of each, and its 95 % interval.

    Parameters
    ----------
    names : sequence of str
        Names of the differences.
    resamples : sequence of ndarray, each of shape (n_resamples,)
        Resampled differences.
    label : str
        Name of the values, for the axis.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If there is not one array of finite values for each name.

    Examples
    --------
    >>> plot_intervals(["1 %"], [np.array([-0.1, 0.0, 0.1])], label="tile AUROC, choice - default")[1]
    'Tile AUROC, choice - default, median and 95 % interval: 1 % +0.000 (-0.095 to +0.095).'
    """
    if len(resamples) != len(names) or not len(names):
        raise InputError(f"There are {len(resamples)} arrays for {len(names)} names: give each name one.")
    check_values(dict(zip(names, resamples, strict=True)))
    intervals = np.array([np.quantile(values, [0.025, 0.5, 0.975]) for values in resamples])
    figure, axis = make_axes(1, 1, (6.5, 0.36 * len(names) + 0.9))
    draw_intervals(axis, names, intervals)
    axis.set_xlabel(label)
    rows = zip(names, intervals, strict=True)
    listed = "; ".join(f"{name} {middle:+.3f} ({low:+.3f} to {high:+.3f})" for name, (low, middle, high) in rows)
    return figure, f"{label[0].upper()}{label[1:]}, median and 95 % interval: {listed}."
