"""Irregularities of the pictures of an inspection, found before the work begins.

None is fatal. Each is listed with its consequence, as `datasets.dataset_check` does for AITEX. The module also offers
`list_pictures` and its classes, so an inspection needs no other import.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from aitex_utils.datasets.dataset_check import MOST, Issue, serious_issues
from aitex_utils.errors import InputError, check_flag, shown
from aitex_utils.files.images import read_mask

from .judge import PictureRule, scaled_shape
from .picture_list import MASK_ENDING, Picture, PictureSets, list_pictures, natural_order  # noqa: F401
from .picture_statistics import PictureStatistics, measure_picture, median_and_spread, similarity

LEAST_GOOD = 2  # pictures: one to learn from, and one held out for the threshold
UNIFORM = 1.0  # grey levels: a camera's noise alone has a larger standard deviation
FAR = 5.0  # robust standard deviations: practically no picture of a normal distribution lies beyond
EXPOSURE = 12.0  # grey levels by which pictures of one set-up can differ in brightness, in AITEX it is at most 3
BLUR = math.log(5)  # of the Laplacian's variance: a Gaussian blur of about 1 px, by which single yarns blur
COPY = 0.38  # similarity: below 0.25 in 230,000 pairs of pieces of one fabric, above 0.43 for JPEGs of quality 80
BATCH = 64  # pictures whose similarities are computed at once
SERIOUS = (  # kinds by which pictures are lost, or scores and measures spoiled
    "cannot be read",
    "not read",
    "too few good pictures",
    "test picture among the good ones",
    "test picture nearly equal to a good one",
    "same picture twice",
    "looks like a mask",
    "size differs from most",
    "no common size",
    "range differs from others",
    "colour differs from most",
    "shows nothing",
    "brightness differs from the good pictures",
    "blurred",
    "mask cannot be read",
    "mask of another size",
    "mask marks most of the picture",
    "mask all black",
    "mask of a good picture",
    "mask without a picture",
)
T = TypeVar("T", bound=Hashable)
Measured = dict[Path, PictureStatistics]


def check_pictures(sets: PictureSets, *, progress: bool = False) -> list[Issue]:
    """Check all pictures and masks of an inspection. Each file is read once.

    Parameters
    ----------
    sets : PictureSets
        Output of `list_pictures`.
    progress : bool
        Show a progress bar.

    Returns
    -------
    list of Issue
        In order of kind, then of file; also those that `list_pictures` noticed. A file is named as its path was given.

    Raises
    ------
    InputError
        If `sets` or `progress` is something else.

    Examples
    --------
    >>> import tempfile, cv2
    >>> noise = np.random.default_rng(0).integers(80, 160, (3, 99, 99), np.uint8)
    >>> with tempfile.TemporaryDirectory() as root:
    ...     for name, grey in zip(("train/good/1.png", "train/good/2.png", "test/hole/1.png"), noise):
    ...         Path(root, name).parent.mkdir(parents=True, exist_ok=True)
    ...         _ = cv2.imwrite(f"{root}/{name}", grey if "2" in name else noise[0])
    ...     [issue.kind for issue in check_pictures(list_pictures(root))]
    ['test picture among the good ones']
    """
    if not isinstance(sets, PictureSets):
        raise InputError(f"sets is a {type(sets).__name__}, expected the result of list_pictures.")
    check_flag("progress", progress)
    measured, unread = _measure([*sets.good, *sets.test], progress)
    good = [picture for picture in sets.good if picture.path in measured]
    test = [picture for picture in sets.test if picture.path in measured]
    issues = [*sets.issues, *unread]
    if len(good) < LEAST_GOOD:
        issues.append(_too_few(sets, len(good)))
    for pictures in (sets.good, sets.test):
        issues += _check_names(pictures)
    issues += _check_sizes(good, test, measured)
    issues += _check_ranges(good, test, measured)
    issues += _check_colours(good, test, measured)
    issues += _check_appearance(good, test, measured)
    issues += _check_equal(good, test, measured)
    issues += _check_similar(good, test, measured)
    issues += _check_masks(sets.test, measured)
    return sorted(issues, key=lambda issue: (issue.kind, natural_order(issue.file)))


def usable_pictures(pictures: Sequence[Picture], issues: Sequence[Issue]) -> list[Picture]:
    """Return the pictures that can be read, without masks that cannot be used.

    Parameters
    ----------
    pictures : sequence of Picture
        Pictures of one set.
    issues : sequence of Issue
        Output of `check_pictures`.

    Returns
    -------
    list of Picture
        In the same order. The place of a defect whose mask is dropped is unknown.

    Raises
    ------
    InputError
        If the pictures or the issues are something else.

    Examples
    --------
    >>> pictures = [Picture(Path("new/a.png"), "a.png"), Picture(Path("new/b.png"), "b.png")]
    >>> [picture.name for picture in usable_pictures(pictures, [Issue("new/a.png", "cannot be read", "empty")])]
    ['b.png']
    """
    pictures = _check_parts("pictures", pictures, Picture, "the pictures of list_pictures")
    issues = _check_parts("issues", issues, Issue, "the issues of check_pictures")
    unread = {issue.file for issue in issues if issue.kind == "cannot be read"}
    bad_masks = {issue.file for issue in issues if issue.kind in ("mask cannot be read", "mask of another size")}
    return [
        replace(picture, mask=None) if picture.mask and picture.mask.as_posix() in bad_masks else picture
        for picture in pictures
        if picture.path.as_posix() not in unread
    ]


def serious_picture_issues(issues: Sequence[Issue]) -> list[str]:
    """Describe the issues by which pictures are lost or scores spoiled, one line for each kind.

    Parameters
    ----------
    issues : sequence of Issue
        Output of `check_pictures`.

    Returns
    -------
    list of str
        Empty if nothing matters. A line names up to three files.

    Raises
    ------
    InputError
        If the issues are something else.

    Examples
    --------
    >>> serious_picture_issues([Issue("a.png", "blurred", "fine defects vanish"), Issue("b.png", "other", "")])
    ['1 x blurred: a.png (fine defects vanish)']
    """
    return serious_issues(_check_parts("issues", issues, Issue, "the issues of check_pictures"), SERIOUS)


def _check_parts(name: str, values: Iterable[T], kind: type[T], expected: str) -> list[T]:
    """Return values as a list if all of them are of one class."""
    parts = list(values) if isinstance(values, Iterable) and np.iterable(values) else [None]
    if not all(isinstance(part, kind) for part in parts):
        raise InputError(f"{name} is {shown(values)}, expected a list: give {expected}.")
    return parts


def _measure(pictures: Sequence[Picture], progress: bool) -> tuple[Measured, list[Issue]]:
    """Return the statistics of the pictures that can be read, and an issue for each of the others."""
    from tqdm.auto import tqdm

    measured: Measured = {}
    issues = []
    for picture in tqdm(pictures, desc="check", unit="picture", disable=not progress):
        try:
            one = measure_picture(picture.path)
            scaled_shape(one.shape, PictureRule(side=None))
            measured[picture.path] = one
        except InputError as error:
            issues.append(_issue(picture.path, "cannot be read", f"it is left out{_because(error, picture.path)}"))
    return measured, issues


def _issue(path: Path, kind: str, message: str) -> Issue:
    return Issue(path.as_posix(), kind, message)


def _because(error: InputError, path: Path) -> str:
    """Return the message of an error about a file as the end of a sentence, without the file's name."""
    message = str(error).rstrip(".")
    own = message.removeprefix(f"{path} ")
    return f": {message}" if own == message else f", because it {own}"


