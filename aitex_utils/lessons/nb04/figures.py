"""Figures of notebook 04: what a coreset covers, costs, and is worth; each with a sentence, as in `plots`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from aitex_utils.errors import InputError
from aitex_utils.lessons.nb03.figures import MARKS, STYLES, draw_intervals
from aitex_utils.plots import DEFECTIVE, LINE, NORMAL, _axes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = (NORMAL, DEFECTIVE, LINE, "#009E73")


def toy_patches(seed: int = 1) -> np.ndarray:
    """Return 700 patches of two channels (700, 2) float32: two crowds, a thin bridge between them, eight rare ones."""
    rng = np.random.default_rng(seed)
    crowds = [rng.normal(middle, spread, (many, 2)) for middle, spread, many in (
        ((-2.2, -0.8), 0.45, 430), ((1.9, 0.9), 0.55, 220), ((2.6, -1.7), 0.12, 8))]  # fmt: skip
    along = rng.uniform(0, 1, (42, 1))
    bridge = np.array([-2.2, -0.8]) + along * [3.6, 2.6] + rng.normal(0, 0.12, (42, 2))
    return rng.permutation(np.concatenate([*crowds, bridge])).astype(np.float32)


def _to_nearest(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Return the distance of each point (N, 2) to the nearest centre (k, 2), (N,)."""
    return np.linalg.norm(points[:, None] - centres, axis=2).min(axis=1)


