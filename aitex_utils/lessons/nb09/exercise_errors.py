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
            "Your result is right for fractions, but products of `uint8` numbers wrap around at 256. Convert both "
            "windows to float first.",
            answers.ssim_in_uint8,
        ),
        Mistake(
            "constants forgotten",
            "The constants are missing. Without them, two flat windows give 0 / 0.",
            partial(answers.ssim, scale=0.0),
        ),
        Mistake(
            "constants not squared",
            "Square the constants: they are added to squares of grey levels, so they need the same unit.",
            partial(answers.ssim, power=1),
        ),
        Mistake(
            "range fixed",
            "Your result is right for grey values up to 255, but not for other ranges. Replace a fixed 255 by "
            "`value_range`.",
            lambda window_a, window_b, value_range: answers.ssim(window_a, window_b, 255.0),
        ),
        Mistake(
            "spreads for the covariance",
            "The numerator has the product of the standard deviations, which compares contrasts only. The covariance "
            "shows whether both patterns go up and down together.",
            answers.ssim_without_covariance,
        ),
        Mistake(
            "deviations below the line",
            "The denominator has standard deviations. The covariance above has squared grey levels, so the denominator "
            "needs variances.",
            answers.ssim_without_variances,
        ),
        Mistake(
            "divided by n - 1",
            "You divide variances and covariance by n - 1. The task asks for means over the pixels: divide by n.",
            partial(answers.ssim, ddof=(1, 1)),
        ),
        Mistake(
            "two kinds of mean",
            "You divide the covariance by n - 1 and the variances by n: `np.cov` and `.var()` differ. The similarity "
            "of a "
            "window with itself must be 1.",
            partial(answers.ssim, ddof=(0, 1)),
        ),
        Mistake(
            "means only",
            "You return the factor of the means alone. It is 1 for any two windows of the same mean. Multiply it by "
            "the second factor.",
            partial(answers.ssim, structure=False),
        ),
        Mistake(
            "structure only",
            "The factor of the means is missing. A window and a much brighter copy would have a similarity of 1.",
            partial(answers.ssim, means=False),
        ),
    ),
    hints=(
        "Convert both windows to float. You need five numbers: two means, two variances and a covariance.",
        "The covariance is the mean of (window_a - its mean) * (window_b - its mean). The variance is the covariance "
        "of a "
        "window with itself: `.var()`.",
        "C1 and C2 follow from `value_range`. Each of the two fractions has its constant in numerator and denominator. "
        "Return their product.",
    ),
    praise="One number that compares patterns, and changes little with the light.",
)

MAPS = Exercise(
    id="09.3",
    task="Maps of absolute errors, smoothed within each tile.",
    reference=answers.smoothed_errors,
    cases=answers.error_cases,
    returns="an array",
    tolerance=1e-4,
    mistakes=(
        Mistake(
            "wrapped around",
            "3 - 5 is 254 in `uint8`, so small errors become large. Convert both arrays to float before you subtract.",
            answers.wrapped_errors,
        ),
        Mistake(
            "converted too late",
            "You convert the difference to float, but 3 - 5 is already 254 in `uint8`. Convert before you subtract.",
            partial(answers.wrapped_errors, dtype=float),
        ),
        Mistake(
            "cut to whole numbers",
            "The errors are right, but they are whole numbers. `gaussian_filter` returns the same type, so the "
            "fractions "
            "are lost. Pass floats.",
            answers.integer_errors,
        ),
        Mistake(
            "across tiles",
            "A single number for sigma smooths along every axis, also from one tile into the next. Pass one sigma "
            "per axis. "
            "Along which axis must it be 0?",
            partial(answers.smoothed_errors, across_tiles=True),
        ),
        Mistake(
            "smoothed too soon",
            "You smooth before you take absolute values, so positive and negative errors cancel. First take absolute "
            "values.",
            partial(answers.smoothed_errors, error=lambda differences: differences, finish=np.abs),
        ),
        Mistake(
            "sign left",
            "The sign is still there. Take the absolute difference.",
            partial(answers.smoothed_errors, error=lambda differences: differences),
        ),
        Mistake(
            "squared",
            "These are squared errors. The task asks for the absolute difference, in grey levels.",
            partial(answers.smoothed_errors, error=np.square),
        ),
        Mistake(
            "not smoothed",
            "The errors are right. Now smooth them.",
            partial(answers.smoothed_errors, smooth=False),
        ),
    ),
    hints=(
        "Three steps: convert to float, take the absolute difference, smooth.",
        "`gaussian_filter` takes one sigma for all axes, or a tuple with one per axis. Which sigma does the "
        "first axis, the tile axis, need?",
        "`gaussian_filter(errors, (0, sigma, sigma))` smooths rows and columns only.",
    ),
    praise="The result is a map of errors in grey levels, and no tile influences its neighbour.",
)
