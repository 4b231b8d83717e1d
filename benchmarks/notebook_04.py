"""`python course.py bench notebook_04 [--aitex DIR]`: coresets of three methods and four sizes compared on AITEX.

Notebook 04 makes this comparison on the practice fabric; here it is made on three fabrics of AITEX with two splits
each, so that those without AITEX can see what holds there. By strip: the bank is filled from tiles of 70 % of a
fabric's normal strips, and tested on tiles of its other normal strips and on tiles with a defect. Written to
`results/notebook_04.json`. Some minutes. How long greedy takes is measured by `bench speed`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tables import write_results
from tqdm import tqdm

from aitex_utils.commands.profiling import versions
from aitex_utils.coreset import coreset_size, k_center_greedy, k_means, random_subset
from aitex_utils.errors import InputError
from aitex_utils.features import PatchFeatures
from aitex_utils.memory_bank import MemoryBank
from aitex_utils.strips import Strip, find_aitex, list_strips, split_strips
from aitex_utils.tiling import fabric_region, tile, tile_labels

FABRICS, SPLITS, SEEDS, DRAWS = ("00", "02", "03"), 2, 3, 1000
SHARES = (0.01, 0.1, 0.25)
FIT_TILES, CLEAN_TILES, DEFECTIVE_TILES = 24, 40, 40  # at most, drawn at random

Exam = dict[str, np.ndarray]  # labels (T,), strips (T,), and scores by method: (seeds, shares, T), "all" (T,)


def tiles_of(strips: Sequence[Strip], most: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return at most so many tiles (N, 256, 256), of defective strips those with a defect, and their strips (N,)."""
    tiles, ids = [], []
    for strip in strips:
        image = strip.read()
        begin, end = fabric_region(image)
        found, _ = tile(image[:, begin:end])
        if not strip.is_normal:
            found = found[tile_labels(tile(strip.read_mask()[:, begin:end])[0])]
        tiles.append(found)
        ids += [strip.id] * len(found)
    drawn = rng.permutation(len(ids))[:most]
    return np.concatenate(tiles)[drawn], np.array(ids)[drawn]


def examined(root: Path, fabric: str, split: int) -> Exam:
    """Return the scores of one fabric's test tiles by each method, share and seed."""
    strips, rng = list_strips(root, fabric), np.random.default_rng(split)
    fit, held_out = split_strips([s for s in strips if s.is_normal], share=0.7, seed=split)
    defective = [s for s in strips if not s.is_normal and s.masks]
    bank_tiles, _ = tiles_of(fit, FIT_TILES, rng)
    parts = [tiles_of(held_out, CLEAN_TILES, rng), tiles_of(defective, DEFECTIVE_TILES, rng)]
    features = PatchFeatures()
    bank = features.transform(bank_tiles)
    bank = bank.reshape(-1, bank.shape[-1])
    test = np.concatenate([features.transform(tiles) for tiles, _ in parts])
    sizes = [coreset_size(share, len(bank)) for share in SHARES]
    exam: Exam = {
        "labels": np.repeat([False, True], [len(tiles) for tiles, _ in parts]),
        "strips": np.concatenate([ids for _, ids in parts]),
        "all": scores_by_prefix(bank, np.arange(len(bank)), [len(bank)], test)[0],
    }
    seeds = range(SEEDS)
    orders = [k_center_greedy(bank, sizes[-1], seed=seed)[0] for seed in seeds]
    exam["greedy"] = np.stack([scores_by_prefix(bank, order, sizes, test) for order in orders])
    orders = [random_subset(bank, sizes[-1], seed=seed) for seed in seeds]
    exam["random"] = np.stack([scores_by_prefix(bank, order, sizes, test) for order in orders])
    means = [
        [scores_by_prefix(c, np.arange(len(c)), [len(c)], test)[0] for c in (k_means(bank, k, seed=0) for k in sizes)]
    ]
    exam["k_means"] = np.array(means)
    return exam


def scores_by_prefix(bank: np.ndarray, order: np.ndarray, sizes: Sequence[int], test: np.ndarray) -> np.ndarray:
    """Return the tiles' largest distances (sizes, T) to the first so many of `order`; test (T, H', W', C)."""
    patches, nearest, begin, found = test.reshape(-1, test.shape[-1]), np.inf, 0, []
    for size in sizes:
        nearest = np.minimum(nearest, MemoryBank().add(bank[order[begin:size]]).nearest(patches, 1)[0][:, 0])
        found.append(nearest.reshape(len(test), -1).max(axis=1))
        begin = size
    return np.stack(found)


