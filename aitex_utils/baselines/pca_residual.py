"""The cheapest opponent: a patch is anomalous if few directions of largest variance do not reproduce it.

A principal component analysis of normal patches is a linear autoencoder, without training steps and without a bank.
SubspaceAD (Lendering et al., 2026, arXiv 2602.23013) finds anomalies like this, with the features of a larger network.
"""

from __future__ import annotations

import numpy as np

from aitex_utils.calibration import position_scale
from aitex_utils.errors import InputError, check_flag, check_number
from aitex_utils.features import PatchFeatures
from aitex_utils.patchcore import StripResult, TileResult
from aitex_utils.scoring import anomaly_maps, max_score

from .strip_maps import predict_strip_by_tiles


class PcaResidual:
    """A detector that scores a patch by its distance to the subspace of the normal patches.

    Parameters
    ----------
    explained : float
        Share of the normal patches' variance that the kept directions explain, above 0 and below 1.
    padding : {"zeros", "reflect"}
        As in `features.PatchFeatures`.
    normalize_positions : bool
        Divide each distance by the typical distance at its position in a tile, see `calibration.position_scale`.
    smoothing : float
        Standard deviation in px of the Gaussian over anomaly maps, 0 = none.

    Attributes
    ----------
    mean_ : ndarray, shape (C,)
        Mean of the normal patches.
    directions_ : ndarray, shape (K, C)
        Orthonormal directions, by decreasing variance.
    position_scale_ : ndarray, shape (H', W'), or None
        Typical distances at the positions of a tile.

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> tiles = np.random.default_rng(0).integers(100, 120, (3, 64, 64), np.uint8)
    >>> detector = PcaResidual().fit(tiles)
    >>> detector.predict(tiles).maps.shape
    (3, 64, 64)
    """

    def __init__(
        self,
        *,
        explained: float = 0.9,
        padding: str = "reflect",
        normalize_positions: bool = True,
        smoothing: float = 4.0,
    ) -> None:
        self.explained = check_number("explained", explained, "(0, 1)", example=0.9)
        self.normalize_positions = check_flag("normalize_positions", normalize_positions)
        self.smoothing = check_number("smoothing", smoothing, "[0, inf)", example=4)
        self.features = PatchFeatures(padding=padding)

    def fit(self, tiles: np.ndarray) -> PcaResidual:
        """Learn the subspace of normal tiles.

        Parameters
        ----------
        tiles : ndarray, shape (N, H, W)
            Normal tiles, uint8.

        Returns
        -------
        PcaResidual
            The detector itself.
        """
        return self.fit_patches(self.features.transform(tiles))

    def fit_patches(self, patches: np.ndarray) -> PcaResidual:
        """Learn the subspace of the patches of normal tiles, which are there already.

        Parameters
        ----------
        patches : ndarray, shape (N, H', W', C)
            Patches of N normal tiles.

        Returns
        -------
        PcaResidual
            The detector itself.
        """
        flat = patches.reshape(-1, patches.shape[-1]).astype(np.float64)
        mean = flat.mean(axis=0)
        variances, vectors = np.linalg.eigh(np.cov(flat, rowvar=False))  # by rising variance
        shares = np.cumsum(variances[::-1]) / variances.sum()
        kept = int(np.searchsorted(shares, self.explained)) + 1
        self.mean_, self.directions_ = mean.astype(np.float32), vectors[:, ::-1][:, :kept].T.astype(np.float32)
        self.position_scale_ = None
        if self.normalize_positions:
            self.position_scale_ = position_scale(self._residuals(patches))
        return self

    def predict(self, tiles: np.ndarray) -> TileResult:
        """Return anomaly maps of tiles, and the maximum of each map as the score.

        Parameters
        ----------
        tiles : ndarray, shape (N, H, W)
            Tiles, uint8.

        Returns
        -------
        TileResult
        """
        return self.predict_patches(self.features.transform(tiles), tiles.shape[1:])

    def predict_patches(self, patches: np.ndarray, tile_shape: tuple[int, int] = (256, 256)) -> TileResult:
        """Return what `predict` returns, for tiles whose patches are there already.

        Parameters
        ----------
        patches : ndarray, shape (N, H', W', C)
            Patches of N tiles.
        tile_shape : tuple of int
            Height and width of the tiles.

        Returns
        -------
        TileResult
        """
        if not hasattr(self, "mean_"):
            raise InputError("The detector is not fitted yet: call fit(tiles) with normal tiles first.")
        residuals = self._residuals(patches)
        if self.position_scale_ is not None:
            residuals = residuals / self.position_scale_
        maps = anomaly_maps(residuals, tile_shape, self.smoothing)
        return TileResult(maps, max_score(maps))

    def predict_strip(self, strip: np.ndarray, *, overlap: int = 0) -> StripResult:
        """Tile the fabric of a strip, predict the tiles, and stitch their maps.

        Parameters
        ----------
        strip : ndarray, shape (H, W)
            Grey image, uint8.
        overlap : int
            Width in px that neighbouring tiles share.

        Returns
        -------
        StripResult
        """
        return predict_strip_by_tiles(self.predict, strip, overlap=overlap)

    @property
    def nbytes(self) -> int:
        """Bytes of the mean and of the directions."""
        return self.mean_.nbytes + self.directions_.nbytes

    def _residuals(self, patches: np.ndarray) -> np.ndarray:
        """Return the distance of each patch to the subspace, (N, H', W')."""
        centred = patches - self.mean_
        return np.linalg.norm(centred - (centred @ self.directions_.T) @ self.directions_, axis=-1)
