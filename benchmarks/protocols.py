"""The protocols by which detectors are judged here; `benchmarks/README.md` states them in words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aitex_utils import metrics
from aitex_utils.errors import InputError
from aitex_utils.patchcore import PatchCore
from aitex_utils.strips import list_strips
from aitex_utils.tiling import fabric_region, tile, tile_labels

FIT_TILES, TEST_TILES = 30, 120  # protocol B


@dataclass(frozen=True)
class FabricTiles:
    """All tiles of one fabric: `clean` of normal strips (N, 256, 256), `defective` (M, 256, 256) and their masks."""

    clean: np.ndarray
    defective: np.ndarray
    masks: np.ndarray


def fabric_tiles(root: Path, fabric: str) -> FabricTiles:
    """Return the tiles of a fabric's region, cut as protocol B wants them; strips without a known mask are left out."""
    clean, defective, masks = [], [], []
    for strip in list_strips(root, fabric):
        if not (strip.is_normal or strip.masks):
            continue
        image = strip.read()
        begin, end = fabric_region(image)
        tiles, _ = tile(image[:, begin:end])
        if strip.is_normal:
            clean.append(tiles)
            continue
        of_mask, _ = tile(strip.read_mask()[:, begin:end])
        found = tile_labels(of_mask)
        defective.append(tiles[found])
        masks.append(of_mask[found])
    if not clean or not defective:
        raise InputError(f"Fabric {fabric} lacks normal or defective strips: protocol B needs both.")
    return FabricTiles(*(np.concatenate(part) for part in (clean, defective, masks)))


def protocol_b(tiles: FabricTiles, seeds: int, **parameters: Any) -> dict[str, float]:
    """Fit on 30 random clean tiles, test on 120 others and all defective ones; return the means over seeds.

    Leaks strips between fit and test, by its design. Tile AUROC from the map's maximum, pixel AUROC on every 4th pixel.
    """
    found: dict[str, list[float]] = {"tile_auroc": [], "pixel_auroc": []}
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(tiles.clean))
        fit, test = order[:FIT_TILES], order[FIT_TILES : FIT_TILES + TEST_TILES]
        detector = PatchCore(seed=seed, **parameters).fit(tiles.clean[fit])
        maps = detector.score(np.concatenate([tiles.clean[test], tiles.defective])).maps
        masks = np.concatenate([np.zeros((len(test), *tiles.masks.shape[1:]), bool), tiles.masks])
        labels = np.arange(len(maps)) >= len(test)
        found["tile_auroc"].append(metrics.auroc(labels, maps.reshape(len(maps), -1).max(axis=1)))
        found["pixel_auroc"].append(metrics.auroc(masks[:, ::4, ::4], maps[:, ::4, ::4]))
    return {name: float(np.mean(values)) for name, values in found.items()}
