"""The patches on which notebook 04 works: a small memory bank per fabric with tiles to test, and one large bank."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from aitex_utils.features import PatchFeatures
from aitex_utils.lessons.cache import cached
from aitex_utils.lessons.data import lesson_strips, profile
from aitex_utils.strips import Strip, list_strips, split_strips
from aitex_utils.tiling import crop_tiles, tile_fabric, tile_labels

FABRICS = 3  # those with most defective strips
BANK_TILES, TEST_TILES = 12, 16  # per fabric, test tiles of each label
LARGE_TILES = 32  # per fabric, in the large bank
SEED = 0


class FabricPatches(NamedTuple):
    """Patches of one fabric.

    Parameters
    ----------
    fabric : str
        Number of the fabric.
    bank : ndarray, shape (N, C)
        Patches of normal tiles, float32.
    test : ndarray, shape (T, P, C)
        Patches of test tiles, from other strips.
    labels : ndarray, shape (T,)
        True for defective tiles.

    Examples
    --------
    >>> FabricPatches("00", np.zeros((8, 2)), np.zeros((3, 4, 2)), np.array([False, True, True])).labels.sum()
    np.int64(2)
    """

    fabric: str
    bank: np.ndarray
    test: np.ndarray
    labels: np.ndarray


def lesson_root() -> Path:
    """Return the folder with the strips of this profile. Only the first call prints which strips they are.

    Returns
    -------
    Path

    Examples
    --------
    >>> lesson_root()  # doctest: +SKIP
    """
    return _root(profile())


@cache
def _root(_profile: str) -> Path:
    return lesson_strips()


def load_patches() -> list[FabricPatches]:
    """Return the patches of three fabrics, from the cache if they are there.

    Returns
    -------
    list of FabricPatches

    Notes
    -----
    The bank has 12 normal tiles of a fabric. The test tiles, up to 16 normal and 16 defective ones, come from other
    strips.

    Examples
    --------
    >>> load_patches()  # doctest: +SKIP
    """
    root = lesson_root()

    def make() -> dict[str, np.ndarray]:
        arrays = {}
        for fabric, fitting, held_out, defective in _split_fabrics(root):
            rng = np.random.default_rng(SEED)
            groups = ((fitting, BANK_TILES), (held_out, TEST_TILES), (defective, TEST_TILES))
            bank, clean, faulty = (_patches(draw_tiles(strips, most, rng)) for strips, most in groups)
            arrays[f"{fabric}.bank"] = bank.reshape(-1, bank.shape[-1])
            arrays[f"{fabric}.test"] = np.concatenate([clean, faulty])
            arrays[f"{fabric}.labels"] = np.repeat([False, True], [len(clean), len(faulty)])
        return arrays

    code = (draw_tiles, _patches, _split_fabrics, PatchFeatures)
    arrays = cached(f"04_{profile()}_patches", make, data=root, code=code, sizes=[FABRICS, BANK_TILES, TEST_TILES])
    fabrics = [key.split(".")[0] for key in arrays if key.endswith(".bank")]
    return [FabricPatches(f, *(arrays[f"{f}.{part}"] for part in ("bank", "test", "labels"))) for f in fabrics]


def load_large_bank() -> np.ndarray:
    """Return the patches of up to 96 normal tiles of three fabrics, minus their mean, from the cache if possible.

    Returns
    -------
    ndarray, shape (N, C)
        float32. Subtracting the mean changes no distance, and products are rounded less.

    Examples
    --------
    >>> load_large_bank().shape  # doctest: +SKIP
    (98304, 152)
    """
    root = lesson_root()

    def make() -> dict[str, np.ndarray]:
        rng = np.random.default_rng(SEED)
        parts = [_patches(draw_tiles(fitting, LARGE_TILES, rng)) for _, fitting, _, _ in _split_fabrics(root)]
        patches = np.concatenate(parts).reshape(-1, parts[0].shape[-1])
        return {"patches": patches - patches.mean(axis=0)}

    code = (draw_tiles, _patches, _split_fabrics, PatchFeatures)
    return cached(f"04_{profile()}_large_bank", make, data=root, code=code, sizes=[FABRICS, LARGE_TILES])["patches"]


def draw_tiles(strips: Sequence[Strip], most: int, rng: np.random.Generator) -> np.ndarray:
    """Draw tiles at random: clean tiles of normal strips, or defective tiles of defective strips.

    Parameters
    ----------
    strips : sequence of Strip
        Strips, all normal or all defective.
    most : int
        Largest number of tiles.
    rng : Generator
        Source of the draw.

    Returns
    -------
    ndarray, shape (T, 256, 256)
        Grey tiles.

    Examples
    --------
    >>> draw_tiles([], 4, np.random.default_rng(0))  # doctest: +SKIP
    """
    images, masks = [], []
    for strip in strips:
        tiles, corners = tile_fabric(strip.read())
        images.append(tiles)
        masks.append(crop_tiles(strip.read_mask(), corners))
    kept = np.flatnonzero(tile_labels(np.concatenate(masks)) != strips[0].is_normal)
    return np.concatenate(images)[rng.permutation(kept)[:most]]


def _patches(tiles: np.ndarray) -> np.ndarray:
    """Return the patches of tiles, (T, P, C)."""
    features = PatchFeatures().transform(tiles)  # (T, H', W', C)
    return features.reshape(len(features), -1, features.shape[-1])


def _split_fabrics(root: Path) -> list[tuple[str, list[Strip], list[Strip], list[Strip]]]:
    """Return fabric, normal strips to fit, other normal strips and defective strips, for the most defective fabrics."""
    strips = [strip for strip in list_strips(root) if strip.is_normal or strip.masks]
    normal = [strip for strip in strips if strip.is_normal]
    defective = [strip for strip in strips if not strip.is_normal]
    names = {strip.fabric for strip in normal} & {strip.fabric for strip in defective}
    n_defective = {name: sum(strip.fabric == name for strip in defective) for name in names}
    found = []
    for fabric in sorted(names, key=lambda name: (-n_defective[name], name))[:FABRICS]:
        fitting, held_out = split_strips([s for s in normal if s.fabric == fabric], share=0.7, seed=SEED)
        found.append((fabric, fitting, held_out, [s for s in defective if s.fabric == fabric]))
    return found
