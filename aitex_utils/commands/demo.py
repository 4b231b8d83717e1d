"""`python course.py demo`: PatchCore on one fabric, from strips to a table of figures and pictures of what it found.

Protocol C: a share of the normal strips is learnt, the other normal strips and all defective ones are scored. Tiles
with a
defect are told from clean tiles of normal strips (C1), or from those and the clean tiles of defective strips (C2).
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aitex_utils import metrics
from aitex_utils.atomic_write import write_whole
from aitex_utils.errors import InputError
from aitex_utils.patchcore import PatchCore, StripFound
from aitex_utils.plots import plot_strip
from aitex_utils.strips import PROJECT, Strip, find_aitex, list_strips, read_strips, split_strips
from aitex_utils.tiling import fabric_region, tile, tile_labels

from .profiling import Stopwatch, peak_memory_mib, versions

SHARE = 0.7  # of the normal strips, to fit; protocol C


@dataclass
class Scored:
    """A strip that was held out, and what the detector found on it; `mask` is None where it isn't known."""

    strip: Strip
    image: np.ndarray
    mask: np.ndarray | None
    found: StripFound
    labels: np.ndarray | None  # (N,) bool, one a tile


def run_demo(
    root: Path,
    fabric: str,
    *,
    share: float = SHARE,
    seed: int = 0,
    whole: bool = True,
    progress: bool = False,
    **parameters: Any,
) -> tuple[dict[str, Any], list[Scored]]:
    """Fit on `share` of a fabric's normal strips and score the others and the defective; return figures and strips.

    Strips are fitted and scored as a `whole`, or tile by tile. `parameters` go to `PatchCore`.
    """
    watch = Stopwatch()
    detector = PatchCore(seed=seed, progress=progress, **parameters)  # refuses what is wrong before the work begins
    with watch.step("read"):
        strips = list_strips(root, fabric)
        normal = [s for s in strips if s.is_normal]
        if not normal:
            raise InputError(f"Fabric {fabric} has no normal strips, so nothing can be learnt from it: choose another.")
        fit, held_out = split_strips(normal, share, seed)
        fit, fit_images = read_strips(fit, skip_bad=True)
        test, test_images = read_strips(held_out + [s for s in strips if not s.is_normal], skip_bad=True)
        if not fit or not any(s.is_normal for s in test):
            raise InputError(
                f"Too few normal strips of fabric {fabric} can be read, one to fit and one to test are needed: "
                "see the warning above for the files."
            )
        fabrics = [_fabric(strip, image) for strip, image in zip(fit, fit_images, strict=True)]
        tiles = [tile(image)[0] for image in fabrics]
    with watch.step("fit"):
        if whole:
            detector.fit_strips(fabrics)
        else:
            detector.fit(np.concatenate(tiles))
    with watch.step("score"):
        scored = [_score(detector, strip, image) for strip, image in zip(test, test_images, strict=True)]
    with watch.step("evaluate"):
        figures = evaluate(scored)
    about = {
        "fabric": fabric,
        "strips_fitted": len(fit),
        "strips_tested": len(test),
        "tiles_fitted": sum(len(of) for of in tiles),
        "patches_kept": len(detector.bank_),
    }
    seconds = {step: round(value, 2) for step, value in watch.seconds.items()}
    figures = {**about, **figures, "seconds": seconds, "peak_memory_mib": round(peak_memory_mib())}
    return {**figures, "parameters": detector.parameters(), "versions": versions()}, scored


def _fabric(strip: Strip, image: np.ndarray) -> np.ndarray:
    with _named(strip):
        begin, end = fabric_region(image)
        return image[:, begin:end]


@contextmanager
def _named(strip: Strip) -> Iterator[None]:
    """Put the strip's name before the message of an error, which knows only its pixels."""
    try:
        yield
    except InputError as error:
        raise InputError(f"Strip {strip.id}: {error}") from error


def _score(detector: PatchCore, strip: Strip, image: np.ndarray) -> Scored:
    with _named(strip):
        found = detector.score_strip(image)
    mask = strip.read_mask() if strip.is_normal or strip.masks else None
    if mask is not None and not strip.is_normal and not mask.any():
        mask = None  # an all-black mask of a defective strip doesn't say that it is clean
    labels = None if mask is None else tile_labels(_tiles_at(mask, found.corners))
    return Scored(strip, image, mask, found, labels)


def _tiles_at(image: np.ndarray, corners: np.ndarray, side: int = 256) -> np.ndarray:
    return np.stack([image[row : row + side, column : column + side] for row, column in corners])


def evaluate(scored: Sequence[Scored]) -> dict[str, Any]:
    """Return the figures of protocol C, with 95 % intervals of the tile AUROCs by bootstrap over strips."""
    known = [s for s in scored if s.labels is not None]
    labels = np.concatenate([s.labels for s in known])
    scores = np.concatenate([s.found.tile_scores for s in known])
    strips = np.concatenate([np.full(len(s.labels), i) for i, s in enumerate(known)])
    normal = np.concatenate([np.full(len(s.labels), s.strip.is_normal) for s in known])
    c1 = normal | labels
    maps, masks = [s.found.map for s in known], [s.mask for s in known]
    judged = [~np.isnan(m) for m in maps]
    pixel_scores = np.concatenate([m[j] for m, j in zip(maps, judged, strict=True)])
    pixel_labels = np.concatenate([m[j] for m, j in zip(masks, judged, strict=True)])
    return {
        "strips_without_known_mask": len(scored) - len(known),
        "tiles_tested": len(labels),
        "tiles_defective": int(labels.sum()),
        "tile_auroc_c1": metrics.auroc(labels[c1], scores[c1]),
        "tile_auroc_c1_interval": metrics.bootstrap_interval(metrics.auroc, labels[c1], scores[c1], strips[c1]),
        "tile_auroc_c2": metrics.auroc(labels, scores),
        "tile_auroc_c2_interval": metrics.bootstrap_interval(metrics.auroc, labels, scores, strips),
        "strip_auroc": metrics.auroc([not s.strip.is_normal for s in scored], [s.found.score for s in scored]),
        "pixel_auroc": metrics.auroc(pixel_labels, pixel_scores),
        "pixel_ap": metrics.average_precision(pixel_labels, pixel_scores),
        "aupro_0.3": metrics.aupro(maps, masks, 0.3),
    }


