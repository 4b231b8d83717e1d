"""The protocols by which detectors are judged here; `benchmarks/README.md` states them in words."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from aitex_utils import metrics
from aitex_utils.errors import InputError
from aitex_utils.patchcore import PatchCore
from aitex_utils.strips import Strip, list_strips
from aitex_utils.tiling import fabric_region, tile, tile_labels

FIT_TILES, TEST_TILES = 30, 120  # protocol B
FALSE_ALARMS = 0.01
STEP = 4  # pixel figures, but AUPRO, are on every fourth pixel down and across


@dataclass(frozen=True)
class FabricTiles:
    """All tiles of one fabric: `clean` of normal strips (N, 256, 256), `defective` (M, 256, 256) and their masks.

    `clean_strips` (N,) and `defective_strips` (M,) say of which of `strips` they are; `clean_spans` (N, 2) and
    `defective_spans` (M, 2) from which column of the tile to which there is fabric.
    """

    strips: list[Strip]
    clean: np.ndarray
    clean_strips: np.ndarray
    clean_spans: np.ndarray
    defective: np.ndarray
    defective_strips: np.ndarray
    defective_spans: np.ndarray
    masks: np.ndarray


@dataclass(frozen=True)
class Judged:
    """What a detector made of a test: N tiles, and pictures (tiles or whole strips) with their masks.

    Strips are given by their place in `strips`. `strip_scores` has those of whole strips, where they were scored.
    """

    strips: list[Strip]
    scores: np.ndarray
    labels: np.ndarray
    of_strip: np.ndarray
    maps: list[np.ndarray]
    masks: list[np.ndarray]
    map_strips: list[int]
    strip_scores: dict[int, float] = field(default_factory=dict)

    @property
    def c1(self) -> np.ndarray:
        """(N,) bool: defective tiles, and those of normal strips."""
        return self.labels | np.array([self.strips[i].is_normal for i in self.of_strip])

    def pixels(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return scores and labels of every fourth pixel of each picture, off the fabric left out."""
        scores, labels = [], []
        for found, mask in zip(self.maps, self.masks, strict=True):
            found, mask = found[::STEP, ::STEP], mask[::STEP, ::STEP]
            there = ~np.isnan(found)
            scores.append(found[there])
            labels.append(mask[there])
        return scores, labels


def fabric_tiles(root: Path, fabric: str, *, whole: bool = False) -> FabricTiles:
    """Return the tiles of a fabric's region, cut as protocol B wants them; strips without a known mask are left out.

    With `whole` the strips aren't cropped to their fabric.
    """
    strips = list_strips(root, fabric)
    kinds = [f"{kind}{part}" for kind in ("clean", "defective") for part in ("", "_strips", "_spans")]
    found: dict[str, list] = {name: [] for name in (*kinds, "masks")}
    for place, strip in enumerate(strips):
        if not (strip.is_normal or strip.masks):
            continue
        image = strip.read()
        region = fabric_region(image)
        begin, end = (0, image.shape[1]) if whole else region
        tiles, corners = tile(image[:, begin:end])
        spans = np.clip(np.subtract(region, begin)[None] - corners[:, 1:], 0, tiles.shape[2])  # (n, 2)
        kind, rows = "clean", np.ones(len(tiles), bool)
        if not strip.is_normal:
            of_mask, _ = tile(strip.read_mask()[:, begin:end])
            kind, rows = "defective", tile_labels(of_mask)
            found["masks"].append(of_mask[rows])
        found[kind].append(tiles[rows])
        found[f"{kind}_strips"].append(np.full(int(rows.sum()), place))
        found[f"{kind}_spans"].append(spans[rows])
    if not found["clean"] or not found["defective"]:
        raise InputError(f"Fabric {fabric} lacks normal or defective strips: protocol B needs both.")
    return FabricTiles(strips, **{name: np.concatenate(parts) for name, parts in found.items()})


