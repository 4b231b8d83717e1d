"""`python course.py bench notebook_05 [--aitex DIR]`: kinds of FAISS index compared on AITEX, on the same banks.

Notebook 05 makes this comparison on the practice fabric; here it is made on three fabrics of AITEX with two splits
each, by strip, all patches of the fitted tiles in the bank. Then the time of a search against the size of the bank, on
patches of all three fabrics together. Written to `results/notebook_05.json`. About 20 minutes.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch  # noqa: F401 - before FAISS, as the course's own code loads them
from notebook_03 import tiles_of
from tables import write_results
from tqdm import tqdm

from aitex_utils import metrics
from aitex_utils.commands.profiling import versions
from aitex_utils.coreset import k_center_greedy
from aitex_utils.errors import InputError
from aitex_utils.features import PatchFeatures
from aitex_utils.strips import find_aitex, list_strips, split_strips

FABRICS, SEEDS, CORESET, DRAWS = ("00", "02", "03"), 2, 0.10, 1000
FIT_TILES, TEST_TILES = 20, 40  # at most, drawn at random; TEST_TILES each of clean and defective ones
KINDS = ("flat", "coreset", "ivf_1", "ivf_8", "hnsw_16", "hnsw_64", "pq_19", "pq_19_true")
SIZES, SIZE_TILES, QUERIES, REPEATS = (1000, 4000, 16000, 64000, 180000), 60, 2048, 3


def built(kind: str, vectors: np.ndarray):
    """Return an index of a kind with the vectors in it; the number is of probes, of candidates or of bytes."""
    import faiss

    name, number = (*kind.split("_"), "0")[:2]
    channels = vectors.shape[1]
    if name == "ivf":
        cells = int(min(4 * len(vectors) ** 0.5, len(vectors) // 39))
        index = faiss.IndexIVFFlat(faiss.IndexFlatL2(channels), channels, cells)
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
    begin = time.perf_counter()
    made = call()
    return made, time.perf_counter() - begin


def drawn(strips: Sequence, most: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return at most so many tiles of strips, and the name of the strip that each comes from."""
    parts = [(tiles_of([strip]), strip) for strip in strips]
    tiles = np.concatenate([tiles for tiles, _ in parts])
    names = np.concatenate([[f"{strip.fabric}_{strip.id}"] * len(tiles) for tiles, strip in parts])
    kept = rng.permutation(len(tiles))[:most]
    return tiles[kept], names[kept]


def compared(root: Path, fabric: str, seed: int) -> dict[str, Any]:
    """Return labels and strips of the test tiles of one split, and for each kind their scores and what it cost."""
    import faiss

    strips, features, rng = list_strips(root, fabric), PatchFeatures(), np.random.default_rng(seed)
    fit, held_out = split_strips([s for s in strips if s.is_normal], share=0.7, seed=seed)
    defective = [s for s in strips if not s.is_normal and s.masks]
    (clean, from_clean), (broken, from_broken) = (drawn(g, TEST_TILES, rng) for g in (held_out, defective))
    bank = features.transform(drawn(fit, FIT_TILES, rng)[0])
    bank = np.ascontiguousarray(bank.reshape(-1, bank.shape[-1]))
    patches = features.transform(np.concatenate([clean, broken])).reshape(-1, bank.shape[1])
    labels = np.repeat([False, True], [len(clean), len(broken)])
    of: dict[str, dict[str, Any]] = {}
    exact = None
    for kind in KINDS:
        rows = k_center_greedy(bank, round(CORESET * len(bank)), seed=seed)[0] if kind == "coreset" else None
        vectors = bank if rows is None else bank[rows]
        index, build = timed(lambda kind=kind, vectors=vectors: built(kind.removesuffix("_true"), vectors))
        (squares, found), seconds = timed(lambda index=index: index.search(patches, 1))
        true = np.linalg.norm(vectors[found[:, 0]] - patches, axis=1)
        exact = true if exact is None else exact
        distances = true if kind.endswith("_true") else np.sqrt(squares[:, 0])
        size = faiss.serialize_index(index).nbytes + (bank.nbytes if kind.endswith("_true") else 0)
        of[kind] = {
            "scores": distances.reshape(len(labels), -1).max(axis=1),
            "recall": float((true <= exact * (1 + 1e-5)).mean()),
            "excess": float((true / exact).mean() - 1),
            "microseconds": 1e6 * seconds / len(patches),
            "build_seconds": build,
            "mib": size / 2**20,
        }
    return {"labels": labels, "strips": np.concatenate([from_clean, from_broken]), "vectors": len(bank), "of": of}


