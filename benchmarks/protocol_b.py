"""Protocol B: 30 clean tiles of a fabric for training, 120 others and all defective tiles for the test, at random.

Tiles of one strip lie on both sides of this split, by the protocol's design.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from evaluation import EvalResult
from protocols import FabricTiles, concatenate, evaluate_tiles

from aitex_utils.features import PatchFeatures
from aitex_utils.patchcore import PatchCore

TRAINING_TILES, TEST_TILES = 30, 120
OF_FEATURES = ("backbone", "layers", "size", "pooling", "padding")  # the parameters on which patches depend
BATCH_SIZE = 16  # tiles predicted at once


def split_tiles(n_clean: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw the clean tiles of protocol B.

    Parameters
    ----------
    n_clean : int
        Number of clean tiles.
    seed : int
        Seed of the draw.

    Returns
    -------
    training, test : ndarray, shape (30,) and (120,)
        Indices of tiles; fewer to test if there are fewer.

    Examples
    --------
    >>> training, test = split_tiles(200, seed=0)
    >>> len(training), len(test), len(set(training) & set(test))
    (30, 120, 0)
    """
    order = np.random.default_rng(seed).permutation(n_clean)
    return order[:TRAINING_TILES], order[TRAINING_TILES : TRAINING_TILES + TEST_TILES]


class FabricPatches:
    """The patches of a fabric's tiles, extracted once for all seeds and for all detectors with the same features.

    Parameters
    ----------
    tiles : FabricTiles
        The fabric.
    seeds : sequence of int
        Seeds of the splits: only clean tiles that they draw are extracted.
    """

    def __init__(self, tiles: FabricTiles, seeds: Sequence[int]) -> None:
        self.tiles, self.seeds = tiles, seeds
        self._drawn = np.unique(np.concatenate([np.concatenate(split_tiles(len(tiles.clean), s)) for s in seeds]))
        self.clear()

    def clear(self) -> None:
        """Free the memory of the patches."""
        self._extractor: dict[str, Any] | None = None
        self._clean = self._defective = None

    def extract(self, features: PatchFeatures) -> None:
        """Extract all patches, not whitened, unless the last ones came from an equal extractor.

        Parameters
        ----------
        features : PatchFeatures
            Extractor; a fitted whitening does not count.
        """
        extractor = {name: getattr(features, name) for name in OF_FEATURES}
        if extractor != self._extractor:
            self.clear()  # two sets at once would take too much memory
            raw = PatchFeatures(**extractor)
            self._clean = raw.transform(self.tiles.clean.tiles[self._drawn])
            self._defective = raw.transform(self.tiles.defective.tiles)
            self._extractor = extractor

    def clean(self, numbers: np.ndarray) -> np.ndarray:
        """Return the patches of some clean tiles.

        Parameters
        ----------
        numbers : ndarray, shape (n,)
            Indices of clean tiles that a split drew.

        Returns
        -------
        ndarray, shape (n, H', W', C)
        """
        return self._clean[np.searchsorted(self._drawn, numbers)]

    def batches(self, numbers: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the patches of some clean tiles, then of all defective ones, some tiles at a time.

        Parameters
        ----------
        numbers : ndarray, shape (n,)
            Indices of clean tiles that a split drew.

        Yields
        ------
        ndarray, shape (up to 16, H', W', C)
        """
        for start in range(0, len(numbers), BATCH_SIZE):
            yield self.clean(numbers[start : start + BATCH_SIZE])
        for start in range(0, len(self._defective), BATCH_SIZE):
            yield self._defective[start : start + BATCH_SIZE]


def protocol_b(
    patches: FabricPatches, parameters: dict[str, Any], *, n_training: int = TRAINING_TILES, n_neighbors: int = 1
) -> Iterator[EvalResult]:
    """Fit and test a configuration of PatchCore by protocol B.

    Parameters
    ----------
    patches : FabricPatches
        The fabric, with the seeds of the splits.
    parameters : dict
        Arguments of `PatchCore`.
    n_training : int
        Number of the 30 training tiles that are used.
    n_neighbors : int
        Number of nearest neighbours whose mean distance is a patch's distance.

    Yields
    ------
    EvalResult
        One per seed.
    """
    tiles = patches.tiles
    for seed in patches.seeds:
        training, test = split_tiles(len(tiles.clean), seed)
        detector = PatchCore(seed=seed, **parameters)
        features = detector.features
        patches.extract(features)
        normal = patches.clean(training[:n_training])
        if features.whiten:
            normal = features.fit_whitening(normal).apply_whitening(normal)
        detector.fit_patches(normal, tiles.clean.tiles.shape[1:])
        maps = []
        for batch in patches.batches(test):
            batch = features.apply_whitening(batch)
            maps.append(detector.predict_distances(detector.patch_distances(batch, n_neighbors), batch).maps)
        tested = concatenate([tiles.clean[test], tiles.defective])
        yield evaluate_tiles(tiles.strips, tested, np.concatenate(maps))
