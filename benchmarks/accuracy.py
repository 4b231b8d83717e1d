"""`python course.py bench accuracy [--protocol A|B|C|all] [--data DIR] [--fabrics FF ...] [--anomalib] [--ablation]`.

Accuracy of our defaults and of the paper's recipe (with the input size of the published runs on AITEX, 320 px), on the
same splits, with several seeds each. Each protocol writes `results/accuracy_X.json`: parameters, versions, the strips
of the splits, measures by fabric and by defect, means, and bootstrap intervals over strips, paired for differences.
`--anomalib` adds anomalib's PatchCore on the same tiles with the same weights, in an environment of its own
(`data/anomalib`, made at the first run). Fabrics that the data set lacks are named and left out.
"""

from __future__ import annotations

import argparse
import functools
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import protocol_a
import protocol_b
import protocol_c
from anomalib_runner import ANOMALIB, FOLDER, PATCHCORE_SCRIPT, AnomalibRunner
from comparison import Summary, cached_summary, fabric_mean, paired_difference
from evaluation import EvalResult
from pages import write_pages
from protocols import FabricTiles, read_fabric_tiles
from results_files import write_results

from aitex_utils.commands.launching import run_command
from aitex_utils.commands.profiling import versions
from aitex_utils.commands.protocol_c import split_protocol_c
from aitex_utils.errors import InputError
from aitex_utils.files.atomic_write import sha256
from aitex_utils.patchcore import PAPER, PatchCore
from aitex_utils.strips import find_aitex, list_strips

FABRICS = ("00", "02", "03", "06")
CHOSEN_ON = ("00", "02")  # every choice was made on these, the others confirm
OURS, PAPER_320 = {}, {**PAPER, "size": 320}
POOLED = {"coreset_ratio": 0.01}  # protocol A fits on more than a thousand tiles: a larger ratio would take hours
SEEDS = {"A": 1, "B": 5, "C": 2}
ANOMALIB_SEEDS = {"A": 0, "B": 2, "C": 1}
PROTOCOL_MODULES = {"A": protocol_a, "B": protocol_b, "C": protocol_c}

Summaries = dict[str, dict[str, Summary]]  # by detector, then by fabric


def detectors_of(protocol: str, *, with_anomalib: bool) -> dict[str, dict[str, Any]]:
    """Return the parameters of each detector that is compared by a protocol.

    Parameters
    ----------
    protocol : {"A", "B", "C"}
        Protocol.
    with_anomalib : bool
        Add anomalib's PatchCore.

    Returns
    -------
    dict of str to dict
        By detector. "everywhere" is ours without the search for the fabric.
    """
    detectors: dict[str, dict[str, Any]] = {"ours": OURS, "paper": PAPER_320}
    if protocol == "A":
        detectors = {"ours": OURS, "everywhere": OURS, "paper": PAPER_320}
        detectors = {name: {**parameters, **POOLED} for name, parameters in detectors.items()}
    if with_anomalib:
        detectors["anomalib"] = {"size": 320, "coreset_ratio": 0.10 if protocol == "B" else 0.01}
    return detectors


def tests_of(
    protocol: str,
    name: str,
    parameters: dict[str, Any],
    root: Path,
    fabrics: tuple[str, ...],
    tiles: FabricTiles | None,
    seeds: Sequence[int],
    runner: AnomalibRunner | None,
) -> Callable[[], Iterator[EvalResult]]:
    """Return the function that fits and tests a detector by a protocol.

    Parameters
    ----------
    protocol : {"A", "B", "C"}
        Protocol.
    name : str
        Name of the detector.
    parameters : dict
        Parameters of the detector.
    root : Path
        Folder of the strips.
    fabrics : tuple of str
        All fabrics for protocol A, one for the others.
    tiles : FabricTiles, optional
        Tiles of the fabric, for protocol B.
    seeds : sequence of int
        Seeds of the splits.
    runner : AnomalibRunner, optional
        For the detector "anomalib".

    Returns
    -------
    callable
    """
    if name == "anomalib" and protocol == "B":
        return functools.partial(runner.protocol_b, tiles, seeds, parameters)
    if name == "anomalib":
        return functools.partial(runner.protocol_c, root, fabrics[0], seeds, parameters)
    if protocol == "A":
        return functools.partial(protocol_a.protocol_a, root, fabrics, seeds, parameters, find_fabric=name == "ours")
    if protocol == "B":
        return lambda: protocol_b.protocol_b(protocol_b.FabricPatches(tiles, seeds), parameters)
    return functools.partial(protocol_c.protocol_c, root, fabrics[0], seeds, parameters, on_strips=name == "ours")


