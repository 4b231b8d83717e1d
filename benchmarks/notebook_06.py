"""`python course.py bench notebook_06 [--aitex DIR] [--practice DIR]`: how sure figures are, what a threshold keeps.

Notebook 06 judges a detector on the practice fabric; here the same is asked on AITEX, and on the whole practice fabric.
By strip: fitted on tiles of half of a fabric's normal strips, tested on its other normal strips and its defective
ones whose mask is known. Written to `results/notebook_06.json`. About 15 minutes.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tables import write_results
from tqdm import tqdm

from aitex_utils import metrics
from aitex_utils.commands.profiling import versions
from aitex_utils.errors import InputError
from aitex_utils.patchcore import PAPER, PatchCore
from aitex_utils.scoring import anomaly_maps, max_score, mean_score, strip_map, top_score
from aitex_utils.scoring import reweighted_by_patch_score as variant
from aitex_utils.scoring import reweighted_score as equation_7
from aitex_utils.strips import PRACTICE, Strip, find_aitex, list_strips, split_strips
from aitex_utils.tiling import fabric_region, tile, tile_labels

FABRICS = {"aitex": ("00", "02", "03", "06"), "practice": ("00", "01", "02")}
FIT_TILES, SEED, DRAWS, HALVES = 40, 0, 1000, 50
SCORES = ("max", "mean", "top", "reweighted", "reweighted_by_patch")
SMOOTHINGS = (0, 2, 4, 8, 16)
RATES = (0.05, 0.1)


@dataclass(frozen=True)
class Judged:
    """A fabric's test tiles: scores by name (N,), labels (N,), strip numbers (N,); maps need the other fields."""

    scores: dict[str, np.ndarray]
    labels: np.ndarray
    owner: np.ndarray
    normal_strip: np.ndarray  # (N,): the tile's strip is a normal one
    distances: np.ndarray  # (N, H', W')
    corners: np.ndarray
    masks: list[np.ndarray]  # of each strip
    fit_scores: np.ndarray
    sister_scores: np.ndarray  # of other tiles of the strips that were fitted on


def cut(strip: Strip) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return a strip's tiles, their corners in the strip, the masks' tiles, and the whole mask."""
    image = strip.read()
    mask = np.zeros(image.shape, bool) if strip.is_normal else strip.read_mask()
    begin, end = fabric_region(image)
    tiles, corners = tile(image[:, begin:end])
    return tiles, corners + [0, begin], tile(mask[:, begin:end])[0], mask


def distances_of(detector: PatchCore, tiles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return distances (N, H', W') and each tile's worst patch (N, 1, C)."""
    distances, worst = [], []
    for patches in detector.features.batches(tiles):
        n, height, width, channels = patches.shape
        flat = patches.reshape(n, -1, channels)
        found = detector.bank_.nearest(flat.reshape(-1, channels), 1)[0].reshape(n, -1)
        distances.append(found.reshape(n, height, width))
        worst.append(flat[np.arange(n), found.argmax(axis=1)][:, None])
    return np.concatenate(distances), np.concatenate(worst)


