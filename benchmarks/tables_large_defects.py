"""The table of `results/large_defects.json`: large defects with and without background subtraction."""

from __future__ import annotations

from results_files import read_results
from tables_format import markdown_table


def large_defects_table() -> str:
    """Make the table of tile AUROC and strip AUROC by kind of defect, means over the weaves.

    Returns
    -------
    str
    """
    mean = read_results("large_defects")["mean"]
    kinds = next(iter(mean.values()))
    rows = [
        [kind, *(f"{mean[name][kind][measure]:.3f}" for measure in ("tile_auroc", "strip_auroc") for name in mean)]
        for kind in kinds
    ]
    head = [f"{measure}, {name}" for measure in ("tile AUROC", "strip AUROC") for name in mean]
    return markdown_table(["large defect", *head], rows)


TABLES = {"large_defects": large_defects_table}
