"""Distances -> anomaly maps and image-level anomaly scores: maximum, mean, top-fraction mean, and two reweightings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .errors import InputError, check_choice, check_integer, check_number, check_shape, shown
from .safety.arrays import as_array
from .safety.scores import check_float32, check_pair, check_real
from .tiling import untile

if TYPE_CHECKING:
    from .memory_bank import MemoryBank

IMAGE_SCORES = ("max", "mean", "top", "reweighted", "reweighted_by_patch")
TRUNCATE = 4.0  # standard deviations at which the Gaussian kernel ends, as SciPy cuts it


def anomaly_maps(distances: np.ndarray, shape: tuple[int, int], smoothing: float = 0.0) -> np.ndarray:
    """Turn the distances of patches into anomaly maps: resize them bilinearly, then smooth them with a Gaussian.

    Where a map has fewer pixels than there are patches along an axis, distances are averaged.

    Parameters
    ----------
    distances : ndarray, shape (N, H', W')
        Patch-level anomaly scores of N tiles or strips.
    shape : tuple of int
        Height and width of the maps in px.
    smoothing : float
        Standard deviation of the Gaussian in px, 0 to 1000, 0 = none (section 3.3 of the paper uses 4). The kernel ends
        at 4 standard deviations; the border is mirrored.

    Returns
    -------
    ndarray, shape (N, height, width)
        float32.

    Raises
    ------
    InputError
        If the distances are not 3-D or empty, the shape is not a height and a width, or the smoothing is negative.

    Examples
    --------
    >>> anomaly_maps(np.ones((1, 2, 2)), (4, 6), smoothing=1).shape
    (1, 4, 6)
    """
    import cv2

    distances = np.ascontiguousarray(check_float32(distances))
    if distances.ndim != 3 or 0 in distances.shape:
        raise InputError(f"distances has shape {distances.shape}, expected (N, H', W') with at least one tile.")
    check_number("smoothing", smoothing, "[0, 1000]", example=2)
    height, width = check_shape("shape", shape)
    maps = np.empty((len(distances), height, width), np.float32)
    for of_tile, anomaly_map in zip(distances, maps, strict=True):
        coarser = min(width, of_tile.shape[1]), min(height, of_tile.shape[0])
        if coarser != of_tile.shape[::-1]:  # an axis that shrinks is averaged: no far patch falls between two pixels
            of_tile = cv2.resize(of_tile, coarser, interpolation=cv2.INTER_AREA)
        cv2.resize(of_tile, (width, height), dst=anomaly_map, interpolation=cv2.INTER_LINEAR)
        if smoothing:
            anomaly_map[:] = smooth(anomaly_map, smoothing)
    return maps


def smooth(image: np.ndarray, sigma: float | tuple[float, float]) -> np.ndarray:
    """Smooth an image with a Gaussian, its border mirrored.

    Parameters
    ----------
    image : ndarray, shape (H, W)
        float32 or float64.
    sigma : float or tuple of float
        Standard deviation in px, for both axes or as (down, right); 0 leaves an axis as it is.

    Returns
    -------
    ndarray, shape (H, W)
        Of the image's dtype.

    Notes
    -----
    The kernel has 2 r + 1 taps with r = round(4 sigma), as SciPy's `gaussian_filter`. OpenCV's own choice of the kernel
    size would end it at 3 or 4 standard deviations depending on the dtype.

    Examples
    --------
    >>> round(float(smooth(np.full((5, 5), 2.0), 1.0)[2, 2]), 9)
    2.0
    """
    import cv2

    image = check_real(image, "image")
    if image.ndim != 2 or not image.size or image.dtype not in (np.float32, np.float64):
        raise InputError(f"image is {image.dtype} of shape {image.shape}, expected (H, W) float32 or float64.")
    down, right = check_pair("sigma", sigma if isinstance(sigma, tuple) else (sigma, sigma), "[0, 1000]")
    taps = [2 * int(TRUNCATE * one + 0.5) + 1 for one in (right, down)]
    return cv2.GaussianBlur(image, taps, sigmaX=right, sigmaY=down, borderType=cv2.BORDER_REFLECT)


def stitch_maps(maps: np.ndarray, corners: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Stitch the anomaly maps of a strip's tiles into one, blended in overlaps.

    Parameters
    ----------
    maps : ndarray, shape (N, h, w)
        Anomaly maps of the tiles.
    corners : ndarray, shape (N, 2)
        Row and column of each tile's upper left pixel in the strip.
    shape : tuple of int
        Height and width of the strip in px.

    Returns
    -------
    ndarray, shape (H, W)
        float32, NaN where there is no tile.

    Examples
    --------
    >>> stitch_maps(np.ones((1, 2, 2)), np.array([[0, 1]]), (2, 3)).tolist()
    [[nan, 1.0, 1.0], [nan, 1.0, 1.0]]
    """
    return untile(check_float32(maps, "maps"), corners, shape)


