"""`python course.py bench notebook_03 [--aitex DIR]`: layers, input sizes, pooling and whitening compared on AITEX.

Notebook 03 compares them on the practice fabric. This benchmark compares them on three fabrics of AITEX with two splits
each. A detector is fitted on tiles of 70 % of a fabric's normal strips. It is tested on tiles of the other normal
strips and on defective tiles. Written to `results/notebook_03.json`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from results_files import write_results
from tqdm import tqdm

from aitex_utils import metrics
from aitex_utils.commands.launching import run_command
from aitex_utils.commands.profiling import versions
from aitex_utils.errors import InputError
from aitex_utils.lessons.tile_sampling import draw_tiles, split_fabric
from aitex_utils.patchcore import PAPER, PatchCore
from aitex_utils.strips import find_aitex

FABRICS, SEEDS, CORESET_RATIO = ("00", "02", "03"), 2, 0.05
FIT_TILES, CLEAN_TILES, DEFECTIVE_TILES = 30, 60, 60  # at most, drawn at random
CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "blocks_1": {"layers": ("blocks.1",)},
    "blocks_2": {"layers": ("blocks.2",)},
    "blocks_4": {"layers": ("blocks.4",)},
    "default": {},
    "size_128": {"size": 128},
    "size_384": {"size": 384},
    "pooling_1": {"pooling": 1},
    "pooling_7": {"pooling": 7},
    "whitened": {"whiten": True},
}


def draw_split(root: Path, fabric: str, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw tiles to fit and to test, split by strip.

    Parameters
    ----------
    root : Path
        Folder of the strips.
    fabric : str
        Two digits.
    seed : int
        Seed of the split and of the tiles.

    Returns
    -------
    training, test : ndarray, shape (N, 256, 256)
        Tiles, uint8; no strip is in both.
    labels : ndarray, shape (N,)
        True for defective tiles of the test.
    """
    rng = np.random.default_rng(seed)
    numbers = FIT_TILES, CLEAN_TILES, DEFECTIVE_TILES
    parts = zip(split_fabric(root, fabric, seed), numbers, strict=True)
    training, clean, defective = (draw_tiles(strips, at_most, rng).tiles for strips, at_most in parts)
    labels = np.repeat([False, True], [len(clean), len(defective)])
    return training, np.concatenate([clean, defective]), labels


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
    parser = argparse.ArgumentParser(prog="course.py bench notebook_03", description="Choices of the features.")
    parser.add_argument("--aitex", metavar="DIR", help="folder with AITEX (default: AITEX_ROOT or data/aitex)")
    options = parser.parse_args(arguments)
    by_fabric: dict[str, dict[str, float]] = {name: {} for name in CONFIGURATIONS}
    try:
        root = find_aitex(options.aitex)
        for fabric in FABRICS:
            splits = [draw_split(root, fabric, seed) for seed in range(SEEDS)]
            for name, changes in tqdm(CONFIGURATIONS.items(), desc=f"fabric {fabric}"):
                parameters, aurocs = {**PAPER, "coreset_ratio": CORESET_RATIO, **changes}, []
                for seed, (training, test, labels) in enumerate(splits):
                    detector = PatchCore(**parameters, seed=seed).fit(training)
                    aurocs.append(metrics.auroc(labels, detector.predict(test).scores))
                by_fabric[name][fabric] = round(mean(aurocs), 4)
    except InputError as error:
        print(f"bench notebook_03: {error}", file=sys.stderr)
        return 1
    results = {
        "tile_auroc": {name: round(mean(values.values()), 4) for name, values in by_fabric.items()},
        "by_fabric": by_fabric,
        "fabrics": FABRICS,
        "seeds": SEEDS,
        "coreset_ratio": CORESET_RATIO,
        "tiles_at_most": {"fit": FIT_TILES, "clean": CLEAN_TILES, "defective": DEFECTIVE_TILES},
        "versions": versions(),
    }
    write_results("notebook_03", results)
    print(json.dumps(by_fabric, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
