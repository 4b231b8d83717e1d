"""Tiles -> patches: outputs of chosen layers of a CNN, pooled, resized to one grid, concatenated.

Follows section 3.1 of Roth et al., "Towards Total Recall in Industrial Anomaly Detection", CVPR 2022
(arXiv 2106.08265): a patch is what the network says about one position and its neighbourhood (equations 1 to 3).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from .backbones import load_backbone
from .errors import InputError, check_tiles, is_whole
from .pooling import check_pooling, join_layers, parts_of, ways_of

if TYPE_CHECKING:
    import torch


PIECE, MARGIN = 1024, 192  # px of a strip that the network sees at once, and beyond them on each side


class _AllSeen(Exception):
    """Raised by the last hook: the layers behind it needn't be computed."""


class PatchFeatures:
    """A feature extractor: tiles (N, H, W) uint8 in, patches (N, H', W', C) float32 out.

    Parameters
    ----------
    backbone : name of a network, see `backbones.load_backbone`.
    layers : names of its layers, from early to late; None takes the backbone's default pair. The first one's grid
        H' x W' is that of the patches: at stride 8, tiles of 256 px make 32 x 32 = 1,024 patches.
    pooling : side of the square neighbourhood whose mean a patch is, in positions of its layer; odd, 1 = none. One for
        all layers, or a tuple, by layer, whose last one holds for all further layers; or several ways, a tuple of such
        tuples: a patch is then made in each way, and they stand side by side in its channels.
    size : side in px to which tiles are resized before the network sees them; None leaves them as they are.
    padding : what the network's convolutions see beyond a tile's edge, "zeros" or the tile mirrored, "reflect".
    whiten : rotate and scale patches so that over the normal ones all directions spread alike; needs `fit`.
    batch_size : tiles whose patches are made at once. Memory is bounded by it. The network sees them one by one: what
        its layers hold of a single tile stays in the processor's cache, what they hold of eight doesn't.
    pretrained : False takes random weights (a baseline, and quick tests).
    progress : show a bar while many tiles (five batches or more) are turned into patches.

    Fitted attributes: `mean_` (C,) and `whitening_` (C, C), only with `whiten`.
    """

    def __init__(
        self,
        backbone: str = "efficientnet_lite0",
        layers: Sequence[str] | None = None,
        *,
        pooling: int | Sequence[int] = 3,
        size: int | None = None,
        padding: str = "zeros",
        whiten: bool = False,
        batch_size: int = 8,
        pretrained: bool = True,
        progress: bool = False,
    ) -> None:
        if size is not None and not (is_whole(size) and size >= 32):
            raise InputError(f"size is {size!r}, expected at least 32 px, or None to leave tiles as they are.")
        if not (is_whole(batch_size) and batch_size >= 1):
            raise InputError(f"batch_size is {batch_size!r}, expected a whole number of at least 1.")
        import torch

        from .padding import check_padding, mirror_borders

        self.padding = check_padding(padding)
        self.size, self.whiten = None if size is None else int(size), bool(whiten)
        self.batch_size, self.progress = int(batch_size), progress
        loaded = load_backbone(backbone, pretrained=pretrained)
        self.backbone, self.weights_sha256 = loaded.name, loaded.sha256
        self.layers = (layers,) if isinstance(layers, str) else tuple(loaded.layers if layers is None else layers)
        self.pooling = check_pooling(pooling)
        network = mirror_borders(loaded.network) if self.padding == "reflect" else loaded.network
        self._network = network.eval().to(memory_format=torch.channels_last)
        self._mean = torch.from_numpy(loaded.mean).view(1, 3, 1, 1)
        self._std = torch.from_numpy(loaded.std).view(1, 3, 1, 1)
        self._modules = _find_layers(self._network, self.layers, self.backbone)

    def fit(self, tiles: np.ndarray) -> PatchFeatures:
        """Learn the whitening from normal tiles (N, H, W) uint8; without `whiten` there is nothing to learn."""
        if self.whiten:
            self.fit_whitening(self._raw_patches(tiles))
        return self

    def fit_whitening(self, patches: np.ndarray) -> PatchFeatures:
        """Learn mean and whitening matrix from normal patches (..., C), not yet whitened.

        PCA whitening, `(p - mean) V diag(1 / sqrt(variance + floor))`, of each way of pooling alone. The floor, a
        thousandth of the mean variance, keeps directions that hardly vary from being blown up to noise.
        """
        from scipy.linalg import block_diag

        flat, parts = patches.reshape(-1, patches.shape[-1]), []
        self.mean_ = flat.mean(axis=0, dtype=np.float64).astype(np.float32)
        for part in parts_of(flat - self.mean_, self.ways):
            channels = part.shape[1]
            covariance = np.cov(part.T.astype(np.float64), bias=True).reshape(channels, channels)
            variance, directions = np.linalg.eigh(covariance)
            floor = 1e-3 * max(variance.mean(), 1e-12)
            parts.append((directions / np.sqrt(variance.clip(0) + floor)).astype(np.float32))
        self.whitening_ = block_diag(*parts)  # (C, C)
        return self

    @property
    def ways(self) -> int:
        """In how many ways a patch is pooled: so many equal parts its channels have."""
        return ways_of(self.pooling)

    def transform(self, tiles: np.ndarray) -> np.ndarray:
        """Return the patches of tiles: (N, H, W) uint8 -> (N, H', W', C) float32, C-contiguous."""
        return self._joined(self.batches(tiles), len(check_tiles(tiles)))

    def fit_transform(self, tiles: np.ndarray) -> np.ndarray:
        """Like `fit` and then `transform`, with one pass through the network instead of two."""
        patches = self._raw_patches(tiles)
        return self.fit_whitening(patches).whitened(patches) if self.whiten else patches

    def raw_of_strip(self, image: np.ndarray, side: int = 256) -> np.ndarray:
        """Return the patches of a whole strip, or of its fabric: (H, W) uint8 -> (H', W', C) float32, not whitened.

        It is enlarged as tiles of `side` px are, so that threads look alike. No patch lies at a tile's edge, only at
        the strip's own. In the network its width is rounded to whole steps of 32 px, so that it meets the grid.
        """
        import torch

        scale = 1.0 if self.size is None else self.size / side
        shape = round(image.shape[0] * scale), max(32, round(image.shape[1] * scale / 32) * 32)
        with torch.inference_mode():
            outputs = self._outputs_in_pieces(self._prepared(image[None], shape))
            return join_layers(outputs, self.pooling)[0].numpy()

    def batches(self, tiles: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the patches of `batch_size` tiles at a time, each (B, H', W', C) float32: memory stays bounded."""
        for patches in self._raw_batches(tiles):
            yield self.whitened(patches)

    def whitened(self, patches: np.ndarray) -> np.ndarray:
        """Return patches (..., C) whitened, or as they are without `whiten`."""
        if not self.whiten:
            return patches
        if not hasattr(self, "whitening_"):
            raise InputError("Whitening has learned nothing yet: call fit(tiles) with normal tiles first.")
        return (patches - self.mean_) @ self.whitening_

    def _raw_patches(self, tiles: np.ndarray) -> np.ndarray:
        return self._joined(self._raw_batches(tiles), len(check_tiles(tiles)))

    @staticmethod
    def _joined(batches: Iterator[np.ndarray], n: int) -> np.ndarray:
        """Write batches into one array of n tiles as they come, so that they are never held twice."""
        patches, done = None, 0
        for batch in batches:
            if patches is None:
                patches = np.empty((n, *batch.shape[1:]), np.float32)
            patches[done : done + len(batch)] = batch
            done += len(batch)
        return patches

    def _raw_batches(self, tiles: np.ndarray) -> Iterator[np.ndarray]:
        import torch
        from tqdm.auto import tqdm

        tiles = check_tiles(tiles)
        starts = range(0, len(tiles), self.batch_size)
        for start in tqdm(starts, desc="patches", unit="batch", disable=not self.progress or len(starts) < 5):
            with torch.inference_mode():
                images = self._prepared(tiles[start : start + self.batch_size])
                outputs = [self._layer_outputs(one) for one in images.split(1)]
                patches = join_layers([torch.cat(of) for of in zip(*outputs, strict=True)], self.pooling)
            yield patches.numpy()

    def _prepared(self, tiles: np.ndarray, shape: tuple[int, int] | None = None) -> torch.Tensor:
        """(B, H, W) uint8 -> (B, 3, *shape) float32, as the backbone saw its training images; None: size x size."""
        import torch
        import torch.nn.functional as F

        images = torch.from_numpy(np.array(tiles)).unsqueeze(1).float()  # (B, 1, H, W); a copy, if they are read-only
        if shape is None:
            shape = tuple(images.shape[-2:]) if self.size is None else (self.size, self.size)
        if images.shape[-2:] != shape:
            shrinks = shape[0] < min(images.shape[-2:])
            images = F.interpolate(images, shape, mode="bilinear", antialias=shrinks)
        images = (images - self._mean) / self._std  # (B, 3, H, W): grey repeated by broadcasting
        return images.contiguous(memory_format=torch.channels_last)

    def _outputs_in_pieces(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Return the output of each layer for a wide picture (1, 3, H, W), from pieces of it: less memory, and sooner.

        Each is seen with `MARGIN` px more on both sides, farther than a position of the default layers sees.
        """
        import torch

        width, parts = images.shape[-1], []
        if width <= PIECE + 2 * MARGIN:
            return self._layer_outputs(images)
        for begin in range(0, width, PIECE):
            low, end, high = max(0, begin - MARGIN), min(begin + PIECE, width), min(begin + PIECE + MARGIN, width)
            outputs = self._layer_outputs(images[..., low:high].contiguous(memory_format=torch.channels_last))
            if any((high - low) % output.shape[-1] for output in outputs):
                return self._layer_outputs(images)  # a layer without a whole number of px a column can't be cut
            strides = [(high - low) // output.shape[-1] for output in outputs]
            own = [slice((begin - low) // stride, (end - low) // stride) for stride in strides]
            parts.append([output[..., columns] for output, columns in zip(outputs, own, strict=True)])
        return [torch.cat(of, dim=-1) for of in zip(*parts, strict=True)]

    def _layer_outputs(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Return the output of each layer, (B, C, H', W'), taken by hooks; stop when the last one was seen."""
        seen: dict[str, torch.Tensor] = {}

        def hook(name: str):
            def keep(module, inputs, output) -> None:
                # A copy: networks add and rectify in place, so that what comes behind a layer may change its output.
                seen[name] = _as_map(output, module, self._network, images).clone()
                if len(seen) == len(self._modules):
                    raise _AllSeen

            return keep

        handles = [module.register_forward_hook(hook(name)) for name, module in self._modules.items()]
        try:
            self._network(images)
        except _AllSeen:
            pass
        except (AssertionError, RuntimeError) as error:
            raise InputError(
                f"{self.backbone} can't take tiles of {images.shape[-2]} x {images.shape[-1]} px ({error}): "
                "give `size` the side in px that it was trained with, often 224."
            ) from error
        finally:
            for handle in handles:
                handle.remove()
        unseen = [name for name in self.layers if name not in seen]
        if unseen:
            raise InputError(f"{self.backbone} never runs its layer {unseen[0]!r}: choose another, a whole block say.")
        return [seen[name] for name in self.layers]


def _find_layers(network: torch.nn.Module, layers: tuple[str, ...], backbone: str) -> dict:
    """Return the named modules; raise `InputError` for an unknown or doubled name, with those near it."""
    modules = dict(network.named_modules())
    if not layers or len(set(layers)) != len(layers):
        raise InputError(f"layers is {list(layers)}: name at least one layer of {backbone}, each once.")
    for name in layers:
        if name not in modules or not name:
            near = difflib.get_close_matches(name, modules, n=3) or [m for m in modules if m and "." not in m][:8]
            raise InputError(f"{backbone} has no layer {name!r}: near it are {', '.join(near)}.")
    return {name: modules[name] for name in layers}


def _as_map(
    output: torch.Tensor, module: torch.nn.Module, network: torch.nn.Module, images: torch.Tensor
) -> torch.Tensor:
    """Return a layer's output as (B, C, H', W'): maps as they are, a transformer's tokens put back on their grid."""
    from torch import nn

    if not hasattr(output, "ndim"):
        raise InputError(f"A layer gives a {type(output).__name__}, not a map: choose another, a whole block say.")
    if output.ndim == 4:
        layout = getattr(module, "output_fmt", getattr(network, "output_fmt", ""))  # of timm's networks; else NCHW
        last = str(layout).endswith("NHWC") and not isinstance(module, nn.Conv2d)
        return output.permute(0, 3, 1, 2) if last else output
    if output.ndim == 3:
        tokens = output[:, getattr(network, "num_prefix_tokens", 0) :]  # (B, H' * W', C) without the class token
        height, width = images.shape[-2:]
        rows = round((tokens.shape[1] * height / width) ** 0.5)
        if rows and rows * (tokens.shape[1] // rows) == tokens.shape[1]:
            return tokens.transpose(1, 2).reshape(len(tokens), tokens.shape[2], rows, -1)
    raise InputError(
        f"A layer gives an array of shape {tuple(output.shape)}, not a map: choose a layer before the pooling."
    )
