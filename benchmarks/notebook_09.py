"""`python course.py bench notebook_09 [--aitex DIR] [--only PART]`: PatchCore and the autoencoder by protocol C.

Four fabrics of AITEX and the three of the practice fabric. Part `contest`: both detectors learn from the same tiles of
70 % of a fabric's normal strips. They are tested on its other normal strips and all defective strips. The autoencoder
is tested with pixel error and with SSIM, with another seed, with few tiles, and with a code as large as the tile
(`wide`). Part `crossed` separates representation and signal: the autoencoder's codes and PatchCore's features, each
reconstructed and each remembered, by banks of equally many vectors, drawn at random. Differences have paired bootstrap
intervals over strips. Written to `results/notebook_09.json`. `--only` makes one part anew and keeps the other.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from results_files import read_results_if_any, rounded, write_results
from sklearn.decomposition import PCA
from tqdm import tqdm

from aitex_utils import metrics
from aitex_utils.backbones import load_backbone
from aitex_utils.baselines.autoencoder import Autoencoder
from aitex_utils.commands.launching import run_command
from aitex_utils.commands.profiling import versions
from aitex_utils.commands.protocol_c import (
    TileScores,
    collect_tiles,
    evaluate,
    score_strips,
    split_protocol_c,
)
from aitex_utils.coreset import random_subset
from aitex_utils.errors import InputError
from aitex_utils.features import PatchFeatures
from aitex_utils.memory_bank import MemoryBank
from aitex_utils.patchcore import PAPER, PatchCore, StripResult
from aitex_utils.scoring import anomaly_maps, max_score
from aitex_utils.strips import PRACTICE, Strip, find_aitex, list_strips
from aitex_utils.tiling import crop_tiles, tile_fabric, tile_labels

FABRICS = {"aitex": ("00", "02", "03", "06"), "practice": ("00", "01", "02")}
FEW, SEEDS, N_RESAMPLES = 5, (0, 1), 1000
BANK_SIZE = 10_000  # vectors of each bank of the part `crossed`
WIDE = {"latent_channels": 16, "depth": 2}  # as many numbers as the tile has pixels
FULLY_EVALUATED = ("patchcore", "pixel", "ssim")  # the others by tile AUROC alone
PAIRS = (("pixel", "patchcore"), ("ssim", "patchcore"), ("ssim", "pixel"), ("wide_pixel", "pixel"))


class TimedDetector:
    """A detector that adds up the seconds of its predictions.

    Parameters
    ----------
    detector : PatchCore or Autoencoder
        Fitted detector.

    Attributes
    ----------
    seconds : float
        Seconds of all predictions so far.
    """

    def __init__(self, detector: PatchCore | Autoencoder) -> None:
        self.detector, self.seconds = detector, 0.0

    def predict_strip(self, strip: np.ndarray) -> StripResult:
        """Do what the detector's method does.

        Parameters
        ----------
        strip : ndarray, shape (H, W)
            Grey image, uint8.

        Returns
        -------
        StripResult
        """
        begin = time.perf_counter()
        result = self.detector.predict_strip(strip)
        self.seconds += time.perf_counter() - begin
        return result


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


def fit_variants(tiles: np.ndarray) -> Iterator[tuple[str, PatchCore | Autoencoder, float]]:
    """Fit PatchCore and the autoencoder in all their variants.

    Parameters
    ----------
    tiles : ndarray, shape (N, 256, 256)
        Normal tiles.

    Yields
    ------
    name : str
        Name in the results file.
    detector : PatchCore or Autoencoder
        Fitted detector. The detectors of the autoencoder's two errors share one network.
    seconds : float
        Seconds of the fit.
    """
    few = tiles[np.random.default_rng(0).choice(len(tiles), min(FEW, len(tiles)), replace=False)]
    for name, training in (("patchcore", tiles), ("patchcore_few", few)):
        begin = time.perf_counter()
        detector = PatchCore(**PAPER, seed=0).fit(training)
        yield name, detector, time.perf_counter() - begin
    variants: list[tuple[str, np.ndarray, dict[str, Any]]] = [
        ("", tiles, {}),
        ("few_", few, {}),
        ("wide_", tiles, WIDE),
    ]
    variants += [(f"seed{seed}_", tiles, {"seed": seed}) for seed in SEEDS[1:]]
    for prefix, training, parameters in variants:
        begin = time.perf_counter()
        network = Autoencoder(**parameters).fit(training)
        seconds = time.perf_counter() - begin
        for network.error in ("pixel", "ssim"):
            yield f"{prefix}{network.error}", network, seconds


def run_contest(root: Path, fabric: str) -> tuple[dict[str, Any], dict[str, TileScores]]:
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
        By detector.
    tile_scores : dict of str to TileScores
        By detector, for paired differences.
    """
    tiles, test = read_split(root, fabric)
    images = [strip.read() for strip in test]
    measures: dict[str, Any] = {"tiles_fitted": len(tiles), "strips_tested": len(test)}
    tile_scores = {}
    for name, detector, fit_seconds in fit_variants(tiles):
        timed = TimedDetector(detector)
        scored = score_strips(timed, test, images)
        tile_scores[name] = of_tiles = collect_tiles(scored)
        if name in FULLY_EVALUATED:
            values = evaluate(scored, n_resamples=N_RESAMPLES)
            wanted = [key for key in values if "auroc" in key or key in ("pixel_ap", "aupro_0.3")]
            learnt = detector.bank_.nbytes if isinstance(detector, PatchCore) else detector.nbytes
            measures[name] = {key: values[key] for key in wanted}
            measures[name]["fit_seconds"] = round(fit_seconds, 1)
            measures[name]["milliseconds_a_tile"] = round(1000 * timed.seconds / len(of_tiles.labels), 1)
            measures[name]["kib_learnt"] = round(learnt / 1024)
        else:
            measures[name] = {
                "tile_auroc_c1": auroc_c1(of_tiles),
                "tile_auroc_c2": metrics.auroc(of_tiles.labels, of_tiles.scores),
            }
    return measures, tile_scores


