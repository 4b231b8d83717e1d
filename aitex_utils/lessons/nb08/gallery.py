"""The worst mistakes of a detector on the test strips of notebook 08: which tiles, and what distinguishes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from aitex_utils.lessons.wording import count
from aitex_utils.tiling import crop_tiles

from .descriptions import contrast, describe_alarm, describe_miss
from .setup import LessonStrips, TileTable, tile_corners

SIDE = 256


class Failures(NamedTuple):
    """Tiles with their maps, masks, titles and descriptions.

    Parameters
    ----------
    tiles, maps, masks : ndarray, shape (n, 256, 256)
        The tiles, their anomaly maps and ground-truth masks.
    titles, descriptions : list of str
        One per tile.

    Examples
    --------
    >>> empty = np.zeros((0, 256, 256))
    >>> Failures(empty, empty, empty, [], []).titles
    []
    """

    tiles: np.ndarray
    maps: np.ndarray
    masks: np.ndarray
    titles: list[str]
    descriptions: list[str]


def worst_rows(table: TileTable, *, defective: bool, most: int = 5) -> np.ndarray:
    """Return the defective tiles with the lowest scores, or the clean tiles with the highest, one of each strip.

    Parameters
    ----------
    table : TileTable
        All test tiles.
    defective : bool
        True for defective tiles.
    most : int
        Largest number of tiles.

    Returns
    -------
    ndarray, shape (n,)
        Rows of the table, the worst first.

    Examples
    --------
    >>> strips, corners = np.array([0, 0, 1]), np.zeros((3, 2), int)
    >>> table = TileTable(np.zeros(3, bool), np.array([0.5, 0.9, 0.7]), strips, corners)
    >>> worst_rows(table, defective=False).tolist()
    [1, 2]
    """
    rows = np.flatnonzero(table.labels == defective)
    order = rows[np.argsort(table.scores[rows] * (1 if defective else -1), kind="stable")]
    _, first = np.unique(table.strips[order], return_index=True)
    return order[np.sort(first)[:most]]


def collect_failures(rows: np.ndarray, table: TileTable, maps: Sequence[np.ndarray], strips: LessonStrips) -> Failures:
    """Return tiles of the table with their maps, masks, titles and descriptions.

    Parameters
    ----------
    rows : ndarray, shape (n,)
        Rows of the table.
    table : TileTable
        All test tiles.
    maps : sequence of ndarray, each of shape (H, W)
        Maps of the test strips in units of the threshold.
    strips : LessonStrips
        The strips.

    Returns
    -------
    Failures

    Examples
    --------
    >>> grey, mask = np.tile(np.arange(256.0), (256, 1)), np.zeros((256, 256), bool)
    >>> strips = LessonStrips("00", [], [grey], [grey], [mask], ["a"], ["none"], grey, {}, grey, grey, {})
    >>> table = TileTable(np.array([False]), np.array([2.0]), np.array([0]), np.array([[0, 0]]))
    >>> collect_failures(np.array([0]), table, [grey * 0 + 2], strips).descriptions
    ['100 % of its map reaches the threshold; typical light, sharpness and threads; its strip is normal.']
    """
    typical = np.concatenate([crop_tiles(fabric, tile_corners(fabric)) for fabric in strips.calibration])
    parts: list[list] = [[], [], []]
    titles, descriptions = [], []
    for number, row in enumerate(rows, start=1):
        strip, corner = int(table.strips[row]), table.corners[row]
        tile, anomaly_map, mask = (
            images[strip][corner[0] : corner[0] + SIDE, corner[1] : corner[1] + SIDE]
            for images in (strips.test, maps, strips.masks)
        )
        for part, image in zip(parts, (tile, anomaly_map, mask), strict=True):
            part.append(image)
        titles.append(f"{number}. {strips.names[strip]}\nscore {table.scores[row]:.2f}")
        if table.labels[row]:
            descriptions.append(describe_miss(strips.defects[strip], tile, mask, anomaly_map))
            continue
        distance = _distance_to_defect(anomaly_map, corner, strips.masks[strip])
        place = {"defect_distance": distance, "threshold": 1.0}
        descriptions.append(describe_alarm(tile, anomaly_map, typical, **place))
    return Failures(*(np.array(part) for part in parts), titles, descriptions)


def _distance_to_defect(anomaly_map: np.ndarray, corner: np.ndarray, mask: np.ndarray) -> float | None:
    """Return the distance in px from a tile's highest point to the nearest marked pixel, None without a defect."""
    marked = np.argwhere(mask)
    if not len(marked):
        return None
    peak = np.array(np.unravel_index(anomaly_map.argmax(), anomaly_map.shape)) + corner
    return float(np.linalg.norm(marked - peak, axis=1).min())


