"""The tables of the benchmark `scale`, and its calculation for a mill."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from results_files import read_results
from scipy.optimize import nnls
from tables_format import markdown_table

MILL_STRIPS = 100 * 4 * 60 * 24  # 100 looms, 4 strips a minute each, in a day
SIZES = {"AITEX": 247, "100 looms, a day": MILL_STRIPS, "a million strips": 1_000_000}
DAY, MACHINE_GIB = 86_400, 16.0
OVERSAMPLING, VECTOR_COPIES = 1.5, 2.5  # of a union: it, its projection, and what it is chosen from
LAPTOP = {"cores": 4, "memory_gib": MACHINE_GIB, "disk_gib": 500.0}
TREE_BANK = 16_384  # patches of a bank from a tree of unions, at most: `block_size // fan_in` of 32,768 and 2
STEPS = ("extraction", "pictures", "blocks", "union", "choice", "search", "tree_search")


def constants(results: dict[str, Any]) -> dict[str, float]:
    """Return what one strip costs, from the fits that were measured.

    Parameters
    ----------
    results : dict
        Content of the results file, with the parts "fits" and "search".

    Returns
    -------
    dict
        CPU seconds, patches and picture bytes of a strip. Bytes of a vector with all branches. Nanoseconds of the last
        choice, divided by the square of the union's size. Nanoseconds of a search, divided by queries and vectors, for
        as many channels as the banks of the detector have in all. All are from the processor of the search.
    """
    search = results["search"]
    fits = [row for row in results["fits"] if row["processor"] == search["processor"]]
    alone = [row for row in fits if row["workers"] == min(other["workers"] for other in fits)]
    largest = max(alone, key=lambda row: row["strips"])
    with_pictures = max(fits, key=lambda row: row["picture_bytes"])
    union = OVERSAMPLING * largest["kept"]
    searched = search["queries"] * search["vectors"] * search["channels"]
    return {
        "cpu_seconds": largest["block_cpu_seconds"] / largest["strips"],
        "patches": largest["patches"] / largest["strips"],
        "picture_bytes": with_pictures["picture_bytes"] / with_pictures["strips"],
        "vector_bytes": largest["union_bytes"] / union,
        "choice_nanoseconds": 1e9 * largest["last_choice_seconds"] / union**2,
        "search_nanoseconds": 1e9 * search["index"]["seconds"] / searched * largest["channels"],
    }


def bill(results: dict[str, Any], machine: dict[str, float] = LAPTOP) -> dict[str, Any]:
    """Calculate what each step needs for a mill, with AITEX's coreset ratio, and which step breaks first.

    Parameters
    ----------
    results : dict
        Content of the results file, with the parts "fits" and "search".
    machine : dict
        Cores, memory and disk of one machine.

    Returns
    -------
    dict
        The constants, and the needs of each step for each size. For each step the strips per day up to which one
        machine suffices, and the steps in the order in which they break.

    Notes
    -----
    Extraction is linear in the strips, and needs as many cores as it has CPU seconds in the seconds of a day. The union
    of all block coresets must fit into memory, and its greedy choice grows with its square. The search of one strip's
    patches grows with the bank, so a day's searches grow with the square of the strips too. The bank of a tree of
    unions does not grow. The samples of the position-wise normalisation, about 1 MB each, are left out: their number
    grows with the logarithm of the strips.
    """
    measured = constants(results)
    ratio = results.get("ratio", 0.01)

    def needs(strips: float) -> dict[str, float]:
        patches = strips * measured["patches"]
        union = OVERSAMPLING * ratio * patches
        return {
            "extraction": strips * measured["cpu_seconds"] / DAY,  # cores
            "pictures": strips * measured["picture_bytes"] / 2**30,  # GiB on the disk
            "blocks": union * measured["vector_bytes"] / 2**30,  # GiB on the disk
            "union": VECTOR_COPIES * union * measured["vector_bytes"] / 2**30,  # GiB in memory
            "choice": union**2 * measured["choice_nanoseconds"] / 1e9 / DAY,  # days
            "search": patches * ratio * patches * measured["search_nanoseconds"] / 1e9 / DAY,  # cores
            "tree_search": patches * TREE_BANK * measured["search_nanoseconds"] / 1e9 / DAY,  # cores
        }

    limits = {
        "extraction": machine["cores"],
        "pictures": machine["disk_gib"],
        "blocks": machine["disk_gib"],
        "union": machine["memory_gib"],
        "choice": 1.0,
        "search": machine["cores"],
        "tree_search": machine["cores"],
    }
    powers = {name: 2 if name in ("choice", "search") else 1 for name in STEPS}
    one = needs(1.0)
    breaks = {name: (limits[name] / one[name]) ** (1 / powers[name]) if one[name] else float("inf") for name in STEPS}
    return {
        "constants": measured,
        "machine": machine,
        "sizes": {name: {"strips": strips, **needs(strips)} for name, strips in SIZES.items()},
        "breaks_at_strips": breaks,
        "order": sorted(STEPS, key=breaks.__getitem__),
    }


def in_one_memory(whole: Sequence[dict[str, Any]], strips: int, kept: int) -> dict[str, float]:
    """Extrapolate what a fit with all patches in one memory needs, from fits on few strips.

    Parameters
    ----------
    whole : sequence of dict
        Fits with `strips`, `kept`, `seconds` and `peak_gib`; two at least.
    strips, kept : int
        Strips to fit on, and patches to keep.

    Returns
    -------
    dict
        `seconds` and `peak_gib`.

    Notes
    -----
    Extraction takes a time in proportion to the strips. Each choice of a patch updates the distances of all patches, so
    the greedy coreset takes a time in proportion to strips times kept patches. Memory grows with the strips.

    Examples
    --------
    >>> fit = lambda n, kept: {"strips": n, "kept": kept, "seconds": 2 * n + 0.1 * n * kept, "peak_gib": 1 + n / 4}
    >>> found = in_one_memory([fit(4, 10), fit(8, 20), fit(16, 40)], 100, 50)
    >>> {name: round(value, 3) for name, value in found.items()}
    {'seconds': 700.0, 'peak_gib': 26.0}
    """
    measured = np.array([(row["strips"], row["strips"] * row["kept"]) for row in whole], dtype=float)
    largest = measured.max(axis=0)
    costs, _ = nnls(measured / largest, np.array([row["seconds"] for row in whole]))
    slope, base = np.polyfit([row["strips"] for row in whole], [row["peak_gib"] for row in whole], 1)
    seconds = float(costs @ (np.array([strips, strips * kept]) / largest))
    return {"seconds": seconds, "peak_gib": float(base + slope * strips)}


def per_strip(fit: dict[str, Any]) -> float:
    """Return the time of a fit per strip, in units of the extraction of one strip alone on one thread.

    Parameters
    ----------
    fit : dict
        Fit with `seconds`, `strips` and `strip_seconds`.

    Returns
    -------
    float
        It depends less on the pace of the machine than the seconds do.

    Examples
    --------
    >>> per_strip({"seconds": 300.0, "strips": 100, "strip_seconds": 2.0})
    1.5
    """
    return fit["seconds"] / fit["strips"] / fit["strip_seconds"]


def is_alike(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Return whether two fits have the same size and ran on the same kind of processor.

    Parameters
    ----------
    one, other : dict
        Fits with `times` and `processor`.

    Returns
    -------
    bool
    """
    return (one["times"], one["processor"]) == (other["times"], other["processor"])


