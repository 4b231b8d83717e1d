"""AITEX as a folder of strips: find it, check it, read a strip and its mask, split by strip.

AITEX (Silvestre-Blanes et al., "A Public Fabric Database for Defect Detection Methods and Results",
AUTEX Research Journal 19(4), 2019, doi:10.2478/aut-2019-0035) comes as three folders, `NODefect_images`,
`Defect_images` and `Mask_images`. A file is named `nnnn_ddd_ff.png`: number, defect code (000 = none), fabric.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .errors import InputError, MissingError

PROJECT = Path(__file__).resolve().parent.parent
PRACTICE = PROJECT / "data" / "practice"
STRIP_SHAPE = (256, 4096)
NORMAL_FOLDER, DEFECT_FOLDER, MASK_FOLDER = "NODefect_images", "Defect_images", "Mask_images"
NAME = re.compile(r"^(?P<number>\d{4})_(?P<code>\d{2,3})_(?P<fabric>\d{2})$")
DEFECTS = {
    "000": "none",
    "002": "broken end",
    "006": "broken yarn",
    "010": "broken pick",
    "016": "weft curling",
    "019": "fuzzyball",
    "022": "cut selvage",
    "023": "crease",
    "025": "warp ball",
    "027": "knots",
    "029": "contamination",
    "030": "nep",
    "036": "weft crack",
}


@dataclass(frozen=True)
class Strip:
    """One picture of fabric, 256 rows by (mostly) 4096 columns, and where its masks lie.

    `id` is the file's name without `.png`, `fabric` two digits, `code` three digits ("000" = no defect).
    """

    id: str
    fabric: str
    code: str
    path: Path
    masks: tuple[Path, ...] = ()

    @property
    def defect(self) -> str:
        """The defect's name, "none" for a normal strip."""
        return DEFECTS.get(self.code, f"unknown code {self.code}")

    @property
    def is_normal(self) -> bool:
        return self.code == "000"

    def read(self) -> np.ndarray:
        """Return the strip as (256, W) uint8 grey; raise `InputError` with the file's name if it can't be read."""
        image = read_grey(self.path)
        if image.shape[0] != STRIP_SHAPE[0] or image.shape[1] < STRIP_SHAPE[0]:
            raise InputError(
                f"{self.path} is {image.shape[0]} x {image.shape[1]} px, expected 256 rows and at least 256 columns: "
                "unpack it again from AITEX's archive, or leave it out with skip_bad=True."
            )
        return image

    def read_mask(self) -> np.ndarray:
        """Return where the defect is, (256, W) bool: the union of all masks, any value above 0 counts.

        All False for a normal strip. A defective strip without any mask raises `InputError`: where its defect
        lies isn't known, and taking it for clean would be wrong.
        """
        if not self.masks:
            if self.is_normal:
                return np.zeros(self.read().shape, dtype=bool)
            raise InputError(
                f"{self.id} is defective but has no mask: leave it out where masks are needed (strip.masks)."
            )
        height, width = self.read().shape
        union = np.zeros((height, width), dtype=bool)
        for path in self.masks:
            mask = read_grey(path)
            if mask.shape != union.shape:
                raise InputError(
                    f"{path} is {mask.shape[0]} x {mask.shape[1]} px but its strip is {height} x {width}: "
                    "unpack both again from AITEX's archives, or leave the strip out with skip_bad=True."
                )
            union |= mask > 0
        return union


def read_grey(path: str | os.PathLike) -> np.ndarray:
    """Read a picture as (H, W) uint8 grey: RGBA without its alpha, 16-bit divided by 257, a palette looked up."""
    from PIL import Image

    path = Path(path)
    if not path.is_file():
        raise MissingError(f"{path} isn't there: check the name, or unpack it from AITEX's archive.")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty (0 bytes): unpack it again from AITEX's archive.")
    try:
        with Image.open(path) as picture:
            picture.load()
            if picture.mode.startswith("I") or picture.mode == "F":  # 16-bit PNG; .convert("L") would clip it at 255
                deep = np.asarray(picture, dtype=np.float64)
                # Nothing above 0 becomes 0: in a mask the least value counts.
                return np.maximum(np.round(deep / 257), deep > 0).clip(0, 255).astype(np.uint8)
            if picture.mode in ("P", "PA"):
                picture = picture.convert("RGB")
            return np.asarray(picture.convert("L"))
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise InputError(
            f"{path} can't be read as a picture ({error}): it is truncated or damaged, "
            "unpack it again from AITEX's archive."
        ) from error


