"""The tile AUROC of several samplers and coreset sizes on the test tiles of notebook 04, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from aitex_utils import metrics
from aitex_utils.coreset import coreset_size, k_center_greedy, k_means, random_subset
from aitex_utils.features import PatchFeatures
from aitex_utils.lessons.cache import cached
from aitex_utils.lessons.data import lesson_root, profile
from aitex_utils.lessons.tile_sampling import draw_tiles
from aitex_utils.memory_bank import MemoryBank

from .setup import FabricPatches

SHARES = (0.01, 0.1, 0.25)  # coreset sampling ratios
SEEDS = 3  # of the random and the greedy sampler
SAMPLERS = ("greedy", "random", "k-means")


def scores_by_prefix(bank: np.ndarray, order: np.ndarray, sizes: Sequence[int], test: np.ndarray) -> np.ndarray:
    """Return the scores of tiles for the first patches in an order, for several sizes at once.

    Parameters
    ----------
    bank : ndarray, shape (N, C)
        All patches.
    order : ndarray, shape (K,)
        Indices in the order of choice.
    sizes : sequence of int
        Coreset sizes, rising.
    test : ndarray, shape (T, P, C)
        Patches of tiles.

    Returns
    -------
    ndarray, shape (sizes, T)
        The largest distance of any patch of a tile to its nearest chosen patch.

    Notes
    -----
    Each chosen patch is compared once: the distance to a larger coreset is the smaller of the distance to the smaller
    coreset and the distance to the added patches.

    Examples
    --------
    >>> bank = np.array([[0.0], [9.0], [5.0]], np.float32)
    >>> test = np.array([[[4.0], [1.0]]], np.float32)
    >>> scores_by_prefix(bank, np.arange(3), [1, 3], test).tolist()
    [[4.0], [1.0]]
    """
    patches, nearest, begin, scores = test.reshape(-1, test.shape[-1]), np.inf, 0, []
    for size in sizes:
        added = MemoryBank().add(bank[order[begin:size]])
        nearest = np.minimum(nearest, added.search(patches)[0][:, 0])
        scores.append(nearest.reshape(len(test), -1).max(axis=1))
        begin = size
    return np.stack(scores)


def score_fabric(method: str, bank: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Return the scores of a fabric's test tiles for each seed and coreset sampling ratio.

    Parameters
    ----------
    method : str
        "all" (no sampling), "greedy", "random" or "k-means".
    bank : ndarray, shape (N, C)
        All patches.
    test : ndarray, shape (T, P, C)
        Patches of tiles.

    Returns
    -------
    ndarray, shape (seeds, ratios, T)
        One seed for "all" and "k-means", one ratio for "all".

    Examples
    --------
    >>> bank = np.arange(200, dtype=np.float32).reshape(100, 2)
    >>> score_fabric("random", bank, bank[None, :10]).shape
    (3, 3, 1)
    """
    sizes = [coreset_size(share, len(bank)) for share in SHARES]
    if method == "all":
        return scores_by_prefix(bank, np.arange(len(bank)), [len(bank)], test)[None]
    if method == "k-means":  # centres of each size are a run of their own
        runs = [k_means(bank, size, seed=0) for size in sizes]
        rows = [scores_by_prefix(centres, np.arange(len(centres)), [len(centres)], test)[0] for centres in runs]
        return np.stack(rows)[None]
    if method == "greedy":
        orders = [k_center_greedy(bank, sizes[-1], seed=seed)[0] for seed in range(SEEDS)]
    else:
        orders = [random_subset(bank, sizes[-1], seed=seed) for seed in range(SEEDS)]
    return np.stack([scores_by_prefix(bank, order, sizes, test) for order in orders])


def sampler_scores(method: str, patches: Sequence[FabricPatches]) -> list[np.ndarray]:
    """Return `score_fabric` of each fabric, from the cache if possible.

    Parameters
    ----------
    method : str
        As in `score_fabric`.
    patches : sequence of FabricPatches
        Result of `load_patches`.

    Returns
    -------
    list of ndarray, each of shape (seeds, ratios, T)

    Examples
    --------
    >>> sampler_scores("greedy", load_patches())  # doctest: +SKIP
    """

    def make() -> dict[str, np.ndarray]:
        return {part.fabric: score_fabric(method, part.bank, part.test) for part in patches}

    code = (draw_tiles, scores_by_prefix, score_fabric, PatchFeatures, k_center_greedy, random_subset, k_means)
    name = f"04_{profile()}_{method}"
    by_fabric = cached(name, make, data=lesson_root(), code=code, shares=SHARES, method=method)
    return [by_fabric[part.fabric] for part in patches]


