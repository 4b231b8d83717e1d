"""`python course.py bench inspection [--data DIR] [--only PART ...] [--anomalib]`: promises and costs of `inspect`.

"promise": tiles of normal strips of AITEX as plain pictures, split at random into good pictures and new pictures. The
realised false-alarm rate over the splits is compared with the promised one. "same": one inspection by the command,
whose scores are compared with the detector's own. "colour": stains on tinted practice fabric that differ in hue only,
judged in colour and in grey. "size": seconds and peak memory of an inspection of many large pictures, with
`--anomalib` also of anomalib on the same folders. Written to `results/inspection.json`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from anomalib_runner import AnomalibRunner
from bootstrap import binomial_interval
from protocols import read_fabric_tiles
from results_files import read_results_if_any, write_results

from aitex_utils.commands.inspect import FILE
from aitex_utils.commands.launching import run_command
from aitex_utils.commands.profiling import versions
from aitex_utils.errors import InputError
from aitex_utils.inspection.judge import (
    SIDE,
    PictureRule,
    find_threshold,
    fit_pictures,
    predict_picture,
    split_good,
)
from aitex_utils.metrics import auroc
from aitex_utils.patchcore import PatchCore
from aitex_utils.region import crop_to_fabric
from aitex_utils.strips import PRACTICE, find_aitex, list_strips

RATE, SPLITS, FABRIC = 0.05, 20, "00"
GOOD_SHARE = 0.5  # of the tiles: good pictures, the others are new
RULE = PictureRule(side=None)
TINT = np.array([0.95, 0.85, 0.60])  # red, green and blue of yellowish cloth
HUE = 16  # grey values by which a stain's red rises and its blue falls
LARGE, LARGE_GOOD, LARGE_NEW = 1024, 40, 200  # px, pictures
FOLDER_SCRIPT = "anomalib_folder.py"
# Size and coreset ratio: first its defaults, then our size with a ratio that ends within minutes.
ANOMALIB_SETTINGS = ((256, 0.1), (SIDE, 0.01))
PARTS = ("promise", "same", "colour", "size")


def realised_rates(tiles: np.ndarray, splits: int, **parameters: Any) -> dict[str, Any]:
    """Measure how many new good pictures are flagged, over random splits.

    Parameters
    ----------
    tiles : ndarray, shape (N, 256, 256)
        Tiles of normal strips, each a picture of its own.
    splits : int
        Number of splits.
    **parameters
        Arguments of `PatchCore`.

    Returns
    -------
    dict
        Promised rate, realised rate with its binomial interval, rate of each split, and numbers of pictures.
    """
    flagged, rates = 0, []
    for seed in range(splits):
        order = np.random.default_rng([seed, 1]).permutation(len(tiles))  # another stream than the draw of `split_good`
        good, new = np.split(order, [round(GOOD_SHARE * len(tiles))])
        fitted, held_out = split_good(len(good), RATE, seed)
        training = tiles[good[fitted]]
        detector = fit_pictures(training, RULE, n_tiles=len(training), seed=seed, **parameters)
        scores = [predict_picture(detector, tile, RULE).score for tile in tiles[good[held_out]]]
        threshold = find_threshold(scores, RATE)[0]
        found = [predict_picture(detector, tile, RULE).score >= threshold for tile in tiles[new]]
        flagged += sum(found)
        rates.append(round(float(np.mean(found)), 4))
        print(f"split {seed}: {sum(found)} of {len(new)} new good pictures are flagged", flush=True)
    return {
        "promised": RATE,
        "realised": round(flagged / (splits * len(new)), 4),
        "interval": binomial_interval(flagged, splits * len(new)),
        "rates": rates,
        "fitted": len(fitted),
        "held_out": len(held_out),
        "new": len(new),
    }


def inspect_folders(good: Path, test: Path, out: Path, *arguments: str) -> dict[str, Any]:
    """Run the command in a process of its own, and return what it wrote.

    Parameters
    ----------
    good, test, out : Path
        Folders.
    *arguments : str
        Further arguments of the command.

    Returns
    -------
    dict
        Content of `inspect.json`.
    """
    command = [sys.executable, "-m", "aitex_utils.commands.inspect", "--good", good, "--test", test, "--out", out]
    subprocess.run([*map(str, command), *arguments], check=True, cwd=Path(__file__).resolve().parents[1])
    return json.loads((out / FILE).read_text(encoding="utf-8"))


def write_pictures(folder: Path, pictures: Sequence[np.ndarray]) -> Path:
    """Write pictures as PNG files with rising numbers.

    Parameters
    ----------
    folder : Path
        Folder to make.
    pictures : sequence of ndarray, each of shape (H, W) or (H, W, 3)
        Grey values, or red, green and blue.

    Returns
    -------
    Path
        The folder.
    """
    folder.mkdir(parents=True)
    for number, picture in enumerate(pictures):
        path = folder / f"{number:04d}.png"
        if not cv2.imwrite(str(path), picture[..., ::-1] if picture.ndim == 3 else picture):
            raise InputError(f"{path} cannot be written: free some disk space.")
    return folder


def same_scores(clean: np.ndarray, defective: np.ndarray, folder: Path) -> dict[str, Any]:
    """Compare the scores of an inspection with the scores of its own detector on the same tiles.

    Parameters
    ----------
    clean, defective : ndarray, shape (N, 256, 256)
        Tiles.
    folder : Path
        Empty folder.

    Returns
    -------
    dict
        Largest difference of two scores, tile AUROC, and the number of pictures.
    """
    half = len(clean) // 2
    tested = np.concatenate([clean[half:], defective])
    good, new = write_pictures(folder / "good", clean[:half]), write_pictures(folder / "new", tested)
    inspect_folders(good, new, folder / "out")
    rows = [line.split(",") for line in (folder / "out" / "scores.csv").read_text(encoding="utf-8").splitlines()[1:]]
    found = {row[0]: float(row[1]) for row in rows}
    scores = np.array([found[f"{number:04d}.png"] for number in range(len(tested))])
    expected = PatchCore.load(folder / "out" / "detector").predict(tested).maps.max(axis=(1, 2))
    labels = np.arange(len(tested)) >= len(clean) - half
    difference = float(np.abs(scores - expected).max())
    return {"largest_difference": difference, "auroc": round(auroc(labels, scores), 4), "pictures": len(tested)}


def tinted(grey: np.ndarray) -> np.ndarray:
    """Return grey pictures as tinted cloth.

    Parameters
    ----------
    grey : ndarray, shape (..., H, W)
        Grey values, uint8.

    Returns
    -------
    ndarray, shape (..., H, W, 3)
        Red, green and blue, uint8.
    """
    return (grey[..., None] * TINT).round().astype(np.uint8)


def with_stain(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a colour picture with a stain that differs in hue only: its grey values stay as they are.

    Parameters
    ----------
    picture : ndarray, shape (H, W, 3)
        Red, green and blue, uint8.
    rng : numpy.random.Generator
        Source of place and size.

    Returns
    -------
    ndarray, shape (H, W, 3)
    """
    height, width = picture.shape[:2]
    mask = np.zeros((height, width), np.float32)
    centre = tuple(int(value) for value in rng.integers(60, min(height, width) - 60, 2))
    axes = tuple(int(value) for value in rng.integers(20, 40, 2))
    cv2.ellipse(mask, centre, axes, float(rng.uniform(0, 180)), 0, 360, 1.0, -1)
    mask = cv2.GaussianBlur(mask, (0, 0), 4)
    change = np.array([HUE, -HUE * (0.299 - 0.114) / 0.587, -HUE])  # weights of grey: 0.299, 0.587 and 0.114
    return (picture + mask[..., None] * change).round().clip(0, 255).astype(np.uint8)


