"""Measurements of notebook 03: the cost of a choice of features, and its AUROC on the split tiles."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from aitex_utils import metrics
from aitex_utils.features import PatchFeatures
from aitex_utils.lessons.cache import cached
from aitex_utils.lessons.data import profile
from aitex_utils.patchcore import PAPER, PatchCore

from .setup import Split

if TYPE_CHECKING:
    import torch
    from torch import nn

CORESET_RATIO = 0.05
VARIES = 0.4  # width of the middle half of the rounds, relative to the median, above which a table has a warning


class Result(NamedTuple):
    """The AUROC of a choice of features on several fabrics.

    Parameters
    ----------
    tile_auroc, pixel_auroc : ndarray, shape (fabrics,)
        Tile-level AUROC, and pixel-level AUROC within the defective test tiles.
    scores : list of ndarray, each of shape (T,)
        Anomaly scores of the test tiles of each fabric.

    Examples
    --------
    >>> Result(np.array([0.9]), np.array([0.8]), [np.zeros(2)]).tile_auroc.mean()
    np.float64(0.9)
    """

    tile_auroc: np.ndarray
    pixel_auroc: np.ndarray
    scores: list[np.ndarray]


class Cost(NamedTuple):
    """The time and the size of the patches of one tile.

    Parameters
    ----------
    milliseconds : ndarray, shape (rounds,)
        Time per tile in each round.
    shape : tuple of int
        Shape (H', W', C) of a tile's patches.

    Examples
    --------
    >>> Cost(np.array([4.0, 5.0, 9.0]), (32, 32, 152)).kib
    608.0
    """

    milliseconds: np.ndarray
    shape: tuple[int, ...]

    @property
    def kib(self) -> float:
        """Size of a tile's patches in KiB, as float32."""
        return float(np.prod(self.shape)) * 4 / 1024


def measure_choice(name: str, choice: Mapping[str, Any], splits: Sequence[Split]) -> Result:
    """Fit PatchCore with one choice of features on each fabric and measure it, or take the result from the cache.

    Parameters
    ----------
    name : str
        Name of the choice.
    choice : mapping
        Arguments of `PatchCore` that differ from the paper's recipe.
    splits : sequence of Split
        Training and test tiles.

    Returns
    -------
    Result

    Notes
    -----
    The coreset sampling ratio is 5 %. The score of a tile is the largest distance of its patches.

    Examples
    --------
    >>> measure_choice("default", {}, load_splits()).tile_auroc.shape  # doctest: +SKIP
    (3,)
    """

    def make() -> dict[str, np.ndarray]:
        arrays, tile_level, pixel_level = {}, [], []
        for split in splits:
            detector = PatchCore(**{**PAPER, "coreset_ratio": CORESET_RATIO, **choice}, seed=0)
            result = detector.fit(split.training).predict(split.test)
            marked = split.labels & split.masks.any(axis=(1, 2))
            tile_level.append(metrics.auroc(split.labels, result.scores))
            pixel_level.append(metrics.auroc(split.masks[marked].ravel(), result.maps[marked].ravel()))
            arrays[f"scores.{split.fabric}"] = result.scores
        return {"tile_auroc": np.array(tile_level), "pixel_auroc": np.array(pixel_level), **arrays}

    entry = f"nb03_{re.sub('[^a-z0-9]+', '_', name.lower()).strip('_')}_{profile()}"
    tiles = [[split.training, split.test, split.masks] for split in splits]
    arrays = cached(entry, make, code=(PatchCore,), choice=dict(choice), ratio=CORESET_RATIO, tiles=tiles)
    scores = [arrays[f"scores.{split.fabric}"] for split in splits]
    return Result(arrays["tile_auroc"], arrays["pixel_auroc"], scores)


def bootstrap_differences(
    choice: Result, baseline: Result, splits: Sequence[Split], n_resamples: int = 500
) -> np.ndarray:
    """Return the difference in mean tile AUROC (choice - baseline) for resampled test tiles.

    Parameters
    ----------
    choice, baseline : Result
        Results on the same splits.
    splits : sequence of Split
        Training and test tiles.
    n_resamples : int
        Number of resamples.

    Returns
    -------
    ndarray, shape (n_resamples,)

    Notes
    -----
    Both choices are compared on the same resampled tiles. Clean and defective tiles are resampled separately.

    Examples
    --------
    >>> tiles, labels = np.zeros((4, 2, 2), np.uint8), np.array([False, False, True, True])
    >>> split = Split("00", tiles, tiles, tiles > 0, labels)
    >>> good, bad = (Result(np.ones(1), np.ones(1), [np.array(s)]) for s in ([1, 2, 3, 4], [4, 3, 2, 1]))
    >>> bootstrap_differences(good, bad, [split], 3)
    array([1., 1., 1.])
    """
    rng, differences = np.random.default_rng(0), np.zeros(n_resamples)
    for scores, baseline_scores, split in zip(choice.scores, baseline.scores, splits, strict=True):
        clean, defective = np.flatnonzero(~split.labels), np.flatnonzero(split.labels)
        better, baseline_better = (_pairs_won(s, clean, defective) for s in (scores, baseline_scores))
        for i in range(n_resamples):
            rows = rng.integers(len(defective), size=len(defective))
            columns = rng.integers(len(clean), size=len(clean))
            drawn = np.ix_(rows, columns)
            differences[i] += better[drawn].mean() - baseline_better[drawn].mean()
    return differences / len(splits)


