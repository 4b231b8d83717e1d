"""Tables of the benchmark `speed`, and the caption of its figure."""

from __future__ import annotations

import textwrap
from typing import Any

from results_files import read_results
from tables_ablation import DEFAULTS
from tables_format import markdown_table

SAMPLERS = {"anomalib": "anomalib", "reference": "one pass per choice", "ours": "ours"}


def coreset_curves(rows: list[dict[str, Any]]) -> dict[str, list[tuple[int, float]]]:
    """Return how the time of coreset sampling grows, for each implementation that was timed.

    Parameters
    ----------
    rows : list of dict
        Part "coreset" of the results file.

    Returns
    -------
    dict of str to list of (int, float)
        By label: number of patches and seconds.
    """
    curves = {label: [(row["patches"], row[name]) for row in rows if name in row] for name, label in SAMPLERS.items()}
    return {label: curve for label, curve in curves.items() if curve}


def coreset_caption(rows: list[dict[str, Any]]) -> str:
    """Describe the figure of the time of coreset sampling.

    Parameters
    ----------
    rows : list of dict
        Part "coreset" of the results file.

    Returns
    -------
    str
    """

    def shown(seconds: float) -> str:
        return f"{seconds:.2g}" if seconds < 10 else f"{seconds:,.0f}"

    ends = [f"{label} {shown(c[0][1])} to {shown(c[-1][1])} s" for label, c in coreset_curves(rows).items()]
    span = f"{rows[0]['patches'] // 1000} to {rows[-1]['patches'] // 1000} thousand patches"
    return f"Seconds of coreset sampling from {span}, both axes logarithmic: {'; '.join(ends)}."


def coreset_table() -> str:
    """Make the table of coreset sampling by number of patches, below its figure.

    Returns
    -------
    str
    """
    measured = read_results("speed")["coreset"]
    rows = []
    for row in measured:
        cells = [f"{row['patches']:,}", f"{row['chosen']:,}", f"{row['ours']:.2f} s"]
        for name in ("reference", "anomalib"):
            cells.append(f"{row[name]:.1f} s, {row[name] / row['ours']:.1f} times" if name in row else "–")
        rows.append(cells)
    table = markdown_table(["patches", "coreset", "ours", "one pass per choice", "anomalib"], rows)
    return f"![{coreset_caption(measured)}](images/speed.png)\n\n{table}"


def model_table() -> str:
    """Make the table of fit and prediction with the recipe of the paper, and of a fit on as many strips as AITEX has.

    Returns
    -------
    str
    """
    results = read_results("speed")
    model, strip, whole = results["model"], results["strip"], results["whole"]

    def with_ratio(ours: float, other: float | None, unit: str) -> str:
        return "–" if other is None else f"{other:.3g} {unit}, {other / ours:.1f} times"

    tile, batch = model["tile_ms"], model["backbone_by_eight_ms"]
    fit_ratio = with_ratio(model["fit_seconds"], model.get("anomalib_fit_seconds"), "s")
    rows = [
        ["fit", f"{model['fit_seconds']:.2f} s", fit_ratio],
        ["prediction per tile", f"{tile:.0f} ms", with_ratio(tile, model.get("anomalib_tile_ms"), "ms")],
        ["backbone alone, tile by tile", f"{model['backbone_ms']:.0f} ms", ""],
        [
            "exact search alone",
            f"{model['search_ms']:.1f} ms (FAISS's flat index: {model['search_faiss_ms']:.1f} ms)",
            "",
        ],
        [
            "backbone alone, eight tiles at once",
            f"{batch:.0f} ms per tile. The whole prediction, tile by tile, takes {tile / batch:.2f} times as long",
            "",
        ],
        [
            f"prediction per strip with our defaults, coreset of {strip['kept']:,} patches",
            f"{strip['strip']:.2f} s (backbone alone {strip['backbone']:.2f} s)",
            "",
        ],
        [f"fit on {whole['strips']} strips, {whole['limit_gib']:g} GiB for patches", f"{whole['seconds']} s", ""],
        ["peak memory of this fit", f"{whole['peak_gib']:.2f} GiB", ""],
        ["fit on 10 times as many strips, extrapolated", f"{whole['seconds_ten_times'] / 60:.0f} minutes", ""],
    ]
    return markdown_table(["", "ours", "anomalib"], rows)


