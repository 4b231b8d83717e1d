"""`python course.py bench practice_fabric [--aitex DIR]`: is the practice fabric a fair stand-in for AITEX?

Measures what it must hold to, into `results/practice_fabric.json`: made in time and the same bytes each time, all
twelve defect kinds, small defects, and above all that it teaches the truth: PatchCore does about as well on it as on
AITEX, and nine configurations rank alike on both. Needs AITEX for the last two, and `bench demo` run on both before.
About 20 minutes.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np
from protocols import fabric_tiles, protocol_b
from tables import results, write_results, write_tables
from tqdm import tqdm

from aitex_utils.atomic_write import sha256
from aitex_utils.commands.profiling import versions
from aitex_utils.errors import InputError
from aitex_utils.patchcore import PAPER
from aitex_utils.practice.generate import GENERATOR, make_practice_fabric
from aitex_utils.strips import DEFECTS, find_aitex, list_strips
from aitex_utils.tiling import fabric_region, tile

AITEX_FABRICS, SEEDS, PLAIN = ("00", "02", "03", "06"), 2, "the paper's recipe"
CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "our defaults": {},
    "the paper's recipe": PAPER,
    "random 1 %": {**PAPER, "sampler": "random", "coreset": 0.01},
    "384 px": {**PAPER, "size": 384},
    "128 px": {**PAPER, "size": 128},
    "whitened": {**PAPER, "whiten": True},
    "pooling 7": {**PAPER, "pooling": 7},
    "blocks.1 alone": {**PAPER, "layers": ("blocks.1",)},
    "blocks.4 alone": {**PAPER, "layers": ("blocks.4",)},
}


def bytes_of(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): sha256(p) for p in sorted(folder.rglob("*")) if p.is_file()}


def defect_pixels(root: Path) -> list[int]:
    """Return the number of defect pixels of each tile of the fabric region that holds any."""
    counts = []
    for strip in list_strips(root):
        if strip.masks and not strip.is_normal:
            begin, end = fabric_region(strip.read())
            per_tile = tile(strip.read_mask()[:, begin:end])[0].sum(axis=(1, 2))
            counts += [int(n) for n in per_tile if n]
    return counts


def ranking(root: Path, fabrics: Sequence[str], kept: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """Return tile AUROC by protocol B of each configuration and fabric; those of `kept` as they are."""
    found = {name: dict(kept.get(name, {})) for name in CONFIGURATIONS}
    for fabric in fabrics:
        missing = {name: of for name, of in CONFIGURATIONS.items() if fabric not in found[name]}
        tiles = fabric_tiles(root, fabric) if missing else None
        for name, parameters in tqdm(missing.items(), desc=f"fabric {fabric}"):
            found[name][fabric] = protocol_b(tiles, SEEDS, **parameters)["tile_auroc"]
    return found


def made(folder: Path) -> tuple[Path, list[float], bool]:
    """Make the practice fabric three times; return one, the seconds of each, and whether all are the same bytes."""
    seconds, found = [], []
    for i in range(3):
        begin = time.perf_counter()
        make_practice_fabric(folder / str(i))
        seconds.append(round(time.perf_counter() - begin, 1))
        found.append(bytes_of(folder / str(i)))
    return folder / "0", seconds, found[0] == found[1] == found[2]


def kept_ranking() -> dict[str, dict[str, dict[str, float]]]:
    """Return the rankings of the results file, by place, of those configurations of which nothing has changed."""
    try:
        there = results("practice_fabric")
    except FileNotFoundError:
        return {}
    now = {"generator": GENERATOR, "seeds": SEEDS, "versions": versions()}
    if any(there.get(key) != value for key, value in now.items()):
        return {}
    before, wanted = there["configurations"], json.loads(json.dumps(CONFIGURATIONS))
    same = [name for name in wanted if before.get(name) == wanted[name]]
    return {place: {n: of[n] for n in same if n in of} for place, of in there["by_fabric"].items()}


def main(arguments: Sequence[str] | None = None) -> int:
    from scipy.stats import spearmanr

    parser = argparse.ArgumentParser(prog="course.py bench practice_fabric", description=__doc__.split("\n")[0])
    parser.add_argument("--aitex", metavar="DIR", help="folder with AITEX; else AITEX_ROOT or data/aitex")
    told = "take rankings from the results file, of configurations as they were, by the same generator and versions"
    parser.add_argument("--keep-ranking", action="store_true", help=told)
    given = parser.parse_args(arguments)
    try:
        aitex = find_aitex(given.aitex)
        demos = {name: results(f"demo_{name}") for name in ("aitex", "practice")}
        with tempfile.TemporaryDirectory() as folder:
            practice, seconds, same = made(Path(folder))
            codes = sorted({s.code for s in list_strips(practice)} - {"000"})
            pixels = {"practice": defect_pixels(practice), "aitex": defect_pixels(aitex)}
            kept = kept_ranking() if given.keep_ranking else {}
            fabrics = sorted({s.fabric for s in list_strips(practice)})
            by_fabric = {
                "practice": ranking(practice, fabrics, kept.get("practice", {})),
                "aitex": ranking(aitex, AITEX_FABRICS, kept.get("aitex", {})),
            }
    except (InputError, FileNotFoundError) as error:
        print(f"bench practice_fabric: {error}", file=sys.stderr)
        return 1
    means = {name: {place: mean(of[name].values()) for place, of in by_fabric.items()} for name in CONFIGURATIONS}
    agreement = float(
        spearmanr([m["practice"] for m in means.values()], [m["aitex"] for m in means.values()]).statistic
    )
    c1 = {name: mean(of["tile_auroc_c1"] for of in demos[name].values()) for name in demos}
    quantiles = {name: [float(q) for q in np.quantile(values, (0.25, 0.5))] for name, values in pixels.items()}
    b_apart, c_apart = abs(means[PLAIN]["practice"] - means[PLAIN]["aitex"]), abs(c1["practice"] - c1["aitex"])
    small = all(p <= 1.1 * a for p, a in zip(quantiles["practice"], quantiles["aitex"], strict=True))
    highest = max(means[PLAIN]["practice"], c1["practice"])
    demands = [
        ("made in under 30 s, median of three", median(seconds), median(seconds) < 30),
        ("the same seed makes the same bytes", same, same),
        ("all twelve defect kinds", len(codes), codes == sorted(set(DEFECTS) - {"000"})),
        ("defect pixels a tile, quartile and median, at most a tenth above AITEX's", quantiles, small),
        ("tile AUROC, protocol B, within 0.05 of AITEX's", round(b_apart, 4), b_apart <= 0.05),
        ("tile AUROC, protocol C1, within 0.05 of AITEX's", round(c_apart, 4), c_apart <= 0.05),
        ("never at 1.0", round(highest, 4), highest < 0.995),
        ("nine configurations rank alike, Spearman at least 0.8", round(agreement, 4), agreement >= 0.8),
    ]
    found = {
        "demands": [{"demand": d, "measured": m, "held": bool(h)} for d, m, h in demands],
        "configurations": CONFIGURATIONS,
        "tile_auroc_b": means,
        "tile_auroc_c1": c1,
        "by_fabric": by_fabric,
        "seconds": seconds,
        "seeds": SEEDS,
        "generator": GENERATOR,
        "versions": versions(),
    }
    write_results("practice_fabric", found)
    write_tables()
    for demand in found["demands"]:
        print("held  " if demand["held"] else "MISSED", demand["demand"], demand["measured"])
    print(json.dumps(means, indent=1))
    return 0 if all(d["held"] for d in found["demands"]) else 1


if __name__ == "__main__":
    sys.exit(main())
