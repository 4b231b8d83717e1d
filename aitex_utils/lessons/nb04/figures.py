"""Figures of notebook 04: what a coreset covers, costs and is worth, each with a caption, as in `plots`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from aitex_utils.errors import InputError, check_integer
from aitex_utils.lessons.wording import check_values, count
from aitex_utils.plots import COLOURS, DEFECTIVE, LINE, LINE_STYLES, MARKERS, NORMAL, OUTSIDE, make_axes

from .toy import nearest_distances

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 3  # panels side by side
FEW = 20  # points of a line up to which each gets a marker


def plot_chosen(points: np.ndarray, choices: Mapping[str, np.ndarray]) -> tuple[Figure, str]:
    """Draw patches of two channels once per choice, the chosen patches large.

    Parameters
    ----------
    points : ndarray, shape (N, 2)
        Patches.
    choices : mapping of str to ndarray of shape (k, 2)
        Centres by the title of their panel.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If the points do not lie in a plane, or there is no choice.

    Examples
    --------
    >>> points = np.array([[0.0, 0.0], [3.0, 4.0]])
    >>> plot_chosen(points, {"first": points[:1]})[1]
    '2 patches of two channels, the chosen patches large: first.'
    """
    figure, axes = _plane_panels(points, choices)
    for axis, (title, centres) in zip(axes, choices.items(), strict=True):
        _draw_points(axis, points, centres)
        axis.set_title(title, fontsize=10)
    return (
        figure,
        f"{count(len(points), 'patch', 'patches')} of two channels, the chosen patches large: {', '.join(choices)}.",
    )


def plot_covering(
    points: np.ndarray,
    choices: Mapping[str, np.ndarray],
    *,
    numbered: bool = False,
    absent: Mapping[str, np.ndarray] | None = None,
) -> tuple[Figure, str]:
    """Draw the covering radius of several choices: discs around the centres, a cross on the patch covered worst.

    Parameters
    ----------
    points : ndarray, shape (N, 2)
        Patches.
    choices : mapping of str to ndarray of shape (k, 2)
        Centres by the title of their panel.
    numbered : bool
        Write the order of choice beside the centres.
    absent : mapping of str to ndarray of shape (2,), optional
        By title, a centre that the choice lacks, drawn as a hollow circle.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If the points do not lie in a plane, or there is no choice.

    Examples
    --------
    >>> points = np.array([[0.0, 0.0], [3.0, 4.0]])
    >>> plot_covering(points, {"first": points[:1]})[1].split(". ")[-1]
    'Radius: first 5.00.'
    """
    figure, axes = _plane_panels(points, choices)
    absent, radii = absent or {}, {}
    for axis, (title, centres) in zip(axes, choices.items(), strict=True):
        distances = nearest_distances(points, centres)
        radii[title] = float(distances.max())
        _draw_discs(axis, centres, radii[title])
        _draw_points(axis, points, centres)
        if title in absent:
            axis.plot(*absent[title], "o", color=LINE, markersize=9, markerfacecolor="none", markeredgewidth=2)
        axis.plot(*points[distances.argmax()], "X", color=DEFECTIVE, markersize=10, markeredgecolor="white")
        for i, centre in enumerate(centres if numbered else (), 1):
            axis.annotate(str(i), centre, (4, 4), textcoords="offset points", fontsize=9, weight="bold")
        axis.set_title(f"{title}: radius {radii[title]:.2f}", fontsize=10)
    listed = ", ".join(f"{title} {radius:.2f}" for title, radius in radii.items())
    caption = (
        f"{count(len(points), 'patch', 'patches')} of two channels, the chosen patches large. Discs show the covering "
    )
    caption += "radius, and a cross marks a patch at that distance from its nearest centre."
    caption += " A hollow circle marks the missing patch." if absent else ""
    return figure, f"{caption} Radius: {listed}."


def plot_lines(
    lines: Mapping[str, Sequence[np.ndarray]],
    caption: str,
    *,
    xlabel: str,
    ylabel: str,
    xscale: str = "linear",
    yscale: str = "linear",
    legend_outside: bool = False,
) -> tuple[Figure, str]:
    """Draw lines, with intervals where they have some.

    Parameters
    ----------
    lines : mapping of str to sequence of ndarray
        By name, (x, y), or (x, y, low, high) with an interval at each point; all of shape (n,).
    caption : str
        Caption of the figure.
    xlabel, ylabel : str
        Labels of the axes.
    xscale, yscale : {"linear", "log"}
        Scales of the axes.
    legend_outside : bool
        Put the legend beside the axes, where it covers nothing.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If a line has neither two nor four arrays, its values do not fit the axes, or there is no line.

    Examples
    --------
    >>> x = np.array([1.0, 10.0])
    >>> plot_lines({"square": (x, x**2)}, "A parabola.", xlabel="x", ylabel="y", xscale="log")[1]
    'A parabola.'
    """
    if not lines or any(len(line) not in (2, 4) for line in lines.values()):
        raise InputError("Give at least one line, and each as (x, y), or as (x, y, low, high) with an interval.")
    for name, line in lines.items():
        check_values({f"{name}, x": line[0]}, positive=xscale == "log")
        check_values(
            {f"{name}, y": np.concatenate([np.ravel(values) for values in line[1:]])}, positive=yscale == "log"
        )
    figure, axis = make_axes(1, 1, (6, 3.4))
    for i, (name, (x, y, *interval)) in enumerate(lines.items()):
        colour, style = COLOURS[i % len(COLOURS)], LINE_STYLES[i % len(LINE_STYLES)]
        marker = MARKERS[i % len(MARKERS)] if len(x) <= FEW else None
        axis.plot(x, y, color=colour, linestyle=style, marker=marker, label=name)
        if interval:
            axis.vlines(x, *interval, color=colour, linewidth=5, alpha=0.25)
    axis.set(xlabel=xlabel, ylabel=ylabel, xscale=xscale, yscale=yscale)
    axis.legend(**(OUTSIDE if legend_outside else {}))
    return figure, caption


def plot_histograms(values: Mapping[str, np.ndarray], *, xlabel: str, title: str) -> tuple[Figure, str]:
    """Draw histograms over one another, as shares, and give the medians in the caption.

    Parameters
    ----------
    values : mapping of str to ndarray
        Values of any shape, by name.
    xlabel : str
        Label of the values' axis.
    title : str
        Name of the values, with which the caption begins.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_histograms({"a": np.arange(5.0)}, xlabel="distance", title="Distances")[1]
    'Distances. Medians: a 2.00.'
    """
    check_values(values)
    figure, axis = make_axes(1, 1, (6, 3.1))
    pooled = np.concatenate([np.ravel(part) for part in values.values()])
    bins = np.linspace(pooled.min(), np.quantile(pooled, 0.999), 61)
    for i, (name, part) in enumerate(values.items()):
        look = {"color": COLOURS[i % len(COLOURS)], "linestyle": LINE_STYLES[i % len(LINE_STYLES)], "label": name}
        weights = np.full(np.size(part), 1 / np.size(part))
        axis.hist(np.ravel(part), bins, weights=weights, histtype="step", linewidth=2, **look)
    axis.set(xlabel=xlabel, ylabel="share")
    axis.legend()
    medians = ", ".join(f"{name} {np.median(part):.2f}" for name, part in values.items())
    return figure, f"{title}. Medians: {medians}."


def plot_pool(distances: np.ndarray, pool_size: int) -> tuple[Figure, str]:
    """Draw distances from the largest to the smallest, the pool of the farthest patches, and its floor.

    Parameters
    ----------
    distances : ndarray, shape (N,)
        Distance of each patch to its nearest centre.
    pool_size : int
        Number of patches in the pool, 1 to N - 1.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If the size is out of range.

    Examples
    --------
    >>> plot_pool(np.array([1.0, 5.0, 3.0]), 2)[1].split(". ")[2]
    'Its floor, the smallest of their distances, is 3.00.'
    """
    check_values({"distances": distances})
    pool_size = check_integer("pool_size", pool_size, 1, len(distances) - 1, "one less than the number of patches")
    falling = np.sort(distances)[::-1]
    floor = falling[pool_size - 1]
    figure, axis = make_axes(1, 1, (6, 3.1))
    axis.semilogx(np.arange(1, len(falling) + 1), falling, color=NORMAL, linewidth=2)
    axis.axvspan(1, pool_size, color=DEFECTIVE, alpha=0.15, label=f"pool: the {pool_size:,} farthest")
    axis.axhline(floor, color=LINE, linestyle=":", label=f"floor: {floor:.2f}")
    axis.set(xlabel="patches, from the farthest (log scale)", ylabel="distance to nearest centre")
    axis.legend(loc="lower left")
    return figure, (
        f"Distances of {len(falling):,} patches to their nearest centre, from {falling[0]:.2f} to "
        f"{falling[-1]:.2f}. The pool contains the {pool_size:,} farthest. Its floor, the smallest of their distances, "
        f"is {floor:.2f}."
    )


def plot_times(seconds: Mapping[str, float | Sequence[float]]) -> tuple[Figure, str]:
    """Draw the times of several methods as dots, with their ranges, on a logarithmic scale.

    Parameters
    ----------
    seconds : mapping of str to float or (float, float, float)
        By name, a time, or the median, shortest and longest time of several runs.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_times({"slow": 212.34, "fast": (0.5, 0.4, 0.7)})[1]
    'Times in seconds on a logarithmic scale: slow 212, fast 0.5 (0.4 to 0.7).'
    """
    runs = {name: np.ravel(np.asarray(value)) for name, value in seconds.items()}
    check_values(runs or {}, positive=True)
    figure, axis = make_axes(1, 1, (6.4, 0.45 * len(runs) + 0.9))
    listed = []
    for row, (name, run) in enumerate(runs.items()):
        axis.hlines(row, run.min(), run.max(), color=NORMAL, linewidth=4, alpha=0.35)
        axis.plot(run[0], row, "o", color=NORMAL, markersize=7)
        middle, *ends = [f"{value:.0f}" if value >= 10 else f"{value:.2g}" for value in run]
        axis.annotate(f"{middle} s", (run.max(), row), (8, 0), textcoords="offset points", va="center", fontsize=9)
        listed.append(f"{name} {middle}" + (f" ({ends[0]} to {ends[1]})" if len(ends) == 2 else ""))
    lowest, highest = min(run.min() for run in runs.values()), max(run.max() for run in runs.values())
    axis.set(yticks=range(len(runs)), yticklabels=[str(name) for name in runs], ylim=(len(runs) - 0.5, -0.5))
    axis.set(xlabel="seconds (log scale)", xscale="log", xlim=(lowest / 2, highest * 3))
    return figure, f"Times in seconds on a logarithmic scale: {', '.join(listed)}."


def plot_greedy_step(points: np.ndarray, order: np.ndarray, radii: np.ndarray, steps: int) -> tuple[Figure, str]:
    """Draw greedy after some steps: its discs on the patches, and the covering radius against the number of steps.

    Parameters
    ----------
    points : ndarray, shape (N, 2)
        Patches.
    order : ndarray, shape (K,)
        Indices in the order of choice.
    radii : ndarray, shape (K,)
        Covering radius after each choice.
    steps : int
        Number of choices shown, 1 to K.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If steps is out of range, or the points do not lie in a plane.

    Examples
    --------
    >>> points = np.array([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]])
    >>> plot_greedy_step(points, np.array([0, 2]), np.array([10.0, 5.0]), 1)[1]
    'Greedy after 1 step, 1 of 3 patches chosen. The covering radius is 10.00. Index 2 is chosen next.'
    """
    _check_plane(points)
    check_values({"points": points, "radii": radii})
    steps = check_integer("steps", steps, 1, len(order), "the number of choices")
    centres, radius = points[np.asarray(order[:steps])], float(radii[steps - 1])
    worst = int(nearest_distances(points, centres).argmax())
    figure, (left, right) = make_axes(1, 2, (8.8, 3.4), width_ratios=[1.25, 1])
    _draw_discs(left, centres, radius)
    _draw_points(left, points, centres)
    left.plot(*points[worst], "X", color=DEFECTIVE, markersize=10, markeredgecolor="white")
    (low_x, low_y), (high_x, high_y) = points.min(axis=0) - 0.6, points.max(axis=0) + 0.6
    left.set(aspect="equal", xlim=(low_x, high_x), ylim=(low_y, high_y), xlabel="channel 1", ylabel="channel 2")
    left.set_title(f"{count(steps, 'step')}: radius {radius:.2f}", fontsize=10)
    right.plot(np.arange(1, len(radii) + 1), radii, color=NORMAL, linewidth=2)
    right.plot(steps, radius, "o", color=DEFECTIVE, markersize=8)
    right.set(xlabel="steps", ylabel="covering radius", ylim=(0, 1.05 * float(np.max(radii))))
    caption = f"Greedy after {count(steps, 'step')}, {steps} of {count(len(points), 'patch', 'patches')} chosen. "
    return figure, f"{caption}The covering radius is {radius:.2f}. Index {worst} is chosen next."


def plot_two_measures(sizes: Sequence[int], distances: Mapping[str, np.ndarray]) -> tuple[Figure, str]:
    """Draw the worst and the mean distance to the nearest centre against the coreset size, one line per sampler.

    Parameters
    ----------
    sizes : sequence of int
        Coreset sizes.
    distances : mapping of str to ndarray of shape (2, sizes)
        By sampler, the largest distance, then the mean distance.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If there is no sampler, or an array does not have two rows of finite values.

    Examples
    --------
    >>> plot_two_measures([5, 10], {"greedy": np.array([[2.0, 1.0], [0.5, 0.25]])})[1]
    'Distance to the nearest centre against the number of patches kept. At 10: greedy worst 1.00, mean 0.25.'
    """
    check_values(distances)
    for name, values in distances.items():
        if np.shape(values) != (2, len(sizes)):
            raise InputError(f"{name} has shape {np.shape(values)}, expected (2, {len(sizes)}).")
    figure, axes = make_axes(1, 2, (8.4, 3.2))
    for i, (name, rows) in enumerate(distances.items()):
        look = {"color": COLOURS[i], "linestyle": LINE_STYLES[i], "marker": MARKERS[i], "label": name}
        for axis, row in zip(axes, rows, strict=True):
            axis.plot(sizes, row, **look)
    titles = "worst patch (covering radius)", "mean over all patches"
    for axis, title in zip(axes, titles, strict=True):
        axis.set(xscale="log", xlabel="patches kept", ylabel="distance to nearest centre", ylim=(0, None))
        axis.set_xticks(list(sizes), [str(size) for size in sizes])
        axis.minorticks_off()
        axis.set_title(title, fontsize=10)
    axes[0].legend()
    listed = "; ".join(f"{name} worst {row[0, -1]:.2f}, mean {row[1, -1]:.2f}" for name, row in distances.items())
    return figure, (f"Distance to the nearest centre against the number of patches kept. At {sizes[-1]}: {listed}.")


def _check_plane(points: np.ndarray) -> None:
    """Refuse patches that do not lie in a plane."""
    if np.ndim(points) != 2 or np.shape(points)[1] != 2:
        raise InputError(f"points has shape {np.shape(points)}, expected (N, 2): give patches of two channels.")


def _plane_panels(points: np.ndarray, choices: Mapping[str, np.ndarray]) -> tuple[Figure, list[Axes]]:
    """Return a figure with one panel per choice, all with the same limits, and the panels."""
    _check_plane(points)
    if not choices:
        raise InputError("There is no choice of centres: give at least one, by its title.")
    check_values({"points": points, **choices})
    columns = min(COLUMNS, len(choices))
    rows = -(-len(choices) // columns)
    size = (2.8 * columns + 0.3, 2.3 * rows)
    figure, axes = make_axes(rows, columns, size, squeeze=False, sharex=True, sharey=True)
    (left, bottom), (right, top) = points.min(axis=0) - 0.6, points.max(axis=0) + 0.6
    for axis in axes.flat:
        axis.set(aspect="equal", xlim=(left, right), ylim=(bottom, top))
    for axis in axes.flat[len(choices) :]:
        axis.set_axis_off()
    for axis in axes[-1]:
        axis.set_xlabel("channel 1")
    for axis in axes[:, 0]:
        axis.set_ylabel("channel 2")
    return figure, list(axes.flat[: len(choices)])


def _draw_points(axis: Axes, points: np.ndarray, centres: np.ndarray) -> None:
    axis.plot(*points.T, ".", color=NORMAL, markersize=2.5)
    axis.plot(*centres.T, "o", color=LINE, markersize=5)


def _draw_discs(axis: Axes, centres: np.ndarray, radius: float) -> None:
    from matplotlib.patches import Circle

    for centre in centres:
        axis.add_patch(Circle(centre, radius, facecolor=DEFECTIVE, alpha=0.10, edgecolor="none"))
        axis.add_patch(Circle(centre, radius, fill=False, edgecolor=DEFECTIVE, linewidth=0.6))
