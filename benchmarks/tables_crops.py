"""The table of the benchmark `crops`."""

from __future__ import annotations

from results_files import read_results
from tables_format import markdown_table

EXACT = "exact"
SHOWN = {"ours": "ours", "paper": "the paper's recipe"}


def losses(results: dict, detector: str, crop: str) -> dict[str, float]:
    """Return how much tile AUROC an inexact crop costs on each fabric.

    Parameters
    ----------
    results : dict
        Content of the results file.
    detector, crop : str
        Keys of the results.

    Returns
    -------
    dict of str to float
        By fabric: tile AUROC with the exact crop minus tile AUROC with `crop`.
    """
    exact, inexact = (results[detector][key]["fabrics"] for key in (EXACT, crop))
    return {fabric: exact[fabric]["tile_auroc"] - inexact[fabric]["tile_auroc"] for fabric in exact}


def crops_table() -> str:
    """Make the table of tile AUROC by crop, with the largest loss on any fabric.

    Returns
    -------
    str
    """
    results = read_results("crops")
    rows = []
    for crop in results["ours"]:
        row = [crop]
        for detector in SHOWN:
            means, lost = results[detector][crop]["mean"], losses(results, detector, crop)
            worst = max(lost, key=lost.get)
            row += [f"{means['tile_auroc']:.3f}", "" if crop == EXACT else f"{lost[worst]:.3f} ({worst})"]
        rows.append([*row, f"{results['ours'][crop]['mean']['pixel_ap']:.3f}"])
    head = [label for shown in SHOWN.values() for label in (f"tile AUROC, {shown}", "largest loss on a fabric")]
    return markdown_table(["crop", *head, "pixel AP, ours"], rows)


TABLES = {"crops": crops_table}
