"""The section of one picture in the report: the picture, its map, and crops of the found regions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .embedding import CROP_QUALITY, Region, crop_window, fit_within, map_uri, outline_path, picture_uri
from .wording import as_count, as_number, as_text

PICTURE_WIDTH = PICTURE_HEIGHT = 560  # px at most of a picture, and of its map beside it
WIDE_WIDTH, WIDE_RATIO = 1120, 2.5  # px, for pictures of this ratio of width to height, which stand above their maps
ENLARGED, SMALLEST_SHOWN = 2, 240  # small pictures are enlarged twice, and to this width in px
MOST_CROPS = 4  # per picture


@dataclass(frozen=True)
class ReportPicture:
    """A judged picture, in its own pixels.

    Parameters
    ----------
    name : str
        Unique in a report.
    image : ndarray, shape (H, W) or (H, W, 3)
        Grey or RGB, uint8.
    anomaly_map : ndarray, shape (H, W)
        Pixel-level anomaly scores, finite.
    found : ndarray, shape (H, W)
        Pixels of the found regions after post-processing, bool.
    score : float
        Image-level anomaly score.
    is_good : bool or None
        The label. None if it is not known.
    truth : ndarray, shape (H, W), or None
        Ground-truth mask, bool. None if it is not known.

    Examples
    --------
    >>> blank = np.zeros((4, 8))
    >>> ReportPicture("a.png", blank.astype(np.uint8), blank, blank > 0, 0.0, None, None).name
    'a.png'
    """

    name: str
    image: np.ndarray
    anomaly_map: np.ndarray
    found: np.ndarray
    score: float
    is_good: bool | None
    truth: np.ndarray | None


@dataclass(frozen=True)
class Entry:
    """A picture's row in the contents of the report.

    Parameters
    ----------
    rank : int
        1 for the highest score.
    name : str
        Name of the picture.
    score : float
        Image-level anomaly score.
    is_flagged : bool
        Whether the score reaches the threshold.
    is_good : bool or None
        The label. None if it is not known.
    region_count : int
        Number of found regions.

    Examples
    --------
    >>> Entry(1, "a.png", 2.5, True, True, 3).result
    'flagged (false alarm)'
    """

    rank: int
    name: str
    score: float
    is_flagged: bool
    is_good: bool | None
    region_count: int

    @property
    def result(self) -> str:
        """The decision in words, with the error if the label shows one."""
        if self.is_flagged:
            return "flagged (false alarm)" if self.is_good is True else "flagged"
        return "not flagged (missed)" if self.is_good is False else "not flagged"

    @property
    def label(self) -> str:
        """The label in words."""
        return {True: "good", False: "defective", None: "unknown"}[self.is_good]


def picture_section(
    picture: ReportPicture, entry: Entry, regions: Sequence[Region], scale: tuple[float, float]
) -> Iterator[str]:
    """Yield the section of a picture as pieces of HTML.

    Parameters
    ----------
    picture : ReportPicture
        Checked, with bool masks.
    entry : Entry
        Its row in the contents.
    regions : sequence of Region
        The largest of its found regions.
    scale : tuple of float
        Values of the first and last colour of the map.

    Yields
    ------
    str

    Examples
    --------
    >>> blank = np.zeros((4, 8))
    >>> picture = ReportPicture("a.png", blank.astype(np.uint8), blank, blank > 0, 2.5, None, None)
    >>> "No region was found" in "".join(picture_section(picture, Entry(1, "a.png", 2.5, True, None, 0), [], (0, 1)))
    True
    """
    height, width = picture.found.shape
    is_wide = width >= WIDE_RATIO * height
    box = (WIDE_WIDTH if is_wide else PICTURE_WIDTH), PICTURE_HEIGHT
    shape = fit_within((height, width), *box)
    shown = _shown_width(shape, *box)
    kinds = " ".join(["picture", *["flagged"] * entry.is_flagged, *["wide"] * is_wide])
    label = "" if entry.is_good is None else f", label {entry.label}"
    yield f'<section class="{kinds}" id="picture-{entry.rank}" aria-labelledby="title-{entry.rank}">\n'
    yield f'<h3 id="title-{entry.rank}">{entry.rank}. {as_text(entry.name)}</h3>\n'
    yield f'<p>Score {as_number(entry.score)}, <span class="result">{entry.result}</span>{label}. '
    yield f'{_coverage(picture, entry)}</p>\n<div class="pair">\n'
    yield _picture_figure(picture, entry, shape, shown)
    yield _map_figure(picture, shape, shown, scale)
    yield "</div>\n"
    if entry.is_flagged:
        yield from _region_figures(picture, entry, regions)
    yield '<p class="back"><a href="#contents">Back to the contents</a></p>\n</section>\n'


def _shown_width(shape: tuple[int, int], width: int, height: int) -> int:
    """Return the width in px at which a copy is displayed: a small picture is enlarged if there is room."""
    factor = min(width / shape[1], height / shape[0], max(ENLARGED, SMALLEST_SHOWN / shape[1]))
    return round(shape[1] * max(1, factor))


def _coverage(picture: ReportPicture, entry: Entry) -> str:
    """Return how much was found, in a sentence."""
    if not entry.region_count:
        return "No region was found."
    share = 100 * np.count_nonzero(picture.found) / picture.found.size
    words = f"{as_count(entry.region_count, 'region')} {'was' if entry.region_count == 1 else 'were'} found"
    return f"{words}, {'under 0.01' if share < 0.01 else f'{share:.2f}'} % of the picture."


def _picture_figure(picture: ReportPicture, entry: Entry, shape: tuple[int, int], shown: int) -> str:
    height, width = picture.found.shape
    if shape != (height, width):
        size = f"scaled down to {shape[1]} x {shape[0]} px"
    else:
        size = "at full size" if shown == width else f"shown {shown / width:.2g} times as large"
    alt = f"Picture {picture.name}, with the outlines of {as_count(entry.region_count, 'found region')}"
    if picture.truth is not None and picture.truth.any():
        alt += " and of the ground truth"
    masks = {"found": picture.found, "truth": picture.truth}
    stack = _stack(picture_uri(picture.image, shape), masks, shape, alt, str(entry.rank))
    caption = f"Picture of {width} x {height} px, {size}."
    return f'<figure style="width:{shown}px">\n{stack}<figcaption>{caption}</figcaption>\n</figure>\n'


def _map_figure(picture: ReportPicture, shape: tuple[int, int], shown: int, scale: tuple[float, float]) -> str:
    peak = _peak(picture.anomaly_map)
    words = f"largest value {as_number(peak.largest)} at row {peak.peak[0]}, column {peak.peak[1]}"
    image = _image(map_uri(picture.anomaly_map, shape, scale), shape, f"Anomaly map of {picture.name}, {words}")
    return f'<figure style="width:{shown}px">\n{image}\n<figcaption>Anomaly map, {words}.</figcaption>\n</figure>\n'


def _region_figures(picture: ReportPicture, entry: Entry, regions: Sequence[Region]) -> Iterator[str]:
    """Yield crops of the found regions at full size, or of the map's largest value if none was found."""
    if regions:
        which = f"the {len(regions)} largest of {entry.region_count} found regions"
        if entry.region_count == len(regions):
            which = "the found region" if len(regions) == 1 else "all found regions"
        captions = [f"Region {number}: {_place(region)}" for number, region in enumerate(regions, start=1)]
    else:
        regions, which = [_peak(picture.anomaly_map)], "the surroundings of the map's largest value"
        row, column = regions[0].peak
        captions = [f"Largest map value {as_number(regions[0].largest)}, at row {row}, column {column}."]
    yield f'<h4>{"Crop" if len(regions) == 1 else "Crops"} at full size: {which}</h4>\n<div class="crops">\n'
    for number, (region, caption) in enumerate(zip(regions, captions, strict=True), start=1):
        yield _crop_figure(picture, region, caption, f"{entry.rank}-{number}")
    yield "</div>\n"


