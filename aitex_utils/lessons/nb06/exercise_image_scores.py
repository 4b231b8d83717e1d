"""Exercise 06.1: a tile's score, reweighted with the neighbours of m* and with the neighbours of the patch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from aitex_utils.lessons.engine.judge import Exercise, Mistake

Array = np.ndarray


def reweighted_patch(
    patch: Array,
    bank: Array,
    b: int,
    *,
    neighbours_of: tuple[str, str] = ("m*", "p"),
    skipped: int = 0,
    m_star_distances: bool = False,
    power: int = 1,
    combine: Callable[[float, float], float] = lambda factor, distance: factor * distance,
) -> Array:
    """Return both scores of one patch (C,), shape (2,). The keyword arguments make the typical mistakes."""
    to_patch = np.linalg.norm(bank - patch, axis=1) ** power
    nearest = to_patch.argmin()
    to_m_star = np.linalg.norm(bank - bank[nearest], axis=1) ** power
    scores = []
    for centre in neighbours_of:
        neighbours = (to_m_star if centre == "m*" else to_patch).argsort()[skipped : b + skipped]
        exponents = (to_m_star if m_star_distances and centre == "m*" else to_patch)[neighbours]
        factor = 1 - 1 / np.exp(exponents - to_patch[nearest]).sum()
        scores.append(combine(factor, to_patch[nearest]))
    return np.array(scores)


def tile_scores(patches: Array, bank: Array, b: int, **mistake) -> Array:
    """Return the scores of a tile's farthest patch, (equation 7, variant), with patches (P, C)."""
    distances = np.linalg.norm(patches[:, None] - bank, axis=2).min(axis=1)
    return reweighted_patch(patches[distances.argmax()], bank, b, **mistake)


def _highest_of_all_patches(patches: Array, bank: Array, b: int) -> Array:
    return np.max([reweighted_patch(patch, bank, b) for patch in patches], axis=0)


def _mean_of_all_patches(patches: Array, bank: Array, b: int) -> Array:
    return np.mean([reweighted_patch(patch, bank, b) for patch in patches], axis=0)


def _with(**mistake) -> Callable:
    """Return `tile_scores` with a mistake in it."""
    return lambda patches, bank, b: tile_scores(patches, bank, b, **mistake)


def _cases() -> list[tuple]:
    rng = np.random.default_rng(6)
    line = np.array([0.0, 0.2, 0.4, 2.0, 2.2, 2.4, 5.0])[:, None]
    return [
        (np.array([[-0.7], [1.25], [4.28]]), line, 3),
        (rng.normal(size=(6, 2)), rng.normal(size=(15, 2)), 4),
        (rng.normal(size=(5, 3)) * 2, rng.normal(size=(20, 3)), 2),
    ]


TILE_SCORES = Exercise(
    "06.1",
    "A tile's scores under equation 7 and under the variant.",
    tile_scores,
    _cases,
    (
        Mistake(
            "neighbours of the patch",
            "Both of your scores take the vectors nearest to the patch p. This is the variant. Equation 7 measures how "
            "dense the bank is around the nearest vector m*. Whose neighbours does it need?",
            _with(neighbours_of=("p", "p")),
        ),
        Mistake(
            "neighbours of m* twice",
            "Both of your scores take the vectors nearest to m*. This is equation 7. The variant takes the vectors "
            "nearest to the patch.",
            _with(neighbours_of=("m*", "m*")),
        ),
        Mistake(
            "swapped",
            "Both numbers are right, but in the wrong order: equation 7 first, the variant second.",
            _with(neighbours_of=("p", "m*")),
        ),
        Mistake(
            "each patch reweighted",
            "You reweight every patch and take the largest result. The paper first looks for the patch with the "
            "largest distance, and reweights only that patch. The two procedures can select different patches.",
            _highest_of_all_patches,
        ),
        Mistake(
            "mean over the patches",
            "This is the mean over all patches of the tile. Only one patch decides: the patch with the largest "
            "distance to its nearest vector.",
            _mean_of_all_patches,
        ),
        Mistake(
            "first patch",
            "Only the tile's first patch was used. First find the worst patch.",
            lambda patches, bank, b: reweighted_patch(patches[0], bank, b),
        ),
        Mistake(
            "nearest left out",
            "The nearest vector itself is missing from the denominator. It is the first of the b neighbours in both "
            "versions.",
            _with(skipped=1),
        ),
        Mistake(
            "squared distances",
            "These are squared distances. Use plain distances, in the exponents and in s*.",
            _with(power=2),
        ),
        Mistake(
            "distances from m*",
            "The neighbours of m* are right. But your denominator contains their distances from m*. It needs their "
            "distances from the patch p.",
            _with(m_star_distances=True),
        ),
        Mistake(
            "not one minus",
            "This is the weight w times the distance s*. The factor is 1 - w.",
            _with(combine=lambda factor, distance: (1 - factor) * distance),
        ),
        Mistake(
            "the factor alone",
            "These are the factors, numbers between 0 and 1. A score is the factor times the distance s*.",
            _with(combine=lambda factor, distance: factor),
        ),
    ),
    (
        "Work in this order: the distance of each patch to its nearest vector; the worst patch, its s* and its m*; "
        "two lists of b neighbours; two weights w.",
        "`np.linalg.norm(patches[:, None] - bank, axis=2)` has a row for each patch and a column for each vector.",
        "`np.argsort(distances)[:b]` gives the neighbours. Use it once with the distances from `bank[m_star]` and "
        "once with the distances from the worst patch. The exponents are distances from the patch both times.",
    ),
    "Both reweightings are right, and so are their neighbours.",
    tolerance=1e-5,
)
