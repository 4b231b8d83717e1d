"""`python course.py bench ablation [--data DIR] [--fabrics FF ...]`: the effect of each choice on the accuracy.

Each choice of our defaults is changed alone, on the fabrics 00 and 02, on which they were chosen. Protocol B tests
tiles, and protocol C the choices whose effect only whole strips show. Written to `results/ablation.json` with paired
bootstrap intervals over strips, and drawn in `images/ablation.png`. An interrupted run continues where it was.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import protocol_b
import protocol_c
from accuracy import CHOSEN_ON, PAPER_320
from comparison import Summary, cached_summary, mean_of_nested, paired_difference
from evaluation import EvalResult
from pages import write_pages
from protocol_b import TRAINING_TILES, FabricPatches
from protocols import read_fabric_tiles
from results_files import IMAGES, read_results, write_figure, write_results
from tables_ablation import DEFAULTS, ablation_caption, ablation_rows

from aitex_utils import patchcore
from aitex_utils.calibration import subtract_background
from aitex_utils.commands.launching import run_command
from aitex_utils.commands.profiling import versions
from aitex_utils.errors import InputError
from aitex_utils.patchcore import PAPER, PatchCore
from aitex_utils.plots import draw_intervals, make_axes
from aitex_utils.strips import find_aitex
from aitex_utils.tiling import crop_tiles, tile

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SEEDS = {"B": 2, "C": 1}
PICTURE = IMAGES / "ablation.png"
# By name, what is changed: parameters of PatchCore, and "crop", "count_padding", "quantile", "n_training" and
# "n_neighbors", see `evaluate_on_tiles`.
ON_TILES: dict[str, dict[str, Any]] = {
    DEFAULTS: {},
    "the paper's recipe, 320 px": PAPER_320,
    "the paper's recipe, 256 px": PAPER,
    "the paper's recipe, 320 px, zeros counted in pooling": {**PAPER_320, "count_padding": True},
    "strips not cropped to the fabric": {"crop": False},
    "320 px": {"size": 320},
    "256 px, tiles not resized": {"size": None},
    "zero padding": {"padding": "zeros"},
    "without position-wise normalisation": {"normalize_positions": False},
    "position-wise normalisation by the 95 % quantile": {"quantile": 0.95},
    "blocks.2 only": {"layers": ("blocks.2",)},
    "blocks.4 only": {"layers": ("blocks.4",)},
    "pooled branch only": {"pooling": 3},
    "unpooled branch only": {"pooling": 1},
    "one branch, no pooling of blocks.4": {"pooling": (3, 1)},
    "zeros counted in pooling": {"count_padding": True},
    "efficientnet_lite1": {"backbone": "efficientnet_lite1"},
    "efficientnet_lite2": {"backbone": "efficientnet_lite2"},
    "whitened": {"whiten": True},
    "coreset 1 %": {"coreset_ratio": 0.01},
    "coreset 10 %": {"coreset_ratio": 0.10},
    "random subset 5 %": {"sampler": "random"},
    "mean distance to 5 neighbours": {"n_neighbors": 5},
    "no smoothing": {"smoothing": 0},
    "smoothing 8 px": {"smoothing": 8},
    "10 training tiles": {"n_training": 10},
}
# Scoring of strips. "on_strips": whole, not tile by tile. "background": subtracted from a strip's map (the surroundings
# of each place, the quantile of each row, or nothing). All else: parameters of PatchCore.
STRIP_DEFAULTS: dict[str, Any] = {"on_strips": True, "background": "surroundings"}
ON_STRIPS: dict[str, dict[str, Any]] = {
    DEFAULTS: {},
    "no background subtraction": {"background": None},
    "background of each row only": {"background": "rows"},
    "pooled branch only": {"pooling": 3},
    "unpooled branch only": {"pooling": 1},
    "one branch, no pooling of blocks.4": {"pooling": (3, 1)},
    "tile by tile": {"on_strips": False},
    "tile by tile, no background subtraction": {"on_strips": False, "background": None},
}


@contextmanager
def count_padding() -> Iterator[None]:
    """Let pooling count zeros beyond a tile's border, as anomalib and the authors' code do. Ours leaves them out.

    Yields
    ------
    None
    """
    from torch.nn import functional

    average = functional.avg_pool2d
    functional.avg_pool2d = lambda *args, **options: average(*args, **{**options, "count_include_pad": True})
    try:
        yield
    finally:
        functional.avg_pool2d = average


@contextmanager
def normalize_by(quantile: float) -> Iterator[None]:
    """Let position-wise normalisation take another quantile of normal distances as typical.

    Parameters
    ----------
    quantile : float
        0 to 1.

    Yields
    ------
    None
    """
    position_scale = patchcore.position_scale
    patchcore.position_scale = functools.partial(position_scale, quantile=quantile)
    try:
        yield
    finally:
        patchcore.position_scale = position_scale


def evaluate_on_tiles(root: Path, fabric: str, patches: FabricPatches, change: dict[str, Any]) -> Iterator[EvalResult]:
    """Fit and test a changed configuration by protocol B.

    Parameters
    ----------
    root : Path
        Folder of the strips.
    fabric : str
        Two digits.
    patches : FabricPatches
        Patches of the fabric, for changes that leave tiles and pooling as they are.
    change : dict
        Parameters of `PatchCore`; "n_training" and "n_neighbors" as in `protocol_b.protocol_b`; "crop" False, for tiles
        of uncropped strips; "count_padding" True, see `count_padding`; "quantile", see `normalize_by`.

    Yields
    ------
    EvalResult
        One per seed.
    """
    parameters = dict(change)
    crop, counts = parameters.pop("crop", True), parameters.pop("count_padding", False)
    n_training, n_neighbors = parameters.pop("n_training", TRAINING_TILES), parameters.pop("n_neighbors", 1)
    test = functools.partial(
        protocol_b.protocol_b, parameters=parameters, n_training=n_training, n_neighbors=n_neighbors
    )
    if "quantile" in parameters:
        with normalize_by(parameters.pop("quantile")):
            yield from test(patches)
    elif not crop:
        yield from test(FabricPatches(read_fabric_tiles(root, fabric, crop=False), patches.seeds))
    elif counts:
        patches.clear()  # two sets at once would take too much memory
        with count_padding():
            yield from test(FabricPatches(patches.tiles, patches.seeds))
    else:
        yield from test(patches)


def subtract_row_background(anomaly_map: np.ndarray, quantile: float) -> np.ndarray:
    """Subtract from each row of a strip's map the quantile of that row along the whole strip.

    Parameters
    ----------
    anomaly_map : ndarray, shape (H, W)
        Map of the fabric.
    quantile : float
        Quantile that counts as background, 0 to 1.

    Returns
    -------
    ndarray, shape (H, W)
    """
    return anomaly_map - np.quantile(anomaly_map, quantile, axis=1, keepdims=True)


BACKGROUNDS = {"surroundings": subtract_background, "rows": subtract_row_background}


def with_background_subtracted(result: EvalResult, quantile: float, background: str = "surroundings") -> EvalResult:
    """Return the outcome of a test with background subtraction, from the outcome without.

    Parameters
    ----------
    result : EvalResult
        Outcome of a test by protocol C, with the maps of whole strips.
    quantile : float
        Quantile that counts as background, 0 to 1.
    background : {"surroundings", "rows"}
        Background to subtract.

    Returns
    -------
    EvalResult
        Without the scores of strips whose map is not there.
    """
    maps = [BACKGROUNDS[background](anomaly_map, quantile) for anomaly_map in result.maps]
    scores, strip_scores = result.scores.copy(), {}
    for anomaly_map, strip in zip(maps, result.map_strips, strict=True):
        corners = tile(np.zeros(anomaly_map.shape, np.uint8))[1]
        scores[result.tile_strips == strip] = crop_tiles(anomaly_map, corners).max(axis=(1, 2))
        strip_scores[strip] = float(anomaly_map.max())
    ordered = {strip: strip_scores[strip] for strip in result.strip_scores if strip in strip_scores}
    return replace(result, maps=maps, scores=scores, strip_scores=ordered)


@functools.lru_cache(maxsize=1)
def without_background_subtraction(
    root: Path, fabric: str, on_strips: bool, parameters: tuple[tuple[str, Any], ...]
) -> list[EvalResult]:
    """Fit and test our defaults by protocol C, without background subtraction. The last call is kept.

    Parameters
    ----------
    root : Path
        Folder of the strips.
    fabric : str
        Two digits.
    on_strips : bool
        Fit on whole strips; otherwise on their tiles.
    parameters : tuple of (str, value)
        Parameters of `PatchCore`.

    Returns
    -------
    list of EvalResult
        One per seed.
    """
    changed = {**dict(parameters), "background_quantile": None}
    return list(protocol_c.protocol_c(root, fabric, range(SEEDS["C"]), changed, on_strips=on_strips))


def evaluate_on_strips(root: Path, fabric: str, name: str) -> Iterator[EvalResult]:
    """Fit and test one choice of `ON_STRIPS` by protocol C.

    Parameters
    ----------
    root : Path
        Folder of the strips.
    fabric : str
        Two digits.
    name : str
        Name of the choice.

    Yields
    ------
    EvalResult
        One per seed.
    """
    choice = {**STRIP_DEFAULTS, **ON_STRIPS[name]}
    quantile, background, on_strips = PatchCore().background_quantile, choice.pop("background"), choice.pop("on_strips")
    for result in without_background_subtraction(root, fabric, on_strips, tuple(choice.items())):
        yield result if background is None else with_background_subtracted(result, quantile, background)


CODE = {
    "B": (protocol_b, evaluate_on_tiles, count_padding.__wrapped__, normalize_by.__wrapped__),
    "C": (
        protocol_c,
        evaluate_on_strips,
        with_background_subtracted,
        subtract_row_background,
        without_background_subtraction.__wrapped__,
    ),
}


def compare_with_defaults(summaries: Mapping[str, Mapping[str, Summary]]) -> dict[str, Any]:
    """Return the measures of each choice, and its differences to our defaults.

    Parameters
    ----------
    summaries : mapping of str to mapping of str to Summary
        By choice, then by fabric.

    Returns
    -------
    dict of str to dict
        By choice: measures by fabric, their means, and `minus_ours`, the differences (choice - defaults) with their
        intervals.
    """
    results = {}
    for name, of_choice in summaries.items():
        by_fabric = {fabric: summary.measures for fabric, summary in of_choice.items()}
        floats = [{k: v for k, v in measures.items() if isinstance(v, float)} for measures in by_fabric.values()]
        difference = paired_difference(of_choice, summaries[DEFAULTS])
        results[name] = {"fabrics": by_fabric, "mean": mean_of_nested(floats), "minus_ours": difference}
    return results


def draw(results: dict[str, Any]) -> Figure:
    """Draw the difference in tile AUROC of each choice.

    Parameters
    ----------
    results : dict
        Content of the results file.

    Returns
    -------
    matplotlib.figure.Figure
    """
    names, differences = zip(*ablation_rows(results), strict=True)
    middle, low, high = np.transpose(differences)
    figure, axis = make_axes(1, 1, (6.5, 0.3 * len(names) + 0.9))
    draw_intervals(axis, names, np.stack([low, middle, high], axis=1))
    axis.set_xlabel("tile AUROC, choice - our defaults")
    return figure


def run(root: Path, fabrics: Sequence[str]) -> dict[str, dict[str, dict[str, Summary]]]:
    """Fit and test every choice on some fabrics.

    Parameters
    ----------
    root : Path
        Folder of the strips.
    fabrics : sequence of str
        Fabrics.

    Returns
    -------
    dict of str to dict
        Summaries by protocol, choice and fabric.
    """
    summaries: dict[str, dict[str, dict[str, Summary]]] = {"B": {}, "C": {}}

    def summarize_choice(protocol: str, fabric: str, number: int, name: str, tests, change: dict[str, Any]) -> None:
        entry, settings = f"ablation_{protocol}_{fabric}_{number:02d}", {"choice": name, "change": str(change)}
        summary = cached_summary(entry, tests, root, code=CODE[protocol], seeds=SEEDS[protocol], **settings)
        summaries[protocol].setdefault(name, {})[fabric] = summary
        print(f"{protocol} {fabric} {name}: tile AUROC {summary.measures['tile_auroc']:.3f}", flush=True)

    for fabric in fabrics:
        patches = FabricPatches(read_fabric_tiles(root, fabric), range(SEEDS["B"]))
        by_features = sorted(ON_TILES, key=lambda name: repr([ON_TILES[name].get(f) for f in protocol_b.OF_FEATURES]))
        for name in by_features:  # in this order neighbours share the extracted patches
            tests = functools.partial(evaluate_on_tiles, root, fabric, patches, ON_TILES[name])
            summarize_choice("B", fabric, list(ON_TILES).index(name), name, tests, ON_TILES[name])
        patches.clear()
        for number, name in enumerate(ON_STRIPS):  # in this order they share `without_background_subtraction`
            tests = functools.partial(evaluate_on_strips, root, fabric, name)
            summarize_choice("C", fabric, number, name, tests, ON_STRIPS[name])
    return summaries


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
    parser = argparse.ArgumentParser(prog="course.py bench ablation", description="The effect of each choice.")
    parser.add_argument("--data", metavar="DIR", help="folder with AITEX (default: AITEX_ROOT or data/aitex)")
    parser.add_argument("--fabrics", nargs="+", metavar="FF", default=list(CHOSEN_ON), help="two digits each")
    options = parser.parse_args(arguments)
    try:
        summaries = run(find_aitex(options.data), options.fabrics)
    except InputError as error:
        print(f"bench ablation: {error}", file=sys.stderr)
        return 1
    results = {protocol: compare_with_defaults(of_protocol) for protocol, of_protocol in summaries.items()}
    write_results("ablation", {**results, "fabrics": options.fabrics, "seeds": SEEDS, "versions": versions()})
    results = read_results("ablation")
    caption = ablation_caption(results)
    write_figure(draw(results), caption, PICTURE, bbox_inches="tight")
    write_pages()
    print(caption)
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
