"""Exercise 01.5, a split by strip: an answer is judged by the properties of its split, with a hint for each fault."""

from __future__ import annotations

from typing import Any

import numpy as np

from aitex_utils.lessons.engine.judge import Exercise, Mistake


def split_by_strip(groups: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of the training tiles and of the test tiles."""
    strips = np.unique(groups)
    chosen = np.random.default_rng(seed).permutation(strips)[: round(share * len(strips))]
    in_training = np.isin(groups, chosen)
    return np.flatnonzero(in_training), np.flatnonzero(~in_training)


def split_cases() -> list[tuple]:
    """Return tiles of several strips, some mixed; no cut by tile goes between two strips."""
    few = np.repeat(["0001", "0002", "0003", "0004", "0005"], [5, 3, 5, 3, 4])
    many = np.repeat([f"{number:04d}" for number in range(11, 21)], [9, 12, 10, 13, 8, 11, 12, 9, 14, 10])
    mixed = np.random.default_rng(5).permutation(many)
    return [(few, 0.7, 3), (few, 0.5, 4), (many, 0.75, 0), (mixed, 0.64, 1)]


def split_agrees(expected: Any, answer: Any, groups: np.ndarray, share: float, seed: int) -> bool:
    """Say whether a split is the expected one, or of the kind that a mistake names."""
    training, test = (np.asarray(part) for part in answer)
    if isinstance(expected, str) and expected == _kind_of_split(training, test, groups, share):
        return True
    # An answer can be right in some of the cases, for example if it cuts the share off instead of rounding it.
    wanted = split_by_strip(groups, share, seed) if isinstance(expected, str) else expected
    return all(part.ndim == 1 and _same(part, right) for part, right in zip((training, test), wanted, strict=True))


def _same(part: np.ndarray, wanted: np.ndarray) -> bool:
    """Say whether two lists contain the same integers, in any order."""
    return part.dtype.kind in "iu" and np.array_equal(np.sort(part), np.sort(wanted))


def _kind_of_split(training: np.ndarray, test: np.ndarray, groups: np.ndarray, share: float) -> str:
    """Name the fault of a split, or "another draw" if only the seed's draw can be wrong."""
    kinds = {training.dtype.kind, test.dtype.kind}
    if "b" in kinds:
        return "booleans"
    if "U" in kinds:
        return "names"
    if training.ndim > 1 or test.ndim > 1:
        return "a level too deep"
    if np.isin(training, test).any():
        return "tile on both sides"
    if np.isin(groups[training], groups[test]).any():
        return "strip on both sides"
    if len(training) + len(test) < len(groups):
        return "tiles lost"
    if len(np.unique(groups[training])) != round(share * len(np.unique(groups))):
        return "number of strips"
    return "another draw"


def _first_strips(groups: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Take the first strips in order instead of a random draw."""
    strips = np.unique(groups)
    in_training = np.isin(groups, strips[: round(share * len(strips))])
    return np.flatnonzero(in_training), np.flatnonzero(~in_training)


SPLIT = Exercise(
    id="01.5",
    task="Tiles to fit on and tiles to test on, no strip on both sides.",
    reference=split_by_strip,
    cases=split_cases,
    agree=split_agrees,
    mistakes=(
        Mistake(
            "strip on both sides",
            "There is a leak: some strip has tiles on both sides. Do you shuffle or cut the *tiles*? Decide for each "
            "strip first, and let its tiles follow.",
            lambda *case: "strip on both sides",
        ),
        Mistake(
            "tile on both sides",
            "Some tiles are on both sides at once: the test asks for what was learnt by heart. Take out of the test "
            "what is in the fit.",
            lambda *case: "tile on both sides",
        ),
        Mistake(
            "names of strips",
            "You return names of strips. Asked for are the positions of *tiles* in `groups`.",
            lambda *case: "names",
        ),
        Mistake(
            "true and false",
            "You return True and False for each tile. Asked for are positions: `np.flatnonzero` makes them of it.",
            lambda *case: "booleans",
        ),
        Mistake(
            "a level too deep",
            "Your positions sit one level too deep. `np.where` gives a tuple: take its `[0]`, or `np.flatnonzero`, "
            "which gives the positions as they are asked for.",
            lambda *case: "a level too deep",
        ),
        Mistake(
            "sides swapped",
            "The two sides have changed places: the share is meant for the fit, which comes first.",
            lambda *case: split_by_strip(*case)[::-1],
        ),
        Mistake(
            "no draw",
            "Nothing leaks, but nothing is drawn either: the first strips in order are always for fitting. If a mill "
            "numbers its strips by date, you fit on spring and test on autumn.",
            _first_strips,
        ),
        Mistake(
            "tiles lost",
            "Nothing leaks, but some tiles are on neither side. Which ones?",
            lambda *case: "tiles lost",
        ),
        Mistake(
            "number of strips",
            "Nothing leaks, but the number of strips to fit on isn't the one asked for: the share of the *strips*, "
            "rounded with `round`. (`int` doesn't round, it cuts off.)",
            lambda *case: "number of strips",
        ),
        Mistake(
            "another draw",
            "Nothing leaks. But it isn't the draw that was asked for. Is `seed` used, and used as the text says? "
            "Without it nobody, you included, could repeat your figures.",
            lambda *case: "another draw",
        ),
    ),
    hints=(
        "Don't touch tiles at first. Which strips are there? `np.unique(groups)` tells.",
        "Shuffle the strips' names with the generator that the text gives, take the first few for the fit.",
        "`np.isin(groups, chosen)` is True for the tiles of chosen strips; `np.flatnonzero` gives their positions.",
    ),
    praise="Your split doesn't leak, and anyone can repeat it.",
)
