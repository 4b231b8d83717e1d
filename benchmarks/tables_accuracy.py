"""Tables of the benchmark `accuracy`."""

from __future__ import annotations

import functools
from typing import Any

from results_files import read_results
from tables_format import difference_with_interval, markdown_table, value_with_interval

from aitex_utils.strips import DEFECTS

DETECTORS = {"ours": "ours", "paper": "the paper's recipe", "anomalib": "anomalib 2.7"}
ALL_DETECTORS = {**DETECTORS, "everywhere": "ours, without fabric region"}
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
SUBSETS = {"chosen": "fabrics 00 and 02 only", "confirming": "fabrics 03 and 06 only"}
HEADLINES = (
    ("C", "tile_auroc", "split by strip (C), clean tiles of normal strips"),
    ("C", "tile_auroc_c2", "split by strip (C), all clean tiles"),
    ("C", "pixel_ap", "split by strip (C), pixel AP"),
    ("B", "tile_auroc", "split by tile (B)"),
    ("B", "pixel_auroc", "split by tile (B), pixel AUROC"),
    ("A", "tile_auroc", "all fabrics pooled, uncropped (A)"),
)


def results_of(protocol: str) -> dict[str, Any]:
    """Read the results of a protocol.

    Parameters
    ----------
    protocol : {"A", "B", "C"}
        Protocol.

    Returns
    -------
    dict
    """
    return read_results(f"accuracy_{protocol.lower()}")


def protocol_table(protocol: str) -> str:
    """Make the table of all measures in one protocol: means over fabrics of each detector, then each fabric.

    Parameters
    ----------
    protocol : {"A", "B", "C"}
        Protocol.

    Returns
    -------
    str
    """
    detectors = results_of(protocol)["detectors"]
    names = [name for name in MEASURES if detectors["ours"]["mean"].get(name) is not None]

    def row(label: str, measures: dict[str, Any]) -> list[str]:
        return [label, *(value_with_interval(measures, name) for name in names)]

    rows = []
    for detector, results in detectors.items():
        label = ALL_DETECTORS[detector]
        rows.append(row(f"**{label}**, mean", results["mean"]))
        subsets = [(f"mean_{subset}", words) for subset, words in SUBSETS.items()]
        rows += [row(f"{label}, {words}", results[key]) for key, words in subsets if key in results]
    if len(detectors["ours"]["fabrics"]) > 1:
        for detector, results in detectors.items():
            label = ALL_DETECTORS[detector]
            rows += [row(f"{label}, fabric {fabric}", values) for fabric, values in results["fabrics"].items()]
    return markdown_table(["detector", *(MEASURES[name] for name in names)], rows)


def counts_table() -> str:
    """Make the table of how many strips and tiles of each fabric are tested.

    Returns
    -------
    str
    """
    results = results_of("C")
    rows = []
    for fabric, strips in results["strips"].items():
        measures = results["detectors"]["ours"]["fabrics"][fabric]
        counts = [len(strips["normal"]), len(strips["fitted"][0]), measures["clean_tiles"]]
        counts += [len(strips["defective"]), measures["defective_tiles"]]
        rows.append([fabric, *map(str, counts)])
    head = ["fabric", "normal strips", "training strips in C", "clean tiles of the other normal strips"]
    return markdown_table([*head, "defective strips", "defective tiles"], rows)


def codes_table(protocol: str = "C") -> str:
    """Make the table of the tile AUROC by defect, averaged over fabrics by their number of tiles.

    Parameters
    ----------
    protocol : {"A", "B", "C"}
        Protocol.

    Returns
    -------
    str
    """
    detectors = results_of(protocol)["detectors"]
    by_code: dict[str, dict[str, list[tuple[int, float]]]] = {}
    for name in ("ours", "paper"):
        for measures in detectors[name]["fabrics"].values():
            for code, of_code in measures["codes"].items():
                by_name = by_code.setdefault(code, {})
                by_name.setdefault(name, []).append((of_code["tiles"], of_code["tile_auroc"]))
    rows = []
    for code, by_name in sorted(by_code.items()):
        tiles = sum(n for n, _ in by_name["ours"])
        means = [f"{sum(n * auroc for n, auroc in by_name[name]) / tiles:.3f}" for name in ("ours", "paper")]
        rows.append([f"{code} {DEFECTS[code]}", str(tiles), *means])
    return markdown_table(["defect", "tiles", "tile AUROC, ours", "tile AUROC, the paper's recipe"], rows)


def differences_table() -> str:
    """Make the table of the differences (ours - other) on the splits on which both were run.

    Returns
    -------
    str
    """
    rows = []
    for protocol in "ABC":
        results = results_of(protocol)
        columns = [results.get(key) for key in ("ours_minus", *(f"ours_minus_{subset}" for subset in SUBSETS))]
        for detector, differences in results["ours_minus"].items():
            for name in ("tile_auroc", "tile_auroc_c2", "pixel_auroc", "pixel_ap"):
                if name in differences:
                    cells = ["–" if c is None else difference_with_interval(c[detector][name]) for c in columns]
                    label = MEASURES[name].replace("C2", "tile AUROC, C2")
                    rows.append([protocol, ALL_DETECTORS[detector], label, *cells])
    head = ["protocol", "ours minus", "measure", "all fabrics", "fabrics 00 and 02", "fabrics 03 and 06"]
    return markdown_table(head, rows)


def cost_sentence() -> str:
    """State how long the prediction of a tile takes in protocol B.

    Returns
    -------
    str
    """
    cost = results_of("B")["detectors"]["ours"]["milliseconds_a_tile"]
    return (
        f"On AITEX, a tile takes {cost['paper']:.0f} ms with the paper's recipe at 320 px, and {cost['ours']:.0f} "
        f"ms with our defaults.\nOur defaults take {cost['ratio']:.1f} times as long, measured in alternation.\n"
    )


def headline_table() -> str:
    """Make the main table: each detector in protocols C, B and A.

    Returns
    -------
    str
    """
    rows = []
    for protocol, name, label in HEADLINES:
        results = results_of(protocol)["detectors"]
        detectors = [results.get(detector, {}) for detector in DETECTORS]
        rows.append([label, *(value_with_interval(d.get("mean", {}), name) for d in detectors)])
        if (protocol, name) == ("C", "tile_auroc"):
            rows.append(["first split only", *map(_first_split, detectors)])
        if protocol == "C" and name != "pixel_ap" and "mean_confirming" in detectors[0]:
            cells = [value_with_interval(d.get("mean_confirming", {}), name) for d in detectors]
            rows.append(["fabrics 03 and 06 only", *cells])
    return markdown_table(["tile AUROC unless stated otherwise", *DETECTORS.values()], rows)


def _first_split(results: dict[str, Any]) -> str:
    """Return a detector's tile AUROC on the first split, mean over fabrics, or a dash if it is not there."""
    values = [measures["by_seed"][0]["tile_auroc"] for measures in results.get("fabrics", {}).values()]
    return f"{sum(values) / len(values):.3f}" if values else "–"


TABLES = {
    **{f"accuracy_{protocol.lower()}": functools.partial(protocol_table, protocol) for protocol in "ABC"},
    "accuracy": headline_table,
    "accuracy_codes": codes_table,
    "accuracy_cost": cost_sentence,
    "accuracy_counts": counts_table,
    "accuracy_differences": differences_table,
}
