"""Figures of the report, each drawn for a light and for a dark page, readable without colour."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from ..plots import make_axes
from .measures import Measures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_BINS = 40
CURVE_POINTS = 500  # more are not visible


@dataclass(frozen=True)
class Theme:
    """Colours of a figure: ink for text and axes, and two series that colour-blind readers can distinguish.

    Parameters
    ----------
    ink, good, defective : str
        Colours in hexadecimal notation.

    Examples
    --------
    >>> LIGHT.good
    '#0072B2'
    """

    ink: str
    good: str
    defective: str


LIGHT, DARK = Theme("#1B1F24", "#0072B2", "#D55E00"), Theme("#E6E8EB", "#56B4E9", "#E69F00")


def score_histogram(good: Sequence[float], judged: dict[str, Sequence[float]], threshold: float) -> str:
    """Return histograms of the scores of held-out good pictures and of judged pictures, with the threshold, as HTML.

    Parameters
    ----------
    good : sequence of float
        Scores of held-out good pictures; can be empty.
    judged : dict of str to sequence of float
        Scores of the judged pictures by kind: "good", "defective" or "unlabelled".
    threshold : float
        Drawn as a line if it is finite.

    Returns
    -------
    str

    Examples
    --------
    >>> score_histogram([1.0, 2.0], {"unlabelled": [2.0, 5.0]}, 3.0).count("<img ")  # light and dark
    2
    """
    judged = {kind: np.asarray(scores, dtype=float) for kind, scores in judged.items() if len(scores)}
    every = np.concatenate([*judged.values()])
    panels = [("judged", judged, every)]
    if len(good):
        held_out = np.asarray(good, dtype=float)
        panels.insert(0, ("held-out good", {"held-out good": held_out}, held_out))
    values = np.concatenate([scores for _, _, scores in panels] + ([[threshold]] if np.isfinite(threshold) else []))
    bins = _bins(values, len(every), threshold)
    words = ". ".join(_describe_scores(name, scores, threshold) for name, _, scores in panels)
    line = f"The dashed line is the threshold, {threshold:.4g}" if np.isfinite(threshold) else "There is no threshold"

    def draw(theme: Theme) -> Figure:
        figure, axes = make_axes(len(panels), 1, (8, 1.3 + 1.35 * len(panels)), sharex=True, squeeze=False)
        for axis, (name, series, _) in zip(axes[:, 0], panels, strict=True):
            _draw_series(axis, series, bins, theme)
            if np.isfinite(threshold):
                axis.axvline(threshold, color=theme.ink, linestyle="--", label="threshold")
            axis.set(ylabel="pictures")
            axis.set_title(f"{name} pictures", loc="left", fontsize=10)
            axis.yaxis.get_major_locator().set_params(integer=True, nbins=4)
            axis.spines[["top", "right"]].set_visible(False)
        axes[-1, 0].set(xlabel="score")
        axes[-1, 0].legend(frameon=False)
        return figure

    return _in_both_themes(draw, f"Histograms of scores. {words}. {line}.")


def curves(measures: Measures) -> str:
    """Return the ROC curve and the precision-recall curve as HTML.

    Parameters
    ----------
    measures : Measures
        With pictures of both classes.

    Returns
    -------
    str

    Examples
    --------
    >>> from .measures import measure
    >>> "ROC curve with an area of 1.000" in curves(measure([1.0, 2.0], [False, True], n_resamples=2))
    True
    """
    area, precision_mean = measures.auroc.value, measures.average_precision.value
    prevalence = measures.defective_count / (measures.good_count + measures.defective_count)

    def draw(theme: Theme) -> Figure:
        figure, (left, right) = make_axes(1, 2, (8, 3.4))
        left.plot(*_thinned(measures.roc).T, color=theme.good, linewidth=2)
        right.step(*_thinned(measures.precision_recall).T, where="post", color=theme.good, linewidth=2)
        left.plot([0, 1], [0, 1], color=theme.ink, linestyle=":", label="chance")
        right.axhline(prevalence, color=theme.ink, linestyle=":", label="chance")
        left.set(xlabel="false-positive rate", ylabel="true-positive rate", title=f"ROC, AUROC {area:.3f}")
        right.set(xlabel="recall", ylabel="precision", title=f"Precision-recall, AP {precision_mean:.3f}")
        for axis in (left, right):
            axis.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.03))
            axis.spines[["top", "right"]].set_visible(False)
            axis.legend(frameon=False)
        return figure

    alt = f"ROC curve with an area of {area:.3f}, by chance 0.5, and precision-recall curve with an average precision "
    return _in_both_themes(draw, f"{alt}of {precision_mean:.3f}, by chance {prevalence:.3f}.")


def _draw_series(axis, series: dict[str, np.ndarray], bins: np.ndarray, theme: Theme) -> None:
    """Draw stacked bars. The kinds differ in colour and in hatching."""
    looks = {"good": (theme.good, ""), "held-out good": (theme.good, ""), "defective": (theme.defective, "//")}
    bottom = np.zeros(len(bins) - 1)
    for kind, scores in series.items():
        colour, hatch = looks.get(kind, ("none", ".."))
        counts, _ = np.histogram(scores, bins)
        label = None if kind == "held-out good" else kind
        look = {"facecolor": colour, "edgecolor": theme.ink, "hatch": hatch, "linewidth": 0.8}
        axis.bar(bins[:-1], counts, np.diff(bins), bottom, align="edge", label=label, **look)
        bottom += counts


def _bins(values: np.ndarray, count: int, threshold: float) -> np.ndarray:
    """Return edges of equal bins over all values. A finite threshold is an edge, so no bar is half flagged."""
    low, high = float(values.min()), float(values.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    width = (high - low) / float(np.clip(4 * np.sqrt(count), 12, MOST_BINS))
    start = threshold if np.isfinite(threshold) else low
    return start + width * np.arange(-np.ceil((start - low) / width), np.floor((high - start) / width) + 2)


def _describe_scores(name: str, scores: np.ndarray, threshold: float) -> str:
    reached = int(np.count_nonzero(scores >= threshold))
    spread = f"from {scores.min():.4g} to {scores.max():.4g}, median {np.median(scores):.4g}"
    return f"{len(scores)} {name} pictures: {spread}, {reached} at or above the threshold"


def _thinned(points: np.ndarray) -> np.ndarray:
    """Return at most `CURVE_POINTS` points of a curve, its ends among them."""
    if len(points) <= CURVE_POINTS:
        return points
    return points[np.linspace(0, len(points) - 1, CURVE_POINTS).round().astype(int)]


def _in_both_themes(draw: Callable[[Theme], Figure], alt: str) -> str:
    """Return a figure twice. The style sheet shows the light or the dark one, and the light one on paper."""
    pictures = (
        f'<img src="{_svg_uri(draw, theme)}" alt="{escape(alt)}" class="figure {name}">'
        for theme, name in ((LIGHT, "light"), (DARK, "dark"))
    )
    return "\n".join(pictures)


def _svg_uri(draw: Callable[[Theme], Figure], theme: Theme) -> str:
    import matplotlib

    names = ("text.color", "axes.edgecolor", "axes.labelcolor", "axes.titlecolor", "xtick.color", "ytick.color")
    # Equal pages for equal results: no date, and no random identifiers.
    settings = {**dict.fromkeys(names, theme.ink), "svg.hashsalt": "report", "hatch.linewidth": 0.8}
    file = io.StringIO()
    with matplotlib.rc_context(settings):
        draw(theme).savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return f"data:image/svg+xml;base64,{base64.b64encode(file.getvalue().encode()).decode('ascii')}"
