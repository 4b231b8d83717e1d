"""The patches on which notebook 04 works: a small memory bank per fabric with tiles to test, and one large bank."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from aitex_utils.features import PatchFeatures
from aitex_utils.lessons.cache import cached
from aitex_utils.lessons.data import lesson_root, profile
from aitex_utils.lessons.tile_sampling import draw_tiles, rank_fabrics, split_fabric
from aitex_utils.strips import Strip

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
            bank, clean, faulty = (_patches(draw_tiles(strips, most, rng).tiles) for strips, most in groups)
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
        parts = [_patches(draw_tiles(fitting, LARGE_TILES, rng).tiles) for _, fitting, _, _ in _split_fabrics(root)]
        patches = np.concatenate(parts).reshape(-1, parts[0].shape[-1])
        return {"patches": patches - patches.mean(axis=0)}

    code = (draw_tiles, _patches, _split_fabrics, PatchFeatures)
    return cached(f"04_{profile()}_large_bank", make, data=root, code=code, sizes=[FABRICS, LARGE_TILES])["patches"]


def _patches(tiles: np.ndarray) -> np.ndarray:
    """Return the patches of tiles, (T, P, C)."""
    features = PatchFeatures().transform(tiles)  # (T, H', W', C)
    return features.reshape(len(features), -1, features.shape[-1])


def _split_fabrics(root: Path) -> list[tuple[str, list[Strip], list[Strip], list[Strip]]]:
    """Return fabric, normal strips to fit, other normal strips and defective strips, for the most defective fabrics."""
    return [(fabric, *split_fabric(root, fabric, SEED)) for fabric in rank_fabrics(root, FABRICS)[2]]
