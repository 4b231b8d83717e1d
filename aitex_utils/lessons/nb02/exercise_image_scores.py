"""Exercises 02.4 and 02.5: image scores, and the reweighting of the paper."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from aitex_utils.lessons.engine.judge import Exercise, Mistake

from .reference import image_scores, reweighted

Array = np.ndarray


# 02.4 image scores


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


def _with_top(top: Callable[[Array, int], Array | float]) -> Callable[[Array, float], tuple]:
    """Return a function with another third score: the mean of `top(distances, count)`."""
    return lambda distances, share: (
        distances.max(),
        distances.mean(),
        np.mean(top(distances, max(1, round(share * distances.size)))),
    )


def _counted(count: Callable[[Array, float], int]) -> Callable[[Array, float], tuple]:
    """Return a function that computes the three scores with another count of the largest distances."""
    return lambda distances, share: (
        distances.max(),
        distances.mean(),
        np.sort(distances, axis=None)[-count(distances, share) :].mean(),
    )


def _above_quantile(distances: Array, share: float) -> tuple:
    return distances.max(), distances.mean(), distances[distances >= np.quantile(distances, 1 - share)].mean()


def _ordered(distances: Array) -> Array:
    return np.sort(distances, axis=None)


_COUNT_OF_ZERO = (
    "Right, except for a small tile and a small share. There the count is rounded to 0, and `[-0:]` selects all "
    "distances. At least one distance must count."
)
_CUT_OFF = (
    "Your count is truncated (`int` or `//`), but the formula rounds it. A share of 0.1 of 26 distances is 2.6, which "
    "rounds to 3."
)
_ROWS = "The count is a share of the rows: `len` of an array (H', W') is H'. How many distances are there in all?"
_THRESHOLD = (
    "The third score is the limit above which the largest distances lie, not their mean. A limit stays the "
    "same when the distances above it grow."
)
_SORTED_BY_ROW = (
    "`np.sort` of a 2-D array sorts each row (or column) separately, so the last values are not the largest of all. "
    "Flatten before you sort, or use `axis=None`."
)
SCORES = Exercise(
    "02.4",
    "The maximum, the mean, and the mean of the largest share.",
    image_scores,
    _score_cases,
    (
        Mistake("count of zero", _COUNT_OF_ZERO, _counted(lambda d, share: round(share * d.size))),
        Mistake("count of zero", _COUNT_OF_ZERO, _counted(lambda d, share: int(share * d.size))),
        Mistake("count cut off", _CUT_OFF, _counted(lambda d, share: max(1, int(share * d.size)))),
        Mistake(
            "count rounded up",
            "Your count is rounded up. A share of 0.2 of 12 distances is 2.4, which the formula rounds to 2.",
            _counted(lambda d, share: max(1, math.ceil(share * d.size))),
        ),
        Mistake(
            "above the quantile",
            "You average the distances above a quantile. The quantile can lie between two distances, so their number "
            "is not always n. Compute n first, and then take the n largest.",
            _above_quantile,
        ),
        Mistake("rows counted", _ROWS, _counted(lambda d, share: max(1, round(share * len(d))))),
        Mistake("rows counted", _ROWS, _counted(lambda d, share: round(share * len(d)))),
        Mistake("rows counted", _ROWS, _counted(lambda d, share: int(share * len(d)))),
        Mistake("sorted by row", _SORTED_BY_ROW, _with_top(lambda d, n: np.sort(d)[-n:])),
        Mistake("sorted by row", _SORTED_BY_ROW, _with_top(lambda d, n: np.sort(d)[:, -n:])),
        Mistake("sorted by row", _SORTED_BY_ROW, _with_top(lambda d, n: np.sort(d).ravel()[-n:])),
        Mistake("sorted by row", _SORTED_BY_ROW, _with_top(lambda d, n: np.sort(d, axis=0)[-n:])),
        Mistake("sorted by row", _SORTED_BY_ROW, _with_top(lambda d, n: np.sort(d, axis=0).ravel()[-n:])),
        Mistake("sorted by row", _SORTED_BY_ROW, _with_top(lambda d, n: np.array(sorted(d.tolist())[-n:]))),
        Mistake(
            "the largest left out",
            "The largest distance is missing from the third score, because a slice `[-n:-1]` ends before the last "
            "value. Write `[-n:]`.",
            _with_top(lambda d, n: _ordered(d)[-n - 1 : -1]),
        ),
        Mistake(
            "the largest left out",
            "The largest distance is missing from the third score, because a slice `[-n:-1]` ends before the last "
            "value. Write `[-n:]`.",
            lambda distances, share: _with_top(lambda d, n: _ordered(d)[-n:-1] if n > 1 else np.nan)(distances, share),
        ),
        Mistake(
            "one too many",
            "The third score has one distance too many: n + 1 instead of n.",
            _with_top(lambda d, n: _ordered(d)[-n - 1 :]),
        ),
        Mistake(
            "order of scores",
            "The order is wrong: the maximum comes first, then the mean, then the mean of the largest share.",
            lambda distances, share: tuple(image_scores(distances, share)[i] for i in (1, 0, 2)),
        ),
        Mistake(
            "order of scores",
            "The order is wrong: the maximum comes first, then the mean, then the mean of the largest share.",
            lambda distances, share: tuple(image_scores(distances, share)[i] for i in (2, 1, 0)),
        ),
        Mistake(
            "the smallest share",
            "The third is the mean of the smallest distances. `np.sort` puts the largest last.",
            _with_top(lambda d, n: _ordered(d)[:n]),
        ),
        Mistake(
            "not sorted",
            "The third has the right number of distances, but takes the last positions of the tile instead of the "
            "largest distances.",
            _with_top(lambda d, n: d.ravel()[-n:]),
        ),
        Mistake("the threshold", _THRESHOLD, _with_top(lambda d, n: _ordered(d)[-n])),
        Mistake(
            "the threshold",
            _THRESHOLD,
            lambda distances, share: (distances.max(), distances.mean(), np.quantile(distances, 1 - share)),
        ),
        Mistake(
            "a sum",
            "The third is a sum. It grows with the number of patches, so a larger tile gets a larger score.",
            _with_top(lambda d, n: _ordered(d)[-n:].sum()),
        ),
        Mistake(
            "one score per row",
            "There is a score for each row of the tile. An image score is one number for all positions.",
            lambda distances, share: (
                distances.max(axis=1),
                distances.mean(axis=1),
                np.sort(distances, axis=1)[:, -max(1, round(share * distances.shape[1])) :].mean(axis=1),
            ),
        ),
    ),
    (
        "Each of the first two scores is one method of the array. For the third: how many positions is `share` of all?",
        "`np.sort(distances, axis=None)` returns all distances, smallest first.",
        "What is `round(0.01 * 12)`, and what does the slice `[-n:]` select for this `n`? `max(1, ...)` prevents that.",
    ),
    "You have three scores. The next cells show which kind of tile each score responds to.",
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
    closest = to_patch.argmin()
    to_closest = np.linalg.norm(bank - bank[closest], axis=1)
    neighbours = choose((to_closest if around == "m*" else to_patch).argsort(), b)
    exponents = (to_patch if measure_from == "p" else to_closest)[neighbours]
    share = _softmax_share(signs[0] * to_patch[closest] ** power[1], signs[1] * exponents ** power[1], stable)
    return float(combine(share, to_patch[closest] ** power[0]))


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
    "The vector m* itself is missing from the sum in the denominator. N_b(m*) contains the b vectors nearest to m*, "
    "and the nearest of them is m* itself, at distance 0."
)
_NEGATIVE_EXPONENT = (
    "An exponent has a minus sign. Equation 7 has none: numerator and denominator contain `exp` of the distance "
    "itself. A constant that you subtract must be the same in all exponents."
)
_REPLACED = (
    "Right for small distances. With large distances the quotient overflows, and you replace it by another number. "
    "Prevent the overflow instead: the quotient stays the same when you subtract one number from every exponent."
)


def _overflow_replaced(*case, of_score: bool) -> float:
    """Compute equation 7 by an exp that overflows, and put a number in the place of NaN."""
    score = _equation_7(*case, stable=False)
    replacement = 0.0 if of_score else float(np.linalg.norm(case[1] - case[0], axis=1).min())
    return score if np.isfinite(score) else replacement


_SQUARES = (
    "You use squared distances. Equation 7 has Euclidean distances everywhere, in the exponents and in front of the "
    "bracket."
)
REWEIGHTED = Exercise(
    "02.5",
    "The reweighted score of one patch, equation 7.",
    reweighted,
    _equation_7_cases,
    (
        Mistake(
            "overflow",
            "Right for small distances. With large distances `exp` overflows and the quotient is NaN. The quotient "
            "stays the same when you subtract one number from every exponent. Which number prevents the overflow?",
            lambda *case: _equation_7(*case, stable=False),
        ),
        Mistake("overflow replaced", _REPLACED, partial(_overflow_replaced, of_score=False)),
        Mistake("overflow replaced", _REPLACED, partial(_overflow_replaced, of_score=True)),
        *_with_and_without_overflow("minus in the exponent", _NEGATIVE_EXPONENT, signs=(-1, -1)),
        *_with_and_without_overflow("minus in the exponent", _NEGATIVE_EXPONENT, signs=(-1, 1)),
        *_with_and_without_overflow("minus in the exponent", _NEGATIVE_EXPONENT, signs=(1, -1)),
        *_with_and_without_overflow(
            "neighbours of the patch",
            "You take the b vectors nearest to the patch p. The paper takes the b vectors nearest to m*, which show "
            "how dense the bank is around m*. Your version is a common variant, which notebook 06 compares.",
            around="p",
        ),
        *_with_and_without_overflow("m* left out", _WITHOUT_M_STAR, choose=lambda order, b: order[1 : b + 1]),
        *_with_and_without_overflow("m* left out", _WITHOUT_M_STAR, choose=lambda order, b: order[1:b]),
        *_with_and_without_overflow(
            "one neighbour too many",
            "The sum in the denominator has b + 1 terms. The vector m* is one of the b neighbours.",
            choose=lambda order, b: order[: b + 1],
        ),
        *_with_and_without_overflow(
            "the whole bank",
            "The sum runs over the whole bank. It must have b terms.",
            choose=lambda order, b: order,
        ),
        *_with_and_without_overflow("squared distances", _SQUARES, power=(2, 2)),
        *_with_and_without_overflow("squared distances", _SQUARES, power=(1, 2)),
        *_with_and_without_overflow("squared distances", _SQUARES, power=(2, 1)),
        *_with_and_without_overflow(
            "not one minus",
            "This is the quotient times the distance. The factor is 1 minus the quotient.",
            combine=lambda share, distance: share * distance,
        ),
        *_with_and_without_overflow(
            "the factor alone",
            "This is the factor between 0 and 1. The score is the factor times the distance s*.",
            combine=lambda share, distance: 1 - share,
        ),
        *_with_and_without_overflow(
            "divided by the factor",
            "You divide by the factor, but the paper multiplies by it. No score grows, and scores near a dense part of "
            "the bank shrink most.",
            combine=lambda share, distance: distance / (1 - share),
        ),
        *_with_and_without_overflow(
            "distances from m*",
            "The neighbours are right. But the exponents in the denominator are the distances between the neighbours "
            "and the patch p, and you use their distances to m*.",
            measure_from="m*",
        ),
    ),
    (
        "Find for yourself: why is the quotient the same when one number is subtracted from every exponent? Write "
        "exp(a - t) as exp(a) / exp(t).",
        "Which of the exponents overflows first? After the subtraction it should be 0, and all others below it.",
        "Subtract the largest exponent from all exponents, in the numerator too, and only then call `exp`. The "
        "earlier steps are the same as in the cell above.",
    ),
    "Your equation 7 works without overflow at any distance.",
    tolerance=1e-4,
)