def anomalib_takes(name: str, *times: tuple[float | None, str]) -> str:
    """State the times of anomalib in a sentence, or nothing if one of them was not measured.

    Parameters
    ----------
    name : str
        Name of anomalib, first in the sentence.
    *times : tuple of (float or None, str)
        Times and their units, at least two.

    Returns
    -------
    str

    Examples
    --------
    >>> anomalib_takes("anomalib 2.7", (68.6, "s"), (64.3, "ms"), (1490.2, "s"))
    'anomalib 2.7 takes 69 s, 64 ms and 1,490 s.'
    >>> anomalib_takes("anomalib", (68.6, "s"), (None, "ms"))
    ''
    """
    measured = [f"{value:,.0f} {unit}" for value, unit in times if value is not None]
    if len(measured) < len(times):
        return ""
    return f"{name} takes {', '.join(measured[:-1])} and {measured[-1]}."


def speed_in_words() -> str:
    """State how fast ours is, and how fast anomalib is if it was timed.

    Returns
    -------
    str
    """
    results = read_results("speed")
    cost = read_results("accuracy_b")["detectors"]["ours"]["milliseconds_a_tile"]
    demos = read_results("demo_aitex").values()
    model, strip = results["model"], results["strip"]
    row = next(row for row in results["coreset"] if row["patches"] == 200_000)
    per_strip = [demo["seconds"]["score"] / demo["strips_tested"] for demo in demos]
    kept = [demo["patches_kept"] for demo in demos]
    fit, tile = (model.get(f"anomalib_{name}") for name in ("fit_seconds", "tile_ms"))
    paper = (
        "The machine has two cores and no GPU. The first times are for the paper's recipe at 320 px. "
        f"Our detector fits {model['tiles']} tiles in {model['fit_seconds']:.2f} s, predicts a tile in "
        f"{model['tile_ms']:.0f} ms, and chooses {row['chosen']:,} of {row['patches']:,} patches in "
        f"{row['ours']:.1f} s."
    )
    anomalib = anomalib_takes("anomalib 2.7", (fit, "s"), (tile, "ms"), (row.get("anomalib"), "s"))
    others = (
        f"With one pass over all patches per choice, the same coreset takes {row['reference']:.0f} s. "
        f"On AITEX, our defaults take {cost['ours']:.0f} ms for a tile and {min(per_strip):.0f} to "
        f"{max(per_strip):.0f} s for a whole strip. The practice strip in the table below takes {strip['strip']:.2f} "
        f"s, with a smaller coreset per branch: {strip['kept']:,} patches instead of {min(kept):,} to {max(kept):,}."
    )
    return textwrap.fill(" ".join(filter(None, (paper, anomalib, others))), 150) + "\n"


def backbones_table() -> str:
    """Make the table of what each bundled backbone costs and brings, with our defaults.

    Returns
    -------
    str
    """
    costs, measured = read_results("speed")["backbones"], read_results("ablation")
    rows = []
    for name, cost in costs.items():
        means = measured["B"][name]["mean"]
        label = "efficientnet_lite0, our defaults" if name == DEFAULTS else name
        label = f"efficientnet_lite0, {name}" if "efficientnet" not in label else label
        rows.append(
            [
                label,
                f"{cost['weights_mb']:.0f} MB",
                f"{cost['fit_seconds']:.1f} s",
                f"{cost['tile_ms']:.0f} ms",
                f"{cost['tile_ms'] / costs[DEFAULTS]['tile_ms']:.2f}",
                *(f"{means[measure]:.3f}" for measure in ("tile_auroc", "pixel_auroc", "pixel_ap")),
            ]
        )
    head = ["", "weights", "fit of 30 tiles", "tile", "relative to our defaults", "tile AUROC"]
    return markdown_table([*head, "pixel AUROC", "pixel AP"], rows)


TABLES = {
    "speed_backbones": backbones_table,
    "speed": coreset_table,
    "speed_model": model_table,
    "speed_in_words": speed_in_words,
}
