"""`python course.py bench picture`: the README's picture, a defective strip of the practice fabric above its map.

Of the first fabric's defective strips it takes the one whose tiles' scores have the median maximum among those whose
highest point lies in the mask: a defect that was found, neither the plainest nor the faintest.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np
from tables import HERE

from aitex_utils.atomic_write import write_whole
from aitex_utils.commands.demo import run_demo
from aitex_utils.errors import InputError
from aitex_utils.plots import plot_strip
from aitex_utils.strips import PRACTICE, find_aitex, list_strips

PICTURE = HERE.parent / "notebooks" / "images" / "practice_strip.png"


def main(arguments: Sequence[str] | None = None) -> int:
    try:
        root = find_aitex(PRACTICE)
        _, scored = run_demo(root, list_strips(root)[0].fabric)
    except InputError as error:
        print(f"bench picture: {error}", file=sys.stderr)
        return 1
    found = []
    for s in scored:
        if s.mask is not None and not s.strip.is_normal:
            row, column = np.unravel_index(np.nanargmax(s.found.map), s.found.map.shape)
            if s.mask[row, column]:
                found.append(s)
    found.sort(key=lambda s: s.found.score)
    chosen = found[len(found) // 2]
    title = f"Practice fabric, strip {chosen.strip.id}: {chosen.strip.defect}"
    figure, sentence = plot_strip(chosen.image, chosen.found.map, chosen.mask, title=title)
    with write_whole(PICTURE) as path:
        figure.savefig(path, dpi=110, metadata={"Description": sentence, "Software": None})
    print(sentence)
    return 0


if __name__ == "__main__":
    sys.exit(main())
