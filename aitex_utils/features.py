"""Tiles -> patches: outputs of chosen layers of a CNN, averaged locally, resized to one grid, concatenated.

Start with `PatchFeatures.transform`, which does all steps, and `fuse_layers`, which does those after the network. They
follow section 3.1 of Roth et al., "Towards Total Recall in Industrial Anomaly Detection", CVPR 2022 (arXiv 2106.08265).
A **patch** is a locally aware feature vector: it describes one position of a feature map and its neighbourhood
(equations 1 to 3). A **branch** is one way of averaging over the neighbourhood. With several branches each patch is
described once per branch, and the descriptions stand side by side in its channels.
"""

from __future__ import annotations

import copy
import difflib
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from .backbones import load_backbone
from .errors import InputError, check_choice, check_flag, check_integer, check_shape, shown
from .safety.arrays import as_array, check_patches, check_strip, check_tiles
from .safety.devices import check_device, halve_where_full
from .safety.out_of_memory import explain_memory, first_line
from .safety.torch_defaults import torch_defaults

if TYPE_CHECKING:
    import torch
    from torch import nn

PADDINGS = ("reflect", "zeros")  # what convolutions see beyond the edge, see `padding`
MULTI_SCALE_POOLING = ((3,), (1,))  # two branches: averaged over 3 x 3 positions, and not averaged
PIECE, MARGIN = 1024, 192  # px of a strip that the network sees at once, and further px on each side
MAX_SIZE, MAX_POOLING, MAX_ASPECT = 4096, 31, 64  # beyond them a tile exceeds memory, or an average covers all of it
OF_SIZE = re.compile("size|shape|dimension|height|width|divisible|^$", re.I)  # how networks refuse a tile's size


ONE_AT_A_TIME = threading.Lock()


