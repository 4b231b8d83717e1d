"""Sentences of notebook 09 that depend on a measurement."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


def describe_difference(name: str, other: str, differences: np.ndarray) -> str:
    """Say which of two detectors has the higher tile AUROC, if the interval of the difference allows it.

    Parameters
    ----------
    name, other : str
        Names of the detectors.
    differences : ndarray, shape (n_resamples,)
        Resampled differences (name - other).

    Returns
    -------
    str

    Examples
    --------
    >>> print(describe_difference("A", "B", np.array([0.1, 0.2, 0.3])))
    A - B: the 95 % interval is +0.105 to +0.295, so A is better than B on this fabric.
    >>> print(describe_difference("A", "B", np.array([-0.1, 0.0, 0.3])))
    A - B: the 95 % interval is -0.095 to +0.285, so these strips cannot rank the two.
    """
    low, high = np.quantile(differences, [0.025, 0.975])
    interval = f"{name} - {other}: the 95 % interval is {low:+.3f} to {high:+.3f}"
    if low > 0:
        return f"{interval}, so {name} is better than {other} on this fabric."
    if high < 0:
        return f"{interval}, so {other} is better than {name} on this fabric."
    return f"{interval}, so these strips cannot rank the two."


def describe_change(name: str, before: float, after: float, step: float = 0.02) -> str:
    """Say how much measures against tile edges change a tile AUROC.

    Parameters
    ----------
    name : str
        Name of the detector.
    before, after : float
        Tile AUROC as the detector comes, and with measures against edges.
    step : float
        A smaller change counts as none.

    Returns
    -------
    str

    Examples
    --------
    >>> print(describe_change("A", 0.7, 0.9))
    A: 0.700 -> 0.900, a gain of 0.200
    >>> print(describe_change("A", 0.9, 0.905))
    A: 0.900 -> 0.905, hardly any change
    >>> print(describe_change("A", 0.9, 0.8))
    A: 0.900 -> 0.800, a loss of 0.100
    """
    change = after - before
    verdict = f"a gain of {change:.3f}" if change >= step else f"a loss of {-change:.3f}"
    if abs(change) < step:
        verdict = "hardly any change"
    return f"{name}: {before:.3f} -> {after:.3f}, {verdict}"


def describe_crossed(aurocs: Mapping[str, float], step: float = 0.02) -> str:
    """Say which representation and which anomaly score did better in the crossed comparison.

    Parameters
    ----------
    aurocs : mapping of str to float
        Tile AUROC of "codes, error", "codes, distance", "features, error" and "features, distance".
    step : float
        A smaller difference counts as none.

    Returns
    -------
    str

    Examples
    --------
    >>> aurocs = {"codes, error": 0.9, "codes, distance": 0.7, "features, error": 0.9, "features, distance": 0.91}
    >>> print(describe_crossed(aurocs))
    With codes, the reconstruction error leads by 0.200. With features, both scores are level.
    With the distance, features lead by 0.210. With the reconstruction error, both representations are level.
    """

    def leader(one: str, other: str, leads: tuple[str, str], level: str) -> str:
        difference = aurocs[one] - aurocs[other]
        if abs(difference) < step:
            return f"both {level} are level"
        return f"{leads[0] if difference > 0 else leads[1]} by {abs(difference):.3f}"

    scores, sources = ("the reconstruction error leads", "the distance leads"), ("features lead", "codes lead")
    return (
        f"With codes, {leader('codes, error', 'codes, distance', scores, 'scores')}. "
        f"With features, {leader('features, error', 'features, distance', scores, 'scores')}.\n"
        f"With the distance, {leader('features, distance', 'codes, distance', sources, 'representations')}. "
        f"With the reconstruction error, {leader('features, error', 'codes, error', sources, 'representations')}."
    )
