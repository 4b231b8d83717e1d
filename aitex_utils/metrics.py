"""Metrics: AUROC, AP, F1-max, AUPRO; a threshold from normal samples only; bootstrap confidence intervals.

One rule holds everywhere: a sample (tile, strip or pixel) is flagged as defective if its score >= the threshold.

Every curve here changes slope only at the scores of defective samples, and these are few. The normal samples are
therefore sorted once and only counted between these scores (`_Steps`). The result is exact, ties included. A set of 24
million pixels takes about 1 s and one extra copy.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from .errors import InputError, check_integer, check_number, check_seed, shown
from .safety.arrays import as_array
from .safety.scores import RAGGED, check_labels, check_scores

Measure = Callable[[np.ndarray, np.ndarray], float]


def auroc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Return the area under the ROC curve: the share of (defective, normal) pairs in the right order, ties half.

    Parameters
    ----------
    labels : array_like, any shape
        Bool or 0/1, True = defective.
    scores : array_like, same shape
        Anomaly scores, finite.

    Returns
    -------
    float
        0 to 1; NaN with a warning if there is one class only.

    Raises
    ------
    InputError
        If shapes differ, a label is not 0 or 1, or a score is not finite.

    Notes
    -----
    Source: Hanley and McNeil, Radiology 143, 1982.

    Examples
    --------
    >>> auroc([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.9])
    0.75
    """
    from sklearn.metrics import roc_auc_score

    steps = _steps_of(labels, scores, "AUROC")
    return math.nan if steps is None else float(roc_auc_score(**_condensed(steps)))


def average_precision(labels: np.ndarray, scores: np.ndarray) -> float:
    """Return the average precision: the precision at each score of a defective sample, weighted by the recall gained.

    Parameters
    ----------
    labels : array_like, any shape
        Bool or 0/1, True = defective.
    scores : array_like, same shape
        Anomaly scores, finite.

    Returns
    -------
    float
        0 to 1; NaN with a warning if there is one class only.

    Raises
    ------
    InputError
        As in `auroc`.

    Notes
    -----
    Without interpolation, as in scikit-learn. By chance it equals the prevalence, so compare it only between test sets
    of the same prevalence.

    Examples
    --------
    >>> round(average_precision([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.9]), 3)
    0.833
    """
    from sklearn.metrics import average_precision_score

    steps = _steps_of(labels, scores, "average precision")
    return math.nan if steps is None else float(average_precision_score(**_condensed(steps)))


