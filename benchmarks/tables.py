"""Tables in Markdown pages, made from results files: `python benchmarks/tables.py` writes them, a test compares them.

A page names a table with a comment, `<!-- table: NAME -->`, and ends it with `<!-- end -->`; what is between is made.
"""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from statistics import mean
from typing import Any

from aitex_utils.files import write_whole
from aitex_utils.strips import DEFECTS

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
PAGES = (HERE.parent / "README.md", HERE / "README.md")
PLACE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def results(name: str) -> dict[str, Any]:
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def write_results(name: str, found: dict[str, Any]) -> None:
    """Write `results/NAME.json`, whole or not at all."""
    with write_whole(RESULTS / f"{name}.json") as path:
        path.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def demo_table(name: str) -> str:
    """Figures of the demo by fabric, and their means."""
    found = results(name)
    keys = ("tile_auroc_c1", "tile_auroc_c2", "strip_auroc", "pixel_auroc", "pixel_ap", "aupro_0.3")
    rows = []
    for fabric, of in found.items():
        spans = {key: "{:.3f}–{:.3f}".format(*of[f"{key}_interval"]) for key in keys if f"{key}_interval" in of}
        cells = [f"{of[key]:.3f}" + (f" ({spans[key]})" if key in spans else "") for key in keys]
        seconds = sum(of["seconds"].values())
        rows.append([fabric, *cells, f"{seconds:.0f} s", f"{of['peak_memory_mib'] / 1024:.1f} GiB"])
    means = [f"**{mean(of[key] for of in found.values()):.3f}**" for key in keys]
    head = ["fabric", "tile AUROC, C1", "C2", "strip AUROC", "pixel AUROC", "pixel AP", "AUPRO 0.3", "time", "memory"]
    return table(head, [*rows, ["mean", *means, "", ""]])


def demands_table() -> str:
    """What the practice fabric is held to, and what was measured."""
    rows = []
    for d in results("practice_fabric")["demands"]:
        measured = d["measured"]
        if isinstance(measured, dict):
            spans = {name: " and ".join(f"{v:.0f}" for v in values) for name, values in measured.items()}
            measured = "; ".join(f"{name} {span}" for name, span in spans.items())
        rows.append([d["demand"], str(measured), "held" if d["held"] else "**missed**"])
    return table(["demand", "measured", ""], rows)


def ranking_table() -> str:
    """The configurations by how they do on AITEX, and how they do on the practice fabric."""
    means = results("practice_fabric")["tile_auroc_b"]
    order = sorted(means, key=lambda name: -means[name]["aitex"])
    rows = [[name, f"{means[name]['aitex']:.3f}", f"{means[name]['practice']:.3f}"] for name in order]
    return table(["configuration", "AITEX", "practice fabric"], rows)


DETECTORS = {"patchcore": "PatchCore", "ssim": "autoencoder, SSIM", "pixel": "autoencoder, pixel error"}


def contest_sentence(contest: dict[str, Any]) -> str:
    """The figure of the contest in words: each detector's tile AUROC by fabric."""
    parts = []
    for key, label in DETECTORS.items():
        figures = ", ".join(f"{of[key]['tile_auroc_c1']:.2f}" for of in contest["fabrics"].values())
        parts.append(f"{label} {figures}")
    fabrics = ", ".join(contest["fabrics"])
    return f"Tile AUROC on the practice fabrics {fabrics}: {'; '.join(parts)}. The intervals are wide."


def contest_picture() -> str:
    """The README's figure of the contest, with its words, and the means below it."""
    contest = results("notebook_07")["practice"]
    keys = ("tile_auroc_c1", "tile_auroc_c2", "pixel_auroc", "pixel_ap", "aupro_0.3")
    rows = [[label, *(f"{contest['mean'][key][k]:.3f}" for k in keys)] for key, label in DETECTORS.items()]
    head = ["mean over fabrics", "tile AUROC, C1", "C2", "pixel AUROC", "pixel AP", "AUPRO 0.3"]
    return f"![{contest_sentence(contest)}](notebooks/images/practice_results.png)\n\n{table(head, rows)}"


