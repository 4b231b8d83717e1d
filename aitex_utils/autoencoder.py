"""The reconstruction baseline: a convolutional autoencoder that learns to rebuild normal tiles, and scores its errors.

Nothing is borrowed: its weights begin at random and see only the normal tiles. Errors are taken pixel by pixel, or by
structural similarity (Wang et al., 2004, doi 10.1109/TIP.2003.819861), as Bergmann et al. (2018, arXiv 1807.02011)
proposed for autoencoders.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .atomic_write import write_whole
from .errors import InputError, MissingError, check_tiles, is_whole
from .patchcore import Found, StripFound
from .scoring import max_score, strip_map
from .ssim import check_error, error_maps
from .tiling import fabric_region, tile

if TYPE_CHECKING:
    import torch
    from torch import nn

FORMAT, VERSION, HEADER = "aitex_utils autoencoder", 1, "header"
KERNEL, STRIDE, PADDING = 4, 2, 1  # of every layer that halves or doubles: side -> side / 2, and back
BATCH = 8  # tiles at once where nothing is trained


class Autoencoder:
    """A detector that has learnt to rebuild normal tiles and says where it fails to.

    `halvings` convolutions halve the side, the channels doubling from `width` on; a 1 x 1 convolution makes the code;
    the same backwards rebuilds the tile. No layer depends on the tile's size, and none knows where in it a pixel lies
    but by its padding.

    Parameters
    ----------
    code : channels of the code, the bottleneck; with 4 and three halvings it holds a sixteenth of the tile's numbers.
    halvings, width : see above.
    steps, batch, crop : training takes so many steps, each on so many crops of `crop` px out of the tiles.
    rate : highest learning rate of Adam; it rises to it and falls again (one cycle).
    error : "ssim" or "pixel", see `error_maps`.
    smoothing : standard deviation in px of the Gaussian over anomaly maps, 0 = none.
    seed : draws the weights and the crops; the same seed gives the same result on one machine and number of threads.

    Fitted attributes: `losses_` (a float a step), `tile_shape_`, `mean_`, `spread_`.
    """

    def __init__(
        self,
        *,
        code: int = 4,
        halvings: int = 3,
        width: int = 16,
        steps: int = 250,
        batch: int = 16,
        crop: int = 128,
        rate: float = 2e-3,
        error: str = "ssim",
        smoothing: float = 4.0,
        seed: int = 0,
    ) -> None:
        whole = {"code": code, "halvings": halvings, "width": width, "steps": steps, "batch": batch, "crop": crop}
        for name, value in {**whole, "seed": seed}.items():
            least = 0 if name == "seed" else 1
            if not is_whole(value) or not least <= value < 2**32:
                raise InputError(f"{name} is {value!r}, expected a whole number from {least} on.")
        if not isinstance(rate, (int, float, np.number)) or not 0 < rate < np.inf:
            raise InputError(f"rate is {rate!r}, expected a learning rate above 0, for example 0.002.")
        check_error(error, smoothing)
        if halvings > 8 or crop % 2**halvings:
            raise InputError(
                f"crop is {crop} with {halvings} halvings, expected 1 to 8 halvings, and a crop that allows them."
            )
        self.code, self.halvings, self.width = int(code), int(halvings), int(width)
        self.steps, self.batch, self.crop, self.rate = int(steps), int(batch), int(crop), float(rate)
        self.error, self.smoothing, self.seed = error, float(smoothing), int(seed)

    def fit(self, tiles: np.ndarray, watch: Callable[[Sequence[float]], None] | None = None) -> Autoencoder:
        """Learn to rebuild normal tiles (N, H, W) uint8; return the autoencoder itself.

        `watch(losses)` is called after each step with all losses so far: the mean squared error, as a share of the
        tiles' variance, so that 1 is what a flat grey picture would get.
        """
        import torch
        import torch.nn.functional as F

        tiles = check_tiles(tiles)
        self._check_sides(tiles.shape[1:])
        self.__dict__.pop("_encoder", None)  # should training go astray, nothing of an older one is left
        self.mean_, self.spread_ = float(tiles.mean()), max(float(tiles.std()), 1.0)
        with torch.random.fork_rng(devices=[]):  # the caller's own draws go on as if nothing had been drawn here
            torch.manual_seed(self.seed)
            encoder, decoder = self.network()
        weights = [*encoder.parameters(), *decoder.parameters()]
        adam = torch.optim.Adam(weights, self.rate)
        cycle = torch.optim.lr_scheduler.OneCycleLR(adam, self.rate, total_steps=self.steps + 1)
        images, rng, losses = self._images(tiles), np.random.default_rng(self.seed), []
        for step in range(self.steps):
            crops = self._crops(images, rng)
            loss = F.mse_loss(decoder(encoder(crops)), crops)
            losses.append(float(loss.detach()))
            if not np.isfinite(losses[-1]):
                raise InputError(f"Training went astray at step {step + 1}, the loss is infinite: take a lower rate.")
            adam.zero_grad()
            loss.backward()
            adam.step()
            cycle.step()
            if watch is not None:
                watch(losses)
        self._encoder, self._decoder = encoder.eval(), decoder.eval()
        self.losses_, self.tile_shape_ = losses, (int(tiles.shape[1]), int(tiles.shape[2]))
        return self

    def encode(self, tiles: np.ndarray) -> np.ndarray:
        """Return the codes of tiles (N, H, W) uint8: (N, H', W', code) float32, channels last as patches have them."""
        return self._through(tiles, lambda images: self._encoder(images).permute(0, 2, 3, 1))

    def rebuild(self, tiles: np.ndarray) -> np.ndarray:
        """Return what becomes of tiles (N, H, W) uint8 on their way through the code: (N, H, W) float32 grey levels."""
        rebuilt = self._through(tiles, lambda images: self._decoder(self._encoder(images))[:, 0])
        return rebuilt * np.float32(self.spread_) + np.float32(self.mean_)

    def score(self, tiles: np.ndarray) -> Found:
        """Return error maps of tiles (N, H, W) uint8, and each one's highest value as its score."""
        maps = error_maps(tiles, self.rebuild(tiles), self.error, self.smoothing)
        return Found(maps, max_score(maps))

    def score_strip(self, image: np.ndarray) -> StripFound:
        """Score a whole strip (H, W) uint8 as `PatchCore.score_strip` does: its fabric is tiled, scored, stitched."""
        side = self._fitted_shape()[0]
        image = check_tiles(np.asarray(image)[None], "The strip")[0]
        begin, end = fabric_region(image)
        tiles, corners = tile(image[:, begin:end], size=side)
        corners = corners + [0, begin]
        found = self.score(tiles)
        stitched = strip_map(found.maps, corners, image.shape)
        return StripFound(stitched, float(found.scores.max()), found.scores, corners, (begin, end))

    @property
    def nbytes(self) -> int:
        """Bytes of the weights: all that is kept, however many tiles were seen."""
        return sum(array.nbytes for array in self._weights().values())

    def save(self, file: str | os.PathLike) -> Path:
        """Write the fitted autoencoder to a file of plain arrays (`.npz`), whole or not at all."""
        weights = self._weights()
        about = {"format": FORMAT, "version": VERSION, "parameters": self.parameters(), "losses": self.losses_}
        about |= {"tile_shape": self.tile_shape_, "mean": self.mean_, "spread": self.spread_}
        header = np.frombuffer(json.dumps(about).encode(), np.uint8)
        with write_whole(file) as path, open(path, "wb") as opened:
            np.savez(opened, **{HEADER: header}, **weights)
        return Path(file)

    @classmethod
    def load(cls, file: str | os.PathLike) -> Autoencoder:
        """Read a saved autoencoder; nothing is unpickled. A missing, foreign or damaged file raises `InputError`."""
        import torch

        if not Path(file).is_file():
            raise MissingError(f"{file} isn't there: give the file that save() wrote.")
        try:
            with np.load(file, allow_pickle=False) as arrays:
                weights = {name: arrays[name] for name in arrays.files}
            about = json.loads(weights.pop(HEADER).tobytes())
            if about["format"] != FORMAT:
                raise KeyError("format")
            found = cls(**about["parameters"]) if about["version"] == VERSION else None
            if found is not None:
                found._encoder, found._decoder = (part.eval() for part in found.network())
                found.tile_shape_ = tuple(map(int, about["tile_shape"]))
                found.losses_ = list(map(float, about["losses"]))
                found.mean_, found.spread_ = float(about["mean"]), float(about["spread"])
                found._both().load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
                found._check_sides(found.tile_shape_)
        except Exception as error:  # noqa: BLE001 - a damaged file may break anything on the way
            raise InputError(
                f"{file} holds no readable autoencoder ({_short(error)}): save it again, or fit anew."
            ) from error
        if found is None:
            raise InputError(f"{file} has format version {about['version']}, this code reads {VERSION}: fit anew.")
        if not all(np.isfinite(array).all() for array in [*weights.values(), found.mean_, found.spread_]):
            raise InputError(f"{file} holds weights that are NaN or infinite: save it again, or fit anew.")
        return found

    def parameters(self) -> dict[str, Any]:
        """Return what the constructor was given, by name."""
        names = ("code", "halvings", "width", "steps", "batch", "crop", "rate", "error", "smoothing", "seed")
        return {name: getattr(self, name) for name in names}

    def network(self) -> tuple[nn.Sequential, nn.Sequential]:
        """Return encoder and decoder with fresh weights: (B, 1, S, S) -> (B, code, S / 2^halvings, ...) -> back."""
        from torch import nn

        sides = [1] + [self.width * 2**i for i in range(self.halvings)]  # channels at each side
        down, up = nn.Sequential(), nn.Sequential(nn.Conv2d(self.code, sides[-1], 1), nn.LeakyReLU(0.2))
        for before, after in zip(sides, sides[1:], strict=False):
            down.extend([nn.Conv2d(before, after, KERNEL, STRIDE, PADDING), nn.LeakyReLU(0.2)])
        down.append(nn.Conv2d(sides[-1], self.code, 1))
        for before, after in zip(sides[::-1], sides[-2::-1], strict=False):
            up.append(nn.ConvTranspose2d(before, after, KERNEL, STRIDE, PADDING))
            if after != 1:
                up.append(nn.LeakyReLU(0.2))
        return down, up

    def _both(self) -> nn.ModuleDict:
        from torch import nn

        self._fitted_shape()
        return nn.ModuleDict({"encoder": self._encoder, "decoder": self._decoder})

    def _weights(self) -> dict[str, np.ndarray]:
        return {name: tensor.detach().numpy() for name, tensor in self._both().state_dict().items()}

    def _images(self, tiles: np.ndarray) -> torch.Tensor:
        import torch

        grey = (tiles.astype(np.float32) - np.float32(self.mean_)) / np.float32(self.spread_)
        return torch.from_numpy(grey)[:, None]  # (N, H, W) -> (N, 1, H, W)

    def _crops(self, images: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
        """Return `batch` crops (batch, 1, crop, crop), each from any place of any image."""
        import torch

        which = rng.integers(len(images), size=self.batch)
        top, left = (rng.integers(side - self.crop + 1, size=self.batch) for side in images.shape[2:])
        drawn = zip(which, top, left, strict=True)
        return torch.stack([images[i, :, r : r + self.crop, c : c + self.crop] for i, r, c in drawn])

    def _through(self, tiles: np.ndarray, part: Callable[[torch.Tensor], torch.Tensor]) -> np.ndarray:
        import torch

        tiles = check_tiles(tiles)
        if tiles.shape[1:] != self._fitted_shape():
            raise InputError(
                f"tiles are {tiles.shape[1]} x {tiles.shape[2]} px but the autoencoder was fitted on "
                f"{self.tile_shape_[0]} x {self.tile_shape_[1]}: tile them alike."
            )
        with torch.inference_mode():
            parts = [part(self._images(tiles[i : i + BATCH])).numpy() for i in range(0, len(tiles), BATCH)]
        return np.ascontiguousarray(np.concatenate(parts))

    def _check_sides(self, shape: tuple[int, ...]) -> None:
        if len(shape) != 2 or any(side % 2**self.halvings or side < self.crop for side in shape):
            raise InputError(
                f"tiles are of {' x '.join(map(str, shape))} px, expected sides of at least the crop's {self.crop} px "
                f"that {2**self.halvings} divides: tile them otherwise, or choose another crop."
            )

    def _fitted_shape(self) -> tuple[int, int]:
        if not hasattr(self, "_encoder"):
            raise InputError("The autoencoder has learned nothing yet: call fit(tiles) with normal tiles first.")
        return self.tile_shape_


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:80] or type(error).__name__
