"""The table of the benchmark `crops`."""

from __future__ import annotations

from typing import Any

from results_files import read_results
from tables_format import markdown_table

EXACT = "exact"


def losses(crops: dict[str, Any], crop: str) -> dict[str, float]:
    """Return how much tile AUROC an inexact crop costs on each fabric.

    Parameters
    ----------
    crops : dict
        Part "crops" of the results file.
    crop : str
        One of its keys.

    Returns
    -------
    dict of str to float
        By fabric: tile AUROC with the exact crop minus tile AUROC with `crop`.
    """
    exact, inexact = crops[EXACT]["fabrics"], crops[crop]["fabrics"]
    return {fabric: exact[fabric]["tile_auroc"] - inexact[fabric]["tile_auroc"] for fabric in exact}


def crops_table() -> str:
    """Make the table of tile AUROC by crop and fabric, with the mean loss.

    Returns
    -------
    str
    """
    results = read_results("crops")
    crops, fabrics, rows = results["crops"], results["fabrics"], []
    for crop, measured in crops.items():
        lost = losses(crops, crop)
        cells = [f"{measured['fabrics'][fabric]['tile_auroc']:.3f}" for fabric in fabrics]
        loss = "" if crop == EXACT else f"{sum(lost.values()) / len(lost):+.3f}"
        rows.append(
            [crop, *cells, f"{measured['mean']['tile_auroc']:.3f}", loss, f"{measured['mean']['pixel_ap']:.3f}"]
        )
    head = ["crop", *(f"tile AUROC, fabric {fabric}" for fabric in fabrics), "mean", "mean loss", "pixel AP, mean"]
    return markdown_table(head, rows)


TABLES = {"crops": crops_table}
