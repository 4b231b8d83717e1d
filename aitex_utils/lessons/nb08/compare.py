"""Show what a fix changed on the strip with planted defects: crops at full size, and one line per defect."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from aitex_utils.plots import show

from .figures import plot_before_after
from .setup import LessonStrips, tile_corners
from .verdicts import describe_fix


def show_fix(
    strips: LessonStrips,
    before: np.ndarray,
    after: np.ndarray,
    names: tuple[str, str],
    *,
    places: Mapping[str, tuple[int, int]] | None = None,
    image: np.ndarray | None = None,
) -> None:
    """Show crops of the case strip with two maps, and print what changed for each planted defect.

    Parameters
    ----------
    strips : LessonStrips
        The strips.
    before, after : ndarray, shape (H, W)
        Maps of the case strip in units of the threshold.
    names : (str, str)
        Names of the two maps.
    places : mapping of str to (int, int), optional
        Row and column of the middle of each crop, by its title. None takes the planted defects.
    image : ndarray, shape (H, W), optional
        The strip as the maps saw it, if it is not the case strip itself.

    Examples
    --------
    >>> grey, mask = np.zeros((256, 512), np.uint8), np.arange(256 * 512).reshape(256, 512) == 9999
    >>> planted = grey, {"knot": mask}, grey, grey, {}
    >>> strips = LessonStrips("00", [], [], [grey], [mask & False], ["a"], ["none"], *planted)
    >>> show_fix(strips, mask * 0.5, mask * 1.5, ("plain", "fixed"))  # doctest: +ELLIPSIS
    Crops of 144 x 144 px above their maps, ... Highest values, first plain, then fixed: knot 0.50 and 1.50.
    knot       0.50 -> 1.50  now found
    clean tiles flagged: 0 -> 0 of 1
    """
    shown = strips.case if image is None else image
    where = strips.places if places is None else places
    show(*plot_before_after(shown, before, after, where, mask=strips.case_mask, names=names))
    print(describe_fix(before, after, strips.planted))


def seam_places(strips: LessonStrips, numbers: tuple[int, ...] = (2, 6)) -> dict[str, tuple[int, int]]:
    """Return places on the seams between tiles of the case strip: the planted spot, and some without a defect.

    Parameters
    ----------
    strips : LessonStrips
        The strips.
    numbers : tuple of int
        Tiles at whose left edge the seams without a defect lie.

    Returns
    -------
    dict of str to (int, int)
        Row and column by title.

    Examples
    --------
    >>> grey, mask = np.zeros((256, 768), np.uint8), np.arange(256 * 768).reshape(256, 768) == 768 * 100 + 256
    >>> strips = LessonStrips("00", [], [], [], [], [], [], grey, {"seam": mask}, grey, grey, {})
    >>> seam_places(strips, (2,))
    {'seam with a spot': (100, 256), 'seam at column 512': (128, 512)}
    """
    seams = tile_corners(strips.case)[:, 1]
    places = {"seam with a spot": strips.places["seam"]}
    return places | {f"seam at column {seams[i]}": (128, int(seams[i])) for i in numbers if i < len(seams)}