def split_b(clean: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return which of the clean tiles protocol B fits on and tests on."""
    order = np.random.default_rng(seed).permutation(clean)
    return order[:FIT_TILES], order[FIT_TILES : FIT_TILES + TEST_TILES]


def judged_b(tiles: FabricTiles, test: np.ndarray, maps: np.ndarray) -> Judged:
    """Return the judgement of maps of `clean[test]`, then all defective tiles: a tile's score is its map's maximum."""
    masks = [np.zeros(m.shape, bool) for m in maps[: len(test)]] + [m > 0 for m in tiles.masks]
    of_strip = np.concatenate([tiles.clean_strips[test], tiles.defective_strips])
    scores = maps.reshape(len(maps), -1).max(axis=1)
    return Judged(tiles.strips, scores, np.arange(len(maps)) >= len(test), of_strip, list(maps), masks, list(of_strip))


def protocol_b(tiles: FabricTiles, seeds: int, **parameters: Any) -> dict[str, float]:
    """Fit on 30 random clean tiles, test on 120 others and all defective ones; return the means over seeds.

    Leaks strips between fit and test, by its design. Tile AUROC from the map's maximum, pixel AUROC on every 4th pixel.
    """
    found: dict[str, list[float]] = {"tile_auroc": [], "pixel_auroc": []}
    for seed in range(seeds):
        fit, test = split_b(len(tiles.clean), seed)
        detector = PatchCore(seed=seed, **parameters).fit(tiles.clean[fit])
        judged = judged_b(tiles, test, detector.score(np.concatenate([tiles.clean[test], tiles.defective])).maps)
        scores, labels = (np.concatenate(of) for of in judged.pixels())
        found["tile_auroc"].append(metrics.auroc(judged.labels, judged.scores))
        found["pixel_auroc"].append(metrics.auroc(labels, scores))
    return {name: float(np.mean(values)) for name, values in found.items()}


def recall_at(judged: Judged, rate: float = FALSE_ALARMS) -> tuple[float, np.ndarray]:
    """Return the share of defective tiles found, and which (N,), at a false-alarm rate set on tested normals alone.

    nan where the normals are too few to promise the rate.
    """
    normal = judged.scores[judged.c1 & ~judged.labels]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        threshold = metrics.threshold_for_false_alarms(normal, rate)
    found = judged.scores >= threshold
    return (float(found[judged.labels].mean()) if math.isfinite(threshold) else math.nan), found


def figures(judged: Judged) -> dict[str, Any]:
    """Return the figures of one test; tile figures are against tiles of normal strips (C1) unless they say C2."""
    c1, labels, scores = judged.c1, judged.labels, judged.scores
    pixel_scores, pixel_labels = (np.concatenate(of) for of in judged.pixels())
    aupro = metrics.aupro(judged.maps, judged.masks, (0.3, 0.05))
    recall, caught = recall_at(judged)
    found = {
        "clean_tiles": int((c1 & ~labels).sum()),
        "defective_tiles": int(labels.sum()),
        "tile_auroc": metrics.auroc(labels[c1], scores[c1]),
        "tile_ap": metrics.average_precision(labels[c1], scores[c1]),
        "tile_f1_max": metrics.f1_max(labels[c1], scores[c1])[0],
        "recall_at_1_percent": recall,
        "pixel_auroc": metrics.auroc(pixel_labels, pixel_scores),
        "pixel_ap": metrics.average_precision(pixel_labels, pixel_scores),
        "pixel_f1_max": metrics.f1_max(pixel_labels, pixel_scores)[0],
        "aupro_0.3": aupro[0],
        "aupro_0.05": aupro[1],
    }
    if not c1.all():
        found["tile_auroc_c2"] = metrics.auroc(labels, scores)
    if judged.strip_scores:
        normal = [judged.strips[i].is_normal for i in judged.strip_scores]
        found["strip_auroc"] = metrics.auroc(~np.array(normal), list(judged.strip_scores.values()))
    codes: dict[str, Any] = {}
    code = np.array([judged.strips[i].code for i in judged.of_strip])
    for one in sorted(set(code[labels])):
        mine, clean = labels & (code == one), c1 & ~labels
        rows = mine | clean
        codes[one] = {
            "tiles": int(mine.sum()),
            "tile_auroc": metrics.auroc(mine[rows], scores[rows]),
            "recall_at_1_percent": float(caught[mine].mean()) if math.isfinite(recall) else math.nan,
        }
    return {**found, "codes": codes}
