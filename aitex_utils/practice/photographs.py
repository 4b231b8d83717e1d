"""Photographs of a practice cloth, for a learner who has none: in colour, in the layout of MVTec AD, from a seed.

A set for a first inspection has good pictures to learn from and pictures to judge, with masks. Three later sets show
drift, in the order of their numbers: a lamp that ages, a new batch of yarn, and a mark of the reed that grows slowly.
`python course.py data --photographs` makes them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from aitex_utils.errors import LARGEST_SEED, check_flag
from aitex_utils.files.atomic_write import atomic_write
from aitex_utils.files.data_folder import PROJECT
from aitex_utils.files.ownership import Manifest
from aitex_utils.files.paths import given_path

from .camera import CLOTH_SHAPE, MARGIN, PICTURE_SHAPE, TURNS, Lamp, Shot, photograph, sample_shot, see_mask, write_jpeg
from .defects import add_defect
from .generate import run_tasks
from .generated import check_size, is_generated, listed_files, write_metadata
from .weave import Weave, Yarns, render_fabric, sample_acquisition, smooth_noise, twill

PHOTOGRAPHS = PROJECT / "data" / "photographs"
METADATA_FILE = "photographs.json"
GENERATOR = 1  # raise it when the same seed makes other pixels
SEED_KEY = 7  # part of every picture's seed, so that no picture shares its random numbers with a strip
DEFECTS = {"broken_end": "002", "knot": "027", "oil_spot": "029", "weft_crack": "036"}  # kinds on the cloth, and codes
STAIN, REED_MARK, GOOD = "dye_stain", "reed_mark", "good"
KINDS = (*DEFECTS, STAIN)
DAYS = 8  # on which the pictures were taken
LIMITS = {"seed": (0, LARGEST_SEED), "good": (2, 999), "test_good": (1, 999), "defective": (1, 99), "later": (12, 999)}
LEAST_SEEN = 30  # px of a defect that lie in the picture
CLOTH = Weave(
    draft=twill(3, 1),
    warp=5.4,
    weft=4.6,
    light=118,
    contrast=0.21,
    tone=0.8,
    warp_variation=0.035,
    weft_variation=0.03,
    thickness_variation=0.03,
    specks=0.4,
    light_variation=0.0,  # the lamp follows later
    light_rise=0.0,
    defocus=0.1,
    displacement=0.7,
    blur=0.7,
    noise=0.0,  # of the sensor, which follows later
)
ENLARGED = 1.8  # times as large as on the practice strips
LAMP_LOSS, LAMP_YELLOW = 0.28, 0.16  # of strength and of blue, at the end of the lamp's set
REED_CONTRAST = 0.3  # share of light that the reed mark takes at the end of its set


@dataclass(frozen=True)
class Dye:
    """The colour of a cloth, from its darkest to its lightest places.

    Parameters
    ----------
    shadow, highlight : tuple of float
        Red, green and blue where the grey value is 0 and where it is 255.

    Examples
    --------
    >>> Dye((0, 0, 0), (255, 255, 255)).colour(np.float32([[51]])).tolist()
    [[[51.0, 51.0, 51.0]]]
    """

    shadow: tuple[float, float, float]
    highlight: tuple[float, float, float]

    def colour(self, grey: np.ndarray) -> np.ndarray:
        """Return the colours of grey values.

        Parameters
        ----------
        grey : ndarray, shape (H, W)
            Lightness of the cloth, 0 to 255.

        Returns
        -------
        ndarray, shape (H, W, 3)
            float32.
        """
        low, high = np.float32(self.shadow), np.float32(self.highlight)
        return low + np.float32(grey)[..., None] / 255 * (high - low)


BLUE = Dye((2, 24, 58), (226, 232, 224))
NEW_BLUE = Dye((2, 16, 62), (208, 220, 226))  # of the next batch


class Plan(NamedTuple):
    """One picture that is to be made.

    Parameters
    ----------
    folder : str
        Folder of its set: "", "later/lamp", "later/yarn" or "later/reed".
    part : {"train", "test"}
        Whether it is there to learn from or to be judged.
    kind : str
        "good" or the kind of defect.
    number : int
        Number in its file name, from 1.
    age : float
        How far the change of a later set has gone, 0 to 1.

    Examples
    --------
    >>> Plan("", "train", "good", 3, 0.0).name
    'train/good/003.jpg'
    """

    folder: str
    part: str
    kind: str
    number: int
    age: float

    @property
    def name(self) -> str:
        """Path of the picture in the folder of all."""
        return f"{self.folder}/{self.part}/{self.kind}/{self.number:03d}.jpg".lstrip("/")

    @property
    def mask_name(self) -> str:
        """Path of its mask."""
        return f"{self.folder}/ground_truth/{self.kind}/{self.number:03d}_mask.png".lstrip("/")


PHOTOGRAPH_SET = Manifest(METADATA_FILE, "the practice photographs", listed_files)


def make_photographs(
    folder: str | os.PathLike = PHOTOGRAPHS,
    *,
    seed: int = 0,
    good: int = 40,
    test_good: int = 20,
    defective: int = 4,
    later: int = 24,
    progress: bool = False,
) -> Path:
    """Write the practice photographs to a folder, whole or not at all.

    Parameters
    ----------
    folder : path
        Folder to write. Older practice photographs in it are replaced, a folder with any other or changed file is not.
    seed : int
        The same arguments give the same bytes with the same versions of NumPy, OpenCV and Pillow on the same kind of
        processor.
    good, test_good : int
        Number of good pictures in `train/good` and in `test/good`.
    defective : int
        Number of pictures of each of the five kinds of defects.
    later : int
        Number of pictures in each later set, `later/lamp/test`, `later/yarn/test` and `later/reed/test`. Their numbers
        are their order in time, across the subfolders.
    progress : bool
        Show a bar.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        If an argument is out of range, the folder contains something else, or it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as parent:
    ...     folder = make_photographs(f"{parent}/cloth", good=2, test_good=1, defective=1, later=12)
    ...     sorted(path.name for path in (folder / "ground_truth" / "knot").iterdir())
    ['001_mask.png']
    """
    check_flag("progress", progress)
    size = {"good": good, "test_good": test_good, "defective": defective, "later": later}
    metadata = check_size(GENERATOR, LIMITS, seed=seed, **size)
    with atomic_write(folder, folder=True, manifest=PHOTOGRAPH_SET) as root:
        plans = list(plan_photographs(**size))
        tasks: list[Callable[[], None]] = [partial(_write, root, seed, plan) for plan in plans]
        run_tasks(tasks, "practice photographs", "picture", progress)
        write_metadata(root, METADATA_FILE, metadata, "*.*")
    return given_path(folder)


def photographs_are_there(folder: str | os.PathLike = PHOTOGRAPHS, **size: int) -> bool:
    """Say whether a folder contains the photographs of this generator, every file in its size.

    Parameters
    ----------
    folder : path
        Folder to look at.
    **size
        Arguments of `make_photographs` that they must have been made with.

    Returns
    -------
    bool

    Examples
    --------
    >>> photographs_are_there("no/such/folder")
    False
    """
    return is_generated(folder, METADATA_FILE, GENERATOR, True, **size)


def plan_photographs(*, good: int, test_good: int, defective: int, later: int) -> Iterator[Plan]:
    """Yield the pictures of all sets.

    Parameters
    ----------
    good, test_good, defective, later : int
        As in `make_photographs`.

    Yields
    ------
    Plan
        In a later set, one picture in five has a defect. The age is 0 in its first quarter. Then it grows to 1, for the
        yarn at once. Each picture of the reed's set with an age above 0 shows the mark.

    Examples
    --------
    >>> len(list(plan_photographs(good=2, test_good=1, defective=1, later=12)))
    44
    """
    for number in range(1, good + 1):
        yield Plan("", "train", GOOD, number, 0.0)
    for number in range(1, test_good + 1):
        yield Plan("", "test", GOOD, number, 0.0)
    for kind in KINDS:
        for number in range(1, defective + 1):
            yield Plan("", "test", kind, number, 0.0)
    before = later // 4
    for number in range(1, later + 1):
        age = max(0, number - before) / (later - before)
        kind = KINDS[number // 5 % len(KINDS)] if number % 5 == 4 else GOOD
        yield Plan("later/lamp", "test", kind, number, age)
        yield Plan("later/yarn", "test", kind, number, float(age > 0))
        yield Plan("later/reed", "test", REED_MARK if age > 0 else GOOD, number, age)


def render_photograph(plan: Plan, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Render a picture and the mask of its defect.

    Parameters
    ----------
    plan : Plan
        The picture.
    seed : int
        Seed of the whole set.

    Returns
    -------
    image : ndarray, shape (480, 640, 3)
        uint8; red, green, blue.
    mask : ndarray, shape (480, 640)
        uint8, 255 where the defect is; 0 everywhere for a good picture.

    Examples
    --------
    >>> image, mask = render_photograph(Plan("", "test", "knot", 1, 0.0))
    >>> image.shape, bool(mask.any())
    ((480, 640, 3), True)
    """
    rng = np.random.default_rng([seed, SEED_KEY, *plan.name.encode()])
    is_new_yarn = plan.folder == "later/yarn" and plan.age > 0
    weave, dye = (_new_yarn(CLOTH), NEW_BLUE) if is_new_yarn else (CLOTH, BLUE)
    weave, shot = sample_acquisition(weave, rng), sample_shot(rng)
    light = np.random.default_rng([seed, SEED_KEY, _day(plan)])  # of the day: pictures of one day are alike
    lamp = Lamp(strength=light.normal(1, 0.02), direction=light.normal(3.9, 0.15), slope=light.normal(0.13, 0.015))
    if plan.folder == "later/lamp":
        lamp = replace(lamp, strength=lamp.strength * (1 - LAMP_LOSS * plan.age), yellowness=LAMP_YELLOW * plan.age)
    yarns, visibility, mask = _add_to_cloth(plan, weave, shot, rng)
    colours = dye.colour(render_fabric(weave, yarns, rng).astype(np.float32))
    if plan.kind == STAIN:
        colours = _stain(colours, visibility)
    return photograph(colours, lamp, shot, rng), mask


