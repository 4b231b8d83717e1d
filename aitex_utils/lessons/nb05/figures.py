"""Figures of notebook 05: cells, walks and codes in a plane, recall against time; each with a sentence on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from aitex_utils.errors import InputError
from aitex_utils.plots import DEFECTIVE, LINE, NORMAL, _axes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLES, MARKS = ("-", "--", "-.", ":"), "osD^vP"
GROUND = "#9a9a9a"


def plot_bars(names: Sequence[str], values: Sequence[float], unit: str, *, title: str) -> tuple[Figure, str]:
    """Draw a horizontal bar for each value, with its number beside it."""
    if len(names) != len(values):
        raise InputError(f"There are {len(names)} names for {len(values)} values: give each value one.")
    figure, axis = _axes(1, 1, (7, 0.4 * len(names) + 0.9))
    bars = axis.barh(range(len(names)), values, color=NORMAL, height=0.6)
    axis.bar_label(bars, [f"{value:.3g}" for value in values], padding=4)
    axis.set(yticks=range(len(names)), yticklabels=names, xlabel=unit, title=title, xlim=(0, 1.15 * max(values)))
    axis.invert_yaxis()
    listed = ", ".join(f"{name} {value:.3g}" for name, value in zip(names, values, strict=True))
    return figure, f"{title}, in {unit}: {listed}."


def plot_lines(
    x: Sequence[float],
    lines: Mapping[str, Sequence[float]],
    labels: tuple[str, str],
    *,
    title: str,
    level: tuple[str, float] | None = None,
) -> tuple[Figure, str]:
    """Draw lines over one x, both axes logarithmic; `labels` = those of x and y, `level` = a named height across."""
    short = [name for name, values in lines.items() if len(values) != len(x)]
    if short:
        raise InputError(f"The line {short[0]!r} has {len(lines[short[0]])} values, expected one for each x, {len(x)}.")
    figure, axis = _axes(1, 1, (6.6, 3.6))
    colours = (LINE, NORMAL, DEFECTIVE, GROUND)
    for i, (name, values) in enumerate(lines.items()):
        axis.loglog(x, values, STYLES[i % 4] + MARKS[i % 6], color=colours[i % 4], label=name, markersize=5)
    told = ""
    if level:
        axis.axhline(level[1], color=GROUND, linewidth=4, alpha=0.5, label=level[0])
        told = f" {level[0]}: {level[1]:.3g} throughout."
    axis.set(xlabel=labels[0], ylabel=labels[1], title=title)
    axis.legend()
    listed = "; ".join(f"{name} from {values[0]:.2g} to {values[-1]:.2g}" for name, values in lines.items())
    ends = [f"{value:,.0f}" if value >= 1000 else f"{value:.4g}" for value in (x[0], x[-1])]
    return figure, f"{title}, {labels[1]}, for {labels[0]} from {ends[0]} to {ends[1]}: {listed}.{told}"


def plot_cells(
    vectors: np.ndarray, centroids: np.ndarray, patch: np.ndarray, probes: int, *, title: str
) -> tuple[Figure, str]:
    """Draw vectors (N, 2) of a plane, the borders of the cells around centroids (K, 2), and those that are probed."""
    if np.shape(vectors)[1:] != (2,):
        raise InputError(f"vectors has shape {np.shape(vectors)}, expected (N, 2): a plane has two channels.")
    probed = np.argsort(((centroids - patch) ** 2).sum(axis=1))[:probes]
    looked_at = np.isin(_nearest(vectors, centroids), probed)
    figure, axis = _axes(1, 1, (6.6, 4.4))
    _draw_borders(axis, vectors, centroids, probed)
    axis.plot(*vectors[~looked_at].T, ".", color=GROUND, label="vectors left out")
    axis.plot(*vectors[looked_at].T, "o", color=NORMAL, markersize=4, label="vectors looked at")
    axis.plot(*centroids.T, "+", color=LINE, markersize=8, label="centroids")
    away = np.linalg.norm(vectors - patch, axis=1)
    nearest, found = int(away.argmin()), int(np.where(looked_at, away, np.inf).argmin())
    told = f"{title}: {len(centroids)} cells, {len(probed)} of them probed, which hold {looked_at.sum()} of"
    told += f" {len(vectors)} vectors."
    if looked_at.any():
        axis.plot(*zip(patch, vectors[found], strict=True), color=DEFECTIVE, label="to the one found")
        told += f" Found at {away[found]:.2f}; "
        told += "that is the nearest." if found == nearest else f"the nearest lies at {away[nearest]:.2f}."
        if found != nearest:
            axis.plot(*zip(patch, vectors[nearest], strict=True), ":", color=DEFECTIVE, label="to the nearest")
    axis.plot(*patch, "X", color=DEFECTIVE, markersize=10, markeredgecolor="white", label="patch")
    axis.set(title=title, xlabel="channel 1", ylabel="channel 2", aspect="equal")
    axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    return figure, told


def at_a_border(vectors: np.ndarray, centroids: np.ndarray, tries: np.ndarray) -> np.ndarray:
    """Return the one of `tries` (n, 2) that a search of one cell around centroids (K, 2) serves worst, of two best."""
    away = np.linalg.norm(tries[:, None] - vectors, axis=2)  # (n, N)
    cells = ((tries[:, None] - centroids) ** 2).sum(axis=2).argsort(axis=1)
    owner = _nearest(vectors, centroids)
    one, two = (np.where((cells[:, :k, None] == owner).any(axis=1), away, np.inf).min(axis=1) for k in (1, 2))
    lost = np.where((two == away.min(axis=1)) & np.isfinite(one), one - two, -1.0)
    if lost.max() <= 0:
        raise InputError("No point is served worse by one cell than by two: give more tries, or more centroids.")
    return tries[lost.argmax()]


def _draw_borders(axis, vectors: np.ndarray, centroids: np.ndarray, probed: np.ndarray) -> None:
    """Draw where each centroid's cell ends, and fill those of the indices `probed`."""
    (left, bottom), (right, top) = vectors.min(axis=0) - 0.3, vectors.max(axis=0) + 0.3
    across, up = np.meshgrid(np.linspace(left, right, 400), np.linspace(bottom, top, 300))
    owner = _nearest(np.stack([across.ravel(), up.ravel()], axis=1), centroids).reshape(across.shape)
    axis.contourf(across, up, np.isin(owner, probed), levels=[0.5, 1.5], colors=["#cfe3f1"])
    for cell in np.unique(owner):
        axis.contour(across, up, owner == cell, levels=[0.5], colors=GROUND, linewidths=0.7)


