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


def gap_of(gap: list[float]) -> str:
    """Return a difference [difference, low, high] with its interval."""
    return "{:+.3f} ({:+.3f} to {:+.3f})".format(*gap)


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


def counts_table() -> str:
    """How many strips and tiles of each fabric are tested."""
    found = tables.results("accuracy_c")
    rows = []
    for fabric, of in found["strips"].items():
        figures = found["detectors"]["ours"]["fabrics"][fabric]
        counts = (len(of["normal"]), len(of["fitted"][0]), figures["clean_tiles"])
        rows.append([fabric, *map(str, counts), str(len(of["defective"])), str(figures["defective_tiles"])])
    head = ["fabric", "normal strips", "fitted on in C", "clean tiles of the others", "defective strips"]
    return tables.table([*head, "defective tiles"], rows)


def codes_table(protocol: str) -> str:
    """Tile AUROC by defect, of ours and the paper's recipe: the fabrics' figures, averaged by their tiles."""
    detectors = tables.results(f"accuracy_{protocol.lower()}")["detectors"]
    found: dict[str, dict[str, list]] = {}
    for name in ("ours", "paper"):
        for of in detectors[name]["fabrics"].values():
            for code, figures in of["codes"].items():
                found.setdefault(code, {}).setdefault(name, []).append((figures["tiles"], figures["tile_auroc"]))
    rows = []
    for code, by in sorted(found.items()):
        tiles = sum(n for n, _ in by["ours"])
        means = [f"{sum(n * value for n, value in by[name]) / tiles:.3f}" for name in ("ours", "paper")]
        rows.append([f"{code} {DEFECTS[code]}", str(tiles), *means])
    return tables.table(["defect", "tiles", "tile AUROC, ours", "the paper's recipe"], rows)


def differences_table() -> str:
    """What ours has over the others, on the splits that both were run on: the difference, and its interval in pairs."""
    rows = []
    for protocol in "ABC":
        found = tables.results(f"accuracy_{protocol.lower()}")
        parts = ("ours_minus", "ours_minus_chosen", "ours_minus_confirming")
        for other in found["ours_minus"]:
            for key in ("tile_auroc", "tile_auroc_c2", "pixel_auroc", "pixel_ap"):
                if key not in found["ours_minus"][other]:
                    continue
                gaps = (found[part][other][key] if part in found else None for part in parts)
                told = ["–" if gap is None else gap_of(gap) for gap in gaps]
                rows.append([protocol, EVERY_NAME[other], MEASURES[key].replace("C2", "tile AUROC, C2"), *told])
    return tables.table(["protocol", "ours minus", "figure", "all", "00 and 02", "03 and 06"], rows)


def cost_sentence() -> str:
    """What a tile costs by protocol B."""
    of = tables.results("accuracy_b")["detectors"]["ours"]["milliseconds_a_tile"]
    times = f"{of['ours']:.0f} ms by our defaults and {of['paper']:.0f} ms by the paper's recipe at 320 px"
    return f"A tile takes {times}, measured in turn: {of['ratio']:.1f} times as long.\n"


def first_split(found: dict[str, Any]) -> str:
    """Return a detector's tile AUROC on the first split alone, mean over fabrics; a dash where it isn't there."""
    firsts = [of["by_seed"][0]["tile_auroc"] for of in found.get("fabrics", {}).values()]
    return f"{sum(firsts) / len(firsts):.3f}" if firsts else "–"


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
        of = [detectors.get(name, {}) for name in NAMES]
        rows.append([told, *(figure_of(found.get("mean", {}), key) for found in of)])
        if (protocol, key) == ("C", "tile_auroc"):
            rows.append(["the same, the first split alone", *map(first_split, of)])
        if protocol == "C" and key != "pixel_ap" and "mean_confirming" in of[0]:
            rows.append(
                ["the same, 03 and 06 alone", *(figure_of(found.get("mean_confirming", {}), key) for found in of)]
            )
    return tables.table(["tile AUROC unless said", *NAMES.values()], rows)


def speed_lines(rows: list[dict[str, Any]]) -> dict[str, list[tuple[int, float]]]:
    """Return the patches and seconds of each way of coreset sampling that was measured."""
    names = {"anomalib": "anomalib", "obvious": "one pass a choice", "ours": "ours"}
    found = {label: [(of["patches"], of[name]) for of in rows if name in of] for name, label in names.items()}
    return {label: of for label, of in found.items() if of}


def speed_sentence(rows: list[dict[str, Any]]) -> str:
    """The figure of how the coreset's cost grows, in words."""
    told = [(label, *(f"{s:.2g}" if s < 10 else f"{s:,.0f}" for _, s in of)) for label, of in speed_lines(rows).items()]
    ends = [f"{label} {times[0]} to {times[-1]} s" for label, *times in told]
    span = f"{rows[0]['patches'] // 1000} to {rows[-1]['patches'] // 1000} thousand patches"
    return f"Seconds of coreset sampling from {span}, both axes logarithmic: {'; '.join(ends)}."


def speed_table() -> str:
    """Coreset sampling by size: seconds, and how many times sooner ours is."""
    measured, rows = tables.results("speed")["coreset"], []
    for of in measured:
        cells = [f"{of['patches']:,}", f"{of['chosen']:,}", f"{of['ours']:.2f} s"]
        for name in ("obvious", "anomalib"):
            cells.append(f"{of[name]:.1f} s, {of[name] / of['ours']:.1f} times" if name in of else "–")
        rows.append(cells)
    figure = f"![{speed_sentence(measured)}](images/speed.png)\n\n"
    return figure + tables.table(["patches", "chosen", "ours", "one pass a choice", "anomalib"], rows)