def processor_name(row: dict[str, Any]) -> str:
    """Return the name of a fit's processor without its marks.

    Parameters
    ----------
    row : dict
        Fit with `processor`.

    Returns
    -------
    str

    Examples
    --------
    >>> processor_name({"processor": "Intel(R) Xeon(R) Processor"})
    'Intel Xeon'
    """
    return row["processor"].replace("(R)", "").removesuffix(" Processor")


def fits_table() -> str:
    """Make the table of fits by size and number of workers, beside a fit with all patches in one memory.

    Returns
    -------
    str
    """
    rows = []
    results = read_results("scale")
    fits = results["fits"]
    for row, after in zip(fits, [*fits[1:], None], strict=True):
        group = [r for r in fits if is_alike(r, row)]
        one = next((r for r in group if r["workers"] == 1), None)
        moved = (row["union_bytes"] + row["sample_bytes"] + row["picture_bytes"]) / 2**30
        speed = per_strip(one) / per_strip(row) if one else None
        rows.append(
            [
                f"{row['times']} ({row['strips']:,} strips)",
                processor_name(row),
                f"{row['workers']} ({row['engine']})" if row["workers"] else "one process",
                f"{row['seconds']:.0f}",
                f"{per_strip(row):.2f}",
                f"{row['cpu_seconds']:.0f}",
                f"{speed:.2f}" if speed else "–",
                f"{row['largest_gib']:.2f}",
                f"{row['total_gib']:.2f}",
                f"{moved:.2f}",
                f"{row['network_bytes'] / 2**20:.1f}" if row["network_bytes"] else "–",
                {True: "yes", False: "no", None: "not compared"}[row["equal"]],
            ]
        )
        few = [fit for fit in results["whole"] if fit["processor"] == row["processor"]]
        if few and (after is None or not is_alike(after, row)):
            whole = in_one_memory(few, row["strips"], row["kept"])
            ratio = f"{one['seconds'] / whole['seconds']:.2f}" if one else "–"
            peak = f"{whole['peak_gib']:.1f}"
            label = "all patches in one memory, extrapolated"
            rows.append([*rows[-1][:2], label, f"{whole['seconds']:.0f}", "–", "–", ratio, peak, peak, *"–––"])
    head = ["AITEX's size times", "processor", "workers", "seconds", "per strip, over its extraction", "CPU seconds"]
    head += ["speed over one worker", "peak GiB per process"]
    return markdown_table([*head, "peak GiB in all", "GiB in files", "MiB over the network", "same result"], rows)


