"""PatchCore (Roth et al., CVPR 2022, arXiv 2106.08265) from beginning to end: fit, predict, save, load.

Tiles or strips become patches (`features`), and a coreset of the normal patches fills a memory bank (`coreset`,
`memory_bank`). The distances of new patches to the bank become anomaly maps and scores (`scoring`). On fabric two
further steps help: position-wise normalisation, and subtraction of a strip's background (`calibration`).
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .calibration import leave_one_out_distances, position_scale, row_scale, strip_background
from .coreset import SAMPLERS, subsample
from .errors import (
    InputError,
    check_choice,
    check_flag,
    check_integer,
    check_number,
    check_seed,
    check_shape,
)
from .features import (
    MULTI_SCALE_POOLING,
    PatchFeatures,
    check_pooling,
    count_branches,
    flatten_patches,
    split_branches,
    stack_branch,
)
from .files.saved_detector import read_detector
from .memory_bank import KINDS, MemoryBank
from .region import fabric_region
from .safety.arrays import as_array, check_strip, iter_batches
from .safety.out_of_memory import explain_memory
from .safety.scores import check_columns
from .scoring import IMAGE_SCORES, anomaly_maps, geometric_mean_distance, image_scores, stitch_maps
from .streaming_coreset import CoresetResult, composable_coreset, spread_samples
from .tiling import crop_tiles, tile

STRIP_STRIDE = 4  # of the columns of patches from which a strip's position scale is learned

# The recipe of the paper: tiles at their own size, zero padding, no normalisation, one branch. Two of the course's
# choices remain: the backbone EfficientNet-Lite0 instead of WideResNet-50, and the image score "max", not "reweighted".
PAPER: dict[str, Any] = {
    "size": None,
    "pooling": 3,
    "padding": "zeros",
    "normalize_positions": False,
    "coreset_ratio": 0.10,
    "smoothing": 4.0,
    "background_quantile": None,
}


@dataclass(frozen=True)
class TileResult:
    """Prediction for N tiles.

    Parameters
    ----------
    maps : ndarray, shape (N, H, W)
        Anomaly maps, float32; higher = more anomalous.
    scores : ndarray, shape (N,)
        Image-level scores, float32.

    Examples
    --------
    >>> TileResult(np.zeros((1, 2, 2)), np.zeros(1)).scores.tolist()
    [0.0]
    """

    maps: np.ndarray
    scores: np.ndarray


@dataclass(frozen=True)
class StripResult:
    """Prediction for a strip.

    Parameters
    ----------
    map : ndarray, shape (H, W)
        Anomaly map, float32; NaN outside the fabric.
    score : float
        Largest of the tile scores.
    tile_scores : ndarray, shape (N,)
        Scores of the fabric's tiles, float32.
    corners : ndarray, shape (N, 2)
        Row and column of each tile's upper left pixel in the strip.
    region : tuple of int
        First column of the fabric and the column after the last.
    background : float
        Median of the background that was subtracted, 0 if none was. Map and scores are relative to it. A strip whose
        background is far above normal strips was photographed differently, or is woven wrongly as a whole.

    Examples
    --------
    >>> StripResult(np.zeros((2, 4)), 0.0, np.zeros(1), np.zeros((1, 2), int), (0, 4)).region
    (0, 4)
    """

    map: np.ndarray
    score: float
    tile_scores: np.ndarray
    corners: np.ndarray
    region: tuple[int, int]
    background: float = 0.0


class PatchCore:
    """An anomaly detector that learns from normal tiles, or normal strips, alone.

    The defaults detected most defects on AITEX (`benchmarks/README.md`). ``PatchCore(**PAPER)`` is the recipe of the
    paper.

    Parameters
    ----------
    backbone, layers, size, padding, colour, whiten, batch_size
        As in `features.PatchFeatures`.
    pooling : int or tuple
        As in `features.PatchFeatures`. With several branches a patch has as many distances, each to a bank of its own,
        and their geometric mean counts.
    coreset_ratio : float
        Coreset sampling ratio: share of the normal patches in the memory bank, above 0 and up to 1.
    sampler : {"greedy", "random", "k_means"}
        Coreset subsampling, see `coreset.subsample`.
    index : {"auto", "flat", "ivf", "hnsw", "pq"}
        Kind of `memory_bank.MemoryBank`. "hnsw" misses few neighbours but by much, and a tile's largest distance is
        among them, which costs AUROC (notebook 05).
    normalize_positions : bool
        Divide each distance by the typical distance at its position in a tile, or in its row of a strip, see
        `calibration`.
    background_quantile : float or None
        Quantile of a strip's own map that `predict_strip` subtracts, see `calibration.subtract_background`; the lower,
        the larger a defect can be. None subtracts nothing.
    smoothing : float
        Standard deviation in px of the Gaussian over anomaly maps, 0 = none.
    image_score : {"max", "mean", "top", "reweighted", "reweighted_by_patch"}
        See `scoring.image_scores`. The reweighted scores need tiles and one branch.
    seed : int
        Seed of the coreset. Equal seeds give equal results bit for bit on one machine with one number of threads. With
        other threads the patches differ by up to 3e-6 of the largest, and a coreset by the few patches that are nearly
        equally far.
    progress : bool
        Show bars for what takes long.
    device : {"auto", "cpu", "cuda", "cuda:N", "mps"}
        Where the network computes, the greedy coreset is chosen and a "flat" index is searched, see
        `safety.devices.check_device`. "auto" takes a GPU of NVIDIA or AMD where there is one. The last digits of
        patches depend on the device. A detector that was fitted on one device can be loaded on any other.

    Attributes
    ----------
    banks_ : list of MemoryBank
        Memory bank of each branch; `bank_` is the first.
    radius_ : float or None
        Covering radius of the coreset in the projected space of the coreset selection, the largest of the branches;
        None for other samplers than "greedy".
    position_scale_ : ndarray, shape (H', W') or (H', 1), or None
        Typical distances at the positions of a tile, or in the rows of a strip.
    tile_shape_ : tuple of int
        Height and width of the tiles.
    fitted_on_strips_ : bool
        True after `fit_strips`.

    Raises
    ------
    InputError
        If an argument is out of range.

    Notes
    -----
    A fit learns everything beside the detector and keeps it in one step at the end. After an error or an interruption
    the detector is as it was before.

    Examples
    --------
    >>> tiles = np.random.default_rng(0).integers(100, 120, (3, 64, 64), np.uint8)
    >>> detector = PatchCore(size=64, seed=0).fit(tiles)
    >>> defective = tiles[:1].copy()
    >>> defective[0, 20:40, 20:40] = 0
    >>> detector.predict(defective).scores[0] > detector.predict(tiles[1:2]).scores[0]
    np.True_
    """

    def __init__(
        self,
        *,
        backbone: str = "efficientnet_lite0",
        layers: tuple[str, ...] | None = None,
        size: int | None = 448,
        pooling: int | Sequence = MULTI_SCALE_POOLING,
        padding: str = "reflect",
        colour: bool = False,
        whiten: bool = False,
        batch_size: int = 8,
        coreset_ratio: float = 0.05,
        sampler: str = "greedy",
        index: str = "auto",
        normalize_positions: bool = True,
        background_quantile: float | None = 0.25,
        smoothing: float = 2.0,
        image_score: str = "max",
        seed: int = 0,
        progress: bool = False,
        device: str = "auto",
    ) -> None:
        # Errors are raised now, not after minutes of extraction. Numbers are plain, because JSON has no NumPy numbers.
        self.pooling = check_pooling(pooling)
        self.coreset_ratio = check_number("coreset_ratio", coreset_ratio, "(0, 1]", example=0.1)
        self.sampler = check_choice("sampler", sampler, SAMPLERS)
        self.index = check_choice("index", index, KINDS)
        self.normalize_positions = check_flag("normalize_positions", normalize_positions)
        self.background_quantile = background_quantile
        if background_quantile is not None:
            self.background_quantile = check_number("background_quantile", background_quantile, "[0, 1]", example=0.25)
        self.smoothing = check_number("smoothing", smoothing, "[0, 1000]", example=2)
        self.image_score = check_choice("image_score", image_score, IMAGE_SCORES)
        self.seed, self.progress = check_seed(seed), check_flag("progress", progress)
        if self.normalize_positions and sampler == "k_means":
            raise InputError(
                "normalize_positions must know from which tile a coreset patch comes: take the sampler greedy or "
                "random, or normalize_positions=False."
            )
        if image_score.startswith("reweighted") and count_branches(self.pooling) > 1:
            raise InputError(f"image_score {image_score} needs one branch of pooling: set pooling=3, or take 'max'.")
        options = {"padding": padding, "colour": colour, "whiten": whiten, "batch_size": batch_size}
        options |= {"progress": progress, "device": device}
        self.features = PatchFeatures(backbone, layers, pooling=self.pooling, size=size, **options)

    @property
    def bank_(self) -> MemoryBank:
        """The memory bank of the first branch."""
        return self.banks_[0]

    @explain_memory()
    def fit(
        self,
        tiles: np.ndarray | Iterable[np.ndarray],
        *,
        memory: float | None = None,
        block_size: int | None = None,
        fan_in: int | None = None,
        client: Any = None,
        folder: str | os.PathLike | None = None,
    ) -> PatchCore:
        """Learn what is normal from normal tiles.

        Parameters
        ----------
        tiles : ndarray, shape (N, H, W), or iterable of ndarray
            Normal tiles, uint8, all of one size. An iterable yields tiles (H, W) or batches of them (n, H, W). With
            `colour`, each can have a last axis of red, green and blue.
        memory : float, optional
            GiB that the patches can take. Where they need more, they are reduced block by block
            (`streaming_coreset`), and `radius_` is a bound. Only for the sampler "greedy" and without `whiten`.
        block_size : int, optional
            Patches with which a block is full. The fit then goes block by block, each on one thread, and `radius_` is a
            bound. Its result depends on the data, `block_size`, `fan_in` and the seed, and not on the workers. Only for
            the sampler "greedy" and without `whiten`. None takes 65,536 divided by the branches, if one of the
            following arguments is given.
        fan_in : int, optional
            Number of blocks' coresets that are merged at once, see `scale.tree`; None merges all.
        client : distributed.Client, ProcessPool, concurrent.futures.Executor, optional
            Workers that compute the blocks, see `scale.cluster`.
        folder : path, optional
            Folder for the blocks, which the workers share; an interrupted fit goes on from the blocks in it.

        Returns
        -------
        PatchCore
            The detector itself.

        Raises
        ------
        InputError
            If the tiles are not grey tiles, differ in size, or are too few for `normalize_positions`. With a `client`
            also if its workers die again and again, or its scheduler has gone.
        """
        features = self.features.with_pooling(self.pooling)
        if any(argument is not None for argument in (block_size, fan_in, client, folder)):
            return self._fit_tiles_in_blocks(tiles, features, memory, (block_size, fan_in, client, folder))
        batches = iter_batches(tiles, colour=features.colour)
        if memory is None:
            parts = list(batches)
            tiles = np.concatenate(parts) if len(parts) > 1 else parts[0]
            return self._fit_patches(features.fit_transform(tiles), tiles.shape[1:3], features)
        shapes: list[tuple[int, int]] = []

        def patches_of_tiles() -> Iterator[np.ndarray]:
            for batch in batches:
                shapes.append(batch.shape[1:3])
                for patches in features.iter_patches(batch):
                    yield from patches

        result = self._stream(patches_of_tiles(), memory, features.n_branches)
        return self._learn(result, shapes[0], features, on_strips=False)

    @explain_memory()
    def fit_patches(self, patches: np.ndarray, tile_shape: tuple[int, int] = (256, 256)) -> PatchCore:
        """Learn what is normal from the patches of normal tiles.

        Parameters
        ----------
        patches : ndarray, shape (N, H', W', C)
            Patches that this detector's `features` made; (N, C) suffices without `normalize_positions`.
        tile_shape : tuple of int
            Height and width of the tiles in px.

        Returns
        -------
        PatchCore
            The detector itself.

        Raises
        ------
        InputError
            If the patches have another shape, or come from too few tiles for `normalize_positions`.
        """
        patches = as_array(patches, "patches")
        if self.normalize_positions and patches.ndim != 4:
            raise InputError(
                f"normalize_positions needs patches (N, H', W', C), tile by tile, not of shape {patches.shape}: give "
                "them as `features.transform` makes them, or set normalize_positions=False."
            )
        if self.features.whiten and not hasattr(self.features, "whitening_"):
            raise InputError("The whitening is not fitted yet: make the patches with features.fit_transform(tiles).")
        flatten_patches(patches)
        return self._fit_patches(patches, check_shape("tile_shape", tile_shape), self.features)

    @explain_memory()
    def fit_strips(
        self,
        strips: Iterable[np.ndarray],
        *,
        tile_size: int = 256,
        memory: float | None = None,
        block_size: int | None = None,
        fan_in: int | None = None,
        client: Any = None,
        folder: str | os.PathLike | None = None,
    ) -> PatchCore:
        """Learn what is normal from the fabric of whole normal strips.

        Such a detector predicts whole strips (`predict_strip`): no patch lies at the edge of a tile, only at the
        strip's own edges, and no defect on a seam. Tile scores are taken from the strip's map.

        Parameters
        ----------
        strips : iterable of ndarray, each of shape (H, W)
            Fabric of normal strips, uint8, as high as `tile_size`; they can arrive one by one.
        tile_size : int
            Side of the tiles in px.
        memory, block_size, fan_in, client, folder
            As in `fit`.

        Returns
        -------
        PatchCore
            The detector itself.

        Raises
        ------
        InputError
            If a strip has another height, there are no strips, or the image score needs tiles.
        """
        if self.image_score.startswith("reweighted"):
            raise InputError(f"image_score {self.image_score} needs tiles: fit on tiles, or take 'max'.")
        is_array = hasattr(strips, "shape")
        if (
            isinstance(strips, (str, bytes))
            or not isinstance(strips, Iterable)
            or (is_array and len(strips.shape) != 3)
        ):
            raise InputError(
                f"strips is a {type(strips).__name__}, expected a list of grey images: give one image as [image], and "
                "read files with aitex_utils.read_strips."
            )
        tile_size = check_integer("tile_size", tile_size, 1)
        features, shape = self.features.with_pooling(self.pooling), (tile_size, tile_size)
        if any(argument is not None for argument in (block_size, fan_in, client, folder)):
            how, blocks = {"tile_size": tile_size, "column_stride": STRIP_STRIDE}, (block_size, fan_in, client, folder)

            def checked() -> Iterator[np.ndarray]:
                return (check_strip(strip, tile_size) for strip in strips)

            result = self._in_blocks(checked, strips, features, memory, blocks, **how)
            return self._learn(result, shape, features, on_strips=True)
        stream = _at_least_two(features.extract_strip(check_strip(strip, tile_size), tile_size) for strip in strips)
        if memory is not None:
            result = self._stream(stream, memory, features.n_branches, STRIP_STRIDE)
            return self._learn(result, shape, features, on_strips=True)
        patches = list(stream)
        if not patches:
            raise InputError("There are no strips to learn from: give at least one.")
        if features.whiten:
            features.fit_whitening(np.concatenate([p.reshape(-1, p.shape[-1]) for p in patches]))
            patches = [features.apply_whitening(p) for p in patches]
        result = self._subsample(patches, patches, features.n_branches, STRIP_STRIDE)
        return self._learn(result, shape, features, on_strips=True)

    @explain_memory()
    def predict(self, tiles: np.ndarray) -> TileResult:
        """Return anomaly maps and scores of tiles.

        Parameters
        ----------
        tiles : ndarray, shape (N, H, W), or with `colour` also (N, H, W, 3)
            Tiles, uint8, of the size of the training tiles.

        Returns
        -------
        TileResult

        Raises
        ------
        InputError
            If the detector is not fitted, was fitted on strips, or the tiles have another size.
        """
        tiles = self.features.check_tiles(tiles)
        if tiles.shape[1:3] != self._fitted_tile_shape():
            raise InputError(
                f"tiles are {tiles.shape[1]} x {tiles.shape[2]} px but the detector was fitted on "
                f"{self.tile_shape_[0]} x {self.tile_shape_[1]}: tile them alike."
            )
        if self.fitted_on_strips_:
            raise InputError("The detector was fitted on strips: predict strips with predict_strip, or fit on tiles.")
        results = [self.predict_patches(patches) for patches in self.features.iter_patches(tiles)]
        return TileResult(np.concatenate([r.maps for r in results]), np.concatenate([r.scores for r in results]))

    def predict_patches(self, patches: np.ndarray) -> TileResult:
        """Return what `predict` does, from the patches of tiles.

        Parameters
        ----------
        patches : ndarray, shape (N, H', W', C)
            Patches that this detector's `features` made.

        Returns
        -------
        TileResult

        Raises
        ------
        InputError
            If the detector is not fitted, or the patches have another grid or number of channels.
        """
        patches = as_array(patches, "patches")
        return self.predict_distances(self.patch_distances(patches), patches)

    def patch_distances(self, patches: np.ndarray, n_neighbors: int = 1) -> np.ndarray:
        """Return the distance of each patch to the memory bank, before normalisation.

        Parameters
        ----------
        patches : ndarray, shape (..., C)
            Patches that this detector's features made.
        n_neighbors : int
            Number of nearest neighbours whose mean distance is returned.

        Returns
        -------
        ndarray, shape (...)
            float32.

        Raises
        ------
        InputError
            If the detector is not fitted, the patches have another number of channels, or `n_neighbors` is too large.
        """
        self._fitted_tile_shape()
        check_integer("n_neighbors", n_neighbors, 1, len(self.bank_), "the number of patches in the bank")
        patches = as_array(patches, "patches")
        flat = flatten_patches(patches)
        branches = zip(self.banks_, split_branches(flat, len(self.banks_)), strict=True)
        distances = [bank.search(branch, n_neighbors)[0].mean(axis=1) for bank, branch in branches]
        return geometric_mean_distance(distances).reshape(patches.shape[:-1])

    def predict_distances(self, distances: np.ndarray, patches: np.ndarray | None = None) -> TileResult:
        """Turn the distances of tiles' patches into anomaly maps and scores.

        Parameters
        ----------
        distances : ndarray, shape (N, H', W')
            Output of `patch_distances`.
        patches : ndarray, shape (N, H', W', C), optional
            The patches, for the reweighted image scores.

        Returns
        -------
        TileResult

        Raises
        ------
        InputError
            If the detector is not fitted, or the distances are not 3-D or of another grid.
        """
        self._fitted_tile_shape()
        normalized = self._normalize(as_array(distances, "distances"))
        patches = None if patches is None else as_array(patches, "patches")
        if normalized.ndim != 3 or (patches is not None and patches.shape[:-1] != normalized.shape):
            raise InputError(
                f"distances has shape {normalized.shape}, expected (N, H', W') as the patches: see patch_distances."
            )
        rows = None if patches is None else patches.reshape(len(patches), -1, patches.shape[-1])
        scores = image_scores(self.image_score, normalized, rows, self.bank_)
        return TileResult(anomaly_maps(normalized, self._fitted_tile_shape(), self.smoothing), scores)

    @explain_memory()
    def predict_strip(
        self, strip: np.ndarray, *, region: tuple[int, int] | None = None, overlap: int = 0
    ) -> StripResult:
        """Return the anomaly map and the scores of a strip, from its fabric alone.

        Parameters
        ----------
        strip : ndarray, shape (H, W)
            Grey image, uint8.
        region : tuple of int, optional
            First column of the fabric and the column after the last; None finds them, with a warning if they are not
            certain (`region.Region`).
        overlap : int
            Width in px that neighbouring tiles share.

        Returns
        -------
        StripResult
            With a `background_quantile`, the map says how far each place stands out from the background around it.

        Raises
        ------
        InputError
            If the detector is not fitted, or the strip or the region does not fit.
        """
        size = self._fitted_tile_shape()[0]
        strip = check_strip(strip)
        if region is None:
            region = fabric_region(strip)
            if not region.is_certain:
                warnings.warn(f"It is not certain that the fabric lies in columns {region}: pass region.", stacklevel=3)
        start, stop = check_columns("region", region, strip.shape[1])
        fabric = strip[:, start:stop]
        tiles, corners = tile(fabric, size, overlap)
        if self.fitted_on_strips_:
            fabric_map, tile_scores = self._map_of_whole_strip(fabric), None
        else:
            result = self.predict(tiles)
            fabric_map, tile_scores = stitch_maps(result.maps, corners, fabric.shape), result.scores
        level = 0.0
        if self.background_quantile is not None:
            background = strip_background(fabric_map, self.background_quantile)
            level, fabric_map = float(np.median(background)), fabric_map - background
            if not self.image_score.startswith("reweighted"):
                tile_scores = None
        if tile_scores is None:
            tile_scores = image_scores(self.image_score, crop_tiles(fabric_map, corners, size))
        strip_map = np.full(strip.shape, np.nan, np.float32)
        strip_map[:, start:stop] = fabric_map
        place = corners + [0, start], (start, stop)
        return StripResult(strip_map, float(tile_scores.max()), tile_scores, *place, background=level)

    def save(self, folder: str | os.PathLike) -> Path:
        """Write the fitted detector as a folder, whole or not at all, see `files.persistence`.

        Parameters
        ----------
        folder : path
            Folder to write; a detector saved there before is replaced.

        Returns
        -------
        Path

        Raises
        ------
        InputError
            If the detector is not fitted, something else is in the way, or the folder cannot be written.
        """
        tile_shape, features = self._fitted_tile_shape(), self.features
        metadata = {
            "backbone": features.backbone,
            "layers": list(features.layers),
            "weights_sha256": features.weights_sha256,
            "tile_shape": list(tile_shape),
            "radius": self.radius_,
            "fitted_on_strips": self.fitted_on_strips_,
            "parameters": self.parameters(),
        }
        arrays = {"mean": features.mean_, "whitening": features.whitening_} if features.whiten else {}
        arrays |= {f"bank_{i}": bank.vectors_ for i, bank in enumerate(self.banks_[1:], start=2)}
        if self.position_scale_ is not None:
            arrays["position_scale"] = self.position_scale_
        return self.bank_.save(folder, metadata=metadata, arrays=arrays)

    @classmethod
    @explain_memory()
    def load(cls, folder: str | os.PathLike, *, device: str = "auto") -> PatchCore:
        """Read a saved detector. Nothing is unpickled.

        Parameters
        ----------
        folder : path
            Folder that `save` wrote.
        device : {"auto", "cpu", "cuda", "cuda:N", "mps"}
            As in the constructor. It is not saved, so any machine can load the detector.

        Returns
        -------
        PatchCore

        Raises
        ------
        InputError
            If the folder is missing, foreign or damaged, if its files do not fit together, or if the backbone's weights
            differ from the weights at the fit. Also if the device is not there.
        """
        return read_detector(cls, folder, device)

    def parameters(self) -> dict[str, Any]:
        """Return the constructor's arguments by name, with the layers that were taken, without `progress` and `device`.

        Returns
        -------
        dict
            Of values that JSON can hold.
        """
        of_features = ("backbone", "layers", "size", "padding", "colour", "whiten", "batch_size")
        own = ("pooling", "coreset_ratio", "sampler", "index", "normalize_positions", "background_quantile")
        own += ("smoothing", "image_score", "seed")
        values = {name: getattr(self.features, name) for name in of_features}
        values |= {name: getattr(self, name) for name in own}
        return {name: _as_list(value) for name, value in values.items()}

    def _map_of_whole_strip(self, fabric: np.ndarray) -> np.ndarray:
        """Return the anomaly map (H, W) of a strip's fabric, seen by the network as a whole."""
        size, features = self.tile_shape_[0], self.features
        patches = features.apply_whitening(features.extract_strip(check_strip(fabric, size), size))
        normalized = self._normalize(self.patch_distances(patches))
        return anomaly_maps(normalized[None], fabric.shape, self.smoothing)[0]

    def _stream(
        self, patches: Iterable[np.ndarray], memory: float | None, n_branches: int, column_stride: int = 1
    ) -> CoresetResult:
        if self.sampler != "greedy" or self.features.whiten:
            raise InputError(
                "Only the sampler greedy, without whitening, reduces patches as they arrive: leave memory out."
            )
        options = {"n_branches": n_branches, "column_stride": column_stride, "progress": self.progress}
        options |= {"device": self.features.device}
        return composable_coreset(patches, self.coreset_ratio, seed=self.seed, memory=memory, **options)

    def _fit_tiles_in_blocks(
        self, tiles: np.ndarray | Iterable[np.ndarray], features: PatchFeatures, memory: float | None, blocks: tuple
    ) -> PatchCore:
        shapes: list[tuple[int, int]] = []

        def pictures() -> Iterator[np.ndarray]:
            for batch in iter_batches(tiles, colour=features.colour):
                shapes.append(batch.shape[1:3])
                yield from batch

        return self._learn(
            self._in_blocks(pictures, tiles, features, memory, blocks), shapes[0], features, on_strips=False
        )

    def _in_blocks(
        self,
        pictures: Callable[[], Iterator[np.ndarray]],
        source: Iterable[np.ndarray],
        features: PatchFeatures,
        memory: float | None,
        blocks: tuple,
        **options: Any,
    ) -> CoresetResult:
        """Return the coreset of tiles or strips, block by block (`scale.fitting`)."""
        if memory is not None:
            raise InputError("memory and block_size are two ways to bound memory: give one of them.")
        if self.sampler != "greedy" or features.whiten:
            raise InputError(
                "Only the sampler greedy, without whitening, fits in blocks: leave block_size and client out."
            )
        from .scale.fitting import BlockFit, fit_blocks  # what surrounds the detector is loaded where it is needed

        options |= {"seed": self.seed, "progress": self.progress, "is_repeatable": not isinstance(source, Iterator)}
        return fit_blocks(pictures, features, self.coreset_ratio, BlockFit(*blocks), **options)

    def _fit_patches(self, patches: np.ndarray, tile_shape: tuple[int, int], features: PatchFeatures) -> PatchCore:
        """Learn from the patches of tiles that were extracted with `features`."""
        return self._learn(
            self._subsample([patches], patches, features.n_branches), tile_shape, features, on_strips=False
        )

    def _subsample(
        self, parts: Sequence[np.ndarray], patches: Sequence[np.ndarray], n_branches: int, column_stride: int = 1
    ) -> CoresetResult:
        """Return the coreset of patches that are all there: in few arrays, and tile by tile or strip by strip."""
        coresets, options = [], {"seed": self.seed, "progress": self.progress, "device": self.features.device}
        for branch in range(n_branches):  # one at a time: fewer copies in memory
            flat = stack_branch(parts, n_branches, branch)
            coresets.append(subsample(flat, self.coreset_ratio, self.sampler, **options))
        vectors, indices, radii = zip(*coresets, strict=True)
        radius = None if None in radii else max(radii)
        if not self.normalize_positions:
            return CoresetResult(list(vectors), [], radius, [])
        numbers = np.repeat(np.arange(len(patches)), [one.shape[0] * one.shape[1] for one in patches])
        groups = [numbers[of_branch] for of_branch in indices]
        return CoresetResult(list(vectors), groups, radius, spread_samples(patches, column_stride))

    def _learn(
        self, result: CoresetResult, tile_shape: tuple[int, int], features: PatchFeatures, *, on_strips: bool
    ) -> PatchCore:
        """Keep the learned result in one uninterrupted step, and empty `result`, so no coreset is in memory twice."""
        scale, device = None, features.device
        if self.normalize_positions:
            distances = leave_one_out_distances(result.samples, result.vectors, result.groups, device)
            scale = (row_scale if on_strips else position_scale)(distances)
        result.samples.clear()  # room for the banks
        banks = [MemoryBank(self.index, device=device) for _ in result.vectors]
        learned = {
            "banks_": [bank.add(result.vectors.pop(0)) for bank in banks],
            "radius_": result.radius,
            "position_scale_": scale,
            "fitted_on_strips_": on_strips,
            "tile_shape_": (int(tile_shape[0]), int(tile_shape[1])),
            "features": features,
        }
        vars(self).update(learned)
        return self

    def _normalize(self, distances: np.ndarray) -> np.ndarray:
        if self.position_scale_ is None:
            return distances
        grid, rows = distances.shape[-2:], self.position_scale_.shape[0]
        if grid != self.position_scale_.shape and not (self.fitted_on_strips_ and grid[:1] == (rows,)):
            raise InputError(
                f"distances has the grid {grid}, expected {self.position_scale_.shape} as in the fit: give tiles or "
                "strips of the same size, extracted by this detector's features."
            )
        return distances / self.position_scale_

    def _fitted_tile_shape(self) -> tuple[int, int]:
        if not hasattr(self, "banks_"):
            raise InputError("The detector is not fitted yet: call fit(tiles) with normal tiles first.")
        return self.tile_shape_


def _at_least_two(strips: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield the patches of strips, or of a single strip's halves, because position scales are learned from others."""
    first, second = next(strips, None), next(strips, None)
    if second is not None:
        yield from (first, second)
    elif first is not None:
        yield from np.array_split(first, 2, axis=1)
    yield from strips


def _as_list(value: Any) -> Any:
    return [_as_list(part) for part in value] if isinstance(value, tuple) else value
