"""Exercises 05.1, 05.2 and 05.6: exact search by one matrix product, recall@1 up to ties, and a flawed recall@1."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from aitex_utils.lessons.engine.compare import MISTAKE, Refused, Verdict
from aitex_utils.lessons.engine.judge import Exercise, Mistake

Array = np.ndarray
SearchResult = tuple[Array, Array]  # distances (n,) and indices (n,)


def squared_distances(patches: Array, vectors: Array) -> Array:
    """Return all squared distances (n, M) in float64, computed by differences, which is exact enough to judge by."""
    differences = patches[:, None].astype(np.float64) - vectors[None].astype(np.float64)
    return (differences**2).sum(axis=2)


# 05.1 -----------------------------------------------------------------------------------------------------------------

NOT_A_NUMBER = "not a number among the distances"
FLOAT_INDICES = (
    "The indices are floats, and a float cannot index an array. Keep what `argmin` returns, or convert it with "
    "`.astype(int)`."
)


def _search_cases() -> list[tuple]:
    """Return patches (n, C) and vectors (M, C). The last are far from 0, where copies get squares below 0."""
    rng = np.random.default_rng(5)
    small = np.array([[0, 0], [6, 7]], np.float32), np.array([[0, 0], [3, 4], [6, 8]], np.float32)
    plain = rng.normal(size=(7, 5)).astype(np.float32), rng.normal(size=(30, 5)).astype(np.float32)
    far = (rng.normal(size=(400, 6)) + 30).astype(np.float32)
    return [small, plain, (far[::-1][:200].copy(), far)]


def _exact_search(patches: Array, vectors: Array) -> SearchResult:
    squares = squared_distances(patches, vectors)
    return np.sqrt(squares.min(axis=1)), squares.argmin(axis=1)


def refuse_float_indices(answer: Any, *_: Any) -> Any:
    """Return the answer, but refuse (distances, indices) if the indices are whole numbers stored as floats."""
    if isinstance(answer, tuple) and len(answer) == 2:
        distances, indices = (np.asarray(part) for part in answer)
        is_whole = indices.dtype.kind == "f" and np.isfinite(indices).all() and not (indices % 1).any()
        if is_whole and indices.shape == distances.shape and distances.dtype.kind == "f":
            raise Refused(Verdict(MISTAKE, FLOAT_INDICES, "float indices"))
    return answer


def _without_nan(answer: Any, *_: Any) -> Any:
    """Return the answer, or one text for all answers with NaN: which copies get one depends on rounding."""
    if isinstance(answer, (tuple, list, np.ndarray)) and len(answer) == 2:
        distances = np.asarray(answer[0])
        if distances.dtype.kind == "f" and np.isnan(distances).any():
            return NOT_A_NUMBER
    return refuse_float_indices(answer)


def _results_agree(expected: Any, answer: Any, patches: Array, vectors: Array) -> bool:
    """Compare distances within float32's error in a matrix product. Any vector as near as the expected one passes."""
    if isinstance(expected, str) or isinstance(answer, str):
        return isinstance(expected, str) and isinstance(answer, str) and expected == answer
    (expected_distances, expected_indices), (distances, indices) = expected, answer
    expected_distances, expected_indices = np.asarray(expected_distances, float), np.asarray(expected_indices)
    distances, indices = np.asarray(distances, float), np.asarray(indices)
    if distances.shape != expected_distances.shape or indices.shape != expected_indices.shape:
        return False
    if (expected_indices % 1 != 0).any():  # of a mistake that swaps the results
        return bool(np.allclose(expected_distances, distances) and np.allclose(expected_indices, indices, rtol=1e-3))
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


def _swapped(patches: Array, vectors: Array) -> tuple[Array, Array]:
    return _exact_search(patches, vectors)[::-1]


OWN_NORM = (
    "The distances are too small, because |p|² is missing. It is the same for all vectors, so it does not change which "
    "vector is nearest, but it changes the distance."
)
SWAPPED = "Both results are right, but in the wrong order: return the distances first, then the indices."

