"""Exercises 02.4 and 02.5: image-level scores, and the reweighting of the paper."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from aitex_utils.lessons.engine.judge import Exercise, Mistake

Array = np.ndarray


# 02.4 image scores


def _largest(distances: Array, share: float) -> Array:
    count = max(1, round(share * distances.size))
    return np.sort(distances, axis=None)[-count:]


def _image_scores(distances: Array, share: float, top: Callable[[Array], float] = np.mean) -> tuple:
    return distances.max(), distances.mean(), top(_largest(distances, share))


def _score_cases() -> list[tuple]:
    rng = np.random.default_rng(4)
    return [
        (np.array([[1.0, 9.0, 2.0, 3.0], [8.0, 0.5, 4.0, 2.5]]), 0.25),
        (rng.gamma(2, size=(4, 5)), 0.15),
        (rng.gamma(2, size=(3, 4)), 0.01),
        (rng.gamma(2, size=(2, 13)), 0.1),  # 2.6 positions: 3
        (rng.gamma(2, size=(3, 4)), 0.2),  # 2.4: 2
        (rng.gamma(2, size=(2, 3)), 0.35),  # 2.1: 2, as many as lie above the quantile
    ]


def _counted(count: Callable[[Array, float], int]) -> Callable[[Array, float], tuple]:
    """Return a function that gives the three scores with another count of the largest."""
    return lambda distances, share: (
        distances.max(),
        distances.mean(),
        np.sort(distances, axis=None)[-count(distances, share) :].mean(),
    )


def _above_quantile(distances: Array, share: float) -> tuple:
    return distances.max(), distances.mean(), distances[distances >= np.quantile(distances, 1 - share)].mean()


def _by_rows(distances: Array, share: float) -> tuple:
    return distances.max(), distances.mean(), np.sort(distances)[-max(1, round(share * distances.size)) :].mean()


def _smallest(distances: Array, share: float) -> tuple:
    count = max(1, round(share * distances.size))
    return distances.max(), distances.mean(), np.sort(distances, axis=None)[:count].mean()


def _unsorted(distances: Array, share: float) -> tuple:
    count = max(1, round(share * distances.size))
    return distances.max(), distances.mean(), distances.ravel()[-count:].mean()


_COUNT_OF_ZERO = (
    "Right, but for a small tile and a small share. There the count is rounded to 0, and `[-0:]` is everything. At "
    "least one distance should count."
)
_CUT_OFF = (
    "Your count is cut off (`int` or `//`) where it should be rounded: a tenth of 26 is 2.6, "
    "and 3 distances are asked for."
)
_ROWS = "The count is a share of the rows: `len` of an array (H', W') is H'. How many distances are there in all?"
_THRESHOLD = (
    "The third is the limit above which the largest lie, not their mean. A limit doesn't notice how far above it "
    "they are."
)
SCORES = Exercise(
    "02.4",
    "The maximum, the mean, and the mean of the largest share.",
    _image_scores,
    _score_cases,
    (
        Mistake("count of zero", _COUNT_OF_ZERO, _counted(lambda d, share: round(share * d.size))),
        Mistake("count of zero", _COUNT_OF_ZERO, _counted(lambda d, share: int(share * d.size))),
        Mistake("count cut off", _CUT_OFF, _counted(lambda d, share: max(1, int(share * d.size)))),
        Mistake(
            "count rounded up",
            "Your count is rounded up: of 12 distances a share of 0.2 is 2.4, and 2 are asked for. The formula says "
            "`round`.",
            _counted(lambda d, share: max(1, math.ceil(share * d.size))),
        ),
        Mistake(
            "above the quantile",
            "You take what lies above a quantile. It falls between two distances, so that there may be one more above "
            "it than n. Compute n first, and then take the n largest.",
            _above_quantile,
        ),
        Mistake("rows counted", _ROWS, _counted(lambda d, share: max(1, round(share * len(d))))),
        Mistake("rows counted", _ROWS, _counted(lambda d, share: round(share * len(d)))),
        Mistake("rows counted", _ROWS, _counted(lambda d, share: int(share * len(d)))),
        Mistake(
            "rows sorted",
            "`np.sort` of a table sorts each row for itself, and the slice then takes whole rows. Flatten first, or "
            "say `axis=None`.",
            _by_rows,
        ),
        Mistake(
            "order of scores",
            "The first two are swapped: the maximum comes first, then the mean.",
            lambda distances, share: tuple(_image_scores(distances, share)[i] for i in (1, 0, 2)),
        ),
        Mistake(
            "the smallest share",
            "The third is the mean of the smallest distances. `np.sort` puts the largest last.",
            _smallest,
        ),
        Mistake(
            "not sorted",
            "The third takes as many distances as it should, but those at the tile's end instead of the largest.",
            _unsorted,
        ),
        Mistake("the threshold", _THRESHOLD, lambda distances, share: _image_scores(distances, share, np.min)),
        Mistake(
            "the threshold",
            _THRESHOLD,
            lambda distances, share: (distances.max(), distances.mean(), np.quantile(distances, 1 - share)),
        ),
        Mistake(
            "a sum",
            "The third is a sum. It grows with the number of patches, so that a larger tile looks stranger.",
            lambda distances, share: _image_scores(distances, share, np.sum),
        ),
        Mistake(
            "one score a row",
            "There is a score for each row of the tile. An image score is one number for all positions.",
            lambda distances, share: (
                distances.max(axis=1),
                distances.mean(axis=1),
                np.sort(distances, axis=1)[:, -max(1, round(share * distances.shape[1])) :].mean(axis=1),
            ),
        ),
    ),
    (
        "The first two are a method of the array each. For the third: how many are `share` of all the positions?",
        "`np.sort(distances, axis=None)` gives all of them, smallest first.",
        "What is `round(0.01 * 12)`, and what does a slice make of it? `max(1, ...)` guards against that.",
    ),
    "Three scores, and you know which question each of them answers.",
)


# 02.5 equation 7


def _nearest_b(order: Array, b: int) -> Array:
    return order[:b]


def _equation_7(
    patch: Array,
    bank: Array,
    b: int,
    *,
    around: str = "m*",
    choose: Callable[[Array, int], Array] = _nearest_b,
    measure_from: str = "p",
    power: tuple[int, int] = (1, 1),
    signs: tuple[int, int] = (1, 1),
    combine: Callable[[float, float], float] = lambda share, distance: (1 - share) * distance,
    stable: bool = True,
) -> float:
    """Compute equation 7, or one of the mistakes that can be made in it."""
    to_patch = np.linalg.norm(bank - patch, axis=1)
    nearest = to_patch.argmin()
    to_nearest = np.linalg.norm(bank - bank[nearest], axis=1)
    neighbours = choose((to_nearest if around == "m*" else to_patch).argsort(), b)
    exponents = (to_patch if measure_from == "p" else to_nearest)[neighbours]
    share = _softmax_share(signs[0] * to_patch[nearest] ** power[1], signs[1] * exponents ** power[1], stable)
    return float(combine(share, to_patch[nearest] ** power[0]))


def _softmax_share(distance: float, exponents: Array, stable: bool) -> float:
    shift = max(distance, exponents.max()) if stable else 0.0  # every shift gives the same value, if nothing overflows
    return np.exp(distance - shift) / np.exp(exponents - shift).sum()


def _with_and_without_overflow(name: str, hint: str, **options) -> tuple[Mistake, Mistake]:
    """Return a mistake twice: computed by an exp that overflows, and by one that does not."""
    return tuple(  # type: ignore[return-value]
        Mistake(name, hint, lambda *case, stable=stable: _equation_7(*case, stable=stable, **options))
        for stable in (True, False)
    )


def _equation_7_cases() -> list[tuple]:
    rng = np.random.default_rng(5)
    lone = np.array([[0.0, 2.0], [3.0, 0.0], [3.5, 0.5], [3.0, 1.0], [4.0, 0.0], [-2.0, 4.0]])
    spread = rng.normal(size=(12, 3))
    return [
        (np.array([1.0, 1.5]), lone, 3),
        (np.array([1.2, -0.6, 1.4]), spread, 4),
        (np.array([900.0, 300.0, -200.0]), spread, 4),
    ]


_WITHOUT_M_STAR = (
    "The vector m* itself is missing from the sum below the line. N_b(m*) holds the b vectors nearest to m*, and the "
    "nearest to m* of all is m*, at distance 0."
)
_NEGATIVE_EXPONENT = (
    "There is a minus in an exponent. Equation 7 has none: above and below the line stands `exp` of the distance "
    "itself, and a shift for safety is taken off, the same from all."
)
_REPLACED = (
    "Right for small distances. With large ones the quotient has overflowed, and what you put in its place isn't its "
    "value. Keep it from overflowing: it stays the same when one and the same number is taken off every exponent."
)


def _overflow_replaced(*case, of_score: bool) -> float:
    """Compute equation 7 by an exp that overflows, and put a number in the place of NaN."""
    score = _equation_7(*case, stable=False)
    replacement = 0.0 if of_score else float(np.linalg.norm(case[1] - case[0], axis=1).min())
    return score if np.isfinite(score) else replacement


_SQUARES = (
    "Squared distances have come in. Equation 7 has true ones everywhere, in the exponents and before the bracket."
)
REWEIGHTED = Exercise(
    "02.5",
    "The reweighted score of one patch, equation 7.",
    _equation_7,
    _equation_7_cases,
    (
        Mistake(
            "overflow",
            "Right for small distances. With large ones `exp` overflows and the quotient is no number. The quotient "
            "stays the same when you subtract one and the same number from every exponent: which would you choose?",
            lambda *case: _equation_7(*case, stable=False),
        ),
        Mistake("overflow replaced", _REPLACED, partial(_overflow_replaced, of_score=False)),
        Mistake("overflow replaced", _REPLACED, partial(_overflow_replaced, of_score=True)),
        *_with_and_without_overflow("minus in the exponent", _NEGATIVE_EXPONENT, signs=(-1, -1)),
        *_with_and_without_overflow("minus in the exponent", _NEGATIVE_EXPONENT, signs=(-1, 1)),
        *_with_and_without_overflow("minus in the exponent", _NEGATIVE_EXPONENT, signs=(1, -1)),
        *_with_and_without_overflow(
            "neighbours of the patch",
            "You take the b vectors nearest to the patch p. The paper takes those nearest to m*: they say how "
            "crowded it is where m* lies. (Yours is the variant of section 10.)",
            around="p",
        ),
        *_with_and_without_overflow("m* left out", _WITHOUT_M_STAR, choose=lambda order, b: order[1 : b + 1]),
        *_with_and_without_overflow("m* left out", _WITHOUT_M_STAR, choose=lambda order, b: order[1:b]),
        *_with_and_without_overflow(
            "the whole bank",
            "The sum runs over the whole bank. It should have b terms.",
            choose=lambda order, b: order,
        ),
        *_with_and_without_overflow("squared distances", _SQUARES, power=(2, 2)),
        *_with_and_without_overflow("squared distances", _SQUARES, power=(1, 2)),
        *_with_and_without_overflow("squared distances", _SQUARES, power=(2, 1)),
        *_with_and_without_overflow(
            "not one minus",
            "This is the quotient times the distance. The factor is one minus the quotient.",
            combine=lambda share, distance: share * distance,
        ),
        *_with_and_without_overflow(
            "the factor alone",
            "This is the factor between 0 and 1. The score is the factor times the distance s*.",
            combine=lambda share, distance: 1 - share,
        ),
        *_with_and_without_overflow(
            "divided by the factor",
            "You divide by the factor. The paper multiplies by it: no score grows, those near a crowd shrink most.",
            combine=lambda share, distance: distance / (1 - share),
        ),
        *_with_and_without_overflow(
            "distances from m*",
            "The neighbours are the right ones. But the exponents below the line are their distances from the patch "
            "p; yours are those from m*.",
            measure_from="m*",
        ),
    ),
    (
        "In this order: m* and its distance to p; the b vectors nearest to m*; their distances to p; the quotient.",
        "`np.argsort(distances_to_m_star)[:b]` gives the indices of the neighbours, m* among them.",
        "For the quotient: take the largest exponent off all of them, the one above the line included, and only then "
        "`exp`.",
    ),
    "Equation 7 by hand, and safe from overflow.",
    tolerance=1e-4,
)
