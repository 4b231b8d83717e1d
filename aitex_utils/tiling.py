"""From a strip to tiles and back: where fabric begins and ends, tiles, their labels, and the inverse.

A tile is a square crop of a strip. `tile` cuts, `untile` puts together again: it blends where tiles
overlap, and gives back the very same image when no tile was changed.
"""

from __future__ import annotations

import operator

import numpy as np

from .errors import InputError


def tile(
    image: np.ndarray, size: int = 256, overlap: int = 0, edge: str = "shift"
) -> tuple[np.ndarray, np.ndarray]:
    """Cut an image into square tiles, row by row.

    Parameters
    ----------
    image : ndarray (H, W) of any dtype: a strip, a mask or a map
    size : side of a tile in pixels
    overlap : pixels that neighbouring tiles share, 0 <= overlap < size
    edge : what happens to the pixels that are left at the right and at the bottom where the tiles don't fit in evenly.
        "shift" moves the last tile back, so that it overlaps more and nothing is left out; "drop" leaves the rest out.

    Returns
    -------
    tiles : ndarray (N, size, size) of the image's dtype, a copy
    corners : ndarray (N, 2) int64, row and column of each tile's upper left pixel; `untile` wants them

    Raises
    ------
    InputError : the image isn't 2-D or is smaller than a tile; size, overlap or edge is out of range

    >>> tiles, corners = tile(np.arange(32).reshape(4, 8), size=4)
    >>> tiles.shape, corners.tolist()
    ((2, 4, 4), [[0, 0], [0, 4]])
    """
    image = _check_image(image)
    size, overlap = _check_size(size, overlap)
    if edge not in ("shift", "drop"):
        raise InputError(f'edge is {edge!r}: choose "shift" (nothing is left out) or "drop" (the rest is left out).')
    if min(image.shape) < size:
        raise InputError(
            f"The image is {image.shape[0]} x {image.shape[1]} px, smaller than a tile of {size} px: "
            "choose a smaller size or a larger image."
        )
    rows = _starts(image.shape[0], size, size - overlap, edge)
    columns = _starts(image.shape[1], size, size - overlap, edge)
    corners = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2)  # (N, 2), row-major
    windows = np.lib.stride_tricks.sliding_window_view(image, (size, size))
    return windows[corners[:, 0], corners[:, 1]], corners


