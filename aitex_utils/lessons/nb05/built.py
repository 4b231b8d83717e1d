"""Right and typical wrong answers to exercises 05.3 to 05.5, and what they are tried on; see `nb05_indexes.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from aitex_utils.lessons.engine.compare import MISTAKE, Refused, Verdict

from .answers import Found, squares_between

# 05.3 -----------------------------------------------------------------------------------------------------------------


def cellular() -> list[tuple]:
    rng = np.random.default_rng(7)
    line = np.array([[0.0], [1.0], [4.5], [5.2], [9.0]])
    hand = np.array([[4.9], [0.2]]), line, np.array([[2.0], [8.0]])
    vectors = rng.normal(size=(60, 3))
    centroids = vectors[rng.choice(60, 8, replace=False)] + 0.1
    patches = rng.normal(size=(40, 3))
    with_empty = np.concatenate([centroids, [[9.0, 9.0, 9.0]]])
    far = np.concatenate([patches[:6], [[8.5, 9.0, 9.0]]])
    return [(*hand, 1), (*hand, 2), (patches, vectors, centroids, 2), (far, vectors, with_empty, 1)]


def _cells(patches: np.ndarray, vectors: np.ndarray, centroids: np.ndarray, probes: int) -> Found:
    """Which cell each vector is in (N,), and which cells each patch probes (n, probes), the nearest first."""
    order = np.argsort(squares_between(patches, centroids), axis=1, kind="stable")
    return squares_between(vectors, centroids).argmin(axis=1), order[:, :probes]


def search_cells(patches: np.ndarray, vectors: np.ndarray, centroids: np.ndarray, probes: int) -> Found:
    cell_of, probed = _cells(patches, vectors, centroids, probes)
    squares = squares_between(patches, vectors)
    allowed = (probed[:, :, None] == cell_of).any(axis=1)  # (n, N)
    squares = np.where(allowed, squares, np.inf)
    indices = np.where(allowed.any(axis=1), squares.argmin(axis=1), -1)
    return np.sqrt(squares.min(axis=1)), indices


def squared_in_cells(patches: np.ndarray, vectors: np.ndarray, centroids: np.ndarray, probes: int) -> Found:
    distances, indices = search_cells(patches, vectors, centroids, probes)
    return distances**2, indices


def one_cell(patches: np.ndarray, vectors: np.ndarray, centroids: np.ndarray, probes: int) -> Found:
    return search_cells(patches, vectors, centroids, 1)


def all_cells(patches: np.ndarray, vectors: np.ndarray, centroids: np.ndarray, probes: int) -> Found:
    return search_cells(patches, vectors, centroids, len(centroids))


def farthest_cells(patches: np.ndarray, vectors: np.ndarray, centroids: np.ndarray, probes: int) -> Found:
    cell_of, order = _cells(patches, vectors, centroids, len(centroids))
    allowed = (order[:, -probes:, None] == cell_of).any(axis=1)  # (n, N)
    squares = np.where(allowed, squares_between(patches, vectors), np.inf)
    return np.sqrt(squares.min(axis=1)), np.where(allowed.any(axis=1), squares.argmin(axis=1), -1)


def place_for_index(patches: np.ndarray, vectors: np.ndarray, centroids: np.ndarray, probes: int, among: str) -> Found:
    """The place of what was found in its cell, or among all probed ones: in the bank's order or in that of probing."""
    cell_of, probed = _cells(patches, vectors, centroids, probes)
    distances, indices = search_cells(patches, vectors, centroids, probes)
    places = np.full(len(patches), -1)
    for i in np.flatnonzero(indices >= 0):
        cells = [np.flatnonzero(cell_of == cell) for cell in probed[i]]
        if among == "cell":
            cells = [cell for cell in cells if indices[i] in cell]
        members = np.concatenate(cells)
        places[i] = np.flatnonzero((np.sort(members) if among == "bank" else members) == indices[i])[0]
    return distances, places


def last_cell(patches: np.ndarray, vectors: np.ndarray, centroids: np.ndarray, probes: int) -> Found:
    """What the last probed cell that holds anything gives, whatever those before it gave."""
    cell_of, probed = _cells(patches, vectors, centroids, probes)
    distances, indices = np.full(len(patches), np.inf), np.full(len(patches), -1)
    for i, patch in enumerate(patches):
        for cell in probed[i]:
            members = np.flatnonzero(cell_of == cell)
            if len(members):
                away = np.linalg.norm(vectors[members] - patch, axis=1)
                distances[i], indices[i] = away.min(), members[away.argmin()]
    return distances, indices


# 05.4 -----------------------------------------------------------------------------------------------------------------


def coded() -> list[tuple]:
    rng = np.random.default_rng(8)
    hand = np.array([[0, 1, 9, 9], [5, 5, 1, 0], [8, 1, 4, 6]], np.float32)
    books = np.array([[[0, 0], [5, 5], [9, 0]], [[9, 9], [0, 0], [5, 5]]], np.float32)
    vectors = rng.normal(size=(50, 12)).astype(np.float32)
    return [(hand, books), (vectors, rng.normal(size=(4, 16, 3)).astype(np.float32))]


def _codes(vectors: np.ndarray, codebooks: np.ndarray) -> np.ndarray:
    parts = vectors.reshape(len(vectors), len(codebooks), -1)  # (N, C) -> (N, S, C / S)
    return np.stack([squares_between(parts[:, s], book).argmin(axis=1) for s, book in enumerate(codebooks)], axis=1)