def geometric_mean_distance(distances: Sequence[np.ndarray]) -> np.ndarray:
    """Combine the distances of a patch in several branches of the pooling.

    A product is large where all its factors are. An unpooled branch sees where a defect ends but varies on normal
    fabric, a pooled branch is steady but blurs. An alarm of one branch alone is damped. Units do not matter.

    Parameters
    ----------
    distances : sequence of ndarray
        Distances of the same patches, one array per branch, all of one shape.

    Returns
    -------
    ndarray
        float32, of that shape.

    Examples
    --------
    >>> geometric_mean_distance([np.array([1.0, 4.0]), np.array([4.0, 4.0])]).tolist()
    [2.0, 4.0]
    """
    distances = check_real(distances)
    if not distances.ndim or not len(distances):
        raise InputError(f"distances has shape {distances.shape}: give at least one array of distances.")
    if len(distances) == 1:
        return check_float32(distances[0])
    distances = distances.astype(np.result_type(distances, np.float32), copy=False)  # 1e-12 is 0 in float16
    return check_float32(np.exp(np.mean(np.log(np.maximum(distances, 1e-12)), axis=0)))


def max_score(distances: np.ndarray) -> np.ndarray:
    """Return the largest distance of each tile: one far patch is enough for a high score.

    Parameters
    ----------
    distances : ndarray, shape (N, ...)
        Patch-level or pixel-level anomaly scores.

    Returns
    -------
    ndarray, shape (N,)
        float32.

    Examples
    --------
    >>> max_score(np.array([[1.0, 3.0], [2.0, 2.0]])).tolist()
    [3.0, 2.0]
    """
    return _flatten(distances).max(axis=1)


def mean_score(distances: np.ndarray) -> np.ndarray:
    """Return the mean distance of each tile: a small defect hardly changes it.

    Parameters
    ----------
    distances : ndarray, shape (N, ...)
        Patch-level or pixel-level anomaly scores.

    Returns
    -------
    ndarray, shape (N,)
        float32.

    Examples
    --------
    >>> mean_score(np.array([[1.0, 3.0], [2.0, 2.0]])).tolist()
    [2.0, 2.0]
    """
    return _mean_of_rows(_flatten(distances))


def top_fraction_score(distances: np.ndarray, fraction: float = 0.01) -> np.ndarray:
    """Return the mean over the largest distances of each tile.

    Parameters
    ----------
    distances : ndarray, shape (N, ...)
        Patch-level or pixel-level anomaly scores.
    fraction : float
        Share of the distances, above 0 and up to 1; at least one distance counts.

    Returns
    -------
    ndarray, shape (N,)
        float32.

    Raises
    ------
    InputError
        If the fraction is out of range.

    Examples
    --------
    >>> top_fraction_score(np.array([[1.0, 3.0, 2.0, 0.0]]), 0.5).tolist()
    [2.5]
    """
    check_number("fraction", fraction, "(0, 1]", example=0.01)
    flat = _flatten(distances)
    count = max(1, round(fraction * flat.shape[1]))
    return _mean_of_rows(np.partition(flat, -count, axis=1)[:, -count:])


def reweighted_score(patches: np.ndarray, bank: MemoryBank, b: int = 9) -> np.ndarray:
    """Return the image-level score of the paper, equations 6 and 7.

    Parameters
    ----------
    patches : ndarray, shape (N, P, C)
        All P patches of N tiles.
    bank : MemoryBank
        Normal patches.
    b : int
        Number of neighbours, 1 to the number of vectors in the bank.

    Returns
    -------
    ndarray, shape (N,)
        float32.

    Raises
    ------
    InputError
        If the patches are not 3-D or b is out of range.

    Notes
    -----
    Let p be the tile's farthest patch, m* the vector of the bank nearest to p, and s* = |p - m*|. Let N_b(m*) be the b
    vectors of the bank nearest to m*, m* itself among them. Then:

        s = (1 - exp|p - m*| / sum over m in N_b(m*) of exp|p - m|) s*

    If m* is isolated in the bank, its neighbours are far from p too, so its softmax weight is small and the score
    stays near s*. With b = 1 the formula would make every score 0, so s* is returned instead.

    Examples
    --------
    >>> from aitex_utils import MemoryBank
    >>> bank = MemoryBank().add(np.array([[0.0], [1.0], [9.0], [12.0]]))
    >>> print(reweighted_score(np.array([[[5.5], [0.5]]]), bank, b=2).round(2))
    [3.33]
    """
    farthest, distance, index = _farthest_patch(patches, bank)
    check_integer("b", b, 1, len(bank), "the number of patches in the bank")
    if b == 1:
        return distance
    _, neighbours = bank.search(bank.vectors_[index], b)  # (N, b): of m*, not of p
    lost = ~(neighbours == index[:, None]).any(axis=1)  # among equal vectors, or with an approximate index
    neighbours[lost, -1] = index[lost]
    to_neighbours = np.linalg.norm(bank.vectors_[neighbours] - farthest[:, None], axis=2)  # (N, b)
    to_neighbours[neighbours < 0] = np.inf  # an approximate index found fewer than b
    return _one_minus_softmax(distance, to_neighbours) * distance


