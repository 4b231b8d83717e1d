"""The weakest pictures of an inspection, with their maps, and where the highest place of a map lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from aitex_utils.inspection.judge import predict_picture, to_own_pixels
from aitex_utils.inspection.picture_list import list_pictures

from .setup import Judged, inspected, lesson_photographs, load_detector

REACH = 16  # px around a mask in which the highest place still counts as on the defect


@dataclass(frozen=True)
class Failure:
    """A judged picture to look at.

    Parameters
    ----------
    title : str
        Kind and number.
    image : ndarray, shape (H, W, 3)
        The picture, uint8.
    anomaly_map : ndarray, shape (H, W)
        Its map, in the picture's own pixels.
    mask : ndarray, shape (H, W)
        Where the defect is, bool.

    Examples
    --------
    >>> mask = np.zeros((60, 60), bool)
    >>> mask[0, 0] = True
    >>> Failure("knot 1", np.zeros((60, 60, 3), np.uint8), np.eye(60)[::-1], mask).peak_is_on_mask
    False
    """

    title: str
    image: np.ndarray
    anomaly_map: np.ndarray
    mask: np.ndarray

    @property
    def peak_is_on_mask(self) -> bool:
        """Whether the highest place of the map lies on the defect or within 16 px of it."""
        kernel = np.ones((2 * REACH + 1, 2 * REACH + 1), np.uint8)
        near = cv2.dilate(self.mask.astype(np.uint8), kernel) > 0
        return bool(near[np.unravel_index(int(self.anomaly_map.argmax()), near.shape)])


def weakest(judged: Judged, count: int) -> list[str]:
    """Return the good pictures with the highest scores, and the defective pictures with the lowest scores.

    Parameters
    ----------
    judged : Judged
        Test pictures.
    count : int
        Number of each.

    Returns
    -------
    list of str
        Names, the good pictures first.

    Examples
    --------
    >>> judged = Judged(list("abc"), np.array([True, True, False]), ["good", "good", "knot"], np.array([1.0, 2.0, 1.5]))
    >>> weakest(judged, 1)
    ['b', 'c']
    """
    order = np.argsort(judged.scores)
    good = [judged.names[i] for i in order[::-1] if judged.is_good[i]]
    return good[:count] + [judged.names[i] for i in order if not judged.is_good[i]][:count]


def judge_names(names: Sequence[str]) -> list[Failure]:
    """Return test pictures with their maps.

    Parameters
    ----------
    names : sequence of str
        Names of test pictures.

    Returns
    -------
    list of Failure

    Examples
    --------
    >>> judge_names(["test/knot/001.jpg"])[0].title  # doctest: +SKIP
    'knot 1'
    """
    pictures = {picture.name: picture for picture in list_pictures(lesson_photographs()).test}
    detector, rule, failures = load_detector(), inspected().rule, []
    for name in names:
        picture = pictures[name]
        result = predict_picture(detector, picture.read(colour=rule.colour), rule)
        title = f"{picture.kind.replace('_', ' ')} {int(picture.path.stem)}"
        image, mask = picture.read(colour=True), picture.read_mask()
        mask = np.zeros(image.shape[:2], bool) if mask is None else mask
        failures.append(Failure(title, image, to_own_pixels(result.map, result.shape), mask))
    return failures


def describe_places(on_defect: Sequence[bool]) -> str:
    """Say what the highest places of missed pictures mean for the hypothesis.

    Parameters
    ----------
    on_defect : sequence of bool
        For each missed picture, whether the highest place lies on the defect.

    Returns
    -------
    str

    Examples
    --------
    >>> describe_places([True, False, False])
    '3 missed pictures: the highest place lies on the defect in 1 and elsewhere in 2. The hypothesis explains a part.'
    """
    hits, total = sum(map(bool, on_defect)), len(on_defect)
    if not total:
        return "No defective picture was missed, so there is nothing to explain."
    start = f"{total} missed picture{'s' if total > 1 else ''}: the highest place lies on the defect in {hits} and "
    start += f"elsewhere in {total - hits}. "
    if hits == total:
        return start + "The hypothesis holds for these pictures."
    return start + ("The hypothesis explains a part." if hits else "The hypothesis is refuted.")
