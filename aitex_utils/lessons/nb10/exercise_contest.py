"""Exercises 10.3 and 10.4: the Pareto front of runs, and the optimism of the best of many."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from aitex_utils.lessons.engine.judge import Exercise, Mistake

from .reference import optimism, pareto_front

Array = np.ndarray

# 10.3 -----------------------------------------------------------------------------------------------------------------


ONE_OF_TWO = (
    "You keep only one of two runs that are equal in both values. Neither run dominates the other, so both are on the "
    "front."
)


def _front_cases() -> list[tuple]:
    """Return times and AUROCs: with ties in one value, equal runs, a slow good run, and many random runs."""
    rng = np.random.default_rng(1)
    return [
        (np.array([10.0, 20.0, 30.0]), np.array([0.8, 0.7, 0.9])),
        (np.array([10.0, 10.0, 20.0, 20.0, 30.0]), np.array([0.8, 0.7, 0.8, 0.9, 0.9])),
        (np.array([15.0, 15.0, 5.0]), np.array([0.9, 0.9, 0.6])),
        (np.array([40.0, 30.0, 20.0, 10.0]), np.array([0.95, 0.7, 0.75, 0.6])),
        (rng.permutation(30).astype(float) + 5, np.round(rng.uniform(0.6, 0.95, 30), 2)),
    ]


def _front(times: Array, aurocs: Array, dominates: Callable[[Array, Array, Array, Array], Array]) -> Array:
    """Return the runs that no other run dominates. The rule receives times and AUROCs of both runs."""
    matrix = dominates(times, aurocs, times[:, None], aurocs[:, None])  # [i, j]: run j dominates run i
    np.fill_diagonal(matrix, False)
    return np.flatnonzero(~matrix.any(axis=1))


def _rule(t: Array, a: Array, t0: Array, a0: Array) -> Array:
    return (t <= t0) & (a >= a0) & ((t < t0) | (a > a0))


def _by_steps(times: Array, aurocs: Array) -> Array:
    """Return the front in the order of times instead of positions."""
    front = pareto_front(times, aurocs)
    return front[np.argsort(times[front], kind="stable")]


def _next_fastest_only(times: Array, aurocs: Array) -> Array:
    order = np.lexsort((-aurocs, times))
    kept = [order[0]] + [b for a, b in zip(order, order[1:], strict=False) if aurocs[b] > aurocs[a]]
    return np.sort(np.array(kept))


def _best_so_far(times: Array, aurocs: Array) -> Array:
    """Return the runs whose AUROC exceeds the AUROC of all faster runs, and one of two equal runs, in order of time."""
    order = np.lexsort((-aurocs, times))
    best = np.maximum.accumulate(aurocs[order])
    return order[np.append(True, best[1:] > best[:-1])]


PARETO_FRONT = Exercise(
    id="10.3",
    task="The positions of the runs on the Pareto front.",
    reference=pareto_front,
    cases=_front_cases,
    returns="an array of integers",
    mistakes=(
        Mistake(
            "both better",
            "A run also leaves the front if another run is equal in one value and better in the other. Your rule needs "
            "both to be better.",
            partial(_front, dominates=lambda t, a, t0, a0: (t < t0) & (a > a0)),
        ),
        Mistake(
            "equal runs removed",
            "Two runs that are equal in both values remove each other. A run dominates another only if it is better in "
            "at least one value.",
            partial(_front, dominates=lambda t, a, t0, a0: (t <= t0) & (a >= a0)),
        ),
        Mistake(
            "one of two equal runs",
            ONE_OF_TWO,
            lambda times, aurocs: np.sort(_best_so_far(times, aurocs)),
        ),
        Mistake(
            "one of two equal runs, in order of time",
            f"{ONE_OF_TWO} Then return the positions in ascending order.",
            _best_so_far,
        ),
        Mistake(
            "either is better",
            "A run leaves your front as soon as another run is better in *one* value. The other value must not be "
            "worse.",
            partial(_front, dominates=lambda t, a, t0, a0: (t < t0) | (a > a0)),
        ),
        Mistake(
            "slow is good",
            "You prefer the slow runs. A lower time is better, and a higher AUROC.",
            partial(_front, dominates=lambda t, a, t0, a0: _rule(-t, a, -t0, a0)),
        ),
        Mistake(
            "low AUROC is good",
            "You prefer a low AUROC. A lower time is better, and a higher AUROC.",
            partial(_front, dominates=lambda t, a, t0, a0: _rule(t, -a, t0, -a0)),
        ),
        Mistake(
            "dominated runs",
            "These runs are dominated. Return the other runs.",
            lambda times, aurocs: np.setdiff1d(np.arange(len(times)), pareto_front(times, aurocs)),
        ),
        Mistake(
            "compared with the next only",
            "You compare each run only with the next faster run. A run leaves the front if *any* faster run has at "
            "least its AUROC.",
            _next_fastest_only,
        ),
        Mistake(
            "the best only",
            "You return the runs with the highest AUROC. Faster runs with a lower AUROC belong to the front too.",
            lambda times, aurocs: np.flatnonzero(aurocs == aurocs.max()),
        ),
        Mistake(
            "mask for positions",
            "This is a Boolean mask. Return the positions: `np.flatnonzero(mask)`.",
            lambda times, aurocs: np.isin(np.arange(len(times)), pareto_front(times, aurocs)),
        ),
        Mistake(
            "in order of time",
            "The runs are right, but not their order. Return the positions in ascending order.",
            _by_steps,
        ),
    ),
    hints=(
        "For each run: is there another run that is at most as slow, has at least the same AUROC, and is better in one "
        "of them?",
        "`(times <= times[i]) & (aurocs >= aurocs[i])` marks the runs that are no worse than run i. Run i itself is "
        "among them.",
        "A run is dominated if one of the marked runs also has `(times < times[i]) | (aurocs > aurocs[i])`.",
    ),
    praise="Each run that is not on the front can be replaced by a run that is no slower and no worse.",
)

# 10.4 -----------------------------------------------------------------------------------------------------------------


def _optimism_cases() -> list[tuple]:
    """Return AUROCs on shown and on hidden strips, each (draws, k)."""
    rng = np.random.default_rng(3)
    shown, hidden = np.array([[0.9, 0.8], [0.7, 0.8]]), np.array([[0.8, 0.9], [0.9, 0.7]])
    many = np.round(rng.normal(0.85, 0.04, (2, 7, 5)), 3)
    uneven = np.round(rng.uniform(0.6, 0.95, (2, 4, 6)), 3)
    return [(shown, hidden), tuple(many), tuple(uneven)]


def _chosen(values: Array, by: Array) -> Array:
    return values[np.arange(len(values)), by.argmax(axis=1)]


OPTIMISM = Exercise(
    id="10.4",
    task="The mean optimism of the detector that is best on the shown strips.",
    reference=optimism,
    cases=_optimism_cases,
    mistakes=(
        Mistake(
            "best of each",
            "You subtract the highest hidden AUROC, which another detector can have. Take the hidden AUROC of the "
            "*chosen* detector.",
            lambda shown, hidden: (shown.max(axis=1) - hidden.max(axis=1)).mean(),
        ),
        Mistake(
            "all pairs of draws",
            "`shown[:, chosen]` takes all chosen columns in each draw, (draws, draws). Take one value per draw: "
            "`shown[np.arange(len(shown)), chosen]`.",
            lambda shown, hidden: (shown - hidden)[:, shown.argmax(axis=1)].mean(),
        ),
        Mistake(
            "rows for columns",
            "You take the best draw of each detector. In each draw, take the best detector: `shown.argmax(axis=1)`.",
            lambda shown, hidden: (shown - hidden)[shown.argmax(axis=0)].mean(),
        ),
        Mistake(
            "chosen on hidden",
            "You choose by the hidden AUROC, which is unknown at that time. Choose by the shown AUROC.",
            lambda shown, hidden: (_chosen(shown, hidden) - _chosen(hidden, hidden)).mean(),
        ),
        Mistake(
            "one choice for all draws",
            "You choose one detector for all draws. In each draw, choose anew: `shown.argmax(axis=1)`.",
            lambda shown, hidden: (shown - hidden)[:, shown.mean(axis=0).argmax()].mean(),
        ),
        Mistake(
            "mean of all detectors",
            "You average over all detectors, so nothing is chosen. In each draw, take the best detector only.",
            lambda shown, hidden: (shown - hidden).mean(),
        ),
        Mistake(
            "against the mean",
            "You subtract the mean hidden AUROC of all detectors. Take the hidden AUROC of the chosen detector.",
            lambda shown, hidden: (shown.max(axis=1) - hidden.mean(axis=1)).mean(),
        ),
        Mistake(
            "sign exchanged",
            "The sign is inverted: return shown minus hidden.",
            lambda shown, hidden: (_chosen(hidden, shown) - _chosen(shown, shown)).mean(),
        ),
        Mistake(
            "absolute values",
            "You average absolute differences, which are positive even without a choice. Keep the sign.",
            lambda shown, hidden: np.abs(_chosen(shown, shown) - _chosen(hidden, shown)).mean(),
        ),
        Mistake(
            "largest difference",
            "You take the largest difference of each draw. The detector is chosen by its shown AUROC alone.",
            lambda shown, hidden: (shown - hidden).max(axis=1).mean(),
        ),
        Mistake(
            "draws for detectors",
            "You choose among the draws, not among the detectors. Each *row* is one draw: `argmax(axis=1)`.",
            lambda shown, hidden: np.mean([(shown - hidden)[i, j] for j, i in enumerate(shown.argmax(axis=0))]),
        ),
        Mistake(
            "one value per draw",
            "The differences are right. Return their mean over the draws.",
            lambda shown, hidden: _chosen(shown, shown) - _chosen(hidden, shown),
        ),
    ),
    hints=(
        "In each draw, which detector would you choose if you saw only the shown strips?",
        "`chosen = shown.argmax(axis=1)` contains one column number per draw.",
        "`shown[draws, chosen] - hidden[draws, chosen]` with `draws = np.arange(len(shown))`, and then the mean.",
    ),
    praise="This optimism grows with the number of detectors, even if all are equally good.",
)
