"""`python course.py bench notebook_07 [--aitex DIR] [--only PART]`: PatchCore and the autoencoder, protocol C.

Four fabrics of AITEX and the three of the practice fabric. Both learn from the same tiles of 70 % of a fabric's normal
strips and judge its other normal strips and all defective ones; the autoencoder by pixel and by SSIM, with another
seed, with few tiles, and with a code as large as the tile (`wide`). Differences are redrawn by strip, in pairs.
The part `crossed` tells representation and signal apart: the autoencoder's codes and PatchCore's features, each rebuilt
and each remembered, by banks of as many vectors, drawn at random. Written to `results/notebook_07.json`; `--only` makes
one part anew and leaves the other as it is. About 25 minutes.
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
from sklearn.decomposition import PCA
from tables import RESULTS, write_results
from tqdm import tqdm

from aitex_utils import metrics
from aitex_utils.autoencoder import Autoencoder
from aitex_utils.backbones import load_backbone
from aitex_utils.commands.demo import Scored, evaluate
from aitex_utils.commands.profiling import versions
from aitex_utils.coreset import random_subset
from aitex_utils.duel import draw_strips, paired_differences
from aitex_utils.errors import InputError
from aitex_utils.features import PatchFeatures
from aitex_utils.memory_bank import MemoryBank
from aitex_utils.patchcore import PAPER, PatchCore
from aitex_utils.scoring import anomaly_maps
from aitex_utils.strips import PRACTICE, find_aitex, list_strips, read_strips, split_strips
from aitex_utils.tiling import fabric_region, tile, tile_labels

FABRICS = {"aitex": ("00", "02", "03", "06"), "practice": ("00", "01", "02")}
FEW, SEEDS, DRAWS = 5, (0, 1), 1000
BANK = 10_000  # vectors that each bank of the part `crossed` remembers
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
        detector = PatchCore(**PAPER, seed=0) if options is None else Autoencoder(**options)
        detector.fit(learnt)
        seconds = time.perf_counter() - begin
        if options is None:
            judge(name, detector, seconds)
            continue
        for detector.error in ("pixel", "ssim"):
            judge(f"{name}_{detector.error}".lstrip("_"), detector, seconds)
    return figures, kept


def crossed(root: Path, fabric: str) -> dict[str, dict[str, np.ndarray]]:
    """Return what four detectors make of every tile, as `tiles_of` does: codes or features, rebuilt or remembered."""
    fit, tested = strips_of(root, fabric)
    net, features = Autoencoder(error="pixel").fit(fit), PatchFeatures()

    def drawn(vectors: np.ndarray) -> np.ndarray:
        flat = vectors.reshape(-1, vectors.shape[-1])
        return flat[random_subset(flat, min(BANK, len(flat)), seed=0)]

    codes, patches = drawn(net.encode(fit)), drawn(features.transform(fit))
    spread, linear = codes.std(axis=0), PCA(0.9).fit(patches)
    banks = {"codes": MemoryBank().add(codes / spread), "features": MemoryBank().add(patches)}

    def signals(tiles: np.ndarray) -> dict[str, np.ndarray]:
        """Return maps of tiles by each detector; lengths of what a linear autoencoder on patches loses among them."""
        seen = {"codes": net.encode(tiles) / spread, "features": features.transform(tiles)}
        found = {}
        for name, vectors in seen.items():
            flat = vectors.reshape(-1, vectors.shape[-1])
            found[f"{name}_remembered"] = banks[name].nearest(flat, 1)[0].reshape(vectors.shape[:3])
        lost = flat - linear.inverse_transform(linear.transform(flat))
        found["features_rebuilt"] = np.linalg.norm(lost, axis=1).reshape(vectors.shape[:3])
        maps = {name: anomaly_maps(of, tiles.shape[1:], net.smoothing) for name, of in found.items()}
        return {**maps, "codes_rebuilt": net.score(tiles).maps}

    scores: dict[str, list[np.ndarray]] = {}
    labels, of_strip, normal = [], [], []
    for i, (strip, image, mask) in enumerate(tested):
        begin, end = fabric_region(image)
        tiles = tile(image[:, begin:end])[0]
        for name, maps in signals(tiles).items():
            scores.setdefault(name, []).append(maps.max(axis=(1, 2)))
        labels.append(tile_labels(tile(mask[:, begin:end])[0]))
        of_strip.append(np.full(len(tiles), i))
        normal.append(np.full(len(tiles), strip.is_normal))
    same = {"labels": np.concatenate(labels), "strips": np.concatenate(of_strip)}
    same["c1"] = np.concatenate(normal) | same["labels"]
    return {name: {"scores": np.concatenate(parts), **same} for name, parts in scores.items()}


def of_crossed(kept: dict[str, dict]) -> dict[str, Any]:
    """Return the tile AUROC (C1) of the four by fabric, its mean, and codes minus features where both remember."""
    by_fabric = {
        fabric: {name: metrics.auroc(o["labels"][o["c1"]], o["scores"][o["c1"]]) for name, o in of.items()}
        for fabric, of in kept.items()
    }
    names = next(iter(by_fabric.values()))
    pair = ("codes_remembered", "features_remembered", "c1")
    low, middle, high = np.quantile(np.mean([redrawn(of, *pair) for of in kept.values()], axis=0), [0.025, 0.5, 0.975])
    return {
        "mean": {name: float(np.mean([of[name] for of in by_fabric.values()])) for name in names},
        "codes_minus_features": {"low": low, "median": middle, "high": high},
        "fabrics": by_fabric,
    }


def redrawn(kept: dict[str, dict[str, np.ndarray]], one: str, other: str, negatives: str) -> np.ndarray:
    """Return differences (DRAWS,) in tile AUROC, `one` minus `other`, of tests with other strips."""
    of = kept[other]
    rows = of["c1"] if negatives == "c1" else np.ones(len(of["c1"]), bool)
    labels, strips = of["labels"][rows], of["strips"][rows]
    drawn = draw_strips(labels, strips, DRAWS)
    return paired_differences(metrics.auroc, labels, kept[one]["scores"][rows], of["scores"][rows], strips, drawn)


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
    parser.add_argument("--only", choices=("contest", "crossed"), help="make this part anew, keep the other")
    given = parser.parse_args(arguments)
    file = RESULTS / "notebook_07.json"
    result: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if given.only and file.is_file() else {}
    try:
        for data, root in (("practice", find_aitex(PRACTICE)), ("aitex", find_aitex(given.aitex))):
            of = result.setdefault(data, {})
            if given.only != "crossed":
                figures, kept = {}, {}
                for fabric in tqdm(FABRICS[data], desc=data):
                    figures[fabric], kept[fabric] = on_fabric(root, fabric)
                of.update({"mean": means(figures), "differences": compared(kept), "fabrics": figures})
            if given.only != "contest":
                pairs = tqdm(FABRICS[data], desc=f"{data}, crossed")
                of["crossed"] = of_crossed({fabric: crossed(root, fabric) for fabric in pairs})
    except InputError as error:
        print(f"bench notebook_07: {error}", file=sys.stderr)
        return 1
    network = load_backbone("efficientnet_lite0").network
    result["network_kib"] = round(sum(p.numel() * p.element_size() for p in network.parameters()) / 1024)
    result |= {"few_tiles": FEW, "seeds": SEEDS, "draws": DRAWS, "wide": WIDE, "bank": BANK}
    result |= {"autoencoder": Autoencoder().parameters(), "patchcore": PatchCore(**PAPER, seed=0).parameters()}
    result["versions"] = versions()
    write_results("notebook_07", rounded(result))
    shown = {data: (result[data]["mean"], result[data]["crossed"]["mean"]) for data in FABRICS}
    print(json.dumps(rounded(shown), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
