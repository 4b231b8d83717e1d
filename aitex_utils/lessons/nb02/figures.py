"""Figures of notebook 02: a toy with two channels, in which patches are points of a plane; each with a caption."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from aitex_utils.errors import InputError
from aitex_utils.lessons.wording import check_values, count, percent
from aitex_utils.plots import DEFECTIVE, LINE, MAP_COLOURS, NORMAL, make_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SPAN = (-4.2, 4.2, -2.8, 3.0)  # part of the plane that is drawn: left, right, bottom, top


def plane_points(columns: int = 85, rows: int = 59) -> tuple[np.ndarray, tuple[int, int]]:
    """Return points on a grid over the plane, row by row from the bottom.

    Parameters
    ----------
    columns, rows : int
        Size of the grid.

    Returns
    -------
    points : ndarray, shape (rows * columns, 2)
    shape : tuple of int
        (rows, columns).

    Examples
    --------
    >>> points, shape = plane_points(3, 2)
    >>> points[0].tolist(), shape
    ([-4.2, -2.8], (2, 3))
    """
    across, up = np.meshgrid(np.linspace(*SPAN[:2], columns), np.linspace(*SPAN[2:], rows))
    return np.stack([across.ravel(), up.ravel()], axis=1), (rows, columns)


def plot_fields(
    bank: np.ndarray,
    fields: Mapping[str, np.ndarray],
    points: Mapping[str, np.ndarray] | None = None,
    *,
    added: Mapping[str, np.ndarray] | None = None,
    label: str = "patch-level anomaly score",
    step: float = 0.5,
) -> tuple[Figure, str]:
    """Draw values over the plane side by side on one scale, with the memory bank and named points on top.

    Parameters
    ----------
    bank : ndarray, shape (M, 2)
        Vectors of the memory bank.
    fields : mapping of str to ndarray, each of shape (rows, columns)
        Values at `plane_points`, by title.
    points : mapping of str to ndarray, each of shape (2,), optional
        Points by name: diamonds if the name contains "normal", crosses otherwise.
    added : mapping of str to ndarray, each of shape (m, 2), optional
        Further vectors that only the bank of the field with this title contains.
    label : str
        What the values are.
    step : float
        Difference between two contours.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If the fields differ in shape, are not 2-D or not finite, or `added` names no field.

    Examples
    --------
    >>> plot_fields(np.zeros((1, 2)), {"distance": np.full((59, 85), 2.0)})[1]
    'Memory bank of size 1 in the plane of two channels; patch-level anomaly score on one scale from 0 to 2.0. \
distance: highest 2.00.'
    """
    points, added = points or {}, added or {}
    shapes = {np.shape(field) for field in fields.values()}
    if len(shapes) != 1 or len(next(iter(shapes))) != 2 or min(next(iter(shapes))) < 2:
        raise InputError(
            f"The fields have shapes {sorted(shapes)}, expected one (rows, columns) of at least 2 x 2: reshape them."
        )
    check_values(fields)
    if unknown := sorted(set(added) - set(fields)):
        raise InputError(f"added is for {unknown[0]!r}, expected one of the fields: {', '.join(fields)}.")
    banks = {title: np.concatenate([bank, added[title]]) if title in added else bank for title in fields}
    high = max(float(field.max()) for field in fields.values())
    figure, axes = make_axes(1, len(fields), (4.6 * len(fields) + 0.8, 3.6), squeeze=False, sharey=True)
    for axis, (title, field) in zip(axes[0], fields.items(), strict=True):
        drawn = axis.imshow(field, origin="lower", extent=SPAN, cmap=MAP_COLOURS, vmin=0, vmax=high)
        contours = np.arange(step, max(high, 1.5 * step), step)
        axis.contour(field, levels=contours, extent=SPAN, colors="white", linewidths=0.4)
        _draw_points(axis, points)
        axis.plot(*banks[title].T, "o", color="white", markersize=4, markeredgecolor=LINE, markeredgewidth=0.6)
        axis.set(title=title, xlabel="channel 1")
    axes[0, 0].set_ylabel("channel 2")
    figure.colorbar(drawn, ax=axes, label=label, fraction=0.03, pad=0.01)
    sizes = " or ".join(str(size) for size in dict.fromkeys(len(vectors) for vectors in banks.values()))
    caption = f"Memory bank of size {sizes} in the plane of two channels; {label} on one scale from 0 to {high:.1f}"
    for title, field in fields.items():
        values = ", ".join(f"{name} {_value_at(field, point):.2f}" for name, point in points.items())
        caption += f". {title}: {values or f'highest {field.max():.2f}'}"
    return figure, caption + "."


def plot_patch(
    bank: np.ndarray,
    patch: np.ndarray,
    nearest: int,
    *,
    neighbours: np.ndarray | None = None,
    note: str = "",
) -> tuple[Figure, str]:
    """Draw a patch, the memory bank, and the distance between the patch and its nearest vector.

    Parameters
    ----------
    bank : ndarray, shape (M, 2)
        Vectors of the memory bank.
    patch : ndarray, shape (2,)
        Patch.
    nearest : int
        Index of the nearest vector m*.
    neighbours : ndarray, shape (b,), optional
        Indices of vectors that are drawn with a ring: the neighbours of m* in the reweighted score.
    note : str
        End of the caption, without a full stop.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_patch(np.array([[3.0, 1.0]]), np.array([3.0, 0.0]), 0)[1]
    'The patch at (3.0, 0.0): its nearest vector is at (3.0, 1.0), at a distance of 1.00.'
    """
    check_values({"bank": bank, "patch": patch})
    figure, axis = make_axes(1, 1, (6.4, 4.6))
    m_star = bank[nearest]
    distance = float(np.linalg.norm(patch - m_star))
    axis.plot(*bank.T, "o", color=NORMAL, markersize=6, label="memory bank")
    if neighbours is not None:
        label = f"the {len(neighbours)} nearest to m*"
        ring = {"color": "none", "markeredgecolor": LINE, "markersize": 11, "markeredgewidth": 1.4}
        axis.plot(*bank[neighbours].T, "o", label=label, **ring)
        for vector in bank[neighbours]:
            axis.plot(*zip(patch, vector, strict=True), color=LINE, linewidth=0.5, linestyle=":")
    axis.plot(*zip(patch, m_star, strict=True), color=DEFECTIVE, linewidth=2)
    angle = np.linspace(0, 2 * np.pi, 100)
    axis.plot(patch[0] + distance * np.cos(angle), patch[1] + distance * np.sin(angle), color=DEFECTIVE, linewidth=0.7)
    axis.plot(*m_star, "s", color=NORMAL, markersize=10, markeredgecolor="white", label="m*, the nearest")
    axis.plot(*patch, "X", color=DEFECTIVE, markersize=12, markeredgecolor="white", label="p, the patch")
    axis.set(xlim=SPAN[:2], ylim=SPAN[2:], aspect="equal", xlabel="channel 1", ylabel="channel 2")
    axis.legend(loc="lower right", fontsize=8)
    axis.set_title(f"distance {distance:.2f}", fontsize=10)
    x, y = np.round(m_star, 1) + 0.0  # no minus before a zero
    caption = f"The patch at ({patch[0]:.1f}, {patch[1]:.1f}): its nearest vector is at ({x:.1f}, {y:.1f}), "
    return figure, f"{caption}at a distance of {distance:.2f}{'. ' + note if note else ''}."


def plot_refolded(maps: Mapping[str, np.ndarray]) -> tuple[Figure, str]:
    """Draw feature maps of three channels as red, green and blue, side by side.

    Parameters
    ----------
    maps : mapping of str to ndarray, each of shape (3, H', W')
        Feature maps by title, values 0 to 1; the first one is the original.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_refolded({"map": np.zeros((3, 2, 2)), "other": np.ones((3, 2, 2))})[1]
    'Three channels as red, green and blue. Positions with the same colour as in the first map: map 100 %; other 0 %.'
    """
    check_values(maps)
    figure, axes = make_axes(1, len(maps), (3 * len(maps), 2.6), squeeze=False)
    original, shares = next(iter(maps.values())), []
    for axis, (title, feature_map) in zip(axes[0], maps.items(), strict=True):
        axis.imshow(feature_map.transpose(1, 2, 0))  # (3, H', W') -> (H', W', 3, origin="upper")
        axis.set(title=title, xlabel="w", ylabel="h")
        shares.append(f"{title} {percent(np.isclose(feature_map, original).all(axis=0).mean())}")
    caption = "Three channels as red, green and blue. Positions with the same colour as in the first map: "
    return figure, f"{caption}{'; '.join(shares)}."


def plot_image_scores(maps: Mapping[str, np.ndarray], scores: Mapping[str, Mapping[str, float]]) -> tuple[Figure, str]:
    """Draw the distances of tiles on one scale, and their image-level scores as bars.

    Parameters
    ----------
    maps : mapping of str to ndarray, each of shape (H', W')
        Distances of one or two tiles, by name.
    scores : mapping of str to mapping of str to float
        For each image-level score, its value for each tile.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_image_scores({"knot": np.eye(2)}, {"max": {"knot": 1.0}})[1]
    'Maps of distances on one scale, and their image-level scores. max: knot 1.00.'
    """
    if len(maps) > 2:
        raise InputError(f"There are {len(maps)} tiles, expected one or two: the bars have two looks.")
    check_values(maps)
    figure, axes = make_axes(1, len(maps) + 1, (3 * len(maps) + 3.4, 2.8))
    low, high = min(m.min() for m in maps.values()), max(m.max() for m in maps.values())
    for axis, (title, distances) in zip(axes, maps.items(), strict=False):
        drawn = axis.imshow(distances, cmap=MAP_COLOURS, vmin=low, vmax=high, origin="upper")
        axis.set(title=title, xticks=[], yticks=[])
    figure.colorbar(drawn, ax=axes[:-1], label="distance", fraction=0.05, pad=0.01)
    bars, width = axes[-1], 0.8 / len(maps)
    for i, (title, colour, hatch) in enumerate(zip(maps, (NORMAL, DEFECTIVE), ("", "//"), strict=False)):
        heights = [by_tile[title] for by_tile in scores.values()]
        places = np.arange(len(scores)) + i * width
        bars.bar(places, heights, width, color=colour, hatch=hatch, edgecolor="white", label=title)
    bars.set_xticks(np.arange(len(scores)) + width * (len(maps) - 1) / 2, list(scores))
    bars.set_ylabel("image-level score")
    bars.legend(fontsize=8)
    listed = "; ".join(
        f"{kind}: {', '.join(f'{title} {value:.2f}' for title, value in by_tile.items())}"
        for kind, by_tile in scores.items()
    )
    return figure, f"Maps of distances on one scale, and their image-level scores. {listed}."


def plot_steps(steps: Mapping[str, str]) -> tuple[Figure, str]:
    """Draw the steps of a pipeline as boxes from left to right.

    Parameters
    ----------
    steps : mapping of str to str
        What each step makes, by its name.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_steps({"cut": "tiles", "extract": "patches"})[1]
    '2 steps, one after the other. 1. cut: tiles; 2. extract: patches.'
    """
    if not steps:
        raise InputError("There is nothing to draw: give at least one step.")
    figure, axis = make_axes(1, 1, (11, 1.7))
    axis.set(xlim=(0, len(steps)), ylim=(0, 1))
    axis.set_axis_off()
    for i, (name, result) in enumerate(steps.items()):
        box = {"boxstyle": "round,pad=0.5", "facecolor": "#E8F1F8", "edgecolor": NORMAL}
        axis.text(i + 0.5, 0.68, f"{i + 1}. {name}", ha="center", va="center", fontsize=11, weight="bold", bbox=box)
        axis.text(i + 0.5, 0.2, result, ha="center", va="center", fontsize=9)
        if i:
            axis.annotate("", (i + 0.12, 0.68), (i - 0.12, 0.68), arrowprops={"arrowstyle": "->", "color": LINE})
    listed = "; ".join(f"{i}. {name}: {' '.join(result.split())}" for i, (name, result) in enumerate(steps.items(), 1))
    return figure, f"{count(len(steps), 'step')}{', one after the other' if len(steps) > 1 else ''}. {listed}."


def _draw_points(axis: Axes, points: Mapping[str, np.ndarray]) -> None:
    """Draw named points (2,), each with its name above it."""
    box = {"boxstyle": "round,pad=.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}
    for name, point in points.items():
        marker, colour = ("D", NORMAL) if "normal" in name else ("X", DEFECTIVE)
        axis.plot(*point, marker, color=colour, markersize=9, markeredgecolor="white")
        axis.annotate(name, point, (0, 9), textcoords="offset points", ha="center", fontsize=9, bbox=box)


def _value_at(field: np.ndarray, point: np.ndarray) -> float:
    """Return the value of a field at the grid point nearest to a point."""
    rows, columns = field.shape
    column = round((float(point[0]) - SPAN[0]) / (SPAN[1] - SPAN[0]) * (columns - 1))
    row = round((float(point[1]) - SPAN[2]) / (SPAN[3] - SPAN[2]) * (rows - 1))
    return float(field[min(max(row, 0), rows - 1), min(max(column, 0), columns - 1)])
