"""Sentences of notebook 05 that depend on a measurement: each is made from the measured numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from aitex_utils.lessons.wording import percent


def describe_search_share(extraction: float, search: float) -> str:
    """Say how much of the scoring time per tile an index could save at most.

    Parameters
    ----------
    extraction, search : float
        Time of each step, in one unit. The bank is a coreset.

    Returns
    -------
    str

    Examples
    --------
    >>> describe_search_share(15.0, 5.0).split(". ")[0]
    'On this machine, the coreset search takes 25 % of the scoring time per tile'
    """
    share = percent(search / (extraction + search))
    sentence = f"On this machine, the coreset search takes {share} of the scoring time per tile."
    return f"{sentence} A faster index cannot save more than this share."


def describe_squares(largest: tuple[float, float], mean: tuple[float, float]) -> str:
    """Say whether squared distances change the AUROC, by the largest value of a tile and by the mean.

    Parameters
    ----------
    largest, mean : (float, float)
        AUROC with distances, and AUROC with squares.

    Returns
    -------
    str

    Examples
    --------
    >>> describe_squares((0.9, 0.9), (0.8, 0.81))
    'Squares do not change the AUROC of the largest value. They change the AUROC of the mean by +0.010.'
    """
    sentences = []
    for subject, score, (distances, squares) in (("Squares", "largest value", largest), ("They", "mean", mean)):
        change = squares - distances
        if change == 0:
            sentences.append(f"{subject} do not change the AUROC of the {score}.")
        else:
            amount = f"{change:+.3f}" if abs(change) >= 0.0005 else "less than 0.001"
            sentences.append(f"{subject} change the AUROC of the {score} by {amount}.")
    return " ".join(sentences)


def describe_foreign_training(own: tuple[float, float], foreign: tuple[float, float]) -> str:
    """Compare an IVF index that was trained on its own fabric with one that was trained on another fabric.

    Parameters
    ----------
    own, foreign : (float, float)
        Recall@1, and time per patch.

    Returns
    -------
    str

    Examples
    --------
    >>> describe_foreign_training((0.98, 10.0), (0.99, 80.0))
    'With centroids of another fabric, the search takes 8.0 times as long, and recall@1 changes from 0.980 to 0.990.'
    """
    ratio = foreign[1] / own[1]
    recalls = f"recall@1 changes from {own[0]:.3f} to {foreign[0]:.3f}"
    return f"With centroids of another fabric, the search takes {ratio:.1f} times as long, and {recalls}."


def describe_intervals(names: Sequence[str], differences: Sequence[np.ndarray], level: float = 0.95) -> str:
    """Say which kinds of index differ from the exact search beyond the spread of the resamples, and which are equal.

    Parameters
    ----------
    names : sequence of str
        Kinds of index.
    differences : sequence of ndarray
        Resampled differences in AUROC, (kind - exact), of each kind.
    level : float
        Coverage of the interval.

    Returns
    -------
    str

    Examples
    --------
    >>> describe_intervals(["ivf 8", "pq 19"], [np.array([-0.1, 0.1]), np.array([-0.2, -0.1])])
    'The 95 % interval is below 0 for pq 19 and contains 0 for ivf 8.'
    >>> describe_intervals(["ivf 8"], [np.array([-0.1, 0.1])])
    'The 95 % interval contains 0 for ivf 8. There are too few tiles to distinguish it from the exact search.'
    >>> describe_intervals(["ivf 8"], [np.zeros(9)])
    'ivf 8 gives the same AUROC as the exact search in at least 95 % of the resamples.'
    """
    tail, equal = (1 - level) / 2, []
    groups: dict[str, list[str]] = {"is below 0 for": [], "is above 0 for": [], "contains 0 for": []}
    for name, values in zip(names, differences, strict=True):
        low, high = np.quantile(values, [tail, 1 - tail])
        if low == high == 0:
            equal.append(name)
        else:
            groups["is below 0 for" if high < 0 else "is above 0 for" if low > 0 else "contains 0 for"].append(name)
    parts = [f"{verb} {_listed(members)}" for verb, members in groups.items() if members]
    sentences = [f"The {100 * level:.0f} % interval {' and '.join(parts)}."] if parts else []
    if parts and len(groups["contains 0 for"]) == len(names) - len(equal):
        kinds = "it" if len(groups["contains 0 for"]) == 1 else "these kinds"
        sentences.append(f"There are too few tiles to distinguish {kinds} from the exact search.")
    if equal:
        verb = "gives" if len(equal) == 1 else "give"
        share = f"at least {100 * level:.0f} % of the resamples"
        sentences.append(f"{_listed(equal)} {verb} the same AUROC as the exact search in {share}.")
    return " ".join(sentences)


def describe_faster(sizes: Sequence[int], times: Mapping[str, np.ndarray], reference: str = "flat") -> str:
    """Say from which size on each kind of index is faster than the exact one, in every run.

    Parameters
    ----------
    sizes : sequence of int
        Numbers of vectors, ascending.
    times : mapping of str to ndarray, each of shape (len(sizes), 3)
        Median, lowest and highest time by kind.
    reference : str
        The exact kind.

    Returns
    -------
    str

    Examples
    --------
    >>> times = {"flat": np.array([[1, 1, 1], [9, 8, 10]]), "ivf 8": np.array([[2, 2, 2], [3, 2, 4]])}
    >>> describe_faster([512, 8192], times)
    'ivf 8 is faster than flat only at the largest size measured, 8,192 vectors.'
    """
    sentences = []
    for kind, measured in times.items():
        if kind == reference:
            continue
        is_faster = measured[:, 2] < times[reference][:, 1]
        slower = np.flatnonzero(~is_faster)
        first = int(slower[-1]) + 1 if len(slower) else 0
        if first == len(sizes):
            sentences.append(f"{kind} is not clearly faster than {reference} at any size measured.")
        elif first == 0:
            sentences.append(f"{kind} is faster than {reference} at all sizes measured.")
        elif first == len(sizes) - 1:
            place = f"only at the largest size measured, {sizes[first]:,} vectors"
            sentences.append(f"{kind} is faster than {reference} {place}.")
        else:
            sentences.append(f"{kind} is faster than {reference} at {sizes[first]:,} vectors and above.")
    return " ".join(sentences)


def _listed(names: Sequence[str]) -> str:
    """Return names with commas, and "and" before the last one."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
