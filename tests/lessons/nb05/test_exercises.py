"""Exercises of notebook 05: right answers pass however they are written, typical mistakes get their own hints."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable

import jupytext
import lesson_cells as lessons
import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from aitex_utils.lessons import judge
from aitex_utils.lessons.nb05 import reference
from aitex_utils.lessons.nb05.exercises import EXERCISES
from aitex_utils.memory_bank import MemoryBank

BY_ID = {exercise.id: exercise for exercise in EXERCISES}
NAMES = {
    "05.1": "exact_search",
    "05.2": "recall_at_one",
    "05.3": "search_cells",
    "05.4": "encode",
    "05.5": "add_later",
    "05.6": "recall_of_cells",
}


@pytest.fixture(scope="module")
def solutions() -> dict[str, Callable]:
    return lessons.functions(lessons.builder.solved, NAMES)


# Right answers, written in other ways.


def search_by_cdist(patches, vectors):
    distances = cdist(patches, vectors)
    return distances.min(1), distances.argmin(1)


def search_by_loop(patches, vectors):
    results = []
    for p in patches:
        distances = [float(np.linalg.norm(p - m)) for m in vectors]
        results.append((min(distances), distances.index(min(distances))))
    return [d for d, _ in results], [i for _, i in results]


def search_by_torch(patches, vectors):
    p, m = torch.from_numpy(patches), torch.from_numpy(vectors)
    squares = p.square().sum(1, keepdim=True) + m.square().sum(1) - 2 * p @ m.T
    best = squares.min(dim=1)
    return best.values.clamp(min=0).sqrt(), best.indices


def search_by_the_bank(patches, vectors):
    distances, indices = MemoryBank().add(vectors).search(patches)
    return distances[:, 0], indices[:, 0]


def recall_by_loop(patches, vectors, indices, exact_indices):
    hits = 0
    for p, i, e in zip(patches, indices, exact_indices, strict=True):
        if i != -1:
            hits += np.linalg.norm(p - vectors[i]) <= np.linalg.norm(p - vectors[e]) * 1.00001
    return hits / len(patches)


def recall_by_isclose(patches, vectors, indices, exact_indices):
    distances, exact = (((patches - vectors[rows]) ** 2).sum(1) ** 0.5 for rows in (indices, exact_indices))
    return np.mean(np.isclose(distances, exact, rtol=1e-5, atol=0) & (indices != -1))


def cells_by_lists(patches, vectors, centroids, nprobe):
    lists = [[] for _ in centroids]
    for i, v in enumerate(vectors):
        lists[int(np.argmin(((centroids - v) ** 2).sum(1)))].append(i)
    distances, indices = [], []
    for p in patches:
        smallest, index = float("inf"), -1
        for cell in np.argsort(((centroids - p) ** 2).sum(1))[:nprobe]:
            for i in lists[cell]:
                distance = float(np.sqrt(((vectors[i] - p) ** 2).sum()))
                if distance < smallest:
                    smallest, index = distance, i
        distances.append(smallest)
        indices.append(index)
    return distances, indices


def cells_by_mask(patches, vectors, centroids, nprobe):
    cell_of, order = cdist(vectors, centroids).argmin(1), cdist(patches, centroids).argsort(1)
    distances = cdist(patches, vectors)
    for i in range(len(patches)):
        distances[i, ~np.isin(cell_of, order[i, :nprobe])] = np.inf
    smallest = distances.min(1)
    return smallest, np.where(np.isinf(smallest), -1, distances.argmin(1))


def encode_by_loop(vectors, codebooks):
    parts, entries, width = codebooks.shape
    codes = np.zeros((len(vectors), parts), dtype=np.uint8)
    for i, v in enumerate(vectors):
        for s in range(parts):
            run = v[s * width : (s + 1) * width]
            codes[i, s] = np.argmin([np.sum((codebooks[s, j] - run) ** 2) for j in range(entries)])
    return codes, codes.size + 4 * codebooks.size


def encode_by_cdist(vectors, codebooks):
    pieces = np.split(vectors, len(codebooks), axis=1)
    codes = np.array([cdist(p, b).argmin(1) for p, b in zip(pieces, codebooks, strict=True)], dtype="uint8").T
    return torch.from_numpy(codes), int(codes.nbytes + codebooks.nbytes)


def add_by_loop(invlists, centroids, new):
    grown, n = [list(cell) for cell in invlists], sum(map(len, invlists))
    for v in new:
        grown[np.linalg.norm(centroids - v, axis=1).argmin()].append(n)
        n += 1
    return grown


def add_as_arrays(invlists, centroids, new):
    n, nearest = sum(len(cell) for cell in invlists), cdist(new, centroids).argmin(1)
    return [np.concatenate([np.array(c, int), n + np.flatnonzero(nearest == k)]) for k, c in enumerate(invlists)]


def repaired_by_loop(distances, is_searched):
    hits = 0
    for row, searched in zip(distances, is_searched, strict=True):
        hits += bool(searched.any()) and row[searched].min() <= row.min() * 1.00001
    return hits / len(distances)


def repaired_by_mask(distances, is_searched):
    ties = np.isclose(distances, distances.min(axis=1, keepdims=True), rtol=1e-5, atol=0)
    return torch.from_numpy((ties & is_searched).any(axis=1)).double().mean()


RIGHT = {
    "05.1": (search_by_cdist, search_by_loop, search_by_torch, search_by_the_bank),
    "05.2": (recall_by_loop, recall_by_isclose),
    "05.3": (cells_by_lists, cells_by_mask),
    "05.4": (encode_by_loop, encode_by_cdist),
    "05.5": (add_by_loop, add_as_arrays),
    "05.6": (repaired_by_loop, repaired_by_mask),
}


@pytest.mark.parametrize(("number", "answer"), [(n, f) for n, answers in RIGHT.items() for f in answers])
def test_a_right_answer_passes_however_it_is_written(number: str, answer: Callable):
    verdict = judge(BY_ID[number], answer)
    assert verdict.passed, verdict.message


# Wrong answers, as a learner would type them.


def search_with(factor=2, own=True, floor=True, root=True, axis=1):
    def answer(patches, vectors):
        squares = np.sum(vectors**2, axis=1) - factor * patches @ vectors.T
        if own:
            squares = squares + np.sum(patches**2, axis=1, keepdims=True)
        if floor:
            squares = np.maximum(squares, 0)
        smallest = squares.min(axis=axis)
        return (np.sqrt(smallest) if root else smallest), squares.argmin(axis=axis)

    return answer


def search_without_own_norm_clipped_last(patches, vectors):
    squares = (vectors**2).sum(1) - 2 * patches @ vectors.T
    return np.sqrt(np.maximum(squares.min(1), 0)), squares.argmin(1)


def search_all_rooted(patches, vectors):
    squares = (patches**2).sum(1)[:, None] - 2 * np.dot(patches, vectors.T) + (vectors**2).sum(1)[None]
    distances = np.sqrt(squares)
    return np.amin(distances, 1), np.argmin(distances, 1)


def largest_product(patches, vectors):
    i = np.argmax(patches @ vectors.T, axis=1)
    return np.sqrt(((patches - vectors[i]) ** 2).sum(1)), i


def recall_with(score):
    def answer(patches, vectors, indices, exact_indices):
        distances = np.linalg.norm(patches - vectors[indices], axis=1)
        exact = np.linalg.norm(patches - vectors[exact_indices], axis=1)
        return score(distances, exact, indices)

    return answer


def cells_with(probe=lambda nprobe, nlist: nprobe, local=False, last=False, square=False):
    def answer(patches, vectors, centroids, nprobe):
        cell_of = cdist(vectors, centroids).argmin(axis=1)
        distances, indices = np.full(len(patches), np.inf), np.full(len(patches), -1)
        for i, p in enumerate(patches):
            probed = np.argsort(np.linalg.norm(centroids - p, axis=1))[: probe(nprobe, len(centroids))]
            smallest = np.inf
            for cell in probed:
                members = np.where(cell_of == cell)[0]
                if len(members) == 0:
                    continue
                to_members = np.linalg.norm(vectors[members] - p, axis=1)
                if to_members.min() < smallest or last:
                    smallest = to_members.min()
                    distances[i] = smallest**2 if square else smallest
                    indices[i] = to_members.argmin() if local else members[to_members.argmin()]
        return distances, indices

    return answer


def cells_among(join):
    def answer(patches, vectors, centroids, nprobe):
        cell_of = cdist(vectors, centroids).argmin(axis=1)
        distances, indices = np.full(len(patches), np.inf), np.full(len(patches), -1)
        for i, p in enumerate(patches):
            probed = np.argsort(np.linalg.norm(centroids - p, axis=1))[:nprobe]
            members = vectors[join(cell_of, probed)]
            if len(members):
                to_members = np.linalg.norm(members - p, axis=1)
                distances[i], indices[i] = to_members.min(), to_members.argmin()
        return distances, indices

    return answer


def in_bank_order(cell_of, probed):
    return np.isin(cell_of, probed)


def in_probing_order(cell_of, probed):
    return np.concatenate([np.flatnonzero(cell_of == cell) for cell in probed])


def cells_from_the_far_end(patches, vectors, centroids, nprobe):
    cell_of = cdist(vectors, centroids).argmin(1)
    is_probed = [np.isin(cell_of, np.argsort(-row)[:nprobe]) for row in cdist(patches, centroids)]
    distances = np.where(is_probed, cdist(patches, vectors), np.inf)
    return distances.min(axis=1), np.where(np.isinf(distances.min(axis=1)), -1, distances.argmin(axis=1))


def encode_with(part=None, book=lambda books, s: books[s], pick=None, dtype=np.uint8, size=None, axis=1):
    part = part or (lambda v, s, width, parts: v[:, s * width : (s + 1) * width])
    pick = pick or (lambda run, entries: cdist(run, entries).argmin(axis=1))

    def answer(vectors, codebooks):
        parts, _, width = codebooks.shape
        columns = [pick(part(vectors, s, width, parts), book(codebooks, s)) for s in range(parts)]
        codes = np.stack(columns, axis=axis).astype(dtype)
        return codes, (size or (lambda c, b: c.nbytes + b.nbytes))(codes, codebooks)

    return answer


def add_with(number, keep=True):
    def answer(invlists, centroids, new):
        grown = [list(cell) if keep else [] for cell in invlists]
        for i, v in enumerate(new):
            k = int(np.argmin(((centroids - v) ** 2).sum(axis=1)))
            grown[k].append(number(invlists, grown, k, i))
        return grown

    return answer


def add_the_vectors(invlists, centroids, new):
    grown = [list(cell) for cell in invlists]
    for v in new:
        grown[np.linalg.norm(centroids - v, axis=1).argmin()].append(v)
    return grown


def add_the_vectors_as_lists(invlists, centroids, new):
    grown = [cell.copy() for cell in invlists]
    for v, k in zip(new, cdist(new, centroids).argmin(axis=1), strict=True):
        grown[k] += [v.tolist()]
    return grown


def add_own_cell(invlists, centroids, new):
    n = sum(len(cell) for cell in invlists)
    return list(invlists) + [[n + i for i in range(len(new))]]


def swapped(answer):
    return lambda *arguments: tuple(reversed(answer(*arguments)))


def cells_with_empty(distance, index):
    """Return other values than infinity and -1 where all probed cells are empty."""

    def answer(*arguments):
        distances, indices = cells_by_lists(*arguments)
        empty = [i == -1 for i in indices]
        distances = [distance if e else d for d, e in zip(distances, empty, strict=True)]
        return distances, [index if e else i for i, e in zip(indices, empty, strict=True)]

    return answer


def cells_by_masked_argmin(patches, vectors, centroids, nprobe):
    cell_of, order = cdist(vectors, centroids).argmin(1), cdist(patches, centroids).argsort(1)
    distances = cdist(patches, vectors)
    for i in range(len(patches)):
        distances[i, ~np.isin(cell_of, order[i, :nprobe])] = np.inf
    return distances.min(1), distances.argmin(1)


def cells_in_lists_without_empty(patches, vectors, centroids, nprobe):
    lists = {int(k): np.flatnonzero(cdist(vectors, centroids).argmin(1) == k) for k in range(len(centroids))}
    full = [k for k, members in lists.items() if len(members)]
    distances, indices = [], []
    for p in patches:
        probed = sorted(full, key=lambda k: np.linalg.norm(centroids[k] - p))[:nprobe]
        members = np.concatenate([lists[k] for k in probed])
        to_members = np.linalg.norm(vectors[members] - p, axis=1)
        distances.append(to_members.min())
        indices.append(members[to_members.argmin()])
    return np.array(distances), np.array(indices)


def flawed_recall(distances, is_searched):
    distances = np.where(is_searched, distances, np.inf)
    found, nearest = distances.min(axis=1), distances.min(axis=1)
    return float((found <= nearest * (1 + 1e-5)).mean())


def flawed_without_empty(distances, is_searched):
    distances = np.where(is_searched, distances, np.inf)
    found, nearest = distances.min(axis=1), distances.min(axis=1)
    return ((found <= nearest * (1 + 1e-5)) & np.isfinite(found)).mean()


def repaired_without_empty(distances, is_searched):
    found, nearest = np.where(is_searched, distances, np.inf).min(axis=1), distances.min(axis=1)
    kept = np.isfinite(found)
    return (found[kept] <= nearest[kept] * (1 + 1e-5)).mean()


def repaired_by_argmin(distances, is_searched):
    return (np.where(is_searched, distances, np.inf).argmin(axis=1) == distances.argmin(axis=1)).mean()


WRONG = [
    ("05.1", "results swapped", swapped(search_by_cdist)),
    ("05.1", "results swapped", swapped(search_by_loop)),
    ("05.1", "squared", search_with(root=False)),
    ("05.1", "not a number", search_with(floor=False)),
    ("05.1", "not a number", search_all_rooted),
    ("05.1", "factor forgotten", search_with(factor=1)),
    ("05.1", "largest product", largest_product),
    ("05.1", "own norm forgotten", search_with(own=False)),
    ("05.1", "own norm forgotten", search_with(own=False, floor=False)),
    ("05.1", "own norm forgotten", search_without_own_norm_clipped_last),
    ("05.1", "wrong axis", search_with(axis=0)),
    ("05.2", "same index only", lambda patches, vectors, indices, exact_indices: np.mean(indices == exact_indices)),
    ("05.2", "missing counted", recall_with(lambda d, exact, i: np.mean(d <= exact * 1.00001))),
    ("05.2", "no tolerance", recall_with(lambda d, exact, i: np.mean((d <= exact) & (i >= 0)))),
    *(
        ("05.2", "large tolerance", recall_with(lambda d, exact, i, t=t: np.mean((d <= exact * (1 + t)) & (i >= 0))))
        for t in (1e-4, 1e-3, 0.01)
    ),
    *(
        ("05.2", "absolute tolerance", recall_with(lambda d, exact, i, t=t: np.mean((d <= exact + t) & (i >= 0))))
        for t in (1e-5, 1e-4)
    ),
    (
        "05.2",
        "absolute tolerance",
        recall_with(lambda d, exact, i: np.mean(np.isclose(d, exact, rtol=0, atol=1e-5) & (i != -1))),
    ),
    (
        "05.2",
        "divided by those found",
        recall_with(lambda d, exact, i: np.mean(d[i >= 0] <= exact[i >= 0] * 1.00001)),
    ),
    (
        "05.2",
        "divided by the bank",
        lambda p, v, i, e: np.sum((cdist(p, v)[range(len(p)), i] <= cdist(p, v).min(1) * 1.00001) & (i >= 0)) / len(v),
    ),
    ("05.2", "misses", recall_with(lambda d, exact, i: np.mean((d > exact * 1.00001) | (i < 0)))),
    ("05.2", "count", recall_with(lambda d, exact, i: np.sum((d <= exact * 1.00001) & (i >= 0)))),
    ("05.3", "results swapped", swapped(cells_by_lists)),
    ("05.3", "empty cells", cells_by_masked_argmin),
    *(
        ("05.3", "empty cells", cells_with_empty(d, i))
        for d, i in ((0.0, 0), (0.0, -1), (-1.0, -1), (float("nan"), -1), (-np.inf, -1))
    ),
    ("05.3", "empty cells skipped", cells_in_lists_without_empty),
    ("05.3", "squared", cells_with(square=True)),
    ("05.3", "one cell only", cells_with(lambda nprobe, nlist: 1)),
    ("05.3", "all cells", cells_with(lambda nprobe, nlist: nlist)),
    ("05.3", "all cells", lambda patches, vectors, centroids, nprobe: search_by_cdist(patches, vectors)),
    ("05.3", "place in cell", cells_with(local=True)),
    ("05.3", "place among the probed", cells_among(in_bank_order)),
    ("05.3", "place among the probed", cells_among(in_probing_order)),
    ("05.3", "last cell wins", cells_with(last=True)),
    ("05.3", "farthest cells", cells_from_the_far_end),
    ("05.4", "type left as it was", encode_with(dtype=np.int64, size=lambda c, b: c.size + b.nbytes)),
    ("05.4", "type left as it was", encode_with(dtype=np.int32, size=lambda c, b: c.size + 4 * b.size)),
    ("05.4", "results swapped", swapped(encode_by_loop)),
    ("05.4", "size for bytes", encode_with(size=lambda codes, books: codes.size + books.size)),
    ("05.4", "size for bytes", encode_with(size=lambda codes, books: codes.nbytes + books.size)),
    ("05.4", "bits for bytes", encode_with(size=lambda codes, books: 8 * (codes.nbytes + books.nbytes))),
    ("05.4", "codebooks not counted", encode_with(size=lambda codes, books: codes.nbytes)),
    ("05.4", "codes too wide", encode_with(dtype=np.int64)),
    ("05.4", "one codebook for all", encode_with(book=lambda books, s: books[0])),
    ("05.4", "interleaved", encode_with(lambda v, s, width, parts: v[:, s::parts])),
    ("05.4", "turned", encode_with(axis=0)),
    ("05.4", "largest product", encode_with(pick=lambda run, entries: (run @ entries.T).argmax(axis=1))),
    ("05.5", "from zero again", add_with(lambda invlists, grown, k, i: i)),
    ("05.5", "one too far", add_with(lambda invlists, grown, k, i: sum(map(len, invlists)) + i + 1)),
    ("05.5", "place as number", add_with(lambda invlists, grown, k, i: len(grown[k]))),
    ("05.5", "old indices lost", add_with(lambda invlists, grown, k, i: sum(map(len, invlists)) + i, keep=False)),
    ("05.5", "a cell of their own", add_own_cell),
    ("05.5", "vectors for indices", add_the_vectors),
    ("05.5", "vectors for indices", add_the_vectors_as_lists),
    ("05.6", "flaw as planted", flawed_recall),
    ("05.6", "flaw as planted", lambda distances, is_searched: 1),
    ("05.6", "compared with itself", flawed_without_empty),
    ("05.6", "empty left out", repaired_without_empty),
    ("05.6", "same index only", repaired_by_argmin),
    ("05.6", "share searched", lambda distances, is_searched: np.mean(is_searched)),
    ("05.6", "misses", lambda distances, is_searched: 1 - repaired_by_loop(distances, is_searched)),
    ("05.6", "count", lambda distances, is_searched: repaired_by_loop(distances, is_searched) * len(distances)),
]


@pytest.mark.parametrize(("number", "name", "answer"), WRONG, ids=lambda v: v if isinstance(v, str) else "")
def test_a_typical_wrong_answer_draws_its_own_hint(number: str, name: str, answer: Callable):
    lessons.draws_its_own_hint(BY_ID[number], name, answer)


def test_every_mistake_is_made_by_hand_above():
    assert {(n, m) for n, m, _ in WRONG} == {(e.id, m.name) for e in EXERCISES for m in e.mistakes}


def test_the_tolerance_for_products_lets_no_other_vector_through():
    def second_nearest(patches, vectors):
        distances = cdist(patches, vectors)
        return distances.min(1), distances.argsort(1)[:, 1]

    assert not judge(BY_ID["05.1"], second_nearest).passed
    assert not judge(BY_ID["05.1"], lambda p, v: (cdist(p, v).min(1) + 0.3, cdist(p, v).argmin(1))).passed


def test_a_third_result_is_not_accepted():
    assert not judge(BY_ID["05.1"], lambda p, v: (*search_by_cdist(p, v), 0)).passed


def test_the_lists_that_were_given_must_not_be_changed():
    def grows_its_argument(invlists, centroids, new):
        n = sum(map(len, invlists))
        for i, v in enumerate(new):
            invlists[np.linalg.norm(centroids - v, axis=1).argmin()].append(n + i)
        return invlists

    def copies_the_outer_list(invlists, centroids, new):
        return grows_its_argument(list(invlists), centroids, new)

    for answer in (grows_its_argument, copies_the_outer_list):
        verdict = judge(BY_ID["05.5"], answer)
        assert verdict.mistake == "inner lists shared" and "`[list(cell) for cell in invlists]`" in verdict.message
    assert "changes" in judge(BY_ID["05.5"], lambda invlists, *_: invlists.append([]) or invlists).message


def test_indices_can_be_floats_or_columns_but_must_be_whole():
    assert judge(BY_ID["05.5"], lambda *given: [[float(i) for i in c] for c in add_by_loop(*given)]).passed
    assert judge(BY_ID["05.5"], lambda *given: [np.array(c, int)[:, None] for c in add_by_loop(*given)]).passed
    assert not judge(BY_ID["05.5"], lambda *given: [[i + 0.5 for i in c] for c in add_by_loop(*given)]).passed


def test_codes_in_a_list_take_more_than_a_byte_each():
    def in_lists(vectors, codebooks):
        codes, size = encode_by_loop(vectors, codebooks)
        return codes.tolist(), size

    assert judge(BY_ID["05.4"], in_lists).mistake == "type left as it was"


def test_the_exact_indices_of_the_cases_are_exact():
    for patches, vectors, _, exact_indices in BY_ID["05.2"].cases():
        distances = cdist(patches, vectors)
        assert (distances[range(len(patches)), exact_indices] == distances.min(axis=1)).all()


def test_float_indices_are_refused_because_they_cannot_index():
    def in_floats(answer):
        return lambda *given: (answer(*given)[0], np.asarray(answer(*given)[1], float))

    for number, answer in (("05.1", search_by_cdist), ("05.3", cells_by_mask)):
        verdict = judge(BY_ID[number], in_floats(answer))
        assert verdict.mistake == "float indices" and "astype(int)" in verdict.message


def test_a_wrong_second_result_is_the_second_of_two():
    message = judge(BY_ID["05.4"], lambda *given: (encode_by_loop(*given)[0], 7)).message
    assert "Of the 2 returned values, value 2 is wrong" in message


def test_the_flawed_function_of_the_notebook_has_the_planted_flaw():
    (cell,) = (
        cell.source for cell in lessons.builder.solved(lessons.source_of("05")).cells if "def flawed" in cell.source
    )
    start = cell.index("def flawed_recall")
    flawed = lessons.defined(cell[start : cell.index("\n\n\n", start)], "flawed_recall", {"np": np})
    assert judge(BY_ID["05.6"], flawed).mistake == "flaw as planted"


# The notebook's code agrees with the module and with FAISS.


@pytest.mark.parametrize("number", NAMES)
def test_the_course_s_function_passes_and_has_the_arguments_of_the_exercise(solutions: dict, number: str):
    function = getattr(reference, NAMES[number])
    assert judge(BY_ID[number], function).passed
    assert list(inspect.signature(function).parameters) == list(inspect.signature(solutions[number]).parameters)


def test_the_notebook_s_exact_search_is_the_bank_s(solutions: dict):
    rng = np.random.default_rng(0)
    vectors, patches = (rng.normal(size=(n, 12)).astype(np.float32) for n in (500, 80))
    distances, indices = solutions["05.1"](patches, vectors)
    bank_distances, bank_indices = search_by_the_bank(patches, vectors)
    np.testing.assert_allclose(distances, bank_distances, rtol=1e-4)
    np.testing.assert_array_equal(indices, bank_indices)


def invlists_of(index) -> list[list[int]]:
    """Return the inverted lists of a FAISS index, sorted."""
    import faiss

    lists, cells = index.invlists, range(index.nlist)
    return [sorted(faiss.rev_swig_ptr(lists.get_ids(k), lists.list_size(k)).tolist()) for k in cells]


def test_the_notebook_s_cells_are_those_of_faiss(solutions: dict):
    import faiss

    rng = np.random.default_rng(0)
    vectors, patches = (rng.normal(size=(n, 8)).astype(np.float32) for n in (2000, 100))
    index = faiss.IndexIVFFlat(faiss.IndexFlatL2(8), 8, 20)
    index.train(vectors)
    index.add(vectors)
    centroids = index.quantizer.reconstruct_n(0, 20)
    for nprobe in (1, 4, 20):
        index.nprobe = nprobe
        faiss_squares, faiss_indices = index.search(patches, 1)
        distances, indices = solutions["05.3"](patches, vectors, centroids, nprobe)
        np.testing.assert_allclose(distances, np.sqrt(faiss_squares[:, 0]), rtol=1e-4)
        np.testing.assert_array_equal(indices, faiss_indices[:, 0])
    grown = solutions["05.5"](invlists_of(index), centroids, patches)
    index.add(patches)
    assert [sorted(map(int, cell)) for cell in grown] == invlists_of(index)


def test_the_notebook_s_codes_are_those_of_faiss(solutions: dict):
    import faiss

    vectors = np.random.default_rng(0).normal(size=(1000, 12)).astype(np.float32)
    index = faiss.IndexPQ(12, 3, 8)
    index.train(vectors)
    index.add(vectors)
    codebooks = faiss.vector_to_array(index.pq.centroids).reshape(3, 256, 4)
    codes, size = solutions["05.4"](vectors, codebooks)
    assert (codes == faiss.vector_to_array(index.codes).reshape(1000, 3)).mean() > 0.999  # ties by rounding
    assert 0 <= faiss.serialize_index(index).nbytes - size < 200  # and a header


def test_the_notebook_s_recall_is_one_for_the_exact_search(solutions: dict):
    rng = np.random.default_rng(0)
    vectors, patches = (rng.normal(size=(n, 8)).astype(np.float32) for n in (300, 50))
    exact_indices = cdist(patches, vectors).argmin(1)
    assert solutions["05.2"](patches, vectors, exact_indices, exact_indices) == 1
    indices = np.where(np.arange(50) < 20, -1, exact_indices)
    assert solutions["05.2"](patches, vectors, indices, exact_indices) == pytest.approx(0.6)


# The claims of the text agree with the results that it quotes.

CLAIMS = {
    "The coreset rarely finds the nearest vector": lambda kinds, sizes: (
        min(kinds, key=lambda k: kinds[k]["recall"]) == "coreset" and kinds["coreset"]["recall"] < 0.2
    ),
    "IVF with `nprobe` 8 nearly always does": lambda kinds, sizes: kinds["ivf_8"]["recall"] > 0.95,
    "Both intervals contain 0": lambda kinds, sizes: all(
        kinds[kind]["low"] <= 0 <= kinds[kind]["high"] for kind in ("coreset", "ivf_8")
    ),
    "has a higher recall@1 than this IVF index, and still loses AUROC": lambda kinds, sizes: (
        kinds["hnsw_64"]["recall"] > kinds["ivf_8"]["recall"] and kinds["hnsw_64"]["high"] < 0
    ),
    "With `efSearch` 16, it loses more": lambda kinds, sizes: (
        kinds["hnsw_16"]["tile_auroc"] < kinds["hnsw_64"]["tile_auroc"] and kinds["hnsw_16"]["high"] < 0
    ),
    "PQ loses AUROC on average": lambda kinds, sizes: all(
        kinds[kind]["tile_auroc"] < kinds["flat"]["tile_auroc"] for kind in ("pq_19", "pq_19_true")
    ),
    "it is the fastest of the three": lambda kinds, sizes: (
        sizes["sizes"][0] == 1000 and sizes["flat"][0] < min(sizes["ivf_8"][0], sizes["hnsw_16"][0])
    ),
    "a flat search of 1,024 patches alone takes more than the limit": lambda kinds, sizes: (
        sizes["sizes"][4] == 180_000
        and 1.024 * sizes["flat"][4] / 10 > 10 > 1.024 * (sizes["ivf_8"][4] + sizes["extraction"]) / 10
    ),
    "or if the limit were 300 ms": lambda kinds, sizes: 1.024 * (sizes["flat"][4] + sizes["extraction"]) < 300,
    "HNSW is about as fast": lambda kinds, sizes: 0.8 < sizes["hnsw_16"][4] / sizes["ivf_8"][4] < 1.2,
    "has only about 2,000": lambda kinds, sizes: sizes["as_long_as_extraction"] > 2000,
}  # words of the text: what must hold of the kinds of index and the sizes measured on AITEX


@pytest.mark.parametrize("words", CLAIMS)
def test_claims_about_aitex_agree_with_the_results(words: str):
    cells = jupytext.read(lessons.source_of("05")).cells
    text = " ".join(" ".join(cell.source for cell in cells if cell.cell_type == "markdown").split())
    assert words in text, "the text changed: check the new claim against the results, and test that one"
    results = json.loads((lessons.builder.BENCHMARKS / "results" / "notebook_05.json").read_text(encoding="utf-8"))
    assert CLAIMS[words](results["kinds"], results["sizes"])