def auroc(scores: np.ndarray, clean: np.ndarray, broken: np.ndarray) -> np.ndarray:
    """Return the AUROC of scores (..., T) over the tiles given by index, ties half."""
    one, other = scores[..., broken][..., :, None], scores[..., clean][..., None, :]
    return ((one > other) + 0.5 * (one == other)).mean(axis=(-2, -1))


def redrawn_tiles(exam: Exam, rng: np.random.Generator | None) -> tuple[np.ndarray, np.ndarray]:
    """Return indices of clean and of defective tiles, of strips drawn anew with replacement (None: as they are)."""
    found = []
    for kind in (False, True):
        rows = np.flatnonzero(exam["labels"] == kind)
        names = np.unique(exam["strips"][rows])
        drawn = names if rng is None else rng.choice(names, len(names))
        found.append(np.concatenate([rows[exam["strips"][rows] == name] for name in drawn]))
    return found[0], found[1]


def means(exams: Sequence[Exam], rng: np.random.Generator | None = None) -> dict[str, float]:
    """Return the mean AUROC of each method and share over fabrics, splits and seeds; `rng` redraws strips and seeds."""
    found: dict[str, list[float]] = {}
    for exam in exams:
        clean, broken = redrawn_tiles(exam, rng)
        found.setdefault("all", []).append(float(auroc(exam["all"], clean, broken)))
        for method in ("greedy", "random", "k_means"):
            seeds = len(exam[method])
            drawn = np.arange(seeds) if rng is None else rng.integers(seeds, size=seeds)
            for share, value in zip(SHARES, auroc(exam[method][drawn], clean, broken).mean(axis=0), strict=True):
                found.setdefault(f"{method}_{share:.0%}".rstrip("%"), []).append(float(value))
    return {name: float(np.mean(values)) for name, values in found.items()}


def with_interval(value: float, draws: Sequence[float]) -> dict[str, float]:
    low, high = np.quantile(draws, [0.025, 0.975])
    return {"mean": round(value, 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def summary(exams: Sequence[Exam]) -> dict[str, Any]:
    """Return AUROC, its difference to all patches, and greedy's to random, each with an interval over strips."""
    rng, known = np.random.default_rng(0), means(exams)
    draws = [means(exams, rng) for _ in tqdm(range(DRAWS), desc="strips drawn anew")]
    shares = [f"{share:.0%}".rstrip("%") for share in SHARES]
    pairs = {f"greedy_minus_random_{s}": (f"greedy_{s}", f"random_{s}") for s in shares}
    pairs |= {f"{name}_minus_all": (name, "all") for name in known if name != "all"}
    return {
        "tile_auroc": {name: with_interval(value, [d[name] for d in draws]) for name, value in known.items()},
        "differences": {
            name: with_interval(known[a] - known[b], [d[a] - d[b] for d in draws]) for name, (a, b) in pairs.items()
        },
        "by_fabric": {
            fabric: {k: round(v, 4) for k, v in means(exams[i * SPLITS : (i + 1) * SPLITS]).items()}
            for i, fabric in enumerate(FABRICS)
        },
    }


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="course.py bench notebook_04", description=__doc__.split("\n")[0])
    parser.add_argument("--aitex", metavar="DIR", help="folder with AITEX; else AITEX_ROOT or data/aitex")
    given = parser.parse_args(arguments)
    try:
        root = find_aitex(given.aitex)
        pairs = [(fabric, split) for fabric in FABRICS for split in range(SPLITS)]
        exams = [examined(root, fabric, split) for fabric, split in tqdm(pairs, desc="fabrics and splits")]
    except InputError as error:
        print(f"bench notebook_04: {error}", file=sys.stderr)
        return 1
    result = {
        **summary(exams),
        "fabrics": FABRICS,
        "splits": SPLITS,
        "seeds": {"greedy": SEEDS, "random": SEEDS, "k_means": 1},
        "shares": SHARES,
        "tiles_at_most": {"fit": FIT_TILES, "clean": CLEAN_TILES, "defective": DEFECTIVE_TILES},
        "draws": DRAWS,
        "versions": versions(),
    }
    write_results("notebook_04", result)
    print(json.dumps({k: result[k] for k in ("tile_auroc", "differences", "by_fabric")}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
