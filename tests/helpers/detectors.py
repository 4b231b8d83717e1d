"""Small woven tiles, a stain, and detectors that are fitted in a second, for the tests of `patchcore`."""

from __future__ import annotations

import numpy as np
from woven import woven

from aitex_utils.patchcore import PAPER, PatchCore

SIZE = 64
STAIN = (24, 40)  # row and column of its centre
NORMAL, TEST = woven(8, seed=0), woven(6, seed=1)


def stain(images: np.ndarray, row: int, column: int, radius: int = 6) -> np.ndarray:
    """Return a copy of images (..., H, W) with a dark disc in each."""
    y, x = np.mgrid[: images.shape[-2], : images.shape[-1]]
    inside = (y - row) ** 2 + (x - column) ** 2 < radius**2
    return np.where(inside, images // 3, images).astype(np.uint8)


DEFECTIVE = stain(TEST[:3], *STAIN)


def paper(**parameters: object) -> PatchCore:
    """Return a detector with the recipe of the paper: tiles at their own size, which keeps the tests quick."""
    return PatchCore(**{**PAPER, **parameters})