def plot_covering(
    points: np.ndarray,
    choices: Mapping[str, np.ndarray],
    *,
    numbers: bool = False,
    columns: int = 3,
    discs: bool = True,
    absent: Mapping[str, np.ndarray] | None = None,
) -> tuple[Figure, str]:
    """Draw points (N, 2) once for each choice of centres (k, 2), with discs as wide as its covering radius.

    The point that is covered worst is crossed out; `numbers` writes the order beside the centres; `absent` draws, in
    the choices of these names, a hollow circle where a centre (2,) is missing.
    """
    if np.ndim(points) != 2 or np.shape(points)[1] != 2 or not choices:
        raise InputError(f"points has shape {np.shape(points)}, expected (N, 2), and at least one choice of centres.")
    from matplotlib.patches import Circle

    columns = min(columns, len(choices))
    rows = -(-len(choices) // columns)
    size = (2.8 * columns + 0.3, 2.3 * rows)
    figure, axes = _axes(rows, columns, size, squeeze=False, sharex=True, sharey=True)
    for axis in axes.flat[len(choices) :]:
        axis.set_axis_off()
    told, edges = [], np.stack([points.min(axis=0) - 0.6, points.max(axis=0) + 0.6])
    for axis, (title, centres) in zip(axes.flat, choices.items(), strict=False):
        distances = _to_nearest(points, centres)
        worst, radius = points[distances.argmax()], float(distances.max())
        for centre in centres if discs else ():
            axis.add_patch(Circle(centre, radius, facecolor=DEFECTIVE, alpha=0.10, edgecolor="none"))
            axis.add_patch(Circle(centre, radius, fill=False, edgecolor=DEFECTIVE, linewidth=0.6))
        axis.plot(*points.T, ".", color=NORMAL, markersize=2.5)
        axis.plot(*centres.T, "o", color=LINE, markersize=5)
        if title in (absent or {}):
            axis.plot(*absent[title], "o", color=LINE, markersize=9, markerfacecolor="none", markeredgewidth=2)
        if discs:
            axis.plot(*worst, "X", color=DEFECTIVE, markersize=10, markeredgecolor="white")
        for i, centre in enumerate(centres if numbers else (), 1):
            axis.annotate(str(i), centre, (4, 4), textcoords="offset points", fontsize=9, weight="bold")
        axis.set_title(f"{title}: radius {radius:.2f}" if discs else title, fontsize=10)
        axis.set(aspect="equal", xlim=edges[:, 0], ylim=edges[:, 1])
        told.append(f"{title} {radius:.2f}")
    for axis in axes[-1]:
        axis.set_xlabel("channel 1")
    for axis in axes[:, 0]:
        axis.set_ylabel("channel 2")
    if not discs:
        return figure, f"{len(points)} patches of two channels, the chosen ones large: {', '.join(choices)}."
    return figure, (
        f"{len(points)} patches of two channels, the chosen ones large with discs of the covering radius around them, "
        f"and a cross on the patch that is covered worst. Radius: {', '.join(told)}."
        + (" A hollow circle stands for the one that is missing." if absent else "")
    )


def plot_lines(
    lines: Mapping[str, Sequence[np.ndarray]],
    sentence: str,
    *,
    x: str,
    y: str,
    log: str = "",
    at: Mapping[str, float] | None = None,
    beside: bool = False,
) -> tuple[Figure, str]:
    """Draw lines {name: (x, y)}, or with an interval as (x, y, low, high); `log` names the axes drawn so: "x", "xy".

    `at` draws upright dotted lines, {name: x}; `beside` puts the legend outside, where it covers nothing.
    """
    if not lines or any(len(line) not in (2, 4) for line in lines.values()):
        raise InputError("Each line wants (x, y), or (x, y, low, high) with an interval.")
    figure, axis = _axes(1, 1, (6, 3.4))
    for i, (name, (across, up, *interval)) in enumerate(lines.items()):
        look = {"color": COLOURS[i % 4], "linestyle": STYLES[i % 4], "label": name}
        axis.plot(across, up, marker=MARKS[i % 5] if len(across) <= 20 else None, **look)
        if interval:
            axis.vlines(across, *interval, color=COLOURS[i % 4], linewidth=5, alpha=0.25)
    for name, place in (at or {}).items():
        axis.axvline(place, color=LINE, linestyle=":", linewidth=0.8)
        axis.annotate(
            name, (place, 1), (-3, -4), xycoords=("data", "axes fraction"), textcoords="offset points",
            rotation=90, ha="right", va="top", fontsize=8,
        )  # fmt: skip
    axis.set(xlabel=x, ylabel=y)
    if "x" in log:
        axis.set_xscale("log")
    if "y" in log:
        axis.set_yscale("log")
    axis.legend(**({"loc": "center left", "bbox_to_anchor": (1.01, 0.5)} if beside else {}))
    return figure, sentence


def plot_spreads(values: Mapping[str, np.ndarray], *, x: str, what: str) -> tuple[Figure, str]:
    """Draw histograms {name: values (N,)} over one another, as shares, and name each one's median."""
    figure, axis = _axes(1, 1, (6, 3.1))
    every = np.concatenate([np.ravel(v) for v in values.values()])
    bins = np.linspace(every.min(), np.quantile(every, 0.999), 61)
    for i, (name, of) in enumerate(values.items()):
        weights = np.full(np.size(of), 1 / np.size(of))
        axis.hist(np.ravel(of), bins, weights=weights, histtype="step", linewidth=2, color=COLOURS[i % 4],
                  linestyle=STYLES[i % 4], label=name)  # fmt: skip
    axis.set(xlabel=x, ylabel="share")
    axis.legend()
    medians = ", ".join(f"{name} {np.median(of):.2f}" for name, of in values.items())
    return figure, f"{what}. Medians: {medians}."


def plot_pool(nearest: np.ndarray, size: int) -> tuple[Figure, str]:
    """Draw distances (N,) from the largest to the smallest, the pool of the `size` farthest patches, and its floor."""
    falling = np.sort(nearest)[::-1]
    if not 0 < size < len(falling):
        raise InputError(f"size is {size}, expected a number of patches above 0 and below all, {len(falling)}.")
    figure, axis = _axes(1, 1, (6, 3.1))
    axis.semilogx(np.arange(1, len(falling) + 1), falling, color=NORMAL, linewidth=2)
    axis.axvspan(1, size, color=DEFECTIVE, alpha=0.15, label=f"pool: the {size:,} farthest")
    axis.axhline(falling[size - 1], color=LINE, linestyle=":", label=f"floor: {falling[size - 1]:.2f}")
    axis.set(xlabel="patches, from the farthest (log scale)", ylabel="distance to nearest chosen")
    axis.legend(loc="lower left")
    return figure, (
        f"Distances of {len(falling):,} patches to the nearest chosen one, falling from {falling[0]:.2f} to "
        f"{falling[-1]:.2f}. The pool holds the {size:,} farthest; none outside is farther than its floor, "
        f"{falling[size - 1]:.2f}."
    )


def plot_times(seconds: Mapping[str, float]) -> tuple[Figure, str]:
    """Draw how long several ways took, {name: seconds}, on a logarithmic scale."""
    figure, axis = _axes(1, 1, (6.4, 0.45 * len(seconds) + 0.9))
    names = list(seconds)
    axis.barh(names, list(seconds.values()), color=NORMAL, height=0.6)
    told = {name: f"{value:.0f}" if value >= 10 else f"{value:.2g}" for name, value in seconds.items()}
    for i, (name, value) in enumerate(seconds.items()):
        axis.annotate(f"{told[name]} s", (value, i), (4, 0), textcoords="offset points", va="center")
    axis.set(xlabel="seconds (log scale)", xscale="log", xlim=(min(seconds.values()) / 3, max(seconds.values()) * 3))
    axis.invert_yaxis()
    return figure, "Seconds: " + ", ".join(f"{name} {value}" for name, value in told.items()) + "."


def plot_intervals(names: Sequence[str], drawn: Sequence[np.ndarray] | np.ndarray, *, x: str) -> tuple[Figure, str]:
    """Draw redrawn differences (names, draws): the median of each, and the interval that holds 95 %."""
    if np.ndim(drawn) != 2 or len(drawn) != len(names):
        raise InputError(f"drawn has shape {np.shape(drawn)}, expected ({len(names)}, draws).")
    figure, (low, middle, high) = draw_intervals(names, drawn, x=x, row=0.34)
    rows = zip(names, middle, low, high, strict=True)
    told = "; ".join(f"{name} {m:+.3f} ({a:+.3f} to {b:+.3f})" for name, m, a, b in rows)
    return figure, f"{x[0].upper()}{x[1:]}, median and interval of 95 %: {told}."
