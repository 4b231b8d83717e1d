"""`python course.py demo`: PatchCore on one fabric, from strips to a table of measures and pictures of its maps.

Protocol C defines the measures, see `protocol_c`.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import sys
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aitex_utils.commands.launching import run_command
from aitex_utils.datasets.dataset_check import check_dataset, serious_issues
from aitex_utils.errors import InputError
from aitex_utils.files.atomic_write import atomic_write, check_writable
from aitex_utils.files.ownership import Manifest
from aitex_utils.files.paths import given_path
from aitex_utils.patchcore import PatchCore
from aitex_utils.plots import plot_strip
from aitex_utils.safety.peak_memory import peak_memory_mib
from aitex_utils.strips import PROJECT, Strip, find_aitex, list_strips, read_strips
from aitex_utils.tiling import tile

from .profiling import Stopwatch, versions
from .protocol_c import SHARE, ScoredStrip, evaluate, find_regions, fit_fabrics, score_strips, split_protocol_c

if TYPE_CHECKING:
    from rich.table import Table

MEASURES = {  # key in the results: row of the table
    "tile_auroc_c1": "tile AUROC, C1",
    "tile_auroc_c2": "tile AUROC, C2",
    "strip_auroc": "strip AUROC",
    "pixel_auroc": "pixel AUROC",
    "pixel_ap": "pixel AP",
    "aupro_0.3": "AUPRO at 0.3",
}
COLUMNS = ("level", "strip", "code", "defect", "row", "column", "score", "defective")  # of scores.csv
OUTPUT = Manifest("figures.json", "the demo's results", lambda results: dict(results["files"]))


def run_demo(
    root: Path,
    fabric: str,
    *,
    share: float = SHARE,
    seed: int = 0,
    on_strips: bool = True,
    progress: bool = False,
    **parameters: Any,
) -> tuple[dict[str, Any], list[ScoredStrip]]:
    """Fit a detector on some normal strips of a fabric, and test it on the other strips.

    Parameters
    ----------
    root : Path
        Folder of the strips, see `strips.find_aitex`.
    fabric : str
        Two digits.
    share : float
        Share of the normal strips in the training set, 0 to 1.
    seed : int
        Seed of the split and of the coreset.
    on_strips : bool
        Fit on whole strips; otherwise on their tiles.
    progress : bool
        Show bars for what takes long.
    **parameters
        Further arguments of `PatchCore`.

    Returns
    -------
    results : dict
        Measures as `protocol_c.evaluate` returns them, numbers of strips, tiles and patches, times in seconds, peak
        memory in MiB, parameters and versions.
    scored : list of ScoredStrip
        The test set with its predictions. Strips that cannot be used are left out before the split, with a warning.

    Raises
    ------
    InputError
        If an argument is out of range, or too few normal strips can be used.

    Examples
    --------
    >>> run_demo(Path("data/practice"), "00", coreset_ratio=2)
    Traceback (most recent call last):
    ...
    aitex_utils.errors.InputError: coreset_ratio is 2, expected a number above 0 and up to 1, for example 0.1.
    """
    watch = Stopwatch()
    detector = PatchCore(seed=seed, progress=progress, **parameters)  # refuses wrong arguments before the work begins
    with watch.step("read"):
        strips, images = read_strips(_list_fabric(root, fabric), skip_bad=True)
        strips, images, regions = find_regions(strips, images)
        _check_enough(fabric, strips)
        training, test = split_protocol_c(strips, share, seed)
        of = {strip: (image, region) for strip, image, region in zip(strips, images, regions, strict=True)}
        fabrics = [of[strip][0][:, slice(*of[strip][1])] for strip in training]
    with watch.step("fit"):
        fit_fabrics(detector, fabrics, on_strips=on_strips)
    with watch.step("score"):
        test_images, test_regions = [of[strip][0] for strip in test], [of[strip][1] for strip in test]
        scored = score_strips(detector, test, test_images, test_regions, skip_bad=True)
    with watch.step("evaluate"):
        measures = evaluate(scored)
    results = {
        "fabric": fabric,
        "strips_fitted": len(training),
        "strips_tested": len(scored),
        "tiles_fitted": sum(len(tile(image)[0]) for image in fabrics),
        "patches_kept": len(detector.bank_),
        **measures,
        "seconds": {step: round(seconds, 2) for step, seconds in watch.seconds.items()},
        "peak_memory_mib": round(peak_memory_mib()),
        "parameters": detector.parameters(),
        "versions": versions(),
    }
    return results, scored


def result_table(results: dict[str, Any]) -> Table:
    """Return the results of one run as a table.

    Parameters
    ----------
    results : dict
        As `run_demo` returns them.

    Returns
    -------
    rich.table.Table

    Examples
    --------
    >>> counts = dict.fromkeys(("strips_fitted", "tiles_fitted", "patches_kept", "strips_tested", "tiles_tested"), 1)
    >>> counts |= {"tiles_defective": 1, "strips_without_known_mask": 0, "peak_memory_mib": 900}
    >>> results = {"fabric": "00", **dict.fromkeys(MEASURES, 0.9), **counts, "seconds": {"fit": 2.0}}
    >>> result_table(results).row_count
    11
    """
    from rich.table import Table

    table = Table("", "value", title=f"PatchCore on fabric {results['fabric']}, protocol C")
    for name, label in MEASURES.items():
        value = "undefined" if math.isnan(results[name]) else f"{results[name]:.3f}"
        low, high = results.get(f"{name}_interval", (math.nan, math.nan))
        if not math.isnan(low + high):
            value += f"  (95 % {low:.3f} to {high:.3f})"
        table.add_row(label, value)
    table.add_section()
    table.add_row("training set", f"{results['strips_fitted']} strips, {results['tiles_fitted']} tiles")
    table.add_row("memory bank", f"{results['patches_kept']:,} patches")
    tiles = f"{results['tiles_tested']} tiles, {results['tiles_defective']} of them defective"
    table.add_row("test set", f"{results['strips_tested']} strips, {tiles}")
    if results["strips_without_known_mask"]:
        table.add_row("without a known mask", f"{results['strips_without_known_mask']}, in the strip AUROC only")
    table.add_section()
    for step, seconds in results["seconds"].items():
        table.add_row(step, f"{seconds:.1f} s")
    table.add_row("peak memory", f"{results['peak_memory_mib']:,} MiB")
    return table


def write_results(folder: str | os.PathLike, results: dict[str, Any], scored: Sequence[ScoredStrip]) -> None:
    """Write `scores.csv`, `figures.json`, and a picture of each defective strip above its anomaly map, all or nothing.

    Scores are written with all their digits, so a threshold taken from the file flags the same strips and tiles.
    `figures.json` contains the results and the sizes of the other files.

    Parameters
    ----------
    folder : path
        Folder to write. The results of an earlier run in it are replaced, a folder with any other or changed file is
        not.
    results : dict
        As `run_demo` returns them.
    scored : sequence of ScoredStrip
        As `run_demo` returns them.

    Raises
    ------
    InputError
        If the folder contains something else, or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_results(Path(folder), {"pixel_ap": float("nan")}, [])
    ...     print(Path(folder, "figures.json").read_text().strip())
    {
      "pixel_ap": null,
      "files": {
        "scores.csv": 52
      }
    }
    """
    with atomic_write(folder, folder=True, manifest=OUTPUT) as inside:
        with open(inside / "scores.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for item in scored:
                writer.writerows(_rows(item))
        _write_pictures(inside, scored)
        files = {path.name: path.stat().st_size for path in sorted(inside.iterdir())}
        text = json.dumps(_without_nan(results) | {"files": files}, indent=2, allow_nan=False) + "\n"
        (inside / OUTPUT.file).write_text(text, encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Arguments of the command line. None takes the arguments of the process.

    Returns
    -------
    int
        Exit code, 1 after an error.

    Examples
    --------
    >>> main(["--data", "no/such/folder"])
    1
    """
    parser = argparse.ArgumentParser(prog="course.py demo", description="PatchCore on one fabric.")
    parser.add_argument(
        "--data", metavar="DIR", help="folder with AITEX (default: AITEX_ROOT, data/aitex, or the practice fabric)"
    )
    parser.add_argument("--fabric", metavar="FF", help="two digits (default: the first with normal strips)")
    parser.add_argument("--out", metavar="DIR", help="folder of the results (default: data/demo/FF)")
    parser.add_argument("--seed", type=int, default=0, help="of the split and the coreset (0)")
    options = parser.parse_args(arguments)
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_: print(f"demo: {message}", file=sys.stderr, flush=True)
        return _run(options)


