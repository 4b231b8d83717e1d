"""Cluster bootstrap over strips, for what `metrics.bootstrap_interval` does not cover: pixels, and means over fabrics.

For pixels, scores are put into bins, and the defective and normal samples of each strip are counted in each bin. A
resample of strips is then a weighted sum of counts, so a thousand resamples take a second. For tiles each score has a
bin of its own and nothing is rounded.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from evaluation import EvalResult
from scipy.stats import binomtest

from aitex_utils.strips import Strip

MAX_BINS = 4096  # by quantiles, so AUROC and AP lose less than their third digit
N_RESAMPLES = 1000


def resample_strips(n_defective: int, n_normal: int, n_resamples: int = N_RESAMPLES, seed: int = 0) -> np.ndarray:
    """Draw strips with replacement, those with a defect and those without among themselves.

    Parameters
    ----------
    n_defective, n_normal : int
        Number of strips with a defect, and without.
    n_resamples : int
        Number of resamples.
    seed : int
        Seed of the resamples.

    Returns
    -------
    ndarray, shape (n_resamples, n_defective + n_normal)
        How often each resample contains each strip; those with a defect come first.

    Examples
    --------
    >>> resample_strips(3, 2, n_resamples=4).sum(axis=1).tolist()
    [5, 5, 5, 5]
    """
    rng = np.random.default_rng(seed)
    parts = [
        rng.multinomial(n, np.full(n, 1 / n), size=n_resamples) if n else np.empty((n_resamples, 0), int)
        for n in (n_defective, n_normal)
    ]
    return np.concatenate(parts, axis=1)


def strip_weights(strips: Sequence[Strip]) -> np.ndarray:
    """Return how often each resample contains each strip of a fabric, in the order of the strips.

    Parameters
    ----------
    strips : sequence of Strip
        All S strips of the fabric, tested or not: equal strips give equal resamples, whatever was tested.

    Returns
    -------
    ndarray, shape (1000, S)
    """
    is_normal = [strip.is_normal for strip in strips]
    order = np.argsort(is_normal, kind="stable")  # those with a defect first
    weights = np.empty((N_RESAMPLES, len(strips)))
    weights[:, order] = resample_strips(is_normal.count(False), is_normal.count(True))
    return weights


def count_by_bin(
    scores: Sequence[np.ndarray], labels: Sequence[np.ndarray], max_bins: int = MAX_BINS
) -> tuple[np.ndarray, np.ndarray]:
    """Count the defective and the normal samples of each strip by score.

    Parameters
    ----------
    scores, labels : sequence of ndarray
        One array per strip; empty arrays for strips that were not tested.
    max_bins : int
        Largest number of bins.

    Returns
    -------
    defective, normal : ndarray, shape (S, bins)
        Counts in bins from low to high scores.

    Examples
    --------
    >>> defective, normal = count_by_bin([np.array([1.0, 2.0, 2.0])], [np.array([False, True, False])])
    >>> defective.tolist(), normal.tolist()
    ([[0.0, 1.0]], [[1.0, 1.0]])
    """
    pairs = list(zip(scores, labels, strict=True))
    all_scores, defective_scores = np.concatenate(scores), np.concatenate([s[y] for s, y in pairs])
    edges = np.unique(all_scores)
    if len(edges) > max_bins:  # half of the edges where the defective samples lie, which are few
        shares = np.linspace(0, 1, max_bins // 2)
        edges = np.unique(np.concatenate([np.quantile(all_scores, shares), np.quantile(defective_scores, shares)]))
    counts = []
    for label in (True, False):
        bins = [np.searchsorted(edges, s[y == label], side="right") - 1 for s, y in pairs]
        counts.append(np.stack([np.bincount(b, minlength=len(edges)) for b in bins]).astype(np.float64))
    return counts[0], counts[1]


def resampled_auroc_and_ap(
    defective: np.ndarray, normal: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the AUROC and the average precision of each resample.

    Parameters
    ----------
    defective, normal : ndarray, shape (S, bins)
        Output of `count_by_bin`.
    weights : ndarray, shape (n_resamples, S)
        How often each resample contains each strip.

    Returns
    -------
    auroc, ap : ndarray, shape (n_resamples,)
        NaN where a resample has one class only.

    Examples
    --------
    >>> counts = count_by_bin([np.array([0.1, 0.6, 0.4, 0.9])], [np.array([False, False, True, True])])
    >>> auroc, ap = resampled_auroc_and_ap(*counts, np.ones((1, 1)))
    >>> auroc.tolist(), ap.round(3).tolist()
    ([0.75], [0.833])
    """
    gained, lost = (weights @ counts[:, ::-1] for counts in (defective, normal))  # (n_resamples, bins), high to low
    hits, alarms = gained.cumsum(axis=1), lost.cumsum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        auroc = (lost * (hits - gained / 2)).sum(axis=1) / (hits[:, -1] * alarms[:, -1])
        precision = np.where(hits > 0, hits / np.maximum(hits + alarms, 1), 0)
        ap = (gained * precision).sum(axis=1) / hits[:, -1]
    ap[alarms[:, -1] == 0] = np.nan
    return auroc, ap


