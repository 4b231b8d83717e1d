"""`python course.py bench notebook_05 [--aitex DIR]`: kinds of FAISS index compared on AITEX, on the same vectors.

Notebook 05 compares them on the practice fabric. This benchmark compares them on three fabrics of AITEX with two splits
each, split by strip, with all patches of the training tiles in the index. Then it times the search against the number
of vectors, on patches of all three fabrics. Written to `results/notebook_05.json`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch  # before FAISS, as the package itself loads them
from bootstrap import pair_auroc, resample_rows, strip_strata
from results_files import write_results
from tqdm import tqdm

from aitex_utils import metrics
from aitex_utils.commands.launching import run_command
from aitex_utils.commands.profiling import versions
from aitex_utils.coreset import k_center_greedy
from aitex_utils.errors import InputError
from aitex_utils.features import PatchFeatures
from aitex_utils.lessons.tile_sampling import draw_tiles, split_fabric
from aitex_utils.strips import find_aitex, list_strips

if TYPE_CHECKING:
    import faiss

FABRICS, SEEDS, CORESET_RATIO, N_RESAMPLES = ("00", "02", "03"), 2, 0.10, 1000
FIT_TILES, TEST_TILES = 20, 40  # at most, drawn at random, and TEST_TILES each of clean and of defective tiles
KINDS = ("flat", "coreset", "ivf_1", "ivf_8", "hnsw_16", "hnsw_64", "pq_19", "pq_19_true")
SIZES, SIZE_TILES, QUERIES, REPEATS = (1000, 4000, 16000, 64000, 180000), 60, 2048, 3
TIMED_KINDS = ("flat", "ivf_8", "hnsw_16")
SAME = 1 + 1e-5  # a neighbour up to this factor farther counts as the nearest: distances are rounded


@dataclass(frozen=True)
class SplitResult:
    """One split searched with every kind of index.

    Parameters
    ----------
    labels : ndarray, shape (T,)
        True for defective test tiles.
    groups : ndarray, shape (T,)
        Strip of each tile.
    n_vectors : int
        Number of patches of the training tiles.
    scores : dict of str to ndarray, each of shape (T,)
        Scores by kind.
    costs : dict of str to dict of str to float
        Recall, time and size by kind.
    """

    labels: np.ndarray
    groups: np.ndarray
    n_vectors: int
    scores: dict[str, np.ndarray]
    costs: dict[str, dict[str, float]]


def build_index(kind: str, vectors: np.ndarray) -> faiss.Index:
    """Build a FAISS index with vectors in it.

    Parameters
    ----------
    kind : str
        "flat" or "coreset" (exact), "ivf_NPROBE", "hnsw_EFSEARCH" or "pq_BYTES".
    vectors : ndarray, shape (N, C)
        float32.

    Returns
    -------
    faiss.Index
    """
    import faiss

    name, number = (*kind.split("_"), "0")[:2]
    channels = vectors.shape[1]
    if name == "ivf":
        nlist = int(min(4 * len(vectors) ** 0.5, len(vectors) // 39))
        index = faiss.IndexIVFFlat(faiss.IndexFlatL2(channels), channels, nlist)
        index.nprobe = int(number)
    elif name == "hnsw":
        index = faiss.IndexHNSWFlat(channels, 32)
        index.hnsw.efSearch = int(number)
    elif name == "pq":
        index = faiss.IndexPQ(channels, int(number), 8)
    else:
        index = faiss.IndexFlatL2(channels)
    index.train(vectors)
    index.add(vectors)
    return index


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """Return what a call returns, and the seconds that it takes.

    Parameters
    ----------
    call : callable
        Called without arguments.

    Returns
    -------
    result : object
    seconds : float
    """
    begin = time.perf_counter()
    result = call()
    return result, time.perf_counter() - begin


def search_split(root: Path, fabric: str, seed: int) -> SplitResult:
    """Search the patches of the test tiles of one split with every kind of index.

    Parameters
    ----------
    root : Path
        Folder of the strips.
    fabric : str
        Two digits.
    seed : int
        Seed of the split, the tiles and the coreset.

    Returns
    -------
    SplitResult
    """
    import faiss

    features, rng = PatchFeatures(), np.random.default_rng(seed)
    training, held_out, defective_strips = split_fabric(root, fabric, seed)
    clean, _, clean_groups = draw_tiles(held_out, TEST_TILES, rng)
    defective, _, defective_groups = draw_tiles(defective_strips, TEST_TILES, rng)
    normal = features.transform(draw_tiles(training, FIT_TILES, rng).tiles)
    normal = np.ascontiguousarray(normal.reshape(-1, normal.shape[-1]))
    patches = features.transform(np.concatenate([clean, defective])).reshape(-1, normal.shape[1])
    labels = np.repeat([False, True], [len(clean), len(defective)])
    scores, costs, nearest = {}, {}, None
    for kind in KINDS:
        vectors, reranked = normal, kind.endswith("_true")
        if kind == "coreset":
            vectors = normal[k_center_greedy(normal, round(CORESET_RATIO * len(normal)), seed=seed)[0]]
        index, build_seconds = timed(partial(build_index, kind.removesuffix("_true"), vectors))
        (squared, neighbours), seconds = timed(partial(index.search, patches, 1))
        distances = np.linalg.norm(vectors[neighbours[:, 0]] - patches, axis=1)
        nearest = distances if nearest is None else nearest  # of the exact index over all vectors, the first kind
        of_tiles = (distances if reranked else np.sqrt(squared[:, 0])).reshape(len(labels), -1)
        scores[kind] = of_tiles.max(axis=1)
        size = faiss.serialize_index(index).nbytes + (normal.nbytes if reranked else 0)
        costs[kind] = {
            "recall": float((distances <= nearest * SAME).mean()),
            "excess": float((distances / nearest).mean() - 1),
            "microseconds": 1e6 * seconds / len(patches),
            "build_seconds": build_seconds,
            "mib": size / 2**20,
        }
    return SplitResult(labels, np.concatenate([clean_groups, defective_groups]), len(normal), scores, costs)


def difference_interval(results: Sequence[SplitResult], kind: str, reference: str = "flat") -> list[float]:
    """Return the 95 % interval, over strips, of the mean difference in AUROC between two kinds.

    Parameters
    ----------
    results : sequence of SplitResult
        All splits.
    kind, reference : str
        The difference is (kind - reference).

    Returns
    -------
    list of float
        Low and high.
    """
    rng, differences = np.random.default_rng(0), np.zeros(N_RESAMPLES)
    for result in results:
        strata = strip_strata(result.groups, ~result.labels)
        scores = np.stack([result.scores[kind], result.scores[reference]])
        for i in range(N_RESAMPLES):
            rows = resample_rows(strata, rng)
            auroc, reference_auroc = pair_auroc(scores[:, rows], result.labels[rows])
            differences[i] += auroc - reference_auroc
    return [round(float(end), 4) for end in np.quantile(differences / len(results), [0.025, 0.975])]


def summarize_kinds(results: Sequence[SplitResult]) -> dict[str, dict[str, Any]]:
    """Return the mean AUROC of each kind, its interval beside the exact index, and its mean costs.

    Parameters
    ----------
    results : sequence of SplitResult
        All splits.

    Returns
    -------
    dict of str to dict
        By kind.
    """
    kinds = {}
    for kind in KINDS:
        aurocs = [metrics.auroc(result.labels, result.scores[kind]) for result in results]
        low, high = difference_interval(results, kind)
        kinds[kind] = {"tile_auroc": round(float(np.mean(aurocs)), 4), "low": low, "high": high}
        for name in results[0].costs[kind]:
            kinds[kind][name] = round(float(np.mean([result.costs[kind][name] for result in results])), 4)
    return kinds


def time_by_size(root: Path) -> dict[str, Any]:
    """Time the search of some kinds by number of vectors, and the extraction of patches.

    Parameters
    ----------
    root : Path
        Folder of the strips.

    Returns
    -------
    dict
        Microseconds per patch of the extraction and of each kind, and the recall of each kind.
    """
    features, rng = PatchFeatures(), np.random.default_rng(0)
    normal = [[strip for strip in list_strips(root, fabric) if strip.is_normal] for fabric in FABRICS]
    tiles = [draw_tiles(strips, SIZE_TILES + 1, rng).tiles for strips in normal]  # one of each for queries
    patches, seconds = timed(lambda: features.transform(np.concatenate([of_fabric[1:] for of_fabric in tiles])))
    patches = patches.reshape(-1, patches.shape[-1])
    queries = features.transform(np.stack([of_fabric[0] for of_fabric in tiles])).reshape(-1, patches.shape[1])
    queries = np.ascontiguousarray(rng.permutation(queries)[:QUERIES])
    vectors = np.ascontiguousarray(rng.permutation(patches))
    results: dict[str, Any] = {"extraction": round(1e6 * seconds / len(patches), 2), "sizes": [], "recall": {}}
    for size in SIZES:
        results["sizes"].append(min(size, len(vectors)))
        for kind in TIMED_KINDS:
            index = build_index(kind, vectors[:size])
            searches = [timed(partial(index.search, queries, 1)) for _ in range(REPEATS)]
            (_, neighbours), _ = searches[0]
            distances = np.linalg.norm(vectors[neighbours[:, 0]] - queries, axis=1)
            nearest = distances if kind == "flat" else nearest  # noqa: F821 - the exact index is the first
            fastest = min(search_seconds for _, search_seconds in searches)
            results.setdefault(kind, []).append(round(1e6 * fastest / len(queries), 2))
            results["recall"].setdefault(kind, []).append(round(float((distances <= nearest * SAME).mean()), 4))
    per_vector = results["flat"][-1] / results["sizes"][-1]
    results["as_long_as_extraction"] = round(results["extraction"] / per_vector, -3)
    return results


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark from the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Arguments of the command line. None takes the arguments of the process.

    Returns
    -------
    int
        Exit status.
    """
    parser = argparse.ArgumentParser(prog="course.py bench notebook_05", description="Kinds of FAISS index.")
    parser.add_argument("--aitex", metavar="DIR", help="folder with AITEX (default: AITEX_ROOT or data/aitex)")
    options = parser.parse_args(arguments)
    try:
        root = find_aitex(options.aitex)
        sizes = time_by_size(root)
        pairs = [(fabric, seed) for fabric in FABRICS for seed in range(SEEDS)]
        splits = [search_split(root, fabric, seed) for fabric, seed in tqdm(pairs, desc="fabrics and splits")]
    except InputError as error:
        print(f"bench notebook_05: {error}", file=sys.stderr)
        return 1
    kinds = summarize_kinds(splits)
    results = {
        "kinds": kinds,
        "sizes": sizes,
        "vectors": round(float(np.mean([split.n_vectors for split in splits]))),
        "fabrics": FABRICS,
        "seeds": SEEDS,
        "coreset_ratio": CORESET_RATIO,
        "tiles_at_most": {"fit": FIT_TILES, "clean": TEST_TILES, "defective": TEST_TILES},
        "threads": torch.get_num_threads(),
        "versions": versions(),
    }
    write_results("notebook_05", results)
    print(json.dumps({"kinds": kinds, "sizes": sizes}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