def area(scores: np.ndarray, labels: np.ndarray) -> float:
    """Return the AUROC as the share of pairs in order, ties half: for few tiles sooner than a sorted curve."""
    above = scores[labels][:, None] - scores[~labels]
    return float((above > 0).mean() + (above == 0).mean() / 2)


def differences(runs: Sequence[dict[str, Any]], kind: str, other: str = "flat") -> list[float]:
    """Return the edges of the 95 % interval of the mean difference in AUROC to another kind, strips drawn anew."""
    rng, apart = np.random.default_rng(0), np.zeros(DRAWS)
    for run in runs:
        labels, one, two = run["labels"], run["of"][kind]["scores"], run["of"][other]["scores"]
        rows = {strip: np.flatnonzero(run["strips"] == strip) for strip in np.unique(run["strips"])}
        groups = [[r for r in rows.values() if labels[r].any() == defective] for defective in (False, True)]
        for i in range(DRAWS):
            picked = np.concatenate([np.concatenate([g[j] for j in rng.integers(len(g), size=len(g))]) for g in groups])
            apart[i] += area(one[picked], labels[picked]) - area(two[picked], labels[picked])
    return [round(float(edge), 4) for edge in np.quantile(apart / len(runs), [0.025, 0.975])]


def by_size(root: Path) -> dict[str, Any]:
    """Return microseconds a patch of some kinds for banks of several sizes, and of the extraction."""
    features, rng = PatchFeatures(), np.random.default_rng(0)
    tiles = [drawn([s for s in list_strips(root, fabric) if s.is_normal], SIZE_TILES + 1, rng)[0] for fabric in FABRICS]
    patches, seconds = timed(lambda: features.transform(np.concatenate([of_fabric[1:] for of_fabric in tiles])))
    patches = patches.reshape(-1, patches.shape[-1])
    queries = features.transform(np.stack([of_fabric[0] for of_fabric in tiles])).reshape(-1, patches.shape[1])
    queries = np.ascontiguousarray(rng.permutation(queries)[:QUERIES])
    vectors = np.ascontiguousarray(rng.permutation(patches))
    result: dict[str, Any] = {"extraction": round(1e6 * seconds / len(patches), 2), "sizes": [], "recall": {}}
    exact = np.zeros(len(queries))
    for size in SIZES:
        result["sizes"].append(min(size, len(vectors)))
        for kind in ("flat", "ivf_8", "hnsw_16"):
            index = built(kind, vectors[:size])
            tries = [timed(lambda index=index: index.search(queries, 1)) for _ in range(REPEATS)]
            found = tries[0][0][1][:, 0]
            away = np.linalg.norm(vectors[found] - queries, axis=1)
            exact = away if kind == "flat" else exact
            result.setdefault(kind, []).append(round(1e6 * min(t for _, t in tries) / len(queries), 2))
            result["recall"].setdefault(kind, []).append(round(float((away <= exact * (1 + 1e-5)).mean()), 4))
    slope = result["flat"][-1] / result["sizes"][-1]
    result["as_long_as_extraction"] = round(result["extraction"] / slope, -3)
    return result


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="course.py bench notebook_05", description=__doc__.split("\n")[0])
    parser.add_argument("--aitex", metavar="DIR", help="folder with AITEX; else AITEX_ROOT or data/aitex")
    given = parser.parse_args(arguments)
    try:
        root = find_aitex(given.aitex)
        sizes = by_size(root)
        runs = [compared(root, f, seed) for f in tqdm(FABRICS, desc="fabrics") for seed in range(SEEDS)]
    except InputError as error:
        print(f"bench notebook_05: {error}", file=sys.stderr)
        return 1
    kinds: dict[str, dict[str, Any]] = {}
    for kind in KINDS:
        of = [run["of"][kind] for run in runs]
        scores = [metrics.auroc(run["labels"], run["of"][kind]["scores"]) for run in runs]
        low, high = differences(runs, kind)
        kinds[kind] = {
            "tile_auroc": round(float(np.mean(scores)), 4),
            "low": low,
            "high": high,
            **{name: round(float(np.mean([o[name] for o in of])), 4) for name in of[0] if name != "scores"},
        }
    result = {
        "kinds": kinds,
        "sizes": sizes,
        "vectors": round(float(np.mean([run["vectors"] for run in runs]))),
        "fabrics": FABRICS,
        "seeds": SEEDS,
        "coreset": CORESET,
        "tiles_at_most": {"fit": FIT_TILES, "clean": TEST_TILES, "defective": TEST_TILES},
        "threads": torch.get_num_threads(),
        "versions": versions(),
    }
    write_results("notebook_05", result)
    print(json.dumps({"kinds": kinds, "sizes": sizes}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
