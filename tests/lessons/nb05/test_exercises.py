"""Notebook 05: each typical wrong answer draws its own hint, right ones pass however they are written."""

from __future__ import annotations

import json
from collections.abc import Callable

import lesson_cells as lessons
import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from aitex_utils.lessons import judge
from aitex_utils.lessons.nb05.exercises import EXERCISES
from aitex_utils.memory_bank import MemoryBank

BY_ID = {exercise.id: exercise for exercise in EXERCISES}
NAMES = {
    "05.1": "nearest",
    "05.2": "recall_at_one",
    "05.3": "search_cells",
    "05.4": "encode",
    "05.5": "add_later",
}


@pytest.fixture(scope="module")
def solutions() -> dict[str, Callable]:
    return lessons.functions(lessons.builder.solved, NAMES)


# Right answers, written in other ways.


def nearest_by_cdist(patches, vectors):
    away = cdist(patches, vectors)
    return away.min(1), away.argmin(1)


def nearest_by_loop(patches, vectors):
    found = []
    for p in patches:
        away = [float(np.linalg.norm(p - m)) for m in vectors]
        found.append((min(away), away.index(min(away))))
    return [d for d, _ in found], [i for _, i in found]


def nearest_by_torch(patches, vectors):
    p, m = torch.from_numpy(patches), torch.from_numpy(vectors)
    squares = p.square().sum(1, keepdim=True) + m.square().sum(1) - 2 * p @ m.T
    best = squares.min(dim=1)
    return best.values.clamp(min=0).sqrt(), best.indices


def nearest_by_the_bank(patches, vectors):
    distances, indices = MemoryBank().add(vectors).nearest(patches)
    return distances[:, 0], indices[:, 0]


def recall_by_loop(patches, vectors, found, exact):
    hits = 0
    for p, f, e in zip(patches, found, exact, strict=True):
        if f != -1:
            hits += np.linalg.norm(p - vectors[f]) <= np.linalg.norm(p - vectors[e]) * 1.00001
    return hits / len(patches)


def recall_by_isclose(patches, vectors, found, exact):
    one, other = (((patches - vectors[i]) ** 2).sum(1) ** 0.5 for i in (found, exact))
    return np.mean(np.isclose(one, other, rtol=1e-5, atol=0) & (found != -1))


def cells_by_parts(patches, vectors, centroids, probes):
    """With lists of the cells' members, and the best so far."""
    lists = [[] for _ in centroids]
    for i, v in enumerate(vectors):
        lists[int(np.argmin(((centroids - v) ** 2).sum(1)))].append(i)
    distances, indices = [], []
    for p in patches:
        best, who = float("inf"), -1
        for cell in np.argsort(((centroids - p) ** 2).sum(1))[:probes]:
            for i in lists[cell]:
                away = float(np.sqrt(((vectors[i] - p) ** 2).sum()))
                if away < best:
                    best, who = away, i
        distances.append(best)
        indices.append(who)
    return distances, indices


def cells_by_mask(patches, vectors, centroids, probes):
    cell_of, order = cdist(vectors, centroids).argmin(1), cdist(patches, centroids).argsort(1)
    away = cdist(patches, vectors)
    for i in range(len(patches)):
        away[i, ~np.isin(cell_of, order[i, :probes])] = np.inf
    best = away.min(1)
    return best, np.where(np.isinf(best), -1, away.argmin(1))


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


def add_by_loop(cells, centroids, new):
    grown, n = [list(c) for c in cells], sum(map(len, cells))
    for v in new:
        grown[np.linalg.norm(centroids - v, axis=1).argmin()].append(n)
        n += 1
    return grown


def add_as_arrays(cells, centroids, new):
    n, to = sum(len(c) for c in cells), cdist(new, centroids).argmin(1)
    return [np.concatenate([np.array(c, int), n + np.flatnonzero(to == k)]) for k, c in enumerate(cells)]


RIGHT = {
    "05.1": (nearest_by_cdist, nearest_by_loop, nearest_by_torch, nearest_by_the_bank),
    "05.2": (recall_by_loop, recall_by_isclose),
    "05.3": (cells_by_parts, cells_by_mask),
    "05.4": (encode_by_loop, encode_by_cdist),
    "05.5": (add_by_loop, add_as_arrays),
}


@pytest.mark.parametrize(("number", "answer"), [(n, f) for n, all_ in RIGHT.items() for f in all_])
def test_a_right_answer_passes_however_it_is_written(number: str, answer: Callable):
    verdict = judge(BY_ID[number], answer)
    assert verdict.passed, verdict.told


# Wrong answers, as a learner would type them.


