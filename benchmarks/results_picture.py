"""`python course.py bench results_picture`: the figure of the detectors on the practice fabric.

It is drawn from `results/notebook_09.json` alone: tile AUROC by protocol C1 of PatchCore, of the autoencoder with both
of its errors, and of the PCA residual. All have the measures against the edges of tiles.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from results_files import NOTEBOOK_IMAGES, read_results, write_figure
from tables_practice import DETECTORS, FIXED, contest_caption

from aitex_utils.commands.launching import run_command
from aitex_utils.plots import COLOURS, LINE, MARKERS, make_axes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PICTURE = NOTEBOOK_IMAGES / "practice_results.png"
SPACING = 0.2  # of the detectors in a fabric's row


def draw(contest: dict[str, Any]) -> Figure:
    """Draw the tile AUROC of each detector, one row per fabric, with its 95 % interval.

    Parameters
    ----------
    contest : dict
        Part "practice" of the results of notebook 09.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axis = make_axes(1, 1, (7.2, 2.8))
    fabrics = list(contest["fabrics"])
    for i, (name, label) in enumerate(DETECTORS.items()):
        colour, marker = COLOURS[i], MARKERS[i]
        for row, fabric in enumerate(fabrics):
            measures = contest["fabrics"][fabric][name + FIXED]
            height = row + SPACING * (i - (len(DETECTORS) - 1) / 2)
            axis.plot(measures["tile_auroc_c1_interval"], [height, height], color=colour, linewidth=2)
            options = {"color": colour, "markersize": 7, "linestyle": "none"}
            axis.plot(measures["tile_auroc_c1"], height, marker, label=label if row == 0 else None, **options)
    axis.axvline(0.5, color=LINE, linestyle=":", linewidth=1)
    axis.text(0.5, -0.62, " chance", va="bottom", fontsize=8)
    axis.set(yticks=range(len(fabrics)), yticklabels=[f"fabric {fabric}" for fabric in fabrics], xlim=(0.38, 1.01))
    axis.set(xlabel="tile AUROC (C1), with 95 % interval over strips", ylim=(len(fabrics) - 0.4, -0.65))
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    return figure


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the figure.

    Parameters
    ----------
    arguments : sequence of str, optional
        Not used.

    Returns
    -------
    int
        Exit status.
    """
    contest = read_results("notebook_09")["practice"]
    caption = contest_caption(contest)
    write_figure(draw(contest), caption, PICTURE)
    print(caption)
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
