"""Exercises 04.1, 04.2 and 04.5: the covering radius, greedy choice, and the coreset size for a radius."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from aitex_utils.lessons.engine.judge import Exercise, Mistake

from .kinds import require_kind
from .sampling import covering_radius, size_for

Array = np.ndarray

# 04.1 -----------------------------------------------------------------------------------------------------------------


def _covering_cases() -> list[tuple]:
    """Return patches (N, C) and centres (k, C). In the second case the centres are not among the patches."""
    rng = np.random.default_rng(0)
    small = np.array([[0, 0], [3, 4], [6, 8]], np.float32), np.array([[0, 0], [6, 6]], np.float32)
    cloud = rng.normal(size=(40, 3)).astype(np.float32)
    return [small, (cloud, rng.normal(size=(4, 3)).astype(np.float32)), (cloud, cloud[[3, 17, 8]])]


def _all_distances(patches: Array, chosen: Array) -> Array:
    """Return the distance of each patch to each centre, (N, k)."""
    return np.linalg.norm(np.asarray(patches, np.float64)[:, None] - chosen, axis=2)


def _wrong_norm_axis(patches: Array, chosen: Array) -> float:
    """Take lengths over the centres instead of the channels."""
    return np.linalg.norm(np.asarray(patches, np.float64)[:, None] - chosen, axis=1).min(axis=1).max()


COVERING_RADIUS = Exercise(
    id="04.1",
    task="The largest distance of any patch to its nearest chosen patch.",
    reference=covering_radius,
    cases=_covering_cases,
    mistakes=(
        Mistake(
            "squared",
            "Your value is the square of the radius. Take the root.",
            lambda patches, chosen: covering_radius(patches, chosen) ** 2,
        ),
        Mistake(
            "mean",
            "This is the mean distance of patches to their nearest chosen patch. The radius is the distance of the "
            "worst patch.",
            lambda patches, chosen: _all_distances(patches, chosen).min(axis=1).mean(),
        ),
        Mistake(
            "median",
            "This is the median distance of patches to their nearest chosen patch. The radius is the largest of these "
            "distances.",
            lambda patches, chosen: np.median(_all_distances(patches, chosen).min(axis=1)),
        ),
        Mistake(
            "farthest of all pairs",
            "This is the largest distance between any patch and any chosen patch. A patch far from one chosen patch "
            "can lie close to another. Which of the two counts?",
            lambda patches, chosen: _all_distances(patches, chosen).max(),
        ),
        Mistake(
            "axes swapped",
            "You take, for each chosen patch, the patch nearest to it. The task is the reverse: for each patch, find "
            "its nearest chosen patch. Check the axis of your minimum.",
            lambda patches, chosen: _all_distances(patches, chosen).min(axis=0).max(),
        ),
        Mistake(
            "largest first",
            "You take the farthest chosen patch of each patch, and then the smallest of these distances. Which comes "
            "first, minimum or maximum?",
            lambda patches, chosen: _all_distances(patches, chosen).max(axis=1).min(),
        ),
        Mistake(
            "one for all",
            "This is the smallest radius with which a single chosen patch covers all patches. Several chosen patches "
            "share the work: find the nearest chosen patch of each patch first.",
            lambda patches, chosen: _all_distances(patches, chosen).max(axis=0).min(),
        ),
        Mistake(
            "length over the wrong axis",
            "The differences have shape (N, k, C). A distance is the length over the channels, axis 2. You take the "
            "length over the chosen patches, axis 1.",
            _wrong_norm_axis,
        ),
        Mistake(
            "city-block distance",
            "You add up absolute differences (city-block distance). PatchCore uses the Euclidean distance: the root of "
            "the sum of squares.",
            lambda patches, chosen: np.abs(patches[:, None] - chosen).sum(axis=2).min(axis=1).max(),
        ),
    ),
    hints=(
        "Two steps. For each patch, find the distance to its nearest chosen patch. Then take the largest of these N "
        "distances.",
        "`patches[:, None] - chosen` has shape (N, k, C): all differences. Their lengths have shape (N, k).",
        "Take the minimum of the lengths over axis 1, then the maximum of the N values that remain.",
    ),
    praise="One number now says how well a few patches represent all of them.",
)

# 04.2 -----------------------------------------------------------------------------------------------------------------


def _greedy_cases() -> list[tuple]:
    """Return patches (N, C), the number of choices, and the first choice. No two distances are equal."""
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
    """Choose greedily, or with a mistake: `skip` drops the first choices, `unknown` is the radius before the start."""
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


def _start_ignored(patches: Array, k: int, start: int) -> tuple[Array, Array]:
    return _farthest_first(patches, k, 0)


def _start_from_the_mean(patches: Array, k: int, start: int) -> tuple[Array, Array]:
    return _farthest_first(patches, k, int(np.linalg.norm(patches - patches.mean(axis=0), axis=1).argmax()))


def _swapped(patches: Array, k: int, start: int) -> tuple[Array, Array]:
    return _farthest_first(patches, k, start)[::-1]


def _patches_for_indices(patches: Array, k: int, start: int) -> tuple[Array, Array]:
    indices, radii = _farthest_first(patches, k, start)
    return patches[indices], radii


def _decimal_indices(patches: Array, k: int, start: int) -> tuple[Array, Array]:
    indices, radii = _farthest_first(patches, k, start)
    return indices.astype(float), radii


def _only_indices(patches: Array, k: int, start: int) -> Array:
    return _farthest_first(patches, k, start)[0]


TOO_EARLY = (
    "The indices are right, but your radii are shifted by one: each is the radius *before* the choice. The radius "
    "beside the first index is the distance of the farthest patch from the start. Update the distances first."
)
START_IGNORED = (
    "Your coreset does not begin with `start`. This argument is the index of the first choice: return it first."
)

FARTHEST_FIRST = Exercise(
    id="04.2",
    task="Greedy: the indices of k patches, each the farthest from all previous choices, and the radius after each.",
    reference=_farthest_first,
    cases=_greedy_cases,
    tolerance=1e-4,
    agree=require_kind(_farthest_first, 1e-4),
    mistakes=(
        Mistake(
            "start missing",
            "Your coreset begins with the second patch. You measured from the start, but the start itself is not in "
            "the list. Patches around it then have no chosen patch nearby.",
            partial(_farthest_first, skip=1),
        ),
        Mistake(
            "start missing, one less",
            "The first index is missing. The start is one of the k, and it belongs to the coreset.",
            _start_missing_and_one_less,
        ),
        Mistake("start ignored", START_IGNORED, _start_ignored),
        Mistake("start ignored", START_IGNORED, _start_from_the_mean),
        Mistake(
            "one more",
            "There is one index too many. The start is the first of the k, so k - 1 choices are left.",
            _one_more,
        ),
        Mistake(
            "swapped results",
            "Both arrays are right, but in the wrong order: return the indices first, then the radii.",
            _swapped,
        ),
        Mistake(
            "decimal indices",
            "The values are right, but the indices are floats, which cannot index an array. Collect them in a "
            "list, or use `np.zeros(k, int)`.",
            _decimal_indices,
        ),
        Mistake(
            "radii missing",
            "The indices are right. The radii are missing: return two arrays, `indices, radii`.",
            _only_indices,
        ),
        Mistake(
            "only the last counts",
            "Each choice is the patch farthest from the *last* chosen patch alone, so the choices jump between two "
            "ends. Keep the distances to the patches chosen before.",
            partial(_farthest_first, combine=_only_the_last),
        ),
        Mistake(
            "farthest kept",
            "For each patch you keep the distance to its *farthest* chosen patch. A patch is covered as soon as one "
            "chosen patch is near.",
            partial(_farthest_first, combine=np.maximum),
        ),
        Mistake(
            "added up",
            "You add up the distances to all chosen patches. A patch beside one of them then seems far away. Which "
            "single distance says how well it is covered?",
            partial(_farthest_first, combine=np.add),
        ),
        Mistake(
            "squared radii",
            "The indices are right, and your radii are squared. Squares do not change the "
            "choice, but a radius is a distance: take the root.",
            partial(_farthest_first, power=2),
        ),
        Mistake("radius too early", TOO_EARLY, partial(_farthest_first, too_early=True)),
        Mistake("radius too early", TOO_EARLY, partial(_farthest_first, too_early=True, unknown=0.0)),
        Mistake(
            "patches for indices",
            "You return the chosen patches. Return their indices: indices lead to patches, but not the reverse.",
            _patches_for_indices,
        ),
    ),
    hints=(
        "Keep one array `nearest` (N,): the distance of each patch to its nearest chosen patch. How does one more "
        "choice change it, and where in it is the next choice?",
        "A new choice can only lower a distance: `np.minimum(nearest, distances_to_the_new_one)`. Before the first "
        "choice all entries are `np.inf`.",
        "Repeat k times. Append the index `best`, which is `start` at first. Lower `nearest` to the distances to it "
        "where these are smaller. Append `nearest.max()` as the radius, and set `best` to `nearest.argmax()`.",
    ),
    praise="This is PatchCore's sampler in a few lines. The next cells use it.",
)

# 04.5 -----------------------------------------------------------------------------------------------------------------


def _radius_cases() -> list[tuple]:
    """Return falling radii and a largest one: reached exactly, reached in between, reached at once, never reached."""
    radii = np.array([9.0, 6.0, 5.0, 2.5, 2.0, 1.0], np.float32)
    return [(radii, 5.0), (radii, 2.2), (radii, 10.0), (radii, 0.5)]


def _index_for_size(radii: Array, max_radius: float) -> int:
    return int(np.argmax(np.asarray(radii) <= max_radius))


def _strictly_below(radii: Array, max_radius: float) -> int:
    return size_for(radii, np.nextafter(np.float64(max_radius), -np.inf))


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
    return size_for(radii, max_radius) or len(radii)


def _last_one(radii: Array, max_radius: float) -> int:
    reached = np.flatnonzero(np.asarray(radii) <= max_radius)
    return int(reached[-1]) + 1 if len(reached) else 0


def _radius_for_size(radii: Array, max_radius: float) -> float:
    size = size_for(radii, max_radius)
    return float(radii[size - 1]) if size else 0.0


def _decimal_size(radii: Array, max_radius: float) -> float:
    return float(size_for(radii, max_radius))


RISING = (
    "`np.searchsorted` needs values that *rise*. Radii fall, so its result has no meaning here. Reverse the array, or "
    "use a comparison."
)

SIZE_FOR = Exercise(
    id="04.5",
    task="The smallest coreset size whose covering radius is at most the wanted radius, or 0 if there is none.",
    reference=size_for,
    cases=_radius_cases,
    agree=require_kind(size_for),
    mistakes=(
        Mistake(
            "index for size",
            "One too small: `radii[0]` is the radius of a coreset of *one* patch. Which size belongs to index i? (And "
            "0 means that no size is enough.)",
            _index_for_size,
        ),
        Mistake(
            "strictly below",
            "A radius equal to the wanted radius is good enough: *at most* includes equality.",
            _strictly_below,
        ),
        Mistake(
            "argmax of nothing",
            "Right, except where no radius is small enough. `argmax` of an array without any True is 0, as if the "
            "first entry were True. Check `.any()` first.",
            _argmax_of_nothing,
        ),
        Mistake(
            "one more than there are",
            "Right, except where no radius is small enough. You then return a size that the run did not reach. The "
            "task asks for 0.",
            _one_more_than_there_are,
        ),
        Mistake(
            "all if never",
            "Right, except where no radius is small enough. The largest size does not reach it either. The task asks "
            "for 0.",
            _all_if_never,
        ),
        Mistake(
            "how many",
            "This is the *number* of sizes that are good enough. The task asks for the smallest of them. The radii "
            "fall: at which end of the array are the good ones?",
            _count_of_sizes,
        ),
        Mistake("rising taken for granted", RISING, _searchsorted),
        Mistake("rising taken for granted", RISING, partial(_searchsorted, offset=1)),
        Mistake(
            "last one",
            "This is the *largest* size that is good enough, which is always the last of all sizes. The task "
            "asks for the smallest.",
            _last_one,
        ),
        Mistake(
            "radius for size",
            "You return the radius that is reached. The task asks for the number of patches with which it is reached.",
            _radius_for_size,
        ),
        Mistake(
            "decimal size",
            "The value is right, but a size is a whole number: return an `int`.",
            _decimal_size,
        ),
    ),
    hints=(
        "The radii fall. Find the first radius that is small enough. Which size belongs to its position?",
        "`np.flatnonzero(radii <= max_radius)` are the indices of all sizes that are good enough. It can be empty.",
        "Index i means size i + 1. If nothing was found, return 0.",
    ),
    praise="You can choose a radius instead of a ratio, and one run gives the size for every radius.",
)
