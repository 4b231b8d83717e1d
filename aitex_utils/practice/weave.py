"""Woven texture, rendered from its yarns: which yarn lies on top where, how light it is, and how a camera sees it.

A weave is rendered from its draft, a small table that says at which crossings the warp (running down a strip) lies over
the weft (running along it). One repeat of the draft is rendered at high resolution and blurred as by a lens. A strip
looks its pixels up in this repeat at coordinates counted in yarns. Yarns are displaced and vary in lightness, from one
to the next and along their length. There are thick places and specks that are no defects. Uneven light, uneven focus
and sensor noise follow. Defects change the yarns' coordinates, lightness and texture before the camera sees them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from aitex_utils.scoring import TRUNCATE, smooth

SAMPLES_PER_YARN = 12  # resolution of the rendered repeat


@dataclass(frozen=True)
class Weave:
    """A weave and its appearance in a picture. Lengths are in px. Variations are relative to `light`.

    Parameters
    ----------
    draft : ndarray, shape (rows, columns)
        1 where the warp lies on top, see `twill`.
    warp, weft : float
        Distance between neighbouring yarns. Below 2 px only the larger figure of the weave is visible, such as the
        twill lines of a fine cloth.
    light : float
        Mean grey level.
    contrast : float
        Standard deviation of the woven texture.
    tone : float
        Difference in lightness (warp - weft), before `contrast` scales the texture.
    warp_variation, weft_variation : float
        Standard deviation of the yarns' lightness.
    thickness_variation : float
        Standard deviation of the lightness of thick and thin places.
    specks : float
        Expected number of specks on a strip that are no defects.
    light_variation : float
        Standard deviation of the light across a strip.
    light_rise : float
        Share by which the light rises towards the end of a strip.
    defocus : float
        Share of contrast lost away from the middle of a strip, and of blur at its end.
    displacement : float
        Standard deviation of the yarns' displacement.
    blur : float
        Standard deviation of the lens blur.
    noise : float
        Standard deviation of the sensor noise in grey levels.
    speeds : tuple of float
        Speeds at which the machine runs; they multiply `weft`.

    Examples
    --------
    >>> Weave(twill(2, 1), warp=2.4, weft=2.6, light=110, contrast=0.15).draft.shape
    (3, 3)
    """

    draft: np.ndarray
    warp: float
    weft: float
    light: float
    contrast: float
    tone: float = 0.0
    warp_variation: float = 0.05
    weft_variation: float = 0.05
    thickness_variation: float = 0.03
    specks: float = 1.5
    light_variation: float = 0.02
    light_rise: float = 0.1
    defocus: float = 0.3
    displacement: float = 0.8
    blur: float = 0.8
    noise: float = 2.5
    speeds: tuple[float, ...] = (1.0,)


class Yarns:
    """The properties of a strip that a defect can change before the strip is rendered.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the strip in px.

    Attributes
    ----------
    down, right : ndarray, shape (H, W)
        Displacement of the texture in px, float32, at first 0.
    texture, gain : ndarray, shape (H, W)
        Factors of the texture's contrast and of the lightness, float32, at first 1.
    added : ndarray, shape (H, W)
        Grey levels added to the lightness, float32, at first 0.

    Examples
    --------
    >>> Yarns((2, 3)).gain.tolist()
    [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape = shape
        self.down, self.right, self.added = (np.zeros(shape, np.float32) for _ in range(3))
        self.texture, self.gain = (np.ones(shape, np.float32) for _ in range(2))


def twill(over: int, under: int, step: int = 1) -> np.ndarray:
    """Return the draft of a twill: each row is the row above, shifted to the right.

    Parameters
    ----------
    over, under : int
        Number of wefts that a warp yarn passes over, then under; plain weave is ``twill(1, 1)``.
    step : int
        Shift from row to row in yarns. A satin is a twill with a step above 1 that shares no divisor with
        ``over + under``.

    Returns
    -------
    ndarray, shape (over + under, over + under)
        1 where the warp lies on top, else 0.

    Examples
    --------
    >>> twill(2, 1)
    array([[1, 1, 0],
           [0, 1, 1],
           [1, 0, 1]])
    """
    row = np.array([1] * over + [0] * under)
    return np.stack([np.roll(row, step * i) for i in range(len(row))])


def smooth_noise(shape: tuple[int, int], scale: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    """Return noise with a standard deviation of about 1 that changes slowly: a coarse random grid, interpolated.

    Parameters
    ----------
    shape : tuple of int
        Height and width in px.
    scale : tuple of float
        Distance of the grid's points, down and to the right, in px.
    rng : numpy.random.Generator
        Source of the random numbers.

    Returns
    -------
    ndarray, shape (H, W)
        float64.

    Examples
    --------
    >>> smooth_noise((4, 6), (2, 3), np.random.default_rng(0)).shape
    (4, 6)
    """
    coarse = tuple(int(np.ceil(length / distance)) + 3 for length, distance in zip(shape, scale, strict=True))
    values = rng.standard_normal(coarse).astype(np.float32)
    for axis, (length, distance) in enumerate(zip(shape, scale, strict=True)):
        position = np.arange(length, dtype=np.float32) / np.float32(distance) + rng.random(dtype=np.float32)
        low = np.floor(position).astype(int)
        part = position - low
        weight = (part * part * (3 - 2 * part)).reshape([-1, 1] if axis == 0 else [1, -1])
        values = np.take(values, low, axis) * (1 - weight) + np.take(values, low + 1, axis) * weight
    return values * np.float32(1.3)  # interpolation reduces the standard deviation by about this factor


def render_repeat(weave: Weave) -> np.ndarray:
    """Render one repeat of a weave as the lens shows it.

    Parameters
    ----------
    weave : Weave
        The draft, the distances of the yarns, the tone and the blur are used.

    Returns
    -------
    ndarray, shape (rows * SAMPLES_PER_YARN, columns * SAMPLES_PER_YARN)
        float32, mean 0, standard deviation 1.

    Examples
    --------
    >>> render_repeat(Weave(twill(1, 1), warp=5, weft=4, light=100, contrast=0.2)).shape
    (24, 24)
    """
    on_top = np.kron(weave.draft, np.ones((SAMPLES_PER_YARN, SAMPLES_PER_YARN))) > 0
    middle = (np.arange(SAMPLES_PER_YARN) + 0.5) / SAMPLES_PER_YARN
    profile = np.sin(np.pi * middle)  # a yarn is a cylinder: light in its middle, dark at its sides
    across = np.tile(profile, weave.draft.shape[1])[None, :]
    along = np.tile(profile, weave.draft.shape[0])[:, None]
    # Where a yarn passes under the next crossing it turns away from the light.
    lightness = np.where(on_top, weave.tone + across * (0.5 + 0.5 * along), along * (0.5 + 0.5 * across))
    lens = np.hypot(weave.blur, 0.5)  # and the sensor's pixel, about a px wide
    sigma = (float(lens * SAMPLES_PER_YARN / weave.weft), float(lens * SAMPLES_PER_YARN / weave.warp))
    texture = _smooth_periodic(lightness, sigma)
    texture = texture - texture.mean()
    return (texture / max(float(texture.std()), 1e-6)).astype(np.float32)


def render_fabric(weave: Weave, yarns: Yarns, rng: np.random.Generator) -> np.ndarray:
    """Render woven fabric as the camera sees it.

    Parameters
    ----------
    weave : Weave
        The weave and its appearance.
    yarns : Yarns
        Properties that defects changed; their shape is the shape of the picture.
    rng : numpy.random.Generator
        Source of the random numbers.

    Returns
    -------
    ndarray, shape (H, W)
        Grey levels, float64.

    Examples
    --------
    >>> weave = Weave(twill(1, 1), warp=5, weft=4, light=100, contrast=0.2)
    >>> render_fabric(weave, Yarns((32, 64)), np.random.default_rng(0)).shape
    (32, 64)
    """
    shape = yarns.shape
    rows, columns = (axis.astype(np.float32) for axis in np.ogrid[0 : shape[0], 0 : shape[1]])
    along, across = _yarn_coordinates(weave, yarns, rows, columns, rng)
    texture = _look_up_periodic(render_repeat(weave), along, across)
    texture *= yarns.texture * (1 + 0.1 * smooth_noise(shape, (25, 40), rng) + 0.15 * smooth_noise(shape, (5, 7), rng))
    tones = _yarn_tones(across, rows, 70, weave.warp_variation, rng)
    tones = tones + _yarn_tones(along, columns, 110, weave.weft_variation, rng)
    tones += weave.thickness_variation * _blurred_noise(shape, (1.3, 4.5), rng)
    position = columns / shape[1]  # along the strip, 0 to 1
    focus = 1 - weave.defocus * (1 - np.exp(-(((position - 0.45) / 0.22) ** 2)))  # best in the strip's middle
    light = 1 + weave.light_variation * smooth_noise(shape, (400, 900), rng) + weave.light_rise * position**4
    lightness = weave.light * (1 + weave.contrast * texture * focus + tones)
    grey = lightness * yarns.gain + yarns.added + _specks(weave, shape, rng)
    blur_share = weave.defocus * position**2  # the strip's end is out of focus, too
    grey += blur_share * (smooth(grey, 0.9) - grey)
    return grey * light + weave.noise * rng.standard_normal(shape, dtype=np.float32)


def sample_acquisition(weave: Weave, rng: np.random.Generator, other: bool = False) -> Weave:
    """Draw the conditions of one acquisition: speed of the machine, light and contrast.

    Parameters
    ----------
    weave : Weave
        The weave under average conditions.
    rng : numpy.random.Generator
        Source of the random numbers.
    other : bool
        Acquisition of a defective strip: slightly lighter, and 1 in 5 at a very different speed.

    Returns
    -------
    Weave
        With other values of `weft`, `light` and `contrast`.

    Examples
    --------
    >>> weave = Weave(twill(1, 1), warp=5, weft=4, light=100, contrast=0.2)
    >>> bool(abs(sample_acquisition(weave, np.random.default_rng(0)).weft / 4 - 1) < 0.02)
    True
    """
    speed = rng.choice(weave.speeds) * rng.normal(1, 0.004)
    if other and rng.random() < 0.2:
        speed *= rng.choice([0.75, 1.35])
    light, contrast = rng.normal(1.01 if other else 1, 0.025), rng.normal(1, 0.04)
    return replace(weave, weft=weave.weft * speed, light=weave.light * light, contrast=weave.contrast * contrast)


def _yarn_coordinates(
    weave: Weave, yarns: Yarns, rows: np.ndarray, columns: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return the coordinates of each pixel, counted in wefts and in warp yarns, two of (H, W)."""
    shape = yarns.shape
    slant = rng.normal(0, 0.004) * columns  # cloth never lies perfectly straight under the camera
    fine_right, fine_down = (weave.displacement * 0.35 * smooth_noise(shape, (14, 18), rng) for _ in range(2))
    right = columns + yarns.right + weave.displacement * smooth_noise(shape, (150, 80), rng) + fine_right
    down = rows + slant + yarns.down + weave.displacement * smooth_noise(shape, (60, 260), rng) + fine_down
    across, along = right / np.float32(weave.warp), down / np.float32(weave.weft)
    across += np.float32(20 + 8 * rng.random())
    along += np.float32(30 + 8 * rng.random())
    return along, across


def _look_up_periodic(repeat: np.ndarray, along: np.ndarray, across: np.ndarray) -> np.ndarray:
    """Interpolate the repeat, continued periodically, at coordinates counted in yarns."""
    import cv2

    height, width = repeat.shape
    # Reduced to one repeat while still float64: far from 0 a float32 coordinate is too coarse.
    x = np.mod(across * SAMPLES_PER_YARN - 0.5, width).astype(np.float32)
    y = np.mod(along * SAMPLES_PER_YARN - 0.5, height).astype(np.float32)
    return cv2.remap(repeat, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)


def _yarn_tones(
    yarn: np.ndarray, position: np.ndarray, scale: float, spread: float, rng: np.random.Generator
) -> np.ndarray:
    """Return relative lightness (H, W): one value for each yarn, and a slow change along it over `scale` px."""
    import cv2

    table = rng.standard_normal((int(yarn.max()) + 2, int(position.max() / scale) + 3)).astype(np.float32)
    constant = rng.standard_normal((len(table), 1)).astype(np.float32)
    along = np.ascontiguousarray(np.broadcast_to(position / np.float32(scale), yarn.shape))
    tones = np.float32(spread) * (0.5 * constant + 0.85 * table)
    return cv2.remap(tones, along, np.float32(yarn), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _smooth_periodic(image: np.ndarray, sigma: tuple[float, float]) -> np.ndarray:
    """Smooth an image that is continued periodically with a Gaussian."""
    down, right = (int(TRUNCATE * deviation + 0.5) for deviation in sigma)  # radius of the kernel
    smoothed = smooth(np.pad(image, ((down, down), (right, right)), mode="wrap"), sigma)
    return smoothed[down : down + image.shape[0], right : right + image.shape[1]]


def _blurred_noise(shape: tuple[int, int], sigma: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    """Return blurred noise (H, W) float32 of mean 0 and standard deviation 1."""
    noise = smooth(rng.standard_normal(shape, dtype=np.float32), sigma)
    return noise * np.float32(np.sqrt(4 * np.pi * sigma[0] * sigma[1]))


def _specks(weave: Weave, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return grey levels (H, W) of small specks, as on any fabric. Few are plain, and none is marked as a defect."""
    dots = np.zeros(shape, np.float32)
    count = rng.poisson(weave.specks)
    places = rng.integers(0, shape[0], count), rng.integers(0, shape[1], count)
    dots[places] = rng.choice([-1, -1, 1], count) * (8 + rng.exponential(9, count))
    return 2 * np.pi * 1.5**2 * smooth(dots, 1.5)
