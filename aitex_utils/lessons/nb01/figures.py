"""Figures of notebook 01: strips, tiles and the leakage lab. As in `plots`, each comes with a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from aitex_utils.plots import DEFECTIVE, LINE, MAP_COLOURS, NORMAL, _axes

from .leakage import Exams, mean_interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_images(images: Mapping[str, np.ndarray], *, colours: str = "gray") -> tuple[Figure, str]:
    """Draw images (H, W) by title, one below the other, all on one scale."""
    figure, axes = _axes(len(images), 1, (11, 1.35 * len(images) + 0.2), squeeze=False)
    low = min(float(image.min()) for image in images.values())
    high = max(float(image.max()) for image in images.values())
    for axis, (title, image) in zip(axes[:, 0], images.items(), strict=True):
        axis.imshow(image, cmap=colours, vmin=low, vmax=high, aspect="auto")
        axis.set(title=title, yticks=[])
    axes[-1, 0].set_xlabel("column (px)")
    sizes = ", ".join(f"{title} ({image.shape[0]} x {image.shape[1]:,} px)" for title, image in images.items())
    return figure, f"{len(images)} pictures on one scale: {sizes}."


def plot_region(
    strip: np.ndarray, unlike: np.ndarray, window: int, region: tuple[int, int], *, title: str = "Strip"
) -> tuple[Figure, str]:
    """Draw a strip (H, W) above how unlike fabric each of its windows is; `region` = (start, stop) as lines."""
    figure, (above, below) = _axes(2, 1, (11, 3), sharex=True)
    above.imshow(strip, cmap="gray", vmin=0, vmax=255, aspect="auto")
    below.semilogy(np.arange(len(unlike)) * window + window / 2, unlike, color=NORMAL)
    for axis in (above, below):
        for column in region:
            axis.axvline(column, color=DEFECTIVE, linestyle="--")
    above.set(title=title, ylabel="row (px)", xlim=(0, strip.shape[1] + 8))
    below.set(xlabel="column (px)", ylabel="times the usual\ndifference")
    inside = np.arange(len(unlike)) * window >= region[0]
    told = f"{title}: fabric from column {region[0]:,} to {region[1]:,}; in it a window is at the median "
    told += f"{np.median(unlike[inside]):.1f} times as unlike typical fabric as usual"
    if (~inside).any():
        told += f", left of it {np.median(unlike[~inside]):.1f} times"
    return figure, told + "."


def plot_begins(begins: np.ndarray, normal: np.ndarray, fabrics: Sequence[str]) -> tuple[Figure, str]:
    """Draw the column where fabric begins of each strip, (N,), normal strips (N,) bool beside defective, by fabric."""
    names = sorted(set(fabrics))
    figure, axis = _axes(1, 1, (9, 0.7 * len(names) + 1.2))
    told = []
    for place, name in enumerate(names):
        medians = []
        for which, colour, sign, up in ((normal, NORMAL, "o", 0.15), (~normal, DEFECTIVE, "x", -0.15)):
            own = begins[(np.asarray(fabrics) == name) & which]
            label = ("normal", "defective")[colour == DEFECTIVE] + " strips" if place == 0 else None
            axis.plot(own, np.full(len(own), place + up), sign, color=colour, alpha=0.7, label=label)
            medians.append(f"{np.median(own):,.0f}" if len(own) else "none")
        told.append(f"fabric {name} {medians[0]} and {medians[1]}")
    axis.set(yticks=range(len(names)), yticklabels=names, xlabel="column where fabric begins (px)", ylabel="fabric")
    axis.set_ylim(-0.6, len(names) - 0.1)
    axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
    return figure, f"Columns where fabric begins, medians of normal and of defective strips: {'; '.join(told)}."


def plot_grid(image: np.ndarray, corners: np.ndarray, size: int, *, title: str = "Tiles") -> tuple[Figure, str]:
    """Draw an image (H, W) with its tiles, in two colours and lines in turn; where two overlap, both shine through."""
    from matplotlib.patches import Rectangle

    figure, axis = _axes(1, 1, (11, 1.6))
    axis.imshow(image, cmap="gray", vmin=0, vmax=255, aspect="auto")
    for i, (row, column) in enumerate(corners):
        colour, line = ((NORMAL, "-"), (DEFECTIVE, "--"))[i % 2]
        axis.add_patch(Rectangle((column, row), size, size, facecolor=colour, alpha=0.3))
        axis.add_patch(Rectangle((column, row), size, size, fill=False, color=colour, linestyle=line, lw=2))
        axis.text(column + size / 2, row + size / 2, str(i), color="white", ha="center", va="center", weight="bold")
    axis.set(title=title, xlabel="column (px)", ylabel="row (px)")
    shared = [int(size - step) for step in np.diff(corners[:, 1])]
    told = f"{title}: {len(corners)} tiles"
    if shared:
        told += f"; neighbours share {shared[0]} px" + (f", the last two {shared[-1]} px" if len(shared) > 1 else "")
    return figure, f"{told}."


def plot_rules(shares: Sequence[float], counts: Sequence[int], total: int) -> tuple[Figure, str]:
    """Draw how many tiles count as defective by the least share of their area; `shares[0]` = 0 means any pixel."""
    figure, axis = _axes(1, 1, (6.5, 3))
    axis.bar(range(len(shares)), counts, color=DEFECTIVE, hatch="//", edgecolor="white")
    names = ["any pixel" if share == 0 else f"{share:.1%}" for share in shares]
    axis.set(xticks=range(len(shares)), xticklabels=names, xlabel="least share of the tile's area")
    axis.set_ylabel("defective tiles")
    for place, count in enumerate(counts):
        axis.text(place, count, str(count), ha="center", va="bottom")
    axis.margins(y=0.12)
    told = ", ".join(f"{name} {count}" for name, count in zip(names, counts, strict=True))
    return figure, f"Defective tiles of {total:,} by the rule: {told}."


def plot_resemblance(distances: np.ndarray, owner: np.ndarray) -> tuple[Figure, str]:
    """Draw how far tile j is from tile i, (N, N), lines between strips (`owner` (N,), in order)."""
    figure, axis = _axes(1, 1, (5.6, 4.6))
    drawn = axis.imshow(distances, cmap=MAP_COLOURS, interpolation="nearest")
    edges = np.flatnonzero(owner[1:] != owner[:-1]) + 0.5
    for edge in edges:
        axis.axhline(edge, color="white", lw=0.8)
        axis.axvline(edge, color="white", lw=0.8)
    axis.set(xlabel="tile that is compared with", ylabel="tile")
    figure.colorbar(drawn, ax=axis, label="mean distance of patches")
    one_strip = np.equal.outer(owner, owner)
    within, between = np.nanmean(distances[one_strip]), np.nanmean(distances[~one_strip])
    told = f"Distances between {len(owner)} tiles of {len(edges) + 1} strips: {within:.2f} within a strip, "
    return figure, told + f"{between:.2f} between strips, on average."


def plot_exams(exams: Exams) -> tuple[Figure, str]:
    """Draw the scores of both detectors: clean tiles of strips they know, of strips they don't, and defective tiles."""
    figure, axis = _axes(1, 1, (8, 2.6))
    groups = {"clean, known strips": exams.same, "clean, new strips": exams.new, "defective": exams.others["defective"]}
    groups = {name: scores.ravel() for name, scores in groups.items()}
    random = np.random.default_rng(0)
    for place, (scores, colour) in enumerate(zip(groups.values(), (NORMAL, NORMAL, DEFECTIVE), strict=True)):
        jitter = place + random.uniform(-0.2, 0.2, len(scores))
        axis.plot(scores, jitter, "x" if place == 2 else "o", color=colour, alpha=0.6)
        axis.plot([np.median(scores)] * 2, [place - 0.35, place + 0.35], color=LINE, lw=2)
    axis.set(yticks=range(3), yticklabels=groups, xlabel="score of the tile (distance)")
    axis.invert_yaxis()
    told = ", ".join(f"{name} {np.median(scores):.1f}" for name, scores in groups.items())
    return figure, f"Scores of tiles, medians as lines: {told}."


def plot_gaps(gaps: Mapping[str, Sequence[float]]) -> tuple[Figure, str]:
    """Draw the gaps of repeated splits by name, each a dot, with the mean and its 95 % interval."""
    figure, axis = _axes(1, 1, (8, 0.6 * len(gaps) + 1.1))
    told = []
    for place, (name, values) in enumerate(gaps.items()):
        mean, low, high = mean_interval(np.asarray(values))
        axis.plot(values, np.full(len(values), place + 0.18), "o", color=NORMAL, alpha=0.5)
        axis.errorbar(mean, place - 0.12, xerr=[[mean - low], [high - mean]], fmt="s", color=LINE, capsize=4)
        told.append(f"{name} {mean:+.4f} ({low:+.4f} to {high:+.4f})")
    axis.axvline(0, color=LINE, linestyle=":")
    axis.set(yticks=range(len(gaps)), yticklabels=gaps, xlabel="AUROC split by tile minus AUROC split by strip")
    axis.set_ylim(len(gaps) - 0.4, -0.5)
    return figure, f"How much better the split by tile looks, mean and 95 % interval: {'; '.join(told)}."
