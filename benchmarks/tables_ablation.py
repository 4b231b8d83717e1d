"""The table of the benchmark `ablation`, and the caption of its figure."""

from __future__ import annotations

from typing import Any

from results_files import read_results
from tables_format import difference_with_interval, markdown_table

DEFAULTS = "our defaults"
COMPARED = {"B": "tile_auroc", "C": "tile_auroc_c2"}  # the measure of each protocol's differences


def ablation_rows(results: dict[str, Any]) -> list[tuple[str, list[float]]]:
    """Return the differences (choice - defaults), from the worst choice to the best.

    Parameters
    ----------
    results : dict
        Content of the results file.

    Returns
    -------
    list of (str, list of float)
        Name of the choice with its protocol; difference, low and high end of its interval.
    """
    labels = {"B": "B", "C": "C2"}
    rows = [
        (f"{name} ({labels[protocol]})", choice["minus_ours"][measure])
        for protocol, measure in COMPARED.items()
        for name, choice in results[protocol].items()
        if name != DEFAULTS
    ]
    return sorted(rows, key=lambda row: row[1][0])


def ablation_caption(results: dict[str, Any]) -> str:
    """Describe the figure of the ablation.

    Parameters
    ----------
    results : dict
        Content of the results file.

    Returns
    -------
    str
    """
    listed = "; ".join(f"{name} {difference:+.3f}" for name, (difference, _, _) in ablation_rows(results))
    return f"Tile AUROC of each choice minus our defaults, with 95 % intervals over strips: {listed}."


def ablation_table() -> str:
    """Make the table of the ablation, below its figure.

    Returns
    -------
    str
    """
    results = read_results("ablation")
    rows = []
    for protocol, measure in COMPARED.items():
        for name, choice in results[protocol].items():
            means = choice["mean"]
            difference = "" if name == DEFAULTS else difference_with_interval(choice["minus_ours"][measure])
            c2 = f"{means['tile_auroc_c2']:.3f}" if protocol == "C" else ""
            pixels = [f"{means[name]:.3f}" for name in ("pixel_auroc", "pixel_ap")]
            rows.append([protocol, name, f"{means['tile_auroc']:.3f}", c2, difference, *pixels])
    head = ["protocol", "choice", "tile AUROC", "C2", "difference (choice - our defaults), in C2 for protocol C"]
    table = markdown_table([*head, "pixel AUROC", "pixel AP"], rows)
    return f"![{ablation_caption(results)}](images/ablation.png)\n\n{table}"


TABLES = {"ablation": ablation_table}
