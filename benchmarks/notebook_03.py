"""`python course.py bench notebook_03 [--aitex DIR]`: layers, input sizes, pooling and whitening compared on AITEX.

Notebook 03 makes this comparison on the practice fabric; here it is made on three fabrics of AITEX with two splits
each, so that those without AITEX can see what holds there. By strip: fitted on tiles of 70 % of a fabric's normal
strips, tested on tiles of its other normal strips and on tiles with a defect. Written to `results/notebook_03.json`.
About 15 minutes.
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
from tables import write_results
from tqdm import tqdm

from aitex_utils import metrics
from aitex_utils.commands.profiling import versions
from aitex_utils.errors import InputError
from aitex_utils.patchcore import PAPER, PatchCore
from aitex_utils.strips import Strip, find_aitex, list_strips, split_strips
from aitex_utils.tiling import fabric_region, tile, tile_labels

FABRICS, SEEDS, CORESET = ("00", "02", "03"), 2, 0.05
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


def tiles_of(strips: Sequence[Strip]) -> np.ndarray:
    """Return the tiles (N, 256, 256) of strips: all of normal ones, those with a defect of the others."""
    found = []
    for strip in strips:
        image = strip.read()
        begin, end = fabric_region(image)
        tiles, _ = tile(image[:, begin:end])
        kept = slice(None) if strip.is_normal else tile_labels(tile(strip.read_mask()[:, begin:end])[0])
        found.append(tiles[kept])
    return np.concatenate(found)


def by_strip(root: Path, fabric: str, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return tiles to fit, tiles to test (N, 256, 256) and the labels (N,) of the latter; no strip is in both."""
    strips = list_strips(root, fabric)
    fit, held_out = split_strips([s for s in strips if s.is_normal], share=0.7, seed=seed)
    defective = [s for s in strips if not s.is_normal and s.masks]
    rng = np.random.default_rng(seed)
    parts = [
        tiles[rng.permutation(len(tiles))[:most]]
        for tiles, most in (
            (tiles_of(fit), FIT_TILES),
            (tiles_of(held_out), CLEAN_TILES),
            (tiles_of(defective), DEFECTIVE_TILES),
        )
    ]
    return parts[0], np.concatenate(parts[1:]), np.repeat([False, True], [len(parts[1]), len(parts[2])])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="course.py bench notebook_03", description=__doc__.split("\n")[0])
    parser.add_argument("--aitex", metavar="DIR", help="folder with AITEX; else AITEX_ROOT or data/aitex")
    given = parser.parse_args(arguments)
    by_fabric: dict[str, dict[str, float]] = {name: {} for name in CONFIGURATIONS}
    try:
        root = find_aitex(given.aitex)
        for fabric in FABRICS:
            splits = [by_strip(root, fabric, seed) for seed in range(SEEDS)]
            for name, parameters in tqdm(CONFIGURATIONS.items(), desc=f"fabric {fabric}"):
                found = []
                for seed, (fit, test, labels) in enumerate(splits):
                    detector = PatchCore(**{**PAPER, "coreset": CORESET, **parameters}, seed=seed).fit(fit)
                    found.append(metrics.auroc(labels, detector.score(test).scores))
                by_fabric[name][fabric] = round(mean(found), 4)
    except InputError as error:
        print(f"bench notebook_03: {error}", file=sys.stderr)
        return 1
    result = {
        "tile_auroc": {name: round(mean(values.values()), 4) for name, values in by_fabric.items()},
        "by_fabric": by_fabric,
        "fabrics": FABRICS,
        "seeds": SEEDS,
        "coreset": CORESET,
        "tiles_at_most": {"fit": FIT_TILES, "clean": CLEAN_TILES, "defective": DEFECTIVE_TILES},
        "versions": versions(),
    }
    write_results("notebook_03", result)
    print(json.dumps(by_fabric, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
