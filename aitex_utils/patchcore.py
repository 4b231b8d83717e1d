"""PatchCore (Roth et al., CVPR 2022, arXiv 2106.08265): fit, score, save, load: the rooms above, in this order."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .coreset import coreset_size, k_center_greedy, k_means, random_subset
from .errors import InputError, check_tiles
from .features import PatchFeatures
from .memory_bank import KINDS, MemoryBank
from .scoring import IMAGE_SCORES, anomaly_maps, image_scores, strip_map, usual_distances
from .tiling import fabric_region, tile

SAMPLERS = ("greedy", "random", "k_means")


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
    """A detector that has seen only normal tiles and says how far others are from them.

    Parameters
    ----------
    backbone, layers, size, pooling, padding, whiten, batch_size : see `PatchFeatures`.
    coreset : share of the normal patches that the memory bank keeps, above 0 up to 1.
    sampler : how they are chosen, "greedy" (k-center), "random" or "k_means".
    index : kind of `MemoryBank`, "flat" (exact), "ivf", "hnsw" or "pq". "hnsw" finds most nearest patches, but its
        rare misses are bad ones, and a tile's largest distance is among them: it costs AUROC (notebook 05).
    level : divide each distance by what is usual at its place in a tile, see `scoring.usual_distances`.
    smoothing : standard deviation in px of the Gaussian over anomaly maps, 0 = none.
    image_score : "max", "mean", "top", "reweighted" or "reweighted_by_patch", see `scoring`.
    seed : draws the coreset's start and projection; the same seed gives the same result on one machine, bit for bit.
    progress : show bars for what takes long.

    Fitted attributes: `bank_`, `tile_shape_`, `radius_` (the coreset's covering radius; None for other samplers),
    `usual_` (H', W'; None without `level`).
    """

    usual_: np.ndarray | None = None

    def __init__(
        self,
        *,
        backbone: str = "efficientnet_lite0",
        layers: tuple[str, ...] | None = None,
        size: int | None = None,
        pooling: int = 3,
        padding: str = "zeros",
        whiten: bool = False,
        batch_size: int = 8,
        coreset: float = 0.10,
        sampler: str = "greedy",
        index: str = "flat",
        level: bool = False,
        smoothing: float = 4.0,
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
        if level and sampler == "k_means":
            raise InputError("level needs to know which tile a kept patch is of: take the sampler greedy or random.")
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
        self.level = bool(level)
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
        self.bank_ = MemoryBank(self.index).add(kept)
        self.tile_shape_ = (int(tile_shape[0]), int(tile_shape[1]))
        return self

    def score(self, tiles: np.ndarray) -> Found:
        """Return anomaly maps and image scores of tiles (N, H, W) uint8 of the size that was fitted."""
        parts = list(self._score_batches(check_tiles(tiles)))
        return Found(np.concatenate([p.maps for p in parts]), np.concatenate([p.scores for p in parts]))

    def score_strip(self, image: np.ndarray, *, region: tuple[int, int] | None = None, overlap: int = 0) -> StripFound:
        """Score a whole strip (H, W) uint8: its fabric (found, if no `region` is given) is tiled, scored, stitched."""
        side = self._fitted_shape()[0]
        image = np.asarray(image)
        if image.ndim != 2 or image.dtype != np.uint8:
            raise InputError(f"The strip is {image.dtype} of shape {image.shape}, expected (H, W) uint8 grey values.")
        begin, end = fabric_region(image) if region is None else region
        if not 0 <= begin < end <= image.shape[1]:
            raise InputError(
                f"region is {(begin, end)}, expected first and last column + 1 within 0..{image.shape[1]}."
            )
        tiles, corners = tile(image[:, begin:end], size=side, overlap=overlap)
        corners = corners + [0, begin]
        found = self.score(tiles)
        stitched = strip_map(found.maps, corners, image.shape)
        return StripFound(stitched, float(found.scores.max()), found.scores, corners, (begin, end))

    def save(self, folder: str | os.PathLike) -> Path:
        """Write the fitted detector as a folder, whole or not at all; see `MemoryBank.save`."""
        about = {
            "backbone": self.features.backbone,
            "layers": list(self.features.layers),
            "weights_sha256": self.features.weights_sha256,
            "tile_shape": list(self._fitted_shape()),
            "radius": self.radius_,
            "parameters": self.parameters(),
        }
        arrays = {"mean": self.features.mean_, "whitening": self.features.whitening_} if self.features.whiten else {}
        if self.usual_ is not None:
            arrays["usual"] = self.usual_
        return self.bank_.save(folder, about=about, arrays=arrays)

    @classmethod
    def load(cls, folder: str | os.PathLike) -> PatchCore:
        """Read a saved detector; raise `InputError` if it is damaged, foreign, or its weights are others now."""
        bank = MemoryBank.load(folder)
        try:
            about, arrays = bank.about, bank.arrays
            detector = cls(**{**about["parameters"], "layers": tuple(about["layers"])})
            detector.tile_shape_, detector.radius_ = tuple(about["tile_shape"]), about["radius"]
            if detector.features.whiten:
                detector.features.mean_, detector.features.whitening_ = arrays["mean"], arrays["whitening"]
            detector.usual_ = arrays["usual"] if detector.level else None
            weights = about["weights_sha256"]
        except (KeyError, TypeError) as error:
            raise InputError(
                f"{folder} holds a memory bank but no detector ({error}): load it with MemoryBank.load."
            ) from error
        if weights != detector.features.weights_sha256:
            raise InputError(
                f"{folder} was fitted with other weights of {detector.features.backbone} (SHA-256 {str(weights)[:8]}, "
                f"here {detector.features.weights_sha256[:8]}): fit it anew, its patches can't be compared."
            )
        detector.bank_ = bank
        return detector

    def parameters(self) -> dict[str, Any]:
        """Return what the constructor was given, by name, with the layers that were taken."""
        features = self.features
        return {
            "backbone": features.backbone,
            "layers": list(features.layers),
            "size": features.size,
            "pooling": features.pooling,
            "padding": features.padding,
            "whiten": features.whiten,
            "batch_size": features.batch_size,
            "coreset": self.coreset,
            "sampler": self.sampler,
            "index": self.index,
            "level": self.level,
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
        for patches in self.features.batches(tiles):
            n, height, width, channels = patches.shape
            patches = patches.reshape(n, height * width, channels)
            distances = self.bank_.nearest(patches.reshape(-1, channels), 1)[0].reshape(n, height, width)
            if self.usual_ is not None:
                distances = distances / self.usual_
            scores = image_scores(self.image_score, distances.reshape(n, -1), patches, self.bank_)
            yield Found(anomaly_maps(distances, tiles.shape[1:], self.smoothing), scores)
