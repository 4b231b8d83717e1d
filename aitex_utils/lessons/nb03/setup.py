"""The data of notebook 03: tiles of one fabric for the figures, and split tiles of three fabrics for the comparison."""

from __future__ import annotations

import contextlib
import functools
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np

from aitex_utils.lessons.cache import cached
from aitex_utils.lessons.data import lesson_strips, profile
from aitex_utils.lessons.tile_sampling import draw_tiles, rank_fabrics, split_fabric, tiles_and_masks
from aitex_utils.strips import Strip
from aitex_utils.tiling import tile_fabric

FABRICS = 3  # those with most defective strips
MIN_MARKED = 300  # px of the defect in the example
MANY_TILES, MANY_STRIPS = 32, 4
TRAINING_TILES, TEST_TILES = 16, 12  # per fabric, test tiles of each label
SEED = 0


class Lesson(NamedTuple):
    """Tiles of one fabric.

    Parameters
    ----------
    fabric : str
        Number of the fabric.
    normal_tiles : ndarray, shape (8, 256, 256)
        Normal tiles of one strip, uint8.
    other_normal : ndarray, shape (256, 256)
        A normal tile of another strip.
    example, example_mask : ndarray, shape (256, 256)
        The tile whose defect differs most in brightness from the rest of the tile, and its ground-truth mask.
    many_tiles : ndarray, shape (32, 256, 256)
        Normal tiles of four strips.

    Examples
    --------
    >>> tile = np.zeros((256, 256), np.uint8)
    >>> Lesson("00", tile[None], tile, tile, tile > 0, tile[None]).fabric
    '00'
    """

    fabric: str
    normal_tiles: np.ndarray
    other_normal: np.ndarray
    example: np.ndarray
    example_mask: np.ndarray
    many_tiles: np.ndarray


class Split(NamedTuple):
    """Training tiles and test tiles of one fabric, from different strips.

    Parameters
    ----------
    fabric : str
        Number of the fabric.
    training : ndarray, shape (N, 256, 256)
        Normal tiles, uint8.
    test : ndarray, shape (T, 256, 256)
        Normal tiles of other strips, then defective tiles.
    masks : ndarray, shape (T, 256, 256)
        Ground-truth masks of the test tiles.
    labels : ndarray, shape (T,)
        True for defective tiles.

    Examples
    --------
    >>> tiles = np.zeros((2, 256, 256), np.uint8)
    >>> Split("00", tiles, tiles, tiles > 0, np.array([False, True])).labels.sum()
    np.int64(1)
    """

    fabric: str
    training: np.ndarray
    test: np.ndarray
    masks: np.ndarray
    labels: np.ndarray