def reweighted_by_patch_score(patches: np.ndarray, bank: MemoryBank, b: int = 9) -> np.ndarray:
    """Return a variant often taken for equation 7: with the b neighbours of the farthest patch p itself, not of m*.

    Parameters
    ----------
    patches : ndarray, shape (N, P, C)
        All P patches of N tiles.
    bank : MemoryBank
        Normal patches.
    b : int
        Number of neighbours, 1 to the number of vectors in the bank.

    Returns
    -------
    ndarray, shape (N,)
        float32.

    Raises
    ------
    InputError
        If the patches are not 3-D or b is out of range.

    Notes
    -----
    The factor is one minus the softmax weight of the smallest of b distances. b = 1 returns s*, as in
    `reweighted_score`.

    Examples
    --------
    >>> from aitex_utils import MemoryBank
    >>> bank = MemoryBank().add(np.array([[0.0], [1.0], [9.0], [12.0]]))
    >>> print(reweighted_by_patch_score(np.array([[[5.5], [0.5]]]), bank, b=2).round(2))
    [2.56]
    """
    farthest, distance, _ = _farthest_patch(patches, bank)
    check_integer("b", b, 1, len(bank), "the number of patches in the bank")
    if b == 1:
        return distance
    return _one_minus_softmax(distance, bank.search(farthest, b)[0]) * distance


def image_scores(
    kind: str, distances: np.ndarray, patches: np.ndarray | None = None, bank: MemoryBank | None = None
) -> np.ndarray:
    """Return image-level scores of a kind given by name.

    Parameters
    ----------
    kind : {"max", "mean", "top", "reweighted", "reweighted_by_patch"}
        `max_score`, `mean_score`, `top_fraction_score`, `reweighted_score` or `reweighted_by_patch_score`.
    distances : ndarray, shape (N, ...)
        Patch-level or pixel-level anomaly scores.
    patches : ndarray, shape (N, P, C), optional
        Patches of the tiles, for the reweighted scores.
    bank : MemoryBank, optional
        Normal patches, for the reweighted scores.

    Returns
    -------
    ndarray, shape (N,)
        float32.

    Raises
    ------
    InputError
        If there is no such kind.

    Examples
    --------
    >>> image_scores("max", np.array([[1.0, 3.0]])).tolist()
    [3.0]
    """
    check_choice("image_score", kind, IMAGE_SCORES)
    if kind.startswith("reweighted") and (patches is None or not hasattr(bank, "vectors_")):
        raise InputError(f"image_score {kind} needs the patches and the bank: pass both, or take 'max'.")
    if kind == "reweighted":
        return reweighted_score(patches, bank, min(9, len(bank)))
    if kind == "reweighted_by_patch":
        return reweighted_by_patch_score(patches, bank, min(9, len(bank)))
    return {"max": max_score, "mean": mean_score, "top": top_fraction_score}[kind](distances)


def _flatten(distances: np.ndarray) -> np.ndarray:
    distances = check_float32(distances)
    if distances.ndim < 2 or 0 in distances.shape:
        raise InputError(
            f"distances has shape {distances.shape}, expected (N, ...) with at least one tile and position."
        )
    return distances.reshape(len(distances), -1)


def _mean_of_rows(rows: np.ndarray) -> np.ndarray:
    """Return the mean of each row (N,), infinity where float32 is too small for the sum, without a warning."""
    with np.errstate(over="ignore", invalid="ignore"):
        return rows.mean(axis=1)


def _farthest_patch(patches: np.ndarray, bank: MemoryBank) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each tile's farthest patch (N, C), its distance to the bank (N,), and the index of its neighbour (N,)."""
    patches = as_array(patches, "patches")
    if not hasattr(bank, "vectors_"):
        raise InputError(f"bank is {shown(bank)}, expected a MemoryBank with patches: fill it with add.")
    if patches.ndim != 3 or 0 in patches.shape:
        raise InputError(f"patches has shape {patches.shape}, expected (N, P, C): P patches of each of N tiles.")
    n, p, c = patches.shape
    distances, indices = bank.search(patches.reshape(n * p, c), 1)
    rows = np.arange(n) * p + distances.reshape(n, p).argmax(axis=1)
    return patches.reshape(n * p, c)[rows], distances[rows, 0], indices[rows, 0]


def _one_minus_softmax(distance: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return 1 - exp(d) / sum(exp(others)), without overflow. Infinite distances do not count."""
    others = np.where(np.isfinite(others), others, -np.inf)
    largest = np.maximum(others.max(axis=1), distance)
    total = np.exp(others - largest[:, None]).sum(axis=1)
    nearest = np.exp(distance - largest)
    return (1 - nearest / np.maximum(total, nearest)).clip(0, 1).astype(np.float32)
