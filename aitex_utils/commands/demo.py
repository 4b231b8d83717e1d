"""`python course.py demo`: PatchCore on one fabric, from strips to a table of measures and pictures of its maps.

The measures are those of protocol C, see `protocol_c`.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aitex_utils.errors import InputError
from aitex_utils.files.atomic_write import atomic_write
from aitex_utils.patchcore import PatchCore
from aitex_utils.plots import plot_strip
from aitex_utils.strips import PROJECT, Strip, find_aitex, list_strips, read_strips
from aitex_utils.tiling import tile

from .profiling import Stopwatch, peak_memory_mib, versions
from .protocol_c import SHARE, ScoredStrip, crop_fabrics, evaluate, fit_fabrics, score_strips, split_protocol_c

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
        The test set with its predictions.

    Raises
    ------
    InputError
        If an argument is out of range, or too few normal strips can be read.

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
        training, test = split_protocol_c(_list_fabric(root, fabric), share, seed)
        training, training_images = read_strips(training, skip_bad=True)
        test, test_images = read_strips(test, skip_bad=True)
        _check_enough(fabric, training, test)
        fabrics = crop_fabrics(training, training_images)
    with watch.step("fit"):
        fit_fabrics(detector, fabrics, on_strips=on_strips)
    with watch.step("score"):
        scored = score_strips(detector, test, test_images)
    with watch.step("evaluate"):
        measures = evaluate(scored)
    results = {
        "fabric": fabric,
        "strips_fitted": len(training),
        "strips_tested": len(test),
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
        value = f"{results[name]:.3f}"
        if f"{name}_interval" in results:
            low, high = results[f"{name}_interval"]
            value += f"  (95 % {low:.3f} to {high:.3f})"
        table.add_row(label, value)
    table.add_section()
    table.add_row("training set", f"{results['strips_fitted']} strips, {results['tiles_fitted']} tiles")
    table.add_row("memory bank", f"{results['patches_kept']:,} patches")
    tiles = f"{results['tiles_tested']} tiles, {results['tiles_defective']} of them defective"
    table.add_row("test set", f"{results['strips_tested']} strips; {tiles}")
    if results["strips_without_known_mask"]:
        table.add_row("without a known mask", f"{results['strips_without_known_mask']}; in the strip AUROC only")
    table.add_section()
    for step, seconds in results["seconds"].items():
        table.add_row(step, f"{seconds:.1f} s")
    table.add_row("peak memory", f"{results['peak_memory_mib']:,} MiB")
    return table


def write_results(folder: Path, results: dict[str, Any], scored: Sequence[ScoredStrip]) -> None:
    """Write `scores.csv`, `figures.json`, and a picture of each defective strip above its anomaly map.

    Parameters
    ----------
    folder : Path
        Folder to write to.
    results : dict
        As `run_demo` returns them.
    scored : sequence of ScoredStrip
        As `run_demo` returns them.

    Raises
    ------
    InputError
        If a file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_results(Path(folder), {"pixel_ap": float("nan")}, [])
    ...     print(Path(folder, "figures.json").read_text().strip())
    {
      "pixel_ap": null
    }
    """
    with atomic_write(folder / "scores.csv") as path, path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for item in scored:
            writer.writerows(_rows(item))
    with atomic_write(folder / "figures.json") as path:
        path.write_text(json.dumps(_without_nan(results), indent=2, allow_nan=False) + "\n", encoding="utf-8")
    _write_pictures(folder, scored)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Arguments of the command line; None takes those of the process.

    Returns
    -------
    int
        Exit code, 1 after an error.

    Examples
    --------
    >>> main(["--data", "no/such/folder"])
    1
    """
    parser = argparse.ArgumentParser(prog="course.py demo", description=__doc__.split("\n")[0])
    parser.add_argument(
        "--data", metavar="DIR", help="folder with AITEX; else AITEX_ROOT, data/aitex, the practice fabric"
    )
    parser.add_argument("--fabric", metavar="FF", help="two digits; else the first that has normal strips")
    parser.add_argument("--out", metavar="DIR", type=Path, help="folder of the results; else data/demo/FF")
    parser.add_argument("--seed", type=int, default=0, help="of the split and the coreset (0)")
    options = parser.parse_args(arguments)
    try:
        root = find_aitex(options.data)
        fabric = options.fabric or _first_fabric(root)
        list_strips(root, fabric)  # refuses an unknown fabric before anything is written
        folder = options.out or PROJECT / "data" / "demo" / fabric
        _check_writable(folder)
        print(f"Fabric {fabric}: this takes 2 to 4 minutes on 2 cores.", flush=True)
        results, scored = run_demo(root, fabric, seed=options.seed, progress=sys.stderr.isatty())
        write_results(folder, results, scored)
    except InputError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    from rich.console import Console

    Console().print(result_table(results))
    print(f"scores.csv, figures.json and the pictures are in {folder}.")
    return 0