def tile_aurocs(scores: Sequence[np.ndarray], patches: Sequence[FabricPatches]) -> np.ndarray:
    """Return the tile AUROC of each fabric, seed and ratio.

    Parameters
    ----------
    scores : sequence of ndarray, each of shape (seeds, ratios, T)
        By fabric.
    patches : sequence of FabricPatches
        The same fabrics, with labels.

    Returns
    -------
    ndarray, shape (fabrics, seeds, ratios)

    Examples
    --------
    >>> labels = np.array([False, True])
    >>> part = FabricPatches("00", np.zeros((1, 1)), np.zeros((2, 1, 1)), labels)
    >>> tile_aurocs([np.array([[[0.1, 0.9]]])], [part]).tolist()
    [[[1.0]]]
    """
    pairs = zip(scores, patches, strict=True)
    return np.array([[[metrics.auroc(part.labels, row) for row in rows] for rows in seeds] for seeds, part in pairs])


def resample_aurocs(
    scores: Mapping[str, Sequence[np.ndarray]], patches: Sequence[FabricPatches], n_resamples: int = 500
) -> dict[str, np.ndarray]:
    """Return the mean tile AUROC of bootstrap resamples, with the same tiles for all methods.

    Parameters
    ----------
    scores : mapping of str to sequence of ndarray
        By method, the result of `sampler_scores`.
    patches : sequence of FabricPatches
        The fabrics, with labels.
    n_resamples : int
        Number of resamples.

    Returns
    -------
    dict of str to ndarray of shape (n_resamples, ratios)

    Notes
    -----
    Tiles are drawn with replacement within each fabric and label, and a seed of the sampler for each method.

    Examples
    --------
    >>> part = FabricPatches("00", np.zeros((1, 1)), np.zeros((2, 1, 1)), np.array([False, True]))
    >>> resample_aurocs({"all": [np.array([[[0.1, 0.9]]])]}, [part], n_resamples=2)["all"].tolist()
    [[1.0], [1.0]]
    """
    rng = np.random.default_rng(0)
    resampled = {method: np.zeros((n_resamples, parts[0].shape[1])) for method, parts in scores.items()}
    for i in range(n_resamples):
        for fabric, part in enumerate(patches):
            clean = rng.choice(np.flatnonzero(~part.labels), np.sum(~part.labels))
            defective = rng.choice(np.flatnonzero(part.labels), part.labels.sum())
            for method, by_fabric in scores.items():
                by_seed = by_fabric[fabric]
                tile_scores = by_seed[rng.integers(len(by_seed))]  # (ratios, T)
                higher, lower = tile_scores[:, defective, None], tile_scores[:, None, clean]
                wins = (higher > lower).mean(axis=(1, 2)) + (higher == lower).mean(axis=(1, 2)) / 2
                resampled[method][i] += wins / len(patches)
    return resampled


def describe_difference(first: str, second: str, difference: float, low: float, high: float) -> str:
    """Say what a difference of two tile AUROCs shows, from its 95 % interval.

    Parameters
    ----------
    first, second : str
        Names of the two, first - second.
    difference, low, high : float
        Mean difference and the ends of its interval.

    Returns
    -------
    str

    Examples
    --------
    >>> print(describe_difference("greedy", "random", 0.05, 0.02, 0.08))
    greedy - random: +0.050 (+0.020 to +0.080): greedy is ahead on these tiles.
    >>> print(describe_difference("greedy", "all", 0.01, -0.02, 0.03))
    greedy - all: +0.010 (-0.020 to +0.030): these tiles cannot distinguish them.
    """
    verdict = "these tiles cannot distinguish them"
    if low > 0 or high < 0:
        verdict = f"{first if low > 0 else second} is ahead on these tiles"
    return f"{first} - {second}: {difference:+.3f} ({low:+.3f} to {high:+.3f}): {verdict}."
