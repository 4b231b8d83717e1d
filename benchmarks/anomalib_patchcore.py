"""Run anomalib's PatchCore on our tiles with our weights, in its environment.

Arguments: IN.npz OUT.npz SEED SIZE CORESET_RATIO.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from anomalib.models.image.patchcore.torch_model import PatchcoreModel

from aitex_utils.backbones import Backbone, load_backbone

BATCH_SIZE = 8


def preprocess(tiles: np.ndarray, size: int, backbone: Backbone) -> Iterator[torch.Tensor]:
    """Yield tiles as the network saw its training images.

    Parameters
    ----------
    tiles : ndarray, shape (N, H, W)
        Grey tiles, uint8.
    size : int
        Side in px to which tiles are resized.
    backbone : Backbone
        The network, with the mean and standard deviation of its training images.

    Yields
    ------
    torch.Tensor, shape (B, 3, size, size)
    """
    mean, std = (torch.from_numpy(values).view(1, 3, 1, 1) for values in (backbone.mean, backbone.std))
    for start in range(0, len(tiles), BATCH_SIZE):
        images = torch.from_numpy(tiles[start : start + BATCH_SIZE]).float()[:, None]
        images = F.interpolate(images, (size, size), mode="bilinear", antialias=size < tiles.shape[-1])
        yield (images - mean) / std


def make_model(backbone: Backbone) -> PatchcoreModel:
    """Return anomalib's PatchCore with our weights and layers.

    Parameters
    ----------
    backbone : Backbone
        Our EfficientNet-Lite0.

    Returns
    -------
    PatchcoreModel
    """
    model = PatchcoreModel(layers=list(backbone.layers), backbone="tf_efficientnet_lite0", pre_trained=False)
    network = model.feature_extractor.feature_extractor  # timm's, cut off behind the last layer
    weights = backbone.network.state_dict()
    network.load_state_dict({name: weights[name] for name in network.state_dict()})
    return model


def main() -> None:
    """Fit, predict, and write the maps with the times that both took."""
    given, output, seed, size, coreset_ratio = sys.argv[1:]
    torch.manual_seed(int(seed))
    np.random.seed(int(seed))  # anomalib draws its projection from NumPy's global generator
    backbone = load_backbone("efficientnet_lite0")
    model = make_model(backbone)
    with np.load(given) as arrays:
        training, test = arrays["training"], arrays["test"]
    begin = time.perf_counter()
    with torch.inference_mode():
        model.train()
        model.feature_extractor.eval()
        for images in preprocess(training, int(size), backbone):
            model(images)
        model.subsample_embedding(float(coreset_ratio))
        fitted = time.perf_counter()
        model.eval()
        maps = [model(images).anomaly_map for images in preprocess(test, int(size), backbone)]
        predicted = time.perf_counter()
        maps = F.interpolate(torch.cat(maps), test.shape[1:], mode="bilinear")[:, 0].numpy()
    np.savez(
        output,
        maps=maps,
        fit_seconds=fitted - begin,
        seconds_per_tile=(predicted - fitted) / len(test),
        n_kept=len(model.memory_bank),
    )


if __name__ == "__main__":
    main()
