"""Measures of labelled pictures for the report: ROC and precision-recall curves, AUROC, AP and AUPRO with intervals.

The intervals are a bootstrap over pictures. To resample AUPRO a thousand times, each picture's pixels are counted once
at a grid of thresholds. A resample then adds up small tables instead of sorting all pixels.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .. import metrics
from ..errors import InputError
from ..safety.scores import check_labels, check_scores

MAX_FPR = 0.3  # of AUPRO
GRID = 400  # thresholds in the normal pixels' scores, and as many in the defective pixels'
GRID_PIXELS = 20_000  # of each picture, from which the grid is chosen


class Estimate(NamedTuple):
    """A measure with its 95 % interval. NaN where it is not defined.

    Parameters
    ----------
    value : float
        From all pictures.
    low, high : float
        Ends of the interval.

    Examples
    --------
    >>> Estimate(0.9, 0.8, 0.95).low
    0.8
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Measures:
    """Image-level and pixel-level measures of labelled pictures.

    Parameters
    ----------
    good_count, defective_count : int
        Numbers of labelled pictures.
    roc : ndarray, shape (n, 2)
        False-positive rate and true-positive rate; no rows if there is one class only.
    precision_recall : ndarray, shape (m, 2)
        Recall and precision; no rows if there is one class only.
    auroc, average_precision : Estimate
        At image level.
    aupro : Estimate or None
        At pixel level, up to a false-positive rate of 0.3. None without ground-truth masks.
    mask_count : int
        Number of defective pictures with a mask, from which AUPRO is measured.

    Examples
    --------
    >>> measure([1.0, 2.0, 3.0], [False, False, True], n_resamples=10).auroc.value
    1.0
    """

    good_count: int
    defective_count: int
    roc: np.ndarray
    precision_recall: np.ndarray
    auroc: Estimate
    average_precision: Estimate
    aupro: Estimate | None
    mask_count: int


def measure(
    scores: Sequence[float],
    labels: Sequence[bool],
    maps: Sequence[np.ndarray] | None = None,
    truths: Sequence[np.ndarray | None] | None = None,
    *,
    n_resamples: int = 1000,
    seed: int = 0,
) -> Measures:
    """Return the measures of labelled pictures, with intervals of a bootstrap over pictures.

    Parameters
    ----------
    scores : array_like, shape (N,)
        Score of each picture, finite.
    labels : array_like, shape (N,)
        True = defective.
    maps : sequence of ndarray, each of shape (H, W), optional
        Anomaly map of each picture. All are in memory at once, so give smaller copies of large ones.
    truths : sequence of ndarray or None, each of shape (H, W), optional
        Ground-truth mask of each picture. Good pictures count as free of defects whatever is given. Defective pictures
        without a mask, or with an empty one, do not count in AUPRO.
    n_resamples : int
        Number of resamples.
    seed : int
        Seed of the resamples.

    Returns
    -------
    Measures
        With NaN where only one class is there.

    Raises
    ------
    InputError
        If counts or shapes differ, or a score is not finite.

    Notes
    -----
    The interval of AUPRO uses a grid of thresholds. It differs from the exact one by less than the interval's own
    uncertainty. The value itself is exact.

    Examples
    --------
    >>> found = measure([1.0, 3.0, 2.0, 4.0], [False, False, True, True], n_resamples=10)
    >>> found.auroc.value, found.aupro is None
    (0.75, True)
    """
    scores, labels = check_scores(scores, "scores"), check_labels(labels, "labels")
    if scores.ndim != 1 or scores.shape != labels.shape:
        raise InputError(f"scores has shape {scores.shape} and labels {labels.shape}: give each picture one of both.")
    if (maps is None) != (truths is None):
        given, missing = ("truths", "maps") if maps is None else ("maps", "truths")
        raise InputError(f"There are {given} but no {missing}: give both for AUPRO, or neither.")
    roc, precision_recall = _curves(scores, labels)
    pairs = [] if maps is None else _pairs(maps, truths, labels)
    mask_count = sum(bool(truth.any()) for _, truth in pairs)
    options = {"n_resamples": n_resamples, "seed": seed}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the report says what is undefined or uncertain
        return Measures(
            good_count=int(np.count_nonzero(~labels)),
            defective_count=int(np.count_nonzero(labels)),
            roc=roc,
            precision_recall=precision_recall,
            auroc=_estimate(metrics.auroc, labels, scores, **options),
            average_precision=_estimate(metrics.average_precision, labels, scores, **options),
            aupro=_aupro(pairs, **options) if mask_count else None,
            mask_count=mask_count,
        )


