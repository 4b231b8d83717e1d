"""`python course.py bench results_picture`: the README's figure of what the detectors reach on the practice fabric.

From `results/notebook_07.json` alone: tile AUROC by protocol C1 of PatchCore and of the autoencoder's two errors.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure
from tables import DETECTORS, HERE, contest_sentence, results

from aitex_utils.atomic_write import write_whole

PICTURE = HERE.parent / "notebooks" / "images" / "practice_results.png"
LOOKS = {"patchcore": ("#0072B2", "o"), "ssim": ("#D55E00", "s"), "pixel": ("#767676", "^")}


def drawn(contest: dict[str, Any]) -> Figure:
    """Return the figure of a contest: one row a fabric, one mark a detector, with its 95 % interval."""
    figure = Figure(figsize=(7.2, 2.8), layout="constrained")
    axes = figure.subplots()
    fabrics = list(contest["fabrics"])
    for i, (key, label) in enumerate(DETECTORS.items()):
        colour, mark = LOOKS[key]
        for row, fabric in enumerate(fabrics):
            of, height = contest["fabrics"][fabric][key], row + 0.22 * (i - 1)
            axes.plot(of["tile_auroc_c1_interval"], [height, height], color=colour, linewidth=2)
            name = label if row == 0 else None
            axes.plot(of["tile_auroc_c1"], height, mark, color=colour, markersize=7, linestyle="none", label=name)
    axes.axvline(0.5, color="black", linestyle=":", linewidth=1)
    axes.text(0.5, -0.62, " chance", va="bottom", fontsize=8)
    axes.set(yticks=range(len(fabrics)), yticklabels=[f"fabric {f}" for f in fabrics], xlim=(0.38, 1.01))
    axes.set(xlabel="tile AUROC (C1), with 95 % interval over strips", ylim=(len(fabrics) - 0.4, -0.65))
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    return figure


def main(arguments: Sequence[str] | None = None) -> int:
    contest = results("notebook_07")["practice"]
    sentence = contest_sentence(contest)
    with write_whole(PICTURE) as path:
        drawn(contest).savefig(path, dpi=110, metadata={"Description": sentence, "Software": None})
    print(sentence)
    return 0


if __name__ == "__main__":
    sys.exit(main())
