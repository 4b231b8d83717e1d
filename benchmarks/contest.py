"""The detectors of notebook 09, each in two ways: as it comes, and with three measures against the edges of tiles.

The measures are mirrored borders, position-wise normalisation, and tiles that overlap by half. A scorer makes the maps
of several detectors at once, because they share patches or reconstructions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from aitex_utils.baselines.autoencoder import Autoencoder
from aitex_utils.baselines.pca_residual import PcaResidual
from aitex_utils.baselines.ssim import ERRORS
from aitex_utils.baselines.strip_maps import stitch_tiles
from aitex_utils.baselines.variational import VariationalAutoencoder
from aitex_utils.calibration import position_scale
from aitex_utils.commands.protocol_c import ScoredStrip, TileScores, collect_tiles
from aitex_utils.coreset import random_subset
from aitex_utils.features import PatchFeatures
from aitex_utils.lessons.nb09.edges import peak_edge_distances
from aitex_utils.memory_bank import MemoryBank
from aitex_utils.patchcore import PAPER, PatchCore
from aitex_utils.scoring import anomaly_maps, max_score
from aitex_utils.strips import Strip
from aitex_utils.tiling import crop_tiles, tile_fabric, tile_labels

FEW = 5  # tiles of the variants `few`
BANK_SIZE = 10_000  # vectors of each bank of the crossed comparison
FRAME, BORDER, OVERLAP = 8, 16, 128  # px
WIDE = {"latent_channels": 16, "depth": 2}  # as many numbers as the tile has pixels
MEASURED_AS_THEY_COME = ("", "wide_")  # other networks have all measures against edges
FULLY_EVALUATED = ("patchcore", "pixel", "ssim", "pca_fixed", "vae_pixel_fixed", "vae_ssim_fixed")
FULLY_EVALUATED += ("patchcore_fixed", "pixel_fixed", "ssim_fixed")  # the others by tile AUROC alone


class Scorer(Protocol):
    """Fitted detectors that make their maps together."""

    nbytes: Mapping[str, int]  # learned on fabric, by detector

    def maps(self, tiles: np.ndarray) -> dict[str, np.ndarray]:
        """Return the anomaly maps (N, H, W) of tiles by detector."""


class PatchScorer:
    """Detectors on the patches of the pretrained network: PatchCore, PCA residual, and a bank drawn at random.

    Parameters
    ----------
    tiles : ndarray, shape (N, 256, 256)
        Normal tiles.
    few : ndarray, shape (n,)
        Numbers of the few tiles of the variant "patchcore_few".
    fixed : bool
        With mirrored borders and position-wise normalisation.
    """

    def __init__(self, tiles: np.ndarray, few: np.ndarray, *, fixed: bool) -> None:
        padding = "reflect" if fixed else "zeros"
        self.features = PatchFeatures(padding=padding)
        patches = self.features.transform(tiles)
        options = {**PAPER, "padding": padding, "normalize_positions": fixed}
        self.detectors: dict[str, Any] = {
            "patchcore": PatchCore(**options).fit_patches(patches),
            "patchcore_few": PatchCore(**options).fit_patches(patches[few]),
            "pca": PcaResidual(padding=padding, normalize_positions=fixed).fit_patches(patches),
        }
        if fixed:
            self.detectors["features_bank"] = VectorBank(patches)
        banks = {"patchcore": self.detectors["patchcore"].bank_.nbytes, "pca": self.detectors["pca"].nbytes}
        self.nbytes = banks

    def maps(self, tiles: np.ndarray) -> dict[str, np.ndarray]:
        """Return the anomaly maps of tiles by detector.

        Parameters
        ----------
        tiles : ndarray, shape (N, 256, 256)
            Tiles, uint8.

        Returns
        -------
        dict of str to ndarray, each of shape (N, 256, 256)
        """
        patches = self.features.transform(tiles)
        return {name: detector.predict_patches(patches).maps for name, detector in self.detectors.items()}


class VectorBank:
    """A memory bank of vectors drawn at random, with position-wise normalisation, for codes and patches alike.

    Even training tiles fill the bank. Odd ones give the typical distance at each position.

    Parameters
    ----------
    vectors : ndarray, shape (N, H', W', C)
        Vectors of at least two normal tiles.
    """

    def __init__(self, vectors: np.ndarray) -> None:
        flat = vectors[::2].reshape(-1, vectors.shape[-1])
        self.bank = MemoryBank().add(flat[random_subset(flat, min(BANK_SIZE, len(flat)), seed=0)])
        self.scale = position_scale(self._distances(vectors[1::2]))

    def predict_patches(self, vectors: np.ndarray) -> _Maps:
        """Return the maps of the distances to the bank.

        Parameters
        ----------
        vectors : ndarray, shape (N, H', W', C)
            Vectors of N tiles.

        Returns
        -------
        object
            With the attribute `maps`, (N, 256, 256).
        """
        return _Maps(anomaly_maps(self._distances(vectors) / self.scale, (256, 256), PAPER["smoothing"]))

    def _distances(self, vectors: np.ndarray) -> np.ndarray:
        flat = np.ascontiguousarray(vectors.reshape(-1, vectors.shape[-1]))
        return self.bank.search(flat, 1)[0].reshape(vectors.shape[:3])


@dataclass(frozen=True)
class _Maps:
    maps: np.ndarray


class NetworkScorer:
    """An autoencoder with both of its errors, and if it is asked for, with a bank of its codes.

    Parameters
    ----------
    network : Autoencoder
        Fitted.
    tiles : ndarray, shape (N, 256, 256)
        Its training tiles.
    prefix : str
        Beginning of the detectors' names.
    bank : bool
        Add the detector "codes_bank".
    """

    def __init__(self, network: Autoencoder, tiles: np.ndarray, prefix: str = "", *, bank: bool = False) -> None:
        self.network, self.prefix, self.bank = network, prefix, None
        self.nbytes = {f"{prefix}{error}": network.nbytes for error in ERRORS}
        if bank:
            codes = network.encode(tiles)
            self.std = codes.reshape(-1, codes.shape[-1]).std(axis=0)  # all channels weigh alike
            self.bank = VectorBank(codes / self.std)

    def maps(self, tiles: np.ndarray) -> dict[str, np.ndarray]:
        """Return the anomaly maps of tiles by detector.

        Parameters
        ----------
        tiles : ndarray, shape (N, 256, 256)
            Tiles, uint8.

        Returns
        -------
        dict of str to ndarray, each of shape (N, 256, 256)
        """
        reconstructed, maps = self.network.reconstruct(tiles), {}
        for self.network.error in ERRORS:
            maps[f"{self.prefix}{self.network.error}"] = self.network.maps(tiles, reconstructed)
        if self.bank is not None:
            maps["codes_bank"] = self.bank.predict_patches(self.network.encode(tiles) / self.std).maps
        return maps


def fit_scorers(tiles: np.ndarray) -> Iterator[tuple[Scorer, bool]]:
    """Fit all detectors in all their variants.

    Parameters
    ----------
    tiles : ndarray, shape (N, 256, 256)
        Normal tiles.

    Yields
    ------
    scorer : Scorer
        Fitted detectors.
    fixed : bool
        They have mirrored borders and position-wise normalisation, and want overlapping tiles.
    """
    few = np.random.default_rng(0).choice(len(tiles), min(FEW, len(tiles)), replace=False)
    for fixed in (False, True):
        yield PatchScorer(tiles, few, fixed=fixed), fixed
    variants: list[tuple[str, np.ndarray, type[Autoencoder], dict[str, Any]]] = [
        ("", tiles, Autoencoder, {}),
        ("wide_", tiles, Autoencoder, WIDE),
        ("few_", tiles[few], Autoencoder, {}),
        ("seed1_", tiles, Autoencoder, {"seed": 1}),
        ("vae_", tiles, VariationalAutoencoder, {}),
    ]
    for prefix, training, kind, parameters in variants:
        if prefix in MEASURED_AS_THEY_COME:
            yield NetworkScorer(kind(**parameters).fit(training), training, prefix), False
        network = kind(**parameters, border=BORDER, normalize_positions=True).fit(training)
        yield NetworkScorer(network, training, prefix, bank=not prefix), True


@dataclass
class Scored:
    """Scores of the test set by detector."""

    tiles: dict[str, TileScores] = field(default_factory=dict)
    strips: dict[str, list[ScoredStrip]] = field(default_factory=dict)  # of those evaluated fully
    edge_distances: dict[str, np.ndarray] = field(default_factory=dict)  # of the peaks of normal strips' tiles, px
    nbytes: dict[str, int] = field(default_factory=dict)


def score_detectors(scorer: Scorer, strips: Sequence[Strip], *, fixed: bool) -> Scored:
    """Score the tiles of a test set by each detector of a scorer.

    Parameters
    ----------
    scorer : Scorer
        Fitted detectors.
    strips : sequence of Strip
        Strips with a known mask.
    fixed : bool
        Tiles overlap, and the names end with "_fixed". Otherwise "_without_frame" has the scores without a frame of
        8 px of each tile.

    Returns
    -------
    Scored
    """
    by_name: dict[str, list[ScoredStrip]] = {}
    scored = Scored()
    peaks: dict[str, list[np.ndarray]] = {}
    for strip in strips:
        image, mask = strip.read(), strip.read_known_mask()
        corners = tile_fabric(image)[1]
        tiles, all_corners = tile_fabric(image, overlap=OVERLAP) if fixed else (crop_tiles(image, corners), corners)
        labels = tile_labels(crop_tiles(mask, corners))
        for name, maps in scorer.maps(tiles).items():
            result = stitch_tiles(maps, all_corners, corners, image.shape)
            own = crop_tiles(result.map, corners) if fixed else maps
            ways = {f"{name}_fixed": result.tile_scores} if fixed else {name: result.tile_scores}
            if not fixed:
                ways[f"{name}_without_frame"] = max_score(maps[:, FRAME:-FRAME, FRAME:-FRAME])
            for way, scores in ways.items():
                kept = result if way in FULLY_EVALUATED else _without_map(result)
                kept = type(result)(kept.map, float(scores.max()), scores, corners, result.region)
                by_name.setdefault(way, []).append(ScoredStrip(strip, image, mask, kept, labels))
            if strip.is_normal:
                peaks.setdefault(next(iter(ways)), []).append(peak_edge_distances(own))
    scored.tiles = {name: collect_tiles(items) for name, items in by_name.items()}
    scored.strips = {name: items for name, items in by_name.items() if name in FULLY_EVALUATED}
    scored.edge_distances = {name: np.concatenate(parts) for name, parts in peaks.items()}
    scored.nbytes = {f"{name}_fixed" if fixed else name: size for name, size in scorer.nbytes.items()}
    return scored


def _without_map(result: Any) -> Any:
    """Return a result without its map, which takes four megabytes per strip."""
    return type(result)(np.empty((0, 0), np.float32), result.score, result.tile_scores, result.corners, result.region)
