"""Describe the missed defects and the false alarms of notebook 08 in words, from tiles, masks and maps alone."""

from __future__ import annotations

import numpy as np

from aitex_utils.errors import InputError
from aitex_utils.lessons.wording import check_values, percent

NEARBY = 512  # px: a marked defect farther away than two tiles does not explain an alarm
EDGE = 16  # px: a highest point closer than this to the tile's border lies at its edge
MAX_DEVIATIONS = 100  # a contrast above it says that the surroundings are uniform
LONGEST_PERIOD = 16  # px: a tile's waves of this length and more are light and folds, not threads


def contrast(tile: np.ndarray, mask: np.ndarray, *, margin: int = 24) -> float:
    """Return how much the mean grey level of a defect differs from its surroundings.

    Parameters
    ----------
    tile : ndarray, shape (H, W)
        Grey levels.
    mask : ndarray, shape (H, W)
        Ground-truth mask, bool.
    margin : int
        Width in px of the surroundings: a frame around the bounding box of the mask.

    Returns
    -------
    float
        Absolute difference of the means, in standard deviations of the surroundings.

    Raises
    ------
    InputError
        If no pixel of the mask is marked.

    Notes
    -----
    If the mask covers the frame, the surroundings are the rest of the tile. If it covers the tile, they are the tile
    itself.

    Examples
    --------
    >>> tile = np.full((8, 8), 100.0) + np.arange(8) % 2
    >>> tile[2:4, 2:4] = 103
    >>> round(contrast(tile, tile == 103), 1)
    5.0
    """
    mask = np.asarray(mask, dtype=bool)
    if not mask.any():
        raise InputError("The mask marks no pixel: give the mask of a defective tile.")
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    top, left = max(rows[0] - margin, 0), max(columns[0] - margin, 0)
    frame = np.s_[top : rows[-1] + margin + 1, left : columns[-1] + margin + 1]
    inside, outside = tile[frame][mask[frame]], tile[frame][~mask[frame]]
    if not len(outside):
        inside, outside = tile[mask], tile.ravel() if mask.all() else tile[~mask]
    return float(abs(inside.mean() - outside.mean()) / max(float(outside.std()), 1e-9))


def describe_miss(defect: str, tile: np.ndarray, mask: np.ndarray, anomaly_map: np.ndarray) -> str:
    """Describe a missed defect: its kind, size and contrast, and the anomaly map on it.

    Parameters
    ----------
    defect : str
        Name of the defect.
    tile : ndarray, shape (H, W)
        Grey levels.
    mask : ndarray, shape (H, W)
        Ground-truth mask, bool, with at least one marked pixel.
    anomaly_map : ndarray, shape (H, W)
        Anomaly map of the tile.

    Returns
    -------
    str
        One sentence.

    Raises
    ------
    InputError
        If no pixel of the mask is marked.

    Examples
    --------
    >>> tile = np.full((8, 8), 100.0) + np.arange(8) % 2
    >>> tile[2:4, :2] = 103
    >>> describe_miss("nep", tile, tile == 103, (tile == 103) * 1.0)
    "nep, 4 px marked; clear, contrast 5.0 standard deviations; cut by the tile's edge; the map is highest on it."
    """
    check_values({"tile": tile, "anomaly_map": anomaly_map})
    deviations = contrast(tile, mask)
    degree = "faint" if deviations < 0.5 else "clear" if deviations > 1 else "moderate"
    parts = [f"{defect}, {np.count_nonzero(mask):,} px marked"]
    shown = f"{deviations:.1f}" if deviations <= MAX_DEVIATIONS else f"more than {MAX_DEVIATIONS}"
    parts.append(f"{degree}, contrast {shown} standard deviations")
    if mask[[0, -1]].any() or mask[:, [0, -1]].any():
        parts.append("cut by the tile's edge")
    on_it, highest = float(anomaly_map[mask].max()), float(anomaly_map.max())
    if on_it < highest:
        of_highest = (
            f"{percent(on_it / highest)} of its maximum" if on_it > 0 else f"{on_it:.3g}, elsewhere {highest:.3g}"
        )
        parts.append(f"on it the map reaches {of_highest}")
    else:
        is_shared = bool((anomaly_map[~mask] == highest).any())
        parts.append("the map is as high elsewhere as on it" if is_shared else "the map is highest on it")
    return "; ".join(parts) + "."