def speed_in_words() -> str:
    """The README's sentences of how quick ours is, beside anomalib."""
    found, tile = tables.results("speed"), tables.results("accuracy_b")["detectors"]["ours"]["milliseconds_a_tile"]
    of, large = found["model"], next(row for row in found["coreset"] if row["patches"] == 200_000)
    strips = [demo["seconds"]["score"] / demo["strips_tested"] for demo in tables.results("demo_aitex").values()]
    fit = f"{of['tiles']} tiles are fitted in {of['fit_seconds']:.2f} s ({of['anomalib_fit_seconds']:.0f} s)"
    scored = f"a tile is scored in {of['tile_ms']:.0f} ms ({of['anomalib_tile_ms']:.0f} ms)"
    coreset = f"{large['chosen']:,} patches are chosen\namong {large['patches']:,} in {large['ours']:.1f} s"
    others = f"{large['anomalib']:,.0f} s; one pass over all for each choice, {large['obvious']:.0f} s"
    return (
        "On two cores without a GPU, by the paper's recipe at 320 px and with anomalib 2.7 in brackets: "
        f"{fit}, {scored}, and {coreset} ({others}). By our defaults, which see more, a tile takes "
        f"{tile['ours']:.0f} ms, and a whole strip of AITEX {min(strips):.0f} to {max(strips):.0f} s.\n"
    )


def model_table() -> str:
    """Fit and inference of 30 tiles at 320 px with a 10 % coreset, and the whole of AITEX's size."""
    found = tables.results("speed")
    of, whole = found["model"], found["whole"]

    def against(ours: float, theirs: float | None, unit: str) -> str:
        return "–" if theirs is None else f"{theirs:.3g} {unit}, {theirs / ours:.1f} times"

    tile, eight = of["tile_ms"], of["backbone_by_eight_ms"]
    search = f"{of['search_ms']:.1f} ms (FAISS's flat index: {of['search_faiss_ms']:.1f} ms)"
    rows = [
        ["fit", f"{of['fit_seconds']:.2f} s", against(of["fit_seconds"], of.get("anomalib_fit_seconds"), "s")],
        ["a tile", f"{tile:.0f} ms", against(tile, of.get("anomalib_tile_ms"), "ms")],
        ["of it the backbone, tile by tile", f"{of['backbone_ms']:.0f} ms", ""],
        ["of it the exact search", search, ""],
        ["the backbone alone, eight tiles at once", f"{eight:.0f} ms: a tile takes {tile / eight:.2f} times that", ""],
        [
            f"a strip by our defaults, {found['strip']['kept']:,} patches kept",
            f"{found['strip']['strip']:.2f} s (the backbone alone {found['strip']['backbone']:.2f} s)",
            "",
        ],
        [f"fit {whole['strips']} strips, {whole['limit_gib']:g} GiB for patches", f"{whole['seconds']} s", ""],
        ["its peak memory", f"{whole['peak_gib']:.2f} GiB", ""],
        ["fit ten times as many, by the curve", f"{whole['seconds_ten_times'] / 60:.0f} minutes", ""],
    ]
    return tables.table(["", "ours", "anomalib"], rows)


def ablation_table() -> str:
    """The figure of the ablation and its numbers."""
    found = tables.results("ablation")
    figure = f"![{ablation_sentence(found)}](images/ablation.png)\n\n"
    rows = []
    for protocol, key in (("B", "tile_auroc"), ("C", "tile_auroc_c2")):
        for name, of in found[protocol].items():
            gap = gap_of(of["minus_ours"][key])
            rows.append(
                [
                    "tile" if protocol == "B" else "strip",
                    name,
                    f"{of['mean']['tile_auroc']:.3f}",
                    f"{of['mean'][key]:.3f}" if protocol == "C" else "",
                    "" if name == "our defaults" else gap,
                    *(f"{of['mean'][k]:.3f}" for k in ("pixel_auroc", "pixel_ap")),
                ]
            )
    gap = "minus our defaults (by strip: of C2)"
    head = ["by", "choice", "tile AUROC", "C2", gap, "pixel AUROC", "pixel AP"]
    return figure + tables.table(head, rows)


def ablation_rows(found: dict[str, Any]) -> list[tuple[str, list[float]]]:
    """Return each choice with its difference to ours as [difference, low, high], from the worst to the best."""
    rows = [(f"{name} (tile)", of["minus_ours"]["tile_auroc"]) for name, of in found["B"].items()]
    rows += [(f"{name} (strip, C2)", of["minus_ours"]["tile_auroc_c2"]) for name, of in found["C"].items()]
    return sorted((row for row in rows if "our defaults" not in row[0]), key=lambda row: row[1][0])


def ablation_sentence(found: dict[str, Any]) -> str:
    """The figure of the ablation in words."""
    listed = ", ".join(f"{name} {middle:+.3f}" for name, (middle, _, _) in ablation_rows(found))
    return f"Tile AUROC of each choice minus our defaults, with 95 % intervals over strips: {listed}."


TABLES = {
    **{f"accuracy_{p.lower()}": functools.partial(accuracy_table, p) for p in "ABC"},
    "accuracy_counts": counts_table,
    "accuracy_codes": lambda: codes_table("C"),
    "accuracy_differences": differences_table,
    "accuracy": headline_table,
    "accuracy_cost": cost_sentence,
    "ablation": ablation_table,
    "speed": speed_table,
    "speed_model": model_table,
    "speed_in_words": speed_in_words,
}
