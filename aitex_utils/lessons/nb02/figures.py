"""Figures of notebook 02, each with a caption: patches as points in a plane, shapes, scores, and tiles of fabric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from aitex_utils.errors import InputError
from aitex_utils.lessons.wording import check_values, count, percent
from aitex_utils.plots import DEFECTIVE, LINE, MAP_COLOURS, NORMAL, draw_outline, make_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SPAN = (-4.2, 4.2, -2.8, 3.0)  # part of the plane that is drawn: left, right, bottom, top
NEAR = 8  # px: a peak at most this far from a mask, or from a tile's edge, counts as in the mask, or at the edge


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
        Label of the colour bar, and name of the values in the caption.
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
    'Memory bank of size 1 in the plane of two channels, with the patch-level anomaly score on one scale \
from 0 to 2.0. distance: highest 2.00.'
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
    caption = f"Memory bank of size {sizes} in the plane of two channels, with the {label} on one scale from 0 "
    caption += f"to {high:.1f}"
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
    'The nearest vector of the patch at (3.0, 0.0) is the vector at (3.0, 1.0). Their distance is 1.00.'
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
    caption = f"The nearest vector of the patch at ({patch[0]:.1f}, {patch[1]:.1f}) is the vector at ({x:.1f}, {y:.1f})"
    return figure, f"{caption}. Their distance is {distance:.2f}{'. ' + note if note else ''}."


def plot_nearest(bank: np.ndarray, x: float, y: float) -> tuple[Figure, str]:
    """Draw the patch (x, y) and its nearest vector of the memory bank.

    Parameters
    ----------
    bank : ndarray, shape (M, 2)
        Vectors of the memory bank.
    x, y : float
        Channels of the patch.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_nearest(np.array([[3.0, 1.0]]), 3.0, 0.0)[1]
    'The nearest vector of the patch at (3.0, 0.0) is the vector at (3.0, 1.0). Their distance is 1.00.'
    """
    patch = np.array([x, y])
    check_values({"bank": bank, "patch": patch})
    return plot_patch(bank, patch, int(np.linalg.norm(bank - patch, axis=1).argmin()))


def plot_reweighted(bank: np.ndarray, x: float, y: float, b: int) -> tuple[Figure, str]:
    """Draw the patch (x, y), its nearest vector m*, and the b vectors nearest to m*, with the factor of equation 7.

    Parameters
    ----------
    bank : ndarray, shape (M, 2)
        Vectors of the memory bank.
    x, y : float
        Channels of the patch.
    b : int
        Number of vectors in the sum, m* included.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_reweighted(np.array([[3.0, 1.0], [3.0, 2.0]]), 3.0, 0.0, 2)[1].split(". ")[-1]
    'The factor is 0.731, so s* = 1.00 becomes s = 0.73 (lowest possible factor with b = 2: 0.500).'
    """
    patch = np.array([x, y])
    check_values({"bank": bank, "patch": patch})
    to_patch = np.linalg.norm(bank - patch, axis=1)
    m_star = int(to_patch.argmin())
    neighbours = np.linalg.norm(bank - bank[m_star], axis=1).argsort()[:b]
    distance = float(to_patch[m_star])
    factor = 1 - 1 / np.exp(to_patch[neighbours] - distance).sum()
    note = f"The factor is {factor:.3f}, so s* = {distance:.2f} becomes s = {factor * distance:.2f} "
    note += f"(lowest possible factor with b = {b}: {1 - 1 / b:.3f})"
    return plot_patch(bank, patch, m_star, neighbours=neighbours, note=note)


def plot_coreset(bank: np.ndarray, kept: np.ndarray, radius: float) -> tuple[Figure, str]:
    """Draw a memory bank and its coreset, numbered in the order of choice, with circles of the covering radius.

    Parameters
    ----------
    bank : ndarray, shape (M, 2)
        Vectors of the memory bank.
    kept : ndarray, shape (k,)
        Indices of the coreset's vectors, in the order of choice.
    radius : float
        Covering radius.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_coreset(np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([1]), 1.0)[1]
    'Coreset: 1 of 2 patches, numbered in the order of choice. Circles of the covering radius 1.00 cover all.'
    """
    check_values({"bank": bank, "radius": np.array(radius)})
    figure, axis = make_axes(1, 1, (6.4, 4.2))
    axis.plot(*bank.T, "o", color=NORMAL, markersize=4)
    angle = np.linspace(0, 2 * np.pi, 80)
    for order, m in enumerate(bank[kept], 1):
        axis.plot(m[0] + radius * np.cos(angle), m[1] + radius * np.sin(angle), ":", color=LINE, linewidth=0.7)
        axis.plot(*m, "s", color=LINE, markersize=7)
        axis.annotate(str(order), m, (6, 5), textcoords="offset points", weight="bold")
    axis.set(aspect="equal", xlabel="channel 1", ylabel="channel 2")
    caption = f"Coreset: {len(kept)} of {count(len(bank), 'patch', 'patches')}, numbered in the order of choice. "
    return figure, f"{caption}Circles of the covering radius {radius:.2f} cover all."


def plot_refolded(maps: Mapping[str, np.ndarray]) -> tuple[Figure, str]:
    """Draw feature maps of three channels as red, green and blue, side by side.

    Parameters
    ----------
    maps : mapping of str to ndarray, each of shape (3, H', W')
        Feature maps by title, values 0 to 1. The first map is the original.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_refolded({"map": np.zeros((3, 2, 2)), "other": np.ones((3, 2, 2))})[1]
    'Three channels as red, green and blue. Positions with the same colour as in the first map: map 100 %, other 0 %.'
    """
    check_values(maps)
    figure, axes = make_axes(1, len(maps), (3 * len(maps), 2.6), squeeze=False)
    original, shares = next(iter(maps.values())), []
    for axis, (title, feature_map) in zip(axes[0], maps.items(), strict=True):
        axis.imshow(feature_map.transpose(1, 2, 0))  # (3, H', W') -> (H', W', 3)
        axis.set(title=title, xlabel="w", ylabel="h")
        shares.append(f"{title} {percent(np.isclose(feature_map, original).all(axis=0).mean())}")
    caption = "Three channels as red, green and blue. Positions with the same colour as in the first map: "
    return figure, f"{caption}{', '.join(shares)}."


def plot_image_scores(maps: Mapping[str, np.ndarray], scores: Mapping[str, Mapping[str, float]]) -> tuple[Figure, str]:
    """Draw the distances of tiles on one scale, and their image scores as bars.

    Parameters
    ----------
    maps : mapping of str to ndarray, each of shape (H', W')
        Distances of one or two tiles, by name.
    scores : mapping of str to mapping of str to float
        Value for each tile, by image score.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_image_scores({"knot": np.eye(2)}, {"max": {"knot": 1.0}})[1]
    'Distances on one scale, and the image scores. max: knot 1.00.'
    """
    if len(maps) > 2:
        raise InputError(f"There are {len(maps)} tiles, expected one or two: there are two styles of bars.")
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
    bars.set_ylabel("image score")
    bars.legend(fontsize=8)
    listed = ". ".join(
        f"{kind}: {', '.join(f'{title} {value:.2f}' for title, value in by_tile.items())}"
        for kind, by_tile in scores.items()
    )
    return figure, f"Distances on one scale, and the image scores. {listed}."


def plot_steps(rows: Mapping[str, Sequence[tuple[str, str, tuple[int, ...]]]]) -> tuple[Figure, str]:
    """Draw the steps from a tile to its results as shapes from left to right, one row per phase.

    Parameters
    ----------
    rows : mapping of str to sequence of (str, str, tuple of int)
        For each phase, its steps: name of the step, name of the result, and shape of the result. An optional step,
        with a name that begins with "optional", has a dashed arrow.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_steps({"Fit": [("", "tile", (256, 256)), ("extract", "feature map", (152, 32, 32))]})[1]
    'Fit: tile (256, 256), extract, feature map (152, 32, 32).'
    """
    if not rows or not all(rows.values()):
        raise InputError("There is nothing to draw: give at least one step.")
    longest = max(map(len, rows.values()))
    figure, axis = make_axes(1, 1, (2.1 * longest, 2.2 * len(rows)))
    axis.set(xlim=(-0.6, longest - 0.4), ylim=(0.5 - 1.1 * len(rows), 0.6), aspect="equal")
    axis.set_axis_off()
    parts = []
    for row, (phase, steps) in enumerate(rows.items()):
        axis.text(-0.55, 0.44 - 1.1 * row, phase, fontsize=11, weight="bold")
        for column, (step, result, shape) in enumerate(steps):
            y = -1.1 * row
            _draw_shape(axis, column, y, shape)
            shown = f"({', '.join(f'{n:,}' for n in shape)}{',' * (len(shape) == 1)})" if shape else "one number"
            axis.text(column, y - 0.44, f"{result}\n{shown}", ha="center", va="center", fontsize=9)
            if column:
                dashed = "--" if step.startswith("optional") else "-"
                arrow = {"arrowstyle": "->", "color": LINE, "linestyle": dashed}
                axis.annotate("", (column - 0.33, y), (column - 0.67, y), arrowprops=arrow)
                axis.text(column - 0.5, y + 0.06, step, ha="center", va="bottom", fontsize=9)
        words = [" ".join(f"{step}, {result} {shape}".split()).lstrip(", ") for step, result, shape in steps]
        parts.append(f"{phase}: {', '.join(words)}".replace(" ()", ""))
    return figure, ". ".join(parts) + "."


def plot_found(tiles: np.ndarray, masks: np.ndarray, maps: np.ndarray, defects: Sequence[str]) -> tuple[Figure, str]:
    """Draw defective tiles with the outlines of their masks above their anomaly maps on one scale.

    Parameters
    ----------
    tiles, masks, maps : ndarray, each of shape (N, H, W)
        Grey tiles, their ground-truth masks and their anomaly maps.
    defects : sequence of str
        Name of the defect of each tile.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If the counts differ, or a map contains NaN.

    Examples
    --------
    >>> maps = np.arange(1024.0).reshape(1, 32, 32)
    >>> plot_found(np.zeros((1, 32, 32), np.uint8), maps == 1023, maps, ["nep"])[1]
    'Defective tiles with outlined masks, above their anomaly maps on one scale. Highest score: nep 1023.0.'
    """
    if not len(tiles) == len(masks) == len(maps) == len(defects):
        raise InputError(f"There are {len(defects)} names for {len(tiles)} tiles, masks and maps: give each one.")
    check_values({"maps": maps})
    figure, axes = make_axes(2, len(tiles), (2.4 * len(tiles) + 0.6, 5), squeeze=False)
    for column, (tile, mask, anomaly_map, defect) in enumerate(zip(tiles, masks, maps, defects, strict=True)):
        above, below = axes[:, column]
        above.imshow(tile, cmap="gray", vmin=0, vmax=255, origin="upper")
        draw_outline(above, mask)
        above.set_title(defect, fontsize=10)
        drawn = below.imshow(anomaly_map, cmap=MAP_COLOURS, vmin=maps.min(), vmax=maps.max(), origin="upper")
        for axis in (above, below):
            axis.set(xticks=[], yticks=[])
    figure.colorbar(drawn, ax=axes[1], label="anomaly score", fraction=0.03, pad=0.01)
    listed = ", ".join(f"{defect} {m.max():.1f}" for defect, m in zip(defects, maps, strict=True))
    caption = "Defective tiles with outlined masks, above their anomaly maps on one scale. "
    return figure, f"{caption}Highest score: {listed}."


def describe_found(defects: Sequence[str], masks: np.ndarray, maps: np.ndarray) -> str:
    """Say in which tiles the highest score lies in the mask, and which of the other peaks lie at the tile's edge.

    Parameters
    ----------
    defects : sequence of str
        Name of the defect of each tile.
    masks, maps : ndarray, each of shape (N, H, W)
        Ground-truth masks and anomaly maps.

    Returns
    -------
    str

    Examples
    --------
    >>> maps = np.eye(32)[None] * np.arange(32)  # highest in the last corner
    >>> describe_found(["nep"], maps == 1, maps)
    'Highest score in the mask or within 8 px of it: 0 of 1 tile. Elsewhere: nep (at the edge of the tile).'
    """
    found, missed = 0, []
    for defect, mask, anomaly_map in zip(defects, masks, maps, strict=True):
        row, column = np.unravel_index(int(anomaly_map.argmax()), anomaly_map.shape)
        rows, columns = np.nonzero(mask)
        if len(rows) and np.maximum(np.abs(rows - row), np.abs(columns - column)).min() <= NEAR:
            found += 1
            continue
        height, width = anomaly_map.shape
        to_edge = min(row, column, height - 1 - row, width - 1 - column)
        missed.append(f"{defect} ({'at the edge' if to_edge < NEAR else 'inside'} of the tile)")
    text = f"Highest score in the mask or within {NEAR} px of it: {found} of {count(len(defects), 'tile')}."
    return f"{text} Elsewhere: {', '.join(missed)}." if missed else text


def describe_separation(normal: np.ndarray, defective: np.ndarray, name: str) -> str:
    """Say how many defective tiles have a higher score than all normal tiles.

    Parameters
    ----------
    normal, defective : ndarray, shape (n,)
        Image scores of normal and of defective tiles.
    name : str
        Name of the score.

    Returns
    -------
    str

    Examples
    --------
    >>> describe_separation(np.array([1.0, 2.0]), np.array([1.5, 4.0]), "maximum")
    'maximum: 1 of 2 defective tiles score above all 2 normal tiles (highest normal score 2.00).'
    """
    highest = float(np.max(normal))
    above = int((np.asarray(defective) > highest).sum())
    text = f"{name}: {above} of {len(defective)} defective tiles score above all {len(normal)} normal tiles "
    return f"{text}(highest normal score {highest:.2f})."


def _draw_shape(axis: Axes, x: float, y: float, shape: tuple[int, ...]) -> None:
    """Draw an array's shape around a point: a rectangle, a stack of rectangles, a column or a dot."""
    from matplotlib.patches import Rectangle

    if not shape:
        axis.plot(x, y, "o", color=NORMAL, markersize=10)
        return
    depth = 4 if len(shape) == 3 else 1
    height, width = shape[-2:] if len(shape) > 1 else (shape[0], 1)
    tall, wide = (0.05 * max(np.log2(n), 1) for n in (height, width))  # in the proportions of the logarithms
    for layer in range(depth):
        shift = 0.045 * (depth - 1 - layer)
        corner = x - wide / 2 + shift, y - tall / 2 + shift
        axis.add_patch(Rectangle(corner, wide, tall, facecolor="#E8F1F8", edgecolor=NORMAL))


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
