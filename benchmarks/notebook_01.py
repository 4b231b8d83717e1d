"""`python course.py bench notebook_01 [--data DIR]`: the figures that notebook 01 quotes.

Counts of strips, tiles and oddities, where fabric begins, and the leakage lab on every fabric, into
`results/notebook_01.json`: AITEX under the key `aitex`, the practice fabric under `practice`; the other key stays.
The folder of strips isn't named. Three minutes of computing for the practice fabric, ten for four fabrics of AITEX.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tables import RESULTS, results, write_results

from aitex_utils import metrics
from aitex_utils.commands.profiling import versions
from aitex_utils.datasets.dataset_check import check_dataset
from aitex_utils.errors import InputError
from aitex_utils.features import PatchFeatures
from aitex_utils.lessons.nb01.leakage import (
    CORESET,
    STRIPS,
    TILES,
    bed_numbers,
    mean_interval,
    nearest_normal,
    two_exams,
)
from aitex_utils.strips import PRACTICE, find_aitex, list_strips
from aitex_utils.tiling import fabric_region, tile, tile_labels

SEEDS, MOST = 20, 60  # splits; tiles of each further group
RULES = {"any_pixel": 0.0, "0_1_percent": 0.001, "1_percent": 0.01, "5_percent": 0.05, "10_percent": 0.10}


def read_fabric(root: Path, fabric: str) -> dict[str, Any]:
    """Return the tiles of a fabric: clean ones with their strips, and those of defective strips with their masks."""
    found: dict[str, list] = {"clean": [], "owner": [], "of_defective": [], "masks": [], "bed": [], "is_normal": []}
    for strip in list_strips(root, fabric):
        image = strip.read()
        begin, end = fabric_region(image)
        found["bed"].append(bed_numbers(image, begin))
        found["is_normal"].append(strip.is_normal)
        tiles, _ = tile(image[:, begin:end])
        if strip.is_normal:
            found["clean"].append(tiles)
            found["owner"] += [strip.id] * len(tiles)
        elif strip.masks and strip.read_mask().any():
            found["of_defective"].append(tiles)
            found["masks"].append(tile(strip.read_mask()[:, begin:end])[0])
    joined = {key: np.concatenate(found[key]) for key in ("clean", "of_defective", "masks")}
    return joined | {key: np.asarray(found[key]) for key in ("owner", "bed", "is_normal")}


def lab(of: dict[str, Any]) -> dict[str, Any]:
    """Return what the leakage lab measures on one fabric."""
    random = np.random.default_rng(0)
    defective = tile_labels(of["masks"])
    groups = {"defective": of["of_defective"][defective], "clean_of_defective": of["of_defective"][~defective]}
    features, shape = PatchFeatures(), lambda p: p.reshape(len(p), -1, p.shape[-1])
    others = {k: shape(features.transform(v[random.permutation(len(v))[:MOST]])) for k, v in groups.items()}
    patches = shape(features.transform(of["clean"]))
    exams = [two_exams(patches, of["owner"], others, seed=seed) for seed in range(SEEDS)]
    values = {f"{group}_{n}": [e.auroc(n, group) for e in exams] for group in others for n in ("same", "new")}
    mean, low, high = mean_interval([e.gap for e in exams])
    return {
        **{name: float(np.mean(v)) for name, v in values.items()},
        "gap": mean,
        "gap_low": low,
        "gap_high": high,
        "gaps": [e.gap for e in exams],
        "strangeness": float(np.mean([e.strangeness for e in exams])),
        "defective_tiles": int(defective.sum()),
        "clean_tiles": len(patches),
    }


def measure(root: Path) -> dict[str, Any]:
    strips = list_strips(root)
    fabrics = sorted({s.fabric for s in strips if s.is_normal})
    found: dict[str, Any] = {
        "strips": len(strips),
        "normal": sum(s.is_normal for s in strips),
        "defective": sum(not s.is_normal for s in strips),
        "oddities": dict(sorted(Counter(o.kind for o in check_dataset(root)).items())),
        "fabrics": {},
    }
    masks, clean = [], 0
    for fabric in fabrics:
        print(f"fabric {fabric} ...", flush=True)
        of = read_fabric(root, fabric)
        masks.append(of["masks"])
        clean += len(of["clean"])
        found["fabrics"][fabric] = {
            "strip_auroc_by_bed_alone": metrics.auroc(~of["is_normal"], nearest_normal(of["bed"], of["is_normal"])),
            **lab(of),
        }
    shares = np.concatenate([(m > 0).mean(axis=(1, 2)) for m in masks])
    counts = {name: int(((shares > 0) & (shares >= share)).sum()) for name, share in RULES.items()}
    found["tiles"] = {"all": clean + len(shares), "defective_by_rule": counts}
    found["tiles"]["defective_percent"] = 100 * counts["any_pixel"] / found["tiles"]["all"]
    of_fabrics = list(found["fabrics"].values())
    keys = [k for k, v in of_fabrics[0].items() if isinstance(v, float)]
    found["mean"] = {key: float(np.mean([of[key] for of in of_fabrics])) for key in keys}
    by_seed = np.mean([of["gaps"] for of in of_fabrics], axis=0)
    _, found["mean"]["gap_low"], found["mean"]["gap_high"] = mean_interval(by_seed)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="course.py bench notebook_01", description=__doc__.split("\n")[0])
    parser.add_argument("--data", metavar="DIR", help="strips; else AITEX_ROOT, data/aitex, the practice fabric")
    given = parser.parse_args(arguments)
    try:
        root = find_aitex(given.data)
        key = "practice" if root.resolve() == PRACTICE.resolve() else "aitex"
        path = RESULTS / "notebook_01.json"
        kept = results("notebook_01") if path.is_file() else {}
        kept[key] = measure(root)
        kept["split"] = {"strips": STRIPS, "tiles": TILES, "coreset": CORESET, "seeds": SEEDS, "versions": versions()}
        write_results("notebook_01", dict(sorted(kept.items())))
    except InputError as error:
        print(f"bench notebook_01: {error}", file=sys.stderr)
        return 1
    print(json.dumps(kept[key]["mean"], indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