def describe_alarm(
    tile: np.ndarray,
    anomaly_map: np.ndarray,
    typical: np.ndarray,
    *,
    defect_distance: float | None,
    threshold: float,
) -> str:
    """Describe a false alarm: the extent and place of its map, and what distinguishes the tile from typical ones.

    Parameters
    ----------
    tile : ndarray, shape (H, W)
        Grey levels of a clean tile.
    anomaly_map : ndarray, shape (H, W)
        Anomaly map of the tile.
    typical : ndarray, shape (N, H, W)
        Normal tiles with which the tile is compared: in mean grey level, sharpness and threads.
    defect_distance : float or None
        Distance in px from the map's highest point to the nearest marked pixel of its strip; None if the strip is
        normal.
    threshold : float
        Threshold of the detector.

    Returns
    -------
    str
        One sentence.

    Examples
    --------
    >>> typical = np.random.default_rng(0).normal(100, 10, (5, 64, 64))
    >>> describe_alarm(typical[0], np.ones((64, 64)), typical, defect_distance=None, threshold=0.5)
    '100 % of its map reaches the threshold; typical light, sharpness and threads; its strip is normal.'
    """
    check_values({"tile": tile, "anomaly_map": anomaly_map, "typical": typical})
    parts = [_describe_extent(anomaly_map, threshold)]
    differences = [*_describe_light(tile, typical), *_describe_threads(tile, typical)]
    parts += differences or ["typical light, sharpness and threads"]
    if defect_distance is None:
        parts.append("its strip is normal")
    elif defect_distance > NEARBY:
        parts.append("no marked defect nearby")
    else:
        parts.append(f"a marked defect {'only ' if defect_distance < 64 else ''}{defect_distance:,.0f} px away")
    return "; ".join(parts) + "."


def _describe_extent(anomaly_map: np.ndarray, threshold: float) -> str:
    """Describe how much of a map is above the threshold, and where it is highest unless most of it is."""
    above = float((anomaly_map >= threshold).mean())
    share = percent(above) if above else "none"
    text = f"{share} of its {'map' if above else 'smoothed map'} reaches the threshold"
    if above >= 0.5:
        return text
    if anomaly_map.min() == anomaly_map.max():
        return f"{text}, and the map is the same everywhere"
    row, column = np.unravel_index(int(anomaly_map.argmax()), anomaly_map.shape)
    to_edge = min(row, column, anomaly_map.shape[0] - 1 - row, anomaly_map.shape[1] - 1 - column)
    at_edge = ", at the tile's edge" if to_edge < EDGE else ""
    return f"{text}, with the highest point at row {row}, column {column}{at_edge}"


def _describe_light(tile: np.ndarray, typical: np.ndarray) -> list[str]:
    """Describe mean grey level and sharpness where they are more than two standard deviations from typical tiles."""
    texts = []
    for name, measure in (("mean grey level", _mean_grey), ("sharpness", _sharpness)):
        values = measure(typical)
        deviations = float((measure(tile[None])[0] - values.mean()) / max(float(values.std()), 1e-9))
        if abs(deviations) > 2:
            side = "above" if deviations > 0 else "below"
            size = f"{abs(deviations):.1f}" if abs(deviations) <= MAX_DEVIATIONS else f"more than {MAX_DEVIATIONS}"
            texts.append(f"its {name} is {size} standard deviations {side} the mean of typical tiles")
    return texts


def _describe_threads(tile: np.ndarray, typical: np.ndarray) -> list[str]:
    """Describe the spacing of threads where typical tiles agree on one and the tile has another."""
    texts = []
    for direction, axis in (("across", 2), ("down", 1)):
        periods, period = _thread_period(typical, axis), _thread_period(tile[None], axis)[0]
        low, median, high = np.quantile(periods, [0.1, 0.5, 0.9])
        overtone = min(abs(period / median - 0.5), abs(period / median - 2)) < 0.05  # of the same threads
        if high - low < 0.05 * median < abs(period - median) and not overtone:
            texts.append(
                f"its threads repeat every {period:.1f} px {direction} the tile, typically every {median:.1f} px"
            )
    return texts


def _mean_grey(tiles: np.ndarray) -> np.ndarray:
    return tiles.mean(axis=(1, 2), dtype=float)


def _sharpness(tiles: np.ndarray) -> np.ndarray:
    """Return the mean difference between neighbouring columns, which is small for a blurred tile."""
    return np.abs(np.diff(tiles.astype(float), axis=2, append=tiles[:, :, -1:])).mean(axis=(1, 2))


def _thread_period(tiles: np.ndarray, axis: int) -> np.ndarray:
    """Return the length in px, (N,), of the strongest wave of tiles (N, H, W) along an axis (1 = down, 2 = across).

    NaN where a tile has no wave of a thread's length.
    """
    waves = np.abs(np.fft.rfft(tiles - tiles.mean(axis=(1, 2), keepdims=True), axis=axis)).mean(axis=3 - axis)
    waves[:, : tiles.shape[axis] // LONGEST_PERIOD + 1] = 0
    strongest = waves.argmax(axis=1)
    return np.where(waves.max(axis=1) > 0, tiles.shape[axis] / np.maximum(strongest, 1), np.nan)
