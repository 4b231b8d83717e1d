"""`python course.py bench accuracy [--protocol A|B|C|all] [--data DIR] [--fabrics FF ...] [--peer]`: how good, by whom.

Our defaults beside the plain recipe of the paper (its size 320 px, as the published runs on AITEX have it), on the same
splits, several seeds each. Each protocol writes `results/accuracy_X.json`: configuration, versions, the strips of the
split, figures by fabric and by defect, means, and intervals of tests redrawn by strip, in pairs for the differences.
With `--peer`, anomalib's PatchCore too, on the same tiles with the same weights, in an environment of its own
(`data/anomalib`, made at the first run). Fabrics that a copy lacks are named and left out.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pooled
import protocols
import resampling
import whole_strips
from peer import ANOMALIB, SCRIPT, Peer
from pooled import judged_a
from protocols import FabricTiles, Judged, fabric_tiles, figures, judged_b, split_b
from resampling import counts, drawn_strips, interval, over_seeds, redrawn
from tables import write_results, write_tables
from whole_strips import judged_c, split_c

from aitex_utils import features, metrics, patchcore, pooling, scoring
from aitex_utils import padding as borders
from aitex_utils.atomic_write import sha256
from aitex_utils.commands.profiling import versions
from aitex_utils.errors import InputError
from aitex_utils.lessons.cache import cached
from aitex_utils.patchcore import PAPER, PatchCore
from aitex_utils.strips import find_aitex, list_strips

FABRICS = ("00", "02", "03", "06")
CHOSEN_ON = ("00", "02")  # every choice was made on these; the others confirm
OURS, PLAIN = {}, {**PAPER, "size": 320}
POOLED = {"coreset": 0.01}  # protocol A fits on a thousand tiles and more: a larger share would take hours
SEEDS = {"A": 1, "B": 5, "C": 2}
PEER_SEEDS = {"A": 0, "B": 2, "C": 1}


def by_tile(tiles: FabricTiles, seeds: Sequence[int], parameters: dict[str, Any]) -> Iterator[tuple[int, Judged]]:
    """Yield what a configuration makes of protocol B, seed by seed; patches are made once for all seeds."""
    first = PatchCore(**parameters)
    clean, defective = (first.features.transform(of) for of in (tiles.clean, tiles.defective))
    for seed in seeds:
        fit, test = split_b(len(tiles.clean), seed)
        detector = PatchCore(seed=seed, **parameters)
        detector.fit_patches(clean[fit], tiles.clean.shape[1:])
        parts = [*in_batches(clean, test), *in_batches(defective)]
        maps = np.concatenate([detector.score_patches(part).maps for part in parts])
        yield seed, judged_b(tiles, test, maps)


def in_batches(patches: np.ndarray, rows: np.ndarray | None = None, size: int = 16) -> Iterator[np.ndarray]:
    """Yield patches of some tiles, `size` tiles at a time."""
    rows = np.arange(len(patches)) if rows is None else rows
    for begin in range(0, len(rows), size):
        yield patches[rows[begin : begin + size]]


def mean_of(parts: Sequence[Any]) -> Any:
    """Return the mean of equally built figures, those that are nan left out; whole numbers as they are."""
    if isinstance(parts[0], dict):
        return {name: mean_of([part[name] for part in parts if name in part]) for name in parts[0]}
    if isinstance(parts[0], int):
        return parts[0]
    values = np.array(parts, float)
    return None if np.isnan(values).all() else float(np.nanmean(values))


def redrawn_figures(judged: Judged, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Return figures (draws,) of one test redrawn by strip."""
    places = range(len(judged.strips))
    found: dict[str, np.ndarray] = {}

    def add(name: str, scores: list[np.ndarray], labels: list[np.ndarray]) -> None:
        drawn = redrawn(*counts(scores, labels), weights)
        found.update({f"{name}_{kind}": values for kind, values in drawn.items()})

    for name, rows in (("tile", judged.c1), ("tile_c2", np.ones(len(judged.c1), bool))):
        of = [rows & (judged.of_strip == i) for i in places]
        add(name, [judged.scores[m] for m in of], [judged.labels[m] for m in of])
    scores, labels = judged.pixels()
    at = np.array(judged.map_strips)
    empty = [np.empty(0, np.float32)], [np.empty(0, bool)]
    mine = [np.flatnonzero(at == i) for i in places]
    add(
        "pixel",
        [np.concatenate(empty[0] + [scores[j] for j in m]) for m in mine],
        [np.concatenate(empty[1] + [labels[j] for j in m]) for m in mine],
    )
    del found["tile_c2_ap"]
    return {name.replace("tile_c2_auroc", "tile_auroc_c2"): values for name, values in found.items()}


