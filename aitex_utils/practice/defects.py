"""The practice fabric's twelve kinds of defects: how each changes the yarns, and the mask that a person would draw.

Most defects are small and faint, as in AITEX. A kind that occurs in AITEX has sizes and contrasts of the same order
there. Each kind changes the yarns and returns how visible the defect is at each pixel, from which the mask is cut.
"""

from __future__ import annotations

import numpy as np

from aitex_utils.errors import check_choice
from aitex_utils.scoring import smooth

from .weave import Weave, Yarns, smooth_noise

SMALL = ("019", "025", "027", "030")  # kinds that are a few px wide


def add_defect(code: str, weave: Weave, yarns: Yarns, span: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Add a defect to the yarns, in place, and return its mask.

    Parameters
    ----------
    code : str
        Defect code of three digits, one of `DEFECT_CODES`.
    weave : Weave
        The weave of the strip.
    yarns : Yarns
        Changed in place.
    span : tuple of int
        First column of the fabric and the column after the last; a cut selvage begins at the first.
    rng : numpy.random.Generator
        Source of the random numbers.

    Returns
    -------
    ndarray, shape (H, W)
        uint8, 0 outside the defect and 40 to 255 inside. As in AITEX the rim is grey, not sharp.

    Raises
    ------
    InputError
        If there is no such kind.

    Examples
    --------
    >>> from aitex_utils.practice.weave import twill
    >>> weave, yarns = Weave(twill(1, 1), warp=5, weft=4, light=100, contrast=0.2), Yarns((256, 512))
    >>> mask = add_defect("027", weave, yarns, (0, 512), np.random.default_rng(0))
    >>> bool(10 < (mask > 0).sum() < 250)
    True
    """
    check_choice("code", code, DEFECT_CODES)
    height = yarns.shape[0]
    row = float(rng.uniform(24, height - 24))
    column = float(span[0] + rng.uniform(4, 30)) if code == "022" else float(rng.uniform(span[0] + 24, span[1] - 24))
    contrast = float(rng.uniform(0.65, 1.3))  # faint to plain
    visibility = _DRAW[code](weave, yarns, row, column, contrast, rng)
    return np.where(visibility > 0.35, np.clip(visibility * 420, 40, 255), 0).astype(np.uint8)


def defect_count(code: str, rng: np.random.Generator) -> int:
    """Return how many defects of a kind a strip gets: 3 of a small kind, else 1 or 2.

    Small defects come in numbers, so that a test set has enough pixels of them.

    Parameters
    ----------
    code : str
        Defect code of three digits.
    rng : numpy.random.Generator
        Source of the random numbers.

    Returns
    -------
    int

    Examples
    --------
    >>> defect_count("030", np.random.default_rng(0))
    3
    """
    return 3 if code in SMALL else int(rng.integers(1, 3))


def _grid(yarns: Yarns) -> tuple[np.ndarray, np.ndarray]:
    """Return the row numbers (H, 1) and the column numbers (1, W), float32."""
    return tuple(axis.astype(np.float32) for axis in np.ogrid[0 : yarns.shape[0], 0 : yarns.shape[1]])


def _blob(yarns: Yarns, row: float, column: float, down: float, right: float) -> np.ndarray:
    """Return a soft spot (H, W) float32, 1 at its centre, `down` and `right` px in size."""
    rows, columns = _grid(yarns)
    return np.exp(-(((rows - row) / down) ** 2) - ((columns - column) / right) ** 2)


def _ragged(yarns: Yarns, row: float, column: float, size: float, rng: np.random.Generator) -> np.ndarray:
    """Return an irregular soft spot (H, W) float32 of about `size` px: three overlapping blobs."""
    spot = np.zeros(yarns.shape, np.float32)
    for _ in range(3):
        down, right = size * rng.uniform(0.35, 0.7, 2)
        shift = rng.normal(0, 0.45 * size, 2)
        spot = np.maximum(spot, rng.uniform(0.7, 1) * _blob(yarns, row + shift[0], column + shift[1], down, right))
    return spot


def _thread(
    yarns: Yarns,
    row: float,
    column: float,
    length: float,
    thickness: float,
    bend: float,
    rng: np.random.Generator,
    *,
    vertical: bool,
) -> np.ndarray:
    """Return a soft line (H, W) float32 that follows a yarn, down the strip or along it, and fades at both ends.

    It drifts away from the straight line by about `bend` px.
    """
    rows, columns = _grid(yarns)
    along, across = (rows - row, columns - column) if vertical else (columns - column, rows - row)
    position = along.ravel()
    walk = np.interp(position, np.arange(-3000, 3001, 40), np.cumsum(rng.normal(0, 1, 151)))
    walk = walk - walk[np.abs(position).argmin()]  # no drift at the middle of the thread
    drift = bend * smooth(walk[None], (0.0, 12.0)).reshape(along.shape)
    ends = 0.5 + 0.5 * np.tanh((length / 2 - np.abs(along)) / 8)  # the logistic function of a quarter of the distance
    return (ends * np.exp(-(((across - drift) / thickness) ** 2))).astype(np.float32)


def _curve(
    yarns: Yarns, row: float, column: float, length: float, thickness: float, rng: np.random.Generator
) -> np.ndarray:
    """Return a crooked thread that begins at a point, a soft line (H, W) float32, 1 in its middle."""
    steps = int(2 * length)  # of half a px
    start = rng.uniform(0, 2 * np.pi)
    turns = rng.normal(0, 0.004, steps).cumsum() * 0.15 + rng.normal(0, 0.01, steps)
    angle = start + np.cumsum(turns)
    path = np.round([row + np.cumsum(np.sin(angle)) / 2, column + np.cumsum(np.cos(angle)) / 2]).astype(int)
    inside = (path >= 0).all(axis=0) & (path[0] < yarns.shape[0]) & (path[1] < yarns.shape[1])
    line = np.zeros(yarns.shape, np.float32)
    line[path[0][inside], path[1][inside]] = 1
    return np.minimum(smooth(line, thickness) * 2.5 * thickness, 1)


def _beads(yarns: Yarns, rng: np.random.Generator) -> np.ndarray:
    """Return how plain a loose thread is along its way, (H, W), about 1."""
    return np.clip(1 + 0.35 * smooth_noise(yarns.shape, (9, 9), rng), 0.2, 1.6)


def _draw_broken_end(weave, yarns, row, column, contrast, rng):
    end = _thread(yarns, row, column, rng.uniform(50, 260), 2.6, rng.uniform(1, 5), rng, vertical=True)
    yarns.gain *= 1 - 0.24 * contrast * end * _beads(yarns, rng)
    yarns.texture *= 1 - 0.5 * end
    return end


def _draw_broken_yarn(weave, yarns, row, column, contrast, rng):
    yarn = _thread(yarns, row, column, rng.uniform(120, 300), 2.8, rng.uniform(0.5, 3), rng, vertical=True)
    yarns.added += 75 * contrast * yarn * _beads(yarns, rng)
    yarns.texture *= 1 - 0.6 * yarn
    return yarn


def _draw_broken_pick(weave, yarns, row, column, contrast, rng):
    pick = _thread(yarns, row, column, rng.uniform(350, 1400), 2.4, 1.2, rng, vertical=False)
    rows, _ = _grid(yarns)
    near = smooth(pick, (7.0, 2.0))
    # The picks on both sides close the gap, so the weave is out of step there.
    yarns.down += 0.45 * contrast * weave.weft * near / max(float(near.max()), 1e-6) * np.sign(rows - row)
    yarns.gain *= 1 + rng.choice([-1, 1]) * 0.10 * contrast * pick
    yarns.texture *= 1 - 0.45 * contrast * pick
    return pick


def _draw_weft_curling(weave, yarns, row, column, contrast, rng):
    curl = _curve(yarns, row, column, rng.uniform(90, 300), 1.3, rng)
    yarns.added += rng.choice([-28, 42, 42]) * contrast * curl * _beads(yarns, rng)
    return curl


def _draw_fuzzyball(weave, yarns, row, column, contrast, rng):
    ball = _blob(yarns, row, column, rng.uniform(2.2, 3.4), rng.uniform(2.2, 3.6))
    tail = 0.5 * _blob(yarns, row - rng.uniform(6, 14), column, rng.uniform(2, 5), 2)
    yarns.gain *= 1 - 0.55 * contrast * np.maximum(ball, tail)
    yarns.texture *= 1 - 0.8 * ball
    return ball


def _draw_cut_selvage(weave, yarns, row, column, contrast, rng):
    length = rng.uniform(35, 130)
    cut = _thread(yarns, row, column + length / 2, length, 3.2, 1.5, rng, vertical=False)
    tuft = _blob(yarns, row, column + length, 4, 5)
    yarns.gain *= 1 - 0.20 * contrast * cut - 0.28 * contrast * tuft
    yarns.texture *= 1 - 0.4 * cut
    return np.maximum(cut, 0.8 * tuft)


def _draw_crease(weave, yarns, row, column, contrast, rng):
    fold = _thread(yarns, row, column, rng.uniform(260, 600), 6.0, rng.uniform(0.5, 3), rng, vertical=True)
    _, columns = _grid(yarns)
    side = np.tanh((columns - column) / 3)
    yarns.gain *= 1 + 0.13 * contrast * fold * side
    yarns.right += 3.0 * fold
    yarns.texture *= 1 - 0.35 * fold
    return fold


def _draw_warp_ball(weave, yarns, row, column, contrast, rng):
    ball = _blob(yarns, row, column, rng.uniform(2.2, 3.4), rng.uniform(2, 3))
    yarns.gain *= 1 - 0.58 * contrast * ball
    yarns.right += 1.5 * ball
    yarns.texture *= 1 - 0.7 * ball
    return ball


def _draw_knot(weave, yarns, row, column, contrast, rng):
    size = rng.uniform(2.4, 4.0)
    knot = _blob(yarns, row, column, size, size * 1.2)
    shade = _blob(yarns, row + 1.6 * size, column + 0.4 * size, size, size * 1.3)
    yarns.gain *= 1 + 0.42 * contrast * knot - 0.32 * contrast * shade
    yarns.texture *= 1 - 0.4 * knot
    return np.maximum(knot, 0.6 * shade)


def _draw_contamination(weave, yarns, row, column, contrast, rng):
    spot = _ragged(yarns, row, column, rng.uniform(5, 16), rng)
    yarns.gain *= 1 - 0.28 * contrast * spot
    return spot


def _draw_nep(weave, yarns, row, column, contrast, rng):
    nep = _ragged(yarns, row, column, rng.uniform(3, 7), rng)
    yarns.gain *= 1 - 0.48 * contrast * nep
    yarns.texture *= 1 - 0.8 * nep
    return nep


def _draw_weft_crack(weave, yarns, row, column, contrast, rng):
    crack = _thread(yarns, row, column, rng.uniform(60, 220), 2.0, 1.0, rng, vertical=False)
    rows, _ = _grid(yarns)
    yarns.down += 2.0 * contrast * np.sign(rows - row) * smooth(crack, (5.0, 2.0))
    yarns.gain *= 1 - 0.28 * contrast * crack
    return crack


# Each takes (weave, yarns, row, column, contrast, rng), changes the yarns, and returns the visibility (H, W), 0 to 1.
_DRAW = {
    "002": _draw_broken_end,
    "006": _draw_broken_yarn,
    "010": _draw_broken_pick,
    "016": _draw_weft_curling,
    "019": _draw_fuzzyball,
    "022": _draw_cut_selvage,
    "023": _draw_crease,
    "025": _draw_warp_ball,
    "027": _draw_knot,
    "029": _draw_contamination,
    "030": _draw_nep,
    "036": _draw_weft_crack,
}
DEFECT_CODES = tuple(_DRAW)
