"""Figures that a colour-blind person can read and a blind one can hear: each comes with a sentence on what it shows.

Every function returns (figure, sentence); `show` displays both. Panels that are compared share one colour scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from . import metrics
from .errors import InputError, check_tiles

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAP_COLOURS = "cividis"
NORMAL, DEFECTIVE, LINE = "#0072B2", "#D55E00", "#000000"  # apart for all common kinds of colour blindness


def show(figure: Figure, sentence: str) -> None:
    """Display a figure with its sentence as alt text and as caption; outside a notebook, print the sentence."""
    from IPython import get_ipython
    from IPython.display import display

    if get_ipython() is None:
        print(sentence)
        return
    display({"text/html": picture(figure, sentence), "text/plain": sentence}, raw=True)


def picture(figure: Figure, sentence: str, *, dpi: int = 110) -> str:
    """Return a figure as HTML, with its sentence as alt text and as caption."""
    import base64
    import html
    import io

    width = round(82 * figure.get_figwidth())  # px: letters of 10 points come out at a page's reading size
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=dpi, bbox_inches="tight")
    told, data = html.escape(sentence, quote=True), base64.b64encode(file.getvalue()).decode()
    return (
        f'<figure style="margin:0"><img src="data:image/png;base64,{data}" alt="{told}" '
        f'style="max-width:100%;width:{width}px"><figcaption>{told}</figcaption></figure>'
    )


def describe_map(anomaly_map: np.ndarray) -> str:
    """Say where a map (H, W) is highest, and how far above the value that one place in a hundred exceeds."""
    anomaly_map = np.asarray(anomaly_map)
    if anomaly_map.ndim != 2 or np.isnan(anomaly_map).all():
        raise InputError(f"anomaly_map has shape {anomaly_map.shape}, expected (H, W) with at least one value not NaN.")
    row, column = np.unravel_index(np.nanargmax(anomaly_map), anomaly_map.shape)
    known = anomaly_map[~np.isnan(anomaly_map)]
    usual = float(np.quantile(known, 0.99, method="lower"))
    if usual <= 0:
        return f"highest at column {column:,}, row {row}: nearly everywhere else it is 0"
    times = anomaly_map[row, column] / usual
    return f"highest at column {column:,}, row {row}: {times:.1f} times what one place in a hundred exceeds"


def plot_image(image: np.ndarray, mask: np.ndarray | None = None, *, title: str = "Strip") -> tuple[Figure, str]:
    """Draw a strip (H, W) uint8 as it is, the outline of its mask (H, W) bool on it where one is given."""
    _check_same_shape(image, mask=mask)
    figure, axis = _axes(1, 1, (11, 1.5))
    axis.imshow(image, cmap="gray", vmin=0, vmax=255, aspect="auto")
    sentence = f"{title}: {image.shape[0]} rows by {image.shape[1]:,} columns, mean grey {image.mean():.0f} of 255"
    if mask is not None and mask.any():
        axis.contour(mask, levels=[0.5], colors=DEFECTIVE, linewidths=0.8)
        rows, columns = (np.flatnonzero(mask.any(axis=a)) for a in (1, 0))
        sentence += f"; what is outlined lies in columns {columns[0]:,} to {columns[-1]:,}, "
        sentence += f"rows {rows[0]} to {rows[-1]}"
    axis.set(title=title, xlabel="column (px)", ylabel="row (px)")
    return figure, sentence + "."


def plot_strip(
    image: np.ndarray,
    anomaly_map: np.ndarray,
    mask: np.ndarray | None = None,
    *,
    title: str = "Strip",
    scale: tuple[float, float] | None = None,
) -> tuple[Figure, str]:
    """Draw a strip (H, W) above its anomaly map (H, W), the mask's outline on the strip: on the map it would hide it.

    `scale` = (lowest, highest) distance of the colours: give the same one to all strips that are compared.
    """
    _check_same_shape(image, anomaly_map=anomaly_map, mask=mask)
    sentence = f"{title}: the map is {describe_map(anomaly_map)}"
    figure, (above, below) = _axes(2, 1, (11, 2.6), sharex=True, sharey=True)
    low, high = scale or (float(np.nanmin(anomaly_map)), float(np.nanmax(anomaly_map)))
    above.imshow(image, cmap="gray", vmin=0, vmax=255, aspect="auto")
    drawn = below.imshow(anomaly_map, cmap=MAP_COLOURS, vmin=low, vmax=high, aspect="auto")
    if mask is not None and mask.any():
        above.contour(mask, levels=[0.5], colors=DEFECTIVE, linewidths=0.8)
        columns = np.flatnonzero(mask.any(axis=0))
        sentence += f". The defect's mask spans columns {columns[0]:,} to {columns[-1]:,}"
        row, column = np.unravel_index(np.nanargmax(anomaly_map), anomaly_map.shape)
        sentence += (
            ", and the highest point lies in it" if mask[row, column] else ", and the highest point lies outside it"
        )
    above.set(title=title, ylabel="row (px)")
    below.set(xlabel="column (px)", ylabel="row (px)")
    figure.colorbar(drawn, ax=(above, below), label="distance", fraction=0.03, pad=0.01)
    return figure, sentence + "."


def plot_tiles(
    tiles: np.ndarray,
    maps: np.ndarray | None = None,
    titles: Sequence[str] | None = None,
    *,
    columns: int = 6,
    label: str = "distance",
) -> tuple[Figure, str]:
    """Draw a gallery of tiles (N, H, W); with `maps` (N, H, W) each has its map of `label` below, all on one scale."""
    tiles = check_tiles(tiles)
    if maps is not None and maps.shape != tiles.shape:
        raise InputError(f"maps has shape {maps.shape}, expected that of the tiles, {tiles.shape}.")
    if titles is not None and len(titles) != len(tiles):
        raise InputError(f"There are {len(titles)} titles for {len(tiles)} tiles: give each tile one, or none at all.")
    columns = min(columns, len(tiles))
    times = 1 if maps is None else 2
    rows = -(-len(tiles) // columns) * times
    figure, axes = _axes(rows, columns, (1.8 * columns, 1.9 * rows), squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    drawn = None
    for i, image in enumerate(tiles):
        row, column = i // columns * times, i % columns
        axes[row, column].imshow(image, cmap="gray", vmin=0, vmax=255)
        axes[row, column].set_title(f"tile {i}" if titles is None else titles[i], fontsize=8)
        if maps is not None:
            low, high = np.nanmin(maps), np.nanmax(maps)
            drawn = axes[row + 1, column].imshow(maps[i], cmap=MAP_COLOURS, vmin=low, vmax=high)
    sentence = f"{len(tiles)} tiles of {tiles.shape[1]} x {tiles.shape[2]} px"
    if drawn is not None:
        figure.colorbar(drawn, ax=axes, label=label, fraction=0.03, pad=0.01)
        best = int(np.nanargmax(maps)) // maps[0].size
        sentence += f" with their maps on one scale; tile {best} ({describe_map(maps[best])}) is the highest"
    return figure, sentence + "."


def plot_scores(
    normal: np.ndarray,
    defective: np.ndarray,
    threshold: float | None = None,
    *,
    what: str = "tiles",
    unit: str = "distance",
) -> tuple[Figure, str]:
    """Draw histograms of the scores of normal and defective things, as shares of each, with the threshold."""
    if not len(normal) or not len(defective):
        raise InputError(
            f"There are {len(normal)} normal and {len(defective)} defective {what}: give at least one each."
        )
    figure, axis = _axes(1, 1, (6, 3.2))
    both = np.concatenate([normal, defective])
    bins = np.linspace(both.min(), both.max(), 31)
    for scores, colour, hatch, name in ((normal, NORMAL, "", "normal"), (defective, DEFECTIVE, "//", "defective")):
        weights = np.full(len(scores), 1 / max(len(scores), 1))
        axis.hist(
            scores,
            bins,
            weights=weights,
            color=colour,
            alpha=0.55,
            hatch=hatch,
            edgecolor=colour,
            label=f"{name} {what}",
        )
    sentence = (
        f"Scores of {len(normal)} normal and {len(defective)} defective {what}: medians {np.median(normal):.2f} and "
        f"{np.median(defective):.2f}"
    )
    if threshold is not None:
        axis.axvline(threshold, color=LINE, linestyle="--", label="threshold")
        above = [float((np.asarray(scores) >= threshold).mean()) for scores in (normal, defective)]
        sentence += f"; {above[0]:.1%} of the normal and {above[1]:.1%} of the defective lie at or above the threshold"
    axis.set(xlabel=f"score ({unit})", ylabel="share")
    axis.legend()
    return figure, sentence + "."


def plot_curves(labels: np.ndarray, scores: np.ndarray, *, what: str = "tiles") -> tuple[Figure, str]:
    """Draw the ROC and the precision-recall curve of scores (N,) with labels (N,), True = defective."""
    from sklearn.metrics import precision_recall_curve, roc_curve

    roc_area, precision_mean = metrics.auroc(labels, scores), metrics.average_precision(labels, scores)
    figure, (left, right) = _axes(1, 2, (8, 3.4))
    if not np.isnan(roc_area):
        false_rate, true_rate, _ = roc_curve(labels, scores)
        precision, recall, _ = precision_recall_curve(labels, scores)
        left.plot(false_rate, true_rate, color=NORMAL)
        right.step(recall, precision, where="post", color=NORMAL)
    share = float(np.mean(labels))
    left.plot([0, 1], [0, 1], color=LINE, linestyle=":", label="chance")
    right.axhline(share, color=LINE, linestyle=":", label="chance")
    left.set(xlabel="false-positive rate", ylabel="true-positive rate", title=f"ROC, area {roc_area:.3f}")
    right.set(xlabel="recall", ylabel="precision", title=f"precision-recall, AP {precision_mean:.3f}", ylim=(0, 1.02))
    left.legend()
    right.legend()
    told = f"ROC and precision-recall curves of {np.size(labels)} {what}: AUROC {roc_area:.3f}, AP {precision_mean:.3f}"
    return figure, f"{told}, chance alone would give 0.5 and {share:.3f}."


def _check_same_shape(image: np.ndarray, **others: np.ndarray | None) -> None:
    if np.ndim(image) != 2:
        raise InputError(f"image has shape {np.shape(image)}, expected (H, W): give one grey strip or tile.")
    for name, other in others.items():
        if other is not None and np.shape(other) != np.shape(image):
            raise InputError(f"{name} has shape {np.shape(other)}, expected that of the image, {np.shape(image)}.")


def _axes(rows: int, columns: int, size: tuple[float, float], **options):
    """Return a figure that pyplot doesn't hold on to, and its axes: nothing is drawn twice or left in memory."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.subplots(rows, columns, **options)
