"""Say in words what a fix changed: on the planted defects, and in the tile AUROC of the test strips."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from aitex_utils import metrics
from aitex_utils.lessons.wording import count, percent
from aitex_utils.tiling import crop_tiles, tile_labels

from .setup import tile_corners, tile_scores

REACH = 8  # px around a mask in which the map's peak counts for the defect


def defect_peaks(anomaly_map: np.ndarray, planted: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Return the highest value of a map on each planted defect or within 8 px of it.

    Parameters
    ----------
    anomaly_map : ndarray, shape (H, W)
        Map in units of the threshold.
    planted : mapping of str to ndarray of shape (H, W)
        Mask of each defect, by name.

    Returns
    -------
    dict of str to float

    Examples
    --------
    >>> defect_peaks(np.eye(40), {"knot": np.arange(1600).reshape(40, 40) == 0})
    {'knot': 1.0}
    """
    import cv2

    kernel = np.ones((2 * REACH + 1, 2 * REACH + 1), np.uint8)
    grown = {name: cv2.dilate(mask.astype(np.uint8), kernel) > 0 for name, mask in planted.items()}
    return {name: float(anomaly_map[mask].max()) for name, mask in grown.items()}


def flagged_elsewhere(anomaly_map: np.ndarray, mask: np.ndarray) -> int:
    """Return the number of clean tiles of a strip whose map reaches the threshold.

    Parameters
    ----------
    anomaly_map : ndarray, shape (256, W)
        Map in units of the threshold.
    mask : ndarray, shape (256, W)
        Mask of all planted defects.

    Returns
    -------
    int

    Examples
    --------
    >>> mask = np.zeros((256, 512), bool)
    >>> mask[0, 0] = True
    >>> flagged_elsewhere(np.full((256, 512), 2.0), mask)
    1
    """
    labels = tile_labels(crop_tiles(mask, tile_corners(mask)))
    return int((tile_scores(anomaly_map)[~labels] >= 1).sum())


def describe_fix(before: np.ndarray, after: np.ndarray, planted: Mapping[str, np.ndarray]) -> str:
    """Describe what a fix changed on the strip with planted defects: one line per defect, one for the clean tiles.

    Parameters
    ----------
    before, after : ndarray, shape (256, W)
        Maps in units of the threshold.
    planted : mapping of str to ndarray of shape (256, W)
        Mask of each defect, by name.

    Returns
    -------
    str

    Examples
    --------
    >>> mask = np.zeros((256, 512), bool)
    >>> mask[100, 100] = True
    >>> print(describe_fix(np.full((256, 512), 0.5), mask * 2.0, {"knot": mask}))
    knot       0.50 -> 2.00  now found
    clean tiles flagged: 0 -> 0 of 1
    """
    peaks, now = defect_peaks(before, planted), defect_peaks(after, planted)
    lines = []
    for name, peak in peaks.items():
        change = {
            (False, False): "missed",
            (False, True): "now found",
            (True, False): "now missed",
            (True, True): "found",
        }[peak >= 1, now[name] >= 1]
        lines.append(f"{name:10} {peak:.2f} -> {now[name]:.2f}  {change}")
    mask = np.any(list(planted.values()), axis=0)
    flagged = [flagged_elsewhere(one, mask) for one in (before, after)]
    return "\n".join([*lines, f"clean tiles flagged: {flagged[0]} -> {flagged[1]} of {_clean_tiles(mask)}"])


def _clean_tiles(mask: np.ndarray) -> int:
    return flagged_elsewhere(np.full(mask.shape, 2.0), mask)


def compare_aurocs(labels: np.ndarray, before: np.ndarray, after: np.ndarray, groups: np.ndarray, name: str) -> str:
    """Say how a fix changed the tile AUROC, with the 95 % interval of the difference over strips.

    Parameters
    ----------
    labels : ndarray, shape (N,)
        True for defective tiles.
    before, after : ndarray, shape (N,)
        Scores of the same tiles.
    groups : ndarray, shape (N,)
        Name of each tile's strip.
    name : str
        Name of the fix.

    Returns
    -------
    str

    Examples
    --------
    >>> labels, groups = np.arange(8) % 2 == 1, np.repeat(["a", "b", "c", "d"], 2)
    >>> print(compare_aurocs(labels, np.zeros(8), labels * 1.0, groups, "size"))
    size: 0.500 -> 1.000, difference +0.500 (+0.500 to +0.500): higher.
    """
    aurocs = [metrics.auroc(labels, scores) for scores in (before, after)]
    resampled = metrics.paired_bootstrap(_quick_auroc, labels, after, before, groups, n_resamples=500)
    low, high = np.nanquantile(resampled, [0.025, 0.975])
    verdict = "higher" if low > 0 else "lower" if high < 0 else "these strips cannot distinguish the two"
    change = f"{aurocs[0]:.3f} -> {aurocs[1]:.3f}, difference {aurocs[1] - aurocs[0]:+.3f}"
    return f"{name}: {change} ({low:+.3f} to {high:+.3f}): {verdict}."


def _quick_auroc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Return the AUROC as a share of pairs, without the checks of `metrics.auroc`: it is called 1,000 times."""
    difference = scores[labels][:, None] - scores[~labels]
    return float(((difference > 0) + 0.5 * (difference == 0)).mean()) if difference.size else float("nan")


def describe_cleaning(raw: np.ndarray, cleaned: np.ndarray, truth: np.ndarray) -> str:
    """Say how post-processing changed a mask: its components, and its overlap with the ground truth.

    Parameters
    ----------
    raw, cleaned, truth : ndarray, shape (H, W)
        Mask before and after post-processing, and the ground truth; bool.

    Returns
    -------
    str

    Examples
    --------
    >>> raw, truth = np.eye(6, dtype=bool)[::-1] & False, np.zeros((6, 6), bool)
    >>> truth[2:4, 2:4] = raw[2, 2] = raw[5, 5] = True
    >>> print(describe_cleaning(raw, truth, truth))
    2 components -> 1 component, for 1 marked region. Overlap (IoU) with the ground truth: 20 % -> 100 %.
    """
    parts = [count(count_components(mask), "component") for mask in (raw, cleaned)]
    overlaps = [percent(overlap(mask, truth)) for mask in (raw, cleaned)]
    text = f"{parts[0]} -> {parts[1]}, for {count(count_components(truth), 'marked region')}."
    return f"{text} Overlap (IoU) with the ground truth: {overlaps[0]} -> {overlaps[1]}."


def count_components(mask: np.ndarray) -> int:
    """Return the number of components of a mask, with 8 neighbours per pixel.

    Parameters
    ----------
    mask : ndarray, shape (H, W)
        Bool.

    Returns
    -------
    int

    Examples
    --------
    >>> count_components(np.eye(4, dtype=bool))
    1
    """
    import cv2

    return cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)[0] - 1


def overlap(mask: np.ndarray, truth: np.ndarray) -> float:
    """Return the intersection of two masks over their union.

    Parameters
    ----------
    mask, truth : ndarray, shape (H, W)
        Bool.

    Returns
    -------
    float
        1 if both are empty.

    Examples
    --------
    >>> overlap(np.array([[True, True]]), np.array([[False, True]]))
    0.5
    """
    union = (mask | truth).sum()
    return float((mask & truth).sum() / union) if union else 1.0
