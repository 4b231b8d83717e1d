"""Figures of notebook 10, from arrays, each with a caption as in `plots`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from aitex_utils import metrics
from aitex_utils.errors import InputError
from aitex_utils.lessons.wording import check_values, count, percent
from aitex_utils.plots import (
    COLOURS,
    DEFECTIVE,
    FOURTH,
    LINE,
    MAP_COLOURS,
    MARKERS,
    NORMAL,
    OUTSIDE,
    describe_map,
    draw_intervals,
    draw_outline,
    make_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_dashboard(
    image: np.ndarray,
    anomaly_map: np.ndarray,
    mask: np.ndarray,
    labels: np.ndarray,
    scores: np.ndarray,
    threshold: float | None,
    *,
    title: str,
) -> tuple[Figure, str]:
    """Draw the results of a run at once: a strip above its map, ROC and precision-recall curve, and score histograms.

    Parameters
    ----------
    image, anomaly_map, mask : ndarray, shape (H, W)
        A strip, its map and its ground-truth mask.
    labels : ndarray, shape (N,)
        True for defective tiles, of all shown strips.
    scores : ndarray, shape (N,)
        Their scores.
    threshold : float or None
        Threshold, drawn in the histogram. None if there is none.
    title : str
        Title of the strip.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If shapes differ, a class is missing, or a value is not finite.

    Examples
    --------
    >>> figure, caption = plot_dashboard(
    ...     np.zeros((4, 8), np.uint8), np.eye(4, 8), np.eye(4, 8) > 0, np.arange(4) > 1, np.arange(4.0), 1.5, title="A"
    ... )
    >>> print(caption)
    A: the map is highest at column 0, row 0, at 1.0 times its 99 % quantile. Tile AUROC 1.000, AP 1.000. Of 2 clean \