def encode(vectors: np.ndarray, codebooks: np.ndarray) -> tuple[np.ndarray, int]:
    codes = _codes(vectors, codebooks).astype(np.uint8)
    return codes, codes.nbytes + codebooks.nbytes


def books_not_counted(vectors: np.ndarray, codebooks: np.ndarray) -> tuple[np.ndarray, int]:
    codes, _ = encode(vectors, codebooks)
    return codes, codes.nbytes


def wide_codes(vectors: np.ndarray, codebooks: np.ndarray) -> tuple[np.ndarray, int]:
    codes = _codes(vectors, codebooks).astype(np.int64)
    return codes, codes.nbytes + codebooks.nbytes


def type_left(vectors: np.ndarray, codebooks: np.ndarray) -> tuple[np.ndarray, int]:
    return _codes(vectors, codebooks).astype(np.int64), encode(vectors, codebooks)[1]


def and_their_type(given: Any, *_: Any) -> Any:
    """Codes that are right in value may still be of a type that takes more than a byte each."""
    if not isinstance(given, tuple) or len(given) != 2:
        return given
    return (*given, np.asarray(given[0]).dtype == np.uint8)


def one_book(vectors: np.ndarray, codebooks: np.ndarray) -> tuple[np.ndarray, int]:
    return encode(vectors, np.repeat(codebooks[:1], len(codebooks), axis=0))


def interleaved(vectors: np.ndarray, codebooks: np.ndarray) -> tuple[np.ndarray, int]:
    step = len(codebooks)
    return encode(np.concatenate([vectors[:, s::step] for s in range(step)], axis=1), codebooks)


def turned(vectors: np.ndarray, codebooks: np.ndarray) -> tuple[np.ndarray, int]:
    codes, size = encode(vectors, codebooks)
    return codes.T, size


def largest_part(vectors: np.ndarray, codebooks: np.ndarray) -> tuple[np.ndarray, int]:
    parts = vectors.reshape(len(vectors), len(codebooks), -1)
    codes = np.einsum("nsd,skd->nsk", parts, codebooks).argmax(axis=2).astype(np.uint8)
    return codes, encode(vectors, codebooks)[1]


# 05.5 -----------------------------------------------------------------------------------------------------------------

Cells = Sequence[Sequence[int]]


def growing() -> list[tuple]:
    rng = np.random.default_rng(9)
    hand = [[0, 2], [1], []], np.array([[0.0], [10.0], [20.0]]), np.array([[9.0], [1.0], [12.0]])
    cells = [[3, 4, 9], [0], [1, 2, 7, 8], [5, 6]]
    return [hand, (cells, rng.normal(size=(4, 3)), rng.normal(size=(9, 3)))]


def add_later(cells: Cells, centroids: np.ndarray, new: np.ndarray, first: int | None = None) -> list[list[int]]:
    first = sum(len(cell) for cell in cells) if first is None else first
    nearest_cell = squares_between(new, centroids).argmin(axis=1)
    return [[*cell, *(first + np.flatnonzero(nearest_cell == k)).tolist()] for k, cell in enumerate(cells)]


def from_zero(cells: Cells, centroids: np.ndarray, new: np.ndarray) -> list[list[int]]:
    return add_later(cells, centroids, new, first=0)


def one_too_far(cells: Cells, centroids: np.ndarray, new: np.ndarray) -> list[list[int]]:
    return add_later(cells, centroids, new, first=sum(map(len, cells)) + 1)


def place_as_number(cells: Cells, centroids: np.ndarray, new: np.ndarray) -> list[list[int]]:
    grown = [list(cell) for cell in cells]
    for k in squares_between(new, centroids).argmin(axis=1):
        grown[k].append(len(grown[k]))
    return grown


def old_dropped(cells: Cells, centroids: np.ndarray, new: np.ndarray) -> list[list[int]]:
    return [grown[len(cell) :] for grown, cell in zip(add_later(cells, centroids, new), cells, strict=True)]


def cell_of_their_own(cells: Cells, centroids: np.ndarray, new: np.ndarray) -> list[list[int]]:
    first = sum(map(len, cells))
    return [*(list(cell) for cell in cells), list(range(first, first + len(new)))]


def vectors_for_indices(cells: Cells, centroids: np.ndarray, new: np.ndarray) -> list[list]:
    grown: list[list] = [list(cell) for cell in cells]
    for k, vector in zip(squares_between(new, centroids).argmin(axis=1), new, strict=True):
        grown[k].append(vector)
    return grown


NO_INDEX = "a cell with something that isn't an index"
INNER = (
    "Your function changes what it is given. If you copied `cells`, by `list(cells)` or `.copy()`, then only the outer "
    "list is new: its inner lists are still the same objects. Copy each of those: `[list(cell) for cell in cells]`."
)


def in_order(given: Any, cells: Any = None, *_: Any) -> Any:
    """The order within a cell doesn't matter; inner lists that were changed get a word of their own."""
    if cells is not None and not any(cells == case[0] for case in growing()):
        raise Refused(Verdict(MISTAKE, INNER, "inner lists shared"))
    try:
        found = [_plain_cell(cell) for cell in given]
    except TypeError:
        return given
    return NO_INDEX if any(cell is None for cell in found) else found


def _plain_cell(cell: Any) -> list[int] | None:
    """A cell's indices in order; None if it holds anything that isn't one."""
    try:
        numbers = np.asarray(cell)
    except ValueError:  # numbers and vectors side by side
        return None
    broken = numbers.dtype.kind == "f" and numbers.size and (numbers.ndim > 1 or (numbers % 1).any())
    if numbers.dtype.kind not in "iuf" or broken:
        return None
    return sorted(numbers.astype(int).ravel().tolist())
