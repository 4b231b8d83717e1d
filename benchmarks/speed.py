"""`python course.py bench speed [--peer] [--only PART ...]`: seconds and memory, as ratios measured in one run.

Coreset: ours, the obvious way with cached norms, and (with `--peer`) anomalib's, on the same arrays, in turn. Fit and
inference: 30 tiles at 320 px with a 10 % coreset, beside the backbone alone, FAISS's flat index and anomalib's model;
and a strip by our defaults. Memory: as many strips as AITEX has, fitted with a limit, in a process of its own. Limits:
what the machine can do at best. Medians of `REPEATS` runs. Patches are the practice fabric's. Written to
`results/speed.json`, drawn in `images/speed.png`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
import torch
from accuracy_tables import speed_lines, speed_sentence
from matplotlib.figure import Figure
from peer import Peer
from tables import HERE, RESULTS, results, write_results, write_tables

from aitex_utils.atomic_write import write_whole
from aitex_utils.commands.profiling import peak_memory_mib, versions
from aitex_utils.coreset import k_center_greedy, k_center_greedy_obvious
from aitex_utils.errors import InputError
from aitex_utils.fast.bf16_bound import bfloat16_is_quick
from aitex_utils.features import PatchFeatures
from aitex_utils.memory_bank import MemoryBank
from aitex_utils.patchcore import PAPER, PatchCore
from aitex_utils.strips import PRACTICE, list_strips
from aitex_utils.tiling import fabric_region, tile

SIZES = ((10_000, 0.1), (48_000, 0.1), (50_000, 0.1), (100_000, 0.1), (200_000, 0.1), (400_000, 0.1))
REPEATS, TIMED = 5, 200  # choices that the slow ways are timed for: each costs the same
RECIPE = {**PAPER, "size": 320}
STRIPS, LIMIT = 247, 0.125  # of the whole of AITEX; GiB
PICTURE = HERE / "images" / "speed.png"


def seconds_of(work: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def fabric_tiles(count: int) -> np.ndarray:
    """Return tiles of normal practice strips (count, 256, 256), other crops of the same strips where they run out."""
    found, shift = [], 0
    while sum(map(len, found)) < count:
        for strip in (s for s in list_strips(PRACTICE) if s.is_normal):
            image = strip.read()
            begin, end = fabric_region(image)
            found.append(tile(image[:, begin + shift : end], edge="drop")[0])
        shift += 37
    return np.concatenate(found)[:count]


def patches_for(count: int, channels: int = 128) -> np.ndarray:
    """Return patches of the practice fabric (count, channels) float32, projected at random."""
    tiles = fabric_tiles(-(-count // 1600))
    flat = PatchFeatures(size=320).transform(tiles).reshape(-1, 152)[:count]
    directions = np.random.default_rng(0).standard_normal((152, channels), dtype=np.float32)
    return np.ascontiguousarray(flat @ (directions / np.float32(channels**0.5)))


def obvious_seconds(patches: np.ndarray, k: int) -> tuple[float, np.ndarray]:
    """Return what the obvious way takes, from its first choices, and their radii: each costs one pass over all."""
    seconds, radii = [], np.empty(0)
    for n in (2, min(k, TIMED + 2)):
        begin = time.perf_counter()
        _, radii = k_center_greedy_obvious(patches, n, seed=0, projection=None)
        seconds.append(time.perf_counter() - begin)
    return seconds[0] + (seconds[1] - seconds[0]) / (len(radii) - 2) * (k - 2), radii


def coreset(peer: Peer | None) -> list[dict[str, Any]]:
    """Return seconds by size: ours, the obvious way, anomalib's; and by how much our covering radii are off.

    `radius_off`: of the first choices, against the obvious way's; `last_off`: of the last, against all distances.
    """
    everything, found = patches_for(max(n for n, _ in SIZES)), []
    for n, share in SIZES:
        patches, k = (
            np.ascontiguousarray(everything[np.random.default_rng(1).permutation(len(everything))[:n]]),
            round(share * n),
        )
        runs: dict[str, list[float]] = {"ours": [], "obvious": [], "anomalib": []}
        for turn in range(REPEATS):
            begin = time.perf_counter()
            indices, radii = k_center_greedy(patches, k, seed=0, projection=None)
            runs["ours"].append(time.perf_counter() - begin)
            seconds, slow = obvious_seconds(patches, k)
            runs["obvious"].append(seconds)
            if peer:
                arrays = {"patches": patches, "turn": np.array(turn)}  # the turn: or the answer of the first would do
                runs["anomalib"].append(float(peer.run("peer_coreset.py", arrays, TIMED // 4, share)["seconds"]))
        of: dict[str, Any] = {name: round(median(times), 3) for name, times in runs.items() if times}
        covered = float(MemoryBank().add(patches[indices]).nearest(patches)[0].max())
        of["radius_off"] = float(np.abs(radii[: len(slow) - 1] / slow[:-1] - 1).max())
        of["last_off"] = abs(covered / float(radii[-1]) - 1)
        found.append({"patches": n, "chosen": k, **of})
        print(json.dumps(found[-1]), flush=True)
    return found


def through(features: PatchFeatures, tiles: np.ndarray, together: int) -> None:
    """Send tiles through the backbone alone, so many at once."""
    with torch.inference_mode():
        for begin in range(0, len(tiles), together):
            features._layer_outputs(features._prepared(tiles[begin : begin + together]))


def model(peer: Peer | None) -> dict[str, Any]:
    """Return seconds to fit 30 tiles, and milliseconds a tile: ours, its parts, anomalib's."""
    tiles = fabric_tiles(62)
    fit, test = tiles[:30], tiles[30:62]
    runs: dict[str, list[float]] = {}

    def note(name: str, value: float) -> None:
        runs.setdefault(name, []).append(value)

    detector = PatchCore(**RECIPE, batch_size=8).fit(fit)
    features = detector.features
    for turn in range(REPEATS):
        note("fit", seconds_of(lambda: PatchCore(**RECIPE).fit(fit)))
        note("tile", seconds_of(lambda: detector.score(test)) / len(test))

        for name, together in (("backbone", 1), ("backbone_by_eight", 8)):
            note(name, seconds_of(lambda together=together: through(features, test, together)) / len(test))
        patches = features.transform(test).reshape(-1, 152)
        note("search", seconds_of(lambda patches=patches: detector.bank_.nearest(patches, 1)) / len(test))
        note("search_faiss", seconds_of(lambda patches=patches: detector.bank_._index.search(patches, 1)) / len(test))
        if peer:
            found = peer.run("peer_anomalib.py", {"fit": fit, "test": test, "turn": np.array(turn)}, 0, 320, 0.10)
            note("anomalib_fit", float(found["fit_seconds"]))
            note("anomalib_tile", float(found["seconds_a_tile"]))
    middles = {name: median(times) for name, times in runs.items()}
    of: dict[str, Any] = {"tiles": len(fit), "patches_a_tile": len(patches) // len(test), "kept": len(detector.bank_)}
    of |= {f"{name}_seconds": round(value, 2) for name, value in middles.items() if name.endswith("fit")}
    return of | {f"{name}_ms": round(1000 * value, 2) for name, value in middles.items() if not name.endswith("fit")}


def strip() -> dict[str, float]:
    """Return seconds a strip by our defaults: all of it, and the backbone alone."""
    every = [s.read() for s in list_strips(PRACTICE) if s.is_normal][:5]
    fabrics = [image[:, slice(*fabric_region(image))] for image in every]
    detector = PatchCore().fit_strips(fabrics[:4])
    runs: dict[str, list[float]] = {"strip": [], "backbone": []}
    for _ in range(REPEATS):
        runs["strip"].append(seconds_of(lambda: detector.score_strip(every[4])))
        runs["backbone"].append(seconds_of(lambda: detector.features.raw_of_strip(fabrics[4])))
    return {**{name: round(median(times), 3) for name, times in runs.items()}, "kept": len(detector.bank_)}


def limits() -> dict[str, float]:
    """Return what the machine can do: GB/s of one pass over memory, GFLOP/s of the matrix product."""
    array = np.ones((200_000, 128), np.float32)
    of = {"memory_gb_s": array.nbytes / median(seconds_of(array.max) for _ in range(9)) / 1e9}
    for name, kind in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        one, other = torch.ones((8192, 128), dtype=kind), torch.ones((128, 1024), dtype=kind)
        of[f"{name}_gflop_s"] = (
            2 * 8192 * 128 * 1024 / median(seconds_of(lambda a=one, b=other: a @ b) for _ in range(9)) / 1e9
        )
    return {name: round(value, 1) for name, value in of.items()}


def whole(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return seconds and peak memory of fitting as many strips as AITEX has, in a process of its own.

    Ten times as many take ten times as long to read, extract and reduce as they come. The last choice, over what is
    left of all, grows as coresets do: by the power that `rows`, of the part "coreset", rise with.
    """
    done = subprocess.run([sys.executable, __file__, "--whole"], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    if len(rows) > 1:
        power = growth(rows)
        last = found["seconds"] - found["seconds_coming"]
        found |= {"power": round(power, 2), "seconds_ten_times": round(10 * found["seconds_coming"] + 10**power * last)}
    return found


def growth(rows: list[dict[str, Any]]) -> float:
    """Return the power with which our seconds rise from 50 to 400 thousand patches, a tenth of them chosen."""
    some = [of for of in rows if of["patches"] >= 50_000]
    return float(np.polyfit(*(np.log([of[name] for of in some]) for name in ("patches", "ours")), 1)[0])


def fit_whole() -> dict[str, Any]:
    normal = [s for s in list_strips(PRACTICE) if s.is_normal]
    came = 0.0

    def strips():
        nonlocal came
        for i in range(STRIPS):
            image = normal[i % len(normal)].read()
            begin, end = fabric_region(image)
            begin += 32 * (i // len(normal))  # another piece of it each time
            yield image[:, begin : max(end, begin + 256)]
        came = time.perf_counter()

    begin = time.perf_counter()
    detector = PatchCore(coreset=0.01).fit_strips(strips(), memory=LIMIT)
    return {
        "strips": STRIPS,
        "kept": len(detector.bank_),
        "limit_gib": LIMIT,
        "seconds": round(time.perf_counter() - begin),
        "seconds_coming": round(came - begin),
        "peak_gib": round(peak_memory_mib() / 1024, 2),
    }


def drawn(found: dict[str, Any]) -> Figure:
    """Return the figure of how the coreset's cost grows."""
    figure = Figure(figsize=(6.5, 3.4), layout="constrained")
    axes = figure.subplots()
    for (label, rows), mark in zip(speed_lines(found["coreset"]).items(), "^so", strict=False):
        axes.loglog(*zip(*rows, strict=True), mark + "-", label=label)
    axes.set(xlabel="patches, of which a tenth is chosen", ylabel="seconds")
    axes.legend(frameon=False)
    return figure


PARTS = ("limits", "model", "strip", "coreset", "whole")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--peer", action="store_true", help="anomalib beside ours")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="others stay as they are")
    parser.add_argument("--whole", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.whole:
        print(json.dumps(fit_whole()))
        return 0
    try:
        peer = Peer() if given.peer else None
        found = results("speed") if (RESULTS / "speed.json").is_file() else {}
        parts = {
            "limits": limits,
            "model": lambda: model(peer),
            "strip": strip,
            "coreset": lambda: coreset(peer),
            "whole": lambda: whole(found.get("coreset", [])),
        }
        for part in given.only:
            found[part] = parts[part]()
            print(part, json.dumps(found[part]), flush=True)
    except InputError as error:
        print(f"speed: {error}", file=sys.stderr)
        return 1
    machine = {"cores": os.cpu_count(), "processor": platform.machine(), "bfloat16_is_quick": bfloat16_is_quick()}
    write_results("speed", {**found, "repeats": REPEATS, "machine": machine, "versions": versions()})
    if "coreset" in found:
        told = speed_sentence(found["coreset"])
        with write_whole(PICTURE) as path:
            drawn(found).savefig(path, dpi=110, metadata={"Description": told, "Software": None})
    write_tables()
    return 0


if __name__ == "__main__":
    sys.exit(main())
