"""`python course.py bench picture`: the front page's picture, a defective strip of the practice fabric above its map.

It considers the defective strips of the first fabric whose map is highest inside the mask, and shows the strip with the
median score. So the defect was detected, and is neither the plainest nor the faintest.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np
from results_files import NOTEBOOK_IMAGES, write_figure

from aitex_utils.commands.demo import run_demo
from aitex_utils.commands.launching import run_command
from aitex_utils.commands.protocol_c import ScoredStrip
from aitex_utils.errors import InputError
from aitex_utils.plots import plot_strip
from aitex_utils.strips import PRACTICE, find_aitex, list_strips

PICTURE = NOTEBOOK_IMAGES / "practice_strip.png"


def is_localised(scored: ScoredStrip) -> bool:
    """Return whether the map of a strip is highest inside its defect's mask.

    Parameters
    ----------
    scored : ScoredStrip
        Strip with its prediction.

    Returns
    -------
    bool
        False for a strip without a defect or without a known mask.
    """
    if scored.mask is None or scored.strip.is_normal:
        return False
    return bool(scored.mask.flat[np.nanargmax(scored.result.map)])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo and draw the strip.

    Parameters
    ----------
    arguments : sequence of str, optional
        Not used.

    Returns
    -------
    int
        Exit status.
    """
    try:
        root = find_aitex(PRACTICE)
        _, scored = run_demo(root, list_strips(root)[0].fabric)
    except InputError as error:
        print(f"bench picture: {error}", file=sys.stderr)
        return 1
    localised = sorted(filter(is_localised, scored), key=lambda item: item.result.score)
    shown = localised[len(localised) // 2]
    title = f"Practice fabric, strip {shown.strip.id}: {shown.strip.defect}"
    figure, caption = plot_strip(shown.image, shown.result.map, shown.mask, title=title)
    write_figure(figure, caption, PICTURE)
    print(caption)
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
