"""`python course.py bench notebook_09 [--aitex DIR] [--only-data NAME]`: PatchCore, autoencoders and PCA by protocol C.

Three practice fabrics and three fabrics of AITEX. All detectors learn from the same tiles of 70 % of a
fabric's normal strips. They are tested on its other normal strips and all defective strips. Each detector is measured
in three ways: as it comes, without a frame of 8 px of each tile, and with measures against the edges of tiles
(`contest.py`). The autoencoder is tested with pixel error and with SSIM, with another seed, with few
tiles, with a code as large as the tile (`wide`), and as a variational autoencoder. Two banks of equally many vectors,
drawn at random, separate representation and signal. All intervals come from one bootstrap over strips, so differences
are paired. Written to `results/notebook_09.json` after each fabric.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from bootstrap import count_by_bin, resample_strips, resampled_auroc_and_ap
from contest import (
    BANK_SIZE,
    BORDER,
    FEW,
    FRAME,
    OVERLAP,
    WIDE,
    Scored,
    fit_scorers,
    score_detectors,
)
from results_files import read_results_if_any, rounded, write_results
from tqdm import tqdm

from aitex_utils import metrics
from aitex_utils.backbones import load_backbone
from aitex_utils.baselines.autoencoder import Autoencoder
from aitex_utils.baselines.pca_residual import PcaResidual
from aitex_utils.baselines.variational import VariationalAutoencoder
from aitex_utils.commands.launching import run_command
from aitex_utils.commands.profiling import versions
from aitex_utils.commands.protocol_c import TileScores, evaluate, split_protocol_c
from aitex_utils.errors import InputError
from aitex_utils.patchcore import PAPER, PatchCore
from aitex_utils.strips import PRACTICE, Strip, find_aitex, list_strips
from aitex_utils.tiling import tile_fabric

FABRICS = {"practice": ("00", "01", "02"), "aitex": ("00", "03", "06")}
N_RESAMPLES = 1000
MEASURES = ("strip_auroc", "pixel_auroc", "pixel_ap", "aupro_0.3")
WAYS = ("", "_without_frame", "_fixed")
PAIRS = (
    *((f"{name}{way}", name) for name in ("patchcore", "pixel", "ssim", "pca", "wide_pixel") for way in WAYS[1:]),
    *((f"{name}{way}", f"patchcore{way}") for name in ("pixel", "ssim", "pca", "patchcore_few") for way in WAYS),
    *((f"wide_{error}{way}", f"{error}{way}") for error in ("pixel", "ssim") for way in WAYS),
    *((f"ssim{way}", f"pixel{way}") for way in WAYS),
    *(
        (f"{variant}_{error}_fixed", f"{error}_fixed")
        for variant in ("few", "seed1", "vae")
        for error in ("pixel", "ssim")
    ),
    *((f"vae_{error}_fixed", "patchcore_fixed") for error in ("pixel", "ssim")),
    ("codes_bank_fixed", "features_bank_fixed"),
    ("codes_bank_fixed", "pixel_fixed"),
    ("features_bank_fixed", "pca_fixed"),
    ("pca_fixed", "pixel_fixed"),
)


def read_split(root: Path, fabric: str) -> tuple[np.ndarray, list[Strip]]:
    """Return the tiles to fit and the strips to test of a fabric.

    Parameters
    ----------
    root : Path
        Folder of the strips.
    fabric : str
        Two digits.

    Returns
    -------
    tiles : ndarray, shape (N, 256, 256)
        Tiles of the training strips.
    test : list of Strip
        Strips with a known mask.
    """
    training, test = split_protocol_c(list_strips(root, fabric), seed=0)
    tiles = np.concatenate([tile_fabric(strip.read())[0] for strip in training])
    return tiles, [strip for strip in test if strip.read_known_mask() is not None]


def run_fabric(root: Path, fabric: str) -> tuple[dict[str, Any], dict[str, dict[str, np.ndarray]]]:
    """Fit and test all detectors on one fabric.

    Parameters
    ----------
    root : Path
        Folder of the strips.
    fabric : str
        Two digits.

    Returns
    -------
    measures : dict
        Of the fabric, and by detector.
    resampled : dict of str to dict
        By detector, then by protocol "c1" and "c2": tile AUROC of each resample of strips, (n_resamples,).
    """
    tiles, test = read_split(root, fabric)
    measures: dict[str, Any] = {"tiles_fitted": len(tiles), "strips_tested": len(test)}
    resampled: dict[str, dict[str, np.ndarray]] = {}
    for scorer, fixed in fit_scorers(tiles):
        scored = score_detectors(scorer, test, fixed=fixed)
        for name in scored.tiles:
            resampled[name] = {protocol: resample_auroc(scored.tiles[name], protocol) for protocol in ("c1", "c2")}
            measures[name] = measure_detector(scored, name, resampled[name])
        measures["tiles_tested"] = len(next(iter(scored.tiles.values())).labels)
    return measures, resampled


def measure_detector(scored: Scored, name: str, resampled: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return the measures of one detector on one fabric.

    Parameters
    ----------
    scored : Scored
        Scores of the test set.
    name : str
        Name of the detector.
    resampled : mapping of str to ndarray
        Tile AUROC of the resamples by protocol.

    Returns
    -------
    dict
        Tile AUROC by both protocols with intervals, and what else is known of this detector.
    """
    tiles, values = scored.tiles[name], {}
    for protocol in ("c1", "c2"):
        rows = rows_of(tiles, protocol)
        values[f"tile_auroc_{protocol}"] = metrics.auroc(tiles.labels[rows], tiles.scores[rows])
        values[f"tile_auroc_{protocol}_interval"] = np.nanquantile(resampled[protocol], [0.025, 0.975]).tolist()
    if name in scored.strips:
        full = evaluate(scored.strips[name], n_resamples=1)
        values |= {key: full[key] for key in MEASURES}
    if name in scored.edge_distances:
        values["peaks_in_frame"] = float((scored.edge_distances[name] < FRAME).mean())
    if name in scored.nbytes:
        values["kib_learnt"] = round(scored.nbytes[name] / 1024)
    return values