def measure_colour(count: int = 24, **parameters: Any) -> dict[str, float]:
    """Measure how well stains of another hue are found, in colour and in grey.

    Parameters
    ----------
    count : int
        Number of pictures to learn from, of further good ones, and of stained ones.
    **parameters
        Arguments of `PatchCore`.

    Returns
    -------
    dict of str to float
        AUROC "colour" and "grey", and the largest difference of two scores of grey pictures read as colour and as grey.
    """
    strips = [crop_to_fabric(strip.read())[0] for strip in list_strips(PRACTICE, "00") if strip.is_normal]
    pieces = [strip[:, start : start + 256] for strip in strips for start in range(0, strip.shape[1] - 255, 256)]
    pieces = np.stack(pieces)[np.random.default_rng(0).permutation(len(pieces))][: 3 * count]
    rng, pictures = np.random.default_rng(1), tinted(pieces)
    tested = [*pictures[count : 2 * count], *(with_stain(one, rng) for one in pictures[2 * count :])]
    labels, results = np.arange(len(tested)) >= count, {}
    for name, colour in (("colour", True), ("grey", False)):
        shown = [one if colour else cv2.cvtColor(one, cv2.COLOR_RGB2GRAY) for one in [*pictures[:count], *tested]]
        rule = PictureRule(side=None, colour=colour)
        detector = fit_pictures(shown[:count], rule, n_tiles=count, **parameters)
        scores = [predict_picture(detector, one, rule).score for one in shown[count:]]
        results[name] = round(auroc(labels, np.array(scores)), 4)
        if not colour:
            repeated = PictureRule(side=None, colour=True)
            as_colour = [np.repeat(one[..., None], 3, axis=-1) for one in shown]
            other = fit_pictures(as_colour[:count], repeated, n_tiles=count, **parameters)
            differences = [
                abs(predict_picture(other, one, repeated).score - score)
                for one, score in zip(as_colour[count:], scores, strict=True)
            ]
            results["grey_difference"] = float(max(differences))
    return results


