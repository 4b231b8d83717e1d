"""What the tests of the benchmarks share: quick parameters, the tiles of a small fabric, and results made by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluation import EvalResult
from protocols import FabricTiles, read_fabric_tiles

from aitex_utils.patchcore import PAPER
from aitex_utils.strips import Strip, list_strips


@pytest.fixture(scope="session")
def quick() -> dict[str, Any]:
    """Return parameters of PatchCore that take little time."""
    return {**PAPER, "coreset_ratio": 0.01, "layers": ("blocks.1",), "size": 128}


@pytest.fixture(scope="session")
def small_fabric(small_practice: Path) -> str:
    """Return the name of the one fabric of the small practice fabric."""
    return list_strips(small_practice)[0].fabric


@pytest.fixture(scope="session")
def small_tiles(small_practice: Path, small_fabric: str) -> FabricTiles:
    return read_fabric_tiles(small_practice, small_fabric)


@pytest.fixture(scope="session")
def make_result() -> Callable[..., EvalResult]:
    """Return a function that makes the outcome of a test on tiles of 8 x 8 px from scores and labels.

    Each tile's map is its score everywhere, and its mask its label. Strips are given by their defect codes.
    """

    def make(scores: np.ndarray, labels: np.ndarray, tile_strips: np.ndarray, codes: list[str]) -> EvalResult:
        strips = [Strip(f"{i:04d}_{code}_00", "00", code, Path("none")) for i, code in enumerate(codes)]
        maps = [np.full((8, 8), score, np.float32) for score in scores]
        masks = [np.full((8, 8), label) for label in labels]
        return EvalResult(strips, scores, labels, tile_strips, maps, masks, list(tile_strips))

    return make
