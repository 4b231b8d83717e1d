"""The tiles of a fabric on which protocols A and B work. `benchmarks/README.md` describes all protocols."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import cv2
import numpy as np
from evaluation import EvalResult

from aitex_utils.errors import InputError
from aitex_utils.region import fabric_region
from aitex_utils.strips import Strip, list_strips
from aitex_utils.tiling import crop_tiles, tile


@dataclass(frozen=True)
class TileSet:
    """Tiles with their ground truth.

    Parameters
    ----------
    tiles : ndarray, shape (N, 256, 256)
        Grey tiles, uint8.
    masks : ndarray, shape (N, 256, 256)
        Ground-truth masks, bool.
    strips : ndarray, shape (N,)
        Index of each tile's strip.
    spans : ndarray, shape (N, 2)
        First column of fabric in each tile and the column after the last.
    """

    tiles: np.ndarray
    masks: np.ndarray
    strips: np.ndarray
    spans: np.ndarray

    def __len__(self) -> int:
        """Return the number of tiles."""
        return len(self.tiles)

    def __getitem__(self, rows: np.ndarray) -> TileSet:
        """Return some of the tiles."""
        return TileSet(*(getattr(self, part.name)[rows] for part in fields(self)))


@dataclass(frozen=True)
class FabricTiles:
    """All tiles of a fabric: clean tiles of normal strips, and tiles with a defect.

    Parameters
    ----------
    strips : list of Strip
        All strips of the fabric.
    clean, defective : TileSet
        The tiles; their `strips` are indices into this object's `strips`.
    """

    strips: list[Strip]
    clean: TileSet
    defective: TileSet


def concatenate(tile_sets: Sequence[TileSet]) -> TileSet:
    """Return several sets of tiles as one.

    Parameters
    ----------
    tile_sets : sequence of TileSet
        The sets, at least one.

    Returns
    -------
    TileSet
    """
    return TileSet(*(np.concatenate([getattr(tiles, part.name) for tiles in tile_sets]) for part in fields(TileSet)))


def read_fabric_tiles(
    root: Path, fabric: str, *, crop: bool = True, shifts: Sequence[int] = (0,), slants: Sequence[int] = (0,)
) -> FabricTiles:
    """Read and cut all strips of a fabric whose mask, if they have a defect, is there.

    Parameters
    ----------
    root : Path
        Folder of the strips.
    fabric : str
        Two digits.
    crop : bool
        Cut tiles from the fabric alone; otherwise from the whole strip, with the machine bed.
    shifts, slants : sequence of int
        Errors of an inexact crop in px: each strip draws a shift and a slant. A shift moves the first column, and
        negative shifts show machine bed. A slant is the displacement of the lowest row to the right, relative to the
        highest.

    Returns
    -------
    FabricTiles

    Raises
    ------
    InputError
        If the fabric has no normal or no defective strips.
    """
    strips = list_strips(root, fabric)
    clean, defective = [], []
    for number, strip in enumerate(strips):
        rng = np.random.default_rng(number)
        shift, slant = int(rng.choice(shifts)), int(rng.choice(slants))
        if strip.is_normal:
            clean.append(_cut(strip, number, crop, shift, slant))
        elif strip.masks:
            tiles = _cut(strip, number, crop, shift, slant)
            defective.append(tiles[tiles.masks.any(axis=(1, 2))])
    if not clean or not defective:
        raise InputError(
            f"Fabric {fabric} has {len(clean)} normal strips and {len(defective)} defective ones with a mask: "
            "choose a fabric that has both."
        )
    return FabricTiles(strips, concatenate(clean), concatenate(defective))


def slanted(image: np.ndarray, slant: int) -> np.ndarray:
    """Return a strip, or a mask, whose rows are moved to the right the more the lower they are.

    Parameters
    ----------
    image : ndarray, shape (H, W)
        Grey values, uint8, or a mask, bool.
    slant : int
        Displacement of the lowest row relative to the highest, in px. The middle row stays.

    Returns
    -------
    ndarray, shape (H, W)
        Grey values continue at the sides; a mask does not.

    Examples
    --------
    >>> slanted(np.eye(3, 7, 2, dtype=bool), -2).sum(axis=0).tolist()
    [0, 0, 0, 3, 0, 0, 0]
    """
    if slant == 0:
        return image
    height, width = image.shape
    steps = slant / max(height - 1, 1)
    matrix = np.array([[1, steps, -slant / 2], [0, 1, 0]])
    if image.dtype == bool:
        options = {"flags": cv2.INTER_NEAREST, "borderMode": cv2.BORDER_CONSTANT}
        return cv2.warpAffine(image.astype(np.uint8), matrix, (width, height), **options).astype(bool)
    return cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _cut(strip: Strip, number: int, crop: bool, shift: int, slant: int) -> TileSet:
    """Return the tiles of one strip."""
    image = strip.read()
    region = fabric_region(image)
    image = slanted(image, slant)
    start, stop = region if crop else (0, image.shape[1])
    start = max(start + shift, 0)
    tiles, corners = tile(image[:, start:stop])
    if strip.is_normal:
        masks = np.zeros(tiles.shape, bool)
    else:
        masks = crop_tiles(slanted(strip.read_mask(), slant), corners + [0, start])
    spans = np.clip(np.subtract(region, start)[None] - corners[:, 1:], 0, tiles.shape[2])  # (N, 2)
    return TileSet(tiles, masks, np.full(len(tiles), number), spans)


def evaluate_tiles(strips: list[Strip], tested: TileSet, maps: np.ndarray) -> EvalResult:
    """Put maps of tiles beside their ground truth. A tile's score is the maximum of its map.

    Parameters
    ----------
    strips : list of Strip
        Strips to which the tiles refer.
    tested : TileSet
        The N tiles that were tested.
    maps : ndarray, shape (N, 256, 256)
        Anomaly maps.

    Returns
    -------
    EvalResult
    """
    scores, labels = maps.reshape(len(maps), -1).max(axis=1), tested.masks.any(axis=(1, 2))
    map_strips = tested.strips.tolist()
    return EvalResult(strips, scores, labels, tested.strips, list(maps), list(tested.masks), map_strips)
