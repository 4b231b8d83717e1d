"""What is odd about a copy of AITEX: every finding named, none fatal."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from aitex_utils.atomic_write import sha256
from aitex_utils.errors import InputError
from aitex_utils.strips import (
    DEFECT_FOLDER,
    DEFECTS,
    MASK_FOLDER,
    NAME,
    NORMAL_FOLDER,
    STRIP_SHAPE,
    Strip,
    _pictures,
    list_strips,
    read_grey,
)


class Oddity(NamedTuple):
    """One finding: the file or folder (relative to the root), what kind it is, and what it means for a user."""

    file: str
    kind: str
    told: str


def check_dataset(root: str | os.PathLike) -> list[Oddity]:
    """Return all that is odd about the strips and masks under `root`, in order of kind and file."""
    root = Path(root)
    strips = list_strips(root)
    found = [*_names(root), *_fabrics(strips), *_twins(strips, root)]
    for strip in strips:
        found += _strip(strip, root)
    stems = {s.path.stem for s in strips}
    for path in _pictures(root / MASK_FOLDER):
        if path.stem.split("_mask")[0] not in stems:
            found.append(Oddity(_short(path, root), "mask without a strip", "not used"))
    return sorted(found, key=lambda o: (o.kind, o.file))


def oddity_table(oddities: list[Oddity]):
    """Return the findings as a `rich.table.Table`, which a notebook and a terminal both show."""
    from rich.table import Table

    table = Table("file", "what is odd", "what it means", title=f"{len(oddities)} oddities")
    for oddity in oddities:
        table.add_row(*oddity)
    return table


def _short(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _names(root: Path) -> Iterator[Oddity]:
    """Names that don't follow `nnnn_ddd_ff.png`, and codes that contradict their folder."""
    for folder in (NORMAL_FOLDER, DEFECT_FOLDER, MASK_FOLDER):
        if not (root / folder).is_dir():
            yield Oddity(folder, "folder missing", "unpack AITEX's archive of that name")
    for folder in (NORMAL_FOLDER, DEFECT_FOLDER):
        for path in _pictures(root / folder):
            name, short = NAME.match(path.stem), _short(path, root)
            if name is None:
                yield Oddity(short, "name not nnnn_ddd_ff.png", "passed over")
                continue
            code = name["code"].rjust(3, "0")
            if len(name["code"]) == 2:
                yield Oddity(short, "code of two digits", f"read as {code}")
            if code not in DEFECTS:
                yield Oddity(short, "unknown defect code", "kept; its defect has no name")
            if (code == "000") != (folder == NORMAL_FOLDER):
                yield Oddity(short, "code contradicts its folder", "the code in the name is believed")


def _fabrics(strips: list[Strip]) -> Iterator[Oddity]:
    for fabric in sorted({s.fabric for s in strips}):
        if not any(s.is_normal for s in strips if s.fabric == fabric):
            yield Oddity(f"fabric {fabric}", "no normal strips", "can't be fitted on: its strips can only be looked at")


def _twins(strips: list[Strip], root: Path) -> Iterator[Oddity]:
    """Files with the same bytes: a strip that is both in the fit and in the test is a leak."""
    first: dict[str, str] = {}
    for strip in strips:
        if strip.path.stat().st_size:
            digest, short = sha256(strip.path), _short(strip.path, root)
            if digest in first:
                yield Oddity(short, "same picture twice", f"as {first[digest]}; leaves no honest split")
            first.setdefault(digest, short)


def _strip(strip: Strip, root: Path) -> Iterator[Oddity]:
    short = _short(strip.path, root)
    try:
        image = strip.read()
    except InputError:
        yield Oddity(short, "can't be read", "unreadable, empty or wrongly sized: skipped with skip_bad=True")
        return
    mode = _mode(strip.path)
    if mode != "L":
        yield Oddity(short, f"stored as {mode}, not 8-bit grey", "converted when read")
    if image.shape[1] != STRIP_SHAPE[1]:
        yield Oddity(short, f"{image.shape[1]} columns, not {STRIP_SHAPE[1]}", "used as it is")
    if strip.is_normal:
        if strip.masks:
            yield Oddity(short, "normal strip with a mask", "the mask is used where masks are read")
        return
    if not strip.masks:
        yield Oddity(short, "defective, but no mask", "counts for strip measures only")
    if len(strip.masks) > 1:
        yield Oddity(short, f"{len(strip.masks)} masks", "the defect is their union")
    try:
        values = [np.unique(read_grey(path)) for path in strip.masks]
        empty = bool(strip.masks) and not strip.read_mask().any()
    except InputError as error:
        yield Oddity(short, "mask can't be used", str(error).split(": ")[0].replace(str(root), "").lstrip("/\\"))
        return
    if empty:
        yield Oddity(short, "mask all black", "where its defect lies isn't known: strip measures only")
    if any(set(v) - {0, 255} for v in values):
        yield Oddity(short, "mask not binary", "any value above 0 counts as defect")


def _mode(path: Path) -> str:
    from PIL import Image

    with Image.open(path) as picture:
        return picture.mode