def described(name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return all settings of a detector, for its results file and for the cache.

    Parameters
    ----------
    name : str
        Name of the detector.
    parameters : dict
        Its parameters that differ from the defaults.

    Returns
    -------
    dict
    """
    return {**parameters, "version": ANOMALIB} if name == "anomalib" else PatchCore(**parameters).parameters()


def measure_cost(tiles: FabricTiles, n_tiles: int = 16, repeats: int = 7) -> dict[str, float]:
    """Time the prediction of tiles with our defaults and with the paper's recipe, in alternation.

    Parameters
    ----------
    tiles : FabricTiles
        A fabric.
    n_tiles : int
        Number of tiles to predict.
    repeats : int
        Number of measurements.

    Returns
    -------
    dict of str to float
        Median milliseconds per tile of "ours" and "paper", and the median of their ratios.
    """
    training, test = protocol_b.split_tiles(len(tiles.clean), 0)
    normal, queries = tiles.clean.tiles[training], tiles.clean.tiles[test[:n_tiles]]
    detectors = {
        name: PatchCore(**parameters).fit(normal) for name, parameters in (("ours", OURS), ("paper", PAPER_320))
    }
    seconds: dict[str, list[float]] = {name: [] for name in detectors}
    for _ in range(repeats):
        for name, detector in detectors.items():
            begin = time.perf_counter()
            detector.predict(queries)
            seconds[name].append((time.perf_counter() - begin) / n_tiles)
    ratios = [ours / paper for ours, paper in zip(*seconds.values(), strict=True)]
    milliseconds = {name: round(1000 * median(values), 1) for name, values in seconds.items()}
    return {**milliseconds, "ratio": round(median(ratios), 2)}


def differences_to_ours(summaries: Mapping[str, Mapping[str, Summary]]) -> dict[str, dict[str, list[float]]]:
    """Return the differences (ours - other) for each other detector.

    Parameters
    ----------
    summaries : mapping of str to mapping of str to Summary
        By detector, then by fabric.

    Returns
    -------
    dict of str to dict
        By detector, see `comparison.paired_difference`.
    """
    return {
        name: paired_difference(summaries["ours"], of_detector)
        for name, of_detector in summaries.items()
        if name != "ours"
    }


def strips_of_splits(protocol: str, root: Path, fabrics: Sequence[str], seeds: int) -> dict[str, Any]:
    """Return the names of the strips of each fabric, and in protocol C of each training set.

    Parameters
    ----------
    protocol : {"A", "B", "C"}
        Protocol.
    root : Path
        Folder of the strips.
    fabrics : sequence of str
        Fabrics.
    seeds : int
        Number of splits.

    Returns
    -------
    dict of str to dict
        By fabric.
    """
    names: dict[str, Any] = {}
    for fabric in fabrics:
        strips = list_strips(root, fabric)
        names[fabric] = {
            "normal": [strip.id for strip in strips if strip.is_normal],
            "defective": [strip.id for strip in strips if not strip.is_normal],
        }
        if protocol == "C":
            training = [split_protocol_c(strips, seed=seed)[0] for seed in range(seeds)]
            names[fabric]["fitted"] = [[strip.id for strip in of_split] for of_split in training]
    return names


def run(protocol: str, root: Path, fabrics: Sequence[str], seeds: int, anomalib_seeds: int) -> dict[str, Any]:
    """Run one protocol with every detector.

    Parameters
    ----------
    protocol : {"A", "B", "C"}
        Protocol.
    root : Path
        Folder of the strips.
    fabrics : sequence of str
        Fabrics.
    seeds, anomalib_seeds : int
        Number of splits, and number of splits for anomalib; with 0 anomalib is left out.

    Returns
    -------
    dict
        Content of the results file.
    """
    runner = AnomalibRunner() if anomalib_seeds else None
    detectors = detectors_of(protocol, with_anomalib=runner is not None)
    seeds_of = {name: anomalib_seeds if name == "anomalib" else seeds for name in detectors}
    summaries: Summaries = {name: {} for name in detectors}
    tiles = None
    for group in [tuple(fabrics)] if protocol == "A" else [(fabric,) for fabric in fabrics]:
        tiles = read_fabric_tiles(root, group[0]) if protocol == "B" else None
        for name, parameters in detectors.items():
            begin, fabric = time.perf_counter(), "_".join(group)
            tests = tests_of(protocol, name, parameters, root, group, tiles, range(seeds_of[name]), runner)
            settings: dict[str, Any] = {"parameters": described(name, parameters), "seeds": seeds_of[name]}
            code: list[Any] = [PROTOCOL_MODULES[protocol]]
            if name == "anomalib":
                settings["script"] = sha256(FOLDER / PATCHCORE_SCRIPT)
                code.append(AnomalibRunner)
            entry = f"accuracy_{protocol}_{fabric}_{name}"
            summaries[name][fabric] = cached_summary(entry, tests, root, code=code, **settings)
            _print_progress(f"{protocol} {fabric} {name}", summaries[name][fabric], time.perf_counter() - begin)
    results = assemble(protocol, fabrics, summaries)
    for name, parameters in detectors.items():
        results["detectors"][name] |= {"seeds": seeds_of[name], "parameters": described(name, parameters)}
    if runner is not None:
        results["detectors"]["anomalib"]["versions"] = runner.versions()
    if tiles is not None:
        results["detectors"]["ours"]["milliseconds_a_tile"] = measure_cost(tiles)
    return {**results, "strips": strips_of_splits(protocol, root, fabrics, seeds), "versions": versions()}


def _print_progress(title: str, summary: Summary, seconds: float) -> None:
    shown = {"tile_auroc": "tile AUROC", "tile_auroc_c2": "C2", "pixel_auroc": "pixel AUROC", "pixel_ap": "pixel AP"}
    values = [f"{label} {summary.measures[name]:.3f}" for name, label in shown.items() if name in summary.measures]
    print(f"{title}: {', '.join(values)}, {seconds:.0f} s", flush=True)


def assemble(protocol: str, fabrics: Sequence[str], summaries: Summaries) -> dict[str, Any]:
    """Put the measures of all detectors, their means over fabrics and their differences together.

    Parameters
    ----------
    protocol : {"A", "B", "C"}
        Protocol.
    fabrics : sequence of str
        Fabrics.
    summaries : dict of str to dict of str to Summary
        By detector, then by fabric.

    Returns
    -------
    dict
        Part of the results file.
    """
    detectors: dict[str, Any] = {
        name: {"fabrics": {fabric: summary.measures for fabric, summary in of_detector.items()}}
        for name, of_detector in summaries.items()
    }
    results: dict[str, Any] = {
        "protocol": protocol,
        "fabrics": list(fabrics),
        "chosen_on": list(CHOSEN_ON),
        "missing": [fabric for fabric in FABRICS if fabric not in fabrics],
        "ours_minus": differences_to_ours(summaries),
    }
    subsets = {"chosen": set(CHOSEN_ON) & set(fabrics), "confirming": set(fabrics) - set(CHOSEN_ON)}
    if protocol != "A" and all(subsets.values()):
        for subset, members in subsets.items():
            some = {
                name: {fabric: summary for fabric, summary in of_detector.items() if fabric in members}
                for name, of_detector in summaries.items()
            }
            results[f"ours_minus_{subset}"] = differences_to_ours(some)
            for name in detectors:
                detectors[name][f"mean_{subset}"] = fabric_mean(some[name])
    for name in detectors:
        detectors[name]["mean"] = fabric_mean(summaries[name])
    return {**results, "detectors": detectors}


def fabrics_with_normal_strips(root: Path, wanted: Sequence[str]) -> list[str]:
    """Return the fabrics that have normal strips, and name the others on the error stream.

    Parameters
    ----------
    root : Path
        Folder of the strips.
    wanted : sequence of str
        Fabrics.

    Returns
    -------
    list of str

    Raises
    ------
    InputError
        If none has any.
    """
    present = {strip.fabric for strip in list_strips(root) if strip.is_normal}
    for fabric in wanted:
        if fabric not in present:
            print(f"Fabric {fabric} has no normal strips in {root}: it is left out.", file=sys.stderr)
    fabrics = [fabric for fabric in wanted if fabric in present]
    if not fabrics:
        raise InputError(f"{root} has none of the fabrics {', '.join(wanted)}: give --data or --fabrics.")
    return fabrics


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
    parser = argparse.ArgumentParser(prog="course.py bench accuracy", description="Accuracy by protocols A, B and C.")
    parser.add_argument("--protocol", choices=["A", "B", "C", "all"], default="all")
    parser.add_argument("--data", metavar="DIR", help="folder with AITEX (default: AITEX_ROOT or data/aitex)")
    parser.add_argument("--fabrics", nargs="+", metavar="FF", default=list(FABRICS), help="two digits each")
    parser.add_argument("--seeds", type=int, help="instead of 1, 5 and 2 for A, B and C")
    parser.add_argument("--anomalib", action="store_true", help="add anomalib's PatchCore: half an hour more")
    parser.add_argument("--ablation", action="store_true", help="run the ablation afterwards: all that the pages need")
    options = parser.parse_args(arguments)
    try:
        root = find_aitex(options.data)
        fabrics = fabrics_with_normal_strips(root, options.fabrics)
        for protocol in "ABC" if options.protocol == "all" else options.protocol:
            anomalib_seeds = ANOMALIB_SEEDS[protocol] if options.anomalib else 0
            results = run(protocol, root, fabrics, options.seeds or SEEDS[protocol], anomalib_seeds)
            write_results(f"accuracy_{protocol.lower()}", results)
        write_pages()
    except InputError as error:
        print(f"bench accuracy: {error}", file=sys.stderr)
        return 1
    if options.ablation:
        return subprocess.run([sys.executable, Path(__file__).with_name("ablation.py"), "--data", root]).returncode
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
