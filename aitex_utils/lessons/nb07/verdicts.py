"""Sentences of notebook 07 that follow from a measurement, so they are right on every machine and every fabric."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from aitex_utils.lessons.wording import percent


def describe_width(name: str, by_strip: tuple[float, float], by_tile: tuple[float, float]) -> str:
    """Compare the widths of the intervals over strips and over tiles.

    Parameters
    ----------
    name : str
        Name of the measure.
    by_strip, by_tile : (float, float)
        Ends of the intervals.

    Returns
    -------
    str

    Examples
    --------
    >>> describe_width("AP", (0.2, 0.6), (0.3, 0.5))
    'AP: the interval over strips is 2.0 times as wide as the interval over tiles.'
    >>> describe_width("AUROC", (0.7, 0.8), (0.7, 0.9))
    'AUROC: the interval over strips is 0.5 times as wide as the interval over tiles. The reason is given below.'
    """
    ratio = float(np.diff(by_strip)[0] / np.diff(by_tile)[0])
    text = f"{name}: the interval over strips is {ratio:.1f} times as wide as the interval over tiles."
    return text if ratio >= 0.95 else f"{text} The reason is given below."


def describe_sources(rates: Mapping[str, np.ndarray], promised: float) -> str:
    """Say which sources of a threshold meet the promised rate, and whether a leak through the same strips is visible.

    Parameters
    ----------
    rates : mapping of str to ndarray, each of shape (R,)
        False-alarm rates by source, "fitted tiles", "same strips" and "other strips", of the same R choices of strips.
    promised : float
        Rate for which the thresholds were made.

    Returns
    -------
    str

    Examples
    --------
    >>> rates = {"fitted tiles": [0.9, 0.8], "same strips": [0.1, 0.12], "other strips": [0.1, 0.13]}
    >>> print(describe_sources({name: np.array(values) for name, values in rates.items()}, 0.1))
    fitted tiles: 85.0 % on average, 8.5 times the promised rate
    same strips: 11.0 % on average, 1.1 times the promised rate
    other strips: 11.5 % on average, 1.1 times the promised rate
    A leak through the training strips is not visible on these strips.
    >>> rates["same strips"] = [0.3, 0.4]
    >>> print(describe_sources({name: np.array(values) for name, values in rates.items()}, 0.1).splitlines()[-1])
    Other tiles of the same strips break the promise here: the days of the training strips leak into the threshold.
    """
    means = {name: float(np.mean(values)) for name, values in rates.items()}
    lines = [
        f"{name}: {percent(mean, 1)} on average, {mean / promised:.1f} times the promised rate"
        for name, mean in means.items()
    ]
    if means["same strips"] - means["other strips"] > 0.25 * promised:
        verdict = "Other tiles of the same strips break the promise here: the days of the training strips leak into "
        verdict += "the threshold."
    else:
        verdict = "A leak through the training strips is not visible on these strips."
    return "\n".join([*lines, verdict])


def describe_negatives(all_clean: float, of_normal_strips: float) -> str:
    """Compare the AUROC with all clean tiles as negatives, and with clean tiles of normal strips only.

    Parameters
    ----------
    all_clean, of_normal_strips : float
        Tile AUROC.

    Returns
    -------
    str

    Examples
    --------
    >>> describe_negatives(0.8, 0.9)
    'Without the clean tiles of defective strips, the AUROC is 0.100 higher: defective strips differ as a whole.'
    >>> describe_negatives(0.8, 0.801)
    'Both results agree here: clean tiles look alike in defective and in normal strips.'
    """
    gain = of_normal_strips - all_clean
    if abs(gain) < 0.02:
        return "Both results agree here: clean tiles look alike in defective and in normal strips."
    which = f"{abs(gain):.3f} {'higher' if gain > 0 else 'lower'}"
    reason = "defective strips differ as a whole" if gain > 0 else "clean tiles of defective strips are easier"
    return f"Without the clean tiles of defective strips, the AUROC is {which}: {reason}."


def describe_light(rates: Mapping[str, Mapping[float, float]], promised: float) -> str:
    """State how far the false-alarm rate departs from its promise in another light.

    Parameters
    ----------
    rates : mapping of str to mapping of float to float
        False-alarm rates by fabric and by factor of the light; the factor 1 is the light of the fit.
    promised : float
        Promised rate.

    Returns
    -------
    str

    Examples
    --------
    >>> print(describe_light({"00": {1.0: 0.1, 1.25: 0.9}, "01": {1.0: 0.12, 1.25: 0.1}}, 0.1))
    fabric 00: 10 % in the same light, up to 90 % with grey values x 1.25
    fabric 01: 12 % in the same light, up to 12 % with grey values x 1
    A change of light breaks the promise on 1 of 2 fabrics.
    """
    lines, broken = [], 0
    for fabric, of_fabric in rates.items():
        worst = max(of_fabric, key=of_fabric.__getitem__)
        same = percent(of_fabric[1.0])
        lines.append(
            f"fabric {fabric}: {same} in the same light, up to {percent(of_fabric[worst])} with grey values x {worst:g}"
        )
        broken += of_fabric[worst] > max(2 * promised, 2 * of_fabric[1.0])
    return "\n".join([*lines, f"A change of light breaks the promise on {broken} of {len(rates)} fabrics."])
