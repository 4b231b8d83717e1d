"""A small folder of photographs with planted faults, for the check of notebook 12."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from aitex_utils.inspection.picture_list import Picture
from aitex_utils.practice.camera import write_jpeg

N_GOOD, N_TEST = 14, 4  # pictures without a fault
BLUR, DARK = 2.0, 0.6  # px, and share of the light that is left
DATE = "2026:03:11 09:00:00"
FAULTS = {
    "train/good/copy.jpg": "the same file under another name",
    "train/good/blurred.jpg": "out of focus",
    "train/good/dark.jpg": "taken with the lamp half covered",
    "train/good/turned.jpg": "turned by 90 degrees",
    "test/good/learned.jpg": "a picture to learn from, saved again",
}


def plant_faults(target: Path, good: Sequence[Picture], test: Sequence[Picture]) -> dict[str, str]:
    """Write a small data set in the layout of MVTec AD, with five faults.

    Parameters
    ----------
    target : Path
        Folder to write to, which is empty.
    good, test : sequence of Picture
        At least 18 good pictures, and at least 4 pictures to judge.

    Returns
    -------
    dict of str to str
        The fault of each faulty file, by its name in the folder.

    Examples
    --------
    >>> plant_faults(Path("faults"), good, test)  # doctest: +SKIP
    """
    for picture in good[:N_GOOD]:
        _copy(picture.path, target / "train" / "good" / picture.path.name)
    for picture in test[:N_TEST]:
        _copy(picture.path, target / "test" / picture.kind / picture.path.name)
    _copy(good[0].path, target / "train/good/copy.jpg")
    first, second, third = (picture.read(colour=True) for picture in good[N_GOOD : N_GOOD + 3])
    made = {
        "train/good/blurred.jpg": cv2.GaussianBlur(first, (0, 0), BLUR),
        "train/good/dark.jpg": (DARK * second).astype(np.uint8),
        "train/good/turned.jpg": np.ascontiguousarray(np.rot90(third)),
        "test/good/learned.jpg": good[1].read(colour=True),
    }
    for name, image in made.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        write_jpeg(target / name, image, orientation=1, date=DATE)
    return dict(FAULTS)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
