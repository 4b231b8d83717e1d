"""Figures of notebook 07: a loss curve that grows, rows of maps, two detectors compared; each with a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from aitex_utils.errors import InputError
from aitex_utils.plots import DEFECTIVE, LINE, MAP_COLOURS, NORMAL, _axes, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MARKS = "osD^vP"


def plot_losses(losses: Sequence[float], steps: int) -> tuple[Figure, str]:
    """Draw losses so far, of `steps` in all, on a logarithmic scale, and the mean of each twenty."""
    if not len(losses):
        raise InputError("There are no losses yet: train for a step at least.")
    figure, axis = _axes(1, 1, (6.4, 2.8))
    axis.semilogy(np.arange(1, len(losses) + 1), losses, color=NORMAL, alpha=0.4, linewidth=1, label="each step")
    groups = [losses[i : i + 20] for i in range(0, len(losses), 20)]
    middles = [20 * i + (len(group) + 1) / 2 for i, group in enumerate(groups)]
    axis.semilogy(middles, [np.mean(group) for group in groups], color=LINE, label="mean of twenty")
    axis.set(xlim=(0, steps), xlabel="step", ylabel="loss (share of the variance)")
    axis.legend()
    told = f"Loss by step, {len(losses)} of {steps}, {losses[0]:.2f} at first, now {np.mean(losses[-20:]):.3f}"
    return figure, told + " (mean of the last twenty)."


class LiveCurve:
    """A loss curve for `Autoencoder.fit(tiles, watch=LiveCurve(steps))`, drawn anew after each `every` steps.

    One picture is replaced again and again, by IPython's own means, so that it lives wherever notebooks do, without
    widgets, and only the last one stays in the file. Outside a notebook the last sentence is printed.
    """

    def __init__(self, steps: int, every: int = 25) -> None:
        self.steps, self.every, self._shown = steps, every, None

    def __call__(self, losses: Sequence[float]) -> None:
        from IPython import get_ipython
        from IPython.display import display

        last = len(losses) == self.steps
        if not last and (get_ipython() is None or len(losses) % self.every):
            return
        figure, sentence = plot_losses(losses, self.steps)
        if get_ipython() is None:
            print(sentence)
            return
        content: dict[str, Any] = {"text/html": picture(figure, sentence), "text/plain": sentence}
        if self._shown is None:
            self._shown = display(content, raw=True, display_id=True)
        else:
            self._shown.update(content, raw=True)


def plot_rows(
    rows: Mapping[str, np.ndarray],
    titles: Sequence[str],
    sentence: str,
    *,
    masks: np.ndarray | None = None,
    scales: Mapping[str, tuple[float, float]] | None = None,
) -> tuple[Figure, str]:
    """Draw rows of pictures (N, H, W) by name: uint8 as greys, others as maps with a colour scale for each row.

    `masks` (N, H, W) are outlined in the first row and on maps; `scales` fixes (lowest, highest) of a row.
    """
    n = len(titles)
    for name, images in {**rows, **({} if masks is None else {"masks": masks})}.items():
        if np.ndim(images) != 3 or len(images) != n:
            raise InputError(f"{name} has shape {np.shape(images)}, expected (N, H, W) with N = {n}, one a title.")
    size, widths = (1.75 * n + 0.8, 1.85 * len(rows)), [1.0] * n + [0.06]
    figure, axes = _axes(len(rows), n + 1, size, squeeze=False, gridspec_kw={"width_ratios": widths})
    for i, ((name, images), line) in enumerate(zip(rows.items(), axes, strict=True)):
        grey = images.dtype == np.uint8
        low, high = (scales or {}).get(name, (0, 255) if grey else (float(images.min()), float(images.max())))
        for axis, image, title in zip(line, images, titles, strict=False):
            drawn = axis.imshow(image, cmap="gray" if grey else MAP_COLOURS, vmin=low, vmax=high)
            axis.set(xticks=[], yticks=[])
            if i == 0:
                axis.set_title(title, fontsize=9)
        line[0].set_ylabel(name, fontsize=9)
        line[n].set_axis_off() if grey else figure.colorbar(drawn, cax=line[n])
        outlined = [] if masks is None or (grey and i) else masks  # an outline would hide what was rebuilt
        for axis, mask in zip(line, outlined, strict=False):
            if mask.any() and not mask.all():
                axis.contour(mask, levels=[0.5], colors=DEFECTIVE if grey else "white", linewidths=0.8)
    return figure, sentence


def plot_gaps(drawn: Mapping[str, np.ndarray], *, what: str) -> tuple[Figure, str]:
    """Draw redrawn differences (draws,) by name: their median, and the interval that holds 95 %."""
    if not drawn:
        raise InputError("There are no differences: give at least one, by name.")
    figure, axis = _axes(1, 1, (6.4, 0.45 * len(drawn) + 0.9))
    told = []
    for row, (name, values) in enumerate(drawn.items()):
        low, middle, high = np.quantile(values, [0.025, 0.5, 0.975])
        axis.hlines(row, low, high, color=NORMAL, linewidth=4)
        axis.plot(middle, row, "o", color=LINE)
        told.append(f"{name} {middle:+.3f} ({low:+.3f} to {high:+.3f})")
    axis.axvline(0, color=LINE, linestyle=":")
    axis.set(yticks=range(len(drawn)), yticklabels=list(drawn), xlabel=what, ylim=(len(drawn) - 0.5, -0.5))
    return figure, f"{what}, median and 95 % interval of redrawn tests: {'; '.join(told)}."


def plot_dots(values: Mapping[str, Mapping[str, float]], *, what: str) -> tuple[Figure, str]:
    """Draw a line for each name with a dot for each case: values[name][case]."""
    if not values or not all(values.values()):
        raise InputError("There is nothing to draw: give at least one name with one case.")
    cases = list(dict.fromkeys(case for of in values.values() for case in of))
    figure, axis = _axes(1, 1, (6.6, 0.42 * len(values) + 1.1))
    for mark, case in zip(MARKS * len(cases), cases, strict=False):
        rows = [row for row, of in enumerate(values.values()) if case in of]
        dots = [of[case] for of in values.values() if case in of]
        colour = (NORMAL, DEFECTIVE, LINE)[cases.index(case) % 3]
        axis.plot(dots, rows, mark, color=colour, label=case)
    for row, of in enumerate(values.values()):
        axis.hlines(row, min(of.values()), max(of.values()), color=LINE, alpha=0.3)
    axis.set(yticks=range(len(values)), yticklabels=list(values), xlabel=what, ylim=(len(values) - 0.5, -0.5))
    axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    told = "; ".join(f"{name}: " + ", ".join(f"{c} {v:.3f}" for c, v in of.items()) for name, of in values.items())
    return figure, f"{what}. {told}."


def plot_agreement(
    one: np.ndarray, other: np.ndarray, labels: np.ndarray, thresholds: tuple[float, float], names: tuple[str, str]
) -> tuple[Figure, str]:
    """Draw each tile at its scores (N,) by two detectors, with both thresholds; labels (N,) True = defective."""
    labels = np.asarray(labels, bool)
    if not np.shape(one) == np.shape(other) == labels.shape or labels.ndim != 1:
        raise InputError(f"scores {np.shape(one)}, {np.shape(other)} and labels {labels.shape} differ, expected (N,).")
    figure, axis = _axes(1, 1, (5.6, 4))
    for kind, mark, colour, told in ((False, "o", NORMAL, "clean tile"), (True, "X", DEFECTIVE, "with a defect")):
        axis.plot(one[labels == kind], other[labels == kind], mark, color=colour, alpha=0.7, label=told)
    axis.axvline(thresholds[0], color=LINE, linestyle=":")
    axis.axhline(thresholds[1], color=LINE, linestyle=":")
    axis.set(xlabel=f"score by {names[0]}", ylabel=f"score by {names[1]}")
    axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    by_one, by_other = np.asarray(one)[labels] >= thresholds[0], np.asarray(other)[labels] >= thresholds[1]
    counts = {
        "both": (by_one & by_other).sum(),
        f"only {names[0]}": (by_one & ~by_other).sum(),
        f"only {names[1]}": (~by_one & by_other).sum(),
        "neither": (~by_one & ~by_other).sum(),
    }
    listed = ", ".join(f"{name} {count}" for name, count in counts.items())
    return figure, f"Of {labels.sum()} tiles with a defect, above its threshold: {listed}."