def nearest_with(times=2, own=True, floor=True, root=True, axis=1):
    def answer(patches, vectors):
        squares = np.sum(vectors**2, axis=1) - times * patches @ vectors.T
        if own:
            squares = squares + np.sum(patches**2, axis=1, keepdims=True)
        if floor:
            squares = np.maximum(squares, 0)
        best = squares.min(axis=axis)
        return (np.sqrt(best) if root else best), squares.argmin(axis=axis)

    return answer


def nearest_own_norm_forgotten_root_last(patches, vectors):
    squares = (vectors**2).sum(1) - 2 * patches @ vectors.T
    return np.sqrt(np.maximum(squares.min(1), 0)), squares.argmin(1)


def nearest_all_rooted(patches, vectors):
    squares = (patches**2).sum(1)[:, None] - 2 * np.dot(patches, vectors.T) + (vectors**2).sum(1)[None]
    away = np.sqrt(squares)
    return np.amin(away, 1), np.argmin(away, 1)


def largest_product(patches, vectors):
    i = np.argmax(patches @ vectors.T, axis=1)
    return np.sqrt(((patches - vectors[i]) ** 2).sum(1)), i


def recall_with(hit):
    def answer(patches, vectors, found, exact):
        one = np.linalg.norm(patches - vectors[found], axis=1)
        other = np.linalg.norm(patches - vectors[exact], axis=1)
        return hit(one, other, found)

    return answer


def cells_with(probe=lambda probes, k: probes, local="", last=False, square=False):
    def answer(patches, vectors, centroids, probes):
        cell_of = cdist(vectors, centroids).argmin(axis=1)
        distances, indices = np.full(len(patches), np.inf), np.full(len(patches), -1)
        for i, p in enumerate(patches):
            chosen = np.argsort(np.linalg.norm(centroids - p, axis=1))[: probe(probes, len(centroids))]
            best = np.inf
            for cell in chosen:
                members = np.where(cell_of == cell)[0]
                if len(members) == 0:
                    continue
                away = np.linalg.norm(vectors[members] - p, axis=1)
                if away.min() < best or last:
                    best = away.min()
                    distances[i] = best**2 if square else best
                    indices[i] = away.argmin() if local else members[away.argmin()]
        return distances, indices

    return answer


def cells_among(join):
    def answer(patches, vectors, centroids, probes):
        cell_of = cdist(vectors, centroids).argmin(axis=1)
        distances, indices = np.full(len(patches), np.inf), np.full(len(patches), -1)
        for i, p in enumerate(patches):
            chosen = np.argsort(np.linalg.norm(centroids - p, axis=1))[:probes]
            candidates = vectors[join(cell_of, chosen)]
            if len(candidates):
                away = np.linalg.norm(candidates - p, axis=1)
                distances[i], indices[i] = away.min(), away.argmin()
        return distances, indices

    return answer


def in_bank_order(cell_of, chosen):
    return np.isin(cell_of, chosen)


def in_probing_order(cell_of, chosen):
    return np.concatenate([np.flatnonzero(cell_of == cell) for cell in chosen])


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
    def answer(cells, centroids, new):
        grown = [list(c) if keep else [] for c in cells]
        for i, v in enumerate(new):
            k = int(np.argmin(((centroids - v) ** 2).sum(axis=1)))
            grown[k].append(number(cells, grown, k, i))
        return grown

    return answer


def add_the_vectors(cells, centroids, new):
    grown = [list(c) for c in cells]
    for v in new:
        grown[np.linalg.norm(centroids - v, axis=1).argmin()].append(v)
    return grown


def add_the_vectors_as_lists(cells, centroids, new):
    grown = [c.copy() for c in cells]
    for v, k in zip(new, cdist(new, centroids).argmin(axis=1), strict=True):
        grown[k] += [v.tolist()]
    return grown


def cells_from_the_far_end(patches, vectors, centroids, probes):
    away = cdist(patches, centroids)
    found = [np.isin(cdist(vectors, centroids).argmin(1), np.argsort(-row)[:probes]) for row in away]
    distances = np.where(found, cdist(patches, vectors), np.inf)
    return distances.min(axis=1), np.where(np.isinf(distances.min(axis=1)), -1, distances.argmin(axis=1))


def add_own_cell(cells, centroids, new):
    n = sum(len(c) for c in cells)
    return list(cells) + [[n + i for i in range(len(new))]]


