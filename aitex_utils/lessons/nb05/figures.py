"""Figures of notebook 05: cells, a walk and codes in a plane, and what an index costs, each with a caption."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from aitex_utils.errors import InputError
from aitex_utils.lessons.wording import check_values, count
from aitex_utils.plots import (
    COLOURS,
    DEFECTIVE,
    LINE,
    LINE_STYLES,
    MARKERS,
    NORMAL,
    OUTSIDE,
    make_axes,
    use_log_x,
    use_log_y,
)

from .toy import CellSearch, ToyBank, count_compared, nearest_index, nprobe_curve, reconstruct, search_cells

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GREY, HIGHLIGHT = "#9a9a9a", "#cfe3f1"  # vectors that are not searched, and searched cells
PLANE = (6.6, 4.4)  # inches


def plot_bars(
    names: Sequence[str],
    values: Sequence[float],
    unit: str,
    *,
    title: str,
    spreads: Sequence[tuple[float, float]] | None = None,
) -> tuple[Figure, str]:
    """Draw a horizontal bar per value, with the value beside it.

    Parameters
    ----------
    names : sequence of str
        One per value.
    values : sequence of float
        Lengths of the bars.
    unit : str
        Unit of the values.
    title : str
        Title of the figure.
    spreads : sequence of (float, float), optional
        Lowest and highest value of each bar, drawn as a line.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If the counts differ.

    Examples
    --------
    >>> plot_bars(["flat", "ivf"], [1.0, 20.5], "ms", title="Time")[1]
    'Time (ms). flat: 1; ivf: 20.5.'
    """
    if len(names) != len(values):
        raise InputError(f"There are {len(names)} names for {len(values)} values: give each value one.")
    if spreads is not None and len(spreads) != len(values):
        raise InputError(f"There are {len(spreads)} spreads for {len(values)} values: give each value one.")
    check_values({"values": values} if spreads is None else {"values": values, "spreads": spreads})
    figure, axis = make_axes(1, 1, (7, 0.4 * len(names) + 0.9))
    bars = axis.barh(range(len(names)), values, color=NORMAL, height=0.6)
    ends = [value for value in values]
    if spreads is not None:
        ends = [max(value, high) for value, (_, high) in zip(values, spreads, strict=True)]
        axis.hlines(range(len(names)), *np.transpose(spreads), color=LINE, linewidth=2)
        for row, (value, end) in enumerate(zip(values, ends, strict=True)):
            axis.annotate(f"{value:.3g}", (end, row), xytext=(4, 0), textcoords="offset points", va="center")
    else:
        axis.bar_label(bars, [f"{value:.3g}" for value in values], padding=4)
    axis.set(yticks=range(len(names)), yticklabels=names, xlabel=unit, title=title, xlim=(0, 1.15 * max(ends) or 1))
    axis.invert_yaxis()
    listed = "; ".join(f"{name}: {value:.3g}" for name, value in zip(names, values, strict=True))
    lines = "" if spreads is None else " Lines run from the fastest to the slowest run."
    return figure, f"{title} ({unit}). {listed}.{lines}"


def plot_lines(
    x: Sequence[float],
    lines: Mapping[str, Sequence[float]],
    *,
    xlabel: str,
    ylabel: str,
    title: str,
    reference: tuple[str, float] | None = None,
) -> tuple[Figure, str]:
    """Draw lines over the same x, both axes logarithmic.

    Parameters
    ----------
    x : sequence of float
        Shared by all lines.
    lines : mapping of str to sequence of float
        Values by name, one per x.
    xlabel, ylabel : str
        Labels of the axes.
    title : str
        Title of the figure.
    reference : (str, float), optional
        Name and height of a horizontal line.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If a line does not have one value above 0 per x.

    Examples
    --------
    >>> plot_lines([1, 10], {"flat": [2, 20]}, xlabel="vectors", ylabel="ms", title="Time")[1]
    'Time, ms, for vectors from 1 to 10: flat from 2 to 20.'
    """
    for name, values in lines.items():
        if len(values) != len(x):
            raise InputError(f"The line {name!r} has {len(values)} values, expected one for each x, {len(x)}.")
    check_values({"x": x, **lines}, positive=True)
    figure, axis = make_axes(1, 1, (6.6, 3.6))
    for i, (name, values) in enumerate(lines.items()):
        look = LINE_STYLES[i % len(LINE_STYLES)] + MARKERS[i % len(MARKERS)]
        axis.loglog(x, values, look, color=COLOURS[i % len(COLOURS)], label=name, markersize=5)
    everything = np.concatenate([np.asarray(values, float) for values in lines.values()])
    if everything.max() < 100 * everything.min():  # powers of ten alone would leave hardly a label
        use_log_y(axis)
    listed = "; ".join(f"{name} from {_short(values[0])} to {_short(values[-1])}" for name, values in lines.items())
    first, last = (f"{value:,.0f}" if value >= 1000 else f"{value:.4g}" for value in (x[0], x[-1]))
    caption = f"{title}, {ylabel}, for {xlabel} from {first} to {last}: {listed}."
    if reference:
        name, height = reference
        axis.axhline(height, color=GREY, linewidth=4, alpha=0.5, label=name)
        caption += f" {name}: {height:.3g} throughout."
    axis.set(xlabel=xlabel, ylabel=ylabel, title=title)
    axis.legend()
    return figure, caption


def plot_cells(
    vectors: np.ndarray, centroids: np.ndarray, patch: np.ndarray, nprobe: int, *, title: str
) -> tuple[Figure, str]:
    """Draw a search in cells: their borders, the cells that are searched, the result, and the nearest vector.

    Parameters
    ----------
    vectors : ndarray, shape (N, 2)
        The bank.
    centroids : ndarray, shape (nlist, 2)
        One per cell.
    patch : ndarray, shape (2,)
        Query.
    nprobe : int
        Number of cells searched.
    title : str
        Title of the figure.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If the vectors do not lie in a plane.

    Examples
    --------
    >>> vectors, centroids = np.array([[0.0, 0.0], [4.5, 0.0], [5.2, 0.0]]), np.array([[2.0, 0.0], [8.0, 0.0]])
    >>> plot_cells(vectors, centroids, np.array([4.9, 0.0]), 1, title="nprobe = 1")[1].split(". ")[1]
    'The search returns a vector at distance 0.40, while the nearest is at 0.30.'
    """
    if np.shape(vectors)[1:] != (2,):
        raise InputError(f"vectors has shape {np.shape(vectors)}, expected (N, 2): a plane has two channels.")
    check_values({"vectors": vectors, "centroids": centroids, "patch": patch})
    search = search_cells(vectors, centroids, patch, nprobe)
    figure, axis = make_axes(1, 1, PLANE)
    sentence = _draw_cells(axis, vectors, centroids, patch, search)
    _finish_plane(axis, patch, title)
    caption = f"{title}: {count(len(centroids), 'cell')}, {len(search.probed)} of them probed, with "
    return figure, caption + f"{search.is_searched.sum()} of {count(len(vectors), 'vector')}. {sentence}"


def plot_nprobe(bank: ToyBank, nprobe: int) -> tuple[Figure, str]:
    """Draw a search of the toy bank with `nprobe` cells, beside recall@1 and cost for each `nprobe`.

    Parameters
    ----------
    bank : ToyBank
        The bank, its cells and the patches.
    nprobe : int
        Number of cells searched.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> from .toy import toy_bank
    >>> plot_nprobe(toy_bank(), 12)[1].split(". ")[-1]
    'Over 500 patches, recall@1 is 1.00 and a search computes 105 % of the distances of an exact search.'
    """
    nprobe = min(max(int(nprobe), 1), len(bank.centroids))
    recalls, shares = nprobe_curve(bank)
    search = search_cells(bank.vectors, bank.centroids, bank.patch, nprobe)
    figure, (plane, curves) = make_axes(1, 2, (9.6, 4), width_ratios=(3, 2))
    sentence = _draw_cells(plane, bank.vectors, bank.centroids, bank.patch, search)
    _finish_plane(plane, bank.patch, f"nprobe = {nprobe}")
    plane.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2, fontsize=8)
    steps = np.arange(1, len(recalls) + 1)
    for name, values, colour, look in (("recall@1", recalls, NORMAL, "o-"), ("cost", shares, DEFECTIVE, "s--")):
        curves.plot(steps, values, look, color=colour, markersize=4, label=name)
        curves.plot(nprobe, values[nprobe - 1], "o", markersize=11, markerfacecolor="none", color=LINE)
    curves.set(xlabel="nprobe", ylim=(0, 1.12), title="Over all patches")
    curves.legend(loc="lower right")
    caption = f"nprobe = {nprobe}, with {search.is_searched.sum()} of {count(len(bank.vectors), 'vector')} searched. "
    caption += f"{sentence} Over {len(bank.patches)} patches, recall@1 is {recalls[nprobe - 1]:.2f} and a search "
    return figure, caption + f"computes {100 * shares[nprobe - 1]:.0f} % of the distances of an exact search."


def _draw_cells(axis: Axes, vectors: np.ndarray, centroids: np.ndarray, patch: np.ndarray, search: CellSearch) -> str:
    """Draw cells, vectors, the result and the nearest vector, and return a sentence on what the search returns."""
    _draw_borders(axis, vectors, centroids, search.probed)
    axis.plot(*vectors[~search.is_searched].T, ".", color=GREY, label="other vectors")
    axis.plot(*vectors[search.is_searched].T, "o", color=NORMAL, markersize=4, label="vectors searched")
    axis.plot(*centroids.T, "+", color=LINE, markersize=8, label="centroids")
    if search.result is None:
        return "The search finds nothing there."
    distance, smallest = search.distances[[search.result, search.nearest]]
    axis.plot(*zip(patch, vectors[search.result], strict=True), color=DEFECTIVE, label="to the result")
    if distance <= smallest:
        return f"The search returns the nearest vector, at distance {distance:.2f}."
    axis.plot(*zip(patch, vectors[search.nearest], strict=True), ":", color=DEFECTIVE, label="to the nearest")
    ring = {"markersize": 9, "markerfacecolor": "none", "markeredgewidth": 1.5, "zorder": 5}
    axis.plot(*vectors[search.nearest], "o", color=LINE, label="nearest vector", **ring)
    pair = _distinguished(distance, smallest)
    return f"The search returns a vector at distance {pair[0]}, while the nearest is at {pair[1]}."


def plot_walk(
    vectors: np.ndarray, graph: Sequence[Sequence[int]], path: Sequence[int], patch: np.ndarray
) -> tuple[Figure, str]:
    """Draw a graph over the vectors, and a walk through it towards a patch.

    Parameters
    ----------
    vectors : ndarray, shape (N, 2)
        The bank.
    graph : sequence of sequence of int
        Neighbours of each vector.
    path : sequence of int
        Vectors that the walk passes, from the entry to its end.
    patch : ndarray, shape (2,)
        Query.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> vectors = np.array([[0.0, 0.0], [1.0, 0.0], [4.5, 0.0]])
    >>> plot_walk(vectors, [[1], [0, 2], [1]], [0, 1, 2], np.array([4.5, 1.0]))[1].split(". ")[1]
    'It computes the distances to 3 of them and ends at the nearest vector, at distance 1.00.'
    """
    check_values({"vectors": vectors, "path": path, "patch": patch})
    figure, axis = make_axes(1, 1, PLANE)
    for vector, neighbours in enumerate(graph):
        for neighbour in neighbours:
            axis.plot(*vectors[[vector, neighbour]].T, color=GREY, linewidth=0.4, zorder=1)
    axis.plot(*vectors.T, ".", color=NORMAL, markersize=5, label="vectors")
    axis.plot(*vectors[list(path)].T, "-o", color=DEFECTIVE, linewidth=2, markersize=5, label="walk")
    axis.plot(*vectors[path[0]], "s", color=LINE, markersize=8, label="entry")
    _finish_plane(axis, patch, "A walk through a graph")
    distances = np.linalg.norm(vectors - patch, axis=1)
    end, smallest = distances[path[-1]], distances.min()
    end, smallest, is_nearest = *_distinguished(end, smallest), end <= smallest
    place = f"the nearest vector, at distance {end}"
    if not is_nearest:
        place = f"distance {end}, while the nearest vector is at distance {smallest}"
    caption = (
        f"A walk of {count(len(path) - 1, 'step')} through a graph of {count(len(vectors), 'vector')}. It computes "
    )
    caption += f"the distances to {count_compared(graph, path)} of them and ends at {place}."
    return figure, caption


def plot_codes(vectors: np.ndarray, codebooks: np.ndarray) -> tuple[Figure, str]:
    """Draw vectors and their reconstructions from one code per channel.

    Parameters
    ----------
    vectors : ndarray, shape (N, 2)
        The bank.
    codebooks : ndarray, shape (2, K, 1)
        K entries per channel.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> codebooks = np.array([[[0.0], [5.0]], [[0.0], [1.0]]])
    >>> plot_codes(np.array([[1.0, 0.0], [4.0, 0.0]]), codebooks)[1].split(". ")[1]
    'The mean error is 1.00, the largest 1.00.'
    """
    check_values({"vectors": vectors, "codebooks": codebooks})
    reconstructions = reconstruct(vectors, codebooks)
    figure, axis = make_axes(1, 1, PLANE)
    for codebook, draw in zip(codebooks, (axis.axvline, axis.axhline), strict=True):
        for entry in codebook[:, 0]:
            draw(entry, color=GREY, linewidth=0.7)
    for vector, reconstruction in zip(vectors, reconstructions, strict=True):
        axis.plot(*zip(vector, reconstruction, strict=True), color=NORMAL, linewidth=0.5)
    axis.plot(*vectors.T, ".", color=NORMAL, markersize=5, label="vectors")
    distinct = np.unique(reconstructions, axis=0)
    axis.plot(*distinct.T, "D", color=DEFECTIVE, markersize=5, label="reconstructions")
    axis.set(title="Two codes per vector", xlabel="channel 1", ylabel="channel 2", aspect="equal")
    axis.legend(**OUTSIDE)
    errors = np.linalg.norm(vectors - reconstructions, axis=1)
    return figure, (
        f"The codes map {count(len(vectors), 'vector')} to {len(distinct)} of "
        f"{count(codebooks.shape[1] ** 2, 'crossing')}. "
        f"The mean error is {errors.mean():.2f}, the largest {errors.max():.2f}."
    )


def plot_tradeoff(names: Sequence[str], recalls: Sequence[float], microseconds: Sequence[float]) -> tuple[Figure, str]:
    """Draw recall@1 against the time per patch. Indexes of one family are joined by a line.

    Parameters
    ----------
    names : sequence of str
        One per index; the first word is the family.
    recalls : sequence of float
        Recall@1 of each index.
    microseconds : sequence of float
        Time per patch of each index.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If the counts differ, or a time is not above 0.

    Examples
    --------
    >>> plot_tradeoff(["flat", "ivf 8"], [1.0, 0.9], [100.0, 8.0])[1]
    'Recall@1 against the time per patch: flat 1.00 in 100 µs; ivf 8 0.90 in 8 µs.'
    """
    if not len(names) == len(recalls) == len(microseconds):
        raise InputError(
            f"There are {len(names)} names, {len(recalls)} recalls and {len(microseconds)} times: give each index all."
        )
    check_values({"recalls": recalls})
    check_values({"microseconds": microseconds}, positive=True)
    figure, axis = make_axes(1, 1, (6.6, 4))
    families: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        families.setdefault(name.split()[0], []).append(row)
    for i, rows in enumerate(families.values()):
        times, values = [microseconds[row] for row in rows], [recalls[row] for row in rows]
        axis.plot(times, values, MARKERS[i % len(MARKERS)] + "-", color=COLOURS[i % len(COLOURS)], markersize=7)
    use_log_x(axis)
    axis.set(ylim=(-0.1, 1.15), xlabel="microseconds per patch", ylabel="recall@1")
    axis.set(title="Up and to the left is better", xlim=(min(microseconds) / 1.6, max(microseconds) * 1.6))
    points = axis.transData.transform(np.column_stack([microseconds, recalls])) * 72 / figure.dpi
    for name, time, recall, offset in zip(names, microseconds, recalls, _label_offsets(names, points), strict=True):
        place = {"xytext": (0, offset), "textcoords": "offset points", "ha": "center"}
        axis.annotate(name, (time, recall), fontsize=9, **place)
    rows = zip(names, recalls, microseconds, strict=True)
    listed = "; ".join(f"{name} {recall:.2f} in {time:.3g} µs" for name, recall, time in rows)
    return figure, f"Recall@1 against the time per patch: {listed}."


def plot_alarms(before: np.ndarray, after: np.ndarray, threshold: float, added: np.ndarray) -> tuple[Figure, str]:
    """Draw the scores of a strip's tiles before and after some of them are added to the bank.

    Parameters
    ----------
    before, after : ndarray, shape (N,)
        Tile scores, from left to right.
    threshold : float
        Score above which a tile is flagged.
    added : ndarray, shape (N,)
        Bool, True for tiles that were added.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If `added` is not one truth value per tile.

    Examples
    --------
    >>> scores, added = np.array([9.0, 8.0, 9.0]), np.array([True, False, True])
    >>> plot_alarms(scores, scores - 4, 5.0, added)[1].split(". ")[1]
    'Their mean score went from 8.00 to 4.00.'
    """
    added = np.asarray(added)
    if added.dtype != bool or not added.shape == np.shape(before) == np.shape(after):
        raise InputError(f"added is {added.dtype} of shape {added.shape}, expected one truth value per tile.")
    check_values({"before": before, "after": after})
    figure, axis = make_axes(1, 1, (7, 3.2))
    columns = np.arange(len(before))
    for i, column in enumerate(np.flatnonzero(added)):
        axis.axvspan(column - 0.5, column + 0.5, color=HIGHLIGHT, label="tile added" if i == 0 else None)
    axis.plot(columns, before, "D", color=DEFECTIVE, label="before")  # no line: tiles added would make it a zigzag
    axis.plot(columns, after, "o", color=NORMAL, label="after")
    axis.axhline(threshold, color=LINE, linestyle=":", label="threshold")
    axis.set(xlabel="tile of the strip, from left to right", ylabel="score", xlim=(-0.5, len(before) - 0.5))
    axis.set_ylim(bottom=0) if min(before.min(), after.min()) >= 0 else None
    axis.legend(**OUTSIDE)
    flagged = [int((scores[~added] > threshold).sum()) for scores in (before, after)]
    if added.all():
        return figure, "All tiles were added, so none is left to compare."
    return figure, (
        f"Tiles that were not added: {(~added).sum()}, flagged before: {flagged[0]}, flagged after: {flagged[1]}. "
        f"Their mean score went from {before[~added].mean():.2f} to {after[~added].mean():.2f}."
    )


def _draw_borders(axis: Axes, vectors: np.ndarray, centroids: np.ndarray, probed: np.ndarray) -> None:
    """Draw the borders of the cells, and fill the cells that are probed."""
    (left, bottom), (right, top) = vectors.min(axis=0) - 0.3, vectors.max(axis=0) + 0.3
    x, y = np.meshgrid(np.linspace(left, right, 240), np.linspace(bottom, top, 180))
    cell_of = nearest_index(np.stack([x.ravel(), y.ravel()], axis=1), centroids).reshape(x.shape)
    axis.contourf(x, y, np.isin(cell_of, probed), levels=[0.5, 1.5], colors=[HIGHLIGHT])
    for cell in np.unique(cell_of):
        axis.contour(x, y, cell_of == cell, levels=[0.5], colors=GREY, linewidths=0.7)


def _finish_plane(axis: Axes, patch: np.ndarray, title: str) -> None:
    """Draw the patch on top, and label the axes of the plane."""
    axis.plot(*patch, "X", color=DEFECTIVE, markersize=10, markeredgecolor="white", label="patch")
    axis.set(title=title, xlabel="channel 1", ylabel="channel 2", aspect="equal")
    axis.legend(**OUTSIDE)


def _label_offsets(names: Sequence[str], points: np.ndarray) -> list[float]:
    """Return how far above its point (N, 2) each name stands so that it covers no other name or point, in points."""
    taken = [(x - 4, x + 4, y - 4, y + 4) for x, y in points]  # boxes: left, right, bottom, top
    offsets = []
    for name, (x, y) in zip(names, points, strict=True):
        half = 3.2 * len(name)  # of the width at a font size of 9
        for offset in (8, -15, 20, -27, 32, -39, 44):
            box = (x - half, x + half, y + offset - 1, y + offset + 9)
            if not any(_overlap(box, taken_box) for taken_box in taken):
                break
        taken.append(box)
        offsets.append(offset)
    return offsets


def _distinguished(value: float, smaller: float) -> tuple[str, str]:
    """Write two numbers with 2 digits after the point, or as many as show a difference."""
    for digits in (2, 4, 9, 17):
        pair = f"{value:.{digits}f}", f"{smaller:.{digits}f}"
        if pair[0] != pair[1]:
            break
    return pair if value != smaller else (f"{value:.2f}", f"{smaller:.2f}")


def _short(value: float) -> str:
    """Write a number with 2 digits, and numbers from 100 on without an exponent."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] < b[1] and b[0] < a[1] and a[2] < b[3] and b[2] < a[3]
