"""Figures of notebook 09: a live loss curve, rows of images, values by case, two detectors, each with a caption."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from aitex_utils.errors import InputError
from aitex_utils.lessons.wording import check_values, count
from aitex_utils.plots import (
    COLOURS,
    DEFECTIVE,
    LINE,
    MAP_COLOURS,
    MARKERS,
    NORMAL,
    OUTSIDE,
    draw_outline,
    figure_html,
    make_axes,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WINDOW = 20  # steps over which losses are averaged


def plot_losses(losses: Sequence[float], steps: int) -> tuple[Figure, str]:
    """Draw the training losses so far on a logarithmic axis, with their means over 20 steps.

    Parameters
    ----------
    losses : sequence of float
        Loss of each step so far.
    steps : int
        Number of steps of the whole training.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If there are no losses yet.

    Examples
    --------
    >>> plot_losses([1.0, 0.5], steps=100)[1]
    'Training loss, 2 of 100 steps: 1.00 at the first step, 0.750 as the mean of the last 2.'
    """
    if not len(losses):
        raise InputError("There are no losses yet: train for at least one step.")
    check_values({"losses": losses})
    figure, axis = make_axes(1, 1, (6.4, 2.8))
    axis.semilogy(np.arange(1, len(losses) + 1), losses, color=NORMAL, alpha=0.4, linewidth=1, label="each step")
    parts = [losses[start : start + WINDOW] for start in range(0, len(losses), WINDOW)]
    middles = [WINDOW * i + (len(part) + 1) / 2 for i, part in enumerate(parts)]
    axis.semilogy(middles, [np.mean(part) for part in parts], color=LINE, label=f"mean of {WINDOW} steps")
    axis.set(xlim=(0, steps), xlabel="step", ylabel="loss (share of the variance)")
    axis.legend()
    caption = f"Training loss, {len(losses)} of {steps} steps: {losses[0]:.2f} at the first step, "
    last = losses[-WINDOW:]
    return figure, f"{caption}{np.mean(last):.3f} as the mean of the last {len(last)}."


class LiveCurve:
    """A loss curve that is drawn anew during training: `Autoencoder.fit(tiles, callback=LiveCurve(steps))`.

    One output is updated in place, without widgets, and a notebook file keeps only the last figure. Outside a notebook
    the last caption is printed.

    Parameters
    ----------
    steps : int
        Number of steps of the training.
    every : int
        Number of steps between two drawings.

    Examples
    --------
    >>> curve = LiveCurve(steps=2)
    >>> curve([1.0])
    >>> curve([1.0, 0.5])
    Training loss, 2 of 2 steps: 1.00 at the first step, 0.750 as the mean of the last 2.
    """

    def __init__(self, steps: int, every: int = 25) -> None:
        self.steps, self.every, self._output = steps, every, None

    def __call__(self, losses: Sequence[float]) -> None:
        """Draw the losses so far, if it is time to."""
        from IPython import get_ipython
        from IPython.display import display

        if len(losses) == 1:  # another training gets a figure of its own
            self._output = None
        is_last, in_notebook = len(losses) == self.steps, get_ipython() is not None
        if not is_last and (not in_notebook or len(losses) % self.every):
            return
        figure, caption = plot_losses(losses, self.steps)
        if not in_notebook:
            print(caption)
            return
        content: dict[str, Any] = {"text/html": figure_html(figure, caption), "text/plain": caption}
        if self._output is None:
            self._output = display(content, raw=True, display_id=True)
        else:
            self._output.update(content, raw=True)


def plot_rows(
    rows: Mapping[str, np.ndarray],
    titles: Sequence[str],
    caption: str,
    *,
    masks: np.ndarray | None = None,
    scales: Mapping[str, tuple[float, float]] | None = None,
) -> tuple[Figure, str]:
    """Draw rows of images, grey where they are uint8, else as maps with one colour scale per row.

    Parameters
    ----------
    rows : dict of str to ndarray, each of shape (N, H, W)
        Images by the name of their row.
    titles : sequence of str
        One per column.
    caption : str
        Caption of the figure.
    masks : ndarray, shape (N, H, W), optional
        Ground-truth masks, bool, outlined in the first row and on maps, unless all of the image is marked.
    scales : dict of str to tuple of float, optional
        Lowest and highest value of a row's colours.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If there is not one image and mask per title.

    Examples
    --------
    >>> figure, caption = plot_rows({"tile": np.zeros((2, 8, 8), np.uint8)}, ["a", "b"], "Two black tiles.")
    >>> [axis.get_title() for axis in figure.axes if axis.images]
    ['a', 'b']
    """
    n = len(titles)
    for name, images in {**rows, **({} if masks is None else {"masks": masks})}.items():
        if np.ndim(images) != 3 or len(images) != n:
            raise InputError(f"{name} has shape {np.shape(images)}, expected (N, H, W) with N = {n}, one per title.")
    check_values(rows, nan=True)
    size, widths = (2.15 * n + 0.8, 2.25 * len(rows)), [1.0] * n + [0.06]
    figure, axes = make_axes(len(rows), n + 1, size, squeeze=False, gridspec_kw={"width_ratios": widths})
    for title, axis in zip(titles, axes[0], strict=False):
        axis.set_title(title, fontsize=9)
    for i, (name, row_axes) in enumerate(zip(rows, axes, strict=True)):
        is_grey = rows[name].dtype == np.uint8
        drawn = _draw_row(row_axes[:n], rows[name], (scales or {}).get(name))
        row_axes[0].set_ylabel(name, fontsize=9)
        row_axes[n].set_axis_off() if is_grey else figure.colorbar(drawn, cax=row_axes[n])
        if masks is not None and (i == 0 or not is_grey):  # an outline would hide what was reconstructed
            for axis, mask in zip(row_axes, masks, strict=False):
                if not mask.all():
                    draw_outline(axis, mask, colour=DEFECTIVE if is_grey else "white")
    return figure, caption


def _draw_row(axes: np.ndarray, images: np.ndarray, scale: tuple[float, float] | None) -> Any:
    """Draw a row of images with one scale, and return the last image drawn."""
    is_grey = images.dtype == np.uint8
    low, high = scale or ((0, 255) if is_grey else (float(np.nanmin(images)), float(np.nanmax(images))))
    for axis, image in zip(axes, images, strict=True):
        drawn = axis.imshow(image, cmap="gray" if is_grey else MAP_COLOURS, vmin=low, vmax=high, origin="upper")
        axis.set(xticks=[], yticks=[])
    return drawn


def plot_profiles(profiles: Mapping[str, np.ndarray]) -> tuple[Figure, str]:
    """Draw mean errors of clean tiles against the distance to the nearest edge.

    Parameters
    ----------
    profiles : dict of str to ndarray, each of shape (width,)
        Mean error at each distance, by network.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_profiles({"A": np.array([9.0, 6.0, 5.0])})[1]
    'Mean pixel error of clean tiles, from the edge inwards: A, 9.0 on the outermost pixels and 5.0 at 2 px.'
    """
    check_values(profiles)
    figure, axis = make_axes(1, 1, (6.4, 2.9))
    texts = []
    for i, (name, values) in enumerate(profiles.items()):
        distances = np.arange(len(values))
        axis.plot(distances, values, color=COLOURS[i], marker=MARKERS[i], markersize=4, label=name)
        texts.append(f"{name}, {values[0]:.1f} on the outermost pixels and {values[-1]:.1f} at {distances[-1]} px")
    axis.set(xlabel="distance to the nearest edge of the tile (px)", ylabel="mean error (grey levels)")
    axis.set_ylim(0, 1.08 * max(float(np.max(values)) for values in profiles.values()))
    axis.legend(loc="best")
    return figure, f"Mean pixel error of clean tiles, from the edge inwards: {'; '.join(texts)}."


def plot_dots(values: Mapping[str, Mapping[str, float]], *, label: str) -> tuple[Figure, str]:
    """Draw a line for each name, with a dot for each of its cases.

    Parameters
    ----------
    values : dict of str to dict
        `values[name][case]`; a name can lack some of the cases.
    label : str
        Name of the values.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If there is no name, or a name without a case.

    Examples
    --------
    >>> plot_dots({"PatchCore": {"4 tiles": 0.9, "20 tiles": 0.95}}, label="tile AUROC")[1]
    'Tile AUROC. PatchCore: 0.900 (4 tiles), 0.950 (20 tiles).'
    """
    if not values or not all(values.values()):
        raise InputError("There is nothing to draw: give at least one name with one case.")
    check_values({name: list(by_case.values()) for name, by_case in values.items()})
    cases = list(dict.fromkeys(case for by_case in values.values() for case in by_case))
    figure, axis = make_axes(1, 1, (6.6, 0.42 * len(values) + 1.1))
    for i, case in enumerate(cases):
        rows = [row for row, by_case in enumerate(values.values()) if case in by_case]
        dots = [by_case[case] for by_case in values.values() if case in by_case]
        axis.plot(dots, rows, MARKERS[i % len(MARKERS)], color=COLOURS[i % len(COLOURS)], label=case)
    for row, by_case in enumerate(values.values()):
        axis.hlines(row, min(by_case.values()), max(by_case.values()), color=LINE, alpha=0.3)
    axis.set(yticks=range(len(values)), yticklabels=list(values), xlabel=label, ylim=(len(values) - 0.5, -0.5))
    if len(cases) > 1:
        axis.legend(**OUTSIDE)
    texts = [
        f"{name}: "
        + ", ".join(f"{value:.3f}" + (f" ({case})" if len(cases) > 1 else "") for case, value in by_case.items())
        for name, by_case in values.items()
    ]
    return figure, f"{label[0].upper()}{label[1:]}. {'; '.join(texts)}."


def plot_agreement(
    scores_a: np.ndarray,
    scores_b: np.ndarray,
    labels: np.ndarray,
    thresholds: tuple[float, float],
    names: tuple[str, str],
) -> tuple[Figure, str]:
    """Draw each tile at its scores by two detectors, with the threshold of each.

    Parameters
    ----------
    scores_a, scores_b : ndarray, shape (N,)
        Scores of the two detectors.
    labels : ndarray, shape (N,)
        True = defective.
    thresholds : tuple of float
        Thresholds of the two detectors.
    names : tuple of str
        Names of the two detectors.

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
    >>> scores = np.array([1.0, 3.0, 5.0]), np.array([2.0, 5.0, 1.0])
    >>> plot_agreement(*scores, np.array([False, True, True]), (2, 4), ("A", "B"))[1]
    '2 defective tiles: 1 found by both; 1 only by A; 0 only by B; 0 by neither.'
    """
    scores_a, scores_b, labels = np.asarray(scores_a), np.asarray(scores_b), np.asarray(labels, bool)
    if not scores_a.shape == scores_b.shape == labels.shape or labels.ndim != 1:
        raise InputError(
            f"scores_a {scores_a.shape}, scores_b {scores_b.shape} and labels {labels.shape} differ, "
            "expected (N,) for all."
        )
    check_values({"scores_a": scores_a, "scores_b": scores_b})
    figure, axis = make_axes(1, 1, (5.6, 4))
    for rows, marker, colour, name in ((~labels, "o", NORMAL, "clean tile"), (labels, "X", DEFECTIVE, "defective")):
        axis.plot(scores_a[rows], scores_b[rows], marker, color=colour, alpha=0.7, label=name)
    axis.axvline(thresholds[0], color=LINE, linestyle=":")
    axis.axhline(thresholds[1], color=LINE, linestyle=":")
    axis.set(xlabel=f"{names[0]} score", ylabel=f"{names[1]} score")
    axis.legend(**OUTSIDE)
    by_a, by_b = scores_a[labels] >= thresholds[0], scores_b[labels] >= thresholds[1]
    counts = [f"{(by_a & by_b).sum()} found by both", f"{(by_a & ~by_b).sum()} only by {names[0]}"]
    counts += [f"{(~by_a & by_b).sum()} only by {names[1]}", f"{(~by_a & ~by_b).sum()} by neither"]
    return figure, f"{count(int(labels.sum()), 'defective tile')}: {'; '.join(counts)}."
