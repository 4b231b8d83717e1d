"""Run anomalib's PatchCore on folders of pictures with its own datamodule and engine, in its environment.

Arguments: IN.npz OUT.npz FOLDER SIZE CORESET_RATIO. FOLDER has the folders `good` and `new`. IN.npz has their digest.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from anomalib.data import Folder
from anomalib.engine import Engine
from anomalib.models import Patchcore
from anomalib.pre_processing import PreProcessor
from anomalib_patchcore import BATCH_SIZE, make_model
from torchvision.transforms.v2 import Compose, Normalize, Resize

from aitex_utils.backbones import load_backbone
from aitex_utils.safety.peak_memory import peak_memory_mib

GREATEST = 255.0  # anomalib's pictures have values from 0 to 1


def main() -> None:
    """Fit on `good`, predict `new`, and write the scores with seconds and peak memory."""
    _, output, folder, size, coreset_ratio = sys.argv[1:]
    torch.manual_seed(0)
    np.random.seed(0)  # anomalib draws its projection from NumPy's global generator
    backbone = load_backbone("efficientnet_lite0")
    mean, std = (np.broadcast_to(values / GREATEST, 3).tolist() for values in (backbone.mean, backbone.std))
    transform = Compose([Resize((int(size), int(size)), antialias=True), Normalize(mean, std)])
    pictures = Folder(
        name="pictures",
        root=folder,
        normal_dir="good",
        normal_test_dir="new",
        train_batch_size=BATCH_SIZE,
        eval_batch_size=BATCH_SIZE,
        num_workers=0,
        test_split_mode="from_dir",
        val_split_mode="same_as_test",
    )
    detector = Patchcore(
        backbone="tf_efficientnet_lite0",
        layers=list(backbone.layers),
        pre_trained=False,
        coreset_sampling_ratio=float(coreset_ratio),
        pre_processor=PreProcessor(transform=transform),
        post_processor=False,
        evaluator=False,
        visualizer=False,
    )
    detector.model = make_model(backbone)
    with tempfile.TemporaryDirectory() as scratch:
        engine = Engine(accelerator="cpu", default_root_dir=scratch, logger=False, limit_val_batches=0)
        begin = time.perf_counter()
        engine.fit(detector, datamodule=pictures)
        fitted = time.perf_counter()
        batches = engine.predict(detector, dataloaders=pictures.test_dataloader())
        predicted = time.perf_counter()
    names = [Path(path).name for batch in batches for path in batch.image_path]
    scores = np.concatenate([batch.pred_score.reshape(-1).numpy() for batch in batches])
    np.savez(
        output,
        names=np.array(names),
        scores=scores,
        fit_seconds=fitted - begin,
        predict_seconds=predicted - fitted,
        peak_gib=peak_memory_mib() / 2**10,
    )


if __name__ == "__main__":
    main()
