"""Exercises of notebook 00, Start here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from aitex_utils.lessons.engine.compare import close, plain
from aitex_utils.lessons.engine.judge import Exercise, Mistake

from . import reference
from .quiz import QUESTIONS

__all__ = ["EXERCISES", "QUESTIONS"]

TOLERANCE = 1e-5


def _count_cases() -> list[tuple]:
    shapes = ((1, 256, 256), 8), ((3, 256, 256), 16), ((2, 64, 128), 8)
    return [(np.zeros(shape, np.uint8), stride) for shape, stride in shapes]


def _same_count(expected: Any, actual: Any, *_: Any) -> bool:
    """Compare two counts. A right answer must be an integer. Mistakes are floats here, and match any type."""
    is_integer = isinstance(actual, np.ndarray) and actual.dtype.kind in "iu"
    return (is_integer or isinstance(expected, float)) and close(
        np.asarray(float(expected)), plain(actual, False), TOLERANCE
    )


def _mistaken(count: Callable[[tuple[int, ...], int], float]) -> Callable[[np.ndarray, int], float]:
    """Return a wrong answer from a formula of shape and stride, as a float, which `_same_count` recognises."""
    return lambda tiles, stride: float(count(tiles.shape, stride))


COUNT = Exercise(
    id="00.1",
    task="Number of patches of an array of tiles, with one patch every `stride` px in both directions.",
    reference=reference.count_patches,
    cases=_count_cases,
    mistakes=(
        Mistake(
            "float",
            "The value is right, but it should be an int, and you return a float: `/` returns a float, `//` an int.",
            _mistaken(lambda shape, stride: shape[0] * (shape[1] // stride) * (shape[2] // stride)),
        ),
        Mistake(
            "stride in one direction only",
            "There is a patch every `stride` px down the tile *and* across it. You divided by the stride once.",
            _mistaken(lambda shape, stride: shape[0] * shape[1] * shape[2] // stride),
        ),
        Mistake(
            "one tile only",
            "This is right for a single tile. The array contains several: which entry of its shape is their number?",
            _mistaken(lambda shape, stride: (shape[1] // stride) * (shape[2] // stride)),
        ),
        Mistake(
            "one row only",
            "You counted the patches in one row of each tile. A tile has many such rows.",
            _mistaken(lambda shape, stride: shape[0] * (shape[2] // stride)),
        ),
        Mistake(
            "one column only",
            "You counted the patches in one column of each tile. A tile has many such columns.",
            _mistaken(lambda shape, stride: shape[0] * (shape[1] // stride)),
        ),
        Mistake(
            "pixels",
            "You counted pixels. Patches lie on a coarser grid: there is one for every `stride` px in each direction.",
            _mistaken(lambda shape, stride: shape[0] * shape[1] * shape[2]),
        ),
        Mistake(
            "tiles taken for square",
            "You used the height of the tile twice. The function must also work for tiles that are not square.",
            _mistaken(lambda shape, stride: shape[0] * (shape[1] // stride) ** 2),
        ),
        Mistake(
            "width used twice",
            "You used the width of the tile twice. The function must also work for tiles that are not square.",
            _mistaken(lambda shape, stride: shape[0] * (shape[2] // stride) ** 2),
        ),
        Mistake(
            "stride fixed at 8",
            "Your function always divides by 8. Divide by the argument `stride`, which can have another value.",
            _mistaken(lambda shape, stride: shape[0] * (shape[1] // 8) * (shape[2] // 8)),
        ),
        Mistake(
            "numbers of the example",
            "Your function uses the 56 x 56 patches of the example. Compute both numbers from shape and stride.",
            _mistaken(lambda shape, stride: shape[0] * 56 * 56),
        ),
    ),
    hints=(
        "How many patches are there in one row of a tile? How many rows are there? How many tiles?",
        "`tiles.shape` is `(N, height, width)`. A tile 448 px high has `448 // 8` = 56 rows of patches.",
    ),
    praise="This is how an exercise works. The exercises of the other notebooks are longer and work in the same way.",
    tolerance=TOLERANCE,
    agree=_same_count,
)


def _score_cases() -> list[tuple]:
    rng = np.random.default_rng(0)
    small = np.array([1.0, 2.0]), np.array([[4.0, 6.0], [1.0, 0.0], [7.0, 10.0]])
    others = [(rng.normal(size=c), rng.normal(size=(n, c)) + 1) for n, c in ((5, 3), (7, 4))]
    return [small, *others]


def _distances(patch: np.ndarray, bank: np.ndarray) -> np.ndarray:
    return np.sqrt(((bank - patch) ** 2).sum(axis=1))


SCORE = Exercise(
    id="00.2",
    task="Euclidean distance between a patch and the nearest patch of the memory bank.",
    reference=reference.patch_score,
    cases=_score_cases,
    mistakes=(
        Mistake(
            "squared",
            "This is the squared distance. Take the square root of the sum of squares.",
            lambda patch, bank: (_distances(patch, bank) ** 2).min(),
        ),
        Mistake(
            "farthest",
            "This is the distance to the farthest patch of the bank. The score is the distance to the nearest patch.",
            lambda patch, bank: _distances(patch, bank).max(),
        ),
        Mistake(
            "mean",
            "This is the mean distance to all patches of the bank. The score is the distance to the nearest patch.",
            lambda patch, bank: _distances(patch, bank).mean(),
        ),
        Mistake(
            "index",
            "This is the index of the nearest patch, as `argmin` returns it. Return the distance to it: use `min`.",
            lambda patch, bank: _distances(patch, bank).argmin(),
        ),
        Mistake(
            "all distances",
            "These are the distances to all patches of the bank. Return the smallest of them.",
            _distances,
        ),
        Mistake(
            "nearest patch",
            "This is the nearest patch itself. Return the distance to it, which is one number.",
            lambda patch, bank: bank[_distances(patch, bank).argmin()],
        ),
        Mistake(
            "sum of absolute differences",
            "This is the sum of absolute differences. For the Euclidean distance, square the differences, add them up "
            "and take the square root.",
            lambda patch, bank: np.abs(bank - patch).sum(axis=1).min(),
        ),
        Mistake(
            "wrong axis",
            "You added up along `axis=0`, over the patches of the bank. Add up along `axis=1`, over the numbers of "
            "each patch.",
            lambda patch, bank: np.sqrt(((bank - patch) ** 2).sum(axis=0)).min(),
        ),
        Mistake(
            "one sum over everything",
            "You added up over the whole array, so all patches of the bank share one distance. Add up along `axis=1`.",
            lambda patch, bank: np.sqrt(((bank - patch) ** 2).sum()),
        ),
        Mistake(
            "single differences",
            "You took the smallest single difference. First add up the squared differences of each patch: `axis=1`.",
            lambda patch, bank: np.abs(bank - patch).min(),
        ),
        Mistake(
            "lengths",
            "You compared the lengths of the vectors. Vectors of the same length can differ: subtract them first.",
            lambda patch, bank: np.abs(np.linalg.norm(bank, axis=1) - np.linalg.norm(patch)).min(),
        ),
        Mistake(
            "differences not squared",
            "You added up the differences without squaring them, so positive and negative differences cancel.",
            lambda patch, bank: np.abs((bank - patch).sum(axis=1)).min(),
        ),
    ),
    hints=(
        "`bank - patch` subtracts the patch from every row of the bank. The result has the bank's shape, `(N, C)`.",
        "Square the differences, add them up along `axis=1`, take the square root, then take the minimum.",
        "`np.linalg.norm(bank - patch, axis=1)` does all but the last of these steps.",
    ),
    praise="This distance is the anomaly score of a patch. PatchCore computes it for every patch of a tile.",
    tolerance=TOLERANCE,
)

EXERCISES = (COUNT, SCORE)
