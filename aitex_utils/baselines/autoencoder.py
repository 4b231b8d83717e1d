"""The reconstruction baseline: a convolutional autoencoder that learns to reconstruct normal tiles.

Nothing is pretrained: its weights start at random and see normal tiles only. A tile's anomaly map is the reconstruction
error, as pixel error or structural similarity (Wang et al., 2004, doi 10.1109/TIP.2003.819861). Bergmann et al. (2018,
arXiv 1807.02011) proposed structural similarity for autoencoders.
"""

from __future__ import annotations

import copy
import json
import os
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aitex_utils.calibration import position_scale
from aitex_utils.errors import (
    InputError,
    MissingError,
    check_choice,
    check_flag,
    check_integer,
    check_number,
    check_seed,
)
from aitex_utils.files.atomic_write import atomic_write
from aitex_utils.files.paths import full_path, given_path
from aitex_utils.files.persistence import read_array
from aitex_utils.patchcore import StripResult, TileResult
from aitex_utils.safety.arrays import check_tiles
from aitex_utils.safety.devices import check_device
from aitex_utils.safety.out_of_memory import explain_memory
from aitex_utils.safety.torch_defaults import torch_defaults
from aitex_utils.scoring import max_score

from .ssim import ERRORS, error_maps
from .strip_maps import predict_strip_by_tiles

if TYPE_CHECKING:
    import torch
    from torch import nn

VERSION, HEADER, SCALE = 3, "header", "scale."  # SCALE begins the names of position-wise scales in a file
KERNEL, STRIDE, PADDING = 4, 2, 1  # of every layer that halves or doubles the side
PREDICT_BATCH = 8  # tiles at once where nothing is trained
SCALE_TILES = 64  # training tiles, spread evenly, from which position-wise scales are learned