def _run(options: argparse.Namespace) -> int:
    """Run the command with parsed arguments."""
    from rich.console import Console

    try:
        root = find_aitex(options.data)
        fabric = options.fabric or _first_fabric(root)
        list_strips(root, fabric)  # refuses an unknown fabric before anything is written
        folder = PROJECT / "data" / "demo" / fabric if options.out is None else given_path(options.out, "--out")
        check_writable(folder, folder=True, manifest=OUTPUT)
        for line in serious_issues(check_dataset(root)):
            print(f"In your data: {line}.", flush=True)
        print(f"Fabric {fabric}: this takes 2 to 4 minutes on 2 cores.", flush=True)
        results, scored = run_demo(root, fabric, seed=options.seed, progress=sys.stderr.isatty())
        write_results(folder, results, scored)
    except InputError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    Console().print(result_table(results))
    pictures = sum(not item.strip.is_normal for item in scored)
    print(f"scores.csv, figures.json and {pictures} pictures of defective strips are in {folder}.")
    return 0


def _list_fabric(root: Path, fabric: str) -> list[Strip]:
    """Return the strips of a fabric that has normal ones."""
    strips = list_strips(root, fabric)
    if not any(strip.is_normal for strip in strips):
        raise InputError(f"Fabric {fabric} has no normal strips to learn from: choose another fabric.")
    return strips


