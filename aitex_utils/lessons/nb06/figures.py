"""Figures of notebook 06: pairs, prevalence, regions, intervals, thresholds, failures, each with a caption."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from aitex_utils.errors import InputError
from aitex_utils.lessons.wording import check_values, count, percent
from aitex_utils.plots import (
    COLOURS,
    DEFECTIVE,
    LINE,
    LINE_STYLES,
    MAP_COLOURS,
    MARKERS,
    NORMAL,
    draw_outline,
    make_axes,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_bank_on_line(bank: np.ndarray, patches: Mapping[str, float], *, note: str) -> tuple[Figure, str]:
    """Draw a memory bank of one channel as points on a line, with an arrow from each patch to its nearest vector.

    Parameters
    ----------
    bank : ndarray, shape (M,)
        Vectors of the memory bank.
    patches : dict of str to float
        Patches by name.
    note : str
        Last sentence of the caption.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_bank_on_line(np.array([0.0, 2.0]), {"p": 1.4}, note="The distance is 0.6.")[1]
    '2 vectors on a line; patches p at 1.4; an arrow leads from each patch to its nearest vector. The distance is 0.6.'
    """
    check_values({"bank": bank, "patches": list(patches.values())})
    figure, axis = make_axes(1, 1, (7.5, 1.9))
    axis.axhline(0, color="0.8", zorder=0)
    axis.plot(bank, np.zeros(len(bank)), "o", color=NORMAL, markersize=9, label="memory bank")
    for i, (name, patch) in enumerate(patches.items()):
        nearest = bank[np.abs(bank - patch).argmin()]
        axis.plot(patch, 0, "X", color=DEFECTIVE, markersize=10, label="patches" if i == 0 else None)
        axis.annotate(name, (patch, 0), (0, 12), textcoords="offset points", ha="center")
        axis.annotate("", (nearest, -0.35), (patch, -0.35), arrowprops={"arrowstyle": "->", "color": LINE})
    axis.set(ylim=(-0.8, 1), yticks=[], xlabel="the only channel")
    axis.legend(loc="upper left", bbox_to_anchor=(1.01, 1))
    places = ", ".join(f"{name} at {patch:g}" for name, patch in patches.items())
    vectors, arrows = count(len(bank), "vector"), "an arrow leads from each patch to its nearest vector"
    return figure, f"{vectors} on a line; patches {places}; {arrows}. {note}"


def plot_pairs(normal: np.ndarray, defective: np.ndarray) -> tuple[Figure, str]:
    """Draw every pair of a defective and a normal tile as a cell: in the right order, tied, or in the wrong order.

    Parameters
    ----------
    normal, defective : ndarray, shape (n,)
        Scores of the normal and of the defective tiles.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_pairs(np.array([1.0, 3.0]), np.array([3.0]))[1]
    '1 x 2 = 2 pairs of a defective and a normal tile: 50.0 % are in the right order, 50.0 % are ties.'
    """
    from matplotlib import colormaps

    check_values({"normal": normal, "defective": defective})
    normal, defective = np.sort(normal), np.sort(defective)
    order = np.sign(defective[:, None] - normal)  # 1 right, 0 tie, -1 wrong
    figure, axis = make_axes(1, 1, (7, 3))
    colours = colormaps[MAP_COLOURS].resampled(3)
    drawn = axis.imshow(order, origin="lower", aspect="auto", cmap=colours, vmin=-1.5, vmax=1.5, interpolation="none")
    bar = figure.colorbar(drawn, ax=axis, ticks=[-1, 0, 1], fraction=0.05)
    bar.ax.set_yticklabels(["wrong", "tie", "right"])
    axis.set(xlabel="normal tiles, by rising score", ylabel="defective tiles,\nby rising score")
    right, tied = float((order > 0).mean()), float((order == 0).mean())
    caption = f"{len(defective)} x {len(normal)} = {order.size:,} pairs of a defective and a normal tile"
    return figure, f"{caption}: {percent(right, 1)} are in the right order, {percent(tied, 1)} are ties."


def plot_prevalence(prevalence: np.ndarray, measures: Mapping[str, np.ndarray]) -> tuple[Figure, str]:
    """Draw measures of a detector against the prevalence of defects, on a logarithmic axis.

    Parameters
    ----------
    prevalence : ndarray, shape (S,)
        Shares of defective samples, falling.
    measures : dict of str to ndarray, each of shape (S,)
        Values of the measures by name.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_prevalence(np.array([0.1, 0.01]), {"AP": np.array([0.5, 0.2])})[1]
    'Measures as the prevalence falls from 10 % to 1.0 %: AP from 0.500 to 0.200.'
    """
    check_values({"prevalence": prevalence}, positive=True)
    check_values(measures)
    figure, axis = make_axes(1, 1, (6.8, 3.3))
    for i, (name, values) in enumerate(measures.items()):
        style = LINE_STYLES[i % len(LINE_STYLES)] + MARKERS[i % len(MARKERS)]
        axis.semilogx(prevalence, values, style, color=LINE if i else NORMAL, label=name)
    axis.semilogx(prevalence, prevalence, ":", color="0.5", label="AP by chance")
    axis.set(xlabel="prevalence (share of defective samples)", ylabel="measure", ylim=(0, 1.02))
    axis.invert_xaxis()
    axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    changes = "; ".join(f"{name} from {values[0]:.3f} to {values[-1]:.3f}" for name, values in measures.items())
    return (
        figure,
        f"Measures as the prevalence falls from {percent(prevalence[0])} to {percent(prevalence[-1], 1)}: {changes}.",
    )


def plot_region_overlap(rates: np.ndarray, overlaps: np.ndarray, limits: Sequence[float]) -> tuple[Figure, str]:
    """Draw the mean overlap of defect regions against the false-positive rate, with the limits of AUPRO.

    Parameters
    ----------
    rates : ndarray, shape (T,)
        False-positive rates of normal pixels, rising.
    overlaps : ndarray, shape (T,)
        Mean share of a region's pixels that is flagged.
    limits : sequence of float
        False-positive rates at which AUPRO ends, up to three.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_region_overlap(np.array([0.0, 1.0]), np.array([0.0, 1.0]), [0.3])[1]
    'Mean overlap of the defect regions: 0.30 at a false-positive rate of 0.3.'
    """
    check_values({"rates": rates, "overlaps": overlaps, "limits": limits})
    figure, axis = make_axes(1, 1, (6.8, 3.2))
    axis.plot(rates, overlaps, color=NORMAL, label="mean overlap")
    for style, limit in zip(LINE_STYLES[1:], sorted(limits), strict=False):
        axis.axvline(limit, linestyle=style, color=LINE, label=f"limit {limit:g}")
    axis.set(xlabel="false-positive rate of normal pixels", ylabel="mean overlap of regions")
    axis.set(xlim=(0, 1), ylim=(0, 1.02))
    axis.legend(loc="lower right")
    at_limits = [
        f"{np.interp(limit, rates, overlaps):.2f} at a false-positive rate of {limit:g}" for limit in sorted(limits)
    ]
    return figure, f"Mean overlap of the defect regions: {', '.join(at_limits)}."


def plot_intervals_by_unit(
    estimates: Mapping[str, float], intervals: Mapping[str, Mapping[str, tuple[float, float]]], *, label: str
) -> tuple[Figure, str]:
    """Draw estimates with two confidence intervals each, which differ in the unit that was resampled.

    Parameters
    ----------
    estimates : dict of str to float
        Estimates by name.
    intervals : dict of str to dict
        `intervals[unit][name]` is (low, high), for two units, for example "strips" and "tiles".
    label : str
                Name of the estimated value.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> intervals = {"strips": {"AP": (0.4, 0.6)}, "tiles": {"AP": (0.45, 0.55)}}
    >>> plot_intervals_by_unit({"AP": 0.5}, intervals, label="measure")[1]
    'Measure with 95 % intervals: AP 0.500 (0.400 to 0.600 over strips, 0.450 to 0.550 over tiles).'
    """
    if len(intervals) != 2:
        raise InputError(f"There are intervals for {len(intervals)} units, expected two, for example strips and tiles.")
    check_values({"estimates": list(estimates.values())})
    figure, axis = make_axes(1, 1, (7, 0.55 * len(estimates) + 1.2))
    rows = np.arange(len(estimates))
    for i, (unit, colour) in enumerate(zip(intervals, (NORMAL, DEFECTIVE), strict=True)):
        heights = rows + 0.18 * (2 * i - 1)
        low, high = np.array([intervals[unit][name] for name in estimates]).T
        axis.hlines(heights, low, high, color=colour, linewidth=4 - i, label=f"{unit} resampled")
        axis.plot(list(estimates.values()), heights, MARKERS[i], color=LINE, markersize=5)
    axis.set(yticks=rows, yticklabels=list(estimates), xlabel=label)
    axis.invert_yaxis()
    axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    texts = []
    for name, value in estimates.items():
        ranges = [f"{ends[name][0]:.3f} to {ends[name][1]:.3f} over {unit}" for unit, ends in intervals.items()]
        texts.append(f"{name} {value:.3f} ({', '.join(ranges)})")
    return figure, f"{label[0].upper()}{label[1:]} with 95 % intervals: {'; '.join(texts)}."


def plot_coverage(
    correlations: Sequence[float], coverage: Mapping[str, Sequence[float]], *, confidence: float
) -> tuple[Figure, str]:
    """Draw the coverage of confidence intervals against the within-strip correlation.

    Parameters
    ----------
    correlations : sequence of float
        Shares of the variance that the tiles of a strip have in common.
    coverage : dict of str to sequence of float
        For each kind of interval, up to four, and each correlation: the share of intervals that contain the true value.
    confidence : float
        Coverage that the intervals claim.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_coverage([0.0, 0.5], {"strips resampled": [0.9, 0.86]}, confidence=0.95)[1]
    'Coverage of 95 % intervals as the within-strip correlation rises: strips resampled 90 %, 86 %.'
    """
    check_values({"correlations": correlations, **coverage})
    figure, axis = make_axes(1, 1, (6.8, 3))
    for i, (name, shares) in enumerate(coverage.items()):
        axis.plot(correlations, shares, LINE_STYLES[i] + MARKERS[i], color=COLOURS[i], label=name)
    axis.axhline(confidence, color=LINE, linestyle=":", label=f"claimed: {percent(confidence)}")
    axis.set(xlabel="within-strip correlation", ylabel="coverage", ylim=(0, 1.02))
    axis.legend(loc="lower left")
    texts = [f"{name} " + ", ".join(f"{percent(share)}" for share in shares) for name, shares in coverage.items()]
    caption = f"Coverage of {percent(confidence)} intervals as the within-strip correlation rises"
    return figure, f"{caption}: {'; '.join(texts)}."


def plot_false_alarm_rates(rates: Mapping[str, np.ndarray], promised: float) -> tuple[Figure, str]:
    """Draw measured false-alarm rates by the source of the threshold, one dot per trial, a line for the mean.

    Parameters
    ----------
    rates : dict of str to ndarray, each of shape (R,)
        False-alarm rates of R trials.
    promised : float
        Rate for which the thresholds were made.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_false_alarm_rates({"fitted tiles": np.array([0.5, 0.7])}, promised=0.1)[1]
    'False-alarm rates on new normal strips, promised 10 %, mean (lowest to highest): fitted tiles 60.0 % (50.0 % \
to 70.0 %).'
    """
    check_values(rates)
    figure, axis = make_axes(1, 1, (7, 0.6 * len(rates) + 1.2))
    rng = np.random.default_rng(0)
    for row, values in enumerate(rates.values()):
        axis.plot(values, row + rng.uniform(-0.18, 0.18, len(values)), "o", color=NORMAL, alpha=0.5, markersize=5)
        axis.vlines(np.mean(values), row - 0.35, row + 0.35, color=LINE, linewidth=2.5)
    axis.axvline(promised, color=DEFECTIVE, linestyle="--", label=f"promised: {percent(promised)}")
    axis.set(yticks=range(len(rates)), yticklabels=list(rates), xlabel="share of new normal tiles that is flagged")
    axis.invert_yaxis()
    axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    texts = [
        f"{name} {percent(np.mean(values), 1)} ({percent(np.min(values), 1)} to {percent(np.max(values), 1)})"
        for name, values in rates.items()
    ]
    caption = f"False-alarm rates on new normal strips, promised {percent(promised)}, mean (lowest to highest)"
    return figure, f"{caption}: {'; '.join(texts)}."


def plot_gallery(
    tiles: np.ndarray, maps: np.ndarray, masks: np.ndarray, titles: Sequence[str], *, threshold: float = 1.0
) -> tuple[Figure, str]:
    """Draw tiles above their anomaly maps, with outlines of the masks and of what reaches the threshold.

    Parameters
    ----------
    tiles : ndarray, shape (N, H, W)
        Grey tiles.
    maps : ndarray, shape (N, H, W)
        Anomaly maps, drawn on one scale.
    masks : ndarray, shape (N, H, W)
        Ground-truth masks, bool.
    titles : sequence of str
        One per tile.
    threshold : float
        Threshold of the detector.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If the counts differ, or there are no tiles.

    Examples
    --------
    >>> tiles = np.zeros((2, 8, 8))
    >>> plot_gallery(tiles, tiles, tiles.astype(bool), ["1.", "2."])[1]
    '2 tiles above their maps, all on one scale. No map reaches 1.'
    """
    if not len(tiles) == len(maps) == len(masks) == len(titles) or not len(tiles):
        raise InputError(
            f"There are {len(tiles)} tiles, {len(maps)} maps, {len(masks)} masks and {len(titles)} titles: "
            "give one of each per tile, and at least one tile."
        )
    check_values({"tiles": tiles, "maps": maps}, nan=True)
    figure, axes = make_axes(2, len(tiles), (1.9 * len(tiles) + 0.6, 4.1), squeeze=False)
    low, high = float(np.nanmin(maps)), float(np.nanmax(maps))
    if np.isfinite(threshold):  # an infinite one flags nothing, and would leave no colours
        high = max(high, threshold)
    for column, (tile, anomaly_map, mask) in enumerate(zip(tiles, maps, masks, strict=True)):
        above, below = axes[:, column]
        above.imshow(tile, cmap="gray", vmin=0, vmax=255, origin="upper")
        drawn = below.imshow(anomaly_map, cmap=MAP_COLOURS, vmin=low, vmax=high, origin="upper")
        for axis in (above, below):
            axis.set_axis_off()
            draw_outline(axis, mask, linewidth=1.1)
        if np.nanmax(anomaly_map) >= threshold > np.nanmin(anomaly_map):
            below.contour(anomaly_map, levels=[threshold], colors="white", linewidths=0.9)
        above.set_title(titles[column], fontsize=9)
    figure.colorbar(drawn, ax=axes, label="anomaly score", fraction=0.03, pad=0.01)
    reached = int((np.nanmax(maps, axis=(1, 2)) >= threshold).sum())
    marked = sum(bool(mask.any()) for mask in masks)
    caption = f"{count(len(tiles), 'tile')} above {'its map' if len(tiles) == 1 else 'their maps'}, all on one scale. "
    caption += f"{count(reached, 'map')} {'reaches' if reached == 1 else 'reach'}" if reached else "No map reaches"
    caption += f" {threshold:.3g}" + (", outlined in white." if reached else ".")
    with_defect = (
        f" {count(marked, 'tile')} {'has' if marked == 1 else 'have'} a marked defect, outlined in both images."
    )
    return figure, caption + (with_defect if marked else "")


def plot_operating_curve(
    false_alarms: np.ndarray, detected: np.ndarray, *, smallest_measurable: float, per: str
) -> tuple[Figure, str]:
    """Draw the share of detected defects against the number of false alarms, one point per threshold.

    Parameters
    ----------
    false_alarms : ndarray, shape (T,)
        False alarms per length of fabric.
    detected : ndarray, shape (T,)
        Share of the defects that is detected.
    smallest_measurable : float
        Number of false alarms below which the test set is too small to measure; that part is hatched.
    per : str
        The length of fabric.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> curve = np.array([0.0, 40.0]), np.array([0.2, 0.5])
    >>> plot_operating_curve(*curve, smallest_measurable=50, per="100 m")[1]
    'Half of the defects are detected at 40 false alarms per 100 m, and without any false alarm on the tested \
tiles, 20 % are. Below 50 false alarms per 100 m the test set is too small to measure.'
    """
    check_values({"false_alarms": false_alarms, "detected": detected})
    figure, axis = make_axes(1, 1, (6.8, 3.2))
    shown, start = false_alarms > 0, smallest_measurable / 30
    axis.semilogx(false_alarms[shown], detected[shown], color=NORMAL, drawstyle="steps-post")
    axis.set(xlabel=f"false alarms per {per}", ylabel="share of defects detected", ylim=(0, 1.02), xlim=(start, None))
    hatched = {"facecolor": "0.9", "edgecolor": "0.6", "hatch": "//"}
    axis.axvspan(start, smallest_measurable, label="not measurable with this test set", **hatched)
    axis.legend(loc="upper left")
    reaches_half = detected >= 0.5
    caption = "No threshold detects half of the defects, and "
    if reaches_half.any():
        half = float(false_alarms[reaches_half].min())
        half = f"{half:,.0f}" if half >= 10 else f"{half:.2g}"
        caption = f"Half of the defects are detected at {half} false alarms per {per}, and "
    without = detected[false_alarms == 0].max() if (false_alarms == 0).any() else 0.0
    caption += f"without any false alarm on the tested tiles, {percent(without)} are"
    limit = f"Below {smallest_measurable:,.0f} false alarms per {per} the test set is too small to measure."
    return figure, f"{caption}. {limit}"
