"""The tables of the benchmark `inspection`."""

from __future__ import annotations

from results_files import read_results
from tables_format import markdown_table


def promise_table() -> str:
    """Make the table of promised and realised false-alarm rate.

    Returns
    -------
    str
    """
    measured = read_results("inspection")["promise"]
    low, high = measured["interval"]
    head = [
        "fabric",
        "pictures fitted",
        "held out",
        "new",
        "splits",
        "promised",
        "realised (95 %)",
        "lowest",
        "highest",
    ]
    counts = [str(measured[name]) for name in ("fitted", "held_out", "new")]
    rates = measured["rates"]
    realised = f"{100 * measured['realised']:.1f} % ({100 * low:.1f} to {100 * high:.1f})"
    row = [measured["fabric"], *counts, str(len(rates)), f"{100 * measured['promised']:g} %", realised]
    return markdown_table(head, [[*row, f"{100 * min(rates):.1f} %", f"{100 * max(rates):.1f} %"]])


def colour_table() -> str:
    """Make the table of stains of another hue.

    Returns
    -------
    str
    """
    measured = read_results("inspection")["colour"]
    rows = [[name, f"{measured[key]:.3f}"] for name, key in (("colour", "colour"), ("grey", "grey"))]
    return markdown_table(["pictures judged in", "AUROC"], rows)


def size_table() -> str:
    """Make the table of seconds and memory of many large pictures.

    Returns
    -------
    str
    """
    measured = read_results("inspection")["size"]
    seconds, counts = measured["seconds"], [str(measured["good"]), str(measured["judged"])]
    others = sum(seconds.values()) - seconds["fit"] - seconds["judge"]
    rows = [["`inspect`", *counts, *_costs(seconds["fit"], seconds["judge"], others, measured["peak_gib"])]]
    for one in measured["anomalib"]:
        name = f"anomalib, resized to {one['size']} px, ratio {100 * one['coreset_ratio']:g} %"
        costs = _costs(one["seconds"]["fit"], one["seconds"]["predict"], None, one["peak_gib"])
        rows.append([name, *counts, *costs])
    head = ["detector", "good pictures", "judged", "fit", "judge", "checks and threshold", "peak memory"]
    return markdown_table(head, rows)


def _costs(fit: float, judge: float, others: float | None, peak: float) -> list[str]:
    return [f"{fit:.0f} s", f"{judge:.0f} s", "" if others is None else f"{others:.0f} s", f"{peak:.1f} GiB"]


TABLES = {"inspection_promise": promise_table, "inspection_colour": colour_table, "inspection_size": size_table}
