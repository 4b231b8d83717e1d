"""Exercise 07.1: AUPRO, the area under the per-region overlap up to a false-positive rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from aitex_utils.lessons.engine.compare import close, plain
from aitex_utils.lessons.engine.judge import Exercise, Mistake

Array = np.ndarray
OUTLIER = 1e6  # a score so high that no evenly spaced threshold separates the other scores


def _area(x: Array, y: Array) -> float:
    return float((np.diff(x) * (y[1:] + y[:-1]) / 2).sum())


def _cut(x: Array, y: Array, limit: float) -> tuple[Array, Array]:
    """End a curve at the limit, on the straight line to the next point."""
    inside = x <= limit
    return np.append(x[inside], limit), np.append(y[inside], np.interp(limit, x, y))


def _cut_at_top_of_step(x: Array, y: Array, limit: float) -> tuple[Array, Array]:
    """End a curve at the highest of the points at the limit."""
    inside = x < limit
    return np.append(x[inside], limit), np.append(y[inside], np.interp(limit, x, y))


def _drop_above_limit(x: Array, y: Array, limit: float) -> tuple[Array, Array]:
    return x[x <= limit], y[x <= limit]


def _mean_overlap(regions: Sequence[Array], threshold: float, is_flagged: Callable) -> float:
    return float(np.mean([is_flagged(region, threshold).mean() for region in regions]))


def _pooled_overlap(regions: Sequence[Array], threshold: float, is_flagged: Callable) -> float:
    return float(is_flagged(np.concatenate(list(regions)), threshold).mean())


def _touched_regions(regions: Sequence[Array], threshold: float, is_flagged: Callable) -> float:
    return float(np.mean([is_flagged(region, threshold).any() for region in regions]))


def aupro(
    regions: Sequence[Array],
    normal: Array,
    max_fpr: float,
    *,
    overlap: Callable[[Sequence[Array], float, Callable], float] = _mean_overlap,
    is_flagged: Callable = np.greater_equal,
    origin: bool = True,
    end: Callable[[Array, Array, float], tuple[Array, Array]] = _cut,
    divide: bool = True,
    thresholds: Array | None = None,
    other_pixels: Callable[[Sequence[Array]], int] = lambda regions: 0,
) -> float:
    """Return AUPRO from the scores of regions and of normal pixels. The keyword arguments make the typical mistakes."""
    thresholds = (np.unique(np.concatenate([*regions, normal])) if thresholds is None else thresholds)[::-1]
    n_pixels = len(normal) + other_pixels(regions)
    x = np.array([is_flagged(normal, threshold).sum() / n_pixels for threshold in thresholds])
    y = np.array([overlap(regions, threshold, is_flagged) for threshold in thresholds])
    if origin:
        x, y = np.append(0.0, x), np.append(0.0, y)
    return _area(*end(x, y, max_fpr)) / (max_fpr if divide else 1)


def _with(**mistake) -> Callable:
    """Return `aupro` with a mistake in it."""
    return lambda regions, normal, max_fpr: aupro(regions, normal, max_fpr, **mistake)


def _steps(heights: slice) -> Callable:
    """Return the area under steps instead of straight lines, as high as the points to the left or to the right."""

    def wrong(regions: Sequence[Array], normal: Array, max_fpr: float) -> float:
        thresholds = np.unique(np.concatenate([*regions, normal]))[::-1]
        x = np.array([0.0, *((normal >= threshold).mean() for threshold in thresholds)])
        y = np.array([0.0, *(_mean_overlap(regions, threshold, np.greater_equal) for threshold in thresholds)])
        x, y = _cut(x, y, max_fpr)
        return float((np.diff(x) * y[heights]).sum()) / max_fpr

    return wrong


def _at_normal_scores(regions: Sequence[Array], normal: Array, max_fpr: float) -> float:
    return aupro(regions, normal, max_fpr, thresholds=np.unique(normal))


def _at_even_thresholds(regions: Sequence[Array], normal: Array, max_fpr: float) -> float | None:
    """Return the result of evenly spaced thresholds, or None where it depends on their number.

    With one normal score far above all others, only the highest and the lowest threshold flag different pixels.
    """
    scores = np.concatenate([*regions, normal])
    if scores.max() != OUTLIER:
        return None
    return aupro(regions, normal, max_fpr, thresholds=np.array([scores.min(), OUTLIER]))


def _agrees(expected: float | None, answer: Any, *case: Any) -> bool:
    """Return whether an answer equals the expected value. None stands for any single number."""
    return np.shape(answer) == () if expected is None else close(plain(expected, False), answer, 1e-5)


def _cases() -> list[tuple]:
    rng = np.random.default_rng(65)

    def random_scores(size: int, mean: float) -> Array:
        return np.round(rng.normal(mean, 1, size), 1)

    return [
        ([np.array([8.0, 2.0]), np.array([4.0])], np.array([5.0, 3.0, 1.0, 1.0]), 0.5),
        ([np.array([9.0]), np.array([7.0]), np.array([1.0, 1.0])], np.array([9.0, 8.0, 7.0, 1.0]), 0.9),
        ([random_scores(3, 1), random_scores(30, 2), random_scores(1, 0)], random_scores(60, 0), 0.3),
        ([random_scores(4, 0.5), random_scores(12, 1)], np.append(random_scores(40, 0), 5.0), 0.05),
        ([random_scores(6, 1), random_scores(9, 2)], np.append(random_scores(50, 0), OUTLIER), 0.3),
    ]


_WHOLE = (
    "This is the area under the whole curve, up to a false-positive rate of 1. No mill runs a detector there. Only "
    "the part up to `max_fpr` counts."
)
_START = (
    "The curve begins at the first threshold. Above the highest score nothing is flagged, so the curve starts at "
    "(0, 0). This matters if the highest score belongs to a normal pixel."
)
_STEPS = (
    "The area consists of steps, as in AP. Here straight lines join the points: each segment counts with the mean of "
    "its two heights, as in `np.trapezoid`."
)
_EVEN = (
    "The thresholds are spaced evenly from the lowest to the highest score. Where scores are dense, many fall between "
    "two thresholds. The thresholds are the distinct scores themselves."
)
AUPRO = Exercise(
    "07.1",
    "The area under the per-region overlap up to a false-positive rate.",
    aupro,
    _cases,
    (
        Mistake(
            "pixels pooled",
            "All defect pixels are pooled, so a large region outweighs many small ones. Compute the overlap of each "
            "region, then take the mean over the regions.",
            _with(overlap=_pooled_overlap),
        ),
        Mistake(
            "touched is found",
            "A region counts as found if one of its pixels is flagged. Its overlap is the *share* of its pixels that "
            "is flagged.",
            _with(overlap=_touched_regions),
        ),
        Mistake(
            "not divided",
            "The area is right. Divide it by `max_fpr`, so that a perfect map has the value 1 for any limit.",
            _with(divide=False),
        ),
        Mistake("the whole curve", _WHOLE, _with(end=lambda x, y, limit: (x, y), divide=False)),
        Mistake("the whole curve", _WHOLE, _with(end=lambda x, y, limit: (x, y))),
        Mistake(
            "cut before the limit",
            "The area ends at the last threshold before the limit. From there a straight line leads to the next point: "
            "add the point of this line at `max_fpr` itself.",
            _with(end=_drop_above_limit),
        ),
        Mistake(
            "top of a step",
            "Right, except where a threshold has exactly the limit as its rate. Several points can share this rate, "
            "and `np.interp` gives the highest of them, so the line rises too early. Keep all points with "
            "`x <= max_fpr`, then append.",
            _with(end=_cut_at_top_of_step),
        ),
        *(Mistake("steps", _STEPS, _steps(heights)) for heights in (np.s_[:-1], np.s_[1:])),
        Mistake(
            "thresholds of the normals",
            "Only the normal scores are thresholds here. The overlap also grows between two of them, and the curve has "
            "a corner there. Take the distinct scores of regions and normal pixels.",
            _at_normal_scores,
        ),
        Mistake(
            "rate of all pixels",
            "The flagged normal pixels are divided by the number of *all* pixels. The false-positive rate divides them "
            "by the number of normal pixels.",
            _with(other_pixels=lambda regions: sum(map(len, regions))),
        ),
        Mistake("even thresholds", _EVEN, _at_even_thresholds),
        Mistake("not from zero", _START, _with(origin=False)),
        Mistake(
            "strictly above",
            "At each threshold you count only the scores *above* it. The rule is score >= threshold.",
            _with(is_flagged=np.greater),
        ),
    ),
    (
        "Make two lists with one entry for each threshold, from high to low. The first is the flagged share of "
        "`normal`. The second is the mean, over the regions, of their flagged share. Both begin with a 0.",
        "`np.interp(max_fpr, x, y)` is the height of the curve at the limit. Keep the points with `x <= max_fpr` and "
        "append the limit and that height.",
        "The area under straight lines is the sum of `np.diff(x) * (y[1:] + y[:-1]) / 2`.",
    ),
    "In your AUPRO each region counts the same, whatever its size.",
    agree=_agrees,
)
