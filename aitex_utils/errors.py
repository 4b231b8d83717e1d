"""The one kind of error that a user can mend, and the check of arrays that raises it most.

Everything that a learner, a file or a machine can get wrong raises `InputError` (or, where Python has
a closer word, a subclass of it), whose message is one sentence that says what came and what to do next.
Any other exception is a defect of ours. The launcher shows the message of the first kind and the
traceback of the second.
"""

from __future__ import annotations

import numpy as np


class InputError(ValueError):
    """Something given by the user can't be used; the message says what to do next."""


class MissingError(InputError, FileNotFoundError):
    """A file or folder isn't there; the message says which, and where it belongs."""

    def __str__(self) -> str:  # FileNotFoundError would print an errno, which helps nobody
        return str(self.args[0]) if self.args else ""


def is_whole(number: object) -> bool:
    """Say whether it is a whole number, Python's or NumPy's, and not True or False."""
    return isinstance(number, (int, np.integer)) and not isinstance(number, bool)


def check_tiles(tiles: np.ndarray, name: str = "tiles") -> np.ndarray:
    """Return `tiles` when they are grey tiles, ndarray (N, H, W) uint8 with N >= 1; raise `InputError` otherwise."""
    tiles = np.asarray(tiles)
    if tiles.ndim != 3:
        mend = f"add the first axis with {name}[None]" if tiles.ndim == 2 else "give grey tiles, one after the other"
        raise InputError(f"{name} has shape {tiles.shape}, expected (N, H, W): {mend}.")
    if tiles.dtype != np.uint8:
        raise InputError(
            f"{name} is {tiles.dtype}, expected uint8 grey values 0..255: convert it with .astype(np.uint8)."
        )
    if 0 in tiles.shape:
        raise InputError(f"{name} has shape {tiles.shape}: it is empty, give at least one tile.")
    return tiles


def check_strip(strip: np.ndarray, side: int | None = None) -> np.ndarray:
    """Return a strip when it is ndarray (H, W) uint8 and, with a `side`, of that height and at least as wide."""
    strip = np.asarray(strip)
    if strip.ndim != 2 or strip.dtype != np.uint8:
        raise InputError(f"The strip is {strip.dtype} of shape {strip.shape}, expected (H, W) uint8 grey values.")
    if side is not None and (strip.shape[0] != side or strip.shape[1] < side):
        raise InputError(
            f"The fabric of a strip is {strip.shape[0]} x {strip.shape[1]} px, expected {side} px of height and "
            "at least that width: cut it so, or fit on tiles."
        )
    return strip


def check_patches(patches: np.ndarray, name: str = "patches") -> np.ndarray:
    """Return `patches` as C-contiguous float32 (N, C) with N >= 1 and finite values; raise `InputError` otherwise."""
    patches = np.asarray(patches)
    if patches.ndim != 2:
        raise InputError(
            f"{name} has shape {patches.shape}, expected (N, C): unfold a feature map with .reshape(-1, C)."
        )
    if 0 in patches.shape:
        raise InputError(f"{name} has shape {patches.shape}: it is empty, give at least one patch.")
    if not np.issubdtype(patches.dtype, np.number) or np.iscomplexobj(patches):
        raise InputError(f"{name} holds {patches.dtype}, expected real numbers: convert it with .astype(np.float32).")
    patches = np.ascontiguousarray(patches, dtype=np.float32)
    if not np.isfinite(patches).all():
        rows = np.unique(np.nonzero(~np.isfinite(patches))[0])
        raise InputError(
            f"{name} holds NaN or infinity in {len(rows)} of {len(patches)} rows, first in row {rows[0]}: "
            "leave those rows out."
        )
    return patches
