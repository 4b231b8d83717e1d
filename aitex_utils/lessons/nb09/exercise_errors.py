"""Exercises 09.2 and 09.3: the structural similarity of two windows, and maps of pixel errors."""

from __future__ import annotations

from functools import partial

import numpy as np

from aitex_utils.lessons.engine.judge import Exercise, Mistake

from . import answers

SSIM = Exercise(
    id="09.2",
    task="The structural similarity of two windows.",
    reference=answers.ssim,
    cases=answers.window_cases,
    mistakes=(
        Mistake(
            "wrapped around",
            "Right for fractions, wrong for grey values: products of `uint8` numbers stay `uint8` and wrap around at "
            "256. Make both windows float first.",
            answers.ssim_in_uint8,
        ),
        Mistake(
            "constants forgotten",
            "The constants are missing. Without them two flat windows give 0 / 0, and nearly flat ones nonsense.",
            partial(answers.ssim, scale=0.0),
        ),
        Mistake(
            "constants not squared",
            "The constants weren't squared: they stand beside squares of grey levels, and have their unit.",
            partial(answers.ssim, power=1),
        ),
        Mistake(
            "range fixed",
            "Right for grey values from 0 to 255, wrong for others: is a 255 written out somewhere in your function?",
            lambda window_a, window_b, value_range: answers.ssim(window_a, window_b, 255.0),
        ),
        Mistake(
            "spreads for the covariance",
            "Above the line stands the product of the standard deviations. That compares contrasts only: two patterns "
            "that have nothing in common would pass. What shows whether they go up and down together?",
            answers.ssim_without_covariance,
        ),
        Mistake(
            "deviations below the line",
            "Below the line standard deviations were added. The covariance above has squared grey levels: what must "
            "stand below?",
            answers.ssim_without_variances,
        ),
        Mistake(
            "divided by n - 1",
            "Variances and covariance were divided by n - 1. Here a window is all there is, no sample: divide by n.",
            partial(answers.ssim, ddof=(1, 1)),
        ),
        Mistake(
            "two kinds of mean",
            "The covariance was divided by n - 1, the variances by n: `np.cov` and `.var()` differ in that. Of a "
            "window with itself the similarity must be 1.",
            partial(answers.ssim, ddof=(0, 1)),
        ),
        Mistake(
            "means only",
            "Only the factor of the means is there. Two windows of the same mean would be alike, whatever is on them.",
            partial(answers.ssim, structure=False),
        ),
        Mistake(
            "structure only",
            "The factor of the means is missing: a window and a much brighter copy would count as the same.",
            partial(answers.ssim, means=False),
        ),
    ),
    hints=(
        "Make both windows float. Then five numbers are all that it takes: two means, two variances, one covariance.",
        "The covariance is the mean of (window_a - its mean) * (window_b - its mean). The variance is the same with "
        "itself: `.var()`.",
        "C1 and C2 come from `value_range`. Two fractions, each with its constant in numerator and denominator. The "
        "result is their product.",
    ),
    praise="One number that asks for the pattern, and forgives a little more or less light.",
)

MAPS = Exercise(
    id="09.3",
    task="Maps of absolute errors, smoothed within each tile.",
    reference=answers.smoothed_errors,
    cases=answers.error_cases,
    tolerance=1e-4,
    mistakes=(
        Mistake(
            "wrapped around",
            "3 - 5 is 254 in `uint8`: small errors came out huge. Convert both to float before you subtract.",
            answers.wrapped_errors,
        ),
        Mistake(
            "converted too late",
            "The difference was converted to float, but it had wrapped around by then: 3 - 5 is 254 in `uint8`. "
            "Convert before you subtract.",
            partial(answers.wrapped_errors, dtype=float),
        ),
        Mistake(
            "cut to whole numbers",
            "The errors are right, but they are whole numbers, and `gaussian_filter` gives back what it was given: "
            "everything behind the point is lost. Give it floats.",
            answers.integer_errors,
        ),
        Mistake(
            "across tiles",
            "One number for sigma smooths along every axis, also from one tile into the next. Give one sigma for each "
            "axis. Along which must it be 0?",
            partial(answers.smoothed_errors, across_tiles=True),
        ),
        Mistake(
            "smoothed too soon",
            "You smoothed before taking absolute values: errors up and down cancel each other. First the size, then "
            "the smoothing.",
            partial(answers.smoothed_errors, error=lambda differences: differences, finish=np.abs),
        ),
        Mistake(
            "sign left",
            "The sign is still there: too dark is as much an error as too bright.",
            partial(answers.smoothed_errors, error=lambda differences: differences),
        ),
        Mistake(
            "squared",
            "These are squared errors. Asked for is the absolute difference, in grey levels.",
            partial(answers.smoothed_errors, error=np.square),
        ),
        Mistake(
            "not smoothed",
            "The errors are right, and not smoothed yet.",
            partial(answers.smoothed_errors, smooth=False),
        ),
    ),
    hints=(
        "Three steps: make floats, take the absolute difference, smooth.",
        "`gaussian_filter` takes one sigma for all axes, or a tuple with one for each. What of the first axis, the "
        "tiles?",
        "`gaussian_filter(errors, (0, sigma, sigma))` smooths rows and columns only.",
    ),
    praise="The result is a map of errors in grey levels, and no tile influences its neighbour.",
)