def result_table(figures: dict[str, Any]):
    """Return the figures of one run as a `rich.table.Table`."""
    from rich.table import Table

    table = Table("", "figure", title=f"PatchCore on fabric {figures['fabric']}, protocol C")

    def with_interval(name: str) -> str:
        low, high = figures[f"{name}_interval"]
        return f"{figures[name]:.3f}  (95 % {low:.3f} to {high:.3f})"

    table.add_row("tile AUROC, C1", with_interval("tile_auroc_c1"))
    table.add_row("tile AUROC, C2", with_interval("tile_auroc_c2"))
    for name, told in (
        ("strip_auroc", "strip AUROC"),
        ("pixel_auroc", "pixel AUROC"),
        ("pixel_ap", "pixel AP"),
        ("aupro_0.3", "AUPRO at 0.3"),
    ):
        table.add_row(told, f"{figures[name]:.3f}")
    table.add_section()
    table.add_row("fitted", f"{figures['strips_fitted']} strips, {figures['tiles_fitted']} tiles")
    table.add_row("kept in the bank", f"{figures['patches_kept']:,} patches")
    defective = f"{figures['tiles_tested']} tiles, {figures['tiles_defective']} of them defective"
    table.add_row("tested", f"{figures['strips_tested']} strips; {defective}")
    if figures["strips_without_known_mask"]:
        table.add_row("without a known mask", f"{figures['strips_without_known_mask']}; in the strip AUROC only")
    table.add_section()
    for step, seconds in figures["seconds"].items():
        table.add_row(step, f"{seconds:.1f} s")
    table.add_row("peak memory", f"{figures['peak_memory_mib']:,} MiB")
    return table


def write_results(folder: Path, figures: dict[str, Any], scored: Sequence[Scored]) -> None:
    """Write `scores.csv`, `figures.json` and each defective strip's picture under its map, on one scale."""
    with write_whole(folder / "scores.csv") as path, path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["level", "strip", "code", "defect", "row", "column", "score", "defective"])
        for s in scored:
            name = [s.strip.id, s.strip.code, s.strip.defect]
            writer.writerow(["strip", *name, "", "", f"{s.found.score:.6f}", int(not s.strip.is_normal)])
            labels = [""] * len(s.found.corners) if s.labels is None else s.labels.astype(int)
            for (row, column), score, label in zip(s.found.corners, s.found.tile_scores, labels, strict=True):
                writer.writerow(["tile", *name, row, column, f"{score:.6f}", label])
    with write_whole(folder / "figures.json") as path:
        path.write_text(json.dumps(_without_nan(figures), indent=2, allow_nan=False) + "\n", encoding="utf-8")
    pixels = np.concatenate([s.found.map[::4, ::4].ravel() for s in scored])
    scale = max(0.0, float(np.nanmin(pixels))), float(np.nanquantile(pixels, 0.9995))
    for s in scored:
        if not s.strip.is_normal:
            title = f"{s.strip.id}, {s.strip.defect}"
            figure, sentence = plot_strip(s.image, s.found.map, s.mask, title=title, scale=scale)
            with write_whole(folder / f"{s.strip.id}.png") as path:
                figure.savefig(path, dpi=110, metadata={"Description": sentence})


def _without_nan(value: Any) -> Any:
    """Replace nan by None in figures: JSON has no nan."""
    if isinstance(value, dict):
        return {name: _without_nan(inside) for name, inside in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(inside) for inside in value]
    return None if isinstance(value, float) and np.isnan(value) else value


def _check_writable(folder: Path) -> None:
    """Raise `InputError` for a folder that can't be written to, now and not after minutes of work."""
    with write_whole(folder / ".writable") as path:
        path.touch()
    (folder / ".writable").unlink()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="course.py demo", description=__doc__.split("\n")[0])
    parser.add_argument(
        "--data", metavar="DIR", help="folder with AITEX; else AITEX_ROOT, data/aitex, the practice fabric"
    )
    parser.add_argument("--fabric", metavar="FF", help="two digits; else the first that has normal strips")
    parser.add_argument("--out", metavar="DIR", type=Path, help="where results go; else data/demo/FF")
    parser.add_argument("--seed", type=int, default=0, help="of the split and the coreset (0)")
    given = parser.parse_args(arguments)
    try:
        root = find_aitex(given.data)
        strips = list_strips(root, given.fabric)
        fabric = next((s.fabric for s in strips if s.is_normal), given.fabric)
        if fabric is None:
            raise InputError(f"{root} holds no normal strips, so there is nothing to learn from: check {root}.")
        folder = given.out or PROJECT / "data" / "demo" / fabric
        _check_writable(folder)
        print(f"Fabric {fabric}: this takes two to four minutes on two cores.", flush=True)
        figures, scored = run_demo(root, fabric, seed=given.seed, progress=sys.stderr.isatty())
        write_results(folder, figures, scored)
    except InputError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    from rich.console import Console

    Console().print(result_table(figures))
    print(f"scores.csv, figures.json and the pictures are in {folder}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