def plot_walk(
    vectors: np.ndarray, links: Sequence[Sequence[int]], path: Sequence[int], patch: np.ndarray
) -> tuple[Figure, str]:
    """Draw a graph over vectors (N, 2), links[i] = the neighbours of i, and a walk through it towards a patch (2,)."""
    figure, axis = _axes(1, 1, (6.6, 4.4))
    for one, others in enumerate(links):
        for other in others:
            axis.plot(*vectors[[one, other]].T, color=GROUND, linewidth=0.4, zorder=1)
    axis.plot(*vectors.T, ".", color=NORMAL, markersize=5, label="vectors")
    axis.plot(*vectors[list(path)].T, "-o", color=DEFECTIVE, linewidth=2, markersize=5, label="walk")
    axis.plot(*vectors[path[0]], "s", color=LINE, markersize=8, label="entry")
    axis.plot(*patch, "X", color=DEFECTIVE, markersize=10, markeredgecolor="white", label="patch")
    axis.set(title="A walk through a graph", xlabel="channel 1", ylabel="channel 2", aspect="equal")
    axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    seen = len({other for one in path for other in links[one]} | set(path))
    away = np.linalg.norm(vectors - patch, axis=1)
    reached = "the nearest" if away[path[-1]] <= away.min() else f"while the nearest lies at {away.min():.2f}"
    told = f"A walk of {len(path) - 1} steps through a graph of {len(vectors)} vectors, which compared {seen} of them"
    return figure, f"{told} and ends at a distance of {away[path[-1]]:.2f}, {reached}."


def plot_codes(vectors: np.ndarray, codebooks: np.ndarray) -> tuple[Figure, str]:
    """Draw vectors (N, 2) and what remains of each when a code says its coordinates, codebooks (2, K, 1)."""
    codes = [abs(vectors[:, [s]] - codebooks[s].T).argmin(axis=1) for s in (0, 1)]
    rebuilt = np.stack([codebooks[s, codes[s], 0] for s in (0, 1)], axis=1)
    figure, axis = _axes(1, 1, (6.6, 4.4))
    for s, draw in enumerate((axis.axvline, axis.axhline)):
        for value in codebooks[s, :, 0]:
            draw(value, color=GROUND, linewidth=0.7)
    for vector, place in zip(vectors, rebuilt, strict=True):
        axis.plot(*zip(vector, place, strict=True), color=NORMAL, linewidth=0.5)
    axis.plot(*vectors.T, ".", color=NORMAL, markersize=5, label="vectors")
    axis.plot(*np.unique(rebuilt, axis=0).T, "D", color=DEFECTIVE, markersize=5, label="what codes say")
    axis.set(title="Two codes for each vector", xlabel="channel 1", ylabel="channel 2", aspect="equal")
    axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    off = np.linalg.norm(vectors - rebuilt, axis=1)
    told = f"{len(vectors)} vectors drawn to the {len(np.unique(rebuilt, axis=0))} crossings that their codes name, out"
    told += f" of {codebooks.shape[1] ** 2} possible: {off.mean():.2f} off on average, {off.max():.2f} at most."
    return figure, told


