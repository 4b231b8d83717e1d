"""`python course.py bench notebook_07 [--aitex DIR]`: PatchCore and the autoencoder on seven fabrics, protocol C.

Four fabrics of AITEX and the three of the practice fabric. Both learn from the same tiles of 70 % of a fabric's normal
strips and judge its other normal strips and all defective ones; the autoencoder by pixel and by SSIM, with another
seed, with few tiles, and with a code as large as the tile (`wide`). Differences are redrawn by strip, in pairs.
Written to `results/notebook_07.json`. About 25 minutes.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tables import RESULTS
from tqdm import tqdm

from aitex_utils import metrics
from aitex_utils.autoencoder import Autoencoder
from aitex_utils.backbones import load_backbone
from aitex_utils.demo import Scored, evaluate
from aitex_utils.duel import draw_strips, paired_differences
from aitex_utils.errors import InputError
from aitex_utils.files import write_whole
from aitex_utils.measure import versions
from aitex_utils.patchcore import PatchCore
from aitex_utils.strips import PRACTICE, find_aitex, list_strips, read_strips, split_strips
from aitex_utils.tiling import fabric_region, tile, tile_labels

FABRICS = {"aitex": ("00", "02", "03", "06"), "practice": ("00", "01", "02")}
FEW, SEEDS, DRAWS = 5, (0, 1), 1000
WIDE = {"code": 16, "halvings": 2}  # as many numbers as the tile has pixels
FULL = ("patchcore", "pixel", "ssim")  # judged by every measure; the others by tile AUROC


def strips_of(root: Path, fabric: str) -> tuple[np.ndarray, list]:
    """Return the tiles to fit (N, 256, 256), and the strips to test as (strip, image, mask), those of a known mask."""
    strips = list_strips(root, fabric)
    fit, held_out = split_strips([s for s in strips if s.is_normal], share=0.7, seed=0)
    tiles = []
    for image in read_strips(fit)[1]:
        begin, end = fabric_region(image)
        tiles.append(tile(image[:, begin:end])[0])
    tested = [(s, s.read(), s.read_mask()) for s in held_out + [s for s in strips if s.masks]]
    return np.concatenate(tiles), [(s, image, mask) for s, image, mask in tested if s.is_normal or mask.any()]


def scored(detector: PatchCore | Autoencoder, tested: Sequence[tuple]) -> tuple[list[Scored], float]:
    """Return what a detector finds on strips, and the seconds a tile that it took."""
    found, begin, count = [], time.perf_counter(), 0
    for strip, image, mask in tested:
        on = detector.score_strip(image)
        labels = tile_labels(np.stack([mask[r : r + 256, c : c + 256] for r, c in on.corners]))
        found.append(Scored(strip, image, mask, on, labels))
        count += len(labels)
    return found, (time.perf_counter() - begin) / count


def tiles_of(found: Sequence[Scored]) -> dict[str, np.ndarray]:
    """Return scores, labels and strips of all tiles (N,), and which of them protocol C1 takes."""
    of = np.concatenate([np.full(len(s.labels), i) for i, s in enumerate(found)])
    labels = np.concatenate([s.labels for s in found])
    normal = np.concatenate([np.full(len(s.labels), s.strip.is_normal) for s in found])
    scores = np.concatenate([s.found.tile_scores for s in found])
    return {"scores": scores, "labels": labels, "strips": of, "c1": normal | labels}


def on_fabric(root: Path, fabric: str) -> tuple[dict[str, Any], dict[str, dict[str, np.ndarray]]]:
    """Return the figures of one fabric by detector, and what each made of every tile."""
    tiles, tested = strips_of(root, fabric)
    few = tiles[np.random.default_rng(0).choice(len(tiles), min(FEW, len(tiles)), replace=False)]
    figures: dict[str, Any] = {"tiles_fitted": len(tiles), "strips_tested": len(tested)}
    kept = {}

    def judge(name: str, detector: PatchCore | Autoencoder, seconds: float) -> None:
        found, per_tile = scored(detector, tested)
        kept[name] = tiles_of(found)
        if name in FULL:
            all_figures = evaluate(found)
            wanted = [key for key in all_figures if "auroc" in key or key in ("pixel_ap", "aupro_0.3")]
            figures[name] = {key: all_figures[key] for key in wanted}
            figures[name] |= {"fit_seconds": round(seconds, 1), "milliseconds_a_tile": round(1000 * per_tile, 1)}
            size = detector.bank_.nbytes if isinstance(detector, PatchCore) else detector.nbytes
            figures[name]["kib_learnt"] = round(size / 1024)
        else:
            of, c1 = kept[name], kept[name]["c1"]
            figures[name] = {"tile_auroc_c1": metrics.auroc(of["labels"][c1], of["scores"][c1])}
            figures[name]["tile_auroc_c2"] = metrics.auroc(of["labels"], of["scores"])

    for name, learnt, options in (
        ("patchcore", tiles, None),
        ("patchcore_few", few, None),
        ("", tiles, {}),
        ("few", few, {}),
        ("wide", tiles, WIDE),
        *((f"seed{seed}", tiles, {"seed": seed}) for seed in SEEDS[1:]),
    ):
        begin = time.perf_counter()
        detector = PatchCore(seed=0) if options is None else Autoencoder(**options)
        detector.fit(learnt)
        seconds = time.perf_counter() - begin
        if options is None:
            judge(name, detector, seconds)
            continue
        for detector.error in ("pixel", "ssim"):
            judge(f"{name}_{detector.error}".lstrip("_"), detector, seconds)
    return figures, kept


def redrawn(kept: dict[str, dict[str, np.ndarray]], one: str, other: str, negatives: str) -> np.ndarray:
    """Return differences (DRAWS,) in tile AUROC, `one` minus `other`, of tests with other strips."""
    of = kept[other]
    rows = of["c1"] if negatives == "c1" else np.ones(len(of["c1"]), bool)
    labels, strips = of["labels"][rows], of["strips"][rows]
    drawn = draw_strips(labels, strips, DRAWS)
    return paired_differences(
        metrics.auroc, labels, kept[one]["scores"][rows], of["scores"][rows], strips, drawn
    )


def compared(kept: dict[str, dict]) -> dict[str, Any]:
    """Return the mean over fabrics of the difference to PatchCore, with its 95 % interval, by error and negatives."""
    found: dict[str, Any] = {}
    for one, other in (("pixel", "patchcore"), ("ssim", "patchcore"), ("ssim", "pixel"), ("wide_pixel", "pixel")):
        for negatives in ("c1", "c2"):
            drawn = np.mean([redrawn(of, one, other, negatives) for of in kept.values()], axis=0)
            low, high = np.quantile(drawn, [0.025, 0.975])
            found[f"{one}_minus_{other}_{negatives}"] = {"low": low, "median": np.median(drawn), "high": high}
    return found


def means(figures: dict[str, dict]) -> dict[str, dict[str, float]]:
    """Return the mean over fabrics of every figure of every detector."""
    detectors = [name for name, value in next(iter(figures.values())).items() if isinstance(value, dict)]
    numbers = {
        name: [key for key, value in next(iter(figures.values()))[name].items() if not isinstance(value, tuple)]
        for name in detectors
    }
    return {
        name: {key: float(np.mean([of[name][key] for of in figures.values()])) for key in numbers[name]}
        for name in detectors
    }


def rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: rounded(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(part) for part in value]
    return round(float(value), 4) if isinstance(value, (float, np.floating)) else value


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="course.py bench notebook_07", description=__doc__.split("\n")[0])
    parser.add_argument("--aitex", metavar="DIR", help="folder with AITEX; else AITEX_ROOT or data/aitex")
    given = parser.parse_args(arguments)
    result: dict[str, Any] = {}
    try:
        for data, root in (("practice", find_aitex(PRACTICE)), ("aitex", find_aitex(given.aitex))):
            figures, kept = {}, {}
            for fabric in tqdm(FABRICS[data], desc=data):
                figures[fabric], kept[fabric] = on_fabric(root, fabric)
            result[data] = {"mean": means(figures), "differences": compared(kept), "fabrics": figures}
    except InputError as error:
        print(f"bench notebook_07: {error}", file=sys.stderr)
        return 1
    network = load_backbone("efficientnet_lite0").network
    result["network_kib"] = round(sum(p.numel() * p.element_size() for p in network.parameters()) / 1024)
    result |= {"few_tiles": FEW, "seeds": SEEDS, "draws": DRAWS, "wide": WIDE}
    result |= {"autoencoder": Autoencoder().parameters(), "patchcore": PatchCore(seed=0).parameters()}
    result["versions"] = versions()
    with write_whole(RESULTS / "notebook_07.json") as path:
        path.write_text(json.dumps(rounded(result), indent=2) + "\n", encoding="utf-8")
    print(json.dumps(rounded({data: result[data]["mean"] for data in FABRICS}), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
