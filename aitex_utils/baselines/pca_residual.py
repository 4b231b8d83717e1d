"""The cheapest opponent: a patch is anomalous if few directions of largest variance do not reproduce it.

A principal component analysis of normal patches is a linear autoencoder, without training steps and without a bank.
SubspaceAD (Lendering et al., 2026, arXiv 2602.23013) finds anomalies like this, with the features of a larger network.
"""

from __future__ import annotations

import numpy as np

from aitex_utils.calibration import position_scale
from aitex_utils.errors import InputError, check_flag, check_number, check_shape
from aitex_utils.features import PatchFeatures
from aitex_utils.patchcore import StripResult, TileResult
from aitex_utils.safety.arrays import as_array, check_patches, check_tiles
from aitex_utils.scoring import anomaly_maps, max_score

from .strip_maps import predict_strip_by_tiles

LARGEST = 1e15  # of a feature: sums of squares stay far below the largest float32


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

        Raises
        ------
        InputError
            If the patches are not finite numbers of this shape, or all equal.
        """
        patches = _check_grid(patches)
        flat = patches.reshape(-1, patches.shape[-1]).astype(np.float64)
        variances, vectors = np.linalg.eigh(np.atleast_2d(np.cov(flat, rowvar=False)))  # by rising variance
        if not variances.sum() > 0:
            raise InputError("All patches are equal, so they have no direction of largest variance: give other tiles.")
        shares = np.cumsum(variances[::-1]) / variances.sum()
        kept = int(np.searchsorted(shares, self.explained)) + 1
        mean, directions = flat.mean(axis=0).astype(np.float32), vectors[:, ::-1][:, :kept].T.astype(np.float32)
        scale = position_scale(_residuals(patches, mean, directions)) if self.normalize_positions else None
        self.mean_, self.directions_, self.position_scale_ = mean, directions, scale
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

        Raises
        ------
        InputError
            If the detector is not fitted.
        """
        self._check_fitted()
        tiles = check_tiles(tiles)
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

        Raises
        ------
        InputError
            If the detector is not fitted, or the patches do not resemble the patches of the fit.
        """
        self._check_fitted()
        patches = _check_grid(patches)
        if patches.shape[-1] != len(self.mean_):
            raise InputError(
                f"The patches have {patches.shape[-1]} channels, the patches of the fit had {len(self.mean_)}: extract "
                "both with the same `PatchFeatures`."
            )
        residuals = _residuals(patches, self.mean_, self.directions_)
        if self.position_scale_ is not None:
            if residuals.shape[1:] != self.position_scale_.shape:
                raise InputError(
                    f"A tile has {residuals.shape[1]} x {residuals.shape[2]} patches, a tile of the fit had "
                    f"{' x '.join(map(str, self.position_scale_.shape))}: give tiles of one size."
                )
            residuals = residuals / self.position_scale_
        maps = anomaly_maps(residuals, check_shape("tile_shape", tile_shape), self.smoothing)
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

        Raises
        ------
        InputError
            If the detector is not fitted.
        """
        self._check_fitted()
        return predict_strip_by_tiles(self.predict, strip, overlap=overlap)

    @property
    def nbytes(self) -> int:
        """Bytes of the mean and of the directions."""
        self._check_fitted()
        return self.mean_.nbytes + self.directions_.nbytes

    def _check_fitted(self) -> None:
        if not hasattr(self, "mean_"):
            raise InputError("The detector is not fitted yet: call fit(tiles) with normal tiles first.")


def _check_grid(patches: np.ndarray) -> np.ndarray:
    patches = as_array(patches, "patches")
    if patches.ndim != 4 or 0 in patches.shape:
        raise InputError(f"patches has shape {patches.shape}, expected (N, H', W', C) as `transform` makes them.")
    checked = check_patches(patches.reshape(-1, patches.shape[-1])).reshape(patches.shape)
    if np.abs(checked).max() > LARGEST:
        raise InputError(f"patches has values beyond {LARGEST:.0e}, whose squares are too large: scale them down.")
    return checked


def _residuals(patches: np.ndarray, mean: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Return the distance of each patch to the subspace, (N, H', W')."""
    centred = patches - mean
    return np.linalg.norm(centred - (centred @ directions.T) @ directions, axis=-1)
