"""Protocol A: strips of all fabrics as one class, not cropped; a quarter of the normal tiles held out at random."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from protocols import Judged, fabric_tiles

from aitex_utils.patchcore import PatchCore

HELD_OUT = 0.25
ARRAYS = ("clean", "clean_spans", "defective", "defective_spans", "masks")


@functools.lru_cache(maxsize=1)
def _judged(root: Path, fabrics: tuple[str, ...], seed: int, told: str) -> tuple[Judged, np.ndarray]:
    """Return the judgement of every pixel, and the columns of fabric of each tested tile (N, 2)."""
    parts = [fabric_tiles(root, fabric, whole=True) for fabric in fabrics]
    before = np.cumsum([0] + [len(part.strips) for part in parts])[:-1]
    clean, clean_spans, defective, spans, masks = (np.concatenate([getattr(p, n) for p in parts]) for n in ARRAYS)
    clean_strips = np.concatenate([part.clean_strips + n for part, n in zip(parts, before, strict=True)])
    defective_strips = np.concatenate([part.defective_strips + n for part, n in zip(parts, before, strict=True)])
    order = np.random.default_rng(seed).permutation(len(clean))
    cut = round(HELD_OUT * len(clean))
    test, fit = np.sort(order[:cut]), np.sort(order[cut:])
    detector = PatchCore(seed=seed, **json.loads(told)).fit(clean[fit])
    maps = detector.score(np.concatenate([clean[test], defective])).maps
    of_strip = np.concatenate([clean_strips[test], defective_strips])
    truth = [np.zeros(maps.shape[1:], bool)] * len(test) + list(masks > 0)
    strips = [strip for part in parts for strip in part.strips]
    labels = np.arange(len(maps)) >= len(test)
    judged = Judged(strips, maps.max(axis=(1, 2)), labels, of_strip, list(maps), truth, list(of_strip))
    return judged, np.concatenate([clean_spans[test], spans])


def judged_a(
    root: Path, fabrics: Sequence[str], seeds: Sequence[int], parameters: dict[str, Any], find_fabric: bool = True
) -> Iterator[tuple[int, Judged]]:
    """Yield what a configuration makes of protocol A, seed by seed.

    With `find_fabric` what isn't fabric gets the lowest value, 0: the machine's bed and the selvage raise no alarm.
    """
    for seed in seeds:
        judged, spans = _judged(root, tuple(fabrics), seed, json.dumps(parameters))
        if find_fabric:
            columns = np.arange(judged.maps[0].shape[1])
            on = (columns >= spans[:, :1]) & (columns < spans[:, 1:])  # (N, W)
            maps = [np.where(of, found, 0).astype(np.float32) for of, found in zip(on, judged.maps, strict=True)]
            judged = replace(judged, maps=maps, scores=np.array([found.max() for found in maps]))
        yield seed, judged
