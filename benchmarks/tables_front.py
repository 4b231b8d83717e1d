"""The results on the front page: accuracy with a split by strip, and speed."""

from __future__ import annotations

import textwrap

from results_files import read_results
from tables_accuracy import DETECTORS
from tables_format import markdown_table, value_with_interval
from tables_speed import anomalib_takes

MEANS = {
    "mean": "mean over four fabrics of AITEX",
    "mean_confirming": "fabrics 03 and 06 only, to confirm the choices",
}


def front_table() -> str:
    """Make the table of tile AUROC (C1) of each detector, with sentences on speed below it.

    Returns
    -------
    str
    """
    detectors = read_results("accuracy_c")["detectors"]
    rows = [
        [label, *(value_with_interval(detectors.get(name, {}).get(key, {}), "tile_auroc") for name in DETECTORS)]
        for key, label in MEANS.items()
    ]
    table = markdown_table(["tile AUROC, split by strip", *DETECTORS.values()], rows)
    return f"{table}\n{speed_sentence()}"


def speed_sentence() -> str:
    """State how long ours and anomalib take with the paper's recipe, and on which processor.

    Returns
    -------
    str
    """
    results = read_results("speed")
    model, machine = results["model"], results["machine"]
    processor = f"{machine['cores']} cores" + (" with fast bfloat16" if machine["has_fast_bf16"] else "")
    fit, tile = (model.get(f"anomalib_{name}") for name in ("fit_seconds", "tile_ms"))
    ours = (
        f"These times are for the paper's recipe on {processor}. Our detector fits {model['tiles']} tiles in "
        f"{model['fit_seconds']:.2f} s and predicts a tile in {model['tile_ms']:.0f} ms."
    )
    anomalib = anomalib_takes("anomalib", (fit, "s"), (tile, "ms"))
    return textwrap.fill(f"{ours} {anomalib}".rstrip(), 150) + "\n"


TABLES = {"front_page": front_table}
