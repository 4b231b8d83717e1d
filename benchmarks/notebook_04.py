"""`python course.py bench notebook_04 [--aitex DIR]`: coresets of three samplers and four sizes compared on AITEX.

Notebook 04 compares them on the practice fabric. This benchmark compares them on three fabrics of AITEX with two splits
each. The bank is filled from tiles of 70 % of a fabric's normal strips. It is tested on tiles of the other normal
strips and on defective tiles. Written to `results/notebook_04.json`. The time of coreset sampling is part of `bench
speed`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from bootstrap import pair_auroc, resample_rows, strip_strata
from results_files import write_results
from tqdm import tqdm

from aitex_utils.commands.launching import run_command
from aitex_utils.commands.profiling import versions
from aitex_utils.coreset import coreset_size, k_center_greedy, k_means, random_subset
from aitex_utils.errors import InputError
from aitex_utils.features import PatchFeatures
from aitex_utils.lessons.tile_sampling import draw_tiles, split_fabric
from aitex_utils.memory_bank import MemoryBank
from aitex_utils.strips import find_aitex

FABRICS, SPLITS, SEEDS, N_RESAMPLES = ("00", "02", "03"), 2, 3, 1000
SAMPLERS, RATIOS = ("greedy", "random", "k_means"), (0.01, 0.1, 0.25)
FIT_TILES, CLEAN_TILES, DEFECTIVE_TILES = 24, 40, 40  # at most, drawn at random


@dataclass(frozen=True)
class SplitScores:
    """Scores of T test tiles of one split by each sampler.

    Parameters
    ----------
    labels : ndarray, shape (T,)
        True for defective tiles.
    groups : ndarray, shape (T,)
        Strip of each tile.
    all_patches : ndarray, shape (T,)
        Scores with all patches in the bank.
    by_sampler : dict of str to ndarray, each of shape (seeds, ratios, T)
        Scores with a coreset.
    """

    labels: np.ndarray
    groups: np.ndarray
    all_patches: np.ndarray
    by_sampler: dict[str, np.ndarray]


def score_split(root: Path, fabric: str, split: int) -> SplitScores:
    """Score the test tiles of a split by each sampler, coreset sampling ratio and seed.

    Parameters
    ----------
    root : Path
        Folder of the strips.
    fabric : str
        Two digits.
    split : int
        Seed of the split and of the tiles.

    Returns
    -------
    SplitScores
    """
    rng, features = np.random.default_rng(split), PatchFeatures()
    training, held_out, defective_strips = split_fabric(root, fabric, split)
    normal_tiles = draw_tiles(training, FIT_TILES, rng).tiles
    clean, _, clean_groups = draw_tiles(held_out, CLEAN_TILES, rng)
    defective, _, defective_groups = draw_tiles(defective_strips, DEFECTIVE_TILES, rng)
    patches = features.transform(normal_tiles)
    patches = patches.reshape(-1, patches.shape[-1])
    test = np.concatenate([features.transform(tiles) for tiles in (clean, defective)])
    sizes, seeds = [coreset_size(ratio, len(patches)) for ratio in RATIOS], range(SEEDS)
    orders = {
        "greedy": [k_center_greedy(patches, sizes[-1], seed=seed)[0] for seed in seeds],
        "random": [random_subset(patches, sizes[-1], seed=seed) for seed in seeds],
    }
    by_sampler = {
        name: np.stack([scores_by_size(patches[order], sizes, test) for order in of_sampler])
        for name, of_sampler in orders.items()
    }
    means = [k_means(patches, size, seed=0) for size in sizes]  # one seed: each size is a clustering of its own
    by_sampler["k_means"] = np.array([[scores_by_size(centres, [len(centres)], test)[0] for centres in means]])
    return SplitScores(
        labels=np.repeat([False, True], [len(clean), len(defective)]),
        groups=np.concatenate([clean_groups, defective_groups]),
        all_patches=scores_by_size(patches, [len(patches)], test)[0],
        by_sampler=by_sampler,
    )


def scores_by_size(vectors: np.ndarray, sizes: Sequence[int], test: np.ndarray) -> np.ndarray:
    """Return the scores of tiles with the first vectors alone in the bank, for several numbers of vectors.

    Parameters
    ----------
    vectors : ndarray, shape (N, C)
        Vectors in the order in which they enter the bank.
    sizes : sequence of int
        Increasing numbers of vectors.
    test : ndarray, shape (T, H', W', C)
        Patches of the tiles.

    Returns
    -------
    ndarray, shape (sizes, T)
        Largest distance of each tile.
    """
    patches, nearest, start, scores = test.reshape(-1, test.shape[-1]), np.inf, 0, []
    for size in sizes:
        nearest = np.minimum(nearest, MemoryBank().add(vectors[start:size]).search(patches, 1)[0][:, 0])
        scores.append(nearest.reshape(len(test), -1).max(axis=1))
        start = size
    return np.stack(scores)


def key(sampler: str, ratio: float) -> str:
    """Return the name of a coreset in the results file.

    Parameters
    ----------
    sampler : str
        Name of the sampler.
    ratio : float
        Coreset sampling ratio.

    Returns
    -------
    str

    Examples
    --------
    >>> key("greedy", 0.01)
    'greedy_1'
    """
    return f"{sampler}_{ratio:.0%}".rstrip("%")


def mean_aurocs(splits: Sequence[SplitScores], rng: np.random.Generator | None = None) -> dict[str, float]:
    """Return the mean AUROC of each sampler and ratio over fabrics, splits and seeds.

    Parameters
    ----------
    splits : sequence of SplitScores
        All splits of all fabrics.
    rng : numpy.random.Generator, optional
        Resamples strips and seeds; None takes them as they are.

    Returns
    -------
    dict of str to float
        By `key`, and "all".
    """
    values: dict[str, list[float]] = {}
    for split in splits:
        rows = np.arange(len(split.labels))
        if rng is not None:
            rows = resample_rows(strip_strata(split.groups, ~split.labels), rng)
        labels = split.labels[rows]
        values.setdefault("all", []).append(float(pair_auroc(split.all_patches[rows], labels)))
        for sampler in SAMPLERS:
            scores = split.by_sampler[sampler]
            seeds = np.arange(len(scores)) if rng is None else rng.integers(len(scores), size=len(scores))
            aurocs = pair_auroc(scores[seeds][..., rows], labels).mean(axis=0)  # (ratios,)
            for ratio, auroc in zip(RATIOS, aurocs, strict=True):
                values.setdefault(key(sampler, ratio), []).append(float(auroc))
    return {name: float(np.mean(of_name)) for name, of_name in values.items()}


def with_interval(value: float, resampled: Sequence[float]) -> dict[str, float]:
    """Return a mean with its 95 % interval, rounded.

    Parameters
    ----------
    value : float
        Mean.
    resampled : sequence of float
        Means of the resamples.

    Returns
    -------
    dict of str to float
        Mean, low and high.
    """
    low, high = np.quantile(resampled, [0.025, 0.975])
    return {"mean": round(value, 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def summarize(splits: Sequence[SplitScores]) -> dict[str, Any]:
    """Return the AUROCs and their differences (to all patches, greedy to random), with intervals over strips.

    Parameters
    ----------
    splits : sequence of SplitScores
        All splits of all fabrics, fabric by fabric.

    Returns
    -------
    dict
        Part of the results file.
    """
    rng, means = np.random.default_rng(0), mean_aurocs(splits)
    resamples = [mean_aurocs(splits, rng) for _ in tqdm(range(N_RESAMPLES), desc="resamples")]
    pairs = {key("greedy_minus_random", ratio): (key("greedy", ratio), key("random", ratio)) for ratio in RATIOS}
    pairs |= {f"{name}_minus_all": (name, "all") for name in means if name != "all"}
    by_fabric = {fabric: splits[i * SPLITS : (i + 1) * SPLITS] for i, fabric in enumerate(FABRICS)}
    return {
        "tile_auroc": {name: with_interval(value, [r[name] for r in resamples]) for name, value in means.items()},
        "differences": {
            name: with_interval(means[a] - means[b], [r[a] - r[b] for r in resamples]) for name, (a, b) in pairs.items()
        },
        "by_fabric": {
            fabric: {name: round(value, 4) for name, value in mean_aurocs(of_fabric).items()}
            for fabric, of_fabric in by_fabric.items()
        },
    }


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
    parser = argparse.ArgumentParser(prog="course.py bench notebook_04", description="Samplers and coreset sizes.")
    parser.add_argument("--aitex", metavar="DIR", help="folder with AITEX (default: AITEX_ROOT or data/aitex)")
    options = parser.parse_args(arguments)
    try:
        root = find_aitex(options.aitex)
        pairs = [(fabric, split) for fabric in FABRICS for split in range(SPLITS)]
        splits = [score_split(root, fabric, split) for fabric, split in tqdm(pairs, desc="fabrics and splits")]
    except InputError as error:
        print(f"bench notebook_04: {error}", file=sys.stderr)
        return 1
    results = {
        **summarize(splits),
        "fabrics": FABRICS,
        "splits": SPLITS,
        "seeds": {"greedy": SEEDS, "random": SEEDS, "k_means": 1},
        "shares": RATIOS,
        "tiles_at_most": {"fit": FIT_TILES, "clean": CLEAN_TILES, "defective": DEFECTIVE_TILES},
        "n_resamples": N_RESAMPLES,
        "versions": versions(),
    }
    write_results("notebook_04", results)
    print(json.dumps({name: results[name] for name in ("tile_auroc", "differences", "by_fabric")}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
