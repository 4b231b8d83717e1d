"""Sentences of notebook 05 that depend on a measurement: each is made from the measured numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from aitex_utils.lessons.wording import percent


def describe_search_share(extraction: float, search: float) -> str:
    """Say how much of a tile's time an index could save at most.

    Parameters
    ----------
    extraction, search : float
        Time of each part, in one unit.

    Returns
    -------
    str

    Examples
    --------
    >>> describe_search_share(15.0, 5.0)
    'On this machine the search takes 25 % of the time of a tile. A faster index cannot save more than that.'
    """
    share = percent(search / (extraction + search))
    return f"On this machine the search takes {share} of the time of a tile. A faster index cannot save more than that."


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
    'Squares change the AUROC of the largest value by +0.000, and the AUROC of the mean by +0.010.'
    """
    changes = [f"{squares - distances + 0.0:+.3f}" for distances, squares in (largest, mean)]
    return f"Squares change the AUROC of the largest value by {changes[0]}, and the AUROC of the mean by {changes[1]}."


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
    'With centroids of another fabric the search takes 8.0 times as long, and recall@1 changes from 0.980 to 0.990.'
    """
    ratio = foreign[1] / own[1]
    recalls = f"recall@1 changes from {own[0]:.3f} to {foreign[0]:.3f}"
    return f"With centroids of another fabric the search takes {ratio:.1f} times as long, and {recalls}."


def describe_intervals(names: Sequence[str], differences: Sequence[np.ndarray], level: float = 0.95) -> str:
    """Say which kinds of index differ from the exact search beyond the spread of the resamples.

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
    'The 95 % interval contains 0 for ivf 8. These tiles are too few to distinguish it from the exact search.'
    """
    tail = (1 - level) / 2
    groups: dict[str, list[str]] = {"is below 0 for": [], "is above 0 for": [], "contains 0 for": []}
    for name, values in zip(names, differences, strict=True):
        low, high = np.quantile(values, [tail, 1 - tail])
        groups["is below 0 for" if high < 0 else "is above 0 for" if low > 0 else "contains 0 for"].append(name)
    parts = [f"{verb} {_listed(members)}" for verb, members in groups.items() if members]
    sentence = f"The {100 * level:.0f} % interval {' and '.join(parts)}."
    if len(groups["contains 0 for"]) == len(names):
        kinds = "it" if len(names) == 1 else "these kinds"
        sentence += f" These tiles are too few to distinguish {kinds} from the exact search."
    return sentence


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
    'ivf 8 is faster than flat from 8,192 vectors on.'
    """
    sentences = []
    for kind, measured in times.items():
        if kind == reference:
            continue
        is_faster = measured[:, 2] < times[reference][:, 1]
        slower = np.flatnonzero(~is_faster)
        first = int(slower[-1]) + 1 if len(slower) else 0
        if first == len(sizes):
            sentences.append(f"{kind} is not clearly faster than {reference} at any of these sizes.")
        else:
            sentences.append(f"{kind} is faster than {reference} from {sizes[first]:,} vectors on.")
    return " ".join(sentences)


def _listed(names: Sequence[str]) -> str:
    """Return names with commas, and "and" before the last one."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
