"""`python course.py bench speed [--anomalib] [--only PART ...] [--second]`: seconds and memory, as ratios in one run.

The part "coreset" compares ours, the reference with one pass per choice, and (with `--anomalib`) anomalib's, on the
same patches in alternation. "model" is fit and prediction of tiles at 320 px with a 10 % coreset, beside the backbone
alone, FAISS's flat index and anomalib's model. "backbones" is fit and prediction of tiles with our defaults, by
backbone. "strip" is a strip with our defaults. "whole" is a fit on as many strips
as AITEX has, in bounded memory. "limits" is the best that the machine can do. All run on the practice fabric. Times are
medians of `REPEATS` runs. Written to `results/speed.json` and drawn in `images/speed.png`. With `--second` they are
measured on a second kind of processor, and written to `results/speed_second.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from anomalib_runner import CORESET_SCRIPT, PATCHCORE_SCRIPT, AnomalibRunner
from pages import write_pages
from results_files import IMAGES, read_results_if_any, write_figure, write_results
from tables_ablation import DEFAULTS
from tables_speed import coreset_caption, coreset_curves

from aitex_utils.backbones import bundled_weights
from aitex_utils.commands.launching import run_command
from aitex_utils.commands.profiling import versions
from aitex_utils.coreset import k_center_greedy, k_center_greedy_reference
from aitex_utils.errors import InputError
from aitex_utils.fast.bf16_bound import bf16_off, has_fast_bf16
from aitex_utils.features import PatchFeatures
from aitex_utils.memory_bank import MemoryBank
from aitex_utils.patchcore import PAPER, PatchCore
from aitex_utils.plots import COLOURS, LINE_STYLES, MARKERS, make_axes
from aitex_utils.region import crop_to_fabric
from aitex_utils.safety.peak_memory import peak_memory_mib
from aitex_utils.strips import PRACTICE, Strip, list_strips
from aitex_utils.tiling import tile

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZES, CORESET_RATIO = (10_000, 48_000, 50_000, 100_000, 200_000, 400_000), 0.1
REPEATS, TIMED_CHOICES = 5, 200  # choices for which a pass per choice is timed: each costs the same
RECIPE = {**PAPER, "size": 320, "device": "cpu"}  # `bench device` measures a GPU
MODEL_TILES = 30, 32  # to fit and to predict
# Arguments of PatchCore by the name in the ablation.
BACKBONES: dict[str, dict[str, Any]] = {
    DEFAULTS: {},
    "pooled branch only": {"pooling": 3},
    "efficientnet_lite1": {"backbone": "efficientnet_lite1"},
    "efficientnet_lite2": {"backbone": "efficientnet_lite2"},
}
AITEX_STRIPS, MEMORY_LIMIT = 247, 0.125  # GiB
SHIFT = 32  # px between two crops of the same strip, so that each is another piece of fabric
PICTURE = IMAGES / "speed.png"


def seconds_of(work: Callable[[], Any]) -> float:
    """Return the seconds that a call takes.

    Parameters
    ----------
    work : callable
        Called without arguments.

    Returns
    -------
    float
    """
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def normal_strips() -> list[Strip]:
    """Return the normal strips of the practice fabric.

    Returns
    -------
    list of Strip
    """
    return [strip for strip in list_strips(PRACTICE) if strip.is_normal]


def practice_tiles(count: int) -> np.ndarray:
    """Return tiles of normal practice strips, further crops of the same strips where they run out.

    Parameters
    ----------
    count : int
        Number of tiles.

    Returns
    -------
    ndarray, shape (count, 256, 256)
    """
    parts, shift = [], 0
    while sum(map(len, parts)) < count:
        for strip in normal_strips():
            fabric, _ = crop_to_fabric(strip.read())
            parts.append(tile(fabric[:, shift:], edge="drop")[0])
        shift += 37
    return np.concatenate(parts)[:count]


def practice_patches(count: int, channels: int = 128) -> np.ndarray:
    """Return patches of the practice fabric, projected at random.

    Parameters
    ----------
    count : int
        Number of patches.
    channels : int
        Channels after the projection.

    Returns
    -------
    ndarray, shape (count, channels)
        float32, C-contiguous.
    """
    tiles = practice_tiles(-(-count // 1600))  # 40 x 40 patches per tile
    patches = PatchFeatures(size=320).transform(tiles)
    flat = patches.reshape(-1, patches.shape[-1])[:count]
    directions = np.random.default_rng(0).standard_normal((flat.shape[1], channels), dtype=np.float32)
    return np.ascontiguousarray(flat @ (directions / np.float32(channels**0.5)))


def reference_seconds(patches: np.ndarray, k: int) -> tuple[float, np.ndarray]:
    """Time coreset sampling with one pass per choice, extrapolated from its first choices.

    Parameters
    ----------
    patches : ndarray, shape (N, C)
        Patches.
    k : int
        Number of choices.

    Returns
    -------
    seconds : float
        Time of k choices.
    radii : ndarray, shape (n,)
        Covering radii of the choices that were made.
    """
    seconds, radii = [], np.empty(0)
    for n in (2, min(k, TIMED_CHOICES + 2)):
        begin = time.perf_counter()
        _, radii = k_center_greedy_reference(patches, n, seed=0, projection=None)
        seconds.append(time.perf_counter() - begin)
    return seconds[0] + (seconds[1] - seconds[0]) / (len(radii) - 2) * (k - 2), radii


def measure_coreset(runner: AnomalibRunner | None) -> list[dict[str, Any]]:
    """Time coreset sampling by number of patches.

    Parameters
    ----------
    runner : AnomalibRunner, optional
        To time anomalib's as well.

    Returns
    -------
    list of dict
        For each size the seconds of ours, the reference and anomalib's. `radius_off` is the largest relative difference
        of our covering radii from the reference's, for its first choices. `last_off` is the difference of our last
        radius from the radius computed from all distances.
    """
    all_patches, rows = practice_patches(max(SIZES)), []
    for size in SIZES:
        chosen = np.random.default_rng(1).permutation(len(all_patches))[:size]
        rows.append(_time_coreset(np.ascontiguousarray(all_patches[chosen]), round(CORESET_RATIO * size), runner))
        print(json.dumps(rows[-1]), flush=True)
    return rows


def _time_coreset(patches: np.ndarray, k: int, runner: AnomalibRunner | None) -> dict[str, Any]:
    seconds: dict[str, list[float]] = {"ours": [], "ours_without_bf16": [], "reference": [], "anomalib": []}
    for run in range(REPEATS):
        begin = time.perf_counter()
        indices, radii = k_center_greedy(patches, k, seed=0, projection=None)
        seconds["ours"].append(time.perf_counter() - begin)
        if has_fast_bf16():
            with bf16_off():
                timed_off = seconds_of(lambda: k_center_greedy(patches, k, seed=0, projection=None))
            seconds["ours_without_bf16"].append(timed_off)
        reference, reference_radii = reference_seconds(patches, k)
        seconds["reference"].append(reference)
        if runner is not None:
            arrays = {"patches": patches, "run": np.array(run)}  # the run: otherwise the first would be taken again
            timed = runner.run_script(CORESET_SCRIPT, arrays, TIMED_CHOICES // 4, CORESET_RATIO)
            seconds["anomalib"].append(float(timed["seconds"]))
    covered = float(MemoryBank().add(patches[indices]).search(patches)[0].max())
    return {
        "patches": len(patches),
        "chosen": k,
        **{name: round(median(values), 3) for name, values in seconds.items() if values},
        "radius_off": float(np.abs(radii[: len(reference_radii) - 1] / reference_radii[:-1] - 1).max()),
        "last_off": abs(covered / float(radii[-1]) - 1),
    }


def run_backbone(features: PatchFeatures, tiles: np.ndarray, batch_size: int) -> None:
    """Send tiles through the backbone alone.

    Parameters
    ----------
    features : PatchFeatures
        Extractor.
    tiles : ndarray, shape (N, H, W)
        Tiles, uint8.
    batch_size : int
        Number of tiles at once.
    """
    with torch.inference_mode():
        for start in range(0, len(tiles), batch_size):
            features.layer_outputs(features.preprocess(tiles[start : start + batch_size]))


def measure_model(runner: AnomalibRunner | None) -> dict[str, Any]:
    """Time fit and prediction with the recipe of the paper at 320 px.

    Parameters
    ----------
    runner : AnomalibRunner, optional
        To time anomalib's as well.

    Returns
    -------
    dict
        Seconds to fit, milliseconds per tile of the prediction and of its parts, and the numbers of tiles and patches.
    """
    n_fit, n_test = MODEL_TILES
    tiles = practice_tiles(n_fit + n_test)
    training, test = tiles[:n_fit], tiles[n_fit:]
    detector = PatchCore(**RECIPE).fit(training)
    features, bank = detector.features, detector.bank_
    patches = features.transform(test)
    patches = patches.reshape(-1, patches.shape[-1])
    steps: dict[str, Callable[[], Any]] = {
        "tile": lambda: detector.predict(test),
        "backbone": lambda: run_backbone(features, test, 1),
        "backbone_by_eight": lambda: run_backbone(features, test, 8),
        "search": lambda: bank.search(patches, 1),
        "search_faiss": lambda: bank.index.search(patches, 1),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ("fit", *steps)}
    if runner is not None:
        seconds |= {"anomalib_fit": [], "anomalib_tile": []}
    for run in range(REPEATS):
        seconds["fit"].append(seconds_of(lambda: PatchCore(**RECIPE).fit(training)))
        for name, step in steps.items():
            seconds[name].append(seconds_of(step) / n_test)
        if has_fast_bf16():
            with bf16_off():
                seconds.setdefault("tile_without_bf16", []).append(seconds_of(steps["tile"]) / n_test)
        if runner is not None:
            arrays = {"training": training, "test": test, "run": np.array(run)}
            timed = runner.run_script(PATCHCORE_SCRIPT, arrays, 0, 320, 0.10)
            seconds["anomalib_fit"].append(float(timed["fit_seconds"]))
            seconds["anomalib_tile"].append(float(timed["seconds_per_tile"]))
    medians = {name: median(values) for name, values in seconds.items()}
    return {
        "tiles": n_fit,
        "patches_a_tile": len(patches) // n_test,
        "kept": len(bank),
        **{f"{name}_seconds": round(value, 2) for name, value in medians.items() if name.endswith("fit")},
        **{f"{name}_ms": round(1000 * value, 2) for name, value in medians.items() if not name.endswith("fit")},
    }


def measure_backbones() -> dict[str, dict[str, float]]:
    """Time fit and prediction of tiles with our defaults, with each bundled backbone and with a single branch.

    Returns
    -------
    dict of str to dict
        By configuration: seconds to fit, milliseconds per tile, and megabytes of the weights file.
    """
    n_fit, n_test = MODEL_TILES
    tiles = practice_tiles(n_fit + n_test)
    training, test = tiles[:n_fit], tiles[n_fit:]
    detectors = {name: PatchCore(device="cpu", **parameters).fit(training) for name, parameters in BACKBONES.items()}
    fits: dict[str, list[float]] = {name: [] for name in detectors}
    predictions: dict[str, list[float]] = {name: [] for name in detectors}
    for _ in range(REPEATS):
        for name, detector in detectors.items():
            fits[name].append(seconds_of(lambda detector=detector: detector.fit(training)))
            predictions[name].append(seconds_of(lambda detector=detector: detector.predict(test)) / n_test)
    return {
        name: {
            "fit_seconds": round(median(fits[name]), 2),
            "tile_ms": round(1000 * median(predictions[name]), 1),
            "weights_mb": round(bundled_weights(detector.features.backbone).stat().st_size / 1e6, 1),
        }
        for name, detector in detectors.items()
    }


def measure_strip() -> dict[str, float]:
    """Time the prediction of a strip with our defaults, and the backbone's part of it.

    Returns
    -------
    dict
        Seconds per strip, and the number of vectors in a bank.
    """
    images = [strip.read() for strip in normal_strips()[:5]]
    fabrics = [crop_to_fabric(image)[0] for image in images]
    detector = PatchCore(device="cpu").fit_strips(fabrics[:4])
    seconds: dict[str, list[float]] = {"strip": [], "backbone": []}
    for _ in range(REPEATS):
        seconds["strip"].append(seconds_of(lambda: detector.predict_strip(images[4])))
        seconds["backbone"].append(seconds_of(lambda: detector.features.extract_strip(fabrics[4])))
    return {**{name: round(median(values), 3) for name, values in seconds.items()}, "kept": len(detector.bank_)}


def measure_limits() -> dict[str, float]:
    """Measure what the machine can do at best: GB/s of a pass over memory, GFLOP/s of matrix products.

    Returns
    -------
    dict of str to float
    """
    array, (rows, inner, columns) = np.ones((200_000, 128), np.float32), (8192, 128, 1024)
    limits = {"memory_gb_s": array.nbytes / median(seconds_of(array.max) for _ in range(9)) / 1e9}
    for name, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        left, right = torch.ones((rows, inner), dtype=dtype), torch.ones((inner, columns), dtype=dtype)
        seconds = median(seconds_of(lambda a=left, b=right: a @ b) for _ in range(9))
        limits[f"{name}_gflop_s"] = 2 * rows * inner * columns / seconds / 1e9
    return {name: round(value, 1) for name, value in limits.items()}


def measure_whole(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Measure seconds and peak memory of a fit on as many strips as AITEX has, in a process of its own.

    Parameters
    ----------
    rows : list of dict
        Output of `measure_coreset`.

    Returns
    -------
    dict
        With `seconds_ten_times`, extrapolated to ten times as many strips: reading, extracting and reducing them take
        ten times as long. The last coreset, over the rest of all strips, grows with the power that `rows` show.
    """
    command = [sys.executable, __file__, "--whole"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    measured = json.loads(done.stdout.splitlines()[-1])
    if len(rows) > 1:
        power, last = coreset_power(rows), measured["seconds"] - measured["seconds_coming"]
        measured["power"] = round(power, 2)
        measured["seconds_ten_times"] = round(10 * measured["seconds_coming"] + 10**power * last)
    return measured


def coreset_power(rows: list[dict[str, Any]]) -> float:
    """Return the power with which our seconds grow from 50,000 to 400,000 patches.

    Parameters
    ----------
    rows : list of dict
        Output of `measure_coreset`.

    Returns
    -------
    float

    Examples
    --------
    >>> round(coreset_power([{"patches": n, "ours": n**1.5} for n in (10_000, 50_000, 400_000)]), 3)
    1.5
    """
    large = [row for row in rows if row["patches"] >= 50_000]
    patches, seconds = (np.log([row[name] for row in large]) for name in ("patches", "ours"))
    return float(np.polyfit(patches, seconds, 1)[0])


class StripStream:
    """Fabric of as many strips as AITEX has, each another piece. It records when the last piece has been taken.

    Parameters
    ----------
    strips : sequence of Strip
        Strips to take in turn.
    count : int
        Number of strips to yield.

    Attributes
    ----------
    end : float
        Time at which the stream ended, by `time.perf_counter`.
    """

    def __init__(self, strips: Sequence[Strip], count: int) -> None:
        self.strips, self.count = strips, count

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield fabrics (256, W)."""
        for i in range(self.count):
            fabric, _ = crop_to_fabric(self.strips[i % len(self.strips)].read())
            start = SHIFT * (i // len(self.strips))
            yield fabric[:, min(start, fabric.shape[1] - 256) :]
        self.end = time.perf_counter()


def fit_whole() -> dict[str, Any]:
    """Fit on as many strips as AITEX has, in a process of its own, for its peak memory.

    Returns
    -------
    dict
        Seconds in all and until the last strip had been taken, and the process's peak memory.
    """
    stream = StripStream(normal_strips(), AITEX_STRIPS)
    begin = time.perf_counter()
    detector = PatchCore(coreset_ratio=0.01, device="cpu").fit_strips(stream, memory=MEMORY_LIMIT)
    return {
        "strips": AITEX_STRIPS,
        "kept": len(detector.bank_),
        "limit_gib": MEMORY_LIMIT,
        "seconds": round(time.perf_counter() - begin),
        "seconds_coming": round(stream.end - begin),
        "peak_gib": round(peak_memory_mib() / 1024, 2),
    }


def draw(rows: list[dict[str, Any]]) -> Figure:
    """Draw how the time of coreset sampling grows.

    Parameters
    ----------
    rows : list of dict
        Output of `measure_coreset`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axis = make_axes(1, 1, (6.5, 3.4))
    styles = zip(COLOURS, MARKERS, LINE_STYLES, strict=False)
    for (label, curve), (colour, marker, line) in zip(coreset_curves(rows).items(), styles, strict=False):
        axis.loglog(*zip(*curve, strict=True), color=colour, marker=marker, linestyle=line, label=label)
    axis.set(xlabel="patches (10 % are chosen)", ylabel="seconds")
    axis.legend(frameon=False)
    return figure


def describe_machine() -> dict[str, Any]:
    """Describe the processor on which times were measured.

    Returns
    -------
    dict
        Its cores, name and flags for vectors and matrices, PyTorch's threads, and whether it is fast at bfloat16.
    """
    info = Path("/proc/cpuinfo")  # on Linux. Elsewhere only the name is known, by `platform`
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    facts = dict(map(str.strip, line.split(":", 1)) for line in lines if ":" in line)
    return {
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "processor": facts.get("model name") or platform.processor() or platform.machine(),
        "flags": [flag for flag in FLAGS if flag in facts.get("flags", "").split()],
        "has_fast_bf16": has_fast_bf16(),
    }


FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")  # of processors from Intel and AMD, slow to fast
PARTS = ("limits", "model", "backbones", "strip", "coreset", "whole")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark from the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Arguments of the command line. None takes the arguments of the process.

    Returns
    -------
    int
        Exit status.
    """
    parser = argparse.ArgumentParser(prog="course.py bench speed", description="Seconds and memory.")
    parser.add_argument("--anomalib", action="store_true", help="time anomalib as well")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="keep the other parts")
    parser.add_argument(
        "--second", action="store_true", help="on a second kind of processor: a results file of its own"
    )
    parser.add_argument("--whole", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.whole:
        print(json.dumps(fit_whole()))
        return 0
    try:
        runner = AnomalibRunner() if options.anomalib else None
        results = read_results_if_any("speed_second" if options.second else "speed")
        measure_part = {
            "limits": measure_limits,
            "model": lambda: measure_model(runner),
            "backbones": measure_backbones,
            "strip": measure_strip,
            "coreset": lambda: measure_coreset(runner),
            "whole": lambda: measure_whole(results.get("coreset", [])),
        }
        for part in options.only:
            results[part] = measure_part[part]()
            print(part, json.dumps(results[part]), flush=True)
    except InputError as error:
        print(f"bench speed: {error}", file=sys.stderr)
        return 1
    results |= {"repeats": REPEATS, "machine": describe_machine(), "versions": versions()}
    write_results("speed_second" if options.second else "speed", results)
    if "coreset" in results and not options.second:
        write_figure(draw(results["coreset"]), coreset_caption(results["coreset"]), PICTURE)
    write_pages()
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
