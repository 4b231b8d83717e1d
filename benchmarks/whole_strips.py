"""Protocol C: 70 % of a fabric's normal strips to fit, its other normal and all its defective strips to test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from protocols import Judged

from aitex_utils.patchcore import PatchCore, StripFound
from aitex_utils.strips import Strip, list_strips, split_strips
from aitex_utils.tiling import fabric_region, tile, tile_labels

SHARE = 0.7


def fabric_of(strip: Strip) -> np.ndarray:
    """Return a strip's fabric (256, W) uint8."""
    image = strip.read()
    begin, end = fabric_region(image)
    return image[:, begin:end]


def known_mask(strip: Strip) -> np.ndarray | None:
    """Return the strip's mask (256, W) bool; None where it isn't known, as for an all-black one of a defect."""
    if not (strip.is_normal or strip.masks):
        return None
    mask = strip.read_mask()
    return mask if strip.is_normal or mask.any() else None


def split_c(root: Path, fabric: str, seed: int) -> tuple[list[Strip], list[Strip]]:
    """Return the strips to fit and to test."""
    strips = list_strips(root, fabric)
    fit, held_out = split_strips([s for s in strips if s.is_normal], SHARE, seed)
    return fit, held_out + [s for s in strips if not s.is_normal]


def judged(strips: list[Strip], tested: Sequence[Strip], find: Callable[[np.ndarray], StripFound]) -> Judged:
    """Return the judgement of tested strips, `find` saying of an image what was found on it."""
    scores, labels, of_strip, maps, masks, places, strip_scores = [], [], [], [], [], [], {}
    for strip in tested:
        found, place = find(strip.read()), strips.index(strip)
        strip_scores[place] = found.score
        mask = known_mask(strip)
        if mask is None:
            continue
        crops = np.stack([mask[row : row + 256, column : column + 256] for row, column in found.corners])
        scores.append(found.tile_scores)
        labels.append(tile_labels(crops))
        of_strip.append(np.full(len(crops), place))
        begin, end = found.region
        maps.append(found.map[:, begin:end])
        masks.append(mask[:, begin:end])
        places.append(place)
    joined = [np.concatenate(part) for part in (scores, labels, of_strip)]
    return Judged(strips, *joined, maps, masks, places, strip_scores)


def judged_c(
    root: Path, fabric: str, seeds: Sequence[int], parameters: dict[str, Any], whole: bool = True
) -> Iterator[tuple[int, Judged]]:
    """Yield what a configuration makes of protocol C, seed by seed, fitted on whole strips or on their tiles."""
    for seed in seeds:
        fit, test = split_c(root, fabric, seed)
        detector = PatchCore(seed=seed, **parameters)
        fabrics = [fabric_of(strip) for strip in fit]
        if whole:
            detector.fit_strips(fabrics)
        else:
            detector.fit(np.concatenate([tile(image)[0] for image in fabrics]))
        yield seed, judged(list_strips(root, fabric), test, detector.score_strip)
