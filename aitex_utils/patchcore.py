"""PatchCore (Roth et al., CVPR 2022, arXiv 2106.08265): fit, score, save, load: the rooms above, in this order."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .errors import InputError, check_strip, check_tiles
from .features import PatchFeatures
from .memory_bank import MemoryBank
from .options import PAPER, check_options, sample
from .persistence import load_detector, save_detector
from .pooling import SMOOTH_AND_SHARP, check_pooling, part_of_all, parts_of
from .scoring import (
    above_usual,
    anomaly_maps,
    distances_to_others,
    distances_together,
    image_scores,
    strip_map,
    usual_distances,
    usual_in_rows,
)
from .streaming_coreset import SAMPLES, Reduced, reduce_blocks
from .tiling import fabric_region, tile

__all__ = ["PAPER", "Found", "PatchCore", "StripFound"]


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
    backbone, layers, size, padding, whiten, batch_size : see `PatchFeatures`.
    pooling : see there. Pooled in several ways, a patch has as many distances, each to a bank of its own, and what
        counts is their geometric mean. None takes what found most: 3 for tiles, 3 and 1 where whole strips are fitted.
    coreset : share of the normal patches that the memory bank keeps, above 0 up to 1.
    sampler : how they are chosen, "greedy" (k-center), "random" or "k_means".
    index : kind of `MemoryBank`, exact for up to 200,000 patches if "auto". "hnsw" finds most nearest patches, but its
        rare misses are bad ones, and a tile's largest distance is among them: it costs AUROC (notebook 05).
    level : divide each distance by what is usual at its place in a tile (in its row, where strips are fitted), see
        `scoring.usual_distances` and `usual_in_rows`.
    baseline : quantile of a strip's own map, around each place, that `score_strip` takes off, `scoring.above_usual`;
        None leaves it as it is. The lower, the larger a defect may be; not for the reweighted image scores.
    smoothing : standard deviation in px of the Gaussian over anomaly maps, 0 = none.
    image_score : "max", "mean", "top", "reweighted" or "reweighted_by_patch", see `scoring`.
    seed : draws the coreset's start and projection; the same seed gives the same result on one machine, bit for bit.
    progress : show bars for what takes long.

    Fitted attributes: `bank_`, and `more_banks_` for further ways of pooling; `tile_shape_`; `radius_`, the coreset's
    covering radius, None for other samplers; `usual_` (H', W'), (H', 1) of strips, None without `level`; `whole_`.
    """

    usual_: np.ndarray | None = None
    whole_ = False
    more_banks_: Sequence[MemoryBank] = ()

    def __init__(
        self,
        *,
        backbone: str = "efficientnet_lite0",
        layers: tuple[str, ...] | None = None,
        size: int | None = 448,
        pooling: int | Sequence[int] | None = None,
        padding: str = "reflect",
        whiten: bool = False,
        batch_size: int = 8,
        coreset: float = 0.05,
        sampler: str = "greedy",
        index: str = "auto",
        level: bool = True,
        baseline: float | None = 0.25,
        smoothing: float = 2.0,
        image_score: str = "max",
        seed: int = 0,
        progress: bool = False,
    ) -> None:
        # What is wrong is refused now, not after minutes of extraction.
        check_options(coreset, sampler, index, level, baseline, smoothing, image_score, seed, pooling)
        self.pooling = None if pooling is None else check_pooling(pooling)
        more = {"padding": padding, "whiten": whiten, "batch_size": batch_size, "progress": progress}
        self.features = PatchFeatures(backbone, layers, pooling=3 if pooling is None else pooling, size=size, **more)
        self.level, self.baseline = bool(level), None if baseline is None else float(baseline)
        # Plain numbers, not NumPy's, which JSON can't hold.
        self.coreset, self.sampler, self.index = float(coreset), sampler, index
        self.smoothing, self.image_score, self.seed, self.progress = float(smoothing), image_score, int(seed), progress

    def fit(self, tiles: np.ndarray | Iterable[np.ndarray], *, memory: float | None = None) -> PatchCore:
        """Learn what is normal from normal tiles (N, H, W) uint8; return the detector itself.

        tiles : an array, or an iterator of arrays. memory : GiB that the patches may need; where they need more they
        are reduced block by block (`blocks.reduce_blocks`), and `radius_` is a bound. Greedy only, and not whitened.
        """
        self.pool_for(whole=False)
        if memory is None and isinstance(tiles, (np.ndarray, list)):
            tiles = check_tiles(tiles)
            return self.fit_patches(self.features.fit_transform(tiles), tiles.shape[1:])
        shape: list[tuple[int, int]] = []

        def patches() -> Iterator[np.ndarray]:
            for part in [tiles] if isinstance(tiles, np.ndarray) else tiles:
                shape.append(check_tiles(part).shape[1:])
                for batch in self.features.batches(part):
                    yield from batch

        found = self._reduced(patches(), memory)
        return self._remember(found.kept, found.owner, found.samples, False, shape[0])

    def fit_patches(self, patches: np.ndarray, tile_shape: tuple[int, int] = (256, 256)) -> PatchCore:
        """Learn from patches (N, H', W', C) that this detector's `features` made, or (N, C) without `level`."""
        if self.level and patches.ndim != 4:
            raise InputError(f"level needs patches (N, H', W', C), tile by tile, not of shape {patches.shape}.")
        self.pool_for(whole=False)
        kept, chosen, self.radius_ = self._chosen([patches])
        samples, owner = self._spread(patches, chosen) if self.level else ([], None)
        return self._remember(kept, owner, samples, False, tile_shape)

    def fit_strips(self, strips: Iterable[np.ndarray], *, side: int = 256, memory: float | None = None) -> PatchCore:
        """Learn from the fabric of whole normal strips, each (H, W) uint8, as high as tiles of `side` px are wide.

        Such a detector scores strips whole too (`score_strip`): no patch lies at the edge of a tile, but for the
        strip's own, and no defect on a seam. Scores of tiles are then taken from the strip's map. strips : may come
        one by one; `memory` as in `fit`.
        """
        if self.image_score.startswith("reweighted"):
            raise InputError(f"image_score {self.image_score} needs tiles: fit on tiles, or take 'max'.")
        self.pool_for(whole=True)
        stream = (self.features.raw_of_strip(check_strip(strip, side), side) for strip in strips)
        if memory is not None:
            found = self._reduced(stream, memory, every=32)
            return self._remember(found.kept, found.owner, found.samples, True, (side, side))
        patches = list(stream)
        if not patches:
            raise InputError("There are no strips to learn from: give at least one.")
        if len(patches) == 1:  # its halves are two strips: what is usual is learned from others only
            patches = np.array_split(patches[0], 2, axis=1)
        if self.features.whiten:
            self.features.fit_whitening(np.concatenate([p.reshape(-1, p.shape[-1]) for p in patches]))
            patches = [self.features.whitened(p) for p in patches]
        kept, chosen, self.radius_ = self._chosen(patches)
        samples, owner = self._spread(patches, chosen, every=4) if self.level else ([], None)
        return self._remember(kept, owner, samples, True, (side, side))

    def pool_for(self, *, whole: bool) -> None:
        """Take the pooling for whole strips or for tiles, where none was given."""
        self.whole_ = whole
        if self.pooling is None:
            self.features.pooling = SMOOTH_AND_SHARP if whole else 3

    def _reduced(self, patches: Iterable[np.ndarray], memory: float | None, every: int = 1) -> Reduced:
        if self.sampler != "greedy" or self.features.whiten:
            raise InputError("Patches are reduced as they come only by greedy and not whitened: leave memory out.")
        more = {"ways": self.features.ways, "every": every, "progress": self.progress}
        found = reduce_blocks(patches, self.coreset, seed=self.seed, memory=memory, **more)
        self.radius_ = found.radius
        return found

    @staticmethod
    def _spread(patches: Sequence[np.ndarray], chosen: Sequence, every: int = 1) -> tuple[list, list]:
        """Return some tiles or strips with their numbers, spread over all, and whose each chosen patch is."""
        some = np.unique(np.linspace(0, len(patches) - 1, min(len(patches), SAMPLES)).round().astype(int))
        owners = np.repeat(np.arange(len(patches)), [p.shape[0] * p.shape[1] for p in patches])
        return [(i, patches[i][:, ::every]) for i in some], [owners[of] for of in chosen]

    def _remember(self, kept, owner, samples, whole: bool, tile_shape: tuple[int, int]) -> PatchCore:
        """Fill the banks and learn which distance is usual where; empties the lists `samples` and `kept`."""
        self.usual_ = None
        if self.level:
            away = distances_to_others(samples, kept, owner)
            samples.clear()  # room for the banks
            self.usual_ = usual_in_rows(away) if whole else usual_distances(np.stack(away))
        self.bank_, *self.more_banks_ = [MemoryBank(self.index).add(kept.pop(0)) for _ in range(len(kept))]
        self.tile_shape_ = (int(tile_shape[0]), int(tile_shape[1]))
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

        With a `baseline` the map says how far each place is above what is usual around it on this strip.
        """
        side = self._fitted_shape()[0]
        image = check_strip(image)
        begin, end = fabric_region(image) if region is None else region
        if not 0 <= begin < end <= image.shape[1]:
            raise InputError(
                f"region is {(begin, end)}, expected first and last column + 1 within 0..{image.shape[1]}."
            )
        fabric = image[:, begin:end]
        tiles, corners = tile(fabric, size=side, overlap=overlap)
        tile_scores, of_fabric = None, np.empty(0)
        if self.whole_:
            patches = self.features.whitened(self.features.raw_of_strip(check_strip(fabric, side), side))
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
        names = ("backbone", "layers", "size", "pooling", "padding", "whiten", "batch_size", "coreset", "sampler")
        names += ("index", "level", "baseline", "smoothing", "image_score", "seed")
        values = {name: getattr(self if hasattr(self, name) else self.features, name) for name in names}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    def _chosen(self, patches: Sequence[np.ndarray]) -> tuple[list, Sequence, float | None]:
        """Return by way of pooling which patches to keep, and their indices; and the largest covering radius."""
        found, ways = [], self.features.ways
        for way in range(ways):  # one at a time: fewer copies are held
            flat = part_of_all(patches, ways, way)
            found.append(sample(flat, self.coreset, self.sampler, seed=self.seed, progress=self.progress))
        kept, chosen, radii = zip(*found, strict=True)
        return list(kept), chosen, None if None in radii else max(radii)

    def _distances(self, patches: np.ndarray) -> np.ndarray:
        banks = [self.bank_, *self.more_banks_]
        parts = zip(banks, parts_of(patches, len(banks)), strict=True)
        return distances_together([bank.nearest(part, 1)[0][:, 0] for bank, part in parts])

    def _levelled(self, distances: np.ndarray) -> np.ndarray:
        return distances if self.usual_ is None else distances / self.usual_

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
