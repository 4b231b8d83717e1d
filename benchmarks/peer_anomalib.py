"""Run inside anomalib's environment: its PatchCore on our tiles, with our weights. IN.npz OUT.npz SEED SIZE CORESET."""

from __future__ import annotations

import sys
import time

import numpy as np
import torch
import torch.nn.functional as F
from anomalib.models.image.patchcore.torch_model import PatchcoreModel

from aitex_utils.backbones import load_backbone

BATCH = 8


def batches(tiles: np.ndarray, size: int, mean: np.ndarray, std: np.ndarray):
    """Yield (B, 3, size, size) as the network saw its training images."""
    for begin in range(0, len(tiles), BATCH):
        images = torch.from_numpy(tiles[begin : begin + BATCH]).float()[:, None]
        images = F.interpolate(images, (size, size), mode="bilinear", antialias=size < tiles.shape[-1])
        yield ((images - torch.from_numpy(mean).view(1, 3, 1, 1)) / torch.from_numpy(std).view(1, 3, 1, 1))


def main() -> None:
    given, made, seed, size, coreset = sys.argv[1:]
    torch.manual_seed(int(seed))
    np.random.seed(int(seed))  # its projection is drawn by NumPy's one generator for all
    loaded = load_backbone("efficientnet_lite0")
    model = PatchcoreModel(layers=list(loaded.layers), backbone="tf_efficientnet_lite0", pre_trained=False)
    network = model.feature_extractor.feature_extractor  # timm's, cut off behind the last layer
    weights = loaded.network.state_dict()
    network.load_state_dict({name: weights[name] for name in network.state_dict()})
    with np.load(given) as arrays:
        fit, test = arrays["fit"], arrays["test"]
    begin = time.perf_counter()
    with torch.inference_mode():
        model.train()
        model.feature_extractor.eval()
        for images in batches(fit, int(size), loaded.mean, loaded.std):
            model(images)
        model.subsample_embedding(float(coreset))
        fitted = time.perf_counter()
        model.eval()
        found = [model(images).anomaly_map for images in batches(test, int(size), loaded.mean, loaded.std)]
        scored = time.perf_counter()
        maps = F.interpolate(torch.cat(found), test.shape[1:], mode="bilinear")[:, 0].numpy()
    np.savez(
        made,
        maps=maps,
        fit_seconds=fitted - begin,
        seconds_a_tile=(scored - fitted) / len(test),
        kept=len(model.memory_bank),
    )


if __name__ == "__main__":
    main()
