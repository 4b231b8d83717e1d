"""Irregularities in a copy of AITEX: files that are damaged, misnamed, duplicated, unread, or without a usable mask.

None is fatal. Each is listed with its consequence. The demo and the notebooks show those that matter.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from aitex_utils.errors import InputError
from aitex_utils.files.data_folder import folders_called, pictures_in
from aitex_utils.files.images import SUFFIXES, decode, find_files, is_hidden
from aitex_utils.files.paths import given_path
from aitex_utils.region import fabric_region
from aitex_utils.strips import (
    DEFECT_FOLDER,
    DEFECTS,
    MASK_FOLDER,
    MASK_NAME,
    NAME,
    NORMAL_FOLDER,
    STRIP_SHAPE,
    Strip,
    list_strips,
)

if TYPE_CHECKING:
    from rich.table import Table

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
MOST = 0.5  # share of a strip above which its mask is suspicious
SCREEN = (16, 0.034, 1.0)  # px of a window, change of log brightness, contrast: beyond them `fabric_region` is asked
SERIOUS = (  # kinds by which data is lost or a test spoiled
    "cannot be read",
    "not read",
    "name not nnnn_ddd_ff.png",
    "same strip twice",
    "same picture twice",
    "folder missing",
    "no fabric found",
    "fabric uncertain",
    "mask cannot be used",
    "mask marks most of the strip",
    "mask without a strip",
    "mask name not nnnn_ddd_ff_mask.png",
)
COLOUR_TYPES = {0: "grey", 2: "RGB", 3: "palette", 4: "grey with alpha", 6: "RGBA"}  # PNG specification, table 11.1


class Issue(NamedTuple):
    """An irregularity of a data set.

    Parameters
    ----------
    file : str
        File or folder, relative to the root of the data set.
    kind : str
        Kind of irregularity; equal for all files that share it.
    message : str
        Consequence for the user.

    Examples
    --------
    >>> Issue("Mask_images/0077_002_00_mask.png", "mask without a strip", "it is not used").kind
    'mask without a strip'
    """

    file: str
    kind: str
    message: str


def check_dataset(root: str | os.PathLike) -> list[Issue]:
    """Check all strips and masks of a folder.

    Parameters
    ----------
    root : path
        Folder that contains AITEX's three folders, see `strips.find_aitex`.

    Returns
    -------
    list of Issue
        In order of kind, then of file.

    Raises
    ------
    InputError
        If there are no strips, or a folder cannot be opened.

    Examples
    --------
    >>> import tempfile, cv2
    >>> with tempfile.TemporaryDirectory() as root:
    ...     Path(root, "NODefect_images").mkdir()
    ...     _ = cv2.imwrite(f"{root}/NODefect_images/0001_000_00.png", np.zeros((256, 300), np.uint8))
    ...     [issue.kind for issue in check_dataset(root)]
    ['300 columns, not 4096', 'folder missing', 'folder missing', 'no fabric found']
    """
    root = given_path(root)
    strips = list_strips(root)
    issues = [
        *_check_folders(root),
        *_check_names(strips, root),
        *_check_fabrics(strips),
        *_check_orphans(strips, root),
    ]
    first_files: dict[bytes, str] = {}  # by content
    for strip in strips:
        issues += _check_strip(strip, root, first_files)
    return sorted(issues, key=lambda issue: (issue.kind, issue.file))


def issue_table(issues: Sequence[Issue]) -> Table:
    """Return the issues as a table that a notebook and a terminal both display.

    Parameters
    ----------
    issues : sequence of Issue
        Output of `check_dataset`.

    Returns
    -------
    rich.table.Table

    Examples
    --------
    >>> issue_table([Issue("0003_002_00.png", "2 masks", "the defect is their union")]).row_count
    1
    """
    from rich.table import Table

    table = Table("file", "issue", "consequence", title=f"{len(issues)} issues")
    for issue in issues:
        table.add_row(*issue)
    return table


def serious_issues(issues: Sequence[Issue], kinds: Sequence[str] = SERIOUS) -> list[str]:
    """Describe the issues by which data is lost or a test spoiled, one line for each kind.

    Parameters
    ----------
    issues : sequence of Issue
        Output of `check_dataset`.
    kinds : sequence of str
        Kinds that count, in the order of the lines.

    Returns
    -------
    list of str
        Empty if nothing matters. A line names up to three files.

    Examples
    --------
    >>> serious_issues([Issue("a.png", "2 masks", "their union"), Issue("b.png", "cannot be read", "it is empty")])
    ['1 x cannot be read: b.png (it is empty)']
    """
    lines = []
    for kind in kinds:
        found = [issue for issue in issues if issue.kind == kind]
        if found:
            names = ", ".join(issue.file for issue in found[:3]) + (", ..." if len(found) > 3 else "")
            lines.append(f"{len(found)} x {kind}: {names} ({found[0].message})")
    return lines


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _without_root(error: InputError, root: Path) -> str:
    """Return the message of an error with the names of files relative to the root."""
    return str(error).replace(f"{root}{os.sep}", "").replace(os.sep, "/").rstrip(".")


def _check_folders(root: Path) -> Iterator[Issue]:
    """Yield missing folders, and what is in the folders and is not read."""
    for name in (NORMAL_FOLDER, DEFECT_FOLDER, MASK_FOLDER):
        folders = folders_called(root, name)
        if not folders:
            yield Issue(name, "folder missing", "unpack AITEX's archive of that name")
        for path in (path for folder in folders for path in find_files(folder)):
            reason = _reason_not_read(path)
            if reason:
                yield Issue(_relative(path, root), "not read", reason)
        for path in (path for folder in folders for path in folder.rglob("*")):
            if is_hidden(path.name) and os.path.isdir(path):
                yield Issue(_relative(path, root), "hidden folder", "what is in it is not read")


def _reason_not_read(path: Path) -> str | None:
    """Say why a file with the name of a strip or picture is passed over, or None if it is not."""
    if path.suffix.lower() in SUFFIXES:
        if os.path.isfile(path):
            return None
        return "a link that leads nowhere" if os.path.islink(path) else "a folder, or a file that cannot be opened"
    return (
        f"the format {path.suffix or 'without suffix'} is not read, save it as PNG" if NAME.match(path.stem) else None
    )


def _check_names(strips: Sequence[Strip], root: Path) -> Iterator[Issue]:
    """Yield names that are not `nnnn_ddd_ff.png`, strips that are there twice, and codes that contradict the folder."""
    used = {strip.path: strip for strip in strips}
    first = {(strip.id[:4], strip.code, strip.fabric): strip.path for strip in strips}
    for folder in (NORMAL_FOLDER, DEFECT_FOLDER):
        for path in pictures_in(root, folder):
            name, file = NAME.fullmatch(path.stem), _relative(path, root)
            if name is None:
                yield Issue(file, "name not nnnn_ddd_ff.png", "it is left out")
                continue
            code = name["code"].rjust(3, "0")
            if path not in used:
                kept = _relative(first[name["number"], code, name["fabric"]], root)
                yield Issue(file, "same strip twice", f"{kept} is used instead")
                continue
            if len(name["code"]) == 2:
                yield Issue(file, "code of two digits", f"it is read as {code}")
            if code not in DEFECTS:
                yield Issue(file, "unknown defect code", "it is used, but its defect has no name")
            if (code == "000") != (folder == NORMAL_FOLDER):
                yield Issue(file, "code contradicts its folder", "the code in the name counts")


def _check_fabrics(strips: Sequence[Strip]) -> Iterator[Issue]:
    """Yield fabrics without normal strips."""
    for fabric in sorted({strip.fabric for strip in strips}):
        if not any(strip.is_normal for strip in strips if strip.fabric == fabric):
            yield Issue(f"fabric {fabric}", "no normal strips", "no detector can be fitted on this fabric")


def _check_orphans(strips: Sequence[Strip], root: Path) -> Iterator[Issue]:
    """Yield masks that belong to no strip, and copies of masks."""
    used = {path for strip in strips for path in strip.masks}
    for path in pictures_in(root, MASK_FOLDER):
        if path not in used and (not NAME.match(path.stem) or MASK_NAME.fullmatch(path.stem)):
            yield Issue(_relative(path, root), "mask without a strip", "it is not used")
        elif not MASK_NAME.fullmatch(path.stem):
            use = "it is used, because its strip has no other" if path in used else "it is not used"
            yield Issue(_relative(path, root), "mask name not nnnn_ddd_ff_mask.png", use)


def _check_strip(strip: Strip, root: Path, first_files: dict[bytes, str]) -> Iterator[Issue]:
    """Yield the issues of one strip and of its masks, and add its content to `first_files`."""
    file = _relative(strip.path, root)
    try:
        image = strip.read()
    except InputError as error:
        yield Issue(file, "cannot be read", _without_root(error, root))
        return
    content = hashlib.sha256(image).digest()
    if content in first_files:
        yield Issue(file, "same picture twice", f"equal to {first_files[content]}, so a split can leak")
    first_files.setdefault(content, file)
    pixel_format = _pixel_format(strip.path)
    if pixel_format is None:
        yield Issue(file, "not a PNG", "it is converted when read")
    elif pixel_format != "8-bit grey":
        yield Issue(file, f"stored as {pixel_format}, not 8-bit grey", "it is converted when read")
    if image.shape[1] != STRIP_SHAPE[1]:
        yield Issue(file, f"{image.shape[1]} columns, not {STRIP_SHAPE[1]}", "it is used as it is")
    yield from _check_region(image, file)
    if not strip.is_normal:
        yield from _check_masks(strip, root)
    elif strip.masks:
        yield Issue(file, "normal strip with a mask", "the mask is used where masks are read")


def _check_region(image: np.ndarray, file: str) -> Iterator[Issue]:
    """Yield a strip whose fabric is not found, or not with certainty. `fabric_region` sees suspicious strips only."""
    window, change, contrast = SCREEN
    right = image[:, image.shape[1] // 2 :]
    windows = right.shape[1] // window
    # (256, W) -> (bands, windows), as in `region`
    means = right[:, : windows * window].reshape(8, -1, windows, window).mean(axis=(1, 3), dtype=np.float32)
    brightness = np.median(np.log(means + 1), axis=0)
    apart = min(STRIP_SHAPE[0] // window, windows // 2)
    is_unsteady = np.quantile(np.abs(brightness[apart:] - brightness[:-apart]), 0.35) > change
    differences = np.abs(np.subtract(right[:, 4:], right[:, :-4], dtype=np.int16))
    if not is_unsteady and differences.mean() > contrast:
        return
    try:
        start, stop = region = fabric_region(image)
    except InputError as error:
        yield Issue(file, "no fabric found", str(error).rstrip("."))
        return
    if stop - start < STRIP_SHAPE[0]:
        yield Issue(file, "no fabric found", f"only {stop - start} columns look like fabric, less than a tile")
    elif not region.is_certain:
        yield Issue(file, "fabric uncertain", f"a fold might hide it, columns {start} to {stop} are used")


def _check_masks(strip: Strip, root: Path) -> Iterator[Issue]:
    """Yield the issues of a defective strip's masks."""
    file = _relative(strip.path, root)
    if not strip.masks:
        yield Issue(file, "defective, but no mask", "it counts in strip-level measures only")
        return
    if len(strip.masks) > 1:
        yield Issue(file, f"{len(strip.masks)} masks", "the defect is their union")
    try:
        values = [decode(path, brightest=True).grey for path in strip.masks]
        marked = strip.read_mask().mean()
    except InputError as error:
        yield Issue(file, "mask cannot be used", _without_root(error, root))
        return
    if marked > MOST:
        share = f"it marks {100 * marked:.0f} %: is it inverted or transparent?"
        yield Issue(file, "mask marks most of the strip", share)
    if marked == 0:
        yield Issue(
            file, "mask all black", "the place of its defect is unknown, it counts in strip-level measures only"
        )
    if any(((grey > 0) & (grey < 255)).any() for grey in values if grey.dtype == np.uint8):
        yield Issue(file, "mask not binary", "any value above 0 counts as defect")


def _pixel_format(path: Path) -> str | None:
    """Return how a PNG file stores its pixels, from its header: "8-bit grey", "RGBA", "16-bit grey", or None."""
    with open(path, "rb") as file:
        header = file.read(26)  # signature, length and name of the first chunk, width, height, bit depth, colour type
    if not header.startswith(PNG_SIGNATURE) or len(header) < 26:
        return None
    depth, colours = header[24], COLOUR_TYPES.get(header[25], "unknown colours")
    return colours if depth == 8 and colours != "grey" else f"{depth}-bit {colours}"
