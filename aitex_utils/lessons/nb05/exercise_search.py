"""Exercises 05.1 and 05.2: an exact search by one matrix product, and recall@1 up to ties."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from aitex_utils.lessons.engine.judge import Exercise, Mistake

Array = np.ndarray
SearchResult = tuple[Array, Array]  # distances (n,) and indices (n,)


def squared_distances(patches: Array, vectors: Array) -> Array:
    """Return all squared distances (n, M) in float64, computed by differences, which is exact enough to judge by."""
    differences = patches[:, None].astype(np.float64) - vectors[None].astype(np.float64)
    return (differences**2).sum(axis=2)


# 05.1 -----------------------------------------------------------------------------------------------------------------

NOT_A_NUMBER = "not a number among the distances"


def _search_cases() -> list[tuple]:
    """Return patches (n, C) and vectors (M, C); the last are far from 0, where copies get squares below 0."""
    rng = np.random.default_rng(5)
    small = np.array([[0, 0], [6, 7]], np.float32), np.array([[0, 0], [3, 4], [6, 8]], np.float32)
    plain = rng.normal(size=(7, 5)).astype(np.float32), rng.normal(size=(30, 5)).astype(np.float32)
    far = (rng.normal(size=(400, 6)) + 30).astype(np.float32)
    return [small, plain, (far[::-1][:200].copy(), far)]


def _exact_search(patches: Array, vectors: Array) -> SearchResult:
    squares = squared_distances(patches, vectors)
    return np.sqrt(squares.min(axis=1)), squares.argmin(axis=1)


def _without_nan(answer: Any, *_: Any) -> Any:
    """Return the answer, or one text for all answers with NaN: which copies get one depends on rounding."""
    if isinstance(answer, (tuple, list, np.ndarray)) and len(answer) == 2:
        distances = np.asarray(answer[0])
        if distances.dtype.kind == "f" and np.isnan(distances).any():
            return NOT_A_NUMBER
    return answer


def _results_agree(expected: Any, answer: Any, patches: Array, vectors: Array) -> bool:
    """Compare distances within float32's error in a matrix product; any vector as near as the expected one passes."""
    if isinstance(expected, str) or isinstance(answer, str):
        return isinstance(expected, str) and isinstance(answer, str) and expected == answer
    (expected_distances, expected_indices), (distances, indices) = expected, answer
    expected_distances, expected_indices = np.asarray(expected_distances, float), np.asarray(expected_indices)
    distances, indices = np.asarray(distances, float), np.asarray(indices)
    if distances.shape != expected_distances.shape or indices.shape != expected_indices.shape:
        return False
    if (indices % 1 != 0).any():
        return False
    scale = float((vectors.astype(float) ** 2).sum(axis=1).max() + (patches.astype(float) ** 2).sum(axis=1).max())
    slack = 32 * np.finfo(np.float32).eps * scale
    if (abs(distances**2 - expected_distances**2) > slack + 1e-5 * expected_distances**2).any():
        return False
    if len(expected_indices) != len(patches) or indices.min() < 0 or indices.max() >= len(vectors):
        return bool(np.array_equal(indices, expected_indices))
    squares = squared_distances(patches, vectors)
    rows = np.arange(len(patches))
    excess = squares[rows, indices.astype(int)] - squares[rows, expected_indices.astype(int)]
    return bool((abs(excess) <= slack).all())


def _squares_by_product(patches: Array, vectors: Array, factor: float = 2.0) -> Array:
    own, others = (patches**2).sum(axis=1), (vectors**2).sum(axis=1)
    return own[:, None] - factor * (patches @ vectors.T) + others


def _nearest_of(squares: Array) -> SearchResult:
    return np.sqrt(squares.clip(0).min(axis=1)), squares.argmin(axis=1)


def _squared(patches: Array, vectors: Array) -> SearchResult:
    distances, indices = _exact_search(patches, vectors)
    return distances**2, indices


def _below_zero(patches: Array, vectors: Array) -> SearchResult:
    squares = _squares_by_product(patches, vectors)
    return np.sqrt(squares.min(axis=1)), squares.argmin(axis=1)


def _factor_forgotten(patches: Array, vectors: Array) -> SearchResult:
    return _nearest_of(_squares_by_product(patches, vectors, factor=1.0))


def _largest_product(patches: Array, vectors: Array) -> SearchResult:
    indices = (patches @ vectors.T).argmax(axis=1)
    return np.linalg.norm(patches - vectors[indices], axis=1), indices


def _own_norm_forgotten(patches: Array, vectors: Array, clip: str = "late") -> SearchResult:
    squares = (vectors**2).sum(axis=1) - 2 * patches @ vectors.T
    if clip == "early":
        squares = squares.clip(0)
    return _nearest_of(squares) if clip else (np.sqrt(squares.min(axis=1)), squares.argmin(axis=1))


def _wrong_axis(patches: Array, vectors: Array) -> SearchResult:
    return _exact_search(vectors, patches)


OWN_NORM = (
    "The distances are too small, because |p|² is missing. It is the same for all vectors, so that it doesn't change "
    "which is nearest, but it does change how far that is."
)

