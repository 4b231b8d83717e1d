"""The tables of the benchmark `scale`, and its calculation for a mill."""

from __future__ import annotations

from typing import Any

from results_files import read_results
from tables_format import markdown_table

MILL_STRIPS = 100 * 4 * 60 * 24  # 100 looms, 4 strips a minute each, in a day
SIZES = {"AITEX": 247, "100 looms, a day": MILL_STRIPS, "a million strips": 1_000_000}
DAY, MACHINE_GIB = 86_400, 16.0
OVERSAMPLING, VECTOR_COPIES = 1.5, 2.5  # of a union: it, its projection, and what it is chosen from
LAPTOP = {"cores": 4, "memory_gib": MACHINE_GIB, "disk_gib": 500.0}
STEPS = ("extraction", "pictures", "blocks", "union", "choice", "search")


def constants(results: dict[str, Any]) -> dict[str, float]:
    """Return what one strip costs, from the fits that were measured.

    Parameters
    ----------
    results : dict
        Content of the results file, with the parts "fits" and "search".

    Returns
    -------
    dict
        CPU seconds, patches and picture bytes of a strip. Bytes of a vector with all branches. Seconds of the last
        choice, divided by the square of the union's size. Seconds of a search, divided by queries and vectors.
    """
    alone = [row for row in results["fits"] if row["workers"] == min(r["workers"] for r in results["fits"])]
    largest = max(alone, key=lambda row: row["strips"])
    with_pictures = max(results["fits"], key=lambda row: row["picture_bytes"])
    union = OVERSAMPLING * largest["kept"]
    search = results["search"]
    return {
        "cpu_seconds": largest["block_cpu_seconds"] / largest["strips"],
        "patches": largest["patches"] / largest["strips"],
        "picture_bytes": with_pictures["picture_bytes"] / with_pictures["strips"],
        "vector_bytes": largest["block_bytes"] / union,
        "choice_seconds": largest["last_choice_seconds"] / union**2,
        "search_seconds": search["index"]["seconds"] / (search["queries"] * search["vectors"]),
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
    patches grows with the bank, so a day's searches grow with the square of the strips too.
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
            "choice": union**2 * measured["choice_seconds"] / DAY,  # days
            "search": patches * ratio * patches * measured["search_seconds"] / DAY,  # cores
        }

    limits = {
        "extraction": machine["cores"],
        "pictures": machine["disk_gib"],
        "blocks": machine["disk_gib"],
        "union": machine["memory_gib"],
        "choice": 1.0,
        "search": machine["cores"],
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


def fits_table() -> str:
    """Make the table of fits by size and number of workers.

    Returns
    -------
    str
    """
    rows = []
    fits = read_results("scale")["fits"]
    for row in fits:
        one = next((r for r in fits if (r["times"], r["workers"]) == (row["times"], 1)), None)
        moved = (row["block_bytes"] + row["picture_bytes"]) / 2**30
        rows.append(
            [
                f"{row['times']} ({row['strips']:,} strips)",
                f"{row['workers']} ({row['engine']})" if row["workers"] else "one process",
                f"{row['seconds']:.0f}",
                f"{row['cpu_seconds']:.0f}",
                f"{one['seconds'] / row['seconds']:.2f}" if one else "–",
                f"{row['largest_gib']:.2f}",
                f"{row['total_gib']:.2f}",
                f"{moved:.2f}",
                {True: "yes", False: "no", None: "not compared"}[row["equal"]],
            ]
        )
    head = ["AITEX's size times", "workers", "seconds", "CPU seconds", "speed over one worker", "peak GiB per process"]
    return markdown_table([*head, "peak GiB in all", "GiB in files", "same result"], rows)


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
    rows = [["one exact index", f"{search['index']['seconds']:.2f}", "1.000"]]
    for name in sorted(key for key in search if key.startswith("shards_")):
        workers = name.split("_")[1]
        label = f"{search['shards']} shards, {workers} worker{'s' if workers != '1' else ''}"
        rows.append([label, f"{search[name]['seconds']:.2f}", "1.000" if search[name]["equal"] else "differs"])
    for row in search["disk"]["rows"]:
        label = f"lists on disk, {row['nprobe']} of {search['disk']['nlist']:,} cells"
        rows.append([label, f"{row['seconds']:.2f}", f"{row['recall']:.3f}"])
    return markdown_table(["search", f"seconds for {search['queries']:,} queries", "recall@1"], rows)


def bill_table() -> str:
    """Make the table of what each step needs for a mill.

    Returns
    -------
    str
    """
    found = read_results("scale")["bill"]
    units = {
        "extraction": "cores for extraction",
        "pictures": "GiB of pictures",
        "blocks": "GiB of block coresets",
        "union": "GiB of memory for the union",
        "choice": "days for the last choice",
        "search": "cores for the search of each day's strips",
    }
    rows = [
        [unit, *(f"{size[name]:,.3g}" for size in found["sizes"].values()), f"{found['breaks_at_strips'][name]:,.0f}"]
        for name, unit in units.items()
    ]
    head = ["need", *found["sizes"], "one machine suffices up to (strips per day)"]
    return markdown_table(head, rows)


TABLES = {
    "scale_fits": fits_table,
    "scale_quality": quality_table,
    "scale_search": search_table,
    "scale_bill": bill_table,
}
