"""Woven texture from its yarns: which thread lies on top where, how light it is, and how the camera sees it.

A weave is drawn from its draft, a small table that says at which crossings the warp (running down a strip) lies over
the weft (running along it). Its repeat is drawn once, finely, and blurred as a lens would; a strip looks it up at
coordinates counted in yarns. Yarns wander and vary in lightness, from one to the next and along their length; there are
thick places and specks that nobody calls a defect. Then come uneven light and focus, and the sensor's noise. Defects
change the yarns' coordinates, lightness and texture before the camera looks.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

FINE = 12  # samples of the repeat across one yarn


@dataclass(frozen=True)
class Weave:
    """How a fabric is woven and seen. Lengths in px; `light` in grey levels, all spreads and shares relative to it.

    `draft` (rows, columns) is 1 where the warp lies on top; `warp` and `weft` are the spacings of the yarns (below 2 px
    only the weave's larger figure is seen, as the twill lines of a fine cloth); `contrast` is the spread of the woven
    texture, `tone` how much lighter the warp is than the weft, before that; `uneven_warp`, `uneven_weft` spreads of the
    yarns' lightness, `uneven_places` that of thick and thin places; `specks` is their number a strip, of which nobody
    takes notice; `uneven_light`, `lamp` and `fading` change light and contrast along the strip; `speeds` are those of
    the machine.
    """

    draft: np.ndarray
    warp: float
    weft: float
    light: float
    contrast: float
    tone: float = 0.0
    uneven_warp: float = 0.05
    uneven_weft: float = 0.05
    uneven_places: float = 0.03
    specks: float = 1.5
    uneven_light: float = 0.02
    lamp: float = 0.1
    fading: float = 0.3
    wander: float = 0.8
    blur: float = 0.8
    noise: float = 2.5
    speeds: tuple[float, ...] = (1.0,)


@dataclass
class Yarns:
    """What a defect may change of a strip before it is drawn; all arrays are (H, W) float32.

    `down` and `right` move the picture of the yarns (px); `texture` multiplies its contrast; `gain` multiplies and
    `added` adds lightness (grey levels).
    """

    shape: tuple[int, int]
    down: np.ndarray = field(init=False)
    right: np.ndarray = field(init=False)
    texture: np.ndarray = field(init=False)
    gain: np.ndarray = field(init=False)
    added: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        for name, value in (("down", 0), ("right", 0), ("texture", 1), ("gain", 1), ("added", 0)):
            setattr(self, name, np.full(self.shape, value, np.float32))


def twill(over: int, under: int, step: int = 1) -> np.ndarray:
    """Return the draft of a twill: each row is the one above, moved on by `step` (plain is `twill(1, 1)`).

    A satin is a twill with a step above 1 that shares no divisor with the number of yarns.

    >>> twill(2, 1)
    array([[1, 1, 0],
           [0, 1, 1],
           [1, 0, 1]])
    """
    row = np.array([1] * over + [0] * under)
    return np.stack([np.roll(row, step * i) for i in range(len(row))])


def smooth_noise(shape: tuple[int, int], scale: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    """Return noise (H, W) float64 of spread about 1 that changes over `scale` = (down, right) px: coarse,
    interpolated.
    """
    coarse = tuple(int(np.ceil(n / s)) + 3 for n, s in zip(shape, scale, strict=True))
    values = rng.standard_normal(coarse).astype(np.float32)
    for axis, (n, s) in enumerate(zip(shape, scale, strict=True)):
        at = np.arange(n, dtype=np.float32) / np.float32(s) + rng.random(dtype=np.float32)
        low = np.floor(at).astype(int)
        part = at - low
        part = (part * part * (3 - 2 * part)).reshape([-1, 1] if axis == 0 else [1, -1])
        values = np.take(values, low, axis) * (1 - part) + np.take(values, low + 1, axis) * part
    return values * np.float32(1.3)  # interpolation takes away about that much of the spread


def repeat(weave: Weave) -> np.ndarray:
    """Return one repeat of the weave as the lens shows it, (rows * FINE, columns * FINE) float32, mean 0, spread 1."""
    draft = np.kron(weave.draft, np.ones((FINE, FINE))) > 0
    middle = (np.arange(FINE) + 0.5) / FINE
    rounded = np.sin(np.pi * middle)  # a yarn is a cylinder: light in its middle, dark at its sides
    across = np.tile(rounded, weave.draft.shape[1])[None, :]
    along = np.tile(rounded, weave.draft.shape[0])[:, None]
    # Where it dives under the next crossing a yarn turns away from the light.
    lightness = np.where(draft, weave.tone + across * (0.5 + 0.5 * along), along * (0.5 + 0.5 * across))
    lens = np.hypot(weave.blur, 0.5)  # and the sensor's pixel, about a px wide
    seen = gaussian_filter(lightness, (lens * FINE / weave.weft, lens * FINE / weave.warp), mode="wrap")
    seen = seen - seen.mean()
    return (seen / max(float(seen.std()), 1e-6)).astype(np.float32)


def draw(weave: Weave, yarns: Yarns, rng: np.random.Generator) -> np.ndarray:
    """Draw woven fabric as the camera sees it: (H, W) float64 grey levels."""
    shape = yarns.shape
    rows, columns = (axis.astype(np.float32) for axis in np.ogrid[0 : shape[0], 0 : shape[1]])
    slant = rng.normal(0, 0.004) * columns  # cloth never lies quite straight under the camera
    fine_right, fine_down = (weave.wander * 0.35 * smooth_noise(shape, (14, 18), rng) for _ in range(2))
    across = (columns + yarns.right + weave.wander * smooth_noise(shape, (150, 80), rng) + fine_right) / np.float32(
        weave.warp
    )
    along = (rows + slant + yarns.down + weave.wander * smooth_noise(shape, (60, 260), rng) + fine_down) / np.float32(
        weave.weft
    )
    across += np.float32(20 + 8 * rng.random())
    along += np.float32(30 + 8 * rng.random())
    texture = map_coordinates(
        repeat(weave), [along * FINE - 0.5, across * FINE - 0.5], order=1, mode="grid-wrap", output=np.float32
    )
    texture *= yarns.texture * (1 + 0.1 * smooth_noise(shape, (25, 40), rng) + 0.15 * smooth_noise(shape, (5, 7), rng))
    tone = _yarn_tones(across, rows, 70, weave.uneven_warp, rng) + _yarn_tones(
        along, columns, 110, weave.uneven_weft, rng
    )
    tone += weave.uneven_places * _normal_blurred(shape, (1.3, 4.5), rng)
    along_strip = columns / shape[1]
    focus = 1 - weave.fading * (1 - np.exp(-(((along_strip - 0.45) / 0.22) ** 2)))  # best in the strip's middle
    light = 1 + weave.uneven_light * smooth_noise(shape, (400, 900), rng) + weave.lamp * along_strip**4
    grey = (
        weave.light * (1 + weave.contrast * texture * focus + tone) * yarns.gain
        + yarns.added
        + _specks(weave, shape, rng)
    )
    unsharp = weave.fading * along_strip**2  # towards one end it is out of focus, too
    grey += unsharp * (gaussian_filter(grey, 0.9) - grey)
    return grey * light + weave.noise * rng.standard_normal(shape, dtype=np.float32)


def on_a_day(weave: Weave, rng: np.random.Generator, other: bool = False) -> Weave:
    """Return the weave as it was seen on one day: the machine's speed, so the rows to a yarn, light and contrast
    change.

    `other` days are those of the defective strips; now and then the machine ran at quite another speed.
    """
    speed = rng.choice(weave.speeds) * rng.normal(1, 0.004)
    if other and rng.random() < 0.2:
        speed *= rng.choice([0.75, 1.35])
    light, contrast = rng.normal(1.01 if other else 1, 0.025), rng.normal(1, 0.04)
    return replace(weave, weft=weave.weft * speed, light=weave.light * light, contrast=weave.contrast * contrast)


def _yarn_tones(
    yarn: np.ndarray, position: np.ndarray, scale: float, spread: float, rng: np.random.Generator
) -> np.ndarray:
    """Return relative lightness (H, W): one value a yarn, and slow change along it over `scale` px."""
    table = rng.standard_normal((int(yarn.max()) + 2, int(position.max() / scale) + 3)).astype(np.float32)
    own = rng.standard_normal((len(table), 1)).astype(np.float32)
    along = np.broadcast_to(position / np.float32(scale), yarn.shape)
    return map_coordinates(
        spread * (0.5 * own + 0.85 * table), [yarn, along], order=1, mode="nearest", output=np.float32
    )


def _normal_blurred(shape: tuple[int, int], sigma: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    """Return blurred noise (H, W) float32 of mean 0 and spread 1."""
    noise = gaussian_filter(rng.standard_normal(shape, dtype=np.float32), sigma)
    return noise * np.float32(np.sqrt(4 * np.pi * sigma[0] * sigma[1]))


def _specks(weave: Weave, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return grey levels (H, W) of small specks that are on any fabric and that nobody marks; few are plain."""
    dots = np.zeros(shape, np.float32)
    n = rng.poisson(weave.specks)
    at = rng.integers(0, shape[0], n), rng.integers(0, shape[1], n)
    dots[at] = rng.choice([-1, -1, 1], n) * (8 + rng.exponential(9, n))
    return 2 * np.pi * 1.5**2 * gaussian_filter(dots, 1.5)