def large_picture(strips: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Return a large picture of practice fabric, joined from pieces of strips.

    Parameters
    ----------
    strips : sequence of ndarray, each of shape (256, W)
        Fabrics.
    rng : numpy.random.Generator
        Source of the choice.

    Returns
    -------
    ndarray, shape (1024, 1024)
    """
    rows = []
    for _ in range(LARGE // 256):
        strip = strips[int(rng.integers(len(strips)))]
        start = int(rng.integers(strip.shape[1] - LARGE + 1))
        rows.append(strip[:, start : start + LARGE])
    return np.concatenate(rows)


def anomalib_on_folders(folder: Path, size: int, coreset_ratio: float) -> dict[str, Any]:
    """Measure anomalib's PatchCore, with its datamodule, on the pictures of `measure_size`.

    Parameters
    ----------
    folder : Path
        Folder with the folders `good` and `new`.
    size : int
        Side in px to which pictures are resized.
    coreset_ratio : float
        Coreset sampling ratio.

    Returns
    -------
    dict
        Size, ratio, seconds of the fit and of the prediction, and peak memory in GiB.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*/*.png")):
        digest.update(path.read_bytes())
    arrays = {"digest": np.frombuffer(digest.digest(), np.uint8)}
    measured = AnomalibRunner().run_script(FOLDER_SCRIPT, arrays, folder, size, coreset_ratio)
    if len(measured["scores"]) != LARGE_NEW:
        raise InputError(
            f"anomalib judged {len(measured['scores'])} pictures, not {LARGE_NEW}: run its script by hand."
        )
    return {
        "size": size,
        "coreset_ratio": coreset_ratio,
        "seconds": {name: round(float(measured[f"{name}_seconds"]), 1) for name in ("fit", "predict")},
        "peak_gib": round(float(measured["peak_gib"]), 2),
    }


def measure_size(folder: Path, *, with_anomalib: bool = False) -> dict[str, Any]:
    """Measure an inspection of many large pictures.

    Parameters
    ----------
    folder : Path
        Empty folder.
    with_anomalib : bool
        Measure anomalib on the same pictures too.

    Returns
    -------
    dict
        Numbers of pictures, seconds by step, and peak memory in GiB; with `with_anomalib` the same of anomalib.
    """
    strips = [crop_to_fabric(strip.read())[0] for strip in list_strips(PRACTICE, "00") if strip.is_normal]
    rng = np.random.default_rng(0)
    good = write_pictures(folder / "good", [large_picture(strips, rng) for _ in range(LARGE_GOOD)])
    new = write_pictures(folder / "new", [large_picture(strips, rng) for _ in range(LARGE_NEW)])
    content = inspect_folders(good, new, folder / "out")
    anomalib = [anomalib_on_folders(folder, *settings) for settings in ANOMALIB_SETTINGS] if with_anomalib else []
    return {
        "good": LARGE_GOOD,
        "judged": LARGE_NEW,
        "side": LARGE,
        "seconds": content["seconds"],
        "peak_gib": round(content["peak_memory_mib"] / 1024, 2),
        "report_mb": round((folder / "out" / "report.html").stat().st_size / 1e6, 1),
        "anomalib": anomalib,
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
    parser = argparse.ArgumentParser(
        prog="course.py bench inspection", description="Promises and costs of an inspection."
    )
    parser.add_argument("--data", metavar="DIR", help="folder with AITEX (default: AITEX_ROOT or data/aitex)")
    parser.add_argument("--anomalib", action="store_true", help="measure anomalib's seconds and memory too")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="keep the other parts")
    options = parser.parse_args(arguments)
    results = read_results_if_any("inspection")
    try:
        tiles = None
        if {"promise", "same"} & set(options.only):
            tiles = read_fabric_tiles(find_aitex(options.data), FABRIC)
        for part in options.only:
            with tempfile.TemporaryDirectory() as folder:
                if part == "promise":
                    results[part] = {"fabric": FABRIC, **realised_rates(tiles.clean.tiles, SPLITS)}
                elif part == "same":
                    results[part] = same_scores(tiles.clean.tiles[:120], tiles.defective.tiles, Path(folder))
                elif part == "colour":
                    results[part] = measure_colour()
                else:
                    results[part] = measure_size(Path(folder), with_anomalib=options.anomalib)
            print(part, json.dumps(results[part]), flush=True)
    except InputError as error:
        print(f"bench inspection: {error}", file=sys.stderr)
        return 1
    write_results("inspection", {**results, "versions": versions()})
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
