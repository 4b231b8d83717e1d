"""Two detectors on the same tiles: their difference under strips drawn anew, and one scale for unlike maps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .errors import InputError


def draw_strips(labels: np.ndarray, strips: np.ndarray, draws: int = 500, seed: int = 0) -> np.ndarray:
    """Return strips drawn with replacement, (draws, S): values of `strips`, as many as there are different ones.

    labels (N,) bool and strips (N,), one a tile. Strips that hold a defect and those that don't are each drawn among
    themselves, as in `metrics.bootstrap_interval`, so that every draw has both.
    """
    labels, strips = np.asarray(labels, bool), np.asarray(strips)
    if labels.shape != strips.shape or strips.ndim != 1 or not len(strips) or draws < 1:
        raise InputError(
            f"labels {labels.shape} and strips {strips.shape} for {draws} draws: give each tile a label and its strip, "
            "and at least 1 draw."
        )
    broken = np.unique(strips[labels])
    sound = np.setdiff1d(strips, broken)
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.choice(of, (draws, len(of))) for of in (broken, sound) if len(of)], axis=1)


def paired_differences(
    measure: Callable[[np.ndarray, np.ndarray], float],
    labels: np.ndarray,
    one: np.ndarray,
    other: np.ndarray,
    strips: np.ndarray,
    drawn: np.ndarray,
) -> np.ndarray:
    """Return measure(labels, one) - measure(labels, other) for each draw of strips, (draws,), both on the same tiles.

    labels, scores `one` and `other`, strips (N,), one a tile; `drawn` (draws, S) as `draw_strips` gives it: a strip
    that was drawn twice brings its tiles twice.
    """
    labels, one, other, strips = (np.asarray(values) for values in (labels, one, other, strips))
    if not labels.shape == one.shape == other.shape == strips.shape:
        raise InputError(
            f"labels {labels.shape}, scores {one.shape} and {other.shape} and strips {strips.shape} differ: "
            "score the same tiles with both."
        )
    rows = {strip: np.flatnonzero(strips == strip) for strip in np.unique(strips)}
    if missing := set(np.unique(drawn).tolist()) - set(strips.tolist()):
        raise InputError(f"drawn names {min(missing)!r}, of which there is no tile: draw with draw_strips.")
    found = np.empty(len(drawn))
    for i, chosen in enumerate(drawn):
        tiles = np.concatenate([rows[strip] for strip in chosen])
        found[i] = measure(labels[tiles], one[tiles]) - measure(labels[tiles], other[tiles])
    return found


def share_below(values: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Return, for each value (any shape), the share of `normal` values (any shape) that are smaller: float32, 0..1.

    It puts maps of unlike units on one scale: of what is normal for a detector, how much is less strange than this?
    """
    normal = np.sort(np.asarray(normal), axis=None)
    if not len(normal) or not np.isfinite(normal).all():
        raise InputError("normal holds no values, NaN or infinity: give the scores of normal pixels.")
    return (np.searchsorted(normal, values, side="left") / len(normal)).astype(np.float32)