def compare_found_and_missed(table: TileTable, strips: LessonStrips) -> str:
    """Return a table with the median size and contrast of the found and of the missed defects.

    Parameters
    ----------
    table : TileTable
        All test tiles.
    strips : LessonStrips
        The strips.

    Returns
    -------
    str

    Examples
    --------
    >>> grey, mask = np.tile(np.arange(256.0), (256, 1)), np.zeros((256, 256), bool)
    >>> mask[3:5, 3:5] = True
    >>> strips = LessonStrips("00", [], [], [grey], [mask], ["a"], ["knots"], grey, {}, grey, grey, {})
    >>> table = TileTable(np.array([True]), np.array([2.0]), np.array([0]), np.array([[0, 0]]))
    >>> print(compare_found_and_missed(table, strips))
    defects  tiles  marked px  contrast
    found        1          4       1.3
    missed       0          -         -
    """
    lines = ["defects  tiles  marked px  contrast"]
    for name, rows in (("found", table.scores >= 1), ("missed", table.scores < 1)):
        chosen = np.flatnonzero(rows & table.labels)
        if not len(chosen):
            lines.append(f"{name:7} {0:6}          -         -")
            continue
        sizes, contrasts = [], []
        for row in chosen:
            (top, left), strip = table.corners[row], table.strips[row]
            window = np.s_[top : top + SIDE, left : left + SIDE]
            sizes.append(strips.masks[strip][window].sum())
            contrasts.append(contrast(strips.test[strip][window], strips.masks[strip][window]))
        lines.append(f"{name:7} {len(chosen):6} {np.median(sizes):10,.0f} {np.median(contrasts):9.1f}")
    return "\n".join(lines)


def describe_concentration(table: TileTable, strips: LessonStrips, most: int = 2) -> str:
    """Say how many of the false alarms come from the strips with most of them.

    Parameters
    ----------
    table : TileTable
        All test tiles.
    strips : LessonStrips
        The strips.
    most : int
        Number of strips to name.

    Returns
    -------
    str

    Examples
    --------
    >>> grey = np.zeros((1, 1))
    >>> strips = LessonStrips("00", [], [], [], [], ["a", "b"], ["none", "none"], grey, {}, grey, grey, {})
    >>> table = TileTable(np.zeros(3, bool), np.array([2.0, 1.5, 0.2]), np.array([0, 0, 1]), np.zeros((3, 2), int))
    >>> describe_concentration(table, strips)
    '2 false alarms: 2 in strip a.'
    """
    alarms = table.strips[(table.scores >= 1) & ~table.labels]
    names, counts = np.unique(alarms, return_counts=True)
    first = counts.argsort()[::-1][:most]
    parts = [f"{counts[i]} in strip {strips.names[names[i]]}" for i in first]
    rest = len(alarms) - int(counts[first].sum())
    parts += [f"{rest} in all other strips"] if rest else []
    return f"{count(len(alarms), 'false alarm')}" + (f": {', '.join(parts)}." if parts else ".")


def crop_around(mask: np.ndarray, side: int = 224) -> tuple[slice, slice]:
    """Return the crop around the middle of a mask, moved into the strip.

    Parameters
    ----------
    mask : ndarray, shape (H, W)
        Bool, with a marked pixel.
    side : int
        Side of the crop in px.

    Returns
    -------
    tuple of slice
        Rows and columns.

    Examples
    --------
    >>> mask = np.zeros((256, 600), bool)
    >>> mask[100, 300] = True
    >>> crop_around(mask)
    (slice(0, 224, None), slice(188, 412, None))
    """
    middle = np.argwhere(mask).mean(axis=0).round().astype(int)
    starts = [int(np.clip(m - side // 2, 0, max(0, n - side))) for m, n in zip(middle, mask.shape, strict=True)]
    return np.s_[starts[0] : starts[0] + side, starts[1] : starts[1] + side]
