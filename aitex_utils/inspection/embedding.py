"""Pictures inside an HTML page: scaled copies as data URIs, outlines of masks as SVG paths, crops of regions.

All functions take the picture's own pixels. A scaled copy of a picture averages pixels. A scaled copy of a map or mask
keeps the largest value of each block, so a peak of one pixel remains visible.
"""

from __future__ import annotations

import base64
import io
from typing import NamedTuple

import numpy as np

from ..plots import MAP_COLOURS, OUTLINE_DISTANCE

JPEG_QUALITY = 88
CROP_QUALITY = 94  # crops show own pixels, so they keep more detail
CROP_MARGIN, CROP_SMALLEST, CROP_LARGEST = 32, 192, 480  # px
PATH_TOLERANCE = 0.7  # px by which a simplified outline can differ


class Region(NamedTuple):
    """A connected region of a mask.

    Parameters
    ----------
    rows, columns : tuple of int
        First and last row and column.
    size : int
        Number of pixels.
    peak : tuple of int
        Row and column of the largest value of the map in the region.
    largest : float
        That value.

    Examples
    --------
    >>> Region((0, 1), (2, 3), 4, (0, 2), 7.5).largest
    7.5
    """

    rows: tuple[int, int]
    columns: tuple[int, int]
    size: int
    peak: tuple[int, int]
    largest: float


def fit_within(shape: tuple[int, int], width: int, height: int) -> tuple[int, int]:
    """Return the height and width of a picture's copy that fits into a box. A small picture is not enlarged.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the picture in px.
    width, height : int
        Size of the box in px.

    Returns
    -------
    rows, columns : int
        At least 1 each.

    Examples
    --------
    >>> fit_within((256, 4096), 1024, 512)
    (64, 1024)
    """
    factor = min(1.0, width / shape[1], height / shape[0])
    return max(1, round(shape[0] * factor)), max(1, round(shape[1] * factor))