def rows_of(tiles: TileScores, protocol: str) -> np.ndarray:
    """Return which tiles count.

    Parameters
    ----------
    tiles : TileScores
        Scores of the test tiles.
    protocol : {"c1", "c2"}
        Protocol.

    Returns
    -------
    ndarray, shape (N,)
        bool.
    """
    return tiles.in_c1 if protocol == "c1" else np.ones(len(tiles.labels), bool)


def resample_auroc(tiles: TileScores, protocol: str) -> np.ndarray:
    """Return the tile AUROC under other strips. Equal test sets have equal resamples, so differences are paired.

    Parameters
    ----------
    tiles : TileScores
        Scores of the test tiles.
    protocol : {"c1", "c2"}
        Protocol.

    Returns
    -------
    ndarray, shape (n_resamples,)
    """
    rows = rows_of(tiles, protocol)
    strips = np.unique(tiles.groups)
    defective = [strip for strip in strips if tiles.labels[tiles.groups == strip].any()]
    ordered = [*defective, *(strip for strip in strips if strip not in defective)]
    groups = [np.flatnonzero(rows & (tiles.groups == strip)) for strip in ordered]
    counts = count_by_bin([tiles.scores[g] for g in groups], [tiles.labels[g] for g in groups])
    weights = resample_strips(len(defective), len(strips) - len(defective), N_RESAMPLES)
    return resampled_auroc_and_ap(*counts, weights)[0]


