"""The decision of notebook 02: which image score is cheapest for given kinds of tiles and given costs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

SCORES = ("maximum", "mean", "top 1 %")
SHARE = 0.01  # of the distances, in the third score
TILES_PER_DAY = {"plain": 8880, "knot": 20, "dust": 1000, "uneven light": 100}
COSTS = {"missed knot": 50, "false alarm": 1}  # euros per tile
KNOT, DUST, LIGHT = 1.2, 0.8, 0.3  # added to the distances
PLAIN_ALARMS = 0.01  # share of plain tiles above the threshold of each score


def simulate_distances(kind: str, count: int, *, knot_side: int = 2) -> np.ndarray:
    """Return simulated distances of tiles of one kind, 32 x 32 positions each.

    Parameters
    ----------
    kind : {"plain", "knot", "dust", "uneven light"}
        A knot raises a square of positions, dust a single one, and uneven light the right half of a tile.
    count : int
        Number of tiles.
    knot_side : int
        Side of a knot in positions.

    Returns
    -------
    ndarray, shape (count, 32, 32)
        The same in every call.

    Examples
    --------
    >>> dust = simulate_distances("dust", 2) - simulate_distances("plain", 2)
    >>> dust.sum(axis=(1, 2)).round(6).tolist()
    [0.8, 0.8]
    """
    distances = np.random.default_rng(0).gamma(40, 0.025, size=(count, 32, 32))  # around 1
    if kind == "knot":
        distances[:, 14 : 14 + knot_side, 20 : 20 + knot_side] += KNOT
    elif kind == "dust":
        distances[:, 5, 9] += DUST
    elif kind == "uneven light":
        distances[:, :, 16:] += LIGHT
    return distances


def flagged_shares(
    image_scores: Callable[[np.ndarray, float], tuple[float, float, float]], *, knot_side: int = 2, count: int = 300
) -> dict[str, dict[str, float]]:
    """Return the share of tiles that each image score flags, by kind of tile.

    Parameters
    ----------
    image_scores : callable
        Returns (maximum, mean, top) for distances (H', W') and a share, as in exercise 02.4.
    knot_side : int
        Side of a knot in positions.
    count : int
        Number of tiles of each kind.

    Returns
    -------
    dict of dict of float
        Share of flagged tiles by score and kind. Each threshold flags 1 in 100 plain tiles.

    Examples
    --------
    >>> from aitex_utils.lessons.nb02.reference import image_scores
    >>> flagged_shares(image_scores, count=100)["maximum"]["knot"] > 0.9
    True
    """
    scores = {}
    for kind in TILES_PER_DAY:
        distances = simulate_distances(kind, count, knot_side=knot_side)
        scores[kind] = np.array([[float(s) for s in image_scores(tile, SHARE)] for tile in distances])  # (count, 3)
    thresholds = np.quantile(scores["plain"], 1 - PLAIN_ALARMS, axis=0)
    return {
        name: {kind: float((values[:, i] > thresholds[i]).mean()) for kind, values in scores.items()}
        for i, name in enumerate(SCORES)
    }


def expected_costs(shares: dict[str, dict[str, float]], tiles: dict[str, int] | None = None) -> dict[str, float]:
    """Return the expected cost of each image score per day, in euros.

    Parameters
    ----------
    shares : dict of dict of float
        Share of flagged tiles by score and kind, from `flagged_shares`.
    tiles : dict of str to int, optional
        Number of tiles per day by kind; `TILES_PER_DAY` without it.

    Returns
    -------
    dict of float

    Examples
    --------
    >>> expected_costs({"mean": {"plain": 0.01, "knot": 0.5, "dust": 0, "uneven light": 1}}, {"plain": 100, "knot": 2})
    {'mean': 51.0}
    """
    tiles = TILES_PER_DAY if tiles is None else tiles
    costs = {}
    for score, by_kind in shares.items():
        missed = tiles["knot"] * (1 - by_kind["knot"])
        alarms = sum(n * by_kind[kind] for kind, n in tiles.items() if kind != "knot")
        costs[score] = missed * COSTS["missed knot"] + alarms * COSTS["false alarm"]
    return costs


def describe_shares(shares: dict[str, dict[str, float]]) -> str:
    """Return the shares of flagged tiles as a table, one row per kind of tile.

    Parameters
    ----------
    shares : dict of dict of float
        Share of flagged tiles by score and kind, from `flagged_shares`.

    Returns
    -------
    str

    Examples
    --------
    >>> print(describe_shares({"mean": {"knot": 0.5, "dust": 0.25}}))
    flagged tiles       mean
    knot                50 %
    dust                25 %
    """
    lines = [f"{'flagged tiles':14}" + "".join(f"{score:>10}" for score in shares)]
    for kind in next(iter(shares.values())):
        lines.append(f"{kind:14}" + "".join(f"{100 * by_kind[kind]:8.0f} %" for by_kind in shares.values()))
    return "\n".join(lines)


def describe_costs(costs: dict[str, float]) -> str:
    """Return the costs of the image scores in one sentence, and which score is cheapest.

    Parameters
    ----------
    costs : dict of float
        Cost per day by score, from `expected_costs`.

    Returns
    -------
    str

    Examples
    --------
    >>> describe_costs({"maximum": 300.2, "mean": 51.0})
    'Expected cost per day: maximum 300 euros, mean 51 euros. The cheapest score is mean.'
    """
    listed = ", ".join(f"{score} {cost:,.0f} euros" for score, cost in costs.items())
    return f"Expected cost per day: {listed}. The cheapest score is {min(costs, key=costs.__getitem__)}."