def missed_table(name: str) -> str:
    """The defective tiles that the demo misses most clearly, by strip and column."""
    rows = []
    for of in results(name).values():
        for tile in of["missed"]:
            columns = f"{tile['column']} to {tile['column'] + 255}"
            rows.append([tile["strip"], tile["defect"], columns, f"{tile['normals_above']:.0%}"])
    return table(["strip", "defect", "columns", "clean tiles that score higher"], rows)


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
    detectors = results(f"accuracy_{protocol.lower()}")["detectors"]
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
    return table(["detector", *(MEASURES[key] for key in keys)], rows)


def codes_table(protocol: str) -> str:
    """Tile AUROC and recall by defect, of ours and the paper's recipe, all fabrics together by their tiles."""
    detectors = results(f"accuracy_{protocol.lower()}")["detectors"]
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
    return table(head, rows)


def differences_table() -> str:
    """What ours has over the others, in pairs: the middle and the interval of redrawn differences."""
    rows = []
    for protocol in "ABC":
        for other, of in results(f"accuracy_{protocol.lower()}")["ours_minus"].items():
            for key in ("tile_auroc", "tile_auroc_c2", "pixel_auroc", "pixel_ap"):
                if key in of:
                    rows.append(
                        [
                            protocol,
                            EVERY_NAME[other],
                            MEASURES[key].replace("C2", "tile AUROC, C2"),
                            "{:+.3f} ({:+.3f} to {:+.3f})".format(*of[key]),
                        ]
                    )
    return table(["protocol", "ours minus", "figure", "difference"], rows)


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
        detectors = results(f"accuracy_{protocol.lower()}")["detectors"]
        rows.append([told, *(figure_of(detectors.get(name, {}).get("mean", {}), key) for name in NAMES)])
    return table(["tile AUROC unless said", *NAMES.values()], rows)


def ablation_table() -> str:
    """The figure of the ablation and its numbers."""
    found = results("ablation")
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
    return figure + table(head, rows)


def ablation_sentence(found: dict[str, Any]) -> str:
    """The figure of the ablation in words."""
    rows = [(f"{name} (tile)", of["minus_ours"]["tile_auroc"][0]) for name, of in found["B"].items()]
    rows += [(f"{name} (strip, C2)", of["minus_ours"]["tile_auroc_c2"][0]) for name, of in found["C"].items()]
    listed = ", ".join(
        f"{name} {gap:+.3f}" for name, gap in sorted(rows, key=lambda r: r[1]) if "our defaults" not in name
    )
    return f"Tile AUROC of each choice minus our defaults, with 95 % intervals over strips: {listed}."


TABLES = {
    **{f"accuracy_{p.lower()}": functools.partial(accuracy_table, p) for p in "ABC"},
    "missed": lambda: missed_table("demo_aitex"),
    "accuracy_codes": lambda: codes_table("C"),
    "accuracy_differences": differences_table,
    "accuracy": headline_table,
    "ablation": ablation_table,
    "practice_contest": contest_picture,
    "practice_demands": demands_table,
    "practice_ranking": ranking_table,
    "demo_aitex": lambda: demo_table("demo_aitex"),
    "demo_practice": lambda: demo_table("demo_practice"),
}


def with_tables(text: str) -> str:
    """Return a page's text with all its tables made anew."""
    return PLACE.sub(lambda place: place[1] + TABLES[place[2]]() + place[3], text)


def write_tables() -> None:
    """Make the tables of all pages anew; a page whose results file isn't there yet stays as it is, with a word."""
    for page in PAGES:
        if page.is_file():
            try:
                text = with_tables(page.read_text(encoding="utf-8"))
            except FileNotFoundError as missing:
                print(f"{page.parent.name}/{page.name} stays as it is: {Path(missing.filename).name} isn't there yet.")
                continue
            with write_whole(page) as path:
                path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write_tables()
