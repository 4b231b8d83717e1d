"""Tables of accuracy, the ablation and speed, for `tables.py`, from their results files."""

from __future__ import annotations

import functools
from typing import Any

import tables

from aitex_utils.strips import DEFECTS

NAMES = {"ours": "ours", "paper": "the paper's recipe", "anomalib": "anomalib 2.7"}
EVERY_NAME = {**NAMES, "everywhere": "ours, fabric not looked for"}
MEASURES = {
    "tile_auroc": "tile AUROC",
    "tile_auroc_c2": "C2",
    "tile_ap": "tile AP",
    "tile_f1_max": "tile F1-max",
    "recall_at_1_percent": "recall at 1 %",
    "strip_auroc": "strip AUROC",
    "pixel_auroc": "pixel AUROC",
    "pixel_ap": "pixel AP",
    "pixel_f1_max": "pixel F1-max",
    "aupro_0.3": "AUPRO 0.3",
    "aupro_0.05": "AUPRO 0.05",
}


def figure_of(found: dict[str, Any], measure: str) -> str:
    """Return a figure with its interval, where it has one; a dash where it isn't there."""
    if found.get(measure) is None:
        return "–"
    low_high = found.get("intervals", {}).get(measure)
    return f"{found[measure]:.3f}" + (" ({:.3f}–{:.3f})".format(*low_high) if low_high else "")


def accuracy_table(protocol: str) -> str:
    """Means over fabrics of each detector, then ours by fabric, of one protocol."""
    detectors = tables.results(f"accuracy_{protocol.lower()}")["detectors"]
    keys = [key for key in MEASURES if detectors["ours"]["mean"].get(key) is not None]
    rows = []
    for name, of in detectors.items():
        rows += [[f"**{EVERY_NAME[name]}**, mean", *(figure_of(of["mean"], key) for key in keys)]]
        for part, told in (("mean_chosen", "chosen on, 00 and 02"), ("mean_confirming", "confirming, 03 and 06")):
            if part in of:
                rows += [[f"{EVERY_NAME[name]}, {told}", *(figure_of(of[part], key) for key in keys)]]
    if len(detectors["ours"]["fabrics"]) > 1:
        for name, of in detectors.items():
            rows += [
                [f"{EVERY_NAME[name]}, fabric {fabric}", *(figure_of(found, key) for key in keys)]
                for fabric, found in of["fabrics"].items()
            ]
    return tables.table(["detector", *(MEASURES[key] for key in keys)], rows)


def codes_table(protocol: str) -> str:
    """Tile AUROC and recall by defect, of ours and the paper's recipe, all fabrics together by their tiles."""
    detectors = tables.results(f"accuracy_{protocol.lower()}")["detectors"]
    found: dict[str, dict[str, list]] = {}
    for name in ("ours", "paper"):
        for of in detectors[name]["fabrics"].values():
            for code, figures in of["codes"].items():
                found.setdefault(code, {}).setdefault(name, []).append(figures)
    rows = []
    for code, by in sorted(found.items()):
        cells = [f"{code} {DEFECTS[code]}", str(sum(f["tiles"] for f in by["ours"]))]
        for key in ("tile_auroc", "recall_at_1_percent"):
            for name in ("ours", "paper"):
                known = [(f["tiles"], f[key]) for f in by[name] if f[key] is not None]
                tiles = sum(n for n, _ in known)
                cells.append(f"{sum(n * v for n, v in known) / tiles:.3f}" if tiles else "–")
        rows.append(cells)
    head = ["defect", "tiles", "tile AUROC, ours", "the paper's", "recall at 1 %, ours", "the paper's"]
    return tables.table(head, rows)


def differences_table() -> str:
    """What ours has over the others, in pairs: the middle and the interval of redrawn differences."""
    rows = []
    for protocol in "ABC":
        for other, of in tables.results(f"accuracy_{protocol.lower()}")["ours_minus"].items():
            for key in ("tile_auroc", "tile_auroc_c2", "pixel_auroc", "pixel_ap"):
                if key in of and (protocol == "C" or key != "tile_auroc_c2"):  # the same negatives elsewhere
                    rows.append(
                        [
                            protocol,
                            EVERY_NAME[other],
                            MEASURES[key].replace("C2", "tile AUROC, C2"),
                            "{:+.3f} ({:+.3f} to {:+.3f})".format(*of[key]),
                        ]
                    )
    return tables.table(["protocol", "ours minus", "figure", "difference"], rows)


def cost_sentence() -> str:
    """What a tile costs by protocol B."""
    of = tables.results("accuracy_b")["detectors"]["ours"]["milliseconds_a_tile"]
    times = f"{of['ours']:.0f} ms by our defaults and {of['paper']:.0f} ms by the paper's recipe at 320 px"
    return f"A tile takes {times}, measured in turn: {of['ratio']:.1f} times as long.\n"