def largest_of_blocks(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return a smaller copy of a map or mask that has the largest value of each block of pixels.

    Parameters
    ----------
    values : ndarray, shape (H, W)
        Map or mask.
    shape : tuple of int
        Rows and columns of the copy, at most H and W.

    Returns
    -------
    ndarray, shape `shape`

    Examples
    --------
    >>> largest_of_blocks(np.array([[1, 2, 0, 0], [0, 0, 0, 3]]), (1, 2)).tolist()
    [[2, 3]]
    """
    starts = [np.arange(count) * size // count for count, size in zip(shape, values.shape, strict=True)]
    return np.maximum.reduceat(np.maximum.reduceat(values, starts[0], axis=0), starts[1], axis=1)


def picture_uri(image: np.ndarray, shape: tuple[int, int] | None = None, *, quality: int = JPEG_QUALITY) -> str:
    """Return a picture as a JPEG in a data URI.

    Parameters
    ----------
    image : ndarray, shape (H, W) or (H, W, 3)
        Grey or RGB, uint8.
    shape : tuple of int, optional
        Rows and columns of the copy. None keeps the picture's own size.
    quality : int
        Quality of the JPEG, 1 to 95.

    Returns
    -------
    str

    Examples
    --------
    >>> picture_uri(np.zeros((4, 8), np.uint8))[:23]
    'data:image/jpeg;base64,'
    """
    import cv2
    from PIL import Image

    if shape is not None and shape != image.shape[:2]:
        image = cv2.resize(image, shape[::-1], interpolation=cv2.INTER_AREA)
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(file, "JPEG", quality=quality, subsampling=0)
    return _uri("jpeg", file.getvalue())


def map_uri(anomaly_map: np.ndarray, shape: tuple[int, int], scale: tuple[float, float]) -> str:
    """Return an anomaly map as a PNG in a data URI, coloured on a given scale.

    Parameters
    ----------
    anomaly_map : ndarray, shape (H, W)
        Finite.
    shape : tuple of int
        Rows and columns of the copy, at most H and W.
    scale : tuple of float
        Values of the first and the last colour. Values outside have the colour of the nearer end.

    Returns
    -------
    str

    Examples
    --------
    >>> map_uri(np.eye(4), (2, 2), (0.0, 1.0))[:22]
    'data:image/png;base64,'
    """
    from matplotlib import colormaps
    from PIL import Image

    low, high = scale
    share = (largest_of_blocks(anomaly_map, shape).astype(np.float64) - low) / (high - low)
    picture = Image.fromarray((np.clip(share, 0, 1) * 255).round().astype(np.uint8), "L")
    picture.putpalette(colormaps[MAP_COLOURS](np.arange(256), bytes=True)[:, :3].tobytes())
    file = io.BytesIO()
    picture.save(file, "PNG")
    return _uri("png", file.getvalue())


def outline_path(mask: np.ndarray, shape: tuple[int, int] | None = None) -> str:
    """Return the outlines of a mask's regions as data of an SVG path, drawn outside the regions.

    Parameters
    ----------
    mask : ndarray, shape (H, W)
        Bool.
    shape : tuple of int, optional
        Rows and columns of the copy to which the path belongs, at most H and W. None keeps the mask's own size.

    Returns
    -------
    str
        Empty if the mask is.

    Examples
    --------
    >>> outline_path(np.ones((1, 1), bool))
    'M-1.5-1.5V2.5H2.5V-1.5z'
    """
    import cv2

    if shape is not None:
        mask = largest_of_blocks(mask, shape)
    if not mask.any():
        return ""
    border = OUTLINE_DISTANCE + 1  # with room for the line at the picture's border
    reach = 2 * OUTLINE_DISTANCE + 1
    grown = cv2.dilate(np.pad(mask.astype(np.uint8), border), np.ones((reach, reach), np.uint8))
    contours, _ = cv2.findContours(grown, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    lines = (cv2.approxPolyDP(contour, PATH_TOLERANCE, True)[:, 0] - (border - 0.5) for contour in contours)
    return "".join(_line(points) for points in lines)


def largest_regions(found: np.ndarray, anomaly_map: np.ndarray, most: int) -> tuple[list[Region], int]:
    """Return the largest connected regions of a mask, and the number of all regions.

    Parameters
    ----------
    found : ndarray, shape (H, W)
        Bool.
    anomaly_map : ndarray, shape (H, W)
        Map from which the largest values are taken.
    most : int
        Number of regions to return at most.

    Returns
    -------
    regions : list of Region
        By falling size, equal sizes from top to bottom.
    count : int
        Number of all 8-connected regions.

    Examples
    --------
    >>> regions, count = largest_regions(np.array([[True, False, True]]), np.array([[1.0, 0.0, 2.0]]), most=1)
    >>> regions[0].largest, count
    (1.0, 2)
    """
    import cv2

    count, numbers, stats, _ = cv2.connectedComponentsWithStats(found.astype(np.uint8), connectivity=8)
    regions = []
    for number in 1 + np.argsort(-stats[1:, cv2.CC_STAT_AREA], kind="stable")[:most]:
        left, top, width, height, size = (int(value) for value in stats[number])
        box = slice(top, top + height), slice(left, left + width)
        inside = np.where(numbers[box] == number, anomaly_map[box], -np.inf)
        row, column = (int(place) for place in np.unravel_index(inside.argmax(), inside.shape))
        peak = top + row, left + column
        rows, columns = (top, top + height - 1), (left, left + width - 1)
        regions.append(Region(rows, columns, size, peak, float(inside[row, column])))
    return regions, count - 1


def crop_window(region: Region, shape: tuple[int, int]) -> tuple[slice, slice]:
    """Return the rows and columns of a crop around a region: with a margin, and neither tiny nor huge.

    Parameters
    ----------
    region : Region
        Region to show.
    shape : tuple of int
        Height and width of the picture in px.

    Returns
    -------
    rows, columns : slice
        Inside the picture. A region that is larger than a crop is shown around its peak.

    Examples
    --------
    >>> crop_window(Region((500, 509), (0, 9), 100, (505, 5), 1.0), (1000, 1000))
    (slice(409, 601, None), slice(0, 192, None))
    """
    sides = zip((region.rows, region.columns), region.peak, shape, strict=True)
    rows, columns = (_side(first, last, peak, size) for (first, last), peak, size in sides)
    return rows, columns


def _side(first: int, last: int, peak: int, size: int) -> slice:
    length = last - first + 1
    side = min(max(length + 2 * CROP_MARGIN, CROP_SMALLEST), CROP_LARGEST, size)
    centre = (first + last + 1) // 2 if length <= side else peak
    start = min(max(centre - side // 2, 0), size - side)
    return slice(start, start + side)


def _line(points: np.ndarray) -> str:
    """Return a closed line through points, shape (n, 2): across and up or down by single letters where possible."""
    (x, y), parts = points[0], []
    parts.append(f"M{_joined(x, y)}")
    for column, row in points[1:]:
        parts.append(f"V{row:g}" if column == x else f"H{column:g}" if row == y else f"L{_joined(column, row)}")
        x, y = column, row
    return "".join(parts) + "z"


def _joined(x: float, y: float) -> str:
    """Return a point in as few characters as a path allows: a minus also separates."""
    return f"{x:g}{'' if y < 0 else ' '}{y:g}"


def _uri(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
