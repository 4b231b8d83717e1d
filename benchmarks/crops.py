"""`python course.py bench crops [--data DIR] [--fabrics FF ...]`: the cost of an inexact crop.

Protocol B, on strips whose fabric was cropped with an error: the first column lies too far left or right, or the strip
is slanted. A program that crops with a constant error gives all strips the same shift. In the last two rows each strip
draws its own error, so training and test tiles differ in it. Written to `results/crops.json`. An interrupted run
continues where it was.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import protocol_b
from accuracy import FABRICS, fabrics_with_normal_strips
from comparison import Summary, cached_summary, fabric_mean
from pages import write_pages
from protocol_b import FabricPatches
from protocols import read_fabric_tiles
from results_files import write_results
from tables_crops import EXACT

from aitex_utils.commands.launching import run_command
from aitex_utils.commands.profiling import versions
from aitex_utils.errors import InputError
from aitex_utils.patchcore import PatchCore
from aitex_utils.strips import find_aitex

SEEDS = 1
SHIFTS = (-32, -16, 16, 24, 48)
SLANT = 8  # px over the height of a strip, about 2 degrees
# Arguments of `protocols.read_fabric_tiles` by crop.
CROPS: dict[str, dict[str, tuple[int, ...]]] = {
    EXACT: {},
    **{f"all strips by {shift:+d} px": {"shifts": (shift,)} for shift in SHIFTS},
    "each strip by one of these": {"shifts": SHIFTS},
    f"each strip slanted by {SLANT} px": {"slants": (-SLANT, SLANT)},
}
PARAMETERS: dict[str, Any] = {}  # our defaults


def measure_fabric(root: Path, fabric: str) -> dict[str, Summary]:
    """Fit and test our defaults on each crop of a fabric by protocol B.

    Parameters
    ----------
    root : Path
        Folder of the strips.
    fabric : str
        Two digits.

    Returns
    -------
    dict of str to Summary
        By crop.
    """
    summaries: dict[str, Summary] = {}
    for number, (crop, errors) in enumerate(CROPS.items()):
        patches = FabricPatches(read_fabric_tiles(root, fabric, **errors), range(SEEDS))
        settings = {"parameters": PatchCore(**PARAMETERS).parameters(), "errors": str(errors), "seeds": SEEDS}
        tests = functools.partial(protocol_b.protocol_b, patches, PARAMETERS)
        summaries[crop] = cached_summary(f"crops_{fabric}_{number}", tests, root, code=[protocol_b], **settings)
        print(f"{fabric}, {crop}: tile AUROC {summaries[crop].measures['tile_auroc']:.3f}", flush=True)
    return summaries


def assemble(by_fabric: dict[str, dict[str, Summary]]) -> dict[str, Any]:
    """Put the measures of all fabrics and their means together.

    Parameters
    ----------
    by_fabric : dict of str to dict
        Output of `measure_fabric` for each fabric.

    Returns
    -------
    dict of str to dict
        By crop: `mean` and `fabrics`.
    """
    return {
        crop: {
            "mean": fabric_mean({fabric: summaries[crop] for fabric, summaries in by_fabric.items()}),
            "fabrics": {fabric: summaries[crop].measures for fabric, summaries in by_fabric.items()},
        }
        for crop in CROPS
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark from the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Arguments of the command line. None takes the arguments of the process.

    Returns
    -------
    int
        Exit status.
    """
    parser = argparse.ArgumentParser(prog="course.py bench crops", description="The cost of an inexact crop.")
    parser.add_argument("--data", metavar="DIR", help="folder with AITEX (default: AITEX_ROOT or data/aitex)")
    parser.add_argument("--fabrics", nargs="+", metavar="FF", default=list(FABRICS), help="two digits each")
    options = parser.parse_args(arguments)
    try:
        root = find_aitex(options.data)
        fabrics = fabrics_with_normal_strips(root, options.fabrics)
        by_fabric = {fabric: measure_fabric(root, fabric) for fabric in fabrics}
    except InputError as error:
        print(f"bench crops: {error}", file=sys.stderr)
        return 1
    results = {"crops": assemble(by_fabric), "fabrics": fabrics, "seeds": SEEDS, "versions": versions()}
    write_results("crops", results)
    write_pages()
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
