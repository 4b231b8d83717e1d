"""Figures of notebook 03: feature maps, receptive fields, choices compared; each with a sentence, as in `plots`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from aitex_utils.errors import InputError
from aitex_utils.plots import DEFECTIVE, LINE, MAP_COLOURS, NORMAL, _axes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLES, MARKS = ("-", "--", ":", "-."), "osD^v"


def plot_panels(
    images: Sequence[np.ndarray],
    titles: Sequence[str],
    sentence: str,
    *,
    colours: str = MAP_COLOURS,
    scale: tuple[float, float] | None = None,
    columns: int = 5,
    squares: Sequence[tuple[int, int]] = (),
) -> tuple[Figure, str]:
    """Draw pictures (H, W) or (H, W, 3) side by side; with `scale` = (low, high) all share it.

    `squares` are (centre, side) in px, one for each picture: a square around the pixel (centre, centre), left out where
    it is wider than the picture.
    """
    if len(squares) not in (0, len(images)):
        raise InputError(f"There are {len(squares)} squares for {len(images)} images: give each image one, or none.")
    if not len(images) or len(titles) != len(images):
        raise InputError(f"There are {len(titles)} titles for {len(images)} images: give each image one.")
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    figure, axes = _axes(rows, columns, (2.1 * columns + 0.4, 2.25 * rows), squeeze=False)
    low, high = scale or (None, None)
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, image, title in zip(axes.flat, images, titles, strict=False):
        drawn = axis.imshow(image, cmap=colours, vmin=low, vmax=high)
        axis.set_title(title, fontsize=9)
    for axis, image, (centre, side) in zip(axes.flat, images, squares, strict=False):
        if side < min(image.shape[:2]):
            x, y = side / 2 * np.array([[-1, 1, 1, -1, -1], [-1, -1, 1, 1, -1]])
            axis.plot(centre + x, centre + y, "--", color=DEFECTIVE, linewidth=1.2)
    if scale and np.ndim(images[-1]) == 2 and colours != "gray":
        figure.colorbar(drawn, ax=axes, fraction=0.03, pad=0.01)
    return figure, sentence


def plot_squares(
    image: np.ndarray, sides: Mapping[str, float], *, title: str = "Receptive fields"
) -> tuple[Figure, str]:
    """Draw squares around the middle of a tile (H, W), one for each layer, as wide as `sides` says in px."""
    figure, axis = _axes(1, 1, (5.4, 4.2))
    height, width = image.shape
    axis.imshow(image, cmap="gray", vmin=0, vmax=255)
    for i, (layer, side) in enumerate(sides.items()):
        x = width / 2 + side / 2 * np.array([-1, 1, 1, -1, -1])
        y = height / 2 + side / 2 * np.array([-1, -1, 1, 1, -1])
        axis.plot(x, y, STYLES[i % 4], color=DEFECTIVE, linewidth=2, label=f"{layer}: {side:.0f} px")
    axis.set(xlim=(-50, width + 50), ylim=(height + 50, -50), xlabel="column (px)", ylabel="row (px)", title=title)
    axis.legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
    listed = ", ".join(f"{layer} {side:.0f} px" for layer, side in sides.items())
    return figure, f"{title}, as squares on a tile of {width} px: {listed}."


def plot_choices(names: Sequence[str], values: np.ndarray, fabrics: Sequence[str], *, title: str) -> tuple[Figure, str]:
    """Draw the tile AUROC (choices, fabrics): a dot for each fabric, a line for their mean."""
    if np.shape(values) != (len(names), len(fabrics)):
        raise InputError(f"values has shape {np.shape(values)}, expected {(len(names), len(fabrics))}.")
    figure, axis = _axes(1, 1, (7.5, 0.42 * len(names) + 1.1))
    rows = np.arange(len(names))
    for i, fabric in enumerate(fabrics):
        axis.plot(values[:, i], rows, MARKS[i % 5], color=NORMAL, alpha=0.7, label=f"fabric {fabric}")
    axis.vlines(values.mean(axis=1), rows - 0.3, rows + 0.3, color=LINE, linewidth=2.5, label="mean")
    axis.set(yticks=rows, yticklabels=names, xlabel="tile AUROC", title=title)
    axis.invert_yaxis()
    axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    means = ", ".join(
        f"{n} {v.mean():.3f} ({v.min():.2f} to {v.max():.2f})" for n, v in zip(names, values, strict=True)
    )
    return figure, f"{title}, tile AUROC as the mean over fabrics (lowest to highest): {means}."


def draw_intervals(
    names: Sequence[str], drawn: np.ndarray, *, x: str, row: float
) -> tuple[Figure, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Draw redrawn differences (names, draws), `row` inches each; return low, median and high of each as well."""
    low, middle, high = np.quantile(drawn, [0.025, 0.5, 0.975], axis=1)
    return draw_spans(names, middle, low, high, x=x, row=row), (low, middle, high)


def draw_spans(
    names: Sequence[str], middle: np.ndarray, low: np.ndarray, high: np.ndarray, *, x: str, row: float
) -> Figure:
    """Draw differences (names,) with their intervals from `low` to `high`, `row` inches each."""
    figure, axis = _axes(1, 1, (6.5, row * len(names) + 0.9))
    rows = np.arange(len(names))
    axis.hlines(rows, low, high, color=NORMAL, linewidth=3)
    axis.plot(middle, rows, "o", color=LINE)
    axis.axvline(0, color=LINE, linestyle=":")
    axis.set(yticks=rows, yticklabels=names, xlabel=x)
    axis.invert_yaxis()
    return figure


def plot_differences(names: Sequence[str], drawn: np.ndarray) -> tuple[Figure, str]:
    """Draw redrawn differences to the default (choices, draws): the median, and the interval that holds 95 %."""
    figure, (low, _, high) = draw_intervals(names, drawn, x="tile AUROC, choice minus default", row=0.36)
    clear = [name for name, a, b in zip(names, low, high, strict=True) if a > 0 or b < 0]
    told = "Difference of each choice to the default, with the interval of 95 % of those redrawn. Clear of zero: "
    return figure, told + (", ".join(clear) or "none") + f"; the widest interval is {np.max(high - low):.2f} wide."


def plot_spectrum(variances: np.ndarray, floor: float) -> tuple[Figure, str]:
    """Draw the variances of patches along their directions (C,), from the widest, and the floor that whitening adds."""
    figure, axis = _axes(1, 1, (6.5, 3))
    variances = np.sort(variances)[::-1]
    axis.semilogy(np.arange(1, len(variances) + 1), variances, color=NORMAL, label="variance")
    axis.axhline(floor, color=LINE, linestyle=":", label="floor")
    axis.set(xlabel="direction, from the widest", ylabel="variance of normal patches")
    axis.legend()
    share = variances[:10].sum() / variances.sum()
    told = f"Variance of normal patches by direction, falling from {variances[0]:.3g} to {variances[-1]:.1g}"
    under = int(np.sum(variances < floor))
    told += f": the ten widest of {len(variances)} hold {share:.0%} of it. The floor lies "
    return figure, told + (f"above {under} of them." if under else "below all of them.")