def untile(tiles: np.ndarray, corners: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Put tiles together to an image: the inverse of `tile`.

    Where tiles overlap, they are averaged with weights that fall linearly from a tile's middle to its edge and never
    reach 0, so that one tile fades into the next without a seam. The average is taken of the deviations from the
    tile written first. Tiles that agree thus give their common value bit for bit, which a plain weighted average
    doesn't, because it rounds.

    Parameters
    ----------
    tiles : ndarray (N, size, size) of bool, integers or floats
    corners : ndarray (N, 2) of integers, row and column of each tile's upper left pixel, as `tile` gives them
    shape : rows and columns of the image

    Returns
    -------
    ndarray `shape` of the tiles' dtype. A blended integer is rounded. A pixel that no tile covers (`edge="drop"`)
    is NaN among floats.

    Raises
    ------
    InputError : shapes that don't fit each other, a tile that reaches out of the image, or pixels that no tile covers
        when the tiles are integers, which have no NaN

    >>> image = np.arange(32).reshape(4, 8)
    >>> bool((untile(*tile(image, size=4, overlap=2), image.shape) == image).all())
    True
    """
    tiles, corners, shape = _check_parts(tiles, corners, shape)
    window = _window(tiles.shape[1])
    weight, deviation = np.zeros(shape), np.zeros(shape)
    image = np.zeros(shape, tiles.dtype)
    with np.errstate(invalid="ignore"):  # infinity minus infinity is NaN, as it should be
        for part, (row, column) in zip(tiles, corners, strict=True):
            here = np.s_[row : row + len(part), column : column + len(part)]
            first = weight[here] == 0
            image[here][first] = part[first]
            differs = part != image[here]
            deviation[here] += window * np.subtract(part, image[here], where=differs, out=np.zeros(part.shape), dtype=float)
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
    """Tell which tiles are defective, from the tiles of the mask.

    The rule: a tile is defective if any of its mask pixels is above 0 (`min_share=0`), or else if at least
    the share `min_share` of its area is. AITEX's masks aren't binary, so any value above 0 counts.

    Parameters
    ----------
    mask_tiles : ndarray (N, H, W) of bool or numbers
    min_share : share of the tile's area, 0..1

    Returns
    -------
    ndarray (N,) bool, True for defective

    Raises
    ------
    InputError : mask_tiles isn't 3-D, or the share is outside 0..1

    >>> tile_labels(np.array([[[0, 0], [0, 0]], [[0, 0], [0, 255]]])).tolist()
    [False, True]
    """
    mask_tiles = np.asarray(mask_tiles)
    if mask_tiles.ndim != 3:
        raise InputError(
            f"mask_tiles has shape {mask_tiles.shape}, expected (N, H, W): cut the mask with tile(mask, ...) first."
        )
    if not 0 <= min_share <= 1:
        raise InputError(f"min_share is {min_share}: give a share of the tile's area between 0 and 1, such as 0.01.")
    share = (mask_tiles > 0).mean(axis=(1, 2))
    return (share > 0) & (share >= min_share)


def _starts(length: int, size: int, step: int, edge: str) -> np.ndarray:
    """First pixel of each tile along one side of the image."""
    starts = np.arange(0, length - size + 1, step, dtype=np.int64)
    if edge == "shift" and starts[-1] + size < length:
        starts = np.append(starts, length - size)
    return starts


def _window(size: int) -> np.ndarray:
    """Weights (size, size) of a tile's pixels: a pyramid, above 0 everywhere."""
    ramp = np.minimum(np.arange(size), np.arange(size)[::-1]) + 1.0
    return np.outer(ramp, ramp)


def _check_image(image: np.ndarray) -> np.ndarray:
    image = np.asarray(image)
    if image.ndim != 2:
        raise InputError(f"The image has shape {image.shape}, expected (H, W): give one grey image without channels.")
    return image


def _check_size(size: int, overlap: int) -> tuple[int, int]:
    try:
        size, overlap = operator.index(size), operator.index(overlap)
    except TypeError:
        raise InputError(f"size is {size!r} and overlap {overlap!r}: give both as whole numbers of pixels.") from None
    if size < 1:
        raise InputError(f"size is {size}: give a tile at least 1 px.")
    if not 0 <= overlap < size:
        raise InputError(f"overlap is {overlap}: give 0 to {size - 1} px, less than the tile's size of {size}.")
    return size, overlap


def _check_parts(
    tiles: np.ndarray, corners: np.ndarray, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    tiles, corners = np.asarray(tiles), np.asarray(corners)
    if tiles.ndim != 3 or tiles.shape[1] != tiles.shape[2]:
        raise InputError(f"tiles has shape {tiles.shape}, expected (N, size, size): give square tiles as tile cuts them.")
    if tiles.dtype.kind not in "biuf":
        raise InputError(f"tiles is {tiles.dtype}, which can't be blended: convert it to real numbers with .astype.")
    if corners.shape != (len(tiles), 2) or corners.dtype.kind not in "iu":
        raise InputError(
            f"corners is {corners.dtype} of shape {corners.shape}, expected integers ({len(tiles)}, 2): "
            "give the corners that tile returned with these tiles."
        )
    if len(shape) != 2:
        raise InputError(f"shape is {tuple(shape)}, expected (H, W): give the rows and columns of the image.")
    size = tiles.shape[1]
    outside = ((corners < 0) | (corners + size > np.asarray(shape))).any(axis=1)
    if outside.any():
        row, column = corners[outside][0]
        raise InputError(
            f"The tile at row {row}, column {column} reaches out of an image of {shape[0]} x {shape[1]} px: "
            "give the shape of the image that was cut."
        )
    return tiles, corners, (int(shape[0]), int(shape[1]))
