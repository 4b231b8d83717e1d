"""Small woven tiles for tests that need a texture like fabric."""

from __future__ import annotations

import numpy as np


def woven(n: int, seed: int, height: int = 64, width: int = 64, noise: float = 8) -> np.ndarray:
    """Return n tiles (n, height, width) uint8: crossed waves of 6 and 8 px at random phases, with yarn noise."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    phases = rng.uniform(0, 2 * np.pi, (2, n, 1, 1))
    weave = np.sin(2 * np.pi * columns / 8 + phases[0]) * np.sin(2 * np.pi * rows / 6 + phases[1])
    return (128 + 50 * weave + rng.normal(0, noise, (n, height, width))).clip(0, 255).astype(np.uint8)
