"""Sentences of notebook 01 that depend on measured values, so the notebook prints them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from aitex_utils.errors import InputError
from aitex_utils.lessons.wording import count, percent

from .leakage import LeakageResult, mean_interval


def describe_imbalance(n_clean: int, n_of_defective: int, n_marked: int) -> str:
    """Say how few tiles are defective, in all strips and in defective strips.

    Parameters
    ----------
    n_clean : int
        Number of tiles of normal strips.
    n_of_defective : int
        Number of tiles of defective strips.
    n_marked : int
        Number of these that contain a marked pixel.

    Returns
    -------
    str

    Examples
    --------
    >>> print(describe_imbalance(330, 327, 56))
    Normal strips: 330 tiles, all clean.
    Defective strips: 327 tiles, 56 of them with a marked pixel. The other 271 (83 %) are clean.
    Accuracy of a program that labels every tile as clean: 91 %.
    """
    total, clean = n_clean + n_of_defective, n_of_defective - n_marked
    if not 0 <= n_marked <= n_of_defective or not n_of_defective:
        raise InputError(f"{n_marked} of {n_of_defective} tiles contain a marked pixel: check the counts.")
    return (
        f"Normal strips: {count(n_clean, 'tile')}, all clean.\n"
        f"Defective strips: {count(n_of_defective, 'tile')}, {n_marked:,} of them with a marked pixel. "
        f"The other {clean:,} ({percent(clean / n_of_defective)}) are clean.\n"
        f"Accuracy of a program that labels every tile as clean: {percent((total - n_marked) / total)}."
    )


def describe_bed(name: str, auroc: float) -> str:
    """Say how well the machine bed alone separates the strips of a fabric.

    Parameters
    ----------
    name : str
        Name of the fabric.
    auroc : float
        Strip-level AUROC.

    Returns
    -------
    str

    Examples
    --------
    >>> describe_bed("00", 0.94), describe_bed("06", 0.52)
    ('Fabric 00: strip-level AUROC 0.940, far above guessing.', 'Fabric 06: strip-level AUROC 0.520, near guessing.')
    """
    verdict = "far above guessing" if auroc >= 0.75 else "above guessing" if auroc >= 0.6 else "near guessing"
    return f"Fabric {name}: strip-level AUROC {auroc:.3f}, {verdict if auroc >= 0.4 else 'below guessing'}."


def describe_draws(name: str, results: Sequence[LeakageResult]) -> str:
    """Say how the AUROCs of repeated draws and their difference lie, each as mean and 95 % interval.

    Parameters
    ----------
    name : str
        Name of the strips.
    results : sequence of LeakageResult
        With the set of tiles "defective", one per draw.

    Returns
    -------
    str
        Three lines.

    Examples
    --------
    >>> result = LeakageResult(np.array([[1.0]]), np.array([[4.0]]), {"defective": np.array([[3.0, 5.0]])})
    >>> print(describe_draws("unchanged strips", [result, result]))
    unchanged strips, mean of 2 draws and 95 % interval
      AUROC, split by tile 1.000 (1.000 to 1.000), split by strip 0.500 (0.500 to 0.500): intervals apart
      difference (tile - strip) +0.500 (+0.500 to +0.500): the interval lies above 0
    """
    intervals = [mean_interval(np.array([result.auroc(kind) for result in results])) for kind in ("same", "new")]
    by_tile, by_strip = (f"{mean:.3f} ({low:.3f} to {high:.3f})" for mean, low, high in intervals)
    (_, low_tile, high_tile), (_, low_strip, high_strip) = intervals
    overlap = low_tile <= high_strip and low_strip <= high_tile
    mean, low, high = mean_interval(np.array([result.gap for result in results]))
    return (
        f"{name}, mean of {len(results)} draws and 95 % interval\n"
        f"  AUROC, split by tile {by_tile}, split by strip {by_strip}: intervals {'overlap' if overlap else 'apart'}\n"
        f"  difference (tile - strip) {mean:+.3f} ({low:+.3f} to {high:+.3f}): the interval {_place(low, high)}"
    )


def _place(low: float, high: float) -> str:
    return "lies above 0" if low > 0 else "lies below 0" if high < 0 else "includes 0"


def describe_trend(results: Mapping[str, Sequence[LeakageResult]]) -> str:
    """Say how both AUROCs change from the first to the last set of strips, and what each test would conclude.

    Parameters
    ----------
    results : mapping of str to sequence of LeakageResult
        Results of the same seeds, by name of the strips.

    Returns
    -------
    str

    Examples
    --------
    >>> def result(same):
    ...     return [LeakageResult(np.array([[same]]), np.array([[4.0]]), {"defective": np.array([[3.0, 5.0]])})] * 2
    >>> print(describe_trend({"unchanged": result(1.0), "strength 2": result(4.0)}))
    From unchanged to strength 2, the AUROC changes by -0.500 split by tile and by +0.000 split by strip.
    The split by tile reports the larger loss.
    """
    first, last = list(results)[0], list(results)[-1]
    changes = []
    for kind in ("same", "new"):
        before, after = (np.mean([r.auroc(kind) for r in results[name]]) for name in (first, last))
        changes.append(float(after - before))
    by_tile, by_strip = changes
    text = f"From {first} to {last}, the AUROC changes by {by_tile:+.3f} split by tile and by {by_strip:+.3f} split by "
    text += "strip.\n"
    if by_strip < -0.01 and by_tile > by_strip / 2:
        share = "none" if by_tile >= 0 else "less than half"
        return (
            f"{text}The task has become harder. The split by strip shows the loss, and the split by tile {share} of it."
        )
    if by_tile < by_strip:
        return f"{text}The split by tile reports the larger loss."
    return f"{text}Both splits report similar changes."


def describe_novelty(name: str, results: Sequence[LeakageResult]) -> str:
    """Say how often a clean tile of a new strip scores higher than a clean tile of a known strip.

    Parameters
    ----------
    name : str
        Name of the strips.
    results : sequence of LeakageResult
        One per draw.

    Returns
    -------
    str

    Examples
    --------
    >>> result = LeakageResult(np.array([[1.0]]), np.array([[4.0]]))
    >>> describe_novelty("unchanged strips", [result])
    'unchanged strips: the tile of the new strip scores higher in 100 % of pairs'
    """
    share = float(np.mean([result.novelty_auroc for result in results]))
    return f"{name}: the tile of the new strip scores higher in {percent(share)} of pairs"
