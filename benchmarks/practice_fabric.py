"""`python course.py bench practice_fabric [--aitex DIR]`: whether the practice fabric is a fair stand-in for AITEX.

It measures the demands on the practice fabric and writes `results/practice_fabric.json`. Generation must be quick and
give equal bytes for equal seeds. There must be all twelve kinds of defects, and small defects. PatchCore's accuracy and
the ranking of nine configurations must be as on AITEX. It needs AITEX, and `bench demo` run on both data sets before.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np
from pages import write_pages
from protocol_b import FabricPatches, protocol_b
from protocols import read_fabric_tiles
from results_files import read_results, read_results_if_any, write_results
from tqdm import tqdm

from aitex_utils import metrics
from aitex_utils.commands.launching import run_command
from aitex_utils.commands.profiling import versions
from aitex_utils.errors import InputError
from aitex_utils.files.atomic_write import sha256
from aitex_utils.patchcore import PAPER
from aitex_utils.practice.generate import GENERATOR, make_practice_fabric
from aitex_utils.strips import DEFECTS, find_aitex, list_strips
from aitex_utils.tiling import crop_tiles, tile_fabric

AITEX_FABRICS, SEEDS, PAPER_NAME = ("00", "02", "03", "06"), 2, "the paper's recipe"
CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "our defaults": {},
    PAPER_NAME: PAPER,
    "random subset 1 %": {**PAPER, "sampler": "random", "coreset_ratio": 0.01},
    "384 px": {**PAPER, "size": 384},
    "128 px": {**PAPER, "size": 128},
    "whitened": {**PAPER, "whiten": True},
    "pooling 7": {**PAPER, "pooling": 7},
    "blocks.1 only": {**PAPER, "layers": ("blocks.1",)},
    "blocks.4 only": {**PAPER, "layers": ("blocks.4",)},
}
ByFabric = dict[str, dict[str, float]]  # tile AUROC by configuration, then by fabric


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file in and below a folder.

    Parameters
    ----------
    folder : Path
        Folder.

    Returns
    -------
    dict of str to str
        By path within the folder.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256(path) for path in files}


def defect_pixels(root: Path) -> list[int]:
    """Return the number of defect pixels of each tile of the fabric that has any.

    Parameters
    ----------
    root : Path
        Folder of the strips.

    Returns
    -------
    list of int
    """
    counts = []
    for strip in list_strips(root):
        if strip.masks and not strip.is_normal:
            _, corners = tile_fabric(strip.read())
            per_tile = crop_tiles(strip.read_mask(), corners).sum(axis=(1, 2))
            counts += [int(count) for count in per_tile if count]
    return counts


def measure_ranking(root: Path, fabrics: Sequence[str], known: Mapping[str, Mapping[str, float]]) -> ByFabric:
    """Return the tile AUROC by protocol B of each configuration and fabric.

    Parameters
    ----------
    root : Path
        Folder of the strips.
    fabrics : sequence of str
        Fabrics.
    known : mapping of str to mapping of str to float
        Values that need not be measured.

    Returns
    -------
    dict of str to dict of str to float
        By configuration, then by fabric: mean over seeds.
    """
    values = {name: dict(known.get(name, {})) for name in CONFIGURATIONS}
    for fabric in fabrics:
        missing = {name: parameters for name, parameters in CONFIGURATIONS.items() if fabric not in values[name]}
        if not missing:
            continue
        patches = FabricPatches(read_fabric_tiles(root, fabric), range(SEEDS))
        for name, parameters in tqdm(missing.items(), desc=f"fabric {fabric}"):
            aurocs = [metrics.auroc(result.labels, result.scores) for result in protocol_b(patches, parameters)]
            values[name][fabric] = float(np.mean(aurocs))
    return values


def generate_three_times(folder: Path) -> tuple[Path, list[float], bool]:
    """Make the practice fabric three times.

    Parameters
    ----------
    folder : Path
        Where to make it.

    Returns
    -------
    root : Path
        One of the three.
    seconds : list of float
        Generation times.
    is_reproducible : bool
        True if all three consist of equal bytes.
    """
    seconds = []
    for i in range(3):
        begin = time.perf_counter()
        make_practice_fabric(folder / str(i))
        seconds.append(round(time.perf_counter() - begin, 1))
    contents = [digests(folder / str(i)) for i in range(3)]
    return folder / "0", seconds, all(content == contents[0] for content in contents)


def known_rankings() -> dict[str, ByFabric]:
    """Return the rankings of the results file, by data set, of unchanged configurations.

    Returns
    -------
    dict of str to dict
        Empty if there is no results file, or the version of a package has changed; without the practice fabric's if
        the generator has.
    """
    stored = read_results_if_any("practice_fabric")
    if not stored or stored.get("seeds") != SEEDS:
        return {}
    now, then = versions(), stored["versions"]
    if any(now[package] != then[package] for package in now.keys() & then.keys()):
        return {}
    wanted = json.loads(json.dumps(CONFIGURATIONS))
    unchanged = [name for name in wanted if stored["configurations"].get(name) == wanted[name]]
    return {
        data: {name: values[name] for name in unchanged if name in values}
        for data, values in stored["by_fabric"].items()
        if data == "aitex" or stored["generator"] == GENERATOR
    }


def check_demands(
    means: Mapping[str, Mapping[str, float]],
    c1: Mapping[str, float],
    pixels: Mapping[str, Sequence[int]],
    seconds: Sequence[float],
    is_reproducible: bool,
    codes: Sequence[str],
) -> list[dict[str, Any]]:
    """Compare what was measured with the demands on the practice fabric.

    Parameters
    ----------
    means : mapping of str to mapping of str to float
        Mean tile AUROC by protocol B, by configuration and data set ("aitex", "practice").
    c1 : mapping of str to float
        Mean tile AUROC by protocol C1 of our defaults, by data set.
    pixels : mapping of str to sequence of int
        Output of `defect_pixels`, by data set.
    seconds : sequence of float
        Generation times.
    is_reproducible : bool
        Whether equal seeds gave equal bytes.
    codes : sequence of str
        Defect codes of the practice fabric, sorted.

    Returns
    -------
    list of dict
        Demand, measured value, and whether it is met.
    """
    from scipy.stats import spearmanr

    ranks = [[mean_of_both[data] for mean_of_both in means.values()] for data in ("practice", "aitex")]
    agreement = float(spearmanr(*ranks).statistic)
    quantiles = {data: [float(q) for q in np.quantile(counts, (0.25, 0.5))] for data, counts in pixels.items()}
    is_small = all(p <= 1.1 * a for p, a in zip(quantiles["practice"], quantiles["aitex"], strict=True))
    b_gap, c_gap = (abs(auroc["practice"] - auroc["aitex"]) for auroc in (means[PAPER_NAME], c1))
    highest = max(means[PAPER_NAME]["practice"], c1["practice"])
    demands = [
        ("generation in under 30 s, median of three", median(seconds), median(seconds) < 30),
        ("equal bytes for equal seeds", is_reproducible, is_reproducible),
        ("all twelve defect kinds", len(codes), list(codes) == sorted(set(DEFECTS) - {"000"})),
        ("defect pixels per tile, first quartile and median, at most 10 % above AITEX", quantiles, is_small),
        ("tile AUROC, protocol B, within 0.05 of AITEX", round(b_gap, 4), b_gap <= 0.05),
        ("tile AUROC, protocol C1, within 0.05 of AITEX", round(c_gap, 4), c_gap <= 0.05),
        ("mean tile AUROC below 0.995", round(highest, 4), highest < 0.995),
        ("nine configurations in a similar order, Spearman at least 0.8", round(agreement, 4), agreement >= 0.8),
    ]
    return [{"demand": demand, "measured": value, "met": bool(met)} for demand, value, met in demands]


def measure(aitex: Path, known: Mapping[str, ByFabric]) -> dict[str, Any]:
    """Measure everything that is demanded of the practice fabric.

    Parameters
    ----------
    aitex : Path
        Folder of AITEX.
    known : mapping of str to dict
        Rankings that need not be measured, by data set.

    Returns
    -------
    dict
        Content of the results file.

    Raises
    ------
    FileNotFoundError
        If `bench demo` has not been run on both data sets.
    """
    demos = {data: read_results(f"demo_{data}") for data in ("aitex", "practice")}
    with tempfile.TemporaryDirectory() as folder:
        practice, seconds, is_reproducible = generate_three_times(Path(folder))
        strips = list_strips(practice)
        codes = sorted({strip.code for strip in strips} - {"000"})
        pixels = {"practice": defect_pixels(practice), "aitex": defect_pixels(aitex)}
        fabrics = sorted({strip.fabric for strip in strips})
        by_fabric = {
            "practice": measure_ranking(practice, fabrics, known.get("practice", {})),
            "aitex": measure_ranking(aitex, AITEX_FABRICS, known.get("aitex", {})),
        }
    means = {name: {data: mean(values[name].values()) for data, values in by_fabric.items()} for name in CONFIGURATIONS}
    c1 = {data: mean(measures["tile_auroc_c1"] for measures in demo.values()) for data, demo in demos.items()}
    return {
        "demands": check_demands(means, c1, pixels, seconds, is_reproducible, codes),
        "configurations": CONFIGURATIONS,
        "tile_auroc_b": means,
        "tile_auroc_c1": c1,
        "by_fabric": by_fabric,
        "seconds": seconds,
        "seeds": SEEDS,
        "generator": GENERATOR,
        "versions": versions(),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark from the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Arguments of the command line. None takes the arguments of the process.

    Returns
    -------
    int
        Exit status, 1 if a demand is missed.
    """
    parser = argparse.ArgumentParser(prog="course.py bench practice_fabric", description="Demands on the fabric.")
    parser.add_argument("--aitex", metavar="DIR", help="folder with AITEX (default: AITEX_ROOT or data/aitex)")
    parser.add_argument(
        "--keep-ranking",
        action="store_true",
        help="take rankings from the results file, of unchanged configurations, data and versions",
    )
    options = parser.parse_args(arguments)
    try:
        results = measure(find_aitex(options.aitex), known_rankings() if options.keep_ranking else {})
    except (InputError, FileNotFoundError) as error:
        print(f"bench practice_fabric: {error}", file=sys.stderr)
        return 1
    write_results("practice_fabric", results)
    write_pages()
    for demand in results["demands"]:
        print("met   " if demand["met"] else "MISSED", demand["demand"], demand["measured"])
    print(json.dumps(results["tile_auroc_b"], indent=1))
    return 0 if all(demand["met"] for demand in results["demands"]) else 1


if __name__ == "__main__":
    sys.exit(run_command(main))
