"""Notebook 05, FAISS: its exercises, their typical mistakes, and its quiz."""

from __future__ import annotations

from functools import partial

from aitex_utils.lessons.engine.judge import Exercise, Mistake

from . import answers as a
from .indexes import ADD_LATER, CELLS, ENCODE
from .quiz import QUESTIONS

OWN_NORM = (
    "The distances are too small, because |p|² is missing. It is the same for all vectors, so that it doesn't change "
    "which is nearest, but it does change how far that is."
)

NEAREST = Exercise(
    id="05.1",
    task="The distance of each patch to its nearest vector, and which it is, by one matrix product.",
    reference=a.nearest,
    cases=a.banks,
    observe=a.numbers_only,
    agree=a.found_alike,
    mistakes=(
        Mistake(
            "squared",
            "The right vectors, but the distances are squared: what the formula gives is the square of a distance. One "
            "step is missing at the end.",
            a.squared,
        ),
        Mistake(
            "not a number",
            "Some distances are `nan`. Where a patch equals a vector its square should be 0, and rounding makes it a "
            "little less. What has no root? See that no square lies below the smallest that a square can be.",
            a.below_zero,
        ),
        Mistake(
            "factor forgotten",
            "Near, but the product counts too little: work out (p - m)² for two plain numbers. How often does p times "
            "m stand in it?",
            a.factor_forgotten,
        ),
        Mistake(
            "largest product",
            "The vector with the largest product was taken. A long vector has large products with everything: its own "
            "length must count against it.",
            a.largest_product,
        ),
        Mistake("own norm forgotten", OWN_NORM, a.own_norm_forgotten),
        Mistake("own norm forgotten", OWN_NORM, partial(a.own_norm_forgotten, clip="early")),
        Mistake("own norm forgotten", OWN_NORM, partial(a.own_norm_forgotten, clip="")),
        Mistake(
            "wrong axis",
            "There is one result for each vector of the bank, not for each patch: the smallest was taken along the "
            "other axis. In an array (patches, vectors), which axis must go?",
            a.wrong_axis,
        ),
    ),
    hints=(
        "Write |p - m|² as |p|² - 2 p·m + |m|². All p·m at once are one matrix product: which shapes go in, and "
        "which comes out?",
        "`patches @ vectors.T` is (n, M). The squares of the patches must stand in a column, `[:, None]`, to be added "
        "to each row.",
        "`squares = own[:, None] - 2 * patches @ vectors.T + others`, nothing below 0 (`np.maximum`), then along axis "
        "1 the smallest and where it is, and at last the root.",
    ),
    praise="This is the exact search: it finds what FAISS's flat index finds (by one matrix product).",
)

RECALL = Exercise(
    id="05.2",
    task="Recall at 1 up to ties: the share of patches whose found vector is as near as the nearest.",
    reference=a.recall,
    cases=a.searches,
    mistakes=(
        Mistake(
            "same index only",
            "Only equal indices are counted. In the example the first patch has two vectors at the same distance, and "
            "either is a hit. Compare how far they are, not which they are.",
            a.same_index,
        ),
        Mistake(
            "missing counted",
            "A search that found nothing says -1, and NumPy reads that as the last vector of the bank, which may "
            "happen to be near. Who found nothing has no hit.",
            a.missing_taken,
        ),
        Mistake(
            "no tolerance",
            "Two vectors that differ in the last digit only are told apart here. As far, up to a hundred-thousandth: "
            "where does that belong in your comparison?",
            a.no_tolerance,
        ),
        Mistake(
            "misses",
            "That is the share of misses: how is it related to the share of hits?",
            lambda *given: 1 - a.recall(*given),
        ),
        Mistake(
            "count",
            "That is how many hits there are. Recall is a share, from 0 to 1.",
            lambda *given: a.recall(*given) * len(given[0]),
        ),
    ),
    hints=(
        "For each patch two distances: to the vector that was found, and to the nearest. When is it a hit?",
        "`vectors[found]` has one row for each patch, so `np.linalg.norm(patches - vectors[found], axis=1)` gives all "
        "distances at once. What does -1 pick there?",
        "A hit: `distance_found <= distance_exact * (1 + 1e-5)`, and `found >= 0`. The mean of truth values is the "
        "share of those that are true.",
    ),
    praise="Now approximate indexes can be judged fairly: a tie is no miss, and nothing found is no hit.",
)

EXERCISES = (NEAREST, RECALL, CELLS, ENCODE, ADD_LATER)

__all__ = ["EXERCISES", "QUESTIONS"]
