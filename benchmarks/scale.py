"""`python course.py bench scale [--only PART ...] [--times N ...] [--workers N ...]`: fits and searches on processes.

"fits" measures fits on 1, 3 and 10 times as many strips as AITEX has, of practice fabric. Each runs in one process and
with 1 and 2 workers: seconds, CPU seconds, memory and bytes. "whole" is a fit with all patches in one memory, on few
strips, for an extrapolation. "quality" compares the covering radius and the tile AUROC of blocks, of a tree of unions
and of a single coreset. "search" is an exact search among a million vectors, in one index, in shards on workers, and in
inverted lists on disk. "bill" is a calculation for 100 looms and for a million strips from the constants measured
before. Written to `results/scale.json`. Dask is used where it is installed, else a pool of processes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil
from pages import write_pages
from results_files import read_results_if_any, rounded, write_results
from speed import describe_machine, practice_patches, seconds_of
from tables_scale import bill, is_alike

from aitex_utils.commands.launching import run_command
from aitex_utils.commands.profiling import versions
from aitex_utils.errors import InputError
from aitex_utils.memory_bank import MemoryBank
from aitex_utils.metrics import auroc
from aitex_utils.patchcore import PatchCore
from aitex_utils.region import crop_to_fabric
from aitex_utils.scale.blocks import one_thread
from aitex_utils.scale.cluster import has_dask, start_workers
from aitex_utils.scale.disk_search import DiskIndex, build_disk_index
from aitex_utils.scale.fitting import read_reports
from aitex_utils.scale.sharded_search import ShardedBank, write_shards
from aitex_utils.strips import PRACTICE, Strip, list_strips
from aitex_utils.tiling import crop_tiles, tile_labels

AITEX_STRIPS, RATIO = 247, 0.01  # the coreset of more strips has as many patches: its ratio is divided
TIMES, WORKERS = (1, 3, 10), (0, 1, 2)  # no workers: one process
MEMORY_LIMIT = 2.0  # GiB per worker
BLOCK_SIZE, FAN_IN = 32_768, 8
STEP, FEWER = 37, 1024  # px between two crops of a strip, and px by which crops are narrower than the strip
WHOLE_STRIPS = (4, 8, 16)
QUALITY_FABRIC, QUALITY_SHARE, QUALITY_BLOCK, QUALITY_RATIO = "00", 0.7, 16_384, 0.05
VECTORS, CHANNELS, QUERIES, SHARDS = 1_000_000, 128, 2_000, 4
NLIST, NPROBES = 4096, (1, 4, 16, 64, 256)
LOOK = 0.05  # seconds between two looks at the memory of all processes
PARTS = ("fits", "whole", "quality", "search", "bill")


class Stream:
    """Fabric of many strips: crops of the normal strips of a practice fabric, each another piece.

    Parameters
    ----------
    strips : sequence of Strip
        Strips to take in turn.
    count : int
        Number of crops.

    Attributes
    ----------
    nbytes : int
        Bytes of the crops that were taken last.
    """

    def __init__(self, strips: Sequence[Strip], count: int) -> None:
        self.strips, self.count, self.nbytes = strips, count, 0

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield crops (256, W)."""
        self.nbytes = 0
        for i in range(self.count):
            fabric, _ = crop_to_fabric(self.strips[i % len(self.strips)].read())
            fewer = min(FEWER, fabric.shape[1] // 4)
            start = STEP * (i // len(self.strips)) % fewer
            crop = fabric[:, start : fabric.shape[1] - fewer + start]
            self.nbytes += crop.nbytes
            yield crop


def loopback_bytes() -> int:
    """Return the bytes that this machine has sent to itself over its network.

    Returns
    -------
    int
        Bytes since the system was started. Bytes of other programs are included.
    """
    counters = psutil.net_io_counters(pernic=True)
    return sum(counter.bytes_sent for name, counter in counters.items() if name.lower().startswith("lo"))


class Watch:
    """Memory, CPU seconds and messages of this process and of all processes below it, seen in short intervals.

    Attributes
    ----------
    largest_bytes : int
        Largest resident memory of one process.
    total_bytes : int
        Largest sum over all processes at one moment.
    cpu_seconds : float
        CPU seconds of all processes, including processes that have ended.
    network_bytes : int
        Bytes that the machine has sent to itself over its network. Messages of Dask are among them.
    """

    def __init__(self) -> None:
        self.largest_bytes = self.total_bytes = self.network_bytes = 0
        self._cpu: dict[tuple[int, float], float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look_again_and_again, daemon=True)

    @property
    def cpu_seconds(self) -> float:
        """CPU seconds so far."""
        return sum(self._cpu.values())

    def __enter__(self) -> Watch:
        self._look()
        self._before = self.cpu_seconds
        self._sent = loopback_bytes()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._look()
        self._stop.set()
        self._thread.join()
        self._cpu[(0, 0.0)] = -self._before
        self.network_bytes = loopback_bytes() - self._sent

    def _look_again_and_again(self) -> None:
        while not self._stop.wait(LOOK):
            self._look()

    def _look(self) -> None:
        own, total = psutil.Process(), 0
        for process in [own, *own.children(recursive=True)]:
            try:
                memory, times = process.memory_info().rss, process.cpu_times()
                self._cpu[(process.pid, process.create_time())] = times.user + times.system
            except psutil.Error:
                continue
            self.largest_bytes = max(self.largest_bytes, memory)
            total += memory
        self.total_bytes = max(self.total_bytes, total)


def normal_practice() -> list[Strip]:
    """Return the normal strips of the practice fabric.

    Returns
    -------
    list of Strip
    """
    return [strip for strip in list_strips(PRACTICE) if strip.is_normal]


def digest(detector: PatchCore) -> str:
    """Return a digest of all that a fit has learned.

    Parameters
    ----------
    detector : PatchCore
        Fitted detector.

    Returns
    -------
    str
    """
    arrays = [*(bank.vectors_ for bank in detector.banks_), detector.position_scale_]
    joined = hashlib.sha256(str(detector.radius_).encode())
    for array in arrays:
        joined.update(np.ascontiguousarray(array))
    return joined.hexdigest()


def fit_stream(strips: int, workers: int, ratio: float) -> dict[str, Any]:
    """Fit on a stream of strips in blocks, in this process, for its peak memory.

    Parameters
    ----------
    strips : int
        Number of strips.
    workers : int
        Number of workers; 0 computes all in this process.
    ratio : float
        Coreset sampling ratio.

    Returns
    -------
    dict
        Seconds in all, of the blocks, and of the rest; CPU seconds; memory; bytes in files and over the network;
        radius; digest of the result.
    """
    stream, detector = Stream(normal_practice(), strips), PatchCore(coreset_ratio=ratio, device="cpu")
    with tempfile.TemporaryDirectory() as place, Watch() as watch:
        begin = time.perf_counter()
        starting = start_workers(workers, memory_limit=MEMORY_LIMIT, quiet=True) if workers else nullcontext()
        with starting as client:
            started = time.perf_counter()
            detector.fit_strips(stream, block_size=BLOCK_SIZE, client=client, folder=f"{place}/fit")
        end = time.perf_counter()
        reports = read_reports(f"{place}/fit")
        newest = max(path.stat().st_mtime for path in Path(place, "fit", "blocks").iterdir())
        last = time.time() - (time.perf_counter() - end) - newest
    costs = [report["cost"] for report in reports]
    sizes = [(name, size) for report in reports for name, (size, _) in report["files"].items()]
    return {
        "strips": strips,
        "workers": workers,
        "engine": "one process" if not workers else "Dask" if has_dask() else "pool",
        "seconds": end - begin,
        "start_seconds": started - begin,
        "last_choice_seconds": last,
        "block_seconds": sum(cost["seconds"] for cost in costs),
        "block_cpu_seconds": sum(cost["cpu_seconds"] for cost in costs),
        "cpu_seconds": watch.cpu_seconds,
        "worker_peak_gib": max(cost["peak_bytes"] for cost in costs) / 2**30,
        "largest_gib": watch.largest_bytes / 2**30,
        "total_gib": watch.total_bytes / 2**30,
        "blocks": len(reports),
        "patches": sum(report["n_patches"] for report in reports),
        "union_bytes": sum(size for name, size in sizes if not name.startswith("sample_")),
        "sample_bytes": sum(size for name, size in sizes if name.startswith("sample_")),
        "picture_bytes": stream.nbytes if workers else 0,
        "network_bytes": watch.network_bytes if workers and has_dask() else 0,
        "kept": len(detector.bank_),
        "channels": sum(bank.vectors_.shape[1] for bank in detector.banks_),
        "radius": detector.radius_,
        "digest": digest(detector),
    }


def extract_alone(repeats: int = 9) -> dict[str, Any]:
    """Extract the patches of one strip on one thread: the pace of this machine at this time.

    Parameters
    ----------
    repeats : int
        Number of runs.

    Returns
    -------
    dict
        Median `seconds` of a strip.
    """
    (crop,) = Stream(normal_practice(), 1)
    features = PatchCore(device="cpu").features
    with one_thread():
        features.extract_strip(crop, 256)
        return {"seconds": median(seconds_of(lambda: features.extract_strip(crop, 256)) for _ in range(repeats))}


def fit_whole(strips: int) -> dict[str, Any]:
    """Fit on strips with all patches in one memory, in this process.

    Parameters
    ----------
    strips : int
        Number of strips.

    Returns
    -------
    dict
    """
    crops = list(Stream(normal_practice(), strips))
    with Watch() as watch:
        begin = time.perf_counter()
        detector = PatchCore(coreset_ratio=RATIO, device="cpu").fit_strips(crops)
        seconds = time.perf_counter() - begin
    return {
        "strips": strips,
        "seconds": seconds,
        "peak_gib": watch.largest_bytes / 2**30,
        "kept": len(detector.bank_),
        "radius": detector.radius_,
    }


MEASUREMENTS = {"extract_alone": extract_alone, "fit_stream": fit_stream, "fit_whole": fit_whole}


def in_own_process(name: str, **arguments: Any) -> dict[str, Any]:
    """Run one of the measurements in a process of its own.

    Parameters
    ----------
    name : str
        A key of `MEASUREMENTS`.
    **arguments
        Its arguments.

    Returns
    -------
    dict
    """
    command = [sys.executable, __file__, "--measure", json.dumps([name, arguments])]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure_fits(
    times: Sequence[int] = TIMES,
    workers: Sequence[int] = WORKERS,
    done: Sequence[dict[str, Any]] = (),
    keep: Callable[[list[dict[str, Any]]], None] = lambda rows: None,
    measure: Callable[..., dict[str, Any]] = in_own_process,
) -> list[dict[str, Any]]:
    """Fit on several times as many strips as AITEX has, with several numbers of workers.

    Parameters
    ----------
    times : sequence of int
        Multiples of AITEX's size.
    workers : sequence of int
        Numbers of workers; 0 is one process.
    done : sequence of dict
        Rows of an earlier run. Those that are not measured again stay.
    keep : callable
        Is called with all rows after each fit, so that an interrupted run loses only the fit that it was at.
    measure : callable
        Runs a measurement.

    Returns
    -------
    list of dict
        A row for each fit, see `with_comparison`. `strip_seconds` is the time of extracting one strip alone, the mean
        of before and after the fit.
    """
    rows, processor = list(done), describe_machine()["processor"]
    for multiple in times:
        for count in workers:
            before = measure("extract_alone")["seconds"]
            row = measure("fit_stream", strips=AITEX_STRIPS * multiple, workers=count, ratio=RATIO / multiple)
            row["strip_seconds"] = (before + measure("extract_alone")["seconds"]) / 2
            row = {"times": multiple, "processor": processor, **row}
            others = [other for other in rows if not (is_alike(other, row) and other["workers"] == count)]
            rows = with_comparison([*others, row])
            print(json.dumps(rounded(row, 3)), flush=True)
            keep(rows)
    return rows


def with_comparison(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Order the rows of fits, and compare the results of each size on each kind of processor.

    Parameters
    ----------
    rows : sequence of dict
        Rows with `times`, `processor`, `workers` and `digest`.

    Returns
    -------
    list of dict
        The same rows, ordered by size, processor and workers. `equal` says whether the result is the result of the
        row with the fewest workers (0 is one process), bit for bit; None if there is no other row.

    Notes
    -----
    Kinds of processors sum in a different order, so their results differ in the last digits.

    Examples
    --------
    >>> some = {"times": 1, "processor": "P"}
    >>> rows = with_comparison([{**some, "workers": 2, "digest": "a"}, {**some, "workers": 0, "digest": "a"}])
    >>> [(row["workers"], row["equal"]) for row in rows]
    [(0, True), (2, True)]
    """
    ordered = sorted(rows, key=lambda row: (row["times"], row["processor"], row["workers"]))
    found = []
    for row in ordered:
        digests = [other["digest"] for other in ordered if is_alike(other, row)]
        found.append({**row, "equal": row["digest"] == digests[0] if len(digests) > 1 else None})
    return found


def measure_whole(
    done: Sequence[dict[str, Any]] = (), measure: Callable[..., dict[str, Any]] = in_own_process
) -> list[dict[str, Any]]:
    """Fit on few strips with all patches in one memory.

    Parameters
    ----------
    done : sequence of dict
        Rows of an earlier run. The rows of other processors stay.
    measure : callable
        Runs a measurement.

    Returns
    -------
    list of dict
    """
    processor = describe_machine()["processor"]
    others = [row for row in done if row["processor"] != processor]
    return others + [{"processor": processor, **measure("fit_whole", strips=strips)} for strips in WHOLE_STRIPS]


def tile_auroc(detector: PatchCore, strips: Sequence[Strip]) -> float:
    """Return the AUROC of the tile scores of strips.

    Parameters
    ----------
    detector : PatchCore
        Fitted detector.
    strips : sequence of Strip
        Normal and defective strips with masks.

    Returns
    -------
    float
    """
    scores, labels = [], []
    for strip in strips:
        result = detector.predict_strip(strip.read())
        scores.append(result.tile_scores)
        labels.append(tile_labels(crop_tiles(strip.read_mask(), result.corners, 256)))
    return auroc(np.concatenate(labels), np.concatenate(scores))


def measure_quality(root: Path = PRACTICE) -> dict[str, dict[str, float]]:
    """Compare blocks and a tree of unions with a single coreset, on one fabric.

    Parameters
    ----------
    root : Path
        Folder of the strips.

    Returns
    -------
    dict of dict
        For each coreset: the bound on its covering radius, the mean and the largest distance of a training patch to its
        nearest coreset patch, and the tile AUROC.
    """
    strips = [strip for strip in list_strips(root, QUALITY_FABRIC) if strip.is_normal or strip.masks]
    normal = [strip for strip in strips if strip.is_normal]
    training = normal[: max(2, round(QUALITY_SHARE * len(normal)))]
    test = [strip for strip in strips if strip not in training]
    crops = [crop_to_fabric(strip.read())[0] for strip in training]
    ways = {
        "single": {},
        "blocks": {"block_size": QUALITY_BLOCK},
        "tree": {"block_size": QUALITY_BLOCK, "fan_in": 2},
    }
    found: dict[str, dict[str, float]] = {}
    for name, options in ways.items():
        detector = PatchCore(coreset_ratio=QUALITY_RATIO, device="cpu").fit_strips(crops, **options)
        distances = [detector.patch_distances(detector.features.extract_strip(crop, 256)).ravel() for crop in crops]
        nearest = np.concatenate(distances)
        found[name] = {
            "bound": float(detector.radius_),
            "largest_distance": float(nearest.max()),
            "mean_distance": float(nearest.mean()),
            "tile_auroc": float(tile_auroc(detector, test)),
            "kept": len(detector.bank_),
        }
        print(name, json.dumps(rounded(found[name], 4)), flush=True)
    return found


def search_twice(
    bank: MemoryBank | ShardedBank, queries: np.ndarray
) -> tuple[tuple[np.ndarray, np.ndarray], dict[str, float]]:
    """Search for the nearest vectors twice: the first search also prepares what both need.

    Parameters
    ----------
    bank : MemoryBank or ShardedBank
        Vectors.
    queries : ndarray, shape (n, C)
        Queries.

    Returns
    -------
    nearest : (ndarray, ndarray)
        Distances and indices.
    times : dict
        `first_seconds` and `seconds`.
    """
    begin = time.perf_counter()
    bank.search(queries)
    middle = time.perf_counter()
    nearest = bank.search(queries)
    return nearest, {"first_seconds": middle - begin, "seconds": time.perf_counter() - middle}


def measure_search() -> dict[str, Any]:
    """Search among many vectors: one exact index, shards on workers, inverted lists on disk.

    Returns
    -------
    dict
        Seconds and memory of each, whether the shards give what the index gives, and recall@1 by `nprobe`.
    """
    patches = practice_patches(VECTORS + QUERIES, CHANNELS)
    order = np.random.default_rng(0).permutation(len(patches))
    queries, vectors = patches[order[:QUERIES]], patches[order[QUERIES:]]
    bank = MemoryBank().add(vectors)
    exact, times = search_twice(bank, queries)
    found: dict[str, Any] = {"vectors": len(vectors), "channels": CHANNELS, "queries": len(queries), "shards": SHARDS}
    found["processor"] = describe_machine()["processor"]
    found["index"] = {**times, "gib": bank.nbytes / 2**30}
    with tempfile.TemporaryDirectory() as place:
        write_shards(vectors, f"{place}/shards", SHARDS)
        for workers in (count for count in WORKERS if count):
            with start_workers(workers, memory_limit=MEMORY_LIMIT, quiet=True) as client, Watch() as watch:
                result, times = search_twice(ShardedBank(f"{place}/shards", client), queries)
            equal = all(np.array_equal(left, right) for left, right in zip(exact, result, strict=True))
            found[f"shards_{workers}"] = {**times, "equal": equal, "total_gib": watch.total_bytes / 2**30}
        building = seconds_of(
            lambda: build_disk_index(
                np.array_split(vectors, SHARDS), f"{place}/index", nlist=NLIST, training=vectors[: 40 * NLIST]
            )
        )
        index = DiskIndex(f"{place}/index")
        found["disk"] = {"build_seconds": building, "nlist": NLIST, "rows": []}
        for nprobe in NPROBES:
            begin = time.perf_counter()
            _, indices = index.search(queries, nprobe=nprobe)
            seconds = time.perf_counter() - begin
            recall = float(np.mean(indices[:, 0] == exact[1][:, 0]))
            found["disk"]["rows"].append({"nprobe": nprobe, "seconds": seconds, "recall": recall})
    return found


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
    parser = argparse.ArgumentParser(prog="course.py bench scale", description="Fits and searches on processes.")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="keep the other parts")
    parser.add_argument("--times", nargs="+", type=int, default=list(TIMES), help="multiples of AITEX's size")
    parser.add_argument("--workers", nargs="+", type=int, default=list(WORKERS), help="0: one process")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.measure:
        name, given = json.loads(options.measure)
        print(json.dumps(MEASUREMENTS[name](**given)))
        return 0
    results = read_results_if_any("scale")
    fits = results.get("fits", [])

    def keep(**part: Any) -> None:
        results.update(rounded(part, 5))
        results.update(memory_limit_gib=MEMORY_LIMIT, ratio=RATIO, aitex_strips=AITEX_STRIPS, versions=versions())
        write_results("scale", results)

    measure_part = {
        "fits": lambda: measure_fits(options.times, options.workers, fits, lambda rows: keep(fits=rows)),
        "whole": lambda: measure_whole(results.get("whole", ())),
        "quality": measure_quality,
        "search": measure_search,
        "bill": lambda: bill(results),
    }
    try:
        for part in options.only:
            keep(**{part: measure_part[part]()})
            print(part, json.dumps(results[part]), flush=True)
    except InputError as error:
        print(f"bench scale: {error}", file=sys.stderr)
        return 1
    write_pages()
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