def find_aitex(folder: str | os.PathLike | None = None, *, quiet: bool = False) -> Path:
    """Return the folder that holds the strips, and print which one it is.

    Taken in this order: the argument, the environment variable `AITEX_ROOT`, `data/aitex`, the practice fabric.
    The folder may hold AITEX's three folders directly or one level deeper. One that was named but holds no strips
    raises `MissingError`; it is never silently passed over for the next.
    """
    named = [(folder, "the folder you gave"), (os.environ.get("AITEX_ROOT") or None, "AITEX_ROOT")]
    for place, whose in named:
        if place is not None:
            root = _root_in(Path(place).expanduser())
            if root is None:
                raise MissingError(
                    f"{place} ({whose}) holds no AITEX: "
                    f"it should contain {NORMAL_FOLDER}, {DEFECT_FOLDER} and {MASK_FOLDER}."
                )
            break
    else:
        root, whose = _root_in(PROJECT / "data" / "aitex"), "data/aitex"
        if root is None:
            root, whose = _root_in(PRACTICE), "the practice fabric; no AITEX in data/aitex and AITEX_ROOT isn't set"
        if root is None:
            raise MissingError(
                "Neither AITEX nor the practice fabric is there: make the latter with `python course.py data`."
            )
    if not quiet:
        shown = root.relative_to(PROJECT).as_posix() if root.is_relative_to(PROJECT) else root
        print(f"Strips from {shown} ({whose}).")
    return root


def _root_in(folder: Path) -> Path | None:
    """Return the folder that holds `NODefect_images`: `folder` itself, or the first one inside it that does."""
    if not folder.is_dir():
        return None
    deeper = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    for place in (folder, *deeper):
        if (place / NORMAL_FOLDER).is_dir() and place.name != NORMAL_FOLDER:
            return place
    return None


def list_strips(root: str | os.PathLike, fabric: str | None = None) -> list[Strip]:
    """Return the strips under `root` in order of fabric and id, of one fabric ("03") or of all.

    Files whose name isn't `nnnn_ddd_ff.png` are passed over; `check_dataset` lists them.
    """
    root = Path(root)
    masks: dict[str, list[Path]] = {}
    for path in _pictures(root / MASK_FOLDER):
        masks.setdefault(path.stem.split("_mask")[0], []).append(path)
    strips = []
    for folder in (NORMAL_FOLDER, DEFECT_FOLDER):
        for path in _pictures(root / folder):
            if name := NAME.match(path.stem):
                code = name["code"].rjust(3, "0")
                strips.append(Strip(path.stem, name["fabric"], code, path, tuple(masks.get(path.stem, ()))))
    fabrics = sorted({s.fabric for s in strips})
    if not strips:
        raise MissingError(
            f"{root} holds no strips named nnnn_ddd_ff.png: check that AITEX's archives were unpacked there."
        )
    if fabric is not None and fabric not in fabrics:
        raise InputError(f"There is no fabric {fabric!r} in {root}: choose one of {', '.join(fabrics)}.")
    return sorted((s for s in strips if fabric in (None, s.fabric)), key=lambda s: (s.fabric, s.code != "000", s.id))


def _pictures(folder: Path) -> Iterator[Path]:
    """Yield the PNG files in and below `folder`, sorted, without those a system hides (`._name.png`)."""
    found = (p for p in folder.rglob("*") if p.suffix.lower() == ".png" and not p.name.startswith("."))
    yield from sorted(found)


def read_strips(strips: Sequence[Strip], *, skip_bad: bool = False) -> tuple[list[Strip], list[np.ndarray]]:
    """Read several strips; return those that could be read and their pictures, each (256, W) uint8.

    A bad file raises `InputError` with its name. With `skip_bad=True` it is left out, and one warning counts them.
    """
    kept, images, bad = [], [], []
    for strip in strips:
        try:
            image = strip.read()
            if strip.masks:
                strip.read_mask()
        except InputError as error:
            if not skip_bad:
                raise
            bad.append(str(error))
            continue
        kept.append(strip)
        images.append(image)
    if bad:
        warnings.warn(f"{len(bad)} of {len(strips)} strips were skipped: {' | '.join(bad)}", stacklevel=2)
    return kept, images


def split_strips(strips: Sequence[Strip], share: float = 0.7, seed: int = 0) -> tuple[list[Strip], list[Strip]]:
    """Split whole strips at random into (fit, held out), `share` of each fabric to the first, at least one to each.

    Tiles of one strip resemble each other more than tiles of two; splitting tiles would leak what is tested into the
    fit. The same seed gives the same split, in whatever order the strips come.
    """
    if not 0 < share < 1:
        raise InputError(f"share is {share}, expected a number between 0 and 1, for example 0.7.")
    fit: list[Strip] = []
    held_out: list[Strip] = []
    for fabric in sorted({s.fabric for s in strips}):
        own = sorted((s for s in strips if s.fabric == fabric), key=lambda s: s.id)
        if len(own) < 2:
            raise InputError(
                f"Fabric {fabric} has {len(own)} strip to split: at least two are needed, one for each side."
            )
        order = np.random.default_rng([seed, int(fabric)]).permutation(len(own))
        cut = min(max(round(share * len(own)), 1), len(own) - 1)
        fit += [own[i] for i in sorted(order[:cut])]
        held_out += [own[i] for i in sorted(order[cut:])]
    return fit, held_out
