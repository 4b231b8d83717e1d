"""From a strip to tiles and back: cut, label, stitch.

A tile is a square crop of a strip. `tile` cuts an image, `untile` is its inverse: it blends tiles where they overlap,
and returns the same image bit for bit if no tile was changed.
"""

from __future__ import annotations

import numpy as np

from .errors import InputError, check_choice, check_integer, check_number, check_shape
from .region import crop_to_fabric
from .safety.arrays import as_array


def tile(image: np.ndarray, size: int = 256, overlap: int = 0, edge: str = "shift") -> tuple[np.ndarray, np.ndarray]:
    """Cut an image into square tiles, row by row.

    Parameters
    ----------
    image : ndarray, shape (H, W)
        Strip, mask or map of any dtype.
    size : int
        Side of a tile in px.
    overlap : int
        Width in px that neighbouring tiles share, 0 <= overlap < size.
    edge : {"shift", "drop"}
        Treatment of the pixels left over at the right and at the bottom. "shift" moves the last tile back, so it
        overlaps more and nothing is left out. "drop" leaves these pixels out.

    Returns
    -------
    tiles : ndarray, shape (N, size, size)
        Copies, of the image's dtype.
    corners : ndarray, shape (N, 2)
        Row and column of each tile's upper left pixel, int64; `untile` takes them.

    Raises
    ------
    InputError
        If the image is not 2-D or is smaller than a tile, or an argument is out of range.

    Examples
    --------
    >>> tiles, corners = tile(np.arange(32).reshape(4, 8), size=4)
    >>> tiles.shape, corners.tolist()
    ((2, 4, 4), [[0, 0], [0, 4]])
    """
    image = _check_image(image)
    size, overlap = _check_size(size, overlap)
    check_choice("edge", edge, ("shift", "drop"))
    if min(image.shape) < size:
        raise InputError(
            f"The image is {image.shape[0]} x {image.shape[1]} px, smaller than a tile of {size} px: "
            "choose a smaller size or a larger image."
        )
    rows = _starts(image.shape[0], size, size - overlap, edge)
    columns = _starts(image.shape[1], size, size - overlap, edge)
    corners = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2)  # (N, 2), row-major
    return crop_tiles(image, corners, size), corners


def crop_tiles(image: np.ndarray, corners: np.ndarray, size: int = 256) -> np.ndarray:
    """Return the tiles of an image at given corners, for example of a mask where a strip was tiled.

    Parameters
    ----------
    image : ndarray, shape (H, W)
        Strip, mask or map of any dtype.
    corners : ndarray, shape (N, 2)
        Row and column of each tile's upper left pixel.
    size : int
        Side of a tile in px.

    Returns
    -------
    ndarray, shape (N, size, size)
        Copies, of the image's dtype.

    Raises
    ------
    InputError
        If the image is not 2-D, or a tile reaches out of it.

    Examples
    --------
    >>> crop_tiles(np.arange(16).reshape(4, 4), np.array([[0, 2], [2, 0]]), size=2).tolist()
    [[[2, 3], [6, 7]], [[8, 9], [12, 13]]]
    """
    image, (size, _) = _check_image(image), _check_size(size, 0)
    corners = _check_corners(corners, None, size, image.shape)
    if min(image.shape) < size:  # and no corners
        return np.empty((0, size, size), image.dtype)
    windows = np.lib.stride_tricks.sliding_window_view(image, (size, size))
    return windows[corners[:, 0], corners[:, 1]]


