"""Exercises 01.5 and 01.6, splits by strip: an answer is judged by the properties of its sets of tiles."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from aitex_utils.lessons.engine.judge import Exercise, Mistake

from .reference import split_by_strip, three_sets


def split_cases() -> list[tuple]:
    """Return tiles of several strips, some mixed. No cut by tile falls between two strips."""
    few = np.repeat(["0001", "0002", "0003", "0004", "0005"], [5, 3, 5, 3, 4])
    many = np.repeat([f"{number:04d}" for number in range(11, 21)], [9, 12, 10, 13, 8, 11, 12, 9, 14, 10])
    mixed = np.random.default_rng(5).permutation(many)
    return [(few, 0.7, 3), (few, 0.5, 4), (many, 0.75, 0), (mixed, 0.64, 1)]


def split_agrees(expected: Any, answer: Any, groups: np.ndarray, share: float, seed: int) -> bool:
    """Say whether a split is the expected one, or of the kind that a mistake names."""
    sides = [np.asarray(part) for part in answer]
    if isinstance(expected, str) and expected == _kind_of_split(sides, groups, share):
        return True
    # An answer can be right in some of the cases, for example if it cuts the share off instead of rounding it.
    wanted = split_by_strip(groups, share, seed) if isinstance(expected, str) else expected
    return _same_sets(sides, wanted)


def _same_sets(sets: Sequence[np.ndarray], wanted: Sequence[np.ndarray]) -> bool:
    """Say whether lists contain the same integers, in any order."""
    return all(
        part.ndim == 1 and part.dtype.kind in "iu" and np.array_equal(np.sort(part), np.sort(right))
        for part, right in zip(sets, wanted, strict=True)
    )


def _kind_of_sets(sets: Sequence[np.ndarray], groups: np.ndarray) -> str:
    """Name the fault of sets of tiles, with an empty string if they are a split by strip of all tiles."""
    kinds = {part.dtype.kind for part in sets if part.size}
    if "b" in kinds:
        return "booleans"
    if "U" in kinds:
        return "names"
    if any(part.ndim > 1 for part in sets):
        return "a level too deep"
    if not all(part.size for part in sets):
        return "an empty set"
    if any(np.isin(one, other).any() for one, other in combinations(sets, 2)):
        return "tile in two sets"
    if any(np.isin(groups[one], groups[other]).any() for one, other in combinations(sets, 2)):
        return "strip in two sets"
    return "tiles lost" if sum(map(len, sets)) < len(groups) else ""


def _kind_of_split(sides: Sequence[np.ndarray], groups: np.ndarray, share: float) -> str:
    """Name the fault of a split, or "another draw" if only the seed's draw can be wrong."""
    if kind := _kind_of_sets(sides, groups):
        return kind
    n_strips = len(np.unique(groups[sides[0]]))
    return "number of strips" if n_strips != round(share * len(np.unique(groups))) else "another draw"