def auroc_c1(tiles: TileScores) -> float:
    """Return the tile AUROC by protocol C1.

    Parameters
    ----------
    tiles : TileScores
        Scores of the test tiles.

    Returns
    -------
    float
    """
    return metrics.auroc(tiles.labels[tiles.in_c1], tiles.scores[tiles.in_c1])


class CrossedSignals:
    """Two representations, codes and features, each with two signals: reconstruction error and distance to a bank.

    Parameters
    ----------
    tiles : ndarray, shape (N, 256, 256)
        Normal tiles.
    """

    def __init__(self, tiles: np.ndarray) -> None:
        self.network, self.features = Autoencoder(error="pixel").fit(tiles), PatchFeatures()
        codes, patches = self._draw(self.network.encode(tiles)), self._draw(self.features.transform(tiles))
        self.std = codes.std(axis=0)
        self.linear = PCA(0.9).fit(patches)  # a linear autoencoder on patches
        self.banks = {"codes": MemoryBank().add(codes / self.std), "features": MemoryBank().add(patches)}

    @staticmethod
    def _draw(vectors: np.ndarray) -> np.ndarray:
        flat = vectors.reshape(-1, vectors.shape[-1])
        return flat[random_subset(flat, min(BANK_SIZE, len(flat)), seed=0)]

    def maps(self, tiles: np.ndarray) -> dict[str, np.ndarray]:
        """Return the anomaly maps of tiles by each combination.

        Parameters
        ----------
        tiles : ndarray, shape (N, H, W)
            Tiles, uint8.

        Returns
        -------
        dict of str to ndarray, each of shape (N, H, W)
        """
        codes, patches = self.network.encode(tiles) / self.std, self.features.transform(tiles)
        flat = patches.reshape(-1, patches.shape[-1])
        lost = flat - self.linear.inverse_transform(self.linear.transform(flat))
        distances = {
            "codes_remembered": self._distances("codes", codes),
            "features_remembered": self._distances("features", patches),
            "features_reconstructed": np.linalg.norm(lost, axis=1).reshape(patches.shape[:3]),
        }
        maps = {name: anomaly_maps(d, tiles.shape[1:], self.network.smoothing) for name, d in distances.items()}
        return {**maps, "codes_reconstructed": self.network.predict(tiles).maps}

    def _distances(self, name: str, vectors: np.ndarray) -> np.ndarray:
        flat = vectors.reshape(-1, vectors.shape[-1])
        return self.banks[name].search(flat, 1)[0].reshape(vectors.shape[:3])


def run_crossed(root: Path, fabric: str) -> dict[str, TileScores]:
    """Score every tile of one fabric by each combination of representation and signal.

    Parameters
    ----------
    root : Path
        Folder of the strips.
    fabric : str
        Two digits.

    Returns
    -------
    dict of str to TileScores
    """
    training_tiles, test = read_split(root, fabric)
    signals, scores = CrossedSignals(training_tiles), {}
    labels, groups, is_normal = [], [], []
    for number, strip in enumerate(test):
        tiles, corners = tile_fabric(strip.read())
        for name, maps in signals.maps(tiles).items():
            scores.setdefault(name, []).append(max_score(maps))
        labels.append(tile_labels(crop_tiles(strip.read_mask(), corners)))
        groups.append(np.full(len(tiles), number))
        is_normal.append(np.full(len(tiles), strip.is_normal))
    labels, groups, is_normal = (np.concatenate(parts) for parts in (labels, groups, is_normal))
    in_c1 = is_normal | labels
    return {name: TileScores(np.concatenate(parts), labels, groups, in_c1) for name, parts in scores.items()}


