"""One detector, two exams: how much better it looks when tiles of the strips that it was fitted on are in the test.

The lab of notebook 01. Everything works on patches that were extracted once, so that many splits cost little.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from aitex_utils import metrics
from aitex_utils.errors import InputError
from aitex_utils.memory_bank import MemoryBank
from aitex_utils.patchcore import PAPER, PatchCore

STRIPS, TILES, CORESET = 4, 20, 0.02  # on each side of a split: strips, tiles to fit on; the share that a bank keeps


@dataclass(frozen=True)
class Exams:
    """Scores that two detectors gave, one row each: of clean tiles (2, T) of strips that it was fitted on (`same`) and
    of strips that only the other one was fitted on (`new`); of further groups of tiles (2, M) by name (`others`)."""

    same: np.ndarray
    new: np.ndarray
    others: Mapping[str, np.ndarray] = field(default_factory=dict)

    def auroc(self, normal: str, group: str = "defective") -> float:
        """Return the tile AUROC of `group` against "same" (a split by tile) or "new" (by strip), mean of detectors."""
        return _mean_auroc(getattr(self, normal), self.others[group])

    @property
    def gap(self) -> float:
        """How much higher the AUROC is when split by tile."""
        return self.auroc("same") - self.auroc("new")

    @property
    def strangeness(self) -> float:
        """In what share of pairs a tile of a new strip scores higher than one of a known strip; 0.5 = no difference."""
        return _mean_auroc(self.same, self.new)


def _mean_auroc(low: np.ndarray, high: np.ndarray) -> float:
    labels = np.repeat([False, True], [low.shape[1], high.shape[1]])
    return float(np.mean([metrics.auroc(labels, np.concatenate(pair)) for pair in zip(low, high, strict=True)]))


def draw_sides(
    owner: np.ndarray, *, seed: int, strips: int = STRIPS, tiles: int = TILES
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Draw two sides of `strips` strips each; of each side `tiles` tiles to fit on and as many others to test on.

    Parameters
    ----------
    owner : ndarray (N,), the strip that each tile comes from

    Returns
    -------
    for each of the two sides (fit, test), positions of tiles in `owner`, each (tiles,)

    Raises
    ------
    InputError : too few strips or tiles for that
    """
    names = np.unique(owner)
    if not 0 < 2 * strips <= len(names):
        raise InputError(f"strips is {strips}: give 1 to {len(names) // 2}, there are {len(names)} in all.")
    random = np.random.default_rng(seed)
    order, sides = random.permutation(names), []
    for own in (order[:strips], order[strips : 2 * strips]):
        drawn = random.permutation(np.flatnonzero(np.isin(owner, own)))
        if len(drawn) < 2 * tiles:
            raise InputError(
                f"{strips} strips have {len(drawn)} tiles, {2 * tiles} are needed: choose fewer tiles or more strips."
            )
        sides.append((drawn[:tiles], drawn[tiles : 2 * tiles]))
    return sides


def two_exams(
    patches: np.ndarray,
    owner: np.ndarray,
    others: Mapping[str, np.ndarray],
    *,
    seed: int,
    strips: int = STRIPS,
    tiles: int = TILES,
) -> Exams:
    """Fit one detector on each of two sides of strips; examine both on other tiles of their own and of the other side.

    A detector's own side is what a split by tile asks, the other side what a split by strip asks. All else is the same:
    detector, number of tiles, defective tiles. As both sides change places, each clean tile sits both exams, and
    strips that are hard for any detector can't tip the balance.

    Parameters
    ----------
    patches : ndarray (N, P, C) float32, P patches of each clean tile
    owner : ndarray (N,), the strip that each tile comes from
    others : groups of further tiles to score, each (M, P, C); "defective" is needed for the gap
    seed : draws strips, tiles and the coreset's start
    strips, tiles : see `draw_sides`
    """
    patches, owner = np.asarray(patches), np.asarray(owner)
    if patches.ndim != 3 or owner.shape != patches.shape[:1]:
        raise InputError(f"patches {patches.shape} and owner {owner.shape}: expected (N, P, C) and (N,).")
    sides = draw_sides(owner, seed=seed, strips=strips, tiles=tiles)
    recipe = {**PAPER, "coreset": CORESET, "seed": seed}
    banks = [PatchCore(**recipe).fit_patches(patches[fit].reshape(-1, patches.shape[-1])).bank_ for fit, _ in sides]
    tests = [patches[test] for _, test in sides]
    return Exams(
        np.stack([farthest(bank, test) for bank, test in zip(banks, tests, strict=True)]),
        np.stack([farthest(bank, test) for bank, test in zip(banks, tests[::-1], strict=True)]),
        {name: np.stack([farthest(bank, group) for bank in banks]) for name, group in others.items()},
    )


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


def bed_numbers(strip: np.ndarray, begin: int) -> np.ndarray:
    """Return three numbers (3,) on what lies left of a strip's fabric: width, mean grey, spread of the grey."""
    bed = strip[:, :begin]
    return np.array([begin, bed.mean(), bed.std()] if begin else [0.0, 0.0, 0.0])


def nearest_normal(numbers: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Return each strip's distance (N,) to the nearest *other* normal strip, in units of the normal strips' spread.

    numbers (N, C), normal (N,) bool. PatchCore's idea, with strips for patches.
    """
    scaled = (numbers - numbers[normal].mean(axis=0)) / np.maximum(numbers[normal].std(axis=0), 1e-9)
    distances = np.linalg.norm(scaled[:, None] - scaled[None], axis=-1)  # (N, N)
    np.fill_diagonal(distances, np.inf)
    return distances[:, normal].min(axis=1)


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
