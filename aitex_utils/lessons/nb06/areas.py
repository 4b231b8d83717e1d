"""Exercise 06.5: AUPRO, the area under the per-region overlap up to a false-positive rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from aitex_utils.lessons.engine.compare import close, plain
from aitex_utils.lessons.engine.judge import Exercise, Mistake

Array = np.ndarray
FAR = 1e6  # a score so high that evenly spaced thresholds have none among the others


def _area(x: Array, y: Array) -> float:
    return float((np.diff(x) * (y[1:] + y[:-1]) / 2).sum())


def _cut(x: Array, y: Array, limit: float) -> tuple[Array, Array]:
    inside = x <= limit
    return np.append(x[inside], limit), np.append(y[inside], np.interp(limit, x, y))


def aupro(
    regions: Sequence[Array],
    normal: Array,
    max_fpr: float,
    *,
    overlap: Callable[[Sequence[Array], float, Callable], float] = lambda regions, t, above: float(
        np.mean([above(r, t).mean() for r in regions])
    ),
    above: Callable = np.greater_equal,
    start: bool = True,
    end: str = "cut",
    divide: bool = True,
    thresholds: Array | None = None,
) -> float:
    """Return AUPRO of regions' scores and normal scores, or one of the mistakes that can be made in it."""
    thresholds = (np.unique(np.concatenate([*regions, normal])) if thresholds is None else thresholds)[::-1]
    x = np.array([above(normal, t).mean() for t in thresholds])
    y = np.array([overlap(regions, t, above) for t in thresholds])
    if start:
        x, y = np.append(0.0, x), np.append(0.0, y)
    if end == "cut":
        x, y = _cut(x, y, max_fpr)
    elif end == "doubled":
        x, y = np.append(x[x < max_fpr], max_fpr), np.append(y[x < max_fpr], np.interp(max_fpr, x, y))
    elif end == "dropped":
        x, y = x[x <= max_fpr], y[x <= max_fpr]
    return _area(x, y) / (max_fpr if divide else 1)


def _steps(left: bool) -> Callable:
    """Return the area under steps instead of straight lines, as high as the point to the left or to the right."""

    def wrong(regions: Sequence[Array], normal: Array, max_fpr: float) -> float:
        thresholds = np.unique(np.concatenate([*regions, normal]))[::-1]
        x = np.array([0.0, *((normal >= t).mean() for t in thresholds)])
        y = np.array([0.0, *(np.mean([(r >= t).mean() for r in regions]) for t in thresholds)])
        x, y = _cut(x, y, max_fpr)
        return float((np.diff(x) * (y[:-1] if left else y[1:])).sum()) / max_fpr

    return wrong


def _at(thresholds: Callable[[Sequence[Array], Array], Array]) -> Callable:
    """Return AUPRO with thresholds of one's own choice, from low to high."""
    return lambda regions, normal, max_fpr: aupro(regions, normal, max_fpr, thresholds=thresholds(regions, normal))


def _evenly(regions: Sequence[Array], normal: Array, max_fpr: float) -> float | None:
    """Return what evenly spaced thresholds give however many they are, or None where that hangs on their number.

    With one normal score that is far above all others, no threshold but the highest and the lowest parts anything.
    """
    both = np.concatenate([*regions, normal])
    return aupro(regions, normal, max_fpr, thresholds=np.array([both.min(), FAR])) if both.max() == FAR else None


def _as_expected(expected: float | None, got: Any, *case: Any) -> bool:
    """Say whether a value is the one expected; None stands for any single number."""
    return np.shape(got) == () if expected is None else close(plain(expected, False), got, 1e-5)


def _pooled(regions: Sequence[Array], threshold: float, above: Callable) -> float:
    return float(above(np.concatenate(list(regions)), threshold).mean())


def _touched(regions: Sequence[Array], threshold: float, above: Callable) -> float:
    return float(np.mean([above(region, threshold).any() for region in regions]))


def _slip(**slip) -> Callable:
    return lambda regions, normal, max_fpr: aupro(regions, normal, max_fpr, **slip)


