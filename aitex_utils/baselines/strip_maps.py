"""Maps and tile scores of a whole strip from a detector of tiles, with or without overlap, alike for all baselines."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from aitex_utils.errors import InputError, shown
from aitex_utils.patchcore import StripResult, TileResult
from aitex_utils.safety.arrays import as_array, check_strip
from aitex_utils.scoring import max_score, stitch_maps
from aitex_utils.tiling import crop_tiles, tile_fabric


def predict_strip_by_tiles(
    predict: Callable[[np.ndarray], TileResult], strip: np.ndarray, size: int = 256, overlap: int = 0
) -> StripResult:
    """Tile the fabric of a strip, predict the tiles, and stitch their maps.

    Parameters
    ----------
    predict : callable
        Returns the prediction for tiles, (N, size, size).
    strip : ndarray, shape (H, W)
        Grey image, uint8.
    size : int
        Side of a tile in px.
    overlap : int
        Width in px that neighbouring tiles share. Their maps are blended, so the edge of a tile counts little.

    Returns
    -------
    StripResult
        Its tiles are those without overlap, so scores with and without overlap belong to the same tiles. With an
        overlap, a tile's score is the maximum of the blended map.

    Examples
    --------
    >>> def brightness(tiles):
    ...     maps = tiles.astype(np.float32)
    ...     return TileResult(maps, max_score(maps))
    >>> strip = np.random.default_rng(0).integers(80, 160, (256, 1024), np.uint8)
    >>> plain, blended = (predict_strip_by_tiles(brightness, strip, overlap=px) for px in (0, 128))
    >>> len(plain.tile_scores), np.allclose(plain.map, blended.map)
    (4, True)
    """
    strip = check_strip(strip)
    tiles, all_corners = tile_fabric(strip, size, overlap)
    corners = tile_fabric(strip, size)[1] if overlap else all_corners
    try:
        maps = predict(tiles).maps
    except (TypeError, AttributeError) as error:
        raise InputError(f"predict is {shown(predict)}, expected a function that predicts tiles.") from error
    return stitch_tiles(maps, all_corners, corners, strip.shape)


def stitch_tiles(
    maps: np.ndarray, corners: np.ndarray, tile_corners: np.ndarray, shape: tuple[int, int]
) -> StripResult:
    """Stitch the maps of tiles that can overlap, and score tiles that do not.

    Parameters
    ----------
    maps : ndarray, shape (N, size, size)
        Anomaly maps of the tiles that can overlap.
    corners : ndarray, shape (N, 2)
        Row and column of their upper left pixels.
    tile_corners : ndarray, shape (n, 2)
        Row and column of the tiles to score.
    shape : tuple of int
        Height and width of the strip.

    Returns
    -------
    StripResult
        Scores are the maxima of the tiles' own maps if the corners are the same, else of the stitched map.

    Examples
    --------
    >>> corners = np.array([[0, 0], [0, 2]])
    >>> maps = np.array([[[1.0, 2.0], [0.0, 0.0]], [[3.0, 0.0], [0.0, 0.0]]], np.float32)
    >>> stitch_tiles(maps, corners, corners, (2, 4)).tile_scores.tolist()
    [2.0, 3.0]
    """
    maps, corners = as_array(maps, "maps"), as_array(corners, "corners")
    tile_corners = as_array(tile_corners, "tile_corners")
    stitched, size = stitch_maps(maps, corners, shape), maps.shape[-1]
    same = np.array_equal(corners, tile_corners)
    scores = max_score(maps if same else crop_tiles(stitched, tile_corners, size))
    region = int(corners[:, 1].min()), int(corners[:, 1].max()) + size
    return StripResult(stitched, float(scores.max()), scores, tile_corners, region)
