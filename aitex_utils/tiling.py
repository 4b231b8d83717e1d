"""From a strip to tiles and back: where fabric begins and ends, tiles, their labels, and the inverse.

A tile is a square crop of a strip. `tile` cuts, `untile` puts together again: it blends where tiles
overlap, and gives back the very same image when no tile was changed.
"""

from __future__ import annotations

import operator

import numpy as np

from .errors import InputError

# Where fabric begins is found from the strip alone. These are lengths of the method, not properties of a fabric.
STEP = 4  # px between the windows that are compared
WINDOW = 16  # px: width of a window; its height is the strip's
BAND = 32  # rows in which a window is described; the median over bands hides what is only here and there, as a defect
MEMORY = 64  # windows (256 px) of fabric that the next one is compared with
UNLIKE = 3.6  # times the usual difference: what is above is unlike. AITEX's fabric without defects stays below 2.9
LIKE_VOTE = 8  # one window like fabric outweighs so many unlike ones further in
LEAST = 4  # windows that the outside must win by, so that the strip's very edge isn't taken for a selvage
SHIFTS = (  # px down and right between the pixels that are compared: near and far, in all directions
    *((reach, 0) for reach in (1, 2, 3, 4, 6, 8)),
    *((0, reach) for reach in (1, 2, 3, 4, 6, 8)),
    *((down, side) for down, right in ((2, 2), (4, 2), (4, 4), (8, 2), (8, 4)) for side in (right, -right)),
)


def fabric_region(strip: np.ndarray) -> tuple[int, int]:
    """Find where fabric begins and ends in a strip.

    Left out are the bare bed of the machine, the saturated background and the selvage. The method knows no fabric. It
    describes the texture of each window (16 px of the strip's width), walks from typical fabric in the right half
    outwards, and compares each window with the 256 px of fabric passed last, so that light and focus may drift.
    A window that is unlike doesn't enter this memory. At last each column is tried as the beginning: unlike
    windows to its left speak for it, windows that are like fabric against it. A defect within the fabric has
    fabric on both sides, and doesn't end it.

    Parameters
    ----------
    strip : ndarray (H, W) uint8, at least 32 x 128 px, with fabric in most of its right half

    Returns
    -------
    start, stop : first column of fabric and the one past the last, 0 to about 15 px inside it; (0, W) if all is fabric

    Raises
    ------
    InputError : not a grey strip, too small, or without any texture in its right half

    Notes
    -----
    A strip that shows the bed only isn't noticed: there is nothing to tell it from fabric.
    """
    strip = _check_image(strip)
    if strip.dtype != np.uint8:
        raise InputError(f"The strip is {strip.dtype}, expected uint8 grey values 0..255: convert it first.")
    if strip.shape[0] < BAND or strip.shape[1] < 8 * WINDOW:
        raise InputError(
            f"The strip is {strip.shape[0]} x {strip.shape[1]} px, too small to tell fabric from selvage: "
            f"give at least {BAND} x {8 * WINDOW} px, or give the region yourself."
        )
    unlikeness, seed = _unlikeness(_texture(strip))
    left, right = _outside(unlikeness[:seed]), _outside(unlikeness[:seed:-1])
    return left * STEP, strip.shape[1] - (right + 1) * STEP * (right > 0)


