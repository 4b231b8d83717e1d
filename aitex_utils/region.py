"""Where the fabric of a strip begins and ends, found from the strip alone.

The left part of most AITEX strips shows the machine bed or a saturated background, then the selvage. These
columns differ between normal and defective strips, so a detector that looks at them learns the wrong difference.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from .errors import InputError
from .safety.arrays import check_strip

# Lengths of the method, not properties of one fabric.
STEP = 4  # px between neighbouring windows
WINDOW = 16  # px: width of a window, as high as the strip
BAND = 32  # rows in which a window is described: the median over bands ignores a defect, which few bands show
MEMORY = 64  # windows (256 px) of fabric with which the next window is compared
THRESHOLD = 3.6  # dissimilarity above which a window does not look like fabric, AITEX's normal fabric stays below 2.9
LIKE_VOTE = 8  # one window like fabric outweighs this many dissimilar windows further in
UNSTEADY = 0.04  # change of log brightness within 256 px of the right half, AITEX and the practice fabric reach 0.029
MARGIN_VOTES = 4  # votes by which the outside must win, so that the edge of a full strip is not taken for a selvage
SHIFTS = (  # (rows down, columns right) between the pixels compared: near and far, in all directions
    *((distance, 0) for distance in (1, 2, 3, 4, 6, 8)),
    *((0, distance) for distance in (1, 2, 3, 4, 6, 8)),
    *((down, side) for down, right in ((2, 2), (4, 2), (4, 4), (8, 2), (8, 4)) for side in (right, -right)),
)


class Region(NamedTuple("Columns", [("start", int), ("stop", int)])):
    """The columns of a strip in which there is fabric, as a tuple of two that knows whether it is certain.

    Parameters
    ----------
    start, stop : int
        First column of fabric and the column after the last.

    Attributes
    ----------
    is_certain : bool
        False if a fold or another large change of brightness hides the typical fabric: look at the strip.

    Examples
    --------
    >>> start, stop = region = Region(312, 1024)
    >>> region, region.is_certain
    ((312, 1024), True)
    """

    is_certain = True
    __repr__ = tuple.__repr__


def fabric_region(strip: np.ndarray) -> Region:
    """Find the columns of a strip in which there is fabric.

    The bare machine bed, the saturated background and the selvage are left out. The method describes the
    texture of each window (16 px of the strip's width) and walks outwards from typical fabric in the right half. It
    compares each window with the 256 px of fabric passed last, so light and focus can drift. Dissimilar windows do
    not enter this memory. At the end each column is tried as the beginning: dissimilar windows to its left count for
    it, windows like fabric count against it. A defect inside the fabric has fabric on both sides and does not end it.

    Where the brightness of the right half is unsteady, a fold hides the fabric in most rows. The windows are then
    described by their brightest rows, and the region is marked as uncertain.

    Parameters
    ----------
    strip : ndarray, shape (H, W)
        Grey image, uint8, at least 32 x 128 px, with fabric in most of its right half.

    Returns
    -------
    Region
        First column of fabric and the column after the last, 0 to about 15 px inside the fabric; (0, W) if all
        columns are fabric. Its `is_certain` is False if the brightness is unsteady.

    Raises
    ------
    InputError
        If the strip is not a grey image, is too small, or has no texture in its right half.

    Notes
    -----
    A strip that shows nothing but the bed is not noticed: it contains nothing to compare the bed with.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> strip = np.full((256, 1024), 255, np.uint8)
    >>> strip[:, 300:] = rng.integers(80, 160, (256, 724))
    >>> fabric_region(strip)
    (312, 1024)
    """
    strip = check_strip(strip)
    if strip.shape[0] < BAND or strip.shape[1] < 8 * WINDOW:
        raise InputError(
            f"The strip is {strip.shape[0]} x {strip.shape[1]} px, too small to find its fabric: "
            f"give at least {BAND} x {8 * WINDOW} px, or give the region yourself."
        )
    dissimilarity, start, unsteadiness = _dissimilarity(_describe_windows(strip))
    if unsteadiness > UNSTEADY:
        dissimilarity, start, _ = _dissimilarity(_describe_windows(strip, partial(np.quantile, q=0.95)))
    left, right = _count_outside(dissimilarity[:start]), _count_outside(dissimilarity[:start:-1])
    region = Region(left * STEP, strip.shape[1] - (right + 1) * STEP * (right > 0))
    region.is_certain = bool(unsteadiness <= UNSTEADY)
    return region


def crop_to_fabric(strip: np.ndarray) -> tuple[np.ndarray, int]:
    """Return the fabric of a strip, and the column at which it begins.

    Parameters
    ----------
    strip : ndarray, shape (H, W)
        Grey image, uint8, as in `fabric_region`.

    Returns
    -------
    fabric : ndarray, shape (H, stop - start)
        View of the strip.
    start : int
        First column of the fabric.

    Raises
    ------
    InputError
        As in `fabric_region`.

    Examples
    --------
    >>> strip = np.random.default_rng(0).integers(80, 160, (256, 1024), np.uint8)
    >>> fabric, start = crop_to_fabric(strip)
    >>> fabric.shape, start
    ((256, 1024), 0)
    """
    start, stop = fabric_region(strip)
    return np.asarray(strip)[:, start:stop], start


def _describe_windows(strip: np.ndarray, over_bands: Callable = np.median) -> np.ndarray:
    """Describe each window, ndarray (windows, 2 + shifts): brightness, contrast, and the contrast at each of `SHIFTS`.

    The contrast at a shift is the mean difference of pixels that far apart. It is small where the weave repeats itself.
    A change of light multiplies it at all shifts alike, so the mean over the shifts of its logarithm is subtracted.
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
        # (bands * BAND, windows * STEP) -> (bands, windows)
        sums = image.reshape(bands, BAND, width).sum(axis=1, dtype=np.uint16).reshape(bands, windows, STEP).sum(axis=2)
        means = np.pad(sums / (BAND * STEP), ((0, 0), (2, 1)), mode="edge")
        means = np.lib.stride_tricks.sliding_window_view(means, WINDOW // STEP, axis=1).mean(axis=2)
        values.append(over_bands(np.log(means + 1), axis=0))
    brightness, *differences = values
    contrast = np.mean(differences, axis=0)
    return np.stack([brightness, contrast, *(differences - contrast)], axis=1)


def _dissimilarity(texture: np.ndarray) -> tuple[np.ndarray, int, float]:
    """Walk outwards from typical fabric.

    Return how unlike fabric each window is, where the walk began, and by how much log brightness typically changes.
    """
    half, memory = len(texture) // 2, min(MEMORY, len(texture) // 6)
    right = texture[half:]
    typical = np.median(right, axis=0)
    if typical[1] < np.log(1.5):  # neighbouring pixels differ by less than half a grey level
        raise InputError(
            f"The strip's right half has no texture (median grey {np.exp(typical[0]) - 1:.0f}): "
            "mirror the strip if its fabric is on the left, else leave it out."
        )
    # A large defect raises the median, because its windows differ from the windows on both its sides. The third
    # quartile stays.
    scale = np.maximum(np.quantile(np.abs(right[memory:] - right[:-memory]), 0.35, axis=0), 0.013)  # 1.3 % of light
    distance = (np.abs(right - typical) / scale).mean(axis=1)
    start = half + int(np.argmin(np.convolve(distance, np.ones(memory), mode="valid")))  # the most typical stretch
    dissimilarity = np.zeros(len(texture))
    for walk in (range(start - 1, -1, -1), range(start + memory, len(texture))):
        passed = list(texture[start : start + memory][:: walk.step])
        for window in walk:
            fabric = np.median(passed[-memory:], axis=0)
            dissimilarity[window] = (np.abs(texture[window] - fabric) / scale).mean()
            if dissimilarity[window] < THRESHOLD:
                passed.append(texture[window])
    return dissimilarity, start, scale[0]


def _count_outside(dissimilarity: np.ndarray) -> int:
    """Count the windows outside the fabric, from the strip's edge inwards."""
    votes = np.where(dissimilarity < THRESHOLD, -LIKE_VOTE, 1)
    return int(np.argmax(np.concatenate([[MARGIN_VOTES], np.cumsum(votes)])))