EXACT_SEARCH = Exercise(
    id="05.1",
    task="Return the distance of each patch to its nearest vector, and the index of that vector.",
    reference=_exact_search,
    cases=_search_cases,
    observe=_without_nan,
    agree=_results_agree,
    mistakes=(
        Mistake("results swapped", SWAPPED, _swapped),
        Mistake(
            "squared",
            "The indices are right, but the distances are squared: the formula gives the square of each distance. One "
            "step is missing at the end.",
            _squared,
        ),
        Mistake(
            "not a number",
            "Some distances are `nan`. Where a patch equals a vector, the square should be 0, and rounding makes it "
            "slightly negative. Replace negative squares by 0 before you take the root.",
            _below_zero,
        ),
        Mistake(
            "factor forgotten",
            "The product p·m has the wrong factor. Expand (p - m)² for two plain numbers: what is the coefficient of "
            "p·m?",
            _factor_forgotten,
        ),
        Mistake(
            "largest product",
            "Your function returns the vector with the largest product. A long vector can have a large product with "
            "every patch, so |m|² must be part of the comparison.",
            _largest_product,
        ),
        Mistake("own norm forgotten", OWN_NORM, _own_norm_forgotten),
        Mistake("own norm forgotten", OWN_NORM, partial(_own_norm_forgotten, clip="early")),
        Mistake("own norm forgotten", OWN_NORM, partial(_own_norm_forgotten, clip="")),
        Mistake(
            "wrong axis",
            "There is one result per vector of the bank, not per patch: the minimum runs along the wrong axis. Which "
            "axis of the array (patches, vectors) must disappear?",
            _wrong_axis,
        ),
    ),
    hints=(
        "Write |p - m|² as |p|² - 2 p·m + |m|². All p·m together are one matrix product. Which shapes go in, and which "
        "shape comes out?",
        "`patches @ vectors.T` has shape (n, M). Put the squares of the patches into a column, `[:, None]`, so that "
        "NumPy adds each to its row.",
        "`squares = own[:, None] - 2 * patches @ vectors.T + others`. Clip it with `np.maximum(squares, 0)`. Take the "
        "minimum and `argmin` along axis 1, and the root last.",
    ),
    praise="This exact search finds the same vectors as an exact index of FAISS.",
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
    return [
        small,
        (many, twins, indices, exact_indices),
        (many, farther, second_nearest, exact_indices),
        _scaled_case(),
    ]


def _scaled_case() -> tuple:
    """Return a case that no absolute tolerance gets right: far twins are ties, near others are not."""
    far, near = np.full(4, 2000.0), np.full(5, 1e-4)
    nearest = np.concatenate([far, near])
    second = np.concatenate([far * (1 + 2**-18), near * 1.05])
    across = 400.0 * np.arange(9) + np.repeat([0.0, 40_000.0], [len(far), len(near)])
    vectors = np.concatenate([np.stack([across, y], axis=1) for y in (nearest, second)]).astype(np.float32)
    patches = np.stack([across, np.zeros(9)], axis=1).astype(np.float32)
    return patches, vectors, np.arange(9, 18), np.arange(9)


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


def _absolute_tolerance(
    patches: Array, vectors: Array, indices: Array, exact_indices: Array, tolerance: float
) -> float:
    nearest = _distances_to(patches, vectors, exact_indices)
    is_hit = _distances_to(patches, vectors, indices) <= nearest + tolerance
    return float((is_hit & (indices >= 0)).mean())


def _of_those_found(patches: Array, vectors: Array, indices: Array, exact_indices: Array) -> float:
    hits = _recall(patches, vectors, indices, exact_indices) * len(patches)
    return hits / max(int((indices >= 0).sum()), 1)


def _of_the_bank(patches: Array, vectors: Array, indices: Array, exact_indices: Array) -> float:
    return _recall(patches, vectors, indices, exact_indices) * len(patches) / len(vectors)


ABSOLUTE = (
    "The tolerance is absolute here: the same number at every distance. Make it relative: multiply the distance to the "
    "nearest vector by `1 + 1e-5`."
)

RECALL = Exercise(
    id="05.2",
    task="Return recall@1 up to ties: the share of patches whose found vector is as near as the nearest vector.",
    reference=_recall,
    cases=_recall_cases,
    mistakes=(
        Mistake(
            "same index only",
            "Only equal indices count as hits here. In the example, two vectors are equally near to the first patch, "
            "and either is a hit. Compare distances, not indices.",
            _same_index_only,
        ),
        Mistake(
            "missing counted",
            "The index -1 means that the search found nothing, but NumPy reads it as the last vector of the bank. "
            "Count it as a miss.",
            _missing_counted,
        ),
        Mistake(
            "no tolerance",
            "Two distances that differ only in the last digit count as different here. Allow a relative difference of "
            "`1e-5` in the comparison.",
            _no_tolerance,
        ),
        Mistake(
            "large tolerance",
            "The tolerance is too large: vectors that are clearly farther count as hits. It is `1e-5` times the "
            "distance to the nearest vector.",
            _large_tolerance,
        ),
        *(
            Mistake("absolute tolerance", ABSOLUTE, partial(_absolute_tolerance, tolerance=tolerance))
            for tolerance in (1e-5, 1e-4)
        ),
        Mistake(
            "divided by those found",
            "The denominator is wrong: you divide by the number of patches for which the search found a vector. Divide "
            "by the number of all patches.",
            _of_those_found,
        ),
        Mistake(
            "divided by the bank",
            "The denominator is wrong: you divide by the number of vectors. Divide by the number of patches.",
            _of_the_bank,
        ),
        Mistake(
            "misses",
            "This is the share of misses. How is it related to the share of hits?",
            lambda *arguments: 1 - _recall(*arguments),
        ),
        Mistake(
            "count",
            "This is the number of hits. Recall@1 is a share, from 0 to 1.",
            lambda *arguments: _recall(*arguments) * len(arguments[0]),
        ),
    ),
    hints=(
        "Each patch has two distances: to the vector found, and to the nearest vector. When is the result a hit?",
        "`vectors[indices]` has one row per patch, so `np.linalg.norm(patches - vectors[indices], axis=1)` gives all "
        "distances at once. Which vector does -1 select there?",
        "A hit needs `distances <= exact_distances * (1 + 1e-5)` and `indices >= 0`. The mean of a Boolean array is "
        "the share of True.",
    ),
    praise="Your function counts a tie as a hit, and an empty result as a miss.",
)

# 05.6 -----------------------------------------------------------------------------------------------------------------


def _flaw_cases() -> list[tuple]:
    """Return distances (n, M) and which vectors were searched: with misses, ties, and patches without a vector."""
    small = (
        np.array([[1.0, 2.0], [3.0, 1.0], [1.0, 4.0], [5.0, 2.0]]),
        np.array([[True, True], [True, False], [False, False], [False, True]]),
    )
    rng = np.random.default_rng(12)
    distances = rng.integers(1, 9, size=(40, 12)) / 4  # few values, so there are many ties
    is_searched = np.repeat(rng.random((40, 4)) < 0.5, 3, axis=1)
    return [small, (distances, is_searched)]


def _recall_of_cells(distances: Array, is_searched: Array) -> float:
    found = np.where(is_searched, distances, np.inf).min(axis=1)
    return float((found <= distances.min(axis=1) * (1 + 1e-5)).mean())


def _planted(distances: Array, is_searched: Array) -> float:
    """Compare the search with itself, as the flawed function does."""
    return 1.0


def _without_empty(distances: Array, is_searched: Array) -> float:
    """Leave out the patches for which nothing was searched."""
    some = is_searched.any(axis=1)
    return _recall_of_cells(distances[some], is_searched[some])


def _itself_without_empty(distances: Array, is_searched: Array) -> float:
    return float(is_searched.any(axis=1).mean())


def _same_argmin(distances: Array, is_searched: Array) -> float:
    found = np.where(is_searched, distances, np.inf).argmin(axis=1)
    return float((found == distances.argmin(axis=1)).mean())


RECALL_OF_CELLS = Exercise(
    id="05.6",
    task="Repair the function: recall@1 of a search in cells, against the nearest of all vectors.",
    reference=_recall_of_cells,
    cases=_flaw_cases,
    mistakes=(
        Mistake(
            "flaw as planted",
            "The result is 1 whatever was searched, so the flaw is still there. Print `found` and `nearest` for one "
            "patch. From which vectors does each minimum come?",
            _planted,
        ),
        Mistake(
            "compared with itself",
            "Patches without a searched vector now count as misses, but the search is still compared with itself. "
            "`nearest` must come from all vectors.",
            _itself_without_empty,
        ),
        Mistake(
            "empty left out",
            "Patches without a searched vector are left out. The search found nothing for them, so each is a miss.",
            _without_empty,
        ),
        Mistake(
            "same index only",
            "The comparison of positions misses ties: two vectors can be equally near. Compare the distances.",
            _same_argmin,
        ),
        Mistake(
            "share searched",
            "This is the share of the vectors that were searched. Recall@1 is the share of the patches whose "
            "nearest vector was searched.",
            lambda distances, is_searched: float(is_searched.mean()),
        ),
        Mistake(
            "misses",
            "This is the share of misses. How is it related to the share of hits?",
            lambda *arguments: 1 - _recall_of_cells(*arguments),
        ),
        Mistake(
            "count",
            "This is the number of hits. Recall@1 is a share, from 0 to 1.",
            lambda *arguments: _recall_of_cells(*arguments) * len(arguments[0]),
        ),
    ),
    hints=(
        "A recall@1 of exactly 1 for every search is suspicious. Which two numbers does the function compare?",
        "The first line replaces `distances`. What does the third line read after that?",
        "Give the masked array a name of its own, `searched = np.where(is_searched, distances, np.inf)`. Take `found` "
        "from `searched`, and `nearest` from `distances`.",
    ),
    praise="The reference is now exact. For any reported recall@1, ask which reference it was measured against.",
)
