"""Exercise 01.5, a split by strip. A split is judged by what it does, not only by whether it is the one expected."""

from __future__ import annotations

from typing import Any

import numpy as np

from aitex_utils.lessons.engine.judge import Exercise, Mistake


def split_by_strip(owner: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    strips = np.unique(owner)
    chosen = np.random.default_rng(seed).permutation(strips)[: round(share * len(strips))]
    in_fit = np.isin(owner, chosen)
    return np.flatnonzero(in_fit), np.flatnonzero(~in_fit)


def owners() -> list[tuple]:
    """Tiles of several strips, some mixed; no cut by tile goes between two strips."""
    few = np.repeat(["0001", "0002", "0003", "0004", "0005"], [5, 3, 5, 3, 4])
    many = np.repeat([f"{number:04d}" for number in range(11, 21)], [9, 12, 10, 13, 8, 11, 12, 9, 14, 10])
    mixed = np.random.default_rng(5).permutation(many)
    return [(few, 0.7, 3), (few, 0.5, 4), (many, 0.75, 0), (mixed, 0.64, 1)]


def agrees(expected: Any, got: Any, owner: np.ndarray, share: float, seed: int) -> bool:
    """Say whether a split is the expected one; where a mistake gives a word for it, whether it is of that kind."""
    fit, test = (np.asarray(part) for part in got)
    if isinstance(expected, str) and expected in _faults(fit, test, owner, share):
        return True
    # An answer may err in some cases only, as a share that is cut off instead of rounded does.
    wanted = split_by_strip(owner, share, seed) if isinstance(expected, str) else expected
    return all(part.ndim == 1 and _same(part, right) for part, right in zip((fit, test), wanted, strict=True))


def _same(part: np.ndarray, wanted: np.ndarray) -> bool:
    """Say whether two lists hold the same things, in whatever order."""
    return part.dtype.kind in "iu" and np.array_equal(np.sort(part), np.sort(wanted))


def _faults(fit: np.ndarray, test: np.ndarray, owner: np.ndarray, share: float) -> set[str]:
    """Name what is wrong with a split, or "another draw" where nothing is but its not being the one of this seed."""
    if "b" in (fit.dtype.kind, test.dtype.kind):
        return {"booleans"}
    if "U" in (fit.dtype.kind, test.dtype.kind):
        return {"names"}
    if fit.ndim > 1 or test.ndim > 1:
        return {"a level too deep"}
    if np.isin(fit, test).any():
        return {"tile on both sides"}
    if np.isin(owner[fit], owner[test]).any():
        return {"strip on both sides"}
    if len(fit) + len(test) < len(owner):
        return {"tiles lost"}
    strips = len(np.unique(owner))
    if len(np.unique(owner[fit])) != round(share * strips):
        return {"number of strips"}
    return {"another draw"}


def _sorted_first(owner: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    strips = np.unique(owner)
    in_fit = np.isin(owner, strips[: round(share * len(strips))])
    return np.flatnonzero(in_fit), np.flatnonzero(~in_fit)


SPLIT = Exercise(
    id="01.5",
    task="Tiles to fit on and tiles to test on, no strip on both sides.",
    reference=split_by_strip,
    cases=owners,
    agree=agrees,
    mistakes=(
        Mistake(
            "strip on both sides",
            "There is a leak: some strip has tiles on both sides. Do you shuffle or cut the *tiles*? Decide for each "
            "strip first, and let its tiles follow.",
            lambda *q: "strip on both sides",
        ),
        Mistake(
            "tile on both sides",
            "Some tiles are on both sides at once: the test asks for what was learnt by heart. Take out of the test "
            "what is in the fit.",
            lambda *q: "tile on both sides",
        ),
        Mistake(
            "names of strips",
            "You return names of strips. Asked for are the positions of *tiles* in `owner`.",
            lambda *q: "names",
        ),
        Mistake(
            "true and false",
            "You return True and False for each tile. Asked for are positions: `np.flatnonzero` makes them of it.",
            lambda *q: "booleans",
        ),
        Mistake(
            "a level too deep",
            "Your positions sit one level too deep. `np.where` gives a tuple: take its `[0]`, or `np.flatnonzero`, "
            "which gives the positions as they are asked for.",
            lambda *q: "a level too deep",
        ),
        Mistake(
            "sides swapped",
            "The two sides have changed places: the share is meant for the fit, which comes first.",
            lambda *q: split_by_strip(*q)[::-1],
        ),
        Mistake(
            "no draw",
            "Nothing leaks, but nothing is drawn either: the first strips in order are always for fitting. If a mill "
            "numbers its strips by date, you fit on spring and test on autumn.",
            _sorted_first,
        ),
        Mistake(
            "tiles lost",
            "Nothing leaks, but some tiles are on neither side. Which ones?",
            lambda *q: "tiles lost",
        ),
        Mistake(
            "number of strips",
            "Nothing leaks, but the number of strips to fit on isn't the one asked for: the share of the *strips*, "
            "rounded with `round`. (`int` doesn't round, it cuts off.)",
            lambda *q: "number of strips",
        ),
        Mistake(
            "another draw",
            "Nothing leaks. But it isn't the draw that was asked for. Is `seed` used, and used as the text says? "
            "Without it nobody, you included, could repeat your figures.",
            lambda *q: "another draw",
        ),
    ),
    hints=(
        "Don't touch tiles at first. Which strips are there? `np.unique(owner)` tells.",
        "Shuffle the strips' names with the generator that the text gives, take the first few for the fit.",
        "`np.isin(owner, chosen)` is True for the tiles of chosen strips; `np.flatnonzero` gives their positions.",
    ),
    praise="Your split doesn't leak, and anyone can repeat it.",
)
