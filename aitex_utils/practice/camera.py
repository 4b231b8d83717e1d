"""A simulated phone camera above woven cloth: perspective, uneven light, white balance, noise, and a JPEG file.

The cloth is rendered a little larger than the picture, so that a camera that is turned or tilted sees cloth everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

PICTURE_SHAPE = (480, 640)  # px, height and width: six tiles of 256 px that overlap by 32 px
MARGIN = 48  # px of cloth beyond each edge of the picture
CLOTH_SHAPE = (PICTURE_SHAPE[0] + 2 * MARGIN, PICTURE_SHAPE[1] + 2 * MARGIN)
ORIENTATION, DATE, MAKER, MODEL = 0x0112, 0x0132, 0x010F, 0x0110  # EXIF tags
TURNS = {
    1: 0,
    3: 2,
    6: 1,
    8: -1,
}  # EXIF orientation, and quarter turns to the left from the upright to the stored pixels
QUALITY = 88  # of the JPEG, as phones choose it


@dataclass(frozen=True)
class Lamp:
    """The light above the cloth.

    Parameters
    ----------
    strength : float
        Brightness, 1 for a new lamp.
    yellowness : float
        Share of blue that is missing, 0 for a new lamp. Green loses a third of it.
    direction : float
        Angle from which the light comes, in radians; 0 is the right side.
    slope : float
        Relative difference of the light between the middle of the picture and its edge.

    Examples
    --------
    >>> Lamp(strength=0.8, yellowness=0.1).slope
    0.13
    """

    strength: float = 1.0
    yellowness: float = 0.0
    direction: float = 3.9
    slope: float = 0.13


@dataclass(frozen=True)
class Shot:
    """The position and the settings of the camera for one picture.

    Parameters
    ----------
    angle : float
        Rotation of the camera in degrees.
    corners : ndarray, shape (4, 2)
        Shift of the picture's corners on the cloth in px (right, down): perspective and distance.
    exposure : float
        Factor of all channels.
    balance : ndarray, shape (3,)
        Factors of red, green and blue that the white balance chose.
    vignetting : float
        Share of light that the lens loses in the corners.
    noise : float
        Standard deviation of the sensor noise at the grey value 128.

    Examples
    --------
    >>> sample_shot(np.random.default_rng(0)).corners.shape
    (4, 2)
    """

    angle: float
    corners: np.ndarray
    exposure: float
    balance: np.ndarray
    vignetting: float = 0.2
    noise: float = 3.0


def sample_shot(rng: np.random.Generator) -> Shot:
    """Draw how a careful person holds the phone: nearly straight, at nearly the same distance.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the random numbers.

    Returns
    -------
    Shot

    Examples
    --------
    >>> bool(abs(sample_shot(np.random.default_rng(0)).angle) < 4)
    True
    """
    return Shot(
        angle=float(rng.normal(0, 0.8)),
        corners=rng.normal(0, 3.0, (4, 2)) + rng.normal(0, 0.008) * _corners(PICTURE_SHAPE),
        exposure=float(rng.normal(1, 0.015)),
        balance=rng.normal(1, 0.006, 3),
    )


def view(shot: Shot) -> np.ndarray:
    """Return the homography from the cloth to the picture.

    Parameters
    ----------
    shot : Shot
        Position of the camera.

    Returns
    -------
    ndarray, shape (3, 3)
        float64, for `cv2.warpPerspective`.

    Examples
    --------
    >>> straight = Shot(angle=0, corners=np.zeros((4, 2)), exposure=1, balance=np.ones(3))
    >>> view(straight)[:2, 2].round().astype(int).tolist()
    [-48, -48]
    """
    turn = np.deg2rad(shot.angle)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    target = _corners(PICTURE_SHAPE)
    on_cloth = target @ rotation.T + shot.corners + _middle(CLOTH_SHAPE)
    on_picture = target + _middle(PICTURE_SHAPE)
    return cv2.getPerspectiveTransform(on_cloth.astype(np.float32), on_picture.astype(np.float32))


def see_mask(mask: np.ndarray, shot: Shot) -> np.ndarray:
    """Return the ground-truth mask of a picture from the mask on the cloth.

    Parameters
    ----------
    mask : ndarray, shape `CLOTH_SHAPE`
        uint8, above 0 where the defect is.
    shot : Shot
        Position of the camera.

    Returns
    -------
    ndarray, shape `PICTURE_SHAPE`
        uint8, 0 or 255.

    Examples
    --------
    >>> shot = sample_shot(np.random.default_rng(0))
    >>> int(see_mask(np.full(CLOTH_SHAPE, 255, np.uint8), shot).min())
    255
    """
    soft = np.where(mask > 0, 255, 0).astype(np.uint8)
    seen = cv2.warpPerspective(soft, view(shot), PICTURE_SHAPE[::-1], flags=cv2.INTER_LINEAR)
    return np.where(seen > 127, 255, 0).astype(np.uint8)


def photograph(cloth: np.ndarray, lamp: Lamp, shot: Shot, rng: np.random.Generator) -> np.ndarray:
    """Return the picture that the phone takes of a cloth.

    Parameters
    ----------
    cloth : ndarray, shape (*`CLOTH_SHAPE`, 3)
        Colour of the cloth under even white light, 0 to 255, float32; red, green, blue.
    lamp : Lamp
        The light.
    shot : Shot
        Position and settings of the camera.
    rng : numpy.random.Generator
        Source of the sensor noise.

    Returns
    -------
    ndarray, shape (*`PICTURE_SHAPE`, 3)
        uint8.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> photograph(np.full((*CLOTH_SHAPE, 3), 120, np.float32), Lamp(), sample_shot(rng), rng).shape
    (480, 640, 3)
    """
    seen = cv2.warpPerspective(cloth, view(shot), PICTURE_SHAPE[::-1], flags=cv2.INTER_LINEAR)
    colour = np.array([1, 1 - lamp.yellowness / 3, 1 - lamp.yellowness]) * shot.balance
    light = _light(lamp, shot)[..., None] * colour * lamp.strength * shot.exposure
    seen = seen * light.astype(np.float32)
    deviation = shot.noise * np.sqrt(np.clip(seen, 4, None) / 128)  # of photons: it grows with the root of the light
    seen = seen + deviation * rng.standard_normal(seen.shape, dtype=np.float32)
    softened = cv2.GaussianBlur(seen, (0, 0), 0.6)  # the phone suppresses noise, and then sharpens
    sharpened = softened + 0.5 * (softened - cv2.GaussianBlur(softened, (0, 0), 1.4))
    return np.round(sharpened).clip(0, 255).astype(np.uint8)


def write_jpeg(path: Path, image: np.ndarray, *, orientation: int, date: str) -> None:
    """Write a picture as a phone does: a JPEG file whose EXIF data say how the phone was held, and when.

    Parameters
    ----------
    path : Path
        File to write.
    image : ndarray, shape (H, W, 3)
        The upright picture, uint8.
    orientation : {1, 3, 6, 8}
        EXIF orientation. The pixels are stored turned, so that a program that obeys the tag shows them upright.
    date : str
        Date and time as EXIF writes them, "2026:03:02 09:00:00".

    Examples
    --------
    >>> import tempfile
    >>> from aitex_utils.files.images import read_colour
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "1.jpg")
    ...     write_jpeg(path, np.full((48, 64, 3), 99, np.uint8), orientation=6, date="2026:03:02 09:00:00")
    ...     read_colour(path).shape
    (48, 64, 3)
    """
    from PIL import Image

    exif = Image.Exif()
    exif[ORIENTATION], exif[DATE], exif[MAKER], exif[MODEL] = orientation, date, "Practice", "simulated phone"
    stored = np.ascontiguousarray(np.rot90(image, TURNS[orientation]))
    Image.fromarray(stored).save(path, "JPEG", quality=QUALITY, exif=exif)


def _corners(shape: tuple[int, int]) -> np.ndarray:
    """Return the four corners of a picture, from its middle, in px (right, down)."""
    half = np.array(shape[::-1]) / 2
    return half * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])


def _middle(shape: tuple[int, int]) -> np.ndarray:
    return np.array(shape[::-1]) / 2


def _light(lamp: Lamp, shot: Shot) -> np.ndarray:
    """Return the light on each pixel, (H, W), about 1: brighter towards the lamp, darker in the corners."""
    rows, columns = (2 * (np.arange(n) + 0.5) / n - 1 for n in PICTURE_SHAPE)  # -1 to 1
    rows, columns = rows[:, None], columns[None, :]
    slope = 1 + lamp.slope * (columns * np.cos(lamp.direction) + rows * np.sin(lamp.direction))
    return slope * (1 - shot.vignetting * (rows**2 + columns**2) / 2)
