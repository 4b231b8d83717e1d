"""Exercises and questions of notebook 09, PatchCore and an autoencoder."""

from __future__ import annotations

import numpy as np

from aitex_utils.lessons.engine.judge import Exercise, Mistake

from . import answers
from .exercise_edges import BY_DISTANCE, PCA_RESIDUAL
from .exercise_errors import MAPS, SSIM
from .exercise_training import TRAIN
from .percentile_rank import percentile_rank
from .quiz import QUESTIONS

__all__ = ["EXERCISES", "QUESTIONS"]


LATENT_SIZE = Exercise(
    id="09.1",
    task="The side of the code after a chain of convolutions, and the number of tile values per code value.",
    reference=answers.latent_size,
    returns="an integer and a number",
    cases=answers.latent_cases,
    mistakes=(
        Mistake(
            "one side padded",
            "You add the padding once. Both ends of a row of pixels get it: how much wider does the row get?",
            answers.with_side(padded_ends=1),
        ),
        Mistake(
            "padding forgotten",
            "The padding is missing. Before the kernel moves, the side grows at both ends.",
            answers.with_side(padded_ends=0),
        ),
        Mistake(
            "first place forgotten",
            "Each side is too small by 1. The division counts the steps of the kernel. Add its place before the "
            "first step.",
            answers.with_side(extra=0),
        ),
        Mistake(
            "rounded up",
            "You round up. A step that leads beyond the end of the row is not taken, so round down.",
            answers.with_side(divide=lambda length, stride: -(-length // stride)),
        ),
        Mistake(
            "strides only",
            "You divide the side by the strides alone. This is right for some kernels only. At how many places does a "
            "kernel fit?",
            answers.strides_only,
        ),
        Mistake(
            "channels forgotten",
            "The side is right, but the channels are missing in the ratio: the code has several values at each of its "
            "positions.",
            answers.with_ratio(lambda side, end, latent_channels: side**2 / end**2),
        ),
        Mistake(
            "sides not squared",
            "The side is right. Your ratio compares sides, but the tile and the code have two dimensions: square them.",
            answers.with_ratio(lambda side, end, latent_channels: side / (end * latent_channels)),
        ),
        Mistake(
            "upside down",
            "The side is right, but the ratio is inverted. Divide the number of values in the tile by the number in "
            "the code.",
            answers.with_ratio(lambda side, end, latent_channels: end**2 * latent_channels / side**2),
        ),
    ),
    hints=(
        "Take one layer first. The padded side is side + 2 * padding. At how many places can a kernel lie in it?",
        "The kernel starts at the left end and moves by the stride while it stays inside. This gives "
        "(padded side - kernel) // stride steps, and one place more.",
        "Loop over the layers and update the side. The ratio is the tile's side squared, divided by the code's side "
        "squared times the channels.",
    ),
    praise="You can state how narrow a bottleneck is before any training.",
)

DIFFERENCES = Exercise(
    id="09.4",
    task="The difference between two detectors' tile AUROCs in each draw of strips.",
    reference=answers.paired_differences,
    cases=answers.difference_cases,
    mistakes=(
        Mistake(
            "drawn twice, counted once",
            "A strip that is drawn twice contributes its tiles twice. `np.isin` and similar tests take each tile only "
            "once.",
            answers.with_rows(lambda groups, strips: np.flatnonzero(np.isin(groups, strips))),
        ),
        Mistake(
            "tiles for strips",
            "You use the numbers in `resamples` as positions of tiles. They are strip numbers: find the tiles of "
            "each strip with `groups`.",
            answers.with_rows(lambda groups, strips: strips),
        ),
        Mistake(
            "other minus one",
            "The sign is inverted: return `scores_a` minus `scores_b`.",
            answers.with_rows(answers.all_rows, finish=np.negative),
        ),
        Mistake(
            "sign lost",
            "The sign is lost. An interval of absolute values never contains 0, so it would always name a winner.",
            answers.with_rows(answers.all_rows, finish=np.abs),
        ),
        Mistake(
            "not resampled",
            "All draws give the same value, the difference on all tiles. In each draw, take the tiles of its strips.",
            answers.with_rows(lambda groups, strips: np.arange(len(groups))),
        ),
        Mistake(
            "strip by strip",
            "You average one AUROC per strip, but most strips have tiles of one kind only. First put the tiles of all "
            "strips of a draw together, then compute one AUROC.",
            answers.mean_over_strips,
        ),
        Mistake(
            "not paired",
            "The two detectors are compared on different draws. In each draw, use the same tiles for both.",
            answers.unpaired_differences,
        ),
    ),
    hints=(
        "Start with one draw: make an array of the positions of all tiles of its strips. A strip that is drawn twice "
        "appears twice.",
        "`np.flatnonzero(groups == s)` returns the positions of the tiles of strip s. `np.concatenate` joins the "
        "positions of all strips of the draw.",
        "With these positions `rows`: `auroc(labels[rows], scores_a[rows]) - auroc(labels[rows], scores_b[rows])`. "
        "Repeat it in a loop over `resamples`.",
    ),
    praise=(
        "A difficult strip lowers the AUROC of both detectors, so its effect largely cancels. The difference between "
        "the detectors remains."
    ),
)

SHARE = Exercise(
    id="09.5",
    task="For each value of a map, the share of normal values that are smaller.",
    reference=percentile_rank,
    returns="an array",
    cases=answers.rank_cases,
    mistakes=(
        Mistake(
            "upside down",
            "This is the share of normal values that are larger. An anomalous pixel should have a value near 1.",
            lambda values, normal: (normal > np.asarray(values)[..., None]).mean(axis=-1),
        ),
        Mistake(
            "at least as anomalous",
            "This is the share of normal values that are at least as large. An anomalous pixel should have a value "
            "near 1.",
            lambda values, normal: 1 - percentile_rank(values, normal),
        ),
        Mistake(
            "equal counted",
            "You count equal normal values as smaller. `searchsorted` has an argument for ties: `side`.",
            answers.rank_with_equal,
        ),
        Mistake(
            "ranked among themselves",
            "You compare each value with its own map. Then the largest value of a clean tile has the same rank as the "
            "largest value of a defective tile: compare with `normal`.",
            lambda values, normal: percentile_rank(values, np.ravel(values)),
        ),
        Mistake(
            "stretched",
            "You scale from the lowest to the highest normal value, so a single outlier sets the whole scale. Count "
            "the smaller values instead.",
            answers.min_max_scaled,
        ),
        Mistake(
            "counted, not shared",
            "The count is right. A share is the count divided by the number of normal values.",
            lambda values, normal: np.searchsorted(np.sort(normal), values),
        ),
        Mistake(
            "not sorted",
            "`searchsorted` needs a sorted array, and `normal` is not sorted.",
            lambda values, normal: np.searchsorted(normal, values) / len(normal),
        ),
    ),
    hints=(
        "For a single value the answer is `(normal < value).mean()`. Try it on a map of three pixels.",
        "A loop over all pixels takes minutes. In a sorted array, the position at which a value would be inserted is "
        "the "
        "number of smaller values.",
        "`np.searchsorted(np.sort(normal), values)` takes an array of any shape. By default it returns the position "
        "before equal values. Then divide.",
    ),
    praise="Grey levels, similarity and distance now have one scale. A comparison of each value with every normal "
    "value is right too, but on whole maps it needs many gigabytes.",
)

EXERCISES = (LATENT_SIZE, TRAIN, SSIM, MAPS, BY_DISTANCE, DIFFERENCES, PCA_RESIDUAL, SHARE)