tiles, 0 % reach the threshold. Of 2 defective tiles, 100 % reach it.
    """
    labels, scores = np.asarray(labels, dtype=bool), np.asarray(scores, dtype=float)
    check_values({"image": image, "scores": scores})
    check_values({"anomaly_map": anomaly_map}, nan=True)
    if not np.shape(image) == np.shape(anomaly_map) == np.shape(mask) or labels.shape != scores.shape:
        raise InputError(
            f"image {np.shape(image)}, map {np.shape(anomaly_map)} and mask {np.shape(mask)} or labels {labels.shape} "
            f"and scores {scores.shape} differ in shape: give the arrays of one run."
        )
    if labels.all() or not labels.any():
        raise InputError("All tiles belong to one class, so there is no curve: give clean and defective tiles.")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5.6), layout="constrained")
    axes = figure.subplot_mosaic([["strip"] * 3, ["map"] * 3, ["roc", "pr", "scores"]], height_ratios=[1, 1, 2.6])
    axes["strip"].imshow(image, cmap="gray", vmin=0, vmax=255, aspect="auto")
    drawn = axes["map"].imshow(anomaly_map, cmap=MAP_COLOURS, aspect="auto")
    draw_outline(axes["strip"], mask)
    axes["strip"].set(title=title, ylabel="row (px)", xticklabels=[])
    axes["map"].set(xlabel="column (px)", ylabel="row (px)")
    figure.colorbar(drawn, ax=axes["map"], label="score", fraction=0.02, pad=0.01)
    area, precision = _draw_curves(axes["roc"], axes["pr"], labels, scores)
    _draw_histogram(axes["scores"], labels, scores, threshold)
    caption = f"{title}: the map is {describe_map(anomaly_map)}. Tile AUROC {area:.3f}, AP {precision:.3f}. "
    if threshold is None:
        return figure, caption + "There is no threshold."
    flagged = [float((scores[rows] >= threshold).mean()) for rows in (~labels, labels)]
    caption += f"Of {count(int((~labels).sum()), 'clean tile')}, {percent(flagged[0])} reach the threshold. "
    return figure, caption + f"Of {count(int(labels.sum()), 'defective tile')}, {percent(flagged[1])} reach it."


def _draw_curves(roc: Axes, pr: Axes, labels: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    """Draw both curves, and return their areas."""
    from sklearn.metrics import precision_recall_curve, roc_curve

    area, precision_mean = metrics.auroc(labels, scores), metrics.average_precision(labels, scores)
    false_rate, true_rate, _ = roc_curve(labels, scores)
    precision, recall, _ = precision_recall_curve(labels, scores)
    roc.plot(false_rate, true_rate, color=NORMAL)
    roc.plot([0, 1], [0, 1], color=LINE, linestyle=":", label="chance")
    roc.set(xlabel="false-positive rate", ylabel="true-positive rate", title=f"ROC, area {area:.3f}")
    pr.step(recall, precision, where="post", color=NORMAL)
    pr.axhline(labels.mean(), color=LINE, linestyle=":", label="chance")
    pr.set(xlabel="recall", ylabel="precision", title=f"precision-recall, AP {precision_mean:.3f}", ylim=(0, 1.02))
    for axis in (roc, pr):
        axis.legend(fontsize=8)
    return area, precision_mean


def _draw_histogram(axis: Axes, labels: np.ndarray, scores: np.ndarray, threshold: float | None) -> None:
    bins = np.linspace(scores.min(), scores.max(), 25) if np.ptp(scores) else 1
    for rows, colour, hatch, name in ((~labels, NORMAL, "", "clean"), (labels, DEFECTIVE, "//", "defective")):
        weights = np.full(rows.sum(), 1 / rows.sum())
        options = {"color": colour, "alpha": 0.55, "hatch": hatch, "edgecolor": colour, "label": f"{name} tiles"}
        axis.hist(scores[rows], bins, weights=weights, **options)
    if threshold is not None:
        axis.axvline(threshold, color=LINE, linestyle="--", label="threshold")
    axis.set(xlabel="score", ylabel="share", title="scores of the tiles")
    axis.legend(fontsize=8)


def plot_neighbours(
    query: np.ndarray,
    crops: Sequence[Sequence[np.ndarray]],
    squares: Sequence[Sequence[tuple[int, int]]],
    distances: Sequence[np.ndarray],
    *,
    query_square: tuple[int, int],
    side: int,
    branches: Sequence[str],
    where: str,
) -> tuple[Figure, str]:
    """Draw a crop around a patch, and in each branch crops around its nearest patches in the bank.

    Parameters
    ----------
    query : ndarray, shape (S, S)
        Crop of the tested tile, uint8.
    crops : sequence of sequences of ndarray, each of shape (S, S)
        For each branch, crops of training tiles, nearest first.
    squares : sequence of sequences of (int, int)
        Row and column of the upper left pixel of each patch in its crop.
    distances : sequence of ndarray, each of shape (n,)
        Distances of the patches, for each branch.
    query_square : tuple of int
        Row and column of the upper left pixel of the tested patch in its crop.
    side : int
        Side in px of the square that a patch stands for.
    branches : sequence of str
        Names of the branches.
    where : str
        Place of the tested patch, for the title.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If there is no neighbour, or counts differ.

    Examples
    --------
    >>> crop = np.zeros((8, 8), np.uint8)
    >>> print(plot_neighbours(crop, [[crop]], [[(0, 0)]], [np.array([1.5])], query_square=(0, 0), side=4,
    ...                       branches=["3 x 3"], where="strip a")[1])
    A patch of strip a, and the nearest patches of the bank. Distances: 3 x 3: 1.50.
    """
    counts = {len(crops), len(squares), len(distances), len(branches)}
    if len(counts) != 1 or not crops or not all(crops):
        raise InputError("There are no neighbours to draw: give crops, squares and distances for each branch.")
    columns = 1 + max(map(len, crops))
    figure, axes = make_axes(len(crops), columns, (1.75 * columns, 1.95 * len(crops) + 0.3), squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    grey = np.concatenate([np.ravel(crop) for crop in (query, *(crop for row in crops for crop in row))])
    scale = tuple(np.quantile(grey, [0.002, 0.998]) + [-1, 1])  # shared, and without single bright pixels
    for row, (name, of_branch) in enumerate(zip(branches, crops, strict=True)):
        _draw_crop(axes[row, 0], query, (*query_square, side), scale, DEFECTIVE, f"tested patch\n{name}")
        for column, crop in enumerate(of_branch):
            title = f"distance\n{distances[row][column]:.2f}"
            _draw_crop(axes[row, column + 1], crop, (*squares[row][column], side), scale, NORMAL, title)
    listed = "; ".join(
        f"{name}: {', '.join(f'{value:.2f}' for value in of_branch)}"
        for name, of_branch in zip(branches, distances, strict=True)
    )
    return figure, f"A patch of {where}, and the nearest patches of the bank. Distances: {listed}."


def _draw_crop(
    axis: Axes,
    crop: np.ndarray,
    square: tuple[int, int, int],
    scale: tuple[float, float],
    colour: str,
    title: str,
) -> None:
    """Draw a crop with a square, given by its upper row, its left column and its side."""
    axis.imshow(crop, cmap="gray", vmin=scale[0], vmax=scale[1])
    top, left, side = square
    bottom, right = top + side - 1, left + side - 1
    axis.plot([left, right, right, left, left], [top, top, bottom, bottom, top], color=colour, linewidth=1.8)
    axis.set_title(title, fontsize=9)


def plot_ranks(ranks: Mapping[str, Mapping[str, float]], *, label: str) -> tuple[Figure, str]:
    """Draw how far several detectors rank each defect above the clean tiles.

    Parameters
    ----------
    ranks : mapping of str to mapping of str to float
        For each defect, the share of clean tiles with a lower score, by detector.
    label : str
        Name of the values.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If there is nothing to draw, or a value is not finite.

    Examples
    --------
    >>> plot_ranks({"nep": {"early": 0.5, "late": 1.0}}, label="share")[1]
    'Share: nep 50 % (early), 100 % (late).'
    """
    check_values({name: list(by_detector.values()) for name, by_detector in ranks.items()})
    figure, axis = make_axes(1, 1, (7.5, 0.45 * len(ranks) + 1.1))
    rows = np.arange(len(ranks))
    names = list(dict.fromkeys(detector for by_detector in ranks.values() for detector in by_detector))
    for i, detector in enumerate(names):
        shift = 0.2 * (i - (len(names) - 1) / 2)  # so that equal values do not hide each other
        points = [(by[detector], row + shift) for row, by in zip(rows, ranks.values(), strict=True) if detector in by]
        colour, marker = COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]
        axis.plot(*zip(*points, strict=True), marker, color=colour, markersize=9, alpha=0.75, label=detector)
    axis.xaxis.set_major_formatter(lambda share, position: f"{100 * share:.0f} %")
    axis.set(yticks=rows, yticklabels=list(ranks), xlabel=label, xlim=(-0.03, 1.03), ylim=(len(ranks) - 0.5, -0.5))
    axis.legend(**OUTSIDE)
    axis.grid(axis="y", alpha=0.3)
    listed = "; ".join(
        f"{name} {', '.join(f'{percent(value)} ({detector})' for detector, value in by.items())}"
        for name, by in ranks.items()
    )
    return figure, f"{label[0].upper()}{label[1:]}: {listed}."


def plot_misses(exact: np.ndarray, approximate: np.ndarray, groups: int = 10) -> tuple[Figure, str]:
    """Draw the recall@1 of an approximate search against the exact distance of the patches.

    Parameters
    ----------
    exact, approximate : ndarray of equal shapes
        Distances of patches to the nearest vector that each search finds.
    groups : int
        Number of equally large groups of patches, by their exact distance.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If shapes differ, or there are fewer patches than groups.

    Examples
    --------
    >>> plot_misses(np.arange(1.0, 5), np.array([1.0, 2, 3, 5]), groups=2)[1]
    'Recall@1 of 2 equally large groups of patches by exact distance: 1.000 of the nearest, 0.500 of the farthest.'
    """
    exact, approximate = (np.asarray(values, dtype=float).ravel() for values in (exact, approximate))
    if exact.shape != approximate.shape or len(exact) < groups:
        raise InputError(
            f"There are {len(exact)} exact and {len(approximate)} approximate distances: give equally many, at least "
            f"{groups}."
        )
    check_values({"exact": exact, "approximate": approximate})
    order = np.argsort(exact, kind="stable")
    parts = np.array_split(order, groups)
    recalls = [float((approximate[part] <= exact[part] * (1 + 1e-6)).mean()) for part in parts]
    figure, axis = make_axes(1, 1, (7, 3))
    axis.bar(np.arange(1, groups + 1), recalls, color=NORMAL, edgecolor=LINE)
    axis.axhline(np.mean(recalls), color=LINE, linestyle=":", label="all patches")
    axis.set(xlabel="group of patches by exact distance (1 = nearest to the bank)", ylabel="recall@1", ylim=(0, 1.02))
    axis.set_xticks(np.arange(1, groups + 1))
    axis.legend(**OUTSIDE)
    caption = f"Recall@1 of {groups} equally large groups of patches by exact distance: {recalls[0]:.3f} of the "
    return figure, f"{caption}nearest, {recalls[-1]:.3f} of the farthest."


def plot_front(
    names: Sequence[str], times: np.ndarray, aurocs: np.ndarray, front: Sequence[int], *, limit: float | None = None
) -> tuple[Figure, str]:
    """Draw runs by their time and tile AUROC, with the Pareto front.

    Parameters
    ----------
    names : sequence of str
        Names of the runs.
    times : ndarray, shape (n,)
        Time per tile in ms.
    aurocs : ndarray, shape (n,)
        Tile AUROC.
    front : sequence of int
        Positions of the runs on the Pareto front.
    limit : float, optional
        Largest allowed time, drawn as a line.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If counts differ, or a value is not finite.

    Examples
    --------
    >>> plot_front(["a", "b"], np.array([10.0, 20.0]), np.array([0.9, 0.8]), [0])[1]
    'Time per tile and tile AUROC of 2 runs. On the Pareto front: a (10 ms, 0.900).'
    """
    times, aurocs = np.asarray(times, dtype=float), np.asarray(aurocs, dtype=float)
    if not len(names) == len(times) == len(aurocs):
        raise InputError(f"There are {len(names)} names, {len(times)} times and {len(aurocs)} AUROCs: give one each.")
    check_values({"times": times, "aurocs": aurocs})
    front = sorted((int(i) for i in front), key=lambda i: times[i])
    figure, axis = make_axes(1, 1, (8, 3.6))
    others = [i for i in range(len(names)) if i not in front]
    axis.plot(times[others], aurocs[others], "o", color=NORMAL, label="other runs")
    options = {"color": DEFECTIVE, "markersize": 9, "drawstyle": "steps-post"}  # no run lies between two runs
    axis.plot(times[front], aurocs[front], "s--", label="Pareto front", **options)
    for i, name in enumerate(names):
        axis.annotate(name, (times[i], aurocs[i]), xytext=(7, -11), textcoords="offset points", fontsize=9)
    if limit is not None:
        axis.axvline(limit, color=LINE, linestyle=":", label="time limit")
    axis.margins(y=0.12)  # for the names
    axis.set(xlabel="time per tile (ms)", ylabel="tile AUROC", xlim=(0, 1.25 * max([*times, limit or 0.0]) or 1))
    axis.legend(**OUTSIDE)
    listed = ", ".join(f"{names[i]} ({times[i]:.0f} ms, {aurocs[i]:.3f})" for i in front)
    caption = f"Time per tile and tile AUROC of {count(len(names), 'run')}. On the Pareto front: {listed or 'no run'}."
    return figure, caption


def plot_leaderboard(
    names: Sequence[str], shown: np.ndarray, hidden: np.ndarray, intervals: np.ndarray
) -> tuple[Figure, str]:
    """Draw the AUROCs of submissions: on the hidden strips with an interval, and on the shown strips.

    Parameters
    ----------
    names : sequence of str
        Names of the submissions, best first.
    shown, hidden : ndarray, shape (n,)
        Tile AUROC on the shown and on the hidden strips.
    intervals : ndarray, shape (n, 2)
        95 % interval of the hidden AUROC.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If counts differ, or a value is not finite.

    Examples
    --------
    >>> plot_leaderboard(["run 1"], np.array([0.9]), np.array([0.8]), np.array([[0.7, 0.9]]))[1]
    'Hidden strips with 95 % intervals: run 1 0.800 (0.70 to 0.90, shown strips 0.900).'
    """
    shown, hidden, intervals = (np.asarray(values, dtype=float) for values in (shown, hidden, intervals))
    if intervals.shape != (len(names), 2) or shown.shape != (len(names),) or hidden.shape != shown.shape:
        raise InputError(f"There are {len(names)} names, expected an AUROC and an interval for each.")
    check_values({"shown": shown, "hidden": hidden, "intervals": intervals})
    figure, axis = make_axes(1, 1, (7.5, 0.4 * len(names) + 1.2))
    draw_intervals(axis, names, np.column_stack([intervals[:, 0], hidden, intervals[:, 1]]), reference=None)
    axis.plot(shown, np.arange(len(names)), "D", color=DEFECTIVE, markersize=7, label="shown strips")
    axis.plot([], [], "o", color=LINE, label="hidden strips, 95 % interval")
    axis.set_xlabel("tile AUROC")
    axis.legend(**OUTSIDE)
    rows = zip(names, hidden, intervals, shown, strict=True)
    listed = "; ".join(f"{n} {h:.3f} ({low:.2f} to {high:.2f}, shown strips {s:.3f})" for n, h, (low, high), s in rows)
    return figure, f"Hidden strips with 95 % intervals: {listed}."


def plot_optimism(
    counts: Sequence[int], shown: Sequence[float], hidden: Sequence[float], truth: float
) -> tuple[Figure, str]:
    """Draw the AUROC of the chosen detector on shown and on hidden strips, by the number of detectors to choose from.

    Parameters
    ----------
    counts : sequence of int
        Numbers of detectors.
    shown, hidden : sequence of float
        Mean AUROC of the chosen detector on the shown and on the hidden strips.
    truth : float
        True AUROC of all detectors.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If counts differ, or a value is not finite.

    Examples
    --------
    >>> plot_optimism([1, 10], [0.85, 0.91], [0.85, 0.85], 0.85)[1]
    'Mean AUROC of the chosen detector, if all have a true AUROC of 0.850: shown strips 0.850 (1 detector) to 0.910 \
(10 detectors), hidden strips 0.850 to 0.850.'
    """
    if not len(counts) == len(shown) == len(hidden):
        raise InputError(f"There are {len(counts)} counts, {len(shown)} and {len(hidden)} AUROCs: give one each.")
    check_values({"counts": counts, "shown": shown, "hidden": hidden, "truth": [truth]}, positive=True)
    figure, axis = make_axes(1, 1, (7, 3.2))
    axis.semilogx(counts, shown, "D-", color=DEFECTIVE, label="shown strips")
    axis.semilogx(counts, hidden, "o--", color=FOURTH, label="hidden strips")
    axis.axhline(truth, color=LINE, linestyle=":", label="true AUROC")
    axis.set(
        xlabel="number of detectors tried", ylabel="AUROC of the chosen detector", xticks=counts, xticklabels=counts
    )
    axis.minorticks_off()
    axis.legend()
    ends = [f"{shown[i]:.3f} ({count(counts[i], 'detector')})" for i in (0, -1)]
    caption = f"Mean AUROC of the chosen detector, if all have a true AUROC of {truth:.3f}: shown strips {ends[0]} to "
    return figure, f"{caption}{ends[1]}, hidden strips {hidden[0]:.3f} to {hidden[-1]:.3f}."