def _pairs_won(scores: np.ndarray, clean: np.ndarray, defective: np.ndarray) -> np.ndarray:
    """Return 1 where a defective tile (row) scores higher than a clean tile (column), 0.5 for ties, else 0."""
    table = scores[defective][:, None] - scores[clean][None]
    return (np.sign(table) + 1) / 2


def measure_costs(
    extractors: Mapping[str, PatchFeatures], tiles: np.ndarray, rounds: int = 9, limit: float = 15.0
) -> dict[str, Cost]:
    """Time feature extractors in turn, after one round of warm-up.

    Parameters
    ----------
    extractors : mapping of str to PatchFeatures
        Feature extractors by name, already fitted.
    tiles : ndarray, shape (N, H, W)
        Tiles, uint8.
    rounds : int
        Number of rounds. All extractors run in every round, so another program slows all of them.
    limit : float
        Seconds after which no further round begins, except for the first three.

    Returns
    -------
    dict of str to Cost

    Examples
    --------
    >>> features = PatchFeatures(pretrained=False)
    >>> measure_costs({"default": features}, np.zeros((1, 64, 64), np.uint8), rounds=2)["default"].shape
    (8, 8, 152)
    """
    milliseconds: dict[str, list[float]] = {name: [] for name in extractors}
    shapes: dict[str, tuple[int, ...]] = {}
    started = time.perf_counter()
    for i in range(rounds + 1):
        if i > 3 and time.perf_counter() - started > limit:
            break
        for name, features in extractors.items():
            begin = time.perf_counter()
            patches = features.transform(tiles)
            if i:  # round 0 is the warm-up
                milliseconds[name].append(1000 * (time.perf_counter() - begin) / len(tiles))
            shapes[name] = patches.shape[1:]
    return {name: Cost(np.array(values), shapes[name]) for name, values in milliseconds.items()}


def describe_costs(costs: Mapping[str, Cost], baseline: str) -> str:
    """Return a table of costs: the median time per tile, the ratio to a baseline, the shape and the size of patches.

    Parameters
    ----------
    costs : mapping of str to Cost
        Costs by name.
    baseline : str
        Name of the choice with ratio 1.

    Returns
    -------
    str
        The range after the median covers the middle half of the rounds. The ratio is the median of the ratios within
        each round, so a slow round changes it little. A last line warns if the times vary a lot.

    Examples
    --------
    >>> print(describe_costs({"default": Cost(np.array([4.0, 5.0, 6.0]), (32, 32, 152))}, "default"))
    choice            milliseconds per tile (half)   ratio         patches      KiB
    default                 5.0   (4.5 to 5.5)         1.0   32 x 32 x 152      608
    """
    lines = [f"{'choice':18}milliseconds per tile (half)   ratio {'patches':>15} {'KiB':>8}"]
    spreads = []
    unit = costs[baseline].milliseconds
    for name, cost in costs.items():
        low, middle, high = np.quantile(cost.milliseconds, [0.25, 0.5, 0.75])
        ratio = np.median(cost.milliseconds / unit)
        spread = f"({low:.1f} to {high:.1f})"
        shape = " x ".join(map(str, cost.shape))
        lines.append(f"{name:20}{middle:7.1f}   {spread:18} {ratio:5.1f} {shape:>15} {cost.kib:8,.0f}")
        spreads.append((high - low) / middle)
    if max(spreads) > VARIES:
        lines.append("The times vary, because other programs are running. Run the cell again before you compare them.")
    return "\n".join(lines)


def devices() -> list[str]:
    """Return the names of the devices on which PyTorch can run here, "cpu" first.

    Returns
    -------
    list of str

    Examples
    --------
    >>> devices()[0]
    'cpu'
    """
    import torch

    found = ["cpu"]
    if torch.cuda.is_available():
        found.append("cuda")
    if torch.backends.mps.is_available():
        found.append("mps")
    return found


def time_batches(
    network: nn.Module, image: torch.Tensor, device: str, batch_sizes: Sequence[int], rounds: int = 5
) -> dict[int, np.ndarray]:
    """Time a network on one device for several batch sizes, after a warm-up.

    Parameters
    ----------
    network : torch.nn.Module
        Network, moved to the device for the measurement and back afterwards.
    image : torch.Tensor, shape (1, C, H, W)
        Input, repeated to fill a batch.
    device : str
        Name of a device, see `devices`.
    batch_sizes : sequence of int
        Numbers of tiles that the network sees at once.
    rounds : int
        Number of measurements of each batch size.

    Returns
    -------
    dict of int to ndarray, each of shape (rounds,)
        Milliseconds per tile. The clock stops when the device has finished, see `torch.cuda.synchronize`.

    Examples
    --------
    >>> import torch
    >>> sorted(time_batches(torch.nn.ReLU(), torch.zeros(1, 1, 2, 2), "cpu", (1, 8), rounds=2))
    [1, 8]
    """
    import torch

    wait: Callable[[], None] = {"cuda": torch.cuda.synchronize, "mps": torch.mps.synchronize}.get(device, lambda: None)
    milliseconds: dict[int, list[float]] = {size: [] for size in batch_sizes}
    network.to(device)
    try:
        with torch.inference_mode():
            for i in range(rounds + 1):
                for size in batch_sizes:
                    images = image.expand(size, -1, -1, -1).contiguous().to(device)
                    wait()
                    begin = time.perf_counter()
                    network(images)
                    wait()
                    if i:  # round 0 is the warm-up
                        milliseconds[size].append(1000 * (time.perf_counter() - begin) / size)
    finally:
        network.to("cpu")
    return {size: np.array(values) for size, values in milliseconds.items()}
