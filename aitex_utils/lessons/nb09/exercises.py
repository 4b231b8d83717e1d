"""Exercises and questions of notebook 09, PatchCore and an autoencoder."""

from __future__ import annotations

import numpy as np

from aitex_utils.lessons.engine.judge import Exercise, Mistake

from . import answers
from .exercise_errors import MAPS, SSIM
from .percentile_rank import percentile_rank
from .quiz import QUESTIONS

__all__ = ["EXERCISES", "QUESTIONS"]

LATENT_SIZE = Exercise(
    id="09.1",
    task="The side of the code behind a chain of convolutions, and how many times fewer numbers it holds.",
    reference=answers.latent_size,
    cases=answers.latent_cases,
    mistakes=(
        Mistake(
            "one side padded",
            "The padding was added once. It lies at both ends of a row of pixels: how much wider does the row get?",
            answers.with_side(padded_ends=1),
        ),
        Mistake(
            "padding forgotten",
            "The padding is missing. Before the kernel slides, the side grows at both ends.",
            answers.with_side(padded_ends=0),
        ),
        Mistake(
            "first place forgotten",
            "One too few at each layer: dividing counts the steps that the kernel can take. And the place at which it "
            "stood before the first step?",
            answers.with_side(extra=0),
        ),
        Mistake(
            "rounded up",
            "Rounded up where the kernel doesn't come out even. A step that would lead beyond the end isn't taken.",
            answers.with_side(divide=lambda length, stride: -(-length // stride)),
        ),
        Mistake(
            "strides only",
            "The side was only divided by the strides. That is right for some kernels, not for all: how "
            "many places does a kernel really find?",
            answers.strides_only,
        ),
        Mistake(
            "channels forgotten",
            "The side is right. In the ratio the channels are missing: at each of its positions the code has several "
            "numbers.",
            answers.with_ratio(lambda side, end, latent_channels: side**2 / end**2),
        ),
        Mistake(
            "sides not squared",
            "The side is right. Your ratio compares sides. Tile and code are both two-dimensional.",
            answers.with_ratio(lambda side, end, latent_channels: side / (end * latent_channels)),
        ),
        Mistake(
            "upside down",
            "The side is right. The ratio is upside down: asked for is tile divided by code, above 1 if it is narrow.",
            answers.with_ratio(lambda side, end, latent_channels: end**2 * latent_channels / side**2),
        ),
    ),
    hints=(
        "Take one layer first. The padded side is side + 2 * padding. At how many places can a kernel lie in it?",
        "The kernel begins at the left end, and can then move by the stride as long as it stays inside: that is "
        "(padded side - kernel) // stride steps. The places are one more.",
        "Loop over the layers and overwrite a running side. At the end: tile side squared, divided by (code side "
        "squared times channels).",
    ),
    praise="You can state how tight a bottleneck is before any training.",
)

DIFFERENCES = Exercise(
    id="09.4",
    task="The difference of two detectors' tile AUROC in each draw of strips.",
    reference=answers.paired_differences,
    cases=answers.difference_cases,
    mistakes=(
        Mistake(
            "drawn twice, counted once",
            "A strip that was drawn twice must bring its tiles twice. Asking of each tile whether its strip is among "
            "those drawn takes it once only.",
            answers.with_rows(lambda groups, strips: np.flatnonzero(np.isin(groups, strips))),
        ),
        Mistake(
            "tiles for strips",
            "The numbers in `resamples` were used to pick tiles. They name strips. `groups` says whose tiles they are.",
            answers.with_rows(lambda groups, strips: strips),
        ),
        Mistake(
            "other minus one",
            "The sign is turned round: `scores_a` minus `scores_b` was asked for.",
            answers.with_rows(answers.all_rows, finish=np.negative),
        ),
        Mistake(
            "sign lost",
            "The sign is lost. An interval of sizes can never reach below 0, and would always say that one is better.",
            answers.with_rows(answers.all_rows, finish=np.abs),
        ),
        Mistake(
            "not resampled",
            "All draws gave the same: that is the difference on all tiles. In each draw, take the tiles of its strips.",
            answers.with_rows(lambda groups, strips: np.arange(len(groups))),
        ),
        Mistake(
            "strip by strip",
            "An AUROC was taken of each strip by itself, and then their mean. Most strips have tiles of one kind only. "
            "Put the tiles of all strips of a draw together first, then take one AUROC of them.",
            answers.mean_over_strips,
        ),
        Mistake(
            "not paired",
            "The two sat different exams: in each draw both must be judged on the very same tiles.",
            answers.unpaired_differences,
        ),
    ),
    hints=(
        "First for one draw: make an array of the positions of all tiles of its strips, repeated as often as the strip "
        "was drawn.",
        "`np.flatnonzero(groups == s)` are the positions of the tiles of strip s. `np.concatenate` joins the positions "
        "of all strips of the draw, one after the other.",
        "With these positions `rows`: `auroc(labels[rows], scores_a[rows]) - auroc(labels[rows], scores_b[rows])`. "
        "Then the same in a loop over `resamples`.",
    ),
    praise="Random effects of the strips are the same for both and cancel. The difference of the detectors remains.",
)

SHARE = Exercise(
    id="09.5",
    task="For each value of a map, the share of normal values that are smaller.",
    reference=percentile_rank,
    cases=answers.rank_cases,
    mistakes=(
        Mistake(
            "upside down",
            "That is the share of normal values that are larger. An anomalous pixel should come near 1.",
            lambda values, normal: (normal > np.asarray(values)[..., None]).mean(axis=-1),
        ),
        Mistake(
            "at least as anomalous",
            "That is one minus the share below: of the normal values, those that are at least as large. An anomalous "
            "pixel should come near 1.",
            lambda values, normal: 1 - percentile_rank(values, normal),
        ),
        Mistake(
            "equal counted",
            "Nearly: normal values that are equal were counted as smaller. `searchsorted` has an argument for that.",
            answers.rank_with_equal,
        ),
        Mistake(
            "ranked among themselves",
            "Each value was compared with the values of its own map. Then the most anomalous pixel of a perfect tile "
            "gets the same rank as the most anomalous pixel of a torn tile: compare with `normal`.",
            lambda values, normal: percentile_rank(values, np.ravel(values)),
        ),
        Mistake(
            "stretched",
            "The values were stretched from the lowest to the highest normal one. One odd normal pixel then sets the "
            "whole scale. Count instead.",
            answers.min_max_scaled,
        ),
        Mistake(
            "counted, not shared",
            "The count is right. A share is a count divided by the total number.",
            lambda values, normal: np.searchsorted(np.sort(normal), values),
        ),
        Mistake(
            "not sorted",
            "`searchsorted` looks for the place by halving, and trusts that the array is sorted. `normal` isn't.",
            lambda values, normal: np.searchsorted(normal, values) / len(normal),
        ),
    ),
    hints=(
        "For a single value it is `(normal < value).mean()`. Try it on a map of three pixels.",
        "A loop over all pixels would take minutes. In a sorted array, the place at which a value would be inserted is "
        "the number of smaller ones.",
        "`np.searchsorted(np.sort(normal), values)` takes an array of any shape. By default it gives the place before "
        "equal values. Then divide.",
    ),
    praise="Grey levels, similarity or distance: their maps can now stand side by side. A comparison of every value "
    "with every normal value is right too, but for whole maps such a table needs many gigabytes: see the hints.",
)

EXERCISES = (LATENT_SIZE, SSIM, MAPS, DIFFERENCES, SHARE)
