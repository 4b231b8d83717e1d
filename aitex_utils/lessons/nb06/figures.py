"""Figures of notebook 06: pairs, shares of defects, regions, intervals, promises, a gallery; and words for its tiles.

Each figure comes with a sentence, as in `plots`. The words are computed from a tile, its mask and its map alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from aitex_utils.errors import InputError
from aitex_utils.plots import DEFECTIVE, LINE, MAP_COLOURS, NORMAL, _axes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLES, MARKS = ("-", "--", ":", "-."), "os^Dv"
NEAR = 512  # px; a marked defect farther than two tiles off explains no alarm


def plot_line(bank: np.ndarray, patches: Mapping[str, float], *, note: str) -> tuple[Figure, str]:
    """Draw a bank of one channel (M,) as points of a line, and named patches on it with an arrow to their nearest."""
    figure, axis = _axes(1, 1, (7.5, 1.9))
    axis.axhline(0, color="0.8", zorder=0)
    axis.plot(bank, np.zeros(len(bank)), "o", color=NORMAL, markersize=9, label="memory bank")
    for i, (name, x) in enumerate(patches.items()):
        nearest = bank[np.abs(bank - x).argmin()]
        axis.plot(x, 0, "X", color=DEFECTIVE, markersize=10, label="patches" if i == 0 else None)
        axis.annotate(name, (x, 0), (0, 12), textcoords="offset points", ha="center")
        axis.annotate("", (nearest, -0.35), (x, -0.35), arrowprops={"arrowstyle": "->", "color": LINE})
    axis.set(ylim=(-0.8, 1), yticks=[], xlabel="the only channel")
    axis.legend(loc="upper left", bbox_to_anchor=(1.01, 1))
    listed = ", ".join(f"{name} at {x:g}" for name, x in patches.items())
    return figure, f"{len(bank)} vectors on a line, patches {listed}, an arrow from each to its nearest. {note}"


def plot_pairs(normal: np.ndarray, defective: np.ndarray) -> tuple[Figure, str]:
    """Draw every pair of a defective and a normal thing as a cell: right order, a tie, or wrong order."""
    from matplotlib import colormaps

    normal, defective = np.sort(normal), np.sort(defective)
    order = np.sign(defective[:, None] - normal)  # 1 right, 0 tie, -1 wrong
    figure, axis = _axes(1, 1, (7, 3))
    colours = colormaps[MAP_COLOURS].resampled(3)
    drawn = axis.imshow(order, origin="lower", aspect="auto", cmap=colours, vmin=-1.5, vmax=1.5, interpolation="none")
    bar = figure.colorbar(drawn, ax=axis, ticks=[-1, 0, 1], fraction=0.05)
    bar.ax.set_yticklabels(["wrong", "tie", "right"])
    axis.set(xlabel="normal tiles, by rising score", ylabel="defective tiles,\nby rising score")
    right, tied = float((order > 0).mean()), float((order == 0).mean())
    told = f"{len(defective)} x {len(normal)} = {order.size:,} pairs of a defective and a normal tile"
    return figure, f"{told}: {right:.1%} are in the right order, {tied:.1%} are ties."


def plot_shares(shares: np.ndarray, measures: Mapping[str, np.ndarray]) -> tuple[Figure, str]:
    """Draw measures (S,) by name against the share of defects (S,), on a logarithmic scale."""
    figure, axis = _axes(1, 1, (6.8, 3.3))
    for i, (name, values) in enumerate(measures.items()):
        axis.semilogx(shares, values, STYLES[i % 4] + MARKS[i % 5], color=LINE if i else NORMAL, label=name)
    axis.semilogx(shares, shares, ":", color="0.5", label="AP by chance")
    axis.set(xlabel="share of things that are defective", ylabel="measure", ylim=(0, 1.02))
    axis.invert_xaxis()
    axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    listed = "; ".join(f"{name} from {v[0]:.3f} to {v[-1]:.3f}" for name, v in measures.items())
    return figure, f"As the share of defects falls from {shares[0]:.0%} to {shares[-1]:.1%}: {listed}."


def plot_overlap(rate: np.ndarray, overlap: np.ndarray, limits: Sequence[float]) -> tuple[Figure, str]:
    """Draw the mean overlap of regions against the false-positive rate, and where the limits cut it off."""
    figure, axis = _axes(1, 1, (6.8, 3.2))
    axis.plot(rate, overlap, color=NORMAL, label="mean overlap")
    for style, limit in zip(STYLES[1:], sorted(limits), strict=False):
        axis.axvline(limit, linestyle=style, color=LINE, label=f"limit {limit:g}")
    axis.set(xlabel="false-positive rate of normal pixels", ylabel="mean overlap of regions")
    axis.set(xlim=(0, 1), ylim=(0, 1.02))
    axis.legend(loc="lower right")
    listed = ", ".join(f"{np.interp(limit, rate, overlap):.2f} at a rate of {limit:g}" for limit in sorted(limits))
    return figure, f"Mean overlap of the defect regions: {listed}."


def plot_intervals(
    estimates: Mapping[str, float], intervals: Mapping[str, Mapping[str, tuple[float, float]]], *, label: str
) -> tuple[Figure, str]:
    """Draw an estimate by name with one interval (low, high) for each way of drawing: intervals[way][name]."""
    figure, axis = _axes(1, 1, (7, 0.55 * len(estimates) + 1.2))
    rows, ways = np.arange(len(estimates)), list(intervals)
    for i, (way, colour) in enumerate(zip(ways, (NORMAL, DEFECTIVE), strict=False)):
        at = rows + 0.18 * (2 * i - 1)
        low, high = np.array([intervals[way][name] for name in estimates]).T
        axis.hlines(at, low, high, color=colour, linewidth=4 - i, label=f"drawn by {way}")
        axis.plot(list(estimates.values()), at, MARKS[i], color=LINE, markersize=5)
    axis.set(yticks=rows, yticklabels=list(estimates), xlabel=label)
    axis.invert_yaxis()
    axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    told = [
        f"{name} {value:.3f} (" + ", ".join("{:.3f} to {:.3f} by ".format(*intervals[w][name]) + w for w in ways) + ")"
        for name, value in estimates.items()
    ]
    return figure, f"{label[0].upper()}{label[1:]} with 95 % intervals: {'; '.join(told)}."


def plot_kept(alike: Sequence[float], held: Mapping[str, Sequence[float]], *, claimed: float) -> tuple[Figure, str]:
    """Draw how often intervals hold the truth, (A,) for each way of drawing, against how alike tiles of a strip are."""
    figure, axis = _axes(1, 1, (6.8, 3))
    for i, (name, shares) in enumerate(held.items()):
        axis.plot(alike, shares, STYLES[i] + MARKS[i], color=(NORMAL, DEFECTIVE)[i % 2], label=name)
    axis.axhline(claimed, color=LINE, linestyle=":", label=f"claimed: {claimed:.0%}")
    axis.set(xlabel="share of the variance that tiles of a strip have in common", ylim=(0, 1.02))
    axis.set_ylabel("intervals that\nhold the truth")
    axis.legend(loc="lower left")
    told = "; ".join(f"{name} " + ", ".join(f"{share:.0%}" for share in shares) for name, shares in held.items())
    return figure, f"Intervals that hold the truth, as tiles of a strip get more alike, {claimed:.0%} claimed: {told}."


def plot_promise(rates: Mapping[str, np.ndarray], promised: float) -> tuple[Figure, str]:
    """Draw measured false-alarm rates (R,), one dot a try, by where the threshold came from."""
    figure, axis = _axes(1, 1, (7, 0.6 * len(rates) + 1.2))
    random = np.random.default_rng(0)
    for row, (_, values) in enumerate(rates.items()):
        axis.plot(values, row + random.uniform(-0.18, 0.18, len(values)), "o", color=NORMAL, alpha=0.5, markersize=5)
        axis.vlines(np.mean(values), row - 0.35, row + 0.35, color=LINE, linewidth=2.5)
    axis.axvline(promised, color=DEFECTIVE, linestyle="--", label=f"promised: {promised:.0%}")
    axis.set(yticks=range(len(rates)), yticklabels=list(rates), xlabel="share of new normal tiles called defective")
    axis.invert_yaxis()
    axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    listed = "; ".join(f"{n} {np.mean(v):.1%} ({np.min(v):.1%} to {np.max(v):.1%})" for n, v in rates.items())
    return figure, f"False alarms on new normal strips, {promised:.0%} promised, mean (lowest to highest): {listed}."


def plot_gallery(
    tiles: np.ndarray, maps: np.ndarray, masks: np.ndarray, titles: Sequence[str], *, threshold: float = 1.0
) -> tuple[Figure, str]:
    """Draw tiles (N, H, W) above their maps on one scale, outlined: the mask, and what lies above `threshold`."""
    if not len(tiles) == len(maps) == len(masks) == len(titles) or not len(tiles):
        raise InputError(
            f"There are {len(tiles)} tiles, {len(maps)} maps, {len(masks)} masks and {len(titles)} titles: "
            "give each tile one of each, and at least one tile."
        )
    figure, axes = _axes(2, len(tiles), (1.9 * len(tiles) + 0.6, 4.1), squeeze=False)
    low, high = float(np.nanmin(maps)), float(max(np.nanmax(maps), threshold))
    for column, (tile, found, mask) in enumerate(zip(tiles, maps, masks, strict=True)):
        above, below = axes[:, column]
        above.imshow(tile, cmap="gray", vmin=0, vmax=255)
        drawn = below.imshow(found, cmap=MAP_COLOURS, vmin=low, vmax=high)
        for axis in (above, below):
            axis.set_axis_off()
            if mask.any():
                axis.contour(mask, levels=[0.5], colors=DEFECTIVE, linewidths=1.1)
        if found.max() >= threshold > found.min():
            below.contour(found, levels=[threshold], colors="white", linewidths=0.9)
        above.set_title(titles[column], fontsize=9)
    figure.colorbar(drawn, ax=axes, label="distance", fraction=0.03, pad=0.01)
    reached = sum(float(found.max()) >= threshold for found in maps)
    told = f"{len(tiles)} tiles above their maps, all on one scale; "
    told += f"{reached} of the maps reach" if reached else "no map reaches"
    told += f" {threshold:.3g}" + (", outlined in white." if reached else ".")
    marked = sum(bool(mask.any()) for mask in masks)
    return figure, told + (f" {marked} have a marked defect, outlined in both pictures." if marked else "")


def plot_operating(alarms: np.ndarray, found: np.ndarray, *, blind: float, unit: str) -> tuple[Figure, str]:
    """Draw the share of defects found (T,) against false alarms (T,), one point a threshold; `unit`: per what.

    Below `blind` false alarms the test is too small to say anything: that part is hatched.
    """
    figure, axis = _axes(1, 1, (6.8, 3.2))
    shown = alarms > 0
    axis.semilogx(alarms[shown], found[shown], color=NORMAL, drawstyle="steps-post")
    axis.set(xlabel=f"false alarms {unit}", ylabel="share of defects found", ylim=(0, 1.02), xlim=(blind / 30, None))
    axis.axvspan(blind / 30, blind, facecolor="0.9", edgecolor="0.6", hatch="//", label="the test is blind here")
    axis.legend(loc="upper left")
    half = alarms[found >= 0.5].min() if (found >= 0.5).any() else np.nan
    none = found[alarms == 0].max() if (alarms == 0).any() else 0.0
    told = f"To find half of the defects costs {half:,.0f} false alarms {unit}"
    told += f"; without any false alarm on the tiles tested, {none:.0%} are found"
    return figure, f"{told}. Below {blind:,.0f} false alarms the test is blind."


def contrast(tile: np.ndarray, mask: np.ndarray, *, around: int = 24) -> float:
    """Return how far the marked pixels' mean grey is from that of what lies `around` px around, in its spreads."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        raise InputError("No pixel of the mask is marked: the contrast of a defect needs a defect.")
    top, left = max(rows[0] - around, 0), max(columns[0] - around, 0)
    part = np.s_[top : rows[-1] + around + 1, left : columns[-1] + around + 1]
    inside, outside = tile[part][mask[part]], tile[part][~mask[part]]
    if not len(outside):
        inside, outside = tile[mask], tile[~mask] if not mask.all() else tile.ravel()
    return float(abs(inside.mean() - outside.mean()) / max(float(outside.std()), 1e-9))


