"""Figures of notebook 00, each with a caption, as in `plots`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from aitex_utils.errors import InputError
from aitex_utils.lessons.wording import check_values, percent
from aitex_utils.plots import DEFECTIVE, LINE, MAP_COLOURS, NORMAL, draw_outline, make_axes
from aitex_utils.safety.scores import check_scores

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_patch_scores(tile: np.ndarray, mask: np.ndarray, scores: np.ndarray) -> tuple[Figure, str]:
    """Draw a tile with the outline of its defect beside the scores of its patches.

    Parameters
    ----------
    tile : ndarray, shape (H, W)
        Grey values, uint8.
    mask : ndarray, shape (H, W)
        Ground-truth mask, bool.
    scores : ndarray, shape (h, w)
        Distances between patches and the memory bank, on a grid over the tile.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If the shapes differ, or the scores are not a grid of finite numbers.

    Examples
    --------
    >>> plot_patch_scores(np.zeros((8, 8), np.uint8), np.eye(8) > 0, np.eye(2) + 1)[1]
    'A tile with its defect outlined, and the scores of 2 x 2 patches: median 1.50, highest 2.00.'
    """
    tile, mask, scores = np.asarray(tile), np.asarray(mask), np.asarray(scores)
    if tile.ndim != 2 or tile.shape != mask.shape or scores.ndim != 2:
        raise InputError(
            f"tile, mask and scores have shapes {tile.shape}, {mask.shape} and {scores.shape}, expected (H, W) twice "
            "and (h, w)."
        )
    check_values({"scores": scores})
    figure, (left, right) = make_axes(1, 2, (7, 3.2))
    height, width = tile.shape
    left.imshow(tile, cmap="gray", vmin=0, vmax=255, origin="upper", extent=(0, width, height, 0))
    draw_outline(left, mask)
    drawn = right.imshow(scores, cmap=MAP_COLOURS, origin="upper", extent=(0, width, height, 0))
    figure.colorbar(drawn, ax=right, label="distance to the memory bank", fraction=0.05, pad=0.02)
    left.set(title="tile", xlabel="column (px)", ylabel="row (px)")
    right.set(title="patch scores", xlabel="column (px)")
    rows, columns = scores.shape
    caption = f"A tile with its defect outlined, and the scores of {rows} x {columns} patches: "
    return figure, caption + f"median {np.median(scores):.2f}, highest {scores.max():.2f}."


def plot_thresholds(
    clean: np.ndarray, defective: np.ndarray, thresholds: Mapping[str, float], allowed: float
) -> tuple[Figure, str]:
    """Draw the shares of defective and of clean tiles that are flagged, for every threshold.

    Parameters
    ----------
    clean, defective : ndarray, shape (n,)
        Scores of the tiles. A tile is flagged if its score reaches the threshold.
    thresholds : mapping of str to float
        Thresholds to mark, by name.
    allowed : float
        Largest share of clean tiles to flag, drawn as a dotted line.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str
        Without the shares, because the learner reads them from the figure.

    Raises
    ------
    InputError
        If there are no scores of a class, or no thresholds.

    Examples
    --------
    >>> plot_thresholds(np.arange(20.0), np.array([9.0, 30.0]), {"A": 9.5}, 0.05)[1]
    'Share of 2 defective tiles (above) and of 20 clean tiles (below) that each threshold flags. Dashed: threshold A. \
Dotted: the allowed share, 5 %.'
    """
    clean, defective = check_scores(clean, "clean"), check_scores(defective, "defective")
    if not (len(clean) and len(defective) and thresholds):
        raise InputError(
            f"There are {len(clean)} clean tiles, {len(defective)} defective tiles and {len(thresholds)} thresholds: "
            "give at least one of each."
        )
    figure, axes = make_axes(2, 1, (7, 4.4), sharex=True)
    low, high = min(clean.min(), defective.min()), 1.6 * max(clean.max(), *thresholds.values())
    for axis, scores, colour in ((axes[0], defective, DEFECTIVE), (axes[1], clean, NORMAL)):
        ordered = np.sort(scores)
        flagged = 1 - np.arange(len(ordered) + 1) / len(ordered)  # before the first score, after each score
        steps = np.concatenate([[low, *ordered], [max(high, ordered[-1])]])
        axis.stairs(100 * flagged, steps, color=colour, linewidth=1.8, baseline=None)
        for name, threshold in thresholds.items():
            axis.axvline(threshold, color=LINE, linestyle="--", linewidth=1)
            if axis is axes[0]:
                axis.annotate(name, (threshold, 1), (0, 3), xycoords=("data", "axes fraction"),
                              textcoords="offset points", ha="center", fontweight="bold")  # fmt: skip
        axis.grid(axis="y", alpha=0.4)
    axes[1].axhline(100 * allowed, color=LINE, linestyle=":")
    axes[0].set(ylabel="defective tiles\nflagged (%)", ylim=(0, 103), xlim=(low, high))
    axes[1].set(ylabel="clean tiles\nflagged (%)", ylim=(0, 600 * allowed), xlabel="threshold (anomaly score)")
    names = f"threshold{'s' if len(thresholds) > 1 else ''} {', '.join(thresholds)}"
    return figure, (
        f"Share of {len(defective)} defective tiles (above) and of {len(clean)} clean tiles (below) that each "
        f"threshold flags. Dashed: {names}. Dotted: the allowed share, {percent(allowed)}."
    )
