"""`python course.py bench notebook_06 [--aitex DIR] [--practice DIR]`: image scores, intervals and thresholds.

Notebooks 06 and 07 evaluate a detector on the practice fabric. This benchmark evaluates it on AITEX and on the whole
practice fabric. A detector is fitted on tiles of half of a fabric's normal strips. It is tested on the other normal
strips and on the defective strips whose mask is known. Written to `results/notebook_06.json`.
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
from bootstrap import resample_rows, strip_strata
from comparison import mean_of_nested
from results_files import read_results_if_any, rounded, write_results
from tqdm import tqdm

from aitex_utils import metrics
from aitex_utils.commands.launching import run_command
from aitex_utils.commands.profiling import versions
from aitex_utils.commands.protocol_c import split_protocol_c
from aitex_utils.errors import InputError
from aitex_utils.patchcore import PAPER, PatchCore
from aitex_utils.scoring import IMAGE_SCORES, anomaly_maps, image_scores, max_score, stitch_maps
from aitex_utils.strips import PRACTICE, find_aitex, list_strips
from aitex_utils.tiling import crop_tiles, tile_fabric, tile_labels

FABRICS = {"aitex": ("00", "02", "03", "06"), "practice": ("00", "01", "02")}
SHARE, FIT_TILES, SEED, N_RESAMPLES, HALVES = 0.5, 40, 0, 1000, 50
SMOOTHINGS, LEVEL_SMOOTHING = (0, 2, 4, 8, 16), 4  # px
RATES = (0.05, 0.1)


@dataclass(frozen=True)
class FabricScores:
    """Scores of the N test tiles of a fabric.

    Parameters
    ----------
    scores : dict of str to ndarray, each of shape (N,)
        By kind of image score.
    labels : ndarray, shape (N,)
        True for defective tiles.
    groups : ndarray, shape (N,)
        Number of each tile's strip.
    of_normal_strip : ndarray, shape (N,)
        True for tiles of normal strips.
    distances : ndarray, shape (N, H', W')
        Patch-level anomaly scores.
    corners : ndarray, shape (N, 2)
        Upper left corner of each tile in its strip.
    masks : list of ndarray, each of shape (H, W)
        Masks of the strips, bool.
    fit_scores : ndarray, shape (n,)
        Maximum scores of the training tiles.
    same_strip_scores : ndarray, shape (n,)
        Maximum scores of other tiles of the training strips.
    """

    scores: dict[str, np.ndarray]
    labels: np.ndarray
    groups: np.ndarray
    of_normal_strip: np.ndarray
    distances: np.ndarray
    corners: np.ndarray
    masks: list[np.ndarray]
    fit_scores: np.ndarray
    same_strip_scores: np.ndarray


Measure = Callable[[FabricScores, np.ndarray], float]  # of some rows of a fabric's tiles


def distances_and_worst_patches(detector: PatchCore, tiles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distances of the patches of tiles, and each tile's farthest patch.

    Parameters
    ----------
    detector : PatchCore
        Fitted detector.
    tiles : ndarray, shape (N, H, W)
        Tiles, uint8.

    Returns
    -------
    distances : ndarray, shape (N, H', W')
    worst : ndarray, shape (N, 1, C)
        The patches on which the reweighted scores depend, so that not all patches are held.
    """
    distances, worst = [], []
    for patches in detector.features.iter_patches(tiles):
        distances.append(detector.patch_distances(patches))
        flat = patches.reshape(len(patches), -1, patches.shape[-1])
        farthest = distances[-1].reshape(len(patches), -1).argmax(axis=1)
        worst.append(flat[np.arange(len(flat)), farthest][:, None])
    return np.concatenate(distances), np.concatenate(worst)