def resample_measures(result: EvalResult, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Return the tile-level and pixel-level AUROC and AP of one test under other strips.

    Parameters
    ----------
    result : EvalResult
        Outcome of the test.
    weights : ndarray, shape (n_resamples, S)
        How often each resample contains each of `result.strips`.

    Returns
    -------
    dict of str to ndarray, each of shape (n_resamples,)
        By the names that `compute_measures` uses.
    """
    numbers = range(len(result.strips))
    in_c1, in_c2 = result.in_c1, np.ones(len(result.labels), bool)

    def of_tiles(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        by_strip = [rows & (result.tile_strips == number) for number in numbers]
        scores, labels = [result.scores[r] for r in by_strip], [result.labels[r] for r in by_strip]
        return resampled_auroc_and_ap(*count_by_bin(scores, labels), weights)

    values: dict[str, np.ndarray] = {}
    values["tile_auroc"], values["tile_ap"] = of_tiles(in_c1)
    values["tile_auroc_c2"], _ = of_tiles(in_c2)
    pixels = count_by_bin(*_pixels_by_strip(result))
    values["pixel_auroc"], values["pixel_ap"] = resampled_auroc_and_ap(*pixels, weights)
    return values


def _pixels_by_strip(result: EvalResult) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return the scores and labels of all pixels of each strip, (P,) each. A strip can have several maps or none."""
    scores, labels = result.pixels()
    map_strips = np.array(result.map_strips)
    by_strip = [np.flatnonzero(map_strips == number) for number in range(len(result.strips))]
    no_scores, no_labels = np.empty(0, np.float32), np.empty(0, bool)
    return (
        [np.concatenate([no_scores, *(scores[i] for i in maps)]) for maps in by_strip],
        [np.concatenate([no_labels, *(labels[i] for i in maps)]) for maps in by_strip],
    )


def mean_over_seeds(values: np.ndarray) -> np.ndarray:
    """Return the mean over seeds of resampled measures, without those that are NaN.

    Parameters
    ----------
    values : ndarray, shape (seeds, n_resamples)
        Resampled measures.

    Returns
    -------
    ndarray, shape (n_resamples,)
        NaN where all are NaN.

    Examples
    --------
    >>> mean_over_seeds(np.array([[0.25, np.nan], [0.75, 0.5]])).tolist()
    [0.5, 0.5]
    """
    return np.ma.masked_invalid(values).mean(axis=0).filled(np.nan)


def interval(values: np.ndarray) -> list[float]:
    """Return the 95 % percentile interval of resampled values, without those that are NaN.

    Parameters
    ----------
    values : ndarray, shape (n_resamples,)
        Resampled values.

    Returns
    -------
    list of float
        Low and high.

    Examples
    --------
    >>> interval(np.array([np.nan, *range(41)]))
    [1.0, 39.0]
    """
    return [float(value) for value in np.nanquantile(values, [0.025, 0.975])]


def binomial_interval(k: int, n: int) -> list[float]:
    """Return the exact 95 % interval of a rate, from independent trials (Clopper and Pearson, 1934).

    Parameters
    ----------
    k : int
        Number of successes.
    n : int
        Number of trials, at least one.

    Returns
    -------
    list of float
        Both ends, to four decimals.

    Examples
    --------
    >>> binomial_interval(0, 30)
    [0.0, 0.1157]
    """
    ends = binomtest(k, n).proportion_ci(0.95, method="exact")
    return [round(float(ends.low), 4), round(float(ends.high), 4)]


def strip_strata(groups: np.ndarray, is_normal: np.ndarray) -> list[list[np.ndarray]]:
    """Return the rows of each strip, first of normal strips, then of defective strips.

    Parameters
    ----------
    groups : ndarray, shape (N,)
        Strip of each tile.
    is_normal : ndarray, shape (N,)
        True for tiles of normal strips.

    Returns
    -------
    list of two lists of ndarray

    Examples
    --------
    >>> strata = strip_strata(np.array([0, 1, 1]), np.array([True, False, False]))
    >>> [[rows.tolist() for rows in strips] for strips in strata]
    [[[0]], [[1, 2]]]
    """
    return [[np.flatnonzero(groups == g) for g in np.unique(groups[is_normal == kind])] for kind in (True, False)]


def resample_rows(strata: Sequence[Sequence[np.ndarray]], rng: np.random.Generator) -> np.ndarray:
    """Draw one resample of strips, normal and defective ones among themselves, and return the rows of its tiles.

    Parameters
    ----------
    strata : sequence of sequences of ndarray
        Output of `strip_strata`.
    rng : numpy.random.Generator
        Source of the draw.

    Returns
    -------
    ndarray, shape (n,)
        Rows, with repetitions.

    Examples
    --------
    >>> strata = strip_strata(np.array([0, 1, 1]), np.array([True, False, False]))
    >>> resample_rows(strata, np.random.default_rng(0)).tolist()
    [0, 1, 2]
    """
    drawn = ((strips, rng.integers(len(strips), size=len(strips))) for strips in strata)
    return np.concatenate([strips[i] for strips, numbers in drawn for i in numbers])


def pair_auroc(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the AUROC of few tiles as the share of pairs in the right order, ties half: faster than a sorted curve.

    Parameters
    ----------
    scores : ndarray, shape (..., T)
        Scores of T tiles.
    labels : ndarray, shape (T,)
        True for defective tiles.

    Returns
    -------
    ndarray, shape (...)

    Examples
    --------
    >>> float(pair_auroc(np.array([0.1, 0.6, 0.4, 0.9]), np.array([False, False, True, True])))
    0.75
    """
    defective, normal = scores[..., labels][..., :, None], scores[..., ~labels][..., None, :]
    return ((defective > normal) + 0.5 * (defective == normal)).mean(axis=(-2, -1))
