"""A few numbers that describe a picture: size, brightness, sharpness, and a fingerprint that survives saving it again.

All pieces of a regular fabric have the same weave, in the same light. A fingerprint of grey values or of edges takes
them for copies of each other. This fingerprint keeps only what is irregular: yarns, thick places and noise. The picture
is averaged to a small grid, which is cut into blocks. In the spectrum of each block, every frequency gets the same
weight, so the weave and the light count no more than the rest. In copies of a picture all blocks correlate. In pictures
of two pieces on the same table, the blocks of the table correlate and the blocks of the fabric do not.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aitex_utils.files.images import read_pixels, to_colour, to_grey

GRID, BLOCK = (
    64,
    16,
)  # cells of the small grid and of a block, per side: a block of 256 cells correlates by chance to 0.06
SEEN = 8  # of 16 blocks: pictures with less texture in common are not compared
DECISIVE = 4  # of 16 blocks, those that correlate least: one alone has too much noise
FLAT = 0.3  # grey levels: below this standard deviation of a block's cells, rounding to whole grey levels prevails
NOISE = 0.01  # grey levels per cell, added to the weight of each frequency: the average of a cell has a rounding error
STEP = 8  # px between the pixels from which colour is judged
COLOUR = 3  # grey levels between the channels of grey stored as JPEG, at most


@dataclass(frozen=True)
class PictureStatistics:
    """The description of a picture by `measure_picture`, about 8 kB.

    Parameters
    ----------
    shape : tuple of int
        Height and width in px.
    mean, std : float
        Mean and standard deviation of the grey values.
    sharpness : float
        Logarithm of the Laplacian's variance divided by the squared mean. Brightness cancels.
    is_colour : bool
        The channels differ.
    white : int or None
        See `files.images.Pixels`.
    content : bytes
        Digest of the pixels; equal for equal pictures, in whatever format without loss.
    fingerprint : ndarray, shape (16, 256)
        float16, see `similarity`.

    Examples
    --------
    >>> import tempfile, cv2
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = cv2.imwrite(f"{folder}/grey.png", np.full((20, 30), 7, np.uint8))
    ...     statistics = measure_picture(f"{folder}/grey.png")
    >>> statistics.shape, statistics.mean, statistics.is_colour
    ((20, 30), 7.0, False)
    """

    shape: tuple[int, int]
    mean: float
    std: float
    sharpness: float
    is_colour: bool
    white: int | None
    content: bytes
    fingerprint: np.ndarray


def measure_picture(path: str | os.PathLike) -> PictureStatistics:
    """Read a picture once and describe it.

    Parameters
    ----------
    path : path
        File, as in `files.images.read_grey`.

    Returns
    -------
    PictureStatistics

    Raises
    ------
    InputError
        If the file cannot be read.

    Examples
    --------
    >>> measure_picture("no/such/file.png")
    Traceback (most recent call last):
    ...
    aitex_utils.errors.MissingError: no/such/file.png is missing: check the name, or copy the file there again.
    """
    import cv2

    values, white = read_pixels(path)
    colour, grey = to_colour(values), to_grey(values)
    mean, std = float(grey.mean()), float(cv2.meanStdDev(grey)[1].item())
    laplacian = cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S))[1].item()
    sparse = colour[::STEP, ::STEP].astype(np.int16)
    return PictureStatistics(
        shape=grey.shape,
        mean=mean,
        std=std,
        sharpness=float(2 * np.log(max(laplacian, 1e-3) / max(mean, 1))),
        is_colour=bool((sparse.max(axis=-1) - sparse.min(axis=-1)).mean() > COLOUR),
        white=white,
        content=hashlib.blake2b(colour.tobytes() + str(colour.shape).encode(), digest_size=16).digest(),
        fingerprint=fingerprint(grey),
    )


def fingerprint(grey: np.ndarray) -> np.ndarray:
    """Return what is irregular in a picture, on a small grid.

    Parameters
    ----------
    grey : ndarray, shape (H, W)
        Grey values, uint8.

    Returns
    -------
    ndarray, shape (16, 256)
        float16: for each of 4 x 4 blocks a unit vector, or 0 for a flat block.

    Raises
    ------
    InputError
        If `grey` is no picture.

    Examples
    --------
    >>> fingerprint(np.zeros((100, 100), np.uint8)).any()
    np.False_
    """
    import cv2

    small = cv2.resize(
        to_grey(grey).astype(np.float32), (GRID, GRID), interpolation=cv2.INTER_AREA
    )  # uint8 would round
    count = GRID // BLOCK
    blocks = small.reshape(count, BLOCK, count, BLOCK).swapaxes(1, 2)  # (64, 64) -> (4, 4, 16, 16)
    is_flat = blocks.std(axis=(2, 3)).reshape(-1, 1) < FLAT
    side = np.sin(np.pi * (np.arange(BLOCK) + 0.5) / BLOCK)
    window = np.outer(side, side)  # fades to 0 at the border, or the weave would leak into all frequencies
    means = (blocks * window).mean(axis=(2, 3), keepdims=True) / window.mean()
    spectrum = np.fft.fft2((blocks - means) * window)
    spectrum /= np.abs(spectrum) + NOISE * BLOCK
    vectors = np.fft.ifft2(spectrum).real.reshape(count**2, BLOCK**2)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.where(is_flat, 0, vectors / np.maximum(lengths, 1e-9)).astype(np.float16)


def similarity(prints: np.ndarray, other_prints: np.ndarray) -> np.ndarray:
    """Return how similar pictures are, by their fingerprints.

    Parameters
    ----------
    prints : ndarray, shape (N, 16, 256)
        Fingerprints of N pictures.
    other_prints : ndarray, shape (M, 16, 256)
        Fingerprints of M other pictures.

    Returns
    -------
    ndarray, shape (N, M)
        float32: the mean correlation of the four blocks that correlate least, each with the other picture's block at
        the same place. It is at most 1, and about 0 for different pictures. Blocks that are flat in one of the pictures
        do not count. Where fewer than eight are left, the result is 0. Turned and cropped copies are not similar.

    Notes
    -----
    N * M * 150 bytes of memory are needed.

    Examples
    --------
    >>> noise = np.random.default_rng(0).integers(0, 256, (2, 100, 100), np.uint8)
    >>> prints = np.array([fingerprint(grey) for grey in noise])
    >>> (similarity(prints, prints) > 0.9).tolist()
    [[True, False], [False, True]]
    """
    left = np.ascontiguousarray(prints.swapaxes(0, 1), np.float32)  # (N, 16, 256) -> (16, N, 256)
    right = np.ascontiguousarray(other_prints.swapaxes(0, 1), np.float32)
    is_seen = left.any(axis=2)[:, :, None] & right.any(axis=2)[:, None, :]  # (16, N, M)
    correlations = np.where(is_seen, left @ right.swapaxes(1, 2), np.float32(1))
    correlations.sort(axis=0)
    return np.where(is_seen.sum(axis=0) >= SEEN, correlations[:DECISIVE].mean(axis=0), np.float32(0))


def median_and_spread(values: Sequence[float]) -> tuple[float, float]:
    """Return the median of some numbers and their robust standard deviation, 1.4826 times the median deviation.

    Parameters
    ----------
    values : sequence of float
        At least one.

    Returns
    -------
    median, spread : float

    Examples
    --------
    >>> median_and_spread([1.0, 2.0, 3.0])
    (2.0, 1.4826)
    """
    median = float(np.median(values))
    return median, 1.4826 * float(np.median(np.abs(np.array(values) - median)))
