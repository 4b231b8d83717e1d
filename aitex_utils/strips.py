"""AITEX as a folder of strips: find it, list it, read a strip and its mask, split by strip.

AITEX (Silvestre-Blanes et al., "A Public Fabric Database for Defect Detection Methods and Results",
AUTEX Research Journal 19(4), 2019, doi:10.2478/aut-2019-0035) comes as three folders, `NODefect_images`,
`Defect_images` and `Mask_images`. A file is named `nnnn_ddd_ff.png`: number, defect code (000 = none), fabric.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .errors import InputError, MissingError, check_number, check_seed, shown
from .files.data_folder import DEFECT_FOLDER, MASK_FOLDER, NORMAL_FOLDER, PRACTICE, PROJECT, find_aitex, pictures_in  # noqa: F401
from .files.images import content_keys, find_images, read_grey, read_mask  # noqa: F401

STRIP_SHAPE = (256, 4096)  # px
COVERED = 0.9  # share of a strip above which its mask is taken to be inverted, AITEX's masks mark up to 0.14
NAME = re.compile(r"(?P<number>\d{4})_(?P<code>\d{2,3})_(?P<fabric>\d{2})(?!\d)")
MASK_NAME = re.compile(NAME.pattern + r"(_mask\d*)?", re.IGNORECASE)  # more follows it in the name of a copy
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
    """One picture of fabric, 256 rows by (mostly) 4096 columns, and the files of its masks.

    Parameters
    ----------
    id : str
        The file's name without its suffix.
    fabric : str
        Two digits.
    code : str
        Defect code of three digits, "000" = no defect.
    path : Path
        File of the picture.
    masks : tuple of Path
        Files of the masks, none for a normal strip.

    Examples
    --------
    >>> strip = Strip("0094_027_05", "05", "027", Path("0094_027_05.png"))
    >>> strip.defect, strip.is_normal
    ('knots', False)
    """

    id: str
    fabric: str
    code: str
    path: Path
    masks: tuple[Path, ...] = ()

    @property
    def defect(self) -> str:
        """Name of the defect, "none" for a normal strip."""
        return DEFECTS.get(self.code, f"unknown code {self.code}")

    @property
    def is_normal(self) -> bool:
        """True if the code says that there is no defect."""
        return self.code == "000"

    def read(self) -> np.ndarray:
        """Read the strip.

        Returns
        -------
        ndarray, shape (256, W)
            Grey values, uint8.

        Raises
        ------
        InputError
            If the file cannot be read or has another height.
        """
        image = read_grey(self.path)
        if image.shape[0] != STRIP_SHAPE[0] or image.shape[1] < STRIP_SHAPE[0]:
            fix = "turn it by 90 degrees" if image.shape[1] == STRIP_SHAPE[0] else "cut or scale it to that height"
            raise InputError(
                f"{self.path} is {image.shape[0]} x {image.shape[1]} px, expected 256 rows and at least 256 columns: "
                f"{fix}, or leave it out with skip_bad=True."
            )
        return image

    def read_mask(self) -> np.ndarray:
        """Read the ground-truth mask: the union of all mask files, where any value above 0 is defect.

        Returns
        -------
        ndarray, shape (256, W)
            Bool, True where the defect is; all False for a normal strip.

        Raises
        ------
        InputError
            If a defective strip has no mask, because the place of its defect is then unknown. Also if a mask cannot be
            read, has another shape than its strip, or marks more than 90 % of it.
        """
        if not self.masks:
            if self.is_normal:
                return np.zeros(self.read().shape, dtype=bool)
            raise InputError(
                f"{self.id} is defective but has no mask: leave it out where masks are needed (strip.masks)."
            )
        union = np.zeros(self.read().shape, dtype=bool)
        for path in self.masks:
            mask = read_mask(path)
            if mask.shape != union.shape:
                raise InputError(
                    f"{path} is {mask.shape[0]} x {mask.shape[1]} px but its strip is {union.shape[0]} x "
                    f"{union.shape[1]}: give both the same size, or leave the strip out with skip_bad=True."
                )
            union |= mask
        if union.mean() > COVERED:
            raise InputError(
                f"{path} marks {100 * union.mean():.0f} % of its strip: is the mask inverted or transparent? "
                "Save it with the defect in white on black, or leave the strip out with skip_bad=True."
            )
        return union

    def read_known_mask(self) -> np.ndarray | None:
        """Read the mask if the place of the defect is known.

        Returns
        -------
        ndarray, shape (256, W), or None
            As `read_mask`; None for a defective strip that has no mask or an all-black one.

        Raises
        ------
        InputError
            If a mask cannot be read, has another shape than its strip, or marks more than 90 % of it.
        """
        if not (self.is_normal or self.masks):
            return None
        mask = self.read_mask()
        return mask if self.is_normal or mask.any() else None


def list_strips(root: str | os.PathLike, fabric: str | None = None) -> list[Strip]:
    """List the strips of a folder.

    Parameters
    ----------
    root : path
        Folder that contains AITEX's three folders, see `find_aitex`.
    fabric : str, optional
        Two digits, for the strips of one fabric; None for all.

    Returns
    -------
    list of Strip
        In order of fabric, normal ones first, then of id. A strip counts once: if several files have its name, in other
        folders or formats, the file in the upper folder is taken. Its masks are named `nnnn_ddd_ff_mask.png`, or with a
        number at the end; masks with more in their names, such as copies, count only where there are no others. Files
        with other names and in hidden folders are passed over. `check_dataset` lists all that is not used.

    Raises
    ------
    InputError
        If there are no strips, or none of that fabric.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as root:
    ...     Path(root, "NODefect_images").mkdir()
    ...     Path(root, "NODefect_images", "0003_000_02.png").touch()
    ...     [strip.id for strip in list_strips(root)]
    ['0003_000_02']
    """
    masks, copies = {}, {}
    for path in pictures_in(root, MASK_FOLDER):
        if name := NAME.match(path.stem):
            (masks if MASK_NAME.fullmatch(path.stem) else copies).setdefault(_key(name), []).append(path)
    pictures = [path for folder in (NORMAL_FOLDER, DEFECT_FOLDER) for path in pictures_in(root, folder)]
    found: dict[tuple, Strip] = {}
    for path in sorted(pictures, key=lambda path: (len(path.parts), path.suffix.lower() != ".png")):
        if name := NAME.fullmatch(path.stem):
            _, code, of_fabric = key = _key(name)
            found.setdefault(key, Strip(path.stem, of_fabric, code, path, tuple(masks.get(key, copies.get(key, ())))))
    strips = list(found.values())
    fabrics = sorted({s.fabric for s in strips})
    if not strips:
        raise MissingError(
            f"{root} contains no strips named nnnn_ddd_ff.png: check that AITEX's archives were unpacked there."
        )
    if not isinstance(fabric, (str, type(None))) or fabric not in (None, *fabrics):
        raise InputError(f"There is no fabric {shown(fabric)} in {root}: choose one of {', '.join(fabrics)}.")
    return sorted((s for s in strips if fabric in (None, s.fabric)), key=lambda s: (s.fabric, s.code != "000", s.id))


def distinct_strips(strips: Sequence[Strip]) -> list[Strip]:
    """Return each strip once, with one warning that names the others.

    Parameters
    ----------
    strips : sequence of Strip
        Strips, in which an id or the bytes of a file can occur several times.

    Returns
    -------
    list of Strip
        The first of each kind.

    Examples
    --------
    >>> strip = Strip("0001_000_02", "02", "000", Path())
    >>> len(distinct_strips([strip]))
    1
    """
    kept, repeated, seen, strips = [], [], set(), _check_strips(strips)
    for strip, content in zip(strips, content_keys([strip.path for strip in strips]), strict=True):
        (repeated if seen & {strip.id, content} else kept).append(strip)
        seen |= {strip.id, content}
    if repeated:
        names = ", ".join(strip.path.name for strip in repeated)
        warnings.warn(
            f"{len(repeated)} of {len(strips)} strips were left out, because the same picture is there twice: {names}.",
            stacklevel=3,
        )
    return kept


def read_strips(strips: Sequence[Strip], *, skip_bad: bool = False) -> tuple[list[Strip], list[np.ndarray]]:
    """Read several strips.

    Parameters
    ----------
    strips : sequence of Strip
        Strips to read; their masks are checked as well.
    skip_bad : bool
        Leave bad files out, with one warning that counts them.

    Returns
    -------
    strips : list of Strip
        Those that could be read.
    images : list of ndarray, each of shape (256, W)
        Their pictures, uint8.

    Raises
    ------
    InputError
        If a file cannot be read and `skip_bad` is False; the message names it.

    Examples
    --------
    >>> read_strips([])
    ([], [])
    """
    kept, images, bad = [], [], []
    for strip in _check_strips(strips):
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
    """Split whole strips at random into a training set and a test set.

    Tiles of one strip are more alike than tiles of two strips. A split by tile would put near copies of the test
    tiles into the training set.

    Parameters
    ----------
    strips : sequence of Strip
        Strips of one or more fabrics, in any order. Each picture counts once, see `distinct_strips`.
    share : float
        Share of each fabric's strips in the training set, 0 to 1; each set gets at least one strip of each fabric.
    seed : int
        0 to 2**32 - 1; the same seed gives the same split.

    Returns
    -------
    training, test : list of Strip

    Raises
    ------
    InputError
        If the share or the seed is out of range, or a fabric has fewer than two strips.

    Examples
    --------
    >>> strips = [Strip(f"000{i}_000_02", "02", "000", Path()) for i in range(4)]
    >>> training, test = split_strips(strips)
    >>> len(training), len(test)
    (3, 1)
    """
    check_number("share", share, "(0, 1)", example=0.7)
    seed = check_seed(seed)
    training, test = [], []
    strips = distinct_strips(sorted(_check_strips(strips), key=lambda s: s.id))
    for fabric in sorted({s.fabric for s in strips}):
        own = [s for s in strips if s.fabric == fabric]
        if len(own) < 2:
            raise InputError(
                f"Fabric {fabric} has {len(own)} strip to split: at least two are needed, one for each set."
            )
        order = np.random.default_rng([seed, int(fabric)]).permutation(len(own))
        cut = min(max(round(share * len(own)), 1), len(own) - 1)
        training += [own[i] for i in sorted(order[:cut])]
        test += [own[i] for i in sorted(order[cut:])]
    return training, test


def _key(name: re.Match) -> tuple[str, str, str]:
    """Return number, code of three digits, and fabric: one strip is named `0018_00_01` instead of `0018_000_01`."""
    return name["number"], name["code"].rjust(3, "0"), name["fabric"]


def _check_strips(strips: Sequence[Strip]) -> list[Strip]:
    if isinstance(strips, (str, bytes)) or not isinstance(strips, Iterable) or hasattr(strips, "shape"):
        raise InputError(f"strips is {shown(strips)}, expected a list of strips, for example of list_strips(root).")
    strips = list(strips)
    if wrong := [strip for strip in strips if not isinstance(strip, Strip)]:
        raise InputError(f"strips contains {shown(wrong[0])}, expected strips, for example of list_strips(root).")
    return strips