def describe_miss(name: str, tile: np.ndarray, mask: np.ndarray, found: np.ndarray) -> str:
    """Say what kind of defect was missed, how large, how faint, where, and whether the map at least pointed at it."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    faint = contrast(tile, mask)
    edge = min(rows[0], columns[0], mask.shape[0] - 1 - rows[-1], mask.shape[1] - 1 - columns[-1])
    size = np.count_nonzero(mask)
    told = [f"{name}, {size:,} px marked"]
    told.append(f"{'faint' if faint < 0.5 else 'clear' if faint > 1 else 'moderate'}, contrast {faint:.1f} spreads")
    if edge == 0:
        told.append("cut by the tile's edge")
    inside = float(found[mask].max()) / float(found.max())
    told.append("the map is highest on it" if inside >= 1 else f"on it the map reaches {inside:.0%} of its maximum")
    return "; ".join(told) + "."


def describe_alarm(
    tile: np.ndarray, found: np.ndarray, usual: np.ndarray, *, away: float | None, threshold: float
) -> str:
    """Say how much of a clean tile is strange, where most, and how its light, sharpness and threads are unlike `usual`.

    usual (N, H, W): normal tiles to compare with. `away`: how far the highest point is from the nearest marked pixel of
    its strip in px; None where the strip is normal.
    """
    row, column = np.unravel_index(int(found.argmax()), found.shape)
    edge = min(row, column, found.shape[0] - 1 - row, found.shape[1] - 1 - column)
    above = float((found >= threshold).mean())
    share = "nothing" if above == 0 else "less than 1%" if above < 0.005 else f"{above:.0%}"
    told = [f"{share} of its {'map' if above else 'smoothed map'} is above the threshold"]
    if above < 0.5:
        told[0] += f", the highest point is row {row}, column {column}" + (" at the tile's edge" if edge < 16 else "")
    for what, of in (("mean grey", _grey), ("sharpness", _sharpness)):
        values = of(usual)
        apart = float((of(tile[None])[0] - values.mean()) / max(float(values.std()), 1e-9))
        if abs(apart) > 2:
            told.append(f"its {what} lies {abs(apart):.1f} spreads {'above' if apart > 0 else 'below'} the usual")
    for what, axis in (("across", 2), ("down", 1)):
        pitches, own = _pitch(usual, axis), _pitch(tile[None], axis)[0]
        low, middle, high = np.quantile(pitches, [0.1, 0.5, 0.9])
        overtone = min(abs(own / middle - 0.5), abs(own / middle - 2)) < 0.05  # the same threads, seen otherwise
        if high - low < 0.05 * middle < abs(own - middle) and not overtone:  # the usual tiles agree, this one doesn't
            told.append(f"{what}, its threads repeat every {own:.1f} px, usual are {middle:.1f}")
    if len(told) == 1:
        told.append("light, sharpness and threads as usual")
    if away is None:
        told.append("its strip is normal")
    elif away > NEAR:
        told.append("no marked defect near by")
    else:
        told.append(f"a marked defect {'only ' if away < 64 else ''}{away:,.0f} px away")
    return "; ".join(told) + "."


def _grey(tiles: np.ndarray) -> np.ndarray:
    return tiles.mean(axis=(1, 2), dtype=float)


def _sharpness(tiles: np.ndarray) -> np.ndarray:
    """Return the mean step between neighbouring columns: a blurred tile has a small one."""
    return np.abs(np.diff(tiles.astype(float), axis=2)).mean(axis=(1, 2))


def _pitch(tiles: np.ndarray, axis: int) -> np.ndarray:
    """Return after how many px tiles (N, H, W) repeat themselves along an axis (1 = down), by their strongest wave."""
    waves = np.abs(np.fft.rfft(tiles - tiles.mean(axis=(1, 2), keepdims=True), axis=axis)).mean(axis=3 - axis)
    waves[:, : tiles.shape[axis] // 16 + 1] = 0  # waves of 16 px and more are light and folds, no threads
    return tiles.shape[axis] / waves.argmax(axis=1)
