"""A small bench for the tests of notebook 10: made-up strips of three tiles, seen with an input of 64 px."""

from __future__ import annotations

import numpy as np

from aitex_utils.lessons.nb10.split import BenchStrip

FABRICS = ("00", "01")
SMALL = {"size": 64, "coreset_ratio": 0.2, "false_alarm_rate": 0.2}
COUNTS = {"training": (2, 0), "calibration": (2, 0), "shown": (2, 2), "hidden": (2, 2)}


def weave(name: str, defective: bool, seed: int) -> BenchStrip:
    """Return a strip of 600 columns. A defect is a dark block in the second tile."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:256, :600]
    image = 120 + 25 * np.sin(rows / 2) * np.sin(columns / 3) + rng.normal(0, 4, (256, 600))
    mask = np.zeros(image.shape, bool)
    if defective:
        mask[100:130, 370:400] = True
        image[mask] -= 60
    return BenchStrip(name, "nep" if defective else "none", image.clip(0, 255).astype(np.uint8), mask)


def small_part(fabric: str, part: str) -> tuple[BenchStrip, ...]:
    """Return made-up strips of a part."""
    normal, defective = COUNTS[part]
    start = 1000 * int(fabric) + 100 * list(COUNTS).index(part)
    kinds = [False] * normal + [True] * defective
    return tuple(weave(f"{part}_{fabric}_{i}", kind, start + i) for i, kind in enumerate(kinds))
