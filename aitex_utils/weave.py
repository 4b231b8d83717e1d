"""Woven texture from its yarns: which thread lies on top where, how light it is, and how the camera sees it.

A weave is drawn from its draft, a small table that says at which crossings the warp (running down a strip) lies over the
weft (running along it). Yarns wander, vary in lightness from one to the next and along their length; then come
uneven light, blur and the sensor's noise. Defects are faults of the yarns and are drawn before the camera looks.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates


@dataclass(frozen=True)
class Weave:
    """How a fabric is woven and seen. Lengths in px, lightness in grey levels.

    `draft` (rows, columns) is 1 where the warp lies on top; `warp` and `weft` are the spacings of the yarns; `light` is the mean,
    `depth` how much darker the gaps between yarns are; `uneven_yarn` and `uneven_light` are relative spreads.
    """

    draft: np.ndarray
    warp: float
    weft: float
    light: float
    depth: float
    warp_tone: float = 0.0
    uneven_yarn: float = 0.05
    uneven_light: float = 0.04
    wander: float = 0.5
    blur: float = 0.8
    noise: float = 2.5


@dataclass
class Yarns:
    """What a defect may change of a strip before it is drawn; all arrays are (H, W) or by yarn.

    `shift_down` and `shift_right` move the picture of the yarns (px); `missing_warp`, `missing_weft` (H, W) bool take them away;
    `gain` multiplies and `added` adds lightness.
    """

    shape: tuple[int, int]
    shift_down: np.ndarray = field(init=False)
    shift_right: np.ndarray = field(init=False)
    gain: np.ndarray = field(init=False)
    added: np.ndarray = field(init=False)
    no_warp: np.ndarray = field(init=False)
    no_weft: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        for name, value in (("shift_down", 0), ("shift_right", 0), ("gain", 1), ("added", 0)):
            setattr(self, name, np.full(self.shape, value, np.float32))
        self.no_warp = np.zeros(self.shape, bool)
        self.no_weft = np.zeros(self.shape, bool)


def twill(over: int, under: int, step: int = 1) -> np.ndarray:
    """Return the draft of a twill: each row is the one above, moved on by `step` (plain is `twill(1, 1)`)."""
    row = np.array([1] * over + [0] * under)
    return np.stack([np.roll(row, step * i) for i in range(len(row))])


def smooth_noise(shape: tuple[int, int], scale: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    """Return noise (H, W) float32 of spread about 1 that changes over `scale` = (down, right) px: coarse values, interpolated."""
    coarse = tuple(int(np.ceil(n / s)) + 3 for n, s in zip(shape, scale, strict=True))
    values = rng.standard_normal(coarse).astype(np.float32)
    down = np.arange(shape[0], dtype=np.float32) / scale[0] + rng.random(dtype=np.float32)
    right = np.arange(shape[1], dtype=np.float32) / scale[1] + rng.random(dtype=np.float32)
    for axis, at in ((0, down), (1, right)):
        low = np.floor(at).astype(int)
        part = at - low
        part = (part * part * (3 - 2 * part)).reshape([-1, 1] if axis == 0 else [1, -1])
        values = np.take(values, low, axis) * (1 - part) + np.take(values, low + 1, axis) * part
    return values * np.float32(1.6)  # interpolation takes away about that much of the spread


def draw(weave: Weave, yarns: Yarns, rng: np.random.Generator) -> np.ndarray:
    """Draw woven fabric as the camera sees it: (H, W) float32 grey levels."""
    height, width = yarns.shape
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    across = (columns + yarns.shift_right + weave.wander * smooth_noise(yarns.shape, (160, 90), rng)) / weave.warp
    along = (rows + yarns.shift_down + weave.wander * smooth_noise(yarns.shape, (40, 300), rng)) / weave.weft
    across += rng.random(dtype=np.float32) + 4
    along += rng.random(dtype=np.float32) + 4
    end, pick = np.floor(across).astype(np.int32), np.floor(along).astype(np.int32)
    on_top = weave.draft[pick % weave.draft.shape[0], end % weave.draft.shape[1]].astype(bool)
    on_top = (on_top & ~yarns.no_warp) | yarns.no_weft
    hole = (yarns.no_warp & yarns.no_weft) | (on_top & yarns.no_warp)
    round_warp = np.sin(np.pi * (across - end)) ** 0.8  # a yarn is a cylinder: light in its middle, dark at its sides
    round_weft = np.sin(np.pi * (along - pick)) ** 0.8
    # Where it dives under the next crossing a yarn turns away from the light.
    profile = np.where(on_top, round_warp * (0.6 + 0.4 * round_weft), round_weft * (0.6 + 0.4 * round_warp))
    tone = np.where(
        on_top, _yarn_tones(end, rows, 60, weave, rng) + weave.warp_tone, _yarn_tones(pick, columns, 150, weave, rng)
    )
    grey = weave.light * (1 + tone) + weave.depth * (profile - 0.62)
    grey = np.where(hole, weave.light - 0.9 * weave.depth, grey)
    light = 1 + weave.uneven_light * smooth_noise(yarns.shape, (300, 1100), rng)
    grey = gaussian_filter((grey * yarns.gain + yarns.added) * light, weave.blur)
    return grey + weave.noise * gaussian_filter(rng.standard_normal(yarns.shape, dtype=np.float32), 0.5)


def _yarn_tones(
    yarn: np.ndarray, position: np.ndarray, scale: float, weave: Weave, rng: np.random.Generator
) -> np.ndarray:
    """Return relative lightness (H, W): one value a yarn, and slow change along it over `scale` px."""
    table = rng.standard_normal((int(yarn.max()) + 1, int(position.max() / scale) + 3)).astype(np.float32)
    own = rng.standard_normal((len(table), 1)).astype(np.float32)
    table = weave.uneven_yarn * (0.6 * own + 0.8 * table)
    return map_coordinates(table, [yarn, position / np.float32(scale)], order=1, mode="nearest", output=np.float32)