def _write(root: Path, seed: int, plan: Plan) -> None:
    """Write a picture, and its mask if it has a defect."""
    image, mask = render_photograph(plan, seed)
    path = root / plan.name
    path.parent.mkdir(parents=True, exist_ok=True)
    orientation = tuple(TURNS)[plan.number // 5 % len(TURNS)] if plan.number % 5 == 3 else 1
    date = f"2026:03:{2 + _day(plan):02d} {9 + plan.number // 60:02d}:{plan.number % 60:02d}:00"
    write_jpeg(path, image, orientation=orientation, date=date)
    if plan.kind != GOOD:
        mask_path = root / plan.mask_name
        mask_path.parent.mkdir(parents=True, exist_ok=True)
        mask_path.write_bytes(cv2.imencode(".png", mask)[1].tobytes())  # cv2.imwrite cannot open every path on Windows


def _day(plan: Plan) -> int:
    """Return the day on which a picture was taken, from 0. A later set begins after the first, five pictures a day."""
    return DAYS + (plan.number - 1) // 5 if plan.folder else plan.number % DAYS


def _new_yarn(weave: Weave) -> Weave:
    """Return the weave with the next batch of yarn: slightly thicker and less even."""
    return replace(weave, warp=1.05 * weave.warp, weft=1.05 * weave.weft, thickness_variation=0.04)


def _add_to_cloth(
    plan: Plan, weave: Weave, shot: Shot, rng: np.random.Generator
) -> tuple[Yarns, np.ndarray, np.ndarray]:
    """Return the yarns with the picture's defect, its visibility on the cloth, and its mask in the picture.

    A defect that lies outside the picture, or nearly so, is drawn anew.
    """
    visibility = np.zeros(CLOTH_SHAPE, np.float32)
    while True:
        yarns = Yarns(CLOTH_SHAPE)
        if plan.kind in DEFECTS:
            on_cloth = _add_enlarged(DEFECTS[plan.kind], weave, yarns, rng)
        elif plan.kind == STAIN:
            visibility = _spot(rng)
            on_cloth = np.where(visibility > 0.3, 255, 0).astype(np.uint8)
        elif plan.kind == REED_MARK:
            on_cloth = _reed_mark(yarns, plan.age)
        else:
            return yarns, visibility, np.zeros(PICTURE_SHAPE, np.uint8)
        mask = see_mask(on_cloth, shot)
        if (mask > 0).sum() >= LEAST_SEEN:
            return yarns, visibility, mask


def _add_enlarged(code: str, weave: Weave, yarns: Yarns, rng: np.random.Generator) -> np.ndarray:
    """Add a defect of the practice strips to the yarns, `ENLARGED` times as large, and return its mask.

    The yarns of this cloth are thicker than most yarns of the strips, so its defects are larger too.
    """
    size, shape = CLOTH_SHAPE[::-1], tuple(round(n / ENLARGED) for n in CLOTH_SHAPE)
    small = Yarns(shape)
    span = (round(MARGIN / ENLARGED), round((MARGIN + PICTURE_SHAPE[1]) / ENLARGED))
    mask = add_defect(code, weave, small, span, rng)
    for name, factor in (("down", ENLARGED), ("right", ENLARGED), ("texture", 1), ("gain", 1), ("added", 1)):
        setattr(yarns, name, np.float32(factor) * cv2.resize(getattr(small, name), size))
    return cv2.resize(mask, size)


def _spot(rng: np.random.Generator) -> np.ndarray:
    """Return a soft spot with an uneven edge, (H, W) float32, 0 to 1."""
    rows, columns = np.ogrid[0 : CLOTH_SHAPE[0], 0 : CLOTH_SHAPE[1]]
    row, column = (rng.uniform(MARGIN + 40, n - MARGIN - 40) for n in CLOTH_SHAPE)
    down, right = rng.uniform(14, 30, 2)
    distance = np.hypot((rows - row) / down, (columns - column) / right)
    edge = 1 + 0.2 * smooth_noise(CLOTH_SHAPE, (25, 25), rng)
    return (1 / (1 + np.exp(8 * (distance - edge)))).astype(np.float32)


def _stain(colours: np.ndarray, visibility: np.ndarray) -> np.ndarray:
    """Return the colours with a stain of another hue, red instead of blue, and of the same grey value."""
    red, green, blue = 0.299, 0.587, 0.114  # weights of the grey value
    shift = np.float32([26, -(26 * red - 22 * blue) / green, -22])
    return colours + visibility[..., None] * shift


def _reed_mark(yarns: Yarns, age: float) -> np.ndarray:
    """Add a dark line along the warp, always at the same place of the cloth, and return its mask."""
    columns = np.arange(CLOTH_SHAPE[1], dtype=np.float32)
    profile = np.broadcast_to(np.exp(-(((columns - 0.62 * CLOTH_SHAPE[1]) / 3.0) ** 2)), CLOTH_SHAPE)
    yarns.gain *= 1 - REED_CONTRAST * age * profile
    yarns.texture *= 1 - 0.5 * age * profile
    return np.where(profile > 0.35, 255, 0).astype(np.uint8)
