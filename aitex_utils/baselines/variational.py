"""A variational autoencoder (Kingma and Welling, 2014, arXiv 1312.6114), trained and used as the autoencoder is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aitex_utils.errors import check_number

from .autoencoder import Autoencoder

if TYPE_CHECKING:
    import torch
    from torch import nn

LOG_VARIANCES = (-10.0, 10.0)  # beyond these, exp() soon leaves the range of float32


class VariationalAutoencoder(Autoencoder):
    """An autoencoder whose encoder returns a normal distribution for each code, not one code.

    In training the decoder gets a random draw from this distribution. The loss adds a penalty, the Kullback-Leibler
    divergence from the standard normal distribution. Codes of similar tiles therefore overlap. A test uses the mean of
    the distribution, so maps are not random.

    Parameters
    ----------
    beta : float
        Weight of the penalty, which is the variance of the decoder's noise as a share of the tiles' variance. The
        default, 0.01, stands for noise of a tenth of the tiles' standard deviation.
    **parameters
        Parameters of `Autoencoder`.

    Raises
    ------
    InputError
        If an argument is out of range.

    Notes
    -----
    Up to constants, the negative log-likelihood of a tile under Gaussian noise of variance beta is its summed squared
    error, divided by 2 beta. `losses_` are the sum of this and of the divergence, times 2 beta, per pixel. Like this
    they have the unit of the autoencoder's losses.

    Examples
    --------
    >>> import numpy as np
    >>> tiles = np.random.default_rng(0).integers(0, 256, (4, 64, 64), np.uint8)
    >>> net = VariationalAutoencoder(steps=2, crop_size=32, width=4).fit(tiles)
    >>> net.encode(tiles).shape, net.predict(tiles).scores.shape
    ((4, 8, 8, 4), (4,))
    """

    FORMAT = "aitex_utils variational autoencoder"
    PARAMETERS = (*Autoencoder.PARAMETERS, "beta")

    def __init__(self, *, beta: float = 0.01, **parameters: Any) -> None:
        super().__init__(**parameters)
        self.beta = check_number("beta", beta, "[0, inf)", example=0.01)

    def _encoder_channels(self) -> int:
        return 2 * self.latent_channels  # means, then logarithms of variances

    def _codes(self, encoded: torch.Tensor) -> torch.Tensor:
        return encoded[:, : self.latent_channels]

    def _loss(
        self, encoder: nn.Module, decoder: nn.Module, crops: torch.Tensor, noise: torch.Generator
    ) -> torch.Tensor:
        import torch

        means, log_variances = encoder(crops).chunk(2, dim=1)
        log_variances = log_variances.clamp(*LOG_VARIANCES)
        normal = torch.randn(means.shape, generator=noise).to(means.device)  # drawn on the CPU: equal on all devices
        drawn = means + (log_variances / 2).exp() * normal
        divergence = (means**2 + log_variances.exp() - 1 - log_variances).sum() / 2
        return self._squared_error(decoder(drawn), crops) + 2 * self.beta * divergence / crops.numel()