def judge(tests: Iterator[tuple[int, Judged]]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return a fabric's figures, means over seeds and by seed, with intervals; and those redrawn (seeds, draws)."""
    all_figures, all_drawn = [], []
    for _, judged in tests:
        kinds = [s.is_normal for s in judged.strips]
        order = np.argsort(kinds, kind="stable")  # those with a defect first
        weights = np.empty((1000, len(kinds)))
        weights[:, order] = drawn_strips(kinds.count(False), kinds.count(True))
        all_figures.append(figures(judged))
        all_drawn.append(redrawn_figures(judged, weights))
    found = mean_of(all_figures)
    drawn = {name: np.stack([of[name] for of in all_drawn]) for name in all_drawn[0] if name in found}
    found["by_seed"] = [{name: of[name] for name in drawn} for of in all_figures]
    found["intervals"] = {name: interval(over_seeds(values)) for name, values in drawn.items()}
    return found, drawn


# What a kept result depends on. Coreset and memory bank may become faster: tests hold them to the same answers.
CODE = (borders, features, metrics, patchcore, pooling, scoring, pooled, protocols, resampling, whole_strips)


def judged_once(
    name: str, tests: Callable[[], Iterator[tuple[int, Judged]]], root: Path, *, code: Sequence = (), **what: Any
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return what `judge` does, from the cache where nothing has changed: a stopped run goes on where it was."""

    def make() -> dict[str, np.ndarray]:
        found, drawn = judge(tests())
        return {"figures_json": np.array(json.dumps(found)), **drawn}

    kept = cached(name, make, data=root, code=(*CODE, judge, redrawn_figures, by_tile, *code), **what)
    return json.loads(str(kept.pop("figures_json"))), kept


def summed_up(by_fabric: dict[str, tuple[dict, dict]]) -> dict[str, Any]:
    """Return the mean over fabrics with its intervals."""
    parts = [{k: v for k, v in of.items() if isinstance(v, float)} for of, _ in by_fabric.values()]
    names = set.intersection(*(set(part) for part in parts))
    found = {name: float(np.mean([part[name] for part in parts])) for name in parts[0] if name in names}
    redrawn_means = {
        name: np.mean([over_seeds(of[name]) for _, of in by_fabric.values()], axis=0)
        for name in next(iter(by_fabric.values()))[1]
    }
    found["intervals"] = {name: interval(values) for name, values in redrawn_means.items() if name in found}
    return found


def minus(one: dict[str, tuple[dict, dict]], other: dict[str, tuple[dict, dict]]) -> dict[str, list[float]]:
    """Return by measure what one detector has over another, both by fabric, on their common seeds: [gap, low, high].

    The gap is that of the means over seeds and fabrics, its interval that of tests redrawn in pairs.
    """
    plain, drawn = {}, {}
    for fabric, (figures_of, drawn_of) in other.items():
        mine, my_drawn = one[fabric]
        pairs = list(zip(mine["by_seed"], figures_of["by_seed"], strict=False))
        for name in drawn_of:
            plain.setdefault(name, []).append(np.mean([a[name] - b[name] for a, b in pairs]))
            gaps = my_drawn[name][: len(pairs)] - drawn_of[name][: len(pairs)]
            drawn.setdefault(name, []).append(over_seeds(gaps))
    return {name: [float(np.mean(plain[name])), *interval(np.mean(drawn[name], axis=0))] for name in plain}


def compared(kept: dict[str, dict[str, tuple[dict, dict]]]) -> dict[str, Any]:
    """Return what ours has over each other detector, see `minus`."""
    return {other: minus(kept["ours"], of) for other, of in kept.items() if other != "ours"}


def cost(tiles: FabricTiles, count: int = 16, repeats: int = 7) -> dict[str, float]:
    """Return milliseconds a tile that ours and the plain recipe take, in turn, and the median of their ratios."""
    fit, test = split_b(len(tiles.clean), 0)
    asked, seconds = tiles.clean[test[:count]], {"ours": [], "paper": []}
    detectors = {name: PatchCore(**of).fit(tiles.clean[fit]) for name, of in (("ours", OURS), ("paper", PLAIN))}
    for _ in range(repeats):
        for name, detector in detectors.items():
            begin = time.perf_counter()
            detector.score(asked)
            seconds[name].append((time.perf_counter() - begin) / count)
    ratios = [ours / paper for ours, paper in zip(*seconds.values(), strict=True)]
    return {**{name: round(1000 * median(of), 1) for name, of in seconds.items()}, "ratio": round(median(ratios), 2)}


def described(name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return all that is set in a detector, for its results file and for the cache."""
    return {**parameters, "version": ANOMALIB} if name == "anomalib" else PatchCore(**parameters).parameters()


def run(protocol: str, root: Path, fabrics: Sequence[str], seeds: int, peer_seeds: int) -> dict[str, Any]:
    """Run one protocol with every detector, say on the way what comes out, and return what goes into its file."""
    peer = Peer() if peer_seeds else None
    detectors: dict[str, dict[str, Any]] = {"ours": OURS, "paper": PLAIN}
    if protocol == "A":
        detectors = {"ours": OURS, "everywhere": OURS, "paper": PLAIN}  # "everywhere": fabric isn't looked for
        detectors = {name: {**of, **POOLED} for name, of in detectors.items()}
    if peer:
        detectors["anomalib"] = {"size": 320, "coreset": 0.10 if protocol == "B" else 0.01}
    found: dict[str, Any] = {name: {"fabrics": {}} for name in detectors}
    kept: dict[str, dict] = {name: {} for name in detectors}
    strips: dict[str, Any] = {}
    groups = [tuple(fabrics)] if protocol == "A" else [(fabric,) for fabric in fabrics]
    for group in groups:
        label = "_".join(group)
        tiles = fabric_tiles(root, group[0]) if protocol == "B" else None
        for name, parameters in detectors.items():
            begin = time.perf_counter()
            count = peer_seeds if name == "anomalib" else seeds

            def tests(name=name, parameters=parameters, count=count, tiles=tiles, group=group):
                if name == "anomalib":
                    return peer.tests(protocol, root, group[0], tiles, range(count), parameters)
                if protocol == "B":
                    return by_tile(tiles, range(count), parameters)
                if protocol == "C":
                    return judged_c(root, group[0], range(count), parameters, name == "ours")
                return judged_a(root, group, range(count), parameters, name == "ours")

            entry = f"accuracy_{protocol}_{label}_{name}"
            what: dict[str, Any] = {"parameters": described(name, parameters), "seeds": count}
            if name == "anomalib":
                what |= {"script": sha256(SCRIPT), "code": (Peer.tests, Peer.maps)}
            kept[name][label] = judged_once(entry, tests, root, **what)
            of = found[name]["fabrics"][label] = kept[name][label][0]
            print(
                f"{protocol} {label} {name}: tile AUROC {of['tile_auroc']:.3f}, C2 {of.get('tile_auroc_c2', 0):.3f}, "
                f"pixel {of['pixel_auroc']:.3f}, AP {of['pixel_ap']:.3f}, {time.perf_counter() - begin:.0f} s",
                flush=True,
            )
        for fabric in group:
            strips[fabric] = {"normal": [], "defective": []}
            for strip in list_strips(root, fabric):
                strips[fabric]["normal" if strip.is_normal else "defective"].append(strip.id)
            if protocol == "C":
                strips[fabric]["fitted"] = [[s.id for s in split_c(root, fabric, seed)[0]] for seed in range(seeds)]
    about: dict[str, Any] = {"protocol": protocol, "fabrics": list(fabrics), "chosen_on": list(CHOSEN_ON)}
    about |= {"missing": [fabric for fabric in FABRICS if fabric not in fabrics], "ours_minus": compared(kept)}
    parts = {"chosen": set(CHOSEN_ON) & set(fabrics), "confirming": set(fabrics) - set(CHOSEN_ON)}
    for part, of in parts.items() if protocol != "A" and all(parts.values()) else ():
        some = {name: {f: k for f, k in by_fabric.items() if f in of} for name, by_fabric in kept.items()}
        about[f"ours_minus_{part}"] = compared(some)
        for name in detectors:
            found[name][f"mean_{part}"] = summed_up(some[name])
    for name in detectors:
        found[name]["mean"] = summed_up(kept[name])
        found[name]["seeds"] = peer_seeds if name == "anomalib" else seeds
        found[name]["parameters"] = described(name, detectors[name])
    if peer:
        found["anomalib"]["versions"] = peer.versions()
    if protocol == "B":
        found["ours"]["milliseconds_a_tile"] = cost(tiles)
    return {**about, "detectors": found, "strips": strips, "versions": versions()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--protocol", choices=["A", "B", "C", "all"], default="all")
    parser.add_argument("--data", metavar="DIR", help="folder with AITEX; else AITEX_ROOT or data/aitex")
    parser.add_argument("--fabrics", nargs="+", metavar="FF", default=list(FABRICS), help="two digits each")
    parser.add_argument("--seeds", type=int, help="instead of 1, 5 and 2 for A, B and C")
    parser.add_argument("--peer", action="store_true", help="anomalib's PatchCore beside ours: half an hour more")
    parser.add_argument("--ablation", action="store_true", help="then the ablation too: all that the tables need")
    given = parser.parse_args()
    try:
        root = find_aitex(given.data)
        there = sorted({strip.fabric for strip in list_strips(root) if strip.is_normal})
        fabrics = [fabric for fabric in given.fabrics if fabric in there]
        for fabric in given.fabrics:
            if fabric not in there:
                print(f"Fabric {fabric} isn't in {root} with normal strips: it is left out.", file=sys.stderr)
        if not fabrics:
            raise InputError(f"{root} has none of the fabrics {', '.join(given.fabrics)}: give --data or --fabrics.")
        for protocol in "ABC" if given.protocol == "all" else given.protocol:
            seeds = given.seeds or SEEDS[protocol]
            found = run(protocol, root, fabrics, seeds, PEER_SEEDS[protocol] if given.peer else 0)
            write_results(f"accuracy_{protocol.lower()}", found)
        write_tables()
    except InputError as error:
        print(f"accuracy: {error}", file=sys.stderr)
        return 1
    if given.ablation:
        return subprocess.run([sys.executable, Path(__file__).with_name("ablation.py"), "--data", root]).returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
