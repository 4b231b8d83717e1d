"""Tiles drawn at random from the strips of a fabric, split by strip, for notebooks 03 to 05 and their benchmarks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from aitex_utils.strips import Strip, list_strips, split_strips
from aitex_utils.tiling import crop_tiles, tile_fabric, tile_labels

SHARE = 0.7  # of the normal strips, for training


class DrawnTiles(NamedTuple):
    """Tiles with their masks and strips.

    Parameters
    ----------
    tiles : ndarray, shape (N, 256, 256)
        Tiles, uint8.
    masks : ndarray, shape (N, 256, 256)
        The same crops of the ground-truth masks, bool.
    groups : ndarray, shape (N,)
        Name of each tile's strip.

    Examples
    --------
    >>> DrawnTiles(np.zeros((1, 4, 4)), np.zeros((1, 4, 4), bool), np.array(["0001_000_02"])).groups.tolist()
    ['0001_000_02']
    """

    tiles: np.ndarray
    masks: np.ndarray
    groups: np.ndarray


def rank_fabrics(root: Path, most: int = 3) -> tuple[list[Strip], list[Strip], list[str]]:
    """Return the normal strips, the defective strips, and the fabrics with the most defective strips.

    Parameters
    ----------
    root : Path
        Folder of the strips.
    most : int
        Largest number of fabrics.

    Returns
    -------
    normal, defective : list of Strip
        Defective strips without a mask are left out.
    fabrics : list of str
        By decreasing number of defective strips.

    Examples
    --------
    >>> rank_fabrics(Path("data/practice"))[2]  # doctest: +SKIP
    ['01', '02', '00']
    """
    strips = [strip for strip in list_strips(root) if strip.is_normal or strip.masks]
    normal = [strip for strip in strips if strip.is_normal]
    defective = [strip for strip in strips if not strip.is_normal]
    counts = {strip.fabric: sum(other.fabric == strip.fabric for other in defective) for strip in defective}
    names = set(counts) & {strip.fabric for strip in normal}
    return normal, defective, sorted(names, key=lambda name: (-counts[name], name))[:most]


def split_fabric(root: Path, fabric: str, seed: int) -> tuple[list[Strip], list[Strip], list[Strip]]:
    """Split the normal strips of a fabric, and list its defective strips that have a mask.

    Parameters
    ----------
    root : Path
        Folder of the strips.
    fabric : str
        Two digits.
    seed : int
        Seed of the split.

    Returns
    -------
    training, held_out, defective : list of Strip

    Examples
    --------
    >>> training, held_out, defective = split_fabric(Path("data/practice"), "00", 0)  # doctest: +SKIP
    """
    strips = list_strips(root, fabric)
    training, held_out = split_strips([strip for strip in strips if strip.is_normal], SHARE, seed)
    return training, held_out, [strip for strip in strips if not strip.is_normal and strip.masks]


def evenly_spaced(length: int, most: int) -> np.ndarray:
    """Return at most so many positions in a sequence, evenly spaced from the first to the last.

    Parameters
    ----------
    length : int
        Length of the sequence.
    most : int
        Largest number of positions.

    Returns
    -------
    ndarray, shape (n,)
        Integers, n the smaller of `length` and `most`.

    Examples
    --------
    >>> evenly_spaced(9, 3).tolist(), evenly_spaced(2, 3).tolist()
    ([0, 4, 8], [0, 1])
    """
    return np.linspace(0, length - 1, min(most, length)).round().astype(int)


def tiles_and_masks(strips: Sequence[Strip]) -> DrawnTiles:
    """Return all tiles of the fabric of strips, in order.

    Parameters
    ----------
    strips : sequence of Strip
        Strips.

    Returns
    -------
    DrawnTiles

    Examples
    --------
    >>> tiles_and_masks([]).tiles.shape
    (0, 256, 256)
    """
    tiles, masks = [np.empty((0, 256, 256), np.uint8)], [np.empty((0, 256, 256), bool)]
    groups: list[str] = []
    for strip in strips:
        own, corners = tile_fabric(strip.read())
        tiles.append(own)
        masks.append(crop_tiles(strip.read_mask(), corners))
        groups += [strip.id] * len(own)
    return DrawnTiles(np.concatenate(tiles), np.concatenate(masks), np.array(groups, dtype=str))


def draw_tiles(strips: Sequence[Strip], at_most: int, rng: np.random.Generator) -> DrawnTiles:
    """Draw tiles of the fabric of strips: any tiles of normal strips, and those with a defect of defective strips.

    Parameters
    ----------
    strips : sequence of Strip
        Strips.
    at_most : int
        Largest number of tiles.
    rng : numpy.random.Generator
        Source of the draw.

    Returns
    -------
    DrawnTiles

    Examples
    --------
    >>> draw_tiles([], 3, np.random.default_rng(0)).tiles.shape
    (0, 256, 256)
    """
    tiles, masks, groups = tiles_and_masks(strips)
    normal = [strip.id for strip in strips if strip.is_normal]
    candidates = np.flatnonzero(tile_labels(masks) | np.isin(groups, normal))
    drawn = rng.permutation(candidates)[:at_most]
    return DrawnTiles(tiles[drawn], masks[drawn], groups[drawn])