EXACT_SEARCH = Exercise(
    id="05.1",
    task="The distance of each patch to its nearest vector, and which it is, by one matrix product.",
    reference=_exact_search,
    cases=_search_cases,
    observe=_without_nan,
    agree=_results_agree,
    mistakes=(
        Mistake(
            "squared",
            "The right vectors, but the distances are squared: what the formula gives is the square of a distance. One "
            "step is missing at the end.",
            _squared,
        ),
        Mistake(
            "not a number",
            "Some distances are `nan`. Where a patch equals a vector its square should be 0, and rounding makes it a "
            "little less. What has no root? See that no square lies below the smallest that a square can be.",
            _below_zero,
        ),
        Mistake(
            "factor forgotten",
            "Near, but the product counts too little: work out (p - m)² for two plain numbers. How often does p times "
            "m stand in it?",
            _factor_forgotten,
        ),
        Mistake(
            "largest product",
            "The vector with the largest product was taken. A long vector has large products with everything: its own "
            "length must count against it.",
            _largest_product,
        ),
        Mistake("own norm forgotten", OWN_NORM, _own_norm_forgotten),
        Mistake("own norm forgotten", OWN_NORM, partial(_own_norm_forgotten, clip="early")),
        Mistake("own norm forgotten", OWN_NORM, partial(_own_norm_forgotten, clip="")),
        Mistake(
            "wrong axis",
            "There is one result for each vector of the bank, not for each patch: the smallest was taken along the "
            "other axis. In an array (patches, vectors), which axis must go?",
            _wrong_axis,
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

# 05.2 -----------------------------------------------------------------------------------------------------------------


def _recall_cases() -> list[tuple]:
    """Return patches, vectors, and the indices of a search and of an exact one: with ties, near misses and -1."""
    vectors = np.array([[0, 0], [4, 0], [0, 0], [9, 9]], np.float32)
    patches = np.array([[1, 0], [3, 0], [8, 9], [9, 8]], np.float32)
    small = patches, vectors, np.array([2, 1, 3, -1]), np.array([0, 1, 3, 3])
    across = 4.0 * np.arange(12)
    base = np.stack([across, np.full(12, 2.0)], axis=1)
    twins = np.concatenate([base, base * [1, 1 + 2**-18]]).astype(np.float32)  # each has a twin, a trifle farther off
    many, exact_indices = np.stack([across, np.zeros(12)], axis=1).astype(np.float32), np.arange(12)
    indices = np.array([0, 1, 2, 15, 16, 17, 6, 8, 3, 9, -1, -1])  # the nearest, twins, others, and none
    farther = np.concatenate([base, base * [1, 1 + 2**-15]]).astype(np.float32)  # by three hundred-thousandths: misses
    second_nearest = np.where(exact_indices < 7, exact_indices, exact_indices + 12)
    return [small, (many, twins, indices, exact_indices), (many, farther, second_nearest, exact_indices)]


def _distances_to(patches: Array, vectors: Array, indices: Array) -> Array:
    return np.linalg.norm(patches.astype(np.float64) - vectors[indices], axis=1)


def _recall(patches: Array, vectors: Array, indices: Array, exact_indices: Array) -> float:
    nearest = _distances_to(patches, vectors, exact_indices)
    is_hit = _distances_to(patches, vectors, indices) <= nearest * (1 + 1e-5)
    return float((is_hit & (indices >= 0)).mean())


def _missing_counted(patches: Array, vectors: Array, indices: Array, exact_indices: Array) -> float:
    """Take -1 for the last vector, as NumPy does."""
    return _recall(patches, vectors, np.where(indices < 0, len(vectors) + indices, indices), exact_indices)


def _same_index_only(patches: Array, vectors: Array, indices: Array, exact_indices: Array) -> float:
    return float((indices == exact_indices).mean())


def _no_tolerance(patches: Array, vectors: Array, indices: Array, exact_indices: Array) -> float:
    is_hit = _distances_to(patches, vectors, indices) <= _distances_to(patches, vectors, exact_indices)
    return float((is_hit & (indices >= 0)).mean())


def _large_tolerance(patches: Array, vectors: Array, indices: Array, exact_indices: Array) -> float:
    nearest = _distances_to(patches, vectors, exact_indices)
    is_hit = _distances_to(patches, vectors, indices) <= nearest * (1 + 1e-4)
    return float((is_hit & (indices >= 0)).mean())


RECALL = Exercise(
    id="05.2",
    task="Recall at 1 up to ties: the share of patches whose found vector is as near as the nearest.",
    reference=_recall,
    cases=_recall_cases,
    mistakes=(
        Mistake(
            "same index only",
            "Only equal indices are counted. In the example the first patch has two vectors at the same distance, and "
            "either is a hit. Compare how far they are, not which they are.",
            _same_index_only,
        ),
        Mistake(
            "missing counted",
            "A search that found nothing says -1, and NumPy reads that as the last vector of the bank, which may "
            "happen to be near. Who found nothing has no hit.",
            _missing_counted,
        ),
        Mistake(
            "no tolerance",
            "Two vectors that differ in the last digit only are told apart here. As far, up to a hundred-thousandth: "
            "where does that belong in your comparison?",
            _no_tolerance,
        ),
        Mistake(
            "large tolerance",
            "A vector that is farther by three hundred-thousandths of the distance counts as a hit here. The tolerance "
            "is one hundred-thousandth, `1e-5`, of the distance to the nearest vector.",
            _large_tolerance,
        ),
        Mistake(
            "misses",
            "That is the share of misses: how is it related to the share of hits?",
            lambda *arguments: 1 - _recall(*arguments),
        ),
        Mistake(
            "count",
            "That is how many hits there are. Recall is a share, from 0 to 1.",
            lambda *arguments: _recall(*arguments) * len(arguments[0]),
        ),
    ),
    hints=(
        "For each patch two distances: to the vector that was found, and to the nearest. When is it a hit?",
        "`vectors[indices]` has one row for each patch, so `np.linalg.norm(patches - vectors[indices], axis=1)` gives "
        "all distances at once. What does -1 pick there?",
        "A hit: `distance_found <= distance_exact * (1 + 1e-5)`, and `indices >= 0`. The mean of truth values is the "
        "share of those that are true.",
    ),
    praise="Now approximate indexes can be judged fairly: a tie is no miss, and nothing found is no hit.",
)
