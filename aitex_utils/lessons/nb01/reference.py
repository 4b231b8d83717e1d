"""The course's own solutions of notebook 01, for cells that run before the learner's function has passed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def parse_name(name: str) -> tuple[str, str, str]:
    """Return number, defect code and fabric of a strip, from the name of its file.

    Parameters
    ----------
    name : str
        "nnnn_ddd_ff.png"; the code can have two digits.

    Returns
    -------
    number, code, fabric : str
        The code has three digits.

    Examples
    --------
    >>> parse_name("0018_00_01.png")
    ('0018', '000', '01')
    """
    number, code, fabric = name.removesuffix(".png").split("_")
    return number, code.rjust(3, "0"), fabric


def union(masks: Sequence[np.ndarray]) -> np.ndarray:
    """Return where any of several masks marks a defect.

    Parameters
    ----------
    masks : sequence of ndarray, each of shape (H, W)
        Grey values; any value above 0 counts as defective.

    Returns
    -------
    ndarray, shape (H, W)
        Bool.

    Examples
    --------
    >>> union([np.array([[0, 3]]), np.array([[0, 0]])]).tolist()
    [[False, True]]
    """
    return np.any([mask > 0 for mask in masks], axis=0)


def tile_corners(height: int, width: int, size: int, overlap: int) -> np.ndarray:
    """Return the corners of all tiles of an image, row by row.

    Parameters
    ----------
    height, width : int
        Shape of the image.
    size : int
        Side of a tile in px.
    overlap : int
        Width in px that neighbouring tiles share.

    Returns
    -------
    ndarray, shape (N, 2)
        Row and column of each tile's upper left pixel.

    Examples
    --------
    >>> tile_corners(4, 10, 4, 0).tolist()
    [[0, 0], [0, 4], [0, 6]]
    """
    rows, columns = (_starts(length, size, size - overlap) for length in (height, width))
    return np.array([(row, column) for row in rows for column in columns])


def _starts(length: int, size: int, step: int) -> list[int]:
    """Return all starts that fit, and one more where the last tile does not end at the edge."""
    fitting = list(range(0, length - size + 1, step))
    return fitting if fitting[-1] + size == length else [*fitting, length - size]


def label_tiles(mask_tiles: np.ndarray, min_share: float = 0.0) -> np.ndarray:
    """Return which tiles are defective, from the tiles of the mask.

    Parameters
    ----------
    mask_tiles : ndarray, shape (N, H, W)
        Grey values or bool; any value above 0 counts as defective.
    min_share : float
        Smallest share of a tile's area that makes the tile defective; with 0, one pixel does.

    Returns
    -------
    ndarray, shape (N,)
        Bool.

    Examples
    --------
    >>> label_tiles(np.array([[[0, 0]], [[0, 3]]])).tolist()
    [False, True]
    """
    share = (mask_tiles > 0).mean(axis=(1, 2))
    return (share > 0) & (share >= min_share)


def split_by_strip(groups: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Split tiles so that no strip is on both sides.

    Parameters
    ----------
    groups : ndarray, shape (N,)
        Strip of each tile.
    share : float
        Share of the strips in the training set.
    seed : int
        Seed of the draw.

    Returns
    -------
    training, test : ndarray
        Positions of tiles in `groups`.

    Examples
    --------
    >>> [len(side) for side in split_by_strip(np.array(["a", "a", "b", "b"]), 0.5, 0)]
    [2, 2]
    """
    names = np.unique(groups)
    chosen = np.random.default_rng(seed).permutation(names)[: round(share * len(names))]
    in_training = np.isin(groups, chosen)
    return np.flatnonzero(in_training), np.flatnonzero(~in_training)


def three_sets(groups: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Split tiles into three sets so that no strip is in two of them.

    Parameters
    ----------
    groups : ndarray, shape (N,)
        Strip of each tile.
    seed : int
        Seed of the draw.

    Returns
    -------
    training, calibration, test : ndarray
        Positions of tiles in `groups`; a quarter of the strips each for calibration and test.

    Examples
    --------
    >>> [len(part) for part in three_sets(np.array(["a", "a", "b", "b", "c", "c", "d", "d"]), 0)]
    [4, 2, 2]
    """
    names = np.random.default_rng(seed).permutation(np.unique(groups))
    quarter = len(names) // 4
    test, calibration = np.isin(groups, names[:quarter]), np.isin(groups, names[quarter : 2 * quarter])
    return np.flatnonzero(~test & ~calibration), np.flatnonzero(calibration), np.flatnonzero(test)


def three_sets_flawed(groups: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Split tiles into three sets, with the flaw that exercise 01.6 asks for: calibration tiles are drawn by tile.

    Parameters
    ----------
    groups : ndarray, shape (N,)
        Strip of each tile.
    seed : int
        Seed of the draw.

    Returns
    -------
    training, calibration, test : ndarray
        Positions of tiles in `groups`.

    Examples
    --------
    >>> groups = np.array(["a", "a", "b", "b", "c", "c", "d", "d"])
    >>> training, calibration, _ = three_sets_flawed(groups, 0)
    >>> bool(np.isin(groups[training], groups[calibration]).any())
    True
    """
    rng = np.random.default_rng(seed)
    names = rng.permutation(np.unique(groups))
    in_test = np.isin(groups, names[: len(names) // 4])
    rest = rng.permutation(np.flatnonzero(~in_test))
    third = len(rest) // 3
    return rest[third:], rest[:third], np.flatnonzero(in_test)