class Autoencoder:
    """A detector that reconstructs normal tiles, and scores a tile by its reconstruction error.

    `depth` convolutions halve the side. The first has `width` channels, and each further convolution twice as many. A 1
    x 1 convolution makes the latent code, and the same layers backwards reconstruct the tile. No layer depends on the
    tile's size.

    Parameters
    ----------
    latent_channels : int
        Channels of the latent code, the bottleneck; with 4 and a depth of 3 it has a sixteenth of the tile's numbers.
    depth, width : int
        See above.
    steps, batch_size, crop_size : int
        Training takes so many steps, each on so many crops of `crop_size` px from the tiles.
    lr : float
        Highest learning rate of Adam, which rises to it and falls again (one cycle).
    error : {"ssim", "pixel"}
        See `ssim.error_maps`.
    smoothing : float
        Standard deviation in px of the Gaussian over anomaly maps, 0 = none.
    border : int
        Width in px of a mirrored border that is added to crops and tiles before the encoder, and cut off after the
        decoder. Without it, the zero padding of the convolutions causes large errors near the edge of every tile. A
        network that never saw mirrored edges in training reconstructs them badly, so training has the border too. A
        multiple of 2 to the power of `depth`.
    normalize_positions : bool
        Divide maps by the typical error at each position of a tile, see `learn_positions`.
    seed : int
        Seed of weights and crops; see the notes.
    device : {"auto", "cpu", "cuda", "cuda:N", "mps"}
        Where the network is trained and used, see `safety.devices.check_device`. "auto" takes a GPU of NVIDIA or AMD
        where there is one. It is not saved.

    Attributes
    ----------
    losses_ : list of float
        Training loss of each step.
    tile_shape_ : tuple of int
        Height and width of the training tiles.
    mean_, std_ : float
        Mean and standard deviation of the training tiles' grey levels.
    position_scales_ : dict of str to ndarray, each of shape (H, W)
        Typical error at each position of a tile, by kind of error; empty without `normalize_positions`.

    Raises
    ------
    InputError
        If an argument is out of range.

    Notes
    -----
    Results depend on the tiles, the arguments and the seed. PyTorch's defaults and the program's random numbers are
    neither used nor changed. Training adds up rounding errors step by step, so weights also depend on the device and on
    the number of threads. After 100 steps with 1 and with 2 threads, losses and error maps differed by up to 2e-5. On a
    GPU even two equal fits can differ, because it can add in another order each time.

    Examples
    --------
    >>> tiles = np.random.default_rng(0).integers(0, 256, (4, 64, 64), np.uint8)
    >>> net = Autoencoder(steps=2, crop_size=32, width=4).fit(tiles)
    >>> net.encode(tiles).shape, net.predict(tiles).scores.shape
    ((4, 8, 8, 4), (4,))
    """

    FORMAT = "aitex_utils autoencoder"
    PARAMETERS: tuple[str, ...] = ("latent_channels", "depth", "width", "steps", "batch_size", "crop_size", "lr")
    PARAMETERS += ("error", "smoothing", "border", "normalize_positions", "seed")

    def __init__(
        self,
        *,
        latent_channels: int = 4,
        depth: int = 3,
        width: int = 16,
        steps: int = 250,
        batch_size: int = 16,
        crop_size: int = 128,
        lr: float = 2e-3,
        error: str = "ssim",
        smoothing: float = 4.0,
        border: int = 0,
        normalize_positions: bool = False,
        seed: int = 0,
        device: str = "auto",
    ) -> None:
        self.device = check_device(device)
        self.latent_channels = check_integer("latent_channels", latent_channels, 1)
        self.depth, self.width = check_integer("depth", depth, 1, 8), check_integer("width", width, 1)
        self.steps, self.batch_size = check_integer("steps", steps, 1), check_integer("batch_size", batch_size, 1)
        self.crop_size = check_integer("crop_size", crop_size, 1)
        self.seed = check_seed(seed)
        self.lr = check_number("lr", lr, "(0, inf)", example=0.002)
        self.error = check_choice("error", error, ERRORS)
        self.smoothing = check_number("smoothing", smoothing, "[0, inf)", example=4)
        self.border = check_integer("border", border, 0)
        self.normalize_positions = check_flag("normalize_positions", normalize_positions)
        if self.border % 2**self.depth:
            raise InputError(f"border is {border}, expected a multiple of {2**self.depth}, because depth is {depth}.")
        if self.border >= self.crop_size:
            raise InputError(f"border is {border}, expected less than crop_size, {crop_size} px.")
        if self.crop_size % 2**self.depth:
            raise InputError(
                f"crop_size is {crop_size}, expected a multiple of {2**self.depth}, because a depth of {depth} halves "
                f"it {depth} times."
            )

    @explain_memory()
    def fit(self, tiles: np.ndarray, callback: Callable[[Sequence[float]], None] | None = None) -> Autoencoder:
        """Learn to reconstruct normal tiles.

        Parameters
        ----------
        tiles : ndarray, shape (N, H, W)
            Normal tiles, uint8.
        callback : callable, optional
            Called after each step with a list of all losses so far. Losses are mean squared errors as shares of the
            tiles' variance, so 1 is the loss of a uniformly grey image.

        Returns
        -------
        Autoencoder
            The autoencoder itself.

        Raises
        ------
        InputError
            If the tiles are not grey tiles of a suitable size, or the training diverges.

        Notes
        -----
        After an error, also one of `callback`, or Ctrl-C the autoencoder is as it was before the call.
        """
        import torch

        tiles = check_tiles(tiles)
        self._check_tile_shape(tiles.shape[1:])
        if callback is not None and not callable(callback):
            raise InputError(
                f"callback is of type {type(callback).__name__}, expected a function of the losses: give one, or none."
            )
        mean, std, rng, losses = float(tiles.mean()), max(float(tiles.std()), 1.0), np.random.default_rng(self.seed), []
        with torch_defaults(), torch.inference_mode(False), torch.enable_grad():
            encoder, decoder = (part.to(self.device) for part in self.make_network())
            noise = torch.Generator().manual_seed(self.seed)
            adam = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], self.lr)
            cycle = torch.optim.lr_scheduler.OneCycleLR(adam, self.lr, total_steps=self.steps + 1)
            images = _normalize(tiles, mean, std).to(self.device)
            for step in range(self.steps):
                crops = self._random_crops(images, rng)
                loss = self._loss(encoder, decoder, self._with_border(crops), noise)
                losses.append(float(loss.detach()))
                if not np.isfinite(losses[-1]):
                    raise _diverged(f"at step {step + 1}: the loss is {losses[-1]}")
                adam.zero_grad()
                loss.backward()
                adam.step()
                cycle.step()
                if callback is not None:
                    callback(list(losses))
            if not torch.isfinite(decoder(self._codes(encoder(self._with_border(images[:PREDICT_BATCH]))))).all():
                raise _diverged("in the last step: its reconstructions are not finite")
        shape = int(tiles.shape[1]), int(tiles.shape[2])
        fitted = {"_encoder": encoder.eval(), "_decoder": decoder.eval(), "losses_": losses, "tile_shape_": shape}
        fitted |= {"mean_": mean, "std_": std, "position_scales_": {}}
        if self.normalize_positions:
            trained = copy.copy(self)
            trained.__dict__.update(fitted)
            fitted["position_scales_"] = trained.learn_positions(tiles).position_scales_
        self.__dict__.update(fitted)  # all at once: an interrupt leaves the old or the new fit
        return self

    def learn_positions(self, tiles: np.ndarray) -> Autoencoder:
        """Learn the typical error at each position of a tile, by which maps are divided from now on.

        Parameters
        ----------
        tiles : ndarray, shape (N, H, W)
            Normal tiles, uint8. The training tiles will do, because a narrow code cannot copy them.

        Returns
        -------
        Autoencoder
            The autoencoder itself, with `normalize_positions` set.

        Notes
        -----
        Up to 64 of the tiles are used, see `calibration.position_scale`. Call it again after a change of `smoothing`.
        """
        tiles = check_tiles(tiles)
        some = tiles[np.linspace(0, len(tiles) - 1, min(len(tiles), SCALE_TILES)).astype(int)]
        reconstructed = self.reconstruct(some)
        scales = {e: position_scale(error_maps(some, reconstructed, e, self.smoothing)) for e in ERRORS}
        self.__dict__.update(position_scales_=scales, normalize_positions=True)
        return self

    def encode(self, tiles: np.ndarray) -> np.ndarray:
        """Return the latent codes of tiles.

        Parameters
        ----------
        tiles : ndarray, shape (N, H, W)
            Tiles, uint8, of the size of the training tiles.

        Returns
        -------
        ndarray, shape (N, H', W', latent_channels)
            float32, channels last as patches have them.
        """
        cells = self.border // 2**self.depth

        def codes(images: torch.Tensor) -> torch.Tensor:
            return _without_border(self._codes(self._encoder(images)), cells).permute(0, 2, 3, 1)

        return self._forward(tiles, codes)

    def reconstruct(self, tiles: np.ndarray) -> np.ndarray:
        """Return the reconstructions of tiles.

        Parameters
        ----------
        tiles : ndarray, shape (N, H, W)
            Tiles, uint8, of the size of the training tiles.

        Returns
        -------
        ndarray, shape (N, H, W)
            Grey levels, float32.
        """

        def output(images: torch.Tensor) -> torch.Tensor:
            return _without_border(self._decoder(self._codes(self._encoder(images)))[:, 0], self.border)

        images = self._forward(tiles, output)
        return images * np.float32(self.std_) + np.float32(self.mean_)

    def predict(self, tiles: np.ndarray) -> TileResult:
        """Return error maps of tiles, and the maximum of each map as the score.

        Parameters
        ----------
        tiles : ndarray, shape (N, H, W)
            Tiles, uint8, of the size of the training tiles.

        Returns
        -------
        TileResult
        """
        maps = self.maps(tiles, self.reconstruct(tiles))
        return TileResult(maps, max_score(maps))

    def maps(self, tiles: np.ndarray, reconstructed: np.ndarray) -> np.ndarray:
        """Return the anomaly maps of tiles whose reconstructions are there already.

        Parameters
        ----------
        tiles, reconstructed : ndarray, shape (N, H, W)
            Tiles, and the output of `reconstruct`.

        Returns
        -------
        ndarray, shape (N, H, W)
            float32, smoothed, and normalised if `normalize_positions` is set.
        """
        maps = error_maps(check_tiles(tiles), reconstructed, self.error, self.smoothing)
        return maps / self.position_scales_[self.error] if self.normalize_positions else maps

    def predict_strip(self, strip: np.ndarray, *, overlap: int = 0) -> StripResult:
        """Tile the fabric of a strip, predict the tiles, and stitch their maps.

        Parameters
        ----------
        strip : ndarray, shape (H, W)
            Grey image, uint8.
        overlap : int
            Width in px that neighbouring tiles share, see `strip_maps.predict_strip_by_tiles`.

        Returns
        -------
        StripResult
        """
        return predict_strip_by_tiles(self.predict, strip, self._fitted_tile_shape()[0], overlap)

    @property
    def nbytes(self) -> int:
        """Bytes of the weights, which do not depend on the number of training tiles."""
        return sum(array.nbytes for array in self._weights().values())

    def save(self, file: str | os.PathLike) -> Path:
        """Write the fitted autoencoder to a file of plain arrays (`.npz`), whole or not at all.

        Parameters
        ----------
        file : path
            File to write. A saved autoencoder there is replaced, any other file is not.

        Returns
        -------
        Path

        Raises
        ------
        InputError
            If the autoencoder is not fitted, another file is in the way, or the file cannot be written.
        """
        weights = self._weights()
        if os.path.isfile(full_path(file)) and not self._is_saved(full_path(file)):
            raise InputError(f"{file} exists and is no saved autoencoder: choose another name, nothing was replaced.")
        about = {"format": self.FORMAT, "version": VERSION, "parameters": self.parameters(), "losses": self.losses_}
        about |= {"tile_shape": self.tile_shape_, "mean": self.mean_, "std": self.std_}
        header = np.frombuffer(json.dumps(about).encode(), np.uint8)
        scales = {f"{SCALE}{error}": scale for error, scale in self.position_scales_.items()}
        with atomic_write(file) as path, open(path, "wb") as opened:
            np.savez(opened, **{HEADER: header}, **weights, **scales)
        return given_path(file)

    @classmethod
    def load(cls, file: str | os.PathLike, *, device: str = "auto") -> Autoencoder:
        """Read a saved autoencoder. Nothing is unpickled.

        Parameters
        ----------
        file : path
            File that `save` wrote.
        device : {"auto", "cpu", "cuda", "cuda:N", "mps"}
            As in the constructor. Any machine can load the autoencoder.

        Returns
        -------
        Autoencoder

        Raises
        ------
        InputError
            If the file is missing, foreign, of another version or damaged, or the device is not there.
        """
        import torch

        device = check_device(device)
        if not os.path.isfile(full_path(file)):
            raise MissingError(f"{file} is missing: give the file that save() wrote.")
        try:
            weights = _read_parts(given_path(file))
            about = json.loads(weights.pop(HEADER).tobytes())
            if about["format"] != cls.FORMAT:
                raise KeyError("format")
            is_readable = about["version"] == VERSION
            loaded = cls(**{**about["parameters"], "device": device}) if is_readable else None
            if loaded is not None:
                loaded._encoder, loaded._decoder = (part.to(device).eval() for part in loaded.make_network())
                loaded.tile_shape_ = tuple(map(int, about["tile_shape"]))
                loaded.losses_ = list(map(float, about["losses"]))
                loaded.mean_, loaded.std_ = float(about["mean"]), float(about["std"])
                names = [f"{SCALE}{error}" for error in ERRORS] if loaded.normalize_positions else []
                scales = {name.removeprefix(SCALE): weights.pop(name) for name in names}
                loaded.position_scales_ = {e: scale.reshape(loaded.tile_shape_) for e, scale in scales.items()}
                loaded._modules().load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
                loaded._check_tile_shape(loaded.tile_shape_)
        except PermissionError as error:
            raise InputError(f"{file} cannot be read ({error.strerror}): check its permissions.") from error
        except Exception as error:  # noqa: BLE001 - a damaged file can break anything on the way
            raise InputError(
                f"{file} contains no readable autoencoder ({_first_words(error)}): save it again, or fit anew."
            ) from error
        if loaded is None:
            raise InputError(f"{file} has format version {about['version']}, this code reads {VERSION}: fit anew.")
        learned = [*weights.values(), *loaded.position_scales_.values(), loaded.mean_, loaded.std_]
        if not all(np.isfinite(array).all() for array in learned):
            raise InputError(f"{file} contains weights that are NaN or infinite: save it again, or fit anew.")
        return loaded

    def parameters(self) -> dict[str, Any]:
        """Return the constructor's arguments by name, without `device`.

        Returns
        -------
        dict
        """
        return {name: getattr(self, name) for name in self.PARAMETERS}

    def make_network(self) -> tuple[nn.Sequential, nn.Sequential]:
        """Return encoder and decoder with fresh weights, drawn from the seed.

        Returns
        -------
        encoder : torch.nn.Sequential
            (B, 1, S, S) -> (B, latent_channels, S / 2^depth, S / 2^depth).
        decoder : torch.nn.Sequential
            The way back.
        """
        import torch
        from torch import nn

        channels = [1] + [self.width * 2**i for i in range(self.depth)]
        with torch_defaults(), torch.inference_mode(False), torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(self.seed)  # torch.manual_seed would also seed the caller's GPU
            encoder = nn.Sequential()
            decoder = nn.Sequential(nn.Conv2d(self.latent_channels, channels[-1], 1), nn.LeakyReLU(0.2))
            for before, after in zip(channels, channels[1:], strict=False):
                encoder.extend([nn.Conv2d(before, after, KERNEL, STRIDE, PADDING), nn.LeakyReLU(0.2)])
            encoder.append(nn.Conv2d(channels[-1], self._encoder_channels(), 1))
            for before, after in zip(channels[::-1], channels[-2::-1], strict=False):
                decoder.append(nn.ConvTranspose2d(before, after, KERNEL, STRIDE, PADDING))
                if after != 1:
                    decoder.append(nn.LeakyReLU(0.2))
        return encoder, decoder

    def _encoder_channels(self) -> int:
        """Return the number of channels that the encoder makes."""
        return self.latent_channels

    def _codes(self, encoded: torch.Tensor) -> torch.Tensor:
        """Return the codes that the decoder gets, from the output of the encoder."""
        return encoded

    def _loss(
        self, encoder: nn.Module, decoder: nn.Module, crops: torch.Tensor, noise: torch.Generator
    ) -> torch.Tensor:
        """Return the loss of one step on crops with their border. `noise` is for networks that learn with noise."""
        return self._squared_error(decoder(self._codes(encoder(crops))), crops)

    def _squared_error(self, reconstructed: torch.Tensor, crops: torch.Tensor) -> torch.Tensor:
        """Return the mean squared error without the border."""
        import torch.nn.functional as F

        return F.mse_loss(*(_without_border(images, self.border) for images in (reconstructed, crops)))

    def _modules(self) -> nn.ModuleDict:
        from torch import nn

        self._fitted_tile_shape()
        return nn.ModuleDict({"encoder": self._encoder, "decoder": self._decoder})

    def _weights(self) -> dict[str, np.ndarray]:
        return {name: tensor.detach().cpu().numpy() for name, tensor in self._modules().state_dict().items()}

    def _random_crops(self, images: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
        """Return crops (batch_size, 1, crop_size, crop_size), each from any place of any image."""
        import torch

        size = self.crop_size
        which = rng.integers(len(images), size=self.batch_size)
        top, left = (rng.integers(side - size + 1, size=self.batch_size) for side in images.shape[2:])
        drawn = zip(which, top, left, strict=True)
        return torch.stack([images[i, :, row : row + size, column : column + size] for i, row, column in drawn])

    @explain_memory()
    def _forward(self, tiles: np.ndarray, part: Callable[[torch.Tensor], torch.Tensor]) -> np.ndarray:
        import torch

        tiles = check_tiles(tiles)
        if tiles.shape[1:] != self._fitted_tile_shape():
            raise InputError(
                f"tiles are {tiles.shape[1]} x {tiles.shape[2]} px but the autoencoder was fitted on "
                f"{self.tile_shape_[0]} x {self.tile_shape_[1]}: tile them alike."
            )
        starts = range(0, len(tiles), PREDICT_BATCH)
        with torch_defaults(), torch.inference_mode():
            batches = (_normalize(tiles[i : i + PREDICT_BATCH], self.mean_, self.std_).to(self.device) for i in starts)
            parts = [part(self._with_border(images)).cpu().numpy() for images in batches]
        return np.ascontiguousarray(np.concatenate(parts))

    def _with_border(self, images: torch.Tensor) -> torch.Tensor:
        import torch.nn.functional as F

        return F.pad(images, (self.border,) * 4, mode="reflect") if self.border else images

    def _check_tile_shape(self, shape: tuple[int, ...]) -> None:
        if len(shape) != 2 or any(side % 2**self.depth or side < self.crop_size for side in shape):
            raise InputError(
                f"tiles are {' x '.join(map(str, shape))} px, expected sides of at least {self.crop_size} px "
                f"that are multiples of {2**self.depth}: tile them otherwise, or choose another crop_size."
            )

    def _is_saved(self, file: Path) -> bool:
        try:
            return json.loads(_read_parts(file, [f"{HEADER}.npy"])[HEADER].tobytes())["format"] == self.FORMAT
        except Exception:  # noqa: BLE001 - another program's file can break anything on the way
            return False

    def _fitted_tile_shape(self) -> tuple[int, int]:
        if not hasattr(self, "_encoder"):
            raise InputError("The autoencoder is not fitted yet: call fit(tiles) with normal tiles first.")
        return self.tile_shape_


def _normalize(tiles: np.ndarray, mean: float, std: float) -> torch.Tensor:
    import torch

    grey = (tiles.astype(np.float32) - np.float32(mean)) / np.float32(std)
    return torch.from_numpy(grey)[:, None]  # (N, H, W) -> (N, 1, H, W)


def _diverged(where: str) -> InputError:
    return InputError(f"Training diverged {where}. Take a lower lr.")


def _read_parts(file: Path, names: Sequence[str] | None = None) -> dict[str, np.ndarray]:
    """Return the arrays of an `.npz` file by name, or raise an exception for any other file."""
    with zipfile.ZipFile(file) as parts:
        if any(part.compress_type != zipfile.ZIP_STORED for part in parts.infolist()):
            raise ValueError("its parts are compressed")  # and could grow without bounds
        return {name.removesuffix(".npy"): read_array(parts.read(name)) for name in names or parts.namelist()}


def _without_border(images: torch.Tensor, width: int) -> torch.Tensor:
    return images[..., width : images.shape[-2] - width, width : images.shape[-1] - width]


def _first_words(error: Exception) -> str:
    return " ".join(str(error).split())[:80] or type(error).__name__
