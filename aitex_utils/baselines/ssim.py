"""Difference of two images, pixel by pixel, in grey levels or in structural similarity, for reconstructions."""

from __future__ import annotations

import numpy as np

from aitex_utils.errors import InputError, check_choice, check_number
from aitex_utils.safety.arrays import as_array
from aitex_utils.scoring import smooth

ERRORS = ("ssim", "pixel")
MAX_GREY = 1_000_000  # beyond it, products of four values can exceed float32
SIGMA, TAPS = 1.5, 11  # px: the Gaussian window of SSIM


def ssim_maps(images: np.ndarray, others: np.ndarray, *, value_range: float = 255.0) -> np.ndarray:
    """Return the structural similarity of images, pixel by pixel.

    Parameters
    ----------
    images, others : ndarray, shape (N, H, W)
        Images to compare.
    value_range : float
        L, the range of their values.

    Returns
    -------
    ndarray, shape (N, H, W)
        float32, 1 = alike, -1 at least.

    Raises
    ------
    InputError
        If shapes differ, or a value is not finite or beyond a million.

    Notes
    -----
    Each pixel is judged by the 11 x 11 window around it, weighted by a Gaussian and mirrored at the border:

        (2 m_a m_b + C1) (2 c_ab + C2) / ((m_a^2 + m_b^2 + C1) (v_a + v_b + C2))

    with means m, variances v, covariance c, C1 = (0.01 L)^2, C2 = (0.03 L)^2. Source: Wang et al., IEEE Transactions on
    Image Processing 13, 2004, equation 13.

    Examples
    --------
    >>> image = np.arange(64.0).reshape(1, 8, 8)
    >>> round(float(ssim_maps(image, image).min()), 4)
    1.0
    """
    import cv2

    images, others = _check_images(images, others)
    c1, c2 = (0.01 * value_range) ** 2, (0.03 * value_range) ** 2

    def window_mean(image: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(image, (TAPS, TAPS), SIGMA, borderType=cv2.BORDER_REFLECT)

    maps = np.empty(images.shape, np.float32)
    for i, (a, b) in enumerate(zip(images, others, strict=True)):  # one by one: five float64 images at a time
        a, b = a.astype(np.float64), b.astype(np.float64)  # squares of grey values leave float32 few digits
        mean_a, mean_b = window_mean(a), window_mean(b)
        variances = window_mean(a * a + b * b) - mean_a**2 - mean_b**2
        covariance = window_mean(a * b) - mean_a * mean_b
        maps[i] = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
        maps[i] /= (mean_a**2 + mean_b**2 + c1) * (variances + c2)
    return maps


def error_maps(
    tiles: np.ndarray, reconstructions: np.ndarray, error: str = "ssim", smoothing: float = 0.0
) -> np.ndarray:
    """Return the reconstruction error of tiles, pixel by pixel.

    Parameters
    ----------
    tiles, reconstructions : ndarray, shape (N, H, W)
        Tiles, and what an autoencoder made of them.
    error : {"ssim", "pixel"}
        1 - structural similarity, or the absolute difference in grey levels.
    smoothing : float
        Standard deviation in px of a Gaussian over each map, mirrored at the border; 0 = none.

    Returns
    -------
    ndarray, shape (N, H, W)
        float32, 0 = perfect reconstruction.

    Raises
    ------
    InputError
        If shapes differ, a value is not finite or beyond a million, or an argument is out of range.

    Examples
    --------
    >>> error_maps(np.full((1, 8, 8), 3, np.uint8), np.full((1, 8, 8), 5, np.uint8), "pixel")[0, 0, 0].item()
    2.0
    """
    check_choice("error", error, ERRORS)
    check_number("smoothing", smoothing, "[0, inf)", example=4)
    tiles, reconstructions = _check_images(tiles, reconstructions)
    if error == "ssim":
        maps = 1 - ssim_maps(tiles, reconstructions)
    else:
        maps = np.abs(tiles.astype(np.float32) - reconstructions.astype(np.float32))  # as uint8, 3 - 5 would be 254
    return np.stack([smooth(one, smoothing) for one in maps]) if smoothing else maps


def _check_images(images: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    images, others = as_array(images, "images"), as_array(others, "others")
    if images.ndim != 3 or images.shape != others.shape or 0 in images.shape:
        raise InputError(
            f"The images have shapes {images.shape} and {others.shape}, expected the same (N, H, W) for both."
        )
    for stack in (images, others):
        if stack.dtype.kind not in "uif" or not np.isfinite(stack).all():
            raise InputError("The images contain NaN, infinity or no numbers: give finite grey values.")
        if max(float(stack.max()), -float(stack.min())) > MAX_GREY:
            raise InputError(f"The images contain values beyond {MAX_GREY:,}: give grey values.")
    return images, others
