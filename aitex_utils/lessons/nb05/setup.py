"""The data of notebook 05: banks and test patches, the strips of a growing bank, and cached measurements."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from aitex_utils.coreset import k_center_greedy
from aitex_utils.features import PatchFeatures
from aitex_utils.lessons.cache import cached
from aitex_utils.lessons.data import lesson_root, profile
from aitex_utils.lessons.tile_sampling import draw_tiles, rank_fabrics, split_fabric
from aitex_utils.lessons.timing import time_call
from aitex_utils.memory_bank import MemoryBank
from aitex_utils.strips import Strip, list_strips
from aitex_utils.tiling import tile_fabric

from . import indexes
from .reference import TOLERANCE

N_FABRICS, FIT_TILES, TEST_TILES = 3, 16, 10  # TEST_TILES of clean tiles, and as many of defective ones
MAX_TILES, N_SIMILAR = 16, 3  # tiles of a strip, and strips that set the threshold of the growing bank


class LessonBanks(NamedTuple):
    """Banks and test patches of up to three fabrics.

    Examples
    --------
    >>> banks = LessonBanks(["02"], [np.zeros((9, 4))], [np.ones((4, 4))], [np.array([True])], np.zeros((1, 8, 8)))
    >>> banks.fabrics, banks.banks[0].shape
    (['02'], (9, 4))
    """

    fabrics: list[str]
    banks: list[np.ndarray]  # (N, C) patches of normal tiles, per fabric
    tests: list[np.ndarray]  # (n, C) patches of test tiles from other strips, tile by tile
    labels: list[np.ndarray]  # (T,) bool, True for defective test tiles
    tiles: np.ndarray  # (T, H, W) test tiles of the first fabric


class GrowingStrips(NamedTuple):
    """Patches of strips of one fabric. One strip is unlike the others.

    Examples
    --------
    >>> strips = GrowingStrips("02", np.zeros((9, 4)), [np.ones((9, 4))], np.full((9, 4), 5.0), 2.0, 10.0)
    >>> len(strips.similar)
    1
    """

    fabric: str
    first: np.ndarray  # (n, C) patches of the strip with which the bank starts
    similar: list[np.ndarray]  # (n, C) patches of the strips most similar to it
    odd: np.ndarray  # (n, C) patches of the least similar strip
    nearest_mean: float  # distance between the mean patches of the first strip and the most similar one
    odd_mean: float  # distance between the mean patches of the first strip and the odd one


class Comparison(NamedTuple):
    """Scores and costs of one kind of index, per fabric.

    Examples
    --------
    >>> costs = np.array([[0.9, 1.5, 0.1, 8.0, 7.0, 9.0, 2.0]])
    >>> result = Comparison([np.zeros(4)], costs)
    >>> result.recall, result.worst_miss, result.microseconds, result.mib
    (0.9, 1.5, (8.0, 7.0, 9.0), 2.0)
    """

    scores: list[np.ndarray]  # (T,) largest distance of each test tile, per fabric
    costs: np.ndarray  # (F, 7) recall, worst miss, build seconds, microseconds (median, low, high), MiB

    @property
    def recall(self) -> float:
        """Mean recall@1 over the fabrics."""
        return float(self.costs[:, 0].mean())

    @property
    def worst_miss(self) -> float:
        """Largest ratio of the distance to the found vector and to the nearest vector."""
        return float(self.costs[:, 1].max())

    @property
    def build_seconds(self) -> float:
        """Mean seconds to train and fill the index."""
        return float(self.costs[:, 2].mean())

    @property
    def microseconds(self) -> tuple[float, float, float]:
        """Time per patch: mean median over the fabrics, lowest and highest run."""
        return float(self.costs[:, 3].mean()), float(self.costs[:, 4].min()), float(self.costs[:, 5].max())

    @property
    def mib(self) -> float:
        """Mean size of the index in MiB."""
        return float(self.costs[:, 6].mean())


def lesson_banks() -> LessonBanks:
    """Return the banks and test patches of this profile, extracted once and then kept in the cache.

    Returns
    -------
    LessonBanks
        Up to three fabrics, those with the most defective strips. The arrays cannot be written to.

    Examples
    --------
    >>> banks = lesson_banks()  # doctest: +SKIP
    """
    return _banks(profile())


def growing_strips() -> GrowingStrips:
    """Return the strips of the growing bank: of one fabric, with the normal strip that is least like the first.

    Returns
    -------
    GrowingStrips

    Examples
    --------
    >>> strips = growing_strips()  # doctest: +SKIP
    """
    return _growing(profile())


def compare_kinds(banks: LessonBanks) -> dict[str, Comparison]:
    """Search the test patches of all fabrics with every kind of index once. Later calls read the cache.

    Parameters
    ----------
    banks : LessonBanks
        All banks are searched.

    Returns
    -------
    dict of str to Comparison
        By kind, in the order of `indexes.KINDS`.

    Examples
    --------
    >>> results = compare_kinds(lesson_banks())  # doctest: +SKIP
    """

    def measure() -> dict[str, np.ndarray]:
        return measure_kinds(banks.banks, banks.tests)

    arrays = cached(f"05_kinds_{profile()}", measure, data=lesson_root(), code=(measure_kinds, indexes.build_index))
    return {
        kind: Comparison(
            [arrays[_key(kind, i)] for i in range(len(banks.banks))],
            np.stack([arrays[f"{_key(kind, i)}.costs"] for i in range(len(banks.banks))]),
        )
        for kind in indexes.KINDS
    }


def measure_kinds(banks: Sequence[np.ndarray], tests: Sequence[np.ndarray], grid: int = 1024) -> dict[str, np.ndarray]:
    """Return tile scores and costs of every kind of index on every bank.

    Parameters
    ----------
    banks, tests : sequence of ndarray, each of shape (N, C)
        Vectors, and the test patches of the same fabric.
    grid : int
        Patches per tile.

    Returns
    -------
    dict of str to ndarray
        "KIND.i" are the scores on bank i, "KIND.i.costs" recall, worst miss, build seconds, microseconds per patch
        (median, lowest, highest) and MiB.

    Examples
    --------
    >>> vectors = np.random.default_rng(0).normal(size=(1100, 19)).astype(np.float32)
    >>> arrays = measure_kinds([vectors[:1000]], [vectors[1000:]], grid=50)
    >>> arrays["flat.0"].shape, float(arrays["flat.0.costs"][0])
    ((2,), 1.0)
    """
    import faiss

    arrays = {}
    for i, (bank, patches) in enumerate(zip(banks, tests, strict=True)):
        nearest = MemoryBank().add(bank).search(patches)[0][:, 0]
        chosen = k_center_greedy(bank, len(bank) // 10, seed=0)[0]
        few = np.ascontiguousarray(patches[:: max(1, len(patches) // 1024)])
        for kind in indexes.KINDS:
            vectors = np.ascontiguousarray(bank[chosen]) if kind == "coreset" else bank
            begin = time.perf_counter()
            index = indexes.build_index(kind, vectors)
            build_seconds = time.perf_counter() - begin
            squares, indices = index.search(patches, 1)
            timing = time_call(partial(index.search, few, 1))[1].scaled(1e6 / len(few))
            to_found = np.linalg.norm(patches - vectors[indices[:, 0]], axis=1)
            recall = (to_found <= nearest * (1 + TOLERANCE)).mean()
            worst = (to_found / np.maximum(nearest, 1e-12)).max()
            mib = faiss.serialize_index(index).nbytes / 2**20
            arrays[_key(kind, i)] = np.sqrt(squares[:, 0]).reshape(-1, grid).max(axis=1)
            arrays[f"{_key(kind, i)}.costs"] = np.array([recall, worst, build_seconds, *timing, mib])
    return arrays


def times_by_size(banks: LessonBanks) -> tuple[list[int], dict[str, np.ndarray], float]:
    """Time searches against the number of vectors once. Later calls read the cache.

    Parameters
    ----------
    banks : LessonBanks
        The vectors of all fabrics form one bank.

    Returns
    -------
    sizes : list of int
    times : dict of str to ndarray, each of shape (len(sizes), 3)
        Microseconds per patch by kind: median, lowest and highest run.
    extraction : float
        Microseconds per patch of the extraction, the median of runs at the same time.

    Examples
    --------
    >>> sizes, times, extraction = times_by_size(lesson_banks())  # doctest: +SKIP
    """

    def measure() -> dict[str, np.ndarray]:
        features, arrays = PatchFeatures(), measure_sizes(banks.banks, banks.tests)
        _, timing = time_call(lambda: features.transform(banks.tiles[:1]), repeats=7)
        n_patches = len(banks.tests[0]) // len(banks.tiles)
        return {**arrays, "extraction": np.array(1e6 * timing.median / n_patches)}

    arrays = cached(f"05_sizes_{profile()}", measure, data=lesson_root(), code=(measure_sizes, indexes.build_index))
    sizes, extraction = arrays.pop("sizes").tolist(), float(arrays.pop("extraction"))
    return sizes, {name.replace("_", " "): times for name, times in arrays.items()}, extraction


def measure_sizes(
    banks: Sequence[np.ndarray],
    tests: Sequence[np.ndarray],
    sizes: Sequence[int] = (512, 2048, 8192, 32768),
    kinds: Sequence[str] = ("flat", "ivf 8", "hnsw 16"),
) -> dict[str, np.ndarray]:
    """Return times per patch of some kinds of index for banks of several sizes.

    Parameters
    ----------
    banks, tests : sequence of ndarray, each of shape (N, C)
        Vectors, and test patches; all are mixed.
    sizes : sequence of int
        Numbers of vectors; larger ones than there are become all.
    kinds : sequence of str
        Kinds of index.

    Returns
    -------
    dict of str to ndarray
        "sizes", and by kind microseconds per patch: median, lowest and highest run.

    Examples
    --------
    >>> vectors = np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32)
    >>> arrays = measure_sizes([vectors], [vectors[:20]], sizes=(100, 999), kinds=("flat",))
    >>> arrays["sizes"].tolist(), arrays["flat"].shape
    ([100, 300], (2, 3))
    """
    rng = np.random.default_rng(0)
    vectors = rng.permutation(np.concatenate(banks))
    queries = rng.permutation(np.concatenate(tests))[:1024]
    sizes = [min(size, len(vectors)) for size in sizes]
    arrays: dict[str, np.ndarray] = {"sizes": np.array(sizes)}
    for kind in kinds:
        timings = []
        for size in sizes:
            index = indexes.build_index(kind, vectors[:size])
            timings.append(time_call(partial(index.search, queries, 1))[1].scaled(1e6 / len(queries)))
        arrays[kind.replace(" ", "_")] = np.array(timings)
    return arrays


@lru_cache(maxsize=1)
def _banks(of_profile: str) -> LessonBanks:
    root = lesson_root()
    arrays = cached(f"05_banks_{of_profile}", partial(_extract_banks, root), data=root, code=(draw_tiles,))
    fabrics = arrays["fabrics"].tolist()
    for array in arrays.values():
        array.setflags(write=False)
    return LessonBanks(
        fabrics,
        *([arrays[f"{name}.{fabric}"] for fabric in fabrics] for name in ("bank", "test", "labels")),
        arrays["tiles"],
    )


def _extract_banks(root: Path) -> dict[str, np.ndarray]:
    """Extract the patches of up to three fabrics. No patch of a test strip is in a bank."""
    fabrics = rank_fabrics(root, N_FABRICS)[2]
    features, arrays = PatchFeatures(), {"fabrics": np.array(fabrics)}
    for i, fabric in enumerate(fabrics):
        training, held_out, defective = split_fabric(root, fabric, 0)
        rng = np.random.default_rng(0)
        clean, broken = (draw_tiles(group, TEST_TILES, rng).tiles for group in (held_out, defective))
        test_tiles = np.concatenate([clean, broken])
        arrays[f"bank.{fabric}"] = _patches(features, draw_tiles(training, FIT_TILES, rng).tiles)
        arrays[f"test.{fabric}"] = _patches(features, test_tiles)
        arrays[f"labels.{fabric}"] = np.repeat([False, True], [len(clean), len(broken)])
        if i == 0:
            arrays["tiles"] = test_tiles
    return arrays


@lru_cache(maxsize=1)
def _growing(of_profile: str) -> GrowingStrips:
    root = lesson_root()
    arrays = cached(f"05_growing_{of_profile}", partial(_extract_growing, root), data=root)
    for array in arrays.values():
        array.setflags(write=False)
    similar = [arrays[name] for name in sorted(arrays) if name.startswith("similar")]
    means = (float(mean) for mean in arrays["means"])
    return GrowingStrips(str(arrays["fabric"]), arrays["first"], similar, arrays["odd"], *means)


def _extract_growing(root: Path) -> dict[str, np.ndarray]:
    """Extract strips of the fabric with the odd strip: its mean patch is farthest from the first strip's."""
    features = PatchFeatures()
    normal = [strip for strip in list_strips(root) if strip.is_normal]
    fabrics = sorted({s.fabric for s in normal}, key=lambda name: (-sum(s.fabric == name for s in normal), name))
    distances: dict[Strip, float] = {}
    for fabric in fabrics[:N_FABRICS]:
        group = [s for s in normal if s.fabric == fabric][:6]
        means = [_patches(features, tile_fabric(s.read())[0][1:3]).mean(axis=0) for s in group]
        distances.update((s, float(np.linalg.norm(m - means[0]))) for s, m in zip(group[1:], means[1:], strict=True))
    odd = max(distances, key=distances.__getitem__)
    same_fabric = sorted((s for s in distances if s.fabric == odd.fabric), key=distances.__getitem__)
    first = next(s for s in normal if s.fabric == odd.fabric)
    arrays = {"fabric": np.array(odd.fabric), "means": np.array([distances[same_fabric[0]], distances[odd]])}
    chosen = {"first": first, "odd": odd} | {f"similar{i}": s for i, s in enumerate(same_fabric[:N_SIMILAR])}
    for name, strip in chosen.items():
        arrays[name] = _patches(features, tile_fabric(strip.read())[0][:MAX_TILES])
    return arrays


def _patches(features: PatchFeatures, tiles: np.ndarray) -> np.ndarray:
    """Return the patches of tiles, (T, H, W) -> (n, C)."""
    patches = features.transform(tiles)
    return np.ascontiguousarray(patches.reshape(-1, patches.shape[-1]))


def _key(kind: str, i: int) -> str:
    return f"{kind.replace(' ', '_')}.{i}"