def summarize(
    measures: Mapping[str, Mapping[str, Any]], resampled: Mapping[str, Mapping[str, Mapping[str, np.ndarray]]]
) -> dict[str, Any]:
    """Return the measures by fabric, their means over fabrics with intervals, and paired differences.

    Parameters
    ----------
    measures : mapping of str to mapping
        By fabric, then by detector.
    resampled : mapping of str to mapping
        By fabric, by detector, then by protocol.

    Returns
    -------
    dict
        Part of the results file.
    """
    by_detector = {name: value for name, value in next(iter(measures.values())).items() if isinstance(value, dict)}
    means: dict[str, Any] = {}
    for name, values in by_detector.items():
        means[name] = {
            key: float(np.mean([of_fabric[name][key] for of_fabric in measures.values()]))
            for key, value in values.items()
            if not isinstance(value, list)  # an interval
        }
        for protocol in ("c1", "c2"):
            drawn = np.mean([of_fabric[name][protocol] for of_fabric in resampled.values()], axis=0)
            low, high = np.nanquantile(drawn, [0.025, 0.975])
            means[name] |= {f"tile_auroc_{protocol}_low": float(low), f"tile_auroc_{protocol}_high": float(high)}
    differences = {}
    for (a, b), protocol in itertools.product(PAIRS, ("c1", "c2")):
        drawn = np.mean([of_fabric[a][protocol] - of_fabric[b][protocol] for of_fabric in resampled.values()], axis=0)
        low, middle, high = np.nanquantile(drawn, [0.025, 0.5, 0.975])
        differences[f"{a}_minus_{b}_{protocol}"] = {"low": float(low), "median": float(middle), "high": float(high)}
    return {"mean": means, "differences": differences, "fabrics": dict(measures)}


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
    parser = argparse.ArgumentParser(prog="course.py bench notebook_09", description="PatchCore and the autoencoder.")
    parser.add_argument("--aitex", metavar="DIR", help="folder with AITEX (default: AITEX_ROOT or data/aitex)")
    parser.add_argument("--only-data", choices=tuple(FABRICS), help="measure on this data set anew, keep the other")
    parser.add_argument("--fabrics", nargs="+", metavar="FF", help="these fabrics alone, with --only-data")
    options = parser.parse_args(arguments)
    stored = read_results_if_any("notebook_09") if options.only_data else {}
    results: dict[str, Any] = {data: stored[data] for data in FABRICS if data in stored}
    try:
        for data in [options.only_data] if options.only_data else FABRICS:
            root = find_aitex(PRACTICE if data == "practice" else options.aitex)
            measures, resampled = {}, {}
            for fabric in tqdm(options.fabrics or FABRICS[data], desc=data):
                measures[fabric], resampled[fabric] = run_fabric(root, fabric)
                results[data] = summarize(measures, resampled)
                write_results("notebook_09", rounded(results | settings(), 4))
    except InputError as error:
        print(f"bench notebook_09: {error}", file=sys.stderr)
        return 1
    shown = {
        data: {name: values["tile_auroc_c1"] for name, values in of_data["mean"].items()}
        for data, of_data in results.items()
        if data in FABRICS
    }
    print(json.dumps(rounded(shown, 4), indent=1))
    return 0


def settings() -> dict[str, Any]:
    """Return the settings of the benchmark, as the results file has them.

    Returns
    -------
    dict
    """
    network = load_backbone("efficientnet_lite0").network
    return {
        "network_kib": round(sum(p.numel() * p.element_size() for p in network.parameters()) / 1024),
        "few_tiles": FEW,
        "n_resamples": N_RESAMPLES,
        "wide": WIDE,
        "bank": BANK_SIZE,
        "frame": FRAME,
        "border": BORDER,
        "overlap": OVERLAP,
        "autoencoder": Autoencoder().parameters(),
        "vae": VariationalAutoencoder().parameters(),
        "pca": {"explained": PcaResidual().explained},
        "patchcore": PatchCore(**PAPER, seed=0).parameters(),
        "versions": versions(),
    }


if __name__ == "__main__":
    sys.exit(run_command(main))
