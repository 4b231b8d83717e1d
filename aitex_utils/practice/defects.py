"""The practice fabric's twelve defects: what each does to the yarns, and the mask a person would draw.

Most are small and faint, as in AITEX. Each kind changes the yarns and returns how strongly it shows, (H, W) 0..1, from
which the mask is cut. Where a kind occurs in AITEX it is drawn after its look there: sizes and contrasts of the same
order.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.special import expit

from .weave import Weave, Yarns, smooth_noise

DRAWN = ("002", "006", "010", "016", "019", "022", "023", "025", "027", "029", "030", "036")
SMALL = ("019", "025", "027", "030")  # a few px wide; a strip has some of them


def fault(code: str, weave: Weave, yarns: Yarns, span: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Put a defect of the kind `code` into the yarns between the columns of `span`; return its mask (H, W) uint8, 0 to
    255.

    A cut selvage begins at the left of `span`.
    """
    height = yarns.shape[0]
    row = float(rng.uniform(24, height - 24))
    column = float(span[0] + rng.uniform(4, 30)) if code == "022" else float(rng.uniform(span[0] + 24, span[1] - 24))
    contrast = float(rng.uniform(0.65, 1.3))  # faint to plain
    strength = _KINDS[code](weave, yarns, row, column, contrast, rng)
    # A person marks what is seen; the mask's rim is grey, not sharp.
    return np.where(strength > 0.35, np.clip(strength * 420, 40, 255), 0).astype(np.uint8)


def how_many(code: str, rng: np.random.Generator) -> int:
    """Return how many defects of a kind a strip gets: the small ones come in numbers, so that there is enough to test
    on.
    """
    return 3 if code in SMALL else int(rng.integers(1, 3))


def _grid(yarns: Yarns) -> tuple[np.ndarray, np.ndarray]:
    return tuple(axis.astype(np.float32) for axis in np.ogrid[0 : yarns.shape[0], 0 : yarns.shape[1]])


def _blob(yarns: Yarns, row: float, column: float, down: float, right: float) -> np.ndarray:
    """Return a soft spot, 1 in its middle, (H, W) float32."""
    rows, columns = _grid(yarns)
    return np.exp(-(((rows - row) / down) ** 2) - ((columns - column) / right) ** 2)


def _ragged(yarns: Yarns, row: float, column: float, size: float, rng: np.random.Generator) -> np.ndarray:
    """Return an irregular soft spot of about `size` px, some blobs beside one another."""
    spot = np.zeros(yarns.shape, np.float32)
    for _ in range(3):
        down, right = size * rng.uniform(0.35, 0.7, 2)
        at = rng.normal(0, 0.45 * size, 2)
        spot = np.maximum(spot, rng.uniform(0.7, 1) * _blob(yarns, row + at[0], column + at[1], down, right))
    return spot


def _thread(
    yarns: Yarns,
    row: float,
    column: float,
    length: float,
    thick: float,
    bend: float,
    rng: np.random.Generator,
    down: bool,
) -> np.ndarray:
    """Return a thread about along a yarn (`down` the strip or along it), drifting by `bend` px: a soft line, ends
    fading.
    """
    rows, columns = _grid(yarns)
    along, across = (rows - row, columns - column) if down else (columns - column, rows - row)
    flat = along.ravel()
    steps = np.interp(flat, np.arange(-3000, 3001, 40), np.cumsum(rng.normal(0, 1, 151)))
    middle = bend * gaussian_filter(steps - steps[np.abs(flat).argmin()], 12).reshape(along.shape)
    ends = expit((length / 2 - np.abs(along)) / 4)
    return (ends * np.exp(-(((across - middle) / thick) ** 2))).astype(np.float32)


def _curve(
    yarns: Yarns, row: float, column: float, length: float, thick: float, rng: np.random.Generator
) -> np.ndarray:
    """Return a crooked thread that begins at a point, as a soft line (H, W) float32, 1 in its middle."""
    steps = int(2 * length)
    angle = rng.uniform(0, 2 * np.pi) + np.cumsum(
        rng.normal(0, 0.004, steps).cumsum() * 0.15 + rng.normal(0, 0.01, steps)
    )
    at = np.round([row + np.cumsum(np.sin(angle)) / 2, column + np.cumsum(np.cos(angle)) / 2]).astype(int)
    inside = (at >= 0).all(axis=0) & (at[0] < yarns.shape[0]) & (at[1] < yarns.shape[1])
    line = np.zeros(yarns.shape, np.float32)
    line[at[0][inside], at[1][inside]] = 1
    return np.minimum(gaussian_filter(line, thick) * 2.5 * thick, 1)


def _beads(yarns: Yarns, rng: np.random.Generator) -> np.ndarray:
    """Return how a loose thread comes and goes along its way, (H, W) about 1."""
    return np.clip(1 + 0.35 * smooth_noise(yarns.shape, (9, 9), rng), 0.2, 1.6)


