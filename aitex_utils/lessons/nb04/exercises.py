"""Notebook 04, coreset sampling: its exercises, their typical mistakes, and its quiz."""

from __future__ import annotations

from functools import partial

import numpy as np

from aitex_utils.lessons.engine.judge import Exercise, Mistake

from . import answers as a
from .fast import CHOOSE_INSIDE, SIZE_FOR, TRAFFIC
from .quiz import QUESTIONS as QUESTIONS

EARLY = (
    "The indices are right, but your radii are shifted by one: each is the one from *before* the choice. The radius "
    "beside the first index is how far the farthest patch is from the start. Bring the distances up to date first."
)

COVERING_RADIUS = Exercise(
    id="04.1",
    task="The largest distance of any patch to the chosen one that is nearest to it.",
    reference=a.covering_radius,
    cases=a.coverings,
    mistakes=(
        Mistake(
            "squared",
            "Your value is the square of the right one. Was the root taken somewhere?",
            lambda patches, chosen: a.covering_radius(patches, chosen) ** 2,
        ),
        Mistake(
            "mean",
            "That is how far patches are from their nearest chosen one on average. The radius asks how badly the "
            "worst of them is off.",
            lambda patches, chosen: a.apart(patches, chosen).min(axis=1).mean(),
        ),
        Mistake(
            "farthest of all pairs",
            "That is the largest distance between any patch and any chosen one. A patch far from one chosen patch may "
            "lie close to another: which one counts for it?",
            lambda patches, chosen: a.apart(patches, chosen).max(),
        ),
        Mistake(
            "axes swapped",
            "You ask each chosen one for the patch nearest to it. Asked is the other way round: each patch for its "
            "nearest chosen one. Look at the axis of your minimum.",
            lambda patches, chosen: a.apart(patches, chosen).min(axis=0).max(),
        ),
        Mistake(
            "largest first",
            "You take, for each patch, its farthest chosen one, and of those the smallest. Which of the two belongs "
            "first, minimum or maximum?",
            lambda patches, chosen: a.apart(patches, chosen).max(axis=1).min(),
        ),
        Mistake(
            "one for all",
            "That is how far a single chosen one would have to reach, the best of them, to cover all patches alone. "
            "They share the work: first ask each patch for its nearest.",
            lambda patches, chosen: a.apart(patches, chosen).max(axis=0).min(),
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

FARTHEST_FIRST = Exercise(
    id="04.2",
    task="Greedy: k indices, each the patch farthest from those before, and the covering radius after each choice.",
    reference=a.farthest_first,
    cases=a.clouds,
    tolerance=1e-4,
    mistakes=(
        Mistake(
            "start missing",
            "Your coreset begins with the second patch: the start itself isn't in it, although you measured from it. "
            "What lies around the start then has nobody near.",
            partial(a.farthest_first, skip=1),
        ),
        Mistake(
            "start missing, one less",
            "One index is missing, the first: the start counts among the k, and it belongs to the coreset.",
            a.one_less,
        ),
        Mistake(
            "one more",
            "There is one index too many. The start is the first of the k: how many are left to choose?",
            a.one_more,
        ),
        Mistake(
            "only the last counts",
            "Each choice is the patch farthest from the *last* chosen one alone, so that you run to and fro between "
            "two ends. What did you know of the distances to those chosen before?",
            partial(a.farthest_first, keep=a.latest),
        ),
        Mistake(
            "farthest kept",
            "For each patch you keep the distance to the chosen one that is *farthest* from it. A patch is covered as "
            "soon as one of them is near.",
            partial(a.farthest_first, keep=np.maximum),
        ),
        Mistake(
            "added up",
            "You add up the distances to all chosen ones. A patch with one of them at its side would seem far away: "
            "which single distance says how well it is covered?",
            partial(a.farthest_first, keep=np.add),
        ),
        Mistake(
            "squared radii",
            "The indices are right, and your radii are the squares of the right ones. For choosing it makes no "
            "difference, for a radius it does.",
            partial(a.farthest_first, power=2),
        ),
        Mistake(
            "radius too early",
            EARLY,
            partial(a.farthest_first, early=True),
        ),
        Mistake("radius too early", EARLY, partial(a.farthest_first, early=True, none_yet=0.0)),
        Mistake(
            "patches for indices",
            "These are the chosen patches themselves. Return their indices: whoever has those can take the patches, "
            "and not the other way round.",
            a.as_vectors,
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

EXERCISES = (COVERING_RADIUS, FARTHEST_FIRST, TRAFFIC, CHOOSE_INSIDE, SIZE_FOR)
