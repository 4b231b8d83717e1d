"""Protocol A: strips of all fabrics as one class, not cropped; a quarter of the normal tiles held out at random."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from protocols import Judged, fabric_tiles

from aitex_utils.patchcore import PatchCore

HELD_OUT = 0.25


def judged_a(
    root: Path, fabrics: Sequence[str], seeds: Sequence[int], parameters: dict[str, Any]
) -> Iterator[tuple[int, Judged]]:
    """Yield what a configuration makes of protocol A, seed by seed."""
    parts = [fabric_tiles(root, fabric, whole=True) for fabric in fabrics]
    strips = [strip for part in parts for strip in part.strips]
    before = np.cumsum([0] + [len(part.strips) for part in parts])
    clean, defective, masks = (
        np.concatenate([getattr(p, name) for p in parts]) for name in ("clean", "defective", "masks")
    )
    clean_strips = np.concatenate([part.clean_strips + n for part, n in zip(parts, before, strict=False)])
    defective_strips = np.concatenate([part.defective_strips + n for part, n in zip(parts, before, strict=False)])
    for seed in seeds:
        order = np.random.default_rng(seed).permutation(len(clean))
        cut = round(HELD_OUT * len(clean))
        test, fit = np.sort(order[:cut]), np.sort(order[cut:])
        detector = PatchCore(seed=seed, **parameters).fit(clean[fit])
        maps = detector.score(np.concatenate([clean[test], defective])).maps
        of_strip = np.concatenate([clean_strips[test], defective_strips])
        labels = np.arange(len(maps)) >= len(test)
        truth = [np.zeros(maps.shape[1:], bool)] * len(test) + list(masks > 0)
        yield seed, Judged(strips, maps.max(axis=(1, 2)), labels, of_strip, list(maps), truth, list(of_strip))
