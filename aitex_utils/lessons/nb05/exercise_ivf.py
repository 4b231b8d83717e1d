"""Exercises 05.3 and 05.5: search in the cells of an inverted file, and add vectors to them later."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from aitex_utils.lessons.engine.compare import MISTAKE, Refused, Verdict
from aitex_utils.lessons.engine.judge import Exercise, Mistake

from .exercise_search import SearchResult, squared_distances

Array = np.ndarray

# 05.3 -----------------------------------------------------------------------------------------------------------------


def _cells_cases() -> list[tuple]:
    """Return patches (n, C), vectors (M, C), centroids (nlist, C) and nprobe; the last case probes an empty cell."""
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


PLACE = (
    "The distances are right, the indices aren't: they count places among the vectors that were looked at. Of these "
    "you know which ones of the bank they are, so hand that on."
)

SEARCH_CELLS = Exercise(
    id="05.3",
    task="The nearest vector among those of the probed cells: its distance and its index.",
    reference=_search_cells,
    cases=_cells_cases,
    mistakes=(
        Mistake(
            "squared",
            "The right vectors, but the distances are squared, as FAISS gives them. Here they are to be distances.",
            _squared,
        ),
        Mistake(
            "one cell only",
            "Right for one probe, wrong for two: only the nearest cell is looked into. Which others has `nprobe` "
            "asked for?",
            _one_cell,
        ),
        Mistake(
            "all cells",
            "That is the exact search: all vectors were looked at, also those of cells that aren't probed. It finds "
            "more than it should, and saves nothing.",
            _all_cells,
        ),
        Mistake(
            "farthest cells",
            "You look into the cells that are farthest from the patch. `argsort` goes from small to large: at which "
            "end are the nearest centroids?",
            _farthest_cells,
        ),
        Mistake("place in cell", PLACE, partial(_place_for_index, among="cell")),
        Mistake("place among the probed", PLACE, partial(_place_for_index, among="bank")),
        Mistake("place among the probed", PLACE, partial(_place_for_index, among="probing")),
        Mistake(
            "last cell wins",
            "With several probes each cell's result replaces the one before, also where it is farther. What should "
            "a later cell be compared with?",
            _last_cell_wins,
        ),
    ),
    hints=(
        "Two steps. Before any patch comes: which centroid is nearest to each vector? Then for each patch: which "
        "centroids are nearest to it, and which vectors belong to them?",
        "`np.argsort` of a patch's distances to the centroids, cut off after `nprobe`, names the cells. "
        "`np.flatnonzero(np.isin(cell_of, cells))` names their vectors by their index in the bank.",
        "For each patch: `members` as above; if there are none, infinity and -1; else `to_members = "
        "np.linalg.norm(vectors[members] - patch, axis=1)`, and `members[to_members.argmin()]` is the index.",
    ),
    praise="That is IVF: a first look at the centroids, a second at a few cells, and now and then a miss at a border.",
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


def _old_ones_lost(invlists: InvertedLists, centroids: Array, new: Array) -> list[list[int]]:
    return [grown[len(cell) :] for grown, cell in zip(_add_later(invlists, centroids, new), invlists, strict=True)]


def _cell_of_their_own(invlists: InvertedLists, centroids: Array, new: Array) -> list[list[int]]:
    first = sum(map(len, invlists))
    return [*(list(cell) for cell in invlists), list(range(first, first + len(new)))]


def _vectors_for_indices(invlists: InvertedLists, centroids: Array, new: Array) -> list[list]:
    grown: list[list] = [list(cell) for cell in invlists]
    for k, vector in zip(squared_distances(new, centroids).argmin(axis=1), new, strict=True):
        grown[k].append(vector)
    return grown


NO_INDEX = "a cell with something that isn't an index"
INNER_LISTS = (
    "Your function changes what it is given. If you copied `invlists`, by `list(invlists)` or `.copy()`, then only the "
    "outer list is new: its inner lists are still the same objects. Copy each of those: "
    "`[list(cell) for cell in invlists]`."
)


def _in_order(answer: Any, invlists: Any = None, *_: Any) -> Any:
    """Return the cells with their indices sorted; refuse an answer that changed the inner lists it was given."""
    if invlists is not None and not any(invlists == case[0] for case in _add_cases()):
        raise Refused(Verdict(MISTAKE, INNER_LISTS, "inner lists shared"))
    try:
        cells = [_sorted_indices(cell) for cell in answer]
    except TypeError:
        return answer
    return NO_INDEX if any(cell is None for cell in cells) else cells


def _sorted_indices(cell: Any) -> list[int] | None:
    """Return the indices of a cell, sorted; None if it contains anything else."""
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
    task="The cells with new vectors in them: centroids stay, new indices follow the old ones.",
    reference=_add_later,
    cases=_add_cases,
    observe=_in_order,
    mistakes=(
        Mistake(
            "from zero again",
            "The cells are right, but the new vectors are numbered from 0 again, so that two have the same index. How "
            "many are there already?",
            _from_zero,
        ),
        Mistake(
            "one too far",
            "One index is left out: indices begin at 0, so with N vectors the last one is N - 1. Which comes next?",
            _one_too_far,
        ),
        Mistake(
            "place as number",
            "The new vectors got the length of their cell for an index. An index counts over the whole bank: what is "
            "the next free one?",
            _place_as_number,
        ),
        Mistake(
            "old ones lost",
            "Only the new vectors are in the cells: those that were there before are lost.",
            _old_ones_lost,
        ),
        Mistake(
            "a cell of their own",
            "The new vectors came into a cell of their own, which has no centroid, so that no search will ever look "
            "there. To which centroid is each the nearest?",
            _cell_of_their_own,
        ),
        Mistake(
            "vectors for indices",
            "A cell holds something that isn't an index: the new vector itself, or a part of it. Cells hold whole "
            "numbers that say which vectors of the bank are theirs.",
            _vectors_for_indices,
        ),
    ),
    hints=(
        "The centroids stay as they are. For each new vector: which one is nearest? And which index does it get?",
        "The first free index is the number of all vectors so far, `sum(len(cell) for cell in invlists)`.",
        "Copy the cells, `grown = [list(cell) for cell in invlists]`, then for the i-th new vector append `first + i` "
        "to the cell of its nearest centroid.",
    ),
    praise="Nothing was trained again and nothing moved: that is why a bank can grow while it is in use.",
)
