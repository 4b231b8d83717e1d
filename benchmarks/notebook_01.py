"""`python course.py bench notebook_01 [--data DIR]`: the measurements that notebook 01 quotes.

It measures counts of strips, tiles and issues, the strip AUROC of the machine bed alone, and the leakage experiment on
every fabric. It writes `results/notebook_01.json`: AITEX under the key `aitex`, the practice fabric under `practice`.
The other key stays. The file does not name the folder of the strips.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from results_files import read_results_if_any, write_results

from aitex_utils import metrics
from aitex_utils.commands.launching import run_command
from aitex_utils.commands.profiling import versions
from aitex_utils.datasets.dataset_check import check_dataset
from aitex_utils.errors import InputError
from aitex_utils.features import PatchFeatures
from aitex_utils.lessons.nb01.leakage import (
    CORESET,
    STRIPS,
    TILES,
    bed_features,
    leakage_experiment,
    mean_interval,
    nearest_normal_distance,
)
from aitex_utils.strips import PRACTICE, find_aitex, list_strips
from aitex_utils.tiling import crop_tiles, tile_fabric, tile_labels

SEEDS, MAX_TILES = 20, 60  # splits, and tiles of each set besides the clean tiles
RULES = {"any_pixel": 0.0, "0_1_percent": 0.001, "1_percent": 0.01, "5_percent": 0.05, "10_percent": 0.10}


@dataclass(frozen=True)
class Fabric:
    """The tiles of a fabric, and the beds of its strips.

    Parameters
    ----------
    clean : ndarray, shape (N, 256, 256)
        Tiles of normal strips.
    groups : ndarray, shape (N,)
        Strip of each clean tile.
    of_defective : ndarray, shape (M, 256, 256)
        All tiles of defective strips with a known mask.
    masks : ndarray, shape (M, 256, 256)
        Their masks, bool.
    beds : ndarray, shape (S, 3)
        Output of `bed_features` for each strip.
    is_normal : ndarray, shape (S,)
        True for normal strips.
    """

    clean: np.ndarray
    groups: np.ndarray
    of_defective: np.ndarray
    masks: np.ndarray
    beds: np.ndarray
    is_normal: np.ndarray


def read_fabric(root: Path, fabric: str) -> Fabric:
    """Read and cut all strips of a fabric.

    Parameters
    ----------
    root : Path
        Folder of the strips.
    fabric : str
        Two digits.

    Returns
    -------
    Fabric
    """
    clean, groups, of_defective, masks, beds, is_normal = [], [], [], [], [], []
    for strip in list_strips(root, fabric):
        image = strip.read()
        tiles, corners = tile_fabric(image)
        beds.append(bed_features(image, int(corners[:, 1].min())))
        is_normal.append(strip.is_normal)
        if strip.is_normal:
            clean.append(tiles)
            groups += [strip.id] * len(tiles)
        elif (mask := strip.read_known_mask()) is not None:
            of_defective.append(tiles)
            masks.append(crop_tiles(mask, corners))
    joined = [np.concatenate(parts) for parts in (of_defective, masks)]
    return Fabric(np.concatenate(clean), np.array(groups), *joined, np.array(beds), np.array(is_normal))


def measure_leakage(fabric: Fabric) -> dict[str, Any]:
    """Run the leakage experiment on one fabric with many splits.

    Parameters
    ----------
    fabric : Fabric
        The fabric.

    Returns
    -------
    dict
        Means over splits, and the gap of each split.
    """
    rng, features = np.random.default_rng(0), PatchFeatures()

    def patches_of(tiles: np.ndarray) -> np.ndarray:
        patches = features.transform(tiles)
        return patches.reshape(len(patches), -1, patches.shape[-1])  # (N, H', W', C) -> (N, P, C)

    is_defective = tile_labels(fabric.masks)
    tiles = {"defective": fabric.of_defective[is_defective], "clean_of_defective": fabric.of_defective[~is_defective]}
    tile_sets = {name: patches_of(part[rng.permutation(len(part))[:MAX_TILES]]) for name, part in tiles.items()}
    patches = patches_of(fabric.clean)
    results = [leakage_experiment(patches, fabric.groups, tile_sets, seed=seed) for seed in range(SEEDS)]
    gaps = [result.gap for result in results]
    gap, low, high = mean_interval(np.array(gaps))
    return {
        **{
            f"{name}_{strips}": float(np.mean([result.auroc(strips, name) for result in results]))
            for name in tile_sets
            for strips in ("same", "new")
        },
        "gap": gap,
        "gap_low": low,
        "gap_high": high,
        "gaps": gaps,
        "novelty_auroc": float(np.mean([result.novelty_auroc for result in results])),
        "defective_tiles": int(is_defective.sum()),
        "clean_tiles": len(patches),
    }


def measure(root: Path) -> dict[str, Any]:
    """Measure everything that the notebook quotes of one data set.

    Parameters
    ----------
    root : Path
        Folder of the strips.

    Returns
    -------
    dict
        Counts, measures by fabric, and their means.
    """
    strips = list_strips(root)
    by_fabric, shares, n_clean = {}, [], 0
    for name in sorted({strip.fabric for strip in strips if strip.is_normal}):
        print(f"fabric {name} ...", flush=True)
        fabric = read_fabric(root, name)
        shares.append(fabric.masks.mean(axis=(1, 2)))
        n_clean += len(fabric.clean)
        bed_scores = nearest_normal_distance(fabric.beds, fabric.is_normal)
        by_fabric[name] = {
            "strip_auroc_by_bed_alone": metrics.auroc(~fabric.is_normal, bed_scores),
            **measure_leakage(fabric),
        }
    return {
        "strips": len(strips),
        "normal": sum(strip.is_normal for strip in strips),
        "defective": sum(not strip.is_normal for strip in strips),
        "issues": dict(sorted(Counter(issue.kind for issue in check_dataset(root)).items())),
        "fabrics": by_fabric,
        "tiles": _count_by_rule(np.concatenate(shares), n_clean),
        "mean": _mean_of_fabrics(list(by_fabric.values())),
    }


def _count_by_rule(shares: np.ndarray, n_clean: int) -> dict[str, Any]:
    """Count the tiles that are defective if at least a share of their area must be, by rule."""
    counts = {name: int(((shares > 0) & (shares >= share)).sum()) for name, share in RULES.items()}
    n_tiles = n_clean + len(shares)
    return {"all": n_tiles, "defective_by_rule": counts, "defective_percent": 100 * counts["any_pixel"] / n_tiles}


def _mean_of_fabrics(fabrics: list[dict[str, Any]]) -> dict[str, float]:
    names = [name for name, value in fabrics[0].items() if isinstance(value, float)]
    means = {name: float(np.mean([measures[name] for measures in fabrics])) for name in names}
    gaps = np.mean([measures["gaps"] for measures in fabrics], axis=0)  # (SEEDS,)
    _, means["gap_low"], means["gap_high"] = mean_interval(gaps)
    return means


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
    parser = argparse.ArgumentParser(prog="course.py bench notebook_01", description="Measurements of notebook 01.")
    parser.add_argument("--data", metavar="DIR", help="strips (default: AITEX_ROOT, data/aitex or practice fabric)")
    options = parser.parse_args(arguments)
    try:
        root = find_aitex(options.data)
        data = "practice" if root.resolve() == PRACTICE.resolve() else "aitex"
        results = read_results_if_any("notebook_01")
        results[data] = measure(root)
    except InputError as error:
        print(f"bench notebook_01: {error}", file=sys.stderr)
        return 1
    setup = {"strips": STRIPS, "tiles": TILES, "coreset_ratio": CORESET, "seeds": SEEDS}
    results["split"] = {**setup, "versions": versions()}
    write_results("notebook_01", dict(sorted(results.items())))
    print(json.dumps(results[data]["mean"], indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