def _broken_end(weave, yarns, row, column, contrast, rng):
    end = _thread(yarns, row, column, rng.uniform(50, 260), 2.6, rng.uniform(1, 5), rng, down=True)
    yarns.gain *= 1 - 0.24 * contrast * end * _beads(yarns, rng)
    yarns.texture *= 1 - 0.5 * end
    return end


def _broken_yarn(weave, yarns, row, column, contrast, rng):
    yarn = _thread(yarns, row, column, rng.uniform(120, 300), 2.8, rng.uniform(0.5, 3), rng, down=True)
    yarns.added += 75 * contrast * yarn * _beads(yarns, rng)
    yarns.texture *= 1 - 0.6 * yarn
    return yarn


def _broken_pick(weave, yarns, row, column, contrast, rng):
    pick = _thread(yarns, row, column, rng.uniform(350, 1400), 2.4, 1.2, rng, down=False)
    rows, _ = _grid(yarns)
    near = gaussian_filter(pick, (7, 2))
    # The picks on both sides close the gap; the weave is out of step there.
    yarns.down += 0.45 * contrast * weave.weft * near / max(float(near.max()), 1e-6) * np.sign(rows - row)
    yarns.gain *= 1 + rng.choice([-1, 1]) * 0.10 * contrast * pick
    yarns.texture *= 1 - 0.45 * contrast * pick
    return pick


def _weft_curling(weave, yarns, row, column, contrast, rng):
    curl = _curve(yarns, row, column, rng.uniform(90, 300), 1.3, rng)
    yarns.added += rng.choice([-28, 42, 42]) * contrast * curl * _beads(yarns, rng)
    return curl


def _fuzzyball(weave, yarns, row, column, contrast, rng):
    ball = _blob(yarns, row, column, rng.uniform(2.2, 3.4), rng.uniform(2.2, 3.6))
    tail = 0.5 * _blob(yarns, row - rng.uniform(6, 14), column, rng.uniform(2, 5), 2)
    yarns.gain *= 1 - 0.55 * contrast * np.maximum(ball, tail)
    yarns.texture *= 1 - 0.8 * ball
    return ball


def _cut_selvage(weave, yarns, row, column, contrast, rng):
    length = rng.uniform(35, 130)
    cut = _thread(yarns, row, column + length / 2, length, 3.2, 1.5, rng, down=False)
    tuft = _blob(yarns, row, column + length, 4, 5)
    yarns.gain *= 1 - 0.20 * contrast * cut - 0.28 * contrast * tuft
    yarns.texture *= 1 - 0.4 * cut
    return np.maximum(cut, 0.8 * tuft)


def _crease(weave, yarns, row, column, contrast, rng):
    fold = _thread(yarns, row, column, rng.uniform(260, 600), 6.0, rng.uniform(0.5, 3), rng, down=True)
    _, columns = _grid(yarns)
    side = np.tanh((columns - column) / 3)
    yarns.gain *= 1 + 0.13 * contrast * fold * side
    yarns.right += 3.0 * fold
    yarns.texture *= 1 - 0.35 * fold
    return fold


def _warp_ball(weave, yarns, row, column, contrast, rng):
    ball = _blob(yarns, row, column, rng.uniform(2.2, 3.4), rng.uniform(2, 3))
    yarns.gain *= 1 - 0.58 * contrast * ball
    yarns.right += 1.5 * ball
    yarns.texture *= 1 - 0.7 * ball
    return ball


def _knot(weave, yarns, row, column, contrast, rng):
    size = rng.uniform(2.4, 4.0)
    knot = _blob(yarns, row, column, size, size * 1.2)
    shade = _blob(yarns, row + 1.6 * size, column + 0.4 * size, size, size * 1.3)
    yarns.gain *= 1 + 0.42 * contrast * knot - 0.32 * contrast * shade
    yarns.texture *= 1 - 0.4 * knot
    return np.maximum(knot, 0.6 * shade)


def _contamination(weave, yarns, row, column, contrast, rng):
    spot = _ragged(yarns, row, column, rng.uniform(5, 16), rng)
    yarns.gain *= 1 - 0.28 * contrast * spot
    return spot


def _nep(weave, yarns, row, column, contrast, rng):
    nep = _ragged(yarns, row, column, rng.uniform(3, 7), rng)
    yarns.gain *= 1 - 0.48 * contrast * nep
    yarns.texture *= 1 - 0.8 * nep
    return nep


def _weft_crack(weave, yarns, row, column, contrast, rng):
    crack = _thread(yarns, row, column, rng.uniform(60, 220), 2.0, 1.0, rng, down=False)
    rows, _ = _grid(yarns)
    yarns.down += 2.0 * contrast * np.sign(rows - row) * gaussian_filter(crack, (5, 2))
    yarns.gain *= 1 - 0.28 * contrast * crack
    return crack


_KINDS = dict(
    zip(
        DRAWN,
        (
            _broken_end,
            _broken_yarn,
            _broken_pick,
            _weft_curling,
            _fuzzyball,
            _cut_selvage,
            _crease,
            _warp_ball,
            _knot,
            _contamination,
            _nep,
            _weft_crack,
        ),
        strict=True,
    )
)
