"""Exercises 12.3 and 12.4: a sum that notices drift, and a threshold that follows it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from aitex_utils.lessons.engine.judge import Exercise, Mistake

from .reference import CAP, SLACK, cusum, track_threshold

Array = np.ndarray

# 12.3 -----------------------------------------------------------------------------------------------------------------


def _drift_cases() -> list[tuple]:
    """Return scores in time and held-out scores: small, with one defect, with a jump, and with a fall at first."""
    rng = np.random.default_rng(2)
    held_out = rng.normal(2, 0.1, 20)
    return [
        (np.array([2.0, 5.0, 0.0]), np.array([-1.0, 1.0])),
        (np.array([2.0, 2.1, 4.0, 2.0, 2.1, 2.2]), held_out),
        (np.r_[rng.normal(2, 0.1, 12), rng.normal(2.2, 0.1, 12)], held_out),
        (np.r_[rng.normal(1.8, 0.1, 6), rng.normal(2.2, 0.1, 9)], rng.normal(2, 0.3, 7)),
    ]


def _sums(
    scores: Array,
    held_out: Array,
    *,
    z: Callable[[Array, Array], Array] = lambda s, h: (s - h.mean()) / h.std(),
    step: Callable[[float, float], float] = lambda total, z: max(0.0, total + min(z, CAP) - SLACK),
) -> Array:
    """Return the sums with one part of the reference replaced."""
    total, sums = 0.0, []
    for one in z(scores, held_out):
        total = step(total, float(one))
        sums.append(total)
    return np.array(sums)


CUSUM = Exercise(
    id="12.3",
    task="The cumulative sum after each picture.",
    reference=cusum,
    cases=_drift_cases,
    mistakes=(
        Mistake(
            "below zero",
            "Your sum goes below 0, so a quiet time at first hides a later drift. Set it back to 0: `max(0.0, ...)`.",
            partial(_sums, step=lambda total, z: total + min(z, CAP) - SLACK),
        ),
        Mistake(
            "no slack",
            "You do not subtract the slack, so the sum also grows without drift. Subtract 0.5 for each picture.",
            partial(_sums, step=lambda total, z: max(0.0, total + min(z, CAP))),
        ),
        Mistake(
            "no cap",
            "One defect raises your sum by its whole score. Count at most 3 standard deviations: `min(z, 3.0)`.",
            partial(_sums, step=lambda total, z: max(0.0, total + z - SLACK)),
        ),
        Mistake(
            "cap on the sum",
            "You limit the sum to 3. Limit what *one picture* adds, and let the sum grow.",
            partial(_sums, step=lambda total, z: min(CAP, max(0.0, total + z - SLACK))),
        ),
        Mistake(
            "cap after slack",
            "You subtract the slack before you limit. First `min(z, 3.0)`, then subtract 0.5.",
            partial(_sums, step=lambda total, z: max(0.0, total + min(z - SLACK, CAP))),
        ),
        Mistake(
            "not divided",
            "You do not divide by the standard deviation of the held-out scores, so the unit is not right.",
            partial(_sums, z=lambda s, h: s - h.mean()),
        ),
        Mistake(
            "variance",
            "You divide by the variance. Divide by the standard deviation: `held_out.std()`.",
            partial(_sums, z=lambda s, h: (s - h.mean()) / h.var()),
        ),
        Mistake(
            "own mean",
            "You standardise with the scores themselves, so their mean drift vanishes. Use the held-out scores.",
            partial(_sums, z=lambda s, h: (s - s.mean()) / s.std()),
        ),
        Mistake(
            "sign exchanged",
            "You sum pictures that score *lower*. Subtract the held-out mean from the score.",
            partial(_sums, z=lambda s, h: (h.mean() - s) / h.std()),
        ),
        Mistake(
            "no sum",
            "You start anew with each picture. Add to the sum so far.",
            partial(_sums, step=lambda total, z: max(0.0, min(z, CAP) - SLACK)),
        ),
        Mistake(
            "last sum only",
            "You return the last sum. Return the sum after each picture.",
            lambda scores, held_out: cusum(scores, held_out)[-1],
        ),
    ),
    hints=(
        "Standardise each score with the mean and the standard deviation of the held-out scores.",
        "Keep `total`, which begins at 0. For each z, add `min(z, 3.0) - 0.5`, and set it to 0 if it is negative.",
        "Append `total` to a list after each picture, and return an array of the list.",
    ),
    praise="Small shifts add up, and single defects do not: the cap and the slack see to that.",
)

# 12.4 -----------------------------------------------------------------------------------------------------------------


def _track_cases() -> list[tuple]:
    """Return scores, start, rate and step: small, without flags, with a drift, and a score equal to the threshold."""
    rng = np.random.default_rng(4)
    return [
        (np.array([5.0, 0.0, 0.0]), 4.0, 0.25, 1.0),
        (np.array([1.0, 1.0, 1.0, 1.0]), 4.0, 0.05, 0.5),
        (np.linspace(1, 3, 30) + rng.normal(0, 0.1, 30), 1.5, 0.1, 0.3),
        (np.array([2.0, 2.0, 1.0]), 2.0, 0.1, 0.2),
    ]


def _track(
    scores: Array,
    start: float,
    rate: float,
    step: float,
    *,
    change: Callable[[float, float, float, float], float] = lambda s, t, rate, step: step * (float(s >= t) - rate),
    is_after: bool = False,
) -> Array:
    """Return the thresholds with one part of the reference replaced. The change receives score and threshold."""
    threshold, before, after = start, [], []
    for score in scores:
        before.append(threshold)
        threshold += change(float(score), threshold, rate, step)
        after.append(threshold)
    return np.array(after if is_after else before)


TRACK_THRESHOLD = Exercise(
    id="12.4",
    task="The threshold with which each picture is judged.",
    reference=track_threshold,
    cases=_track_cases,
    mistakes=(
        Mistake(
            "threshold after",
            "You return the threshold *after* each picture. A picture is judged before the correction: append first.",
            partial(_track, is_after=True),
        ),
        Mistake(
            "sign exchanged",
            "A flagged picture must *raise* the threshold: add step * (flagged - rate).",
            partial(_track, change=lambda s, t, rate, step: -step * (float(s >= t) - rate)),
        ),
        Mistake(
            "never lowered",
            "Your threshold rises after a flagged picture, and never falls. Subtract the rate for every picture.",
            partial(_track, change=lambda s, t, rate, step: step * float(s >= t)),
        ),
        Mistake(
            "full fall",
            "Without a flag, you lower the threshold by a whole step. Lower it by step * rate.",
            partial(_track, change=lambda s, t, rate, step: step * (1.0 if s >= t else -1.0)),
        ),
        Mistake(
            "full rise",
            "After a flagged picture, you add a whole step. Add step * (1 - rate): the rate is subtracted each time.",
            partial(_track, change=lambda s, t, rate, step: step * (1.0 if s >= t else -rate)),
        ),
        Mistake(
            "step left out",
            "You do not multiply the correction by the step.",
            partial(_track, change=lambda s, t, rate, step: float(s >= t) - rate),
        ),
        Mistake(
            "strictly above",
            "A picture is flagged if its score >= threshold. A score equal to the threshold counts too.",
            partial(_track, change=lambda s, t, rate, step: step * (float(s > t) - rate)),
        ),
        Mistake(
            "against the first threshold",
            "You compare each score with the first threshold. Compare it with the current threshold.",
            lambda scores, start, rate, step: (
                start + np.r_[0.0, np.cumsum(step * ((scores >= start).astype(float) - rate))[:-1]]
            ),
        ),
        Mistake(
            "flags",
            "These are the flags. Return the thresholds.",
            lambda scores, *given: scores >= track_threshold(scores, *given),
        ),
    ),
    hints=(
        "Keep the current threshold. Append it to a list before you look at the score.",
        "`flagged = score >= threshold`, which counts as 1 or 0.",
        "`threshold += step * (flagged - false_alarms)` is the correction.",
    ),
    praise="In the long run, this rule flags the promised share of pictures, whatever the pictures show.",
)
