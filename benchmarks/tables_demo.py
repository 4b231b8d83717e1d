"""Tables of the benchmark `demo`."""

from __future__ import annotations

import functools
from statistics import mean

from results_files import read_results
from tables_format import markdown_table

MEASURES = {
    "tile_auroc_c1": "tile AUROC, C1",
    "tile_auroc_c2": "C2",
    "strip_auroc": "strip AUROC",
    "pixel_auroc": "pixel AUROC",
    "pixel_ap": "pixel AP",
    "aupro_0.3": "AUPRO 0.3",
}


def demo_table(name: str) -> str:
    """Make the table of the demo's measures by fabric, and their means.

    Parameters
    ----------
    name : str
        Name of the results file.

    Returns
    -------
    str
    """
    results = read_results(name)
    rows = []
    for fabric, measures in results.items():
        cells = [f"{measures[key]:.3f}" for key in MEASURES]
        for i, key in enumerate(MEASURES):
            if f"{key}_interval" in measures:
                cells[i] += " ({:.3f}–{:.3f})".format(*measures[f"{key}_interval"])
        rows.append([fabric, *cells, f"{measures['peak_memory_mib'] / 1024:.1f} GiB"])
    means = [f"**{mean(measures[key] for measures in results.values()):.3f}**" for key in MEASURES]
    return markdown_table(["fabric", *MEASURES.values(), "memory"], [*rows, ["mean", *means, ""]])


def missed_table(name: str) -> str:
    """Make the table of the defective tiles that the demo misses most clearly.

    Parameters
    ----------
    name : str
        Name of the results file.

    Returns
    -------
    str
    """
    rows = [
        [
            tile["strip"],
            tile["defect"],
            f"{tile['column']} to {tile['column'] + 255}",
            f"{tile['normals_above']:.0%}",
        ]
        for measures in read_results(name).values()
        for tile in measures["missed"]
    ]
    return markdown_table(["strip", "defect", "columns", "clean tiles that score higher"], rows)


TABLES = {
    "demo_aitex": functools.partial(demo_table, "demo_aitex"),
    "demo_practice": functools.partial(demo_table, "demo_practice"),
    "missed": functools.partial(missed_table, "demo_aitex"),
}
