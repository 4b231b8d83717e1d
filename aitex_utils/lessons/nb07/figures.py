"""Figures of notebook 07: regions, intervals, thresholds, alarms, each with a caption."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from aitex_utils.errors import InputError
from aitex_utils.lessons.wording import check_values, percent
from aitex_utils.plots import (
    COLOURS,
    DEFECTIVE,
    LINE,
    LINE_STYLES,
    MARKERS,
    NORMAL,
    OUTSIDE,
    make_axes,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
    axis.set(yticks=rows, yticklabels=list(estimates), xlabel=label, ylim=(len(estimates) - 0.5, -0.5))
    axis.legend(**OUTSIDE)
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
    axis.set(yticks=range(len(rates)), yticklabels=list(rates), xlabel="flagged share of new normal tiles")
    axis.invert_yaxis()
    axis.legend(**OUTSIDE)
    texts = [
        f"{name} {percent(np.mean(values), 1)} ({percent(np.min(values), 1)} to {percent(np.max(values), 1)})"
        for name, values in rates.items()
    ]
    caption = f"False-alarm rates on new normal strips, promised {percent(promised)}, mean (lowest to highest)"
    return figure, f"{caption}: {'; '.join(texts)}."


def plot_rates_by_rule(
    counts: Sequence[int], rates: Mapping[str, Sequence[float]], promised: float
) -> tuple[Figure, str]:
    """Draw the mean false-alarm rate on new strips against the number of strips that give the threshold.

    Parameters
    ----------
    counts : sequence of int
        Numbers of calibration strips.
    rates : mapping of str to sequence of float
        Mean rates by rule, up to four rules, one rate per count.
    promised : float
        Rate that the conformal threshold promises.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_rates_by_rule([1, 4], {"conformal": [0.12, 0.1]}, 0.1)[1]
    'Mean false-alarm rate on new strips with 1 to 4 calibration strips, promised 10 %: conformal 12 % to 10 %.'
    """
    check_values({"counts": counts, **rates})
    figure, axis = make_axes(1, 1, (7, 3.2))
    for i, (rule, values) in enumerate(rates.items()):
        axis.plot(counts, values, LINE_STYLES[i] + MARKERS[i], color=COLOURS[i], label=rule)
    axis.axhline(promised, color="0.5", linewidth=1, label=f"promised: {percent(promised)}")
    axis.set(xlabel="calibration strips", ylabel="mean false-alarm rate\non new strips", xticks=counts, ylim=(0, None))
    axis.legend(**OUTSIDE)
    texts = [f"{rule} {percent(values[0])} to {percent(values[-1])}" for rule, values in rates.items()]
    strips = f"{counts[0]} to {counts[-1]} calibration strips"
    return figure, (
        f"Mean false-alarm rate on new strips with {strips}, promised {percent(promised)}: {'; '.join(texts)}."
    )


def plot_light(rates: Mapping[str, Mapping[float, float]], promised: float) -> tuple[Figure, str]:
    """Draw the false-alarm rate on new strips against a change of the light, one line per fabric.

    Parameters
    ----------
    rates : mapping of str to mapping of float to float
        False-alarm rates by fabric and by factor of the grey values.
    promised : float
        Promised rate.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_light({"00": {0.8: 0.5, 1.0: 0.1}}, 0.1)[1]
    'False-alarm rate on new strips as the light changes, promised 10 %: fabric 00 50 % at x 0.8, 10 % at x 1.'
    """
    check_values({name: list(of_fabric.values()) for name, of_fabric in rates.items()})
    figure, axis = make_axes(1, 1, (7, 3))
    for i, (fabric, of_fabric) in enumerate(rates.items()):
        style = LINE_STYLES[i % 4] + MARKERS[i % len(MARKERS)]
        axis.plot(list(of_fabric), list(of_fabric.values()), style, color=COLOURS[i % 4], label=f"fabric {fabric}")
    axis.axhline(promised, color="0.5", linewidth=1, label=f"promised: {percent(promised)}")
    label = "factor on the grey values (1 = light of the training tiles)"
    axis.set(xlabel=label, ylabel="false-alarm rate", ylim=(0, 1.02))
    axis.legend(**OUTSIDE)
    texts = [
        f"fabric {fabric} " + ", ".join(f"{percent(rate)} at x {factor:g}" for factor, rate in of_fabric.items())
        for fabric, of_fabric in rates.items()
    ]
    return (
        figure,
        f"False-alarm rate on new strips as the light changes, promised {percent(promised)}: {'; '.join(texts)}.",
    )


def plot_alarms(
    labels: np.ndarray,
    scores: np.ndarray,
    threshold: float,
    point: Callable[[float], tuple[float, float, float]],
    smallest_measurable: float,
) -> tuple[Figure, str]:
    """Draw the scores with a threshold, and false alarms and misses per 100 m at all thresholds and at this one.

    Parameters
    ----------
    labels, scores : ndarray, shape (N,)
        Test tiles.
    threshold : float
        Chosen threshold.
    point : callable
        Returns false alarms and misses per 100 m, and the precision, at a threshold.
    smallest_measurable : float
        Number of false alarms per 100 m below which the test set is too small to measure; that part is hatched.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> labels, scores = np.array([False, False, True]), np.array([1.0, 2.0, 3.0])
    >>> def point(t):
    ...     return 50.0 * (scores[:2] >= t).sum(), float(t > 3), 0.02
    >>> plot_alarms(labels, scores, 2.0, point, 10)[1]
    'With the threshold 2.00: 50 false alarms and 0.00 misses per 100 m, precision 2.0 %.'
    """
    check_values({"scores": scores})
    figure, (left, right) = make_axes(1, 2, (9, 3.3))
    bins = np.linspace(scores.min(), scores.max(), 31)
    for rows, colour, hatch, name in ((~labels, NORMAL, "", "clean"), (labels, DEFECTIVE, "//", "defective")):
        shares = np.histogram(scores[rows], bins)[0] / max(1, rows.sum())
        left.stairs(shares, bins, fill=True, color=colour, alpha=0.55, hatch=hatch, label=f"{name} tiles")
    left.axvline(threshold, color=LINE, linestyle="--", label="threshold")
    left.set(xlabel="score", ylabel="share")
    left.legend()
    curve = np.array([point(t)[:2] for t in np.unique(scores)])
    alarms, misses, precision = point(threshold)
    start = smallest_measurable / 30
    right.semilogx(np.maximum(curve[:, 0], start), curve[:, 1], color=NORMAL)
    right.semilogx(max(alarms, start), misses, "o", color=LINE, markersize=8, label="this threshold")
    hatched = {"facecolor": "0.9", "edgecolor": "0.6", "hatch": "//"}
    right.axvspan(start, smallest_measurable, label="not measurable", **hatched)
    right.set(xlabel="false alarms per 100 m", ylabel="misses per 100 m", xlim=(start, None), ylim=(0, None))
    right.legend(loc="upper right")
    if alarms < smallest_measurable:
        few = f"fewer than {smallest_measurable:,.0f} false alarms per 100 m, too few for this test set to measure"
        return figure, f"With the threshold {threshold:.2f}: {few}, and {misses:.2f} misses per 100 m."
    numbers = f"{alarms:,.0f} false alarms and {misses:.2f} misses per 100 m"
    return figure, f"With the threshold {threshold:.2f}: {numbers}, precision {percent(precision, 1)}."