WRONG = [
    ("05.1", "squared", nearest_with(root=False)),
    ("05.1", "not a number", nearest_with(floor=False)),
    ("05.1", "not a number", nearest_all_rooted),
    ("05.1", "factor forgotten", nearest_with(times=1)),
    ("05.1", "largest product", largest_product),
    ("05.1", "own norm forgotten", nearest_with(own=False)),
    ("05.1", "own norm forgotten", nearest_with(own=False, floor=False)),
    ("05.1", "own norm forgotten", nearest_own_norm_forgotten_root_last),
    ("05.1", "wrong axis", nearest_with(axis=0)),
    ("05.2", "same index only", lambda patches, vectors, found, exact: np.mean(found == exact)),
    ("05.2", "missing counted", recall_with(lambda one, other, found: np.mean(one <= other * 1.00001))),
    ("05.2", "no tolerance", recall_with(lambda one, other, found: np.mean((one <= other) & (found >= 0)))),
    ("05.2", "misses", recall_with(lambda one, other, found: np.mean((one > other * 1.00001) | (found < 0)))),
    ("05.2", "count", recall_with(lambda one, other, found: np.sum((one <= other * 1.00001) & (found >= 0)))),
    ("05.3", "squared", cells_with(square=True)),
    ("05.3", "one cell only", cells_with(lambda probes, k: 1)),
    ("05.3", "all cells", cells_with(lambda probes, k: k)),
    ("05.3", "all cells", lambda patches, vectors, centroids, probes: nearest_by_cdist(patches, vectors)),
    ("05.3", "place in cell", cells_with(local="cell")),
    ("05.3", "place among the probed", cells_among(in_bank_order)),
    ("05.3", "place among the probed", cells_among(in_probing_order)),
    ("05.3", "last cell wins", cells_with(last=True)),
    ("05.3", "farthest cells", cells_from_the_far_end),
    ("05.4", "type left as it was", encode_with(dtype=np.int64, size=lambda c, b: c.size + b.nbytes)),
    ("05.4", "type left as it was", encode_with(dtype=np.int32, size=lambda c, b: c.size + 4 * b.size)),
    ("05.4", "codebooks not counted", encode_with(size=lambda codes, books: codes.nbytes)),
    ("05.4", "codes too wide", encode_with(dtype=np.int64)),
    ("05.4", "one codebook for all", encode_with(book=lambda books, s: books[0])),
    ("05.4", "interleaved", encode_with(lambda v, s, width, parts: v[:, s::parts])),
    ("05.4", "turned", encode_with(axis=0)),
    ("05.4", "largest product", encode_with(pick=lambda run, entries: (run @ entries.T).argmax(axis=1))),
    ("05.5", "from zero again", add_with(lambda cells, grown, k, i: i)),
    ("05.5", "one too far", add_with(lambda cells, grown, k, i: sum(map(len, cells)) + i + 1)),
    ("05.5", "place as number", add_with(lambda cells, grown, k, i: len(grown[k]))),
    ("05.5", "old ones lost", add_with(lambda cells, grown, k, i: sum(map(len, cells)) + i, keep=False)),
    ("05.5", "a cell of their own", add_own_cell),
    ("05.5", "vectors for indices", add_the_vectors),
    ("05.5", "vectors for indices", add_the_vectors_as_lists),
]


@pytest.mark.parametrize(("number", "name", "answer"), WRONG, ids=lambda v: v if isinstance(v, str) else "")
def test_a_typical_wrong_answer_draws_its_own_hint(number: str, name: str, answer: Callable):
    lessons.draws_its_own_hint(BY_ID[number], name, answer)


def test_every_mistake_is_made_by_hand_above():
    assert {(n, m) for n, m, _ in WRONG} == {(e.id, m.name) for e in EXERCISES for m in e.mistakes}


def test_a_search_by_product_must_still_find_the_nearest():
    """A tolerance that let anything through would hide it."""

    def second(patches, vectors):
        away = cdist(patches, vectors)
        who = away.argsort(1)[:, 1]
        return away.min(1), who

    assert not judge(BY_ID["05.1"], second).passed
    assert not judge(BY_ID["05.1"], lambda p, v: (cdist(p, v).min(1) + 0.3, cdist(p, v).argmin(1))).passed


def test_a_cell_list_that_was_given_must_not_be_changed():
    def grows_what_it_is_given(cells, centroids, new):
        n = sum(map(len, cells))
        for i, v in enumerate(new):
            cells[np.linalg.norm(centroids - v, axis=1).argmin()].append(n + i)
        return cells

    def copies_the_outer_list(cells, centroids, new):
        return grows_what_it_is_given(list(cells), centroids, new)

    for answer in (grows_what_it_is_given, copies_the_outer_list):
        verdict = judge(BY_ID["05.5"], answer)
        assert verdict.mistake == "inner lists shared"
        assert "changes what it is given" in verdict.told and "`[list(cell) for cell in cells]`" in verdict.told
    assert "changes what it is given" in judge(BY_ID["05.5"], lambda cells, *_: cells.append([]) or cells).told


