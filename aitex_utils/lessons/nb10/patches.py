"""The patches of strips, kept in memory: a run that changes only the bank or the scores extracts nothing anew."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Sequence

import numpy as np

from aitex_utils.features import PatchFeatures
from aitex_utils.lessons.data import profile

from .jobs import Step, Steps
from .split import BenchStrip

LIMIT = 640 * 2**20  # bytes of all patches in memory
BATCH = 4  # tiles per step: short enough to stop quickly


class PatchCache:
    """Patches by a key, as many as fit into memory. The entry that was used least recently is dropped first.

    Parameters
    ----------
    limit : int
        Largest number of bytes.

    Examples
    --------
    >>> cache = PatchCache(limit=20)
    >>> for name in "ab":
    ...     cache.put(name, np.zeros(3, np.float32))
    >>> cache.get("a") is None, cache.get("b").shape
    (True, (3,))
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self._entries: OrderedDict[Hashable, np.ndarray] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> np.ndarray | None:
        """Return the patches of a key, or None.

        Parameters
        ----------
        key : hashable
            Name of the patches.

        Returns
        -------
        ndarray or None
        """
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
            return self._entries.get(key)

    def put(self, key: Hashable, patches: np.ndarray) -> None:
        """Keep patches, unless they alone exceed the limit.

        Parameters
        ----------
        key : hashable
            Name of the patches.
        patches : ndarray
            Patches. The array is made read-only.
        """
        patches.setflags(write=False)
        with self._lock:
            self._entries.pop(key, None)
            if patches.nbytes > self.limit:
                return
            self._entries[key] = patches
            while sum(entry.nbytes for entry in self._entries.values()) > self.limit:
                self._entries.popitem(last=False)

    def clear(self) -> None:
        """Forget all patches."""
        with self._lock:
            self._entries.clear()


CACHE = PatchCache()


def extract_steps(
    features: PatchFeatures, of_features: tuple, strips: Sequence[BenchStrip], cache: PatchCache | None = None
) -> Steps[list[np.ndarray]]:
    """Extract the patches of strips, or find them in memory: one step per batch of tiles.

    Parameters
    ----------
    features : PatchFeatures
        Extractor.
    of_features : tuple
        The choices on which the patches depend, see `choices.Choices.of_features`.
    strips : sequence of BenchStrip
        Strips.
    cache : PatchCache, optional
        None takes the cache of this process.

    Returns
    -------
    generator
        Its result is a list of arrays, each (N, H', W', C), one per strip.

    Examples
    --------
    >>> steps = extract_steps(detector.features, choices.of_features, strips)  # doctest: +SKIP
    """
    cache = CACHE if cache is None else cache
    found = []
    for i, strip in enumerate(strips):
        key = cache_key(features, of_features, strip)
        patches = cache.get(key)
        if patches is None:
            tiles, batches = strip.tiles, []
            for start in range(0, len(tiles), BATCH):
                done = (i + start / len(tiles)) / len(strips)
                yield Step(done, f"patches of strip {i + 1} of {len(strips)}")
                batches.append(features.transform(tiles[start : start + BATCH]))
            patches = np.concatenate(batches)
            cache.put(key, patches)
        found.append(patches)
    return found


def cache_key(features: PatchFeatures, of_features: tuple, strip: BenchStrip) -> Hashable:
    """Return the key of a strip's patches in the cache.

    Parameters
    ----------
    features : PatchFeatures
        Extractor.
    of_features : tuple
        The choices on which the patches depend.
    strip : BenchStrip
        The strip.

    Returns
    -------
    hashable

    Examples
    --------
    >>> key = cache_key(detector.features, choices.of_features, strip)  # doctest: +SKIP
    """
    return profile(), of_features, features.padding, strip.name