def quality_table() -> str:
    """Make the table of covering radius and AUROC of blocks and of a tree against a single coreset.

    Returns
    -------
    str
    """
    quality = read_results("scale")["quality"]
    single = quality["single"]
    labels = {"single": "one coreset of all patches", "blocks": "coreset of blocks", "tree": "tree of unions"}
    rows = [
        [
            labels[name],
            f"{found['bound'] / single['bound']:.2f}",
            f"{found['largest_distance'] / single['largest_distance']:.2f}",
            f"{found['mean_distance'] / single['mean_distance']:.2f}",
            f"{found['tile_auroc']:.3f}",
        ]
        for name, found in quality.items()
    ]
    head = ["coreset", "bound on the covering radius", "largest distance", "mean distance", "tile AUROC"]
    return markdown_table(head, rows)


def search_table() -> str:
    """Make the table of searches among many vectors.

    Returns
    -------
    str
    """
    search = read_results("scale")["search"]
    index = search["index"]
    rows = [["one exact index", f"{index['first_seconds']:.2f}", f"{index['seconds']:.2f}", "exact"]]
    for name in sorted(key for key in search if key.startswith("shards_")):
        workers = name.split("_")[1]
        label = f"{search['shards']} shards, {workers} worker{'s' if workers != '1' else ''}"
        times = [f"{search[name][key]:.2f}" for key in ("first_seconds", "seconds")]
        rows.append([label, *times, "equal" if search[name]["equal"] else "differs"])
    for row in search["disk"]["rows"]:
        label = f"lists on disk, {row['nprobe']} of {search['disk']['nlist']:,} cells"
        rows.append([label, "–", f"{row['seconds']:.2f}", f"{row['recall']:.4f}"])
    queries = f"seconds for {search['queries']:,} queries"
    return markdown_table(["search", f"{queries}, first", f"{queries}, again", "recall@1"], rows)


def bill_table() -> str:
    """Make the table of what each step needs for a mill.

    Returns
    -------
    str
    """
    found = read_results("scale")["bill"]
    units = {
        "extraction": "cores for extraction",
        "pictures": "GiB of pictures of the day",
        "blocks": "GiB of block coresets",
        "union": "GiB of memory for the union",
        "choice": "days for the last choice",
        "search": "cores for the search of each day's strips",
        "tree_search": "cores for this search in the bank of a tree",
    }
    rows = [
        [unit, *(_short(size[name]) for size in found["sizes"].values()), _short(found["breaks_at_strips"][name])]
        for name, unit in units.items()
    ]
    head = ["need", *found["sizes"], "one machine suffices up to (strips per day)"]
    return markdown_table(head, rows)


def _short(value: float) -> str:
    """Return three significant digits, without powers of ten for large numbers."""
    return f"{float(f'{value:.3g}'):,.0f}" if value >= 100 else f"{value:.3g}"


TABLES = {
    "scale_fits": fits_table,
    "scale_quality": quality_table,
    "scale_search": search_table,
    "scale_bill": bill_table,
}
