"""The data of notebook 02: a toy of patches with two channels, and the feature maps of tiles of one fabric."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aitex_utils.coreset import k_center_greedy
from aitex_utils.features import PatchFeatures
from aitex_utils.lessons.cache import cached
from aitex_utils.lessons.data import lesson_strips, profile
from aitex_utils.strips import Strip, list_strips
from aitex_utils.tiling import crop_tiles, tile_fabric

from .figures import plane_points

CORESET_RATIO = 0.1


@dataclass(frozen=True)
class Toy:
    """Patches of only two channels, so each patch is a point in a plane.

    Parameters
    ----------
    feature_maps : ndarray, shape (4, 2, 3, 4)
        Feature maps (C, H', W') of four normal images.
    bank : ndarray, shape (48, 2)
        All their patches: the memory bank.
    tests : dict of str to ndarray, shape (2,)
        Patches to test, by name: three of defects, and a rare normal one.
    grid : ndarray, shape (rows * columns, 2)
        Points on a grid over the plane.
    shape : tuple of int
        (rows, columns) of the grid.

    Examples
    --------
    >>> toy = make_toy()
    >>> sorted(toy.tests)
    ['between', 'beyond', 'off', 'rare, normal']
    """

    feature_maps: np.ndarray
    bank: np.ndarray
    tests: dict[str, np.ndarray]
    grid: np.ndarray
    shape: tuple[int, int]


def make_toy() -> Toy:
    """Return the toy: two clusters of normal patches, one rare normal patch, and patches to test.

    Returns
    -------
    Toy
        The same in every call.

    Examples
    --------
    >>> toy = make_toy()
    >>> toy.feature_maps.shape, toy.bank.shape
    ((4, 2, 3, 4), (48, 2))
    """
    rng = np.random.default_rng(0)
    left = rng.normal([-1.6, -0.7], 0.35, size=(27, 2))
    right = rng.normal([1.5, 0.65], 0.30, size=(20, 2))
    rare = np.array([[-0.93, 2.17]])
    bank = rng.permutation(np.concatenate([left, right, rare]))
    tests = {
        "off": np.array([0.8, -1.7]),
        "between": np.array([0.0, 0.05]),
        "beyond": np.array([3.6, 1.5]),
        "rare, normal": np.array([-0.7, 2.1]),
    }
    feature_maps = bank.reshape(4, 3, 4, 2).transpose(0, 3, 1, 2)  # (images, H', W', C) -> (images, C, H', W')
    return Toy(feature_maps, bank, tests, *plane_points())


@dataclass(frozen=True)
class FabricMaps:
    """Tiles of one fabric and their feature maps, with the channels first, as a network returns them.

    Parameters
    ----------
    training_maps, normal_maps, defective_maps : ndarray, each of shape (N, C, H', W')
        Feature maps of the training tiles, and of normal and defective tiles of other strips.
    defective_tiles : ndarray, shape (N, 256, 256)
        The defective tiles.
    masks : ndarray, shape (N, 256, 256)
        Their ground-truth masks.
    defects : tuple of str
        Their defects.
    coreset : ndarray, shape (k,)
        Indices of training patches in the order in which k-center greedy chooses them.

    Examples
    --------
    >>> maps, tiles = np.zeros((1, 2, 32, 32)), np.zeros((1, 256, 256), np.uint8)
    >>> FabricMaps(maps, maps, maps, tiles, tiles > 0, ("nep",), np.arange(5)).defects
    ('nep',)
    """

    training_maps: np.ndarray
    normal_maps: np.ndarray
    defective_maps: np.ndarray
    defective_tiles: np.ndarray
    masks: np.ndarray
    defects: tuple[str, ...]
    coreset: np.ndarray


def load_fabric(n_training: int = 12, n_normal: int = 8, n_defective: int = 8) -> FabricMaps:
    """Return tiles of the first fabric and their feature maps, from the cache if they are there.

    Parameters
    ----------
    n_training, n_normal, n_defective : int
        Largest number of tiles of each kind. The training tiles come from three normal strips, the normal test tiles
        from other normal strips, and each defective tile from a strip of its own.

    Returns
    -------
    FabricMaps

    Examples
    --------
    >>> import contextlib, io
    >>> with contextlib.redirect_stdout(io.StringIO()):
    ...     fabric = load_fabric(1, 1, 1)
    >>> fabric.training_maps.shape, len(fabric.coreset)
    ((1, 152, 32, 32), 102)
    """
    root = lesson_strips()
    counts = n_training, n_normal, n_defective

    def make() -> dict[str, np.ndarray]:
        return _make_arrays(list_strips(root), *counts)

    arrays = cached(
        f"nb02_fabric_{profile()}", make, data=root, code=(_make_arrays, _most_marked, PatchFeatures), counts=counts
    )
    return FabricMaps(**{**arrays, "defects": tuple(map(str, arrays["defects"]))})


def _make_arrays(strips: list[Strip], n_training: int, n_normal: int, n_defective: int) -> dict[str, np.ndarray]:
    """Return the fields of `FabricMaps` as arrays."""
    fabric = next(strip.fabric for strip in strips if strip.is_normal)
    normal = [strip for strip in strips if strip.fabric == fabric and strip.is_normal]
    defective = [strip for strip in strips if strip.fabric == fabric and strip.masks]
    training = np.concatenate([tile_fabric(strip.read())[0][1::3] for strip in normal[:3]])[:n_training]
    clean = np.concatenate([tile_fabric(strip.read())[0][1::3] for strip in normal[3:6]])[:n_normal]
    found = [marked for strip in defective if (marked := _most_marked(strip)) is not None][:n_defective]
    tiles, masks, names = zip(*found, strict=True)
    features = PatchFeatures()
    maps = features.transform(np.concatenate([training, clean, np.stack(tiles)]))  # (N, H', W', C)
    patches = maps[: len(training)].reshape(-1, maps.shape[-1])
    coreset = k_center_greedy(patches, max(1, round(CORESET_RATIO * len(patches))), seed=0)[0]
    ends = len(training), len(training) + len(clean)
    training_maps, normal_maps, defective_maps = np.split(np.ascontiguousarray(np.moveaxis(maps, -1, 1)), ends)
    return {
        "training_maps": training_maps,
        "normal_maps": normal_maps,
        "defective_maps": defective_maps,
        "defective_tiles": np.stack(tiles),
        "masks": np.stack(masks),
        "defects": np.array(names),
        "coreset": coreset,
    }


def _most_marked(strip: Strip) -> tuple[np.ndarray, np.ndarray, str] | None:
    """Return the tile of a strip with the most marked pixels, its mask and the defect, or None without marks."""
    tiles, corners = tile_fabric(strip.read())
    masks = crop_tiles(strip.read_mask(), corners)
    marked = masks.sum(axis=(1, 2))
    best = int(marked.argmax())
    return (tiles[best], masks[best], strip.defect) if marked[best] else None
