"""The strips of the bench: each fabric's strips in four parts. One part is hidden until a submission."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from aitex_utils.errors import InputError, check_choice
from aitex_utils.lessons.data import lesson_root, profile
from aitex_utils.lessons.tile_sampling import evenly_spaced
from aitex_utils.region import crop_to_fabric
from aitex_utils.strips import Strip, list_strips
from aitex_utils.tiling import crop_tiles, tile, tile_labels

PARTS = ("training", "calibration", "shown", "hidden")
NORMAL, DEFECTIVE, LEAST_DEFECTIVE = 8, 8, 4  # most strips of a fabric, and fewest defective strips


class BenchStrip(NamedTuple):
    """The fabric of a strip with its mask.

    Parameters
    ----------
    name : str
        Name of the strip.
    defect : str
        Name of its defect, "none" for a normal strip.
    image : ndarray, shape (256, W)
        Grey values of the fabric, uint8.
    mask : ndarray, shape (256, W)
        Ground-truth mask, bool.

    Examples
    --------
    >>> strip = BenchStrip("a", "nep", np.zeros((256, 600), np.uint8), np.arange(600) == np.full((256, 1), 300))
    >>> strip.corners.tolist(), strip.labels.tolist(), strip.tiles.shape
    ([[0, 0], [0, 256], [0, 344]], [False, True, False], (3, 256, 256))
    """

    name: str
    defect: str
    image: np.ndarray
    mask: np.ndarray

    @property
    def corners(self) -> np.ndarray:
        """Row and column of each tile's upper left pixel, (N, 2)."""
        return tile(self.image)[1]

    @property
    def tiles(self) -> np.ndarray:
        """The tiles, (N, 256, 256), uint8."""
        return tile(self.image)[0]

    @property
    def labels(self) -> np.ndarray:
        """True for defective tiles, (N,)."""
        return tile_labels(crop_tiles(self.mask, self.corners))


def bench_fabrics() -> tuple[str, ...]:
    """Return the fabrics that have enough strips for four parts.

    Returns
    -------
    tuple of str

    Raises
    ------
    InputError
        If no fabric has eight normal and four defective strips.

    Examples
    --------
    >>> bench_fabrics()  # doctest: +SKIP
    ('00', '01', '02')
    """
    return _fabrics(lesson_root(), profile())


def load_part(fabric: str, part: str) -> tuple[BenchStrip, ...]:
    """Return the strips of one part of a fabric.

    Parameters
    ----------
    fabric : str
        One of `bench_fabrics()`.
    part : {"training", "calibration", "shown", "hidden"}
        Training and calibration strips are normal. The other two parts have normal and defective strips.

    Returns
    -------
    tuple of BenchStrip
        The arrays cannot be written to.

    Raises
    ------
    InputError
        If there is no such fabric or part.

    Examples
    --------
    >>> [strip.defect for strip in load_part("00", "training")]  # doctest: +SKIP
    ['none', 'none']
    """
    check_choice("fabric", fabric, bench_fabrics())
    check_choice("part", part, PARTS)
    return _part(lesson_root(), fabric, part)


def split_strips(normal: Sequence[Strip], defective: Sequence[Strip]) -> dict[str, list[Strip]]:
    """Split the strips of a fabric into four parts.

    Parameters
    ----------
    normal, defective : sequence of Strip
        Strips. At most eight of each kind are used, evenly spaced.

    Returns
    -------
    dict of str to list of Strip
        By the names in `PARTS`. Every fourth normal strip goes to one part. Defective strips are shown and hidden in
        turn.

    Examples
    --------
    >>> parts = split_strips("abcdefgh", "ABCD")
    >>> ["".join(parts[name]) for name in PARTS]
    ['ae', 'bf', 'cgAC', 'dhBD']
    """
    normal = [normal[i] for i in evenly_spaced(len(normal), NORMAL)]
    defective = [defective[i] for i in evenly_spaced(len(defective), DEFECTIVE)]
    parts = {name: normal[i::4] for i, name in enumerate(PARTS)}
    return parts | {"shown": parts["shown"] + defective[0::2], "hidden": parts["hidden"] + defective[1::2]}


@lru_cache(maxsize=2)
def _fabrics(root: Path, _profile: str) -> tuple[str, ...]:
    by_fabric: dict[str, list[Strip]] = {}
    for strip in list_strips(root):
        by_fabric.setdefault(strip.fabric, []).append(strip)
    enough = [name for name, strips in by_fabric.items() if _has_enough(strips)]
    if not enough:
        raise InputError(
            f"No fabric in {root} has {NORMAL} normal strips and {LEAST_DEFECTIVE} defective strips with masks: make "
            "the practice fabric with `python course.py data`."
        )
    return tuple(sorted(enough))


def _has_enough(strips: Sequence[Strip]) -> bool:
    defective = sum(not strip.is_normal and bool(strip.masks) for strip in strips)
    return len(strips) - sum(not strip.is_normal for strip in strips) >= NORMAL and defective >= LEAST_DEFECTIVE


@lru_cache(maxsize=32)
def _part(root: Path, fabric: str, part: str) -> tuple[BenchStrip, ...]:
    return tuple(_read(strip) for strip in _parts(root, fabric)[part])


@lru_cache(maxsize=8)
def _parts(root: Path, fabric: str) -> dict[str, list[Strip]]:
    strips = list_strips(root, fabric)
    defective = [strip for strip in strips if not strip.is_normal and strip.read_known_mask() is not None]
    return split_strips([strip for strip in strips if strip.is_normal], defective)


def _read(strip: Strip) -> BenchStrip:
    image, start = crop_to_fabric(strip.read())
    mask = strip.read_mask()[:, start : start + image.shape[1]].copy()
    image = image.copy()
    for array in (image, mask):
        array.setflags(write=False)
    return BenchStrip(strip.id, strip.defect, image, mask)
