"""Figures of a toy with two channels, in which patches are points of a plane; each comes with a sentence on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from aitex_utils.errors import InputError
from aitex_utils.plots import DEFECTIVE, LINE, MAP_COLOURS, NORMAL, _axes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SPAN = (-4.2, 4.2, -2.8, 3.0)  # the part of the plane that is drawn: left, right, bottom, top


def plane(columns: int = 85, rows: int = 59) -> tuple[np.ndarray, tuple[int, int]]:
    """Return points all over the plane, (rows * columns, 2), row by row from the bottom, and (rows, columns)."""
    across, up = np.meshgrid(np.linspace(*SPAN[:2], columns), np.linspace(*SPAN[2:], rows))
    return np.stack([across.ravel(), up.ravel()], axis=1), (rows, columns)


def plot_fields(
    bank: np.ndarray | Mapping[str, np.ndarray],
    fields: Mapping[str, np.ndarray],
    points: Mapping[str, np.ndarray] | None = None,
    *,
    label: str = "anomaly signal",
    step: float = 0.5,
) -> tuple[Figure, str]:
    """Draw values over `plane()`, (rows, columns) each, on one scale; normals (M, 2) and named points (2,) on top.

    `bank` is one for all fields, or one for each by its title. Points whose name says that they are normal are drawn
    as diamonds, the others as crosses. `label` names the values, `step` is how far apart the contours are.
    """
    shapes = {np.shape(field) for field in fields.values()}
    if len(shapes) != 1 or len(next(iter(shapes))) != 2:
        raise InputError(f"The fields have shapes {sorted(shapes)}, expected one (rows, columns): reshape them.")
    points = points or {}
    banks = bank if isinstance(bank, Mapping) else dict.fromkeys(fields, bank)
    if set(banks) != set(fields):
        raise InputError(f"Banks are for {sorted(banks)}, fields for {sorted(fields)}: give each field its own.")
    figure, axes = _axes(1, len(fields), (4.6 * len(fields) + 0.8, 3.6), squeeze=False, sharey=True)
    high = max(float(field.max()) for field in fields.values())
    for axis, (title, field) in zip(axes[0], fields.items(), strict=True):
        drawn = axis.imshow(field, origin="lower", extent=SPAN, cmap=MAP_COLOURS, vmin=0, vmax=high)
        axis.contour(
            field, levels=np.arange(step, max(high, 1.5 * step), step), extent=SPAN, colors="white", linewidths=0.4
        )
        for name, point in points.items():
            mark, colour = ("D", NORMAL) if "normal" in name else ("X", DEFECTIVE)
            axis.plot(*point, mark, color=colour, markersize=9, markeredgecolor="white")
            axis.annotate(
                name, point, (0, 9), textcoords="offset points", ha="center", fontsize=9,
                bbox={"boxstyle": "round,pad=.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.85},
            )  # fmt: skip
        axis.plot(*banks[title].T, "o", color="white", markersize=4, markeredgecolor=LINE, markeredgewidth=0.6)
        axis.set(title=title, xlabel="channel 1")
    axes[0, 0].set_ylabel("channel 2")
    figure.colorbar(drawn, ax=axes, label=label, fraction=0.03, pad=0.01)
    sizes = " or ".join(str(n) for n in dict.fromkeys(len(of_field) for of_field in banks.values()))
    told = f"{sizes} remembered patches in the plane of two channels; {label} on one scale from 0 to {high:.1f}"
    for title, field in fields.items():
        at = ", ".join(f"{name} {_read(field, point):.2f}" for name, point in points.items())
        told += f". {title}: {at}" if at else f". {title}: highest {field.max():.2f}"
    return figure, told + "."


def _read(field: np.ndarray, point: np.ndarray) -> float:
    """Return the value of a field at the place nearest to a point."""
    rows, columns = field.shape
    column = round((float(point[0]) - SPAN[0]) / (SPAN[1] - SPAN[0]) * (columns - 1))
    row = round((float(point[1]) - SPAN[2]) / (SPAN[3] - SPAN[2]) * (rows - 1))
    return float(field[min(max(row, 0), rows - 1), min(max(column, 0), columns - 1)])


def plot_patch(
    bank: np.ndarray,
    patch: np.ndarray,
    nearest: int,
    *,
    neighbours: np.ndarray | None = None,
    told: str = "",
) -> tuple[Figure, str]:
    """Draw a patch (2,) that can be moved, the bank (M, 2), and a line to the bank's vector of index `nearest`.

    `neighbours`: indices of vectors that are drawn ringed, as those that a score also looks at. `told` goes below.
    """
    figure, axis = _axes(1, 1, (6.4, 4.6))
    distance = float(np.linalg.norm(patch - bank[nearest]))
    angle = np.linspace(0, 2 * np.pi, 100)
    axis.plot(*bank.T, "o", color=NORMAL, markersize=6, label="memory bank")
    if neighbours is not None:
        axis.plot(
            *bank[neighbours].T, "o", color="none", markeredgecolor=LINE, markersize=11, markeredgewidth=1.4,
            label=f"the {len(neighbours)} nearest to m*",
        )  # fmt: skip
        for m in bank[neighbours]:
            axis.plot(*zip(patch, m, strict=True), color=LINE, linewidth=0.5, linestyle=":")
    axis.plot(*zip(patch, bank[nearest], strict=True), color=DEFECTIVE, linewidth=2)
    axis.plot(patch[0] + distance * np.cos(angle), patch[1] + distance * np.sin(angle), color=DEFECTIVE, linewidth=0.7)
    axis.plot(*bank[nearest], "s", color=NORMAL, markersize=10, markeredgecolor="white", label="m*, the nearest")
    axis.plot(*patch, "X", color=DEFECTIVE, markersize=12, markeredgecolor="white", label="p, the patch")
    axis.set(xlim=SPAN[:2], ylim=SPAN[2:], aspect="equal", xlabel="channel 1", ylabel="channel 2")
    axis.legend(loc="lower right", fontsize=8)
    axis.set_title(f"distance {distance:.2f}", fontsize=10)
    m = np.round(bank[nearest], 1) + 0.0  # no minus before a zero
    sentence = f"The patch at ({patch[0]:.1f}, {patch[1]:.1f}): its nearest vector lies at ({m[0]:.1f}, {m[1]:.1f}), "
    return figure, f"{sentence}{distance:.2f} away{'. ' + told if told else ''}."


def plot_refolded(maps: Mapping[str, np.ndarray]) -> tuple[Figure, str]:
    """Draw feature maps of three channels, (3, H', W') with values 0..1, as colours, one beside the other."""
    figure, axes = _axes(1, len(maps), (3 * len(maps), 2.6), squeeze=False)
    first, same = next(iter(maps.values())), []
    for axis, (title, feature_map) in zip(axes[0], maps.items(), strict=True):
        axis.imshow(feature_map.transpose(1, 2, 0))  # (3, H', W') -> (H', W', 3)
        axis.set(title=title, xlabel="w", ylabel="h")
        same.append(f"{title}: {np.isclose(feature_map, first).all(axis=0).mean():.0%}")
    return figure, f"Three channels as red, green and blue. Positions that have kept their colour: {'; '.join(same)}."


def plot_image_scores(maps: Mapping[str, np.ndarray], scores: Mapping[str, Mapping[str, float]]) -> tuple[Figure, str]:
    """Draw maps of distances (H', W') on one scale, and beside them their scores: {score: {map: value}}."""
    figure, axes = _axes(1, len(maps) + 1, (3 * len(maps) + 3.4, 2.8))
    low, high = min(m.min() for m in maps.values()), max(m.max() for m in maps.values())
    for axis, (title, distances) in zip(axes, maps.items(), strict=False):
        drawn = axis.imshow(distances, cmap=MAP_COLOURS, vmin=low, vmax=high)
        axis.set(title=title, xticks=[], yticks=[])
    figure.colorbar(drawn, ax=axes[:-1], label="distance", fraction=0.05, pad=0.01)
    bars, width = axes[-1], 0.8 / len(maps)
    for i, (title, colour, hatch) in enumerate(zip(maps, (NORMAL, DEFECTIVE), ("", "//"), strict=False)):
        heights = [of_maps[title] for of_maps in scores.values()]
        at = np.arange(len(scores)) + i * width
        bars.bar(at, heights, width, color=colour, hatch=hatch, edgecolor="white", label=title)
    bars.set_xticks(np.arange(len(scores)) + width * (len(maps) - 1) / 2, list(scores))
    bars.set_ylabel("image score")
    bars.legend(fontsize=8)
    values = (f"{how}: " + ", ".join(f"{title} {v:.2f}" for title, v in of.items()) for how, of in scores.items())
    return figure, f"{len(maps)} maps on one scale, and their scores. " + "; ".join(values) + "."


def plot_steps(steps: Mapping[str, str]) -> tuple[Figure, str]:
    """Draw the steps of a pipeline as boxes from left to right: {name: what comes out of it}."""
    figure, axis = _axes(1, 1, (11, 1.7))
    axis.set(xlim=(0, len(steps)), ylim=(0, 1))
    axis.set_axis_off()
    for i, (name, result) in enumerate(steps.items()):
        box = {"boxstyle": "round,pad=0.5", "facecolor": "#E8F1F8", "edgecolor": NORMAL}
        axis.text(i + 0.5, 0.68, f"{i + 1}. {name}", ha="center", va="center", fontsize=11, weight="bold", bbox=box)
        axis.text(i + 0.5, 0.2, result, ha="center", va="center", fontsize=9)
        if i:
            axis.annotate("", (i + 0.12, 0.68), (i - 0.12, 0.68), arrowprops={"arrowstyle": "->", "color": LINE})
    told = "; ".join(f"{i}. {name}: {' '.join(result.split())}" for i, (name, result) in enumerate(steps.items(), 1))
    return figure, f"{len(steps)} steps, one after the other. {told}."