def _too_few(sets: PictureSets, count: int) -> Issue:
    first = sets.good[0] if sets.good else None
    folder = first.path.as_posix().removesuffix(first.name).rstrip("/") or "." if first else "the good pictures"
    return Issue(
        folder,
        "too few good pictures",
        f"{count} can be read, expected at least {LEAST_GOOD}, better 20: there is no picture to set a threshold with",
    )


def _check_names(pictures: Sequence[Picture]) -> Iterator[Issue]:
    """Yield pictures that are called like the mask of another."""
    stems = {picture.path.with_suffix("") for picture in pictures}
    for picture in pictures:
        stem = picture.path.stem
        original = stem[: -len(MASK_ENDING)] if stem.lower().endswith(MASK_ENDING) else ""
        if original and picture.path.with_name(original) in stems:
            yield _issue(
                picture.path,
                "looks like a mask",
                "it is used as a picture of fabric: move masks to a folder of their own, and name that folder",
            )


def _most(values: Sequence[T]) -> T | None:
    """Return the value that more than half of all have, or None."""
    if not values:
        return None
    value, count = Counter(values).most_common(1)[0]
    return value if 2 * count > len(values) else None


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]} x {shape[0]} px"  # width x height, as cameras state it


def _turned(shape: tuple[int, ...], other: tuple[int, ...]) -> str:
    return ", perhaps turned by 90 degrees" if shape == other[::-1] else ""


