"""The leakage experiment of notebook 01: how much higher the AUROC is if the training strips are in the test set too.

All functions take patches that were extracted once, so many splits cost little.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from aitex_utils import metrics
from aitex_utils.errors import InputError, check_integer, check_number
from aitex_utils.memory_bank import MemoryBank
from aitex_utils.patchcore import PAPER, PatchCore
from aitex_utils.scoring import max_score

STRIPS, TILES = 4, 20  # strips per group, and training tiles per group, with as many test tiles
CORESET = 0.02  # coreset sampling ratio


@dataclass(frozen=True)
class LeakageResult:
    """Scores by two detectors, one row each, of clean tiles of known and of new strips.

    Parameters
    ----------
    same : ndarray, shape (2, T)
        Scores of clean tiles of the strips on which a detector was fitted: the test tiles of a split by tile.
    new : ndarray, shape (2, T)
        Scores of clean tiles of strips on which only the other detector was fitted: the test tiles of a split by
        strip.
    tile_sets : mapping of str to ndarray, each of shape (2, M)
        Scores of further sets of tiles by name, such as "defective".

    Examples
    --------
    >>> result = LeakageResult(np.array([[1.0]]), np.array([[4.0]]), {"defective": np.array([[3.0, 5.0]])})
    >>> result.auroc("same"), result.auroc("new"), result.gap
    (1.0, 0.5, 0.5)
    """

    same: np.ndarray
    new: np.ndarray
    tile_sets: Mapping[str, np.ndarray] = field(default_factory=dict)

    def auroc(self, strips: str, tile_set: str = "defective") -> float:
        """Return the tile AUROC of a set of tiles against clean ones, as the mean over the detectors.

        Parameters
        ----------
        strips : {"same", "new"}
            Where the clean tiles come from: "same" is a split by tile, "new" a split by strip.
        tile_set : str
            A name in `tile_sets`.

        Returns
        -------
        float
        """
        return _mean_auroc(getattr(self, strips), self.tile_sets[tile_set])

    @property
    def gap(self) -> float:
        """Difference in AUROC, split by tile - split by strip."""
        return self.auroc("same") - self.auroc("new")

    @property
    def novelty_auroc(self) -> float:
        """Share of pairs in which the tile of a new strip scores higher than the tile of a known one (0.5: chance)."""
        return _mean_auroc(self.same, self.new)


def draw_groups(
    groups: np.ndarray, *, seed: int, n_strips: int = STRIPS, n_tiles: int = TILES
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Draw two groups of strips without a common strip, and training and test tiles of each.

    Parameters
    ----------
    groups : ndarray, shape (N,)
        Strip of each tile.
    seed : int
        Seed of the draw.
    n_strips : int
        Number of strips in each group.
    n_tiles : int
        Number of training tiles, and of test tiles, of each group.

    Returns
    -------
    list of (ndarray, ndarray)
        Training tiles and test tiles of both groups, as indices of shape (n_tiles,).

    Raises
    ------
    InputError
        If there are too few strips or tiles.

    Examples
    --------
    >>> draws = draw_groups(np.repeat(["a", "b"], 4), seed=0, n_strips=1, n_tiles=2)
    >>> [(len(training), len(test)) for training, test in draws]
    [(2, 2), (2, 2)]
    """
    groups = np.asarray(groups)
    strips = np.unique(groups)
    check_integer("n_strips", n_strips, 1, len(strips) // 2, "half the number of strips")
    rng = np.random.default_rng(seed)
    order, draws = rng.permutation(strips), []
    for own_strips in (order[:n_strips], order[n_strips : 2 * n_strips]):
        tiles = rng.permutation(np.flatnonzero(np.isin(groups, own_strips)))
        if len(tiles) < 2 * n_tiles:
            raise InputError(
                f"{n_strips} strips have {len(tiles)} tiles, expected at least {2 * n_tiles}: "
                "choose fewer tiles or more strips."
            )
        draws.append((tiles[:n_tiles], tiles[n_tiles : 2 * n_tiles]))
    return draws


def leakage_experiment(
    patches: np.ndarray,
    groups: np.ndarray,
    tile_sets: Mapping[str, np.ndarray],
    *,
    seed: int,
    n_strips: int = STRIPS,
    n_tiles: int = TILES,
) -> LeakageResult:
    """Fit a detector on each of two groups of strips, and test both on other tiles of both groups.

    A detector's own group gives the test tiles of a split by tile, the other group the test tiles of a split by
    strip. All else is equal: detector, number of tiles, defective tiles. Each clean test tile counts in both splits,
    once per detector, so strips that are hard for any detector favour neither split.

    Parameters
    ----------
    patches : ndarray, shape (N, P, C)
        The P patches of each clean tile, float32.
    groups : ndarray, shape (N,)
        Strip of each clean tile.
    tile_sets : mapping of str to ndarray, each of shape (M, P, C)
        Patches of further sets of tiles to score; the gap needs "defective".
    seed : int
        Seed of the strips, the tiles and the coreset.
    n_strips, n_tiles : int
        As in `draw_groups`.

    Returns
    -------
    LeakageResult

    Raises
    ------
    InputError
        If shapes do not agree, or there are too few strips or tiles.

    Examples
    --------
    >>> patches = np.random.default_rng(0).random((8, 4, 2), dtype=np.float32)
    >>> groups = np.repeat(["a", "b"], 4)
    >>> leakage_experiment(patches, groups, {}, seed=0, n_strips=1, n_tiles=2).same.shape
    (2, 2)
    """
    patches, groups = np.asarray(patches), np.asarray(groups)
    if patches.ndim != 3 or groups.shape != patches.shape[:1]:
        raise InputError(
            f"patches has shape {patches.shape} and groups {groups.shape}, expected (N, P, C) and (N,): "
            "give each tile its patches and its strip."
        )
    draws = draw_groups(groups, seed=seed, n_strips=n_strips, n_tiles=n_tiles)
    recipe = {**PAPER, "coreset_ratio": CORESET, "seed": seed}
    banks = [
        PatchCore(**recipe).fit_patches(patches[training].reshape(-1, patches.shape[-1])).bank_ for training, _ in draws
    ]
    tests = [patches[test] for _, test in draws]
    return LeakageResult(
        np.stack([tile_scores(bank, test) for bank, test in zip(banks, tests, strict=True)]),
        np.stack([tile_scores(bank, test) for bank, test in zip(banks, tests[::-1], strict=True)]),
        {name: np.stack([tile_scores(bank, tiles) for bank in banks]) for name, tiles in tile_sets.items()},
    )


def tile_scores(bank: MemoryBank, patches: np.ndarray) -> np.ndarray:
    """Return the score of each tile: the largest distance of its patches to the bank.

    Parameters
    ----------
    bank : MemoryBank
        Normal patches.
    patches : ndarray, shape (N, P, C)
        The P patches of each tile.

    Returns
    -------
    ndarray, shape (N,)
        float32.

    Examples
    --------
    >>> bank = MemoryBank().add(np.zeros((1, 1), np.float32))
    >>> tile_scores(bank, np.array([[[1.0], [3.0]]], np.float32)).tolist()
    [3.0]
    """
    distances, _ = bank.search(patches.reshape(-1, patches.shape[-1]), 1)  # (N * P, 1)
    return max_score(distances.reshape(len(patches), -1))


def tile_distances(patches: np.ndarray, patch_stride: int = 16) -> np.ndarray:
    """Return the distance from each tile to each other: the mean distance of its patches to their nearest patch there.

    Parameters
    ----------
    patches : ndarray, shape (N, P, C)
        The P patches of each tile.
    patch_stride : int
        Take every n-th patch of a tile as a query, to save time; all patches of the other tile are searched.

    Returns
    -------
    ndarray, shape (N, N)
        Row i, column j: from tile i to tile j. NaN on the diagonal. Not symmetric.

    Examples
    --------
    >>> patches = np.array([[[0.0], [0.0]], [[1.0], [5.0]]], np.float32)
    >>> tile_distances(patches, patch_stride=1).tolist()
    [[nan, 1.0], [3.0, nan]]
    """
    n_tiles, channels = len(patches), patches.shape[-1]
    queries = np.ascontiguousarray(patches[:, ::patch_stride]).reshape(-1, channels)
    distances = np.empty((n_tiles, n_tiles))
    for column, tile in enumerate(patches):
        distances[:, column] = MemoryBank().add(tile).search(queries, 1)[0].reshape(n_tiles, -1).mean(axis=1)
    np.fill_diagonal(distances, np.nan)
    return distances


def within_and_between(distances: np.ndarray, groups: np.ndarray) -> tuple[float, float]:
    """Return the mean distance between tiles of one strip, and between tiles of two strips.

    Parameters
    ----------
    distances : ndarray, shape (N, N)
        Output of `tile_distances`.
    groups : ndarray, shape (N,)
        Strip of each tile.

    Returns
    -------
    within, between : float
        NaN where there is no such pair.

    Examples
    --------
    >>> distances = np.array([[np.nan, 1, 4], [3, np.nan, 6], [4, 6, np.nan]])
    >>> within_and_between(distances, np.array(["a", "a", "b"]))
    (2.0, 5.0)
    """
    same_strip, is_pair = np.equal.outer(groups, groups), ~np.isnan(distances)
    within, between = distances[same_strip & is_pair], distances[~same_strip & is_pair]
    return tuple(float(values.mean()) if len(values) else float("nan") for values in (within, between))


def bed_features(strip: np.ndarray, start: int) -> np.ndarray:
    """Describe the part of a strip left of its fabric by three numbers.

    Parameters
    ----------
    strip : ndarray, shape (H, W)
        Grey image, uint8.
    start : int
        First column of the fabric.

    Returns
    -------
    ndarray, shape (3,)
        Width in px, mean grey and standard deviation of the grey; zeros if the fabric begins at column 0.

    Examples
    --------
    >>> bed_features(np.full((2, 8), 9, np.uint8), start=3).tolist()
    [3.0, 9.0, 0.0]
    """
    bed = strip[:, :start]
    return np.array([start, bed.mean(), bed.std()] if start else [0.0, 0.0, 0.0])


def nearest_normal_distance(features: np.ndarray, is_normal: np.ndarray) -> np.ndarray:
    """Return the distance of each strip to the nearest other normal strip: PatchCore's idea, with strips for patches.

    Parameters
    ----------
    features : ndarray, shape (N, C)
        Feature vector of each strip.
    is_normal : ndarray, shape (N,)
        Bool.

    Returns
    -------
    ndarray, shape (N,)
        In standard deviations of the normal strips.

    Examples
    --------
    >>> nearest_normal_distance(np.array([[0.0], [2.0], [8.0]]), np.array([True, True, False])).tolist()
    [2.0, 2.0, 6.0]
    """
    normal = features[is_normal]
    scaled = (features - normal.mean(axis=0)) / np.maximum(normal.std(axis=0), 1e-9)
    distances = np.linalg.norm(scaled[:, None] - scaled[None], axis=-1)  # (N, N)
    np.fill_diagonal(distances, np.inf)
    return distances[:, is_normal].min(axis=1)


def mean_interval(values: np.ndarray, confidence: float = 0.95) -> tuple[float, float, float]:
    """Return the mean of repeated measurements and its confidence interval, from Student's t distribution.

    Parameters
    ----------
    values : ndarray, shape (N,)
        Measurements, at least two.
    confidence : float
        Probability with which such intervals contain the true mean, between 0 and 1.

    Returns
    -------
    mean, low, high : float

    Raises
    ------
    InputError
        If there are fewer than two measurements, or the confidence is out of range.

    Notes
    -----
    The interval is valid for repetitions with other random splits of the same strips, not for other strips.

    Examples
    --------
    >>> [round(value, 2) for value in mean_interval(np.array([1.0, 2.0, 3.0]))]
    [2.0, -0.48, 4.48]
    """
    from scipy.stats import t

    check_number("confidence", confidence, "(0, 1)", example=0.95)
    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or len(values) < 2:
        raise InputError(f"values has shape {values.shape}, expected (N,) with at least two measurements.")
    mean = values.mean()
    reach = t.ppf((1 + confidence) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return float(mean), float(mean - reach), float(mean + reach)


def _mean_auroc(lower: np.ndarray, higher: np.ndarray) -> float:
    """Return the AUROC of the scores `higher` against `lower`, as the mean over their rows."""
    labels = np.repeat([False, True], [lower.shape[1], higher.shape[1]])
    return float(np.mean([metrics.auroc(labels, np.concatenate(row)) for row in zip(lower, higher, strict=True)]))
