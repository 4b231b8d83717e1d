"""Fit the detector of some choices, score strips, and measure accuracy, memory and time, step by step."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from aitex_utils import metrics
from aitex_utils.calibration import subtract_background
from aitex_utils.lessons.timing import Timing
from aitex_utils.patchcore import PatchCore
from aitex_utils.scoring import anomaly_maps, image_scores, stitch_maps
from aitex_utils.tiling import crop_tiles

from .choices import Choices
from .jobs import Step, Steps, scaled
from .patches import extract_steps
from .quick import quick_auroc
from .split import BenchStrip, load_part
from .tracing import TracedDetector

TILE_SHAPE = (256, 256)
TIMED_TILES = 7  # tiles that are predicted alone for the time per tile, after one tile as a warm-up
N_RESAMPLES = 200
PIXEL_STRIDE = 4  # every fourth pixel, right and down, is enough for the pixel AUROC


class Measured(NamedTuple):
    """The results of a run.

    Parameters
    ----------
    figures : dict of str to float
        Numbers by name.
    arrays : dict of str to ndarray
        Scores, distances and bank vectors by name.

    Examples
    --------
    >>> Measured({"tile_auroc": 0.9}, {}).figures
    {'tile_auroc': 0.9}
    """

    figures: dict[str, float]
    arrays: dict[str, np.ndarray]


class ScoredStrip(NamedTuple):
    """A strip's tile scores, and the distances of its patches.

    Parameters
    ----------
    scores : ndarray, shape (N,)
        Scores of the tiles.
    distances : ndarray, shape (N, H', W')
        Distances of the patches to the bank, before normalisation.
    map : ndarray, shape (H, W)
        Anomaly map of the strip.

    Examples
    --------
    >>> ScoredStrip(np.zeros(1), np.zeros((1, 2, 2)), np.zeros((4, 4))).scores.tolist()
    [0.0]
    """

    scores: np.ndarray
    distances: np.ndarray
    map: np.ndarray


def fit_steps(choices: Choices) -> Steps[TracedDetector]:
    """Fit the detector of some choices on the training strips of their fabric.

    Parameters
    ----------
    choices : Choices
        The choices.

    Returns
    -------
    generator
        Its result is the fitted `TracedDetector`.

    Examples
    --------
    >>> fit_steps(choices)  # doctest: +SKIP
    """
    yield Step(0.0, "network and strips")
    traced = TracedDetector(choices.detector_arguments(), choices.bank_arguments())
    strips = load_part(choices.fabric, "training")
    patches = yield from scaled(extract_steps(traced.detector.features, choices.of_features, strips), 0.0, 0.6)
    yield from scaled(traced.fit_steps(np.concatenate(patches), TILE_SHAPE), 0.6, 1.0)
    return traced


def score_steps(
    traced: TracedDetector, choices: Choices, strips: Sequence[BenchStrip], name: str
) -> Steps[list[ScoredStrip]]:
    """Score all tiles of strips.

    Parameters
    ----------
    traced : TracedDetector
        Fitted detector.
    choices : Choices
        Its choices.
    strips : sequence of BenchStrip
        Strips to score.
    name : str
        Name of the strips, for the progress.

    Returns
    -------
    generator
        Its result is a list of `ScoredStrip`.

    Examples
    --------
    >>> score_steps(traced, choices, load_part("00", "shown"), "shown")  # doctest: +SKIP
    """
    extraction = extract_steps(traced.detector.features, choices.of_features, strips)
    patches = yield from scaled(extraction, 0.0, 0.9)
    scored = []
    for i, (of_strip, strip) in enumerate(zip(patches, strips, strict=True)):
        yield Step(0.9 + 0.1 * i / len(strips), f"scores of the {name} strips")
        scored.append(score_strip(traced.detector, of_strip, strip))
    return scored


def score_strip(detector: PatchCore, patches: np.ndarray, strip: BenchStrip) -> ScoredStrip:
    """Return a strip's scores as `PatchCore.predict_strip` does, from patches that are there already.

    Parameters
    ----------
    detector : PatchCore
        Fitted detector.
    patches : ndarray, shape (N, H', W', C)
        Patches of the strip's tiles.
    strip : BenchStrip
        The strip.

    Returns
    -------
    ScoredStrip

    Examples
    --------
    >>> score_strip(detector, patches, strip).scores  # doctest: +SKIP
    """
    distances, quantile = detector.patch_distances(patches), detector.background_quantile
    result = detector.predict_distances(distances, patches)
    strip_map = stitch_maps(result.maps, strip.corners, strip.image.shape)
    scores = result.scores
    if quantile is not None:
        strip_map = subtract_background(strip_map, quantile)
        if not detector.image_score.startswith("reweighted"):
            scores = image_scores(detector.image_score, crop_tiles(strip_map, strip.corners))
    return ScoredStrip(scores, distances, strip_map)


def map_of_strip(
    distances: np.ndarray, scale: np.ndarray | None, strip: BenchStrip, smoothing: float, quantile: float | None
) -> np.ndarray:
    """Return the anomaly map of a strip from the distances of its patches.

    Parameters
    ----------
    distances : ndarray, shape (N, H', W')
        As in `ScoredStrip`.
    scale : ndarray, shape (H', W'), or None
        Position scale of the detector.
    strip : BenchStrip
        The strip.
    smoothing : float
        Standard deviation of the Gaussian in px.
    quantile : float or None
        Quantile of the background that is subtracted.

    Returns
    -------
    ndarray, shape (H, W)
        float32.

    Examples
    --------
    >>> strip = BenchStrip("a", "none", np.zeros((256, 256), np.uint8), np.zeros((256, 256), bool))
    >>> map_of_strip(np.full((1, 8, 8), 3.0), np.full((8, 8), 2.0), strip, 0.0, None).mean()
    np.float32(1.5)
    """
    maps = anomaly_maps(distances if scale is None else distances / scale, TILE_SHAPE, smoothing)
    strip_map = stitch_maps(maps, strip.corners, strip.image.shape)
    return strip_map if quantile is None else subtract_background(strip_map, quantile)


def measure_steps(choices: Choices) -> Steps[Measured]:
    """Fit, score and measure the detector of some choices.

    Parameters
    ----------
    choices : Choices
        The choices.

    Returns
    -------
    generator
        Its result is `Measured`.

    Raises
    ------
    InputError
        If the choices do not go together.

    Examples
    --------
    >>> measure_steps(choices)  # doctest: +SKIP
    """
    traced = yield from scaled(fit_steps(choices), 0.0, 0.3)
    calibration, shown = (load_part(choices.fabric, part) for part in ("calibration", "shown"))
    normal = yield from scaled(score_steps(traced, choices, calibration, "calibration"), 0.3, 0.5)
    scored = yield from scaled(score_steps(traced, choices, shown, "shown"), 0.5, 0.9)
    timing = yield from scaled(time_steps(traced.detector, shown[0].tiles), 0.9, 0.97)
    yield Step(0.97, "measures")
    labels = np.concatenate([strip.labels for strip in shown])
    scores = np.concatenate([one.scores for one in scored])
    groups = np.concatenate([np.repeat(strip.name, len(strip.labels)) for strip in shown])
    banks, step = traced.detector.banks_, np.s_[::PIXEL_STRIDE, ::PIXEL_STRIDE]
    masks, maps = ([one[step].ravel() for one in images] for images in (
        [strip.mask for strip in shown], [one.map for one in scored]))  # fmt: skip
    interval = metrics.bootstrap_interval(quick_auroc, labels, scores, groups, n_resamples=N_RESAMPLES)
    figures = {
        "tile_auroc": metrics.auroc(labels, scores),
        "tile_auroc_low": interval[0],
        "tile_auroc_high": interval[1],
        "average_precision": metrics.average_precision(labels, scores),
        "pixel_auroc": metrics.auroc(np.concatenate(masks), np.concatenate(maps)),
        "ms_per_tile": 1000 * timing.median,
        "ms_per_tile_low": 1000 * timing.low,
        "ms_per_tile_high": 1000 * timing.high,
        "fit_seconds": traced.seconds_,
        "bank_vectors": float(sum(len(bank) for bank in banks)),
        "bank_mib": sum(bank.nbytes for bank in banks) / 2**20,
    }
    arrays = {
        "labels": labels,
        "scores": scores,
        "groups": groups,
        "calibration": np.concatenate([one.scores for one in normal]),
        "distances": np.concatenate([one.distances for one in scored]),
    }
    if traced.detector.position_scale_ is not None:
        arrays["scale"] = traced.detector.position_scale_
    for i, (bank, origins) in enumerate(zip(banks, traced.origins_, strict=True)):
        arrays |= {f"vectors_{i}": bank.vectors_, f"origins_{i}": origins.astype(np.int32)}
    return Measured({name: float(value) for name, value in figures.items()}, arrays)


def time_steps(detector: PatchCore, tiles: np.ndarray, count: int = TIMED_TILES) -> Steps[Timing]:
    """Time the prediction of single tiles: from grey values to map and score.

    Parameters
    ----------
    detector : PatchCore
        Fitted detector.
    tiles : ndarray, shape (N, 256, 256)
        Tiles. They are used in turn.
    count : int
        Number of timed predictions, after one as a warm-up.

    Returns
    -------
    generator
        Its result is a `timing.Timing`.

    Examples
    --------
    >>> time_steps(detector, tiles)  # doctest: +SKIP
    """
    seconds = []
    for i in range(count + 1):
        yield Step(i / (count + 1), "time per tile")
        start = time.perf_counter()
        detector.predict(tiles[i % len(tiles)][None])
        seconds.append(time.perf_counter() - start)
    return Timing(float(np.median(seconds[1:])), min(seconds[1:]), max(seconds[1:]))


def promised_threshold(calibration: np.ndarray, false_alarm_rate: float) -> float | None:
    """Return the threshold with a promised false-alarm rate, or None if there are too few calibration tiles.

    Parameters
    ----------
    calibration : ndarray, shape (n,)
        Scores of the calibration tiles.
    false_alarm_rate : float
        Promised rate.

    Returns
    -------
    float or None

    Examples
    --------
    >>> promised_threshold(np.arange(19.0), 0.05) > 18, promised_threshold(np.arange(18.0), 0.05)
    (True, None)
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # says that there are too few, as None does
        threshold = metrics.conformal_threshold(calibration, false_alarm_rate)
    return float(threshold) if np.isfinite(threshold) else None