def _check_enough(fabric: str, strips: Sequence[Strip]) -> None:
    """Raise an error if too few normal strips are left after the unusable ones were skipped."""
    count = sum(strip.is_normal for strip in strips)
    if count < 2:
        raise InputError(
            f"Too few normal strips of fabric {fabric} can be used ({count}): at least two are needed, one to fit and "
            "one to test. Add normal strips, or choose another fabric."
        )


def _first_fabric(root: Path) -> str:
    """Return the first fabric that has two normal strips, else the first one that has any."""
    counts = Counter(strip.fabric for strip in list_strips(root) if strip.is_normal)
    if not counts:
        raise InputError(f"{root} contains no normal strips to learn from: unpack NODefect_images there.")
    return next((fabric for fabric, count in counts.items() if count > 1), next(iter(counts)))


def _rows(item: ScoredStrip) -> list[list[Any]]:
    """Return the rows of scores.csv for a strip: first the strip, then its tiles."""
    strip, result = item.strip, item.result
    name = [strip.id, strip.code, strip.defect]
    rows: list[list[Any]] = [["strip", *name, "", "", repr(float(result.score)), int(not strip.is_normal)]]
    labels = [""] * len(result.corners) if item.labels is None else item.labels.astype(int)
    for (row, column), score, label in zip(result.corners, result.tile_scores, labels, strict=True):
        rows.append(["tile", *name, row, column, repr(float(score)), label])
    return rows


def _write_pictures(folder: Path, scored: Sequence[ScoredStrip]) -> None:
    """Write a picture of each defective strip above its map. All maps share one colour scale."""
    if not scored:
        return
    pixels = np.concatenate([item.result.map[::4, ::4].ravel() for item in scored])
    low, high = float(np.nanmin(pixels)), float(np.nanquantile(pixels, 0.9995))
    scale = (max(0.0, low) if high > 0 else low), high
    for item in scored:
        if not item.strip.is_normal:
            title = f"{item.strip.id}, {item.strip.defect}"
            figure, caption = plot_strip(item.image, item.result.map, item.mask, title=title, scale=scale)
            figure.savefig(folder / f"{item.strip.id}.png", dpi=110, metadata={"Description": caption})


def _without_nan(value: Any) -> Any:
    """Replace NaN and infinity by None, because JSON has neither."""
    if isinstance(value, dict):
        return {name: _without_nan(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


if __name__ == "__main__":
    sys.exit(run_command(main))