def score_fabric(root: Path, fabric: str) -> FabricScores:
    """Fit on tiles of half of a fabric's normal strips, and score its other normal and its defective strips.

    Parameters
    ----------
    root : Path
        Folder of the strips.
    fabric : str
        Two digits.

    Returns
    -------
    FabricScores
    """
    training, test = split_protocol_c(list_strips(root, fabric), SHARE, SEED)
    of_training = np.concatenate([tile_fabric(strip.read())[0] for strip in training])
    order, n_fit = np.random.default_rng(SEED).permutation(len(of_training)), min(FIT_TILES, len(of_training) // 2)
    fit_tiles, same_strip_tiles = of_training[order[:n_fit]], of_training[order[n_fit : 2 * n_fit]]
    detector = PatchCore(**PAPER, seed=SEED).fit(fit_tiles)
    masks = {strip: strip.read_known_mask() for strip in test}
    strips = [strip for strip, mask in masks.items() if mask is not None]
    cut = [tile_fabric(strip.read()) for strip in strips]
    distances, worst = distances_and_worst_patches(detector, np.concatenate([tiles for tiles, _ in cut]))
    mask_tiles = [crop_tiles(masks[strip], corners) for strip, (_, corners) in zip(strips, cut, strict=True)]
    groups = np.repeat(np.arange(len(strips)), [len(tiles) for tiles, _ in cut])
    return FabricScores(
        scores={kind: image_scores(kind, distances, worst, detector.bank_) for kind in IMAGE_SCORES},
        labels=tile_labels(np.concatenate(mask_tiles)),
        groups=groups,
        of_normal_strip=np.array([strip.is_normal for strip in strips])[groups],
        distances=distances,
        corners=np.concatenate([corners for _, corners in cut]),
        masks=[masks[strip] for strip in strips],
        fit_scores=max_score(distances_and_worst_patches(detector, fit_tiles)[0]),
        same_strip_scores=max_score(distances_and_worst_patches(detector, same_strip_tiles)[0]),
    )


def resample(fabric: FabricScores, rng: np.random.Generator, by: str) -> np.ndarray:
    """Return the rows of one bootstrap resample of a fabric's tiles.

    Parameters
    ----------
    fabric : FabricScores
        The fabric.
    rng : numpy.random.Generator
        Source of the draw.
    by : {"strip", "tile"}
        Resample strips, normal and defective ones among themselves, or tiles, as if they were independent.

    Returns
    -------
    ndarray, shape (n,)
    """
    if by == "strip":
        return resample_rows(strip_strata(fabric.groups, fabric.of_normal_strip), rng)
    classes = [np.flatnonzero(fabric.labels), np.flatnonzero(~fabric.labels)]
    return np.concatenate([rng.choice(rows, len(rows)) for rows in classes])


def mean_with_interval(fabrics: Sequence[FabricScores], measure: Measure, by: str = "strip") -> dict[str, float]:
    """Return the mean over fabrics of a measure, with its 95 % bootstrap interval.

    Parameters
    ----------
    fabrics : sequence of FabricScores
        The fabrics.
    measure : callable
        Called with a fabric and the rows of a resample.
    by : {"strip", "tile"}
        As in `resample`.

    Returns
    -------
    dict of str to float
        Mean, low and high.
    """
    rng = np.random.default_rng(SEED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a resample without defects is NaN and left out
        values = [
            np.mean([measure(fabric, resample(fabric, rng, by)) for fabric in fabrics]) for _ in range(N_RESAMPLES)
        ]
    low, high = np.nanquantile(values, [0.025, 0.975])
    mean = np.mean([measure(fabric, np.arange(len(fabric.labels))) for fabric in fabrics])
    return {"mean": float(mean), "low": float(low), "high": float(high)}


def auroc_of(kind: str = "max") -> Measure:
    """Return the measure: tile AUROC of a kind of image score.

    Parameters
    ----------
    kind : str
        Kind of image score.

    Returns
    -------
    callable
    """
    return lambda fabric, rows: metrics.auroc(fabric.labels[rows], fabric.scores[kind][rows])


def auroc_difference(kind: str) -> Measure:
    """Return the measure: difference in tile AUROC (kind - max).

    Parameters
    ----------
    kind : str
        Kind of image score.

    Returns
    -------
    callable
    """
    auroc, max_auroc = auroc_of(kind), auroc_of("max")
    return lambda fabric, rows: auroc(fabric, rows) - max_auroc(fabric, rows)


def auroc_c1(fabric: FabricScores, rows: np.ndarray) -> float:
    """Return the tile AUROC without the clean tiles of defective strips.

    Parameters
    ----------
    fabric : FabricScores
        The fabric.
    rows : ndarray, shape (n,)
        Rows of its tiles.

    Returns
    -------
    float
    """
    rows = rows[fabric.labels[rows] | fabric.of_normal_strip[rows]]
    return metrics.auroc(fabric.labels[rows], fabric.scores["max"][rows])


def average_precision(fabric: FabricScores, rows: np.ndarray) -> float:
    """Return the tile-level average precision.

    Parameters
    ----------
    fabric : FabricScores
        The fabric.
    rows : ndarray, shape (n,)
        Rows of its tiles.

    Returns
    -------
    float
    """
    return metrics.average_precision(fabric.labels[rows], fabric.scores["max"][rows])


def false_alarm_rate(fabric: FabricScores, rows: np.ndarray) -> float:
    """Return the share of clean tiles above a fixed threshold, above which are 10 % of the tiles of normal strips.

    Parameters
    ----------
    fabric : FabricScores
        The fabric.
    rows : ndarray, shape (n,)
        Rows of its tiles.

    Returns
    -------
    float
    """
    scores, clean = fabric.scores["max"], rows[~fabric.labels[rows]]
    return float((scores[clean] >= np.quantile(scores[fabric.of_normal_strip], 0.9)).mean())


def interval_widths(fabrics: dict[str, FabricScores], measure: Measure) -> dict[str, Any]:
    """Compare the widths of the intervals of resampled strips and of resampled tiles.

    Parameters
    ----------
    fabrics : dict of str to FabricScores
        By name.
    measure : callable
        As in `mean_with_interval`.

    Returns
    -------
    dict
        Mean width over fabrics by strip and by tile, their ratio, and the ratio of each fabric.
    """
    widths: dict[str, list[float]] = {}
    for by in ("strip", "tile"):
        intervals = [mean_with_interval([fabric], measure, by) for fabric in fabrics.values()]
        widths[by] = [interval["high"] - interval["low"] for interval in intervals]
    by_strip, by_tile = (float(np.mean(of_kind)) for of_kind in widths.values())
    ratios = {name: strip / tile for name, strip, tile in zip(fabrics, *widths.values(), strict=True)}
    return {"strip": by_strip, "tile": by_tile, "times": by_strip / by_tile, "times_by_fabric": ratios}


def _measures(labels: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    return {
        "share": float(labels.mean()),
        "auroc": metrics.auroc(labels, scores),
        "ap": metrics.average_precision(labels, scores),
        "f1": metrics.f1_max(labels, scores)[0],
    }


def pixel_measures(fabric: FabricScores, smoothing: float) -> dict[str, float]:
    """Return the pixel-level measures over all fabric of the test strips.

    Parameters
    ----------
    fabric : FabricScores
        The fabric.
    smoothing : float
        Standard deviation in px of the Gaussian over anomaly maps.

    Returns
    -------
    dict of str to float
    """
    maps = anomaly_maps(fabric.distances, (256, 256), smoothing)
    strip_maps = []
    for number, mask in enumerate(fabric.masks):
        rows = fabric.groups == number
        strip_maps.append(stitch_maps(maps[rows], fabric.corners[rows], mask.shape))
    on_fabric = [~np.isnan(strip_map) for strip_map in strip_maps]
    labels = np.concatenate([mask[on] for mask, on in zip(fabric.masks, on_fabric, strict=True)])
    scores = np.concatenate([strip_map[on] for strip_map, on in zip(strip_maps, on_fabric, strict=True)])
    aupro = metrics.aupro(strip_maps, fabric.masks, (0.3, 0.05))
    return {**_measures(labels, scores), "aupro_30": aupro[0], "aupro_05": aupro[1]}


def measures_by_level(fabric: FabricScores, of_pixels: dict[str, float]) -> dict[str, dict[str, float]]:
    """Return the measures of pixels, tiles and strips side by side.

    Parameters
    ----------
    fabric : FabricScores
        The fabric.
    of_pixels : dict of str to float
        Output of `pixel_measures`.

    Returns
    -------
    dict of str to dict of str to float
        By level.
    """
    scores, by_strip = fabric.scores["max"], [fabric.groups == number for number in np.unique(fabric.groups)]
    strip_labels = np.array([fabric.labels[rows].any() for rows in by_strip])
    strip_scores = np.array([scores[rows].max() for rows in by_strip])
    return {
        "pixel": of_pixels,
        "tile": _measures(fabric.labels, scores),
        "strip": _measures(strip_labels, strip_scores),
    }


def rates_on_new_strips(fabric: FabricScores) -> dict[str, dict[str, Any]]:
    """Return which share of the tiles of new normal strips is flagged, by rate and by source of the threshold.

    New strips are half of the held-out normal strips. The other half is the source "strips".

    Parameters
    ----------
    fabric : FabricScores
        The fabric.

    Returns
    -------
    dict of str to dict of str to float
        By promised rate. Sources are the training tiles ("fit"), other tiles of their strips ("same_strips") and other
        strips ("strips"). Means over many halves; for "strips" also the 10 % and 90 % quantiles, the share of the clean
        tiles of defective strips, and the recall.
    """
    scores, normal_strips = fabric.scores["max"], np.unique(fabric.groups[fabric.of_normal_strip])
    clean_of_defective = ~fabric.labels & ~fabric.of_normal_strip
    rng = np.random.default_rng(SEED)
    shares: dict[str, dict[str, list[float]]] = {f"at_{round(100 * rate):02d}": {} for rate in RATES}
    for _ in range(HALVES):
        order = rng.permutation(normal_strips)
        known, new = (np.isin(fabric.groups, half) for half in np.split(order, [-(-len(order) // 2)]))
        sources = {"fit": fabric.fit_scores, "same_strips": fabric.same_strip_scores, "strips": scores[known]}
        for rate, of_rate in zip(RATES, shares.values(), strict=True):
            thresholds = {name: metrics.conformal_threshold(of_source, rate) for name, of_source in sources.items()}
            flagged = {name: scores >= threshold for name, threshold in thresholds.items()}
            for name in sources:
                of_rate.setdefault(name, []).append(float(flagged[name][new].mean()))
            of_rate.setdefault("clean_of_defective", []).append(float(flagged["strips"][clean_of_defective].mean()))
            of_rate.setdefault("recall", []).append(float(flagged["strips"][fabric.labels].mean()))
    return {
        rate: {
            **{name: float(np.mean(values)) for name, values in of_rate.items()},
            "strips_lowest": float(np.quantile(of_rate["strips"], 0.1)),
            "strips_highest": float(np.quantile(of_rate["strips"], 0.9)),
        }
        for rate, of_rate in shares.items()
    }


def evaluate_fabrics(root: Path, names: Sequence[str]) -> dict[str, Any]:
    """Measure everything that the notebook quotes of one data set.

    Parameters
    ----------
    root : Path
        Folder of the strips.
    names : sequence of str
        Fabrics.

    Returns
    -------
    dict
        Part of the results file.
    """
    fabrics = {name: score_fabric(root, name) for name in tqdm(names, desc="fabrics")}
    pixels = {
        name: {smoothing: pixel_measures(fabric, smoothing) for smoothing in SMOOTHINGS}
        for name, fabric in tqdm(fabrics.items(), desc="pixels")
    }
    levels = {name: measures_by_level(fabric, pixels[name][LEVEL_SMOOTHING]) for name, fabric in fabrics.items()}
    rates = {name: rates_on_new_strips(fabric) for name, fabric in fabrics.items()}
    parts = list(fabrics.values())
    return {
        "image_scores": {kind: mean_with_interval(parts, auroc_of(kind)) for kind in IMAGE_SCORES},
        "image_scores_by_fabric": {
            kind: {name: metrics.auroc(fabric.labels, fabric.scores[kind]) for name, fabric in fabrics.items()}
            for kind in IMAGE_SCORES
        },
        "differences_to_max": {kind: mean_with_interval(parts, auroc_difference(kind)) for kind in IMAGE_SCORES[1:]},
        "levels": mean_of_nested(list(levels.values())),
        "smoothing": {
            f"px_{smoothing}": mean_of_nested([of_fabric[smoothing] for of_fabric in pixels.values()])
            for smoothing in SMOOTHINGS
        },
        "smoothing_by_fabric": {
            name: {f"px_{smoothing}": of_fabric[smoothing] for smoothing in SMOOTHINGS}
            for name, of_fabric in pixels.items()
        },
        "tile_auroc": mean_with_interval(parts, auroc_of()),
        "tile_auroc_normal_strips": mean_with_interval(parts, auroc_c1),
        "tile_ap": mean_with_interval(parts, average_precision),
        "interval_width": {
            "auroc": interval_widths(fabrics, auroc_of()),
            "false_alarms": interval_widths(fabrics, false_alarm_rate),
        },
        "false_alarms": mean_of_nested(list(rates.values())),
        "false_alarms_by_fabric": rates,
        "counts": {name: _counts(fabric) for name, fabric in fabrics.items()},
    }


def _counts(fabric: FabricScores) -> dict[str, int]:
    return {
        "tiles": len(fabric.labels),
        "defective": int(fabric.labels.sum()),
        "normal_strips": len(np.unique(fabric.groups[fabric.of_normal_strip])),
        "marked_strips": len(np.unique(fabric.groups[fabric.labels])),
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
    parser = argparse.ArgumentParser(prog="course.py bench notebook_06", description="Scores and thresholds.")
    parser.add_argument("--aitex", metavar="DIR", help="folder with AITEX (default: AITEX_ROOT or data/aitex)")
    parser.add_argument("--practice", metavar="DIR", default=PRACTICE, help="folder with the practice fabric")
    parser.add_argument("--only-data", choices=tuple(FABRICS), help="measure on this data set anew, keep the other")
    options = parser.parse_args(arguments)
    try:
        results = read_results_if_any("notebook_06") if options.only_data else {}
        for data in [options.only_data] if options.only_data else FABRICS:
            results[data] = evaluate_fabrics(find_aitex(getattr(options, data)), FABRICS[data])
    except InputError as error:
        print(f"bench notebook_06: {error}", file=sys.stderr)
        return 1
    results["setup"] = {
        "fit_tiles_at_most": FIT_TILES,
        "share_of_strips_to_fit": SHARE,
        "seed": SEED,
        "n_resamples": N_RESAMPLES,
        "halves": HALVES,
        "smoothing_of_levels": LEVEL_SMOOTHING,
        "parameters": PatchCore(**PAPER, seed=SEED).parameters(),
        "versions": versions(),
    }
    results = rounded(results, 5)
    write_results("notebook_06", results)
    print(json.dumps(results, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