def headline_table() -> str:
    """The README's: what each detector reaches by protocols A, B and C."""
    rows = []
    for protocol, key, told in (
        ("C", "tile_auroc", "by strip (C), clean tiles of normal strips"),
        ("C", "tile_auroc_c2", "by strip (C), all clean tiles"),
        ("C", "pixel_ap", "by strip (C), pixel AP"),
        ("B", "tile_auroc", "by tile (B)"),
        ("B", "pixel_auroc", "by tile (B), pixel AUROC"),
        ("A", "tile_auroc", "all fabrics as one, uncropped (A)"),
    ):
        detectors = tables.results(f"accuracy_{protocol.lower()}")["detectors"]
        rows.append([told, *(figure_of(detectors.get(name, {}).get("mean", {}), key) for name in NAMES)])
    return tables.table(["tile AUROC unless said", *NAMES.values()], rows)


def speed_table() -> str:
    """Coreset sampling by size: seconds, and how many times sooner ours is."""
    rows = []
    for of in tables.results("speed")["coreset"]:
        cells = [f"{of['patches']:,}", f"{of['chosen']:,}", f"{of['ours']:.2f} s"]
        for name in ("obvious", "anomalib"):
            cells.append(f"{of[name]:.1f} s, {of[name] / of['ours']:.1f} times" if name in of else "–")
        rows.append(cells)
    return tables.table(["patches", "chosen", "ours", "one pass a choice", "anomalib"], rows)


def model_table() -> str:
    """Fit and inference of 30 tiles at 320 px with a 10 % coreset, and the whole of AITEX's size."""
    found = tables.results("speed")
    of, whole = found["model"], found["whole"]
    peer = {name: of.get(f"anomalib_{name}") for name in ("fit", "tile")}

    def against(ours: float, theirs: float | None) -> str:
        return "–" if theirs is None else f"{theirs:.3g} s, {theirs / ours:.1f} times"

    rows = [
        ["fit", f"{of['fit']:.2f} s", against(of["fit"], peer["fit"])],
        ["a tile", f"{1000 * of['tile']:.0f} ms", against(of["tile"], peer["tile"])],
        ["of it the backbone alone", f"{1000 * of['backbone']:.0f} ms ({of['tile'] / of['backbone']:.2f} times)", ""],
        ["of it the exact search", f"{1000 * of['search']:.0f} ms", ""],
        [f"fit {whole['strips']} strips within {whole['limit_gib']:.0f} GiB", f"{whole['seconds']} s", ""],
        ["its peak memory", f"{whole['peak_gib']:.2f} GiB", ""],
    ]
    return tables.table(["", "ours", "anomalib"], rows)


def ablation_table() -> str:
    """The figure of the ablation and its numbers."""
    found = tables.results("ablation")
    figure = f"![{ablation_sentence(found)}](images/ablation.png)\n\n"
    rows = []
    for protocol, key in (("B", "tile_auroc"), ("C", "tile_auroc_c2")):
        for name, of in found[protocol].items():
            gap = "{:+.3f} ({:+.3f} to {:+.3f})".format(*of["minus_ours"][key])
            rows.append(
                [
                    "tile" if protocol == "B" else "strip",
                    name,
                    f"{of['mean'][key]:.3f}",
                    "" if name == "our defaults" else gap,
                    *(f"{of['mean'][k]:.3f}" for k in ("pixel_auroc", "pixel_ap")),
                ]
            )
    head = ["by", "choice", "tile AUROC (by strip: C2)", "minus our defaults", "pixel AUROC", "pixel AP"]
    return figure + tables.table(head, rows)


def ablation_rows(found: dict[str, Any]) -> list[tuple[str, list[float]]]:
    """Return each choice with its difference to ours as [middle, low, high], from the worst to the best."""
    rows = [(f"{name} (tile)", of["minus_ours"]["tile_auroc"]) for name, of in found["B"].items()]
    rows += [(f"{name} (strip, C2)", of["minus_ours"]["tile_auroc_c2"]) for name, of in found["C"].items()]
    return sorted((row for row in rows if "our defaults" not in row[0]), key=lambda row: row[1][0])


def ablation_sentence(found: dict[str, Any]) -> str:
    """The figure of the ablation in words."""
    listed = ", ".join(f"{name} {middle:+.3f}" for name, (middle, _, _) in ablation_rows(found))
    return f"Tile AUROC of each choice minus our defaults, with 95 % intervals over strips: {listed}."


TABLES = {
    **{f"accuracy_{p.lower()}": functools.partial(accuracy_table, p) for p in "ABC"},
    "accuracy_codes": lambda: codes_table("C"),
    "accuracy_differences": differences_table,
    "accuracy": headline_table,
    "accuracy_cost": cost_sentence,
    "ablation": ablation_table,
    "speed": speed_table,
    "speed_model": model_table,
}
