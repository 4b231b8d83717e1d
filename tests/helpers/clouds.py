"""Random points in clusters, for properties of nearest neighbours and coresets."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st


@st.composite
def clouds(draw: st.DrawFn, farthest: float = 30.0) -> np.ndarray:
    """Draw clusters of different widths and places, in few or many dimensions, with or without duplicates."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, channels = draw(st.integers(1, 300)), draw(st.integers(1, 20))
    centres = rng.normal(0, draw(st.sampled_from([0.0, 1.0, farthest])), (draw(st.integers(1, 5)), channels))
    widths = rng.choice([0, 0.1, 1], (n, 1))
    points = centres[rng.integers(len(centres), size=n)] + rng.normal(0, 1, (n, channels)) * widths
    return (points[rng.integers(n, size=n)] if draw(st.booleans()) else points).astype(np.float32)
