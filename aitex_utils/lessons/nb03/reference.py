"""The course's own functions for the exercises of notebook 03: from a tile to whitened patches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch
    from torch import nn


def preprocess(tiles: np.ndarray) -> torch.Tensor:
    """Normalise tiles for EfficientNet-Lite0: grey g becomes (g - 127) / 128, in three equal channels.

    Parameters
    ----------
    tiles : ndarray, shape (B, H, W)
        Grey tiles, uint8.

    Returns
    -------
    torch.Tensor, shape (B, 3, H, W)
        float32.

    Examples
    --------
    >>> preprocess(np.full((1, 2, 2), 63, np.uint8))[0, 0].tolist()
    [[-0.5, -0.5], [-0.5, -0.5]]
    """
    import torch

    scaled = (np.asarray(tiles, np.float32) - 127) / 128
    return torch.from_numpy(scaled)[:, None].repeat(1, 3, 1, 1)


def flawed_preprocess(tiles: np.ndarray) -> torch.Tensor:
    """Normalise tiles with the planted flaw of exercise 03.6: the subtraction overflows in uint8.

    Parameters
    ----------
    tiles : ndarray, shape (B, H, W)
        Grey tiles, uint8.

    Returns
    -------
    torch.Tensor, shape (B, 3, H, W)
        float32.

    Examples
    --------
    >>> flawed_preprocess(np.full((1, 2, 2), 63, np.uint8))[0, 0, 0].tolist()
    [1.5, 1.5]
    """
    import torch

    scaled = (tiles - 127) / 128
    return torch.from_numpy(scaled).float()[:, None].repeat(1, 3, 1, 1)


def layer_output(network: nn.Module, layer: str, images: torch.Tensor) -> torch.Tensor:
    """Return the output of one layer, by a forward hook that is removed afterwards.

    Parameters
    ----------
    network : torch.nn.Module
        Network.
    layer : str
        Name of a module of the network.
    images : torch.Tensor, shape (B, C, H, W)
        Input of the network.

    Returns
    -------
    torch.Tensor
        A copy of the layer's output.

    Examples
    --------
    >>> import torch
    >>> network = torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Flatten())
    >>> layer_output(network, "0", torch.tensor([[[[-1.0, 2.0]]]])).tolist()
    [[[[0.0, 2.0]]]]
    """
    kept: list[torch.Tensor] = []

    def keep(module: nn.Module, inputs: tuple, output: torch.Tensor) -> None:
        kept.append(output.clone())

    handle = network.get_submodule(layer).register_forward_hook(keep)
    try:
        network(images)
    finally:
        handle.remove()
    return kept[0]


def neighbourhood_mean(feature_map: np.ndarray, side: int = 3) -> np.ndarray:
    """Return the mean over each position's square neighbourhood, at a border over the positions that exist.

    Parameters
    ----------
    feature_map : ndarray, shape (C, H, W)
        Feature map.
    side : int
        Side of the neighbourhood, odd.

    Returns
    -------
    ndarray, shape (C, H, W)

    Examples
    --------
    >>> neighbourhood_mean(np.arange(4.0).reshape(1, 1, 4)).tolist()
    [[[0.5, 1.0, 2.0, 2.5]]]
    """
    import torch
    import torch.nn.functional as F

    given = torch.from_numpy(np.array(feature_map))
    return F.avg_pool2d(given, side, stride=1, padding=side // 2, count_include_pad=False).numpy()


def join(early: torch.Tensor, late: torch.Tensor) -> torch.Tensor:
    """Resize the late output to the grid of the early output and concatenate their channels.

    Parameters
    ----------
    early : torch.Tensor, shape (B, C1, H, W)
        Output of the early layer.
    late : torch.Tensor, shape (B, C2, h, w)
        Output of the late layer.

    Returns
    -------
    torch.Tensor, shape (B, H, W, C1 + C2)

    Examples
    --------
    >>> import torch
    >>> join(torch.zeros(1, 2, 8, 8), torch.zeros(1, 3, 4, 4)).shape
    torch.Size([1, 8, 8, 5])
    """
    import torch
    import torch.nn.functional as F

    resized = F.interpolate(late, early.shape[-2:], mode="bilinear", align_corners=False)
    return torch.cat([early, resized], dim=1).permute(0, 2, 3, 1)


def whiten(normal: np.ndarray, patches: np.ndarray, floor: float = 1e-3) -> np.ndarray:
    """Return patches, whitened by the mean and the covariance of normal patches.

    Parameters
    ----------
    normal : ndarray, shape (N, C)
        Normal patches.
    patches : ndarray, shape (M, C)
        Patches to whiten.
    floor : float
        Share of the mean variance that is added to each variance.

    Returns
    -------
    ndarray, shape (M, C)

    Examples
    --------
    >>> normal = np.array([[-3.0, 0.0], [3.0, 0.0], [0.0, -1.0], [0.0, 1.0]])
    >>> np.abs(whiten(normal, np.array([[3.0, 0.0]]), floor=0.0)).max().round(3)
    np.float64(1.414)
    """
    mean = normal.mean(axis=0)
    centred = normal - mean
    variances, directions = np.linalg.eigh(centred.T @ centred / len(centred))
    return (patches - mean) @ directions / np.sqrt(variances.clip(0) + floor * variances.mean())


def held_out_auroc(aurocs: np.ndarray) -> np.ndarray:
    """Return, for each fabric, the AUROC of the choice with the best mean over the other fabrics.

    Parameters
    ----------
    aurocs : ndarray, shape (choices, fabrics)
        Tile AUROC.

    Returns
    -------
    ndarray, shape (fabrics,)

    Examples
    --------
    >>> held_out_auroc(np.array([[0.9, 0.5, 0.8], [0.7, 0.8, 0.9]]))
    array([0.7, 0.5, 0.9])
    """
    reported = np.empty(aurocs.shape[1])
    for fabric in range(aurocs.shape[1]):
        others = np.delete(aurocs, fabric, axis=1)
        reported[fabric] = aurocs[others.mean(axis=1).argmax(), fabric]
    return reported