def judge(root: Path, fabric: str) -> Judged:
    """Fit on half of a fabric's normal strips; score its other normal and its defective strips."""
    strips = list_strips(root, fabric)
    fit, held_out = split_strips([s for s in strips if s.is_normal], share=0.5, seed=SEED)
    test = held_out + [s for s in strips if not s.is_normal and s.masks and s.read_mask().any()]
    known = np.concatenate([cut(s)[0] for s in fit])
    order, count = np.random.default_rng(SEED).permutation(len(known)), min(FIT_TILES, len(known) // 2)
    detector = PatchCore(**PAPER, seed=SEED).fit(known[order[:count]])
    parts = [cut(s) for s in test]
    distances, worst = distances_of(detector, np.concatenate([p[0] for p in parts]))
    owner = np.repeat(np.arange(len(test)), [len(p[0]) for p in parts])
    return Judged(
        {
            "max": max_score(distances),
            "mean": mean_score(distances),
            "top": top_score(distances),
            "reweighted": equation_7(worst, detector.bank_),
            "reweighted_by_patch": variant(worst, detector.bank_),
        },
        tile_labels(np.concatenate([p[2] for p in parts])),
        owner,
        np.array([s.is_normal for s in test])[owner],
        distances,
        np.concatenate([p[1] for p in parts]),
        [p[3] for p in parts],
        max_score(distances_of(detector, known[order[:count]])[0]),
        max_score(distances_of(detector, known[order[count : 2 * count]])[0]),
    )


def drawn(judged: Judged, random: np.random.Generator, by: str) -> np.ndarray:
    """Return the rows of one bootstrap draw "strip" by strip (normal and defective strips apart) or "tile" by tile."""
    if by == "tile":
        groups = [np.flatnonzero(judged.labels), np.flatnonzero(~judged.labels)]
        return np.concatenate([random.choice(rows, len(rows)) for rows in groups])
    rows = []
    for kind in (True, False):
        names = np.unique(judged.owner[judged.normal_strip == kind])
        rows += [np.flatnonzero(judged.owner == name) for name in random.choice(names, len(names))]
    return np.concatenate(rows)


def interval_of(
    fabrics: Sequence[Judged], value: Callable[[Judged, np.ndarray], float], by: str = "strip"
) -> dict[str, float]:
    """Return the mean over fabrics of `value(judged, rows)`, and its 95 % interval over bootstrap draws."""
    random = np.random.default_rng(SEED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a draw without defects is nan and left out
        values = [np.mean([value(j, drawn(j, random, by)) for j in fabrics]) for _ in range(DRAWS)]
    low, high = np.nanquantile(values, [0.025, 0.975])
    whole = float(np.mean([value(j, np.arange(len(j.labels))) for j in fabrics]))
    return {"mean": whole, "low": float(low), "high": float(high)}


def tile_measure(measure: Callable, name: str = "max", *, only_normal_strips: bool = False) -> Callable:
    """Return a function of (judged, rows) for `interval_of`: a measure by tile of one image score."""

    def value(judged: Judged, rows: np.ndarray) -> float:
        if only_normal_strips:  # clean tiles of defective strips are left out
            rows = rows[judged.labels[rows] | judged.normal_strip[rows]]
        found = measure(judged.labels[rows], judged.scores[name][rows])
        return found[0] if isinstance(found, tuple) else found

    return value


def difference(name: str) -> Callable:
    one, other = tile_measure(metrics.auroc, name), tile_measure(metrics.auroc)
    return lambda judged, rows: one(judged, rows) - other(judged, rows)


def false_alarm_rate(judged: Judged, rows: np.ndarray) -> float:
    """Return the share of clean tiles above a fixed limit, which one in ten tiles of all normal strips is above."""
    scores, clean = judged.scores["max"], rows[~judged.labels[rows]]
    return float((scores[clean] >= np.quantile(scores[judged.normal_strip], 0.9)).mean())


def widths(fabrics: dict[str, Judged], value: Callable[[Judged, np.ndarray], float]) -> dict[str, Any]:
    """Return how wide a fabric's interval is if drawn by strip and by tile, means over fabrics; and their quotients."""
    wide: dict[str, list[float]] = {}
    for by in ("strip", "tile"):
        each = [interval_of([judged], value, by) for judged in fabrics.values()]
        wide[by] = [e["high"] - e["low"] for e in each]
    by_strip, by_tile = (float(np.mean(of)) for of in wide.values())
    times = {name: s / t for name, s, t in zip(fabrics, *wide.values(), strict=True)}
    return {"strip": by_strip, "tile": by_tile, "times": by_strip / by_tile, "times_by_fabric": times}


def by_pixel(judged: Judged, smoothing: float) -> dict[str, float]:
    """Return the measures over all fabric pixels of the tested strips."""
    maps = anomaly_maps(judged.distances, (256, 256), smoothing)
    stitched = []
    for i, mask in enumerate(judged.masks):
        rows = judged.owner == i
        stitched.append(strip_map(maps[rows], judged.corners[rows], mask.shape))
    labels = np.concatenate([mask[~np.isnan(m)] for mask, m in zip(judged.masks, stitched, strict=True)])
    scores = np.concatenate([m[~np.isnan(m)] for m in stitched])
    wide, narrow = metrics.aupro(stitched, judged.masks, (0.3, 0.05))
    return {
        "share": float(labels.mean()),
        "auroc": metrics.auroc(labels, scores),
        "ap": metrics.average_precision(labels, scores),
        "f1": metrics.f1_max(labels, scores)[0],
        "aupro_30": wide,
        "aupro_05": narrow,
    }


def by_level(judged: Judged, pixel: dict[str, float]) -> dict[str, dict[str, float]]:
    strips = np.unique(judged.owner)
    highest = np.array([judged.scores["max"][judged.owner == s].max() for s in strips])
    defective = np.array([judged.labels[judged.owner == s].any() for s in strips])
    found = {"pixel": pixel}
    for name, labels, scores in (("tile", judged.labels, judged.scores["max"]), ("strip", defective, highest)):
        found[name] = {
            "share": float(labels.mean()),
            "auroc": metrics.auroc(labels, scores),
            "ap": metrics.average_precision(labels, scores),
            "f1": metrics.f1_max(labels, scores)[0],
        }
    return found


def kept_promises(judged: Judged) -> dict[str, dict[str, Any]]:
    """Return, for each rate, what share of tiles of new normal strips is called defective, by source of the threshold.

    New strips are half of the held-out normal ones; the other half gives "strips". Mean over many such halves, with the
    rates of the halves themselves for "strips"; and the share of the clean tiles of defective strips.
    """
    scores, names = judged.scores["max"], np.unique(judged.owner[judged.normal_strip])
    random = np.random.default_rng(SEED)
    rates: dict[str, dict[str, list[float]]] = {}
    for _ in range(HALVES):
        order = random.permutation(names)
        known, new = (np.isin(judged.owner, part) for part in np.split(order, [-(-len(names) // 2)]))
        for rate in RATES:
            into = rates.setdefault(f"at_{round(100 * rate):02d}", {})
            sources = {"fit": judged.fit_scores, "sisters": judged.sister_scores, "strips": scores[known]}
            for name, of in sources.items():
                threshold = metrics.threshold_for_false_alarms(of, rate)
                into.setdefault(name, []).append(float((scores[new] >= threshold).mean()))
            clean = ~judged.labels & ~judged.normal_strip
            into.setdefault("clean_of_defective", []).append(float((scores[clean] >= threshold).mean()))
            into.setdefault("found", []).append(float((scores[judged.labels] >= threshold).mean()))
    return {
        rate: {
            **{name: float(np.mean(values)) for name, values in of.items()},
            "strips_lowest": float(np.quantile(of["strips"], 0.1)),
            "strips_highest": float(np.quantile(of["strips"], 0.9)),
        }
        for rate, of in rates.items()
    }


def examined(root: Path, names: Sequence[str]) -> dict[str, Any]:
    """Return all that is measured on one set of fabrics."""
    fabrics = {name: judge(root, name) for name in tqdm(names, desc="fabrics")}
    every = list(fabrics.values())
    pixels = {f: {s: by_pixel(j, s) for s in SMOOTHINGS} for f, j in tqdm(fabrics.items(), desc="pixels")}
    levels = {f: by_level(j, pixels[f][4]) for f, j in fabrics.items()}
    promises = {f: kept_promises(j) for f, j in fabrics.items()}
    auroc = tile_measure(metrics.auroc)
    return {
        "image_scores": {n: interval_of(every, tile_measure(metrics.auroc, n)) for n in SCORES},
        "image_scores_by_fabric": {
            n: {f: metrics.auroc(j.labels, j.scores[n]) for f, j in fabrics.items()} for n in SCORES
        },
        "differences_to_max": {n: interval_of(every, difference(n)) for n in SCORES[1:]},
        "levels": _mean(levels),
        "smoothing": {f"px_{s}": _mean({f: p[s] for f, p in pixels.items()}) for s in SMOOTHINGS},
        "smoothing_by_fabric": {f: {f"px_{s}": p[s] for s in SMOOTHINGS} for f, p in pixels.items()},
        "tile_auroc": interval_of(every, auroc),
        "tile_auroc_normal_strips": interval_of(every, tile_measure(metrics.auroc, only_normal_strips=True)),
        "tile_ap": interval_of(every, tile_measure(metrics.average_precision)),
        "interval_width": {"auroc": widths(fabrics, auroc), "false_alarms": widths(fabrics, false_alarm_rate)},
        "false_alarms": _mean(promises),
        "false_alarms_by_fabric": promises,
        "counts": {f: _counts(j) for f, j in fabrics.items()},
    }


def _counts(judged: Judged) -> dict[str, int]:
    marked = len(np.unique(judged.owner[judged.labels]))
    normal, defective = len(np.unique(judged.owner[judged.normal_strip])), int(judged.labels.sum())
    return {"tiles": len(judged.labels), "defective": defective, "normal_strips": normal, "marked_strips": marked}


def _mean(by_fabric: dict[str, Any]) -> Any:
    """Return the mean over fabrics of equally nested dictionaries of numbers."""
    values = list(by_fabric.values())
    if isinstance(values[0], dict):
        return {key: _mean({i: value[key] for i, value in enumerate(values)}) for key in values[0]}
    return float(np.mean(values))


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _rounded(part) for key, part in value.items()}
    return round(value, 5) if isinstance(value, float) else value


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="course.py bench notebook_06", description=__doc__.split("\n")[0])
    parser.add_argument("--aitex", metavar="DIR", help="folder with AITEX; else AITEX_ROOT or data/aitex")
    parser.add_argument("--practice", metavar="DIR", default=PRACTICE, help="folder with the practice fabric")
    given = parser.parse_args(arguments)
    try:
        roots = {"aitex": find_aitex(given.aitex), "practice": find_aitex(given.practice)}
        result = {name: examined(root, FABRICS[name]) for name, root in roots.items()}
    except InputError as error:
        print(f"bench notebook_06: {error}", file=sys.stderr)
        return 1
    setup = {"fit_tiles_at_most": FIT_TILES, "share_of_strips_to_fit": 0.5, "seed": SEED, "draws": DRAWS}
    setup |= {"halves": HALVES, "smoothing_of_levels": 4, "parameters": PatchCore(**PAPER, seed=SEED).parameters()}
    result["setup"] = setup | {"versions": versions()}
    write_results("notebook_06", _rounded(result))
    print(json.dumps(_rounded(result), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
