"""Tables of the benchmark `demo`."""

from __future__ import annotations

import functools
from statistics import mean
from typing import Any

from results_files import read_results
from tables_format import markdown_table, value_with_interval

MEASURES = {
    "tile_auroc_c1": "tile AUROC, C1",
    "tile_auroc_c2": "C2",
    "strip_auroc": "strip AUROC",
    "pixel_auroc": "pixel AUROC",
    "pixel_ap": "pixel AP",
    "aupro_0.3": "AUPRO 0.3",
}


def demo_cell(measures: dict[str, Any], name: str) -> str:
    """Return a measure of the demo with its interval if it has one, or a dash if it was not measured.

    Parameters
    ----------
    measures : dict
        Measures and their intervals by name.
    name : str
        Name of the measure.

    Returns
    -------
    str

    Examples
    --------
    >>> demo_cell({"auroc": 0.97, "auroc_interval": [0.9, 1.0]}, "auroc")
    '0.970 (0.900–1.000)'
    >>> demo_cell({}, "auroc")
    '–'
    """
    return value_with_interval({**measures, "intervals": {name: measures.get(f"{name}_interval")}}, name)


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
        cells = [demo_cell(measures, key) for key in MEASURES]
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
            f"{100 * tile['normals_above']:.0f} %",
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
