"""Tables in Markdown pages, made from results files: `python benchmarks/tables.py` writes them, a test compares them.

A page names a table with a comment, `<!-- table: NAME -->`, and ends it with `<!-- end -->`; what is between is made.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from statistics import mean
from typing import Any

from aitex_utils.atomic_write import write_whole

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
        rows.append([fabric, *cells, f"{of['peak_memory_mib'] / 1024:.1f} GiB"])
    means = [f"**{mean(of[key] for of in found.values()):.3f}**" for key in keys]
    head = ["fabric", "tile AUROC, C1", "C2", "strip AUROC", "pixel AUROC", "pixel AP", "AUPRO 0.3", "memory"]
    return table(head, [*rows, ["mean", *means, ""]])


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


def elsewhere(name: str) -> Callable[[], str]:
    """Return what makes a table of `accuracy_tables`, which needs this module and is loaded when it is asked."""

    def make() -> str:
        import accuracy_tables

        return accuracy_tables.TABLES[name]()

    return make


MORE = ("accuracy", "accuracy_a", "accuracy_b", "accuracy_c", "accuracy_codes", "accuracy_differences")
MORE += ("accuracy_cost", "accuracy_counts", "ablation", "speed", "speed_model", "speed_in_words")
TABLES = {
    **{name: elsewhere(name) for name in MORE},
    "missed": lambda: missed_table("demo_aitex"),
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
