"""The outcome of one test of a detector, and the measures computed from it."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from aitex_utils import metrics
from aitex_utils.strips import Strip

FALSE_ALARM_RATE = 0.01
PIXEL_STRIDE = 4  # pixel measures except AUPRO use every fourth pixel down and across


@dataclass(frozen=True)
class EvalResult:
    """Scores and ground truth of one test: of N tiles, and of anomaly maps of tiles or whole strips.

    Parameters
    ----------
    strips : list of Strip
        All strips of a fabric, tested or not; the other fields refer to them by index.
    scores, labels : ndarray, shape (N,)
        Tile-level anomaly scores, and True for defective tiles.
    tile_strips : ndarray, shape (N,)
        Index of each tile's strip.
    maps, masks : list of ndarray, each of shape (H, W)
        Anomaly maps, NaN outside the fabric, and ground-truth masks, bool.
    map_strips : list of int
        Index of each map's strip.
    strip_scores : dict of int to float
        Strip-level anomaly scores by the strip's index; empty if strips were not scored.
    """

    strips: list[Strip]
    scores: np.ndarray
    labels: np.ndarray
    tile_strips: np.ndarray
    maps: list[np.ndarray]
    masks: list[np.ndarray]
    map_strips: list[int]
    strip_scores: dict[int, float] = field(default_factory=dict)

    @property
    def in_c1(self) -> np.ndarray:
        """Tiles that count in protocol C1, (N,) bool: defective tiles, and all tiles of normal strips."""
        return self.labels | np.array([self.strips[i].is_normal for i in self.tile_strips])

    def pixels(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return the scores and labels of every fourth pixel of the fabric.

        Returns
        -------
        scores, labels : list of ndarray, each of shape (P,)
            One array per map.
        """
        scores, labels = [], []
        for anomaly_map, mask in zip(self.maps, self.masks, strict=True):
            anomaly_map, mask = (image[::PIXEL_STRIDE, ::PIXEL_STRIDE] for image in (anomaly_map, mask))
            on_fabric = ~np.isnan(anomaly_map)
            scores.append(anomaly_map[on_fabric])
            labels.append(mask[on_fabric])
        return scores, labels


def compute_measures(result: EvalResult) -> dict[str, Any]:
    """Compute all measures of one test.

    Parameters
    ----------
    result : EvalResult
        Outcome of the test.

    Returns
    -------
    dict
        Measures by name. Tile-level measures follow protocol C1, except `tile_auroc_c2`, which is there if
        clean tiles of defective strips were tested. `codes` contains measures by defect code.
    """
    in_c1, labels, scores = result.in_c1, result.labels, result.scores
    recall, flagged = recall_at_false_alarm_rate(result)
    values: dict[str, Any] = {
        "clean_tiles": int((in_c1 & ~labels).sum()),
        "defective_tiles": int(labels.sum()),
        "tile_auroc": metrics.auroc(labels[in_c1], scores[in_c1]),
        "tile_ap": metrics.average_precision(labels[in_c1], scores[in_c1]),
        "tile_f1_max": metrics.f1_max(labels[in_c1], scores[in_c1])[0],
        "recall_at_1_percent": recall,
        **_pixel_measures(result),
    }
    if not in_c1.all():
        values["tile_auroc_c2"] = metrics.auroc(labels, scores)
    if result.strip_scores:
        is_normal = np.array([result.strips[i].is_normal for i in result.strip_scores])
        values["strip_auroc"] = metrics.auroc(~is_normal, list(result.strip_scores.values()))
    return {**values, "codes": _measures_by_code(result, flagged, math.isfinite(recall))}


def recall_at_false_alarm_rate(result: EvalResult, rate: float = FALSE_ALARM_RATE) -> tuple[float, np.ndarray]:
    """Return the recall of defective tiles at a threshold set on the tested normal tiles alone.

    Parameters
    ----------
    result : EvalResult
        Outcome of the test.
    rate : float
        False-alarm rate that the threshold promises.

    Returns
    -------
    recall : float
        NaN if there are too few normal tiles to promise the rate.
    flagged : ndarray, shape (N,)
        True for tiles at or above the threshold.
    """
    normal_scores = result.scores[result.in_c1 & ~result.labels]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # too few normal tiles: the recall is NaN
        threshold = metrics.conformal_threshold(normal_scores, rate)
    flagged = result.scores >= threshold
    return (float(flagged[result.labels].mean()) if math.isfinite(threshold) else math.nan), flagged


def _pixel_measures(result: EvalResult) -> dict[str, float]:
    scores, labels = (np.concatenate(parts) for parts in result.pixels())
    aupro = metrics.aupro(result.maps, result.masks, (0.3, 0.05))
    return {
        "pixel_auroc": metrics.auroc(labels, scores),
        "pixel_ap": metrics.average_precision(labels, scores),
        "pixel_f1_max": metrics.f1_max(labels, scores)[0],
        "aupro_0.3": aupro[0],
        "aupro_0.05": aupro[1],
    }


def _measures_by_code(result: EvalResult, flagged: np.ndarray, has_threshold: bool) -> dict[str, dict[str, Any]]:
    """Return the measures of each defect code, against the clean tiles of protocol C1."""
    codes = np.array([result.strips[i].code for i in result.tile_strips])
    clean, values = result.in_c1 & ~result.labels, {}
    for code in sorted(set(codes[result.labels])):
        defective = result.labels & (codes == code)
        rows = defective | clean
        values[code] = {
            "tiles": int(defective.sum()),
            "tile_auroc": metrics.auroc(defective[rows], result.scores[rows]),
            "recall_at_1_percent": float(flagged[defective].mean()) if has_threshold else math.nan,
        }
    return values
