"""Describe an anomaly map at the outlined places of a strip."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from aitex_utils.lessons.wording import count, percent
from aitex_utils.safety.scores import check_map

GAP = 8  # px: specks that are at most twice as far apart count as one place


def describe_places(anomaly_map: np.ndarray, mask: np.ndarray, limit: float) -> list[str]:
    """Say for each outlined place whether the map exceeds a limit there, and in which part of the place.

    Parameters
    ----------
    anomaly_map : ndarray, shape (H, W)
        NaN outside the fabric.
    mask : ndarray, shape (H, W)
        Ground-truth mask, bool.
    limit : float
        Score that counts as high.

    Returns
    -------
    list of str
        One sentence per place from left to right, then the verdict.

    Examples
    --------
    >>> anomaly_map, mask = np.zeros((8, 60)), np.zeros((8, 60), bool)
    >>> mask[:, [5, 50]] = True
    >>> anomaly_map[:4, 50] = 3.0
    >>> for line in describe_places(anomaly_map, mask, limit=1.0):
    ...     print(line)
    Columns 5 to 5: highest score 0.00, above the limit in 0 % of the outlined pixels.
    Columns 50 to 50: highest score 3.00, above the limit in 50 % of the outlined pixels.
    The map exceeds the limit in 1 of 2 outlined places. It misses a place entirely.
    """
    anomaly_map, mask = check_map(anomaly_map), np.asarray(mask) != 0
    labels, number = ndimage.label(ndimage.binary_dilation(mask, np.ones((3, 3), bool), iterations=GAP))
    lines, shares = [], []
    places = [mask & (labels == i) & ~np.isnan(anomaly_map) for i in range(1, number + 1)]
    for place in sorted((p for p in places if p.any()), key=lambda place: np.flatnonzero(place.any(axis=0))[0]):
        columns, scores = np.flatnonzero(place.any(axis=0)), anomaly_map[place]
        shares.append(float((scores > limit).mean()))
        lines.append(
            f"Columns {columns[0]:,} to {columns[-1]:,}: highest score {scores.max():.2f}, above the limit in "
            f"{percent(shares[-1])} of the outlined pixels."
        )
    return [*lines, _verdict(shares)]


def _verdict(shares: list[float]) -> str:
    found = sum(share > 0 for share in shares)
    verdict = f"The map exceeds the limit in {found} of {count(len(shares), 'outlined place')}."
    if found < len(shares):
        return f"{verdict} It misses {'a place' if len(shares) - found == 1 else 'some places'} entirely."
    return f"{verdict} It misses a part of at least one place." if min(shares, default=1) < 0.9 else verdict