def plot_trade(names: Sequence[str], recall: Sequence[float], micros: Sequence[float]) -> tuple[Figure, str]:
    """Draw recall at 1 against microseconds a patch; names that begin with the same word are joined by a line."""
    if not len(names) == len(recall) == len(micros):
        raise InputError(f"There are {len(names)} names, {len(recall)} recalls and {len(micros)} times: give each all.")
    figure, axis = _axes(1, 1, (6.6, 4))
    families: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        families.setdefault(name.split()[0], []).append(i)
    colours = (LINE, NORMAL, DEFECTIVE, GROUND)
    for i, rows in enumerate(families.values()):
        colour = colours[i % 4]
        axis.plot([micros[r] for r in rows], [recall[r] for r in rows], MARKS[i % 6] + "-", color=colour, markersize=7)
    axis.set(xscale="log", ylim=(-0.1, 1.15), xlabel="microseconds a patch", ylabel="recall at 1")
    axis.set(title="Up and to the left is better", xlim=(min(micros) / 1.6, max(micros) * 1.6))
    for row, up in enumerate(_apart(names, axis.transData.transform(np.column_stack([micros, recall])) * 72 / 100)):
        place = {"xytext": (0, up), "textcoords": "offset points", "ha": "center"}
        axis.annotate(names[row], (micros[row], recall[row]), fontsize=9, **place)
    listed = "; ".join(f"{n} {r:.2f} in {t:.3g}" for n, r, t in zip(names, recall, micros, strict=True))
    return figure, f"Recall at 1 against microseconds a patch: {listed}."


def _apart(names: Sequence[str], points: np.ndarray) -> list[float]:
    """Return how far above its point (N, 2) each name stands so that it covers no other name or point; in points."""
    width = np.array([3.2 * len(name) for name in names])  # half of it, at a size of 9
    taken = [(x - 4, x + 4, y - 4, y + 4) for x, y in points]
    found = []
    for (x, y), half in zip(points, width, strict=True):
        for up in (8, -15, 20, -27, 32, -39, 44):
            box = (x - half, x + half, y + up - 1, y + up + 9)
            if not any(box[0] < b and a < box[1] and box[2] < d and c < box[3] for a, b, c, d in taken):
                break
        taken.append(box)
        found.append(up)
    return found


def plot_alarms(before: np.ndarray, after: np.ndarray, threshold: float, added: np.ndarray) -> tuple[Figure, str]:
    """Draw the scores of a strip's tiles, from left to right, before and after those `added` (N,) joined the bank."""
    added = np.asarray(added)
    if added.dtype != bool or not added.shape == np.shape(before) == np.shape(after):
        raise InputError(f"added is {added.dtype} of shape {added.shape}, expected a truth value for each score.")
    figure, axis = _axes(1, 1, (7, 3.2))
    columns = np.arange(len(before))
    for i, column in enumerate(np.flatnonzero(added)):
        axis.axvspan(column - 0.5, column + 0.5, color="#cfe3f1", label="tile added" if i == 0 else None)
    axis.plot(columns, before, "D", color=DEFECTIVE, label="before")  # no line: tiles added would make it a zigzag
    axis.plot(columns, after, "o", color=NORMAL, label="after")
    axis.axhline(threshold, color=LINE, linestyle=":", label="threshold")
    axis.set(xlabel="tile of the strip, from left to right", ylabel="score", xlim=(-0.5, len(before) - 0.5))
    axis.set_ylim(bottom=0)
    axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    above = [int((scores[~added] > threshold).sum()) for scores in (before, after)]
    told = f"Of the {(~added).sum()} tiles that weren't added {above[0]} had a score above the threshold before, and"
    told += f" {above[1]} have one after; their mean score went from"
    return figure, f"{told} {before[~added].mean():.2f} to {after[~added].mean():.2f}."


def _nearest(points: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Return the index of the nearest vector (M, 2) to each point (n, 2)."""
    return ((points[:, None] - vectors[None]) ** 2).sum(axis=2).argmin(axis=1)
