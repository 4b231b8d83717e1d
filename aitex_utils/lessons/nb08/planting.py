"""Defects and light planted into normal fabric, so that place, size and strength of each failure's cause are known."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from aitex_utils.errors import InputError

MARKED = 0.25  # share of a defect's strength from which a pixel belongs to its mask
TAPER = 3.0  # px over which the ends of a thread fade
THREAD, LENGTH, PERIOD = 1.8, 170, 52  # px of the loose thread: standard deviation, length, and from surface to surface
RADIUS, RIM = 40, 3.0  # px of the water stain


class Defect(NamedTuple):
    """The shape of a planted defect.

    Parameters
    ----------
    name : str
        Name for tables and figures.
    tile : float
        Tile of the strip, as a share of all its tiles.
    on_seam : bool
        True: at the tile's right edge, on the seam to the next tile. False: in the tile's centre.
    length : float
        Length across the strip's columns in px, 0 for a round defect.
    sigma : float
        Standard deviation of its profile in px.
    strength : float
        Change of the grey value in its middle, in standard deviations of the fabric.

    Examples
    --------
    >>> Defect("knot", 0.5, False, 0.0, 2.0, 3.0).name
    'knot'
    """

    name: str
    tile: float
    on_seam: bool
    length: float
    sigma: float
    strength: float


DEFECTS = (
    Defect("thread", 0.2, False, 60.0, 1.0, -1.8),
    Defect("knot", 0.4, False, 0.0, 2.0, 4.0),
    Defect("seam", 0.6, True, 0.0, 4.0, -3.2),
    Defect("stain", 0.8, False, 0.0, 14.0, -1.4),
)


def plant_defects(
    fabric: np.ndarray, corners: np.ndarray, defects: tuple[Defect, ...] = DEFECTS
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Plant defects into normal fabric.

    Parameters
    ----------
    fabric : ndarray, shape (H, W)
        Fabric of a normal strip, uint8.
    corners : ndarray, shape (N, 2)
        Row and column of each tile's upper left pixel.
    defects : tuple of Defect
        Defects to plant.

    Returns
    -------
    image : ndarray, shape (H, W)
        uint8.
    masks : dict of str to ndarray, each of shape (H, W)
        By name, True at the pixels of the defect.

    Raises
    ------
    InputError
        If the strip has fewer than two tiles.

    Examples
    --------
    >>> fabric = np.random.default_rng(0).normal(100, 10, (64, 256)).astype(np.uint8)
    >>> corners = np.array([[0, 0], [0, 64], [0, 128], [0, 192]])
    >>> image, masks = plant_defects(fabric, corners)
    >>> list(masks), bool((image != fabric)[masks["knot"]].all())
    (['thread', 'knot', 'seam', 'stain'], True)
    """
    if len(corners) < 2:
        raise InputError(f"The strip has {len(corners)} tile, expected at least two: a defect lies on their seam.")
    columns = np.sort(np.asarray(corners)[:, 1])
    spread, image, masks = float(fabric.std()), fabric.astype(np.float32), {}
    for defect in defects:
        number = min(int(defect.tile * len(columns)), len(columns) - (2 if defect.on_seam else 1))
        column = columns[number + 1] - 0.5 if defect.on_seam else columns[number] + fabric.shape[0] / 2
        weight = _profile(fabric.shape, column, defect)
        image += defect.strength * spread * weight
        masks[defect.name] = weight >= MARKED
    return np.rint(image).clip(0, 255).astype(np.uint8), masks


def _profile(shape: tuple[int, int], column: float, defect: Defect) -> np.ndarray:
    """Return the strength of a defect at each pixel, 1 in its middle."""
    down = np.arange(shape[0])[:, None] - shape[0] / 2
    across = np.abs(np.arange(shape[1]) - column)
    if not defect.length:
        return np.exp(-(down**2 + across**2) / (2 * defect.sigma**2))
    ends = np.clip((defect.length / 2 - across) / TAPER + 0.5, 0, 1)
    return np.exp(-(down**2) / (2 * defect.sigma**2)) * ends


def drift_light(fabric: np.ndarray, highest: float = 1.4) -> np.ndarray:
    """Return fabric under light that rises evenly from the first column to the last.

    Parameters
    ----------
    fabric : ndarray, shape (H, W)
        Grey values, uint8.
    highest : float
        Light at the last column, in units of the light at the first, 1 or more.

    Returns
    -------
    ndarray, shape (H, W)
        uint8.

    Raises
    ------
    InputError
        If the light does not rise.

    Examples
    --------
    >>> drift_light(np.full((1, 3), 100, np.uint8), highest=1.5).tolist()
    [[100, 125, 150]]
    """
    if not highest >= 1:
        raise InputError(f"highest is {highest}, expected 1 or more.")
    gain = np.linspace(1, highest, fabric.shape[1], dtype=np.float32)
    return np.rint(fabric * gain).clip(0, 255).astype(np.uint8)


def plant_large_defects(
    fabric: np.ndarray, corners: np.ndarray, strength: float = -1.9
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Plant a thread that surfaces again and again, and a water stain with a dark rim.

    Parameters
    ----------
    fabric : ndarray, shape (H, W)
        Fabric of a normal strip, uint8.
    corners : ndarray, shape (N, 2)
        Row and column of each tile's upper left pixel.
    strength : float
        Change of the grey value, in standard deviations of the fabric.

    Returns
    -------
    image : ndarray, shape (H, W)
        uint8.
    masks : dict of str to ndarray, each of shape (H, W)
        The whole thread, and the whole disc of the stain.

    Examples
    --------
    >>> fabric = np.random.default_rng(0).normal(100, 10, (256, 1280)).astype(np.uint8)
    >>> masks = plant_large_defects(fabric, np.array([[0, 0], [0, 256], [0, 512], [0, 768], [0, 1024]]))[1]
    >>> list(masks)
    ['loose thread', 'water stain']
    """
    columns, height = np.sort(np.asarray(corners)[:, 1]), fabric.shape[0]
    middles = [columns[int(share * len(columns))] + height / 2 for share in (0.3, 0.7)]
    down = np.arange(height)[:, None] - height / 2
    across = np.arange(fabric.shape[1]) - middles[0]
    line = np.exp(-(down**2) / (2 * THREAD**2)) * (np.abs(across) <= LENGTH / 2)
    from_centre = np.hypot(down, np.arange(fabric.shape[1]) - middles[1])
    angle = np.arctan2(down, np.arange(fabric.shape[1]) - middles[1])
    rim = np.exp(-((from_centre - RADIUS) ** 2) / (2 * RIM**2)) * (0.85 + 0.15 * np.cos(3 * angle))
    weight = 1.8 * line * (np.cos(2 * np.pi * across / PERIOD) > 0) + rim
    image = fabric + strength * float(fabric.std()) * weight
    masks = {"loose thread": line >= MARKED, "water stain": from_centre <= RADIUS + 2 * RIM}
    return np.rint(image).clip(0, 255).astype(np.uint8), masks
