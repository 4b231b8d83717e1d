"""Figures that only notebook 03 uses: receptive fields, and the variances of patches; each comes with a caption."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from aitex_utils.lessons.wording import check_values, percent
from aitex_utils.plots import DEFECTIVE, LINE, LINE_STYLES, NORMAL, make_axes

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_squares(
    image: np.ndarray, sides: Mapping[str, float], *, title: str = "Receptive fields"
) -> tuple[Figure, str]:
    """Draw squares around the centre of a tile, one per layer.

    Parameters
    ----------
    image : ndarray, shape (H, W)
        Grey tile, uint8.
    sides : mapping of str to float
        Side of each square in px, by layer.
    title : str
        Title of the figure.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_squares(np.zeros((8, 8), np.uint8), {"blocks.0": 7})[1]
    'Receptive fields, as squares on a tile of 8 px: blocks.0 7 px.'
    """
    check_values({"image": image, "sides": list(sides.values())})
    figure, axis = make_axes(1, 1, (5.4, 4.2))
    height, width = image.shape
    axis.imshow(image, cmap="gray", vmin=0, vmax=255, origin="upper")
    for i, (layer, side) in enumerate(sides.items()):
        x = width / 2 + side / 2 * np.array([-1, 1, 1, -1, -1])
        y = height / 2 + side / 2 * np.array([-1, -1, 1, 1, -1])
        style = LINE_STYLES[i % len(LINE_STYLES)]
        axis.plot(x, y, style, color=DEFECTIVE, linewidth=2, label=f"{layer}: {side:.0f} px")
    axis.set(xlim=(-50, width + 50), ylim=(height + 50, -50), xlabel="column (px)", ylabel="row (px)", title=title)
    axis.legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
    listed = ", ".join(f"{layer} {side:.0f} px" for layer, side in sides.items())
    return figure, f"{title}, as squares on a tile of {width} px: {listed}."


def plot_spectrum(variances: np.ndarray, floor: float) -> tuple[Figure, str]:
    """Draw the variances of patches along their principal directions, and the floor that whitening adds.

    Parameters
    ----------
    variances : ndarray, shape (C,)
        Variances, in any order.
    floor : float
        Floor of the variance.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Examples
    --------
    >>> plot_spectrum(np.array([1.0, 3.0]), floor=2.0)[1]
    'Variance of normal patches by direction, from 3 down to 1: the first 2 of 2 directions have 100 % of it. The \
floor is above 1 of them.'
    """
    check_values({"variances": variances})
    variances = np.sort(variances)[::-1]
    figure, axis = make_axes(1, 1, (6.5, 3))
    axis.semilogy(np.arange(1, len(variances) + 1), variances, color=NORMAL, label="variance")
    axis.axhline(floor, color=LINE, linestyle=":", label="floor")
    axis.set(xlabel="direction, by decreasing variance", ylabel="variance of normal patches")
    axis.legend()
    first, below = variances[:10], int(np.sum(variances < floor))
    caption = f"Variance of normal patches by direction, from {variances[0]:.3g} down to {variances[-1]:.1g}: "
    share = percent(first.sum() / variances.sum()) if variances.sum() > 0 else "none"
    caption += f"the first {len(first)} of {len(variances)} directions have {share} of it. "
    return figure, f"{caption}The floor is {f'above {below} of them' if below else 'not above any of them'}."
