"""Figures of notebook 12, from arrays, each with a caption as in `plots`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from aitex_utils.errors import InputError
from aitex_utils.lessons.wording import check_values, count, percent
from aitex_utils.plots import (
    COLOURS,
    DEFECTIVE,
    LINE,
    MAP_COLOURS,
    MARKERS,
    NORMAL,
    draw_outline,
    make_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_promises(counts: Sequence[int], needed: Mapping[str, int]) -> tuple[Figure, str]:
    """Draw the lowest rate that good pictures can promise if half of them are held out.

    Parameters
    ----------
    counts : sequence of int
        Numbers of good pictures, at least 2.
    needed : mapping of str to int
        Number of good pictures that a promise needs, by its name.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If there are no numbers, or one is too small.

    Examples
    --------
    >>> print(plot_promises([2, 10, 100], {"5 %": 38})[1])
    The lowest false-alarm rate that good pictures can promise, half of them held out: from 50.0 % with 2 pictures to \
2.0 % with 100. A promise of 5 % needs 38 pictures.
    """
    check_values({"counts": counts, "needed": list(needed.values())})
    if min(*counts, *needed.values()) < 2:
        raise InputError("A number of good pictures is below 2: give one to learn from and one to hold out at least.")
    rates = 1 / (np.array(counts) // 2 + 1)
    figure, axis = make_axes(1, 1, (7, 3.2))
    axis.loglog(counts, 100 * rates, color=NORMAL)
    for name, number in needed.items():
        rate = 100 / (number // 2 + 1)
        axis.plot(number, rate, "o", color=DEFECTIVE)
        axis.annotate(f"{name}: {number:,}", (number, rate), xytext=(6, 6), textcoords="offset points", fontsize=9)
    axis.set(xlabel="good pictures", ylabel="lowest rate (%)", title="what good pictures can promise")
    axis.grid(alpha=0.3)
    caption = (
        "The lowest false-alarm rate that good pictures can promise, half of them held out: from "
        f"{100 * rates[0]:.1f} % with {counts[0]:,} pictures to {100 * rates[-1]:.1f} % with {counts[-1]:,}."
    )
    sentences = [f" A promise of {name} needs {number:,} pictures." for name, number in needed.items()]
    return figure, caption + "".join(sentences)


def plot_tiling(image: np.ndarray, corners: np.ndarray, tile_size: int) -> tuple[Figure, str]:
    """Draw the tiles of a picture.

    Parameters
    ----------
    image : ndarray, shape (H, W) or (H, W, 3)
        The picture at the resolution at which it is analysed.
    corners : ndarray, shape (N, 2)
        Row and column of each tile's upper left pixel.
    tile_size : int
        Side of a tile in px.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If the picture is empty, or there are no tiles.

    Examples
    --------
    >>> plot_tiling(np.zeros((256, 480), np.uint8), np.array([[0, 0], [0, 224]]), 256)[1]
    '2 tiles of 256 px cover a picture of 480 x 256 px.'
    """
    check_values({"image": image, "corners": corners})
    figure, axis = make_axes(1, 1, (6, 4.4))
    axis.imshow(image, cmap="gray", vmin=0, vmax=255)
    sides = tile_size * np.array([[0, 1, 1, 0, 0], [0, 0, 1, 1, 0]])
    for i, (row, column) in enumerate(corners):
        inset = 3 + 3 * (i % 2)  # so that lines of neighbouring tiles lie side by side
        x, y = column + np.clip(sides[0], inset, tile_size - inset), row + np.clip(sides[1], inset, tile_size - inset)
        axis.plot(x, y, color=COLOURS[1 + i % 3], linewidth=1.6)
    axis.set(xlabel="column (px)", ylabel="row (px)", title="a picture and its tiles")
    height, width = image.shape[:2]
    tiles = count(len(corners), "tile")
    return figure, f"{tiles} of {tile_size} px cover a picture of {width} x {height} px."


def plot_found(shares: Mapping[str, Mapping[str, float]]) -> tuple[Figure, str]:
    """Draw the share of flagged pictures of each kind, one marker per setting.

    Parameters
    ----------
    shares : mapping of str to mapping of str to float
        For each setting, the share of each kind.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If there are no settings, or they have different kinds.

    Examples
    --------
    >>> plot_found({"grey": {"good": 0.0, "knot": 0.5}})[1]
    'Flagged pictures. grey: good 0 %, knot 50 %.'
    """
    check_values({name: list(of_kind.values()) for name, of_kind in shares.items()})
    kinds = list(next(iter(shares.values())))
    if any(list(of_kind) != kinds for of_kind in shares.values()):
        raise InputError("The settings have different kinds: judge the same pictures with each.")
    figure, axis = make_axes(1, 1, (8, 3.2))
    width = 0.8 / len(shares)
    for i, (name, of_kind) in enumerate(shares.items()):
        x = np.arange(len(kinds)) + width * (i - (len(shares) - 1) / 2)
        axis.bar(x, [100 * of_kind[kind] for kind in kinds], width, label=name, color=COLOURS[i % len(COLOURS)])
    axis.set_xticks(range(len(kinds)), [kind.replace("_", " ") for kind in kinds])
    axis.set(ylabel="flagged (%)", ylim=(0, 104))
    axis.legend(fontsize=9, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    parts = [
        f"{name}: " + ", ".join(f"{kind.replace('_', ' ')} {percent(share)}" for kind, share in of_kind.items())
        for name, of_kind in shares.items()
    ]
    return figure, f"Flagged pictures. {'. '.join(parts)}."


def plot_realised(rates: Mapping[int, np.ndarray], promised: float) -> tuple[Figure, str]:
    """Draw the false-alarm rates of many splits against the promised rate.

    Parameters
    ----------
    rates : mapping of int to ndarray
        Rates of the splits, by the number of held-out pictures.
    promised : float
        Promised rate.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If there are no rates.

    Examples
    --------
    >>> plot_realised({19: np.array([0.0, 0.1])}, 0.05)[1]
    'False-alarm rates against a promise of 5 %. 19 held out: mean 5.0 % of 2 splits, 9 in 10 of them up to 10 %.'
    """
    check_values({f"rates of {n}": values for n, values in rates.items()})
    figure, axis = make_axes(1, 1, (7, 0.7 * len(rates) + 1.6))
    caption = f"False-alarm rates against a promise of {100 * promised:g} %."
    for row, (n, given) in enumerate(rates.items()):
        values, counts = np.unique(np.round(given, 2), return_counts=True)
        sizes = 320 * counts / counts.sum() + 4
        axis.scatter(100 * values, np.full(len(values), row), s=sizes, color=NORMAL, alpha=0.8)
        axis.plot(100 * np.mean(given), row, "|", color=DEFECTIVE, markersize=22, markeredgewidth=2.5)
        high = 100 * float(np.quantile(given, 0.9, method="inverted_cdf"))
        caption += (
            f" {n} held out: mean {100 * np.mean(given):.1f} % of {count(len(given), 'split')}, 9 in 10 of them up "
            f"to {high:.0f} %."
        )
    axis.axvline(100 * promised, color=LINE, linestyle=":", label="promised")
    axis.plot([], [], "|", color=DEFECTIVE, markersize=12, markeredgewidth=2.5, label="mean")
    axis.set_yticks(range(len(rates)), [f"{n} held out" for n in rates])
    axis.set(xlabel="flagged good pictures (%)", ylim=(len(rates) - 0.5, -0.5))
    axis.legend(fontsize=9, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure, caption


def plot_failures(
    images: Sequence[np.ndarray],
    maps: Sequence[np.ndarray],
    masks: Sequence[np.ndarray],
    titles: Sequence[str],
    threshold: float,
) -> tuple[Figure, str]:
    """Draw pictures above their anomaly maps.

    Parameters
    ----------
    images : sequence of ndarray, each of shape (H, W, 3)
        Pictures, uint8.
    maps : sequence of ndarray, each of shape (H, W)
        Their maps.
    masks : sequence of ndarray, each of shape (H, W)
        Where the defects are, bool; outlined in both rows.
    titles : sequence of str
        One per picture.
    threshold : float
        The map's colours end at 1.2 times this value.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If there are no pictures, or the counts differ.

    Examples
    --------
    >>> image = np.zeros((8, 8, 3), np.uint8)
    >>> plot_failures([image], [np.eye(8)], [np.eye(8) > 0], ["knot"], 2.0)[1]
    '1 picture above its map, with the marked defects outlined. Highest value in units of the threshold: knot 0.50.'
    """
    if not len(images) == len(maps) == len(masks) == len(titles):
        raise InputError("The numbers of images, maps, masks and titles differ: give each picture one of each.")
    check_values({f"map {i}": one for i, one in enumerate(maps)})
    figure, axes = make_axes(2, len(images), (2.9 * len(images), 4.6), squeeze=False)
    for column, (image, one, mask, title) in enumerate(zip(images, maps, masks, titles, strict=True)):
        axes[0, column].imshow(image)
        drawn = axes[1, column].imshow(one, cmap=MAP_COLOURS, vmin=0.4 * threshold, vmax=1.2 * threshold)
        axes[0, column].set_title(title, fontsize=9)
        for axis in axes[:, column]:
            draw_outline(axis, mask)
            axis.set_axis_off()
    figure.colorbar(drawn, ax=axes[1, :], fraction=0.03, pad=0.01, label="score")
    heights = ", ".join(f"{title} {np.max(one) / threshold:.2f}" for title, one in zip(titles, maps, strict=True))
    pictures = "1 picture above its map" if len(images) == 1 else f"{len(images)} pictures above their maps"
    return figure, (
        f"{pictures}, with the marked defects outlined. Highest value in units of the threshold: {heights}."
    )


def plot_regions(image: np.ndarray, found: np.ndarray, *, title: str) -> tuple[Figure, str]:
    """Draw the regions that were found in a picture.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3)
        The picture, uint8.
    found : ndarray, shape (H, W)
        The regions, bool.
    title : str
        Title of the figure.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If the shapes differ, or the picture is empty.

    Examples
    --------
    >>> plot_regions(np.zeros((4, 8, 3), np.uint8), np.eye(4, 8) > 0, title="Knot")[1]
    'Knot: 1 region found, 12.5 % of the picture.'
    """
    check_values({"image": image})
    if np.shape(found) != np.shape(image)[:2]:
        raise InputError(
            f"found has shape {np.shape(found)}, the picture {np.shape(image)[:2]}: give both of one size."
        )
    import cv2

    regions = cv2.connectedComponents(np.asarray(found, np.uint8), connectivity=8)[0] - 1
    figure, axis = make_axes(1, 1, (6, 4.4))
    axis.imshow(image)
    draw_outline(axis, found, linewidth=1.4)
    axis.set(title=title, xlabel="column (px)", ylabel="row (px)")
    return figure, f"{title}: {count(regions, 'region')} found, {percent(float(np.mean(found)), 1)} of the picture."


def plot_timeline(
    scores: np.ndarray,
    is_good: np.ndarray,
    thresholds: Mapping[str, np.ndarray | float],
    *,
    title: str,
    sums: np.ndarray | None = None,
    limit: float = 5.0,
) -> tuple[Figure, str]:
    """Draw scores in the order of time, with one or several thresholds, and a cumulative sum below them.

    Parameters
    ----------
    scores : ndarray, shape (n,)
        Scores in the order of time.
    is_good : ndarray, shape (n,)
        Labels, bool.
    thresholds : mapping of str to float or ndarray of shape (n,)
        Thresholds by their names, constant or one value per picture.
    title : str
        Title of the figure.
    sums : ndarray, shape (n,), optional
        A second panel with these sums.
    limit : float
        Value of the sums at which an alarm is raised.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If shapes differ or a value is not finite.

    Examples
    --------
    >>> print(plot_timeline(np.array([1.0, 3.0]), np.array([True, False]), {"fixed": 2.0}, title="Lamp")[1])
    Lamp: 2 scores in the order of time. fixed: flags 0 of 1 good and 1 of 1 defective pictures.
    """
    scores, is_good = np.asarray(scores, float), np.asarray(is_good, bool)
    lines = {name: np.broadcast_to(np.asarray(values, float), scores.shape) for name, values in thresholds.items()}
    check_values({"scores": scores, **lines, **({} if sums is None else {"sums": sums})})
    if is_good.shape != scores.shape or (sums is not None and np.shape(sums) != scores.shape):
        raise InputError("scores, is_good and sums differ in shape: give one value per picture.")
    rows = 1 if sums is None else 2
    ratios = [2, 1][:rows]
    figure, axes = make_axes(
        rows, 1, (8.5, 2.2 + 1.4 * rows), squeeze=False, sharex=True, gridspec_kw={"height_ratios": ratios}
    )
    top, number = axes[0, 0], np.arange(1, len(scores) + 1)
    for name, mask, marker, colour in (("good", is_good, "o", NORMAL), ("defective", ~is_good, "D", DEFECTIVE)):
        top.plot(number[mask], scores[mask], marker, color=colour, label=name)
    caption = f"{title}: {len(scores)} scores in the order of time."
    for (name, line), style in zip(lines.items(), ("-", "--", ":", "-."), strict=False):
        top.step(number, line, where="mid", color=LINE, linestyle=style, label=name)
        flagged = scores >= line
        caption += (
            f" {name}: flags {int(flagged[is_good].sum())} of {int(is_good.sum())} good and "
            f"{int(flagged[~is_good].sum())} of {int((~is_good).sum())} defective pictures."
        )
    top.set(ylabel="score", title=title)
    top.legend(fontsize=9, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    if sums is not None:
        caption += _draw_sums(axes[1, 0], number, np.asarray(sums, float), limit)
    axes[-1, 0].set_xlabel("number of the picture")
    return figure, caption


def _draw_sums(axis: Axes, number: np.ndarray, sums: np.ndarray, limit: float) -> str:
    """Draw the cumulative sum with its limit, and say when it is reached."""
    axis.plot(number, sums, color=NORMAL, marker=MARKERS[0], markersize=3)
    axis.axhline(limit, color=LINE, linestyle=":")
    axis.set(ylabel="CUSUM")
    reached = np.flatnonzero(sums >= limit)
    if not reached.size:
        return f" The cumulative sum stays below {limit:g}."
    return f" The cumulative sum reaches {limit:g} at picture {number[reached[0]]}."