def _crop_figure(picture: ReportPicture, region: Region, caption: str, key: str) -> str:
    window = crop_window(region, picture.found.shape)
    rows, columns = window
    place = f"rows {rows.start} to {rows.stop - 1}, columns {columns.start} to {columns.stop - 1}"
    is_inside = all(
        side.start <= first and last < side.stop
        for (first, last), side in zip((region.rows, region.columns), window, strict=True)
    )
    if not is_inside:
        caption += f" The crop shows a part of it, {place}."
    masks = {"found": picture.found[window], "truth": None if picture.truth is None else picture.truth[window]}
    shape = masks["found"].shape
    uri = picture_uri(picture.image[window], quality=CROP_QUALITY)
    stack = _stack(uri, masks, shape, f"Crop of {picture.name}, {place}", key)
    return f'<figure style="width:{shape[1]}px">\n{stack}<figcaption>{caption}</figcaption>\n</figure>\n'


def _peak(anomaly_map: np.ndarray) -> Region:
    """Return the pixel of a map's largest value as a region."""
    row, column = (int(place) for place in np.unravel_index(anomaly_map.argmax(), anomaly_map.shape))
    return Region((row, row), (column, column), 1, (row, column), float(anomaly_map[row, column]))


def _place(region: Region) -> str:
    (top, bottom), (left, right) = region.rows, region.columns
    place = f"rows {top} to {bottom}, columns {left} to {right}"
    return f"{place}, {region.size:,} px, largest map value {as_number(region.largest)}."


def _stack(uri: str, masks: Mapping[str, np.ndarray | None], shape: tuple[int, int], alt: str, key: str) -> str:
    """Return a picture under its outlines. Each outline is drawn on a dark halo, so it is visible on any ground."""
    paths = {kind: outline_path(mask, shape) for kind, mask in masks.items() if mask is not None and mask.any()}
    image, lines = _image(uri, shape, alt), ""
    if paths:
        defined = "".join(f'<path id="{kind}-{key}" d="{path}"/>' for kind, path in paths.items())
        used = "".join(f'<use href="#{kind}-{key}" class="{look}"/>' for kind in paths for look in ("halo", kind))
        view = f'viewBox="0 0 {shape[1]} {shape[0]}" preserveAspectRatio="none"'
        lines = f'<svg {view} aria-hidden="true"><defs>{defined}</defs>{used}</svg>'
    return f'<div class="stack">{image}{lines}</div>\n'


def _image(uri: str, shape: tuple[int, int], alt: str) -> str:
    return f'<img src="{uri}" width="{shape[1]}" height="{shape[0]}" alt="{as_text(alt)}" decoding="async">'
