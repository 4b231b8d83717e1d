"""The report of an inspection: one HTML page that opens offline, written picture by picture in bounded memory.

Sections of pictures are written to a file beside the page first, because the contents above them show labels, which
are known only once a picture is loaded.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TextIO

import numpy as np

from ..errors import InputError, check_flag, check_number, shown
from ..files.atomic_write import atomic_write
from ..files.paths import full_path
from ..safety.arrays import as_array
from ..safety.scores import check_labels, check_pair, check_real, check_scores
from .embedding import largest_regions
from .measures import Measures
from .page import above_pictures, below_pictures
from .picture_section import MOST_CROPS, Entry, ReportPicture, picture_section

SAME_SCORE = 1e-5  # relative difference by rounding


def write_report(
    path: str | PathLike,
    names: Sequence[str],
    load: Callable[[str], ReportPicture],
    *,
    scores: Mapping[str, float],
    threshold: float,
    good_scores: Sequence[float],
    promise: str,
    warnings: Sequence[str],
    settings: Mapping[str, str],
    measures: Measures | None,
    scale: tuple[float, float],
    title: str,
) -> Path:
    """Write one page that opens offline, whole or not at all, and return its absolute path.

    Parameters
    ----------
    path : path
        HTML file to write. An existing file is replaced.
    names : sequence of str
        Names of the judged pictures, each once.
    load : callable
        Returns the picture with a name. It is called once per picture in the order of falling scores. The picture is
        released before the next call.
    scores : mapping of str to float
        Image-level score of each picture, finite. Equal to the loaded score up to rounding.
    threshold : float
        A picture is flagged if its score is at least this large. Infinity flags none.
    good_scores : sequence of float
        Scores of held-out good pictures, from which the threshold was chosen; can be empty.
    promise : str
        Words that complete "7 of 40 pictures were flagged", for example "at a promised false-alarm rate of 5 %".
    warnings : sequence of str
        Sentences for the top of the page.
    settings : mapping of str to str
        Settings and versions, in the order of the table.
    measures : Measures or None
        Measures against labels, see `measures.measure`.
    scale : tuple of float
        Values of the first and last colour of all maps.
    title : str
        Title of the page.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If there is no picture, an argument or a loaded picture is malformed, a map is not finite, or the file cannot be
        written. An earlier file remains as it was.

    Examples
    --------
    >>> import tempfile
    >>> blank = np.zeros((4, 8))
    >>> def load(name):
    ...     return ReportPicture(name, blank.astype(np.uint8), blank, blank > 0, 1.0, None, None)
    >>> options = {"promise": "without a promise", "warnings": [], "settings": {}, "measures": None, "title": "Cloth"}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = write_report(
    ...         f"{folder}/report.html", ["a.png"], load, scores={"a.png": 1.0}, threshold=2.0, good_scores=[],
    ...         scale=(0.0, 1.0), **options
    ...     )
    ...     "0 of 1 pictures were flagged" in page.read_text(encoding="utf-8")
    True
    """
    ordered = _by_falling_score(names, scores)
    if not callable(load):
        raise InputError(f"load is {shown(load)}: give a function that returns the picture with a name.")
    if not (isinstance(threshold, (float, np.floating)) and threshold == np.inf):
        check_number("threshold", threshold, "(-inf, inf)", example=1.5)
    good_scores = as_array(good_scores, "good_scores")
    good_scores = check_scores(good_scores, "good_scores").ravel() if good_scores.size else np.empty(0)
    low, high = check_pair("scale", scale)
    if low >= high:
        raise InputError(f"scale is {shown(scale)}, expected two rising numbers, for example (0.0, 2.0).")
    _check_texts(promise, warnings, settings, title)
    if not isinstance(measures, (Measures, type(None))):
        raise InputError(f"measures is {shown(measures)}: give the result of measures.measure, or None.")

    with atomic_write(path) as page:
        sections = page.with_name("sections.part")  # in the temporary folder, which is removed with it
        with open(sections, "w", encoding="utf-8") as file:
            entries = [
                _write_section(file, rank, name, load, float(scores[name]), float(threshold), (low, high))
                for rank, name in enumerate(ordered, start=1)
            ]
        with open(page, "w", encoding="utf-8") as file:
            above = above_pictures(
                entries,
                title=title,
                promise=promise,
                warnings=warnings,
                threshold=float(threshold),
                good_scores=good_scores,
                scale=(low, high),
            )
            file.writelines(above)
            with open(sections, encoding="utf-8") as written:
                shutil.copyfileobj(written, file)
            file.writelines(below_pictures(entries, measures, settings))
    return full_path(path)


def _by_falling_score(names: Sequence[str], scores: Mapping[str, float]) -> list[str]:
    """Check names and scores, and return the names by falling score. Equal scores stay in the given order."""
    given, names = names, list(names) if np.iterable(names) else []
    if isinstance(given, str) or not np.iterable(given) or not all(isinstance(name, str) for name in names):
        raise InputError(f"names is {shown(given)}: give a list of the pictures' names.")
    if not names:
        raise InputError("There are no pictures to report: give at least one name.")
    twice = sorted(name for name in set(names) if names.count(name) > 1) if len(set(names)) < len(names) else []
    if twice:
        raise InputError(f"{len(twice)} names occur more than once, the first is {shown(twice[0])}: give each once.")
    if not isinstance(scores, Mapping):
        raise InputError(f"scores is {shown(scores)}: give a dict of names and scores.")
    for name in names:
        if name not in scores:
            raise InputError(f"{shown(name)} has no score: give scores for all {len(names)} names.")
        check_number(f"The score of {shown(name)}", scores[name], "(-inf, inf)")
    return sorted(names, key=lambda name: -float(scores[name]))


def _check_texts(promise: str, warnings: Sequence[str], settings: Mapping[str, str], title: str) -> None:
    for name, text in (("promise", promise), ("title", title)):
        if not isinstance(text, str) or not text.strip():
            raise InputError(f"{name} is {shown(text)}, expected some words.")
    if (
        isinstance(warnings, str)
        or not isinstance(warnings, Sequence)
        or not all(isinstance(line, str) for line in warnings)
    ):
        raise InputError(f"warnings is {shown(warnings)}: give a list of sentences, or [].")
    if not isinstance(settings, Mapping):
        raise InputError(f"settings is {shown(settings)}: give a dict of names and values.")


def _write_section(
    file: TextIO,
    rank: int,
    name: str,
    load: Callable[[str], ReportPicture],
    score: float,
    threshold: float,
    scale: tuple[float, float],
) -> Entry:
    """Load a picture, write its section, and return its row of the contents. The picture is released at the end."""
    picture = _load(load, name, score)
    regions, count = largest_regions(picture.found, picture.anomaly_map, MOST_CROPS)
    entry = Entry(rank, name, score, bool(score >= threshold), picture.is_good, count)
    file.writelines(picture_section(picture, entry, regions, scale))
    return entry


def _load(load: Callable[[str], ReportPicture], name: str, score: float) -> ReportPicture:
    """Return a loaded picture whose parts fit together."""
    try:
        picture = load(name)
    except OSError as error:
        if isinstance(error, InputError):
            raise
        reason = error.strerror or type(error).__name__
        raise InputError(f'{name} was not loaded: the system says "{reason}", check that file.') from error
    if not isinstance(picture, ReportPicture) or picture.name != name:
        raise InputError(f"load returned {shown(picture)} for {shown(name)}, expected the ReportPicture of that name.")
    if not math.isclose(picture.score, score, rel_tol=SAME_SCORE, abs_tol=1e-12):
        raise InputError(
            f"{name} was loaded with score {picture.score}, but scores has {score}: judge it once for both."
        )
    image = as_array(picture.image, f"The image of {name}")
    if image.dtype != np.uint8 or not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)) or not image.size:
        raise InputError(
            f"The image of {name} has shape {image.shape} and dtype {image.dtype}, expected uint8 of shape (H, W) or "
            "(H, W, 3)."
        )
    anomaly_map = check_real(picture.anomaly_map, f"The map of {name}")
    found = check_labels(picture.found, f"The mask found of {name}")
    truth = None if picture.truth is None else check_labels(picture.truth, f"The mask truth of {name}")
    for part, array in (("map", anomaly_map), ("mask found", found), ("mask truth", truth)):
        if array is not None and array.shape != image.shape[:2]:
            raise InputError(
                f"The {part} of {name} has shape {array.shape}, expected the picture's, {image.shape[:2]}: bring both "
                "to one size."
            )
    bad = np.count_nonzero(~np.isfinite(anomaly_map))
    if bad:
        raise InputError(
            f"The map of {name} contains NaN or infinity in {bad} of {anomaly_map.size} places: give pixels that were "
            "not judged the lowest score."
        )
    is_good = None if picture.is_good is None else check_flag(f"is_good of {name}", picture.is_good)
    return ReportPicture(name, image, anomaly_map, found, score, is_good, truth)
