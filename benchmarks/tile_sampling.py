"""Tiles drawn at random from the strips of a fabric, split by strip, for the benchmarks of notebooks 03 to 05."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from aitex_utils.strips import Strip, list_strips, split_strips
from aitex_utils.tiling import crop_tiles, tile_fabric, tile_labels

SHARE = 0.7  # of the normal strips, for training


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
    """
    strips = list_strips(root, fabric)
    training, held_out = split_strips([strip for strip in strips if strip.is_normal], SHARE, seed)
    return training, held_out, [strip for strip in strips if not strip.is_normal and strip.masks]


def draw_tiles(strips: Sequence[Strip], at_most: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
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
    tiles : ndarray, shape (N, 256, 256)
        Tiles, uint8.
    groups : ndarray, shape (N,)
        Name of each tile's strip.
    """
    parts, groups = [], []
    for strip in strips:
        tiles, corners = tile_fabric(strip.read())
        if not strip.is_normal:
            tiles = tiles[tile_labels(crop_tiles(strip.read_mask(), corners))]
        parts.append(tiles)
        groups += [strip.id] * len(tiles)
    drawn = rng.permutation(len(groups))[:at_most]
    return np.concatenate(parts)[drawn], np.array(groups)[drawn]