def test_indices_may_be_floats_or_columns_but_must_be_indices():
    assert judge(BY_ID["05.5"], lambda *given: [[float(i) for i in c] for c in add_by_loop(*given)]).passed
    assert judge(BY_ID["05.5"], lambda *given: [np.array(c, int)[:, None] for c in add_by_loop(*given)]).passed
    assert not judge(BY_ID["05.5"], lambda *given: [[i + 0.5 for i in c] for c in add_by_loop(*given)]).passed


def test_codes_in_a_list_take_more_than_a_byte_each():
    def in_lists(vectors, codebooks):
        codes, size = encode_by_loop(vectors, codebooks)
        return codes.tolist(), size

    assert judge(BY_ID["05.4"], in_lists).mistake == "type left as it was"


# What the notebook writes out is what the module and FAISS do.


def test_the_notebook_s_exact_search_is_the_bank_s(solutions: dict):
    rng = np.random.default_rng(0)
    vectors, patches = (rng.normal(size=(n, 12)).astype(np.float32) for n in (500, 80))
    ours, bank = solutions["05.1"](patches, vectors), MemoryBank().add(vectors).nearest(patches)
    np.testing.assert_allclose(ours[0], bank[0][:, 0], rtol=1e-4)
    assert (ours[1] == bank[1][:, 0]).all()


def test_the_notebook_s_cells_are_those_of_faiss(solutions: dict):
    import faiss

    rng = np.random.default_rng(0)
    vectors, patches = (rng.normal(size=(n, 8)).astype(np.float32) for n in (2000, 100))
    index = faiss.IndexIVFFlat(faiss.IndexFlatL2(8), 8, 20)
    index.train(vectors)
    index.add(vectors)
    centroids = index.quantizer.reconstruct_n(0, 20)
    for probes in (1, 4, 20):
        index.nprobe = probes
        squares, indices = index.search(patches, 1)
        ours = solutions["05.3"](patches, vectors, centroids, probes)
        np.testing.assert_allclose(ours[0], np.sqrt(squares[:, 0]), rtol=1e-4)
        assert (ours[1] == indices[:, 0]).all()
    lists = [faiss.rev_swig_ptr(index.invlists.get_ids(k), index.invlists.list_size(k)).tolist() for k in range(20)]
    grown = solutions["05.5"](lists, centroids, patches)
    index.add(patches)
    after = [faiss.rev_swig_ptr(index.invlists.get_ids(k), index.invlists.list_size(k)).tolist() for k in range(20)]
    assert [sorted(map(int, cell)) for cell in grown] == [sorted(cell) for cell in after]


def test_the_notebook_s_codes_are_those_of_faiss(solutions: dict):
    import faiss

    vectors = np.random.default_rng(0).normal(size=(1000, 12)).astype(np.float32)
    index = faiss.IndexPQ(12, 3, 8)
    index.train(vectors)
    index.add(vectors)
    books = faiss.vector_to_array(index.pq.centroids).reshape(3, 256, 4)
    codes, size = solutions["05.4"](vectors, books)
    assert (codes == faiss.vector_to_array(index.codes).reshape(1000, 3)).mean() > 0.999  # ties by rounding
    assert 0 <= faiss.serialize_index(index).nbytes - size < 200  # and a header


def test_what_the_text_says_of_the_measured_table_holds():
    found = json.loads((lessons.builder.BENCHMARKS / "results" / "notebook_05.json").read_text(encoding="utf-8"))
    kinds, sizes = found["kinds"], found["sizes"]
    assert kinds["flat"]["recall"] > 0.999
    assert min(kinds, key=lambda kind: kinds[kind]["recall"]) == "coreset"
    for free in ("coreset", "ivf_8"):
        assert kinds[free]["low"] <= 0 <= kinds[free]["high"]
    assert kinds["hnsw_64"]["recall"] > kinds["ivf_8"]["recall"]
    assert kinds["hnsw_16"]["high"] < 0 and kinds["hnsw_64"]["high"] < 0
    assert kinds["hnsw_16"]["tile_auroc"] < kinds["hnsw_64"]["tile_auroc"]
    for kind in ("pq_19", "pq_19_true"):
        assert kinds[kind]["tile_auroc"] < kinds["flat"]["tile_auroc"]
    assert 2000 < sizes["as_long_as_extraction"]  # a coreset of one fabric is smaller
    assert sizes["hnsw_16"][0] > sizes["flat"][0] and sizes["hnsw_16"][-1] < sizes["flat"][-1]