class PatchFeatures:
    """A feature extractor: tiles (N, H, W) uint8 in, patches (N, H', W', C) float32 out.

    With `colour`, tiles can be (N, H, W, 3) wherever this class takes tiles.

    Parameters
    ----------
    backbone : str
        Name of a network, see `backbones.load_backbone`.
    layers : sequence of str, optional
        Names of its layers, from early to late; None takes the backbone's default pair. The grid H' x W' of the first
        layer is the grid of the patches: at stride 8, tiles of 256 px give 32 x 32 = 1,024 patches.
    pooling : int, tuple of int, or tuple of tuples of int
        Side of the square neighbourhood over which a patch is averaged, in positions of its layer; odd, 1 = none. An
        int holds for all layers; a tuple gives one side per layer, the last one for all further layers. A tuple of
        such tuples makes several branches, which stand side by side in a patch's channels. At most 31.
    size : int, optional
        Side in px, 32 to 4096, to which tiles are resized for the network. An oblong tile keeps its proportions: its
        shorter side becomes `size`, its longer one is rounded to whole steps of 32 px. None leaves tiles as they are.
    padding : {"zeros", "reflect"}
        Values that the network's convolutions assume beyond a tile's edge.
    colour : bool
        Take colour tiles (N, H, W, 3) as well, with red, green and blue along the last axis. A grey tile is a colour
        tile with three equal channels, so its patches are the same with and without `colour`.
    whiten : bool
        Rotate and scale patches so that normal patches vary equally in all directions; needs `fit`.
    batch_size : int
        Number of tiles whose patches are held at once, which bounds memory. On the CPU the network itself sees them one
        by one, because the activations of a single tile stay in the processor's cache. On a GPU it sees them all at
        once. A batch that exceeds the memory of a GPU is halved, with a warning.
    pretrained : bool
        False takes random weights, as a baseline and for quick tests.
    progress : bool
        Show a bar while many tiles (5 batches or more) are processed.
    device : {"auto", "cpu", "cuda", "cuda:N", "mps"}
        Where the network computes, see `safety.devices.check_device`. "auto" takes a GPU of NVIDIA or AMD where there
        is one.

    Attributes
    ----------
    device : str
        Device in use, never "auto".
    mean_ : ndarray, shape (C,)
        Mean of the normal patches, only with `whiten`.
    whitening_ : ndarray, shape (C, C)
        Whitening matrix, only with `whiten`.

    Raises
    ------
    InputError
        If an argument is out of range, or the backbone or a layer does not exist.

    Notes
    -----
    The patches do not depend on PyTorch's defaults (see `torch_defaults`). The number of threads changes their last
    digits, by at most 2e-5 in our measurements, because the network's sums are then added in another order. So does a
    GPU, which computes in float32 as well, without TF32.

    Examples
    --------
    >>> features = PatchFeatures()
    >>> features.transform(np.zeros((2, 256, 256), np.uint8)).shape
    (2, 32, 32, 152)
    """

    def __init__(
        self,
        backbone: str = "efficientnet_lite0",
        layers: Sequence[str] | None = None,
        *,
        pooling: int | Sequence = 3,
        size: int | None = None,
        padding: str = "zeros",
        colour: bool = False,
        whiten: bool = False,
        batch_size: int = 8,
        pretrained: bool = True,
        progress: bool = False,
        device: str = "auto",
    ) -> None:
        self.device = check_device(device)
        self.size = None if size is None else check_integer("size", size, 32, MAX_SIZE)
        self.batch_size = check_integer("batch_size", batch_size, 1)
        self.padding = check_choice("padding", padding, PADDINGS)
        self.pooling = check_pooling(pooling)
        self.colour = check_flag("colour", colour)
        self.whiten, self.progress = check_flag("whiten", whiten), check_flag("progress", progress)
        if not isinstance(layers, (str, list, tuple, type(None))):
            raise InputError(f"layers is {shown(layers)}: give names of layers in a tuple, or None for the default.")
        import torch

        from .padding import use_reflect_padding

        loaded = load_backbone(backbone, pretrained=pretrained)
        self.backbone, self.weights_sha256 = loaded.name, loaded.sha256
        self.layers = (layers,) if isinstance(layers, str) else tuple(loaded.layers if layers is None else layers)
        network = use_reflect_padding(loaded.network) if self.padding == "reflect" else loaded.network
        self._layout = torch.channels_last if self.device == "cpu" else torch.contiguous_format
        self._network = network.eval().to(self.device, memory_format=self._layout)
        self._mean = torch.from_numpy(loaded.mean).view(1, 3, 1, 1).to(self.device)
        self._std = torch.from_numpy(loaded.std).view(1, 3, 1, 1).to(self.device)
        self._modules = _find_layers(self._network, self.layers, self.backbone)

    def with_pooling(self, pooling: int | Sequence) -> PatchFeatures:
        """Return a new extractor with a pooling of its own that shares the network. Its whitening is not fitted.

        Parameters
        ----------
        pooling : int, tuple of int, or tuple of tuples of int
            As in the constructor.

        Returns
        -------
        PatchFeatures
        """
        other = copy.copy(self)
        other.pooling = check_pooling(pooling)
        for name in ("mean_", "whitening_"):
            other.__dict__.pop(name, None)
        return other

    def check_tiles(self, tiles: np.ndarray) -> np.ndarray:
        """Return tiles as an array if this extractor takes them.

        Parameters
        ----------
        tiles : array_like, shape (N, H, W), or with `colour` also (N, H, W, 3)
            Tiles, uint8.

        Returns
        -------
        ndarray, shape (N, H, W) or (N, H, W, 3)

        Raises
        ------
        InputError
            If they are no such tiles.
        """
        return check_tiles(tiles, colour=self.colour)

    @property
    def n_branches(self) -> int:
        """Number of branches of the pooling: into so many equal parts a patch's channels divide."""
        return count_branches(self.pooling)

    def fit(self, tiles: np.ndarray) -> PatchFeatures:
        """Learn the whitening from normal tiles. Without `whiten` there is nothing to learn.

        Parameters
        ----------
        tiles : ndarray, shape (N, H, W)
            Normal tiles, uint8.

        Returns
        -------
        PatchFeatures
            The extractor itself.
        """
        if self.whiten:
            self.fit_whitening(self._collect(self.check_tiles(tiles), self._iter_raw))
        return self

    def fit_whitening(self, patches: np.ndarray) -> PatchFeatures:
        """Learn mean and whitening matrix from normal patches.

        Parameters
        ----------
        patches : ndarray, shape (..., C)
            Normal patches, not yet whitened.

        Returns
        -------
        PatchFeatures
            The extractor itself.

        Raises
        ------
        InputError
            If the patches are not numbers, or their channels do not divide into the branches.

        Notes
        -----
        PCA whitening of each branch alone, (p - mean) V diag(1 / sqrt(variance + floor)). The floor, a thousandth of
        the mean variance, keeps directions that hardly vary from being amplified to noise.
        """
        from scipy.linalg import block_diag

        flat, matrices = flatten_patches(patches), []
        mean = flat.mean(axis=0, dtype=np.float64).astype(np.float32)
        for branch in split_branches(flat - mean, self.n_branches):
            channels = branch.shape[1]
            covariance = np.cov(branch.T.astype(np.float64), bias=True).reshape(channels, channels)
            variance, directions = np.linalg.eigh(covariance)
            floor = 1e-3 * max(variance.mean(), 1e-12)
            matrices.append((directions / np.sqrt(variance.clip(0) + floor)).astype(np.float32))
        vars(self).update(mean_=mean, whitening_=block_diag(*matrices))  # (C,), (C, C): both or neither, if interrupted
        return self

    def apply_whitening(self, patches: np.ndarray) -> np.ndarray:
        """Whiten patches. Without `whiten` return them as they are.

        Parameters
        ----------
        patches : ndarray, shape (..., C)
            Patches, not yet whitened.

        Returns
        -------
        ndarray, shape (..., C)

        Raises
        ------
        InputError
            If the whitening has not been fitted.
        """
        if not self.whiten:
            return patches
        if not hasattr(self, "whitening_"):
            raise InputError("The whitening is not fitted yet: call fit(tiles) with normal tiles first.")
        patches = as_array(patches, "patches")
        if patches.shape[-1:] != self.mean_.shape:
            raise InputError(
                f"patches has shape {patches.shape}, expected (..., {len(self.mean_)}): extract them anew."
            )
        with np.errstate(over="ignore", invalid="ignore"):  # NaN and infinity are refused by the memory bank
            return (patches - self.mean_) @ self.whitening_

    def transform(self, tiles: np.ndarray) -> np.ndarray:
        """Return the patches of tiles.

        Parameters
        ----------
        tiles : ndarray, shape (N, H, W)
            Grey tiles, uint8.

        Returns
        -------
        ndarray, shape (N, H', W', C)
            float32, C-contiguous.

        Raises
        ------
        InputError
            If the tiles are not grey tiles, the backbone cannot take their size, or the whitening is not fitted.
        """
        return self._collect(self.check_tiles(tiles), self.iter_patches)

    def fit_transform(self, tiles: np.ndarray) -> np.ndarray:
        """Do what `fit` and then `transform` do, with one pass through the network instead of two.

        Parameters
        ----------
        tiles : ndarray, shape (N, H, W)
            Normal tiles, uint8.

        Returns
        -------
        ndarray, shape (N, H', W', C)
            float32, C-contiguous.
        """
        patches = self._collect(self.check_tiles(tiles), self._iter_raw)
        return self.fit_whitening(patches).apply_whitening(patches) if self.whiten else patches

    def iter_patches(self, tiles: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the patches of `batch_size` tiles at a time, so that memory stays bounded.

        Parameters
        ----------
        tiles : ndarray, shape (N, H, W)
            Grey tiles, uint8.

        Yields
        ------
        ndarray, shape (B, H', W', C)
            float32.
        """
        for patches in self._iter_raw(tiles):
            yield self.apply_whitening(patches)

    def extract_strip(self, strip: np.ndarray, tile_size: int = 256) -> np.ndarray:
        """Return the patches of a whole strip, or of its fabric, not whitened.

        The strip is resized as tiles of `tile_size` px are, so threads have the same width. No patch lies at a tile's
        edge, only at the strip's own. The width in the network is rounded to whole steps of 32 px, to fit the grid.

        Parameters
        ----------
        strip : ndarray, shape (H, W)
            Grey image, uint8.
        tile_size : int
            Side in px of the tiles to which the strip corresponds.

        Returns
        -------
        ndarray, shape (H', W', C)
            float32.

        Raises
        ------
        InputError
            If the strip is not a grey image, or too large or small for the network.
        """
        import torch

        strip, tile_size = check_strip(strip), check_integer("tile_size", tile_size, 1)
        scale = 1.0 if self.size is None else self.size / tile_size
        shape = max(1, round(strip.shape[0] * scale)), max(32, round(strip.shape[1] * scale / 32) * 32)
        with explain_memory(), torch_defaults(), torch.inference_mode():
            outputs = self._layer_outputs_in_pieces(self.preprocess(strip[None], shape))
            return fuse_layers(outputs, self.pooling)[0].cpu().numpy()

    def preprocess(self, tiles: np.ndarray, shape: tuple[int, int] | None = None) -> torch.Tensor:
        """Resize and normalise tiles as the backbone's training images were.

        Parameters
        ----------
        tiles : ndarray, shape (B, H, W), or with `colour` also (B, H, W, 3)
            Tiles, uint8.
        shape : tuple of int, optional
            Height and width in px for the network; None takes them from `size`.

        Returns
        -------
        torch.Tensor, shape (B, 3, height, width)
            float32, on the extractor's device.
        """
        import torch

        tiles = self.check_tiles(tiles)
        shape = self._input_shape(tiles.shape[1:3]) if shape is None else check_shape("shape", shape)
        channels_first = np.moveaxis(tiles, -1, 1) if tiles.ndim == 4 else tiles[:, None]  # (B, 3 or 1, H, W)
        images = torch.from_numpy(np.array(channels_first, order="C")).to(self.device).float()
        one_by_one = _resize(images.flatten(0, 1)[:, None], shape)  # each colour as grey is, to the last digit
        images = one_by_one.reshape(*images.shape[:2], *shape)
        images = (images - self._mean) / self._std  # (B, 3, H, W): grey repeated by broadcasting
        return images.contiguous(memory_format=self._layout)

    def layer_outputs(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Return the feature map of each layer, taken by forward hooks. Layers behind the last one are not computed.

        Parameters
        ----------
        images : torch.Tensor, shape (B, 3, H, W)
            Output of `preprocess`.

        Returns
        -------
        list of torch.Tensor, each of shape (B, C_i, H_i, W_i)
            On the extractor's device.

        Raises
        ------
        InputError
            If the backbone cannot take images of this size, never runs a layer, or a layer's output is not a map.
        """
        outputs: dict[str, torch.Tensor] = {}

        def make_hook(name: str):
            def hook(module, inputs, output) -> None:
                # A copy: networks work in place, so layers further on can overwrite this output.
                outputs[name] = _as_map(output, module, self._network, images).clone()
                if len(outputs) == len(self._modules):
                    raise _AllLayersSeen

            return hook

        with ONE_AT_A_TIME:  # networks are shared, and so are their hooks
            handles = [module.register_forward_hook(make_hook(name)) for name, module in self._modules.items()]
            try:
                with explain_memory(), torch_defaults():
                    self._network(images.to(self.device))
            except _AllLayersSeen:
                pass
            except (AssertionError, RuntimeError) as error:
                if not OF_SIZE.search(str(error)):
                    raise
                raise InputError(
                    f"{self.backbone} cannot take tiles of {images.shape[-2]} x {images.shape[-1]} px "
                    f"({first_line(error)}): set `size` to the side in px of its training images, often 224."
                ) from error
            finally:
                for handle in handles:
                    handle.remove()
        missing = [name for name in self.layers if name not in outputs]
        if missing:
            raise InputError(
                f"{self.backbone} never runs its layer {missing[0]!r}: choose another, for example a whole block."
            )
        return [outputs[name] for name in self.layers]

    def _input_shape(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """Return height and width in the network of tiles of a given shape: the shorter side becomes `size`."""
        short, long = min(shape), max(shape)
        if long > MAX_ASPECT * short:
            raise InputError(
                f"tiles are {shape[0]} x {shape[1]} px, too oblong: cut them into pieces, see tiling.tile."
            )
        if self.size is None:
            return shape[0], shape[1]
        longer = self.size if short == long else max(self.size, round(long / short * self.size / 32) * 32)
        return (self.size, longer) if shape[0] == short else (longer, self.size)

    def _layer_outputs_in_pieces(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Return the feature map of each layer for a wide image (1, 3, H, W), from pieces: less memory, and faster.

        Each piece is seen with `MARGIN` px more on both sides, which exceeds the receptive field of the default
        layers.
        """
        import torch

        width, pieces = images.shape[-1], []
        if width <= PIECE + 2 * MARGIN:
            return self.layer_outputs(images)
        for begin in range(0, width, PIECE):
            low, end, high = max(0, begin - MARGIN), min(begin + PIECE, width), min(begin + PIECE + MARGIN, width)
            outputs = self.layer_outputs(images[..., low:high].contiguous(memory_format=self._layout))
            if any((high - low) % output.shape[-1] for output in outputs):
                return self.layer_outputs(images)  # a layer without a whole number of px per column cannot be cut
            strides = [(high - low) // output.shape[-1] for output in outputs]
            own = [slice((begin - low) // stride, (end - low) // stride) for stride in strides]
            pieces.append([output[..., columns] for output, columns in zip(outputs, own, strict=True)])
        return [torch.cat(parts, dim=-1) for parts in zip(*pieces, strict=True)]

    def _iter_raw(self, tiles: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the patches of `batch_size` tiles at a time, not whitened, each (B, H', W', C)."""
        from tqdm.auto import tqdm

        tiles = self.check_tiles(tiles)
        starts = range(0, len(tiles), self.batch_size)
        bar = tqdm(starts, desc="patches", unit="batch", disable=not self.progress or len(starts) < 5)
        batches = (tiles[start : start + self.batch_size] for start in bar)
        extract = self._extract_batch
        yield from map(extract, batches) if self.device == "cpu" else halve_where_full(extract, batches, self.device)

    @explain_memory()
    def _extract_batch(self, tiles: np.ndarray) -> np.ndarray:
        """Return the patches (B, H', W', C) of tiles (B, H, W), not whitened."""
        import torch

        with torch_defaults(), torch.inference_mode():  # no setting stays changed while the caller has the patches
            images = self.preprocess(tiles)
            at_once = [self.layer_outputs(part) for part in images.split(1 if self.device == "cpu" else len(images))]
            by_layer = [torch.cat(outputs) for outputs in zip(*at_once, strict=True)]  # each (B, C_i, H_i, W_i)
            return fuse_layers(by_layer, self.pooling).cpu().numpy()

    @staticmethod
    @explain_memory()
    def _collect(tiles: np.ndarray, iter_batches: Callable[[np.ndarray], Iterator[np.ndarray]]) -> np.ndarray:
        """Write the patches of tiles into one array as they come, so that no batch is held twice."""
        patches, done = None, 0
        for batch in iter_batches(tiles):
            if patches is None:
                patches = np.empty((len(tiles), *batch.shape[1:]), np.float32)
            patches[done : done + len(batch)] = batch
            done += len(batch)
        return patches


def fuse_layers(outputs: Sequence[torch.Tensor], pooling: int | Sequence) -> torch.Tensor:
    """Average, resize and concatenate the feature maps of several layers.

    Each map is averaged over `pooling` x `pooling` positions, at a border over the positions that exist. Then it is
    resized bilinearly to the grid of the first map (section 3.1 of the paper, equations 2 and 3).

    Parameters
    ----------
    outputs : sequence of torch.Tensor, each of shape (B, C_i, H_i, W_i)
        Feature maps.
    pooling : int, tuple of int, or tuple of tuples of int
        As in `PatchFeatures`; with m branches the result has m times as many channels.

    Returns
    -------
    torch.Tensor, shape (B, H_1, W_1, sum of C_i)

    Examples
    --------
    >>> import torch
    >>> fuse_layers([torch.ones(1, 2, 8, 8), torch.ones(1, 3, 4, 4)], pooling=3).shape
    torch.Size([1, 8, 8, 5])
    """
    import torch
    import torch.nn.functional as F

    if _has_branches(pooling):
        return torch.cat([fuse_layers(outputs, branch) for branch in pooling], dim=-1)
    sides = (pooling,) if isinstance(pooling, int) else tuple(pooling)
    grid, resized = outputs[0].shape[-2:], []
    for i, output in enumerate(outputs):
        side = sides[min(i, len(sides) - 1)]
        if side > 1:
            output = F.avg_pool2d(output, side, stride=1, padding=side // 2, count_include_pad=False)
        output = _resize(output, grid)
        resized.append(output.permute(0, 2, 3, 1))  # (B, C, H', W') -> (B, H', W', C)
    return torch.cat(resized, dim=-1).contiguous()


def check_pooling(pooling: int | Sequence) -> int | tuple:
    """Return the pooling as plain ints and tuples.

    Parameters
    ----------
    pooling : int, sequence of int, or sequence of sequences of int
        As in `PatchFeatures`.

    Returns
    -------
    int or tuple

    Raises
    ------
    InputError
        If a side is not an odd whole number up to 31.

    Examples
    --------
    >>> check_pooling([[3], [1]])
    ((3,), (1,))
    """
    if _has_branches(pooling):
        return tuple(check_pooling(branch if isinstance(branch, (list, tuple)) else (branch,)) for branch in pooling)
    several = isinstance(pooling, (list, tuple))
    sides = tuple(pooling) if several else (pooling,)
    odd = [isinstance(s, (int, np.integer)) and not isinstance(s, bool) and s % 2 == 1 for s in sides]
    if not sides or not all(odd) or min(sides) < 1 or max(sides) > MAX_POOLING:
        raise InputError(
            f"pooling is {shown(pooling)}, expected an odd number from 1 to {MAX_POOLING}, for example 3 (1 = none)."
        )
    return tuple(int(side) for side in sides) if several else int(pooling)


def count_branches(pooling: int | Sequence) -> int:
    """Return the number of branches of a pooling: 1, except for a tuple of tuples.

    Parameters
    ----------
    pooling : int, tuple of int, or tuple of tuples of int
        As in `PatchFeatures`.

    Returns
    -------
    int

    Examples
    --------
    >>> count_branches(3), count_branches(MULTI_SCALE_POOLING)
    (1, 2)
    """
    return len(pooling) if _has_branches(pooling) else 1


def split_branches(patches: np.ndarray, n_branches: int) -> list[np.ndarray]:
    """Return the branches of patches as views.

    Parameters
    ----------
    patches : ndarray, shape (..., C)
        Patches whose channels are branch after branch.
    n_branches : int
        Number of branches; must divide C.

    Returns
    -------
    list of ndarray, each of shape (..., C / n_branches)

    Raises
    ------
    InputError
        If the channels do not divide into so many equal parts.

    Examples
    --------
    >>> [branch.tolist() for branch in split_branches(np.arange(4)[None], 2)]
    [[[0, 1]], [[2, 3]]]
    """
    if patches.shape[-1] % n_branches:
        raise InputError(
            f"patches has {patches.shape[-1]} channels, which do not divide into {n_branches} branches: "
            "make them with the detector's features."
        )
    return np.split(patches, n_branches, axis=-1)


def stack_branch(patches: Sequence[np.ndarray], n_branches: int, branch: int) -> np.ndarray:
    """Return one branch of many arrays of patches as one array.

    Parameters
    ----------
    patches : sequence of ndarray, each of shape (..., C)
        Patches of tiles or strips.
    n_branches : int
        Number of branches.
    branch : int
        Which of them, from 0.

    Returns
    -------
    ndarray, shape (n, C / n_branches)
        C-contiguous; a copy only where it must be.

    Examples
    --------
    >>> stack_branch([np.arange(4).reshape(1, 1, 4), np.arange(4, 8).reshape(1, 1, 4)], 2, 1).tolist()
    [[2, 3], [6, 7]]
    """
    branches = [split_branches(one, n_branches)[branch] for one in patches]
    flat = [one.reshape(-1, one.shape[-1]) for one in branches]
    return np.concatenate(flat) if len(flat) > 1 else np.ascontiguousarray(flat[0])


def flatten_patches(patches: np.ndarray) -> np.ndarray:
    """Return patches of any leading axes as rows.

    Parameters
    ----------
    patches : array_like, shape (..., C)
        Patches.

    Returns
    -------
    ndarray, shape (n, C)

    Raises
    ------
    InputError
        If there are no patches, or they are not finite numbers.

    Examples
    --------
    >>> flatten_patches(np.zeros((2, 4, 4, 3))).shape
    (32, 3)
    """
    patches = as_array(patches, "patches")
    if patches.ndim < 1 or 0 in patches.shape:
        raise InputError(f"patches has shape {patches.shape}, expected (..., C) with at least one patch.")
    return check_patches(patches.reshape(-1, patches.shape[-1]))


class _AllLayersSeen(Exception):
    """Raised by the last hook: the layers behind it need not be computed."""


def _has_branches(pooling: int | Sequence) -> bool:
    return isinstance(pooling, (list, tuple)) and any(isinstance(branch, (list, tuple)) for branch in pooling)


def _resize(images: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """Resize images or maps (B, C, H, W) bilinearly, antialiased if an axis shrinks, so no thin detail is lost.

    Antialiasing leaves an axis that grows as it is, so it is right for both axes if one of them shrinks.
    """
    import torch.nn.functional as F

    if tuple(images.shape[-2:]) == tuple(shape):
        return images
    shrinks = shape[0] < images.shape[-2] or shape[1] < images.shape[-1]
    return F.interpolate(images, tuple(shape), mode="bilinear", align_corners=False, antialias=shrinks)


def _find_layers(network: nn.Module, layers: tuple[str, ...], backbone: str) -> dict[str, nn.Module]:
    """Return the named modules, or raise `InputError` with similar names for an unknown or repeated name."""
    modules = dict(network.named_modules())
    if not layers or len(set(map(str, layers))) != len(layers):
        raise InputError(f"layers is {list(layers)}: name at least one layer of {backbone}, each once.")
    for name in layers:
        if not isinstance(name, str) or name not in modules or not name:
            near = difflib.get_close_matches(str(name), modules, n=3) or [m for m in modules if m and "." not in m][:8]
            raise InputError(f"{backbone} has no layer {shown(name)}: similar names are {', '.join(near)}.")
    return {name: modules[name] for name in layers}


def _as_map(output: torch.Tensor, module: nn.Module, network: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Return a layer's output as (B, C, H', W'): maps as they are, a transformer's tokens put back on their grid."""
    from torch import nn

    if not hasattr(output, "ndim"):
        raise InputError(
            f"A layer returns a {type(output).__name__}, not a feature map: choose another, for example a whole block."
        )
    if output.ndim == 4:
        layout = getattr(module, "output_fmt", getattr(network, "output_fmt", ""))  # of timm's networks, else NCHW
        last = str(layout).endswith("NHWC") and not isinstance(module, nn.Conv2d)
        return output.permute(0, 3, 1, 2) if last else output
    if output.ndim == 3:
        tokens = output[:, getattr(network, "num_prefix_tokens", 0) :]  # (B, H' * W', C) without the class token
        height, width = images.shape[-2:]
        rows = round((tokens.shape[1] * height / width) ** 0.5)
        if rows and rows * (tokens.shape[1] // rows) == tokens.shape[1]:
            return tokens.transpose(1, 2).reshape(len(tokens), tokens.shape[2], rows, -1)
    raise InputError(
        f"A layer returns an array of shape {tuple(output.shape)}, not a feature map: choose an earlier layer."
    )
