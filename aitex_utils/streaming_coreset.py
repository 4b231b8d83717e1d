"""More patches than memory holds: reduced block by block, each to a coreset of its own, and those together to one.

Let r be the largest covering radius of a block's coreset and R that of the last choice over the union of them. Each
patch is within r of one in the union, and that within R of a chosen one: all are within r + R. Greedy choices are at
most twice as wide as the best possible (Gonzalez, 1985), a block needs no wider ones than the whole, so that r + R is
at most four times the best possible, where one greedy choice among all patches has twice. Coresets that may be
joined like that are called composable (Indyk, Mahabadi, Mahdian and Mirrokni, PODS 2014).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .coreset import coreset_size, k_center_greedy
from .errors import InputError
from .pooling import part_of_all

BLOCK = 65_536  # patches, each way of pooling counted, that are reduced together, at least; strips and tiles aren't cut
COPIES = 3.5  # what a coreset of n patches needs, in their bytes: they, joined, projected, and in bfloat16
SPARE = 1.5  # a block keeps so many times its share, so that the union leaves a choice
SAMPLES = 64  # tiles or strips that are kept, to learn what is usual


@dataclass(frozen=True)
class Reduced:
    """What is left of many patches.

    By way of pooling: `kept`, (k, C / ways) float32, and `owner`, (k,), the tile or strip of each, counted from 0.
    `radius`, the bound r + R of the covering radius, the largest of the ways; `samples`, some tiles or strips as
    (number, (H', W'', C) float16), every `every`-th column.
    """

    kept: list[np.ndarray]
    owner: list[np.ndarray]
    radius: float
    samples: list[tuple[int, np.ndarray]]


def reduce_blocks(
    patches: Iterable[np.ndarray],
    share: float,
    *,
    seed: int,
    memory: float | None = None,
    ways: int = 1,
    every: int = 1,
    progress: bool = False,
) -> Reduced:
    """Choose `share` of the patches of tiles or strips that come one by one, each (H', W', C) float32.

    memory : GiB that all this may need; only when it is reached are blocks reduced. None never does. At least a block
    and a few copies of it are held, `SPARE` times what is kept, and the samples. ways : of pooling, side by side in
    the channels (`pooling.parts_of`); of each a share is chosen.
    """
    if memory is not None and not 0 < memory:
        raise InputError(f"memory is {memory!r}, expected GiB above 0, or None for no limit.")
    random = np.random.default_rng(seed)
    parts: list[list[np.ndarray]] = [[] for _ in range(ways)]
    owners: list[list[np.ndarray]] = [[] for _ in range(ways)]
    held: list[np.ndarray] = []
    samples: list[tuple[int, np.ndarray]] = []
    total, count, waiting, widest = 0, 0, 0, 0.0

    def numbers() -> np.ndarray:
        return np.repeat(np.arange(count - len(held), count), [one.shape[0] * one.shape[1] for one in held])

    def reduce() -> None:
        nonlocal widest
        of = numbers()
        k = min(len(of), round(SPARE * coreset_size(share, len(of))))
        for way in range(ways):
            block = part_of_all(held, ways, way)
            chosen, radii = k_center_greedy(block, k, seed=seed, projection=None)
            parts[way].append(block[chosen])
            owners[way].append(of[chosen])
            widest = max(widest, float(radii[-1]))
        held.clear()

    for one in patches:
        held.append(one)
        count += 1
        total += one.shape[0] * one.shape[1]
        # Which ones stay is drawn as they come, each with the same chance: how many there will be isn't known.
        place = len(samples) if len(samples) < SAMPLES else int(random.integers(count))
        if place < SAMPLES:
            samples[place : place + 1] = [(count - 1, one[:, ::every].astype(np.float16))]
        waiting += one.shape[0] * one.shape[1]
        full = memory is not None and waiting * COPIES * 4 * one.shape[-1] > memory * 2**30
        if waiting >= BLOCK // ways and (full or parts[0]):
            reduce()
            waiting = 0
    if not count:
        raise InputError("There is nothing to learn from: give at least one tile or strip.")
    reduced = bool(parts[0])
    if reduced and held:
        reduce()

    def last_choice(way: int) -> tuple[np.ndarray, np.ndarray, float]:
        # Where all fitted into memory, there is one choice among all.
        union = np.concatenate(parts[way]) if reduced else part_of_all(held, ways, way)
        of = np.concatenate(owners[way]) if reduced else numbers()
        parts[way].clear()
        k, more = min(coreset_size(share, total), len(union)), {"projection": None} if reduced else {}
        chosen, radii = k_center_greedy(union, k, seed=seed, progress=progress, **more)
        return union[chosen], of[chosen], float(radii[-1])

    kept, owner, last = zip(*map(last_choice, range(ways)), strict=True)
    return Reduced(list(kept), list(owner), widest + max(last), samples)
