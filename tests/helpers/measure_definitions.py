"""Test data for measures, and AUPRO computed by its literal definition."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st
from scipy import ndimage


@st.composite
def labels_and_scores(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Draw labels of both classes with few distinct scores, so most examples have ties within and between classes."""
    pairs = draw(st.lists(st.tuples(st.booleans(), st.integers(-3, 6)), min_size=1, max_size=25))
    labels, scores = zip(*pairs, (True, draw(st.integers(-3, 6))), (False, draw(st.integers(-3, 6))), strict=True)
    return np.array(labels), np.array(scores, dtype=np.float32) / 4


@st.composite
def maps_and_masks(draw: st.DrawFn) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Draw one to three small maps of different sizes, with several regions, ties and NaN pixels."""
    maps, masks = [], []
    for _ in range(draw(st.integers(1, 3))):
        shape = draw(st.integers(1, 5)), draw(st.integers(1, 7))
        values = draw(st.lists(st.integers(0, 8), min_size=math.prod(shape), max_size=math.prod(shape)))
        defect = draw(st.lists(st.booleans(), min_size=math.prod(shape), max_size=math.prod(shape)))
        maps.append(np.where(np.array(values) == 8, np.nan, np.array(values)).reshape(shape).astype(np.float32))
        masks.append(np.array(defect).reshape(shape))
    return maps, masks


def aupro_by_thresholds(maps: list[np.ndarray], masks: list[np.ndarray], max_fpr: float) -> float:
    """Compute AUPRO word by word: the rate and the mean overlap at each threshold, then trapezoids to the limit."""
    values = sorted({v for m in maps for v in m.ravel() if not np.isnan(v)}, reverse=True)
    curve = [(0.0, 0.0)]
    for threshold in values:
        overlaps, false_positives, normals = [], 0, 0
        for scores, mask in zip(maps, masks, strict=True):
            on_fabric = ~np.isnan(scores)
            numbers, count = ndimage.label(mask, structure=[[1, 1, 1]] * 3)
            for number in range(1, count + 1):
                region = (numbers == number) & on_fabric
                if region.any():
                    overlaps.append((scores[region] >= threshold).mean())
            false_positives += (scores[on_fabric & ~mask] >= threshold).sum()
            normals += (on_fabric & ~mask).sum()
        if not overlaps or not normals:
            return math.nan
        curve.append((false_positives / normals, np.mean(overlaps)))
    area = 0.0
    for (x0, y0), (x1, y1) in zip(curve, curve[1:], strict=False):
        if x0 < max_fpr < x1:
            x1, y1 = max_fpr, y0 + (y1 - y0) * (max_fpr - x0) / (x1 - x0)
        if x1 <= max_fpr:
            area += (x1 - x0) * (y0 + y1) / 2
    return area / max_fpr if values else math.nan
