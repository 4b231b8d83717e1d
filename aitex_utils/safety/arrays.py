"""Checks of the arrays that a user gives: tiles, strips and patches."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ..errors import InputError, check_flag, check_number
from .out_of_memory import first_line

LONGEST_TRAINED = 1e18  # the square of twice this length is below the largest float32


def as_array(values: Any, name: str, ragged: str = "give parts of one shape") -> np.ndarray:
    """Return an array, a PyTorch tensor, or a list or tuple of equal parts, as an array of bools or numbers.

    Parameters
    ----------
    values : array_like
        Array to convert.
    name : str
        Name of the argument, for the message.
    ragged : str
        Advice if the parts have different shapes.

    Returns
    -------
    ndarray
        No copy where none is needed.

    Raises
    ------
    InputError
        If `values` is something else, for example a path, a generator, or a masked array.

    Examples
    --------
    >>> as_array([[1, 2], [3, 4]], "patches").shape
    (2, 2)
    """
    if isinstance(values, Iterator):
        raise InputError(
            f"{name} is a {type(values).__name__}, expected an array: join its parts with np.stack(list({name})), or "
            f"with np.concatenate(list({name})) if they are batches."
        )
    parts = values if isinstance(values, (list, tuple)) else [values]
    if any(map(np.ma.is_masked, parts)):
        raise InputError(f"{name} has masked values, which would count: fill them with np.ma.filled({name}, 0).")
    try:
        plain = [one.detach().cpu().numpy() if hasattr(one, "detach") else one for one in parts]
        array = np.asarray(plain if parts is values else plain[0])
    except (ValueError, TypeError, RuntimeError) as error:
        shapes = sorted({str(tuple(one.shape)) for one in parts if hasattr(one, "shape")})
        reason = f"shapes {' and '.join(shapes)}" if len(shapes) > 1 else first_line(error).split(". ")[0]
        raise InputError(f"{name} cannot be made one array ({reason}): {ragged}.") from error
    if array.dtype.kind not in "biufc":
        raise InputError(
            f"{name} has dtype {array.dtype}, expected real numbers: give one array of numbers, and read an image "
            "file with aitex_utils.strips.read_grey first."
        )
    return array


def check_tiles(tiles: np.ndarray, name: str = "tiles", *, colour: bool = False) -> np.ndarray:
    """Return `tiles` as an array if they are grey tiles, or colour tiles where those are allowed.

    Parameters
    ----------
    tiles : array_like, shape (N, H, W) or (N, H, W, 3)
        Tiles, uint8, N >= 1; a list of tiles or a tensor counts too.
    name : str
        Name of the argument, for the message.
    colour : bool
        Allow tiles (N, H, W, 3), with red, green and blue along the last axis.

    Returns
    -------
    ndarray, shape (N, H, W) or (N, H, W, 3)

    Raises
    ------
    InputError
        If the shape or the dtype is another one, or the array is empty; the message names the call that fits the data.

    Examples
    --------
    >>> check_tiles(np.zeros((2, 256, 256), np.uint8)).shape
    (2, 256, 256)
    """
    if check_flag("colour", colour):
        tiles = as_array(tiles, name)
        if tiles.ndim == 4 and tiles.shape[3] == 3:
            return _check_values(tiles, name)
    return _check_grey(tiles, name, "(N, H, W)")


def check_strip(strip: np.ndarray, height: int | None = None) -> np.ndarray:
    """Return `strip` as an array if it is a grey image.

    Parameters
    ----------
    strip : array_like, shape (H, W)
        Grey image, uint8.
    height : int, optional
        Required height in px; the strip must be at least as wide.

    Returns
    -------
    ndarray, shape (H, W)

    Raises
    ------
    InputError
        If the shape or the dtype is another one, or the strip is empty.

    Examples
    --------
    >>> check_strip(np.zeros((256, 4096), np.uint8), height=256).shape
    (256, 4096)
    """
    strip = _check_grey(strip, "strip", "(H, W)")
    if height is not None and (strip.shape[0] != height or strip.shape[1] < height):
        raise InputError(
            f"The fabric of a strip is {strip.shape[0]} x {strip.shape[1]} px, expected {height} px of height and "
            "at least that width: crop it, or fit on tiles."
        )
    return strip


def grey_divisor(high: float) -> int:
    """Return the number by which integer grey values of 10, 12, 14 or 16 bits are divided to become 0..255.

    Parameters
    ----------
    high : float
        Largest value, at most 65535.

    Returns
    -------
    int

    Raises
    ------
    InputError
        If `high` is not a number from 0 to 65535.

    Examples
    --------
    >>> [grey_divisor(high) for high in (1023, 4095, 9000, 65535)]
    [4, 16, 64, 257]
    """
    high = check_number("high", high, "[0, 65535]")
    return next(divisor for bits, divisor in ((10, 4), (12, 16), (14, 64), (16, 257)) if high < 2**bits)


def grey_fix(values: np.ndarray, name: str) -> str:
    """Return the advice that makes uint8 grey values of an array of another dtype, chosen by its dtype and range.

    Parameters
    ----------
    values : ndarray
        Bools or real numbers.
    name : str
        Name of the array, for the advice.

    Returns
    -------
    str
        An advice without a full stop; its last words are a call.

    Examples
    --------
    >>> grey_fix(np.array([0.0, 0.5, 1.0]), "image")
    'its values lie in 0..1, convert all images alike with (image.clip(0, 1) * 255).round().astype(np.uint8)'
    >>> grey_fix(np.array([7, 4000], np.uint16), "image")
    'its values lie in 7..4000, convert all images alike with (image // 16).astype(np.uint8)'
    """
    if values.dtype.kind == "c" or not values.size:
        return "give real grey values"
    low, high, kind = float(values.min()), float(values.max()), values.dtype.kind
    if not np.isfinite([low, high]).all():
        return f"it contains NaN or infinity, replace them first with np.nan_to_num({name}, posinf=0, neginf=0)"
    if low < 0 or high > 65535:
        call = f"np.interp({name}, ({low:.9g}, {high:.9g}), (0, 255)).round().astype(np.uint8)"
    elif kind == "b":
        call = f"{name}.astype(np.uint8) * 255"
    elif kind == "f" and high <= 2:  # 0..1, or a little more after resizing
        call = f"({name}.clip(0, 1) * 255).round().astype(np.uint8)"
    elif high <= 255:
        call = f"{name}{'.round()' if kind == 'f' else ''}.astype(np.uint8)"
    else:
        call = f"({name} // {grey_divisor(high)}).astype(np.uint8)"
    return f"its values lie in {low:.4g}..{high:.4g}, convert all images alike with {call}"


def check_patches(patches: np.ndarray, name: str = "patches") -> np.ndarray:
    """Return `patches` as C-contiguous float32 if they are finite feature vectors.

    Parameters
    ----------
    patches : array_like, shape (N, C)
        Feature vectors of any real dtype, N >= 1.
    name : str
        Name of the argument, for the message.

    Returns
    -------
    ndarray, shape (N, C)
        float32; a copy only where the dtype or the layout requires it.

    Raises
    ------
    InputError
        If the shape is another one, the array is empty, or a value is not a finite real number.

    Examples
    --------
    >>> check_patches(np.eye(2)).dtype
    dtype('float32')
    """
    patches = as_array(patches, name)
    if patches.ndim != 2:
        raise InputError(
            f"{name} has shape {patches.shape}, expected (N, C): unfold a feature map with .reshape(-1, C)."
        )
    if 0 in patches.shape:
        raise InputError(f"{name} has shape {patches.shape}: it is empty, give at least one patch.")
    if patches.dtype.kind not in "iuf":
        raise InputError(
            f"{name} has dtype {patches.dtype}, expected real numbers: convert it with .astype(np.float32)."
        )
    with np.errstate(over="ignore"):  # what float32 cannot represent becomes infinity, which is refused below
        patches = np.ascontiguousarray(patches, dtype=np.float32)
    if not np.isfinite(patches).all():
        rows = np.unique(np.nonzero(~np.isfinite(patches))[0])
        raise InputError(
            f"{name} contains NaN or infinity in {len(rows)} of {len(patches)} rows, first in row {rows[0]}: "
            "leave those rows out."
        )
    return patches


def check_trainable(patches: np.ndarray, name: str = "patches") -> None:
    """Raise an error for vectors that are so long that FAISS's k-means would end this process.

    Parameters
    ----------
    patches : ndarray, shape (N, C)
        Vectors.
    name : str
        Name of the argument, for the message.

    Raises
    ------
    InputError
        As `check_patches`, or if the square of a vector's length can exceed float32.

    Examples
    --------
    >>> check_trainable(np.eye(2, dtype=np.float32))
    """
    patches = check_patches(patches, name)
    largest = max(abs(float(patches.min(initial=0))), abs(float(patches.max(initial=0))))
    if largest * patches.shape[1] ** 0.5 > LONGEST_TRAINED:
        raise InputError(
            f"{name} has values up to {largest:.3g}, too large to train cells or codes on: divide all patches by one "
            "number, or use kind='flat'."
        )


def iter_batches(tiles: np.ndarray | Iterable[np.ndarray], *, colour: bool = False) -> Iterator[np.ndarray]:
    """Yield tiles of one size in batches: an array as a whole, the parts of an iterable one by one.

    Parameters
    ----------
    tiles : ndarray, shape (N, H, W), or iterable of ndarray
        Grey tiles, uint8. An iterable yields tiles (H, W) or batches of them (n, H, W).
    colour : bool
        Allow colour tiles too, with red, green and blue along the last axis.

    Yields
    ------
    ndarray, shape (n, H, W) or (n, H, W, 3)

    Raises
    ------
    InputError
        If there are no tiles, one is not a grey tile, or their sizes differ.

    Examples
    --------
    >>> [batch.shape for batch in iter_batches(np.zeros((8, 8), np.uint8) for _ in range(2))]
    [(1, 8, 8), (1, 8, 8)]
    """
    check_flag("colour", colour)
    if hasattr(tiles, "shape") or isinstance(tiles, (str, bytes, os.PathLike)) or not isinstance(tiles, Iterable):
        yield check_tiles(tiles, colour=colour)
        return
    shape = None
    for part in tiles:
        part = as_array(part, "A part of tiles")
        is_tile = part.ndim == 2 or (colour and part.ndim == 3 and part.shape[2] == 3 < min(part.shape[:2]))
        part = check_tiles(part[None] if is_tile else part, "A part of tiles", colour=colour)
        shape = shape or part.shape[1:3]
        if part.shape[1:3] != shape:
            sizes = " and ".join(f"{height} x {width} px" for height, width in (shape, part.shape[1:3]))
            raise InputError(f"tiles has tiles of {sizes}: give tiles of one size, or fit a detector for each size.")
        yield np.repeat(part[..., None], 3, axis=-1) if colour and part.ndim == 3 else part  # grey beside colour
    if shape is None:
        raise InputError("There is nothing to learn from: give at least one tile.")


def _check_grey(images: Any, name: str, axes: str) -> np.ndarray:
    """Return images as an array of uint8 with the given axes, "(H, W)" or "(N, H, W)"."""
    images = as_array(images, name)
    shape, ndim = images.shape, axes.count(",") + 1
    if len(shape) != ndim or (ndim == 3 and 0 < shape[2] <= 4 < min(shape[:2])):
        joined = f"join its parts with np.concatenate({name})"
        fixes = {ndim - 1: f"add the first axis with {name}[None]", ndim + 1: joined}
        fix = fixes.get(len(shape), "stack grey images along the first axis")
        if len(shape) > 2 and 0 < shape[-1] <= 4:
            first, colours = "[None]" if len(shape) == ndim else "", 3 if shape[-1] > 2 else 1  # without transparency
            fix = f"make colours grey with {name}[..., :{colours}].mean(axis=-1).astype({name}.dtype){first}"
        raise InputError(f"{name} has shape {shape}, expected {axes}: {fix}.")
    return _check_values(images, name)


def _check_values(images: np.ndarray, name: str) -> np.ndarray:
    """Return images if they are uint8 and not empty."""
    shape = images.shape
    if images.dtype != np.uint8:
        raise InputError(f"{name} has dtype {images.dtype}, expected uint8 grey values: {grey_fix(images, name)}.")
    if 0 in shape:
        raise InputError(
            f"{name} has shape {shape}: it is empty, give at least one {'tile' if len(shape) > 2 else 'pixel'}."
        )
    return images
