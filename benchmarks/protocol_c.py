"""Protocol C over several splits of a fabric. `aitex_utils.commands.protocol_c` is the protocol itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from evaluation import EvalResult

from aitex_utils.commands.protocol_c import (
    ScoredStrip,
    collect_tiles,
    crop_fabrics,
    fit_fabrics,
    score_strips,
    split_protocol_c,
)
from aitex_utils.patchcore import PatchCore
from aitex_utils.strips import Strip, list_strips, read_strips


def protocol_c(
    root: Path, fabric: str, seeds: Sequence[int], parameters: dict[str, Any], *, on_strips: bool = True
) -> Iterator[EvalResult]:
    """Fit and test a configuration of PatchCore by protocol C.

    Parameters
    ----------
    root : Path
        Folder of the strips.
    fabric : str
        Two digits.
    seeds : sequence of int
        Seeds of the split and the coreset.
    parameters : dict
        Arguments of `PatchCore`.
    on_strips : bool
        Fit on whole strips; otherwise on their tiles.

    Yields
    ------
    EvalResult
        One per seed.
    """
    strips = list_strips(root, fabric)
    crop_fabrics(*read_strips(strips))  # refuses a strip that cannot be used before the first fit
    for seed in seeds:
        training, test = split_protocol_c(strips, seed=seed)
        fabrics = crop_fabrics(training, [strip.read() for strip in training])
        detector = fit_fabrics(PatchCore(seed=seed, **parameters), fabrics, on_strips=on_strips)
        yield evaluate_strips(strips, score_strips(detector, test))


def evaluate_strips(strips: list[Strip], scored: Sequence[ScoredStrip]) -> EvalResult:
    """Return the outcome of a test on whole strips.

    Parameters
    ----------
    strips : list of Strip
        All strips of the fabric.
    scored : sequence of ScoredStrip
        The test set. Strips without a known mask count in the strip-level score alone.

    Returns
    -------
    EvalResult
        With the maps of the fabric alone.
    """
    known = [item for item in scored if item.mask is not None]
    numbers = [strips.index(item.strip) for item in known]
    tiles = collect_tiles(scored)
    return EvalResult(
        strips,
        tiles.scores,
        tiles.labels,
        np.array(numbers)[tiles.groups],
        [item.result.map[:, slice(*item.result.region)] for item in known],
        [item.mask[:, slice(*item.result.region)] for item in known],
        numbers,
        {strips.index(item.strip): item.result.score for item in scored},
    )