def _check_sizes(good: Sequence[Picture], test: Sequence[Picture], measured: Measured) -> Iterator[Issue]:
    """Yield pictures whose size differs from the size of most good ones."""
    shapes = [measured[picture.path].shape for picture in good]
    most = _most(shapes)
    if most is None:
        if shapes:
            small, large = min(shapes, key=math.prod), max(shapes, key=math.prod)
            yield _issue(
                good[0].path.parent,
                "no common size",
                f"good pictures have {len(set(shapes))} sizes, {_size(small)} to {_size(large)}: a weave that is "
                "larger in some of them is learned at several scales, and small defects are missed",
            )
        return
    learned = set(good)
    for picture in (*good, *test):
        shape = measured[picture.path].shape
        if shape != most:
            use = "is learned as good" if picture in learned else "gets a high score without a defect"
            yield _issue(
                picture.path,
                "size differs from most",
                f"{_size(shape)}, most good pictures have {_size(most)}{_turned(shape, most)}: a weave at another "
                f"scale or angle {use}",
            )


def _check_ranges(good: Sequence[Picture], test: Sequence[Picture], measured: Measured) -> Iterator[Issue]:
    """Yield pictures of more than 8 bits that are scaled by another factor than others, because they are darker."""
    whites = {p: white for p in (*good, *test) if (white := measured[p.path].white) is not None}
    if not whites:
        return
    counts = Counter(whites.values())
    most = max(counts, key=lambda white: (counts[white], white))
    for picture, white in whites.items():
        if white != most:
            ratio = most / white
            change = f"{ratio:.3g} times as bright" if ratio > 1 else f"{1 / ratio:.3g} times darker"
            yield _issue(
                picture.path,
                "range differs from others",
                f"its largest value fits 0..{white}, others need 0..{most}: if one camera took them, it is read "
                f"{change}, so save all as 8 bits with one factor",
            )


def _check_colours(good: Sequence[Picture], test: Sequence[Picture], measured: Measured) -> Iterator[Issue]:
    """Yield grey pictures where most good ones are in colour, and the other way round."""
    most = _most([measured[picture.path].is_colour for picture in good])
    names = {True: "in colour", False: "grey"}
    for picture in (*good, *test) if most is not None else ():
        is_colour = measured[picture.path].is_colour
        if is_colour != most:
            yield _issue(
                picture.path,
                "colour differs from most",
                f"it is {names[is_colour]}, most good pictures are {names[most]}: another camera or another setting "
                "changes scores without a defect",
            )


def _check_appearance(good: Sequence[Picture], test: Sequence[Picture], measured: Measured) -> Iterator[Issue]:
    """Yield pictures that show nothing, are too dark or too bright, or blurred, beside the good ones."""
    learned = set(good)
    shown = [picture for picture in (*good, *test) if measured[picture.path].std >= UNIFORM]
    for picture in (*good, *test):
        one = measured[picture.path]
        if one.std < UNIFORM:
            use = "it is learned as good" if picture in learned else "its score means nothing"
            yield _issue(picture.path, "shows nothing", f"all of it has the grey value {one.mean:.0f}: {use}")
    reference = [measured[picture.path] for picture in shown if picture in learned]
    if not reference:
        return
    mean, mean_spread = median_and_spread([one.mean for one in reference])
    sharpness, sharpness_spread = median_and_spread([one.sharpness for one in reference])
    for picture in shown:
        one, is_learned = measured[picture.path], picture in learned
        if abs(one.mean - mean) > max(EXPOSURE, FAR * mean_spread):
            use = "other light is learned as good" if is_learned else "a high score can come from the light alone"
            yield _issue(
                picture.path,
                "brightness differs from the good pictures",
                f"mean grey {one.mean:.0f}, the good pictures' median is {mean:.0f}: {use}",
            )
        if sharpness - one.sharpness > max(BLUR, FAR * sharpness_spread):
            use = "blur is learned as good" if is_learned else "fine defects vanish, and blur alone can raise its score"
            share = math.exp(one.sharpness - sharpness)
            yield _issue(picture.path, "blurred", f"sharpness is {share:.2g} times the good pictures' median: {use}")


