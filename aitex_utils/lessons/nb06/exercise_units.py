"""Exercise 06.5: a flaw in the scores, because each map is scaled by its own lowest and highest value."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from aitex_utils.lessons.engine.judge import Exercise, Mistake

Array = np.ndarray


def scaled_scores(maps: Array, calibration: Array) -> Array:
    """Return the highest value of each map (N,), on one scale: 0 and 1 are the ends of the calibration maps."""
    low, high = calibration.min(), calibration.max()
    return (maps.max(axis=(1, 2)) - low) / (high - low)


def flawed_scores(maps: Array, calibration: Array) -> Array:
    """Return the same, but with the flaw of the notebook: each map has a scale of its own."""
    low, high = maps.min(axis=(1, 2), keepdims=True), maps.max(axis=(1, 2), keepdims=True)
    return ((maps - low) / (high - low)).max(axis=(1, 2))


def _scale_of_calibration_maps(combine: Callable) -> Callable:
    """Return scores on the mean or median scale of the calibration maps."""

    def wrong(maps: Array, calibration: Array) -> Array:
        low, high = combine(calibration.min(axis=(1, 2))), combine(calibration.max(axis=(1, 2)))
        return (maps.max(axis=(1, 2)) - low) / (high - low)

    return wrong


def _cases() -> list[tuple]:
    rng = np.random.default_rng(65)
    small = np.array([[[1.0, 2.0], [2.0, 5.0]], [[2.0, 2.5], [2.5, 2.0]]])
    calibration = np.array([[[1.0, 2.0], [2.0, 2.0]], [[2.0, 3.0], [2.0, 1.0]], [[1.5, 2.5], [2.0, 2.0]]])
    return [
        (small, calibration),
        (rng.gamma(3, size=(5, 6, 4)), 1 + rng.gamma(2, size=(3, 6, 4))),
        (2 + rng.gamma(3, size=(4, 5, 5)), rng.gamma(2, size=(7, 5, 5))),
    ]


_TEST_SCALE = (
    "All maps share one scale now, but it comes from the tested maps. The score of a tile then depends on the other "
    "tiles of the test. Take the ends of the scale from `calibration`."
)
_PER_MAP = (
    "The scale is an average of the scales of the calibration maps. The task asks for one lowest and one highest value "
    "of all calibration maps together."
)
UNITS = Exercise(
    id="06.5",
    task="The highest value of each map, on one scale that the calibration maps set.",
    reference=scaled_scores,
    cases=_cases,
    mistakes=(
        Mistake(
            "scale of its own",
            "Every tile still has the same score, 1: each map is scaled by its own lowest and highest value. Print the "
            "result for a map, and for the same map times 2.",
            flawed_scores,
        ),
        Mistake(
            "shifted by its own minimum",
            "The divisor is common to all maps now, but the value that is subtracted is still each map's own minimum.",
            lambda maps, calibration: (
                (maps.max(axis=(1, 2)) - maps.min(axis=(1, 2))) / (calibration.max() - calibration.min())
            ),
        ),
        Mistake("scale of the test", _TEST_SCALE, lambda maps, calibration: scaled_scores(maps, maps)),
        Mistake(
            "clipped",
            "The scale is right, but scores above 1 are cut off. All clear defects then have the same score, so their "
            "order is lost. Leave out the clipping.",
            lambda maps, calibration: scaled_scores(maps, calibration).clip(0, 1),
        ),
        Mistake("scale of each calibration map", _PER_MAP, _scale_of_calibration_maps(np.mean)),
        Mistake("scale of each calibration map", _PER_MAP, _scale_of_calibration_maps(np.median)),
        Mistake(
            "not shifted",
            "The lowest calibration value is not subtracted. Both ends of the scale come from `calibration`: subtract "
            "the lowest, then divide by the difference.",
            lambda maps, calibration: maps.max(axis=(1, 2)) / calibration.max(),
        ),
        Mistake(
            "divided by the highest",
            "The divisor is the highest value. The scale ends at 1 only if you divide by the difference "
            "between its ends.",
            lambda maps, calibration: (maps.max(axis=(1, 2)) - calibration.min()) / calibration.max(),
        ),
        Mistake(
            "maps",
            "The scale is right. The task asks for one number per map: its highest value.",
            lambda maps, calibration: (maps - calibration.min()) / (calibration.max() - calibration.min()),
        ),
        Mistake(
            "mean of the map",
            "The scale is right, but this is the mean of each map. The score is the highest value.",
            lambda maps, calibration: (
                (maps.mean(axis=(1, 2)) - calibration.min()) / (calibration.max() - calibration.min())
            ),
        ),
    ),
    hints=(
        "Run the code by hand for two maps, [1, 2, 5] and [2, 4, 10]. Which score does each get?",
        "The lowest and the highest value must be the same two numbers for every map. Which argument can set them?",
        "`low, high = calibration.min(), calibration.max()`. Then scale the highest value of each map.",
    ),
    praise="All tiles now share one scale, and no test tile helps to set it.",
)