class _Tee(io.StringIO):
    """A text stream that passes on all that is written and keeps it."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write(text)
        self._stream.flush()
        return super().write(text)


_said: dict[str, tuple[Path, str]] = {}  # the folder of the strips and the lines about it, by profile


def _root() -> Path:
    """Return the folder of the strips and print the lines about it, but look for it only once per kernel."""
    if profile() in _said:
        root, lines = _said[profile()]
        print(lines, end="", flush=True)
        return root
    with contextlib.redirect_stdout(_Tee(sys.stdout)) as tee:
        root = lesson_strips()
    lines = tee.getvalue().splitlines(keepends=True)
    _said[profile()] = root, "".join(line for line in lines if not line.startswith("Making"))
    return root


def load_lesson() -> Lesson:
    """Return the tiles of the fabric with the most defective strips, from the cache if they are there.

    Returns
    -------
    Lesson

    Examples
    --------
    >>> load_lesson().example.shape  # doctest: +SKIP
    (256, 256)
    """
    return _load_lesson(_root(), profile())


def load_splits() -> list[Split]:
    """Return training and test tiles of the three fabrics with the most defective strips, from the cache if possible.

    Returns
    -------
    list of Split

    Notes
    -----
    A fabric has up to 16 training tiles, 12 normal test tiles and 12 defective test tiles. No strip is on both sides.

    Examples
    --------
    >>> [split.fabric for split in load_splits()]  # doctest: +SKIP
    ['00', '01', '02']
    """
    return _load_splits(_root(), profile())


@functools.lru_cache(maxsize=2)
def _load_lesson(root: Path, name: str) -> Lesson:
    def make() -> dict[str, np.ndarray]:
        normal, defective, ranked = rank_fabrics(root, FABRICS)
        first, second, *more = [strip for strip in normal if strip.fabric == ranked[0]][:MANY_STRIPS]
        tiles, masks, _ = tiles_and_masks([strip for strip in defective if strip.fabric == ranked[0]])
        example = find_example(tiles, masks)
        by_strip = [tile_fabric(strip.read())[0] for strip in (first, second, *more)]
        return {
            "fabric": np.array(ranked[0]),
            "normal_tiles": by_strip[0][:8],
            "other_normal": by_strip[1][0],
            "example": tiles[example],
            "example_mask": masks[example],
            "many_tiles": np.concatenate(by_strip)[:MANY_TILES],
        }

    code = (rank_fabrics, tiles_and_masks, find_example, tile_fabric)
    arrays = cached(f"nb03_lesson_{name}", make, data=root, code=code, sizes=[MIN_MARKED, MANY_TILES, MANY_STRIPS])
    return Lesson(**{**arrays, "fabric": str(arrays["fabric"])})


@functools.lru_cache(maxsize=2)
def _load_splits(root: Path, name: str) -> list[Split]:
    def make() -> dict[str, np.ndarray]:
        arrays = {}
        for fabric in sorted(rank_fabrics(root, FABRICS)[2]):
            training, test, masks, labels = _draw_split(*split_fabric(root, fabric, SEED))
            arrays |= {f"{fabric}.training": training, f"{fabric}.test": test}
            arrays |= {f"{fabric}.masks": masks, f"{fabric}.labels": labels}
        return arrays

    code = (rank_fabrics, _draw_split, draw_tiles, tiles_and_masks)
    arrays = cached(f"nb03_splits_{name}", make, data=root, code=code, sizes=[TRAINING_TILES, TEST_TILES, SEED])
    fabrics = [key.split(".")[0] for key in arrays if key.endswith(".training")]
    return [Split(f, *(arrays[f"{f}.{part}"] for part in Split._fields[1:])) for f in fabrics]


def find_example(tiles: np.ndarray, masks: np.ndarray) -> int:
    """Return the index of the tile whose defect differs most in brightness from the rest of the tile.

    Parameters
    ----------
    tiles : ndarray, shape (N, H, W)
        Grey tiles.
    masks : ndarray, shape (N, H, W)
        Ground-truth masks, bool. Tiles with fewer than 300 marked pixels are left out, unless all have fewer.

    Returns
    -------
    int

    Examples
    --------
    >>> tiles = np.random.default_rng(0).integers(90, 110, (2, 32, 32), dtype=np.uint8)
    >>> masks = np.zeros((2, 32, 32), bool)
    >>> masks[:, :20, :20] = True
    >>> tiles[1, :20, :20] += 40
    >>> find_example(tiles, masks)
    1
    """
    marked = masks.sum(axis=(1, 2))
    candidates = np.flatnonzero(marked >= min(MIN_MARKED, marked.max()))
    contrasts = [abs(tiles[i][masks[i]].mean() - tiles[i].mean()) / tiles[i].std() for i in candidates]
    return int(candidates[int(np.argmax(contrasts))])


def _draw_split(
    fitting: Sequence[Strip], held_out: Sequence[Strip], defective: Sequence[Strip]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return training tiles, test tiles, and the masks and labels of the test tiles of one fabric."""
    rng = np.random.default_rng(SEED)
    clean, clean_masks, _ = draw_tiles(held_out, TEST_TILES, rng)
    marked, marked_masks, _ = draw_tiles(defective, TEST_TILES, rng)
    training = draw_tiles(fitting, TRAINING_TILES, rng).tiles
    labels = np.repeat([False, True], [len(clean), len(marked)])
    return training, np.concatenate([clean, marked]), np.concatenate([clean_masks, marked_masks]), labels