def _list_fabric(root: Path, fabric: str) -> list[Strip]:
    """Return the strips of a fabric that has normal ones."""
    strips = list_strips(root, fabric)
    if not any(strip.is_normal for strip in strips):
        raise InputError(f"Fabric {fabric} has no normal strips to learn from: choose another fabric.")
    return strips


def _check_enough(fabric: str, training: Sequence[Strip], test: Sequence[Strip]) -> None:
    """Raise an error if too few normal strips are left after the unreadable ones were skipped."""
    if not training or not any(strip.is_normal for strip in test):
        raise InputError(
            f"Too few normal strips of fabric {fabric} can be read, at least one to fit and one to test are needed: "
            "the warning above lists the files, unpack them again from AITEX's archive."
        )


def _first_fabric(root: Path) -> str:
    """Return the first fabric that has normal strips."""
    fabric = next((strip.fabric for strip in list_strips(root) if strip.is_normal), None)
    if fabric is None:
        raise InputError(f"{root} contains no normal strips to learn from: unpack NODefect_images there.")
    return fabric


def _check_writable(folder: Path) -> None:
    """Raise `InputError` for a folder that cannot be written to, before minutes of work rather than after."""
    with atomic_write(folder / ".writable") as path:
        path.touch()
    (folder / ".writable").unlink()


def _rows(item: ScoredStrip) -> list[list[Any]]:
    """Return the rows of scores.csv for a strip: first the strip, then its tiles."""
    strip, result = item.strip, item.result
    name = [strip.id, strip.code, strip.defect]
    rows: list[list[Any]] = [["strip", *name, "", "", f"{result.score:.6f}", int(not strip.is_normal)]]
    labels = [""] * len(result.corners) if item.labels is None else item.labels.astype(int)
    for (row, column), score, label in zip(result.corners, result.tile_scores, labels, strict=True):
        rows.append(["tile", *name, row, column, f"{score:.6f}", label])
    return rows


def _write_pictures(folder: Path, scored: Sequence[ScoredStrip]) -> None:
    """Write a picture of each defective strip above its map; all maps share one colour scale."""
    if not scored:
        return
    pixels = np.concatenate([item.result.map[::4, ::4].ravel() for item in scored])
    scale = max(0.0, float(np.nanmin(pixels))), float(np.nanquantile(pixels, 0.9995))
    for item in scored:
        if not item.strip.is_normal:
            title = f"{item.strip.id}, {item.strip.defect}"
            figure, caption = plot_strip(item.image, item.result.map, item.mask, title=title, scale=scale)
            with atomic_write(folder / f"{item.strip.id}.png") as path:
                figure.savefig(path, dpi=110, metadata={"Description": caption})


def _without_nan(value: Any) -> Any:
    """Replace NaN by None, because JSON has no NaN."""
    if isinstance(value, dict):
        return {name: _without_nan(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(part) for part in value]
    return None if isinstance(value, float) and np.isnan(value) else value


if __name__ == "__main__":
    sys.exit(main())
