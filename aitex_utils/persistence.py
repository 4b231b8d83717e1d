"""A fitted detector as a folder: its memory bank, what was learned beside it, and how it was made."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from .errors import InputError
from .memory_bank import MemoryBank


def save_detector(detector: Any, folder: str | os.PathLike) -> Path:
    """Write a fitted `PatchCore` as a folder, whole or not at all; see `MemoryBank.save`."""
    features = detector.features
    about = {
        "backbone": features.backbone,
        "layers": list(features.layers),
        "weights_sha256": features.weights_sha256,
        "tile_shape": list(detector.tile_shape_),
        "radius": detector.radius_,
        "whole": detector.whole_,
        "parameters": detector.parameters(),
    }
    arrays = {"mean": features.mean_, "whitening": features.whitening_} if features.whiten else {}
    arrays.update({f"bank_{i}": bank.vectors_ for i, bank in enumerate(detector.more_banks_, start=2)})
    if detector.usual_ is not None:
        arrays["usual"] = detector.usual_
    return detector.bank_.save(folder, about=about, arrays=arrays)


def load_detector(kind: type, folder: str | os.PathLike) -> Any:
    """Read a saved detector (`kind`, `PatchCore`); raise `InputError` if it is damaged, foreign, of other weights."""
    bank = MemoryBank.load(folder)
    try:
        about, arrays = bank.about, bank.arrays
        detector = kind(**{**about["parameters"], "layers": tuple(about["layers"])})
        detector.tile_shape_, detector.radius_ = tuple(about["tile_shape"]), about["radius"]
        if detector.features.whiten:
            detector.features.mean_, detector.features.whitening_ = arrays["mean"], arrays["whitening"]
        detector.usual_ = arrays["usual"] if detector.level else None
        weights = about["weights_sha256"]
        detector.pool_for(whole=bool(about["whole"]))
        further = [arrays[f"bank_{i}"] for i in range(2, detector.features.ways + 1)]
        detector.more_banks_ = [MemoryBank(detector.index).add(vectors) for vectors in further]
    except (KeyError, TypeError) as error:
        raise InputError(
            f"{folder} holds a memory bank but no detector ({error}): load it with MemoryBank.load."
        ) from error
    if weights != detector.features.weights_sha256:
        raise InputError(
            f"{folder} was fitted with other weights of {detector.features.backbone} (SHA-256 {str(weights)[:8]}, "
            f"here {detector.features.weights_sha256[:8]}): fit it anew, its patches can't be compared."
        )
    detector.bank_ = bank
    return detector
