"""Exercises 05.3 and 05.5: search in the cells of an inverted file, and add vectors to them later."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from aitex_utils.lessons.engine.compare import MISTAKE, Refused, Verdict
from aitex_utils.lessons.engine.judge import Exercise, Mistake

from .exercise_search import SWAPPED, SearchResult, refuse_float_indices, squared_distances

Array = np.ndarray

# 05.3 -----------------------------------------------------------------------------------------------------------------


def _cells_cases() -> list[tuple]:
    """Return patches (n, C), vectors (M, C), centroids (nlist, C) and nprobe. The last case probes an empty cell."""
    rng = np.random.default_rng(7)
    line = np.array([[0.0], [1.0], [4.5], [5.2], [9.0]])
    small = np.array([[4.9], [0.2]]), line, np.array([[2.0], [8.0]])
    vectors = rng.normal(size=(60, 3))
    centroids = vectors[rng.choice(60, 8, replace=False)] + 0.1
    patches = rng.normal(size=(40, 3))
    with_empty = np.concatenate([centroids, [[9.0, 9.0, 9.0]]])
    far = np.concatenate([patches[:6], [[8.5, 9.0, 9.0]]])
    return [(*small, 1), (*small, 2), (patches, vectors, centroids, 2), (far, vectors, with_empty, 1)]


def _assign(patches: Array, vectors: Array, centroids: Array) -> tuple[Array, Array]:
    """Return the cell of each vector (M,), and the cells by their distance from each patch (n, nlist)."""
    order = np.argsort(squared_distances(patches, centroids), axis=1, kind="stable")
    return squared_distances(vectors, centroids).argmin(axis=1), order


def _search_probed(patches: Array, vectors: Array, cell_of: Array, probed: Array) -> SearchResult:
    """Search the vectors of the cells `probed` (n, nprobe)."""
    is_probed = (probed[:, :, None] == cell_of).any(axis=1)  # (n, M)
    squares = np.where(is_probed, squared_distances(patches, vectors), np.inf)
    return np.sqrt(squares.min(axis=1)), np.where(is_probed.any(axis=1), squares.argmin(axis=1), -1)


def _search_cells(patches: Array, vectors: Array, centroids: Array, nprobe: int) -> SearchResult:
    cell_of, order = _assign(patches, vectors, centroids)
    return _search_probed(patches, vectors, cell_of, order[:, :nprobe])


def _farthest_cells(patches: Array, vectors: Array, centroids: Array, nprobe: int) -> SearchResult:
    cell_of, order = _assign(patches, vectors, centroids)
    return _search_probed(patches, vectors, cell_of, order[:, -nprobe:])


def _squared(patches: Array, vectors: Array, centroids: Array, nprobe: int) -> SearchResult:
    distances, indices = _search_cells(patches, vectors, centroids, nprobe)
    return distances**2, indices


def _one_cell(patches: Array, vectors: Array, centroids: Array, nprobe: int) -> SearchResult:
    return _search_cells(patches, vectors, centroids, 1)


def _all_cells(patches: Array, vectors: Array, centroids: Array, nprobe: int) -> SearchResult:
    return _search_cells(patches, vectors, centroids, len(centroids))


def _place_for_index(patches: Array, vectors: Array, centroids: Array, nprobe: int, among: str) -> SearchResult:
    """Return the place among the vectors of one "cell", or of all probed ones in "bank" or "probing" order."""
    cell_of, order = _assign(patches, vectors, centroids)
    distances, indices = _search_cells(patches, vectors, centroids, nprobe)
    places = np.full(len(patches), -1)
    for i in np.flatnonzero(indices >= 0):
        members = [np.flatnonzero(cell_of == cell) for cell in order[i, :nprobe]]
        if among == "cell":
            members = [cell for cell in members if indices[i] in cell]
        joined = np.concatenate(members)
        places[i] = np.flatnonzero((np.sort(joined) if among == "bank" else joined) == indices[i])[0]
    return distances, places


def _last_cell_wins(patches: Array, vectors: Array, centroids: Array, nprobe: int) -> SearchResult:
    """Return the nearest vector of the last probed cell that is not empty."""
    cell_of, order = _assign(patches, vectors, centroids)
    distances, indices = np.full(len(patches), np.inf), np.full(len(patches), -1)
    for i, patch in enumerate(patches):
        for cell in order[i, :nprobe]:
            members = np.flatnonzero(cell_of == cell)
            if len(members):
                to_members = np.linalg.norm(vectors[members] - patch, axis=1)
                distances[i], indices[i] = to_members.min(), members[to_members.argmin()]
    return distances, indices


def _swapped(patches: Array, vectors: Array, centroids: Array, nprobe: int) -> tuple[Array, Array]:
    return _search_cells(patches, vectors, centroids, nprobe)[::-1]


def _filled(
    patches: Array, vectors: Array, centroids: Array, nprobe: int, distance: float, index: float
) -> SearchResult:
    """Return another distance and index than infinity and -1 where the probed cells are empty."""
    distances, indices = _search_cells(patches, vectors, centroids, nprobe)
    return np.where(indices < 0, distance, distances), np.where(indices < 0, index, indices)


def _next_cell(patches: Array, vectors: Array, centroids: Array, nprobe: int) -> SearchResult:
    """Skip empty cells, so `nprobe` cells with a vector are probed."""
    full = np.unique(squared_distances(vectors, centroids).argmin(axis=1))
    return _search_cells(patches, vectors, centroids[full], nprobe)


PLACE = (
    "The distances are right, but each index is a position among the searched vectors. Convert it to the index in the "
    "bank: you know which vectors of the bank were searched."
)
EMPTY = (
    "The result is wrong where the probed cells are empty: one centroid can be nearest to no vector. Return the "
    "distance `np.inf` and the index -1 there."
)

SEARCH_CELLS = Exercise(
    id="05.3",
    task="Return the nearest vector in the probed cells: its distance and its index.",
    reference=_search_cells,
    cases=_cells_cases,
    observe=refuse_float_indices,
    mistakes=(
        Mistake("results swapped", SWAPPED, _swapped),
        Mistake(
            "squared",
            "The indices are right, but the distances are squared, as FAISS returns them. Take the root.",
            _squared,
        ),
        Mistake(
            "one cell only",
            "The result is right for `nprobe=1` and wrong for 2: only the nearest cell is searched. Search the cells "
            "of the `nprobe` nearest centroids.",
            _one_cell,
        ),
        Mistake(
            "all cells",
            "This is the exact search: it also compares vectors of cells that are not probed. It finds more than it "
            "should, and saves nothing.",
            _all_cells,
        ),
        Mistake(
            "farthest cells",
            "You search the cells that are farthest from the patch. `argsort` sorts from small to large: at which end "
            "are the nearest centroids?",
            _farthest_cells,
        ),
        Mistake("place in cell", PLACE, partial(_place_for_index, among="cell")),
        Mistake("place among the probed", PLACE, partial(_place_for_index, among="bank")),
        Mistake("place among the probed", PLACE, partial(_place_for_index, among="probing")),
        Mistake(
            "last cell wins",
            "With several probes, the result of each cell replaces the previous one, even if it is farther. Compare "
            "the cells, and keep the nearest vector.",
            _last_cell_wins,
        ),
        *(
            Mistake("empty cells", EMPTY, partial(_filled, distance=distance, index=index))
            for distance, index in ((np.inf, 0), (0, 0), (0, -1), (-1, -1), (np.nan, -1), (-np.inf, -1))
        ),
        Mistake(
            "empty cells skipped",
            "Empty cells are skipped, and the next cell is searched instead. An empty cell counts as one of the "
            "`nprobe` cells.",
            _next_cell,
        ),
    ),
    hints=(
        "Do it in two steps. First, before any patch: which centroid is nearest to each vector? Then for each patch: "
        "which centroids are nearest, and which vectors belong to them?",
        "`np.argsort` of the distances to the centroids, cut off after `nprobe`, gives the cells. "
        "`np.flatnonzero(np.isin(cell_of, cells))` gives the indices of their vectors in the bank.",
        "For each patch find `members` as above. If there are none, keep infinity and -1. Else compute `to_members = "
        "np.linalg.norm(vectors[members] - patch, axis=1)`. The index is `members[to_members.argmin()]`.",
    ),
    praise="This is IVF: it compares the patch with the centroids first, then with the vectors of a few cells. It "
    "misses some neighbours across a border.",
)

# 05.5 -----------------------------------------------------------------------------------------------------------------

InvertedLists = Sequence[Sequence[int]]


def _add_cases() -> list[tuple]:
    """Return inverted lists of all vectors so far, centroids (nlist, C) and new vectors (n, C)."""
    rng = np.random.default_rng(9)
    small = [[0, 2], [1], []], np.array([[0.0], [10.0], [20.0]]), np.array([[9.0], [1.0], [12.0]])
    invlists = [[3, 4, 9], [0], [1, 2, 7, 8], [5, 6]]
    return [small, (invlists, rng.normal(size=(4, 3)), rng.normal(size=(9, 3)))]


def _add_later(invlists: InvertedLists, centroids: Array, new: Array, first: int | None = None) -> list[list[int]]:
    first = sum(len(cell) for cell in invlists) if first is None else first
    nearest = squared_distances(new, centroids).argmin(axis=1)
    return [[*cell, *(first + np.flatnonzero(nearest == k)).tolist()] for k, cell in enumerate(invlists)]


def _from_zero(invlists: InvertedLists, centroids: Array, new: Array) -> list[list[int]]:
    return _add_later(invlists, centroids, new, first=0)


def _one_too_far(invlists: InvertedLists, centroids: Array, new: Array) -> list[list[int]]:
    return _add_later(invlists, centroids, new, first=sum(map(len, invlists)) + 1)


def _place_as_number(invlists: InvertedLists, centroids: Array, new: Array) -> list[list[int]]:
    grown = [list(cell) for cell in invlists]
    for k in squared_distances(new, centroids).argmin(axis=1):
        grown[k].append(len(grown[k]))
    return grown


def _old_indices_lost(invlists: InvertedLists, centroids: Array, new: Array) -> list[list[int]]:
    return [grown[len(cell) :] for grown, cell in zip(_add_later(invlists, centroids, new), invlists, strict=True)]


def _cell_of_their_own(invlists: InvertedLists, centroids: Array, new: Array) -> list[list[int]]:
    first = sum(map(len, invlists))
    return [*(list(cell) for cell in invlists), list(range(first, first + len(new)))]


def _vectors_for_indices(invlists: InvertedLists, centroids: Array, new: Array) -> list[list]:
    grown: list[list] = [list(cell) for cell in invlists]
    for k, vector in zip(squared_distances(new, centroids).argmin(axis=1), new, strict=True):
        grown[k].append(vector)
    return grown


NO_INDEX = "a cell with a value that is no index"
INNER_LISTS = (
    "Your function changes its argument. A copy by `list(invlists)` or `.copy()` is new only on the outside: its inner "
    "lists are still the same objects. Copy each of them: `[list(cell) for cell in invlists]`."
)


def _in_order(answer: Any, invlists: Any = None, *_: Any) -> Any:
    """Return the cells with their indices sorted, and refuse an answer that changed the inner lists it was given."""
    if invlists is not None and not any(invlists == case[0] for case in _add_cases()):
        raise Refused(Verdict(MISTAKE, INNER_LISTS, "inner lists shared"))
    try:
        cells = [_sorted_indices(cell) for cell in answer]
    except TypeError:
        return answer
    return NO_INDEX if any(cell is None for cell in cells) else cells


def _sorted_indices(cell: Any) -> list[int] | None:
    """Return the indices of a cell, sorted, or None if it contains anything else."""
    try:
        numbers = np.asarray(cell)
    except ValueError:  # numbers and vectors side by side
        return None
    is_broken = numbers.dtype.kind == "f" and numbers.size and (numbers.ndim > 1 or (numbers % 1).any())
    if numbers.dtype.kind not in "iuf" or is_broken:
        return None
    return sorted(numbers.astype(int).ravel().tolist())


ADD_LATER = Exercise(
    id="05.5",
    task="Return the cells with the new vectors added: centroids stay, and new indices follow the existing indices.",
    reference=_add_later,
    cases=_add_cases,
    observe=_in_order,
    mistakes=(
        Mistake(
            "from zero again",
            "The cells are right, but the new indices start at 0 again, so two vectors share one index. How many "
            "vectors are there already?",
            _from_zero,
        ),
        Mistake(
            "one too far",
            "Your new indices are 1 too large: N vectors have the indices 0 to N - 1. Which index is next?",
            _one_too_far,
        ),
        Mistake(
            "place as number",
            "Each new vector got the length of its cell as its index. An index counts over the whole bank: what is the "
            "next free one?",
            _place_as_number,
        ),
        Mistake(
            "old indices lost",
            "The cells contain only the new vectors: the existing indices are lost.",
            _old_indices_lost,
        ),
        Mistake(
            "a cell of their own",
            "The new vectors are in a separate cell that has no centroid, so no search will find them. Add each to the "
            "cell of its nearest centroid.",
            _cell_of_their_own,
        ),
        Mistake(
            "vectors for indices",
            "A cell contains a value that is no index: the new vector itself, or a part of it. Cells contain whole "
            "numbers, the indices of vectors in the bank.",
            _vectors_for_indices,
        ),
    ),
    hints=(
        "The centroids stay as they are. For each new vector: which centroid is nearest, and which index does the "
        "vector get?",
        "The first free index is the number of all vectors so far, `sum(len(cell) for cell in invlists)`.",
        "Copy the cells, `grown = [list(cell) for cell in invlists]`. For the i-th new vector, append `first + i` to "
        "the cell of its nearest centroid.",
    ),
    praise="Nothing was retrained, and the existing vectors kept their indices, so a bank can grow while it is in use.",
)