def _curves(scores: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (false-positive rate, true-positive rate) and (recall, precision) at all thresholds."""
    from sklearn.metrics import precision_recall_curve, roc_curve

    if labels.all() or not labels.any():
        return np.empty((0, 2)), np.empty((0, 2))
    false_rate, true_rate, _ = roc_curve(labels, scores)
    precision, recall, _ = precision_recall_curve(labels, scores)
    return np.stack([false_rate, true_rate], axis=1), np.stack([recall, precision], axis=1)


def _estimate(of: metrics.Measure, labels: np.ndarray, scores: np.ndarray, **options: int) -> Estimate:
    """Return a measure and its interval. Each picture is a group of its own."""
    value = of(labels, scores)
    if math.isnan(value):
        return Estimate(math.nan, math.nan, math.nan)
    return Estimate(value, *metrics.bootstrap_interval(of, labels, scores, np.arange(len(labels)), **options))


def _pairs(
    maps: Sequence[np.ndarray], truths: Sequence[np.ndarray | None], labels: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the maps that count in AUPRO, each with its mask."""
    maps, truths = (list(given) if np.iterable(given) else [] for given in (maps, truths))
    if not len(maps) == len(truths) == len(labels):
        raise InputError(
            f"There are {len(maps)} maps, {len(truths)} truths and {len(labels)} labels: give each picture one of each."
        )
    pairs = []
    for i, (anomaly_map, truth, is_defective) in enumerate(zip(maps, truths, labels, strict=True)):
        anomaly_map = check_scores(anomaly_map, f"maps[{i}]")
        if not is_defective:
            pairs.append((anomaly_map, np.zeros(anomaly_map.shape, bool)))
        elif truth is not None and (truth := check_labels(truth, f"truths[{i}]")).any():
            pairs.append((anomaly_map, truth))
    return pairs


def _aupro(pairs: list[tuple[np.ndarray, np.ndarray]], **options: int) -> Estimate:
    """Return AUPRO with its interval."""
    value = metrics.aupro(*zip(*pairs, strict=True), MAX_FPR)
    if math.isnan(value):
        return Estimate(math.nan, math.nan, math.nan)
    tables = _Tables(pairs)
    has_regions = np.array([truth.any() for _, truth in pairs])
    numbers = np.arange(len(pairs))  # in the place of scores: the tables are looked up by them
    interval = metrics.bootstrap_interval(lambda _, rows: tables.aupro(rows), has_regions, numbers, numbers, **options)
    return Estimate(value, *interval)


class _Tables:
    """Counts of each picture's pixels at a grid of thresholds, from which AUPRO of any resample follows."""

    def __init__(self, pairs: list[tuple[np.ndarray, np.ndarray]]) -> None:
        grid = self._grid(pairs)
        self.false, self.overlap = np.empty((2, len(pairs), len(grid)))
        self.normal_count, self.region_count = np.empty((2, len(pairs)))
        for i, (anomaly_map, truth) in enumerate(pairs):
            shares = self._shares(truth)
            self.region_count[i] = round(shares.sum())
            self.normal_count[i] = np.count_nonzero(~truth)
            reached = np.searchsorted(grid, anomaly_map.ravel(), side="right")  # thresholds that a pixel reaches
            self.false[i] = self._at_least(reached[~truth.ravel()], None, len(grid))
            self.overlap[i] = self._at_least(reached, shares.ravel(), len(grid))

    def aupro(self, rows: np.ndarray) -> float:
        """Return AUPRO of the pictures with the given numbers, NaN without regions or normal pixels."""
        rows = rows.astype(np.intp)
        normals, regions = self.normal_count[rows].sum(), self.region_count[rows].sum()
        if not normals or not regions:
            return math.nan
        rates = np.concatenate([[0], self.false[rows].sum(axis=0)[::-1] / normals])  # from high to low thresholds
        overlaps = np.concatenate([[0], self.overlap[rows].sum(axis=0)[::-1] / regions])
        below = np.searchsorted(rates, MAX_FPR)
        end = np.interp(MAX_FPR, rates, overlaps)
        x, y = np.append(rates[:below], MAX_FPR), np.append(overlaps[:below], end)
        return float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2) / MAX_FPR)

    @staticmethod
    def _grid(pairs: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
        """Return rising thresholds: even in the rate of normal pixels up to the limit, and in defective pixels."""
        normal, defective = [], []
        for anomaly_map, truth in pairs:
            for pixels, chosen in ((anomaly_map[~truth], normal), (anomaly_map[truth], defective)):
                chosen.append(pixels[:: 1 + len(pixels) // GRID_PIXELS])
        normal, defective = np.concatenate(normal), np.concatenate(defective)
        rates = 1 - 2 * MAX_FPR * np.linspace(0, 1, GRID) ** 2  # dense where the curve is steep
        parts = [np.quantile(normal, rates), np.quantile(defective, np.linspace(0, 1, GRID))]
        lowest = min(float(anomaly_map.min()) for anomaly_map, _ in pairs)
        return np.unique(np.concatenate([*parts, [lowest]]))

    @staticmethod
    def _shares(truth: np.ndarray) -> np.ndarray:
        """Return the share that each pixel is of its region, 0 outside."""
        import cv2

        count, numbers = cv2.connectedComponents(truth.astype(np.uint8), connectivity=8)
        sizes = np.bincount(numbers.ravel(), minlength=count)
        shares = 1 / np.maximum(sizes, 1)
        shares[0] = 0
        return shares[numbers]

    @staticmethod
    def _at_least(reached: np.ndarray, weights: np.ndarray | None, count: int) -> np.ndarray:
        """Return how many pixels, or how much weight, reach each of `count` thresholds."""
        totals = np.bincount(reached, weights, minlength=count + 1)
        return np.cumsum(totals[::-1])[::-1][1:]
