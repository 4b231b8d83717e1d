"""Exercises 04.1, 04.2 and 04.5: the covering radius, greedy choice, and the coreset size for a radius."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from aitex_utils.lessons.engine.judge import Exercise, Mistake

Array = np.ndarray

# 04.1 -----------------------------------------------------------------------------------------------------------------


def _covering_cases() -> list[tuple]:
    """Return patches (N, C) and centres (k, C); in the second case the centres are not among the patches."""
    rng = np.random.default_rng(0)
    small = np.array([[0, 0], [3, 4], [6, 8]], np.float32), np.array([[0, 0], [6, 6]], np.float32)
    cloud = rng.normal(size=(40, 3)).astype(np.float32)
    return [small, (cloud, rng.normal(size=(4, 3)).astype(np.float32)), (cloud, cloud[[3, 17, 8]])]


def _all_distances(patches: Array, chosen: Array) -> Array:
    """Return the distance of each patch to each centre, (N, k)."""
    return np.linalg.norm(np.asarray(patches, np.float64)[:, None] - chosen, axis=2)


def _covering_radius(patches: Array, chosen: Array) -> float:
    return float(_all_distances(patches, chosen).min(axis=1).max())


COVERING_RADIUS = Exercise(
    id="04.1",
    task="The largest distance of any patch to the chosen one that is nearest to it.",
    reference=_covering_radius,
    cases=_covering_cases,
    mistakes=(
        Mistake(
            "squared",
            "Your value is the square of the right one. Was the root taken somewhere?",
            lambda patches, chosen: _covering_radius(patches, chosen) ** 2,
        ),
        Mistake(
            "mean",
            "That is how far patches are from their nearest chosen one on average. The radius asks how badly the "
            "worst of them is off.",
            lambda patches, chosen: _all_distances(patches, chosen).min(axis=1).mean(),
        ),
        Mistake(
            "farthest of all pairs",
            "That is the largest distance between any patch and any chosen one. A patch far from one chosen patch may "
            "lie close to another: which one counts for it?",
            lambda patches, chosen: _all_distances(patches, chosen).max(),
        ),
        Mistake(
            "axes swapped",
            "You ask each chosen one for the patch nearest to it. Asked is the other way round: each patch for its "
            "nearest chosen one. Look at the axis of your minimum.",
            lambda patches, chosen: _all_distances(patches, chosen).min(axis=0).max(),
        ),
        Mistake(
            "largest first",
            "You take, for each patch, its farthest chosen one, and of those the smallest. Which of the two belongs "
            "first, minimum or maximum?",
            lambda patches, chosen: _all_distances(patches, chosen).max(axis=1).min(),
        ),
        Mistake(
            "one for all",
            "That is how far a single chosen one would have to reach, the best of them, to cover all patches alone. "
            "They share the work: first ask each patch for its nearest.",
            lambda patches, chosen: _all_distances(patches, chosen).max(axis=0).min(),
        ),
    ),
    hints=(
        "Two questions, one after the other. For each patch: how far is its nearest chosen one? Then, of these N "
        "answers: which is the worst?",
        "`patches[:, None] - chosen` has shape (N, k, C), all differences. Their lengths are (N, k).",
        "Of the lengths (N, k) the minimum over the chosen, axis 1, and of the N values that remain the maximum.",
    ),
    praise="One number says now how well a few patches stand for all of them.",
)

# 04.2 -----------------------------------------------------------------------------------------------------------------


def _greedy_cases() -> list[tuple]:
    """Return patches (N, C), the number of choices, and the first choice; no two distances are equal."""
    rng = np.random.default_rng(4)
    line = np.array([[0.0], [1.0], [5.0], [9.0], [20.0]], np.float32)
    return [
        (line, 3, 1),
        (rng.normal(size=(60, 2)).astype(np.float32), 8, 0),
        (rng.normal(size=(80, 5)).astype(np.float32), 12, 33),
    ]


def _farthest_first(
    patches: Array,
    k: int,
    start: int,
    *,
    combine: Callable[[Array, Array], Array] = np.minimum,
    skip: int = 0,
    power: int = 1,
    too_early: bool = False,
    unknown: float = np.inf,
) -> tuple[Array, Array]:
    """Choose greedily, or with a mistake; `skip` drops the first choices, `unknown` is the radius before the start."""
    nearest, best, indices, radii = None, start, [], []
    for _ in range(k + skip):
        indices.append(best)
        radius_before = unknown if nearest is None else nearest.max()
        to_new = np.linalg.norm(patches - patches[best], axis=1)
        nearest = to_new if nearest is None else combine(nearest, to_new)
        best = int(nearest.argmax())
        radii.append(radius_before if too_early else nearest.max())
    return np.array(indices[skip:]), np.array(radii[skip:]) ** power


def _only_the_last(nearest: Array, to_new: Array) -> Array:
    return to_new


def _start_missing_and_one_less(patches: Array, k: int, start: int) -> tuple[Array, Array]:
    return _farthest_first(patches, k - 1, start, skip=1)


def _one_more(patches: Array, k: int, start: int) -> tuple[Array, Array]:
    return _farthest_first(patches, k + 1, start)


def _patches_for_indices(patches: Array, k: int, start: int) -> tuple[Array, Array]:
    indices, radii = _farthest_first(patches, k, start)
    return patches[indices], radii


TOO_EARLY = (
    "The indices are right, but your radii are shifted by one: each is the one from *before* the choice. The radius "
    "beside the first index is how far the farthest patch is from the start. Bring the distances up to date first."
)

FARTHEST_FIRST = Exercise(
    id="04.2",
    task="Greedy: k indices, each the patch farthest from those before, and the covering radius after each choice.",
    reference=_farthest_first,
    cases=_greedy_cases,
    tolerance=1e-4,
    mistakes=(
        Mistake(
            "start missing",
            "Your coreset begins with the second patch: the start itself isn't in it, although you measured from it. "
            "What lies around the start then has nobody near.",
            partial(_farthest_first, skip=1),
        ),
        Mistake(
            "start missing, one less",
            "One index is missing, the first: the start counts among the k, and it belongs to the coreset.",
            _start_missing_and_one_less,
        ),
        Mistake(
            "one more",
            "There is one index too many. The start is the first of the k: how many are left to choose?",
            _one_more,
        ),
        Mistake(
            "only the last counts",
            "Each choice is the patch farthest from the *last* chosen one alone, so that you run to and fro between "
            "two ends. What did you know of the distances to those chosen before?",
            partial(_farthest_first, combine=_only_the_last),
        ),
        Mistake(
            "farthest kept",
            "For each patch you keep the distance to the chosen one that is *farthest* from it. A patch is covered as "
            "soon as one of them is near.",
            partial(_farthest_first, combine=np.maximum),
        ),
        Mistake(
            "added up",
            "You add up the distances to all chosen ones. A patch with one of them at its side would seem far away: "
            "which single distance says how well it is covered?",
            partial(_farthest_first, combine=np.add),
        ),
        Mistake(
            "squared radii",
            "The indices are right, and your radii are the squares of the right ones. For choosing it makes no "
            "difference, for a radius it does.",
            partial(_farthest_first, power=2),
        ),
        Mistake("radius too early", TOO_EARLY, partial(_farthest_first, too_early=True)),
        Mistake("radius too early", TOO_EARLY, partial(_farthest_first, too_early=True, unknown=0.0)),
        Mistake(
            "patches for indices",
            "These are the chosen patches themselves. Return their indices: whoever has those can take the patches, "
            "and not the other way round.",
            _patches_for_indices,
        ),
    ),
    hints=(
        "Keep one array `nearest` (N,): for each patch its distance to the nearest one chosen so far. What happens to "
        "it when one more is chosen, and where is the next choice to be found in it?",
        "A new chosen one can only lower a distance: `np.minimum(nearest, distances_to_the_new_one)`. Before the first "
        "choice all are `np.inf`.",
        "k times the same: note the index `best` (the first is `start`), lower `nearest` by the distances to it, note "
        "`nearest.max()` as the radius, and set `best` to `nearest.argmax()`.",
    ),
    praise="That is PatchCore's sampler, in as few lines as it can be had.",
)

# 04.5 -----------------------------------------------------------------------------------------------------------------


def _radius_cases() -> list[tuple]:
    """Return falling radii and a largest one: reached exactly, reached in between, reached at once, never reached."""
    radii = np.array([9.0, 6.0, 5.0, 2.5, 2.0, 1.0], np.float32)
    return [(radii, 5.0), (radii, 2.2), (radii, 10.0), (radii, 0.5)]


def _size_for(radii: Array, max_radius: float) -> int:
    reached = np.flatnonzero(np.asarray(radii) <= max_radius)
    return int(reached[0]) + 1 if len(reached) else 0


def _index_for_size(radii: Array, max_radius: float) -> int:
    return int(np.argmax(np.asarray(radii) <= max_radius))


def _strictly_below(radii: Array, max_radius: float) -> int:
    return _size_for(radii, np.nextafter(np.float64(max_radius), -np.inf))


def _argmax_of_nothing(radii: Array, max_radius: float) -> int:
    return _index_for_size(radii, max_radius) + 1


def _one_more_than_there_are(radii: Array, max_radius: float) -> int:
    return int((np.asarray(radii) > max_radius).sum()) + 1


def _count_of_sizes(radii: Array, max_radius: float) -> int:
    return int((np.asarray(radii) <= max_radius).sum())


def _searchsorted(radii: Array, max_radius: float, offset: int = 0) -> int:
    """Search as if the radii were rising."""
    return int(np.searchsorted(radii, max_radius)) + offset


def _all_if_never(radii: Array, max_radius: float) -> int:
    return _size_for(radii, max_radius) or len(radii)


def _last_one(radii: Array, max_radius: float) -> int:
    reached = np.flatnonzero(np.asarray(radii) <= max_radius)
    return int(reached[-1]) + 1 if len(reached) else 0


RISING = (
    "`np.searchsorted` halves the array again and again, which wants numbers that *rise*. Radii fall, so it ends "
    "anywhere. Turn them round, or take another way."
)

SIZE_FOR = Exercise(
    id="04.5",
    task="The smallest coreset size whose covering radius is at most the wanted one; 0 if none is.",
    reference=_size_for,
    cases=_radius_cases,
    mistakes=(
        Mistake(
            "index for size",
            "One too small: `radii[0]` is the radius of a coreset of *one* patch. What size belongs to index i? (And "
            "an answer of 0 is kept for *never*.)",
            _index_for_size,
        ),
        Mistake(
            "strictly below",
            "A radius that is exactly the wanted one is good enough: *at most* means that equal counts.",
            _strictly_below,
        ),
        Mistake(
            "argmax of nothing",
            "Right, except where no radius is small enough: `argmax` of an array that is False throughout is 0, as if "
            "the first had been it. Ask `.any()` first.",
            _argmax_of_nothing,
        ),
        Mistake(
            "one more than there are",
            "Right, except where no radius is small enough: then you promise a size that the run didn't reach. The "
            "task asks for 0 in that case.",
            _one_more_than_there_are,
        ),
        Mistake(
            "all if never",
            "Right, except where no radius is small enough: the largest size doesn't reach it either. The task asks "
            "for 0 in that case.",
            _all_if_never,
        ),
        Mistake(
            "how many",
            "That is how *many* sizes are good enough. Asked is the smallest of them. The radii fall: at which end of "
            "the array are the good ones?",
            _count_of_sizes,
        ),
        Mistake("rising taken for granted", RISING, _searchsorted),
        Mistake("rising taken for granted", RISING, partial(_searchsorted, offset=1)),
        Mistake(
            "last one",
            "That is the *largest* size that is good enough, which is always all of them. Asked is the smallest.",
            _last_one,
        ),
    ),
    hints=(
        "The radii fall. Where in the array is the first one that is small enough, and what size does that place mean?",
        "`np.flatnonzero(radii <= max_radius)` are the indices of all sizes that are good enough. It may be empty.",
        "Index i means size i + 1. If nothing was found, return 0.",
    ),
    praise="You can ask for a radius instead of a share, and one run answers for all of them.",
)
