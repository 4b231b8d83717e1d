"""PatchCore (Roth et al., CVPR 2022, arXiv 2106.08265): fit, score, save, load: the rooms above, in this order."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .coreset import coreset_size, k_center_greedy, k_means, random_subset
from .errors import InputError, check_tiles
from .features import PatchFeatures
from .memory_bank import KINDS, MemoryBank
from .saved import load_detector, save_detector
from .scoring import IMAGE_SCORES, above_usual, anomaly_maps, image_scores, strip_map, usual_distances, usual_in_rows
from .tiling import fabric_region, tile

SAMPLERS = ("greedy", "random", "k_means")

# The recipe of the paper, for comparing with it: tiles as they are, in one size, with zeros around them.
PAPER: dict[str, Any] = {
    "size": None,
    "padding": "zeros",
    "level": False,
    "coreset": 0.10,
    "smoothing": 4.0,
    "baseline": None,
}


@dataclass(frozen=True)
class Found:
    """What a detector found on tiles: `maps` (N, H, W) float32 and `scores` (N,) float32, higher = less normal."""

    maps: np.ndarray
    scores: np.ndarray


@dataclass(frozen=True)
class StripFound:
    """What a detector found on a strip: `map` (H, W) float32, NaN off the fabric; `score`, its highest; the tiles."""

    map: np.ndarray
    score: float
    tile_scores: np.ndarray
    corners: np.ndarray
    region: tuple[int, int]


class PatchCore:
    """A detector that has seen only normal tiles, or strips, and says how far others are from them.

    The defaults are what found most defects on AITEX (`benchmarks/README.md`); `PatchCore(**PAPER)` is the recipe of
    the paper.

    Parameters
    ----------
    backbone, layers, size, pooling, padding, whiten, batch_size : see `PatchFeatures`.
    coreset : share of the normal patches that the memory bank keeps, above 0 up to 1.
    sampler : how they are chosen, "greedy" (k-center), "random" or "k_means".
    index : kind of `MemoryBank`, "flat" (exact), "ivf", "hnsw" or "pq". "hnsw" finds most nearest patches, but its
        rare misses are bad ones, and a tile's largest distance is among them: it costs AUROC (notebook 05).
    level : divide each distance by what is usual at its place in a tile (in its row, where strips are fitted), see
        `scoring.usual_distances` and `usual_in_rows`.
    baseline : quantile of a strip's own map, row by row, that `score_strip` takes off, see `scoring.above_usual`; None
        leaves it as it is. The lower, the longer a defect may be; not for the reweighted image scores.
    smoothing : standard deviation in px of the Gaussian over anomaly maps, 0 = none.
    image_score : "max", "mean", "top", "reweighted" or "reweighted_by_patch", see `scoring`.
    seed : draws the coreset's start and projection; the same seed gives the same result on one machine, bit for bit.
    progress : show bars for what takes long.

    Fitted attributes: `bank_`, `tile_shape_`, `radius_` (the coreset's covering radius; None for other samplers),
    `usual_` (H', W'), or (H', 1) of strips, None without `level`; `whole_`: True if strips were fitted.
    """

    usual_: np.ndarray | None = None
    whole_ = False

    def __init__(
        self,
        *,
        backbone: str = "efficientnet_lite0",
        layers: tuple[str, ...] | None = None,
        size: int | None = 448,
        pooling: int | Sequence[int] = 3,
        padding: str = "reflect",
        whiten: bool = False,
        batch_size: int = 8,
        coreset: float = 0.05,
        sampler: str = "greedy",
        index: str = "flat",
        level: bool = True,
        baseline: float | None = 0.25,
        smoothing: float = 2.0,
        image_score: str = "max",
        seed: int = 0,
        progress: bool = False,
    ) -> None:
        for name, value, known in (
            ("sampler", sampler, SAMPLERS),
            ("index", index, KINDS),
            ("image_score", image_score, IMAGE_SCORES),
        ):
            if value not in known:
                raise InputError(f"{name} is {value!r}: choose one of {', '.join(known)}.")
        # What is wrong is refused now, not after minutes of extraction.
        if not isinstance(coreset, (int, float, np.number)) or isinstance(coreset, bool):
            raise InputError(f"coreset is {coreset!r}, expected a share above 0 and up to 1, for example 0.10.")
        coreset_size(coreset, 1)
        if not isinstance(smoothing, (int, float, np.number)) or not 0 <= smoothing < np.inf:
            raise InputError(f"smoothing is {smoothing!r}, expected a number of px of at least 0 (0 = none).")
        if baseline is not None and (not isinstance(baseline, (int, float, np.number)) or not 0 <= baseline <= 1):
            raise InputError(f"baseline is {baseline!r}, expected a quantile from 0 to 1, for example 0.25, or None.")
        if level and sampler == "k_means":
            raise InputError(
                "level needs to know which tile a kept patch is of: take the sampler greedy or random, or level=False."
            )
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**32:
            raise InputError(f"seed is {seed!r}, expected a whole number from 0 to 4294967295.")
        self.features = PatchFeatures(
            backbone,
            layers,
            pooling=pooling,
            size=size,
            padding=padding,
            whiten=whiten,
            batch_size=batch_size,
            progress=progress,
        )
        self.level, self.baseline = bool(level), None if baseline is None else float(baseline)
        # Plain numbers, not NumPy's, which JSON can't hold.
        self.coreset, self.sampler, self.index = float(coreset), sampler, index
        self.smoothing, self.image_score, self.seed, self.progress = float(smoothing), image_score, int(seed), progress

    def fit(self, tiles: np.ndarray) -> PatchCore:
        """Learn what is normal from normal tiles (N, H, W) uint8; return the detector itself."""
        tiles = check_tiles(tiles)
        return self.fit_patches(self.features.fit_transform(tiles), tiles.shape[1:])

    def fit_patches(self, patches: np.ndarray, tile_shape: tuple[int, int] = (256, 256)) -> PatchCore:
        """Learn from patches (N, H', W', C) that this detector's `features` made, or (N, C) without `level`."""
        if self.level and patches.ndim != 4:
            raise InputError(f"level needs patches (N, H', W', C), tile by tile, not of shape {patches.shape}.")
        flat = patches.reshape(-1, patches.shape[-1])
        kept, chosen, self.radius_ = self._sample(flat)
        self.usual_ = usual_distances(patches, chosen) if self.level else None
        self.bank_, self.whole_ = MemoryBank(self.index).add(kept), False
        self.tile_shape_ = (int(tile_shape[0]), int(tile_shape[1]))
        return self

    def fit_strips(self, strips: Iterable[np.ndarray], *, side: int = 256) -> PatchCore:
        """Learn from the fabric of whole normal strips, each (H, W) uint8, as high as tiles of `side` px are wide.

        Such a detector scores strips whole too (`score_strip`): no patch lies at the edge of a tile, but for the
        strip's own, and no defect on a seam. Scores of tiles are then taken from the strip's map.
        """
        if self.image_score.startswith("reweighted"):
            raise InputError(f"image_score {self.image_score} needs tiles: fit on tiles, or take 'max'.")
        patches = [self.features.raw_of_strip(self._checked_strip(strip, side), side) for strip in strips]
        if not patches:
            raise InputError("There are no strips to learn from: give at least one.")
        if len(patches) == 1:  # its halves are two strips: what is usual is learned from others only
            patches = np.array_split(patches[0], 2, axis=1)
        if self.features.whiten:
            self.features.fit_whitening(np.concatenate([p.reshape(-1, p.shape[-1]) for p in patches]))
            patches = [self.features.whitened(p) for p in patches]
        kept, chosen, self.radius_ = self._sample(np.concatenate([p.reshape(-1, p.shape[-1]) for p in patches]))
        self.usual_ = usual_in_rows(patches, chosen) if self.level else None
        self.bank_, self.whole_, self.tile_shape_ = MemoryBank(self.index).add(kept), True, (int(side), int(side))
        return self

    def score(self, tiles: np.ndarray) -> Found:
        """Return anomaly maps and image scores of tiles (N, H, W) uint8 of the size that was fitted."""
        parts = list(self._score_batches(check_tiles(tiles)))
        return Found(np.concatenate([p.maps for p in parts]), np.concatenate([p.scores for p in parts]))

    def score_patches(self, patches: np.ndarray) -> Found:
        """Return what `score` does, from patches (N, H', W', C) that this detector's `features` made of tiles."""
        n, height, width, channels = patches.shape
        patches = patches.reshape(n, height * width, channels)
        distances = self._levelled(self._distances(patches.reshape(-1, channels)).reshape(n, height, width))
        scores = image_scores(self.image_score, distances.reshape(n, -1), patches, self.bank_)
        return Found(anomaly_maps(distances, self._fitted_shape(), self.smoothing), scores)

    def score_strip(self, image: np.ndarray, *, region: tuple[int, int] | None = None, overlap: int = 0) -> StripFound:
        """Score a strip (H, W) uint8: its fabric, found if no `region` is given, whole or tile by tile, as was fitted.

        With a `baseline` the map says how far each place is above what is usual in its row of this strip.
        """
        side = self._fitted_shape()[0]
        image = self._checked_strip(image, 0)
        begin, end = fabric_region(image) if region is None else region
        if not 0 <= begin < end <= image.shape[1]:
            raise InputError(
                f"region is {(begin, end)}, expected first and last column + 1 within 0..{image.shape[1]}."
            )
        fabric = image[:, begin:end]
        tiles, corners = tile(fabric, size=side, overlap=overlap)
        tile_scores, of_fabric = None, np.empty(0)
        if self.whole_:
            patches = self.features.whitened(self.features.raw_of_strip(self._checked_strip(fabric, side), side))
            distances = self._distances(patches.reshape(-1, patches.shape[-1])).reshape(patches.shape[:2])
            of_fabric = anomaly_maps(self._levelled(distances)[None], fabric.shape, self.smoothing)[0]
        else:
            found = self.score(tiles)
            tile_scores, of_fabric = found.scores, strip_map(found.maps, corners, fabric.shape)
        if self.baseline is not None:
            of_fabric = above_usual(of_fabric, self.baseline)
        if self.whole_ or (self.baseline is not None and not self.image_score.startswith("reweighted")):
            crops = np.stack([of_fabric[row : row + side, column : column + side] for row, column in corners])
            tile_scores = image_scores(self.image_score, crops, None, None)
        stitched = np.full(image.shape, np.nan, np.float32)
        stitched[:, begin:end] = of_fabric
        return StripFound(stitched, float(tile_scores.max()), tile_scores, corners + [0, begin], (begin, end))

    def save(self, folder: str | os.PathLike) -> Path:
        """Write the fitted detector as a folder, whole or not at all; see `MemoryBank.save`."""
        self._fitted_shape()
        return save_detector(self, folder)

    @classmethod
    def load(cls, folder: str | os.PathLike) -> PatchCore:
        """Read a saved detector; raise `InputError` if it is damaged, foreign, or its weights are others now."""
        return load_detector(cls, folder)

    def parameters(self) -> dict[str, Any]:
        """Return what the constructor was given, by name, with the layers that were taken."""
        features = self.features
        return {
            "backbone": features.backbone,
            "layers": list(features.layers),
            "size": features.size,
            "pooling": features.pooling if isinstance(features.pooling, int) else list(features.pooling),
            "padding": features.padding,
            "whiten": features.whiten,
            "batch_size": features.batch_size,
            "coreset": self.coreset,
            "sampler": self.sampler,
            "index": self.index,
            "level": self.level,
            "baseline": self.baseline,
            "smoothing": self.smoothing,
            "image_score": self.image_score,
            "seed": self.seed,
        }

    def _sample(self, patches: np.ndarray) -> tuple[np.ndarray, np.ndarray | None, float | None]:
        """Return the patches to keep (k, C), their indices (k,) and the covering radius; None where there is none."""
        k = coreset_size(self.coreset, len(patches))
        if self.sampler == "k_means":
            return k_means(patches, k, seed=self.seed), None, None
        if self.sampler == "random":
            indices, radius = random_subset(patches, k, seed=self.seed), None
        else:
            indices, radii = k_center_greedy(patches, k, seed=self.seed, progress=self.progress)
            radius = float(radii[-1])
        return patches[indices], indices, radius

    def _distances(self, patches: np.ndarray) -> np.ndarray:
        return self.bank_.nearest(patches, 1)[0][:, 0]

    def _levelled(self, distances: np.ndarray) -> np.ndarray:
        return distances if self.usual_ is None else distances / self.usual_

    @staticmethod
    def _checked_strip(strip: np.ndarray, side: int) -> np.ndarray:
        """Return a strip; raise `InputError` unless it is (H, W) uint8 and, with a `side`, of that height, and wide."""
        strip = np.asarray(strip)
        if strip.ndim != 2 or strip.dtype != np.uint8:
            raise InputError(f"The strip is {strip.dtype} of shape {strip.shape}, expected (H, W) uint8 grey values.")
        if side and (strip.shape[0] != side or strip.shape[1] < side):
            raise InputError(
                f"The fabric of a strip is {strip.shape[0]} x {strip.shape[1]} px, expected {side} px of height and "
                "at least that width: cut it so, or fit on tiles."
            )
        return strip

    def _fitted_shape(self) -> tuple[int, int]:
        if not hasattr(self, "bank_"):
            raise InputError("The detector has learned nothing yet: call fit(tiles) with normal tiles first.")
        return self.tile_shape_

    def _score_batches(self, tiles: np.ndarray) -> Iterator[Found]:
        if tiles.shape[1:] != self._fitted_shape():
            raise InputError(
                f"tiles are {tiles.shape[1]} x {tiles.shape[2]} px but the detector was fitted on "
                f"{self.tile_shape_[0]} x {self.tile_shape_[1]}: tile them alike."
            )
        if self.whole_:
            raise InputError("The detector was fitted on whole strips: score strips with score_strip, or fit on tiles.")
        for patches in self.features.batches(tiles):
            yield self.score_patches(patches)
