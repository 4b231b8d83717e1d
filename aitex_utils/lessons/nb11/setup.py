"""The data of notebook 11: pieces of normal strips of one fabric, their patches, and the detector that learns them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from aitex_utils.features import PatchFeatures
from aitex_utils.lessons.cache import cached
from aitex_utils.lessons.data import lesson_root, profile
from aitex_utils.patchcore import PatchCore
from aitex_utils.strips import list_strips
from aitex_utils.tiling import crop_tiles, tile_fabric

STRIPS, TILES = 8, 8  # normal strips, and tiles of each
TILES_PER_PIECE = 4
TILE = 256
RATIO, BLOCK_SIZE = 0.01, 8192
OPTIONS = {"size": TILE, "pooling": 3, "padding": "reflect", "device": "cpu"}


def load_pieces() -> list[np.ndarray]:
    """Return pieces of normal strips of the first fabric, each four tiles wide.

    Returns
    -------
    list of ndarray, each of shape (256, 1024)
        uint8, up to 16 pieces. They cannot be written to.

    Examples
    --------
    >>> len(load_pieces())  # doctest: +SKIP
    16
    """
    return list(_pieces(profile()))


def load_patches() -> list[np.ndarray]:
    """Return the patches of `load_pieces`, from the cache if possible.

    Returns
    -------
    list of ndarray, each of shape (32, 128, 152)
        float32.

    Examples
    --------
    >>> len(load_patches())  # doctest: +SKIP
    16
    """
    from aitex_utils.scale.blocks import extract_patches

    pieces = load_pieces()

    def make() -> dict[str, np.ndarray]:
        return {"patches": np.stack(extract_patches(pieces, lesson_features(), TILE))}

    name = f"11_{profile()}_patches"
    code = (_pieces_of, extract_patches, PatchFeatures)
    return list(cached(name, make, data=lesson_root(), code=code, options=OPTIONS)["patches"])


def lesson_features() -> PatchFeatures:
    """Return the extractor of this notebook: small input and one kind of pooling, to save time.

    Returns
    -------
    PatchFeatures

    Examples
    --------
    >>> lesson_features().n_branches
    1
    """
    return PatchFeatures(**OPTIONS)


def new_detector() -> PatchCore:
    """Return the detector of this notebook, not fitted.

    Returns
    -------
    PatchCore

    Examples
    --------
    >>> new_detector().coreset_ratio
    0.01
    """
    return PatchCore(coreset_ratio=RATIO, **OPTIONS)


@lru_cache(maxsize=1)
def _pieces(of_profile: str) -> tuple[np.ndarray, ...]:
    normal = [strip for strip in list_strips(lesson_root()) if strip.is_normal]
    fabric = [strip for strip in normal if strip.fabric == normal[0].fabric][:STRIPS]
    pieces = [piece for strip in fabric for piece in _pieces_of(strip.read())]
    for piece in pieces:
        piece.setflags(write=False)
    return tuple(pieces)


def _pieces_of(strip: np.ndarray) -> list[np.ndarray]:
    """Return the first tiles of a strip's fabric, side by side in pieces."""
    _, corners = tile_fabric(strip)
    tiles = crop_tiles(strip, corners[:TILES])
    groups = [tiles[i : i + TILES_PER_PIECE] for i in range(0, len(tiles), TILES_PER_PIECE)]
    return [np.concatenate(list(group), axis=1) for group in groups if len(group) == TILES_PER_PIECE]
