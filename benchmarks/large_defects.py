"""`python course.py bench large_defects [--fabrics N]`: whether background subtraction swallows large defects.

Strips are rendered with the generator of the practice fabric. A part of a strip, or a whole strip, is woven wrongly, or
a dark fold runs along most of it. The detector scores these strips with our defaults, without the limit of the
background (`calibration.BACKGROUND_LIMIT`), and without background subtraction. Written to
`results/large_defects.json`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from comparison import mean_of_nested
from pages import write_pages
from results_files import rounded, write_results

from aitex_utils import calibration, metrics
from aitex_utils.commands.launching import run_command
from aitex_utils.commands.profiling import versions
from aitex_utils.patchcore import PatchCore, StripResult
from aitex_utils.practice.generate import FABRICS
from aitex_utils.practice.weave import Weave, Yarns, render_fabric, sample_acquisition
from aitex_utils.strips import STRIP_SHAPE
from aitex_utils.tiling import crop_tiles

SEED, STRIPS = 0, {"training": 6, "normal": 4, "normal, other acquisition": 4}
OF_A_KIND = 2  # strips of each kind of defect
WRONG_DRAFT = {f"other draft, {width} columns": width for width in (300, 800, 1500)}
FOLD, WRONG_WARP = "dark fold along 80 %", "whole strip, warp 1.3 times as wide"
KINDS = (*WRONG_DRAFT, FOLD, WRONG_WARP)


def render_large_defect(
    fabric: int, kind: str, rng: np.random.Generator, shape: tuple[int, int] = STRIP_SHAPE
) -> tuple[np.ndarray, np.ndarray]:
    """Render a strip of fabric alone, with or without a large defect.

    Parameters
    ----------
    fabric : int
        Index of the weave in `practice.generate.FABRICS`.
    kind : str
        One of `KINDS`, or one of `STRIPS` for a strip without a defect.
    rng : numpy.random.Generator
        Source of the random numbers.
    shape : tuple of int
        Height and width of the strip in px.

    Returns
    -------
    image : ndarray, shape (H, W)
        Grey values, uint8.
    mask : ndarray, shape (H, W)
        True where the defect is.

    Examples
    --------
    >>> image, mask = render_large_defect(0, "other draft, 300 columns", np.random.default_rng(0), (256, 1024))
    >>> image.shape, int(mask.sum()) // 256
    ((256, 1024), 300)
    """
    weave = sample_acquisition(FABRICS[fabric], rng, other=kind == "normal, other acquisition")
    yarns, mask = Yarns(shape), np.zeros(shape, bool)
    if kind == FOLD:
        fold = _fold(shape, rng)
        yarns.gain *= 1 - 0.35 * fold
        yarns.texture *= 1 - 0.4 * fold
        mask = fold > 0.35
    if kind == WRONG_WARP:
        weave, mask = replace(weave, warp=1.3 * weave.warp), np.ones(shape, bool)
    grey = render_fabric(weave, yarns, rng)
    if kind in WRONG_DRAFT:
        begin = int(rng.integers(0, shape[1] - WRONG_DRAFT[kind] + 1))
        columns = slice(begin, begin + WRONG_DRAFT[kind])
        grey[:, columns] = render_fabric(_with_other_draft(weave, fabric), Yarns(shape), rng)[:, columns]
        mask[:, columns] = True
    return np.round(grey).clip(0, 255).astype(np.uint8), mask


def _with_other_draft(weave: Weave, fabric: int) -> Weave:
    """Return the weave with the draft of the next of the first three fabrics: plain, twill, satin."""
    return replace(weave, draft=FABRICS[(fabric + 1) % 3].draft)


def _fold(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return how visible a fold is at each pixel, (H, W) float32: 1 inside, along 80 % of the columns."""
    height, width = shape
    rows, columns = (axis.astype(np.float32) for axis in np.ogrid[0:height, 0:width])
    top = rng.uniform(0.15, 0.45) * height + 8 * np.sin(columns / rng.uniform(300, 700))
    bottom, begin = top + rng.uniform(0.25, 0.45) * height, rng.uniform(0, 0.2) * width
    down = _between(rows, top, bottom, 6.0)
    return (down * _between(columns, begin, begin + 0.8 * width, 20.0)).astype(np.float32)


def _between(values: np.ndarray, low: np.ndarray | float, high: np.ndarray | float, softness: float) -> np.ndarray:
    """Return 1 between two values and 0 outside, with a soft change."""
    return (1 + np.tanh((values - low) / softness)) * (1 - np.tanh((values - high) / softness)) / 4