def resampled_difference(
    by_fabric: Mapping[str, Mapping[str, TileScores]], name_a: str, name_b: str, *, only_c1: bool
) -> dict[str, float]:
    """Return the difference in tile AUROC (a - b) of two detectors, mean over fabrics, under other strips.

    Parameters
    ----------
    by_fabric : mapping of str to mapping of str to TileScores
        By fabric, then by detector.
    name_a, name_b : str
        The two detectors.
    only_c1 : bool
        By protocol C1; otherwise C2.

    Returns
    -------
    dict of str to float
        Median of the resamples, and low and high end of the 95 % interval.
    """
    differences = []
    for of_fabric in by_fabric.values():
        a, b = of_fabric[name_a], of_fabric[name_b]
        rows = b.in_c1 if only_c1 else np.ones(len(b.labels), bool)
        scores, groups = (a.scores[rows], b.scores[rows]), b.groups[rows]
        differences.append(
            metrics.paired_bootstrap(metrics.auroc, b.labels[rows], *scores, groups, n_resamples=N_RESAMPLES)
        )
    low, middle, high = np.quantile(np.mean(differences, axis=0), [0.025, 0.5, 0.975])
    return {"low": low, "median": middle, "high": high}


def summarize_contest(
    measures: Mapping[str, Mapping[str, Any]], tile_scores: Mapping[str, Mapping[str, TileScores]]
) -> dict[str, Any]:
    """Return the contest's measures by fabric, their means over fabrics, and paired differences.

    Parameters
    ----------
    measures : mapping of str to mapping
        By fabric, then by detector.
    tile_scores : mapping of str to mapping of str to TileScores
        By fabric, then by detector.

    Returns
    -------
    dict
        Part of the results file.
    """
    first = next(iter(measures.values()))
    detectors = {name: value for name, value in first.items() if isinstance(value, dict)}
    means = {
        name: {
            key: float(np.mean([of_fabric[name][key] for of_fabric in measures.values()]))
            for key, value in values.items()
            if not isinstance(value, tuple)  # an interval
        }
        for name, values in detectors.items()
    }
    differences = {
        f"{a}_minus_{b}_{negatives}": resampled_difference(tile_scores, a, b, only_c1=negatives == "c1")
        for a, b in PAIRS
        for negatives in ("c1", "c2")
    }
    return {"mean": means, "differences": differences, "fabrics": measures}


def summarize_crossed(tile_scores: Mapping[str, Mapping[str, TileScores]]) -> dict[str, Any]:
    """Return the tile AUROC (C1) of the four combinations, and the difference between codes and features in banks.

    Parameters
    ----------
    tile_scores : mapping of str to mapping of str to TileScores
        By fabric, then by combination.

    Returns
    -------
    dict
        Part of the results file.
    """
    by_fabric = {
        fabric: {name: auroc_c1(tiles) for name, tiles in of_fabric.items()}
        for fabric, of_fabric in tile_scores.items()
    }
    names = next(iter(by_fabric.values()))
    return {
        "mean": {name: float(np.mean([aurocs[name] for aurocs in by_fabric.values()])) for name in names},
        "codes_minus_features": resampled_difference(
            tile_scores, "codes_remembered", "features_remembered", only_c1=True
        ),
        "fabrics": by_fabric,
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
    parser = argparse.ArgumentParser(prog="course.py bench notebook_09", description="PatchCore and the autoencoder.")
    parser.add_argument("--aitex", metavar="DIR", help="folder with AITEX (default: AITEX_ROOT or data/aitex)")
    parser.add_argument("--only", choices=("contest", "crossed"), help="make this part anew, keep the other")
    parser.add_argument("--only-data", choices=tuple(FABRICS), help="measure on this data set anew, keep the other")
    options = parser.parse_args(arguments)
    results: dict[str, Any] = {}
    if options.only or options.only_data:
        results = read_results_if_any("notebook_09")
    try:
        for data in [options.only_data] if options.only_data else FABRICS:
            root = find_aitex(PRACTICE if data == "practice" else options.aitex)
            of_data = results.setdefault(data, {})
            if options.only != "crossed":
                contest = {fabric: run_contest(root, fabric) for fabric in tqdm(FABRICS[data], desc=data)}
                measures, tile_scores = ({fabric: pair[i] for fabric, pair in contest.items()} for i in (0, 1))
                of_data.update(summarize_contest(measures, tile_scores))
            if options.only != "contest":
                fabrics = tqdm(FABRICS[data], desc=f"{data}, crossed")
                of_data["crossed"] = summarize_crossed({fabric: run_crossed(root, fabric) for fabric in fabrics})
    except InputError as error:
        print(f"bench notebook_09: {error}", file=sys.stderr)
        return 1
    network = load_backbone("efficientnet_lite0").network
    results["network_kib"] = round(sum(p.numel() * p.element_size() for p in network.parameters()) / 1024)
    results |= {"few_tiles": FEW, "seeds": SEEDS, "n_resamples": N_RESAMPLES, "wide": WIDE, "bank": BANK_SIZE}
    results |= {"autoencoder": Autoencoder().parameters(), "patchcore": PatchCore(**PAPER, seed=0).parameters()}
    results["versions"] = versions()
    results = rounded(results, 4)
    write_results("notebook_09", results)
    shown = {data: (results[data]["mean"], results[data]["crossed"]["mean"]) for data in FABRICS}
    print(json.dumps(shown, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
