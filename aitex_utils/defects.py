"""The practice fabric's twelve defects: what each does to the yarns, and the mask a person would draw.

Most are small and faint, as in AITEX. Each returns how strongly it changes a place, (H, W) 0..1, from which the mask is cut.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from .weave import Weave, Yarns, smooth_noise

DRAWN = ("002", "006", "010", "016", "019", "022", "023", "025", "027", "029", "030", "036")


def fault(code: str, weave: Weave, yarns: Yarns, fabric_begin: int, rng: np.random.Generator) -> np.ndarray:
    """Put a defect of the kind `code` into the yarns right of `fabric_begin`; return its mask (H, W) uint8, 0 to 255."""
    height, width = yarns.shape
    row = float(rng.uniform(35, height - 35))
    column = float(fabric_begin + 4 if code == "022" else rng.uniform(fabric_begin + 160, width - 160))
    contrast = float(rng.uniform(0.5, 1.2))  # faint to plain
    strength = _KINDS[code](weave, yarns, row, column, contrast, rng)
    # A person marks what is seen and a little more; the mask's border is grey, not sharp.
    return np.where(strength > 0.3, np.clip(strength * 400, 60, 255), 0).astype(np.uint8)


def _grid(yarns: Yarns) -> tuple[np.ndarray, np.ndarray]:
    return tuple(np.ogrid[0 : yarns.shape[0], 0 : yarns.shape[1]])


def _blob(yarns: Yarns, row: float, column: float, down: float, right: float) -> np.ndarray:
    """Return a soft spot, 1 in its middle, (H, W) float32."""
    rows, columns = _grid(yarns)
    return np.exp(-(((rows - row) / down) ** 2) - ((columns - column) / right) ** 2).astype(np.float32)


def _line(yarns: Yarns, row: float, column: float, length: float, thick: float, down: bool) -> np.ndarray:
    """Return a straight line along a yarn, 1 within, with soft ends."""
    rows, columns = _grid(yarns)
    along, across = (rows - row, columns - column) if down else (columns - column, rows - row)
    ends = expit((length / 2 - np.abs(along)) / 3)
    return (ends * (np.abs(across) <= thick / 2)).astype(np.float32)


def _curve(
    yarns: Yarns, row: float, column: float, length: float, rng: np.random.Generator, thick: float
) -> np.ndarray:
    """Return a crooked thread that begins at a point, as a soft line."""
    steps = int(length)
    angle = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.16, steps))
    at_rows, at_columns = row + np.cumsum(np.sin(angle)), column + np.cumsum(np.cos(angle))
    strength = np.zeros(yarns.shape, np.float32)
    reach = int(3 * thick) + 1
    for r, c in zip(at_rows, at_columns, strict=True):
        top, left = max(int(r) - reach, 0), max(int(c) - reach, 0)
        part = (
            strength[top : int(r) + reach + 1, left : int(c) + reach + 1] if r > -reach and c > -reach else strength[:0]
        )
        if part.size:
            rows, columns = np.ogrid[top : top + part.shape[0], left : left + part.shape[1]]
            np.maximum(part, np.exp(-((rows - r) ** 2 + (columns - c) ** 2) / thick**2), out=part)
    return strength


def _broken_end(weave, yarns, row, column, contrast, rng):
    line = _line(yarns, row, column, rng.uniform(60, 300), weave.warp, down=True)
    yarns.no_warp |= line > 0.5
    yarns.gain *= 1 - 0.25 * contrast * line
    return line


def _broken_yarn(weave, yarns, row, column, contrast, rng):
    line = _line(yarns, row, column, rng.uniform(25, 90), weave.weft * 1.3, down=False)
    loose = _curve(yarns, row, column, rng.uniform(15, 40), rng, 1.5)
    yarns.no_weft |= line > 0.5
    yarns.added += 45 * contrast * loose
    return np.maximum(line, loose)


def _broken_pick(weave, yarns, row, column, contrast, rng):
    line = _line(yarns, row, column, rng.uniform(90, 420), weave.weft, down=False)
    yarns.no_weft |= line > 0.5
    yarns.gain *= 1 - 0.2 * contrast * line
    return line


def _weft_curling(weave, yarns, row, column, contrast, rng):
    curl = _curve(yarns, row, column, rng.uniform(60, 220), rng, 1.6)
    yarns.added += (20 + 45 * contrast) * curl
    return curl


def _fuzzyball(weave, yarns, row, column, contrast, rng):
    blob = _blob(yarns, row, column, rng.uniform(4, 10), rng.uniform(5, 13))
    tangle = np.clip(0.7 + 0.5 * smooth_noise(yarns.shape, (3, 3), rng), 0, 1.4)
    yarns.added += rng.choice([-1, 1]) * (12 + 26 * contrast) * blob * tangle
    return blob


def _cut_selvage(weave, yarns, row, column, contrast, rng):
    cut = _blob(yarns, row, column, rng.uniform(5, 14), rng.uniform(14, 34))
    yarns.added -= (0.5 + 0.4 * contrast) * weave.light * cut
    yarns.shift_down += 9 * cut
    return cut


def _crease(weave, yarns, row, column, contrast, rng):
    rows, columns = _grid(yarns)
    slope, wide = rng.uniform(-0.5, 0.5), rng.uniform(4, 9)
    away = columns - column - slope * (rows - row)
    fold = (np.exp(-((away / wide) ** 2)) * (np.abs(rows - row) < rng.uniform(40, 120))).astype(np.float32)
    yarns.gain *= 1 + 0.22 * contrast * fold * np.sign(away)
    yarns.shift_right += 3 * fold
    return fold


def _warp_ball(weave, yarns, row, column, contrast, rng):
    ball = _blob(yarns, row, column, rng.uniform(7, 18), rng.uniform(2.5, 4.5))
    yarns.added += (18 + 40 * contrast) * ball
    yarns.shift_right += 2 * ball
    return ball


def _knot(weave, yarns, row, column, contrast, rng):
    size = rng.uniform(2.2, 4.2)
    knot, shade = _blob(yarns, row, column, size, size * 1.3), _blob(yarns, row + 1.5 * size, column, size, size * 1.3)
    yarns.added += (25 + 45 * contrast) * knot - 22 * contrast * shade
    return np.maximum(knot, 0.6 * shade)


def _contamination(weave, yarns, row, column, contrast, rng):
    spot = _blob(yarns, row, column, rng.uniform(3, 14), rng.uniform(4, 18))
    yarns.gain *= 1 - (0.15 + 0.35 * contrast) * spot
    return spot


def _nep(weave, yarns, row, column, contrast, rng):
    nep = _blob(yarns, row, column, rng.uniform(1.6, 3.2), rng.uniform(1.8, 3.6))
    yarns.added += (25 + 50 * contrast) * nep
    return nep


def _weft_crack(weave, yarns, row, column, contrast, rng):
    crack = _line(yarns, row, column, rng.uniform(50, 200), weave.weft * 0.9, down=False)
    rows, _ = _grid(yarns)
    near = _blob(yarns, row, column, 12, 70)
    yarns.shift_down += 2.5 * contrast * near * np.sign(rows - row)
    yarns.gain *= 1 - (0.2 + 0.3 * contrast) * crack
    return crack


_KINDS = {
    "002": _broken_end,
    "006": _broken_yarn,
    "010": _broken_pick,
    "016": _weft_curling,
    "019": _fuzzyball,
    "022": _cut_selvage,
    "023": _crease,
    "025": _warp_ball,
    "027": _knot,
    "029": _contamination,
    "030": _nep,
    "036": _weft_crack,
}
