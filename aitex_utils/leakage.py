"""One detector, two exams: how much better it looks when tiles of the strips that it was fitted on are in the test.

The lab of notebook 01. Everything works on patches that were extracted once, so that many splits cost little.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from . import metrics
from .errors import InputError
from .memory_bank import MemoryBank
from .patchcore import PatchCore

STRIPS, TILES, CORESET = 4, 20, 0.02  # of one split: strips to fit on, tiles to fit on, share that the bank keeps


@dataclass(frozen=True)
class Exams:
    """Scores of one detector. `same`: other tiles of the strips it was fitted on; `new`: tiles of other strips; both
    (T,) and clean. `others`: scores of further groups of tiles by name, "defective" among them."""

    same: np.ndarray
    new: np.ndarray
    others: Mapping[str, np.ndarray] = field(default_factory=dict)

    def auroc(self, normal: str, group: str = "defective") -> float:
        """Return the tile AUROC of `group` against the normal tiles "same" (split by tile) or "new" (by strip)."""
        clean, suspects = getattr(self, normal), self.others[group]
        return metrics.auroc(np.repeat([False, True], [len(clean), len(suspects)]), np.concatenate([clean, suspects]))

    @property
    def gap(self) -> float:
        """How much higher the AUROC is when split by tile."""
        return self.auroc("same") - self.auroc("new")


def two_exams(
    patches: np.ndarray,
    owner: np.ndarray,
    others: Mapping[str, np.ndarray],
    *,
    seed: int,
    strips: int = STRIPS,
    tiles: int = TILES,
) -> Exams:
    """Fit one detector on some tiles of a few strips; examine it on other tiles of those strips, and of others.

    What differs between the exams is the normal tiles alone: detector, fit tiles, number of tiles and defective tiles
    are the same. The first exam is what a split by tile asks, the second what a split by strip asks.

    Parameters
    ----------
    patches : ndarray (N, P, C) float32, P patches of each clean tile
    owner : ndarray (N,), the strip that each tile comes from
    others : groups of further tiles to score, each (M, P, C); "defective" is needed for the gap
    seed : draws strips, tiles and the coreset's start
    strips, tiles : how many strips are fitted on, and with how many tiles in all

    Raises
    ------
    InputError : too few strips or tiles for such a split
    """
    patches, owner = np.asarray(patches), np.asarray(owner)
    names = np.unique(owner)
    if patches.ndim != 3 or owner.shape != patches.shape[:1]:
        raise InputError(f"patches {patches.shape} and owner {owner.shape}: expected (N, P, C) and (N,).")
    if not 0 < strips < len(names):
        raise InputError(f"strips is {strips}: give 1 to {len(names) - 1}, there are {len(names)} strips in all.")
    random = np.random.default_rng(seed)
    chosen = np.isin(owner, random.permutation(names)[:strips])
    known, unknown = random.permutation(np.flatnonzero(chosen)), random.permutation(np.flatnonzero(~chosen))
    if len(known) < 2 * tiles or len(unknown) < tiles:
        raise InputError(
            f"The {strips} strips have {len(known)} tiles and the others {len(unknown)}: "
            f"{2 * tiles} and {tiles} are needed, choose fewer tiles or more strips."
        )
    fit, same, new = known[:tiles], known[tiles : 2 * tiles], unknown[:tiles]
    detector = PatchCore(coreset=CORESET, seed=seed).fit_patches(patches[fit].reshape(-1, patches.shape[-1]))
    groups = {name: farthest(detector.bank_, group) for name, group in others.items()}
    return Exams(farthest(detector.bank_, patches[same]), farthest(detector.bank_, patches[new]), groups)


def farthest(bank: MemoryBank, patches: np.ndarray) -> np.ndarray:
    """Return each tile's score, (N,): the largest of the distances of its patches (N, P, C) to the bank."""
    distances, _ = bank.nearest(patches.reshape(-1, patches.shape[-1]), 1)  # (N * P, 1)
    return distances.reshape(len(patches), -1).max(axis=1)


def resemblance(patches: np.ndarray, every: int = 16) -> np.ndarray:
    """Return how far tile i is from tile j, ndarray (N, N): the mean distance of its patches to the nearest in j.

    patches (N, P, C). Of tile i only every `every`-th patch is asked, of tile j all. The diagonal is NaN.
    """
    count, channels = len(patches), patches.shape[-1]
    asked = np.ascontiguousarray(patches[:, ::every]).reshape(-1, channels)
    found = np.empty((count, count))
    for j, tile in enumerate(patches):
        found[:, j] = MemoryBank().add(tile).nearest(asked, 1)[0].reshape(count, -1).mean(axis=1)
    np.fill_diagonal(found, np.nan)
    return found


def within_and_between(distances: np.ndarray, owner: np.ndarray) -> tuple[float, float]:
    """Return the mean of `resemblance` (N, N) over pairs of tiles of one strip, and over pairs of two strips."""
    one_strip = np.equal.outer(owner, owner)
    return float(np.nanmean(distances[one_strip])), float(np.nanmean(distances[~one_strip]))


def mean_interval(values: np.ndarray, level: float = 0.95) -> tuple[float, float, float]:
    """Return the mean of repeated measurements (N,) and the ends of Student's interval for it.

    It holds for repetitions with other random splits of the same strips, not for other strips.
    """
    from scipy.stats import t

    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or len(values) < 2:
        raise InputError(f"values has shape {values.shape}: give at least two measurements, (N,).")
    reach = t.ppf((1 + level) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean()), float(values.mean() - reach), float(values.mean() + reach)