def f1_max(labels: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    """Return the best F1 that any threshold reaches, and that threshold.

    It is chosen with the test labels in sight: good for comparing detectors, never for running one.

    Parameters
    ----------
    labels : array_like, any shape
        Bool or 0/1, True = defective.
    scores : array_like, same shape
        Anomaly scores, finite.

    Returns
    -------
    f1 : float
        0 to 1; NaN with a warning if there is one class only.
    threshold : float
        An observed score, of several best ones the highest.

    Raises
    ------
    InputError
        As in `auroc`.

    Examples
    --------
    >>> f1_max([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.9])
    (0.8, 0.4)
    """
    steps = _steps_of(labels, scores, "F1-max")
    if steps is None:
        return math.nan, math.nan
    hits = np.cumsum(steps.gained)
    f1 = 2 * hits / (hits + steps.reached + hits[-1])  # 2 TP / (2 TP + FP + FN), and TP + FN = hits[-1]
    best = int(f1.argmax())
    return float(f1[best]), float(steps.thresholds[best])


def aupro(
    maps: Sequence[np.ndarray], masks: Sequence[np.ndarray], max_fpr: float | tuple[float, ...] = 0.3
) -> float | tuple[float, ...]:
    """Return the area under the per-region-overlap curve up to a false-positive rate, divided by that rate.

    Parameters
    ----------
    maps : sequence of ndarray, each of shape (H, W)
        Anomaly maps, which can differ in size; NaN pixels (not fabric) count in neither rate.
    masks : sequence of ndarray, each of shape (H, W)
        Ground truth, bool or 0/1.
    max_fpr : float or tuple of float
        False-positive rates, above 0 and up to 1. Several in a tuple cost as much as one.

    Returns
    -------
    float or tuple of float
        0 to 1; NaN with a warning if there is no region or no normal pixel.

    Raises
    ------
    InputError
        If shapes differ or a value is out of range.

    Notes
    -----
    The overlap at a threshold is the mean, over all defect regions of all images, of the share of the region's pixels
    with score >= threshold. The false-positive rate is over all normal pixels of all images. Every distinct score is a
    threshold, with straight lines between. Regions are 8-connected. A region without a pixel that counts is dropped
    with a warning. Source: Bergmann et al., The MVTec Anomaly Detection Dataset, IJCV 129, 2021.

    Examples
    --------
    >>> aupro(np.array([[[4.0, 3.0, 2.0, 1.0]]]), np.array([[[1, 0, 1, 0]]]), max_fpr=1.0)
    0.75
    """
    limits = max_fpr if isinstance(max_fpr, tuple) else (max_fpr,)
    for limit in limits:
        check_number("max_fpr", limit, "(0, 1]", example="0.3 or 0.05")
    defective, weights, normal, regions = _region_pixels(maps, masks)
    if not regions or not len(normal):
        missing, wanted = ("normal pixel", "normal") if regions else ("defect region", "defective")
        _warn(f"There is no {missing} in the fabric, so AUPRO is not defined and is NaN: add {wanted} tiles or strips.")
        areas = tuple(math.nan for _ in limits)
    else:
        steps = _steps(defective, normal, weights / regions)
        # Each threshold ends a flat stretch (normals above it) and makes one step, slanted where normals tie with it.
        x = np.concatenate([[0], np.stack([steps.above, steps.reached], axis=1).ravel(), [len(normal)]]) / len(normal)
        y = np.repeat(np.append(0, np.cumsum(steps.gained)), 2)
        areas = tuple(_area(x, y, limit) / limit for limit in limits)
    return areas if isinstance(max_fpr, tuple) else areas[0]


def conformal_threshold(normal_scores: np.ndarray, false_alarm_rate: float) -> float:
    """Return the threshold at which a new normal sample is flagged with at most a given probability.

    Parameters
    ----------
    normal_scores : array_like, any shape
        n scores of normal samples on which the detector was not fitted: the calibration set.
    false_alarm_rate : float
        Probability, above 0 and below 1.

    Returns
    -------
    float
        The next number above the k-th smallest score, k = ceil((n + 1) (1 - rate)), in the scores' own precision, as
        the rule is score >= threshold. Infinity with a warning if k > n: so few normals cannot promise that rate.

    Raises
    ------
    InputError
        If the rate is out of range or a score is not finite.

    Notes
    -----
    The promise holds for any distribution, ties included, if the new sample is drawn like the others, on average over
    such draws. Tiles of one strip are correlated: for the promise to hold on new strips, give scores of many strips.
    Sources: Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005 (split conformal prediction), and
    Laxhammar and Falkman, StreamKDD 2010 (for anomalies).

    Examples
    --------
    >>> scores = np.arange(19.0)
    >>> bool(18 < conformal_threshold(scores, 0.05) < 18.001)
    True
    """
    scores = check_scores(normal_scores, "normal_scores")
    check_number("false_alarm_rate", false_alarm_rate, "(0, 1)", example="0.05, 1 in 20")
    exact = Fraction(str(float(false_alarm_rate)))  # the rate as written, so no rank is lost to rounding
    rank = math.ceil((scores.size + 1) * (1 - exact))
    if rank > scores.size:
        _warn(
            f"{scores.size} normal scores cannot promise a false-alarm rate of {false_alarm_rate}, so the threshold is "
            f"infinite: give at least {math.ceil(1 / exact) - 1} held-out normals, or allow a higher rate."
        )
        return math.inf
    return float(np.nextafter(np.partition(scores, rank - 1, axis=None)[rank - 1], np.inf, dtype=scores.dtype))


def bootstrap_interval(
    measure: Measure,
    labels: np.ndarray,
    scores: np.ndarray,
    groups: np.ndarray,
    *,
    confidence: float = 0.95,
    n_resamples: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the confidence interval of a measure under other strips: a cluster bootstrap.

    Parameters
    ----------
    measure : callable
        Called with (labels, scores) of resampled tiles.
    labels, scores : ndarray, shape (N, ...)
        One row per tile.
    groups : ndarray, shape (N,)
        The strip of each tile. Tiles of one strip are correlated, so whole strips are resampled.
    confidence : float
        Coverage of the interval, 0 to 1.
    n_resamples : int
        Number of resamples.
    seed : int
        Seed of the resamples.

    Returns
    -------
    low, high : float
        Percentiles of the resampled values. NaN values are left out, with a warning if they are more than 5 %.

    Raises
    ------
    InputError
        If shapes differ or an argument is out of range.

    Notes
    -----
    Strips with a defect and strips without are resampled with replacement among themselves, so every resample has both
    classes. 1000 resamples of 400 tiles take about a second with `auroc`. Source: Davison and Hinkley, Bootstrap
    Methods and their Application, 1997, chapters 3 (data in groups) and 5.

    Examples
    --------
    >>> labels, groups = np.arange(40) % 4 == 0, np.arange(40) // 4
    >>> bootstrap_interval(auroc, labels, labels + 0.0, groups, n_resamples=10)
    (1.0, 1.0)
    """
    check_number("confidence", confidence, "(0, 1)", example=0.95)
    values = _resampled_values(measure, labels, (scores,), groups, n_resamples, seed)[0]
    if not len(values):
        return math.nan, math.nan
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def paired_bootstrap(
    measure: Measure,
    labels: np.ndarray,
    scores_a: np.ndarray,
    scores_b: np.ndarray,
    groups: np.ndarray,
    *,
    n_resamples: int = 1000,
    seed: int = 0,
) -> np.ndarray:
    """Return resampled differences (a - b) of a measure between two detectors on the same tiles.

    Parameters
    ----------
    measure : callable
        Called with (labels, scores) of resampled tiles.
    labels : ndarray, shape (N,)
        True = defective.
    scores_a, scores_b : ndarray, shape (N,)
        Scores of the two detectors.
    groups : ndarray, shape (N,)
        The strip of each tile, resampled as in `bootstrap_interval`.
    n_resamples : int
        Number of resamples; equal labels, groups and seeds give equal resamples.
    seed : int
        Seed of the resamples.

    Returns
    -------
    ndarray, shape (n_resamples,)
        Differences; NaN values are left out, with a warning if they are more than 5 %.

    Raises
    ------
    InputError
        If shapes differ or an argument is out of range.

    Examples
    --------
    >>> labels, groups = np.arange(40) % 4 == 0, np.arange(40) // 4
    >>> paired_bootstrap(auroc, labels, labels + 0.0, np.zeros(40), groups, n_resamples=2).tolist()
    [0.5, 0.5]
    """
    scores_a, scores_b = as_array(scores_a, "scores_a", RAGGED), as_array(scores_b, "scores_b", RAGGED)
    if scores_a.shape != scores_b.shape:
        raise InputError(
            f"scores_a {scores_a.shape} and scores_b {scores_b.shape} differ: score the same tiles with both."
        )
    of_a, of_b = _resampled_values(measure, labels, (scores_a, scores_b), groups, n_resamples, seed)
    return of_a - of_b


def _resampled_values(
    measure: Measure,
    labels: np.ndarray,
    all_scores: tuple[np.ndarray, ...],
    groups: np.ndarray,
    n_resamples: int,
    seed: int,
) -> np.ndarray:
    """Return the measure of each detector in each resample, (detectors, resamples), without those that are NaN."""
    groups = as_array(groups, "groups") if hasattr(groups, "detach") else groups  # a tensor
    labels, names = as_array(labels, "labels", RAGGED), np.asarray(groups, dtype=object).ravel().tolist()
    # Only NaN differs from itself.
    if not all(isinstance(name, (str, int, float, np.generic)) and name == name for name in names):
        raise InputError("groups must be names or numbers of strips: give each tile the strip that it comes from.")
    groups = np.asarray(groups)
    all_scores = tuple(as_array(scores, "scores", RAGGED) for scores in all_scores)
    for scores in all_scores:
        if groups.ndim != 1 or not len(groups) or not labels.shape[:1] == scores.shape[:1] == groups.shape:
            raise InputError(
                f"labels {labels.shape}, scores {scores.shape} and groups {groups.shape} differ in their first axis or "
                "are empty: give each tile one row, and groups (N,) with the strip of each tile."
            )
    check_integer("n_resamples", n_resamples, 1, 100_000)
    check_seed(seed)
    if not callable(measure):
        raise InputError(f"measure is {shown(measure)}, expected a function such as metrics.auroc.")
    strata = _strata(labels, groups)
    values = np.empty((len(all_scores), n_resamples))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a resample with one class is counted below instead
        for i, rows in enumerate(_resampled_rows(strata, n_resamples, seed)):
            values[:, i] = [measure(labels[rows], scores[rows]) for scores in all_scores]
    defined = ~np.isnan(values).any(axis=0)
    if defined.sum() < 0.95 * n_resamples:
        _warn(f"{(~defined).sum()} of {n_resamples} resamples gave NaN and were left out: add strips of both kinds.", 4)
    return values[:, defined]


def _strata(labels: np.ndarray, groups: np.ndarray) -> list[list[np.ndarray]]:
    """Return the rows of each strip, first of strips with a defect, then of strips without."""
    strata: dict[str, list[np.ndarray]] = {"with": [], "without": []}
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        strata["with" if labels[rows].any() else "without"].append(rows)
    for kind, strips in strata.items():
        if len(strips) == 1:
            _warn(
                f"There is only one strip {kind} a defect, which every resample takes, so the interval is too narrow: "
                "add some.",
                5,
            )
    return [strips for strips in strata.values() if strips]


def _resampled_rows(strata: list[list[np.ndarray]], n_resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Yield the rows of each resample: strips with and without a defect are drawn among themselves."""
    rng = np.random.default_rng(seed)
    for _ in range(n_resamples):
        drawn = ((strips, rng.integers(len(strips), size=len(strips))) for strips in strata)
        yield np.concatenate([strips[i] for strips, chosen in drawn for i in chosen])


class _Steps(NamedTuple):
    """The T distinct scores of defective samples from high to low, and what each as a threshold flags."""

    thresholds: np.ndarray  # (T,)
    gained: np.ndarray  # (T,) defective samples with this very score, counted or weighted
    above: np.ndarray  # (T,) normal samples with a higher score
    reached: np.ndarray  # (T,) normal samples with this score or a higher one
    normals: int


def _steps(defective: np.ndarray, normal: np.ndarray, weights: np.ndarray | None = None) -> _Steps:
    """Count both classes at the distinct scores of the defective samples, and sort the copy `normal` in place."""
    thresholds, place = np.unique(defective, return_inverse=True)
    gained = np.bincount(place, weights)
    normal.sort()  # float32 values in place, not an order of all pixels: this keeps memory small
    above, reached = (len(normal) - np.searchsorted(normal, thresholds, side=side) for side in ("right", "left"))
    return _Steps(thresholds[::-1], gained[::-1], above[::-1], reached[::-1], len(normal))


def _steps_of(labels: np.ndarray, scores: np.ndarray, measure: str) -> _Steps | None:
    """Check labels and scores and return their steps, or None after a warning if there is one class only."""
    labels, scores = check_labels(labels, "labels"), check_scores(scores, "scores")
    if labels.size != scores.size or (labels.shape != scores.shape and 1 not in (labels.ndim, scores.ndim)):
        raise InputError(f"labels has shape {labels.shape} and scores {scores.shape}: give one label for each score.")
    labels, scores = labels.ravel(), scores.ravel()
    if labels.all() or not labels.any():
        present, missing = ("defective", "normal") if labels[0] else ("normal", "defective")
        _warn(f"All {len(labels)} labels are {present}, so {measure} is not defined and is NaN: add {missing} ones.", 4)
        return None
    return _steps(scores[labels], scores[~labels])


def _condensed(steps: _Steps) -> dict[str, np.ndarray]:
    """Return the arguments with which scikit-learn computes the same curve: ranks for scores, weights for counts."""
    count = len(steps.thresholds)
    places = np.arange(count, 0, -1)  # even ranks for thresholds, odd ranks for the normals between
    between = np.append(steps.above, steps.normals) - np.append(0, steps.reached)
    return {
        "y_true": np.repeat([True, False], [count, 2 * count + 1]),
        "y_score": np.concatenate([2 * places, 2 * places, 2 * np.append(places, 0) + 1]),
        "sample_weight": np.concatenate([steps.gained, steps.reached - steps.above, between]).astype(float),
    }


def _region_pixels(
    maps: Sequence[np.ndarray], masks: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Return the pixels of fabric: defect scores, the share each is of its region, normal scores, number of regions."""
    import cv2

    maps, masks = (list(x) if np.iterable(x) else [] for x in (maps, masks))
    if len(maps) != len(masks) or not len(maps):
        raise InputError(f"There are {len(maps)} maps and {len(masks)} masks: give at least one map, and a mask each.")
    defective, weights, normal, regions, dropped = [], [], [], 0, 0
    for i, (scores, mask) in enumerate(zip(maps, masks, strict=True)):
        scores, mask = check_scores(scores, f"maps[{i}]", nan=True), check_labels(mask, f"masks[{i}]")
        if scores.ndim != 2 or scores.shape != mask.shape:
            raise InputError(
                f"maps[{i}] has shape {scores.shape} and masks[{i}] {mask.shape}, expected the same (H, W) for both: "
                "a single image goes in as maps[None], masks[None]."
            )
        counts = ~np.isnan(scores)
        count, numbers = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)  # number 0 is the background
        region = numbers[counts & mask] - 1
        sizes = np.bincount(region, minlength=count - 1)
        defective.append(scores[counts & mask])
        weights.append(1 / sizes[region])
        normal.append(scores[counts & ~mask])
        regions += np.count_nonzero(sizes)
        dropped += np.count_nonzero(sizes == 0)
    if dropped:
        _warn(f"{dropped} defect regions lie outside the fabric (all NaN) and were dropped: check where it begins.", 4)
    return np.concatenate(defective), np.concatenate(weights), np.concatenate(normal), regions


def _area(x: np.ndarray, y: np.ndarray, limit: float) -> float:
    """Return the area under the line through (x, y), x rising or level, from 0 to `limit`."""
    start, end = np.minimum(x[:-1], limit), np.minimum(x[1:], limit)
    width = np.diff(x)
    share = np.divide(end - x[:-1], width, out=np.zeros_like(width), where=width > 0)  # of a segment, up to the limit
    return float(np.sum((end - start) * (y[:-1] + np.diff(y) * share / 2)))


def _warn(message: str, level: int = 3) -> None:
    """Warn at the line that called the public function."""
    warnings.warn(message, UserWarning, stacklevel=level)
