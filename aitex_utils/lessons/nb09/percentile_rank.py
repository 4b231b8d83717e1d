"""Percentile ranks: one scale for anomaly maps of different units."""

from __future__ import annotations

import numpy as np

from aitex_utils.errors import InputError


def percentile_rank(values: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Return, for each value, the share of normal values that are smaller.

    Parameters
    ----------
    values : ndarray, any shape
        Anomaly scores of pixels, patches or tiles.
    normal : ndarray, any shape
        Anomaly scores of normal pixels, patches or tiles from the same detector, at least one, finite.

    Returns
    -------
    ndarray
        float32, of the shape of `values`, 0 to 1.

    Raises
    ------
    InputError
        If there are no normal values, or some are not finite.

    Notes
    -----
    A hundredth of `scipy.stats.percentileofscore` with ``kind="strict"``: equal values do not count as smaller.

    Examples
    --------
    >>> percentile_rank(np.array([1, 2, 7]), np.array([2, 1, 4, 3])).tolist()
    [0.0, 0.25, 1.0]
    """
    normal = np.sort(np.asarray(normal), axis=None)
    if not len(normal) or not np.isfinite(normal).all():
        raise InputError("normal is empty or contains NaN or infinity: give finite scores of normal pixels.")
    return (np.searchsorted(normal, values, side="left") / len(normal)).astype(np.float32)