def _first_strips(groups: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Take the first strips in order instead of a random draw."""
    strips = np.unique(groups)
    in_training = np.isin(groups, strips[: round(share * len(strips))])
    return np.flatnonzero(in_training), np.flatnonzero(~in_training)


DEEP = (
    "Your positions are one level too deep. `np.where` returns a tuple: take its element `[0]`, or use "
    "`np.flatnonzero`, which returns the positions themselves."
)
BOOLEANS = (
    "You return True and False for each tile. The exercise asks for positions: `np.flatnonzero` converts one into the "
    "other."
)
NAMES = "You return names of strips. The exercise asks for the positions of *tiles* in `groups`."

SPLIT = Exercise(
    id="01.5",
    task="Training tiles and test tiles, with no strip on both sides.",
    reference=split_by_strip,
    cases=split_cases,
    agree=split_agrees,
    mistakes=(
        Mistake(
            "strip on both sides",
            "There is a leak: at least one strip has tiles on both sides. Do you shuffle or cut the *tiles*? Choose a "
            "side for each strip first. Its tiles then follow.",
            lambda *case: "strip in two sets",
        ),
        Mistake(
            "tile on both sides",
            "Some tiles are on both sides, so the test contains training tiles. Remove the training tiles from the "
            "test.",
            lambda *case: "tile in two sets",
        ),
        Mistake("names of strips", NAMES, lambda *case: "names"),
        Mistake("true and false", BOOLEANS, lambda *case: "booleans"),
        Mistake("a level too deep", DEEP, lambda *case: "a level too deep"),
        Mistake(
            "a side is empty",
            "One of the two sides is empty. `shuffle` changes an array in place and returns None, so a name that is "
            "assigned its result contains None. `permutation` returns the shuffled array.",
            lambda *case: "an empty set",
        ),
        Mistake(
            "sides swapped",
            "The two sides have changed places. `share` is the share of the training set, which comes first.",
            lambda *case: split_by_strip(*case)[::-1],
        ),
        Mistake(
            "no draw",
            "There is no leak, but there is no random draw either: the first strips in order are always in the "
            "training set. If a mill numbers its strips by date, you train on spring and test on autumn.",
            _first_strips,
        ),
        Mistake(
            "tiles lost",
            "There is no leak, but some tiles are on neither side. Which tiles are missing?",
            lambda *case: "tiles lost",
        ),
        Mistake(
            "number of strips",
            "There is no leak, but the training set has the wrong number of strips. It should be the share of the "
            "*strips*, rounded with `round`. Note that `int` cuts off instead of rounding.",
            lambda *case: "number of strips",
        ),
        Mistake(
            "another draw",
            "There is no leak, but the draw differs from the specified draw. Does your function use `seed` as the text "
            "says? Without the seed, your results cannot be reproduced.",
            lambda *case: "another draw",
        ),
    ),
    hints=(
        "Ignore the tiles at first. Which strips are there? `np.unique(groups)` lists them.",
        "Shuffle the strips' names with the generator from the text. The first names are for the training set.",
        "`np.isin(groups, chosen)` is True for the tiles of chosen strips. `np.flatnonzero` returns their positions.",
    ),
    praise="Your split has no leak, and anyone can reproduce it.",
)


def sets_cases() -> list[tuple]:
    """Return tiles of five, ten and eight strips, the last in mixed order."""
    few = np.repeat(["0001", "0002", "0003", "0004", "0005"], [3, 4, 3, 4, 4])
    many = np.repeat([f"{number:04d}" for number in range(11, 21)], [9, 12, 10, 13, 8, 11, 12, 9, 14, 10])
    mixed = np.random.default_rng(5).permutation(np.repeat(list("abcdefgh"), [6, 7, 8, 6, 7, 8, 6, 7]))
    return [(few, 3), (many, 0), (mixed, 1)]


def sets_agree(expected: Any, answer: Any, groups: np.ndarray, seed: int) -> bool:
    """Say whether three sets are the expected ones, or of the kind that a mistake names."""
    sets = [np.asarray(part) for part in answer]
    return expected == _kind_of_three(sets, groups) if isinstance(expected, str) else _same_sets(sets, expected)


def _kind_of_three(sets: Sequence[np.ndarray], groups: np.ndarray) -> str:
    """Name the fault of three sets: "leak into the test" if the test set shares a strip with another set."""
    kind = _kind_of_sets(sets, groups) if len(sets) == 3 else "number of sets"
    if kind != "strip in two sets":
        return kind or "another draw"
    known = np.concatenate([groups[sets[0]], groups[sets[1]]])
    return "leak into the test" if np.isin(known, groups[sets[2]]).any() else "leak into the calibration"


def _calibration_first(groups: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the first quarter of the strips to the calibration set, and the second quarter to the test set."""
    training, calibration, test = three_sets(groups, seed)
    return training, test, calibration


SETS = Exercise(
    id="01.6",
    task="Training, calibration and test tiles, with no strip in two of the sets.",
    reference=three_sets,
    cases=sets_cases,
    agree=sets_agree,
    mistakes=(
        Mistake(
            "flaw still there",
            "The flaw is still there: the test set is sound, but a strip has tiles in both the training set and the "
            "calibration set. How does the program choose the calibration tiles?",
            lambda *case: "leak into the calibration",
        ),
        Mistake(
            "leak into the test",
            "Now the test set shares a strip with another set. The lines that choose the test strips had no flaw: keep "
            "them.",
            lambda *case: "leak into the test",
        ),
        Mistake(
            "tile in two sets",
            "Some tiles are in two sets. The training set contains only the tiles of strips that are in neither of the "
            "other sets.",
            lambda *case: "tile in two sets",
        ),
        Mistake(
            "number of sets",
            "Your function returns the wrong number of sets. It should return three: training, calibration and test.",
            lambda *case: "number of sets",
        ),
        Mistake("names of strips", NAMES, lambda *case: "names"),
        Mistake("true and false", BOOLEANS, lambda *case: "booleans"),
        Mistake("a level too deep", DEEP, lambda *case: "a level too deep"),
        Mistake(
            "an empty set",
            "One of the three sets is empty. Print the names of its strips: does the slice select any?",
            lambda *case: "an empty set",
        ),
        Mistake(
            "tiles lost",
            "There is no leak, but some tiles are in none of the three sets. Are all remaining strips in the training "
            "set?",
            lambda *case: "tiles lost",
        ),
        Mistake(
            "calibration and test swapped",
            "The calibration set and the test set have changed places. The first quarter of the shuffled names is the "
            "test set, and the sets are returned in the order training, calibration, test.",
            _calibration_first,
        ),
        Mistake(
            "training and test swapped",
            "The training set and the test set have changed places. The order is training, calibration, test.",
            lambda *case: three_sets(*case)[::-1],
        ),
        Mistake(
            "another draw",
            "There is no leak, but your sets do not contain the specified strips. Shuffle the names once: the first "
            "`len(names) // 4` names are the test strips, and as many names after them are the calibration strips.",
            lambda *case: "another draw",
        ),
    ),
    hints=(
        "In the figure, look for strips with two kinds of marks. Which two sets do they belong to?",
        "The test strips are chosen by name. The calibration tiles are drawn from all remaining *tiles*.",
        "Choose the calibration strips by name as well: `names[n : 2 * n]`, with `n = len(names) // 4`.",
    ),
    praise="No strip is in two sets. Your calibration strips are as new to the detector as tomorrow's strips.",
)