def tile_fabric(strip: np.ndarray, size: int = 256, overlap: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Cut the fabric of a strip into tiles, without the machine bed and the selvage.

    Parameters
    ----------
    strip : ndarray, shape (H, W)
        Grey image, uint8, as in `region.fabric_region`.
    size, overlap : int
        As in `tile`.

    Returns
    -------
    tiles : ndarray, shape (N, size, size)
        Copies, uint8.
    corners : ndarray, shape (N, 2)
        Row and column of each tile's upper left pixel in the whole strip.

    Raises
    ------
    InputError
        As in `tile` and `region.fabric_region`.

    Examples
    --------
    >>> strip = np.random.default_rng(0).integers(80, 160, (256, 1024), np.uint8)
    >>> strip[:, :300] = 255
    >>> tiles, corners = tile_fabric(strip)
    >>> corners.tolist()
    [[0, 312], [0, 568], [0, 768]]
    """
    fabric, start = crop_to_fabric(strip)
    tiles, corners = tile(fabric, size, overlap)
    return tiles, corners + [0, start]


def untile(tiles: np.ndarray, corners: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Stitch tiles to an image: the inverse of `tile`.

    Overlapping tiles are averaged with weights that fall linearly from a tile's centre to its edge and never reach 0,
    so one tile fades into the next without a seam.

    Parameters
    ----------
    tiles : ndarray, shape (N, size, size)
        Bool, integers or floats.
    corners : ndarray, shape (N, 2)
        Row and column of each tile's upper left pixel, as `tile` returns them.
    shape : tuple of int
        Rows and columns of the image.

    Returns
    -------
    ndarray
        Image of the given shape and of the tiles' dtype. Blended integers are rounded. Pixels that no tile covers
        (``edge="drop"``) are NaN among floats.

    Raises
    ------
    InputError
        If shapes do not fit each other, a tile reaches out of the image, or no tile covers a pixel and the tiles are
        integers, which have no NaN.

    Notes
    -----
    The average is taken of the deviations from the tile written first. Tiles that agree give their common value bit
    for bit, which a plain weighted average does not, because it rounds.

    Examples
    --------
    >>> image = np.arange(32).reshape(4, 8)
    >>> bool((untile(*tile(image, size=4, overlap=2), image.shape) == image).all())
    True
    """
    tiles, corners, shape = _check_parts(tiles, corners, shape)
    ramp = np.minimum(np.arange(tiles.shape[1]), np.arange(tiles.shape[1])[::-1]) + 1.0
    window = np.outer(ramp, ramp)  # (size, size), a pyramid, above 0 everywhere
    weight, deviation = np.zeros(shape), np.zeros(shape)
    image = np.zeros(shape, tiles.dtype)
    with np.errstate(invalid="ignore"):  # NaN is right where unequal infinities meet
        for part, (row, column) in zip(tiles, corners, strict=True):
            here = np.s_[row : row + len(part), column : column + len(part)]
            first = weight[here] == 0
            image[here][first] = part[first]
            same = part == image[here]  # includes equal infinities, whose difference is NaN
            deviation[here] += window * np.where(same, 0.0, np.subtract(part, image[here], dtype=float))
            weight[here] += window
        blended = deviation != 0
        values = image[blended] + deviation[blended] / weight[blended]
    is_float = np.issubdtype(tiles.dtype, np.floating)
    image[blended] = values if is_float else np.rint(values)
    if not weight.all():
        if not is_float:
            raise InputError(
                f"{int((weight == 0).sum())} pixels are covered by no tile, and {tiles.dtype} has no NaN to mark them: "
                'cut with edge="shift", or convert the tiles with .astype(np.float32).'
            )
        image[weight == 0] = np.nan
    return image


def tile_labels(mask_tiles: np.ndarray, min_share: float = 0.0) -> np.ndarray:
    """Return which tiles are defective, from the tiles of the ground-truth mask.

    Parameters
    ----------
    mask_tiles : ndarray, shape (N, H, W)
        Bool or numbers; any value above 0 is defect, because AITEX's masks are not binary.
    min_share : float
        Smallest share of a tile's area, 0 to 1, that makes the tile defective; with 0 a single pixel does.

    Returns
    -------
    ndarray, shape (N,)
        Bool, True for defective.

    Raises
    ------
    InputError
        If `mask_tiles` is not 3-D or the share is outside 0 to 1.

    Examples
    --------
    >>> tile_labels(np.array([[[0, 0], [0, 0]], [[0, 0], [0, 255]]])).tolist()
    [False, True]
    """
    mask_tiles = as_array(mask_tiles, "mask_tiles")
    if mask_tiles.ndim != 3 or 0 in mask_tiles.shape[1:]:
        raise InputError(
            f"mask_tiles has shape {mask_tiles.shape}, expected (N, H, W): cut the mask with tile(mask, ...) first."
        )
    check_number("min_share", min_share, "[0, 1]", example=0.01)
    share = (mask_tiles > 0).mean(axis=(1, 2))
    return (share > 0) & (share >= min_share)


def _starts(length: int, size: int, step: int, edge: str) -> np.ndarray:
    """Return the first pixel of each tile along one side of the image."""
    starts = np.arange(0, length - size + 1, step, dtype=np.int64)
    if edge == "shift" and starts[-1] + size < length:
        starts = np.append(starts, length - size)
    return starts


def _check_image(image: np.ndarray) -> np.ndarray:
    image = as_array(image, "image")
    if image.ndim != 2:
        raise InputError(f"The image has shape {image.shape}, expected (H, W): give one grey image without channels.")
    return image


def _check_size(size: int, overlap: int) -> tuple[int, int]:
    size = check_integer("size", size, 1, 2**31 - 1)
    return size, check_integer("overlap", overlap, 0, size - 1, "one px less than the tile's size")


def _check_corners(corners: np.ndarray, count: int | None, size: int, shape: tuple[int, ...]) -> np.ndarray:
    corners = as_array(corners, "corners")
    count = corners.shape[:1] if count is None else (count,)
    if corners.shape != (*count, 2) or corners.dtype.kind not in "iu":
        raise InputError(
            f"corners is {corners.dtype} of shape {corners.shape}, expected integers {(*count, 2)}: "
            "give the corners that tile returned with these tiles."
        )
    corners = corners.astype(np.int64)  # sums of narrow integers would overflow
    outside = ((corners < 0) | (corners + size > np.asarray(shape))).any(axis=1)
    if outside.any():
        row, column = corners[outside][0]
        raise InputError(
            f"The tile at row {row}, column {column} reaches out of an image of {shape[0]} x {shape[1]} px: "
            "give the shape of the image that was cut."
        )
    return corners


def _check_parts(tiles: np.ndarray, corners: np.ndarray, shape: tuple[int, int]) -> tuple:
    tiles = as_array(tiles, "tiles")
    if tiles.ndim != 3 or 0 in tiles.shape[1:] or tiles.shape[1] != tiles.shape[2]:
        raise InputError(f"tiles has shape {tiles.shape}, expected (N, size, size): give them as tile cuts them.")
    if tiles.dtype.kind not in "biuf":
        raise InputError(f"tiles is {tiles.dtype}, which cannot be blended: convert it to real numbers with .astype.")
    shape = check_shape("shape", shape)
    return tiles, _check_corners(corners, len(tiles), tiles.shape[1], shape), shape