def _cases() -> list[tuple]:
    rng = np.random.default_rng(65)

    def drawn(size: int, shift: float) -> Array:
        return np.round(rng.normal(shift, 1, size), 1)

    return [
        ([np.array([8.0, 2.0]), np.array([4.0])], np.array([5.0, 3.0, 1.0, 1.0]), 0.5),
        ([np.array([9.0]), np.array([7.0]), np.array([1.0, 1.0])], np.array([9.0, 8.0, 7.0, 1.0]), 0.9),
        ([drawn(3, 1), drawn(30, 2), drawn(1, 0)], drawn(60, 0), 0.3),
        ([drawn(4, 0.5), drawn(12, 1)], np.append(drawn(40, 0), 5.0), 0.05),
        ([drawn(6, 1), drawn(9, 2)], np.append(drawn(50, 0), FAR), 0.3),  # see `_evenly`
    ]


_WHOLE = (
    "The whole curve was used, up to a false-positive rate of 1. Nobody runs a detector there; only the part up to "
    "`max_fpr` counts."
)
_START = (
    "The curve begins at the first threshold. Above the highest score nothing is called: it starts at (0, 0). That "
    "matters whenever the very highest score is a normal one."
)
_STEPS = (
    "The area is made of steps, as in AP. Here points are joined by straight lines: each stretch counts with the mean "
    "of its two heights, as in `np.trapezoid`."
)
_EVEN = (
    "The thresholds are spaced evenly from the lowest to the highest score. Where scores crowd, many fall between two "
    "of them. The thresholds are the scores themselves, each distinct one once."
)
AUPRO = Exercise(
    "06.5",
    "The area under the per-region overlap up to a false-positive rate.",
    aupro,
    _cases,
    (
        Mistake(
            "pixels pooled",
            "All defect pixels were thrown together, so that a large region outweighs many small ones. Compute each "
            "region's overlap for itself, then take the mean over the regions.",
            _slip(overlap=_pooled),
        ),
        Mistake(
            "touched is found",
            "A region counts as found as soon as one of its pixels is called. Its overlap is the *share* of its "
            "pixels that is called.",
            _slip(overlap=_touched),
        ),
        Mistake(
            "not divided",
            "The area is right. Divide it by `max_fpr`, so that a perfect map has 1 whatever the limit.",
            _slip(divide=False),
        ),
        Mistake("the whole curve", _WHOLE, _slip(end="whole", divide=False)),
        Mistake("the whole curve", _WHOLE, _slip(end="whole")),
        Mistake(
            "cut before the limit",
            "The area ends at the last threshold before the limit. The curve goes on from there to the next point on a "
            "straight line: add the point of that line at `max_fpr` itself.",
            _slip(end="dropped"),
        ),
        Mistake(
            "top of a step",
            "Right, but where a threshold lands on the limit itself. Several points can share that rate, and "
            "`np.interp` gives the highest of them: the line then climbs to it too early. Keep all points with "
            "`x <= max_fpr`, then append.",
            _slip(end="doubled"),
        ),
        *(Mistake("steps", _STEPS, _steps(left)) for left in (True, False)),
        Mistake(
            "thresholds of the normals",
            "Only the normal scores are thresholds here. The overlap also grows between two of them, and the curve "
            "has a corner wherever it does: take the distinct scores of both, regions and normals.",
            _at(lambda regions, normal: np.unique(normal)),
        ),
        Mistake("even thresholds", _EVEN, _evenly),
        Mistake("not from zero", _START, _slip(start=False)),
        Mistake(
            "strictly above",
            "At each threshold only what lies *above* it is called. The rule is score >= threshold.",
            _slip(above=np.greater),
        ),
    ),
    (
        "Two lists, one entry for each threshold, from high to low: the share of `normal` that is called, and the mean "
        "over regions of the share of the region that is called. Both begin with a 0.",
        "`np.interp(max_fpr, x, y)` is the height of the curve at the limit. Keep the points with `x <= max_fpr` and "
        "append the limit and that height.",
        "The area under straight lines: the sum of `np.diff(x) * (y[1:] + y[:-1]) / 2`.",
    ),
    "AUPRO: each region counts alike, however large it is.",
    agree=_as_expected,
)
