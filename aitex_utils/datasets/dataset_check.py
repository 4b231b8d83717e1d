"""Irregularities in a copy of AITEX: files that are damaged, misnamed, duplicated, or without a usable mask.

None is fatal; each is listed with its consequence.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from aitex_utils.errors import InputError
from aitex_utils.files.atomic_write import sha256
from aitex_utils.strips import (
    DEFECT_FOLDER,
    DEFECTS,
    MASK_FOLDER,
    NAME,
    NORMAL_FOLDER,
    STRIP_SHAPE,
    Strip,
    find_images,
    list_strips,
    read_grey,
)

if TYPE_CHECKING:
    from rich.table import Table

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
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
        If there are no strips.

    Examples
    --------
    >>> import tempfile, cv2
    >>> with tempfile.TemporaryDirectory() as root:
    ...     Path(root, "NODefect_images").mkdir()
    ...     _ = cv2.imwrite(f"{root}/NODefect_images/0001_000_00.png", np.zeros((256, 300), np.uint8))
    ...     [issue.kind for issue in check_dataset(root)]
    ['300 columns, not 4096', 'folder missing', 'folder missing']
    """
    root = Path(root)
    strips = list_strips(root)
    issues = [
        *_check_names(root),
        *_check_fabrics(strips),
        *_check_duplicates(strips, root),
        *_check_orphans(strips, root),
    ]
    for strip in strips:
        issues += _check_strip(strip, root)
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


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _check_names(root: Path) -> Iterator[Issue]:
    """Yield missing folders, names that are not `nnnn_ddd_ff.png`, and codes that contradict their folder."""
    for folder in (NORMAL_FOLDER, DEFECT_FOLDER, MASK_FOLDER):
        if not (root / folder).is_dir():
            yield Issue(folder, "folder missing", "unpack AITEX's archive of that name")
    for folder in (NORMAL_FOLDER, DEFECT_FOLDER):
        for path in find_images(root / folder):
            name, file = NAME.match(path.stem), _relative(path, root)
            if name is None:
                yield Issue(file, "name not nnnn_ddd_ff.png", "it is left out")
                continue
            code = name["code"].rjust(3, "0")
            if len(name["code"]) == 2:
                yield Issue(file, "code of two digits", f"it is read as {code}")
            if code not in DEFECTS:
                yield Issue(file, "unknown defect code", "it is used; its defect has no name")
            if (code == "000") != (folder == NORMAL_FOLDER):
                yield Issue(file, "code contradicts its folder", "the code in the name counts")


def _check_fabrics(strips: Sequence[Strip]) -> Iterator[Issue]:
    """Yield fabrics without normal strips."""
    for fabric in sorted({strip.fabric for strip in strips}):
        if not any(strip.is_normal for strip in strips if strip.fabric == fabric):
            yield Issue(f"fabric {fabric}", "no normal strips", "no detector can be fitted on this fabric")


def _check_duplicates(strips: Sequence[Strip], root: Path) -> Iterator[Issue]:
    """Yield files with equal bytes: a strip that is both in the training set and in the test set is a leak."""
    first_files: dict[str, str] = {}
    for strip in strips:
        if strip.path.stat().st_size:
            digest, file = sha256(strip.path), _relative(strip.path, root)
            if digest in first_files:
                yield Issue(file, "same picture twice", f"equal to {first_files[digest]}; a split can leak")
            first_files.setdefault(digest, file)


def _check_orphans(strips: Sequence[Strip], root: Path) -> Iterator[Issue]:
    """Yield masks that belong to no strip."""
    stems = {strip.path.stem for strip in strips}
    for path in find_images(root / MASK_FOLDER):
        if path.stem.split("_mask")[0] not in stems:
            yield Issue(_relative(path, root), "mask without a strip", "it is not used")


def _check_strip(strip: Strip, root: Path) -> Iterator[Issue]:
    """Yield the issues of one strip and of its masks."""
    file = _relative(strip.path, root)
    try:
        image = strip.read()
    except InputError:
        yield Issue(file, "cannot be read", "damaged, empty or of a wrong size; skipped with skip_bad=True")
        return
    pixel_format = _pixel_format(strip.path)
    if pixel_format != "8-bit grey":
        yield Issue(file, f"stored as {pixel_format}, not 8-bit grey", "it is converted when read")
    if image.shape[1] != STRIP_SHAPE[1]:
        yield Issue(file, f"{image.shape[1]} columns, not {STRIP_SHAPE[1]}", "it is used as it is")
    if not strip.is_normal:
        yield from _check_masks(strip, root)
    elif strip.masks:
        yield Issue(file, "normal strip with a mask", "the mask is used where masks are read")


def _check_masks(strip: Strip, root: Path) -> Iterator[Issue]:
    """Yield the issues of a defective strip's masks."""
    file = _relative(strip.path, root)
    if not strip.masks:
        yield Issue(file, "defective, but no mask", "it counts in strip-level measures only")
        return
    if len(strip.masks) > 1:
        yield Issue(file, f"{len(strip.masks)} masks", "the defect is their union")
    try:
        values = [np.unique(read_grey(path)) for path in strip.masks]
        is_black = not strip.read_mask().any()
    except InputError as error:
        message = str(error).split(": ")[0].replace(str(root), "").lstrip("/\\")
        yield Issue(file, "mask cannot be used", message)
        return
    if is_black:
        yield Issue(
            file, "mask all black", "the place of its defect is unknown; it counts in strip-level measures only"
        )
    if any(set(grey_values) - {0, 255} for grey_values in values):
        yield Issue(file, "mask not binary", "any value above 0 counts as defect")


def _pixel_format(path: Path) -> str:
    """Return how a PNG file stores its pixels, from its header: "8-bit grey", "RGBA", "16-bit grey", ..."""
    with open(path, "rb") as file:
        header = file.read(26)  # signature, length and name of the first chunk, width, height, bit depth, colour type
    if not header.startswith(PNG_SIGNATURE) or len(header) < 26:
        return "another format than PNG"
    depth, colours = header[24], COLOUR_TYPES.get(header[25], "unknown colours")
    return colours if depth == 8 and colours != "grey" else f"{depth}-bit {colours}"
