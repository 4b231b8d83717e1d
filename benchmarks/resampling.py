"""What other strips would have given: figures of tests redrawn by strip, from counts that are made once.

Scores are put into bins, and of each strip it is counted how many defective and normal things lie in each. A test with
other strips is then a weighted sum of counts, so that a thousand of them take a second, for pixels too. For tiles each
score has a bin of its own and nothing is rounded.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

BINS = 4096  # at most; by quantiles, so that AUROC and AP lose less than their third digit
DRAWS = 1000


def drawn_strips(with_defect: int, without: int, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """Return how often each strip is drawn, (draws, with_defect + without): the two kinds each among themselves."""
    random = np.random.default_rng(seed)
    parts = [
        random.multinomial(n, np.full(n, 1 / n), size=draws) if n else np.empty((draws, 0), int)
        for n in (with_defect, without)
    ]
    return np.concatenate(parts, axis=1)


def counts(
    scores: Sequence[np.ndarray], labels: Sequence[np.ndarray], bins: int = BINS
) -> tuple[np.ndarray, np.ndarray]:
    """Return how many defective and how many normal things of each strip lie in each bin: two (S, bins), low to high.

    scores, labels : one array a strip; strips of which nothing is tested have empty ones.
    """
    every, defective = np.concatenate(scores), np.concatenate([s[y] for s, y in zip(scores, labels, strict=True)])
    edges = np.unique(every)
    if len(edges) > bins:  # half of the edges where the defective lie, which are few
        at = np.linspace(0, 1, bins // 2)
        edges = np.unique(np.concatenate([np.quantile(every, at), np.quantile(defective, at)]))
    found = []
    for wanted in (True, False):
        places = [np.searchsorted(edges, s[y == wanted], side="right") - 1 for s, y in zip(scores, labels, strict=True)]
        found.append(np.stack([np.bincount(p, minlength=len(edges)) for p in places]).astype(np.float64))
    return found[0], found[1]


def redrawn(defective: np.ndarray, normal: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Return AUROC and AP (draws,) of the redrawn tests: counts (S, bins) of both classes, weights (draws, S).

    nan where a draw lacks one class.
    """
    up, down = (weights @ of[:, ::-1] for of in (defective, normal))  # (draws, bins), high to low
    hits, alarms = up.cumsum(axis=1), down.cumsum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        auroc = (down * (hits - up / 2)).sum(axis=1) / (hits[:, -1] * alarms[:, -1])
        precision = np.where(hits > 0, hits / np.maximum(hits + alarms, 1), 0)
        ap = (up * precision).sum(axis=1) / hits[:, -1]
    ap[alarms[:, -1] == 0] = np.nan
    return {"auroc": auroc, "ap": ap}


def over_seeds(draws: np.ndarray) -> np.ndarray:
    """Return the mean over seeds of redrawn figures (seeds, draws), those that are nan left out; nan if all are."""
    return np.ma.masked_invalid(draws).mean(axis=0).filled(np.nan)


def interval(draws: np.ndarray) -> list[float]:
    """Return the 95 % percentile interval of draws (draws,), those that are nan left out."""
    return [float(v) for v in np.nanquantile(draws, [0.025, 0.975])]
