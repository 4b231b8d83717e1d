"""The needs of a fit in memory, distances and hours, from constants that are measured in the notebook."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from aitex_utils.coreset import coreset_size, k_center_greedy
from aitex_utils.features import PatchFeatures
from aitex_utils.memory_bank import MemoryBank
from aitex_utils.streaming_coreset import OVERSAMPLING, WORKING_COPIES

STRIP_WIDTH = 4096  # px
LOOM_STRIPS_PER_DAY = 4 * 60 * 24
DATA = {  # number of strips
    "AITEX": 141,
    "one loom, a day": LOOM_STRIPS_PER_DAY,
    "100 looms, a day": 100 * LOOM_STRIPS_PER_DAY,
    "a million strips": 1_000_000,
}
METHODS = ("whole", "blocks", "tree")
MOST_STRIPS = 10_000_000
EVERY = 16  # the bank of the search contains one of so many patches


class Constants(NamedTuple):
    """Constants of one machine and one detector.

    Parameters
    ----------
    strip_patches : int
        Patches of a strip.
    channels : int
        Numbers of a patch.
    strip_seconds : float
        Seconds of one core to extract the patches of a strip.
    greedy_rate : float
        Distances per second of one core while a coreset is chosen: patches times choices, also those that are ruled
        out without being computed.
    search_rate : float
        Distances per second of an exact search.

    Examples
    --------
    >>> Constants(16384, 152, 0.5, 1e9, 1e10).patch_bytes
    608
    """

    strip_patches: int
    channels: int
    strip_seconds: float
    greedy_rate: float
    search_rate: float

    @property
    def patch_bytes(self) -> int:
        """Bytes of a patch in float32."""
        return 4 * self.channels


class Bill(NamedTuple):
    """The needs of a fit and of a search.

    Parameters
    ----------
    memory : float
        Bytes of the largest step, with its working copies.
    extraction : float
        Seconds of one core for the extraction of all patches.
    selection : float
        Seconds of one core for all greedy choices.
    bank : int
        Number of vectors in the bank.
    search : float
        Seconds of one core to search for the patches of one strip.

    Examples
    --------
    >>> Bill(2**30, 10.0, 5.0, 100, 0.1).hours(cores=1)
    0.004166666666666667
    """

    memory: float
    extraction: float
    selection: float
    bank: int
    search: float

    def hours(self, cores: int) -> float:
        """Return the hours of a fit on several cores, all of them always busy.

        Parameters
        ----------
        cores : int
            Number of cores.

        Returns
        -------
        float
        """
        return (self.extraction + self.selection) / 3600 / cores


def measure_constants(pieces: Sequence[np.ndarray], features: PatchFeatures, tile_size: int = 256) -> Constants:
    """Measure the constants of this machine on one core.

    Parameters
    ----------
    pieces : sequence of ndarray, each of shape (H, W)
        Pieces of strips. Together they are one block.
    features : PatchFeatures
        Extractor.
    tile_size : int
        Side of the tiles in px.

    Returns
    -------
    Constants

    Examples
    --------
    >>> pieces = np.random.default_rng(0).integers(0, 255, (4, 64, 128), np.uint8)
    >>> measure_constants(pieces, PatchFeatures(size=64, device="cpu"), 64).channels
    152
    """
    from threadpoolctl import threadpool_limits

    from aitex_utils.scale.blocks import extract_patches, one_thread

    with threadpool_limits(1), one_thread():
        extract_patches(pieces[:1], features, tile_size)  # a warm-up, which is not timed
        extracted, extraction = _core_seconds(lambda: extract_patches(pieces, features, tile_size))
        patches = np.concatenate([one.reshape(-1, one.shape[-1]) for one in extracted])
        k = coreset_size(OVERSAMPLING * 0.01, len(patches))
        _, greedy = _core_seconds(lambda: k_center_greedy(patches, k, seed=0))
        vectors, queries = patches[::EVERY], patches[: len(patches) // 4]
        bank = MemoryBank(device="cpu").add(vectors)
        bank.search(queries)  # likewise
        _, search = _core_seconds(lambda: bank.search(queries))
    scale = STRIP_WIDTH / sum(piece.shape[1] for piece in pieces)
    rates = len(patches) * k / greedy, len(queries) * len(vectors) / search
    return Constants(round(len(patches) * scale), patches.shape[1], extraction * scale, *rates)


def fit_bill(
    strips: int, constants: Constants, method: str, *, ratio: float = 0.01, block_size: int = 65_536, fan_in: int = 8
) -> Bill:
    """Return the bill of a fit.

    Parameters
    ----------
    strips : int
        Number of strips.
    constants : Constants
        Constants of the machine.
    method : str
        "whole" (all patches in one memory), "blocks" (one union of all blocks' coresets) or "tree" (unions of `fan_in`
        nodes).
    ratio : float
        Coreset sampling ratio.
    block_size : int
        Patches per block.
    fan_in : int
        Nodes that the tree merges at once.

    Returns
    -------
    Bill

    Notes
    -----
    A greedy choice of k among n patches counts n k distances. A node of the tree keeps at most `block_size` / `fan_in`
    patches, so the root has at most `block_size`. A bank that would be larger by its ratio gets no more than this.

    Examples
    --------
    >>> constants = Constants(16384, 152, 0.5, 1e9, 1e10)
    >>> [f"{fit_bill(1000, constants, method).memory / 2**30:.2f}" for method in METHODS]
    ['32.47', '0.49', '0.13']
    """
    n = strips * constants.strip_patches
    bank = coreset_size(ratio, n)
    working = WORKING_COPIES * constants.patch_bytes
    block = min(n, block_size)
    n_blocks = n / block
    if method == "whole":
        memory, pairs = working * n, float(n) * bank
    elif method == "blocks":
        kept = min(block, OVERSAMPLING * ratio * block)
        union = kept * n_blocks
        memory, pairs = working * max(block, union), n * kept + union * bank
    else:
        limit = block_size / fan_in
        kept = min(block, OVERSAMPLING * ratio * block, limit)
        pairs, nodes = n * kept, math.ceil(n_blocks)
        while nodes > fan_in:  # level by level: up to `fan_in` nodes are merged into one
            merged = math.ceil(nodes / fan_in)
            union = kept * nodes / merged
            kept = min(union, OVERSAMPLING * ratio * n / merged, limit)
            pairs, nodes = pairs + merged * union * kept, merged
        union = nodes * kept
        bank = round(min(bank, union))
        memory, pairs = working * max(block, union), pairs + union * bank
    search = constants.strip_patches * bank / constants.search_rate
    return Bill(memory, strips * constants.strip_seconds, pairs / constants.greedy_rate, bank, search)


def describe_bill(name: str, bill: Bill) -> str:
    """Return the bill as one line of a table.

    Parameters
    ----------
    name : str
        Name of the data.
    bill : Bill
        The bill.

    Returns
    -------
    str

    Examples
    --------
    >>> print(describe_bill("AITEX", Bill(2**30, 3600.0, 3600.0, 1000, 0.1)))
    AITEX                   1.0 GiB        1.0 h        1.0 h       1,000 vectors       0.1 s per strip
    """
    hours = [_hours(seconds) for seconds in (bill.extraction, bill.selection)]
    return (
        f"{name:18} {bill.memory / 2**30:>8,.1f} GiB {hours[0]:>10} h {hours[1]:>10} h {bill.bank:>11,} vectors "
        f"{bill.search:>9,.1f} s per strip"
    )


def describe_heads() -> str:
    """Return the heads of the columns of `describe_bill`.

    Returns
    -------
    str

    Examples
    --------
    >>> print(describe_heads())
    data                     memory   extraction       greedy                bank            search
    """
    return f"{'data':18} {'memory':>12} {'extraction':>12} {'greedy':>12} {'bank':>19} {'search':>17}"


def breaking_points(
    constants: Constants, method: str, *, memory_gib: float, hours: float, search_seconds: float, cores: int
) -> dict[str, int]:
    """Return the number of strips at which each part of a bill exceeds its limit, the smallest first.

    Parameters
    ----------
    constants : Constants
        Constants of the machine.
    method : str
        As in `fit_bill`.
    memory_gib : float
        Memory of the machine.
    hours : float
        Hours that the extraction, and the greedy choices, can take.
    search_seconds : float
        Seconds that the search for one strip can take.
    cores : int
        Cores of the machine.

    Returns
    -------
    dict of str to int
        Parts that stay within their limits up to `MOST_STRIPS` strips are left out.

    Examples
    --------
    >>> constants = Constants(16384, 152, 0.5, 1e9, 1e10)
    >>> breaking_points(constants, "whole", memory_gib=16, hours=24, search_seconds=15, cores=2)
    {'memory': 493, 'greedy choices': 8024, 'search': 55880, 'extraction': 345601}
    """
    parts: dict[str, Callable[[Bill], bool]] = {
        "memory": lambda bill: bill.memory / 2**30 > memory_gib,
        "extraction": lambda bill: bill.extraction / 3600 / cores > hours,
        "greedy choices": lambda bill: bill.selection / 3600 / cores > hours,
        "search": lambda bill: bill.search > search_seconds,
    }
    found = {}
    for name, exceeds in parts.items():
        if not exceeds(fit_bill(MOST_STRIPS, constants, method)):
            continue
        low, high = 0, MOST_STRIPS
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if exceeds(fit_bill(middle, constants, method)) else (middle, high)
        found[name] = high
    return dict(sorted(found.items(), key=lambda pair: pair[1]))


def _core_seconds(call: Callable[[], Any]) -> tuple[Any, float]:
    """Return a result, and the seconds of a core that it took: other programs do not count."""
    began = time.process_time()
    result = call()
    return result, max(time.process_time() - began, 1e-3)


def _hours(seconds: float) -> str:
    hours = seconds / 3600
    return f"{hours:,.0f}" if hours >= 100 else f"{hours:.1f}" if hours >= 1 else f"{hours:.3f}"
