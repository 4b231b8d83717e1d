"""`python course.py bench ablation [--data DIR] [--fabrics FF ...]`: what decides accuracy on fabric, choice by choice.

Each choice of our defaults is changed alone, on the fabrics on which they were chosen (00 and 02): by tile, protocol B,
and for what only strips show, protocol C. Written to `results/ablation.json` with intervals of the differences, redrawn
by strip in pairs, and drawn in `images/ablation.png`. Some 25 minutes; a stopped run goes on where it was.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from accuracy import CHOSEN_ON, PLAIN, in_batches, judged_once, mean_of, minus
from accuracy_tables import ablation_rows, ablation_sentence
from matplotlib.figure import Figure
from protocols import FabricTiles, Judged, fabric_tiles, judged_b, split_b
from tables import HERE, results, write_results, write_tables
from torch.nn import functional
from whole_strips import judged_c

from aitex_utils.atomic_write import write_whole
from aitex_utils.commands.profiling import versions
from aitex_utils.errors import InputError
from aitex_utils.features import PatchFeatures
from aitex_utils.lessons.nb03.figures import draw_spans
from aitex_utils.patchcore import PAPER, PatchCore
from aitex_utils.pooling import SMOOTH_AND_SHARP
from aitex_utils.scoring import above_usual
from aitex_utils.strips import find_aitex
from aitex_utils.tiling import tile

SEEDS = {"B": 2, "C": 1}
PICTURE = HERE / "images" / "ablation.png"
FEATURES = ("backbone", "layers", "size", "pooling", "padding")
# Name, what is changed. "uncropped", "neighbours", "normals" and "zeros_pooled" are no parameters of PatchCore: see
# `by_tile`.
BY_TILE: dict[str, dict[str, Any]] = {
    "our defaults": {},
    "the paper's recipe, 320 px": PLAIN,
    "the paper's recipe, 256 px": PAPER,
    "the paper's recipe, 320 px, zeros pooled in": {**PLAIN, "zeros_pooled": True},
    "strips not cropped to fabric": {"uncropped": True},
    "320 px": {"size": 320},
    "tiles as they are, 256 px": {"size": None},
    "zeros at the borders": {"padding": "zeros"},
    "not level by place": {"level": False},
    "blocks.2 alone": {"layers": ("blocks.2",)},
    "blocks.4 alone": {"layers": ("blocks.4",)},
    "no pooling": {"pooling": 1},
    "blocks.4 not pooled": {"pooling": (3, 1)},
    "whitened": {"whiten": True},
    "coreset 1 %": {"coreset": 0.01},
    "coreset 10 %": {"coreset": 0.10},
    "5 % at random": {"sampler": "random"},
    "mean of 5 neighbours": {"neighbours": 5},
    "no smoothing": {"smoothing": 0},
    "smoothing 8 px": {"smoothing": 8},
    "10 normal tiles": {"normals": 10},
    "pooled and not, together": {"pooling": SMOOTH_AND_SHARP},
}
# How strips are judged. "whole": not tile by tile; "pooling": of PatchCore; "usual": what is taken off a strip's map,
# that around each place, in each row of the strip, or nothing.
DEFAULT_STRIP: dict[str, Any] = {"whole": True, "pooling": None, "usual": "around"}
BY_STRIP: dict[str, dict[str, Any]] = {
    "our defaults": {},
    "strip's own usual left in": {"usual": None},
    "own usual row by row alone": {"usual": "rows"},
    "pooled alone": {"pooling": 3},
    "no pooling alone": {"pooling": 1},
    "blocks.4 not pooled alone": {"pooling": (3, 1)},
    "tile by tile": {"whole": False, "pooling": SMOOTH_AND_SHARP},
    "tile by tile, own usual left in": {"whole": False, "pooling": SMOOTH_AND_SHARP, "usual": None},
}


@contextmanager
def pooling_zeros() -> Iterator[None]:
    """Let pooling count zeros beyond a tile's border, as anomalib and the authors' code do; ours leaves them out."""
    average = functional.avg_pool2d
    functional.avg_pool2d = lambda *given, **more: average(*given, **{**more, "count_include_pad": True})
    try:
        yield
    finally:
        functional.avg_pool2d = average


class Patches:
    """The patches of a fabric's tiles by what made them, the last set kept: most choices share one."""

    def __init__(self, tiles: FabricTiles) -> None:
        self.tiles, self.made_by, self.made = tiles, None, None
        seeds = [np.concatenate(split_b(len(tiles.clean), seed)) for seed in range(SEEDS["B"])]
        self.needed = np.unique(np.concatenate(seeds))

    def of(self, features: PatchFeatures, zeros_pooled: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Return raw patches of all clean tiles that are needed, and of the defective ones."""
        by = {name: getattr(features, name) for name in FEATURES}
        if (by, zeros_pooled) != self.made_by:
            self.made = None  # two sets at once would be too much memory
            plain = PatchFeatures(**by)
            with pooling_zeros() if zeros_pooled else nullcontext():
                self.made = plain.transform(self.tiles.clean[self.needed]), plain.transform(self.tiles.defective)
            self.made_by = (by, zeros_pooled)
        return self.made


def by_tile(patches: Patches, change: dict[str, Any]) -> Iterator[tuple[int, Judged]]:
    """Yield what a changed configuration makes of protocol B, seed by seed.

    "neighbours": a patch's distance is the mean of those to so many nearest; "normals": so many of the 30 tiles;
    "zeros_pooled": see `pooling_zeros`.
    """
    change = {name: value for name, value in change.items() if name != "uncropped"}
    neighbours, normals = change.pop("neighbours", 1), change.pop("normals", None)
    zeros_pooled = change.pop("zeros_pooled", False)
    tiles = patches.tiles
    for seed in range(SEEDS["B"]):
        detector = PatchCore(seed=seed, **change)
        clean, defective = patches.of(detector.features, zeros_pooled)
        fit, test = split_b(len(tiles.clean), seed)
        fit, rows = (np.searchsorted(patches.needed, of) for of in (fit, test))
        known = clean[fit[:normals]]
        if detector.features.whiten:
            known = detector.features.fit_whitening(known).whitened(known)
        detector.fit_patches(known, tiles.clean.shape[1:])
        if neighbours > 1:
            bank = detector.bank_
            detector._distances = lambda p, bank=bank: bank.nearest(p, neighbours)[0].mean(axis=1)
        parts = [*in_batches(clean, rows), *in_batches(defective)]
        maps = np.concatenate([detector.score_patches(detector.features.whitened(part)).maps for part in parts])
        yield seed, judged_b(tiles, test, maps)


def above_rows(scores: np.ndarray, baseline: float) -> np.ndarray:
    """Return a strip's map less what is usual in each of its rows, all along the strip."""
    return scores - np.quantile(scores, baseline, axis=1, keepdims=True)


def own_usual(judgement: Judged, baseline: float, rows_alone: bool = False) -> Judged:
    """Return the judgement of a detector that takes each strip's own usual off, from that of one that doesn't.

    rows_alone : what is usual in a row of the whole strip instead of around each place.
    """
    above = above_rows if rows_alone else above_usual
    maps = [above(found, baseline) for found in judgement.maps]
    scores, tops = judgement.scores.copy(), dict(judgement.strip_scores)
    for found, place in zip(maps, judgement.map_strips, strict=True):
        corners = tile(np.zeros(found.shape, np.uint8))[1]
        scores[judgement.of_strip == place] = [found[r : r + 256, c : c + 256].max() for r, c in corners]
        tops[place] = float(found.max())
    known = set(judgement.map_strips)
    return replace(judgement, maps=maps, scores=scores, strip_scores={p: s for p, s in tops.items() if p in known})


@functools.lru_cache(maxsize=1)
def absolute(root: Path, fabric: str, whole: bool, pooling: Any) -> list[tuple[int, Judged]]:
    """Return what our defaults make of protocol C, strips whole or tile by tile, each one's own usual left in."""
    return list(judged_c(root, fabric, range(SEEDS["C"]), {"baseline": None, "pooling": pooling}, whole))


def by_strip(root: Path, fabric: str, name: str) -> Iterator[tuple[int, Judged]]:
    """Yield what a way of judging strips makes of protocol C, seed by seed."""
    way = {**DEFAULT_STRIP, **BY_STRIP[name]}
    for seed, found in absolute(root, fabric, way["whole"], way["pooling"]):
        yield seed, own_usual(found, PatchCore().baseline, way["usual"] == "rows") if way["usual"] else found


CODE_OF = {"B": (by_tile, pooling_zeros.__wrapped__), "C": (by_strip, own_usual, above_rows, absolute.__wrapped__)}


def compared(kept: dict[str, dict[str, tuple[dict, dict]]]) -> dict[str, Any]:
    """Return of each choice its means over fabrics, and its differences to our defaults as [difference, low, high]."""
    found = {}
    for name, of in kept.items():
        figures = {fabric: figures_of for fabric, (figures_of, _) in of.items()}
        mean = mean_of([{k: v for k, v in one.items() if isinstance(v, float)} for one in figures.values()])
        found[name] = {"fabrics": figures, "mean": mean, "minus_ours": minus(of, kept["our defaults"])}
    return found


def drawn(found: dict[str, Any]) -> Figure:
    """Return the figure of the ablation: tile AUROC of each choice minus ours."""
    names, gaps = zip(*ablation_rows(found), strict=True)
    return draw_spans(names, *np.transpose(gaps), x="tile AUROC, choice minus our defaults", row=0.3)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", metavar="DIR", help="folder with AITEX; else AITEX_ROOT or data/aitex")
    parser.add_argument("--fabrics", nargs="+", metavar="FF", default=list(CHOSEN_ON), help="two digits each")
    given = parser.parse_args()
    kept: dict[str, dict] = {"B": {}, "C": {}}

    def judge_one(protocol: str, fabric: str, number: int, name: str, tests, **what: Any) -> None:
        entry = f"ablation_{protocol}_{fabric}_{number:02d}"
        found = judged_once(entry, tests, root, code=CODE_OF[protocol], choice=name, seeds=SEEDS[protocol], **what)
        kept[protocol].setdefault(name, {})[fabric] = found
        print(f"{protocol} {fabric} {name}: tile AUROC {found[0]['tile_auroc']:.3f}", flush=True)

    try:
        root = find_aitex(given.data)
        for fabric in given.fabrics:
            cropped = Patches(fabric_tiles(root, fabric))
            order = sorted(BY_TILE, key=lambda name: repr([BY_TILE[name].get(f) for f in FEATURES]))
            for name in order:
                change = BY_TILE[name]

                def tests(change=change, cropped=cropped, fabric=fabric):
                    whole = "uncropped" in change
                    return by_tile(Patches(fabric_tiles(root, fabric, whole=True)) if whole else cropped, change)

                judge_one("B", fabric, list(BY_TILE).index(name), name, tests, change=str(change))
            cropped.made = None
            for number, name in enumerate(BY_STRIP):  # in this order they share what `absolute` returns
                way = str(BY_STRIP[name])
                tests = functools.partial(by_strip, root, fabric, name)
                judge_one("C", fabric, number, name, tests, way=way)
    except InputError as error:
        print(f"ablation: {error}", file=sys.stderr)
        return 1
    found = {protocol: compared(kept[protocol]) for protocol in kept}
    write_results("ablation", {**found, "fabrics": given.fabrics, "seeds": SEEDS, "versions": versions()})
    found = results("ablation")
    figure, told = drawn(found), ablation_sentence(found)
    with write_whole(PICTURE) as path:
        figure.savefig(path, dpi=110, metadata={"Description": told, "Software": None}, bbox_inches="tight")
    write_tables()
    print(told)
    return 0


if __name__ == "__main__":
    sys.exit(main())
