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
    A is better than B on this fabric: the difference is +0.105 to +0.295.
    >>> print(describe_difference("A", "B", np.array([-0.1, 0.0, 0.3])))
    These strips cannot rank A and B: the difference is -0.095 to +0.285.
    """
    low, high = np.quantile(differences, [0.025, 0.975])
    interval = f"the difference is {low:+.3f} to {high:+.3f}."
    if low > 0:
        return f"{name} is better than {other} on this fabric: {interval}"
    if high < 0:
        return f"{other} is better than {name} on this fabric: {interval}"
    return f"These strips cannot rank {name} and {other}: {interval}"


def describe_change(name: str, before: float, after: float, step: float = 0.02) -> str:
    """Say how much of a tile AUROC was an effect of tile edges.

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
    A: 0.700 -> 0.900, and edges had hidden +0.200
    >>> print(describe_change("A", 0.9, 0.905))
    A: 0.900 -> 0.905, hardly any change
    >>> print(describe_change("A", 0.9, 0.8))
    A: 0.900 -> 0.800, a loss of 0.100
    """
    change = after - before
    verdict = "hardly any change" if abs(change) < step else f"and edges had hidden {change:+.3f}"
    if change <= -step:
        verdict = f"a loss of {-change:.3f}"
    return f"{name}: {before:.3f} -> {after:.3f}, {verdict}"


def describe_crossed(aurocs: Mapping[str, float], step: float = 0.02) -> str:
    """Say which representation and which signal did better in the crossed comparison.

    Parameters
    ----------
    aurocs : mapping of str to float
        Tile AUROC of "code, rebuild", "code, remember", "features, rebuild" and "features, remember".
    step : float
        A smaller difference counts as none.

    Returns
    -------
    str

    Examples
    --------
    >>> aurocs = {"code, rebuild": 0.9, "code, remember": 0.7, "features, rebuild": 0.9, "features, remember": 0.91}
    >>> print(describe_crossed(aurocs))
    With its own code, rebuilding is ahead by 0.200. With borrowed features, both signals are level.
    To remember, borrowed features are ahead by 0.210. To rebuild, both representations are level.
    """

    def leader(one: str, other: str, names: tuple[str, str], level: str) -> str:
        difference = aurocs[one] - aurocs[other]
        if abs(difference) < step:
            return f"both {level} are level"
        verb = "is" if level == "signals" else "are"
        return f"{names[0] if difference > 0 else names[1]} {verb} ahead by {abs(difference):.3f}"

    signals, sources = ("rebuilding", "remembering"), ("borrowed features", "own codes")
    return (
        f"With its own code, {leader('code, rebuild', 'code, remember', signals, 'signals')}. "
        f"With borrowed features, {leader('features, rebuild', 'features, remember', signals, 'signals')}.\n"
        f"To remember, {leader('features, remember', 'code, remember', sources, 'representations')}. "
        f"To rebuild, {leader('features, rebuild', 'code, rebuild', sources, 'representations')}."
    )