def _check_equal(good: Sequence[Picture], test: Sequence[Picture], measured: Measured) -> Iterator[Issue]:
    """Yield pictures that are there twice, in one set or in both."""
    in_good: dict[bytes, Picture] = {}
    in_test: dict[bytes, Picture] = {}
    for picture in good:
        first = in_good.setdefault(measured[picture.path].content, picture)
        if first is not picture and measured[picture.path].std >= UNIFORM:
            use = "a copy that is held out scores too low, and so does the threshold"
            yield _issue(picture.path, "same picture twice", f"equal to {first.path.as_posix()}: {use}")
    for picture in test:
        if measured[picture.path].std < UNIFORM:
            continue
        content = measured[picture.path].content
        first = in_test.setdefault(content, picture)
        if first is not picture:
            use = "it counts twice in all measures"
            yield _issue(picture.path, "same picture twice", f"equal to {first.path.as_posix()}: {use}")
        if content in in_good:
            path, use = in_good[content].path.as_posix(), _of_leak(picture)
            yield _issue(picture.path, "test picture among the good ones", f"equal to {path}: {use}")


def _check_similar(good: Sequence[Picture], test: Sequence[Picture], measured: Measured) -> Iterator[Issue]:
    """Yield pictures to judge that are nearly equal to a good one."""
    contents = {measured[picture.path].content for picture in good}
    others = [picture for picture in test if measured[picture.path].content not in contents]
    if not good or not others:
        return
    good_prints = np.array([measured[picture.path].fingerprint for picture in good])
    for start in range(0, len(others), BATCH):
        batch = others[start : start + BATCH]
        found = similarity(np.array([measured[picture.path].fingerprint for picture in batch]), good_prints)
        for picture, row in zip(batch, found, strict=True):
            nearest = int(row.argmax())
            if row[nearest] > COPY:
                path = good[nearest].path.as_posix()
                yield _issue(
                    picture.path,
                    "test picture nearly equal to a good one",
                    f"like {path} (similarity {row[nearest]:.2f}), perhaps saved again: {_of_leak(picture)}",
                )


def _of_leak(picture: Picture) -> str:
    """Say what follows if a picture to judge was learned."""
    if picture.is_good is False:
        return "its defect is learned as good and cannot be found"
    return "it was learned, so its score says nothing about new pictures"


def _check_masks(test: Sequence[Picture], measured: Measured) -> Iterator[Issue]:
    """Yield masks that cannot be used or contradict the label, and defects without a mask where others have one."""
    have_masks = any(picture.mask for picture in test)
    for picture in test:
        if picture.mask is None:
            if have_masks and picture.is_good is False:
                yield _issue(picture.path, "defective, but no mask", "it counts in picture-level measures only")
            continue
        try:
            mask = read_mask(picture.mask)
        except InputError as error:
            use = f"the place of the defect is unknown{_because(error, picture.mask)}"
            yield _issue(picture.mask, "mask cannot be read", use)
            continue
        shape = measured[picture.path].shape if picture.path in measured else mask.shape
        if mask.shape != shape:
            yield _issue(
                picture.mask,
                "mask of another size",
                f"{_size(mask.shape)}, its picture has {_size(shape)}{_turned(mask.shape, shape)}: it is not used, so "
                "the place of the defect is unknown",
            )
        yield from _check_content(picture, picture.mask, float(mask.mean()))


def _check_content(picture: Picture, path: Path, marked: float) -> Iterator[Issue]:
    """Yield what is odd about the share of a picture that its mask marks."""
    if picture.is_good and marked:
        yield _issue(
            path,
            "mask of a good picture",
            f"it marks {100 * marked:.2g} % and is not used, because the folder says good: move the picture if it has "
            "a defect",
        )
    elif picture.is_good is False and not marked:
        yield _issue(
            path, "mask all black", "the place of the defect is unknown, it counts in picture-level measures only"
        )
    elif marked > MOST:
        yield _issue(
            path,
            "mask marks most of the picture",
            f"it marks {100 * marked:.0f} %, and all of that counts as defect: is it inverted or transparent?",
        )
