"""The strips that a bootstrap resample contains, for an exercise that is given them."""

from __future__ import annotations

import numpy as np

from aitex_utils.errors import InputError, check_integer


def resample_strips(labels: np.ndarray, groups: np.ndarray, n_resamples: int, *, seed: int = 0) -> np.ndarray:
    """Return the strips of each bootstrap resample, drawn with replacement.

    Strips with a defect and strips without are drawn among themselves, so every resample has both.

    Parameters
    ----------
    labels : ndarray, shape (N,)
        True = defective.
    groups : ndarray, shape (N,)
        The strip of each tile, S different ones.
    n_resamples : int
        Number of resamples.
    seed : int
        Seed of the resamples.

    Returns
    -------
    ndarray, shape (n_resamples, S)
        Values of `groups`. Equal seeds give the same strips as `metrics.paired_bootstrap` and
        `metrics.bootstrap_interval`.

    Raises
    ------
    InputError
        If shapes differ, there are no tiles, or there is no resample.

    Examples
    --------
    >>> labels, groups = np.array([True, False, False, False]), np.array(["a", "a", "b", "c"])
    >>> resample_strips(labels, groups, 2).tolist()
    [['a', 'c', 'c'], ['a', 'c', 'b']]
    """
    labels, groups = np.asarray(labels, dtype=bool), np.asarray(groups)
    if labels.shape != groups.shape or groups.ndim != 1 or not len(groups):
        raise InputError(
            f"labels has shape {labels.shape} and groups {groups.shape}, expected the same (N,) for both, N >= 1."
        )
    check_integer("n_resamples", n_resamples, 1)
    with_defect = np.unique(groups[labels])
    strata = [strips for strips in (with_defect, np.setdiff1d(groups, with_defect)) if len(strips)]
    rng = np.random.default_rng(seed)
    resamples = [[strips[rng.integers(len(strips), size=len(strips))] for strips in strata] for _ in range(n_resamples)]
    return np.array([np.concatenate(parts) for parts in resamples])
