"""How unlike two images are, pixel by pixel: by grey levels, or by structural similarity; for what rebuilds tiles."""

from __future__ import annotations

import numpy as np

from .errors import InputError

ERRORS = ("ssim", "pixel")
WINDOW, RADIUS = 1.5, 5  # px: the Gaussian window of SSIM has this standard deviation, and 11 x 11 px


def ssim_maps(one: np.ndarray, other: np.ndarray, *, value_range: float = 255.0) -> np.ndarray:
    """Return the structural similarity (N, H, W) float32 of images (N, H, W), pixel by pixel: 1 = alike, lowest -1.

    Each pixel is judged by the 11 x 11 window around it, weighted by a Gaussian, mirrored at the border:

        (2 m_a m_b + C1) (2 c_ab + C2) / ((m_a^2 + m_b^2 + C1) (v_a + v_b + C2))

    with means m, variances v, covariance c, C1 = (0.01 L)^2, C2 = (0.03 L)^2, L the range of values (equation 13 of
    Wang et al., 2004).
    """
    from scipy.ndimage import gaussian_filter

    one, other = _same_images(one, other)
    low, high = (0.01 * value_range) ** 2, (0.03 * value_range) ** 2

    def mean(image: np.ndarray) -> np.ndarray:
        return gaussian_filter(image, WINDOW, radius=RADIUS)

    maps = np.empty(one.shape, np.float32)
    for i, (a, b) in enumerate(zip(one, other, strict=True)):  # one by one: five float64 images at a time
        a, b = a.astype(np.float64), b.astype(np.float64)  # squares of grey values leave float32 few digits
        mean_a, mean_b = mean(a), mean(b)
        spread = mean(a * a + b * b) - mean_a**2 - mean_b**2
        together = mean(a * b) - mean_a * mean_b
        maps[i] = (2 * mean_a * mean_b + low) * (2 * together + high)
        maps[i] /= (mean_a**2 + mean_b**2 + low) * (spread + high)
    return maps


def error_maps(tiles: np.ndarray, rebuilt: np.ndarray, error: str = "ssim", smoothing: float = 0.0) -> np.ndarray:
    """Return how badly tiles (N, H, W) were rebuilt, pixel by pixel: (N, H, W) float32, 0 = perfectly.

    `error` "pixel" is the absolute difference in grey levels, "ssim" is 1 - structural similarity. With `smoothing` > 0
    a Gaussian of that standard deviation in px goes over each map, mirrored at the border, as over PatchCore's.
    """
    from scipy.ndimage import gaussian_filter

    check_error(error, smoothing)
    tiles, rebuilt = _same_images(tiles, rebuilt)
    if error == "ssim":
        maps = 1 - ssim_maps(tiles, rebuilt)
    else:
        maps = np.abs(tiles.astype(np.float32) - rebuilt.astype(np.float32))  # as uint8, 3 - 5 would be 254
    return gaussian_filter(maps, sigma=(0, smoothing, smoothing)) if smoothing else maps


def check_error(error: str, smoothing: float) -> None:
    """Raise `InputError` unless `error_maps` knows the error, and the smoothing is a number of px."""
    if error not in ERRORS:
        raise InputError(f"error is {error!r}: choose one of {', '.join(ERRORS)}.")
    if not isinstance(smoothing, (int, float, np.number)) or not 0 <= smoothing < np.inf:
        raise InputError(f"smoothing is {smoothing!r}, expected a number of px of at least 0 (0 = none).")


def _same_images(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return two stacks of images (N, H, W) of one shape and finite values; raise `InputError` otherwise."""
    one, other = np.asarray(one), np.asarray(other)
    if one.ndim != 3 or one.shape != other.shape or 0 in one.shape:
        raise InputError(f"The images have shapes {one.shape} and {other.shape}, expected the same (N, H, W) for both.")
    for images in (one, other):
        if images.dtype.kind not in "uif" or not np.isfinite(images).all():
            raise InputError("The images hold NaN, infinity or no numbers: give finite grey values.")
    return one, other
