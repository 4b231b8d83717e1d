"""Protocol A: strips of all fabrics as one class, not cropped, with a random quarter of the normal tiles as test."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from evaluation import EvalResult
from protocols import concatenate, evaluate_tiles, read_fabric_tiles

from aitex_utils.patchcore import PatchCore

TEST_SHARE = 0.25  # of the normal tiles


def protocol_a(
    root: Path, fabrics: Sequence[str], seeds: Sequence[int], parameters: dict[str, Any], *, find_fabric: bool = True
) -> Iterator[EvalResult]:
    """Fit and test a configuration of PatchCore by protocol A.

    Parameters
    ----------
    root : Path
        Folder of the strips.
    fabrics : sequence of str
        Fabrics to pool.
    seeds : sequence of int
        Seeds of the split and the coreset.
    parameters : dict
        Arguments of `PatchCore`.
    find_fabric : bool
        Set the map to 0, the lowest value, where there is no fabric, so that the machine bed and the selvage
        raise no alarm.

    Yields
    ------
    EvalResult
        One per seed.
    """
    for seed in seeds:
        result, spans = _predict_every_pixel(root, tuple(fabrics), seed, json.dumps(parameters))
        yield _only_fabric(result, spans) if find_fabric else result


@functools.lru_cache(maxsize=1)  # with and without `find_fabric` share it
def _predict_every_pixel(
    root: Path, fabrics: tuple[str, ...], seed: int, parameters_json: str
) -> tuple[EvalResult, np.ndarray]:
    """Return the result with the maps as they are, and the columns of fabric of each tested tile, (N, 2)."""
    parts = [read_fabric_tiles(root, fabric, crop=False) for fabric in fabrics]
    first = np.cumsum([0] + [len(part.strips) for part in parts])[:-1]  # index of each fabric's first strip
    clean, defective = (
        concatenate([replace(tiles, strips=tiles.strips + n) for tiles, n in zip(of_kind, first, strict=True)])
        for of_kind in ([part.clean for part in parts], [part.defective for part in parts])
    )
    order = np.random.default_rng(seed).permutation(len(clean))
    n_test = round(TEST_SHARE * len(clean))
    detector = PatchCore(seed=seed, **json.loads(parameters_json)).fit(clean.tiles[np.sort(order[n_test:])])
    tested = concatenate([clean[np.sort(order[:n_test])], defective])
    maps = detector.predict(tested.tiles).maps
    return evaluate_tiles([strip for part in parts for strip in part.strips], tested, maps), tested.spans


def _only_fabric(result: EvalResult, spans: np.ndarray) -> EvalResult:
    columns = np.arange(result.maps[0].shape[1])
    on_fabric = (columns >= spans[:, :1]) & (columns < spans[:, 1:])  # (N, W)
    maps = [np.where(on, values, 0).astype(np.float32) for on, values in zip(on_fabric, result.maps, strict=True)]
    return replace(result, maps=maps, scores=np.array([values.max() for values in maps]))
