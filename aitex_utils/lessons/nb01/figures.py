"""Figures of notebook 01: strips, tiles, splits and the leakage experiment, each with a caption."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from aitex_utils.lessons.wording import check_values, count, percent
from aitex_utils.plots import (
    DEFECTIVE,
    FOURTH,
    LINE,
    LINE_STYLES,
    MAP_COLOURS,
    MARKERS,
    NORMAL,
    OUTSIDE,
    draw_intervals,
    make_axes,
)

from .leakage import LeakageResult, mean_interval, within_and_between

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_images(images: Mapping[str, np.ndarray], *, colours: str = "gray") -> tuple[Figure, str]:
    """Draw images one below another, all on one scale.

    Parameters
    ----------
    images : mapping of str to ndarray, each of shape (H, W)
        Images by title.
    colours : str
        Colour map.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_images({"strip": np.zeros((4, 8))})[1]
    'Images on one scale: strip (4 x 8 px).'
    """
    check_values(images, nan=True)
    figure, axes = make_axes(len(images), 1, (11, 1.35 * len(images) + 0.2), squeeze=False)
    low = min(float(np.nanmin(image)) for image in images.values())
    high = max(float(np.nanmax(image)) for image in images.values())
    for axis, (title, image) in zip(axes[:, 0], images.items(), strict=True):
        axis.imshow(image, cmap=colours, vmin=low, vmax=high, aspect="auto", origin="upper")
        axis.set(title=title, yticks=[])
    axes[-1, 0].set_xlabel("column (px)")
    sizes = ", ".join(f"{title} ({image.shape[0]} x {image.shape[1]:,} px)" for title, image in images.items())
    return figure, f"Images on one scale: {sizes}."


def plot_region(
    strip: np.ndarray, dissimilarity: np.ndarray, window: int, region: tuple[int, int], *, title: str = "Strip"
) -> tuple[Figure, str]:
    """Draw a strip above the dissimilarity of its windows to fabric, with the fabric's limits as lines.

    Parameters
    ----------
    strip : ndarray, shape (H, W)
        Grey values, uint8.
    dissimilarity : ndarray, shape (N,)
        Distance of each window to typical fabric, in multiples of the typical distance.
    window : int
        Width of a window in px.
    region : tuple of int
        First column of the fabric and the column after the last.
    title : str
        Title of the figure.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_region(np.zeros((4, 8), np.uint8), np.array([9.0, 1.0]), 4, (4, 8))[1]
    'Strip: fabric from column 4 to 8, median dissimilarity to fabric 1.0 inside, 9.0 left of it.'
    """
    check_values({"strip": strip})
    check_values({"dissimilarity": dissimilarity}, positive=True)
    figure, (above, below) = make_axes(2, 1, (11, 3), sharex=True)
    above.imshow(strip, cmap="gray", vmin=0, vmax=255, aspect="auto", origin="upper")
    columns = np.arange(len(dissimilarity)) * window
    below.semilogy(columns + window / 2, dissimilarity, color=NORMAL)
    for axis in (above, below):
        for column in region:
            axis.axvline(column, color=DEFECTIVE, linestyle="--")
    above.set(title=title, ylabel="row (px)", xlim=(0, strip.shape[1] + 8))
    below.set(xlabel="column (px)", ylabel="dissimilarity\nto fabric")
    left, right = columns < region[0], columns >= region[1]
    parts = {"inside": ~left & ~right, "left of it": left, "right of it": right}
    medians = [f"{np.median(dissimilarity[part]):.1f} {name}" for name, part in parts.items() if part.any()]
    caption = f"{title}: fabric from column {region[0]:,} to {region[1]:,}, median dissimilarity to fabric "
    return figure, f"{caption}{', '.join(medians)}."


def plot_starts(starts: np.ndarray, is_normal: np.ndarray, fabrics: Sequence[str]) -> tuple[Figure, str]:
    """Draw the first column of the fabric of each strip, for normal and defective strips of each fabric.

    Parameters
    ----------
    starts : ndarray, shape (N,)
        First column of the fabric of each strip.
    is_normal : ndarray, shape (N,)
        Bool.
    fabrics : sequence of str
        Fabric of each strip.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_starts(np.array([8, 40]), np.array([True, False]), ["00", "00"])[1]
    'First column of the fabric, median of normal and of defective strips: fabric 00 8 and 40.'
    """
    check_values({"starts": starts})
    fabrics, names, medians = np.asarray(fabrics), sorted(set(fabrics)), []
    figure, axis = make_axes(1, 1, (9, 0.7 * len(names) + 1.2))
    for row, name in enumerate(names):
        normal, defective = starts[(fabrics == name) & is_normal], starts[(fabrics == name) & ~is_normal]
        axis.plot(normal, np.full(len(normal), row + 0.15), "o", color=NORMAL, alpha=0.7)
        axis.plot(defective, np.full(len(defective), row - 0.15), "x", color=DEFECTIVE, alpha=0.7)
        texts = [f"{np.median(values):,.0f}" if len(values) else "none" for values in (normal, defective)]
        medians.append(f"fabric {name} {texts[0]} and {texts[1]}")
    axis.set(yticks=range(len(names)), yticklabels=names, xlabel="first column of the fabric (px)", ylabel="fabric")
    axis.set_ylim(-0.6, len(names) - 0.1)
    labels = ["normal strips", "defective strips"]
    axis.legend(axis.lines[:2], labels, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
    caption = "First column of the fabric, median of normal and of defective strips: "
    return figure, f"{caption}{'; '.join(medians)}."


def plot_grid(image: np.ndarray, corners: np.ndarray, size: int, *, title: str = "Tiles") -> tuple[Figure, str]:
    """Draw an image and its tiles, in two alternating colours that both remain visible in an overlap.

    Parameters
    ----------
    image : ndarray, shape (H, W)
        Grey values, uint8.
    corners : ndarray, shape (N, 2)
        Row and column of each tile's upper left pixel.
    size : int
        Side of the tiles in px.
    title : str
        Title of the figure.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_grid(np.zeros((4, 10), np.uint8), np.array([[0, 0], [0, 4], [0, 6]]), 4)[1]
    'Tiles: 3 tiles, neighbours share 0 px, the last two 2 px.'
    """
    from matplotlib.patches import Rectangle

    check_values({"image": image, "corners": corners})
    figure, axis = make_axes(1, 1, (11, 1.6))
    axis.imshow(image, cmap="gray", vmin=0, vmax=255, aspect="auto", origin="upper")
    for i, (row, column) in enumerate(corners):
        colour, line = (NORMAL, DEFECTIVE)[i % 2], LINE_STYLES[i % 2]
        axis.add_patch(Rectangle((column, row), size, size, facecolor=colour, alpha=0.3))
        axis.add_patch(Rectangle((column, row), size, size, fill=False, color=colour, linestyle=line, lw=2))
        axis.text(column + size / 2, row + size / 2, str(i), color="white", ha="center", va="center", weight="bold")
    axis.set(title=title, xlabel="column (px)", ylabel="row (px)")
    shared = [int(size - step) for step in np.diff(corners[:, 1])]
    caption = f"{title}: {count(len(corners), 'tile')}"
    if shared:
        caption += f", neighbours share {shared[0]} px"
    if len(set(shared)) > 1:
        caption += f", the last two {shared[-1]} px"
    return figure, caption + "."


def plot_rules(shares: Sequence[float], counts: Sequence[int], total: int) -> tuple[Figure, str]:
    """Draw the number of defective tiles for several smallest shares of a tile's area.

    Parameters
    ----------
    shares : sequence of float
        Smallest shares that make a tile defective; 0 = any pixel.
    counts : sequence of int
        Number of defective tiles for each.
    total : int
        Number of all tiles.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_rules((0, 0.01), (9, 4), 1000)[1]
    'Defective tiles of 1,000, by rule: any marked pixel 9, at least 1 % 4.'
    """
    check_values({"shares": shares, "counts": counts})
    figure, axis = make_axes(1, 1, (7.5, 3))
    bars = axis.bar(range(len(shares)), counts, color=DEFECTIVE, hatch="//", edgecolor="white")
    names = ["any marked pixel" if share == 0 else f"at least {100 * share:g} %" for share in shares]
    axis.set(xticks=range(len(shares)), xticklabels=names, xlabel="marked share of the area of a defective tile")
    axis.set_ylabel("defective tiles")
    axis.bar_label(bars)
    axis.margins(y=0.12)
    listed = ", ".join(f"{name} {count}" for name, count in zip(names, counts, strict=True))
    return figure, f"Defective tiles of {total:,}, by rule: {listed}."


def plot_tile_distances(distances: np.ndarray, groups: np.ndarray) -> tuple[Figure, str]:
    """Draw the distances between tiles, with lines between strips.

    Parameters
    ----------
    distances : ndarray, shape (N, N)
        Output of `leakage.tile_distances`.
    groups : ndarray, shape (N,)
        Strip of each tile, the tiles of a strip side by side.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> distances = np.array([[np.nan, 1, 4], [3, np.nan, 6], [4, 6, np.nan]])
    >>> plot_tile_distances(distances, np.array(["a", "a", "b"]))[1]
    'Mean distances between 3 tiles of 2 strips: 2.00 within a strip, 5.00 between strips.'
    """
    check_values({"distances": np.nan_to_num(distances)})
    figure, axis = make_axes(1, 1, (5.6, 4.6))
    drawn = axis.imshow(distances, cmap=MAP_COLOURS, interpolation="nearest", origin="upper")
    edges = np.flatnonzero(groups[1:] != groups[:-1]) + 0.5
    for edge in edges:
        axis.axhline(edge, color="white", lw=0.8)
        axis.axvline(edge, color="white", lw=0.8)
    axis.set(xlabel="tile to which the distance is measured", ylabel="tile")
    figure.colorbar(drawn, ax=axis, label="mean distance of patches")
    means = zip(("within a strip", "between strips"), within_and_between(distances, groups), strict=True)
    listed = ", ".join(f"{mean:.2f} {name}" for name, mean in means if np.isfinite(mean))
    tiles, strips = count(len(groups), "tile"), count(len(np.unique(groups)), "strip")
    return figure, f"Mean distances between {tiles} of {strips}: {listed or 'none, there is no pair'}."


def plot_leakage(result: LeakageResult) -> tuple[Figure, str]:
    """Draw the scores of both detectors: clean tiles of known strips, clean tiles of new strips, defective tiles.

    Parameters
    ----------
    result : LeakageResult
        With the set of tiles "defective".

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> result = LeakageResult(np.array([[1.0, 3.0]]), np.array([[4.0]]), {"defective": np.array([[9.0]])})
    >>> plot_leakage(result)[1]
    'Tile scores, medians: clean, known strips 2.0; clean, new strips 4.0; defective 9.0.'
    """
    names = ("clean, known strips", "clean, new strips", "defective")
    samples = [scores.ravel() for scores in (result.same, result.new, result.tile_sets["defective"])]
    check_values(dict(zip(names, samples, strict=True)))
    figure, axis = make_axes(1, 1, (8, 2.6))
    rng = np.random.default_rng(0)
    for row, (scores, colour, marker) in enumerate(zip(samples, (NORMAL, NORMAL, DEFECTIVE), "oox", strict=True)):
        jitter = row + rng.uniform(-0.2, 0.2, len(scores))
        axis.plot(scores, jitter, marker, color=colour, alpha=0.6)
        axis.plot([np.median(scores)] * 2, [row - 0.35, row + 0.35], color=LINE, lw=2)
    axis.set(yticks=range(3), yticklabels=names, xlabel="tile score (distance)")
    axis.invert_yaxis()
    medians = "; ".join(f"{name} {np.median(scores):.1f}" for name, scores in zip(names, samples, strict=True))
    return figure, f"Tile scores, medians: {medians}."


def plot_gaps(gaps: Mapping[str, Sequence[float]]) -> tuple[Figure, str]:
    """Draw the difference in AUROC of repeated draws, with its mean and the 95 % interval of the mean.

    Parameters
    ----------
    gaps : mapping of str to sequence of float
        Differences of repeated draws by name, see `leakage.LeakageResult.gap`.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_gaps({"as it is": [0.0, 0.1, 0.2]})[1]
    'Difference in AUROC (split by tile - split by strip), mean and 95 % interval: as it is +0.100 (-0.148 to +0.348).'
    """
    check_values(gaps)
    means, lows, highs = np.transpose([mean_interval(np.asarray(values)) for values in gaps.values()])
    figure, axis = make_axes(1, 1, (8, 0.6 * len(gaps) + 1.1))
    draw_intervals(axis, list(gaps), np.stack([lows, means, highs], axis=1))
    for row, values in enumerate(gaps.values()):
        axis.plot(values, np.full(len(values), row + 0.25), MARKERS[1], color=NORMAL, alpha=0.5)
    axis.set_xlabel("difference in AUROC (split by tile - split by strip)")
    rows = zip(gaps, means, lows, highs, strict=True)
    listed = "; ".join(f"{name} {mean:+.3f} ({low:+.3f} to {high:+.3f})" for name, mean, low, high in rows)
    return figure, f"Difference in AUROC (split by tile - split by strip), mean and 95 % interval: {listed}."


def plot_overlap(
    image: np.ndarray, corners: np.ndarray, size: int, overlap: int, defect: tuple[int, int]
) -> tuple[Figure, str]:
    """Draw the tiles of a strip as bars below it, and show which of them contain a defect whole.

    Parameters
    ----------
    image : ndarray, shape (H, W)
        Fabric, uint8.
    corners : ndarray, shape (N, 2)
        Row and column of each tile's upper left pixel.
    size : int
        Side of the tiles in px.
    overlap : int
        Width in px that neighbouring tiles share, for the caption.
    defect : (int, int)
        First column of the defect, and the column after its last.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_overlap(np.zeros((4, 8), np.uint8), np.array([[0, 0], [0, 4]]), 4, 0, (3, 5))[1]
    'Overlap 0 px: 2 tiles (2 without overlap). 0 of 8 columns are in two or more tiles. No tile contains the whole \
defect (columns 3 to 4).'
    """
    from matplotlib.patches import Patch

    check_values({"image": image, "corners": corners})
    starts, width = np.unique(np.asarray(corners)[:, 1]), image.shape[1]
    covered = np.zeros(width, dtype=int)
    for start in starts:
        covered[start : start + size] += 1
    whole = (starts <= defect[0]) & (defect[1] <= starts + size)
    touched = (starts < defect[1]) & (defect[0] < starts + size)
    figure, (above, below) = make_axes(2, 1, (11, 2.9), sharex=True)
    above.imshow(image, cmap="gray", vmin=0, vmax=255, aspect="auto", origin="upper")
    kinds = {
        "no part of the defect": (~touched, {"facecolor": "0.75"}),
        "a part of the defect": (touched & ~whole, {"facecolor": DEFECTIVE, "hatch": "//", "edgecolor": "white"}),
        "the whole defect": (whole, {"facecolor": NORMAL}),
    }
    rows = np.arange(len(starts)) % 3
    for chosen, style in kinds.values():
        below.barh(rows[chosen], size, left=starts[chosen], height=0.8, **style)
    for axis in (above, below):
        for column in defect:
            axis.axvline(column, color=LINE, linestyle="--", linewidth=1)
    handles = [Patch(label=f"contains {name}", **style) for name, (_, style) in kinds.items()]
    figure.legend(handles=handles, loc="outside lower right", ncols=3, frameon=False)
    above.set(title=f"Overlap {overlap} px", ylabel="row (px)", xlim=(0, width))
    below.set(xlabel="column (px)", ylabel="tiles", yticks=[], ylim=(2.6, -0.6))
    place = f"(columns {defect[0]:,} to {defect[1] - 1:,})"
    kept = f"touches {count(int(touched.sum()), 'tile')} and is whole in {count(int(whole.sum()), 'tile')}"
    sentence = f"The defect {place} {kept}" if whole.any() else f"No tile contains the whole defect {place}"
    caption = f"Overlap {overlap} px: {count(len(starts), 'tile')} ({-(-width // size)} without overlap). "
    caption += f"{int((covered > 1).sum()):,} of {width:,} columns are in two or more tiles. {sentence}."
    return figure, caption


def plot_compression(tile: np.ndarray, decoded: np.ndarray) -> tuple[Figure, str]:
    """Draw a tile, and how far it is changed after compression.

    Parameters
    ----------
    tile, decoded : ndarray, shape (H, W)
        Grey values before and after, uint8.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_compression(np.zeros((4, 4), np.uint8), np.eye(4, dtype=np.uint8))[1]
    'JPEG changes 25 % of the pixels, by up to 1 grey level.'
    """
    check_values({"tile": tile, "decoded": decoded})
    change = np.abs(tile.astype(int) - decoded)
    figure, (left, right) = make_axes(1, 2, (8, 3.4))
    left.imshow(tile, cmap="gray", vmin=0, vmax=255, origin="upper")
    drawn = right.imshow(change, cmap=MAP_COLOURS, vmin=0, interpolation="nearest", origin="upper")
    left.set(title="tile", xlabel="column (px)", ylabel="row (px)")
    right.set(title="change by JPEG", xlabel="column (px)")
    figure.colorbar(drawn, ax=right, label="grey levels")
    levels = count(int(change.max()), "grey level")
    return figure, f"JPEG changes {percent(float((change > 0).mean()))} of the pixels, by up to {levels}."


def plot_sets(groups: np.ndarray, splits: Mapping[str, Mapping[str, np.ndarray]]) -> tuple[Figure, str]:
    """Draw the tiles of each strip as a row, with a mark for the set of each tile, for one or more splits.

    Parameters
    ----------
    groups : ndarray, shape (N,)
        Strip of each tile.
    splits : mapping of str to mapping of str to ndarray
        Positions of tiles in `groups` by the name of their set, by the name of the split.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> groups = np.array(["a", "a", "b"])
    >>> plot_sets(groups, {"By tile": {"training": np.array([0, 2]), "test": np.array([1])}})[1]
    'By tile: 1 of 2 strips has tiles in more than one set.'
    """
    check_values({f"{name}, {part}": at for name, sets in splits.items() for part, at in sets.items()})
    strips, rows = np.unique(groups, return_inverse=True)
    places = np.array([np.count_nonzero(rows[:i] == row) for i, row in enumerate(rows)])
    figure, axes = make_axes(
        1, len(splits), (4.2 * len(splits) + 1.2, 0.24 * len(strips) + 1.2), sharey=True, squeeze=False
    )
    styles = (("s", NORMAL), ("x", DEFECTIVE), ("D", FOURTH))
    sentences = []
    for axis, (name, sets) in zip(axes[0], splits.items(), strict=True):
        for (part, at), (marker, colour) in zip(sets.items(), styles, strict=False):
            axis.plot(places[at], rows[at], marker, color=colour, label=part, markersize=5)
        axis.set(title=name, xlabel="tile of the strip", yticks=range(len(strips)), yticklabels=strips)
        memberships = np.sum([np.isin(strips, groups[at]) for at in sets.values()], axis=0)
        n = int((memberships > 1).sum())
        verb = "has" if n == 1 else "have"
        sentences.append(f"{name}: {n} of {count(len(strips), 'strip')} {verb} tiles in more than one set.")
    axes[0, 0].invert_yaxis()
    axes[0, -1].legend(**OUTSIDE, frameon=False)
    return figure, " ".join(sentences)


def plot_two_sides() -> tuple[Figure, str]:
    """Draw the leakage experiment: two sides of four strips each, one detector and its two tests.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_two_sides()[1].startswith("Detector A is fitted on tiles of side A.")
    True
    """
    from matplotlib.patches import FancyBboxPatch, Rectangle

    figure, axis = make_axes(1, 1, (10, 3.9))
    axis.set(xlim=(0, 20), ylim=(0, 7.8), aspect="equal")
    axis.set_axis_off()
    kinds = {  # by column of tiles: training tiles, test tiles, tiles that are not used
        "training": {"facecolor": NORMAL, "edgecolor": "white"},
        "test": {"facecolor": "white", "edgecolor": DEFECTIVE, "hatch": "///"},
        "unused": {"facecolor": "0.88", "edgecolor": "white"},
    }
    order = (
        ("test", "training", "unused", "training", "test", "training", "test"),
        ("training", "test", "test", "unused", "training", "test", "training"),
        ("unused", "training", "test", "training", "test", "training", "unused"),
        ("training", "test", "training", "test", "unused", "training", "test"),
    )
    for x, name in ((0.3, "A"), (14.1, "B")):
        axis.text(x + 2.8, 7.4, f"side {name}: 4 strips", ha="center", va="center", weight="bold")
        for row, strip in enumerate(order):
            for i, kind in enumerate(strip):
                axis.add_patch(Rectangle((x + 0.8 * i, 6.1 - 0.95 * row), 0.72, 0.72, **kinds[kind]))
    for x, y, words, colour in ((8, 4.3, "detector A", NORMAL), (7.6, 0.4, "defective tiles", DEFECTIVE)):
        width = 2 * (10 - x)
        box = FancyBboxPatch((x, y), width, 1.1, boxstyle="round,pad=0.15", facecolor="white", edgecolor=colour, lw=2)
        axis.add_patch(box)
        axis.text(10, y + 0.55, words, ha="center", va="center", weight="bold")
    arrow = {"arrowstyle": "->", "lw": 1.8, "shrinkA": 0, "shrinkB": 0}
    for tip, tail, style in (
        ((7.8, 5.2), (6.0, 5.9), {"color": NORMAL}),
        ((7.8, 4.5), (6.0, 3.8), {"color": DEFECTIVE, "linestyle": "--"}),
        ((12.2, 4.5), (14.0, 3.8), {"color": DEFECTIVE, "linestyle": "--"}),
        ((10.0, 4.1), (10.0, 1.75), {"color": DEFECTIVE, "linestyle": "--"}),
    ):
        axis.annotate("", tip, tail, arrowprops={**arrow, **style})
    axis.text(7.0, 6.15, "fit", ha="center", va="center")
    axis.text(7.7, 3.2, "test 1:\nsplit by tile", ha="center", va="center")
    axis.text(12.3, 3.2, "test 2:\nsplit by strip", ha="center", va="center")
    axis.text(10.0, 2.9, "in both\ntests", ha="center", va="center", backgroundcolor="white", fontsize=9)
    labels = {"training": "training tiles", "test": "test tiles", "unused": "tiles not used"}
    handles = [Rectangle((0, 0), 1, 1, label=labels[kind], **style) for kind, style in kinds.items()]
    axis.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 0.02), frameon=False, handlelength=1.2)
    return figure, (
        "Detector A is fitted on tiles of side A. Test 1 compares other tiles of side A with the defective tiles. "
        "Test 2 compares tiles of side B with the same defective tiles. For detector B, the sides are swapped."
    )


def plot_split_aurocs(results: Mapping[str, Sequence[LeakageResult]]) -> tuple[Figure, str]:
    """Draw the tile AUROC of repeated draws, split by tile and split by strip, with mean and 95 % interval.

    Parameters
    ----------
    results : mapping of str to sequence of LeakageResult
        Results of repeated draws by the name of the strips, with the set of tiles "defective".

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> result = LeakageResult(np.array([[1.0]]), np.array([[4.0]]), {"defective": np.array([[3.0, 5.0]])})
    >>> plot_split_aurocs({"unchanged": [result, result]})[1]
    'Tile AUROC, mean over draws (dotted line: guessing): unchanged 1.000 split by tile, 0.500 split by strip.'
    """
    values = {
        f"{name}, {split}": np.array([result.auroc(kind) for result in draws])
        for name, draws in results.items()
        for split, kind in (("split by tile", "same"), ("split by strip", "new"))
    }
    check_values(values)
    means, lows, highs = np.transpose([mean_interval(row) for row in values.values()])
    figure, axis = make_axes(1, 1, (8.5, 0.5 * len(values) + 1.0))
    draw_intervals(axis, list(values), np.stack([lows, means, highs], axis=1), reference=0.5)
    for row, (aurocs, marker) in enumerate(zip(values.values(), "so" * len(results), strict=True)):
        axis.plot(
            aurocs, np.full(len(aurocs), row + 0.25), marker, color=NORMAL if marker == "s" else DEFECTIVE, alpha=0.5
        )
    axis.set_xlabel("tile AUROC")
    pairs = zip(results, means[::2], means[1::2], strict=True)
    listed = "; ".join(f"{name} {one:.3f} split by tile, {two:.3f} split by strip" for name, one, two in pairs)
    return figure, f"Tile AUROC, mean over draws (dotted line: guessing): {listed}."