@contextmanager
def background_of(detector: PatchCore, quantile: float | None, limit: float) -> Iterator[None]:
    """Let a detector subtract another background for a while.

    Parameters
    ----------
    detector : PatchCore
        A fitted detector.
    quantile : float or None
        Quantile that counts as background; None subtracts nothing.
    limit : float
        Limit of the background, in medians of it.

    Yields
    ------
    None
    """
    before = detector.background_quantile, calibration.BACKGROUND_LIMIT
    detector.background_quantile, calibration.BACKGROUND_LIMIT = quantile, limit
    try:
        yield
    finally:
        detector.background_quantile, calibration.BACKGROUND_LIMIT = before


def variants(detector: PatchCore) -> dict[str, tuple[float | None, float]]:
    """Return the backgrounds that are compared, as quantile and limit, see `background_of`.

    Parameters
    ----------
    detector : PatchCore
        Detector with our defaults.

    Returns
    -------
    dict of str to tuple
    """
    quantile = detector.background_quantile
    return {
        "our defaults": (quantile, calibration.BACKGROUND_LIMIT),
        "no limit of the background": (quantile, float("inf")),
        "no background subtraction": (None, float("inf")),
    }


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Return the AUROC of two sets of scores.

    Parameters
    ----------
    positive, negative : sequence of float
        Scores of defects, and of normal samples.

    Returns
    -------
    float

    Examples
    --------
    >>> auroc([2.0, 3.0], [1.0, 2.5])
    0.75
    """
    return metrics.auroc([True] * len(positive) + [False] * len(negative), [*positive, *negative])


def measure_fabric(
    fabric: int,
    parameters: dict[str, Any] | None = None,
    shape: tuple[int, int] = STRIP_SHAPE,
    kinds: Sequence[str] = KINDS,
) -> dict[str, dict[str, dict[str, float]]]:
    """Fit on normal strips of a weave, and score strips with and without large defects.

    Parameters
    ----------
    fabric : int
        Index of the weave in `practice.generate.FABRICS`, 0 to 2.
    parameters : dict, optional
        Arguments of `PatchCore`.
    shape : tuple of int
        Height and width of the strips in px.
    kinds : sequence of str
        Kinds of defects, of `KINDS`.

    Returns
    -------
    dict of str to dict
        By variant and kind: `tile_auroc` against the tiles of all normal strips, `strip_auroc` against these strips,
        and `background_auroc`, of the strips' background against normal strips of the same acquisition.
    """

    def strips(kind: str, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
        number = (*STRIPS, *KINDS).index(kind)
        return [
            render_large_defect(fabric, kind, np.random.default_rng([SEED, fabric, number, i]), shape)
            for i in range(count)
        ]

    detector = PatchCore(**(parameters or {})).fit_strips(
        [image for image, _ in strips("training", STRIPS["training"])]
    )
    tested = {kind: strips(kind, STRIPS.get(kind, OF_A_KIND)) for kind in (*list(STRIPS)[1:], *kinds)}
    results = {}
    for name, background in variants(detector).items():
        with background_of(detector, *background):
            scored = {
                kind: [(detector.predict_strip(image, region=(0, shape[1])), mask) for image, mask in of_kind]
                for kind, of_kind in tested.items()
            }
        results[name] = {kind: _measures(scored, kind) for kind in kinds}
    return results


def _measures(scored: dict[str, list[tuple[StripResult, np.ndarray]]], kind: str) -> dict[str, float]:
    defective = [(result, crop_tiles(mask, result.corners).any(axis=(1, 2))) for result, mask in scored[kind]]
    normal = [result for name in list(STRIPS)[1:] for result, _ in scored[name]]
    tiles = [score for result, labels in defective for score in result.tile_scores[labels]]
    return {
        "tile_auroc": auroc(tiles, np.concatenate([result.tile_scores for result in normal])),
        "strip_auroc": auroc([result.score for result, _ in defective], [result.score for result in normal]),
        "background_auroc": auroc(
            [result.background for result, _ in defective], [result.background for result, _ in scored["normal"]]
        ),
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
    parser = argparse.ArgumentParser(prog="course.py bench large_defects", description="Defects as large as a strip.")
    parser.add_argument("--fabrics", type=int, choices=[1, 2, 3], default=3, help="number of weaves (default: 3)")
    options = parser.parse_args(arguments)
    fabrics = {}
    for fabric in range(options.fabrics):
        fabrics[f"{fabric:02d}"] = measure_fabric(fabric)
        for name, by_kind in fabrics[f"{fabric:02d}"].items():
            shown = "; ".join(f"{kind} {measures['tile_auroc']:.3f}" for kind, measures in by_kind.items())
            print(f"{fabric:02d} {name}, tile AUROC: {shown}", flush=True)
    names = fabrics["00"].keys()
    mean = {name: mean_of_nested([of_fabric[name] for of_fabric in fabrics.values()]) for name in names}
    results = {"mean": mean, "fabrics": fabrics, "strips": STRIPS, "strips_of_a_kind": OF_A_KIND, "seed": SEED}
    write_results("large_defects", {**rounded(results, 4), "versions": versions()})
    write_pages()
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