def _texture(strip: np.ndarray) -> np.ndarray:
    """Describe each window, ndarray (windows, 2 + shifts): brightness, contrast, and the contrast at each of `SHIFTS`.

    The contrast at a shift is the mean difference of pixels so far apart: small where the weave repeats itself.
    A change of light multiplies it at all shifts alike, so of its logarithm the mean over the shifts is taken off.
    """
    bands, windows = strip.shape[0] // BAND, strip.shape[1] // STEP
    padded = np.pad(strip, 8, mode="reflect")
    height, width = bands * BAND, windows * STEP
    values = []
    for down, right in ((0, 0), *SHIFTS):
        image = strip[:height, :width]
        if (down, right) != (0, 0):
            shifted = padded[8 + down : 8 + down + height, 8 + right : 8 + right + width]
            image = np.maximum(image, shifted) - np.minimum(image, shifted)  # |difference| within uint8
        cells = image.reshape(bands, BAND, width).sum(axis=1, dtype=np.uint16).reshape(bands, windows, STEP).sum(axis=2)
        cells = np.pad(cells / (BAND * STEP), ((0, 0), (2, 1)), mode="edge")
        means = np.lib.stride_tricks.sliding_window_view(cells, WINDOW // STEP, axis=1).mean(axis=2)
        values.append(np.median(np.log(means + 1), axis=0))
    brightness, *differences = values
    contrast = np.mean(differences, axis=0)
    return np.stack([brightness, contrast, *(differences - contrast)], axis=1)


def _unlikeness(texture: np.ndarray) -> tuple[np.ndarray, int]:
    """Walk outwards from typical fabric; give how unlike fabric each window is, and the window where the walk began."""
    half, memory = len(texture) // 2, min(MEMORY, len(texture) // 6)
    right = texture[half:]
    typical = np.median(right, axis=0)
    if typical[1] < np.log(1.5):  # neighbouring pixels differ by less than half a grey level
        raise InputError(
            f"The strip's right half has no texture (median grey {np.exp(typical[0]) - 1:.0f}): "
            "mirror the strip if its fabric is on the left, else leave it out."
        )
    # The median would grow with a large defect, whose windows differ from those on both its sides; the third doesn't.
    usual = np.maximum(np.quantile(np.abs(right[memory:] - right[:-memory]), 0.35, axis=0), 0.013)  # 1.3 % of light
    distance = (np.abs(right - typical) / usual).mean(axis=1)
    seed = half + int(np.argmin(np.convolve(distance, np.ones(memory), mode="valid")))  # the most typical stretch
    unlikeness = np.zeros(len(texture))
    for way in (range(seed - 1, -1, -1), range(seed + memory, len(texture))):
        passed = list(texture[seed : seed + memory][:: way.step])
        for window in way:
            fabric = np.median(passed[-memory:], axis=0)
            unlikeness[window] = (np.abs(texture[window] - fabric) / usual).mean()
            if unlikeness[window] < UNLIKE:
                passed.append(texture[window])
    return unlikeness, seed


def _outside(unlikeness: np.ndarray) -> int:
    """Count the windows outside the fabric, from the strip's edge inwards."""
    votes = np.where(unlikeness < UNLIKE, -LIKE_VOTE, 1)
    return int(np.argmax(np.concatenate([[LEAST], np.cumsum(votes)])))


def tile(image: np.ndarray, size: int = 256, overlap: int = 0, edge: str = "shift") -> tuple[np.ndarray, np.ndarray]:
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
    ramp = np.minimum(np.arange(tiles.shape[1]), np.arange(tiles.shape[1])[::-1]) + 1.0
    window = np.outer(ramp, ramp)  # (size, size), a pyramid, above 0 everywhere
    weight, deviation = np.zeros(shape), np.zeros(shape)
    image = np.zeros(shape, tiles.dtype)
    with np.errstate(invalid="ignore"):  # where infinities meet that differ, NaN is right
        for part, (row, column) in zip(tiles, corners, strict=True):
            here = np.s_[row : row + len(part), column : column + len(part)]
            first = weight[here] == 0
            image[here][first] = part[first]
            same = part == image[here]  # infinities among them, whose difference is NaN
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


def _check_parts(tiles: np.ndarray, corners: np.ndarray, shape: tuple[int, int]) -> tuple:
    tiles, corners = np.asarray(tiles), np.asarray(corners)
    if tiles.ndim != 3 or tiles.shape[1] != tiles.shape[2]:
        raise InputError(f"tiles has shape {tiles.shape}, expected (N, size, size): give them as tile cuts them.")
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
