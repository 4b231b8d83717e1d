"""Measurements on runs for the guided experiments of notebook 10."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from aitex_utils.errors import InputError
from aitex_utils.lessons.wording import percent
from aitex_utils.scoring import anomaly_maps

from .jobs import finish_with_bar
from .measuring import TILE_SHAPE
from .runs import Run

FRAME = 16  # px along the four edges of a tile


def defect_ranks(runs: Mapping[str, Run]) -> dict[str, dict[str, float]]:
    """Return how far each run ranks each defect above the clean tiles.

    Parameters
    ----------
    runs : mapping of str to Run
        Runs on the same strips, by name.

    Returns
    -------
    dict of str to dict of str to float
        For each defective strip, the share of all clean tiles whose score is lower than the highest score of the
        strip's defective tiles, by the name of the run.

    Examples
    --------
    >>> defect_ranks({"early": run_1, "late": run_2})  # doctest: +SKIP
    """
    ranks: dict[str, dict[str, float]] = {}
    for name, run in runs.items():
        labels, scores, groups = (run.array(kind) for kind in ("labels", "scores", "groups"))
        for strip in run.strips:
            own = labels & (groups == strip.name)
            if own.any():
                of_strip = ranks.setdefault(f"{strip.defect} ({strip.name})", {})
                of_strip[name] = float((scores[~labels] < scores[own].max()).mean())
    return ranks


def count_wins(ranks: Mapping[str, Mapping[str, float]], name: str, other: str) -> int:
    """Return in how many strips one run ranks the defect higher than another run.

    Parameters
    ----------
    ranks : mapping
        Output of `defect_ranks`.
    name, other : str
        Names of the two runs.

    Returns
    -------
    int

    Examples
    --------
    >>> count_wins({"nep": {"a": 1.0, "b": 0.5}, "knot": {"a": 0.5, "b": 0.5}}, "a", "b")
    1
    """
    return sum(by_run[name] > by_run[other] for by_run in ranks.values())


def describe_ranks(ranks: Mapping[str, Mapping[str, float]], name: str, other: str, step: float = 0.05) -> str:
    """Report which defects each of two runs ranks clearly higher.

    Parameters
    ----------
    ranks : mapping
        Output of `defect_ranks`.
    name, other : str
        Names of the two runs.
    step : float
        A smaller difference counts as none.

    Returns
    -------
    str

    Examples
    --------
    >>> print(describe_ranks({"nep": {"a": 1.0, "b": 0.5}, "knot": {"a": 0.5, "b": 0.5}}, "a", "b"))
    Clearly higher with a: nep. Clearly higher with b: none. About equal: knot.
    """
    parts: dict[str, list[str]] = {name: [], other: [], "equal": []}
    for defect, by_run in ranks.items():
        difference = by_run[name] - by_run[other]
        key = "equal" if abs(difference) < step else name if difference > 0 else other
        parts[key].append(defect.split(" (")[0])
    listed = {key: ", ".join(values) or "none" for key, values in parts.items()}
    clear = f"Clearly higher with {name}: {listed[name]}. Clearly higher with {other}: {listed[other]}."
    return f"{clear} About equal: {listed['equal']}."


def edge_share(run: Run, frame: int = FRAME) -> float:
    """Return the share of clean tiles whose map is highest in a frame along the tile's edges.

    Parameters
    ----------
    run : Run
        The run. Its maps are taken tile by tile, before the background is subtracted.
    frame : int
        Width of the frame in px.

    Returns
    -------
    float

    Examples
    --------
    >>> edge_share(run)  # doctest: +SKIP
    """
    distances, scale = run.array("distances")[~run.array("labels")], run.arrays.get("scale")
    maps = anomaly_maps(distances if scale is None else distances / scale, TILE_SHAPE, run.choices.smoothing)
    return peaks_in_frame(maps, frame)


def peaks_in_frame(maps: np.ndarray, frame: int) -> float:
    """Return the share of maps whose highest value lies in a frame along the edges.

    Parameters
    ----------
    maps : ndarray, shape (N, H, W)
        Maps.
    frame : int
        Width of the frame in px.

    Returns
    -------
    float

    Examples
    --------
    >>> maps = np.zeros((2, 5, 5))
    >>> maps[0, 0, 2] = maps[1, 2, 2] = 1
    >>> peaks_in_frame(maps, 1)
    0.5
    """
    rows, columns = np.unravel_index(maps.reshape(len(maps), -1).argmax(axis=1), maps.shape[1:])
    height, width = maps.shape[1:]
    inner = (rows >= frame) & (rows < height - frame) & (columns >= frame) & (columns < width - frame)
    return float(1 - inner.mean())


def share_of_frame(frame: int = FRAME) -> float:
    """Return the share of a tile's pixels in a frame along its edges.

    Parameters
    ----------
    frame : int
        Width of the frame in px.

    Returns
    -------
    float

    Examples
    --------
    >>> round(share_of_frame(16), 3)
    0.234
    """
    return 1 - (1 - 2 * frame / TILE_SHAPE[0]) ** 2


def describe_edges(before: float, after: float, expected: float) -> str:
    """Report the share of clean tiles whose map is highest near an edge, without and with normalisation.

    Parameters
    ----------
    before, after : float
        Share of clean tiles with their highest value in the frame, without and with normalisation.
    expected : float
        Share of the pixels in the frame.

    Returns
    -------
    str

    Examples
    --------
    >>> print(describe_edges(0.6, 0.3, 0.234))
    The frame contains 23 % of the pixels. It contains the highest value of 60 % of the clean tiles without
    normalisation, and of 30 % with normalisation.
    With normalisation, this share is nearer to the share of the pixels.
    """
    nearer = abs(after - expected) < abs(before - expected)
    words = "nearer to" if nearer else "not nearer to"
    return (
        f"The frame contains {percent(expected)} of the pixels. It contains the highest value of {percent(before)} of "
        f"the clean tiles without\nnormalisation, and of {percent(after)} with normalisation.\n"
        f"With normalisation, this share is {words} the share of the pixels."
    )


def paired_distances(exact: Run, approximate: Run) -> tuple[np.ndarray, np.ndarray]:
    """Return the distances of all shown patches by two runs that differ only in the index.

    Parameters
    ----------
    exact, approximate : Run
        Runs with the same bank.

    Returns
    -------
    exact, approximate : ndarray, each of shape (N, H', W')

    Raises
    ------
    InputError
        If the banks differ.

    Examples
    --------
    >>> exact, approximate = paired_distances(run_1, run_2)  # doctest: +SKIP
    """
    banks = exact.vectors, approximate.vectors
    equal = len(banks[0]) == len(banks[1]) and all(map(np.array_equal, *banks))
    if not equal:
        raise InputError("The two runs have different banks: change only the index and its parameters.")
    return exact.array("distances"), approximate.array("distances")


def time_ratio(first: Run, second: Run) -> float:
    """Return the time per tile of one run divided by the time of another, both measured now and in turn.

    Parameters
    ----------
    first, second : Run
        Runs on the same fabric.

    Returns
    -------
    float

    Examples
    --------
    >>> time_ratio(run_2, run_1)  # doctest: +SKIP
    1.3
    """
    from .contest import time_share_steps

    return finish_with_bar(time_share_steps(first.choices, second.choices)).median


def describe_price(ratio: float, interval: tuple[float, float]) -> str:
    """Report the time of a slower network, and whether the interval shows a higher tile AUROC.

    Parameters
    ----------
    ratio : float
        Time per tile of the slower network, divided by the time of the faster network.
    interval : tuple of float
        95 % interval of the difference in tile AUROC (slower - faster).

    Returns
    -------
    str

    Examples
    --------
    >>> print(describe_price(1.3, (-0.01, 0.05)))
    It takes 1.3 times as long. These strips do not show whether its tile AUROC is higher.
    """
    low, high = interval
    gain = "These strips do not show whether its tile AUROC is higher."
    if not low <= 0 <= high:
        gain = f"Its tile AUROC is {'higher' if low > 0 else 'lower'} on these strips."
    return f"It takes {ratio:.1f} times as long. {gain}"
